//! When something was made, on one clock for all that is recorded.
//!
//! A file has the time of its track's RTP timestamps, because they are even. What they mean is told by sender reports: a moment on the
//! publisher's clock (RFC 3550, section 6.4.1). What that is on ours is told by the packet that was on its way for the shortest time.
//! Clocks drift, so the time of a file is drawn, slowly, to where these say that it is.

use std::time::{Duration, Instant};

use super::us;
use crate::limit::{RECORD_DRIFT_PER_S, RECORD_SETTLE_MAX, RECORD_SETTLE_TIME};
use crate::tap::Packet;

/// How long the shortest way is remembered, at least; twice as long at most.
const WAY_WINDOW: i64 = 10_000_000;

/// Timestamps may run ahead of the arrivals by this many microseconds, or the stream has begun anew.
const AHEAD_MAX: i64 = 1_000_000;

/// Together, the timestamps of a file may run ahead of the arrivals by this many microseconds: a line that stood still when it began. And by
/// a hundredth of the time that passed: no clock is so wrong. What is beyond that is not the time of anything, and a file is no longer.
const FILE_AHEAD_MAX: i64 = 10_000_000;

/// Timestamps of newer packets may be older by this many microseconds.
const BACK_MAX: i64 = 1_000_000;

/// The moment from which everything is counted, and what it is since 1970. The same for all recordings of a server.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    /// On the clock that only goes forward.
    pub moment: Instant,
    /// The same moment, since 1970.
    pub since_1970: Duration,
}

impl Epoch {
    /// A moment since 1970.
    #[must_use]
    pub fn since_1970(&self, us: i64) -> Duration {
        let away = Duration::from_micros(us.unsigned_abs());
        if us < 0 { self.since_1970.saturating_sub(away) } else { self.since_1970.saturating_add(away) }
    }

    /// Microseconds from the beginning, of a moment.
    pub(super) fn us(&self, at: Instant) -> i64 {
        match at.checked_duration_since(self.moment) {
            Some(since) => us(since),
            None => -us(self.moment.saturating_duration_since(at)),
        }
    }
}

/// The smallest of what was said lately.
#[derive(Clone, Copy, Debug, Default)]
struct Lowest {
    /// When the newer half began.
    since: Option<i64>,
    now: Option<i64>,
    before: Option<i64>,
}

impl Lowest {
    fn note(&mut self, at: i64, value: i64) {
        let since = *self.since.get_or_insert(at);
        if at.saturating_sub(since) >= WAY_WINDOW {
            (self.since, self.before, self.now) = (Some(at), self.now, None);
        }
        self.now = self.now.into_iter().chain([value]).min();
    }

    fn get(&self) -> Option<i64> {
        self.now.into_iter().chain(self.before).min()
    }
}

/// What the clock of a publisher is by ours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PeerClock(Lowest);

impl PeerClock {
    /// Something that was made at that moment by the publisher's clock came at this one by ours.
    pub(crate) fn note(&mut self, arrival: i64, made: i64) {
        self.0.note(arrival, arrival.saturating_sub(made));
    }

    /// What a moment of the publisher's clock is by ours; none if nothing was noted.
    pub(crate) fn ours(&self, made: i64) -> Option<i64> {
        self.0.get().map(|away| made.saturating_add(away))
    }
}

/// The time of one file.
#[derive(Clone, Debug)]
pub(super) struct TrackClock {
    hz: i64,
    stream: Option<Stream>,
    /// Since the beginning of the file, of what was placed last.
    last: i64,
    /// What the beginning of the file is by our clock.
    began: Option<i64>,
    /// When the first was placed, and whether the beginning is believed.
    first: Option<i64>,
    settled: bool,
    /// What the time of the file is drawn by so far, and when it was last drawn.
    drawn: i64,
    drawn_at: i64,
}

/// One run of timestamps.
#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    /// The newest timestamp, its ticks since the first, and when it came.
    time: u32,
    ticks: i64,
    arrival: i64,
    /// Where the first is in the file, before anything is drawn.
    base: i64,
    /// By how much packets come later than their timestamps say.
    way: Lowest,
    /// Whether another begins with the next packet.
    ended: bool,
}

impl TrackClock {
    pub fn new(hz: u32) -> Self {
        let hz = i64::from(hz.max(1));
        TrackClock { hz, stream: None, last: 0, began: None, first: None, settled: false, drawn: 0, drawn_at: 0 }
    }

