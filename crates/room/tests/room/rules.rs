//! What participants receive by rules that their owner sets.

use std::sync::Arc;

use room::{
    Command, Event, Fact, Kind, Limits, News, ParticipantId, Priority, Refusal, RoomKind, Rule, RuleLine, TrackId, Which, Whom,
};

use crate::party::Party;

/// Everything, before or after filters are added.
const fn line(include: bool) -> RuleLine {
    RuleLine { include, publisher: None, track: None, kind: None, priority: None }
}

fn listed(lines: &[RuleLine]) -> Rule {
    Rule::Listed(lines.into())
}

fn by(identity: &str) -> Option<Whom> {
    Some(Whom::Identity(identity.into()))
}

fn named(name: &str) -> Option<Which> {
    Some(Which::Name(name.into()))
}

/// Ann and Bo publish; cy looks on.
fn three() -> Party {
    let mut party = Party::new(Limits { kind: RoomKind::Group, ..Limits::default() });
    party.join("Ann", "den", &["v cam", "a mic high", "d chat"]).expect("a seat");
    party.join("Bo", "den", &["v cam high", "v screen", "a mic"]).expect("a seat");
    party.join("cy", "den", &["v cam"]).expect("a seat");
    party.media.take();
    party
}

fn set(party: &mut Party, who: &str, rule: Rule) -> Result<(), Refusal> {
    let participant = party.people[who].joined.me;
    party.owner(Command::SetRule { participant, rule }).map(drop)
}

/// What media is to send to somebody: `Ann cam`.
fn asked(party: &Party, who: &str) -> Vec<String> {
    let joined = &party.people[who].joined;
    let peer = &party.media.peers[&(joined.room, joined.me)];
    let room = party.rooms.by_id(joined.room).expect("in progress");
    let name = |track: &TrackId| {
        let mut all = room.participants.iter().flat_map(|one| one.tracks.iter().map(move |track| (one, track)));
        let (one, track) = all.find(|(_, known)| known.id == *track).expect("published");
        format!("{} {}", one.identity, track.name)
    };
    peer.subscribed.iter().flatten().map(name).collect()
}

fn track(party: &Party, who: &str, name: &str) -> TrackId {
    let room = party.rooms.by_name("den").expect("in progress");
    let one = room.participants.iter().find(|one| &*one.identity == who).expect("inside");
    one.tracks.iter().find(|track| &*track.name == name).expect("published").id
}

#[test]
fn lines_add_and_take_away_in_their_order() {
    let check = |lines: &[RuleLine], expected: &[&str]| {
        let mut party = three();
        set(&mut party, "cy", listed(lines)).expect("taken");
        assert_eq!(asked(&party, "cy"), expected, "{lines:?}");
        let joined = &party.people["cy"].joined;
        assert_eq!(party.rooms.rule(joined.me), Some(listed(lines)));
    };
    let all = ["Ann cam", "Ann mic", "Ann chat", "Bo cam", "Bo screen", "Bo mic"];
    check(&[line(true)], &all);
    check(&[], &[]);
    check(&[line(false)], &[]);
    check(&[RuleLine { kind: Some(Kind::Audio), ..line(true) }], &["Ann mic", "Bo mic"]);
    check(&[line(true), RuleLine { publisher: by("Ann"), ..line(false) }], &all[3..]);
    check(&[RuleLine { publisher: by("Ann"), ..line(false) }, line(true)], &all);
    check(&[line(true), line(false), RuleLine { kind: Some(Kind::Data), ..line(true) }], &["Ann chat"]);
    check(&[RuleLine { publisher: by("ann"), ..line(true) }], &[]);
    check(&[RuleLine { track: named("cam"), ..line(true) }], &["Ann cam", "Bo cam"]);
    check(&[RuleLine { track: named("Cam"), ..line(true) }], &[]);
    check(&[RuleLine { priority: Some(Priority::High), ..line(true) }], &["Ann mic", "Bo cam"]);
    let both = RuleLine { publisher: by("Bo"), kind: Some(Kind::Video), priority: Some(Priority::Standard), ..line(true) };
    check(&[both], &["Bo screen"]);
    check(&[RuleLine { publisher: by("cy"), ..line(true) }], &[]);
}

#[test]
fn ids_are_ids_or_words_that_look_like_them() {
    let check = |edit: &dyn Fn(&Party) -> RuleLine, expected: &[&str]| {
        let mut party = three();
        let line = edit(&party);
        set(&mut party, "cy", listed(&[line])).expect("taken");
        assert_eq!(asked(&party, "cy"), expected);
    };
    let id = |party: &Party, who: &str| party.people[who].joined.me;
    let whom = |id, words: &str| RuleLine { publisher: Some(Whom::Id(id, words.into())), ..line(true) };
    let which = |id, words: &str| RuleLine { track: Some(Which::Id(id, words.into())), ..line(true) };
    check(&|party| whom(id(party, "Ann"), "PA"), &["Ann cam", "Ann mic", "Ann chat"]);
    check(&|_| whom(ParticipantId(99), "Bo"), &["Bo cam", "Bo screen", "Bo mic"]);
    check(&|party| which(track(party, "Bo", "screen"), "MT"), &["Bo screen"]);
    check(&|_| which(TrackId(99), "mic"), &["Ann mic", "Bo mic"]);
    check(&|party| whom(id(party, "cy"), "PA"), &[]);
}

