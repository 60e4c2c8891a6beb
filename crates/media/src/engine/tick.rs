//! What depends on time alone.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use room::Report;

use super::{Engine, TICK};

/// More than that is no delay but a rest: nobody was there.
const LATE_MAX: Duration = Duration::from_secs(1);

/// How much of what a tick was late by counts a tick later: half of it after a second.
const LATE_KEPT: f32 = 0.93;

impl Engine {
    /// Calls every transport that is due, and looks around ten times a second.
    pub(super) fn run_timers(&mut self, now: Instant) {
        while self.timers.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((at, key))) = self.timers.pop() else { break };
            let Some(client) = self.client_mut(key) else { continue };
            if client.queued != Some(at) {
                continue;
            }
            client.queued = None;
            if client.peer.due() <= now {
                self.on(now, key, |peer, out| peer.handle_timeout(now, out));
            } else {
                client.queued = Some(client.peer.due());
                let due = client.peer.due();
                self.timers.push(Reverse((due, key)));
            }
        }
        if self.sharing_since.is_some() {
            self.share_on(now);
        }
        if self.next_tick <= now {
            let late = now.saturating_duration_since(self.next_tick).min(LATE_MAX);
            self.late = self.late.mul_f32(LATE_KEPT).max(late);
            self.next_tick = now + TICK;
            self.tick(now);
        }
        self.ask_keyframes(now);
    }

    fn tick(&mut self, now: Instant) {
        self.expire(now);
        self.reopen_data_lines(now);
        self.publish_counts();
        self.share_all(now);
        self.watch_mixes(now);
        self.share_needs(now);
        self.watch_quality(now);
        let mut changes = Vec::new();
        for (room, hall) in &mut self.halls {
            hall.speakers.handle_timeout(now);
            while let Some(who) = hall.speakers.poll_change() {
                if let Some(who) = who {
                    hall.spoke.insert(who, now);
                }
                self.reports.push_back(Report::Speaker { room: *room, who });
                changes.push((*room, who));
            }
        }
        changes.into_iter().for_each(|(room, who)| self.tell_speaker(room, who));
        self.tell_parts(now);
    }
}
