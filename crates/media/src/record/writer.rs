//! The thread that writes, and the way to it from its worker.
//!
//! Packets wake nobody: the thread looks for them many times a second while there is something to record. Nobody waits for anybody: what
//! finds no room in the queue is dropped and counted, but for beginnings and ends, which wait at their worker.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, TryRecvError, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

use mio::Waker;
use room::{Outcome, RecordNews, RecordingId, Report, RoomId, WhyStopped};
use sealed::Sealing;

use super::disk::{Disk, System};
use super::files::Files;
use super::recorder::{Effect, Recorder};
use super::{Epoch, Floors, FromRecorder, Settings, ToRecorder};
use crate::counters::Counters;
use crate::limit::{
    RECORD_ORDERS_QUEUED_MAX, RECORD_QUEUE_PACKETS_MAX, RECORD_SPACE_BEGIN_BYTES, RECORD_SPACE_GAP, RECORD_SPACE_LEAST_BYTES,
    RECORD_SPACE_STEP_BYTES, RECORD_TURN, RECORD_TURN_MAX, RECORD_WARN_GAP, RECORD_WISHES_QUEUED_MAX,
};
use crate::queue::{Receiver, Sender, bounded};

/// A worker's way to its recorder and back.
pub(crate) struct Port {
    orders: Sender<ToRecorder>,
    queue: Arc<Queue>,
    wishes: Receiver<FromRecorder>,
    /// For whom there was no room.
    waiting: VecDeque<ToRecorder>,
    counters: Arc<Counters>,
}

/// What is known of the queue at both its ends.
#[derive(Default)]
struct Queue {
    /// Packets in it.
    packets: AtomicUsize,
    /// Packets that found no room in it.
    dropped: AtomicU64,
}

/// What a recorder is given.
pub(crate) struct Setup {
    pub number: usize,
    /// None: there is nowhere to record to.
    pub settings: Option<Settings>,
    pub epoch: Epoch,
    pub counters: Arc<Counters>,
    /// Hears what becomes of recordings. Must not wait.
    pub report: Arc<dyn Fn(Report) + Send + Sync>,
    /// Wakes the worker.
    pub waker: Arc<Waker>,
    /// Let go of when all files are done.
    pub done: mpsc::Sender<()>,
}

/// Starts the thread of a worker. It ends, with all files done, when the worker lets go of its end.
///
/// # Errors
/// The system has no more threads.
pub(crate) fn start(setup: Setup) -> io::Result<Port> {
    let (name, done) = (format!("recorder {}", setup.number), setup.done.clone());
    let sealing = setup.settings.as_ref().map_or_else(Sealing::none, |settings| settings.sealing.clone());
    let (port, recording) = join(setup, Box::new(System(sealing)), Box::new(Instant::now));
    thread::Builder::new().name(name).spawn(move || {
        recording.run();
        drop(done);
    })?;
    Ok(port)
}

/// Both ends of the queue.
fn join(setup: Setup, disk: Box<dyn Disk>, clock: Clock) -> (Port, Recording) {
    let (orders, told) = bounded(RECORD_QUEUE_PACKETS_MAX + RECORD_ORDERS_QUEUED_MAX);
    let (wish, wishes) = bounded(RECORD_WISHES_QUEUED_MAX);
    let queue = Arc::new(Queue::default());
    let Setup { settings, epoch, counters, report, waker, .. } = setup;
    let (folder, floors, sealing) = match settings {
        Some(settings) => (Some(settings.folder), settings.floors, settings.sealing),
        None => (None, Floors::default(), Sealing::none()),
    };
    let recording = Recording {
        told,
        queue: queue.clone(),
        recorder: Recorder::new(epoch, floors),
        fresh: Box::new(move || Recorder::new(epoch, floors)),
        files: Files::new(folder, disk, sealing),
        running: BTreeMap::new(),
        report,
        wish,
        waker,
        read: clock(),
        clock,
        looked: None,
        warned: None,
        counters: counters.clone(),
    };
    (Port { orders, queue, wishes, waiting: VecDeque::new(), counters }, recording)
}

