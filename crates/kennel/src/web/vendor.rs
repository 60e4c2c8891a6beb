//! The vendor's REST address: who may ask, and that there is nothing to be had yet.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::App;
use super::accept::Connection;
use super::asked::Asked;
use super::gate::Peer;
use super::headers::challenge;
use crate::auth::Tries;
use crate::config::Secret;

/// Any path under `/v1/` that is nothing else: 404 in the vendor's form, for those who may ask.
pub async fn nothing(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    if let Some(refusal) = refusal(&app, request.headers(), &asked) {
        return refusal;
    }
    connection.authenticated();
    let message = format!("The requested resource {} was not found", request.uri().path());
    refuse(StatusCode::NOT_FOUND, 20404, &message)
}

/// Why the caller may not ask; `None` for Basic credentials that are right.
fn refusal(app: &App, headers: &HeaderMap, asked: &Asked) -> Option<Response> {
    let (peer, now) = (Peer::from(asked.peer), Instant::now());
    if app.wrong_keys().is_barred(peer, now) {
        return Some(too_many());
    }
    let given = basic(headers);
    if given.as_ref().is_some_and(|(user, password)| is_right(app, user, password)) {
        return None;
    }
    // Asking without any credential is how a client learns that it needs one.
    if given.is_some() && app.wrong_keys().count(peer, now) == Tries::UsedUp {
        return Some(too_many());
    }
    let mut response = refuse(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    if let Some(challenge) = challenge(headers) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    Some(response)
}

/// The account and its token, or an API key and its secret.
fn is_right(app: &App, user: &str, password: &Secret) -> bool {
    let own = app.store.credentials();
    let account = user == own.twilio_account_sid && *password == own.twilio_auth_token;
    let key = user == own.twilio_api_key_sid && *password == own.twilio_api_key_secret;
    account || key
}

/// The user and password of a Basic `Authorization` (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, Secret)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), Secret::new(password)))
}

fn too_many() -> Response {
    let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, 20429, "Too Many Requests");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

fn refuse(status: StatusCode, code: u32, message: &str) -> Response {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({ "code": code, "message": message, "more_info": more, "status": status.as_u16() });
    (status, Json(body)).into_response()
}
