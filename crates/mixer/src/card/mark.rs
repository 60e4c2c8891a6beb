//! A camera with a stroke through it.

use super::text::Mask;

/// The mark, so many pixels high, and wider than that. Nothing below 12 pixels.
pub(super) fn camera_off(height: usize) -> Mask {
    if height < 12 {
        return Mask::default();
    }
    let height = height.next_multiple_of(2);
    let width = (height * 5 / 4).next_multiple_of(2);
    let mut mask = Mask::new(width, height);
    let unit = 1.0 / height as f32;
    for (index, pixel) in mask.bytes.iter_mut().enumerate() {
        let (x, y) = ((index % width) as f32 + 0.5, (index / width) as f32 + 0.5);
        // Half a pixel to either side of an edge is where it is soft.
        let outside = distance(x * unit, y * unit) * height as f32;
        *pixel = ((0.5 - outside).clamp(0.0, 1.0) * 255.0) as u8;
    }
    mask
}

/// How far a point is outside of the mark; the mark is 1 high and 1.25 wide.
fn distance(x: f32, y: f32) -> f32 {
    let body = (rounded(x - 0.44, y - 0.5, 0.36, 0.27) - 0.07).min(lens(x, y));
    let stroke = segment((x, y), (0.12, 0.1), (1.1, 0.9));
    // The stroke has a gap beside it, so that it is seen on the body too.
    body.max(0.11 - stroke).min(stroke - 0.04)
}

/// To a box of this half width and half height around the origin.
fn rounded(x: f32, y: f32, half_width: f32, half_height: f32) -> f32 {
    let (x, y) = (x.abs() - half_width + 0.07, y.abs() - half_height + 0.07);
    x.max(0.0).hypot(y.max(0.0)) + x.max(y).min(0.0)
}

/// A triangle to the right of the body that points at it.
fn lens(x: f32, y: f32) -> f32 {
    let slope = ((y - 0.5).abs() - (x - 0.88) * 0.8 - 0.06) / 1.28;
    slope.max(x - 1.16).max(0.9 - x)
}

fn segment(at: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (along, across) = ((to.0 - from.0, to.1 - from.1), (at.0 - from.0, at.1 - from.1));
    let share = (across.0 * along.0 + across.1 * along.1) / (along.0 * along.0 + along.1 * along.1);
    let share = share.clamp(0.0, 1.0);
    (across.0 - along.0 * share).hypot(across.1 - along.1 * share)
}
