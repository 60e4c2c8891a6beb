//! How good a connection is, as one number people understand: 1 bad to 5 best, 0 when there is no connection.
//!
//! The measure is what a person notices. For sound that is the E-model (ITU-T G.107) in its well known short form: a rating of at
//! most 93.2, less what delay and lost packets take away. For pictures it is what is missing after lost packets were sent again,
//! and how much of the wanted bitrate comes at all. `docs/design/bandwidth.md` has the thresholds in a table.

use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Kind, LinkQuality, OwnQuality, ParticipantId, Quality};

/// The best level.
pub const LEVEL_BEST: u8 = 5;

/// The shortest time between two reports to one participant.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How long after a connection is there the first report waits, so that every way has its figures: the SDK takes figures only with a
/// level that changed, and a good connection's never changes.
pub const FIRST_REPORT_AFTER: Duration = Duration::from_secs(3);

/// How old the figures of a participant may be when no level changes.
pub const FIGURES_INTERVAL: Duration = Duration::from_secs(5);

/// Samples in a row that must be worse before the level falls. One that is worse by two levels or more suffices alone.
const WORSE_SAMPLES: u8 = 2;

/// Samples in a row that must be better before the level rises: nobody trusts a connection that was just bad.
const BETTER_SAMPLES: u8 = 5;

/// How much a new sample counts against those before: a second has 50 packets of sound, so that one lost is 2 %.
const SAMPLE_WEIGHT: f32 = 0.35;

/// E-model ratings that levels 5, 4, 3 and 2 need. G.109 calls 80 and more high, 70 medium, 60 low, 50 poor for telephones; a
/// little off, so that the usual packet lost now and then stays at the best level.
const RATINGS: [f32; 4] = [85.0, 75.0, 60.0, 45.0];

/// The rating of a connection without fault (G.107, default values).
const RATING_BEST: f32 = 93.2;

/// Milliseconds that a voice spends in coder, packets and the receiver's buffer at least.
const VOICE_DELAY_MS: f32 = 40.0;

/// How well sound hides lost packets (Bpl). G.113 has 25.1 for G.711 with concealment; Opus with its correction in band is no worse.
const LOSS_ROBUSTNESS: f32 = 25.1;

/// Shares of packets missing after repair that levels 5, 4, 3 and 2 of a picture bear. At 120 packets a second: a fault each eight
/// seconds, each two, two a second, six a second.
const MISSING: [f32; 4] = [0.001, 0.005, 0.02, 0.05];

/// Shares of packets lost before repair that levels 5, 4, 3 and 2 of a picture bear: repair takes bitrate and time.
const LOST: [f32; 4] = [0.03, 0.1, 0.2, 0.35];

/// Shares of the wanted bitrate that levels 5, 4, 3 and 2 need. Half the bitrate is a picture a little softer, a third is the next
/// smaller layer.
const WANTED: [f32; 4] = [0.8, 0.5, 0.25, 0.1];

/// Milliseconds that a receiver waits for a packet to be sent again before the picture stands still.
const REPAIR_MS: f32 = 250.0;

/// Milliseconds there and back, when they are not known.
const RTT_USUAL_MS: f32 = 100.0;

/// What was measured in one second, one way, of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Share of packets that did not arrive at first, 0 to 1.
    pub lost: f32,
    /// Milliseconds there and back, where known.
    pub rtt_ms: Option<f32>,
    /// Milliseconds (RFC 3550, 6.4.1, in time instead of samples).
    pub jitter_ms: f32,
    /// Bits per second that travelled.
    pub bitrate: u64,
    /// Bits per second that would have travelled, had there been room; none: not known, or not for us to say.
    pub wanted: Option<u64>,
    /// Bits per second that could have travelled, where known.
    pub available: Option<u64>,
}

/// How good one second was, 1 to 5. Data has no quality of its own: 5.
#[must_use]
pub fn level(kind: Kind, sample: &Sample) -> u8 {
    match kind {
        Kind::Audio => sound_level(sample),
        Kind::Video => picture_level(sample),
        Kind::Data => LEVEL_BEST,
    }
}

fn sound_level(sample: &Sample) -> u8 {
    at_least(rating(sample) - loss_impairment(share(sample.lost)), RATINGS)
}

/// The worst of what delay, missing packets and a small bitrate do.
fn picture_level(sample: &Sample) -> u8 {
    let lost = share(sample.lost);
    let levels = [
        at_least(rating(sample), RATINGS),
        at_most(missing(lost, sample.rtt_ms), MISSING),
        at_most(lost, LOST),
        wanted_share(sample).map_or(LEVEL_BEST, |share| at_least(share, WANTED)),
    ];
    levels.into_iter().min().unwrap_or(LEVEL_BEST)
}

