//! The threads that read and decode files for the mixes, one for each file, and the way between them and the mixer of the room: a queue
//! with a limit, which the thread fills and the mixer empties. Neither waits for the other; who is too slow is seen and heard standing
//! still, and nobody else is.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ::film::{Film, Problem, Shown};
use room::{PlayNews, PlaybackId, Report, RoomId, WhyPlayed};

pub use ::film::Bytes;

use crate::limit::{PLAYER_PICTURES_MAX, PLAYER_SOUND_MAX, PLAYERS_MAX};
use crate::mix::{Projector, Reel};

/// How nice the threads are to those that mix and pass on media (`man 2 setpriority`).
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// Who has the files.
pub trait Library: Send + Sync {
    /// The file at this address, as soon as its first bytes are there. Waits for that, but not once it is `stopped`; and neither does
    /// what it gives.
    ///
    /// # Errors
    /// It cannot be had.
    fn open(&self, url: &str, stopped: &Arc<AtomicBool>) -> io::Result<Arc<dyn Bytes>>;
}

/// All files that are played.
pub(crate) struct Players {
    library: Arc<dyn Library>,
    reports: Arc<dyn Fn(Report) + Send + Sync>,
    /// How many there are.
    count: Arc<AtomicUsize>,
}

impl Players {
    pub fn new(library: Arc<dyn Library>, reports: Arc<dyn Fn(Report) + Send + Sync>) -> Self {
        Players { library, reports, count: Arc::default() }
    }
}

impl Projector for Players {
    fn project(&self, room: RoomId, film: &room::Film) -> Option<Box<dyn Reel>> {
        let queue = Arc::new(Queue::new(film.from));
        let player = Player {
            end: End { room, playback: film.id, reports: self.reports.clone() },
            url: film.url.clone(),
            queue: queue.clone(),
            library: self.library.clone(),
            _counted: Counted::new(&self.count),
        };
        if self.count.load(Ordering::Relaxed) > PLAYERS_MAX {
            player.end.tell(PlayNews::Ended(WhyPlayed::Failed));
            return None;
        }
        let end = player.end.clone();
        if thread::Builder::new().name("film".to_owned()).spawn(move || player.run()).is_err() {
            end.tell(PlayNews::Ended(WhyPlayed::Failed));
            return None;
        }
        Some(Box::new(Seat(queue)))
    }
}

/// One of so many, until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where to tell of one file.
#[derive(Clone)]
struct End {
    room: RoomId,
    playback: PlaybackId,
    reports: Arc<dyn Fn(Report) + Send + Sync>,
}

impl End {
    fn tell(&self, news: PlayNews) {
        (self.reports)(Report::Played { room: self.room, playback: self.playback, news });
    }
}

/// The thread of one file.
struct Player {
    end: End,
    url: Arc<str>,
    queue: Arc<Queue>,
    library: Arc<dyn Library>,
    _counted: Counted,
}

impl Player {
    fn run(self) {
        // Elsewhere than on Linux this would be said of the whole program.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(None, NICE);
        let why = catch_unwind(AssertUnwindSafe(|| self.play())).unwrap_or_else(|_| {
            tracing::error!("the decoder of a file panicked; it ends and everybody else goes on");
            Some(WhyPlayed::Failed)
        });
        if let Some(why) = why.filter(|_| !self.queue.stopped.load(Ordering::Relaxed)) {
            self.end.tell(PlayNews::Ended(why));
        }
    }

    /// Until its end; none: nobody wants it any more.
    fn play(&self) -> Option<WhyPlayed> {
        let bytes = match self.library.open(&self.url, &self.queue.stopped) {
            Ok(bytes) => bytes,
            Err(problem) => {
                tracing::info!(%problem, "a file that was to be played cannot be had");
                return Some(WhyPlayed::Unreachable);
            }
        };
        let wanted: Arc<dyn Bytes> = Arc::new(Wanted { bytes, queue: self.queue.clone() });
        match self.open(&wanted).map_err(why).and_then(|film| self.project(film).map_err(why)) {
            Ok(why) => why,
            Err(why) => Some(why),
        }
    }

    /// A jump is of use only to what is open.
    fn open(&self, bytes: &Arc<dyn Bytes>) -> Result<Film, Problem> {
        loop {
            match Film::open(bytes.clone()) {
                Err(problem) if is_elsewhere(&problem) && !self.queue.stopped.load(Ordering::Relaxed) => {
                    self.queue.elsewhere.store(false, Ordering::Relaxed);
                }
                opened => return opened,
            }
        }
    }

    fn project(&self, mut film: Film) -> Result<Option<WhyPlayed>, Problem> {
        let pictures = film.has_pictures();
        loop {
            let done = match self.queue.wait() {
                Task::Jump(to) => film.seek(to),
                Task::Sound => film.next_sound().map(|sound| self.queue.push_sound(sound)),
                Task::Picture => film.next_picture().map(|picture| self.queue.push_picture(picture)),
                Task::Begun => {
                    self.end.tell(PlayNews::Began { pictures });
                    Ok(())
                }
                Task::Empty => return Ok(Some(WhyPlayed::Unplayable)),
                Task::Finished => return Ok(Some(WhyPlayed::Finished)),
                Task::Stopped => return Ok(None),
            };
            // What it is to do instead is known by now.
            done.or_else(|problem| if is_elsewhere(&problem) { Ok(()) } else { Err(problem) })?;
        }
    }
}

