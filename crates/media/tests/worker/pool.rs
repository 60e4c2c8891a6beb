use std::net::{IpAddr, UdpSocket};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use media::crash::Witness;
use media::limit::{ORDERS_QUEUED_MAX, WORKERS_MAX};
use media::pool::{Config, Placement, Pool, candidates};
use room::{Order, Report, RoomId};

use crate::script::{LONG, Script, ask, close, config, hear, loopback, open, said, say, start, start_gated, udp};

#[test]
fn orders_arrive_in_order() {
    let (pool, reports) = start(&config("127.0.0.1:0", 2));
    pool.order(open(1, 1));
    (0..1_000).for_each(|n| pool.order(say(1, 1, &n.to_string())));
    for n in 0..1_000 {
        assert_eq!(said(reports.recv_timeout(LONG).unwrap()), n.to_string());
    }
}

#[test]
fn a_panic_loses_the_rooms_of_its_worker_and_no_others() {
    let (pool, reports) = start(&config("127.0.0.1:0", 2));
    // Two rooms with one peer each: one on each worker.
    [open(1, 1), open(2, 2), say(1, 1, "a")].into_iter().for_each(|order| pool.order(order));
    assert_eq!(said(reports.recv_timeout(LONG).unwrap()), "a");
    pool.order(say(1, 1, "panic"));
    assert_eq!(reports.recv_timeout(LONG), Ok(Report::Lost(RoomId(1))));
    // Of a lost room nothing is heard until it is opened again.
    [say(1, 1, "stale"), say(2, 2, "b")].into_iter().for_each(|order| pool.order(order));
    assert_eq!(said(reports.recv_timeout(LONG).unwrap()), "b");
    [open(1, 1), say(1, 1, "c")].into_iter().for_each(|order| pool.order(order));
    assert_eq!(said(reports.recv_timeout(LONG).unwrap()), "c");
    let counters = pool.counters();
    assert_eq!((counters.panics.get(), counters.rooms_lost.get(), counters.orders_stale.get()), (1, 1, 1));
}

#[test]
fn after_many_panics_the_sockets_still_serve() {
    let (pool, reports) = start(&config("127.0.0.1:0", 2));
    let client = udp("127.0.0.1:0");
    for n in 1..=5 {
        [open(1, 1), open(2, 2), open(3, 3)].into_iter().for_each(|order| pool.order(order));
        client.send_to(b"panic", loopback(&pool, 0)).unwrap();
        let lost = reports.recv_timeout(LONG).unwrap();
        assert!(matches!(lost, Report::Lost(_)), "{lost:?}");
        assert_eq!(ask(&client, loopback(&pool, 0), b"hello").0, b"hello");
        assert_eq!(ask(&client, loopback(&pool, 1), b"hello").0, b"hello");
        assert_eq!(pool.counters().panics.get(), n);
        [close(1, 1), close(2, 2), close(3, 3)].into_iter().for_each(|order| pool.order(order));
        while reports.try_recv().is_ok() {}
    }
}

#[test]
fn an_engine_made_anew_has_the_addresses_of_the_day() {
    let (sender, made) = channel();
    let sender = Mutex::new(sender);
    let make = move |_: usize, addresses| {
        sender.lock().unwrap().send(addresses).unwrap();
        Script::new(None)
    };
    let (old, new) = (IpAddr::from([192, 168, 7, 7]), IpAddr::from([192, 168, 8, 8]));
    let config = Config { addresses: vec![old], ..config("0.0.0.0:0", 1) };
    let pool = Pool::start(&config, make, Arc::new(|_| ())).unwrap();
    let first: Vec<std::net::SocketAddr> = made.recv_timeout(LONG).unwrap();
    assert_eq!(first[0].ip(), old);
    pool.set_addresses(&[new]);
    // An address that is not among them: what comes there is shown as coming to the first of them.
    let (client, server) = (udp("127.0.0.1:0"), loopback(&pool, 0));
    let elsewhere = std::net::SocketAddr::from(([127, 0, 0, 2], server.port()));
    assert_eq!(ask(&client, elsewhere, b"where").0, format!("192.168.8.8:{}", server.port()).into_bytes());
    client.send_to(b"panic", server).unwrap();
    assert_eq!(made.recv_timeout(LONG).unwrap()[0].ip(), new);
}

