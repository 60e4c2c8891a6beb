//! Whole scenes with real rooms: clients that act as the SDK and the demonstration pages do.

mod support;

use room::{ConnId, MediaRefusal, News};
use serde_json::{Value, json};
use signalwire::token::Mint;
use support::client::offer;
use support::door::{GUEST, token, token_with};
use support::room::Room;

/// Everything that a moderator may do.
fn moderator() -> Vec<&'static str> {
    signalwire::names::scopes(room::Permissions::ALL)
}

/// A moderator and a guest, both in.
fn two() -> (Room, ConnId, ConnId) {
    let mut room = Room::new();
    let mo = room.join(&token("mo", "Office", &moderator()), "call-mo");
    let gus = room.join(&token("gus", "Office", GUEST), "call-gus");
    for one in [mo, gus] {
        room.client(one).heard();
    }
    (room, mo, gus)
}

#[test]
fn who_comes_in_is_answered_first_and_then_told_the_room() {
    let mut room = Room::new();
    let mo = room.join(&token("mo", "Office", GUEST), "call-mo");
    let heard = room.client(mo).heard();
    let expected = [
        "signalwire.authorization.state",
        "verto.answer",
        "video.room.started",
        "video.room.subscribed",
        "video.member.updated",
        "video.layout.changed",
    ];
    assert_eq!(heard, expected);
    assert_eq!(room.client(mo).names(), ["mo"]);
    room.wait(1_000);
    assert_eq!(room.client(mo).heard(), ["video.layout.changed"], "once more, for older SDKs");
}

#[test]
fn two_see_each_other_come_and_go() {
    let (mut room, mo, gus) = two();
    for one in [mo, gus] {
        assert_eq!(room.client(one).names(), ["mo", "gus"]);
        assert_eq!(room.client(one).list.len(), 2, "the SDK's own list is filled for whoever comes late");
    }
    let layers = room.client(gus).layout["layers"].as_array().expect("layers").len();
    assert_eq!(layers, 2);
    assert_eq!(
        room.bye(gus, "call-gus"),
        json!({ "message": "CALL ENDED", "callID": "call-gus", "causeCode": 16, "cause": "NORMAL_CLEARING" })
    );
    assert_eq!(room.client(mo).names(), ["mo"]);
    assert_eq!(room.client(mo).heard()[..2], ["video.member.left", "video.layout.changed"]);
    assert!(room.client(gus).heard().is_empty(), "who went by itself hears nothing");
    room.close(gus, None);
    assert_eq!(room.hub.rooms.count(), (1, 1));
}

