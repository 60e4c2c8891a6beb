//! Files on a disk that were not done when the program ended.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use container::{Block, Output, Track, matroska};
use media::codec::Codec;
use media::record::{look, repair};
use room::{Outcome, WhyStopped};
use sealed::{CHUNK, HEAD, Key, Keys, Reader, Sealing, Writer};

use crate::tape::{SECOND, SOUND, Stream, Tape};

/// Twenty seconds of sound, but for the end.
fn sounds() -> Vec<u8> {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    (0..1_000).for_each(|n| tape.push(SOUND, stream.sound(n)));
    tape.files[&SOUND].1.clone()
}

#[test]
fn what_was_not_done_is_finished_at_the_next_start() {
    let file = sounds();
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, part) = (folder.path().join("1.mka"), folder.path().join("1.mka.part"));
    let check = |bytes: &[u8], expected: WhyStopped| {
        fs::write(&part, bytes).expect("written");
        let outcome = repair(&part, &Sealing::none()).expect("repaired");
        assert!(outcome.why == expected && !part.exists());
        let there = expected == WhyStopped::CutOff;
        // Afterwards a file does not tell that it was cut off.
        assert_eq!(look(&whole, &Sealing::none()).ok(), there.then_some(ended(outcome)));
        assert!(!there || outcome.duration > 18 * SECOND && outcome.duration <= 20 * SECOND);
        let _ = fs::remove_file(&whole);
    };
    check(&file, WhyStopped::CutOff);
    check(&file[..file.len() - 100], WhyStopped::CutOff);
    check(&file[..50], WhyStopped::NoMedia);
    check(b"", WhyStopped::NoMedia);
    let nowhere = repair(Path::new("/not/there"), &Sealing::none());
    assert!(nowhere.is_err() && look(&whole, &Sealing::none()).is_err());
}

/// The same of one that was stopped.
fn ended(outcome: Outcome) -> Outcome {
    Outcome { why: WhyStopped::Stopped, ..outcome }
}

fn sealing() -> Sealing {
    let keys = Keys(vec![Key::new([3; Key::BYTES])]);
    Sealing { keys, is_on: true, random: |buffer| aws_lc_rs::rand::fill(buffer).expect("random") }
}

/// Writes it as the recorder does, once a second.
fn seal(bytes: &[u8], path: &Path) {
    let new = File::options().read(true).write(true).create(true).truncate(true).open(path).expect("made");
    let mut writer = Writer::create(new, &sealing().keys.0[0], sealing().random).expect("written");
    for piece in bytes.chunks(bytes.len() / 20 + 1) {
        writer.write_at(writer.bytes(), piece).and_then(|()| writer.flush()).expect("written");
    }
}

fn unseal(path: &Path) -> Vec<u8> {
    let reader = Reader::open(File::open(path).expect("there"), &sealing().keys).expect("sealed");
    let mut all = vec![0; reader.bytes() as usize];
    assert!(reader.is_whole() && reader.read_at(0, &mut all).expect("read") == all.len());
    all
}

#[test]
fn what_is_encrypted_is_finished_as_what_is_not() {
    let file = sounds();
    assert!(file.len() < CHUNK, "all of it is in the chunk that is written by turns");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for bytes in [file.len(), file.len() - 100, file.len() / 2, 50] {
        fs::write(path("1.mka.part"), &file[..bytes]).expect("written");
        seal(&file[..bytes], &path("2.mka.part"));
        let plain = repair(&path("1.mka.part"), &Sealing::none()).expect("repaired");
        assert_eq!(repair(&path("2.mka.part"), &sealing()).expect("repaired"), plain, "{bytes}");
        assert_eq!(plain.why == WhyStopped::CutOff, bytes > 50);
        if plain.why == WhyStopped::CutOff {
            assert!(unseal(&path("2.mka")) == fs::read(path("1.mka")).expect("there"), "{bytes}");
            assert_eq!(look(&path("2.mka"), &sealing()).ok(), Some(ended(plain)));
        }
        assert!(!path("2.mka.part").exists());
    }
}

