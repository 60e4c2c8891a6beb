//! One composition's work, on a thread of its own: as much of the processor as it may have, a file that has its name only when it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use compose::{Composer, Failure, Input, Order, Progress, Sink};
use sealed::Sealing;
use store::RecordingRow;

use super::film::Film;
use super::limit::{SLEEP_MAX, SPACE_GAP, SYNC_BYTES};
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
    /// Whether and how its file is encrypted.
    pub sealing: Sealing,
    /// What its file is called when it is whole.
    pub whole: PathBuf,
    /// And until then, in the same folder, which is there. There is no such file yet.
    pub part: PathBuf,
    /// How many bytes must stay free on its disk.
    pub space_least: u64,
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
    /// Does it, and tells how far it is. The thread makes way for all others from then on.
    pub fn run(self, maker: &Maker, share: &Share, mut tell: impl FnMut(Progress)) -> Ended {
        make_way();
        let file = match Film::create(&self.part, &self.sealing) {
            Ok(file) => file,
            Err(problem) => return Ended::Failed(format!("its file cannot be made: {problem}")),
        };
        let part = Part(&self.part);
        let outcome = self.work(file, maker, share, &mut tell);
        if matches!(outcome, Ok(Ended::Made(_))) {
            part.release();
        }
        outcome.unwrap_or_else(Ended::Failed)
    }

    fn work(&self, mut file: Film, maker: &Maker, share: &Share, tell: &mut impl FnMut(Progress)) -> Result<Ended, String> {
        let inputs = material::inputs(&self.recordings, &self.shelf);
        let missing = self.recordings.len().saturating_sub(inputs.len());
        let mut making = maker(self.order.clone(), inputs).map_err(|failure| failure.to_string())?;
        let (mut pace, mut disk) = (Pace::start(), Disk::of(&self.part, self.space_least));
        loop {
            if self.stop.load(Relaxed) {
                return Ok(Ended::Stopped);
            }
            let progress = making.step(&mut file).map_err(|failure| failure.to_string())?;
            tell(progress);
            if progress.finished {
                let bytes = self.finish(&mut file).map_err(|problem| format!("its file cannot be finished: {problem}"))?;
                let duration_ms = u64::try_from(progress.done.as_millis()).unwrap_or(u64::MAX);
                return Ok(Ended::Made(Made { duration_ms, bytes, damaged: making.damaged() + missing }));
            }
            disk.look(&mut file)?;
            pace.rest(share, &self.stop);
        }
    }

    /// Gives the file its name, when all of it is on the disk.
    fn finish(&self, file: &mut Film) -> io::Result<u64> {
        let bytes = file.finish()?;
        fs::rename(&self.part, &self.whole)?;
        if let Err(problem) = File::open(folder_of(&self.whole)).and_then(|folder| folder.sync_all()) {
            let _ = fs::remove_file(&self.whole);
            return Err(problem);
        }
        Ok(bytes)
    }
}

/// Calls come first, whatever the share. Elsewhere than on Linux this would be said of the whole program.
fn make_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// How nice the thread is to others (`man 2 setpriority`).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The folder of a file; of a bare name this one.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// An unfinished file, which goes, whatever happens.
struct Part<'a>(&'a Path);

impl Part<'_> {
    /// It has another name now.
    fn release(self) {
        std::mem::forget(self);
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.0);
    }
}

/// Looks after the disk now and then.
struct Disk {
    folder: Files,
    least: u64,
    /// None: not yet.
    looked: Option<Instant>,
    durable: u64,
}

impl Disk {
    fn of(file: &Path, least: u64) -> Self {
        Disk { folder: Files::in_folder(folder_of(file).to_owned()), least, looked: None, durable: 0 }
    }

    fn look(&mut self, file: &mut Film) -> Result<(), String> {
        if self.looked.is_some_and(|looked| looked.elapsed() < SPACE_GAP) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        if self.folder.space().is_ok_and(|space| space.free < self.least) {
            return Err(format!("its disk has less than {} MiB left", self.least >> 20));
        }
        let bytes = file.bytes();
        if bytes.saturating_sub(self.durable) >= SYNC_BYTES {
            file.keep().map_err(|problem| format!("its file cannot be written: {problem}"))?;
            self.durable = bytes;
        }
        Ok(())
    }
}

/// Sleeps as long as the work took, or less or more, as the share of the processor says.
struct Pace {
    worked_since: Instant,
}

