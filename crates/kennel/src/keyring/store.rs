//! The keyring's files in the data folder, and the shell around the values.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use twilio::token;

use super::random::{Random, from_system};
use super::seal::{KEY_BYTES, Sealer};
use super::{Credentials, KeyRefusal, Keyring, Link, Sessions, files, form};
use crate::config::{Secret, VendorCredentials};

/// The keyring of a data folder: `secret.key` (32 random bytes), `keyring.json` (credentials and links; written by the server and by
/// `kennel keys`, one at a time under `keyring.lock`) and `sessions.json` (written by the server only).
pub struct Store {
    folder: PathBuf,
    sealer: Sealer,
    given: VendorCredentials,
    current: RwLock<Arc<Keyring>>,
    stamp: Mutex<Option<files::Stamp>>,
    sessions: Mutex<Sessions>,
    /// Held while files are read or written, so that an older state never lands after a newer one.
    files: Mutex<()>,
}

/// Why the keyring cannot be used. `Display` is for the person who runs the server and holds no secret.
#[derive(Debug)]
pub enum StoreProblem {
    /// The system refused.
    Io(PathBuf, io::Error),
    /// A file is not as Kennel wrote it.
    Damaged(PathBuf, String),
    /// `keyring.json` is there and `secret.key` is not, so nothing in it can be read.
    KeyFileGone(PathBuf),
}

impl Store {
    /// Opens the keyring of `folder`; at first start makes one. `given` overrides its credentials and is never written.
    ///
    /// # Errors
    /// [`StoreProblem`]. Files are left as they are.
    pub fn open(folder: &Path, given: &VendorCredentials, now: u64) -> Result<Self, StoreProblem> {
        files::make_folder(folder).map_err(|problem| at(folder, problem))?;
        let lock = folder.join("keyring.lock");
        let _lock = files::lock(&lock).map_err(|problem| at(&lock, problem))?;
        let sealer = open_sealer(folder)?;
        let path = folder.join("keyring.json");
        let keyring = match read_keyring(&path, &sealer)? {
            Some(keyring) => keyring,
            None => {
                let keyring = Keyring::fresh(now, &from_system);
                write_keyring(&path, &keyring, &sealer)?;
                keyring
            }
        };
        Ok(Self {
            sessions: Mutex::new(read_sessions(&folder.join("sessions.json"))?),
            stamp: Mutex::new(files::stamp(&path)),
            current: RwLock::new(Arc::new(keyring)),
            files: Mutex::default(),
            folder: folder.to_owned(),
            given: given.clone(),
            sealer,
        })
    }

    /// The data folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The keyring as it is now.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The credentials with those of the environment over them.
    pub fn credentials(&self) -> Credentials {
        self.keyring().credentials.overridden(&self.given)
    }

    /// Whether this API key came from outside, so that it cannot be changed here.
    pub fn is_given(&self, sid: &str) -> bool {
        self.given.twilio_api_key_sid.as_deref() == Some(sid)
    }

    /// The secret of an API key that was not revoked.
    pub fn api_secret(&self, sid: &str) -> Option<Secret> {
        let own = self.credentials();
        if own.twilio_api_key_sid == sid {
            return Some(own.twilio_api_key_secret);
        }
        self.keyring().api_keys().iter().find(|key| key.sid == sid).map(|key| key.secret.clone())
    }

