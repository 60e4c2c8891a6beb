//! The one that writes. It takes every batch that waits and makes all of them durable by one commit, each in its own savepoint: a batch
//! that fails takes no other with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::Problem;
use crate::apply::{apply, forget};
use crate::keeper::{Ready, panicked};
use crate::limit::GROUP_MAX;
use crate::link::{Database, Fault, Link};
use crate::row::Write;

/// What belongs together, and who waits for it.
pub(crate) struct Batch {
    pub change: Change,
    pub reply: oneshot::Sender<Result<u64, Problem>>,
}

/// What a batch does.
pub(crate) enum Change {
    /// All of these, in order.
    Writes(Vec<Write>),
    /// [`Store::forget`](crate::Store::forget).
    Forget { ended_before_ms: u64, count: usize },
}

/// The writer's thread.
pub(crate) struct Writer {
    database: Arc<dyn Database>,
    link: Option<Box<dyn Link>>,
}

impl Writer {
    pub(crate) fn new(database: Arc<dyn Database>) -> Self {
        Writer { database, link: None }
    }

    /// Works until nobody can ask any more.
    pub(crate) fn work(mut self, mut batches: mpsc::Receiver<Batch>, ready: Ready) {
        let start = self.connect().map(drop);
        if ready.send(start.clone()).is_err() || start.is_err() {
            return;
        }
        drop(ready);
        while let Some(first) = batches.blocking_recv() {
            let more = std::iter::from_fn(|| batches.try_recv().ok());
            let group: Vec<Batch> = std::iter::once(first).chain(more).take(GROUP_MAX).collect();
            let (changes, replies): (Vec<_>, Vec<_>) = group.into_iter().map(|batch| (batch.change, batch.reply)).unzip();
            for (reply, answer) in replies.into_iter().zip(self.write(&changes)) {
                let _ = reply.send(answer);
            }
        }
    }

    /// Writes a group; one answer for each.
    fn write(&mut self, group: &[Change]) -> Vec<Result<u64, Problem>> {
        match self.write_together(group) {
            Err(fault) if fault.lost && !fault.unsure => self.write_together(group),
            other => other,
        }
        .unwrap_or_else(|fault| self.write_apart(group, &fault))
    }

    /// After a group as a whole did not come through, each is tried by itself: the fault may be one batch's alone. But never what may
    /// have come through.
    fn write_apart(&mut self, group: &[Change], fault: &Fault) -> Vec<Result<u64, Problem>> {
        if group.len() == 1 || fault.unsure || self.link.is_none() {
            return group.iter().map(|_| Err(fault.problem.clone())).collect();
        }
        group.iter().flat_map(|change| self.write(std::slice::from_ref(change))).collect()
    }

    fn write_together(&mut self, group: &[Change]) -> Result<Vec<Result<u64, Problem>>, Fault> {
        let link = self.connect()?;
        let done = catch_unwind(AssertUnwindSafe(|| transact(link, group))).unwrap_or_else(|cause| Err(panicked(cause)));
        if let Err(fault) = &done {
            self.give_up(fault.lost);
        }
        done
    }

    fn connect(&mut self) -> Result<&mut dyn Link, Problem> {
        match &mut self.link {
            Some(link) => Ok(link.as_mut()),
            none => Ok(none.insert(self.database.writer()?).as_mut()),
        }
    }

    /// Ends a transaction that failed.
    fn give_up(&mut self, lost: bool) {
        match &mut self.link {
            Some(link) if !lost => link.rollback(),
            _ => self.link = None,
        }
    }
}

/// All of a group by one commit. An error means that nothing of it was written.
fn transact(link: &mut dyn Link, group: &[Change]) -> Result<Vec<Result<u64, Problem>>, Fault> {
    link.begin()?;
    let mut answers = Vec::with_capacity(group.len());
    for change in group {
        answers.push(in_savepoint(link, change)?);
    }
    link.commit()?;
    Ok(answers)
}

/// One batch. `Ok(Err(…))`: it failed and left nothing behind; `Err`: the whole transaction is gone.
fn in_savepoint(link: &mut dyn Link, change: &Change) -> Result<Result<u64, Problem>, Fault> {
    link.script("SAVEPOINT batch")?;
    let failure = match make(link, change) {
        Ok(count) => return link.script("RELEASE SAVEPOINT batch").map(|()| Ok(count)),
        Err(fault) => fault,
    };
    if failure.lost || !link.in_transaction() {
        return Err(failure);
    }
    link.script("ROLLBACK TO SAVEPOINT batch")?;
    link.script("RELEASE SAVEPOINT batch")?;
    Ok(Err(failure.problem))
}

fn make(link: &mut dyn Link, change: &Change) -> Result<u64, Fault> {
    match change {
        Change::Writes(writes) => writes.iter().try_for_each(|write| apply(link, write)).map(|()| 0),
        Change::Forget { ended_before_ms, count } => forget(link, *ended_before_ms, *count),
    }
}
