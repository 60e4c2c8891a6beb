//! The recordings of the real SDK, played to our own door: the model of the SDK (`support/sdk`) listens to every frame of
//! ours and panics where the real one would break, and where the recorder's server did what the protocol requires, it must
//! notice the same from us.

mod support;

use room::{Act, Channel, Limits, RoomKind};
use serde_json::{Value, json};
use std::time::Duration;
use support::replay::{Replay, play, play_ours};
use support::sdk::Phase;
use support::snapshot;
use support::transcript::{Scene, scene, scenes};

fn same(name: &str) -> Replay {
    let replay = play(&scene(name), Limits::default());
    replay.assert_same();
    replay
}

fn timeout(session_timeout: Duration) -> Limits {
    Limits { session_timeout, ..Limits::default() }
}

/// Everything said to somebody whose model has this word in its name, in order.
fn told(replay: &Replay, who: &str) -> Vec<Value> {
    replay.sent.iter().filter(|(name, _)| name.starts_with(who)).map(|(_, message)| message.clone()).collect()
}

fn bodies(replay: &Replay, who: &str, kind: &str) -> Vec<Value> {
    told(replay, who).into_iter().map(|message| message["body"].clone()).filter(|body| body["type"] == kind).collect()
}

fn nobody_is_left(replay: &Replay) {
    assert_eq!(replay.hub.rooms.count(), (0, 0));
}

// --- meeting

#[test]
fn two_meet_mute_change_cameras_collide_and_part() {
    for name in ["p2p-two", "p2p-two-mixed", "p2p-two-2.18.1"] {
        let mut replay = same(name);
        let life = &replay.person("alice").ours.log.life;
        assert_eq!(life, &["connected as \"alice\" to \"Dog Cam\"", "ended 53118"]);
        assert_eq!(replay.person("bob").ours.phase, Phase::Ended(None));
        nobody_is_left(&replay);
    }
    snapshot::check("p2p-two", &same("p2p-two").sent);
}

#[test]
fn the_offer_that_came_second_is_dropped() {
    let replay = same("p2p-two");
    let offers_of_bob = bodies(&replay, "alice", "update")
        .into_iter()
        .flat_map(|body| body["peer_connections"].as_array().cloned().unwrap_or_default())
        .filter(|state| state["description"]["type"] == "offer")
        .map(|state| state["description"]["revision"].as_u64().expect("a count"))
        .collect::<Vec<_>>();
    // Revision 1 made the connection, 5 collided with alice's own and is not among them, 6 is its second try.
    assert_eq!(offers_of_bob, [1, 6]);
}

#[test]
fn three_meet() {
    let replay = same("p2p-three");
    for person in &replay.people {
        assert_eq!(person.ours.room.peers.len(), 2, "{}", person.identity);
        assert!(person.ours.room.peers.values().all(|peer| peer.is_settled()), "{}", person.identity);
    }
    snapshot::check("p2p-three", &replay.sent);
}

#[test]
fn a_viewer_meets_a_camera_in_either_order() {
    for name in ["p2p-viewer-camera-first", "p2p-viewer-viewer-first"] {
        snapshot::check(name, &same(name).sent);
    }
}

#[test]
fn a_spare_connection_is_closed_when_it_cannot_be_used_any_more() {
    let mut replay = same("p2p-two");
    let closed = replay.person("alice").ours.log.peers.values().filter(|lines| *lines == &["close"]).count();
    assert_eq!(closed, 1);
}

// --- leaving and coming back

#[test]
fn the_newer_of_one_identity_stays() {
    let replay = same("dup-identity");
    assert_eq!(replay.people[0].ours.phase, Phase::Ended(Some(53205)));
    assert!(replay.people[1].ours.is_in());
    assert_eq!(replay.hub.rooms.count(), (1, 1));
    snapshot::check("dup-identity", &replay.sent);
}

#[test]
fn a_lost_client_comes_back_to_its_seat() {
    let mut replay = same("sync-reconnect");
    let seen = &replay.person("bob").ours.log.room;
    assert!(seen.contains(&"alice: connected -> reconnecting".to_owned()), "{seen:?}");
    assert!(seen.contains(&"alice: reconnecting -> connected".to_owned()), "{seen:?}");
    assert_eq!(replay.person("alice").ours.log.life[1..], ["reconnecting", "reconnected"]);
    snapshot::check("sync-reconnect", &replay.sent);
}

