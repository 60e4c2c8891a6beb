//! A client of HTTP/1.1 in a few lines: one request, one connection.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its status line and headers.
    pub head: String,
    /// Its body, as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// What a header of it says; empty without.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks by plain HTTP.
pub async fn get(address: SocketAddr, path: &str) -> Answer {
    say(address, &format!("GET {path} HTTP/1.1\r\n"), "").await
}

/// Asks by plain HTTP, with this first line and these headers, each with its line's end, and this body.
pub async fn say(address: SocketAddr, head: &str, body: &str) -> Answer {
    let stream = TcpStream::connect(address).await.expect("a connection");
    ask(stream, &address.to_string(), head, body).await
}

/// Asks by HTTPS as `name`, trusting `authority` (DER) only. The error is TLS's.
pub async fn get_tls(address: SocketAddr, name: &str, authority: &[u8], path: &str) -> std::io::Result<Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.to_vec().into()).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.expect("a connection");
    let server = ServerName::try_from(name.to_owned()).expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(server, stream).await?;
    let head = format!("GET {path} HTTP/1.1\r\n");
    Ok(ask(stream, &format!("{name}:{}", address.port()), &head, "").await)
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, host: &str, head: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!("{head}host: {host}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    // Servers end TLS connections without ceremony when they were asked to close.
    let _ = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}
