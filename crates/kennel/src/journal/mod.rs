//! What happens in the rooms becomes history: the hub notes facts and never waits; one task turns them into rows and callbacks and writes
//! whatever has gathered in one transaction. So a row and the callback that tells of it are there together or not at all.

mod book;
pub mod recover;
mod reel;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use room::Fact;
use store::{Problem, Store, Write};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, interval, sleep, timeout};

pub use book::{Book, Teller};

use crate::clock;
use crate::metrics::Metrics;

/// Facts that wait to be written. Beyond it, with a database that has not answered for long, facts are lost, counted and complained of:
/// rooms go on all the same.
const WAITING_MAX: usize = 65_536;

/// Entries that become one transaction.
const BATCH_MAX: usize = 512;

/// How long whoever waits for a write waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before trying a refused transaction again, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How often it is written down that the program runs, while rooms are in progress: how exact the ends of rooms are that ended by a crash.
const ALIVE: Duration = Duration::from_secs(5);

/// How others speak to the journal. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    queue: mpsc::Sender<Entry>,
    failing: Arc<AtomicBool>,
    ended: Arc<Notify>,
    left: Arc<HashSet<u128>>,
    metrics: Metrics,
}

enum Entry {
    Fact(u64, Fact),
    Writes(Vec<Write>, oneshot::Sender<Result<(), Problem>>),
}

/// What an entry adds to a transaction: all of it or nothing.
struct Part {
    writes: Range<usize>,
    /// Who waits for it; nobody waits for a fact.
    reply: Option<oneshot::Sender<Result<(), Problem>>>,
}

struct Journal {
    store: Arc<dyn Store>,
    book: Book,
    wake: Arc<Notify>,
    ended: Arc<Notify>,
    failing: Arc<AtomicBool>,
    metrics: Metrics,
}

/// Starts the task. It ends when every handle is gone and all is written. `wake` is told when callbacks may wait.
#[must_use]
pub fn start(store: Arc<dyn Store>, book: Book, wake: Arc<Notify>, metrics: Metrics) -> Handle {
    let (queue, entries) = mpsc::channel(WAITING_MAX);
    let (failing, ended) = (Arc::<AtomicBool>::default(), Arc::<Notify>::default());
    let (told, left) = ((Arc::clone(&ended), Arc::clone(&failing)), Arc::new(book.left().clone()));
    let journal = Journal { store, book, wake, ended: told.0, failing: told.1, metrics: metrics.clone() };
    tokio::spawn(journal.run(entries));
    Handle { queue, failing, ended, left, metrics }
}

impl Handle {
    /// Notes that this happened now. Never waits.
    pub fn note(&self, fact: Fact) {
        if self.queue.try_send(Entry::Fact(clock::unix_ms(), fact)).is_err() {
            self.metrics.facts_lost.inc();
            tracing::error!("the database does not keep up; something that happened is missing in the history");
        }
    }

    /// Returns when everything that was noted before is durable.
    ///
    /// # Errors
    /// The database's, or [`Problem::Unavailable`] when it took too long.
    pub async fn flush(&self) -> Result<(), Problem> {
        self.write(Vec::new()).await
    }

    /// Writes this after everything that was noted before, and returns when it is durable.
    ///
    /// # Errors
    /// The database's; or [`Problem::Unavailable`] when it took too long: then it may still be written later.
    pub async fn write(&self, writes: Vec<Write>) -> Result<(), Problem> {
        let (reply, answer) = oneshot::channel();
        let asking = async {
            self.queue.send(Entry::Writes(writes, reply)).await.ok()?;
            answer.await.ok()
        };
        let late = || Problem::Unavailable("it did not answer in time".to_owned());
        timeout(PATIENCE, asking).await.ok().flatten().unwrap_or_else(|| Err(late()))
    }

    /// Returns when a room or a recording has ended since it returned last, and that is written down. For one who waits.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Whether this recording did not end and nobody makes it: this start could not finish its file. A later one may.
    #[must_use]
    pub fn is_left(&self, recording: u128) -> bool {
        self.left.contains(&recording)
    }

