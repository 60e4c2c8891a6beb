//! Kennel: your own video rooms in one program.
//!
//! This crate is the shell: sockets, clocks, files and tasks. The rules live in `room`, the vendors' wires in crates of their
//! own. It is a library so that tests can start the whole server in their own process; `main.rs` only calls [`cmd::run`].

pub mod auth;
pub mod banner;
pub mod bucket;
pub mod clock;
pub mod cmd;
pub mod config;
pub mod courier;
pub mod crash;
pub mod desk;
pub mod doors;
pub mod egress;
pub mod films;
pub mod history;
pub mod hub;
pub mod journal;
pub mod keyring;
pub mod live;
pub mod logging;
pub mod media;
pub mod metrics;
pub mod net;
pub mod process;
pub mod reach;
pub mod reports;
pub mod rest;
pub mod seats;
pub mod shelf;
pub mod shutdown;
pub mod spaces;
pub mod studio;
pub mod tls;
pub mod web;

pub use cmd::serve;
