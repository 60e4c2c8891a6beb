//! The recordings of the real SDK, played to our own door: a model of the SDK listens to every frame of ours and panics where the real
//! one would break, and every request of every version must get the answer that it got when it was recorded.

mod support;

use room::Act;
use serde_json::{Value, json};
use signalwire::names;
use support::transcript::Replay;

/// Everything that can be permitted.
fn all() -> Vec<&'static str> {
    names::scopes(room::Permissions::ALL)
}

/// Plays a recording; every answer has the code, and within it the words, of the recorded one.
fn same(name: &str, extra: &[&'static str]) -> Replay {
    let mut replay = Replay::play(name, extra);
    let conns: Vec<String> = replay.conns.keys().cloned().collect();
    for conn in conns {
        for (ours, theirs) in replay.answers(&conn) {
            assert_eq!(gist(&ours), gist(&theirs), "{name} {conn}:\n{ours}\n{theirs}");
        }
    }
    replay
}

/// What of an answer the SDK goes by.
fn gist(answer: &Value) -> Value {
    let inner = &answer["result"]["result"]["result"];
    let fields = answer["result"].as_object().map(|result| result.keys().cloned().collect::<Vec<_>>());
    json!({
        "code": answer["result"]["code"],
        "error": answer["error"]["message"],
        "message": inner["message"],
        "call": inner["callID"],
        "action": inner["action"],
        "hold": inner["holdState"],
        "fields": fields,
    })
}

/// Whether everything that was told when it was recorded is told here too, in this order, with anything in between.
#[track_caller]
fn told(replay: &mut Replay, conn: &str, left_out: &[&str]) {
    let ours: Vec<String> = replay.client(conn).frames.iter().filter_map(support::transcript::kind).collect();
    let mut rest = ours.iter();
    for kind in replay.told(conn) {
        let found = left_out.contains(&&*kind) || rest.any(|own| *own == kind);
        assert!(found, "{conn} was told {kind} there:\n{:?}\n{ours:?}", replay.told(conn));
    }
}

#[test]
fn a_moderator_and_a_guest() {
    let mut replay = same("01", &[]);
    // The recorder's server told the layout once more to everybody when somebody came in, here only the newcomer is told.
    told(&mut replay, "A", &["video.layout.changed"]);
    told(&mut replay, "B", &[]);
    assert_eq!(replay.client("B").byes.len(), 1);
    assert_eq!(replay.room.hub.rooms.count(), (0, 0));
}

#[test]
fn older_versions_come_in() {
    for name in ["03", "04", "11"] {
        let mut replay = same(name, &[]);
        let client = replay.client("A");
        assert_eq!((client.calls.len(), client.members.len()), (1, 1), "{name}");
        assert_eq!(client.list.len(), 1, "{name}: its list begins empty");
        told(&mut replay, "A", &["video.member.joined"]);
    }
}

#[test]
fn nearly_every_method() {
    // What this server does not offer is refused.
    let mut replay = Replay::play("02", &all());
    let offered = |answer: &Value| answer["result"]["code"] != "501";
    let differing: Vec<(Value, Value)> =
        replay.answers("A").into_iter().filter(|(ours, theirs)| gist(ours) != gist(theirs)).collect();
    let refused = differing.iter().filter(|(ours, _)| !offered(ours)).count();
    assert_eq!(refused, 1, "streams");
    // A file that is played is in the answer: without it the SDK broke when this was recorded. Who is a member already is not promoted; and as audience, which it is then, it puts nobody out.
    let others: Vec<&Value> =
        differing.iter().map(|(ours, _)| ours).filter(|ours| offered(ours)).map(|ours| &ours["result"]["code"]).collect();
    assert_eq!(others, ["200", "202", "403"], "{differing:#?}");
}

#[test]
fn a_screen_and_another_camera() {
    let mut replay = same(
        "05",
        &["room.self.screenshare", "room.self.additional_source", "room.self.video_mute", "room.set_layout", "room.set_position"],
    );
    // The recorder's server told the joiner of itself, too.
    told(&mut replay, "A", &["video.member.joined", "video.member.updated", "video.member.left", "video.layout.changed"]);
    let joined = replay.client("A").events("video.member.joined");
    let kinds: Vec<&Value> = joined.iter().map(|event| &event["member"]["type"]).collect();
    assert_eq!(kinds, ["screen", "device"]);
}

#[test]
fn a_page_is_loaded_anew() {
    let mut replay = same("06", &[]);
    let before = replay.client("A").room.clone();
    assert_eq!(replay.client("B").room, before, "the same call and the same member");
    assert!(before.is_some());
}

#[test]
fn a_lost_connection_is_made_again_and_the_client_offers_again() {
    let mut replay = same("07", &[]);
    told(&mut replay, "B", &[]);
    let before = replay.client("A").room.clone();
    assert_eq!(replay.client("B").room, before);
    let opened = replay.room.hub.orders.iter().filter(|order| matches!(order.act, Act::Open(_))).count();
    assert_eq!(opened, 1, "its certificate is the same");
}

#[test]
fn a_lost_connection_is_made_again_and_the_client_says_nothing() {
    let mut replay = same("08", &[]);
    told(&mut replay, "B", &[]);
    let opened = replay.room.hub.orders.iter().filter(|order| matches!(order.act, Act::Open(_))).count();
    assert_eq!(opened, 1);
}

#[test]
fn a_text_spread_into_parameters() {
    let replay = Replay::play("09", &all());
    let open = &replay.conns["A"];
    let mute = replay.room.people[open].answers.values().filter(|answer| answer["result"]["code"] == "200").count();
    assert!(mute >= 3);
}

#[test]
fn nothing_to_come_back_to() {
    let mut replay = Replay::play("10", &[]);
    let protocol = replay.client("A").protocol.clone();
    assert!(!protocol.is_empty());
    assert!(replay.client("B").room.is_some());
}

#[test]
fn a_member_becomes_audience() {
    let mut replay = same("12", &[]);
    assert!(replay.client("A").room.is_some());
}

#[test]
fn the_vendors_demonstration_pages() {
    let replay = same("13", &[]);
    assert_eq!(replay.room.hub.rooms.count().0, usize::from(replay.room.hub.rooms.count().1 > 0));
}
