//! All recordings of one worker, as a value: what the engine tells and time in, what is to be done with files and what is to be told out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use container::Output;
use room::{Outcome, ParticipantId, RecordNews, RecordingId, RoomId, WhyStopped};

use super::clock::{Epoch, PeerClock};
use super::take::{Form, Step, Take};
use super::{Floors, FromRecorder, Subject, ToRecorder};
use crate::limit::{RECORD_OVERLOAD_PAUSE, RECORD_OVERLOAD_TIME};

/// From the end of one recording for want of speed to the next.
const OVERLOAD_STEP: std::time::Duration = std::time::Duration::from_secs(1);

/// What is to be done, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Make a file.
    Create(RecordingId, Form),
    /// Do this with it.
    Write(RecordingId, Output),
    /// Tell the rooms.
    Tell(RoomId, RecordingId, RecordNews),
    /// Make sure that the file, if there is one, is on the disk, give it its name, and tell the rooms.
    End(RoomId, RecordingId, Outcome),
    /// Tell the engine.
    Wish(FromRecorder),
}

/// The recordings of one worker.
pub struct Recorder {
    epoch: Epoch,
    floors: Floors,
    takes: BTreeMap<RecordingId, Take>,
    /// Of everybody of whom a track is recorded.
    clocks: HashMap<(RoomId, ParticipantId), PeerClock>,
    effects: VecDeque<Effect>,
    serial: u64,
    /// Bytes free at the last look.
    free: u64,
    dropped: u64,
    overload: Option<Overload>,
}

/// Packets are dropped because writing takes too long.
#[derive(Clone, Copy, Debug)]
struct Overload {
    since: Instant,
    last: Instant,
    /// When the next recording ends for it.
    due: Instant,
}

impl Recorder {
    /// No recordings yet. There is as much space as anybody can want, until [`handle_free`](Self::handle_free) says otherwise.
    #[must_use]
    pub fn new(epoch: Epoch, floors: Floors) -> Self {
        Recorder {
            epoch,
            floors,
            takes: BTreeMap::new(),
            clocks: HashMap::new(),
            effects: VecDeque::new(),
            serial: 0,
            free: u64::MAX,
            dropped: 0,
            overload: None,
        }
    }

    /// Takes what the engine tells, at the time when it came.
    pub fn handle(&mut self, now: Instant, told: ToRecorder) {
        match told {
            ToRecorder::Begin { room, recording, subject } => self.begin(now, room, recording, subject),
            ToRecorder::End(recording) => self.end(now, recording, WhyStopped::Stopped),
            ToRecorder::Lost => self.end_all(now, WhyStopped::Stopped),
            ToRecorder::Packet(recording, _) | ToRecorder::Pause(recording, _) => self.pass(now, recording, told),
            ToRecorder::Sound { recording, .. } | ToRecorder::Picture { recording, .. } => self.pass(now, recording, told),
        }
    }

    /// Time has passed, and all that came until `read` was told; to be called often. What came later may still wait to be told: for that
    /// time has not passed yet, and nothing of it is missing.
    pub fn handle_time(&mut self, now: Instant, read: Instant) {
        let Recorder { epoch, takes, clocks, effects, .. } = self;
        for (recording, take) in takes.iter_mut() {
            let room = take.room;
            take.handle_time(read, epoch, clock(clocks, room, take.subject), |step| put(effects, room, *recording, step));
            effects.extend(take.take_wish(now).map(Effect::Wish));
        }
        let long: Vec<RecordingId> = takes.iter().filter(|(_, take)| take.is_long()).map(|(recording, _)| *recording).collect();
        long.into_iter().for_each(|recording| self.end(now, recording, WhyStopped::Long));
        self.relieve(now);
    }

    /// So many bytes are free where recordings are kept.
    pub fn handle_free(&mut self, now: Instant, bytes: u64) {
        self.free = bytes;
        if bytes < self.floors.least {
            self.end_all(now, WhyStopped::Disk);
        }
    }

    /// So many packets, since the beginning, found no room in the queue to here.
    pub fn handle_dropped(&mut self, now: Instant, packets: u64) {
        if std::mem::replace(&mut self.dropped, packets) != packets {
            let fresh = Overload { since: now, last: now, due: now + RECORD_OVERLOAD_TIME };
            self.overload.get_or_insert(fresh).last = now;
        }
    }

