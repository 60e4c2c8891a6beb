//! Every limit of the bucket, with its unit and what happens when it is reached.

use std::time::Duration;

/// Bytes of a file that are sent by one request. Larger files go in parts of this size, the last one smaller; stores take none below 5 MiB.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;

/// Parts of a file (the stores' own limit). The parts of a file that would have more are larger.
pub const PARTS_MAX: u64 = 10_000;

/// How long a connection may take, its name's resolution and the TLS handshake included.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer, or more of one, may take. Then the request has failed.
pub const ANSWER: Duration = Duration::from_secs(30);

/// How long all of an answer may take. Then the request has failed.
pub const ANSWER_WHOLE: Duration = Duration::from_secs(120);

/// Bytes of an answer: a block, or what is said in place of one. More: the request has failed.
pub const ANSWER_BYTES: u64 = BLOCK_BYTES + 64 * 1024;

/// Bytes that must go up in a second, beside [`ANSWER`]. Slower: the request has failed.
pub const BYTES_PER_S_LEAST: u64 = 32 * 1024;

/// How often one request is tried at once when the store is busy or a connection breaks. Then whoever asked hears of it.
pub const TRIES: usize = 3;

/// How long these tries may take in all.
pub const TRYING: Duration = Duration::from_secs(60);

/// How long is waited after what could not be done, at first and at most; each time twice as long.
pub const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// How often is looked for files to send.
pub const ROUND: Duration = Duration::from_secs(10);

/// How often it is logged how far a large file is.
pub const TOLD: Duration = Duration::from_secs(60);

/// How long it may take to see whether the bucket can be read, before a composition begins. Longer: it waits.
pub const REACH: Duration = Duration::from_secs(5);

/// Bytes that are fetched at a time for whoever reads a file.
pub const BLOCK_BYTES: u64 = 512 * 1024;

/// Blocks of a file that are kept while somebody reads it, those that are fetched ahead among them. The one that was read longest ago goes.
pub const BLOCKS_KEPT: usize = 4;

/// How long whoever reads waits for a block, with all tries. Then reading has failed.
pub const BLOCK: Duration = Duration::from_secs(60);