/// The E-model's rating for delay alone, in the short form of Cole and Rosenbluth, "Voice over IP performance monitoring" (2001).
fn rating(sample: &Sample) -> f32 {
    let one_way = positive(sample.rtt_ms.unwrap_or(RTT_USUAL_MS)) / 2.0;
    let delay = one_way + 2.0 * positive(sample.jitter_ms) + VOICE_DELAY_MS;
    RATING_BEST - 0.024 * delay - 0.11 * (delay - 177.3).max(0.0)
}

/// What lost packets take from the rating (G.107, 3.5, for random loss).
fn loss_impairment(lost: f32) -> f32 {
    let percent = lost * 100.0;
    95.0 * percent / (percent + LOSS_ROBUSTNESS)
}

/// Share still missing after as many repairs as there is time for; a repair can be lost too.
fn missing(lost: f32, rtt_ms: Option<f32>) -> f32 {
    let rtt = positive(rtt_ms.unwrap_or(RTT_USUAL_MS)).max(1.0);
    let repairs = (REPAIR_MS / rtt).floor().clamp(0.0, 4.0);
    lost.powf(1.0 + repairs)
}

/// A picture that does not move needs little: what could travel counts as much as what does.
fn wanted_share(sample: &Sample) -> Option<f32> {
    let wanted = sample.wanted.filter(|wanted| *wanted > 0)?;
    let could = sample.bitrate.max(sample.available.unwrap_or(0));
    Some(could as f32 / wanted as f32)
}

fn at_least(value: f32, bounds: [f32; 4]) -> u8 {
    (1..=LEVEL_BEST).rev().zip(bounds).find(|(_, bound)| value >= *bound).map_or(1, |(level, _)| level)
}

fn at_most(value: f32, bounds: [f32; 4]) -> u8 {
    at_least(-value, bounds.map(|bound| -bound))
}

fn share(value: f32) -> f32 {
    positive(value).min(1.0)
}

/// Others measure too, and may send anything.
fn positive(value: f32) -> f32 {
    if value.is_finite() { value.clamp(0.0, 100_000.0) } else { 0.0 }
}

/// One way of one kind, seen from the participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Sound that it sends.
    AudioSend,
    /// Sound that it receives.
    AudioRecv,
    /// Pictures that it sends.
    VideoSend,
    /// Pictures that it receives.
    VideoRecv,
}

impl Way {
    /// Every way.
    pub const ALL: [Way; 4] = [Way::AudioSend, Way::AudioRecv, Way::VideoSend, Way::VideoRecv];

    fn kind(self) -> Kind {
        match self {
            Way::AudioSend | Way::AudioRecv => Kind::Audio,
            Way::VideoSend | Way::VideoRecv => Kind::Video,
        }
    }
}

/// One participant's connection over the seconds.
#[derive(Debug, Default)]
pub struct Meter {
    connected: bool,
    gauges: [Option<Gauge>; 4],
}

impl Meter {
    /// Not connected yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes whether packets can pass at all. Without a connection all levels are 0.
    pub fn handle_connected(&mut self, connected: bool) {
        self.connected = connected;
    }

    /// Takes what was measured in the last second; none: nothing goes this way.
    pub fn handle_sample(&mut self, way: Way, sample: Option<Sample>) {
        let Some(gauge) = self.gauges.get_mut(way as usize) else { return };
        match (sample, gauge.as_mut()) {
            (Some(sample), Some(gauge)) => gauge.take(way.kind(), sample),
            (Some(sample), None) => *gauge = Some(Gauge::new(way.kind(), sample)),
            (None, _) => *gauge = None,
        }
    }

    /// What the participant is told of its own connection.
    #[must_use]
    pub fn own(&self) -> OwnQuality {
        OwnQuality {
            level: self.worst(&Way::ALL),
            audio_send: self.link(Way::AudioSend),
            audio_recv: self.link(Way::AudioRecv),
            video_send: self.link(Way::VideoSend),
            video_recv: self.link(Way::VideoRecv),
        }
    }

    /// What the others are told of it. Its level is how it sends: how it receives is nobody else's trouble, though its figures tell.
    #[must_use]
    pub fn shown(&self) -> OwnQuality {
        OwnQuality { level: self.worst(&[Way::AudioSend, Way::VideoSend]), ..self.own() }
    }

    /// The worst of these; the best, if nothing goes these ways and there is a connection.
    fn worst(&self, ways: &[Way]) -> u8 {
        let levels = ways.iter().filter_map(|way| self.gauges.get(*way as usize)?.as_ref()).map(|gauge| gauge.level);
        if self.connected { levels.min().unwrap_or(LEVEL_BEST) } else { 0 }
    }

