//! Rooms on several workers: what their parts say to each other, and what the pool tells them.
//!
//! A worker's share of such a room is a part of it. The part that was there first is its home, the others are its wings. A packet is put
//! into the pipe between two workers once, whoever receives it at the other end, with its payload shared.

mod port;
#[cfg(test)]
mod tests;

pub(crate) use port::{End, Port, pair};

use std::sync::Arc;

use room::{OwnQuality, ParticipantId, RoomId, Track, TrackId};
use str0m::format::PayloadParams;

use crate::allocate::Choice;
use crate::arrival::Arrival;
use crate::codec::Descriptor;
use crate::data::Manner;
use crate::limit::LAYERS_MAX;

/// A part of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// On which worker.
    pub worker: usize,
    /// No other part of any room ever has this number: what comes from a part that is gone is known by it.
    pub serial: u64,
}

/// What the pool tells an engine of a room that is on several workers.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The room has another part.
    Meet {
        /// Which room.
        room: RoomId,
        /// This engine's own part.
        own: Part,
        /// Where the room's mix is made and where is judged who speaks.
        home: Part,
        /// The other one.
        other: Part,
    },
    /// These are all the tracks that somebody publishes in another part.
    Published {
        /// In which room.
        room: RoomId,
        /// Who.
        who: ParticipantId,
        /// In which part.
        part: Part,
        /// Which.
        tracks: Vec<Track>,
    },
    /// Somebody in another part is gone.
    Left(RoomId, ParticipantId),
    /// Another part is over or lost.
    Gone(RoomId, Part),
    /// Somebody is to be served in another part from now on.
    Moved(RoomId, ParticipantId),
    /// This part is over. Who is still there is to make a new link.
    Over(RoomId),
}

/// Something that one engine tells another.
#[derive(Debug)]
pub struct Piped(pub(crate) Said);

#[derive(Debug)]
pub(crate) enum Said {
    Packet(Load),
    /// Of which room, from which part of it.
    Word(RoomId, Part, Word),
}

/// A packet on its way.
#[derive(Debug)]
pub(crate) struct Load {
    pub from: Part,
    pub track: TrackId,
    pub layer: u8,
    /// How many layers its track may have.
    pub layers: u8,
    /// What its payload type means to its publisher.
    pub params: PayloadParams,
    pub packet: Arrival,
}

/// What is said beside packets. All but messages is said again before long, so that nothing is lost for good where it finds no room.
#[derive(Debug)]
pub(crate) enum Word {
    /// We have heard of your part: say everything that there is to say.
    Hello,
    /// What is needed of tracks of your part.
    Needs(Vec<(TrackId, Need)>),
    /// Somebody needs a key frame; `first`: who has seen nothing yet.
    Keyframe { track: TrackId, layer: u8, first: bool },
    /// How messages of data tracks of this part travel; none: not now.
    Manners(Vec<(TrackId, Option<Manner>)>),
    /// A message on a data track of this part.
    Message { track: TrackId, binary: bool, data: Arc<[u8]> },
    /// Some messages on a reliable track of this part found no room.
    Overrun(TrackId),
    /// Home says who is the dominant speaker.
    Speaker(Option<ParticipantId>),
    /// How the connections in this part are.
    Quality(Vec<(ParticipantId, Arc<OwnQuality>)>),
}

/// What a part of a room needs of a track of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Somebody there is to receive it, or will when it comes.
    pub wanted: bool,
    /// Somebody there gets this layer, or should.
    pub layers: [bool; LAYERS_MAX],
}

/// How a track reaches another part of its room.
#[derive(Debug)]
pub(crate) struct Outlet {
    /// Which part.
    pub part: Part,
    own: Part,
    /// Whether it gets the track whether anybody receives it there or not.
    always: bool,
    pub need: Need,
    /// Layers of pictures of which something found no room. They go on at a key frame.
    broken: [bool; LAYERS_MAX],
    /// Messages of a reliable track found no room, and the other part does not know yet.
    pub overrun: bool,
}

