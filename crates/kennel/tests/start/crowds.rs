//! Connections that want nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::get;
use crate::person::{Person, everybody, free_port, start_within};

const SECOND: Duration = Duration::from_secs(1);

/// What the program may open, and how many come.
const DESCRIPTORS: u64 = 600;
const CROWD: u8 = 9;
const EACH: usize = 100;

/// A connection from another address of this machine.
async fn silent(http: SocketAddr, from: u8) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind((Ipv4Addr::new(127, 0, 0, from), 0).into()).ok()?;
    socket.connect(http).await.ok()
}

/// Test T43 of the rules: calls go on, whoever wants something is served, and nothing hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t43_nine_hundred_who_say_nothing_harm_no_call() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("as many as the system gives");
    let folder = tempfile::tempdir().expect("a folder");
    let (http, media) = (free_port(), free_port());
    let server = start_within(folder.path(), (http, media), DESCRIPTORS);
    let all = everybody((0..2).map(|number| Person::join(http, number))).await;
    let mut crowd = Vec::new();
    for from in (0..EACH).flat_map(|_| 10..10 + CROWD) {
        crowd.extend(silent(http, from).await);
    }
    assert_eq!(crowd.len(), usize::from(CROWD) * EACH, "the system takes every connection; the program keeps some");
    let began = Instant::now();
    let health = get(http, "/healthz").await;
    assert_eq!((health.status, health.text().trim()), (200, "ok"));
    let newcomer = Person::join(http, 2).await;
    println!("an answer and a place after {:?}", began.elapsed());
    // Whoever is inside stays so, and sees the others inside.
    let all = everybody(all.into_iter().chain([newcomer]).map(|one| one.stay(4 * SECOND))).await;
    drop((crowd, all));
    server.signal(Signal::TERM);
    let (code, said) = server.end();
    assert!(code == Some(0) && !said.contains("panicked"), "{said}");
}
