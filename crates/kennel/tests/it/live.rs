//! Real sockets: the live channel and the telemetry socket.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use kennel::keyring::Store;
use kennel::web;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::stage::{Stage, open_store, post};

/// Nothing here takes long; this only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens the stage's server on a free port.
pub async fn listen(stage: &Stage) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(web::serve(listener, None, stage.router.clone(), stage.doorman.clone(), stage.shutdown.clone()));
    address
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn open(at: SocketAddr, path: &str, headers: &[(&'static str, String)]) -> Result<Self, u16> {
        let mut request = format!("ws://{at}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        let socket = TcpStream::connect(at).await.expect("connected");
        match client_async(request, socket).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    async fn live(at: SocketAddr, key: &str) -> Self {
        let bearer = [("authorization", format!("Bearer {key}"))];
        Self::open(at, "/kennel/v1/live", &bearer).await.expect("open")
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    async fn hello(&mut self, part: &str, name: &str) {
        self.say(json!({"type":"hello","as":part,"room":"Den","name":name,"device":name})).await;
        assert_eq!(self.hear().await["type"], "welcome");
    }

    /// The next message; a close comes as `{"close":code}`.
    async fn hear(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("in time") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Message::Close(frame))) => return json!({ "close": frame.map(|frame| u16::from(frame.code)) }),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return json!({ "close": null }),
            }
        }
    }

    async fn hear_until(&mut self, good: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.hear().await;
            if good(&message) {
                return message;
            }
            assert!(message.get("close").is_none(), "closed before it came");
        }
    }
}

#[tokio::test]
async fn camera_and_watcher_meet() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let mut camera = Client::live(at, &stage.owner_key()).await;
    camera.hello("camera", "Kitchen").await;
    let mut watcher = Client::live(at, &stage.owner_key()).await;
    watcher.hello("watch", "Laptop").await;
    camera.hear_until(|m| m["cameras"][0]["watchers"] == json!(["Laptop"])).await;
    drop(camera);
    let gone = watcher.hear_until(|m| m["cameras"][0]["state"] == "gone").await;
    assert_eq!(gone["cameras"][0]["name"], "Kitchen");
}

#[tokio::test]
async fn t19_who_may_open_it() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let plain = post("/kennel/v1/session", json!({"key": stage.owner_key()})).plain("localhost");
    let cookie = stage.ask(plain).await.cookie().expect("a cookie").split(';').next().expect("a pair").to_owned();
    let open = async |cookie: &str, origin: &str| {
        let headers = [("cookie", cookie.to_owned()), ("origin", origin.to_owned())];
        let headers = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>();
        Client::open(at, "/kennel/v1/live", &headers).await.map(drop)
    };
    let own = format!("http://{at}");
    assert_eq!(open(&cookie, &own).await, Ok(()));
    assert_eq!(open(&cookie, "https://evil.example").await, Err(403));
    assert_eq!(open(&cookie, "").await, Err(403));
    assert_eq!(open("", &own).await, Err(401));
    assert_eq!(open("", "").await, Err(401));
}

#[tokio::test]
async fn a_link_withdrawn_here_ends_its_sockets() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let (id, key) = stage.link(json!({"label":"x","rights":["watch"]})).await;
    let mut watcher = Client::live(at, &key).await;
    watcher.hello("watch", "Laptop").await;
    let path = format!("/kennel/v1/keys/{id}");
    stage.ask(post(&path, json!(null)).method("DELETE").bearer(&stage.owner_key())).await;
    let ended = watcher.hear_until(|m| m["type"] == "ended").await;
    assert_eq!(ended["reason"], "withdrawn");
    assert_eq!(watcher.hear().await, json!({"close": 1000}));
}

/// Starts the keeper, which knows all links made so far when this returns.
fn keep(stage: &Stage) {
    let mut keeper = Box::pin(web::keep(stage.app.clone()));
    assert!((&mut keeper).now_or_never().is_none());
    tokio::spawn(keeper);
}

#[tokio::test(start_paused = true)]
async fn the_rooms_hear_of_a_link_withdrawn_by_another_program_within_two_seconds() {
    let stage = Stage::new();
    let (id, _) = stage.link(json!({"label":"x","rights":["watch"]})).await;
    keep(&stage);
    let command: Store = open_store(stage.folder.path());
    assert!(command.update(|ring, _| ring.withdraw(&id)).expect("written"));
    let began = Instant::now();
    while stage.rooms.withdrawn.lock().expect("sound").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_link_withdrawn_by_another_program_ends_its_sockets() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let (id, key) = stage.link(json!({"label":"x","rights":["watch"]})).await;
    keep(&stage);
    let cookie = stage.sign_in(&key).await;
    let mut watcher = Client::live(at, &key).await;
    watcher.hello("watch", "Laptop").await;
    let command: Store = open_store(stage.folder.path());
    assert!(command.update(|ring, _| ring.withdraw(&id)).expect("written"));
    let ended = watcher.hear_until(|m| m["type"] == "ended").await;
    assert_eq!(ended["reason"], "withdrawn");
    assert_eq!(*stage.rooms.withdrawn.lock().expect("sound"), [id]);
    assert_eq!(stage.ask(crate::stage::get("/kennel/v1/session").cookie(&cookie)).await.status, 401);
}

