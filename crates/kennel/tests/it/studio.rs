//! Compositions from being asked for to their end, with a maker that writes words in place of films.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use compose::{Failure, Input, Order, Progress, Sink};
use kennel::config::Config;
use kennel::history::{self, History};
use kennel::keyring;
use kennel::metrics::Metrics;
use kennel::shelf::Shelf;
use kennel::shelf::files::Files;
use kennel::shelf::keep::{Rounds, Rule, Stock};
use kennel::shutdown::{self, Stopper};
use kennel::studio::work::{Maker, Making};
use kennel::studio::{NotAsked, Studio, hooks, run, wish};
use store::{
    CompositionRow, CompositionStatus, HookRow, NameOrId, Page, ParticipantRow, ParticipantStatus, RecordedKind, RecordingRow,
    RecordingStatus, RoomRow, RoomStatus, Write,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use twilio::rest::Wish;

use crate::recordings::{mix, room};
use crate::stage::open_store;

const ROOM: u128 = 1;
const SOUND: u128 = 11;
const PICTURES: u128 = 12;

/// Steps of a film.
const STEPS: u32 = 40;

/// A film of words: it goes on as far as `until` says, then waits.
struct Words {
    until: Arc<AtomicU32>,
    made: u32,
    damaged: usize,
}

impl Making for Words {
    fn step(&mut self, sink: &mut dyn Sink) -> Result<Progress, Failure> {
        if self.made < self.until.load(Relaxed) {
            sink.write_all(b"x")?;
            self.made += 1;
        } else {
            std::thread::sleep(Duration::from_millis(1));
        }
        let seconds = |steps: u32| Duration::from_secs(steps.into());
        Ok(Progress { done: seconds(self.made), total: seconds(STEPS), finished: self.made == STEPS })
    }

    fn damaged(&self) -> usize {
        self.damaged
    }
}

/// A server's data: a room that was recorded and has ended.
struct Den {
    data: TempDir,
    keys: keyring::Store,
    until: Arc<AtomicU32>,
}

/// A server on it. Dropped, it is as if it had been killed.
struct Started {
    history: History,
    studio: Studio,
    stopper: Stopper,
    running: JoinHandle<()>,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn account(keys: &keyring::Store) -> String {
    keys.credentials().twilio_account_sid
}

fn track(id: u128, account: &str, kind: RecordedKind) -> RecordingRow {
    let container = if kind == RecordedKind::Audio { "mka" } else { "mkv" };
    let (participant, track) = (Some(21), Some(30 + id));
    let identity = Some("ann".into());
    RecordingRow { participant, identity, track, kind, container: container.into(), ..mix(id, account, "Den", 2_000) }
}

impl Den {
    async fn new() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let keys = open_store(data.path());
        let account = account(&keys);
        let over = RoomRow { status: RoomStatus::Completed, ended_ms: Some(9_000), ..room(&account) };
        let ann = ParticipantRow {
            id: 21,
            room: ROOM,
            identity: "ann".into(),
            status: ParticipantStatus::Disconnected,
            created_ms: 1_000,
            updated_ms: 8_000,
            ended_ms: Some(8_000),
        };
        let mut writes = vec![Write::RoomBegan(Box::new(over)), Write::Joined(Box::new(ann))];
        for (id, kind) in [(SOUND, RecordedKind::Audio), (PICTURES, RecordedKind::Video)] {
            writes.push(Write::RecordingBegan(Box::new(track(id, &account, kind))));
        }
        let before: Box<dyn store::Store> = Box::new(store::Sqlite::open(data.path()).expect("a history"));
        before.write(writes).await.expect("written");
        drop(before);
        let den = Den { data, keys, until: Arc::new(AtomicU32::new(STEPS)) };
        fs::create_dir(den.data.path().join("recordings")).expect("made");
        for name in [format!("{SOUND:032x}.mka"), format!("{PICTURES:032x}.mkv")] {
            fs::write(den.data.path().join("recordings").join(name), "film").expect("written");
        }
        den
    }

    fn maker(&self) -> Maker {
        let until = Arc::clone(&self.until);
        Arc::new(move |_: Order, inputs: Vec<Input>| {
            assert_eq!(inputs.len(), 2, "of sound and pictures");
            Ok(Box::new(Words { until: Arc::clone(&until), made: 0, damaged: 1 }))
        })
    }

    async fn start(&self) -> Started {
        let config = Config { data: self.data.path().to_owned(), ..Config::default() };
        let metrics = Metrics::new();
        let (history, _) = history::start(&config, &self.keys, Vec::new(), &metrics).await.expect("started");
        let history = history.expect("one");
        let shelf = Shelf::new(Files::in_folder(config.recordings()), &self.keys, history.store.clone(), history.journal.clone());
        let (files, account) = (Files::in_folder(config.compositions()), account(&self.keys));
        let studio = Studio::new(files, shelf, history.store.clone(), history.journal.clone(), account);
        let (stopper, shutdown) = shutdown::channel();
        let share = Arc::new(|| 1.0);
        let running = tokio::spawn(run::run(studio.clone(), self.maker(), share, metrics, shutdown));
        Started { history, studio, stopper, running }
    }

    fn file(&self, composition: u128, ending: &str) -> PathBuf {
        self.data.path().join(format!("compositions/{composition:032x}.{ending}"))
    }
}

impl Started {
    async fn ask(&self) -> CompositionRow {
        let room = self.studio.room(ROOM).await.expect("asked").expect("there");
        let callback = Some(("http://127.0.0.1:9/".to_owned(), twilio::rest::Method::Post));
        let wish = Wish { callback, ..wish::check(wish::usual()).expect("good") };
        self.studio.ask(&room, &wish).await.expect("asked for")
    }

    async fn until(&self, composition: u128, what: impl Fn(&CompositionRow) -> bool) -> CompositionRow {
        let looking = async {
            loop {
                let row = self.studio.find(composition).await.expect("asked").expect("there");
                if what(&row) {
                    return row;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), looking).await.expect("in time")
    }

    async fn ended(&self, composition: u128) -> CompositionRow {
        self.until(composition, |row| !matches!(row.status, CompositionStatus::Enqueued | CompositionStatus::Processing)).await
    }

    /// What was told of compositions, the oldest first.
    async fn told(&self) -> Vec<String> {
        self.history.journal.flush().await.expect("written");
        let events = self.history.store.events(&self.account(), Some(ROOM), Page::First { size: 99 }).await.expect("asked");
        events.rows.iter().rev().map(|event| event.name.trim_start_matches("composition-").to_owned()).collect()
    }

    fn account(&self) -> String {
        // Every row of this history is of one account.
        self.studio.account().to_owned()
    }
}

#[tokio::test]
async fn a_composition_is_made_and_told_of_in_order() {
    let den = Den::new().await;
    let server = den.start().await;
    let asked = server.ask().await;
    let row = server.ended(asked.id).await;
    assert_eq!((row.status, row.percent, row.attempts), (CompositionStatus::Completed, 100, 1));
    assert_eq!((row.duration_ms, row.bytes, row.why.as_str()), (40_000, 40, "1 of its recordings are damaged"));
    assert_eq!(fs::read(den.file(row.id, "webm")).expect("there").len(), 40);
    assert!(!den.file(row.id, "webm.part").exists());
    let told = server.told().await;
    assert_eq!((told.first().map(String::as_str), told.last().map(String::as_str)), (Some("started"), Some("available")));
    assert!(told[1..told.len() - 1].iter().all(|name| name == "progress"), "{told:?}");
    assert!(server.studio.open(row.id).await.expect("asked").is_some());

    server.studio.delete(row.id).await.expect("deleted");
    assert!(!den.file(row.id, "webm").exists() && server.studio.open(row.id).await.expect("asked").is_none());
    assert_eq!(server.ended(row.id).await.status, CompositionStatus::Deleted);
}

#[tokio::test]
async fn one_that_is_being_made_can_be_given_up() {
    let den = Den::new().await;
    den.until.store(20, Relaxed);
    let server = den.start().await;
    let (first, second) = (server.ask().await.id, server.ask().await.id);
    let half = server.until(first, |row| row.percent >= 50).await;
    assert_eq!((half.status, half.percent), (CompositionStatus::Processing, 50));
    assert!(den.file(first, "webm.part").exists());
    server.studio.delete(first).await.expect("given up");
    server.until(second, |row| row.percent >= 50).await;
    assert!(!den.file(first, "webm.part").exists());
    den.until.store(STEPS, Relaxed);
    assert_eq!(server.ended(second).await.status, CompositionStatus::Completed);
    assert_eq!(server.ended(first).await.status, CompositionStatus::Deleted);
    assert_eq!(server.told().await.iter().filter(|name| *name == "available").count(), 1);
}

#[tokio::test]
async fn a_server_that_is_stopped_goes_on_with_it_later() {
    let den = Den::new().await;
    den.until.store(20, Relaxed);
    let mut server = den.start().await;
    let id = server.ask().await.id;
    server.until(id, |row| row.percent >= 50).await;
    server.stopper.stop();
    timeout(Duration::from_secs(20), &mut server.running).await.expect("in time").expect("ended");
    let row = server.studio.find(id).await.expect("asked").expect("there");
    assert_eq!((row.status, row.attempts, row.percent), (CompositionStatus::Enqueued, 0, 0));
    assert!(!den.file(id, "webm.part").exists());
    drop(server);
    den.until.store(STEPS, Relaxed);
    assert_eq!(den.start().await.ended(id).await.status, CompositionStatus::Completed);
}

#[tokio::test]
async fn what_a_crash_cut_off_begins_anew_three_times_at_most() {
    let den = Den::new().await;
    let server = den.start().await;
    let (fine, bad) = (server.ask().await.id, server.ask().await.id);
    server.ended(fine).await;
    server.ended(bad).await;
    let row = server.studio.find(fine).await.expect("asked").expect("there");
    let again = |id, attempts| {
        let status = CompositionStatus::Processing;
        Write::CompositionBegan(Box::new(CompositionRow { id, status, attempts, ended_ms: None, bytes: 0, ..row.clone() }))
    };
    server.history.journal.write(vec![again(100, 2), again(101, 3)]).await.expect("written");
    drop(server);
    let left = den.file(100, "webm.part");
    fs::write(&left, "left").expect("written");
    let server = den.start().await;
    let row = server.ended(100).await;
    assert_eq!((row.status, row.attempts, row.bytes), (CompositionStatus::Completed, 3, 40));
    let row = server.ended(101).await;
    assert_eq!((row.status, row.why.as_str()), (CompositionStatus::Failed, "Kennel ended while it was made, three times"));
    assert!(!left.exists());
    assert_eq!(server.told().await.last().map(String::as_str), Some("failed"));
}

#[tokio::test]
async fn it_waits_for_recordings_that_have_not_ended() {
    let den = Den::new().await;
    let server = den.start().await;
    let account = server.account();
    let running =
        RecordingRow { status: RecordingStatus::Processing, ended_ms: None, ..track(13, &account, RecordedKind::Video) };
    let file = running.file.clone();
    server.history.journal.write(vec![Write::RecordingBegan(Box::new(running))]).await.expect("written");
    let id = server.ask().await.id;
    // Whoever looks for work has looked.
    server.until(id, |_| true).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(server.studio.find(id).await.expect("asked").expect("there").status, CompositionStatus::Enqueued);
    let (status, why) = (RecordingStatus::Completed, String::new());
    let ended = Write::RecordingEnded { recording: 13, status, at_ms: 9_500, file, why };
    server.history.journal.write(vec![ended]).await.expect("written");
    assert_eq!(server.ended(id).await.status, CompositionStatus::Completed);
}

#[tokio::test]
async fn hooks_ask_for_one_of_each_room_once() {
    let den = Den::new().await;
    let server = den.start().await;
    let hook = |id: u128, wish: &Wish| HookRow {
        id,
        account: server.account(),
        name: format!("hook {id}"),
        enabled: id != 52,
        parameters: wish.text(),
        created_ms: 1_000,
        updated_ms: None,
        callback: None,
    };
    let (usual, nothing) = (wish::usual(), Wish::default());
    let rows = [hook(50, &usual), hook(51, &nothing), hook(52, &usual)];
    let made = rows.into_iter().map(|row| Write::Hook(Box::new(row))).collect();
    server.history.journal.write(made).await.expect("written");
    // As the journal says it: with the room's end, which wakes whoever makes compositions.
    let end = Write::RoomEnded { room: ROOM, status: RoomStatus::Completed, at_ms: 9_600 };
    server.history.journal.write(vec![hooks::ended(ROOM), end]).await.expect("written");
    let looking = async {
        loop {
            let found = server.studio.list(store::CompositionFilter::default(), Page::First { size: 9 }).await.expect("asked");
            if let Some(row) = found.rows.first() {
                return (found.rows.len(), row.clone());
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let (count, row) = timeout(Duration::from_secs(20), looking).await.expect("in time");
    assert_eq!((count, row.hook), (1, Some(50)));
    server.ended(row.id).await;
    let told = server.told().await;
    let mut first: Vec<&str> = told[..2].iter().map(String::as_str).collect();
    first.sort_unstable();
    assert_eq!(first, ["enqueued", "hook-failed"]);
    assert_eq!(told.last().map(String::as_str), Some("available"));
    assert!(server.history.store.settings("compositions.").await.expect("asked").is_empty(), "it is not asked for again");
}

#[tokio::test]
async fn a_room_without_recordings_has_no_compositions() {
    let den = Den::new().await;
    let server = den.start().await;
    let other = RoomRow { id: 2, name: "Barn".into(), ..room(&server.account()) };
    server.history.journal.write(vec![Write::RoomBegan(Box::new(other.clone()))]).await.expect("written");
    let refused = server.studio.ask(&other, &wish::usual()).await;
    assert!(matches!(refused, Err(NotAsked::NoRecordings)));
    let id = server.ask().await.id;
    server.ended(id).await;
    for recording in [SOUND, PICTURES] {
        server.history.journal.write(vec![Write::RecordingDeleted { recording, at_ms: 9_700 }]).await.expect("written");
    }
    let there = server.history.store.room(&server.account(), NameOrId::Id(ROOM)).await.expect("asked").expect("there");
    assert!(matches!(server.studio.ask(&there, &wish::usual()).await, Err(NotAsked::NoRecordings)));
}

#[tokio::test]
async fn what_is_too_much_goes_and_what_is_gone_is_lost() {
    let den = Den::new().await;
    let server = den.start().await;
    let (first, second) = (server.ask().await.id, server.ask().await.id);
    server.ended(first).await;
    server.ended(second).await;
    let old = fs::File::options().append(true).open(den.file(first, "webm")).expect("there");
    old.set_modified(std::time::SystemTime::now() - Duration::from_secs(60)).expect("set");
    Rounds::start(0).go(&server.studio, Rule { bytes: Some(79), ..Rule::default() }, &Metrics::new()).await;
    assert_eq!(server.ended(first).await.status, CompositionStatus::Deleted);
    assert!(!den.file(first, "webm").exists() && den.file(second, "webm").exists());
    fs::remove_file(den.file(second, "webm")).expect("there");
    Stock::settle(&server.studio).await.expect("compared");
    let row = server.ended(second).await;
    assert_eq!((row.status, row.why.as_str()), (CompositionStatus::Failed, "lost"));
}
