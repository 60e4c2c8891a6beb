//! VP8 by libvpx (RFC 6386).
#![allow(unsafe_code, reason = "libvpx is written in C")]

use std::ffi::c_int;
use std::ptr::NonNull;

use super::vpx::{Decoding, Format, RawPlanes};
use super::{CodecError, is_size_allowed};
use crate::frame::{Picture, Plane};
use crate::limit;

/// libvpx's `cpu-used`: the larger its amount, the less time and the worse the picture. Negative: exactly this, whatever the load. Of nine
/// people at 2 Mbit/s, -8 takes a twelfth more time than -10 for 0.1 dB (SSIM 0.945 and 0.944), -12 a seventh less and is 0.4 dB worse
/// (0.937); -11 is in the middle of those.
const SPEED: i32 = -11;

/// Ticks of the encoder's clock in a millisecond.
const TICKS_PER_MS: u64 = 90;

/// Milliseconds that the clock goes on from one frame to the next at most, however long the pause was.
const STEP_MS_MAX: u64 = 1_000;

#[repr(C)]
struct RawSettings {
    width: u32,
    height: u32,
    kbps: u32,
    speed: i32,
    still: u32,
}

#[repr(C)]
struct RawEncoder {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn mixer_vp8_encoder_new(settings: *const RawSettings) -> *mut RawEncoder;
    fn mixer_vp8_encoder_free(encoder: *mut RawEncoder);
    fn mixer_vp8_encoder_set_kbps(encoder: *mut RawEncoder, kbps: u32) -> c_int;
    fn mixer_vp8_encode(
        encoder: *mut RawEncoder,
        planes: *const RawPlanes,
        pts: i64,
        duration: u32,
        key: *mut c_int,
        bytes: *mut *const u8,
        size: *mut usize,
    ) -> c_int;
}

/// What a frame says of itself before it is decoded (RFC 6386, section 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// It stands on its own and has this width and height in pixels.
    Key(u16, u16),
    /// It builds on frames before it.
    Delta,
}

impl Header {
    /// Reads it; none if this is no frame of VP8.
    #[must_use]
    pub fn of(frame: &[u8]) -> Option<Header> {
        let first = frame.get(..3)?[0];
        if first & 1 == 1 {
            return Some(Header::Delta);
        }
        let [0x9d, 0x01, 0x2a, w0, w1, h0, h1] = *frame.get(3..10)? else { return None };
        // The upper two bits say how a player should scale; nobody does.
        Some(Header::Key(u16::from_le_bytes([w0, w1]) & 0x3fff, u16::from_le_bytes([h0, h1]) & 0x3fff))
    }
}

/// A decoder. After a damaged frame it wants a key frame.
#[derive(Debug)]
pub struct Vp8Decoder {
    decoding: Decoding,
    keyed: bool,
    pixels: usize,
}

impl Vp8Decoder {
    /// A decoder that waits for its first key frame.
    ///
    /// # Errors
    /// [`CodecError::Setup`] if there is no memory for it.
    pub fn new() -> Result<Vp8Decoder, CodecError> {
        Ok(Vp8Decoder { decoding: Decoding::new(Format::Vp8)?, keyed: false, pixels: 0 })
    }

    /// Decodes one whole frame. Whether there is a [`Self::picture`] now: some frames are not meant to be shown.
    ///
    /// # Errors
    /// Whatever is wrong with the frame. There is no picture then.
    pub fn decode(&mut self, frame: &[u8]) -> Result<bool, CodecError> {
        self.decoding.forget();
        let header = Header::of(frame).filter(|_| frame.len() <= limit::FRAME_BYTES_MAX);
        match header.ok_or(CodecError::Broken)? {
            Header::Key(width, height) if !is_size_allowed(width, height) => {
                self.keyed = false;
                return Err(CodecError::Size(width, height));
            }
            Header::Delta if !self.keyed => return Err(CodecError::KeyMissing),
            Header::Key(width, height) => self.pixels = usize::from(width) * usize::from(height),
            Header::Delta => {}
        }
        let shown = self.decoding.decode(frame);
        self.keyed = shown.is_ok();
        shown
    }

    /// Nothing that comes before the next key frame is decoded, because something in between was left out.
    pub fn wait_for_key(&mut self) {
        self.keyed = false;
    }

    /// Whether only a key frame would be decoded now.
    #[must_use]
    pub fn is_key_wanted(&self) -> bool {
        !self.keyed
    }

    /// Pixels that the last frame took to decode, shown or not.
    #[must_use]
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// What the last frame showed.
    #[must_use]
    pub fn picture(&self) -> Option<Picture<'_>> {
        self.decoding.picture()
    }
}

/// What an encoder makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp8Settings {
    /// Pixels of a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Frames a second.
    pub fps: u8,
    /// Bits a second.
    pub bitrate: u32,
}

/// One encoded frame, good until the encoder is used again.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a> {
    /// The whole frame.
    pub bytes: &'a [u8],
    /// Whether it stands on its own.
    pub key: bool,
}

