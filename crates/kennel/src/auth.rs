//! Who calls our own zone: a device by its cookie, a script by its key, or anybody where the server is open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use crate::clock;
use crate::config::Secret;
use crate::keyring::{KeyRefusal, Link, Right, Rights, origin};
use crate::web::App;
use crate::web::accept::Connection;
use crate::web::asked::Asked;
use crate::web::gate::Peer;
use crate::web::problem::Problem;

/// Wrong keys that one peer may try within [`WINDOW`].
pub const TRIES_OF_PEER: u32 = 10;
/// Wrong keys from everywhere within [`WINDOW`]; after that a wrong key is answered 429 and a right one still opens.
pub const TRIES_IN_ALL: u32 = 300;
/// The time over which wrong keys are counted.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Peers that are remembered; a flood from more addresses than this is caught by [`TRIES_IN_ALL`].
const PEERS_MAX: usize = 10_000;
/// How long browsers keep the cookie, in seconds: as long as an idle session lives.
const COOKIE_AGE_S: u64 = 30 * 24 * 3600;

/// Who calls, proved.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What they may do.
    pub rights: Rights,
    /// The id of the link they came by; `None` for everybody on an open server.
    pub link: Option<String>,
    /// The id of their session; `None` for scripts.
    pub session: Option<String>,
    /// The link's label.
    pub label: String,
    /// The only room the link is good for.
    pub room: Option<String>,
    /// When the link ends, ms since 1970 UTC.
    pub ends: Option<u64>,
}

impl Caller {
    /// Passes if the caller has the right.
    ///
    /// # Errors
    /// 403 `right_missing`.
    pub fn need(&self, right: Right) -> Result<(), Problem> {
        if self.rights.has(right) {
            return Ok(());
        }
        let message = match right {
            Right::Camera => "This link does not allow being a camera.",
            Right::Watch => "This link does not allow watching.",
            Right::Guest => "This link does not allow joining rooms.",
            Right::Moderator => "This link does not allow looking after rooms.",
            Right::Record => "This link does not allow recordings.",
            Right::Owner => "Only the owner's link allows this.",
        };
        Err(Problem::new(StatusCode::FORBIDDEN, "right_missing", message))
    }

    /// What a token for the caller is made for ([`origin`]).
    pub fn origin(&self) -> Option<String> {
        self.link.as_deref().map(|link| origin::write(link, self.session.as_deref()))
    }

    /// Whether the caller's link is good for this room.
    pub fn allows_room(&self, room: &str) -> bool {
        self.room.as_deref().is_none_or(|only| only == room)
    }

    /// Whether the caller may do all that the other may, as long.
    fn covers(&self, other: &Self) -> bool {
        let rights = other.rights.list().into_iter().all(|right| self.rights.has(right));
        let room = self.room.is_none() || self.room == other.room;
        rights && room && self.ends.is_none_or(|own| other.ends.is_some_and(|ends| ends <= own))
    }

    fn of(link: &Link, session: Option<String>) -> Self {
        Self {
            rights: link.rights,
            link: Some(link.id.clone()),
            session,
            label: link.label.clone(),
            room: link.room.clone(),
            ends: link.ends,
        }
    }

    fn anybody() -> Self {
        let label = "Everybody".to_owned();
        Self { rights: Rights::OPEN, link: None, session: None, label, room: None, ends: None }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = identify(app, &parts.headers, asked(parts)?)?;
        // On an open server anybody is let in without a credential and stays a stranger to the caps.
        let connection = parts.extensions.get::<Connection>().filter(|_| caller.link.is_some());
        if let Some(connection) = connection {
            connection.authenticated();
        }
        Ok(caller)
    }
}

/// How the request came, as the guard read it.
///
/// # Errors
/// 500 if no guard stands before the route, which is a mistake of ours.
pub fn asked(parts: &Parts) -> Result<&Asked, Problem> {
    parts.extensions.get::<Asked>().ok_or_else(Problem::internal)
}

