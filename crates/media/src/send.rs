//! All media to one client: packets get their headers and are encrypted here, what is asked for again is sent again, and what the client
//! says of it tells how much may be sent. The library is only asked for keys, and for where the client is.
//!
//! No two packets may be encrypted with the same key, source and number. Sources are never used for another track
//! ([`crate::negotiate`]); of each source, numbers of media are used once ([`Window`]) and those of repairs only rise. Reports have a
//! source and numbers that the library's do not have ([`crate::srtp`]).

mod blind;
mod early;
mod kept;
mod line;
mod packet;
mod wire;

use std::time::{Duration, Instant};

use str0m::config::CryptoProvider;
use str0m::media::Mid;
use str0m::stats::MediaEgressStats;

use crate::congestion::{Congestion, Probe, Purpose};
use crate::keys::Keys;
use crate::limit::{REPORT_INTERVAL, REPORTERS_MAX, SPENT_MAX};
use crate::net::Batch;
use crate::peer::Path;
use crate::reception::{self, Told};
use crate::repair::Repairs;
use crate::replay::Window;
use crate::srtp::Srtp;
use blind::Blind;
use early::Early;
use kept::{Entry, Left};
use line::{Head, Line};
pub(crate) use packet::{Extras, Packet, Place};
use wire::{Begun, Wire};

/// Bits per second assumed of every connection until it shows what it can take: enough for a few pictures at once, and soon taken back
/// where it is too much.
const FIRST_ESTIMATE: u64 = 5_000_000;

/// Time from one look at a probe to the next.
const PROBE_STEP: Duration = Duration::from_millis(1);

/// Packets of a probe that leave in one step, at most.
const PROBE_PACKETS_MAX: usize = 64;

/// What fits into the count of one packet that says goodbye.
const SOURCES_PER_BYE: usize = 31;

/// What was said of the way longer ago says nothing of now.
const STALE: Duration = Duration::from_secs(3);

/// Bytes of a report beyond which nothing more goes with it: it must fit into a datagram.
const REPORT_BYTES_MAX: usize = 900;

/// Sources that are told how long the way is at a time.
const ASKERS_MAX: usize = 4;

/// Ends of the numbers of sources by which they are found.
const NEAR: usize = 64;

/// Padding with nothing to repeat: its last byte says how many there are (RFC 3550, section 5.1).
const PADDING: [u8; 224] = {
    let mut padding = [0; 224];
    padding[223] = 224;
    padding
};

/// Everything that one client is sent.
pub(crate) struct Sender {
    srtp: Option<Srtp>,
    /// Where the client is, and what it is sent from; none: nowhere now.
    way: Option<Path>,
    /// The sources of `lines`, in their order.
    sources: Vec<u32>,
    lines: Vec<Line>,
    /// Sources of tracks that are gone, those that went last at the end.
    spent: Vec<u32>,
    /// Where a source was last among `lines`, by the end of its number.
    near: [u8; NEAR],
    /// The line of which something was kept last.
    fresh: usize,
    /// Each payload type's type for repairs, or 0.
    repair_types: [u8; 128],
    congestion: Congestion,
    /// For a client that reports no arrivals of any track.
    blind: Option<Blind>,
    /// The next packet's number over all lines.
    number: u64,
    /// Bits per second: at least, and if there were room.
    wanted: (u64, u64),
    probe: Option<Probing>,
    repairs: Repairs,
    /// When arrivals were reported last.
    told: Option<Instant>,
    reporters: Vec<Reporter>,
    /// The source of reports.
    reporter: u32,
    /// Who wants to know how long the way is: its source, its clock, and when that was.
    askers: Vec<(u32, u32, Instant)>,
    random: u64,
    turn: Turn,
    /// A moment, and how long after 1970 it was.
    epoch: (Instant, Duration),
    /// What the client reports, made readable.
    report: Vec<u8>,
    wire: Wire,
    /// Until there are keys: the first picture is sent as soon as anything can be.
    early: Option<Early>,
}

