//! A small model of the SDK and of the demonstration page around it: what it remembers, and where the real ones would break.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Client {
    /// Everything it heard.
    pub frames: Vec<Value>,
    /// Answers to its requests, by id.
    pub answers: BTreeMap<String, Value>,
    /// How many requests it made.
    pub asked: u64,
    /// What it was told when it connected.
    pub protocol: String,
    /// What it gives back besides.
    pub state: String,
    /// Calls that were answered, with the answers.
    pub calls: BTreeMap<String, String>,
    /// The call for which the room was told, and whom that was.
    pub room: Option<(String, String)>,
    /// The page's list of members: id and name.
    pub members: BTreeMap<String, String>,
    /// The SDK's own, which knows what was updated.
    pub list: BTreeMap<String, Value>,
    pub layout: Value,
    /// Recordings that it has an object of, and their state.
    pub recordings: BTreeMap<String, String>,
    /// Calls that we ended.
    pub byes: Vec<String>,
    pub closed: Option<u16>,
    pub listens_to_list: bool,
    ids: BTreeSet<String>,
}

impl Client {
    pub fn request(&mut self, method: &str, params: Value) -> String {
        self.asked += 1;
        json!({ "jsonrpc": "2.0", "id": self.asked.to_string(), "method": method, "params": params }).to_string()
    }

    pub fn is_in(&self, call: &str) -> bool {
        self.calls.contains_key(call) && self.room.as_ref().is_some_and(|(own, _)| own == call)
    }

    /// Its own id.
    pub fn me(&self) -> String {
        self.room.clone().expect("in a room").1
    }

    /// Names of the members in the page's list.
    pub fn names(&self) -> Vec<&str> {
        self.members.values().map(String::as_str).collect()
    }

    /// Whom the page has under this name.
    pub fn member(&self, name: &str) -> String {
        let found = self.members.iter().find(|(_, own)| *own == name);
        found.unwrap_or_else(|| panic!("nobody is called {name}: {:?}", self.members)).0.clone()
    }

