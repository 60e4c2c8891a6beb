//! Compositions and the hooks that ask for them: their parameters, and what is shown of them.

use super::ask::{CompositionId, HookId, MediaStatus};
use super::date::write as date;
use super::form::Form;
use super::media::{friendly_name, sid_of};
use super::memo::Method;
use super::recording::whole_seconds;
use super::refusal::Refusal;
use super::render::Host;
use super::rooms::{callback, callback_method};
use super::view::View;
use crate::{sid, unique};
use room::RoomId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is to be made of a room's recordings. Kept as JSON. Whether its names, its size and its layout mean something is for others to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// Whose sound.
    pub audio_sources: Vec<String>,
    /// Whose not.
    pub audio_sources_excluded: Vec<String>,
    /// Whose pictures are where: regions by their names.
    pub video_layout: Map<String, Value>,
    /// Width and height: `640x480`.
    pub resolution: String,
    /// Whether times without any recording are left out.
    pub trim: bool,
    /// The kind of file.
    pub format: Format,
    /// Who is told of it. Not kept with the rest.
    #[serde(skip)]
    pub callback: Option<(String, Method)>,
}

/// The kinds of files that are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// VP8 and Opus.
    #[default]
    Webm,
    /// H.264 and Opus.
    Mp4,
}

/// A new composition.
#[derive(Clone, Debug, PartialEq)]
pub struct NewComposition {
    /// Of which room.
    pub room: RoomId,
    /// What.
    pub wish: Wish,
}

/// A new hook, or what one is from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct NewHook {
    /// What it is called.
    pub name: String,
    /// Whether it works.
    pub enabled: bool,
    /// What it asks for.
    pub wish: Wish,
}

/// A composition.
#[derive(Clone, Debug, PartialEq)]
pub struct Composition {
    /// Which.
    pub id: CompositionId,
    /// Of which room.
    pub room: RoomId,
    /// How it is.
    pub status: MediaStatus,
    /// What was asked for.
    pub wish: Wish,
    /// When it was asked for, in ms since 1970 UTC.
    pub created_ms: u64,
    /// When it was there.
    pub completed_ms: Option<u64>,
    /// When it was deleted.
    pub deleted_ms: Option<u64>,
    /// Its length in ms; 0 until it is there.
    pub duration_ms: u64,
    /// Its size in bytes; 0 until it is there.
    pub bytes: u64,
}

/// A hook that asks for compositions.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// Which.
    pub id: HookId,
    /// What it is called.
    pub name: String,
    /// Whether it works.
    pub enabled: bool,
    /// What it asks for.
    pub wish: Wish,
    /// When it was made, in ms since 1970 UTC.
    pub created_ms: u64,
    /// When it was changed last; none: never.
    pub updated_ms: Option<u64>,
}

/// The name of a composition: `CJ…`
#[must_use]
pub fn composition_sid(id: CompositionId) -> String {
    format!("CJ{:032x}", id.0)
}

impl Default for Wish {
    fn default() -> Self {
        Wish {
            audio_sources: Vec::new(),
            audio_sources_excluded: Vec::new(),
            video_layout: Map::new(),
            resolution: RESOLUTION_DEFAULT.to_owned(),
            trim: true,
            format: Format::default(),
            callback: None,
        }
    }
}

const RESOLUTION_DEFAULT: &str = "640x480";

impl Wish {
    /// The wish in this text; what cannot be read is as if it had never been said.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        super::render::text(self)
    }

    fn of(form: &Form) -> Result<Self, Refusal> {
        let list = |name| Ok::<_, Refusal>(form.all(name)?.into_iter().map(str::to_owned).collect());
        let method = callback_method(form)?;
        Ok(Wish {
            audio_sources: list("AudioSources")?,
            audio_sources_excluded: list("AudioSourcesExcluded")?,
            video_layout: layout(form)?,
            resolution: form.one("Resolution")?.unwrap_or(RESOLUTION_DEFAULT).to_owned(),
            trim: form.flag("Trim")?.unwrap_or(true),
            format: form.word("Format", &[("mp4", Format::Mp4), ("webm", Format::Webm)])?.unwrap_or_default(),
            callback: callback(form)?.map(|url| (url, method)),
        })
    }

    fn asks_for_something(self) -> Result<Self, Refusal> {
        let nothing = self.video_layout.is_empty() && self.audio_sources.is_empty();
        if nothing { Err(Refusal::missing_one("VideoLayout", "AudioSources")) } else { Ok(self) }
    }
}

