//! What decides whether a description is read at all, by one look at each of its lines.

use std::collections::HashSet;

use super::SectionKind;
use crate::limit;

/// What a description has, and how much of it.
#[derive(Default)]
pub(super) struct Outline<'a> {
    has_long_line: bool,
    sections: usize,
    /// Of those, the ones for sound, pictures or messages.
    known_sections: usize,
    candidates: usize,
    names: usize,
    passwords: usize,
    fingerprints: usize,
    has_weak_fingerprint: bool,
    mids: HashSet<&'a str>,
    bundled: Vec<&'a str>,
}

impl<'a> Outline<'a> {
    pub fn of(sdp: &'a str) -> Self {
        let mut outline = Outline::default();
        for line in sdp.lines() {
            outline.has_long_line |= line.len() > limit::SDP_LINE_BYTES_MAX;
            if let Some(attribute) = line.strip_prefix("a=") {
                outline.add(attribute);
            } else if let Some(media) = line.strip_prefix("m=") {
                outline.sections += 1;
                outline.known_sections += usize::from(kind_of(media).is_some());
            }
        }
        outline
    }

    /// What is wrong with it, if anything is.
    pub fn flaw(&self) -> Option<&'static str> {
        let flaws = [
            (self.has_long_line, "A line of the description is too long"),
            (self.sections > limit::SDP_SECTIONS_MAX, "The description has too many sections"),
            (self.candidates > limit::SDP_CANDIDATES_MAX, "The description has too many candidates"),
            (self.known_sections == 0, "The description has no section for sound, pictures or messages"),
            (self.names == 0 || self.passwords == 0, "The description has no ICE name and password"),
            (self.fingerprints == 0 || self.has_weak_fingerprint, "The description has no fingerprint by SHA-256 or more"),
            // RFC 9143, section 5.
            (!self.bundled.iter().all(|mid| self.mids.contains(mid)), "The description bundles a section that it does not have"),
        ];
        flaws.into_iter().find(|(is_flawed, _)| *is_flawed).map(|(_, flaw)| flaw)
    }

    fn add(&mut self, attribute: &'a str) {
        let Some((name, value)) = attribute.split_once(':') else { return };
        match name {
            "candidate" => self.candidates += 1,
            "ice-ufrag" => self.names += 1,
            "ice-pwd" => self.passwords += 1,
            "fingerprint" => {
                self.fingerprints += 1;
                self.has_weak_fingerprint |= !is_strong(value);
            }
            "mid" => drop(self.mids.insert(value.trim_end())),
            "group" => self.bundled.extend(value.strip_prefix("BUNDLE").into_iter().flat_map(str::split_ascii_whitespace)),
            _ => {}
        }
    }
}

/// What a section is for, by what follows `m=`; none: nothing that we know.
pub(super) fn kind_of(media: &str) -> Option<SectionKind> {
    match media.split(' ').next() {
        Some("audio") => Some(SectionKind::Audio),
        Some("video") => Some(SectionKind::Video),
        Some("application") => Some(SectionKind::Other),
        _ => None,
    }
}

/// Only hashes that nobody can forge (RFC 8122, section 5, without what is broken).
fn is_strong(fingerprint: &str) -> bool {
    let hash = fingerprint.split(' ').next().unwrap_or_default();
    ["sha-256", "sha-384", "sha-512"].iter().any(|strong| hash.eq_ignore_ascii_case(strong))
}
