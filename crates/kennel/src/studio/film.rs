//! The file of a composition that is made: encrypted or not.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sealed::{Sealing, Writer};

/// The file.
pub enum Film {
    /// As it is.
    Plain(File),
    /// Encrypted.
    Sealed(Box<Sealed>),
}

/// One that is encrypted, and where it is written next.
pub struct Sealed {
    writer: Writer<File>,
    at: u64,
}

impl Film {
    /// Makes a file that was not there.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: &Path, sealing: &Sealing) -> io::Result<Self> {
        let mut new = OpenOptions::new();
        let file = new.create_new(true).read(true).write(true).mode(0o600).open(path)?;
        Ok(match sealing.key() {
            None => Film::Plain(file),
            Some(key) => Film::Sealed(Box::new(Sealed { writer: Writer::create(file, key, sealing.random)?, at: 0 })),
        })
    }

    /// How many bytes are in it to be played.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Film::Plain(file) => file.metadata().map_or(0, |data| data.len()),
            Film::Sealed(film) => film.writer.bytes(),
        }
    }

    /// Makes sure that what was written is on the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn keep(&mut self) -> io::Result<()> {
        match self {
            Film::Plain(file) => file.sync_data(),
            Film::Sealed(film) => film.writer.keep(),
        }
    }

    /// The same, of all of it, and gives how many bytes are in it to be played.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(&mut self) -> io::Result<u64> {
        match self {
            Film::Plain(file) => file.sync_all()?,
            Film::Sealed(film) => film.writer.finish()?,
        }
        Ok(self.bytes())
    }
}

impl Write for Film {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Film::Plain(file) => file.write(bytes),
            Film::Sealed(film) => {
                film.writer.write_at(film.at, bytes)?;
                film.at += bytes.len() as u64;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Film {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Film::Plain(file) => file.seek(to),
            Film::Sealed(film) => {
                let place = match to {
                    SeekFrom::Start(at) => Some(at),
                    SeekFrom::End(from) => film.writer.bytes().checked_add_signed(from),
                    SeekFrom::Current(from) => film.at.checked_add_signed(from),
                };
                film.at = place.ok_or(ErrorKind::InvalidInput)?;
                Ok(film.at)
            }
        }
    }
}
