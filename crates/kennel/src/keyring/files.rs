//! Files that hold secrets: written whole or not at all, readable by their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Files of ours are far smaller; a larger one is not ours.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// What tells one state of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    length: u64,
    modified: SystemTime,
}

/// Makes the folder with mode 0700, or corrects the mode of one that is there.
///
/// # Errors
/// The system's.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    tighten(folder, 0o700)
}

/// The file's text, or `None` when there is no such file. Corrects a mode that is too wide.
///
/// # Errors
/// The system's; `InvalidData` for a file that is no text or larger than 16 MiB.
pub fn read_text(path: &Path) -> io::Result<Option<String>> {
    let Some(bytes) = read(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// The file's bytes, or `None` when there is no such file. Corrects a mode that is too wide.
///
/// # Errors
/// The system's; `InvalidData` for a file larger than 16 MiB.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(problem) => return Err(problem),
    };
    tighten(path, 0o600)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 16 MiB"));
    }
    Ok(Some(bytes))
}

/// Puts `bytes` into the file: readers see the old content or the new, also after a power cut.
///
/// # Errors
/// The system's; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // What went wrong first is the thing to report.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_folder(path)
}

/// Makes the file with these bytes and mode 0600, and fails when it is there already.
///
/// # Errors
/// The system's; `AlreadyExists`.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_new(path, bytes)?;
    sync_folder(path)
}

/// The file's stamp, or `None` when there is no such file.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    let modified = data.modified().ok()?;
    Some(Stamp { inode: data.ino(), length: data.len(), modified })
}

/// Holds the lock file as long as the result lives, so that two programs never write by turns. Waits for whoever has it.
///
/// # Errors
/// The system's.
pub fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

fn tighten(path: &Path, mode: u32) -> io::Result<()> {
    let found = fs::metadata(path)?.permissions().mode() & 0o777;
    if found & !mode == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "mode {found:03o} was too wide and is now {mode:03o}");
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name for one writing alone, by process and number, so that two never write into one file.
fn temporary(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let name = PathBuf::from(name);
    // A leftover of an earlier process with our number; nobody else uses it now.
    let _ = fs::remove_file(&name);
    name
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn files_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("a/b");
        make_folder(&inner).expect("made");
        let file = inner.join("f");
        replace(&file, b"1").expect("written");
        replace(&file, b"2").expect("written again");
        assert_eq!((mode(&inner), mode(&file)), (0o700, 0o600));
        assert_eq!(read_text(&file).expect("read"), Some("2".to_owned()));
        assert_eq!(fs::read_dir(&inner).expect("list").count(), 1, "no leftovers");
    }

    #[test]
    fn wide_modes_are_corrected() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("f");
        fs::write(&file, "x").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
        read(&file).expect("read");
        make_folder(folder.path()).expect("corrected");
        assert_eq!((mode(folder.path()), mode(&file)), (0o700, 0o600));
    }

    #[test]
    fn a_stamp_changes_with_each_replacement() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("f");
        assert_eq!(stamp(&file), None);
        replace(&file, b"1").expect("written");
        let first = stamp(&file);
        replace(&file, b"2").expect("written");
        assert_ne!(stamp(&file), first);
    }

    #[test]
    fn many_may_replace_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("f");
        std::thread::scope(|scope| {
            for n in 0..4_u8 {
                let file = &file;
                scope.spawn(move || (0..50).for_each(|_| replace(file, &[n; 4096]).expect("written")));
            }
        });
        let bytes = read(&file).expect("read").expect("is there");
        assert!(bytes.len() == 4096 && bytes.iter().all(|b| *b == bytes[0]), "whole, by one of them");
        assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 1, "no leftovers");
    }

    #[test]
    fn create_never_overwrites() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("f");
        create(&file, b"1").expect("made");
        assert!(create(&file, b"2").is_err());
        assert_eq!(read(&file).expect("read"), Some(b"1".to_vec()));
        assert_eq!(read(&folder.path().join("none")).expect("read"), None);
    }
}
