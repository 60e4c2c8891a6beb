//! A bucket of an S3-compatible store, where finished files go. Recordings are written to their folder first; from there they are sent
//! (`send`), and stay in the folder until all of them is in the bucket. What is where is written in the history, never guessed.

mod blob;
mod client;
mod http;
pub mod limit;
mod problem;
pub mod run;
mod send;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use store::{Store, StoredKind, StoredRow, StoredState};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

pub use client::{Client, Found};
pub use problem::Problem;

use crate::config;
use crate::shelf::files::{ENDINGS, Kept, Opened};
use blob::Remote;
use limit::REACH;

/// What of our files is in the bucket, and the bucket. Cheap to clone.
#[derive(Clone)]
pub struct Depot(Arc<Inner>);

struct Inner {
    /// Or why there is none.
    client: Result<Client, String>,
    /// Whether there should be one.
    is_configured: bool,
    /// What the history says of each file.
    rows: Mutex<HashMap<u128, StoredRow>>,
    /// The file that is being sent.
    in_hand: Mutex<Option<u128>>,
    /// Told when something is to be deleted.
    doomed: Notify,
    runtime: Handle,
}

impl Depot {
    /// The bucket that is configured, if there is one, and what this history says of it. Within a runtime.
    ///
    /// # Errors
    /// The database's.
    pub async fn open(config: Option<&config::Bucket>, store: &dyn Store) -> Result<Self, store::Problem> {
        let client = config.map_or_else(|| Err("no bucket is configured".to_owned()), Client::new);
        if let (Some(_), Err(why)) = (config, &client) {
            tracing::error!(why, "the bucket cannot be used; recordings stay in their folder");
        }
        let rows: HashMap<_, _> = store.stored().await?.into_iter().map(|row| (row.id, row)).collect();
        let elsewhere = |row: &&StoredRow| client.as_ref().map_or(true, |client| !client.has(&row.address));
        if let Some(row) = rows.values().find(elsewhere) {
            let (count, address) = (rows.values().filter(elsewhere).count(), &row.address);
            tracing::warn!(count, address, "files are in a bucket that is not the configured one: they cannot be played");
        }
        let (rows, in_hand, doomed) = (Mutex::new(rows), Mutex::default(), Notify::new());
        let is_configured = config.is_some();
        Ok(Depot(Arc::new(Inner { client, is_configured, rows, in_hand, doomed, runtime: Handle::current() })))
    }

    /// The bucket.
    ///
    /// # Errors
    /// Why there is none.
    pub fn client(&self) -> Result<&Client, Problem> {
        self.0.client.as_ref().map_err(|why| Problem::Elsewhere(why.clone()))
    }

    /// Whether all of this file is in the bucket.
    #[must_use]
    pub fn has(&self, id: u128) -> bool {
        self.rows().get(&id).is_some_and(|row| row.state == StoredState::There)
    }

    /// The file of this id as it is in the bucket; none, if it is not there. Asks nobody: whether it can be reached shows when it is
    /// read.
    ///
    /// # Errors
    /// No bucket is configured.
    pub fn file(&self, id: u128) -> Result<Option<Opened>, Problem> {
        let row = self.rows().get(&id).filter(|row| row.state == StoredState::There).cloned();
        let Some(row) = row else { return Ok(None) };
        let client = self.client()?.clone();
        let ending = ENDINGS.into_iter().find(|ending| row.address.ends_with(ending)).unwrap_or("mkv");
        Ok(Some(Opened { blob: Arc::new(Remote::new(client, row, self.0.runtime.clone())), ending }))
    }

    /// Asks the bucket whether it has this file, by its first byte: of a bucket that is gone it would say no more of the file itself than
    /// that it is not there.
    ///
    /// # Errors
    /// [`Problem`]; at once, if it is in no bucket that is configured.
    pub async fn reach(&self, id: u128) -> Result<(), Problem> {
        let row = self.row(id).ok_or(Problem::Missing)?;
        let looking = timeout(REACH, self.client()?.fetch(&row.address, &row.tag, 0..1)).await;
        looking.unwrap_or_else(|_| Err(Problem::NoRoute("no answer in time".to_owned()))).map(drop)
    }

