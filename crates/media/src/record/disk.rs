//! What recordings are written on. Beside the file system's own there are others in tests: full, slow, broken.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use sealed::{Paper, Sealing, Writer};

/// Where files are made.
pub(super) trait Disk: Send {
    /// Makes a file that was not there.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Medium>>;
    /// How many bytes are free around this path, which need not exist; none: nobody knows.
    fn space(&mut self, path: &Path) -> Option<u64>;
}

/// A file that is written.
pub(super) trait Medium: Send {
    /// Writes all of this at that place.
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Takes away what is behind so many bytes.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
    /// Makes sure that it is on the disk.
    fn keep(&mut self) -> io::Result<()>;
    /// The same, and nothing more will be written.
    fn finish(&mut self) -> io::Result<()> {
        self.keep()
    }
}

/// That of the file system.
pub(super) struct System(pub Sealing);

impl Disk for System {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Medium>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(match self.0.key() {
            Some(key) => Box::new(Writer::create(file, key, self.0.random)?),
            None => Box::new(file),
        })
    }

    fn space(&mut self, path: &Path) -> Option<u64> {
        let there = path.ancestors().find(|path| path.exists())?;
        let told = rustix::fs::statvfs(there).ok()?;
        Some(told.f_bavail.saturating_mul(told.f_frsize))
    }
}

impl Medium for File {
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn keep(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Nothing waits for more to come: whenever the program ends, all that it was given is in the file, but for what was changed in full chunks
/// since it was kept last.
impl<P: Paper + Send> Medium for Writer<P> {
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_at(at, bytes)?;
        self.flush()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        Writer::cut(self, bytes)
    }

    fn keep(&mut self) -> io::Result<()> {
        Writer::keep(self)
    }

    fn finish(&mut self) -> io::Result<()> {
        Writer::finish(self)
    }
}
