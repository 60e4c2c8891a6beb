//! Which part of a picture goes where, and which way up.

use super::{Fit, Rect};
use crate::frame::{Frame, Picture, Plane, PlaneMut};
use crate::picture::scale::Scaler;

/// How far a picture must be turned clockwise to be upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// By 90°.
    Quarter,
    /// By 180°.
    Half,
    /// By 270°.
    ThreeQuarters,
}

impl Rotation {
    /// From degrees, of which only those of the four that are meant are known; others are none.
    #[must_use]
    pub fn of(degrees: u16) -> Rotation {
        match degrees {
            90 => Rotation::Quarter,
            180 => Rotation::Half,
            270 => Rotation::ThreeQuarters,
            _ => Rotation::None,
        }
    }

    /// Whether width and height change places.
    #[must_use]
    pub fn is_sideways(self) -> bool {
        matches!(self, Rotation::Quarter | Rotation::ThreeQuarters)
    }

    fn turn(self, (width, height): (usize, usize)) -> (usize, usize) {
        if self.is_sideways() { (height, width) } else { (width, height) }
    }
}

/// Missing so many pixels, a picture is made to fit: bars so thin look like a mistake.
const BAR_MIN: usize = 4;

/// A picture's place on the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The middle of the picture of this width and height, before it is turned.
    part: (usize, usize),
    /// Where it goes. The rest of its cell are bars.
    pub area: Rect,
    rotation: Rotation,
}

impl Place {
    /// The place of a picture of this size in a cell.
    #[must_use]
    pub fn new(size: (usize, usize), rotation: Rotation, cell: Rect, fit: Fit) -> Place {
        let upright = rotation.turn(size);
        let whole = (usize::from(cell.width), usize::from(cell.height));
        let (part, shown) = match fit {
            Fit::Letterbox => (upright, inside(upright, whole)),
            Fit::Crop => (inside(whole, upright), whole),
        };
        let middle = |start: u16, all: usize, part: usize| start + even((all - part) / 2) as u16;
        let (x, y) = (middle(cell.x, whole.0, shown.0), middle(cell.y, whole.1, shown.1));
        let area = Rect { x, y, width: shown.0 as u16, height: shown.1 as u16 };
        Place { part: rotation.turn(part), area, rotation }
    }

    /// Draws the picture there.
    pub fn draw(&self, picture: &Picture<'_>, scaler: &mut Scaler, turned: &mut Vec<u8>, canvas: &mut Frame) {
        let (width, height) = picture.size();
        let (x, y) = (even((width - self.part.0.min(width)) / 2), even((height - self.part.1.min(height)) / 2));
        for ((index, from), mut to) in picture.planes().into_iter().enumerate().zip(canvas.planes_mut()) {
            let scale = if index == 0 { 1 } else { 2 };
            let from = from.part(x / scale, y / scale, self.part.0.div_ceil(scale), self.part.1.div_ceil(scale));
            let mut to = part_of(&mut to, self.area, scale);
            if self.rotation == Rotation::None {
                scaler.scale(&from, &mut to);
            } else {
                draw_turned(&from, self.rotation, scaler, turned, &mut to);
            }
        }
    }
}

/// The part of a plane that an area of the picture covers; planes of colour have half the pixels (`scale` 2).
pub fn part_of<'a>(plane: &'a mut PlaneMut<'_>, area: Rect, scale: usize) -> PlaneMut<'a> {
    let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(|side| usize::from(side) / scale);
    plane.part(x, y, width, height)
}

/// The largest size of this shape within these bounds.
fn inside(shape: (usize, usize), bounds: (usize, usize)) -> (usize, usize) {
    let wide = shape.0 * bounds.1 >= shape.1 * bounds.0;
    // To the nearest even number.
    let other = |bound: usize, mine: usize, theirs: usize, most: usize| {
        let side = ((bound * mine + theirs) / theirs.max(1)) & !1;
        if side + BAR_MIN > most { most } else { side.max(2) }
    };
    if wide {
        (bounds.0, other(bounds.0, shape.1, shape.0, bounds.1))
    } else {
        (other(bounds.1, shape.0, shape.1, bounds.0), bounds.1)
    }
}

fn even(side: usize) -> usize {
    side & !1
}

