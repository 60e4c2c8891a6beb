//! What a browser's camera and microphone send, as far as a server can tell: sizes, times, key frames. Values only; time is an argument.

use std::sync::Arc;
use std::time::Duration;

use crate::reel::{self, Reel};
use crate::stamp::STAMP_BYTES;

/// Bytes of a payload, at most: what browsers put into a packet of pictures.
const PAYLOAD_BYTES_MAX: u32 = 1_100;

/// Bytes of the descriptor before each of them, at most.
const DESCRIPTOR_BYTES: u32 = 4;

/// Over which the packets of an ordinary frame are spread, as a browser's pacer does. Those of a key frame go at the same pace.
const FRAME_SPREAD: Duration = Duration::from_micros(2_500);

/// Between key frames that nobody asked for.
const KEY_INTERVAL: Duration = Duration::from_secs(10);

/// Between key frames that were asked for: encoders make no more.
const KEY_GAP: Duration = Duration::from_millis(300);

/// Between packets of sound.
const SOUND_INTERVAL: Duration = Duration::from_millis(20);

/// Between packets of silence (DTX).
const SILENCE_INTERVAL: Duration = Duration::from_millis(400);

/// How somebody sends pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Frames a second.
    pub fps: u32,
    /// Bits a second, without key frames.
    pub bitrate: u32,
    /// Bytes of a key frame.
    pub key_bytes: u32,
    /// Width and height, as key frames say.
    pub size: (u16, u16),
}

impl Picture {
    /// 1.2 Mbit/s: 30 frames of 5 packets a second.
    pub const CAMERA: Picture = Picture { fps: 30, bitrate: 1_200_000, key_bytes: 30_000, size: (1_280, 720) };
    /// One of many in a gallery: 15 frames of 1 packet a second.
    pub const TILE: Picture = Picture { fps: 15, bitrate: 120_000, key_bytes: 6_000, size: (1_280, 720) };
    /// Three layers of one camera, the smallest first.
    pub const LAYERS: [Picture; 3] = [
        Picture { fps: 30, bitrate: 150_000, key_bytes: 5_000, size: (320, 180) },
        Picture { fps: 30, bitrate: 500_000, key_bytes: 14_000, size: (640, 360) },
        Picture::CAMERA,
    ];

    fn frame_bytes(self) -> u32 {
        self.bitrate / 8 / self.fps
    }
}

/// One packet to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When it should be sent, from the source's beginning.
    pub due: Duration,
    /// The last one of its frame (RFC 7741, section 4.1).
    pub marker: bool,
    /// RTP time, from 0.
    pub time: u32,
    /// Whether there is room for a stamp at the end of the payload.
    pub stamped: bool,
    /// The payload.
    pub payload: Vec<u8>,
}

/// What is in the frames of a camera.
#[derive(Clone, Debug)]
enum Content {
    /// Nothing that could be decoded.
    Nothing(Picture),
    /// What can be, again and again, and from its beginning when a key frame is asked for.
    Reel(Arc<Reel>),
}

/// A camera with its encoder: VP8, one layer.
#[derive(Clone, Debug)]
pub struct Camera {
    content: Content,
    /// Bytes of a usual frame.
    usual: u32,
    frame_at: Duration,
    /// How many frames there were.
    frame: u32,
    /// Which frame since the last key frame.
    since_key: usize,
    part: u32,
    parts: u32,
    is_key: bool,
    key_at: Option<Duration>,
    asked: bool,
    keys: u64,
}

impl Camera {
    /// Its first frame, a key frame, is due then.
    pub fn new(picture: Picture, start: Duration) -> Self {
        Camera::of(Content::Nothing(picture), picture.frame_bytes(), start)
    }

    /// One whose pictures can be decoded.
    pub fn real(reel: Arc<Reel>, start: Duration) -> Self {
        let bytes: usize = reel.frames.iter().map(Vec::len).sum();
        let usual = (bytes / reel.frames.len().max(1)) as u32;
        Camera::of(Content::Reel(reel), usual, start)
    }

    fn of(content: Content, usual: u32, start: Duration) -> Self {
        let mut camera = Camera {
            content,
            usual,
            frame_at: start,
            frame: 0,
            since_key: 0,
            part: 0,
            parts: 1,
            is_key: true,
            key_at: None,
            asked: true,
            keys: 0,
        };
        camera.begin_frame();
        camera
    }

    /// Asks for a key frame, which comes in place of the next frame.
    pub fn ask_key(&mut self) {
        self.asked = true;
    }

    /// How many key frames there were.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// When the next packet should be sent.
    pub fn due(&self) -> Duration {
        self.frame_at + self.gap() * self.part
    }

    /// The next packet.
    pub fn take(&mut self) -> Packet {
        let last = self.part + 1 == self.parts;
        let time = (self.frame_at.as_micros() * 9 / 100) as u32;
        let stamped = matches!(self.content, Content::Nothing(_));
        let packet = Packet { due: self.due(), marker: last, time, stamped, payload: self.payload() };
        self.part += 1;
        if last {
            // After a key frame that took long, the frames that fell into its time are left out.
            let (ends, interval) = (self.due(), Duration::from_secs(1) / self.fps());
            while self.frame_at < ends {
                self.frame_at += interval;
            }
            self.begin_frame();
        }
        packet
    }

