//! When the samples of a finished MP4 are, by the tables at its end (ISO/IEC 14496-12).

use std::time::Duration;

/// A box: its name and what is in it.
type Box<'a> = (&'a [u8], &'a [u8]);

/// The times of each track's samples, and whether they are pictures; nothing of what makes no sense.
pub fn times(file: &[u8]) -> Vec<(bool, Vec<Duration>)> {
    let Some(movie) = find(file, &[b"moov"]) else { return Vec::new() };
    boxes(movie).filter(|(name, _)| *name == b"trak").filter_map(|(_, track)| of_track(track)).collect()
}

fn of_track(track: &[u8]) -> Option<(bool, Vec<Duration>)> {
    let media = find(track, &[b"mdia"])?;
    let is_picture = find(media, &[b"hdlr"])?.get(8..12)? == b"vide";
    // Version 1: times of 64 bits stand before the rate.
    let head = find(media, &[b"mdhd"])?;
    let rate = number(head, if *head.first()? == 1 { 20 } else { 12 })?;
    let steps = find(media, &[b"minf", b"stbl", b"stts"])?;
    let (mut at, mut times) = (0_u64, Vec::new());
    for entry in steps.get(8..)?.chunks_exact(8) {
        let (count, step) = (number(entry, 0)?, number(entry, 4)?);
        for _ in 0..count {
            times.push(Duration::from_secs_f64(at as f64 / f64::from(rate.max(1))));
            at += u64::from(step);
        }
    }
    Some((is_picture, times))
}

/// What is in the box at the end of this path.
fn find<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, name| boxes(bytes).find(|(own, _)| own == *name).map(|(_, inner)| inner))
}

fn boxes(mut rest: &[u8]) -> impl Iterator<Item = Box<'_>> {
    std::iter::from_fn(move || {
        let (head, size) = match number(rest, 0)? {
            1 => (16, u64::from_be_bytes(rest.get(8..16)?.try_into().ok()?)),
            size => (8, size.into()),
        };
        let size = usize::try_from(size).ok().filter(|size| *size >= head)?;
        let one = (rest.get(4..8)?, rest.get(head..size)?);
        rest = rest.get(size..)?;
        Some(one)
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use container::{Block, Codec, Output, Shape, Track, mp4::Growing};

    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let picture =
            Track { codec: Codec::H264, shape: Shape::Picture { width: 16, height: 16, rotation: 0 }, private: Vec::new() };
        let mut writer = Growing::new(&[Track::opus(1), picture], Duration::ZERO).expect("both fit");
        // A packet of 20 ms, and a unit after its length.
        let (sound, unit) = (vec![0x78, 0, 0], vec![0, 0, 0, 2, 0x65, 0x88]);
        for (track, ms, bytes) in
            [(0, 0, &sound), (1, 0, &unit), (0, 20, &sound), (1, 33, &unit), (0, 40, &sound), (0, 60, &sound), (1, 100, &unit)]
        {
            let time = Duration::from_millis(ms);
            writer.push(Block { track, time, keyframe: true, rotation: None, bytes: bytes.clone() });
        }
        writer.finish(true);
        let mut file = Vec::new();
        while let Some(output) = writer.poll() {
            match output {
                Output::Append(bytes) => file.extend(bytes),
                Output::Patch { at, bytes } => file[usize::try_from(at).expect("small")..][..bytes.len()].copy_from_slice(&bytes),
            }
        }
        let ms = |times: &[Duration]| times.iter().map(|time| time.as_millis()).collect::<Vec<_>>();
        let read: Vec<_> = times(&file).iter().map(|(is_picture, times)| (*is_picture, ms(times))).collect();
        assert_eq!(read, [(false, vec![0, 20, 40, 60]), (true, vec![0, 33, 100])]);
        assert!(times(&file[..file.len() - 1]).is_empty(), "one that was cut off has none");
    }
}
