//! Refusals of Kennel's own API.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refusal: a status, a stable code for programs and a sentence for people.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    ended: Option<u64>,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A refusal with these three.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), ended: None, retry_after_s: None }
    }

    /// 400: what was sent cannot be understood.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 429, to be tried again after a minute.
    pub fn too_many_tries() -> Self {
        let message = "Too many wrong links or keys. Wait a minute, then try again.";
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", message);
        problem.retry_after_s = Some(60);
        problem
    }

    /// 500 for a reason that is in the log.
    pub fn internal() -> Self {
        let message = "Kennel could not do this. Its log says why.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// Says when the link ended, ms since 1970 UTC.
    pub fn ended(mut self, at: u64) -> Self {
        self.ended = Some(at);
        self
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(at) = self.ended {
            error["ended"] = at.into();
        }
        json!({ "error": error })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
