//! A film: its pictures and its sound, each by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::picture::{Pictures, Shown};
use crate::sample::{Samples, Track};
use crate::sound::Sound;
use crate::{Bytes, Problem, mp4, read_exactly, webm};

/// A film that is open.
pub struct Film {
    bytes: Arc<dyn Bytes>,
    pictures: Option<Pictures>,
    sound: Option<Sound>,
}

impl std::fmt::Debug for Film {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Film").field("pictures", &self.pictures).field("sound", &self.sound).finish_non_exhaustive()
    }
}

impl Film {
    /// Reads what is in a file. Of several tracks of a kind the first one counts that can be decoded.
    ///
    /// # Errors
    /// The file is none, or has nothing that can be decoded.
    pub fn open(bytes: Arc<dyn Bytes>) -> Result<Film, Problem> {
        let (mut pictures, mut sound) = (None, None);
        for (track, samples) in tracks(&*bytes)? {
            if !track.codec.is_sound() {
                pictures = pictures.or_else(|| Pictures::new(track, samples).ok());
            } else {
                sound = sound.or_else(|| Sound::new(track, samples).ok());
            }
        }
        if pictures.is_none() && sound.is_none() {
            return Err(Problem::NoTrack);
        }
        Ok(Film { bytes, pictures, sound })
    }

    /// Whether it has pictures.
    #[must_use]
    pub fn has_pictures(&self) -> bool {
        self.pictures.is_some()
    }

    /// Whether it has sound.
    #[must_use]
    pub fn has_sound(&self) -> bool {
        self.sound.is_some()
    }

    /// Goes to this time: what comes next is of it or after it. Beyond its end there is nothing.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn seek(&mut self, to: Duration) -> Result<(), Problem> {
        if let Some(pictures) = &mut self.pictures {
            pictures.seek(&*self.bytes, to)?;
        }
        if let Some(sound) = &mut self.sound {
            sound.seek(&*self.bytes, to)?;
        }
        Ok(())
    }

    /// The next picture; none: there is none any more.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_picture(&mut self) -> Result<Option<Shown>, Problem> {
        self.pictures.as_mut().map_or(Ok(None), |pictures| pictures.next(&*self.bytes))
    }

    /// Some more sound, of one channel and [`RATE_HZ`](crate::RATE_HZ), which follows what was given before; none: there is none any
    /// more.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_sound(&mut self) -> Result<Option<Vec<f32>>, Problem> {
        self.sound.as_mut().map_or(Ok(None), |sound| sound.next(&*self.bytes))
    }
}

fn tracks(bytes: &dyn Bytes) -> Result<Vec<(Track, Samples)>, Problem> {
    let mut first = [0; 8];
    if !read_exactly(bytes, 0, &mut first)? {
        return Err(Problem::Unknown);
    }
    if first.starts_with(&webm::MAGIC) {
        let tracks = webm::tracks(bytes)?.into_iter();
        return Ok(tracks.map(|(place, track)| (track, Samples::Webm(Box::new(webm::Samples::new(place))))).collect());
    }
    if mp4::MAGIC.iter().any(|name| first.ends_with(&name[..])) {
        let tracks = mp4::tracks(bytes)?.into_iter();
        return Ok(tracks.map(|(track, samples)| (track, Samples::Mp4(samples))).collect());
    }
    Err(Problem::Unknown)
}
