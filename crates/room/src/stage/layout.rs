//! Where members stand in the picture: a pure function of a layout's name and of who is there. Places are fractions of the canvas, as
//! in FreeSWITCH's conferences, whose cells have the shape of the canvas; they become pixels by rounding their edges down to even
//! numbers, so that neighbours share an edge and nothing overlaps.

use crate::limit::PLACES_MAX;
use crate::{Area, Canvas, Layout, LayoutName, ParticipantId, Place, PlaybackId, Position};

/// How the picture is to be divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Division {
    pub name: LayoutName,
    pub canvas: Canvas,
    /// Whether who raised a hand stands first.
    pub hands_first: bool,
    /// Who gets the large place, if there is one and nothing is shared.
    pub speaker: Option<ParticipantId>,
}

/// What is seen in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Member(ParticipantId),
    Film(PlaybackId),
}

/// Somebody who is to stand in the picture, or something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stander {
    pub who: Figure,
    pub wanted: Position,
    pub hand: bool,
    /// Whether it is a screen, or a file that is played.
    pub shared: bool,
}

/// The large place, where there is one.
const LARGE: Position = Position::Reserved(1);

/// Fewer small places beside a large one would be too large.
const SIDE_MIN: u16 = 3;

/// Places these members, who are listed in the order they came.
pub(crate) fn arrange(division: Division, standers: &[Stander]) -> Layout {
    let mut all: Vec<Stander> = standers.iter().filter(|one| one.wanted != Position::OffCanvas).copied().collect();
    if division.hands_first {
        all.sort_by_key(|one| !one.hand);
    }
    let full = all.iter().find(|one| one.wanted == Position::FullScreen).map(|one| one.who);
    let places = match full {
        Some(who) => vec![Slot::full(Position::FullScreen).place(division.canvas, Some(who))],
        None => {
            let slots = slots(division.name, all.len(), all.iter().any(|one| one.shared));
            let taken = seat(&slots, &all, division.speaker);
            slots.into_iter().zip(taken).map(|(slot, who)| slot.place(division.canvas, who)).collect()
        }
    };
    Layout { name: division.name, canvas: division.canvas, places }
}

/// Who stands on which place: first who is sent there, then whoever the large place is for, then the others in their order.
fn seat(slots: &[Slot], all: &[Stander], speaker: Option<ParticipantId>) -> Vec<Option<Figure>> {
    let mut taken: Vec<Option<Figure>> = vec![None; slots.len()];
    let mut left: Vec<Stander> = Vec::new();
    for one in all {
        let wanted = if one.wanted == Position::Playback { LARGE } else { one.wanted };
        match slots.iter().position(|slot| slot.position == wanted).and_then(|at| taken.get_mut(at)) {
            Some(place) if place.is_none() => *place = Some(one.who),
            _ => left.push(*one),
        }
    }
    let large_place = slots.iter().position(|slot| slot.position == LARGE).and_then(|at| taken.get_mut(at));
    if let Some(place) = large_place.filter(|place| place.is_none() && !left.is_empty()) {
        *place = Some(left.remove(large(&left, speaker)).who);
    }
    for (place, one) in taken.iter_mut().filter(|place| place.is_none()).zip(left) {
        *place = Some(one.who);
    }
    taken
}

/// Who of these the large place is for: what is shared, the newest first; else the speaker; else the first.
fn large(left: &[Stander], speaker: Option<ParticipantId>) -> usize {
    let shared = left.iter().rposition(|one| one.shared);
    shared.or_else(|| left.iter().position(|one| speaker.map(Figure::Member) == Some(one.who))).unwrap_or_default()
}

