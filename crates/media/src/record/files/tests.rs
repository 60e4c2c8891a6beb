use container::matroska::{Reader, Writer};
use container::{Block, Track};
use sealed::{Key, Keys, Paper};

use super::*;

const SOUNDS: u32 = 1_000;
const SOUND_TIME: Duration = Duration::from_millis(20);

/// What is done to write twenty seconds of sound, but for the end.
fn sounds() -> Vec<Output> {
    let mut writer = Writer::new(&[Track::opus(2)], Duration::from_secs(1_795_305_600));
    for n in 0..SOUNDS {
        let block = Block { track: 0, time: n * SOUND_TIME, keyframe: true, rotation: None, bytes: vec![0xfc, n as u8] };
        writer.push(block);
    }
    std::iter::from_fn(|| writer.poll()).collect()
}

fn flat(outputs: &[Output]) -> Vec<u8> {
    let parts = outputs.iter().filter_map(|output| match output {
        Output::Append(bytes) => Some(bytes.as_slice()),
        Output::Patch { .. } => None,
    });
    parts.collect::<Vec<_>>().concat()
}

/// A file on a disk that has no more than so many bytes for it.
struct Full(File, u64);

impl Medium for Full {
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let fits = usize::try_from(self.1.saturating_sub(at)).unwrap().min(bytes.len());
        self.0.put(at, &bytes[..fits])?;
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        Medium::cut(&mut self.0, bytes)
    }

    fn keep(&mut self) -> io::Result<()> {
        Medium::keep(&mut self.0)
    }
}

#[test]
fn what_was_not_done_is_finished_on_a_full_disk_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.mka");
    let file = flat(&sounds());
    let check = |room: u64, jumps: bool| {
        fs::write(&path, &file).unwrap();
        let open = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let repaired = read(&open, &Sealing::none()).unwrap().repaired.unwrap();
        assert!(repaired.bytes_after > file.len() as u64, "there is something to append");
        let bytes = finish(&mut Full(open, room), &repaired).expect("finished");
        assert_eq!(bytes, if jumps { repaired.bytes_after } else { file.len() as u64 });
        let expected = Outcome { bytes, ..outcome(Some(&repaired), WhyStopped::Stopped) };
        assert_eq!(look(&path, &Sealing::none()).unwrap(), expected);
        let mut reader = Reader::default();
        reader.push(&fs::read(&path).unwrap());
        let blocks = std::iter::from_fn(|| reader.poll()).count();
        assert!(blocks > 900 && reader.duration() == Some(expected.duration), "{blocks}");
    };
    let bytes = file.len() as u64;
    check(bytes, false);
    check(bytes + 1, false);
    check(u64::MAX, true);
}

/// The same, for what is encrypted.
struct Small(File, u64);

impl Place for Small {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        Place::read_at(&self.0, at, into)
    }
}

impl Paper for Small {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let fits = usize::try_from(self.1.saturating_sub(at)).unwrap().min(bytes.len());
        Paper::write_at(&mut self.0, at, &bytes[..fits])?;
        if fits < bytes.len() { Err(io::ErrorKind::QuotaExceeded.into()) } else { Ok(()) }
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        Paper::cut(&mut self.0, bytes)
    }

    fn keep(&mut self) -> io::Result<()> {
        Paper::keep(&mut self.0)
    }
}

fn sealing() -> Sealing {
    let keys = Keys(vec![Key::new([3; Key::BYTES])]);
    Sealing { keys, is_on: true, random: |buffer| aws_lc_rs::rand::fill(buffer).unwrap() }
}

#[test]
fn what_is_encrypted_is_finished_on_a_full_disk_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.mka");
    let file = flat(&sounds());
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
    // The last chunk is in the one place or the other; the whole of it is in the file, or something at its end is no block.
    for (writes, behind) in [(1, 0), (2, 0), (3, 9), (4, 9), (5, 0)] {
        let _ = fs::remove_file(&path);
        let mut writer = sealed::Writer::create(open(), &sealing().keys.0[0], sealing().random).unwrap();
        for piece in [&file[..], &[0xa3; 9][..behind]].concat().chunks(file.len() / writes + 10) {
            writer.put(writer.bytes(), piece).unwrap();
        }
        drop(writer);
        let repaired = read(&open(), &sealing()).unwrap().repaired.unwrap();
        assert_eq!(repaired.bytes, file.len() as u64);
        let room = open().size().unwrap();
        let mut full = sealed::Writer::resume(Small(open(), room), &sealing().keys, sealing().random).unwrap();
        finish(&mut full, &repaired).unwrap_or_else(|problem| panic!("{writes} {behind}: {problem}"));
        let found = look(&path, &sealing()).unwrap();
        assert!(found.duration == repaired.duration && found.bytes >= repaired.bytes, "{writes} {behind}: {found:?}");
    }
}

#[test]
fn what_does_not_fit_on_the_disk_takes_nothing_with_it_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1");
    for room in [70_000, 100_000, 140_000, 200_000, 263_000] {
        let new = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        let mut writer = sealed::Writer::create(Small(new, room), &sealing().keys.0[0], sealing().random).unwrap();
        let mut written = 0_u64;
        let byte = |at: u64| (at / 251) as u8;
        loop {
            let piece: Vec<u8> = (written..written + 7_000).map(byte).collect();
            if writer.put(written, &piece).is_err() {
                break;
            }
            written += 7_000;
        }
        assert!(written + 70_000 > room / 2, "{room}");
        Medium::cut(&mut writer, written).unwrap();
        Medium::finish(&mut writer).unwrap();
        let reader = sealed::Reader::open(File::open(&path).unwrap(), &sealing().keys).unwrap();
        let mut all = vec![0; usize::try_from(room).unwrap()];
        let count = reader.read_at(0, &mut all).unwrap();
        assert!(reader.is_whole() && count as u64 == written && (0..written).zip(&all).all(|(at, found)| byte(at) == *found));
    }
}
