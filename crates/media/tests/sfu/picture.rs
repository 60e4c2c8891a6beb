//! Synthetic VP8: frames whose headers are true and whose pictures are padding with a stamp, and a watcher who judges what comes out
//! as a decoder would.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::format::Codec;
use str0m::media::Mid;
use str0m::rtp::{RtpPacket, RtpWrite, Ssrc};

/// Where the stamp is in every payload, behind the longest header.
const STAMP: usize = 16;
const STAMP_END: usize = STAMP + 24;

/// How long a decoder waits for a frame before it wants another beginning.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// How often it asks for it.
const ASK_INTERVAL: Duration = Duration::from_millis(300);

/// One layer of a camera.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub width: u16,
    pub height: u16,
    /// Packets of one frame, and bytes of each.
    pub packets: u64,
    pub bytes: usize,
}

/// 432 kbit/s, for cameras that send one layer.
pub const PLAIN: Shape = Shape { width: 320, height: 180, packets: 3, bytes: 600 };

/// 120 kbit/s, 436 kbit/s and 1.3 Mbit/s.
pub const LAYERS: [Shape; 3] = [
    Shape { width: 320, height: 180, packets: 1, bytes: 500 },
    Shape { width: 640, height: 360, packets: 2, bytes: 900 },
    Shape { width: 1280, height: 720, packets: 5, bytes: 1_080 },
];

/// A camera with one or more layers.
pub struct Camera {
    pub mid: Mid,
    pub next: Instant,
    pub on: bool,
    pub layers: Vec<Layer>,
    pub keyframes: u32,
    base: Instant,
}

/// The payloads of the next frame; it has to be a key frame if it is told so.
pub type Projector = Box<dyn FnMut(bool) -> Vec<Vec<u8>>>;

pub struct Layer {
    pub shape: Shape,
    pub codec: Codec,
    /// Real pictures in place of drawn ones.
    pub projector: Option<Projector>,
    /// None: that of the section.
    pub ssrc: Option<(Ssrc, Ssrc)>,
    pub on: bool,
    /// When it was asked for key frames.
    pub asked: Vec<Instant>,
    seq: u64,
    frame: u16,
    offset: u32,
    keyframe: bool,
    prepared: bool,
}

impl Camera {
    pub fn new(mid: Mid, now: Instant, base: Instant) -> Self {
        Camera { mid, next: now, on: true, layers: vec![Layer::new(PLAIN, 0)], keyframes: 0, base }
    }

    /// Layers under sources of their own.
    pub fn layered(mid: Mid, now: Instant, base: Instant, sources: &[(u32, u32)]) -> Self {
        let mut camera = Camera::new(mid, now, base);
        let layer = |(n, (shape, (ssrc, rtx))): (u32, (&Shape, &(u32, u32)))| Layer {
            ssrc: Some(((*ssrc).into(), (*rtx).into())),
            ..Layer::new(*shape, n)
        };
        camera.layers = (0..).zip(LAYERS.iter().zip(sources)).map(layer).collect();
        camera
    }

    pub fn ask_keyframe(&mut self, now: Instant) {
        self.layers.iter_mut().for_each(|layer| layer.ask(now));
    }

    /// A request that names the source of one layer.
    pub fn ask_layer(&mut self, now: Instant, ssrc: Ssrc) {
        self.layers.iter_mut().filter(|layer| layer.ssrc.is_some_and(|(own, _)| own == ssrc)).for_each(|layer| layer.ask(now));
    }

    pub fn send(&mut self, now: Instant, rtc: &mut Rtc) {
        self.next = now + Duration::from_millis(33);
        if !self.on {
            return;
        }
        let passed = now - self.base;
        for (n, layer) in (0..).zip(&mut self.layers).filter(|(_, layer)| layer.on) {
            self.keyframes += u32::from(layer.keyframe);
            layer.send(now, passed, self.mid, n, rtc);
        }
    }
}

impl Layer {
    fn new(shape: Shape, n: u32) -> Self {
        let (frame, offset) = (u16::try_from(n * 5_000 + 32_000).unwrap() & 0x7fff, n * 77_777);
        Layer {
            shape,
            codec: Codec::Vp8,
            projector: None,
            ssrc: None,
            on: true,
            asked: Vec::new(),
            seq: 1_000 + u64::from(n) * 300,
            frame,
            offset,
            keyframe: true,
            prepared: false,
        }
    }

    fn ask(&mut self, now: Instant) {
        self.keyframe = true;
        self.asked.push(now);
    }