#[test]
fn a_rule_holds_for_what_is_published_later() {
    let mut party = three();
    set(&mut party, "cy", listed(&[RuleLine { priority: Some(Priority::High), ..line(true) }])).unwrap();
    party.publish("Ann", &["v cam high", "a mic", "d chat"]);
    assert_eq!(asked(&party, "cy"), ["Ann cam", "Bo cam"]);
    party.publish("Bo", &["v screen", "d notes high"]);
    assert_eq!(asked(&party, "cy"), ["Ann cam", "Bo notes"]);
    party.join("dee", "den", &["a mic high"]).unwrap();
    assert_eq!(asked(&party, "cy"), ["Ann cam", "Bo notes", "dee mic"]);
    party.act("Ann", Command::Leave).unwrap();
    assert_eq!(asked(&party, "cy"), ["Bo notes", "dee mic"]);
    assert_eq!(asked(&party, "dee"), ["Bo screen", "Bo notes", "cy cam"], "each has a rule of its own");
}

#[test]
fn the_client_hears_at_once_what_it_does_not_receive_any_more() {
    let mut party = three();
    let placed = ["cam", "mic"].map(|name| (track(&party, "Ann", name), Arc::from(format!("l-{name}"))));
    party.news("cy", News::Placed(placed.to_vec()));
    let me = party.people["cy"].joined.me;
    let received = |party: &Party| {
        let tracks = party.rooms.subscribed(me).expect("inside").into_iter();
        tracks.map(|(publisher, track)| (publisher, track.name.to_string())).collect::<Vec<_>>()
    };
    let ann = party.people["Ann"].joined.me;
    assert_eq!(received(&party), [(ann, "cam".to_owned()), (ann, "mic".to_owned())]);
    party.heard("cy");
    party.media.take();
    set(&mut party, "cy", listed(&[RuleLine { kind: Some(Kind::Audio), ..line(true) }])).unwrap();
    assert_eq!(party.heard("cy"), ["receives [l-mic]"]);
    assert_eq!(party.media.take(), ["subscribe 2"]);
    assert_eq!(received(&party), [(ann, "mic".to_owned())]);
    set(&mut party, "cy", listed(&[RuleLine { kind: Some(Kind::Audio), ..line(true) }])).unwrap();
    assert_eq!((party.heard("cy"), party.media.take()), (vec![], vec![]), "nothing changed");
    set(&mut party, "cy", Rule::All).unwrap();
    assert_eq!(party.media.take(), ["subscribe 6"]);
}

#[test]
fn whoever_is_away_finds_the_new_rule_when_it_comes_back() {
    let mut party = three();
    party.act("cy", Command::Lose).unwrap();
    set(&mut party, "cy", Rule::Nothing).unwrap();
    party.resume("cy", vec![]).unwrap();
    assert_eq!(party.rooms.rule(party.people["cy"].joined.me), Some(Rule::Nothing));
    assert!(party.people["cy"].joined.subscribed.tracks.is_empty());
}

#[test]
fn rules_are_for_somebody_inside_and_not_endless() {
    let mut party = three();
    let many = vec![line(true); room::limit::RULE_LINES_MAX];
    assert_eq!(set(&mut party, "cy", listed(&many)), Ok(()));
    let more = vec![line(false); room::limit::RULE_LINES_MAX + 1];
    assert_eq!(set(&mut party, "cy", listed(&more)), Err(Refusal::Malformed));
    assert_eq!(asked(&party, "cy").len(), 6, "the old rule stays");
    party.act("cy", Command::Leave).unwrap();
    assert_eq!(set(&mut party, "cy", Rule::All), Err(Refusal::ParticipantNotFound));
    let gone = party.people["cy"].joined.me;
    assert_eq!((party.rooms.rule(gone), party.rooms.subscribed(gone)), (None, None));
}

#[test]
fn a_rule_survives_a_new_link_and_a_restart() {
    let mut party = three();
    set(&mut party, "cy", listed(&[RuleLine { publisher: by("Ann"), ..line(true) }])).unwrap();
    let me = party.people["cy"].joined.me;
    let mut party = party.restarted(Limits { kind: RoomKind::Group, ..Limits::default() });
    assert_eq!(party.rooms.rule(me), Some(listed(&[RuleLine { publisher: by("Ann"), ..line(true) }])));
    for who in ["Ann", "Bo", "cy"] {
        party.resume(who, vec![]).unwrap();
        let link = party.people[who].joined.links[0].link.clone();
        party.signal(who, &link, room::Step::Offer, 2);
    }
    assert_eq!(asked(&party, "cy"), ["Ann cam", "Ann mic", "Ann chat"]);
    assert!(party.facts.iter().all(|fact| !matches!(fact, Fact::RoomBegan { .. })), "it is the same room");
    assert!(party.people["cy"].heard.iter().all(|event| !matches!(event, Event::Out(_))));
}
