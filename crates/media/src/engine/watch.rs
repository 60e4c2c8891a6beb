//! How each client's connection does, second by second: for its own and the others' quality marks, and to tell overload from a bad line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Channel, Kind, News, OwnQuality};
use str0m::media::{Mid, Rid};
use str0m::stats::{MediaEgressStats, MediaIngressStats, PeerStats};

use super::{Engine, Member};
use crate::quality::{FIRST_REPORT_AFTER, Meter, Reporter, Sample, Way};
use crate::switchboard::PeerKey;

/// How often quality is judged.
const JUDGE_INTERVAL: Duration = Duration::from_secs(1);

/// A round trip this much above the shortest seen means that packets wait somewhere.
const QUEUE_DELAY: Duration = Duration::from_millis(120);

/// In how many seconds in a row. Of a computer with too much to do, every third answer is as late as that; on a full way all are.
const WAITS_MIN: u8 = 5;

/// The same where packets get lost too: a computer with too much to do loses none.
const LOSSY_WAITS_MIN: u8 = 2;

/// How much must be lost for that.
const LOSS_OF_FULL: f32 = 0.03;

/// A round trip this much above the shortest seen is longer than a computer with too much to do lets anybody wait.
const LONG_QUEUE_DELAY: Duration = Duration::from_millis(350);

/// In how many seconds in a row.
const LONG_WAITS_MIN: u8 = 2;

/// A round trip this much above the shortest seen is of no use for pictures, whatever makes it so long.
const DROWNED_DELAY: Duration = Duration::from_millis(500);

/// In how many seconds in a row.
const DROWNED_MIN: u8 = 4;

/// The shortest round trip seen is forgotten by this share a second, so that a longer way is learnt.
const BASE_DRIFT: f64 = 1.01;

/// How many seconds after a client has changed networks the round trips still may be those of the former way, or of both.
const PATH_SETTLES: u8 = 3;

/// So many lost are too many even where nothing waits.
const LOSS_UNBEARABLE: f32 = 0.45;

/// How much a second counts against those before.
const LOSS_WEIGHT: f32 = 0.3;

/// How much a report on sound counts against those before, when it is worse than they, and when it is better: what may get lost is soon
/// sent twice, and not so soon no longer. Reports come every five seconds or more often.
const SOUND_LOSS_WEIGHTS: (f32, f32) = (0.5, 0.3);

/// Share of sound that may be lost before anything is done about it, and how many of a hundred packets count as lost from there on:
/// those of the first share that is not exceeded.
const SOUND_LOSSES: [(f32, u8); 5] = [(0.02, 0), (0.06, 6), (0.12, 12), (0.2, 20), (1.0, 30)];

/// What was measured of one client.
#[derive(Default)]
pub(super) struct Watch {
    meter: Meter,
    reporter: Reporter,
    /// When it was connected first, as far as its quality goes.
    connected: Option<Instant>,
    /// What the others are told of it, once every way has its figures.
    shown: Option<Arc<OwnQuality>>,
    /// Whether the client wants to hear of quality.
    pub wanted: bool,
    streams: Vec<Stream>,
    rtt: Option<Duration>,
    rtt_base: Option<Duration>,
    /// Where packets go from and to.
    path: Option<(SocketAddr, SocketAddr)>,
    /// Seconds until the way is taken for what it is.
    settles: u8,
    /// Seconds in a row in which packets waited.
    waited: u8,
    /// And in which they waited long.
    waited_long: u8,
    /// And in which they waited very long.
    drowned: u8,
    loss: f32,
    /// Of the sound that the client receives.
    sound_loss: f32,
    judged: Option<Instant>,
}

/// The counts of one stream at the last look, and the second that is being counted.
struct Stream {
    way: Way,
    name: (Mid, Option<Rid>),
    bytes: u64,
    packets: u64,
    fresh: Option<Fresh>,
}

#[derive(Clone, Copy)]
struct Fresh {
    bytes: u64,
    packets: u64,
    lost: f32,
    jitter_ms: f32,
}