    /// Where in the file something belongs, in microseconds: with this timestamp, of the stream and with the report of this packet. What
    /// is placed first is at zero, and nothing is before what was placed last.
    pub fn place(&mut self, epoch: &Epoch, packet: &Packet, peer: &mut PeerClock) -> i64 {
        let arrival = epoch.us(packet.arrival);
        let made = packet.report.map(|report| {
            let since = i64::from(packet.time.wrapping_sub(report.time).cast_signed());
            us(report.clock).saturating_add(since * 1_000_000 / self.hz)
        });
        if let Some(made) = made {
            peer.note(arrival, made);
        }
        let ours = made.and_then(|made| peer.ours(made));
        let raw = self.raw(packet, arrival, ours);
        self.draw(raw, arrival, ours);
        let place = raw.saturating_add(self.drawn).max(self.last);
        self.last = place;
        place
    }

    /// The timestamps stood still while time passed: what comes next belongs there, or later where its reports say so.
    pub fn begin_anew(&mut self, at: i64) {
        self.last = self.last.max(at);
        if let Some(stream) = &mut self.stream {
            stream.ended = true;
        }
    }

    /// What the beginning of the file is by our clock, in microseconds.
    pub fn began(&self) -> i64 {
        self.began.unwrap_or(0)
    }

    /// Whether the beginning is known as well as it will be.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// Where it is by timestamps alone.
    fn raw(&mut self, packet: &Packet, arrival: i64, ours: Option<i64>) -> i64 {
        let (hz, most) = (self.hz, self.most(arrival));
        let next = self
            .stream
            .as_mut()
            .filter(|stream| stream.ssrc == packet.stream && !stream.ended)
            .and_then(|stream| stream.follow(packet, arrival, hz))
            .filter(|raw| raw.saturating_add(self.drawn) <= most);
        if let Some(raw) = next {
            return raw;
        }
        let base = match (&self.stream, ours.zip(self.began)) {
            (None, _) => 0,
            (Some(_), Some((ours, began))) => ours.saturating_sub(began),
            (Some(last), None) => self.last.saturating_add(arrival.saturating_sub(last.arrival)),
        };
        // Another stream goes on where the one before it was, at the earliest.
        let base = if self.stream.is_some() { base.min(most).max(self.last + 1).saturating_sub(self.drawn) } else { base };
        let way = Lowest::default();
        self.stream = Some(Stream { ssrc: packet.stream, time: packet.time, ticks: 0, arrival, base, way, ended: false });
        base
    }

    /// The latest that what came then can belong, however its timestamps are.
    fn most(&self, arrival: i64) -> i64 {
        let since = self.first.map_or(0, |first| arrival.saturating_sub(first).max(0));
        since.saturating_add(since / 100).saturating_add(FILE_AHEAD_MAX)
    }

    /// Draws the time of the file to where it should be.
    fn draw(&mut self, raw: i64, arrival: i64, ours: Option<i64>) {
        let Some(stream) = &mut self.stream else { return };
        stream.way.note(arrival, arrival.saturating_sub(raw));
        let away = ours.map(|ours| ours.saturating_sub(raw)).or(stream.way.get()).unwrap_or(0);
        let since = arrival.saturating_sub(*self.first.get_or_insert(arrival));
        let Some(began) = self.began.filter(|_| self.settled) else {
            self.began = Some(away.saturating_sub(self.drawn));
            self.settled = since >= us(RECORD_SETTLE_MAX) || ours.is_some() && since >= us(RECORD_SETTLE_TIME);
            self.drawn_at = arrival;
            return;
        };
        let elapsed = arrival.saturating_sub(self.drawn_at).clamp(0, 1_000_000);
        let most = elapsed * us(RECORD_DRIFT_PER_S) / 1_000_000;
        if most > 0 {
            let missing = away.saturating_sub(began).saturating_sub(self.drawn);
            self.drawn = self.drawn.saturating_add(missing.clamp(-most, most));
            self.drawn_at = arrival;
        }
    }
}

impl Stream {
    /// Where a packet of this stream is; none: its timestamp makes no sense after the newest.
    fn follow(&mut self, packet: &Packet, arrival: i64, hz: i64) -> Option<i64> {
        let step = i64::from(packet.time.wrapping_sub(self.time).cast_signed());
        let (step_us, elapsed) = (step * 1_000_000 / hz, arrival.saturating_sub(self.arrival));
        if step_us < -BACK_MAX || step_us > elapsed.saturating_add(AHEAD_MAX) {
            return None;
        }
        let ticks = self.ticks.saturating_add(step);
        if step > 0 {
            (self.time, self.ticks) = (packet.time, ticks);
        }
        self.arrival = self.arrival.max(arrival);
        Some(self.base.saturating_add(ticks.saturating_mul(1_000_000) / hz))
    }
}
