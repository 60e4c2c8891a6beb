//! Files from the web that are played into mixes. Whoever may play files chooses the address, so each is fetched by the way out that is
//! closed to what is ours, each redirect too; it is kept in a file without a name as long as it is played, and read from there while it
//! still comes.

mod address;
mod fetch;
pub mod limit;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use media::players::{Bytes, Library};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::egress::Egress;
use crate::shelf::files::Files;
use limit::{ALL_BYTES_MAX, FILE_BYTES_MAX, LOOK};

/// How many bytes are free where files go; none: nobody knows.
type Space = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

/// Where files are fetched to.
pub struct Films {
    egress: Egress,
    folder: PathBuf,
    runtime: Handle,
    space: Space,
    /// Bytes of all files.
    all: Arc<AtomicU64>,
}

impl Films {
    /// Files are kept in this folder, which is there. To be called on the runtime that fetches them.
    #[must_use]
    pub fn new(egress: Egress, folder: PathBuf) -> Films {
        let disk = Files::in_folder(folder.clone());
        let space = Arc::new(move || disk.space().ok().map(|space| space.free));
        Films { egress, folder, runtime: Handle::current(), space, all: Arc::default() }
    }
}

impl Library for Films {
    fn open(&self, url: &str, stopped: &Arc<AtomicBool>) -> io::Result<Arc<dyn Bytes>> {
        let file = tempfile::tempfile_in(&self.folder)?;
        let coming = Arc::new(Coming::new(&self.all));
        let taker = fetch::Taker { file: file.try_clone()?, space: self.space.clone(), ends: Ends(coming.clone()) };
        let task = self.runtime.spawn(fetch::fetch(self.egress.clone(), url.to_owned(), taker)).abort_handle();
        let film = Fetched { file, coming, stopped: stopped.clone(), task };
        film.wait(0)?;
        Ok(Arc::new(film))
    }
}

/// How much of a file is there.
#[derive(Debug)]
struct Coming {
    state: Mutex<State>,
    changed: Condvar,
    all: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    /// That count, and that can be read.
    bytes: u64,
    written: u64,
    /// Nothing more comes: that was all, or why there is no more.
    over: Option<Result<(), String>>,
}

impl Coming {
    fn new(all: &Arc<AtomicU64>) -> Self {
        Coming { state: Mutex::default(), changed: Condvar::new(), all: all.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for so many more.
    fn claim(&self, bytes: u64) -> bool {
        let mut state = self.lock();
        let all = self.all.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        state.bytes += bytes;
        state.bytes <= FILE_BYTES_MAX.min(ALL_BYTES_MAX.saturating_sub(all))
    }

    fn add(&self, bytes: u64) {
        self.lock().written += bytes;
        self.changed.notify_all();
    }

    /// What is said first counts.
    fn end(&self, how: Result<(), String>) {
        self.lock().over.get_or_insert(how);
        self.changed.notify_all();
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let bytes = self.lock().bytes;
        self.all.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Whoever fetches a file has this, so that nobody waits for what nobody fetches any more, whatever became of the fetch.
#[derive(Debug)]
struct Ends(Arc<Coming>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end(Err("it was broken off".to_owned()));
    }
}

/// A file that is there, or comes.
#[derive(Debug)]
struct Fetched {
    file: File,
    coming: Arc<Coming>,
    stopped: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Fetched {
    /// How many bytes there are, once there is one after so many or there will be none.
    fn wait(&self, after: u64) -> io::Result<u64> {
        let mut state = self.coming.lock();
        loop {
            if state.written > after {
                return Ok(state.written);
            }
            match &state.over {
                Some(Ok(())) => return Ok(state.written),
                Some(Err(why)) => return Err(io::Error::other(why.clone())),
                None if self.stopped.load(Ordering::Relaxed) => return Err(io::ErrorKind::Interrupted.into()),
                None => {}
            }
            state = self.coming.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Bytes for Fetched {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let there = self.wait(at)?.saturating_sub(at);
        let room = usize::try_from(there).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..room).filter(|into| !into.is_empty()) else { return Ok(0) };
        self.file.read_at(into, at)
    }

    fn is_there(&self, end: u64) -> bool {
        let state = self.coming.lock();
        state.written >= end || state.over.is_some()
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
