//! What a container has to say of Opus.

use std::time::Duration;

/// Samples at 48 kHz by which the sound of a common encoder is late: 6.5 ms. A player leaves them out at the beginning, and so the rest
/// is heard when it was said.
pub const PRE_SKIP: u16 = 312;

/// What is decoded before sound is right again after a jump (RFC 7845, section 4.6).
pub const PRE_ROLL: Duration = Duration::from_millis(80);

/// The longest that a packet can be.
const PACKET_TIME_MAX: Duration = Duration::from_millis(120);

/// The identification header (RFC 7845, section 5.1).
#[must_use]
pub fn head(channels: u8) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels);
    head.extend(PRE_SKIP.to_le_bytes());
    head.extend(48_000_u32.to_le_bytes());
    head.extend([0; 3]);
    head
}

/// How many channels an identification header names.
#[must_use]
pub fn channels(head: &[u8]) -> Option<u8> {
    head.strip_prefix(b"OpusHead")?.get(1).copied()
}

/// How long a packet sounds (RFC 6716, section 3.1); none: it is no packet.
#[must_use]
pub fn duration(packet: &[u8]) -> Option<Duration> {
    let toc = *packet.first()?;
    let config = toc >> 3;
    let us: u32 = match config {
        0..=11 => *[10_000, 20_000, 40_000, 60_000].get(usize::from(config % 4))?,
        12..=15 => *[10_000, 20_000].get(usize::from(config % 2))?,
        _ => *[2_500, 5_000, 10_000, 20_000].get(usize::from(config % 4))?,
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1)? & 0x3f,
    };
    let whole = Duration::from_micros((us * u32::from(frames)).into());
    (whole <= PACKET_TIME_MAX).then_some(whole)
}

/// Frames of silence in one packet, at most: 120 ms.
pub const SILENCE_FRAMES_MAX: u8 = 6;

/// How long one of them is.
pub const SILENCE_FRAME: Duration = Duration::from_millis(20);

/// A full-band CELT frame that says nothing but that it is silent.
const SILENT: [u8; 2] = [0xff, 0xfe];

/// A packet of so many frames of silence, at least one and at most [`SILENCE_FRAMES_MAX`], with as many channels as this packet has.
/// Its frames are counted even when there is one only, which no common encoder does: so it is known for what it is.
#[must_use]
pub fn silence(frames: u8, like: &[u8]) -> Vec<u8> {
    let frames = frames.clamp(1, SILENCE_FRAMES_MAX);
    let stereo = like.first().map_or(0, |toc| toc & 4);
    [&[0xfb | stereo, frames][..], &SILENT.repeat(frames.into())].concat()
}

/// Whether a packet is one of [`silence`].
#[must_use]
pub fn is_silence(packet: &[u8]) -> bool {
    let [toc, frames @ 1..=SILENCE_FRAMES_MAX, rest @ ..] = packet else { return false };
    toc | 4 == 0xff && rest.len() == 2 * usize::from(*frames) && rest.chunks(2).all(|frame| frame == SILENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_say_how_long_they_sound() {
        let check = |packet: &[u8], expected: Option<u64>| {
            assert_eq!(duration(packet), expected.map(Duration::from_micros), "{packet:?}");
        };
        check(&[0x78], Some(20_000)); // Hybrid, 20 ms.
        check(&[0xfc], Some(20_000)); // CELT, full band, 20 ms, stereo.
        check(&[0x08], Some(20_000));
        check(&[0x18 | 1], Some(120_000));
        check(&[0xe0], Some(2_500));
        check(&[0xfb, 3], Some(60_000));
        check(&[0xfb, 7], None);
        check(&[0xfb], None);
        check(&[], None);
    }

    #[test]
    fn the_header_names_its_channels() {
        assert_eq!(channels(&head(2)), Some(2));
        assert_eq!(head(1).len(), 19);
        assert_eq!(channels(b"OpusTags"), None);
    }

    #[test]
    fn silence_is_as_long_as_it_should_be_and_known() {
        for (frames, like) in (1..=SILENCE_FRAMES_MAX).flat_map(|frames| [(frames, [0x78]), (frames, [0xfc])]) {
            let packet = silence(frames, &like);
            assert_eq!(duration(&packet), Some(SILENCE_FRAME * u32::from(frames)));
            assert_eq!((packet[0] & 4, is_silence(&packet)), (like[0] & 4, true));
            assert!(!is_silence(&packet[..packet.len() - 1]));
        }
        assert_eq!(silence(1, &[]), [0xfb, 1, 0xff, 0xfe]);
        // What an encoder makes of nothing at all.
        assert!(!is_silence(&[0xf8, 0xff, 0xfe]) && !is_silence(&[0xfb, 0]) && !is_silence(&[]));
    }
}
