use std::time::Duration;

use room::{
    Answer, Caller, Change, Command, Fact, Limits, LinkId, Refusal, Resume, RoomKind, RoomOptions, RoomRef, Rule, SeatKey, Step,
    TrackRefusal, WhyEnded,
};

use crate::party::{Party, draft, offer};

const SECOND: Duration = Duration::from_secs(1);

fn party() -> Party {
    Party::new(Limits::default())
}

fn party_of(kind: RoomKind) -> Party {
    Party::new(Limits { kind, ..Limits::default() })
}

#[test]
fn the_second_one_sees_the_first_and_the_first_hears_of_it() {
    let mut party = party();
    party.join("ann", "den", &["v cam", "a mic"]).unwrap();
    party.join("bo", "den", &["d chat"]).unwrap();
    let bo = &party.people["bo"].joined;
    assert_eq!((bo.others.len(), bo.subscribed.tracks.len(), bo.published.tracks.len()), (1, 2, 1));
    assert_eq!(party.heard("ann"), ["bo Joined #1 [chat] receives 1", "Offer 1 on bo/2", "closed ann/1 at 2"]);
}

#[test]
fn the_first_one_has_no_link_and_keeps_a_spare() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    assert_eq!(party.people["ann"].joined.links, []);
    assert!(matches!(&party.facts[..], [Fact::RoomBegan { .. }, Fact::Participant { .. }]));
}

#[test]
fn the_third_one_offers_to_the_first_and_is_asked_to_offer_to_the_second() {
    let mut party = party();
    for name in ["ann", "bo", "cy"] {
        party.join(name, "den", &[]).unwrap();
    }
    let wanted: Vec<_> = party.people["cy"].joined.links.iter().map(|l| l.wanted).collect();
    assert_eq!(wanted, [Some(1)]);
    let link = party.people["cy"].joined.links[0].link.clone();
    assert_eq!(party.heard("bo"), ["cy Joined #1 []"]);
    party.signal("cy", &link, Step::Offer, 2);
    assert_eq!(party.heard("bo"), [format!("Offer 2 on {}", link.0)]);
    assert_eq!(party.heard("ann").last().unwrap(), "Offer 1 on cy/3");
}

#[test]
fn the_first_of_two_crossing_offers_wins() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let link = LinkId("bo/2".into());
    party.signal("ann", &link, Step::Answer, 1);
    party.signal("ann", &link, Step::Offer, 2);
    party.heard("ann");
    party.signal("bo", &link, Step::Offer, 2);
    assert_eq!(party.heard("ann"), [] as [&str; 0], "the second offer is dropped");
    party.signal("bo", &link, Step::Answer, 2);
    party.signal("bo", &link, Step::Offer, 3);
    assert_eq!(party.heard("ann"), ["Answer 2 on bo/2", "Offer 3 on bo/2"]);
}

#[test]
fn answers_that_nobody_waits_for_and_old_offers_are_dropped() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let link = LinkId("bo/2".into());
    party.heard("ann");
    party.signal("bo", &link, Step::Answer, 1);
    party.signal("ann", &link, Step::Answer, 7);
    party.signal("ann", &link, Step::Answer, 1);
    party.signal("ann", &link, Step::Answer, 1);
    party.signal("bo", &link, Step::Offer, 1);
    assert_eq!(party.heard("bo"), ["Answer 1 on bo/2"]);
    assert_eq!(party.heard("ann"), [] as [&str; 0]);
}

#[test]
fn a_stranger_cannot_speak_on_a_link() {
    let mut party = party();
    for name in ["ann", "bo", "cy"] {
        party.join(name, "den", &[]).unwrap();
    }
    party.heard("ann");
    party.heard("bo");
    party.signal("cy", &LinkId("bo/2".into()), Step::Offer, 9);
    assert_eq!((party.heard("ann"), party.heard("bo")), (vec![], vec![]));
    let stolen = party.join_with("dan", "den", &[], |join| {
        join.offer.as_mut().unwrap().0 = LinkId("bo/2".into());
    });
    assert_eq!(stolen, Err(Refusal::Malformed));
}