    fn begin_frame(&mut self) {
        let since = self.key_at.map(|at| self.frame_at - at);
        let over = match &self.content {
            Content::Nothing(_) => since.is_none_or(|since| since >= KEY_INTERVAL),
            Content::Reel(reel) => self.key_at.is_none() || self.since_key + 1 >= reel.frames.len(),
        };
        self.is_key = over || self.asked && since.is_none_or(|since| since >= KEY_GAP);
        self.since_key += 1;
        if self.is_key {
            (self.key_at, self.asked, self.since_key) = (Some(self.frame_at), false, 0);
            self.keys += 1;
        }
        self.frame = self.frame.wrapping_add(1);
        self.part = 0;
        self.parts = self.bytes().div_ceil(PAYLOAD_BYTES_MAX - DESCRIPTOR_BYTES).max(1);
    }

    fn fps(&self) -> u32 {
        match &self.content {
            Content::Nothing(picture) => picture.fps,
            Content::Reel(_) => reel::FPS,
        }
    }

    /// Of the frame, without descriptors.
    fn bytes(&self) -> u32 {
        match &self.content {
            Content::Nothing(picture) if self.is_key => picture.key_bytes,
            Content::Nothing(_) => self.usual,
            Content::Reel(_) => self.film().len() as u32,
        }
    }

    fn film(&self) -> &[u8] {
        match &self.content {
            Content::Nothing(_) => &[],
            Content::Reel(reel) => reel.frames.get(self.since_key).map_or(&[], Vec::as_slice),
        }
    }

    fn gap(&self) -> Duration {
        FRAME_SPREAD / self.usual.div_ceil(PAYLOAD_BYTES_MAX).max(1)
    }

    /// RFC 7741, section 4: descriptor with a picture id of 15 bits; then its share of the frame.
    fn payload(&self) -> Vec<u8> {
        let [high, low] = ((self.frame & 0x7fff) as u16 | 0x8000).to_be_bytes();
        let mut payload = Vec::with_capacity(PAYLOAD_BYTES_MAX as usize);
        payload.extend([0x80 | if self.part == 0 { 0x10 } else { 0 }, 0x80, high, low]);
        let share = self.bytes().div_ceil(self.parts) as usize;
        match &self.content {
            Content::Nothing(picture) => self.fill(&mut payload, *picture, share),
            Content::Reel(_) => {
                let (film, begin) = (self.film(), self.part as usize * share);
                payload.extend(film.get(begin..film.len().min(begin + share)).unwrap_or_default());
            }
        }
        payload
    }

    /// RFC 6386, section 9.1: header of a frame; nothing; a stamp's place.
    fn fill(&self, payload: &mut Vec<u8>, picture: Picture, share: usize) {
        if self.part == 0 && self.is_key {
            let ([w0, w1], [h0, h1]) = (picture.size.0.to_le_bytes(), picture.size.1.to_le_bytes());
            payload.extend([0x10, 0, 0, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]);
        } else {
            payload.extend([0x11, 0, 0]);
        }
        payload.resize(share.max(payload.len() + STAMP_BYTES), 0x55);
    }
}

/// A microphone with its encoder: Opus.
#[derive(Clone, Debug)]
pub struct Microphone {
    next: Duration,
    speaks: bool,
    /// What can be decoded, if anything, and which packet of it is next.
    reel: Option<(Arc<Reel>, usize)>,
}

impl Microphone {
    /// 32 kbit/s if there is something to hear, else what Opus sends of silence.
    pub fn new(speaks: bool, start: Duration) -> Self {
        Microphone { next: start, speaks, reel: None }
    }

    /// One whose sound can be decoded.
    pub fn real(reel: Arc<Reel>, start: Duration) -> Self {
        Microphone { next: start, speaks: true, reel: Some((reel, 0)) }
    }

    /// Whether there is something to hear.
    pub fn speaks(&self) -> bool {
        self.speaks
    }

    /// When the next packet should be sent.
    pub fn due(&self) -> Duration {
        self.next
    }