    fn send(&mut self, now: Instant, passed: Duration, mid: Mid, n: u8, rtc: &mut Rtc) {
        let keyframe = std::mem::take(&mut self.keyframe);
        self.prepare(mid, n, rtc);
        let pt = rtc.codec_config().find(|p| p.spec().codec == self.codec).unwrap().pt();
        let time = u32::try_from(passed.as_micros() * 9 / 100 % (1 << 32)).unwrap().wrapping_add(self.offset);
        let payloads = self.payloads(keyframe, n, passed);
        let last = payloads.len() - 1;
        for (part, payload) in payloads.into_iter().enumerate() {
            let mut api = rtc.direct_api();
            let stream = match self.ssrc {
                Some((ssrc, _)) => api.stream_tx(&ssrc),
                None => api.stream_tx_by_mid(mid, None),
            };
            let Some(stream) = stream else { return };
            let write = RtpWrite::new(pt, self.seq.into(), time, now, payload);
            stream.write_rtp(write.marker(part == last).nackable(true));
            self.seq += 1;
        }
        self.frame = (self.frame + 1) & 0x7fff;
    }

    /// Browsers send again whatever is asked for.
    fn prepare(&mut self, mid: Mid, n: u8, rtc: &mut Rtc) {
        if std::mem::replace(&mut self.prepared, true) {
            return;
        }
        let mut api = rtc.direct_api();
        let stream = match self.ssrc {
            // The library sends one stream under each name, and takes one without a name for any of them, so the sources of a group have
            // names that nobody is told.
            Some((ssrc, rtx)) => {
                api.remove_stream_tx(ssrc);
                Some(api.declare_stream_tx(ssrc, Some(rtx), mid, Some(["q", "h", "f"][usize::from(n)].into())))
            }
            None => api.stream_tx_by_mid(mid, None),
        };
        if let Some(stream) = stream {
            stream.set_rtx_cache(1_000, Duration::from_secs(3), None);
        }
    }

    fn payloads(&mut self, keyframe: bool, layer: u8, passed: Duration) -> Vec<Vec<u8>> {
        match &mut self.projector {
            Some(projector) => projector(keyframe),
            None => (0..self.shape.packets).map(|part| self.payload(part, keyframe, layer, passed)).collect(),
        }
    }

    /// RFC 7741, section 4: descriptor with a 15-bit picture id; then the header of a frame; then the stamp.
    fn payload(&self, part: u64, keyframe: bool, layer: u8, passed: Duration) -> Vec<u8> {
        let [high, low] = (self.frame | 0x8000).to_be_bytes();
        let mut bytes = vec![0x80 | if part == 0 { 0x10 } else { 0 }, 0x80, high, low];
        if part == 0 && keyframe {
            let ([w0, w1], [h0, h1]) = (self.shape.width.to_le_bytes(), self.shape.height.to_le_bytes());
            bytes.extend([0x10, 0, 0, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]);
        } else {
            bytes.extend([0x01, 0, 0]);
        }
        bytes.resize(STAMP, 0xaa);
        bytes.extend(u64::try_from(passed.as_micros()).unwrap().to_be_bytes());
        bytes.extend([layer, u8::from(keyframe), u8::try_from(self.shape.packets).unwrap(), u8::try_from(part).unwrap()]);
        bytes.extend(u32::from(self.frame).to_be_bytes());
        bytes.resize(self.shape.bytes.max(STAMP_END), 0xaa);
        bytes
    }
}

/// When a payload was made, since the beginning.
pub fn made(payload: &[u8]) -> Option<Duration> {
    Some(Duration::from_micros(Stamp::read(payload)?.micros))
}

/// What a payload says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    micros: u64,
    layer: u8,
    keyframe: bool,
    packets: u8,
    frame: u32,
    /// As rewritten.
    picture: u16,
}

impl Stamp {
    fn read(payload: &[u8]) -> Option<Self> {
        let stamp = payload.get(STAMP..STAMP_END)?;
        Some(Stamp {
            micros: u64::from_be_bytes(stamp[..8].try_into().unwrap()),
            layer: stamp[8],
            keyframe: stamp[9] == 1,
            packets: stamp[10],
            frame: u32::from_be_bytes(stamp[12..16].try_into().unwrap()),
            picture: u16::from_be_bytes([payload[2], payload[3]]) & 0x7fff,
        })
    }
}

struct Partial {
    stamp: Stamp,
    time: u32,
    seqs: Vec<u64>,
}

/// Judges one received stream: frames in the order of their picture ids, each with the one before it that it builds on.
#[derive(Default)]
pub struct Watcher {
    pub packets: u64,
    /// Whole frames that could be decoded.
    pub frames: u64,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
    pub worst_gap: Duration,
    /// The longest that a decodable frame was under way since this was last reset.
    pub worst_delay: Duration,
    /// Key frames that this watcher needed because frames never came.
    pub breaks: u32,
    /// Which layers were seen, in turn.
    pub layers: Vec<(Instant, u8)>,
    partial: BTreeMap<u64, Partial>,
    newest: u64,
    next: Option<u64>,
    stuck: Option<Instant>,
    asked: Option<Instant>,
    last: Option<(Stamp, u32, u64)>,
}

