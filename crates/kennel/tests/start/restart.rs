//! Whole rooms come back after their server was killed, or its machine slept.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use twilio::token::{Mint, mint};

use crate::program::Server;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const KEY: &str = "SK00000000000000000000000000000001";
const SECRET: &str = "a-secret-for-a-test-and-no-more-";

/// As many as a group room holds.
const CROWD: usize = 50;

/// What is promised of a restart: half of them, and all. Without optimization it takes longer.
const HALF_BACK: Duration = Duration::from_secs(if cfg!(debug_assertions) { 6 } else { 3 });
const ALL_BACK: Duration = Duration::from_secs(8);

/// Silence that clients agree on with the server, as the SDK does; three times that is too much.
const SILENCE: Duration = Duration::from_secs(5);

/// How often a client says that it is there.
const BEAT: Duration = Duration::from_secs(2);

/// Longer than silence may last, shorter than a seat is kept.
const SLEEP: Duration = Duration::from_secs(18);

/// Nothing here takes so long.
const LONG: Duration = Duration::from_secs(40);

/// One participant, with the offer of a browser: what the media server says to it can be heard, but no transport comes about.
struct Person {
    socket: WebSocketStream<TcpStream>,
    number: usize,
    session: String,
}

impl Person {
    async fn join(http: SocketAddr, number: usize) -> Self {
        let ice = json!({ "type": "ice", "version": 1, "edge": "roaming", "token": token(number) });
        let mut one = Person { socket: hello(http, ice).await.expect("a server"), number, session: String::new() };
        one.hear("iced", |frame| frame["body"]["type"] == "iced").await;
        let connect = json!({
            "type": "connect", "version": 2, "name": null, "token": token(number), "ice_servers": "acquire", "format": "unified",
            "participant": { "revision": 1, "tracks": [] }, "peer_connections": [offer("pc", 1)],
            "media_signaling": {}, "subscribe": { "revision": 1, "rules": [{ "type": "include", "all": true }] },
        });
        one.say(&json!({ "type": "msg", "body": connect })).await;
        let joined = one.hear("connected", |frame| frame["body"]["type"] == "connected").await;
        one.session = joined["body"]["session"].as_str().expect("a session").to_owned();
        one
    }

    /// Takes its seat again, as soon as there is a server.
    async fn sync(&mut self, http: SocketAddr) {
        let sync = json!({
            "type": "sync", "version": 2, "name": null, "session": self.session, "token": token(self.number),
            "participant": { "revision": 1, "tracks": [] }, "peer_connections": [offer("pc", 1)],
        });
        self.socket = loop {
            match hello(http, sync.clone()).await {
                Some(socket) => break socket,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
    }

    async fn resume(mut self, http: SocketAddr) -> Self {
        self.sync(http).await;
        self.hear("synced", |frame| frame["body"]["type"] == "synced").await;
        self
    }

    /// Comes back, and has a connection to the media server made anew.
    async fn come_back(mut self, http: SocketAddr) -> Self {
        self.sync(http).await;
        let asked = self.hear("create-offer", |frame| state(frame, "create-offer").is_some()).await;
        let id = state(&asked, "create-offer").and_then(|state| state["id"].as_str()).expect("an id").to_owned();
        let update = json!({
            "type": "update", "version": 2, "session": self.session, "participant": { "revision": 1, "tracks": [] },
            "peer_connections": [offer(&id, 2)],
        });
        self.say(&json!({ "type": "msg", "body": update })).await;
        self.hear("an answer", |frame| state(frame, "answer").is_some()).await;
        self
    }

    async fn say(&mut self, value: &Value) {
        self.socket.send(Message::text(value.to_string())).await.expect("said");
    }

    /// The next frame of a kind.
    async fn hear(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = tokio::time::timeout(LONG, self.socket.next()).await.unwrap_or_else(|_| panic!("{what} in time"));
            let Message::Text(text) = frame.expect(what).expect(what) else { continue };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            assert!(frame["body"]["type"] != "error" && frame["type"] != "busy", "{} waits for {what}: {frame}", self.number);
            if is_it(&frame) {
                return frame;
            }
        }
    }
}

async fn hello(http: SocketAddr, body: Value) -> Option<WebSocketStream<TcpStream>> {
    let stream = TcpStream::connect(http).await.ok()?;
    let (mut socket, _) = client_async(format!("ws://{http}/signaling"), stream).await.ok()?;
    let hello = json!({ "type": "hello", "version": 2, "id": "hello", "timeout": SILENCE.as_millis(), "body": body });
    socket.send(Message::text(hello.to_string())).await.ok()?;
    Some(socket)
}

/// A connection whose last word is of this type.
fn state<'a>(frame: &'a Value, kind: &str) -> Option<&'a Value> {
    frame["body"]["peer_connections"].as_array()?.iter().find(|state| state["description"]["type"] == kind)
}

