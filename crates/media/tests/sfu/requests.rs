//! Requests for key frames.

use std::time::Duration;

use room::Kind;

use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_storm_of_keyframe_requests_is_a_breeze_upstream() {
    let mut world = World::new(41);
    let ann = world.join(false, true, false);
    let viewers: Vec<usize> = (0..10).map(|_| world.join(false, false, false)).collect();
    world.run(3 * SECOND);
    let track = world.track(ann, Kind::Video);
    let before = world.clients[ann].keyframes_asked;
    let mut asked = 0;
    for n in 0..5_000 {
        let viewer = viewers[n % viewers.len()];
        if n % 10 < 2 {
            // Two requests each millisecond of 10 s: two hundred a second from each viewer.
            let client = &mut world.clients[viewer];
            let sources: Vec<_> = client.received.keys().copied().collect();
            sources.into_iter().for_each(|ssrc| client.ask(ssrc));
            asked += 1;
        }
        world.step();
    }
    let upstream = world.clients[ann].keyframes_asked - before;
    println!("{asked} asked, {upstream} upstream in 5 s");
    assert!(upstream <= 10, "{upstream} in 5 s");
    assert!(upstream >= 5);
    assert!(viewers.iter().all(|viewer| world.frames(*viewer, track) > 150));
}

#[test]
fn those_who_come_together_share_a_keyframe() {
    let mut world = World::new(44);
    let ann = world.join(false, true, false);
    world.run(3 * SECOND);
    let before = world.clients[ann].keyframes_asked;
    let mut join = || {
        world.run(Duration::from_millis(10));
        world.join(false, false, false)
    };
    let viewers: Vec<usize> = (0..12).map(|_| join()).collect();
    world.run(SECOND);
    let asked = world.clients[ann].keyframes_asked - before;
    assert!((1..=3).contains(&asked), "{asked} in a second");
    let track = world.track(ann, Kind::Video);
    assert!(viewers.iter().all(|viewer| world.frames(*viewer, track) > 10));
}

/// RTCP is read as far as an honest client needs it. The others go on as before.
#[test]
fn a_client_that_floods_with_feedback_is_not_heard_out() {
    let mut world = World::new(42);
    let publishers: Vec<usize> = (0..6).map(|_| world.join(false, true, false)).collect();
    let (bo, eve) = (world.join(false, false, false), world.join(false, false, false));
    world.run(3 * SECOND);
    assert_eq!(world.engine.counts().flooded, 0);
    let before: Vec<u64> = publishers.iter().map(|ann| world.frames(bo, world.track(*ann, Kind::Video))).collect();
    for _ in 0..3_000 {
        let client = &mut world.clients[eve];
        let sources: Vec<_> = client.received.keys().copied().collect();
        sources.into_iter().for_each(|ssrc| client.ask(ssrc));
        world.step();
    }
    let dropped = world.engine.counts().flooded;
    assert!((1_000..2_900).contains(&dropped), "{dropped} of 3000 and a few dropped");
    for (ann, before) in publishers.iter().zip(before) {
        let frames = world.frames(bo, world.track(*ann, Kind::Video)) - before;
        assert!(frames > 80, "{frames} in 3 s");
    }
}
