//! Forwarding from outside: payloads, short scenes, and random networks against a model of a decoder.

mod corpus;
mod network;
mod payloads;
mod random;
mod scenes;
mod source;
mod subscriber;
