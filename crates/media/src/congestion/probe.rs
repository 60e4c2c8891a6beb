//! Finding out whether more would pass: a few packets faster than usual, and how fast they arrive.

/// A few packets to be sent faster than usual. Whatever is sent until they are complete is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// To be named with packets that are sent only for it; never 0.
    pub id: u8,
    /// How fast, in bits per second.
    pub bitrate: u64,
    /// How many bytes at least, and packets at least.
    pub bytes: usize,
    /// Packets that it has at least.
    pub packets: usize,
}

impl Probe {
    /// Bytes that should have been sent so many microseconds after the first, and one packet more.
    pub fn bytes_after(&self, micros: u64) -> usize {
        let bytes = u128::from(self.bitrate) * u128::from(micros) / 8_000_000;
        usize::try_from(bytes).unwrap_or(self.bytes).min(self.bytes)
    }
}

/// Seconds of sending: at least, at most, and so many times the jitter, in which a shorter one would drown. Packets at least.
const TIME: (f64, f64) = (0.02, 0.06);
const JITTERS: f64 = 4.0;
const PACKETS: usize = 5;

/// The same where more than this share gets lost.
const PACKETS_LOSSY: usize = 12;
const LOSSY: f64 = 0.05;

/// How much faster than what is known: the first one and the first after a fall, at most; and those that follow.
const FIRST: f64 = 4.0;
const FURTHER: f64 = 2.0;

/// After a fall, so much of what was known before.
const RETURN: f64 = 0.85;

/// It is enough to know that a little more than what is wanted would pass.
const ENOUGH: f64 = 1.15;

/// If so much of a probe passed, more might.
const PASSED: f64 = 0.7;

/// And it is worth another one if it found so many times the estimate.
const NEWS: f64 = 1.05;

/// Of bytes and packets sent, how many have to arrive.
const ARRIVED: f64 = 0.75;

/// Arriving slower than this share of sending, the way is full; then so much of it is counted on.
const FULL: f64 = 0.9;
const FULL_USE: f64 = 0.95;

/// Arriving so many times faster than sent is no measurement.
const TOO_FAST: f64 = 2.0;

/// Where a probe is shorter than so many times the jitter, chance has a part in what it finds. So much of the estimate is believed at a
/// time, and so many bits per second anyway.
const UNEVEN: f64 = 4.0;
const UNEVEN_STEP: f64 = 1.5;
const LEAST_STEP: f64 = 500_000.0;

/// Less than this share of the estimate, twice in a row, and it is wrong.
const WRONG: f64 = 0.8;

/// Microseconds: between probes that find nothing, at first and at most, growing by a factor; until one that was not sent or
/// answered is given up, and until the next if part of the answer was lost or
/// it is no time for one; and how long an estimate before a fall is remembered.
const PAUSE: u64 = 2_000_000;
const PAUSE_MAX: u64 = 5_000_000;
const PAUSE_GROWTH: f64 = 1.5;
const GIVEN_UP: u64 = 1_000_000;
const AGAIN: u64 = 300_000;
const LATER: u64 = 50_000;
const REMEMBERED: u64 = 10_000_000;

/// Microseconds between two probes, whatever they find.
const GAP: u64 = 100_000;

/// A fall to less than this share is remembered.
const FALL: f64 = 0.66;

/// A probe on its way.
#[derive(Debug)]
struct Cluster {
    probe: Probe,
    asked: u64,
    sent_bytes: u64,
    sent: u32,
    arrived_bytes: u64,
    arrived: u32,
    lost: u32,
    /// First and last: sent, and arrived; bytes of the last sent and of the first arrived.
    times: Option<Times>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    sent: (u64, u64),
    arrived: (i64, i64),
    last_bytes: u16,
    first_bytes: u16,
}

impl Cluster {
    fn is_complete(&self) -> bool {
        self.sent as usize >= self.probe.packets && self.sent_bytes >= self.probe.bytes as u64
    }

    fn is_answered(&self) -> bool {
        self.is_complete() && self.arrived + self.lost >= self.sent
    }

    /// Whether reports on part of it got lost.
    fn is_untold(&self) -> bool {
        let told = self.arrived + self.lost;
        told > 0 && f64::from(told) < ARRIVED * f64::from(self.sent)
    }

