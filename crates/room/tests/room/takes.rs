//! Recordings of tracks: which by rules, what the media server is asked for, and what everybody hears of that.

use std::time::Duration;

use room::{
    Command, Fact, Kind, Limits, LinkId, MemberAct, News, Outcome, Part, Permissions, RecordNews, RecordedCodec, RecordingId,
    Refusal, Report, Resume, RoomId, RoomKind, RoomOptions, Rule, RuleLine, Signal, Step, Target, Which, Whom, WhyStopped, limit,
};

use crate::party::{Party, offer};
use crate::stage::{hush, id, member, mix, part};

const SECOND: Duration = Duration::from_secs(1);
const NOTHING: [&str; 0] = [];

/// A room in which what this rule takes is recorded from the beginning.
fn party(record: Rule) -> Party {
    party_of(RoomKind::Group, record)
}

fn party_of(kind: RoomKind, record: Rule) -> Party {
    let mut party = Party::new(Limits { kind, ..Limits::default() });
    party.set_kind("den", kind, RoomOptions { record, ..RoomOptions::default() }).expect("set");
    party
}

fn line(include: bool) -> RuleLine {
    RuleLine { include, publisher: None, track: None, kind: None, priority: None }
}

fn listed(lines: &[RuleLine]) -> Rule {
    Rule::Listed(lines.into())
}

pub fn set(party: &mut Party, rules: Rule) -> Result<(), Refusal> {
    let room = party.rooms.by_name("den").map_or(RoomId(0), |room| room.id);
    party.owner(Command::SetRecordRules { room, rules }).map(drop)
}

/// What of the tracks of `name` is recorded: the recording and the name of the track.
pub fn takes(party: &Party, name: &str) -> Vec<(RecordingId, String)> {
    let joined = &party.people[name].joined;
    let Some(peer) = party.media.peers.get(&(joined.room, joined.me)) else { return Vec::new() };
    let name = |take: &room::Take| {
        let track = peer.tracks.iter().flatten().find(|track| track.id == take.track).expect("published");
        (take.recording, track.name.to_string())
    };
    peer.takes.iter().map(name).collect()
}

pub fn taken(party: &Party, name: &str) -> Vec<String> {
    takes(party, name).into_iter().map(|(_, track)| track).collect()
}

pub fn ended(why: WhyStopped) -> RecordNews {
    let codec = (why != WhyStopped::NoMedia).then_some(RecordedCodec::Vp8);
    let (duration, offset) = (SECOND * 7, SECOND * 1_000);
    RecordNews::Ended(Outcome { duration, bytes: 9, offset, codec, why })
}

pub fn report(party: &mut Party, recording: RecordingId, news: RecordNews) {
    let room = party.people.values().next().expect("somebody").joined.room;
    party.report(Report::Recorded { room, recording, news });
}

pub fn words(party: &mut Party) -> Vec<String> {
    let word = |fact: Fact| match fact {
        Fact::RecordingBegan { recording, .. } => Some(match recording.source {
            Some((who, track)) => format!("{} of {} began", track.name, who.identity),
            None => "the mix began".into(),
        }),
        Fact::RecordingFlows { codec, .. } => Some(format!("flows in {codec:?}")),
        Fact::RecordingEnded { outcome, .. } => Some(format!("ended: {:?}", outcome.why)),
        Fact::TrackAdded { track, .. } => Some(format!("+{}", track.name)),
        Fact::TrackRemoved { track, .. } => Some(format!("-{}", track.name)),
        Fact::RoomEnded { .. } => Some("the room ended".into()),
        _ => None,
    };
    std::mem::take(&mut party.facts).into_iter().filter_map(word).collect()
}

#[test]
fn nothing_is_recorded_unless_somebody_says_so() {
    let mut party = party(RoomOptions::default().record);
    party.join("ann", "den", &["v cam", "a mic"]).unwrap();
    assert_eq!(party.media.take(), ["open ann/1 at 1", "publish [cam, mic]", "subscribe 0"]);
    assert!(!party.people["ann"].joined.recording.on);
    assert!(!party.rooms.by_name("den").unwrap().recording);
}

