//! Twilio Video's wire.

pub mod token;