#[test]
fn whatever_is_cut_off_of_an_encrypted_file_the_rest_is_finished() {
    let file = sounds();
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, part) = (folder.path().join("1.mka"), folder.path().join("1.mka.part"));
    seal(&file, &part);
    let sealed = fs::read(&part).expect("there");
    for cut in (0..sealed.len()).step_by(sealed.len() / 60) {
        fs::write(&part, &sealed[..sealed.len() - cut]).expect("written");
        let outcome = repair(&part, &sealing()).expect("repaired");
        // One of the two places is whole until little more than the head is left.
        let least = if cut < sealed.len() - HEAD - CHUNK - 40 { 17 } else { 0 };
        assert!(outcome.duration >= least * SECOND, "{cut}: {outcome:?}");
        assert_eq!(look(&whole, &sealing()).is_ok(), outcome.why == WhyStopped::CutOff);
        let _ = fs::remove_file(&whole);
    }
}

#[test]
fn without_its_key_a_file_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("1.mka.part");
    seal(&sounds(), &part);
    let before = fs::read(&part).expect("there");
    for keys in [Keys::default(), Keys(vec![Key::new([4; Key::BYTES])])] {
        assert!(repair(&part, &Sealing { keys, ..sealing() }).is_err());
        assert!(fs::read(&part).expect("there") == before);
    }
    assert_eq!(repair(&part, &sealing()).expect("repaired").why, WhyStopped::CutOff);
}

/// Two minutes, 50 kB each second: so many that a damaged piece is not always the end.
fn long() -> Vec<u8> {
    let mut writer = matroska::Writer::new(&[Track::opus(2)], Duration::from_secs(1_700_000_000));
    for n in 0..6_000_u32 {
        let bytes = vec![0xfc; 1_000];
        writer.push(Block { track: 0, time: n * Duration::from_millis(20), keyframe: true, rotation: None, bytes });
    }
    let mut file = Vec::new();
    while let Some(output) = writer.poll() {
        if let Output::Append(bytes) = output {
            file.extend(bytes);
        }
    }
    file
}

#[test]
fn what_is_damaged_in_its_midst_is_finished_as_far_as_it_goes_and_kept() {
    let file = long();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let none = Sealing::none();
    // A page that never got to the disk, so far into it; the seconds that are whole; whether what is behind it is kept.
    for (share, least, kept) in [(0.5, 58, true), (0.2, 22, true), (0.97, 114, false), (0.002, 0, true), (0.0, 0, true)] {
        for encrypted in [false, true] {
            let (part, sealing) = (path("1.mka.part"), if encrypted { &sealing() } else { &none });
            match encrypted {
                true => seal(&file, &part),
                false => fs::write(&part, &file).expect("written"),
            }
            let mut bytes = fs::read(&part).expect("there");
            let at = (bytes.len() as f64 * share) as usize + if encrypted { HEAD } else { 0 };
            bytes[at..at + 4096].fill(0);
            fs::write(&part, &bytes).expect("written");
            let outcome = repair(&part, sealing).expect("repaired");
            let seconds = outcome.duration.as_secs();
            let most = (120.0 * share) as u64;
            assert!((least..=most.max(least)).contains(&seconds), "{share} {encrypted}: {outcome:?}");
            assert!(!part.exists() && !path("1.mka.copy").exists());
            assert_eq!(fs::read(path("1.mka.damaged")).ok(), kept.then_some(bytes), "{share} {encrypted}");
            match outcome.why {
                WhyStopped::CutOff => assert_eq!(look(&path("1.mka"), sealing).expect("whole"), ended(outcome)),
                _ => assert!(least == 0 && !path("1.mka").exists(), "{share} {encrypted}"),
            }
            let _ = fs::remove_file(path("1.mka"));
            let _ = fs::remove_file(path("1.mka.damaged"));
        }
    }
}

#[test]
fn pages_that_came_to_the_disk_in_any_order_are_no_damage() {
    let file = long();
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("1.mka.part");
    seal(&file, &part);
    let whole = fs::read(&part).expect("there");
    // Of the last five seconds any page may be missing.
    let since = whole.len() - 5 * 50_000;
    for seed in 1..20_u64 {
        let mut bytes = whole.clone();
        let mut random = seed;
        for page in bytes.chunks_mut(4096).skip(since / 4096) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if random >> 62 == 0 {
                page.fill(0);
            }
        }
        fs::write(&part, &bytes).expect("written");
        let outcome = repair(&part, &sealing()).expect("repaired");
        assert!(outcome.duration >= 110 * SECOND, "{seed}: {outcome:?}");
        assert!(!folder.path().join("1.mka.damaged").exists() && look(&folder.path().join("1.mka"), &sealing()).is_ok());
    }
}