impl Pace {
    fn start() -> Self {
        Pace { worked_since: Instant::now() }
    }

    fn rest(&mut self, share: &Share, stop: &AtomicBool) {
        let (worked, mut rested) = (self.worked_since.elapsed(), Duration::ZERO);
        while !stop.load(Relaxed) {
            // The last call may end meanwhile, and all of the processor is free.
            let left = rest_after(worked, share()).saturating_sub(rested).min(SLEEP_MAX);
            if left.is_zero() {
                break;
            }
            thread::sleep(left);
            rested += left;
        }
        self.worked_since = Instant::now();
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

    use crate::studio::wish;

    /// A film of four bytes.
    struct Word(usize);

    impl Making for Word {
        fn step(&mut self, sink: &mut dyn Sink) -> Result<Progress, Failure> {
            sink.write_all(b"w")?;
            self.0 += 1;
            Ok(Progress { finished: self.0 == 4, ..Progress::default() })
        }

        fn damaged(&self) -> usize {
            0
        }
    }

    fn job(whole: PathBuf) -> Job {
        let order = wish::order(&wish::usual()).expect("an order");
        let mut part = whole.clone().into_os_string();
        part.push(".part");
        let (shelf, stop) = (Files::in_folder("none".into()), Arc::default());
        let sealing = Sealing::none();
        Job { order, recordings: Vec::new(), shelf, sealing, whole, part: part.into(), space_least: 0, stop }
    }

    fn run_by(maker: Maker, job: Job) -> Ended {
        let share: Share = Arc::new(|| 1.0);
        job.run(&maker, &share, |_| {})
    }

    fn run(job: Job) -> Ended {
        run_by(Arc::new(|_, _| Ok(Box::new(Word(0)))), job)
    }

    fn made() -> Ended {
        Ended::Made(Made { duration_ms: 0, bytes: 4, damaged: 0 })
    }

    #[test]
    fn a_bare_name_is_one_in_this_folder() {
        let name = PathBuf::from(format!("bare-{}.webm", std::process::id()));
        let ended = run(job(name.clone()));
        fs::remove_file(name).expect("there");
        assert_eq!(ended, made());
    }

    #[test]
    fn what_it_did_not_make_it_does_not_touch() {
        let folder = tempfile::tempdir().expect("a folder");
        let job = job(folder.path().join("film.webm"));
        fs::write(&job.part, "mine").expect("written");
        let part = job.part.clone();
        assert!(matches!(run(job), Ended::Failed(_)));
        assert_eq!(fs::read(part).expect("there"), b"mine");
        let nowhere = self::job(folder.path().join("nowhere/film.webm"));
        assert!(matches!(run(nowhere), Ended::Failed(_)) && !folder.path().join("nowhere").exists());
    }

    #[test]
    fn nothing_is_left_of_what_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        let film = || job(folder.path().join("film.webm"));
        let is_empty = || fs::read_dir(folder.path()).expect("a folder").next().is_none();
        let full = Job { space_least: u64::MAX, ..film() };
        assert!(matches!(run(full), Ended::Failed(why) if why.contains("left")) && is_empty());
        let stopped = film();
        stopped.stop.store(true, Relaxed);
        assert!(run(stopped) == Ended::Stopped && is_empty());
        let job = film();
        let panics = thread::spawn(move || run_by(Arc::new(|_, _| panic!("a defect")), job));
        assert!(panics.join().is_err() && is_empty());
        assert_eq!(run(film()), made());
        assert!(folder.path().join("film.webm").exists() && !folder.path().join("film.webm.part").exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_thread_makes_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let job = job(folder.path().join("film.webm"));
        let running = thread::spawn(move || (run(job), rustix::process::getpriority_process(None).expect("known")));
        let (ended, nice) = running.join().expect("no panic");
        assert!(ended == made() && nice >= NICE, "{nice}");
    }

    #[test]
    fn a_rest_ends_when_the_share_rises() {
        let mut pace = Pace { worked_since: Instant::now() - Duration::from_secs(10) };
        let asked = std::sync::atomic::AtomicU32::new(0);
        let share: Share = Arc::new(move || if asked.fetch_add(1, Relaxed) == 0 { 0.01 } else { 1.0 });
        let began = Instant::now();
        pace.rest(&share, &AtomicBool::new(false));
        assert!(began.elapsed() < Duration::from_secs(60));
    }

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
