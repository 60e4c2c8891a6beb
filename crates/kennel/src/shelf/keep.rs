//! How long files are kept, recordings and compositions alike, and what a start finds of recordings: rows without files, and files
//! without rows.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use prometheus_client::metrics::gauge::Gauge;
use store::{Page, PageOf, Problem, RecordingFilter, RecordingStatus, Write};
use tokio::time::{MissedTickBehavior, interval};

use super::files::{Files, Kept, MARK};
use super::{NotDeleted, Shelf};
use crate::bucket;
use crate::clock::{self, Now};
use crate::journal;
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;

/// How often is looked for what is kept too long.
const STEP: Duration = Duration::from_secs(60);

/// The wall clock jumped if it went this much more or less than the one that never jumps.
const JUMP: Duration = Duration::from_secs(60);

/// A start so long after the last thing that the history knows of may have a wrong wall clock, too.
const AWAY: Duration = Duration::from_secs(86_400);

/// For how long after a jump nothing is deleted for its age, so that somebody can set the clock right.
const DOUBT: Duration = Duration::from_secs(3_600);

/// Rows that are compared with files at a time.
const ROWS_AT_ONCE: usize = 500;

/// How long and how much is kept. What is not said has no end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// So long after they ended.
    pub age: Option<Duration>,
    /// So many bytes in all; of more, those that ended first go.
    pub bytes: Option<u64>,
}

/// Files that are kept for a while, and what the history knows of them.
#[async_trait]
pub trait Stock: Send + Sync {
    /// What they are, in a word.
    const WHAT: &'static str;

    /// Whether a folder without a mark gets one when nothing is missing in it; else that was settled before.
    const MARKED_HERE: bool;

    /// Their folder.
    fn files(&self) -> &Files;

    /// Who writes down what becomes of them.
    fn journal(&self) -> &journal::Handle;

    /// The figure of their size in all, in bytes.
    fn gauge(metrics: &Metrics) -> &Gauge;

    /// Whether the history knows this one.
    async fn is_known(&self, id: u128) -> Result<bool, Problem>;

    /// Deletes one that it knows, and its file.
    async fn drop_one(&self, id: u128) -> Result<(), NotDeleted>;

    /// Whether the history says that this one has no file any more.
    async fn is_gone(&self, id: u128) -> Result<bool, Problem>;

    /// Deletes the file of one that has none any more.
    async fn unlink(&self, id: u128) -> io::Result<()>;

    /// Those whose files could not be deleted, and those of which the history may say later that they are.
    fn left(&self) -> Vec<u128>;

    /// Those that have files, as the history says, the newest first.
    async fn completed(&self, page: Page) -> Result<PageOf<u128>, Problem>;

    /// Writes down that the files of these are lost.
    async fn lose(&self, ids: &[u128]) -> Result<(), Problem>;
}

/// Settles what a start found, then deletes what is kept too long until the server ends. `last_ms` is the last moment that the history
/// knew of before the start, in milliseconds since 1970 UTC; 0 if it was new.
pub async fn keep<S: Stock>(stock: S, rule: Rule, last_ms: u64, metrics: Metrics, mut shutdown: Shutdown) {
    if let Err(problem) = settle(&stock).await {
        tracing::warn!(what = S::WHAT, %problem, "rows and files cannot be compared now");
    }
    let mut steps = interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rounds = Rounds::start(last_ms);
    loop {
        tokio::select! {
            _ = steps.tick() => rounds.go(&stock, rule, &metrics).await,
            () = shutdown.stopping() => return,
        }
    }
}

/// Looks for what is kept too long.
pub struct Rounds {
    known: Known,
    clocks: Clocks,
}

impl Rounds {
    /// Before the first, after a history that ended at this time, in milliseconds since 1970 UTC; 0: there was none.
    #[must_use]
    pub fn start(last_ms: u64) -> Self {
        Rounds { known: Known::default(), clocks: Clocks::start(clock::now(), last_ms) }
    }

    /// Deletes what is kept too long now, and what could not be deleted before.
    pub async fn go<S: Stock>(&mut self, stock: &S, rule: Rule, metrics: &Metrics) {
        delete_left(stock).await;
        let now = clock::now();
        let rule = self.clocks.bound(rule, now);
        let Some(mut files) = listed(stock).await else { return };
        let bytes = files.iter().map(|file| file.bytes).sum::<u64>();
        S::gauge(metrics).set(i64::try_from(bytes).unwrap_or(i64::MAX));
        files.extend(stock.files().afar(&files));
        files.sort_by_key(|file| (file.changed, file.recording));
        let files = match self.known.ours(stock, files).await {
            Ok(files) => files,
            Err(problem) => {
                tracing::warn!(what = S::WHAT, %problem, "they cannot be looked up, so none is deleted now");
                return;
            }
        };
        for file in excess(&files, rule, SystemTime::UNIX_EPOCH + Duration::from_millis(now.unix_ms)) {
            drop_oldest(stock, file).await;
        }
    }
}

