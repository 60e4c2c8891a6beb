//! Twilio's REST API for video, without the HTTP: what a request asks for ([`parse`]), and the text of every answer ([`render`]).
//!
//! Source: the vendor's published interface description and what its libraries for Python and Node send and read; `docs/ref/twilio.md`
//! has every resource and field.

mod ask;
mod composition;
mod date;
mod form;
pub mod limit;
mod media;
mod memo;
mod paging;
mod recording;
mod refusal;
mod render;
mod rooms;
mod route;
pub mod rules;
mod view;

pub use crate::unique::is_unique;
pub use ask::{
    Ask, CompositionFilter, CompositionId, Grouping, HookFilter, HookId, Key, MediaStatus, NewRoom, ParticipantFilter,
    ParticipantKey, RecordingFilter, RecordingId, RoomFilter, RoomKey, SettingsOf, TrackKey,
};
pub use composition::{Composition, Format, Hook, NewComposition, NewHook, Wish, composition_sid};
pub(crate) use date::write_ms;
pub(crate) use form::{encode, escape, unescape};
pub use memo::{Memo, Method};
pub use paging::{Anchor, Ends, ListOf, PageAsk};
pub use recording::{Recording, RoomRecording, recording_sid, render_redirect, whole_seconds};
pub use refusal::{Code, Refusal};
pub use render::{Host, render, render_anonymized, render_list};
pub use route::{Defaults, Request, parse};
pub use view::{
    Nothing, Participant, ParticipantStatus, RecordingRules, Room, RoomStatus, Settings, SubscribeRules, SubscribedTrack, Track,
    View,
};
