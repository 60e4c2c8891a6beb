//! The load generator: publishers and subscribers with real ICE, DTLS and SRTP on a server of their own, and what it costs that server.
//! `docs/bench.md` says how the figures come about and what they were.

mod chance;
mod client;
pub mod doubt;
mod drill;
mod ears;
mod field;
mod hiccup;
mod histogram;
pub mod interrupt;
mod janus;
mod layout;
pub mod lines;
pub mod loads;
mod net;
mod place;
pub mod plot;
pub mod progress;
mod recorded;
mod reel;
pub mod report;
pub mod run;
pub mod scenario;
pub mod server;
pub mod settings;
pub mod signal;
mod signalwire;
mod sink;
mod socket;
mod source;
mod stamp;
mod tally;
mod twilio;
mod vp8;
mod watch;
