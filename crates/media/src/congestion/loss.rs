//! What lost packets allow.
//!
//! A full way without much of a queue loses what does not fit; a bad one loses its share of whatever is sent. Lost packets alone do not
//! tell which. So less is sent for a moment, as much as came through: where that helps the way was full, and where as many are lost as
//! before it is bad, and this share is not held against it any more.

/// Packets and microseconds that make a window. Fewer packets say nothing of their share.
const WINDOW_PACKETS: u32 = 20;
const WINDOW_TIME: u64 = 200_000;

/// Packets that are looked at until a trial is over.
const TRIAL_PACKETS: u32 = 40;

/// Microseconds after which a trial that nobody followed is over.
const TRIAL_TIME: u64 = 3_000_000;

/// So much of what was sent is asked for, and so much less has to be sent; above the last, nobody followed.
const TRIAL_LIMIT: f64 = 0.8;
const TRIAL_LESS: f64 = 0.87;
const TRIAL_SAME: f64 = 0.95;

/// Shares lost, beyond what the way loses anyway: more is too much, and less is nothing (draft-ietf-rmcat-gcc-02, section 6).
const TOO_MUCH: f64 = 0.1;
const NOTHING: f64 = 0.02;

/// What is left of what came through.
const BACK_OFF: f64 = 0.95;

/// Growth a second while nothing is lost.
const GROWTH: f64 = 1.1;

/// A limit so far above what the delays allow is none.
const LIFTED: f64 = 1.5;

/// Microseconds of waiting that are no queue.
const NO_QUEUE: u64 = 20_000;

/// No way loses more than this by itself.
const OWN_MAX: f64 = 0.4;

/// Sending less than this share of what is allowed cannot fill the way.
const IDLE: f64 = 0.7;

/// How much a window counts for what the way loses anyway: when less is lost, and while little is sent.
const LEARN_LESS: f64 = 0.3;
const LEARN_IDLE: f64 = 0.2;

/// Deviations by which a share has to differ to count: of few packets, now and then many are lost.
const CHANCE: f64 = 2.0;

/// How much a window counts for the share that is told.
const SHARE_WEIGHT: f64 = 0.3;

/// Packets sent in a row, and how many of them were lost.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    arrived: u32,
    lost: i32,
    /// When the first and the last of them were sent.
    first: Option<u64>,
    last: u64,
}

impl Window {
    fn note(&mut self, sent: u64) {
        self.first.get_or_insert(sent);
        self.last = self.last.max(sent);
    }

    fn packets(&self) -> u32 {
        self.arrived.saturating_add_signed(self.lost.max(0))
    }

    fn time(&self) -> u64 {
        self.first.map_or(0, |first| self.last.saturating_sub(first))
    }

    fn share(&self) -> f64 {
        f64::from(self.lost.max(0)) / f64::from(self.packets().max(1))
    }

    /// By how much the share of so many packets differs by chance.
    fn chance(&self, share: f64) -> f64 {
        CHANCE * (share * (1.0 - share) / f64::from(self.packets().max(1))).max(0.0).sqrt()
    }
}

/// Less is sent, to see whether less is lost.
#[derive(Clone, Copy, Debug)]
struct Trial {
    began: u64,
    /// What was sent, the share of it that was lost, and the limit before.
    bitrate: f64,
    share: f64,
    before: f64,
    packets: u32,
    lost: f64,
    sent: f64,
}

/// What the rest of the estimate says.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// Now, in microseconds.
    pub at: u64,
    /// Bits per second that delays allow, and that are sent.
    pub delays: f64,
    pub sends: f64,
    pub rtt: u64,
    pub waits: u64,
}

/// The part of the estimate that depends on lost packets.
#[derive(Debug, Default)]
pub struct Loss {
    window: Window,
    share: f64,
    /// What the way loses whatever is sent.
    own: f64,
    limit: Option<f64>,
    trial: Option<Trial>,
    too_much: bool,
    updated: u64,
}

impl Loss {
    /// A packet arrived. `late`: it was reported missing before.
    pub fn note_arrived(&mut self, sent: u64, late: bool) {
        if late {
            self.window.lost = self.window.lost.saturating_sub(1);
        } else {
            self.window.note(sent);
        }
        self.window.arrived = self.window.arrived.saturating_add(1);
    }

    /// A packet is missing.
    pub fn note_lost(&mut self, sent: u64) {
        self.window.note(sent);
        self.window.lost = self.window.lost.saturating_add(1);
    }

