//! One track as the allocator sees it.

use room::{Priority, Profile, TrackId};

use super::divide::Pass;
use super::{Candidate, LAYERS_MAX, Layer, Off};

/// Hundredths of its size to which a picture may be blown up before the next layer is wanted: nobody sees it, and the next
/// layer costs three times as much.
const BLOWN_UP_PERCENT: u32 = 115;

/// Bits per second of layers of which nothing is known but how many there are.
const USUAL_BITRATES: [u64; LAYERS_MAX] = [150_000, 500_000, 1_500_000];

/// Bits per second of a track's only layer, when nothing is known of it.
const USUAL_SINGLE_BITRATE: u64 = 800_000;

/// Bits per second and pixel of a camera's picture: 1.8 Mbit/s for 720p.
const BITS_PER_PIXEL: u64 = 2;

/// What is remembered of a track from one time to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub id: TrackId,
    pub layer: Option<u8>,
    /// Switched off, and whether that was told.
    pub off: bool,
    pub told_off: bool,
    /// None: it was not wanted, or is new.
    wish: Option<Wish>,
}

/// What the receiver wanted.
#[derive(Clone, Copy, Debug)]
struct Wish {
    priority: Priority,
    size: Option<(u16, u16)>,
}

impl Held {
    pub fn new(id: TrackId) -> Self {
        Held { id, layer: None, off: false, told_off: false, wish: None }
    }

    /// Takes what is wanted now; true if that is more than before.
    pub fn note(&mut self, item: &Item) -> bool {
        let wish = item.is_wanted().then_some(Wish { priority: item.priority, size: item.size });
        let before = std::mem::replace(&mut self.wish, wish);
        wish.is_some_and(|wish| before.is_none_or(|before| wish.is_more_than(before)))
    }
}

impl Wish {
    fn is_more_than(self, before: Wish) -> bool {
        let area = |size: Option<(u16, u16)>| size.map_or(u32::MAX, |(width, height)| u32::from(width) * u32::from(height));
        self.priority > before.priority || area(self.size) > area(before.size)
    }
}

/// A track in one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub priority: Priority,
    /// Width and height at which it is shown; none: as large as it comes.
    size: Option<(u16, u16)>,
    costs: [u64; LAYERS_MAX],
    /// The smallest layer there is; none: no media yet.
    bottom: Option<u8>,
    /// The largest layer that is of use.
    pub top: u8,
    /// Before this round.
    pub current: Option<u8>,
    /// What a division gives.
    pub got: Option<u8>,
    /// What fits without more room.
    pub kept: Option<u8>,
    /// More is wanted than before.
    pub fresh: bool,
    /// Must not be switched off.
    pub stays: bool,
    pub off: Option<Off>,
}

impl Item {
    pub fn new(profile: &Profile, track: &Candidate, current: Option<u8>) -> Self {
        let least = profile.speaker_priority.filter(|_| track.speaker).unwrap_or(Priority::Low);
        let priority = track.own.unwrap_or(track.publisher.max(least));
        let size = track.size.or(match priority {
            Priority::High => profile.sizes.high,
            Priority::Standard => profile.sizes.standard,
            Priority::Low => profile.sizes.low,
        });
        let layers = track.layers.get(..usize::from(track.count).min(LAYERS_MAX)).unwrap_or_default();
        let bottom = bottom(layers);
        let top = top(layers, bottom.unwrap_or(0), size);
        let item = Item {
            priority,
            size,
            costs: costs(layers, track.muted),
            bottom,
            top,
            current: None,
            got: None,
            kept: None,
            fresh: false,
            stays: false,
            off: (track.shown == Some(false)).then_some(Off::Hidden),
        };
        Item { current: current.map(|layer| layer.clamp(bottom.unwrap_or(0), top)), ..item }
    }

    /// Whether its publisher's media is not here yet.
    pub fn is_absent(&self) -> bool {
        self.bottom.is_none()
    }

