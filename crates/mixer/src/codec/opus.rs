//! Opus by libopus (RFC 6716). All sound has 48,000 samples a second; channels are interleaved.
#![allow(unsafe_code, reason = "libopus is written in C")]

use std::ffi::{c_int, c_uchar};
use std::ptr::{self, NonNull};

use super::CodecError;

/// Samples a second of each channel.
pub const RATE_HZ: u32 = 48_000;

/// Samples of each channel in the longest packet: 120 ms (RFC 6716, section 3.2.5).
pub const PACKET_SAMPLES_MAX: usize = 5_760;

/// Concealment comes in multiples of this many samples of each channel: 2.5 ms.
pub const CONCEALED_SAMPLES_STEP: usize = 120;

/// Bytes of the longest packet with one frame (RFC 6716, section 3.4).
pub const PACKET_BYTES_MAX: usize = 1_275;

/// Frames in one packet (RFC 6716, section 3.2.5).
const FRAMES_MAX: usize = 48;

const OK: c_int = 0;
const APPLICATION_AUDIO: c_int = 2049;
const SET_BITRATE: c_int = 4002;
const SET_COMPLEXITY: c_int = 4010;
const SET_INBAND_FEC: c_int = 4012;
const SET_PACKET_LOSS_PERC: c_int = 4014;
const RESET_STATE: c_int = 4028;

#[repr(C)]
struct RawDecoder {
    _private: [u8; 0],
}

#[repr(C)]
struct RawEncoder {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn opus_decoder_create(rate: i32, channels: c_int, error: *mut c_int) -> *mut RawDecoder;
    fn opus_decoder_destroy(decoder: *mut RawDecoder);
    fn opus_decoder_ctl(decoder: *mut RawDecoder, request: c_int, ...) -> c_int;
    fn opus_decode_float(
        decoder: *mut RawDecoder,
        bytes: *const c_uchar,
        size: i32,
        samples: *mut f32,
        samples_max: c_int,
        fec: c_int,
    ) -> c_int;
    fn opus_encoder_create(rate: i32, channels: c_int, application: c_int, error: *mut c_int) -> *mut RawEncoder;
    fn opus_encoder_destroy(encoder: *mut RawEncoder);
    fn opus_encoder_ctl(encoder: *mut RawEncoder, request: c_int, ...) -> c_int;
    fn opus_encode_float(
        encoder: *mut RawEncoder,
        samples: *const f32,
        samples_each: c_int,
        bytes: *mut c_uchar,
        bytes_max: i32,
    ) -> i32;
    fn opus_packet_parse(
        bytes: *const c_uchar,
        size: i32,
        toc: *mut c_uchar,
        frames: *mut *const c_uchar,
        sizes: *mut i16,
        offset: *mut c_int,
    ) -> c_int;
    fn opus_packet_get_samples_per_frame(bytes: *const c_uchar, rate: i32) -> c_int;
}

/// One or two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// One.
    #[default]
    Mono,
    /// Left and right.
    Stereo,
}

impl Channels {
    /// How many.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Channels::Mono => 1,
            Channels::Stereo => 2,
        }
    }

    fn raw(self) -> c_int {
        match self {
            Channels::Mono => 1,
            Channels::Stereo => 2,
        }
    }
}

/// Samples of each channel in this packet; none if its lengths do not add up or it is longer than 120 ms.
#[must_use]
pub fn packet_samples(packet: &[u8]) -> Option<usize> {
    let size = i32::try_from(packet.len()).ok().filter(|size| *size > 0)?;
    let mut sizes = [0_i16; FRAMES_MAX];
    // SAFETY: the packet has `size` bytes and there is room for the sizes of as many frames as there can be; the rest is not wanted.
    let frames = unsafe {
        opus_packet_parse(packet.as_ptr(), size, ptr::null_mut(), ptr::null_mut(), sizes.as_mut_ptr(), ptr::null_mut())
    };
    // SAFETY: it reads one byte, and there is at least one.
    let each = unsafe { opus_packet_get_samples_per_frame(packet.as_ptr(), RATE_HZ.cast_signed()) };
    let samples = usize::try_from(frames).ok()? * usize::try_from(each).ok()?;
    (1..=PACKET_SAMPLES_MAX).contains(&samples).then_some(samples)
}

/// A decoder. It takes packets of one channel and of two, whatever it gives.
#[derive(Debug)]
pub struct OpusDecoder {
    raw: NonNull<RawDecoder>,
    channels: Channels,
}

// SAFETY: libopus keeps nothing for a thread; a decoder may be used by one thread after the other.
unsafe impl Send for OpusDecoder {}

impl OpusDecoder {
    /// A decoder that knows nothing yet.
    ///
    /// # Errors
    /// [`CodecError::Setup`] if there is no memory for it.
    pub fn new(channels: Channels) -> Result<OpusDecoder, CodecError> {
        // SAFETY: it takes numbers that it knows, need not tell its reason, and answers null when it fails.
        let raw = unsafe { opus_decoder_create(RATE_HZ.cast_signed(), channels.raw(), ptr::null_mut()) };
        Ok(OpusDecoder { raw: NonNull::new(raw).ok_or(CodecError::Setup)?, channels })
    }

