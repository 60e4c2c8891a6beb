//! What a session keeps of its client's connection with the media server: whether it was answered, and what its channels carry.

use std::collections::{BTreeSet, VecDeque};

use room::{Channel, Command, Event, Joined, LinkId, LinkState, ParticipantId, Quality, Sealed, Signal, Step, TrackId};

use crate::msp::{self, Detail, Heard};
use crate::wire::Grants;

/// Events that wait while the media server has not answered a client that came in. One more refuses it.
pub const HELD_EVENTS_MAX: usize = 1024;

/// Tracks whose hints are kept for a client that forgets them. Of more, the oldest are not said again: more than a client publishes
/// at a time.
const LAYERS_KEPT_MAX: usize = 32;

/// A client that is in its room and has not been told, because the answer to its offer is still to come.
pub struct Held {
    pub joined: Box<Joined>,
    pub events: VecDeque<Event>,
}

impl Held {
    /// Takes an event; true if it is the answer that was waited for, or if none will come because the client is to make a new link.
    pub fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Signal { link, signal } if signal.step == Step::Answer => self.answer(link, signal),
            // The media server lost the link before it answered. The client hears that it is closed once it is in.
            Event::LinkClosed { link, revision } => {
                self.joined.links.retain(|state| !state.server || state.link != link);
                self.events.push_back(Event::LinkClosed { link, revision });
                false
            }
            Event::LinkWanted { link, revision, server: true } => {
                let wanted = Some(revision);
                self.joined.links.push(LinkState { link, server: true, wanted, connected: false, signals: Vec::new() });
                true
            }
            // Nothing is told before the room itself, so that may as well hold the newest list.
            Event::Subscribed(subscribed) if self.events.is_empty() => {
                self.joined.subscribed = subscribed;
                false
            }
            event => {
                self.events.push_back(event);
                false
            }
        }
    }

    fn answer(&mut self, link: LinkId, signal: Signal) -> bool {
        match self.joined.links.iter_mut().find(|state| state.server && state.link == link) {
            Some(state) => {
                state.signals.push(signal);
                true
            }
            None => false,
        }
    }
}

/// The connection with the media server.
#[derive(Default)]
pub struct Served {
    /// What the client asked for.
    channels: Vec<Channel>,
    link: Option<LinkId>,
    /// The link whose channels were granted.
    granted: Option<LinkId>,
    /// Channels that are open at the client's end.
    ready: BTreeSet<Channel>,
    speaker: Option<ParticipantId>,
    /// The newest figures.
    quality: Option<Quality>,
    /// The client waits for figures, in this detail.
    asked: Option<Detail>,
    /// What is switched off, until the client can be told.
    off: BTreeSet<TrackId>,
    /// The newest hints for each track, newest last: at most [`LAYERS_KEPT_MAX`].
    layers: VecDeque<(TrackId, Vec<bool>)>,
    /// Our count of hints.
    hints: u64,
    /// Texts that meant nothing, and hints that the client could not follow.
    pub ignored: u64,
}

impl Served {
    /// A client came in or back. `back`: its channels are open already.
    pub fn enter(&mut self, joined: &Joined, back: bool) -> Grants {
        self.channels.clone_from(&joined.channels);
        self.speaker = joined.speaker;
        let live = joined.links.iter().find(|state| state.server);
        self.link = live.map(|state| state.link.clone());
        let opened = live.filter(|state| state.wanted.is_none());
        if back && opened.is_some() {
            self.ready.extend(&self.channels);
            // What it asked for was heard by the session before this one, or by none; older SDKs ask again only after a reply.
            self.asked = self.channels.contains(&Channel::Quality).then_some(Detail { own: 1, others: 1 });
        }
        opened.map(|state| state.link.clone()).map(|link| self.grant(&link)).unwrap_or_default()
    }

    /// The client is to make a new link to the media server. Its channels end with the old one. Its first link brings them at once:
    /// whoever makes the offer wants to know then whether the server will ask for layers.
    pub fn want(&mut self, link: &LinkId) -> Grants {
        let first = self.link.is_none();
        let channels = std::mem::take(&mut self.channels);
        let (hints, ignored) = (self.hints, self.ignored);
        *self = Served { channels, link: Some(link.clone()), speaker: self.speaker, hints, ignored, ..Served::default() };
        if first { self.grant(link) } else { Grants::new() }
    }

