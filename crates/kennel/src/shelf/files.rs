//! The folders of recordings and of compositions: `ID.ENDING`, and `ID.ENDING.part` while one is written. The media server writes
//! recordings; here they are found, counted and deleted.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ::sealed::Sealing;
use media::record;
use store::{StoredKind, StoredRow};

use super::blob::{Blob, Local};
use super::sealed;
use crate::bucket::{self, Depot};

/// The endings that recordings have.
pub const ENDINGS: [&str; 4] = ["mka", "mkv", "webm", "mp4"];

/// What a file has at its end while it is written.
const UNFINISHED: &str = "part";

/// What may stand behind the name of a finished file.
const BESIDE: [&str; 3] = [UNFINISHED, record::DAMAGED, record::COPY];

/// The file that tells such a folder from an empty one in its place, such as where a disk is not mounted. It has nothing in it.
pub const MARK: &str = ".kennel-recordings";

/// The folder.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
    /// Where finished files go from there, and what they are of.
    afar: Option<(Depot, StoredKind)>,
    sealing: Arc<Sealing>,
}

/// A file in the folder.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Of which recording.
    pub recording: u128,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was written to last.
    pub changed: SystemTime,
    /// Whether it is finished.
    pub whole: bool,
}

/// A finished file that is open.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What is in it.
    pub blob: Arc<dyn Blob>,
    /// What its name ends in, such as `mkv`.
    pub ending: &'static str,
}

/// What a disk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// In all, in bytes.
    pub total: u64,
    /// Free for us.
    pub free: u64,
}

