//! The two zones. In the vendors' zone a request brings its own authority, cookies are never read and every origin may ask. In our
//! own zone the cookie counts, so there the host and the origin must be ours.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::accept::Connection;
use super::asked::{Asked, Host, is_private};
use super::problem::Problem;
use super::{App, Site, plain};
use crate::auth;

/// The longest request target, in bytes.
const TARGET_MAX_BYTES: usize = 8 * 1024;

/// Which rules a path is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The vendors' REST, sockets and files; files of recordings, whose addresses are their own authority.
    Vendor,
    /// Pages, Kennel's own API, token endpoints.
    Own,
    /// `/healthz` and `/readyz`: one word for anybody who asks.
    Health,
}

impl Zone {
    /// The zone of a request.
    fn of_request(request: &Request) -> Self {
        if is_relay(request) { Self::Vendor } else { Self::of(request.uri().path()) }
    }

    /// The zone of a request's path.
    pub fn of(path: &str) -> Self {
        let vendor = ["/v1/", "/sdk/", "/kennel/media/"].iter().any(|start| path.starts_with(start));
        match path {
            "/healthz" | "/readyz" => Self::Health,
            _ if vendor || path == "/signaling" || is_space(path) => Self::Vendor,
            _ => Self::Own,
        }
    }
}

/// Whether this is a path of the second vendor's REST: apps put their space's name before it, some with a slash at its end.
pub fn is_space(path: &str) -> bool {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    parts.next() == Some("api") && parts.next() == Some("video")
}

/// Whether this is the second vendor's client, which connects to any path that its app names.
pub fn is_relay(request: &Request) -> bool {
    let taken = ["/kennel/", "/v1/", "/sdk/", "/api/"].iter().any(|start| request.uri().path().starts_with(start));
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    let socket = upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"));
    socket && !taken && request.uri().path() != "/signaling"
}

/// Holds the rules of the zones over every request. Needs the [`Connection`] in the request's extensions and puts [`Asked`] there.
pub async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > TARGET_MAX_BYTES) {
        return (StatusCode::URI_TOO_LONG, "This address is too long.\n").into_response();
    }
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Compressed bodies are not taken.\n").into_response();
    }
    match Zone::of_request(&request) {
        Zone::Vendor => vendor(&app, request, next).await,
        Zone::Own => own(&app, request, next).await,
        Zone::Health => {
            let mut response = next.run(request).await;
            set(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
            set(&mut response, CORP, "cross-origin");
            set(&mut response, header::CACHE_CONTROL, "no-store");
            response
        }
    }
}

/// The `WWW-Authenticate` of a 401 in the vendors' zone: only for clients that are no browsers. A browser that has answered a Basic
/// challenge once sends the password along with requests that another site's page makes.
pub fn challenge(headers: &HeaderMap) -> Option<HeaderValue> {
    let from_browser = |name: &HeaderName| name == header::ORIGIN || name.as_str().starts_with("sec-fetch-");
    let browser = headers.keys().any(from_browser);
    (!browser).then(|| HeaderValue::from_static("Basic realm=\"Kennel\", charset=\"UTF-8\""))
}

