//! Clients that do not follow the protocol: each gets a clear answer, none panics the server, and none disturbs another.

mod support;

use room::{ConnId, Limits};
use serde_json::{Value, json};
use std::time::Duration;
use support::hub::{Hub, Sent};
use support::{door, forge};

/// A connection that says whatever it is told to.
struct Stranger {
    hub: Hub,
    conn: ConnId,
}

impl Stranger {
    fn new() -> Self {
        let mut hub = door::hub(Limits::default());
        let conn = hub.open(door::session);
        Stranger { hub, conn }
    }

    fn greeted() -> Self {
        let mut stranger = Stranger::new();
        stranger.says(&json!({ "type": "hello", "id": "1", "version": 2, "timeout": 5000 }).to_string());
        stranger
    }

    fn inside() -> Self {
        let mut stranger = Stranger::greeted();
        assert_eq!(stranger.says(&msg(connect())), ["connected"]);
        stranger
    }

    /// Says a frame, and returns in short what comes back.
    fn says(&mut self, frame: &str) -> Vec<String> {
        self.hub.text(self.conn, frame);
        self.heard()
    }

    fn heard(&mut self) -> Vec<String> {
        let sent = std::iter::from_fn(|| self.hub.poll());
        sent.map(|sent| match sent {
            Sent::Text(_, text) => short(&serde_json::from_str(&text).expect("JSON")),
            Sent::Closed(_, code) => format!("close {code}"),
        })
        .collect()
    }

    fn session(&self) -> String {
        // The test rooms count their ids: room, participant, seat.
        format!("{:032x}", 3)
    }
}

fn short(frame: &Value) -> String {
    let body = &frame["body"];
    match (frame["type"].as_str(), body["type"].as_str()) {
        (_, Some("error")) => format!("error {}", body["code"]),
        (_, Some(kind)) => kind.to_owned(),
        (Some(kind), _) => kind.to_owned(),
        _ => frame.to_string(),
    }
}

fn msg(body: Value) -> String {
    json!({ "type": "msg", "body": body }).to_string()
}

fn connect() -> Value {
    json!({
        "type": "connect", "version": 2, "name": null, "token": door::token("eve", Some("den")),
        "participant": { "revision": 1, "tracks": [] },
        "peer_connections": [{ "id": "eve-1", "description": { "type": "offer", "revision": 1, "sdp": "v=0\r\n" } }],
    })
}

/// `connect` with one thing changed, or left out.
fn connect_with(path: &str, value: impl Into<Option<Value>>) -> String {
    msg(forge::with(connect(), path, value.into()))
}

fn update_with(name: &str, value: Value) -> String {
    let mut body = json!({ "type": "update", "version": 2, "session": format!("{:032x}", 3) });
    body[name] = value;
    msg(body)
}

#[track_caller]
fn check(mut stranger: Stranger, frame: &str, expected: &[&str]) {
    assert_eq!(stranger.says(frame), expected, "{}", frame.chars().take(300).collect::<String>());
}

// --- before hello

#[test]
fn whoever_does_not_say_hello_is_sent_away() {
    let frames =
        ["", " ", "null", "[]", "{}", "hello", "\u{0}", "{\"type\":\"hello\"", "{\"type\":7}", "{\"type\":\"heartbeat\"}"];
    for frame in frames {
        check(Stranger::new(), frame, &["bad", "close 1008"]);
    }
    check(Stranger::new(), &msg(connect()), &["bad", "close 1008"]);
    check(Stranger::new(), &format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)), &["bad", "close 1008"]);
    check(Stranger::new(), &"[".repeat(1 << 20), &["bad", "close 1008"]);
    check(Stranger::new(), "{\"type\":\"hello\",\"type\":\"hello\"}", &["bad", "close 1008"]);
    check(Stranger::new(), "{\"type\":\"hello\",\"timeout\":1e400}", &["bad", "close 1008"]);
}

#[test]
fn whoever_says_nothing_is_cut_after_ten_seconds() {
    for (stranger, expected) in [(Stranger::new(), vec!["close 1008"]), (Stranger::greeted(), vec!["close 1008"])] {
        let mut stranger = stranger;
        stranger.heard();
        stranger.hub.advance_to(9_999);
        assert!(stranger.hub.is_open(stranger.conn));
        stranger.heard();
        stranger.hub.advance_to(10_000);
        assert_eq!(stranger.heard(), expected);
    }
}

