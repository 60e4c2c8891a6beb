//! Encrypted recordings and compositions: what is given out of them, what is made of them, and what is told without their key.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ::sealed::{CHUNK, Key, Keys, Reader, Sealing, Writer};
use axum::http::StatusCode;
use container::{Block, Output, Track, matroska};
use kennel::config::{Config, Recording};
use kennel::history::{self, History};
use kennel::keyring;
use kennel::metrics::Metrics;
use kennel::shelf::files::{Files, MARK};
use kennel::studio::wish;
use kennel::studio::work::{Ended, Job, Share, composer};
use serde_json::json;
use store::{RecordedFile, RecordedKind, RecordingRow, RecordingStatus, Write};

use crate::recordings::{mix, room};
use crate::stage::{Stage, check_refusal, get, open_store};

const FILE: u128 = 1;

fn sealing() -> Sealing {
    let keys = Keys(vec![Key::new([5; Key::BYTES])]);
    Sealing { keys, is_on: true, random: |buffer| aws_lc_rs::rand::fill(buffer).expect("random") }
}

/// Writes a file as the recorder does, finished or not.
fn put(path: &Path, bytes: &[u8], sealing: &Sealing, finish: bool) {
    let new = File::options().read(true).write(true).create_new(true).open(path).expect("made");
    let mut writer = Writer::create(new, sealing.key().expect("a key"), sealing.random).expect("written");
    for second in bytes.chunks(20_000) {
        writer.write_at(writer.bytes(), second).and_then(|()| writer.flush()).expect("written");
    }
    if finish {
        writer.finish().expect("written");
    }
}

fn unseal(path: &Path, sealing: &Sealing) -> Vec<u8> {
    let reader = Reader::open(File::open(path).expect("there"), &sealing.keys).expect("encrypted");
    let mut all = vec![0; usize::try_from(reader.bytes()).expect("small")];
    assert!(reader.is_whole() && reader.read_at(0, &mut all).expect("read") == all.len());
    all
}

/// Four seconds of silence, as a file that was finished or one whose writer was killed.
fn silence(finish: bool) -> Vec<u8> {
    let mut writer = matroska::Writer::new(&[Track::opus(1)], Duration::from_secs(1_700_000_000));
    for n in 0..200 {
        let (time, bytes) = (Duration::from_millis(20 * n), vec![0xf8, 0xff, 0xfe]);
        writer.push(Block { track: 0, time, keyframe: true, rotation: None, bytes });
    }
    if finish {
        writer.finish(true);
    }
    let mut file = Vec::new();
    while let Some(output) = writer.poll() {
        match output {
            Output::Append(bytes) => file.extend(bytes),
            Output::Patch { at, bytes } => {
                let at = usize::try_from(at).expect("small");
                file[at..at + bytes.len()].copy_from_slice(&bytes);
            }
        }
    }
    file
}

#[tokio::test]
async fn ranges_are_those_of_what_was_encrypted_and_without_the_key_it_is_said() {
    let text: String = (0..20_000).map(|n| format!("{n:07}")).collect();
    assert!(text.len() > 2 * CHUNK);
    for (known, stage) in [(true, Stage::with_shelf_of(sealing())), (false, Stage::with_shelf())] {
        let account = stage.app.store.credentials().twilio_account_sid;
        let row = Write::RecordingBegan(Box::new(mix(FILE, &account, "Den", 1_000)));
        let writes = vec![Write::RoomBegan(Box::new(room(&account))), row];
        stage.history.as_ref().expect("one").write(writes).await.expect("written");
        let path = stage.folder.path().join(format!("recordings/{FILE:032x}.webm"));
        put(&path, text.as_bytes(), &sealing(), true);
        assert!(!fs::read(&path).expect("there").windows(7).any(|part| part == b"0000123"));
        let listed = stage.ask(get("/kennel/v1/recordings").bearer(&stage.owner_key())).await.json();
        assert_eq!(listed["recordings"][0]["playable"], json!(true));
        let address = stage.ask(get(&format!("/kennel/v1/recordings/RT{FILE:032x}/media")).bearer(&stage.owner_key())).await;
        let address = address.header("location").to_owned();
        let whole = stage.ask(get(&address)).await;
        if !known {
            check_refusal(&whole, StatusCode::SERVICE_UNAVAILABLE, "key_missing");
            continue;
        }
        assert_eq!((whole.status, whole.header("content-length")), (200, text.len().to_string().as_str()));
        assert!(whole.text == text);
        for (from, last) in [(0, 0), (CHUNK - 1, CHUNK), (5, 2 * CHUNK + 9), (text.len() - 1, text.len() - 1)] {
            let part = stage.ask(get(&address).header("range", &format!("bytes={from}-{last}"))).await;
            assert_eq!(part.header("content-range"), format!("bytes {from}-{last}/{}", text.len()));
            assert!(part.status == 206 && part.text == text[from..=last], "{from}-{last}");
        }
        let mut damaged = fs::read(&path).expect("there");
        damaged[40] ^= 1;
        fs::write(&path, damaged).expect("written");
        check_refusal(&stage.ask(get(&address)).await, StatusCode::SERVICE_UNAVAILABLE, "file_damaged");
    }
}

