//! One track to one subscriber: which layer, from which packet on, under which numbers.
//!
//! A publisher sends a track as one stream or as several layers, each with sequence numbers, timestamps and picture numbers of its
//! own. A subscriber sees one stream without a seam. Where a packet was lost on the way to us its number stays free, so that the
//! subscriber's loss is the real one, and a late packet still finds its place.

mod held;
mod line;
mod recent;
mod segment;
mod time;

pub use recent::Recent;
pub use time::SenderReport;

use std::time::Instant;

use crate::codec::{Codec, Descriptor, Vp8};
use crate::limit::{LAYERS_MAX, SEGMENTS_LEFT_MAX, SEQ_AHEAD_MAX, SEQ_WINDOW, STRAYS_MAX};
use held::Held;
use segment::Segment;
use time::Clock;

/// A packet as it came from a publisher.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Which layer of the track; 0 is the smallest. From [`LAYERS_MAX`] on nothing is forwarded.
    pub layer: u8,
    /// SSRC. Another one on the same layer is a stream that starts anew.
    pub stream: u32,
    /// Sequence number, continued beyond 16 bits; below 2^48.
    pub seq: u64,
    /// RTP timestamp.
    pub time: u32,
    /// When it came.
    pub arrival: Instant,
    /// The last sender report of this stream.
    pub report: Option<SenderReport>,
    /// The last packet of its frame: the marker of RTP (RFC 7741, section 4.1). Means nothing for audio.
    pub ends_frame: bool,
    /// What follows this packet and came before it can be given again: what [`Recent::hear`] said.
    pub replayable: bool,
    /// What its payload says.
    pub descriptor: &'a Descriptor,
}

/// What a subscriber gets in place of the publisher's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Sequence number, continued beyond 16 bits. The first is below 2^15.
    pub seq: u64,
    /// RTP timestamp.
    pub time: u32,
    /// Other counters in the payload.
    pub vp8: Option<Vp8>,
    /// A key frame begins here, and so many packets of its stream that follow came before it and were not forwarded: give those
    /// of [`Recent::after`] again. Above 0 only for what is replayable.
    pub replay: u64,
}

/// What one subscriber gets of one track. Give it every packet of every layer, in the order of arrival.
#[derive(Debug)]
pub struct Forwarder {
    audio: bool,
    target: Option<u8>,
    temporal: u8,
    current: Option<Segment>,
    /// What was forwarded before `current`, the newest first: for what comes late. Most tracks have one layer, so it takes memory only
    /// with the first change, and then for [`SEGMENTS_LEFT_MAX`].
    previous: Vec<Segment>,
    /// The current layer goes on as another stream, or too far away to be the same.
    broken: bool,
    /// A key frame that waits for the end of a frame of another layer.
    held: Option<Held>,
    /// One whose turn has come.
    ready: Option<Held>,
    heard: [Option<Heard>; LAYERS_MAX],
    next: Next,
}

impl Forwarder {
    /// Nothing is forwarded before [`set_target`](Self::set_target). The starts should be random (RFC 3550, section 5.1); of the
    /// sequence number only the lower 15 bits count, because a receiver that misses the first packets must not miss the first
    /// wrap (RFC 3711, section 3.3.1).
    pub fn new(codec: Codec, first_seq: u16, first_time: u32) -> Self {
        Forwarder {
            audio: codec.is_audio(),
            target: None,
            temporal: u8::MAX,
            current: None,
            previous: Vec::new(),
            broken: false,
            held: None,
            ready: None,
            heard: [None; LAYERS_MAX],
            next: Next {
                seq: u64::from(first_seq & 0x7fff),
                newest: u64::from(first_seq & 0x7fff),
                picture: None,
                tl0: None,
                clock: Clock::new(codec.clock_hz(), first_time),
            },
        }
    }

