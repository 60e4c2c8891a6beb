//! Facts to history and back: real rooms make the facts, a real database keeps them.

use std::sync::Arc;
use std::time::Duration;

use media::record::MixFile;
use room::{
    Answer, Caller, Command, ConnId, Create, Join, Kind, Limits, Moment, Outcome, Output, Priority, RecordedCodec, RecordingId,
    Rights, RoomKind, RoomOptions, RoomRef, Rooms, Rule, Sealed, Terms, TrackDraft, WhyStopped,
};
use store::{
    Callback, Method, NameOrId, Page, ParticipantFilter, ParticipantStatus, RecordingFilter, RecordingStatus, RoomStatus, Sqlite,
    Store,
};
use tempfile::TempDir;
use twilio::rest::Memo;

use super::recover::recover;
use super::*;

const ACCOUNT: &str = "ACb98f0b26d38e82780d1790fb4f57ddc1";

/// Rooms, a book that follows them, and what it says to write.
struct Desk {
    rooms: Rooms,
    book: Book,
    writes: Vec<Write>,
    now: Duration,
}

fn teller() -> Teller {
    let callback = Some(Callback { url: "http://a/adhoc".to_owned(), method: Method::Get });
    Teller { account: ACCOUNT.to_owned(), callback, mix: MixFile::default() }
}

impl Desk {
    fn new() -> Self {
        let mut next = 0_u128;
        let ids = move || {
            next += 1;
            next
        };
        let rooms = Rooms::new(Limits::default(), true, Box::new(ids));
        Desk { rooms, book: Book::new(teller()), writes: Vec::new(), now: Duration::ZERO }
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn act(&mut self, caller: Caller, command: Command) -> Answer {
        let answer = self.rooms.handle(Moment::after_start(self.now), caller, command).expect("permitted");
        let at_ms = 1_000_000 + u64::try_from(self.now.as_millis()).expect("soon");
        while let Some(output) = self.rooms.poll_output() {
            if let Output::Note(fact) = output {
                self.book.record(at_ms, &fact, &mut self.writes);
            }
        }
        answer
    }

    fn create(&mut self, name: &str, callback: &str) -> u128 {
        let memo = Memo { status_callback: Some(callback.to_owned()), ..Memo::default() };
        let create = Create {
            room: RoomRef::Name(name.into()),
            kind: RoomKind::Group,
            options: RoomOptions::default(),
            terms: Terms::made(RoomKind::Group),
            memo: Sealed(memo.text().into()),
        };
        match self.act(Caller::Owner, Command::Create(Box::new(create))) {
            Answer::Room(room) => room.id.0,
            other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, conn: u64, room: &str, identity: &str, tracks: &[&str]) -> &mut Self {
        let drafts = tracks.iter().map(|name| draft(name, true)).collect();
        let join = Join {
            room: RoomRef::Name(room.into()),
            allowed: None,
            identity: identity.into(),
            rights: Rights::GUEST,
            origin: None,
            tracks: (1, drafts),
            rule: Rule::All,
            offer: None,
            channels: Vec::new(),
            profile: room::Profile::default(),
            part: room::Part::default(),
        };
        self.act(Caller::Conn(ConnId(conn)), Command::Join(Box::new(join)));
        self
    }

    fn publish(&mut self, conn: u64, revision: u64, tracks: &[(&str, bool)]) -> &mut Self {
        let tracks = tracks.iter().map(|(name, enabled)| draft(name, *enabled)).collect();
        self.act(Caller::Conn(ConnId(conn)), Command::Publish { revision, tracks });
        self
    }

    /// What was told since the last time: the event, the time, and one parameter of interest.
    fn told(&mut self) -> Vec<String> {
        let events = self.writes.drain(..).filter_map(|write| match write {
            Write::Event(event) => Some(event),
            _ => None,
        });
        events
            .map(|event| {
                let find = |name: &str| event.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
                let more = ["TrackName", "ParticipantDuration", "ParticipantIdentity", "RoomDuration", "RoomName"];
                let more = more.into_iter().find_map(find).unwrap_or_default();
                let url = event.callback.as_ref().map_or("", |callback| callback.url.as_str());
                format!("{} {more} {url}", event.name)
            })
            .collect()
    }
}

fn draft(name: &str, enabled: bool) -> TrackDraft {
    TrackDraft { label: name.into(), kind: Kind::Audio, name: name.into(), enabled, priority: Priority::Standard }
}

#[test]
fn a_rooms_life_as_it_is_told() {
    let mut desk = Desk::new();
    desk.create("den", "http://b/x");
    assert_eq!(desk.told(), ["room-created den http://b/x"]);
    desk.after(1).join(1, "den", "ann", &["mic"]);
    assert_eq!(desk.told(), ["participant-connected ann http://b/x", "track-added mic http://b/x"]);
    desk.publish(1, 2, &[("mic", false)]).publish(1, 3, &[("mic", true), ("tune", true)]);
    assert_eq!(desk.told(), ["track-disabled mic http://b/x", "track-added tune http://b/x", "track-enabled mic http://b/x"]);
    desk.after(61).act(Caller::Conn(ConnId(1)), Command::Leave);
    assert_eq!(
        desk.told(),
        ["track-removed mic http://b/x", "track-removed tune http://b/x", "participant-disconnected 61 http://b/x"]
    );
    let room = desk.rooms.by_name("den").expect("in progress").id;
    desk.act(Caller::Owner, Command::EndRoom(room));
    assert_eq!(desk.told(), ["room-ended 62 http://b/x"]);
    assert!(desk.book.is_empty());
}

#[test]
fn rooms_made_by_joining_tell_the_default_callback() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &[]);
    assert_eq!(desk.told(), ["room-created den http://a/adhoc", "participant-connected ann http://a/adhoc"]);
}

