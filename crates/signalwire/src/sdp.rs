//! What we read of a description: whether it is within bounds, which tracks it sends, by which certificate it is made. And the one
//! thing that we change: the client wants sound first in an answer, whatever it offered.

use std::borrow::Cow;
use std::fmt::Write as _;

use room::Kind;

use crate::limit::{CANDIDATES_MAX, SDP_BYTES_MAX, SDP_LINE_BYTES_MAX, SDP_SECTIONS_MAX, SSRCS_MAX};

/// Digits of a fingerprint that tell one certificate of a client's from its next.
const FINGERPRINT_DIGITS: usize = 16;

/// An offer, as far as we must know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The first digits of the fingerprint of its certificate (RFC 8122): the same for a restart of ICE, another after a reload.
    pub fingerprint: String,
    /// What it sends, in its order.
    pub tracks: Vec<Sent>,
}

/// One track of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What its media is called: the second word of its msid (RFC 8830), or its mid if it has none.
    pub label: String,
    /// What it carries: sound or pictures.
    pub kind: Kind,
}

impl Offer {
    /// That of a connection that nobody remembers.
    pub(crate) fn none() -> Self {
        Offer { fingerprint: String::new(), tracks: Vec::new() }
    }
}

/// Reads an offer; none if it is no description, beyond a limit, without a certificate or without a section.
#[must_use]
pub fn read(sdp: &str) -> Option<Offer> {
    if !acceptable(sdp) {
        return None;
    }
    let digits = sdp.lines().find_map(|line| line.strip_prefix("a=fingerprint:")?.split(' ').nth(1))?;
    let fingerprint: String = digits.chars().filter(char::is_ascii_hexdigit).take(FINGERPRINT_DIGITS).collect();
    let sections = sections(sdp).1;
    let complete = fingerprint.len() == FINGERPRINT_DIGITS && !sections.is_empty();
    complete.then(|| Offer { fingerprint, tracks: sections.iter().filter_map(|section| sent(section)).collect() })
}

/// What a section sends, unless it sends nothing or is refused.
fn sent(section: &str) -> Option<Sent> {
    let kind = match section.split(' ').next()? {
        "m=audio" => Kind::Audio,
        "m=video" => Kind::Video,
        _ => return None,
    };
    let refused = section.split(' ').nth(1) == Some("0");
    let silent = section.lines().any(|line| ["a=recvonly", "a=inactive"].contains(&line.trim_end()));
    if refused || silent {
        return None;
    }
    let value = |name: &str| section.lines().find_map(|line| line.trim_end().strip_prefix(name));
    let label = value("a=msid:").and_then(|msid| msid.split(' ').nth(1)).or_else(|| value("a=mid:"))?;
    Some(Sent { label: label.to_owned(), kind })
}

/// The lines before the first section, and each section.
fn sections(sdp: &str) -> (&str, Vec<&str>) {
    let mut starts: Vec<usize> = sdp.match_indices("\nm=").map(|(at, _)| at + 1).collect();
    let session = sdp.get(..starts.first().copied().unwrap_or(sdp.len())).unwrap_or_default();
    starts.push(sdp.len());
    let sections = starts.windows(2).filter_map(|ends| sdp.get(*ends.first()?..*ends.last()?));
    (session, sections.collect())
}

/// An answer in the order that the client understands: sound before pictures, every line ended as lines are. The SDK moves the
/// sections of an answer about as if sound came first, and breaks one that has it elsewhere.
#[must_use]
pub fn sound_first(answer: &str) -> Cow<'_, str> {
    let (session, sections) = sections(answer);
    let is_sound = |section: &&&str| section.starts_with("m=audio");
    let ordered = sections.iter().skip_while(is_sound).all(|section| !is_sound(&section));
    if ordered && answer.ends_with("\r\n") {
        return Cow::Borrowed(answer);
    }
    let (sound, rest): (Vec<&str>, Vec<&str>) = sections.iter().partition(|section| is_sound(section));
    let mut text = String::with_capacity(answer.len() + 2);
    for line in std::iter::once(session).chain(sound).chain(rest).flat_map(str::lines) {
        let _ = write!(text, "{line}\r\n");
    }
    Cow::Owned(text)
}

/// Whether a description is one, within the limits.
#[must_use]
pub fn acceptable(sdp: &str) -> bool {
    sdp.len() <= SDP_BYTES_MAX
        && sdp.starts_with("v=0")
        && sdp.lines().all(|line| line.len() <= SDP_LINE_BYTES_MAX)
        && counts_fit(sdp)
}

