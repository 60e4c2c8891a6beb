//! What a sealed file is, byte by byte, and what is told of one in which something is wrong.

use std::fs::{self, File};

use sealed::{CHUNK, HEAD, Key, Keys, Problem, Reader, Writer, is_sealed};

use crate::sealed_file::{Disk, counted, keys, read_all};

/// Bytes of a full chunk in a file: three fields, its nonce, what is sealed, and its tag.
const STEP: usize = 12 + 12 + CHUNK + 16;

/// So many bytes, each of which tells where it is.
fn plain(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at >> 8) as u8 ^ at as u8).collect()
}

fn file(bytes: usize, finish: bool) -> Vec<u8> {
    let disk = Disk::default();
    let mut writer = Writer::create(disk.clone(), &keys().0[0], counted).expect("written");
    writer.write_at(0, &plain(bytes)).expect("written");
    if finish { writer.finish() } else { writer.flush() }.expect("written");
    disk.bytes()
}

fn open(file: Vec<u8>) -> Result<Reader<Disk>, Problem> {
    Reader::open(Disk::of(file), &keys())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Made once, and read by another program with another library that knew only what `lib.rs` says.
#[test]
fn a_file_is_what_it_always_was() {
    let disk = Disk::default();
    let key = Key::new(std::array::from_fn(|at| at as u8));
    let mut writer = Writer::create(disk.clone(), &key, |buffer| buffer.fill(0xa5)).expect("written");
    writer.write_at(0, b"What did the dog do at noon?").expect("written");
    writer.finish().expect("written");
    let file = disk.bytes();
    assert_eq!(hex(&file[..HEAD]), include_str!("vector/head.hex").trim());
    assert_eq!(hex(&file[HEAD..]), include_str!("vector/chunk.hex").trim());
}

#[test]
fn any_part_is_read() {
    let (whole, bytes) = (plain(3 * CHUNK + 77), 3 * CHUNK + 77);
    for finish in [true, false] {
        let reader = open(file(bytes, finish)).expect("there");
        assert_eq!((reader.bytes(), reader.is_whole()), (bytes as u64, finish));
        for from in [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 5, bytes - 1, bytes, bytes + 9] {
            for count in [0, 1, 100, CHUNK, CHUNK + 1, bytes] {
                let mut into = vec![0; count];
                let read = reader.read_at(from as u64, &mut into).expect("read");
                let expected = whole.get(from..).unwrap_or_default();
                let expected = &expected[..expected.len().min(count)];
                assert!(into[..read] == *expected, "{count} from {from}");
            }
        }
    }
}

#[test]
fn files_of_every_length_come_back() {
    for bytes in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
        let sealed = file(bytes, true);
        let last = if bytes % CHUNK > 0 { bytes % CHUNK + STEP - CHUNK } else { 0 };
        assert_eq!(sealed.len(), HEAD + bytes / CHUNK * STEP + last, "{bytes}");
        assert!(read_all(&open(sealed).expect("there")).expect("read") == plain(bytes), "{bytes}");
    }
}

