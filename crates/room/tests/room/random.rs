//! Random histories: the rooms and a model that is too simple to be wrong must agree after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use room::{
    Caller, Command, Create, Event, Kind, Limits, LinkId, News, ParticipantId, Presence, Priority, Refusal, Report, RoomId,
    RoomKind, RoomOptions, RoomRef, RoomView, Rule, RuleLine, Sealed, Step, Terms, Topology, TrackId, Which, Whom,
};

use crate::party::Party;
use crate::story::Story;

const STEPS: u32 = 10_000;
const PEOPLE: u64 = 9;
const PLACES: u64 = 3;
const TRACKS: [&str; 5] = ["v cam", "v cam off", "a mic high", "a mic off", "d chat"];
const SEAT_S: u64 = 30;

/// Everything that must happen once at least.
const REASONS: [&str; 9] = [
    "Completed",
    "Empty",
    "Expired",
    "Unused",
    "Left(Expired)",
    "Left(Left)",
    "Left(Removed)",
    "Left(RoomEnded)",
    "Left(TimedOut)",
];

/// All rooms by name.
#[derive(Default)]
struct Model {
    rooms: BTreeMap<String, Place>,
    seconds: u64,
    story: Story,
}

/// A room; times in seconds.
struct Place {
    people: BTreeMap<String, Seat>,
    began: u64,
    /// None while nobody ever came.
    empty_since: Option<u64>,
    terms: Terms,
}

struct Seat {
    came: u64,
    away: Option<u64>,
    rule: Rule,
}

/// A small generator of our own (xorshift64*), so that a seed is all it takes to see a run again.
pub struct Dice(u64);

