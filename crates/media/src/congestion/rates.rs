//! Bits per second of what passed in the last half second.

/// A span has 2^14 microseconds.
const SPAN_BITS: u32 = 14;
const SPAN_S: f64 = (1 << SPAN_BITS) as f64 / 1e6;
const SPANS: usize = 32;

/// Spans that make the last fifth of a second.
const BRIEF: usize = 12;

/// Fewer tell nothing.
const LEAST: u64 = 8;

/// A clock that goes back further than this has jumped; what is less late belongs to what passed.
const BACK_MAX: i64 = 600;

/// Bytes that passed in each span of time, on whatever clock. The latest span is not over and does not count.
#[derive(Debug)]
pub struct Rates {
    bytes: [u32; SPANS],
    first: i64,
    newest: Option<i64>,
}

impl Rates {
    pub fn new() -> Self {
        Rates { bytes: [0; SPANS], first: 0, newest: None }
    }

    /// Something passed in this microsecond.
    #[inline]
    pub fn note(&mut self, at: i64, bytes: u32) {
        let span = self.advance(at);
        let late = self.newest.map_or(0, |newest| newest - span);
        if (0..SPANS as i64).contains(&late)
            && let Some(sum) = self.bytes.get_mut(span as usize % SPANS)
        {
            *sum = sum.saturating_add(bytes);
        }
    }

    /// It is this microsecond; its span.
    fn advance(&mut self, at: i64) -> i64 {
        let span = at >> SPAN_BITS;
        match self.newest {
            Some(newest) if (newest - BACK_MAX..=newest).contains(&span) => {}
            Some(newest) if (newest..newest + SPANS as i64).contains(&span) => {
                for passed in newest + 1..=span {
                    self.empty(passed);
                }
                self.newest = Some(span);
            }
            _ => *self = Rates { bytes: [0; SPANS], first: span, newest: Some(span) },
        }
        span
    }

    /// So many bytes passed between what was noted last and this microsecond.
    pub fn spread(&mut self, until: i64, bytes: f64) {
        let until = until >> SPAN_BITS;
        let from = self.newest.filter(|from| (*from..from + SPANS as i64).contains(&until)).unwrap_or(until);
        let each = (bytes / (until - from + 1) as f64) as u32;
        for span in from..=until {
            self.note(span << SPAN_BITS, each);
        }
    }

    /// Over half a second; none where there was nothing to be seen for long enough.
    pub fn long(&self) -> Option<f64> {
        self.over(SPANS - 1)
    }

    /// Over a fifth of a second.
    pub fn brief(&self) -> Option<f64> {
        self.over(BRIEF)
    }

    fn over(&self, spans: usize) -> Option<f64> {
        let newest = self.newest?;
        let many = (newest - self.first).clamp(0, spans as i64);
        let sum: u64 =
            (1..=many).filter_map(|back| self.bytes.get((newest - back) as usize % SPANS)).map(|sum| u64::from(*sum)).sum();
        (many as u64 >= LEAST).then(|| sum as f64 * 8.0 / (many as f64 * SPAN_S))
    }

    fn empty(&mut self, span: i64) {
        if let Some(sum) = self.bytes.get_mut(span as usize % SPANS) {
            *sum = 0;
        }
    }
}