#[test]
fn what_a_worker_was_handling_when_it_panicked_is_told() {
    let (sender, crashes) = channel();
    let sender = Mutex::new(sender);
    let hear = move |crash| sender.lock().unwrap().send(crash).unwrap();
    let config = Config { witness: Witness(Some(Arc::new(hear))), ..config("127.0.0.1:0", 1) };
    let (pool, _reports) = start(&config);
    udp("127.0.0.1:0").send_to(b"panic", loopback(&pool, 0)).unwrap();
    let crash = crashes.recv_timeout(LONG).unwrap();
    assert_eq!(crash.input, "a datagram of 5 bytes\n70616e6963\n");
    assert!(!crash.message.is_empty());
    [open(1, 1), say(1, 1, "panic")].into_iter().for_each(|order| pool.order(order));
    let input = crashes.recv_timeout(LONG).unwrap().input;
    assert!(input.starts_with("an order: Say(") && input.ends_with("\npanic\n"), "{input}");
}

#[test]
fn a_worker_too_far_behind_loses_its_rooms_rather_than_orders_in_silence() {
    let gate = Arc::new(Mutex::new(()));
    let (pool, reports) = start_gated(&config("127.0.0.1:0", 1), Some(gate.clone()));
    let shut = gate.lock().unwrap();
    [open(1, 1), say(1, 1, "gate")].into_iter().for_each(|order| pool.order(order));
    (0..ORDERS_QUEUED_MAX + 500).for_each(|_| pool.order(say(1, 1, "x")));
    assert!(pool.counters().orders_refused.get() > 0);
    drop(shut);
    let lost = reports.iter().find(|report| matches!(report, Report::Lost(_)));
    assert_eq!(lost, Some(Report::Lost(RoomId(1))));
    [open(1, 1), say(1, 1, "again")].into_iter().for_each(|order| pool.order(order));
    assert_eq!(said(reports.recv_timeout(LONG).unwrap()), "again");
}

#[test]
fn a_worker_with_too_much_to_do_drops_media_and_hears_the_rest() {
    let (pool, _reports) = start(&config("127.0.0.1:0", 1));
    let client = udp("127.0.0.1:0");
    let at = loopback(&pool, 0);
    // In time: nothing is dropped.
    (0..20).for_each(|_| assert!(client.send_to(&[0x80, 96, 0], at).is_ok()));
    assert_eq!(ask(&client, at, b"hello").0, b"hello");
    assert_eq!(pool.counters().dropped_late.get(), 0);
    // Five seconds of work.
    (0..200).for_each(|n| {
        (0..5).for_each(|_| assert!(client.send_to(&[0x80, 96, n], at).is_ok()));
        client.send_to(b"check", at).unwrap();
    });
    (0..200).for_each(|_| assert_eq!(hear(&client).0, b"check"));
    let dropped = pool.counters().dropped_late.get();
    assert!(dropped > 500, "{dropped} were dropped");
    // And back to normal.
    (0..20).for_each(|_| assert!(client.send_to(&[0x80, 96, 0], at).is_ok()));
    assert_eq!(ask(&client, at, b"hello").0, b"hello");
    assert_eq!(pool.counters().dropped_late.get(), dropped);
}

#[test]
fn a_pool_that_is_dropped_gives_its_ports_back() {
    // Where no other test takes ports.
    let (pool, _reports) = start(&config("127.0.0.7:0", 3));
    let addresses = pool.addresses();
    assert_eq!(addresses.len(), 3);
    drop(pool);
    addresses.into_iter().for_each(|address| drop(UdpSocket::bind(address).unwrap()));
}

