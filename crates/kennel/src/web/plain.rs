//! The few pages that Kennel writes itself, for when its own pages cannot or should not be shown.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// Where the style of these pages is.
pub const STYLE_PATH: &str = "/kennel/plain.css";

const STYLE: &str = include_str!("plain.css");

/// 404 in words.
pub fn not_found() -> Response {
    let text = "<p>There is no page at this address. Perhaps the link was cut off on its way.</p>\
                <p><a href=\"/\">Go to the first page</a></p>";
    page(StatusCode::NOT_FOUND, "This page does not exist", text)
}

/// 503: the program was built without its pages.
pub fn not_built() -> Response {
    let text = "<p>Kennel is running, but it was built without its pages. To build them, type this where you cloned Kennel, \
                and build it again:</p><pre>make web</pre>";
    page(StatusCode::SERVICE_UNAVAILABLE, "The pages are missing", text)
}

/// 403: a page asked for in plain text over the internet. `secure` is the origin to use instead.
pub fn insecure(secure: Option<String>) -> Response {
    // The origin is made of a checked host and a port, so it holds no character of HTML.
    let way = match secure {
        Some(origin) => format!("<p><a href=\"{origin}/\">Use the secure address</a></p>"),
        None => "<p>Whoever runs this Kennel can switch on its secure address with <code>--https</code>.</p>".to_owned(),
    };
    let text = format!(
        "<p>You reach this Kennel through the internet, and this address is not encrypted. Your link would be readable on its \
         way, so Kennel does not let anybody in here.</p>{way}"
    );
    page(StatusCode::FORBIDDEN, "This address is not safe", &text)
}

/// The style of these pages.
pub async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (kind, STYLE).into_response()
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"{STYLE_PATH}\">\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{text}\n</main>\n</body>\n</html>\n"
    );
    let mut response = (status, Html(html)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
