//! The vendor's REST address: who may ask, how often, and the answer as HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::StreamExt;
use store::Store;
use twilio::rest::{Defaults, Host, Refusal, limit, parse};

use super::App;
use super::accept::Connection;
use super::asked::Asked;
use super::gate::Peer;
use super::headers::challenge;
use crate::auth::Tries;
use crate::config::Secret;
use crate::rest::{Desk, Reply};

/// How many seconds' worth of calls may come at once: an app that starts asks for much in its first moment.
const BURST: Duration = Duration::from_secs(2);

/// What calls are answered by, and how many of them.
pub struct Calls {
    desk: Desk,
    writes_per_s: u32,
    reads_per_s: u32,
    /// By credential. As many as there are right ones.
    rates: Mutex<HashMap<String, [Rate; 2]>>,
}

/// Calls of one credential (a token bucket).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    left: f64,
    seen: Instant,
}

impl Calls {
    /// Calls that this desk answers, so many of each kind per second and credential.
    #[must_use]
    pub fn new(desk: Desk, writes_per_s: u32, reads_per_s: u32) -> Self {
        Calls { desk, writes_per_s, reads_per_s, rates: Mutex::default() }
    }

    /// What happened.
    #[must_use]
    pub fn history(&self) -> &dyn Store {
        &*self.desk.store
    }

    /// Whether what happens cannot be written down at the moment.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.desk.journal.is_failing()
    }

    fn defaults(&self) -> &Defaults {
        &self.desk.defaults
    }

    /// Whether one more call of this credential is within its rate. Counts it, if so.
    fn admits(&self, user: &str, writes: bool, now: Instant) -> bool {
        let per_s = f64::from(if writes { self.writes_per_s } else { self.reads_per_s });
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let pair =
            rates.entry(user.to_owned()).or_insert_with(|| [Rate::new(self.reads_per_s, now), Rate::new(self.writes_per_s, now)]);
        pair[usize::from(writes)].take(per_s, now)
    }
}

impl Rate {
    pub fn new(per_s: u32, now: Instant) -> Self {
        Rate { left: f64::from(per_s) * BURST.as_secs_f64(), seen: now }
    }

    pub fn take(&mut self, per_s: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.seen).as_secs_f64();
        self.left = (self.left + passed * per_s).min(per_s * BURST.as_secs_f64());
        self.seen = now;
        let admitted = self.left >= 1.0;
        self.left -= f64::from(u8::from(admitted));
        admitted
    }
}

/// Any path under `/v1/` that is no socket: for those who may ask.
pub async fn call(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let user = match authenticate(&app, request.headers(), &asked) {
        Ok(user) => user,
        Err(refusal) => return *refusal,
    };
    connection.authenticated();
    let path = request.uri().path().to_owned();
    let Some(calls) = &app.calls else { return refuse(&Refusal::not_found(&path)) };
    match answer(calls, &user, &account(&app), &asked, request).await {
        Ok((status, reply)) => told(status, reply),
        Err(refusal) => refuse(&refusal),
    }
}

/// An answer, which may lead elsewhere.
fn told(status: u16, reply: Reply) -> Response {
    if status == 204 {
        return StatusCode::NO_CONTENT.into_response();
    }
    let mut response = json(status, reply.text);
    if let Some(location) = reply.location.and_then(|url| HeaderValue::from_str(&url).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

async fn answer(calls: &Calls, user: &str, account: &str, asked: &Asked, request: Request) -> Result<(u16, Reply), Refusal> {
    let (head, body) = request.into_parts();
    let writes = !matches!(head.method.as_str(), "GET" | "HEAD");
    if !calls.admits(user, writes, Instant::now()) {
        return Err(Refusal::too_many_requests());
    }
    let body = read(body).await?;
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let method = head.method.as_str();
    let call = twilio::rest::Request { method, path, query, content_type, body: &body, defaults: calls.defaults() };
    let ask = parse(&call)?;
    let status = ask.success();
    let host = Host { url: &asked.origin(), account };
    calls.desk.answer(ask, &host, path).await.map(|reply| (status, reply))
}

/// The body, if it is not too long.
async fn read(body: Body) -> Result<Bytes, Refusal> {
    whole(body, limit::BODY_BYTES_MAX).await.ok_or_else(Refusal::too_large)
}

/// A body of at most so many bytes. What is longer is read on, up to [`DISCARDED_BYTES_MAX`]: a connection that is closed on somebody who
/// is still sending takes the answer with it.
pub(super) async fn whole(body: Body, bytes_max: usize) -> Option<Bytes> {
    let (mut kept, mut all) = (Vec::new(), 0);
    let mut data = body.into_data_stream();
    while let Some(data) = data.next().await {
        let data = data.ok()?;
        all += data.len();
        if all <= bytes_max {
            kept.extend_from_slice(&data);
        } else if all > bytes_max + DISCARDED_BYTES_MAX {
            return None;
        }
    }
    (all <= bytes_max).then(|| Bytes::from(kept))
}

/// Bytes of a body that are read only to be thrown away.
const DISCARDED_BYTES_MAX: usize = 1 << 20;

fn account(app: &App) -> String {
    app.store.credentials().twilio_account_sid
}

fn json(status: u16, text: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refuse(refusal: &Refusal) -> Response {
    let mut response = json(refusal.status, refusal.body());
    let headers = response.headers_mut();
    if let Some(allow) = refusal.allow.as_ref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
        headers.insert(header::ALLOW, allow);
    }
    if matches!(refusal.status, 429 | 503) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Whose Basic credentials these are, if they are right.
fn authenticate(app: &App, headers: &HeaderMap, asked: &Asked) -> Result<String, Box<Response>> {
    let (peer, now) = (Peer::from(asked.peer), Instant::now());
    let given = basic(headers);
    // These first: such secrets are too long to be guessed, and an app that has a wrong one must not lock out the app beside it.
    if let Some((user, password)) = &given
        && is_right(app, user, password)
    {
        return Ok(user.clone());
    }
    if app.wrong_keys().is_barred(peer, now) {
        return Err(Box::new(too_many()));
    }
    // Asking without any credential is how a client learns that it needs one.
    if given.is_some() && app.wrong_keys().count(peer, now) == Tries::UsedUp {
        return Err(Box::new(too_many()));
    }
    let mut response = refuse(&Refusal::unauthenticated());
    if let Some(challenge) = challenge(headers) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    Err(Box::new(response))
}

/// The account and its token, or an API key and its secret, compared in constant time.
fn is_right(app: &App, user: &str, password: &Secret) -> bool {
    let own = app.store.credentials();
    let account = user == own.twilio_account_sid && *password == own.twilio_auth_token;
    account || app.store.api_secret(user).is_some_and(|secret| *password == secret)
}

/// The user and password of a Basic `Authorization` (RFC 7617).
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, Secret)> {
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
    let mut response = refuse(&Refusal::too_many_requests());
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_per_second_with_a_burst() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut rate = Rate { left: 40.0, seen: start };
        let take = |rate: &mut Rate, at, count: usize| (0..count).filter(|_| rate.take(20.0, at)).count();
        assert_eq!(take(&mut rate, start, 100), 40);
        assert_eq!(take(&mut rate, start + second, 100), 20);
        assert_eq!(take(&mut rate, start + second * 100, 100), 40, "no more gathers than a burst");
    }
}
