//! Brings planes to another size. Halves come by averages of four pixels, everything else by weights of the two nearest in each
//! direction, after as many halves as there are (an odd row or column at the end is left out): that is as good as a picture of this size needs, and several times as fast as filters.

use crate::frame::{Plane, PlaneMut};
use crate::limit::AXES_MAX;

/// A weight of this much is the whole.
const WHOLE: u16 = 64;

/// Scales, and keeps what it needs for that from one picture to the next.
#[derive(Debug, Default)]
pub struct Scaler {
    halves: Vec<Vec<u8>>,
    row: Vec<u8>,
    /// Those of the sizes seen last: a picture in a cell needs four, across and down, for brightness and for colour.
    axes: Vec<Axis>,
}

impl Scaler {
    /// Fills `to` with all of `from`.
    pub fn scale(&mut self, from: &Plane<'_>, to: &mut PlaneMut<'_>) {
        if (from.width, from.height) == (to.width, to.height) {
            return to.copy_from(from);
        }
        if from.width == 0 || from.height == 0 || to.width == 0 || to.height == 0 {
            return;
        }
        if !is_halvable(from, to) {
            return self.blend(from, to);
        }
        if (from.width / 2, from.height / 2) == (to.width, to.height) {
            return halve(from, to);
        }
        let mut buffer = self.halves.pop().unwrap_or_default();
        self.scale(&half_of(from, &mut buffer), to);
        self.halves.push(buffer);
    }

    fn blend(&mut self, from: &Plane<'_>, to: &mut PlaneMut<'_>) {
        // Both are needed at once: what is found first must not go for the second.
        if self.axes.len() + 2 > AXES_MAX {
            self.axes.clear();
        }
        let (columns, rows) = (self.axis(from.width, to.width), self.axis(from.height, to.height));
        let (Some(columns), Some(rows)) = (self.axes.get(columns), self.axes.get(rows)) else { return };
        self.row.resize(from.width + 1, 0);
        for (y, step) in rows.steps.iter().enumerate() {
            let above = from.row(step.at.into());
            let row = &mut self.row;
            blend_rows(above, from.row(usize::from(step.at) + 1), step.weight, row);
            // The last pixel has no neighbour but itself.
            if let [.., before, last] = row.as_mut_slice() {
                *last = *before;
            }
            blend_columns(row, &columns.steps, to.row(y));
        }
    }

    /// The place among the axes of the one from this many pixels to that many.
    fn axis(&mut self, from: usize, to: usize) -> usize {
        if let Some(found) = self.axes.iter().position(|axis| (axis.from, axis.to) == (from, to)) {
            return found;
        }
        self.axes.push(Axis::new(from, to));
        self.axes.len() - 1
    }
}

/// Where each pixel of a row or column comes from.
#[derive(Debug)]
struct Axis {
    from: usize,
    to: usize,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    /// The pixel before it.
    at: u16,
    /// How much of the pixel after that, of [`WHOLE`].
    weight: u16,
}

impl Axis {
    /// Middles of pixels lie on middles of pixels.
    fn new(from: usize, to: usize) -> Axis {
        let whole = i64::from(WHOLE);
        let (wide, narrow) = (from as i64, to as i64);
        let steps = (0..narrow).map(|x| {
            let middle = ((2 * x + 1) * wide * whole / narrow - whole) / 2;
            let middle = middle.clamp(0, (wide - 1) * whole);
            Step { at: (middle / whole) as u16, weight: (middle % whole) as u16 }
        });
        Axis { from, to, steps: steps.collect() }
    }
}

fn is_halvable(from: &Plane<'_>, to: &PlaneMut<'_>) -> bool {
    from.width >= 2 * to.width && from.height >= 2 * to.height
}

fn half_of<'a>(from: &Plane<'_>, bytes: &'a mut Vec<u8>) -> Plane<'a> {
    let (width, height) = (from.width / 2, from.height / 2);
    bytes.resize(width * height, 0);
    halve(from, &mut PlaneMut { bytes, stride: width, width, height });
    Plane { bytes, stride: width, width, height }
}

fn halve(from: &Plane<'_>, to: &mut PlaneMut<'_>) {
    for y in 0..to.height {
        let (above, below) = (from.row(2 * y).as_chunks::<2>().0, from.row(2 * y + 1).as_chunks::<2>().0);
        for ((to, above), below) in to.row(y).iter_mut().zip(above).zip(below) {
            // Two pixels in one word: the compiler takes eight or sixteen of these at a time, which of single bytes it does not.
            let (above, below) = (u16::from_le_bytes(*above), u16::from_le_bytes(*below));
            let sum = (above & 0xff) + (above >> 8) + (below & 0xff) + (below >> 8);
            *to = ((sum + 2) >> 2) as u8;
        }
    }
}

fn blend_rows(above: &[u8], below: &[u8], weight: u16, to: &mut [u8]) {
    // The last row has nothing below it, and no weight either.
    let below = if weight == 0 { above } else { below };
    for ((to, above), below) in to.iter_mut().zip(above).zip(below) {
        *to = ((u16::from(*above) * (WHOLE - weight) + u16::from(*below) * weight + WHOLE / 2) / WHOLE) as u8;
    }
}

fn blend_columns(row: &[u8], steps: &[Step], to: &mut [u8]) {
    for (to, step) in to.iter_mut().zip(steps) {
        let at = usize::from(step.at);
        if let Some([left, right]) = row.get(at..at + 2) {
            *to = ((u16::from(*left) * (WHOLE - step.weight) + u16::from(*right) * step.weight + WHOLE / 2) / WHOLE) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(width: usize, height: usize, bytes: &[u8], to: (usize, usize)) -> Vec<u8> {
        let mut target = vec![255; to.0 * to.1];
        let mut plane = PlaneMut { bytes: &mut target, stride: to.0, width: to.0, height: to.1 };
        Scaler::default().scale(&Plane { bytes, stride: width, width, height }, &mut plane);
        target
    }

    #[test]
    fn pixels_come_from_where_they_should() {
        assert_eq!(scale(2, 2, &[1, 2, 3, 4], (2, 2)), [1, 2, 3, 4]);
        assert_eq!(scale(4, 2, &[1, 3, 10, 20, 5, 7, 30, 40], (2, 1)), [4, 25]);
        assert_eq!(scale(1, 1, &[9], (3, 3)), [9; 9]);
        assert_eq!(scale(2, 1, &[0, 64], (4, 1)), [0, 16, 48, 64]);
        assert_eq!(scale(3, 1, &[0, 64, 128], (2, 1)), [16, 112]);
        assert_eq!(scale(8, 8, &[50; 64], (1, 1)), [50]);
        assert_eq!(scale(3, 1, &[1, 2, 3], (0, 0)), []);
    }

    /// A picture that grows brighter to the right and below stays one in every size.
    #[test]
    fn a_slope_stays_a_slope() {
        let slope = |width: usize, height: usize| -> Vec<u8> {
            let at = |n: usize, of: usize| (2 * n + 1) * 100 / (2 * of);
            (0..height).flat_map(|y| (0..width).map(move |x| (at(x, width) + at(y, height)) as u8)).collect()
        };
        let source = slope(96, 54);
        for size in [(96, 54), (48, 27), (24, 13), (64, 36), (40, 50), (95, 53), (192, 108), (24, 12), (16, 9), (97, 10)] {
            let seen = scale(96, 54, &source, size);
            let meant = slope(size.0, size.1);
            let worst = seen.iter().zip(&meant).map(|(seen, meant)| seen.abs_diff(*meant)).max();
            assert!(worst <= Some(4), "{size:?}: {worst:?}");
        }
    }
}
