//! The picture side: frames of many in, one picture out, encoded once for all who see it in the same size.

mod input;
pub mod place;
pub mod scale;
mod stream;
mod tile;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codec::vp8::Encoded;
use crate::codec::{CodecError, is_size_allowed};
use crate::frame::{Colour, Frame};
use crate::input::InputId;
use crate::limit;
use input::Input;
use scale::Scaler;
use stream::Streams;
use tile::Tile;

pub use place::Rotation;
pub use stream::Stream;

/// The picture that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canvas {
    /// Pixels of a row; even.
    pub width: u16,
    /// Rows; even.
    pub height: u16,
    /// Pictures a second.
    pub fps: u8,
}

/// A part of the canvas, in pixels. Odd numbers are made even by one less, and what lies outside is cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Pixels of a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Rect {
    /// Whether all of the other one lies in it.
    #[must_use]
    pub fn contains(&self, other: &Rect) -> bool {
        let inside = |start: u16, size: u16, outer: u16, whole: u16| {
            start >= outer && u32::from(start) + u32::from(size) <= u32::from(outer) + u32::from(whole)
        };
        inside(other.x, other.width, self.x, self.width) && inside(other.y, other.height, self.y, self.height)
    }

    /// Whether they have a pixel in common.
    #[must_use]
    pub fn overlaps(&self, other: &Rect) -> bool {
        let apart = |a: u16, size: u16, b: u16| u32::from(a) + u32::from(size) <= u32::from(b);
        !(apart(self.x, self.width, other.x)
            || apart(other.x, other.width, self.x)
            || apart(self.y, self.height, other.y)
            || apart(other.y, other.height, self.y))
    }

    fn within(self, canvas: Canvas) -> Rect {
        let (x, y) = (self.x.min(canvas.width) & !1, self.y.min(canvas.height) & !1);
        Rect { x, y, width: self.width.min(canvas.width - x) & !1, height: self.height.min(canvas.height - y) & !1 }
    }
}

/// What becomes of a picture whose shape is not that of its cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// All of it is shown, between bars.
    #[default]
    Letterbox,
    /// Its middle fills the cell.
    Crop,
}

/// What is shown in a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// What the input sends. Until its first picture: a dark cell with the name.
    #[default]
    Picture,
    /// A dark cell with the name, and a mark that the camera is off. What the input sends is not decoded.
    Card,
    /// What the input sends, and nothing else: until its first picture a cell as black as the bars.
    Bare,
}

/// One input's place on the canvas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Whose.
    pub input: InputId,
    /// Where.
    pub area: Rect,
    /// How it fits.
    pub fit: Fit,
    /// What is shown.
    pub show: Show,
    /// The name written on it; empty: none.
    pub name: Arc<str>,
}

/// What a frame is encoded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoCodec {
    /// RFC 6386.
    Vp8,
    /// VP9 bitstream specification, profile 0.
    Vp9,
    /// ITU-T H.264.
    H264,
}

/// What came of an input.
#[derive(Clone, Copy, Debug)]
pub struct VideoFrame<'a> {
    /// What it is encoded with.
    pub codec: VideoCodec,
    /// One whole frame; of H264 with start codes before its units, of VP9 a superframe where there are several of one moment.
    pub bytes: &'a [u8],
    /// How far it must be turned to be upright.
    pub rotation: Rotation,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is the input's picture until the next one.
    Shown,
    /// It is not: damaged, too large, or it builds on one that was. The picture before it stays.
    Broken {
        /// Whether the sender should be asked for a key frame, because nothing else can be shown.
        key_wanted: bool,
    },
    /// The input is not on the canvas, so nothing was decoded.
    NotShown,
}

/// What happened, counted since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureCounts {
    /// Frames that were decoded.
    pub decoded: u64,
    /// Frames that were damaged, too large, or too many.
    pub broken: u64,
    /// Frames that could not be decoded because their key frame was missing.
    pub unkeyed: u64,
    /// Frames that were not decoded because their input was not on the canvas.
    pub skipped: u64,
    /// Frames that were encoded.
    pub encoded: u64,
    /// Those of them that stand on their own.
    pub keys: u64,
}

/// What a mixer begins with.
#[derive(Clone, Copy, Debug)]
pub struct PictureSettings {
    /// The picture.
    pub canvas: Canvas,
    /// Bits a second of the main stream.
    pub bitrate: u32,
    /// Where there is no cell.
    pub background: Colour,
    /// The bars beside a picture that does not fill its cell.
    pub bars: Colour,
}

impl PictureSettings {
    /// The usual colours: dark grey, and black bars.
    #[must_use]
    pub fn new(canvas: Canvas, bitrate: u32) -> PictureSettings {
        PictureSettings { canvas, bitrate, background: Colour::of(0x33_33_33), bars: Colour::BLACK }
    }
}

/// Makes one picture of many.
#[derive(Debug)]
pub struct PictureMixer {
    settings: PictureSettings,
    canvas: Frame,
    /// Counts the pictures that differ.
    version: u64,
    tiles: Vec<Tile>,
    inputs: BTreeMap<InputId, Input>,
    streams: Streams,
    brush: Brush,
    cleared: bool,
    counts: PictureCounts,
}

/// What drawing needs besides the canvas.
#[derive(Debug)]
struct Brush {
    scaler: Scaler,
    turned: Vec<u8>,
    bars: Colour,
}

