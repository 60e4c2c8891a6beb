//! `kennel.toml`, read with the line of every key so that refusals can name it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{ALL, Setting, Shape};
use super::sources::{Given, Place, did_you_mean};

/// The file's settings and rooms, unparsed. Empty when there is no file.
#[derive(Debug, Default)]
pub struct TomlFile {
    values: BTreeMap<&'static str, Given>,
    /// Rooms by name, as written.
    pub rooms: BTreeMap<String, GivenRoom>,
}

/// One room, unparsed.
#[derive(Clone, Debug)]
pub struct GivenRoom {
    /// Where it begins.
    pub place: Place,
    /// Its type.
    pub kind: Option<Given>,
    /// Whether it is for sound only.
    pub audio_only: bool,
    /// Its video codecs.
    pub video_codecs: Option<Given>,
}

/// The keys of a room.
const ROOM_KEYS: [&str; 3] = ["type", "audio_only", "video_codecs"];

impl TomlFile {
    /// Reads the text of the file called `name`.
    ///
    /// # Errors
    /// A sentence with file and line for each thing that is wrong, each unknown key with the nearest known one.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<String>> {
        let mut reader = Reader { name, text, file: Self::default(), problems: Vec::new() };
        match DeTable::parse(text) {
            Ok(table) => reader.top(table.get_ref()),
            Err(error) => {
                let line = line_at(text, error.span().map_or(0, |span| span.start));
                reader.problems.push(format!("{name}, line {line}: {}.", error.message()));
            }
        }
        if reader.problems.is_empty() { Ok(reader.file) } else { Err(reader.problems) }
    }

    /// What the file says about this setting.
    pub fn get(&self, setting: &Setting) -> Option<Given> {
        self.values.get(setting.id()).cloned()
    }
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    file: TomlFile,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn top(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("rooms", DeValue::Table(rooms)) => self.rooms(rooms),
                ("ice", DeValue::Table(ice)) => self.settings("ice.", ice),
                ("recording", DeValue::Table(recording)) => self.settings("recording.", recording),
                ("composition", DeValue::Table(composition)) => self.settings("composition.", composition),
                ("rooms" | "ice" | "recording" | "composition", _) => self.refuse(key, "must be a table."),
                _ => self.setting("", key, value),
            }
        }
    }

    fn settings(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            self.setting(prefix, key, value);
        }
    }

    fn setting(&mut self, prefix: &str, key: &Spanned<impl AsRef<str>>, value: &Spanned<DeValue<'_>>) {
        let path = format!("{prefix}{}", key.get_ref().as_ref());
        let Some(setting) = ALL.iter().find(|setting| setting.key == Some(path.as_str())) else {
            return self.unknown(prefix, key);
        };
        let place = self.place(key, &path);
        match texts(setting.shape, value.get_ref()) {
            Ok(texts) => drop(self.file.values.insert(setting.id(), Given { texts, place })),
            Err(wanted) => self.problems.push(format!("{place}: must be {wanted}.")),
        }
    }

    fn unknown(&mut self, prefix: &str, key: &Spanned<impl AsRef<str>>) {
        let of_this_table = |known: &'static str| match known.strip_prefix(prefix) {
            Some(rest) if !rest.contains('.') => Some(rest),
            _ => None,
        };
        let keys = ALL.iter().filter_map(|setting| setting.key.and_then(of_this_table));
        let tables = if prefix.is_empty() { &["rooms", "ice", "recording", "composition"][..] } else { &[] };
        let hint = did_you_mean(key.get_ref().as_ref(), keys.chain(tables.iter().copied()));
        self.refuse(key, &format!("there is no such key.{hint}"));
    }

    fn rooms(&mut self, rooms: &DeTable<'_>) {
        for (name, room) in rooms {
            match room.get_ref() {
                DeValue::Table(table) => self.room(name, table),
                _ => self.refuse(name, "must be a table. Write [rooms.\"NAME\"] and below it type = \"go\"."),
            }
        }
    }

    fn room(&mut self, name: &Spanned<impl AsRef<str>>, table: &DeTable<'_>) {
        let called = name.get_ref().as_ref().to_owned();
        let place = self.place(name, &format!("room \"{called}\""));
        let mut room = GivenRoom { place, kind: None, audio_only: false, video_codecs: None };
        for (key, value) in table {
            let place = self.place(key, &format!("{} of room \"{called}\"", key.get_ref()));
            let shape = match key.get_ref().as_ref() {
                "type" => Shape::One,
                "audio_only" => Shape::Switch,
                "video_codecs" => Shape::Many,
                wrong => {
                    let hint = did_you_mean(wrong, ROOM_KEYS.into_iter());
                    self.refuse(key, &format!("there is no such key in a room.{hint}"));
                    continue;
                }
            };
            match (shape, texts(shape, value.get_ref())) {
                (Shape::One, Ok(texts)) => room.kind = Some(Given { texts, place }),
                (Shape::Many, Ok(texts)) => room.video_codecs = Some(Given { texts, place }),
                (Shape::Switch, Ok(texts)) => room.audio_only = texts == ["true"],
                (_, Err(wanted)) => self.problems.push(format!("{place}: must be {wanted}.")),
            }
        }
        self.file.rooms.insert(called, room);
    }

    fn place(&self, key: &Spanned<impl AsRef<str>>, path: &str) -> Place {
        Place::File(self.name.to_owned(), line_at(self.text, key.span().start), path.to_owned())
    }

    fn refuse(&mut self, key: &Spanned<impl AsRef<str>>, sentence: &str) {
        let line = line_at(self.text, key.span().start);
        self.problems.push(format!("{}, line {line}: '{}': {sentence}", self.name, key.get_ref().as_ref()));
    }
}

