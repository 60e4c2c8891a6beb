use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use room::{ParticipantId, RoomId, TrackId};
use str0m::format::PayloadParams;

use super::port::{Port, pair};
use super::*;
use crate::limit::{
    PIPE_MESSAGES_ALL_BYTES_MAX, PIPE_MESSAGES_BYTES_MAX, PIPE_PACKETS_MAX, PIPE_PER_TURN_MAX, PIPE_WORDS_BYTES_MAX,
};

const OWN: Part = Part { worker: 0, serial: 7 };

/// The ports of workers 0 and 1, with a pipe between them, and what ends their sleep.
fn ports() -> [(Port, Poll); 2] {
    let polls = [Poll::new().expect("a poll"), Poll::new().expect("a poll")];
    let wakers = polls.each_ref().map(|poll| Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker")));
    let (near, far) = pair((0, &wakers[0]), (1, &wakers[1]));
    let port = |end| {
        let (sender, ends) = std::sync::mpsc::channel();
        sender.send(end).expect("a port");
        let mut port = Port::new(ends);
        port.open();
        port
    };
    let [one, other] = polls;
    [(port(near), one), (port(far), other)]
}

fn packet(seq: u64) -> Piped {
    let packet = Arrival {
        ssrc: 1.into(),
        payload_type: 96.into(),
        seq,
        time: 0,
        marker: false,
        at: Instant::now(),
        shown: Instant::now(),
        report: None,
        level: None,
        orientation: None,
        extras: crate::send::Extras::default(),
        payload: Arc::from(&[1_u8][..]),
    };
    let params = PayloadParams::new(96.into(), None, opus());
    Piped::packet(Load { from: OWN, track: TrackId(1), layer: 0, layers: 1, params, packet })
}

fn opus() -> str0m::format::CodecSpec {
    let mut rtc = str0m::Rtc::builder().clear_codecs().enable_opus(true, false).build(Instant::now());
    let mut api = rtc.sdp_api();
    api.add_media(str0m::media::MediaKind::Audio, str0m::media::Direction::SendRecv, None, None, None);
    drop(api);
    rtc.codec_config().params().first().expect("a codec").spec()
}

fn word(word: Word) -> Piped {
    Piped::word(RoomId(1), OWN, word)
}

fn message(bytes: usize) -> Piped {
    message_of(1, bytes)
}

fn message_of(room: u128, bytes: usize) -> Piped {
    Piped::word(RoomId(room), OWN, Word::Message { track: TrackId(2), binary: true, data: vec![7; bytes].into() })
}

/// The numbers of the packets that a port gives in a turn, and how many words.
fn received(port: &mut Port) -> (Vec<u64>, usize, bool) {
    let (mut packets, mut words) = (Vec::new(), 0);
    let more = port.receive(|piped| match piped.0 {
        Said::Packet(load) => packets.push(load.packet.seq),
        Said::Word(..) => words += 1,
    });
    (packets, words, more)
}

#[test]
fn packets_come_out_as_they_were_put_in_and_what_finds_no_room_comes_back() {
    let [(mut one, _), (mut other, _)] = ports();
    let most = PIPE_PACKETS_MAX as u64;
    (0..most).for_each(|seq| assert!(one.send(1, packet(seq)).is_none()));
    let back = one.send(1, packet(most)).expect("no room");
    assert!(matches!(back.0, Said::Packet(load) if load.packet.seq == most));
    // Words have room of their own, and go before.
    assert!(one.send(1, word(Word::Hello)).is_none());
    let (packets, words, more) = received(&mut other);
    assert_eq!((packets, words, more), ((0..PIPE_PER_TURN_MAX as u64).collect(), 1, true));
    assert!(one.send(1, packet(most)).is_none());
    // And none of that came the other way.
    assert_eq!(received(&mut one), (vec![], 0, false));
    assert!(other.send(0, packet(3)).is_none());
    assert_eq!(received(&mut one), (vec![3], 0, false));
}

#[test]
fn messages_leave_room_for_words() {
    let [(mut one, _), (mut other, _)] = ports();
    let each = 64 * 1024;
    let fit = (0..).take_while(|_| one.send(1, message(each)).is_none()).count();
    assert!((fit + 1) * (each + 256) > PIPE_MESSAGES_BYTES_MAX && fit * (each + 256) <= PIPE_MESSAGES_BYTES_MAX);
    let count = |one: &mut Port, word: fn() -> Piped| (0..).take_while(|_| one.send(1, word()).is_none()).count();
    let words = count(&mut one, || word(Word::Speaker(Some(ParticipantId(1)))));
    assert_eq!(words, PIPE_WORDS_BYTES_MAX / 256);
    // So do those that go among them.
    let overrun = count(&mut one, || word(Word::Overrun(TrackId(2))));
    assert!(overrun >= PIPE_WORDS_BYTES_MAX / 256, "{overrun}");
    assert_eq!(received(&mut other).1, 2 * PIPE_PER_TURN_MAX);
    while received(&mut other).1 > 0 {}
    assert!(one.send(1, message(each)).is_none(), "what was taken out makes room");
}

/// One that says much takes nothing from others, until all of them say too much.
#[test]
fn messages_of_one_room_leave_room_for_those_of_others() {
    let [(mut one, _), (mut other, _)] = ports();
    let each = 64 * 1024;
    let fit = |one: &mut Port, room: u128| (0..).take_while(|_| one.send(1, message_of(room, each)).is_none()).count();
    let fits: Vec<usize> = (1..=20).map(|room| fit(&mut one, room)).collect();
    let (most, all) = (PIPE_MESSAGES_BYTES_MAX / (each + 256), PIPE_MESSAGES_ALL_BYTES_MAX / (each + 256));
    assert!(fits.iter().take(8).all(|fit| *fit == most), "{fits:?}");
    assert_eq!(fits.iter().sum::<usize>(), all);
    while received(&mut other).1 > 0 {}
    // Those of which nothing waits any more are not remembered, and their room is all there.
    (100..10_000).for_each(|room| {
        assert!(one.send(1, message_of(room, 10)).is_none());
        received(&mut other);
    });
    assert!(one.rooms(1) <= 16, "{}", one.rooms(1));
    assert_eq!((fit(&mut one, 1), fit(&mut one, 100)), (most, most));
}

/// A wing that stood still has thousands of messages before it. A picture does not wait for them, and neither does a hole, which has its place
/// among them.
#[test]
fn words_pass_messages_and_what_is_said_of_messages_does_not() {
    let [(mut one, _), (mut other, _)] = ports();
    (0..2_000).for_each(|_| assert!(one.send(1, message(10)).is_none()));
    assert!(one.send(1, word(Word::Overrun(TrackId(2)))).is_none());
    assert!(one.send(1, word(Word::Keyframe { track: TrackId(1), layer: 0, first: true })).is_none());
    assert!(one.send(1, packet(5)).is_none());
    let mut turns = Vec::new();
    let mut more = true;
    while more {
        let mut turn = Vec::new();
        more = other.receive(|piped| turn.push(piped));
        turns.push(turn);
    }
    assert!(matches!(turns[0][0].0, Said::Word(_, _, Word::Keyframe { .. })));
    assert!(matches!(turns[0][1].0, Said::Packet(_)));
    let all: Vec<&Piped> = turns.iter().flatten().collect();
    assert!(all.len() == 2_003 && matches!(all[2_002].0, Said::Word(_, _, Word::Overrun(_))));
}

#[test]
fn who_is_told_something_is_woken_once_a_turn() {
    let [(mut one, _), (_other, mut poll)] = ports();
    let woken = |poll: &mut Poll| {
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::ZERO)).expect("a poll");
        events.iter().count()
    };
    assert_eq!(woken(&mut poll), 0);
    (0..10).for_each(|seq| assert!(one.send(1, packet(seq)).is_none()));
    assert_eq!(woken(&mut poll), 0);
    one.wake();
    assert_eq!(woken(&mut poll), 1);
    one.wake();
    assert_eq!(woken(&mut poll), 0, "nothing was put in since");
}

