//! Data tracks and message channels: what each of a client's data channels is for, and how much may travel there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use room::{Channel, TrackId};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};

use crate::limit::{
    CHANNELS_MAX, DATA_BYTES_PER_S, DATA_QUEUED_MESSAGES_MAX, MESSAGES_BURST_S, MESSAGES_PER_S, TEXT_BYTES_MAX, TEXTS_PER_S,
    TEXTS_WAITING_MAX,
};

/// What a data channel is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Words between a door and its client; opened by us.
    Words(Channel),
    /// A track that the client publishes, under this label; opened by the client.
    Up(Arc<str>),
    /// A track that the client receives; opened by us.
    Down(TrackId),
    /// Nothing any more: it was given up before it had opened, and is closed when it does.
    Nothing,
}

/// How messages travel, as the publisher chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    pub ordered: bool,
    pub reliability: Reliability,
}

impl Default for Manner {
    fn default() -> Self {
        Manner { ordered: true, reliability: Reliability::Reliable }
    }
}

impl Manner {
    /// That of a channel.
    pub fn of(config: Option<&ChannelConfig>) -> Self {
        config.map_or_else(Manner::default, |config| Manner { ordered: config.ordered, reliability: config.reliability })
    }

    /// A channel of this manner.
    pub fn config(self, label: &str) -> ChannelConfig {
        let Manner { ordered, reliability } = self;
        ChannelConfig { label: label.to_owned(), ordered, reliability, ..ChannelConfig::default() }
    }

    /// Whether a message that does not arrive breaks a promise.
    pub fn reliable(self) -> bool {
        self.reliability == Reliability::Reliable
    }
}

/// One data channel.
pub(crate) struct Line {
    /// None until it was asked for: the first one waits for an offer.
    pub id: Option<ChannelId>,
    pub label: Arc<str>,
    pub purpose: Use,
    pub manner: Manner,
    pub open: bool,
    waiting: VecDeque<Arc<str>>,
    /// Bytes of each message that may still be on its way, oldest first, and of all of them.
    sizes: VecDeque<usize>,
    bytes: usize,
}

/// Every data channel of one client.
#[derive(Default)]
pub(crate) struct Lines {
    lines: Vec<Line>,
}

impl Lines {
    /// A channel that we open, or have asked for.
    pub fn add(&mut self, id: Option<ChannelId>, label: &str, purpose: Use, manner: Manner) {
        self.lines.push(Line {
            id,
            label: label.into(),
            purpose,
            manner,
            open: false,
            waiting: VecDeque::new(),
            sizes: VecDeque::new(),
            bytes: 0,
        });
    }

    /// A channel that was asked for has its id.
    pub fn name(&mut self, label: &str, id: ChannelId) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.id.is_none() && &*line.label == label) {
            line.id = Some(id);
        }
    }

    /// A channel has opened: one of ours, or a new one of the client's. None if it is of no use: the client has too many, or we gave
    /// it up.
    pub fn opened(&mut self, id: ChannelId, label: &str, manner: Manner) -> Option<&mut Line> {
        let index = match self.lines.iter().position(|line| line.id == Some(id)) {
            Some(index) => index,
            None if self.lines.iter().filter(|line| matches!(line.purpose, Use::Up(_))).count() >= CHANNELS_MAX => return None,
            None => {
                self.add(Some(id), label, Use::Up(label.into()), manner);
                self.lines.len() - 1
            }
        };
        let line = self.lines.get_mut(index).filter(|line| line.purpose != Use::Nothing)?;
        line.open = true;
        Some(line)
    }

    /// A channel is gone; what it was for.
    pub fn closed(&mut self, id: ChannelId) -> Option<Line> {
        let index = self.lines.iter().position(|line| line.id == Some(id))?;
        Some(self.lines.swap_remove(index))
    }

    /// Gives a line up, whether it has opened or not; its id, if it was asked for, and its label. One that is on its way is kept in
    /// mind: the library does not close what has not opened, and a channel that nobody knows would pass for one of the client's.
    pub fn give_up(&mut self, purpose: &Use) -> Option<(Option<ChannelId>, Arc<str>)> {
        let index = self.lines.iter().position(|line| line.purpose == *purpose)?;
        let line = self.lines.get_mut(index)?;
        let given_up = (line.id, Arc::clone(&line.label));
        if line.id.is_some() && !line.open {
            line.purpose = Use::Nothing;
        } else {
            self.lines.swap_remove(index);
        }
        Some(given_up)
    }

    /// The channel with this id.
    pub fn by_id(&self, id: ChannelId) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == Some(id))
    }

    /// The channel for this.
    pub fn by_use(&mut self, purpose: &Use) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.purpose == *purpose)
    }

    /// The tracks that the client receives, or will.
    pub fn downs(&self) -> impl Iterator<Item = (TrackId, &Line)> {
        self.lines.iter().filter_map(|line| match line.purpose {
            Use::Down(track) => Some((track, line)),
            _ => None,
        })
    }

    /// The channel of a track that the client publishes, once it has opened.
    pub fn up(&self, label: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.open && matches!(&line.purpose, Use::Up(own) if &**own == label))
    }
}

impl Line {
    /// Keeps a text until the channel opens.
    pub fn keep(&mut self, text: Arc<str>) {
        if self.waiting.len() >= TEXTS_WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(text);
    }

    /// Whether another message may wait, when so many bytes have not arrived yet.
    pub fn has_room(&mut self, buffered: usize) -> bool {
        while let Some(left) = self.sizes.front().map(|first| self.bytes - first).filter(|left| *left >= buffered) {
            self.sizes.pop_front();
            self.bytes = left;
        }
        self.sizes.len() < DATA_QUEUED_MESSAGES_MAX
    }

