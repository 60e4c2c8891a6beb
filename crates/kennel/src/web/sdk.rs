//! The vendor's SDK files with a tail that points them here, and the shim for apps that bundle the SDK.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::files::{File, Files};
use super::pages::send_file;

/// Tells which version was sent.
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-kennel-sdk");

const TAIL: &str = include_str!("sdk_tail.js");
const SHIM: &str = include_str!("websocket_shim.js");

/// A version of the SDK: major, minor, patch.
type Version = [u32; 3];

/// `GET /sdk/js/video/releases/VERSION/FILE`
pub async fn release(State(app): State<Arc<App>>, Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    if !matches!(name.as_str(), "twilio-video.js" | "twilio-video.min.js" | "LICENSE.md") {
        return words(StatusCode::NOT_FOUND, "There are twilio-video.js, twilio-video.min.js and LICENSE.md.");
    }
    let Some(asked) = parse(&version) else {
        return words(StatusCode::NOT_FOUND, "This is not a version of the SDK. Write one such as 2.36.0.");
    };
    let bundled = bundled(&*app.site.files);
    let Some(found) = choose(asked, &bundled) else { return absent(&bundled) };
    let path = format!("sdk/{}/{name}", spell(found));
    let Some(file) = app.site.files.get(&path) else { return absent(&[]) };
    let file = if name == "LICENSE.md" { file } else { with_tail(file, asked, found) };
    let mut response = send_file(&name, file, "no-cache", &headers);
    if let Ok(value) = HeaderValue::from_str(&spell(found)) {
        response.headers_mut().insert(VERSION_HEADER, value);
    }
    response
}

/// `GET /sdk/kennel-websocket-shim.js`
pub async fn shim() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (kind, SHIM).into_response()
}

/// Any other path under `/sdk/`.
pub async fn nothing() -> Response {
    words(
        StatusCode::NOT_FOUND,
        "Here are /sdk/js/video/releases/VERSION/twilio-video[.min].js and /sdk/kennel-websocket-shim.js.",
    )
}

fn absent(bundled: &[Version]) -> Response {
    if bundled.is_empty() {
        let text = "This Kennel was built without the SDK's files. Type make web where you cloned it, and build it again.";
        return words(StatusCode::SERVICE_UNAVAILABLE, text);
    }
    let known: Vec<_> = bundled.iter().map(|version| spell(*version)).collect();
    let text = format!("Kennel has version 2 of the SDK only: {}.", known.join(", "));
    words(StatusCode::NOT_FOUND, &text)
}

fn words(status: StatusCode, text: &str) -> Response {
    (status, format!("{text}\n")).into_response()
}

/// The versions among the built pages, oldest first.
fn bundled(files: &dyn Files) -> Vec<Version> {
    let paths = files.paths();
    let named = paths.iter().filter_map(|path| path.strip_prefix("sdk/")?.split_once('/'));
    let mut versions: Vec<_> = named.filter_map(|(version, _)| parse(version)).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

/// The same version, else the nearest newer one of its major, else the newest of its major.
fn choose(asked: Version, bundled: &[Version]) -> Option<Version> {
    let mut same_major = bundled.iter().filter(|version| version[0] == asked[0]);
    let newest = same_major.clone().next_back();
    same_major.find(|version| **version >= asked).or(newest).copied()
}

/// The file with the tail behind it, and with a note for the console if it is not the version asked for.
fn with_tail(file: File, asked: Version, found: Version) -> File {
    let note = match asked == found {
        true => "null".to_owned(),
        false => format!("\"Kennel has no twilio-video {} and sent {}.\"", spell(asked), spell(found)),
    };
    let tail = TAIL.replace("KENNEL_NOTE", &note);
    let tag = format!("{}-{}-{}", file.tag, env!("CARGO_PKG_VERSION"), u8::from(asked != found));
    let mut bytes = file.bytes.into_owned();
    bytes.extend_from_slice(tail.as_bytes());
    File { bytes: bytes.into(), tag }
}

fn parse(text: &str) -> Option<Version> {
    let mut parts = text.split('.').map(|part| {
        let digits = part.len() <= 6 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let version = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}

fn spell([major, minor, patch]: Version) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("2.36.0", Some([2, 36, 0])),
            ("2.18", None),
            ("2.18.1.1", None),
            ("2.x.1", None),
            ("2..1", None),
            ("", None),
            ("2.36.0-rc1", None),
            ("+2.1.1", None),
            ("99999999999.1.1", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_nearest_newer_of_the_same_major() {
        let bundled = [[2, 18, 1], [2, 36, 0]];
        let check = |asked, expected| assert_eq!(choose(asked, &bundled), expected, "{asked:?}");
        check([2, 18, 1], Some([2, 18, 1]));
        check([2, 0, 0], Some([2, 18, 1]));
        check([2, 18, 2], Some([2, 36, 0]));
        check([2, 99, 0], Some([2, 36, 0]));
        check([1, 20, 0], None);
        check([3, 0, 0], None);
        assert_eq!(choose([2, 18, 1], &[]), None);
    }
}
