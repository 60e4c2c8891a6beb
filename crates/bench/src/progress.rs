//! How far a run is.

use std::time::Duration;

/// Measurements of a run: how many there are, and how many of them are done.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// In all.
    pub all: usize,
    /// Done, or failed.
    pub done: usize,
}

impl Progress {
    /// What is measured now, and how long the rest takes if it takes as long as what was measured in this time: `3 of 22: 1 to 100 on
    /// kennel, about 4 min left`.
    pub fn words(self, load: &str, server: &str, since_start: Duration) -> String {
        let Progress { all, done } = self;
        let left = match u32::try_from(done) {
            Ok(count @ 1..) => since_start / count * u32::try_from(all - done).unwrap_or(u32::MAX),
            _ => return format!("{} of {all}: {load} on {server}", done + 1),
        };
        let left = match left.as_secs() {
            s @ ..90 => format!("{s} s"),
            s => format!("{} min", (s + 30) / 60),
        };
        format!("{} of {all}: {load} on {server}, about {left} left", done + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was() {
        let words = |done, s| Progress { all: 22, done }.words("1 to 100", "kennel", Duration::from_secs(s));
        assert_eq!(words(0, 0), "1 of 22: 1 to 100 on kennel");
        assert_eq!(words(2, 24), "3 of 22: 1 to 100 on kennel, about 4 min left");
        assert_eq!(words(21, 252), "22 of 22: 1 to 100 on kennel, about 12 s left");
    }
}
