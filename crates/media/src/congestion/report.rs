//! Reports on arrivals (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1): which packets came, and when.

/// Payload type and format of a report (section 3.1; RFC 4585, section 6.1).
const KIND: u8 = 205;
const FORMAT: u8 = 15;

/// Bytes before the first chunk.
const HEAD: usize = 20;

/// Microseconds of one step of a packet's time.
pub const TICK: i64 = 250;

/// Microseconds of one step of a report's time.
pub const REFERENCE_TICK: i64 = 64_000;

/// A report that is not what it says to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A report whose lengths are known to be right.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The number of the first packet that it tells of.
    pub base: u16,
    /// Of how many packets in a row.
    pub count: u16,
    /// Its time on the receiver's clock, 24 bits in steps of 64 ms.
    pub reference: u32,
    chunks: &'a [u8],
    times: &'a [u8],
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has not come so far.
    Missing,
    /// It came so many [`TICK`]s after the one before that came.
    Arrived(i16),
}

/// The reports in a datagram of RTCP: it has one packet after the other (RFC 3550, section 6.1).
pub fn reports(compound: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = compound;
    std::iter::from_fn(move || {
        let length = rest.get(2..4).map(|length| (usize::from(be16(length)) + 1) * 4)?;
        let (packet, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(packet)
    })
    .filter(|packet| is_report(packet))
}

fn is_report(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first & 0xdf == 0x80 | FORMAT) && packet.get(1) == Some(&KIND)
}

fn be16(bytes: &[u8]) -> u16 {
    bytes.iter().take(2).fold(0, |sum, byte| sum << 8 | u16::from(*byte))
}

impl<'a> Report<'a> {
    /// Reads one packet of RTCP. Takes time for its bytes, not for the packets that it tells of.
    pub fn parse(packet: &'a [u8]) -> Result<Self, Malformed> {
        let packet = body(packet).ok_or(Malformed)?;
        let (head, rest) = packet.split_at_checked(HEAD).ok_or(Malformed)?;
        let word = |at: usize| head.get(at..at + 2).map_or(0, be16);
        let (base, count) = (word(12), word(14));
        let reference = u32::from(word(16)) << 8 | u32::from(word(18) >> 8);
        let (chunks, bytes) = measure(count, rest).ok_or(Malformed)?;
        let (chunks, times) = rest.split_at_checked(chunks).ok_or(Malformed)?;
        let times = times.get(..bytes).ok_or(Malformed)?;
        Ok(Report { base, count, reference, chunks, times })
    }

    /// What became of each packet, in the order of their numbers.
    pub fn statuses(&self) -> Statuses<'a> {
        Statuses { left: self.count, chunk: Chunk::Run(0, 0), chunks: self.chunks, times: self.times }
    }
}

/// A packet as long as it says, without what fills it up.
fn body(packet: &[u8]) -> Option<&[u8]> {
    let length = (usize::from(be16(packet.get(2..4)?)) + 1) * 4;
    let packet = packet.get(..length).filter(|packet| is_report(packet))?;
    let padded = packet.first()? & 0x20 != 0;
    let padding = if padded { usize::from(*packet.last()?) } else { 0 };
    packet.get(..packet.len().checked_sub(padding)?)
}

/// Bytes of the chunks for so many packets, and of the times that follow.
fn measure(count: u16, rest: &[u8]) -> Option<(usize, usize)> {
    let (mut left, mut chunks, mut bytes) = (count, 0, 0);
    if count == 0 {
        return None;
    }
    while left > 0 {
        let chunk = Chunk::read(be16(rest.get(chunks..chunks + 2)?));
        let many = chunk.len().min(left);
        bytes += chunk.time_bytes(many)?;
        left -= many;
        chunks += 2;
    }
    Some((chunks, bytes))
}

/// Statuses of some packets (sections 3.1.3 and 3.1.4).
#[derive(Clone, Copy, Debug)]
enum Chunk {
    /// The same for so many.
    Run(u16, u16),
    /// One or two bits each: the rest of them, from the highest bit on; bits of each; how many.
    List(u16, u16, u16),
}

impl Chunk {
    fn read(word: u16) -> Self {
        match word >> 14 {
            0 | 1 => Chunk::Run(word >> 13 & 3, word & 0x1fff),
            2 => Chunk::List(word << 2, 1, 14),
            _ => Chunk::List(word << 2, 2, 7),
        }
    }

    fn len(self) -> u16 {
        match self {
            Chunk::Run(_, left) | Chunk::List(_, _, left) => left,
        }
    }

    /// Bytes of the times of its first packets; none if one has a status that does not exist.
    fn time_bytes(self, many: u16) -> Option<usize> {
        match self {
            Chunk::Run(3, 1..) => None,
            Chunk::Run(status, _) => Some(usize::from(status) * usize::from(many)),
            Chunk::List(..) => {
                let mut chunk = self;
                (0..many).try_fold(0, |sum, _| match chunk.take() {
                    Some(3) | None => None,
                    Some(status) => Some(sum + usize::from(status)),
                })
            }
        }
    }

    fn take(&mut self) -> Option<u16> {
        match self {
            Chunk::Run(_, 0) | Chunk::List(_, _, 0) => None,
            Chunk::Run(status, left) => {
                *left -= 1;
                Some(*status)
            }
            Chunk::List(bits, width, left) => {
                let status = *bits >> (16 - *width);
                *bits <<= *width;
                *left -= 1;
                Some(status)
            }
        }
    }
}

/// Goes through a report.
#[derive(Debug)]
pub struct Statuses<'a> {
    left: u16,
    chunk: Chunk,
    chunks: &'a [u8],
    times: &'a [u8],
}

impl Statuses<'_> {
    fn symbol(&mut self) -> Option<u16> {
        loop {
            if let Some(symbol) = self.chunk.take() {
                return Some(symbol);
            }
            let (word, rest) = self.chunks.split_at_checked(2)?;
            (self.chunk, self.chunks) = (Chunk::read(be16(word)), rest);
        }
    }

    fn time(&mut self, bytes: usize) -> Option<&[u8]> {
        let (time, rest) = self.times.split_at_checked(bytes)?;
        self.times = rest;
        Some(time)
    }
}

impl Iterator for Statuses<'_> {
    type Item = Status;

    fn next(&mut self) -> Option<Status> {
        self.left = self.left.checked_sub(1)?;
        match self.symbol()? {
            0 => Some(Status::Missing),
            1 => self.time(1)?.first().map(|time| Status::Arrived(i16::from(*time))),
            _ => self.time(2).map(|time| Status::Arrived(be16(time).cast_signed())),
        }
    }
}
