//! Bounded queues between threads, which take memory for what waits in them and not for what might. The standard library's bounded ones
//! make all their places at once; a server in which nobody is would hold some 10 MB for them. Memory comes for 31 at a time.
//! Nobody waits to send.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use std::time::Duration;

/// A queue in which at most `max` wait.
#[must_use]
pub fn bounded<T>(max: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (Sender { sender, waiting: waiting.clone(), max }, Receiver { receiver, waiting })
}

/// The end that puts things in.
#[derive(Debug)]
pub struct Sender<T> {
    sender: mpsc::Sender<T>,
    waiting: Arc<AtomicUsize>,
    max: usize,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { sender: self.sender.clone(), waiting: self.waiting.clone(), max: self.max }
    }
}

impl<T> Sender<T> {
    /// Puts it in.
    ///
    /// # Errors
    /// The queue is full, or nobody takes anything out any more. Either gives it back.
    pub fn try_send(&self, what: T) -> Result<(), TrySendError<T>> {
        // Its place comes first, so that the other end never counts below zero.
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(TrySendError::Full(what));
        }
        self.sender.send(what).map_err(|SendError(what)| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            TrySendError::Disconnected(what)
        })
    }
}

/// The end that takes things out.
#[derive(Debug)]
pub struct Receiver<T> {
    receiver: mpsc::Receiver<T>,
    waiting: Arc<AtomicUsize>,
}

impl<T> Receiver<T> {
    /// The first, as soon as there is one.
    ///
    /// # Errors
    /// Nobody can put anything in any more.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.receiver.recv().map(|what| self.took(what))
    }

    /// The first, if it comes in time.
    ///
    /// # Errors
    /// It does not, or nobody can put anything in any more.
    pub fn recv_timeout(&self, patience: Duration) -> Result<T, RecvTimeoutError> {
        self.receiver.recv_timeout(patience).map(|what| self.took(what))
    }

    /// The first, if there is one.
    ///
    /// # Errors
    /// There is none, or nobody can put anything in any more.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receiver.try_recv().map(|what| self.took(what))
    }

    /// All that are there.
    pub fn try_iter(&self) -> impl Iterator<Item = T> + '_ {
        self.receiver.try_iter().map(|what| self.took(what))
    }

    fn took(&self, what: T) -> T {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        what
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_wait_and_no_more() {
        let (sender, receiver) = bounded(2);
        assert_eq!((sender.try_send(1), sender.try_send(2)), (Ok(()), Ok(())));
        assert_eq!(sender.clone().try_send(3), Err(TrySendError::Full(3)));
        assert_eq!(receiver.try_recv(), Ok(1));
        assert_eq!(sender.try_send(4), Ok(()));
        assert_eq!(sender.try_send(5), Err(TrySendError::Full(5)));
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2, 4]);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        assert_eq!(sender.try_send(6), Ok(()));
        assert_eq!(receiver.recv(), Ok(6));
    }

    #[test]
    fn what_nobody_takes_comes_back() {
        let (sender, receiver) = bounded(1);
        drop(receiver);
        assert_eq!(sender.try_send(1), Err(TrySendError::Disconnected(1)));
        assert_eq!(sender.try_send(2), Err(TrySendError::Disconnected(2)));
    }

    #[test]
    fn places_are_given_back_from_another_thread() {
        let (sender, receiver) = bounded(3);
        let taken = std::thread::scope(|scope| {
            let taker = scope.spawn(move || std::iter::from_fn(|| receiver.recv().ok()).collect::<Vec<_>>());
            for number in 0..10_000 {
                let mut what = number;
                while let Err(TrySendError::Full(back)) = sender.try_send(what) {
                    what = back;
                    std::thread::yield_now();
                }
            }
            drop(sender);
            taker.join()
        });
        assert_eq!(taken.ok(), Some((0..10_000).collect()));
    }
}