async fn database(desk: &mut Desk) -> (TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().expect("a folder");
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path()).expect("open"));
    store.write(std::mem::take(&mut desk.writes)).await.expect("written");
    (folder, store)
}

/// A server ends at second 100, with `seats` written down or not, and starts at second 110.
async fn restart(desk: &mut Desk, store: &Arc<dyn Store>, seats: bool) -> recover::Recovery {
    store.write(vec![Write::Alive { at_ms: 1_100_000 }]).await.expect("written");
    let saved = if seats { desk.rooms.save(Moment::after_start(Duration::from_secs(100))) } else { Vec::new() };
    let recovery = recover(&**store, saved, teller(), 1_110_000).await.expect("recovered");
    store.write(recovery.writes.clone()).await.expect("written");
    recovery
}

async fn statuses(store: &Arc<dyn Store>, room: u128) -> Vec<(String, ParticipantStatus, Option<u64>)> {
    let all = store.participants(room, ParticipantFilter::default(), Page::First { size: 50 }).await.expect("a list");
    all.rows.into_iter().map(|row| (row.identity, row.status, row.ended_ms)).collect()
}

#[tokio::test]
async fn with_its_seats_a_room_goes_on_and_who_is_back_was_never_gone() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &["mic"]);
    let room = desk.rooms.by_name("den").expect("in progress").id.0;
    let (_folder, store) = database(&mut desk).await;
    let recovery = restart(&mut desk, &store, true).await;
    assert_eq!(recovery.rooms.len(), 1);
    assert!(!recovery.writes.iter().any(|write| matches!(write, Write::Event(_))), "{:?}", recovery.writes);
    assert_eq!(statuses(&store, room).await, [("ann".to_owned(), ParticipantStatus::Reconnecting, None)]);
}

#[tokio::test]
async fn without_its_seats_a_room_made_by_joining_ended_when_the_program_did() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &["mic"]);
    let room = desk.rooms.by_name("den").expect("in progress").id.0;
    let (_folder, store) = database(&mut desk).await;
    let recovery = restart(&mut desk, &store, false).await;
    assert!(recovery.rooms.is_empty() && recovery.book.is_empty());
    assert_eq!(recovery.ended, [room::RoomId(room)]);
    let row = store.room(ACCOUNT, NameOrId::Id(room)).await.expect("asked").expect("found");
    assert_eq!((row.status, row.ended_ms), (RoomStatus::Completed, Some(1_100_000)));
    assert_eq!(statuses(&store, room).await, [("ann".to_owned(), ParticipantStatus::Disconnected, Some(1_100_000))]);
    let told = store.events(ACCOUNT, Some(room), Page::First { size: 50 }).await.expect("a list").rows;
    let names: Vec<_> = told.iter().map(|event| (event.name.as_str(), event.sequence)).collect();
    assert_eq!(
        names,
        [
            ("room-ended", 5),
            ("participant-disconnected", 4),
            ("track-removed", 3),
            ("track-added", 2),
            ("participant-connected", 1),
            ("room-created", 0)
        ]
    );
}

