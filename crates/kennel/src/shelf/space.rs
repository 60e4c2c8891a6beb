//! Whether there is room for a recording to begin.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use media::limit::RECORD_SPACE_BEGIN_BYTES;

use super::Shelf;
use crate::shutdown::Shutdown;

/// How often it is looked for those who cannot wait for the disk.
const LOOK: Duration = Duration::from_secs(2);

const MEBIBYTE: u64 = 1024 * 1024;

/// Whether there was no room for a recording to begin a moment ago.
#[derive(Clone, Debug, Default)]
pub struct Full(Arc<AtomicBool>);

impl Full {
    /// Whether there was none.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Keeps it up to date until the server ends. A disk that does not answer is waited for, and the end is not delayed by it.
    pub async fn keep(self, shelf: Shelf, shutdown: Shutdown) {
        let look = || {
            let shelf = shelf.clone();
            async move { shelf.missing_bytes().await }
        };
        self.follow(look, shutdown).await;
    }

    async fn follow<F: Future<Output = Option<u64>>>(self, mut missing: impl FnMut() -> F, mut shutdown: Shutdown) {
        let looking = async {
            loop {
                self.0.store(missing().await.is_some(), Relaxed);
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = looking => {}
            () = shutdown.stopping() => {}
        }
    }
}

impl Shelf {
    /// How many bytes are missing for a recording to begin; none: there is room, or nobody knows, and then writing shows it.
    pub async fn missing_bytes(&self) -> Option<u64> {
        let files = self.files().clone();
        let disk = tokio::task::spawn_blocking(move || files.space()).await;
        disk.ok().and_then(Result::ok).and_then(|disk| missing(disk.free))
    }
}

/// Says so to whoever wanted to record.
#[must_use]
pub fn words(missing: u64) -> String {
    let (needed, short) = (RECORD_SPACE_BEGIN_BYTES / MEBIBYTE, missing.div_ceil(MEBIBYTE));
    format!(
        "The disk for recordings is too full: {needed} MiB must be free for one to begin, and {short} MiB are missing. \
         Delete recordings, or give Kennel a folder on a larger disk."
    )
}

fn missing(free: u64) -> Option<u64> {
    RECORD_SPACE_BEGIN_BYTES.checked_sub(free).filter(|missing| *missing > 0)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::shutdown;

    #[tokio::test(start_paused = true)]
    async fn it_follows_the_disk() {
        let (stopper, shutdown) = shutdown::channel();
        let (full, disk) = (Full::default(), Arc::new(AtomicBool::new(true)));
        let seen = Arc::clone(&disk);
        let keeping = tokio::spawn(full.clone().follow(move || ready(seen.load(Relaxed).then_some(1)), shutdown));
        for is_full in [true, false, true] {
            disk.store(is_full, Relaxed);
            tokio::time::sleep(2 * LOOK).await;
            assert_eq!(full.is_full(), is_full);
        }
        stopper.stop();
        keeping.await.expect("it ends");
    }

    #[tokio::test]
    async fn a_disk_that_hangs_delays_no_end() {
        let (stopper, shutdown) = shutdown::channel();
        let keeping = tokio::spawn(Full::default().follow(pending, shutdown));
        stopper.stop();
        keeping.await.expect("it ends");
    }

    #[test]
    fn what_is_missing_is_counted() {
        assert_eq!(missing(RECORD_SPACE_BEGIN_BYTES - 4_321), Some(4_321));
        assert_eq!([missing(RECORD_SPACE_BEGIN_BYTES), missing(u64::MAX)], [None; 2]);
        assert!(words(4_321).contains("1024 MiB must be free for one to begin, and 1 MiB are missing"));
    }
}
