//! How long recordings are kept, and what a start finds: rows without files, and files without rows.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use store::{Page, Problem, RecordingFilter, RecordingStatus, Write};
use tokio::time::{MissedTickBehavior, interval};

use super::files::Kept;
use super::{NotDeleted, Shelf};
use crate::clock;
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;

/// How often is looked for what is kept too long.
const STEP: Duration = Duration::from_secs(60);

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

/// Settles what a start found, then deletes what is kept too long until the server ends.
pub async fn keep(shelf: Shelf, rule: Rule, metrics: Metrics, mut shutdown: Shutdown) {
    if let Err(problem) = settle(&shelf).await {
        tracing::warn!(%problem, "recordings and their files cannot be compared now");
    }
    let mut steps = interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = Known::default();
    loop {
        tokio::select! {
            // What is due is done once even if the server ends at once.
            biased;
            _ = steps.tick() => {}
            () = shutdown.stopping() => return,
        }
        let Some(files) = listed(&shelf).await else { continue };
        let bytes = files.iter().map(|file| file.bytes).sum::<u64>();
        metrics.recordings_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        let files = match known.ours(&shelf, files).await {
            Ok(files) => files,
            Err(problem) => {
                tracing::warn!(%problem, "recordings cannot be looked up, so none is deleted now");
                continue;
            }
        };
        for file in excess(&files, rule, SystemTime::now()) {
            drop_oldest(&shelf, file).await;
        }
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
    async fn ours(&mut self, shelf: &Shelf, files: Vec<Kept>) -> Result<Vec<Kept>, Problem> {
        let before = std::mem::take(&mut self.ids);
        let (mut ours, mut strange) = (Vec::with_capacity(files.len()), Vec::new());
        for file in files {
            if before.contains(&file.recording) || shelf.find(file.recording).await?.is_some() {
                self.ids.insert(file.recording);
                ours.push(file);
            } else if file.whole {
                strange.push(file.bytes);
            }
        }
        if strange.len() > self.strange {
            let (folder, bytes) = (shelf.files().folder().display(), strange.iter().sum::<u64>());
            let count = strange.len();
            tracing::warn!(count, bytes, %folder, "the history does not know some recordings of this folder; they stay, uncounted");
        }
        self.strange = strange.len();
        Ok(ours)
    }
}

async fn listed(shelf: &Shelf) -> Option<Vec<Kept>> {
    let files = shelf.files().clone();
    match tokio::task::spawn_blocking(move || files.list()).await {
        Ok(Ok(files)) => Some(files),
        Ok(Err(problem)) => {
            tracing::warn!(%problem, "the folder of recordings cannot be read");
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

async fn drop_oldest(shelf: &Shelf, file: &Kept) {
    let deleted = match shelf.find(file.recording).await {
        Ok(Some(row)) => shelf.delete(&row).await,
        // Not ours, or of a history that is gone: a person may want it.
        Ok(None) => return,
        Err(problem) => Err(NotDeleted::History(problem)),
    };
    match deleted {
        Ok(()) => tracing::info!(bytes = file.bytes, "a recording was kept long enough and is deleted"),
        Err(problem) => tracing::warn!(?problem, "a recording that was kept long enough cannot be deleted"),
    }
}

/// Compares rows and files.
async fn settle(shelf: &Shelf) -> Result<(), Problem> {
    let Some(files) = listed(shelf).await else { return Ok(()) };
    for file in files.iter().filter(|file| file.whole) {
        // It was to be deleted when the program ended.
        if shelf.find(file.recording).await?.is_some_and(|row| row.status == RecordingStatus::Deleted) {
            let (files, id) = (shelf.files().clone(), file.recording);
            let _ = tokio::task::spawn_blocking(move || files.delete(id)).await;
        }
    }
    // Where the disk is not, nothing is lost.
    if !shelf.files().is_marked() {
        return Ok(());
    }
    let there: HashSet<u128> = files.iter().map(|file| file.recording).collect();
    lose_absent(shelf, &there).await
}

/// Says of completed recordings that their files are gone.
async fn lose_absent(shelf: &Shelf, there: &HashSet<u128>) -> Result<(), Problem> {
    let filter = RecordingFilter { status: Some(RecordingStatus::Completed), ..RecordingFilter::default() };
    let mut page = Page::First { size: ROWS_AT_ONCE };
    loop {
        let found = shelf.list(filter.clone(), page).await?;
        // One that ended meanwhile was not there when the folder was read.
        let absent = |id: &u128| !there.contains(id) && shelf.files().find(*id).is_none();
        let absent: Vec<u128> = found.rows.iter().map(|row| row.id).filter(absent).collect();
        if !absent.is_empty() {
            tracing::warn!(count = absent.len(), "recordings have lost their files");
            let at_ms = clock::unix_ms();
            let lost = |recording| Write::RecordingLost { recording, at_ms, why: "lost".to_owned() };
            shelf.0.journal.write(absent.into_iter().map(lost).collect()).await?;
        }
        let Some(place) = found.last.filter(|_| found.more_after) else { return Ok(()) };
        page = Page::After { place, size: ROWS_AT_ONCE };
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
