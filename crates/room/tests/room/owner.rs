//! Rooms that are made on purpose: what their owner says of them holds, and they end when it is time.

use std::sync::Arc;
use std::time::Duration;

use room::{
    Answer, Change, Command, Create, Fact, Limits, Moment, Refusal, RoomId, RoomKind, RoomOptions, RoomRef, RoomView, Rooms,
    Sealed, Step, Terms, Topology, TrackRefusal, WhyEnded, WhyLeft,
};

use crate::party::Party;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn party() -> Party {
    Party::new(Limits::default())
}

/// The room den, which is what a group room is unless something else is said.
fn create(party: &mut Party, edit: impl FnOnce(&mut Create)) -> Result<RoomView, Refusal> {
    let kind = RoomKind::Group;
    let mut create = Create {
        room: RoomRef::Name("den".into()),
        kind,
        options: RoomOptions::default(),
        terms: Terms::made(kind),
        memo: Sealed::default(),
    };
    edit(&mut create);
    match party.owner(Command::Create(Box::new(create)))? {
        Answer::Room(room) => Ok(*room),
        other => panic!("{other:?} is no room"),
    }
}

fn ended(party: &Party) -> Option<WhyEnded> {
    party.facts.iter().find_map(|fact| match fact {
        Fact::RoomEnded { why, .. } => Some(*why),
        _ => None,
    })
}

