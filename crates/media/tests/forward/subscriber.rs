//! A subscriber that judges what it gets, knowing what was really sent.

use crate::network::{Frames, Made};
use crate::source::Vp8;
use media::limit::SEGMENTS_LEFT_MAX;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// A packet as it was sent on.
#[derive(Clone, Copy, Debug)]
pub struct Got {
    /// Which of the publisher's.
    pub made: usize,
    /// How often the track had been switched off.
    pub offs: u64,
    pub sent_ms: u64,
    pub seq: u64,
    pub time: u32,
    pub picture: u16,
    pub tl0: u8,
}

impl Got {
    pub fn read(made: usize, offs: u64, sent_ms: u64, (seq, time): (u64, u32), payload: &[u8]) -> Self {
        let (picture, tl0) = Vp8::counters(payload);
        Got { made, offs, sent_ms, seq, time, picture: picture.expect("a number"), tl0: tl0.expect("a number") }
    }
}

/// What a run was like.
pub struct Run<'a> {
    pub made: &'a [Made],
    pub frames: &'a Frames,
    pub picture_bits: u8,
    /// Temporal layers were left out now and then.
    pub thinned: bool,
    /// Nothing was lost or late.
    pub clean: bool,
    /// When the track was switched off.
    pub offs_ms: &'a [u64],
    /// How far timestamps may be from the truth.
    pub time_error_ms: i64,
}

/// Packets of one stream in a row, by their numbers.
type Stretch = Vec<Got>;

