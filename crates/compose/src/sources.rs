//! Which recordings are meant, by their numbers or by the names of what was recorded.

use crate::Refused;
use crate::limit::{SOURCE_CHARS_MAX, SOURCES_MAX};

/// What a recording can be named by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceNames {
    /// Its own number: `RT…`.
    pub recording: String,
    /// Of the track that was recorded: `MT…`.
    pub track: String,
    /// Of whoever published it: `PA…`.
    pub participant: String,
    /// What the track is called.
    pub name: String,
}

/// A number, or what a track is called; with an asterisk as its first or last character, how that ends or begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// Some recordings and not others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// These,
    pub include: Vec<Pattern>,
    /// but not these.
    pub exclude: Vec<Pattern>,
}

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn read(text: &str) -> Result<Pattern, &'static str> {
        let inner = text.strip_prefix('*').or_else(|| text.strip_suffix('*')).unwrap_or(text);
        if text.is_empty() || text.chars().count() > SOURCE_CHARS_MAX {
            return Err("must hold names of 1 to 256 characters");
        }
        if inner.contains('*') {
            return Err("may have one asterisk in a name, as its first or last character");
        }
        Ok(Pattern(text.to_owned()))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it means this recording. Numbers are meant as a whole only.
    #[must_use]
    pub fn matches(&self, names: &SourceNames) -> bool {
        if let Some(end) = self.0.strip_prefix('*') {
            return names.name.ends_with(end);
        }
        match self.0.strip_suffix('*') {
            Some(begin) => names.name.starts_with(begin),
            None => [&names.recording, &names.track, &names.participant, &names.name].contains(&&self.0),
        }
    }
}

impl Sources {
    /// Reads two lists, each after the name of its parameter.
    ///
    /// # Errors
    /// [`Refused`] with that name, where a list is too long or something in it is no [`Pattern`].
    pub fn read(include: (&str, &[String]), exclude: (&str, &[String])) -> Result<Sources, Refused> {
        let list = |(parameter, texts): (&str, &[String])| {
            if texts.len() > SOURCES_MAX {
                return Err(Refused::new(parameter, "must hold 1000 names at most"));
            }
            texts.iter().map(|text| Pattern::read(text).map_err(|why| Refused::new(parameter, why))).collect()
        };
        Ok(Sources { include: list(include)?, exclude: list(exclude)? })
    }

    /// Whether a recording is among them.
    #[must_use]
    pub fn matches(&self, names: &SourceNames) -> bool {
        self.include.iter().any(|pattern| pattern.matches(names)) && !self.exclude.iter().any(|pattern| pattern.matches(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> SourceNames {
        let [recording, track, participant, name] = ["RT1", "MT2", "PA3", "camera-anna"].map(str::to_owned);
        SourceNames { recording, track, participant, name }
    }

    #[test]
    fn recordings_are_meant_by_number_and_by_name() {
        let check = |include: &[&str], exclude: &[&str], expected: bool| {
            let [include, exclude] = [include, exclude].map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
            let sources = Sources::read(("a", &include), ("b", &exclude)).expect("readable");
            assert_eq!(sources.matches(&names()), expected, "{include:?} {exclude:?}");
        };
        check(&["*"], &[], true);
        check(&[], &[], false);
        check(&["RT1"], &[], true);
        check(&["MT2"], &[], true);
        check(&["PA3"], &[], true);
        check(&["camera-anna"], &[], true);
        check(&["camera"], &[], false);
        check(&["camera-*"], &[], true);
        check(&["*-anna"], &[], true);
        check(&["screen", "camera*"], &[], true);
        check(&["RT*"], &[], false);
        check(&["Camera-*"], &[], false);
        check(&["*"], &["*anna"], false);
        check(&["*"], &["RT1"], false);
        check(&["*"], &["*"], false);
        check(&["*"], &["MT9", "screen*"], true);
        check(&["camera-anna*"], &[], true);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let check = |text: &str, good: bool| assert_eq!(Pattern::read(text).is_ok(), good, "{text}");
        check("*", true);
        check("a", true);
        check("a b", true);
        check("", false);
        check("**", false);
        check("a*b", false);
        check("*a*", false);
        check("a**", false);
        check(&"ä".repeat(256), true);
        check(&"ä".repeat(257), false);
    }

    #[test]
    fn the_list_is_named() {
        let refused = |include: &[String], exclude: &[String]| {
            Sources::read(("AudioSources", include), ("AudioSourcesExcluded", exclude)).expect_err("broken").parameter
        };
        assert_eq!(refused(&["".into()], &[]), "AudioSources");
        assert_eq!(refused(&["*".into()], &["a*b".into()]), "AudioSourcesExcluded");
        assert_eq!(refused(&vec!["a".into(); 1_001], &[]), "AudioSources");
    }
}
