//! Participants of group rooms, as far as words go: no transport of theirs comes about.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
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

/// Silence that clients agree on with the server, as the SDK does; three times that is too much.
const SILENCE: Duration = Duration::from_secs(5);

/// How often a client says that it is there.
const BEAT: Duration = Duration::from_secs(2);

/// Nothing here takes so long.
const LONG: Duration = Duration::from_secs(40);

/// One participant, with the offer of a browser: what the media server says to it can be heard, but no transport comes about.
pub struct Person {
    socket: WebSocketStream<TcpStream>,
    number: usize,
    session: String,
}

impl Person {
    /// Comes in, and has a connection to the media server.
    pub async fn join(http: SocketAddr, number: usize) -> Self {
        Self::join_at(http, number, 0).await
    }

    /// The same of a server whose clock is so many seconds ahead.
    pub async fn join_at(http: SocketAddr, number: usize, ahead: i64) -> Self {
        let token = token(number, ahead);
        let mut one = Self::knock(http, number, &token).await;
        one.hear("iced", |frame| frame["body"]["type"] == "iced").await;
        one.say(&connect(&token, &offer("pc", 1))).await;
        let joined = one.hear("connected", |frame| frame["body"]["type"] == "connected").await;
        one.session = joined["body"]["session"].as_str().expect("a session").to_owned();
        one
    }

    /// With what code a server refuses a token of one whose clock is so many seconds ahead.
    pub async fn refusal(http: SocketAddr, number: usize, ahead: i64) -> Value {
        let mut one = Self::knock(http, number, &token(number, ahead)).await;
        loop {
            let frame = tokio::time::timeout(LONG, one.socket.next()).await.expect("in time").expect("open").expect("open");
            let Message::Text(text) = frame else { continue };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            assert_ne!(frame["body"]["type"], "iced", "it is let in");
            if frame["body"]["type"] == "error" {
                return frame["body"]["code"].clone();
            }
        }
    }

