//! Engines that break on demand, to show what happens then. Not part of a release: this file is compiled with debug assertions alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use media::mix::{FromMixer, ToMixer};
use media::net::{Batch, Datagram, Transmit};
use media::pipe::{Notice, Piped};
use media::record::{FromRecorder, ToRecorder};
use media::worker::Core;
use room::{Order, Report};

/// The variable with the word. Not set: nothing breaks. Not named as a setting is, because there is no such setting.
const WORD: &str = "TEST_KENNEL_PANIC";

/// Engines that panic when a datagram comes that is this word.
pub fn engines<C: Core>(make: impl Fn(usize, Vec<SocketAddr>) -> C) -> impl Fn(usize, Vec<SocketAddr>) -> Fragile<C> {
    let word: Option<Arc<str>> = std::env::var(WORD).ok().filter(|word| !word.is_empty()).map(Into::into);
    move |worker, addresses| Fragile { core: make(worker, addresses), word: word.clone() }
}

/// One of them.
pub struct Fragile<C> {
    core: C,
    word: Option<Arc<str>>,
}

impl<C: Core> Core for Fragile<C> {
    fn handle_order(&mut self, now: Instant, order: Order) {
        self.core.handle_order(now, order);
    }

    fn handle_addresses(&mut self, now: Instant, addresses: &[SocketAddr]) {
        self.core.handle_addresses(now, addresses);
    }

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let asked = self.word.as_ref().is_some_and(|word| word.as_bytes() == datagram.bytes);
        assert!(!asked, "a test asked for it");
        self.core.handle_datagram(now, datagram);
    }

    fn flush(&mut self, now: Instant) {
        self.core.flush(now);
    }

    fn handle_tcp_closed(&mut self, source: SocketAddr) {
        self.core.handle_tcp_closed(source);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.core.poll_transmit()
    }

    fn poll_batch(&mut self) -> Option<Batch<'_>> {
        self.core.poll_batch()
    }

    fn poll_report(&mut self) -> Option<Report> {
        self.core.poll_report()
    }

    fn handle_mixer(&mut self, now: Instant, from: FromMixer) {
        self.core.handle_mixer(now, from);
    }

    fn poll_mixer(&mut self) -> Option<ToMixer> {
        self.core.poll_mixer()
    }

    fn handle_recorder(&mut self, now: Instant, from: FromRecorder) {
        self.core.handle_recorder(now, from);
    }

    fn poll_recorder(&mut self) -> Option<ToRecorder> {
        self.core.poll_recorder()
    }

    fn handle_notice(&mut self, now: Instant, notice: Notice) {
        self.core.handle_notice(now, notice);
    }

    fn handle_piped(&mut self, now: Instant, piped: Piped) {
        self.core.handle_piped(now, piped);
    }

    fn poll_piped(&mut self) -> Option<(usize, Piped)> {
        self.core.poll_piped()
    }

    fn handle_refused(&mut self, now: Instant, to: usize, piped: Piped) {
        self.core.handle_refused(now, to, piped);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.core.poll_timeout()
    }
}
