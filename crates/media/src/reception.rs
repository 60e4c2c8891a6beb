//! What a client says of what it received (RFC 3550, section 6.4).

/// Of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub ssrc: u32,
    /// Lost since its last report, of 256.
    pub fraction: u8,
    /// Lost since it began.
    pub lost: u32,
    /// The highest number received, continued beyond 16 bits.
    pub highest: u32,
    /// How much packets came apart, in ticks of their timestamps.
    pub jitter: u32,
    /// The middle of the time in our last report that it has, and how long it has it, in 65,536ths of a second. None: 0.
    pub heard: u32,
    pub waited: u32,
}

/// All that was said of one source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reception {
    last: Option<Block>,
    /// The sum of fractions and how many, since somebody asked.
    fractions: (u32, u32),
}

impl Reception {
    pub fn note(&mut self, block: &Block) {
        self.last = Some(*block);
        let (sum, count) = self.fractions;
        self.fractions = (sum.saturating_add(block.fraction.into()), count.saturating_add(1));
    }

    pub fn last(&self) -> Option<&Block> {
        self.last.as_ref()
    }

    /// The share that was lost, 0 to 1, in the mean of all reports since the last call; none if there was none.
    pub fn take_loss(&mut self) -> Option<f32> {
        let (sum, count) = std::mem::take(&mut self.fractions);
        (count > 0).then(|| sum as f32 / count as f32 / 256.0)
    }
}

/// What a client says, of what it gets and what it wants.
pub(crate) enum Told<'a> {
    /// What it received of one source.
    Received(Block),
    /// A report on arrivals, a whole packet of RTCP.
    Arrivals(&'a [u8]),
    /// Packets of a source that are missing: the ends of their numbers.
    Missing(u32, Missing<'a>),
    /// It cannot decode what comes of a source.
    Keyframe(u32),
    /// Its source, and the middle of its clock's time: it wants to know how long the way is (RFC 3611, section 4.4).
    Clock(u32, u32),
}

/// Numbers in the list of RFC 4585, section 6.2.1.
pub(crate) struct Missing<'a> {
    list: &'a [u8],
    base: u16,
    /// Which of the base and those after it.
    bits: u32,
}

impl Iterator for Missing<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.bits == 0 {
            let (&[high, low, more, most], rest) = self.list.split_first_chunk::<4>()?;
            (self.list, self.base) = (rest, u16::from_be_bytes([high, low]));
            self.bits = u32::from(u16::from_be_bytes([more, most])) << 1 | 1;
        }
        let step = self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        Some(self.base.wrapping_add(step as u16))
    }
}

/// Reads a compound of reports, up to the first thing that makes no sense.
pub(crate) fn read<'a>(compound: &'a [u8], mut each: impl FnMut(Told<'a>)) {
    for (kind, count, packet) in packets(compound) {
        let body = packet.get(4..).unwrap_or_default();
        match (kind, count) {
            (200 | 201, _) => blocks(kind, count, body).for_each(|block| each(Told::Received(block))),
            (205, 15) => each(Told::Arrivals(packet)),
            (205, 1) => {
                if let (Some(ssrc), Some(list)) = (word(body, 1), body.get(8..)) {
                    each(Told::Missing(ssrc, Missing { list, base: 0, bits: 0 }));
                }
            }
            (206, 1) => word(body, 1).into_iter().for_each(|ssrc| each(Told::Keyframe(ssrc))),
            // RFC 5104, section 4.3.1.
            (206, 4) => {
                let sources = body.get(8..).unwrap_or_default().chunks_exact(8).filter_map(|entry| word(entry, 0));
                sources.for_each(|ssrc| each(Told::Keyframe(ssrc)));
            }
            (207, _) => clock(body).into_iter().for_each(|(ssrc, clock)| each(Told::Clock(ssrc, clock))),
            _ => {}
        }
    }
}

/// How many things a compound of reports says, with each missing packet as one.
#[must_use]
pub fn count(compound: &[u8]) -> usize {
    let mut count = 0;
    read(compound, |told| count += if let Told::Missing(_, numbers) = told { numbers.count() } else { 1 });
    count
}

fn blocks(kind: u8, count: usize, body: &[u8]) -> impl Iterator<Item = Block> + '_ {
    let skipped = if kind == 200 { 24 } else { 4 };
    body.get(skipped..).unwrap_or_default().chunks_exact(24).take(count).filter_map(block)
}

/// A receiver's time among its blocks (RFC 3611, sections 2 and 4.4).
fn clock(body: &[u8]) -> Option<(u32, u32)> {
    let (ssrc, mut rest) = (word(body, 0)?, body.get(4..)?);
    loop {
        let (&[kind, _, high, low], after) = rest.split_first_chunk::<4>()?;
        let (block, left) = after.split_at_checked(4 * usize::from(u16::from_be_bytes([high, low])))?;
        if kind == 4 {
            return Some((ssrc, u32::from_be_bytes(block.get(2..6)?.try_into().ok()?)));
        }
        rest = left;
    }
}

