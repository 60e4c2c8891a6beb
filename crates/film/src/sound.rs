//! The sound of a film, decoded: one channel, without gaps, from the place that was asked for.

mod resample;

use std::time::Duration;

use mixer::codec::opus::{Channels, OpusDecoder};
use symphonia_codec_aac::AacDecoder;
use symphonia_core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia_core::packet::PacketRef;
use symphonia_core::units;

use self::resample::Resampler;
use crate::limit::{BROKEN_MAX, GAP_MAX, GAP_MIN, RATES_HZ, SILENCE_MAX};
use crate::sample::{Codec, Samples, Track};
use crate::{Bytes, Problem, RATE_HZ};

/// Samples of the longest packet of Opus: 120 ms.
const PACKET_SAMPLES_MAX: usize = 5_760;

/// The track of sound.
pub struct Sound {
    track: Track,
    samples: Samples,
    decoder: Decoder,
    /// The time of the next sample that is given.
    next: Duration,
    /// A packet that is to be heard later, and when.
    waiting: Option<(Duration, Vec<f32>)>,
    broken: u32,
}

enum Decoder {
    Opus(OpusDecoder),
    Aac(Box<AacDecoder>, Resampler),
}

impl std::fmt::Debug for Sound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sound").field("track", &self.track).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Sound {
    pub fn new(track: Track, samples: Samples) -> Result<Sound, Problem> {
        let decoder = Decoder::new(&track)?;
        Ok(Sound { track, samples, decoder, next: Duration::ZERO, waiting: None, broken: 0 })
    }

    pub fn seek(&mut self, bytes: &dyn Bytes, to: Duration) -> Result<(), Problem> {
        self.samples.seek(bytes, to)?;
        self.decoder = Decoder::new(&self.track)?;
        (self.waiting, self.next, self.broken) = (None, to, 0);
        Ok(())
    }

    /// Some more sound, which follows what was given before; none: there is none any more.
    pub fn next(&mut self, bytes: &dyn Bytes) -> Result<Option<Vec<f32>>, Problem> {
        loop {
            let waiting = self.waiting.take();
            let Some((time, sound)) = waiting.map_or_else(|| self.packet(bytes), |packet| Ok(Some(packet)))? else {
                return Ok(None);
            };
            let gap = time.saturating_sub(self.next);
            let sound = if gap > GAP_MAX {
                return Ok(None);
            } else if gap > SILENCE_MAX {
                self.waiting = Some((time, sound));
                vec![0.0; samples(SILENCE_MAX)]
            } else {
                fit(sound, time, self.next)
            };
            if !sound.is_empty() {
                self.next += duration(sound.len());
                return Ok(Some(sound));
            }
        }
    }

    /// The next packet that makes sense, decoded, and when it is to be heard.
    fn packet(&mut self, bytes: &dyn Bytes) -> Result<Option<(Duration, Vec<f32>)>, Problem> {
        while let Some(sample) = self.samples.next(bytes)?.filter(|_| self.broken < BROKEN_MAX) {
            if let Some(sound) = self.decoder.decode(&sample.bytes) {
                self.broken = 0;
                return Ok(Some((sample.time, sound)));
            }
            self.broken += 1;
        }
        Ok(None)
    }
}

/// What of this sound, which is of that time, is to be heard from another time on: its beginning is left out, or silence put before it.
fn fit(mut sound: Vec<f32>, time: Duration, from: Duration) -> Vec<f32> {
    if from > time + GAP_MIN {
        sound.drain(..samples(from - time).min(sound.len()));
    } else if time > from + GAP_MIN {
        sound.splice(..0, std::iter::repeat_n(0.0, samples(time - from)));
    }
    sound
}

fn duration(samples: usize) -> Duration {
    Duration::from_nanos((samples as u64).saturating_mul(1_000_000_000) / u64::from(RATE_HZ))
}

fn samples(duration: Duration) -> usize {
    usize::try_from(duration.as_nanos() * u128::from(RATE_HZ) / 1_000_000_000).unwrap_or(usize::MAX)
}

impl Decoder {
    fn new(track: &Track) -> Result<Decoder, Problem> {
        match track.codec {
            Codec::Opus => OpusDecoder::new(Channels::Mono).map(Decoder::Opus).map_err(|_| Problem::NoTrack),
            Codec::Aac => {
                let mut asked = AudioCodecParameters::new();
                asked.for_codec(CODEC_ID_AAC).with_extra_data(track.private.clone().into());
                let decoder = AacDecoder::try_new(&asked, &AudioDecoderOptions::default()).map_err(|_| Problem::NoTrack)?;
                let rate = decoder.codec_params().sample_rate.filter(|rate| RATES_HZ.contains(rate)).ok_or(Problem::NoTrack)?;
                Ok(Decoder::Aac(Box::new(decoder), Resampler::new(rate, RATE_HZ)))
            }
            _ => Err(Problem::NoTrack),
        }
    }

    /// One packet; none: it makes no sense.
    fn decode(&mut self, packet: &[u8]) -> Option<Vec<f32>> {
        match self {
            Decoder::Opus(decoder) => {
                let mut sound = vec![0.0; PACKET_SAMPLES_MAX];
                let written = decoder.decode(packet, &mut sound).ok()?;
                sound.truncate(written);
                Some(sound)
            }
            Decoder::Aac(decoder, resampler) => {
                let packet = PacketRef::new(0, units::Timestamp::default(), units::Duration::default(), packet);
                let decoded = decoder.decode_ref(&packet).ok()?;
                let channels = decoded.num_planes().max(1);
                let mut both: Vec<f32> = Vec::new();
                decoded.copy_to_vec_interleaved(&mut both);
                let mono = both.chunks_exact(channels).map(|all| all.iter().sum::<f32>() / channels as f32);
                Some(resampler.run(mono))
            }
        }
    }
}
