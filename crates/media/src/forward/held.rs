//! A key frame that came in the middle of a frame of another layer.

use std::time::Instant;

use super::Incoming;
use crate::limit::{FRAME_END_WAIT, REPLAY_PACKETS_MAX};

/// Where a key frame begins that waits until the frame before it has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub layer: u8,
    stream: u32,
    pub seq: u64,
    until: Instant,
    /// It waits no longer.
    pub due: bool,
}

impl Held {
    pub fn new(packet: &Incoming<'_>) -> Self {
        let Incoming { layer, stream, seq, arrival, .. } = *packet;
        Held { layer, stream, seq, until: arrival + FRAME_END_WAIT, due: false }
    }

    /// Whether it begins with this packet.
    pub fn is(&self, packet: &Incoming<'_>) -> bool {
        self.is_source(packet) && self.seq == packet.seq
    }

    /// Whether it has waited long enough, or for as many packets as are kept.
    pub fn is_overdue(&self, packet: &Incoming<'_>) -> bool {
        let ahead = packet.seq.saturating_sub(self.seq);
        packet.arrival >= self.until || self.is_source(packet) && ahead + 1 >= REPLAY_PACKETS_MAX as u64
    }

    fn is_source(&self, packet: &Incoming<'_>) -> bool {
        self.layer == packet.layer && self.stream == packet.stream
    }
}
