//! Where values come from: flags, the environment, `.env`, the file. The first that names a setting wins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use super::Flags;
use super::settings::{ALL, Setting, Shape};
use super::toml_file::TomlFile;

/// What our variables begin with.
const PREFIX: &str = "KENNEL_";

/// A value as somebody wrote it, and where.
#[derive(Clone, Debug)]
pub struct Given {
    /// The texts; exactly one unless the setting is [`Shape::Many`].
    pub texts: Vec<String>,
    /// For messages.
    pub place: Place,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the command line: the flag's name.
    Flag(&'static str),
    /// In the environment: the variable's name.
    Environment(&'static str),
    /// In `.env`: the variable's name and the line, from 1.
    DotEnv(&'static str, usize),
    /// In the file: its name, the line from 1, and the key.
    File(String, usize, String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Environment(name) => write!(f, "{name} (in the environment)"),
            Self::DotEnv(name, line) => write!(f, "{name} (.env, line {line})"),
            Self::File(file, line, key) => write!(f, "{key} ({file}, line {line})"),
        }
    }
}

/// All that was written anywhere, unparsed.
#[derive(Debug, Default)]
pub struct Sources {
    flags: Flags,
    environment: BTreeMap<&'static str, Given>,
    dot_env: BTreeMap<&'static str, Given>,
    /// The parsed file.
    pub file: TomlFile,
}

impl Sources {
    /// Begins with the flags.
    pub fn new(flags: Flags) -> Self {
        Self { flags, ..Self::default() }
    }

    /// What counts for this setting.
    pub fn find(&self, setting: &Setting) -> Option<Given> {
        self.flag(setting)
            .or_else(|| self.environment.get(setting.id()).cloned())
            .or_else(|| self.dot_env.get(setting.id()).cloned())
            .or_else(|| self.file.get(setting))
    }

    fn flag(&self, setting: &Setting) -> Option<Given> {
        let texts = self.flags.get(setting.id())?;
        let texts = texts.iter().flat_map(|text| split(text, setting.shape)).collect();
        Some(Given { texts, place: Place::Flag(setting.flag?) })
    }

    /// Takes the process's environment. Empty variables count as unset, because shells and compose files cannot unset.
    ///
    /// # Errors
    /// A sentence for each unknown `KENNEL_` variable and each known one that is not UTF-8.
    pub fn take_environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            match (known(name), value.into_string()) {
                (Ok(Some(setting)), Ok(value)) => {
                    insert(&mut self.environment, setting, &value, Place::Environment(setting.env));
                }
                (Ok(Some(_)), Err(_)) => problems.push(format!("{name} (in the environment) is not UTF-8 text.")),
                (Ok(None), _) => {}
                (Err(refusal), _) => problems.push(format!("{name} (in the environment): {refusal}")),
            }
        }
        problems
    }

    /// Takes the text of a `.env` file. Variables of other programs are left alone. The last of a name wins.
    ///
    /// # Errors
    /// A sentence for each line that does not parse and each unknown `KENNEL_` variable. Values are never quoted: they may be secrets.
    pub fn take_dot_env(&mut self, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = match item {
                Ok(pair) => pair,
                Err(error) => {
                    problems.push(dot_env_problem(text, &error));
                    continue;
                }
            };
            let line = line_of_variable(text, &name);
            match known(&name) {
                Ok(Some(setting)) => insert(&mut self.dot_env, setting, &value, Place::DotEnv(setting.env, line)),
                Ok(None) => {}
                Err(refusal) => problems.push(format!("{name} (.env, line {line}): {refusal}")),
            }
        }
        problems
    }
}

/// The setting of this variable; nothing if it is none of ours; a refusal if it looks like ours and is not.
fn known(name: &str) -> Result<Option<&'static Setting>, String> {
    if let Some(setting) = ALL.iter().find(|setting| setting.env == name) {
        return Ok(Some(setting));
    }
    let Some(rest) = name.strip_prefix(PREFIX) else { return Ok(None) };
    // The common prefix would make everything look alike.
    let hint = did_you_mean(rest, ALL.iter().filter_map(|setting| setting.env.strip_prefix(PREFIX)));
    Err(format!("there is no such setting.{}", hint.replace(" '", " 'KENNEL_")))
}

fn insert(map: &mut BTreeMap<&'static str, Given>, setting: &'static Setting, value: &str, place: Place) {
    let texts = split(value, setting.shape);
    if texts.is_empty() {
        map.remove(setting.id());
    } else {
        map.insert(setting.id(), Given { texts, place });
    }
}

