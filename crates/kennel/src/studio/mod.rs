//! Compositions: one film of a room's recordings each, made one after the other by a thread that calls do not feel.

pub mod film;
pub mod fit;
pub mod hooks;
pub mod keep;
pub mod limit;
pub mod material;
pub mod run;
pub mod tell;
pub mod wish;
pub mod work;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::{
    CompositionFilter, CompositionRow, CompositionStatus, NameOrId, Page, PageOf, Problem, RecordingFilter, RecordingRow,
    RoomRow, Store, Write,
};
use tokio::sync::Notify;
use twilio::rest::Wish;

use crate::clock;
use crate::journal;
use crate::keyring::random;
use crate::rest::rows;
use crate::shelf::files::{Files, Opened};
use crate::shelf::{self, NotDeleted, NotOpened, Shelf};
use limit::{ROWS_AT_ONCE, WAITING_MAX, WAITING_OF_NAME_MAX};
use wish::Part;

/// The compositions of this server. Cheap to clone.
#[derive(Clone)]
pub struct Studio(Arc<Inner>);

struct Inner {
    files: Files,
    shelf: Shelf,
    store: Arc<dyn Store>,
    journal: journal::Handle,
    account: String,
    /// Told when there may be something to do.
    wake: Notify,
    /// What is being made.
    current: Mutex<Option<Current>>,
    /// What others wait for, as was seen last.
    waits: Mutex<HashMap<u128, Waits>>,
    /// Deleted compositions whose files could not be.
    left: Mutex<HashSet<u128>>,
}

/// What is being made.
#[derive(Debug)]
struct Current {
    composition: u128,
    /// Whether it is not wanted any more.
    stop: Arc<AtomicBool>,
    /// How much longer it takes, in seconds, once that can be said.
    left_s: Option<u64>,
}

/// What a composition waits for that is not its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Some of its recordings go on.
    Recording,
    /// Room on the disk.
    Disk,
    /// The bucket, which cannot be read.
    Bucket,
}

/// What was asked for.
#[derive(Debug)]
pub struct Asked {
    /// It.
    pub row: CompositionRow,
    /// Whether there was none of the same that waits.
    pub new: bool,
}

/// Why a composition was not asked for.
#[derive(Debug)]
pub enum NotAsked {
    /// The room has no recordings.
    NoRecordings,
    /// As many wait as may.
    TooMany,
    /// The history cannot be read or written.
    History(Problem),
}

impl From<Problem> for NotAsked {
    fn from(problem: Problem) -> Self {
        NotAsked::History(problem)
    }
}

impl Studio {
    /// The compositions in this folder, made of what is on this shelf, as this history knows them.
    #[must_use]
    pub fn new(files: Files, shelf: Shelf, store: Arc<dyn Store>, journal: journal::Handle, account: String) -> Self {
        let (wake, current, waits, left) = (Notify::new(), Mutex::default(), Mutex::default(), Mutex::default());
        Studio(Arc::new(Inner { files, shelf, store, journal, account, wake, current, waits, left }))
    }