/// A track of another part.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub part: Part,
    /// How many layers it may have there.
    pub layers: u8,
    /// What that part was told is needed of it.
    pub told: Option<Need>,
    /// How its messages travel, while they do.
    pub manner: Option<Manner>,
}

/// Bytes that a word counts for, whatever it says.
const WORD_BYTES: usize = 256;

impl Piped {
    pub(crate) fn packet(load: Load) -> Self {
        Piped(Said::Packet(load))
    }

    pub(crate) fn word(room: RoomId, from: Part, word: Word) -> Self {
        Piped(Said::Word(room, from, word))
    }

    /// Whether it is a packet of sound or pictures.
    #[must_use]
    pub fn is_packet(&self) -> bool {
        matches!(self.0, Said::Packet(_))
    }

    /// Whether it is a message on a data track.
    #[must_use]
    pub fn is_message(&self) -> bool {
        matches!(self.0, Said::Word(_, _, Word::Message { .. }))
    }

    /// The room of whose data tracks it is a message, or a word that has its place among their messages: none may pass over a hole, or come
    /// before it is told how they travel.
    #[must_use]
    pub fn room_of_messages(&self) -> Option<RoomId> {
        match &self.0 {
            Said::Word(room, _, Word::Message { .. } | Word::Overrun(_) | Word::Manners(_)) => Some(*room),
            Said::Word(..) | Said::Packet(_) => None,
        }
    }

    /// How many bytes it counts for while it waits, if it is no packet.
    #[must_use]
    pub fn weight(&self) -> usize {
        match &self.0 {
            Said::Packet(_) => 0,
            Said::Word(_, _, Word::Message { data, .. }) => WORD_BYTES + data.len(),
            Said::Word(_, _, Word::Needs(list)) => WORD_BYTES + size_of_val(list.as_slice()),
            Said::Word(_, _, Word::Manners(list)) => WORD_BYTES + size_of_val(list.as_slice()),
            Said::Word(_, _, Word::Quality(list)) => WORD_BYTES + size_of_val(list.as_slice()),
            Said::Word(..) => WORD_BYTES,
        }
    }
}

impl Need {
    /// What the publisher should know of it, as of a receiver for each layer.
    pub fn choices(self) -> impl Iterator<Item = Choice> {
        let needed = (0_u8..).zip(self.layers).filter(|(_, needed)| *needed);
        needed.map(|(layer, _)| Choice { layer: Some(layer), send: Some(layer), off: None })
    }

    /// A receiver has this.
    pub fn note(&mut self, choice: Choice) {
        for layer in choice.layer.into_iter().chain(choice.send) {
            self.layers.iter_mut().skip(usize::from(layer)).take(1).for_each(|needed| *needed = true);
        }
    }
}

impl Outlet {
    pub fn new(own: Part, part: Part, always: bool) -> Self {
        Outlet { part, own, always, need: Need::default(), broken: [false; LAYERS_MAX], overrun: false }
    }

    /// Whether the other part has a use for anything of the track.
    pub fn is_wanted(&self) -> bool {
        self.always || self.need.wanted
    }

    /// Whether a packet is put into the pipe.
    pub fn takes(&mut self, layer: u8, descriptor: &Descriptor) -> bool {
        if !self.is_wanted() {
            return false;
        }
        let Some(broken) = self.broken.get_mut(usize::from(layer)) else { return false };
        *broken &= !descriptor.keyframe;
        !*broken
    }

    /// A packet of pictures found no room. A hole that is made here is not repaired: their publisher knows that it has come.
    pub fn break_off(&mut self, layer: u8) {
        self.broken.iter_mut().skip(usize::from(layer)).take(1).for_each(|broken| *broken = true);
    }

    /// A packet for the other end.
    pub fn load(&self, track: TrackId, (layer, layers): (u8, u8), params: PayloadParams, packet: &Arrival) -> Piped {
        Piped::packet(Load { from: self.own, track, layer, layers, params, packet: packet.clone() })
    }
}

impl Inlet {
    pub fn new(part: Part) -> Self {
        // One at least: what has none is asked for by nobody, is not sent then, and never tells how many it has.
        Inlet { part, layers: 1, told: None, manner: None }
    }
}
