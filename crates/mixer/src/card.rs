//! What is written and drawn on cells: name tags, and the card of somebody whose camera is off.

mod letters;
mod mark;
mod text;

use crate::frame::{Colour, Frame};
use crate::picture::Rect;
use text::Mask;

/// Pixels between a tag and the edges of its cell, and between its text and its own edges.
const MARGIN: usize = 6;

/// Cells smaller than this have no tag; nobody could read it.
const TAGGED_MIN: (u16, u16) = (96, 54);

/// How much of the picture is seen through a tag, of 256.
const SEEN_THROUGH: u16 = 110;

/// The dark of a card.
const CARD: Colour = Colour::of(0x1f_23_28);

/// What is written.
const INK: Colour = Colour::of(0xf0_f0_f0);

/// The mark of a camera that is off.
const FAINT: Colour = Colour::of(0x9a_a0_a6);

/// A name on a dark, half-transparent bar.
#[derive(Debug)]
pub struct Tag {
    text: Mask,
    width: usize,
    height: usize,
}

impl Tag {
    /// The tag of a cell of this size in pixels. None without a name, or where there is no room.
    #[must_use]
    pub fn new(name: &str, width: u16, height: u16) -> Option<Tag> {
        if width < TAGGED_MIN.0 || height < TAGGED_MIN.1 {
            return None;
        }
        let size = f32::from(height / 20).clamp(12.0, 26.0);
        let text = text::line(name, size, usize::from(width) - 4 * MARGIN)?;
        let (width, height) = (text.width + 2 * MARGIN, text.height + MARGIN);
        Some(Tag { text, width: width.next_multiple_of(2), height: height.next_multiple_of(2) })
    }

    /// Draws it in the lower left of a cell.
    pub fn draw(&self, canvas: &mut Frame, cell: Rect) {
        let (x, y) =
            (usize::from(cell.x) + MARGIN, (usize::from(cell.y) + usize::from(cell.height)).saturating_sub(self.height + MARGIN));
        let bar = [Colour::BLACK.y, Colour::BLACK.u, Colour::BLACK.v];
        for ((index, mut plane), dark) in canvas.planes_mut().into_iter().enumerate().zip(bar) {
            let scale = if index == 0 { 1 } else { 2 };
            let mut bar = plane.part(x / scale, y / scale, self.width / scale, self.height / scale);
            for row in 0..bar.height {
                bar.row(row).iter_mut().for_each(|pixel| *pixel = mix(dark, *pixel, SEEN_THROUGH));
            }
        }
        write(canvas, &self.text, x + MARGIN, y + MARGIN / 2, INK);
    }
}

/// A dark card of this size with a name in its middle, and above it the mark that the camera is off.
#[must_use]
pub fn draw(name: &str, width: u16, height: u16, camera_off: bool) -> Frame {
    let mut card = blank(width, height);
    let (width, height) = (usize::from(width), usize::from(height));
    let size = (height as f32 / 9.0).min(width as f32 / 10.0).clamp(10.0, 44.0);
    let text = text::line(name, size, width.saturating_sub(2 * MARGIN));
    let text_height = text.as_ref().map_or(0, |text| text.height);
    let mark = if camera_off { mark::camera_off((height / 4).min(width * 3 / 5)) } else { Mask::default() };
    let gap = if camera_off && text_height > 0 { height / 24 } else { 0 };
    let top = height.saturating_sub(mark.height + gap + text_height) / 2;
    write(&mut card, &mark, width.saturating_sub(mark.width) / 2, top, FAINT);
    if let Some(text) = text {
        write(&mut card, &text, width.saturating_sub(text.width) / 2, top + mark.height + gap, INK);
    }
    card
}

/// A card with nothing on it, and an edge that keeps it apart from the next one.
fn blank(width: u16, height: u16) -> Frame {
    let mut card = Frame::new(width, height, Colour::BLACK);
    for (mut plane, value) in card.planes_mut().into_iter().zip([CARD.y, CARD.u, CARD.v]) {
        let (width, height) = (plane.width.saturating_sub(2), plane.height.saturating_sub(2));
        plane.part(1, 1, width, height).fill(value);
    }
    card
}

/// Colours what a mask covers.
fn write(canvas: &mut Frame, mask: &Mask, x: usize, y: usize, ink: Colour) {
    for ((index, mut plane), ink) in canvas.planes_mut().into_iter().enumerate().zip([ink.y, ink.u, ink.v]) {
        let scale = if index == 0 { 1 } else { 2 };
        let mut part = plane.part(x / scale, y / scale, mask.width / scale, mask.height / scale);
        for row in 0..part.height {
            let cover = mask.row(row * scale).iter().step_by(scale);
            for (pixel, cover) in part.row(row).iter_mut().zip(cover) {
                *pixel = mix(*pixel, ink, u16::from(*cover) + u16::from(*cover > 127));
            }
        }
    }
}

/// So much of `other`, of 256, and the rest of `one`.
fn mix(one: u8, other: u8, much: u16) -> u8 {
    ((u16::from(one) * (256 - much) + u16::from(other) * much + 128) / 256) as u8
}

#[cfg(test)]
mod tests;