/// The texts of a value, or what it should have been.
fn texts(shape: Shape, value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    match (shape, value) {
        (Shape::Switch, DeValue::Boolean(on)) => Ok(vec![on.to_string()]),
        (Shape::Switch, _) => Err("true or false"),
        (Shape::Many, DeValue::Array(items)) => items.iter().map(|item| scalar(item.get_ref())).collect(),
        (Shape::Many, _) => Err("a list of texts, such as [\"a\", \"b\"]"),
        (Shape::One, value) => Ok(vec![scalar(value)?]),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.trim().to_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        _ => Err("a text or a whole number"),
    }
}

/// The line, from 1, that holds this byte.
fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refusal(text: &str, expected: &str) {
        let problems = TomlFile::parse("kennel.toml", text).expect_err("a refusal");
        assert_eq!(problems, [expected]);
    }

    #[test]
    fn refusals_name_file_and_line() {
        check_refusal("\nhtpp = \"x\"", "kennel.toml, line 2: 'htpp': there is no such key. Did you mean 'http'?");
        check_refusal("[ice]\nstunn = []", "kennel.toml, line 2: 'stunn': there is no such key. Did you mean 'stun'?");
        check_refusal("[room]\n", "kennel.toml, line 1: 'room': there is no such key. Did you mean 'rooms'?");
        check_refusal(
            "[rooms.Den]\ntyp = \"go\"",
            "kennel.toml, line 2: 'typ': there is no such key in a room. Did you mean 'type'?",
        );
        check_refusal("open = \"yes\"", "open (kennel.toml, line 1): must be true or false.");
        check_refusal("[ice]\nstun = \"x\"", "ice.stun (kennel.toml, line 2): must be a list of texts, such as [\"a\", \"b\"].");
        check_refusal("workers = 1.5", "workers (kennel.toml, line 1): must be a text or a whole number.");
        check_refusal("rooms = 3", "kennel.toml, line 1: 'rooms': must be a table.");
    }

    #[test]
    fn broken_toml_names_its_line() {
        let problems = TomlFile::parse("kennel.toml", "http = \"x\"\nhttps = \n").expect_err("a refusal");
        assert!(problems[0].starts_with("kennel.toml, line 2: "), "{problems:?}");
    }

    #[test]
    fn vendor_secrets_have_no_key_in_the_file() {
        assert!(TomlFile::parse("kennel.toml", "TWILIO_AUTH_TOKEN = \"x\"").is_err());
    }
}
