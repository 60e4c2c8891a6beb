//! Where members stand in the picture.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use room::{
    Area, Canvas, Command, Definition, Kind, Layout, LayoutName, Limits, MemberAct, News, Part, ParticipantId, Permissions,
    Position, Report, Role, StageAct, StageSettings, Target,
};

use crate::party::Party;
use crate::stage::{definition, guest, hush, id, member, mix, part};

/// So many members `m1`, `m2` … of whom the first may do everything, on a canvas of this size.
fn members(count: usize, (width, height): (u16, u16)) -> Party {
    let mut party = Party::new(Limits::default());
    let stage = StageSettings { canvas: Canvas { width, height, fps: 20 }, ..StageSettings::default() };
    party.owner(Command::Define("den".into(), Box::new(Definition { stage, ..definition() }))).expect("defined");
    (1..=count).for_each(|number| come(&mut party, number, part()));
    party
}

fn come(party: &mut Party, number: usize, part: Part) {
    let permissions = if number == 1 { Permissions::ALL } else { guest() };
    mix(party, &format!("m{number}"), permissions, part).expect("a seat");
}

fn stage(party: &mut Party, act: StageAct) {
    party.act("m1", Command::Stage(act)).expect("permitted");
}

fn set(party: &mut Party, name: LayoutName) {
    stage(party, StageAct::Layout(name, Vec::new()));
}

/// As somebody who comes back now is told it.
fn layout(party: &mut Party) -> Arc<Layout> {
    party.act("m1", Command::Lose).expect("inside");
    layout_of_who_is_back(party)
}

fn layout_of_who_is_back(party: &mut Party) -> Arc<Layout> {
    let joined = &party.people["m1"].joined;
    let (seat, identity) = (joined.seat, Arc::clone(&joined.identity));
    party.resume_as("m1", room::Resume { seat, identity, tracks: (0, vec![]), signals: vec![] }).expect("a seat");
    Arc::clone(&party.people["m1"].joined.layout)
}

/// `m2 640,0 640x360`: everybody who stands somewhere.
fn drawn(party: &mut Party) -> Vec<String> {
    let names: BTreeMap<ParticipantId, String> =
        party.people.iter().map(|(name, guest)| (guest.joined.me, name.clone())).collect();
    let layout = layout(party);
    let taken = layout.places.iter().filter_map(|place| Some((place.area, &names[&place.who?])));
    taken.map(|(Area { x, y, width, height }, name)| format!("{name} {x},{y} {width}x{height}")).collect()
}

/// `m2 at Standard(1)`.
fn positions(party: &mut Party) -> Vec<String> {
    let room = party.rooms.by_name("den").expect("in progress");
    room.participants.iter().map(|one| format!("{} {:?}", one.identity, one.member.position)).collect()
}

#[test]
fn grids_are_as_small_as_they_can_be_and_their_last_row_is_centred() {
    let check = |name: LayoutName, count: usize, expected: &[&str]| {
        let mut party = members(count, (1280, 720));
        set(&mut party, name);
        assert_eq!(drawn(&mut party), expected, "{name:?} of {count}");
    };
    use LayoutName as L;
    check(L::GridResponsive, 1, &["m1 0,0 1280x720"]);
    check(L::GridResponsive, 2, &["m1 0,180 640x360", "m2 640,180 640x360"]);
    check(L::GridResponsive, 3, &["m1 0,0 640x360", "m2 640,0 640x360", "m3 320,360 640x360"]);
    let five = ["m1 0,120 426x240", "m2 426,120 426x240", "m3 852,120 428x240", "m4 212,360 428x240", "m5 640,360 426x240"];
    check(L::GridResponsive, 5, &five);
    check(L::GridResponsiveMobile, 3, &["m1 0,0 426x720", "m2 426,0 426x720", "m3 852,0 428x720"]);
    check(L::Grid2x1, 3, &["m1 0,180 640x360", "m2 640,180 640x360"]);
    check(L::Grid3x3, 2, &["m1 0,0 426x240", "m2 426,0 426x240"]);
    check(L::FiveUp, 3, &["m1 0,60 640x360", "m2 640,60 640x360", "m3 0,420 426x240"]);
    check(L::Highlight1Responsive, 1, &["m1 0,0 1280x720"]);
    check(L::Highlight1Responsive, 2, &["m1 0,120 852x480", "m2 852,240 428x240"]);
    let six = [
        "m1 0,0 852x480",
        "m2 852,0 428x240",
        "m3 852,240 428x240",
        "m4 852,480 428x240",
        "m5 426,480 426x240",
        "m6 0,480 426x240",
    ];
    check(L::Highlight1Responsive, 6, &six);
    check(L::FullScreen, 2, &["m1 0,0 1280x720"]);
}

