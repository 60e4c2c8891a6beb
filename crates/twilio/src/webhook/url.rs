//! The address of a callback, taken apart as far as sending and signing need it (RFC 3986).

use crate::rest::limit::CALLBACK_CHARS_MAX;
use crate::rest::unescape;

/// An `http` or `https` address of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// Whether it is `https`.
    pub secure: bool,
    /// A name, an IPv4 address, or an IPv6 address in brackets; as it was written.
    pub host: &'a str,
    /// Its port: the one that was written, or the scheme's.
    pub port: u16,
    authority: &'a str,
    user: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Url<'a> {
    /// An address with a host and a port that is one, of at most [`CALLBACK_CHARS_MAX`] visible ASCII characters.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let plain = text.len() <= CALLBACK_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
        let (scheme, rest) = text.split_once("://").filter(|_| plain)?;
        let secure = scheme.eq_ignore_ascii_case("https");
        let known = secure || scheme.eq_ignore_ascii_case("http");
        let rest = rest.split('#').next().filter(|_| known)?;
        // An empty query is none: receivers put the URL together without its question mark, and would not find what was signed.
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        let query = query.filter(|query| !query.is_empty());
        let (before, path) = place.split_at_checked(place.find('/').unwrap_or(place.len()))?;
        let (user, authority) = before.rsplit_once('@').map_or((None, before), |(user, at)| (Some(user), at));
        let (host, port) = host_and_port(authority)?;
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        Some(Url { secure, host, port, authority, user, path, query })
    }

    /// As it is sent: without the fragment and the credentials, with a path, and with every character escaped that no URL may have.
    #[must_use]
    pub fn text(&self) -> String {
        let query = self.query.map(|query| format!("?{}", legal(query))).unwrap_or_default();
        let (scheme, path) = (if self.secure { "https" } else { "http" }, if self.path.is_empty() { "/" } else { self.path });
        format!("{scheme}://{}{}{query}", self.authority, legal(path))
    }

    /// The same with this behind the query that it has.
    #[must_use]
    pub fn with_query(&self, more: &str) -> String {
        let between = match self.query {
            None => "?",
            Some(query) if query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{between}{more}", self.text())
    }

    /// User and password, unescaped.
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        let (user, password) = self.user.map(|text| text.split_once(':').unwrap_or((text, "")))?;
        let plain = |text: &str| String::from_utf8_lossy(&unescape(text.as_bytes(), false)).into_owned();
        Some((plain(user), plain(password)))
    }
}

fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = if authority.starts_with('[') { authority.find(']')? + 1 } else { authority.find(':').unwrap_or(authority.len()) };
    let (host, port) = authority.split_at_checked(end)?;
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let good = match host.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')) {
        Some(inside) => inside.parse::<core::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(named),
    };
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok().filter(|port| *port > 0)?),
        Some(_) => return None,
        None if port.is_empty() => None,
        None => return None,
    };
    good.then_some((host, port))
}

/// Escapes what is visible and still may not be in a URL.
fn legal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '[' | ']' => {
                out.push_str(&crate::rest::escape(c.encode_utf8(&mut [0; 4])))
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u16, &str)>) {
        let url = Url::parse(text);
        let sent = url.map(|url| url.text());
        assert_eq!(url.map(|url| (url.host, url.port)).zip(sent.as_deref()).map(|((a, b), c)| (a, b, c)), expected, "{text}");
    }

    #[test]
    fn addresses_are_taken_apart() {
        check("http://a", Some(("a", 80, "http://a/")));
        check("HTTPS://A.example/b?c=d#e", Some(("A.example", 443, "https://A.example/b?c=d")));
        check("https://a?x", Some(("a", 443, "https://a/?x")));
        check("http://u:p@a:8080/%20?a=%2f", Some(("a", 8080, "http://a:8080/%20?a=%2f")));
        check("http://[::1]:81/", Some(("[::1]", 81, "http://[::1]:81/")));
        check("http://a/{x}?y=[1]", Some(("a", 80, "http://a/%7Bx%7D?y=%5B1%5D")));
        check("http://a:80/b?#c", Some(("a", 80, "http://a:80/b")));
        check("http://x@evil@a/", Some(("a", 80, "http://a/")));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "a",
            "/a",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "http://a:",
            "http://a:x",
            "http://a b",
            "http://é",
            "http://[::1",
            "http://[x]",
            "http://[::1]x",
            "javascript:alert(1)",
            "http:///x",
            "http://?x",
            "http://a%2e",
        ] {
            check(text, None);
        }
        check(&format!("http://{}", "a".repeat(CALLBACK_CHARS_MAX)), None);
    }
}