impl Watch {
    /// Takes what the transport counted as a whole. `late`: what we ourselves were late by at most; it makes round trips longer at both
    /// ends.
    pub fn handle_peer(&mut self, stats: &PeerStats, late: Duration) {
        let pair = stats.selected_candidate_pair.as_ref();
        self.note_path(pair.map(|pair| (pair.local.addr, pair.remote.addr)));
        let lost = stats.egress_loss_fraction.unwrap_or(0.0);
        self.loss += (lost - self.loss) * LOSS_WEIGHT;
        self.rtt = stats.rtt.or(pair.and_then(|pair| pair.current_round_trip_time)).or(self.rtt);
        let Some(rtt) = self.rtt else { return };
        let base = self.rtt_base.filter(|_| self.settles == 0).map_or(rtt, |base| base.mul_f64(BASE_DRIFT).min(rtt));
        self.settles = self.settles.saturating_sub(1);
        self.rtt_base = Some(base);
        let extra = rtt.saturating_sub(base * 2 + late * 2);
        let count = |seconds: u8, most: Duration| if extra > most { seconds.saturating_add(1) } else { 0 };
        self.drowned = count(self.drowned, DROWNED_DELAY);
        self.waited = count(self.waited, QUEUE_DELAY);
        self.waited_long = count(self.waited_long, LONG_QUEUE_DELAY);
    }

    /// On another way nothing of the former one counts: a longer way is no full one.
    fn note_path(&mut self, path: Option<(SocketAddr, SocketAddr)>) {
        let Some(path) = path else { return };
        if self.path.replace(path).is_some_and(|former| former != path) {
            (self.settles, self.loss) = (PATH_SETTLES, 0.0);
        }
    }

    /// Takes what was counted of a stream that the client sends.
    pub fn handle_in(&mut self, kind: Kind, stats: &MediaIngressStats) {
        let way = if kind == Kind::Audio { Way::AudioSend } else { Way::VideoSend };
        let jitter_ms = jitter_ms(kind, stats.jitter);
        self.count(way, (stats.mid, stats.rid), stats.bytes, stats.packets, stats.loss.unwrap_or(0.0), jitter_ms);
    }

    /// Takes what was counted of a stream that the client receives.
    pub fn handle_out(&mut self, kind: Kind, stats: &MediaEgressStats) {
        let way = if kind == Kind::Audio { Way::AudioRecv } else { Way::VideoRecv };
        let jitter = stats.remote.as_ref().map_or(0, |remote| remote.jitter);
        if let Some(lost) = stats.loss.filter(|_| kind == Kind::Audio) {
            let (worse, better) = SOUND_LOSS_WEIGHTS;
            self.sound_loss += (lost - self.sound_loss) * if lost > self.sound_loss { worse } else { better };
        }
        self.count(way, (stats.mid, stats.rid), stats.bytes, stats.packets, stats.loss.unwrap_or(0.0), jitter_ms(kind, jitter));
    }

    /// Whether packets wait on the way to the client, or so many are lost that they must. A client with a busy processor answers late
    /// now and then; only if the estimate too is below what is sent is it the way that is full.
    pub fn is_overloaded(&self, estimate_below: bool) -> bool {
        let waits_min = if self.loss > LOSS_OF_FULL { LOSSY_WAITS_MIN } else { WAITS_MIN };
        let waits = self.waited >= waits_min || self.waited_long >= LONG_WAITS_MIN;
        self.loss > LOSS_UNBEARABLE || estimate_below && waits
    }

    /// Whether packets wait so long, and have done so for so long, that the way is full even where little travels. What gets lost is not
    /// known then: the word of it waits too.
    pub fn is_drowned(&self) -> bool {
        self.drowned >= DROWNED_MIN
    }

    /// What the others are told of it.
    pub fn shown(&self) -> Option<Arc<OwnQuality>> {
        self.shown.clone()
    }

    /// How many of a hundred packets of sound get lost on the way to the client, in a few steps.
    pub fn sound_loss_percent(&self) -> u8 {
        SOUND_LOSSES.iter().find(|(most, _)| self.sound_loss <= *most).map_or(0, |(_, percent)| *percent)
    }

    fn count(&mut self, way: Way, name: (Mid, Option<Rid>), bytes: u64, packets: u64, lost: f32, jitter_ms: f32) {
        let index = self.streams.iter().position(|stream| stream.way == way && stream.name == name).unwrap_or_else(|| {
            self.streams.push(Stream { way, name, bytes, packets, fresh: None });
            self.streams.len() - 1
        });
        let Some(stream) = self.streams.get_mut(index) else { return };
        let (more, many) = (bytes.saturating_sub(stream.bytes), packets.saturating_sub(stream.packets));
        (stream.bytes, stream.packets) = (bytes, packets);
        stream.fresh = Some(Fresh { bytes: more, packets: many, lost, jitter_ms });
    }

