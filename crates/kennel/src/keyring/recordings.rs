//! The keys that recordings and compositions are encrypted with: one file in the data folder each, named by what the key is called in
//! what is encrypted with it, and sealed as all secrets are.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::PathBuf;

use sealed::{Key, KeyId, Keys, Sealing};

use super::random::{from_system, spell_hex};
use super::store::{Store, StoreProblem};
use crate::clock;
use crate::config::Secret;

/// A file is called so, with the key's name between the two.
const NAME: (&str, &str) = ("recordings-", ".key");

/// A key and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingKey {
    /// Its file.
    pub path: PathBuf,
    /// The key; none: the file cannot be used.
    pub key: Option<Key>,
    /// When it was made, in milliseconds since 1970 UTC; 0 if that is not known.
    pub made_ms: u64,
}

impl Store {
    /// What recordings and compositions are encrypted and read with: new ones with the key that was made last, so that one that was replaced
    /// and is put back for what is encrypted with it does not come into use again. If new ones are to be encrypted and there is no key, this makes one.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreProblem`].
    pub fn sealing(&self, is_on: bool) -> Result<Sealing, StoreProblem> {
        let found = self.recording_keys()?;
        for unusable in found.iter().filter(|found| found.key.is_none()) {
            tracing::error!(file = %unusable.path.display(), "the key in it cannot be used: what is encrypted with it cannot be played");
        }
        let mut keys: Vec<Key> = found.into_iter().filter_map(|found| found.key).collect();
        if is_on && keys.is_empty() {
            keys.push(self.make_recording_key()?);
        }
        Ok(Sealing { keys: Keys(keys), is_on, random: from_system })
    }

    /// The keys that are there, the one that was made last first. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreProblem`].
    pub fn recording_keys(&self) -> Result<Vec<RecordingKey>, StoreProblem> {
        let io = |problem: io::Error| StoreProblem::Io(self.folder().to_owned(), problem);
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder()).map_err(io)? {
            names.extend(entry.map_err(io)?.file_name().into_string());
        }
        names.retain(|name| id_of(name).is_some());
        names.sort();
        let mut keys = names.iter().map(|name| self.read_key(name)).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|key| Reverse(key.made_ms));
        Ok(keys)
    }

    /// A disk that does not give it is no reason to make another.
    fn read_key(&self, name: &str) -> Result<RecordingKey, StoreProblem> {
        let path = self.folder().join(name);
        let text = match self.read_sealed(name) {
            Err(StoreProblem::Damaged(..)) => None,
            text => text?,
        };
        let found = text.as_ref().and_then(|text| read_key(text.reveal()));
        let (key, made_ms) = found.filter(|(key, _)| id_of(name) == Some(key.id())).unzip();
        Ok(RecordingKey { path, key, made_ms: made_ms.unwrap_or_default() })
    }

    fn make_recording_key(&self) -> Result<Key, StoreProblem> {
        let mut bytes = [0; Key::BYTES];
        from_system(&mut bytes);
        let key = Key::new(bytes);
        let name = format!("{}{}{}", NAME.0, key.id(), NAME.1);
        self.write_sealed(&name, &Secret::new(format!("{} {}", spell_hex(&bytes), clock::unix_ms())))?;
        tracing::info!(
            file = name,
            "the key of recordings is made; with it and secret.key lost, so are they: kennel keys recordings"
        );
        Ok(key)
    }
}

/// A key as its file spells it, and when it was made.
fn read_key(text: &str) -> Option<(Key, u64)> {
    let (key, made_ms) = text.split_once(' ').unwrap_or((text, "0"));
    Some((Key::new(read_hex(key)?), made_ms.parse().ok()?))
}

/// The key that a file of this name has.
fn id_of(name: &str) -> Option<KeyId> {
    name.strip_prefix(NAME.0)?.strip_suffix(NAME.1).and_then(read_hex).map(KeyId)
}

/// So many bytes of hexadecimal digits in lower case.
fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn open(folder: &Path) -> Store {
        Store::open(folder, &Default::default(), 0).expect("opens")
    }

    #[test]
    fn the_key_is_made_when_it_is_needed_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let off = open(folder.path()).sealing(false).expect("read");
        assert!(off.key().is_none() && open(folder.path()).recording_keys().expect("listed").is_empty());
        let on = open(folder.path()).sealing(true).expect("made");
        let id = on.key().expect("one").id();
        let listed = open(folder.path()).recording_keys().expect("listed");
        let (path, made_ms) = (folder.path().join(format!("recordings-{id}.key")), listed[0].made_ms);
        assert!(made_ms > 1_700_000_000_000);
        assert_eq!(listed, [RecordingKey { path, key: on.key().cloned(), made_ms }]);
        let later = open(folder.path()).sealing(false).expect("read");
        assert!(later.key().is_none() && later.keys == on.keys, "what is encrypted can be read all the same");
    }

    #[test]
    fn a_key_of_another_server_is_not_taken_and_a_second_one_is_read_too() {
        let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        for folder in [&one, &other] {
            open(folder.path()).sealing(true).expect("made");
        }
        let theirs = open(other.path()).recording_keys().expect("listed").remove(0);
        let copy = one.path().join(theirs.path.file_name().expect("a name"));
        fs::copy(&theirs.path, &copy).expect("copied");
        let found = open(one.path()).recording_keys().expect("listed");
        assert_eq!(found.iter().filter(|found| found.key.is_none()).map(|found| &found.path).collect::<Vec<_>>(), [&copy]);
        let second = open(one.path()).make_recording_key().expect("made");
        assert!(open(one.path()).sealing(true).expect("read").keys.0.contains(&second));
        assert_eq!(open(one.path()).recording_keys().expect("listed").len(), 3);
    }

    #[test]
    fn new_recordings_have_the_key_that_was_made_last_whatever_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |seed: u8, made: &str| {
            let key = Key::new([seed; Key::BYTES]);
            let text = format!("{}{made}", spell_hex(&[seed; Key::BYTES]));
            let name = format!("{}{}{}", NAME.0, key.id(), NAME.1);
            open(folder.path()).write_sealed(&name, &Secret::new(text)).expect("written");
            key
        };
        for (seed, made) in [(1, " 5"), (2, " 6"), (3, ""), (4, " 7"), (5, " 1"), (6, " 8")] {
            let key = put(seed, made);
            let used = open(folder.path()).sealing(true).expect("read").key().cloned();
            assert_eq!(used == Some(key), !matches!(made, "" | " 1"), "{seed}");
        }
    }

    #[test]
    fn a_disk_that_does_not_give_the_key_has_none_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        let id = store.sealing(true).expect("made").key().expect("one").id();
        let path = folder.path().join(format!("recordings-{id}.key"));
        fs::remove_file(&path).and_then(|()| fs::create_dir(&path)).expect("in its place");
        assert!(matches!(store.sealing(true), Err(StoreProblem::Io(..))));
        assert_eq!(
            fs::read_dir(folder.path())
                .expect("listed")
                .filter(|file| id_of(&file.as_ref().expect("a file").file_name().to_string_lossy()).is_some())
                .count(),
            1
        );
    }
}
