//! The pictures of one track on their way into the mix.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mixer::input::InputId;
use mixer::picture::{PictureMixer, Pushed, Rotation, VideoCodec, VideoFrame};

use crate::codec::Codec;
use crate::data::Allowance;
use crate::depacketize::{self, Depacketizer, Frame};
use crate::limit::{MIX_FRAMES_BEHIND_MAX, MIX_FRAMES_PER_S, MIX_FRAMES_WAITING_MAX, MIX_PIXELS_PER_S, MIX_WISH_GAP};
use crate::tap::Packet;

/// One track.
#[derive(Debug, Default)]
pub(super) struct Sight {
    packets: Depacketizer,
    frames: VecDeque<Frame>,
    /// Frames and pixels that may be decoded.
    may: Option<[Allowance; 2]>,
    /// When a key frame was last wished for.
    wished: Option<Instant>,
    /// A key frame is to be wished for.
    wish: bool,
}

impl Sight {
    pub fn push(&mut self, packet: Packet) {
        self.packets.push(packet);
    }

    /// Takes up what has come.
    pub fn gather(&mut self, now: Instant, input: InputId, pictures: &mut PictureMixer) {
        self.frames.extend(std::iter::from_fn(|| self.packets.poll(now)));
        if self.frames.len() > MIX_FRAMES_BEHIND_MAX {
            self.frames.clear();
            self.leave_out(input, pictures);
        }
        self.wish |= self.packets.take_lost() || (self.packets.awaits_keyframe() && self.packets.waiting() > 0);
    }

    /// When the next frame came, if it has waited for so long.
    pub fn due(&self, now: Instant, wait: Duration) -> Option<Instant> {
        let first = self.frames.front()?.arrival;
        let crowded = self.frames.len() > MIX_FRAMES_WAITING_MAX;
        (crowded || now.saturating_duration_since(first) >= wait).then_some(first)
    }

    /// Shows the next frame, or leaves it out if its sender has sent too many.
    pub fn show(&mut self, input: InputId, pictures: &mut PictureMixer) {
        let Some(frame) = self.frames.pop_front() else { return };
        if !self.may_decode(frame.arrival, pictures.pixels(input)) {
            return self.leave_out(input, pictures);
        }
        if let Some(frame) = decodable(&frame) {
            self.wish |= pictures.push(input, frame) == Pushed::Broken { key_wanted: true };
        }
    }

    /// What a frame takes is known afterwards only, so the one before it is what counts.
    fn may_decode(&mut self, arrival: Instant, pixels: usize) -> bool {
        let new = || [MIX_FRAMES_PER_S, MIX_PIXELS_PER_S].map(|per_s| Allowance::new(arrival, per_s));
        let [frames, area] = self.may.get_or_insert_with(new);
        frames.take(arrival, 1) && area.take(arrival, pixels)
    }

    fn leave_out(&mut self, input: InputId, pictures: &mut PictureMixer) {
        pictures.leave_out(input);
        self.wish = true;
    }

    /// Whether a key frame is wished for now.
    pub fn take_wish(&mut self, now: Instant) -> bool {
        let may = self.wished.is_none_or(|at| now.saturating_duration_since(at) >= MIX_WISH_GAP);
        let wish = self.wish && may;
        if wish {
            (self.wish, self.wished) = (false, Some(now));
        }
        wish
    }

    pub fn counts(&self) -> depacketize::Counts {
        self.packets.counts()
    }
}

fn decodable(frame: &Frame) -> Option<VideoFrame<'_>> {
    let codec = match frame.codec {
        Codec::Vp8 => VideoCodec::Vp8,
        Codec::Vp9 => VideoCodec::Vp9,
        Codec::H264 => VideoCodec::H264,
        Codec::Opus | Codec::OtherAudio => return None,
    };
    Some(VideoFrame { codec, bytes: &frame.bytes, rotation: Rotation::of(frame.rotation) })
}
