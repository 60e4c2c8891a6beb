//! What goes on with the bucket while the server runs: files are sent, the oldest first, and what was deleted is deleted there.

use std::time::Duration;

use store::{CompositionStatus, RecordingStatus, StoredKind, StoredRow, StoredState, Write};
use tokio::time::{Instant, sleep};

use super::limit::{PAUSES, ROUND};
use super::send::{NotSent, Sender, Sent};
use super::{Client, Depot, Problem};
use crate::journal;
use crate::metrics::Metrics;
use crate::shelf::Shelf;
use crate::shelf::files::Kept;
use crate::shelf::keep::listed;
use crate::shutdown::Shutdown;
use crate::studio::Studio;

/// Whose files are sent.
#[derive(Clone)]
pub struct Runner {
    /// Where they go.
    pub depot: Depot,
    /// Recordings.
    pub shelf: Shelf,
    /// Compositions.
    pub studio: Studio,
    /// Who writes down what is where.
    pub journal: journal::Handle,
    /// What is counted.
    pub metrics: Metrics,
}

/// Sends and deletes until the server ends. Without a bucket it returns at once.
pub async fn run(runner: Runner, mut shutdown: Shutdown) {
    let Ok(client) = runner.depot.client().cloned() else { return };
    tokio::select! {
        () = runner.send_all(&client) => {}
        () = runner.delete_all(&client) => {}
        () = shutdown.stopping() => {}
    }
}

/// How long to wait after what could not be done.
struct Pause(Duration);

impl Pause {
    fn first() -> Self {
        Pause(PAUSES.0)
    }

    fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(PAUSES.1);
        now
    }
}

impl Runner {
    async fn send_all(&self, client: &Client) {
        let mut pause = Pause::first();
        loop {
            match self.send_waiting(client).await {
                Ok(()) => {
                    pause = Pause::first();
                    sleep(ROUND).await;
                }
                Err(problem) => {
                    self.metrics.bucket_failures.inc();
                    let pause = pause.next();
                    tracing::warn!(%problem, again_s = pause.as_secs(), "a file cannot be put into the bucket now; it stays here");
                    self.rest(pause).await;
                }
            }
        }
    }

