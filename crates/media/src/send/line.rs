//! One track to one client: its numbers, its headers, what was counted, and what may be sent again.

use std::time::{Duration, Instant};

use str0m::media::Mid;
use str0m::rtp::Extension;
use str0m::stats::{MediaEgressStats, RemoteIngressStats};

use super::kept::Kept;
use super::{Extras, Packet, Place};
use crate::limit::REPORT_INTERVAL;
use crate::reception::Reception;
use crate::replay::Window;

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// The one-byte form of extensions (RFC 8285, section 4.2), and its highest number.
const ONE_BYTE: [u8; 2] = [0xbe, 0xde];
const ONE_BYTE_MAX: u8 = 14;

/// Numbers that may be missing between two packets sent; and by how much the second is ahead where more are: what is late of before fits
/// in between.
const NUMBERS_AHEAD_MAX: u64 = 30_000;
const NUMBERS_AHEAD: u64 = 2_048;

/// The first number on the wire is below this, so that some that come late still fit before the first turn of the count.
const NUMBERS_FIRST: u64 = 1 << 15;

/// The longest name of a section that fits into that form.
const NAME_MAX: usize = 16;

/// Bytes of a header with all extensions that there are: those of RFC 3550, the word before extensions, and of each its value and the byte
/// before that: number, time, level, orientation, content, delay and section, in whole words.
pub(super) const HEADER_BYTES_MAX: usize = 12 + 4 + (3 + 4 + 2 + 2 + 2 + 4 + 1 + NAME_MAX).next_multiple_of(4);

/// One track to the client.
pub(super) struct Line {
    pub ssrc: u32,
    pub mid: Mid,
    pub video: bool,
    name: String,
    clock_hz: u32,
    ids: Ids,
    /// How it is sent again.
    pub repair: Option<Repair>,
    /// Numbers that were encrypted, none of which may be again.
    used: Window<16>,
    /// By how much numbers on the wire are less than the track's own.
    skipped: u64,
    pub kept: Kept,
    packets: u64,
    bytes: u64,
    /// Reports on missing packets, and wishes for key frames.
    pub nacks: u64,
    pub plis: u64,
    /// RTP timestamp and moment of the last packet.
    last: Option<(u32, Instant)>,
    pub report_at: Option<Instant>,
    pub heard: Reception,
}

/// The source under which packets are sent again (RFC 4588, section 4).
pub(super) struct Repair {
    pub ssrc: u32,
    /// The payload type of padding, until another packet is sent.
    pub payload_type: u8,
    /// The next number. It only ever rises.
    pub seq: u64,
    /// Whether the client is known to know the source.
    pub heard: bool,
}

/// The numbers of extensions; 0: not agreed on.
#[derive(Clone, Copy, Debug, Default)]
struct Ids {
    mid: u8,
    level: u8,
    orientation: u8,
    content: u8,
    delay: u8,
    abs: u8,
    number: u8,
}

/// What a header says beside what its line knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub ssrc: u32,
    pub payload_type: u8,
    pub marker: bool,
    pub padded: bool,
    pub seq: u16,
    pub time: u32,
    pub extras: Extras,
    /// Counted over all that the client is sent.
    pub number: u16,
    /// Seconds in 6.18 bits.
    pub abs: u32,
    /// Whether the section is to be named.
    pub named: bool,
}

impl Line {
    /// `seq`: where numbers of repairs begin.
    pub fn new(place: &Place<'_>, seq: u16) -> Self {
        let (ssrc, mid, name, clock_hz) = (place.ssrc, place.mid, place.name.into(), place.clock_hz);
        let repair = place.repair.map(|repair| Repair::new(repair, seq));
        Line {
            ssrc,
            mid,
            video: place.video,
            name,
            clock_hz,
            ids: Ids::of(place),
            repair,
            used: Window::default(),
            skipped: 0,
            kept: Kept::default(),
            packets: 0,
            bytes: 0,
            nacks: 0,
            plis: 0,
            last: None,
            report_at: None,
            heard: Reception::default(),
        }
    }

