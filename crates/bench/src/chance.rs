//! Chance that is the same for everybody who begins with the same number.

/// A row of numbers that look random (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The row of this beginning.
    pub fn new(seed: u64) -> Self {
        Chance(seed)
    }

    /// The next number.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// True so many times of a hundred.
    pub fn hits(&mut self, percent: u8) -> bool {
        percent > 0 && self.next() % 100 < u64::from(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(seed: u64, percent: u8) -> Vec<bool> {
        let mut chance = Chance::new(seed);
        (0..10_000).map(|_| chance.hits(percent)).collect()
    }

    #[test]
    fn so_many_of_a_hundred_are_hit_and_the_same_ones_each_time() {
        for (percent, range) in [(0, 0..=0), (5, 400..=600), (50, 4_800..=5_200), (100, 10_000..=10_000)] {
            let count = hits(7, percent).into_iter().filter(|hit| *hit).count();
            assert!(range.contains(&count), "{count} of 10,000 at {percent} %");
        }
        assert_eq!(hits(7, 5), hits(7, 5));
        assert_ne!(hits(7, 5), hits(8, 5));
    }
}
