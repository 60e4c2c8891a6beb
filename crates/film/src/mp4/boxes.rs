//! Boxes within boxes.

/// A box: its name, and what is in it.
#[derive(Clone, Copy, Debug)]
pub struct Box<'a> {
    pub name: [u8; 4],
    pub data: &'a [u8],
}

/// The boxes in these bytes, as far as they make sense.
pub fn boxes(mut rest: &[u8]) -> impl Iterator<Item = Box<'_>> {
    std::iter::from_fn(move || {
        let (&[a, b, c, d, name @ ..], after) = rest.split_first_chunk::<8>()?;
        let (head, size) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*after.first_chunk()?)).ok()?),
            size => (8, usize::try_from(size).ok()?),
        };
        let data = rest.get(head..size)?;
        rest = rest.get(size..)?;
        Some(Box { name, data })
    })
}

/// What is in the first box of this name.
pub fn find<'a>(data: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(data).find(|one| one.name == *name).map(|one| one.data)
}

/// The same, of boxes within boxes.
pub fn find_in<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(data, |data, name| find(data, name))
}

/// Numbers of so many bytes, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a>(pub &'a [u8]);

impl<'a> Numbers<'a> {
    /// What follows version and flags of a box, with its version.
    pub fn of_full(data: &'a [u8]) -> Option<(u8, Numbers<'a>)> {
        let (&[version, ..], rest) = data.split_first_chunk::<4>()?;
        Some((version, Numbers(rest)))
    }

    pub fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn u16(&mut self) -> Option<u16> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*first))
    }

    pub fn u32(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*first))
    }

    pub fn u64(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*first))
    }

    /// Of four bytes, or of eight in a box of version 1.
    pub fn by_version(&mut self, version: u8) -> Option<u64> {
        if version == 1 { self.u64() } else { self.u32().map(u64::from) }
    }

    pub fn skip(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }
}
