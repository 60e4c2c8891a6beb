//! Finished files, wherever they lie, for whoever reads them.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// A finished file, wherever it lies. Read from threads that may wait.
#[allow(clippy::len_without_is_empty)]
pub trait Blob: Send + Sync {
    /// How many bytes it has, as whoever plays it counts them.
    fn len(&self) -> u64;

    /// Reads what is at that place, some of it at least; 0 only at the end or where nothing was asked for.
    ///
    /// # Errors
    /// Those of wherever it lies.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;
}

impl fmt::Debug for dyn Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// One that is on this machine.
#[derive(Debug)]
pub struct Local {
    file: File,
    bytes: u64,
}

impl Local {
    /// Opens it. What is appended from then on does not belong to it.
    ///
    /// # Errors
    /// The system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Local { file, bytes })
    }
}

impl Blob for Local {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes.saturating_sub(at)).unwrap_or(usize::MAX);
        let size = into.len().min(left);
        match self.file.read_at(&mut into[..size], at) {
            // It was cut off since it was opened, and nobody is to take it for whole.
            Ok(0) if size > 0 => Err(ErrorKind::UnexpectedEof.into()),
            read => read,
        }
    }
}

/// One after the other of its bytes.
#[derive(Clone, Debug)]
pub struct BlobReader(Arc<dyn Blob>, u64);

impl BlobReader {
    /// From its beginning.
    #[must_use]
    pub fn new(blob: Arc<dyn Blob>) -> Self {
        BlobReader(blob, 0)
    }
}

impl Read for BlobReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read_at(self.1, into)?;
        self.1 += read as u64;
        Ok(read)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(from) => self.0.len().checked_add_signed(from),
            SeekFrom::Current(from) => self.1.checked_add_signed(from),
        };
        self.1 = place.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_from_anywhere_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("film");
        std::fs::write(&path, "0123456789").expect("written");
        let blob: Arc<dyn Blob> = Arc::new(Local::open(&path).expect("opened"));
        let check = |from: SeekFrom, expected: &str| {
            let mut reader = BlobReader::new(Arc::clone(&blob));
            let mut text = String::new();
            reader.seek(SeekFrom::Start(1)).expect("there");
            reader.seek(from).expect("there");
            reader.read_to_string(&mut text).expect("read");
            assert_eq!(text, expected, "{from:?}");
        };
        check(SeekFrom::Start(0), "0123456789");
        check(SeekFrom::Current(6), "789");
        check(SeekFrom::End(-1), "9");
        check(SeekFrom::End(5), "");
        assert!(BlobReader::new(Arc::clone(&blob)).seek(SeekFrom::Current(-1)).is_err());
        std::fs::OpenOptions::new().write(true).open(&path).expect("there").set_len(4).expect("cut");
        assert!(blob.read_at(4, &mut [0; 2]).is_err_and(|problem| problem.kind() == ErrorKind::UnexpectedEof));
    }
}
