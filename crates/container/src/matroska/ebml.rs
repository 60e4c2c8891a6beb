//! Elements: a name, a size, data (RFC 8794).

/// What says that a size is not known, in eight bytes.
pub const UNKNOWN: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// The beginning of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub id: u32,
    /// Bytes of its data; none: not known.
    pub size: Option<u64>,
    /// Bytes of the name.
    pub id_bytes: usize,
    /// Bytes of the size.
    pub size_bytes: usize,
}

/// A whole element within another.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    pub id: u32,
    /// Where it begins.
    pub at: u64,
    /// Where its data begins.
    pub data_at: u64,
    pub data: &'a [u8],
}

/// What there is at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Head(Head),
    /// More bytes are needed to tell.
    More,
    /// No element begins so.
    Nonsense,
}

impl Head {
    pub fn bytes(&self) -> usize {
        self.id_bytes + self.size_bytes
    }
}

impl Element<'_> {
    pub fn uint(&self) -> u64 {
        self.data.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    pub fn int(&self) -> i64 {
        let bits = 64 - 8 * self.data.len().min(8) as u32;
        if bits == 64 { 0 } else { (self.uint() << bits).cast_signed() >> bits }
    }

    pub fn float(&self) -> f64 {
        match self.data.len() {
            4 => self.data.first_chunk().map_or(0.0, |bytes| f32::from_be_bytes(*bytes).into()),
            8 => self.data.first_chunk().map_or(0.0, |bytes| f64::from_be_bytes(*bytes)),
            _ => 0.0,
        }
    }
}

/// Reads the beginning of an element. Names have up to four bytes, sizes up to eight.
pub fn head(bytes: &[u8]) -> Found {
    let Some(first) = bytes.first() else { return Found::More };
    let id_bytes = first.leading_zeros() as usize + 1;
    if id_bytes > 4 {
        return Found::Nonsense;
    }
    let (Some(name), Some(length)) = (bytes.get(..id_bytes), bytes.get(id_bytes)) else { return Found::More };
    let size_bytes = length.leading_zeros() as usize + 1;
    if size_bytes > 8 {
        return Found::Nonsense;
    }
    let Some(size) = bytes.get(id_bytes..id_bytes + size_bytes) else { return Found::More };
    let id = name.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    Found::Head(Head { id, size: number(size), id_bytes, size_bytes })
}

/// A number that begins with as many zeros as bytes follow the first; none: all its bits are set.
pub fn number(bytes: &[u8]) -> Option<u64> {
    let bits = 7 * bytes.len() as u32;
    let mask = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
    let value = bytes.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte)) & mask;
    (value != mask).then_some(value)
}

/// The elements in the data of another, which stands there in the file. Ends where one is not whole.
pub fn elements(data: &[u8], at: u64) -> impl Iterator<Item = Element<'_>> {
    let (mut rest, mut at) = (data, at);
    std::iter::from_fn(move || {
        let Found::Head(head) = head(rest) else { return None };
        let size = usize::try_from(head.size?).ok()?;
        let (data, next) = rest.get(head.bytes()..)?.split_at_checked(size)?;
        let element = Element { id: head.id, at, data_at: at + head.bytes() as u64, data };
        (rest, at) = (next, element.data_at + size as u64);
        Some(element)
    })
}

/// A whole element.
pub fn put(out: &mut Vec<u8>, id: u32, data: &[u8]) {
    put_id(out, id);
    put_size(out, data.len() as u64);
    out.extend_from_slice(data);
}

/// A number without a sign, in as few bytes as it takes.
pub fn put_uint(out: &mut Vec<u8>, id: u32, value: u64) {
    let zeros = (value.leading_zeros() / 8).min(7) as usize;
    put(out, id, value.to_be_bytes().get(zeros..).unwrap_or_default());
}

/// A number with a sign, in as few bytes as it takes.
pub fn put_int(out: &mut Vec<u8>, id: u32, value: i64) {
    let spare = value.leading_zeros().max(value.leading_ones()) - 1;
    put(out, id, value.to_be_bytes().get((spare / 8) as usize..).unwrap_or_default());
}

pub fn put_float(out: &mut Vec<u8>, id: u32, value: f64) {
    put(out, id, &value.to_be_bytes());
}

/// An element whose data is made by others.
pub fn put_with(out: &mut Vec<u8>, id: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut data = Vec::new();
    fill(&mut data);
    put(out, id, &data);
}

/// An element that means nothing and takes so many bytes, 2 to 128.
pub fn put_void(out: &mut Vec<u8>, bytes: usize) {
    put(out, super::id::VOID, &vec![0; bytes - 2]);
}

pub fn put_id(out: &mut Vec<u8>, id: u32) {
    let zeros = (id.leading_zeros() / 8).min(3) as usize;
    out.extend_from_slice(id.to_be_bytes().get(zeros..).unwrap_or_default());
}

fn put_size(out: &mut Vec<u8>, size: u64) {
    // All bits set would mean that it is not known.
    let width = (1..8).find(|width| size < (1 << (7 * width)) - 1).unwrap_or(8);
    out.extend(sized(size, width));
}

/// A size in so many bytes, 1 to 8; it must fit.
pub fn sized(size: u64, width: usize) -> Vec<u8> {
    let bytes = (size | 1 << (7 * width)).to_be_bytes();
    bytes.get(8 - width..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_found() {
        let check = |id: u32, bytes: usize| {
            let mut out = Vec::new();
            put(&mut out, id, &vec![7; bytes]);
            let Found::Head(head) = head(&out) else { panic!("{id:x} {bytes}") };
            assert_eq!((head.id, head.size, head.bytes() + bytes), (id, Some(bytes as u64), out.len()), "{id:x} {bytes}");
            assert!(elements(&out, 9).map(|element| (element.id, element.at, element.data.len())).eq([(id, 9, bytes)]));
        };
        for bytes in [0, 1, 126, 127, 128, 16_382, 16_383, 16_384, 2_097_151] {
            check(super::super::id::VOID, bytes);
            check(super::super::id::SEGMENT, bytes);
        }
    }

    #[test]
    fn numbers_come_back() {
        let back = |fill: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            fill(&mut out);
            let element = elements(&out, 0).next().expect("whole");
            (element.uint(), element.int(), element.float(), element.data.len())
        };
        for (value, bytes) in [(0, 1), (255, 1), (256, 2), (u64::MAX, 8)] {
            let (read, _, _, width) = back(&|out| put_uint(out, 0xe7, value));
            assert_eq!((read, width), (value, bytes));
        }
        for (value, bytes) in [(0, 1), (-1, 1), (127, 1), (128, 2), (-128, 1), (-129, 2), (i64::MIN, 8)] {
            let (_, read, _, width) = back(&|out| put_int(out, 0xfb, value));
            assert_eq!((read, width), (value, bytes));
        }
        assert!((back(&|out| put_float(out, 0x4489, 12.5)).2 - 12.5).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_cut_off_needs_more_and_nonsense_is_told() {
        let check = |bytes: &[u8], expected: Found| assert_eq!(head(bytes), expected, "{bytes:x?}");
        check(&[], Found::More);
        check(&[0x1a, 0x45, 0xdf], Found::More);
        check(&[0xec], Found::More);
        check(&[0xec, 0x40], Found::More);
        check(&[0x0f, 1], Found::Nonsense);
        check(&[0xec, 0], Found::Nonsense);
        let unknown = Head { id: 0xec, size: None, id_bytes: 1, size_bytes: 8 };
        check(&[&[0xec][..], &UNKNOWN].concat(), Found::Head(unknown));
    }
}
