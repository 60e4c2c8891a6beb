//! Files of recordings and compositions, for whoever brings a signed address: whole or in parts.

use std::io::SeekFrom;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path as PathPart, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::App;
use super::accept::Connection;
use super::problem::Problem;
use crate::shelf::files::content_type;
use crate::shelf::link::Wrong;
use crate::shelf::range::{Part, wanted};

/// A file to give out.
struct Given {
    id: u128,
    path: PathBuf,
    codec: String,
    created_ms: u64,
    /// What a download is called by, besides the time: before it and after it.
    names: (String, Vec<String>),
}

/// Bytes that are read of a file at a time.
const PIECE_BYTES: usize = 64 * 1024;

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
    send(&given, &headers).await.map_err(|problem| {
        tracing::warn!(%problem, "a file cannot be read");
        Problem::internal()
    })
}

async fn found(app: &App, id: u128) -> Result<Option<Given>, Problem> {
    looked_up(app, id).await.map_err(|problem| {
        tracing::warn!(%problem, "a file cannot be looked up");
        Problem::internal()
    })
}

async fn looked_up(app: &App, id: u128) -> Result<Option<Given>, store::Problem> {
    if let Some(shelf) = &app.shelf
        && let Some(crate::shelf::Given { row, path }) = shelf.open(id).await?
    {
        let names = (row.room_name, vec![row.identity.unwrap_or_default(), row.name]);
        return Ok(Some(Given { id, path, codec: row.file.codec, created_ms: row.created_ms, names }));
    }
    let Some(studio) = &app.studio else { return Ok(None) };
    Ok(studio.open(id).await?.map(|(row, path)| {
        let codec = if row.container == "mp4" { "h264" } else { "vp8" };
        Given { id, path, codec: codec.to_owned(), created_ms: row.created_ms, names: (row.room_name, Vec::new()) }
    }))
}

fn forged() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "address_invalid", "This is not an address that Kennel gave out.")
}

async fn send(given: &Given, asked_with: &HeaderMap) -> std::io::Result<Response> {
    let mut file = File::open(&given.path).await?;
    let bytes = file.metadata().await?.len();
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
    file.seek(SeekFrom::Start(from)).await?;
    let mut response = (status, body(file, count)).into_response();
    put(&mut response, header::CONTENT_LENGTH, &count.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = from + count - 1;
        put(&mut response, header::CONTENT_RANGE, &format!("bytes {from}-{last}/{bytes}"));
    }
    Ok(dressed(response, given, &tag))
}

/// With what is said of the file whatever part of it is sent.
fn dressed(mut response: Response, given: &Given, tag: &str) -> Response {
    let ending = given.path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    put(&mut response, header::CONTENT_TYPE, content_type(ending, &given.codec));
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
    format!("{}.{}", parts.join(" "), given.path.extension().and_then(|ending| ending.to_str()).unwrap_or("mkv"))
}

fn put(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// So many bytes from where the file stands. One that is cut off meanwhile ends the connection, so that nobody takes it for whole.
fn body(file: File, count: u64) -> Body {
    Body::from_stream(stream::try_unfold((file, count), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let size = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let mut piece = vec![0; size];
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        piece.truncate(read);
        Ok(Some((Bytes::from(piece), (file, left - read as u64))))
    }))
}
