//! What becomes of a link when words on it are lost: whatever was said to a dead connection, the two ends meet again.

use room::{Command, LinkId, Signal, Step};

use crate::party::{Party, offer};

/// Ann was first, bo joined with the link `bo/2`, whose first offer waits for ann's answer.
fn two() -> (Party, LinkId) {
    let mut party = Party::new(room::Limits::default());
    party.join("ann", "den", &[]).expect("a seat");
    party.join("bo", "den", &[]).expect("a seat");
    party.heard("ann");
    (party, LinkId("bo/2".into()))
}

/// A link as somebody who came in or back was told of it: its name, the offer asked for, what the other end said.
type Told = (String, Option<u64>, Vec<(Step, u64)>);

fn said(party: &Party, name: &str) -> Vec<Told> {
    let links = party.people[name].joined.links.iter();
    links.map(|l| (l.link.0.to_string(), l.wanted, l.signals.iter().map(|s| (s.step, s.revision)).collect())).collect()
}

#[test]
fn who_missed_an_answer_and_the_next_offer_gets_both() {
    let (mut party, link) = two();
    party.act("bo", Command::Lose).unwrap();
    party.signal("ann", &link, Step::Answer, 1);
    party.signal("ann", &link, Step::Offer, 2);
    party.resume("bo", vec![(link.clone(), offer(1))]).unwrap();
    assert_eq!(said(&party, "bo"), [("bo/2".into(), None, vec![(Step::Answer, 1), (Step::Offer, 2)])]);
}

#[test]
fn an_offer_that_was_answered_is_not_said_again() {
    let (mut party, link) = two();
    party.signal("ann", &link, Step::Answer, 1);
    party.act("ann", Command::Lose).unwrap();
    let answer = Signal { step: Step::Answer, ..offer(1) };
    party.resume("ann", vec![(link.clone(), answer)]).unwrap();
    assert_eq!(said(&party, "ann"), [("bo/2".into(), None, vec![])]);
}

#[test]
fn the_same_offer_twice_is_passed_once() {
    let (mut party, link) = two();
    party.signal("ann", &link, Step::Answer, 1);
    party.signal("ann", &link, Step::Offer, 2);
    party.signal("ann", &link, Step::Offer, 2);
    assert_eq!(party.heard("bo").iter().filter(|line| line.starts_with("Offer 2")).count(), 1);
}

#[test]
fn two_who_cannot_agree_on_the_first_answer_begin_anew() {
    let (mut party, link) = two();
    party.heard("bo");
    // Ann's answer was lost with her connection; she has gone on to her own offer, bo still waits.
    party.signal("ann", &link, Step::Offer, 2);
    assert_eq!(party.heard("bo"), ["closed bo/2 at 2"]);
    let heard = party.heard("ann");
    assert_eq!(heard[0], "closed bo/2 at 2");
    assert!(heard[1].starts_with("offer wanted after 1 on "), "{heard:?}");
}

#[test]
fn two_who_cannot_agree_when_one_comes_back_begin_anew() {
    let (mut party, link) = two();
    party.act("ann", Command::Lose).unwrap();
    party.resume("ann", vec![(link, offer(2))]).unwrap();
    assert_eq!(party.heard("ann"), [] as [&str; 0], "the answer says it all");
    let links = said(&party, "ann");
    assert_eq!(links.len(), 1);
    assert_ne!(links[0].0, "bo/2");
    assert_eq!(links[0].1, Some(1));
}

#[test]
fn a_link_that_is_missing_from_the_list_of_who_comes_back_is_made_anew() {
    let (mut party, link) = two();
    party.signal("ann", &link, Step::Answer, 1);
    party.heard("bo");
    party.act("ann", Command::Lose).unwrap();
    party.resume("ann", vec![]).unwrap();
    assert!(party.heard("bo").contains(&"closed bo/2 at 2".to_owned()));
    assert_eq!(said(&party, "ann")[0].1, Some(1));
}

#[test]
fn a_link_on_which_nothing_was_said_yet_may_be_missing() {
    let (mut party, _) = two();
    party.act("ann", Command::Lose).unwrap();
    party.resume("ann", vec![]).unwrap();
    assert_eq!(said(&party, "ann"), [("bo/2".into(), None, vec![(Step::Offer, 1)])]);
}

#[test]
fn nobody_hears_the_end_of_a_link_that_it_never_heard_of() {
    let (mut party, _) = two();
    party.join("cy", "den", &[]).unwrap();
    party.heard("bo");
    // Cy was asked to offer to bo and never did.
    party.act("cy", Command::Leave).unwrap();
    assert_eq!(party.heard("bo"), ["cy Left(Left) #2 []"]);
}

#[test]
fn nobody_counts_far_ahead_of_the_other() {
    let (mut party, link) = two();
    party.signal("ann", &link, Step::Answer, 1);
    party.heard("ann");
    party.signal("bo", &link, Step::Offer, 18);
    assert_eq!(party.heard("ann"), [] as [&str; 0]);
    party.signal("bo", &link, Step::Offer, 17);
    assert_eq!(party.heard("ann"), ["Offer 17 on bo/2"]);
}

#[test]
fn a_first_offer_that_counts_from_far_ahead_makes_no_link() {
    let mut party = Party::new(room::Limits::default());
    party.join("ann", "den", &[]).expect("a seat");
    party.heard("ann");
    party.join_with("bo", "den", &[], |join| join.offer = Some((LinkId("far".into()), offer(u64::MAX)))).expect("a seat");
    assert!(party.heard("ann").iter().all(|line| !line.contains("far")));
}