#[test]
fn every_layout_is_inside_and_even_and_overlaps_nothing() {
    for size in [(1280, 720), (1920, 1080), (640, 480), (322, 182)] {
        for count in [1, 2, 3, 4, 5, 7, 9, 10, 13, 17, 26, 37, 48] {
            let mut party = members(count, size);
            for name in LayoutName::ALL {
                set(&mut party, name);
                let layout = layout(&mut party);
                check_sane(&party, &layout, size, &format!("{name:?} of {count} on {size:?}"));
            }
        }
    }
}

/// The layout as it is now.
fn check_now(party: &mut Party, case: &str) {
    let layout = layout(party);
    check_sane(party, &layout, (1280, 720), case);
}

/// Every place inside and even, none over another, everybody at most once, and the picture as the layout says.
pub fn check_sane(party: &Party, layout: &Layout, (width, height): (u16, u16), case: &str) {
    let room = party.rooms.by_name("den").expect("in progress");
    for (index, place) in layout.places.iter().enumerate() {
        let Area { x, y, width: across, height: down } = place.area;
        assert!(across > 0 && down > 0 && x + across <= width && y + down <= height, "{case}: {place:?} is outside");
        assert!([x, y, across, down].iter().all(|one| one % 2 == 0), "{case}: {place:?} is odd");
        let later = &layout.places[index + 1..];
        assert!(!later.iter().any(|other| overlap(place.area, other.area)), "{case}: something lies over {place:?}");
        assert!(!later.iter().any(|other| other.position == place.position), "{case}: {place:?} is there twice");
    }
    let standing: Vec<ParticipantId> = layout.places.iter().filter_map(|place| place.who).collect();
    let once: BTreeSet<ParticipantId> = standing.iter().copied().collect();
    assert_eq!(once.len(), standing.len(), "{case}: somebody is there twice");
    for one in &room.participants {
        let place = layout.places.iter().find(|place| place.who == Some(one.id));
        let shows = one.tracks.iter().any(|track| track.kind == Kind::Video && track.enabled);
        assert_eq!(one.member.visible, place.is_some() && shows, "{case}: {}", one.identity);
        let position = place.map_or(Position::OffCanvas, |place| place.position);
        assert_eq!(one.member.position, position, "{case}: {}", one.identity);
    }
    let Some(scene) = party.media.scenes.get(&room.id) else { return };
    let cells: Vec<(ParticipantId, Area)> = scene.cells.iter().map(|cell| (cell.who, cell.area)).collect();
    let places = layout.places.iter().filter_map(|place| Some((place.who?, place.area)));
    assert_eq!(cells, places.collect::<Vec<_>>(), "{case}");
}

fn overlap(one: Area, other: Area) -> bool {
    let across = one.x < other.x + other.width && other.x < one.x + one.width;
    across && one.y < other.y + other.height && other.y < one.y + one.height
}

