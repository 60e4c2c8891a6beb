//! What a start makes of recordings and their files.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use kennel::config::{Config, Recording};
use kennel::history::{self, History};
use kennel::keyring;
use kennel::metrics::Metrics;
use kennel::shelf::files::{Files, MARK};
use kennel::shelf::keep::{self, Rule};
use kennel::shelf::{NotDeleted, Shelf};
use store::{RecordedFile, RecordingRow, RecordingStatus, Write};
use tempfile::TempDir;

use crate::recordings::{mix, room};
use crate::stage::open_store;

const COMPLETED: u128 = 1;
const RUNNING: u128 = 2;

const DAY: Duration = Duration::from_secs(86_400);

/// A server that was killed while it recorded, and its folder of recordings.
struct Killed {
    data: TempDir,
    keys: keyring::Store,
    folder: TempDir,
}

impl Killed {
    async fn new() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let keys = open_store(data.path());
        let account = keys.credentials().twilio_account_sid;
        let running = RecordingRow {
            status: RecordingStatus::Processing,
            ended_ms: None,
            file: RecordedFile::default(),
            ..mix(RUNNING, &account, "Den", 2_000)
        };
        let rows = [mix(COMPLETED, &account, "Den", 1_000), running];
        let rows = rows.into_iter().map(|row| Write::RecordingBegan(Box::new(row)));
        let writes = std::iter::once(Write::RoomBegan(Box::new(room(&account)))).chain(rows).collect();
        let before: Box<dyn store::Store> = Box::new(store::Sqlite::open(data.path()).expect("a history"));
        before.write(writes).await.expect("written");
        drop(before);
        Killed { data, keys, folder: tempfile::tempdir().expect("a folder") }
    }

    fn put(self, name: &str) -> Self {
        self.put_bytes(name, b"0123456789")
    }

    fn put_bytes(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.folder.path().join(name), bytes).expect("written");
        self
    }

    async fn start(&self, folder: &Path) -> (History, Shelf) {
        let recording = Recording { folder: Some(folder.to_owned()), ..Recording::default() };
        let config = Config { data: self.data.path().to_owned(), recording, ..Config::default() };
        let (history, _) = history::start(&config, &self.keys, Vec::new(), &Metrics::new()).await.expect("started");
        let history = history.expect("one");
        let files = Files::in_folder(config.recordings());
        let shelf = Shelf::new(files, &self.keys, history.store.clone(), history.journal.clone());
        (history, shelf)
    }
}

async fn check(killed: Killed, folder: Option<&str>, expected: [(RecordingStatus, &str); 2]) {
    let folder = folder.map_or(killed.folder.path().to_owned(), |name| killed.folder.path().join(name));
    let (_history, shelf) = killed.start(&folder).await;
    keep::settle(&shelf).await.expect("compared");
    for (id, (status, why)) in [COMPLETED, RUNNING].into_iter().zip(expected) {
        let row = shelf.find(id).await.expect("asked").expect("found");
        assert_eq!((row.status, row.why.as_str()), (status, why), "{id}");
    }
}

#[tokio::test]
async fn what_is_not_in_the_folder_is_lost() {
    let lost = (RecordingStatus::Failed, "lost");
    check(Killed::new().await.put(MARK), None, [lost, lost]).await;
}

#[tokio::test]
async fn without_the_disk_of_recordings_none_is_lost() {
    let as_before = [(RecordingStatus::Completed, "stopped"), (RecordingStatus::Processing, "stopped")];
    check(Killed::new().await, None, as_before).await;
    check(Killed::new().await, Some("not-there"), as_before).await;
    // What was recorded into the bare folder meanwhile does not make it the right one.
    check(Killed::new().await.put(&format!("{COMPLETED:032x}.webm")), None, as_before).await;
}

/// The beginning of an encrypted file of a version that is not known here.
const STRANGE: &[u8] = b"\x8bKNLSL\0\x02 and more";

