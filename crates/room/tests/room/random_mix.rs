//! Random histories of rooms in which some receive the mix and some receive tracks. What anybody may do is predicted by a table that
//! is too simple to be wrong, and what each client was told, put together, must be what is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use room::{
    Change, Command, Event, Joined, Kind, Layout, LayoutName, Limits, LinkId, Member, MemberAct, MixState, News, Outcome, Part,
    ParticipantId, Permission, Permissions, Position, Presence, Question, RecordAct, RecordNews, RecordingId, Refusal, Report,
    Resume, Rights, Role, RoomId, RoomKind, RoomView, Rule, Snapshot, StageAct, StageView, Target, Terms, View, WhyStopped,
    limit::MIX_RECORDINGS_MAX,
};

use crate::layout::check_sane;
use crate::party::{Party, offer};
use crate::random::Dice;
use crate::stage::{definition, part};
use crate::story::Story;

const STEPS: u32 = 10_000;
const PEOPLE: u64 = 10;
const SEATS: usize = 7;
const TRACKS: [&[&str]; 5] = [&[], &["a mic"], &["v cam"], &["a mic", "v cam"], &["a mic off", "v cam off high", "v door"]];

/// What must have happened once at least, for the test to mean something.
const TOLD: [&str; 25] = [
    "AlreadyMember",
    "Start",
    "Pause",
    "Resume",
    "Stop",
    "Recording",
    "Ok",
    "NotPermitted",
    "ParticipantNotFound",
    "Malformed",
    "RoomFull",
    "RoomLocked",
    "Member",
    "Stage",
    "Layout",
    "Talking",
    "Role",
    "Size",
    "Out(Removed)",
    "Out(TimedOut)",
    "Out(Unreachable)",
    "Out(Left)",
    "Left(Left)",
    "Lost",
    "Resumed",
];

/// What a client knows of its room, from what it was told.
struct Mirror {
    own: Snapshot,
    others: BTreeMap<ParticipantId, Snapshot>,
    stage: StageView,
    layout: Layout,
}

/// Everybody by name.
#[derive(Default)]
struct World {
    rights: BTreeMap<String, Rights>,
    mirrors: BTreeMap<String, Mirror>,
    story: Story,
    told: BTreeSet<String>,
}

#[test]
fn what_everybody_was_told_is_what_is() {
    let mut dice = Dice::seeded();
    let limits = Limits { kind: RoomKind::Group, ..Limits::default() };
    let mut party = party(limits.clone());
    let mut world = World::default();
    for step in 0..STEPS {
        if dice.roll(300) == 0 {
            party = party.restarted(limits.clone());
            define(&mut party);
            world.restart(&party);
        }
        take_step(&mut dice, &mut party, &mut world);
        world.listen(&mut party);
        world.check(&mut party, step);
    }
    let missing: Vec<_> = TOLD.iter().filter(|what| !world.told.contains(**what)).collect();
    assert!(missing.is_empty(), "{missing:?} never happened");
}

fn party(limits: Limits) -> Party {
    let mut party = Party::new(limits);
    define(&mut party);
    party
}

fn define(party: &mut Party) {
    let terms = Terms { seats_max: SEATS, ..Terms::made(RoomKind::Group) };
    let terms = Terms { session_max: None, room_max: None, ..terms };
    party.owner(Command::Define("den".into(), Box::new(room::Definition { terms, ..definition() }))).expect("defined");
}

fn take_step(dice: &mut Dice, party: &mut Party, world: &mut World) {
    let name = format!("p{}", dice.roll(PEOPLE));
    let inside = world.mirrors.contains_key(&name);
    let away = world.mirrors.get(&name).is_some_and(|mirror| mirror.own.presence == Presence::Reconnecting);
    match dice.roll(20) {
        0..=3 if !inside => join(dice, party, world, &name),
        4 if inside && !away && dice.roll(3) == 0 => drop(party.act(&name, Command::Leave).expect("inside")),
        5 if inside && !away => {
            party.act(&name, Command::Lose).expect("inside");
            world.mirrors.get_mut(&name).expect("inside").own.presence = Presence::Reconnecting;
        }
        6..=7 if away => resume(party, world, &name),
        8 if inside && !away => drop(party.publish(&name, TRACKS[dice.roll(5) as usize])),
        9..=12 if inside && !away => act(dice, party, world, &name),
        13..=14 if inside && !away => act_stage(dice, party, world, &name),
        15 if inside && !away => reopen(dice, party, &name),
        16 if dice.roll(4) == 0 => party.pass(Duration::from_secs(dice.roll(20))),
        17 => party.pass(Duration::from_millis(dice.roll(1_500))),
        _ if inside => be_media(dice, party, &name),
        _ => {}
    }
}

