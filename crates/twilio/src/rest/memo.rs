//! What is kept with a room only because REST wants it back.

use super::refusal::{Code, Refusal};
use super::rules::{self, RuleLine};
use room::Rule;
use serde::{Deserialize, Serialize};

/// The fields of a room that only this API knows. Kept as JSON with the room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memo {
    /// Who is told of the room's events.
    pub status_callback: Option<String>,
    /// How.
    pub status_callback_method: Method,
    /// What is said to be the region of its media. None in a room whose media does not pass the server.
    pub media_region: Option<String>,
    /// Whether everything is recorded unless rules say otherwise.
    pub record_participants_on_connect: bool,
    /// The rules that it was made with.
    #[serde(with = "spelled")]
    pub recording_rules: Option<Vec<RuleLine>>,
    /// As asked; without effect.
    pub large_room: bool,
    /// As asked; without effect.
    pub transcribe_participants_on_connect: bool,
}

/// The methods of callbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters in the body.
    #[default]
    Post,
}

impl Memo {
    /// The memo in this text; what cannot be read is as if it had never been said.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Which tracks are recorded in a room made so.
    #[must_use]
    pub fn record_rule(&self) -> Rule {
        match (&self.recording_rules, self.record_participants_on_connect) {
            (Some(lines), _) => Rule::Listed(lines.clone().into()),
            (None, true) => Rule::All,
            (None, false) => Rule::Nothing,
        }
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        super::render::text(self)
    }
}

impl Method {
    /// As HTTP has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let known = [Method::Get, Method::Post].into_iter().find(|method| method.name().eq_ignore_ascii_case(text));
        known.ok_or_else(|| Refusal::of(Code::CallbackMethod, "StatusCallbackMethod", "must be GET or POST"))
    }
}

/// Rules as text within the text, so that one reader checks them wherever they come from.
mod spelled {
    use super::{Deserialize, RuleLine, Serialize, rules};
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(lines: &Option<Vec<RuleLine>>, to: S) -> Result<S::Ok, S::Error> {
        lines.as_ref().map(|lines| rules::spell_recording(lines)).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<RuleLine>>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        Ok(text.and_then(|text| rules::recording(&text).ok()))
    }
}
