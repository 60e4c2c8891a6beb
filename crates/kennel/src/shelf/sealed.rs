//! Encrypted files, read as what they were.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use sealed::{KeyId, Place, Problem, Reader, Sealing, is_sealed};

use super::blob::Blob;
use super::files::Files;

/// What is in a file: of an encrypted one what it was, of others what it is.
///
/// # Errors
/// Those of wherever it lies; a [`Problem`] within, if it is encrypted and cannot be read.
pub fn open(blob: Arc<dyn Blob>, sealing: &Sealing) -> io::Result<Arc<dyn Blob>> {
    let mut beginning = [0; sealed::BEGINNING];
    let read = blob.read_at(0, &mut beginning)?;
    if !is_sealed(beginning.get(..read).unwrap_or_default()) {
        return Ok(blob);
    }
    let reader = Reader::open(Within(blob), &sealing.keys)?;
    if !reader.is_whole() {
        tracing::warn!("an encrypted file is cut off at its end; what is there is given out");
    }
    Ok(Arc::new(Opened(reader)))
}

/// Why such a file cannot be read, if that is what this is.
#[must_use]
pub fn problem_of(problem: &io::Error) -> Option<&Problem> {
    problem.get_ref()?.downcast_ref()
}

/// How many files of a folder are encrypted with keys that are not here, and one of these keys. Reads the beginning of each file.
///
/// # Errors
/// The folder cannot be read.
pub fn locked(files: &Files) -> io::Result<Option<(usize, KeyId)>> {
    let keys = &files.sealing().keys;
    let (mut count, mut one) = (0, None);
    for file in files.list()? {
        if let Some(id) = key_of(&file.path).filter(|id| !keys.has(*id)) {
            count += 1;
            one = Some(id);
        }
    }
    Ok(one.map(|id| (count, id)))
}

/// The same, for the log.
pub fn complain(files: &Files, what: &str) {
    if let Ok(Some((count, key))) = locked(files) {
        tracing::error!(count, %key, "some {what} are encrypted with a key that is not here: put its file back into the data folder");
    }
}

fn key_of(path: &Path) -> Option<KeyId> {
    let mut beginning = Vec::new();
    File::open(path).ok()?.take(sealed::BEGINNING as u64).read_to_end(&mut beginning).ok()?;
    sealed::key_of(&beginning)
}

struct Within(Arc<dyn Blob>);

impl Place for Within {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len())
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(at, into)
    }
}

struct Opened(Reader<Within>);

impl Blob for Opened {
    fn len(&self) -> u64 {
        self.0.bytes()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read_at(at, into)? {
            0 if at < self.len() && !into.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::{Seek, SeekFrom};

    use ::sealed::{CHUNK, Key, Keys, Writer};

    use crate::keyring::random::from_system;
    use crate::shelf::blob::BlobReader;

    #[test]
    fn an_encrypted_file_is_read_as_any_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Keys(vec![Key::new([1; Key::BYTES])]);
        let sealing = Sealing { keys, is_on: true, random: from_system };
        let files = Files::in_folder(folder.path().to_owned()).sealed(sealing.clone());
        let plain: Vec<u8> = (0..3 * CHUNK).map(|at| (at >> 6) as u8).collect();
        let new = File::options().read(true).write(true).create_new(true).open(files.finished(1, "mkv")).expect("made");
        let mut writer = Writer::create(new, sealing.key().expect("one"), from_system).expect("written");
        writer.write_at(0, &plain).and_then(|()| writer.finish()).expect("written");
        std::fs::write(files.finished(2, "mkv"), "plain").expect("written");
        let read = |id: u128, from: SeekFrom| {
            let mut all = Vec::new();
            let mut reader = BlobReader::new(files.open(id).expect("opened").expect("there").blob);
            reader.seek(from).and_then(|_| reader.read_to_end(&mut all)).expect("read");
            all
        };
        assert!(read(1, SeekFrom::Start(0)) == plain && read(1, SeekFrom::End(-9)) == plain[plain.len() - 9..]);
        assert_eq!((read(2, SeekFrom::Start(0)), locked(&files).expect("read")), (b"plain".to_vec(), None));
        let without = Files::in_folder(folder.path().to_owned());
        let problem = without.open(1).expect_err("no key");
        assert!(matches!(problem_of(&problem), Some(Problem::OtherKey(_))), "{problem}");
        assert!(without.open(2).is_ok() && without.has(1));
        assert_eq!(locked(&without).expect("read"), sealing.key().map(|key| (1, key.id())));
    }
}
