//! The pictures of a film, decoded.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use mixer::codec::CodecError;
use mixer::codec::h264::H264Decoder;
use mixer::codec::vp8::Vp8Decoder;
use mixer::codec::vp9::Vp9Decoder;
use mixer::frame::{Colour, Frame, Picture};

use crate::limit::{BROKEN_MAX, REORDERED_MAX};
use crate::sample::{Codec, Samples, Track};
use crate::{Bytes, Problem};

/// One picture.
#[derive(Debug)]
pub struct Shown {
    /// When it is seen first.
    pub time: Duration,
    /// What is seen.
    pub frame: Frame,
    /// By how many degrees it is to be turned clockwise.
    pub rotation: u16,
}

/// The track of pictures.
#[derive(Debug)]
pub struct Pictures {
    track: Track,
    samples: Samples,
    decoder: Decoder,
    /// Times of frames that went in and did not come out yet.
    times: BTreeSet<Duration>,
    out: VecDeque<Shown>,
    /// What is seen before is only decoded, and the last of it seen from then on.
    from: Duration,
    before: Option<Shown>,
    broken: u32,
    over: bool,
}

#[derive(Debug)]
enum Decoder {
    Vp8(Vp8Decoder),
    Vp9(Vp9Decoder),
    H264(Box<H264Decoder>),
}

impl Pictures {
    pub fn new(track: Track, samples: Samples) -> Result<Pictures, Problem> {
        let decoder = Decoder::new(track.codec)?;
        let (times, out) = (BTreeSet::new(), VecDeque::new());
        Ok(Pictures { track, samples, decoder, times, out, from: Duration::ZERO, before: None, broken: 0, over: false })
    }

    pub fn seek(&mut self, bytes: &dyn Bytes, to: Duration) -> Result<(), Problem> {
        self.samples.seek(bytes, to)?;
        self.decoder = Decoder::new(self.track.codec)?;
        self.times.clear();
        self.out.clear();
        (self.from, self.before, self.broken, self.over) = (to, None, 0, false);
        Ok(())
    }

    /// The next picture; none: there is none any more.
    pub fn next(&mut self, bytes: &dyn Bytes) -> Result<Option<Shown>, Problem> {
        loop {
            if let Some(shown) = self.out.pop_front() {
                return Ok(Some(shown));
            }
            if self.over {
                return Ok(None);
            }
            match self.samples.next(bytes)?.filter(|_| self.broken < BROKEN_MAX) {
                Some(sample) => self.decode(sample.time, &sample.bytes),
                None => self.finish(),
            }
        }
    }

    fn decode(&mut self, time: Duration, bytes: &[u8]) {
        // Two frames of one moment are two pictures all the same.
        let time = (0..).map(|more| time + Duration::from_nanos(more)).find(|time| !self.times.contains(time)).unwrap_or(time);
        self.times.insert(time);
        if self.times.len() > REORDERED_MAX {
            self.times.pop_first();
        }
        let decoded = match &mut self.decoder {
            Decoder::Vp8(decoder) => decoder.decode(bytes),
            Decoder::Vp9(decoder) => decoder.decode(bytes),
            Decoder::H264(decoder) => decoder.decode(&container::h264::with_start_codes(&self.track.private, bytes)),
        };
        match decoded {
            Ok(_) => self.broken = 0,
            Err(_) => {
                self.broken += 1;
                self.times.remove(&time);
                return;
            }
        }
        let frame = self.decoder.picture().map(|picture| copy(&picture));
        match frame {
            Some(frame) => self.show(frame),
            // Only H.264 shows in another order than it decodes.
            None if !matches!(self.decoder, Decoder::H264(_)) => drop(self.times.remove(&time)),
            None => {}
        }
    }

    /// The earliest time is that of the picture that comes out first.
    fn show(&mut self, frame: Frame) {
        let Some(time) = self.times.pop_first() else { return };
        let shown = Shown { time: time.max(self.from), frame, rotation: self.track.rotation };
        if time < self.from {
            self.before = Some(shown);
            return;
        }
        let before = self.before.take().filter(|_| time > self.from);
        self.out.extend(before);
        self.out.push_back(shown);
    }

    fn finish(&mut self) {
        self.over = true;
        if let Decoder::H264(decoder) = &mut self.decoder {
            let held: Vec<Frame> = decoder.finish();
            held.into_iter().for_each(|frame| self.show(frame));
        }
    }
}

impl Decoder {
    fn new(codec: Codec) -> Result<Decoder, Problem> {
        let decoder = match codec {
            Codec::Vp8 => Vp8Decoder::new().map(Decoder::Vp8),
            Codec::Vp9 => Vp9Decoder::new().map(Decoder::Vp9),
            Codec::H264 => H264Decoder::new().map(|decoder| Decoder::H264(Box::new(decoder))),
            Codec::Opus | Codec::Aac => Err(CodecError::Setup),
        };
        decoder.map_err(|_| Problem::NoTrack)
    }

    fn picture(&self) -> Option<Picture<'_>> {
        match self {
            Decoder::Vp8(decoder) => decoder.picture(),
            Decoder::Vp9(decoder) => decoder.picture(),
            Decoder::H264(decoder) => decoder.picture(),
        }
    }
}

fn copy(picture: &Picture<'_>) -> Frame {
    let (width, height) = picture.size();
    let side = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
    let mut frame = Frame::new(side(width), side(height), Colour::BLACK);
    frame.copy_from(picture);
    frame
}