/// Whether the wall clock is to be believed when it says that something is old: what it deletes is gone for good.
struct Clocks {
    last: Now,
    doubted_until: Option<Instant>,
}

impl Clocks {
    fn start(now: Now, last_ms: u64) -> Self {
        let away = Duration::from_millis(now.unix_ms.saturating_sub(last_ms));
        let mut clocks = Clocks { last: now, doubted_until: None };
        if last_ms > 0 && away > AWAY {
            clocks.doubt(now, away);
        }
        clocks
    }

    /// What goes by this rule now.
    fn bound(&mut self, rule: Rule, now: Now) -> Rule {
        let passed = now.at.saturating_duration_since(self.last.at);
        let told = Duration::from_millis(now.unix_ms).abs_diff(Duration::from_millis(self.last.unix_ms) + passed);
        self.last = now;
        if told > JUMP {
            self.doubt(now, told);
        }
        let believed = self.doubted_until.is_none_or(|until| now.at >= until);
        Rule { age: rule.age.filter(|_| believed), ..rule }
    }

    fn doubt(&mut self, now: Now, jump: Duration) {
        self.doubted_until = Some(now.at + DOUBT);
        tracing::warn!(seconds = jump.as_secs(), "the clock may be wrong: for an hour nothing is deleted for its age");
    }
}

/// The files of which the history knows. What it does not know is a person's to delete, so it is none of what the rule counts.
#[derive(Default)]
struct Known {
    ids: HashSet<u128>,
    /// How many others it was complained of.
    strange: usize,
}

impl Known {
    async fn ours<S: Stock>(&mut self, stock: &S, files: Vec<Kept>) -> Result<Vec<Kept>, Problem> {
        let before = std::mem::take(&mut self.ids);
        let (mut ours, mut strange) = (Vec::with_capacity(files.len()), Vec::new());
        for file in files {
            if before.contains(&file.recording) || stock.is_known(file.recording).await? {
                self.ids.insert(file.recording);
                ours.push(file);
            } else if file.whole {
                strange.push(file.bytes);
            }
        }
        if strange.len() > self.strange {
            let (folder, bytes) = (stock.files().folder().display(), strange.iter().sum::<u64>());
            let count = strange.len();
            tracing::warn!(count, bytes, %folder, "the history does not know some {} of this folder; they stay, uncounted", S::WHAT);
        }
        self.strange = strange.len();
        Ok(ours)
    }
}

/// All files, if the folder can be read.
pub async fn listed<S: Stock>(stock: &S) -> Option<Vec<Kept>> {
    let files = stock.files().clone();
    match tokio::task::spawn_blocking(move || files.list()).await {
        Ok(Ok(files)) => Some(files),
        Ok(Err(problem)) => {
            tracing::warn!(what = S::WHAT, %problem, "their folder cannot be read");
            None
        }
        Err(_) => None,
    }
}

/// The files that must go, those that ended first at first.
fn excess(files: &[Kept], rule: Rule, now: SystemTime) -> Vec<&Kept> {
    let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let mut gone = Vec::new();
    for file in files.iter().filter(|file| file.whole) {
        let age = now.duration_since(file.changed).unwrap_or_default();
        let old = rule.age.is_some_and(|most| age > most);
        if old || rule.bytes.is_some_and(|most| bytes > most) {
            bytes -= file.bytes;
            gone.push(file);
        }
    }
    gone
}

async fn drop_oldest<S: Stock>(stock: &S, file: &Kept) {
    let deleted = match stock.is_known(file.recording).await {
        Ok(true) => stock.drop_one(file.recording).await,
        // Not ours, or of a history that is gone: a person may want it.
        Ok(false) => return,
        Err(problem) => Err(NotDeleted::History(problem)),
    };
    match deleted {
        Ok(()) => tracing::info!(what = S::WHAT, bytes = file.bytes, "one was kept long enough and is deleted"),
        Err(problem) => tracing::warn!(what = S::WHAT, ?problem, "one that was kept long enough cannot be deleted"),
    }
}

#[async_trait]
impl Stock for Shelf {
    const WHAT: &'static str = "recordings";

    // `mark` does it, which also knows of those that were being made.
    const MARKED_HERE: bool = false;