    /// The share lost lately.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// The share that the way loses whatever is sent.
    pub fn own(&self) -> f64 {
        self.own
    }

    /// Bits per second, if there is a limit.
    pub fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// Whether so much is lost, or less was sent because of it, that it is no time to send more.
    pub fn is_busy(&self) -> bool {
        self.too_much || self.trial.is_some()
    }

    /// So much was seen to pass.
    pub fn lift(&mut self, bitrate: f64) {
        self.limit = self.limit.map(|limit| limit.max(bitrate));
    }

    /// Takes a report.
    pub fn update(&mut self, beside: &Beside) {
        let window = self.window;
        if window.packets() < WINDOW_PACKETS || window.time() < WINDOW_TIME {
            return;
        }
        self.window = Window::default();
        let share = window.share();
        self.share += SHARE_WEIGHT * (share - self.share);
        let idle = beside.waits <= NO_QUEUE && beside.sends < IDLE * self.limit.unwrap_or(beside.delays).min(beside.delays);
        self.learn(share, &window, idle);
        let beyond = |share: f64| ((share - self.own) / (1.0 - self.own).max(0.01)).max(0.0);
        let excess = beyond(share);
        self.too_much = beyond(share - window.chance(share)) > TOO_MUCH;
        match self.trial {
            Some(trial) => self.go_on(trial, &window, beside),
            None if self.too_much && !idle => self.try_less(excess, share, beside),
            None if excess > NOTHING => {
                self.limit = Some(self.limit.unwrap_or(beside.delays).min(beside.delays.max(super::rate::LEAST)))
            }
            None => self.grow(beside),
        }
        self.updated = beside.at;
    }

    /// A share that stays while little is sent and nothing waits is the way's own.
    fn learn(&mut self, share: f64, window: &Window, idle: bool) {
        if share + window.chance(self.own) < self.own {
            self.own += LEARN_LESS * (share - self.own);
        } else if idle {
            self.own = (self.own + LEARN_IDLE * (share - self.own)).min(OWN_MAX);
        }
    }

    fn try_less(&mut self, excess: f64, share: f64, beside: &Beside) {
        let before = self.limit.unwrap_or(beside.delays).min(beside.delays);
        let bitrate = beside.sends;
        let passes = bitrate * (1.0 - excess);
        self.limit = Some((passes * BACK_OFF).min(bitrate * TRIAL_LIMIT).min(before).max(super::rate::LEAST));
        self.trial = Some(Trial { began: beside.at, bitrate, share, before, packets: 0, lost: 0.0, sent: 0.0 });
    }

    fn go_on(&mut self, mut trial: Trial, window: &Window, beside: &Beside) {
        let since = window.first.unwrap_or(0);
        let bitrate = beside.sends;
        if since > trial.began && bitrate < trial.bitrate * TRIAL_LESS {
            trial.packets = trial.packets.saturating_add(window.packets());
            trial.lost += window.share() * f64::from(window.packets());
            trial.sent = trial.sent.max(bitrate);
        }
        self.trial = Some(trial);
        if trial.packets >= TRIAL_PACKETS {
            self.judge(&trial);
        } else if beside.at.saturating_sub(trial.began) > TRIAL_TIME + beside.rtt {
            // Nobody sends less, so nobody knows.
            (self.trial, self.too_much) = (None, false);
            if beside.waits <= NO_QUEUE && bitrate > trial.bitrate * TRIAL_SAME {
                self.own = trial.share.min(OWN_MAX).max(self.own);
                self.limit = Some(trial.before);
            }
        }
    }

    fn judge(&mut self, trial: &Trial) {
        let share = trial.lost / f64::from(trial.packets.max(1));
        let fits = trial.bitrate * (1.0 - trial.share) / (1.0 - self.own).max(0.01);
        let expected = self.own + (1.0 - fits / trial.sent.max(1.0)).max(0.0);
        if share > expected + (trial.share - expected) / 2.0 {
            self.own = share.min(trial.share).min(OWN_MAX).max(self.own);
            self.limit = Some(trial.before);
        }
        (self.trial, self.too_much) = (None, false);
    }

    fn grow(&mut self, beside: &Beside) {
        let passed = beside.at.saturating_sub(self.updated).min(1_000_000) as f64 / 1e6;
        self.limit = self.limit.map(|limit| limit * GROWTH.powf(passed)).filter(|limit| *limit < beside.delays * LIFTED);
    }
}
