//! How much may be sent to one receiver: congestion control by delay and loss, as browsers have it (draft-ietf-rmcat-gcc-02), from reports
//! on the arrival of each packet. Pure: time is an argument, and bytes are what comes in.
//!
//! What is sent costs a slot in a ring and two sums. All else is done when a report comes.

mod loss;
mod probe;
mod queue;
mod rate;
mod rates;
pub mod report;
mod sent;
mod steady;
mod trend;

use std::time::{Duration, Instant};

use crate::limit::{STATUSES_MAX, STATUSES_PER_PACKET};
use loss::{Beside, Loss};
use probe::{Before, Prober};
use queue::Queue;
use rate::{Rate, Seen};
use rates::Rates;
use report::{REFERENCE_TICK, Report, Status, TICK};
use sent::{Fate, Sent, Slot};
use steady::Steady;
use trend::{Trend, Usage};

pub use probe::Probe;
pub use report::{Malformed, reports};

/// Microseconds for which nothing was reported until less is sent, and between two such steps.
const SILENCE: u64 = 1_000_000;
const SILENCE_STEP: u64 = 500_000;

/// What is left after each.
const SILENCE_BACK_OFF: f64 = 0.7;

/// Microseconds without media sent after which what was seen of the way does not keep anybody from looking again.
const ASLEEP: u64 = 1_000_000;

/// Packets that have to be unreported for that.
const SILENCE_PACKETS: u64 = 10;

/// Microseconds by which a packet may leave late and still count as sent when it was written.
const LEAVES_LATE: u64 = 500;

/// Round trip until one is known, in microseconds, and how much a new one counts.
const FIRST_RTT: u64 = 100_000;
const RTT_WEIGHT: f64 = 0.125;

/// Microseconds of waiting that make a rising delay believed: while the estimate is used, and while much less is sent.
const WAITS: u64 = 8_000;
const WAITS_IDLE: u64 = 30_000;

/// Less than this share of the estimate is much less.
const IDLE: f64 = 0.7;

/// Microseconds of waiting, beyond what is usual, that are too much even if they do not rise.
const WAITS_LONG: u64 = 150_000;

/// What waits goes away if it falls to this share within so many microseconds of sending less.
const GOES_AWAY: f64 = 0.9;
const GOES_TIME: u64 = 1_500_000;

/// It should, if less than this share of what arrived is sent.
const SENDS_LESS: f64 = 0.95;

/// Microseconds of waiting with which nothing is probed, and how long after a cut.
const WAITS_CALM: u64 = 50_000;
const CALM_TIME: u64 = 500_000;

/// Why a packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Media, or a repair of it that was asked for.
    Media,
    /// Padding or repeats that only the [`Probe`] with this number needs.
    Probe(u8),
}

/// Less is sent, so that what waits goes away.
#[derive(Clone, Copy, Debug)]
struct Drain {
    /// Since when nothing more waits.
    since: u64,
    /// What waited then, in microseconds.
    waits: u64,
    /// What arrived when less was sent, in bits per second.
    arrived: f64,
}

/// The congestion control of one transport.
#[derive(Debug)]
pub struct Congestion {
    origin: Instant,
    /// The latest moment, and how many microseconds after the origin it is.
    turn: (Instant, u64),
    sent: Sent,
    /// The first packet of the latest moment in which any was sent: that moment, and its number.
    batch: (u64, u64),
    /// Since the last report, without what probes alone need; and in bits per second.
    sent_bytes: u64,
    sending: Rates,
    arriving: Rates,
    /// The receiver's clock: its last word, and the same without an end.
    reference: Option<(u32, i64)>,
    trend: Trend,
    queue: Queue,
    /// Less is to be sent since then.
    drains: Option<Drain>,
    rate: Rate,
    loss: Loss,
    prober: Prober,
    steady: Steady,
    rtt: Option<f64>,
    /// Statuses that may still be looked at.
    patience: u32,
    /// The number after the highest that was reported.
    reported: u64,
    /// When something was last reported, or less was sent for lack of it.
    heard: u64,
    /// When something was last reported.
    told: u64,
    /// When something was last sent that no probe needs.
    fed: u64,
    least: f64,
}

impl Congestion {
    /// `first_estimate`: bits per second, until something is known.
    pub fn new(now: Instant, first_estimate: u64) -> Self {
        let estimate = first_estimate as f64;
        Congestion {
            origin: now,
            turn: (now, 0),
            sent: Sent::new(),
            batch: (0, 0),
            sent_bytes: 0,
            sending: Rates::new(),
            arriving: Rates::new(),
            reference: None,
            trend: Trend::new(),
            queue: Queue::default(),
            drains: None,
            rate: Rate::new(0, estimate),
            loss: Loss::default(),
            prober: Prober::new(0),
            steady: Steady::new(0, estimate),
            rtt: None,
            patience: STATUSES_MAX,
            reported: 0,
            heard: 0,
            told: 0,
            fed: 0,
            least: rate::LEAST,
        }
    }

