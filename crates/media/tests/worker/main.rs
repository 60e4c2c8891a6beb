//! Workers with a scripted engine, over real sockets on loopback.

#![allow(clippy::unwrap_used, reason = "a test that has no socket or no lock is over")]

mod mixed;
mod pool;
mod record;
mod script;
mod send;
mod spread;
#[path = "../support/stun.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod stun;
mod tcp;
mod udp;
mod whole;
