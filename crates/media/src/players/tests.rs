use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use container::matroska::Writer;
use container::{Block, Codec, Output, Track};
use mixer::codec::opus::{Channels, OpusEncoder};
use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};

use super::*;

const ROOM: RoomId = RoomId(1);
const FILM: PlaybackId = PlaybackId(2);

/// Has one file, and nothing at any other address.
struct Shelf(Vec<u8>);

impl Library for Shelf {
    fn open(&self, url: &str, _: &Arc<AtomicBool>) -> io::Result<Arc<dyn Bytes>> {
        if url == "file" { Ok(Arc::new(self.0.clone())) } else { Err(io::Error::other("no such file")) }
    }
}

/// A second: green, then blue, with a tone.
fn webm() -> Vec<u8> {
    let mut pictures = Vp8Encoder::new(Vp8Settings { width: 64, height: 48, fps: 20, bitrate: 500_000 }).expect("an encoder");
    let mut sound = OpusEncoder::new(Channels::Mono, 48_000, 3).expect("an encoder");
    let mut blocks = Vec::new();
    for n in 0..20_u64 {
        let colour = Colour::of(if n < 10 { 0x00_ff_00 } else { 0x00_00_ff });
        let encoded = pictures.encode(&Frame::new(64, 48, colour).picture(), n * 50, n % 10 == 0).expect("a frame");
        let (keyframe, bytes) = (encoded.key, encoded.bytes.to_vec());
        blocks.push(Block { track: 0, time: Duration::from_millis(n * 50), keyframe, rotation: None, bytes });
    }
    let tone = |n: u64| (std::f32::consts::TAU * 440.0 * n as f32 / 48_000.0).sin() / 2.0;
    for n in 0..50_u64 {
        let samples: Vec<f32> = (n * 960..(n + 1) * 960).map(tone).collect();
        let mut packet = [0; 1_000];
        let size = sound.encode(&samples, &mut packet).expect("a packet");
        let time = Duration::from_millis(n * 20);
        blocks.push(Block { track: 1, time, keyframe: true, rotation: None, bytes: packet[..size].to_vec() });
    }
    let tracks = [Track::picture(Codec::Vp8, &blocks[0].bytes, 0).expect("a key frame"), Track::opus(1)];
    blocks.sort_by_key(|block| block.time);
    let mut writer = Writer::new(&tracks, Duration::ZERO);
    blocks.into_iter().for_each(|block| writer.push(block));
    writer.finish(true);
    let mut file = Vec::new();
    while let Some(output) = writer.poll() {
        match output {
            Output::Append(bytes) => file.extend(bytes),
            Output::Patch { at, bytes } => file[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes),
        }
    }
    file
}

fn film(url: &str, from: Duration) -> room::Film {
    room::Film { id: FILM, url: url.into(), area: None, volume: 0, paused: false, jump: 0, from }
}

fn project(url: &str, from: Duration) -> (Box<dyn Reel>, Receiver<PlayNews>) {
    let (sender, news) = channel();
    let sender = Mutex::new(sender);
    let report = move |report| {
        let Report::Played { room: ROOM, playback: FILM, news } = report else { panic!("{report:?}") };
        // Nobody may listen any more.
        let _ = sender.lock().expect("whole").send(news);
    };
    let players = Players::new(Arc::new(Shelf(webm())), Arc::new(report));
    (players.project(ROOM, &film(url, from)).expect("a player"), news)
}

fn hear(news: &Receiver<PlayNews>) -> PlayNews {
    news.recv_timeout(Duration::from_secs(20)).expect("news")
}

/// Takes all of it as a mix does, but faster, until it is told that it is over: which pictures were seen, the first one's time, and how
/// loud it was. Those for which it is too late are left out.
fn watch(reel: &dyn Reel, news: &Receiver<PlayNews>, from: Duration) -> (Duration, f32) {
    let (mut at, mut seen, mut loud, begun) = (from, Vec::new(), 0.0_f32, Instant::now());
    loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "it stands still at {at:?}");
        match news.recv_timeout(Duration::from_millis(1)) {
            Ok(told) => {
                assert_eq!(told, PlayNews::Ended(WhyPlayed::Finished), "and does not begin twice");
                assert!(seen.len() >= 2 && seen.is_sorted(), "{seen:?}");
                return (seen[0], loud);
            }
            Err(problem) => assert_eq!(problem, RecvTimeoutError::Timeout),
        }
        let mut samples = [0.0; 960];
        if reel.sound(&mut samples) {
            at += Duration::from_millis(20);
            loud = samples.iter().fold(loud, |loud, sample| loud.max(*sample));
        }
        if let Some(shown) = reel.picture(at) {
            let [_, blue, _] = shown.frame.picture().planes();
            assert_eq!(blue.row(10)[10] > 128, shown.time >= Duration::from_millis(500), "at {:?}", shown.time);
            seen.push(shown.time);
        }
    }
}

#[test]
fn a_file_is_seen_and_heard_from_its_beginning_to_its_end() {
    let (reel, news) = project("file", Duration::ZERO);
    assert_eq!(hear(&news), PlayNews::Began { pictures: true });
    let (first, loud) = watch(&*reel, &news, Duration::ZERO);
    assert_eq!(first, Duration::ZERO);
    assert!((0.4..0.7).contains(&loud), "{loud}");
}

#[test]
fn it_goes_where_it_is_told() {
    let (reel, news) = project("file", Duration::from_millis(700));
    assert_eq!(hear(&news), PlayNews::Began { pictures: true });
    reel.jump(Duration::from_millis(200));
    let (first, _) = watch(&*reel, &news, Duration::from_millis(200));
    assert_eq!(first, Duration::from_millis(200));
}

#[test]
fn what_is_not_there_ends() {
    let (_reel, news) = project("elsewhere", Duration::ZERO);
    assert_eq!(hear(&news), PlayNews::Ended(WhyPlayed::Unreachable));
}

#[test]
fn who_wants_it_no_longer_hears_nothing_more() {
    let (reel, news) = project("file", Duration::ZERO);
    assert_eq!(hear(&news), PlayNews::Began { pictures: true });
    drop(reel);
    // The thread had the only way to tell, and is gone.
    assert_eq!(news.recv_timeout(Duration::from_secs(20)), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_thread_that_reads_for_another_place_stops_with_that() {
    let queue = Arc::new(Queue::new(Duration::ZERO));
    let file = Wanted { bytes: Arc::new(vec![7; 9]), queue: queue.clone() };
    let read = || file.read_at(0, &mut [0; 4]).map_err(|problem| problem.kind());
    assert_eq!(read(), Ok(4));
    let seat = Seat(queue.clone());
    seat.jump(Duration::from_secs(5));
    assert_eq!(read(), Err(io::ErrorKind::Interrupted));
    assert_eq!(queue.wait(), Task::Jump(Duration::from_secs(5)));
    assert_eq!(read(), Ok(4), "that is what it does now");
    drop(seat);
    assert_eq!(read(), Err(io::ErrorKind::Interrupted));
    assert_eq!(queue.wait(), Task::Stopped);
}