/// Each packet of a compound: kind, count or format, and the whole of it.
fn packets(mut rest: &[u8]) -> impl Iterator<Item = (u8, usize, &[u8])> {
    std::iter::from_fn(move || {
        let &[first, kind, high, low] = rest.first_chunk::<4>()?;
        let (packet, left) = rest.split_at_checked(4 + 4 * usize::from(u16::from_be_bytes([high, low])))?;
        rest = left;
        (first >> 6 == 2).then_some((kind, usize::from(first & 31), packet))
    })
}

fn word(bytes: &[u8], n: usize) -> Option<u32> {
    bytes.get(4 * n..4 * n + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn block(bytes: &[u8]) -> Option<Block> {
    let word = |n| word(bytes, n);
    let lost = word(1)?;
    // More may arrive than was sent, as copies; that is no loss.
    let total = if lost & 0x80_0000 == 0 { lost & 0xff_ffff } else { 0 };
    let (highest, jitter, heard, waited) = (word(2)?, word(3)?, word(4)?, word(5)?);
    Some(Block { ssrc: word(0)?, fraction: (lost >> 24) as u8, lost: total, highest, jitter, heard, waited })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kind: u8, lead: usize, blocks: &[[u32; 6]]) -> Vec<u8> {
        let words = lead / 4 + 6 * blocks.len();
        let mut bytes = vec![0x80 | blocks.len() as u8, kind, 0, words as u8];
        bytes.resize(4 + lead, 7);
        bytes.extend(blocks.iter().flatten().flat_map(|word| word.to_be_bytes()));
        bytes
    }

    fn found(compound: &[u8]) -> Vec<Block> {
        let mut found = Vec::new();
        read(compound, |told| found.extend(if let Told::Received(block) = told { Some(block) } else { None }));
        found
    }

    /// As words: what is told, without blocks.
    fn wishes(compound: &[u8]) -> Vec<Vec<u32>> {
        let mut all = Vec::new();
        read(compound, |told| {
            all.push(match told {
                Told::Received(_) => return,
                Told::Arrivals(packet) => vec![15, packet.len() as u32],
                Told::Missing(ssrc, missing) => [1, ssrc].into_iter().chain(missing.map(u32::from)).collect(),
                Told::Keyframe(ssrc) => vec![2, ssrc],
                Told::Clock(ssrc, clock) => vec![3, ssrc, clock],
            })
        });
        all
    }

    #[test]
    fn wishes_are_found_and_what_is_cut_off_is_not() {
        let packet = |first: u8, kind: u8, words: &[u32]| {
            let body = words.iter().flat_map(|word| word.to_be_bytes());
            [0x80 | first, kind, 0, words.len() as u8].into_iter().chain(body).collect::<Vec<u8>>()
        };
        let compound = [
            packet(1, 205, &[9, 7, 0xfffe_8003, 5 << 16]),
            packet(15, 205, &[9, 7, 0, 0, 0]),
            packet(1, 206, &[9, 8]),
            packet(4, 206, &[9, 0, 10, 0, 11, 0]),
            packet(0, 207, &[12, 0x0700_0001, 0, 0x0400_0002, 0xaaaa_1122, 0x3344_bbbb]),
            packet(9, 206, &[9, 7]),
        ];
        let expected: [&[u32]; 6] =
            [&[1, 7, 0xfffe, 0xffff, 0, 14, 5], &[15, 24], &[2, 8], &[2, 10], &[2, 11], &[3, 12, 0x1122_3344]];
        let whole = compound.concat();
        assert_eq!(wishes(&whole), expected);
        for length in 0..whole.len() {
            assert!(expected.starts_with(&wishes(&whole[..length]).iter().map(Vec::as_slice).collect::<Vec<_>>()), "{length}");
        }
    }

    #[test]
    fn blocks_are_found_in_either_kind_of_report() {
        let compound = [
            report(200, 24, &[[1, 64 << 24 | 5, 70_000, 9, 10, 11]]),
            report(202, 8, &[]),
            report(201, 4, &[[2, 0x80_0001, 3, 4, 0, 0]]),
        ];
        let found = found(&compound.concat());
        assert_eq!(found[0], Block { ssrc: 1, fraction: 64, lost: 5, highest: 70_000, jitter: 9, heard: 10, waited: 11 });
        assert_eq!(found[1], Block { ssrc: 2, highest: 3, jitter: 4, ..Block::default() });
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_is_cut_off_or_says_more_than_it_has_is_left_out() {
        let whole = report(201, 4, &[[2, 1, 3, 4, 0, 0]]);
        for length in 0..whole.len() {
            assert_eq!(found(&whole[..length]).len(), 0, "{length}");
        }
        let mut greedy = whole.clone();
        greedy[0] |= 31;
        assert_eq!(found(&greedy).len(), 1);
    }

    #[test]
    fn loss_is_the_mean_of_what_was_said_since() {
        let mut reception = Reception::default();
        assert_eq!(reception.take_loss(), None);
        for fraction in [0, 128] {
            reception.note(&Block { fraction, ..Block::default() });
        }
        assert_eq!((reception.take_loss(), reception.take_loss()), (Some(0.25), None));
    }
}
