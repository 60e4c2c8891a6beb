//! Files that are played into the mix, as the vendor's own tests ask for it.

mod support;

use room::{ConnId, PlayNews, PlaybackId, Report, WhyPlayed};
use serde_json::{Value, json};
use support::door::{GUEST, token};
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

fn told(room: &mut Room, who: ConnId, event: &str) -> Vec<Value> {
    let events = room.client(who).events(&format!("video.playback.{event}"));
    events.iter().map(|event| event["playback"].clone()).collect()
}

fn report(room: &mut Room, id: &str, news: PlayNews) {
    let playback = PlaybackId(u128::from_str_radix(&id.replace('-', ""), 16).expect("hex"));
    let in_room = room.hub.rooms.rooms().next().expect("a room").id;
    room.hub.report(Report::Played { room: in_room, playback, news });
    room.deliver();
}

fn start(room: &mut Room, who: ConnId) -> String {
    let answer = room.result(who, "video.playback.start", json!({ "url": "https://a.example/b.mp4" }));
    answer["playback"]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn the_five_promises_of_the_vendors_test_need_no_byte_of_the_file() {
    let (mut room, mo, gus) = two();
    let wish = json!({ "room_session_id": "whatever", "url": "https://a.example/b.mp4", "volume": 10, "seek_position": 5_000 });
    let answer = room.result(mo, "video.playback.start", wish);
    let one = answer["playback"].clone();
    let id = one["id"].as_str().expect("an id").to_owned();
    assert_eq!((&answer["code"], one.get("ended_at")), (&json!("200"), None));
    for (name, value) in [("state", json!("playing")), ("url", json!("https://a.example/b.mp4")), ("volume", json!(10))] {
        assert_eq!(one[name], value);
    }
    assert_eq!((&one["position"], &one["seekable"], one["started_at"].is_number()), (&json!(5_000), &json!(true), true));
    assert_eq!(told(&mut room, mo, "started"), std::slice::from_ref(&one));
    assert_eq!(room.client(mo).heard(), ["video.playback.started"], "and nothing else: no room that was updated");
    for (act, more, name, value) in [
        ("set_volume", json!(-50), "volume", json!(-50)),
        ("pause", json!(null), "state", json!("paused")),
        ("resume", json!(null), "state", json!("playing")),
    ] {
        let params = json!({ "playback_id": id, "volume": more });
        assert_eq!(room.result(mo, &format!("video.playback.{act}"), params), json!({ "code": "200", "message": "OK" }));
        let updated = told(&mut room, mo, "updated").pop().expect("told");
        assert_eq!((&updated[name], &updated["id"], &updated["url"]), (&value, &json!(id), &one["url"]), "{act}");
    }
    assert_eq!(room.method(mo, "video.playback.stop", json!({ "playback_id": id })), "200");
    let ended = told(&mut room, mo, "ended").pop().expect("told");
    for name in ["id", "state", "url", "volume", "position", "seekable", "started_at", "ended_at"] {
        assert!(!ended[name].is_null(), "{name} of {ended}");
    }
    assert_eq!(ended["state"], "completed");
    assert_eq!(room.result(mo, "video.playback.list", json!({}))["playbacks"], json!([]));
    for event in ["started", "updated", "ended"] {
        assert_eq!(told(&mut room, gus, event), [] as [Value; 0], "no more who may not");
    }
}

#[test]
fn somebody_else_ends_it_and_who_comes_later_finds_it() {
    let (mut room, mo, _) = two();
    let id = start(&mut room, mo);
    let al = room.join(&token("al", "Office", &["room.playback"]), "call-al");
    let bo = room.join(&token("bo", "Office", &[]), "call-bo");
    let session = |room: &mut Room, who| room.client(who).events("video.room.subscribed")[0]["room_session"].clone();
    assert_eq!(session(&mut room, al)["playbacks"][0]["id"], json!(id));
    assert_eq!(session(&mut room, bo)["playbacks"], json!([]), "an address may have a key in it");
    assert_eq!(room.result(al, "video.playback.list", json!({}))["playbacks"][0]["id"], json!(id));
    assert_eq!(room.method(al, "video.playback.stop", json!({ "playback_id": id })), "200");
    let events = room.client(al).events("video.playback.ended");
    assert_eq!((&events[0]["playback"]["id"], events[0]["room_session_id"].is_string()), (&json!(id), true));
    assert_eq!(told(&mut room, mo, "ended").len(), 1);
}

#[test]
fn what_media_plays_has_a_layer_without_a_member_and_ends_by_itself() {
    let (mut room, mo, gus) = two();
    let id = start(&mut room, mo);
    room.client(gus).heard();
    report(&mut room, &id, PlayNews::Began { pictures: true });
    let layout = room.client(gus).events("video.layout.changed").pop().expect("told")["layout"].clone();
    let layers = layout["layers"].as_array().expect("layers");
    let playing: Vec<&Value> = layers.iter().filter(|layer| layer["playing_file"] == json!(true)).collect();
    assert_eq!((playing.len(), playing[0].get("member_id"), &playing[0]["visible"]), (1, None, &json!(true)));
    room.client(mo).heard();
    room.wait(2_500);
    for (act, position, expected) in [("seek_absolute", 60_000, 60_000), ("seek_relative", -10_000, 50_000)] {
        let params = json!({ "playback_id": id, "position": position });
        assert_eq!(room.method(mo, &format!("video.playback.{act}"), params), "200");
        assert_eq!(told(&mut room, mo, "updated").pop().expect("told")["position"], json!(expected));
    }
    report(&mut room, &id, PlayNews::Ended(WhyPlayed::Finished));
    assert_eq!(told(&mut room, mo, "ended")[0]["state"], "completed");
}

#[test]
fn whoever_may_not_is_refused_before_it_is_looked_what_it_means() {
    let (mut room, mo, gus) = two();
    for act in ["start", "list", "pause", "resume", "stop", "set_volume", "seek_absolute", "seek_relative"] {
        assert_eq!(room.method(gus, &format!("video.playback.{act}"), json!({ "playback_id": "nothing" })), "403", "{act}");
    }
    for url in [
        json!(null),
        json!(7),
        json!("rtmp://a.example/b"),
        json!("file:///etc/passwd"),
        json!("http://"),
        json!("http:///b"),
        json!("https://ann:secret@a.example/b.mp4"),
    ] {
        assert_eq!(room.method(mo, "video.playback.start", json!({ "url": url })), "400", "{url}");
    }
    for params in [json!({}), json!({ "playback_id": 7 }), json!({ "playback_id": "00000000-0000-0000-0000-0000000000ff" })] {
        assert_eq!(room.method(mo, "video.playback.pause", params), "404");
    }
    assert_eq!(room.method(mo, "video.playback.rewind", json!({})), "-32601");
    (0..room::limit::PLAYBACKS_MAX).for_each(|_| drop(start(&mut room, mo)));
    assert_eq!(room.method(mo, "video.playback.start", json!({ "url": "https://a.example/b.mp4" })), "409");
}
