//! What we say, written down for review: a file per recording, compared as text. `UPDATE=1 cargo test` writes it anew.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Compares what was sent with `tests/snapshots/NAME.txt`.
pub fn check(name: &str, sent: &[(String, Value)]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.txt"));
    check_file(&path, &render(sent));
}

/// Compares a text with a file.
pub fn check_file(path: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(path, found).expect("snapshot written");
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if let Some((line, found, expected)) = difference(found, &expected) {
        panic!("{}:{line}\n  found    {found}\n  expected {expected}\nUPDATE=1 accepts what was found", path.display());
    }
}

fn difference<'a>(found: &'a str, expected: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let lines = found.lines().count().max(expected.lines().count());
    let at = |text: &'a str, line| text.lines().nth(line).unwrap_or("(nothing)");
    (0..lines).map(|line| (line + 1, at(found, line), at(expected, line))).find(|(_, found, expected)| found != expected)
}

fn render(sent: &[(String, Value)]) -> String {
    let mut names = Names::default();
    let mut text = String::new();
    for (who, message) in sent {
        let mut message = message.clone();
        names.shorten("", &mut message);
        writeln!(text, "{who}: {message}").expect("a string grows");
    }
    text
}

/// Long texts by kind, numbered as they come.
#[derive(Default)]
struct Names(BTreeMap<(&'static str, String), usize>);

impl Names {
    fn shorten(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(kind) = kind_of(name, text) {
                    *text = self.number(kind, text);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.shorten(name, item)),
            Value::Object(map) => map.iter_mut().for_each(|(name, item)| self.shorten(name, item)),
            _ => {}
        }
    }

    fn number(&mut self, kind: &'static str, text: &str) -> String {
        let next = self.0.keys().filter(|(known, _)| *known == kind).count() + 1;
        let number = *self.0.entry((kind, text.to_owned())).or_insert(next);
        format!("{kind}-{number}")
    }
}

fn kind_of(name: &str, text: &str) -> Option<&'static str> {
    match (name, text.len()) {
        ("sdp", _) => Some("SDP"),
        ("candidate", _) => Some("candidate"),
        ("session", _) => Some("session"),
        ("sid", 34) if text.starts_with("RM") => Some("RM"),
        ("sid", 34) if text.starts_with("PA") => Some("PA"),
        ("sid", 34) => Some("MT"),
        ("id" | "name", 36) => Some("uuid"),
        _ => None,
    }
}
