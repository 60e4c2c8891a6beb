//! Rooms whose media passes the server: what the server is asked for, and what becomes of its reports.

use std::sync::Arc;
use std::time::Duration;

use room::limit::{LIST_EVERY, LISTS_AT_ONCE};
use room::{
    Answer, Channel, Command, Hint, Kind, Limits, LinkId, MediaRefusal, News, Quality, Refusal, Report, RoomKind, RoomOptions,
    Sealed, Signal, Step, TrackId, TrackRefusal, Wish,
};

use crate::media::count;
use crate::party::{Party, draft, offer};

const SECOND: Duration = Duration::from_secs(1);

fn party() -> Party {
    Party::new(Limits { kind: RoomKind::Group, ..Limits::default() })
}

/// Ann with a camera, bo with nothing.
fn two() -> Party {
    let mut party = party();
    party.join("ann", "den", &["v cam"]).expect("a seat");
    party.join("bo", "den", &[]).expect("a seat");
    party.media.take();
    party.heard("ann");
    party
}

fn link(name: &str) -> LinkId {
    LinkId(name.into())
}

/// The link that the client was told to make, as told last.
fn wanted(party: &mut Party, name: &str) -> LinkId {
    let heard = party.heard(name);
    let line =
        heard.iter().rev().find_map(|line| line.strip_prefix("offer wanted after 1 on ")).unwrap_or_else(|| panic!("{heard:?}"));
    LinkId(line.strip_suffix(" by the server").expect("of the server").into())
}

fn cam_of(party: &Party, name: &str) -> TrackId {
    party.people[name].joined.published.tracks[0].1.expect("taken")
}

fn placed(party: &Party, of: &str, label: &str) -> News {
    News::Placed(vec![(cam_of(party, of), Arc::from(label))])
}

#[test]
fn a_join_opens_a_peer_and_everybody_receives_everybody() {
    let mut party = party();
    party.join("ann", "den", &["v cam", "a mic"]).unwrap();
    assert_eq!(party.media.take(), ["open ann/1 at 1", "publish [cam, mic]", "subscribe 0"]);
    party.join("bo", "den", &["d chat"]).unwrap();
    assert_eq!(party.media.take(), ["open bo/2 at 1", "publish [chat]", "subscribe 1", "subscribe 2"]);
    party.media.check_settled();
    let bo = &party.people["bo"].joined;
    assert_eq!((bo.others.len(), bo.subscribed.tracks.len()), (1, 0), "nothing is placed yet");
    assert_eq!((bo.links.len(), bo.links[0].server, bo.links[0].wanted), (1, true, None));
    assert_eq!(party.heard("ann"), ["bo Joined #1 [chat]"]);
}

#[test]
fn what_is_received_is_what_is_placed_and_still_published() {
    let mut party = two();
    party.news("bo", placed(&party, "ann", "x1"));
    party.news("bo", placed(&party, "ann", "x1"));
    party.news("bo", placed(&party, "ann", "x2"));
    assert_eq!(party.heard("bo"), ["receives [x1]", "receives [x2]"]);
    party.publish("ann", &["v cam off"]);
    assert_eq!(party.heard("bo"), ["ann Tracks #2 [cam off]"], "a muted track stays");
    party.publish("ann", &[]);
    assert_eq!(party.heard("bo"), ["ann Tracks #3 [] receives 0"]);
    assert_eq!(party.media.take(), ["publish [cam off]", "publish []", "subscribe 0"]);
    party.act("ann", Command::Leave).unwrap();
    assert_eq!(party.media.take(), ["close"]);
}

#[test]
fn a_client_without_an_offer_is_asked_for_one() {
    let mut party = two();
    party.join_with("cy", "den", &["v cam"], |join| join.offer = None).unwrap();
    assert_eq!(party.media.take(), [] as [&str; 0]);
    let state = party.people["cy"].joined.links[0].clone();
    assert_eq!((state.server, state.wanted), (true, Some(1)));
    party.signal("cy", &state.link, Step::Candidates, 1);
    party.signal("cy", &state.link, Step::Answer, 2);
    party.signal("cy", &link("other"), Step::Offer, 2);
    assert_eq!(party.media.take(), [] as [&str; 0]);
    party.signal("cy", &state.link, Step::Offer, 2);
    let opened = format!("open {} at 2", state.link.0);
    assert_eq!(party.media.take(), [&*opened, "publish [cam]", "subscribe 1", "subscribe 2", "subscribe 1"]);
}

