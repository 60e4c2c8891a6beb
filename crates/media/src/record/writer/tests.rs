use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use container::matroska::Event;
use mio::{Poll, Token};
use room::{Kind, ParticipantId, TrackId};
use tempfile::TempDir;

use super::super::disk::Medium;
use super::super::{MixFile, Subject, look};
use super::*;
use crate::codec::Codec;
use crate::limit::RECORD_SYNC_GAP;
use crate::tap::Packet;

const ROOM: RoomId = RoomId(1);
const ONE: RecordingId = RecordingId(1);
const TWO: RecordingId = RecordingId(2);
const SECOND: Duration = Duration::from_secs(1);
/// Space that there must be.
const LEAST: u64 = 1_000_000_000;
/// A cluster of large packets.
const LARGE_BYTES: usize = 1_000_000;
/// A second of sound is more, all else is less.
const CLUSTER_BYTES: usize = 1_000;
const SOUND_TIME: Duration = Duration::from_millis(20);

/// A disk, and what happens while it writes.
#[derive(Clone)]
struct Fake(Arc<Mutex<State>>);

struct State {
    now: Instant,
    /// How long it takes to write a cluster.
    takes: Duration,
    /// From when on there is no space.
    full: Option<Instant>,
    /// How much there is until then.
    space: u64,
    /// What comes in the meantime.
    feed: Option<Feed>,
    /// It cannot keep what is written to it: half of it is lost.
    breaks: bool,
    /// It is looked how much space there is, and that panics.
    panics: bool,
}

/// Sounds that begin at one moment.
struct Feed {
    port: Arc<Mutex<Port>>,
    start: Instant,
    recordings: Vec<RecordingId>,
    next: u32,
    end: u32,
}

impl State {
    fn pass(&mut self, time: Duration) {
        self.now += time;
        let Some(feed) = &mut self.feed else { return };
        let mut port = feed.port.lock().unwrap();
        while feed.next < feed.end && feed.start + feed.next * SOUND_TIME <= self.now {
            feed.recordings.iter().for_each(|one| port.send(sound(*one, feed.start, feed.next, Duration::ZERO)));
            feed.next += 1;
        }
    }
}

impl Fake {
    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.0.lock().unwrap())
    }
}

impl Disk for Fake {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Medium>> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        Ok(Box::new(FakeFile { file, disk: self.clone() }))
    }

    fn space(&mut self, _: &Path) -> Option<u64> {
        assert!(!self.with(|state| std::mem::take(&mut state.panics)), "as wanted");
        self.with(|state| Some(if state.full.is_some_and(|full| state.now >= full) { 0 } else { state.space }))
    }
}

struct FakeFile {
    file: File,
    disk: Fake,
}

impl Medium for FakeFile {
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() >= CLUSTER_BYTES {
            self.disk.with(|state| state.pass(state.takes));
        }
        self.disk.with(|state| state.space -= bytes.len() as u64);
        // What is in them does not matter here, and there is no space for it.
        if bytes.len() >= LARGE_BYTES {
            return self.file.set_len(at + bytes.len() as u64);
        }
        self.file.put(at, bytes)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.cut(bytes)
    }

    fn keep(&mut self) -> io::Result<()> {
        // Told once, as Linux does.
        if self.disk.with(|state| std::mem::take(&mut state.breaks)) {
            let bytes = self.file.metadata()?.len();
            self.file.put(bytes / 2, &vec![0; usize::try_from(bytes - bytes / 2).unwrap()])?;
            return Err(io::ErrorKind::Other.into());
        }
        self.file.keep()
    }
}

/// A recorder whose turns are taken by hand.
struct Bench {
    start: Instant,
    disk: Fake,
    port: Arc<Mutex<Port>>,
    recording: Recording,
    /// What is told, and when.
    reports: mpsc::Receiver<(Instant, Report)>,
    folder: TempDir,
    _poll: Poll,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        let (poll, folder) = (Poll::new().unwrap(), tempfile::tempdir().unwrap());
        let state =
            State { now: start, takes: Duration::ZERO, full: None, space: u64::MAX, feed: None, breaks: false, panics: false };
        let disk = Fake(Arc::new(Mutex::new(state)));
        let ((report, reports), (done, _)) = (channel(), channel());
        let (clock, at) = (disk.clone(), disk.clone());
        let floors = Floors { begin: LEAST, least: LEAST };
        let setup = Setup {
            number: 0,
            settings: Some(Settings {
                folder: folder.path().to_owned(),
                floors,
                sealing: Sealing::none(),
                mix: MixFile::default(),
            }),
            epoch: Epoch { moment: start, since_1970: Duration::from_secs(1_795_305_600) },
            counters: Arc::default(),
            report: Arc::new(move |told| drop(report.send((at.with(|state| state.now), told)))),
            waker: Arc::new(Waker::new(poll.registry(), Token(0)).unwrap()),
            done,
        };
        let (port, recording) = join(setup, Box::new(disk.clone()), Box::new(move || clock.with(|state| state.now)));
        Bench { start, disk, port: Arc::new(Mutex::new(port)), recording, reports, folder, _poll: poll }
    }

    fn send(&self, told: ToRecorder) {
        self.port.lock().unwrap().send(told);
    }

    fn begin(&self, recording: RecordingId) {
        self.send(begin(recording));
    }

    /// All that was told by now, and how long after the beginning.
    fn news(&self) -> Vec<(Duration, RecordingId, RecordNews)> {
        let reports = self.reports.try_iter().filter_map(|(at, report)| match report {
            Report::Recorded { recording, news, .. } => Some((at - self.start, recording, news)),
            _ => None,
        });
        reports.collect()
    }

    /// How it ended, of those that ended.
    fn ends(&self) -> Vec<(Duration, RecordingId, Outcome)> {
        let ends = self.news().into_iter().filter_map(|(at, recording, news)| match news {
            RecordNews::Ended(outcome) => Some((at, recording, outcome)),
            _ => None,
        });
        ends.collect()
    }
}

