//! What a hostile or broken client can take: time, size, places (checks T1, T2, T4).

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use kennel::web::accept::attend;
use kennel::web::gate::Caps;
use kennel::web::stream::{Patience, Timed};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::live::listen;
use crate::stage::{NEIGHBOUR, Stage, check_refusal, get, post};

const SECOND: Duration = Duration::from_secs(1);

/// The client's end of a connection that `router` serves.
fn connect(stage: &Stage, router: Router) -> DuplexStream {
    let (client, server) = duplex(4096);
    let peer: SocketAddr = NEIGHBOUR.parse().expect("an address");
    let (connection, cut) = stage.doorman.admit(peer, false).expect("room");
    let stream = Timed::new(server, connection.clone(), Patience::default(), cut);
    tokio::spawn(attend(stream, connection, router, stage.shutdown.clone()));
    client
}

/// Sends `bytes` one a second while listening, and returns what came until the end, and when that was.
async fn drip(client: DuplexStream, bytes: Vec<u8>) -> (String, Duration) {
    let began = Instant::now();
    let (mut reading, mut writing) = tokio::io::split(client);
    let sender = tokio::spawn(async move {
        for byte in bytes {
            if writing.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(SECOND).await;
        }
        // Keeps the connection open from this side.
        std::future::pending::<()>().await;
    });
    let mut heard = Vec::new();
    let _ = reading.read_to_end(&mut heard).await;
    sender.abort();
    (String::from_utf8_lossy(&heard).into_owned(), began.elapsed())
}

fn about(time: Duration, seconds: u64) -> bool {
    time >= SECOND * u32::try_from(seconds).expect("small") && time < Duration::from_millis(seconds * 1000 + 1500)
}

