//! Rooms in which somebody receives one picture and one sound of all: who may change what of it, and what everybody hears of that.

use std::sync::Arc;
use std::time::Duration;

use room::{
    Answer, Canvas, Command, Definition, Event, LayoutName, Limits, LinkId, MediaAllowed, MemberAct, MetaChange, News, Part,
    ParticipantId, Permission, Permissions, Position, Question, Refusal, Report, Resume, Rights, Role, RoomKind, RoomOptions,
    Sealed, StageAct, StageSettings, Step, Target, Terms, View,
};

use crate::party::{Party, offer};

const SECOND: Duration = Duration::from_secs(1);

/// Everything that a member may do with itself.
pub fn guest() -> Permissions {
    Permission::ALL.into_iter().take(15).collect()
}

pub fn definition() -> Definition {
    Definition {
        kind: RoomKind::Group,
        options: RoomOptions::default(),
        terms: Terms::made(RoomKind::Group),
        stage: StageSettings { tones: true, ..StageSettings::default() },
        opens: None,
        closes: None,
        ends: None,
        memo: Sealed::default(),
    }
}

pub fn part() -> Part {
    Part { view: View::Mix, shares_name: true, makes: Some(Box::new(definition())), ..Part::default() }
}

/// `name` joins `den` to receive the mix.
pub fn mix(party: &mut Party, name: &str, permissions: Permissions, part: Part) -> Result<(), Refusal> {
    let publish = part.role != Role::Audience;
    let tracks: &[&str] = if publish { &["a mic", "v cam"] } else { &[] };
    party.join_with(name, "den", tracks, |join| {
        join.rights = Rights { publish, permissions, ..Rights::default() };
        join.part = part;
    })
}

/// Mo may do everything, gus what guests may.
fn two() -> Party {
    let mut party = Party::new(Limits::default());
    mix(&mut party, "mo", Permissions::ALL, part()).expect("a seat");
    mix(&mut party, "gus", guest(), part()).expect("a seat");
    hush(&mut party);
    party
}

/// Forgets what was heard so far.
pub fn hush(party: &mut Party) {
    party.people.values_mut().for_each(|guest| guest.heard.clear());
    party.media.take();
}

pub fn id(party: &Party, name: &str) -> ParticipantId {
    party.people[name].joined.me
}

pub fn member(party: &mut Party, who: &str, target: Target, act: MemberAct) -> Result<(), Refusal> {
    party.act(who, Command::Member(target, act)).map(drop)
}

pub fn seen(party: &Party, who: &str) -> Arc<room::Snapshot> {
    let me = id(party, who);
    let room = party.rooms.by_name("den").expect("in progress");
    room.participants.into_iter().find(|one| one.id == me).expect("inside")
}

#[test]
fn members_see_each_other_come_and_go_and_the_mix_with_them() {
    let mut party = Party::new(Limits::default());
    mix(&mut party, "mo", Permissions::ALL, part()).unwrap();
    assert_eq!(
        party.media.take(),
        ["open mo/1 at 1", "publish [mic, cam]", "scene of 1"],
        "who receives the mix is sent nothing else"
    );
    mix(&mut party, "gus", guest(), part()).unwrap();
    let came = ["1280x720 at 20", "gus Joined #1 [mic, cam]", "layout GridResponsive of 2"];
    assert_eq!(party.heard("mo"), came);
    assert_eq!(party.heard("gus"), ["640x360 at 20"], "the answer says all the rest");
    let gus = &party.people["gus"].joined;
    assert_eq!((gus.others.len(), gus.layout.places.len(), gus.own.member.visible), (1, 2, true));
    party.act("gus", Command::Leave).unwrap();
    assert_eq!(party.heard("mo"), ["gus Left(Left) #2 [mic, cam]", "layout GridResponsive of 1"]);
    let scene = &party.media.scenes[&party.people["mo"].joined.room];
    assert_eq!((scene.entries, scene.exits), (2, 1));
    party.act("mo", Command::Leave).unwrap();
    assert_eq!(party.rooms.rooms().count(), 1, "by its terms it stays for a while");
}

#[test]
fn permissions_are_asked_for_exactly() {
    use MemberAct as M;
    use Permission as P;
    let check = |has: &[Permission], own: bool, act: MemberAct, expected: Result<(), Refusal>| {
        let mut party = two();
        mix(&mut party, "al", has.iter().copied().collect(), part()).unwrap();
        let target = if own { Target::Me } else { Target::One(id(&party, "gus")) };
        assert_eq!(member(&mut party, "al", target, act.clone()), expected, "{has:?} {act:?}");
    };
    let no = Err(Refusal::NotPermitted);
    check(&[P::SelfMuteAudio], true, M::MuteAudio(true), Ok(()));
    check(&[P::SelfMuteAudio], true, M::MuteAudio(false), no);
    check(&[P::SelfMuteAudio], false, M::MuteAudio(true), no);
    check(&[P::MuteAudio], false, M::MuteAudio(true), Ok(()));
    check(&[P::MuteAudio], false, M::MuteAudio(false), no);
    check(&[P::UnmuteAudio], false, M::MuteAudio(false), Ok(()));
    check(&[P::MuteVideo], false, M::MuteVideo(true), Ok(()));
    check(&[P::MuteAudio], false, M::MuteVideo(true), no);
    check(&[P::RaiseHand], true, M::RaiseHand(true), Ok(()));
    check(&[P::RaiseHand], true, M::RaiseHand(false), no);
    check(&[P::Remove], false, M::Remove, Ok(()));
    check(&[P::SelfDeaf, P::SelfMeta], false, M::Remove, no);
    check(&[P::SelfInputVolume], false, M::InputVolume(3), no);
    check(&[P::Position], false, M::Place(Position::OffCanvas), Ok(()));
    check(&[], true, M::Sensitivity(3), no);
}

