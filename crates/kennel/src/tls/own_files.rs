//! The owner's own certificate files, read again when they change.

use std::fmt;

use super::pem::{self, Certified};
use crate::config::CertificateFiles;
use crate::keyring::files::{Stamp, stamp};

/// Larger files are no certificates.
const FILE_MAX: u64 = 1024 * 1024;

/// Why the files cannot be used. `Display` says what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct FilesProblem(String);

/// The files and the state of them that was read last.
#[derive(Debug)]
pub struct OwnFiles {
    files: CertificateFiles,
    seen: Option<[Option<Stamp>; 2]>,
}

impl OwnFiles {
    /// Remembers the files; nothing is read yet.
    pub fn new(files: CertificateFiles) -> Self {
        Self { files, seen: None }
    }

    /// The certificate if the files changed since the last call, or have not been read yet.
    ///
    /// # Errors
    /// [`FilesProblem`], once for each state of the files.
    pub fn changed(&mut self) -> Result<Option<Certified>, FilesProblem> {
        let now = [stamp(&self.files.cert), stamp(&self.files.key)];
        if self.seen.replace(now) == Some(now) {
            return Ok(None);
        }
        self.read().map(Some)
    }

    fn read(&self) -> Result<Certified, FilesProblem> {
        let chain = text_of(&self.files.cert, "--cert")?;
        let key = text_of(&self.files.key, "--cert-key")?;
        let both = format!("{} and {}", self.files.cert.display(), self.files.key.display());
        pem::certified(&chain, &key).map_err(|problem| FilesProblem(format!("--cert and --cert-key ({both}): {problem}.")))
    }
}

impl FilesProblem {
    /// A chain that is out of order or has a gap.
    pub fn of_chain(problem: &str) -> Self {
        Self(format!("--cert: {problem}. Put the leaf first, then each certificate that signed the one before."))
    }
}

/// The modes of these files are the owner's affair: other programs may share them.
fn text_of(path: &std::path::Path, flag: &str) -> Result<String, FilesProblem> {
    let refuse = |problem: &dyn fmt::Display| {
        FilesProblem(format!("{flag} {}: {problem}. Name a file that Kennel's user can read.", path.display()))
    };
    let length = std::fs::metadata(path).map_err(|problem| refuse(&problem))?.len();
    if length > FILE_MAX {
        return Err(refuse(&"it is larger than a certificate"));
    }
    std::fs::read_to_string(path).map_err(|problem| refuse(&problem))
}

impl fmt::Display for FilesProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FilesProblem {}
