//! The pictures of one track on their way into the mix.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mixer::input::InputId;
use mixer::picture::{PictureMixer, Pushed, Rotation, VideoCodec, VideoFrame};

use crate::codec::Codec;
use crate::depacketize::{self, Depacketizer, Frame};
use crate::limit::{MIX_FRAMES_WAITING_MAX, MIX_WISH_GAP};
use crate::tap::Packet;

/// One track.
#[derive(Debug, Default)]
pub(super) struct Sight {
    packets: Depacketizer,
    frames: VecDeque<Frame>,
    /// When a key frame was last wished for.
    wished: Option<Instant>,
    /// A key frame is to be wished for.
    wish: bool,
}

impl Sight {
    pub fn push(&mut self, packet: Packet) {
        self.packets.push(packet);
    }

    /// Shows what has come and has waited for so long.
    pub fn show(&mut self, now: Instant, input: InputId, wait: Duration, pictures: &mut PictureMixer) {
        self.frames.extend(std::iter::from_fn(|| self.packets.poll(now)));
        let due = |frame: &Frame| now.saturating_duration_since(frame.arrival) >= wait;
        while self.frames.len() > MIX_FRAMES_WAITING_MAX || self.frames.front().is_some_and(due) {
            let Some(frame) = self.frames.pop_front() else { break };
            if let Some(frame) = decodable(&frame) {
                self.wish |= pictures.push(input, frame) == Pushed::Broken { key_wanted: true };
            }
        }
        self.wish |= self.packets.take_lost() || (self.packets.awaits_keyframe() && self.packets.waiting() > 0);
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
