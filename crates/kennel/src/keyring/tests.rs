use super::random::from_system;
use super::*;

const DAY: u64 = 24 * 3600 * 1000;

fn ring() -> Keyring {
    Keyring::fresh(0, &from_system)
}

fn new_link(rights: &[Right], life_ms: Option<u64>) -> NewLink {
    let rights = rights.iter().copied().collect();
    NewLink { label: "Grandma".to_owned(), rights, room: None, life_ms }
}

fn add(ring: &mut Keyring, new: NewLink) -> (String, Secret) {
    ring.add(new, 0, &from_system).expect("a link")
}

#[test]
fn the_first_start_makes_the_owners_link() {
    let ring = ring();
    let key = ring.owner_key().expect("kept").reveal();
    assert_eq!(key.len(), links::KEY_CHARACTERS);
    assert_eq!(ring.find(key, 0).expect("opens").rights, Rights::ALL);
}

#[test]
fn a_key_opens_its_own_link_only() {
    let mut ring = ring();
    let (id, key) = add(&mut ring, new_link(&[Right::Watch], None));
    let link = ring.find(key.reveal(), 5).expect("opens");
    assert_eq!(link.id, id);
    assert!(link.rights.has(Right::Watch) && !link.rights.has(Right::Camera) && !link.rights.has(Right::Owner));
    for wrong in ["", "x", &key.reveal()[1..], &format!("{}x", key.reveal())] {
        assert_eq!(ring.find(wrong, 5).err(), Some(KeyRefusal::Unknown));
    }
}

#[test]
fn an_ended_link_says_when_and_is_forgotten_after_90_days() {
    let mut ring = ring();
    let (id, key) = add(&mut ring, new_link(&[Right::Watch], Some(DAY)));
    assert!(ring.find(key.reveal(), DAY - 1).is_ok());
    assert_eq!(ring.find(key.reveal(), DAY).err(), Some(KeyRefusal::Ended(DAY)));
    assert!(ring.living(&id, DAY).is_none());
    ring.add(new_link(&[Right::Watch], None), 92 * DAY, &from_system).expect("a link");
    assert_eq!(ring.find(key.reveal(), 92 * DAY).err(), Some(KeyRefusal::Unknown));
}

#[test]
fn a_withdrawn_link_is_unknown() {
    let mut ring = ring();
    let (id, key) = add(&mut ring, new_link(&[Right::Camera], None));
    assert!(ring.withdraw(&id));
    assert!(!ring.withdraw(&id));
    assert_eq!(ring.find(key.reveal(), 0).err(), Some(KeyRefusal::Unknown));
}

#[test]
fn renewing_replaces_the_owners_link_and_no_other() {
    let mut ring = ring();
    let old = ring.owner_key().expect("kept").clone();
    let (_, made) = add(&mut ring, new_link(&[Right::Owner], None));
    let new = ring.renew_owner(1, &from_system);
    assert_eq!(ring.owner_key(), Some(&new));
    assert_eq!(ring.find(old.reveal(), 1).err(), Some(KeyRefusal::Unknown));
    assert!(ring.find(new.reveal(), 1).is_ok() && ring.find(made.reveal(), 1).is_ok());
}

#[test]
fn owner_implies_the_others() {
    let rights = Rights::from_iter([Right::Owner]);
    assert_eq!(rights.list(), [Right::Camera, Right::Watch, Right::Guest, Right::Moderator, Right::Record, Right::Owner]);
    assert!(Rights::default().is_empty() && !Rights::OPEN.has(Right::Owner));
}

#[test]
fn what_cannot_be_a_link_is_refused() {
    let check = |change: fn(&mut NewLink), expected| {
        let mut new = new_link(&[Right::Watch], None);
        change(&mut new);
        assert_eq!(ring().add(new, 0, &from_system).err(), Some(expected));
    };
    check(|new| new.label.clear(), LinkProblem::Label);
    check(|new| new.label = "x".repeat(129), LinkProblem::Label);
    check(|new| new.label = "a\nb".to_owned(), LinkProblem::Label);
    check(|new| new.label = "a\u{202e}b".to_owned(), LinkProblem::Label);
    check(|new| new.room = Some(String::new()), LinkProblem::Room);
    check(|new| new.rights = Rights::default(), LinkProblem::NoRight);
    check(|new| new.life_ms = Some(0), LinkProblem::Life);
    check(|new| new.life_ms = Some(u64::MAX), LinkProblem::Life);
}

#[test]
fn the_thousand_and_first_link_is_refused() {
    let mut ring = ring();
    for _ in 1..links::MAX_LINKS {
        add(&mut ring, new_link(&[Right::Watch], None));
    }
    let one_more = ring.add(new_link(&[Right::Watch], None), 0, &from_system);
    assert_eq!(one_more.err(), Some(LinkProblem::TooMany));
}

#[test]
fn a_link_for_one_room_allows_no_other() {
    let mut ring = ring();
    let new = NewLink { room: Some("Den".to_owned()), ..new_link(&[Right::Watch], None) };
    let (id, _) = add(&mut ring, new);
    let link = ring.living(&id, 0).expect("there");
    assert!(link.allows_room("Den") && !link.allows_room("den"));
    assert!(ring.links()[0].allows_room("anything"));
}

#[test]
fn random_letters_are_spread_evenly() {
    let text = random::letters(62_000, &from_system);
    for letter in ('0'..='9').chain('A'..='Z').chain('a'..='z') {
        let count = text.chars().filter(|c| *c == letter).count();
        assert!((800..1200).contains(&count), "{letter}: {count}");
    }
}

#[test]
fn names() {
    for good in ["a", "Kitchen", "Küche 2", "猫", "<img src=x onerror=alert(1)>", &"x".repeat(128)] {
        assert!(is_name(good), "{good}");
    }
    for bad in ["", "  ", "a\0", "a\u{85}", "\u{2067}a", "\u{202e}a", "a\u{61c}", "a\u{200e}b", "\u{200f}", &"x".repeat(129)] {
        assert!(!is_name(bad), "{bad:?}");
    }
}
