//! What the process asks of the system before it starts: descriptors, no core dumps, files for the owner alone, the data folder for
//! itself.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

/// Fewer descriptors than this and a household's reconnect after a restart could fail half-way.
pub const DESCRIPTORS_MIN: u64 = 512;

/// Prepares the process and returns how many descriptors it may open.
///
/// # Errors
/// A sentence when there are fewer than [`DESCRIPTORS_MIN`].
pub fn prepare() -> Result<u64, String> {
    // Core files would hold keys. Where the system refuses, it makes none anyway.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    umask(Mode::from_raw_mode(0o077));
    enough(raise_descriptors())
}

/// How many descriptors the process may open now. No limit counts as the largest number.
pub fn descriptors() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Raises the soft limit to the hard one and returns what holds now. No limit counts as the largest number.
fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let holds = if raised.is_ok() { limit.maximum } else { limit.current };
    holds.unwrap_or(u64::MAX)
}

/// Takes the data folder for this server, as long as the result lives: two servers would overwrite each other's sessions. `None` when
/// another one has it. The system lets go of it however a process ends.
///
/// # Errors
/// The system's, when the folder cannot be written.
pub fn take_folder(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join("server.lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // Some network file systems know no locks; there the owner has to know what runs.
        Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

/// Whether a server runs with this data folder.
pub fn is_taken(folder: &Path) -> bool {
    let lock = File::open(folder.join("server.lock"));
    lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn enough(descriptors: u64) -> Result<u64, String> {
    if descriptors >= DESCRIPTORS_MIN {
        return Ok(descriptors);
    }
    Err(format!(
        "The system lets Kennel open {descriptors} files and connections; it needs {DESCRIPTORS_MIN}. \
         Raise the limit, for example with: ulimit -n 4096"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_descriptors_are_refused_with_the_remedy() {
        assert_eq!(enough(512), Ok(512));
        let refusal = enough(511).expect_err("too few");
        assert!(refusal.contains("511") && refusal.contains("512") && refusal.contains("ulimit"), "{refusal}");
    }

    #[test]
    fn one_server_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!is_taken(folder.path()));
        let first = take_folder(folder.path()).expect("writable").expect("free");
        assert!(is_taken(folder.path()));
        assert!(take_folder(folder.path()).expect("writable").is_none());
        drop(first);
        assert!(!is_taken(folder.path()));
        assert!(take_folder(folder.path()).expect("writable").is_some());
    }

    #[test]
    fn preparing_raises_the_soft_limit_to_the_hard_one() {
        let descriptors = prepare().expect("enough on a machine that compiles");
        assert_eq!(self::descriptors(), descriptors);
    }
}