    fn note(&mut self, sent: u64, arrival: i64, bytes: u16) {
        self.arrived += 1;
        self.arrived_bytes += u64::from(bytes);
        let new = Times { sent: (sent, sent), arrived: (arrival, arrival), last_bytes: bytes, first_bytes: bytes };
        let times = self.times.get_or_insert(new);
        if sent >= times.sent.1 {
            (times.sent.1, times.last_bytes) = (sent, bytes);
        }
        if arrival < times.arrived.0 {
            (times.arrived.0, times.first_bytes) = (arrival, bytes);
        }
        times.sent.0 = times.sent.0.min(sent);
        times.arrived.1 = times.arrived.1.max(arrival);
    }

    /// Bits per second that passed, and whether there was no room for more.
    ///
    /// `lost`: the share that gets lost anyway.
    fn result(&self, lost: f64) -> Option<(f64, bool)> {
        let enough = |arrived: f64, sent: f64| arrived >= sent * ARRIVED * (1.0 - lost);
        let times = self.times?;
        let whole =
            enough(f64::from(self.arrived), self.sent as f64) && enough(self.arrived_bytes as f64, self.sent_bytes as f64);
        if !whole || self.arrived < 4 {
            return None;
        }
        let rate =
            |bytes: u64, left_out: u16, micros: i64| bytes.saturating_sub(u64::from(left_out)) as f64 * 8e6 / micros as f64;
        let planned = self.probe.bitrate as f64;
        let took = times.sent.1 as i64 - times.sent.0 as i64;
        // Some leave together, in one call. Nothing is proven by more than what was asked for.
        let sent = if took > 0 { rate(self.sent_bytes, times.last_bytes, took).min(planned) } else { planned };
        let arrived = rate(self.arrived_bytes, times.first_bytes, (times.arrived.1 - times.arrived.0).max(250));
        // What was lost in between was on its way too.
        let arrived = arrived * self.sent_bytes as f64 / self.arrived_bytes.max(1) as f64;
        if took > 0 && arrived > TOO_FAST * rate(self.sent_bytes, times.last_bytes, took) {
            return None;
        }
        let full = arrived < FULL * sent;
        Some((if full { FULL_USE * arrived } else { arrived.min(sent) }, full))
    }
}

/// What the prober has to know.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    /// Now, in microseconds.
    pub at: u64,
    /// Bits per second.
    pub estimate: f64,
    /// Microseconds.
    pub jitter: u64,
    /// The share of packets that gets lost anyway.
    pub lost: f64,
    /// Nothing waits, and nothing has been cut lately.
    pub calm: bool,
}

/// Decides when to probe, and how fast.
#[derive(Debug)]
pub struct Prober {
    desired: f64,
    last_id: u8,
    cluster: Option<Cluster>,
    due: u64,
    pause: u64,
    ended: Option<u64>,
    /// The most that was known lately, and when it was cut.
    peak: Option<(f64, u64)>,
    /// What was known before a fall, and when it fell.
    fallen: Option<(f64, u64)>,
    /// A probe found less than is believed.
    doubt: Option<f64>,
    started: bool,
}

impl Prober {
    pub fn new(at: u64) -> Self {
        Prober {
            desired: 0.0,
            last_id: 0,
            cluster: None,
            due: at,
            pause: PAUSE,
            ended: None,
            peak: None,
            fallen: None,
            doubt: None,
            started: false,
        }
    }

    /// So much would be sent if there were room, in bits per second.
    pub fn set_desired(&mut self, at: u64, desired: f64) {
        if desired > self.desired * 1.1 {
            (self.due, self.pause) = (at, PAUSE);
        }
        self.desired = desired;
    }

    /// See [`Prober::set_desired`].
    pub fn desired(&self) -> f64 {
        self.desired
    }

    /// The estimate fell.
    pub fn note_cut(&mut self, at: u64, before: f64, after: f64) {
        let recent = self.peak.filter(|(known, since)| at.saturating_sub(*since) < REMEMBERED && *known > before);
        let (known, since) = recent.unwrap_or((before, at));
        self.peak = Some((known, since));
        if after < known * FALL {
            (self.fallen, self.pause) = (Some((known, at)), PAUSE);
            self.due = self.due.min(at + PAUSE / 2);
        }
    }

    /// The probe that a packet belongs to which is being sent now, or 0. `only`: the one that it is sent for.
    pub fn note_sent(&mut self, only: Option<u8>, bytes: usize) -> u8 {
        let Some(cluster) = &mut self.cluster else { return 0 };
        let begun = cluster.sent > 0 || only == Some(cluster.probe.id);
        if !begun || cluster.is_complete() {
            return 0;
        }
        cluster.sent += 1;
        cluster.sent_bytes += bytes as u64;
        cluster.probe.id
    }

