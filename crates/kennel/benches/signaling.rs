//! What a join costs, and how much memory idle clients need, measured on the real program over real sockets.
//!
//! `make bench-parts` runs it. Figures go to the standard output as a table and one JSON line.

#[allow(missing_docs, reason = "shared with other benches")]
mod program;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use twilio::token::{Mint, mint};

use program::{ACCOUNT, KEY, SECRET, Server};

/// Rooms whose media the clients, which have none, need not negotiate.
const MESH: &[&str] = &["--room-type", "peer-to-peer", "--rooms-max", "2000"];

/// Joins offered a second, open loop: a slow answer does not slow the next one down.
const JOINS_PER_S: u32 = 200;

/// How long joins are offered.
const JOIN_SECONDS: u32 = 10;

/// People in one room of the join run; each stays until its room is full.
const ROOM_SIZE: u32 = 10;

/// Clients of the memory run, two in a room.
const IDLE_CLIENTS: u32 = 1000;

type Socket = WebSocketStream<TcpStream>;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let report = runtime.block_on(measure());
    print_table(&report);
    println!("{report}");
}

/// A server for each run, so that one does not pay for the memory of the other.
async fn measure() -> Value {
    let server = Server::start(MESH);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle_kb = server.resident_kb();
    let idle = measure_idle(&server).await;
    drop(server);
    let server = Server::start(MESH);
    let joins = measure_joins(&server).await;
    json!({ "bench": "signaling", "idle_rss_kb": idle_kb, "joins": joins, "after_joins_rss_kb": server.resident_kb(), "idle_clients": idle })
}

async fn measure_joins(server: &Server) -> Value {
    let (cpu_before, start) = (server.cpu(), Instant::now());
    let mut tasks = Vec::new();
    for n in 0..JOINS_PER_S * JOIN_SECONDS {
        tokio::time::sleep_until((start + Duration::from_secs(1) / JOINS_PER_S * n).into()).await;
        let http = server.http;
        tasks.push(tokio::spawn(async move { join(http, n, &format!("room {}", n / ROOM_SIZE)).await }));
    }
    let mut took = Vec::new();
    let mut sockets = Vec::new();
    for task in tasks {
        let (socket, time) = task.await.expect("a join");
        took.push(time);
        sockets.push(socket);
    }
    let (wall, cpu) = (start.elapsed(), server.cpu() - cpu_before);
    for mut socket in sockets {
        say(&mut socket, &json!({ "type": "msg", "body": { "type": "disconnect", "version": 2 } })).await;
        hear(&mut socket, "disconnected").await;
    }
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    json!({
        "per_s": f64::from(JOINS_PER_S * JOIN_SECONDS) / wall.as_secs_f64(), "count": took.len(), "p50_ms": at(0.5), "p99_ms": at(0.99),
        "max_ms": at(1.0), "server_cpu_ms_per_join": cpu.as_secs_f64() * 1000.0 / took.len() as f64,
        "server_cores": cpu.as_secs_f64() / wall.as_secs_f64(),
    })
}

async fn measure_idle(server: &Server) -> Value {
    let mut sockets = Vec::new();
    for n in 0..IDLE_CLIENTS {
        sockets.push(join(server.http, n, &format!("idle {}", n / 2)).await.0);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    json!({ "count": sockets.len(), "rss_kb": server.resident_kb() })
}

/// From opening the connection to being in the room.
async fn join(http: SocketAddr, n: u32, room: &str) -> (Socket, Duration) {
    let start = Instant::now();
    let identity = format!("p{n}");
    let token = mint(
        &Mint { account_sid: ACCOUNT, key_sid: KEY, identity: &identity, room: Some(room), lifetime_s: 3600, link_key: None },
        SECRET,
        unix_s(),
    );
    let mut socket = open(http, n).await;
    let hello = json!({ "type": "hello", "version": 2, "id": identity, "timeout": 30_000, "body": { "type": "ice", "version": 1, "edge": "roaming", "token": token } });
    say(&mut socket, &hello).await;
    hear(&mut socket, "iced").await;
    say(&mut socket, &json!({ "type": "msg", "body": connect(&identity, &token) })).await;
    hear(&mut socket, "connected").await;
    (socket, start.elapsed())
}

fn connect(identity: &str, token: &str) -> Value {
    let sdp = format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n{}", "a=rtpmap:96 VP8/90000\r\n".repeat(200));
    let track = |kind: &str| json!({ "id": format!("{identity}-{kind}"), "kind": kind, "name": kind, "enabled": true, "priority": "standard" });
    json!({
        "type": "connect", "version": 2, "name": null, "token": token, "ice_servers": "acquire", "format": "unified",
        "participant": { "revision": 4, "tracks": [track("audio"), track("video"), track("data")] },
        "peer_connections": [{ "id": format!("pc-{identity}"), "description": { "type": "offer", "revision": 1, "sdp": sdp } }],
        "media_signaling": {}, "subscribe": { "revision": 1, "rules": [{ "type": "include", "all": true }] },
    })
}

/// A socket from one of many loopback addresses, since one address may hold only so many.
async fn open(http: SocketAddr, n: u32) -> Socket {
    let from = Ipv4Addr::new(127, 0, 1 + u8::try_from(n / 50 % 100).unwrap_or(0), 1);
    let tcp = TcpSocket::new_v4().expect("a socket");
    tcp.bind(SocketAddr::from((from, 0))).expect("a loopback address");
    let stream = tcp.connect(http).await.expect("the server listens");
    stream.set_nodelay(true).expect("an option of TCP");
    client_async(format!("ws://{http}/signaling"), stream).await.expect("a WebSocket").0
}

async fn say(socket: &mut Socket, value: &Value) {
    socket.send(Message::text(value.to_string())).await.expect("an open socket");
}

/// Waits for a message of this type; refusals end the bench.
async fn hear(socket: &mut Socket, kind: &str) {
    loop {
        let message = socket.next().await.expect("an open socket").expect("a frame");
        let Message::Text(text) = message else { panic!("{message:?} instead of {kind}") };
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let body = &value["body"]["type"];
        assert_ne!(body, "error", "{text}");
        if body == kind {
            return;
        }
    }
}

fn print_table(report: &Value) {
    let number = |path: &str| report.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
    println!("| figure | bar | measured |\n|---|---|---|");
    println!("| memory, idle | 20 MB | {:.1} MB |", number("/idle_rss_kb") / 1024.0);
    println!("| joins a second | 200 | {:.0} |", number("/joins/per_s"));
    println!("| join, p50 | - | {:.1} ms |", number("/joins/p50_ms"));
    println!("| join, p99 | 50 ms | {:.1} ms |", number("/joins/p99_ms"));
    println!("| server cores at that rate | 1 | {:.2} |", number("/joins/server_cores"));
    println!("| CPU a join | - | {:.2} ms |", number("/joins/server_cpu_ms_per_join"));
    println!("| memory, {IDLE_CLIENTS} idle clients | 60 MB | {:.1} MB |", number("/idle_clients/rss_kb") / 1024.0);
}

fn unix_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}
