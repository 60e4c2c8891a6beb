use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use mio::{Poll, Token};
use room::{Kind, ParticipantId, TrackId};
use tempfile::TempDir;

use super::super::disk::Medium;
use super::super::{Subject, look};
use super::*;
use crate::codec::Codec;
use crate::limit::RECORD_SYNC_GAP;
use crate::tap::Packet;

const ROOM: RoomId = RoomId(1);
const ONE: RecordingId = RecordingId(1);
const SECOND: Duration = Duration::from_secs(1);
const SOUND_TIME: Duration = Duration::from_millis(20);

/// A disk, and what happens while it writes.
#[derive(Clone)]
struct Fake(Arc<Mutex<State>>);

struct State {
    now: Instant,
    /// How long it takes to write something.
    takes: Duration,
    /// It cannot keep what is written to it: half of it is lost.
    breaks: bool,
    /// It is looked how much space there is, and that panics.
    panics: bool,
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
        None
    }
}

struct FakeFile {
    file: File,
    disk: Fake,
}

impl Medium for FakeFile {
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.with(|state| state.now += state.takes);
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
    reports: Receiver<(Instant, Report)>,
    folder: TempDir,
    _poll: Poll,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        let (poll, folder) = (Poll::new().unwrap(), tempfile::tempdir().unwrap());
        let disk = Fake(Arc::new(Mutex::new(State { now: start, takes: Duration::ZERO, breaks: false, panics: false })));
        let ((report, reports), (done, _)) = (channel(), channel());
        let (clock, at) = (disk.clone(), disk.clone());
        let floors = Floors { begin: 0, least: 1_000 };
        let setup = Setup {
            number: 0,
            settings: Some(Settings { folder: folder.path().to_owned(), floors }),
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
        payload: [0xfc, n as u8].into(),
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
    assert_eq!(look(&whole).unwrap(), Outcome { why: WhyStopped::Stopped, ..outcome });
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
