//! What must be known of a payload to forward it: key frames and counters. Read once per packet, shared by all who receive it.

mod h264;
mod vp8;
mod vp9;

pub(crate) use vp8::frame_part as vp8_frame_part;
pub use vp8::{Picture, Vp8};
pub(crate) use vp9::{Part as Vp9Part, frame_part as vp9_frame_part};

/// What a track is encoded with, as far as forwarding differs by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// Any other sound, whose RTP clock has 8 kHz (G.711, and by history G.722: RFC 3551, section 4.5.2).
    OtherAudio,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
}

impl Codec {
    /// Ticks of the RTP clock per second.
    pub fn clock_hz(self) -> u32 {
        match self {
            Codec::Opus => 48_000,
            Codec::OtherAudio => 8_000,
            Codec::Vp8 | Codec::Vp9 | Codec::H264 => 90_000,
        }
    }

    /// Sound: every packet can be played by itself.
    pub fn is_audio(self) -> bool {
        matches!(self, Codec::Opus | Codec::OtherAudio)
    }
}

/// Width and height of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
}

/// What one packet's payload says about itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Descriptor {
    /// With this packet begins a key frame: a decoder that knows nothing can start here. Always so for audio.
    pub keyframe: bool,
    /// The key frame brings what describes it along. Only H.264 knows key frames without: there the parameter sets are units of
    /// their own, and a key frame whose sets were lost is of no use to who has just come.
    pub self_contained: bool,
    /// The first packet of a frame, as far as the payload tells.
    pub starts_frame: bool,
    /// Nothing but padding.
    pub empty: bool,
    /// Of the pictures that begin here.
    pub size: Option<Size>,
    /// Temporal layer: 0 is the slowest, and needs no other.
    pub temporal: Option<u8>,
    /// The frame needs none but the lowest temporal layer: who had less may have this layer from here on.
    pub layer_sync: bool,
    /// The counters of VP8.
    pub vp8: Option<Vp8>,
}

impl Descriptor {
    /// Reads a payload, the part after the RTP header without padding. What makes no sense has no key frame and no counters.
    pub fn parse(codec: Codec, payload: &[u8]) -> Descriptor {
        if payload.is_empty() {
            return Descriptor { empty: true, ..Descriptor::default() };
        }
        match codec {
            Codec::Opus | Codec::OtherAudio => Descriptor::audio(),
            Codec::Vp8 => vp8::parse(payload).unwrap_or_default(),
            Codec::Vp9 => vp9::parse(payload).unwrap_or_default(),
            Codec::H264 => h264::parse(payload).unwrap_or_default(),
        }
    }

    fn audio() -> Descriptor {
        Descriptor { keyframe: true, self_contained: true, starts_frame: true, ..Descriptor::default() }
    }
}

/// Bytes read one after the other; `None` beyond the end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }
}
