//! Recording by SignalWire's signaling where the disk has no room for it, over a real connection.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use kennel::config::{self, Config, Secret, VendorCredentials};
use serde_json::{Value, json};
use signalwire::token::{Mint, mint};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::person::unix_s;

const PROJECT: &str = "00000000-0000-4000-8000-000000000001";
const SECRET: &str = "a-secret-for-a-test-and-no-more-";
const CALL: &str = "00000000-0000-4000-8000-000000000002";

/// Nothing here takes so long.
const LONG: Duration = Duration::from_secs(40);

/// A file system on which no byte is ever free.
const FULL: &str = "/proc/recordings";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mix_begins_to_be_recorded_on_a_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let vendor = VendorCredentials {
        signalwire_project_key: Some(PROJECT.to_owned()),
        signalwire_token: Some(Secret::new(SECRET)),
        ..VendorCredentials::default()
    };
    let recording = config::Recording { folder: Some(PathBuf::from(FULL)), ..config::Recording::default() };
    let running = crate::start(Config { vendor, recording, ..crate::config(&folder) }).await;
    let mut ann = Member::join(running.http_addr.expect("HTTP")).await;
    // The disk is looked at as soon as the server runs, and once more after seconds.
    let refused = tokio::time::timeout(LONG, ann.refusal()).await.expect("refused in time");
    assert_eq!(refused, json!({ "code": "507", "message": "The disk for recordings is too full" }));
    running.stop().await;
}

/// Somebody in a mixed room who may record it, as far as words go: no transport of hers comes about.
struct Member {
    socket: WebSocketStream<TcpStream>,
    asked: u64,
}

impl Member {
    async fn join(http: SocketAddr) -> Self {
        let stream = TcpStream::connect(http).await.expect("a server");
        let (socket, _) = client_async(format!("ws://{http}/"), stream).await.expect("a socket");
        let mut one = Member { socket, asked: 0 };
        let wish = Mint {
            project: PROJECT,
            jti: "1",
            user_name: "Ann",
            room: "Den",
            scopes: &["room.recording"],
            lifetime_s: Some(3_600),
            ..Mint::default()
        };
        let token = mint(&wish, SECRET, unix_s());
        let version = json!({ "major": 3, "minor": 0, "revision": 0 });
        let connect = json!({ "version": version, "event_acks": true, "authentication": { "jwt_token": token } });
        let connected = one.ask("signalwire.connect", connect).await;
        assert!(connected["protocol"].is_string(), "{connected}");
        let dialog = json!({ "callID": CALL, "destination_number": "room", "attach": false, "userVariables": {} });
        let invite = json!({ "dialogParams": dialog, "sdp": offer() });
        let message = json!({ "jsonrpc": "2.0", "id": "invite", "method": "verto.invite", "params": invite });
        let subscribe = ["video.room.subscribed"];
        one.ask("video.message", json!({ "message": message, "callID": CALL, "subscribe": subscribe })).await;
        one.hear(|frame| frame["params"]["event_type"] == "video.room.subscribed").await;
        one
    }

    /// Begins to record until she may not.
    async fn refusal(&mut self) -> Value {
        loop {
            let answer = self.ask("video.recording.start", json!({})).await;
            if answer["code"] != "200" {
                return answer;
            }
        }
    }

    /// The result of a method.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked.to_string();
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        self.hear(|frame| frame["id"] == id.as_str() && frame["method"].is_null()).await["result"].clone()
    }

    /// The next frame of a kind. All events before it are taken note of, as the SDK does.
    async fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = tokio::time::timeout(LONG, self.socket.next()).await.expect("in time").expect("open").expect("open");
            let Message::Text(text) = frame else { continue };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["method"].is_string() {
                self.say(&json!({ "jsonrpc": "2.0", "id": frame["id"], "result": {} })).await;
            }
            if is_it(&frame) {
                return frame;
            }
        }
    }

    async fn say(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.expect("said");
    }
}

/// The first offer in a record of a real browser.
fn offer() -> String {
    let record = "../signalwire/tests/transcripts/01-moderator-and-guest-sdk-3.30.0.jsonl";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(record)).expect("a record");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let sdp = |line: Value| line["msg"]["params"]["message"]["params"]["sdp"].as_str().map(str::to_owned);
    lines.into_iter().find_map(sdp).expect("an offer")
}
