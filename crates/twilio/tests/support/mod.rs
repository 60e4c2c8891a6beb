//! What the tests of this crate share. Each test file takes its part, so no part is used by all.
#![allow(dead_code)]

pub mod client;
pub mod door;
pub mod forge;
pub mod hub;
pub mod party;
pub mod random;
pub mod replay;
pub mod sdk;
pub mod snapshot;
pub mod transcript;
