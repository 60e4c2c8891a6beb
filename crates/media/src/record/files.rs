//! Recordings on a disk: in one folder, called by their numbers, with `.part` behind the name until they are done.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use container::{Output, Repair, Repaired};
use room::{Outcome, RecordingId, WhyStopped};
use rustix::fs::Advice;
use sealed::{CHUNK, HEAD, Place, Problem, Reader, Sealing, Writer, is_sealed, size_of};

use super::disk::{Disk, Medium};
use super::take::{Form, codec_of};
use crate::limit::{RECORD_NOTHING_BYTES, RECORD_REST_BYTES, RECORD_REST_TIME, RECORD_SYNC_GAP};

/// What stands behind the name of a file that is not done.
const PART: &str = "part";

/// Bytes of a file that are read at a time.
const PIECE: usize = 256 * 1024;

/// What the original of a file is called that is damaged in its midst.
pub const DAMAGED: &str = "damaged";

/// What its beginning is called while it is copied.
pub const COPY: &str = "copy";

/// Finishes a file whose writer ended suddenly, and gives it its name: what is whole in it can be played and jumped to from then on. One
/// with nothing in it is removed. Takes as long as it takes to read it once.
///
/// What does not make sense at the end goes. Where that is more than a crash or a failure of the power leaves behind, the file is damaged:
/// then a copy of its beginning is finished, and all of it stays beside that, called [`DAMAGED`].
///
/// # Errors
/// It cannot be read or written. Of one that is encrypted, too, if the key is missing or the head is damaged. Then it stays as it is.
pub fn repair(part: &Path, sealing: &Sealing) -> io::Result<Outcome> {
    let file = OpenOptions::new().read(true).write(true).open(part)?;
    let found = read(&file, sealing)?;
    let outcome = outcome(found.repaired.as_ref(), WhyStopped::CutOff);
    let Some(repaired) = found.repaired else {
        match found.all <= RECORD_NOTHING_BYTES {
            true => fs::remove_file(part)?,
            false => set_aside(part)?,
        }
        return Ok(outcome);
    };
    if found.all.saturating_sub(repaired.bytes) > rest_max(&repaired) {
        return save_beginning(part, &file, &repaired, sealing);
    }
    let bytes = finish_file(file, &repaired, sealing)?;
    name(part)?;
    Ok(Outcome { bytes, ..outcome })
}

/// How much may be behind the last whole block of a file that was only cut off.
fn rest_max(repaired: &Repaired) -> u64 {
    let times = u128::from(repaired.bytes) * RECORD_REST_TIME.as_millis();
    let rest = times.checked_div(repaired.duration.as_millis()).unwrap_or_default();
    // Cues that were written before its name was given are not damage.
    let cues = repaired.bytes_after.saturating_sub(repaired.bytes);
    u64::try_from(rest).unwrap_or(u64::MAX).max(RECORD_REST_BYTES).saturating_add(cues)
}

/// Makes a finished file of the beginning of one that is damaged, which stays.
fn save_beginning(part: &Path, file: &File, repaired: &Repaired, sealing: &Sealing) -> io::Result<Outcome> {
    let copy = part.with_extension(COPY);
    let saved = copy_beginning(&copy, file, repaired, sealing);
    // What of the copy cannot be read as what it is of is none.
    let saved = saved.and_then(|()| look(&copy, sealing)).and_then(|saved| match saved.duration == repaired.duration {
        true => Ok(saved),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "its beginning cannot be copied")),
    });
    if saved.is_err() {
        let _ = fs::remove_file(&copy);
    }
    let saved = saved?;
    // If the program ends between the two it is done again.
    fs::rename(&copy, part.with_extension(""))?;
    set_aside(part)?;
    Ok(Outcome { why: WhyStopped::CutOff, ..saved })
}

fn copy_beginning(copy: &Path, file: &File, repaired: &Repaired, sealing: &Sealing) -> io::Result<()> {
    let bytes = match is_encrypted(file)? {
        true => size_of(repaired.bytes.next_multiple_of(CHUNK as u64)),
        false => repaired.bytes,
    };
    let mut made = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(copy)?;
    io::copy(&mut file.take(bytes), &mut made)?;
    finish_file(made, repaired, sealing).map(drop)
}

/// Keeps a damaged file under another name, for a person to look at.
fn set_aside(part: &Path) -> io::Result<()> {
    let aside = part.with_extension(DAMAGED);
    fs::rename(part, &aside)?;
    tracing::error!(file = %aside.display(), "a recording is damaged: what can be read of its beginning is finished, and all of it is kept here");
    sync_folder(part)
}