    /// A file could not be written beyond so many bytes: nothing of what was to be done with it after that was done.
    pub fn handle_failed(&mut self, recording: RecordingId, bytes: u64) {
        let Some(take) = self.takes.get_mut(&recording) else { return };
        self.effects.retain(|effect| effect.recording() != Some(recording));
        let room = take.room;
        let effects = &mut self.effects;
        let outcome = take.cut(bytes, |step| put(effects, room, recording, step));
        effects.push_back(Effect::End(room, recording, outcome));
    }

    /// Ends everything.
    pub fn end_all(&mut self, now: Instant, why: WhyStopped) {
        let all: Vec<RecordingId> = self.takes.keys().copied().collect();
        all.into_iter().for_each(|recording| self.end(now, recording, why));
    }

    /// What is to be done next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The end of a recording was carried out, or cannot be: it is forgotten.
    pub fn handle_ended(&mut self, recording: RecordingId) {
        self.takes.remove(&recording);
        let Recorder { takes, clocks, .. } = self;
        clocks.retain(|key, _| takes.values().any(|take| owner(take.room, take.subject) == *key));
    }

    /// The recordings that are not done.
    pub fn recordings(&self) -> impl Iterator<Item = (RoomId, RecordingId)> {
        self.takes.iter().map(|(recording, take)| (take.room, *recording))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.takes.is_empty()
    }

    fn begin(&mut self, now: Instant, room: RoomId, recording: RecordingId, subject: Subject) {
        if self.takes.contains_key(&recording) {
            return;
        }
        self.serial += 1;
        self.takes.insert(recording, Take::new(now, room, subject, self.serial));
        if self.free < self.floors.begin {
            self.end(now, recording, WhyStopped::Disk);
        }
    }

    fn pass(&mut self, now: Instant, recording: RecordingId, told: ToRecorder) {
        let Recorder { epoch, takes, clocks, effects, .. } = self;
        let Some(take) = takes.get_mut(&recording) else { return };
        let room = take.room;
        take.handle(now, epoch, clock(clocks, room, take.subject), told, |step| put(effects, room, recording, step));
    }

    fn end(&mut self, now: Instant, recording: RecordingId, why: WhyStopped) {
        let Recorder { epoch, takes, clocks, effects, .. } = self;
        let Some(take) = takes.get_mut(&recording).filter(|take| !take.is_over()) else { return };
        let room = take.room;
        let clock = clock(clocks, room, take.subject);
        let outcome = take.end(now, epoch, clock, why, |step| put(effects, room, recording, step));
        effects.push_back(Effect::End(room, recording, outcome));
    }

    /// Ends one recording after the other while too much is dropped, the youngest first.
    fn relieve(&mut self, now: Instant) {
        let Some(overload) = &mut self.overload else { return };
        if now.saturating_duration_since(overload.last) >= RECORD_OVERLOAD_PAUSE {
            self.overload = None;
            return;
        }
        if now < overload.due || now.saturating_duration_since(overload.since) < RECORD_OVERLOAD_TIME {
            return;
        }
        overload.due = now + OVERLOAD_STEP;
        let running = self.takes.iter().filter(|(_, take)| !take.is_over());
        let youngest = running.max_by_key(|(_, take)| (take.has_pictures(), take.serial)).map(|(recording, _)| *recording);
        if let Some(recording) = youngest {
            self.end(now, recording, WhyStopped::Overloaded);
        }
    }
}

impl Effect {
    fn recording(&self) -> Option<RecordingId> {
        match self {
            Effect::Create(recording, _) | Effect::Write(recording, _) => Some(*recording),
            Effect::Tell(_, recording, _) | Effect::End(_, recording, _) => Some(*recording),
            Effect::Wish(_) => None,
        }
    }
}

fn put(effects: &mut VecDeque<Effect>, room: RoomId, recording: RecordingId, step: Step) {
    match step {
        Step::Begin(form, codec, offset) => {
            effects.push_back(Effect::Create(recording, form));
            effects.push_back(Effect::Tell(room, recording, RecordNews::Began { codec, offset }));
        }
        Step::Write(output) => effects.push_back(Effect::Write(recording, output)),
        Step::Silent(silent) => effects.push_back(Effect::Tell(room, recording, RecordNews::Silent(silent))),
    }
}

/// Whose clock it is; a mix has that of the server.
fn owner(room: RoomId, subject: Subject) -> (RoomId, ParticipantId) {
    match subject {
        Subject::Track { who, .. } => (room, who),
        Subject::Mix(_) => (room, ParticipantId(0)),
    }
}

fn clock(clocks: &mut HashMap<(RoomId, ParticipantId), PeerClock>, room: RoomId, subject: Subject) -> &mut PeerClock {
    clocks.entry(owner(room, subject)).or_default()
}