/// The caller of a request: a bearer key, else a cookie, else everybody on an open server.
///
/// # Errors
/// 401 with the reason, 429 after too many wrong keys.
pub fn identify(app: &App, headers: &HeaderMap, asked: &Asked) -> Result<Caller, Problem> {
    if let Some(key) = bearer(headers) {
        return by_key(app, key, asked);
    }
    let by_cookie = cookie(headers, asked.https).and_then(|cookie| by_cookie(app, cookie));
    match by_cookie {
        Some(caller) => Ok(caller),
        None if app.site.open => Ok(Caller::anybody()),
        None => {
            let message = "Open Kennel with your link first.";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "no_session", message))
        }
    }
}

/// Exchanges a key for a session. Returns the caller and the cookie's value.
///
/// # Errors
/// 401 `key_unknown` or `key_ended`, 429 after too many wrong keys.
pub fn sign_in(app: &App, key: &str, device: &str, asked: &Asked) -> Result<(Caller, Secret), Problem> {
    let caller = by_key(app, key, asked)?;
    let link = caller.link.clone().unwrap_or_default();
    let now = clock::unix_ms();
    let mut sessions = app.store.sessions();
    let cookie = sessions.begin(&link, device, now, &crate::keyring::random::from_system);
    let session = sessions.find(cookie.reveal(), now).map(|session| session.id.clone());
    Ok((Caller { session, ..caller }, cookie))
}

/// The same for a key in a page's address, which any page anywhere can make a browser ask for. `None` where the device has a session
/// that may do all that the key allows: it stays as it is.
///
/// # Errors
/// As [`sign_in`].
pub fn sign_in_by_address(
    app: &App,
    key: &str,
    headers: &HeaderMap,
    device: &str,
    asked: &Asked,
) -> Result<Option<Secret>, Problem> {
    let new = by_key(app, key, asked)?;
    let own = cookie(headers, asked.https).and_then(|cookie| by_cookie(app, cookie));
    if own.is_some_and(|own| own.covers(&new)) {
        return Ok(None);
    }
    sign_in(app, key, device, asked).map(|(_, cookie)| Some(cookie))
}

/// The `Set-Cookie` that keeps a session on a device.
pub fn set_cookie(cookie: &Secret, https: bool) -> String {
    spell_cookie(cookie.reveal(), COOKIE_AGE_S, https)
}

/// The `Set-Cookie` that ends it.
pub fn clear_cookie(https: bool) -> String {
    spell_cookie("", 0, https)
}

/// The value of our cookie. Over TLS only the one that nobody but an https page of this host can have set.
pub fn cookie(headers: &HeaderMap, https: bool) -> Option<&str> {
    let name = cookie_name(https);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The key of a script. Who sends one is known by nothing else.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    // What is no text is a wrong key, not an absent one.
    let (scheme, key) = value.to_str().unwrap_or("bearer ").split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-kennel" } else { "kennel" }
}

fn spell_cookie(value: &str, age_s: u64, https: bool) -> String {
    let (name, secure) = (cookie_name(https), if https { "; Secure" } else { "" });
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}")
}

fn by_cookie(app: &App, cookie: &str) -> Option<Caller> {
    let now = clock::unix_ms();
    let session = app.store.sessions().find(cookie, now)?.clone();
    let keyring = app.store.keyring();
    let link = keyring.living(&session.link, now)?;
    Some(Caller::of(link, Some(session.id)))
}

fn by_key(app: &App, key: &str, asked: &Asked) -> Result<Caller, Problem> {
    let (peer, at) = (Peer::from(asked.peer), Instant::now());
    if app.wrong_keys().is_barred(peer, at) {
        return Err(Problem::too_many_tries());
    }
    match app.store.link_of_key(key, clock::unix_ms()) {
        Ok(link) => Ok(Caller::of(&link, None)),
        Err(refusal) => match app.wrong_keys().count(peer, at) {
            Tries::Left => Err(explain(refusal)),
            Tries::UsedUp => Err(Problem::too_many_tries()),
        },
    }
}