impl Port {
    /// Tells the recorder something. Never waits.
    pub fn send(&mut self, told: ToRecorder) {
        if told.is_media() {
            let full = self.queue.packets.load(Ordering::Relaxed) >= RECORD_QUEUE_PACKETS_MAX;
            // What is behind something that waits must not overtake it.
            if full || !self.waiting.is_empty() || self.orders.try_send(told).is_err() {
                self.queue.dropped.fetch_add(1, Ordering::Relaxed);
                self.counters.recorder_dropped.add(1);
            } else {
                self.queue.packets.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        self.waiting.push_back(told);
        self.send_waiting();
    }

    /// Gives what the recorder wishes for.
    pub fn receive(&mut self, take: impl FnMut(FromRecorder)) {
        self.send_waiting();
        self.wishes.try_iter().take(RECORD_WISHES_QUEUED_MAX).for_each(take);
    }

    /// The engine is gone, and its recordings with it.
    pub fn clear(&mut self) {
        self.send(ToRecorder::Lost);
    }

    fn send_waiting(&mut self) {
        while let Some(told) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(told)) = self.orders.try_send(told) {
                self.waiting.push_front(told);
                return;
            }
        }
    }
}

/// What a turn left in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// There was no time for it.
    More,
    /// Nothing, and nothing can come any more.
    End,
}

/// Says what time it is.
type Clock = Box<dyn Fn() -> Instant + Send>;

/// The thread, from inside.
struct Recording {
    told: Receiver<ToRecorder>,
    queue: Arc<Queue>,
    recorder: Recorder,
    fresh: Box<dyn Fn() -> Recorder + Send>,
    files: Files,
    /// Recordings whose end was not told yet.
    running: BTreeMap<RecordingId, RoomId>,
    report: Arc<dyn Fn(Report) + Send + Sync>,
    wish: Sender<FromRecorder>,
    waker: Arc<Waker>,
    clock: Clock,
    /// What came until then was taken from the queue.
    read: Instant,
    /// When it was last looked how much space there is, and how much was written by then.
    looked: Option<(Instant, u64)>,
    /// When the log was told of the disk last.
    warned: Option<Instant>,
    counters: Arc<Counters>,
}

impl Recording {
    fn run(mut self) {
        let mut left = Left::Nothing;
        while left != Left::End {
            let waits = left == Left::Nothing;
            let first = if waits && self.recorder.is_idle() { self.told.recv().ok() } else { None };
            if waits && first.is_none() {
                thread::sleep(RECORD_TURN);
            }
            left = catch_unwind(AssertUnwindSafe(|| self.turn(first))).unwrap_or_else(|_| {
                self.begin_anew();
                Left::Nothing
            });
        }
    }

    /// Takes in what came, gives out all that it led to.
    fn turn(&mut self, first: Option<ToRecorder>) -> Left {
        let now = (self.clock)();
        // What follows may panic: whatever came is known by then.
        first.iter().for_each(|told| self.note(told));
        self.look(now, first.as_ref());
        if let Some(told) = first {
            // Until now there was nothing else.
            self.read = now;
            self.hand(now, told);
        }
        let left = self.take(now + RECORD_TURN_MAX);
        let now = (self.clock)();
        self.recorder.handle_dropped(now, self.queue.dropped.load(Ordering::Relaxed));
        self.recorder.handle_time(now, self.read);
        if left == Left::End {
            self.recorder.end_all(now, WhyStopped::Stopped);
        }
        self.carry_out(now);
        if let Some((recording, problem)) = self.files.sync(now) {
            self.check(recording, Err(problem));
            self.carry_out(now);
        }
        left
    }

    /// Takes what is in the queue, for no longer than that: more may come all the time.
    fn take(&mut self, until: Instant) -> Left {
        loop {
            let now = (self.clock)();
            if now >= until {
                return Left::More;
            }
            match self.told.try_recv() {
                Ok(told) => {
                    self.note(&told);
                    self.look(now, Some(&told));
                    self.hand(now, told);
                }
                Err(why) => {
                    self.read = now;
                    return if why == TryRecvError::Empty { Left::Nothing } else { Left::End };
                }
            }
        }
    }