    fn files(&self) -> &Files {
        Shelf::files(self)
    }

    fn journal(&self) -> &journal::Handle {
        &self.0.journal
    }

    fn gauge(metrics: &Metrics) -> &Gauge {
        &metrics.recordings_bytes
    }

    async fn is_known(&self, recording: u128) -> Result<bool, Problem> {
        Ok(self.find(recording).await?.is_some())
    }

    async fn drop_one(&self, recording: u128) -> Result<(), NotDeleted> {
        match self.find(recording).await.map_err(NotDeleted::History)? {
            Some(row) => self.delete(&row).await,
            None => Ok(()),
        }
    }

    async fn is_gone(&self, recording: u128) -> Result<bool, Problem> {
        Ok(self.find(recording).await?.is_some_and(|row| row.status == RecordingStatus::Deleted))
    }

    async fn unlink(&self, recording: u128) -> io::Result<()> {
        Shelf::unlink(self, recording).await
    }

    fn left(&self) -> Vec<u128> {
        Shelf::left(self).iter().copied().collect()
    }

    async fn completed(&self, page: Page) -> Result<PageOf<u128>, Problem> {
        let filter = RecordingFilter { status: Some(RecordingStatus::Completed), ..RecordingFilter::default() };
        Ok(ids(self.list(filter, page).await?, |row| row.id))
    }

    async fn lose(&self, ids: &[u128]) -> Result<(), Problem> {
        let at_ms = clock::unix_ms();
        let lost = |recording: &u128| Write::RecordingLost { recording: *recording, at_ms, why: LOST.to_owned() };
        self.0.journal.write(ids.iter().map(lost).collect()).await
    }
}

/// Why the file of one that was finished is not there.
pub const LOST: &str = "lost";

/// A page of what they are called.
pub fn ids<T>(page: PageOf<T>, id: fn(&T) -> u128) -> PageOf<u128> {
    let PageOf { rows, first, last, more_before, more_after } = page;
    PageOf { rows: rows.iter().map(id).collect(), first, last, more_before, more_after }
}

/// Tries again to delete the files that could not be.
pub async fn delete_left<S: Stock>(stock: &S) {
    for id in stock.left() {
        // The history may not have been told yet.
        if !stock.is_gone(id).await.unwrap_or(false) {
            continue;
        }
        stock.files().doom(id);
        if let Err(problem) = stock.unlink(id).await {
            tracing::warn!(what = S::WHAT, %problem, "the file of a deleted one still cannot be deleted");
        }
    }
}

/// Compares rows and files, once, at the start.
///
/// # Errors
/// The database's.
pub async fn settle<S: Stock>(stock: &S) -> Result<(), Problem> {
    let Some(files) = listed(stock).await else { return Ok(()) };
    for file in files.iter().filter(|file| file.whole) {
        // It was to be deleted when the program ended.
        if stock.is_gone(file.recording).await?
            && let Err(problem) = stock.unlink(file.recording).await
        {
            tracing::warn!(what = S::WHAT, %problem, "the file of a deleted one cannot be deleted");
        }
    }
    let absent = absent(stock, files.iter().map(|file| file.recording).collect()).await?;
    // Where the disk is not, nothing is lost.
    if !is_right(stock, absent.is_empty()).await {
        return Ok(());
    }
    let absent = match found_afar(stock, absent).await? {
        Ok(absent) => absent,
        Err(problem) => {
            tracing::warn!(what = S::WHAT, %problem, "some are not in their folder and perhaps in the bucket; all stay listed");
            return Ok(());
        }
    };
    for some in absent.chunks(ROWS_AT_ONCE) {
        tracing::warn!(what = S::WHAT, count = some.len(), "some have lost their files");
        stock.lose(some).await?;
    }
    Ok(())
}

/// Looks in the bucket for those that are absent, since an older copy of the history does not know what is there, and writes down what is
/// found. Gives the others, or why nobody can say.
async fn found_afar<S: Stock>(stock: &S, mut absent: Vec<u128>) -> Result<Result<Vec<u128>, bucket::Problem>, Problem> {
    if absent.is_empty() {
        return Ok(Ok(absent));
    }
    let found = match stock.files().seek(&absent).await {
        Ok(found) => found,
        Err(problem) => return Ok(Err(problem)),
    };
    if !found.is_empty() {
        tracing::warn!(what = S::WHAT, count = found.len(), "the history did not know that some are in the bucket");
        absent.retain(|id| !found.iter().any(|row| row.id == *id));
        stock.journal().write(found.iter().cloned().map(|row| Write::Stored(Box::new(row))).collect()).await?;
        stock.files().take_up(found);
    }
    Ok(Ok(absent))
}

