//! What we look at in a description that only passes by: its size. A mesh room never looks further.

/// Bytes of one description. A browser needs 2.8 kB a section.
pub const SDP_BYTES_MAX: usize = 512 * 1024;

/// Sections of one description.
pub const SDP_SECTIONS_MAX: usize = 200;

/// Bytes of one line.
pub const SDP_LINE_BYTES_MAX: usize = 8 * 1024;

/// Candidates of one description, or of one block of candidates.
pub const CANDIDATES_MAX: usize = 64;

/// Bytes of one block of candidates, all together. Sixty-four of a browser's take 13 kB.
pub const CANDIDATE_BLOCK_BYTES_MAX: usize = 64 * 1024;

/// SSRCs announced in one section: three layers with their repairs, twice.
pub const SSRCS_MAX: usize = 12;

pub(crate) const TOO_MANY_CANDIDATES: &str = "There are too many candidates";

/// Whether a description is one, within the limits above.
#[must_use]
pub fn acceptable(sdp: &str) -> bool {
    flaw(sdp).is_none()
}

/// Looks for one flaw.
type Check = fn(&str) -> bool;

/// What is wrong with a description, if it is none or breaks a limit.
pub(crate) fn flaw(sdp: &str) -> Option<&'static str> {
    // The cheapest first: what is too much is not looked into.
    let checks: [(Check, &str); 6] = [
        (|sdp| sdp.len() > SDP_BYTES_MAX, "The description is too large"),
        (|sdp| !sdp.starts_with("v=0"), "The description is none"),
        (|sdp| sdp.lines().any(|line| line.len() > SDP_LINE_BYTES_MAX), "A line of the description is too long"),
        (|sdp| sdp.matches("\nm=").count() > SDP_SECTIONS_MAX, "The description has too many sections"),
        (|sdp| candidates(sdp) > CANDIDATES_MAX, TOO_MANY_CANDIDATES),
        (|sdp| !sources_fit(sdp), "A section of the description has too many sources"),
    ];
    checks.into_iter().find(|(is_flawed, _)| is_flawed(sdp)).map(|(_, flaw)| flaw)
}

fn candidates(sdp: &str) -> usize {
    sdp.lines().filter(|line| line.starts_with("a=candidate:")).count()
}

fn sources_fit(sdp: &str) -> bool {
    let mut sections = sdp.split("\nm=");
    let session = sections.next().unwrap_or_default();
    ssrcs(session) == 0 && sections.all(|section| ssrcs(section) <= SSRCS_MAX)
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

    fn check(sdp: &str, expected: bool) {
        assert_eq!(acceptable(sdp), expected, "{}", sdp.chars().take(80).collect::<String>());
    }

    #[test]
    fn a_description_must_begin_like_one() {
        check("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n", true);
        check("", false);
        check("{}", false);
    }

    #[test]
    fn sizes_are_limited() {
        check(&format!("v=0\r\n{}", "m=audio 9\r\n".repeat(SDP_SECTIONS_MAX)), true);
        check(&format!("v=0\r\n{}", "m=audio 9\r\n".repeat(SDP_SECTIONS_MAX + 1)), false);
        check(&format!("v=0\r\na={}\r\n", "x".repeat(SDP_LINE_BYTES_MAX)), false);
        check(&format!("v=0\r\n{}", "a=x\r\n".repeat(SDP_BYTES_MAX / 4)), false);
        check(&format!("v=0\r\n{}", "a=candidate:1\r\n".repeat(CANDIDATES_MAX)), true);
        check(&format!("v=0\r\n{}", "a=candidate:1\r\n".repeat(CANDIDATES_MAX + 1)), false);
    }

    #[test]
    fn one_ssrc_may_have_many_lines() {
        let lines =
            |count: usize| (0..count).map(|n| format!("a=ssrc:{n} cname:x\r\na=ssrc:{n} msid:- y\r\n")).collect::<String>();
        check(&format!("v=0\r\nm=video 9\r\n{}", lines(SSRCS_MAX)), true);
        check(&format!("v=0\r\nm=video 9\r\n{}", lines(SSRCS_MAX + 1)), false);
    }
}
