//! A script of packets: what, number, time, length, and as many bytes.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::depacketize::Depacketizer;
use media::limit::FRAME_PACKETS_MAX;
use media::tap::Packet;

/// No clock runs here: every script begins at the same moment.
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

pub fn run(mut data: &[u8]) {
    let (mut depacketizer, mut now, mut bytes) = (Depacketizer::default(), start(), 0);
    while let Some((&[what, seq, time, length], rest)) = data.split_first_chunk() {
        let (payload, rest) = rest.split_at(usize::from(length).min(rest.len()));
        data = rest;
        now += Duration::from_millis(u64::from(what >> 4));
        bytes += payload.len() + 4;
        depacketizer.push(Packet {
            codec: if time & 0x80 != 0 { Codec::Vp9 } else { [Codec::Vp8, Codec::H264][usize::from(what & 1)] },
            stream: u32::from(what >> 1 & 1),
            seq: u64::from(seq) << (8 * (what >> 2 & 1)),
            time: u32::from(time),
            arrival: now,
            last: what & 8 != 0,
            rotation: None,
            report: None,
            payload: payload.into(),
        });
        while let Some(frame) = depacketizer.poll(now) {
            // Start codes before units take more than the sizes that stand there, and an index more than marks of where a frame ends.
            assert!(!frame.bytes.is_empty() && frame.bytes.len() <= 3 * bytes);
        }
        assert!(depacketizer.waiting() <= FRAME_PACKETS_MAX);
    }
}
