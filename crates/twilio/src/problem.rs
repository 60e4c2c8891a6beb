//! Our refusals as the vendor's codes. Source: the error classes of the SDK, `docs/wire/twilio.md`.

use room::{MediaRefusal, Refusal, TrackRefusal};

/// An error as a client gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The vendor's code.
    pub code: u32,
    /// In words, for codes that the SDK does not know.
    pub message: &'static str,
}

impl Problem {
    /// The client sent something that makes no sense.
    pub const MALFORMED: Problem = Problem::new(53004, "The message is malformed");
    /// Somebody joined under the same name.
    pub const DISPLACED: Problem = Problem::new(53205, "Somebody joined under the same identity");
    /// Somebody was in a room for as long as one may.
    pub const EXPIRED: Problem = Problem::new(53216, "The participant was in the room for as long as it may");
    /// The media server did not answer, or cannot be reached.
    pub const NO_MEDIA: Problem = Problem::new(53405, "The media connection failed");

    /// A description is too large, is none, or cannot be used: why.
    pub(crate) const fn description(why: &'static str) -> Self {
        Problem::new(53403, why)
    }

    pub(crate) const fn new(code: u32, message: &'static str) -> Self {
        Problem { code, message }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotPermitted => Problem::new(53104, "This is not permitted"),
            Refusal::RoomNameInvalid => Problem::new(53100, "The room name is invalid"),
            Refusal::RoomNameTooLong => Problem::new(53101, "The room name is too long"),
            Refusal::RoomNameCharacters => Problem::new(53102, "The room name has characters that cannot be used"),
            Refusal::IdentityInvalid => Problem::new(53200, "The identity is invalid"),
            Refusal::IdentityTooLong => Problem::new(53201, "The identity is too long"),
            Refusal::IdentityCharacters => Problem::new(53202, "The identity has characters that cannot be used"),
            Refusal::TooManyRooms => Problem::new(53103, "There are too many rooms"),
            Refusal::RoomExists => Problem::new(53113, "A room of this name is in progress"),
            Refusal::RoomNotMade => Problem::new(53103, "Rooms are not made by joining here"),
            Refusal::SeatsInvalid => Problem::new(53107, "The number of participants is not one that rooms of this type have"),
            Refusal::NoRules => Problem::new(53117, "Rooms of this type have no subscriptions"),
            Refusal::NotNow => Problem::new(53105, "The room takes nobody at this time"),
            Refusal::RoomLocked => Problem::new(53105, "The room is locked"),
            Refusal::RoomFull => Problem::new(53105, "The room is full"),
            Refusal::RoomNotAllowed => Problem::new(20106, "The token is for another room"),
            Refusal::RoomNotFound => Problem::new(53106, "There is no such room"),
            Refusal::RoomEnded => Problem::new(53118, "The room is over"),
            Refusal::KindNotServed => Problem::new(53103, "Rooms of this type are not served here"),
            Refusal::AudioOnlyNotServed => Problem::new(53124, "Rooms of this type cannot be for sound only"),
            Refusal::SeatNotFound | Refusal::NotJoined | Refusal::ParticipantNotFound => {
                Problem::new(53204, "There is no such participant")
            }
            // Of mixes, for which clients of this vendor cannot ask.
            Refusal::TooManyRecordings
            | Refusal::RecordingNotFound
            | Refusal::TooManyPlaybacks
            | Refusal::PlaybackNotFound
            | Refusal::AlreadyMember => Problem::MALFORMED,
            Refusal::AlreadyJoined | Refusal::Malformed => Problem::MALFORMED,
        }
    }
}

impl From<MediaRefusal> for Problem {
    fn from(refusal: MediaRefusal) -> Self {
        match refusal {
            MediaRefusal::Description(why) => Problem::description(why),
            MediaRefusal::Codec => Problem::new(53404, "There is no codec in common"),
            MediaRefusal::Flood => Problem::new(53405, "The client sends more than one may"),
        }
    }
}

impl From<crate::token::Refusal> for Problem {
    fn from(refusal: crate::token::Refusal) -> Self {
        Problem::new(refusal.code(), refusal.message())
    }
}

impl From<TrackRefusal> for Problem {
    fn from(refusal: TrackRefusal) -> Self {
        match refusal {
            TrackRefusal::TooMany => Problem::new(53203, "The participant publishes too many tracks"),
            TrackRefusal::TooManyInRoom => Problem::new(53203, "The room has as many tracks as it may"),
            TrackRefusal::NameTaken => Problem::new(53304, "Another track has that name"),
            TrackRefusal::NameTooLong => Problem::new(53302, "The track name is too long"),
            TrackRefusal::NameInvalid => Problem::new(53301, "The track name is invalid"),
            TrackRefusal::KindNotAllowed => Problem::new(53125, "This room is for sound only"),
            TrackRefusal::NotPermitted => Problem::new(53300, "This participant may not publish"),
        }
    }
}
