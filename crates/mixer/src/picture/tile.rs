//! Cells as they are drawn: only those that changed, and those in front of them.

use std::collections::BTreeMap;

use super::input::Input;
use super::place::{Place, part_of};
use super::{Brush, Cell, Rect, Show};
use crate::card::{self, Tag};
use crate::frame::{Colour, Frame};
use crate::input::InputId;

/// A cell, and what is drawn in it again and again.
#[derive(Debug)]
pub(super) struct Tile {
    pub cell: Cell,
    tag: Option<Tag>,
    card: Option<(Show, Frame)>,
    /// Where the picture was drawn last.
    place: Option<Place>,
    /// The tiles in front of it that cover a part of it.
    above: Vec<usize>,
    /// A tile in front of it covers all of it.
    hidden: bool,
}

impl Tile {
    /// A tile for a cell. What was drawn for the same input before is used again where it fits.
    pub fn new(cell: Cell, before: Option<Tile>) -> Tile {
        let size = |area: &Rect| (area.width, area.height);
        let same = before.filter(|tile| tile.cell.name == cell.name && size(&tile.cell.area) == size(&cell.area));
        let (tag, card) = match same {
            Some(tile) => (tile.tag, tile.card),
            None => (Tag::new(&cell.name, cell.area.width, cell.area.height), None),
        };
        Tile { cell, tag, card, place: None, above: Vec::new(), hidden: false }
    }

    /// Whether anybody would miss its input's picture.
    pub fn shows_picture(&self) -> bool {
        self.cell.show != Show::Card && !self.hidden
    }

    fn draw(&mut self, input: Option<&Input>, whole: bool, brush: &mut Brush, canvas: &mut Frame) {
        let picture = input.filter(|_| self.cell.show != Show::Card).and_then(Input::picture);
        let Some((picture, rotation)) = picture else {
            return self.draw_nothing(brush.bars, canvas);
        };
        let place = Place::new(picture.size(), rotation, self.cell.area, self.cell.fit);
        if whole || self.place != Some(place) {
            fill(canvas, self.cell.area, brush.bars);
        }
        (self.place, self.card) = (Some(place), None);
        place.draw(&picture, &mut brush.scaler, &mut brush.turned, canvas);
        if let Some(tag) = &self.tag {
            tag.draw(canvas, self.cell.area);
        }
    }

    fn draw_nothing(&mut self, bars: Colour, canvas: &mut Frame) {
        if self.cell.show != Show::Bare {
            return self.draw_card(canvas);
        }
        self.place = None;
        fill(canvas, self.cell.area, bars);
    }

    fn draw_card(&mut self, canvas: &mut Frame) {
        let Cell { area, show, name, .. } = &self.cell;
        if self.card.as_ref().is_none_or(|(drawn, _)| drawn != show) {
            self.card = Some((*show, card::draw(name, area.width, area.height, *show == Show::Card)));
        }
        self.place = None;
        let Some((_, card)) = &self.card else { return };
        for ((index, from), mut to) in card.picture().planes().iter().enumerate().zip(canvas.planes_mut()) {
            part_of(&mut to, *area, if index == 0 { 1 } else { 2 }).copy_from(from);
        }
    }
}

/// Finds out which tiles lie in front of which.
pub(super) fn stack(tiles: &mut [Tile]) {
    let areas: Vec<Rect> = tiles.iter().map(|tile| tile.cell.area).collect();
    for (index, tile) in tiles.iter_mut().enumerate() {
        let in_front = || areas.iter().enumerate().skip(index + 1);
        tile.hidden = in_front().any(|(_, area)| area.contains(&tile.cell.area));
        tile.above = in_front().filter(|(_, area)| area.overlaps(&tile.cell.area)).map(|(above, _)| above).collect();
    }
}

/// Draws all tiles, or those whose input has another picture and those in front of them. Whether any was.
pub(super) fn draw_all(
    tiles: &mut [Tile],
    inputs: &BTreeMap<InputId, Input>,
    all: bool,
    brush: &mut Brush,
    canvas: &mut Frame,
) -> bool {
    // What is behind a tile is drawn over it, so that it must be drawn as a whole.
    let mut soiled = vec![all; tiles.len()];
    let mut changed = false;
    for index in 0..tiles.len() {
        let Some(tile) = tiles.get_mut(index).filter(|tile| !tile.hidden) else { continue };
        let input = inputs.get(&tile.cell.input);
        let whole = soiled.get(index).copied().unwrap_or(all);
        if !(whole || tile.shows_picture() && input.is_some_and(Input::is_fresh)) {
            continue;
        }
        // A damaged frame leaves what was drawn before it, unless that is gone.
        if !whole && input.is_none_or(|input| input.picture().is_none()) {
            continue;
        }
        tile.draw(input, whole, brush, canvas);
        changed = true;
        for above in &tile.above {
            if let Some(soiled) = soiled.get_mut(*above) {
                *soiled = true;
            }
        }
    }
    changed
}

fn fill(canvas: &mut Frame, area: Rect, colour: Colour) {
    for ((index, mut plane), value) in canvas.planes_mut().into_iter().enumerate().zip([colour.y, colour.u, colour.v]) {
        part_of(&mut plane, area, if index == 0 { 1 } else { 2 }).fill(value);
    }
}
