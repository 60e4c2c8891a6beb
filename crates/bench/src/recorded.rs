//! Whether all that was sent is in the files of recordings: what is missing leaves a gap between two others.

use std::fs;
use std::io;
use std::time::Duration;

use container::matroska::{Event, Reader};

use crate::server::Recordings;

/// From one frame of a camera to the next, and from one packet of sound.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);
const PACKET: Duration = Duration::from_millis(20);

/// What is in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many files.
    pub files: usize,
    /// Frames of pictures and packets of sound in them.
    pub frames: u64,
    /// How many of those are missing between two others.
    pub lost: u64,
}

/// Counts what is in all files of a folder.
///
/// # Errors
/// A file cannot be read.
pub fn count(recordings: &Recordings) -> io::Result<Count> {
    let mut all = Count::default();
    for entry in fs::read_dir(&recordings.folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "mkv" || ending == "mka") {
            let times = times(&fs::read(&path)?);
            let step = if path.extension().is_some_and(|ending| ending == "mkv") { FRAME } else { PACKET };
            (all.files, all.frames, all.lost) =
                (all.files + 1, all.frames + times.len() as u64, all.lost + missing(&times, step));
        }
    }
    Ok(all)
}

fn times(file: &[u8]) -> Vec<Duration> {
    let mut reader = Reader::default();
    reader.push(file);
    let time = |event| match event {
        Event::Block(block) => Some(block.time),
        Event::Tracks(_) => None,
    };
    std::iter::from_fn(|| reader.poll()).filter_map(time).collect()
}

/// How many are missing of what comes each `step`.
fn missing(times: &[Duration], step: Duration) -> u64 {
    let steps = |pair: &[Duration]| (pair[1].saturating_sub(pair[0]) + step / 2).as_nanos() / step.as_nanos();
    times.windows(2).map(|pair| steps(pair).saturating_sub(1) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted() {
        let check = |times: &[u64], expected: u64| {
            let times: Vec<Duration> = times.iter().map(|ms| Duration::from_millis(*ms)).collect();
            assert_eq!(missing(&times, FRAME), expected, "{times:?}");
        };
        check(&[], 0);
        check(&[0, 33, 67, 100], 0);
        check(&[0, 33, 45, 80], 0);
        check(&[0, 67, 100], 1);
        check(&[0, 33, 200], 4);
    }
}
