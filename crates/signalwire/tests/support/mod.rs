//! What the tests of this crate share. Each test file takes its part, so no part is used by all.
#![allow(dead_code)]

pub mod client;
pub mod door;
pub mod hub;
pub mod random;
pub mod room;
pub mod transcript;
