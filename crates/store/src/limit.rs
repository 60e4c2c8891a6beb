//! Every limit of the store, with its unit and what happens when it is reached.

use std::time::Duration;

/// Batches of writes that wait for the writer. One more: its caller waits too.
pub const WRITES_WAITING_MAX: usize = 1_024;

/// Batches that become durable by one commit. The rest waits for the next one.
pub const GROUP_MAX: usize = 256;

/// Questions that wait for a reader. One more: its caller waits too.
pub const READS_WAITING_MAX: usize = 1_024;

/// Connections that answer questions.
pub const READERS: usize = 3;

/// How long another program's lock on the database is waited for. Longer: [`Problem::Unavailable`](crate::Problem::Unavailable).
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The latest moment a row may carry, in milliseconds since 1970: in the year 2109. Later:
/// [`Problem::Misused`](crate::Problem::Misused).
pub const TIME_MAX_MS: u64 = (1 << 42) - 2;

/// Prepared statements kept for each connection. The one not used for longest makes room.
pub const STATEMENTS_MAX: usize = 128;

/// Bytes that the journal of a SQLite database keeps on disk when it is not in use.
pub const JOURNAL_BYTES_KEPT: i64 = 64 << 20;

/// Events of one room that are kept, beside those whose callbacks wait. One more: the oldest is forgotten, though its room goes on.
pub const EVENTS_KEPT_MAX: i64 = 10_000;

/// How long a callback may have to wait from any moment on, in milliseconds. Longer: the clock was set back since, and it is due.
pub const WAIT_MAX_MS: u64 = 120_000;

/// Findings that [`Store::check`](crate::Store::check) tells of one kind. The rest is not told.
pub const FINDINGS_MAX: usize = 20;

/// How long a connection to a database server may take to come about. Longer: [`Problem::Unavailable`](crate::Problem::Unavailable).
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a database server may take for one statement of a write. Longer: the connection counts as lost.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a database server may take for one answer. Longer: the connection counts as lost.
pub const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How long another program that writes to the same tables of a database server is waited for, which may have been killed a moment ago.
/// Longer: [`Problem::Unavailable`](crate::Problem::Unavailable).
pub const OTHER_WRITER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long after its last write a program's mark stays in a database server, in days.
pub const MARK_DAYS: u32 = 30;
