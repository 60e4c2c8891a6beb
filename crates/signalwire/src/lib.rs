//! SignalWire Video's wire, translated to and from the rooms. Text in, text out: no socket, no clock, no runtime.

pub mod names;
pub mod rest;
pub mod uuid;
