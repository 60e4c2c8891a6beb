//! Encoding.
#![allow(unsafe_code, reason = "openh264 can be made quiet only below its wrapper")]

use std::ffi::c_int;

use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSource;
use openh264::{OpenH264API, Timestamp};

use crate::codec::vp8::Encoded;
use crate::codec::{CodecError, is_size_allowed};
use crate::frame::Picture;

/// ENCODER_OPTION_TRACE_LEVEL (codec_app_def.h).
const TRACE_LEVEL: c_int = 25;

/// What an encoder makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H264Settings {
    /// Pixels of a row; even.
    pub width: u16,
    /// Rows; even.
    pub height: u16,
    /// Frames a second.
    pub fps: u8,
    /// Bits a second.
    pub bitrate: u32,
}

/// An encoder. Key frames come first, and when they are asked for; each has its parameters.
pub struct H264Encoder {
    library: Encoder,
    settings: H264Settings,
    begun: bool,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for H264Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("H264Encoder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl H264Encoder {
    /// An encoder.
    ///
    /// # Errors
    /// [`CodecError::Size`] beyond what may come in or odd, [`CodecError::Setup`] for other settings that it cannot do.
    pub fn new(settings: H264Settings) -> Result<H264Encoder, CodecError> {
        let H264Settings { width, height, fps, bitrate } = settings;
        if !is_size_allowed(width, height) || width % 2 == 1 || height % 2 == 1 {
            return Err(CodecError::Size(width, height));
        }
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(bitrate))
            .max_frame_rate(FrameRate::from_hz(fps.into()))
            .usage_type(UsageType::CameraVideoRealTime)
            .rate_control_mode(RateControlMode::Bitrate)
            .complexity(Complexity::Low)
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            .scene_change_detect(false)
            .skip_frames(false)
            .num_threads(1)
            .vui(VuiConfig::bt601());
        let mut library = Encoder::with_api_config(OpenH264API::from_source(), config).map_err(|_| CodecError::Setup)?;
        // Else it writes to the standard error that a bitrate is not kept for certain where no frames are left out.
        let mut quiet = 0_u32;
        // SAFETY: the library reads one number of this width; this option may be set before any other.
        unsafe { library.raw_api().set_option(TRACE_LEVEL, (&raw mut quiet).cast()) };
        Ok(H264Encoder { library, settings, begun: false, bytes: Vec::new() })
    }

    /// Encodes a picture of the encoder's own size, shown at this time in ms: one frame, with start codes before its units.
    ///
    /// # Errors
    /// [`CodecError::Size`] for a picture of another size, [`CodecError::Encode`] if the library fails.
    pub fn encode(&mut self, picture: &Picture<'_>, pts_ms: u64, key: bool) -> Result<Encoded<'_>, CodecError> {
        let (width, height) = picture.size();
        let fits = |plane: &crate::frame::Plane<'_>| plane.row(plane.height.saturating_sub(1)).len() == plane.width;
        let own = (usize::from(self.settings.width), usize::from(self.settings.height));
        if (width, height) != own || !picture.planes().iter().all(fits) {
            return Err(CodecError::Size(width as u16, height as u16));
        }
        if key && self.begun {
            self.library.force_intra_frame();
        }
        let encoded = self.library.encode_at(&Source(picture), Timestamp::from_millis(pts_ms));
        let encoded = encoded.map_err(|error| CodecError::Encode(i32::try_from(error.native_code()).unwrap_or(0)))?;
        self.begun = true;
        self.bytes.clear();
        encoded.write_vec(&mut self.bytes);
        let key = matches!(encoded.frame_type(), FrameType::IDR);
        if self.bytes.is_empty() {
            return Err(CodecError::Encode(0));
        }
        Ok(Encoded { bytes: &self.bytes, key })
    }
}

struct Source<'a>(&'a Picture<'a>);

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        self.0.size()
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.0.y.stride, self.0.u.stride, self.0.v.stride)
    }

    fn y(&self) -> &[u8] {
        self.0.y.bytes
    }

    fn u(&self) -> &[u8] {
        self.0.u.bytes
    }

    fn v(&self) -> &[u8] {
        self.0.v.bytes
    }
}