#[test]
fn a_link_that_died_is_made_anew_but_not_for_ever() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let mut link = LinkId("bo/2".into());
    let mut anew = 0;
    for _ in 0..100 {
        party.heard("bo");
        party.signal("bo", &link, Step::Close, 2);
        let Some(words) = party.heard("bo").pop() else { break };
        anew += 1;
        link = LinkId(words.rsplit(' ').next().unwrap().into());
    }
    assert_eq!(anew, 20);
    assert_eq!(party.heard("ann").iter().filter(|words| words.starts_with("closed bo/")).count(), 1);
}

#[test]
fn muting_and_changing_the_camera_is_heard() {
    let mut party = party();
    party.join("ann", "den", &["v cam", "a mic"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    party.publish("ann", &["v cam", "a mic off"]);
    party.publish("ann", &["a mic off"]);
    party.publish("ann", &["a mic off", "v back"]);
    assert_eq!(
        party.heard("bo"),
        ["ann Tracks #2 [cam, mic off]", "ann Tracks #3 [mic off] receives 1", "ann Tracks #4 [mic off, back] receives 2"]
    );
}

#[test]
fn the_same_list_again_changes_nothing() {
    let mut party = party();
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let Answer::Published(before) = party.publish("ann", &["v cam"]) else { panic!() };
    let stale = party.act("ann", Command::Publish { revision: 1, tracks: vec![] }).unwrap();
    assert_eq!(stale, Answer::Published(before));
    assert_eq!(party.heard("bo"), [] as [&str; 0]);
}

#[test]
fn tracks_over_the_limit_are_refused_and_the_others_go_on() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    let names: Vec<String> = (0..17).map(|n| format!("v cam{n}")).chain(["d chat".into(), "a cam0".into()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Answer::Published(published) = party.publish("ann", &names) else { panic!() };
    let refused: Vec<_> = published.tracks.iter().filter_map(|(label, r)| r.err().map(|why| (&**label, why))).collect();
    assert_eq!(refused, [("id-cam16", TrackRefusal::TooMany)]);
    assert_eq!(published.tracks.iter().filter(|(_, r)| r.is_ok()).count(), 17);
}

#[test]
fn track_names_are_checked() {
    let mut party = party();
    party.join("ann", "den", &["v cam"]).unwrap();
    let mut bad = [draft("v cam"), draft("v x"), draft("v "), draft("v y")];
    bad[1].name = "cam".into();
    bad[2].label = "other".into();
    bad[3].name = "n".repeat(129).into();
    let answer = party.act("ann", Command::Publish { revision: 2, tracks: bad.to_vec() }).unwrap();
    let Answer::Published(published) = answer else { panic!() };
    let why: Vec<_> = published.tracks.iter().filter_map(|(_, r)| r.err()).collect();
    assert_eq!(why, [TrackRefusal::NameTaken, TrackRefusal::NameInvalid, TrackRefusal::NameTooLong]);
}

#[test]
fn whoever_wants_nothing_receives_nothing() {
    let mut party = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join_with("bo", "den", &[], |join| join.rule = Rule::Nothing).unwrap();
    assert_eq!(party.people["bo"].joined.subscribed.tracks, []);
    party.publish("ann", &["v cam", "a mic"]);
    assert_eq!(party.heard("bo"), ["ann Tracks #2 [cam, mic]"]);
}

#[test]
fn where_everybody_sends_to_everybody_all_is_received() {
    let mut party = party();
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join_with("bo", "den", &[], |join| join.rule = Rule::Nothing).unwrap();
    assert_eq!(party.people["bo"].joined.subscribed.tracks.len(), 1);
}

#[test]
fn the_newer_of_two_with_one_name_wins() {
    let mut party = party_of(RoomKind::Go);
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let older = party.people.remove("ann").unwrap();
    party.heard("bo");
    party.join("ann", "den", &["v new"]).unwrap();
    let heard = party.heard("bo");
    assert_eq!(heard[0], "ann Left(Displaced) #2 [cam] receives 0");
    assert!(heard.contains(&"ann Joined #1 [new] receives 1".to_owned()), "{heard:?}");
    let late = party.rooms.handle(party.now, Caller::Conn(older.conn), Command::Leave);
    assert_eq!(late, Err(Refusal::NotJoined), "the older one has no seat to leave");
    assert_eq!(party.rooms.count(), (1, 2));
}

#[test]
fn every_kind_of_room_has_exactly_its_seats() {
    for (kind, seats) in [(RoomKind::Go, 2), (RoomKind::GroupSmall, 4), (RoomKind::PeerToPeer, 10), (RoomKind::Group, 50)] {
        let mut party = party_of(kind);
        let results: Vec<_> = (0..seats + 20).map(|n| party.join(&format!("p{n}"), "den", &[])).collect();
        let inside = results.iter().filter(|r| r.is_ok()).count();
        assert_eq!((inside, party.rooms.count().1), (seats, seats), "{kind:?}");
        assert!(results[seats..].iter().all(|r| *r == Err(Refusal::RoomFull)));
        party.act("p0", Command::Leave).unwrap();
        assert_eq!(party.join("late", "den", &[]), Ok(()), "a free seat can be taken");
    }
}

#[test]
fn a_lost_client_keeps_its_seat_for_the_session_timeout() {
    let mut party = party_of(RoomKind::Go);
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    party.act("ann", Command::Lose).unwrap();
    assert_eq!(party.heard("bo"), ["ann Lost #2 [cam]"]);
    assert_eq!(party.join("cy", "den", &[]), Err(Refusal::RoomFull));
    party.pass(29 * SECOND);
    assert_eq!(party.heard("bo"), [] as [&str; 0]);
    party.pass(SECOND);
    assert_eq!(party.heard("bo"), ["ann Left(TimedOut) #3 [cam] receives 0", "closed bo/2 at 2"]);
    assert_eq!(party.resume("ann", vec![]), Err(Refusal::SeatNotFound));
}

/// Test T39.
#[test]
fn t39_whoever_was_away_when_nothing_ran_has_the_whole_session_timeout_again() {
    let mut party = party_of(RoomKind::Go);
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    party.act("ann", Command::Lose).unwrap();
    party.pass(20 * SECOND);
    party.stand_still(3_600 * SECOND);
    assert_eq!(party.heard("bo"), ["ann Lost #2 [cam]"], "nobody is given up, and who is inside hears nothing");
    party.pass(29 * SECOND);
    assert_eq!(party.heard("bo"), [] as [&str; 0]);
    party.pass(SECOND);
    assert_eq!(party.heard("bo"), ["ann Left(TimedOut) #3 [cam] receives 0", "closed bo/2 at 2"]);
    // What a room was made for is over when it is over, whether anything ran or not.
    party.act("bo", Command::Leave).unwrap();
    assert_eq!(party.rooms.count(), (0, 0));
}

#[test]
fn a_client_that_comes_back_is_where_it_was() {
    let mut party = party();
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let link = LinkId("bo/2".into());
    party.act("ann", Command::Lose).unwrap();
    party.signal("bo", &link, Step::Candidates, 1);
    party.heard("bo");
    party.resume("ann", vec![]).unwrap();
    assert_eq!(party.heard("bo"), ["ann Resumed #3 [cam]"]);
    let joined = &party.people["ann"].joined;
    assert_eq!(joined.others.len(), 1);
    assert_eq!(joined.published.tracks.len(), 1);
    let steps: Vec<_> = joined.links[0].signals.iter().map(|s| (s.step, s.revision)).collect();
    assert_eq!(steps, [(Step::Offer, 1), (Step::Candidates, 1)], "it hears what was said while it was away");
    party.pass(60 * SECOND);
    assert_eq!(party.rooms.count().1, 2, "its old deadline does not matter any more");
}

#[test]
fn an_answer_that_was_lost_on_the_way_is_given_again() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let link = LinkId("bo/2".into());
    party.act("ann", Command::Lose).unwrap();
    let answer = room::Signal { step: Step::Answer, revision: 1, sealed: room::Sealed("late".into()) };
    party.resume("ann", vec![(link.clone(), answer)]).unwrap();
    assert_eq!(party.heard("bo").last().unwrap(), "Answer 1 on bo/2");
}

#[test]
fn an_offer_that_was_asked_for_and_never_came_is_asked_for_again() {
    let mut party = party();
    for name in ["ann", "bo", "cy"] {
        party.join(name, "den", &[]).unwrap();
    }
    party.act("cy", Command::Lose).unwrap();
    party.resume("cy", vec![(LinkId("cy/3".into()), offer(1))]).unwrap();
    let wanted: Vec<_> = party.people["cy"].joined.links.iter().filter_map(|l| l.wanted).collect();
    assert_eq!(wanted, [1]);
}

#[test]
fn a_newer_connection_replaces_one_that_nobody_saw_die() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    let old = party.people["ann"].conn;
    party.resume("ann", vec![]).unwrap();
    assert_eq!(party.forgotten, [old]);
    let late = party.rooms.handle(party.now, Caller::Conn(old), Command::Lose);
    assert_eq!(late, Err(Refusal::NotJoined), "the old connection's end does not touch the seat");
    assert_eq!(party.rooms.count().1, 1);
}

#[test]
fn a_seat_needs_its_key_and_its_name() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    let resume = |seat, identity: &str| Resume { seat, identity: identity.into(), tracks: (1, vec![]), signals: vec![] };
    assert_eq!(party.resume_as("eve", resume(SeatKey(999), "ann")), Err(Refusal::SeatNotFound));
    let seat = party.seat_key("ann");
    assert_eq!(party.resume_as("eve", resume(seat, "eve")), Err(Refusal::SeatNotFound));
}

