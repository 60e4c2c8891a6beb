//! The pages, their files, and the words for machines that look after the server.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::asked::Asked;
use super::files::File;
use super::problem::Problem;
use super::vendor::Calls;
use super::{App, Site, api, plain};
use crate::auth;
use crate::keyring::Right;
use crate::metrics;

/// One of the pages: the app, or on LAN http the door that leads to the secure address.
pub async fn page(State(app): State<Arc<App>>, Extension(asked): Extension<Asked>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some((key, rest)) = take_key(uri.query().unwrap_or_default()) {
        return key_in_address(&app, &asked, &headers, uri.path(), &key, &rest).await;
    }
    let name = if needs_door(&app.site, &asked) { "door.html" } else { "index.html" };
    match app.site.files.get(name) {
        Some(file) => send_file(name, file, "no-cache", &headers),
        None => plain::not_built(),
    }
}

/// Files of the pages; for any other path a page that says there is none.
pub async fn other(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let ours = reads && is_plain(&path) && !path.ends_with(".html") && !path.starts_with("sdk/");
    let Some(file) = ours.then(|| app.site.files.get(&path)).flatten() else {
        return plain::not_found();
    };
    // Names under assets/ hold a hash of their content.
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    send_file(&path, file, caching, request.headers())
}

/// The certificate of Kennel's own authority, in the form that phones install.
pub async fn authority(State(app): State<Arc<App>>) -> Response {
    let Some(authority) = app.site.authority.clone() else { return plain::not_found() };
    ([(header::CONTENT_TYPE, "application/x-x509-ca-cert")], authority.der).into_response()
}

/// The same certificate as text, for command lines.
pub async fn authority_text(State(app): State<Arc<App>>) -> Response {
    let Some(authority) = app.site.authority.clone() else { return plain::not_found() };
    ([(header::CONTENT_TYPE, "application/x-pem-file")], authority.pem).into_response()
}

/// Whether the program runs.
pub async fn health() -> &'static str {
    "ok"
}

/// Whether it takes new work.
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    if app.shutdown.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if app.calls.as_ref().is_some_and(Calls::is_failing) {
        (StatusCode::SERVICE_UNAVAILABLE, "unwritable")
    } else {
        (StatusCode::OK, "ready")
    }
}

/// Figures, for this computer and for the owner.
pub async fn metrics(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // A proxy on this computer that nobody told us to trust must not open this to its clients.
    let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
    if !asked.peer.is_loopback() || (forwarded && !asked.proxied) {
        auth::identify(&app, &headers, &asked)?.need(Right::Owner)?;
    }
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics.render()).into_response())
}

/// Whether a browser at this address could not use a camera, and there is an address where it could.
fn needs_door(site: &Site, asked: &Asked) -> bool {
    !asked.is_secure() && !site.dev && site.https_port.is_some()
}

/// `?key=` works for scripts and home-screen apps: 303 to the same address without it, and the cookie. The door page needs the key
/// for its way to the secure address, so there it moves behind the `#`, which is never sent.
async fn key_in_address(app: &Arc<App>, asked: &Asked, headers: &HeaderMap, path: &str, key: &str, rest: &str) -> Response {
    let mut address = path.to_owned();
    if !rest.is_empty() {
        address = format!("{address}?{rest}");
    }
    // Another site must not choose whose link this browser uses.
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return see_other(address);
    }
    if needs_door(&app.site, asked) && key.bytes().all(|b| b.is_ascii_alphanumeric()) {
        address = format!("{address}#k={key}");
    }
    let signed = auth::sign_in_by_address(app, key, headers, &api::device_name(headers), asked);
    if let Err(problem) = &signed
        && problem.status() == StatusCode::TOO_MANY_REQUESTS
    {
        return problem.clone().into_response();
    }
    let mut response = see_other(address);
    if let Ok(Some(cookie)) = signed {
        api::save_sessions(app).await;
        api::put_cookie(&mut response, &auth::set_cookie(&cookie, asked.https));
    }
    response
}

fn see_other(address: String) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response();
    response.headers_mut().insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
    response
}

/// The value of `key` in a query and the query without it.
fn take_key(query: &str) -> Option<(String, String)> {
    let (keys, rest): (Vec<_>, Vec<_>) = query.split('&').partition(|pair| pair.starts_with("key="));
    let key = keys.first()?.strip_prefix("key=")?;
    Some((key.to_owned(), rest.join("&")))
}

/// Whether a path has only characters that names of built files have, and goes nowhere but down.
fn is_plain(path: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    path.bytes().all(good) && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

/// Sends a file, or 304 to whoever has it already.
pub fn send_file(name: &str, file: File, caching: &'static str, asked_with: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", file.tag);
    let known = asked_with.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let fresh = known.is_some_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let kind = match kind.type_().as_str() {
        "text" => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    };
    let caching = [(header::CACHE_CONTROL, caching.to_owned()), (header::ETAG, tag)];
    if fresh {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, kind)], Body::from(file.bytes.into_owned())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_leave_the_query() {
        let check = |query: &str, expected: Option<(&str, &str)>| {
            let found = take_key(query);
            assert_eq!(found.as_ref().map(|(key, rest)| (key.as_str(), rest.as_str())), expected, "{query}");
        };
        check("", None);
        check("room=a", None);
        check("monkey=a", None);
        check("key=a", Some(("a", "")));
        check("room=a&key=b&as=watch", Some(("b", "room=a&as=watch")));
    }

    #[test]
    fn plain_paths() {
        for good in ["icon.svg", "assets/index-Ab_1.js"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "..", "a/../b", ".env", "a//b", "a/", "a%2fb", "a\\b"] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
