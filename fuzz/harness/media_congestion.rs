//! A script: what, how much, and for reports as many bytes.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use media::congestion::{Congestion, Purpose, reports};

/// No clock runs here: every script begins at the same moment.
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

struct Script {
    congestion: Congestion,
    now: Instant,
    number: u64,
    least: u64,
}

pub fn run(mut data: &[u8]) {
    let congestion = Congestion::new(start(), 300_000);
    let mut script = Script { congestion, now: start(), number: 65_500, least: 40_000 };
    while let Some((&[what, much], rest)) = data.split_first_chunk() {
        let (bytes, after) = rest.split_at(usize::from(much).min(rest.len()));
        let takes_bytes = matches!(what % 8, 4..=6);
        data = if takes_bytes { after } else { rest };
        script.act(what, much, bytes);
        script.check();
    }
}

impl Script {
    fn act(&mut self, what: u8, much: u8, bytes: &[u8]) {
        let much = u64::from(much);
        match what % 8 {
            0 => self.now += Duration::from_millis(much * much),
            1 => self.send(much, 8 * usize::from(what)),
            2 => self.number += much * much * much,
            3 => {
                self.least = (much * 1_000).max(40_000);
                self.congestion.set_wanted(self.now, much * 1_000, u64::from(what) * 40_000);
            }
            4 => _ = self.congestion.handle_feedback(self.now, bytes),
            5 => self.report(bytes),
            6 => reports(bytes).for_each(|report| _ = self.congestion.handle_feedback(self.now, report)),
            _ => self.congestion.reset(self.now, much * 100_000),
        }
    }

    fn send(&mut self, many: u64, bytes: usize) {
        for _ in 0..many {
            self.congestion.sent(self.now, self.number, bytes, Purpose::Media);
            self.number += 1;
        }
    }

    /// A report with a head that fits: how far back, of how many, what time; the rest is the script's.
    fn report(&mut self, bytes: &[u8]) {
        let Some((&[back, count, time], rest)) = bytes.split_first_chunk() else { return };
        let base = (self.number as u16).wrapping_sub(u16::from(back));
        let mut packet = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        packet.extend(base.to_be_bytes());
        packet.extend([0, count, 0, 0, time, 0]);
        packet.extend(rest);
        packet.resize(packet.len().next_multiple_of(4), 0);
        let words = u16::try_from(packet.len() / 4 - 1).expect("short");
        packet[2..4].copy_from_slice(&words.to_be_bytes());
        let _ = self.congestion.handle_feedback(self.now, &packet);
    }

    fn check(&mut self) {
        // A probe that is sent may be what makes it wait for a report.
        (0..2).for_each(|_| self.turn());
        let congestion = &mut self.congestion;
        let estimate = congestion.estimate();
        assert!((self.least..=100_000_000).contains(&estimate), "{estimate}");
        assert!(congestion.poll_estimate().is_none_or(|told| told <= 100_000_000));
        assert!((0.0..=1.0).contains(&congestion.loss()));
        assert!(congestion.poll_timeout().is_none_or(|at| at > self.now), "it would never sleep");
    }

    fn turn(&mut self) {
        let congestion = &mut self.congestion;
        if congestion.poll_timeout().is_some_and(|at| at <= self.now) {
            congestion.handle_timeout(self.now);
        }
        if let Some(probe) = congestion.poll_probe(self.now) {
            assert!(probe.id != 0 && probe.packets > 0 && probe.bytes > 0 && probe.bytes < 1_000_000 && probe.bitrate > 0);
            for _ in 0..probe.packets {
                congestion.sent(self.now, self.number, probe.bytes.div_ceil(probe.packets), Purpose::Probe(probe.id));
                self.number += 1;
            }
            assert_eq!(congestion.probe_left(), None);
        }
    }
}
