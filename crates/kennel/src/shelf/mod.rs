//! What was recorded: where its files are, who may have them for how long, and how they go.

pub mod blob;
pub mod files;
pub mod keep;
pub mod link;
pub mod mark;
pub mod range;
pub mod repair;
pub mod sealed;
pub mod space;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use room::RoomId;
use store::{Page, PageOf, Problem, RecordingFilter, RecordingRow, RecordingStatus, Store, Write};

use twilio::rest::rules::{everything, spell_recording};

use crate::clock;
use crate::journal;
use crate::keyring;
use files::{Files, Opened};
use link::{Signer, Wrong};

/// The recordings of this server. Cheap to clone.
#[derive(Clone)]
pub struct Shelf(Arc<Inner>);

struct Inner {
    files: Files,
    signer: Signer,
    store: Arc<dyn Store>,
    journal: journal::Handle,
    account: String,
    /// Deleted recordings whose files could not be, and those of which it is not known yet whether that is written.
    left: Mutex<HashSet<u128>>,
}

/// Why a recording was not deleted.
#[derive(Debug)]
pub enum NotDeleted {
    /// It is being made.
    Running,
    /// The history cannot be written.
    History(Problem),
    /// The file cannot be deleted. The history says that it is, and it is tried again every minute and at the next start.
    File(io::Error),
}

/// A file to give out.
#[derive(Clone, Debug)]
pub struct Given {
    /// Which recording.
    pub row: RecordingRow,
    /// Its file.
    pub file: Opened,
}

/// Why a file cannot be given out.
#[derive(Debug)]
pub enum NotOpened {
    /// The history cannot be read.
    History(Problem),
    /// The file is there and cannot be opened.
    File(io::Error),
}

impl From<Problem> for NotOpened {
    fn from(problem: Problem) -> Self {
        NotOpened::History(problem)
    }
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotOpened::History(problem) => write!(f, "{problem}"),
            NotOpened::File(problem) => write!(f, "{problem}"),
        }
    }
}

impl Shelf {
    /// The recordings in this folder, as this history knows them.
    #[must_use]
    pub fn new(files: Files, keys: &keyring::Store, store: Arc<dyn Store>, journal: journal::Handle) -> Self {
        let own = keys.credentials();
        let signer = Signer::of(&own.turn_secret);
        Shelf(Arc::new(Inner { files, signer, store, journal, account: own.twilio_account_sid, left: Mutex::default() }))
    }

    /// The folder.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// The recording of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(&self, recording: u128) -> Result<Option<RecordingRow>, Problem> {
        self.0.store.recording(&self.0.account, recording).await
    }

    /// Recordings, the newest first, what was noted until now among them.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, filter: RecordingFilter, page: Page) -> Result<PageOf<RecordingRow>, Problem> {
        if !self.0.journal.is_failing() {
            self.0.journal.flush().await?;
        }
        self.0.store.recordings(&self.0.account, filter, page).await
    }

    /// Whether this recording did not end and nobody makes it: its file could not be finished at this start.
    #[must_use]
    pub fn is_left(&self, recording: u128) -> bool {
        self.0.journal.is_left(recording)
    }

    /// Writes down that everything in a room is recorded from now on, or nothing, so that REST knows and a restart does the same.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_rules(&self, room: RoomId, on: bool) -> Result<(), Problem> {
        let text = spell_recording(&[everything(on)]);
        self.0.journal.write(vec![Write::RecordingRules { room: room.0, text, at_ms: clock::unix_ms() }]).await
    }

    /// The path and query that lead to this recording's file for so many seconds from now; none, if there is no file.
    #[must_use]
    pub fn address(&self, row: &RecordingRow, ttl_s: u32) -> Option<String> {
        let there = is_given(row) && row.file.duration_ms > 0;
        there.then(|| self.sign(row.id, ttl_s))
    }

    /// The path and query that lead to the file of this id for so many seconds from now: a recording's, or a composition's.
    #[must_use]
    pub fn sign(&self, id: u128, ttl_s: u32) -> String {
        self.0.signer.address(id, clock::unix_ms() / 1000 + u64::from(ttl_s))
    }

    /// Whether such an address is good.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn check(&self, recording: u128, ends_s: u64, signature: &str) -> Result<(), Wrong> {
        self.0.signer.check(recording, ends_s, signature, clock::unix_ms() / 1000)
    }

    /// The file of this recording; none, if there is none.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub async fn open(&self, recording: u128) -> Result<Option<Given>, NotOpened> {
        let Some(row) = self.find(recording).await?.filter(is_given) else { return Ok(None) };
        Ok(open(&self.0.files, recording).await?.map(|file| Given { row, file }))
    }

    /// Deletes a recording and its file, at once. Done to one that is deleted it changes nothing.
    ///
    /// # Errors
    /// [`NotDeleted`].
    pub async fn delete(&self, row: &RecordingRow) -> Result<(), NotDeleted> {
        if row.status == RecordingStatus::Processing && !self.is_left(row.id) {
            return Err(NotDeleted::Running);
        }
        // First the row: a file without one would stay for ever, and a row without one is settled at the next start.
        let deleted = Write::RecordingDeleted { recording: row.id, at_ms: clock::unix_ms() };
        let writes = vec![deleted, Write::StoredDoomed { id: row.id }];
        if let Err(problem) = self.0.journal.write(writes).await {
            if let Problem::Unavailable(_) = problem {
                // It may be written later, and then the file has to go, too.
                self.left().insert(row.id);
            }
            return Err(NotDeleted::History(problem));
        }
        self.0.files.doom(row.id);
        self.unlink(row.id).await.map_err(NotDeleted::File)
    }

    /// Deletes the file of a recording that the history says is deleted.
    async fn unlink(&self, recording: u128) -> io::Result<()> {
        let files = self.0.files.clone();
        let removed = tokio::task::spawn_blocking(move || files.delete(recording)).await;
        let removed = removed.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        match removed {
            Ok(()) => self.left().remove(&recording),
            Err(_) => self.left().insert(recording),
        };
        removed
    }

    fn left(&self) -> std::sync::MutexGuard<'_, HashSet<u128>> {
        self.0.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The finished file of this recording or composition; none, if there is none.
///
/// # Errors
/// [`NotOpened::File`].
pub async fn open(files: &Files, id: u128) -> Result<Option<Opened>, NotOpened> {
    let files = files.clone();
    let opened = tokio::task::spawn_blocking(move || files.open(id)).await;
    opened.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).map_err(NotOpened::File)
}

/// Whether its file may be there for whoever asks. What failed is given out as far as it came.
fn is_given(row: &RecordingRow) -> bool {
    matches!(row.status, RecordingStatus::Completed | RecordingStatus::Failed)
}
