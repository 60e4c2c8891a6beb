//! Rooms that begin as a mesh and move to the server when a third participant comes: no picture stops.

use std::sync::Arc;
use std::time::Duration;

use room::{Command, Limits, LinkId, News, RoomKind, RoomOptions, SavedRoom, Step, TrackId};

use crate::party::Party;

const SECOND: Duration = Duration::from_secs(1);

/// Ann and bo, each with a camera, connected with each other.
fn two() -> Party {
    let mut party = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
    party.join("ann", "den", &["v cam"]).expect("a seat");
    party.join("bo", "den", &["v cam"]).expect("a seat");
    party.signal("ann", &LinkId("bo/2".into()), Step::Answer, 1);
    party.heard("ann");
    party.heard("bo");
    assert_eq!(party.media.take(), [] as [&str; 0], "the media server hears nothing of a mesh");
    party
}

/// And cy, with whom the room begins to move; the links that ann and bo were asked for.
fn three() -> (Party, LinkId, LinkId) {
    let mut party = two();
    party.join("cy", "den", &["v cam"]).expect("a seat");
    let (anns, bos) = (wanted(&party.heard("ann")), wanted(&party.heard("bo")));
    party.news("cy", News::Connected);
    (party, anns, bos)
}

fn wanted(heard: &[String]) -> LinkId {
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard[1], "cy Joined #1 [cam]");
    let link = heard[0].strip_prefix("offer wanted after 1 on ").and_then(|rest| rest.strip_suffix(" by the server"));
    LinkId(link.unwrap_or_else(|| panic!("{heard:?}")).into())
}

fn cam(party: &Party, name: &str) -> TrackId {
    party.people[name].joined.published.tracks[0].1.expect("taken")
}

/// Offers on the link to the server, which is established.
fn connect(party: &mut Party, who: &str, link: &LinkId) {
    party.signal(who, link, Step::Offer, 2);
    party.news(who, News::Connected);
}

/// The server has a place for these people's cameras.
fn place(party: &mut Party, hearer: &str, of: &[&str]) {
    let placed = of.iter().map(|name| (cam(party, name), Arc::from(format!("{hearer}-{name}")))).collect();
    party.news(hearer, News::Placed(placed));
}

fn labels(party: &Party, hearer: &str) -> Vec<String> {
    party.people[hearer].joined.subscribed.tracks.iter().map(|(_, label)| label.to_string()).collect()
}

#[test]
fn the_mesh_ends_when_the_server_has_a_place_for_everything() {
    let (mut party, anns, bos) = three();
    assert_eq!(party.media.take(), ["open cy/3 at 1", "publish [cam]", "subscribe 0"]);
    assert!(labels(&party, "cy").is_empty());
    connect(&mut party, "ann", &anns);
    connect(&mut party, "bo", &bos);
    party.media.check_settled();
    place(&mut party, "cy", &["ann", "bo"]);
    place(&mut party, "ann", &["bo", "cy"]);
    assert_eq!(party.heard("ann"), ["receives [id-cam, ann-cy]"], "bo comes by the mesh still");
    party.pass(2 * SECOND);
    assert_eq!(party.heard("ann"), [] as [&str; 0], "bo is not ready");
    place(&mut party, "bo", &["ann", "cy"]);
    assert_eq!(party.heard("bo"), ["receives [id-cam, bo-cy]"]);
    party.pass(Duration::from_millis(1_999));
    assert_eq!(party.heard("bo"), [] as [&str; 0], "pictures take their time");
    party.pass(Duration::from_millis(1));
    assert_eq!(party.heard("bo"), ["receives [bo-ann, bo-cy]", "closed bo/2 at 2"]);
    assert_eq!(party.heard("ann"), ["receives [ann-bo, ann-cy]", "closed bo/2 at 2"]);
    party.join("dee", "den", &["v cam"]).unwrap();
    party.media.check_settled();
    assert_eq!(party.heard("ann"), ["dee Joined #1 [cam]"]);
}

#[test]
fn the_mesh_stays_while_somebody_cannot_reach_the_server() {
    let (mut party, anns, bos) = three();
    connect(&mut party, "ann", &anns);
    party.signal("bo", &bos, Step::Offer, 2);
    place(&mut party, "ann", &["bo", "cy"]);
    place(&mut party, "bo", &["ann", "cy"]);
    place(&mut party, "cy", &["ann", "bo"]);
    party.heard("ann");
    party.pass(60 * SECOND);
    assert_eq!(party.heard("ann"), [] as [&str; 0], "bo's pictures come by the mesh still");
    party.news("bo", News::Connected);
    party.pass(2 * SECOND);
    assert_eq!(party.heard("ann"), ["receives [ann-bo, ann-cy]", "closed bo/2 at 2"]);
}

