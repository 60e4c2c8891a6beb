//! Data channels of a client: a door's words, and messages on tracks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Channel, TrackId};
use str0m::Input;
use str0m::channel::ChannelId;

use super::{Outbox, Peer};
use crate::data::{Manner, Use};

/// How far the library's clock may be behind when something is to be sent by it.
const CLOCK_LAG: Duration = Duration::from_millis(10);

impl Peer {
    /// Opens a channel for a door's words, or one on which the client receives a track.
    pub fn open_line(&mut self, now: Instant, label: &str, purpose: Use, manner: Manner, out: &mut Outbox) {
        self.tell_time(now);
        let id = self.talk.open_channel(&mut self.rtc, manner.config(label));
        self.lines.add(id, label, purpose, manner);
        self.drain(now, out);
    }

    /// Closes a channel.
    pub fn close_line(&mut self, now: Instant, purpose: &Use, out: &mut Outbox) {
        self.tell_time(now);
        match self.lines.give_up(purpose) {
            Some((Some(id), _)) => self.rtc.direct_api().close_data_channel(id),
            Some((None, label)) => self.talk.forget_channel(&label),
            None => return,
        }
        self.drain(now, out);
    }

    /// A channel has opened. What it is for, or none if it is of no use: then it is closed.
    pub fn line_opened(&mut self, now: Instant, id: ChannelId, label: &str, out: &mut Outbox) -> Option<Use> {
        let manner = Manner::of(self.rtc.channel(id).as_ref().and_then(|channel| channel.config()));
        let Some(line) = self.lines.opened(id, label, manner) else {
            self.rtc.direct_api().close_data_channel(id);
            self.drain(now, out);
            return None;
        };
        let (purpose, waiting) = (line.purpose.clone(), line.take_waiting());
        for text in waiting {
            self.write_line(now, id, false, text.as_bytes());
        }
        self.drain(now, out);
        Some(purpose)
    }

    /// A channel is gone; what it was for.
    pub fn line_closed(&mut self, id: ChannelId) -> Option<Use> {
        self.lines.closed(id).map(|line| line.purpose)
    }

    /// What a channel is for.
    pub fn use_of(&self, id: ChannelId) -> Option<&Use> {
        self.lines.by_id(id).map(|line| &line.purpose)
    }

    /// How messages travel on a track that the client publishes, once its channel has opened.
    pub fn manner_of_up(&self, label: &str) -> Option<Manner> {
        self.lines.up(label).map(|line| line.manner)
    }

    /// The data tracks that the client receives, or will, with the labels of their channels.
    pub fn data_downs(&self) -> impl Iterator<Item = (TrackId, &Arc<str>)> {
        self.lines.downs().map(|(track, line)| (track, &line.label))
    }

    /// Says a door's words, when the channel has opened.
    pub fn say(&mut self, now: Instant, channel: Channel, text: Arc<str>, out: &mut Outbox) {
        let Some(line) = self.lines.by_use(&Use::Words(channel)) else { return };
        match line.id.filter(|_| line.open) {
            Some(id) => drop(self.write_line(now, id, false, text.as_bytes())),
            None => line.keep(text),
        }
        self.drain(now, out);
    }

    /// Passes a message on. False if it had to be given up although the track is reliable: then the channel is of no use any more.
    pub fn pass(&mut self, now: Instant, track: TrackId, binary: bool, data: &[u8], out: &mut Outbox) -> bool {
        let Some(line) = self.lines.by_use(&Use::Down(track)) else { return true };
        let Some(id) = line.id.filter(|_| line.open) else { return true };
        let reliable = line.manner.reliable();
        let buffered = self.rtc.channel(id).map_or(0, |mut channel| channel.buffered_amount());
        if !self.lines.by_use(&Use::Down(track)).is_some_and(|line| line.has_room(buffered)) {
            return !reliable;
        }
        let written = self.write_line(now, id, binary, data);
        if let Some(line) = self.lines.by_use(&Use::Down(track)).filter(|_| written) {
            line.note(data.len());
        }
        self.drain(now, out);
        written || !reliable
    }

    /// The library takes the moment at which it was called last for now, and would begin to wait for answers long ago. Media of those who
    /// only receive does not call it.
    fn tell_time(&mut self, now: Instant) {
        if now.saturating_duration_since(self.library_at) > CLOCK_LAG {
            // What fails here fails again when its time has come, and counts then.
            let _ = self.rtc.handle_input(Input::Timeout(now));
            self.library_at = now;
        }
    }

    fn write_line(&mut self, now: Instant, id: ChannelId, binary: bool, data: &[u8]) -> bool {
        self.tell_time(now);
        self.rtc.channel(id).is_some_and(|mut channel| channel.write(binary, data).unwrap_or(false))
    }
}