#[test]
fn what_the_rule_takes_is_recorded_from_when_it_is_published() {
    let mut party = party(Rule::All);
    party.join("ann", "den", &["v cam", "a mic", "d chat"]).unwrap();
    assert_eq!(party.media.take(), ["open ann/1 at 1", "publish [cam, mic, chat]", "subscribe 0", "record 2"]);
    assert_eq!(words(&mut party), ["+cam", "+mic", "+chat", "cam of ann began", "mic of ann began"]);
    let before = takes(&party, "ann");
    party.publish("ann", &["a mic off", "v door"]);
    let after = takes(&party, "ann");
    assert_eq!(taken(&party, "ann"), ["mic", "door"]);
    assert_eq!(after[0], before[1], "what is muted goes on");
    assert_eq!(words(&mut party), ["-cam", "-chat", "+door", "door of ann began"]);
    party.join("bo", "den", &[]).unwrap();
    party.media.take();
    party.act("ann", Command::Leave).unwrap();
    assert_eq!(party.media.take(), ["close", "subscribe 0"], "a recording ends with its link");
    let began = RecordNews::Began { codec: RecordedCodec::Vp8, offset: SECOND };
    report(&mut party, before[0].0, began);
    report(&mut party, before[0].0, ended(WhyStopped::Stopped));
    party.act("bo", Command::Leave).unwrap();
    report(&mut party, after[1].0, ended(WhyStopped::NoMedia));
    assert_eq!(
        words(&mut party),
        ["-mic", "-door", "flows in Vp8", "ended: Stopped", "the room ended", "ended: NoMedia"],
        "the history hears of it however late"
    );
}

#[test]
fn rules_are_lists_that_begin_with_nothing() {
    let check = |lines: &[RuleLine], on: bool, ann: &[&str], bo: &[&str]| {
        let mut party = party(Rule::Nothing);
        party.join("ann", "den", &["a mic", "v cam"]).unwrap();
        party.join("bo", "den", &["a mic", "v cam", "d chat"]).unwrap();
        set(&mut party, listed(lines)).unwrap();
        assert_eq!((taken(&party, "ann"), taken(&party, "bo")), (owned(ann), owned(bo)), "{lines:?}");
        let room = party.rooms.by_name("den").unwrap();
        assert_eq!((room.recording, room.options.record), (on, listed(lines)));
    };
    let by = |identity: &str| Some(Whom::Identity(identity.into()));
    let (all, none) = (line(true), line(false));
    let bos = RuleLine { publisher: by("bo"), ..line(true) };
    let sound = RuleLine { kind: Some(Kind::Audio), ..line(true) };
    let no_cam = RuleLine { track: Some(Which::Name("cam".into())), ..line(false) };
    let chat = RuleLine { track: Some(Which::Name("chat".into())), ..line(true) };
    check(&[], false, &[], &[]);
    check(std::slice::from_ref(&all), true, &["mic", "cam"], &["mic", "cam"]);
    check(std::slice::from_ref(&none), false, &[], &[]);
    check(&[all.clone(), none.clone()], false, &[], &[]);
    check(&[all, no_cam.clone()], true, &["mic"], &["mic"]);
    check(&[none, bos.clone()], true, &[], &["mic", "cam"]);
    check(&[bos, no_cam, sound], true, &["mic"], &["mic"]);
    check(&[chat], false, &[], &[]);
}

pub fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn rules_that_change_start_and_stop_at_once_and_everybody_is_told() {
    let mut party = party(Rule::Nothing);
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    party.media.take();
    assert_eq!(party.people["bo"].joined.recording.revision, 1);
    set(&mut party, Rule::All).unwrap();
    assert_eq!(party.media.take(), ["record 1"]);
    for who in ["ann", "bo"] {
        assert_eq!(party.heard(who).last().map(String::as_str), Some("recording #2 on"));
    }
    let first = takes(&party, "ann");
    set(&mut party, listed(&[line(true)])).unwrap();
    assert_eq!((party.media.take(), takes(&party, "ann")), (vec![], first.clone()), "what stays goes on as it is");
    set(&mut party, Rule::Nothing).unwrap();
    assert_eq!((party.media.take(), party.heard("bo")), (owned(&["record 0"]), owned(&["recording #3 off"])));
    set(&mut party, Rule::All).unwrap();
    assert_ne!(takes(&party, "ann"), first, "another file");
    party.join("cy", "den", &[]).unwrap();
    let told = party.people["cy"].joined.recording;
    assert_eq!((told.revision, told.on), (4, true));
}

