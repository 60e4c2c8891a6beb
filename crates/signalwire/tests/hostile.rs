//! What no SDK sends: each is refused as it should be, and disturbs nobody.

mod support;

use room::ConnId;
use serde_json::{Value, json};
use signalwire::token::Mint;
use std::time::Duration;
use support::client::offer;
use support::door::{GUEST, NOW, PROJECT, token, token_with};
use support::random::Random;
use support::room::Room;

fn stranger() -> (Room, ConnId) {
    let mut room = Room::new();
    let conn = room.open();
    (room, conn)
}

fn guest() -> (Room, ConnId) {
    let mut room = Room::new();
    let conn = room.join(&token("gus", "r", GUEST), "c");
    room.client(conn).heard();
    (room, conn)
}

/// What was said last in answer, as code and message.
fn last(room: &mut Room, conn: ConnId) -> (i64, String) {
    let error = room.client(conn).frames.last().expect("an answer")["error"].clone();
    (error["code"].as_i64().unwrap_or_default(), error["message"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn whoever_shows_no_token_in_time_is_cut() {
    let (mut room, conn) = stranger();
    room.wait(9_000);
    assert!(room.hub.is_open(conn));
    room.wait(1_000);
    assert_eq!(room.client(conn).closed, Some(1008));
    let (mut room, conn) = stranger();
    room.connect(conn, "nonsense", None);
    room.wait(10_000);
    assert_eq!(room.client(conn).closed, Some(1008), "a token that does not hold is none");
    let (mut room, conn) = stranger();
    room.connect(conn, &token("u", "r", &[]), None);
    room.wait(3_600_000);
    assert!(room.hub.is_open(conn), "one that holds may wait for its page");
}

#[test]
fn nothing_is_served_before_a_token_was_shown() {
    let (mut room, conn) = stranger();
    for method in ["video.message", "video.members.get", "signalwire.reauthenticate", "signalwire.subscribe", "x"] {
        assert_eq!(room.ask(conn, method, json!({}))["error"]["code"], -32002, "{method}");
    }
}

#[test]
fn what_is_no_json_is_answered_twice_and_then_cut() {
    for text in ["", "{", "nonsense", "\u{0}", "[1,", "{\"method\":\"\\ud800\"}"] {
        let (mut room, conn) = guest();
        for _ in 0..2 {
            room.say(conn, text);
            assert_eq!(last(&mut room, conn).0, -32700, "{text}");
        }
        room.say(conn, text);
        assert_eq!(room.client(conn).closed, Some(1008));
    }
}

#[test]
fn json_that_is_no_request_counts_as_nonsense() {
    for text in ["null", "[]", "1", "\"x\"", "{}", "{\"method\":7}", "{\"params\":{}}"] {
        let (mut room, conn) = guest();
        room.say(conn, text);
        assert_eq!(last(&mut room, conn).0, -32600, "{text}");
        for _ in 0..2 {
            room.say(conn, text);
        }
        assert_eq!(room.client(conn).closed, Some(1008));
    }
}

#[test]
fn ids_come_back_as_they_came() {
    let (mut room, conn) = guest();
    for id in [json!("x"), json!(7), json!(null), json!("x".repeat(126)), json!({ "a": 1 })] {
        room.say(conn, &json!({ "id": id, "method": "video.members.get" }).to_string());
        assert_eq!(room.client(conn).frames.last().expect("an answer")["id"], id);
        room.client(conn).answers.clear();
    }
    room.say(conn, &json!({ "id": "x".repeat(127), "method": "video.members.get" }).to_string());
    assert_eq!(last(&mut room, conn).0, -32600);
    room.say(conn, r#"{"id":"\ud800","method":"video.members.get"}"#);
    assert_eq!(last(&mut room, conn).0, -32600, "half a character");
}

#[test]
fn parameters_of_the_wrong_shape_are_refused_and_nothing_more() {
    let (mut room, conn) = guest();
    let strange = [json!(null), json!([]), json!(7), json!("x"), json!({ "message": 7 }), json!({ "message": { "params": [] } })];
    for params in strange {
        for method in ["signalwire.connect", "signalwire.reauthenticate", "video.message", "video.set_layout"] {
            let answer = room.ask(conn, method, params.clone());
            let code = answer["result"]["code"].as_str();
            let refused = answer["error"]["code"] == -32602 || code.is_some_and(|code| ["200", "400", "403"].contains(&code));
            assert!(refused, "{method} {params}: {answer}");
        }
    }
    assert_eq!(room.hub.rooms.count(), (1, 1));
    assert!(room.hub.is_open(conn));
}

#[test]
fn calls_are_made_one_a_second_in_the_long_run() {
    let (mut room, conn) = stranger();
    room.connect(conn, &token("u", "r", GUEST), None);
    let made = |room: &mut Room| {
        let calls = (0..40).map(|number| format!("c{number}"));
        let taken = |call: &String| {
            let taken = room.invite(conn, call, "c")["code"] != "429";
            room.bye(conn, call);
            taken
        };
        calls.filter(taken).count()
    };
    assert_eq!(made(&mut room), 20);
    room.wait(5_000);
    assert_eq!(made(&mut room), 5);
    assert!(room.hub.is_open(conn));
}

#[test]
fn calls_have_bounds() {
    let good = offer("c", "sendrecv", false);
    let bad = [
        String::new(),
        "v=0\r\n".to_owned(),
        good.replace("a=fingerprint", "a=x"),
        format!("{good}{}", "m=audio 9 x 0\r\n".repeat(200)),
        format!("{good}a={}\r\n", "x".repeat(9_000)),
        format!("{good}{}", "a=candidate:1\r\n".repeat(65)),
    ];
    for sdp in bad {
        let (mut room, conn) = stranger();
        room.connect(conn, &token("u", "r", GUEST), None);
        assert_eq!(room.invite_with(conn, "c", json!({}), &sdp, json!({})), json!({ "code": "400", "message": "Bad Request" }));
        assert_eq!(room.hub.rooms.count(), (0, 0));
    }
    for call in ["", &"c".repeat(65), "a\nb", "\u{202e}"] {
        let (mut room, conn) = stranger();
        room.connect(conn, &token("u", "r", GUEST), None);
        assert_eq!(room.invite(conn, call, "c")["code"], "400", "{call}");
    }
    let (mut room, conn) = stranger();
    room.connect(conn, &token("u", "r", GUEST), None);
    room.invite(conn, &"c".repeat(64), "c");
    assert!(room.client(conn).is_in(&"c".repeat(64)));
}

#[test]
fn a_second_call_before_the_first_is_in_is_refused() {
    let (mut room, conn) = stranger();
    room.connect(conn, &token("u", "r", GUEST), None);
    room.hub.slow = true;
    assert_eq!(room.invite(conn, "c", "c"), Value::Null);
    assert_eq!(room.invite(conn, "d", "d")["code"], "409");
    assert_eq!(room.bye(conn, "c")["message"], "CALL ENDED");
    room.hub.slow = false;
    while room.hub.work(0) {}
    room.deliver();
    assert_eq!(room.hub.rooms.count(), (0, 0), "who leaves while it comes in is gone");
    room.invite(conn, "e", "e");
    assert!(room.client(conn).is_in("e"));
}

#[test]
fn tokens_that_do_not_hold_are_refused() {
    let sign = |edit: fn(&mut Mint<'_>)| {
        let mut what = Mint { user_name: "u", room: "r", ..Mint::default() };
        edit(&mut what);
        token_with(what)
    };
    let good = sign(|_| {});
    let other = signalwire::token::mint(&Mint { project: PROJECT, user_name: "u", room: "r", ..Mint::default() }, "other", NOW);
    let bad = [
        String::new(),
        "x.y.z".into(),
        format!("{good}AAAA"),
        other,
        good.replacen('.', "..", 1),
        sign(|what| what.user_name = ""),
    ];
    for token in bad {
        let (mut room, conn) = stranger();
        let answer = room.connect(conn, &token, None);
        assert_eq!(answer["error"]["code"], -32002);
        assert_ne!(answer["error"]["message"], "Requester validation failed", "the SDK would try for ever");
        assert!(room.client(conn).protocol.is_empty());
    }
}

#[test]
fn a_new_token_must_be_for_the_same() {
    let (mut room, conn) = guest();
    let connect = |room: &mut Room, token: &str| {
        room.ask(conn, "signalwire.reauthenticate", json!({ "authentication": { "project": "p", "jwt_token": token } }))
    };
    let before = room.client(conn).protocol.clone();
    let answer = connect(&mut room, &token("gus", "r", GUEST));
    assert_eq!(answer["result"]["protocol"], json!(before));
    for other in [token("eve", "r", GUEST), token("gus", "s", GUEST), "x".to_owned()] {
        assert_eq!(connect(&mut room, &other)["error"]["code"], -32002);
    }
    // A token with more in it gives no more than the room does.
    let all = signalwire::names::scopes(room::Permissions::ALL);
    let answer = connect(&mut room, &token("gus", "r", &all));
    assert_eq!(answer["result"]["authorization"]["room"]["scopes"], json!(GUEST));
    assert_eq!(room.method(conn, "video.lock", json!({})), "403");
}

#[test]
fn a_busy_server_takes_back_only_those_who_were_there() {
    let (mut room, conn) = guest();
    let protocol = room.client(conn).protocol.clone();
    room.close(conn, None);
    let new = room.open();
    room.hub.overload(new, Duration::from_secs(5));
    assert_eq!(room.connect(new, &token("gus", "r", GUEST), None)["error"]["code"], -32002);
    let back = room.open();
    room.hub.overload(back, Duration::from_secs(5));
    assert!(room.connect(back, &token("gus", "r", GUEST), Some(&protocol))["result"].is_object());
}

#[test]
fn random_frames_disturb_nobody() {
    let mut room = Room::new();
    let honest = room.join(&token("honest", "r", GUEST), "honest");
    let mut random = Random::new(7);
    for round in 0..400 {
        let eve = room.open();
        if round % 2 == 0 {
            room.connect(eve, &token("eve", "r", GUEST), None);
            room.invite(eve, "eve", "eve");
        }
        for _ in 0..6 {
            let text = random.frame();
            if room.hub.is_open(eve) {
                room.hub.text(eve, &text);
            }
            while let Some(sent) = room.hub.poll() {
                if let support::hub::Sent::Text(_, text) = sent {
                    serde_json::from_str::<Value>(&text).expect("what we say is JSON");
                }
            }
        }
        room.hub.close(eve, None);
        room.people.remove(&eve);
    }
    while room.hub.poll().is_some() {}
    assert!(room.hub.is_open(honest));
    assert_eq!(room.method(honest, "video.members.get", json!({})), "200");
    for _ in 0..7 {
        room.hub.text(honest, "{\"id\":\"1\"}");
        let later = room.hub.now_ms() + 5_000;
        room.hub.advance_to(later);
        while room.hub.poll().is_some() {}
    }
    let left: Vec<String> = room.hub.rooms.rooms().flat_map(|r| r.participants).map(|p| p.identity.to_string()).collect();
    assert_eq!(left, ["honest"]);
}

#[test]
fn what_makes_no_sense_is_refused_to_those_only_who_may_ask_for_it() {
    let (mut room, gus) = guest();
    let mo = room.join(&token("mo", "r", &["room.self.audio_mute", "room.member.audio_mute", "room.set_layout"]), "d");
    let mut check = |method: &str, params: Value, [moderator, guest]: [&str; 2]| {
        assert_eq!(room.method(mo, method, params.clone()), moderator, "{method} {params}");
        assert_eq!(room.method(gus, method, params.clone()), guest, "{method} {params}");
    };
    check("video.set_layout", json!({ "name": "7x7" }), ["400", "403"]);
    check("video.update_meta", json!({ "meta": 5 }), ["403", "403"]);
    check("video.member.set_input_volume", json!({ "volume": "loud" }), ["403", "403"]);
    check("video.member.get_meta", json!({ "member_id": "all" }), ["400", "400"]);
    // Nobody is called so; whoever asks least of all.
    for odd in [json!(5), json!({}), json!([]), json!(true), json!("")] {
        check("video.member.audio_mute", json!({ "member_id": odd }), ["404", "403"]);
    }
    check("video.member.audio_mute", json!({ "member_id": null }), ["200", "200"]);
}
