//! Gaps in sound, filled with silence.
//!
//! Silence that is not sent (DTX) and packets that were lost leave gaps. Browsers play the packets of a file one after the other and pass
//! over gaps, so whatever follows would be heard too early.

use std::time::{Duration, Instant};

use container::opus::{SILENCE_FRAME, SILENCE_FRAMES_MAX, duration, silence};

use super::us;
use crate::limit::{RECORD_FILL_MAX, RECORD_FILL_WAIT};

/// Less than this between two packets is no gap, but a clock that is followed: half a frame, in microseconds.
const GAP_MIN: i64 = 10_000;

/// What is missing between packets that come in the order of their time. Times are microseconds since the beginning of the file.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    last: Option<Last>,
}

/// What the file has.
#[derive(Debug)]
struct Last {
    /// Of the newest packet: its time, when it came, and its first byte.
    time: i64,
    arrival: Instant,
    toc: [u8; 1],
    /// When it ends, or the silence that was written after it.
    end: i64,
    /// When it ends for whoever plays one packet after the other. Where clocks are followed that is a little beside the end; the next gap
    /// is filled so that they meet again.
    played: i64,
    /// Whether silence was written after it.
    filled: bool,
}

impl Gaps {
    /// A packet comes, which belongs there. Gives the silence that is missing before it, with its times; false: the packet came so late
    /// that there is silence already where it belongs.
    pub fn take(&mut self, time: i64, arrival: Instant, packet: &[u8], mut give: impl FnMut(i64, Vec<u8>)) -> bool {
        let long = us(duration(packet).unwrap_or(Duration::ZERO));
        let toc = [packet.first().copied().unwrap_or(0)];
        let Some(last) = &mut self.last else {
            self.last = Some(Last { time, arrival, toc, end: time + long, played: time + long, filled: false });
            return true;
        };
        if last.filled && time + GAP_MIN < last.end {
            return false;
        }
        if time - last.end >= GAP_MIN {
            last.fill(time, &mut give);
            // What was too much for once is a gap for good.
            let rest = (time - last.played).clamp(0, us(SILENCE_FRAME) - 1);
            last.played = last.played.max(time - rest);
        }
        let arrival = arrival.max(last.arrival);
        *last = Last { time, arrival, toc, end: time + long, played: last.played + long, filled: false };
        true
    }

    /// Time passes. Gives the silence that is missing by now, with its times.
    pub fn pass(&mut self, now: Instant, mut give: impl FnMut(i64, Vec<u8>)) {
        let Some(last) = &mut self.last else { return };
        let since = now.saturating_duration_since(last.arrival).saturating_sub(RECORD_FILL_WAIT);
        // As much as goes into one packet, or nothing.
        if last.time.saturating_add(us(since)) - last.end >= us(SILENCE_FRAME) * i64::from(SILENCE_FRAMES_MAX) {
            last.filled = true;
            last.fill(last.time.saturating_add(us(since)), &mut give);
        }
    }
}

impl Last {
    /// Gives silence until then, but for less than a frame.
    fn fill(&mut self, until: i64, give: &mut impl FnMut(i64, Vec<u8>)) {
        let missing = (until - self.played).clamp(0, us(RECORD_FILL_MAX));
        let mut frames = missing / us(SILENCE_FRAME);
        while frames > 0 {
            let some = u8::try_from(frames).unwrap_or(u8::MAX).min(SILENCE_FRAMES_MAX);
            give(self.end.min(until), silence(some, &self.toc));
            let long = us(SILENCE_FRAME) * i64::from(some);
            (self.end, self.played, frames) = (self.end + long, self.played + long, frames - i64::from(some));
        }
    }
}
