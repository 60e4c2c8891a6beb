//! Our refusals as this vendor has them: a code, as a string, and a word. Source: the vendor's own tests of its SDK.

use room::{MediaRefusal, Refusal, WhyLeft};

use crate::token;

/// A refusal as a client gets it: the result of its request. The SDK's promise rejects with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A string of digits, as of HTTP.
    pub code: &'static str,
    /// In words.
    pub message: &'static str,
}

impl Problem {
    /// The caller may not do that, or the room takes nobody for now: the vendor says no more.
    pub const UNAUTHORIZED: Problem = Problem { code: "403", message: "Unauthorized" };
    /// Well and good, and nothing changed: the SDK takes all that begin with `20` for done.
    pub const ACCEPTED: Problem = Problem { code: "202", message: "Accepted" };
    /// There is no such member.
    pub const NOT_FOUND: Problem = Problem { code: "404", message: "Not Found" };
    /// A page that was loaded anew invites by a call that nobody knows.
    pub const INVALID_CALL: Problem = Problem { code: "81", message: "INVALID_CALL_REFERENCE" };
    /// A page came back with another state than goes with its seat.
    pub const OUT_OF_ORDER: Problem = Problem { code: "27", message: "DESTINATION_OUT_OF_ORDER" };
    /// The request makes no sense.
    pub const BAD_REQUEST: Problem = Problem { code: "400", message: "Bad Request" };
    /// Another request of this kind is not answered yet, or the client is in a room already.
    pub const CONFLICT: Problem = Problem { code: "409", message: "Conflict" };
    /// It called too often.
    pub const TOO_MANY: Problem = Problem { code: "429", message: "Too Many Requests" };
    /// This server does not do that.
    pub const NOT_OFFERED: Problem = Problem { code: "501", message: "Not offered by this server" };
    /// There is no room on the disk for what is to be recorded.
    pub const NO_SPACE: Problem = Problem { code: "507", message: "The disk for recordings is too full" };
    /// There is no media server.
    pub const NO_MEDIA: Problem = Problem { code: "503", message: "Service Unavailable" };
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotPermitted
            | Refusal::NotNow
            | Refusal::RoomLocked
            | Refusal::RoomFull
            | Refusal::RoomNotAllowed
            | Refusal::RoomNotFound
            | Refusal::RoomEnded
            | Refusal::RoomNotMade
            | Refusal::TooManyRooms => Problem::UNAUTHORIZED,
            Refusal::NotJoined
            | Refusal::SeatNotFound
            | Refusal::ParticipantNotFound
            | Refusal::RecordingNotFound
            | Refusal::PlaybackNotFound => Problem::NOT_FOUND,
            Refusal::AlreadyMember => Problem::ACCEPTED,
            Refusal::RoomNameInvalid
            | Refusal::RoomNameCharacters
            | Refusal::RoomNameTooLong
            | Refusal::IdentityInvalid
            | Refusal::IdentityCharacters
            | Refusal::IdentityTooLong
            | Refusal::SeatsInvalid
            | Refusal::NoRules
            | Refusal::AudioOnlyNotServed
            | Refusal::Malformed => Problem::BAD_REQUEST,
            Refusal::AlreadyJoined | Refusal::RoomExists | Refusal::TooManyRecordings | Refusal::TooManyPlaybacks => {
                Problem::CONFLICT
            }
            Refusal::KindNotServed => Problem::NO_MEDIA,
        }
    }
}

/// A refusal on the level of JSON-RPC, where there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Negative, as JSON-RPC has it.
    pub code: i32,
    /// In words. The SDK looks at one of them: [`Fault::STALE`].
    pub message: &'static str,
}

impl Fault {
    /// The text is no JSON.
    pub const NOT_JSON: Fault = Fault { code: -32700, message: "Parse error" };
    /// It is, and no request.
    pub const NO_REQUEST: Fault = Fault { code: -32600, message: "Invalid Request" };
    /// Nobody knows this method.
    pub const NO_METHOD: Fault = Fault { code: -32601, message: "Method not found" };
    /// The method's parameters are of the wrong shape.
    pub const NO_PARAMS: Fault = Fault { code: -32602, message: "Invalid params" };
    /// Nothing is served before a token was shown.
    pub const STRANGER: Fault = Fault { code: -32002, message: "Authentication required" };
    /// Too much is going on.
    pub const BUSY: Fault = Fault { code: -32002, message: "The server is busy" };
    /// The token is for another room or another user than the one before it.
    pub const OTHER: Fault = Fault { code: -32002, message: "The token is for another room or user" };
    /// There is nothing to come back to. In exactly these words: the SDK then forgets what it came back to and connects anew.
    pub const STALE: Fault = Fault { code: -32002, message: "Requester validation failed" };
}

impl From<token::Refusal> for Fault {
    fn from(refusal: token::Refusal) -> Self {
        Fault { code: -32002, message: refusal.message() }
    }
}

/// Why a call ends, as a client is told: a number and a word (ITU-T Q.850, and FreeSWITCH's own above 127).
#[must_use]
pub fn cause(why: WhyLeft) -> (u16, &'static str) {
    match why {
        WhyLeft::Withdrawn => (21, "CALL_REJECTED"),
        WhyLeft::Expired => (602, "ALLOTTED_TIMEOUT"),
        WhyLeft::Refused(MediaRefusal::Description(_) | MediaRefusal::Codec) => (88, "INCOMPATIBLE_DESTINATION"),
        WhyLeft::Refused(MediaRefusal::Flood) => (21, "CALL_REJECTED"),
        WhyLeft::Unreachable | WhyLeft::TimedOut => (604, "MEDIA_TIMEOUT"),
        WhyLeft::Displaced => (605, "PICKED_OFF"),
        WhyLeft::Left | WhyLeft::Removed | WhyLeft::RoomEnded => NORMAL,
    }
}

/// The cause of an end that everybody wanted.
pub const NORMAL: (u16, &str) = (16, "NORMAL_CLEARING");
