use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::counters::Counters;
use media::limit::{BACKLOG_BYTES_MAX, RUN_BYTES_MAX, SEGMENTATION_RETRY};
use media::net::{Batch, Faces, Outbox, Protocol, Run, Transmit, Udp, bind};

use crate::script::{hear, udp};

fn transmit(source: SocketAddr, destination: SocketAddr, bytes: Vec<u8>) -> Transmit {
    Transmit { protocol: Protocol::Udp, source, destination, bytes: bytes.into() }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

/// What goes by one call, as destination port and sizes.
#[track_caller]
fn check(datagrams: &[(u16, usize)], count_max: usize, expected: &[(u16, &[usize])]) {
    let (mut outbox, mut sent) = (Outbox::default(), Vec::new());
    let note = |sent: &mut Vec<(u16, Vec<usize>)>, run: &Run<'_>| {
        let sizes: Vec<usize> = run.bytes.chunks(run.segment.max(1)).map(<[u8]>::len).collect();
        sent.push((run.destination.port(), sizes));
    };
    let mut dispatch = |run: &Run<'_>| (note(&mut sent, run), true).1;
    for (port, size) in datagrams {
        assert_eq!(outbox.push(&transmit(address(1), address(*port), vec![7; *size]), count_max, &mut dispatch), 0);
    }
    assert_eq!(outbox.flush(&mut dispatch), 0);
    assert_eq!(outbox.flush(&mut dispatch), 0);
    let one_by_one = std::mem::take(&mut sent);
    // The same as they lie in one piece of memory.
    for datagrams in datagrams.chunk_by(|(one, _), (other, _)| one == other) {
        let ends: Vec<usize> = datagrams.iter().scan(0, |end, (_, size)| Some((*end += size, *end).1)).collect();
        let bytes = vec![7; ends[ends.len() - 1]];
        let destination = address(datagrams[0].0);
        let batch = Batch { protocol: Protocol::Udp, source: address(1), destination, bytes: &bytes, ends: &ends };
        let mut dispatch = |run: &Run<'_>| (note(&mut sent, run), true).1;
        assert_eq!(outbox.pass(&batch, count_max, &mut dispatch), 0);
    }
    assert_eq!(sent, one_by_one);
    let expected: Vec<(u16, Vec<usize>)> = expected.iter().map(|(port, sizes)| (*port, sizes.to_vec())).collect();
    assert_eq!(sent, expected);
}

#[test]
fn datagrams_go_together_while_the_receiver_can_tell_them_apart() {
    check(&[(2, 9), (2, 9), (2, 9)], 64, &[(2, &[9, 9, 9])]);
    check(&[(2, 9), (2, 9), (2, 5), (2, 5)], 64, &[(2, &[9, 9, 5]), (2, &[5])]);
    check(&[(2, 5), (2, 9)], 64, &[(2, &[5]), (2, &[9])]);
    check(&[(2, 9), (3, 9), (2, 9)], 64, &[(2, &[9]), (3, &[9]), (2, &[9])]);
    check(&[(2, 9), (2, 9), (2, 9)], 2, &[(2, &[9, 9]), (2, &[9])]);
    check(&[(2, 9), (2, 9)], 1, &[(2, &[9]), (2, &[9])]);
    check(
        &[(2, RUN_BYTES_MAX / 2), (2, RUN_BYTES_MAX / 2), (2, 1)],
        64,
        &[(2, &[RUN_BYTES_MAX / 2, RUN_BYTES_MAX / 2]), (2, &[1])],
    );
}

