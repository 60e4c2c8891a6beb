//! Pictures and sound that can be decoded, for servers that do: made once, by the codecs that Kennel has.

use std::sync::{Arc, OnceLock};

use mixer::codec::CodecError;
use mixer::codec::opus::{Channels, OpusEncoder};
use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame, PlaneMut};

/// What cameras send: this size, frames and bits a second.
const PICTURE: Vp8Settings = Vp8Settings { width: 640, height: 360, fps: FPS as u8, bitrate: 800_000 };

/// Frames a second.
pub const FPS: u32 = 30;

/// Frames until it begins again, with a key frame.
const FRAMES: u32 = 150;

/// Packets of sound, of 20 ms each, until it begins again.
const SOUNDS: usize = 50;

/// Samples of a packet, at 48 kHz.
const SAMPLES: usize = 960;

/// Bits a second of sound, and how much work is spent on it (0 to 10).
const SOUND: (u32, u8) = (32_000, 5);

/// Bytes of the longest packet of sound.
const SOUND_BYTES_MAX: usize = 1_275;

/// What a camera and a microphone send, again and again.
#[derive(Debug)]
pub struct Reel {
    /// Frames of VP8; only the first one is a key frame.
    pub frames: Vec<Vec<u8>>,
    /// Packets of Opus, of 20 ms each.
    pub sounds: Vec<Vec<u8>>,
}

impl Reel {
    /// The reel of this process; made when it is first asked for, which takes a second or two.
    ///
    /// # Errors
    /// The codecs refuse.
    pub fn get() -> Result<Arc<Reel>, String> {
        static REEL: OnceLock<Result<Arc<Reel>, String>> = OnceLock::new();
        REEL.get_or_init(|| make().map(Arc::new).map_err(|e| e.to_string())).clone()
    }
}

fn make() -> Result<Reel, CodecError> {
    let mut encoder = Vp8Encoder::new(PICTURE)?;
    let mut frame = Frame::new(PICTURE.width, PICTURE.height, Colour::BLACK);
    let scene = Scene::new();
    let frames = (0..FRAMES).map(|n| {
        scene.draw(&mut frame, n);
        Ok(encoder.encode(&frame.picture(), u64::from(n) * 1_000 / u64::from(FPS), n == 0)?.bytes.to_vec())
    });
    Ok(Reel { frames: frames.collect::<Result<_, CodecError>>()?, sounds: sounds()? })
}

/// Somebody's head and shoulders that sway before a wall with stripes, and a sensor's noise.
struct Scene {
    /// Brightness of the wall by column and by row, and of clothes by column.
    wall: (Vec<u8>, Vec<u8>),
    clothes: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let wave = |count: u16, times: f32, middle: f32, swing: f32| -> Vec<u8> {
            (0..count).map(|at| (middle + (f32::from(at) * times).sin() * swing) as u8).collect()
        };
        let wall = (wave(PICTURE.width, 0.08, 60.0, 20.0), wave(PICTURE.height, 0.05, 50.0, 14.0));
        Scene { wall, clothes: wave(PICTURE.width, 0.35, 70.0, 11.0) }
    }

    fn draw(&self, frame: &mut Frame, n: u32) {
        let time = n as f32 / FPS as f32;
        let sway = ((time * 0.9).sin() * 32.0, (time * 1.7).sin() * 8.0);
        let middle = (i32::from(PICTURE.width) / 2 + sway.0 as i32, i32::from(PICTURE.height) * 2 / 5 + sway.1 as i32);
        let mut noise = n + 1;
        for (plane, scale) in frame.planes_mut().into_iter().zip([1, 2, 2]) {
            self.draw_plane(plane, scale, middle, &mut noise);
        }
    }

    fn draw_plane(&self, mut plane: PlaneMut<'_>, scale: usize, middle: (i32, i32), noise: &mut u32) {
        for row in 0..plane.height {
            let y = row * scale;
            let (head, body) = (half_width(y, middle.1, (70, 92)), half_width(y, middle.1 + 230, (170, 150)));
            for (column, pixel) in plane.row(row).iter_mut().enumerate() {
                let x = column * scale;
                let off = (x as i32 - middle.0).abs();
                *pixel = match (off < head, off < body, scale) {
                    (true, _, 1) => 150,
                    (true, ..) => 140,
                    (_, true, 1) => self.clothes[x],
                    (_, true, _) => 120,
                    (_, _, 1) => self.wall.0[x] + self.wall.1[y],
                    _ => 128,
                };
                if scale == 1 {
                    *noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *pixel += (*noise >> 30) as u8;
                }
            }
        }
    }
}

/// Half of the width that an ellipse has in a row; 0 where it has none.
fn half_width(row: usize, middle: i32, (width, height): (i32, i32)) -> i32 {
    let share = f64::from(row as i32 - middle) / f64::from(height);
    (f64::from(width) * (1.0 - share * share).max(0.0).sqrt()) as i32
}

/// A tone that swells as syllables do.
fn sounds() -> Result<Vec<Vec<u8>>, CodecError> {
    let mut encoder = OpusEncoder::new(Channels::Mono, SOUND.0, SOUND.1)?;
    let mut packet = vec![0; SOUND_BYTES_MAX];
    let sounds = (0..SOUNDS).map(|n| {
        let sample = |at: usize| {
            let time = (n * SAMPLES + at) as f32 / 48_000.0;
            let swell = (time * 5.0 * std::f32::consts::TAU).sin().max(0.0);
            (time * 220.0 * std::f32::consts::TAU).sin() * 0.3 * swell
        };
        let samples: Vec<f32> = (0..SAMPLES).map(sample).collect();
        let length = encoder.encode(&samples, &mut packet)?;
        Ok(packet[..length].to_vec())
    });
    sounds.collect()
}

#[cfg(test)]
mod tests {
    use mixer::codec::opus::OpusDecoder;
    use mixer::codec::vp8::{Header, Vp8Decoder};

    use super::*;

    #[test]
    fn a_reel_can_be_decoded_twice_in_a_row_and_has_the_bits_of_a_camera() {
        let reel = Reel::get().expect("codecs");
        let mut decoder = Vp8Decoder::new().expect("a decoder");
        for frame in reel.frames.iter().chain(&reel.frames) {
            assert_eq!(decoder.decode(frame), Ok(true));
        }
        let keys = reel.frames.iter().filter(|frame| matches!(Header::of(frame), Some(Header::Key(..)))).count();
        assert_eq!((keys, reel.frames.len()), (1, FRAMES as usize));
        let bits = reel.frames.iter().map(Vec::len).sum::<usize>() * 8 / (FRAMES / FPS) as usize;
        assert!((400_000..1_000_000).contains(&bits), "{bits} bits a second");
        let (mut decoder, mut samples) = (OpusDecoder::new(Channels::Mono).expect("a decoder"), vec![0.0; SAMPLES]);
        for sound in &reel.sounds {
            assert_eq!(decoder.decode(sound, &mut samples), Ok(SAMPLES));
        }
    }
}