#[test]
fn rules_are_for_the_owner_of_rooms_that_the_server_serves() {
    let mut party = party(Rule::Nothing);
    assert_eq!(set(&mut party, Rule::All), Err(Refusal::RoomNotFound));
    party.join("ann", "den", &[]).unwrap();
    let room = party.rooms.by_name("den").unwrap().id;
    let own = party.act("ann", Command::SetRecordRules { room, rules: Rule::All });
    assert_eq!(own, Err(Refusal::NotPermitted));
    let long = vec![line(true); limit::RULE_LINES_MAX + 1];
    assert_eq!(set(&mut party, listed(&long)), Err(Refusal::Malformed));
    let mut mesh = Party::new(Limits::default());
    mesh.join("ann", "den", &["v cam"]).unwrap();
    assert_eq!(set(&mut mesh, Rule::All), Err(Refusal::NoRules));
}

#[test]
fn a_room_of_another_kind_records_what_it_recorded() {
    let mut party = party(Rule::All);
    party.join("ann", "den", &["v cam"]).unwrap();
    party.set_kind("den", RoomKind::GroupSmall, RoomOptions::default()).unwrap();
    let room = party.rooms.by_name("den").unwrap();
    assert_eq!((room.kind, room.options.record), (RoomKind::GroupSmall, Rule::All));
}

#[test]
fn a_room_that_begins_with_rules_is_recorded_from_its_first_participant_on() {
    let mut party = Party::new(Limits::default());
    let options = RoomOptions { record: Rule::All, ..RoomOptions::default() };
    party.set_kind("den", RoomKind::Auto, options).unwrap();
    party.join("ann", "den", &["v cam"]).unwrap();
    assert_eq!(taken(&party, "ann"), ["cam"], "by the link that it has prepared");
    assert!(party.rooms.by_name("den").unwrap().recording);
    party.join("bo", "den", &["v cam"]).unwrap();
    assert_eq!(taken(&party, "bo"), ["cam"]);
    assert!(party.people["bo"].joined.recording.on);
}

#[test]
fn rules_that_came_right_before_a_crash_are_followed_after_it() {
    let mut party = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    let mut saved = party.rooms.save(party.now);
    assert!(!saved[0].served && !saved[0].links.is_empty());
    saved[0].options.record = Rule::All;
    let mut anew = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
    anew.skip_ids(1_000);
    anew.restore(saved);
    anew.people = party.people;
    anew.resume("ann", vec![]).unwrap();
    let link = anew.people["ann"].joined.links[0].clone();
    assert_eq!((anew.people["ann"].joined.links.len(), link.server, link.wanted), (1, true, Some(1)));
    assert!(anew.people["ann"].joined.recording.on);
    anew.signal("ann", &link.link, Step::Offer, 2);
    assert_eq!(taken(&anew, "ann"), ["cam"]);
}

#[test]
fn who_does_not_reach_the_server_is_told_that_nothing_is_recorded() {
    let mut party = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
    let warned = |join: &mut room::Join| join.part = Part { warned: true, ..Part::default() };
    party.join_with("ann", "den", &["v cam", "a mic"], warned).unwrap();
    party.join_with("bo", "den", &["v cam"], warned).unwrap();
    set(&mut party, Rule::All).unwrap();
    let mut links = Vec::new();
    for who in ["ann", "bo"] {
        let heard = party.heard(who);
        let asked = heard.iter().find_map(|line| line.strip_prefix("offer wanted after 1 on ")).expect("asked");
        let link = LinkId(asked.strip_suffix(" by the server").unwrap().into());
        party.signal(who, &link, Step::Offer, 2);
        links.push(link);
    }
    party.news("bo", News::Connected);
    party.heard("ann");
    party.heard("bo");
    party.pass(limit::MOVE_TIMEOUT - SECOND);
    assert_eq!(party.heard("ann"), NOTHING);
    party.pass(SECOND);
    assert_eq!((party.heard("ann"), party.heard("bo")), (owned(&["silent #1 [true, true]"]), vec![]));
    // Whoever comes now has as long as everybody had.
    party.join_with("cy", "den", &["v cam"], warned).unwrap();
    let silent = |party: &mut Party| party.heard("cy").into_iter().filter(|line| line.starts_with("silent")).collect::<Vec<_>>();
    assert_eq!(silent(&mut party), NOTHING);
    party.pass(limit::MOVE_TIMEOUT - SECOND);
    assert_eq!(silent(&mut party), NOTHING);
    party.pass(SECOND);
    assert_eq!(silent(&mut party), ["silent #1 [true]"]);
    party.news("ann", News::Connected);
    assert_eq!(party.heard("ann").last().map(String::as_str), Some("silent #2 [false, false]"));
}

