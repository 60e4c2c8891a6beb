//! Kennel by SignalWire's signaling: what the vendor's SDK says for one member, who is sent the mix of the room. See
//! `docs/wire/signalwire.md`.

use std::net::SocketAddr;

use futures_util::StreamExt;
use serde_json::{Value, json};
use signalwire::token::{Mint, mint};
use signalwire::uuid;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::tungstenite::Message;

use crate::net::time_of_day;
use crate::server::{PROJECT, SECRET};
use crate::signal::{Post, Reply, Word};
use crate::socket::{self, Socket, say};

/// What an app hears of, beside what the SDK listens to itself.
const SUBSCRIBED: [&str; 5] =
    ["video.room.subscribed", "video.layout.changed", "video.member.updated", "video.member.joined", "video.member.left"];

/// Who joins what.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Where the server answers HTTP.
    pub http: SocketAddr,
    /// The number of the client in this run.
    pub number: u32,
    /// The room's name.
    pub room: String,
    /// Whether it sends anything; else it is of the audience.
    pub sends: bool,
    /// Its offer.
    pub offer: String,
}

/// What a frame asks of a client.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard {
    /// What it is told.
    word: Option<Word>,
    /// What it has to say at once.
    replies: Vec<Value>,
}

/// Joins, and stays until there are no more replies to come.
pub async fn attend(seat: Seat, mut replies: UnboundedReceiver<Reply>, post: Post) {
    let number = seat.number;
    if let Err(why) = converse(seat, &mut replies, &post).await {
        let _ = post.send(number, Word::Ended(why));
    }
}

async fn converse(seat: Seat, replies: &mut UnboundedReceiver<Reply>, post: &Post) -> Result<(), String> {
    let mut socket = socket::open(seat.http, "/", seat.number).await?;
    say(&mut socket, &connect(&token(&seat))).await?;
    until_connected(&mut socket).await?;
    say(&mut socket, &verto(&seat, "verto.invite", &json!({ "sdp": seat.offer, "dialogParams": dialog(&seat) }))).await?;
    loop {
        tokio::select! {
            frame = socket.next() => {
                let Some(Ok(frame)) = frame else { return Err("the server closed the socket".into()) };
                let Message::Text(text) = frame else { continue };
                let heard = understand(&text, &seat)?;
                for reply in &heard.replies {
                    say(&mut socket, reply).await?;
                }
                if let Some(word) = heard.word {
                    post.send(seat.number, word)?;
                }
            }
            reply = replies.recv() => if reply.is_none() {
                say(&mut socket, &verto(&seat, "verto.bye", &json!({ "dialogParams": dialog(&seat) }))).await?;
                return socket.close(None).await.map_err(|e| e.to_string());
            },
        }
    }
}

/// The SDK does not call before its token was taken.
async fn until_connected(socket: &mut Socket) -> Result<(), String> {
    while let Some(frame) = socket.next().await {
        let Message::Text(text) = frame.map_err(|e| e.to_string())? else { continue };
        let frame: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        if frame["result"]["protocol"].is_string() {
            return Ok(());
        } else if !frame["error"].is_null() {
            return Err(text.to_string());
        }
    }
    Err("the server closed the socket".into())
}

/// What a frame means for a client.
fn understand(text: &str, seat: &Seat) -> Result<Heard, String> {
    let frame: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let (id, params) = (&frame["id"], &frame["params"]);
    let reply = |result: Value| json!({ "jsonrpc": "2.0", "id": id, "result": result });
    match frame["method"].as_str() {
        Some("signalwire.event") => {
            let mut heard = Heard { word: None, replies: vec![reply(json!({}))] };
            if params["event_type"] == "webrtc.message" {
                call_event(&params["params"], seat, &mut heard).map_err(|()| text.to_owned())?;
            }
            Ok(heard)
        }
        Some("signalwire.ping") => Ok(Heard { word: None, replies: vec![reply(json!({ "timestamp": params["timestamp"] }))] }),
        Some(_) => Err(text.to_owned()),
        None if is_refused(&frame) => Err(text.to_owned()),
        None => Ok(Heard::default()),
    }
}

/// What is said of the call; it fails if the call is over.
fn call_event(message: &Value, seat: &Seat, heard: &mut Heard) -> Result<(), ()> {
    if message["params"]["callID"] != call(seat) {
        return Ok(());
    }
    match message["method"].as_str() {
        Some("verto.answer") => {
            heard.word = message["params"]["sdp"].as_str().map(|sdp| Word::Answer(sdp.to_owned()));
            let done = json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "method": "verto.answer" } });
            heard.replies.push(video_message(seat, &done));
            Ok(())
        }
        Some("verto.bye") => Err(()),
        _ => Ok(()),
    }
}