#[test]
fn a_room_ends_with_its_last_leave() {
    let mut party = party();
    party.join("ann", "den", &["v cam"]).unwrap();
    let first = party.people["ann"].joined.room;
    party.act("ann", Command::Leave).unwrap();
    assert!(matches!(party.facts.last(), Some(Fact::RoomEnded { why: WhyEnded::Empty, .. })));
    assert_eq!(party.rooms.count(), (0, 0));
    party.join("ann", "den", &[]).unwrap();
    assert_ne!(party.people["ann"].joined.room, first, "a new beginning is a new id");
}

#[test]
fn an_empty_room_can_be_kept_for_a_while() {
    let mut party = Party::new(Limits { empty_timeout: 60 * SECOND, ..Limits::default() });
    party.join("ann", "den", &[]).unwrap();
    let first = party.people["ann"].joined.room;
    party.act("ann", Command::Leave).unwrap();
    party.pass(59 * SECOND);
    party.join("ann", "den", &[]).unwrap();
    assert_eq!(party.people["ann"].joined.room, first);
    party.pass(120 * SECOND);
    assert_eq!(party.rooms.count().0, 1, "it is not empty any more");
    party.act("ann", Command::Leave).unwrap();
    party.pass(60 * SECOND);
    assert_eq!(party.rooms.count().0, 0);
}