fn join(dice: &mut Dice, party: &mut Party, world: &mut World, name: &str) {
    let someone = anybody(dice, party);
    let role = [Role::Person, Role::Person, Role::Person, Role::Audience, Role::Screen, Role::Device][dice.roll(6) as usize];
    let view = if role == Role::Person && dice.roll(3) == 0 { View::Tracks } else { View::Mix };
    let permissions = permissions(dice);
    let rights = Rights { publish: role != Role::Audience, permissions, ..Rights::default() };
    let is_child = matches!(role, Role::Screen | Role::Device);
    let muted = (dice.roll(4) == 0, dice.roll(4) == 0);
    let parent = is_child.then_some(someone);
    let part = Part { view, role, parent, audio_muted: muted.0, video_muted: muted.1, ..part() };
    let expected = expected_join(party.rooms.by_name("den").as_ref(), &part, permissions);
    let tracks = TRACKS[dice.roll(5) as usize];
    let answer = party.join_with(name, "den", tracks, |join| (join.part, join.rights) = (part, rights));
    assert_eq!(answer, expected);
    world.note(answer.err().map_or("Ok".into(), |why| format!("{why:?}")));
    if expected.is_ok() {
        world.rights.insert(name.to_owned(), rights);
        world.mirrors.insert(name.to_owned(), Mirror::new(&party.people[name].joined));
    }
}

fn expected_join(room: Option<&RoomView>, part: &Part, permissions: Permissions) -> Result<(), Refusal> {
    let is_child = matches!(part.role, Role::Screen | Role::Device);
    if part.role == Role::Device && !permissions.has(Permission::SelfDevice) {
        return Err(Refusal::NotPermitted);
    }
    let people = room.map(|room| &room.participants[..]).unwrap_or_default();
    let parent = people.iter().find(|one| Some(one.id) == part.parent).map(|one| one.member.role);
    if is_child && parent != Some(Role::Person) {
        Err(if parent.is_some() { Refusal::NotPermitted } else { Refusal::ParticipantNotFound })
    } else if part.role == Role::Screen && !permissions.has(Permission::SelfScreen) && has_screen(people, part.parent) {
        Err(Refusal::NotPermitted)
    } else if !is_child && room.is_some_and(|room| room.stage.locked) {
        Err(Refusal::RoomLocked)
    } else if people.len() >= SEATS {
        Err(Refusal::RoomFull)
    } else {
        Ok(())
    }
}

fn has_screen(people: &[Arc<room::Snapshot>], parent: Option<ParticipantId>) -> bool {
    people.iter().any(|one| one.member.role == Role::Screen && one.member.parent == parent)
}

fn resume(party: &mut Party, world: &mut World, name: &str) {
    let joined = &party.people[name].joined;
    let (seat, identity) = (joined.seat, Arc::clone(&joined.identity));
    let tracks = (party.people[name].list_revision, Vec::new());
    let answer = party.resume_as(name, Resume { seat, identity, tracks, signals: Vec::new() });
    answer.expect("its seat is kept");
    // It may have been given others while it was away.
    world.rights.insert(name.to_owned(), party.people[name].joined.rights);
    world.mirrors.insert(name.to_owned(), Mirror::new(&party.people[name].joined));
}

