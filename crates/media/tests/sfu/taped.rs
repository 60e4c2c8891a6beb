//! Recordings of clients with real transports over an emulated network. Those that need ffmpeg to judge them run by `scripts/test decode`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use container::matroska::{Event, Reader};
use container::{Block, Output, Shape, Track};
use media::engine::Engine;
use media::record::{Effect, Epoch, Floors, MixFile, Recorder};
use media::settings::Settings;
use room::{Act, MixTake, Outcome, RecordNews, RecordedCodec, RecordingId, Take, TrackId, VideoCodec, WhyStopped};

use crate::client::{Join, Picture};
use crate::film::{Film, codec_of};
use crate::layers::{camera, obey};
use crate::mixed::{member, scene};
use crate::mixer::Mixer;
use crate::studio::{RED, WHITE, studio_in};
use crate::world::{Beside, Weather, World, settings};

const SECOND: Duration = Duration::from_secs(1);
const BAD: Weather = Weather { loss: 50, delay: Duration::from_millis(20), jitter: Duration::from_millis(10), twice: 10 };

/// The recorder of an engine, with its files in memory.
pub struct Deck {
    recorder: Recorder,
    files: BTreeMap<RecordingId, Vec<u8>>,
    news: Vec<(RecordingId, RecordNews)>,
    next: Instant,
}

impl Deck {
    /// Looks for packets as the thread does, every 20 ms.
    pub fn attach(world: &mut World) -> Rc<RefCell<Deck>> {
        let (deck, beside) = Deck::new(world);
        world.beside = Some(beside);
        deck
    }

    /// The same for another worker.
    pub fn attach_other(world: &mut World, worker: usize) -> Rc<RefCell<Deck>> {
        let (deck, beside) = Deck::new(world);
        world.ground().others[worker - 1].beside = Some(beside);
        deck
    }

    fn new(world: &World) -> (Rc<RefCell<Deck>>, Beside) {
        let epoch = Epoch { moment: world.start, since_1970: Duration::from_secs(1_795_305_600) };
        let recorder = Recorder::new(epoch, Floors::default());
        let deck = Deck { recorder, files: BTreeMap::new(), news: Vec::new(), next: world.now };
        let deck = Rc::new(RefCell::new(deck));
        let own = Rc::clone(&deck);
        (deck, Box::new(move |now, engine| own.borrow_mut().step(now, engine)))
    }

    fn step(&mut self, now: Instant, engine: &mut Engine) {
        if now < self.next {
            return;
        }
        self.next += Duration::from_millis(20);
        while let Some(told) = engine.poll_recorder() {
            self.recorder.handle(now, told);
        }
        self.recorder.handle_time(now, now);
        while let Some(effect) = self.recorder.poll_effect() {
            match effect {
                Effect::Create(recording, _) => drop(self.files.insert(recording, Vec::new())),
                Effect::Write(recording, Output::Append(bytes)) => self.files.get_mut(&recording).unwrap().extend(bytes),
                Effect::Write(recording, Output::Patch { at, bytes }) => {
                    self.files.get_mut(&recording).unwrap()[at as usize..][..bytes.len()].copy_from_slice(&bytes);
                }
                Effect::Tell(_, recording, news) => self.news.push((recording, news)),
                Effect::End(_, recording, outcome) => {
                    self.recorder.handle_ended(recording);
                    self.news.push((recording, RecordNews::Ended(outcome)));
                }
                Effect::Wish(wish) => engine.handle_recorder(now, wish),
            }
        }
    }

    pub fn outcome(&self, recording: RecordingId) -> Option<Outcome> {
        let mut ends = self.news.iter().filter_map(|(of, news)| match news {
            RecordNews::Ended(outcome) if *of == recording => Some(*outcome),
            _ => None,
        });
        let first = ends.next();
        assert!(ends.next().is_none(), "an end is told once");
        first
    }

