//! A client that asks for every packet again and again.

use std::time::Duration;

use media::limit::REPAIR_FLOOR_BYTES;
use room::Kind;

use crate::client::Join;
use crate::forge;
use crate::meter::Meter;
use crate::world::World;

const SECONDS: u32 = 5;

/// About the most that one datagram can ask for (RFC 4585, section 6.2.1): seven times each of the last 527 packets of a source.
fn greed(ssrc: u32, newest: u16) -> Vec<u8> {
    const TIMES: usize = 7;
    const ENTRIES: u8 = 31;
    let mut list = vec![0x81, 205, 0, 2 + ENTRIES, 0, 0, 0, 1];
    list.extend(ssrc.to_be_bytes());
    for entry in 1..=u16::from(ENTRIES) {
        list.extend(newest.wrapping_sub(17 * entry - 1).to_be_bytes());
        list.extend([0xff; 2]);
    }
    list.repeat(TIMES)
}

/// Bytes that each of these is sent in some seconds, and what that costs, while somebody asks for everything, or nobody.
fn sent(world: &mut World, to: [usize; 2], greedy: Option<usize>) -> ([u64; 2], Meter) {
    let count = |world: &World| to.map(|client| world.bytes_to.get(&world.clients[client].outside).copied().unwrap_or(0));
    let (before, cost) = (count(world), world.cost);
    for n in 0..SECONDS as usize * 1_000 {
        if let Some(client) = greedy.map(|greedy| &mut world.clients[greedy]) {
            let (ssrc, newest) = client.received.iter().nth(n % client.received.len()).unwrap();
            let packets = greed(**ssrc, *newest);
            client.say_rtcp(&forge::MARK, &packets);
        }
        world.step();
    }
    let after = count(world);
    ([0, 1].map(|n| after[n] - before[n]), world.cost.since(&cost))
}

/// Before there was a limit for all that one client is sent again, this one was sent ten times what it was to get.
#[test]
fn a_storm_of_requests_to_send_again_costs_no_more_than_its_share() {
    let mut world = World::new(45);
    let publishers: Vec<usize> = (0..3).map(|_| world.join(true, true, false)).collect();
    let bo = world.join(false, false, false);
    let eve = world.join_as(&Join { crypto: Some(forge::crypto()), ..Join::default() });
    world.run(5 * Duration::from_secs(1));
    let ([to_bo, to_eve], calm) = sent(&mut world, [bo, eve], None);
    let tracks = [Kind::Video, Kind::Audio].map(|kind| publishers.iter().map(|ann| world.track(*ann, kind)).collect::<Vec<_>>());
    let got = |world: &World| -> Vec<u64> {
        let frames = tracks[0].iter().map(|track| world.frames(bo, *track));
        frames.chain(tracks[1].iter().map(|track| world.heard(bo, *track))).collect()
    };
    let before = got(&world);
    let ([storm_to_bo, storm_to_eve], storm) = sent(&mut world, [bo, eve], Some(eve));
    println!("bytes {to_bo} {to_eve}, in the storm {storm_to_bo} {storm_to_eve}\n{calm:?}\n{storm:?}");
    let most = to_eve + to_eve * 2 / 3 + u64::from(SECONDS) * REPAIR_FLOOR_BYTES;
    assert!((to_eve + to_eve / 2..=most).contains(&storm_to_eve), "{storm_to_eve} for {to_eve}, at most {most}");
    assert!(storm.allocations < calm.allocations * 5 / 4);
    assert!(storm_to_bo.abs_diff(to_bo) < to_bo / 50, "{storm_to_bo} and {to_bo}");
    let got: Vec<u64> = got(&world).iter().zip(before).map(|(after, before)| after - before).collect();
    assert!(got.iter().enumerate().all(|(n, got)| *got >= if n < 3 { 148 } else { 248 }), "{got:?}");
    assert!(world.engine.counts().repairs_refused > 0, "{:?}", world.engine.counts());
    assert_eq!((world.dead(), world.engine.counts().panics), (vec![], 0));
}
