//! Whether packets take longer and longer: groups of packets sent together, the slope of their delays, and a threshold that learns
//! (draft-ietf-rmcat-gcc-02, sections 5.2 to 5.4; slope by least squares as libwebrtc has it since 2017).

/// Microseconds of sending that make a group.
const GROUP_TIME: u64 = 5_000;

/// What arrives within so many microseconds of what came before, and waited less, came out of the same pause.
const BURST_GAP: i64 = 5_000;

/// Microseconds of arriving that such a burst may take.
const BURST_TIME: i64 = 100_000;

/// A group that is so many microseconds later or earlier than the one before was measured on another clock.
const CLOCK_JUMP: i64 = 3_000_000;

/// Groups that make a slope.
const GROUPS: usize = 20;

/// Share of the former in a smoothed delay.
const SMOOTHING: f64 = 0.9;

/// The slope is multiplied by this and by the number of groups seen, up to [`GROUPS_WEIGHT_MAX`], before it is compared.
const GAIN: f64 = 4.0;
const GROUPS_WEIGHT_MAX: f64 = 60.0;

/// Milliseconds: threshold at first, its bounds, and what is too far above it to learn from.
const THRESHOLD: f64 = 12.5;
const THRESHOLD_RANGE: (f64, f64) = (6.0, 600.0);
const THRESHOLD_JUMP: f64 = 15.0;

/// How fast the threshold follows, up and down, a millisecond.
const THRESHOLD_UP: f64 = 0.0087;
const THRESHOLD_DOWN: f64 = 0.039;

/// Milliseconds above the threshold that count.
const OVERUSE_TIME: f64 = 10.0;

/// What the delays say of the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// They fall: what waited goes.
    Under,
    /// They stay.
    #[default]
    Normal,
    /// They rise: more is sent than passes.
    Over,
}

/// Packets that were sent within 5 ms.
#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: u64,
    last_sent: u64,
    first_arrival: i64,
    last_arrival: i64,
}

impl Group {
    fn new(sent: u64, arrival: i64) -> Self {
        Group { first_sent: sent, last_sent: sent, first_arrival: arrival, last_arrival: arrival }
    }

    fn holds(&self, sent: u64, arrival: i64) -> bool {
        let (gap, later) = (arrival - self.last_arrival, sent as i64 - self.last_sent as i64);
        let burst = gap < later && gap <= BURST_GAP && arrival - self.first_arrival < BURST_TIME;
        later == 0 || burst || sent - self.first_sent <= GROUP_TIME
    }

    fn add(&mut self, sent: u64, arrival: i64) {
        self.last_sent = self.last_sent.max(sent);
        self.last_arrival = self.last_arrival.max(arrival);
    }
}

/// The detector.
#[derive(Debug)]
pub struct Trend {
    current: Option<Group>,
    previous: Option<Group>,
    /// Milliseconds: arrival, and smoothed delay.
    points: [(f64, f64); GROUPS],
    seen: usize,
    zero: i64,
    delay: f64,
    smoothed: f64,
    slope: f64,
    threshold: f64,
    learnt: f64,
    /// How long above the threshold, and how often.
    over: Option<(f64, u32)>,
    usage: Usage,
}

impl Trend {
    pub fn new() -> Self {
        Trend {
            current: None,
            previous: None,
            points: [(0.0, 0.0); GROUPS],
            seen: 0,
            zero: 0,
            delay: 0.0,
            smoothed: 0.0,
            slope: 0.0,
            threshold: THRESHOLD,
            learnt: 0.0,
            over: None,
            usage: Usage::Normal,
        }
    }

    /// What the delays say now.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// A packet that was sent in one microsecond arrived in another, of another clock. Packets come in the order in which they were sent;
    /// one that comes too late for that is left out. False if the other clock has jumped: then all begins anew.
    pub fn note(&mut self, sent: u64, arrival: i64) -> bool {
        let Some(current) = &mut self.current else {
            self.current = Some(Group::new(sent, arrival));
            return true;
        };
        if sent < current.first_sent {
            return true;
        }
        if current.holds(sent, arrival) {
            current.add(sent, arrival);
            return true;
        }
        let done = *current;
        self.current = Some(Group::new(sent, arrival));
        match self.previous.replace(done) {
            Some(previous) => self.compare(&previous, &done),
            None => true,
        }
    }

    fn compare(&mut self, previous: &Group, done: &Group) -> bool {
        let sent = done.last_sent as i64 - previous.last_sent as i64;
        let later = done.last_arrival - previous.last_arrival - sent;
        if later.abs() > CLOCK_JUMP {
            *self = Trend::new();
            return false;
        }
        if self.seen == 0 {
            self.zero = done.last_arrival;
        }
        self.delay += later as f64 / 1e3;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.delay;
        let at = (done.last_arrival - self.zero) as f64 / 1e3;
        if let Some(point) = self.points.get_mut(self.seen % GROUPS) {
            *point = (at, self.smoothed);
        }
        self.seen += 1;
        if self.seen >= GROUPS {
            self.detect(self.fit().unwrap_or(self.slope), sent as f64 / 1e3, at);
        }
        true
    }

    /// The slope of the line with the least squares.
    fn fit(&self) -> Option<f64> {
        let (x, y) = self.points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        let (x, y) = (x / GROUPS as f64, y / GROUPS as f64);
        let (up, across) = self.points.iter().fold((0.0, 0.0), |sum, point| {
            let right = point.0 - x;
            (sum.0 + right * (point.1 - y), sum.1 + right * right)
        });
        (across > 0.0).then(|| up / across)
    }

    fn detect(&mut self, slope: f64, sent_ms: f64, at: f64) {
        let weighed = slope * GAIN * (self.seen as f64).min(GROUPS_WEIGHT_MAX);
        if weighed > self.threshold {
            let (time, times) = self.over.map_or((sent_ms / 2.0, 1), |(time, times)| (time + sent_ms, times.saturating_add(1)));
            self.over = Some((time, times));
            if time > OVERUSE_TIME && times > 1 && slope >= self.slope {
                self.over = None;
                self.usage = Usage::Over;
            }
        } else {
            self.over = None;
            self.usage = if weighed < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.slope = slope;
        self.learn(weighed.abs(), at);
    }

    /// Follows what is usual, so that whoever shares the way and fills it does not push us out.
    fn learn(&mut self, weighed: f64, at: f64) {
        let passed = (at - self.learnt).clamp(0.0, 100.0);
        self.learnt = at;
        if weighed > self.threshold + THRESHOLD_JUMP {
            return;
        }
        let speed = if weighed < self.threshold { THRESHOLD_DOWN } else { THRESHOLD_UP };
        let learnt = self.threshold + speed * (weighed - self.threshold) * passed;
        self.threshold = learnt.clamp(THRESHOLD_RANGE.0, THRESHOLD_RANGE.1);
    }
}