    /// Waits, and goes on counting what comes to wait meanwhile.
    async fn rest(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            sleep(ROUND.min(until.saturating_duration_since(Instant::now()))).await;
            self.show(&self.waiting().await);
        }
    }

    /// Sends what waits, the oldest first. What is wrong with one file alone keeps no other from being sent.
    async fn send_waiting(&self, client: &Client) -> Result<(), NotSent> {
        let mut waiting = self.waiting().await;
        let mut wrong = None;
        self.show(&waiting);
        waiting.reverse();
        let mut pause = Pause::first();
        while let Some((kind, kept)) = waiting.pop() {
            *self.depot.in_hand() = Some(kept.recording);
            let sent = self.send(client, kind, &kept).await;
            *self.depot.in_hand() = None;
            let doomed = self.depot.row(kept.recording).is_some_and(|row| row.state == StoredState::Doomed);
            if doomed {
                self.depot.0.doomed.notify_one();
            }
            match sent {
                // Its file went while it was sent.
                Err(NotSent::File(_)) if doomed => {}
                Err(problem) if problem.is_of_one_file() => {
                    let file = kept.path.display();
                    tracing::warn!(%file, %problem, "this file cannot be put into the bucket now; it stays here");
                    wrong = Some(problem);
                    // If it is said of one after the other it is of all, whatever it is.
                    sleep(pause.next()).await;
                }
                sent => {
                    sent?;
                    pause = Pause::first();
                }
            }
            self.show(&waiting);
        }
        wrong.map_or(Ok(()), Err)
    }

    /// The files that are finished and here, those that were written to longest ago first.
    async fn waiting(&self) -> Vec<(StoredKind, Kept)> {
        let recordings = listed(&self.shelf).await.unwrap_or_default().into_iter().map(|kept| (StoredKind::Recording, kept));
        let films = listed(&self.studio).await.unwrap_or_default().into_iter().map(|kept| (StoredKind::Composition, kept));
        let mut waiting: Vec<_> = recordings.chain(films).filter(|(_, kept)| kept.whole).collect();
        waiting.sort_by_key(|(_, kept)| (kept.changed, kept.recording));
        waiting
    }

    fn show(&self, waiting: &[(StoredKind, Kept)]) {
        let figure = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.bucket_waiting.set(figure(waiting.len() as u64));
        self.metrics.bucket_waiting_bytes.set(figure(waiting.iter().map(|(_, kept)| kept.bytes).sum()));
        self.metrics.bucket_bytes.set(figure(self.depot.bytes()));
    }

    async fn send(&self, client: &Client, kind: StoredKind, kept: &Kept) -> Result<(), NotSent> {
        if !self.is_wanted(kind, kept.recording).await? {
            return Ok(());
        }
        let sender = Sender { depot: &self.depot, client, journal: &self.journal, metrics: &self.metrics };
        let row = sender.announce(kind, kept).await?;
        // Deleted since it was looked at, when nobody knew that it is on its way.
        if !self.is_wanted(kind, kept.recording).await? {
            return self.doom(kept.recording).await;
        }
        let began = std::time::Instant::now();
        if sender.send(row, &kept.path).await? == Sent::There {
            let (id, bytes, ms) = (kept.recording, kept.bytes, began.elapsed().as_millis());
            tracing::info!(id = %format_args!("{id:032x}"), bytes, ms, "a file is in the bucket now");
        }
        Ok(())
    }

    /// Whether the history says that there is such a finished file.
    async fn is_wanted(&self, kind: StoredKind, id: u128) -> Result<bool, NotSent> {
        let wanted = match kind {
            StoredKind::Recording => {
                let row = self.shelf.find(id).await.map_err(NotSent::History)?;
                row.is_some_and(|row| matches!(row.status, RecordingStatus::Completed | RecordingStatus::Failed))
            }
            StoredKind::Composition => {
                let row = self.studio.find(id).await.map_err(NotSent::History)?;
                row.is_some_and(|row| row.status == CompositionStatus::Completed)
            }
        };
        Ok(wanted)
    }

    async fn doom(&self, id: u128) -> Result<(), NotSent> {
        self.journal.write(vec![Write::StoredDoomed { id }]).await.map_err(NotSent::History)?;
        self.depot.doom(id);
        Ok(())
    }

    /// Deletes what is to be deleted, until all of it is.
    async fn delete_all(&self, client: &Client) {
        let mut pause = Pause::first();
        loop {
            match self.delete_doomed(client).await {
                Ok(()) => {
                    pause = Pause::first();
                    self.depot.0.doomed.notified().await;
                }
                Err(problem) => {
                    let pause = pause.next();
                    tracing::warn!(%problem, again_s = pause.as_secs(), "what was deleted cannot be deleted from the bucket now");
                    sleep(pause).await;
                }
            }
        }
    }

    async fn delete_doomed(&self, client: &Client) -> Result<(), NotSent> {
        let mut wrong = None;
        for row in self.depot.doomed() {
            if !client.has(&row.address) {
                continue;
            }
            match delete(client, &row).await {
                Ok(()) => self.forget(&row).await?,
                Err(problem) if problem.is_of_all() => return Err(problem.into()),
                // One that may not be deleted, as under a lock, keeps no other.
                Err(problem) => {
                    tracing::warn!(address = row.address, %problem, "this file cannot be deleted from the bucket now");
                    wrong = Some(problem);
                }
            }
        }
        wrong.map_or(Ok(()), |problem| Err(problem.into()))
    }

    async fn forget(&self, row: &StoredRow) -> Result<(), NotSent> {
        self.journal.write(vec![Write::StoredGone { id: row.id }]).await.map_err(NotSent::History)?;
        self.depot.forget(row.id);
        tracing::info!(id = %format_args!("{:032x}", row.id), "a file is deleted from the bucket");
        Ok(())
    }
}

async fn delete(client: &Client, row: &StoredRow) -> Result<(), Problem> {
    if let Some(upload) = &row.upload {
        client.abort(&row.address, upload).await?;
    }
    client.delete(&row.address).await
}