#[tokio::test(start_paused = true)]
async fn t2_a_head_that_drips_is_given_up_after_ten_seconds() {
    let stage = Stage::new();
    let request = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n".repeat(2);
    let (heard, time) = drip(connect(&stage, stage.router.clone()), request).await;
    assert!(about(time, 10), "{time:?}");
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn t1_silence_is_given_up_after_ten_seconds() {
    let stage = Stage::new();
    let (heard, time) = drip(connect(&stage, stage.router.clone()), Vec::new()).await;
    assert!(about(time, 10), "{time:?}");
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn t2_a_body_that_drips_is_given_up_after_thirty_seconds() {
    let stage = Stage::new();
    let mut client = connect(&stage, stage.router.clone());
    let head = "POST /kennel/v1/session HTTP/1.1\r\nhost: 192.168.1.20\r\ncontent-length: 1000\r\n\r\n";
    client.write_all(head.as_bytes()).await.expect("sent");
    let (heard, time) = drip(client, vec![b' '; 100]).await;
    assert!(about(time, 30), "{time:?}");
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_75_seconds() {
    let stage = Stage::new();
    let mut client = connect(&stage, stage.router.clone());
    let request = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut buffer = [0; 4096];
    for pause in [0, 60, 70] {
        sleep(SECOND * pause).await;
        client.write_all(request).await.expect("still open");
        let count = client.read(&mut buffer).await.expect("answered");
        assert!(buffer[..count].starts_with(b"HTTP/1.1 200"), "after {pause} s");
    }
    let began = Instant::now();
    assert_eq!(client.read(&mut buffer).await.expect("an end"), 0);
    assert!(about(began.elapsed(), 75), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_given_up_after_thirty_seconds() {
    let stage = Stage::new();
    let large = Router::new().route("/", axum::routing::get(|| async { "x".repeat(1 << 20) }));
    let mut client = connect(&stage, large);
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    let began = Instant::now();
    while stage.app.metrics.connections_open.get() > 0 {
        sleep(SECOND).await;
    }
    assert!(about(began.elapsed(), 30), "{:?}", began.elapsed());
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.expect("an end");
    assert!(rest.len() < 1 << 20, "cut off");
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_is_served() {
    let stage = Stage::new();
    let large = Router::new().route("/", axum::routing::get(|| async { "x".repeat(100_000) }));
    let mut client = connect(&stage, large);
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("sent");
    let (mut buffer, mut total) = ([0; 1000], 0);
    loop {
        sleep(SECOND * 2).await;
        match client.read(&mut buffer).await.expect("open") {
            0 => break,
            count => total += count,
        }
    }
    assert!(total > 100_000, "{total}: over three minutes, byte by byte");
}

#[tokio::test]
async fn heads_have_a_size() {
    let stage = Stage::new();
    let send = async |request: String| {
        let mut client = connect(&stage, stage.router.clone());
        // The server may answer and close before it has read everything.
        let _ = client.write_all(request.as_bytes()).await;
        let mut buffer = [0; 64];
        let count = timeout(SECOND * 5, client.read(&mut buffer)).await.expect("in time").expect("an answer");
        String::from_utf8_lossy(&buffer[..count]).split(' ').nth(1).expect("a status").to_owned()
    };
    let headers = |count: usize| (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    assert_eq!(send(format!("GET /healthz HTTP/1.1\r\nhost: a\r\n{}\r\n", headers(60))).await, "200");
    assert_eq!(send(format!("GET /healthz HTTP/1.1\r\nhost: a\r\n{}\r\n", headers(70))).await, "431");
    assert_eq!(send(format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(17_000))).await, "431");
    assert_eq!(send(format!("GET /healthz?{} HTTP/1.1\r\nhost: a\r\n\r\n", "y".repeat(9_000))).await, "414");
    assert_eq!(send("nonsense\r\n\r\n".to_owned()).await, "400");
}

#[tokio::test]
async fn bodies_have_a_size_and_no_compression() {
    let stage = Stage::new();
    let qr = post("/kennel/v1/qr", json!({})).bearer(&stage.owner_key());
    let large = stage.ask(qr.clone().body(&vec![b' '; 64 * 1024 + 1])).await;
    check_refusal(&large, StatusCode::PAYLOAD_TOO_LARGE, "too_large");
    assert_eq!(stage.ask(qr.header("content-encoding", "gzip")).await.status, 415);
    assert_eq!(stage.ask(get("/v1/Rooms").header("content-encoding", "gzip")).await.status, 415);
}

#[tokio::test]
async fn t5_deep_json_costs_nothing() {
    let stage = Stage::new();
    let began = std::time::Instant::now();
    for body in
        ["[".repeat(64 * 1024), "{\"key\":".repeat(9_000), "\"\\ud800\"".to_owned(), "{\"key\":\"a\",\"key\":\"b\"}".to_owned()]
    {
        let answer = stage.ask(post("/kennel/v1/session", json!(null)).body(body.as_bytes())).await;
        check_refusal(&answer, StatusCode::BAD_REQUEST, "malformed");
    }
    assert!(began.elapsed() < SECOND * 20, "far more than a busy machine needs, far less than reading in depth would");
}

/// A client whose address is `127.0.0.N`.
async fn from(n: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, n)), 0).into()).expect("bound");
    socket.connect(to).await.expect("connected")
}

async fn healthy(mut client: TcpStream) -> String {
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("sent");
    let mut text = String::new();
    // A refused client may find its connection reset.
    let _ = timeout(SECOND * 5, client.read_to_string(&mut text)).await.expect("in time");
    text
}

#[tokio::test]
async fn t1_one_address_cannot_take_all_places() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let mut silent = Vec::new();
    for _ in 0..128 {
        silent.push(from(2, at).await);
    }
    let refused = healthy(from(2, at).await).await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 5"), "{refused}");
    assert!(healthy(from(3, at).await).await.starts_with("HTTP/1.1 200 "), "without waiting for the silent ones' 10 s");
}

#[tokio::test]
async fn t4_a_newcomer_gets_in_however_many_strangers_wait() {
    let caps = Caps { all: 4096, per_peer: 256, strangers_per_peer: 128, strangers: 40 };
    let stage = Stage::limited(caps, Patience::default());
    let at = listen(&stage).await;
    let mut silent = Vec::new();
    for n in 0..40 {
        silent.push(from(10 + n % 4, at).await);
    }
    assert!(healthy(from(20, at).await).await.starts_with("HTTP/1.1 200 "));
    let ended =
        |client: &TcpStream| !matches!(client.try_read(&mut [0; 1]), Err(problem) if problem.kind() == ErrorKind::WouldBlock);
    let one_ended = async {
        while silent.iter().filter(|client| ended(client)).count() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SECOND * 5, one_ended).await.expect("one of those who wait makes room");
}

#[tokio::test]
async fn a_credential_makes_a_stranger_known() {
    let caps = Caps { all: 99, per_peer: 99, strangers_per_peer: 1, strangers: 99 };
    let stage = Stage::limited(caps, Patience::default());
    let at = listen(&stage).await;
    let mut first = from(2, at).await;
    let ask = format!("GET /kennel/v1/session HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {}\r\n\r\n", stage.owner_key());
    first.write_all(ask.as_bytes()).await.expect("sent");
    let mut buffer = [0; 32];
    first.read_exact(&mut buffer).await.expect("an answer");
    assert!(buffer.starts_with(b"HTTP/1.1 200"));
    assert!(healthy(from(2, at).await).await.starts_with("HTTP/1.1 200 "));
    let _stranger = from(2, at).await;
    assert!(healthy(from(2, at).await).await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn on_an_open_server_who_shows_nothing_stays_a_stranger() {
    let stage = Stage::open(Caps { all: 99, per_peer: 99, strangers_per_peer: 1, strangers: 99 });
    let at = listen(&stage).await;
    let mut first = from(2, at).await;
    first.write_all(format!("GET /kennel/v1/session HTTP/1.1\r\nhost: {at}\r\n\r\n").as_bytes()).await.expect("sent");
    let mut buffer = [0; 32];
    first.read_exact(&mut buffer).await.expect("an answer");
    assert!(buffer.starts_with(b"HTTP/1.1 200"));
    assert!(healthy(from(2, at).await).await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn at_the_end_open_requests_finish_and_idle_connections_go() {
    let stage = Stage::new();
    let (started, release) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (tell, wait) = (started.clone(), release.clone());
    let slow = Router::new().route(
        "/",
        axum::routing::get(|| async move {
            tell.notify_one();
            wait.notified().await;
            "done"
        }),
    );
    let (stopper, shutdown) = kennel::shutdown::channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let server = tokio::spawn(kennel::web::serve(listener, None, slow, stage.doorman.clone(), shutdown));
    let mut busy = TcpStream::connect(at).await.expect("connected");
    busy.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    started.notified().await;
    stopper.stop();
    release.notify_one();
    let mut text = String::new();
    busy.read_to_string(&mut text).await.expect("whole");
    assert!(text.ends_with("done"), "{text}");
    timeout(SECOND * 4, server).await.expect("before the farewell ends").expect("no panic").expect("no error");
}

async fn panics() {
    panic!("on purpose");
}

#[tokio::test]
async fn a_panic_ends_one_request_and_is_counted() {
    let stage = Stage::new();
    let router = stage.router.clone().route("/panic", axum::routing::get(panics));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(kennel::web::serve(listener, None, router, stage.doorman.clone(), stage.shutdown.clone()));
    let mut unlucky = TcpStream::connect(at).await.expect("connected");
    unlucky.write_all(b"GET /panic HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    let _ = unlucky.read_to_end(&mut Vec::new()).await;
    assert!(healthy(TcpStream::connect(at).await.expect("connected")).await.starts_with("HTTP/1.1 200 "));
    let counted = async {
        while stage.app.metrics.panics.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SECOND * 5, counted).await.expect("counted");
}
