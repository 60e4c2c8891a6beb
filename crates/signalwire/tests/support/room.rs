//! People in a room, a media server that answers whatever it is offered, and what each of them hears.

use super::client::{Client, offer};
use super::door;
use super::hub::{Hub, Sent};
use room::{Act, ConnId, News, Order, Report, Sealed, Signal, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct Room {
    pub hub: Hub,
    pub people: BTreeMap<ConnId, Client>,
    /// Whether the media server answers.
    pub media: bool,
    answered: usize,
    seeds: u64,
}

impl Room {
    pub fn new() -> Self {
        Room { hub: door::hub(), people: BTreeMap::new(), media: true, answered: 0, seeds: 0 }
    }

    /// A socket is opened.
    pub fn open(&mut self) -> ConnId {
        self.seeds += 1;
        let conn = self.hub.open(door::session(self.seeds));
        self.people.insert(conn, Client::default());
        conn
    }

    /// Somebody comes in, and everything arrives.
    pub fn join(&mut self, token: &str, call: &str) -> ConnId {
        let conn = self.open();
        self.connect(conn, token, None);
        self.invite(conn, call, call);
        assert!(self.client(conn).is_in(call), "{:?}", self.client(conn).frames);
        conn
    }

    pub fn connect(&mut self, conn: ConnId, token: &str, protocol: Option<&str>) -> Value {
        let mut params = json!({ "version": { "major": 3 }, "event_acks": true, "authentication": { "jwt_token": token } });
        if let Some(protocol) = protocol {
            params["protocol"] = protocol.into();
        }
        self.ask(conn, "signalwire.connect", params)
    }

    /// Connects on a new socket with the word to come back by, and what goes with it.
    pub fn connect_with_state(&mut self, conn: ConnId, token: &str, (protocol, state): (&str, &str)) -> Value {
        let version = json!({ "major": 3 });
        let authentication = json!({ "jwt_token": token });
        let params =
            json!({ "version": version, "authentication": authentication, "protocol": protocol, "authorization_state": state });
        self.ask(conn, "signalwire.connect", params)
    }

    /// Offers media by this call, with this certificate.
    pub fn invite(&mut self, conn: ConnId, call: &str, print: &str) -> Value {
        self.invite_with(conn, call, json!({}), &offer(print, "sendrecv", false), json!({}))
    }

    pub fn invite_with(&mut self, conn: ConnId, call: &str, dialog: Value, sdp: &str, more: Value) -> Value {
        let mut params = more;
        params["dialogParams"] = dialog;
        params["sdp"] = sdp.into();
        let listens = ["video.member.updated", "video.member.talking", "video.memberList.updated", "video.junk"];
        self.verto(conn, "verto.invite", call, params, &listens)
    }

    /// Shares a screen: pictures first, sound second, nothing back.
    pub fn share(&mut self, conn: ConnId, call: &str, more: Value) -> Value {
        let dialog = json!({ "screenShare": true, "userVariables": { "memberId": "x" } });
        self.invite_with(conn, call, dialog, &offer(call, "sendonly", true), more)
    }

    pub fn bye(&mut self, conn: ConnId, call: &str) -> Value {
        self.verto(conn, "verto.bye", call, json!({ "dialogParams": {} }), &[])
    }

    /// A message about a call, and the answer in its wrapping, or what refuses it.
    pub fn verto(&mut self, conn: ConnId, method: &str, call: &str, mut params: Value, subscribe: &[&str]) -> Value {
        params["dialogParams"]["callID"] = call.into();
        if !subscribe.is_empty() {
            self.client(conn).listens_to_list = subscribe.contains(&"video.memberList.updated");
        }
        let message = json!({ "jsonrpc": "2.0", "id": format!("inner-{call}"), "method": method, "params": params });
        let answer = self.ask(conn, "video.message", json!({ "message": message, "callID": call, "subscribe": subscribe }));
        match answer["result"]["result"]["result"].as_object() {
            Some(inner) => {
                assert_eq!(answer["result"]["code"], "200");
                assert_eq!(answer["result"]["result"]["id"], format!("inner-{call}"));
                Value::Object(inner.clone())
            }
            None => answer["result"].clone(),
        }
    }

    /// The code of the answer to a method.
    pub fn method(&mut self, conn: ConnId, name: &str, params: Value) -> String {
        let answer = self.ask(conn, name, params);
        answer["result"]["code"].as_str().map_or_else(|| answer["error"]["code"].to_string(), str::to_owned)
    }

    /// The result of a method.
    pub fn result(&mut self, conn: ConnId, name: &str, params: Value) -> Value {
        self.ask(conn, name, params)["result"].clone()
    }

    /// The answer to a request, none if it is still to come.
    pub fn ask(&mut self, conn: ConnId, method: &str, params: Value) -> Value {
        let client = self.people.get_mut(&conn).expect("a client");
        let text = client.request(method, params);
        let id = client.asked.to_string();
        self.say(conn, &text);
        self.client(conn).answers.remove(&id).unwrap_or_default()
    }

    pub fn say(&mut self, conn: ConnId, text: &str) {
        self.hub.text(conn, text);
        self.deliver();
    }

    pub fn close(&mut self, conn: ConnId, code: Option<u16>) {
        self.hub.close(conn, code);
        self.deliver();
    }

    pub fn wait(&mut self, ms: u64) {
        let until = self.hub.now_ms() + ms;
        while self.hub.now_ms() < until {
            self.hub.advance_to(until.min(self.hub.now_ms() + 1_000));
            self.deliver();
        }
    }

    pub fn client(&mut self, conn: ConnId) -> &mut Client {
        self.people.get_mut(&conn).expect("a client")
    }

    /// The participant that a call belongs to, as the media server knows it.
    pub fn peer(&self, call: &str) -> &Order {
        let opens = |order: &&Order| matches!(&order.act, Act::Open(open) if open.link.0.starts_with(&format!("{call} ")));
        self.hub.orders.iter().rev().find(opens).expect("an order to open")
    }

    pub fn news(&mut self, call: &str, news: News) {
        let order = self.peer(call).clone();
        let Act::Open(open) = order.act else { unreachable!() };
        self.hub.report(Report::Of { room: order.room, who: order.who, link: open.link, news });
        self.deliver();
    }

    pub fn deliver(&mut self) {
        loop {
            let before = self.answered;
            self.answer_offers();
            let mut heard = false;
            while let Some(sent) = self.hub.poll() {
                heard = true;
                match sent {
                    Sent::Text(conn, text) => self.hear(conn, &text),
                    Sent::Closed(conn, code) => self.client(conn).closed = Some(code),
                }
            }
            if !heard && before == self.answered {
                return;
            }
        }
    }

    fn hear(&mut self, conn: ConnId, text: &str) {
        let answers = self.client(conn).hear(text);
        for answer in answers {
            self.hub.text(conn, &answer);
        }
    }

    fn answer_offers(&mut self) {
        while let Some(order) = self.hub.orders.get(self.answered).filter(|_| self.media).cloned() {
            self.answered += 1;
            let (link, offered) = match order.act {
                Act::Open(open) => (open.link, open.offer),
                Act::Signal(link, signal) if signal.step == Step::Offer => (link, signal),
                _ => continue,
            };
            let sealed = Sealed(answer_to(&offered.sealed.0).into());
            let news = News::Signal(Signal { step: Step::Answer, revision: offered.revision, sealed });
            self.hub.report(Report::Of { room: order.room, who: order.who, link, news });
        }
    }
}

/// In the order of the offer, as a standard answer is, so that the door has something to do.
fn answer_to(offer: &str) -> String {
    offer.replace("a=sendonly", "a=recvonly")
}