fn sound(account: &str) -> RecordingRow {
    let (participant, track, kind, container) = (Some(21), Some(31), RecordedKind::Audio, "mka".to_owned());
    let file = RecordedFile { codec: "opus".into(), offset_ms: 1_700_000_000_000, duration_ms: 4_000, bytes: 10 };
    RecordingRow { participant, track, kind, container, file, ..mix(FILE, account, "Den", 2_000) }
}

#[test]
fn a_composition_of_encrypted_recordings_is_encrypted_and_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let compose = |name: &str, from: Sealing, to: Sealing| {
        let shelf = folder.path().join(format!("{name} from"));
        fs::create_dir(&shelf).expect("made");
        let file = Files::in_folder(shelf).sealed(from.clone());
        match from.key() {
            Some(_) => put(&file.finished(FILE, "mka"), &silence(true), &from, true),
            None => fs::write(file.finished(FILE, "mka"), silence(true)).expect("written"),
        }
        let whole = folder.path().join(format!("{name}.webm"));
        let job = Job {
            order: wish::order(&wish::usual()).expect("an order"),
            recordings: vec![sound("AC")],
            shelf: file,
            sealing: to,
            whole: whole.clone(),
            part: folder.path().join(format!("{name}.part")),
            space_least: 0,
            stop: Arc::<AtomicBool>::default(),
        };
        let share: Share = Arc::new(|| 1.0);
        let Ended::Made(made) = job.run(&composer(), &share, |_| {}) else { panic!("{name}") };
        assert_eq!((made.damaged, made.duration_ms / 1_000), (0, 4), "{name}");
        (whole, made.bytes)
    };
    let (plain, bytes) = compose("plain", Sealing::none(), Sealing::none());
    let (encrypted, same) = compose("encrypted", sealing(), sealing());
    let plain = fs::read(plain).expect("there");
    assert_eq!((plain.len() as u64, same), (bytes, bytes));
    assert!(unseal(&encrypted, &sealing()) == plain);
    let raw = fs::read(encrypted).expect("there");
    assert!(::sealed::is_sealed(&raw) && !raw.windows(4).any(|part| part == b"webm" || part == &plain[..4]));
}

/// A server that was killed while it recorded with encryption.
async fn start(data: &Path, keys: &keyring::Store) -> History {
    let recording = Recording { encrypt: true, ..Recording::default() };
    let config = Config { data: data.to_owned(), recording, ..Config::default() };
    history::start(&config, keys, Vec::new(), &Metrics::new()).await.expect("started").0.expect("one")
}

#[tokio::test]
async fn what_was_cut_off_waits_for_its_key() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = open_store(data.path());
    let (account, sealing) = (keys.credentials().twilio_account_sid, keys.sealing(true).expect("made"));
    let running = RecordingRow {
        status: RecordingStatus::Processing,
        ended_ms: None,
        file: RecordedFile::default(),
        ..mix(FILE, &account, "Den", 2_000)
    };
    let writes = vec![Write::RoomBegan(Box::new(room(&account))), Write::RecordingBegan(Box::new(running))];
    let before: Box<dyn store::Store> = Box::new(store::Sqlite::open(data.path()).expect("a history"));
    before.write(writes).await.expect("written");
    drop(before);
    let folder = data.path().join("recordings");
    fs::create_dir(&folder).and_then(|()| fs::write(folder.join(MARK), "")).expect("made");
    let files = Files::in_folder(folder);
    put(&files.unfinished(FILE, "mka"), &silence(false), &sealing, false);
    let key = keys.recording_keys().expect("listed").remove(0).path;
    let away = data.path().join("away");
    fs::rename(&key, &away).expect("moved");
    let find = async |history: &History| history.store.recording(&account, FILE).await.expect("asked").expect("there");
    let without = start(data.path(), &keys).await;
    assert_eq!(find(&without).await.status, RecordingStatus::Processing);
    assert!(files.unfinished(FILE, "mka").exists() && !files.has(FILE));
    drop(without);
    fs::rename(&away, &key).expect("moved");
    let with = start(data.path(), &keys).await;
    let row = find(&with).await;
    assert_eq!((row.status, row.file.duration_ms / 1_000), (RecordingStatus::Completed, 3));
    assert_eq!(row.file.bytes, unseal(&files.finished(FILE, "mka"), &sealing).len() as u64);
}
