//! How a request came: by which address, host name and scheme.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, Uri, header};

use crate::config::NetRange;

/// How a request came. The guard puts it into the request's extensions.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asks; behind a trusted proxy, whom the proxy names.
    pub peer: IpAddr,
    /// Whether it came by HTTPS, to us or to a trusted proxy.
    pub https: bool,
    /// Whether a trusted proxy passed it on.
    pub proxied: bool,
    /// The host asked for.
    pub host: Host,
}

/// A host name or address with an optional port, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Without brackets.
    pub name: String,
    /// Only if it was given and is not the scheme's own.
    pub port: Option<u16>,
}

impl Asked {
    /// Reads it from a request; `None` when there is no single readable host.
    pub fn read(request: &Request, peer: IpAddr, tls: bool, proxies: &[NetRange]) -> Option<Self> {
        let proxied = proxies.iter().any(|range| range.contains(peer));
        let headers = request.headers();
        let https = match proxied.then(|| last(headers, "x-forwarded-proto")).flatten() {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => tls,
        };
        let peer = if proxied { forwarded_for(headers, proxies).unwrap_or(peer) } else { peer };
        let host = Host::read(request.uri(), headers, https)?;
        Some(Self { peer: peer.to_canonical(), https, proxied, host })
    }

    /// The origin that a page of ours at this address has.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.host)
    }

    /// Whether browsers give this address a camera: HTTPS or this very computer.
    pub fn is_secure(&self) -> bool {
        self.https || self.host.is_local()
    }
}

impl Host {
    /// Reads `NAME[:PORT]`. An absolute request target wins over the header (RFC 9112 3.2.2); two headers are no header.
    fn read(uri: &Uri, headers: &HeaderMap, https: bool) -> Option<Self> {
        if let Some(authority) = uri.authority() {
            return Self::parse(authority.as_str(), https);
        }
        let mut values = headers.get_all(header::HOST).iter();
        let value = values.next()?.to_str().ok()?;
        if values.next().is_some() {
            return None;
        }
        Self::parse(value, https)
    }

    /// Parses `NAME[:PORT]`, with an IPv6 address in brackets.
    pub fn parse(text: &str, https: bool) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port {
            "" => None,
            port => Some(port.strip_prefix(':')?.parse().ok()?),
        };
        let own = if https { 443 } else { 80 };
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
        let readable = !name.is_empty() && name.len() <= 253 && name.bytes().all(good);
        let name = name.to_ascii_lowercase();
        readable.then(|| Self { name, port: port.filter(|port| *port != own) })
    }

    /// The address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.name.parse().ok()
    }

    /// Whether it is this very computer, as browsers see it.
    pub fn is_local(&self) -> bool {
        self.name == "localhost" || self.address().is_some_and(|address| address.is_loopback())
    }

    /// The same host at another port of `https`.
    pub fn https_at(&self, port: u16) -> String {
        let port = (port != 443).then_some(port);
        format!("https://{}", Self { name: self.name.clone(), port })
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.name.contains(':') { write!(f, "[{}]", self.name) } else { f.write_str(&self.name) }?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Whether an address belongs to a home or office network rather than to the internet.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(a) => a.is_loopback() || a.is_private() || a.is_link_local() || is_shared(a.octets()),
        IpAddr::V6(a) => a.is_loopback() || a.is_unique_local() || a.is_unicast_link_local(),
    }
}

/// 100.64.0.0/10 (RFC 6598), which private overlay networks use.
fn is_shared(octets: [u8; 4]) -> bool {
    octets[0] == 100 && octets[1] & 0xc0 == 64
}

/// The last value of a header that a proxy appends to: what stands before may be the client's invention.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim)
}

/// The last address that is not itself a trusted proxy.
fn forwarded_for(headers: &HeaderMap, proxies: &[NetRange]) -> Option<IpAddr> {
    let values = headers.get_all("x-forwarded-for").iter().rev();
    let texts = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.rsplit(','));
    let mut addresses = texts.map_while(|text| text.trim().parse::<IpAddr>().ok());
    addresses.find(|address| !proxies.iter().any(|range| range.contains(*address)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn hosts() {
        let check = |text: &str, https, expected: Option<&str>| {
            let host = Host::parse(text, https).map(|host| host.to_string());
            assert_eq!(host.as_deref(), expected, "{text}");
        };
        check("Kennel.local:8080", false, Some("kennel.local:8080"));
        check("localhost:80", false, Some("localhost"));
        check("localhost:443", false, Some("localhost:443"));
        check("192.168.1.20:443", true, Some("192.168.1.20"));
        check("[FD00::1]:8443", true, Some("[fd00::1]:8443"));
        check("[::1]", true, Some("[::1]"));
        for bad in ["", ":80", "a b", "a:x", "a:99999", "[::1", "[::1]x", "a/b", "a@b", "é", "a'b"] {
            check(bad, true, None);
        }
    }

    fn asked(peer: &str, headers: &[(&str, &str)]) -> Option<Asked> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let proxies = ["10.0.0.0/8".parse().expect("a range")];
        Asked::read(&request, peer.parse().expect("an address"), false, &proxies)
    }

    #[test]
    fn forwarded_headers_count_from_trusted_proxies_only() {
        let headers = [("host", "a"), ("x-forwarded-for", "6.6.6.6, 7.7.7.7, 10.0.0.9"), ("x-forwarded-proto", "http, https")];
        let trusted = asked("10.0.0.1", &headers).expect("read");
        assert_eq!((trusted.peer.to_string().as_str(), trusted.https), ("7.7.7.7", true));
        let foreign = asked("192.0.2.1", &headers).expect("read");
        assert_eq!((foreign.peer.to_string().as_str(), foreign.https), ("192.0.2.1", false));
    }

    #[test]
    fn no_host_or_two_are_not_read() {
        assert!(asked("192.0.2.1", &[]).is_none());
        assert!(asked("192.0.2.1", &[("host", "a"), ("host", "b")]).is_none());
    }

    #[test]
    fn private_addresses() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("192.168.1.1", true),
            ("172.16.0.1", true),
            ("100.64.0.1", true),
            ("169.254.1.1", true),
            ("::ffff:10.0.0.1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("::1", true),
            ("8.8.8.8", false),
            ("100.128.0.1", false),
            ("172.32.0.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
