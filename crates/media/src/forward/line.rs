//! Numbers of one stream onto numbers of another.

/// Consecutive numbers given to a stream's own. A number that did not come keeps its place; one that was left out takes none.
/// Remembers the last 64 * `WORDS`.
#[derive(Clone, Debug)]
pub(super) struct Line<const WORDS: usize> {
    newest: u64,
    /// What the one after the newest gets.
    next: u64,
    used: Ring<WORDS>,
    closed: Ring<WORDS>,
}

impl<const WORDS: usize> Line<WORDS> {
    /// The first number, not taken yet, and what it will get.
    pub fn new(first: u64, given: u64) -> Self {
        Line { newest: first.wrapping_sub(1), next: given, used: Ring::default(), closed: Ring::default() }
    }

    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// What the one after the newest gets.
    pub fn next(&self) -> u64 {
        self.next
    }

    pub fn is_newer(&self, number: u64) -> bool {
        number.wrapping_sub(self.newest).cast_signed() > 0
    }

    /// It came already, and was taken or left out.
    pub fn is_used(&self, number: u64) -> bool {
        self.remembers(number) && (self.used.has(number) || self.closed.has(number))
    }

    /// It was left out.
    pub fn is_closed(&self, number: u64) -> bool {
        self.remembers(number) && self.closed.has(number)
    }

    fn remembers(&self, number: u64) -> bool {
        self.newest.wrapping_sub(number) < Ring::<WORDS>::BITS
    }

    /// The number given to this one, which is used from now on.
    pub fn take(&mut self, number: u64) -> u64 {
        self.pass(number);
        if self.remembers(number) {
            self.used.set(number);
        }
        self.given(number)
    }

    /// Keeps the places of all numbers up to this one.
    pub fn pass(&mut self, number: u64) {
        if self.is_newer(number) {
            self.advance(number);
            self.next = self.next.wrapping_add(1);
        }
    }

    /// Leaves a number out that is newer than all others: the next one gets what this would have got.
    pub fn close(&mut self, number: u64) {
        if self.is_newer(number) {
            self.advance(number);
            self.closed.set(number);
        }
    }

    /// Gives up places, so that the one after the newest gets no more than this. What is remembered has to be fewer than what is left.
    pub fn come_back(&mut self, most: u64) {
        self.next = self.next.min(most);
    }

    fn advance(&mut self, number: u64) {
        let ahead = number.wrapping_sub(self.newest);
        for passed in 1..=ahead.min(Ring::<WORDS>::BITS) {
            let forgotten = self.newest.wrapping_add(passed);
            self.used.clear(forgotten);
            self.closed.clear(forgotten);
        }
        self.next = self.next.wrapping_add(ahead - 1);
        self.newest = number;
    }

    fn given(&self, number: u64) -> u64 {
        let open = self.newest.wrapping_sub(number).wrapping_sub(self.closed.count_after(number, self.newest));
        self.next.wrapping_sub(1).wrapping_sub(open)
    }
}

/// A bit for each of the last numbers.
#[derive(Clone, Debug)]
struct Ring<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Default for Ring<WORDS> {
    fn default() -> Self {
        Ring([0; WORDS])
    }
}

impl<const WORDS: usize> Ring<WORDS> {
    const BITS: u64 = 64 * WORDS as u64;

    fn has(&self, number: u64) -> bool {
        self.word(number) >> (number % 64) & 1 == 1
    }

    fn set(&mut self, number: u64) {
        if let Some(word) = self.0.get_mut(Self::index(number)) {
            *word |= 1 << (number % 64);
        }
    }

    fn clear(&mut self, number: u64) {
        if let Some(word) = self.0.get_mut(Self::index(number)) {
            *word &= !(1 << (number % 64));
        }
    }

    /// Bits set after one number up to another, as far as remembered.
    fn count_after(&self, number: u64, last: u64) -> u64 {
        let mut left = last.wrapping_sub(number).min(Self::BITS);
        let mut at = last.wrapping_sub(left).wrapping_add(1);
        let mut count = 0;
        while left > 0 {
            let run = (64 - at % 64).min(left);
            let bits = self.word(at) >> (at % 64) & (u64::MAX >> (64 - run));
            count += u64::from(bits.count_ones());
            (at, left) = (at.wrapping_add(run), left - run);
        }
        count
    }

    fn word(&self, number: u64) -> u64 {
        self.0.get(Self::index(number)).copied().unwrap_or(0)
    }

    fn index(number: u64) -> usize {
        (number / 64 % WORDS as u64) as usize
    }
}
