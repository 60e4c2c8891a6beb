//! One clock out of several whose readings have nothing to do with each other.

use std::time::{Duration, Instant, UNIX_EPOCH};

use str0m::rtp::rtcp::SenderInfo;

use super::Incoming;

/// What a publisher says of the moment of a timestamp (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// By the publisher's own clock, since any moment that is the same for all their streams.
    pub clock: Duration,
    /// The RTP timestamp of that moment.
    pub time: u32,
}

impl From<SenderInfo> for SenderReport {
    fn from(info: SenderInfo) -> Self {
        let clock = info.ntp_time.duration_since(UNIX_EPOCH).unwrap_or_default();
        SenderReport { clock, time: info.rtp_time.numer() as u32 }
    }
}

/// By so much the publisher's clock and the arrivals may differ about a gap, in seconds. Beyond, the arrivals are believed.
const DISAGREEMENT_SECONDS_MAX: u64 = 1;

/// A switch may make up for lateness by this part of a second.
const CATCH_UP_PER_SECOND: i64 = 5;

/// Timestamps may run ahead of the arrivals by this many seconds, or the stream has started anew.
const AHEAD_SECONDS_MAX: i64 = 10;

/// Timestamps of newer packets may be this many seconds older.
const BACK_SECONDS_MAX: i64 = 1;

/// The longest step of the subscriber's timestamps: a longer one would look like one back.
const STEP_MAX: i64 = 1 << 30;

/// A timestamp and when it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub time: u32,
    pub arrival: Instant,
    pub report: Option<SenderReport>,
}

impl Moment {
    pub fn of(packet: &Incoming<'_>) -> Self {
        Moment { time: packet.time, arrival: packet.arrival, report: packet.report }
    }

    /// Takes over a packet's time if it is newer.
    pub fn pass_to(&mut self, packet: &Incoming<'_>) {
        if self.is_before(packet) {
            (self.time, self.arrival) = (packet.time, packet.arrival);
        }
        self.report = packet.report.or(self.report);
    }

    /// Whether the packet's frame is a later one.
    pub fn is_before(&self, packet: &Incoming<'_>) -> bool {
        packet.time.wrapping_sub(self.time).cast_signed() > 0
    }

    /// Whether a newer packet of the same stream can have that timestamp.
    pub fn can_precede(&self, packet: &Incoming<'_>, hz: u32) -> bool {
        let step = i64::from(packet.time.wrapping_sub(self.time).cast_signed());
        let elapsed = ticks(packet.arrival.saturating_duration_since(self.arrival), hz);
        let second = i64::from(hz);
        elapsed > STEP_MAX || (-BACK_SECONDS_MAX * second..=elapsed + AHEAD_SECONDS_MAX * second).contains(&step)
    }

    /// By the publisher's clock, in ticks.
    fn captured(&self, hz: u32) -> Option<i64> {
        let report = self.report?;
        let since = i64::from(self.time.wrapping_sub(report.time).cast_signed());
        Some(ticks(report.clock, hz).saturating_add(since))
    }
}

/// The timestamps of a subscriber.
#[derive(Debug)]
pub(super) struct Clock {
    hz: u32,
    /// The newest that was given out.
    time: u32,
    /// What was given out: the first and the newest moment as the publisher saw them.
    given: Option<Given>,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    began: Instant,
    newest: Moment,
    /// Ticks from the first timestamp to the newest.
    ticks: i64,
    /// Timestamps are ahead of the publisher's clock by so many ticks, because they could not go back.
    lead: i64,
}

impl Clock {
    pub fn new(hz: u32, first: u32) -> Self {
        Clock { hz, time: first, given: None }
    }

    pub fn hz(&self) -> u32 {
        self.hz
    }

    /// The newest packet of what is forwarded, and what it got.
    pub fn note(&mut self, newest: Moment, time: u32) {
        let given = self.given.get_or_insert(Given { began: newest.arrival, newest, ticks: 0, lead: 0 });
        given.ticks = given.ticks.saturating_add(time.wrapping_sub(self.time).cast_signed().into());
        (given.newest, self.time) = (newest, time);
    }

    /// The timestamp for the first packet of another stream: later than the last by the real gap, and by one tick at least.
    pub fn restart(&mut self, packet: &Incoming<'_>) -> u32 {
        let Some(given) = &mut self.given else { return self.time };
        let step = given.step(&Moment::of(packet), self.hz);
        self.time.wrapping_add(step as u32)
    }
}

impl Given {
    fn step(&mut self, to: &Moment, hz: u32) -> i64 {
        let arrived = ticks(to.arrival.saturating_duration_since(self.newest.arrival), hz);
        let captured = to.captured(hz).zip(self.newest.captured(hz)).map(|(to, from)| to.saturating_sub(from));
        let believed = captured.filter(|captured| captured.abs_diff(arrived) <= DISAGREEMENT_SECONDS_MAX * u64::from(hz));
        // Each arrival may be late in its own way: measured from the first, these errors do not add up over many switches.
        let due = ticks(to.arrival.saturating_duration_since(self.began), hz).saturating_sub(self.ticks);
        let latest = arrived.saturating_add(i64::from(hz) / CATCH_UP_PER_SECOND);
        let ideal = believed.map_or(due.min(latest), |captured| captured.saturating_sub(self.lead));
        let step = ideal.clamp(1, STEP_MAX);
        self.lead = if believed.is_some() { (step - ideal).max(0) } else { 0 };
        step
    }
}

fn ticks(duration: Duration, hz: u32) -> i64 {
    let whole = duration.as_secs().saturating_mul(hz.into());
    let part = u64::from(duration.subsec_nanos()) * u64::from(hz) / 1_000_000_000;
    i64::try_from(whole.saturating_add(part)).unwrap_or(i64::MAX)
}
