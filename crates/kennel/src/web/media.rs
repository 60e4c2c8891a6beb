//! Files of recordings and compositions, for whoever brings a signed address: whole or in parts.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path as PathPart, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;

use super::App;
use super::accept::Connection;
use super::problem::Problem;
use crate::bucket;
use crate::shelf::NotOpened;
use crate::shelf::blob::Blob;
use crate::shelf::files::{Opened, content_type};
use crate::shelf::link::Wrong;
use crate::shelf::range::{Part, wanted};
use crate::shelf::sealed::problem_of;

/// A file to give out.
struct Given {
    id: u128,
    file: Opened,
    codec: String,
    created_ms: u64,
    /// What a download is called by, besides the time: before it and after it.
    names: (String, Vec<String>),
}

/// Bytes that are read of a file at a time, by a thread that is let go until whoever asked has taken them.
const PIECE_BYTES: usize = 256 * 1024;

/// What an address says after the `?`.
#[derive(Deserialize)]
pub struct Pass {
    ends: u64,
    signature: String,
}

/// `GET /kennel/media/ID`
pub async fn file(
    State(app): State<Arc<App>>,
    Extension(connection): Extension<Connection>,
    PathPart(id): PathPart<String>,
    pass: Result<Query<Pass>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let none = || Problem::not_found("There is no such file, or it was deleted.");
    let shelf = app.shelf.as_ref().ok_or_else(none)?;
    let id = Some(id).filter(|id| id.len() == 32).and_then(|id| u128::from_str_radix(&id, 16).ok()).ok_or_else(none)?;
    let Query(pass) = pass.map_err(|_| forged())?;
    shelf.check(id, pass.ends, &pass.signature).map_err(|wrong| match wrong {
        Wrong::Forged => forged(),
        Wrong::Ended => Problem::new(StatusCode::FORBIDDEN, "address_ended", "This address has ended. Ask for a new one."),
    })?;
    connection.authenticated();
    let given = found(&app, id).await?.ok_or_else(none)?;
    send(&given, &headers).await.map_err(|problem| unreadable(&problem))
}

/// A file that cannot be read now, said before anything of it is sent.
fn unreadable(problem: &io::Error) -> Problem {
    if let Some(problem) = problem_of(problem) {
        return locked(problem);
    }
    match problem.get_ref().and_then(|problem| problem.downcast_ref()) {
        Some(bucket::Problem::Missing) => Problem::not_found("This file is not in the bucket any more."),
        Some(_) => {
            let words = "This file is in the bucket, which cannot be read now. Try again later.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "file_unreachable", words)
        }
        None => Problem::internal(),
    }
}

async fn found(app: &App, id: u128) -> Result<Option<Given>, Problem> {
    looked_up(app, id).await.map_err(|problem| {
        tracing::warn!(%problem, id = %format_args!("{id:032x}"), "a file cannot be opened");
        match problem {
            NotOpened::File(problem) => unreadable(&problem),
            NotOpened::History(_) => Problem::internal(),
        }
    })
}

/// What is encrypted and cannot be read, in words.
fn locked(problem: &sealed::Problem) -> Problem {
    let (code, message) = match problem {
        sealed::Problem::OtherKey(_) => (
            "key_missing",
            "This file is encrypted, and its key is not on this server. Its owner can put it back: see kennel check.",
        ),
        _ => ("file_damaged", "This file is encrypted, and damaged so that it cannot be read."),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
}

async fn looked_up(app: &App, id: u128) -> Result<Option<Given>, NotOpened> {
    if let Some(shelf) = &app.shelf
        && let Some(crate::shelf::Given { row, file }) = shelf.open(id).await?
    {
        let names = (row.room_name, vec![row.identity.unwrap_or_default(), row.name]);
        return Ok(Some(Given { id, file, codec: row.file.codec, created_ms: row.created_ms, names }));
    }
    let Some(studio) = &app.studio else { return Ok(None) };
    Ok(studio.open(id).await?.map(|(row, file)| {
        let codec = if row.container == "mp4" { "h264" } else { "vp8" };
        Given { id, file, codec: codec.to_owned(), created_ms: row.created_ms, names: (row.room_name, Vec::new()) }
    }))
}

fn forged() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "address_invalid", "This is not an address that Kennel gave out.")
}