fn act(dice: &mut Dice, party: &mut Party, world: &mut World, name: &str) {
    let me = party.people[name].joined.me;
    let target = match dice.roll(4) {
        0 => Target::Me,
        1 => Target::All,
        _ => Target::One(anybody(dice, party)),
    };
    let act = any_act(dice);
    let room = party.rooms.by_name("den").expect("somebody is in it");
    let whom = |id| room.participants.iter().find(|one| one.id == id);
    let own = match target {
        Target::Me => true,
        Target::One(id) => id == me || whom(id).is_some_and(|one| one.member.parent == Some(me)),
        Target::All => false,
    };
    let one = match target {
        Target::Me => whom(me),
        Target::One(id) => whom(id),
        Target::All => None,
    };
    let (for_own, for_any) = needed(&act);
    let has = world.rights[name].permissions;
    let role = match &act {
        MemberAct::Promote { .. } => Some(Role::Audience),
        MemberAct::Demote { .. } => Some(Role::Person),
        _ => None,
    };
    let suits = |one: &Arc<Snapshot>| role.is_none_or(|role| one.member.view == View::Mix && one.member.role == role);
    let permitted = has.has(for_any) || (own && for_own.is_some_and(|one| has.has(one)));
    let expected = if !permitted {
        Err(Refusal::NotPermitted)
    } else if target != Target::All && one.is_none() {
        Err(Refusal::ParticipantNotFound)
    } else if let Some(one) = one.filter(|one| !suits(one)) {
        Err(match (one.member.view, role, one.member.role) {
            (View::Mix, Some(Role::Audience), Role::Person) => Refusal::AlreadyMember,
            (View::Mix, Some(Role::Person), Role::Audience) => Refusal::ParticipantNotFound,
            _ => Refusal::Malformed,
        })
    } else {
        Ok(())
    };
    let answer = party.act(name, Command::Member(target, act.clone())).map(drop);
    assert_eq!(answer, expected, "{name} {target:?} {act:?}");
    world.note(answer.err().map_or("Ok".into(), |why| format!("{why:?}")));
    if let (Some(one), true) = (one, expected.is_ok()) {
        let after = party.rooms.by_name("den").and_then(|room| room.participants.into_iter().find(|now| now.id == one.id));
        check_act(&act, one, after.as_deref());
    }
}

/// What an act did to whom it was about.
fn check_act(act: &MemberAct, before: &Snapshot, after: Option<&Snapshot>) {
    let Some(after) = after else { return assert_eq!(act, &MemberAct::Remove) };
    let member = &after.member;
    let live = |kind: Kind| after.tracks.iter().any(|track| track.kind == kind && track.enabled);
    let done = match act {
        MemberAct::MuteAudio(muted) if before.member.view == View::Mix => member.audio_muted == *muted,
        MemberAct::MuteVideo(muted) if before.member.view == View::Mix => member.video_muted == *muted,
        MemberAct::MuteAudio(muted) => !(*muted && live(Kind::Audio)),
        MemberAct::MuteVideo(muted) => !(*muted && live(Kind::Video)),
        MemberAct::Deafen(deaf) => member.deaf == *deaf,
        MemberAct::InputVolume(volume) => member.input_volume == *volume,
        MemberAct::OutputVolume(volume) => member.output_volume == *volume,
        MemberAct::Sensitivity(to) => member.sensitivity == *to,
        MemberAct::RaiseHand(raised) => member.hand_raised == *raised,
        MemberAct::Place(position) => member.wanted == *position,
        MemberAct::Meta(_) => true,
        MemberAct::Remove => false,
        MemberAct::Promote { .. } => member.role == Role::Person,
        MemberAct::Demote { .. } => member.role == Role::Audience && after.tracks.is_empty(),
    };
    assert!(done, "{act:?} left {after:?}");
}

fn act_stage(dice: &mut Dice, party: &mut Party, world: &mut World, name: &str) {
    use Permission as P;
    let layout = LayoutName::ALL[dice.roll(15) as usize];
    let places = vec![(Target::One(anybody(dice, party)), position(dice))];
    let (act, needed): (StageAct, &[Permission]) = match dice.roll(10) {
        0 => (StageAct::Lock(true), &[P::Lock]),
        1..=3 => (StageAct::Lock(false), &[P::Unlock]),
        4 => (StageAct::HideVideoMuted(true), &[P::HideVideoMuted]),
        5 => (StageAct::HideVideoMuted(false), &[P::ShowVideoMuted]),
        6 => (StageAct::PrioritizeHands(dice.roll(2) == 0), &[P::PrioritizeHands]),
        7 => (StageAct::Layout(layout, Vec::new()), &[P::RoomLayout]),
        8 => (StageAct::Layout(layout, places), &[P::RoomLayout, P::RoomPosition]),
        _ => (StageAct::Places(places), &[P::RoomPosition]),
    };
    let has = world.rights[name].permissions;
    record(dice, party, world, name);
    let expected = if needed.iter().all(|one| has.has(*one)) { Ok(()) } else { Err(Refusal::NotPermitted) };
    assert_eq!(party.act(name, Command::Stage(act)).map(drop), expected);
    let expected = if has.has(P::ListLayouts) { Ok(()) } else { Err(Refusal::NotPermitted) };
    assert_eq!(party.act(name, Command::Ask(Question::Layouts)).map(drop), expected);
}