    /// Takes over what was agreed on since. Numbers and counts go on.
    pub fn agree(&mut self, place: &Place<'_>, seq: u16) {
        self.ids = Ids::of(place);
        self.clock_hz = place.clock_hz;
        match (&mut self.repair, place.repair) {
            (Some(own), Some((ssrc, payload_type))) if own.ssrc == ssrc => own.payload_type = payload_type,
            // The first description may have had none.
            (own @ None, Some(repair)) => {
                *own = Some(Repair::new(repair, seq));
                self.kept = Kept::default();
            }
            _ => {}
        }
    }

    /// The number on the wire for a packet of the track; false: it was used, or may have been. A receiver counts by 16 bits and continues
    /// from what comes, so where too many were not sent, for instance while the client was nowhere, those are left out
    /// (RFC 3711, section 3.3.1). It takes the first for one of the first 65,536, however many passed before that.
    pub fn take_number(&mut self, seq: u64) -> Option<u64> {
        let next = self.used.next();
        let number = seq.checked_sub(self.skipped)?;
        let said = match next {
            0 => number % NUMBERS_FIRST,
            _ if number > next + NUMBERS_AHEAD_MAX => next + NUMBERS_AHEAD,
            _ => number,
        };
        self.skipped += number - said;
        self.used.take(said).then_some(said)
    }

    /// Whether its packets are counted over all that the client is sent, so that their arrival is reported.
    pub fn is_numbered(&self) -> bool {
        self.ids.number != 0
    }

    /// Whether something of it was sent lately.
    pub fn is_sent(&self, now: Instant) -> bool {
        self.last.is_some_and(|(_, at)| now.saturating_duration_since(at) < 2 * REPORT_INTERVAL)
    }

    /// The last packet's RTP timestamp.
    pub fn time(&self) -> u32 {
        self.last.map_or(0, |(time, _)| time)
    }

    pub fn count(&mut self, packet: &Packet<'_>) {
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
        // What came late, or is given again, is of an earlier moment than that at which it leaves.
        let newer = |(time, shown): (u32, Instant)| {
            packet.time.wrapping_sub(time).cast_signed() > 0 || packet.shown.saturating_duration_since(shown) > REPORT_INTERVAL
        };
        if self.last.is_none_or(newer) {
            self.last = Some((packet.time, packet.shown));
        }
    }

    /// RFC 3550, section 5.1; RFC 8285, section 4.2. It goes behind what is there.
    pub fn write_header(&self, head: &Head, wire: &mut Vec<u8>) {
        let first = wire.len();
        let [a, b] = head.seq.to_be_bytes();
        let ([c, d, e, f], [g, h, i, j]) = (head.time.to_be_bytes(), head.ssrc.to_be_bytes());
        let marker = u8::from(head.marker) << 7 | head.payload_type;
        wire.extend_from_slice(&[0x80 | u8::from(head.padded) << 5, marker, a, b, c, d, e, f, g, h, i, j]);
        let start = wire.len();
        let [x, y] = ONE_BYTE;
        wire.extend_from_slice(&[x, y, 0, 0]);
        self.write_extensions(head, wire);
        if wire.len() == start + 4 {
            return wire.truncate(start);
        }
        let unaligned = (wire.len() - start) % 4;
        wire.extend_from_slice([0; 3].get(..(4 - unaligned) % 4).unwrap_or_default());
        let words = ((wire.len() - start - 4) / 4) as u8;
        if let Some(field) = wire.get_mut(start + 3) {
            *field = words;
        }
        if let Some(first) = wire.get_mut(first) {
            *first |= 0x10;
        }
    }