#[test]
fn completing_a_room_puts_everyone_out() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    party.act("bo", Command::Lose).unwrap();
    party.heard("ann");
    let room = party.people["ann"].joined.room;
    party.owner(Command::EndRoom(room)).unwrap();
    assert_eq!(party.heard("ann"), ["out: RoomEnded"]);
    assert_eq!(party.rooms.count(), (0, 0));
    assert_eq!(party.owner(Command::EndRoom(room)), Err(Refusal::RoomNotFound));
    assert_eq!(party.resume("bo", vec![]), Err(Refusal::SeatNotFound));
}

#[test]
fn removing_frees_the_seat_at_once() {
    let mut party = party_of(RoomKind::Go);
    party.join("ann", "den", &[]).unwrap();
    party.join("bo", "den", &["v cam"]).unwrap();
    let bo = party.people["bo"].joined.me;
    party.owner(Command::Remove(bo)).unwrap();
    assert_eq!(party.heard("bo"), ["out: Removed"]);
    assert_eq!(party.owner(Command::Remove(bo)), Err(Refusal::ParticipantNotFound));
    assert_eq!(party.join("cy", "den", &[]), Ok(()));
}

#[test]
fn withdrawing_a_key_puts_out_whoever_it_let_in() {
    let mut party = party();
    party.join_with("ann", "den", &[], |join| join.origin = Some("k1".into())).unwrap();
    party.join_with("bo", "yard", &[], |join| join.origin = Some("k1".into())).unwrap();
    party.join_with("cy", "den", &[], |join| join.origin = Some("k2".into())).unwrap();
    party.owner(Command::Withdraw("k1".into())).unwrap();
    assert_eq!(
        (party.heard("ann").pop().unwrap(), party.heard("bo").pop().unwrap()),
        ("out: Withdrawn".into(), "out: Withdrawn".into())
    );
    assert_eq!(party.rooms.count(), (1, 1));
}

#[test]
fn guests_cannot_give_the_owners_commands_nor_owners_the_guests() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    let (room, me) = (party.people["ann"].joined.room, party.people["ann"].joined.me);
    let kind = Command::SetKind { name: "den".into(), kind: RoomKind::Go, options: RoomOptions::default() };
    for command in [Command::EndRoom(room), Command::Remove(me), Command::Withdraw("k".into()), kind] {
        assert_eq!(party.act("ann", command), Err(Refusal::NotPermitted));
    }
    for command in [Command::Leave, Command::Lose, Command::Publish { revision: 9, tracks: vec![] }] {
        assert_eq!(party.owner(command), Err(Refusal::NotPermitted));
    }
    assert_eq!(party.rooms.count(), (1, 1));
}

