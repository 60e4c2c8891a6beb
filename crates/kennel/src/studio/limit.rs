//! Every limit of compositions, with its unit and what happens when it is reached.

use std::time::Duration;

/// Compositions that wait or are being made. One more: refused, and a hook's is told as failed.
pub const WAITING_MAX: usize = 1_000;

/// Of those, what was asked for in Kennel's own way, of rooms of one name. One more: refused, so that whoever has a link of one room cannot
/// keep all others waiting.
pub const WAITING_OF_NAME_MAX: usize = 20;

/// Hooks. One more: refused.
pub const HOOKS_MAX: usize = 100;

/// How often a composition is begun whose making ends with the program, by a crash or the power. Then it has failed.
pub const ATTEMPTS_MAX: u32 = 3;

/// Bytes that must be free for a composition to begin. Below: it waits.
pub const SPACE_BEGIN_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Bytes that must be free for one to go on: above what recordings need to begin, so that it takes room from none. Below: it has failed.
pub const SPACE_LEAST_BYTES: u64 = 1024 * 1024 * 1024 + 256 * 1024 * 1024;

const _: () = assert!(SPACE_LEAST_BYTES > media::limit::RECORD_SPACE_BEGIN_BYTES && SPACE_BEGIN_BYTES > SPACE_LEAST_BYTES);

/// Bytes after which what was written of a film is made durable: all of it at once at the end would keep others waiting.
pub const SYNC_BYTES: u64 = 64 * 1024 * 1024;

/// How often it is looked how much space there is.
pub const SPACE_GAP: Duration = Duration::from_secs(2);

/// How long the thread sleeps at a time, at most: so long it may take until it hears that it is to stop.
pub const SLEEP_MAX: Duration = Duration::from_millis(500);

/// How often is looked for something to do when nothing was told: a disk has room again.
pub const ROUND: Duration = Duration::from_secs(30);

/// How long a database that failed is left alone.
pub const PAUSE: Duration = Duration::from_secs(2);

/// Steps of progress that are told by callback, in percent.
pub const TOLD_PERCENT: u32 = 10;

/// How often it is written down how far a composition is, at most.
pub const NOTED_GAP: Duration = Duration::from_secs(1);

/// How long before a part of a room's recordings begins one may have begun to be looked at: it may reach into it.
pub const BEGAN_BEFORE_MAX: Duration = Duration::from_secs(32 * 24 * 3_600);

/// Names of whose recordings are taken. More: refused.
pub const WHO_MAX: usize = 200;

/// Names of tracks that are told where none fits what is asked for.
pub const NAMES_TOLD_MAX: usize = 20;

/// Rows that are asked for at a time.
pub const ROWS_AT_ONCE: usize = 500;

/// How long after a moment all that was recorded before it is in the files of recordings that go on. A film of a time that is over for so
/// long does not wait for them.
pub const WRITTEN_AFTER: Duration = Duration::from_secs(30);

const _: () =
    assert!(WRITTEN_AFTER.as_secs() > media::limit::RECORD_SETTLE_MAX.as_secs() + media::limit::RECORD_KEYFRAME_GAP.as_secs());

/// Bytes at the beginning of a recording's file in which is when it began.
pub const HEAD_BYTES: usize = 16 * 1024;
