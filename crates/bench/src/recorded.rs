//! Whether all that was sent is in the files of recordings: what is missing leaves a gap between two others.

mod mp4;

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use container::matroska::{Event, Reader};

use crate::server::Recordings;

/// From one frame of a camera to the next, and from one packet of sound.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);
const PACKET: Duration = Duration::from_millis(20);

/// What is in files.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// How many files.
    pub files: usize,
    /// Frames of pictures and packets of sound in them.
    pub frames: u64,
    /// How many of those are missing between two others. A mix has no more pictures than change, so of mixes it is the sound alone.
    pub lost: u64,
    /// How many frames of pictures.
    pub pictures: u64,
    /// How long all pictures take, in seconds.
    pub seconds: f64,
}

impl Count {
    /// Pictures a second of each file that has any.
    pub fn pictures_per_s(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.pictures as f64 / self.seconds)
    }

    fn add(&mut self, times: &[Duration], step: Option<Duration>) {
        self.frames += times.len() as u64;
        self.lost += step.map_or(0, |step| missing(times, step));
    }

    fn add_pictures(&mut self, times: &[Duration], step: Option<Duration>) {
        self.add(times, step);
        if let [first, .., last] = times {
            // The first one ends nothing.
            self.pictures += times.len() as u64 - 1;
            self.seconds += last.saturating_sub(*first).as_secs_f64();
        }
    }
}

/// Counts what is in all files of a folder.
///
/// # Errors
/// A file cannot be read.
pub fn count(recordings: &Recordings) -> io::Result<Count> {
    let mut all = Count::default();
    for entry in fs::read_dir(&recordings.folder)? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if matches!(ending, "mkv" | "mka" | "webm" | "mp4") {
            all.files += 1;
            for (is_picture, times) in tracks(&path, ending)? {
                match (is_picture, ending) {
                    (true, "mkv") => all.add_pictures(&times, Some(FRAME)),
                    (true, _) => all.add_pictures(&times, None),
                    (false, _) => all.add(&times, Some(PACKET)),
                }
            }
        }
    }
    Ok(all)
}

/// The times of each track, and whether it is pictures.
fn tracks(path: &Path, ending: &str) -> io::Result<Vec<(bool, Vec<Duration>)>> {
    let file = fs::read(path)?;
    Ok(if ending == "mp4" { mp4::times(&file) } else { matroska(&file) })
}

fn matroska(file: &[u8]) -> Vec<(bool, Vec<Duration>)> {
    let mut reader = Reader::default();
    reader.push(file);
    let mut tracks: Vec<(bool, Vec<Duration>)> = Vec::new();
    while let Some(event) = reader.poll() {
        match event {
            Event::Tracks(found) => tracks = found.iter().map(|one| (!one.codec.is_sound(), Vec::new())).collect(),
            Event::Block(block) => {
                if let Some((_, times)) = tracks.get_mut(block.track) {
                    times.push(block.time);
                }
            }
        }
    }
    tracks
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