#[test]
fn heartbeats_keep_nobody_who_shows_no_token() {
    let mut stranger = Stranger::greeted();
    for second in 0..10 {
        stranger.hub.advance_to(second * 1000);
        stranger.says("{\"type\":\"heartbeat\"}");
    }
    stranger.hub.advance_to(10_000);
    assert!(!stranger.hub.is_open(stranger.conn));
}

#[test]
fn any_heartbeat_time_that_is_asked_for_is_brought_into_bounds() {
    for (asked, agreed) in [("5000", 5000), ("0", 1000), ("-1", 1000), ("1e300", 30_000), ("0.001", 1000), ("null", 5000)] {
        let mut stranger = Stranger::new();
        stranger.hub.text(stranger.conn, &format!("{{\"type\":\"hello\",\"timeout\":{asked}}}"));
        let Some(Sent::Text(_, text)) = stranger.hub.poll() else { panic!("{asked}") };
        assert_eq!(text, format!("{{\"type\":\"welcome\",\"negotiatedTimeout\":{agreed}}}"));
    }
}

// --- before a room

#[test]
fn what_makes_no_sense_is_refused_with_53004() {
    for frame in
        ["", "{", "[]", "null", "{}", "{\"type\":\"msg\"}", "{\"type\":\"msg\",\"body\":null}", "{\"type\":\"msg\",\"body\":[]}"]
    {
        check(Stranger::greeted(), frame, &["error 53004"]);
    }
    for body in [
        json!({}),
        json!({ "type": null }),
        json!({ "type": "ice" }),
        json!({ "type": "ice", "token": 5 }),
        json!({ "type": "connect" }),
    ] {
        check(Stranger::greeted(), &msg(body), &["error 53004"]);
    }
    for body in [json!({ "type": "update" }), json!({ "type": "sync" })] {
        check(Stranger::greeted(), &msg(body), &["error 53004"]);
    }
}

#[test]
fn every_field_of_connect_is_checked() {
    let wrong = |path: &str, values: &[Value]| {
        for value in values {
            check(Stranger::greeted(), &connect_with(path, value.clone()), &["error 53004"]);
        }
    };
    let number = [json!(-1), json!(1.5), json!("1"), json!(null), json!([]), json!(9_007_199_254_740_992u64), json!(u64::MAX)];
    wrong("/participant/revision", &number);
    wrong("/peer_connections/0/description/revision", &number);
    wrong("/token", &[json!(null), json!(1), json!([])]);
    wrong("/name", &[json!(1), json!([]), json!({})]);
    wrong("/participant", &[json!(null), json!([]), json!({ "revision": 1 })]);
    wrong("/participant/tracks", &[json!(null), json!({}), json!([1]), json!([{ "id": "a", "kind": "smell", "name": "n" }])]);
    wrong("/peer_connections", &[json!(null), json!({}), json!([1]), json!([{ "id": 1 }]), json!([{ "id": "a" }])]);
    wrong("/peer_connections/0/id", &[json!(""), json!("x".repeat(129)), json!(null)]);
    for path in ["/token", "/participant", "/peer_connections"] {
        check(Stranger::greeted(), &connect_with(path, None), &["error 53004"]);
    }
    let two = json!([connect()["peer_connections"][0], connect()["peer_connections"][0]]);
    wrong("/peer_connections", &[two]);
}

