//! What is forwarded from one key frame of one stream on.

use super::line::Line;
use super::time::Moment;
use super::{Incoming, Next, Rewritten, is_near};
use crate::codec::{Picture, Vp8};
use crate::limit::{PICTURE_WINDOW, SEQ_AHEAD_MAX, SEQ_WINDOW};

/// A stream from one of its key frames on, and how its numbers became the subscriber's.
#[derive(Debug)]
pub(super) struct Segment {
    pub layer: u8,
    stream: u32,
    first: u64,
    seqs: Line<{ SEQ_WINDOW as usize / 64 }>,
    time_offset: u32,
    newest: Moment,
    pictures: Option<Line<{ PICTURE_WINDOW as usize / 64 }>>,
    tl0_offset: Option<u8>,
    /// The highest temporal layer that is forwarded now.
    temporal: u8,
    /// The newest frame has packets after the newest.
    open: bool,
}

impl Segment {
    pub fn new(packet: &Incoming<'_>, next: &Next, time_offset: u32) -> Self {
        let vp8 = packet.descriptor.vp8;
        let picture = vp8.and_then(|vp8| vp8.picture).map(|picture| u64::from(picture.id));
        let tl0 = vp8.and_then(|vp8| vp8.tl0);
        Segment {
            layer: packet.layer,
            stream: packet.stream,
            first: packet.seq,
            seqs: Line::new(packet.seq, next.seq),
            time_offset,
            newest: Moment::of(packet),
            pictures: picture.map(|id| Line::new(id, next.picture.unwrap_or(id))),
            tl0_offset: tl0.map(|tl0| next.tl0.unwrap_or(tl0).wrapping_sub(tl0)),
            temporal: u8::MAX,
            open: false,
        }
    }

    /// Whether the newest frame has packets after the newest.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether a packet belongs to a frame after the newest.
    pub fn is_passed_by(&self, packet: &Incoming<'_>, hz: u32) -> bool {
        self.covers(packet, hz) && self.seqs.is_newer(packet.seq) && self.newest.is_before(packet)
    }

    /// No later frame is forwarded. What is missing of the newest keeps its places: all before the next frame, or one if what is
    /// missing before that packet may be of several frames.
    pub fn end(&mut self, passed_by: Option<&Incoming<'_>>, next: &mut Next) {
        let before = passed_by.filter(|packet| self.is_followed_by(packet)).map(|packet| packet.seq.wrapping_sub(1));
        self.seqs.pass(before.unwrap_or(self.seqs.newest().wrapping_add(1)));
        self.seqs.come_back(next.newest + SEQ_AHEAD_MAX);
        self.open = false;
        next.seq = self.seqs.next();
    }

    fn is_followed_by(&self, packet: &Incoming<'_>) -> bool {
        let next = |pictures: &Line<_>| pictures.newest().wrapping_add(1);
        let known = self.pictures.as_ref().map(next).zip(self.picture(packet));
        packet.descriptor.starts_frame && known.is_none_or(|(next, number)| next == number)
    }

    /// Whether a packet goes on with this, or belongs into it.
    pub fn covers(&self, packet: &Incoming<'_>, hz: u32) -> bool {
        let inside = self.is_source(packet) && packet.seq >= self.first && is_near(self.seqs.newest(), packet.seq);
        let late = !self.seqs.is_newer(packet.seq) && !self.newest.is_before(packet);
        inside && (late || self.newest.can_precede(packet, hz))
    }

    /// Whether a packet fills a place between those forwarded. A newer frame would be one that others were left out after.
    pub fn has_place(&self, packet: &Incoming<'_>) -> bool {
        let inside = self.is_source(packet) && packet.seq >= self.first && is_near(self.seqs.newest(), packet.seq);
        inside && !self.seqs.is_newer(packet.seq) && !self.newest.is_before(packet)
    }

    /// From before the first packet, and not by so much that it must be something else.
    pub fn is_behind(&self, packet: &Incoming<'_>) -> bool {
        self.is_source(packet) && self.first.checked_sub(packet.seq).is_some_and(|distance| distance < SEQ_WINDOW)
    }