#[test]
fn nobody_is_left_out_while_there_is_a_place() {
    let check = |name: LayoutName, count: usize, expected: usize| {
        let mut party = members(count, (1280, 720));
        set(&mut party, name);
        assert_eq!(drawn(&mut party).len(), expected, "{name:?} of {count}");
    };
    for name in
        [LayoutName::GridResponsive, LayoutName::GridResponsiveMobile, LayoutName::Highlight1Responsive, LayoutName::ScreenShare]
    {
        check(name, 50, 50);
    }
    check(LayoutName::Grid2x2, 5, 4);
    check(LayoutName::FiveUp, 5, 5);
    check(LayoutName::Grid8x8, 50, 50);
    check(LayoutName::Grid10x10, 50, 50);
}

#[test]
fn members_stand_where_they_are_sent_if_there_is_such_a_place() {
    let check = |name: LayoutName, sent: &[(usize, Position)], expected: &[&str]| {
        let mut party = members(3, (1280, 720));
        let places = sent.iter().map(|(number, position)| (Target::One(id(&party, &format!("m{number}"))), *position));
        let places = places.collect();
        stage(&mut party, StageAct::Layout(name, places));
        assert_eq!(positions(&mut party), expected, "{name:?} {sent:?}");
        check_now(&mut party, "sent");
    };
    use LayoutName as L;
    use Position as P;
    check(L::GridResponsive, &[], &["m1 Standard(1)", "m2 Standard(2)", "m3 Standard(3)"]);
    check(L::GridResponsive, &[(3, P::Standard(1))], &["m1 Standard(2)", "m2 Standard(3)", "m3 Standard(1)"]);
    check(
        L::GridResponsive,
        &[(1, P::Standard(1)), (2, P::Standard(1))],
        &["m1 Standard(1)", "m2 Standard(2)", "m3 Standard(3)"],
    );
    check(
        L::GridResponsive,
        &[(1, P::Standard(9)), (2, P::Reserved(1))],
        &["m1 Standard(1)", "m2 Standard(2)", "m3 Standard(3)"],
    );
    check(L::GridResponsive, &[(1, P::OffCanvas)], &["m1 OffCanvas", "m2 Standard(1)", "m3 Standard(2)"]);
    check(L::GridResponsive, &[(2, P::FullScreen)], &["m1 OffCanvas", "m2 FullScreen", "m3 OffCanvas"]);
    check(L::Highlight1Responsive, &[], &["m1 Reserved(1)", "m2 Standard(1)", "m3 Standard(2)"]);
    check(L::Highlight1Responsive, &[(3, P::Reserved(1))], &["m1 Standard(1)", "m2 Standard(2)", "m3 Reserved(1)"]);
    check(L::Highlight1Responsive, &[(2, P::Playback)], &["m1 Standard(1)", "m2 Reserved(1)", "m3 Standard(2)"]);
    check(L::Grid4x4, &[(2, P::Standard(16))], &["m1 Standard(1)", "m2 Standard(16)", "m3 Standard(2)"]);
}

#[test]
fn unknown_members_in_a_list_of_places_are_passed_over() {
    let mut party = members(2, (1280, 720));
    let places = vec![(Target::One(ParticipantId(99)), Position::OffCanvas), (Target::Me, Position::Standard(2))];
    stage(&mut party, StageAct::Places(places));
    assert_eq!(positions(&mut party), ["m1 Standard(2)", "m2 Standard(1)"]);
    member(&mut party, "m2", Target::Me, MemberAct::Place(Position::OffCanvas)).unwrap();
    assert_eq!(positions(&mut party), ["m1 Standard(1)", "m2 OffCanvas"], "of one place only the first is left");
}