/// Those that should have files and have none.
async fn absent<S: Stock>(stock: &S, there: HashSet<u128>) -> Result<Vec<u128>, Problem> {
    let mut absent = Vec::new();
    let mut page = Page::First { size: ROWS_AT_ONCE };
    loop {
        let found = stock.completed(page).await?;
        let files = stock.files().clone();
        let unseen: Vec<u128> = found.rows.into_iter().filter(|id| !there.contains(id) && !files.is_afar(*id)).collect();
        // One that ended meanwhile was not there when the folder was read.
        let find = move || unseen.into_iter().filter(|id| !files.has(*id)).collect::<Vec<_>>();
        absent.extend(tokio::task::spawn_blocking(find).await.unwrap_or_default());
        let Some(place) = found.last.filter(|_| found.more_after) else { return Ok(absent) };
        page = Page::After { place, size: ROWS_AT_ONCE };
    }
}

/// Whether the folder is the one that the history knows.
async fn is_right<S: Stock>(stock: &S, whole: bool) -> bool {
    let files = stock.files().clone();
    let look = move || match files.is_marked() {
        false if whole && S::MARKED_HERE => files.mark().map(|()| true),
        marked => Ok(marked),
    };
    let folder = stock.files().folder().display();
    match tokio::task::spawn_blocking(look).await {
        Ok(Ok(marked)) => {
            if !marked && S::MARKED_HERE {
                let what = S::WHAT;
                tracing::error!(%folder, "{what} are missing and the folder has no {MARK} in it: is its disk there? All stay listed");
            }
            marked
        }
        Ok(Err(problem)) => {
            tracing::warn!(%folder, %problem, "the folder of {} cannot be marked", S::WHAT);
            false
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn file(recording: u128, bytes: u64, age: Duration, whole: bool) -> Kept {
        Kept { recording, path: "x".into(), bytes, changed: SystemTime::UNIX_EPOCH + 100 * DAY - age, whole }
    }

    #[test]
    fn nothing_is_too_old_for_an_hour_after_the_clock_jumped() {
        let (began, rule) = (Instant::now(), Rule { age: Some(DAY), bytes: Some(1) });
        let now = |minutes: u64, unix_minutes: u64| Now {
            at: began + Duration::from_secs(60 * minutes),
            unix_ms: 60_000 * unix_minutes,
        };
        let check = |last_minutes: u64, steps: &[(u64, u64, bool)]| {
            let mut clocks = Clocks::start(now(0, 50_000), 60_000 * last_minutes);
            for (minutes, unix_minutes, aged) in steps {
                let age = rule.age.filter(|_| *aged);
                let bound = clocks.bound(rule, now(*minutes, *unix_minutes));
                assert_eq!(bound, Rule { age, ..rule }, "{last_minutes} {minutes} {unix_minutes}");
            }
        };
        check(49_999, &[(0, 50_000, true), (1, 50_001, true), (9, 50_010, true), (10, 50_010, true)]);
        check(49_999, &[(0, 50_000, true), (1, 90_000, false), (60, 90_059, false), (61, 90_060, true)]);
        check(49_999, &[(1, 90_000, false), (2, 50_002, false), (61, 50_061, false), (62, 50_062, true)]);
        check(48_560, &[(0, 50_000, true)]);
        check(48_559, &[(0, 50_000, false), (59, 50_059, false), (60, 50_060, true)]);
        check(0, &[(0, 50_000, true)]);
    }

    #[test]
    fn what_is_too_old_or_too_much_goes_the_oldest_first() {
        let files = [file(1, 10, 9 * DAY, true), file(2, 20, 5 * DAY, true), file(3, 5, 4 * DAY, false), file(4, 40, DAY, true)];
        let check = |days: Option<u32>, bytes, expected: &[u128]| {
            let rule = Rule { age: days.map(|days| days * DAY), bytes };
            let gone = excess(&files, rule, SystemTime::UNIX_EPOCH + 100 * DAY);
            assert_eq!(gone.iter().map(|file| file.recording).collect::<Vec<_>>(), expected, "{rule:?}");
        };
        check(None, None, &[]);
        check(Some(9), None, &[]);
        check(Some(8), None, &[1]);
        check(Some(0), None, &[1, 2, 4]);
        check(None, Some(75), &[]);
        check(None, Some(74), &[1]);
        check(None, Some(45), &[1, 2]);
        check(None, Some(0), &[1, 2, 4]);
        check(Some(4), Some(44), &[1, 2, 4]);
    }
}
