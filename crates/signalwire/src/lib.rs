//! SignalWire Video's wire, translated to and from the rooms. Text in, text out: no socket, no clock, no runtime.

mod call;
pub mod limit;
pub mod names;
pub mod problem;
pub mod rest;
pub mod sdp;
mod session;
mod state;
pub mod token;
mod unique;
pub mod uuid;
pub mod wire;

pub use session::{Desk, Session};
pub use state::{definition, room_id};
