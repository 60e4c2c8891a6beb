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
            let sources: Vec<_> = client.received.iter().copied().collect();
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
