//! Twilio Video's wire, translated to and from the rooms. Text in, text out: no socket, no clock, no runtime.

pub mod msp;
mod parse;
pub mod problem;
pub mod region;
pub mod rest;
pub mod sdp;
mod served;
pub mod session;
pub mod sid;
mod state;
pub mod token;
mod unique;
pub mod webhook;
pub mod wire;

pub use session::{Desk, Session};
pub use state::{kind_name, kind_of};
pub(crate) use state::{priority_name, track_kind_name};
