//! What sealed files lie in.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that can be read from anywhere.
pub trait Place {
    /// How many there are.
    ///
    /// # Errors
    /// Those of wherever it is.
    fn size(&self) -> io::Result<u64>;

    /// Reads what is at that place, some of it at least; 0 only at the end.
    ///
    /// # Errors
    /// Those of wherever it is.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;
}

impl<P: Place + ?Sized> Place for &P {
    fn size(&self) -> io::Result<u64> {
        P::size(self)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        P::read_at(self, at, into)
    }
}

/// Bytes that can be written, too.
pub trait Paper: Place {
    /// Writes all of this at that place.
    ///
    /// # Errors
    /// Those of wherever it is.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Takes away what is behind so many bytes. Where there are not so many nothing is changed.
    ///
    /// # Errors
    /// Those of wherever it is.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;

    /// Makes sure that what was written stays whatever happens.
    ///
    /// # Errors
    /// Those of wherever it is.
    fn keep(&mut self) -> io::Result<()>;
}

impl Place for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, into, at)
    }
}

impl Paper for File {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        if self.size()? > bytes { self.set_len(bytes) } else { Ok(()) }
    }

    fn keep(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Reads as much as there is, up to all that is wanted.
pub(crate) fn fill(place: &impl Place, mut at: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match place.read_at(at, rest) {
            Ok(0) => break,
            Ok(read) => {
                filled += read;
                at += read as u64;
            }
            Err(problem) if problem.kind() == io::ErrorKind::Interrupted => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(filled)
}
