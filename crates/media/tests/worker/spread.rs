//! Rooms on several workers: who is placed where, and what becomes of whom when a worker is lost.

use media::pipe::{Notice, Part};
use media::pool::{Config, Placement};
use room::{Act, Kind, LinkId, News, Order, ParticipantId, Priority, Report, RoomId, Track, TrackId, View};

use crate::script::{LONG, close, config, open, said, say, start};

const ROOM: RoomId = RoomId(1);

fn part(worker: usize, serial: u64) -> Part {
    Part { worker, serial }
}

fn mixed(who: u128) -> Order {
    let mut order = open(1, who);
    if let Act::Open(open) = &mut order.act {
        open.view = View::Mix;
    }
    order
}

fn track(number: u128) -> Track {
    let label: std::sync::Arc<str> = "cam".into();
    Track {
        id: TrackId(number),
        label: label.clone(),
        kind: Kind::Video,
        name: label,
        enabled: true,
        priority: Priority::Standard,
    }
}

fn publish(who: u128) -> Order {
    Order::new(ROOM, ParticipantId(who), Act::Publish(vec![track(who)]))
}

/// Where an order goes, and what workers are told before.
fn place(placement: &mut Placement, order: &Order) -> (Option<usize>, Vec<(usize, Notice)>) {
    let worker = placement.place(order);
    (worker, told(placement))
}

fn told(placement: &mut Placement) -> Vec<(usize, Notice)> {
    std::iter::from_fn(|| placement.poll_notice()).collect()
}

fn published(who: u128, part: Part) -> Notice {
    Notice::Published { room: ROOM, who: ParticipantId(who), part, tracks: vec![track(who)] }
}

#[test]
fn who_is_one_too_many_makes_a_wing_which_learns_who_is_there() {
    let mut placement = Placement::new(2).spread_from(2);
    for who in [1, 2] {
        assert_eq!(place(&mut placement, &open(1, who)), (Some(0), vec![]));
        assert_eq!(place(&mut placement, &publish(who)), (Some(0), vec![]));
    }
    let (home, wing) = (part(0, 1), part(1, 2));
    let meet = |own, other| Notice::Meet { room: ROOM, own, home, other };
    // Home hears of the wing before the wing can say anything.
    let expected = vec![(0, meet(home, wing)), (1, meet(wing, home)), (1, published(1, home)), (1, published(2, home))];
    assert_eq!(place(&mut placement, &open(1, 3)), (Some(1), expected));
    assert_eq!(place(&mut placement, &publish(3)), (Some(1), vec![(0, published(3, wing))]));
    assert_eq!(place(&mut placement, &publish(1)), (Some(0), vec![(1, published(1, home))]));
    // Of the room as a whole.
    let mix = Order::new(ROOM, ParticipantId(3), Act::Scene(None));
    assert_eq!(place(&mut placement, &mix), (Some(0), vec![]));
    assert_eq!(place(&mut placement, &say(1, 3, "x")), (Some(1), vec![]));
    // The wing's only one leaves, and the wing is over.
    let left = vec![(0, Notice::Left(ROOM, ParticipantId(3))), (1, Notice::Over(ROOM)), (0, Notice::Gone(ROOM, wing))];
    assert_eq!(place(&mut placement, &close(1, 3)), (Some(1), left));
    assert_eq!(place(&mut placement, &close(1, 2)), (Some(0), vec![]));
    assert_eq!(place(&mut placement, &open(1, 4)), (Some(0), vec![]));
}

#[test]
fn who_receives_a_mix_is_at_home() {
    let mut placement = Placement::new(2).spread_from(1);
    assert_eq!(placement.place(&open(1, 1)), Some(0));
    assert_eq!(placement.place(&mixed(2)), Some(0));
    assert_eq!(placement.place(&open(1, 3)), Some(1));
    told(&mut placement);
    // One of the wing comes in anew and wants the mix.
    let (worker, notices) = place(&mut placement, &mixed(3));
    assert_eq!((worker, &notices[0]), (Some(0), &(1, Notice::Moved(ROOM, ParticipantId(3)))));
    assert_eq!(placement.place(&say(1, 3, "x")), Some(0));
}

#[test]
fn a_busy_worker_shares_large_rooms_and_no_small_ones() {
    let mut placement = Placement::new(2);
    placement.set_busy(0, true);
    let least = media::limit::SPREAD_LEAST as u128;
    (1..=least).for_each(|who| assert_eq!(placement.place(&open(1, who)), Some(0)));
    (1..=3).for_each(|who| assert_eq!(placement.place(&open(1, least + who)), Some(1)));
    // Where all are busy each gets its share.
    placement.set_busy(1, true);
    let workers: Vec<_> = (20..30).map(|who| placement.place(&open(1, who))).collect();
    assert_eq!(workers.iter().filter(|worker| **worker == Some(1)).count(), 7, "{workers:?}");
    // And at home again when that has time.
    placement.set_busy(0, false);
    assert_eq!(placement.place(&open(1, 40)), Some(0));
}