#[test]
fn a_seat_is_not_kept_for_ever() {
    let replay = play(&scene("sync-expired"), timeout(Duration::from_millis(20)));
    replay.assert_same();
    assert_eq!(replay.people[0].ours.phase, Phase::Ended(Some(53204)));
    nobody_is_left(&replay);
}

#[test]
fn a_client_that_is_lost_again_and_again_keeps_its_seat_until_the_time_is_over() {
    let mut replay = play_ours(&scene("session-timeout"), timeout(Duration::from_secs(4)));
    assert_eq!(replay.hub.rooms.count(), (1, 1));
    let lost = replay.hub.now_ms();
    replay.hub.advance_to(lost + 3_999);
    assert_eq!(replay.hub.rooms.count(), (1, 1));
    replay.hub.advance_to(lost + 4_000);
    nobody_is_left(&replay);
}

#[test]
fn a_client_that_missed_heartbeats_comes_back() {
    let replay = play_ours(&scene("heartbeat-miss"), Limits::default());
    assert_eq!(replay.people[0].ours.log.life[1..], ["reconnecting", "reconnected"]);
}

/// Closes of the server's making (1000, 1001, 1012, 4000) are the network's here: the client is lost, or left with 1000 and 1001.
#[test]
fn edge_cases_leave_no_ghosts() {
    let scenes = scenes("edge-cases");
    assert_eq!(scenes.len(), 13);
    for (number, scene) in scenes.iter().enumerate() {
        let mut replay = play_ours(scene, Limits::default());
        for conn in replay.hub.open_conns() {
            replay.hub.close(conn, Some(1001));
        }
        let later = replay.hub.now_ms() + 31_000;
        replay.hub.advance_to(later);
        assert_eq!(replay.hub.rooms.count(), (0, 0), "scene {number}");
    }
}

#[test]
fn a_connect_that_is_cancelled_leaves_nothing() {
    let replay = play_ours(&scenes("edge-cases")[0], Limits::default());
    nobody_is_left(&replay);
    snapshot::check("cancel", &replay.sent);
}

/// In the recording the server refused each connect; here each is let in, and the client leaves at once without its session.
#[test]
fn a_client_may_leave_before_it_hears_that_it_is_in() {
    let scene = scene("connect-error");
    let replay = play_ours(&scene, Limits::default());
    nobody_is_left(&replay);
    assert_eq!(bodies(&replay, "x", "connected").len(), 12);
}

// --- saying hello

#[test]
fn a_repeated_hello_is_welcomed_again_and_nothing_more() {
    let replay = play_ours(&scene("no-welcome"), Limits::default());
    let welcomes = told(&replay, "x").iter().filter(|message| message["type"] == "welcome").count();
    // The third one comes more than ten seconds after the first: too late for a client that says nothing else.
    assert_eq!(welcomes, 2);
    assert_eq!(bodies(&replay, "x", "iced").len(), 1);
    assert!(replay.hub.open_conns().is_empty());
}

#[test]
fn a_client_with_ice_servers_of_its_own_connects_in_its_hello() {
    let replay = same("ice-override");
    assert!(bodies(&replay, "", "iced").is_empty());
    assert_eq!(bodies(&replay, "", "connected").len(), 1);
}

#[test]
fn a_connect_with_every_option_is_understood() {
    let replay = play_ours(&scene("options-all"), Limits::default());
    assert!(replay.people[0].ours.is_in());
}

#[test]
fn preflight_asks_for_servers_only() {
    let replay = play_ours(&scene("shim-preflight"), Limits::default());
    assert_eq!(bodies(&replay, "", "iced").len(), 6);
    assert_eq!(bodies(&replay, "", "connected").len(), 4);
    nobody_is_left(&replay);
}

#[test]
fn telemetry_changes_nothing() {
    assert!(same("insights").people[0].ours.is_in());
}

// --- tracks

