//! A call: how a client names the connection over which its media goes. It has one for itself, and one for each screen and device that
//! it shares.

use std::collections::VecDeque;
use std::sync::Arc;

use aws_lc_rs::hmac;
use room::{
    Kind, LayoutName, LinkId, MediaAllowed, Moment, ParticipantId, Position, Role, SeatKey, Snapshot, Target, TrackDraft,
};

use crate::limit::{CALL_EVERY, CALLS_AT_ONCE};
use crate::sdp::{Offer, Sent};
use crate::uuid;
use crate::wire::RpcId;

/// A request about a call, in its wrapping: both want an answer.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The id of the wrapping.
    pub frame: RpcId,
    /// The id of what is in it.
    pub verto: RpcId,
}

/// What is to be done when the media server's answer comes.
#[derive(Debug, Default)]
pub enum Expected {
    /// Nothing: there is no open offer.
    #[default]
    Nothing,
    /// Tell the client, which then waits to be told the room.
    Entry,
    /// Answer this request to change what is sent and received.
    Change(Ask),
}

/// A client's word for one connection, and how far it is.
#[derive(Debug)]
pub struct Call {
    pub id: String,
    pub link: LinkId,
    /// Of the last offer.
    pub revision: u64,
    pub sent: Vec<Sent>,
    pub on_hold: bool,
    pub expected: Expected,
    /// When waiting for an answer has lasted too long.
    pub due: Option<Moment>,
    pub size: Size,
}

/// How many calls a client may still make: [`CALLS_AT_ONCE`], and one more each [`CALL_EVERY`].
#[derive(Debug, Default)]
pub struct Allowance {
    /// When all of them are there again.
    full: Moment,
}

impl Allowance {
    /// Takes one, if there is one.
    pub fn take(&mut self, now: Moment) -> bool {
        let full = self.full.max(now) + CALL_EVERY;
        let fits = full.since(now) <= CALL_EVERY * CALLS_AT_ONCE;
        if fits {
            self.full = full;
        }
        fits
    }
}

/// In which size a client's pictures are shown: across, down, how many a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// What it is to be told once its call is answered.
    pub wanted: Option<(u16, u16, u8)>,
    /// Whether it was told any.
    pub told: bool,
}

impl Call {
    pub fn new(id: &str, offer: &Offer, revision: u64) -> Self {
        Call {
            id: id.to_owned(),
            link: link(id, &offer.fingerprint),
            revision,
            sent: offer.tracks.clone(),
            on_hold: false,
            expected: Expected::Nothing,
            due: None,
            size: Size::default(),
        }
    }

    /// One that was begun on another connection.
    pub fn found(link: &LinkId) -> Option<Self> {
        let (id, fingerprint) = link.0.rsplit_once(' ')?;
        let offer = Offer { fingerprint: fingerprint.to_owned(), tracks: Vec::new() };
        // It may have been told a size then.
        let size = Size { told: true, ..Size::default() };
        Some(Call { size, ..Call::new(id, &offer, 0) })
    }

    /// Takes an offer over. True if it is for the same connection as before, false if that one is gone.
    pub fn offer(&mut self, id: &str, offer: &Offer, revision: u64) -> bool {
        let same = self.link == link(id, &offer.fingerprint);
        let size = if same { self.size } else { Size { told: false, ..self.size } };
        let expected = std::mem::take(&mut self.expected);
        *self = Call { expected, size, ..Call::new(id, offer, revision.max(self.revision + 1)) };
        same
    }

    /// Whether whoever offers this is the same page no more: a page keeps its certificate for a call, and makes another call for another.
    pub fn is_of_another_page(&self, id: &str, offer: &Offer) -> bool {
        self.id == id && self.link != link(id, &offer.fingerprint)
    }