    /// Whether the database refuses to write at the moment.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failing.load(Relaxed)
    }
}

impl Journal {
    async fn run(mut self, mut entries: mpsc::Receiver<Entry>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut alive = interval(ALIVE);
        loop {
            tokio::select! {
                count = entries.recv_many(&mut batch, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                    self.settle(batch.drain(..)).await;
                }
                _ = alive.tick() => self.note_alive().await,
            }
        }
    }

    /// Writes all of it and answers those who wait.
    async fn settle(&mut self, entries: impl Iterator<Item = Entry>) {
        let (mut writes, mut parts) = (Vec::new(), Vec::new());
        for entry in entries {
            let from = writes.len();
            let reply = match entry {
                Entry::Fact(at_ms, fact) => {
                    self.book.record(at_ms, &fact, &mut writes);
                    None
                }
                Entry::Writes(more, reply) => {
                    writes.extend(more);
                    Some(reply)
                }
            };
            parts.push(Part { writes: from..writes.len(), reply });
        }
        self.metrics.recordings.set(i64::try_from(self.book.recordings()).unwrap_or(i64::MAX));
        let tells = writes.iter().any(|write| matches!(write, Write::Event(event) if event.callback.is_some()));
        let ends = writes.iter().any(|write| matches!(write, Write::RoomEnded { .. } | Write::RecordingEnded { .. }));
        self.commit(&writes, parts).await;
        if ends {
            self.ended.notify_one();
        }
        if tells {
            self.wake.notify_one();
        }
    }

    /// Tries until the database takes it, all of it together. Where it will never take that, each part is written by itself, so that
    /// nothing is lost with another's; and each is answered with what became of it.
    async fn commit(&self, writes: &[Write], parts: Vec<Part>) {
        let together = self.persist(writes).await;
        let apart = match &together {
            Err(problem) if parts.len() > 1 => {
                tracing::error!(%problem, "a transaction of the history was refused; its parts are tried one by one");
                true
            }
            _ => false,
        };
        let mut noted = Ok(());
        for part in parts {
            let own = writes.get(part.writes).unwrap_or_default();
            let outcome = if apart { self.persist(own).await } else { together.clone() };
            let Some(reply) = part.reply else {
                self.metrics.facts_lost.inc_by(u64::from(outcome.is_err()));
                noted = noted.and(outcome);
                continue;
            };
            // Who has nothing to write asks for what was noted before. Whoever waited may have given up.
            let _ = reply.send(if own.is_empty() { noted.clone() } else { outcome });
        }
    }

    async fn persist(&self, writes: &[Write]) -> Result<(), Problem> {
        if writes.is_empty() {
            return Ok(());
        }
        let (mut pause, since) = (PAUSES.0, Instant::now());
        loop {
            match self.store.write(writes.to_vec()).await {
                Err(problem @ Problem::Unavailable(_)) => {
                    if !self.failing.swap(true, Relaxed) {
                        tracing::error!(%problem, "the history cannot be written; rooms go on, and it is tried again");
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                Err(problem @ Problem::Unusable(_)) => {
                    if !self.failing.swap(true, Relaxed) {
                        tracing::error!(%problem, "the history cannot be written; rooms go on, and what happens is missing in it");
                    }
                    return Err(problem);
                }
                outcome => {
                    if self.failing.swap(false, Relaxed) {
                        tracing::info!(after_ms = since.elapsed().as_millis(), "the history is written again");
                    }
                    self.metrics.journal_writes.inc_by(u64::try_from(writes.len()).unwrap_or(u64::MAX));
                    return outcome;
                }
            }
        }
    }

    /// Also finds out whether a database that was damaged can be written again, when nothing happens that would be written.
    async fn note_alive(&self) {
        if self.book.is_empty() && !self.failing.load(Relaxed) {
            return;
        }
        match self.store.write(vec![Write::Alive { at_ms: clock::unix_ms() }]).await {
            Ok(()) if self.failing.swap(false, Relaxed) => tracing::info!("the history is written again"),
            Ok(()) => {}
            Err(problem) => tracing::warn!(%problem, "the history cannot be written"),
        }
    }
}
