//! Media through the server. A worker is one thread with its own UDP port and some rooms; a packet is decrypted, routed, rewritten
//! and encrypted by that one thread. The [`engine`] is a value: datagrams, orders and time in, datagrams and reports out.

pub mod allocate;
pub mod codec;
pub mod congestion;
pub mod counters;
pub mod crash;
pub mod data;
pub mod demux;
pub mod depacketize;
pub mod engine;
pub mod forward;
mod keys;
pub mod limit;
pub mod mix;
pub mod mixers;
pub mod negotiate;
pub mod net;
pub mod peer;
pub mod players;
pub mod pool;
pub mod quality;
pub mod queue;
pub mod reception;
pub mod record;
mod repair;
mod replay;
pub mod sdp;
mod send;
pub mod settings;
pub mod speak;
mod srtp;
mod streams;
pub mod switchboard;
pub mod tap;
pub mod tcp;
pub mod worker;
