//! Janus by its WebSocket JSON: a VideoRoom with one handle for what a participant sends and one for what it receives.
//! Source: the documentation of its API and of the VideoRoom plugin, version 1.1.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::signal::{Post, Reply, Word};

/// The plugin's code for a publisher that is not there (yet).
const NO_SUCH_FEED: i64 = 428;

/// Until such a publisher is asked for again.
const FEED_PAUSE: Duration = Duration::from_millis(50);

/// Who joins what.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Where the server listens for WebSockets.
    pub http: SocketAddr,
    /// The room's number.
    pub room: usize,
    /// The client that sends, and its offer.
    pub publisher: Option<(u32, String)>,
    /// The client that receives.
    pub subscriber: u32,
    /// Who is known to send in this room.
    pub feeds: Vec<u32>,
}

/// A conversation.
struct Talk {
    socket: WebSocketStream<TcpStream>,
    session: u64,
    transactions: u64,
    /// What came while something else was waited for.
    waiting: VecDeque<Value>,
}

/// What one participant receives.
struct Wishes {
    handle: u64,
    feeds: VecDeque<u64>,
    /// It receives something already.
    begun: bool,
    /// A change is under way.
    busy: Vec<u64>,
    offers: u64,
    /// The sections with pictures.
    pictures: Vec<String>,
}

/// Joins, and passes on what is said until there are no more replies to come.
pub async fn attend(seat: Seat, mut replies: UnboundedReceiver<Reply>, post: Post) {
    let number = seat.subscriber;
    if let Err(why) = converse(&seat, &mut replies, &post).await {
        let _ = post.send(number, Word::Ended(why));
    }
}

async fn converse(seat: &Seat, replies: &mut UnboundedReceiver<Reply>, post: &Post) -> Result<(), String> {
    let mut talk = Talk::open(seat.http).await?;
    let handle = talk.attach().await?;
    let feeds = seat.feeds.iter().map(|feed| u64::from(*feed) + 1).collect();
    let mut wishes = Wishes { handle, feeds, begun: false, busy: Vec::new(), offers: 0, pictures: Vec::new() };
    if let Some((number, offer)) = &seat.publisher {
        wishes.feeds.clear();
        let event = talk.publish(room_id(seat), *number, offer).await?;
        let sdp = event["jsep"]["sdp"].as_str().ok_or_else(|| event.to_string())?;
        post.send(*number, Word::Answer(sdp.to_owned()))?;
        talk.waiting.push_back(event);
    }
    loop {
        while let Some(event) = talk.waiting.pop_front() {
            if let Some(word) = wishes.hear(&event)? {
                post.send(seat.subscriber, word)?;
            }
        }
        if let Some(body) = wishes.next_request(room_id(seat)) {
            talk.say(handle, &body, None).await?;
        }
        tokio::select! {
            event = talk.next() => {
                let event = event?;
                if event["plugindata"]["data"]["error_code"] == NO_SUCH_FEED {
                    tokio::time::sleep(FEED_PAUSE).await;
                }
                talk.waiting.push_back(event);
            }
            reply = replies.recv() => match reply {
                Some(Reply::Layer(layer)) => talk.say(handle, &wishes.layer(layer), None).await?,
                Some(Reply::Answer(_, sdp)) => {
                    let answer = json!({ "type": "answer", "sdp": sdp });
                    talk.say(handle, &json!({ "request": "start" }), Some(answer)).await?;
                }
                None => return talk.socket.close(None).await.map_err(|e| e.to_string()),
            },
        }
    }
}

fn room_id(seat: &Seat) -> u64 {
    seat.room as u64 + 1
}

impl Wishes {
    /// Takes note of an event; an offer if there is one in it.
    fn hear(&mut self, event: &Value) -> Result<Option<Word>, String> {
        let data = &event["plugindata"]["data"];
        for publisher in data["publishers"].as_array().into_iter().flatten() {
            self.feeds.extend(publisher["id"].as_u64());
        }
        match data["error_code"].as_i64() {
            Some(NO_SUCH_FEED) => self.feeds.extend(self.busy.drain(..)),
            Some(_) => return Err(event.to_string()),
            None => {}
        }
        if event["janus"] == "hangup" || event["janus"] == "error" {
            return Err(event.to_string());
        }
        if event["sender"].as_u64() != Some(self.handle) {
            return Ok(None);
        }
        let kind = data["videoroom"].as_str();
        self.begun |= kind == Some("attached");
        if data["started"] == "ok" || kind == Some("updated") && event["jsep"].is_null() {
            self.busy.clear();
        }
        let streams = data["streams"].as_array().into_iter().flatten();
        let pictures: Vec<String> =
            streams.filter(|one| one["type"] == "video").filter_map(|one| one["mid"].as_str()).map(str::to_owned).collect();
        if !pictures.is_empty() {
            self.pictures = pictures;
        }
        let offer = event["jsep"]["sdp"].as_str().filter(|_| event["jsep"]["type"] == "offer");
        self.offers += u64::from(offer.is_some());
        Ok(offer.map(|sdp| Word::Offer(self.offers, sdp.to_owned())))
    }

    /// Asks for a layer of everything.
    fn layer(&self, layer: u8) -> Value {
        let stream = |mid: &String| json!({ "mid": mid, "substream": layer });
        json!({ "request": "configure", "streams": self.pictures.iter().map(stream).collect::<Vec<_>>() })
    }