/// An encoder at a constant bitrate. Key frames come first, and when they are asked for.
#[derive(Debug)]
pub struct Vp8Encoder {
    raw: NonNull<RawEncoder>,
    settings: Vp8Settings,
    /// What the caller's clock and ours were at the last frame, in ms and ticks.
    last: Option<(u64, u64)>,
}

// SAFETY: libvpx keeps nothing for a thread; an encoder may be used by one thread after the other.
unsafe impl Send for Vp8Encoder {}

impl Vp8Encoder {
    /// An encoder.
    ///
    /// # Errors
    /// [`CodecError::Size`] beyond what may come in, [`CodecError::Setup`] for other settings that it cannot do.
    pub fn new(settings: Vp8Settings) -> Result<Vp8Encoder, CodecError> {
        if !is_size_allowed(settings.width, settings.height) {
            return Err(CodecError::Size(settings.width, settings.height));
        }
        let raw = RawSettings {
            width: settings.width.into(),
            height: settings.height.into(),
            kbps: kbps(settings.bitrate),
            speed: SPEED,
            still: 1,
        };
        // SAFETY: the settings are read before it returns; null is the answer when it fails.
        let raw = NonNull::new(unsafe { mixer_vp8_encoder_new(&raw const raw) }).ok_or(CodecError::Setup)?;
        Ok(Vp8Encoder { raw, settings, last: None })
    }

    /// What it makes.
    #[must_use]
    pub fn settings(&self) -> Vp8Settings {
        self.settings
    }

    /// Goes on with this many bits a second, without a key frame.
    pub fn set_bitrate(&mut self, bitrate: u32) {
        if self.settings.bitrate == bitrate {
            return;
        }
        self.settings.bitrate = bitrate;
        // SAFETY: it lives. A refusal leaves the old rate, which is as good as any.
        let _ = unsafe { mixer_vp8_encoder_set_kbps(self.raw.as_ptr(), kbps(bitrate)) };
    }

    /// Encodes a picture of the encoder's own size, shown at this time of the caller's clock in ms, which may begin anywhere and jump.
    ///
    /// # Errors
    /// [`CodecError::Size`] for a picture of another size, [`CodecError::Encode`] if libvpx fails.
    pub fn encode(&mut self, picture: &Picture<'_>, pts_ms: u64, key: bool) -> Result<Encoded<'_>, CodecError> {
        let planes = self.planes_of(picture)?;
        let pts = self.advance(pts_ms);
        let duration = TICKS_PER_MS as u32 * 1_000 / u32::from(self.settings.fps.max(1));
        let (mut key, mut bytes, mut size) = (c_int::from(key), std::ptr::null(), 0);
        // SAFETY: the encoder lives, the planes have the size that it was made for, and the rest is ours to be written.
        let outcome = unsafe {
            mixer_vp8_encode(self.raw.as_ptr(), &raw const planes, pts, duration, &raw mut key, &raw mut bytes, &raw mut size)
        };
        if outcome != 0 || bytes.is_null() {
            return Err(CodecError::Encode(outcome));
        }
        // SAFETY: libvpx keeps the frame until the encoder is used again, which this borrow forbids.
        Ok(Encoded { bytes: unsafe { std::slice::from_raw_parts(bytes, size) }, key: key != 0 })
    }

    fn planes_of(&self, picture: &Picture<'_>) -> Result<RawPlanes, CodecError> {
        let (width, height) = (usize::from(self.settings.width), usize::from(self.settings.height));
        let whole = |plane: &Plane<'_>, width: usize, height: usize| {
            plane.width == width && plane.height == height && plane.row(height - 1).len() == width
        };
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let fits = whole(&picture.y, width, height)
            && whole(&picture.u, half_width, half_height)
            && whole(&picture.v, half_width, half_height)
            && picture.u.stride == picture.v.stride;
        if !fits {
            return Err(CodecError::Size(picture.y.width as u16, picture.y.height as u16));
        }
        let stride = |plane: &Plane<'_>| u32::try_from(plane.stride).map_err(|_| CodecError::Setup);
        Ok(RawPlanes {
            planes: picture.planes().map(|plane| plane.bytes.as_ptr()),
            y_stride: stride(&picture.y)?,
            uv_stride: stride(&picture.u)?,
            width: width as u32,
            height: height as u32,
        })
    }

    /// Our clock at this frame. libvpx wants every frame later than the one before it.
    fn advance(&mut self, pts_ms: u64) -> i64 {
        let ticks = match self.last {
            None => 0,
            Some((last_ms, ticks)) => ticks + pts_ms.saturating_sub(last_ms).clamp(1, STEP_MS_MAX) * TICKS_PER_MS,
        };
        self.last = Some((pts_ms, ticks));
        ticks.cast_signed()
    }
}

impl Drop for Vp8Encoder {
    fn drop(&mut self) {
        // SAFETY: it lives, and nobody has it any more.
        unsafe { mixer_vp8_encoder_free(self.raw.as_ptr()) }
    }
}

/// libvpx counts in kbit/s.
fn kbps(bitrate: u32) -> u32 {
    (bitrate / 1_000).max(1)
}

#[cfg(test)]
mod tests;
