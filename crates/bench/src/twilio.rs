//! Kennel by Twilio's signaling: what the vendor's SDK says for one participant of a group room. See `docs/wire/twilio.md`.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::tungstenite::Message;
use twilio::token::{Mint, mint};

use crate::net::time_of_day;
use crate::server::{ACCOUNT, KEY, SECRET};
use crate::signal::{Post, Reply, Word};
use crate::socket::{self, Socket, say};

/// Silence that is agreed on; somebody says something before it is over.
const SILENCE: Duration = Duration::from_secs(30);

/// Who joins what.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Where the server answers HTTP.
    pub http: SocketAddr,
    /// The number of the client in this run.
    pub number: u32,
    /// The room's name.
    pub room: String,
    /// Its tracks: kind and name.
    pub tracks: Vec<(&'static str, String)>,
    /// Its first offer.
    pub offer: String,
    /// Whether it will say how large it shows pictures.
    pub chooses: bool,
}

/// Joins, and passes on what is said until there are no more replies to come.
pub async fn attend(seat: Seat, mut replies: UnboundedReceiver<Reply>, post: Post) {
    let number = seat.number;
    if let Err(why) = converse(seat, &mut replies, &post).await {
        let _ = post.send(number, Word::Ended(why));
    }
}

async fn converse(seat: Seat, replies: &mut UnboundedReceiver<Reply>, post: &Post) -> Result<(), String> {
    let mut socket = socket::open(seat.http, "/signaling", seat.number).await?;
    let token = token(&seat);
    let ice = json!({ "type": "ice", "version": 1, "edge": "roaming", "token": token });
    let silence = SILENCE.as_millis() as u64;
    say(&mut socket, &json!({ "type": "hello", "version": 2, "id": "hello", "timeout": silence, "body": ice })).await?;
    until_iced(&mut socket).await?;
    say(&mut socket, &json!({ "type": "msg", "body": connect(&seat, &token) })).await?;
    let mut session = String::new();
    let mut beat = tokio::time::interval(SILENCE / 2);
    loop {
        tokio::select! {
            frame = socket.next() => {
                let Some(Ok(frame)) = frame else { return Err("the server closed the socket".into()) };
                let Message::Text(text) = frame else { continue };
                for word in understand(&text, &mut session)? {
                    post.send(seat.number, word)?;
                }
            }
            reply = replies.recv() => match reply {
                Some(Reply::Answer(revision, sdp)) => say(&mut socket, &update(&seat, &session, revision, &sdp)).await?,
                Some(Reply::Layer(_)) => return Err("layers are chosen by a channel".into()),
                None => return leave(&mut socket, &session).await,
            },
            _ = beat.tick() => say(&mut socket, &json!({ "type": "heartbeat" })).await?,
        }
    }
}

/// As the SDK does, which does not connect before it has heard of STUN and TURN servers.
async fn until_iced(socket: &mut Socket) -> Result<(), String> {
    while let Some(frame) = socket.next().await {
        match frame.map_err(|e| e.to_string())? {
            Message::Text(text) if text.contains("\"iced\"") => return Ok(()),
            Message::Text(text) if text.contains("\"error\"") => return Err(text.to_string()),
            _ => {}
        }
    }
    Err("the server closed the socket".into())
}