/// Somebody records the mix, or does something with a recording that there is or was.
fn record(dice: &mut Dice, party: &mut Party, world: &mut World, name: &str) {
    let room = party.rooms.by_name("den").expect("in progress");
    let all = &room.stage.recordings;
    let live = all.iter().find(|one| one.state != MixState::Completed);
    let one = if dice.roll(3) == 0 { all.first() } else { live }.copied();
    let id = one.map_or(RecordingId(0), |one| one.id);
    let live = one.is_some_and(|one| one.state != MixState::Completed);
    let running = all.iter().filter(|one| one.state != MixState::Completed).count();
    let served = party.media.peers.keys().any(|(of, _)| *of == room.id);
    let found = if live { Ok(()) } else { Err(Refusal::RecordingNotFound) };
    let (act, expected) = match dice.roll(4) {
        0 => (RecordAct::Start, if served { Ok(()) } else { Err(Refusal::KindNotServed) }),
        1 => (RecordAct::Pause(id), found),
        2 => (RecordAct::Resume(id), found),
        _ => (RecordAct::Stop(id), found),
    };
    let full = act == RecordAct::Start && served && running == MIX_RECORDINGS_MAX;
    let expected = if full { Err(Refusal::TooManyRecordings) } else { expected };
    let may = world.rights[name].permissions.has(Permission::Recording);
    let expected = if may { expected } else { Err(Refusal::NotPermitted) };
    assert_eq!(party.act(name, Command::Stage(StageAct::Record(act))).map(drop), expected);
    world.note(
        expected.map_or_else(|why| format!("{why:?}"), |()| format!("{act:?}").split('(').next().unwrap_or_default().to_owned()),
    );
}

/// A client that receives the mix makes a new link, or offers again on the one that it has.
fn reopen(dice: &mut Dice, party: &mut Party, name: &str) {
    let link = LinkId(format!("{name}/{}", dice.roll(3)).into());
    let joined = &party.people[name].joined;
    if joined.own.member.view == View::Mix {
        party.act(name, Command::Open { link, offer: offer(1) }).expect("inside");
    }
}

fn be_media(dice: &mut Dice, party: &mut Party, name: &str) {
    let joined = &party.people[name].joined;
    let at = (joined.room, joined.me);
    match dice.roll(60) {
        0 => {
            party.media.lose(at.0);
            party.report_lost();
        }
        1..=3 => party.report_of(at, News::Dead),
        57 => party.report_ended(),
        58 => {
            let rules = [Rule::All, Rule::Nothing][dice.roll(2) as usize].clone();
            party.owner(Command::SetRecordRules { room: at.0, rules }).expect("in progress");
        }
        59 => fail(dice, party, at.0),
        4..=30 => party.report_of(at, News::Talking(dice.roll(2) == 0)),
        31..=33 => party.report(Report::Speaker { room: at.0, who: (dice.roll(2) == 0).then_some(at.1) }),
        _ => party.report_of(at, News::Connected),
    }
}

/// The disk is full for one recording.
fn fail(dice: &mut Dice, party: &mut Party, room: RoomId) {
    let mixes = party.media.mixes.get(&room).into_iter().flatten().map(|take| take.recording);
    let peers = party.media.peers.iter().filter(|((of, _), _)| *of == room);
    let all: Vec<RecordingId> = mixes.chain(peers.flat_map(|(_, peer)| &peer.takes).map(|take| take.recording)).collect();
    if let Some(recording) = all.get(dice.roll(all.len().max(1) as u64) as usize).copied() {
        party.media.failed(recording);
        let (duration, offset) = (Duration::ZERO, Duration::ZERO);
        let outcome = Outcome { duration, bytes: 0, offset, codec: None, why: WhyStopped::Disk };
        party.report(Report::Recorded { room, recording, news: RecordNews::Ended(outcome) });
    }
}