#[test]
fn a_room_is_in_progress_at_once_and_is_what_it_was_asked_to_be() {
    let mut party = party();
    let room = create(&mut party, |create| {
        create.options.audio_only = true;
        create.terms.seats_max = 7;
        create.memo = Sealed("kept".into());
    });
    let room = room.unwrap();
    assert_eq!((&*room.name, room.kind, room.terms.seats_max, room.by_owner), ("den", RoomKind::Group, 7, true));
    assert_eq!(
        (room.options.audio_only, &*room.memo.0, room.topology, room.participants.len()),
        (true, "kept", Topology::Server, 0)
    );
    assert_eq!(party.rooms.by_id(room.id).as_ref(), Some(&room));
    assert_eq!(party.rooms.by_name("den").as_ref(), Some(&room));
    assert_eq!(party.facts, [Fact::RoomBegan { room: Box::new(room.clone()) }]);
    party.join("ann", "den", &["v cam", "a mic"]).unwrap();
    let ann = &party.people["ann"].joined;
    assert_eq!((ann.room, ann.published.tracks[1].1), (room.id, Err(TrackRefusal::KindNotAllowed)));
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing_behind() {
    let check = |edit: fn(&mut Create), expected| {
        let mut party = Party::new(Limits { rooms_max: 1, ..Limits::default() });
        assert_eq!(create(&mut party, edit).map(drop), Err(expected));
        assert_eq!((party.rooms.count(), party.facts.len(), party.rooms.poll_timeout()), ((0, 0), 0, None));
    };
    check(|create| create.room = RoomRef::Name("".into()), Refusal::RoomNameInvalid);
    check(|create| create.room = RoomRef::Name("n".repeat(129).into()), Refusal::RoomNameTooLong);
    check(|create| create.room = RoomRef::Name("a\nb".into()), Refusal::RoomNameCharacters);
    check(|create| create.terms.seats_max = 0, Refusal::SeatsInvalid);
    check(|create| create.terms.seats_max = 51, Refusal::SeatsInvalid);
    let silent = |create: &mut Create| (create.kind, create.terms.seats_max, create.options.audio_only) = (RoomKind::Go, 2, true);
    check(silent, Refusal::AudioOnlyNotServed);
    let mut none = Rooms::new(Limits { rooms_max: 0, ..Limits::default() }, false, Box::new(|| 1));
    let mut refused = |kind| {
        let (room, options, terms, memo) =
            (RoomRef::Name("den".into()), RoomOptions::default(), Terms::made(kind), Sealed::default());
        let create = Create { room, kind, options, terms, memo };
        none.handle(Moment::START, room::Caller::Owner, Command::Create(Box::new(create))).unwrap_err()
    };
    assert_eq!([RoomKind::Group, RoomKind::Go].map(&mut refused), [Refusal::KindNotServed, Refusal::TooManyRooms]);
}

#[test]
fn of_two_who_make_a_room_of_one_name_one_wins() {
    let mut party = party();
    let first = create(&mut party, |_| {}).unwrap();
    assert_eq!(create(&mut party, |_| {}).map(drop), Err(Refusal::RoomExists));
    party.owner(Command::EndRoom(first.id)).unwrap();
    let second = create(&mut party, |_| {}).unwrap();
    assert_ne!(first.id, second.id, "its name was free at once");
    party.join("ann", "yard", &[]).unwrap();
    assert_eq!(create(&mut party, |create| create.room = RoomRef::Name("yard".into())).map(drop), Err(Refusal::RoomExists));
}

#[test]
fn a_room_without_a_name_is_called_by_its_id() {
    let mut party = party();
    let room = create(&mut party, |create| create.room = RoomRef::Unnamed(|id| format!("room {}", id.0))).unwrap();
    assert_eq!(*room.name, format!("room {}", room.id.0));
    party.join_with("ann", "", &[], |join| join.room = RoomRef::Id(room.id, "spelled".into())).unwrap();
    assert_eq!(party.people["ann"].joined.room, room.id);
}

#[test]
fn who_comes_by_the_id_of_a_room_that_ended_is_told_so() {
    let mut party = party();
    let room = create(&mut party, |_| {}).unwrap();
    party.owner(Command::EndRoom(room.id)).unwrap();
    let by_id = |join: &mut room::Join| join.room = RoomRef::Id(room.id, "spelled".into());
    assert_eq!(party.join_with("ann", "", &[], by_id), Err(Refusal::RoomEnded));
    let never = |join: &mut room::Join| join.room = RoomRef::Id(RoomId(7), "never".into());
    assert_eq!(party.join_with("ann", "", &[], never), Err(Refusal::RoomNotFound));
    party.rooms.restore_ended([RoomId(7)]);
    assert_eq!(party.join_with("ann", "", &[], never), Err(Refusal::RoomEnded), "it ended before a restart");
    party.join("bo", "spelled", &[]).unwrap();
    assert_eq!(party.join_with("ann", "", &[], by_id), Ok(()), "a room may be called like that");
}

#[test]
fn without_adhoc_rooms_there_must_be_one() {
    let mut party = Party::new(Limits { adhoc: false, ..Limits::default() });
    assert_eq!(party.join("ann", "den", &[]), Err(Refusal::RoomNotMade));
    let unnamed = |join: &mut room::Join| join.room = RoomRef::Unnamed(|_| "x".into());
    assert_eq!(party.join_with("ann", "", &[], unnamed), Err(Refusal::RoomNotMade));
    create(&mut party, |_| {}).unwrap();
    assert_eq!(party.join("ann", "den", &[]), Ok(()));
    party.set_kind("yard", RoomKind::Go, RoomOptions::default()).unwrap();
    assert_eq!(party.join("bo", "yard", &[]), Ok(()), "its owner has said what it is");
}

#[test]
fn seats_are_the_rooms_own() {
    let mut party = party();
    create(&mut party, |create| create.terms.seats_max = 1).unwrap();
    party.join("ann", "den", &[]).unwrap();
    assert_eq!(party.join("bo", "den", &[]), Err(Refusal::RoomFull));
    party.act("ann", Command::Lose).unwrap();
    assert_eq!(party.join("bo", "den", &[]), Err(Refusal::RoomFull), "she may come back");
    let older = party.people["ann"].joined.me;
    assert_eq!(party.join("ann", "den", &[]), Ok(()), "the same name takes its own seat");
    assert_ne!(party.people["ann"].joined.me, older);
    let ann = party.people["ann"].joined.me;
    party.owner(Command::Remove(ann)).unwrap();
    assert_eq!(party.join("bo", "den", &[]), Ok(()), "the seat is free at once");
}

#[test]
fn a_room_that_nobody_uses_ends() {
    let mut party = party();
    create(&mut party, |create| (create.terms.unused_timeout, create.terms.empty_timeout) = (3 * MINUTE, MINUTE)).unwrap();
    party.pass(3 * MINUTE - SECOND);
    assert_eq!(party.rooms.count().0, 1);
    party.pass(SECOND);
    assert_eq!((party.rooms.count().0, ended(&party)), (0, Some(WhyEnded::Unused)));
    assert_eq!(party.rooms.poll_timeout(), None);
    create(&mut party, |_| {}).unwrap();
}

#[test]
fn a_room_that_everybody_left_ends_later_unless_somebody_comes() {
    let mut party = party();
    create(&mut party, |create| (create.terms.unused_timeout, create.terms.empty_timeout) = (3 * MINUTE, MINUTE)).unwrap();
    party.pass(2 * MINUTE);
    party.join("ann", "den", &[]).unwrap();
    party.pass(HOUR);
    party.act("ann", Command::Leave).unwrap();
    party.pass(MINUTE - SECOND);
    party.join("bo", "den", &[]).unwrap();
    party.pass(HOUR);
    assert_eq!(party.rooms.count().0, 1, "the timer was cancelled");
    party.act("bo", Command::Lose).unwrap();
    party.pass(30 * SECOND + MINUTE - SECOND);
    assert_eq!(party.rooms.count(), (1, 0), "it is empty since the seat was given up");
    party.pass(SECOND);
    assert_eq!((party.rooms.count().0, ended(&party)), (0, Some(WhyEnded::Empty)));
}

#[test]
fn a_room_ends_for_everyone_when_its_time_is_over() {
    let mut party = party();
    create(&mut party, |create| create.terms.session_max = None).unwrap();
    party.join("ann", "den", &[]).unwrap();
    party.pass(24 * HOUR - SECOND);
    assert_eq!(party.heard("ann"), [] as [&str; 0]);
    party.pass(SECOND);
    assert_eq!(party.heard("ann"), ["out: RoomEnded"]);
    assert_eq!((party.rooms.count(), ended(&party)), ((0, 0), Some(WhyEnded::Expired)));
}

#[test]
fn whoever_is_inside_for_too_long_is_put_out_and_may_come_again() {
    let mut party = party();
    create(&mut party, |create| create.terms.session_max = Some(10 * MINUTE)).unwrap();
    party.join("ann", "den", &[]).unwrap();
    party.pass(5 * MINUTE);
    party.join("bo", "den", &[]).unwrap();
    party.act("ann", Command::Lose).unwrap();
    party.resume("ann", vec![]).unwrap();
    party.pass(5 * MINUTE - SECOND);
    assert_eq!(party.heard("ann"), [] as [&str; 0]);
    party.heard("bo");
    party.pass(SECOND);
    assert_eq!(party.heard("ann"), ["out: Expired"], "coming back does not begin anew");
    assert_eq!(party.heard("bo"), ["ann Left(Expired) #4 []"]);
    assert_eq!(party.resume("ann", vec![]), Err(Refusal::SeatNotFound));
    party.join("ann", "den", &[]).unwrap();
    party.pass(5 * MINUTE);
    assert_eq!((party.heard("bo").pop().unwrap(), party.rooms.count()), ("out: Expired".into(), (1, 1)));
}

#[test]
fn whose_time_is_over_while_away_does_not_come_back() {
    let mut party = party();
    create(&mut party, |create| create.terms.session_max = Some(10 * MINUTE)).unwrap();
    party.join("ann", "den", &[]).unwrap();
    party.pass(10 * MINUTE - SECOND);
    party.act("ann", Command::Lose).unwrap();
    party.pass(SECOND);
    assert_eq!(party.resume("ann", vec![]), Err(Refusal::SeatNotFound));
    let left = party.facts.iter().any(|fact| matches!(fact, Fact::Participant { change: Change::Left(WhyLeft::Expired), .. }));
    assert!(left);
}

#[test]
fn adhoc_rooms_end_with_their_last_one_and_run_as_long_as_they_are_used() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    let room = party.rooms.by_name("den").unwrap();
    assert_eq!((room.by_owner, room.terms.session_max, room.terms.room_max), (false, None, None));
    party.pass(100 * HOUR);
    assert_eq!(party.rooms.count(), (1, 1));
    party.act("ann", Command::Leave).unwrap();
    assert_eq!((party.rooms.count(), ended(&party), party.rooms.poll_timeout()), ((0, 0), Some(WhyEnded::Empty), None));
}