#[test]
fn what_the_socket_does_not_take_waits_in_order_up_to_a_limit() {
    let mut outbox = Outbox::default();
    let datagram = |n: usize| transmit(address(1), address(2 + (n % 2) as u16), n.to_be_bytes().repeat(125));
    let mut dropped = 0;
    let many = BACKLOG_BYTES_MAX / 1_000 + 10;
    (0..many).for_each(|n| dropped += outbox.push(&datagram(n), 64, |_| false));
    dropped += outbox.flush(|_| false);
    assert!(outbox.is_waiting());
    let kept = BACKLOG_BYTES_MAX / 1_000;
    assert_eq!(dropped, many - kept);
    // It takes three, then all; what is new goes behind what waits.
    let mut sent = Vec::new();
    let mut note = |run: &Run<'_>| sent.push(usize::from_be_bytes(run.bytes[..8].try_into().unwrap()));
    let mut left = 3;
    outbox.resume(|run| left > 0 && (left -= 1, note(run)) == ((), ()));
    outbox.push(&datagram(many), 64, |_| panic!("out of order"));
    outbox.flush(|_| panic!("out of order"));
    outbox.resume(|run| (note(run), true).1);
    assert!(!outbox.is_waiting());
    // What comes in one piece goes behind what waits, too, and waits itself.
    let numbers: Vec<u8> = (many + 1..many + 3).flat_map(|n| n.to_be_bytes().repeat(125)).collect();
    let batch =
        Batch { protocol: Protocol::Udp, source: address(1), destination: address(2), bytes: &numbers, ends: &[1_000, 2_000] };
    outbox.push(&datagram(many), 64, |_| true);
    let mut calls = 0;
    outbox.pass(&batch, 1, |_| (calls += 1, false).1);
    assert_eq!(calls, 1, "the socket is asked once");
    outbox.resume(|run| (note(run), true).1);
    assert_eq!(sent.split_off(sent.len() - 3), [many, many + 1, many + 2]);
    assert_eq!(sent, (0..kept).chain([many]).collect::<Vec<_>>());
}

struct Bench {
    udp: Udp,
    source: SocketAddr,
    client: UdpSocket,
    counters: Arc<Counters>,
}

impl Bench {
    fn new() -> Self {
        let (socket, counters) = (bind("0.0.0.0:0".parse().unwrap()).unwrap(), Arc::<Counters>::default());
        let source = SocketAddr::from(([127, 0, 0, 1], socket.local_addr().unwrap().port()));
        let faces = Faces::new(vec![source], vec![source.ip()]);
        let udp_socket = Udp::new(socket, faces, counters.clone()).unwrap();
        Bench { udp: udp_socket, source, client: udp("127.0.0.1:0"), counters }
    }

    /// Sends three datagrams to an address; gives by how many calls, and how many were refused.
    fn burst(&mut self, destination: SocketAddr) -> (u64, u64) {
        let before = (self.counters.sends.get(), self.counters.dropped_refused.get());
        for n in 0..3 {
            self.udp.send(&transmit(self.source, destination, vec![n; 100]));
        }
        self.udp.flush();
        (self.counters.sends.get() - before.0, self.counters.dropped_refused.get() - before.1)
    }

    fn hears_all(&self) {
        (0..3).for_each(|n| assert_eq!(hear(&self.client), (vec![n; 100], self.source)));
    }
}

#[test]
fn where_the_system_does_not_segment_datagrams_go_one_by_one_for_a_while() {
    let (mut bench, start) = (Bench::new(), Instant::now());
    let client = bench.client.local_addr().unwrap();
    if bench.burst(client) != (1, 0) {
        // A system that never segments.
        return;
    }
    bench.hears_all();
    // There is no port 0, which is refused in the same words as segmentation.
    assert_eq!(bench.burst(SocketAddr::new(client.ip(), 0)), (0, 3));
    assert_eq!(bench.burst(client), (3, 0));
    bench.hears_all();
    bench.udp.handle_time(start);
    bench.udp.handle_time(start + SEGMENTATION_RETRY - Duration::from_millis(1));
    assert_eq!(bench.burst(client), (3, 0));
    bench.hears_all();
    bench.udp.handle_time(start + SEGMENTATION_RETRY);
    assert_eq!(bench.burst(client), (1, 0));
    bench.hears_all();
}
