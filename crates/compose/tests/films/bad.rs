//! Recordings with something wrong in them are shown and heard as far as they go.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use compose::{Composer, Failure, Input, Kind, Open, Order};
use mixer::picture::VideoCodec;

use crate::world::scene::Camera;
use crate::world::{BLUE, EPOCH, GRID, RED, Room, film, letter, ms, opens, order, pictures, tone};

const CANVAS: (u16, u16) = (320, 180);

fn red() -> Vec<u8> {
    film(VideoCodec::Vp8, (320, 180), 1_000, |_| RED, 0)
}

#[test]
fn damaged_files_end_where_they_do() {
    let check = |file: Vec<u8>, damaged: usize, seen: [char; 2]| {
        let room = Room::default().with(Kind::Video, "bad", (0, 1_000), file).flat("good", (0, 1_000), (320, 180), BLUE);
        let made = room.compose(&order(CANVAS, GRID));
        assert_eq!((made.duration, made.damaged), (ms(1_000), damaged));
        assert_eq!([letter(made.at(100), 80, 90), letter(made.at(900), 240, 90)], seen);
    };
    let whole = red();
    check(whole.clone(), 0, ['R', 'B']);
    check(whole[..whole.len() / 2].to_vec(), 1, ['R', 'B']);
    check(Vec::new(), 1, ['.', 'B']);
    check(vec![0; 5_000], 1, ['.', 'B']);
    check(b"no film at all".to_vec(), 1, ['.', 'B']);
    check(tone(1_000, 440.0), 1, ['.', 'B']);
}

#[test]
fn files_with_bits_turned_over_are_films_all_the_same() {
    let small = |codec| film(codec, (64, 64), 600, |time| if time < 300 { RED } else { BLUE }, 0);
    let files = [
        (Kind::Video, small(VideoCodec::Vp8)),
        (Kind::Video, small(VideoCodec::Vp9)),
        (Kind::Video, small(VideoCodec::H264)),
        (Kind::Audio, tone(600, 440.0)),
    ];
    // Numbers that look random and are the same each time (Knuth, MMIX).
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for turn in 0..60 {
        let mut room = Room::default();
        for (kind, file) in &files {
            let mut file = file.clone();
            for _ in 0..=turn % 8 {
                let at = random(file.len());
                file[at] ^= 1 << random(8);
            }
            room = room.with(*kind, "bad", (0, 600), file);
        }
        let (film, _) = room.try_compose(&order((64, 64), GRID)).expect("a film");
        assert_eq!(crate::world::Made::read(&film).duration, ms(600), "{turn}");
    }
}

#[test]
fn a_file_that_is_all_of_one_moment_holds_up_nobody() {
    let mut camera = Camera::vp8(64, 64);
    let frames: Vec<(u64, Vec<u8>)> = (0..2_500).map(|_| (0, camera.flat(RED))).collect();
    let packet = crate::world::packets(20, 440.0, |_| Some(0.25)).remove(0).1;
    let packets: Vec<_> = (0..2_500).map(|_| (0, packet.clone())).collect();
    let room = Room::default()
        .with(Kind::Video, "bad", (0, 1_000), pictures(VideoCodec::Vp8, &frames, 0))
        .with(Kind::Audio, "bad", (0, 1_000), crate::world::sound(&packets))
        .flat("good", (0, 1_000), (64, 64), BLUE);
    let made = room.compose(&order(CANVAS, GRID));
    assert_eq!((made.duration, letter(made.at(900), 240, 90)), (ms(1_000), 'B'));
}

#[test]
fn damaged_pictures_freeze() {
    let mut camera = Camera::vp8(320, 180);
    let mut frames: Vec<(u64, Vec<u8>)> = (0..10).map(|n| (n * 50, camera.flat(RED))).collect();
    for (_, frame) in &mut frames[5..] {
        frame.truncate(2);
    }
    camera.want_key();
    frames.extend((10..20).map(|n| (n * 50, camera.flat(BLUE))));
    let room = Room::default().with(Kind::Video, "bad", (0, 1_000), pictures(VideoCodec::Vp8, &frames, 0));
    let made = room.compose(&order(CANVAS, GRID));
    assert_eq!(made.damaged, 1);
    assert_eq!([100, 400, 600].map(|time| letter(made.at(time), 160, 90)), ['R', 'R', 'B']);
}