#[test]
fn a_mesh_moves_to_the_server_to_be_recorded() {
    let mut party = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
    party.join("ann", "den", &["v cam"]).unwrap();
    party.join("bo", "den", &[]).unwrap();
    party.heard("ann");
    set(&mut party, Rule::Nothing).unwrap();
    assert_eq!(party.heard("ann"), [] as [&str; 0], "nothing to record is no reason to move");
    set(&mut party, Rule::All).unwrap();
    for who in ["ann", "bo"] {
        let heard = party.heard(who);
        let asked = heard.iter().find_map(|line| line.strip_prefix("offer wanted after 1 on ")).expect("asked");
        let link = LinkId(asked.strip_suffix(" by the server").unwrap().into());
        assert!(heard.contains(&"recording #2 on".to_owned()), "{heard:?}");
        party.signal(who, &link, Step::Offer, 2);
    }
    assert_eq!(taken(&party, "ann"), ["cam"]);
    set(&mut party, Rule::Nothing).unwrap();
    assert_eq!(taken(&party, "ann"), [] as [&str; 0]);
    assert_eq!(party.heard("bo").last().map(String::as_str), Some("recording #3 off"));
}

#[test]
fn somebody_alone_is_recorded_too() {
    let mut party = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
    party.join("ann", "den", &["v cam"]).unwrap();
    set(&mut party, Rule::All).unwrap();
    let heard = party.heard("ann");
    let asked = heard.iter().find_map(|line| line.strip_prefix("offer wanted after 1 on ")).expect("asked");
    let link = LinkId(asked.strip_suffix(" by the server").unwrap().into());
    party.signal("ann", &link, Step::Offer, 2);
    assert_eq!(taken(&party, "ann"), ["cam"]);
}

#[test]
fn with_a_new_link_begins_a_new_recording() {
    let mut party = party(Rule::All);
    party.join("ann", "den", &["v cam"]).unwrap();
    let first = takes(&party, "ann");
    party.news("ann", News::Dead);
    assert_eq!(takes(&party, "ann"), []);
    offer_again(&mut party, "ann");
    let second = takes(&party, "ann");
    assert_ne!(first, second);
    let room = party.people["ann"].joined.room;
    party.media.lose(room);
    party.report_lost();
    assert_eq!(takes(&party, "ann"), []);
    offer_again(&mut party, "ann");
    let third = takes(&party, "ann");
    assert!(taken(&party, "ann") == ["cam"] && third != second && third != first);
    assert!(party.rooms.by_name("den").unwrap().recording, "that is nothing to tell anybody");
    party.act("ann", Command::Lose).unwrap();
    assert_eq!(takes(&party, "ann"), third, "whoever lost its connection may still send");
}

/// Offers on the link that was asked for last.
pub fn offer_again(party: &mut Party, who: &str) {
    let heard = party.heard(who);
    let asked = heard.iter().rev().find_map(|line| line.strip_prefix("offer wanted after 1 on ")).expect("asked");
    let link = LinkId(asked.strip_suffix(" by the server").expect("of the server").into());
    party.signal(who, &link, Step::Offer, 2);
}

#[test]
fn what_failed_is_tried_again_later_or_when_rules_are_set() {
    let mut party = party(Rule::All);
    party.join("ann", "den", &["v cam"]).unwrap();
    party.media.take();
    let fail = |party: &mut Party| {
        let (id, _) = takes(party, "ann")[0].clone();
        report(party, id, ended(WhyStopped::Disk));
        assert_eq!((party.media.take(), takes(party, "ann")), (owned(&["record 0"]), vec![]));
        id
    };
    let first = fail(&mut party);
    party.pass(limit::RETAKE_AFTER - SECOND);
    assert_eq!(party.media.take(), NOTHING, "not again and again");
    party.pass(SECOND);
    assert_eq!(party.media.take(), ["record 1"]);
    assert_ne!(takes(&party, "ann")[0].0, first);
    fail(&mut party);
    set(&mut party, Rule::All).unwrap();
    assert_eq!(party.media.take(), ["record 1"]);
}

