//! Pictures in I420: a plane of brightness, and two of colour with half its width and height.

/// One plane of a picture that somebody else holds.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// Rows one after the other. The last one may end with its last pixel.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl<'a> Plane<'a> {
    /// The pixels of one row; none where there is no such row.
    #[must_use]
    pub fn row(&self, y: usize) -> &'a [u8] {
        if y >= self.height {
            return &[];
        }
        let start = y * self.stride;
        self.bytes.get(start..start + self.width).unwrap_or_default()
    }

    /// The part of it that begins at this pixel and has this size, cut where the plane ends.
    #[must_use]
    pub fn part(&self, x: usize, y: usize, width: usize, height: usize) -> Plane<'a> {
        let (x, y) = (x.min(self.width), y.min(self.height));
        let bytes = self.bytes.get(y * self.stride + x..).unwrap_or_default();
        Plane { bytes, stride: self.stride, width: width.min(self.width - x), height: height.min(self.height - y) }
    }
}

/// A picture that somebody else holds: a decoder, or a [`Frame`].
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Brightness.
    pub y: Plane<'a>,
    /// Colour, blue against yellow.
    pub u: Plane<'a>,
    /// Colour, red against green.
    pub v: Plane<'a>,
}

impl<'a> Picture<'a> {
    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.y.width, self.y.height)
    }

    /// The three planes.
    #[must_use]
    pub fn planes(&self) -> [Plane<'a>; 3] {
        [self.y, self.u, self.v]
    }
}

/// A colour as I420 has it, of limited range (ITU-R BT.601).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Brightness, 16 to 235.
    pub y: u8,
    /// Blue against yellow, 128 is neither.
    pub u: u8,
    /// Red against green, 128 is neither.
    pub v: u8,
}

impl Colour {
    /// #000000.
    pub const BLACK: Colour = Colour::of(0x00_00_00);

    /// A colour as pages write it, 0xRRGGBB.
    #[must_use]
    pub const fn of(rgb: u32) -> Colour {
        let [_, r, g, b] = rgb.to_be_bytes();
        let (r, g, b) = (r as i32, g as i32, b as i32);
        Colour {
            y: ((66 * r + 129 * g + 25 * b + 128) / 256 + 16) as u8,
            u: ((-38 * r - 74 * g + 112 * b + 128 + 128 * 256) / 256) as u8,
            v: ((112 * r - 94 * g - 18 * b + 128 + 128 * 256) / 256) as u8,
        }
    }
}

/// A picture of our own. Its width and height are even.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

impl Frame {
    /// A picture of one colour. Odd sizes are made even by one more pixel.
    #[must_use]
    pub fn new(width: u16, height: u16, colour: Colour) -> Frame {
        let (width, height) = (usize::from(width).next_multiple_of(2), usize::from(height).next_multiple_of(2));
        let area = width * height;
        let mut bytes = vec![colour.y; area + area / 2];
        bytes[area..area + area / 4].fill(colour.u);
        bytes[area + area / 4..].fill(colour.v);
        Frame { width, height, bytes }
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The picture, to be read.
    #[must_use]
    pub fn picture(&self) -> Picture<'_> {
        let area = self.width * self.height;
        let (y, colour) = self.bytes.split_at(area);
        let (u, v) = colour.split_at(area / 4);
        let half = |bytes| Plane { bytes, stride: self.width / 2, width: self.width / 2, height: self.height / 2 };
        Picture { y: Plane { bytes: y, stride: self.width, width: self.width, height: self.height }, u: half(u), v: half(v) }
    }

    /// Takes the place of another picture of the same size; what one of them has more stays as it is.
    pub fn copy_from(&mut self, picture: &Picture<'_>) {
        for (mut to, from) in self.planes_mut().into_iter().zip(picture.planes()) {
            to.copy_from(&from);
        }
    }

    /// The three planes, to be written, one row after the other without gaps.
    pub fn planes_mut(&mut self) -> [PlaneMut<'_>; 3] {
        let area = self.width * self.height;
        let (width, height) = (self.width, self.height);
        let (y, colour) = self.bytes.split_at_mut(area);
        let (u, v) = colour.split_at_mut(area / 4);
        [
            PlaneMut { bytes: y, stride: width, width, height },
            PlaneMut { bytes: u, stride: width / 2, width: width / 2, height: height / 2 },
            PlaneMut { bytes: v, stride: width / 2, width: width / 2, height: height / 2 },
        ]
    }
}

/// One plane to be written.
#[derive(Debug)]
pub struct PlaneMut<'a> {
    /// Rows one after the other. The last one may end with its last pixel.
    pub bytes: &'a mut [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl PlaneMut<'_> {
    /// The pixels of one row; none where there is no such row.
    pub fn row(&mut self, y: usize) -> &mut [u8] {
        if y >= self.height {
            return &mut [];
        }
        let start = y * self.stride;
        self.bytes.get_mut(start..start + self.width).unwrap_or_default()
    }

    /// The part of it that begins at this pixel and has this size, cut where the plane ends.
    pub fn part(&mut self, x: usize, y: usize, width: usize, height: usize) -> PlaneMut<'_> {
        let (x, y) = (x.min(self.width), y.min(self.height));
        let (width, height) = (width.min(self.width - x), height.min(self.height - y));
        let bytes = self.bytes.get_mut(y * self.stride + x..).unwrap_or_default();
        PlaneMut { bytes, stride: self.stride, width, height }
    }

    /// Copies another plane, row by row, as far as both go.
    pub fn copy_from(&mut self, from: &Plane<'_>) {
        let width = self.width.min(from.width);
        for y in 0..self.height.min(from.height) {
            if let (Some(to), Some(from)) = (self.row(y).get_mut(..width), from.row(y).get(..width)) {
                to.copy_from_slice(from);
            }
        }
    }

    /// Fills it with one value.
    pub fn fill(&mut self, value: u8) {
        for y in 0..self.height {
            self.row(y).fill(value);
        }
    }
}