#[tokio::test]
async fn what_cannot_be_finished_is_not_lost_and_can_be_deleted() {
    let part = format!("{RUNNING:032x}.webm.part");
    let killed = Killed::new()
        .await
        .put(MARK)
        .put(&format!("{COMPLETED:032x}.webm"))
        .put_bytes(&part, &[STRANGE, &[0; sealed::HEAD]].concat());
    for _ in 0..2 {
        let (_history, shelf) = killed.start(killed.folder.path()).await;
        let row = shelf.find(RUNNING).await.expect("asked").expect("found");
        assert!(row.status == RecordingStatus::Processing && shelf.is_left(RUNNING) && !shelf.is_left(COMPLETED));
    }
    let (_history, shelf) = killed.start(killed.folder.path()).await;
    let row = shelf.find(RUNNING).await.expect("asked").expect("found");
    shelf.delete(&row).await.expect("deleted");
    assert!(!killed.folder.path().join(part).exists());
    assert_eq!(shelf.find(RUNNING).await.expect("asked").expect("found").status, RecordingStatus::Deleted);
    // Without the disk, too.
    let killed = Killed::new().await;
    let (_history, shelf) = killed.start(killed.folder.path()).await;
    let row = shelf.find(RUNNING).await.expect("asked").expect("found");
    shelf.delete(&row).await.expect("deleted");
}

#[tokio::test]
async fn a_folder_in_which_nothing_is_missing_gets_its_mark() {
    let killed = Killed::new().await.put(&format!("{COMPLETED:032x}.webm")).put(&format!("{RUNNING:032x}.webm"));
    let folder = killed.folder.path().to_owned();
    let (_history, _) = killed.start(&folder).await;
    assert!(folder.join(MARK).exists());
}

#[tokio::test]
async fn what_nobody_knows_counts_for_nothing() {
    let check = async |most: u64, expected: bool| {
        let killed = Killed::new().await.put(MARK).put(&format!("{COMPLETED:032x}.webm"));
        let file = killed.folder.path().join(format!("{COMPLETED:032x}.webm"));
        let long_ago = SystemTime::now() - 9 * DAY;
        fs::File::options().append(true).open(&file).expect("there").set_modified(long_ago).expect("set");
        let strange = killed.folder.path().join(format!("{:032x}.webm", 99));
        fs::write(&strange, [0; 100]).expect("written");
        let (_history, shelf) = killed.start(killed.folder.path()).await;
        let rule = Rule { bytes: Some(most), ..Rule::default() };
        keep::Rounds::start(0).go(&shelf, rule, &Metrics::new()).await;
        assert!(strange.exists());
        assert_eq!(file.exists(), expected, "{most}");
    };
    check(10, true).await;
    check(9, false).await;
}

#[tokio::test]
async fn what_the_history_writes_too_late_is_deleted_all_the_same() {
    let name = format!("{COMPLETED:032x}.webm");
    let killed = Killed::new().await.put(MARK).put(&name);
    let (history, shelf) = killed.start(killed.folder.path()).await;
    let row = shelf.find(COMPLETED).await.expect("asked").expect("found");
    // Whoever waits is out of patience before the disk has answered.
    tokio::time::pause();
    let told = shelf.delete(&row).await;
    tokio::time::resume();
    assert!(matches!(told, Err(NotDeleted::History(_))), "{told:?}");
    let file = killed.folder.path().join(name);
    assert!(file.exists());
    history.journal.flush().await.expect("written");
    keep::delete_left(&shelf).await;
    assert!(!file.exists());
}

#[tokio::test]
async fn a_file_that_could_not_be_deleted_is_tried_again() {
    let killed = Killed::new().await.put(MARK);
    let (_history, shelf) = killed.start(killed.folder.path()).await;
    let file = killed.folder.path().join(format!("{COMPLETED:032x}.webm"));
    // A folder in its place is as stubborn as a file on a broken disk.
    fs::create_dir(&file).expect("made");
    let row = shelf.find(COMPLETED).await.expect("asked").expect("found");
    assert!(matches!(shelf.delete(&row).await, Err(NotDeleted::File(_))));
    keep::delete_left(&shelf).await;
    fs::remove_dir(&file).expect("removed");
    fs::write(&file, "0123456789").expect("written");
    keep::delete_left(&shelf).await;
    assert!(!file.exists());
}