    /// The second that just ended, one way.
    fn sample(&self, way: Way) -> Option<Sample> {
        let fresh = || self.streams.iter().filter(|stream| stream.way == way).filter_map(|stream| stream.fresh);
        let packets: u64 = fresh().map(|one| one.packets).sum();
        let bytes: u64 = fresh().map(|one| one.bytes).sum();
        let weight = |one: &Fresh| one.packets as f32 / packets.max(1) as f32;
        (packets > 0).then(|| Sample {
            lost: fresh().map(|one| one.lost * weight(&one)).sum(),
            rtt_ms: self.rtt.map(|rtt| rtt.as_secs_f32() * 1_000.0),
            jitter_ms: fresh().map(|one| one.jitter_ms).fold(0.0, f32::max),
            bitrate: bytes.saturating_mul(8),
            wanted: None,
            available: None,
        })
    }

    /// Closes a second. `wanted` and `available` are of the pictures that the client receives; `starved`: some are switched off because
    /// there is no room, so that it does not count what would fit, which may be nothing of use.
    fn judge(&mut self, now: Instant, connected: bool, wanted: u64, available: Option<u64>, starved: bool) {
        self.meter.handle_connected(connected);
        for way in Way::ALL {
            let sample = match (way, self.sample(way)) {
                (Way::VideoRecv, sample) if starved => Some(Sample { wanted: Some(wanted), ..sample.unwrap_or_default() }),
                (Way::VideoRecv, Some(sample)) => Some(Sample { wanted: Some(wanted), available, ..sample }),
                (_, sample) => sample,
            };
            self.meter.handle_sample(way, sample);
        }
        self.streams.retain(|stream| stream.fresh.is_some());
        self.streams.iter_mut().for_each(|stream| stream.fresh = None);
        self.show(now, connected);
    }

    fn show(&mut self, now: Instant, connected: bool) {
        let Some(since) = self.connected.or(connected.then_some(now)) else { return };
        self.connected = Some(since);
        if now.saturating_duration_since(since) >= FIRST_REPORT_AFTER {
            self.shown = Some(Arc::new(self.meter.shown()));
        }
    }
}

impl Engine {
    /// Judges every connection for which a second is over, and tells those who asked.
    pub(super) fn watch_quality(&mut self, now: Instant) {
        let mut told = Vec::new();
        for (index, slot) in (0_u32..).zip(&mut self.slots) {
            let Some(client) = slot.client.as_deref_mut() else { continue };
            let watch = &mut client.watch;
            if watch.judged.is_some_and(|at| now.saturating_duration_since(at) < JUDGE_INTERVAL) {
                continue;
            }
            watch.judged = Some(now);
            let wanted = client.desired;
            let starved = client.share.is_starved();
            watch.judge(now, client.peer.is_connected(), wanted, client.estimate.map(|estimate| estimate.as_u64()), starved);
            if watch.wanted {
                told.push(PeerKey { index, uses: slot.uses });
            }
        }
        for key in told {
            self.tell_quality(now, key);
        }
    }

    fn tell_quality(&mut self, now: Instant, key: PeerKey) {
        let Some(client) = self.client(key) else { return };
        let (room, who) = (client.peer.room, client.peer.who);
        let own = client.watch.meter.own();
        let none = Arc::new(OwnQuality::default());
        // Who has no transport now had one.
        let shown = |other: &Member| match (&other.far, other.key.and_then(|key| self.client(key))) {
            (Some(far), _) => far.shown.clone(),
            (None, Some(other)) => other.watch.shown(),
            (None, None) => Some(Arc::clone(&none)),
        };
        let members = self.halls.get(&room).into_iter().flat_map(|hall| &hall.members);
        let others = members.filter(|(other, _)| **other != who);
        let others: Vec<_> = others.filter_map(|(other, member)| Some((*other, shown(member)?))).collect();
        let Some(client) = self.client_mut(key) else { return };
        if let Some(quality) = client.watch.reporter.poll_report(now, own, others) {
            let end = client.end();
            self.report(end, News::Quality(quality));
        }
    }
}

/// Whether a client that asked for these channels wants to hear of quality.
pub(super) fn wants_quality(channels: &[Channel]) -> bool {
    channels.contains(&Channel::Quality)
}

/// From units of the codec's clock.
fn jitter_ms(kind: Kind, units: u32) -> f32 {
    let per_ms = if kind == Kind::Audio { 48.0 } else { 90.0 };
    units as f32 / per_ms
}

