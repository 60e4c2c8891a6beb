//! Finished files in a bucket: there and back, through everything that may happen to either side.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use container::matroska::Writer;
use container::{Block, Output, Track};
use kennel::bucket::{Client, Problem};
use kennel::config::{Bucket, Config, Recording, Secret, VendorCredentials};
use kennel::keyring;
use kennel::serve::Running;
use kennel::shelf::keep::Rule;
use rustix::process::Signal;
use store::{
    ParticipantRow, ParticipantStatus, RecordedFile, RecordedKind, RecordingRow, RecordingStatus, RoomRow, RoomStatus,
    Store as _, Write,
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::client::{Answer, say};
use crate::program::Server;
use crate::s3::{KEY, SECRET, Step, Store};
use crate::{config, start};

const ROOM: u128 = 0xa;
const PERSON: u128 = 0xb;
/// Ten seconds of silence.
const SMALL: u128 = 1;
/// As much as goes in three parts.
const LARGE: u128 = 2;
const LARGE_BYTES: usize = 18 << 20;

/// A server's data: two recordings in a room that has ended.
struct Den {
    folder: TempDir,
    account: String,
}

/// A server on it.
struct Kennel {
    running: Running,
    key: String,
}

impl Den {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = config(&folder).data;
        fs::create_dir_all(data.join("recordings")).expect("made");
        let keys = keyring::Store::open(&data, &VendorCredentials::default(), 1).expect("keys");
        let den = Den { account: keys.credentials().twilio_account_sid, folder };
        let store = store::Sqlite::open(&data).expect("a history");
        let rows =
            [(SMALL, "mka"), (LARGE, "mkv")].map(|(id, ending)| Write::RecordingBegan(Box::new(den.recording(id, ending))));
        let before = [Write::RoomBegan(Box::new(den.room())), Write::Joined(Box::new(person()))];
        store.write(before.into_iter().chain(rows).collect()).await.expect("written");
        tokio::task::spawn_blocking(move || drop(store)).await.expect("closed");
        fs::write(den.file(SMALL, "mka"), silence()).expect("written");
        let large: Vec<u8> = (0..LARGE_BYTES).map(|place| (place * 31 % 251) as u8).collect();
        fs::write(den.file(LARGE, "mkv"), large).expect("written");
        den
    }

    /// Changes the history of a server that does not run.
    async fn write(&self, writes: Vec<Write>) {
        let store = store::Sqlite::open(&config(&self.folder).data).expect("a history");
        store.write(writes).await.expect("written");
        tokio::task::spawn_blocking(move || drop(store)).await.expect("closed");
    }

    /// Encrypts a file as the recorder does.
    fn seal(&self, id: u128, ending: &str) {
        let data = config(&self.folder).data;
        let keys = keyring::Store::open(&data, &VendorCredentials::default(), 1).expect("keys");
        let (sealing, bytes) = (keys.sealing(true).expect("a key"), fs::read(self.file(id, ending)).expect("there"));
        let new = File::options().read(true).write(true).create(true).truncate(true).open(self.file(id, ending)).expect("made");
        let mut writer = sealed::Writer::create(new, sealing.key().expect("a key"), sealing.random).expect("written");
        for piece in bytes.chunks(1 << 20) {
            writer.write_at(writer.bytes(), piece).and_then(|()| writer.flush()).expect("written");
        }
        writer.finish().expect("written");
    }

    /// Starts the program itself, waits for what is to be, and kills it.
    async fn kill_when(&self, s3: &Store, what: &str, is_so: impl Fn() -> bool) {
        let bucket = s3.bucket();
        let data = config(&self.folder).data;
        let variables = [
            ("KENNEL_DATA", data.to_str().expect("text")),
            ("KENNEL_RECORDING_ENCRYPT", "true"),
            ("KENNEL_RECORDING_BUCKET", "s3://den/kennel"),
            ("KENNEL_RECORDING_ENDPOINT", bucket.endpoint.as_deref().expect("an address")),
            ("KENNEL_RECORDING_ACCESS_KEY", KEY),
            ("KENNEL_RECORDING_SECRET_KEY", SECRET),
        ];
        let args = ["--http", "127.0.0.1:0", "--https", "off", "--media", "off"];
        let server = tokio::task::block_in_place(|| Server::start_at(self.folder.path(), &args, &variables));
        let looking = async {
            while !is_so() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let came = timeout(Duration::from_secs(60), looking).await.is_ok();
        server.signal(Signal::KILL);
        let (code, said) = tokio::task::block_in_place(|| server.end());
        assert!(came && code.is_none(), "{what}: {said}");
    }

    fn file(&self, id: u128, ending: &str) -> PathBuf {
        config(&self.folder).data.join(format!("recordings/{id:032x}.{ending}"))
    }

    /// What is in the folder of recordings.
    fn here(&self) -> usize {
        fs::read_dir(config(&self.folder).data.join("recordings"))
            .expect("a folder")
            .filter(|file| {
                let name = file.as_ref().expect("a file").file_name();
                !name.to_string_lossy().starts_with('.')
            })
            .count()
    }

    async fn start(&self, bucket: Option<Bucket>, keep: Rule) -> Kennel {
        let recording = Recording { bucket, keep, ..Recording::default() };
        let running = start(Config { https: None, media: None, recording, ..config(&self.folder) }).await;
        let key = running.store.keyring().owner_key().expect("a key").reveal().to_owned();
        Kennel { running, key }
    }

    fn room(&self) -> RoomRow {
        RoomRow {
            id: ROOM,
            account: self.account.clone(),
            name: "Den".into(),
            kind: "group".into(),
            status: RoomStatus::Completed,
            created_ms: 1_000,
            updated_ms: 90_000,
            ended_ms: Some(now_ms()),
            by_owner: true,
            seats_max: 50,
            empty_timeout_s: 300,
            unused_timeout_s: 300,
            session_max_s: 14_400,
            tracks_max: None,
            audio_only: false,
            codecs: Vec::new(),
            callback: None,
            memo: String::new(),
        }
    }

    fn recording(&self, id: u128, ending: &str) -> RecordingRow {
        let kind = if ending == "mka" { RecordedKind::Audio } else { RecordedKind::Video };
        let codec = if ending == "mka" { "opus" } else { "vp8" };
        let bytes = if ending == "mka" { silence().len() } else { LARGE_BYTES };
        RecordingRow {
            id,
            account: self.account.clone(),
            room: ROOM,
            room_name: "Den".into(),
            participant: Some(PERSON),
            identity: Some("ann".into()),
            track: Some(id + 100),
            kind,
            name: "t".into(),
            container: ending.into(),
            status: RecordingStatus::Completed,
            created_ms: 2_000 + id as u64,
            updated_ms: 3_000,
            ended_ms: Some(3_000),
            file: RecordedFile { codec: codec.into(), offset_ms: 7, duration_ms: 10_000, bytes: bytes as u64 },
            why: "stopped".into(),
            callback: None,
        }
    }
}

fn person() -> ParticipantRow {
    ParticipantRow {
        id: PERSON,
        room: ROOM,
        identity: "ann".into(),
        status: ParticipantStatus::Disconnected,
        created_ms: 1_000,
        updated_ms: 9_000,
        ended_ms: Some(9_000),
    }
}

fn now_ms() -> u64 {
    kennel::clock::unix_ms()
}

fn silence() -> Vec<u8> {
    let mut writer = Writer::new(&[Track::opus(1)], Duration::from_secs(1_700_000_000));
    for n in 0..500 {
        let (time, bytes) = (Duration::from_millis(20 * n), vec![0xf8, 0xff, 0xfe]);
        writer.push(Block { track: 0, time, keyframe: true, rotation: None, bytes });
    }
    writer.finish(true);
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

fn rt(id: u128) -> String {
    format!("RT{id:032x}")
}

impl Kennel {
    async fn ask(&self, first: &str, body: &str) -> Answer {
        let address = self.running.http_addr.expect("HTTP");
        say(
            address,
            &format!("{first} HTTP/1.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n", self.key),
            body,
        )
        .await
    }

    /// The file of a recording, or a part of it.
    async fn play(&self, id: u128, range: &str) -> Answer {
        self.play_at(&format!("/kennel/v1/recordings/{}/media", rt(id)), range).await
    }

    async fn play_at(&self, path: &str, range: &str) -> Answer {
        let found = self.ask(&format!("GET {path}"), "").await;
        assert_eq!(found.status, 302, "{}", found.text());
        let first = format!("GET {} HTTP/1.1\r\nrange: {range}\r\n", found.header("location"));
        say(self.running.http_addr.expect("HTTP"), &first, "").await
    }

    async fn status(&self, id: u128) -> String {
        let row = self.ask(&format!("GET /kennel/v1/recordings/{}", rt(id)), "").await;
        let row: serde_json::Value = serde_json::from_slice(&row.body).expect("JSON");
        row["status"].as_str().unwrap_or("none").to_owned()
    }

    async fn delete(&self, id: u128) {
        assert_eq!(self.ask(&format!("DELETE /kennel/v1/recordings/{}", rt(id)), "").await.status, 204);
    }

    async fn metric(&self, name: &str) -> String {
        let all = self.ask("GET /metrics", "").await.text();
        let line = all.lines().find_map(|line| line.strip_prefix(&format!("kennel_{name} "))).unwrap_or_default();
        line.to_owned()
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let looking = async {
        while !is_so() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(120), looking).await.expect(what);
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_files_go_into_the_bucket_and_are_played_from_there() {
    let (den, s3) = (Den::new().await, Store::start().await);
    let (small, large) = (silence(), fs::read(den.file(LARGE, "mkv")).expect("there"));
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("both are sent", || den.here() == 0).await;
    assert_eq!(s3.keys(), [format!("{SMALL:032x}.mka"), format!("{LARGE:032x}.mkv")]);
    assert_eq!(s3.parts().len(), 3);
    assert!(fs::read(s3.file(&format!("kennel/recordings/{LARGE:032x}.mkv"))).expect("there") == large);
    let whole = kennel.play(SMALL, "").await;
    assert!((whole.status, whole.header("content-type")) == (200, "audio/webm") && whole.body == small);
    assert!(kennel.play(LARGE, "bytes=0-").await.body == large);
    for (from, to) in [(0, 9), (524_280, 524_300), (3_000_000, 9_000_000), (LARGE_BYTES - 3, LARGE_BYTES - 1)] {
        let part = kennel.play(LARGE, &format!("bytes={from}-{to}")).await;
        assert_eq!(part.header("content-range"), format!("bytes {from}-{to}/{LARGE_BYTES}"));
        assert!(part.status == 206 && part.body == large[from..=to], "{from}-{to}");
    }
    let (sent, all) = (kennel.metric("bucket_sent_bytes_total").await, (small.len() + large.len()).to_string());
    assert_eq!((&sent, &kennel.metric("bucket_bytes").await), (&all, &all));

    let link = kennel.ask(&format!("GET /kennel/v1/recordings/{}/media", rt(LARGE)), "").await.header("location").to_owned();
    kennel.delete(LARGE).await;
    let gone = say(kennel.running.http_addr.expect("HTTP"), &format!("GET {link} HTTP/1.1\r\n"), "").await;
    assert_eq!(gone.status, 404);
    until("it is deleted there", || s3.keys().len() == 1).await;
    kennel.running.stop().await;

    // What is too much is counted in the bucket, too.
    let kennel = den.start(Some(s3.bucket()), Rule { bytes: Some(1), ..Rule::default() }).await;
    until("it is deleted there", || s3.keys().is_empty()).await;
    assert_eq!(kennel.status(SMALL).await, "none");
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bucket_is_away_files_stay_and_nothing_is_lost() {
    let (den, s3) = (Den::new().await, Store::start().await);
    s3.be_away(true);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    let failures = async {
        while kennel.metric("bucket_failures_total").await == "0" {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(120), failures).await.expect("it is tried");
    assert_eq!((den.here(), kennel.metric("bucket_waiting").await.as_str()), (2, "2"));
    assert!(kennel.play(SMALL, "").await.body == silence());
    s3.be_away(false);
    until("both are sent", || den.here() == 0).await;
    kennel.running.stop().await;

    s3.be_away(true);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    let refused = kennel.play(SMALL, "").await;
    assert!(refused.status == 503 && refused.text().contains("file_unreachable"), "{}", refused.text());
    for id in [SMALL, LARGE] {
        assert_eq!(kennel.status(id).await, "completed");
    }
    kennel.delete(LARGE).await;
    kennel.running.stop().await;
    assert_eq!(s3.keys().len(), 2);

    // Nor is it without a bucket, which may come back; and what was deleted meanwhile is deleted then.
    let kennel = den.start(None, Rule::default()).await;
    assert_eq!((kennel.status(SMALL).await.as_str(), kennel.status(LARGE).await.as_str()), ("completed", "none"));
    assert_ne!(kennel.play(SMALL, "").await.status, 200);
    kennel.running.stop().await;
    s3.be_away(false);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("it is deleted there", || s3.keys().len() == 1).await;
    assert!(kennel.play(SMALL, "").await.body == silence());
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_where_it_was_when_the_server_ended() {
    let (den, s3) = (Den::new().await, Store::start().await);
    let large = fs::read(den.file(LARGE, "mkv")).expect("there");
    s3.take_parts(1);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("one part is there", || s3.parts().len() == 1).await;
    kennel.running.stop().await;
    assert_eq!(den.here(), 1);
    s3.take_parts(9);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("all is there", || den.here() == 0).await;
    let parts = s3.parts();
    assert_eq!(parts.len(), 3, "no part twice: {parts:?}");
    assert!(kennel.play(LARGE, "").await.body == large);
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_step_an_encrypted_file_is_there_once_and_whole() {
    let (den, s3) = (Den::new().await, Store::start().await);
    let plain = fs::read(den.file(LARGE, "mkv")).expect("there");
    den.seal(LARGE, "mkv");
    let encrypted = fs::read(den.file(LARGE, "mkv")).expect("there");
    let changed = fs::metadata(den.file(LARGE, "mkv")).and_then(|data| data.modified()).expect("there");
    let step = |method, query, done| Step { method, query, done };
    let steps = [("POST", "uploads"), ("PUT", "partNumber=1&"), ("PUT", "partNumber=3&"), ("POST", "uploadId=")];
    for (method, query) in steps {
        for done in [false, true] {
            s3.hold(Some(step(method, query, done)));
            den.kill_when(&s3, &format!("{method} {query} {done}"), || s3.holds()).await;
            assert!(fs::read(den.file(LARGE, "mkv")).expect("there") == encrypted, "{method} {query} {done}");
        }
    }
    // It is there, and nobody wrote that down; nor is that looked at yet.
    s3.hold(Some(step("HEAD", "", false)));
    den.kill_when(&s3, "it is looked at", || s3.holds()).await;
    assert!(den.file(LARGE, "mkv").exists());
    s3.hold(None);
    den.kill_when(&s3, "it is there", || den.here() == 0).await;
    assert!(fs::read(s3.file(&format!("kennel/recordings/{LARGE:032x}.mkv"))).expect("there") == encrypted);
    // That is written down, and the file is still here.
    fs::write(den.file(LARGE, "mkv"), &encrypted).expect("written");
    File::options().append(true).open(den.file(LARGE, "mkv")).and_then(|file| file.set_modified(changed)).expect("set");
    s3.hold(Some(step("HEAD", "", false)));
    den.kill_when(&s3, "it is looked at", || s3.holds()).await;
    s3.hold(None);
    den.kill_when(&s3, "it goes", || den.here() == 0).await;
    assert_eq!(s3.keys(), [format!("{SMALL:032x}.mka"), format!("{LARGE:032x}.mkv")]);

    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    assert!(kennel.play(LARGE, "").await.body == plain);
    assert!(kennel.play(LARGE, "bytes=9000000-9000099").await.body == plain[9_000_000..9_000_100]);
    kennel.running.stop().await;
    den.write(vec![Write::RecordingDeleted { recording: LARGE, at_ms: now_ms() }, Write::StoredDoomed { id: LARGE }]).await;
    for done in [false, true] {
        s3.hold(Some(step("DELETE", "", done)));
        den.kill_when(&s3, "it is deleted", || s3.holds()).await;
    }
    s3.hold(None);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("it is deleted there", || s3.keys() == [format!("{SMALL:032x}.mka")]).await;
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_on_its_way_leaves_nothing_behind() {
    let (den, s3) = (Den::new().await, Store::start().await);
    s3.take_parts(1);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("one part is there", || s3.parts().len() == 1).await;
    kennel.delete(LARGE).await;
    assert_eq!(s3.unfinished(), 2);
    s3.take_parts(9);
    until("its part is gone", || s3.unfinished() == 0).await;
    until("the other is sent", || den.here() == 0).await;
    assert_eq!(s3.keys(), [format!("{SMALL:032x}.mka")]);
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_while_its_upload_begins_leaves_nothing_behind() {
    let (den, s3) = (Den::new().await, Store::start().await);
    s3.be_slow(true);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("it is begun", || s3.begun() == 1).await;
    kennel.delete(LARGE).await;
    assert_eq!(s3.unfinished(), 1);
    s3.be_slow(false);
    until("nothing is left of it", || s3.unfinished() == 0).await;
    until("the other is sent", || den.here() == 0).await;
    assert_eq!((s3.keys(), s3.parts().len()), (vec![format!("{SMALL:032x}.mka")], 0));
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_only_when_the_bucket_has_it_whatever_the_history_says() {
    let (den, s3) = (Den::new().await, Store::start().await);
    let copy = fs::read(den.file(SMALL, "mka")).expect("there");
    let changed = fs::metadata(den.file(SMALL, "mka")).and_then(|data| data.modified()).expect("there");
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("both are sent", || den.here() == 0).await;
    kennel.running.stop().await;
    // The store is a new one, and its owner puts back what a copy of the folder had.
    for name in s3.keys() {
        fs::remove_file(s3.file(&format!("kennel/recordings/{name}"))).expect("removed");
    }
    fs::write(den.file(SMALL, "mka"), &copy).expect("written");
    fs::File::options().append(true).open(den.file(SMALL, "mka")).and_then(|file| file.set_modified(changed)).expect("set");
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("it is sent", || den.here() == 0).await;
    assert_eq!(s3.keys(), [format!("{SMALL:032x}.mka")]);
    assert!(kennel.play(SMALL, "").await.body == copy);
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_copy_of_the_history_does_not_know_is_found_in_the_bucket() {
    let (den, s3) = (Den::new().await, Store::start().await);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("both are sent", || den.here() == 0).await;
    kennel.running.stop().await;
    den.write([SMALL, LARGE].map(|id| Write::StoredGone { id }).into()).await;
    fs::remove_file(s3.file(&format!("kennel/recordings/{LARGE:032x}.mkv"))).expect("removed");
    // While nobody can ask nothing is lost.
    s3.be_away(true);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("it is asked", || s3.asked_in_vain() > 2).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!((kennel.status(SMALL).await.as_str(), kennel.status(LARGE).await.as_str()), ("completed", "completed"));
    kennel.running.stop().await;
    s3.be_away(false);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    let lost = async {
        while kennel.status(LARGE).await != "failed" {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), lost).await.expect("the other is lost");
    assert!(kennel.play(SMALL, "").await.body == silence());
    kennel.delete(SMALL).await;
    until("it is deleted there, too", || s3.keys().is_empty()).await;
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_is_asked_for_one_file_at_a_time() {
    let (den, s3) = (Den::new().await, Store::start().await);
    s3.be_full(true);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    let failures = async {
        while kennel.metric("bucket_failures_total").await == "0" {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), failures).await.expect("it is tried");
    let first = format!("{SMALL:032x}");
    assert!(s3.refused().iter().all(|path| path.contains(&first)), "{:?}", s3.refused());
    s3.be_full(false);
    until("both are sent", || den.here() == 0).await;
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_deleted_keeps_nothing_else_from_it() {
    let (den, s3) = (Den::new().await, Store::start().await);
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("both are sent", || den.here() == 0).await;
    // Whichever comes first.
    s3.lock(Some("kennel/recordings".into()));
    kennel.delete(SMALL).await;
    kennel.delete(LARGE).await;
    until("both are tried", || {
        let refused = s3.refused();
        [SMALL, LARGE].into_iter().all(|id| refused.iter().any(|path| path.contains(&format!("{id:032x}"))))
    })
    .await;
    s3.lock(Some(format!("{SMALL:032x}")));
    until("the other is gone", || s3.keys().len() == 1).await;
    s3.lock(None);
    until("both are gone", || s3.keys().is_empty()).await;
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_made_of_what_is_in_the_bucket_and_goes_there_too() {
    let (den, s3) = (Den::new().await, Store::start().await);
    fs::remove_file(den.file(LARGE, "mkv")).expect("removed");
    let kennel = den.start(Some(s3.bucket()), Rule::default()).await;
    until("it is sent", || den.here() == 0).await;
    let asked = format!(r#"{{"room":"RM{ROOM:032x}","layout":{{}},"sound":["*"]}}"#);
    s3.be_away(true);
    let made = kennel.ask("POST /kennel/v1/compositions", &asked).await;
    assert_eq!(made.status, 201, "{}", made.text());
    // It waits for the bucket, and another that is asked for wakes who makes it.
    until("the bucket is asked", || s3.asked_in_vain() > 0).await;
    s3.be_away(false);
    let other = asked.replace("\"layout\"", "\"trim\":false,\"layout\"");
    assert_eq!(kennel.ask("POST /kennel/v1/compositions", &other).await.status, 201);
    until("the films are there", || s3.keys().len() == 3).await;
    let row: serde_json::Value = serde_json::from_slice(&made.body).expect("JSON");
    let id = row["id"].as_str().expect("an id");
    let film = kennel.play_at(&format!("/kennel/v1/compositions/{id}/media"), "").await;
    assert!(film.status == 200 && film.body.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]), "{}", film.status);
    assert_eq!(kennel.ask(&format!("DELETE /kennel/v1/compositions/{id}"), "").await.status, 204);
    until("the film is gone", || s3.keys().len() == 2).await;
    kennel.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_bucket_cannot_be_used_is_told_apart() {
    let s3 = Store::start().await;
    let check = async |bucket: Bucket, expected: fn(&Problem) -> bool| {
        let problem = Client::new(&bucket).expect("a client").probe().await.expect_err("a refusal");
        assert!(expected(&problem) && !problem.to_string().contains(SECRET), "{problem:?}");
    };
    Client::new(&s3.bucket()).expect("a client").probe().await.expect("good");
    assert!(s3.keys().is_empty());
    check(Bucket { secret_key: Secret::new("another"), ..s3.bucket() }, |problem| matches!(problem, Problem::Refused(_))).await;
    check(Bucket { access_key: "nobody's".into(), ..s3.bucket() }, |problem| matches!(problem, Problem::Refused(_))).await;
    let named = |name: &str| Bucket { name: name.into(), ..s3.bucket() };
    check(named("barn"), |problem| *problem == Problem::NoBucket).await;
    check(named("far-away"), |problem| *problem == Problem::Region).await;
    check(named("elsewhere"), |problem| *problem == Problem::Region).await;
    check(named("too-late"), |problem| *problem == Problem::Clock).await;
    check(named("not-mine"), |problem| *problem == Problem::Refused("AccessDenied".into())).await;
    check(named("odd"), |problem| *problem == Problem::Other("the store says InvalidArgument".into())).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let nowhere = Bucket { endpoint: Some(format!("http://{closed}")), ..s3.bucket() };
    check(nowhere, |problem| matches!(problem, Problem::NoRoute(_))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_wrong_key_files_stay() {
    let (den, s3) = (Den::new().await, Store::start().await);
    let wrong = Bucket { secret_key: Secret::new("another"), ..s3.bucket() };
    let kennel = den.start(Some(wrong), Rule::default()).await;
    let failures = async {
        while kennel.metric("bucket_failures_total").await == "0" {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(120), failures).await.expect("it is tried");
    assert_eq!((den.here(), s3.keys().len()), (2, 0));
    assert!(kennel.play(SMALL, "").await.body == silence());
    kennel.running.stop().await;
}