#[test]
fn descriptions_pass_and_candidates_do_not() {
    let mut party = two();
    let bo = link("bo/2");
    party.signal("bo", &bo, Step::Candidates, 1);
    party.signal("bo", &bo, Step::Offer, 2);
    party.signal("bo", &bo, Step::Answer, 3);
    party.signal("ann", &bo, Step::Offer, 4);
    assert_eq!(party.media.take(), ["Offer 2 on bo/2", "Answer 3 on bo/2"]);
    party.news("bo", News::Signal(Signal { step: Step::Answer, ..offer(2) }));
    party.news_of("bo", &link("ann/1"), News::Signal(offer(9)));
    assert_eq!(party.heard("bo"), ["Answer 2 on bo/2"]);
}

#[test]
fn a_link_that_died_is_made_anew_by_whoever_noticed() {
    for client in [true, false] {
        let mut party = two();
        party.news("bo", placed(&party, "ann", "x1"));
        let ann = link("ann/1");
        if client {
            party.signal("ann", &ann, Step::Close, 2);
        } else {
            party.news("ann", News::Dead);
            assert_eq!(party.people["ann"].heard.len(), 2, "closed and wanted");
        }
        assert_eq!(party.heard("bo"), ["receives [x1]", "receives []"]);
        assert_eq!(party.media.take(), ["close", "subscribe 0"]);
        let anew = wanted(&mut party, "ann");
        assert_ne!(anew, ann);
        party.news_of("ann", &ann, News::Dead);
        party.signal("ann", &ann, Step::Offer, 2);
        assert_eq!((party.heard("ann").len(), party.media.take().len()), (0, 0), "the old link is forgotten");
        party.signal("ann", &anew, Step::Offer, 2);
        assert_eq!(party.media.take(), [&*format!("open {} at 2", anew.0), "publish [cam]", "subscribe 0", "subscribe 1"]);
    }
}

#[test]
fn what_is_told_of_the_link_before_is_not_believed_of_the_one_after() {
    let mut party = two();
    let (cam, bos) = (cam_of(&party, "ann"), link("bo/2"));
    party.join_with("cy", "den", &["v cam"], |join| join.channels = vec![Channel::Speaker]).unwrap();
    let (own, cys) = (cam_of(&party, "cy"), link("cy/3"));
    for (name, old) in [("bo", &bos), ("cy", &cys)] {
        party.news(name, News::Dead);
        let anew = wanted(&mut party, name);
        party.signal(name, &anew, Step::Offer, 2);
        party.heard(name);
        for news in [
            placed(&party, "ann", "x1"),
            News::Connected,
            News::Said(Channel::Speaker, Sealed("ready".into())),
            News::Quality(Quality::default()),
            News::Switched { off: vec![cam], on: vec![] },
            News::Layers { track: own, needed: vec![true, false] },
        ] {
            party.news_of(name, old, news);
        }
        assert_eq!(party.heard(name), [] as [&str; 0]);
    }
    party.news("cy", News::Layers { track: own, needed: vec![true] });
    assert_eq!(party.heard("cy"), ["layers [true]"], "that is the one after");
}

#[test]
fn a_link_that_dies_again_and_again_puts_its_participant_out() {
    let mut party = two();
    for _ in 0..20 {
        party.news("bo", News::Dead);
        let anew = wanted(&mut party, "bo");
        party.signal("bo", &anew, Step::Offer, 2);
    }
    party.news("bo", News::Dead);
    assert_eq!(party.heard("bo").last().unwrap(), "out: Unreachable");
    assert_eq!(party.rooms.count(), (1, 1));
    assert_eq!(party.heard("ann").last().unwrap(), "bo Left(Unreachable) #2 []");
}

#[test]
fn links_that_die_rarely_are_always_made_anew() {
    let mut party = two();
    for _ in 0..50 {
        party.news("bo", News::Dead);
        let anew = wanted(&mut party, "bo");
        party.signal("bo", &anew, Step::Offer, 2);
        party.pass(700 * SECOND);
    }
    assert_eq!(party.rooms.count(), (1, 2));
}