impl Run<'_> {
    pub fn judge(&self, mut got: Vec<Got>) {
        got.sort_by_key(|got| got.seq);
        let stretches = self.stretches(&got);
        for (number, stretch) in stretches.iter().enumerate() {
            // From some switch after this stretch on, nothing late finds its place any more.
            let closed_ms = stretches
                .get(number + 1 + SEGMENTS_LEFT_MAX)
                .map(|later| later.iter().map(|got| got.sent_ms).min().expect("some"));
            self.judge_packets(stretch, closed_ms.unwrap_or(u64::MAX));
            self.judge_frames(stretch);
            self.judge_references(stretch, closed_ms.unwrap_or(u64::MAX));
        }
        for pair in stretches.windows(2) {
            self.judge_switch(&pair[0], &pair[1]);
        }
        self.judge_time(&stretches);
    }

    fn of(&self, got: &Got) -> &Made {
        &self.made[got.made]
    }

    fn stretches(&self, got: &[Got]) -> Vec<Stretch> {
        let same = |a: &Got, b: &Got| self.of(a).epoch == self.of(b).epoch && a.offs == b.offs;
        got.chunk_by(same).map(<[Got]>::to_vec).collect()
    }

    /// Numbers go on by one; one is missing only where a packet did not come.
    fn judge_packets(&self, stretch: &Stretch, closed_ms: u64) {
        let first = self.of(&stretch[0]);
        assert!(first.key && first.index == 0, "begins with {first:?}");
        for pair in stretch.windows(2) {
            let (a, b) = (self.of(&pair[0]), self.of(&pair[1]));
            let gap = pair[1].seq.checked_sub(pair[0].seq + 1).expect("a number twice");
            let between: Vec<&Made> = self.between(pair[0].made, pair[1].made).collect();
            assert!(a.packet.seq < b.packet.seq, "out of order: {a:?} {b:?}");
            assert_eq!(between.len() as u64, b.packet.seq - a.packet.seq - 1);
            let missing = between.iter().filter(|made| self.is_missing(made, pair[0].offs, closed_ms)).count() as u64;
            let dropped = between.len() as u64 - missing;
            if self.thinned {
                assert!((missing..=between.len() as u64).contains(&gap), "{gap} free numbers, {missing} missing: {a:?} {b:?}");
                let thin = |made: &&&Made| !self.is_missing(made, pair[0].offs, closed_ms);
                assert!(between.iter().filter(thin).all(|made| made.temporal > 0), "left out of {between:?}");
            } else {
                assert_eq!((gap, dropped), (missing, 0), "not sent on: {between:?}");
            }
        }
    }

    /// It never came, or too late.
    fn is_missing(&self, made: &Made, offs: u64, closed_ms: u64) -> bool {
        let off_ms = self.offs_ms.get(offs as usize).copied().unwrap_or(u64::MAX);
        made.arrivals.first().is_none_or(|arrival| *arrival >= closed_ms.min(off_ms))
    }

    /// The packets of the same epoch from one to another.
    fn between(&self, from: usize, to: usize) -> impl Iterator<Item = &Made> {
        let epoch = self.made[from].epoch;
        self.made[from + 1..to].iter().filter(move |made| made.epoch == epoch)
    }

    /// Every packet of a frame has its counters; frames are counted like the publisher's.
    fn judge_frames(&self, stretch: &Stretch) {
        let mut last: Option<Got> = None;
        let sent: BTreeSet<u64> = stretch.iter().map(|got| self.of(got).frame).collect();
        for got in stretch {
            let Some(before) = last.replace(*got) else { continue };
            let (a, b) = (self.of(&before), self.of(got));
            assert_eq!(got.tl0.wrapping_sub(before.tl0), (b.tl0 - a.tl0) as u8, "{a:?} {b:?}");
            assert_eq!(got.time.wrapping_sub(before.time), b.packet.time.wrapping_sub(a.packet.time));
            let step = u64::from(got.picture.wrapping_sub(before.picture)) & ((1 << self.picture_bits) - 1);
            let skipped: Vec<u64> = (a.frame + 1..b.frame).filter(|frame| !sent.contains(frame)).collect();
            let lost = skipped
                .iter()
                .filter(|frame| self.frames[&(a.epoch, **frame)].iter().all(|made| self.made[*made].arrivals.is_empty()));
            match (b.frame - a.frame, self.thinned, self.clean) {
                (0, ..) => assert_eq!(step, 0),
                (frames, false, _) => assert_eq!(step, frames, "{a:?} {b:?}"),
                (_, true, true) => assert_eq!(step, 1),
                (frames, true, false) => assert!((1 + lost.count() as u64..=frames).contains(&step), "{step}: {a:?} {b:?}"),
            }
        }
    }

    /// A decoder that begins with the stretch has whatever a frame needs, but for what the network lost.
    fn judge_references(&self, stretch: &Stretch, closed_ms: u64) {
        let first = self.of(&stretch[0]).frame;
        let mut whole: BTreeMap<u64, u64> = BTreeMap::new();
        for got in stretch {
            *whole.entry(self.of(got).frame).or_default() += 1;
        }
        let last = *whole.keys().last().expect("some");
        // With layers left out, a late frame may be judged by what has been decided since.
        let late = |made: &Made| self.thinned && made.late;
        let missing = |made: &Made| self.is_missing(made, stretch[0].offs, closed_ms) || late(made);
        let is_lost = |packets: &Vec<usize>| packets.iter().any(|made| missing(&self.made[*made]));
        for got in stretch {
            let made = self.of(got);
            for frame in made.refs.iter().copied().chain([made.frame]).filter(|frame| *frame != last) {
                let packets = &self.frames[&(made.epoch, frame)];
                let complete = whole.get(&frame) == Some(&(packets.len() as u64));
                assert!(frame >= first && (complete || is_lost(packets) || late(made)), "{frame} is missing for {made:?}");
            }
        }
    }

    fn judge_switch(&self, before: &Stretch, after: &Stretch) {
        let (a, b) = (before.last().expect("some"), &after[0]);
        let newest = before.iter().max_by_key(|got| self.of(got).frame).expect("some");
        // A lost packet keeps its number even when those after it are left out.
        let lost = if self.thinned { self.lost_after(a.made) } else { 0 };
        let gap = self.gap_at_switch(a, b);
        assert!((gap.start() + 1..=gap.end() + 1 + lost).contains(&(b.seq - a.seq)), "a gap at a switch: {:?}", self.of(b));
        let step = u64::from(b.picture.wrapping_sub(newest.picture)) & ((1 << self.picture_bits) - 1);
        assert!((1..=1 + lost).contains(&step), "pictures jump at a switch: {:?}", self.of(b));
        assert!((1..=1 + lost).contains(&b.tl0.wrapping_sub(newest.tl0).into()), "tl0 jumps at a switch: {:?}", self.of(b));
        assert!(b.time.wrapping_sub(newest.time).cast_signed() > 0, "time goes back");
    }

    /// A frame is forwarded whole before another layer begins: what is missing of it keeps its numbers.
    fn gap_at_switch(&self, a: &Got, b: &Got) -> RangeInclusive<u64> {
        let (last, first) = (self.of(a), self.of(b));
        let rest = !last.packet.ends_frame;
        if a.offs != b.offs || last.packet.layer == first.packet.layer {
            return 0..=0;
        }
        assert!(!(self.clean && rest), "cut by {first:?}: {last:?}");
        let is_missing = |made: &&Made| made.arrivals.first().is_none_or(|arrival| *arrival >= b.sent_ms);
        let next = self.made[a.made + 1..].iter().filter(|made| made.epoch == last.epoch);
        let missing = next.take_while(is_missing).count() as u64;
        // Where nobody could tell how much was missing, one place was kept, and this may have filled it.
        let filled = last.arrivals.first().is_none_or(|arrival| *arrival >= b.sent_ms);
        u64::from(rest && !filled && !self.thinned)..=missing.max(rest.into())
    }

    /// Packets of the next few frames that did not come in time.
    fn lost_after(&self, made: usize) -> u64 {
        let last = &self.made[made];
        let next = self.made[made..].iter().filter(|made| made.epoch == last.epoch && made.frame <= last.frame + 10);
        next.filter(|made| made.late || made.arrivals.is_empty()).count() as u64
    }

    /// Over the whole run timestamps go on like time itself.
    fn judge_time(&self, stretches: &[Stretch]) {
        let Some(first) = stretches.first().and_then(|stretch| stretch.first()) else { return };
        for got in stretches.iter().flatten() {
            let truth = self.of(got).captured_ms as i64 - self.of(first).captured_ms as i64;
            let told = i64::from(got.time.wrapping_sub(first.time).cast_signed()) / 90;
            assert!((told - truth).abs() <= self.time_error_ms, "{told} ms instead of {truth} ms");
        }
    }
}
