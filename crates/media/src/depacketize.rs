//! Frames out of packets, in their order: for whoever decodes pictures, or keeps them. A packet of sound is a frame by itself.
//!
//! A packet that is missing is waited for, because it is being repaired. If it does not come nothing is given until the next key frame:
//! what would be decoded after a hole would not be what was sent.

mod h264;
#[cfg(test)]
mod tests;
mod vp9;

use std::collections::BTreeMap;
use std::time::Instant;

use crate::codec::{Codec, Descriptor, vp8_frame_part};
use crate::limit::{FRAME_PACKETS_MAX, MISSING_WAIT, OUTSIDE_MAX};
use crate::tap::Packet;

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is encoded with.
    pub codec: Codec,
    /// As a decoder takes it; H.264 with start codes before its units (ITU-T H.264, annex B); VP9 of several layers as a superframe.
    pub bytes: Vec<u8>,
    /// A decoder that knows nothing can start here.
    pub keyframe: bool,
    /// RTP timestamp.
    pub time: u32,
    /// When its last packet came.
    pub arrival: Instant,
    /// By how many degrees it is to be turned clockwise.
    pub rotation: u16,
}

/// What happened, counted from the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames given.
    pub frames: u64,
    /// Times that something was missing and was given up.
    pub holes: u64,
    /// Frames whose packets make no sense together.
    pub broken: u64,
}

/// Puts together the frames of one track.
#[derive(Debug, Default)]
pub struct Depacketizer {
    stream: Option<u32>,
    /// The number of the next packet; none: a key frame is waited for.
    next: Option<u64>,
    waiting: BTreeMap<u64, Packet>,
    /// Whether a frame was given that says how the others are decoded: H.264's parameter sets come in packets of their own.
    described: bool,
    outside: u8,
    rotation: u16,
    /// A key frame should be asked for.
    lost: bool,
    counts: Counts,
}

impl Depacketizer {
    /// Takes a packet, in whatever order they come.
    pub fn push(&mut self, packet: Packet) {
        if self.stream != Some(packet.stream) && !self.follow(&packet) {
            return;
        }
        if self.next.is_some_and(|next| packet.seq < next) {
            self.outside = self.outside.saturating_add(1);
            if self.outside < OUTSIDE_MAX {
                return;
            }
            self.begin_anew();
        }
        self.outside = 0;
        // Those that wait were looked at when they came.
        let starts = self.next.is_none() && self.can_start(&packet);
        let seq = packet.seq;
        self.waiting.entry(seq).or_insert(packet);
        if starts {
            self.start_at(seq);
        }
        if self.waiting.len() > FRAME_PACKETS_MAX {
            self.give_up();
        }
    }

    /// The next frame, if all of it is here.
    pub fn poll(&mut self, now: Instant) -> Option<Frame> {
        loop {
            let next = self.next?;
            let Some(end) = self.end_of_frame(next) else {
                if self.waits_too_long(now, next) {
                    self.give_up();
                    continue;
                }
                return None;
            };
            let packets = self.take(next, end);
            self.next = Some(end.saturating_add(1));
            match self.put_together(&packets) {
                Some(frame) if frame.bytes.is_empty() => {}
                Some(frame) => {
                    self.counts.frames += 1;
                    return Some(frame);
                }
                None => {
                    self.counts.broken += 1;
                    self.begin_at_keyframe();
                }
            }
        }
    }

    /// Whether a key frame should be asked for. True once each time that something was given up.
    pub fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// Whether nothing can be given until a key frame comes.
    #[must_use]
    pub fn awaits_keyframe(&self) -> bool {
        self.next.is_none()
    }

    /// How many packets wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether a packet of another stream is the beginning of what comes from now on.
    fn follow(&mut self, packet: &Packet) -> bool {
        self.outside = self.outside.saturating_add(1);
        let begins = Descriptor::parse(packet.codec, &packet.payload).keyframe;
        if self.stream.is_some() && !begins && self.outside < OUTSIDE_MAX {
            return false;
        }
        self.stream = Some(packet.stream);
        self.begin_anew();
        true
    }