    /// Whether whoever offers this has neither the call nor the certificate of this one.
    pub fn is_of_nobody(&self, id: &str, offer: &Offer) -> bool {
        let own = self.link.0.rsplit_once(' ').map(|(_, fingerprint)| fingerprint);
        self.id != id && own != Some(offer.fingerprint.as_str())
    }

    /// What is sent, as the rooms have it: of the kinds in `media`, and not enabled while the call is on hold. What is muted is known to
    /// the rooms.
    pub fn tracks(&self, media: MediaAllowed) -> Vec<TrackDraft> {
        let allowed = self.sent.iter().filter(|sent| media.has(sent.kind)).enumerate();
        let draft = |(index, sent): (usize, &Sent)| TrackDraft {
            label: sent.label.as_str().into(),
            kind: sent.kind,
            name: self.name(index, sent).into(),
            enabled: !self.on_hold,
            priority: room::Priority::default(),
        };
        allowed.map(draft).collect()
    }

    /// Apps name no tracks here: the kind does, and a number if there are several.
    fn name(&self, index: usize, sent: &Sent) -> String {
        let kind = if sent.kind == Kind::Audio { "audio" } else { "video" };
        let alone = self.sent.iter().filter(|other| other.kind == sent.kind).count() == 1;
        if alone { kind.to_owned() } else { format!("{kind}-{index}") }
    }
}

/// A call and the certificate that it was made with. Whoever comes back with both has the same connection still; after a reload the
/// certificate is another.
fn link(call: &str, fingerprint: &str) -> LinkId {
    LinkId(format!("{call} {fingerprint}").into())
}

/// What waits for an answer of the rooms.
#[derive(Debug)]
pub enum Waiting {
    /// Coming in with this call.
    Join(Ask, String),
    /// Coming back.
    Resume,
    /// A call that is made anew.
    Again(Ask),
    /// The whole room, for a client whose call was answered.
    Entry,
    /// Whether it was done.
    Done(RpcId),
    /// This of the answer.
    Told(RpcId, Wanted),
    /// Nobody waits.
    Rest,
}

/// What of an answer of the rooms was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The names of layouts.
    Layouts,
    /// Everybody in the room.
    Members,
    /// Words of the app about the room.
    RoomMeta,
    /// Words of the app about a member.
    MemberMeta,
    /// The recording that began.
    Recording,
    /// Recordings of the mix.
    Recordings,
    /// The file that is played.
    Playback,
    /// The files that are played.
    Playbacks,
}

/// A screen or device that a client shares, as another participant.
#[derive(Debug)]
pub struct Child {
    pub role: Role,
    pub call: Call,
    /// Who it is, once it is in.
    pub me: Option<ParticipantId>,
    pub waiting: VecDeque<Waiting>,
    /// It came, and the client is not told before its call is answered: the SDK is not ready for that.
    pub arrival: Option<Arc<Snapshot>>,
    /// How members are to stand once it is in.
    pub wish: Option<Wish>,
    /// It is gone; its number is free when nothing waits any more.
    pub over: bool,
}

/// How members are to stand once a screen is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub layout: Option<LayoutName>,
    /// Of others than the screen.
    pub places: Vec<(Target, Position)>,
    /// Of the screen.
    pub own: Position,
}

impl Child {
    pub fn new(role: Role, call: Call) -> Self {
        Child { role, call, me: None, waiting: VecDeque::new(), arrival: None, wish: None, over: false }
    }
}

/// The seat of a child. It follows from that of its parent, so that whoever comes back to the one finds the other.
pub fn child_seat(parent: SeatKey, number: u8) -> SeatKey {
    SeatKey(derived(parent, &[number]))
}

/// 128 bits that follow from a seat and tell nothing of it.
fn derived(seat: SeatKey, of: &[u8]) -> u128 {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &seat.0.to_be_bytes());
    let tag = hmac::sign(&key, of);
    tag.as_ref().iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

/// The word by which a client comes back: what it was, who signed, its seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Letters and digits.
    pub signature: String,
    /// The seat.
    pub seat: SeatKey,
}

