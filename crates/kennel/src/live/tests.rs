use super::*;
use serde_json::{Value, json};

/// A live channel with a clock of its own.
struct Stage {
    live: Live,
    now: Now,
}

impl Stage {
    fn new() -> Self {
        Self { live: Live::default(), now: Now { at: Instant::now(), unix_ms: 1_000_000 } }
    }

    fn open(&mut self, id: SocketId, rights: &[Right]) {
        let link = Some(format!("link{id}"));
        let session = Some(format!("session{id}"));
        let rights = rights.iter().copied().collect();
        self.live.handle_open(self.now, id, Badge { link, session, rights, room: None });
    }

    fn say(&mut self, id: SocketId, message: Value) {
        self.live.handle_text(self.now, id, &message.to_string());
    }

    fn hello(&mut self, id: SocketId, part: &str, room: &str, name: &str) {
        self.open(id, &[Right::Owner]);
        self.say(id, json!({"type":"hello","as":part,"room":room,"name":name,"device":"d"}));
    }

    /// Lets time pass as the task would: each timeout at its moment.
    fn pass(&mut self, time: Duration) {
        let end = self.now.at + time;
        while let Some(due) = self.live.poll_timeout().filter(|due| *due <= end) {
            let step = due.saturating_duration_since(self.now.at);
            self.advance(step);
            self.live.handle_timeout(self.now);
        }
        self.advance(end.saturating_duration_since(self.now.at));
    }

    fn advance(&mut self, step: Duration) {
        self.now.at += step;
        self.now.unix_ms += u64::try_from(step.as_millis()).expect("small");
    }

