//! Dividing a budget among tracks in one go: a function of its input.

use room::{Mode, Priority};

use super::track::Item;

/// Hundredths of a layer's bitrate that must be free before it is sent where less was sent before.
const RAISE_PERCENT: u64 = 110;

/// Hundredths of the budget that may be full after a raise. What is sent already may fill all of it: between the two is what layers
/// and estimates move by themselves, and without it pictures would come and go all the time.
const FULL_PERCENT: u64 = 80;

/// What a division may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// No track gets more than it has, but what was asked for just now.
    Keep,
    /// Everything is divided anew.
    Rearrange,
    /// No track gets less than it keeps.
    Add,
    /// Who would lose keeps what there is room for after all: giving needs more room than keeping.
    Restore,
}

/// Divides a budget; the result is each item's `got`.
pub(super) struct Division<'a> {
    items: &'a mut [Item],
    rank: &'a [usize],
    /// Bits per second.
    left: u64,
    /// What tracks that stay on may still take, in bits per second.
    firm: u64,
    pass: Pass,
}

/// Bits per second that may be divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// All together.
    pub room: u64,
    /// The smallest layers of tracks that stay on, whether there is room or not.
    pub firm: u64,
}

impl<'a> Division<'a> {
    pub fn new(items: &'a mut [Item], rank: &'a [usize], budget: Budget, pass: Pass) -> Self {
        let Budget { room, firm } = budget;
        let left = if matches!(pass, Pass::Keep | Pass::Restore) { room } else { percent(room, FULL_PERCENT) };
        Division { items, rank, left, firm, pass }
    }

    pub fn run(mut self, mode: Mode) {
        self.start();
        match mode {
            Mode::Grid => self.grid(),
            Mode::Collaboration => self.collaboration(),
            Mode::Presentation => self.presentation(),
        }
    }

    /// What is beyond question: tracks that stay on, and when nobody may lose, what each one keeps.
    fn start(&mut self) {
        for &at in self.rank {
            let Some(item) = self.items.get_mut(at) else { continue };
            item.got = match self.pass {
                Pass::Add => item.kept,
                Pass::Restore => item.got,
                Pass::Keep | Pass::Rearrange => item.smallest().filter(|layer| item.stays && item.cost(*layer) <= self.firm),
            };
            let cost = item.got.map_or(0, |layer| item.cost(layer));
            self.left = self.left.saturating_sub(cost);
            self.firm = self.firm.saturating_sub(cost);
        }
    }

    /// All alike: first those that fit into an equal share, then the others, then one step up for each, as long as that goes.
    fn grid(&mut self) {
        let sharers = self.items.iter().filter(|item| item.is_wanted()).count();
        let share = self.left / u64::try_from(sharers).unwrap_or(1).max(1);
        self.switch_on(|item| item.smallest().is_some_and(|layer| item.cost(layer) <= share));
        self.switch_on(|_| true);
        self.raise(|_| true);
    }

    /// Everyone something, then high priority what it can use, then the others.
    fn collaboration(&mut self) {
        self.switch_on(|_| true);
        self.raise(|item| item.priority == Priority::High);
        self.raise(|_| true);
    }

    /// Each priority what it can use before the next gets anything.
    fn presentation(&mut self) {
        for priority in [Priority::High, Priority::Standard, Priority::Low] {
            self.switch_on(|item| item.priority == priority);
            self.raise(|item| item.priority == priority);
        }
    }

    fn switch_on(&mut self, whom: impl Fn(&Item) -> bool) {
        for &at in self.rank {
            if self.items.get(at).is_some_and(|item| item.got.is_none() && whom(item)) {
                self.step(at);
            }
        }
    }

    fn raise(&mut self, whom: impl Fn(&Item) -> bool) {
        let mut moved = true;
        while moved {
            moved = false;
            for &at in self.rank {
                if self.items.get(at).is_some_and(|item| item.got.is_some() && whom(item)) {
                    moved |= self.step(at);
                }
            }
        }
    }

    /// One layer up, if it may and there is room.
    fn step(&mut self, at: usize) -> bool {
        let Some(item) = self.items.get_mut(at) else { return false };
        let Some(next) = item.next().filter(|next| item.may_have(*next, self.pass)) else { return false };
        let price =
            |layer: u8| if item.current >= Some(layer) { item.cost(layer) } else { percent(item.cost(layer), RAISE_PERCENT) };
        let extra = price(next).saturating_sub(item.got.map_or(0, price));
        if extra > self.left {
            return false;
        }
        self.left -= extra;
        item.got = Some(next);
        true
    }
}

/// Bits per second that must be free beyond a total before it is reached by a raise.
pub(super) fn spare(total: u64) -> u64 {
    percent(percent(total, RAISE_PERCENT), 10_000 / FULL_PERCENT + 1).saturating_sub(total)
}

fn percent(of: u64, hundredths: u64) -> u64 {
    u64::try_from(u128::from(of) * u128::from(hundredths) / 100).unwrap_or(u64::MAX)
}
