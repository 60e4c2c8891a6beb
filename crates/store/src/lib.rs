//! What happened in the rooms, kept: rooms, participants, tracks, recordings and what is composed of them, rules, events, and the
//! callbacks that wait to be delivered.
//!
//! Neutral as to vendors: ids are 128-bit numbers, times are milliseconds since 1970 UTC, kinds of rooms are words. There is one
//! writer: what [`Store::write`] takes becomes durable together, in order, or not at all.

mod address;
mod apply;
mod check;
mod composition;
mod keeper;
pub mod limit;
mod link;
mod list;
#[cfg(test)]
mod plans;
mod postgres;
mod read;
mod recording;
mod row;
mod schema;
mod sqlite;
mod stored;
mod tls;
mod writer;

pub use keeper::Keeper;
pub use postgres::Postgres;

pub use row::{
    Alive, Callback, Codecs, CompositionFilter, CompositionRow, CompositionStatus, Delivery, EventRow, HookFilter, HookRow,
    IdentityOrId, Method, NameOrId, Page, PageOf, ParticipantFilter, ParticipantRow, ParticipantStatus, RecordedFile,
    RecordedKind, RecordingFilter, RecordingRow, RecordingStatus, RoomFilter, RoomRow, RoomStatus, RulesRow, TrackKind, TrackRow,
    Write,
};
pub use sqlite::{FILE, Sqlite};
pub use stored::{StoredKind, StoredRow, StoredState};

use std::path::Path;

use async_trait::async_trait;

/// Opens the database of this address (`postgres://…`), or without one the file in this folder. To be called within a tokio runtime.
/// One program at a time may have it open; of a file, whoever opens it sees to that.
///
/// # Errors
/// [`Problem::Unusable`] for an address of an unknown kind, and as [`Sqlite::open`] and [`Postgres::connect`] say.
pub async fn open(address: Option<&str>, folder: &Path) -> Result<Keeper, Problem> {
    at(address, folder, Sqlite::open, Postgres::connect).await
}

async fn at<T: Send + 'static>(
    address: Option<&str>,
    folder: &Path,
    file: fn(&Path) -> Result<T, Problem>,
    server: impl AsyncFnOnce(&str) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let Some(url) = address.map(str::trim).filter(|url| !url.is_empty()) else {
        let folder = folder.to_owned();
        let open = tokio::task::spawn_blocking(move || file(&folder));
        return open.await.unwrap_or_else(|error| Err(Problem::Unavailable(error.to_string())));
    };
    match url.split_once("://") {
        Some(("postgres" | "postgresql", _)) => server(url).await,
        _ => Err(Problem::Unusable("its address begins with neither postgres:// nor postgresql://".into())),
    }
}

/// Opens the same only to look at it, which may be done beside the program that writes; none if nothing was ever written.
///
/// # Errors
/// As [`open`].
pub async fn look(address: Option<&str>, folder: &Path) -> Result<Option<Keeper>, Problem> {
    at(address, folder, Sqlite::look, Postgres::look).await
}