#[test]
fn what_is_told_of_the_room_is_the_same_in_connect_and_after() {
    let mut room = Room::new();
    let conn = room.open();
    let token = token_with(Mint {
        user_name: "mo",
        room: "Office",
        scopes: &["room.lock", "made.up", "room.self.deaf"],
        room_display_name: Some("The office"),
        meta: Some(&signalwire::names::read_meta(r#"{"colour":"red"}"#)),
        ..Mint::default()
    });
    let result = room.connect(conn, &token, None)["result"].clone();
    let authorization = &result["authorization"];
    assert_eq!(authorization["room"]["scopes"], json!(["room.lock", "made.up", "room.self.deaf"]), "as they are written");
    assert_eq!(authorization["room"]["display_name"], "The office");
    assert_eq!(authorization["meta"], json!({ "colour": "red" }));
    assert_eq!((&authorization["audio_allowed"], &authorization["join_as"]), (&json!("both"), &json!("member")));
    assert!(authorization.get("expires_at").is_none());
    room.invite(conn, "c", "c");
    let told = &room.client(conn).events("video.room.subscribed")[0];
    assert_eq!(told["room_session"]["display_name"], "The office");
    let memo = room.hub.rooms.rooms().next().expect("a room").memo;
    let record = signalwire::rest::RoomRecord::of_memo(&memo.0).expect("a record, for REST");
    assert_eq!((record.name.as_str(), record.display_name.as_str()), ("Office", "The office"));
    assert_eq!(told["room"]["members"][0]["meta"], json!({ "colour": "red" }));
}

#[test]
fn muting_one_is_told_to_all_in_one_update() {
    let (mut room, mo, gus) = two();
    let guest = room.client(mo).member("gus");
    assert_eq!(room.method(mo, "video.member.audio_mute", json!({ "member_id": guest })), "200");
    assert_eq!(room.method(mo, "video.member.video_mute", json!({ "member_id": guest })), "200");
    for one in [mo, gus] {
        let updates = room.client(one).events("video.member.updated");
        assert_eq!((&updates[0]["member"]["id"], &updates[0]["member"]["audio_muted"]), (&json!(guest), &json!(true)));
        assert_eq!(updates[0]["member"]["updated"], json!(["audio_muted"]));
        assert_eq!(updates[1]["member"]["updated"], json!(["video_muted", "visible"]));
        assert_eq!((&updates[1]["member"]["visible"], updates.len()), (&json!(false), 2));
        assert_eq!(room.client(one).list[&guest]["name"], "gus");
    }
    assert_eq!(room.method(gus, "video.member.video_unmute", json!({})), "200");
    assert_eq!(room.client(mo).list[&guest]["visible"], true);
}

#[test]
fn a_guest_is_refused_before_it_is_looked_whom_it_means() {
    let (mut room, mo, gus) = two();
    let other = room.client(gus).member("mo");
    for method in ["audio_mute", "video_unmute", "remove", "raisehand", "set_position", "deaf"] {
        let params = json!({ "member_id": other, "position": "auto" });
        let answer = room.result(gus, &format!("video.member.{method}"), params);
        assert_eq!(answer, json!({ "code": "403", "message": "Unauthorized" }), "{method}");
    }
    for nobody in ["00000000-0000-0000-0000-00000000ffff", "nobody", ""] {
        assert_eq!(room.method(gus, "video.member.audio_mute", json!({ "member_id": nobody })), "403");
        assert_eq!(room.method(mo, "video.member.audio_mute", json!({ "member_id": nobody })), "404");
    }
    assert_eq!(room.method(gus, "video.member.audio_mute", json!({ "member_id": "all" })), "403");
}

#[test]
fn all_are_muted_at_once_the_moderator_too() {
    let (mut room, mo, gus) = two();
    for (method, field, value) in
        [("audio_mute", "audio_muted", true), ("video_mute", "video_muted", true), ("audio_unmute", "audio_muted", false)]
    {
        assert_eq!(room.method(mo, &format!("video.member.{method}"), json!({ "member_id": "all" })), "200");
        for one in [mo, gus] {
            assert!(room.client(one).list.values().all(|member| member[field] == value), "{method}");
        }
    }
}

#[test]
fn who_is_put_out_hears_the_end_of_its_call_and_of_itself() {
    let (mut room, mo, gus) = two();
    let guest = room.client(mo).member("gus");
    assert_eq!(room.method(mo, "video.member.remove", json!({ "member_id": guest })), "200");
    assert_eq!(room.client(gus).byes, ["call-gus"]);
    assert_eq!(room.client(gus).heard(), ["verto.bye", "video.member.left"]);
    assert_eq!(room.client(mo).heard()[..2], ["video.member.left", "video.layout.changed"]);
    // The page says goodbye once more.
    assert_eq!(room.bye(gus, "call-gus")["message"], "CALL ENDED");
    room.close(gus, None);
    assert_eq!(room.hub.rooms.count(), (1, 1));
}

#[test]
fn nobody_is_pinged_while_it_disconnects() {
    let (mut room, mo, gus) = two();
    room.wait(5_000);
    let guest = room.client(mo).member("gus");
    assert_eq!(room.method(mo, "video.member.remove", json!({ "member_id": guest })), "200");
    room.wait(9_000);
    let frames = &room.client(gus).frames;
    let last = |is: fn(&Value) -> bool| frames.iter().rposition(is);
    let ping = last(|frame| frame["method"] == "signalwire.ping").expect("a ping");
    assert!(Some(ping) < last(|frame| frame["params"]["params"]["method"] == "verto.bye"), "none since");
    room.wait(1_000);
    let frames = &room.client(gus).frames;
    assert!(
        frames[ping + 1..].iter().any(|frame| frame["method"] == "signalwire.ping"),
        "whoever stays is pinged as often as before"
    );
}

#[test]
fn all_are_put_out_and_whoever_does_it_as_the_last() {
    let (mut room, mo, gus) = two();
    assert_eq!(room.method(mo, "video.member.remove", json!({ "member_id": "all" })), "200");
    assert_eq!(room.client(gus).heard(), ["verto.bye", "video.member.left"]);
    assert_eq!(room.client(mo).heard(), ["video.member.left", "video.layout.changed", "verto.bye", "video.member.left"]);
    assert_eq!(room.hub.rooms.count(), (0, 0));
}

#[test]
fn whoever_stays_after_the_end_of_its_call_is_closed_or_calls_again() {
    let (mut room, mo, gus) = two();
    let guest = room.client(mo).member("gus");
    assert_eq!(room.method(mo, "video.member.remove", json!({ "member_id": guest })), "200");
    room.wait(20_000);
    room.invite(gus, "again", "again");
    assert!(room.client(gus).is_in("again"));
    let guest = room.client(mo).member("gus");
    assert_eq!(room.method(mo, "video.member.remove", json!({ "member_id": guest })), "200");
    room.wait(31_000);
    assert_eq!(room.client(gus).closed, Some(1000));
}

#[test]
fn a_withdrawn_token_lets_nobody_in_who_is_connected_already() {
    let mut room = Room::new();
    let (early, late) = (token("early", "Office", GUEST), token("late", "Office", GUEST));
    let [one, two] = [&early, &late].map(|token| {
        let conn = room.open();
        room.connect(conn, token, None);
        conn
    });
    support::door::withdraw(&late);
    room.invite(one, "call-early", "print");
    room.invite(two, "call-late", "print");
    assert!(room.client(one).is_in("call-early") && !room.client(two).is_in("call-late"));
    assert_eq!(room.hub.rooms.count(), (1, 1));
}

/// The SDK lays somebody's own picture over the mix, and takes it away when it hears of the layout.
#[test]
fn a_muted_picture_is_followed_by_the_layout() {
    let (mut room, mo, gus) = two();
    for method in ["video.member.video_mute", "video.member.video_unmute"] {
        room.client(mo).heard();
        room.client(gus).heard();
        assert_eq!(room.method(gus, method, json!({})), "200");
        for one in [mo, gus] {
            assert_eq!(room.client(one).heard()[..2], ["video.member.updated", "video.layout.changed"], "{method}");
        }
    }
    // The camera of who goes on may take a while to open.
    room.client(gus).heard();
    for ms in [400, 1_100, 2_500] {
        room.wait(ms);
        assert_eq!(room.client(gus).heard(), ["video.layout.changed"], "after {ms} ms more");
    }
    room.wait(8_000);
    assert!(!room.client(gus).heard().contains(&"video.layout.changed".to_owned()));
}

#[test]
fn a_screen_chooses_its_place_only_if_it_may() {
    let check = |permissions: &[&str], expected: &str| {
        let mut room = Room::new();
        let bo = room.join(&token("bo", "Office", permissions), "call-bo");
        assert_eq!(room.share(bo, "screen", json!({ "positions": { "self": "full-screen" } }))["message"], "CALL CREATED");
        let stands = room.hub.rooms.rooms().flat_map(|view| view.participants).find(|one| one.member.parent.is_some());
        assert_eq!(signalwire::names::position(stands.expect("a screen").member.wanted), expected);
    };
    check(&["room.self.screenshare"], "auto");
    check(&["room.self.screenshare", "room.self.set_position"], "full-screen");
}

#[test]
fn layouts_are_listed_and_set() {
    let (mut room, mo, gus) = two();
    let listed = room.result(mo, "video.list_available_layouts", json!({}))["layouts"].clone();
    assert!(listed.as_array().expect("a list").contains(&json!("highlight-1-responsive")));
    assert_eq!(room.method(gus, "video.list_available_layouts", json!({})), "403");
    assert_eq!(room.method(gus, "video.set_layout", json!({ "name": "2x2" })), "403");
    let guest = room.client(mo).member("gus");
    let positions = json!({ guest.clone(): "standard-1", "self": "standard-2" });
    assert_eq!(room.method(mo, "video.set_layout", json!({ "name": "2x2", "positions": positions })), "200");
    let layout = room.client(gus).layout.clone();
    assert_eq!(layout["name"], "2x2");
    assert_eq!(layout["layers"][0]["member_id"], json!(guest));
    assert_eq!(layout["layers"][0]["width"], 50.0);
    for (method, params) in [
        ("video.set_layout", json!({ "name": "7x7" })),
        ("video.set_layout", json!({})),
        ("video.set_position", json!({ "positions": { "self": "behind" } })),
        ("video.member.set_position", json!({ "position": 5 })),
    ] {
        assert_eq!(room.method(mo, method, params), "400", "{method}");
    }
    let updated = room.client(mo).events("video.room.updated");
    assert_eq!(updated[0]["room"]["updated"], json!(["layout_name"]));
    assert_eq!(updated[0]["room_session"]["layout_name"], "2x2");
}

/// Each method of the vendor's table, the permission for oneself, the one for others, and that nothing else will do.
#[test]
fn every_method_needs_its_own_permission() {
    let member = [
        ("audio_mute", json!({})),
        ("audio_unmute", json!({})),
        ("video_mute", json!({})),
        ("video_unmute", json!({})),
        ("deaf", json!({})),
        ("undeaf", json!({})),
        ("set_input_volume", json!({ "volume": 10 })),
        ("set_output_volume", json!({ "volume": "-10" })),
        ("set_input_sensitivity", json!({ "value": 80 })),
        ("raisehand", json!({})),
        ("lowerhand", json!({})),
        ("set_position", json!({ "position": "off-canvas" })),
        ("set_meta", json!({ "meta": { "a": 1 } })),
        ("update_meta", json!({ "meta": { "b": [2] } })),
        ("delete_meta", json!({ "keys": ["a"] })),
    ];
    for (name, params) in member {
        let right = match name {
            "update_meta" | "delete_meta" => "set_meta",
            name => name,
        };
        check_right(&format!("video.member.{name}"), &params, &format!("room.self.{right}"), false);
        check_right(&format!("video.member.{name}"), &params, &format!("room.member.{right}"), true);
    }
    check_right("video.member.remove", &json!({}), "room.member.remove", true);
    check_right("video.member.demote", &json!({}), "room.member.demote", true);
}

#[test]
fn every_method_of_the_room_needs_its_own_permission() {
    let room = [
        ("hide_video_muted", json!({}), "hide_video_muted"),
        ("show_video_muted", json!({}), "show_video_muted"),
        ("list_available_layouts", json!({}), "list_available_layouts"),
        ("set_layout", json!({ "name": "1x1" }), "set_layout"),
        ("set_position", json!({ "positions": { "self": "auto" } }), "set_position"),
        ("lock", json!({}), "lock"),
        ("unlock", json!({}), "unlock"),
        ("prioritize_handraise", json!({ "enable": true }), "prioritize_handraise"),
        ("set_meta", json!({ "meta": {} }), "set_meta"),
        ("update_meta", json!({ "meta": { "x": null } }), "set_meta"),
        ("delete_meta", json!({ "keys": [] }), "set_meta"),
    ];
    for (name, params, right) in room {
        check_right(&format!("video.{name}"), &params, &format!("room.{right}"), false);
    }
}

/// With this permission alone the method works, with all others it does not.
#[track_caller]
fn check_right(method: &str, params: &Value, right: &str, on_other: bool) {
    let without: Vec<&str> = moderator()
        .into_iter()
        .filter(|name| *name != right && !(right.starts_with("room.self.") && **name == right.replace(".self.", ".member.")))
        .collect();
    for (scopes, expected) in [(vec![right], "200"), (without, "403")] {
        let mut room = Room::new();
        let one = room.join(&token("one", "Office", &scopes), "one");
        room.join(&token("two", "Office", &[]), "two");
        let mut params = params.clone();
        if on_other {
            params["member_id"] = room.client(one).member("two").into();
        }
        assert_eq!(room.method(one, method, params), expected, "{method} with {right} on another: {on_other}");
    }
}

#[test]
fn some_methods_need_no_permission() {
    let (mut room, _, gus) = two();
    let members = room.result(gus, "video.members.get", json!({}))["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(2));
    assert_eq!(room.result(gus, "video.get_meta", json!({})), json!({ "code": "200", "message": "OK", "meta": {} }));
    assert_eq!(room.result(gus, "video.member.get_meta", json!({}))["meta"], json!({}));
    assert_eq!(room.method(gus, "video.member.get_meta", json!({ "member_id": "nobody" })), "404");
    assert_eq!(room.method(gus, "signalwire.subscribe", json!({})), "200");
    assert_eq!(room.method(gus, "video.fly", json!({})), "-32601");
    assert_eq!(room.method(gus, "fabric.dance", json!({})), "-32601");
}

#[test]
fn what_is_not_offered_is_refused_in_one_way_and_whom_it_is_not_permitted_in_another() {
    let (mut room, mo, gus) = two();
    assert_eq!(room.result(mo, "video.stream.list", json!({}))["streams"], json!([]));
    assert_eq!(room.method(mo, "video.stream.start", json!({ "url": "rtmp://x" })), "501");
    for method in ["video.stream.list", "video.stream.start"] {
        assert_eq!(room.method(gus, method, json!({})), "403", "{method}");
    }
}

#[test]
fn a_promotion_says_what_may_be_sent() {
    let (mut room, mo, gus) = two();
    let guest = room.client(mo).member("gus");
    let demote = json!({ "member_id": guest, "media_allowed": "video-only" });
    assert_eq!(room.method(mo, "video.member.demote", demote), "200");
    let allowed = |of: &Value| {
        [&of["media_allowed"], &of["audio_allowed"], &of["video_allowed"]].map(|word| word.as_str().unwrap().to_owned())
    };
    let demoted = room.client(gus).events("video.member.demoted")[0]["authorization"].clone();
    assert_eq!(allowed(&demoted), ["video-only", "none", "receive"]);
    room.invite_with(gus, "second", json!({}), &offer("second", "recvonly", false), json!({}));
    for word in [json!("loud"), json!(1)] {
        let params = json!({ "member_id": guest, "media_allowed": word });
        assert_eq!(room.method(mo, "video.member.promote", params), "400");
    }
    assert_eq!(room.method(mo, "video.member.demote", json!({ "member_id": guest })), "404", "it is no member");
    assert_eq!(room.method(mo, "video.member.promote", json!({ "member_id": guest, "media_allowed": "audio-only" })), "200");
    assert_eq!(room.method(mo, "video.member.promote", json!({ "member_id": guest })), "202", "it is one already");
    let promoted = room.client(gus).events("video.member.promoted")[0]["authorization"].clone();
    assert_eq!(allowed(&promoted), ["audio-only", "both", "none"]);
    room.invite(gus, "third", "third");
    let tracks = room.hub.rooms.rooms().flat_map(|r| r.participants).find(|p| *p.identity == *"gus").expect("gus").tracks.clone();
    assert_eq!(tracks.iter().map(|track| track.kind).collect::<Vec<_>>(), [room::Kind::Audio], "whatever it offers");
}

#[test]
fn an_apps_words_are_kept() {
    let (mut room, mo, gus) = two();
    let guest = room.client(mo).member("gus");
    room.method(mo, "video.set_meta", json!({ "meta": { "a": { "b": 1 }, "c": "x" } }));
    room.method(mo, "video.update_meta", json!({ "meta": { "c": null } }));
    room.method(mo, "video.delete_meta", json!({ "keys": ["a"] }));
    assert_eq!(room.result(gus, "video.get_meta", json!({}))["meta"], json!({ "c": null }));
    let updates = room.client(gus).events("video.room.updated");
    assert_eq!(updates[2]["room_session"]["meta"], json!({ "c": null }));
    assert_eq!(updates[0]["room"]["updated"], json!(["meta"]));
    room.method(mo, "video.member.set_meta", json!({ "member_id": guest, "meta": { "rank": 7 } }));
    assert_eq!(room.client(gus).list[&guest]["meta"], json!({ "rank": 7 }));
    for meta in [json!("x"), json!([]), json!({ "x": "y".repeat(2_000) }), Value::Null] {
        assert_eq!(room.method(mo, "video.set_meta", json!({ "meta": meta })), "400");
    }
}

#[test]
fn numbers_are_brought_into_bounds() {
    let (mut room, mo, _) = two();
    let me = room.client(mo).me();
    for (volume, expected) in [(json!(51), 50), (json!(-1e9), -50), (json!(" 7 "), 7), (json!(0.4), 0)] {
        assert_eq!(room.method(mo, "video.member.set_input_volume", json!({ "volume": volume })), "200");
        let now = room.result(mo, "video.members.get", json!({}))["members"][0]["input_volume"].clone();
        assert_eq!(now, expected, "{me}");
    }
    for bad in [json!(null), json!("loud"), json!([]), json!("NaN")] {
        assert_eq!(room.method(mo, "video.member.set_input_volume", json!({ "volume": bad })), "400");
    }
}

#[test]
fn the_demo_page_spreads_a_text_into_parameters() {
    let (mut room, mo, _) = two();
    let params = json!({ "0": "f", "1": "3", "35": "5", "room_session_id": "whatever", "member_id": room.client(mo).me() });
    assert_eq!(room.method(mo, "video.member.audio_mute", params), "200");
}

#[test]
fn a_locked_room_takes_nobody_and_says_so() {
    let (mut room, mo, gus) = two();
    room.method(mo, "video.lock", json!({}));
    assert_eq!(room.client(gus).events("video.room.updated")[0]["room"]["locked"], true);
    let late = room.open();
    room.connect(late, &token("late", "Office", GUEST), None);
    assert_eq!(room.invite(late, "c", "c"), json!({ "code": "403", "message": "Unauthorized" }));
    room.method(mo, "video.unlock", json!({}));
    assert_eq!(room.invite(late, "c", "c")["message"], "CALL CREATED");
}

#[test]
fn rooms_are_made_only_where_the_token_says_so_and_only_in_its_time() {
    let now = support::door::NOW;
    let with = |edit: fn(&mut Mint<'_>, u64)| {
        let mut what = Mint { user_name: "u", room: "r", ..Mint::default() };
        edit(&mut what, now);
        token_with(what)
    };
    let refused = [
        with(|what, _| what.makes_room = false),
        with(|what, now| what.opens_unix_s = Some(now + 1)),
        with(|what, now| what.closes_unix_s = Some(now)),
        with(|what, now| what.removed_unix_s = Some(now)),
    ];
    for token in refused {
        let mut room = Room::new();
        let one = room.open();
        assert!(room.connect(one, &token, None)["result"].is_object());
        assert_eq!(room.invite(one, "c", "c")["code"], "403");
    }
    let mut room = Room::new();
    let one = room.join(&with(|what, now| (what.opens_unix_s, what.removed_unix_s) = (Some(now), Some(now + 5))), "c");
    room.wait(5_000);
    assert_eq!(room.client(one).byes, ["c"]);
    assert_eq!(room.client(one).verto("verto.bye")[0]["cause"], "ALLOTTED_TIMEOUT");
    let two = room.join(&with(|what, _| what.stays_max_s = Some(7)), "d");
    room.wait(7_000);
    assert_eq!(room.client(two).byes, ["d"]);
}

#[test]
fn who_is_told_to_begin_muted_does() {
    let mut room = Room::new();
    let mint = Mint { user_name: "u", room: "r", audio_muted: true, video_muted: true, ..Mint::default() };
    let one = room.join(&token_with(mint), "c");
    let told = room.client(one).events("video.room.subscribed")[0]["room"]["members"][0].clone();
    assert_eq!((&told["audio_muted"], &told["video_muted"]), (&json!(true), &json!(true)));
}

#[test]
fn a_member_may_be_for_sound_only() {
    let mut room = Room::new();
    let media = room::MediaAllowed::AudioOnly;
    let one = room.open();
    let token = token_with(Mint { user_name: "u", room: "r", media, ..Mint::default() });
    let authorization = room.connect(one, &token, None)["result"]["authorization"].clone();
    assert_eq!((&authorization["audio_allowed"], &authorization["video_allowed"]), (&json!("both"), &json!("none")));
    room.invite(one, "c", "c");
    let kinds: Vec<room::Kind> =
        room.hub.rooms.rooms().flat_map(|r| r.participants).flat_map(|p| p.tracks.clone()).map(|t| t.kind).collect();
    assert_eq!(kinds, [room::Kind::Audio]);
}

#[test]
fn the_audience_is_counted_and_not_listed() {
    let (mut room, mo, _) = two();
    let mint = Mint { user_name: "al", room: "Office", audience: true, ..Mint::default() };
    let al = room.open();
    let authorization = room.connect(al, &token_with(mint), None)["result"]["authorization"].clone();
    assert_eq!((&authorization["join_as"], &authorization["video_allowed"]), (&json!("audience"), &json!("receive")));
    room.invite_with(al, "c", json!({}), &offer("c", "recvonly", false), json!({}));
    assert!(room.client(al).is_in("c"));
    assert_eq!(room.client(al).events("video.room.subscribed")[0]["room_session"]["audience_count"], 1, "itself");
    assert_eq!(room.client(al).names(), ["mo", "gus"]);
    assert_eq!(room.client(mo).names(), ["mo", "gus"]);
    assert_eq!(room.client(mo).events("video.room.audience_count")[0]["total"], 1);
    room.bye(al, "c");
    assert_eq!(room.client(mo).events("video.room.audience_count")[1]["total"], 0);
}

#[test]
fn a_member_becomes_audience_and_a_member_again() {
    let (mut room, mo, gus) = two();
    let guest = room.client(mo).member("gus");
    assert_eq!(room.method(mo, "video.member.demote", json!({ "member_id": guest })), "200");
    let demoted = room.client(gus).events("video.member.demoted")[0].clone();
    assert_eq!(demoted["member_id"], json!(guest));
    assert_eq!(demoted["authorization"]["join_as"], "audience");
    assert_eq!(demoted["authorization"]["room"]["scopes"], json!([]));
    assert_eq!(room.client(mo).names(), ["mo"]);
    // The SDK makes another call, and ends the first one when that is up.
    room.invite_with(gus, "second", json!({}), &offer("second", "recvonly", false), json!({}));
    assert!(room.client(gus).is_in("second"));
    assert_eq!(room.client(gus).me(), guest, "it is still the same");
    assert_eq!(room.bye(gus, "call-gus")["message"], "CALL ENDED");
    assert_eq!(room.method(gus, "video.member.audio_mute", json!({})), "403");
    let params =
        json!({ "member_id": guest, "permissions": ["room.self.audio_mute", "room.lock", "nonsense"], "join_audio_muted": true });
    assert_eq!(room.method(mo, "video.member.promote", params), "200");
    let promoted = room.client(gus).events("video.member.promoted")[0]["authorization"].clone();
    assert_eq!(promoted["room"]["scopes"], json!(["room.self.audio_mute", "room.lock"]));
    assert_eq!((&promoted["join_as"], &promoted["audio_allowed"]), (&json!("member"), &json!("both")));
    room.invite(gus, "third", "third");
    room.bye(gus, "second");
    assert!(room.client(gus).is_in("third"));
    assert_eq!(room.client(mo).names(), ["mo", "gus"]);
    assert_eq!(room.client(gus).names(), ["mo", "gus"]);
    assert_eq!(room.method(gus, "video.member.audio_mute", json!({})), "200");
    assert_eq!(room.hub.rooms.count(), (1, 2));
}

#[test]
fn who_talks_is_told_to_those_who_listen() {
    let (mut room, mo, gus) = two();
    room.news("call-gus", News::Talking(true));
    let guest = room.client(mo).member("gus");
    for one in [mo, gus] {
        assert_eq!(room.client(one).events("video.member.talking")[0]["member"], json!({ "id": guest, "talking": true }));
    }
    let deaf = room.open();
    room.connect(deaf, &token("d", "Office", GUEST), None);
    room.verto(
        deaf,
        "verto.invite",
        "d",
        json!({ "sdp": offer("d", "sendrecv", false), "dialogParams": {} }),
        &["video.room.left"],
    );
    room.method(mo, "video.member.audio_mute", json!({ "member_id": guest }));
    let diff = room.client(deaf).events("video.member.updated").pop().expect("an update")["member"].clone();
    assert_eq!(diff, json!({ "id": guest, "audio_muted": true, "updated": ["audio_muted"] }), "no more than it needs");
    room.news("call-gus", News::Talking(false));
    assert_eq!(room.client(mo).events("video.member.talking").len(), 2);
    assert!(room.client(deaf).events("video.member.talking").is_empty());
}

#[test]
fn a_camera_is_asked_for_the_size_that_is_shown() {
    let (mut room, mo, gus) = two();
    assert!(room.client(mo).verto("verto.mediaParams").is_empty(), "all that it was told was before");
    room.method(mo, "video.set_layout", json!({ "name": "5x5" }));
    assert!(room.client(gus).verto("verto.mediaParams").is_empty(), "smaller only when it lasts");
    room.wait(5_000);
    let video = room.client(gus).verto("verto.mediaParams")[0]["mediaParams"]["video"].clone();
    assert!(video["width"].as_u64().is_some_and(|width| width <= 320) && video["frameRate"].is_u64(), "{video}");
    room.method(mo, "video.set_layout", json!({ "name": "1x1" }));
    room.method(mo, "video.set_position", json!({ "positions": { "self": "off-canvas" } }));
    let asked = room.client(gus).verto("verto.mediaParams");
    let last = json!({ "callID": "call-gus", "mediaParams": { "video": { "width": 1280, "height": 720, "frameRate": 20 } } });
    assert_eq!(asked.last(), Some(&last));
}

#[test]
fn a_camera_is_asked_for_nothing_before_its_call_is_answered_or_while_it_has_all_of_the_picture() {
    let mut room = Room::new();
    let alone = room.join(&token("alone", "r", GUEST), "c");
    assert!(room.client(alone).verto("verto.mediaParams").is_empty());
    let second = room.join(&token("second", "r", GUEST), "d");
    let heard = room.client(second).heard();
    let at = |kind: &str| heard.iter().position(|own| own == kind);
    assert!(at("verto.mediaParams") > at("video.room.subscribed") && at("verto.answer").is_some(), "{heard:?}");
}

#[test]
fn when_the_room_ends_everybody_is_told() {
    let (mut room, mo, gus) = two();
    let id = room.hub.rooms.rooms().next().expect("a room").id;
    room.hub.owner(room::Command::EndRoom(id));
    room.deliver();
    for (one, call) in [(mo, "call-mo"), (gus, "call-gus")] {
        let heard: Vec<String> = room.client(one).heard().into_iter().filter(|kind| kind != "video.member.left").collect();
        assert_eq!(heard[heard.len() - 2..], ["video.room.ended", "verto.bye"]);
        assert_eq!(room.client(one).byes, [call]);
    }
}

#[test]
fn media_that_cannot_be_served_ends_the_call() {
    let mut room = Room::new();
    room.media = false;
    let one = room.open();
    room.connect(one, &token("u", "r", GUEST), None);
    assert_eq!(room.invite(one, "c", "c")["message"], "CALL CREATED");
    room.news("c", News::Refused(MediaRefusal::Codec));
    assert_eq!(room.client(one).verto("verto.bye")[0]["causeCode"], 88);
    assert!(room.client(one).events("video.member.left").is_empty(), "it was never told that it is in");
    assert_eq!(room.hub.rooms.count(), (0, 0));
    // Nor does it wait for ever.
    room.invite(one, "d", "d");
    room.wait(10_000);
    assert_eq!(room.client(one).byes, ["c", "d"]);
    assert_eq!(room.hub.rooms.count(), (0, 0));
}

#[test]
fn media_is_changed_and_held() {
    let (mut room, _, gus) = two();
    let changed = json!({ "action": "updateMedia", "sdp": offer("call-gus", "recvonly", false), "dialogParams": {} });
    let answer = room.verto(gus, "verto.modify", "call-gus", changed, &[]);
    assert_eq!((&answer["action"], &answer["holdState"]), (&json!("updateMedia"), &json!("active")));
    assert!(answer["sdp"].as_str().is_some_and(|sdp| sdp.starts_with("v=0")));
    assert_eq!(room.client(gus).events("video.room.subscribed").len(), 0, "that was told before");
    let tracks = |room: &Room| -> Vec<bool> {
        let gus = room.hub.rooms.rooms().flat_map(|r| r.participants).find(|p| &*p.identity == "gus").expect("gus");
        gus.tracks.iter().map(|track| track.enabled).collect()
    };
    assert_eq!(tracks(&room), [] as [bool; 0]);
    let back = json!({ "action": "updateMedia", "sdp": offer("call-gus", "sendrecv", false), "dialogParams": {} });
    room.verto(gus, "verto.modify", "call-gus", back, &[]);
    assert_eq!(tracks(&room), [true, true]);
    for (action, state, enabled) in [("hold", "held", false), ("unhold", "active", true)] {
        let answer = room.verto(gus, "verto.modify", "call-gus", json!({ "action": action, "dialogParams": {} }), &[]);
        assert_eq!(answer, json!({ "action": action, "callID": "call-gus", "holdState": state }));
        assert_eq!(tracks(&room), [enabled, enabled]);
    }
    assert_eq!(room.verto(gus, "verto.modify", "other", json!({ "action": "hold" }), &[])["code"], "404");
    assert_eq!(room.verto(gus, "verto.modify", "call-gus", json!({ "action": "fly" }), &[])["code"], "400");
    assert_eq!(room.verto(gus, "verto.info", "call-gus", json!({ "dtmf": "1" }), &[]), json!({ "method": "verto.info" }));
}
