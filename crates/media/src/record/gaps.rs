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

/// Files count milliseconds, and no two packets are in one: this far apart they never are, in microseconds.
const APART_MIN: i64 = 2_000;

/// For so long packets come too late at the pace at which they were made: then it is their clock that stood still.
const STILL: Duration = Duration::from_secs(2);

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It stands where it belongs.
    There,
    /// It came so late that there is silence already.
    Taken,
    /// The same, and so would all that follows: it goes on there, as much later as it came.
    Behind(i64),
}

/// What is missing between packets that come in the order of their time. Times are microseconds since the beginning of the file.
#[derive(Debug)]
pub(super) struct Gaps {
    last: Option<Last>,
    late: Option<Late>,
    /// How much silence is written at once.
    most: Duration,
}

/// Packets come too late.
#[derive(Clone, Copy, Debug)]
struct Late {
    /// When the first of them came, and its time.
    since: Instant,
    time: i64,
    /// When the last one came that stands where it belongs.
    before: Instant,
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

impl Default for Gaps {
    fn default() -> Self {
        Gaps::up_to(RECORD_FILL_MAX)
    }
}

impl Gaps {
    /// Fills no more than this at once; the rest stays a gap.
    pub fn up_to(most: Duration) -> Self {
        Gaps { last: None, late: None, most }
    }

    /// A packet comes, which belongs there. Gives the silence that is missing before it, with its times.
    pub fn take(&mut self, time: i64, arrival: Instant, packet: &[u8], mut give: impl FnMut(i64, Vec<u8>)) -> Place {
        let long = us(duration(packet).unwrap_or(Duration::ZERO));
        let toc = [packet.first().copied().unwrap_or(0)];
        let Some(last) = &mut self.last else {
            self.last = Some(Last { time, arrival, toc, end: time + long, played: time + long, filled: false });
            return Place::There;
        };
        if last.filled && time + GAP_MIN < last.end {
            let late = *self.late.get_or_insert(Late { since: arrival, time, before: last.arrival });
            // Somebody is there: no more silence meanwhile.
            last.arrival = last.arrival.max(arrival);
            let passed = arrival.saturating_duration_since(late.since);
            // What waited on its way comes faster than it was made.
            let still = passed >= STILL && time - late.time <= us(passed) + us(passed) / 4;
            let behind = last.time.saturating_add(us(arrival.saturating_duration_since(late.before)));
            return if still { Place::Behind(behind.max(last.end)) } else { Place::Taken };
        }
        self.late = None;
        if time - last.end >= GAP_MIN {
            last.fill(time, self.most, &mut give);
            // What was too much for once is a gap for good.
            let rest = (time - last.played).clamp(0, us(SILENCE_FRAME) - 1);
            last.played = last.played.max(time - rest);
        }
        let arrival = arrival.max(last.arrival);
        *last = Last { time, arrival, toc, end: time + long, played: last.played + long, filled: false };
        Place::There
    }

    /// Time passes. Gives the silence that is missing by now, with its times.
    pub fn pass(&mut self, now: Instant, mut give: impl FnMut(i64, Vec<u8>)) {
        let Some(last) = &mut self.last else { return };
        let since = now.saturating_duration_since(last.arrival).saturating_sub(RECORD_FILL_WAIT);
        // As much as goes into one packet, or nothing.
        if last.time.saturating_add(us(since)) - last.end >= us(SILENCE_FRAME) * i64::from(SILENCE_FRAMES_MAX) {
            last.filled = true;
            last.fill(last.time.saturating_add(us(since)), self.most, &mut give);
        }
    }
}

impl Last {
    /// Gives silence until then, but for less than a frame. Where more is missing to the ear than there is time, because a clock was
    /// followed, its last packets are nearer to each other than they are long: no two have one time, and none that of the packet after.
    fn fill(&mut self, until: i64, at_once: Duration, give: &mut impl FnMut(i64, Vec<u8>)) {
        let most = i64::from(SILENCE_FRAMES_MAX);
        let (missing, time) = ((until - self.played).clamp(0, us(at_once)), (until - self.end).max(0));
        let frames = (missing / us(SILENCE_FRAME)).min(time / APART_MIN * most);
        let packets = (frames + most - 1) / most;
        for packet in 0..packets {
            let some = u8::try_from(frames - packet * most).unwrap_or(u8::MAX).min(SILENCE_FRAMES_MAX);
            let at = self.end + packet * most * us(SILENCE_FRAME);
            give(at.min(until - (packets - packet) * APART_MIN), silence(some, &self.toc));
        }
        self.end += frames * us(SILENCE_FRAME);
        self.played += frames * us(SILENCE_FRAME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that runs slow is followed for a while, and then nothing comes: what was stretched is made up for in the gap.
    #[test]
    fn no_two_packets_have_one_time() {
        const SOUND: [u8; 1] = [0x78];
        let frame = us(duration(&SOUND).expect("a length"));
        for gap in (frame..8 * frame).chain([500_000, 3_000_000]).step_by(1_000) {
            for stretch in [0, 100, 900, 9_900] {
                let (mut gaps, mut times, now) = (Gaps::default(), Vec::new(), Instant::now());
                for nth in 0..60 {
                    let time = nth * (frame + stretch) + if nth > 50 { gap } else { 0 };
                    assert_eq!(gaps.take(time, now, &SOUND, |at, _| times.push(at)), Place::There);
                    times.push(time);
                }
                assert!(times.windows(2).all(|two| two[1] - two[0] >= 1_000), "a gap of {gap} after {stretch} each: {times:?}");
            }
        }
    }
}