    fn write_extensions(&self, head: &Head, header: &mut Vec<u8>) {
        let (ids, extras) = (&self.ids, &head.extras);
        let mut put = |id: u8, bytes: &[u8]| {
            if id != 0 && !bytes.is_empty() {
                header.push(id << 4 | (bytes.len() - 1) as u8);
                header.extend_from_slice(bytes);
            }
        };
        put(ids.number, &head.number.to_be_bytes());
        put(ids.abs, head.abs.to_be_bytes().get(1..).unwrap_or_default());
        put(ids.level, extras.level.as_slice());
        put(ids.orientation, extras.orientation.as_slice());
        put(ids.content, extras.content.as_slice());
        put(ids.delay, extras.delay.as_ref().map_or(&[], |delay| delay.as_slice()));
        if head.named && self.mid.len() <= NAME_MAX {
            put(ids.mid, self.mid.as_bytes());
        }
    }

    /// What a sender report says of it, and whose it is (RFC 3550, sections 6.4.1 and 6.5).
    pub fn write_report(&self, now: Instant, (epoch, since_1970): (Instant, Duration), report: &mut Vec<u8>) {
        let (seconds, fraction) = clock_of(now, (epoch, since_1970));
        let (time, shown) = self.last.unwrap_or((0, now));
        let ticks = now.saturating_duration_since(shown).as_micros() * u128::from(self.clock_hz) / 1_000_000;
        let words = [self.ssrc, seconds, fraction, time.wrapping_add(ticks as u32), self.packets as u32, self.bytes as u32];
        report.extend([0x80, 200, 0, 6]);
        report.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        let name = self.name.as_bytes();
        let name = name.get(..name.len().min(255)).unwrap_or_default();
        // The list of a source ends in a zero, and the whole in a full word.
        let padded = (4 + 2 + name.len() + 1).next_multiple_of(4);
        let end = report.len() + 4 + padded;
        report.extend([0x81, 202, 0, (padded / 4) as u8]);
        report.extend(self.ssrc.to_be_bytes());
        report.extend([1, name.len() as u8]);
        report.extend(name);
        report.resize(end, 0);
    }

    /// What was counted until now; what the receiver said, since the last time.
    pub fn stats(&mut self, now: Instant) -> MediaEgressStats {
        MediaEgressStats {
            mid: self.mid,
            rid: None,
            bytes: self.bytes,
            packets: self.packets,
            firs: 0,
            plis: self.plis,
            nacks: self.nacks,
            rtt: None,
            loss: self.heard.take_loss(),
            timestamp: now,
            remote: self.heard.last().map(|block| RemoteIngressStats {
                jitter: block.jitter,
                maximum_sequence_number: u64::from(block.highest).into(),
                packets_lost: u64::from(block.lost),
            }),
        }
    }
}

impl Repair {
    fn new((ssrc, payload_type): (u32, u8), seq: u16) -> Self {
        // A receiver that misses the first packets must not miss the first wrap (RFC 3711, section 3.3.1).
        Repair { ssrc, payload_type, seq: u64::from(seq & 0x7fff), heard: false }
    }
}

/// The time of a moment, in seconds and 2^32ths of one (RFC 3550, section 4).
fn clock_of(now: Instant, (epoch, since_1970): (Instant, Duration)) -> (u32, u32) {
    let utc = since_1970 + now.saturating_duration_since(epoch);
    ((utc.as_secs() + NTP_EPOCH) as u32, ((u64::from(utc.subsec_nanos()) << 32) / 1_000_000_000) as u32)
}

/// The middle of it, as those who received a report give it back.
pub(super) fn middle_of(now: Instant, epoch: (Instant, Duration)) -> u32 {
    let (seconds, fraction) = clock_of(now, epoch);
    seconds << 16 | fraction >> 16
}

impl Ids {
    fn of(place: &Place<'_>) -> Self {
        let number = |extension| place.extensions.id_of(extension).filter(|id| *id <= ONE_BYTE_MAX).unwrap_or(0);
        Ids {
            mid: number(Extension::RtpMid),
            level: number(Extension::AudioLevel),
            orientation: number(Extension::VideoOrientation),
            content: number(Extension::VideoContentType),
            delay: number(Extension::PlayoutDelay),
            abs: number(Extension::AbsoluteSendTime),
            // Packets that nobody reports would count as lost.
            number: if place.reported { number(Extension::TransportSequenceNumber) } else { 0 },
        }
    }
}