    /// Looks in the bucket for files of which the history says neither that they are there nor that they are elsewhere, as an older copy of
    /// it does: gives those that are there, to be written down and then [taken up](Depot::take_up). Without a bucket none is.
    ///
    /// # Errors
    /// [`Problem`]: then nobody can say of any that it is not there.
    pub async fn seek(&self, kind: StoredKind, ids: &[u128]) -> Result<Vec<StoredRow>, Problem> {
        let client = match &self.0.client {
            Err(_) if !self.0.is_configured => return Ok(Vec::new()),
            _ => self.client()?,
        };
        // A bucket that is not there, or not the right one, has none of them.
        client.probe().await?;
        let mut found = Vec::new();
        for id in ids {
            for ending in ENDINGS {
                if let Some(row) = seek_one(client, kind, *id, ending).await? {
                    found.push(row);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Takes up what was found, when it is written down.
    pub fn take_up(&self, rows: Vec<StoredRow>) {
        for row in rows {
            self.note(row);
        }
    }

    /// All files of this kind that are in the bucket, but for those of `here`.
    #[must_use]
    pub fn kept(&self, kind: StoredKind, here: &[Kept]) -> Vec<Kept> {
        let here: std::collections::HashSet<u128> = here.iter().map(|file| file.recording).collect();
        let rows = self.rows();
        let there = rows.values().filter(|row| row.state == StoredState::There && row.kind == kind && !here.contains(&row.id));
        there
            .map(|row| Kept {
                recording: row.id,
                path: row.address.clone().into(),
                bytes: row.bytes,
                changed: SystemTime::UNIX_EPOCH + Duration::from_millis(row.changed_ms),
                whole: true,
            })
            .collect()
    }

    /// To be called when the history says that a file is to be deleted.
    pub fn doom(&self, id: u128) {
        if let Some(row) = self.rows().get_mut(&id) {
            row.state = StoredState::Doomed;
            self.0.doomed.notify_one();
        }
    }

    /// How many bytes there are in the bucket, of all files.
    fn bytes(&self) -> u64 {
        self.rows().values().filter(|row| row.state == StoredState::There).map(|row| row.bytes).sum()
    }

    fn row(&self, id: u128) -> Option<StoredRow> {
        self.rows().get(&id).cloned()
    }

    /// Takes up what the history says now. What is to be deleted stays so, and its upload with it: false.
    fn note(&self, row: StoredRow) -> bool {
        let mut rows = self.rows();
        match rows.get_mut(&row.id) {
            Some(known) if known.state == StoredState::Doomed => {
                if row.address == known.address && row.upload.is_some() {
                    known.upload = row.upload;
                }
                false
            }
            _ => {
                rows.insert(row.id, row);
                true
            }
        }
    }

    fn forget(&self, id: u128) {
        self.rows().remove(&id);
    }

    /// Those that are to be deleted and are not being sent.
    fn doomed(&self) -> Vec<StoredRow> {
        let in_hand = *self.in_hand();
        let rows = self.rows();
        rows.values().filter(|row| row.state == StoredState::Doomed && Some(row.id) != in_hand).cloned().collect()
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<u128, StoredRow>> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_hand(&self) -> MutexGuard<'_, Option<u128>> {
        self.0.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn seek_one(client: &Client, kind: StoredKind, id: u128, ending: &str) -> Result<Option<StoredRow>, Problem> {
    let address = client.address(kind, id, ending);
    let Found { bytes, tag, changed_ms } = match client.look(&address).await {
        // To a key that may not list, stores say "refused" of what is not there.
        Err(Problem::Missing | Problem::Refused(_)) => return Ok(None),
        found => found?,
    };
    let state = StoredState::There;
    Ok(Some(StoredRow { id, kind, state, address, bytes, changed_ms, tag, upload: None, part_bytes: bytes, parts: Vec::new() }))
}

impl fmt::Debug for Depot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Depot").field("client", &self.0.client).finish_non_exhaustive()
    }
}