#[test]
fn workers_listen_on_ports_in_a_row_and_a_taken_one_is_named() {
    // Ports in a row that are free, as far as one can tell.
    let base = (0..50).find_map(|_| {
        let first = UdpSocket::bind("127.0.0.8:0").unwrap().local_addr().unwrap().port();
        let config = config(&format!("127.0.0.8:{}", first.min(60_000)), 3);
        Pool::start(&config, |_, _| Script::new(None), Arc::new(|_| ())).ok().map(|pool| (pool, config))
    });
    let (pool, config) = base.expect("some free ports");
    let ports: Vec<u16> = pool.addresses().iter().map(|address| address.port()).collect();
    let first = config.listen.port();
    assert_eq!(ports, [first, first + 1, first + 2]);
    let refused = Pool::start(&config, |_, _| Script::new(None), Arc::new(|_| ())).err().expect("no second pool there");
    assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
    assert_eq!(refused.to_string(), format!("UDP port {first} is in use by another program"));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let refusal = |listen: &str, workers| {
        let pool = Pool::start(&config(listen, workers), |_, _| Script::new(None), Arc::new(|_| ()));
        pool.err().expect("a refusal").to_string()
    };
    assert_eq!(refusal("127.0.0.1:65535", 2), "there is no port 65535 + 1");
    assert_eq!(refusal("127.0.0.1:0", WORKERS_MAX + 1), "65 media workers are more than 64");
    assert_eq!(refusal("192.0.2.1:0", 1), "192.0.2.1 is not an address of this machine");
}

#[test]
fn rooms_go_where_the_fewest_peers_are_and_stay_until_the_last_has_left() {
    let mut placement = Placement::new(2);
    let mut check = |order: Order, expected: Option<usize>| assert_eq!(placement.place(&order), expected, "{order:?}");
    check(say(1, 1, "too early"), None);
    check(open(1, 1), Some(0));
    check(open(1, 2), Some(0));
    check(open(2, 3), Some(1));
    check(open(3, 4), Some(1));
    // Opened anew: no more peers than before.
    check(open(1, 1), Some(0));
    check(say(1, 2, "x"), Some(0));
    check(say(1, 3, "not in this room"), None);
    check(close(1, 1), Some(0));
    check(close(1, 1), None);
    check(open(1, 5), Some(0));
    check(close(1, 2), Some(0));
    check(close(1, 5), Some(0));
    check(say(1, 5, "gone"), None);
    check(open(1, 1), Some(0));
    assert_eq!(placement.lose(1).rooms.len(), 2);
    let mut check = |order: Order, expected: Option<usize>| assert_eq!(placement.place(&order), expected, "{order:?}");
    check(say(2, 3, "lost"), None);
    check(open(2, 3), Some(1));
    check(close(3, 4), None);
}

#[test]
fn clients_are_told_addresses_that_they_can_reach() {
    fn check(bound: &str, addresses: &[&str], announce: &[&str], expected: &[&str]) {
        let parse = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        let told = candidates(bound.parse().unwrap(), &parse(addresses), &parse(announce));
        let told: Vec<String> = told.iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(told, expected, "{bound} {addresses:?} {announce:?}");
    }
    let all = ["127.0.0.1", "10.0.0.5", "169.254.3.3", "203.0.113.9", "fe80::1", "fd00::5", "2001:db8::5", "::1"];
    check("[::]:1", &all, &[], &["10.0.0.5", "203.0.113.9", "fd00::5", "2001:db8::5", "127.0.0.1", "::1"]);
    check("0.0.0.0:1", &all, &[], &["10.0.0.5", "203.0.113.9", "127.0.0.1"]);
    check("[::]:1", &all, &["198.51.100.1"], &["198.51.100.1", "203.0.113.9", "2001:db8::5", "127.0.0.1", "::1"]);
    check("10.0.0.5:1", &all, &[], &["10.0.0.5"]);
    check("10.0.0.5:1", &all, &["198.51.100.1"], &["198.51.100.1"]);
    check("127.0.0.1:1", &all, &[], &["127.0.0.1"]);
    check("[::]:1", &[], &[], &["127.0.0.1"]);
    check("0.0.0.0:1", &all, &["203.0.113.9"], &["203.0.113.9", "127.0.0.1"]);
}

#[test]
fn an_engine_that_cannot_be_made_is_tried_again() {
    let left = Mutex::new(2);
    let make = move |_, _| {
        let mut left = left.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *left -= 1;
        assert!(*left < 0, "not yet");
        Script::new(None)
    };
    let pool = Pool::start(&config("127.0.0.1:0", 1), make, Arc::new(|_| ())).unwrap();
    let client = udp("127.0.0.1:0");
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(ask(&client, loopback(&pool, 0), b"hello").0, b"hello");
    assert_eq!(pool.counters().panics.get(), 2);
}