#[test]
fn no_more_parts_are_made_than_are_of_use() {
    let mut placement = Placement::new(8);
    placement.set_busy(0, true);
    let parts = |placement: &mut Placement, who: std::ops::Range<u128>| {
        who.map(|who| placement.place(&open(1, who)).unwrap()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(parts(&mut placement, 0..15), [0, 1].into());
    // Only where those that are there are busy another is made.
    placement.set_busy(1, true);
    assert_eq!(parts(&mut placement, 20..30), [2].into());
    // And none where all are.
    (0..8).for_each(|worker| placement.set_busy(worker, true));
    assert!(parts(&mut placement, 30..60).is_subset(&[0, 1, 2].into()));
    let mut other = Placement::new(8).spread_from(10);
    (0..8).for_each(|worker| other.set_busy(worker, true));
    assert_eq!(parts(&mut other, 0..30), [0].into());
    // Of those that are not, each is filled as far as the operator says.
    (0..8).for_each(|worker| other.set_busy(worker, false));
    assert_eq!(parts(&mut other, 30..40), [1].into());
    assert_eq!(parts(&mut other, 40..50), [2].into());
}

#[test]
fn a_lost_worker_takes_homes_and_wings_with_it() {
    let mut placement = Placement::new(2).spread_from(1);
    // One room has its home on the first worker and a wing on the second, the other one the other way round.
    [open(1, 1), open(1, 2), open(2, 3), open(2, 4)].iter().for_each(|order| assert!(placement.place(order).is_some()));
    [publish(1), publish(2)].iter().for_each(|order| assert!(placement.place(order).is_some()));
    let at =
        |placement: &mut Placement| [(1, 1), (1, 2), (2, 3), (2, 4)].map(|(room, who)| placement.place(&say(room, who, "x")));
    assert_eq!(at(&mut placement), [Some(0), Some(1), Some(0), Some(1)]);
    told(&mut placement);
    let lost = placement.lose(1);
    let dead = |room: u128, who: u128| (RoomId(room), ParticipantId(who), LinkId("l".into()));
    assert_eq!((lost.rooms, lost.dead), (vec![], vec![dead(1, 2), dead(2, 4)]));
    assert_eq!(lost.parts, [ROOM, RoomId(2)]);
    let notices = told(&mut placement);
    assert!(notices.iter().all(|(worker, _)| *worker == 0), "{notices:?}");
    assert!(notices.contains(&(0, Notice::Left(ROOM, ParticipantId(2)))));
    assert!(notices.contains(&(0, Notice::Gone(ROOM, part(1, 2)))));
    assert_eq!(at(&mut placement), [Some(0), None, Some(0), None]);
    // A wing on the engine that took its place has another number.
    assert_eq!(placement.place(&open(1, 2)), Some(1));
    assert!(told(&mut placement).iter().any(|(_, notice)| matches!(notice, Notice::Meet { own, .. } if *own == part(1, 5))));
    let lost = placement.lose(0);
    assert_eq!((lost.rooms, lost.parts, lost.dead), (vec![ROOM, RoomId(2)], vec![], vec![]));
    assert_eq!(told(&mut placement), [(1, Notice::Over(ROOM))]);
    assert_eq!(at(&mut placement), [None; 4]);
    // Nobody is counted any more who is not there.
    assert_eq!([open(5, 1), open(6, 2)].map(|order| placement.place(&order)), [Some(0), Some(1)]);
}

#[test]
fn a_panic_on_a_wing_costs_its_clients_their_links_and_one_at_home_all() {
    let (pool, reports) = start(&Config { spread: 1, ..config("127.0.0.1:0", 2) });
    [open(1, 1), open(1, 2), say(1, 2, "panic")].into_iter().for_each(|order| pool.order(order));
    let dead = Report::Of { room: ROOM, who: ParticipantId(2), link: LinkId("l".into()), news: News::Dead };
    assert_eq!(reports.recv_timeout(LONG), Ok(Report::PartLost(ROOM)), "the room answers for it");
    assert_eq!(reports.recv_timeout(LONG), Ok(dead));
    [say(1, 2, "stale"), say(1, 1, "a")].into_iter().for_each(|order| pool.order(order));
    assert_eq!(said(reports.recv_timeout(LONG).unwrap()), "a");
    [open(1, 2), say(1, 2, "b")].into_iter().for_each(|order| pool.order(order));
    assert_eq!(said(reports.recv_timeout(LONG).unwrap()), "b");
    assert_eq!((pool.counters().rooms_lost.get(), pool.counters().orders_stale.get()), (0, 1));
    pool.order(say(1, 1, "panic"));
    assert_eq!(reports.recv_timeout(LONG), Ok(Report::Lost(ROOM)));
    [open(1, 1), say(1, 1, "c")].into_iter().for_each(|order| pool.order(order));
    assert_eq!(said(reports.recv_timeout(LONG).unwrap()), "c");
}
