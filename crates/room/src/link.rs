use std::fmt;
use std::sync::Arc;

use crate::saved::SavedLink;
use crate::{LinkId, LinkState, ParticipantId};

/// Text that only others understand: the two ends of a link, a door, an owner. Passed on untouched, never looked into, never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sealed(pub Arc<str>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// What one end of a link says to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Which step of the negotiation.
    pub step: Step,
    /// One count per link, shared by both ends: an offer at N is answered at N, the next offer is N + 1.
    /// Candidates count by themselves.
    pub revision: u64,
    /// What it says.
    pub sealed: Sealed,
}

/// A step of the negotiation of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A description that wants an answer.
    Offer,
    /// The answer to the pending offer.
    Answer,
    /// Every way to reach this end known so far.
    Candidates,
    /// This end has given the link up.
    Close,
}

/// How often a link that died is made anew between the same two participants.
pub(crate) const RELINKS_MAX: u32 = 20;

/// How far an offer may count beyond what came here: more than can be lost with a connection. Without a bound one end could
/// make the other count further than its numbers go.
const OFFERS_AHEAD_MAX: u64 = 16;

/// A media connection between two participants, as far as we must know it: whose turn it is.
#[derive(Debug)]
pub(crate) struct Link {
    /// Who made the first offer, or was asked for it; and the other.
    pub ends: [ParticipantId; 2],
    /// The first end was asked for an offer after this revision.
    asked: Option<u64>,
    /// Revision of the last offer that was answered.
    stable: u64,
    /// An offer that waits for its answer: its revision, and which end made it.
    pending: Option<(u64, usize)>,
    said: [Said; 2],
    pub relinks: u32,
}

/// The last words of one end, kept for an end that was away.
#[derive(Debug, Default)]
struct Said {
    /// Anything at all.
    described: bool,
    /// Until it is answered.
    offer: Option<Signal>,
    /// Kept beside a later offer: an end that missed both needs both.
    answer: Option<Signal>,
    candidates: Option<Signal>,
}

impl Link {
    pub fn new(starter: ParticipantId, other: ParticipantId, asked: Option<u64>, relinks: u32) -> Self {
        Link { ends: [starter, other], asked, stable: 0, pending: None, said: Default::default(), relinks }
    }

    /// As it can be written down. An answer is kept for an end that is away and may not have heard it; candidates are left to
    /// the clients, whose media goes on.
    pub fn save(&self, id: &LinkId, away: impl Fn(ParticipantId) -> bool) -> SavedLink {
        let offer = self.pending.and_then(|(_, end)| self.said[end].offer.clone().map(|offer| (end, offer)));
        let answer = |end: usize| self.said[end].answer.clone().filter(|_| away(self.ends[1 - end]));
        SavedLink {
            id: id.clone(),
            ends: self.ends,
            asked: self.asked,
            stable: self.stable,
            pending: offer,
            answers: [answer(0), answer(1)],
            relinks: self.relinks,
        }
    }

    pub fn restore(saved: SavedLink) -> (LinkId, Self) {
        let mut link = Link::new(saved.ends[0], saved.ends[1], saved.asked, saved.relinks);
        link.stable = saved.stable;
        link.said.iter_mut().for_each(|said| said.described = saved.stable > 0);
        if let Some((end, offer)) = saved.pending.filter(|(end, _)| *end < 2) {
            link.pending = Some((offer.revision, end));
            link.said[end].keep(offer);
        }
        for (said, answer) in link.said.iter_mut().zip(saved.answers) {
            said.answer = answer;
        }
        (saved.id, link)
    }

    /// Takes what one end says; true if the other end should hear it. The rule for crossing offers: the first one
    /// wins, the second is dropped, and its maker takes it back by itself when the winner reaches it.
    pub fn pass(&mut self, from: ParticipantId, signal: &Signal) -> bool {
        let Some(end) = self.end_of(from) else { return false };
        let pass = match signal.step {
            Step::Offer => self.take_offer(end, signal.revision),
            Step::Answer => self.take_answer(end, signal.revision),
            Step::Candidates => true,
            Step::Close => false,
        };
        if pass {
            self.said[end].keep(signal.clone());
        }
        pass
    }

    /// Whether the two ends cannot agree any more: this one goes on from a first answer that never came here, lost with its
    /// connection, and the other will take nothing before that answer.
    pub fn is_torn_by(&self, from: ParticipantId, signal: &Signal) -> bool {
        let behind = |(pending, by): (u64, usize)| self.end_of(from) == Some(1 - by) && pending < signal.revision;
        signal.step == Step::Offer && self.stable == 0 && self.pending.is_some_and(behind)
    }

    fn take_offer(&mut self, end: usize, revision: u64) -> bool {
        // The other end's offer came first, or it is our own again: a client that was away says its last offer twice.
        let late = matches!(self.pending, Some((pending, _)) if pending >= revision);
        if late || revision <= self.stable || revision > self.last_revision().saturating_add(OFFERS_AHEAD_MAX) {
            return false;
        }
        self.pending = Some((revision, end));
        true
    }

    fn take_answer(&mut self, end: usize, revision: u64) -> bool {
        let due = matches!(self.pending, Some((pending, by)) if by != end && pending == revision);
        if due {
            self.stable = revision;
            self.pending = None;
            self.said[1 - end].offer = None;
        }
        due
    }

    /// What this end should know when it comes back.
    pub fn state_for(&self, link: &LinkId, me: ParticipantId) -> LinkState {
        let end = self.end_of(me).unwrap_or(0);
        let unasked = end == 0 && self.stable == 0 && self.pending.is_none();
        LinkState {
            link: link.clone(),
            server: false,
            wanted: self.asked.filter(|_| unasked),
            connected: false,
            signals: self.said[1 - end].in_order(),
        }
    }

    /// Whether this end has heard of the link: who starts it has, the other once there is an offer.
    pub fn is_known_to(&self, one: ParticipantId) -> bool {
        let offered = self.stable > 0 || self.pending.is_some();
        self.end_of(one).is_some_and(|end| end == 0 || offered)
    }

    /// Whether this end ever described itself.
    pub fn has_heard(&self, from: ParticipantId) -> bool {
        self.end_of(from).is_some_and(|end| self.said[end].described)
    }

    /// The end that is not this one.
    pub fn other(&self, one: ParticipantId) -> Option<ParticipantId> {
        self.end_of(one).map(|end| self.ends[1 - end])
    }

    /// A revision after every one used so far.
    pub fn next_revision(&self) -> u64 {
        self.last_revision().saturating_add(1)
    }

    fn last_revision(&self) -> u64 {
        let pending = self.pending.map_or(0, |(revision, _)| revision);
        pending.max(self.stable).max(self.asked.unwrap_or(0))
    }

    fn end_of(&self, participant: ParticipantId) -> Option<usize> {
        self.ends.iter().position(|&end| end == participant)
    }
}

impl Said {
    fn keep(&mut self, signal: Signal) {
        self.described |= signal.step != Step::Candidates;
        match signal.step {
            Step::Offer => self.offer = Some(signal),
            Step::Answer => self.answer = Some(signal),
            Step::Candidates => self.candidates = Some(signal),
            Step::Close => {}
        }
    }

    /// The descriptions as they were made, then the candidates.
    fn in_order(&self) -> Vec<Signal> {
        let mut signals: Vec<Signal> = self.answer.iter().chain(&self.offer).cloned().collect();
        signals.sort_by_key(|signal| signal.revision);
        signals.extend(self.candidates.clone());
        signals
    }
}
