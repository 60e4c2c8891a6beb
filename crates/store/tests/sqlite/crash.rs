//! What is acknowledged is there after the program was killed, and no half of anything.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use store::{IdentityOrId, NameOrId, RoomFilter, Sqlite, Store};

use crate::suite::random::Dice;
use crate::suite::rows::*;

/// How often the program is killed.
const KILLS: u64 = 32;

/// Those who write at the same time.
const CALLERS: u128 = 8;

const FOLDER: &str = "STORE_CRASH_FOLDER";
const ROUND: &str = "STORE_CRASH_ROUND";

#[tokio::test]
async fn a_killed_program_loses_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::seeded();
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        let pause = Duration::from_micros(dice.below(30_000));
        acknowledged.extend(write_until_killed(folder.path(), round, pause));
    }
    let store = Sqlite::open(folder.path()).unwrap();
    assert_eq!(store.check().await.unwrap(), [""; 0]);
    println!("{} batches were acknowledged", acknowledged.len());
    assert!(acknowledged.len() as u64 > KILLS, "hardly anything was written");
    for id in &acknowledged {
        assert!(store.room(ACCOUNT, NameOrId::Id(*id)).await.unwrap().is_some(), "batch {id} is lost");
    }
    for room in store.rooms(ACCOUNT, RoomFilter::default(), first(1_000_000)).await.unwrap().rows {
        let inside = store.participant(room.id, IdentityOrId::Identity("ann".into())).await.unwrap();
        let track = store.track(room.id, NameOrId::Name("cam".into())).await.unwrap();
        let events = store.events(ACCOUNT, Some(room.id), first(9)).await.unwrap().rows;
        assert_eq!((inside.is_some(), track.is_some(), events.len()), (true, true, 2), "half of batch {}", room.id);
    }
}

/// What a child had acknowledged when it was killed, this long after its first word.
fn write_until_killed(folder: &Path, round: u64, pause: Duration) -> Vec<u128> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_writes", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("written ")?.parse().ok());
    let first: u128 = acknowledged.next().expect("a child that writes");
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap();
    std::iter::once(first).chain(acknowledged).collect()
}

#[tokio::test]
#[ignore = "the child of the test above"]
async fn child_that_writes() {
    let (Some(folder), Ok(round)) = (std::env::var_os(FOLDER), std::env::var(ROUND)) else { return };
    let store = Sqlite::open(Path::new(&folder)).unwrap();
    let round: u128 = round.parse().unwrap();
    println!();
    let callers = (0..CALLERS).map(|caller| write_for_ever(&store, (round * CALLERS + caller) << 32));
    futures_util::future::join_all(callers).await;
}

async fn write_for_ever(store: &dyn Store, base: u128) {
    for id in base.. {
        let began_then = began(room(id, &id.to_string(), 1));
        let inside = [joined(participant(id, id, "ann", 1)), published(track(id, id, id, "cam", 1))];
        let told = [happened(told(id, "a", 1)), happened(event(id, "b", 1))];
        store.write(std::iter::once(began_then).chain(inside).chain(told).collect()).await.unwrap();
        let line = format!("written {id}\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}
