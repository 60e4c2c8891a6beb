//! The film as a file.

use std::io::{self, SeekFrom};
use std::time::Duration;

use container::{Block, Codec, Output, Track, h264, matroska, mp4};

use crate::order::{Format, Sink};
use crate::sound::PACKET;
use crate::timeline::PICTURE;

/// A file that is made.
#[derive(Debug)]
pub struct Writing {
    format: Format,
    /// When it begins, since 1970.
    began: Duration,
    /// How long it will be.
    total: Duration,
    pictures: bool,
    sound: bool,
    /// None: nothing is in it yet.
    writer: Option<Writer>,
    /// Bytes that it has.
    length: u64,
}

#[derive(Debug)]
enum Writer {
    WebM(matroska::Writer),
    Mp4(mp4::Writer),
}

impl Writing {
    /// A file that begins at that moment, will be so long, and has pictures, sound or both.
    pub fn new(format: Format, began: Duration, total: Duration, pictures: bool, sound: bool) -> Writing {
        Writing { format, began, total, pictures, sound, writer: None, length: 0 }
    }

    /// Takes a picture. If there are pictures the first of all that is in the file is a key frame.
    pub fn push_picture(&mut self, time: Duration, keyframe: bool, bytes: Vec<u8>) {
        let (codec, bytes) = match self.format {
            Format::WebM => (Codec::Vp8, bytes),
            Format::Mp4 => (Codec::H264, h264::with_lengths(&bytes)),
        };
        let first = if self.writer.is_none() { Track::picture(codec, &bytes, 0) } else { None };
        self.push(first, Block { track: 0, time, keyframe, rotation: None, bytes });
    }

    /// Takes a packet of sound.
    pub fn push_sound(&mut self, time: Duration, bytes: Vec<u8>) {
        let track = usize::from(self.pictures);
        self.push(None, Block { track, time, keyframe: true, rotation: None, bytes });
    }

    /// That was all.
    pub fn finish(&mut self) {
        match &mut self.writer {
            Some(Writer::WebM(writer)) => writer.finish(true),
            Some(Writer::Mp4(writer)) => writer.finish(),
            None => {}
        }
    }

    /// Writes what there is to be written.
    pub fn write(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        while let Some(output) = self.writer.as_mut().and_then(Writer::poll) {
            match output {
                Output::Append(bytes) => {
                    sink.write_all(&bytes)?;
                    self.length += bytes.len() as u64;
                }
                Output::Patch { at, bytes } => {
                    sink.seek(SeekFrom::Start(at))?;
                    sink.write_all(&bytes)?;
                    sink.seek(SeekFrom::Start(self.length))?;
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, first: Option<Track>, block: Block) {
        if self.writer.is_none() {
            let tracks: Vec<Track> = first.into_iter().chain(self.sound.then(|| Track::opus(2))).collect();
            self.writer = self.begin(&tracks);
        }
        match &mut self.writer {
            Some(Writer::WebM(writer)) => writer.push(block),
            Some(Writer::Mp4(writer)) => writer.push(block),
            None => {}
        }
    }

    fn begin(&self, tracks: &[Track]) -> Option<Writer> {
        let blocks = |of: bool, time: Duration| if of { self.total.as_millis() / time.as_millis() } else { 0 };
        let blocks = blocks(self.pictures, PICTURE) + blocks(self.sound, PACKET);
        match self.format {
            Format::WebM => Some(Writer::WebM(matroska::Writer::new(tracks, self.began))),
            Format::Mp4 => mp4::Writer::new(tracks, self.began, u64::try_from(blocks).unwrap_or(0), self.total).map(Writer::Mp4),
        }
    }
}

impl Writer {
    fn poll(&mut self) -> Option<Output> {
        match self {
            Writer::WebM(writer) => writer.poll(),
            Writer::Mp4(writer) => writer.poll(),
        }
    }
}
