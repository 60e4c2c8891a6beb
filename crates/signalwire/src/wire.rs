//! The messages as they stand on the wire: JSON-RPC 2.0, and inside of it the vendor's calls. Fields that nobody needs are skipped,
//! whatever they hold: apps send odd ones. Source: the real SDKs, see `docs/wire/signalwire.md`.

mod said;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::limit::{CALL_ID_BYTES_MAX, ID_BYTES_MAX, SUBSCRIPTIONS_MAX};

pub use said::{
    Authorization, Connected, Event, IceServer, Layer, Layout, Member, Outer, Place, Playback, Recording, Request, RoomObject,
    RoomScopes,
};

/// A frame from a client: a request, or without a method the answer to one of ours.
#[derive(Deserialize)]
pub struct Frame<'a> {
    /// Comes back in the answer, as it came.
    #[serde(borrow)]
    pub id: Option<&'a RawValue>,
    /// What is asked for.
    #[serde(borrow)]
    pub method: Option<Cow<'a, str>>,
    /// How.
    #[serde(borrow)]
    pub params: Option<&'a RawValue>,
}

/// The id of a request, as its sender spelled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcId(Box<str>);

impl RpcId {
    /// Takes an id over; one that is missing is null. None if it is too long, or has half a character in it that not everybody could
    /// read in our answer.
    #[must_use]
    pub fn new(raw: Option<&RawValue>) -> Option<RpcId> {
        let text = raw.map_or("null", RawValue::get);
        let readable = text.len() <= ID_BYTES_MAX && serde_json::from_str::<Value>(text).is_ok();
        readable.then(|| RpcId(text.into()))
    }

    /// That of a request whose id is not known.
    #[must_use]
    pub fn null() -> RpcId {
        RpcId("null".into())
    }

    /// As JSON.
    #[must_use]
    pub fn raw(&self) -> Box<RawValue> {
        RawValue::from_string(self.0.to_string()).unwrap_or_default()
    }
}

/// `signalwire.connect` and `signalwire.reauthenticate`.
#[derive(Deserialize)]
pub struct Connect {
    /// Who it is.
    pub authentication: Authentication,
    /// What it was told when it connected before.
    pub protocol: Option<String>,
    /// What it was told after that.
    pub authorization_state: Option<String>,
}

/// A token.
#[derive(Deserialize)]
pub struct Authentication {
    /// The room token.
    pub jwt_token: String,
}

/// `video.message`: a message about a call.
#[derive(Deserialize)]
pub struct VideoMessage<'a> {
    /// The message.
    #[serde(borrow)]
    pub message: VertoFrame<'a>,
    /// Which call; older SDKs leave it out.
    #[serde(rename = "callID", default)]
    pub call_id: Option<String>,
    /// What the app listens to.
    #[serde(default)]
    pub subscribe: Option<Vec<String>>,
}

/// A message about a call: a request, or without a method an answer.
#[derive(Deserialize)]
pub struct VertoFrame<'a> {
    /// Comes back in the answer.
    #[serde(borrow)]
    pub id: Option<&'a RawValue>,
    /// `verto.invite` and so on.
    pub method: Option<String>,
    /// How.
    pub params: Option<VertoParams>,
}

/// What is said of a call.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct VertoParams {
    /// What kind of call.
    #[serde(rename = "dialogParams")]
    pub dialog: Dialog,
    /// A description.
    pub sdp: Option<String>,
    /// Of `verto.modify`: `updateMedia`, `hold`, `unhold`.
    pub action: Option<String>,
    /// With a screen: how members are to stand.
    pub layout: Option<String>,
    /// With a screen: who is to stand where.
    pub positions: Option<Map<String, Value>>,
}

/// What kind of call.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Dialog {
    /// Its id, the client's choice.
    #[serde(rename = "callID")]
    pub call_id: Option<String>,
    /// `room`, if the app did not make a session that can be found again after a reload.
    pub destination_number: Option<String>,
    /// Whether it is a screen.
    #[serde(rename = "screenShare")]
    pub screen: bool,
    /// Whether it is another camera or microphone.
    #[serde(rename = "additionalDevice")]
    pub device: bool,
}

impl VideoMessage<'_> {
    /// Which call this is about.
    #[must_use]
    pub fn call(&self) -> Option<&str> {
        let inner = || self.message.params.as_ref().and_then(|params| params.dialog.call_id.as_deref());
        let call = self.call_id.as_deref().filter(|call| !call.is_empty()).or_else(inner)?;
        let good = !call.is_empty() && call.len() <= CALL_ID_BYTES_MAX && room::is_speakable(call);
        good.then_some(call)
    }

    /// Whether the app listens to this, by any of its spellings. Names have a prefix, sometimes twice, and `members.talking` may be
    /// followed by more.
    #[must_use]
    pub fn listens(&self, spellings: &[&str]) -> bool {
        let names = self.subscribe.iter().flatten().take(SUBSCRIPTIONS_MAX);
        let mut names = names.map(|name| name.trim_start_matches("video."));
        names.any(|name| spellings.iter().any(|spelling| name.starts_with(spelling)))
    }
}

/// Our answer to a request.
#[derive(Serialize)]
pub struct Answer<T: Serialize> {
    jsonrpc: &'static str,
    id: Box<RawValue>,
    #[serde(flatten)]
    outcome: Outcome<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome<T: Serialize> {
    Result(T),
    Error { code: i32, message: &'static str },
}

impl<T: Serialize> Answer<T> {
    /// What was asked for.
    #[must_use]
    pub fn result(id: &RpcId, result: T) -> Self {
        Answer { jsonrpc: "2.0", id: id.raw(), outcome: Outcome::Result(result) }
    }
}

impl Answer<()> {
    /// There is no result.
    #[must_use]
    pub fn error(id: &RpcId, fault: crate::problem::Fault) -> Self {
        Answer { jsonrpc: "2.0", id: id.raw(), outcome: Outcome::Error { code: fault.code, message: fault.message } }
    }
}

/// A result with a code, and whatever else was asked for by its name.
#[derive(Serialize)]
pub struct Coded {
    /// A string of digits, as of HTTP.
    pub code: &'static str,
    /// In words.
    pub message: &'static str,
    /// What was asked for.
    #[serde(flatten)]
    pub extra: BTreeMap<&'static str, Value>,
}

impl Coded {
    /// Done.
    #[must_use]
    pub fn ok() -> Self {
        Coded { code: "200", message: "OK", extra: BTreeMap::new() }
    }

    /// Done, and this was asked for.
    #[must_use]
    pub fn with(name: &'static str, value: Value) -> Self {
        Coded { extra: BTreeMap::from([(name, value)]), ..Coded::ok() }
    }

    /// Not done.
    #[must_use]
    pub fn refused(problem: crate::problem::Problem) -> Self {
        Coded { code: problem.code, message: problem.message, extra: BTreeMap::new() }
    }
}
