//! Units of H.264 out of packets: RFC 6184, sections 5.6 to 5.8, as far as browsers use them.

/// Stands before each unit of a stream (ITU-T H.264, annex B).
const START: [u8; 4] = [0, 0, 0, 1];

const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// A unit that comes in pieces.
#[derive(Debug, Default)]
pub struct Unit {
    open: bool,
}

impl Unit {
    /// Adds what a packet brings; none if it makes no sense.
    pub fn add(&mut self, payload: &[u8], stream: &mut Vec<u8>) -> Option<()> {
        let head = *payload.first()?;
        match head & 0x1f {
            1..=23 if !self.open => {
                stream.extend_from_slice(&START);
                stream.extend_from_slice(payload);
                Some(())
            }
            STAP_A if !self.open => add_several(payload.get(1..)?, stream),
            FU_A => self.add_piece(head, payload.get(1..)?, stream),
            _ => None,
        }
    }

    /// Whether no piece is missing.
    pub fn is_whole(&self) -> bool {
        !self.open
    }

    fn add_piece(&mut self, head: u8, rest: &[u8], stream: &mut Vec<u8>) -> Option<()> {
        let (flags, body) = rest.split_first()?;
        let (begins, ends) = (flags & 0x80 != 0, flags & 0x40 != 0);
        if begins == self.open || begins && ends {
            return None;
        }
        if begins {
            stream.extend_from_slice(&START);
            stream.push(head & 0xe0 | flags & 0x1f);
        }
        stream.extend_from_slice(body);
        self.open = !ends;
        Some(())
    }
}

fn add_several(mut rest: &[u8], stream: &mut Vec<u8>) -> Option<()> {
    while let Some((size, tail)) = rest.split_first_chunk::<2>() {
        let (unit, next) = tail.split_at_checked(u16::from_be_bytes(*size).into())?;
        if !unit.is_empty() {
            stream.extend_from_slice(&START);
            stream.extend_from_slice(unit);
        }
        rest = next;
    }
    rest.is_empty().then_some(())
}