#[test]
fn after_a_worker_is_lost_everybody_makes_a_new_link() {
    let mut party = two();
    let room = party.people["ann"].joined.room;
    party.news("bo", placed(&party, "ann", "x1"));
    party.heard("bo");
    party.media.lose(room);
    party.report_lost();
    assert_eq!(party.media.take(), ["close", "close"]);
    assert!(party.people["bo"].heard.len() == 3, "closed, receives nothing, wanted");
    for name in ["ann", "bo"] {
        let anew = wanted(&mut party, name);
        party.signal(name, &anew, Step::Offer, 2);
    }
    party.media.check_settled();
    assert_eq!(party.media.peers.len(), 2);
}

/// Loses everything of the room and makes new links, where people are asked for them; who is still inside.
fn lose(party: &mut Party) -> usize {
    let room = party.people["ann"].joined.room;
    party.media.lose(room);
    party.report_lost();
    for name in ["ann", "bo"].into_iter().take(party.rooms.count().1) {
        let anew = wanted(party, name);
        party.signal(name, &anew, Step::Offer, 2);
    }
    party.rooms.count().1
}

#[test]
fn a_room_that_is_lost_again_and_again_is_given_up() {
    for (pause, left) in [(29, [2, 2, 0]), (30, [2, 2, 2])] {
        let mut party = two();
        let inside = [0, pause, pause].map(|pause| {
            party.pass(pause * SECOND);
            lose(&mut party)
        });
        assert_eq!(inside, left, "{pause} s in between");
        party.media.check_settled();
        if left[2] == 0 {
            assert_eq!((party.heard("ann").pop(), party.media.peers.len()), (Some("out: Unreachable".into()), 0));
        }
    }
}

#[test]
fn a_room_that_loses_parts_again_and_again_is_given_up() {
    for (pause, left) in [(29, 0), (30, 2)] {
        let mut party = two();
        let room = party.people["ann"].joined.room;
        for _ in 0..3 {
            party.report(Report::PartLost(room));
            party.news("bo", News::Dead);
            if party.rooms.count().1 == 2 {
                let anew = wanted(&mut party, "bo");
                party.signal("bo", &anew, Step::Offer, 2);
                party.pass(pause * SECOND);
            }
        }
        assert_eq!(party.rooms.count().1, left, "{pause} s in between");
        if left == 0 {
            assert_eq!(["ann", "bo"].map(|name| party.heard(name).pop()), ["ann", "bo"].map(|_| Some("out: Unreachable".into())));
        }
    }
}

#[test]
fn a_link_that_is_opened_while_a_loss_is_on_its_way_is_closed() {
    let mut party = two();
    party.media.lose(party.people["ann"].joined.room);
    party.join("cy", "den", &["v cam"]).unwrap();
    party.media.take();
    party.report_lost();
    assert_eq!(party.media.take(), ["close", "close", "close"]);
    party.act("cy", Command::Leave).unwrap();
    assert_eq!((party.media.peers.len(), party.media.take().len()), (0, 0));
}

#[test]
fn who_comes_back_is_told_again_what_was_not_answered() {
    let mut party = two();
    party.act("bo", Command::Lose).unwrap();
    party.news("bo", placed(&party, "ann", "x1"));
    party.news("bo", News::Signal(offer(2)));
    party.resume("bo", vec![(link("bo/2"), offer(1))]).unwrap();
    assert_eq!(party.media.take(), ["away", "Offer 1 on bo/2", "repeat"]);
    let joined = &party.people["bo"].joined;
    assert_eq!(joined.subscribed.tracks.len(), 1);
    assert_eq!(joined.links.iter().map(|l| (&*l.link.0, l.wanted)).collect::<Vec<_>>(), [("bo/2", None)]);
    assert_eq!(party.heard("bo"), [] as [&str; 0], "the answer says it all");
}

#[test]
fn the_last_words_of_who_was_away_are_heard_when_it_is_back() {
    let mut party = two();
    party.join_with("cy", "den", &[], |join| join.channels = vec![Channel::Render]).unwrap();
    party.act("cy", Command::Lose).unwrap();
    for n in 0..20 {
        party.news("cy", News::Said(Channel::Render, Sealed(format!("{n}").into())));
    }
    party.resume("cy", vec![(link("cy/3"), offer(1))]).unwrap();
    let heard = party.heard("cy");
    assert_eq!((heard.len(), &*heard[0], &*heard[15]), (16, "said 4 on Render", "said 19 on Render"));
    party.act("cy", Command::Lose).unwrap();
    party.resume("cy", vec![(link("cy/3"), offer(1))]).unwrap();
    assert_eq!(party.heard("cy"), [] as [&str; 0], "once");
}