#[test]
fn what_is_not_permitted_is_not_looked_for() {
    let mut party = two();
    let nobody = Target::One(ParticipantId(99_999));
    assert_eq!(member(&mut party, "gus", nobody, MemberAct::MuteAudio(true)), Err(Refusal::NotPermitted));
    assert_eq!(member(&mut party, "mo", nobody, MemberAct::MuteAudio(true)), Err(Refusal::ParticipantNotFound));
    assert_eq!(member(&mut party, "gus", Target::All, MemberAct::MuteAudio(true)), Err(Refusal::NotPermitted));
    assert_eq!(party.act("gus", Command::Stage(StageAct::Lock(true))).map(drop), Err(Refusal::NotPermitted));
    assert_eq!(party.act("gus", Command::Ask(Question::Layouts)).map(drop), Err(Refusal::NotPermitted));
    assert!(matches!(party.act("gus", Command::Ask(Question::Stage)), Ok(Answer::Stage(_, all)) if all.len() == 2));
    assert_eq!(party.act("mo", Command::Ask(Question::Member(nobody))).map(drop), Err(Refusal::ParticipantNotFound));
    assert_eq!(party.heard("gus"), [] as [&str; 0]);
}

#[test]
fn a_mute_is_seen_by_all_and_holds_until_somebody_may_take_it_back() {
    let mut party = two();
    party.join("tess", "den", &["a mic", "v cam"]).unwrap();
    hush(&mut party);
    let gus = Target::One(id(&party, "gus"));
    member(&mut party, "mo", gus, MemberAct::MuteVideo(true)).unwrap();
    assert_eq!(party.heard("gus"), ["gus: [VideoMuted, Visible]"]);
    assert_eq!(party.heard("mo"), ["gus Tracks #3 [mic, cam off]", "gus: [VideoMuted, Visible]"]);
    assert_eq!(party.heard("tess"), ["gus Tracks #3 [mic, cam off]"]);
    assert_eq!(party.media.take(), ["publish [mic, cam off]", "subscribe 3", "scene of 3"], "tess receives it no more");
    party.publish("gus", &["a mic", "v cam high"]);
    assert!(!seen(&party, "gus").tracks[1].enabled, "the client's word does not count");
    member(&mut party, "gus", Target::Me, MemberAct::MuteVideo(false)).unwrap();
    assert!(seen(&party, "gus").tracks[1].enabled && seen(&party, "gus").member.visible);
    hush(&mut party);
    member(&mut party, "gus", Target::Me, MemberAct::MuteVideo(true)).unwrap();
    assert_eq!(party.media.take(), ["publish [mic, cam off]", "scene of 3"], "its own client sends nothing");
    member(&mut party, "mo", gus, MemberAct::MuteVideo(true)).unwrap();
    assert_eq!(party.media.take(), ["subscribe 3"], "and shall not");
    member(&mut party, "gus", Target::Me, MemberAct::MuteVideo(false)).unwrap();
    hush(&mut party);
    member(&mut party, "mo", Target::All, MemberAct::MuteAudio(true)).unwrap();
    let scene = &party.media.scenes[&party.people["mo"].joined.room];
    assert_eq!((scene.cells.len(), scene.voices.len()), (3, 0), "who receives tracks is muted too");
    assert!(party.heard("tess").iter().any(|line| line.starts_with("mo Tracks")));
    member(&mut party, "mo", Target::All, MemberAct::MuteAudio(false)).unwrap();
    assert_eq!(party.media.scenes[&party.people["mo"].joined.room].voices.len(), 3);
}

#[test]
fn who_receives_tracks_counts_as_muted_when_nothing_comes() {
    let mut party = two();
    party.join("tess", "den", &["a mic", "v cam"]).unwrap();
    hush(&mut party);
    party.publish("tess", &["a mic", "v cam off"]);
    assert_eq!(party.heard("mo"), ["tess Tracks #2 [mic, cam off]", "tess: [VideoMuted, Visible]"]);
    party.join("watcher", "den", &[]).unwrap();
    let room = party.people["mo"].joined.room;
    assert_eq!(party.media.scenes[&room].cells.len(), 3, "who sends nothing has no place");
    assert!(seen(&party, "watcher").member.audio_muted);
}

