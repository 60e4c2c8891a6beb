//! Random histories: the rooms and a model that is too simple to be wrong must agree after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use room::{Caller, Command, Event, Limits, LinkId, News, ParticipantId, Presence, Refusal, Report, RoomId, RoomKind, Step};

use crate::party::Party;

const STEPS: u32 = 30_000;
const PEOPLE: u64 = 9;
const PLACES: u64 = 3;
const TRACKS: [&str; 5] = ["v cam", "v cam off", "a mic", "a mic off", "d chat"];

/// Room name to who is in it; away since when, in seconds.
#[derive(Default)]
struct Model {
    rooms: BTreeMap<String, BTreeMap<String, Option<u64>>>,
    seconds: u64,
}

/// A small generator of our own (xorshift64*), so that a seed is all it takes to see a run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

#[test]
fn random_histories_agree_with_the_model() {
    let seed = std::env::var("KENNEL_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x5eed_1234);
    println!("seed {seed}: run again with KENNEL_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    for kind in [RoomKind::GroupSmall, RoomKind::PeerToPeer, RoomKind::Auto] {
        let mut party = Party::new(Limits { kind, ..Limits::default() });
        let mut model = Model::default();
        for step in 0..STEPS {
            take_step(&mut dice, &mut party, &mut model);
            check(&party, &model, step);
        }
    }
}

fn take_step(dice: &mut Dice, party: &mut Party, model: &mut Model) {
    let name = format!("p{}", dice.roll(PEOPLE));
    let place = format!("r{}", dice.roll(PLACES));
    if dice.roll(3) == 0 {
        be_media(dice, party, &name);
    }
    match dice.roll(10) {
        0..=3 => join(party, model, &name, &place, dice),
        4 => leave(party, model, &name),
        5 => lose(party, model, &name),
        6 => resume(party, model, &name),
        7 => publish(party, model, &name, dice),
        8 => pass(party, model, dice.roll(20)),
        _ => end(party, model, &place, dice),
    }
}

fn join(party: &mut Party, model: &mut Model, name: &str, place: &str, dice: &mut Dice) {
    if model.whereabouts(name).is_some() {
        return;
    }
    let seats = party.rooms.by_name(place).map_or(usize::MAX, |room| room.kind.participants_max());
    let inside = model.rooms.get(place).map_or(0, BTreeMap::len);
    let expected = if inside >= seats { Err(Refusal::RoomFull) } else { Ok(()) };
    let tracks = tracks(dice);
    assert_eq!(party.join(name, place, &tracks), expected);
    if expected.is_ok() {
        model.rooms.entry(place.to_owned()).or_default().insert(name.to_owned(), None);
    }
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
        let now = model.seconds;
        model.rooms.entry(place).or_default().insert(name.to_owned(), Some(now));
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
        model.rooms.entry(place).or_default().insert(name.to_owned(), None);
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
    model.seconds += seconds;
    let now = model.seconds;
    for people in model.rooms.values_mut() {
        people.retain(|_, away| away.is_none_or(|since| since + 30 > now));
    }
    model.rooms.retain(|_, people| !people.is_empty());
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
        self.rooms.iter().find_map(|(place, people)| people.get(name).map(|away| (place.clone(), *away)))
    }

    fn remove(&mut self, place: &str, name: &str) {
        if let Some(people) = self.rooms.get_mut(place) {
            people.remove(name);
            if people.is_empty() {
                self.rooms.remove(place);
            }
        }
    }
}

/// What must hold whatever happened.
fn check(party: &Party, model: &Model, step: u32) {
    let real: BTreeMap<String, BTreeMap<String, bool>> = party
        .rooms
        .rooms()
        .map(|room| {
            let people = room.participants.iter().map(|p| (p.identity.to_string(), p.presence == Presence::Reconnecting));
            (room.name.to_string(), people.collect())
        })
        .collect();
    let expected: BTreeMap<String, BTreeMap<String, bool>> = model
        .rooms
        .iter()
        .map(|(place, people)| (place.clone(), people.iter().map(|(name, away)| (name.clone(), away.is_some())).collect()))
        .collect();
    assert_eq!(real, expected, "step {step}");
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
