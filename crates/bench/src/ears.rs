//! What one client hears: the packets with our stamps, and what it waits for.

use std::time::Duration;

use str0m::rtp::Ssrc;

use crate::histogram::Histogram;
use crate::sink::Sink;
use crate::stamp::Stamp;
use crate::watch::{Packet, Watch};

/// A packet of media that came.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The stream that it is of, as it is called between the two ends.
    pub ssrc: Ssrc,
    /// Its stamp, unless the server made it.
    pub stamp: Option<Stamp>,
    /// Bytes of its payload.
    pub bytes: usize,
    /// All else.
    pub packet: Packet,
}

/// What is measured on the way, of all clients together.
#[derive(Default)]
pub struct Meters {
    /// Whether it is measured now.
    pub is_on: bool,
    /// From the sender's transport to the receiver's system.
    pub latency: Histogram,
    /// By how much packets were sent late.
    pub lateness: Histogram,
    /// Datagrams that the system took no more.
    pub unsent: u64,
    /// Datagrams that were dropped on purpose, on their way to a client or from it.
    pub dropped: u64,
    /// Layers that were asked for.
    pub switches_asked: u64,
    /// From asking until the layer came.
    pub switched: Histogram,
    /// Key frames that viewers asked for, each by itself.
    pub keys_asked: u64,
    /// From asking until one began to come.
    pub keyed: Histogram,
}

/// What one client heard.
#[derive(Default)]
pub struct Ears {
    /// Whether what it gets is made by the server, and carries no stamps.
    pub is_mixed: bool,
    /// By our stamps.
    pub sink: Sink,
    /// By the streams themselves; looked at only where it is needed, because it takes time.
    pub watches: Option<Vec<(Ssrc, Watch)>>,
    /// Packets of media that came.
    pub arrived: u64,
    /// When the first one came, as time of day.
    pub first_at: Option<Duration>,
    /// When the first one of pictures came, if that is looked at.
    pub first_picture_at: Option<Duration>,
    /// Layers that were asked for and have not come yet, by their streams' numbers, and since when.
    pub awaited: (Vec<u32>, Duration),
    /// Since when a key frame is waited for.
    pub key_since: Option<Duration>,
}

impl Ears {
    /// A packet came at this time of day.
    pub fn hear(&mut self, heard: &Heard, at: Duration, meters: &mut Meters) {
        if let Some(stamp) = heard.stamp {
            self.sink.hear(stamp);
            if meters.is_on {
                meters.latency.add(at.saturating_sub(Duration::from_nanos(stamp.sent_ns)));
            }
        }
        // Anything else only tries how much there is room for.
        if heard.stamp.is_some() || self.is_mixed && heard.bytes > 0 {
            self.arrived += 1;
            self.first_at.get_or_insert(at);
        }
        if self.watches.is_some() {
            self.look(heard, at, meters);
        }
    }

    fn look(&mut self, heard: &Heard, at: Duration, meters: &mut Meters) {
        let Some(watches) = &mut self.watches else { return };
        let watch = match watches.iter().position(|(ssrc, _)| *ssrc == heard.ssrc) {
            Some(at) => &mut watches[at].1,
            None => {
                watches.push((heard.ssrc, Watch::default()));
                let last = watches.len() - 1;
                &mut watches[last].1
            }
        };
        watch.hear(&heard.packet);
        let Some(head) = heard.packet.head else { return };
        self.first_picture_at.get_or_insert(at);
        if head.begins_key
            && let Some(since) = self.key_since.take()
        {
            meters.keyed.add(at.saturating_sub(since));
        }
        let (awaited, since) = &mut self.awaited;
        if let Some(found) = awaited.iter().position(|source| heard.stamp.is_some_and(|stamp| stamp.source == *source)) {
            awaited.swap_remove(found);
            meters.switched.add(at.saturating_sub(*since));
        }
    }

    /// The streams of pictures that it got so far.
    pub fn pictures(&self) -> impl Iterator<Item = Ssrc> {
        self.watches.iter().flatten().filter(|(_, watch)| watch.is_picture).map(|(ssrc, _)| *ssrc)
    }

    /// Whether sound and pictures came, as far as that is looked at.
    pub fn has_both(&self) -> bool {
        let has = |picture: bool| self.watches.iter().flatten().any(|(_, watch)| watch.is_picture == picture);
        has(true) && has(false)
    }
}