async fn vendor(app: &App, mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(header::COOKIE);
    let mut response = if request.method() == Method::OPTIONS {
        preflight()
    } else if let Some(asked) = read_asked(app, &request) {
        request.extensions_mut().insert(asked);
        next.run(request).await
    } else {
        unreadable_host()
    };
    set(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(
        &mut response,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "Accept-Ranges, Content-Length, Content-Range, ETag, Location, Retry-After, X-Kennel-SDK",
    );
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, CORP, "cross-origin");
    response
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    set(&mut response, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE");
    // By name: a `*` would not cover Authorization.
    let headers = "Authorization, Content-Type, Accept, X-Twilio-Client";
    set(&mut response, header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
    set(&mut response, header::ACCESS_CONTROL_MAX_AGE, "600");
    response
}

async fn own(app: &App, mut request: Request, next: Next) -> Response {
    let Some(asked) = read_asked(app, &request) else { return unreadable_host() };
    let mut response = match refusal(app, &request, &asked) {
        Some(refusal) => refusal,
        None => {
            request.extensions_mut().insert(asked.clone());
            next.run(request).await
        }
    };
    protect(&mut response, &app.site, &asked);
    response
}

fn read_asked(app: &App, request: &Request) -> Option<Asked> {
    let connection = request.extensions().get::<Connection>()?;
    Asked::read(request, connection.peer.ip(), connection.tls, &app.site.trusted_proxies)
}

fn unreadable_host() -> Response {
    (StatusCode::BAD_REQUEST, "The request names no host, or more than one.\n").into_response()
}

/// What our own zone refuses before anything is looked at.
fn refusal(app: &App, request: &Request, asked: &Asked) -> Option<Response> {
    if !is_ours(&app.site, &asked.host) {
        return Some(misdirected(&asked.host));
    }
    if request.method() == Method::OPTIONS {
        return Some(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    if changes(request) && !has_own_origin(request.headers(), asked) {
        let message = "This call must come from one of Kennel's own pages.";
        return Some(Problem::new(StatusCode::FORBIDDEN, "origin_refused", message).into_response());
    }
    is_bare(app, request.uri().path(), asked).then(|| insecure(request.uri().path(), asked, &app.site))
}

/// Names that could be anybody's are refused, so that no foreign page can point its own name at us (DNS rebinding).
fn is_ours(site: &Site, host: &Host) -> bool {
    host.address().is_some() || host.is_local() || site.host_names.contains(&host.name)
}

fn misdirected(host: &Host) -> Response {
    let text = format!(
        "Kennel does not answer to the name {}. Use its address, or start it with --host-name {}.\n",
        host.name, host.name
    );
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

fn changes(request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    !reads || request.headers().contains_key(header::UPGRADE)
}

/// A script brings its key in a header that no foreign page can set; all else must come from a page of ours. Without any cookie there
/// is nothing to steal, so a script may come without an origin.
fn has_own_origin(headers: &HeaderMap, asked: &Asked) -> bool {
    // Only this scheme: a browser adds a Basic password that it remembers to requests of any page.
    if auth::bearer(headers).is_some() {
        return true;
    }
    let site = headers.get("sec-fetch-site");
    let same_site = site.is_none_or(|site| site == "same-origin");
    let origin = match headers.get(header::ORIGIN) {
        Some(origin) => origin.as_bytes().eq_ignore_ascii_case(asked.origin().as_bytes()),
        None => site.is_none() && !headers.contains_key(header::COOKIE),
    };
    same_site && origin
}

/// Whether a key sent to this address could be read on its way through the internet.
fn is_bare(app: &App, path: &str, asked: &Asked) -> bool {
    let risky = !asked.https && !asked.proxied && !is_private(asked.peer);
    risky && !app.site.open && !path.starts_with("/kennel/ca.")
}

fn insecure(path: &str, asked: &Asked, site: &Site) -> Response {
    let api = ["/kennel/", "/api/", "/login", "/metrics"].iter().any(|start| path.starts_with(start));
    if api {
        let message = "This address is not encrypted, and you are not in Kennel's own network. Use its https address.";
        return Problem::new(StatusCode::FORBIDDEN, "insecure_address", message).into_response();
    }
    plain::insecure(site.https_port.map(|port| asked.host.https_at(port)))
}

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

fn protect(response: &mut Response, site: &Site, asked: &Asked) {
    let text = response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if text.starts_with(b"text/html") || text.starts_with(b"image/svg") {
        let policy = content_policy(site, asked);
        set(response, header::CONTENT_SECURITY_POLICY, &policy);
    }
    set(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(response, COOP, "same-origin");
    set(response, CORP, "same-origin");
    let permissions = "camera=(self), microphone=(self), display-capture=(self), screen-wake-lock=(self), geolocation=()";
    set(response, PERMISSIONS, permissions);
    set_default(response, header::REFERRER_POLICY, "same-origin");
    set_default(response, header::CACHE_CONTROL, "no-store");
    if site.public_certificate && asked.https {
        set(response, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

/// What a page may load and reach. The own socket address is spelled out, because old Safari does not take `'self'` for it. The door
/// page asks the https address whether it is trusted yet.
fn content_policy(site: &Site, asked: &Asked) -> String {
    let socket = format!("{}://{}", if asked.https { "wss" } else { "ws" }, asked.host);
    let door = match site.https_port {
        Some(port) if !asked.https => format!(" {}", asked.host.https_at(port)),
        _ => String::new(),
    };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
         connect-src 'self' {socket}{door}; worker-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    )
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    // Hosts are checked character by character, so every value here is one.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn set_default(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones() {
        let check = |path, zone| assert_eq!(Zone::of(path), zone, "{path}");
        check("/v1/Rooms", Zone::Vendor);
        check("/v1/VideoEvents", Zone::Vendor);
        check("/signaling", Zone::Vendor);
        check("/sdk/kennel-websocket-shim.js", Zone::Vendor);
        for path in ["/api/video/rooms", "//api/video/rooms", "/api//video//rooms", "/api/video"] {
            check(path, Zone::Vendor);
        }
        check("/api/videos", Zone::Own);
        check("/x/api/video/rooms", Zone::Own);
        check("/api/token", Zone::Own);
        check("/login", Zone::Own);
        check("/kennel/v1/keys", Zone::Own);
        check("/", Zone::Own);
        check("/v1", Zone::Own);
        check("/signaling/x", Zone::Own);
        check("/healthz", Zone::Health);
    }

    #[test]
    fn the_relay_is_at_every_path_that_nobody_else_has() {
        let check = |path: &str, upgrade: Option<&'static str>, relay: bool| {
            let mut request = Request::builder().uri(path).body(axum::body::Body::empty()).expect("a request");
            upgrade.map(|upgrade| request.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(upgrade)));
            assert_eq!(is_relay(&request), relay, "{path}");
        };
        check("/", Some("websocket"), true);
        check("/any/path", Some("WebSocket"), true);
        check("/", None, false);
        check("/", Some("h2c"), false);
        check("/signaling", Some("websocket"), false);
        check("/v1/VideoEvents", Some("websocket"), false);
        check("/kennel/v1/live", Some("websocket"), false);
    }

    #[test]
    fn browsers_get_no_basic_challenge() {
        let headers = |name: Option<&'static str>| {
            let pairs = name.map(|name| (HeaderName::from_static(name), HeaderValue::from_static("x")));
            HeaderMap::from_iter(pairs)
        };
        assert!(challenge(&headers(None)).is_some());
        assert!(challenge(&headers(Some("user-agent"))).is_some());
        for name in ["origin", "sec-fetch-site", "sec-fetch-mode"] {
            assert!(challenge(&headers(Some(name))).is_none(), "{name}");
        }
    }
}
