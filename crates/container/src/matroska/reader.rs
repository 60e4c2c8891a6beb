//! What is in a file, as far as it makes sense.

use std::time::Duration;

use super::cues::{self, Cue};
use super::ebml::{self, Element, Found, Head};
use super::id;
use super::index::{DURATION_BYTES, Layout, SEEK_HEAD_BYTES, since_1970};
use crate::limit::{BLOCK_BYTES_MAX, HEAD_BYTES_MAX, TRACKS_MAX};
use crate::{Block, Codec, Shape, Track};

/// Bytes around the frame of a block that are read with it.
const AROUND_BLOCK_BYTES: usize = 1_024;

/// Reads a file in pieces, from its beginning. Where something makes no sense the file ends.
#[derive(Debug)]
pub struct Reader {
    buffer: Vec<u8>,
    /// How much of the buffer was read.
    read: usize,
    /// Where in the file the unread part of the buffer begins.
    at: u64,
    /// Bytes that follow and are of no interest.
    skip: u64,
    /// Nothing more makes sense.
    over: bool,
    layout: Layout,
    scale: u64,
    date: Option<i64>,
    duration: Option<Duration>,
    numbers: Vec<u64>,
    cluster: Option<Cluster>,
    /// The end of the last thing that was whole.
    whole: u64,
}

/// The cluster that is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    pub at: u64,
    /// Where its size stands, and in how many bytes.
    pub size_at: u64,
    pub size_bytes: usize,
    /// Where it ends; none: not known.
    pub end: Option<u64>,
    time: Option<u64>,
}

/// Something in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its tracks. Those that we cannot tell are left out, and so are their blocks.
    Tracks(Vec<Track>),
    /// A frame.
    Block(Block),
}

impl Default for Reader {
    fn default() -> Self {
        Reader {
            buffer: Vec::new(),
            read: 0,
            at: 0,
            skip: 0,
            over: false,
            layout: Layout::default(),
            scale: 1_000_000,
            date: None,
            duration: None,
            numbers: Vec::new(),
            cluster: None,
            whole: 0,
        }
    }
}

impl Reader {
    /// Takes the bytes that follow those that it had.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.over {
            self.buffer.drain(..self.read);
            self.read = 0;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// What is next; none: more bytes are needed, or nothing makes sense any more.
    pub fn poll(&mut self) -> Option<Event> {
        while !self.over && self.skipped() {
            let head = match ebml::head(self.rest()) {
                Found::Head(head) => head,
                Found::More => return None,
                Found::Nonsense => {
                    self.end();
                    return None;
                }
            };
            match self.step(head) {
                Step::On(None) => {}
                Step::On(Some(event)) => return Some(event),
                Step::More => return None,
                Step::Over => self.end(),
            }
        }
        None
    }

    /// Whether nothing more can be read, whatever follows.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether it is in the middle of something: a file that ends here was cut off.
    #[must_use]
    pub fn is_amid(&self) -> bool {
        self.skip > 0 || !self.rest().is_empty()
    }

    /// The moment, since 1970, at which it says that it begins.
    #[must_use]
    pub fn began(&self) -> Option<Duration> {
        since_1970(self.date?)
    }

    /// How long it says that it is. A file that was not finished does not say so.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// The places to which one can jump, of the element that has them: all of its bytes. To be asked once the tracks are known.
    #[must_use]
    pub fn cues(&self, element: &[u8]) -> Vec<Cue> {
        cues::read(element, self.layout.data_at, self.scale, &self.numbers)
    }

    /// Goes on where a cluster begins: the bytes that come next stand there in the file. To be called once the tracks are known.
    pub fn go_to(&mut self, at: u64) {
        (self.buffer, self.read, self.at, self.skip) = (Vec::new(), 0, at, 0);
        (self.over, self.cluster) = (false, None);
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The end of the last thing that was whole, in bytes from the beginning.
    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    /// The cluster of the block that was given last.
    pub(super) fn cluster(&self) -> Option<Cluster> {
        self.cluster
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.read..).unwrap_or_default()
    }

    fn end(&mut self) {
        (self.over, self.buffer, self.read) = (true, Vec::new(), 0);
    }

    fn advance(&mut self, bytes: usize) {
        (self.read, self.at) = (self.read + bytes, self.at.saturating_add(bytes as u64));
    }

    /// Whether all is passed over that is of no interest.
    fn skipped(&mut self) -> bool {
        let now = usize::try_from(self.skip).unwrap_or(usize::MAX).min(self.rest().len());
        self.advance(now);
        self.skip = self.skip.saturating_sub(now as u64);
        if now > 0 && self.skip == 0 {
            self.whole = self.at;
        }
        self.skip == 0
    }

