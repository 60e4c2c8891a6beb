//! Somebody who reports on arrivals, as browsers do.

use std::collections::BTreeMap;

/// One report, as it goes over the wire: what became of the packets from `base` on, in steps of 250 µs of the receiver's clock.
pub fn encode(base: u64, count: u8, arrivals: &[Option<i64>]) -> Vec<u8> {
    let reference = arrivals.iter().flatten().next().map_or(0, |at| at.div_euclid(256));
    let mut last = reference * 256;
    let (mut symbols, mut times) = (Vec::new(), Vec::new());
    for arrival in arrivals {
        let Some(at) = arrival else {
            symbols.push(0_u16);
            continue;
        };
        let step = i16::try_from(at - last).expect("a step");
        last = *at;
        match u8::try_from(step) {
            Ok(small) => {
                symbols.push(1);
                times.push(small);
            }
            Err(_) => {
                symbols.push(2);
                times.extend(step.to_be_bytes());
            }
        }
    }
    let mut chunks = Vec::new();
    for seven in symbols.chunks(7) {
        let word = seven.iter().zip((0..7).rev()).fold(0xc000_u16, |word, (symbol, place)| word | symbol << (2 * place));
        chunks.extend(word.to_be_bytes());
    }
    let mut bytes = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    bytes.extend((base as u16).to_be_bytes());
    bytes.extend(u16::try_from(arrivals.len()).expect("few").to_be_bytes());
    bytes.extend(&(reference as u32).to_be_bytes()[1..]);
    bytes.push(count);
    bytes.extend(chunks);
    bytes.extend(times);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let words = u16::try_from(bytes.len() / 4 - 1).expect("short");
    bytes[2..4].copy_from_slice(&words.to_be_bytes());
    bytes
}

/// What came, and what of it was reported.
#[derive(Default)]
pub struct Receiver {
    arrived: BTreeMap<u64, i64>,
    next: u64,
    count: u8,
    /// Added to its clock, in microseconds.
    pub clock: i64,
}

impl Receiver {
    pub fn new(clock: i64) -> Self {
        Receiver { clock, ..Receiver::default() }
    }

    pub fn take(&mut self, at: u64, number: u64) {
        self.arrived.entry(number).or_insert((at as i64 + self.clock).div_euclid(250));
        self.next = self.next.min(number);
    }

    /// What there is to be reported: at most 400 packets each, and with steps that can be written.
    pub fn report(&mut self) -> Vec<Vec<u8>> {
        let mut reports = Vec::new();
        while let Some(newest) = self.arrived.keys().next_back().copied() {
            let (mut list, mut last) = (Vec::new(), None);
            let from = self.next.max(newest.saturating_sub(3_000));
            for number in from..=newest {
                let at = self.arrived.get(&number).copied();
                let fits = at.zip(last).is_none_or(|(at, last): (i64, i64)| (at - last).abs() < 30_000);
                if list.len() >= 400 || !fits {
                    break;
                }
                last = at.or(last);
                list.push(at);
                self.arrived.remove(&number);
            }
            self.next = from + list.len() as u64;
            self.arrived.retain(|number, _| *number >= self.next);
            reports.push(encode(from, self.count, &list));
            self.count = self.count.wrapping_add(1);
        }
        reports
    }
}
