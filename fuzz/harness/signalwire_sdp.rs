//! Any text as a description: what is read of an offer is in it and within the bounds, and an answer with sound first is the same answer.

use signalwire::limit::{SDP_BYTES_MAX, SDP_SECTIONS_MAX};
use signalwire::sdp::{read, sound_first};

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(offer) = read(&text) {
        assert!(text.starts_with("v=0") && text.len() <= SDP_BYTES_MAX);
        assert!(offer.tracks.len() <= SDP_SECTIONS_MAX);
        assert!(offer.tracks.iter().all(|track| text.contains(&track.label)));
    }
    let once = sound_first(&text).into_owned();
    assert_eq!(sound_first(&once), once, "there is nothing more to put in order");
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(lines(&once), lines(&text));
    let after = once.find("\nm=video").map_or("", |at| &once[at..]);
    assert!(!after.contains("\nm=audio"));
}
