//! A mixed room in which people come and go for hours: no memory is lost and sound and picture stay in step, whatever a microphone's clock
//! does. Virtual time, real codecs, no transports. Alone in its process, because it counts all that the process takes.

#![allow(clippy::unwrap_used, dead_code, reason = "shares other tests' parts, in which a failure is a failed test")]

#[path = "sfu/meter.rs"]
mod meter;

use std::f32::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::mix::{FromMixer, RoomMix, pieces};
use media::tap::Packet;
use mixer::codec::opus::{Channels, OpusDecoder, OpusEncoder};
use mixer::codec::vp8::{Vp8Decoder, Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};
use room::{Area, Canvas, Cell, Ear, ParticipantId, RoomId, Scene, TrackId, Voice};

const ROOM: RoomId = RoomId(5);
const STEP: Duration = Duration::from_millis(5);
/// From one who comes or goes to the next.
const CHANGE: Duration = Duration::from_secs(3);
/// The microphone of the first one counts slower than it should, by so many millionths: 3.5 s in twelve hours.
const SLOW_PPM: u64 = 80;
const HZ: f32 = 400.0;
/// What buffers that only grow may take more, once they have seen the usual.
const SLACK_BYTES: i64 = 64 * 1_024;
/// The same of what the codecs take, which is not counted, and of what the system gives in large pieces.
const SLACK_MB: f64 = 8.0;

/// Somebody who is bright and loud for a second, and dark and silent for the next.
struct Member {
    who: ParticipantId,
    /// From one packet of sound to the next, by the clock of the world.
    pause: Duration,
    next: [Instant; 2],
    seq: [u64; 2],
    key: bool,
    at: u32,
    microphone: OpusEncoder,
    camera: Vp8Encoder,
}

impl Member {
    fn new(now: Instant, number: u128, pause: Duration) -> Self {
        let settings = Vp8Settings { width: 160, height: 90, fps: 30, bitrate: 100_000 };
        Member {
            who: ParticipantId(number),
            pause,
            next: [now; 2],
            seq: [0; 2],
            key: true,
            at: 0,
            microphone: OpusEncoder::new(Channels::Mono, 24_000, 0).unwrap(),
            camera: Vp8Encoder::new(settings).unwrap(),
        }
    }

    fn track(&self, kind: usize) -> TrackId {
        TrackId(self.who.0 * 10 + kind as u128)
    }

    /// Sends what is due.
    fn send(&mut self, start: Instant, now: Instant, mix: &mut RoomMix) {
        let bright = |at: Instant| (at - start).as_secs().is_multiple_of(2);
        while self.next[0] <= now {
            let level = if bright(self.next[0]) { 0.2 } else { 0.0 };
            self.next[0] += self.pause;
            let samples: Vec<f32> = (0..960).map(|n| level * (TAU * HZ * (self.at + n) as f32 / 48_000.0).sin()).collect();
            self.at = (self.at + 960) % 48_000;
            let mut payload = vec![0; 1_275];
            let size = self.microphone.encode(&samples, &mut payload).unwrap();
            payload.truncate(size);
            self.write(0, now, (self.seq[0] * 960) as u32, payload.into(), false, mix);
        }
        while self.next[1] <= now {
            let picture = Frame::new(160, 90, Colour::of(if bright(self.next[1]) { 0xe0_e0_e0 } else { 0x20_20_20 }));
            self.next[1] += Duration::from_micros(33_333);
            let ms = u64::try_from((now - start).as_millis()).unwrap();
            let encoded = self.camera.encode(&picture.picture(), ms, std::mem::take(&mut self.key)).unwrap();
            let cut: Vec<_> = pieces(encoded.bytes, self.seq[1] as u16).collect();
            cut.into_iter().for_each(|piece| self.write(1, now, (ms * 90) as u32, piece.payload, piece.last, mix));
        }
    }

    fn write(&mut self, kind: usize, now: Instant, time: u32, payload: Arc<[u8]>, last: bool, mix: &mut RoomMix) {
        let (codec, seq) = ([Codec::Opus, Codec::Vp8][kind], self.seq[kind]);
        self.seq[kind] += 1;
        // The network takes up to 8 ms longer for some than for others.
        let arrival = now + Duration::from_millis(seq * 7 % 9);
        let packet = Packet { codec, stream: 1 + kind as u32, seq, time, arrival, last, rotation: None, report: None, payload };
        mix.handle_packet(self.track(kind), packet);
    }
}

/// Two by two: the first one, who is looked at and stays, and those who come and go. All hear all others.
fn scene(members: &[Member]) -> Arc<Scene> {
    let cell = |(n, member): (u16, &Member)| Cell {
        who: member.who,
        area: Area { x: n % 2 * 160, y: n / 2 * 90, width: 160, height: 90 },
        track: Some(member.track(1)),
        name: "somebody".into(),
        whole: false,
    };
    let voice = |member: &Member| Voice { who: member.who, track: member.track(0), volume: 0, sensitivity: 30 };
    let ear = |member: &Member| Ear { who: member.who, hears: true, sees: true, volume: 0, without: vec![member.who] };
    Arc::new(Scene {
        canvas: Canvas { width: 320, height: 180, fps: 20 },
        cells: (0..).zip(members).map(cell).collect(),
        // Only the first one is heard.
        voices: members.iter().take(1).map(voice).collect(),
        ears: members.iter().map(ear).collect(),
        entries: 0,
        exits: 0,
        films: Vec::new(),
    })
}

