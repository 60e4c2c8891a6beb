//! Recordings of the mix: who may begin, pause and end them, and who is told what of that.

mod support;

use room::{ConnId, Outcome, RecordNews, RecordingId, Report, WhyStopped};
use serde_json::{Value, json};
use std::time::Duration;
use support::door::{GUEST, fill_disk, token};
use support::room::Room;

/// A moderator and a guest, both in.
fn two() -> (Room, ConnId, ConnId) {
    let mut room = Room::new();
    let moderator = signalwire::names::scopes(room::Permissions::ALL);
    let mo = room.join(&token("mo", "Office", &moderator), "call-mo");
    let gus = room.join(&token("gus", "Office", GUEST), "call-gus");
    for one in [mo, gus] {
        room.client(one).heard();
    }
    (room, mo, gus)
}

fn recordings(room: &mut Room, who: ConnId, event: &str) -> Vec<Value> {
    let events = room.client(who).events(&format!("video.recording.{event}"));
    events.iter().map(|event| event["recording"].clone()).collect()
}

#[test]
fn nothing_begins_on_a_full_disk() {
    let (mut room, mo, gus) = two();
    fill_disk(true);
    let refused = room.result(mo, "video.recording.start", json!({}));
    assert_eq!(refused, json!({ "code": "507", "message": "The disk for recordings is too full" }));
    assert_eq!(room.method(gus, "video.recording.start", json!({})), "403", "who may not is told that and no more");
    assert_eq!(room.client(mo).heard(), [] as [&str; 0]);
    fill_disk(false);
    assert_eq!(room.method(mo, "video.recording.start", json!({})), "200");
    fill_disk(true);
    let list = room.result(mo, "video.recording.list", json!({}));
    let id = list["recordings"][0]["id"].clone();
    assert_eq!(room.method(mo, "video.recording.stop", json!({ "recording_id": id })), "200", "what runs can be ended");
    fill_disk(false);
}

#[test]
fn the_mix_is_recorded_from_start_to_stop() {
    let (mut room, mo, gus) = two();
    let answer = room.result(mo, "video.recording.start", json!({ "room_session_id": "whatever" }));
    let one = answer["recording"].clone();
    let id = one["id"].as_str().expect("an id").to_owned();
    assert_eq!((&answer["code"], &one["state"], one.get("ended_at")), (&json!("200"), &json!("recording"), None));
    assert_eq!(recordings(&mut room, mo, "started"), std::slice::from_ref(&one));
    assert_eq!(room.client(mo).heard(), ["video.recording.started", "video.room.updated"]);
    let with = |name: &str| (format!("video.recording.{name}"), json!({ "recording_id": id }));
    room.wait(5_000);
    for (act, state) in [("pause", "paused"), ("resume", "recording")] {
        let (method, params) = with(act);
        assert_eq!(room.result(mo, &method, params), json!({ "code": "200", "message": "OK" }));
        assert_eq!(recordings(&mut room, mo, "updated").pop().expect("told")["state"], state);
        room.wait(2_000);
    }
    room.client(mo).heard();
    let (method, params) = with("stop");
    assert_eq!(room.method(mo, &method, params.clone()), "200");
    let ended = recordings(&mut room, mo, "ended").pop().expect("told");
    assert_eq!((&ended["state"], &ended["duration"]), (&json!("completed"), &json!(7.0)), "without its pause");
    let lasted = ended["ended_at"].as_f64().expect("a time") - ended["started_at"].as_f64().expect("a time");
    assert!((lasted - 9.0).abs() < 0.01, "{lasted}");
    assert_eq!(room.client(mo).heard(), ["video.recording.ended", "video.room.updated"]);
    assert_eq!(room.method(mo, &method, params), "404", "it is over");
    assert_eq!(room.result(mo, "video.recording.list", json!({}))["recordings"], json!([ended]));
    let updates = room.client(gus).events("video.room.updated");
    let marks: Vec<&Value> = updates.iter().map(|event| &event["room_session"]["recording"]).collect();
    assert_eq!(marks, [true, false], "everybody sees whether it is recorded");
    assert!(updates.iter().all(|event| event["room"]["updated"] == json!(["recording"])));
    for event in ["started", "updated", "ended"] {
        assert_eq!(recordings(&mut room, gus, event), [] as [Value; 0], "and no more who may not");
    }
}

#[test]
fn whoever_may_not_is_refused_before_it_is_looked_what_it_means() {
    let (mut room, mo, gus) = two();
    for act in ["start", "list", "pause", "resume", "stop"] {
        let params = json!({ "recording_id": "nothing" });
        assert_eq!(room.method(gus, &format!("video.recording.{act}"), params), "403", "{act}");
    }
    for params in [json!({}), json!({ "recording_id": 7 }), json!({ "recording_id": "00000000-0000-0000-0000-0000000000ff" })] {
        assert_eq!(room.method(mo, "video.recording.pause", params), "404");
    }
    assert_eq!(room.method(mo, "video.recording.rewind", json!({})), "-32601");
    for _ in 0..room::limit::MIX_RECORDINGS_MAX {
        assert_eq!(room.method(mo, "video.recording.start", json!({})), "200");
    }
    assert_eq!(room.method(mo, "video.recording.start", json!({})), "409");
}

#[test]
fn what_ends_by_itself_is_told_and_who_comes_later_finds_what_there_is() {
    let (mut room, mo, _) = two();
    let id = room.result(mo, "video.recording.start", json!({}))["recording"]["id"].as_str().expect("an id").to_owned();
    let al = room.join(&token("al", "Office", &["room.recording"]), "call-al");
    let told = room.client(al).events("video.room.subscribed")[0]["room_session"].clone();
    assert_eq!((&told["recording"], &told["recordings"][0]["id"]), (&json!(true), &json!(id)));
    let (duration, offset) = (Duration::from_secs(1), Duration::ZERO);
    let outcome = Outcome { duration, bytes: 9, offset, codec: None, why: WhyStopped::Disk };
    let recording = RecordingId(u128::from_str_radix(&id.replace('-', ""), 16).expect("hex"));
    let in_room = room.hub.rooms.rooms().next().expect("a room").id;
    room.hub.report(Report::Recorded { room: in_room, recording, news: RecordNews::Ended(outcome) });
    room.deliver();
    for one in [mo, al] {
        assert_eq!(recordings(&mut room, one, "ended")[0]["id"], id);
    }
}
