//! Connections by TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kennel::web;
use kennel::web::gate::Caps;
use kennel::web::stream::Patience;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::stage::Stage;

/// Opens the stage's server by TLS on a free port, and returns what a client needs.
async fn listen(stage: &Stage) -> (SocketAddr, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let certificate = made.cert.der().clone();
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key).expect("a match");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let mut client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let config = Some(Arc::new(config));
    tokio::spawn(web::serve(listener, config, stage.router.clone(), stage.doorman.clone(), stage.shutdown.clone()));
    (at, TlsConnector::from(Arc::new(client)))
}

#[tokio::test]
async fn requests_by_tls_are_secure_and_http_1_1() {
    let stage = Stage::new();
    let (at, connector) = listen(&stage).await;
    let socket = TcpStream::connect(at).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut client = connector.connect(name, socket).await.expect("a handshake");
    assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let ask = b"GET /kennel/v1/server HTTP/1.1\r\nhost: 192.168.1.20:8443\r\nconnection: close\r\n\r\n";
    client.write_all(ask).await.expect("sent");
    let mut text = String::new();
    // Whether the last TLS alert arrives is of no matter.
    let _ = client.read_to_string(&mut text).await;
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("\"secure\":true"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn t2_a_handshake_that_does_not_come_is_given_up_after_ten_seconds() {
    let stage = Stage::new();
    let (at, _) = listen(&stage).await;
    let mut silent = TcpStream::connect(at).await.expect("connected");
    let began = Instant::now();
    let end = silent.read(&mut [0; 1]).await;
    assert!(matches!(end, Ok(0) | Err(_)), "closed");
    assert!(began.elapsed() >= Duration::from_secs(10) && began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_makes_room_goes_at_once_even_before_its_handshake() {
    let caps = Caps { strangers: 2, ..Caps::default() };
    let stage = Stage::limited(caps, Patience::default());
    let (at, _) = listen(&stage).await;
    let mut victim = TcpStream::connect(at).await.expect("connected");
    let _greedy = TcpStream::connect(at).await.expect("connected");
    let began = Instant::now();
    while stage.app.metrics.connections_open.get() < 2 {
        tokio::task::yield_now().await;
    }
    let another = "127.0.0.2:40000".parse().expect("an address");
    let _place = stage.doorman.admit(another, true).expect("room, by the oldest of two");
    let end = victim.read(&mut [0; 1]).await;
    assert!(matches!(end, Ok(0) | Err(_)), "closed");
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}: not by the handshake's limit", began.elapsed());
}

#[tokio::test]
async fn when_full_it_is_closed_before_the_handshake() {
    let caps = Caps { all: 1, ..Caps::default() };
    let stage = Stage::limited(caps, Patience::default());
    let (at, connector) = listen(&stage).await;
    let _first = TcpStream::connect(at).await.expect("connected");
    let socket = TcpStream::connect(at).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    let handshake = timeout(Duration::from_secs(5), connector.connect(name, socket)).await.expect("at once");
    assert!(handshake.is_err());
    assert_eq!(stage.app.metrics.connections_refused.get(), 1);
}
