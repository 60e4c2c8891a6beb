//! The packets of one track made into what stands in its file.

use std::collections::BTreeMap;
use std::time::Instant;

use container::{Block, Track, h264};
use room::Kind;

use super::clock::{Epoch, PeerClock, TrackClock};
use super::duration;
use super::gaps::{Gaps, Place};
use crate::codec::Codec;
use crate::depacketize::{Depacketizer, Frame};
use crate::limit::{MISSING_WAIT, RECORD_KEYFRAME_GAP, RECORD_SOUNDS_WAITING_MAX, RECORD_WISH_GAP};
use crate::tap::Packet;

/// Channels of sound in a file. Packets say themselves whether they have one or two, and may change their mind.
const CHANNELS: u8 = 2;

/// A track, packet by packet.
#[derive(Debug)]
pub(super) struct Taking {
    media: Media,
    clock: Option<TrackClock>,
    /// What the file has; none: it has not begun.
    has: Option<container::Codec>,
}

#[derive(Debug)]
enum Media {
    Sound(Box<Sounds>),
    Pictures(Box<Pictures>),
}

#[derive(Debug, Default)]
struct Pictures {
    frames: Depacketizer,
    /// What tells the time of frames that are not put together yet, as they came.
    times: Vec<Packet>,
    rotation: u16,
    /// When the last key frame was there, or one was asked for.
    key: Option<Instant>,
    asked: Option<Instant>,
    wish: bool,
}

/// What comes of packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The file begins, with these tracks, at that moment by our clock, in microseconds, as far as is known.
    Begin(Vec<Track>, i64),
    /// Something for the file.
    Block(Block),
}

impl Taking {
    pub fn new(kind: Kind) -> Self {
        let media = if kind == Kind::Audio { Media::Sound(Box::default()) } else { Media::Pictures(Box::default()) };
        Taking { media, clock: None, has: None }
    }

    /// Takes a packet.
    pub fn push(&mut self, packet: Packet) {
        match &mut self.media {
            Media::Sound(sounds) if packet.codec == Codec::Opus => sounds.push(packet),
            Media::Pictures(pictures) if !packet.codec.is_audio() => pictures.push(packet),
            _ => {}
        }
    }

    /// Gives what there is by now.
    pub fn poll(&mut self, now: Instant, epoch: &Epoch, peer: &mut PeerClock, mut give: impl FnMut(Taken)) {
        match &mut self.media {
            Media::Sound(sounds) => {
                while let Some(packet) = sounds.poll(now) {
                    let clock = self.clock.get_or_insert_with(|| TrackClock::new(packet.codec.clock_hz()));
                    let mut time = clock.place(epoch, &packet, peer);
                    if self.has.replace(container::Codec::Opus).is_none() {
                        give(Taken::Begin(vec![Track::opus(CHANNELS)], clock.began()));
                    }
                    let mut silent = |at, bytes| give(Taken::Block(sound(at, bytes)));
                    let mut place = sounds.gaps.take(time, packet.arrival, &packet.payload, &mut silent);
                    if let Place::Behind(end) = place {
                        clock.begin_anew(end);
                        time = clock.place(epoch, &packet, peer);
                        place = sounds.gaps.take(time, packet.arrival, &packet.payload, &mut silent);
                    }
                    if place == Place::There {
                        give(Taken::Block(sound(time, packet.payload.to_vec())));
                    }
                }
            }
            Media::Pictures(pictures) => {
                while let Some(frame) = pictures.frames.poll(now) {
                    let Some(timing) = pictures.timing(&frame) else { continue };
                    let Some(codec) = in_file(frame.codec).filter(|codec| self.has.is_none_or(|has| has == *codec)) else {
                        continue;
                    };
                    let Some((first, mut block)) = pictures.block(now, frame, codec, self.has.is_none()) else { continue };
                    let clock = self.clock.get_or_insert_with(|| TrackClock::new(timing.codec.clock_hz()));
                    block.time = duration(clock.place(epoch, &timing, peer));
                    self.has = Some(codec);
                    first.into_iter().for_each(|track| give(Taken::Begin(vec![track], clock.began())));
                    give(Taken::Block(block));
                }
                pictures.wish |= pictures.frames.take_lost();
            }
        }
    }

    /// Time passes, and nothing came: gives the silence that is missing by now.
    pub fn pass(&mut self, now: Instant, mut give: impl FnMut(Taken)) {
        if let Media::Sound(sounds) = &mut self.media {
            sounds.gaps.pass(now, |at, bytes| give(Taken::Block(sound(at, bytes))));
        }
    }

    /// Whether a key frame should be asked for now.
    pub fn take_wish(&mut self, now: Instant) -> bool {
        match &mut self.media {
            Media::Sound(_) => false,
            Media::Pictures(pictures) => pictures.take_wish(now),
        }
    }

    /// The clock of its file, once that has begun.
    pub fn clock(&self) -> Option<&TrackClock> {
        self.clock.as_ref()
    }
}