impl PictureMixer {
    /// An empty picture and its encoder. There is one stream, of the canvas's size.
    ///
    /// # Errors
    /// [`CodecError::Size`] for a canvas that is too large, empty or odd, [`CodecError::Setup`] if there is no memory for an encoder.
    pub fn new(settings: PictureSettings) -> Result<PictureMixer, CodecError> {
        let Canvas { width, height, fps } = settings.canvas;
        if !is_size_allowed(width, height) || width % 2 == 1 || height % 2 == 1 {
            return Err(CodecError::Size(width, height));
        }
        let mut streams = Streams::new(fps);
        streams.set(&[Stream { width, height, bitrate: settings.bitrate }]);
        streams.open(0)?;
        Ok(PictureMixer {
            canvas: Frame::new(width, height, settings.background),
            version: 0,
            tiles: Vec::new(),
            inputs: BTreeMap::new(),
            streams,
            brush: Brush { scaler: Scaler::default(), turned: Vec::new(), bars: settings.bars },
            cleared: true,
            counts: PictureCounts::default(),
            settings,
        })
    }

    /// These are all the cells from now on, back to front. An input that is in none, or that is quite covered by the cells before it,
    /// loses its decoder, and needs a key frame when it is shown again.
    pub fn set_cells(&mut self, cells: &[Cell]) {
        let mut old = std::mem::take(&mut self.tiles);
        for cell in cells.iter().take(limit::CELLS_MAX) {
            let area = cell.area.within(self.settings.canvas);
            if area.width > 0 && area.height > 0 {
                let before = old.iter().position(|tile| tile.cell.input == cell.input).map(|at| old.swap_remove(at));
                self.tiles.push(Tile::new(Cell { area, ..cell.clone() }, before));
            }
        }
        tile::stack(&mut self.tiles);
        let shown: Vec<InputId> = self.tiles.iter().filter(|tile| tile.shows_picture()).map(|tile| tile.cell.input).collect();
        self.inputs.retain(|id, _| shown.contains(id));
        for id in shown {
            self.inputs.entry(id).or_default();
        }
        self.cleared = true;
    }

    /// A frame of an input.
    pub fn push(&mut self, input: InputId, frame: VideoFrame<'_>) -> Pushed {
        let Some(found) = self.inputs.get_mut(&input) else {
            self.counts.skipped += 1;
            return Pushed::NotShown;
        };
        match found.push(&frame) {
            Ok(()) => {
                self.counts.decoded += 1;
                Pushed::Shown
            }
            Err(error) => {
                let count = if error == CodecError::KeyMissing { &mut self.counts.unkeyed } else { &mut self.counts.broken };
                *count += 1;
                Pushed::Broken { key_wanted: found.is_key_wanted() }
            }
        }
    }

    /// A frame of an input was left out, so what follows it is not decoded before the next key frame.
    pub fn leave_out(&mut self, input: InputId) {
        self.counts.broken += 1;
        self.inputs.get_mut(&input).into_iter().for_each(Input::wait_for_key);
    }

    /// Pixels that the last frame of an input took to decode: what its next one is likely to take.
    #[must_use]
    pub fn pixels(&self, input: InputId) -> usize {
        self.inputs.get(&input).map_or(0, Input::pixels)
    }

    /// A picture of an input that is decoded already. Whether it is shown at all.
    pub fn give(&mut self, input: InputId, frame: Frame, rotation: Rotation) -> bool {
        let Some(found) = self.inputs.get_mut(&input) else { return false };
        found.give(frame, rotation);
        true
    }

    /// Whether nothing can be shown of this input until it sends a key frame.
    #[must_use]
    pub fn is_key_wanted(&self, input: InputId) -> bool {
        self.inputs.get(&input).is_some_and(Input::is_key_wanted)
    }

    /// Draws what changed. Whether the picture is another one than before; one that is not may be left out, or encoded at little cost.
    pub fn mix(&mut self) -> bool {
        let cleared = std::mem::take(&mut self.cleared);
        if cleared {
            let colour = self.settings.background;
            for (mut plane, value) in self.canvas.planes_mut().into_iter().zip([colour.y, colour.u, colour.v]) {
                plane.fill(value);
            }
        }
        let changed = tile::draw_all(&mut self.tiles, &self.inputs, cleared, &mut self.brush, &mut self.canvas);
        self.inputs.values_mut().for_each(Input::settle);
        self.version += u64::from(changed || cleared);
        changed || cleared
    }

    /// The picture as it was last mixed.
    #[must_use]
    pub fn canvas(&self) -> &Frame {
        &self.canvas
    }

    /// These are all the streams from now on. Their shape should be the canvas's. One whose size stays goes on without a key frame.
    pub fn set_streams(&mut self, streams: &[Stream]) {
        self.streams.set(streams);
    }

    /// One of the streams is to have another encoder. Its next frame stands on its own.
    pub fn remake_encoder(&mut self, stream: usize) {
        self.streams.remake(stream);
    }

    /// Encodes the picture for one of the streams. `pts_ms` is the caller's clock in ms; it may begin anywhere.
    ///
    /// # Errors
    /// What the encoder says, and [`CodecError::Setup`] if there is no such stream.
    pub fn encode(&mut self, stream: usize, pts_ms: u64, key: bool) -> Result<Encoded<'_>, CodecError> {
        let picture = self.canvas.picture();
        let encoded = self.streams.encode(stream, &picture, self.version, &mut self.brush.scaler, pts_ms, key)?;
        self.counts.encoded += 1;
        self.counts.keys += u64::from(encoded.key);
        Ok(encoded)
    }

    /// Width and height of an input's largest cell; none if it is not shown. It need not send more.
    #[must_use]
    pub fn cell_size(&self, input: InputId) -> Option<(u16, u16)> {
        let areas = self.tiles.iter().filter(|tile| tile.cell.input == input && tile.shows_picture()).map(|tile| tile.cell.area);
        areas.max_by_key(|area| u32::from(area.width) * u32::from(area.height)).map(|area| (area.width, area.height))
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> PictureCounts {
        self.counts
    }
}
