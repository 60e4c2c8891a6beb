//! Takes one composition after the other: the oldest first whose recordings have all ended.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use compose::Progress;
use store::{CompositionRow, CompositionStatus, Problem, RecordingRow, Write};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::keep::clear;
use super::limit::{ATTEMPTS_MAX, NOTED_GAP, PAUSE, ROUND, SPACE_BEGIN_BYTES, SPACE_LEAST_BYTES, TOLD_PERCENT};
use super::material::Material;
use super::wish::Part;
use super::work::{Ended, Job, Maker, Share};
use super::{Current, Studio, Waits, fit, hooks, material, tell, wish};
use crate::bucket;
use crate::clock;
use crate::metrics::Metrics;
use crate::rest::rows;
use crate::shutdown::Shutdown;

/// Makes compositions until the server ends. What is being made then waits again.
pub async fn run(studio: Studio, maker: Maker, share: Share, metrics: Metrics, mut shutdown: Shutdown) {
    clear(&studio).await;
    let runner = Runner { studio, maker, share, metrics };
    loop {
        let pause = match runner.round(&mut shutdown).await {
            Ok(true) => continue,
            Ok(false) => ROUND,
            Err(problem) => {
                tracing::warn!(%problem, "compositions cannot be looked up or written down now");
                PAUSE
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = runner.studio.0.wake.notified() => {}
            () = runner.studio.0.journal.ended() => {}
            () = shutdown.stopping() => return,
        }
    }
}

struct Runner {
    studio: Studio,
    maker: Maker,
    share: Share,
    metrics: Metrics,
}

/// What is done next.
enum Next {
    Make(Box<CompositionRow>, Vec<RecordingRow>),
    /// It cannot be made.
    Fail(Box<CompositionRow>, &'static str),
    Nothing,
}

impl Runner {
    /// Does what is next; false, if there is nothing.
    async fn round(&self, shutdown: &mut Shutdown) -> Result<bool, Problem> {
        hooks::run(&self.studio).await?;
        if shutdown.is_stopping() {
            return Ok(false);
        }
        match self.next().await? {
            Next::Nothing => Ok(false),
            Next::Fail(row, why) => self.fail(&row, why, shutdown).await.map(|()| true),
            Next::Make(row, recordings) => self.make(&row, recordings, shutdown).await.map(|()| true),
        }
    }

    async fn next(&self) -> Result<Next, Problem> {
        let waiting = self.studio.0.store.compositions_waiting(&self.studio.0.account).await?;
        self.show_waiting(waiting.len());
        let mut waits = self.going_on(&waiting).await?;
        let next = self.first_of(waiting, &mut waits).await;
        self.studio.note_waits(waits);
        next
    }

    /// Which of these wait for recordings that go on.
    async fn going_on(&self, waiting: &[CompositionRow]) -> Result<HashMap<u128, Waits>, Problem> {
        let is_left = |recording| self.studio.0.journal.is_left(recording);
        let (mut waits, mut known) = (HashMap::new(), HashMap::new());
        for row in waiting {
            let of = (row.room, Part::read(&row.parameters));
            let running = match known.get(&of) {
                Some(running) => *running,
                None => {
                    let filter = material::filter(row.room, &row.room_name, &of.1);
                    let running = material::is_running(self.place(&is_left), filter, &of.1).await?;
                    known.insert(of, running);
                    running
                }
            };
            if running {
                waits.insert(row.id, Waits::Recording);
            }
        }
        Ok(waits)
    }

    /// What is done with the first of these that need not wait.
    async fn first_of(&self, waiting: Vec<CompositionRow>, waits: &mut HashMap<u128, Waits>) -> Result<Next, Problem> {
        let is_left = |recording| self.studio.0.journal.is_left(recording);
        let (mut space, mut away) = (None, false);
        for row in waiting {
            if row.attempts >= ATTEMPTS_MAX {
                return Ok(Next::Fail(Box::new(row), "Kennel ended while it was made, three times"));
            }
            if waits.contains_key(&row.id) {
                continue;
            }
            let part = Part::read(&row.parameters);
            let filter = material::filter(row.room, &row.room_name, &part);
            let material = material::of(self.place(&is_left), filter, &part).await?;
            // One that began just now.
            if material.running {
                waits.insert(row.id, Waits::Recording);
                continue;
            }
            if material.made.is_empty() {
                return Ok(Next::Fail(Box::new(row), nothing(&material)));
            }
            let has_space = match space {
                Some(has_space) => has_space,
                None => *space.insert(self.has_space().await),
            };
            if !has_space {
                waits.insert(row.id, Waits::Disk);
                continue;
            }
            // A bucket that is away is asked once, and keeps those waiting only that need it.
            if (away && self.is_afar(&material.made)) || !self.has_bucket(&material.made).await {
                away = true;
                waits.insert(row.id, Waits::Bucket);
                continue;
            }
            return Ok(Next::Make(Box::new(row), material.made));
        }
        Ok(Next::Nothing)
    }

    fn place<'a>(&'a self, is_left: &'a (dyn Fn(u128) -> bool + Sync)) -> material::Place<'a> {
        material::Place { store: &*self.studio.0.store, account: &self.studio.0.account, is_left }
    }

    fn is_afar(&self, recordings: &[RecordingRow]) -> bool {
        recordings.iter().any(|row| self.studio.0.shelf.files().is_afar(row.id))
    }

    async fn has_space(&self) -> bool {
        let files = self.studio.files().clone();
        let space = tokio::task::spawn_blocking(move || files.space()).await;
        let free = space.ok().and_then(Result::ok).map_or(0, |space| space.free);
        if free < SPACE_BEGIN_BYTES {
            tracing::warn!(free, "compositions wait: their disk has less than 2 GiB left");
        }
        free >= SPACE_BEGIN_BYTES
    }

    /// Whether those of these that are in the bucket can be read now: a film without them would be worth little.
    async fn has_bucket(&self, recordings: &[RecordingRow]) -> bool {
        let files = self.studio.0.shelf.files();
        let Some(one) = recordings.iter().find(|row| files.is_afar(row.id)) else { return true };
        match files.reach(one.id).await {
            Ok(()) | Err(bucket::Problem::Missing) => true,
            Err(problem) => {
                tracing::warn!(%problem, "compositions wait: what they are made of is in the bucket, which cannot be read now");
                false
            }
        }
    }

    fn show_waiting(&self, count: usize) {
        self.metrics.compositions_waiting.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    async fn make(&self, row: &CompositionRow, recordings: Vec<RecordingRow>, shutdown: &mut Shutdown) -> Result<(), Problem> {
        let order = wish::order_of(&rows::wish(&row.parameters, None), &Part::read(&row.parameters), &recordings);
        let Ok(order) = order else { return self.fail(row, "what was asked for cannot be read any more", shutdown).await };
        // Deleted since it was chosen.
        if self.is_deleted(row.id).await? {
            return Ok(());
        }
        // A hook asks the same of rooms in which somebody shared a screen and of those in which nobody did.
        if let Some(misfit) = fit::misfit(&order, &recordings).filter(|_| row.hook.is_none()) {
            return self.fail(row, &misfit.words(), shutdown).await;
        }
        let started = Write::CompositionStarted { composition: row.id, at_ms: clock::unix_ms() };
        let stop = Arc::<AtomicBool>::default();
        *self.studio.current() = Some(Current { composition: row.id, stop: Arc::clone(&stop), left_s: None });
        let outcome = match self.studio.0.journal.write(vec![started]).await {
            Ok(()) => self.work(row, order, recordings, &stop, shutdown).await,
            Err(problem) => Err(problem),
        };
        *self.studio.current() = None;
        if let Err(Problem::Unavailable(_) | Problem::Unusable(_)) = outcome
            && let Err(problem) = self.put_back(row.id).await
        {
            tracing::warn!(%problem, "that a composition was not made cannot be written down");
        }
        outcome
    }

    /// Lets it wait again, as if it had not been begun. Of one that has ended by now it says nothing.
    async fn put_back(&self, composition: u128) -> Result<(), Problem> {
        self.studio.0.journal.write(vec![Write::CompositionPutBack { composition, at_ms: clock::unix_ms() }]).await
    }

    async fn work(
        &self,
        row: &CompositionRow,
        order: compose::Order,
        recordings: Vec<RecordingRow>,
        stop: &Arc<AtomicBool>,
        shutdown: &mut Shutdown,
    ) -> Result<(), Problem> {
        // Deleted since it was looked at, when nobody was told to stop: of such a one nobody is told either.
        if self.is_deleted(row.id).await? {
            return Ok(());
        }
        if row.attempts == 0 {
            self.studio.0.journal.write(vec![tell::started(row, clock::unix_ms())]).await?;
        }
        let job = Job {
            order,
            recordings,
            shelf: self.studio.0.shelf.files().clone(),
            sealing: self.studio.files().sealing().clone(),
            whole: self.studio.files().finished(row.id, &row.container),
            part: self.studio.files().unfinished(row.id, &row.container),
            space_least: SPACE_LEAST_BYTES,
            stop: Arc::clone(stop),
        };
        let ended = self.watch(row, job, stop, shutdown).await;
        match ended {
            Ended::Made(made) => {
                let why =
                    if made.damaged > 0 { format!("{} of its recordings are damaged", made.damaged) } else { String::new() };
                let (composition, at_ms, duration_ms, bytes) = (row.id, clock::unix_ms(), made.duration_ms, made.bytes);
                let done = Write::CompositionCompleted { composition, at_ms, duration_ms, bytes, why };
                let end = self.settle(row, vec![done, tell::available(row, at_ms, duration_ms, bytes)], shutdown).await?;
                if end == CompositionStatus::Completed {
                    self.metrics.compositions_made.inc();
                    tracing::info!(composition = %format_args!("CJ{composition:032x}"), bytes, "a composition is there");
                }
                Ok(())
            }
            Ended::Failed(why) => self.fail(row, &why, shutdown).await,
            Ended::Stopped if self.is_deleted(row.id).await? => Ok(()),
            Ended::Stopped => self.put_back(row.id).await,
        }
    }

    /// Runs the thread and writes down how far it is, until it has ended.
    async fn watch(&self, row: &CompositionRow, job: Job, stop: &AtomicBool, shutdown: &mut Shutdown) -> Ended {
        let (news, mut heard) = watch::channel(Progress::default());
        let (maker, share) = (Arc::clone(&self.maker), Arc::clone(&self.share));
        let (end, mut ended) = tokio::sync::oneshot::channel();
        let folder = self.studio.files().clone();
        let started = thread::Builder::new().name("compose".to_owned()).spawn(move || {
            // Without it the file cannot be made, which is told then.
            let _ = folder.make();
            let tell = |progress| {
                let _ = news.send(progress);
            };
            let _ = end.send(job.run(&maker, &share, tell));
        });
        if let Err(problem) = started {
            return Ended::Failed(format!("the system gives no thread: {problem}"));
        }
        let (mut notes, mut rounds) = (Notes::start(), interval(ROUND));
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                outcome = &mut ended => return outcome.unwrap_or_else(|_| Ended::Failed("a defect of Kennel ended it".to_owned())),
                Ok(()) = heard.changed() => {
                    let progress = *heard.borrow_and_update();
                    self.note(row, notes.of(progress, Instant::now())).await;
                }
                () = self.studio.0.journal.ended() => self.look().await,
                () = self.studio.0.wake.notified() => self.look().await,
                _ = rounds.tick() => self.look().await,
                () = shutdown.stopping(), if !stop.load(Relaxed) => stop.store(true, Relaxed),
            }
        }
    }

    /// Does what is not to wait until a film is made: hooks ask when rooms end, and what others wait for is seen.
    async fn look(&self) {
        let looked = async {
            hooks::run(&self.studio).await?;
            let waiting = self.studio.0.store.compositions_waiting(&self.studio.0.account).await?;
            self.studio.note_waits(self.going_on(&waiting).await?);
            Ok::<_, Problem>(waiting.len())
        };
        match looked.await {
            Ok(waiting) => self.show_waiting(waiting),
            Err(problem) => tracing::warn!(%problem, "hooks of compositions cannot be looked up now"),
        }
    }

    /// Progress that cannot be written down is not worth ending for.
    async fn note(&self, row: &CompositionRow, note: Option<Note>) {
        let Some(note) = note else { return };
        if let Some(current) = self.studio.current().as_mut() {
            current.left_s = Some(note.remaining_s);
        }
        let (at_ms, percent) = (clock::unix_ms(), note.percent);
        let mut writes = vec![Write::CompositionProgress { composition: row.id, at_ms, percent }];
        if let Some(told) = note.told {
            writes.push(tell::progress(row, at_ms, told, note.remaining_s));
        }
        if let Err(problem) = self.studio.0.journal.write(writes).await {
            tracing::warn!(%problem, "how far a composition is cannot be written down");
        }
    }

    async fn fail(&self, row: &CompositionRow, why: &str, shutdown: &mut Shutdown) -> Result<(), Problem> {
        tracing::warn!(composition = %format_args!("CJ{:032x}", row.id), why, "a composition cannot be made");
        let at_ms = clock::unix_ms();
        let failed = Write::CompositionFailed { composition: row.id, at_ms, why: why.to_owned() };
        let end = self.settle(row, vec![failed, tell::failed(row, at_ms, why)], shutdown).await?;
        self.metrics.compositions_failed.inc_by(u64::from(end == CompositionStatus::Failed));
        Ok(())
    }

    /// Writes how it ended, unless it was deleted meanwhile: then its file goes, and nobody is told. A database that does not answer is
    /// asked again until the server ends, for the film may have taken hours. Returns how it ended.
    async fn settle(
        &self,
        row: &CompositionRow,
        writes: Vec<Write>,
        shutdown: &mut Shutdown,
    ) -> Result<CompositionStatus, Problem> {
        // Whoever deletes it from here on sees that nobody makes it any more.
        *self.studio.current() = None;
        let end = loop {
            match self.try_to_settle(row.id, &writes).await {
                Err(problem @ (Problem::Unavailable(_) | Problem::Unusable(_))) if !shutdown.is_stopping() => {
                    tracing::warn!(%problem, "how a composition ended cannot be written down now");
                }
                outcome => break outcome?,
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = shutdown.stopping() => {}
            }
        };
        if end == CompositionStatus::Deleted
            && let Err(problem) = self.studio.unlink(row.id).await
        {
            tracing::warn!(%problem, "the file of a deleted composition cannot be deleted");
        }
        Ok(end)
    }

    async fn try_to_settle(&self, composition: u128, writes: &[Write]) -> Result<CompositionStatus, Problem> {
        // What was too late to be heard of is written by then, and nobody is told twice.
        self.studio.0.journal.flush().await?;
        if let CompositionStatus::Enqueued | CompositionStatus::Processing = self.status(composition).await? {
            self.studio.0.journal.write(writes.to_vec()).await?;
        }
        self.status(composition).await
    }

    async fn is_deleted(&self, composition: u128) -> Result<bool, Problem> {
        Ok(self.status(composition).await? == CompositionStatus::Deleted)
    }

    async fn status(&self, composition: u128) -> Result<CompositionStatus, Problem> {
        let row = self.studio.find(composition).await?;
        Ok(row.ok_or_else(|| Problem::Misused("a composition that is made is not there".to_owned()))?.status)
    }
}

/// Why there is nothing to make one of.
fn nothing(material: &Material) -> &'static str {
    if material.locked {
        "its recordings were cut off, and their key or their disk was not there when Kennel started"
    } else if material.gone {
        "nothing is left of its recordings"
    } else {
        "its recordings were deleted"
    }
}

