//! One chunk, sealed and opened.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce};

use crate::key::FileKey;
use crate::place::{Place, fill};
use crate::{CHUNK, HEAD, Problem, Random};

/// Bytes of the fields before the nonce.
const FIELDS: usize = 12;

const TAG: usize = 16;

/// Bytes that a chunk has besides those that are sealed in it.
pub const EXTRA: usize = FIELDS + NONCE_LEN + TAG;

/// Bytes from one chunk's place to the next's.
const STEP: u64 = (CHUNK + EXTRA) as u64;

/// A chunk as whoever has the key sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    pub number: u32,
    /// How often it was written.
    pub turn: u32,
    pub bytes: Vec<u8>,
}

/// Where in a file the place of this number begins.
pub fn place_of(number: u32) -> u64 {
    HEAD as u64 + u64::from(number) * STEP
}

/// How many places a file of this size has, the last of which may not be there to its end.
pub fn places(size: u64) -> u64 {
    size.saturating_sub(HEAD as u64).div_ceil(STEP)
}

/// How large a finished file is in which so many bytes are sealed.
pub fn size_of(bytes: u64) -> u64 {
    let (full, rest) = (bytes / CHUNK as u64, bytes % CHUNK as u64);
    let last = if rest > 0 { rest + EXTRA as u64 } else { 0 };
    (HEAD as u64).saturating_add(full.saturating_mul(STEP)).saturating_add(last)
}

/// Seals a chunk of no more than [`CHUNK`] bytes.
pub fn seal(chunk: &Chunk, key: &FileKey, random: Random) -> Vec<u8> {
    let length = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce);
    let mut sealed = Vec::with_capacity(EXTRA + chunk.bytes.len());
    for field in [chunk.number, chunk.turn, length] {
        sealed.extend(field.to_be_bytes());
    }
    let fields = Aad::from(sealed.clone());
    sealed.extend(nonce);
    sealed.extend(&chunk.bytes);
    let plain = sealed.get_mut(FIELDS + NONCE_LEN..).unwrap_or_default();
    let tag = key.chunks.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), fields, plain);
    sealed.extend(tag.expect("a chunk is far below the cipher's limit").as_ref());
    sealed
}

/// Opens what begins with a sealed chunk; none: it is damaged.
pub fn open(sealed: &[u8], key: &FileKey) -> Option<Chunk> {
    let (fields, rest) = sealed.split_at_checked(FIELDS)?;
    let field = |at: usize| fields.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    let (number, turn, length) = (field(0)?, field(4)?, usize::try_from(field(8)?).ok()?);
    let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
    if length > CHUNK {
        return None;
    }
    let mut bytes = rest.get(..length + AES_256_GCM.tag_len())?.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    key.chunks.open_in_place(nonce, Aad::from(fields), &mut bytes).ok()?;
    bytes.truncate(length);
    Some(Chunk { number, turn, bytes })
}

/// What is at the place of this number; none: nothing that is whole.
pub fn read(place: &impl Place, number: u32, key: &FileKey) -> Result<Option<Chunk>, Problem> {
    let mut sealed = vec![0; CHUNK + EXTRA];
    let read = fill(place, place_of(number), &mut sealed)?;
    Ok(open(sealed.get(..read).unwrap_or_default(), key))
}