/// A database that holds the history. SQLite in the data folder by default, PostgreSQL where an operator has one; one suite of tests
/// says how both behave.
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes all of this durable, in order and in one transaction, and returns when it is: after a crash either all of it is there
    /// or nothing. Every [`Write::Event`] gets the next number of its room's sequence. Batches are made in the order in which they were
    /// handed over, many of them by one commit, and also when nobody waits for the answer any more. In words, a NUL becomes U+FFFD.
    ///
    /// What has happened already and is said again changes nothing: a room that ended, a participant who left, a callback that was
    /// delivered.
    ///
    /// # Errors
    /// [`Problem`], and then nothing was written: the same may be tried again. Where the answer of a database server to a commit was
    /// lost, this returns when the server is found again and has told what became of it. Only at the end of the program it may remain
    /// unknown; then [`Problem::Unavailable`] says so.
    async fn write(&self, writes: Vec<Write>) -> Result<(), Problem>;

    /// The room of this id, or the one in progress of this name.
    async fn room(&self, account: &str, room: NameOrId) -> Result<Option<RoomRow>, Problem>;

    /// Rooms, the newest first.
    async fn rooms(&self, account: &str, filter: RoomFilter, page: Page) -> Result<PageOf<RoomRow>, Problem>;

    /// The participant of this id, or of this identity: the one that is there, else the latest.
    async fn participant(&self, room: u128, who: IdentityOrId) -> Result<Option<ParticipantRow>, Problem>;

    /// Participants of a room, the newest first.
    async fn participants(&self, room: u128, filter: ParticipantFilter, page: Page) -> Result<PageOf<ParticipantRow>, Problem>;

    /// The track of this participant with this id or name that is published now.
    async fn track(&self, participant: u128, track: NameOrId) -> Result<Option<TrackRow>, Problem>;

    /// Tracks that this participant publishes now, the newest first.
    async fn tracks(&self, participant: u128, page: Page) -> Result<PageOf<TrackRow>, Problem>;

    /// The rules about what a participant receives, if any were set.
    async fn subscribe_rules(&self, participant: u128) -> Result<Option<RulesRow>, Problem>;

    /// The rules about what of a room is recorded, if any were set.
    async fn recording_rules(&self, room: u128) -> Result<Option<RulesRow>, Problem>;

    /// The recording of this id.
    async fn recording(&self, account: &str, recording: u128) -> Result<Option<RecordingRow>, Problem>;

    /// Recordings, the newest first.
    async fn recordings(&self, account: &str, filter: RecordingFilter, page: Page) -> Result<PageOf<RecordingRow>, Problem>;

    /// All recordings that are being made, the oldest first.
    async fn recordings_running(&self) -> Result<Vec<RecordingRow>, Problem>;

    /// The composition of this id.
    async fn composition(&self, account: &str, composition: u128) -> Result<Option<CompositionRow>, Problem>;

    /// Compositions, the newest first.
    async fn compositions(&self, account: &str, filter: CompositionFilter, page: Page)
    -> Result<PageOf<CompositionRow>, Problem>;

    /// All compositions of this account that are being made, then those that wait for it; of both the oldest first.
    async fn compositions_waiting(&self, account: &str) -> Result<Vec<CompositionRow>, Problem>;

    /// How many these are.
    async fn compositions_waiting_count(&self, account: &str) -> Result<usize, Problem>;

    /// The hook of this id or name.
    async fn hook(&self, account: &str, hook: NameOrId) -> Result<Option<HookRow>, Problem>;

    /// Hooks, the newest first.
    async fn hooks(&self, account: &str, filter: HookFilter, page: Page) -> Result<PageOf<HookRow>, Problem>;

    /// All files in buckets, in no order.
    async fn stored(&self) -> Result<Vec<StoredRow>, Problem>;

    /// A value put by [`Write::Setting`].
    async fn setting(&self, key: &str) -> Result<Option<String>, Problem>;

    /// All values whose keys begin like this, with their keys, in no order.
    async fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>, Problem>;

    /// Callbacks whose turn has come: of each room at most the oldest one that waits, if its time is not later than `now_ms`; at most
    /// `count` of them, the longest waiting first. One that would wait for longer than [`limit::WAIT_MAX_MS`] is due, too: the clock
    /// was set back. None goes to one of the receivers in `except`, each the beginning of a URL up to its
    /// path.
    async fn due(&self, now_ms: u64, count: usize, except: &[String]) -> Result<Vec<Delivery>, Problem>;

    /// When the next callback is due that is not due at `now_ms`, and how many wait in all.
    async fn next_due(&self, now_ms: u64) -> Result<(Option<u64>, u64), Problem>;

    /// Events, the newest first; of one room or of all. For the log that people look at.
    async fn events(&self, account: &str, room: Option<u128>, page: Page) -> Result<PageOf<EventRow>, Problem>;

    /// Everything that was in progress when the program ended last, and when it was known to run last.
    async fn alive(&self) -> Result<Alive, Problem>;

    /// Forgets rooms that ended before then, with all that belongs to them, a few at a time; returns how many. Rooms with callbacks that
    /// wait are kept, and rooms with recordings that are not deleted, or compositions that are there or to be made.
    async fn forget(&self, ended_before_ms: u64, count: usize) -> Result<u64, Problem>;

    /// What is wrong with the database, in words; nothing, if all is well. Looks at every row.
    async fn check(&self) -> Result<Vec<String>, Problem>;

    /// Copies all of it into one file while work goes on; what is under that name is replaced when the copy is whole. False: this kind
    /// of database is copied by its own tools, and nothing was done.
    async fn backup(&self, path: &Path) -> Result<bool, Problem>;
}

/// Why the database did not do it. `Display` is for the log: it may name a file and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Not now: it is busy, full, or cannot be reached. The same may work later.
    Unavailable(String),
    /// It is damaged, or was written by a newer program. A person must look.
    Unusable(String),
    /// What was asked does not fit what is there: a defect of ours.
    Misused(String),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Problem::Unavailable(why) => write!(f, "the database is not available: {why}"),
            Problem::Unusable(why) => write!(f, "the database cannot be used: {why}"),
            Problem::Misused(why) => write!(f, "the database refuses what it was asked: {why}"),
        }
    }
}

impl std::error::Error for Problem {}