    /// The next packet.
    pub fn take(&mut self) -> Packet {
        let due = self.next;
        self.next += if self.speaks { SOUND_INTERVAL } else { SILENCE_INTERVAL };
        let time = (due.as_micros() * 48 / 1_000) as u32;
        let (stamped, payload) = match &mut self.reel {
            Some((reel, at)) => {
                *at = (*at + 1) % reel.sounds.len().max(1);
                (false, reel.sounds.get(*at).cloned().unwrap_or_default())
            }
            None => (true, vec![0x78; if self.speaks { 80 } else { STAMP_BYTES + 2 }]),
        };
        Packet { due, marker: false, time, stamped, payload }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(camera: &mut Camera, until: Duration) -> Vec<Packet> {
        std::iter::from_fn(|| (camera.due() < until).then(|| camera.take())).collect()
    }

    fn is_key(packet: &Packet) -> bool {
        packet.payload[0] & 0x10 != 0 && packet.payload[4] & 1 == 0
    }

    #[test]
    fn a_camera_sends_what_a_browser_sends() {
        let mut camera = Camera::new(Picture::CAMERA, Duration::from_millis(7));
        let first = packets(&mut camera, Duration::from_secs(1));
        assert!(is_key(&first[0]) && first[0].due == Duration::from_millis(7));
        let second = packets(&mut camera, Duration::from_secs(2));
        assert_eq!(second.len(), 150);
        assert_eq!(second.iter().filter(|packet| packet.marker).count(), 30);
        assert!(!second.iter().any(is_key));
        let bits: usize = second.iter().map(|packet| packet.payload.len() * 8).sum();
        assert!((1_190_000..1_210_000).contains(&bits), "{bits} bits a second");
    }

    #[test]
    fn packets_of_a_frame_are_spread() {
        let mut camera = Camera::new(Picture::CAMERA, Duration::ZERO);
        let all = packets(&mut camera, Duration::from_secs(2));
        assert!(all.windows(2).all(|pair| pair[0].due < pair[1].due));
        let frame: Vec<_> = all.iter().filter(|packet| packet.time == all[200].time).collect();
        assert_eq!(frame.len(), 5);
        assert_eq!(frame[4].due - frame[0].due, FRAME_SPREAD * 4 / 5);
    }

    #[test]
    fn key_frames_come_every_ten_seconds_and_when_asked_for() {
        let mut camera = Camera::new(Picture::CAMERA, Duration::ZERO);
        let all = packets(&mut camera, Duration::from_secs(25));
        let keys: Vec<u64> = all.iter().filter(|packet| is_key(packet)).map(|packet| packet.due.as_secs()).collect();
        assert_eq!(keys, [0, 10, 20]);
        camera.ask_key();
        let more = packets(&mut camera, Duration::from_secs(26));
        let asked: Vec<_> = more.iter().filter(|packet| is_key(packet)).collect();
        assert_eq!(asked.len(), 1);
        let bytes: usize = more.iter().filter(|packet| packet.time == asked[0].time).map(|packet| packet.payload.len()).sum();
        assert!((30_000..31_000).contains(&bytes), "a key frame of {bytes} bytes");
    }

    #[test]
    fn many_requests_are_one_key_frame() {
        let mut camera = Camera::new(Picture::CAMERA, Duration::ZERO);
        let mut keys = 0;
        while camera.due() < Duration::from_secs(3) {
            camera.ask_key();
            keys += u32::from(is_key(&camera.take()));
        }
        assert_eq!(keys, 10);
    }

    #[test]
    fn a_reel_goes_on_and_begins_again_when_asked_to() {
        let reel = Arc::new(Reel { frames: vec![vec![0, 1, 2], vec![1; 3_000], vec![3; 9]], sounds: vec![vec![1], vec![2]] });
        let mut camera = Camera::real(Arc::clone(&reel), Duration::ZERO);
        let frames = |count: usize, camera: &mut Camera| -> Vec<Vec<u8>> {
            let mut frame = Vec::new();
            let mut all = Vec::new();
            while all.len() < count {
                let packet = camera.take();
                assert!(!packet.stamped && packet.payload.len() <= PAYLOAD_BYTES_MAX as usize);
                frame.extend(&packet.payload[DESCRIPTOR_BYTES as usize..]);
                if packet.marker {
                    all.push(std::mem::take(&mut frame));
                }
            }
            all
        };
        assert_eq!(frames(4, &mut camera), [reel.frames.as_slice(), &reel.frames[..1]].concat());
        let long = Arc::new(Reel { frames: (0..90).map(|n| vec![n; 5]).collect(), sounds: Vec::new() });
        let mut camera = Camera::real(long, Duration::ZERO);
        frames(20, &mut camera);
        camera.ask_key();
        // The next frame had begun.
        assert_eq!(frames(2, &mut camera), [vec![20; 5], vec![0; 5]]);
        assert_eq!(camera.keys(), 2);
        let mut microphone = Microphone::real(reel, Duration::ZERO);
        assert_eq!([0; 3].map(|_| microphone.take().payload), [[2], [1], [2]]);
    }

    #[test]
    fn a_tile_is_one_packet_a_frame() {
        let mut camera = Camera::new(Picture::TILE, Duration::ZERO);
        packets(&mut camera, Duration::from_secs(1));
        assert_eq!(packets(&mut camera, Duration::from_secs(2)).len(), 15);
    }

    #[test]
    fn a_microphone_sends_fifty_packets_a_second_and_less_in_silence() {
        for (speaks, packets) in [(true, 500), (false, 25)] {
            let mut microphone = Microphone::new(speaks, Duration::ZERO);
            let sent: Vec<_> =
                std::iter::from_fn(|| (microphone.due() < Duration::from_secs(10)).then(|| microphone.take())).collect();
            assert_eq!(sent.len(), packets);
            assert!(sent.iter().all(|packet| packet.payload.len() >= STAMP_BYTES));
        }
    }
}
