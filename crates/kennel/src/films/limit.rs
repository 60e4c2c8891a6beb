//! Every limit of files that are fetched, with its unit and what happens when it is reached.

use std::time::Duration;

/// Bytes of one file. A larger one is not played.
pub const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Bytes of all files together. No file gets more of it than it leaves to all others: it ends there, and whoever comes late finds something.
pub const ALL_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

// No room alone can take half of it.
const _: () = assert!(room::limit::PLAYBACKS_MAX as u64 * FILE_BYTES_MAX < ALL_BYTES_MAX / 2);

/// Bytes that must be free for a file to be fetched, and to go on: so much more than compositions need to go on, and they more than
/// recordings, that films take room from none. Below: it ends.
pub const SPACE_LEAST_BYTES: u64 = 1024 * 1024 * 1024 + 512 * 1024 * 1024;

/// Bytes of one file after which it is looked again how much space there is.
pub const SPACE_STEP_BYTES: u64 = 16 * 1024 * 1024;

const _: () = {
    let unseen = media::limit::PLAYERS_MAX as u64 * SPACE_STEP_BYTES;
    assert!(SPACE_LEAST_BYTES >= crate::studio::limit::SPACE_LEAST_BYTES + unseen);
};

/// Names that are looked up at a time. More wait, and are not reached if that is too long. What six beginnings at once and one each 10 s
/// hold of them, at a server of names that does not answer for half a minute, is nine.
pub const LOOKUPS_MAX: usize = 16;

/// Redirects that are followed. One more: it is given up.
pub const REDIRECTS_MAX: usize = 5;

/// How long the beginning of an answer is waited for, from the connection on.
pub const FIRST_BYTES: Duration = Duration::from_secs(10);

/// How long nothing may come.
pub const SILENCE_MAX: Duration = Duration::from_secs(20);

/// Bytes a second that must come on the whole, once [`SLOW_AFTER`] is over. What comes more slowly ends: it could not be played, and would
/// keep a place.
pub const BYTES_PER_S_LEAST: u64 = 1024;

/// How long a file may come as slowly as it likes.
pub const SLOW_AFTER: Duration = Duration::from_secs(60);

/// How long a file may take. What has not come by then does not.
pub const FETCH_MAX: Duration = Duration::from_secs(4 * 3600);

/// How often somebody who waits for bytes looks whether they are wanted still.
pub const LOOK: Duration = Duration::from_millis(200);