    /// The parameters of every event of this type.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        let events = self.frames.iter().filter(|frame| frame["params"]["event_type"] == kind);
        events.map(|frame| frame["params"]["params"].clone()).collect()
    }

    /// The parameters of every message about a call.
    pub fn verto(&self, method: &str) -> Vec<Value> {
        self.events("webrtc.message").into_iter().filter(|e| e["method"] == method).map(|e| e["params"].clone()).collect()
    }

    /// The types of all events since this was asked last.
    pub fn heard(&mut self) -> Vec<String> {
        let kind = |frame: &Value| match frame["params"]["event_type"].as_str() {
            Some("webrtc.message") => frame["params"]["params"]["method"].as_str().map(str::to_owned),
            kind => kind.map(str::to_owned),
        };
        std::mem::take(&mut self.frames).iter().filter_map(kind).collect()
    }

    /// Takes a frame; gives back what the SDK answers.
    pub fn hear(&mut self, text: &str) -> Vec<String> {
        let frame: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(frame["jsonrpc"], "2.0");
        self.frames.push(frame.clone());
        match frame["method"].as_str() {
            None => self.hear_answer(&frame),
            Some("signalwire.event") => return self.hear_event(&frame),
            Some("signalwire.ping") => return vec![answer(&frame["id"], &frame["params"])],
            Some("signalwire.disconnect") => return vec![answer(&frame["id"], &json!({}))],
            Some(other) => panic!("the SDK knows no {other}"),
        }
        Vec::new()
    }

    fn hear_answer(&mut self, frame: &Value) {
        assert!(frame["result"].is_object() ^ frame["error"].is_object(), "{frame}");
        if let Some(code) = frame["result"].get("code") {
            assert!(code.is_string(), "codes are texts: {frame}");
        }
        if let Some(protocol) = frame["result"]["protocol"].as_str() {
            check_connected(&frame["result"]);
            protocol.clone_into(&mut self.protocol);
        }
        let Some(id) = frame["id"].as_str().map(str::to_owned) else { return };
        assert!(self.answers.insert(id, frame.clone()).is_none(), "answered twice: {frame}");
    }

    fn hear_event(&mut self, frame: &Value) -> Vec<String> {
        let (event, id) = (&frame["params"], frame["id"].as_str().expect("a text"));
        assert!(self.ids.insert(id.to_owned()), "an id twice: {frame}");
        let complete = ["event_type", "event_channel", "node_id", "project_id"].iter().all(|name| event[*name].is_string());
        assert!(complete && event["timestamp"].is_f64(), "{frame}");
        let mut answers = vec![answer(&frame["id"], &json!({}))];
        let (kind, params) = (event["event_type"].as_str().unwrap_or_default(), &event["params"]);
        match kind {
            "webrtc.message" => answers.extend(self.hear_verto(params)),
            "signalwire.authorization.state" => {
                params["authorization_state"].as_str().expect("a text").clone_into(&mut self.state);
            }
            kind => {
                assert!(params["room_id"].is_string() && params["room_session_id"].is_string(), "{frame}");
                self.hear_room(kind, params);
            }
        }
        answers
    }

    fn hear_verto(&mut self, message: &Value) -> Option<String> {
        let call = message["params"]["callID"].as_str().expect("a call").to_owned();
        match message["method"].as_str().unwrap_or_default() {
            "verto.answer" => {
                let sdp = message["params"]["sdp"].as_str().expect("a description");
                let (sound, pictures) = (sdp.find("m=audio").expect("sound"), sdp.find("m=video"));
                assert!(pictures.is_none_or(|pictures| sound < pictures), "the SDK breaks answers with pictures first");
                assert!(sdp.ends_with("\r\n"));
                self.calls.insert(call, sdp.to_owned());
            }
            "verto.bye" => {
                self.calls.remove(&call);
                self.byes.push(call);
            }
            // Not answered by the SDK.
            "verto.mediaParams" => return None,
            other => panic!("the SDK does nothing on {other}"),
        }
        let done = json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "method": message["method"] } });
        let params = json!({ "message": done, "node_id": "node@test" });
        Some(
            json!({ "jsonrpc": "2.0", "id": format!("ack-{}", message["id"]), "method": "video.message", "params": params })
                .to_string(),
        )
    }

    fn hear_room(&mut self, kind: &str, params: &Value) {
        let member = &params["member"];
        let id = member["id"].as_str().unwrap_or_default().to_owned();
        match kind {
            "video.room.subscribed" => self.enter(params),
            "video.member.joined" => {
                check_member(member);
                assert!(self.room.as_ref().is_none_or(|(_, me)| *me != id), "nobody is told of its own coming");
                let name = member["name"].as_str().unwrap_or_default().to_owned();
                assert!(self.members.insert(id.clone(), name).is_none(), "the page has it twice: {member}");
                self.list.insert(id, member.clone());
            }
            "video.member.left" => {
                check_member(member);
                self.members.remove(&id);
                self.list.remove(&id);
            }
            "video.member.updated" => {
                let updated = member["updated"].as_array().expect("names of fields");
                assert!(updated.iter().all(|name| member.get(name.as_str().unwrap_or_default()).is_some()), "{member}");
                if self.listens_to_list {
                    // As the SDK does: what it was told last is all that it knows.
                    check_member(member);
                    self.list.insert(id, member.clone());
                    return;
                }
                let known = self.list.entry(id).or_insert_with(|| json!({}));
                for (name, value) in member.as_object().expect("a member") {
                    known[name] = value.clone();
                }
            }
            "video.layout.changed" => self.layout = check_layout(&params["layout"]),
            "video.member.promoted" | "video.member.demoted" => check_authorization(&params["authorization"]),
            "video.room.started" | "video.room.ended" | "video.room.updated" => {
                assert!(params["room"].is_object() && params["room_session"].is_object());
            }
            "video.room.audience_count" => assert!(params["total"].is_u64()),
            "video.member.talking" => assert!(member["talking"].is_boolean()),
            "video.recording.started" | "video.recording.updated" | "video.recording.ended" => {
                self.hear_recording(kind, &params["recording"]);
            }
            "video.playback.started" | "video.playback.updated" | "video.playback.ended" => {
                hear_playback(kind, &params["playback"]);
            }
            other => panic!("nobody listens to {other}"),
        }
    }

    /// The SDK keeps an object for each until it has ended, and makes dates of its times.
    fn hear_recording(&mut self, kind: &str, recording: &Value) {
        let id = recording["id"].as_str().expect("an id").to_owned();
        assert!(recording["started_at"].as_f64().is_some_and(|seconds| seconds > 0.0));
        let state = recording["state"].as_str().expect("a state").to_owned();
        let ended = kind == "video.recording.ended";
        assert_eq!((state == "completed", recording["ended_at"].is_number()), (ended, ended), "{kind}: {recording}");
        let before = if ended { self.recordings.remove(&id) } else { self.recordings.insert(id, state.clone()) };
        assert_ne!(before, Some(state), "told twice");
    }

    fn enter(&mut self, params: &Value) {
        let call = params["call_id"].as_str().expect("a call").to_owned();
        assert!(self.calls.contains_key(&call), "the room is told after the answer");
        let me = params["member_id"].as_str().expect("a member").to_owned();
        for room in [&params["room"], &params["room_session"]] {
            let all = room["members"].as_array().expect("a list");
            all.iter().for_each(check_member);
            assert!(
                ["id", "room_id", "room_session_id", "name", "display_name", "layout_name"].iter().all(|n| room[*n].is_string())
            );
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            self.members = all.iter().map(|one| (text(&one["id"]), text(&one["name"]))).collect();
        }
        self.room = Some((call, me));
    }
}