#[tokio::test]
async fn tracks_that_came_and_went_after_the_seats_were_written_down() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &["mic", "tune"]);
    let seats = desk.rooms.save(Moment::after_start(desk.now));
    desk.publish(1, 2, &[("mic", true), ("cam", true)]);
    let (_folder, store) = database(&mut desk).await;
    let recovery = recover(&*store, seats, teller(), 1_110_000).await.expect("recovered");
    desk.writes = recovery.writes;
    assert_eq!(desk.told(), ["track-removed cam http://a/adhoc", "track-added tune http://a/adhoc"]);
    desk.book = recovery.book;
    desk.rooms = Rooms::new(Limits::default(), true, Box::new(|| 99));
    desk.rooms.restore(Moment::START, recovery.rooms);
    desk.act(Caller::Owner, Command::EndRoom(desk.rooms.by_name("den").expect("in progress").id));
    assert_eq!(
        desk.told(),
        [
            "track-removed mic http://a/adhoc",
            "track-removed tune http://a/adhoc",
            "participant-disconnected 0 http://a/adhoc",
            "room-ended 0 http://a/adhoc"
        ]
    );
}

#[tokio::test]
async fn nothing_ended_before_the_last_thing_that_happened() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &[]);
    desk.after(104).join(2, "den", "bob", &[]);
    let room = desk.rooms.by_name("den").expect("in progress").id.0;
    let (_folder, store) = database(&mut desk).await;
    restart(&mut desk, &store, false).await;
    let told = store.events(ACCOUNT, Some(room), Page::First { size: 50 }).await.expect("a list").rows;
    let times: Vec<_> = told.iter().rev().map(|event| event.at_ms).collect();
    assert_eq!(times, [1_000_000, 1_000_000, 1_104_000, 1_104_000, 1_104_000, 1_104_000]);
}

#[tokio::test]
async fn a_room_that_its_owner_made_goes_on_empty_with_what_is_left_of_its_time() {
    let mut desk = Desk::new();
    let room = desk.create("den", "http://b/x");
    desk.after(5).join(1, "den", "ann", &[]);
    let (_folder, store) = database(&mut desk).await;
    let recovery = restart(&mut desk, &store, false).await;
    let saved = &recovery.rooms[0];
    assert_eq!((saved.id.0, saved.by_owner, saved.participants.len()), (room, true, 0));
    assert_eq!((saved.age, saved.idle), (Duration::from_secs(110), Some(Duration::from_secs(10))));
    assert_eq!(statuses(&store, room).await, [("ann".to_owned(), ParticipantStatus::Disconnected, Some(1_100_000))]);
    let mut rooms = Rooms::new(Limits::default(), true, Box::new(|| 99));
    rooms.restore(Moment::START, recovery.rooms);
    assert_eq!(rooms.by_name("den").expect("in progress").id.0, room);
}

#[tokio::test]
async fn what_the_history_does_not_know_is_told_to_it() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &["mic"]);
    desk.writes.clear();
    let room = desk.rooms.by_name("den").expect("in progress").id.0;
    let (_folder, store) = database(&mut desk).await;
    let recovery = restart(&mut desk, &store, true).await;
    assert_eq!(recovery.rooms.len(), 1);
    let row = store.room(ACCOUNT, NameOrId::Id(room)).await.expect("asked").expect("found");
    assert_eq!((row.status, row.name.as_str()), (RoomStatus::InProgress, "den"));
    assert_eq!(statuses(&store, room).await.len(), 1);
}

#[tokio::test]
async fn a_room_that_ended_after_its_seats_were_written_down_stays_ended() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &[]);
    let seats = desk.rooms.save(Moment::after_start(desk.now));
    desk.act(Caller::Conn(ConnId(1)), Command::Leave);
    let (_folder, store) = database(&mut desk).await;
    let room = seats[0].id;
    let recovery = recover(&*store, seats, teller(), 1_110_000).await.expect("recovered");
    assert!(recovery.rooms.is_empty(), "{:?}", recovery.rooms);
    assert_eq!(recovery.ended, [room]);
}

#[tokio::test]
async fn a_room_made_by_joining_whose_last_one_left_before_a_crash_is_over() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &[]);
    let (room, seats) = (desk.rooms.by_name("den").expect("in progress").id.0, desk.rooms.save(Moment::after_start(desk.now)));
    desk.act(Caller::Conn(ConnId(1)), Command::Leave);
    // The crash came between her leave and the end of the room.
    desk.writes.retain(|write| !matches!(write, Write::RoomEnded { .. }));
    let (_folder, store) = database(&mut desk).await;
    let recovery = recover(&*store, seats, teller(), 1_110_000).await.expect("recovered");
    store.write(recovery.writes).await.expect("written");
    assert!(recovery.rooms.is_empty() && recovery.book.is_empty());
    let row = store.room(ACCOUNT, NameOrId::Id(room)).await.expect("asked").expect("found");
    assert_eq!(row.status, RoomStatus::Completed);
}

