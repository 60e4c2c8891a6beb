//! What the media server counts, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows, until the program ends.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts so many more.
    pub fn add(&self, more: u64) {
        if more > 0 {
            self.0.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// What was counted.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything counted, of all workers together.
#[derive(Debug, Default)]
pub struct Counters {
    /// Datagrams received, frames on TCP connections included.
    pub datagrams_in: Counter,
    /// Bytes in them.
    pub bytes_in: Counter,
    /// Datagrams sent, frames on TCP connections included.
    pub datagrams_out: Counter,
    /// Bytes in them.
    pub bytes_out: Counter,
    /// Calls by which the datagrams out were sent over UDP: fewer than datagrams where the system segments.
    pub sends: Counter,
    /// Datagrams not sent because socket and backlog were full.
    pub dropped_backlog: Counter,
    /// Datagrams that the system refused to send.
    pub dropped_refused: Counter,
    /// Frames not sent because the queue of their TCP connection was full, or because it is gone.
    pub dropped_tcp: Counter,
    /// Datagrams from unknown sources above the rate, not looked at.
    pub dropped_flood: Counter,
    /// Datagrams from unknown sources that name nobody whom we know.
    pub dropped_unknown: Counter,
    /// Datagrams that are none of ours by their first bytes.
    pub dropped_malformed: Counter,
    /// Plain STUN requests answered.
    pub stun_answered: Counter,
    /// Plain STUN requests above the rate, left without an answer.
    pub stun_silent: Counter,
    /// TCP connections accepted.
    pub tcp_opened: Counter,
    /// TCP connections ended, by whomever.
    pub tcp_closed: Counter,
    /// TCP connections closed at once because there are too many.
    pub tcp_refused: Counter,
    /// Orders for participants that have no peer, for instance since their room was lost.
    pub orders_stale: Counter,
    /// Orders that found the queue of their worker full.
    pub orders_refused: Counter,
    /// Rooms that were lost with an engine.
    pub rooms_lost: Counter,
    /// Panics caught.
    pub panics: Counter,
    /// Turns of all workers.
    pub turns: Counter,
}