    /// Changes the keyring and writes it before it counts. Another program's change in between is kept. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreProblem`]; then nothing has changed.
    pub fn update<T>(&self, change: impl FnOnce(&mut Keyring, Random<'_>) -> T) -> Result<T, StoreProblem> {
        let _turn = lock_of(&self.files);
        let lock = self.folder.join("keyring.lock");
        let _lock = files::lock(&lock).map_err(|problem| at(&lock, problem))?;
        self.read_again()?;
        let mut keyring = (*self.keyring()).clone();
        let answer = change(&mut keyring, &from_system);
        let path = self.path();
        write_keyring(&path, &keyring, &self.sealer)?;
        *lock_of(&self.stamp) = files::stamp(&path);
        self.put(keyring);
        Ok(answer)
    }

    /// The link of this key, also if another program made it just now: a look at the file, and one into it where that changed.
    ///
    /// # Errors
    /// [`KeyRefusal`].
    pub fn link_of_key(&self, key: &str, now: u64) -> Result<Link, KeyRefusal> {
        let found = |store: &Self| store.keyring().find(key, now).cloned();
        let found_before = found(self);
        let changed = || files::stamp(&self.path()) != *lock_of(&self.stamp);
        if matches!(found_before, Err(KeyRefusal::Unknown)) && changed() && self.refresh().is_ok() {
            return found(self);
        }
        found_before
    }

    /// Reads the keyring again if another program changed it, and tells whether it did. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreProblem`]; then the keyring stays as it was.
    pub fn refresh(&self) -> Result<bool, StoreProblem> {
        let _turn = lock_of(&self.files);
        self.read_again()
    }

    fn read_again(&self) -> Result<bool, StoreProblem> {
        let path = self.path();
        let stamp = files::stamp(&path);
        if stamp == *lock_of(&self.stamp) {
            return Ok(false);
        }
        let Some(keyring) = read_keyring(&path, &self.sealer)? else {
            return Err(StoreProblem::Damaged(path, "it is gone".to_owned()));
        };
        *lock_of(&self.stamp) = stamp;
        self.put(keyring);
        Ok(true)
    }

    /// The sessions, for as long as the result lives. Never hold it over an `await`.
    pub fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock_of(&self.sessions)
    }

    /// Writes the sessions if they changed. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreProblem::Io`]; the sessions live in memory then, and the next call tries again.
    pub fn save_sessions(&self) -> Result<(), StoreProblem> {
        let _turn = lock_of(&self.files);
        let changed = {
            let mut sessions = self.sessions();
            sessions.take_changed().then(|| form::write_sessions(&sessions))
        };
        let Some(text) = changed else { return Ok(()) };
        let path = self.folder.join("sessions.json");
        files::replace(&path, text.as_bytes()).map_err(|problem| {
            self.sessions().set_changed();
            at(&path, problem)
        })
    }

    /// Seals a text into a file of the data folder. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreProblem::Io`]; the old file is then still there.
    pub fn write_sealed(&self, name: &str, text: &Secret) -> Result<(), StoreProblem> {
        let path = self.folder.join(name);
        let sealed = self.sealer.seal(name, text, &from_system);
        files::replace(&path, sealed.as_bytes()).map_err(|problem| at(&path, problem))
    }

    /// What [`Store::write_sealed`] wrote, if it did. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreProblem`]; the file stays as it is.
    pub fn read_sealed(&self, name: &str) -> Result<Option<Secret>, StoreProblem> {
        let path = self.folder.join(name);
        let Some(sealed) = files::read_text(&path).map_err(|problem| at(&path, problem))? else { return Ok(None) };
        let opened = self.sealer.open(name, &sealed);
        opened.map(Some).map_err(|_| StoreProblem::Damaged(path, "it was not sealed with this folder's key".to_owned()))
    }

    fn path(&self) -> PathBuf {
        self.folder.join("keyring.json")
    }

    fn put(&self, keyring: Keyring) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }
}

impl token::Keys for Store {
    fn find(&self, key_sid: &str) -> Option<token::ApiKey> {
        let secret = self.api_secret(key_sid)?.reveal().to_owned();
        Some(token::ApiKey { account_sid: self.credentials().twilio_account_sid, secret, not_before_unix_s: 0 })
    }

    /// Tokens are withdrawn with their link, never one by one.
    fn is_denied(&self, _jti: &str) -> bool {
        false
    }
}