#[test]
fn the_mesh_ends_after_ten_seconds_when_all_reach_the_server() {
    let (mut party, anns, bos) = three();
    connect(&mut party, "ann", &anns);
    connect(&mut party, "bo", &bos);
    place(&mut party, "ann", &["cy"]);
    party.heard("ann");
    party.pass(Duration::from_millis(9_999));
    assert_eq!(party.heard("ann"), [] as [&str; 0]);
    party.pass(Duration::from_millis(1));
    assert_eq!(party.heard("ann"), ["receives [ann-cy]", "closed bo/2 at 2"]);
    assert_eq!(party.heard("bo"), ["receives []", "closed bo/2 at 2"]);
}

#[test]
fn who_is_away_does_not_hold_the_others_up() {
    let (mut party, anns, _) = three();
    party.act("bo", Command::Lose).unwrap();
    connect(&mut party, "ann", &anns);
    place(&mut party, "ann", &["cy"]);
    place(&mut party, "cy", &["ann"]);
    party.pass(2 * SECOND);
    assert!(party.heard("ann").contains(&"closed bo/2 at 2".to_owned()));
    party.resume("bo", vec![]).unwrap();
    let links: Vec<_> = party.people["bo"].joined.links.iter().map(|link| (link.server, link.wanted)).collect();
    assert_eq!(links, [(true, Some(1))]);
}

#[test]
fn a_mesh_link_that_dies_meanwhile_is_not_made_anew() {
    let (mut party, anns, bos) = three();
    party.signal("ann", &anns, Step::Offer, 2);
    party.signal("bo", &bos, Step::Offer, 2);
    place(&mut party, "ann", &["bo", "cy"]);
    party.heard("ann");
    party.signal("bo", &LinkId("bo/2".into()), Step::Close, 2);
    assert_eq!(party.heard("ann"), ["closed bo/2 at 2", "receives [ann-bo, ann-cy]"]);
    assert_eq!(party.heard("bo"), ["receives []"]);
}

#[test]
fn chosen_kinds_never_move() {
    for kind in [RoomKind::PeerToPeer, RoomKind::Go] {
        let mut party = Party::new(Limits { kind: RoomKind::Auto, ..Limits::default() });
        party.set_kind("den", kind, RoomOptions::default()).unwrap();
        for name in ["ann", "bo", "cy", "dee"] {
            let _ = party.join(name, "den", &["v cam"]);
        }
        assert_eq!(party.media.take(), [] as [&str; 0], "{kind:?}");
    }
    let mut party = two();
    party.set_kind("den", RoomKind::PeerToPeer, RoomOptions::default()).unwrap();
    party.join("cy", "den", &[]).unwrap();
    assert_eq!(party.media.take(), [] as [&str; 0]);
    assert_eq!(party.rooms.by_name("den").unwrap().kind, RoomKind::PeerToPeer);
}

#[test]
fn a_room_that_moved_stays_with_the_server() {
    let (mut party, ..) = three();
    party.pass(11 * SECOND);
    party.act("cy", Command::Leave).unwrap();
    party.join("cy", "den", &[]).unwrap();
    assert_eq!(party.set_kind("den", RoomKind::PeerToPeer, RoomOptions::default()).map(|_| ()), Ok(()));
    assert_eq!(party.rooms.by_name("den").unwrap().kind, RoomKind::Auto, "media cannot move back");
    let saved: Vec<SavedRoom> = party.rooms.save(party.now);
    assert_eq!((saved[0].kind, saved[0].served), (RoomKind::Auto, true));
    let mut anew = Party::new(Limits::default());
    anew.skip_ids(1_000);
    anew.rooms.restore(anew.now, saved);
    anew.people = party.people;
    anew.resume("ann", vec![]).unwrap();
    assert_eq!(anew.people["ann"].joined.links.iter().map(|link| link.server).collect::<Vec<_>>(), [true]);
}

#[test]
fn a_restart_in_the_midst_of_the_move_ends_it() {
    let (party, ..) = three();
    let saved = party.rooms.save(party.now);
    assert_eq!((saved[0].served, saved[0].links.len()), (true, 0));
}

#[test]
fn a_worker_that_is_lost_meanwhile_is_made_up_for() {
    let (mut party, anns, bos) = three();
    party.signal("ann", &anns, Step::Offer, 2);
    party.signal("bo", &bos, Step::Offer, 2);
    let room = party.people["ann"].joined.room;
    party.media.lose(room);
    party.report_lost();
    party.pass(10 * SECOND);
    for name in ["ann", "bo", "cy"] {
        let heard = party.heard(name);
        let line = heard.iter().rev().find_map(|line| line.strip_prefix("offer wanted after 1 on ")).expect("asked again");
        let link = LinkId(line.strip_suffix(" by the server").expect("of the server").into());
        party.signal(name, &link, Step::Offer, 2);
    }
    party.media.check_settled();
    assert_eq!(party.media.peers.len(), 3);
}