impl Format {
    /// The vendor's word, and the ending of the file's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Webm => "webm",
            Format::Mp4 => "mp4",
        }
    }
}

pub(super) fn create(form: &Form) -> Result<NewComposition, Refusal> {
    form.required("RoomSid")?;
    let room = sid_of(form, "RoomSid", "RM")?.ok_or_else(|| Refusal::missing("RoomSid"))?;
    Ok(NewComposition { room: RoomId(room), wish: Wish::of(form)?.asks_for_something()? })
}

pub(super) fn make_hook(form: &Form) -> Result<NewHook, Refusal> {
    let hook = change_hook(form)?;
    Ok(NewHook { wish: hook.wish.asks_for_something()?, ..hook })
}

/// What is not said has its default again, as the vendor has it.
pub(super) fn change_hook(form: &Form) -> Result<NewHook, Refusal> {
    let name = friendly_name(form)?;
    Ok(NewHook { name, enabled: form.flag("Enabled")?.unwrap_or(true), wish: Wish::of(form)? })
}

/// The regions of a layout, in which no key is there twice.
fn layout(form: &Form) -> Result<Map<String, Value>, Refusal> {
    let Some(text) = form.one("VideoLayout")? else { return Ok(Map::new()) };
    match unique::read(text.as_bytes()) {
        Ok(Value::Object(regions)) => Ok(regions),
        Ok(_) => Err(Refusal::invalid("VideoLayout", "must be a JSON object")),
        Err(why) => Err(Refusal::invalid("VideoLayout", &why)),
    }
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct WishFields<'a> {
    audio_sources: &'a [String],
    audio_sources_excluded: &'a [String],
    video_layout: &'a Map<String, Value>,
    resolution: &'a str,
    trim: bool,
    format: &'static str,
    status_callback: Option<&'a str>,
    status_callback_method: &'static str,
}

impl Wish {
    fn fields(&self) -> WishFields<'_> {
        let callback = self.callback.as_ref();
        WishFields {
            audio_sources: &self.audio_sources,
            audio_sources_excluded: &self.audio_sources_excluded,
            video_layout: &self.video_layout,
            resolution: &self.resolution,
            trim: self.trim,
            format: self.format.name(),
            status_callback: callback.map(|(url, _)| url.as_str()),
            status_callback_method: callback.map_or(Method::default(), |(_, method)| *method).name(),
        }
    }
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct CompositionFields<'a> {
    account_sid: &'a str,
    sid: String,
    room_sid: String,
    status: &'static str,
    date_created: String,
    date_completed: Option<String>,
    date_deleted: Option<String>,
    #[serde(flatten)]
    wish: WishFields<'a>,
    bitrate: u64,
    size: u64,
    duration: u64,
    media_external_location: Option<&'static str>,
    url: String,
    links: BTreeMap<&'static str, String>,
}

impl View for Composition {
    type Fields<'a> = CompositionFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> CompositionFields<'a> {
        let sid = composition_sid(self.id);
        let url = host.at(&format!("Compositions/{sid}"));
        CompositionFields {
            account_sid: host.account,
            sid,
            room_sid: sid::room(self.room),
            status: self.status.name(),
            date_created: date(self.created_ms),
            date_completed: self.completed_ms.map(date),
            date_deleted: self.deleted_ms.map(date),
            wish: self.wish.fields(),
            // Bits in a millisecond are kilobits in a second.
            bitrate: self.bytes.saturating_mul(8).checked_div(self.duration_ms).unwrap_or(0),
            size: self.bytes,
            duration: whole_seconds(self.duration_ms),
            media_external_location: None,
            links: BTreeMap::from([("media", format!("{url}/Media"))]),
            url,
        }
    }
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct HookFields<'a> {
    account_sid: &'a str,
    sid: String,
    friendly_name: &'a str,
    enabled: bool,
    date_created: String,
    date_updated: Option<String>,
    #[serde(flatten)]
    wish: WishFields<'a>,
    url: String,
}

impl View for Hook {
    type Fields<'a> = HookFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> HookFields<'a> {
        let sid = format!("HK{:032x}", self.id.0);
        HookFields {
            account_sid: host.account,
            friendly_name: &self.name,
            enabled: self.enabled,
            date_created: date(self.created_ms),
            date_updated: self.updated_ms.map(date),
            wish: self.wish.fields(),
            url: host.at(&format!("CompositionHooks/{sid}")),
            sid,
        }
    }
}