fn is_refused(frame: &Value) -> bool {
    let code = frame["result"]["code"].as_str().unwrap_or("200");
    !frame["error"].is_null() || !code.starts_with('2')
}

fn connect(token: &str) -> Value {
    let params = json!({
        "version": { "major": 3, "minor": 0, "revision": 0 }, "event_acks": true, "agent": "kennel-bench",
        "authentication": { "jwt_token": token },
    });
    json!({ "jsonrpc": "2.0", "id": "connect", "method": "signalwire.connect", "params": params })
}

fn verto(seat: &Seat, method: &str, params: &Value) -> Value {
    video_message(seat, &json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params }))
}

fn video_message(seat: &Seat, message: &Value) -> Value {
    let params = json!({ "message": message, "callID": call(seat), "subscribe": SUBSCRIBED });
    json!({ "jsonrpc": "2.0", "id": format!("of {}", message["id"]), "method": "video.message", "params": params })
}

fn dialog(seat: &Seat) -> Value {
    json!({
        "callID": call(seat), "destination_number": "room", "attach": false, "reattaching": false, "screenShare": false,
        "additionalDevice": false, "pingSupported": true, "version": 1_000, "userVariables": {},
    })
}

fn call(seat: &Seat) -> String {
    uuid::spell(u128::from(seat.number) + 1)
}

fn token(seat: &Seat) -> String {
    let (user_name, jti) = (format!("client {}", seat.number), format!("bench-{}", seat.number));
    let wish = Mint {
        project: PROJECT,
        jti: &jti,
        user_name: &user_name,
        room: &seat.room,
        audience: !seat.sends,
        lifetime_s: Some(3_600),
        ..Mint::default()
    };
    mint(&wish, SECRET, time_of_day().as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat() -> Seat {
        Seat { http: SocketAddr::from(([127, 0, 0, 1], 1)), number: 7, room: "r".into(), sends: true, offer: "v=0".into() }
    }

    fn hear(frame: &Value) -> Result<Heard, String> {
        understand(&frame.to_string(), &seat())
    }

    fn event(kind: &str, params: &Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": "e", "method": "signalwire.event", "params": { "event_type": kind, "params": params } })
    }

    fn of_call(method: &str, call: &str) -> Value {
        let params = json!({ "callID": call, "sdp": "v=0" });
        event("webrtc.message", &json!({ "jsonrpc": "2.0", "id": "m", "method": method, "params": params }))
    }

    #[test]
    fn the_answer_is_heard_and_taken_note_of() {
        let heard = hear(&of_call("verto.answer", &call(&seat()))).expect("an answer");
        assert_eq!(heard.word, Some(Word::Answer("v=0".into())));
        let [ack, done] = heard.replies.as_slice() else { panic!("{:?}", heard.replies) };
        assert_eq!((&ack["id"], &ack["result"]), (&json!("e"), &json!({})));
        let inner = json!({ "jsonrpc": "2.0", "id": "m", "result": { "method": "verto.answer" } });
        assert_eq!(done["params"]["message"], inner);
    }

    #[test]
    fn events_and_pings_are_answered_and_mean_nothing_else() {
        let acked = |frame: &Value, result: &Value| {
            let heard = hear(frame).expect("an event");
            assert_eq!((heard.word, heard.replies.len(), &heard.replies[0]["result"]), (None, 1, result), "{frame}");
        };
        acked(&event("video.room.subscribed", &json!({})), &json!({}));
        acked(&of_call("verto.answer", "another"), &json!({}));
        let ping = json!({ "jsonrpc": "2.0", "id": "p", "method": "signalwire.ping", "params": { "timestamp": 1.5 } });
        acked(&ping, &json!({ "timestamp": 1.5 }));
        assert_eq!(hear(&json!({ "jsonrpc": "2.0", "id": "of", "result": { "code": "200" } })), Ok(Heard::default()));
    }

    #[test]
    fn a_refusal_and_the_end_of_the_call_end_the_run() {
        for frame in [
            json!({ "jsonrpc": "2.0", "id": "of", "result": { "code": "403", "message": "Unauthorized" } }),
            json!({ "jsonrpc": "2.0", "id": "of", "error": { "code": -32_002, "message": "no" } }),
            json!({ "jsonrpc": "2.0", "id": "d", "method": "signalwire.disconnect", "params": {} }),
            of_call("verto.bye", &call(&seat())),
        ] {
            assert!(hear(&frame).is_err(), "{frame}");
        }
    }
}