#[test]
fn a_key_for_one_room_opens_no_other() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    let den = party.people["ann"].joined.room;
    let by_id = || RoomRef::Id(den, "spelled".into());
    let by_name = |name: &str| RoomRef::Name(name.into());
    let mut check = |wanted: RoomRef, allowed: RoomRef, expected| {
        let result = party.join_with("bo", "", &[], |join| {
            join.room = wanted;
            join.allowed = Some(allowed);
        });
        assert_eq!(result, expected);
    };
    check(by_name("den"), by_name("yard"), Err(Refusal::RoomNotAllowed));
    check(by_id(), by_name("yard"), Err(Refusal::RoomNotAllowed));
    check(by_name("new"), by_id(), Err(Refusal::RoomNotAllowed));
    check(RoomRef::Unnamed(|_| String::new()), by_name("den"), Err(Refusal::RoomNotAllowed));
    check(by_name("den"), by_id(), Ok(()));
    check(by_id(), by_name("den"), Ok(()));
    check(by_name("new"), by_name("new"), Ok(()));
}

#[test]
fn a_room_can_be_named_by_its_id_and_without_a_name() {
    let mut party = party();
    party.join_with("ann", "", &[], |join| join.room = RoomRef::Unnamed(|id| format!("room {}", id.0))).unwrap();
    let ann = &party.people["ann"].joined;
    assert_eq!(*ann.name, format!("room {}", ann.room.0));
    let room = ann.room;
    party.join_with("bo", "", &[], |join| join.room = RoomRef::Id(room, "x".into())).unwrap();
    assert_eq!(party.people["bo"].joined.room, room);
}

#[test]
fn names_are_checked() {
    let mut party = party();
    let mut check = |name: &str, room: &str, expected| assert_eq!(party.join(name, room, &[]), expected, "{name:?} in {room:?}");
    check("ann", "", Err(Refusal::RoomNameInvalid));
    check("ann", "  ", Err(Refusal::RoomNameInvalid));
    check("ann", &"n".repeat(129), Err(Refusal::RoomNameTooLong));
    check("ann", "a\nb", Err(Refusal::RoomNameCharacters));
    check("ann", "a\u{202e}b", Err(Refusal::RoomNameCharacters));
    check("ann", "a\u{200f}", Err(Refusal::RoomNameCharacters));
    check("", "den", Err(Refusal::IdentityInvalid));
    check(&"n".repeat(129), "den", Err(Refusal::IdentityTooLong));
    check("a\u{0}", "den", Err(Refusal::IdentityCharacters));
    check(&"é".repeat(128), &"🐕".repeat(128), Ok(()));
    check("<img onerror=x>", "../../den", Ok(()));
}

#[test]
fn rooms_are_limited_and_a_refused_join_leaves_no_room_behind() {
    let mut party = Party::new(Limits { rooms_max: 2, ..Limits::default() });
    party.join("ann", "one", &[]).unwrap();
    party.join("bo", "two", &[]).unwrap();
    assert_eq!(party.join("cy", "three", &[]), Err(Refusal::TooManyRooms));
    assert_eq!(party.join("cy", "two", &[]), Ok(()));
    assert_eq!(party.rooms.count().0, 2);
}

#[test]
fn kinds_by_name_hold_from_the_next_beginning_and_now_if_they_fit() {
    let mut party = party();
    let set = |party: &mut Party, kind| party.set_kind("den", kind, RoomOptions::default());
    set(&mut party, RoomKind::Go).unwrap();
    for name in ["ann", "bo"] {
        party.join(name, "den", &[]).unwrap();
    }
    assert_eq!(party.join("cy", "den", &[]), Err(Refusal::RoomFull));
    set(&mut party, RoomKind::PeerToPeer).unwrap();
    party.join("cy", "den", &[]).unwrap();
    for kind in [RoomKind::Group, RoomKind::Go] {
        set(&mut party, kind).unwrap();
        assert_eq!(party.rooms.by_name("den").unwrap().kind, RoomKind::PeerToPeer, "{kind:?} has to wait");
    }
    for name in ["ann", "bo", "cy"] {
        party.act(name, Command::Leave).unwrap();
    }
    party.join("ann", "den", &[]).unwrap();
    assert_eq!(party.rooms.by_name("den").unwrap().kind, RoomKind::Go, "the next beginning has it");
}