impl Watcher {
    /// Takes a packet; true if a key frame is needed to go on.
    pub fn watch(&mut self, now: Instant, base: Instant, packet: &RtpPacket) -> bool {
        self.packets += 1;
        let Some(stamp) = Stamp::read(&packet.payload) else { return false };
        let picture = self.widen(stamp.picture);
        if self.next.is_none_or(|next| picture >= next) {
            let partial =
                self.partial.entry(picture).or_insert_with(|| Partial { stamp, time: packet.header.timestamp, seqs: Vec::new() });
            assert_eq!((partial.stamp, partial.time), (stamp, packet.header.timestamp), "two frames under one number");
            assert!(!partial.seqs.contains(&packet.seq_no), "a packet came twice");
            partial.seqs.push(*packet.seq_no);
        }
        while self.finish(now, base) {}
        self.wants_keyframe(now)
    }

    fn widen(&mut self, picture: u16) -> u64 {
        let (low, full) = (u64::from(picture), 1_u64 << 15);
        if self.packets == 1 {
            self.newest = full + low;
        }
        let candidate = (self.newest & !(full - 1)) + low;
        let near = [candidate.saturating_sub(full), candidate, candidate + full];
        let wide = near.into_iter().min_by_key(|one| one.abs_diff(self.newest)).unwrap();
        self.newest = self.newest.max(wide);
        wide
    }

    fn finish(&mut self, now: Instant, base: Instant) -> bool {
        let whole = |partial: &Partial| partial.seqs.len() == usize::from(partial.stamp.packets);
        let picture = match self.next {
            Some(next) => self.partial.get(&next).filter(|partial| whole(partial)).map(|_| next),
            None => None,
        };
        let beginning = || self.partial.iter().find(|(_, partial)| partial.stamp.keyframe && whole(partial)).map(|(n, _)| *n);
        let waited = self.next.is_none() || self.stuck.is_some_and(|since| now - since > PATIENCE);
        let Some(picture) = picture.or_else(|| beginning().filter(|_| waited)) else { return false };
        if self.next.is_some_and(|next| next != picture) {
            self.breaks += 1;
        }
        let Partial { stamp, time, mut seqs } = self.partial.remove(&picture).unwrap();
        self.partial = self.partial.split_off(&picture);
        seqs.sort_unstable();
        self.judge(stamp, time, &seqs, self.next == Some(picture));
        self.note(now, base, stamp);
        self.next = Some(picture + 1);
        self.stuck = None;
        true
    }

    /// A stream without a seam: each frame builds on the one before, time and numbers only grow, nothing is left out.
    fn judge(&mut self, stamp: Stamp, time: u32, seqs: &[u64], follows: bool) {
        if let Some((last, last_time, last_seq)) = self.last.filter(|_| follows) {
            let continues = last.layer == stamp.layer && (last.frame + 1) & 0x7fff == stamp.frame;
            assert!(stamp.keyframe || continues, "{stamp:?} cannot be decoded after {last:?}");
            let step = time.wrapping_sub(last_time).cast_signed();
            assert!(step > 0, "time goes from {last_time} to {time}");
            assert_eq!(seqs[0], last_seq + 1, "numbers are left out");
        }
        assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{seqs:?}");
        self.last = Some((stamp, time, *seqs.last().unwrap()));
    }

    fn note(&mut self, now: Instant, base: Instant, stamp: Stamp) {
        self.frames += 1;
        self.first_at.get_or_insert(now);
        if let Some(last) = self.last_at.replace(now) {
            self.worst_gap = self.worst_gap.max(now - last);
        }
        self.worst_delay = self.worst_delay.max((now - base).saturating_sub(Duration::from_micros(stamp.micros)));
        if self.layers.last().is_none_or(|(_, layer)| *layer != stamp.layer) {
            self.layers.push((now, stamp.layer));
        }
    }

    fn wants_keyframe(&mut self, now: Instant) -> bool {
        if self.partial.is_empty() {
            self.stuck = None;
            return false;
        }
        let since = *self.stuck.get_or_insert(now);
        let patient = now - since <= PATIENCE && self.next.is_some();
        if patient || self.asked.is_some_and(|asked| now - asked < ASK_INTERVAL) {
            return false;
        }
        self.asked = Some(now);
        true
    }

    /// The layer that came last.
    pub fn layer(&self) -> Option<u8> {
        self.layers.last().map(|(_, layer)| *layer)
    }
}