fn counts_fit(sdp: &str) -> bool {
    let (session, sections) = sections(sdp);
    let candidates = sdp.lines().filter(|line| line.starts_with("a=candidate:")).count();
    let ssrcs_fit = sections.iter().all(|section| ssrcs(section) <= SSRCS_MAX);
    sections.len() <= SDP_SECTIONS_MAX && candidates <= CANDIDATES_MAX && ssrcs_fit && ssrcs(session) == 0
}

/// How many different SSRCs a section announces (RFC 5576).
fn ssrcs(section: &str) -> usize {
    let mut named: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("a=ssrc:")).filter_map(|rest| rest.split(' ').next()).collect();
    named.sort_unstable();
    named.dedup();
    named.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n";
    const PRINT: &str = "a=fingerprint:sha-256 31:50:5A:3E:FA:9E:15:87:A8:2D\r\n";

    fn section(kind: &str, mid: &str, rest: &str) -> String {
        format!("m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n{PRINT}{rest}")
    }

    #[track_caller]
    fn check(sections: &[String], expected: &[(Kind, &str)]) {
        let offer = read(&format!("{HEAD}{}", sections.concat())).expect("an offer");
        let found: Vec<(Kind, &str)> = offer.tracks.iter().map(|sent| (sent.kind, &*sent.label)).collect();
        assert_eq!(found, expected);
        assert_eq!(offer.fingerprint, "31505A3EFA9E1587");
    }

    #[test]
    fn tracks_are_found_where_something_is_sent() {
        let mic = section("audio", "0", "a=sendrecv\r\na=msid:stream mic\r\n");
        let cam = section("video", "1", "a=sendonly\r\na=msid:- cam\r\n");
        check(&[mic.clone(), cam.clone()], &[(Kind::Audio, "mic"), (Kind::Video, "cam")]);
        check(&[cam.clone(), mic.clone()], &[(Kind::Video, "cam"), (Kind::Audio, "mic")]);
        check(&[section("audio", "7", "")], &[(Kind::Audio, "7")]);
        check(&[section("audio", "7", "a=msid:alone\r\n")], &[(Kind::Audio, "7")]);
        check(&[section("audio", "0", "a=recvonly\r\na=msid:- x\r\n"), section("video", "1", "a=inactive\r\n")], &[]);
        check(&[section("application", "0", ""), cam.replace("m=video 9", "m=video 0")], &[]);
    }

    #[test]
    fn what_is_no_offer_is_not_read() {
        let one = section("audio", "0", "");
        let bad = [
            String::new(),
            "v=0".into(),
            HEAD.into(),
            one.clone(),
            format!("{HEAD}{}", one.replace(PRINT, "")),
            format!("{HEAD}{}", one.replace(PRINT, "a=fingerprint:sha-256 31:50\r\n")),
            format!("{HEAD}{}", one.replace(PRINT, "a=fingerprint:\r\n")),
            format!("{HEAD}{}", one.repeat(SDP_SECTIONS_MAX + 1)),
            format!("{HEAD}{one}{}", "a=candidate:1\r\n".repeat(CANDIDATES_MAX + 1)),
            format!("{HEAD}{one}a={}\r\n", "x".repeat(SDP_LINE_BYTES_MAX)),
            format!("{HEAD}{one}{}", "\r\n".repeat(SDP_BYTES_MAX / 2)),
        ];
        for sdp in bad {
            assert_eq!(read(&sdp), None, "{}", sdp.chars().take(300).collect::<String>());
        }
    }

    #[test]
    fn sound_comes_first_in_an_answer() {
        let (mic, cam) = (section("audio", "0", "a=recvonly\r\n"), section("video", "1", "a=recvonly\r\n"));
        let good = format!("{HEAD}{mic}{cam}");
        assert_eq!(sound_first(&good), good);
        assert!(matches!(sound_first(&good), Cow::Borrowed(_)));
        assert_eq!(sound_first(&format!("{HEAD}{cam}{mic}")), good);
        assert_eq!(sound_first(good.trim_end()), good);
        assert_eq!(sound_first(&good.replace("\r\n", "\n")), good);
        assert_eq!(sound_first(&format!("{HEAD}{cam}")), format!("{HEAD}{cam}"));
        assert_eq!(sound_first(""), "");
    }
}