fn begin(recording: RecordingId) -> ToRecorder {
    let subject = Subject::Track { who: ParticipantId(1), track: TrackId(recording.0), kind: Kind::Audio };
    ToRecorder::Begin { room: ROOM, recording, subject }
}

/// The so manieth packet of a sound that began at that moment, on its way for so long.
fn sound(recording: RecordingId, start: Instant, n: u32, way: Duration) -> ToRecorder {
    let packet = Packet {
        codec: Codec::Opus,
        stream: 1,
        seq: n.into(),
        time: n * 960,
        arrival: start + n * SOUND_TIME + way,
        last: false,
        rotation: None,
        report: None,
        payload: [0xfc; 20].into(),
    };
    ToRecorder::Packet(recording, packet)
}

#[test]
fn what_the_disk_did_not_keep_ends_a_recording_which_then_is_what_is_left_of_it() {
    let mut bench = Bench::new();
    bench.begin(ONE);
    for n in 0..500 {
        bench.send(sound(ONE, bench.start, n, Duration::ZERO));
    }
    bench.disk.with(|state| state.now += 500 * SOUND_TIME);
    bench.recording.turn(None);
    assert!(bench.ends().is_empty());
    bench.disk.with(|state| {
        state.breaks = true;
        state.now += RECORD_SYNC_GAP;
    });
    bench.recording.turn(None);
    bench.send(ToRecorder::End(ONE));
    bench.recording.turn(None);
    let [(_, ONE, outcome)] = bench.ends()[..] else { panic!("it ended once") };
    assert_eq!(outcome.why, WhyStopped::Disk);
    assert!(outcome.duration > 3 * SECOND && outcome.duration < 6 * SECOND, "{outcome:?}");
    let whole = bench.folder.path().join(format!("{:032x}.mka", ONE.0));
    assert_eq!(look(&whole, &Sealing::none()).unwrap(), Outcome { why: WhyStopped::Stopped, ..outcome });
    assert_eq!(bench.recording.counters.recordings_failed.get(), 1);
}

#[test]
fn what_was_not_kept_at_the_very_end_is_read_again_too() {
    let mut bench = Bench::new();
    bench.begin(ONE);
    (0..500).for_each(|n| bench.send(sound(ONE, bench.start, n, Duration::ZERO)));
    bench.disk.with(|state| state.breaks = true);
    bench.send(ToRecorder::End(ONE));
    bench.recording.turn(None);
    let [(_, ONE, outcome)] = bench.ends()[..] else { panic!("it ended once") };
    assert_eq!(outcome.why, WhyStopped::Disk);
    assert!(outcome.duration > 3 * SECOND && outcome.duration < 6 * SECOND, "{outcome:?}");
}

