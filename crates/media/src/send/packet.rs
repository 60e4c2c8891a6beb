//! What is sent: packets, and the tracks to which they belong.

use std::sync::Arc;
use std::time::Instant;

use str0m::media::{Frequency, Mid};
use str0m::rtp::{ExtensionMap, ExtensionValues};

use crate::codec::Vp8;

/// What is written of one packet.
pub(crate) struct Packet<'a> {
    /// The client's number for its codec.
    pub payload_type: u8,
    /// The last of a frame, or the first after silence.
    pub marker: bool,
    /// Continued beyond 16 bits.
    pub seq: u64,
    /// RTP timestamp.
    pub time: u32,
    /// The moment that it is of.
    pub shown: Instant,
    /// What its publisher says of it.
    pub extras: Extras,
    /// Other counters in its payload.
    pub counters: Option<Vp8>,
    /// What it carries.
    pub payload: &'a Arc<[u8]>,
    /// Whether it may be sent again.
    pub repairable: bool,
    /// Whether a decoder that knows nothing can begin with it.
    pub keyframe: bool,
}

/// Header extensions that mean something to the receiver, as they are written; the others belong to the transport that a packet came by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// RFC 6464, section 3.
    pub level: Option<u8>,
    /// 3GPP TS 26.114, section 7.4.5.
    pub orientation: Option<u8>,
    pub content: Option<u8>,
    pub delay: Option<[u8; 3]>,
}

impl Extras {
    /// Those of a packet that came.
    pub fn of(values: &ExtensionValues) -> Self {
        let level = |level: i8| u8::from(values.voice_activity.unwrap_or_default()) << 7 | level.unsigned_abs().min(127);
        let delay = values.play_delay_min.zip(values.play_delay_max).map(|(min, max)| {
            let [min, max] = [min, max].map(|time| (time.rebase(Frequency::HUNDREDTHS).numer() & 0xfff) as u32);
            let [_, high, middle, low] = (min << 12 | max).to_be_bytes();
            [high, middle, low]
        });
        Extras {
            level: values.audio_level.map(level),
            orientation: values.video_orientation.map(|orientation| orientation as u8),
            content: values.video_content_type,
            delay,
        }
    }
}

/// A track that a client receives.
pub(crate) struct Place<'a> {
    /// Its source.
    pub ssrc: u32,
    /// The source of its repairs, and a payload type of theirs; none: it is not repaired.
    pub repair: Option<(u32, u8)>,
    /// Its section.
    pub mid: Mid,
    /// Our name, the same for all tracks (RFC 3550, section 6.5.1).
    pub name: &'a str,
    /// Ticks of its timestamps a second.
    pub clock_hz: u32,
    /// Whether it has pictures.
    pub video: bool,
    /// Whether the client reports the arrival of its packets.
    pub reported: bool,
    /// The numbers of extensions.
    pub extensions: &'a ExtensionMap,
}
