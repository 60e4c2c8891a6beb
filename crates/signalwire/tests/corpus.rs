//! The corpora of the fuzz targets, replayed. Seeds come from the recordings: `UPDATE=1 cargo test` writes them anew. Whatever a
//! fuzz run adds to `fuzz/corpus` is replayed too.

mod support;

#[path = "../../../fuzz/harness/signalwire_frames.rs"]
mod signalwire_frames;
#[path = "../../../fuzz/harness/signalwire_rest.rs"]
mod signalwire_rest;
#[path = "../../../fuzz/harness/signalwire_sdp.rs"]
mod signalwire_sdp;
#[path = "../../../fuzz/harness/signalwire_token.rs"]
mod signalwire_token;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::random::Random;
use support::transcript::{self, Line};

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

/// A seed as it should be in the corpus.
fn seed(target: &str, name: &str, text: &str) {
    let path = folder(target).join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(folder(target)).expect("a folder");
        std::fs::write(&path, text).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} is not what the recordings make; UPDATE=1 writes it anew", path.display());
}

fn replay(target: &str, run: impl Fn(&[u8])) {
    let files = std::fs::read_dir(folder(target)).expect("a corpus").flatten().map(|file| file.path());
    let mut count = 0;
    for path in files.filter(|path| path.is_file()) {
        println!("{}", path.display());
        run(&std::fs::read(&path).expect("readable"));
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn frames() {
    for name in ["01", "02", "05", "06", "07", "08", "10", "11", "12", "13"] {
        seed("signalwire_frames", name, &script(&transcript::lines(name)));
    }
    replay("signalwire_frames", signalwire_frames::run);
}

#[test]
fn tokens() {
    let header = json!({ "typ": "VRT", "alg": "HS512", "ch": "wss://x" });
    let claims = json!({
        "iat": 1_700_000_000, "jti": "1", "sub": "project", "u": "jess", "r": "lobby", "s": ["room.lock"], "acr": true, "jf": 1, "ju": 2,
        "rat": 3, "rse": 4, "ja": "audience", "ma": "audio-only", "m": { "a": 1 }, "rm": {}, "rdn": "x", "jam": true, "exp": 1_800_000_000,
    });
    seed("signalwire_token", "signed", &format!("{header}\n{claims}"));
    replay("signalwire_token", signalwire_token::run);
}

#[test]
fn descriptions() {
    let offers = transcript::lines("01").into_iter().filter_map(|line| {
        let sdp = line.msg.pointer("/params/message/params/sdp").or(line.msg.pointer("/params/params/params/sdp"));
        sdp.and_then(Value::as_str).map(str::to_owned)
    });
    for (number, sdp) in offers.enumerate() {
        seed("signalwire_sdp", &format!("01-{number}"), &sdp);
    }
    replay("signalwire_sdp", signalwire_sdp::run);
}

#[test]
fn requests() {
    let room = json!({
        "name": "lobby", "display_name": "Lobby", "description": "x", "max_members": "30", "quality": "1080p", "fps": 30,
        "join_from": "2026-01-01T00:00:00Z", "join_until": "2026-01-02", "remove_at": 1_800_000_000, "remove_after_seconds_elapsed": 60,
        "layout": "grid-responsive", "tone_on_entry_and_exit": false, "room_join_video_off": "True", "prioritize_handraise": true,
        "meta": { "a": [1, { "b": null }] }, "record_on_start": true, "sync_audio_video": null,
    });
    let token = json!({
        "room_name": "lobby", "user_name": "Jo Ä", "permissions": ["room.self.audio_mute", "room.lock"], "join_as": "audience",
        "join_from": 1, "join_until": 2, "remove_after_seconds_elapsed": "5", "media_allowed": "audio-only", "meta": {}, "room_meta": {},
    });
    for (name, method, path, body) in [
        ("create", "POST", "/api/video/rooms", room.to_string()),
        ("update", "PUT", "//api/video//rooms/lobby/", json!({ "join_until": null, "display_name": "" }).to_string()),
        ("faults", "POST", "/api/video/rooms", json!({ "fps": 25, "max_members": 0, "layout": "x", "meta": [] }).to_string()),
        ("late", "POST", "/api/video/rooms", json!({ "name": "x", "remove_at": "9999-12-31T23:59:59-23:59" }).to_string()),
        ("token", "POST", "/api/video/room_tokens", token.to_string()),
        ("rooms", "GET", "/api/video/rooms?include_active_session=True&starts_after=2026-01-01&page_size=3", String::new()),
        (
            "sessions",
            "GET",
            "/api/video/room_sessions?room_name=a%2Fb+c&status=completed&page_number=2&page_token=PA8000000000000001",
            String::new(),
        ),
        ("recordings", "GET", "/api/video/room_recordings?media_ttl=60&x=%C3%A4%zz&=&&", String::new()),
        ("one", "DELETE", "/api/video/room_recordings/ffffffff-0000-4000-8000-000000000007", String::new()),
        ("method", "PATCH", "/api/video/room_tokens", String::new()),
        ("conference", "POST", "/api/video/conferences/x/y", String::new()),
    ] {
        seed("signalwire_rest", name, &format!("{method} {path}\n{body}"));
    }
    replay("signalwire_rest", signalwire_rest::run);
}

#[test]
fn mangled_requests_harm_nothing() {
    let files = std::fs::read_dir(folder("signalwire_rest")).expect("a corpus").flatten();
    let mut seeds: Vec<_> = files.map(|file| std::fs::read(file.path()).expect("readable")).collect();
    seeds.sort();
    for seed in 0..5_000 {
        let mut random = Random::new(seed);
        let text = seeds[random.below(seeds.len())].clone();
        signalwire_rest::run(&random.mangled(&text));
        signalwire_rest::run(&random.bytes(200));
    }
}

/// What the SDK said in a recording, in the words of the harness.
fn script(lines: &[Line]) -> String {
    let mut script = Vec::new();
    let mut words: BTreeMap<String, String> = BTreeMap::new();
    let mut last_ms = 0;
    for line in lines {
        let letter = line.conn.to_lowercase();
        let pause = line.ms.saturating_sub(std::mem::replace(&mut last_ms, line.ms));
        if pause >= 500 {
            script.push(format!("+{pause}"));
        }
        match &*line.dir {
            "client->server" if line.msg.get("method").is_some() => script.push(format!("{letter}{}", spoken(&line.msg, &words))),
            "server->client" => learn(&line.msg, &letter, &mut words),
            _ => match line.msg.as_str().and_then(|note| note.strip_prefix("close ")) {
                Some(code) if code.trim() == "1005" => script.push(format!("{letter}~")),
                Some(code) => script.push(format!("{letter}!{}", code.trim())),
                None => {}
            },
        }
    }
    script.join("\n")
}

/// Words and members of the server's making, and how a script writes them.
fn learn(message: &Value, letter: &str, words: &mut BTreeMap<String, String>) {
    if let Some(word) = message["result"]["protocol"].as_str() {
        words.entry(word.to_owned()).or_insert(format!("@{letter}"));
    }
    if let Some(member) = message["params"]["params"]["member_id"].as_str() {
        words.entry(member.to_owned()).or_insert(format!("#{letter}"));
    }
}

fn spoken(message: &Value, words: &BTreeMap<String, String>) -> String {
    let mut message = message.clone();
    shorten(&mut message);
    words.iter().fold(message.to_string(), |text, (theirs, word)| text.replace(theirs, word))
}

fn shorten(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(map) => map.iter_mut().for_each(|(name, item)| match name.as_str() {
            "jwt_token" => *item = format!("as {} in {}", item["u"].as_str().unwrap_or("u"), "R").into(),
            "sdp" => *item = "~offer".into(),
            _ => shorten(item),
        }),
        _ => {}
    }
}

/// Seeds with bytes changed, in place of a fuzzer where there is none.
#[test]
fn mangled_seeds() {
    let mut random = support::random::Random::new(5);
    for (target, run, rounds) in [
        ("signalwire_frames", signalwire_frames::run as fn(&[u8]), 15),
        ("signalwire_sdp", signalwire_sdp::run, 50),
        ("signalwire_token", signalwire_token::run, 300),
    ] {
        for path in std::fs::read_dir(folder(target)).expect("a corpus").flatten().map(|file| file.path()) {
            let input = std::fs::read(&path).expect("readable");
            let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(rounds);
            for _ in 0..rounds {
                run(&random.mangled(&input));
            }
        }
    }
}
