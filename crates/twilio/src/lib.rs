//! Twilio Video's wire.
