//! One file on its way into the bucket: in parts if it is large, on from where it was if the program ended meanwhile, looked at there
//! before the one in the folder goes.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use axum::body::Bytes;
use store::{StoredKind, StoredRow, StoredState, Write};

use super::client::is_same_tag;
use super::limit::{PART_BYTES, PARTS_MAX, TOLD};
use super::{Client, Depot, Problem};
use crate::journal;
use crate::metrics::Metrics;
use crate::shelf::files::Kept;

/// What files are sent with.
pub(super) struct Sender<'a> {
    pub depot: &'a Depot,
    pub client: &'a Client,
    pub journal: &'a journal::Handle,
    pub metrics: &'a Metrics,
}

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is in the bucket, and not in the folder any more.
    There,
    /// It was deleted meanwhile.
    Deleted,
}

/// Why it is still where it was.
#[derive(Debug)]
pub(super) enum NotSent {
    /// The bucket's.
    Bucket(Problem),
    /// The history cannot be written.
    History(store::Problem),
    /// The file cannot be read or deleted.
    File(io::Error),
}

/// What a store says of one file or its parts alone. All else, such as that it is full, is said of the next file as well.
const OF_ONE_FILE: [&str; 4] = ["EntityTooLarge", "EntityTooSmall", "InvalidPart", "KeyTooLong"];

impl NotSent {
    /// Whether another file may fare better.
    pub fn is_of_one_file(&self) -> bool {
        match self {
            NotSent::File(_) | NotSent::Bucket(Problem::Missing | Problem::Changed) => true,
            NotSent::Bucket(Problem::Other(why)) => OF_ONE_FILE.iter().any(|code| why.contains(code)),
            _ => false,
        }
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotSent::Bucket(problem) => write!(f, "{problem}"),
            NotSent::History(problem) => write!(f, "{problem}"),
            NotSent::File(problem) => write!(f, "the file: {problem}"),
        }
    }
}

impl From<Problem> for NotSent {
    fn from(problem: Problem) -> Self {
        NotSent::Bucket(problem)
    }
}

impl From<io::Error> for NotSent {
    fn from(problem: io::Error) -> Self {
        NotSent::File(problem)
    }
}