    /// Which layer to forward. The old one goes on until the new one has a key frame. None: nothing, from now on.
    pub fn set_target(&mut self, layer: Option<u8>) {
        self.target = layer;
        self.held.take_if(|held| Some(held.layer) != layer);
        if layer.is_none() {
            (self.current, self.previous) = (None, Vec::new());
        }
    }

    /// The highest temporal layer to forward. Less takes effect with the next frame, more with a frame that allows it.
    pub fn set_temporal(&mut self, highest: Option<u8>) {
        self.temporal = highest.unwrap_or(u8::MAX);
    }

    /// The layer whose key frame is waited for.
    pub fn awaits_keyframe(&self) -> Option<u8> {
        let settled = self.current() == self.target && !self.broken || self.held.is_some();
        self.target.filter(|_| !settled && !self.audio)
    }

    /// The layer that is forwarded now.
    pub fn current(&self) -> Option<u8> {
        self.current.as_ref().map(|segment| segment.layer)
    }

    /// A key frame that waits until a frame of another layer has ended: its layer and first packet. What comes of that layer from there
    /// on will be asked for again.
    pub fn held(&self) -> Option<(u8, u64)> {
        self.held.map(|held| (held.layer, held.seq))
    }

    /// Its turn has come: give its first packet again, and all that came after it.
    pub fn poll_held(&mut self) -> Option<(u8, u64)> {
        let ready = self.held.take_if(|held| held.due)?;
        self.ready = Some(ready);
        Some((ready.layer, ready.seq))
    }

    /// The packet's numbers for this subscriber. None: it is not for them.
    pub fn rewrite(&mut self, packet: &Incoming<'_>) -> Option<Rewritten> {
        let hearing = hear(self.heard.get_mut(usize::from(packet.layer))?, packet);
        let target = self.target?;
        if self.ready.take().is_some_and(|held| held.layer == target && held.is(packet)) {
            return self.begin_held(packet);
        }
        if self.ends_wait(packet) {
            return None;
        }
        if let Some(current) = self.current.as_mut().filter(|segment| segment.covers(packet, self.next.clock.hz())) {
            self.broken &= !hearing.newest;
            let taken = current.take(packet, self.temporal, &mut self.next);
            let ended = !current.is_open();
            self.held.iter_mut().for_each(|held| held.due |= ended);
            return taken;
        }
        if let Some(previous) = self.previous.iter_mut().find(|segment| segment.has_place(packet)) {
            return previous.take_late(packet);
        }
        if packet.layer == target && self.may_begin(packet, &hearing) {
            return self.begin_or_wait(packet, hearing.behind);
        }
        self.broken |= hearing.newest && self.current() == Some(packet.layer);
        None
    }

    /// A key frame that can be had from its first packet on, and not one from before what is forwarded already.
    fn may_begin(&self, packet: &Incoming<'_>, hearing: &Hearing) -> bool {
        let whole = packet.descriptor.self_contained || hearing.begins_frame;
        let late = self.current.iter().chain(&self.previous).any(|segment| segment.is_behind(packet));
        packet.descriptor.keyframe && whole && !late && hearing.near && (hearing.behind == 0 || packet.replayable)
    }

    /// Whether a packet comes after the end that a key frame waits for: then it is not forwarded.
    fn ends_wait(&mut self, packet: &Incoming<'_>) -> bool {
        let (Some(held), Some(current)) = (&mut self.held, &mut self.current) else { return false };
        let ends = current.is_passed_by(packet, self.next.clock.hz());
        if ends {
            current.end(Some(packet), &mut self.next);
        }
        held.due |= ends || held.is_overdue(packet);
        ends
    }

    /// Never in the middle of a frame of another layer.
    fn begin_or_wait(&mut self, packet: &Incoming<'_>, replay: u64) -> Option<Rewritten> {
        if self.current.as_ref().is_some_and(|current| current.is_open() && current.layer != packet.layer) {
            self.held.get_or_insert(Held::new(packet));
            return None;
        }
        self.begin(packet, replay)
    }