#[test]
fn a_moderator_puts_out_one_or_all() {
    let mut party = two();
    mix(&mut party, "eve", guest(), part()).unwrap();
    let gus = Target::One(id(&party, "gus"));
    member(&mut party, "mo", gus, MemberAct::Remove).unwrap();
    assert_eq!(party.heard("gus").last().map(String::as_str), Some("out: Removed"));
    assert_eq!(party.act("gus", Command::Leave).map(drop), Err(Refusal::NotJoined));
    let parent = Some(id(&party, "mo"));
    mix(&mut party, "screen", guest(), Part { role: Role::Screen, parent, ..part() }).unwrap();
    hush(&mut party);
    member(&mut party, "mo", Target::All, MemberAct::Remove).unwrap();
    for who in ["eve", "screen"] {
        assert_eq!(party.heard(who).last().map(String::as_str), Some("out: Removed"), "{who}");
    }
    let heard = party.heard("mo");
    let (eve, own) =
        (heard.iter().position(|line| line.starts_with("eve ")), heard.iter().position(|line| line == "out: Removed"));
    assert!(eve.is_some() && eve < own && own == Some(heard.len() - 1), "it goes last: {heard:?}");
    assert!(party.rooms.by_name("den").is_none_or(|room| room.participants.is_empty()));
}

#[test]
fn volumes_meta_and_hands_are_told() {
    let mut party = two();
    let gus = Target::One(id(&party, "gus"));
    member(&mut party, "mo", gus, MemberAct::InputVolume(120)).unwrap();
    member(&mut party, "gus", Target::Me, MemberAct::OutputVolume(-120)).unwrap();
    member(&mut party, "gus", Target::Me, MemberAct::Sensitivity(200)).unwrap();
    member(&mut party, "gus", Target::Me, MemberAct::Deafen(true)).unwrap();
    member(&mut party, "gus", Target::Me, MemberAct::Deafen(true)).unwrap();
    member(&mut party, "gus", Target::Me, MemberAct::RaiseHand(true)).unwrap();
    let told = ["InputVolume", "OutputVolume", "Sensitivity", "Deaf", "HandRaised"].map(|field| format!("gus: [{field}]"));
    assert_eq!(party.heard("mo"), told);
    let scene = Arc::clone(&party.media.scenes[&party.people["mo"].joined.room]);
    let (voice, ear) = (&scene.voices[1], &scene.ears[1]);
    assert_eq!((voice.volume, voice.sensitivity, ear.hears, ear.volume), (50, 100, false, -50));
    let word = |text: &str| Sealed(text.into());
    let meta = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| (Arc::from(*key), word(value))).collect();
    for change in [
        MetaChange::Set(meta(&[("a", "1"), ("b", "2")])),
        MetaChange::Update(meta(&[("b", "3"), ("c", "4")])),
        MetaChange::Delete(vec!["a".into()]),
    ] {
        member(&mut party, "gus", Target::Me, MemberAct::Meta(change.clone())).unwrap();
        party.act("mo", Command::Stage(StageAct::Meta(change))).unwrap();
    }
    assert_eq!(seen(&party, "gus").member.meta, meta(&[("b", "3"), ("c", "4")]));
    assert_eq!(party.rooms.by_name("den").unwrap().stage.meta, meta(&[("b", "3"), ("c", "4")]));
    let long = "x".repeat(room::limit::META_BYTES_MAX);
    let too_long = MetaChange::Update(meta(&[("b", &long)]));
    assert_eq!(member(&mut party, "gus", Target::Me, MemberAct::Meta(too_long)), Err(Refusal::Malformed));
    assert_eq!(seen(&party, "gus").member.meta, meta(&[("b", "3"), ("c", "4")]));
}

#[test]
fn rooms_are_made_by_definition_or_by_the_key_or_not_at_all() {
    let check = |define: bool, makes: bool, expected: Result<(), Refusal>| {
        let mut party = Party::new(Limits::default());
        if define {
            let stage = StageSettings { canvas: Canvas { width: 1921, height: 99, fps: 99 }, ..StageSettings::default() };
            let definition = Definition { stage, ..definition() };
            party.owner(Command::Define("den".into(), Box::new(definition))).unwrap();
        }
        let makes = makes.then(|| Box::new(definition()));
        assert_eq!(mix(&mut party, "mo", guest(), Part { makes, ..part() }), expected);
        if define && expected.is_ok() {
            let canvas = party.rooms.by_name("den").unwrap().stage.canvas;
            assert_eq!(canvas, Canvas { width: 1920, height: 180, fps: 30 });
        }
    };
    check(false, false, Err(Refusal::RoomNotMade));
    check(false, true, Ok(()));
    check(true, false, Ok(()));
    check(true, true, Ok(()));
    let mut party = Party::new(Limits::default());
    party.owner(Command::Define("den".into(), Box::new(definition()))).unwrap();
    party.owner(Command::Undefine("den".into())).unwrap();
    assert_eq!(mix(&mut party, "mo", guest(), Part { makes: None, ..part() }), Err(Refusal::RoomNotMade));
    let none = Definition { terms: Terms { seats_max: 0, ..Terms::made(RoomKind::Group) }, ..definition() };
    assert_eq!(party.owner(Command::Define("den".into(), Box::new(none))).map(drop), Err(Refusal::SeatsInvalid));
    let mesh = Definition { kind: RoomKind::Go, terms: Terms::made(RoomKind::Go), ..definition() };
    party.owner(Command::Define("den".into(), Box::new(mesh))).unwrap();
    assert_eq!(mix(&mut party, "mo", guest(), part()), Err(Refusal::KindNotServed));
    party.join("ann", "den", &[]).unwrap();
    assert_eq!(mix(&mut party, "mo", guest(), part()), Err(Refusal::KindNotServed));
}

