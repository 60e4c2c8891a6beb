use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::script::{ask, config, hear, loopback, pattern, start, udp};

#[test]
fn what_comes_reaches_the_engine_and_its_answer_the_sender() {
    let (pool, _reports) = start(&config("127.0.0.1:0", 1));
    let (client, server) = (udp("127.0.0.1:0"), loopback(&pool, 0));
    assert_eq!(ask(&client, server, b"hello"), (b"hello".to_vec(), server));
    assert_eq!(ask(&client, server, b"where"), (server.to_string().into_bytes(), server));
    assert_eq!(pool.counters().datagrams_in.get(), 2);
    assert_eq!(pool.counters().bytes_in.get(), 10);
}

#[test]
fn a_worker_turns_only_when_there_is_something() {
    let (pool, _reports) = start(&config("127.0.0.1:0", 1));
    let (client, server) = (udp("127.0.0.1:0"), loopback(&pool, 0));
    (0..100).for_each(|_| drop(ask(&client, server, b"hello")));
    // One for each datagram, one to find that there is no other, and some at the start.
    let turns = pool.counters().turns.get();
    assert!(turns < 250, "{turns} turns");
}

#[test]
fn a_socket_on_every_ipv6_address_speaks_plain_ipv4_too() {
    let (pool, _reports) = start(&config("[::]:0", 1));
    let (client, server) = (udp("127.0.0.1:0"), loopback(&pool, 0));
    assert_eq!(ask(&client, server, b"where"), (server.to_string().into_bytes(), server));
    // The engine answered to the address that it saw, so it saw the client's.
    assert_eq!(ask(&client, server, b"hello"), (b"hello".to_vec(), server));
}

#[test]
fn a_socket_on_every_ipv6_address_speaks_ipv6() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return;
    }
    let mut config = config("[::]:0", 1);
    config.addresses = vec!["2001:db8::1".parse().unwrap()];
    let (pool, _reports) = start(&config);
    let server = SocketAddr::new("::1".parse().unwrap(), loopback(&pool, 0).port());
    assert_eq!(ask(&udp("[::1]:0"), server, b"where"), (server.to_string().into_bytes(), server));
}

#[test]
fn behind_a_nat_the_engine_sees_the_announced_address_and_answers_leave_from_the_real_one() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let mut config = config(listen, 1);
        config.addresses = vec![IpAddr::from([192, 168, 7, 7])];
        config.announce = vec![IpAddr::from([203, 0, 113, 7])];
        let (pool, _reports) = start(&config);
        let port = loopback(&pool, 0).port();
        // An address of this machine that is no candidate.
        let (client, server) = (udp("127.0.0.1:0"), SocketAddr::from(([127, 0, 0, 2], port)));
        assert_eq!(ask(&client, server, b"where"), (format!("203.0.113.7:{port}").into_bytes(), server));
        // The same client by another way.
        assert_eq!(ask(&client, loopback(&pool, 0), b"hello"), (b"hello".to_vec(), loopback(&pool, 0)));
    }
}

#[test]
fn a_burst_arrives_as_it_was_given() {
    check(&[1150; 60]);
    check(&[1150, 1150, 1150, 300]);
    check(&[300, 1150, 1150, 20, 20, 20, 21, 20]);
    check(&[1, 1, 1, 2]);
    // More than one call takes.
    check(&[1200; 70]);
    check(&[900, 900, 0, 900]);
}

fn check(sizes: &[u16]) {
    for listen in ["127.0.0.1:0", "[::]:0"] {
        let (pool, _reports) = start(&config(listen, 1));
        let (client, server) = (udp("127.0.0.1:0"), loopback(&pool, 0));
        let sizes: Vec<[u8; 2]> = sizes.iter().map(|size| size.to_be_bytes()).collect();
        client.send_to(&[b"*", sizes.as_flattened()].concat(), server).unwrap();
        for (n, size) in sizes.iter().enumerate() {
            assert_eq!(hear(&client), (pattern(n, size), server), "datagram {n} of {sizes:?}");
        }
        let counters = pool.counters();
        assert_eq!((counters.dropped_backlog.get(), counters.dropped_refused.get()), (0, 0));
    }
}
