//! Names as coverage of pixels.

use ab_glyph::{Font, FontRef, Glyph, GlyphId, ScaleFont, point};

use super::letters;
use crate::limit;

/// How much of each pixel is covered, 0 to 255.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mask {
    pub width: usize,
    pub height: usize,
    pub bytes: Vec<u8>,
}

impl Mask {
    pub fn new(width: usize, height: usize) -> Mask {
        Mask { width, height, bytes: vec![0; width * height] }
    }

    /// One row; none where there is no such row.
    pub fn row(&self, y: usize) -> &[u8] {
        self.bytes.get(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }

    /// Covers a pixel by so much more, if there is one.
    fn add(&mut self, x: i32, y: i32, cover: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < self.width
            && let Some(pixel) = self.bytes.get_mut(y * self.width + x)
        {
            *pixel = pixel.saturating_add((cover * 255.0) as u8);
        }
    }
}

/// A line of text of this size in pixels, cut with an ellipsis where it would be wider than that. None if nothing is to be seen of it.
/// What the font does not have is left out: an empty box would tell nobody anything.
pub(super) fn line(text: &str, size: f32, width_max: usize) -> Option<Mask> {
    let font = FontRef::try_from_slice(dejavu::sans_condensed::regular()).ok()?;
    let font = font.as_scaled(size);
    let has = |c: char| c.is_whitespace() || font.glyph_id(c).0 != 0;
    let text: Vec<char> = text.chars().take(limit::NAME_CHARS_MAX).filter(|c| *c == APART || !is_invisible(*c)).collect();
    let text: String = letters::joined(&text, has).into_iter().filter(|c| *c != APART && has(*c)).collect();
    let text: Vec<char> = text.trim().chars().collect();
    let (glyphs, width) = fit(&font, &text, width_max as f32)?;
    let mut mask = Mask::new((width.ceil() as usize).next_multiple_of(2), (font.height().ceil() as usize).next_multiple_of(2));
    for glyph in glyphs {
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let bounds = outline.px_bounds();
        outline.draw(|x, y, cover| mask.add(bounds.min.x as i32 + x as i32, bounds.min.y as i32 + y as i32, cover));
    }
    Some(mask)
}

/// All of the text, or as much of it as leaves room for an ellipsis. None if that is nothing.
fn fit<F: Font, S: ScaleFont<F>>(font: &S, text: &[char], width_max: f32) -> Option<(Vec<Glyph>, f32)> {
    let in_order = |text: &[char]| set(font, letters::in_visual_order(text).into_iter());
    let (glyphs, width) = set(font, text.iter().copied());
    if width <= width_max {
        return (!text.is_empty()).then(|| in_order(text));
    }
    let room = width_max - font.h_advance(font.glyph_id('…'));
    let ends = glyphs.iter().map(|glyph| glyph.position.x + font.h_advance(glyph.id));
    let kept = text.get(..ends.take_while(|end| *end <= room).count())?;
    let spaces = kept.iter().rev().take_while(|c| c.is_whitespace()).count();
    let kept = kept.get(..kept.len() - spaces).filter(|kept| !kept.is_empty())?;
    Some(in_order(&[kept, &['…']].concat()))
}

/// Glyphs one after the other, and how wide they are together.
fn set<F: Font, S: ScaleFont<F>>(font: &S, text: impl Iterator<Item = char>) -> (Vec<Glyph>, f32) {
    let (mut x, mut last) = (0.0, None::<GlyphId>);
    let glyphs = text.map(|c| {
        let id = font.glyph_id(if c.is_whitespace() { ' ' } else { c });
        x += last.map_or(0.0, |last| font.kern(last, id));
        let glyph = id.with_scale_and_position(font.scale(), point(x, font.ascent()));
        x += font.h_advance(id);
        last = Some(id);
        glyph
    });
    let glyphs = glyphs.collect();
    (glyphs, x)
}

/// Characters that are not drawn, and would be boxes.
/// Zero width non-joiner: keeps letters apart that would join, as Persian writes within words. It is not drawn.
const APART: char = '\u{200c}';

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        || c >= '\u{e0000}'
}