    pub fn play(&self, recording: RecordingId) -> (Vec<Track>, Vec<Block>) {
        let (mut reader, mut tracks, mut blocks) = (Reader::default(), Vec::new(), Vec::new());
        reader.push(&self.files[&recording]);
        while let Some(event) = reader.poll() {
            match event {
                Event::Tracks(read) => tracks = read,
                Event::Block(block) => blocks.push(block),
            }
        }
        (tracks, blocks)
    }
}

/// The recording of a track: as it is called here.
pub fn called(track: TrackId) -> RecordingId {
    RecordingId(track.0 + 1_000)
}

fn take(track: TrackId) -> Take {
    Take { recording: called(track), track }
}

/// Records all that somebody publishes.
pub fn record(world: &mut World, client: usize) -> Vec<TrackId> {
    let (who, tracks) = (world.clients[client].who, world.clients[client].tracks.clone());
    let tracks: Vec<TrackId> = tracks.iter().map(|track| track.id).collect();
    world.order(who, Act::Record(tracks.iter().map(|track| take(*track)).collect()));
    tracks
}

fn longest_step(blocks: &[Block]) -> Duration {
    blocks.windows(2).map(|pair| pair[1].time - pair[0].time).max().unwrap()
}

#[test]
fn what_somebody_sends_alone_in_a_room_is_recorded_whole_over_a_bad_line() {
    let mut world = World::new(crate::seed(81));
    let deck = Deck::attach(&mut world);
    let ann = world.join(true, true, false);
    let tracks = record(&mut world, ann);
    world.run(2 * SECOND);
    world.weather = BAD;
    world.run(20 * SECOND);
    let who = world.clients[ann].who;
    world.order(who, Act::Record(vec![]));
    world.run(SECOND);
    let deck = deck.borrow();
    let ends: Vec<Outcome> = tracks.iter().map(|track| deck.outcome(called(*track)).expect("it ended")).collect();
    for (track, outcome) in tracks.iter().zip(&ends) {
        let (_, blocks) = deck.play(called(*track));
        println!("{outcome:?}, {} blocks, longest step {:?}", blocks.len(), longest_step(&blocks));
        assert_eq!(outcome.why, WhyStopped::Stopped);
        assert!(outcome.duration > 20 * SECOND && longest_step(&blocks) < Duration::from_millis(300));
    }
    assert_eq!(ends.iter().map(|end| end.codec).collect::<Vec<_>>(), [Some(RecordedCodec::Opus), Some(RecordedCodec::Vp8)]);
}

#[test]
fn recordings_end_with_their_track_their_peer_and_their_room() {
    let mut world = World::new(crate::seed(82));
    let deck = Deck::attach(&mut world);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    let (anns, bos) = (record(&mut world, ann), record(&mut world, bo));
    world.run(3 * SECOND);
    let ended = |deck: &Rc<RefCell<Deck>>, track: TrackId| deck.borrow().outcome(called(track)).map(|outcome| outcome.why);
    let (who, own) = (world.clients[ann].who, world.clients[ann].tracks.clone());
    world.order(who, Act::Publish(own[..1].to_vec()));
    world.run(SECOND);
    assert_eq!((ended(&deck, anns[0]), ended(&deck, anns[1])), (None, Some(WhyStopped::Stopped)));
    // Another recording of the same track.
    world.order(who, Act::Record(vec![Take { recording: RecordingId(1), track: anns[0] }]));
    world.run(SECOND);
    assert_eq!(ended(&deck, anns[0]), Some(WhyStopped::Stopped));
    // One of a track that is not there.
    let strange = TrackId(99_999);
    world.order(who, Act::Record(vec![Take { recording: RecordingId(1), track: anns[0] }, take(strange)]));
    world.run(SECOND);
    assert_eq!(ended(&deck, strange), Some(WhyStopped::NoMedia));
    assert!(deck.borrow().outcome(RecordingId(1)).is_none(), "what was asked for already goes on");
    world.order(who, Act::Close);
    let who = world.clients[bo].who;
    world.order(who, Act::Close);
    world.run(SECOND);
    assert!(deck.borrow().outcome(RecordingId(1)).is_some_and(|outcome| outcome.bytes > 0));
    assert!(bos.iter().all(|track| ended(&deck, *track) == Some(WhyStopped::Stopped)));
    assert!(deck.borrow().recorder.is_idle());
}