impl fmt::Display for StoreProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, problem) => write!(f, "{}: {problem}.", path.display()),
            Self::Damaged(path, what) => write!(
                f,
                "{} cannot be used: {what}. It was left as it is. Put back a copy, or move it away to start with new keys.",
                path.display()
            ),
            Self::KeyFileGone(path) => write!(
                f,
                "{} is missing, and the keyring beside it opens with nothing else. Put it back, or move keyring.json away to start with new keys.",
                path.display()
            ),
        }
    }
}

impl std::error::Error for StoreProblem {}

fn open_sealer(folder: &Path) -> Result<Sealer, StoreProblem> {
    let path = folder.join("secret.key");
    let bytes = match files::read(&path).map_err(|problem| at(&path, problem))? {
        Some(bytes) => bytes,
        None if folder.join("keyring.json").exists() => {
            return Err(StoreProblem::KeyFileGone(path));
        }
        None => {
            let mut key = [0; KEY_BYTES];
            from_system(&mut key);
            files::create(&path, &key).map_err(|problem| at(&path, problem))?;
            key.to_vec()
        }
    };
    match <[u8; KEY_BYTES]>::try_from(bytes.as_slice()) {
        Ok(key) => Ok(Sealer::new(&key)),
        Err(_) => Err(StoreProblem::Damaged(path, format!("it has {} bytes, not {KEY_BYTES}", bytes.len()))),
    }
}

fn read_keyring(path: &Path, sealer: &Sealer) -> Result<Option<Keyring>, StoreProblem> {
    let Some(text) = files::read_text(path).map_err(|problem| at(path, problem))? else {
        return Ok(None);
    };
    let keyring = form::read_keyring(&text, sealer);
    keyring.map(Some).map_err(|what| StoreProblem::Damaged(path.to_owned(), what))
}

fn write_keyring(path: &Path, keyring: &Keyring, sealer: &Sealer) -> Result<(), StoreProblem> {
    let text = form::write_keyring(keyring, sealer, &from_system);
    files::replace(path, text.as_bytes()).map_err(|problem| at(path, problem))
}

fn read_sessions(path: &Path) -> Result<Sessions, StoreProblem> {
    let Some(text) = files::read_text(path).map_err(|problem| at(path, problem))? else {
        return Ok(Sessions::default());
    };
    form::read_sessions(&text).map_err(|what| StoreProblem::Damaged(path.to_owned(), what))
}

fn at(path: &Path, problem: io::Error) -> StoreProblem {
    match problem.kind() {
        io::ErrorKind::InvalidData => StoreProblem::Damaged(path.to_owned(), problem.to_string()),
        _ => StoreProblem::Io(path.to_owned(), problem),
    }
}

