//! Which layers of a track its publisher should send.

use std::time::{Duration, Instant};

use super::{Choice, LAYERS_MAX};

/// How long a layer that nobody needs any more is still asked for: receivers come and go, and each return costs a key frame.
pub const LAYER_HOLD: Duration = Duration::from_secs(5);

/// How long a new track's layers are all asked for, whoever needs them: browsers begin with the small ones, and the largest comes only
/// when it has found out that there is room for it.
pub const FIRST_HOLD: Duration = Duration::from_secs(15);

/// What the receivers of one track need of its publisher.
///
/// A layer that is needed is asked for at once. As long as any layer is needed the smallest is too: it is what a receiver falls
/// back to when its connection gets worse, and then there is no time to ask. When nobody needs any, none is.
#[derive(Debug)]
pub struct Needs {
    count: u8,
    /// When each layer was last needed.
    needed: [Instant; LAYERS_MAX],
    /// Whether each was needed at the last look.
    now_needed: [bool; LAYERS_MAX],
    /// What the publisher was told; it begins with all.
    told: [bool; LAYERS_MAX],
}

/// What a publisher should change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerChange {
    /// Whether each layer is needed, smallest first.
    pub needed: Vec<bool>,
    /// Layers that were not sent and are needed again. Ask for a key frame when the first packet of one comes: browsers begin with
    /// one, but it may be lost.
    pub woken: Vec<u8>,
}

impl Needs {
    /// A new track with so many layers, all of them sent.
    #[must_use]
    pub fn new(now: Instant, count: u8) -> Self {
        Needs {
            count,
            needed: [now + FIRST_HOLD.saturating_sub(LAYER_HOLD); LAYERS_MAX],
            now_needed: [false; LAYERS_MAX],
            told: [true; LAYERS_MAX],
        }
    }

    /// Takes what every receiver of the track gets.
    pub fn handle_choices(&mut self, now: Instant, choices: impl IntoIterator<Item = Choice>) {
        self.now_needed = [false; LAYERS_MAX];
        for choice in choices {
            for layer in choice.layer.into_iter().chain(choice.send) {
                self.now_needed.iter_mut().skip(usize::from(layer)).take(1).for_each(|needed| *needed = true);
            }
        }
        let any = self.now_needed.contains(&true);
        self.now_needed.iter_mut().take(1).for_each(|smallest| *smallest = any);
        for (last, needed) in self.needed.iter_mut().zip(self.now_needed) {
            if needed {
                *last = now.max(*last);
            }
        }
    }

    /// When [`Needs::poll_change`] should be asked at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let layers = self.told.iter().zip(self.now_needed).zip(self.needed).take(usize::from(self.count));
        layers.filter(|((told, needed), _)| **told && !needed).map(|(_, last)| last + LAYER_HOLD).min()
    }

    /// What the publisher should be told, if it is not what it was told last.
    pub fn poll_change(&mut self, now: Instant) -> Option<LayerChange> {
        let before = self.told;
        for ((told, needed), last) in self.told.iter_mut().zip(self.now_needed).zip(self.needed) {
            *told = needed || *told && now.saturating_duration_since(last) < LAYER_HOLD;
        }
        let count = usize::from(self.count).min(LAYERS_MAX);
        let changed = before.iter().zip(self.told).take(count).any(|(before, told)| *before != told);
        changed.then(|| LayerChange {
            needed: self.told.iter().take(count).copied().collect(),
            woken: (0..self.count)
                .zip(before.iter().zip(self.told))
                .filter(|(_, (before, told))| !**before && *told)
                .map(|(at, _)| at)
                .collect(),
        })
    }
}