    /// Whose they are.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.0.account
    }

    /// What they are made of.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.0.shelf
    }

    /// The folder.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// Asks for a composition of this room, of a wish that was checked ([`wish::check`]).
    ///
    /// # Errors
    /// [`NotAsked`].
    pub async fn ask(&self, room: &RoomRow, wish: &Wish) -> Result<CompositionRow, NotAsked> {
        let part = Part::default();
        self.need_recorded(room, &part).await?;
        if self.0.store.compositions_waiting_count(&self.0.account).await? >= WAITING_MAX {
            return Err(NotAsked::TooMany);
        }
        self.begin(self.row(room, wish, None)).await
    }

    /// The same, of a part of what was recorded, and in Kennel's own way: what waits already is not asked for again, and of one name only so
    /// many may wait. A room of a part that is `named` comes from [`Studio::room_named`], which looked whether it was recorded.
    ///
    /// # Errors
    /// [`NotAsked`].
    pub async fn ask_part(&self, room: &RoomRow, wish: &Wish, part: &Part) -> Result<Asked, NotAsked> {
        if !part.named {
            self.need_recorded(room, part).await?;
        }
        let row = CompositionRow { parameters: wish::text(wish, part), ..self.row(room, wish, None) };
        let waiting = self.0.store.compositions_waiting(&self.0.account).await?;
        let is_same = |one: &&CompositionRow| one.parameters == row.parameters && one.room == row.room && one.hook.is_none();
        if let Some(same) = waiting.iter().find(is_same) {
            return Ok(Asked { row: same.clone(), new: false });
        }
        let of_name = waiting.iter().filter(|one| one.room_name == row.room_name).count();
        if waiting.len() >= WAITING_MAX || of_name >= WAITING_OF_NAME_MAX {
            return Err(NotAsked::TooMany);
        }
        Ok(Asked { row: self.begin(row).await?, new: true })
    }

    async fn begin(&self, row: CompositionRow) -> Result<CompositionRow, NotAsked> {
        self.0.journal.write(vec![Write::CompositionBegan(Box::new(row.clone()))]).await?;
        self.0.wake.notify_one();
        Ok(row)
    }

    /// The room of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn room(&self, room: u128) -> Result<Option<RoomRow>, Problem> {
        self.0.store.room(&self.0.account, NameOrId::Id(room)).await
    }

    /// The composition of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(&self, composition: u128) -> Result<Option<CompositionRow>, Problem> {
        self.0.store.composition(&self.0.account, composition).await
    }

    /// Compositions, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, filter: CompositionFilter, page: Page) -> Result<PageOf<CompositionRow>, Problem> {
        self.0.store.compositions(&self.0.account, filter, page).await
    }

    /// The newest room of this name of which this part was recorded.
    ///
    /// # Errors
    /// The database's.
    pub async fn room_named(&self, name: &str, part: &Part) -> Result<Option<RoomRow>, Problem> {
        let part = Part { named: true, ..part.clone() };
        let Some(row) = self.first_of(material::filter(0, name, &part), &part).await? else { return Ok(None) };
        self.room(row.room).await
    }

    /// How many seconds longer this composition takes; none, if it is not being made or that cannot be said yet.
    #[must_use]
    pub fn left_s(&self, composition: u128) -> Option<u64> {
        self.current().as_ref().filter(|current| current.composition == composition)?.left_s
    }

    /// What this composition waits for, beside its turn.
    #[must_use]
    pub fn waits(&self, row: &CompositionRow) -> Option<Waits> {
        let waits = || self.0.waits.lock().unwrap_or_else(PoisonError::into_inner).get(&row.id).copied();
        (row.status == CompositionStatus::Enqueued).then(waits)?
    }

    /// The path and query that lead to this composition's file for so many seconds from now; none, if there is no file.
    #[must_use]
    pub fn address(&self, row: &CompositionRow, ttl_s: u32) -> Option<String> {
        (row.status == CompositionStatus::Completed).then(|| self.0.shelf.sign(row.id, ttl_s))
    }

    /// The file of this composition, and what is known of it; none, if there is none.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub async fn open(&self, composition: u128) -> Result<Option<(CompositionRow, Opened)>, NotOpened> {
        let row = self.find(composition).await?.filter(|row| row.status == CompositionStatus::Completed);
        let Some(row) = row else { return Ok(None) };
        Ok(shelf::open(&self.0.files, composition).await?.map(|file| (row, file)))
    }

    /// Deletes a composition and its file, at once, or gives up making it. Done to one that is deleted it changes nothing.
    ///
    /// # Errors
    /// [`NotDeleted`], never that it is running.
    pub async fn delete(&self, composition: u128) -> Result<(), NotDeleted> {
        // First the row, as of recordings.
        let deleted = Write::CompositionDeleted { composition, at_ms: clock::unix_ms() };
        let writes = vec![deleted, Write::StoredDoomed { id: composition }];
        self.0.journal.write(writes).await.map_err(NotDeleted::History)?;
        self.0.files.doom(composition);
        if let Some(current) = self.current().as_ref().filter(|current| current.composition == composition) {
            // Whoever makes it takes its file away.
            current.stop.store(true, Relaxed);
            return Ok(());
        }
        self.unlink(composition).await.map_err(NotDeleted::File)
    }

    /// Deletes the file of a composition that the history says is deleted.
    async fn unlink(&self, composition: u128) -> io::Result<()> {
        let files = self.0.files.clone();
        let removed = tokio::task::spawn_blocking(move || files.delete(composition)).await;
        let removed = removed.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        match removed {
            Ok(()) => self.left().remove(&composition),
            Err(_) => self.left().insert(composition),
        };
        removed
    }

    async fn need_recorded(&self, room: &RoomRow, part: &Part) -> Result<(), NotAsked> {
        if self.is_recorded(room, part).await? { Ok(()) } else { Err(NotAsked::NoRecordings) }
    }

    async fn is_recorded(&self, room: &RoomRow, part: &Part) -> Result<bool, Problem> {
        Ok(self.first_of(material::filter(room.id, &room.name, part), part).await?.is_some())
    }

    /// The newest recording of these that is of this part.
    async fn first_of(&self, filter: RecordingFilter, part: &Part) -> Result<Option<RecordingRow>, Problem> {
        let mut page = Page::First { size: if *part == Part::default() { 1 } else { ROWS_AT_ONCE } };
        loop {
            let found = self.0.store.recordings(&self.0.account, filter.clone(), page).await?;
            if let Some(row) = found.rows.into_iter().find(|row| part.takes(row)) {
                return Ok(Some(row));
            }
            let Some(place) = found.last.filter(|_| found.more_after) else { return Ok(None) };
            page = Page::After { place, size: ROWS_AT_ONCE };
        }
    }

    /// A composition that is asked for now.
    fn row(&self, room: &RoomRow, wish: &Wish, hook: Option<u128>) -> CompositionRow {
        let at_ms = clock::unix_ms();
        CompositionRow {
            id: random::id(),
            account: self.0.account.clone(),
            room: room.id,
            room_name: room.name.clone(),
            hook,
            status: CompositionStatus::Enqueued,
            parameters: wish.text(),
            container: wish.format.name().to_owned(),
            created_ms: at_ms,
            updated_ms: at_ms,
            ended_ms: None,
            percent: 0,
            attempts: 0,
            duration_ms: 0,
            bytes: 0,
            why: String::new(),
            callback: wish.callback.as_ref().map(rows::callback),
        }
    }

    fn note_waits(&self, waits: HashMap<u128, Waits>) {
        *self.0.waits.lock().unwrap_or_else(PoisonError::into_inner) = waits;
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self) -> MutexGuard<'_, HashSet<u128>> {
        self.0.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