/// The second one, who stays too, and sees and hears when the first one becomes bright and loud.
struct Viewer {
    eyes: Vp8Decoder,
    ears: OpusDecoder,
    /// Whether it was so the last time, and since when.
    bright: (bool, Option<Instant>),
    loud: (bool, Option<Instant>),
    /// By how much the picture was ahead of the sound, each time, in ms.
    ahead: Vec<f64>,
}

impl Viewer {
    fn new() -> Self {
        let (eyes, ears) = (Vp8Decoder::new().unwrap(), OpusDecoder::new(Channels::Mono).unwrap());
        Viewer { eyes, ears, bright: (false, None), loud: (false, None), ahead: Vec::new() }
    }

    fn take(&mut self, made: FromMixer, who: ParticipantId) {
        match made {
            FromMixer::Picture { shown, frame, .. } => {
                self.eyes.decode(&frame).unwrap();
                let bright = self.eyes.picture().is_some_and(|picture| picture.y.row(45)[80] > 128);
                if !std::mem::replace(&mut self.bright.0, bright) && bright {
                    self.bright.1 = Some(shown);
                }
            }
            FromMixer::Sound { shown, packets, .. } => {
                let Some((_, packet)) = packets.iter().find(|(of, _)| *of == who) else { return };
                let mut samples = [0.0; 960];
                self.ears.decode(packet, &mut samples).unwrap();
                let loud = samples.iter().map(|sample| sample.abs()).fold(0.0, f32::max) > 0.1;
                if !std::mem::replace(&mut self.loud.0, loud) && loud {
                    self.loud.1 = Some(shown);
                }
            }
            FromMixer::Talking(..) | FromMixer::Keyframe(..) => {}
        }
        if let (Some(seen), Some(heard)) = (self.bright.1, self.loud.1) {
            let ms = |at: Instant| at.saturating_duration_since(seen.min(heard)).as_secs_f64() * 1_000.0;
            self.ahead.push(ms(heard) - ms(seen));
            (self.bright.1, self.loud.1) = (None, None);
        }
    }
}

fn resident_mb() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4_096.0 / 1e6
}

/// So many parts of so long, after one that is not counted.
fn check(parts: usize, length: Duration) {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let slow = Duration::from_nanos(20_000_000 + 20 * SLOW_PPM);
    let mut members = vec![Member::new(start, 1, slow), Member::new(start, 2, second / 50)];
    let (mut mix, mut viewer) = (RoomMix::new(start, ROOM, scene(&members)).unwrap(), Viewer::new());
    let (mut now, mut change, mut number) = (start, start + CHANGE, 3);
    let mut first = None;
    for part in 0..=parts {
        let end = now + length;
        while now < end {
            now += STEP;
            if now >= change {
                change += CHANGE;
                if members.len() < 4 {
                    members.push(Member::new(now, number, second / 50));
                    number += 1;
                } else {
                    members.truncate(2);
                }
                mix.handle_scene(now, scene(&members)).unwrap();
            }
            members.iter_mut().for_each(|member| member.send(start, now, &mut mix));
            mix.tick_sound(now);
            mix.decode(now);
            mix.tick_picture(now);
            while let Some(made) = mix.poll_made() {
                if let FromMixer::Keyframe(_, track) = &made {
                    members.iter_mut().filter(|member| member.track(1) == *track).for_each(|member| member.key = true);
                }
                viewer.take(made, ParticipantId(2));
            }
        }
        members.truncate(2);
        mix.handle_scene(now, scene(&members)).unwrap();
        let worst =
            viewer.ahead.iter().copied().fold(0.0, |worst: f64, ahead| if ahead.abs() > worst.abs() { ahead } else { worst });
        let times = std::mem::take(&mut viewer.ahead).len();
        let (bytes, mb) = (meter::live_bytes(), resident_mb());
        let (bytes_before, mb_before) = *first.get_or_insert((bytes, mb));
        println!(
            "part {part}: {number} came so far; {times} times in step, picture ahead by {worst:.0} ms at worst; {} bytes, {:.1} MB more",
            bytes - bytes_before,
            mb - mb_before
        );
        assert!(times as u64 + 2 >= length.as_secs() / 2, "{times} times in {length:?}");
        assert!(worst.abs() <= 60.0, "{worst} ms apart");
        assert!(bytes - bytes_before < SLACK_BYTES && mb - mb_before < SLACK_MB, "{} bytes, {mb} MB", bytes - bytes_before);
    }
    assert_eq!((mix.counts().frames_broken, mix.counts().sounds_late), (0, 0));
}

#[test]
fn a_minute_of_joins_and_leaves_leaves_nothing_behind_and_all_in_step() {
    check(2, Duration::from_secs(20));
}

/// `cargo test --release -p kennel-media --test mixed_soak -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes; the same with fewer joins is above"]
fn twelve_hours_of_joins_and_leaves_leave_nothing_behind_and_all_in_step() {
    check(12, Duration::from_secs(3_600));
}