/// A probe on its way.
struct Probing {
    probe: Probe,
    began: Instant,
    next: Instant,
}

/// A source of the client's reports.
struct Reporter {
    ssrc: u32,
    heard: Instant,
    used: Window<2>,
}

/// A moment as packets have it.
#[derive(Clone, Copy)]
struct Turn {
    now: Instant,
    /// Milliseconds since the epoch's moment.
    ms: u32,
    /// Seconds in 6.18 bits.
    abs: u32,
}

impl Sender {
    /// `seed`: for numbers that should be unlike those of others.
    pub fn new(now: Instant, epoch: (Instant, Duration), seed: u64) -> Self {
        Sender {
            srtp: None,
            way: None,
            sources: Vec::new(),
            lines: Vec::new(),
            spent: Vec::new(),
            near: [0; NEAR],
            fresh: 0,
            repair_types: [0; 128],
            congestion: Congestion::new(now, FIRST_ESTIMATE),
            blind: None,
            number: 0,
            wanted: (0, 0),
            probe: None,
            repairs: Repairs::new(now),
            told: None,
            reporters: Vec::new(),
            reporter: (seed >> 32) as u32 | 1,
            askers: Vec::new(),
            random: seed,
            turn: Turn::of(now, epoch),
            epoch,
            report: Vec::new(),
            wire: Wire::default(),
            early: Some(Early::default()),
        }
    }

    /// Whether there are keys.
    pub fn is_open(&self) -> bool {
        self.srtp.is_some()
    }

    /// The handshake is over.
    pub fn open(&mut self, crypto: &CryptoProvider, keys: &Keys) {
        self.srtp = Srtp::new(crypto, keys);
    }

    /// The client is there now; none: nowhere, and nothing is sent.
    pub fn set_way(&mut self, now: Instant, way: Option<Path>) {
        let moved = way.is_some() && self.way.is_some() && self.way != way;
        self.way = way;
        if moved {
            // It may be another network, which takes less.
            self.congestion.reset(now, self.congestion.estimate().min(FIRST_ESTIMATE));
            (self.probe, self.told) = (None, None);
        }
    }