fn finish_file(file: File, repaired: &Repaired, sealing: &Sealing) -> io::Result<u64> {
    match is_encrypted(&file)? {
        true => finish(&mut Writer::resume(file, &sealing.keys, sealing.random)?, repaired),
        false => finish(&mut { file }, repaired),
    }
}

/// What a file that is done has in it.
///
/// # Errors
/// It cannot be read.
pub fn look(whole: &Path, sealing: &Sealing) -> io::Result<Outcome> {
    let found = read(&File::open(whole)?, sealing)?;
    Ok(Outcome { bytes: found.bytes, ..outcome(found.repaired.as_ref(), WhyStopped::Stopped) })
}

/// What there is in a file.
struct Found {
    /// How many bytes there are to be played, or those before the first that is damaged.
    bytes: u64,
    /// How many there are in all.
    all: u64,
    /// What it would take to finish it.
    repaired: Option<Repaired>,
}

/// The files that are written now.
pub(super) struct Files {
    folder: Option<PathBuf>,
    disk: Box<dyn Disk>,
    sealing: Sealing,
    open: BTreeMap<RecordingId, Open>,
    /// How many bytes were appended to files since the beginning.
    written: u64,
}

struct Open {
    file: Box<dyn Medium>,
    whole: PathBuf,
    bytes: u64,
    /// When it was last made sure that it is on the disk.
    synced: Instant,
    /// It could not be written: nothing more that goes wrong is told.
    failed: bool,
    /// What was written may not be on the disk. That is told once: whoever asks again hears that all is well.
    doubted: bool,
}

impl Files {
    /// In this folder; none: there is nowhere to put them.
    pub fn new(folder: Option<PathBuf>, disk: Box<dyn Disk>, sealing: Sealing) -> Self {
        Files { folder, disk, sealing, open: BTreeMap::new(), written: 0 }
    }

    /// Begins a file.
    pub fn create(&mut self, now: Instant, recording: RecordingId, form: Form) -> io::Result<()> {
        let folder = self.folder.as_deref().ok_or(io::ErrorKind::NotFound)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let whole = path_of(folder, recording, form);
        let file = self.disk.create(&part_of(&whole))?;
        self.open.insert(recording, Open { file, whole, bytes: 0, synced: now, failed: false, doubted: false });
        Ok(())
    }

    /// Does something with a file. If it cannot, the file is as before.
    pub fn write(&mut self, recording: RecordingId, output: &Output) -> io::Result<()> {
        let Some(open) = self.open.get_mut(&recording) else { return Ok(()) };
        let done = match output {
            Output::Append(bytes) => open.file.put(open.bytes, bytes),
            Output::Patch { at, bytes } => open.file.put(*at, bytes),
        };
        match (done, output) {
            (Ok(()), Output::Append(bytes)) => {
                open.bytes += bytes.len() as u64;
                self.written += bytes.len() as u64;
            }
            (Err(_), _) if open.failed => {}
            (Err(problem), _) => {
                open.failed = true;
                // What was written in part; where not even that is possible, a reader passes over it.
                let _ = open.file.cut(open.bytes);
                return Err(problem);
            }
            _ => {}
        }
        Ok(())
    }

    /// How many bytes a file has.
    pub fn bytes(&self, recording: RecordingId) -> u64 {
        self.open.get(&recording).map_or(0, |open| open.bytes)
    }

    /// How many bytes all files took since the beginning.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Makes sure that one file is on the disk for which it is time. Gives the one of which that cannot be done: nothing that is in it
    /// can be trusted, and nothing more should be written.
    pub fn sync(&mut self, now: Instant) -> Option<(RecordingId, io::Error)> {
        let due = |open: &Open| !open.failed && now.saturating_duration_since(open.synced) >= RECORD_SYNC_GAP;
        let (recording, open) = self.open.iter_mut().find(|(_, open)| due(open))?;
        open.synced = now;
        let problem = open.file.keep().err()?;
        (open.failed, open.doubted) = (true, true);
        Some((*recording, problem))
    }

    /// A file is done, if there is one. Without anything in it there is none any more. What could not be made sure to be on the disk is
    /// read again: then gives what was found.
    pub fn end(&mut self, recording: RecordingId) -> io::Result<Option<Outcome>> {
        let Some(mut open) = self.open.remove(&recording) else { return Ok(None) };
        let part = part_of(&open.whole);
        if open.bytes == 0 {
            return fs::remove_file(part).map(|()| None);
        }
        if open.doubted || open.file.finish().is_err() {
            drop(open);
            return check(&part, &self.sealing).map(Some);
        }
        name(&part).map(|()| None)
    }

