//! SignalWire's REST API for video, without the HTTP: what a request asks for ([`parse`]), and the text of every answer.
//!
//! Source: the vendor's published models of its API and what its own demonstration servers send; `docs/ref/signalwire.md` has every
//! resource and field.

mod ask;
mod date;
mod fields;
pub mod limit;
mod paging;
mod record;
mod refusal;
mod render;
mod room;
mod route;
mod token;

pub use ask::{Ask, Event, Key, Member, NewToken, Recording, RecordingState, Session, SessionFilter, SessionStatus};
pub use paging::{Ends, Page};
pub use record::{Quality, RoomRecord};
pub use refusal::{Fault, Refusal};
pub use render::{render_event, render_list, render_member, render_recording, render_room, render_session, render_token};
pub use room::{RoomDraft, RoomFilter};
pub use route::{Request, parse};