    /// Asks for what is not received yet, one change at a time.
    fn next_request(&mut self, room: u64) -> Option<Value> {
        if self.feeds.is_empty() || !self.busy.is_empty() {
            return None;
        }
        self.busy = self.feeds.drain(..).collect();
        let streams: Vec<Value> = self.busy.iter().map(|feed| json!({ "feed": feed })).collect();
        Some(match self.begun {
            true => json!({ "request": "subscribe", "streams": streams }),
            false => json!({ "request": "join", "ptype": "subscriber", "room": room, "streams": streams }),
        })
    }
}

impl Talk {
    async fn open(http: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(http).await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let mut request = format!("ws://{http}/").into_client_request().map_err(|e| e.to_string())?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("janus-protocol"));
        let (socket, _) = client_async(request, stream).await.map_err(|e| e.to_string())?;
        let mut talk = Talk { socket, session: 0, transactions: 0, waiting: VecDeque::new() };
        talk.session = talk.ask(json!({ "janus": "create" })).await?["data"]["id"].as_u64().ok_or("no session")?;
        Ok(talk)
    }

    async fn attach(&mut self) -> Result<u64, String> {
        let answer =
            self.ask(json!({ "janus": "attach", "plugin": "janus.plugin.videoroom", "session_id": self.session })).await?;
        answer["data"]["id"].as_u64().ok_or_else(|| answer.to_string())
    }

    /// Makes the room unless it is there, and sends to it. The event with the answer.
    async fn publish(&mut self, room: u64, number: u32, offer: &str) -> Result<Value, String> {
        let handle = self.attach().await?;
        let make = json!({
            "request": "create", "room": room, "publishers": 64, "audiocodec": "opus", "videocodec": "vp8", "notify_joining": false,
        });
        let made = json!({ "janus": "message", "session_id": self.session, "handle_id": handle, "body": make });
        self.ask(made).await?;
        let join = json!({ "request": "joinandconfigure", "ptype": "publisher", "room": room, "id": u64::from(number) + 1 });
        let jsep = json!({ "type": "offer", "sdp": offer });
        let message = json!({ "janus": "message", "session_id": self.session, "handle_id": handle, "body": join, "jsep": jsep });
        self.ask(message).await
    }

    async fn say(&mut self, handle: u64, body: &Value, jsep: Option<Value>) -> Result<(), String> {
        let mut message = json!({ "janus": "message", "session_id": self.session, "handle_id": handle, "body": body });
        if let Some(jsep) = jsep {
            message["jsep"] = jsep;
        }
        self.send(message).await.map(|_| ())
    }

    /// Sends, and waits for what answers it.
    async fn ask(&mut self, message: Value) -> Result<Value, String> {
        let transaction = self.send(message).await?;
        loop {
            let value = self.next().await?;
            match value["transaction"].as_str() {
                Some(name) if name == transaction && value["janus"] != "ack" => return Ok(value),
                _ => self.waiting.push_back(value),
            }
        }
    }

    async fn send(&mut self, mut message: Value) -> Result<String, String> {
        self.transactions += 1;
        let transaction = self.transactions.to_string();
        message["transaction"] = json!(transaction);
        self.socket.send(Message::text(message.to_string())).await.map_err(|e| e.to_string())?;
        Ok(transaction)
    }

    async fn next(&mut self) -> Result<Value, String> {
        loop {
            let frame = self.socket.next().await.ok_or("the server closed the socket")?.map_err(|e| e.to_string())?;
            if let Message::Text(text) = frame {
                return serde_json::from_str(&text).map_err(|e| e.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> Wishes {
        Wishes { handle: 5, feeds: VecDeque::new(), begun: false, busy: Vec::new(), offers: 0, pictures: Vec::new() }
    }

    fn event(sender: u64, data: &Value, jsep: &Value) -> Value {
        json!({ "janus": "event", "sender": sender, "plugindata": { "data": data }, "jsep": jsep })
    }

    #[test]
    fn one_change_at_a_time() {
        let mut wishes = wishes();
        let publishers = json!({ "videoroom": "joined", "publishers": [{ "id": 8 }, { "id": 9 }] });
        assert_eq!(wishes.hear(&event(4, &publishers, &Value::Null)), Ok(None));
        let join = json!({ "request": "join", "ptype": "subscriber", "room": 1, "streams": [{ "feed": 8 }, { "feed": 9 }] });
        assert_eq!(wishes.next_request(1), Some(join));
        assert_eq!(wishes.hear(&event(4, &json!({ "publishers": [{ "id": 10 }] }), &Value::Null)), Ok(None));
        assert_eq!(wishes.next_request(1), None);
        let streams = json!([{ "mid": "0", "type": "audio" }, { "mid": "1", "type": "video" }]);
        let attached = json!({ "videoroom": "attached", "streams": streams });
        let offer = event(5, &attached, &json!({ "type": "offer", "sdp": "v=0" }));
        assert_eq!(wishes.hear(&offer), Ok(Some(Word::Offer(1, "v=0".into()))));
        assert_eq!(wishes.hear(&event(5, &json!({ "started": "ok" }), &Value::Null)), Ok(None));
        assert_eq!(wishes.next_request(1), Some(json!({ "request": "subscribe", "streams": [{ "feed": 10 }] })));
        assert_eq!(wishes.layer(2), json!({ "request": "configure", "streams": [{ "mid": "1", "substream": 2 }] }));
    }

    #[test]
    fn who_does_not_send_yet_is_asked_for_again() {
        let mut wishes = wishes();
        wishes.feeds.push_back(8);
        assert!(wishes.next_request(1).is_some());
        assert_eq!(wishes.hear(&event(5, &json!({ "error_code": 428 }), &Value::Null)), Ok(None));
        assert!(wishes.next_request(1).is_some());
        assert!(wishes.hear(&event(5, &json!({ "error_code": 426 }), &Value::Null)).is_err());
    }
}