    /// The channels that come with the first answer on a link that replaced another. Not before: the SDK takes no grant while the
    /// channels of the old one are still being closed.
    pub fn answered(&mut self, link: &LinkId) -> Grants {
        let anew = self.link.as_ref() == Some(link) && self.granted.as_ref() != Some(link);
        if anew { self.grant(link) } else { Grants::new() }
    }

    fn grant(&mut self, link: &LinkId) -> Grants {
        self.granted = Some(link.clone());
        msp::grants(&self.channels, link)
    }

    /// The client said something on a channel. What it makes the rooms do.
    pub fn hear(&mut self, channel: Channel, text: &Sealed) -> Vec<Command> {
        match msp::read(channel, &text.0) {
            Some(Heard::Ready) => self.opened(channel),
            Some(Heard::Asks(detail)) => {
                self.asked = Some(detail);
                self.tell_quality()
            }
            Some(Heard::Hints(hints, reply)) => {
                let hints = (!hints.is_empty()).then_some(Command::Hint(hints));
                hints.into_iter().chain(say(channel, reply)).collect()
            }
            Some(Heard::Failed(count)) => self.ignore(u64::try_from(count).unwrap_or(u64::MAX)),
            Some(Heard::Reset(track)) => self.tell_layers(track),
            None => self.ignore(1),
        }
    }

    /// A channel is open. The client says so too, but only once, and now and then a browser loses what is said the moment a channel
    /// appears. Who hears both is told twice, which does no harm.
    pub fn opened(&mut self, channel: Channel) -> Vec<Command> {
        self.ready.insert(channel);
        self.begin(channel)
    }

    /// The dominant speaker changed.
    pub fn speaker(&mut self, who: Option<ParticipantId>) -> Vec<Command> {
        self.speaker = who;
        self.tell_speaker()
    }

    /// Says who speaks now, where that can be heard.
    pub fn tell_speaker(&self) -> Vec<Command> {
        if self.ready.contains(&Channel::Speaker) { say(Channel::Speaker, msp::speaker(self.speaker)) } else { Vec::new() }
    }

    /// There are new figures.
    pub fn quality(&mut self, quality: Quality) -> Vec<Command> {
        self.quality = Some(quality);
        self.tell_quality()
    }

    /// Tracks are not sent any more, or again.
    pub fn switched(&mut self, off: &[TrackId], on: &[TrackId]) -> Vec<Command> {
        if self.ready.contains(&Channel::SwitchOff) {
            return say(Channel::SwitchOff, msp::switched(off, on));
        }
        self.off.retain(|track| !on.contains(track));
        self.off.extend(off);
        Vec::new()
    }

    /// Other layers of a track are needed than before.
    pub fn layers(&mut self, track: TrackId, needed: Vec<bool>) -> Vec<Command> {
        self.layers.retain(|(known, _)| *known != track);
        self.layers.push_back((track, needed));
        if self.layers.len() > LAYERS_KEPT_MAX {
            self.layers.pop_front();
        }
        self.tell_layers(track)
    }

    /// What a channel that has just been opened should know.
    fn begin(&mut self, channel: Channel) -> Vec<Command> {
        match channel {
            Channel::Speaker if self.speaker.is_some() => say(channel, msp::speaker(self.speaker)),
            Channel::SwitchOff if !self.off.is_empty() => {
                let off: Vec<TrackId> = std::mem::take(&mut self.off).into_iter().collect();
                say(channel, msp::switched(&off, &[]))
            }
            Channel::Layers => {
                let tracks: Vec<TrackId> = self.layers.iter().map(|(track, _)| *track).collect();
                tracks.into_iter().flat_map(|track| self.tell_layers(track)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Figures are told when the client asked for them: it asks again a second after each reply.
    fn tell_quality(&mut self) -> Vec<Command> {
        let (Some(detail), Some(quality)) = (self.asked, &self.quality) else { return Vec::new() };
        self.asked = None;
        say(Channel::Quality, msp::quality(quality, detail))
    }

    fn tell_layers(&mut self, track: TrackId) -> Vec<Command> {
        let known = self.layers.iter().find(|(known, _)| *known == track);
        let Some((_, needed)) = known.filter(|_| self.ready.contains(&Channel::Layers)) else { return Vec::new() };
        self.hints += 1;
        say(Channel::Layers, msp::layers(self.hints, track, needed))
    }

    fn ignore(&mut self, count: u64) -> Vec<Command> {
        self.ignored = self.ignored.saturating_add(count);
        Vec::new()
    }
}

fn say(channel: Channel, text: Option<Sealed>) -> Vec<Command> {
    text.map(|text| Command::Say { channel, text }).into_iter().collect()
}