#[test]
fn who_comes_back_hears_what_is_switched_off_and_which_layers_are_needed() {
    let mut party = two();
    let (anns, bos) = (cam_of(&party, "ann"), vec![draft("v cam")]);
    party.act("bo", Command::Publish { revision: 2, tracks: bos.clone() }).unwrap();
    let cam = party.rooms.by_name("den").unwrap().participants[1].tracks[0].id;
    party.act("bo", Command::Lose).unwrap();
    party.news("bo", News::Switched { off: vec![anns], on: vec![] });
    party.news("bo", News::Layers { track: cam, needed: vec![false] });
    let guest = &party.people["bo"].joined;
    let (seat, identity) = (guest.seat, guest.identity.clone());
    let signals = vec![(link("bo/2"), offer(1))];
    party.resume_as("bo", room::Resume { seat, identity, tracks: (2, bos), signals }).unwrap();
    assert_eq!(party.heard("bo"), ["off 1 on 0", "layers [false]"]);
    party.news("bo", News::Switched { off: vec![], on: vec![anns] });
    assert_eq!(party.heard("bo"), ["off 0 on 1"]);
}

#[test]
fn a_link_that_died_while_its_client_was_away_is_made_anew() {
    let mut party = two();
    party.act("bo", Command::Lose).unwrap();
    party.resume("bo", vec![]).unwrap();
    assert_eq!(party.media.take(), ["away", "close"]);
    let joined = &party.people["bo"].joined;
    assert_eq!((joined.links.len(), joined.links[0].wanted), (1, Some(1)));
}

#[test]
fn after_a_restart_everybody_makes_a_new_link() {
    let mut old = two();
    old.news("bo", placed(&old, "ann", "x1"));
    let mut party = Party::new(Limits::default());
    party.skip_ids(1_000);
    party.rooms.restore(party.now, old.rooms.save(old.now));
    party.people = old.people;
    for (name, was) in [("ann", "ann/1"), ("bo", "bo/2")] {
        let tracks = if name == "ann" { vec![draft("v cam")] } else { vec![] };
        let guest = &party.people[name].joined;
        let resume = room::Resume {
            seat: guest.seat,
            identity: guest.identity.clone(),
            tracks: (5, tracks),
            signals: vec![(link(was), offer(1))],
        };
        party.resume_as(name, resume).unwrap();
        let joined = &party.people[name].joined;
        assert_eq!(joined.subscribed.tracks.len(), 0);
        assert_eq!((joined.links.len(), joined.links[0].wanted, joined.links[0].server), (1, Some(1), true));
        let anew = joined.links[0].link.clone();
        party.signal(name, &anew, Step::Offer, 2);
    }
    party.media.check_settled();
    assert_eq!(party.media.peers.len(), 2);
}

#[test]
fn what_media_cannot_serve_is_put_out() {
    for why in [MediaRefusal::Description("It is none"), MediaRefusal::Codec, MediaRefusal::Flood] {
        let mut party = two();
        party.news_of("bo", &link("ann/1"), News::Refused(why));
        assert_eq!(party.heard("bo"), [] as [&str; 0], "that is not its link");
        party.news("bo", News::Refused(why));
        assert_eq!(party.heard("bo"), [format!("out: Refused({why:?})")]);
        assert_eq!(party.media.take(), ["close"]);
        party.news_of("bo", &link("bo/2"), News::Dead);
    }
}

#[test]
fn channels_carry_what_was_asked_for() {
    let mut party = party();
    party.join_with("ann", "den", &[], |join| join.channels = vec![Channel::Speaker]).unwrap();
    party.media.take();
    let say = |channel| Command::Say { channel, text: Sealed("hey".into()) };
    party.act("ann", say(Channel::Speaker)).unwrap();
    party.act("ann", say(Channel::Quality)).unwrap();
    assert_eq!(party.media.take(), ["say hey on Speaker"]);
    for channel in [Channel::Speaker, Channel::Quality] {
        party.news("ann", News::Opened(channel));
        party.news("ann", News::Said(channel, Sealed("ready".into())));
    }
    assert_eq!(party.heard("ann"), ["Speaker opened", "said ready on Speaker"]);
}