#[tokio::test]
async fn a_room_that_does_not_fit_any_more_ends_for_those_in_it_too() {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &["mic"]);
    let room = desk.rooms.by_name("den").expect("in progress").id.0;
    let (_folder, store) = database(&mut desk).await;
    let recovery = restart(&mut desk, &store, true).await;
    desk.book = recovery.book;
    desk.rooms = Rooms::new(Limits { rooms_max: 0, ..Limits::default() }, true, Box::new(|| 99));
    desk.rooms.restore(Moment::START, recovery.rooms);
    while let Some(output) = desk.rooms.poll_output() {
        if let Output::Note(fact) = output {
            desk.book.record(1_110_000, &fact, &mut desk.writes);
        }
    }
    store.write(desk.writes).await.expect("written");
    assert_eq!(statuses(&store, room).await, [("ann".to_owned(), ParticipantStatus::Disconnected, Some(1_110_000))]);
    let row = store.room(ACCOUNT, NameOrId::Id(room)).await.expect("asked").expect("found");
    assert_eq!(row.status, RoomStatus::Completed);
}

/// A journal over a database in which ann is in a room, and the room.
async fn journal() -> (TempDir, Arc<dyn Store>, Handle, u128) {
    let mut desk = Desk::new();
    desk.join(1, "den", "ann", &[]);
    let room = desk.rooms.by_name("den").expect("in progress").id.0;
    let (folder, store) = database(&mut desk).await;
    let handle = start(Arc::clone(&store), desk.book, Arc::default(), Metrics::new());
    (folder, store, handle, room)
}

/// One that no database takes: of a participant whom it does not know.
fn refused() -> Vec<Write> {
    vec![Write::SubscribeRules { participant: 404, text: "[]".to_owned(), at_ms: 1 }]
}

#[tokio::test]
async fn each_who_writes_is_told_of_its_own_writes() {
    let (_folder, store, handle, _) = journal().await;
    let put = |key: &str| vec![Write::Setting { key: key.to_owned(), value: "x".to_owned() }];
    let (first, bad, last, all) =
        tokio::join!(handle.write(put("first")), handle.write(refused()), handle.write(put("last")), handle.flush());
    assert_eq!((first, last, all), (Ok(()), Ok(()), Ok(())));
    assert!(matches!(bad, Err(Problem::Misused(_))), "{bad:?}");
    for key in ["first", "last"] {
        assert_eq!(store.setting(key).await, Ok(Some("x".to_owned())), "{key}");
    }
    assert!(!handle.is_failing());
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_told_either() {
    let (_folder, store, handle, room) = journal().await;
    let ann = store.participant(room, store::IdentityOrId::Identity("ann".to_owned())).await.expect("asked").expect("found");
    let participant = Arc::new(room::Snapshot {
        id: room::ParticipantId(ann.id),
        identity: "ann".into(),
        presence: room::Presence::Connected,
        revision: 1,
        tracks: Vec::new(),
        member: room::Member::default(),
    });
    let track = room::Track {
        id: room::TrackId(404),
        label: "mic".into(),
        kind: Kind::Audio,
        name: "mic".into(),
        enabled: true,
        priority: Priority::Standard,
    };
    handle.note(Fact::TrackRemoved { room: room::RoomId(room), participant, track });
    assert!(handle.flush().await.is_err());
    let told = store.events(ACCOUNT, Some(room), Page::First { size: 50 }).await.expect("a list").rows;
    let names: Vec<_> = told.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["participant-connected", "room-created"]);
    assert_eq!(handle.metrics.facts_lost.get(), 1);
}

/// Recordings of ann's first track, and what is said of them.
impl Desk {
    fn fact(&mut self, fact: Fact) -> &mut Self {
        let at_ms = 1_000_000 + u64::try_from(self.now.as_millis()).expect("soon");
        self.book.record(at_ms, &fact, &mut self.writes);
        self
    }

    fn den(&self) -> room::RoomId {
        self.rooms.by_name("den").expect("in progress").id
    }

    fn record(&mut self, id: u128, of_mix: bool) -> &mut Self {
        let who = Arc::clone(&self.rooms.by_name("den").expect("in progress").participants[0]);
        let track = who.tracks[0].clone();
        let source = (!of_mix).then_some((who, track));
        let recording = Box::new(room::Recording { id: RecordingId(id), source });
        let room = self.den();
        self.fact(Fact::RecordingBegan { room, recording })
    }

