//! Why a request is refused, and the bodies that say so.

use serde::Serialize;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: not JSON, or not an object.
    BadRequest,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 405, with the methods that this path knows.
    Method(&'static str),
    /// 413.
    TooLarge,
    /// 422.
    Invalid(Vec<Fault>),
    /// 429.
    TooMany,
    /// 500.
    Internal,
    /// 501: what this server does not do, in words.
    NotOffered(&'static str),
    /// 503.
    Unavailable,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The vendor's word for what is wrong.
    pub code: &'static str,
    /// In words; begins with the field's name.
    pub message: String,
    /// Which field.
    pub attribute: &'static str,
    url: &'static str,
}

impl Fault {
    /// A field is not as it must be: `rule` goes on after its name.
    #[must_use]
    pub fn invalid(attribute: &'static str, rule: &str) -> Self {
        Fault::new("invalid_parameter", attribute, rule)
    }

    /// A field is missing.
    #[must_use]
    pub fn missing(attribute: &'static str) -> Self {
        Fault::new("missing_required_parameter", attribute, "must be present")
    }

    /// Another has this already.
    #[must_use]
    pub fn taken(attribute: &'static str) -> Self {
        Fault::new("invalid_parameter", attribute, "has already been taken")
    }

    fn new(code: &'static str, attribute: &'static str, rule: &str) -> Self {
        let message = format!("{} {rule}", titled(attribute));
        Fault { kind: "validation_error", code, message, attribute, url: "" }
    }
}

impl Refusal {
    /// One field is not as it must be.
    #[must_use]
    pub fn invalid(attribute: &'static str, rule: &str) -> Self {
        Refusal::Invalid(vec![Fault::invalid(attribute, rule)])
    }

    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Refusal::BadRequest => 400,
            Refusal::Unauthorized => 401,
            Refusal::Forbidden => 403,
            Refusal::NotFound => 404,
            Refusal::Method(_) => 405,
            Refusal::TooLarge => 413,
            Refusal::Invalid(_) => 422,
            Refusal::TooMany => 429,
            Refusal::Internal => 500,
            Refusal::NotOffered(_) => 501,
            Refusal::Unavailable => 503,
        }
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> String {
        let words = match self {
            Refusal::Invalid(faults) => return super::render::text(&Faults { errors: faults }),
            Refusal::BadRequest => "Bad Request",
            Refusal::Unauthorized => "Unauthorized",
            Refusal::Forbidden => "Forbidden",
            Refusal::NotFound => "Not Found",
            Refusal::Method(_) => "Method Not Allowed",
            Refusal::TooLarge => "Payload Too Large",
            Refusal::TooMany => "Too Many Requests",
            Refusal::Internal => "Internal Server Error",
            Refusal::Unavailable => "Service Unavailable",
            Refusal::NotOffered(what) => what,
        };
        super::render::text(&Plain { error: words })
    }
}

#[derive(Serialize)]
struct Plain<'a> {
    error: &'a str,
}

#[derive(Serialize)]
struct Faults<'a> {
    errors: &'a [Fault],
}

/// `join_from` as `Join from`.
fn titled(attribute: &str) -> String {
    let spaced = attribute.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
