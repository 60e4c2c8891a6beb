//! The keys that recordings and compositions are encrypted with: one file in the data folder each, named by what the key is called in
//! what is encrypted with it, and sealed as all secrets are.

use std::fs;
use std::io;
use std::path::PathBuf;

use sealed::{Key, KeyId, Keys, Sealing};

use super::random::{from_system, spell_hex};
use super::store::{Store, StoreProblem};
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
}

impl Store {
    /// What recordings and compositions are encrypted and read with. If new ones are to be encrypted and there is no key, this makes one.
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

    /// The keys that are there, in the order of their names. Blocks on the disk.
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
        Ok(names.into_iter().map(|name| RecordingKey { key: self.read_key(&name), path: self.folder().join(name) }).collect())
    }

    fn read_key(&self, name: &str) -> Option<Key> {
        let text = self.read_sealed(name).ok().flatten()?;
        let key = Key::new(read_hex(text.reveal())?);
        Some(key).filter(|key| id_of(name) == Some(key.id()))
    }

    fn make_recording_key(&self) -> Result<Key, StoreProblem> {
        let mut bytes = [0; Key::BYTES];
        from_system(&mut bytes);
        let key = Key::new(bytes);
        let name = format!("{}{}{}", NAME.0, key.id(), NAME.1);
        self.write_sealed(&name, &Secret::new(spell_hex(&bytes)))?;
        tracing::info!(
            file = name,
            "the key of recordings is made; with it and secret.key lost, so are they: kennel keys recordings"
        );
        Ok(key)
    }
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
        assert_eq!(listed, [RecordingKey { path: folder.path().join(format!("recordings-{id}.key")), key: on.key().cloned() }]);
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
}