#[test]
fn muted_pictures_are_cards_or_leave_the_picture() {
    let mut party = members(3, (1280, 720));
    member(&mut party, "m2", Target::Me, MemberAct::MuteVideo(true)).unwrap();
    assert_eq!(drawn(&mut party).len(), 3);
    let room = party.people["m1"].joined.room;
    let tracks = |party: &Party| party.media.scenes[&room].cells.iter().map(|cell| cell.track.is_some()).collect::<Vec<_>>();
    assert_eq!(tracks(&party), [true, false, true]);
    stage(&mut party, StageAct::HideVideoMuted(true));
    assert_eq!(tracks(&party), [true, true]);
    assert_eq!(positions(&mut party), ["m1 Standard(1)", "m2 OffCanvas", "m3 Standard(2)"]);
    hush(&mut party);
    member(&mut party, "m2", Target::Me, MemberAct::MuteVideo(false)).unwrap();
    assert_eq!(party.heard("m1")[..2], ["m2 Tracks #7 [mic, cam]", "m2: [VideoMuted, Position, Visible]"]);
    check_now(&mut party, "shown again");
}

#[test]
fn who_raised_a_hand_stands_first_if_that_is_wanted() {
    let mut party = members(3, (1280, 720));
    member(&mut party, "m3", Target::Me, MemberAct::RaiseHand(true)).unwrap();
    assert_eq!(positions(&mut party)[2], "m3 Standard(3)");
    stage(&mut party, StageAct::PrioritizeHands(true));
    assert_eq!(positions(&mut party), ["m1 Standard(2)", "m2 Standard(3)", "m3 Standard(1)"]);
    member(&mut party, "m3", Target::Me, MemberAct::RaiseHand(false)).unwrap();
    assert_eq!(positions(&mut party)[2], "m3 Standard(3)");
}

#[test]
fn nobody_talks_on_whose_link_is_gone_or_whom_nobody_hears() {
    let mut party = members(3, (1280, 720));
    let talks = |party: &Party, name: &str| {
        let room = party.rooms.by_name("den").expect("a room");
        room.participants.iter().find(|one| &*one.identity == name).expect("it is there").member.talking
    };
    let silent = format!("talking {} false", id(&party, "m2").0);
    party.news("m2", News::Talking(true));
    hush(&mut party);
    party.news("m2", News::Dead);
    assert!(!talks(&party, "m2"));
    assert_eq!(party.heard("m3").iter().filter(|line| **line == silent).count(), 1);
}

#[test]
fn who_talked_in_a_mix_that_is_no_more_does_not_talk() {
    let mut party = members(1, (1280, 720));
    party.join("single", "den", &["a mic"]).expect("a seat");
    party.news("single", News::Talking(true));
    let talks = |party: &Party| {
        let room = party.rooms.by_name("den").expect("a room");
        room.participants.iter().find(|one| &*one.identity == "single").expect("it is there").member.talking
    };
    assert!(talks(&party));
    party.act("m1", Command::Leave).expect("it leaves");
    assert!(!talks(&party), "nobody would tell when it ceases");
    party.news("single", News::Talking(true));
    assert!(!talks(&party), "that was on its way");
    come(&mut party, 2, part());
    party.news("single", News::Talking(true));
    assert!(talks(&party));
    let den = party.rooms.by_name("den").expect("a room").id;
    party.report(Report::Lost(den));
    assert!(!talks(&party), "the mixer is gone");
}