    /// These are all the tracks that the client receives, and each payload type's type for repairs.
    pub fn place<'a>(&mut self, now: Instant, places: impl Iterator<Item = Place<'a>>, repairs: impl Iterator<Item = (u8, u8)>) {
        let mut before = std::mem::take(&mut self.lines);
        for place in places {
            let known = before.iter().position(|line| line.ssrc == place.ssrc);
            if known.is_none() && self.is_spent(&place) {
                tracing::error!("a source that was used up was to be used again; its track is not sent");
                continue;
            }
            let start = self.next_random();
            let mut line = known.map(|index| before.swap_remove(index)).unwrap_or_else(|| Line::new(&place, start));
            line.agree(&place, start);
            self.lines.push(line);
        }
        self.spent
            .extend(before.iter().flat_map(|line| [Some(line.ssrc), line.repair.as_ref().map(|repair| repair.ssrc)]).flatten());
        self.spent.drain(..self.spent.len().saturating_sub(SPENT_MAX));
        self.sources = self.lines.iter().map(|line| line.ssrc).collect();
        let blind = !self.lines.is_empty() && !self.lines.iter().any(Line::is_numbered);
        self.blind = self.blind.take().or_else(|| Some(Blind::new(FIRST_ESTIMATE))).filter(|_| blind);
        self.repair_types = [0; 128];
        for (of, repair) in repairs {
            if let Some(slot) = self.repair_types.get_mut(usize::from(of)) {
                *slot = repair;
            }
        }
        self.tell_wanted(now);
    }

    /// Whether a place has a source of a track that is gone: nobody knows which of its numbers were used. Sources are given out once
    /// ([`crate::negotiate`]); this is a second look at the latest.
    fn is_spent(&self, place: &Place<'_>) -> bool {
        let repair = place.repair.map(|(ssrc, _)| ssrc);
        self.spent.contains(&place.ssrc) || repair.is_some_and(|repair| self.spent.contains(&repair))
    }

    /// Bits per second: what the estimate may always assume, and what would be sent if there were room.
    pub fn set_wanted(&mut self, now: Instant, least: u64, desired: u64) {
        self.wanted = (least, desired);
        self.tell_wanted(now);
    }

    /// Who has nothing to fill up the way with does not find out how much it takes.
    fn tell_wanted(&mut self, now: Instant) {
        let (least, desired) = self.wanted;
        let desired = if self.padded().is_some() { desired } else { 0 };
        self.congestion.set_wanted(now, least, desired);
    }

    /// A packet of a track, encrypted, and, if its turn has come, a report on the track; false if nothing was sent. It leaves with
    /// [`batch`](Sender::batch).
    pub fn write(&mut self, now: Instant, ssrc: u32, packet: &Packet<'_>) -> bool {
        if let Some(early) = &mut self.early {
            early.keep(now, ssrc, packet);
            return false;
        }
        if self.way.is_none() || self.srtp.is_none() {
            return false;
        }
        let Some(index) = self.index_of(ssrc) else { return false };
        self.tick(now);
        let Some(line) = self.lines.get_mut(index) else { return false };
        let Some(seq) = line.take_number(packet.seq) else { return false };
        let head = Head {
            ssrc,
            payload_type: packet.payload_type,
            marker: packet.marker,
            padded: false,
            seq: seq as u16,
            time: packet.time,
            extras: packet.extras,
            number: self.number as u16,
            abs: self.turn.abs,
            named: line.heard.last().is_none(),
        };
        let begun = self.wire.begin(line, &head, seq);
        line.count(packet);
        let whole = packet.repairable && line.repair.is_none();
        if whole || packet.repairable && type_for(&self.repair_types, packet.payload_type).is_some() {
            self.fresh = index;
            line.kept.keep(self.turn.ms, seq, packet);
        }
        self.wire.put(packet.payload);
        if let Some(counters) = packet.counters {
            counters.write(self.wire.payload(&begun, 0));
        }
        let number = begun.numbered.then_some(self.number);
        if !self.finish(now, &begun, Purpose::Media) {
            return false;
        }
        if let Some(line) = self.lines.get_mut(index).filter(|_| whole) {
            let left = self.wire.last(&begun, packet.payload.len());
            let left = left.and_then(|(header, signature)| Left::new(number, header, signature));
            left.into_iter().for_each(|left| line.kept.keep_left(seq, left));
        }
        self.repairs.note_media(now, packet.payload.len());
        self.report_on(now, index);
        true
    }

    /// Whether the client has signed a packet, of which `header` bytes are readable, in this turn of its source through all numbers.
    pub fn is_signed(&mut self, packet: &[u8], header: usize, turn: u32) -> bool {
        self.srtp.as_mut().is_some_and(|srtp| srtp.is_signed(packet, header, turn))
    }

    /// A report of the client's, as it came. False: it is not the client's, or was heard before.
    pub fn handle_report(&mut self, now: Instant, datagram: &[u8], heard: &mut impl FnMut(Heard)) -> bool {
        let mut report = std::mem::take(&mut self.report);
        let fresh = self.srtp.as_mut().and_then(|srtp| srtp.open_report(datagram, &mut report));
        let fresh = fresh.is_some_and(|(ssrc, index)| self.is_fresh(now, ssrc, index));
        if fresh {
            self.tick(now);
            reception::read(&report, |told| self.hear(now, told, heard));
            self.blind.iter_mut().for_each(|blind| blind.judge(now));
        }
        self.report = report;
        fresh
    }

    /// The time named by [`poll_timeout`](Sender::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.srtp.is_none() || self.way.is_none() {
            return;
        }
        self.tick(now);
        self.congestion.handle_timeout(now);
        if self.probe.is_none()
            && self.padded().is_some()
            && let Some(probe) = self.congestion.poll_probe(now)
        {
            self.probe = Some(Probing { probe, began: now, next: now });
        }
        self.fill(now);
    }

    /// When to call [`handle_timeout`](Sender::handle_timeout), if nothing else happens.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.srtp.is_none() || self.way.is_none() {
            return None;
        }
        let probe = self.probe.as_ref().map(|probe| probe.next);
        probe.into_iter().chain(self.congestion.poll_timeout()).min()
    }

    /// Whether something waits to be sent.
    pub fn is_waiting(&self) -> bool {
        !self.wire.is_empty()
    }

    /// All that waits to be sent; none if the client is nowhere.
    pub fn batch(&self) -> Option<Batch<'_>> {
        let (protocol, source, destination) = self.way?;
        Some(self.wire.batch(protocol, source, destination))
    }

    /// It was.
    pub fn clear(&mut self) {
        self.wire.clear();
    }

    /// What was sent in a turn that began then leaves only now.
    pub fn leave(&mut self, turn: Instant, now: Instant) {
        self.congestion.leave(turn, now);
    }

    /// Nothing more is sent of any track: says so (RFC 3550, section 6.6).
    pub fn close(&mut self) {
        let Some(srtp) = self.srtp.as_mut().filter(|_| self.way.is_some()) else { return };
        for sources in self.sources.chunks(SOURCES_PER_BYE) {
            let (report, count) = (&mut self.wire.bytes, sources.len() as u8);
            let start = report.len();
            report.extend([0x80, 201, 0, 1]);
            report.extend(self.reporter.to_be_bytes());
            report.extend([0x80 | count, 203, 0, count]);
            report.extend(sources.iter().flat_map(|ssrc| ssrc.to_be_bytes()));
            if srtp.seal_report(report, start) {
                self.wire.ends.push(report.len());
            }
        }
    }

    /// The sections in which there are pictures.
    pub fn pictures(&self) -> impl Iterator<Item = Mid> {
        self.lines.iter().filter(|line| line.video).map(|line| line.mid)
    }

    /// Bits per second that the way takes, if that moved since the last time.
    pub fn poll_estimate(&mut self) -> Option<u64> {
        self.blind.as_mut().map_or_else(|| self.congestion.poll_estimate(), Blind::poll_estimate)
    }

    /// The round trip, with what the client waits before it reports; none if that was long ago.
    pub fn rtt(&self, now: Instant) -> Option<Duration> {
        self.blind.as_ref().map_or_else(|| self.congestion.rtt(), Blind::rtt).filter(|_| self.is_told(now))
    }

    /// The share of packets lost lately, 0 to 1; none if that was long ago.
    pub fn loss(&self, now: Instant) -> Option<f32> {
        self.is_told(now).then(|| self.blind.as_ref().map_or_else(|| self.congestion.loss(), Blind::loss))
    }

    /// How long packets wait on the way; nothing if that was long ago.
    pub fn queue(&self, now: Instant) -> Duration {
        if self.blind.is_none() && self.is_told(now) { self.congestion.queue() } else { Duration::ZERO }
    }

    /// What was counted of each track until now; what receivers said, since the last time. Once a second.
    pub fn stats(&mut self, now: Instant) -> impl Iterator<Item = MediaEgressStats> {
        self.tick(now);
        self.wire.trim();
        let ms = self.turn.ms;
        self.lines.iter_mut().map(move |line| {
            line.kept.trim(ms);
            line.stats(now)
        })
    }

    /// Whether something is sent and nothing told of its arrival: then what was known of the way says nothing of now.
    pub fn is_unanswered(&self, now: Instant) -> bool {
        !self.is_told(now) && self.is_sending(now)
    }

    /// Whether something was sent lately.
    pub fn is_sending(&self, now: Instant) -> bool {
        self.lines.iter().any(|line| line.is_sent(now))
    }

    fn is_told(&self, now: Instant) -> bool {
        let told = self.blind.as_ref().map_or(self.told, Blind::told);
        let stale = if self.blind.is_some() { 3 * STALE } else { STALE };
        told.is_some_and(|told| now.saturating_duration_since(told) < stale)
    }

    /// Each source of reports has numbers of its own (RFC 3711, section 3.2.3).
    fn is_fresh(&mut self, now: Instant, ssrc: u32, index: u32) -> bool {
        let known = self.reporters.iter().position(|reporter| reporter.ssrc == ssrc);
        let place = known.unwrap_or_else(|| {
            if self.reporters.len() >= REPORTERS_MAX
                && let Some((oldest, _)) = self.reporters.iter().enumerate().min_by_key(|(_, reporter)| reporter.heard)
            {
                self.reporters.swap_remove(oldest);
            }
            self.reporters.push(Reporter { ssrc, heard: now, used: Window::default() });
            self.reporters.len() - 1
        });
        let Some(reporter) = self.reporters.get_mut(place) else { return false };
        let fresh = reporter.used.take(u64::from(index));
        reporter.heard = if fresh { now } else { reporter.heard };
        fresh
    }

    fn hear(&mut self, now: Instant, told: Told<'_>, heard: &mut impl FnMut(Heard)) {
        match told {
            Told::Arrivals(packet) => {
                if self.congestion.handle_feedback(now, packet).is_ok() {
                    self.told = Some(now);
                }
            }
            Told::Received(block) => {
                for line in &mut self.lines {
                    if line.ssrc == block.ssrc {
                        line.heard.note(&block);
                        self.blind.iter_mut().for_each(|blind| blind.note(&block, line::middle_of(now, self.epoch)));
                    } else if let Some(repair) = line.repair.as_mut().filter(|repair| repair.ssrc == block.ssrc) {
                        repair.heard = true;
                    }
                }
            }
            Told::Missing(ssrc, numbers) => self.send_again(now, ssrc, numbers, heard),
            Told::Keyframe(ssrc) => {
                if let Some(line) = self.lines.iter_mut().find(|line| line.ssrc == ssrc) {
                    line.plis += 1;
                    heard(Heard::Keyframe(line.mid));
                }
            }
            Told::Clock(ssrc, clock) => {
                self.askers.retain(|(asker, _, _)| *asker != ssrc);
                if self.askers.len() < ASKERS_MAX {
                    self.askers.push((ssrc, clock, now));
                }
            }
        }
    }

    /// Sends what is missing of a track again, as long as it is not more than its share. Then what was sent until now is forgotten, and
    /// what else was asked for with it.
    fn send_again(&mut self, now: Instant, ssrc: u32, numbers: impl Iterator<Item = u16>, heard: &mut impl FnMut(Heard)) {
        if self.srtp.is_none() || self.way.is_none() {
            return;
        }
        let Some(index) = self.sources.iter().position(|own| *own == ssrc) else { return };
        if let Some(line) = self.lines.get_mut(index) {
            line.nacks += 1;
        }
        for end in numbers {
            let Some(line) = self.lines.get_mut(index) else { return };
            let Some(entry) = line.kept.ask(self.turn.ms, end) else { continue };
            let whole = line.repair.is_none();
            if !self.repairs.may_send(now, entry.payload.len()) {
                heard(Heard::Refused);
                return self.lines.iter_mut().for_each(|line| line.kept.forget());
            }
            if whole {
                self.resend(now, index, &entry);
            } else {
                self.repeat(now, index, &entry, Purpose::Media);
            }
        }
    }

    /// A packet once more as it left, to a client without a source for repairs. It is encrypted anew, with the same key, number, header and
    /// payload: byte for byte what left. Anything else under that number would give away the key of its signature (RFC 7714, section 8.4),
    /// so it goes nowhere unless its signature is the same too.
    fn resend(&mut self, now: Instant, index: usize, entry: &Entry) {
        let Some(line) = self.lines.get(index) else { return };
        let Some(left) = line.kept.left(entry.seq) else { return };
        let begun = self.wire.begin_again(line.ssrc, entry.seq, left.header());
        self.wire.put(&entry.payload);
        if let Some(counters) = entry.counters {
            counters.write(self.wire.payload(&begun, 0));
        }
        if self.wire.finish_again(self.srtp.as_mut(), &begun, left.signature())
            && let Some(number) = left.number
        {
            self.congestion.sent_again(now, number);
        }
    }

    /// A packet once more, in one of another source (RFC 4588, section 4): its number, and what it carries.
    fn repeat(&mut self, now: Instant, index: usize, entry: &Entry, purpose: Purpose) {
        let Some(payload_type) = type_for(&self.repair_types, entry.payload_type) else { return };
        let Some(begun) = self.begin_repair(index, (payload_type, entry.time), (entry.marker, false), entry.extras) else {
            return;
        };
        self.wire.put(&(entry.seq as u16).to_be_bytes());
        self.wire.put(&entry.payload);
        if let Some(counters) = entry.counters {
            counters.write(self.wire.payload(&begun, 2));
        }
        self.finish(now, &begun, purpose);
    }

    /// Begins a packet under the source for repairs of a track.
    fn begin_repair(
        &mut self,
        index: usize,
        (payload_type, time): (u8, u32),
        (marker, padded): (bool, bool),
        extras: Extras,
    ) -> Option<Begun> {
        let line = self.lines.get_mut(index)?;
        let repair = line.repair.as_mut()?;
        let (ssrc, seq, named) = (repair.ssrc, repair.seq, !repair.heard);
        repair.seq += 1;
        let (number, abs) = (self.number as u16, self.turn.abs);
        let head = Head { ssrc, payload_type, marker, padded, seq: seq as u16, time, extras, number, abs, named };
        Some(self.wire.begin(line, &head, seq))
    }

    /// Encrypts what was begun, and has it wait to be sent.
    fn finish(&mut self, now: Instant, begun: &Begun, purpose: Purpose) -> bool {
        let Some(size) = self.wire.finish(self.srtp.as_mut(), begun) else { return false };
        if begun.numbered {
            self.congestion.sent(now, self.number, size, purpose);
            self.number += 1;
        }
        true
    }

    /// A line whose repairs fill up the way: the one that is used most lately, as far as is known.
    fn padded(&self) -> Option<usize> {
        let fit = |line: &Line| line.is_numbered() && line.repair.is_some();
        let used = self.lines.get(self.fresh).filter(|line| fit(line) && !line.kept.is_empty()).map(|_| self.fresh);
        used.or_else(|| self.lines.iter().position(fit))
    }

    /// Sends what a probe lacks by now.
    fn fill(&mut self, now: Instant) {
        let Some(Probing { probe, began, next }) = self.probe.take() else { return };
        if now < next {
            self.probe = Some(Probing { probe, began, next });
            return;
        }
        let due = probe.bytes_after(now.saturating_duration_since(began).as_micros() as u64);
        for _ in 0..PROBE_PACKETS_MAX {
            let Some((left, packets)) = self.congestion.probe_left() else { return };
            let sent = probe.bytes.saturating_sub(left);
            let begun = sent > 0 || packets < probe.packets;
            if begun && sent > due {
                break;
            }
            if !self.pad(now, Purpose::Probe(probe.id)) {
                return;
            }
        }
        self.probe = Some(Probing { probe, began, next: now + PROBE_STEP });
    }

    fn pad(&mut self, now: Instant, purpose: Purpose) -> bool {
        let Some(index) = self.padded() else { return false };
        let before = self.number;
        let Some(line) = self.lines.get_mut(index) else { return false };
        if let Some(entry) = line.kept.newest(self.turn.ms) {
            self.repeat(now, index, &entry, purpose);
        } else if let Some(payload_type) = line.repair.as_ref().map(|repair| repair.payload_type) {
            let time = line.time();
            if let Some(begun) = self.begin_repair(index, (payload_type, time), (false, true), Extras::default()) {
                self.wire.put(&PADDING);
                self.finish(now, &begun, purpose);
            }
        }
        self.number > before
    }

    /// A report on a track, if its turn has come.
    fn report_on(&mut self, now: Instant, index: usize) {
        let Some(line) = self.lines.get(index) else { return };
        if line.report_at.is_some_and(|at| now < at) {
            return;
        }
        let Some(srtp) = &mut self.srtp else { return };
        let report = &mut self.wire.bytes;
        let start = report.len();
        // Numbers of encrypted reports belong to the source of the first, and it is nobody else's.
        report.extend([0x80, 201, 0, 1]);
        report.extend(self.reporter.to_be_bytes());
        // Others whose time comes soon go with it: many datagrams cost more than one.
        let (others, lines) = (line.report_at.is_some(), &mut self.lines);
        let soon = |line: &Line| others && line.is_sent(now) && line.report_at.is_some_and(|at| at < now + REPORT_INTERVAL / 2);
        for at in (0..lines.len()).cycle().skip(index).take(lines.len()) {
            let fits = report.len() - start < REPORT_BYTES_MAX;
            let Some(line) = lines.get_mut(at).filter(|line| at == index || fits && soon(line)) else { continue };
            line.report_at = Some(now + REPORT_INTERVAL);
            line.write_report(now, self.epoch, report);
        }
        if !self.askers.is_empty() {
            // RFC 3611, section 4.5.
            let words = 3 * self.askers.len() as u8;
            report.extend([0x80, 207, 0, words + 2]);
            report.extend(self.reporter.to_be_bytes());
            report.extend([5, 0, 0, words]);
        }
        for (ssrc, clock, at) in self.askers.drain(..) {
            let waited = (now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000) as u32;
            report.extend([ssrc, clock, waited].iter().flat_map(|word| word.to_be_bytes()));
        }
        if srtp.seal_report(report, start) {
            self.wire.ends.push(report.len());
        }
    }

    /// The place of a source among the lines.
    fn index_of(&mut self, ssrc: u32) -> Option<usize> {
        let near = self.near.get_mut(ssrc as usize % NEAR)?;
        if self.sources.get(usize::from(*near)) == Some(&ssrc) {
            return Some(usize::from(*near));
        }
        let index = self.sources.iter().position(|own| *own == ssrc)?;
        *near = u8::try_from(index).unwrap_or(u8::MAX);
        Some(index)
    }

    fn tick(&mut self, now: Instant) {
        if self.turn.now != now {
            self.turn = Turn::of(now, self.epoch);
        }
    }

    /// A number that nobody need be unable to guess.
    fn next_random(&mut self) -> u16 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 40) as u16
    }
}

/// What somebody else has to see to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// What comes in this section cannot be decoded.
    Keyframe(Mid),
    /// More was asked for again than the client's share.
    Refused,
}

impl Turn {
    fn of(now: Instant, (epoch, since_1970): (Instant, Duration)) -> Self {
        let passed = now.saturating_duration_since(epoch);
        let utc = since_1970 + passed;
        let abs = (utc.as_secs() as u32 & 0x3f) << 18 | ((u64::from(utc.subsec_nanos()) << 18) / 1_000_000_000) as u32;
        Turn { now, ms: (passed.as_secs() as u32).wrapping_mul(1_000).wrapping_add(passed.subsec_millis()), abs }
    }
}

fn type_for(types: &[u8; 128], of: u8) -> Option<u8> {
    types.get(usize::from(of)).copied().filter(|own| *own != 0)
}

#[cfg(test)]
mod tests;
