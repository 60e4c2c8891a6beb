//! One subscriber's bitrate shared among the tracks that it receives. Pure.
//!
//! `docs/design/bandwidth.md` has the rules and why they are so. In short: nothing is sent that does not fit; less is sent at once
//! when there is less room; more only when the room was there for a while, unless the receiver asked for it just now.

mod divide;
mod needs;
mod track;

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use divide::{Budget, Division, Pass};
use room::{Mode, Priority, Profile, SwitchOff, TrackId};
use track::{Held, Item};

pub use needs::{FIRST_HOLD, LAYER_HOLD, LayerChange, Needs};

pub use crate::limit::LAYERS_MAX;

/// Bits per second for video while nothing is known of a subscriber's connection: what one browser sends at most by itself.
pub const START_BITRATE: u64 = 2_500_000;

/// The same, when packets get lost already.
pub const START_BITRATE_CONGESTED: u64 = 600_000;

/// For how long there must be room before more is sent. Doubles, up to [`RAISE_WAIT_MAX`], each time that more was too much.
pub const RAISE_WAIT: Duration = Duration::from_secs(3);

/// The longest wait before more is tried again.
pub const RAISE_WAIT_MAX: Duration = Duration::from_secs(24);

/// Less so soon after more means that more was too much.
const REGRET: Duration = Duration::from_secs(15);

/// After so long without a raise, earlier regrets say nothing.
const FORGET: Duration = Duration::from_secs(60);

/// In [`SwitchOff::Detected`], for how long after congestion new tracks need room.
const CONGESTION_MEMORY: Duration = Duration::from_secs(10);

/// One encoding of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Bits per second, measured over about a second; of a layer that paused, as it was last. 0: never seen.
    pub bitrate: u64,
    /// Pixels; 0: not known.
    pub width: u16,
    /// Pixels; 0: not known.
    pub height: u16,
    /// Whether packets come.
    pub active: bool,
}

/// A video track that the subscriber could receive.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Which.
    pub id: TrackId,
    /// Smallest first.
    pub layers: [Layer; LAYERS_MAX],
    /// How many of them there are. 0: its publisher's media is not here yet.
    pub count: u8,
    /// How much it matters to its publisher.
    pub publisher: Priority,
    /// How much it matters to this subscriber, if it says so.
    pub own: Option<Priority>,
    /// Whether the subscriber shows it, if it says so.
    pub shown: Option<bool>,
    /// Width and height in pixels at which the subscriber shows it, if it says so.
    pub size: Option<(u16, u16)>,
    /// Whether the dominant speaker publishes it.
    pub speaker: bool,
    /// When its publisher was last the dominant speaker.
    pub spoke: Option<Instant>,
    /// Counts up with each new subscription.
    pub order: u64,
    /// Whether its publisher muted it.
    pub muted: bool,
}

/// What is known of the way to a subscriber.
#[derive(Clone, Copy, Debug, Default)]
pub struct Space {
    /// Bits per second that it can take, all kinds together; none: not known yet.
    pub estimate: Option<u64>,
    /// Bits per second of that for sound and data.
    pub reserved: u64,
    /// Whether packets get lost or wait: by report, not by guess.
    pub congested: bool,
}

/// Why a track is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// The subscriber does not show it.
    Hidden,
    /// The subscriber wants fewer tracks, and others come first.
    Beyond,
    /// There is no room for it.
    Bandwidth,
}

/// What becomes of one track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The layer that the subscriber should get. Its publisher may have to be asked for it: see [`Needs`].
    pub layer: Option<u8>,
    /// The layer to send meanwhile: the best not above it of which packets come. None: nothing can be sent.
    pub send: Option<u8>,
    /// Why there is no layer. None with no layer: the publisher's media is not here yet.
    pub off: Option<Off>,
}

/// Bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// What the choices use.
    pub used: u64,
    /// What would be used if there were room for all that is shown.
    pub wanted: u64,
    /// The estimate, reserve included, at which nothing would be missing: what to probe for. More than `wanted`, because more is
    /// only sent when there is room to spare; but a larger estimate than the subscriber's own bound is of no use.
    pub probe: u64,
}

/// Shares one subscriber's bitrate. Has a memory, so that a choice stays unless there is reason to change it.
#[derive(Debug, Default)]
pub struct Allocator {
    held: Vec<Held>,
    held_before: Vec<Held>,
    items: Vec<Item>,
    /// Places in `items`, who comes first first.
    rank: Vec<usize>,
    /// Since when there has been room for more.
    room_since: Option<Instant>,
    /// When more was last sent because there was room.
    raised: Option<Instant>,
    /// Times in a row that more was too much.
    regrets: u32,
    congested: Option<Instant>,
}

