//! Packets of three layers to one subscriber, and what it wishes. The input is the codec's number and steps of six bytes: what
//! happens, to which layer, a number in two bytes, a time, and what the payload is like.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use media::codec::{Codec, Descriptor};
use media::forward::{Forwarder, Incoming, Rewritten, SenderReport};

const CODECS: [Codec; 3] = [Codec::Vp8, Codec::H264, Codec::Opus];

struct Scene {
    codec: Codec,
    forwarder: Forwarder,
    now: Instant,
    target: Option<u8>,
    /// Where numbers and times are counted from.
    base: (u64, u32),
    sent: HashSet<u64>,
    newest: Option<u64>,
    /// The first packet of a key frame that waits: stream, time and what its payload says.
    held: Option<(u32, u32, Descriptor)>,
}

pub fn run(data: &[u8]) {
    let Some((which, steps)) = data.split_first() else { return };
    let codec = CODECS[usize::from(*which) % CODECS.len()];
    let mut scene = Scene {
        codec,
        forwarder: Forwarder::new(codec, 0xffff, 0xffff_0000),
        now: Instant::now(),
        target: None,
        base: (1 << 40, 1 << 31),
        sent: HashSet::new(),
        newest: None,
        held: None,
    };
    for step in steps.as_chunks::<6>().0 {
        scene.step(*step);
    }
}

impl Scene {
    fn step(&mut self, [what, layer, high, low, time, payload]: [u8; 6]) {
        let number = u16::from_be_bytes([high, low]);
        self.now += Duration::from_millis(u64::from(time));
        match what % 8 {
            0 => {
                self.target = Some(layer % 4).filter(|layer| *layer < 3);
                self.forwarder.set_target(self.target);
            }
            1 => self.forwarder.set_temporal(Some(layer % 4).filter(|layer| *layer < 3)),
            2 => {
                self.base.0 = self.base.0.wrapping_add_signed(i64::from(number.cast_signed()) * 16) & 0xffff_ffff_ffff;
                self.base.1 = self.base.1.wrapping_add(u32::from(payload) << 24);
            }
            _ => self.packet(what, layer, number, time, payload),
        }
        assert!(self.forwarder.current().is_none() || self.target.is_some());
        assert!(self.forwarder.awaits_keyframe().is_none_or(|layer| Some(layer) == self.target));
    }

    fn packet(&mut self, what: u8, layer: u8, number: u16, time: u8, payload: u8) {
        let bytes = payload_of(self.codec, number, payload);
        let descriptor = Descriptor::parse(self.codec, &bytes);
        let report = SenderReport { clock: Duration::from_secs(time.into()), time: self.base.1 };
        let packet = Incoming {
            layer: layer % 4,
            stream: u32::from(layer >> 6),
            seq: self.base.0.saturating_add(number.into()),
            time: self.base.1.wrapping_add(u32::from(time) * 900),
            arrival: self.now,
            ends_frame: what & 64 == 0,
            report: (what & 32 != 0).then_some(report),
            replayable: what & 16 != 0,
            descriptor: &descriptor,
        };
        self.held.take_if(|_| self.forwarder.held().is_none());
        self.give(&packet);
        if self.forwarder.held() == Some((packet.layer, packet.seq)) {
            self.held.get_or_insert((packet.stream, packet.time, descriptor));
        }
        if let Some((layer, seq)) = self.forwarder.poll_held() {
            self.give_held(Incoming { layer, seq, replayable: false, ..packet });
        }
    }

    fn give_held(&mut self, packet: Incoming<'_>) {
        let Some((stream, time, descriptor)) = self.held.take() else { panic!("nothing waits") };
        let before = self.newest;
        self.give(&Incoming { stream, time, ends_frame: true, descriptor: &descriptor, ..packet });
        assert!(self.newest > before, "what waited begins");
    }

    fn give(&mut self, packet: &Incoming<'_>) {
        let before = self.forwarder.current();
        if let Some(sent) = self.forwarder.rewrite(packet) {
            self.judge(before, packet, sent);
        }
    }

    fn judge(&mut self, before: Option<u8>, packet: &Incoming<'_>, sent: Rewritten) {
        let after = self.forwarder.current();
        assert!(self.target.is_some() && after.is_some());
        assert!(self.sent.insert(sent.seq), "{} twice", sent.seq);
        assert!(sent.replay == 0 || (packet.replayable && packet.descriptor.keyframe));
        assert!(sent.vp8.is_none() || packet.descriptor.vp8.is_some());
        if before != after {
            assert!(packet.descriptor.keyframe && after == self.target && after == Some(packet.layer));
        }
        // What is missing before a packet is not more than the stream may lose.
        let ahead = sent.seq.saturating_sub(self.newest.unwrap_or(0x7ffe));
        assert!(ahead <= media::limit::SEQ_AHEAD_MAX, "{ahead} ahead");
        if self.newest.is_none() {
            assert_eq!(sent.seq, 0x7fff);
        }
        self.newest = self.newest.max(Some(sent.seq));
    }
}

fn payload_of(codec: Codec, number: u16, payload: u8) -> Vec<u8> {
    match (codec, payload) {
        (_, 0) => Vec::new(),
        (Codec::Vp8, _) => vp8(number, payload),
        (Codec::H264, _) => vec![0x60 | payload & 0x1f, payload, 0, 1, 2, 3],
        _ => vec![payload],
    }
}

/// One bit each for a key frame, a frame's start, the counters, their width and the layer's change; two for the layer.
fn vp8(number: u16, payload: u8) -> Vec<u8> {
    let (key, starts, counted, wide) = (payload & 1 != 0, payload & 2 != 0, payload & 4 != 0, payload & 8 != 0);
    let mut bytes = vec![if starts { 0x90 } else { 0x80 }, if counted { 0xe0 } else { 0x20 }];
    match (counted, wide) {
        (true, true) => bytes.extend((number | 0x8000).to_be_bytes()),
        (true, false) => bytes.push(number as u8 & 0x7f),
        _ => {}
    }
    if counted {
        bytes.push((number >> 2) as u8);
    }
    bytes.push(payload & 0xe0);
    bytes.extend([if key { 0x10 } else { 0x11 }, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
    bytes
}