#[test]
fn a_room_of_which_all_recordings_failed_is_not_recorded() {
    for kind in [RoomKind::Group, RoomKind::Auto] {
        let mut party = party_of(kind, Rule::All);
        party.join("bo", "den", &[]).unwrap();
        party.join("ann", "den", &["a mic", "v cam"]).unwrap();
        let on = |party: &Party| party.rooms.by_name("den").unwrap().recording;
        let waits = |party: &Party| party.rooms.by_name("den").unwrap().recording_waits;
        let [sound, pictures] = [0, 1].map(|n| takes(&party, "ann")[n].0);
        party.heard("bo");
        report(&mut party, sound, ended(WhyStopped::Disk));
        assert!(on(&party) && !waits(&party), "{kind:?}: the pictures are");
        report(&mut party, pictures, ended(WhyStopped::Disk));
        assert!(!on(&party) && waits(&party), "{kind:?}");
        let heard = party.heard("bo");
        assert!(heard.iter().any(|line| line.starts_with("recording") && line.ends_with("off")), "{kind:?}: {heard:?}");
        words(&mut party);
        for _ in 0..3 {
            party.pass(limit::RETAKE_AFTER);
            assert_eq!(takes(&party, "ann").len(), 2, "{kind:?}: they are tried again");
            assert!(!on(&party) && waits(&party), "{kind:?}: and nobody knows yet whether that helps");
            for (id, _) in takes(&party, "ann") {
                report(&mut party, id, refused());
            }
            assert!(!on(&party) && waits(&party), "{kind:?}");
        }
        assert_eq!(party.heard("bo"), NOTHING, "{kind:?}: nobody is told of trials");
        assert!(words(&mut party).iter().all(|word| !word.contains("began")), "{kind:?}: nor is the history");
        set(&mut party, Rule::Nothing).unwrap();
        assert!(!on(&party) && !waits(&party), "{kind:?}: it is off");
        party.pass(2 * limit::RETAKE_AFTER);
        assert!(!on(&party) && takes(&party, "ann").is_empty(), "{kind:?}: and stays so");
    }
}

/// The disk had no room for anything.
fn refused() -> RecordNews {
    let (duration, offset) = (Duration::ZERO, Duration::ZERO);
    RecordNews::Ended(Outcome { duration, bytes: 0, offset, codec: None, why: WhyStopped::Disk })
}

/// Ann's camera failed, and is tried again.
fn tried_again() -> Party {
    let mut party = party(Rule::All);
    party.join("bo", "den", &[]).expect("a seat");
    party.join("ann", "den", &["v cam"]).expect("a seat");
    let id = takes(&party, "ann")[0].0;
    report(&mut party, id, ended(WhyStopped::Disk));
    party.pass(limit::RETAKE_AFTER);
    words(&mut party);
    party.heard("bo");
    party
}

#[test]
fn what_is_tried_again_is_a_recording_from_its_first_media_on() {
    let began = RecordNews::Began { codec: RecordedCodec::Vp8, offset: SECOND };
    let mut party = tried_again();
    let id = takes(&party, "ann")[0].0;
    report(&mut party, id, began.clone());
    assert_eq!(words(&mut party), ["cam of ann began", "flows in Vp8"]);
    assert_eq!(party.heard("bo"), ["recording #4 on"]);
    assert!(!party.rooms.by_name("den").unwrap().recording_waits);
    report(&mut party, id, ended(WhyStopped::Stopped));
    assert_eq!(words(&mut party), ["ended: Stopped"], "once");

    let mut party = tried_again();
    let id = takes(&party, "ann")[0].0;
    party.act("ann", Command::Leave).unwrap();
    report(&mut party, id, began);
    assert_eq!(words(&mut party), ["-cam", "cam of ann began", "flows in Vp8"], "also when whoever sent it is gone");

    let mut party = tried_again();
    let room = party.people["ann"].joined.room;
    party.owner(Command::EndRoom(room)).unwrap();
    assert_eq!(words(&mut party), ["-cam", "cam of ann began", "the room ended"], "what comes after that is known");
}

#[test]
fn a_room_waits_for_the_disk_only_where_that_was_the_reason() {
    for why in [WhyStopped::Overloaded, WhyStopped::CutOff, WhyStopped::NoMedia] {
        let mut party = party(Rule::All);
        party.join("ann", "den", &["v cam"]).unwrap();
        let id = takes(&party, "ann")[0].0;
        report(&mut party, id, ended(why));
        let room = party.rooms.by_name("den").unwrap();
        assert_eq!((room.recording, room.recording_waits), (false, false), "{why:?}");
    }
}

