//! Recordings with something wrong in them are shown and heard as far as they go.

use std::io::{self, Read, Seek, SeekFrom, Write};

use compose::{Composer, Failure, Input, Kind};
use mixer::picture::VideoCodec;

use crate::world::scene::Camera;
use crate::world::{BLUE, EPOCH, GRID, RED, Room, film, letter, ms, order, pictures, tone};

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
    check(whole[..whole.len() / 2].to_vec(), 0, ['R', 'B']);
    check(Vec::new(), 1, ['.', 'B']);
    check(vec![0; 5_000], 1, ['.', 'B']);
    check(b"no film at all".to_vec(), 1, ['.', 'B']);
    check(tone(1_000, 440.0), 1, ['.', 'B']);
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

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn input(file: impl compose::Source + 'static) -> Input {
    Input { names: Default::default(), kind: Kind::Video, offset: EPOCH, duration: ms(1_000), file: Box::new(file) }
}

#[test]
fn a_recording_that_cannot_be_read_is_damaged() {
    let mut composer = Composer::new(&order(CANVAS, GRID), vec![input(Failing(io::Cursor::new(red())))]).expect("a film");
    let mut file = io::Cursor::new(Vec::new());
    while !composer.step(&mut file).expect("a step").finished {}
    assert_eq!(composer.damaged(), 1);
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
    let mut composer = Composer::new(&order(CANVAS, GRID), vec![input(io::Cursor::new(red()))]).expect("a film");
    let failure = (0..100).find_map(|_| composer.step(&mut Full).err()).expect("a failure");
    assert!(matches!(failure, Failure::Write(error) if error.kind() == io::ErrorKind::StorageFull));
}

#[test]
fn a_composer_can_go_to_another_thread() {
    fn check<T: Send>() {}
    check::<Composer>();
}