fn draw_turned(from: &Plane<'_>, rotation: Rotation, scaler: &mut Scaler, turned: &mut Vec<u8>, to: &mut PlaneMut<'_>) {
    let (width, height) = rotation.turn((to.width, to.height));
    turned.resize(width * height, 0);
    scaler.scale(from, &mut PlaneMut { bytes: turned, stride: width, width, height });
    let upright = Plane { bytes: turned, stride: width, width, height };
    turn(&upright, rotation, to);
}

/// Rows and columns read together: a block of these stays in the cache.
const BLOCK: usize = 16;

fn turn(from: &Plane<'_>, rotation: Rotation, to: &mut PlaneMut<'_>) {
    for y in (0..to.height).step_by(BLOCK) {
        for x in (0..to.width).step_by(BLOCK) {
            for y in y..(y + BLOCK).min(to.height) {
                let columns = x..(x + BLOCK).min(to.width);
                for (x, pixel) in columns.clone().zip(to.row(y).get_mut(columns).unwrap_or_default()) {
                    let (x, y) = source_of(rotation, x, y, from);
                    *pixel = from.bytes.get(y * from.stride + x).copied().unwrap_or_default();
                }
            }
        }
    }
}

fn source_of(rotation: Rotation, x: usize, y: usize, from: &Plane<'_>) -> (usize, usize) {
    let (right, bottom) = (from.width - 1, from.height - 1);
    match rotation {
        Rotation::None => (x, y),
        Rotation::Quarter => (y, bottom - x),
        Rotation::Half => (right - x, bottom - y),
        Rotation::ThreeQuarters => (right - y, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Rect = Rect { x: 100, y: 50, width: 640, height: 360 };

    #[test]
    fn pictures_are_placed_whole_or_fill_the_cell() {
        let check = |size, rotation, fit, area: [u16; 4], part| {
            let [x, y, width, height] = area;
            let expected = Place { part, area: Rect { x, y, width, height }, rotation };
            assert_eq!(Place::new(size, rotation, CELL, fit), expected, "{size:?} {rotation:?} {fit:?}");
        };
        check((640, 360), Rotation::None, Fit::Letterbox, [100, 50, 640, 360], (640, 360));
        check((320, 180), Rotation::None, Fit::Crop, [100, 50, 640, 360], (320, 180));
        check((640, 480), Rotation::None, Fit::Letterbox, [180, 50, 480, 360], (640, 480));
        check((640, 480), Rotation::None, Fit::Crop, [100, 50, 640, 360], (640, 360));
        check((360, 640), Rotation::None, Fit::Letterbox, [318, 50, 202, 360], (360, 640));
        check((640, 360), Rotation::Quarter, Fit::Letterbox, [318, 50, 202, 360], (640, 360));
        check((640, 360), Rotation::Half, Fit::Letterbox, [100, 50, 640, 360], (640, 360));
        check((640, 360), Rotation::ThreeQuarters, Fit::Crop, [100, 50, 640, 360], (202, 360));
        check((1920, 800), Rotation::None, Fit::Letterbox, [100, 96, 640, 266], (1920, 800));
        check((641, 361), Rotation::None, Fit::Letterbox, [100, 50, 640, 360], (641, 361));
        check((2, 2000), Rotation::None, Fit::Letterbox, [418, 50, 2, 360], (2, 2000));
        check((1, 1), Rotation::None, Fit::Crop, [100, 50, 640, 360], (1, 1));
    }

    #[test]
    fn turning_is_clockwise() {
        let check = |rotation, size: (usize, usize), expected: &[u8]| {
            let from = Plane { bytes: &[1, 2, 3, 4, 5, 6], stride: 3, width: 3, height: 2 };
            let mut bytes = vec![0; 6];
            turn(&from, rotation, &mut PlaneMut { bytes: &mut bytes, stride: size.0, width: size.0, height: size.1 });
            assert_eq!(bytes, expected, "{rotation:?}");
        };
        check(Rotation::None, (3, 2), &[1, 2, 3, 4, 5, 6]);
        check(Rotation::Quarter, (2, 3), &[4, 1, 5, 2, 6, 3]);
        check(Rotation::Half, (3, 2), &[6, 5, 4, 3, 2, 1]);
        check(Rotation::ThreeQuarters, (2, 3), &[3, 6, 2, 5, 1, 4]);
    }
}