#[test]
fn rooms_open_and_close_and_end() {
    let mut party = Party::new(Limits::default());
    let at = |party: &Party, seconds| Some(party.now + SECOND * seconds);
    let times = Definition { opens: at(&party, 10), closes: at(&party, 20), ends: at(&party, 30), ..definition() };
    party.owner(Command::Define("den".into(), Box::new(times))).unwrap();
    assert_eq!(mix(&mut party, "mo", guest(), part()), Err(Refusal::NotNow));
    party.pass(SECOND * 10);
    mix(&mut party, "mo", guest(), part()).unwrap();
    party.pass(SECOND * 10);
    assert_eq!(mix(&mut party, "gus", guest(), part()), Err(Refusal::NotNow));
    party.pass(SECOND * 10);
    assert_eq!(party.heard("mo"), ["1280x720 at 20", "out: RoomEnded"]);
    assert_eq!(mix(&mut party, "gus", guest(), part()), Err(Refusal::NotNow), "its next beginning is past its end");
}

#[test]
fn a_locked_room_takes_nobody_in() {
    let mut party = two();
    party.act("mo", Command::Stage(StageAct::Lock(true))).unwrap();
    assert_eq!(party.heard("gus"), ["stage [Locked]"]);
    assert_eq!(mix(&mut party, "eve", guest(), part()), Err(Refusal::RoomLocked));
    assert_eq!(party.join("ann", "den", &[]), Err(Refusal::RoomLocked));
    let screen = Part { role: Role::Screen, parent: Some(id(&party, "gus")), ..part() };
    mix(&mut party, "gus screen", guest(), screen).expect("whoever is inside may share");
    party.act("gus", Command::Lose).unwrap();
    resume(&mut party, "gus");
    party.act("mo", Command::Stage(StageAct::Lock(false))).unwrap();
    mix(&mut party, "eve", guest(), part()).unwrap();
}

/// Comes back as the door of those who receive the mix does it: it knows of no tracks and no signals.
fn resume(party: &mut Party, name: &str) {
    let joined = &party.people[name].joined;
    let (seat, identity) = (joined.seat, Arc::clone(&joined.identity));
    party.resume_as(name, Resume { seat, identity, tracks: (0, Vec::new()), signals: Vec::new() }).expect("a seat");
}

#[test]
fn who_comes_back_finds_everything_as_it_was() {
    let mut party = two();
    member(&mut party, "gus", Target::Me, MemberAct::RaiseHand(true)).unwrap();
    let screen = Part { role: Role::Screen, parent: Some(id(&party, "gus")), ..part() };
    mix(&mut party, "screen", guest(), screen).unwrap();
    hush(&mut party);
    party.act("gus", Command::Lose).unwrap();
    party.act("screen", Command::Lose).unwrap();
    let before = (id(&party, "gus"), id(&party, "screen"));
    resume(&mut party, "gus");
    resume(&mut party, "screen");
    assert_eq!((id(&party, "gus"), id(&party, "screen")), before);
    assert_eq!(party.media.take(), [] as [&str; 0], "media went on");
    let joined = &party.people["gus"].joined;
    assert_eq!((joined.links.len(), joined.links[0].wanted, joined.own.tracks.len()), (1, None, 2));
    assert!(joined.own.member.hand_raised && joined.others.len() == 2);
    party.act("gus", Command::Lose).unwrap();
    party.act("screen", Command::Lose).unwrap();
    party.pass(SECOND * 31);
    assert_eq!(party.rooms.by_name("den").unwrap().participants.len(), 1);
}

#[test]
fn who_comes_back_is_told_who_came_and_left_meanwhile() {
    let mut party = two();
    mix(&mut party, "old", guest(), part()).unwrap();
    let old = id(&party, "old");
    party.pass(SECOND * 40);
    party.act("gus", Command::Lose).unwrap();
    party.pass(SECOND);
    party.act("old", Command::Leave).unwrap();
    mix(&mut party, "new", guest(), part()).unwrap();
    mix(&mut party, "ada", Permissions::NONE, Part { role: Role::Audience, ..part() }).unwrap();
    let gus = Target::One(id(&party, "gus"));
    member(&mut party, "mo", gus, MemberAct::Demote { rights: Rights::default(), meta: None }).unwrap();
    resume(&mut party, "gus");
    let lately = &party.people["gus"].joined.lately;
    assert_eq!(lately.left.iter().map(|one| one.id).collect::<Vec<_>>(), [old]);
    assert_eq!((&lately.came[..], lately.regraded), (&[id(&party, "new")][..], true));
    party.pass(SECOND * 40);
    resume(&mut party, "gus");
    assert_eq!(party.people["gus"].joined.lately, room::Lately::default(), "that was long ago");
}