impl Files {
    /// Those in this folder, which need not be there. None that is encrypted can be read.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Files { folder, afar: None, sealing: Arc::new(Sealing::none()) }
    }

    /// These, of which finished ones go into a bucket.
    #[must_use]
    pub fn and_in(self, depot: Depot, kind: StoredKind) -> Self {
        Files { afar: Some((depot, kind)), ..self }
    }

    /// The same, read and made with this.
    #[must_use]
    pub fn sealed(self, sealing: Sealing) -> Self {
        Files { sealing: Arc::new(sealing), ..self }
    }

    /// What encrypted ones are read with, and others are made with.
    #[must_use]
    pub fn sealing(&self) -> &Sealing {
        &self.sealing
    }

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder has its mark.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.folder.join(MARK).is_file()
    }

    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// The system's.
    pub fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }

    /// Makes the folder, if it is not there, and its mark.
    ///
    /// # Errors
    /// The system's.
    pub fn mark(&self) -> io::Result<()> {
        self.make()?;
        fs::OpenOptions::new().create(true).append(true).mode(0o600).open(self.folder.join(MARK)).map(drop)
    }

    /// Whether there is a finished file of this recording, here or in the bucket.
    #[must_use]
    pub fn has(&self, recording: u128) -> bool {
        self.is_afar(recording) || self.find(recording).is_some()
    }

    /// Whether all of this recording's file is in the bucket. Asks nobody.
    #[must_use]
    pub fn is_afar(&self, recording: u128) -> bool {
        self.afar.as_ref().is_some_and(|(depot, _)| depot.has(recording))
    }

    /// Asks the bucket whether it has the file of this recording.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn reach(&self, recording: u128) -> Result<(), bucket::Problem> {
        match &self.afar {
            Some((depot, _)) => depot.reach(recording).await,
            None => Err(bucket::Problem::Missing),
        }
    }

    /// Looks in the bucket for files of which the history does not know that they are there: gives what is to be written down of those that
    /// are, and then [taken up](Files::take_up).
    ///
    /// # Errors
    /// The bucket's: nobody knows.
    pub async fn seek(&self, ids: &[u128]) -> Result<Vec<StoredRow>, bucket::Problem> {
        match &self.afar {
            Some((depot, kind)) => depot.seek(*kind, ids).await,
            None => Ok(Vec::new()),
        }
    }

    /// These are in the bucket, and that is written down.
    pub fn take_up(&self, rows: Vec<StoredRow>) {
        if let Some((depot, _)) = &self.afar {
            depot.take_up(rows);
        }
    }

    /// All that are in the bucket, but for those of `here`.
    #[must_use]
    pub fn afar(&self, here: &[Kept]) -> Vec<Kept> {
        self.afar.as_ref().map(|(depot, kind)| depot.kept(*kind, here)).unwrap_or_default()
    }

    /// Has the file of this recording deleted from the bucket, as the history says already.
    pub fn doom(&self, recording: u128) {
        if let Some((depot, _)) = &self.afar {
            depot.doom(recording);
        }
    }

    /// Opens the finished file of this recording, here or in the bucket; none: there is none. Whether the bucket can be reached shows when
    /// it is read.
    ///
    /// # Errors
    /// The system's, or that it is in another bucket; [`sealed::problem_of`] it, if the file is encrypted and cannot be read.
    pub fn open(&self, recording: u128) -> io::Result<Option<Opened>> {
        let Some((path, ending)) = self.find(recording) else { return self.open_afar(recording) };
        match Local::open(&path) {
            Ok(file) => Ok(Some(Opened { blob: sealed::open(Arc::new(file), &self.sealing)?, ending })),
            // Gone into the bucket or deleted since it was looked for.
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => self.open_afar(recording),
            Err(problem) => Err(problem),
        }
    }

    fn open_afar(&self, recording: u128) -> io::Result<Option<Opened>> {
        let Some((depot, _)) = &self.afar else { return Ok(None) };
        let found = depot.file(recording).map_err(io::Error::other)?;
        found.map(|found| Ok(Opened { blob: sealed::open(found.blob, &self.sealing)?, ..found })).transpose()
    }

    fn find(&self, recording: u128) -> Option<(PathBuf, &'static str)> {
        let path = |ending| (self.finished(recording, ending), ending);
        ENDINGS.into_iter().map(path).find(|(path, _)| path.is_file())
    }

    /// Where a file of this id and ending is while it is written.
    #[must_use]
    pub fn unfinished(&self, id: u128, ending: &str) -> PathBuf {
        self.folder.join(format!("{id:032x}.{ending}.{UNFINISHED}"))
    }

    /// Where it is when it is whole.
    #[must_use]
    pub fn finished(&self, id: u128, ending: &str) -> PathBuf {
        self.folder.join(format!("{id:032x}.{ending}"))
    }

    /// Deletes what there is of this recording. Nothing is fine.
    ///
    /// # Errors
    /// The system's.
    pub fn delete(&self, recording: u128) -> io::Result<()> {
        for ending in ENDINGS {
            let name = format!("{recording:032x}.{ending}");
            for path in BESIDE.map(|end| format!("{name}.{end}")).into_iter().chain([name]) {
                match fs::remove_file(self.folder.join(path)) {
                    Err(problem) if problem.kind() != io::ErrorKind::NotFound => return Err(problem),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// All files of recordings, those that were written to longest ago first. Others are passed over.
    ///
    /// # Errors
    /// The system's, but for a folder that is not there.
    pub fn list(&self) -> io::Result<Vec<Kept>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files: Vec<Kept> = entries.filter_map(|entry| kept(&entry.ok()?)).collect();
        files.sort_by_key(|file| (file.changed, file.recording));
        Ok(files)
    }

    /// What is left of the disk that they are on.
    ///
    /// # Errors
    /// The system's.
    pub fn space(&self) -> io::Result<Space> {
        let there = self.folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
        let disk = rustix::fs::statvfs(there)?;
        Ok(Space { total: disk.f_blocks.saturating_mul(disk.f_frsize), free: disk.f_bavail.saturating_mul(disk.f_frsize) })
    }
}

fn kept(entry: &fs::DirEntry) -> Option<Kept> {
    let (recording, whole) = read_name(entry.file_name().to_str()?)?;
    let data = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    let changed = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Some(Kept { recording, path: entry.path(), bytes: data.len(), changed, whole })
}

/// The recording of a file of this name, and whether it is finished.
fn read_name(name: &str) -> Option<(u128, bool)> {
    let (stem, rest) = name.split_once('.')?;
    let hex = stem.len() == 32 && stem.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let recording = u128::from_str_radix(stem, 16).ok().filter(|_| hex)?;
    match rest.split_once('.') {
        None if ENDINGS.contains(&rest) => Some((recording, true)),
        Some((ending, UNFINISHED)) if ENDINGS.contains(&ending) => Some((recording, false)),
        _ => None,
    }
}

/// What a file holds, for whoever plays it. WebM is Matroska with these codecs only, and the name that more players know.
#[must_use]
pub fn content_type(ending: &str, codec: &str) -> &'static str {
    match (ending, codec) {
        ("mp4", _) => "video/mp4",
        ("mka", "opus") => "audio/webm",
        ("mka", _) => "audio/x-matroska",
        (_, "h264") => "video/x-matroska",
        _ => "video/webm",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_recordings_from_other_files() {
        let id = "0000000000000000000000000000000a";
        for (end, expected) in [
            (".mkv", Some((10, true))),
            (".mka.part", Some((10, false))),
            (".webm", Some((10, true))),
            (".txt", None),
            (".mkv.txt", None),
            (".mkv.part.part", None),
            ("", None),
        ] {
            assert_eq!(read_name(&format!("{id}{end}")), expected, "{end}");
        }
        assert_eq!(read_name("A.mkv"), None);
        assert_eq!(read_name("0000000000000000000000000000000A.mkv"), None);
    }

    #[test]
    fn files_are_found_counted_and_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::in_folder(folder.path().join("recordings"));
        assert!(files.list().expect("a list").is_empty() && !files.has(1));
        assert!(files.space().expect("a disk").total > 0);
        fs::create_dir(files.folder()).expect("made");
        for (name, text) in
            [("1.mkv", "abc"), ("1.mkv.damaged", "abcd"), ("2.mka.part", "ab"), ("2.mka.copy", "a"), ("notes.txt", "a")]
        {
            let (stem, end) = name.split_once('.').expect("an ending");
            let path = if stem == "notes" { name.to_owned() } else { format!("{stem:0>32}.{end}") };
            fs::write(files.folder().join(path), text).expect("written");
        }
        let mut found: Vec<_> = files.list().expect("a list").iter().map(|f| (f.recording, f.bytes, f.whole)).collect();
        found.sort_unstable();
        assert_eq!(found, [(1, 3, true), (2, 2, false)]);
        assert!(files.has(1) && !files.has(2));
        let opened = files.open(1).expect("opened").expect("there");
        assert_eq!((opened.ending, opened.blob.len()), ("mkv", 3));
        assert!(files.open(2).expect("looked for").is_none());
        for recording in [1, 2, 3] {
            files.delete(recording).expect("deleted");
        }
        let left: Vec<_> =
            fs::read_dir(files.folder()).expect("a folder").map(|file| file.expect("a file").file_name()).collect();
        assert_eq!(left, ["notes.txt"]);
    }
}