#[test]
fn everybody_hears_who_speaks_until_it_leaves() {
    let mut party = two();
    let (room, ann) = (party.people["ann"].joined.room, party.people["ann"].joined.me);
    party.report(Report::Speaker { room, who: Some(ann) });
    party.report(Report::Speaker { room, who: Some(ann) });
    let line = format!("speaker {:?}", Some(ann.0));
    assert_eq!((party.heard("ann"), party.heard("bo")), (vec![line.clone()], vec![line]));
    party.join("cy", "den", &[]).unwrap();
    assert_eq!(party.people["cy"].joined.speaker, Some(ann));
    party.act("ann", Command::Leave).unwrap();
    party.report(Report::Speaker { room, who: Some(ann) });
    assert_eq!(party.heard("bo")[1..], ["speaker None", "ann Left(Left) #2 [cam]"]);
    party.join("dee", "den", &[]).unwrap();
    assert_eq!(party.people["dee"].joined.speaker, None);
}

#[test]
fn nobody_speaks_when_nobody_is_heard_any_more() {
    let mut party = two();
    let (room, ann) = (party.people["ann"].joined.room, party.people["ann"].joined.me);
    party.report(Report::Speaker { room, who: Some(ann) });
    party.heard("bo");
    party.media.lose(room);
    party.report_lost();
    assert_eq!(party.heard("bo")[1], "speaker None");
}

#[test]
fn reports_reach_whom_they_are_about() {
    let mut party = two();
    let cam = cam_of(&party, "ann");
    let (off, on) = (vec![cam], vec![]);
    party.news("bo", News::Switched { off, on });
    party.news("bo", News::Quality(Quality::default()));
    party.news("ann", News::Layers { track: cam, needed: vec![true, false] });
    party.news("bo", News::Layers { track: cam, needed: vec![true, false] });
    assert_eq!(party.heard("bo"), ["off 1 on 0", "quality 0"]);
    assert_eq!(party.heard("ann"), ["layers [true, false]"]);
}

#[test]
fn only_what_is_received_can_be_hinted() {
    let mut party = two();
    let hint = |track| Hint { track, wish: Wish::Shown(false) };
    let hints = vec![hint(TrackId(999)), hint(cam_of(&party, "ann"))];
    party.act("bo", Command::Hint(hints.clone())).unwrap();
    party.act("ann", Command::Hint(hints.clone())).unwrap();
    assert_eq!(party.media.take(), ["hint [Shown(false)]"]);
    let many = vec![hints[1]; 1_000];
    party.act("bo", Command::Hint(many)).unwrap();
    assert_eq!(party.media.take(), [format!("hint {:?}", [Wish::Shown(false); 256])]);
    assert_eq!(party.owner(Command::Hint(hints)), Err(Refusal::NotPermitted));
}

#[test]
fn a_room_for_sound_takes_no_pictures() {
    let mut party = party();
    let sound = RoomOptions { audio_only: true, codecs: vec![], ..RoomOptions::default() };
    assert_eq!(party.set_kind("den", RoomKind::Go, sound.clone()), Err(Refusal::AudioOnlyNotServed));
    party.set_kind("den", RoomKind::Group, sound.clone()).unwrap();
    party.join("ann", "den", &["v cam", "a mic", "d chat"]).unwrap();
    let refused = |r: &Result<TrackId, TrackRefusal>| *r == Err(TrackRefusal::KindNotAllowed);
    let published = &party.people["ann"].joined.published.tracks;
    assert_eq!(published.iter().filter(|(_, r)| refused(r)).count(), 1);
    assert_eq!(party.media.take()[1], "publish [mic, chat]");
    party.join("bo", "yard", &["v cam"]).unwrap();
    party.set_kind("yard", RoomKind::Group, sound).unwrap();
    party.publish("bo", &["v cam", "v more"]);
    let cams = party.rooms.by_name("yard").unwrap().participants[0].tracks.clone();
    assert_eq!(count(&cams, Kind::Video), 2, "with pictures in it the room has to wait");
}

#[test]
fn of_very_many_tracks_the_newest_of_each_kind_are_received() {
    let mut party = party();
    let many: Vec<String> = (0..8).flat_map(|n| [format!("v cam{n}"), format!("a mic{n}")]).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for n in 0..9 {
        party.join(&format!("p{n}"), "den", &many).unwrap();
    }
    let last = party.people["p8"].joined.me;
    let asked = party.media.peers.iter().find(|((_, who), _)| *who == last).unwrap().1.subscribed.clone().unwrap();
    let newest = party.people["p7"].joined.published.tracks.last().unwrap().1.unwrap();
    assert_eq!((asked.len(), asked.last()), (100, Some(&newest)));
}