async fn send(given: &Given, asked_with: &HeaderMap) -> io::Result<Response> {
    let bytes = given.file.blob.len();
    let tag = format!("\"{:032x}-{bytes:x}\"", given.id);
    let text = |name| asked_with.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let known = text(header::IF_NONE_MATCH).is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    if known {
        return Ok(dressed(StatusCode::NOT_MODIFIED.into_response(), given, &tag));
    }
    // A part of what was another file before would be of no use.
    let same = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let part = wanted(text(header::RANGE).filter(|_| same), bytes);
    let (from, count, status) = match part {
        Part::Whole => (0, bytes, StatusCode::OK),
        Part::Some { from, count } => (from, count, StatusCode::PARTIAL_CONTENT),
        Part::Beyond => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            put(&mut response, header::CONTENT_RANGE, &format!("bytes */{bytes}"));
            return Ok(dressed(response, given, &tag));
        }
    };
    let mut response = (status, body(Arc::clone(&given.file.blob), from, count).await?).into_response();
    put(&mut response, header::CONTENT_LENGTH, &count.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = from + count - 1;
        put(&mut response, header::CONTENT_RANGE, &format!("bytes {from}-{last}/{bytes}"));
    }
    Ok(dressed(response, given, &tag))
}

/// With what is said of the file whatever part of it is sent.
fn dressed(mut response: Response, given: &Given, tag: &str) -> Response {
    put(&mut response, header::CONTENT_TYPE, content_type(given.file.ending, &given.codec));
    put(&mut response, header::CONTENT_DISPOSITION, &format!("inline; filename=\"{}\"", file_name(given)));
    put(&mut response, header::ETAG, tag);
    put(&mut response, header::ACCEPT_RANGES, "bytes");
    // Asked for again each time, so that what is deleted is not played from where it was kept.
    put(&mut response, header::CACHE_CONTROL, "private, no-cache");
    response
}

/// What a download is called: the room, the time and the track, in letters that every system takes.
fn file_name(given: &Given) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(i64::try_from(given.created_ms / 1000).unwrap_or(0));
    let at = at.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let form = time::macros::format_description!("[year]-[month]-[day] [hour].[minute].[second]");
    let when = at.format(form).unwrap_or_default();
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_')).take(60).collect()
    };
    let after = given.names.1.iter().map(|name| plain(name));
    let parts: Vec<String> =
        [plain(&given.names.0), when].into_iter().chain(after).filter(|part| !part.trim().is_empty()).collect();
    format!("{}.{}", parts.join(" "), given.file.ending)
}

fn put(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// So many bytes from there on, of which the first are read now. A file that is cut off meanwhile ends the connection, so that nobody
/// takes it for whole.
async fn body(blob: Arc<dyn Blob>, from: u64, count: u64) -> io::Result<Body> {
    let first = if count > 0 { Some(piece(Arc::clone(&blob), from, count).await?) } else { None };
    Ok(Body::from_stream(stream::try_unfold((first, from, count), move |(first, at, left)| {
        let blob = Arc::clone(&blob);
        async move {
            if left == 0 {
                return Ok(None);
            }
            let piece = match first {
                Some(piece) => piece,
                None => piece(blob, at, left).await?,
            };
            let read = piece.len() as u64;
            Ok::<_, io::Error>(Some((piece, (None, at + read, left - read))))
        }
    })))
}

/// The next of so many bytes that are there, at least one.
async fn piece(blob: Arc<dyn Blob>, at: u64, left: u64) -> io::Result<Bytes> {
    let read = tokio::task::spawn_blocking(move || {
        let mut piece = vec![0; usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES))];
        let read = blob.read_at(at, &mut piece)?;
        piece.truncate(read);
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Bytes::from(piece)) }
    });
    let read = read.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    read.inspect_err(|problem| tracing::warn!(%problem, "a file cannot be read"))
}