    /// Whether it would be sent if there were room.
    pub fn is_wanted(&self) -> bool {
        matches!(self.off, None | Some(Off::Bandwidth)) && !self.is_absent()
    }

    /// The least that can be sent of it.
    pub fn smallest(&self) -> Option<u8> {
        self.bottom.filter(|_| self.off.is_none())
    }

    /// The layer above what it got.
    pub fn next(&self) -> Option<u8> {
        let above = |got: u8| got.checked_add(1).filter(|next| *next <= self.top);
        self.got.map_or_else(|| self.smallest(), above)
    }

    /// Whether a division may give it this layer.
    pub fn may_have(&self, layer: u8, pass: Pass) -> bool {
        match pass {
            Pass::Keep => self.fresh || self.current >= Some(layer),
            Pass::Restore => self.kept >= Some(layer),
            Pass::Rearrange | Pass::Add => true,
        }
    }

    /// Bits per second of a layer.
    pub fn cost(&self, layer: u8) -> u64 {
        self.costs.get(usize::from(layer)).copied().unwrap_or(0)
    }

    /// Whether it keeps less than it had, for want of room.
    pub fn is_cut(&self) -> bool {
        self.is_wanted() && self.kept < self.current
    }
}

/// The smallest layer that exists. A layer that was never seen below one that is there was left out by the browser.
fn bottom(layers: &[Layer]) -> Option<u8> {
    let seen = layers.iter().position(|layer| layer.active || layer.bitrate > 0).unwrap_or(0);
    u8::try_from(seen).ok().filter(|_| !layers.is_empty())
}

/// The smallest layer that fills the size, else the largest.
fn top(layers: &[Layer], bottom: u8, size: Option<(u16, u16)>) -> u8 {
    let last = u8::try_from(layers.len()).unwrap_or(u8::MAX).saturating_sub(1);
    let fills = |at: &u8| size.is_some_and(|size| pixels(layers, usize::from(*at)).is_some_and(|pixels| is_enough(pixels, size)));
    (bottom..=last).find(fills).unwrap_or(last)
}

/// A picture is shown whole inside its frame: filling one side is enough.
fn is_enough((width, height): (u16, u16), size: (u16, u16)) -> bool {
    let reaches = |has: u16, wants: u16| u32::from(has) * BLOWN_UP_PERCENT >= u32::from(wants) * 100;
    reaches(width, size.0) || reaches(height, size.1)
}

/// Width and height of a layer; of one not seen yet, twice the one below.
fn pixels(layers: &[Layer], at: usize) -> Option<(u16, u16)> {
    let own = layers.get(at).map(|layer| (layer.width, layer.height)).filter(|(width, height)| *width > 0 && *height > 0);
    own.or_else(|| {
        let (width, height) = pixels(layers, at.checked_sub(1)?)?;
        Some((width.saturating_mul(2), height.saturating_mul(2)))
    })
}

/// Bits per second of each layer: as measured, else as is usual. A muted track costs what it still sends.
fn costs(layers: &[Layer], muted: bool) -> [u64; LAYERS_MAX] {
    let mut costs = [0; LAYERS_MAX];
    let mut below = 0_u64;
    for (at, (cost, layer)) in costs.iter_mut().zip(layers).enumerate() {
        *cost = match layer.bitrate {
            0 if muted => 0,
            0 => usual(layers, at).max(below.saturating_mul(2)),
            bitrate => bitrate,
        };
        below = *cost;
    }
    costs
}

fn usual(layers: &[Layer], at: usize) -> u64 {
    let of_pixels =
        |(width, height): (u16, u16)| (u64::from(width) * u64::from(height) * BITS_PER_PIXEL).clamp(100_000, 2_500_000);
    let unknown = if layers.len() == 1 { USUAL_SINGLE_BITRATE } else { USUAL_BITRATES.get(at).copied().unwrap_or(0) };
    pixels(layers, at).map_or(unknown, of_pixels)
}
