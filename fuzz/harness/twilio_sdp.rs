//! Any text as a description: what is let through is within the bounds.

use twilio::sdp::{CANDIDATES_MAX, SDP_BYTES_MAX, SDP_LINE_BYTES_MAX, SDP_SECTIONS_MAX, acceptable};

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if acceptable(&text) {
        assert!(text.starts_with("v=0") && text.len() <= SDP_BYTES_MAX);
        assert!(text.split('\n').all(|line| line.len() <= SDP_LINE_BYTES_MAX + 1));
        assert!(text.matches("\nm=").count() <= SDP_SECTIONS_MAX);
        assert!(text.matches("\na=candidate:").count() <= CANDIDATES_MAX);
    }
}