#[test]
fn of_very_many_tracks_the_newest_are_received() {
    let mut party = party();
    let many: Vec<String> = (0..16).map(|n| format!("v cam{n}")).chain((0..16).map(|n| format!("d chat{n}"))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for n in 0..8 {
        party.join(&format!("p{n}"), "den", &many).unwrap();
    }
    let received = &party.people["p7"].joined.subscribed.tracks;
    let newest = party.people["p6"].joined.published.tracks.last().unwrap().1.unwrap();
    assert_eq!((received.len(), received.last().unwrap().0), (200, newest));
}

#[test]
fn nobody_joins_twice_or_acts_without_joining() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    let again = party.join_with("ann", "yard", &[], |_| {});
    assert_eq!(again, Ok(()), "another connection may");
    let stranger = room::ConnId(999);
    let answer = party.rooms.handle(party.now, Caller::Conn(stranger), Command::Publish { revision: 1, tracks: vec![] });
    assert_eq!(answer, Err(Refusal::NotJoined));
}

#[test]
fn rooms_that_were_written_down_go_on_where_they_were() {
    let mut party = party();
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let link = LinkId("bo/2".into());
    party.signal("ann", &link, Step::Answer, 1);
    let before = party.people["ann"].joined.clone();
    let mut party = party.restarted(Limits::default());
    let said = |step| room::Signal { step, revision: 1, sealed: room::Sealed("again".into()) };
    party.resume("ann", vec![(link.clone(), said(Step::Answer))]).unwrap();
    let after = &party.people["ann"].joined;
    assert_eq!((after.room, after.me, &after.name), (before.room, before.me, &before.name));
    assert_eq!(after.published.tracks, before.published.tracks, "tracks keep their ids");
    assert!(after.published.revision > before.published.revision);
    assert_eq!((after.others.len(), after.links.len()), (1, 1), "the other is there and so is the link");
    party.resume("bo", vec![(link.clone(), said(Step::Offer))]).unwrap();
    assert_eq!(party.heard("ann"), ["bo Resumed #1002 []"]);
    party.signal("ann", &link, Step::Offer, 2);
    assert_eq!(party.heard("bo"), ["Offer 2 on bo/2"]);
}

#[test]
fn an_offer_that_was_on_its_way_survives_too() {
    let mut party = party();
    party.join("ann", "den", &[]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let mut party = party.restarted(Limits::default());
    party.resume("ann", vec![]).unwrap();
    let offers: Vec<_> = party.people["ann"].joined.links[0].signals.iter().map(|s| (s.step, s.revision)).collect();
    assert_eq!(offers, [(Step::Offer, 1)]);
}

#[test]
fn whoever_does_not_come_back_after_a_restart_loses_the_seat_as_usual() {
    let mut party = party();
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let mut party = party.restarted(Limits::default());
    party.resume("bo", vec![]).unwrap();
    party.pass(30 * SECOND);
    let heard = party.heard("bo");
    assert!(heard[0].starts_with("ann Left(TimedOut)"), "{heard:?}");
    party.pass(60 * SECOND);
    assert_eq!(party.rooms.count(), (1, 1));
    assert_eq!(party.resume("ann", vec![]), Err(Refusal::SeatNotFound));
}

#[test]
fn what_was_written_down_does_not_replace_what_is_there() {
    let mut old = party();
    old.join("ann", "den", &[]).unwrap();
    let mut party = party();
    party.skip_ids(1_000);
    party.join("bo", "den", &[]).unwrap();
    party.restore(old.rooms.save(old.now));
    assert_eq!(party.rooms.count(), (1, 1));
    assert!(party.rooms.by_name("den").unwrap().participants.iter().all(|p| &*p.identity == "bo"));
    let [.., left, ended] = &party.facts[..] else { panic!("{:?}", party.facts) };
    assert!(matches!(left, Fact::Participant { participant, change: Change::Left(_), .. } if &*participant.identity == "ann"));
    assert!(matches!(ended, Fact::RoomEnded { why: WhyEnded::NotRestored, .. }), "the history hears of it");
}