/// Somebody who is inside, or was, or never was.
fn anybody(dice: &mut Dice, party: &Party) -> ParticipantId {
    let room = party.rooms.by_name("den");
    let people = room.map(|room| room.participants).unwrap_or_default();
    let at = dice.roll(people.len() as u64 + 1) as usize;
    people.get(at).map_or(ParticipantId(u128::from(dice.roll(99))), |one| one.id)
}

fn permissions(dice: &mut Dice) -> Permissions {
    match dice.roll(3) {
        0 => Permissions::ALL,
        1 => Permission::ALL.into_iter().take(15).collect(),
        _ => Permission::ALL.into_iter().filter(|_| dice.roll(2) == 0).collect(),
    }
}

fn position(dice: &mut Dice) -> Position {
    let number = 1 + dice.roll(9) as u8;
    match dice.roll(9) {
        0 => Position::Reserved(1),
        1 => Position::Playback,
        2 => Position::FullScreen,
        3 => Position::OffCanvas,
        4..=5 => Position::Standard(number),
        _ => Position::Auto,
    }
}

fn any_act(dice: &mut Dice) -> MemberAct {
    let yes = dice.roll(2) == 0;
    let rights = Rights { publish: true, permissions: permissions(dice), ..Rights::default() };
    match dice.roll(30) {
        0..=3 => MemberAct::MuteAudio(yes),
        4..=8 => MemberAct::MuteVideo(yes),
        9..=10 => MemberAct::Deafen(yes),
        11..=12 => MemberAct::InputVolume(dice.roll(50) as i8),
        13..=14 => MemberAct::OutputVolume(-(dice.roll(50) as i8)),
        15 => MemberAct::Sensitivity(dice.roll(100) as u8),
        16..=18 => MemberAct::RaiseHand(yes),
        19..=22 => MemberAct::Place(position(dice)),
        23 => MemberAct::Meta(room::MetaChange::Set([("k".into(), room::Sealed("v".into()))].into())),
        24 => MemberAct::Remove,
        25..=27 => MemberAct::Promote { rights, audio_muted: yes, video_muted: false, meta: None },
        _ => MemberAct::Demote { rights, meta: None },
    }
}

/// What it takes to do this with oneself, and with anybody.
fn needed(act: &MemberAct) -> (Option<Permission>, Permission) {
    let find = |name: &str| Permission::ALL.into_iter().find(|one| format!("{one:?}") == name).expect("a permission");
    let both = |name: &str| (Some(find(&format!("Self{name}"))), find(name));
    match act {
        MemberAct::MuteAudio(true) => both("MuteAudio"),
        MemberAct::MuteAudio(false) => both("UnmuteAudio"),
        MemberAct::MuteVideo(true) => both("MuteVideo"),
        MemberAct::MuteVideo(false) => both("UnmuteVideo"),
        MemberAct::Deafen(true) => both("Deaf"),
        MemberAct::Deafen(false) => both("Undeaf"),
        MemberAct::InputVolume(_) => both("InputVolume"),
        MemberAct::OutputVolume(_) => both("OutputVolume"),
        MemberAct::Sensitivity(_) => both("Sensitivity"),
        MemberAct::RaiseHand(true) => both("RaiseHand"),
        MemberAct::RaiseHand(false) => both("LowerHand"),
        MemberAct::Place(_) => both("Position"),
        MemberAct::Meta(_) => both("Meta"),
        MemberAct::Remove => (None, Permission::Remove),
        MemberAct::Promote { .. } => (None, Permission::Promote),
        MemberAct::Demote { .. } => (None, Permission::Demote),
    }
}

impl Mirror {
    fn new(joined: &Joined) -> Self {
        Mirror {
            own: Snapshot::clone(&joined.own),
            others: joined.others.iter().map(|one| (one.id, Snapshot::clone(one))).collect(),
            stage: StageView::clone(&joined.stage),
            layout: Layout::clone(&joined.layout),
        }
    }

