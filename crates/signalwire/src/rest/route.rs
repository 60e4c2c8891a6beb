//! Which call a request is.

use super::ask::{Ask, Key, SessionFilter, SessionStatus};
use super::limit::{BODY_BYTES_MAX, MEDIA_TTL_DEFAULT_S, MEDIA_TTL_MAX_S, PATH_BYTES_MAX};
use super::paging::Page;
use super::refusal::Refusal;
use super::{date, room, token};
use crate::uuid;

/// A request, authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST` ...
    pub method: &'a str,
    /// The path as it came, escaped.
    pub path: &'a str,
    /// What follows the `?`, as it came; empty if nothing does.
    pub query: &'a str,
    /// The body: JSON.
    pub body: &'a [u8],
}

/// What the request asks for.
///
/// # Errors
/// The [`Refusal`] to answer with.
pub fn parse(request: &Request<'_>) -> Result<Ask, Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let parts = parts(request.path).ok_or(Refusal::NotFound)?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let query = Query::read(request.query);
    let known = |method| method != request.method && !matches!(route(method, &parts, &query, b"{}"), Ok(None));
    let method = if request.method == "HEAD" { "GET" } else { request.method };
    route(method, &parts, &query, request.body)?.ok_or_else(|| {
        let allowed: Vec<&str> = METHODS.into_iter().filter(|method| known(method)).collect();
        match allowed.as_slice() {
            [] => Refusal::NotFound,
            ["GET"] => Refusal::Method("GET"),
            ["POST"] => Refusal::Method("POST"),
            ["GET", "POST"] => Refusal::Method("GET, POST"),
            ["GET", "DELETE"] => Refusal::Method("GET, DELETE"),
            _ => Refusal::Method("GET, PUT, DELETE"),
        }
    })
}

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

const STREAMS: &str = "Streaming to other servers is not offered here";
const CONFERENCES: &str = "Conferences with a ready-made page are not offered here: make a room, and open /room or /guest";

/// Every route. Nothing, if there is none.
fn route(method: &str, parts: &[&str], query: &Query, body: &[u8]) -> Result<Option<Ask>, Refusal> {
    Ok(Some(match (method, parts) {
        ("GET", ["rooms"]) => Ask::ListRooms(room::filter(query)?, Page::read(query)?),
        ("POST", ["rooms"]) => Ask::CreateRoom(Box::new(room::create(body)?)),
        ("GET", ["rooms", r]) => Ask::FindRoom(key(r)),
        ("PUT" | "PATCH", ["rooms", r]) => Ask::UpdateRoom(key(r), Box::new(room::update(body)?)),
        ("DELETE", ["rooms", r]) => Ask::DeleteRoom(key(r)),
        ("GET", ["rooms", r, "streams"]) => Ask::ListStreams(key(r), Page::read(query)?),
        ("POST", ["rooms", _, "streams"]) => return Err(Refusal::NotOffered(STREAMS)),

        ("POST", ["room_tokens"]) => Ask::CreateToken(Box::new(token::create(body)?)),

        ("GET", ["room_sessions"]) => Ask::ListSessions(sessions(query)?, Page::read(query)?),
        ("GET", ["room_sessions", s]) => Ask::FindSession(id(s)?),
        ("GET", ["room_sessions", s, "members"]) => Ask::ListMembers(id(s)?, Page::read(query)?),
        ("GET", ["room_sessions", s, "events"]) => Ask::ListEvents(id(s)?, Page::read(query)?),
        ("GET", ["room_sessions", s, "recordings"]) => Ask::ListRecordings(Some(id(s)?), ttl(query)?, Page::read(query)?),

        ("GET", ["room_recordings"]) => Ask::ListRecordings(None, ttl(query)?, Page::read(query)?),
        ("GET", ["room_recordings", r]) => Ask::FindRecording(id(r)?, ttl(query)?),
        ("DELETE", ["room_recordings", r]) => Ask::DeleteRecording(id(r)?),
        ("GET", ["room_recordings", r, "events"]) => Ask::ListRecordingEvents(id(r)?, Page::read(query)?),

        ("GET", ["logs"]) => Ask::ListLogs(Page::read(query)?),
        ("GET", ["logs", _]) => return Err(Refusal::NotFound),
        ("GET" | "PUT" | "DELETE", ["streams", _]) => return Err(Refusal::NotFound),
        (_, ["conferences" | "conference_tokens", ..]) => return Err(Refusal::NotOffered(CONFERENCES)),
        _ => return Ok(None),
    }))
}

/// How long the addresses of files are good, in seconds.
fn ttl(query: &Query) -> Result<u32, Refusal> {
    let seconds = query.number("media_ttl")?.unwrap_or(MEDIA_TTL_DEFAULT_S);
    let known = (1..=MEDIA_TTL_MAX_S).contains(&seconds);
    if known { Ok(seconds) } else { Err(Refusal::invalid("media_ttl", "must be a whole number from 1 to 86400")) }
}

fn sessions(query: &Query) -> Result<SessionFilter, Refusal> {
    let status = query.one("status").map(|text| match text {
        "in-progress" | "in_progress" => Ok(SessionStatus::InProgress),
        "completed" => Ok(SessionStatus::Completed),
        _ => Err(Refusal::invalid("status", "must be in-progress or completed")),
    });
    let room_id = query.one("room_id").map(|text| uuid::parse(text).ok_or(Refusal::invalid("room_id", "must be a UUID")));
    let text = |name| query.one(name).map(str::to_owned);
    Ok(SessionFilter {
        room_id: room_id.transpose()?,
        room_name: text("room_name"),
        room_name_matches: text("room_name_matches"),
        status: status.transpose()?,
    })
}

/// What is between the slashes after `/api/video/`, unescaped. Any number of slashes counts as one, and those at the end as none.
fn parts(path: &str) -> Option<Vec<String>> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let ours = path.len() <= PATH_BYTES_MAX && parts.next() == Some("api") && parts.next() == Some("video");
    let parts: Option<Vec<String>> = parts.map(unescape).collect();
    parts.filter(|parts| ours && !parts.is_empty())
}

fn key(part: &str) -> Key {
    Key { id: uuid::parse(part), text: part.to_owned() }
}

/// What is not spelled like an id is nothing.
fn id(part: &str) -> Result<u128, Refusal> {
    uuid::parse(part).ok_or(Refusal::NotFound)
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// The parameters of a query.
pub(super) struct Query(Vec<(String, String)>);

/// Parameters of a query. The rest of a longer one is not looked at.
const PARAMETERS_MAX: usize = 50;

impl Query {
    fn read(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX);
        let split = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let plain = |text: &str| unescape(&text.replace('+', " "));
        Query(split.filter_map(|(name, value)| Some((plain(name)?, plain(value)?))).collect())
    }

    /// The last of this name that is not empty.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// In any language's spelling: Python's is `True`.
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        let read = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(Refusal::invalid(name, "must be true or false")),
        };
        self.one(name).map(read).transpose()
    }

    pub fn number(&self, name: &'static str) -> Result<Option<u32>, Refusal> {
        self.one(name).map(|text| text.parse().map_err(|_| Refusal::invalid(name, "must be a whole number"))).transpose()
    }

    pub fn date(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        let rule = "must be a date and time as RFC 3339 has it";
        self.one(name).map(|text| date::parse(text).ok_or(Refusal::invalid(name, rule))).transpose()
    }

    pub fn without(&self, names: &[&str]) -> Vec<(String, String)> {
        self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect()
    }
}