/// What a frame means for a client; learns the session's name.
fn understand(text: &str, session: &mut String) -> Result<Vec<Word>, String> {
    let frame: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let body = &frame["body"];
    if body["type"] == "error" || body["type"] == "disconnected" {
        return Err(text.to_owned());
    }
    if let Some(name) = body["session"].as_str() {
        name.clone_into(session);
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let pictures = list(&body["participants"]).into_iter().flat_map(|one| list(&one["tracks"])).filter_map(picture);
    let states = list(&body["peer_connections"]).into_iter().map(|mut state| state["description"].take());
    let descriptions = states.filter(Value::is_object).map(|description| word(&description));
    pictures.map(Ok).chain(descriptions).collect()
}

/// A track of somebody else's, if it is a camera's.
fn picture(track: Value) -> Option<Word> {
    let sid = track["sid"].as_str().filter(|_| track["kind"] == "video")?;
    Some(Word::Picture(sid.to_owned()))
}

/// How a client says on its channel that it shows these pictures in this size; `id` is its count, from 1.
pub fn hints(id: u64, pictures: &[String], (width, height): (u16, u16)) -> String {
    let hint =
        |track: &String| json!({ "track": track, "enabled": true, "render_dimensions": { "width": width, "height": height } });
    let hints: Vec<Value> = pictures.iter().map(hint).collect();
    json!({ "type": "render_hints", "subscriber": { "id": id, "hints": hints } }).to_string()
}

fn word(description: &Value) -> Result<Word, String> {
    let sdp = description["sdp"].as_str().unwrap_or_default().to_owned();
    match (description["type"].as_str(), description["revision"].as_u64()) {
        (Some("answer"), _) => Ok(Word::Answer(sdp)),
        (Some("offer"), Some(revision)) => Ok(Word::Offer(revision, sdp)),
        _ => Err(format!("the connection was lost: {description}")),
    }
}

fn token(seat: &Seat) -> String {
    let identity = format!("client {}", seat.number);
    let room = Some(seat.room.as_str());
    let wish = Mint { account_sid: ACCOUNT, key_sid: KEY, identity: &identity, room, lifetime_s: 3_600, link_key: None };
    mint(&wish, SECRET, time_of_day().as_secs())
}

fn connect(seat: &Seat, token: &str) -> Value {
    let channel = json!({ "render_hints": { "transports": [{ "type": "data-channel" }] } });
    json!({
        "type": "connect", "version": 2, "name": null, "token": token, "ice_servers": "acquire", "format": "unified",
        "participant": participant(seat),
        "peer_connections": [{ "id": "pc", "description": { "type": "offer", "revision": 1, "sdp": seat.offer } }],
        "media_signaling": if seat.chooses { channel } else { json!({}) }, "subscribe": { "revision": 1, "rules": [{ "type": "include", "all": true }] },
    })
}

fn participant(seat: &Seat) -> Value {
    let track = |(kind, name): &(&str, String)| json!({ "id": name, "kind": kind, "name": name, "enabled": true, "priority": "standard" });
    let tracks: Vec<Value> = seat.tracks.iter().map(track).collect();
    json!({ "revision": 3, "tracks": tracks })
}

fn update(seat: &Seat, session: &str, revision: u64, sdp: &str) -> Value {
    let state = json!({ "id": "pc", "description": { "type": "answer", "revision": revision, "sdp": sdp } });
    let body = json!({
        "type": "update", "version": 2, "session": session, "peer_connections": [state], "participant": participant(seat),
    });
    json!({ "type": "msg", "body": body })
}

async fn leave(socket: &mut Socket, session: &str) -> Result<(), String> {
    say(socket, &json!({ "type": "msg", "body": { "type": "disconnect", "version": 2, "session": session } })).await?;
    say(socket, &json!({ "type": "bye" })).await?;
    socket.close(None).await.map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frame: &Value, expected: &[Word]) {
        let mut session = String::new();
        assert_eq!(understand(&frame.to_string(), &mut session).as_deref(), Ok(expected), "{frame}");
    }

    #[test]
    fn descriptions_are_heard_wherever_they_stand() {
        let state = |kind: &str, revision: u64| json!({ "id": "pc", "description": { "type": kind, "revision": revision, "sdp": "v=0" } });
        check(&json!({ "type": "welcome", "negotiatedTimeout": 1 }), &[]);
        let connected = json!({ "type": "connected", "session": "s", "peer_connections": [state("answer", 1)] });
        check(&json!({ "type": "msg", "body": connected }), &[Word::Answer("v=0".into())]);
        let update = json!({ "type": "update", "session": "s", "peer_connections": [state("offer", 2)] });
        check(&json!({ "type": "msg", "body": update }), &[Word::Offer(2, "v=0".into())]);
        check(&json!({ "type": "msg", "body": { "type": "update", "session": "s", "peer_connections": [{ "id": "pc" }] } }), &[]);
    }

    #[test]
    fn cameras_of_others_are_heard_of() {
        let track = |sid: &str, kind: &str| json!({ "sid": sid, "kind": kind, "name": "n", "enabled": true });
        let others =
            json!([{ "sid": "PA1", "tracks": [track("MT1", "audio"), track("MT2", "video")] }, { "sid": "PA2", "tracks": [] }]);
        let body = json!({ "type": "update", "session": "s", "participants": others });
        check(&json!({ "type": "msg", "body": body }), &[Word::Picture("MT2".into())]);
    }

    #[test]
    fn a_refusal_and_a_lost_connection_end_the_run() {
        let frames = [
            json!({ "type": "msg", "body": { "type": "error", "code": 53105 } }),
            json!({ "type": "msg", "body": { "type": "update", "peer_connections": [{ "description": { "type": "close", "revision": 4 } }] } }),
        ];
        for frame in frames {
            assert!(understand(&frame.to_string(), &mut String::new()).is_err(), "{frame}");
        }
    }
}