#[test]
fn who_left_before_anybody_noticed_the_loss_is_told_too() {
    let mut party = two();
    mix(&mut party, "old", guest(), part()).unwrap();
    let old = id(&party, "old");
    party.pass(SECOND * 60);
    party.act("old", Command::Leave).unwrap();
    party.pass(SECOND * 20);
    party.act("gus", Command::Lose).unwrap();
    party.pass(SECOND * 20);
    resume(&mut party, "gus");
    let lately = &party.people["gus"].joined.lately;
    assert_eq!(lately.left.iter().map(|one| one.id).collect::<Vec<_>>(), [old]);
    assert!(lately.came.is_empty() && !lately.regraded);
}

#[test]
fn screens_and_devices_belong_to_somebody() {
    let mut party = two();
    let gus = id(&party, "gus");
    let screen = |parent| Part { role: Role::Screen, parent, ..part() };
    let device = |parent| Part { role: Role::Device, ..screen(parent) };
    let none = Permissions::NONE;
    assert_eq!(mix(&mut party, "d", none, device(Some(gus))), Err(Refusal::NotPermitted));
    assert_eq!(mix(&mut party, "d", none, device(Some(ParticipantId(9_999)))), Err(Refusal::NotPermitted));
    assert_eq!(mix(&mut party, "s", guest(), screen(None)), Err(Refusal::ParticipantNotFound));
    assert_eq!(mix(&mut party, "s", none, screen(Some(ParticipantId(9_999)))), Err(Refusal::ParticipantNotFound));
    mix(&mut party, "s", none, screen(Some(gus))).expect("it needs no permission");
    assert_eq!(mix(&mut party, "t", none, screen(Some(gus))), Err(Refusal::NotPermitted), "another one does");
    mix(&mut party, "t", guest(), screen(Some(gus))).expect("who may has as many as there are seats");
    party.act("t", Command::Leave).unwrap();
    mix(&mut party, "d", guest(), device(Some(gus))).unwrap();
    let s = id(&party, "s");
    assert_eq!(mix(&mut party, "t", guest(), screen(Some(s))), Err(Refusal::NotPermitted), "a screen has none");
    let scene = Arc::clone(&party.media.scenes[&party.people["mo"].joined.room]);
    assert_eq!(scene.ears.len(), 2, "they hear nothing");
    assert_eq!(scene.ears[1].without, [gus, s, id(&party, "d")]);
    assert!(scene.cells.iter().any(|cell| cell.who == s && cell.whole));
    member(&mut party, "gus", Target::One(s), MemberAct::MuteAudio(true)).expect("it is its own");
    hush(&mut party);
    party.act("gus", Command::Leave).unwrap();
    assert_eq!(party.heard("s"), ["out: Left"]);
    assert_eq!(party.heard("d"), ["out: Left"]);
    assert_eq!(party.rooms.by_name("den").unwrap().participants.len(), 1);
}

#[test]
fn a_mute_reaches_the_screens_of_who_may_not_take_it_back() {
    let mut party = two();
    let check = |party: &mut Party, name: &str, permissions: Permissions, expected: bool| {
        let screen = format!("{name}'s");
        mix(party, name, permissions, part()).unwrap();
        let (who, parent) = (Target::One(id(party, name)), Some(id(party, name)));
        mix(party, &screen, permissions, Part { role: Role::Screen, parent, ..part() }).unwrap();
        let muted = |party: &Party| [name, &screen].map(|one| seen(party, one).member.audio_muted);
        member(party, "mo", who, MemberAct::MuteAudio(true)).unwrap();
        assert_eq!(muted(party), [true, expected], "{name}");
        member(party, "mo", who, MemberAct::MuteAudio(false)).unwrap();
        assert_eq!(muted(party), [false, false], "{name}");
        assert!(!seen(party, &screen).member.video_muted);
    };
    check(&mut party, "eve", Permissions::NONE, true);
    check(&mut party, "ada", guest(), false);
    let muting: Permissions = [Permission::SelfMuteAudio].into_iter().collect();
    check(&mut party, "bea", muting, true);
    member(&mut party, "bea", Target::Me, MemberAct::MuteAudio(true)).unwrap();
    assert!(!seen(&party, "bea's").member.audio_muted, "its own microphone only");
}

#[test]
fn a_lock_ends_with_those_who_might_open_it() {
    let mut party = two();
    party.join("tess", "den", &["a mic"]).unwrap();
    party.act("mo", Command::Stage(StageAct::Lock(true))).unwrap();
    let room = party.people["mo"].joined.room;
    party.report(Report::Lost(room));
    mix(&mut party, "mo", Permissions::ALL, part()).expect("it comes in anew");
}