    /// Decodes one packet. Returns the samples of each channel.
    ///
    /// # Errors
    /// [`CodecError::Broken`] if this is no packet, or a longer one than there is room for.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> Result<usize, CodecError> {
        // Without bytes the library would conceal.
        if packet.is_empty() {
            return Err(CodecError::Broken);
        }
        self.run(Some(packet), samples, false)
    }

    /// Fills the room with what may have been in packets that are missing.
    ///
    /// # Errors
    /// [`CodecError::Broken`] unless the room is for a multiple of [`CONCEALED_SAMPLES_STEP`].
    pub fn conceal(&mut self, samples: &mut [f32]) -> Result<usize, CodecError> {
        self.run(None, samples, false)
    }

    /// The same, where the packet after them is there: it may tell what was in the last one (RFC 6716, section 2.1.7).
    ///
    /// # Errors
    /// The same, or if this is no packet.
    pub fn recover(&mut self, next: &[u8], samples: &mut [f32]) -> Result<usize, CodecError> {
        self.run(Some(next), samples, true)
    }

    /// Forgets all that it heard.
    pub fn reset(&mut self) {
        // SAFETY: the decoder lives, and the request takes nothing.
        unsafe { opus_decoder_ctl(self.raw.as_ptr(), RESET_STATE) };
    }

    fn run(&mut self, packet: Option<&[u8]>, samples: &mut [f32], fec: bool) -> Result<usize, CodecError> {
        let bytes = packet.map_or(ptr::null(), <[u8]>::as_ptr);
        let size = i32::try_from(packet.map_or(0, <[u8]>::len)).map_err(|_| CodecError::Broken)?;
        let room = c_int::try_from(samples.len() / self.channels.count()).map_err(|_| CodecError::Broken)?;
        // SAFETY: the decoder lives, there are `size` bytes, and room for `room` samples of each channel.
        let written = unsafe { opus_decode_float(self.raw.as_ptr(), bytes, size, samples.as_mut_ptr(), room, c_int::from(fec)) };
        usize::try_from(written).map_err(|_| CodecError::Broken)
    }
}

impl Drop for OpusDecoder {
    fn drop(&mut self) {
        // SAFETY: it lived until now.
        unsafe { opus_decoder_destroy(self.raw.as_ptr()) };
    }
}

/// An encoder for sound of any kind. It never stops sending in silence, and repeats a packet in the next one as far as losses are
/// expected.
#[derive(Debug)]
pub struct OpusEncoder {
    raw: NonNull<RawEncoder>,
    channels: Channels,
}

// SAFETY: libopus keeps nothing for a thread; an encoder may be used by one thread after the other.
unsafe impl Send for OpusEncoder {}

impl OpusEncoder {
    /// An encoder of this many bits a second (500 to 512,000); complexity is 0 (fast) to 10 (best).
    ///
    /// # Errors
    /// [`CodecError::Setup`] if there is no memory for it, or a number is out of its range.
    pub fn new(channels: Channels, bitrate: u32, complexity: u8) -> Result<OpusEncoder, CodecError> {
        let bitrate = i32::try_from(bitrate).map_err(|_| CodecError::Setup)?;
        // SAFETY: it takes numbers that it knows, need not tell its reason, and answers null when it fails.
        let raw = unsafe { opus_encoder_create(RATE_HZ.cast_signed(), channels.raw(), APPLICATION_AUDIO, ptr::null_mut()) };
        let mut encoder = OpusEncoder { raw: NonNull::new(raw).ok_or(CodecError::Setup)?, channels };
        encoder.set(SET_BITRATE, bitrate)?;
        encoder.set(SET_COMPLEXITY, i32::from(complexity))?;
        encoder.set(SET_INBAND_FEC, 1)?;
        Ok(encoder)
    }

    /// How many of a hundred packets are expected not to arrive.
    ///
    /// # Errors
    /// [`CodecError::Setup`] if it is more than 100.
    pub fn set_loss(&mut self, percent: u8) -> Result<(), CodecError> {
        self.set(SET_PACKET_LOSS_PERC, i32::from(percent))
    }

    /// Encodes samples of 2.5, 5, 10, 20, 40 or 60 ms into this room. Returns the bytes.
    ///
    /// # Errors
    /// [`CodecError::Encode`] if there is another number of samples or no room.
    pub fn encode(&mut self, samples: &[f32], packet: &mut [u8]) -> Result<usize, CodecError> {
        let each = c_int::try_from(samples.len() / self.channels.count()).map_err(|_| CodecError::Encode(0))?;
        let room = i32::try_from(packet.len()).map_err(|_| CodecError::Encode(0))?;
        // SAFETY: the encoder lives, there are `each` samples of each channel, and room for `room` bytes.
        let written = unsafe { opus_encode_float(self.raw.as_ptr(), samples.as_ptr(), each, packet.as_mut_ptr(), room) };
        usize::try_from(written).map_err(|_| CodecError::Encode(written))
    }

    fn set(&mut self, request: c_int, value: i32) -> Result<(), CodecError> {
        // SAFETY: the encoder lives, and each of our requests takes one number of this width.
        let outcome = unsafe { opus_encoder_ctl(self.raw.as_ptr(), request, value) };
        if outcome == OK { Ok(()) } else { Err(CodecError::Setup) }
    }
}

impl Drop for OpusEncoder {
    fn drop(&mut self) {
        // SAFETY: it lived until now.
        unsafe { opus_encoder_destroy(self.raw.as_ptr()) };
    }
}

#[cfg(test)]
mod tests;
