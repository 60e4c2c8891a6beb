//! The sources of a client's media: which of its packets the library gets, and how it asks for what is missing.

use str0m::media::Mid;
use str0m::rtp::Ssrc;

use super::{Peer, Taken, gate};

/// What becomes of a packet of media.
pub(super) enum Admitted {
    /// Its source is known.
    Known,
    /// It is signed, and its source was not known.
    Learnt,
    /// It goes no further.
    Not(Taken),
}

impl Peer {
    /// Whether the library may have a packet of media.
    pub(super) fn admit(&mut self, packet: &[u8]) -> Admitted {
        let Some(ssrc) = gate::source_of(packet).filter(|_| self.sender.is_open()) else { return Admitted::Not(Taken::Broken) };
        if self.gate.knows(ssrc) {
            return Admitted::Known;
        }
        let header = gate::named_header(packet).filter(|_| !self.gate.is_gone(ssrc));
        // As for the library, such a source begins with the first 65,536 numbers.
        let signed = header.is_some_and(|header| self.sender.is_signed(packet, header, 0));
        match signed {
            true if self.gate.learn(ssrc) => Admitted::Learnt,
            true => Admitted::Not(Taken::Excess),
            false => Admitted::Not(Taken::Broken),
        }
    }

    /// Whether a packet of a source that is known is signed by the client. The library does not say so of what it makes nothing of.
    pub(super) fn has_signed(&mut self, packet: &[u8]) -> bool {
        let Some((ssrc, header)) = gate::source_of(packet).zip(gate::header_of(packet)) else { return false };
        let seq = packet.get(2..4).and_then(|seq| seq.try_into().ok()).map_or(0, u16::from_be_bytes);
        self.sender.is_signed(packet, header, self.gate.turn_of(ssrc, seq))
    }

    /// Finds out of which sources packets pass.
    pub(super) fn agree_on_sources(&mut self) {
        let mut api = self.rtc.direct_api();
        self.gate.agree(self.talk.announced(), |ssrc| Some(api.stream_rx(&ssrc.into())?.rtx().map(|rtx| *rtx)));
        self.ask_without_repairs();
    }

    /// Has the library ask for pictures that got lost from a client that has no source for repairs too: it sends the same packet once more.
    /// The vendor's SDK takes those sources out of Firefox's descriptions.
    fn ask_without_repairs(&mut self) {
        let is_video = |mid: &Mid| self.rtc.media(*mid).is_some_and(|media| media.kind().is_video());
        let pictures: Vec<Mid> = self.talk.media().filter(is_video).collect();
        let mut api = self.rtc.direct_api();
        for ssrc in self.talk.announced().chain(self.gate.learnt()) {
            let stream = api.stream_rx(&ssrc.into()).filter(|stream| pictures.contains(&stream.mid()));
            if let Some(stream) = stream {
                stream.suppress_nack(false);
            }
        }
    }

    /// The same after a description. Where a section is gone, what was learnt of it is as well.
    pub(super) fn follow_description(&mut self) {
        let mut api = self.rtc.direct_api();
        for ssrc in self.gate.learnt().map(Ssrc::from) {
            let gone = api.stream_rx(&ssrc).is_some_and(|stream| !self.talk.media().any(|mid| mid == stream.mid()));
            if gone {
                api.remove_stream_rx(ssrc);
            }
        }
        self.agree_on_sources();
        self.gate.forget_unheld();
    }
}