fn offer(id: &str, revision: u64) -> Value {
    json!({ "id": id, "description": { "type": "offer", "revision": revision, "sdp": browsers_offer() } })
}

/// The first offer in a record of real browsers.
fn browsers_offer() -> String {
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("../twilio/tests/transcripts/group-two.jsonl");
    let text = std::fs::read_to_string(record).expect("a record");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut offers = lines.filter_map(|line| state(&line["msg"], "offer")?["description"]["sdp"].as_str().map(str::to_owned));
    offers.next().expect("an offer")
}

fn token(number: usize) -> String {
    let identity = format!("person {number}");
    let wish =
        Mint { account_sid: ACCOUNT, key_sid: KEY, identity: &identity, room: Some("den"), lifetime_s: 3_600, link_key: None };
    mint(&wish, SECRET, SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs())
}

fn start(folder: &Path, http: SocketAddr, media: SocketAddr) -> Server {
    let keys = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_API_KEY_SID", KEY), ("TWILIO_API_KEY_SECRET", SECRET)];
    let (http, media) = (http.to_string(), media.to_string());
    Server::start_at(folder, &["--http", &http, "--https", "off", "--media", &media, "--room-type", "group"], &keys)
}

fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a port")
}

async fn everybody<T: Send + 'static>(all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    all.collect::<JoinSet<_>>().join_all().await
}

/// Test T42 of the rules, but for the transport: of that `e2e/tests/group-trouble.spec.ts` has three, in real browsers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t42_fifty_in_one_room_are_back_soon_after_their_server_was_killed_or_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let (http, media) = (free_port(), free_port());
    let mut server = start(folder.path(), http, media);
    let mut all = everybody((0..CROWD).map(|number| Person::join(http, number))).await;
    for signal in [Signal::KILL, Signal::TERM] {
        // Seats are written down a little after they are taken.
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.signal(signal);
        server.end();
        let began = Instant::now();
        server = start(folder.path(), http, media);
        let ready = began.elapsed();
        let back = everybody(all.into_iter().map(|one| async move { (one.come_back(http).await, began.elapsed()) })).await;
        let mut times: Vec<Duration> = back.iter().map(|(_, time)| *time).collect();
        times.sort();
        println!("{signal:?}: ready after {ready:?}, half back after {:?}, all after {:?}", times[CROWD / 2], times[CROWD - 1]);
        assert!(times[CROWD / 2] <= HALF_BACK && times[CROWD - 1] <= ALL_BACK, "{times:?}");
        all = back.into_iter().map(|(one, _)| one).collect();
    }
    server.signal(Signal::TERM);
    server.end();
}

/// Everyone of these says again and again that they are there.
async fn beat(all: &mut [Person], time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        for one in &mut *all {
            one.say(&json!({ "type": "heartbeat" })).await;
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// Test T39, the server's machine: nobody's seat is gone, whatever became of the sockets meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t39_nobody_loses_a_seat_while_the_server_sleeps() {
    let folder = tempfile::tempdir().expect("a folder");
    let (http, media) = (free_port(), free_port());
    let server = start(folder.path(), http, media);
    let mut all = everybody((0..3).map(|number| Person::join(http, number))).await;
    server.signal(Signal::STOP);
    beat(&mut all, SLEEP).await;
    server.signal(Signal::CONT);
    let woken = Instant::now();
    everybody(all.into_iter().map(|one| one.resume(http))).await;
    println!("everybody is back {:?} after the server woke", woken.elapsed());
    assert!(woken.elapsed() < Duration::from_secs(10));
    server.signal(Signal::TERM);
    server.end();
}

/// Test T39, a client's machine: the others see that it is away, it has its seat when it wakes, and they see that too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t39_a_client_that_slept_has_its_seat() {
    let folder = tempfile::tempdir().expect("a folder");
    let (http, media) = (free_port(), free_port());
    let server = start(folder.path(), http, media);
    let mut all = everybody((0..2).map(|number| Person::join(http, number))).await;
    let sleeper = all.remove(0);
    let sees = |state: &'static str| {
        move |frame: &Value| {
            let others = frame["body"]["participants"].as_array();
            others.is_some_and(|others| others.iter().any(|other| other["state"] == state))
        }
    };
    beat(&mut all, SLEEP).await;
    all[0].hear("reconnecting", sees("reconnecting")).await;
    let _awake = sleeper.resume(http).await;
    all[0].hear("connected", sees("connected")).await;
    server.signal(Signal::TERM);
    server.end();
}
