//! What receivers are told of the moment at which something was made.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use str0m::rtp::RtpPacket;

use crate::picture;
use crate::world::{Weather, World};

/// Microseconds by which what was made at a moment is said to be of a later one.
fn away(packet: &RtpPacket, hz: i64, made: Duration) -> Option<i64> {
    let report = packet.last_sender_info?;
    let clock = report.ntp_time.duration_since(UNIX_EPOCH).unwrap().as_micros();
    let since = packet.header.timestamp.wrapping_sub(report.rtp_time.numer() as u32).cast_signed();
    let said = i64::try_from(clock).unwrap() + i64::from(since) * 1_000_000 / hz;
    Some(said - i64::try_from(made.as_micros()).unwrap())
}

/// Lips and voice: a bad line between a publisher and us moves neither against the other.
#[test]
fn pictures_and_sound_of_one_moment_are_of_one_moment_however_they_came() {
    let mut world = World::new(crate::seed(88));
    let (ann, bo) = (world.join(true, true, false), world.join(false, false, false));
    let clock = Rc::new(Cell::new(Duration::ZERO));
    let (start, own) = (world.start, Rc::clone(&clock));
    world.beside = Some(Box::new(move |now, _| own.set(now - start)));
    let stamp = move || u64::try_from(clock.get().as_micros()).unwrap().to_be_bytes();
    world.clients[ann].voice = Some(Box::new(move || [&stamp()[..], &[7; 72]].concat()));
    let jitter = Weather { delay: Duration::from_millis(10), jitter: Duration::from_millis(80), ..Weather::default() };
    world.local.insert(world.clients[ann].outside, jitter);
    // Her reports are there, and ours that follow from them.
    world.run(Duration::from_secs(12));
    world.clients[bo].kept = Some(BTreeMap::new());
    world.run(Duration::from_secs(12));
    let spoken = |packet: &RtpPacket| Duration::from_micros(u64::from_be_bytes(packet.payload[..8].try_into().unwrap()));
    let sounds = world.clients[bo].sounds.iter().filter_map(|packet| away(packet, 48_000, spoken(packet)));
    let shown = world.clients[bo].kept.as_ref().unwrap().values().flatten();
    let pictures = shown.filter_map(|packet| away(packet, 90_000, picture::made(&packet.payload)?));
    let (sounds, pictures): (Vec<i64>, Vec<i64>) = (sounds.collect(), pictures.collect());
    let ends = |all: &[i64]| (all.iter().min().copied().unwrap(), all.iter().max().copied().unwrap());
    let ((soonest, latest), (first, last)) = (ends(&sounds), ends(&pictures));
    println!("sound {} µs, pictures {} µs, apart {} µs", latest - soonest, last - first, first - soonest);
    assert!(sounds.len() > 500 && pictures.len() > 900, "{} and {}", sounds.len(), pictures.len());
    assert!(latest.max(last) - soonest.min(first) < 5_000, "{soonest} to {latest}, {first} to {last}");
}