#[test]
fn sound_that_cannot_be_decoded_is_silent() {
    let mut packets = crate::world::packets(1_000, 440.0, |_| Some(0.25));
    for (_, packet) in &mut packets[20..30] {
        *packet = vec![0xff; 3];
    }
    let room = Room::default().with(Kind::Audio, "bad", (0, 1_000), crate::world::sound(&packets));
    let made = room.compose(&order(CANVAS, ""));
    assert_eq!(made.damaged, 1);
    assert!(made.hears(200, 440.0) > 0.2 && made.hears(800, 440.0) > 0.2);
}

/// A file that cannot be read from some byte on.
struct Failing(io::Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.read(room)? {
            0 => Err(io::Error::other("the disk is gone")),
            read => Ok(read),
        }
    }
}

fn input(kind: Kind, file: Open) -> Input {
    Input { names: Default::default(), kind, offset: EPOCH, duration: ms(1_000), file }
}

fn fails(kind: ErrorKind) -> Open {
    Box::new(move || Err(kind.into()))
}

#[test]
fn a_recording_that_cannot_be_read_is_damaged() {
    let mut composer =
        Composer::new(&order(CANVAS, GRID), vec![input(Kind::Video, opens(Failing(io::Cursor::new(red()))))]).expect("a film");
    let mut file = io::Cursor::new(Vec::new());
    while !composer.step(&mut file).expect("a step").finished {}
    assert_eq!(composer.damaged(), 1);
}

/// What becomes of it, and how many are damaged.
fn outcome(inputs: Vec<Input>, order: &Order) -> Result<usize, Failure> {
    let mut composer = Composer::new(order, inputs)?;
    let mut file = io::Cursor::new(Vec::new());
    while !composer.step(&mut file)?.finished {}
    Ok(composer.damaged())
}

#[test]
fn a_recording_that_is_gone_is_damaged_and_one_that_cannot_be_opened_ends_the_film() {
    for kind in [Kind::Video, Kind::Audio] {
        let with = |problem| outcome(vec![input(kind, fails(problem))], &order(CANVAS, GRID));
        assert_eq!(with(ErrorKind::NotFound).expect("a film"), 1);
        assert!(matches!(with(ErrorKind::Other), Err(Failure::Open(error)) if error.kind() == ErrorKind::Other));
    }
}

/// How many files are open, and how many were at most.
#[derive(Default)]
struct Opened {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One of them.
struct Counted(io::Cursor<Vec<u8>>, Arc<Opened>);

impl Counted {
    fn open(file: Vec<u8>, count: Arc<Opened>) -> Counted {
        let now = count.now.fetch_add(1, Relaxed) + 1;
        count.most.fetch_max(now, Relaxed);
        Counted(io::Cursor::new(file), count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.now.fetch_sub(1, Relaxed);
    }
}

impl Read for Counted {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

#[test]
fn recordings_are_open_only_at_their_time() {
    let (picture, sound) = (film(VideoCodec::Vp8, (16, 16), 40, |_| RED, 0), tone(40, 440.0));
    let count = Arc::<Opened>::default();
    let inputs = (0..300).flat_map(|n| [(n, Kind::Video, picture.clone()), (n, Kind::Audio, sound.clone())]);
    let inputs = inputs.map(|(n, kind, file)| {
        let count = Arc::clone(&count);
        let file: Open = Box::new(move || Ok(Box::new(Counted::open(file, count))));
        Input { offset: EPOCH + ms(n * 40), duration: ms(40), ..input(kind, file) }
    });
    assert_eq!(outcome(inputs.collect(), &order((16, 16), GRID)).expect("a film"), 0);
    let (now, most) = (count.now.load(Relaxed), count.most.load(Relaxed));
    assert!(now == 0 && (2..=8).contains(&most), "{most} at most, {now} in the end");
}

#[test]
fn a_film_of_more_than_a_day_is_not_made() {
    let long = |hours: u64| Input { duration: ms(hours * 3_600_000), ..input(Kind::Video, fails(ErrorKind::NotFound)) };
    let check = |hours, refused: bool| {
        let made = Composer::new(&order(CANVAS, GRID), vec![long(hours)]);
        assert_eq!(matches!(made, Err(Failure::TooLong)), refused, "{hours}");
    };
    check(24, false);
    check(25, true);
}

/// A file that cannot be written.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn a_full_disk_is_told() {
    let mut composer =
        Composer::new(&order(CANVAS, GRID), vec![input(Kind::Video, opens(io::Cursor::new(red())))]).expect("a film");
    let failure = (0..100).find_map(|_| composer.step(&mut Full).err()).expect("a failure");
    assert!(matches!(failure, Failure::Write(error) if error.kind() == io::ErrorKind::StorageFull));
}

#[test]
fn a_composer_can_go_to_another_thread() {
    fn check<T: Send>() {}
    check::<Composer>();
}