    fn begin_anew(&mut self) {
        (self.next, self.described, self.outside) = (None, false, 0);
        self.waiting.clear();
    }

    /// Whether a key frame begins with it. The first one must be described: its parameter sets may come later than its picture.
    fn can_start(&self, packet: &Packet) -> bool {
        let found = Descriptor::parse(packet.codec, &packet.payload);
        found.keyframe && (self.described || found.self_contained)
    }

    /// Goes on with this packet, and forgets what is before it.
    fn start_at(&mut self, seq: u64) {
        self.waiting = self.waiting.split_off(&seq);
        self.next = Some(seq);
    }

    /// What is missing does not come.
    fn give_up(&mut self) {
        self.counts.holes += 1;
        self.begin_at_keyframe();
    }

    /// Goes on at the next key frame, which may be here.
    fn begin_at_keyframe(&mut self) {
        let from = self.next.take();
        // What could be decoded without a hole would have been.
        while self.waiting.first_key_value().is_some_and(|(seq, _)| Some(*seq) <= from) {
            self.waiting.pop_first();
        }
        match self.waiting.iter().find(|(_, packet)| self.can_start(packet)).map(|(seq, _)| *seq) {
            Some(seq) => self.start_at(seq),
            None => self.waiting.clear(),
        }
        self.lost = true;
    }

    fn waits_too_long(&self, now: Instant, next: u64) -> bool {
        let behind = self.waiting.range(next..).zip(next..).find(|((seq, _), expected)| *seq != expected);
        behind.is_some_and(|((_, packet), _)| now.saturating_duration_since(packet.arrival) > MISSING_WAIT)
    }

    /// The number of the last packet of the frame that begins there, if all of it is here. A frame ends with a mark, or where another
    /// begins.
    fn end_of_frame(&self, start: u64) -> Option<u64> {
        let time = self.waiting.get(&start)?.time;
        let mut last = None;
        for ((seq, packet), expected) in self.waiting.range(start..).zip(start..) {
            if *seq != expected {
                return None;
            }
            if packet.time != time {
                return last;
            }
            last = Some(*seq);
            if packet.last {
                return last;
            }
        }
        None
    }

    fn take(&mut self, start: u64, end: u64) -> Vec<Packet> {
        (start..=end).filter_map(|seq| self.waiting.remove(&seq)).collect()
    }

    fn put_together(&mut self, packets: &[Packet]) -> Option<Frame> {
        let last = packets.last()?;
        let mut bytes = Vec::with_capacity(packets.iter().map(|packet| packet.payload.len()).sum());
        let (mut keyframe, mut described) = (false, false);
        let (mut unit, mut layers) = (h264::Unit::default(), vp9::Layers::default());
        for packet in packets.iter().filter(|packet| !packet.payload.is_empty()) {
            let descriptor = Descriptor::parse(packet.codec, &packet.payload);
            // A frame of nothing yet must begin with its beginning.
            if bytes.is_empty() && !descriptor.starts_frame && matches!(packet.codec, Codec::Vp8 | Codec::Vp9) {
                return None;
            }
            keyframe |= descriptor.keyframe;
            described |= descriptor.self_contained;
            self.rotation = packet.rotation.unwrap_or(self.rotation);
            match packet.codec {
                Codec::Vp8 => bytes.extend_from_slice(vp8_frame_part(&packet.payload)?),
                Codec::H264 => unit.add(&packet.payload, &mut bytes)?,
                Codec::Vp9 => layers.add(&packet.payload, &mut bytes)?,
                Codec::Opus | Codec::OtherAudio => bytes.extend_from_slice(&packet.payload),
            }
        }
        layers.end(&mut bytes);
        let arrival = packets.iter().map(|packet| packet.arrival).max()?;
        let rotation = self.rotation;
        let frame = unit.is_whole().then_some(Frame { codec: last.codec, bytes, keyframe, time: last.time, arrival, rotation });
        self.described |= described && frame.is_some();
        frame
    }
}