    fn begin_held(&mut self, packet: &Incoming<'_>) -> Option<Rewritten> {
        if let Some(current) = self.current.as_mut().filter(|current| current.is_open()) {
            current.end(None, &mut self.next);
        }
        self.begin(packet, 0)
    }

    fn begin(&mut self, packet: &Incoming<'_>, replay: u64) -> Option<Rewritten> {
        self.leave();
        let time = self.next.clock.restart(packet);
        let mut segment = Segment::new(packet, &self.next, time.wrapping_sub(packet.time));
        let first = segment.take(packet, self.temporal, &mut self.next);
        self.current = Some(segment);
        self.broken = false;
        first.map(|first| Rewritten { replay, ..first })
    }

    fn leave(&mut self) {
        if let Some(current) = self.current.take() {
            self.previous.reserve_exact(SEGMENTS_LEFT_MAX.saturating_sub(self.previous.len()));
            self.previous.truncate(SEGMENTS_LEFT_MAX - 1);
            self.previous.insert(0, current);
        }
    }
}

/// Where the subscriber's numbers go on.
#[derive(Debug)]
struct Next {
    seq: u64,
    /// The highest number that the subscriber got; at first, the one that it gets first.
    newest: u64,
    /// Number of the next frame, wider than it is written.
    picture: Option<u64>,
    tl0: Option<u8>,
    clock: Clock,
}

impl Next {
    /// One more than the newest, whether its frame was forwarded or left out.
    fn pass_tl0(&mut self, given: Option<u8>) {
        let after = given.map(|given| given.wrapping_add(1));
        let ahead = |known: u8| after.is_some_and(|after| after.wrapping_sub(known).cast_signed() > 0);
        self.tl0 = if self.tl0.is_none_or(ahead) { after } else { self.tl0 };
    }
}

/// How far a layer has come, forwarded or not.
#[derive(Clone, Copy, Debug)]
struct Heard {
    stream: u32,
    newest: u64,
    time: u32,
    /// The stream before this one.
    replaced: Option<u32>,
    /// Packets in a row that belong to an older time. One is late, many are a source that has gone back.
    strays: u8,
}

/// How a packet stands to those heard before.
struct Hearing {
    /// None came that follows it.
    newest: bool,
    /// The newest that came is so many further.
    behind: u64,
    /// It is not from an older time of the stream.
    near: bool,
    /// The one right before it is here and belongs to another frame.
    begins_frame: bool,
}

fn hear(heard: &mut Option<Heard>, packet: &Incoming<'_>) -> Hearing {
    let fresh = Heard { stream: packet.stream, newest: packet.seq, time: packet.time, replaced: None, strays: 0 };
    let known = heard.get_or_insert(fresh);
    let same = known.stream == packet.stream;
    let behind = known.newest.saturating_sub(packet.seq);
    let stray = if same { behind >= SEQ_WINDOW } else { known.replaced == Some(packet.stream) };
    known.strays = if stray { known.strays.saturating_add(1) } else { 0 };
    if stray && known.strays < STRAYS_MAX {
        return Hearing { newest: false, behind, near: false, begins_frame: false };
    }
    if stray || !same {
        *known = Heard { replaced: if same { known.replaced } else { Some(known.stream) }, ..fresh };
        return Hearing { newest: true, behind: 0, near: true, begins_frame: false };
    }
    let begins_frame = known.newest.checked_add(1) == Some(packet.seq) && known.time != packet.time;
    if behind == 0 {
        (known.newest, known.time) = (packet.seq, packet.time);
    }
    Hearing { newest: behind == 0, behind, near: true, begins_frame }
}

/// Whether a number can belong to a stream that has come to `newest`.
fn is_near(newest: u64, seq: u64) -> bool {
    if seq > newest { seq - newest <= SEQ_AHEAD_MAX } else { newest - seq < SEQ_WINDOW }
}