#[test]
fn an_engine_made_anew_hears_nothing_of_what_was_for_the_one_before() {
    let [(mut one, _), (mut other, _)] = ports();
    (0..200).for_each(|seq| assert!(one.send(1, packet(seq)).is_none()));
    (0..100).for_each(|_| assert!(one.send(1, word(Word::Hello)).is_none()));
    (0..7_000).for_each(|_| assert!(one.send(1, message(10)).is_none()));
    other.clear();
    assert_eq!(received(&mut other), (vec![], 0, false));
    assert!(one.send(1, packet(1_000)).is_none());
    assert_eq!(received(&mut other), (vec![1_000], 0, false));
    assert!(one.send(2, packet(0)).is_some(), "there is no pipe to that worker");
}

#[test]
fn what_comes_after_a_hole_waits_for_a_key_frame() {
    let mut outlet = Outlet::new(OWN, Part { worker: 1, serial: 8 }, false);
    let (key, plain) = (Descriptor { keyframe: true, ..Descriptor::default() }, Descriptor::default());
    assert!(!outlet.takes(0, &key), "nobody wants it");
    outlet.need.wanted = true;
    assert!(outlet.takes(0, &plain) && outlet.takes(2, &plain) && !outlet.takes(200, &key));
    outlet.break_off(2);
    assert_eq!([0, 2].map(|layer| outlet.takes(layer, &plain)), [true, false]);
    assert_eq!([&key, &plain].map(|descriptor| outlet.takes(2, descriptor)), [true, true]);
}