    fn drain(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.live.poll_output()).collect()
    }

    /// Everything said to a socket since the last look.
    fn heard(&mut self, by: SocketId) -> Vec<Value> {
        let said = self.drain().into_iter().filter_map(|output| match output {
            Output::Send(id, text) if id == by => Some(serde_json::from_str(&text).expect("JSON")),
            Output::Close(id, code) if id == by => Some(json!({ "close": code })),
            _ => None,
        });
        said.collect()
    }

    /// The cameras of the last list that a socket got, as `name state watchers`.
    fn cameras(&mut self, by: SocketId) -> Vec<String> {
        let said = self.heard(by);
        let list = said.iter().rev().find(|m| m["type"] == "cameras").expect("a list");
        let rows = list["cameras"].as_array().expect("an array").iter();
        rows.map(|c| {
            format!("{} {} {}", c["name"].as_str().expect("a name"), c["state"].as_str().expect("a state"), c["watchers"])
        })
        .collect()
    }

    /// Keeps everybody alive while time passes.
    fn pass_with_pongs(&mut self, time: Duration, ids: &[SocketId]) {
        let end = self.now.at + time;
        while self.now.at < end {
            self.pass(Duration::from_secs(1));
            for id in ids {
                self.live.handle_heard(self.now, *id);
            }
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn status() -> Value {
    json!({"type":"status","battery":0.87,"charging":null,"visible":true,"wake_lock":true,"width":1280,"height":720,
           "facing":"back","rotation":90,"muted":false,"video_off":false,"pressure":null})
}

#[test]
fn a_watcher_hears_of_the_camera_and_the_camera_of_the_watcher() {
    let mut stage = Stage::new();
    stage.hello(1, "camera", "Den", "Kitchen");
    stage.hello(2, "watch", "Den", "Laptop");
    stage.pass(SECOND);
    let heard = stage.drain();
    let texts = |id| heard.iter().filter(move |o| matches!(o, Output::Send(to, _) if *to == id));
    assert!(texts(1).any(|o| format!("{o:?}").contains("Laptop")));
    assert!(texts(2).any(|o| format!("{o:?}").contains("Kitchen")));
}

#[test]
fn the_first_words_are_welcome_and_the_list() {
    let mut stage = Stage::new();
    stage.hello(1, "camera", "Den", "Kitchen");
    let heard = stage.heard(1);
    assert_eq!(heard[0], json!({"type":"welcome","time":1_000_000}));
    let row = json!({"room":"Den","name":"Kitchen","state":"live","since":1_000_000,"status":null,"watchers":[],"watching":0});
    assert_eq!(heard[1], json!({"type":"cameras","cameras":[row]}));
}

#[test]
fn a_status_comes_through_as_sent() {
    let mut stage = Stage::new();
    stage.hello(1, "camera", "Den", "Kitchen");
    stage.hello(2, "watch", "Den", "Laptop");
    stage.pass(SECOND);
    stage.drain();
    stage.say(1, status());
    let mut expected = status();
    expected.as_object_mut().expect("an object").remove("type");
    assert_eq!(stage.heard(2)[0]["cameras"][0]["status"], expected);
}

#[test]
fn stopped_is_not_gone() {
    let mut stage = Stage::new();
    stage.hello(9, "home", "", "");
    stage.hello(1, "camera", "Den", "Kitchen");
    stage.hello(2, "camera", "Den", "Garden");
    stage.say(1, json!({"type":"stop"}));
    stage.live.handle_closed(stage.now, 1);
    stage.live.handle_closed(stage.now, 2);
    stage.pass(SECOND);
    assert_eq!(stage.cameras(9), ["Garden gone []", "Kitchen stopped []"]);
    stage.pass_with_pongs(KEEP_STOPPED, &[9]);
    assert_eq!(stage.cameras(9), ["Garden gone []"]);
    stage.pass_with_pongs(KEEP_GONE, &[9]);
    assert_eq!(stage.cameras(9), [""; 0]);
}

#[test]
fn a_viewer_hears_of_a_silent_camera_after_nine_seconds() {
    let mut stage = Stage::new();
    stage.hello(1, "camera", "Den", "Kitchen");
    stage.hello(2, "watch", "Den", "Laptop");
    stage.pass_with_pongs(SILENCE - SECOND, &[2]);
    assert_eq!(stage.cameras(2), ["Kitchen live [\"Laptop\"]"]);
    stage.pass_with_pongs(SECOND, &[2]);
    assert_eq!(stage.cameras(2), ["Kitchen gone [\"Laptop\"]"]);
}

#[test]
fn t39_nobody_is_gone_because_the_program_stood_still() {
    let mut stage = Stage::new();
    stage.hello(1, "camera", "Den", "Kitchen");
    stage.hello(2, "watch", "Den", "Laptop");
    stage.open(3, &[Right::Watch]);
    stage.pass(SECOND);
    stage.advance(Duration::from_secs(60));
    stage.live.handle_timeout(stage.now);
    assert_eq!((stage.live.sockets(), stage.cameras(2)), (3, vec!["Kitchen live [\"Laptop\"]".to_owned()]));
    stage.pass_with_pongs(SILENCE, &[2]);
    assert_eq!(stage.cameras(2), ["Kitchen gone [\"Laptop\"]"], "who says nothing now is");
}

#[test]
fn pings_go_out_every_three_seconds() {
    let mut stage = Stage::new();
    stage.hello(1, "watch", "Den", "Laptop");
    stage.pass_with_pongs(Duration::from_secs(30), &[1]);
    let pings = stage.drain().into_iter().filter(|o| *o == Output::Ping(1)).count();
    assert_eq!(pings, 10);
}

#[test]
fn who_says_no_hello_is_closed_after_ten_seconds_pongs_or_not() {
    let mut stage = Stage::new();
    stage.open(1, &[Right::Watch]);
    stage.pass_with_pongs(HELLO, &[1]);
    assert_eq!(stage.heard(1), [json!({"close": 1008})]);
    assert_eq!(stage.live.sockets(), 0);
}

#[test]
fn a_second_camera_of_a_name_displaces_the_first() {
    let mut stage = Stage::new();
    stage.hello(1, "camera", "Den", "Kitchen");
    stage.drain();
    stage.hello(2, "camera", "Den", "Kitchen");
    assert_eq!(stage.heard(1), [json!({"type":"ended","reason":"displaced"}), json!({"close":1000})]);
    stage.hello(3, "watch", "Den", "Laptop");
    assert_eq!(stage.cameras(3), ["Kitchen live [\"Laptop\"]"]);
    stage.live.handle_closed(stage.now, 1);
    stage.pass(SECOND);
    stage.say(2, status());
    stage.pass(SECOND);
    assert_eq!(stage.cameras(3), ["Kitchen live [\"Laptop\"]"], "the late end of the first changes nothing");
}

#[test]
fn rooms_do_not_hear_of_each_other_and_home_hears_of_all() {
    let mut stage = Stage::new();
    stage.hello(1, "camera", "Den", "Kitchen");
    stage.hello(2, "camera", "Barn", "Cow");
    stage.drain();
    stage.hello(3, "watch", "Den", "Laptop");
    assert_eq!(stage.cameras(3), ["Kitchen live [\"Laptop\"]"]);
    stage.hello(4, "home", "", "");
    assert_eq!(stage.cameras(4).len(), 2);
    stage.live.handle_open(stage.now, 5, Badge { rights: Rights::OPEN, room: Some("Barn".into()), ..Badge::default() });
    stage.say(5, json!({"type":"hello","as":"home"}));
    assert_eq!(stage.cameras(5), ["Cow live []"]);
}

#[test]
fn the_list_comes_at_most_five_times_a_second_and_the_last_word_always() {
    let mut stage = Stage::new();
    stage.hello(1, "watch", "Den", "Laptop");
    stage.drain();
    for id in 10..60 {
        stage.hello(id, "camera", "Den", &format!("C{id}"));
        stage.pass(Duration::from_millis(20));
    }
    stage.pass(SECOND);
    let lists: Vec<_> = stage.heard(1).into_iter().filter(|m| m["type"] == "cameras").collect();
    assert!(lists.len() <= 7, "{} lists in 1.2 s", lists.len());
    assert_eq!(lists.last().expect("a list")["cameras"].as_array().expect("an array").len(), 50);
}

/// 60 cameras and 100 watchers in one room.
fn crowd() -> Stage {
    let mut stage = Stage::new();
    for n in 0..160 {
        stage.hello(n, if n < 60 { "camera" } else { "watch" }, "Den", &format!("{n}"));
        stage.drain();
    }
    stage
}

#[test]
fn a_row_names_fifty_watchers_and_counts_them_all() {
    let mut stage = crowd();
    stage.hello(900, "home", "", "");
    let heard = stage.heard(900);
    let rows = heard[1]["cameras"].as_array().expect("an array");
    let named = |row: &Value| row["watchers"].as_array().expect("an array").len();
    assert_eq!((named(&rows[0]), &rows[0]["watching"]), (list::NAMED, &json!(100)));
    assert_eq!((named(&rows[59]), &rows[59]["watching"]), (0, &json!(100)));
    assert_eq!(rows.iter().map(named).sum::<usize>(), list::NAMED_IN_ALL);
}

#[test]
fn sockets_with_the_same_view_share_one_text() {
    let mut stage = crowd();
    stage.pass(SECOND);
    let lists: Vec<_> =
        stage.drain().into_iter().filter_map(|o| if let Output::Send(_, text) = o { Some(text) } else { None }).collect();
    assert_eq!(lists.len(), 159, "the last one has it already");
    assert!(lists.iter().all(|text| text.as_ptr() == lists[0].as_ptr()));
}

#[test]
fn rights_and_rooms_are_checked() {
    let check = |rights: &[Right], room: Option<&str>, hello: Value, code: &str| {
        let mut stage = Stage::new();
        let badge = Badge { rights: rights.iter().copied().collect(), room: room.map(str::to_owned), ..Badge::default() };
        stage.live.handle_open(stage.now, 1, badge);
        stage.say(1, hello);
        let heard = stage.heard(1);
        assert_eq!((heard[0]["type"].as_str(), heard[0]["code"].as_str()), (Some("refused"), Some(code)));
        assert_eq!(heard[1], json!({"close":1008}));
        assert_eq!(stage.live.sockets(), 0);
    };
    let hello = |part: &str, name: &str| json!({"type":"hello","as":part,"room":"Den","name":name,"device":"d"});
    check(&[Right::Watch], None, hello("camera", "K"), "right_missing");
    check(&[Right::Camera], None, hello("watch", "K"), "right_missing");
    check(&[], None, hello("home", "K"), "right_missing");
    check(&[Right::Watch], Some("Barn"), hello("watch", "K"), "room_not_allowed");
    check(&[Right::Owner], None, hello("camera", ""), "name_invalid");
    check(&[Right::Owner], None, hello("camera", "a\nb"), "name_invalid");
    check(&[Right::Owner], None, json!({"type":"nonsense"}), "malformed");
    check(&[Right::Owner], None, json!([1]), "malformed");
    check(&[Right::Owner], None, json!({"type":"stop"}), "wrong_state");
    check(&[Right::Owner], None, status(), "wrong_state");
}

#[test]
fn a_status_out_of_range_is_refused() {
    for (field, value) in [("battery", json!(1.5)), ("rotation", json!(45)), ("width", json!(100_000)), ("facing", json!("up"))] {
        let mut stage = Stage::new();
        stage.hello(1, "camera", "Den", "Kitchen");
        stage.drain();
        let mut bad = status();
        bad[field] = value;
        stage.say(1, bad);
        assert_eq!(stage.heard(1)[0]["code"], "malformed", "{field}");
    }
}

#[test]
fn a_withdrawn_link_or_session_ends_its_sockets_and_no_others() {
    let mut stage = Stage::new();
    stage.hello(1, "camera", "Den", "Kitchen");
    stage.hello(2, "watch", "Den", "Laptop");
    stage.hello(3, "watch", "Den", "Tablet");
    stage.pass(SECOND);
    stage.drain();
    stage.live.handle_ended(stage.now, "link1", EndReason::Withdrawn);
    assert_eq!(stage.heard(1), [json!({"type":"ended","reason":"withdrawn"}), json!({"close":1000})]);
    stage.live.handle_ended(stage.now, "session2", EndReason::Expired);
    assert_eq!(stage.heard(2)[0], json!({"type":"ended","reason":"expired"}));
    stage.pass(SECOND);
    assert_eq!(stage.cameras(3), ["Kitchen gone [\"Tablet\"]"]);
}

#[test]
fn shutdown_is_said_to_all() {
    let mut stage = Stage::new();
    stage.hello(1, "watch", "Den", "Laptop");
    stage.open(2, &[Right::Watch]);
    stage.drain();
    stage.live.handle_shutdown(stage.now);
    let closed = stage.drain();
    assert_eq!(closed.iter().filter(|o| matches!(o, Output::Close(_, 1000))).count(), 2);
    assert_eq!(closed.iter().filter(|o| format!("{o:?}").contains("shutdown")).count(), 2);
}

#[test]
fn who_talks_too_much_is_closed() {
    let mut stage = Stage::new();
    stage.hello(1, "watch", "Den", "Laptop");
    for n in 0..100 {
        stage.say(1, json!({"type":"ping","n":n}));
    }
    let heard = stage.heard(1);
    assert_eq!(heard.iter().filter(|m| m["type"] == "pong").count(), 29);
    assert_eq!(heard.last(), Some(&json!({"close":1008})));
    let mut stage = Stage::new();
    stage.hello(1, "watch", "Den", "Laptop");
    for _ in 0..30 {
        stage.live.handle_heard(stage.now, 1);
    }
    let heard = stage.heard(1);
    assert_eq!(heard[heard.len() - 2]["code"], "too_many_messages", "pongs count too");
    let mut stage = Stage::new();
    stage.hello(1, "watch", "Den", "Laptop");
    for n in 0..1000 {
        stage.pass(Duration::from_millis(101));
        stage.say(1, json!({"type":"ping","n":n}));
    }
    assert_eq!(stage.live.sockets(), 1, "ten a second are welcome");
}

#[test]
fn limits_hold() {
    let mut stage = Stage::new();
    for id in 0..=SOCKETS_MAX as u64 {
        stage.open(id, &[Right::Owner]);
    }
    assert_eq!(stage.drain(), [Output::Close(SOCKETS_MAX as u64, 1013)]);
    for id in 0..=CAMERAS_MAX as u64 {
        stage.say(id, json!({"type":"hello","as":"camera","room":format!("{id}"),"name":"K","device":"d"}));
        if id < CAMERAS_MAX as u64 {
            stage.drain();
        }
    }
    assert_eq!(stage.heard(CAMERAS_MAX as u64)[0]["code"], "too_many_cameras");
}

#[test]
fn the_camera_gone_longest_makes_room_for_a_new_one() {
    let mut stage = Stage::new();
    for id in 0..CAMERAS_MAX as u64 {
        stage.hello(id, "camera", &format!("{id}"), &format!("{id}"));
        stage.drain();
    }
    for gone in [7, 3] {
        stage.live.handle_closed(stage.now, gone);
        stage.pass(Duration::from_millis(1));
    }
    stage.hello(2000, "camera", "Den", "new");
    stage.hello(2001, "home", "", "");
    let cameras = stage.cameras(2001);
    assert_eq!(cameras.len(), CAMERAS_MAX);
    assert!(!cameras.iter().any(|row| row.starts_with("7 ")) && cameras.contains(&"3 gone []".to_owned()));
}

#[test]
fn one_link_has_fifty_cameras_and_takes_no_others_place() {
    let mut stage = Stage::new();
    let one = |stage: &mut Stage, id, name: &str| {
        let badge = Badge { link: Some("one".into()), rights: Rights::ALL, ..Badge::default() };
        stage.live.handle_open(stage.now, id, badge);
        stage.say(id, json!({"type":"hello","as":"camera","room":"Den","name":name,"device":"d"}));
    };
    stage.hello(900, "camera", "Den", "Another's");
    stage.live.handle_closed(stage.now, 900);
    for id in 0..CAMERAS_OF_LINK_MAX as u64 {
        one(&mut stage, id, &format!("{id:02}"));
    }
    stage.drain();
    one(&mut stage, 100, "50");
    assert_eq!(stage.heard(100)[0]["code"], "too_many_cameras", "all are live");
    one(&mut stage, 101, "07");
    assert_eq!(stage.heard(101)[0]["type"], "welcome", "a name of its own");
    stage.live.handle_closed(stage.now, 3);
    one(&mut stage, 102, "50");
    let cameras = stage.cameras(102);
    assert_eq!(cameras.len(), CAMERAS_OF_LINK_MAX + 1);
    assert!(cameras.contains(&"Another's gone []".to_owned()) && !cameras.iter().any(|row| row.starts_with("03")));
}

#[test]
fn random_words_do_no_harm() {
    let mut stage = Stage::new();
    let parts = [
        "{",
        "}",
        "\"type\"",
        ":",
        "\"hello\"",
        ",",
        "\"as\"",
        "\"camera\"",
        "[",
        "]",
        "null",
        "1e400",
        "\u{0}",
        "\\ud800",
        "\"status\"",
    ];
    let mut seed = 7_u64;
    for id in 0..10_000 {
        stage.open(id, &[Right::Owner]);
        let mut text = String::new();
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(parts[usize::try_from(seed >> 33).expect("small") % parts.len()]);
        }
        stage.live.handle_text(stage.now, id, &text);
        stage.live.handle_closed(stage.now, id);
        stage.drain();
    }
    assert_eq!(stage.live.sockets(), 0);
}
