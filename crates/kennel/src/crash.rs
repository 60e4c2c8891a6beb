//! What the media server was handling when something in it panicked, kept in the data folder so that it can be made a test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use media::crash::{Crash, Witness};

use crate::clock;
use crate::keyring::files;
use crate::metrics::Metrics;

/// Files that are kept. One more: the oldest goes.
pub const CRASH_FILES_MAX: usize = 16;

/// Panics that wait to be written down. One more is only counted.
const CRASHES_WAITING_MAX: usize = 4;

/// The folder, in the data folder.
const FOLDER: &str = "crash";

/// Writes down what was being handled, on a thread of its own that ends with the last witness: whoever hears of a panic must not wait.
///
/// # Errors
/// The system gives no thread.
pub fn witness(data: &Path, metrics: &Metrics) -> io::Result<Witness> {
    let (sender, crashes) = sync_channel(CRASHES_WAITING_MAX);
    let (folder, metrics) = (data.join(FOLDER), metrics.clone());
    thread::Builder::new().name("crashes".into()).spawn(move || keep(&folder, &crashes, &metrics))?;
    Ok(Witness(Some(Arc::new(move |crash| hear(&sender, crash)))))
}

fn hear(sender: &SyncSender<Crash>, crash: Crash) {
    if sender.try_send(crash).is_err() {
        tracing::error!("a panic in the media server came too soon after others to be written down");
    }
}

fn keep(folder: &Path, crashes: &Receiver<Crash>, metrics: &Metrics) {
    for crash in crashes {
        match write(folder, clock::unix_ms(), &crash) {
            Ok(path) => {
                metrics.crash_files.inc();
                tracing::error!(path = %path.display(), "what the media server was handling when it panicked is kept");
            }
            Err(problem) => tracing::error!(%problem, "what the media server was handling when it panicked is lost"),
        }
    }
}

/// Writes one file, named by the time, and removes the oldest if there are too many.
fn write(folder: &Path, unix_ms: u64, crash: &Crash) -> io::Result<PathBuf> {
    files::make_folder(folder)?;
    let input = if crash.input.is_empty() { "nothing but time\n" } else { &crash.input };
    let text = format!("Kennel {}\npanic: {}\nhandling: {input}", env!("CARGO_PKG_VERSION"), crash.message);
    let mut names: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    let surplus = (names.len() + 1).saturating_sub(CRASH_FILES_MAX);
    names.iter().take(surplus).try_for_each(fs::remove_file)?;
    let free = |path: &PathBuf| !path.exists();
    let path = (unix_ms..).map(|ms| folder.join(format!("{ms:013}.txt"))).find(free).unwrap_or_default();
    files::create(&path, text.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    use super::*;

    fn crash(message: &str) -> Crash {
        Crash { message: message.into(), input: "a datagram of 1 bytes\nff\n".into() }
    }

    #[test]
    fn so_many_are_kept_and_only_their_owner_reads_them() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join(FOLDER);
        let one = |n: usize| write(&folder, 7, &crash(&n.to_string())).expect("written");
        (1..CRASH_FILES_MAX).for_each(|n| drop(one(n)));
        let newest = one(16);
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&newest)), (0o700, 0o600));
        let text = fs::read_to_string(&newest).expect("readable");
        assert!(text.ends_with("panic: 16\nhandling: a datagram of 1 bytes\nff\n"), "{text}");
        let last = write(&folder, 1_000, &crash("last")).expect("written");
        let mut kept: Vec<PathBuf> = fs::read_dir(&folder).expect("is there").map(|entry| entry.expect("one").path()).collect();
        kept.sort();
        assert_eq!((kept.len(), kept.last()), (CRASH_FILES_MAX, Some(&last)));
        assert!(kept.contains(&newest) && !kept.contains(&folder.join("0000000000007.txt")), "the oldest is gone");
    }

    #[test]
    fn what_a_witness_hears_is_written_down_and_counted() {
        let (data, metrics) = (tempfile::tempdir().expect("a folder"), Metrics::new());
        let witness = witness(data.path(), &metrics).expect("a thread");
        let hear = witness.0.expect("an ear");
        hear(crash("one"));
        let patience = Instant::now() + Duration::from_secs(20);
        while metrics.crash_files.get() == 0 && Instant::now() < patience {
            thread::yield_now();
        }
        assert_eq!(fs::read_dir(data.path().join(FOLDER)).expect("is there").count(), 1);
    }
}
