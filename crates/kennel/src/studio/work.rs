//! One composition's work, on a thread of its own: as much of the processor as it may have, a file that has its name only when it is whole.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use compose::{Composer, Failure, Input, Order, Progress, Sink};
use store::RecordingRow;

use super::limit::{SLEEP_MAX, SPACE_GAP, SPACE_LEAST_BYTES};
use super::material;
use crate::shelf::files::Files;

/// Whatever makes a film piece by piece.
pub trait Making {
    /// Makes the next piece.
    ///
    /// # Errors
    /// [`Failure`].
    fn step(&mut self, sink: &mut dyn Sink) -> Result<Progress, Failure>;

    /// How many recordings could not be shown to their end.
    fn damaged(&self) -> usize;
}

/// Who makes films.
pub type Maker = Arc<dyn Fn(Order, Vec<Input>) -> Result<Box<dyn Making>, Failure> + Send + Sync>;

/// How much of one processor the thread may have now, above 0 and up to 1.
pub type Share = Arc<dyn Fn() -> f64 + Send + Sync>;

impl Making for Composer {
    fn step(&mut self, sink: &mut dyn Sink) -> Result<Progress, Failure> {
        Composer::step(self, sink)
    }

    fn damaged(&self) -> usize {
        Composer::damaged(self)
    }
}

/// The real one.
#[must_use]
pub fn composer() -> Maker {
    Arc::new(|order, inputs| Ok(Box::new(Composer::new(&order, inputs)?)))
}

/// What is to be done.
pub struct Job {
    /// What.
    pub order: Order,
    /// Of what.
    pub recordings: Vec<RecordingRow>,
    /// Where those are.
    pub shelf: Files,
    /// What its file is called when it is whole.
    pub whole: PathBuf,
    /// And until then, in the same folder.
    pub part: PathBuf,
    /// Whether it is not wanted any more.
    pub stop: Arc<AtomicBool>,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is there.
    Made(Made),
    /// It was not wanted any more; there is no file.
    Stopped,
    /// It could not be made, in words; there is no file.
    Failed(String),
}

/// A file that is there.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// How long it is, in milliseconds.
    pub duration_ms: u64,
    /// Its size.
    pub bytes: u64,
    /// How many recordings could not be shown to their end.
    pub damaged: usize,
}

impl Job {
    /// Does it, and tells how far it is.
    pub fn run(self, maker: &Maker, share: &Share, mut tell: impl FnMut(Progress)) -> Ended {
        let outcome = self.work(maker, share, &mut tell);
        if !matches!(outcome, Ok(Ended::Made(_))) {
            let _ = fs::remove_file(&self.part);
        }
        outcome.unwrap_or_else(Ended::Failed)
    }

    fn work(&self, maker: &Maker, share: &Share, tell: &mut impl FnMut(Progress)) -> Result<Ended, String> {
        let folder = Files::in_folder(self.part.parent().unwrap_or(Path::new(".")).to_owned());
        let mut file = create(&self.part).map_err(|problem| format!("its file cannot be made: {problem}"))?;
        let inputs = material::inputs(&self.recordings, &self.shelf);
        let mut making = maker(self.order.clone(), inputs).map_err(|failure| failure.to_string())?;
        let mut pace = Pace::start();
        loop {
            if self.stop.load(Relaxed) {
                return Ok(Ended::Stopped);
            }
            let progress = making.step(&mut file).map_err(|failure| failure.to_string())?;
            tell(progress);
            if progress.finished {
                let bytes = self.finish(&file, &folder).map_err(|problem| format!("its file cannot be finished: {problem}"))?;
                let duration_ms = u64::try_from(progress.done.as_millis()).unwrap_or(u64::MAX);
                return Ok(Ended::Made(Made { duration_ms, bytes, damaged: making.damaged() }));
            }
            pace.rest(share(), &self.stop);
            if pace.is_to_look() && folder.space().is_ok_and(|space| space.free < SPACE_LEAST_BYTES) {
                return Err("the disk is full".to_owned());
            }
        }
    }

    /// Gives the file its name, when all of it is on the disk.
    fn finish(&self, file: &File, folder: &Files) -> io::Result<u64> {
        file.sync_all()?;
        fs::rename(&self.part, &self.whole)?;
        File::open(folder.folder())?.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // Some containers are read again while they are written.
    fs::OpenOptions::new().create(true).truncate(true).read(true).write(true).mode(0o600).open(path)
}

/// Sleeps as long as the work took, or less or more, as the share of the processor says.
struct Pace {
    worked_since: Instant,
    looked: Instant,
}

impl Pace {
    fn start() -> Self {
        let now = Instant::now();
        Pace { worked_since: now, looked: now }
    }

    fn rest(&mut self, share: f64, stop: &AtomicBool) {
        let mut left = rest_after(self.worked_since.elapsed(), share);
        while !left.is_zero() && !stop.load(Relaxed) {
            let some = left.min(SLEEP_MAX);
            thread::sleep(some);
            left -= some;
        }
        self.worked_since = Instant::now();
    }

    fn is_to_look(&mut self) -> bool {
        let due = self.looked.elapsed() >= SPACE_GAP;
        if due {
            self.looked = Instant::now();
        }
        due
    }
}

/// How long to sleep after so much work, so that work is this share of all time.
fn rest_after(worked: Duration, share: f64) -> Duration {
    let share = share.clamp(0.01, 1.0);
    worked.mul_f64((1.0 - share) / share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_a_share_of_all_time() {
        let check = |share: f64, expected_ms: u64| {
            assert_eq!(rest_after(Duration::from_millis(40), share).as_millis(), u128::from(expected_ms), "{share}");
        };
        check(1.0, 0);
        check(0.5, 40);
        check(0.25, 120);
        check(2.0, 0);
        check(0.0, 3_960);
    }
}
