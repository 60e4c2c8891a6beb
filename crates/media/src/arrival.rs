//! What is needed of a packet to pass it on, on whichever worker its receivers are.

use std::sync::Arc;
use std::time::Instant;

use str0m::media::Pt;
use str0m::rtp::{RtpPacket, Ssrc, VideoOrientation};

use crate::forward::SenderReport;
use crate::send::Extras;

/// A packet of a track as it came from its publisher. A copy of it shares the payload.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub ssrc: Ssrc,
    /// As its publisher numbers it.
    pub payload_type: Pt,
    /// Sequence number, continued beyond 16 bits.
    pub seq: u64,
    /// RTP timestamp.
    pub time: u32,
    pub marker: bool,
    /// When it came.
    pub at: Instant,
    /// The moment that it is of: what is of one moment is played at one time.
    pub shown: Instant,
    /// The last sender report of its stream.
    pub report: Option<SenderReport>,
    /// How loud it is: -dBov (RFC 6464), and the sender's opinion whether it is a voice, if it gave one.
    pub level: Option<(u8, Option<bool>)>,
    /// How its camera was turned.
    pub orientation: Option<VideoOrientation>,
    pub extras: Extras,
    pub payload: Arc<[u8]>,
}

impl From<RtpPacket> for Arrival {
    fn from(packet: RtpPacket) -> Self {
        let (header, values) = (&packet.header, &packet.header.ext_vals);
        Arrival {
            ssrc: header.ssrc,
            payload_type: header.payload_type,
            seq: *packet.seq_no,
            time: header.timestamp,
            marker: header.marker,
            at: packet.timestamp,
            shown: packet.timestamp,
            report: packet.last_sender_info.map(Into::into),
            level: values.audio_level.map(|level| (level.unsigned_abs().min(127), values.voice_activity)),
            orientation: values.video_orientation,
            extras: Extras::of(values),
            payload: packet.payload,
        }
    }
}