    fn ended(&mut self, room: room::RoomId, id: u128, outcome: Outcome) -> &mut Self {
        self.fact(Fact::RecordingEnded { room, recording: RecordingId(id), outcome })
    }
}

fn outcome(seconds: u64, why: WhyStopped) -> Outcome {
    let codec = (seconds > 0).then_some(RecordedCodec::Opus);
    Outcome { duration: Duration::from_secs(seconds), bytes: 100 * seconds, offset: Duration::from_secs(900), codec, why }
}

fn parameter(write: &Write, name: &str) -> String {
    let Write::Event(event) = write else { return String::new() };
    event.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_recording_is_told_of_from_its_first_media_to_its_end() {
    let mut desk = Desk::new();
    desk.create("den", "http://b/x");
    desk.join(1, "den", "ann", &["mic"]);
    desk.record(70, false).record(71, false).record(72, true);
    let (room, offset, codec) = (desk.den(), Duration::from_millis(900_500), RecordedCodec::Opus);
    for id in [70, 72] {
        desk.fact(Fact::RecordingFlows { room, recording: RecordingId(id), codec, offset });
    }
    desk.after(60).act(Caller::Owner, Command::EndRoom(room));
    desk.ended(room, 71, outcome(0, WhyStopped::NoMedia)).ended(room, 72, outcome(59, WhyStopped::Stopped));
    desk.ended(room, 70, outcome(60, WhyStopped::Stopped)).ended(room, 70, outcome(1, WhyStopped::Disk));
    assert_eq!(desk.book.recordings(), 0);
    let recorded = desk.writes.iter().filter(|write| !parameter(write, "RecordingSid").is_empty());
    let said: Vec<_> = recorded
        .map(|write| {
            let names = ["StatusCallbackEvent", "RoomStatus", "OffsetFromTwilioVideoEpoch", "Duration", "FailedOperation"];
            names.map(|name| parameter(write, name)).join(" ")
        })
        .collect();
    let expected = [
        "recording-started in-progress 900500  ",
        "recording-failed completed 900000  RecordingStart",
        "recording-completed completed 900000 60 ",
    ];
    assert_eq!(said, expected);
    let (_folder, store) = database(&mut desk).await;
    let rows = store.recordings(ACCOUNT, RecordingFilter::default(), Page::First { size: 9 }).await.expect("a list").rows;
    let rows: Vec<_> = rows.iter().map(|row| (row.id, row.status, row.file.duration_ms, row.why.as_str())).collect();
    let expected = [
        (72, RecordingStatus::Completed, 59_000, "stopped"),
        (71, RecordingStatus::Failed, 0, "no media"),
        (70, RecordingStatus::Completed, 60_000, "stopped"),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn what_was_being_recorded_ended_with_the_program() {
    let mut desk = Desk::new();
    desk.create("den", "http://b/x");
    desk.join(1, "den", "ann", &["mic"]);
    desk.record(70, false).record(71, false);
    let room = desk.den();
    let (_folder, store) = database(&mut desk).await;
    let rules = Write::RecordingRules { room: room.0, text: r#"[{"type":"include","all":true}]"#.into(), at_ms: 1_050_000 };
    store.write(vec![rules]).await.expect("written");
    let seats = desk.rooms.save(Moment::after_start(desk.now));
    let mut recovery = recover(&*store, seats, teller(), 1_110_000).await.expect("recovered");
    assert_eq!(recovery.running(), [70, 71].into());
    assert!(matches!(&recovery.rooms[0].options.record, Rule::Listed(lines) if lines.len() == 1));
    recovery.end_recordings(&[(70, outcome(9, WhyStopped::Stopped))], &[], 1_110_000);
    let told: Vec<_> = recovery.writes.iter().map(|write| parameter(write, "StatusCallbackEvent")).collect();
    let told: Vec<_> = told.iter().filter(|name| name.starts_with("recording")).collect();
    assert_eq!(told, ["recording-started", "recording-completed", "recording-failed"]);
    store.write(recovery.writes).await.expect("written");
    let row = async |id| store.recording(ACCOUNT, id).await.expect("asked").expect("found");
    assert_eq!((row(70).await.status, row(70).await.file.duration_ms), (RecordingStatus::Completed, 9_000));
    assert_eq!((row(71).await.status, row(71).await.why.as_str()), (RecordingStatus::Failed, "lost"));
    assert_eq!(store.check().await, Ok(Vec::new()));
}