#[test]
fn who_receives_nothing_is_sent_nothing() {
    let mut party = two();
    party.join_with("cy", "den", &[], |join| join.rule = room::Rule::Nothing).unwrap();
    assert_eq!(party.media.take(), ["open cy/3 at 1", "publish []", "subscribe 0"]);
}

#[test]
fn reports_of_what_is_gone_change_nothing() {
    let mut party = two();
    let (room, bo) = (party.people["bo"].joined.room, party.people["bo"].joined.me);
    party.act("bo", Command::Leave).unwrap();
    party.heard("ann");
    for room in [room, room::RoomId(999)] {
        party.report(Report::Of { room, who: bo, link: link("bo/2"), news: News::Dead });
    }
    party.report(Report::Lost(room::RoomId(999)));
    party.report(Report::Speaker { room: room::RoomId(999), who: None });
    assert_eq!(party.heard("ann"), [] as [&str; 0]);
}

/// Whether the media server was told of these tracks last.
fn told_last(party: &mut Party, line: &str) -> bool {
    party.media.take().iter().rev().find(|order| order.starts_with("publish")).is_some_and(|order| order == line)
}

#[test]
fn what_an_app_does_at_once_is_taken_at_once_and_what_goes_on_has_a_pace() {
    let mut party = two();
    for turn in 0..LISTS_AT_ONCE {
        let tracks: &[&str] = if turn % 2 == 0 { &["v cam", "a mic", "v screen", "d chat"] } else { &["v cam"] };
        let Answer::Published(published) = party.publish("ann", tracks) else { panic!("no answer") };
        assert_eq!(published.tracks.len(), tracks.len(), "turn {turn}");
    }
    party.heard("ann");
    party.media.take();
    // Ten seconds of changes, 25 a second.
    let (mut orders, mut told) = (0, 0);
    for turn in 0..250 {
        party.publish("ann", if turn % 2 == 0 { &["v cam", "a mic"] } else { &["v cam"] });
        party.pass(Duration::from_millis(40));
        orders += party.media.take().iter().filter(|order| order.starts_with("publish")).count();
        told += party.heard("bo").len();
    }
    let most = usize::try_from(10_000 / LIST_EVERY.as_millis()).unwrap() + 1;
    assert!((2..=most).contains(&orders), "{orders} orders");
    assert!(told <= LISTS_AT_ONCE as usize + most, "bo heard {told} times");
}

#[test]
fn of_lists_that_wait_the_newest_is_taken_and_its_publisher_hears_of_it() {
    let mut party = two();
    for turn in 0..LISTS_AT_ONCE {
        party.publish("ann", if turn % 2 == 0 { &["v cam", "a mic"] } else { &["v cam"] });
    }
    assert!(told_last(&mut party, "publish [cam]"));
    party.heard("ann");
    party.publish("ann", &["v cam", "v one"]);
    let newest = party.people["ann"].list_revision + 1;
    let Answer::Published(published) = party.publish("ann", &["v cam", "v two", "v three"]) else { panic!("no answer") };
    assert_eq!(published.tracks.len(), 1, "they wait");
    party.act("ann", Command::Publish { revision: newest - 1, tracks: Vec::new() }).unwrap();
    assert_eq!((party.media.take().len(), party.heard("ann").len()), (0, 0));
    party.pass(LIST_EVERY);
    assert!(told_last(&mut party, "publish [cam, two, three]"));
    let heard = party.heard("ann");
    assert!(heard.len() == 1 && heard[0].starts_with("published 3 at "), "{heard:?}");
    party.pass(SECOND * 3600);
    assert_eq!((party.media.take().len(), party.heard("ann").len()), (0, 0), "nothing waits any more");
}

#[test]
fn a_list_that_waits_is_taken_while_its_publisher_is_away() {
    let mut party = two();
    for turn in 0..=LISTS_AT_ONCE {
        party.publish("ann", if turn % 2 == 0 { &["v cam", "a mic"] } else { &["v cam"] });
    }
    party.act("ann", Command::Lose).unwrap();
    party.pass(LIST_EVERY);
    assert!(told_last(&mut party, "publish [cam, mic]"));
}
