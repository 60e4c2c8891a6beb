//! All that is heard, made one sound.

use std::time::Duration;

use mixer::codec::CodecError;
use mixer::codec::opus::{Channels, OpusEncoder, PACKET_BYTES_MAX};
use mixer::sound::{Limiter, SoundSettings, TICK};

use crate::order::Failure;
use crate::tape::{Sample, Tape};

/// Time of one packet.
pub const PACKET: Duration = Duration::from_millis(20);

/// Recordings and an encoder.
#[derive(Debug)]
pub struct Sound {
    tapes: Vec<Tape>,
    limiter: Limiter,
    encoder: OpusEncoder,
}

impl Sound {
    /// The sound of these.
    ///
    /// # Errors
    /// [`CodecError::Setup`] if there is no memory for an encoder.
    pub fn new(tapes: Vec<Tape>) -> Result<Sound, CodecError> {
        let SoundSettings { channels, bitrate, complexity } = SoundSettings::of(Channels::Stereo);
        Ok(Sound { tapes, limiter: Limiter::default(), encoder: OpusEncoder::new(channels, bitrate, complexity)? })
    }

    /// The packet that begins at that time.
    ///
    /// # Errors
    /// [`Failure::Open`], and [`Failure::Codec`] with what the encoder says.
    pub fn packet(&mut self, clock: Duration) -> Result<Vec<u8>, Failure> {
        let mut tick: [Sample; TICK] = [[0.0; 2]; TICK];
        for tape in &mut self.tapes {
            tape.add(clock, &mut tick)?;
        }
        self.limiter.run(tick.as_flattened_mut(), 2);
        let mut packet = vec![0; PACKET_BYTES_MAX];
        let bytes = self.encoder.encode(tick.as_flattened(), &mut packet)?;
        packet.truncate(bytes);
        Ok(packet)
    }

    /// Reads on to where the film begins, a piece of each; false: there is more to be read.
    ///
    /// # Errors
    /// [`Failure::Open`].
    pub fn catch_up(&mut self, clock: Duration) -> Result<bool, Failure> {
        let mut done = true;
        for tape in &mut self.tapes {
            done &= tape.catch_up(clock)?;
        }
        Ok(done)
    }

    /// How many of them are damaged.
    pub fn damaged(&self) -> usize {
        self.tapes.iter().filter(|tape| tape.is_damaged()).count()
    }
}