impl Sender<'_> {
    /// Says that this file is on its way. From then on whoever deletes what it is of deletes it from the bucket, too.
    pub async fn announce(&self, kind: StoredKind, kept: &Kept) -> Result<StoredRow, NotSent> {
        let ending = kept.path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let begun = self.depot.row(kept.recording);
        let fresh = StoredRow {
            id: kept.recording,
            kind,
            state: StoredState::Coming,
            address: self.client.address(kind, kept.recording, ending),
            bytes: kept.bytes,
            changed_ms: unix_ms(kept.changed),
            tag: String::new(),
            upload: None,
            part_bytes: PART_BYTES.max(kept.bytes.div_ceil(PARTS_MAX)),
            parts: Vec::new(),
        };
        let same = |row: &StoredRow| (row.bytes, row.changed_ms, &row.address) == (fresh.bytes, fresh.changed_ms, &fresh.address);
        match begun {
            Some(row) if same(&row) => Ok(row),
            begun => {
                if let Some(begun) = begun {
                    self.clear(&begun, &fresh.address).await?;
                }
                self.note(&fresh).await?;
                Ok(fresh)
            }
        }
    }

    /// Takes away what was begun with another state of the file, or elsewhere: nobody knows of it any more from now on.
    async fn clear(&self, begun: &StoredRow, address: &str) -> Result<(), Problem> {
        if !self.client.has(&begun.address) {
            tracing::warn!(address = begun.address, "what is there stays: it is not in the bucket that is configured");
            return Ok(());
        }
        if let Some(upload) = &begun.upload {
            self.client.abort(&begun.address, upload).await?;
        }
        if begun.address == address { Ok(()) } else { self.client.delete(&begun.address).await }
    }

    /// Sends it, and takes it from the folder.
    pub async fn send(&self, mut row: StoredRow, path: &Path) -> Result<Sent, NotSent> {
        if row.state == StoredState::There && !self.is_still_there(&row).await? {
            let (id, address) = (row.id, &row.address);
            tracing::warn!(id = %format_args!("{id:032x}"), address, "this file is not in the bucket any more; it is sent anew");
            row = StoredRow { state: StoredState::Coming, tag: String::new(), upload: None, parts: Vec::new(), ..row };
            if !self.note(&row).await? {
                return Ok(Sent::Deleted);
            }
        }
        if row.state == StoredState::Coming {
            let tag = match row.bytes > PART_BYTES {
                true => self.send_parts(&mut row, path).await?,
                false => Some(self.send_whole(&row, path).await?),
            };
            let Some(tag) = tag else { return Ok(Sent::Deleted) };
            let tag = self.check(&row, &tag).await?;
            self.metrics.bucket_sent.inc();
            row = StoredRow { state: StoredState::There, tag, upload: None, parts: Vec::new(), ..row };
            if !self.note(&row).await? {
                return Ok(Sent::Deleted);
            }
        }
        remove(path.to_owned()).await?;
        Ok(Sent::There)
    }

    async fn send_whole(&self, row: &StoredRow, path: &Path) -> Result<String, NotSent> {
        let tag = self.client.put(&row.address, read(path, 0, row.bytes).await?).await?;
        self.metrics.bucket_sent_bytes.inc_by(row.bytes);
        Ok(tag)
    }

    /// Sends all parts that are not there yet; none: it was deleted meanwhile.
    async fn send_parts(&self, row: &mut StoredRow, path: &Path) -> Result<Option<String>, NotSent> {
        let upload = match row.upload.clone() {
            Some(upload) => upload,
            None => {
                let upload = self.client.begin(&row.address).await?;
                row.upload = Some(upload.clone());
                if !self.note(row).await? {
                    return Ok(None);
                }
                upload
            }
        };
        let mut told = Instant::now();
        while let Some((from, count)) = next_part(row) {
            let bytes = read(path, from, count).await?;
            let part = self.client.part(&row.address, &upload, row.parts.len(), bytes).await;
            row.parts.push(self.known(row, part).await?);
            self.metrics.bucket_sent_bytes.inc_by(count);
            if !self.note(row).await? {
                return Ok(None);
            }
            if told.elapsed() >= TOLD {
                told = Instant::now();
                let (id, percent) = (row.id, (from + count) * 100 / row.bytes.max(1));
                tracing::info!(id = %format_args!("{id:032x}"), percent, "a large file is on its way into the bucket");
            }
        }
        match self.client.complete(&row.address, &upload, &row.parts).await {
            // Perhaps it was done, and the program ended before that was written down. Stores say so in many ways: some answer 200 with an error
            // in it.
            Err(Problem::Missing | Problem::Other(_)) if self.is_there(row).await? => Ok(Some(String::new())),
            done => self.known(row, done).await.map(Some),
        }
    }

    /// What the bucket says. To one that does not know this upload or its parts any more, all of it is sent anew next time.
    async fn known<T>(&self, row: &StoredRow, outcome: Result<T, Problem>) -> Result<T, NotSent> {
        let forgotten = match &outcome {
            Err(Problem::Missing) => true,
            Err(Problem::Other(why)) => why.contains("InvalidPart") || why.contains("EntityTooSmall"),
            _ => false,
        };
        if let Some(upload) = row.upload.as_ref().filter(|_| forgotten) {
            let _ = self.client.abort(&row.address, upload).await;
            self.note(&StoredRow { upload: None, parts: Vec::new(), ..row.clone() }).await?;
        }
        Ok(outcome?)
    }

    async fn is_there(&self, row: &StoredRow) -> Result<bool, Problem> {
        match self.client.look(&row.address).await {
            // To a key that may not list, stores say "refused" of what is not there.
            Err(Problem::Missing | Problem::Refused(_)) => Ok(false),
            found => Ok(found?.bytes == row.bytes),
        }
    }

    /// Whether what was put there at some time is there now. Only then the file here may go: the history may be another's, or the bucket.
    async fn is_still_there(&self, row: &StoredRow) -> Result<bool, Problem> {
        match self.check(row, &row.tag).await {
            // To a key that may not list, stores say "refused" of what is not there.
            Err(Problem::Missing | Problem::Changed | Problem::Refused(_)) => Ok(false),
            found => found.map(|_| true),
        }
    }

    /// Whether what is in the bucket is what was put there; gives its tag, as whoever reads it is told.
    async fn check(&self, row: &StoredRow, tag: &str) -> Result<String, Problem> {
        let found = self.client.look(&row.address).await?;
        let same = found.bytes == row.bytes && is_same_tag(tag, &found.tag);
        if same { Ok(found.tag) } else { Err(Problem::Changed) }
    }

    /// Writes it down; false: it is to be deleted.
    async fn note(&self, row: &StoredRow) -> Result<bool, NotSent> {
        let is_wanted = self.depot.row(row.id).is_none_or(|known| known.state != StoredState::Doomed);
        if !is_wanted {
            return Ok(self.depot.note(row.clone()));
        }
        let written = self.journal.write(vec![Write::Stored(Box::new(row.clone()))]).await;
        // What is on its way is remembered all the same, since it may be written later; that all is there counts when it is written.
        let is_known = written.is_ok() || row.state == StoredState::Coming;
        let is_wanted = is_known && self.depot.note(row.clone());
        written.map_err(NotSent::History)?;
        Ok(is_wanted)
    }
}

/// The part that is sent next: its place and its size.
fn next_part(row: &StoredRow) -> Option<(u64, u64)> {
    let from = row.part_bytes.checked_mul(row.parts.len() as u64)?;
    let count = row.bytes.checked_sub(from)?.min(row.part_bytes);
    (count > 0).then_some((from, count))
}

/// So many bytes of a file. One that has fewer is an error.
async fn read(path: &Path, from: u64, count: u64) -> io::Result<Bytes> {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; usize::try_from(count).map_err(io::Error::other)?];
        File::open(path)?.read_exact_at(&mut bytes, from)?;
        Ok(Bytes::from(bytes))
    });
    reading.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

async fn remove(path: PathBuf) -> io::Result<()> {
    let removed = tokio::task::spawn_blocking(move || fs::remove_file(path)).await;
    match removed.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_file_without_a_gap() {
        let check = |bytes: u64, parts: usize, expected: Option<(u64, u64)>| {
            let row = StoredRow {
                id: 1,
                kind: StoredKind::Recording,
                state: StoredState::Coming,
                address: String::new(),
                bytes,
                changed_ms: 0,
                tag: String::new(),
                upload: None,
                part_bytes: 10,
                parts: vec![String::new(); parts],
            };
            assert_eq!(next_part(&row), expected, "{bytes} {parts}");
        };
        check(25, 0, Some((0, 10)));
        check(25, 2, Some((20, 5)));
        check(25, 3, None);
        check(20, 2, None);
        check(0, 0, None);
    }
}