    /// A packet that this covers.
    pub fn take(&mut self, packet: &Incoming<'_>, temporal: u8, next: &mut Next) -> Option<Rewritten> {
        let newer = self.seqs.is_newer(packet.seq);
        let taken = self.place(packet, temporal, next.newest + SEQ_AHEAD_MAX);
        if newer {
            self.open = taken.is_some() && !packet.ends_frame;
        }
        next.seq = self.seqs.next();
        next.newest = taken.map_or(next.newest, |taken| taken.seq.max(next.newest));
        next.picture = self.pictures.as_ref().map(Line::next).or(next.picture);
        next.pass_tl0(self.tl0(packet));
        if taken.is_some() {
            self.newest.pass_to(packet);
            next.clock.note(self.newest, self.newest.time.wrapping_add(self.time_offset));
        }
        taken
    }

    /// A packet that has a place in this, when something else is forwarded already.
    pub fn take_late(&mut self, packet: &Incoming<'_>) -> Option<Rewritten> {
        self.place(packet, self.temporal, u64::MAX)
    }

    /// `most`: the highest number that the subscriber may get now. Of what is missing, and was followed by what was left out, there may be
    /// more than one stream may lose; those places are given up that are too old to be filled.
    fn place(&mut self, packet: &Incoming<'_>, temporal: u8, most: u64) -> Option<Rewritten> {
        if self.seqs.is_used(packet.seq) {
            return None;
        }
        let newest = self.seqs.is_newer(packet.seq);
        let wanted = self.wants(packet, temporal);
        if !wanted || (packet.descriptor.empty && newest) {
            self.seqs.close(packet.seq);
            self.seqs.come_back(most);
            return None;
        }
        self.seqs.pass(packet.seq);
        self.seqs.come_back(most.saturating_add(1));
        let seq = self.seqs.take(packet.seq);
        Some(Rewritten { seq, time: packet.time.wrapping_add(self.time_offset), vp8: self.counters(packet), replay: 0 })
    }

    /// Decides on the packet's frame when its first packet comes; the others follow.
    fn wants(&mut self, packet: &Incoming<'_>, temporal: u8) -> bool {
        let number = self.picture(packet);
        let fresh = match (&self.pictures, number) {
            (Some(pictures), Some(number)) => pictures.is_newer(number),
            _ => packet.descriptor.starts_frame,
        };
        if fresh {
            self.choose_temporal(packet, temporal);
        }
        let within = packet.descriptor.keyframe || packet.descriptor.temporal.is_none_or(|layer| layer <= self.temporal);
        let (Some(pictures), Some(number)) = (&mut self.pictures, number) else { return within };
        match pictures.is_used(number) {
            true => return !pictures.is_closed(number),
            false if within => drop(pictures.take(number)),
            false => pictures.close(number),
        }
        within
    }

    fn choose_temporal(&mut self, packet: &Incoming<'_>, wished: u8) {
        let descriptor = packet.descriptor;
        let layer = descriptor.temporal.unwrap_or(0);
        if descriptor.keyframe || wished < self.temporal {
            self.temporal = wished;
        } else if descriptor.layer_sync && layer <= wished && self.temporal.checked_add(1) == Some(layer) {
            self.temporal = layer;
        }
    }

    fn counters(&mut self, packet: &Incoming<'_>) -> Option<Vp8> {
        let mut vp8 = packet.descriptor.vp8?;
        if let (Some(Picture { bits, .. }), Some(number)) = (vp8.picture, self.picture(packet)) {
            let given = self.pictures.as_mut()?.take(number);
            vp8.picture = Some(Picture { id: (given & mask(bits)) as u16, bits });
        }
        vp8.tl0 = self.tl0(packet).or(vp8.tl0);
        Some(vp8)
    }

    /// The packet's picture number, continued beyond its width.
    fn picture(&self, packet: &Incoming<'_>) -> Option<u64> {
        let Picture { id, bits } = packet.descriptor.vp8.as_ref()?.picture?;
        let newest = self.pictures.as_ref()?.newest();
        let half = 1 << (bits - 1);
        let ahead = u64::from(id).wrapping_sub(newest).wrapping_add(half - 1) & mask(bits);
        Some(newest.wrapping_add(ahead).wrapping_sub(half - 1))
    }

    fn tl0(&self, packet: &Incoming<'_>) -> Option<u8> {
        let Vp8 { tl0, .. } = packet.descriptor.vp8.as_ref()?;
        Some((*tl0)?.wrapping_add(self.tl0_offset?))
    }

    fn is_source(&self, packet: &Incoming<'_>) -> bool {
        self.layer == packet.layer && self.stream == packet.stream
    }
}

fn mask(bits: u8) -> u64 {
    (1 << bits) - 1
}