#[test]
fn the_best_layer_is_recorded_while_nobody_watches() {
    for (picture, seed) in [(Picture::Group, 83), (Picture::Named, 84)] {
        let mut world = World::new(crate::seed(seed));
        let deck = Deck::attach(&mut world);
        let ann = world.join_as(&camera(picture));
        let tracks = record(&mut world, ann);
        for _ in 0..100 {
            world.run(SECOND / 10);
            obey(&mut world, ann);
        }
        assert!(obey(&mut world, ann).is_none_or(|needed| needed[2]), "the largest is needed");
        // The largest stops for a while, as it does on a slow line.
        world.camera(ann).layers[2].on = false;
        world.run(5 * SECOND);
        world.camera(ann).layers[2].on = true;
        world.run(10 * SECOND);
        let who = world.clients[ann].who;
        world.order(who, Act::Close);
        world.run(SECOND);
        let deck = deck.borrow();
        let (tracks, blocks) = deck.play(called(tracks[0]));
        let sizes: Vec<_> = blocks
            .iter()
            .filter_map(|block| container::picture::size(tracks[0].codec, &block.bytes))
            .map(|size| size.width)
            .collect();
        println!("{sizes:?}, longest step {:?}", longest_step(&blocks));
        assert_eq!(tracks[0].shape, Shape::Picture { width: 1_280, height: 720, rotation: 0 });
        assert!(sizes.len() >= 3 && sizes.last() == Some(&1_280));
        assert!(longest_step(&blocks) < 3 * SECOND, "{:?}", longest_step(&blocks));
    }
}

#[test]
fn a_mix_is_recorded_while_nobody_receives_it() {
    let mut world = World::new(crate::seed(85));
    let deck = Deck::attach(&mut world);
    world.mixer = Some(Mixer::default());
    let ann = world.join(true, true, false);
    let who = world.clients[ann].who;
    let mix = RecordingId(7);
    let all = |paused| Act::RecordMix(vec![MixTake { recording: mix, paused }]);
    world.order(who, all(false));
    let shown = scene(&world);
    world.order(who, Act::Scene(Some(shown)));
    world.run(6 * SECOND);
    world.order(who, all(true));
    world.run(10 * SECOND);
    world.order(who, all(false));
    world.run(4 * SECOND);
    world.order(who, Act::RecordMix(vec![]));
    world.order(who, Act::Scene(None));
    world.run(SECOND);
    assert!(world.mixer.as_ref().unwrap().scene.is_none(), "nobody needs it any more");
    let deck = deck.borrow();
    let outcome = deck.outcome(mix).expect("it ended");
    let (tracks, blocks) = deck.play(mix);
    assert!(outcome.duration.abs_diff(10 * SECOND) < SECOND / 2, "{outcome:?}");
    let count = |track| blocks.iter().filter(|block| block.track == track).count();
    assert_eq!(tracks.len(), 2);
    assert!(count(0) > 480 && count(1) > 180, "{} {}", count(0), count(1));
}

#[test]
fn a_mix_that_is_recorded_and_received_is_for_both_and_ends_with_the_room() {
    let mut world = World::new(crate::seed(86));
    let deck = Deck::attach(&mut world);
    world.mixer = Some(Mixer::default());
    let ann = world.join_as(&member(true, true));
    let who = world.clients[ann].who;
    world.clients[ann].kept = Some(BTreeMap::new());
    let shown = scene(&world);
    world.order(who, Act::Scene(Some(shown)));
    world.run(2 * SECOND);
    world.order(who, Act::RecordMix(vec![MixTake { recording: RecordingId(7), paused: false }]));
    world.run(3 * SECOND);
    assert_eq!(world.mixer.as_ref().unwrap().scene.as_ref().unwrap().ears.len(), 2);
    world.order(who, Act::Close);
    world.run(SECOND);
    assert!(deck.borrow().outcome(RecordingId(7)).is_some_and(|outcome| outcome.duration > 2 * SECOND));
    assert_eq!(world.engine.sizes(), (0, 0, 0));
}