    fn step(&mut self, head: Head) -> Step {
        match head.id {
            id::SEGMENT => {
                self.layout.size_at = (head.size_bytes == 8).then(|| self.at + head.id_bytes as u64);
                self.advance(head.bytes());
                (self.layout.data_at, self.whole) = (self.at, self.at);
                Step::On(None)
            }
            id::CLUSTER => {
                self.open_cluster(head);
                Step::On(None)
            }
            id::INFO | id::TRACKS => self.read_whole(head, HEAD_BYTES_MAX, Self::read_head),
            id::TIMESTAMP | id::SIMPLE_BLOCK | id::BLOCK_GROUP => {
                self.read_whole(head, BLOCK_BYTES_MAX + AROUND_BLOCK_BYTES, Self::read_block)
            }
            _ => {
                let Some(size) = head.size else { return Step::Over };
                self.note_place(head, size);
                self.advance(head.bytes());
                self.skip = size;
                if size == 0 {
                    self.whole = self.at;
                }
                Step::On(None)
            }
        }
    }

    fn open_cluster(&mut self, head: Head) {
        let (at, data_at) = (self.at, self.at.saturating_add(head.bytes() as u64));
        let end = head.size.map(|size| data_at.saturating_add(size));
        let size_at = at.saturating_add(head.id_bytes as u64);
        self.cluster = Some(Cluster { at, size_at, size_bytes: head.size_bytes, end, time: None });
        self.advance(head.bytes());
    }

    /// The first place for a seek head: that is what stands there in a file that was not finished, or an unfinished attempt at it.
    fn note_place(&mut self, head: Head, size: u64) {
        let whole = head.bytes() as u64 + size;
        let place = head.id == id::VOID || head.id == id::SEEK_HEAD;
        if place && self.at == self.layout.data_at && whole <= SEEK_HEAD_BYTES as u64 {
            self.layout.seek_at = (head.id == id::SEEK_HEAD || whole == SEEK_HEAD_BYTES as u64).then_some(self.at);
        }
    }

    fn read_whole(&mut self, head: Head, bytes_max: usize, read: fn(&mut Self, Element<'_>) -> Option<Event>) -> Step {
        let Some(size) = head.size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= bytes_max) else {
            return Step::Over;
        };
        let (from, bytes) = (self.read + head.bytes(), head.bytes() + size);
        if self.rest().len() < bytes {
            return Step::More;
        }
        let buffer = std::mem::take(&mut self.buffer);
        let data = buffer.get(from..from + size).unwrap_or_default();
        let element = Element { id: head.id, at: self.at, data_at: self.at.saturating_add(head.bytes() as u64), data };
        let event = read(self, element);
        self.buffer = buffer;
        self.advance(bytes);
        if head.id != id::TIMESTAMP {
            self.whole = self.at;
        }
        Step::On(event)
    }

    fn read_head(&mut self, element: Element<'_>) -> Option<Event> {
        if element.id == id::INFO {
            self.read_info(element);
            return None;
        }
        self.layout.tracks_at = element.at;
        let entries = ebml::elements(element.data, element.data_at).filter(|entry| entry.id == id::TRACK_ENTRY);
        let mut tracks = Vec::new();
        for entry in entries.take(TRACKS_MAX) {
            if let Some((number, track)) = read_track(&entry) {
                self.numbers.push(number);
                tracks.push(track);
            }
        }
        self.layout.find_sizes(element);
        (tracks.len() == self.layout.sizes_at.len()).then_some(Event::Tracks(tracks))
    }

    fn read_info(&mut self, element: Element<'_>) {
        self.layout.find_info(element);
        let parts = || ebml::elements(element.data, element.data_at);
        let scale = parts().find(|part| part.id == id::TIMESTAMP_SCALE).map(|part| part.uint());
        self.scale = scale.filter(|scale| *scale > 0).unwrap_or(self.scale);
        self.date = parts().find(|part| part.id == id::DATE).map(|part| part.int());
        let duration = parts().find(|part| part.id == id::DURATION).map(|part| part.float() * self.scale as f64 / 1e9);
        self.duration = duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    }

    fn read_block(&mut self, element: Element<'_>) -> Option<Event> {
        let cluster = self.cluster.as_mut()?;
        if element.id == id::TIMESTAMP {
            cluster.time = Some(element.uint());
            return None;
        }
        let time = cluster.time?;
        let parts = || ebml::elements(element.data, element.data_at);
        let (body, group) = match element.id {
            id::SIMPLE_BLOCK => (element.data, false),
            _ => (parts().find(|part| part.id == id::BLOCK)?.data, true),
        };
        let referring = group && parts().any(|part| part.id == id::REFERENCE_BLOCK);
        let rotation =
            parts().filter(|_| group).find(|part| part.id == id::BLOCK_ADDITIONS).and_then(|part| read_rotation(&part));
        self.read_frame(body, time, if group { Some(!referring) } else { None }, rotation).map(Event::Block)
    }

