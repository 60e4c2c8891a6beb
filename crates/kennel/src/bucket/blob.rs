//! A file in a bucket, read as any other: in blocks, of which the next ones are fetched ahead while somebody reads on.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use store::StoredRow;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::limit::{BLOCK, BLOCK_BYTES, BLOCKS_KEPT};
use super::{Client, Problem};
use crate::shelf::blob::Blob;

/// Such a file.
pub(super) struct Remote {
    client: Client,
    row: StoredRow,
    runtime: Handle,
    blocks: Mutex<Blocks>,
}

#[derive(Default)]
struct Blocks {
    /// By their numbers, the one that was read longest ago first.
    kept: VecDeque<(u64, Block)>,
    /// Where whoever reads on reads next.
    next: Option<u64>,
}

enum Block {
    There(Bytes),
    Coming(Fetch),
}

/// Bytes on their way. Nobody waits for them any more when this is dropped.
struct Fetch(JoinHandle<Result<Bytes, Problem>>);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Remote {
    pub(super) fn new(client: Client, row: StoredRow, runtime: Handle) -> Self {
        Remote { client, row, runtime, blocks: Mutex::default() }
    }

    /// The bytes of a block. Waits for them.
    fn block(&self, blocks: &mut Blocks, number: u64) -> Result<Bytes, Problem> {
        let found = blocks.kept.iter().position(|(kept, _)| *kept == number).and_then(|place| blocks.kept.remove(place));
        let bytes = match found.map_or_else(|| self.fetch(number), |(_, block)| block) {
            Block::There(bytes) => bytes,
            Block::Coming(mut fetch) => {
                let came = self.runtime.block_on(&mut fetch.0);
                came.unwrap_or_else(|_| Err(Problem::Other("the program ends".to_owned())))?
            }
        };
        blocks.keep(number, Block::There(bytes.clone()));
        Ok(bytes)
    }

    fn fetch(&self, number: u64) -> Block {
        let (client, address, tag) = (self.client.clone(), self.row.address.clone(), self.row.tag.clone());
        let from = number * BLOCK_BYTES;
        let range = from..(from + BLOCK_BYTES).min(self.row.bytes);
        Block::Coming(Fetch(self.runtime.spawn(async move {
            let late = |_| Err(Problem::NoRoute("no answer in time".to_owned()));
            timeout(BLOCK, client.fetch(&address, &tag, range)).await.unwrap_or_else(late)
        })))
    }

    /// Has the next block fetched, if there is one and it is not there.
    fn ahead(&self, blocks: &mut Blocks, number: u64) {
        if number * BLOCK_BYTES < self.row.bytes && !blocks.kept.iter().any(|(kept, _)| *kept == number) {
            blocks.keep(number, self.fetch(number));
        }
    }
}

impl Blocks {
    fn keep(&mut self, number: u64, block: Block) {
        self.kept.push_back((number, block));
        while self.kept.len() > BLOCKS_KEPT {
            self.kept.pop_front();
        }
    }
}

impl Blob for Remote {
    fn len(&self) -> u64 {
        self.row.bytes
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        if at >= self.row.bytes || into.is_empty() {
            return Ok(0);
        }
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, within) = (at / BLOCK_BYTES, usize::try_from(at % BLOCK_BYTES).unwrap_or(usize::MAX));
        // Begun before the wait for this one, if this is not a jump.
        let on = blocks.next == Some(at);
        if on {
            self.ahead(&mut blocks, number + 1);
        }
        let bytes = self.block(&mut blocks, number).map_err(in_words)?;
        let part = bytes.get(within..).unwrap_or_default();
        let count = part.len().min(into.len());
        into[..count].copy_from_slice(&part[..count]);
        blocks.next = Some(at + count as u64);
        Ok(count)
    }
}

fn in_words(problem: Problem) -> io::Error {
    let kind = match problem {
        Problem::Missing | Problem::NoBucket => io::ErrorKind::NotFound,
        Problem::NoRoute(_) => io::ErrorKind::HostUnreachable,
        Problem::Refused(_) => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, problem)
}