    fn link(&self, way: Way) -> Option<LinkQuality> {
        let gauge = self.gauges.get(way as usize)?.as_ref()?;
        let smooth = &gauge.smooth;
        Some(LinkQuality {
            level: if self.connected { gauge.level } else { 0 },
            lost: smooth.lost,
            rtt_ms: smooth.rtt_ms.unwrap_or(0.0),
            jitter_ms: smooth.jitter_ms,
            bitrate: smooth.bitrate,
            available: smooth.available,
        })
    }
}

/// One way of one kind: falls fast, rises slowly.
#[derive(Debug)]
struct Gauge {
    smooth: Sample,
    level: u8,
    /// Samples in a row that were worse than the level, or better.
    worse: u8,
    better: u8,
    /// The worst of the better ones.
    better_level: u8,
}

impl Gauge {
    fn new(kind: Kind, sample: Sample) -> Self {
        let smooth = clean(sample);
        Gauge { smooth, level: level(kind, &smooth), worse: 0, better: 0, better_level: LEVEL_BEST }
    }

    fn take(&mut self, kind: Kind, sample: Sample) {
        self.smooth = blend(self.smooth, clean(sample));
        let level = level(kind, &self.smooth);
        if level < self.level {
            self.fall(level);
        } else if level > self.level {
            self.rise(level);
        } else {
            (self.worse, self.better, self.better_level) = (0, 0, LEVEL_BEST);
        }
    }

    fn fall(&mut self, level: u8) {
        (self.better, self.better_level) = (0, LEVEL_BEST);
        self.worse += 1;
        if self.worse >= WORSE_SAMPLES || level + 2 <= self.level {
            (self.level, self.worse) = (level, 0);
        }
    }

    fn rise(&mut self, level: u8) {
        self.worse = 0;
        self.better += 1;
        self.better_level = self.better_level.min(level);
        if self.better >= BETTER_SAMPLES {
            (self.level, self.better, self.better_level) = (self.better_level, 0, LEVEL_BEST);
        }
    }
}

fn clean(sample: Sample) -> Sample {
    Sample { lost: share(sample.lost), rtt_ms: sample.rtt_ms.map(positive), jitter_ms: positive(sample.jitter_ms), ..sample }
}

fn blend(before: Sample, now: Sample) -> Sample {
    let mix = |before: f32, now: f32| before + (now - before) * SAMPLE_WEIGHT;
    let mix_bits = |before: u64, now: u64| mix(before as f32, now as f32) as u64;
    let mix_known = |before: Option<u64>, now: Option<u64>| now.map(|now| mix_bits(before.unwrap_or(now), now));
    Sample {
        lost: mix(before.lost, now.lost),
        rtt_ms: now.rtt_ms.map(|now| mix(before.rtt_ms.unwrap_or(now), now)).or(before.rtt_ms),
        jitter_ms: mix(before.jitter_ms, now.jitter_ms),
        bitrate: mix_bits(before.bitrate, now.bitrate),
        wanted: mix_known(before.wanted, now.wanted),
        available: mix_known(before.available, now.available),
    }
}

/// Decides when one participant is told how good connections are: at most each [`REPORT_INTERVAL`], and only news.
#[derive(Debug, Default)]
pub struct Reporter {
    connected: Option<Instant>,
    told: Option<(Instant, Quality)>,
}

impl Reporter {
    /// Nothing was told yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What to tell now: nothing before [`FIRST_REPORT_AFTER`]; then when a level changed, somebody came or left, or the figures are
    /// older than [`FIGURES_INTERVAL`] and not the same any more.
    pub fn poll_report(
        &mut self,
        now: Instant,
        own: OwnQuality,
        others: Vec<(ParticipantId, Arc<OwnQuality>)>,
    ) -> Option<Quality> {
        if let Some((at, told)) = &self.told {
            let age = now.saturating_duration_since(*at);
            let short = |(who, its): &(ParticipantId, Arc<OwnQuality>)| (*who, its.level);
            let news = levels(&told.own) != levels(&own) || !others.iter().map(short).eq(told.others.iter().map(short));
            let figures = age >= FIGURES_INTERVAL && (told.own != own || told.others != others);
            if age < REPORT_INTERVAL || !(news || figures) {
                return None;
            }
        } else if !self.has_figures(now, own.level) {
            return None;
        }
        let quality = Quality { own, others };
        self.told = Some((now, quality.clone()));
        Some(quality)
    }

    fn has_figures(&mut self, now: Instant, level: u8) -> bool {
        level > 0 && now.saturating_duration_since(*self.connected.get_or_insert(now)) >= FIRST_REPORT_AFTER
    }

    /// What was told last, for a participant that asks again.
    #[must_use]
    pub fn told(&self) -> Option<&Quality> {
        self.told.as_ref().map(|(_, quality)| quality)
    }
}

fn levels(own: &OwnQuality) -> (u8, [Option<u8>; 4]) {
    (own.level, [own.audio_send, own.audio_recv, own.video_send, own.video_recv].map(|link| link.map(|link| link.level)))
}