#[test]
fn every_listed_track_is_published_at_once() {
    let replay = play_ours(&scene("late-published"), Limits::default());
    let alice = &replay.people[0].ours.room;
    assert_eq!(alice.published.len(), 2);
    assert!(alice.published.values().all(|state| state.starts_with("ready MT")));
    assert_eq!(bodies(&replay, "alice", "connected")[0]["published"]["tracks"].as_array().map(Vec::len), Some(3));
}

#[test]
fn two_who_change_much_see_each_other() {
    let mut replay = play_ours(&scene("room-signals"), Limits::default());
    let seen = replay.person("alice").ours.room.view();
    assert_eq!(seen.keys().filter(|key| key.starts_with("bob/") && key.ends_with("/media")).count(), 3);
}

const GROUPS: [&str; 6] = [
    "group-two",
    "group-two-2.18.1",
    "group-two-2.18.1-conf",
    "group-simulcast-explicit",
    "group-simulcast-explicit-conf",
    "group-auto-no-grant",
];

fn group() -> Limits {
    Limits { kind: RoomKind::Group, ..Limits::default() }
}

/// The recorder's server is the media server here: what it said of connections comes as reports, and its clients notice the same.
#[test]
fn the_people_of_group_rooms_notice_the_same() {
    for name in GROUPS {
        println!("{name}");
        let replay = play(&without_transcriptions(scene(name)), group());
        replay.assert_same_by_subject();
    }
}

#[test]
fn the_answer_is_inside_connected() {
    for name in GROUPS {
        let replay = play(&without_transcriptions(scene(name)), group());
        for who in ["alice", "bob"] {
            let connected = &bodies(&replay, who, "connected")[0];
            let description = &connected["peer_connections"][0]["description"];
            assert_eq!((&description["type"], &description["revision"]), (&json!("answer"), &json!(1)), "{name} {who}");
            assert_eq!(connected["options"]["media_region"], "local");
            assert_eq!(connected["options"]["audio_processors"], json!(["krisp"]));
        }
    }
}

#[test]
fn channels_are_granted_as_they_were_asked_for() {
    let replay = play(&scene("group-two"), group());
    let granted = &bodies(&replay, "alice", "connected")[0]["media_signaling"];
    let names: Vec<&String> = granted.as_object().expect("channels").keys().collect();
    let all = ["active_speaker", "network_quality", "publisher_hints", "render_hints", "track_priority", "track_switch_off"];
    assert_eq!(names, all);
    let link = bodies(&replay, "alice", "connected")[0]["peer_connections"][0]["id"].as_str().expect("a link").to_owned();
    let transport = &granted["active_speaker"]["transport"];
    assert_eq!(transport, &json!({"type": "data-channel", "label": format!("speaker-{link}")}));
    let of_bob = &bodies(&replay, "bob", "connected")[0]["media_signaling"];
    assert_eq!(of_bob.as_object().map(serde_json::Map::len), Some(1));
}

#[test]
fn what_is_said_by_channels_is_understood_and_answered() {
    let replay = play(&scene("group-two"), group());
    assert_eq!(replay.hub.ignored, 1, "the recorder hinted a track that there is not, and the client said so");
    let hints = |order: &room::Order| if let Act::Hint(hints) = &order.act { hints.len() } else { 0 };
    let hints: usize = replay.hub.orders.iter().map(hints).sum();
    let says = replay.hub.orders.iter().filter_map(|order| match &order.act {
        Act::Say(channel, text) => Some((*channel, text.0.to_string())),
        _ => None,
    });
    let replies: Vec<String> = says.filter(|(channel, _)| *channel == Channel::Render).map(|(_, text)| text).collect();
    assert_eq!((hints, replies.len()), (9, 4));
    assert!(replies[0].starts_with(r#"{"type":"render_hints","subscriber":{"id":1,"hints":[{"track":"MT"#), "{replies:?}");
    assert!(replies.iter().all(|reply| reply.contains(r#""result":"OK""#)));
}

/// That channel is not served here: the scene without its grant.
fn without_transcriptions(mut scene: Scene) -> Scene {
    for frame in &mut scene.frames {
        if let support::transcript::What::Heard(message) = &mut frame.what
            && let Some(granted) = message["body"]["media_signaling"].as_object_mut()
        {
            granted.remove("extension_transcriptions");
        }
    }
    scene
}