/// The places of a layout when so many want one.
fn slots(name: LayoutName, count: usize, shared: bool) -> Vec<Slot> {
    let count = u16::try_from(count.clamp(1, PLACES_MAX)).unwrap_or(1);
    match name {
        LayoutName::GridResponsive | LayoutName::GridResponsiveMobile if shared => beside(count),
        LayoutName::Highlight1Responsive | LayoutName::ScreenShare => beside(count),
        LayoutName::GridResponsive => {
            let columns = root(count);
            grid(count, columns, columns)
        }
        LayoutName::GridResponsiveMobile => {
            let columns = if count == 3 { 3 } else { root(count) };
            grid(count, columns, count.div_ceil(columns))
        }
        LayoutName::FullScreen => vec![Slot::full(LARGE)],
        LayoutName::Grid1x1 => grid(1, 1, 1),
        LayoutName::Grid2x1 => grid(2, 2, 2),
        LayoutName::Grid2x2 => grid(4, 2, 2),
        LayoutName::FiveUp => five(),
        LayoutName::Grid3x3 => grid(9, 3, 3),
        LayoutName::Grid4x4 => grid(16, 4, 4),
        LayoutName::Grid5x5 => grid(25, 5, 5),
        LayoutName::Grid6x6 => grid(36, 6, 6),
        LayoutName::Grid8x8 => grid(64, 8, 8),
        LayoutName::Grid10x10 => grid(100, 10, 10).into_iter().take(PLACES_MAX).collect(),
    }
}

/// So many cells in rows of `columns`, each as high as if there were `rows` rows; the last row and all of them together are centred.
fn grid(count: u16, columns: u16, rows: u16) -> Vec<Slot> {
    let used = count.div_ceil(columns);
    let slot = |index: u16| {
        let (row, column) = (index / columns, index % columns);
        let in_row = (count - row * columns).min(columns);
        let (x, y) = (columns - in_row + 2 * column, rows - used + 2 * row);
        Slot { x, y, width: 2, height: 2, of: (2 * columns, 2 * rows), position: standard(index) }
    };
    (0..count).map(slot).collect()
}

/// One large place and the others to the right of it and below.
fn beside(count: u16) -> Vec<Slot> {
    let small = count - 1;
    if small == 0 {
        return vec![Slot::full(LARGE)];
    }
    let side = (small + 1).div_ceil(2).max(SIDE_MIN);
    let of = (2 * side, 2 * side);
    let alone = small <= side;
    let large = 2 * (side - 1);
    let large = Slot { x: 0, y: u16::from(alone), width: large, height: large, of, position: LARGE };
    let (shown, top) = if alone { (small, side - small) } else { (2 * side - 1, 0) };
    let slot = |index: u16| {
        let below = index.saturating_sub(side - 1);
        let (x, y) = (2 * (side - 1 - below), top + 2 * index.min(side - 1));
        Slot { x, y, width: 2, height: 2, of, position: standard(index) }
    };
    std::iter::once(large).chain((0..shown).map(slot)).collect()
}

/// Two above three.
fn five() -> Vec<Slot> {
    let of = (12, 12);
    let above = (0..2).map(|n| Slot { x: 6 * n, y: 1, width: 6, height: 6, of, position: standard(n) });
    let below = (0..3).map(|n| Slot { x: 4 * n, y: 7, width: 4, height: 4, of, position: standard(n + 2) });
    above.chain(below).collect()
}

/// The smallest number whose square is at least this.
fn root(count: u16) -> u16 {
    (1..).find(|side| side * side >= count).unwrap_or(1)
}

/// Positions count from 1.
fn standard(index: u16) -> Position {
    Position::Standard(u8::try_from(index + 1).unwrap_or(u8::MAX))
}

/// A place as a fraction of the canvas.
#[derive(Clone, Copy, Debug)]
struct Slot {
    x: u16,
    y: u16,
    width: u16,
    height: u16,
    /// Into how many parts the canvas is divided across and down.
    of: (u16, u16),
    position: Position,
}

impl Slot {
    fn full(position: Position) -> Self {
        Slot { x: 0, y: 0, width: 1, height: 1, of: (1, 1), position }
    }

    fn place(self, canvas: Canvas, figure: Option<Figure>) -> Place {
        let (x, right) = (edge(self.x, self.of.0, canvas.width), edge(self.x + self.width, self.of.0, canvas.width));
        let (y, bottom) = (edge(self.y, self.of.1, canvas.height), edge(self.y + self.height, self.of.1, canvas.height));
        let area = Area { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) };
        let (who, film) = match figure {
            Some(Figure::Member(who)) => (Some(who), None),
            Some(Figure::Film(film)) => (None, Some(film)),
            None => (None, None),
        };
        Place { area, position: self.position, who, film, above: 0 }
    }
}

/// Where the edge after so many of all parts of a length is, in pixels.
fn edge(parts: u16, of: u16, length: u16) -> u16 {
    let at = u32::from(parts) * u32::from(length) / u32::from(of.max(1));
    u16::try_from(at).unwrap_or(length) & !1
}