    /// Comes in with this description, which is no good: the error that it hears, or with what code its connection is closed.
    pub async fn refusal_of(http: SocketAddr, number: usize, sdp: &str) -> Result<Value, u16> {
        let token = token(number, 0);
        let mut one = Self::knock(http, number, &token).await;
        one.hear("iced", |frame| frame["body"]["type"] == "iced").await;
        let offer = json!({ "id": "pc", "description": { "type": "offer", "revision": 1, "sdp": sdp } });
        // Of what is too large the server does not read the end.
        let _ = one.socket.send(Message::text(connect(&token, &offer).to_string())).await;
        loop {
            let frame = tokio::time::timeout(LONG, one.socket.next()).await.expect("in time").expect("a last word");
            match frame.expect("open") {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    assert_ne!(frame["body"]["type"], "connected", "it is let in");
                    if frame["body"]["type"] == "error" {
                        return Ok(frame["body"].clone());
                    }
                }
                Message::Close(close) => return Err(close.map_or(0, |close| close.code.into())),
                _ => {}
            }
        }
    }

    /// Shows its token.
    async fn knock(http: SocketAddr, number: usize, token: &str) -> Self {
        let ice = json!({ "type": "ice", "version": 1, "edge": "roaming", "token": token });
        Person { socket: hello(http, ice).await.expect("a server"), number, session: String::new() }
    }

    /// Takes its seat again, as soon as there is a server.
    async fn sync(&mut self, http: SocketAddr) {
        let sync = json!({
            "type": "sync", "version": 2, "name": null, "session": self.session, "token": token(self.number, 0),
            "participant": { "revision": 1, "tracks": [] }, "peer_connections": [offer("pc", 1)],
        });
        self.socket = loop {
            match hello(http, sync.clone()).await {
                Some(socket) => break socket,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
    }

    /// Takes its seat again, and hears that it has it.
    pub async fn resume(mut self, http: SocketAddr) -> Self {
        self.sync(http).await;
        self.hear("synced", |frame| frame["body"]["type"] == "synced").await;
        self
    }

    /// Comes back, and has a connection to the media server made anew.
    pub async fn come_back(mut self, http: SocketAddr) -> Self {
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

    /// Goes on for so long, and says that it is there: it stays connected, and so do the others.
    pub async fn stay(mut self, time: Duration) -> Self {
        let until = tokio::time::Instant::now() + time;
        let mut beats = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                _ = beats.tick() => self.say(&json!({ "type": "heartbeat" })).await,
                frame = self.socket.next() => match frame.expect("open").expect("open") {
                    Message::Text(text) => self.check(&serde_json::from_str(&text).expect("JSON")),
                    other => panic!("{}: {other:?}", self.number),
                },
                () = tokio::time::sleep_until(until) => return self,
            }
        }
    }

    /// Goes on, and says that it is there, until it hears this.
    pub async fn stay_until(mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Self {
        let mut beats = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                _ = beats.tick() => self.say(&json!({ "type": "heartbeat" })).await,
                frame = tokio::time::timeout(LONG, self.socket.next()) => {
                    let frame = frame.unwrap_or_else(|_| panic!("{what} in time")).expect(what).expect(what);
                    let Message::Text(text) = frame else { panic!("{}: {frame:?}", self.number) };
                    if is_it(&serde_json::from_str(&text).expect("JSON")) {
                        return self;
                    }
                }
            }
        }
    }

    /// That a frame says no harm of anybody.
    fn check(&self, frame: &Value) {
        let others = frame["body"]["participants"].as_array();
        let away = others.is_some_and(|others| others.iter().any(|other| other["state"] != "connected"));
        let over = matches!(frame["body"]["type"].as_str(), Some("error" | "disconnected"));
        assert!(!away && !over, "{}: {frame}", self.number);
    }

    /// Says this.
    pub async fn say(&mut self, value: &Value) {
        self.socket.send(Message::text(value.to_string())).await.expect("said");
    }

    /// The next frame of a kind.
    pub async fn hear(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
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

/// How somebody comes in.
fn connect(token: &str, offer: &Value) -> Value {
    let connect = json!({
        "type": "connect", "version": 2, "name": null, "token": token, "ice_servers": "acquire", "format": "unified",
        "participant": { "revision": 1, "tracks": [] }, "peer_connections": [offer],
        "media_signaling": {}, "subscribe": { "revision": 1, "rules": [{ "type": "include", "all": true }] },
    });
    json!({ "type": "msg", "body": connect })
}

fn offer(id: &str, revision: u64) -> Value {
    json!({ "id": id, "description": { "type": "offer", "revision": revision, "sdp": browsers_offer() } })
}

/// The first offer in a record of real browsers.
pub fn browsers_offer() -> String {
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("../twilio/tests/transcripts/group-two.jsonl");
    let text = std::fs::read_to_string(record).expect("a record");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut offers = lines.filter_map(|line| state(&line["msg"], "offer")?["description"]["sdp"].as_str().map(str::to_owned));
    offers.next().expect("an offer")
}

/// The time of day.
pub fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// Of somebody whom a server lets in whose clock is so many seconds ahead.
fn token(number: usize, ahead: i64) -> String {
    let identity = format!("person {number}");
    let wish =
        Mint { account_sid: ACCOUNT, key_sid: KEY, identity: &identity, room: Some("den"), lifetime_s: 3_600, link_key: None };
    mint(&wish, SECRET, unix_s().saturating_add_signed(ahead))
}

/// A server whose rooms are group rooms.
pub fn start(folder: &Path, http: SocketAddr, media: SocketAddr) -> Server {
    start_with(folder, (http, media), &[])
}

/// The same with these variables too.
pub fn start_with(folder: &Path, (http, media): (SocketAddr, SocketAddr), more: &[(&str, &str)]) -> Server {
    let variables = [&KEYS[..], more].concat();
    let (http, media) = (http.to_string(), media.to_string());
    Server::start_at(folder, &flags(&http, &media), &variables)
}

/// The same where it may open so many files and connections.
pub fn start_within(folder: &Path, (http, media): (SocketAddr, SocketAddr), descriptors: u64) -> Server {
    let (http, media) = (http.to_string(), media.to_string());
    Server::start_within(folder, descriptors, &flags(&http, &media), &KEYS)
}

const KEYS: [(&str, &str); 3] = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_API_KEY_SID", KEY), ("TWILIO_API_KEY_SECRET", SECRET)];

fn flags<'a>(http: &'a str, media: &'a str) -> [&'a str; 8] {
    ["--http", http, "--https", "off", "--media", media, "--room-type", "group"]
}

/// An address that nobody has now.
pub fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a port")
}

/// All of them at once.
pub async fn everybody<T: Send + 'static>(all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    all.collect::<JoinSet<_>>().join_all().await
}

/// Whether a frame shows somebody else in this state.
pub fn sees(state: &'static str) -> impl Fn(&Value) -> bool {
    move |frame| {
        let others = frame["body"]["participants"].as_array();
        others.is_some_and(|others| others.iter().any(|other| other["state"] == state))
    }
}

/// Everyone of these says again and again that they are there.
pub async fn beat(all: &mut [Person], time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        for one in &mut *all {
            one.say(&json!({ "type": "heartbeat" })).await;
        }
        tokio::time::sleep(BEAT).await;
    }
}