#[cfg(test)]
mod tests {
    use str0m::net::Protocol;
    use str0m::stats::{CandidatePairStats, CandidateStats};

    use super::*;

    /// What the transport counts in a second in which packets to this address took so long.
    fn second(remote: u8, rtt_ms: u64, lost: f32) -> PeerStats {
        let at = |host: u8| CandidateStats { addr: SocketAddr::from(([192, 0, 2, host], 4_000)) };
        PeerStats {
            peer_bytes_rx: 0,
            peer_bytes_tx: 0,
            bytes_rx: 0,
            bytes_tx: 0,
            timestamp: Instant::now(),
            bwe_tx: None,
            egress_loss_fraction: Some(lost),
            ingress_loss_fraction: None,
            rtt: Some(Duration::from_millis(rtt_ms)),
            selected_candidate_pair: Some(CandidatePairStats {
                protocol: Protocol::Udp,
                local: at(1),
                remote: at(remote),
                current_round_trip_time: None,
                total_round_trip_time: Duration::ZERO,
                responses_received: 0,
            }),
        }
    }

    /// In which of these seconds, with this share lost, the way seems full.
    fn check(seconds: &[(u8, u64)], lost: f32, expected: &[usize]) {
        let mut watch = Watch::default();
        let full = seconds.iter().map(|(remote, rtt_ms)| {
            watch.handle_peer(&second(*remote, *rtt_ms, lost), Duration::ZERO);
            watch.is_overloaded(true)
        });
        let full: Vec<usize> = full.enumerate().filter(|(_, full)| *full).map(|(index, _)| index).collect();
        assert_eq!(full, expected);
    }

    #[test]
    fn only_who_waits_very_long_for_long_is_drowned() {
        let mut watch = Watch::default();
        let mut drowned = |rtt_ms: u64| {
            watch.handle_peer(&second(1, rtt_ms, 0.0), Duration::ZERO);
            watch.is_drowned()
        };
        assert_eq!([40, 400, 400, 400, 400, 400].map(&mut drowned), [false; 6]);
        assert_eq!([2_000, 2_000, 2_000, 40, 2_000].map(&mut drowned), [false; 5]);
        assert_eq!([2_000, 2_000, 2_000, 40].map(&mut drowned), [false, false, true, false]);
    }

    #[test]
    fn a_longer_way_is_no_full_way() {
        check(&[(2, 20), (2, 20), (2, 500), (2, 500), (2, 500)], 0.0, &[3, 4]);
        check(&[(2, 20), (2, 20), (3, 500), (3, 500), (3, 500)], 0.0, &[]);
        // The first figures are still those of the former way.
        check(&[(2, 20), (2, 20), (3, 20), (3, 400), (3, 500), (3, 500), (3, 510)], 0.0, &[]);
        check(&[(2, 20), (3, 300), (3, 300), (3, 300), (3, 1_100), (3, 1_100)], 0.0, &[5]);
    }

    #[test]
    fn who_waits_a_little_now_and_then_is_busy_and_who_always_does_has_a_full_way() {
        check(&[(2, 20), (2, 300), (2, 300), (2, 300), (2, 300), (2, 20), (2, 300)], 0.0, &[]);
        check(&[(2, 20), (2, 200), (2, 200), (2, 200), (2, 200), (2, 200)], 0.0, &[5]);
        check(&[(2, 20), (2, 600), (2, 20), (2, 600), (2, 20)], 0.0, &[]);
        check(&[(2, 20), (2, 200), (2, 200), (2, 200)], 0.3, &[2, 3]);
    }

    #[test]
    fn what_we_are_late_by_ourselves_is_no_full_way() {
        let mut watch = Watch::default();
        let mut overloaded = |rtt_ms: u64, late_ms: u64| {
            watch.handle_peer(&second(1, rtt_ms, 0.0), Duration::from_millis(late_ms));
            watch.is_overloaded(true)
        };
        assert_eq!([20, 500, 500, 500].map(|rtt_ms| overloaded(rtt_ms, 200)), [false; 4]);
        assert_eq!([900, 900].map(|rtt_ms| overloaded(rtt_ms, 200)), [false, true]);
    }

    #[test]
    fn what_was_lost_on_the_former_way_does_not_count() {
        check(&[(2, 20); 3], 0.9, &[1, 2]);
        check(&[(2, 20), (3, 20), (4, 20)], 0.9, &[]);
    }
}