#[test]
fn the_end_of_a_mix_is_told_where_nobody_is_any_more() {
    let mut world = World::new(crate::seed(90));
    let deck = Deck::attach(&mut world);
    let ann = world.join(true, false, false);
    let who = world.clients[ann].who;
    world.order(who, Act::Close);
    world.run(SECOND);
    world.order(who, Act::RecordMix(vec![MixTake { recording: RecordingId(7), paused: false }]));
    world.run(SECOND);
    let deck = deck.borrow();
    assert_eq!(deck.outcome(RecordingId(7)).map(|outcome| outcome.why), Some(WhyStopped::NoMedia));
    assert!(deck.recorder.is_idle());
}

/// A film that was recorded over a bad line: all that ffmpeg decodes of the file, and what it complains of.
fn film(codec: VideoCodec, seed: u64) {
    let mut world = World::new(crate::seed(seed));
    let deck = Deck::attach(&mut world);
    let film = Film::make(codec, (640, 360), "400k");
    let ann = world.join_as(&Join { video: Picture::One, audio: true, codecs: vec![codec], ..Join::default() });
    for layer in &mut world.camera(ann).layers {
        (layer.codec, layer.projector) = (codec_of(codec), Some(film.projector(7)));
    }
    let tracks = record(&mut world, ann);
    world.run(2 * SECOND);
    world.weather = BAD;
    world.run(10 * SECOND);
    let who = world.clients[ann].who;
    world.order(who, Act::Close);
    world.run(SECOND);
    let folder = tempfile::tempdir().unwrap();
    let (path, deck) = (folder.path().join("file.mkv"), deck.borrow());
    let pictures = called(tracks[1]);
    let outcome = deck.outcome(pictures).unwrap();
    let places: Vec<_> = deck.play(pictures).1.iter().map(|block| film.find(&block.bytes)).collect();
    // Nothing is left out: at most, it goes on at a key frame.
    let goes_on = |pair: &[Option<usize>]| pair[1].is_some_and(|next| next % 45 == 0 || pair[0] == Some(next - 1));
    assert!(codec == VideoCodec::H264 || places.windows(2).all(goes_on), "{places:?}");
    std::fs::write(&path, &deck.files[&pictures]).unwrap();
    let path = path.to_str().unwrap();
    let (sums, problems) = run("ffmpeg", &["-v", "warning", "-i", path, "-f", "framemd5", "-"]);
    let sums = String::from_utf8(sums).unwrap();
    let frames = sums.lines().filter(|line| !line.starts_with('#')).count();
    assert!(problems.is_empty() && frames > 11 * 28, "{frames} frames of {codec:?}: {problems}");
    let (told, _) = run("ffprobe", &["-v", "error", "-show_entries", "format=duration", "-of", "default=nw=1:nk=1", path]);
    let told: f64 = String::from_utf8(told).unwrap().trim().parse().unwrap();
    assert!((told - outcome.duration.as_secs_f64()).abs() < 0.05 && told > 11.0, "{told} {outcome:?}");
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn recorded_films_are_decoded_without_an_error() {
    film(VideoCodec::Vp8, 87);
    film(VideoCodec::Vp9, 88);
    film(VideoCodec::H264, 89);
}

/// What a program says of a file, and what it complains of.
fn run(program: &str, arguments: &[&str]) -> (Vec<u8>, String) {
    let output = Command::new(program).args(arguments).output().unwrap();
    (output.stdout, String::from_utf8(output.stderr).unwrap())
}

/// Members who flash and beep in the same moment now and then, recorded as a mix: by how much later each beep is in the file than its
/// flash, in ms. Read by ffmpeg.
fn apart(file: MixFile, seed: u64) -> Vec<f64> {
    let mut world = World::new(crate::seed(seed));
    world.engine = Engine::new(world.now, Settings { mix: file, ..settings(world.server) }, seed);
    let (mut world, acts) = studio_in(world, 2);
    let deck = Deck::attach(&mut world);
    acts.iter().for_each(|act| act.loud.set(false));
    let who = world.clients[0].who;
    let mix = RecordingId(7);
    world.order(who, Act::RecordMix(vec![MixTake { recording: mix, paused: false }]));
    world.run(4 * SECOND);
    for n in 0..FLASHES {
        // Never in step with pictures or packets.
        world.run(Duration::from_millis(700 + n * 37 % 100));
        acts[0].colour.set(WHITE);
        acts[0].loud.set(true);
        world.run(Duration::from_millis(300));
        acts[0].colour.set(RED);
        acts[0].loud.set(false);
    }
    world.run(SECOND);
    world.order(who, Act::RecordMix(vec![]));
    world.run(SECOND);
    let deck = deck.borrow();
    assert!(deck.outcome(mix).is_some_and(|outcome| outcome.duration > FLASHES as u32 * SECOND), "{:?}", deck.outcome(mix));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(if file == MixFile::Mp4 { "mix.mp4" } else { "mix.webm" });
    std::fs::write(&path, &deck.files[&mix]).unwrap();
    let path = path.to_str().unwrap();
    flashes(path).iter().zip(beeps(path)).map(|(flash, beep)| beep - flash).collect()
}

/// How often it flashes and beeps.
const FLASHES: u64 = 12;

/// When the first of two cells turns white, in ms since the beginning of the file.
fn flashes(path: &str) -> Vec<f64> {
    let (times, _) =
        run("ffprobe", &["-v", "error", "-of", "csv=p=0", "-select_streams", "v", "-show_entries", "frame=pts_time", path]);
    let times = String::from_utf8(times).unwrap();
    let times = times.lines().map(|line| line.trim_end_matches(',').parse::<f64>().unwrap() * 1_000.0);
    let cell = "crop=iw/2:ih/2:0:0,scale=1:1:flags=area,format=gray";
    let (pixels, problems) =
        run("ffmpeg", &["-v", "error", "-i", path, "-fps_mode", "passthrough", "-vf", cell, "-f", "rawvideo", "-"]);
    assert!(problems.is_empty(), "{problems}");
    let pictures: Vec<(f64, bool)> = times.zip(pixels.iter().map(|light| *light > 150)).collect();
    pictures.windows(2).filter(|pair| !pair[0].1 && pair[1].1).map(|pair| pair[1].0).collect()
}

/// When sound begins after silence, in ms since the beginning of the file.
fn beeps(path: &str) -> Vec<f64> {
    let sound = "aresample=async=1:first_pts=0";
    let (bytes, problems) =
        run("ffmpeg", &["-v", "error", "-i", path, "-af", sound, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]);
    assert!(problems.is_empty(), "{problems}");
    let samples = bytes.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]]));
    let (mut found, mut quiet) = (Vec::new(), 0_usize);
    for (at, sample) in samples.enumerate() {
        quiet += 1;
        if sample.unsigned_abs() > 1_000 {
            // Silence of 200 ms and more.
            if quiet > 9_600 {
                found.push(at as f64 / 48.0);
            }
            quiet = 0;
        }
    }
    found
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn what_is_decoded_of_a_recorded_mix_is_seen_and_heard_at_one_moment() {
    for (file, seed) in [(MixFile::WebM, 91), (MixFile::Mp4, 92)] {
        let apart = apart(file, seed);
        let said: Vec<String> = apart.iter().map(|ms| format!("{ms:.0}")).collect();
        let mean = apart.iter().sum::<f64>() / apart.len() as f64;
        println!("{file:?}: sound after picture by {mean:.0} ms: {}", said.join(" "));
        assert_eq!(apart.len() as u64, FLASHES, "{file:?}: each is seen and heard");
        // Each waits for its turn: a flash for a frame of the camera and one of the mix, up to 83 ms, and a beep for a packet, up to 20.
        assert!(mean.abs() < 25.0 && apart.iter().all(|ms| ms.abs() < 75.0), "{file:?}: {apart:?}");
    }
}
