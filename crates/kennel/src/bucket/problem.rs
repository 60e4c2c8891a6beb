//! Why a bucket did not do it, told apart by what a person can do about it.

use std::error::Error as _;
use std::fmt;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

/// Why. `Display` is for the log and for people, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is none of this name.
    NoBucket,
    /// The key is not known, its secret is wrong, or it may not do this: the store's word for it.
    Refused(String),
    /// The store finds our clock wrong.
    Clock,
    /// It is in another region.
    Region,
    /// The store cannot be reached: why.
    NoRoute(String),
    /// What was asked for is not in it.
    Missing,
    /// What is in it is not what we put there.
    Changed,
    /// It is in no bucket that is configured: why.
    Elsewhere(String),
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoBucket => f.write_str("there is no such bucket"),
            Problem::Refused(word) => write!(f, "the store refuses the key ({word})"),
            Problem::Clock => f.write_str("the store finds this computer's clock wrong"),
            Problem::Region => f.write_str("the bucket is in another region"),
            Problem::NoRoute(why) => write!(f, "the store cannot be reached: {why}"),
            Problem::Missing => f.write_str("it is not in the bucket"),
            Problem::Changed => f.write_str("what is in the bucket is not what was put there"),
            Problem::Elsewhere(why) | Problem::Other(why) => f.write_str(why),
        }
    }
}

impl Problem {
    /// Whether the same will be said of everything else that is asked now.
    pub(super) fn is_of_all(&self) -> bool {
        matches!(self, Problem::NoBucket | Problem::Clock | Problem::Region | Problem::NoRoute(_))
    }
}

impl std::error::Error for Problem {}

/// Letters of an answer that is not understood which are shown.
const SHOWN_MAX: usize = 200;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Some(http) = http_error(&error) {
            return unreached(http);
        }
        let text = error.to_string();
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
        match (code, &error) {
            (Some("NoSuchBucket"), _) => Problem::NoBucket,
            (Some("RequestTimeTooSkewed" | "RequestExpired"), _) => Problem::Clock,
            (
                Some(
                    "PermanentRedirect"
                    | "TemporaryRedirect"
                    | "AuthorizationHeaderMalformed"
                    | "IllegalLocationConstraintException",
                ),
                _,
            ) => Problem::Region,
            (Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AccessDenied" | "ExpiredToken" | "InvalidToken"), _)
            | (_, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
                Problem::Refused(word(code.unwrap_or("403")))
            }
            (_, Error::NotFound { .. }) | (Some("NoSuchKey" | "NoSuchUpload"), _) => Problem::Missing,
            (Some(code), _) => Problem::Other(format!("the store says {}", word(code))),
            (None, _) if text.contains("redirect without LOCATION") => Problem::Region,
            (None, _) => Problem::Other(text.chars().take(SHOWN_MAX).collect()),
        }
    }
}

/// A store's word, as far as it is one.
fn word(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(SHOWN_MAX).collect()
}

/// What went wrong on the way, if that is what went wrong.
fn http_error(error: &Error) -> Option<&HttpError> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(http) = inner.downcast_ref() {
            return Some(http);
        }
        cause = inner.source();
    }
    None
}

fn unreached(error: &HttpError) -> Problem {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let why = cause.map(ToString::to_string);
    match error.kind() {
        HttpErrorKind::Timeout => Problem::NoRoute("no answer in time".to_owned()),
        _ => Problem::NoRoute(why.unwrap_or_else(|| error.to_string())),
    }
}
