//! What decoders and encoders of libvpx have in common.
#![allow(unsafe_code, reason = "libvpx is written in C")]

use std::ffi::c_int;
use std::ptr::NonNull;

use super::CodecError;
use crate::frame::{Picture, Plane};

/// What the layer of C hands out, and takes: three planes of I420.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct RawPlanes {
    pub planes: [*const u8; 3],
    pub y_stride: u32,
    pub uv_stride: u32,
    pub width: u32,
    pub height: u32,
}

#[repr(C)]
struct RawDecoder {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn mixer_decoder_new(vp9: c_int) -> *mut RawDecoder;
    fn mixer_decoder_free(decoder: *mut RawDecoder);
    fn mixer_decode(decoder: *mut RawDecoder, bytes: *const u8, size: u32, planes: *mut RawPlanes) -> c_int;
}

/// What is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Vp8,
    Vp9,
}

/// A decoder that believes whatever it is given: its owner looks at frames first.
#[derive(Debug)]
pub(super) struct Decoding {
    raw: NonNull<RawDecoder>,
    planes: Option<RawPlanes>,
}

// SAFETY: libvpx keeps nothing for a thread; a decoder may be used by one thread after the other.
unsafe impl Send for Decoding {}

impl Decoding {
    pub fn new(format: Format) -> Result<Decoding, CodecError> {
        // SAFETY: it takes a number, and answers null when it fails.
        let raw = NonNull::new(unsafe { mixer_decoder_new(c_int::from(format == Format::Vp9)) });
        Ok(Decoding { raw: raw.ok_or(CodecError::Setup)?, planes: None })
    }

    /// Decodes one whole frame. Whether there is a picture now: some frames are not meant to be shown.
    pub fn decode(&mut self, frame: &[u8]) -> Result<bool, CodecError> {
        let size = u32::try_from(frame.len()).map_err(|_| CodecError::Broken)?;
        let mut planes = RawPlanes { planes: [std::ptr::null(); 3], y_stride: 0, uv_stride: 0, width: 0, height: 0 };
        // SAFETY: the decoder lives, the frame has `size` bytes, and the planes are ours to be written.
        let outcome = unsafe { mixer_decode(self.raw.as_ptr(), frame.as_ptr(), size, &raw mut planes) };
        self.planes = (outcome == 0).then_some(planes);
        if outcome < 0 { Err(CodecError::Broken) } else { Ok(outcome == 0) }
    }

    /// There is no picture any more.
    pub fn forget(&mut self) {
        self.planes = None;
    }

    /// What the last frame showed.
    pub fn picture(&self) -> Option<Picture<'_>> {
        let raw = self.planes.as_ref()?;
        let (width, height) = (raw.width as usize, raw.height as usize);
        let (y, u, v) = (raw.y_stride as usize, raw.uv_stride as usize, raw.uv_stride as usize);
        let plane = |index: usize, stride: usize, width: usize, height: usize| {
            // SAFETY: libvpx keeps the picture until the decoder is used again, which this borrow forbids. It has `height` rows
            // of `stride` bytes, of which the last has `width` at least.
            let bytes = unsafe { std::slice::from_raw_parts(raw.planes[index], stride * (height - 1) + width) };
            Plane { bytes, stride, width, height }
        };
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        (width > 0 && height > 0 && y >= width && u >= half_width).then(|| Picture {
            y: plane(0, y, width, height),
            u: plane(1, u, half_width, half_height),
            v: plane(2, v, half_width, half_height),
        })
    }
}

impl Drop for Decoding {
    fn drop(&mut self) {
        // SAFETY: it lives, and nobody has it any more.
        unsafe { mixer_decoder_free(self.raw.as_ptr()) }
    }
}