#[test]
fn the_large_place_follows_who_talks_and_not_each_cough() {
    let mut party = members(3, (1280, 720));
    set(&mut party, LayoutName::Highlight1Responsive);
    hush(&mut party);
    let large = |party: &mut Party| {
        let all = positions(party);
        all.into_iter().find(|line| line.ends_with("Reserved(1)")).expect("somebody")
    };
    let ms = Duration::from_millis;
    party.news("m2", News::Talking(true));
    let talking = format!("talking {} true", id(&party, "m2").0);
    assert_eq!(party.heard("m3"), [talking]);
    party.pass(ms(400));
    party.news("m2", News::Talking(false));
    party.pass(ms(5_000));
    assert_eq!(large(&mut party), "m1 Reserved(1)", "that was a cough");
    party.news("m2", News::Talking(true));
    party.pass(ms(500));
    assert_eq!(large(&mut party), "m2 Reserved(1)");
    party.news("m3", News::Talking(true));
    party.pass(ms(10_000));
    assert_eq!(large(&mut party), "m2 Reserved(1)", "who talks stays");
    party.news("m2", News::Talking(false));
    assert_eq!(large(&mut party), "m3 Reserved(1)", "the other talks for long");
    party.news("m3", News::Talking(false));
    party.news("m1", News::Talking(true));
    party.pass(ms(1_900));
    assert_eq!(large(&mut party), "m3 Reserved(1)", "not so soon");
    party.pass(ms(200));
    assert_eq!(large(&mut party), "m1 Reserved(1)");
    party.news("m3", News::Talking(true));
    party.act("m1", Command::Leave).unwrap();
    let now_large = |party: &Party| party.rooms.by_name("den").unwrap().participants[1].member.position == Position::Reserved(1);
    assert!(!now_large(&party), "the first stands there meanwhile");
    party.pass(ms(500));
    assert!(now_large(&party));
}

#[test]
fn a_screen_gets_the_large_place_and_people_stand_beside() {
    use LayoutName as L;
    for name in [L::GridResponsive, L::GridResponsiveMobile, L::Highlight1Responsive, L::ScreenShare] {
        let mut party = members(2, (1280, 720));
        set(&mut party, name);
        let m2 = id(&party, "m2");
        let parent = Some(m2);
        come(&mut party, 3, Part { role: Role::Screen, parent, ..part() });
        party.news("m1", News::Talking(true));
        party.pass(Duration::from_secs(3));
        assert_eq!(positions(&mut party), ["m1 Standard(1)", "m2 Standard(2)", "m3 Reserved(1)"], "{name:?}");
        assert_eq!(drawn(&mut party)[0], "m3 0,120 852x480");
        let device = Part { role: Role::Device, parent, ..part() };
        come(&mut party, 4, device);
        check_now(&mut party, "with a second camera");
        member(&mut party, "m1", Target::One(m2), MemberAct::Remove).unwrap();
        assert_eq!(party.rooms.by_name("den").unwrap().participants.len(), 1);
    }
}

#[test]
fn publishers_hear_how_large_they_are_shown_and_of_less_only_when_it_lasts() {
    let mut party = members(1, (1280, 720));
    assert_eq!(party.heard("m1"), ["1280x720 at 20"]);
    let sizes = |party: &mut Party, seconds| {
        party.pass(Duration::from_secs(seconds));
        party.heard("m1").into_iter().filter(|line| line.ends_with("at 20")).collect::<Vec<_>>()
    };
    come(&mut party, 2, part());
    assert_eq!(sizes(&mut party, 4), [] as [&str; 0]);
    assert_eq!(sizes(&mut party, 1), ["640x360 at 20"]);
    (3..=4).for_each(|number| come(&mut party, number, part()));
    assert_eq!(sizes(&mut party, 9), [] as [&str; 0]);
    (5..=17).for_each(|number| come(&mut party, number, part()));
    assert_eq!(sizes(&mut party, 5), ["320x180 at 20"], "256 wide is not more than 320");
    party.join("tess", "den", &[]).unwrap();
    assert_eq!(sizes(&mut party, 0), ["1280x720 at 20"], "somebody receives it by itself");
    party.act("tess", Command::Leave).unwrap();
    assert_eq!(sizes(&mut party, 4), [] as [&str; 0]);
    party.join("tess", "den", &[]).unwrap();
    assert_eq!(sizes(&mut party, 9), [] as [&str; 0], "it was needed again in time");
    party.act("tess", Command::Leave).unwrap();
    party.act("m1", Command::Lose).unwrap();
    assert_eq!(sizes(&mut party, 9), [] as [&str; 0]);
    layout_of_who_is_back(&mut party);
    assert_eq!(sizes(&mut party, 5), ["320x180 at 20"]);
}