    /// Takes what its client hears.
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Changed { participant, change: Change::Left(_), .. } => {
                self.others.remove(&participant.id).expect("it was there");
            }
            Event::Changed { participant, change, .. } => {
                let before = self.others.insert(participant.id, Snapshot::clone(participant));
                assert_eq!(before.is_none(), *change == Change::Joined, "{participant:?} {change:?}");
            }
            Event::Member { participant, changed } => {
                assert!(!changed.is_empty());
                if participant.id == self.own.id {
                    self.own = Snapshot::clone(participant);
                } else {
                    assert!(self.others.insert(participant.id, Snapshot::clone(participant)).is_some(), "a stranger");
                }
            }
            Event::Talking(who, talking) if *who == self.own.id => self.own.member.talking = *talking,
            Event::Talking(who, talking) => self.others.get_mut(who).expect("it is there").member.talking = *talking,
            Event::Stage { stage, changed } => {
                assert!(!changed.is_empty() && self.stage != **stage);
                self.stage = StageView::clone(stage);
            }
            Event::Layout(layout) => {
                assert_ne!(self.layout, **layout);
                self.layout = Layout::clone(layout);
            }
            _ => {}
        }
    }
}

impl World {
    fn note(&mut self, what: String) {
        self.told.insert(what);
    }

    /// The mirrors take what was told. Whoever was put out knows it; who left or is away hears nothing.
    fn listen(&mut self, party: &mut Party) {
        let inside: BTreeSet<ParticipantId> = party.rooms.rooms().flat_map(|room| room.participants).map(|one| one.id).collect();
        for name in self.mirrors.keys().cloned().collect::<Vec<_>>() {
            let heard = std::mem::take(&mut party.people.get_mut(&name).expect("a guest").heard);
            for event in &heard {
                self.told.insert(word(event));
                self.mirrors.get_mut(&name).expect("inside").hear(event);
                self.regrade(party, &name, event);
            }
            if !inside.contains(&self.mirrors[&name].own.id) {
                let gone = self.mirrors.remove(&name).expect("inside");
                if gone.own.presence == Presence::Reconnecting {
                    self.told.insert("Out(TimedOut)".into());
                }
            }
        }
    }

    /// Whoever has another role asks how everything is now.
    fn regrade(&mut self, party: &mut Party, name: &str, event: &Event) {
        let Event::Role { role, rights } = event else { return };
        self.rights.insert(name.to_owned(), *rights);
        let me = self.mirrors[name].own.id;
        let room = party.rooms.rooms().find(|room| room.participants.iter().any(|one| one.id == me));
        if let Some(own) = room.and_then(|room| room.participants.into_iter().find(|one| one.id == me)) {
            assert_eq!(own.member.role, *role);
            self.mirrors.get_mut(name).expect("inside").own = Snapshot::clone(&own);
        }
    }

    fn restart(&mut self, party: &Party) {
        let kept: BTreeSet<ParticipantId> = party.rooms.rooms().flat_map(|room| room.participants).map(|one| one.id).collect();
        self.mirrors.retain(|_, mirror| kept.contains(&mirror.own.id));
        self.mirrors.values_mut().for_each(|mirror| mirror.own.presence = Presence::Reconnecting);
        self.story = Story::default();
        self.story.begin(&party.rooms);
    }

    fn check(&mut self, party: &mut Party, step: u32) {
        std::mem::take(&mut party.facts).into_iter().for_each(|fact| self.story.take(fact));
        self.story.check(&party.rooms, step);
        let Some(room) = party.rooms.by_name("den") else { return };
        let audience = room.participants.iter().filter(|one| one.member.role == Role::Audience).count();
        let hears =
            |one: &&Arc<Snapshot>| one.member.view == View::Mix && matches!(one.member.role, Role::Person | Role::Audience);
        let is_mixed = room.participants.iter().any(|one| hears(&one));
        if is_mixed {
            assert_eq!(room.stage.audience as usize, audience, "step {step}");
        }
        for one in &room.participants {
            let parent = one.member.parent;
            let here = |id| room.participants.iter().any(|one| one.id == id && one.member.role == Role::Person);
            assert!(parent.is_none_or(here), "step {step}: {} is alone", one.identity);
        }
        for mirror in self.mirrors.values().filter(|mirror| mirror.own.presence == Presence::Connected) {
            check_mirror(mirror, &room, step);
        }
        check_scene(party, &room, step);
        check_takes(party, &room, step);
        let somebody = room.participants.iter().filter(hears).find(|one| one.presence == Presence::Connected);
        if let Some(name) = somebody.map(|one| one.identity.to_string()) {
            check_sane(party, &self.mirrors[&name].layout, (1280, 720), &format!("step {step}"));
        }
    }
}