impl Protocol {
    /// The SDK takes it apart where the lines are.
    pub fn spell(&self) -> String {
        format!("signalwire_{}_{:032x}", self.signature, self.seat.0)
    }

    pub fn parse(text: &str) -> Option<Protocol> {
        let (signature, seat) = text.strip_prefix("signalwire_")?.split_once('_')?;
        let plain = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let good = plain(signature) && plain(seat);
        let bits = good.then(|| u128::from_str_radix(seat, 16).ok()).flatten()?;
        Some(Protocol { signature: signature.to_owned(), seat: SeatKey(bits) })
    }

    /// What goes with the seat and is told besides: whoever comes back gives it back.
    pub fn state(&self) -> String {
        format!("{:032x}", derived(self.seat, b"state"))
    }

    /// A new one, of random bits.
    pub fn new(signature: u128, seat: u128) -> Self {
        Protocol { signature: uuid::spell(signature).replace('-', ""), seat: SeatKey(seat) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(fingerprint: &str) -> Offer {
        let sent = |label: &str, kind| Sent { label: label.to_owned(), kind };
        Offer { fingerprint: fingerprint.to_owned(), tracks: vec![sent("mic", Kind::Audio), sent("cam", Kind::Video)] }
    }

    #[test]
    fn the_same_call_by_the_same_certificate_is_the_same_connection() {
        let mut call = Call::new("c", &offer("AB"), 5);
        assert!(call.offer("c", &offer("AB"), 5));
        assert_eq!(call.revision, 6, "grows whatever the clock says");
        assert!(!call.offer("c", &offer("CD"), 9));
        assert!(!call.offer("d", &offer("CD"), 9));
        let found = Call::found(&call.link).expect("a call of ours");
        assert_eq!((found.id, found.link), (call.id, call.link));
        assert!(Call::found(&LinkId("x".into())).is_none());
        let call = Call::new("c", &offer("AB"), 1);
        assert!(call.is_of_another_page("c", &offer("CD")));
        assert!(call.is_of_nobody("d", &offer("CD")));
        assert!(!call.is_of_nobody("c", &offer("CD")) && !call.is_of_nobody("d", &offer("AB")));
        assert!(!call.is_of_another_page("c", &offer("AB")) && !call.is_of_another_page("d", &offer("CD")));
    }

    #[test]
    fn only_what_may_be_sent_is() {
        let call = Call::new("c", &offer("AB"), 1);
        let names = |media| call.tracks(media).iter().map(|t| t.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(MediaAllowed::All), ["audio", "video"]);
        assert_eq!(names(MediaAllowed::AudioOnly), ["audio"]);
        assert_eq!(names(MediaAllowed::VideoOnly), ["video"]);
    }

    #[test]
    fn a_word_that_was_given_is_understood_and_no_other() {
        let given = Protocol::new(7, 9);
        assert_eq!(Protocol::parse(&given.spell()), Some(given.clone()));
        let other = Protocol { seat: SeatKey(10), ..given.clone() };
        assert!(given.state() == given.clone().state() && given.state() != other.state());
        assert_eq!(given.spell().split('_').nth(1), Some(&*given.signature));
        let (hex, plus) = ("0".repeat(32), format!("+{}", "0".repeat(31)));
        for text in ["", "signalwire_", "signalwire_a_b", &hex, &format!("signalwire_{hex}"), &format!("signalwire_{hex}_{plus}")]
        {
            assert_eq!(Protocol::parse(text), None, "{text}");
        }
        assert_eq!(Protocol::parse(&format!("signalwire_{hex}_{hex}_{hex}")), None);
    }

    #[test]
    fn each_child_has_a_seat_of_its_own() {
        let seat = |number| child_seat(SeatKey(1), number);
        assert_ne!(seat(1), seat(2));
        assert_ne!(seat(1), child_seat(SeatKey(2), 1));
        assert_eq!(seat(1), seat(1));
    }
}
