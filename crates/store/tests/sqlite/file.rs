//! What is special about a database that is a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use store::{FILE, NameOrId, Problem, Sqlite, Store};

use crate::open;
use crate::suite::rows::*;

/// Opening is refused with these words, and the file stays as it is.
fn check_refused(path: &Path, words: &str) {
    let before = fs::read(path).unwrap();
    match Sqlite::open(path).map(drop) {
        Err(Problem::Unusable(why)) => assert!(why.contains(words) && why.contains(FILE), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(fs::read(path).unwrap() == before, "the file was changed");
}

async fn filled(folder: &tempfile::TempDir) {
    let store = open(folder);
    for id in 0..300 {
        store.write(vec![began(room(id, &id.to_string(), 1))]).await.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    filled(&folder).await;
    let path = folder.path().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 5_000].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    check_refused(&path, "damaged");
    fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
    check_refused(&path, "");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    fs::write(&path, "Dear diary, ".repeat(1_000)).unwrap();
    check_refused(&path, "not a database");
}

#[tokio::test]
async fn what_a_newer_program_wrote_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    filled(&folder).await;
    let path = folder.path().join(FILE);
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    check_refused(&path, "newer Kennel (its schema is 99");
}

const NO_COMPOSITIONS: &str = "DROP TABLE stored; DROP TABLE compositions; DROP TABLE composition_hooks;";

/// As the first release left it.
#[tokio::test]
async fn what_an_older_program_wrote_is_kept_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    filled(&folder).await;
    let path = folder.path().join(FILE);
    let older = format!("{NO_COMPOSITIONS} DROP TABLE recordings; PRAGMA user_version = 1");
    rusqlite::Connection::open(&path).unwrap().execute_batch(&older).unwrap();
    assert_eq!(Sqlite::look(&path).unwrap().unwrap().check().await.unwrap(), [""; 0]);
    let store = open(&folder);
    assert_eq!(store.room(ACCOUNT, NameOrId::Id(7)).await.unwrap(), Some(room(7, "7", 1)));
    store.write(vec![recorded(mix(400, 7, "7", 2))]).await.unwrap();
    assert_eq!(store.recording(ACCOUNT, 400).await.unwrap(), Some(mix(400, 7, "7", 2)));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

/// As it was before there were compositions.
#[tokio::test]
async fn recordings_without_compositions_are_kept_and_go_on() {
    let folder = tempfile::tempdir().unwrap();
    filled(&folder).await;
    open(&folder).write(vec![recorded(mix(400, 7, "7", 2))]).await.unwrap();
    let path = folder.path().join(FILE);
    let older = format!("{NO_COMPOSITIONS} PRAGMA user_version = 2");
    rusqlite::Connection::open(&path).unwrap().execute_batch(&older).unwrap();
    assert_eq!(Sqlite::look(&path).unwrap().unwrap().stored().await.unwrap(), []);
    assert_eq!(Sqlite::look(&path).unwrap().unwrap().check().await.unwrap(), [""; 0]);
    let store = open(&folder);
    assert_eq!(store.recording(ACCOUNT, 400).await.unwrap(), Some(mix(400, 7, "7", 2)));
    store.write(vec![composed(composition(401, 7, "7", 3)), hooked(hook(402, "a", 4))]).await.unwrap();
    assert_eq!(store.composition(ACCOUNT, 401).await.unwrap(), Some(composition(401, 7, "7", 3)));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_in_words() {
    match Sqlite::open(Path::new("/nowhere/at/all")).map(drop) {
        Err(Problem::Unavailable(why)) => assert!(why.contains("/nowhere/at/all"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_address_chooses_the_kind() {
    let folder = tempfile::tempdir().unwrap();
    for address in [None, Some(""), Some(" ")] {
        let store = store::open(address, folder.path()).await.unwrap();
        assert!(store.backup(&folder.path().join("copy")).await.unwrap());
    }
    let Err(problem) = store::open(Some("mysql://root:secret@localhost/x"), folder.path()).await.map(drop) else { panic!() };
    assert!(matches!(&problem, Problem::Unusable(why) if !why.contains("secret")), "{problem}");
}

#[tokio::test]
async fn only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.write(vec![began(room(1, "a", 1))]).await.unwrap();
    store.backup(&folder.path().join("copy")).await.unwrap();
    for entry in fs::read_dir(folder.path()).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", entry.file_name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_whole_while_writes_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let copy = folder.path().join("copy");
    fs::write(&copy, "an older copy").unwrap();
    let fill = async {
        for id in 0..200 {
            store.write(vec![began(room(id, &id.to_string(), 1)), happened(event(id, "e", 1))]).await.unwrap();
        }
    };
    let make = async {
        while store.room(ACCOUNT, NameOrId::Id(20)).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        assert!(store.backup(&copy).await.unwrap());
    };
    tokio::join!(fill, make);
    let copied = Sqlite::open(&copy).unwrap();
    assert_eq!(copied.check().await.unwrap(), [""; 0]);
    assert_eq!(copied.room(ACCOUNT, NameOrId::Id(20)).await.unwrap(), Some(room(20, "20", 1)));
    assert!(!folder.path().join("copy.part").exists());
    assert!(matches!(store.backup(Path::new("/nowhere/copy")).await, Err(Problem::Unavailable(_))));
}

#[tokio::test]
async fn everything_is_there_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    filled(&folder).await;
    let store = open(&folder);
    assert_eq!(store.room(ACCOUNT, NameOrId::Id(299)).await.unwrap(), Some(room(299, "299", 1)));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}