#[test]
fn a_panic_loses_nothing_that_was_taken_from_the_queue() {
    for told in [begin(ONE), sound(ONE, Instant::now(), 0, Duration::ZERO)] {
        let mut bench = Bench::new();
        let begins = !told.is_media();
        bench.send(told);
        let first = bench.recording.told.recv().ok();
        bench.disk.with(|state| state.panics = true);
        assert!(catch_unwind(AssertUnwindSafe(|| bench.recording.turn(first))).is_err());
        bench.recording.begin_anew();
        assert_eq!(bench.ends().len(), usize::from(begins));
        assert_eq!(bench.recording.queue.packets.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_slow_disk_keeps_a_recorder_from_nothing() {
    let mut bench = Bench::new();
    let recordings: Vec<RecordingId> = (1..=20).map(RecordingId).collect();
    recordings.iter().for_each(|one| bench.begin(*one));
    let start = bench.start;
    bench.disk.with(|state| {
        // Twenty times as much comes as can be written.
        (state.takes, state.full) = (SECOND, Some(start + 40 * SECOND));
        let port = Arc::clone(&bench.port);
        state.feed = Some(Feed { port, start, recordings: recordings.clone(), next: 0, end: 100 * 50 });
    });
    while bench.disk.with(|state| state.now) < start + 100 * SECOND {
        if bench.recording.turn(None) == Left::Nothing {
            bench.disk.with(|state| state.pass(RECORD_TURN));
        }
    }
    let mut ends: Vec<_> = bench.ends().into_iter().map(|(at, one, outcome)| (one, outcome.why, at)).collect();
    // The queue takes 16 s to fill, and for 10 s it is borne.
    assert!(ends[0].2 > 25 * SECOND && ends[0].2 < 35 * SECOND, "{ends:?}");
    let slow = ends.iter().take_while(|(_, why, _)| *why == WhyStopped::Overloaded).count();
    assert!(slow > 3 && ends[..slow].iter().all(|(.., at)| *at < 40 * SECOND + RECORD_SPACE_GAP), "{ends:?}");
    assert!(ends[slow..].iter().all(|(_, why, at)| *why == WhyStopped::Disk && *at < 60 * SECOND), "{ends:?}");
    ends.sort_unstable_by_key(|(one, ..)| *one);
    assert_eq!(ends.iter().map(|(one, ..)| *one).collect::<Vec<_>>(), recordings);
}

#[test]
fn what_waits_for_a_slow_disk_is_not_missing() {
    let mut bench = Bench::new();
    let both = [ONE, RecordingId(2)];
    both.iter().for_each(|one| bench.begin(*one));
    // Some are lost on the way and come again, by now all of them have.
    let way = |n: u32| Duration::from_millis(if n % 10 == 5 { 100 } else { 0 });
    let mut order: Vec<u32> = (0..500).collect();
    order.sort_by_key(|n| *n * SOUND_TIME + way(*n));
    for n in order {
        both.iter().for_each(|one| bench.send(sound(*one, bench.start, n, way(n))));
    }
    bench.disk.with(|state| {
        state.now += 500 * SOUND_TIME + SECOND;
        state.takes = 6 * SECOND;
    });
    both.iter().for_each(|one| bench.send(ToRecorder::End(*one)));
    while bench.recording.turn(None) == Left::More {}
    let news = bench.news();
    assert!(!news.iter().any(|(_, _, news)| matches!(news, RecordNews::Silent(_))), "{news:?}");
    for one in both {
        let mut reader = container::matroska::Reader::default();
        reader.push(&std::fs::read(bench.folder.path().join(format!("{:032x}.mka", one.0))).unwrap());
        let blocks = std::iter::from_fn(|| reader.poll()).filter(|event| matches!(event, Event::Block(_)));
        assert_eq!(blocks.count(), 500);
    }
}

#[test]
fn much_is_not_written_without_a_look_at_how_much_space_there_is() {
    let mut bench = Bench::new();
    let before = LEAST + 2 * RECORD_SPACE_STEP_BYTES;
    bench.disk.with(|state| state.space = before);
    bench.begin(ONE);
    let large: Arc<[u8]> = vec![0xfc; 100_000].into();
    // Many at once, in less time than there is between two looks.
    for n in 0..4_000 {
        let ToRecorder::Packet(one, packet) = sound(ONE, bench.start, n, Duration::ZERO) else { unreachable!() };
        bench.send(ToRecorder::Packet(one, Packet { payload: large.clone(), ..packet }));
    }
    assert_eq!(bench.recording.turn(None), Left::Nothing);
    let [(_, ONE, outcome)] = bench.ends()[..] else { panic!("it ended once") };
    let written = before - bench.disk.with(|state| state.space);
    assert!(outcome.why == WhyStopped::Disk && outcome.bytes <= written);
    // One look too late, at worst, and what was begun.
    assert!(written > 2 * RECORD_SPACE_STEP_BYTES && written < 3 * RECORD_SPACE_STEP_BYTES + 10_000_000, "{written}");
}

#[test]
fn a_recording_begins_as_soon_as_there_is_space_again() {
    let mut bench = Bench::new();
    bench.disk.with(|state| state.space = LEAST - 1);
    bench.begin(ONE);
    bench.send(sound(ONE, bench.start, 0, Duration::ZERO));
    assert_eq!(bench.recording.turn(None), Left::Nothing);
    assert!(matches!(bench.ends()[..], [(_, ONE, ref outcome)] if outcome.why == WhyStopped::Disk));
    bench.disk.with(|state| state.space = u64::MAX);
    bench.begin(TWO);
    bench.send(sound(TWO, bench.start, 1, Duration::ZERO));
    assert_eq!(bench.recording.turn(None), Left::Nothing);
    assert!(bench.ends().is_empty(), "it goes on");
}
