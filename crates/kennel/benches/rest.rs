//! What REST costs, on the real program over real sockets: rooms created and read, with every write durable before it is answered.
//!
//! `make bench-parts` runs it. Figures go to the standard output as a table and one JSON line.

#[allow(missing_docs, reason = "shared with other benches")]
mod program;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use program::{KEY, SECRET, Server};

/// As many rooms and calls as the bench makes.
const SETTINGS: &[&str] = &["--rooms-max", "1000000", "--rest-writes", "100000", "--rest-reads", "100000", "--workers", "1"];

/// Callers at a time, each on a connection of its own. As many as that keep the server busy all the time, so what they wait is mostly for
/// each other; pages are read by one.
const CALLERS: u32 = 50;

/// Rooms created, each ended again afterwards, so many times over: memory must not grow with what is over.
const ROOMS: u32 = 20_000;
const ROUNDS: usize = 5;

/// Rooms read by their name, and pages read of the list of all that ended.
const READS: u32 = 30_000;
const PAGES: u32 = 2_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let report = runtime.block_on(measure());
    print_table(&report);
    println!("{report}");
}

async fn measure() -> Value {
    let server = Server::start(SETTINGS);
    let idle_kb = server.resident_kb();
    let (mut rounds, mut read) = (Vec::new(), Value::Null);
    for round in 0..ROUNDS {
        let create = |n| ("POST", "/v1/Rooms".to_owned(), format!("UniqueName=room+{n}&Type=go"), 201);
        let created = run(&server, CALLERS, ROOMS, create).await;
        let full_kb = server.resident_kb();
        if round == 0 {
            let find = |n| ("GET", format!("/v1/Rooms/room%20{}", n % ROOMS), String::new(), 200);
            read = run(&server, CALLERS, READS, find).await;
        }
        let end = |n| ("POST", format!("/v1/Rooms/room%20{n}"), "Status=completed".to_owned(), 202);
        let ended = run(&server, CALLERS, ROOMS, end).await;
        rounds.push(json!({ "created": created, "ended": ended, "full_rss_kb": full_kb, "after_rss_kb": server.resident_kb() }));
    }
    let page = |_| ("GET", "/v1/Rooms?Status=completed".to_owned(), String::new(), 200);
    let listed = run(&server, 1, PAGES, page).await;
    json!({ "bench": "rest", "idle_rss_kb": idle_kb, "rounds": rounds, "read": read, "listed": listed })
}

/// A call: method, target, body, and the status that it must be answered with.
type Call = (&'static str, String, String, u16);

/// Makes so many calls as fast as they are answered.
async fn run(server: &Server, callers: u32, count: u32, call: impl Fn(u32) -> Call + Send + Sync + Copy + 'static) -> Value {
    let (cpu, start, next) = (server.cpu(), Instant::now(), Arc::<AtomicU32>::default());
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let (http, next) = (server.http, Arc::clone(&next));
            tokio::spawn(async move {
                let mut caller = Caller::open(http).await;
                let mut took = Vec::new();
                loop {
                    let n = next.fetch_add(1, Relaxed);
                    if n >= count {
                        return took;
                    }
                    let began = Instant::now();
                    caller.make(&call(n)).await;
                    took.push(began.elapsed());
                }
            })
        })
        .collect();
    let mut took = Vec::new();
    for caller in callers {
        took.extend(caller.await.expect("a caller"));
    }
    let (wall, cpu) = (start.elapsed(), server.cpu() - cpu);
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    json!({
        "count": took.len(), "per_s": took.len() as f64 / wall.as_secs_f64(), "p50_ms": at(0.5), "p99_ms": at(0.99),
        "per_core_s": took.len() as f64 / cpu.as_secs_f64(), "cpu_ms": cpu.as_secs_f64() * 1000.0 / took.len() as f64,
    })
}

struct Caller {
    stream: BufReader<TcpStream>,
    authorization: String,
}

impl Caller {
    async fn open(http: std::net::SocketAddr) -> Self {
        let stream = TcpStream::connect(http).await.expect("the server listens");
        stream.set_nodelay(true).expect("an option of TCP");
        let authorization = BASE64_STANDARD.encode(format!("{KEY}:{SECRET}"));
        Caller { stream: BufReader::new(stream), authorization }
    }

    async fn make(&mut self, (method, target, body, expected): &Call) {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: bench\r\nauthorization: Basic {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes()).await.expect("sent");
        let (mut line, mut length, mut status) = (String::new(), 0, 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line).await.expect("an answer");
            let lower = line.trim_end().to_ascii_lowercase();
            if lower.is_empty() {
                break;
            } else if let Some(rest) = lower.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().expect("a status");
            } else if let Some(rest) = lower.strip_prefix("content-length: ") {
                length = rest.parse().expect("a length");
            }
        }
        let mut text = vec![0; length];
        self.stream.read_exact(&mut text).await.expect("a body");
        assert_eq!(status, *expected, "{method} {target}: {}", String::from_utf8_lossy(&text));
    }
}

fn print_table(report: &Value) {
    let number = |path: &str| report.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
    println!("| call | bar | a second | for one core | p50 | p99 |\n|---|---|---|---|---|---|");
    for (name, what, bar) in [
        ("rounds/0/created", "create a room", "1,000/s"),
        ("read", "read a room", "3,000/s"),
        ("rounds/0/ended", "end a room", "-"),
        ("listed", "a page of 100,000 ended rooms", "p99 10 ms"),
    ] {
        let at = |key: &str| number(&format!("/{name}/{key}"));
        println!(
            "| {what} | {bar} | {:.0} | {:.0} | {:.1} ms | {:.1} ms |",
            at("per_s"),
            at("per_core_s"),
            at("p50_ms"),
            at("p99_ms")
        );
    }
    let mb = |path: &str| number(path) / 1024.0;
    println!("Memory: {:.1} MB idle", mb("/idle_rss_kb"));
    for round in 0..ROUNDS {
        let at = |what: &str| mb(&format!("/rounds/{round}/{what}"));
        println!("- {:.1} MB with {ROOMS} rooms, {:.1} MB when they had ended", at("full_rss_kb"), at("after_rss_kb"));
    }
}