/// What of all progress is worth to be written down.
struct Notes {
    /// When the first of it was made, and how much that was: before that, recordings may be read for long.
    began: Option<(Instant, u128)>,
    noted: Option<(u32, Instant)>,
    told: u32,
}

struct Note {
    percent: u32,
    /// In tens, if somebody is to be told.
    told: Option<u32>,
    remaining_s: u64,
}

impl Notes {
    fn start() -> Self {
        Notes { began: None, noted: None, told: 0 }
    }

    fn of(&mut self, progress: Progress, now: Instant) -> Option<Note> {
        let (done, total) = (progress.done.as_millis(), progress.total.as_millis());
        let percent = progress.percent();
        if done > 0 && self.began.is_none() {
            self.began = Some((now, done));
        }
        let tens = percent / TOLD_PERCENT * TOLD_PERCENT;
        // That all is made is told by the file.
        let told = Some(tens).filter(|tens| *tens > self.told && *tens < 100);
        let fresh = self.noted.is_none_or(|(last, at)| percent > last && now.saturating_duration_since(at) >= NOTED_GAP);
        if told.is_none() && !(fresh && percent > 0) {
            return None;
        }
        self.noted = Some((percent, now));
        self.told = told.unwrap_or(self.told);
        let left = total.saturating_sub(done);
        let (began, before) = self.began.unwrap_or((now, done));
        let (passed, made) = (now.saturating_duration_since(began).as_millis(), done.saturating_sub(before));
        let remaining_s = u64::try_from(passed * left / made.max(1) / 1000).unwrap_or(u64::MAX);
        Some(Note { percent, told, remaining_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn tens_are_told_and_what_is_between_is_noted_now_and_then() {
        let (mut notes, began) = (Notes::start(), Instant::now());
        let mut check = |at_ms: u64, made_s: u64, expected: Option<(u32, Option<u32>, u64)>| {
            let progress = Progress { done: Duration::from_secs(made_s), total: Duration::from_secs(1_000), finished: false };
            let note = notes.of(progress, began + Duration::from_millis(at_ms));
            assert_eq!(note.map(|note| (note.percent, note.told, note.remaining_s)), expected, "{at_ms} {made_s}");
        };
        // Recordings are read for an hour up to where it begins.
        check(0, 0, None);
        check(3_600_000, 1, None);
        check(3_601_000, 11, Some((1, None, 98)));
        check(3_601_500, 21, None);
        check(3_602_000, 21, Some((2, None, 97)));
        check(3_602_100, 91, None);
        check(3_603_000, 121, Some((12, Some(10), 21)));
        check(3_603_100, 311, Some((31, Some(30), 6)));
        check(3_603_200, 391, None);
        check(3_609_000, 1_000, Some((100, None, 0)));
    }
}