#[test]
fn tracks_of_a_room_are_counted_together() {
    let mut party = party();
    create(&mut party, |create| create.terms.tracks_max = Some(3)).unwrap();
    party.join("ann", "den", &["v cam", "a mic"]).unwrap();
    party.join("bo", "den", &["v cam", "d chat"]).unwrap();
    let outcome = |answer: &[(Arc<str>, Result<_, _>)]| answer.iter().map(|(_, one)| one.err()).collect::<Vec<_>>();
    assert_eq!(outcome(&party.people["bo"].joined.published.tracks), [None, Some(TrackRefusal::TooManyInRoom)]);
    party.publish("ann", &["v cam"]);
    let Answer::Published(published) = party.publish("bo", &["v cam", "d chat"]) else { panic!("published") };
    assert_eq!(outcome(&published.tracks), [None, None]);
}

#[test]
fn a_kind_chosen_by_name_leaves_rooms_alone_that_were_made_on_purpose() {
    let mut party = party();
    let room = create(&mut party, |_| {}).unwrap();
    party.set_kind("den", RoomKind::GroupSmall, RoomOptions::default()).unwrap();
    assert_eq!(party.rooms.by_id(room.id).unwrap().kind, RoomKind::Group);
    party.join("ann", "yard", &[]).unwrap();
    party.set_kind("yard", RoomKind::Go, RoomOptions::default()).unwrap();
    assert_eq!(party.rooms.by_name("yard").unwrap().terms.seats_max, 2);
}