/// A poisoned lock means that a request panicked; each change is made whole, so the value is sound.
fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Secret;
    use crate::keyring::{NewLink, Right, Rights};

    fn open(folder: &Path) -> Store {
        Store::open(folder, &VendorCredentials::default(), 1000).expect("opens")
    }

    fn watcher() -> NewLink {
        let rights = Rights::from_iter([Right::Watch]);
        NewLink { label: "Grandma".to_owned(), rights, room: None, life_ms: None }
    }

    #[test]
    fn a_second_start_finds_the_same_keyring() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = open(folder.path());
        let cookie = first.sessions().begin("link", "Phone", 1000, &from_system);
        first.save_sessions().expect("saved");
        let second = open(folder.path());
        assert_eq!(second.keyring(), first.keyring());
        assert!(second.sessions().find(cookie.reveal(), 2000).is_some());
    }

    #[test]
    fn no_file_is_for_anybody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        store.sessions().begin("link", "Phone", 1000, &from_system);
        store.save_sessions().expect("saved");
        let mut names = Vec::new();
        for entry in fs::read_dir(folder.path()).expect("list") {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("data").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", entry.file_name());
            names.push(entry.file_name().into_string().expect("a name"));
        }
        names.sort();
        assert_eq!(names, ["keyring.json", "keyring.lock", "secret.key", "sessions.json"]);
    }

    #[test]
    fn given_credentials_win_and_are_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let given = VendorCredentials {
            twilio_auth_token: Some(Secret::new("0123456789abcdef0123456789abcdef")),
            ..VendorCredentials::default()
        };
        let store = Store::open(folder.path(), &given, 0).expect("opens");
        assert_eq!(Some(store.credentials().twilio_auth_token), given.twilio_auth_token);
        assert_ne!(Some(open(folder.path()).credentials().twilio_auth_token), given.twilio_auth_token);
    }

    #[test]
    fn two_programs_see_each_others_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, command) = (open(folder.path()), open(folder.path()));
        assert!(!server.refresh().expect("read"));
        let (id, _) = command.update(|k, random| k.add(watcher(), 0, random)).expect("written").expect("made");
        assert!(server.refresh().expect("read"));
        assert!(server.keyring().living(&id, 0).is_some());
        let (other, _) = command.update(|k, random| k.add(watcher(), 0, random)).expect("written").expect("made");
        server.update(|k, _| k.withdraw(&id)).expect("written");
        assert!(server.keyring().living(&other, 0).is_some(), "the change in between is kept");
        command.refresh().expect("read");
        assert_eq!(command.keyring(), server.keyring());
    }

    #[test]
    fn a_key_that_another_program_made_just_now_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, command) = (open(folder.path()), open(folder.path()));
        let (id, key) = command.update(|k, random| k.add(watcher(), 0, random)).expect("written").expect("made");
        assert!(server.keyring().living(&id, 0).is_none());
        assert_eq!(server.link_of_key(key.reveal(), 0).map(|link| link.id), Ok(id));
        assert!(matches!(server.link_of_key("wrong", 0), Err(KeyRefusal::Unknown)));
    }

    #[test]
    fn many_writers_at_once_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        let work = || {
            let cookie = store.sessions().begin("link", "Phone", 1000, &from_system);
            store.save_sessions().expect("saved");
            let (id, _) = store.update(|k, random| k.add(watcher(), 0, random)).expect("written").expect("made");
            let now = open(folder.path());
            assert!(now.sessions().find(cookie.reveal(), 1000).is_some() && now.keyring().living(&id, 0).is_some());
        };
        std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(|| (0..5).for_each(|_| work())))));
        let after = open(folder.path());
        assert_eq!((after.sessions().list().len(), after.keyring().links().len()), (40, 41));
    }

    #[test]
    fn what_could_not_be_written_is_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        store.sessions().begin("link", "Phone", 1000, &from_system);
        // A folder in the way, since the system lets root write anywhere.
        let path = folder.path().join("sessions.json");
        fs::create_dir(&path).expect("made");
        assert!(store.save_sessions().is_err());
        fs::remove_dir(&path).expect("removed");
        store.save_sessions().expect("saved");
        assert_eq!(open(folder.path()).sessions().list().len(), 1);
    }

    #[test]
    fn damage_is_told_and_the_file_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        open(folder.path());
        for name in ["keyring.json", "sessions.json", "secret.key"] {
            let path = folder.path().join(name);
            let before = fs::read(&path).unwrap_or_default();
            fs::write(&path, "{broken").expect("written");
            let problem = Store::open(folder.path(), &VendorCredentials::default(), 0);
            let words = problem.err().expect("refused").to_string();
            assert!(words.contains(name) && words.contains("left as it is"), "{words}");
            assert_eq!(fs::read(&path).expect("still there"), b"{broken");
            if before.is_empty() { fs::remove_file(&path) } else { fs::write(&path, before) }.expect("mended");
        }
    }

    #[test]
    fn a_lost_key_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        open(folder.path());
        fs::remove_file(folder.path().join("secret.key")).expect("removed");
        let problem = Store::open(folder.path(), &VendorCredentials::default(), 0);
        assert!(problem.err().expect("refused").to_string().contains("secret.key is missing"));
        assert!(!folder.path().join("secret.key").exists());
    }
}