    /// A message of so many bytes is on its way.
    pub fn note(&mut self, bytes: usize) {
        self.sizes.push_back(bytes);
        self.bytes += bytes;
    }

    /// The texts that waited.
    pub fn take_waiting(&mut self) -> VecDeque<Arc<str>> {
        std::mem::take(&mut self.waiting)
    }
}

/// So much a second, and so much at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    per_s: f64,
    left: f64,
    /// At once.
    most: f64,
    at: Instant,
}

impl Allowance {
    /// Full at first.
    pub fn new(now: Instant, per_s: u32) -> Self {
        Allowance::with_burst(now, per_s, 1)
    }

    /// So many seconds' worth at once.
    pub fn with_burst(now: Instant, per_s: u32, seconds: u32) -> Self {
        let most = f64::from(per_s) * f64::from(seconds);
        Allowance { per_s: f64::from(per_s), left: most, most, at: now }
    }

    /// How much of the most is there: 1 all, 0 or less nothing.
    fn share_left(&mut self, now: Instant) -> f64 {
        self.gain(now);
        self.left / self.most
    }

    /// Takes one whether it is there or not: what is missing has to come before there is any again.
    pub fn charge(&mut self, now: Instant) {
        self.gain(now);
        self.left -= 1.0;
    }

    /// Whether so much is there.
    #[allow(clippy::cast_precision_loss, reason = "sizes of datagrams and messages")]
    pub fn has(&mut self, now: Instant, amount: usize) -> bool {
        self.gain(now);
        self.left >= amount as f64
    }

    /// Takes so much, or nothing if it is not there.
    #[allow(clippy::cast_precision_loss, reason = "sizes of datagrams and messages")]
    pub fn take(&mut self, now: Instant, amount: usize) -> bool {
        let there = self.has(now, amount);
        if there {
            self.left -= amount as f64;
        }
        there
    }

    fn gain(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.per_s;
        self.left = (self.left + gained).min(self.most);
        self.at = self.at.max(now);
    }
}

/// What one client may send on its channels.
pub(crate) struct DataAllowance {
    messages: Allowance,
    bytes: Allowance,
    texts: Allowance,
    /// Datagrams taken since one was not.
    taken: u32,
}

/// One of so many datagrams is not taken when half of what may be sent is used up, and when nearly all is. A sender that loses one now
/// and then slows down; one that loses many in a row stands still, for a second and more.
const SPARED: std::ops::Range<f64> = 8.0..64.0;

impl DataAllowance {
    pub fn new(now: Instant) -> Self {
        DataAllowance {
            messages: Allowance::with_burst(now, MESSAGES_PER_S, MESSAGES_BURST_S),
            bytes: Allowance::new(now, DATA_BYTES_PER_S),
            texts: Allowance::new(now, TEXTS_PER_S),
            taken: 0,
        }
    }

    /// Whether a datagram with messages may be taken. One that is not comes again, and its sender slows down.
    pub fn may_take(&mut self, now: Instant, bytes: usize) -> bool {
        let left = self.messages.share_left(now).min(self.bytes.share_left(now));
        let spared = SPARED.start + (SPARED.end - SPARED.start) * 2.0 * left;
        let slow_down = left < 0.5 && f64::from(self.taken) >= spared;
        let take = left > 0.0 && !slow_down && self.bytes.has(now, bytes);
        if !take {
            self.taken = 0;
        }
        take
    }

    /// It was taken, and was the client's.
    pub fn note_taken(&mut self, now: Instant, bytes: usize) {
        self.bytes.take(now, bytes);
        self.taken = self.taken.saturating_add(1);
    }

    /// A message on a data track has come.
    pub fn message(&mut self, now: Instant) {
        self.messages.charge(now);
    }

    /// Whether a text on a message channel may pass.
    pub fn text(&mut self, now: Instant, bytes: usize) -> bool {
        bytes <= TEXT_BYTES_MAX && self.texts.take(now, 1)
    }
}

#[cfg(test)]
mod tests {
    use str0m::Rtc;

    use super::*;

    #[test]
    fn what_was_given_up_is_not_taken_for_the_clients_when_it_opens() {
        str0m::crypto::from_feature_flags().install_process_default();
        let mut rtc = Rtc::new(Instant::now());
        let mut id = || rtc.direct_api().create_data_channel(ChannelConfig::default());
        let (early, late, own) = (id(), id(), id());
        let down = Use::Down(TrackId(1));
        let mut lines = Lines::default();
        lines.add(Some(early), "early", down.clone(), Manner::default());
        assert_eq!(lines.give_up(&down), Some((Some(early), "early".into())));
        assert!(lines.opened(early, "early", Manner::default()).is_none(), "to be closed");
        assert!((lines.up("early").is_none(), lines.downs().count()) == (true, 0));
        lines.add(Some(late), "late", down.clone(), Manner::default());
        assert!(lines.opened(late, "late", Manner::default()).is_some_and(|line| line.purpose == down));
        assert_eq!(lines.give_up(&down), Some((Some(late), "late".into())));
        assert_eq!(lines.give_up(&down), None);
        assert!(lines.opened(own, "own", Manner::default()).is_some());
        assert!(lines.closed(early).is_some_and(|line| line.purpose == Use::Nothing));
        assert_eq!((lines.lines.len(), lines.up("own").is_some()), (1, true));
    }
}