/// The single values of a text: separated by commas where several are allowed, trimmed, empty ones left out.
fn split(text: &str, shape: Shape) -> Vec<String> {
    let parts: Vec<&str> = match shape {
        Shape::Many => text.split(',').map(str::trim).collect(),
        Shape::One | Shape::Switch => vec![text.trim()],
    };
    parts.into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn dot_env_problem(text: &str, error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(broken, _) => {
            let line = text.lines().position(|line| line.trim() == broken.trim()).map_or(0, |index| index + 1);
            format!(".env, line {line}: this is not NAME=value. Put values with spaces or signs between single quotes.")
        }
        other => format!(".env: cannot be read: {other}"),
    }
}

fn line_of_variable(text: &str, name: &str) -> usize {
    let is_it = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().enumerate().filter(|(_, line)| is_it(line)).last().map_or(0, |(index, _)| index + 1)
}

/// ` Did you mean 'x'?` for the nearest known name, or nothing if none is near.
pub fn did_you_mean<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    /// Jaro-Winkler likeness below which a suggestion confuses more than it helps.
    const NEAR: f64 = 0.75;
    known
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!(" Did you mean '{name}'?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::settings::{HTTP, TRUSTED_PROXY, TWILIO_AUTH_TOKEN};
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> (Sources, Vec<String>) {
        let mut sources = Sources::default();
        let problems = sources.take_environment(pairs.iter().map(|(k, v)| (k.into(), v.into())));
        (sources, problems)
    }

    #[test]
    fn flag_beats_environment_beats_dot_env_beats_file() {
        let (mut sources, problems) = environment(&[("KENNEL_HTTP", "env")]);
        assert!(problems.is_empty());
        assert!(sources.take_dot_env("KENNEL_HTTP=dot").is_empty());
        sources.file = TomlFile::parse("kennel.toml", "http = \"file\"").expect("good TOML");
        sources.flags.insert(HTTP.id(), vec!["flag".to_owned()]);

        let mut seen = Vec::new();
        seen.push(sources.find(&HTTP).expect("flag").texts);
        sources.flags.clear();
        seen.push(sources.find(&HTTP).expect("environment").texts);
        sources.environment.clear();
        seen.push(sources.find(&HTTP).expect("dot env").texts);
        sources.dot_env.clear();
        seen.push(sources.find(&HTTP).expect("file").texts);
        assert_eq!(seen.concat(), ["flag", "env", "dot", "file"]);
    }

    #[test]
    fn unknown_variables_of_ours_are_refused_with_the_nearest_name() {
        let (_, problems) = environment(&[("KENNEL_HTPP", "x"), ("PATH", "/bin"), ("KENNEL_FOO", "")]);
        assert_eq!(problems.len(), 2);
        assert!(!problems[1].contains("mean"), "{problems:?}");
        assert!(problems[0].contains("Did you mean 'KENNEL_HTTP'?"), "{problems:?}");
    }

    #[test]
    fn dot_env_tells_the_line_and_never_the_value() {
        let mut sources = Sources::default();
        let problems = sources.take_dot_env("OTHER=1\n\nKENNEL_HTPP=secret\nhunter2 hunter3 = x\n");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("KENNEL_HTPP (.env, line 3)"), "{problems:?}");
        assert!(problems[1].starts_with(".env, line 4:"), "{problems:?}");
        assert!(!problems.concat().contains("hunter2") && !problems.concat().contains("secret"));
    }

    #[test]
    fn dot_env_quotes_exports_comments_and_repeats() {
        let mut sources = Sources::default();
        let text = "# a comment\nexport KENNEL_HTTP='127.0.0.1:1'\nKENNEL_HTTP=\"127.0.0.1:2\" # later\n";
        assert!(sources.take_dot_env(text).is_empty());
        let given = sources.find(&HTTP).expect("given");
        assert_eq!(given.texts, ["127.0.0.1:2"]);
        assert_eq!(given.place, Place::DotEnv("KENNEL_HTTP", 3));
    }

    #[test]
    fn empty_means_unset() {
        let (mut sources, problems) = environment(&[("TWILIO_AUTH_TOKEN", " ")]);
        assert!(problems.is_empty());
        assert!(sources.find(&TWILIO_AUTH_TOKEN).is_none());
        assert!(sources.take_dot_env("TWILIO_AUTH_TOKEN=").is_empty());
        assert!(sources.find(&TWILIO_AUTH_TOKEN).is_none());
    }

    #[test]
    fn lists_split_at_commas() {
        let (sources, _) = environment(&[("KENNEL_TRUSTED_PROXY", "10.0.0.1, ::1,")]);
        assert_eq!(sources.find(&TRUSTED_PROXY).expect("given").texts, ["10.0.0.1", "::1"]);
    }
}