    /// Something left the queue.
    fn note(&mut self, told: &ToRecorder) {
        if let ToRecorder::Begin { room, recording, .. } = told {
            self.running.insert(*recording, *room);
        }
        if told.is_media() {
            self.queue.packets.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn hand(&mut self, now: Instant, told: ToRecorder) {
        let came = match &told {
            ToRecorder::Packet(_, packet) => packet.arrival,
            ToRecorder::Sound { shown, .. } | ToRecorder::Picture { shown, .. } => *shown,
            _ => self.read,
        };
        self.read = self.read.max(came.min(now));
        self.recorder.handle(self.read, told);
        // What is done waits for no end of what comes.
        self.carry_out(now);
    }

    /// Looks now and then how much space there is, and before a recording begins: there may be some again.
    fn look(&mut self, now: Instant, told: Option<&ToRecorder>) {
        let written = self.files.written();
        let begins = matches!(told, Some(ToRecorder::Begin { .. }));
        let due = begins
            || self.looked.is_none_or(|(at, before)| {
                now.saturating_duration_since(at) >= RECORD_SPACE_GAP || written.saturating_sub(before) >= RECORD_SPACE_STEP_BYTES
            });
        if due {
            self.looked = Some((now, written));
            // Where nobody knows how much there is, writing shows it.
            self.recorder.handle_free(now, self.files.space().unwrap_or(u64::MAX));
        }
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(effect) = self.recorder.poll_effect() {
            match effect {
                Effect::Create(recording, form) => {
                    let done = self.files.create(now, recording, form);
                    self.check(recording, done);
                }
                Effect::Write(recording, output) => {
                    let done = self.files.write(recording, &output);
                    self.check(recording, done);
                }
                Effect::Tell(room, recording, news) => (self.report)(Report::Recorded { room, recording, news }),
                Effect::End(room, recording, outcome) => self.end(room, recording, outcome),
                Effect::Wish(wish) => {
                    // It is wished again soon.
                    if self.wish.try_send(wish).is_ok() {
                        let _ = self.waker.wake();
                    }
                }
            }
        }
    }

    /// What cannot be written ends its recording.
    fn check(&mut self, recording: RecordingId, done: io::Result<()>) {
        if let Err(problem) = done {
            tracing::error!(%problem, "a recording cannot be written, and ends");
            self.counters.recordings_failed.add(1);
            self.recorder.handle_failed(recording, self.files.bytes(recording));
        }
    }

    fn end(&mut self, room: RoomId, recording: RecordingId, mut outcome: Outcome) {
        match self.files.end(recording) {
            Ok(None) => {}
            Ok(Some(found)) => {
                tracing::error!("a recording could not be kept on the disk; what is left of it was read again");
                outcome = Outcome { why: WhyStopped::Disk, ..found };
            }
            Err(problem) => {
                tracing::error!(%problem, "a recording cannot be finished, which the next start tries again");
                outcome.why = WhyStopped::Disk;
            }
        }
        if outcome.why == WhyStopped::Disk {
            self.warn_of_space();
        }
        self.recorder.handle_ended(recording);
        self.running.remove(&recording);
        self.counters.recorded_bytes.add(outcome.bytes);
        (self.report)(Report::Recorded { room, recording, news: RecordNews::Ended(outcome) });
    }

    /// Says what whoever runs the server has to know when a recording ended for want of space, or of a disk that works.
    fn warn_of_space(&mut self) {
        // All recordings of a disk that is full end at once: one word is enough.
        let now = (self.clock)();
        if self.warned.is_some_and(|last| now.saturating_duration_since(last) < RECORD_WARN_GAP) {
            return;
        }
        self.warned = Some(now);
        let free = self.files.space();
        let folder = self.files.folder().map(|folder| folder.display().to_string()).unwrap_or_default();
        let (begin, least) = (RECORD_SPACE_BEGIN_BYTES, RECORD_SPACE_LEAST_BYTES);
        tracing::warn!(
            %folder,
            free_bytes = free,
            to_begin_bytes = begin,
            to_go_on_bytes = least,
            "a recording ended because of the disk: make room there, or say another folder under [recording]; it is tried again every few minutes"
        );
    }

    /// After a panic: every recording ends with what is in its file.
    fn begin_anew(&mut self) {
        tracing::error!("the recorder of a worker panicked; its recordings end");
        self.counters.recorder_panics.add(1);
        self.recorder = (self.fresh)();
        for (recording, room) in std::mem::take(&mut self.running) {
            let nothing =
                Outcome { duration: Duration::ZERO, bytes: 0, offset: Duration::ZERO, codec: None, why: WhyStopped::NoMedia };
            let outcome = self.files.rescue(recording).unwrap_or(nothing);
            (self.report)(Report::Recorded { room, recording, news: RecordNews::Ended(outcome) });
        }
    }
}