#[test]
fn a_screen_is_no_way_around_a_mute() {
    let mut party = two();
    let check = |party: &mut Party, name: &str, expected: [bool; 2]| {
        let person = id(party, name);
        mix(party, "s", Permissions::NONE, Part { role: Role::Screen, parent: Some(person), ..part() }).unwrap();
        let shown = seen(party, "s");
        assert_eq!([shown.member.audio_muted, shown.member.video_muted], expected, "{name}");
        assert_eq!(shown.tracks.iter().map(|track| !track.enabled).collect::<Vec<_>>(), expected, "{name}");
        party.act("s", Command::Leave).unwrap();
    };
    mix(&mut party, "eve", Permissions::NONE, part()).unwrap();
    check(&mut party, "eve", [false, false]);
    for name in ["eve", "gus"] {
        let who = Target::One(id(&party, name));
        member(&mut party, "mo", who, MemberAct::MuteAudio(true)).unwrap();
    }
    check(&mut party, "eve", [true, false]);
    check(&mut party, "gus", [false, false]);
}

#[test]
fn audience_is_counted_and_not_listed() {
    let mut party = two();
    party.join("tess", "den", &["v cam"]).unwrap();
    hush(&mut party);
    mix(&mut party, "ada", Permissions::NONE, Part { role: Role::Audience, ..part() }).unwrap();
    assert_eq!((party.heard("mo"), party.heard("tess")), (vec!["stage [Audience]".to_owned()], vec![]));
    let ada = &party.people["ada"].joined;
    assert_eq!((ada.others.len(), ada.stage.audience, ada.rights.publish), (3, 1, false));
    assert!(matches!(party.act("mo", Command::Ask(Question::Stage)), Ok(Answer::Stage(_, all)) if all.len() == 3));
    let ears = party.media.scenes[&party.people["mo"].joined.room].ears.len();
    assert_eq!(ears, 3);
    let answer = party.publish("ada", &["v cam"]);
    assert!(matches!(answer, Answer::Published(published) if published.tracks[0].1.is_err()));
    hush(&mut party);
    party.act("ada", Command::Leave).unwrap();
    assert_eq!((party.heard("mo"), party.heard("tess")), (vec!["stage [Audience]".to_owned()], vec![]));
}

#[test]
fn audience_is_promoted_and_members_are_demoted() {
    let mut party = two();
    mix(&mut party, "ada", Permissions::NONE, Part { role: Role::Audience, ..part() }).unwrap();
    hush(&mut party);
    let ada = Target::One(id(&party, "ada"));
    let rights = Rights { publish: true, permissions: Permissions::ALL, ..Rights::default() };
    let promote = MemberAct::Promote { rights, audio_muted: true, video_muted: false, meta: None };
    assert_eq!(member(&mut party, "gus", ada, promote.clone()), Err(Refusal::NotPermitted));
    member(&mut party, "mo", ada, promote.clone()).unwrap();
    assert_eq!(party.heard("ada"), ["Person now", "stage [Audience]"]);
    assert_eq!(party.heard("mo"), ["ada Joined #3 []", "stage [Audience]"]);
    assert_eq!(member(&mut party, "mo", ada, promote), Err(Refusal::AlreadyMember));
    let (link, offer) = (LinkId("ada anew".into()), offer(1));
    party.act("ada", Command::Open { link, offer }).unwrap();
    party.publish("ada", &["a mic", "v cam"]);
    assert!(!seen(&party, "ada").tracks[0].enabled, "it begins muted");
    assert!(seen(&party, "ada").member.visible);
    let screen = Part { role: Role::Screen, parent: Some(id(&party, "ada")), ..part() };
    mix(&mut party, "screen", guest(), screen).unwrap();
    hush(&mut party);
    let rights = Rights { media: MediaAllowed::AudioOnly, ..Rights::default() };
    let demote = MemberAct::Demote { rights, meta: None };
    member(&mut party, "mo", ada, demote.clone()).unwrap();
    let heard = party.heard("mo");
    assert!(heard.iter().any(|line| line.starts_with("ada Left(Left)") && line.ends_with("[]")), "{heard:?}");
    assert!(party.heard("ada").contains(&"Audience now".to_owned()));
    assert_eq!(party.heard("screen"), ["out: Left"]);
    assert_eq!(member(&mut party, "mo", ada, demote.clone()), Err(Refusal::ParticipantNotFound), "it is no member any more");
    assert_eq!(party.rooms.by_name("den").unwrap().stage.audience, 1);
    let (link, offer) = (LinkId("ada again".into()), self::offer(1));
    party.act("ada", Command::Open { link, offer }).unwrap();
    let scene = Arc::clone(&party.media.scenes[&party.people["mo"].joined.room]);
    let ear = scene.ears.iter().find(|ear| ear.who == id(&party, "ada")).unwrap();
    assert_eq!((ear.hears, ear.sees), (true, false), "sound alone");
    let screen = id(&party, "screen");
    assert_eq!(member(&mut party, "mo", Target::One(screen), demote.clone()), Err(Refusal::ParticipantNotFound));
    party.join("tess", "den", &[]).unwrap();
    let tess = Target::One(id(&party, "tess"));
    assert_eq!(member(&mut party, "mo", tess, demote), Err(Refusal::Malformed), "it knows nothing of audiences");
}

