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

/// Whether a description is one, within the limits above.
#[must_use]
pub fn acceptable(sdp: &str) -> bool {
    sdp.len() <= SDP_BYTES_MAX
        && sdp.starts_with("v=0")
        && sdp.lines().all(|line| line.len() <= SDP_LINE_BYTES_MAX)
        && counts_fit(sdp)
}

fn counts_fit(sdp: &str) -> bool {
    let mut sections = sdp.split("\nm=");
    let session = sections.next().unwrap_or_default();
    let candidates = sdp.lines().filter(|line| line.starts_with("a=candidate:")).count();
    let ssrcs_fit = sections.clone().all(|section| ssrcs(section) <= SSRCS_MAX);
    sections.count() <= SDP_SECTIONS_MAX && candidates <= CANDIDATES_MAX && ssrcs_fit && ssrcs(session) == 0
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
