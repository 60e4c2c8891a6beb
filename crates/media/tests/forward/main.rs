//! Forwarding from outside: payloads, short scenes, and random networks against a model of a decoder.

mod payloads;
mod scenes;
mod source;