/// What a client knows is what is. Who receives tracks knows only of those; a screen knows nothing.
fn check_mirror(mirror: &Mirror, room: &RoomView, step: u32) {
    let own = &mirror.own;
    let others = room.participants.iter().filter(|one| one.id != own.id && one.member.role != Role::Audience);
    let member = |one: &Snapshot| match own.member.view {
        View::Tracks => Member::default(),
        View::Mix => one.member.clone(),
    };
    let seen = |one: &Snapshot| Snapshot { revision: 0, member: member(one), ..one.clone() };
    let real: BTreeMap<ParticipantId, Snapshot> = others.map(|one| (one.id, seen(one))).collect();
    let known: BTreeMap<ParticipantId, Snapshot> = mirror.others.iter().map(|(id, one)| (*id, seen(one))).collect();
    if own.member.role == Role::Person || own.member.role == Role::Audience {
        assert_eq!(known, real, "step {step}: {} knows otherwise", own.identity);
        if own.member.view == View::Mix {
            assert_eq!(mirror.stage, *room.stage, "step {step}");
            let now = room.participants.iter().find(|one| one.id == own.id).expect("inside");
            assert_eq!(own.member, now.member, "step {step}: {} knows otherwise of itself", own.identity);
        }
    }
}

/// The mixer mixes those who have a link, and only while somebody hears it.
fn check_scene(party: &Party, room: &RoomView, step: u32) {
    let has_link = |one: &&Arc<Snapshot>| party.media.peers.contains_key(&(room.id, one.id));
    let hears = |one: &&Arc<Snapshot>| one.member.view == View::Mix && matches!(one.member.role, Role::Person | Role::Audience);
    let ears: Vec<ParticipantId> = room.participants.iter().filter(hears).filter(has_link).map(|one| one.id).collect();
    let Some(scene) = party.media.scenes.get(&room.id) else {
        return assert!(ears.is_empty(), "step {step}: nothing is mixed for {ears:?}");
    };
    assert_eq!(scene.ears.iter().map(|ear| ear.who).collect::<Vec<_>>(), ears, "step {step}");
    let sound = |one: &&Arc<Snapshot>| one.tracks.iter().filter(|track| track.kind == Kind::Audio && track.enabled).count();
    let voices: usize = room.participants.iter().filter(has_link).map(|one| sound(&one)).sum();
    assert_eq!(scene.voices.len(), voices, "step {step}");
}

/// What is recorded of the mix is what members see of it, and everybody knows whether anything is.
fn check_takes(party: &Party, room: &RoomView, step: u32) {
    let live = room.stage.recordings.iter().filter(|one| one.state != MixState::Completed);
    let live: Vec<_> = live.map(|one| (one.id, one.state == MixState::Paused)).collect();
    let asked = party.media.mixes.get(&room.id).into_iter().flatten().map(|take| (take.recording, take.paused));
    assert_eq!(asked.collect::<Vec<_>>(), live, "step {step}");
    // What a moderator muted is not recorded, and not enabled either.
    let any = |enabled: bool| {
        let tracks = room.participants.iter().flat_map(|one| &one.tracks);
        let media = tracks.filter(|track| track.kind != Kind::Data && (track.enabled || !enabled)).count();
        !live.is_empty() || room.options.record == Rule::All && media > 0
    };
    assert!(room.recording || !any(true), "step {step}");
    assert!(!room.recording || any(false), "step {step}");
}

fn word(event: &Event) -> String {
    match event {
        Event::Changed { change, .. } => format!("{change:?}"),
        Event::Out(why) => format!("Out({why:?})"),
        other => format!("{other:?}").split([' ', '(', '{']).next().unwrap_or_default().to_owned(),
    }
}