    /// A packet of a probe arrived.
    pub fn note_arrived(&mut self, id: u8, sent: u64, arrival: i64, bytes: u16) {
        if let Some(cluster) = self.cluster.as_mut().filter(|cluster| cluster.probe.id == id) {
            cluster.note(sent, arrival, bytes);
        }
    }

    /// A packet of a probe is missing.
    pub fn note_lost(&mut self, id: u8) {
        if let Some(cluster) = self.cluster.as_mut().filter(|cluster| cluster.probe.id == id) {
            cluster.lost += 1;
        }
    }

    /// Ends a probe that is answered or given up. `lost`: the share of packets that gets lost anyway. What to take for the estimate, if it
    /// told anything new.
    pub fn finish(&mut self, at: u64, estimate: f64, lost: f64, jitter: u64) -> Option<f64> {
        let cluster = self.cluster.take_if(|cluster| cluster.is_answered() || at.saturating_sub(cluster.asked) > GIVEN_UP)?;
        self.ended = Some(at);
        let result = cluster.result(lost);
        let uneven = jitter as f64 * UNEVEN > cluster.probe.bytes as f64 * 8e6 / cluster.probe.bitrate.max(1) as f64;
        let most = if uneven { (UNEVEN_STEP * estimate).max(LEAST_STEP) } else { f64::INFINITY };
        let result = result.map(|(bitrate, full)| (bitrate.min(most), full));
        let passed = result.is_some_and(|(bitrate, full)| {
            !full && bitrate >= PASSED * cluster.probe.bitrate as f64 && bitrate > NEWS * estimate
        });
        if passed {
            (self.due, self.pause, self.doubt) = (at, PAUSE, None);
        } else if cluster.is_untold() {
            self.due = at + AGAIN;
        } else if result.is_none() && cluster.arrived > 0 {
            self.due = at + PAUSE / 2;
        } else {
            (self.due, self.pause) = (at + self.pause, ((self.pause as f64 * PAUSE_GROWTH) as u64).min(PAUSE_MAX));
        }
        match result? {
            (bitrate, _) if bitrate > estimate => {
                self.doubt = None;
                Some(bitrate)
            }
            (bitrate, true) if bitrate < WRONG * estimate => match self.doubt.replace(bitrate) {
                Some(before) => {
                    self.doubt = None;
                    Some(before.max(bitrate))
                }
                None => None,
            },
            _ => {
                self.doubt = None;
                None
            }
        }
    }

    /// The next probe, if it is time for one.
    pub fn poll(&mut self, before: &Before) -> Option<Probe> {
        let Before { at, estimate, jitter, lost, calm } = *before;
        let gap = self.ended.is_none_or(|ended| at.saturating_sub(ended) >= GAP);
        if self.cluster.is_some() || at < self.due || !gap || estimate >= self.desired {
            return None;
        }
        if !calm {
            self.due = at + LATER;
            return None;
        }
        let fallen = self
            .fallen
            .take()
            .filter(|(_, fell)| at.saturating_sub(*fell) < REMEMBERED)
            .map(|(known, _)| (known * RETURN).min(estimate * FIRST));
        let factor = if self.started { FURTHER } else { FIRST };
        self.started = true;
        let bitrate = fallen.filter(|known| *known > estimate).unwrap_or(estimate * factor).min(self.desired * ENOUGH);
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let time = (jitter as f64 * JITTERS / 1e6).clamp(TIME.0, TIME.1);
        let bytes = (bitrate * time / 8.0).ceil() as usize;
        let packets = if lost > LOSSY { PACKETS_LOSSY } else { PACKETS };
        let probe = Probe { id: self.last_id, bitrate: bitrate as u64, bytes, packets };
        let cluster = Cluster { probe, asked: at, sent_bytes: 0, sent: 0, arrived_bytes: 0, arrived: 0, lost: 0, times: None };
        self.cluster = Some(cluster);
        Some(probe)
    }

    /// What is left to be sent of the present probe, in bytes and packets.
    pub fn left(&self) -> Option<(usize, usize)> {
        let cluster = self.cluster.as_ref().filter(|cluster| !cluster.is_complete())?;
        let bytes = (cluster.probe.bytes as u64).saturating_sub(cluster.sent_bytes);
        Some((usize::try_from(bytes).unwrap_or(0), cluster.probe.packets.saturating_sub(cluster.sent as usize)))
    }

    /// When to look again, if nothing else happens.
    pub fn poll_timeout(&self, estimate: f64) -> Option<u64> {
        match &self.cluster {
            Some(cluster) => Some(cluster.asked + GIVEN_UP + 1),
            None => (estimate < self.desired).then(|| self.due.max(self.ended.map_or(0, |ended| ended + GAP))),
        }
    }
}
