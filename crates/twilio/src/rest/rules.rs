//! Rules about what is received and what is recorded: lists of JSON objects that include or exclude.

use super::limit::{KEY_CHARS_SHOWN_MAX, NAME_CHARS_MAX, RULES};
use super::render;
use crate::{priority_name, sid, track_kind_name, unique};
use room::{Kind, Priority};
pub use room::{RuleLine, Which, Whom};
use serde::Serialize;
use serde_json::{Map, Value};

/// One of the two readers below.
pub type Reader = fn(&str) -> Result<Vec<RuleLine>, String>;

/// Rules about what a participant receives, from JSON.
///
/// # Errors
/// What is wrong, to follow the name of the parameter.
pub fn subscribe(text: &str) -> Result<Vec<RuleLine>, String> {
    read(text, subscribe_line)
}

/// Rules about what is recorded, from JSON: there is no recording of data, and no priority.
///
/// # Errors
/// What is wrong, to follow the name of the parameter.
pub fn recording(text: &str) -> Result<Vec<RuleLine>, String> {
    read(text, recording_line)
}

/// As JSON with all six keys of each rule.
#[must_use]
pub fn spell(lines: &[RuleLine]) -> String {
    render::text(&lines.iter().map(Spelled::of).collect::<Vec<_>>())
}

/// As JSON with the keys that are used.
#[must_use]
pub fn spell_recording(lines: &[RuleLine]) -> String {
    render::text(&lines.iter().map(Short::of).collect::<Vec<_>>())
}

/// The rule that takes every track, or none.
#[must_use]
pub fn everything(include: bool) -> RuleLine {
    RuleLine { include, publisher: None, track: None, kind: None, priority: None }
}

fn read(text: &str, line: fn(&Value) -> Result<RuleLine, String>) -> Result<Vec<RuleLine>, String> {
    let value = unique::read(text.as_bytes())?;
    let lines = value.as_array().ok_or("must be an array of rules")?;
    if !RULES.contains(&lines.len()) {
        return Err("must have 1 to 20 rules".into());
    }
    let place = |n: usize, why| format!("{why} (rule {n} of {})", lines.len());
    (1..).zip(lines).map(|(n, value)| line(value).map_err(|why| place(n, why))).collect()
}

fn subscribe_line(value: &Value) -> Result<RuleLine, String> {
    line(value, &KEYS, "may have the kinds audio, video and data")
}

fn recording_line(value: &Value) -> Result<RuleLine, String> {
    let kinds = "may have the kinds audio and video";
    match line(value, &KEYS_OF_RECORDING, kinds)? {
        RuleLine { kind: Some(Kind::Data), .. } => Err(kinds.into()),
        line => Ok(line),
    }
}

/// A key whose value is null counts as not given: so are rules answered, and so they may come back.
fn line(value: &Value, keys: &[&str], kinds: &'static str) -> Result<RuleLine, String> {
    let given = value.as_object().ok_or("must be an array of objects")?;
    let given: Map<String, Value> =
        given.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    if let Some(key) = given.keys().find(|key| !keys.contains(&key.as_str())) {
        let shown: String = key.chars().take(KEY_CHARS_SHOWN_MAX).collect();
        return Err(format!("has a rule with the key {shown:?}, which is not known here"));
    }
    let include = match given.get("type").and_then(Value::as_str) {
        Some("include") => true,
        Some("exclude") => false,
        _ => return Err("must have rules of type include or exclude".into()),
    };
    // The vendor's own tests send it as a text.
    let all = given.get("all").map(|all| *all == Value::Bool(true) || all == "true");
    match (all, given.len()) {
        (Some(true), 2) => Ok(everything(include)),
        (Some(true), _) => Err("may have no other filter beside all".into()),
        (Some(_), _) => Err("may have all only as true".into()),
        (None, 1) => Err("must have a filter in each rule".into()),
        (None, _) => Ok(filters(include, &given, kinds)?),
    }
}

const KEYS: [&str; 6] = ["type", "all", "publisher", "track", "kind", "priority"];
const KEYS_OF_RECORDING: [&str; 5] = ["type", "all", "publisher", "track", "kind"];

fn filters(include: bool, given: &Map<String, Value>, kinds: &'static str) -> Result<RuleLine, &'static str> {
    let publisher = name(given, "publisher", "must name publishers with 1 to 128 characters")?;
    let track = name(given, "track", "must name tracks with 1 to 128 characters")?;
    let words = [("audio", Kind::Audio), ("video", Kind::Video), ("data", Kind::Data)];
    let priorities = [("low", Priority::Low), ("standard", Priority::Standard), ("high", Priority::High)];
    Ok(RuleLine {
        include,
        publisher: publisher.map(|text| match sid::parse_participant(text) {
            Some(id) => Whom::Id(id, text.into()),
            None => Whom::Identity(text.into()),
        }),
        track: track.map(|text| match sid::parse_track(text) {
            Some(id) => Which::Id(id, text.into()),
            None => Which::Name(text.into()),
        }),
        kind: word(given, "kind", &words, kinds)?,
        priority: word(given, "priority", &priorities, "may have the priorities low, standard and high")?,
    })
}

fn name<'a>(given: &'a Map<String, Value>, key: &str, wrong: &'static str) -> Result<Option<&'a str>, &'static str> {
    let Some(value) = given.get(key) else { return Ok(None) };
    value.as_str().filter(|text| (1..=NAME_CHARS_MAX).contains(&text.chars().count())).map(Some).ok_or(wrong)
}

fn word<T: Copy>(
    given: &Map<String, Value>,
    key: &str,
    words: &[(&str, T)],
    wrong: &'static str,
) -> Result<Option<T>, &'static str> {
    let Some(value) = given.get(key) else { return Ok(None) };
    words.iter().find(|(word, _)| value.as_str() == Some(*word)).map(|(_, meant)| Some(*meant)).ok_or(wrong)
}

/// A rule as what is received has it.
#[derive(Serialize)]
pub(super) struct Spelled<'a> {
    r#type: &'static str,
    all: Option<bool>,
    publisher: Option<&'a str>,
    track: Option<&'a str>,
    kind: Option<&'static str>,
    priority: Option<&'static str>,
}

/// A rule as what is recorded has it.
#[derive(Serialize)]
pub(super) struct Short<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

impl<'a> Spelled<'a> {
    pub(super) fn of(line: &'a RuleLine) -> Self {
        Spelled {
            r#type: if line.include { "include" } else { "exclude" },
            all: (*line == everything(line.include)).then_some(true),
            publisher: line.publisher.as_ref().map(|(Whom::Identity(text) | Whom::Id(_, text))| &**text),
            track: line.track.as_ref().map(|(Which::Name(text) | Which::Id(_, text))| &**text),
            kind: line.kind.map(track_kind_name),
            priority: line.priority.map(priority_name),
        }
    }
}

impl<'a> Short<'a> {
    pub(super) fn of(line: &'a RuleLine) -> Self {
        let Spelled { r#type, all, publisher, track, kind, .. } = Spelled::of(line);
        Short { r#type, all, publisher, track, kind }
    }
}
