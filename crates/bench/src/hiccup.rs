//! How often this machine leaves a thread waiting that should run: a thread that sleeps 1 ms and notes by how much it overslept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::histogram::Histogram;

/// How long the thread sleeps.
const NAP: Duration = Duration::from_millis(1);

/// The p99 from which on nothing that was measured of delay is worth anything.
pub const HICCUP_MAX: Duration = Duration::from_millis(5);

/// The thread; ends when dropped.
pub struct Meter {
    seen: Arc<Mutex<Histogram>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Meter {
    /// Starts to measure.
    pub fn start() -> Self {
        let (seen, stop) = (Arc::<Mutex<Histogram>>::default(), Arc::<AtomicBool>::default());
        let (notes, ended) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = thread::spawn(move || nap(&notes, &ended));
        Meter { seen, stop, thread: Some(thread) }
    }

    /// By how much the naps were too long since this was last called.
    pub fn take(&self) -> Histogram {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn nap(seen: &Mutex<Histogram>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        thread::sleep(NAP);
        let over = start.elapsed().saturating_sub(NAP);
        seen.lock().unwrap_or_else(PoisonError::into_inner).add(over);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