impl Allocator {
    /// Nothing is sent yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses for every track, in the order in which they are given. To be called when anything changed, at
    /// [`Allocator::poll_timeout`], and some times a second, because the layers' bitrates change all the time.
    pub fn share(
        &mut self,
        now: Instant,
        profile: &Profile,
        space: Space,
        tracks: &[Candidate],
        choices: &mut Vec<Choice>,
    ) -> Total {
        if space.congested {
            self.congested = Some(now);
        }
        self.take(profile, tracks);
        self.put_in_order(tracks);
        self.keep_to_the_number(profile, tracks);
        self.note_wishes(now, profile.switch_off, space);
        let room = room(space);
        let budget = self.keep_the_first(tracks, budget(profile, room), room);
        self.keep_what_fits(now, profile.mode, budget);
        self.raise_what_fits(now, profile.mode, budget, space.congested);
        self.write(tracks, choices);
        self.total(profile, space.reserved)
    }

    /// When [`Allocator::share`] should be called at the latest: there has been room for more for long enough.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.room_since.map(|since| since + self.raise_wait())
    }

    /// Tracks that were switched off and on since this was last asked. A new track counts as on.
    pub fn poll_switched(&mut self) -> Option<(Vec<TrackId>, Vec<TrackId>)> {
        let (mut off, mut on) = (Vec::new(), Vec::new());
        for held in self.held.iter_mut().filter(|held| held.off != held.told_off) {
            held.told_off = held.off;
            if held.off { &mut off } else { &mut on }.push(held.id);
        }
        (!off.is_empty() || !on.is_empty()).then_some((off, on))
    }

    /// Puts what is given beside what is held.
    fn take(&mut self, profile: &Profile, tracks: &[Candidate]) {
        std::mem::swap(&mut self.held, &mut self.held_before);
        self.held.clear();
        self.items.clear();
        for (at, track) in tracks.iter().enumerate() {
            let here = self.held_before.get(at).filter(|held| held.id == track.id);
            let before = here.or_else(|| self.held_before.iter().find(|held| held.id == track.id)).copied();
            self.items.push(Item::new(profile, track, before.and_then(|held| held.layer)));
            self.held.push(before.unwrap_or_else(|| Held::new(track.id)));
        }
    }

    /// By priority; then who speaks, or spoke last; then who came first.
    fn put_in_order(&mut self, tracks: &[Candidate]) {
        self.rank.clear();
        self.rank.extend(0..tracks.len());
        let items = &self.items;
        let key = |&at: &usize| {
            let (priority, track) = (items.get(at).map(|item| item.priority), tracks.get(at));
            (priority, track.map(|track| (track.speaker, track.spoke, Reverse((track.order, track.id)))))
        };
        self.rank.sort_unstable_by_key(|at| Reverse(key(at)));
    }

    /// A muted track takes nobody's place.
    fn keep_to_the_number(&mut self, profile: &Profile, tracks: &[Candidate]) {
        let mut places = profile.tracks_max.map_or(usize::MAX, usize::from);
        for &at in &self.rank {
            let (Some(item), Some(track)) = (self.items.get_mut(at), tracks.get(at)) else { continue };
            if item.off.is_some() || track.muted || item.is_absent() {
                continue;
            }
            if places == 0 {
                item.off = Some(Off::Beyond);
            }
            places = places.saturating_sub(1);
        }
    }

    /// What the receiver asked for just now, and which tracks must stay on.
    fn note_wishes(&mut self, now: Instant, switch_off: SwitchOff, space: Space) {
        let calm = self.congested.is_none_or(|at| now.saturating_duration_since(at) >= CONGESTION_MEMORY);
        for (item, held) in self.items.iter_mut().zip(&mut self.held) {
            item.fresh = held.note(item);
            item.stays = match switch_off {
                SwitchOff::Predicted => false,
                SwitchOff::Detected => !space.congested && (item.current.is_some() || item.fresh && calm),
                SwitchOff::Disabled => true,
            };
        }
    }

    /// A bound of the subscriber's own that is too small for any picture takes all but the first, which needs room only on the way.
    fn keep_the_first(&mut self, tracks: &[Candidate], budget: Budget, room: u64) -> Budget {
        let shown = |at: &usize| {
            let is_live = tracks.get(*at).is_some_and(|track| !track.muted);
            is_live && self.items.get(*at).is_some_and(|item| item.smallest().is_some())
        };
        let first = self.rank.iter().copied().find(shown).and_then(|at| self.items.get_mut(at));
        let cost = first.as_ref().and_then(|item| Some(item.cost(item.smallest()?))).unwrap_or(0);
        match first {
            Some(item) if (budget.room.saturating_add(1)..=room).contains(&cost) => {
                item.stays = true;
                Budget { room: cost, firm: budget.firm.max(cost) }
            }
            _ => budget,
        }
    }

    /// Less at once when there is less room, and what was asked for just now.
    fn keep_what_fits(&mut self, now: Instant, mode: Mode, budget: Budget) {
        Division::new(&mut self.items, &self.rank, budget, Pass::Keep).run(mode);
        let less = self.items.iter_mut().fold(false, |less, item| {
            item.kept = item.got;
            less | item.is_cut()
        });
        let age = |at: Instant| now.saturating_duration_since(at);
        let asked = self.items.iter().any(|item| item.fresh);
        if self.raised.is_some_and(|at| less && !asked && age(at) < REGRET) {
            self.regrets += 1;
            self.raised = None;
        } else if self.raised.is_some_and(|at| age(at) >= FORGET) {
            self.regrets = 0;
        }
        if less {
            self.room_since = None;
        }
    }

    /// More when there has been room for it for long enough.
    fn raise_what_fits(&mut self, now: Instant, mode: Mode, budget: Budget, congested: bool) {
        Division::new(&mut self.items, &self.rank, budget, Pass::Rearrange).run(mode);
        if self.rank.iter().any(|&at| self.loses_to_an_equal(at)) {
            Division::new(&mut self.items, &self.rank, budget, Pass::Add).run(mode);
        }
        let more = self.items.iter().any(|item| item.got > item.kept);
        if !more || congested {
            self.room_since = None;
            self.items.iter_mut().for_each(|item| item.got = item.kept);
            return;
        }
        let since = *self.room_since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.raise_wait() {
            self.items.iter_mut().for_each(|item| item.got = item.kept);
        } else {
            Division::new(&mut self.items, &self.rank, budget, Pass::Restore).run(mode);
            self.raised = Some(now);
            self.room_since = None;
        }
    }

    /// Whether a track would get less though nobody who comes before it gets more: such swaps would never end.
    fn loses_to_an_equal(&self, at: usize) -> bool {
        let Some(loser) = self.items.get(at).filter(|item| item.got < item.kept) else { return false };
        let place = self.rank.iter().position(|&other| other == at);
        let outranks = |(other, gainer): (Option<usize>, &Item)| {
            let starts = gainer.kept.is_none() && (loser.got.is_some() || other < place);
            gainer.got > gainer.kept && (gainer.priority > loser.priority || starts)
        };
        let ranked = self.rank.iter().enumerate().filter_map(|(place, &other)| Some((Some(place), self.items.get(other)?)));
        !ranked.into_iter().any(outranks)
    }

    fn raise_wait(&self) -> Duration {
        RAISE_WAIT.saturating_mul(1 << self.regrets.min(8)).min(RAISE_WAIT_MAX)
    }

    fn write(&mut self, tracks: &[Candidate], choices: &mut Vec<Choice>) {
        choices.clear();
        for ((item, held), track) in self.items.iter().zip(&mut self.held).zip(tracks) {
            let starved = item.is_wanted() && item.got.is_none();
            let off = item.off.or(starved.then_some(Off::Bandwidth));
            held.layer = item.got;
            held.off = off.is_some();
            choices.push(Choice { layer: item.got, send: item.got.and_then(|layer| best_active(track, layer)), off });
        }
    }

    fn total(&self, profile: &Profile, reserved: u64) -> Total {
        let used = self.items.iter().filter_map(|item| item.got.map(|layer| item.cost(layer))).fold(0, u64::saturating_add);
        let wanted =
            self.items.iter().filter(|item| item.is_wanted()).map(|item| item.cost(item.top)).fold(0, u64::saturating_add);
        let wanted = wanted.min(profile.bitrate_max.unwrap_or(u64::MAX));
        let spare = if used < wanted { divide::spare(wanted) } else { 0 };
        let most = wanted.saturating_add(spare).min(profile.bitrate_max.unwrap_or(u64::MAX));
        Total { used, wanted, probe: most.saturating_add(reserved) }
    }
}

/// Bits per second that there is room for.
fn room(space: Space) -> u64 {
    let start = if space.congested { START_BITRATE_CONGESTED } else { START_BITRATE };
    space.estimate.map_or(start, |estimate| estimate.saturating_sub(space.reserved))
}

/// Bits per second that all video may use. Only where nothing may be switched off does the subscriber's own bound give way.
fn budget(profile: &Profile, room: u64) -> Budget {
    let bound = profile.bitrate_max.unwrap_or(u64::MAX);
    Budget { room: room.min(bound), firm: if profile.switch_off == SwitchOff::Disabled { u64::MAX } else { bound } }
}

fn best_active(track: &Candidate, layer: u8) -> Option<u8> {
    let active = |at: &u8| track.layers.get(usize::from(*at)).is_some_and(|layer| layer.active);
    (0..=layer).rev().find(active)
}
