//! The signals that end a run before it is through: SIGINT, SIGTERM and SIGHUP. They are noted, and whoever works looks here, so that servers
//! and folders are taken away as at any other end.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// The signals that are noted.
const ENDS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The last one that came; 0 before any.
static CAUGHT: AtomicI32 = AtomicI32::new(0);

/// Notes signals from now on. What is ignored by who started this (`nohup`) stays so.
///
/// # Errors
/// What the system says.
pub fn watch() -> io::Result<()> {
    let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
    for one in ENDS.into_iter().filter(|one| ignored & mask(*one) == 0) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut stream = {
            let _inside = runtime.enter();
            signal(SignalKind::from_raw(one as i32))?
        };
        thread::spawn(move || {
            runtime.block_on(async {
                while stream.recv().await.is_some() {
                    CAUGHT.store(one as i32, Ordering::Relaxed);
                }
            });
        });
    }
    Ok(())
}

/// The signal that ended the run, if one did.
pub fn caught() -> Option<Signal> {
    Signal::try_from(CAUGHT.load(Ordering::Relaxed)).ok()
}

/// Whether to go on.
///
/// # Errors
/// A signal came ([`io::ErrorKind::Interrupted`]).
pub fn check() -> io::Result<()> {
    let why = |one: Signal| io::Error::new(io::ErrorKind::Interrupted, format!("it was stopped by {}", one.as_str()));
    caught().map(why).map_or(Ok(()), Err)
}

/// The signals that a process ignores, by its `status` (`proc(5)`).
fn ignored(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

fn mask(one: Signal) -> u64 {
    1 << (one as i32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_by_its_bit() {
        let of = ignored("Name:\tbench\nSigIgn:\t0000000000001003\nSigCgt:\t0\n");
        assert_eq!(ENDS.map(|one| of & mask(one) != 0), [true, false, true]);
        assert_eq!(ignored(""), 0);
    }
}