/// Whether somebody wants the file's thread to do something else.
fn is_elsewhere(problem: &Problem) -> bool {
    matches!(problem, Problem::Read(problem) if problem.kind() == io::ErrorKind::Interrupted)
}

/// A file as long as the thread is to go on with what it does. To decode as far as a place can take long, and read much.
struct Wanted {
    bytes: Arc<dyn Bytes>,
    queue: Arc<Queue>,
}

impl Bytes for Wanted {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        if self.queue.stopped.load(Ordering::Relaxed) || self.queue.elsewhere.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.bytes.read_at(at, into)
    }

    fn is_there(&self, end: u64) -> bool {
        self.bytes.is_there(end)
    }
}

fn why(problem: Problem) -> WhyPlayed {
    tracing::info!(%problem, "a file that was to be played cannot be");
    match problem {
        Problem::Read(_) => WhyPlayed::Unreachable,
        _ => WhyPlayed::Unplayable,
    }
}

/// What a thread is to do next.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Jump(Duration),
    Sound,
    Picture,
    /// To tell that sound and pictures come.
    Begun,
    /// To end, because nothing of it could be decoded, or it was played, or nobody wants it any more.
    Empty,
    Finished,
    Stopped,
}

/// What was decoded and waits to be seen and heard.
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    stopped: Arc<AtomicBool>,
    /// It is to go to another place than what it reads for.
    elsewhere: AtomicBool,
}

#[derive(Default)]
struct State {
    sound: VecDeque<f32>,
    pictures: VecDeque<Shown>,
    /// There is no more of either.
    sound_over: bool,
    pictures_over: bool,
    /// Where to go.
    jump: Option<Duration>,
    /// There is enough to go on.
    primed: bool,
    /// Whether there was ever anything.
    any: bool,
    /// Whether it was told that it comes.
    told: bool,
}

impl Queue {
    fn new(from: Duration) -> Self {
        let state = State { jump: Some(from).filter(|from| !from.is_zero()), ..State::default() };
        Queue { state: Mutex::new(state), changed: Condvar::new(), stopped: Arc::default(), elsewhere: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do next: waits until there is something.
    fn wait(&self) -> Task {
        let mut state = self.lock();
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return Task::Stopped;
            } else if let Some(task) = state.task() {
                self.elsewhere.store(false, Ordering::Relaxed);
                return task;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn push_sound(&self, sound: Option<Vec<f32>>) {
        let mut state = self.lock();
        // What was decoded meanwhile is of another place.
        if state.jump.is_none() {
            state.any |= sound.is_some();
            state.sound_over = sound.is_none();
            state.sound.extend(sound.into_iter().flatten());
        }
    }

    fn push_picture(&self, picture: Option<Shown>) {
        let mut state = self.lock();
        if state.jump.is_none() {
            state.any |= picture.is_some();
            state.pictures_over = picture.is_none();
            state.pictures.extend(picture);
        }
    }
}

impl State {
    fn task(&mut self) -> Option<Task> {
        if let Some(to) = self.jump.take() {
            return Some(Task::Jump(to));
        }
        if !self.sound_over && self.sound.len() < PLAYER_SOUND_MAX {
            return Some(Task::Sound);
        } else if !self.pictures_over && self.pictures.len() < PLAYER_PICTURES_MAX {
            return Some(Task::Picture);
        }
        self.primed = true;
        let over = self.sound_over && self.pictures_over && self.sound.is_empty() && self.pictures.is_empty();
        if over {
            return Some(if self.any { Task::Finished } else { Task::Empty });
        }
        (!std::mem::replace(&mut self.told, true)).then_some(Task::Begun)
    }
}

/// The mixer's end.
struct Seat(Arc<Queue>);

impl Reel for Seat {
    fn jump(&self, to: Duration) {
        let mut state = self.0.lock();
        *state = State { jump: Some(to), told: state.told, any: state.any, ..State::default() };
        self.0.elsewhere.store(true, Ordering::Relaxed);
        drop(state);
        self.0.changed.notify_one();
    }

    fn sound(&self, samples: &mut [f32]) -> bool {
        let mut state = self.0.lock();
        if !state.primed || (state.sound.len() < samples.len() && !state.sound_over) {
            return false;
        }
        let count = samples.len().min(state.sound.len());
        samples.iter_mut().zip(state.sound.drain(..count)).for_each(|(to, sample)| *to = sample);
        drop(state);
        self.0.changed.notify_one();
        true
    }

    fn picture(&self, at: Duration) -> Option<Shown> {
        let mut state = self.0.lock();
        if !state.primed {
            return None;
        }
        let due = state.pictures.iter().take_while(|shown| shown.time <= at).count();
        let shown = state.pictures.drain(..due).next_back();
        drop(state);
        if shown.is_some() {
            self.0.changed.notify_one();
        }
        shown
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        // Not while it looks and has not begun to wait yet.
        drop(self.0.lock());
        self.0.changed.notify_one();
    }
}