#[test]
fn nobody_gives_what_it_does_not_have() {
    let mut party = two();
    let promoter: Permissions = [Permission::Promote, Permission::MuteAudio].into_iter().collect();
    mix(&mut party, "pam", promoter, part()).unwrap();
    mix(&mut party, "ada", Permissions::NONE, Part { role: Role::Audience, ..part() }).unwrap();
    let rights = Rights { publish: true, permissions: Permissions::ALL, ..Rights::default() };
    let act = MemberAct::Promote { rights, audio_muted: false, video_muted: false, meta: None };
    let ada = Target::One(id(&party, "ada"));
    member(&mut party, "pam", ada, act).unwrap();
    let told = party.people["ada"].heard.iter().find_map(|event| match event {
        Event::Role { rights, .. } => Some(rights.permissions),
        _ => None,
    });
    assert_eq!(told, Some(Permission::ALL.into_iter().filter(|one| guest().has(*one) || promoter.has(*one)).collect()));
}

#[test]
fn a_new_link_takes_the_place_of_the_old() {
    let mut party = two();
    let (link, offer) = (party.people["gus"].joined.links[0].link.clone(), offer(1));
    party.act("gus", Command::Open { link: link.clone(), offer: offer.clone() }).unwrap();
    assert_eq!(party.media.take(), [&*format!("open {} at 1", link.0), "publish [mic, cam]"]);
    party.signal("gus", &link, Step::Offer, 2);
    assert_eq!(party.media.take(), [format!("Offer 2 on {}", link.0)]);
    party.join("tess", "den", &[]).unwrap();
    assert_eq!(party.act("tess", Command::Open { link, offer }).map(drop), Err(Refusal::Malformed));
}

#[test]
fn a_dead_link_is_waited_for_and_a_lost_worker_is_the_end() {
    let mut party = two();
    party.news("gus", News::Dead);
    let scene = Arc::clone(&party.media.scenes[&party.people["mo"].joined.room]);
    assert_eq!((scene.cells[1].track, scene.ears.len(), scene.voices.len()), (None, 1, 1), "there is a card for it");
    party.pass(SECOND * 9);
    assert_eq!(party.heard("gus"), [] as [&str; 0], "nothing is asked of it");
    party.act("gus", Command::Open { link: LinkId("again".into()), offer: offer(1) }).unwrap();
    party.pass(SECOND * 9);
    party.news("gus", News::Dead);
    party.pass(SECOND * 11);
    assert_eq!(party.heard("gus"), ["640x360 at 20", "out: Unreachable"], "its new page's camera is asked for a size");
    let room = party.people["mo"].joined.room;
    party.media.lose(room);
    party.report(Report::Lost(room));
    assert_eq!(party.heard("mo").last().map(String::as_str), Some("out: Unreachable"));
}

#[test]
fn everybody_may_have_a_name_that_others_have() {
    let mut party = Party::new(Limits::default());
    mix(&mut party, "mo", guest(), part()).unwrap();
    let same = |join: &mut room::Join| join.identity = "mo".into();
    party
        .join_with("mo again", "den", &[], |join| {
            same(join);
            join.part = part();
        })
        .unwrap();
    party.join_with("tess", "den", &[], same).unwrap();
    assert_eq!(party.rooms.by_name("den").unwrap().participants.len(), 3);
    party.join_with("tess again", "den", &[], same).unwrap();
    assert_eq!(party.heard("tess").last().map(String::as_str), Some("out: Displaced"));
    assert_eq!(party.rooms.by_name("den").unwrap().participants.len(), 3);
}

#[test]
fn a_screen_puts_nobody_out_by_its_name() {
    let mut party = two();
    party.join("tess", "den", &[]).unwrap();
    let parent = Some(id(&party, "mo"));
    party
        .join_with("screen", "den", &["v cam"], |join| {
            join.identity = "tess".into();
            join.rights = Rights { publish: true, permissions: guest(), ..Rights::default() };
            join.part = Part { role: Role::Screen, parent, shares_name: false, ..part() };
        })
        .unwrap();
    assert_eq!(party.rooms.by_name("den").unwrap().participants.len(), 4);
}