    /// A packet was sent. Numbers rise, from packet to packet by one; their lower 16 bits are on the wire. `bytes`: with all headers.
    pub fn sent(&mut self, now: Instant, number: u64, bytes: usize, purpose: Purpose) {
        let at = self.micros(now);
        let only = match purpose {
            Purpose::Media => None,
            Purpose::Probe(id) => Some(id),
        };
        let slot = Slot::new(at, bytes, self.prober.note_sent(only, bytes));
        self.sent_bytes += if only.is_none() { u64::from(slot.bytes) } else { 0 };
        if self.sent.next() == self.reported {
            self.heard = at;
        }
        if self.batch.0 != at {
            self.batch = (at, number);
        }
        self.sent.push(at, number, slot);
        self.fed = if only.is_none() { at } else { self.fed };
        self.patience = self.patience.saturating_add(STATUSES_PER_PACKET).min(STATUSES_MAX);
    }

    /// What was [sent](Congestion::sent) at one moment leaves only at another: what is done in between is no delay of the way.
    pub fn leave(&mut self, turn: Instant, now: Instant) {
        let (turn, at) = (self.micros(turn), self.micros(now));
        if self.batch.0 != turn || at.saturating_sub(turn) < LEAVES_LATE {
            return;
        }
        for number in self.batch.1..self.sent.next() {
            if let Some(slot) = self.sent.get(at, number) {
                slot.leave(at);
            }
        }
    }

    /// A packet was sent once more under its number, because the receiver missed it. What is reported of it from now on says nothing of the
    /// way.
    pub fn sent_again(&mut self, now: Instant, number: u64) {
        let at = self.micros(now);
        let Some(slot) = self.sent.get(at, number).filter(|slot| slot.fate != Fate::Arrived) else { return };
        let (fate, sent, probe) = (std::mem::replace(&mut slot.fate, Fate::Arrived), slot.sent(at), slot.probe);
        if fate != Fate::Missing {
            self.loss.note_lost(sent);
            self.prober.note_lost(probe);
        }
    }

    /// Takes a report on arrivals: one packet of RTCP, whole, as [`reports`] finds them. One that tells of more packets than were sent is
    /// not looked at.
    pub fn handle_feedback(&mut self, now: Instant, packet: &[u8]) -> Result<(), Malformed> {
        let report = Report::parse(packet)?;
        let Some(patience) = self.patience.checked_sub(u32::from(report.count)) else { return Ok(()) };
        self.patience = patience;
        let at = self.micros(now);
        let newest = self.take(at, &report);
        if let Some(sent) = newest {
            let rtt = at.saturating_sub(sent) as f64;
            self.rtt = Some(self.rtt.map_or(rtt, |former| former + RTT_WEIGHT * (rtt - former)));
            (self.heard, self.told) = (at, at);
            self.update(at);
        }
        Ok(())
    }

