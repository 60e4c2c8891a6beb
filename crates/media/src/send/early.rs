//! What waits until a client's handshake is over: of the pictures of each track the newest that a decoder can begin with and what follows
//! it, of its sound the last moment. What would leave a hole is given up as a whole, and a key frame is asked for in its place.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::kept::Entry;
use super::{Heard, Packet, Sender};
use crate::limit::{EARLY_MEDIA_BYTES_MAX, EARLY_SOUNDS_MAX, EARLY_TIME_MAX};

/// The packets of all tracks.
#[derive(Default)]
pub(super) struct Early {
    lines: Vec<Waiting>,
    bytes: usize,
}

/// Those of one.
struct Waiting {
    ssrc: u32,
    video: bool,
    packets: VecDeque<Waits>,
    bytes: usize,
    /// What waited was given up, at this RTP timestamp: another key frame is needed.
    broken: Option<u32>,
}

/// One of them.
struct Waits {
    came: Instant,
    /// When it was made: on a slow line long before.
    shown: Instant,
    entry: Entry,
}

impl Early {
    /// A packet that cannot be encrypted yet.
    pub fn keep(&mut self, now: Instant, ssrc: u32, packet: &Packet<'_>) {
        let index = self.lines.iter().position(|line| line.ssrc == ssrc).unwrap_or_else(|| {
            self.lines.push(Waiting { ssrc, video: packet.repairable, packets: VecDeque::new(), bytes: 0, broken: None });
            self.lines.len() - 1
        });
        let Some(line) = self.lines.get_mut(index) else { return };
        let before = line.bytes;
        line.make_room(now, packet);
        let others = self.bytes.saturating_sub(before);
        if line.broken.is_none() {
            if others + line.bytes + packet.payload.len() > EARLY_MEDIA_BYTES_MAX {
                line.give_up(packet.time);
            } else {
                line.push(now, packet);
            }
        }
        self.bytes = others + line.bytes;
    }
}

impl Waiting {
    /// Lets go of what is not needed with this packet, or of everything, if what waits is too old to begin with.
    fn make_room(&mut self, now: Instant, packet: &Packet<'_>) {
        if !self.video {
            while self.packets.len() >= EARLY_SOUNDS_MAX {
                self.bytes -= self.packets.pop_front().map_or(0, |old| old.entry.payload.len());
            }
            return;
        }
        let known = self.packets.front().map(|first| first.entry.time).or(self.broken);
        // A key frame may begin with several packets that could be its first.
        if packet.keyframe && known != Some(packet.time) {
            self.give_up(packet.time);
            self.broken = None;
        } else if known.is_none() || self.is_old(now) {
            self.give_up(packet.time);
        }
    }

    fn push(&mut self, now: Instant, packet: &Packet<'_>) {
        let &Packet { payload_type, marker, seq, time, shown, extras, counters, .. } = packet;
        let payload = Arc::clone(packet.payload);
        let entry = Entry { seq, time, payload_type, marker, counters, extras, payload };
        self.bytes += entry.payload.len();
        self.packets.push_back(Waits { came: now, shown, entry });
    }

    fn give_up(&mut self, time: u32) {
        self.packets.clear();
        (self.bytes, self.broken) = (0, Some(time));
    }

    fn is_old(&self, now: Instant) -> bool {
        self.packets.front().is_some_and(|first| now.saturating_duration_since(first.came) > EARLY_TIME_MAX)
    }
}

impl Sender {
    /// Encrypts what waited for keys, once there are some; how many packets that were. Pictures that cannot begin with what waited are
    /// wished for.
    pub fn write_early(&mut self, now: Instant, heard: &mut impl FnMut(Heard)) -> u64 {
        if self.way.is_none() || self.srtp.is_none() {
            return 0;
        }
        let Some(early) = self.early.take() else { return 0 };
        let mut sent = 0;
        for line in early.lines {
            if line.video && (line.packets.is_empty() || line.is_old(now)) {
                let section = self.lines.iter().find(|own| own.ssrc == line.ssrc).map(|own| own.mid);
                section.into_iter().for_each(|mid| heard(Heard::Keyframe(mid)));
                continue;
            }
            let fresh = line.packets.into_iter().filter(|one| now.saturating_duration_since(one.came) <= EARLY_TIME_MAX);
            for Waits { shown, entry, .. } in fresh {
                let Entry { payload_type, marker, seq, time, extras, counters, payload } = &entry;
                let (payload_type, marker, seq, time, extras, counters) =
                    (*payload_type, *marker, *seq, *time, *extras, *counters);
                let (keyframe, repairable) = (false, line.video);
                let packet = Packet { payload_type, marker, seq, time, shown, extras, counters, payload, repairable, keyframe };
                sent += u64::from(self.write(now, line.ssrc, &packet));
            }
        }
        sent
    }
}
