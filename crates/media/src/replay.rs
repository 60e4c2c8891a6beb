//! Which numbers were used already.

/// The last `64 * WORDS` numbers, with a bit for each that was used. Older ones count as used.
#[derive(Clone, Debug)]
pub(crate) struct Window<const WORDS: usize> {
    /// The highest number used, and one more.
    next: u64,
    bits: [u64; WORDS],
}

impl<const WORDS: usize> Default for Window<WORDS> {
    fn default() -> Self {
        Window { next: 0, bits: [0; WORDS] }
    }
}

impl<const WORDS: usize> Window<WORDS> {
    const SIZE: u64 = 64 * WORDS as u64;

    /// Uses a number. False: it was used already, or is so old that nobody knows.
    pub fn take(&mut self, number: u64) -> bool {
        if number >= self.next {
            self.advance(number);
        } else if self.next - number > Self::SIZE || self.has(number) {
            return false;
        }
        if let Some(word) = self.bits.get_mut(Self::word(number)) {
            *word |= 1 << (number % 64);
        }
        true
    }

    /// The number after the highest that was used.
    pub fn next(&self) -> u64 {
        self.next
    }

    fn advance(&mut self, number: u64) {
        if number - self.next >= Self::SIZE {
            self.bits = [0; WORDS];
        } else {
            for passed in self.next..=number {
                if let Some(word) = self.bits.get_mut(Self::word(passed)) {
                    *word &= !(1 << (passed % 64));
                }
            }
        }
        self.next = number.saturating_add(1);
    }

    fn has(&self, number: u64) -> bool {
        self.bits.get(Self::word(number)).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn word(number: u64) -> usize {
        (number / 64 % WORDS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[u64], expected: &[bool]) {
        let mut window = Window::<2>::default();
        assert_eq!(numbers.iter().map(|number| window.take(*number)).collect::<Vec<_>>(), expected, "{numbers:?}");
    }

    #[test]
    fn each_number_is_used_once() {
        check(&[0, 0, 5, 3, 3, 5, 4], &[true, false, true, true, false, false, true]);
        check(&[1_000, 873, 872, 873, 1_000], &[true, true, false, false, false]);
        check(&[130, 10, 131, 200, 131, 400, 272, 273], &[true, true, true, true, false, true, false, true]);
        check(&[u64::MAX - 1, u64::MAX - 1, u64::MAX - 2], &[true, false, true]);
    }

    #[test]
    fn it_agrees_with_a_list_of_all() {
        let (mut window, mut used, mut at) = (Window::<2>::default(), std::collections::HashSet::new(), 500_u64);
        let mut random = 7_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (at + (random >> 33) % 40).saturating_sub((random >> 50) % 150);
            let newest = used.iter().max().copied().unwrap_or(0);
            let old = number < newest && newest - number >= 128;
            assert_eq!(window.take(number), !old && !used.contains(&number), "{number} of {newest}");
            if !old {
                used.insert(number);
            }
            at = at.max(number);
            used.retain(|number| at - number < 300);
        }
    }
}
