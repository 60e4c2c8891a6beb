//! Requests at random: valid ones come back value for value in what is rendered, a broken parameter is named, and mangled text harms
//! nothing.

mod support;

#[path = "../../../fuzz/harness/twilio_rest.rs"]
mod twilio_rest;

use room::{RoomId, RoomKind};
use serde_json::{Value, json};
use support::random::Random;
use twilio::rest::{Ask, Defaults, Host, NewRoom, Refusal, Request, Room, RoomStatus, parse, render};

const ROUNDS: u64 = 2_000;

/// Names and values of a form, and what the room's answer must say.
#[derive(Default)]
struct Wish {
    form: Vec<(&'static str, String)>,
    expected: Vec<(&'static str, Value)>,
}

impl Wish {
    fn say(&mut self, random: &mut Random, parameter: &'static str, field: &'static str, value: impl Into<Value>) {
        if random.below(2) == 0 {
            return;
        }
        let value = value.into();
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let shouted = value.is_boolean() && random.below(2) == 0;
        self.form.push((parameter, if shouted { text.to_uppercase() } else { text }));
        self.expected.push((field, value));
    }

    fn random(random: &mut Random) -> Self {
        let mut wish = Wish::default();
        let kinds = [("group", 50), ("group-small", 4), ("peer-to-peer", 10), ("go", 2)];
        let (kind, seats) = kinds[random.below(4)];
        let served = kind.starts_with("group");
        wish.form.push(("Type", kind.into()));
        wish.expected.push(("type", kind.into()));
        let name: String = (0..=random.below(127)).map(|_| NAME_CHARS[random.below(NAME_CHARS.len())]).collect();
        wish.say(random, "UniqueName", "unique_name", format!("x{name}"));
        let seats = 1 + random.below(seats);
        wish.say(random, "MaxParticipants", "max_participants", seats);
        let duration = 600 + random.below(85_801);
        wish.say(random, "MaxParticipantDuration", "max_participant_duration", duration);
        let (empty, unused) = (1 + random.below(60), 1 + random.below(60));
        wish.say(random, "EmptyRoomTimeout", "empty_room_timeout", empty);
        wish.say(random, "UnusedRoomTimeout", "unused_room_timeout", unused);
        let (url, method) = (["http://a", "https://b.example:8443/c?d=%20#e"][random.below(2)], ["GET", "POST"][random.below(2)]);
        wish.say(random, "StatusCallback", "status_callback", url);
        wish.say(random, "StatusCallbackMethod", "status_callback_method", method);
        let large = random.below(2) == 0;
        wish.say(random, "LargeRoom", "large_room", large);
        if served {
            let (records, sound, region) = (random.below(2) == 0, random.below(2) == 0, ["us2", "jp1"][random.below(2)]);
            wish.say(random, "RecordParticipantsOnConnect", "record_participants_on_connect", records);
            wish.say(random, "AudioOnly", "audio_only", sound);
            wish.say(random, "MediaRegion", "media_region", region);
        }
        if random.below(2) == 0 {
            let codecs = [&["VP8"][..], &["H264"], &["H264", "VP8"]][random.below(3)];
            wish.form.extend(codecs.iter().map(|codec| ("VideoCodecs", (*codec).to_owned())));
            wish.expected.push(("video_codecs", json!(codecs)));
        }
        wish
    }

    /// Escaped as the two families of libraries do it, and in any order.
    fn text(&self, random: &mut Random) -> String {
        let mut parts: Vec<String> =
            self.form.iter().map(|(name, value)| format!("{name}={}", escape(value, random.below(2) == 0))).collect();
        let at = random.below(parts.len());
        if self.form.iter().filter(|(name, _)| *name == "VideoCodecs").count() < 2 {
            parts.rotate_left(at);
        }
        parts.join("&")
    }
}

const NAME_CHARS: [char; 12] = ['a', 'Z', '0', ' ', '+', '&', '=', '%', '/', 'é', '犬', '🐕'];

fn escape(text: &str, plus: bool) -> String {
    let byte = |byte: u8| match byte {
        b' ' if plus => "+".to_owned(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02x}"),
    };
    text.bytes().map(byte).collect()
}

fn post(form: &str) -> Result<NewRoom, Refusal> {
    let defaults = Defaults { kind: RoomKind::Group, media_region: "us1".into() };
    let content_type = Some("application/x-www-form-urlencoded");
    let request =
        Request { method: "POST", path: "/v1/Rooms", query: "", content_type, body: form.as_bytes(), defaults: &defaults };
    match parse(&request)? {
        Ask::CreateRoom(room) => Ok(*room),
        other => panic!("{other:?}"),
    }
}

fn shown(room: NewRoom) -> Value {
    let NewRoom { name, kind, options, seats_max, session_max_s, empty_timeout_s, unused_timeout_s, tracks_max, memo } = room;
    let room = Room {
        id: RoomId(1),
        name: name.unwrap_or_default(),
        status: RoomStatus::InProgress,
        kind,
        options,
        created_ms: 0,
        updated_ms: 0,
        ended_ms: None,
        seats_max,
        session_max_s,
        empty_timeout_s,
        unused_timeout_s,
        tracks_max,
        memo,
    };
    serde_json::from_str(&render(&Host { url: "http://h", account: "AC1" }, &room)).expect("JSON")
}

#[test]
fn what_is_accepted_is_shown() {
    for seed in 0..ROUNDS {
        let mut random = Random::new(seed);
        let wish = Wish::random(&mut random);
        let form = wish.text(&mut random);
        let room = shown(post(&form).unwrap_or_else(|refusal| panic!("{seed} {form}: {refusal:?}")));
        for (field, value) in &wish.expected {
            assert_eq!(&room[field], value, "{seed} {field}: {form}");
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    const WRONG: [(&str, &[&str]); 12] = [
        ("UniqueName", &[" ", "\u{3000}", "a\u{202e}b", "\u{7}"]),
        ("Type", &["GROUP", "none"]),
        ("MaxParticipants", &["0", "51", "1e1", "٣"]),
        ("MaxParticipantDuration", &["1", "86401", "x"]),
        ("EmptyRoomTimeout", &["0", "61", "5m"]),
        ("UnusedRoomTimeout", &["0", "61", "-1"]),
        ("StatusCallback", &["x", "ftp://a", "http://", "http://a b"]),
        ("StatusCallbackMethod", &["PUT", "PO ST"]),
        ("RecordParticipantsOnConnect", &["yes", "1"]),
        ("MediaRegion", &["US1", "x"]),
        ("RecordingRules", &["x", "[]", "[{}]"]),
        ("VideoCodecs", &["AV1", "VP8,H264"]),
    ];
    for seed in 0..ROUNDS {
        let mut random = Random::new(seed);
        let mut wish = Wish::random(&mut random);
        let (name, values) = WRONG[random.below(WRONG.len())];
        wish.form.retain(|(known, _)| *known != name);
        wish.form.push((name, values[random.below(values.len())].to_owned()));
        let form = wish.text(&mut random);
        let refusal = post(&form).expect_err(&form);
        assert!(refusal.status == 400 && refusal.parameter.as_deref() == Some(name), "{seed} {form}: {refusal:?}");
        assert!(refusal.message.contains(name), "{refusal:?}");
    }
}

#[test]
fn mangled_requests_harm_nothing() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/twilio_rest");
    let mut seeds: Vec<_> = std::fs::read_dir(folder).expect("a corpus").map(|file| file.expect("a file").path()).collect();
    seeds.sort();
    for seed in 0..ROUNDS {
        let mut random = Random::new(seed);
        let text = std::fs::read(&seeds[random.below(seeds.len())]).expect("readable");
        twilio_rest::run(&random.mangled(&text));
        twilio_rest::run(&random.bytes(200));
    }
}