#[tokio::test]
async fn a_link_that_ends_says_expired() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    tokio::spawn(web::keep(stage.app.clone()));
    let (_, key) = stage.link(json!({"label":"x","rights":["watch"],"ends_in_s":5})).await;
    let mut watcher = Client::live(at, &key).await;
    watcher.hello("watch", "Laptop").await;
    assert_eq!(watcher.hear_until(|m| m["type"] == "ended").await["reason"], "expired");
}

#[tokio::test]
async fn signing_out_ends_the_devices_own_socket() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let host = at.to_string();
    let plain = |ask: crate::stage::Ask| ask.plain(&host);
    let signed = stage.ask(plain(post("/kennel/v1/session", json!({"key": stage.owner_key()})))).await;
    let cookie = signed.cookie().expect("a cookie").split(';').next().expect("a pair").to_owned();
    let headers = [("cookie", cookie.clone()), ("origin", format!("http://{at}"))];
    let mut page = Client::open(at, "/kennel/v1/live", &headers).await.expect("open");
    page.hello("home", "").await;
    let out = plain(post("/kennel/v1/session", json!(null)).method("DELETE")).cookie(&cookie);
    assert_eq!(stage.ask(out).await.status, 204);
    assert_eq!(page.hear_until(|m| m["type"] == "ended").await["reason"], "withdrawn");
}

#[tokio::test]
async fn what_is_no_message_is_closed() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    for (message, code) in [
        (Message::text("x".repeat(16 * 1024 + 1)), Some(1009)),
        (Message::binary(vec![1]), Some(1003)),
        (Message::text("{"), Some(1008)),
    ] {
        let mut client = Client::live(at, &stage.owner_key()).await;
        client.0.send(message).await.expect("sent");
        let close = client.hear_until(|m| m.get("close").is_some()).await;
        assert_eq!(close["close"].as_u64(), code);
    }
}

#[tokio::test]
async fn a_stop_of_the_server_is_said() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let mut page = Client::live(at, &stage.owner_key()).await;
    page.hello("home", "").await;
    drop(stage);
    assert_eq!(page.hear_until(|m| m["type"] == "ended").await["reason"], "shutdown");
}

#[tokio::test]
async fn telemetry_is_taken_and_dropped() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let bare = crate::stage::get("/api/token?identity=a").bearer(&stage.owner_key());
    let token = stage.ask(bare).await.text;
    let foreign = [("origin", "https://app.example".to_owned())];
    let mut sdk = Client::open(at, "/v1/VideoEvents", &foreign).await.expect("open");
    sdk.say(json!({"type":"connect","version":1,"token":token,"publisher":{"name":"twilio-video.js"}})).await;
    let answer = sdk.hear().await;
    assert_eq!((&answer["type"], &answer["version"]), (&json!("connected"), &json!(1)));
    assert_eq!(answer["session"].as_str().map(str::len), Some(32));
    for _ in 0..3 {
        sdk.say(json!({"type":"event","version":1,"session":answer["session"],"group":"room","name":"x","payload":{}})).await;
    }
    let counted = async {
        while stage.app.metrics.insights_events.get() < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, counted).await.expect("counted");
}

#[tokio::test]
async fn telemetry_without_a_token_is_closed() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    for first in [json!({"type":"connect","version":1,"token":"x"}), json!({"type":"event"})] {
        let mut sdk = Client::open(at, "/v1/VideoEvents", &[]).await.expect("open");
        sdk.say(first).await;
        assert_eq!(sdk.hear().await["type"], "error");
        assert_eq!(sdk.hear().await, json!({"close": 1008}));
    }
    let mut flood = Client::open(at, "/v1/VideoEvents", &[]).await.expect("open");
    flood.0.send(Message::text("x".repeat(300 * 1024))).await.expect("sent");
    assert_eq!(flood.hear().await, json!({"close": 1008}));
}

#[tokio::test]
async fn a_socket_holds_its_place_until_it_is_gone() {
    let stage = Stage::new();
    let at = listen(&stage).await;
    let page = Client::live(at, &stage.owner_key()).await;
    let open = || stage.app.metrics.connections_open.get();
    assert_eq!(open(), 1);
    drop(page);
    let freed = async {
        while open() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, freed).await.expect("freed");
}
