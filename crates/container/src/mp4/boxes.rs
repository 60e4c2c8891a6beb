//! Boxes: a size, a name, and what is in them (ISO/IEC 14496-12, section 4.2).

/// Bytes of a size and a name.
pub const HEAD_BYTES: usize = 8;

/// A box with what this writes into it.
pub fn put(out: &mut Vec<u8>, name: &[u8; 4], inner: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0; 4]);
    out.extend(name);
    inner(out);
    // None that is put so is that large.
    let size = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
}

/// The same, with a version and flags.
pub fn put_full(out: &mut Vec<u8>, name: &[u8; 4], version: u8, flags: u32, inner: impl FnOnce(&mut Vec<u8>)) {
    put(out, name, |out| {
        put_u32(out, u32::from(version) << 24 | flags);
        inner(out);
    });
}

/// An empty place of so many bytes, its head among them.
pub fn free(bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes);
    put(&mut out, b"free", |out| out.resize(bytes.max(HEAD_BYTES), 0));
    out
}

/// The head of a box of data of any size, in 16 bytes.
pub fn large_head(name: &[u8; 4], bytes: u64) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 1];
    out.extend(name);
    put_u64(&mut out, bytes + 16);
    out
}

pub fn put_u16(out: &mut Vec<u8>, number: u16) {
    out.extend(number.to_be_bytes());
}

pub fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_be_bytes());
}

pub fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend(number.to_be_bytes());
}

pub fn put_zeros(out: &mut Vec<u8>, bytes: usize) {
    out.resize(out.len() + bytes, 0);
}

/// A box in some bytes.
#[derive(Clone, Copy, Debug)]
pub struct Inside<'a> {
    pub name: [u8; 4],
    /// Where it begins among these bytes.
    pub at: usize,
    pub data: &'a [u8],
}

/// The boxes in some bytes, as far as they make sense.
pub fn inside(bytes: &[u8]) -> impl Iterator<Item = Inside<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (size, rest) = bytes.get(at..)?.split_first_chunk()?;
        let name = *rest.first_chunk()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let data = bytes.get(at + HEAD_BYTES..at.checked_add(size)?)?;
        let found = Inside { name, at, data };
        at += size;
        Some(found)
    })
}
