//! Synthetic VP8: frames whose headers are true and whose pictures are padding, and a watcher who checks what comes out.

use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::media::Mid;
use str0m::rtp::{RtpPacket, RtpWrite};

/// Packets of one frame.
const PACKETS: u64 = 3;

/// A camera that sends one layer.
pub struct Camera {
    pub mid: Mid,
    pub next: Instant,
    pub on: bool,
    seq: u64,
    frame: u16,
    keyframe: bool,
    pub keyframes: u32,
}

impl Camera {
    pub fn new(mid: Mid, now: Instant) -> Self {
        Camera { mid, next: now, on: true, seq: 1_000, frame: 0, keyframe: true, keyframes: 0 }
    }

    pub fn ask_keyframe(&mut self) {
        self.keyframe = true;
    }

    pub fn send(&mut self, now: Instant, rtc: &mut Rtc) {
        self.next = now + Duration::from_millis(33);
        if !self.on {
            return;
        }
        let keyframe = std::mem::take(&mut self.keyframe);
        self.keyframes += u32::from(keyframe);
        let pt = rtc.codec_config().find(|p| p.spec().codec == str0m::format::Codec::Vp8).unwrap().pt();
        for n in 0..PACKETS {
            let mut api = rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(self.mid, None) else { return };
            let payload = payload(self.frame, n == 0, keyframe);
            let write = RtpWrite::new(pt, self.seq.into(), u32::from(self.frame) * 3_000, now, payload);
            stream.write_rtp(write.marker(n + 1 == PACKETS).nackable(true));
            self.seq += 1;
        }
        self.frame = self.frame.wrapping_add(1);
    }
}

/// RFC 7741, section 4: descriptor with a 15-bit picture id; then the header of a frame of 320 by 180.
fn payload(frame: u16, first: bool, keyframe: bool) -> Vec<u8> {
    let [high, low] = (frame | 0x8000).to_be_bytes();
    let mut bytes = vec![0x80 | if first { 0x10 } else { 0 }, 0x80, high, low];
    if first && keyframe {
        bytes.extend([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
    } else {
        bytes.extend([0x01, 0, 0]);
    }
    bytes.resize(600, 0xaa);
    bytes
}

/// Judges one received stream as a decoder would.
#[derive(Default)]
pub struct Watcher {
    pub packets: u64,
    pub frames: u64,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
    pub worst_gap: Duration,
    /// Frames in order of completion must not go back.
    last_time: Option<u32>,
    partial: Vec<(u32, u64)>,
    started: bool,
}

impl Watcher {
    /// Takes a packet; true if there is nothing to decode it with.
    pub fn watch(&mut self, now: Instant, packet: &RtpPacket) -> bool {
        self.packets += 1;
        let keyframe = packet.payload.get(4).is_some_and(|b| b & 1 == 0) && packet.payload.first().is_some_and(|b| b & 0x10 != 0);
        self.started |= keyframe;
        let time = packet.header.timestamp;
        let count = match self.partial.iter_mut().find(|(own, _)| *own == time) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.partial.push((time, 1));
                1
            }
        };
        if count == PACKETS && self.started {
            self.finish(now, time);
        }
        !self.started && self.packets % 30 == 1
    }

    fn finish(&mut self, now: Instant, time: u32) {
        assert!(self.last_time.is_none_or(|last| last != time), "frame {time} came twice");
        self.frames += 1;
        self.first_at.get_or_insert(now);
        if let Some(last) = self.last_at.replace(now) {
            self.worst_gap = self.worst_gap.max(now - last);
        }
        self.last_time = Some(time);
        if self.partial.len() > 60 {
            self.partial.drain(..30);
        }
    }
}
