//! The corpora of the fuzz targets, replayed. Seeds come from the recordings: `UPDATE=1 cargo test` writes them anew. Whatever a
//! fuzz run adds to `fuzz/corpus` is replayed too.

mod support;

#[path = "../../../fuzz/harness/twilio_frames.rs"]
mod twilio_frames;
#[path = "../../../fuzz/harness/twilio_rest.rs"]
mod twilio_rest;
#[path = "../../../fuzz/harness/twilio_sdp.rs"]
mod twilio_sdp;
#[path = "../../../fuzz/harness/twilio_token.rs"]
mod twilio_token;

use serde_json::Value;
use std::path::PathBuf;
use support::transcript::{self, Scene, What};
use support::{forge, snapshot};

/// Every input in the corpus of a target, its name first.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = files.map(|file| file.expect("file").path()).filter(|path| path.is_file());
    paths.map(|path| (path.display().to_string(), std::fs::read(&path).expect("readable"))).collect()
}

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

#[track_caller]
fn replay(target: &str, run: impl Fn(&[u8])) {
    let inputs = corpus(target);
    assert!(!inputs.is_empty());
    for (name, input) in inputs {
        println!("{name}");
        run(&input);
    }
}

#[test]
fn frames() {
    for name in transcript::names().iter().filter(|name| !name.starts_with("group-")) {
        for (number, scene) in transcript::scenes(name).iter().enumerate() {
            snapshot::check_file(&folder("twilio_frames").join(format!("{name}-{number}")), &script(scene));
        }
    }
    replay("twilio_frames", twilio_frames::run);
}

#[test]
fn tokens() {
    for (number, made) in forge::helpers().iter().enumerate() {
        let token = made["token"].as_str().expect("token");
        snapshot::check_file(&folder("twilio_token").join(format!("helper-{number}")), token);
    }
    let parts = format!("{}\n{}", forge::header(), forge::claims());
    snapshot::check_file(&folder("twilio_token").join("signed"), &parts);
    replay("twilio_token", twilio_token::run);
}

#[test]
fn descriptions() {
    let mut number = 0;
    for frame in &transcript::scene("p2p-two").frames {
        let What::Said(message) = &frame.what else { continue };
        let Some(sdp) = message.pointer("/body/peer_connections/0/description/sdp").and_then(Value::as_str) else { continue };
        if number < 4 {
            snapshot::check_file(&folder("twilio_sdp").join(format!("p2p-two-{number}")), sdp);
        }
        number += 1;
    }
    replay("twilio_sdp", twilio_sdp::run);
}

#[test]
fn requests() {
    replay("twilio_rest", twilio_rest::run);
}

/// What the SDK said in a scene, in the words of the harness.
fn script(scene: &Scene) -> String {
    let mut lines = Vec::new();
    let mut words = vec![];
    let mut last_ms = scene.frames.first().map_or(0, |frame| frame.at_ms);
    for frame in &scene.frames {
        let letter = char::from(b'a' + frame.conn.trim_start_matches("conn").parse::<u8>().expect("a number"));
        let pause = frame.at_ms.saturating_sub(last_ms);
        last_ms = frame.at_ms;
        if pause >= 500 {
            lines.push(format!("+{pause}"));
        }
        match &frame.what {
            What::Said(message) => lines.push(format!("{letter}{}", spoken(message, &words, &scene.identity(&frame.conn)))),
            What::Heard(message) => learn(&message["body"], letter, &mut words),
            What::Closed(1005 | 1006) => lines.push(format!("{letter}~")),
            What::Closed(code) => lines.push(format!("{letter}!{code}")),
            What::Opened | What::Channel(..) => {}
        }
    }
    lines.join("\n")
}

/// Session words and connections of the server's making, and how a script writes them.
fn learn(body: &Value, letter: char, words: &mut Vec<(String, String)>) {
    let mut add = |theirs: &Value, word: String| {
        let theirs = theirs.as_str().unwrap_or_default().to_owned();
        if !theirs.is_empty() && !words.iter().any(|(known, _)| *known == theirs) {
            words.push((theirs, word));
        }
    };
    add(&body["session"], format!("@{letter}"));
    let states = body["peer_connections"].as_array().into_iter().flatten();
    for state in states.filter(|state| state["description"]["type"] == "create-offer") {
        add(&state["id"], format!("#{letter}"));
    }
}

fn spoken(message: &Value, words: &[(String, String)], identity: &str) -> String {
    let mut message = message.clone();
    shorten(&mut message, &format!("as {identity} in R"));
    words.iter().fold(message.to_string(), |text, (theirs, word)| text.replace(theirs, word))
}

fn shorten(value: &mut Value, token: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, token)),
        Value::Object(map) => map.iter_mut().for_each(|(name, item)| match (name.as_str(), &item) {
            ("token", _) => *item = token.into(),
            ("sdp", Value::String(text)) => *item = format!("v=0\r\ns={}\r\n", text.len()).into(),
            ("user_agent", _) => *item = "".into(),
            _ => shorten(item, token),
        }),
        _ => {}
    }
}
