//! Compositions from being asked for to their end, with a maker that writes words in place of films.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use compose::{Failure, Input, Order, Progress, Sink};
use kennel::config::Config;
use kennel::history::{self, History};
use kennel::metrics::Metrics;
use kennel::shelf::Shelf;
use kennel::shelf::files::Files;
use kennel::shelf::keep::{Rounds, Rule, settle};
use kennel::shutdown::{self, Stopper};
use kennel::studio::wish::Part;
use kennel::studio::work::{Maker, Making};
use kennel::studio::{NotAsked, Studio, Waits, hooks, run, wish};
use kennel::{clock, journal, keyring};
use store::{
    CompositionRow, CompositionStatus, HookRow, NameOrId, Page, ParticipantRow, ParticipantStatus, RecordedFile, RecordedKind,
    RecordingRow, RecordingStatus, RoomRow, RoomStatus, Write,
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
pub struct Den {
    data: TempDir,
    keys: keyring::Store,
    until: Arc<AtomicU32>,
    /// Of how many recordings the last film was made.
    inputs: Arc<AtomicU32>,
}

/// A server on it. Dropped, it is as if it had been killed.
pub struct Started {
    pub history: History,
    pub studio: Studio,
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
    pub async fn new() -> Self {
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
        let den = Den { data, keys, until: Arc::new(AtomicU32::new(STEPS)), inputs: Arc::default() };
        fs::create_dir(den.data.path().join("recordings")).expect("made");
        for name in [format!("{SOUND:032x}.mka"), format!("{PICTURES:032x}.mkv")] {
            fs::write(den.data.path().join("recordings").join(name), "film").expect("written");
        }
        den
    }

    fn maker(&self) -> Maker {
        let (until, count) = (Arc::clone(&self.until), Arc::clone(&self.inputs));
        Arc::new(move |_: Order, inputs: Vec<Input>| {
            count.store(u32::try_from(inputs.len()).expect("few"), Relaxed);
            Ok(Box::new(Words { until: Arc::clone(&until), made: 0, damaged: 1 }))
        })
    }

    async fn start(&self) -> Started {
        self.start_on(|_| None).await
    }

    /// The same with another journal, if it says one.
    pub async fn start_on(&self, journal: impl FnOnce(&History) -> Option<journal::Handle>) -> Started {
        let config = Config { data: self.data.path().to_owned(), ..Config::default() };
        let metrics = Metrics::new();
        let (history, _) = history::start(&config, &self.keys, Vec::new(), &metrics).await.expect("started");
        let mut history = history.expect("one");
        if let Some(journal) = journal(&history) {
            history.journal = journal;
        }
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
    pub async fn ask(&self) -> CompositionRow {
        let room = self.studio.room(ROOM).await.expect("asked").expect("there");
        let callback = Some(("http://127.0.0.1:9/".to_owned(), twilio::rest::Method::Post));
        let wish = Wish { callback, ..wish::check(wish::usual()).expect("good") };
        self.studio.ask(&room, &wish).await.expect("asked for")
    }

    /// Asks for one of this part.
    async fn ask_part(&self, part: &Part) -> u128 {
        let room = self.studio.room(ROOM).await.expect("asked").expect("there");
        self.studio.ask_part(&room, &wish::check(wish::usual()).expect("good"), part).await.expect("asked for").row.id
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

    pub fn hook(&self, id: u128, wish: &Wish) -> HookRow {
        HookRow {
            id,
            account: self.account(),
            name: format!("hook {id}"),
            enabled: true,
            parameters: wish.text(),
            created_ms: 1_000,
            updated_ms: None,
            callback: None,
        }
    }

    /// As the journal says it: with the room's end, which wakes whoever makes compositions.
    pub async fn end_room(&self) {
        let end = Write::RoomEnded { room: ROOM, status: RoomStatus::Completed, at_ms: 9_600 };
        self.history.journal.write(vec![hooks::ended(ROOM), end]).await.expect("written");
    }

    /// The first that this hook asked for.
    async fn first_of(&self, hook: u128) -> CompositionRow {
        let looking = async {
            loop {
                let found = self.studio.list(store::CompositionFilter::default(), Page::First { size: 9 }).await.expect("asked");
                if let Some(row) = found.rows.into_iter().find(|row| row.hook == Some(hook)) {
                    return row;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), looking).await.expect("in time")
    }

    /// How many there are.
    pub async fn count(&self) -> usize {
        let found = self.studio.list(store::CompositionFilter::default(), Page::First { size: 9 }).await.expect("asked");
        found.rows.len()
    }

    pub async fn ended(&self, composition: u128) -> CompositionRow {
        self.until(composition, |row| !matches!(row.status, CompositionStatus::Enqueued | CompositionStatus::Processing)).await
    }

    /// What was told of compositions, the oldest first.
    pub async fn told(&self) -> Vec<String> {
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
    assert_eq!(den.inputs.load(Relaxed), 2, "of sound and pictures");
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
    let row = server.studio.find(id).await.expect("asked").expect("there");
    assert_eq!((row.status, server.studio.waits(&row)), (CompositionStatus::Enqueued, Some(Waits::Recording)));
    let (status, why) = (RecordingStatus::Completed, String::new());
    let ended = Write::RecordingEnded { recording: 13, status, at_ms: 9_500, file, why };
    server.history.journal.write(vec![ended]).await.expect("written");
    assert_eq!(server.ended(id).await.status, CompositionStatus::Completed);
}

#[tokio::test]
async fn of_a_time_that_is_over_it_does_not_wait_for_what_goes_on() {
    let den = Den::new().await;
    let server = den.start().await;
    let going_on = |id, offset_ms| {
        let row = track(id, &server.account(), RecordedKind::Video);
        let file = RecordedFile { offset_ms, duration_ms: 0, bytes: 0, ..row.file.clone() };
        let row = RecordingRow { status: RecordingStatus::Processing, ended_ms: None, file, ..row };
        fs::write(den.data.path().join(format!("recordings/{id:032x}.mkv.part")), "film").expect("written");
        Write::RecordingBegan(Box::new(row))
    };
    // Of one nothing came before the end of the part.
    let rows = vec![going_on(13, 2_100), going_on(14, 3_000), going_on(15, 0)];
    server.history.journal.write(rows).await.expect("written");
    let id = server.ask_part(&Part { to: Some(3_000), ..Part::default() }).await;
    assert_eq!(server.ended(id).await.status, CompositionStatus::Completed);
    assert_eq!(den.inputs.load(Relaxed), 3);
    // What was recorded just now may not be in the files yet.
    let id = server.ask_part(&Part { to: Some(clock::unix_ms()), ..Part::default() }).await;
    sleep(Duration::from_millis(50)).await;
    let row = server.studio.find(id).await.expect("asked").expect("there");
    assert_eq!((row.status, server.studio.waits(&row)), (CompositionStatus::Enqueued, Some(Waits::Recording)));
}

#[tokio::test]
async fn it_does_not_wait_for_what_nobody_records_any_more() {
    let den = Den::new().await;
    let cut = RecordingRow {
        status: RecordingStatus::Processing,
        ended_ms: None,
        ..track(13, &account(&den.keys), RecordedKind::Video)
    };
    let before: Box<dyn store::Store> = Box::new(store::Sqlite::open(den.data.path()).expect("a history"));
    before.write(vec![Write::RecordingBegan(Box::new(cut))]).await.expect("written");
    drop(before);
    // Its file is not there, and the folder has no mark: perhaps its disk is away.
    let server = den.start().await;
    let id = server.ask().await.id;
    assert_eq!(server.ended(id).await.status, CompositionStatus::Completed);
    for recording in [SOUND, PICTURES] {
        server.history.journal.write(vec![Write::RecordingDeleted { recording, at_ms: 9_700 }]).await.expect("written");
    }
    let row = server.ask().await;
    let row = server.ended(row.id).await;
    assert_eq!(row.status, CompositionStatus::Failed);
    assert!(row.why.contains("key"), "{}", row.why);
}

#[tokio::test]
async fn hooks_ask_for_one_of_each_room_once() {
    let den = Den::new().await;
    let server = den.start().await;
    let (usual, nothing) = (wish::usual(), Wish::default());
    let rows = [server.hook(50, &usual), server.hook(51, &nothing), HookRow { enabled: false, ..server.hook(52, &usual) }];
    let made = rows.into_iter().map(|row| Write::Hook(Box::new(row))).collect();
    server.history.journal.write(made).await.expect("written");
    server.end_room().await;
    let row = server.first_of(50).await;
    server.ended(row.id).await;
    hooks::run(&server.studio).await.expect("nothing to do");
    assert_eq!(server.count().await, 1);
    let told = server.told().await;
    let mut first: Vec<&str> = told[..2].iter().map(String::as_str).collect();
    first.sort_unstable();
    assert_eq!(first, ["enqueued", "hook-failed"]);
    assert_eq!(told.last().map(String::as_str), Some("available"));
    assert!(server.history.store.settings("compositions.").await.expect("asked").is_empty(), "it is not asked for again");
}

#[tokio::test]
async fn what_fits_nothing_fails_unless_a_hook_asks_for_it_and_some_fits() {
    let den = Den::new().await;
    let server = den.start().await;
    let room = server.studio.room(ROOM).await.expect("asked").expect("there");
    let silent = wish::check(Wish { audio_sources: vec!["zzz".into()], ..wish::usual() }).expect("good");
    let id = server.studio.ask(&room, &silent).await.expect("asked for").id;
    let row = server.ended(id).await;
    assert_eq!(row.status, CompositionStatus::Failed);
    assert!(row.why.starts_with("no sound fits zzz (AudioSources, sound): there is "), "{}", row.why);
    assert_eq!(server.told().await, ["failed"]);
    assert!(!den.file(id, "webm").exists() && !den.file(id, "webm.part").exists());

    server.history.journal.write(vec![Write::Hook(Box::new(server.hook(50, &silent)))]).await.expect("written");
    server.end_room().await;
    let row = server.first_of(50).await;
    assert_eq!(server.ended(row.id).await.status, CompositionStatus::Completed);
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
    settle(&server.studio).await.expect("compared");
    fs::remove_file(den.file(second, "webm")).expect("there");
    settle(&server.studio).await.expect("compared");
    let row = server.ended(second).await;
    assert_eq!((row.status, row.why.as_str()), (CompositionStatus::Failed, "lost"));
    let shown = kennel::rest::rows::composition(&row);
    assert_eq!((shown.completed_ms, shown.duration_ms, shown.bytes), (None, 0, 0));
    // What is found again is not deleted for that.
    fs::write(den.file(second, "webm"), "film").expect("written");
    settle(&server.studio).await.expect("compared");
    assert!(den.file(second, "webm").exists());
}

#[tokio::test]
async fn where_the_disk_is_not_nothing_is_lost() {
    let den = Den::new().await;
    let server = den.start().await;
    let id = server.ask().await.id;
    server.ended(id).await;
    let (folder, elsewhere) = (den.data.path().join("compositions"), den.data.path().join("elsewhere"));
    let status = async || {
        settle(&server.studio).await.expect("compared");
        server.ended(id).await.status
    };
    fs::rename(&folder, &elsewhere).expect("moved");
    assert_eq!(status().await, CompositionStatus::Completed);
    fs::create_dir(&folder).expect("made");
    assert_eq!(status().await, CompositionStatus::Completed);
    fs::remove_dir(&folder).and_then(|()| fs::rename(&elsewhere, &folder)).expect("moved back");
    assert_eq!(status().await, CompositionStatus::Completed);
    fs::remove_file(den.file(id, "webm")).expect("there");
    assert_eq!(status().await, CompositionStatus::Failed, "its disk is there, and it is not");
}

#[tokio::test]
async fn nothing_stays_of_one_that_failed() {
    let den = Den::new().await;
    let server = den.start().await;
    let row = server.ask().await;
    server.ended(row.id).await;
    let status = CompositionStatus::Failed;
    let failed = CompositionRow { id: 100, status, ended_ms: Some(9_000), why: "Kennel ended".into(), ..row };
    server.history.journal.write(vec![Write::CompositionBegan(Box::new(failed))]).await.expect("written");
    fs::write(den.file(100, "webm"), "film").expect("written");
    settle(&server.studio).await.expect("compared");
    assert!(!den.file(100, "webm").exists() && den.file(row.id, "webm").exists());
}

#[tokio::test]
async fn those_of_another_account_are_none_of_ours() {
    let den = Den::new().await;
    let server = den.start().await;
    let mine = server.ask().await;
    server.ended(mine.id).await;
    let other = "AC0123456789abcdef0123456789abcdef";
    let theirs = CompositionRow { id: 100, account: other.into(), room: 7, created_ms: 1, ..mine };
    let room = RoomRow { id: 7, name: "Barn".into(), ..room(other) };
    let writes = vec![Write::RoomBegan(Box::new(room)), Write::CompositionBegan(Box::new(theirs))];
    server.history.journal.write(writes).await.expect("written");
    let next = server.ask().await.id;
    assert_eq!(server.ended(next).await.status, CompositionStatus::Completed);
    let theirs = server.history.store.composition(other, 100).await.expect("asked").expect("there");
    assert_eq!((theirs.status, theirs.attempts), (CompositionStatus::Enqueued, 0));
}

#[tokio::test]
async fn hooks_do_not_wait_until_a_film_is_made() {
    let den = Den::new().await;
    den.until.store(20, Relaxed);
    let server = den.start().await;
    let first = server.ask().await.id;
    server.until(first, |row| row.percent >= 50).await;
    server.history.journal.write(vec![Write::Hook(Box::new(server.hook(50, &wish::usual())))]).await.expect("written");
    server.end_room().await;
    let row = server.first_of(50).await;
    assert_eq!(row.status, CompositionStatus::Enqueued);
    let first = server.studio.find(first).await.expect("asked").expect("there");
    assert_eq!((first.status, first.percent), (CompositionStatus::Processing, 50));
}