#[test]
fn people_begin_muted_where_that_is_so() {
    let mut party = Party::new(Limits::default());
    let stage = StageSettings { join_audio_muted: true, ..StageSettings::default() };
    party.owner(Command::Define("den".into(), Box::new(Definition { stage, ..definition() }))).unwrap();
    mix(&mut party, "mo", guest(), part()).unwrap();
    mix(&mut party, "al", guest(), Part { video_muted: true, ..part() }).unwrap();
    party.join("tess", "den", &["a mic"]).unwrap();
    let enabled = |who: &str| seen(&party, who).tracks.iter().map(|track| track.enabled).collect::<Vec<_>>();
    assert_eq!((enabled("mo"), enabled("al")), (vec![false, true], vec![false, false]));
    assert_eq!(enabled("tess"), [true], "who receives tracks could not take that back");
    member(&mut party, "mo", Target::Me, MemberAct::MuteAudio(false)).unwrap();
    assert!(seen(&party, "mo").tracks[0].enabled);
}

#[test]
fn time_and_leaving_end_what_they_are_to_end() {
    let mut party = two();
    let expires = Some(party.now + SECOND * 20);
    mix(&mut party, "al", guest(), Part { expires, stays_max: Some(SECOND * 30), ..part() }).unwrap();
    mix(&mut party, "bo", guest(), Part { stays_max: Some(SECOND * 5), ..part() }).unwrap();
    mix(&mut party, "host", guest(), Part { ends_room: true, ..part() }).unwrap();
    party.pass(SECOND * 6);
    assert_eq!(party.heard("bo").last().map(String::as_str), Some("out: Expired"));
    party.pass(SECOND * 15);
    assert_eq!(party.heard("al").last().map(String::as_str), Some("out: Expired"));
    party.act("host", Command::Leave).unwrap();
    assert_eq!(party.heard("gus").last().map(String::as_str), Some("out: RoomEnded"));
    assert_eq!(party.rooms.rooms().count(), 0);
}

#[test]
fn a_mesh_of_two_moves_to_the_server_for_who_receives_the_mix() {
    let mut party = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
    party.join("ann", "den", &["v cam"]).unwrap();
    mix(&mut party, "mo", guest(), part()).unwrap();
    let link = party.people["ann"].heard.iter().rev().find_map(|event| match event {
        Event::LinkWanted { link, server: true, .. } => Some(link.clone()),
        _ => None,
    });
    party.signal("ann", &link.expect("wanted"), Step::Offer, 2);
    party.news("ann", News::Connected);
    let scene = &party.media.scenes[&party.people["mo"].joined.room];
    assert_eq!(scene.cells.len(), 2);
    assert!(scene.cells.iter().all(|cell| cell.track.is_some()));
}

#[test]
fn after_a_restart_the_mix_is_as_it_was_and_those_who_received_it_are_gone() {
    let mut party = Party::new(Limits::default());
    let ends = Some(party.now + SECOND * 60);
    party.owner(Command::Define("den".into(), Box::new(Definition { ends, ..definition() }))).unwrap();
    mix(&mut party, "mo", Permissions::ALL, part()).unwrap();
    party.join("tess", "den", &["a mic", "v cam", "d chat"]).unwrap();
    mix(&mut party, "gus", guest(), Part { role: Role::Audience, ..part() }).unwrap();
    let tess = Target::One(id(&party, "tess"));
    member(&mut party, "mo", tess, MemberAct::MuteAudio(true)).unwrap();
    for act in [StageAct::Lock(true), StageAct::HideVideoMuted(true), StageAct::Layout(LayoutName::FiveUp, vec![])] {
        party.act("mo", Command::Stage(act)).unwrap();
    }
    party.pass(SECOND * 20);
    let mut party = party.restarted(Limits::default());
    let room = party.rooms.by_name("den").expect("tess is in it");
    assert_eq!(room.participants.len(), 1);
    assert!(
        (room.stage.locked, room.stage.hide_video_muted, room.stage.layout) == (false, true, LayoutName::FiveUp),
        "who locked it is out"
    );
    party.resume("tess", vec![]).unwrap();
    let enabled = |party: &Party| seen(party, "tess").tracks.iter().map(|track| track.enabled).collect::<Vec<_>>();
    assert_eq!(enabled(&party), [false, true, true]);
    party.publish("tess", &["a mic", "v cam", "d chat high"]);
    assert_eq!(enabled(&party), [false, true, true], "what a moderator muted stays so");
    party.pass(SECOND * 41);
    assert_eq!(party.rooms.rooms().count(), 0, "its end has come");
}

#[test]
fn a_room_of_nobody_else_is_not_written_down() {
    let mut party = two();
    assert_eq!(party.rooms.save(party.now), []);
    let create = room::Create {
        room: room::RoomRef::Name("hall".into()),
        kind: RoomKind::Group,
        options: RoomOptions::default(),
        terms: Terms::made(RoomKind::Group),
        memo: Sealed::default(),
    };
    party.owner(Command::Create(Box::new(create))).unwrap();
    party.join_with("eve", "hall", &[], |join| join.part = part()).unwrap();
    party.pass(room::limit::EMPTY_TIMEOUT * 2);
    let mut party = party.restarted(Limits::default());
    assert_eq!(party.rooms.rooms().count(), 1, "it stays for a while, as if everybody had left");
    party.pass(room::limit::EMPTY_TIMEOUT);
    assert_eq!(party.rooms.rooms().count(), 0);
}