#[test]
fn what_is_cut_off_anywhere_is_read_as_far_as_it_is_whole() {
    let bytes = CHUNK + 300;
    for finish in [true, false] {
        let sealed = file(bytes, finish);
        // Within a full chunk one byte is as good as another.
        let near = |at: usize| !(HEAD + 200..HEAD + STEP - 200).contains(&at) || at.is_multiple_of(3_989);
        for cut in (0..=sealed.len()).filter(|at| near(*at)) {
            let found = open(sealed[..cut].to_vec());
            if cut < HEAD {
                let refused = matches!(found, Err(Problem::NotSealed)) && cut < 7 || matches!(found, Err(Problem::Head));
                assert!(refused, "{cut}");
                continue;
            }
            let reader = found.unwrap_or_else(|problem| panic!("{cut}: {problem}"));
            let expected = if cut == sealed.len() { bytes } else { (cut - HEAD) / STEP * CHUNK };
            assert_eq!((reader.bytes(), reader.is_whole()), (expected as u64, finish && cut == sealed.len()), "{cut}");
            assert!(read_all(&reader).expect("read") == plain(expected), "{cut}");
        }
    }
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_is() {
    let sealed = file(CHUNK + 40, true);
    let (body, last) = (HEAD + STEP, sealed.len());
    let places = (0..HEAD).chain([HEAD, HEAD + 5, HEAD + 12, HEAD + 30, body - 1]).chain(body..last);
    for at in places {
        let mut changed = sealed.clone();
        changed[at] ^= 4;
        match open(changed) {
            Err(problem) => assert!(at < HEAD, "{at}: {problem}"),
            Ok(reader) => {
                let problem = read_all(&reader).expect_err("noticed");
                let number = u32::from(at >= body);
                assert!(at >= HEAD && matches!(problem, Problem::Chunk(found) if found == number), "{at}: {problem}");
            }
        }
    }
}

#[test]
fn a_chunk_belongs_to_its_place_and_its_file() {
    let (one, other) = (file(3 * CHUNK, true), file(3 * CHUNK, true));
    let place = |number: usize| HEAD + number * STEP..HEAD + (number + 1) * STEP;
    let check = |from: &[u8], number: usize, to: usize| {
        let mut moved = one.clone();
        moved[place(to)].copy_from_slice(&from[place(number)]);
        let found = read_all(&open(moved).expect("there"));
        assert!(matches!(found, Err(Problem::Chunk(damaged)) if damaged as usize == to), "{number} in {to}");
    };
    check(&one, 0, 1);
    check(&one, 1, 2);
    check(&other, 1, 1);
}

#[test]
fn what_is_wrong_is_told_apart() {
    let sealed = file(10, true);
    let other = Keys(vec![Key::new([8; Key::BYTES])]);
    let told = |file: &[u8], keys: &Keys| match Reader::open(Disk::of(file.to_vec()), keys) {
        Ok(_) => "nothing".to_owned(),
        Err(problem) => problem.to_string(),
    };
    let id = keys().0[0].id();
    assert_eq!(told(&sealed, &other), format!("it is encrypted with the key {id}, which is not here"));
    assert_eq!(told(&sealed, &Keys::default()), format!("it is encrypted with the key {id}, which is not here"));
    assert_eq!(told(&sealed, &Keys([other.0, keys().0].concat())), "nothing");
    assert_eq!(told(b"\x1a\x45\xdf\xa3 is Matroska", &keys()), "it is not encrypted");
    let mut newer = sealed.clone();
    newer[7] = 2;
    assert_eq!(told(&newer, &keys()), "it is encrypted in a way that is not known here (version 2)");
    assert!(is_sealed(&sealed) && is_sealed(&newer) && !is_sealed(&sealed[1..]) && !is_sealed(&sealed[..6]));
    assert_eq!(format!("{:?}", keys().0[0]), format!("Key({id})"));
}

#[test]
fn what_was_there_is_read_while_more_is_written() {
    let (disk, whole, there) = (Disk::default(), plain(2 * CHUNK + 900), CHUNK + 300);
    let mut writer = Writer::create(disk.clone(), &keys().0[0], counted).expect("written");
    writer.write_at(0, &whole[..there]).expect("written");
    writer.flush().expect("written");
    let reader = Reader::open(disk, &keys()).expect("there");
    let mut written = there;
    for more in [there + 200, 2 * CHUNK - 1, 2 * CHUNK + 900] {
        writer.write_at(written as u64, &whole[written..more]).expect("written");
        writer.flush().expect("written");
        let mut into = vec![0; 3 * CHUNK];
        let read = reader.read_at(0, &mut into).expect("read");
        assert!(into[..read] == whole[..there], "{read} of {there} bytes when there are {more}");
        written = more;
    }
}

#[test]
fn on_a_disk_what_is_cut_off_is_gone_and_nothing_is_plain() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("film");
    let new = File::options().read(true).write(true).create_new(true).open(&path).expect("made");
    let mut writer = Writer::create(new, &keys().0[0], counted).expect("written");
    writer.write_at(0, &plain(CHUNK + 10)).expect("written");
    assert!(writer.write_at(CHUNK as u64 + 11, b"behind the end").is_err());
    writer.cut(CHUNK as u64 + 5).expect("cut");
    writer.keep().expect("written");
    drop(writer);
    let reader = Reader::open(File::open(&path).expect("there"), &keys()).expect("whole");
    let mut all = vec![0; 2 * CHUNK];
    assert_eq!(reader.read_at(0, &mut all).expect("read"), CHUNK + 5);
    let plain = plain(CHUNK + 5);
    assert!(all[..CHUNK + 5] == plain && !fs::read(&path).expect("there").windows(8).any(|part| part == &plain[8..16]));
}