    fn read_frame(&self, body: &[u8], cluster: u64, keyframe: Option<bool>, rotation: Option<u16>) -> Option<Block> {
        let number_bytes = body.first()?.leading_zeros() as usize + 1;
        let (number, rest) = body.split_at_checked(number_bytes)?;
        let number = ebml::number(number).filter(|_| number_bytes <= 8)?;
        let (&[high, low, flags], frame) = rest.split_first_chunk()?;
        // Several frames in one block are something that we never write.
        if flags & 0x06 != 0 || frame.is_empty() {
            return None;
        }
        let track = self.numbers.iter().position(|own| *own == number)?;
        let ticks = cluster.saturating_add_signed(i16::from_be_bytes([high, low]).into());
        let time = Duration::from_nanos(ticks.saturating_mul(self.scale));
        Some(Block { track, time, keyframe: keyframe.unwrap_or(flags & 0x80 != 0), rotation, bytes: frame.to_vec() })
    }
}

/// What came of one element.
enum Step {
    On(Option<Event>),
    More,
    Over,
}

impl Layout {
    /// Finds everything in a head that has just been made.
    pub(super) fn find(&mut self, head: &[u8]) {
        for (at, find) in [(self.info_at, Self::find_info as fn(&mut Self, Element<'_>)), (self.tracks_at, Self::find_sizes)] {
            let rest = usize::try_from(at).ok().and_then(|at| head.get(at..)).unwrap_or_default();
            if let Some(element) = ebml::elements(rest, at).next() {
                find(self, element);
            }
        }
    }

    fn find_info(&mut self, info: Element<'_>) {
        self.info_at = info.at;
        for part in ebml::elements(info.data, info.data_at) {
            let whole = part.data_at - part.at + part.data.len() as u64;
            match part.id {
                id::DATE if part.data.len() == 8 => self.date_at = Some(part.data_at),
                id::VOID | id::DURATION if whole == DURATION_BYTES as u64 => self.duration_at = Some(part.at),
                _ => {}
            }
        }
    }

    fn find_sizes(&mut self, tracks: Element<'_>) {
        let entries = ebml::elements(tracks.data, tracks.data_at).filter(|entry| entry.id == id::TRACK_ENTRY);
        let known = entries.take(TRACKS_MAX).filter(|entry| read_track(entry).is_some());
        self.sizes_at = known.map(|entry| sizes_at(&entry)).collect();
    }
}

fn sizes_at(entry: &Element<'_>) -> Option<(u64, u64)> {
    let video = ebml::elements(entry.data, entry.data_at).find(|part| part.id == id::VIDEO)?;
    let place = |id| {
        let mut parts = ebml::elements(video.data, video.data_at);
        parts.find(|part| part.id == id && part.data.len() == 2).map(|part| part.data_at)
    };
    place(id::PIXEL_WIDTH).zip(place(id::PIXEL_HEIGHT))
}

/// A track and its number; none: of a kind that we cannot tell.
fn read_track(entry: &Element<'_>) -> Option<(u64, Track)> {
    let part = |id| ebml::elements(entry.data, entry.data_at).find(move |part| part.id == id);
    let codec = match part(id::CODEC_ID)?.data {
        b"A_OPUS" => Codec::Opus,
        b"V_VP8" => Codec::Vp8,
        b"V_VP9" => Codec::Vp9,
        b"V_MPEG4/ISO/AVC" => Codec::H264,
        _ => return None,
    };
    let private = part(id::CODEC_PRIVATE).map(|part| part.data.to_vec()).unwrap_or_default();
    let shape = if codec.is_sound() { read_sound(part(id::AUDIO)) } else { read_picture(&part(id::VIDEO)?)? };
    Some((part(id::TRACK_NUMBER)?.uint(), Track { codec, shape, private }))
}

fn read_sound(audio: Option<Element<'_>>) -> Shape {
    let channels =
        audio.and_then(|audio| ebml::elements(audio.data, 0).find(|part| part.id == id::CHANNELS).map(|part| part.uint()));
    Shape::Sound { channels: channels.and_then(|channels| u8::try_from(channels).ok()).unwrap_or(1) }
}

fn read_picture(video: &Element<'_>) -> Option<Shape> {
    let part = |id| ebml::elements(video.data, video.data_at).find(move |part| part.id == id);
    let number = |id| part(id).and_then(|part| u16::try_from(part.uint()).ok());
    let roll = part(id::PROJECTION).and_then(|projection| {
        let mut parts = ebml::elements(projection.data, 0);
        parts.find(|part| part.id == id::PROJECTION_POSE_ROLL).map(|part| part.float())
    });
    let rotation = (-roll.unwrap_or(0.0)).rem_euclid(360.0) as u16;
    Some(Shape::Picture { width: number(id::PIXEL_WIDTH)?, height: number(id::PIXEL_HEIGHT)?, rotation })
}

fn read_rotation(additions: &Element<'_>) -> Option<u16> {
    let more = ebml::elements(additions.data, 0).filter(|part| part.id == id::BLOCK_MORE);
    let mut ours = more.filter(|more| {
        let number = ebml::elements(more.data, 0).find(|part| part.id == id::BLOCK_ADD_ID).map(|part| part.uint());
        number == Some(id::ROTATION_ADDITION)
    });
    let ours = ours.next()?;
    let said = ebml::elements(ours.data, 0).find(|part| part.id == id::BLOCK_ADDITIONAL)?;
    Some(u16::from_be_bytes(*said.data.first_chunk()?))
}