#[test]
fn numbers_and_texts_that_json_does_not_know_are_refused() {
    let good = msg(connect());
    for (from, to) in [
        ("\"revision\":1", "\"revision\":1e400"),
        ("\"revision\":1", "\"revision\":01"),
        ("\"revision\":1", "\"revision\":1,\"revision\":1"),
        ("\"eve-1\"", "\"\\ud800\""),
        ("\"eve-1\"", "\"\u{0}\""),
        ("\"eve-1\"", "\"\\x\""),
    ] {
        assert!(good.contains(from));
        check(Stranger::greeted(), &good.replacen(from, to, 1), &["error 53004"]);
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    check(Stranger::greeted(), &good.replacen("\"name\":null", &format!("\"name\":{deep}"), 1), &["error 53004"]);
    // What nobody reads is skipped without going down into it.
    check(Stranger::greeted(), &good.replacen("\"name\":null", &format!("\"x\":{deep}"), 1), &["connected"]);
}

#[test]
fn descriptions_have_bounds() {
    let sdp = "/peer_connections/0/description/sdp";
    for text in [
        String::new(),
        "x".into(),
        format!("v=0\r\n{}", "m=audio 9\r\n".repeat(201)),
        format!("v=0\r\na={}\r\n", "x".repeat(9000)),
    ] {
        check(Stranger::greeted(), &connect_with(sdp, json!(text)), &["error 53403"]);
    }
    let candidates = |count: usize| json!([{ "id": "eve-1", "ice": { "ufrag": "u", "revision": 1, "candidates": vec![json!({ "candidate": "c" }); count] } }]);
    check(Stranger::inside(), &update_with("peer_connections", candidates(64)), &[]);
    check(Stranger::inside(), &update_with("peer_connections", candidates(65)), &["error 53403", "disconnected"][..1]);
}

#[test]
fn names_have_the_vendors_codes() {
    let named = |name: &str, code: &str| {
        let any = forge::with(connect(), "/token", Some(door::token("eve", None).into()));
        check(Stranger::greeted(), &msg(forge::with(any, "/name", Some(name.into()))), &[code]);
    };
    named("den", "connected");
    named("Höhle der Löwen 🦁", "connected");
    named("<img onerror>/../../x", "connected");
    named(&"ö".repeat(128), "connected");
    named(&"ö".repeat(129), "error 53101");
    named("a\nb", "error 53102");
    named("\u{202e}ned", "error 53102");
    named("\u{61c}ned", "error 53102");
    named("", "error 53100");
    named("  ", "error 53100");
}

#[test]
fn a_token_for_one_room_opens_no_other() {
    check(Stranger::greeted(), &connect_with("/name", json!("den")), &["connected"]);
    check(Stranger::greeted(), &connect_with("/name", json!("office")), &["error 20106"]);
    check(Stranger::greeted(), &connect_with("/name", json!("RM00000000000000000000000000000009")), &["error 20106"]);
}

/// At each of the three places where a token is shown.
#[test]
fn a_broken_token_is_refused_wherever_it_is_shown() {
    let signed = |path: &str, value: Value| forge::signed(&forge::header(), &forge::with(forge::claims(), path, Some(value)));
    let broken = [
        ("[JWT elided]".to_owned(), 20101),
        (signed("/exp", json!("1700003600")), 20101),
        (forge::signed(&forge::with(forge::header(), "/alg", Some("none".into())), &forge::claims()), 20102),
        (signed("/iss", json!("SK00000000000000000000000000000009")), 20103),
        (signed("/exp", json!(forge::NOW - 60)), 20104),
        (signed("/nbf", json!(forge::NOW + 61)), 20105),
        (signed("/grants/video", json!(null)), 20106),
        (format!("{}AAAA", signed("/x", json!(1))), 20107),
        (signed("/exp", json!(forge::NOW + 90_000)), 20157),
        (signed("/grants/identity", json!("")), 53200),
        (signed("/grants/identity", json!("x".repeat(129))), 53201),
        (signed("/grants/identity", json!("\u{202e}")), 53202),
    ];
    for (token, code) in broken {
        let expected = format!("error {code}");
        check(Stranger::greeted(), &msg(json!({ "type": "ice", "token": token })), &[&expected]);
        check(Stranger::greeted(), &connect_with("/token", json!(token)), &[&expected]);
        let sync =
            json!({ "type": "sync", "session": "0".repeat(32), "token": token, "participant": { "revision": 1, "tracks": [] } });
        check(Stranger::greeted(), &msg(sync), &[&expected]);
    }
}

#[test]
fn a_session_word_that_nobody_gave_opens_no_seat() {
    for session in ["", "x", "0", &"f".repeat(32), &"F".repeat(33), &format!("+{}", "f".repeat(31)), &"é".repeat(16)] {
        let sync = json!({ "type": "sync", "session": session, "token": door::token("eve", Some("den")), "participant": { "revision": 1, "tracks": [] } });
        check(Stranger::greeted(), &msg(sync), &["error 53204"]);
    }
}

// --- inside

#[test]
fn what_is_out_of_place_ends_only_its_sender() {
    for body in
        [connect(), json!({ "type": "ice", "token": door::token("eve", None) }), json!({ "type": "update", "session": "other" })]
    {
        check(Stranger::inside(), &msg(body), &["error 53004"]);
    }
    let mut stranger = Stranger::inside();
    stranger.says("{");
    assert_eq!(stranger.hub.rooms.count(), (0, 0), "no ghost is left");
    assert_eq!(stranger.says(&msg(connect())), [] as [&str; 0], "nothing more is heard of it");
    stranger.hub.advance_to(5_000);
    assert_eq!(stranger.heard(), ["close 1000"]);
}

#[test]
fn a_hello_again_is_welcomed_and_nothing_more() {
    let mut stranger = Stranger::inside();
    for body in [connect(), json!({ "type": "ice", "token": "x" }), json!(null), json!({ "type": "disconnect" })] {
        let hello = json!({ "type": "hello", "id": "2", "version": 2, "timeout": 5000, "body": body });
        assert_eq!(stranger.says(&hello.to_string()), ["welcome"]);
    }
    assert_eq!(stranger.hub.rooms.count(), (1, 1));
}

#[test]
fn a_few_unknown_types_are_let_pass() {
    let mut stranger = Stranger::inside();
    for frame in ["{\"type\":\"nonsense\"}".to_owned(), msg(json!({ "type": "nonsense" })), "{\"type\":\"welcome\"}".to_owned()] {
        assert_eq!(stranger.says(&frame), ["bad"]);
    }
    assert_eq!(stranger.says("{\"type\":\"nonsense\"}"), ["error 53004"]);
}

#[test]
fn more_tracks_than_allowed_fail_one_by_one() {
    let track = |n: usize| json!({ "id": format!("t{n}"), "kind": "video", "name": format!("n{n}") });
    let list: Vec<Value> = (0..20).map(track).collect();
    let mut stranger = Stranger::inside();
    let frame = update_with("participant", json!({ "revision": 2, "tracks": list }));
    stranger.hub.text(stranger.conn, &frame);
    let texts: Vec<_> = std::iter::from_fn(|| stranger.hub.poll()).collect();
    let [Sent::Text(_, text)] = &texts[..] else { panic!("{texts:?}") };
    let body: Value = serde_json::from_str(text).expect("JSON");
    let states: Vec<_> = body["body"]["published"]["tracks"].as_array().expect("a list").clone();
    assert_eq!(states.iter().filter(|track| track["state"] == "ready").count(), 16);
    assert!(states[16..].iter().all(|track| track["state"] == "failed" && track["error"]["code"] == 53203), "{states:?}");
}

#[test]
fn messages_and_candidates_are_limited() {
    let stranger = Stranger::inside();
    let session = stranger.session();
    let update = |connections: Value| msg(json!({ "type": "update", "session": session, "peer_connections": connections }));
    let closes =
        |count: usize| (0..count).map(|n| json!({ "id": n.to_string(), "description": { "type": "close", "revision": 1 } }));
    check(stranger, &update(closes(64).collect()), &[]);
    let block = |ufrag: usize| json!([{ "id": "x", "ice": { "ufrag": "u".repeat(ufrag), "revision": 1, "candidates": [] } }]);
    for bad in [update(closes(65).collect()), update(block(70_000))] {
        let stranger = Stranger::inside();
        let bad = bad.replace(&session, &stranger.session());
        let heard = {
            let mut one = stranger;
            one.hub.text(one.conn, &bad);
            one.heard()
        };
        assert!(heard[0].starts_with("error 53"), "{heard:?}");
    }
}

#[test]
fn nobody_speaks_under_anothers_session() {
    let stranger = Stranger::inside();
    let own = stranger.session();
    let frame =
        msg(json!({ "type": "update", "session": own.replace('3', "2"), "participant": { "revision": 9, "tracks": [] } }));
    check(stranger, &frame, &["error 53004"]);
}

// --- the server's own troubles

#[test]
fn an_overloaded_server_says_when_to_come_back() {
    let mut stranger = Stranger::new();
    stranger.hub.overload(stranger.conn, Duration::from_secs(5));
    stranger.hub.text(stranger.conn, &json!({ "type": "hello", "body": { "type": "ice", "token": "x" } }).to_string());
    let Some(Sent::Text(_, text)) = stranger.hub.poll() else { panic!("nothing said") };
    assert_eq!(text, "{\"type\":\"busy\",\"retryAfter\":5000,\"keepAlive\":false}");
    let mut back = Stranger::new();
    back.hub.overload(back.conn, Duration::from_secs(5));
    back.hub.text(back.conn, &json!({ "type": "hello", "body": { "type": "sync" } }).to_string());
    assert_eq!(back.heard()[0], "welcome", "who has a seat is heard");
    let mut inside = Stranger::inside();
    inside.hub.overload(inside.conn, Duration::from_secs(5));
    assert_eq!(inside.heard(), [] as [&str; 0], "who is in stays in");
}

#[test]
fn a_server_that_stops_makes_its_clients_come_back() {
    let mut stranger = Stranger::inside();
    stranger.hub.shutdown();
    assert_eq!(stranger.heard(), ["close 1012"]);
}
