//! A file that somebody else made, and a writer that is told what to do and ends at any byte.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use sealed::{CHUNK, HEAD, Key, Keys, Paper, Place, Reader, Writer};

pub fn run(data: &[u8]) {
    strange(data);
    script(data);
}

pub fn keys() -> Keys {
    Keys(vec![Key::new([7; Key::BYTES])])
}

/// Not random at all: whoever checks must find the same again.
pub fn counted(buffer: &mut [u8]) {
    thread_local!(static NEXT: RefCell<u64> = const { RefCell::new(0) });
    let next = NEXT.with_borrow_mut(|next| std::mem::replace(next, *next + 1)).to_be_bytes();
    buffer.iter_mut().zip(next.into_iter().cycle()).for_each(|(to, from)| *to = from);
}

/// Whatever it is, it is read to its end or refused.
fn strange(data: &[u8]) {
    let disk = Disk::of(data.to_vec());
    if let Ok(reader) = Reader::open(disk.clone(), &keys()) {
        let _ = read_all(&reader);
    }
    if let Ok(mut writer) = Writer::resume(disk, &keys(), counted) {
        let _ = writer.write_at(writer.bytes(), b"more").and_then(|()| writer.finish());
    }
}

/// A file in memory that remembers what was done to it.
#[derive(Clone, Default)]
pub struct Disk(Rc<RefCell<(Vec<u8>, Vec<Act>)>>);

#[derive(Clone)]
enum Act {
    Write(usize, Vec<u8>),
    Cut(usize),
}

impl Disk {
    pub fn of(bytes: Vec<u8>) -> Self {
        Disk(Rc::new(RefCell::new((bytes, Vec::new()))))
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.borrow().0.clone()
    }

    /// How much was done.
    pub fn acts(&self) -> usize {
        self.0.borrow().1.len()
    }

    /// The file as it was after so many acts, and after so many bytes of the next, if that was to write.
    pub fn after(&self, acts: usize, bytes: usize) -> Disk {
        let (mut file, all) = (Vec::new(), &self.0.borrow().1);
        all.iter().take(acts).for_each(|act| act.apply(&mut file, usize::MAX));
        if let Some(act @ Act::Write(..)) = all.get(acts) {
            act.apply(&mut file, bytes);
        }
        Disk::of(file)
    }

    fn act(&self, act: Act) {
        let (file, acts) = &mut *self.0.borrow_mut();
        act.apply(file, usize::MAX);
        acts.push(act);
    }
}