fn explain(refusal: KeyRefusal) -> Problem {
    match refusal {
        KeyRefusal::Unknown => {
            let message = "This link does not work any more. Ask the person who gave it to you for a new one.";
            Problem::new(StatusCode::UNAUTHORIZED, "key_unknown", message)
        }
        KeyRefusal::Ended(at) => Problem::new(StatusCode::UNAUTHORIZED, "key_ended", "This link has ended.").ended(at),
    }
}

/// Counts wrong keys. Right ones cost nothing, and one peer's wrong ones never bar another's right one.
#[derive(Debug, Default)]
pub struct WrongKeys {
    all: Option<Window>,
    peers: HashMap<Peer, Window>,
}

/// Whether a wrong key may still be called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// Yes.
    Left,
    /// No more within this minute.
    UsedUp,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    count: u32,
}

impl WrongKeys {
    /// Whether this peer is not even looked at.
    pub fn is_barred(&self, peer: Peer, now: Instant) -> bool {
        self.peers.get(&peer).is_some_and(|w| w.lasts(now) && w.count >= TRIES_OF_PEER)
    }

    /// Counts a wrong key.
    pub fn count(&mut self, peer: Peer, now: Instant) -> Tries {
        if self.peers.len() >= PEERS_MAX {
            self.peers.retain(|_, window| window.lasts(now));
        }
        if self.peers.len() < PEERS_MAX || self.peers.contains_key(&peer) {
            let window = self.peers.entry(peer).or_insert(Window { began: now, count: 0 });
            window.count(now);
        }
        let all = self.all.get_or_insert(Window { began: now, count: 0 });
        all.count(now);
        if all.count > TRIES_IN_ALL { Tries::UsedUp } else { Tries::Left }
    }
}

impl Window {
    fn lasts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) < WINDOW
    }

    fn count(&mut self, now: Instant) {
        if !self.lasts(now) {
            *self = Self { began: now, count: 0 };
        }
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn peer(a: u8, b: u8) -> Peer {
        Peer::from(IpAddr::from([192, 0, a, b]))
    }

    #[test]
    fn ten_wrong_keys_a_minute_then_the_peer_is_barred_and_no_other() {
        let (mut wrong, start) = (WrongKeys::default(), Instant::now());
        for _ in 0..TRIES_OF_PEER {
            assert!(!wrong.is_barred(peer(2, 1), start));
            assert_eq!(wrong.count(peer(2, 1), start), Tries::Left);
        }
        assert!(wrong.is_barred(peer(2, 1), start));
        assert!(!wrong.is_barred(peer(2, 2), start));
        assert!(!wrong.is_barred(peer(2, 1), start + WINDOW));
    }

    #[test]
    fn three_hundred_in_all() {
        let (mut wrong, start) = (WrongKeys::default(), Instant::now());
        for n in 0..TRIES_IN_ALL {
            let from = peer(u8::try_from(n / 250).expect("small"), u8::try_from(n % 250).expect("small"));
            assert_eq!(wrong.count(from, start), Tries::Left);
        }
        assert_eq!(wrong.count(peer(9, 9), start), Tries::UsedUp);
        assert!(!wrong.is_barred(peer(9, 9), start), "a right key of theirs still opens");
        assert_eq!(wrong.count(peer(9, 9), start + WINDOW), Tries::Left);
    }

    #[test]
    fn cookies_by_scheme() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; kennel=plain; __Host-kennel=tls".parse().expect("a value"));
        assert_eq!(cookie(&headers, false), Some("plain"));
        assert_eq!(cookie(&headers, true), Some("tls"));
        let set = set_cookie(&Secret::new("v"), true);
        assert_eq!(set, "__Host-kennel=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure");
        assert!(clear_cookie(false).starts_with("kennel=; Path=/") && clear_cookie(false).contains("Max-Age=0"));
    }

    #[test]
    fn bearer_keys() {
        let check = |value: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().expect("a value"));
            assert_eq!(bearer(&headers), expected, "{value}");
        };
        check("Bearer abc", Some("abc"));
        check("bearer  abc ", Some("abc"));
        check("Basic abc", None);
        check("Bearer", None);
    }
}