    /// Ends a file whose writer is gone, by what is in it; none: there is none.
    pub fn rescue(&mut self, recording: RecordingId) -> Option<Outcome> {
        let open = self.open.remove(&recording)?;
        repair(&part_of(&open.whole), &self.sealing).ok()
    }

    /// Where they are put.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// How much space there is; none: nobody knows.
    pub fn space(&mut self) -> Option<u64> {
        self.disk.space(self.folder.as_deref()?)
    }
}

/// Does what makes a file a finished one, makes sure that it is on the disk, and gives how many bytes it has then. Where nothing can be
/// appended it can be played all the same: whoever jumps in it has to search.
fn finish(file: &mut dyn Medium, repaired: &Repaired) -> io::Result<u64> {
    let whole = file.cut(repaired.bytes).and_then(|()| apply(file, repaired.bytes, &repaired.outputs));
    let bytes = whole.or_else(|_| {
        file.cut(repaired.bytes)?;
        apply(file, repaired.bytes, &repaired.patches)
    })?;
    file.finish()?;
    Ok(bytes)
}

/// Does this with a file of so many bytes, and gives how many it has then.
fn apply(file: &mut dyn Medium, mut bytes: u64, outputs: &[Output]) -> io::Result<u64> {
    for output in outputs {
        match output {
            Output::Append(more) => {
                file.put(bytes, more)?;
                bytes += more.len() as u64;
            }
            Output::Patch { at, bytes } => file.put(*at, bytes)?,
        }
    }
    Ok(bytes)
}

fn path_of(folder: &Path, recording: RecordingId, form: Form) -> PathBuf {
    folder.join(format!("{:032x}.{}", recording.0, form.ending()))
}

fn part_of(whole: &Path) -> PathBuf {
    let mut name = whole.as_os_str().to_owned();
    name.push(".");
    name.push(PART);
    name.into()
}

/// Finishes a file by what of it is on the disk: the system may still show what never got there.
fn check(part: &Path, sealing: &Sealing) -> io::Result<Outcome> {
    // A system that cannot forget shows what it has, which is no worse than not to look.
    let _ = rustix::fs::fadvise(File::open(part)?, 0, None, Advice::DontNeed);
    repair(part, sealing)
}

/// A file that is on the disk is done: it gets its name.
fn name(part: &Path) -> io::Result<()> {
    fs::rename(part, part.with_extension(""))?;
    sync_folder(part)
}

fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn read(file: &File, sealing: &Sealing) -> io::Result<Found> {
    if !is_encrypted(file)? {
        let (bytes, repaired) = scan(|at, into| Place::read_at(file, at, into))?;
        return Ok(Found { bytes, all: bytes, repaired });
    }
    if file.size()? <= HEAD as u64 {
        return Ok(Found { bytes: 0, all: 0, repaired: None });
    }
    let reader = Reader::open(file, &sealing.keys)?;
    let (bytes, repaired) = scan(|at, into| match reader.read_at(at, into) {
        // After the power failed what was written last is not all there; whoever repairs sees how much that is.
        Err(Problem::Chunk(_)) => Ok(0),
        read => Ok(read?),
    })?;
    Ok(Found { bytes, all: reader.bytes(), repaired })
}

fn is_encrypted(file: &File) -> io::Result<bool> {
    let mut beginning = [0; sealed::BEGINNING];
    let read = Place::read_at(file, 0, &mut beginning)?;
    Ok(is_sealed(beginning.get(..read).unwrap_or_default()))
}

/// The same, of what is read piece by piece.
fn scan(read: impl Fn(u64, &mut [u8]) -> io::Result<usize>) -> io::Result<(u64, Option<Repaired>)> {
    let (mut repair, mut piece, mut bytes) = (Repair::default(), vec![0; PIECE], 0);
    loop {
        let read = read(bytes, &mut piece)?;
        if read == 0 {
            return Ok((bytes, repair.finish()));
        }
        bytes += read as u64;
        repair.push(piece.get(..read).unwrap_or_default());
    }
}

fn outcome(repaired: Option<&Repaired>, why: WhyStopped) -> Outcome {
    match repaired {
        Some(repaired) => Outcome {
            duration: repaired.duration,
            bytes: repaired.bytes_after,
            offset: repaired.began.unwrap_or_default(),
            codec: Some(codec_of(&repaired.tracks)),
            why,
        },
        None => Outcome { duration: Duration::ZERO, bytes: 0, offset: Duration::ZERO, codec: None, why: WhyStopped::NoMedia },
    }
}
