//! Recordings with real threads and files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::pool::Config;
use media::record::{self, Floors, MixFile, Settings, Subject, ToRecorder};
use media::tap::Packet;
use room::{Kind, Outcome, ParticipantId, RecordNews, RecordingId, Report, RoomId, TrackId, WhyStopped};
use sealed::{Key, Keys, Sealing};

use crate::script::{LONG, config, open, say, start};

pub const SOUND: RecordingId = RecordingId(0xab);

const PACKETS: u32 = 100;

/// What an engine tells of a recording that begins: two seconds of sound at once.
pub fn beginning(room: RoomId, now: Instant) -> Vec<ToRecorder> {
    let subject = Subject::Track { who: ParticipantId(1), track: TrackId(2), kind: Kind::Audio };
    let packet = |n: u32| Packet {
        codec: Codec::Opus,
        stream: 1,
        seq: n.into(),
        time: n * 960,
        arrival: now + n * Duration::from_millis(20),
        last: false,
        rotation: None,
        report: None,
        payload: [0xfc, n as u8].into(),
    };
    let packets = (0..PACKETS).map(|n| ToRecorder::Packet(SOUND, packet(n)));
    [ToRecorder::Begin { room, recording: SOUND, subject }].into_iter().chain(packets).collect()
}

fn recording(folder: &Path) -> Config {
    encrypting(folder, Sealing::none())
}

fn encrypting(folder: &Path, sealing: Sealing) -> Config {
    let record = Settings { folder: folder.to_owned(), floors: Floors { begin: 0, least: 0 }, sealing, mix: MixFile::default() };
    Config { record: Some(record), ..config("127.0.0.1:0", 1) }
}

fn look(path: &Path) -> Option<Outcome> {
    record::look(path, &Sealing::none()).ok()
}

fn news(reports: &Receiver<Report>) -> RecordNews {
    loop {
        match reports.recv_timeout(LONG).expect("a report") {
            Report::Recorded { recording, news, .. } => {
                assert_eq!(recording, SOUND);
                return news;
            }
            _ => continue,
        }
    }
}

fn ended(reports: &Receiver<Report>) -> Outcome {
    loop {
        if let RecordNews::Ended(outcome) = news(reports) {
            return outcome;
        }
    }
}

fn path(folder: &Path, ending: &str) -> PathBuf {
    folder.join(format!("{:032x}.{ending}", SOUND.0))
}

#[test]
fn a_recording_is_a_file_for_nobody_else_that_has_its_name_when_it_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("recordings");
    let (pool, reports) = start(&recording(&folder));
    [open(1, 1), say(1, 1, "record")].into_iter().for_each(|order| pool.order(order));
    assert!(matches!(news(&reports), RecordNews::Began { .. }));
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&path(&folder, "mka.part"))), (0o700, 0o600));
    pool.order(say(1, 1, "end"));
    let outcome = ended(&reports);
    assert_eq!((outcome.why, outcome.duration), (WhyStopped::Stopped, PACKETS * Duration::from_millis(20)));
    assert!(!path(&folder, "mka.part").exists());
    assert_eq!(fs::metadata(path(&folder, "mka")).expect("it is there").len(), outcome.bytes);
    assert_eq!(look(&path(&folder, "mka")), Some(outcome));
    assert_eq!(pool.counters().recorded_bytes.get(), outcome.bytes);
}

/// What the file of a sound track has at its beginning, and the name of its codec.
const PLAIN: [&[u8]; 3] = [b"\x1a\x45\xdf\xa3", b"webm", b"OPUS"];

#[test]
fn what_is_encrypted_is_never_plain_on_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys(vec![Key::new([3; Key::BYTES])]);
    let sealing = Sealing { keys, is_on: true, random: |buffer| aws_lc_rs::rand::fill(buffer).expect("random") };
    let (pool, reports) = start(&encrypting(folder.path(), sealing.clone()));
    [open(1, 1), say(1, 1, "record")].into_iter().for_each(|order| pool.order(order));
    assert!(matches!(news(&reports), RecordNews::Began { .. }));
    let check = |ending: &str| {
        let file = fs::read(path(folder.path(), ending)).expect("it is there");
        assert!(sealed::is_sealed(&file), "{ending}");
        for plain in PLAIN {
            assert!(!file.windows(plain.len()).any(|part| part == plain), "{ending}");
        }
    };
    check("mka.part");
    pool.order(say(1, 1, "end"));
    let outcome = ended(&reports);
    check("mka");
    assert_eq!(outcome.duration, PACKETS * Duration::from_millis(20));
    assert_eq!(record::look(&path(folder.path(), "mka"), &sealing).ok(), Some(outcome));
    assert!(record::look(&path(folder.path(), "mka"), &Sealing::none()).is_err());
}

#[test]
fn the_end_of_the_program_finishes_what_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pool, reports) = start(&recording(folder.path()));
    [open(1, 1), say(1, 1, "record")].into_iter().for_each(|order| pool.order(order));
    assert!(matches!(news(&reports), RecordNews::Began { .. }));
    drop(pool);
    let outcome = ended(&reports);
    assert_eq!(look(&path(folder.path(), "mka")), Some(outcome));
}

#[test]
fn an_engine_that_is_lost_ends_its_recordings() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pool, reports) = start(&recording(folder.path()));
    [open(1, 1), say(1, 1, "record")].into_iter().for_each(|order| pool.order(order));
    assert!(matches!(news(&reports), RecordNews::Began { .. }));
    pool.order(say(1, 1, "panic"));
    let outcome = ended(&reports);
    assert_eq!((outcome.why, look(&path(folder.path(), "mka"))), (WhyStopped::Stopped, Some(outcome)));
    // The next engine records too.
    fs::remove_file(path(folder.path(), "mka")).expect("it is there");
    [open(1, 1), say(1, 1, "record"), say(1, 1, "end")].into_iter().for_each(|order| pool.order(order));
    assert_eq!(ended(&reports).why, WhyStopped::Stopped);
}

#[test]
fn where_nothing_can_be_written_recordings_end_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, b"in the way").expect("written");
    let no_folder = config("127.0.0.1:0", 1);
    let no_space = |folder: &Path| {
        let floors = Floors { begin: u64::MAX, least: 0 };
        Config {
            record: Some(Settings { folder: folder.to_owned(), floors, sealing: Sealing::none(), mix: MixFile::default() }),
            ..config("127.0.0.1:0", 1)
        }
    };
    for config in [no_folder, recording(&file.join("below")), no_space(folder.path())] {
        let (pool, reports) = start(&config);
        [open(1, 1), say(1, 1, "record")].into_iter().for_each(|order| pool.order(order));
        let outcome = ended(&reports);
        assert_eq!((outcome.why, outcome.bytes, outcome.codec), (WhyStopped::Disk, 0, None));
    }
}
