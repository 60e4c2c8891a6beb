//! Publishers' streams, and the bytes of VP8.

use media::codec::{Codec, Descriptor};
use media::forward::{Incoming, SenderReport};
use std::time::{Duration, Instant};

/// One VP8 packet, before it is bytes.
#[derive(Clone, Copy, Debug)]
pub struct Vp8 {
    pub key: bool,
    pub starts: bool,
    pub picture: Option<(u16, u8)>,
    pub tl0: Option<u8>,
    pub temporal: Option<u8>,
    pub sync: bool,
}

impl Vp8 {
    pub fn bytes(&self) -> Vec<u8> {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let mut bytes = vec![0x80 | flag(self.starts, 0x10)];
        bytes.push(flag(self.picture.is_some(), 0x80) | flag(self.tl0.is_some(), 0x40) | flag(self.temporal.is_some(), 0x20));
        match self.picture {
            Some((id, 15)) => bytes.extend((id & 0x7fff | 0x8000).to_be_bytes()),
            Some((id, _)) => bytes.push(id as u8 & 0x7f),
            None => {}
        }
        bytes.extend(self.tl0);
        bytes.extend(self.temporal.map(|layer| layer << 6 | flag(self.sync, 0x20)));
        match (self.starts, self.key) {
            (true, true) => bytes.extend([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]),
            (true, false) => bytes.extend([0x11, 0, 0]),
            (false, _) => bytes.extend([7; 5]),
        }
        bytes
    }

    /// The counters of a payload that was rewritten.
    pub fn counters(payload: &[u8]) -> (Option<u16>, Option<u8>) {
        let vp8 = Descriptor::parse(Codec::Vp8, payload).vp8.expect("VP8");
        (vp8.picture.map(|picture| picture.id), vp8.tl0)
    }
}

/// A payload with these counters in it.
pub fn patched(payload: &[u8], counters: media::codec::Vp8) -> Vec<u8> {
    let mut bytes = payload.to_vec();
    counters.write(&mut bytes);
    bytes
}

/// A packet as an engine would describe it.
#[derive(Clone, Debug)]
pub struct Packet {
    pub layer: u8,
    pub stream: u32,
    pub seq: u64,
    pub time: u32,
    pub report: Option<SenderReport>,
    pub ends_frame: bool,
    pub replayable: bool,
    pub payload: Vec<u8>,
    pub descriptor: Descriptor,
}

impl Packet {
    pub fn new(codec: Codec, layer: u8, seq: u64, time: u32, payload: &[u8]) -> Self {
        let descriptor = Descriptor::parse(codec, payload);
        Packet {
            layer,
            stream: u32::from(layer),
            seq,
            time,
            report: None,
            ends_frame: true,
            replayable: false,
            payload: payload.to_vec(),
            descriptor,
        }
    }

    pub fn at(&self, arrival: Instant) -> Incoming<'_> {
        Incoming {
            layer: self.layer,
            stream: self.stream,
            seq: self.seq,
            time: self.time,
            arrival,
            report: self.report,
            ends_frame: self.ends_frame,
            replayable: self.replayable,
            descriptor: &self.descriptor,
        }
    }
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
