use container::matroska::{Reader, Writer};
use container::{Block, Track};

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
        self.0.cut(bytes)
    }

    fn keep(&mut self) -> io::Result<()> {
        self.0.keep()
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
        let repaired = read(&open, &Sealing::none()).unwrap().1.unwrap();
        assert!(repaired.bytes_after > file.len() as u64, "there is something to append");
        let bytes = finish(&mut Full(open, room), &repaired).expect("finished");
        assert_eq!(bytes, if jumps { repaired.bytes_after } else { file.len() as u64 });
        let expected = Outcome { bytes, ..outcome(Some(&repaired)) };
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
