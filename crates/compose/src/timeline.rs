//! Which times become the film.

use std::time::Duration;

use crate::layout::Span;

/// How long one picture is shown: 25 a second. All that is kept has a whole number of these.
pub const PICTURE: Duration = Duration::from_millis(40);

/// The times that are kept, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// In the order of time, apart from each other.
    kept: Vec<Span>,
}

impl Timeline {
    /// The times of a film of all that is there at these times; what is before them is left out, and with `trim` what is between them.
    pub fn new(spans: &[Span], trim: bool) -> Timeline {
        let mut spans: Vec<Span> = spans.iter().filter(|span| span.from < span.to).copied().collect();
        spans.sort_by_key(|span| span.from);
        let mut kept: Vec<Span> = Vec::new();
        for span in spans {
            match kept.last_mut() {
                Some(last) if !trim || span.from <= last.to => last.to = last.to.max(span.to),
                _ => kept.push(span),
            }
            if let Some(last) = kept.last_mut() {
                last.to = last.from + whole(last.to - last.from);
            }
        }
        Timeline { kept }
    }

    /// How long the film is.
    pub fn total(&self) -> Duration {
        self.kept.iter().map(|span| span.to - span.from).sum()
    }

    /// When on the clock of the recordings that is which is so far into the film; none: it is over by then.
    pub fn clock(&self, film: Duration) -> Option<Duration> {
        let mut left = film;
        for span in &self.kept {
            let length = span.to - span.from;
            if left < length {
                return Some(span.from + left);
            }
            left -= length;
        }
        None
    }
}

/// As many whole pictures as are needed.
fn whole(length: Duration) -> Duration {
    Duration::from_nanos(u64::try_from(length.as_nanos().next_multiple_of(PICTURE.as_nanos())).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_left_out() {
        let check = |spans: &[(u64, u64)], trim: bool, expected: &[(u64, u64)]| {
            let ms = |(from, to): &(u64, u64)| Span { from: Duration::from_millis(*from), to: Duration::from_millis(*to) };
            let spans: Vec<Span> = spans.iter().map(ms).collect();
            let expected: Vec<Span> = expected.iter().map(ms).collect();
            assert_eq!(Timeline::new(&spans, trim).kept, expected, "{spans:?} {trim}");
        };
        check(&[], true, &[]);
        check(&[(5, 5)], false, &[]);
        check(&[(1_000, 2_000)], true, &[(1_000, 2_000)]);
        check(&[(1_000, 2_001)], true, &[(1_000, 2_040)]);
        check(&[(3_000, 4_000), (1_000, 2_000)], true, &[(1_000, 2_000), (3_000, 4_000)]);
        check(&[(3_000, 4_000), (1_000, 2_000)], false, &[(1_000, 4_000)]);
        check(&[(1_000, 4_000), (2_000, 3_000), (4_000, 5_000)], true, &[(1_000, 5_000)]);
        check(&[(0, 1_001), (1_030, 2_000)], true, &[(0, 2_000)]);
        check(&[(0, 10), (50, 60)], true, &[(0, 40), (50, 90)]);
    }

    #[test]
    fn the_film_knows_its_time() {
        let second = Duration::from_secs;
        let spans = [Span { from: second(100), to: second(101) }, Span { from: second(200), to: second(202) }];
        let timeline = Timeline::new(&spans, true);
        assert_eq!(timeline.total(), second(3));
        let check = |film: Duration, expected: Option<Duration>| assert_eq!(timeline.clock(film), expected, "{film:?}");
        check(Duration::ZERO, Some(second(100)));
        check(Duration::from_millis(999), Some(Duration::from_millis(100_999)));
        check(second(1), Some(second(200)));
        check(Duration::from_millis(2_960), Some(Duration::from_millis(201_960)));
        check(second(3), None);
    }
}