fn answer(id: &Value, result: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

fn check_connected(result: &Value) {
    check_authorization(&result["authorization"]);
    let words: Vec<&str> = result["protocol"].as_str().unwrap_or_default().split('_').collect();
    assert_eq!(words.get(1).copied(), result["authorization"]["signature"].as_str());
    assert!(result["ice_servers"].is_array() && result["identity"].is_string());
}

fn check_authorization(of: &Value) {
    assert!(of.get("jti").is_none(), "the SDK would take it for another product's");
    assert!(of["room"]["scopes"].is_array() && of["room"]["name"].is_string());
    let known = |name: &str, all: &[&str]| assert!(all.contains(&of[name].as_str().unwrap_or_default()), "{name} in {of}");
    known("type", &["video"]);
    known("join_as", &["member", "audience"]);
    known("audio_allowed", &["none", "receive", "both"]);
    known("video_allowed", &["none", "receive", "both"]);
}

fn check_member(of: &Value) {
    assert!(
        ["id", "room_id", "room_session_id", "name", "type", "current_position"].iter().all(|name| of[*name].is_string()),
        "{of}"
    );
    let flags = ["visible", "audio_muted", "video_muted", "deaf", "handraised"];
    assert!(flags.iter().all(|name| of[*name].is_boolean()), "{of}");
    assert!(of["meta"].is_object() && of["input_volume"].is_i64(), "{of}");
}

fn check_layout(of: &Value) -> Value {
    assert!(of["name"].is_string() && of["room_session_id"].is_string());
    for layer in of["layers"].as_array().expect("layers") {
        let percent = |name: &str| layer[name].as_f64().filter(|share| (0.0..=100.0).contains(share)).expect("a percentage");
        assert!(percent("x") + percent("width") <= 100.001 && percent("y") + percent("height") <= 100.001, "{layer}");
        let taken = layer["member_id"].is_string() || layer["playing_file"] == true;
        assert_eq!(layer["visible"].as_bool(), Some(taken));
    }
    of.clone()
}

/// An offer of sound and pictures, made with a certificate that is told by this word.
pub fn offer(print: &str, direction: &str, pictures_first: bool) -> String {
    let hex: String = print.bytes().chain([0; 8]).take(8).map(|byte| format!("{byte:02X}:")).collect();
    let section = |kind: &str, mid: u8, track: &str| {
        format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=fingerprint:sha-256 {hex}00\r\na=mid:{mid}\r\na={direction}\r\na=msid:s {track}-{print}\r\n"
        )
    };
    let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n";
    match pictures_first {
        false => format!("{head}{}{}", section("audio", 0, "mic"), section("video", 1, "cam")),
        true => format!("{head}{}{}", section("video", 0, "cam"), section("audio", 1, "mic")),
    }
}

/// Its users read any of it at any time, so each event has the whole object.
fn hear_playback(kind: &str, playback: &Value) {
    assert!(playback["id"].is_string() && playback["url"].is_string() && playback["seekable"].is_boolean(), "{playback}");
    assert!(playback["volume"].is_i64() && playback["position"].is_u64() && playback["started_at"].is_number(), "{playback}");
    let ended = kind == "video.playback.ended";
    assert_eq!((playback["state"] == "completed", playback["ended_at"].is_number()), (ended, ended), "{kind}: {playback}");
    assert!(kind != "video.playback.started" || playback["state"] == "playing", "the vendor's test takes no other state");
}
