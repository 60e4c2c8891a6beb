//! Why a request is refused, and the envelope that says so.

use serde::Serialize;
use std::borrow::Cow;

/// A refusal: an HTTP status, the vendor's code, and words that begin as the vendor's SDK has them for that code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The vendor's code.
    pub code: u32,
    /// In words. May repeat a part of the request's path, and of its body only names of parameters.
    pub message: String,
    /// The parameter that is wrong, if it is one.
    pub parameter: Option<Cow<'static, str>>,
    /// The methods that this path knows, for `Allow`, when the method was wrong.
    pub allow: Option<String>,
}

impl Refusal {
    /// 404, 20404. `path` is the request's.
    #[must_use]
    pub fn not_found(path: &str) -> Self {
        let path = path.strip_prefix("/v1").unwrap_or(path);
        let short: String = path.chars().take(SHOWN_CHARS_MAX).collect();
        Refusal::new(404, 20404, &format!("The requested resource {short} was not found"))
    }

    /// 401, 20003.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Refusal::new(401, 20003, "Authenticate")
    }

    /// 429, 20429.
    #[must_use]
    pub fn too_many_requests() -> Self {
        Refusal::new(429, 20429, "Too many requests")
    }

    /// 413. The vendor has no code for it.
    #[must_use]
    pub fn too_large() -> Self {
        Refusal::new(413, 20001, "The request body is too large")
    }

    /// 500, 20500.
    #[must_use]
    pub fn internal() -> Self {
        Refusal::new(500, 20500, "Internal server error")
    }

    /// 400, 20001: what is being recorded cannot be deleted.
    #[must_use]
    pub fn running() -> Self {
        Refusal::new(400, 20001, "The recording is in progress; it can be deleted when it has ended")
    }

    /// 507: there is no room on the disk for what is to be recorded. The vendor has no code for it.
    #[must_use]
    pub fn no_space(words: &str) -> Self {
        Refusal::new(507, 20001, words)
    }

    /// 503, 20503.
    #[must_use]
    pub fn unavailable() -> Self {
        Refusal::new(503, 20503, "Service unavailable")
    }

    /// 400 with one of the vendor's codes about rooms.
    #[must_use]
    pub fn room(code: Code) -> Self {
        Refusal::new(400, code.number(), code.text())
    }

    pub(super) fn method(allow: String) -> Self {
        Refusal { allow: Some(allow), ..Refusal::new(405, 20004, "Method not allowed") }
    }

    /// The same for a parameter: `rule` goes on after its name.
    #[must_use]
    pub fn of(code: Code, parameter: &'static str, rule: &str) -> Self {
        let message = format!("{}: {parameter} {rule}", code.text());
        Refusal { parameter: Some(parameter.into()), ..Refusal::new(400, code.number(), &message) }
    }

    /// 400, 20001: a parameter, or what is at this place in one (`VideoLayout.grid.width`); `rule` goes on after "it".
    #[must_use]
    pub fn invalid(parameter: impl Into<Cow<'static, str>>, rule: &str) -> Self {
        let parameter = parameter.into();
        let message = format!("Invalid parameter {parameter}: it {rule}");
        Refusal { parameter: Some(parameter), ..Refusal::new(400, 20001, &message) }
    }

    pub(super) fn missing(parameter: &'static str) -> Self {
        let message = format!("Missing required parameter {parameter} in the post body");
        Refusal { parameter: Some(parameter.into()), ..Refusal::new(400, 20001, &message) }
    }

    /// Neither of two of which one is needed; the first is the parameter of the refusal.
    pub(super) fn missing_one(parameter: &'static str, other: &str) -> Self {
        let message =
            format!("Missing required parameter {parameter} or {other} in the post body: one of them must name something");
        Refusal { message, ..Refusal::missing(parameter) }
    }

    pub(super) fn unserved(what: &str) -> Self {
        Refusal::new(400, 20001, what)
    }

    pub(super) fn too_many_parameters() -> Self {
        Refusal::new(400, 20001, "The request has too many parameters")
    }

    fn new(status: u16, code: u32, message: &str) -> Self {
        Refusal { status, code, message: message.to_owned(), parameter: None, allow: None }
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> String {
        let envelope = Envelope {
            code: self.code,
            message: &self.message,
            more_info: format!("https://www.twilio.com/docs/errors/{}", self.code),
            status: self.status,
            details: self.parameter.as_deref().map(|parameter| Details { parameter }),
        };
        super::render::text(&envelope)
    }
}

/// Characters of a path that are repeated.
const SHOWN_CHARS_MAX: usize = 200;

/// Never with both `type` and `title`: the newer libraries would make another class of error of it (RFC 9457), which apps do not catch.
#[derive(Serialize)]
struct Envelope<'a> {
    code: u32,
    message: &'a str,
    more_info: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    parameter: &'a str,
}

/// The vendor's codes about rooms that REST answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// 53100.
    NameInvalid,
    /// 53101.
    NameTooLong,
    /// 53102.
    NameCharacters,
    /// 53103.
    CannotCreate,
    /// 53107.
    MaxParticipants,
    /// 53108.
    RoomType,
    /// 53109.
    Timeout,
    /// 53110.
    CallbackMethod,
    /// 53111.
    Callback,
    /// 53112: no status that a room can be given, or the room is not in progress.
    Status,
    /// 53113.
    RoomExists,
    /// 53114.
    Incompatible,
    /// 53115.
    Region,
    /// 53117.
    NoSubscriptions,
    /// 53119.
    TooManyRooms,
    /// 53120.
    RecordingRules,
    /// 53122.
    NoRecording,
    /// 53123.
    ParticipantDuration,
    /// 53124.
    AudioOnly,
    /// 53209.
    ParticipantStatus,
    /// 53215.
    SubscribeRules,
}

impl Code {
    /// The number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.row().0
    }

    /// The words; where the SDK has some for the number, those.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> (u32, &'static str) {
        match self {
            Code::NameInvalid => (53100, "Room name is invalid"),
            Code::NameTooLong => (53101, "Room name is too long"),
            Code::NameCharacters => (53102, "Room name contains invalid characters"),
            Code::CannotCreate => (53103, "Unable to create Room"),
            Code::MaxParticipants => (53107, "MaxParticipants is out of range"),
            Code::RoomType => (53108, "RoomType is not valid"),
            Code::Timeout => (53109, "Timeout is out of range"),
            Code::CallbackMethod => (53110, "StatusCallbackMethod is invalid"),
            Code::Callback => (53111, "StatusCallback is invalid"),
            Code::Status => (53112, "Status is invalid"),
            Code::RoomExists => (53113, "Room exists"),
            Code::Incompatible => (53114, "Room creation parameter(s) incompatible with the Room type"),
            Code::Region => (53115, "MediaRegion is invalid"),
            Code::NoSubscriptions => (53117, "The subscription operation requested is not supported for the Room type"),
            Code::TooManyRooms => (53119, "There are too many Rooms in progress"),
            Code::RecordingRules => (53120, "Recording rules are invalid"),
            Code::NoRecording => (53122, "Recording is not supported for the Room type"),
            Code::ParticipantDuration => (53123, "MaxParticipantDuration is out of range"),
            Code::AudioOnly => (53124, "The AudioOnly flag is not supported for the Room type"),
            Code::ParticipantStatus => (53209, "Participant Status is invalid"),
            Code::SubscribeRules => (53215, "Subscribe rules are invalid"),
        }
    }
}