#[test]
fn a_room_is_recorded_from_its_first_recorded_track_to_its_last() {
    let told = |party: &mut Party| {
        let heard = party.heard("bo");
        heard.into_iter().filter(|line| line.starts_with("recording")).collect::<Vec<_>>()
    };
    let mut party = party(Rule::Nothing);
    party.join("bo", "den", &[]).unwrap();
    party.join("ann", "den", &["a mic"]).unwrap();
    assert_eq!(told(&mut party), NOTHING);
    set(&mut party, listed(&[RuleLine { kind: Some(Kind::Video), ..line(true) }])).unwrap();
    assert_eq!(told(&mut party), NOTHING, "there is no picture");
    party.publish("ann", &["a mic", "v cam"]);
    assert_eq!(told(&mut party), ["recording #2 on"]);
    party.join("cy", "den", &["v cam"]).unwrap();
    assert!(party.people["cy"].joined.recording.on);
    party.publish("ann", &["a mic", "d chat"]);
    assert_eq!(told(&mut party), NOTHING, "there is another");
    party.act("cy", Command::Leave).unwrap();
    assert_eq!(told(&mut party), ["recording #3 off"]);
    party.join("dan", "den", &["v cam"]).unwrap();
    assert!(party.people["dan"].joined.recording.on, "with tracks at once");
    assert_eq!(told(&mut party), ["recording #4 on"]);
}

#[test]
fn who_sends_nothing_is_told_if_it_asked_for_that() {
    let mut party = party(Rule::All);
    let warned = |join: &mut room::Join| join.part = Part { warned: true, ..Part::default() };
    party.join_with("ann", "den", &["v cam", "a mic"], warned).unwrap();
    party.join("bo", "den", &["v cam"]).unwrap();
    hush(&mut party);
    let [(cam, _), (mic, _)] = takes(&party, "ann")[..] else { panic!("two") };
    let bos = takes(&party, "bo")[0].0;
    report(&mut party, bos, RecordNews::Silent(true));
    report(&mut party, cam, RecordNews::Silent(true));
    report(&mut party, cam, RecordNews::Silent(true));
    assert_eq!((party.heard("ann"), party.heard("bo")), (owned(&["silent #1 [true]"]), vec![]));
    party.publish("ann", &["v cam off", "a mic"]);
    assert_eq!(party.heard("ann"), ["silent #2 [false]"], "of who is muted nothing should come");
    party.publish("ann", &["v cam", "a mic"]);
    report(&mut party, mic, RecordNews::Silent(true));
    assert_eq!(party.heard("ann"), ["silent #3 [true]", "silent #4 [true, true]"]);
    party.act("ann", Command::Lose).unwrap();
    report(&mut party, cam, RecordNews::Silent(false));
    let link = party.people["ann"].joined.links[0].link.clone();
    let signal = Signal { step: Step::Offer, ..offer(1) };
    let tracks = (9, vec![crate::party::draft("v cam"), crate::party::draft("a mic")]);
    let (seat, identity) = (party.seat_key("ann"), "ann".into());
    party.resume_as("ann", Resume { seat, identity, tracks, signals: vec![(link, signal)] }).unwrap();
    assert_eq!(party.heard("ann"), ["silent #5 [false, true]"], "what it missed");
    set(&mut party, Rule::Nothing).unwrap();
    assert_eq!(party.heard("ann"), ["silent #6 [false, false]", "recording #3 off"]);
    report(&mut party, mic, RecordNews::Silent(false));
    assert_eq!(party.heard("ann"), NOTHING);
}

#[test]
fn what_somebody_keeps_from_everybody_is_not_recorded() {
    let mut party = Party::new(Limits { kind: RoomKind::Group, ..Limits::default() });
    mix(&mut party, "mo", Permissions::ALL, part()).unwrap();
    party.join("tess", "den", &["v cam", "a mic"]).unwrap();
    set(&mut party, Rule::All).unwrap();
    assert_eq!((taken(&party, "tess"), taken(&party, "mo")), (owned(&["cam", "mic"]), owned(&["mic", "cam"])));
    let tess = id(&party, "tess");
    member(&mut party, "mo", Target::One(tess), MemberAct::MuteVideo(true)).unwrap();
    member(&mut party, "mo", Target::Me, MemberAct::MuteVideo(true)).unwrap();
    assert_eq!(
        (taken(&party, "tess"), taken(&party, "mo")),
        (owned(&["mic"]), owned(&["mic", "cam"])),
        "who mutes itself stops to send"
    );
    member(&mut party, "mo", Target::One(tess), MemberAct::MuteVideo(false)).unwrap();
    assert_eq!(taken(&party, "tess"), ["cam", "mic"]);
}