    /// Time has passed: see [`poll_timeout`](Congestion::poll_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        let at = self.micros(now);
        if self.silent_at().is_some_and(|silent| silent <= at) {
            let before = self.rate.estimate();
            self.rate.set(at, (before * SILENCE_BACK_OFF).max(self.least));
            self.prober.note_cut(at, before, self.rate.estimate());
            self.heard = at.saturating_sub(SILENCE - SILENCE_STEP);
        }
        if self.is_asleep(at) {
            self.queue.rest();
        }
        self.finish_probe(at);
        self.steady.note(at, self.estimate() as f64);
    }

    /// When to call [`handle_timeout`](Congestion::handle_timeout) and then [`poll_probe`](Congestion::poll_probe), if nothing else
    /// happens. Who cannot probe, because there is nothing to repeat, [wants](Congestion::set_wanted) nothing.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let probe = self.prober.poll_timeout(self.estimate() as f64);
        let at = self.silent_at().into_iter().chain(probe).min()?;
        self.origin.checked_add(Duration::from_micros(at))
    }

    /// A probe to be sent now: at its bitrate, beginning with a packet of its own.
    pub fn poll_probe(&mut self, now: Instant) -> Option<Probe> {
        let at = self.micros(now);
        self.finish_probe(at);
        let cut = self.rate.cut_at().is_some_and(|cut| at.saturating_sub(cut) < CALM_TIME);
        let silent = self.waiting() >= SILENCE_PACKETS && at.saturating_sub(self.told) > SILENCE_STEP;
        let waits = self.queue.waits() >= WAITS_CALM;
        let calm = self.trend.usage() != Usage::Over && !waits && !cut && !silent && !self.loss.is_busy();
        // Where nothing is sent, what was seen last would stay for ever, and nothing would ever be sent again to see more.
        let calm = calm || self.is_asleep(at);
        self.prober.poll(&Before { at, estimate: self.estimate() as f64, jitter: self.queue.jitter(), lost: self.loses(), calm })
    }

    /// Bytes and packets that the present probe still lacks: media sent meanwhile counts too.
    pub fn probe_left(&self) -> Option<(usize, usize)> {
        self.prober.left()
    }

    /// Bits per second, smoothed, if they moved since the last time.
    pub fn poll_estimate(&mut self) -> Option<u64> {
        self.steady.poll().map(|estimate| estimate as u64)
    }

    /// Bits per second that may be sent now.
    pub fn estimate(&self) -> u64 {
        let delays = self.rate.estimate();
        self.loss.limit().map_or(delays, |limit| limit.min(delays)).max(self.least) as u64
    }

    /// Bits per second: what the estimate may always assume, and what would be sent if there were room, which is how far to probe.
    pub fn set_wanted(&mut self, now: Instant, least: u64, desired: u64) {
        self.least = (least as f64).clamp(rate::LEAST, rate::MOST);
        let at = self.micros(now);
        self.prober.set_desired(at, (desired as f64).min(rate::MOST));
    }

    /// The round trip, smoothed, with what the receiver waits before it reports.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt.map(|rtt| Duration::from_micros(rtt as u64))
    }

    /// The share of packets lost lately, 0 to 1.
    pub fn loss(&self) -> f32 {
        self.loss.share() as f32
    }

    /// How long packets wait on the way.
    pub fn queue(&self) -> Duration {
        Duration::from_micros(self.queue.waits())
    }

    /// Another way is used from now on. Nothing of the former one counts.
    pub fn reset(&mut self, now: Instant, first_estimate: u64) {
        let at = self.micros(now);
        self.sent.clear();
        self.sending = Rates::new();
        self.forget_clock();
        self.rate = Rate::new(at, first_estimate as f64);
        self.loss = Loss::default();
        let desired = self.prober.desired();
        self.prober = Prober::new(at);
        self.prober.set_desired(at, desired);
        (self.rtt, self.reported, self.heard, self.told) = (None, self.sent.next(), at, at);
        self.steady.note(at, self.estimate() as f64);
    }

    /// Microseconds since it began. A turn of a worker asks often, and it is half of what a packet costs.
    fn micros(&mut self, now: Instant) -> u64 {
        if self.turn.0 != now {
            let passed = now.saturating_duration_since(self.origin);
            self.turn = (now, passed.as_secs() * 1_000_000 + u64::from(passed.subsec_micros()));
        }
        self.turn.1
    }

    /// Delays of before cannot be compared with those to come.
    fn forget_clock(&mut self) {
        self.trend = Trend::new();
        self.queue = Queue::default();
        self.arriving = Rates::new();
        self.drains = None;
    }

    /// The share of packets that gets lost, and of which it is no use to wonder.
    fn loses(&self) -> f64 {
        self.loss.own().max(self.loss.share())
    }

    /// Whether no media was sent for long.
    fn is_asleep(&self, at: u64) -> bool {
        at.saturating_sub(self.fed) > ASLEEP
    }

    /// Packets after the last that was reported.
    fn waiting(&self) -> u64 {
        self.sent.next().saturating_sub(self.reported.max(self.sent.oldest()))
    }

    /// When the lack of reports says something.
    fn silent_at(&self) -> Option<u64> {
        (self.waiting() >= SILENCE_PACKETS && self.rate.estimate() > self.least).then(|| self.heard + SILENCE)
    }

    /// Goes through a report. When the newest was sent of those packets that it is the first to tell of.
    fn take(&mut self, at: u64, report: &Report<'_>) -> Option<u64> {
        let mut arrival = self.arrival(report.reference);
        self.assume(at, report.base, arrival);
        let mut newest = None;
        for (end, status) in (0..report.count).map(|step| report.base.wrapping_add(step)).zip(report.statuses()) {
            if let Status::Arrived(ticks) = status {
                arrival += i64::from(ticks) * TICK;
            }
            let Some((number, slot)) = self.sent.find(at, end) else { continue };
            self.reported = self.reported.max(number + 1);
            let (fate, sent, bytes, probe) = (slot.fate, slot.sent(at), slot.bytes, slot.probe);
            match (status, fate) {
                (_, Fate::Arrived) | (Status::Missing, Fate::Missing) => {}
                (Status::Missing, _) => {
                    slot.fate = Fate::Missing;
                    self.loss.note_lost(sent);
                    self.prober.note_lost(probe);
                }
                (Status::Arrived(_), _) => {
                    slot.fate = Fate::Arrived;
                    self.note_arrived(fate, sent, arrival, bytes, probe);
                    newest = newest.max(Some(sent));
                }
            }
        }
        newest
    }

    fn note_arrived(&mut self, fate: Fate, sent: u64, arrival: i64, bytes: u16, probe: u8) {
        if fate != Fate::Assumed {
            self.arriving.note(arrival, u32::from(bytes));
        }
        self.loss.note_arrived(sent, fate == Fate::Missing);
        if probe != 0 {
            // It fills the way on purpose.
            self.prober.note_arrived(probe, sent, arrival, bytes);
            return;
        }
        self.queue.note(arrival, arrival - sent as i64);
        if !self.trend.note(sent, arrival) {
            self.forget_clock();
        }
    }

    /// Packets before a report that no report told of: it was lost, so take them for arrived, as most are, in the time since the last one.
    fn assume(&mut self, at: u64, base: u16, until: i64) {
        let Some((base, _)) = self.sent.find(at, base) else { return };
        let mut bytes = 0_u64;
        for number in self.reported.max(self.sent.oldest())..base {
            if let Some(slot) = self.sent.get(at, number).filter(|slot| slot.fate == Fate::Unknown) {
                slot.fate = Fate::Assumed;
                bytes += u64::from(slot.bytes);
            }
        }
        self.reported = self.reported.max(base);
        if bytes > 0 {
            self.arriving.spread(until, bytes as f64 * (1.0 - self.loss.share()));
        }
    }

    /// A report's time in microseconds, on a clock that does not wrap.
    fn arrival(&mut self, reference: u32) -> i64 {
        let (last, whole) = self.reference.unwrap_or((reference, 0));
        let step = (reference.wrapping_sub(last) << 8).cast_signed() >> 8;
        let whole = whole.saturating_add(i64::from(step));
        self.reference = Some((reference, whole));
        whole.clamp(-(1 << 40), 1 << 40) * REFERENCE_TICK
    }

    /// Draws conclusions from a report.
    fn update(&mut self, at: u64) {
        self.sending.spread(at as i64, std::mem::take(&mut self.sent_bytes) as f64);
        let before = self.estimate() as f64;
        let waits = self.queue.waits();
        let rtt = self.rtt.map_or(FIRST_RTT, |rtt| rtt as u64);
        // What the way loses anyway was sent too, and fits.
        let passes = |arrives: f64| arrives / (1.0 - self.loss.own()).max(0.1);
        let (long, brief) = (self.arriving.long().map(passes), self.arriving.brief().map(passes));
        let cut = self.rate.update(&Seen { at, usage: self.usage(before, waits), long, brief, rtt, waits });
        self.queue.learn(at);
        self.note_drain(at, waits, cut);
        let sends = self.sending.long().unwrap_or(0.0);
        self.loss.update(&Beside { at, delays: self.rate.estimate(), sends, rtt, waits });
        self.finish_probe(at);
        let after = self.estimate() as f64;
        if after < before {
            self.prober.note_cut(at, before, after);
        }
        self.steady.note(at, after);
    }

    /// A rising delay counts if more waits than usual: still more if little is sent, which can hardly fill the way. What waits long counts
    /// even if it waits no longer than before.
    fn usage(&self, estimate: f64, waits: u64) -> Usage {
        let idle = self.sending.long().is_some_and(|sent| sent < IDLE * estimate);
        let usual = self.queue.usual();
        let least = if idle { WAITS_IDLE + 2 * usual } else { WAITS + usual / 2 };
        match self.trend.usage() {
            Usage::Over if waits < least => Usage::Normal,
            Usage::Normal if waits > WAITS_LONG + usual => Usage::Over,
            usage => usage,
        }
    }

    /// What waits although less is sent does not wait: the way has become longer, or somebody else fills it.
    fn note_drain(&mut self, at: u64, waits: u64, cut: bool) {
        let sends = self.sending.long().unwrap_or(0.0);
        match self.drains {
            None if cut => self.drains = Some(Drain { since: at, waits, arrived: self.arriving.long().unwrap_or(0.0) }),
            Some(drain) if waits > drain.waits => self.drains = Some(Drain { since: at, waits, ..drain }),
            Some(drain) if (waits as f64) < GOES_AWAY * drain.waits as f64 => self.drains = None,
            Some(drain) if at.saturating_sub(drain.since) >= GOES_TIME => {
                if sends < SENDS_LESS * drain.arrived {
                    self.queue.rebase();
                }
                self.drains = None;
            }
            _ => {}
        }
    }

    fn finish_probe(&mut self, at: u64) {
        let estimate = self.estimate() as f64;
        if let Some(found) = self.prober.finish(at, estimate, self.loses(), self.queue.jitter()) {
            self.rate.set(at, found);
            self.loss.lift(found);
            if self.is_asleep(at) {
                self.steady.jump(at, self.estimate() as f64);
            }
        }
    }
}
