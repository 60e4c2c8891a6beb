use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use mixer::codec::opus::{Channels, OpusDecoder};
use mixer::codec::vp8::Vp8Decoder;
use mixer::frame::{Colour, Frame};
use room::{Area, Canvas, Ear, ParticipantId, PlaybackId, Scene};

use super::*;
use crate::mix::{FromMixer, RoomMix};

/// A file without end: green until 200 ms, then blue, and a steady tone.
struct Endless(Sender<Duration>);

impl Reel for Endless {
    fn jump(&self, to: Duration) {
        self.0.send(to).expect("heard");
    }

    fn sound(&self, samples: &mut [f32]) -> bool {
        samples.iter_mut().enumerate().for_each(|(n, sample)| *sample = (n as f32 * 0.1).sin() * 0.5);
        true
    }

    fn picture(&self, at: Duration) -> Option<Shown> {
        let colour = Colour::of(if at < Duration::from_millis(200) { 0x00_ff_00 } else { 0x00_00_ff });
        Some(Shown { time: at, frame: Frame::new(320, 180, colour), rotation: 0 })
    }
}

struct One(Sender<Duration>);

impl Projector for One {
    fn project(&self, _: RoomId, film: &Film) -> Option<Box<dyn Reel>> {
        self.0.send(film.from).expect("heard");
        Some(Box::new(Endless(self.0.clone())))
    }
}

/// A file of one picture, and no sound.
struct Still(std::cell::Cell<bool>);

impl Reel for Still {
    fn jump(&self, _: Duration) {}

    fn sound(&self, _: &mut [f32]) -> bool {
        true
    }

    fn picture(&self, at: Duration) -> Option<Shown> {
        let frame = Frame::new(320, 180, Colour::of(0x00_00_ff));
        (!self.0.replace(true)).then_some(Shown { time: at, frame, rotation: 0 })
    }
}

struct Stills;

impl Projector for Stills {
    fn project(&self, _: RoomId, _: &Film) -> Option<Box<dyn Reel>> {
        Some(Box::new(Still(std::cell::Cell::new(false))))
    }
}

struct Bench {
    mix: RoomMix,
    now: Instant,
    jumps: Receiver<Duration>,
    pictures: Vp8Decoder,
    sound: OpusDecoder,
}

fn film() -> Film {
    let area = Area { x: 0, y: 0, width: 320, height: 180 };
    let (paused, volume, jump) = (false, 0, 0);
    Film { id: PlaybackId(5), url: "".into(), area: Some(area), volume, paused, jump, from: Duration::ZERO }
}

fn scene(films: Vec<Film>) -> Arc<Scene> {
    let canvas = Canvas { width: 320, height: 180, fps: 20 };
    let ear = Ear { who: ParticipantId(1), hears: true, sees: true, volume: 0, without: vec![] };
    Arc::new(Scene { canvas, films, ears: vec![ear], ..Scene::default() })
}

impl Bench {
    fn new() -> Bench {
        let (sender, jumps) = channel();
        Bench { jumps, ..Bench::of(Arc::new(One(sender)), film()) }
    }

    fn of(projector: Arc<dyn Projector>, film: Film) -> Bench {
        let (_, jumps) = channel();
        let now = Instant::now();
        let mix = RoomMix::new(now, RoomId(1), scene(vec![film])).expect("a mix").with_projector(Some(projector));
        let (pictures, sound) = (Vp8Decoder::new().expect("a decoder"), OpusDecoder::new(Channels::Mono).expect("a decoder"));
        Bench { mix, now, jumps, pictures, sound }
    }

    fn set(&mut self, films: Vec<Film>) {
        self.mix.handle_scene(self.now, scene(films)).expect("a mix");
    }

    /// Goes on for so long: how loud the last 20 ms were, and the last picture's blue (128 is neither).
    fn pass(&mut self, ms: u64) -> (f32, u8) {
        let (mut loud, mut blue) = (0.0, 0);
        for _ in 0..ms / 20 {
            self.mix.tick_sound(self.now);
            self.mix.tick_picture(self.now);
            self.now += TICK;
            while let Some(made) = self.mix.poll_made() {
                match made {
                    FromMixer::Sound { packets, .. } => {
                        let mut samples = [0.0; TICK_SAMPLES];
                        self.sound.decode(&packets[0].1, &mut samples).expect("a packet");
                        loud = samples.iter().fold(0.0, |loud: f32, sample| loud.max(sample.abs()));
                    }
                    FromMixer::Picture { frame, .. } => {
                        self.pictures.decode(&frame).expect("a frame");
                        blue = self.pictures.picture().expect("a picture").u.row(45)[80];
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        (loud, blue)
    }
}

#[test]
fn a_file_is_seen_and_heard_and_stands_still_when_it_is_told_to() {
    let mut bench = Bench::new();
    assert_eq!(bench.jumps.try_recv(), Ok(Duration::ZERO));
    let (loud, blue) = bench.pass(160);
    assert!(loud > 0.3 && blue < 100, "green and loud: {loud} {blue}");
    bench.set(vec![Film { paused: true, ..film() }]);
    let (loud, blue) = bench.pass(600);
    assert!(loud < 0.02 && blue < 100, "green still, and silent: {loud} {blue}");
    bench.set(vec![Film { volume: -20, ..film() }]);
    let (loud, blue) = bench.pass(600);
    assert!((0.02..0.1).contains(&loud) && blue > 160, "blue and quiet: {loud} {blue}");
    bench.set(vec![Film { jump: 1, ..film() }]);
    assert_eq!(bench.jumps.try_recv(), Ok(Duration::ZERO), "it goes back");
    let (loud, blue) = bench.pass(160);
    assert!(loud > 0.3 && blue < 100, "{loud} {blue}");
    bench.set(vec![]);
    let (loud, blue) = bench.pass(600);
    assert!(loud < 0.02 && (120..136).contains(&blue), "{loud} {blue}");
}

#[test]
fn a_picture_that_comes_before_its_place_is_seen_there() {
    let nowhere = Film { area: None, ..film() };
    let mut bench = Bench::of(Arc::new(Stills), nowhere.clone());
    assert_eq!(bench.pass(200).1, 128);
    bench.set(vec![film()]);
    assert!(bench.pass(200).1 > 200);
    bench.set(vec![nowhere]);
    bench.pass(200);
    bench.set(vec![Film { paused: true, ..film() }]);
    assert!(bench.pass(200).1 > 200, "and again, while it stands still");
}