impl Dice {
    /// With the seed that the environment names, or always the same.
    pub fn seeded() -> Self {
        let seed = std::env::var("KENNEL_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x5eed_1234);
        println!("seed {seed}: run again with KENNEL_TEST_SEED={seed}");
        Dice(seed)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

#[test]
fn random_histories_agree_with_the_model() {
    let mut dice = Dice::seeded();
    for kind in [RoomKind::GroupSmall, RoomKind::PeerToPeer, RoomKind::Auto] {
        let limits = Limits { kind, ..Limits::default() };
        let mut party = Party::new(limits.clone());
        let mut model = Model::default();
        for step in 0..STEPS {
            if dice.roll(500) == 0 {
                party = party.restarted(limits.clone());
                model.restart();
            }
            take_step(&mut dice, &mut party, &mut model);
            check(&mut party, &mut model, step);
        }
        let missing: Vec<_> = REASONS.iter().filter(|why| !model.story.reasons.contains(**why)).collect();
        assert!(missing.is_empty(), "{missing:?} never happened");
    }
}

fn take_step(dice: &mut Dice, party: &mut Party, model: &mut Model) {
    let name = format!("p{}", dice.roll(PEOPLE));
    let place = format!("r{}", dice.roll(PLACES));
    if dice.roll(3) == 0 {
        be_media(dice, party, &name);
    }
    match dice.roll(14) {
        0..=3 => join(party, model, &name, &place, dice),
        4 => leave(party, model, &name),
        5 => lose(party, model, &name),
        6 => resume(party, model, &name),
        7 => publish(party, model, &name, dice),
        8 => pass(party, model, dice.roll(20)),
        9 => create(party, model, &place, dice),
        10..=11 => set_rule(party, model, &name, dice),
        12 => put_out(party, model, &name, dice),
        _ => end(party, model, &place, dice),
    }
}

fn join(party: &mut Party, model: &mut Model, name: &str, place: &str, dice: &mut Dice) {
    if model.whereabouts(name).is_some() {
        return;
    }
    let room = model.rooms.get(place);
    let full = room.is_some_and(|room| room.people.len() >= room.terms.seats_max);
    let expected = if full { Err(Refusal::RoomFull) } else { Ok(()) };
    let tracks = tracks(dice);
    assert_eq!(party.join(name, place, &tracks), expected);
    if expected.is_err() {
        return;
    }
    let now = model.seconds;
    let made = || {
        let room = party.rooms.by_name(place).expect("made by joining");
        Place { people: BTreeMap::new(), began: now, empty_since: None, terms: Terms::adhoc(room.kind, &Limits::default()) }
    };
    let room = model.rooms.entry(place.to_owned()).or_insert_with(made);
    room.people.insert(name.to_owned(), Seat { came: now, away: None, rule: Rule::All });
    room.empty_since = None;
}

/// Somebody makes a room on purpose, perhaps with seats that it cannot have.
fn create(party: &mut Party, model: &mut Model, place: &str, dice: &mut Dice) {
    let kind = RoomKind::ALL[dice.roll(5) as usize];
    let mut seconds = |sides, least| Duration::from_secs(least + dice.roll(sides));
    let (empty_timeout, unused_timeout) = (seconds(60, 0), seconds(40, 1));
    let (session_max, room_max) = (Some(seconds(300, 1)), Some(seconds(200, 20)));
    let seats_max = dice.roll(kind.participants_max() as u64 + 2) as usize;
    let session_max = session_max.filter(|_| dice.roll(2) == 0);
    let room_max = room_max.filter(|_| dice.roll(2) == 0);
    let terms = Terms { seats_max, empty_timeout, unused_timeout, session_max, room_max, tracks_max: None };
    let (room, options, memo) = (RoomRef::Name(place.into()), RoomOptions::default(), Sealed::default());
    let answer = party.owner(Command::Create(Box::new(Create { room, kind, options, terms: terms.clone(), memo })));
    let expected = if !(1..=kind.participants_max()).contains(&seats_max) {
        Err(Refusal::SeatsInvalid)
    } else if model.rooms.contains_key(place) {
        Err(Refusal::RoomExists)
    } else {
        Ok(())
    };
    assert_eq!(answer.map(drop), expected);
    if expected.is_ok() {
        let place_made = Place { people: BTreeMap::new(), began: model.seconds, empty_since: None, terms };
        model.rooms.insert(place.to_owned(), place_made);
    }
}

fn set_rule(party: &mut Party, model: &mut Model, name: &str, dice: &mut Dice) {
    let Some(guest) = party.people.get(name) else { return };
    let participant = guest.joined.me;
    let rule = rule(dice, participant);
    let place = model.whereabouts(name).map(|(place, _)| place);
    let mesh = |place: &String| party.rooms.by_name(place).is_some_and(|room| room.topology == Topology::Mesh);
    let expected = match &place {
        None => Err(Refusal::ParticipantNotFound),
        Some(place) if mesh(place) => Err(Refusal::NoRules),
        Some(_) => Ok(()),
    };
    assert_eq!(party.owner(Command::SetRule { participant, rule: rule.clone() }).map(drop), expected);
    if let (Some(place), Ok(())) = (place, expected) {
        model.seat(&place, name).rule = rule;
    }
}

fn rule(dice: &mut Dice, near: ParticipantId) -> Rule {
    match dice.roll(6) {
        0 => Rule::All,
        1 => Rule::Nothing,
        _ => Rule::Listed((0..dice.roll(4)).map(|_| rule_line(dice, near)).collect()),
    }
}

fn rule_line(dice: &mut Dice, near: ParticipantId) -> RuleLine {
    let person = format!("p{}", dice.roll(PEOPLE)).into();
    // Ids are counted, so those that are near are likely to be somebody's.
    let id = near.0.saturating_sub(u128::from(dice.roll(20)));
    let name = TRACKS[dice.roll(5) as usize].split(' ').nth(1).expect("a name").into();
    RuleLine {
        include: dice.roll(3) > 0,
        publisher: match dice.roll(4) {
            0 => Some(Whom::Identity(person)),
            1 => Some(Whom::Id(ParticipantId(id), person)),
            _ => None,
        },
        track: match dice.roll(4) {
            0 => Some(Which::Name(name)),
            1 => Some(Which::Id(TrackId(id), name)),
            _ => None,
        },
        kind: (dice.roll(4) == 0).then_some(Kind::Audio),
        priority: (dice.roll(4) == 0).then_some(Priority::High),
    }
}

fn put_out(party: &mut Party, model: &mut Model, name: &str, dice: &mut Dice) {
    if dice.roll(3) > 0 {
        return;
    }
    let Some((place, _)) = model.whereabouts(name) else { return };
    let me = party.people[name].joined.me;
    party.owner(Command::Remove(me)).expect("inside");
    model.remove(&place, name);
}

/// The media server does what it may do at any time, and so do the clients on their links to it. The party's [`Media`] demands that
/// every order makes sense; here it must not change who is inside.
///
/// [`Media`]: crate::media::Media
fn be_media(dice: &mut Dice, party: &mut Party, name: &str) {
    let Some(guest) = party.people.get(name) else { return };
    let at = (guest.joined.room, guest.joined.me);
    match dice.roll(60) {
        0 => party.media.lose(at.0),
        57 => party.report_ended(),
        58 => set_record_rules(dice, party, at),
        59 => party.report_lost(),
        1..=3 => party.report_of(at, News::Dead),
        4..=30 => place(dice, party, at),
        31..=33 => {
            let who = (dice.roll(2) == 0).then_some(at.1);
            party.report(Report::Speaker { room: at.0, who });
        }
        _ => offer_what_is_wanted(party, name),
    }
}

fn set_record_rules(dice: &mut Dice, party: &mut Party, (room, who): (RoomId, ParticipantId)) {
    let rules = rule(dice, who);
    let expected = match party.rooms.by_id(room).map(|room| (room.topology, room.kind)) {
        None => Err(Refusal::RoomNotFound),
        Some((Topology::Mesh, kind)) if kind != RoomKind::Auto => Err(Refusal::NoRules),
        Some(_) => Ok(()),
    };
    assert_eq!(party.owner(Command::SetRecordRules { room, rules }).map(drop), expected);
}

/// The server has a place for some of what it was asked to send.
fn place(dice: &mut Dice, party: &mut Party, (room, who): (RoomId, ParticipantId)) {
    let Some(peer) = party.media.peers.get(&(room, who)) else { return };
    let asked = peer.subscribed.clone().unwrap_or_default();
    let mut label = || (dice.roll(5) > 0).then(|| format!("l{}", dice.roll(1_000)).into());
    let placed = asked.into_iter().filter_map(|track| Some((track, label()?))).collect();
    party.report_of((room, who), News::Placed(placed));
}

/// A client that was asked for an offer on a link to the server makes it.
fn offer_what_is_wanted(party: &mut Party, name: &str) {
    let guest = &party.people[name];
    let heard = guest.heard.iter().rev().find_map(|event| match event {
        Event::LinkWanted { link, server: true, .. } => Some(link.clone()),
        _ => None,
    });
    let told = guest.joined.links.iter().find(|link| link.server && link.wanted.is_some()).map(|link| link.link.clone());
    let links: Vec<LinkId> = heard.into_iter().chain(told).collect();
    for link in links {
        party.try_signal(name, &link, Step::Offer, 2);
    }
}

fn leave(party: &mut Party, model: &mut Model, name: &str) {
    if let Some((place, None)) = model.whereabouts(name) {
        party.act(name, Command::Leave).expect("inside");
        model.remove(&place, name);
    }
}

fn lose(party: &mut Party, model: &mut Model, name: &str) {
    if let Some((place, None)) = model.whereabouts(name) {
        party.act(name, Command::Lose).expect("inside");
        model.seat(&place, name).away = Some(model.seconds);
    }
}

fn resume(party: &mut Party, model: &mut Model, name: &str) {
    if !party.people.contains_key(name) {
        return;
    }
    let whereabouts = model.whereabouts(name);
    let expected = if whereabouts.is_some() { Ok(()) } else { Err(Refusal::SeatNotFound) };
    assert_eq!(party.resume(name, Vec::new()), expected);
    if let Some((place, _)) = whereabouts {
        model.seat(&place, name).away = None;
    }
}

fn publish(party: &mut Party, model: &mut Model, name: &str, dice: &mut Dice) {
    if let Some((_, None)) = model.whereabouts(name) {
        let tracks = tracks(dice);
        party.publish(name, &tracks);
    }
}

fn pass(party: &mut Party, model: &mut Model, seconds: u64) {
    party.pass(Duration::from_secs(seconds));
    for _ in 0..seconds {
        model.tick();
    }
}

fn end(party: &mut Party, model: &mut Model, place: &str, dice: &mut Dice) {
    if dice.roll(5) > 0 {
        return;
    }
    if let Some(room) = party.rooms.by_name(place) {
        party.owner(Command::EndRoom(room.id)).expect("in progress");
        model.rooms.remove(place);
    }
}

fn tracks(dice: &mut Dice) -> Vec<&'static str> {
    TRACKS.into_iter().filter(|_| dice.roll(2) == 0).collect()
}

impl Model {
    fn whereabouts(&self, name: &str) -> Option<(String, Option<u64>)> {
        self.rooms.iter().find_map(|(place, room)| room.people.get(name).map(|seat| (place.clone(), seat.away)))
    }

    fn seat(&mut self, place: &str, name: &str) -> &mut Seat {
        self.rooms.get_mut(place).and_then(|room| room.people.get_mut(name)).expect("inside")
    }

    fn remove(&mut self, place: &str, name: &str) {
        let now = self.seconds;
        if let Some(room) = self.rooms.get_mut(place) {
            room.keep(now, |who, _| who != name);
        }
        self.rooms.retain(|_, room| !room.over(now));
    }

    /// A second passes.
    fn tick(&mut self) {
        self.seconds += 1;
        let now = self.seconds;
        self.rooms.retain(|_, room| !room.over(now));
        for room in self.rooms.values_mut() {
            let session_s = room.terms.session_max.map_or(u64::MAX, |time| time.as_secs());
            let long = |since: u64, time: u64| now - since >= time;
            room.keep(now, |_, seat| !long(seat.came, session_s) && !seat.away.is_some_and(|since| long(since, SEAT_S)));
        }
        self.rooms.retain(|_, room| !room.over(now));
    }

    fn restart(&mut self) {
        let now = self.seconds;
        let seats = self.rooms.values_mut().flat_map(|room| room.people.values_mut());
        seats.for_each(|seat| seat.away = Some(now));
        self.story.restart();
    }
}

impl Place {
    fn keep(&mut self, now: u64, stays: impl Fn(&str, &Seat) -> bool) {
        let used = !self.people.is_empty();
        self.people.retain(|who, seat| stays(who, seat));
        if used && self.people.is_empty() {
            self.empty_since = Some(now);
        }
    }

    fn over(&self, now: u64) -> bool {
        let (since, time) = match self.empty_since {
            Some(since) => (since, self.terms.empty_timeout),
            None => (self.began, self.terms.unused_timeout),
        };
        let past = |since: u64, time: Duration| now - since >= time.as_secs();
        (self.people.is_empty() && past(since, time)) || self.terms.room_max.is_some_and(|time| past(self.began, time))
    }
}

/// What must hold whatever happened.
fn check(party: &mut Party, model: &mut Model, step: u32) {
    let real: BTreeMap<String, BTreeMap<String, bool>> = party
        .rooms
        .rooms()
        .map(|room| {
            let people = room.participants.iter().map(|p| (p.identity.to_string(), p.presence == Presence::Reconnecting));
            (room.name.to_string(), people.collect())
        })
        .collect();
    let people = |room: &Place| room.people.iter().map(|(name, seat)| (name.clone(), seat.away.is_some())).collect();
    let expected: BTreeMap<String, BTreeMap<String, bool>> =
        model.rooms.iter().map(|(place, room)| (place.clone(), people(room))).collect();
    assert_eq!(real, expected, "step {step}");
    std::mem::take(&mut party.facts).into_iter().for_each(|fact| model.story.take(fact));
    model.story.check(&party.rooms, step);
    for room in party.rooms.rooms() {
        check_received(party, model, &room);
    }
    check_revisions(party, step);
    check_ids(party, step);
    check_peers(party, step);
    for (name, _) in party.people.iter().filter(|(name, _)| model.whereabouts(name).is_none()) {
        let conn = party.people[name].conn;
        assert!(
            !party.rooms.rooms().any(|room| room.participants.iter().any(|p| *p.identity == **name)),
            "step {step}: {conn:?}"
        );
    }
}

/// What these rules take, read as they are defined: from nothing, each line adds a set or takes one away.
fn taken(rule: &Rule, all: &[(&room::Snapshot, &room::Track)]) -> BTreeSet<TrackId> {
    let mut taken = BTreeSet::new();
    let lines = match rule {
        Rule::All => &[RuleLine { include: true, publisher: None, track: None, kind: None, priority: None }][..],
        Rule::Nothing => &[],
        Rule::Listed(lines) => lines,
    };
    for line in lines {
        let set: BTreeSet<TrackId> =
            all.iter().filter(|(one, track)| fits(line, one, track)).map(|(_, track)| track.id).collect();
        taken = if line.include { &taken | &set } else { &taken - &set };
    }
    taken
}

/// What of somebody the media server was asked to record.
fn check_recorded(party: &Party, room: &RoomView, of: &room::Snapshot) {
    let told = !party.media.untold.contains(&room.id);
    let Some(peer) = party.media.peers.get(&(room.id, of.id)).filter(|_| told) else { return };
    let all: Vec<_> = of.tracks.iter().filter(|track| track.kind != Kind::Data).map(|track| (of, track)).collect();
    let asked: BTreeSet<TrackId> = peer.takes.iter().map(|take| take.track).collect();
    assert_eq!(asked, taken(&room.options.record, &all), "{:?}", room.options.record);
}

/// By the rules.
fn check_received(party: &Party, model: &Model, room: &RoomView) {
    for hearer in &room.participants {
        let rule = &model.rooms[&*room.name].people[&*hearer.identity].rule;
        let others = room.participants.iter().filter(|one| one.id != hearer.id);
        let all: Vec<_> = others.flat_map(|one| one.tracks.iter().map(move |track| (&**one, track))).collect();
        let allowed = taken(rule, &all);
        check_recorded(party, room, hearer);
        let received = party.rooms.subscribed(hearer.id).expect("inside");
        let received: BTreeSet<TrackId> = received.iter().map(|(_, track)| track.id).collect();
        assert!(received.is_subset(&allowed), "{rule:?}");
        if room.topology == Topology::Mesh {
            assert_eq!(received, allowed, "a mesh sends everything");
        }
        // Until the rooms hear that a worker is gone, media and they do not agree.
        let told = !party.media.untold.contains(&room.id);
        if let Some(peer) = party.media.peers.get(&(room.id, hearer.id)).filter(|_| told) {
            let published: BTreeSet<TrackId> = party.media.published(room.id, hearer.id).into_iter().collect();
            let asked: BTreeSet<TrackId> = peer.subscribed.iter().flatten().copied().collect();
            assert_eq!(asked, &allowed & &published, "{rule:?}");
        }
    }
}

fn fits(line: &RuleLine, one: &room::Snapshot, track: &room::Track) -> bool {
    let publisher = match &line.publisher {
        None => true,
        Some(Whom::Identity(words)) => *words == one.identity,
        Some(Whom::Id(id, words)) => *id == one.id || *words == one.identity,
    };
    let name = match &line.track {
        None => true,
        Some(Which::Name(words)) => *words == track.name,
        Some(Which::Id(id, words)) => *id == track.id || *words == track.name,
    };
    let kind = line.kind.is_none_or(|kind| kind == track.kind);
    publisher && name && kind && line.priority.is_none_or(|priority| priority == track.priority)
}

/// Each hearer sees each participant's revision grow, and never hears of one again after it left.
fn check_revisions(party: &Party, step: u32) {
    for (hearer, guest) in &party.people {
        let mut last = BTreeMap::new();
        let mut received = 0;
        for event in &guest.heard {
            let subscribed = match event {
                Event::Changed { participant, subscribed, .. } => {
                    let before = last.insert(participant.id, participant.revision);
                    let older = before.is_some_and(|before| before >= participant.revision);
                    assert!(!older, "step {step}: {hearer} saw an old {participant:?}");
                    subscribed.as_ref()
                }
                Event::Subscribed(subscribed) => Some(subscribed),
                _ => None,
            };
            let Some(subscribed) = subscribed else { continue };
            assert!(subscribed.revision > received, "step {step}: {hearer} saw subscriptions go back");
            received = subscribed.revision;
        }
    }
}

/// The media server keeps nothing of those who are gone.
fn check_peers(party: &Party, step: u32) {
    for (room, who) in party.media.peers.keys() {
        let inside = party.rooms.rooms().any(|one| one.id == *room && one.participants.iter().any(|p| p.id == *who));
        assert!(inside, "step {step}: a peer of {who:?}, who is gone");
    }
}

fn check_ids(party: &Party, step: u32) {
    let mut seen = BTreeSet::new();
    for room in party.rooms.rooms() {
        for participant in &room.participants {
            assert!(seen.insert(participant.id.0), "step {step}: an id twice");
            let names: BTreeSet<_> = participant.tracks.iter().map(|t| &t.name).collect();
            assert_eq!(names.len(), participant.tracks.len(), "step {step}: a track name twice");
            assert!(participant.tracks.iter().all(|t| seen.insert(t.id.0)), "step {step}: a track id twice");
        }
    }
}

#[test]
fn strangers_cannot_do_anything() {
    let mut party = Party::new(Limits::default());
    for conn in 0..100 {
        for command in [Command::Leave, Command::Lose] {
            let answer = party.rooms.handle(party.now, Caller::Conn(room::ConnId(conn)), command);
            assert_eq!(answer, Err(Refusal::NotJoined));
        }
    }
    assert_eq!(party.rooms.poll_output(), None);
}
