//! A room as its owner made it: what is kept of it, and how it begins.

use std::time::Duration;

use ::room::{Canvas, Definition, LayoutName, Meta, Moment, RoomKind, RoomOptions, Sealed, StageSettings, Terms};
use serde::{Deserialize, Serialize};

use super::limit::MEMBERS_DEFAULT;
use crate::names;

/// A room that its owner made. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomRecord {
    /// Its id, which stays the same from session to session. As text: JSON's numbers are too small for it.
    #[serde(with = "id")]
    pub id: u128,
    /// Its name, unique.
    pub name: String,
    /// What it is called.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Seats.
    pub max_members: u32,
    /// Size of its picture.
    pub quality: Quality,
    /// Pictures a second.
    pub fps: u8,
    /// Nobody comes in before, in ms since 1970 UTC.
    pub join_from_ms: Option<u64>,
    /// Nobody comes in after.
    pub join_until_ms: Option<u64>,
    /// Everybody is put out then.
    pub remove_at_ms: Option<u64>,
    /// Everybody is put out so many seconds after coming in.
    pub remove_after_s: Option<u32>,
    /// How members stand.
    #[serde(with = "layout")]
    pub layout: LayoutName,
    /// Whether a session is recorded from its beginning.
    pub record_on_start: bool,
    /// As asked; without effect.
    pub enable_room_previews: bool,
    /// Whether entry and exit are heard.
    pub tone_on_entry_and_exit: bool,
    /// Whether pictures begin muted, as the room has it.
    pub room_join_video_off: bool,
    /// Whether a member's own pictures begin muted.
    pub user_join_video_off: bool,
    /// Whether who raised a hand stands first.
    pub prioritize_handraise: bool,
    /// As asked; sound and pictures are always in step.
    pub sync_audio_video: Option<bool>,
    /// Words of the app, as JSON.
    pub meta: String,
    /// When it was made.
    pub created_ms: u64,
    /// When it was changed last.
    pub updated_ms: u64,
}

/// Size of a room's picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quality {
    /// 1280 by 720.
    #[default]
    #[serde(rename = "720p")]
    Hd,
    /// 1920 by 1080.
    #[serde(rename = "1080p")]
    FullHd,
}

impl Default for RoomRecord {
    fn default() -> Self {
        RoomRecord {
            id: 0,
            name: String::new(),
            display_name: String::new(),
            description: String::new(),
            max_members: MEMBERS_DEFAULT,
            quality: Quality::default(),
            fps: 20,
            join_from_ms: None,
            join_until_ms: None,
            remove_at_ms: None,
            remove_after_s: None,
            layout: LayoutName::default(),
            record_on_start: false,
            enable_room_previews: false,
            tone_on_entry_and_exit: true,
            room_join_video_off: false,
            user_join_video_off: false,
            prioritize_handraise: false,
            sync_audio_video: None,
            meta: "{}".to_owned(),
            created_ms: 0,
            updated_ms: 0,
        }
    }
}

impl Quality {
    /// As the API has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Quality::Hd => "720p",
            Quality::FullHd => "1080p",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Quality::Hd, Quality::FullHd].into_iter().find(|quality| quality.name() == text)
    }

    fn canvas(self, fps: u8) -> Canvas {
        match self {
            Quality::Hd => Canvas { width: 1280, height: 720, fps },
            Quality::FullHd => Canvas { width: 1920, height: 1080, fps },
        }
    }
}

impl RoomRecord {
    /// The record in this text.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        super::render::text(self)
    }

    /// How its sessions begin. `moment` tells which moment of the rooms' clock a time of day is.
    #[must_use]
    pub fn definition(&self, moment: impl Fn(u64) -> Moment) -> Definition {
        let terms = Terms::made(RoomKind::Group);
        let seats_max = usize::try_from(self.max_members).unwrap_or(usize::MAX).min(terms.seats_max);
        let session_max = self.remove_after_s.map(|seconds| Duration::from_secs(seconds.into()));
        Definition {
            kind: RoomKind::Group,
            options: RoomOptions::default(),
            terms: Terms { seats_max, session_max, empty_timeout: Duration::ZERO, ..terms },
            stage: self.stage(),
            opens: self.join_from_ms.map(&moment),
            closes: self.join_until_ms.map(&moment),
            ends: self.remove_at_ms.map(&moment),
            memo: Sealed(self.memo().into()),
        }
    }

    fn stage(&self) -> StageSettings {
        StageSettings {
            canvas: self.quality.canvas(self.fps),
            layout: self.layout,
            tones: self.tone_on_entry_and_exit,
            join_audio_muted: false,
            join_video_muted: self.room_join_video_off || self.user_join_video_off,
            prioritize_hands: self.prioritize_handraise,
            display_name: self.display_name.as_str().into(),
            meta: self.meta(),
            record_on_start: self.record_on_start,
        }
    }

    /// Its app's words by key.
    #[must_use]
    pub fn meta(&self) -> Meta {
        names::read_meta(&self.meta)
    }

    /// What goes with each of its sessions: this record as it was then.
    #[must_use]
    pub fn memo(&self) -> String {
        super::render::text(&serde_json::json!({ MEMO_KEY: self }))
    }

    /// The record that a session was made by.
    #[must_use]
    pub fn of_memo(memo: &str) -> Option<Self> {
        let mut memo: serde_json::Map<String, serde_json::Value> = serde_json::from_str(memo).ok()?;
        serde_json::from_value(memo.remove(MEMO_KEY)?).ok()
    }
}

/// Beside what other doors keep with a room.
const MEMO_KEY: &str = "signalwire";

mod id {
    use crate::uuid;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(id: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&uuid::spell(*id))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        uuid::parse(&String::deserialize(from)?).ok_or_else(|| D::Error::custom("no UUID"))
    }
}

mod layout {
    use super::{LayoutName, names};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(layout: &LayoutName, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(names::layout(*layout))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<LayoutName, D::Error> {
        let text = String::deserialize(from)?;
        Ok(names::parse_layout(&text).unwrap_or_default())
    }
}