#[test]
fn facts_come_in_an_order_that_makes_sense() {
    let mut party = party();
    let room = create(&mut party, |create| create.kind = RoomKind::Group).unwrap();
    party.join("ann", "den", &["v cam"]).unwrap();
    party.publish("ann", &["v cam off", "a mic"]);
    party.publish("ann", &["a mic high"]);
    party.owner(Command::EndRoom(room.id)).unwrap();
    let words: Vec<String> = party.facts.iter().map(words).collect();
    assert_eq!(
        words,
        [
            "began den",
            "ann Joined",
            "+cam by ann",
            "+mic by ann",
            "~cam off by ann",
            "ann Tracks",
            "-cam off by ann",
            "~mic by ann",
            "ann Tracks",
            "-mic by ann",
            "ann Left(RoomEnded)",
            "ended Completed",
        ]
    );
}

fn words(fact: &Fact) -> String {
    let of = |sign: &str, who: &room::Snapshot, track: &room::Track| {
        format!("{sign}{}{} by {}", track.name, if track.enabled { "" } else { " off" }, who.identity)
    };
    match fact {
        Fact::RoomBegan { room } => format!("began {}", room.name),
        Fact::RoomEnded { why, .. } => format!("ended {why:?}"),
        Fact::Participant { participant, change, .. } => format!("{} {change:?}", participant.identity),
        Fact::TrackAdded { participant, track, .. } => of("+", participant, track),
        Fact::TrackRemoved { participant, track, .. } => of("-", participant, track),
        Fact::TrackAltered { participant, track, .. } => of("~", participant, track),
        Fact::RecordingBegan { recording, .. } => format!("recording {:?} began", recording.id),
        Fact::RecordingFlows { recording, codec, .. } => format!("{recording:?} flows in {codec:?}"),
        Fact::RecordingEnded { recording, outcome, .. } => format!("{recording:?} ended: {:?}", outcome.why),
    }
}

#[test]
fn rooms_made_on_purpose_survive_a_restart_with_what_is_left_of_their_time() {
    let mut party = party();
    let empty = create(&mut party, |_| {}).unwrap();
    create(&mut party, |create| {
        create.room = RoomRef::Name("used".into());
        create.terms.session_max = Some(10 * MINUTE);
    })
    .unwrap();
    create(&mut party, |create| create.room = RoomRef::Name("left".into())).unwrap();
    party.join("ann", "used", &[]).unwrap();
    party.join("bo", "left", &[]).unwrap();
    party.pass(4 * MINUTE);
    party.act("bo", Command::Leave).unwrap();
    let mut party = party.restarted(Limits::default());
    let room = party.rooms.by_name("den").unwrap();
    assert_eq!((room.id, party.now.since(room.began)), (empty.id, 4 * MINUTE));
    assert_eq!(RoomView { began: empty.began, ..room }, empty);
    party.resume("ann", vec![]).unwrap();
    party.pass(MINUTE);
    assert!(party.rooms.by_name("den").is_none(), "unused for five minutes");
    party.pass(4 * MINUTE);
    assert!(party.rooms.by_name("left").is_none(), "empty for five minutes");
    party.heard("ann");
    party.pass(MINUTE);
    assert_eq!(party.heard("ann"), ["out: Expired"]);
}

#[test]
fn what_is_over_after_a_while_does_not_come_back() {
    let mut party = party();
    create(&mut party, |create| create.terms.empty_timeout = 3 * MINUTE).unwrap();
    party.join("ann", "den", &[]).unwrap();
    party.join("bo", "yard", &[]).unwrap();
    let saved = party.rooms.save(party.now);
    let check = |down: Duration, expected: &[(&str, usize)]| {
        let mut anew = Party::new(Limits::default());
        anew.skip_ids(1_000);
        let saved = saved.iter().cloned().filter_map(|room| room.after(down, 30 * SECOND)).collect();
        anew.restore(saved);
        anew.pass(Duration::ZERO);
        let rooms = anew.rooms.rooms().map(|room| (room.name.to_string(), room.participants.len())).collect::<Vec<_>>();
        assert_eq!(rooms, expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>(), "{down:?}");
    };
    check(Duration::ZERO, &[("den", 1), ("yard", 1)]);
    check(30 * SECOND, &[("den", 1), ("yard", 1)]);
    check(31 * SECOND, &[("den", 0)]);
    check(3 * MINUTE + 29 * SECOND, &[("den", 0)]);
    check(3 * MINUTE + 30 * SECOND, &[]);
    check(Duration::MAX, &[]);
}

#[test]
fn the_mesh_knows_no_rules() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    party.signal("ann", &room::LinkId("ann/1".into()), Step::Close, 2);
    let participant = party.people["ann"].joined.me;
    let rule = room::Rule::Nothing;
    assert_eq!(party.owner(Command::SetRule { participant, rule }), Err(Refusal::NoRules));
}
