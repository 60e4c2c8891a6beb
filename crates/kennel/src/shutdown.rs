//! How every task learns that the program is ending.

use tokio::sync::watch;

/// Starts the end. Dropping it counts as [`Stopper::stop`], so no task can outlive the server unawares.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Tells a task that the program is ending. Cheap to clone; give one to each task.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// A pair: who says stop, and who hears it.
pub fn channel() -> (Stopper, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Shutdown(receiver))
}

impl Stopper {
    /// Asks every holder of a [`Shutdown`] to finish. Saying it twice does no harm.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Whether the end has begun.
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Returns once the end has begun; at once if it already has. Safe to use in `select!`.
    pub async fn stopping(&mut self) {
        // An error means that the stopper is gone, which is an end as well.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stop_reaches_every_clone() {
        let (stopper, shutdown) = channel();
        let mut early = shutdown.clone();
        assert!(!early.is_stopping());
        stopper.stop();
        early.stopping().await;
        let mut late = shutdown.clone();
        late.stopping().await;
        assert!(late.is_stopping());
    }

    #[tokio::test]
    async fn a_dropped_stopper_counts_as_stop() {
        let (stopper, mut shutdown) = channel();
        drop(stopper);
        shutdown.stopping().await;
        assert!(shutdown.is_stopping());
    }
}