impl Pictures {
    fn push(&mut self, packet: Packet) {
        let known = self.times.iter().any(|one| one.time == packet.time && one.stream == packet.stream);
        if !known {
            // Frames that are never put together are forgotten when later ones are.
            if self.times.len() > RECORD_SOUNDS_WAITING_MAX {
                self.times.remove(0);
            }
            self.times.push(Packet { payload: std::sync::Arc::from([]), ..packet.clone() });
        }
        self.frames.push(packet);
    }

    /// What is known of the time of a frame.
    fn timing(&mut self, frame: &Frame) -> Option<Packet> {
        let at = self.times.iter().position(|one| one.time == frame.time)?;
        let timing = self.times.remove(at);
        // In which order frames came says nothing: what is older by its time is of no frame any more.
        self.times.retain(|one| one.stream != timing.stream || one.time.wrapping_sub(timing.time).cast_signed() > 0);
        Some(timing)
    }

    /// A frame as it stands in the file, at the beginning of which the track is told too; none: the file cannot go on with it.
    fn block(&mut self, now: Instant, frame: Frame, codec: container::Codec, begins: bool) -> Option<(Option<Track>, Block)> {
        let Frame { bytes, rotation, keyframe, .. } = frame;
        let (bytes, keyframe) = match codec {
            container::Codec::H264 => {
                let bytes = h264::with_lengths(&bytes);
                let keyframe = h264::is_keyframe(h264::units(&bytes));
                (bytes, keyframe)
            }
            _ => (bytes, keyframe),
        };
        if keyframe {
            self.key = Some(now);
        }
        let first = if begins {
            let first = Track::picture(codec, &bytes, rotation).filter(|_| keyframe);
            self.wish |= first.is_none();
            Some(first?)
        } else {
            None
        };
        let turned = std::mem::replace(&mut self.rotation, rotation) != rotation;
        // Whoever begins to play at a key frame has to know; the first is told by the track.
        let says = !begins && (turned || keyframe && rotation != 0);
        Some((first, Block { track: 0, time: std::time::Duration::ZERO, keyframe, rotation: says.then_some(rotation), bytes }))
    }

    fn take_wish(&mut self, now: Instant) -> bool {
        let since = |at: Option<Instant>, gap| at.is_none_or(|at| now.saturating_duration_since(at) >= gap);
        let waits = self.frames.awaits_keyframe() && self.frames.waiting() > 0;
        let old = self.key.is_some() && since(self.key, RECORD_KEYFRAME_GAP);
        let wish = (self.wish || waits || old) && since(self.asked, RECORD_WISH_GAP);
        if wish {
            (self.wish, self.asked) = (false, Some(now));
        }
        wish
    }
}

/// Packets of sound in their order.
#[derive(Debug, Default)]
struct Sounds {
    stream: Option<u32>,
    next: u64,
    waiting: BTreeMap<u64, Packet>,
    /// Of the stream before, or out of the time when one waits: to be given first.
    ready: std::collections::VecDeque<Packet>,
    gaps: Gaps,
}

impl Sounds {
    fn push(&mut self, packet: Packet) {
        if self.stream != Some(packet.stream) {
            self.ready.extend(std::mem::take(&mut self.waiting).into_values());
            (self.stream, self.next) = (Some(packet.stream), packet.seq);
        }
        // What is far behind is a stream that begins anew, with the same name.
        if packet.seq.abs_diff(self.next) > crate::limit::SEQ_AHEAD_MAX {
            self.ready.extend(std::mem::take(&mut self.waiting).into_values());
            self.next = packet.seq;
        }
        if packet.seq >= self.next && !packet.payload.is_empty() {
            self.waiting.entry(packet.seq).or_insert(packet);
        }
    }

    /// The next packet; one that is missing is waited for, for a while.
    fn poll(&mut self, now: Instant) -> Option<Packet> {
        if let Some(packet) = self.ready.pop_front() {
            return Some(packet);
        }
        let (seq, first) = self.waiting.first_key_value()?;
        let late = now.saturating_duration_since(first.arrival) > MISSING_WAIT || self.waiting.len() > RECORD_SOUNDS_WAITING_MAX;
        if *seq != self.next && !late {
            return None;
        }
        let (seq, packet) = self.waiting.pop_first()?;
        self.next = seq.saturating_add(1);
        Some(packet)
    }
}

/// A packet of sound at that time, in microseconds.
fn sound(at: i64, bytes: Vec<u8>) -> Block {
    Block { track: 0, time: duration(at), keyframe: true, rotation: None, bytes }
}

fn in_file(codec: Codec) -> Option<container::Codec> {
    match codec {
        Codec::Vp8 => Some(container::Codec::Vp8),
        Codec::Vp9 => Some(container::Codec::Vp9),
        Codec::H264 => Some(container::Codec::H264),
        Codec::Opus | Codec::OtherAudio => None,
    }
}