impl Act {
    fn apply(&self, file: &mut Vec<u8>, most: usize) {
        match self {
            Act::Cut(bytes) => file.truncate(*bytes),
            Act::Write(at, bytes) => {
                // So little is written at once or not at all.
                let most = if bytes.len() <= HEAD { most / HEAD * HEAD } else { most };
                let bytes = &bytes[..bytes.len().min(most)];
                if !bytes.is_empty() {
                    file.resize(file.len().max(at + bytes.len()), 0);
                    file[*at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
        }
    }
}

impl Place for Disk {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.borrow().0.len() as u64)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let file = &self.0.borrow().0;
        let rest = file.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl Paper for Disk {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.act(Act::Write(at as usize, bytes.to_vec()));
        Ok(())
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.act(Act::Cut(bytes as usize));
        Ok(())
    }

    fn keep(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn read_all<P: Place>(reader: &Reader<P>) -> Result<Vec<u8>, sealed::Problem> {
    let (mut all, mut piece) = (Vec::new(), vec![0; 100_000]);
    loop {
        match reader.read_at(all.len() as u64, &mut piece)? {
            0 => return Ok(all),
            read => all.extend(&piece[..read]),
        }
    }
}

/// What a byte is that was written in this turn at this place.
fn byte(at: usize, turn: u8) -> u8 {
    (at as u8).wrapping_mul(31).wrapping_add((at >> 8) as u8) ^ turn
}

/// How much there was when all that it is told was written, after how many acts.
struct Mark {
    acts: usize,
    bytes: usize,
}

/// What is to be done, three bytes each: whatever it is, the file has what it was told, and wherever its writer ends, all of it up to the
/// last flush.
fn script(data: &[u8]) {
    let disk = Disk::default();
    let mut writer = Writer::create(disk.clone(), &keys().0[0], counted).expect("written");
    let (mut model, mut marks, mut turn) = (Vec::new(), vec![Mark { acts: disk.acts(), bytes: 0 }], 0);
    for step in data.chunks_exact(3).take(40) {
        let size = usize::from(step[1]) * 701 + usize::from(step[2]);
        match step[0] % 8 {
            0..=2 => write(&mut writer, &mut model, usize::MAX, size, turn),
            3 if turn < 31 => {
                turn += 1;
                let at = model.len() * usize::from(step[1]) / 256;
                write(&mut writer, &mut model, at, usize::from(step[2]) * 9, turn);
            }
            4 => {
                let bytes = model.len() - model.len().min(size / 3);
                writer.cut(bytes as u64).expect("cut");
                model.truncate(bytes);
            }
            5 => writer.keep().expect("written"),
            6 => {
                writer.finish().expect("written");
                assert!(check_whole(&disk, &model), "finished");
                writer = Writer::resume(disk.clone(), &keys(), counted).expect("there");
            }
            _ => {}
        }
        writer.flush().expect("written");
        assert_eq!(writer.bytes(), model.len() as u64);
        marks.push(Mark { acts: disk.acts(), bytes: model.len() });
    }
    writer.keep().expect("written");
    assert!(!check_whole(&disk, &model), "not finished");
    let seed = data.iter().fold(7_usize, |seed, byte| seed.wrapping_mul(131).wrapping_add(usize::from(*byte)));
    (0..8).for_each(|n| ended(&disk, &marks, turn, seed.wrapping_mul(n * 2 + 1)));
}

fn write(writer: &mut Writer<Disk>, model: &mut Vec<u8>, at: usize, size: usize, turn: u8) {
    let at = at.min(model.len());
    let bytes: Vec<u8> = (at..at + size).map(|at| byte(at, turn)).collect();
    writer.write_at(at as u64, &bytes).expect("written");
    let over = (model.len() - at).min(size);
    model[at..at + over].copy_from_slice(&bytes[..over]);
    model.extend(&bytes[over..]);
}

/// Whether it is finished; what is in it is right.
fn check_whole(disk: &Disk, model: &[u8]) -> bool {
    let reader = Reader::open(disk.clone(), &keys()).expect("there");
    assert!(read_all(&reader).expect("read") == model);
    reader.is_whole()
}

/// The writer ends somewhere, and what there is then can be read, and gone on with.
fn ended(disk: &Disk, marks: &[Mark], turns: u8, seed: usize) {
    let acts = 1 + seed % disk.acts();
    let disk = disk.after(acts, (seed >> 8) % (CHUNK + 50));
    let next = marks.partition_point(|mark| mark.acts <= acts);
    let near = &marks[next - 1..marks.len().min(next + 1)];
    let least = near.iter().map(|mark| mark.bytes).min().unwrap_or(0);
    let found = read_all(&Reader::open(disk.clone(), &keys()).expect("there")).expect("read");
    assert!(found.len() >= least, "{} of {least} after {acts} acts", found.len());
    assert!(found.iter().enumerate().all(|(at, found)| byte(at, 0) ^ found <= turns), "what was written");
    let mut writer = Writer::resume(disk.clone(), &keys(), counted).expect("there");
    assert_eq!(writer.bytes(), found.len() as u64);
    writer.write_at(found.len() as u64, b"more").expect("written");
    writer.finish().expect("written");
    assert!(check_whole(&disk, &[&found[..], b"more"].concat()));
}
