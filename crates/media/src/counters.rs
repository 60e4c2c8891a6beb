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
    /// Packets of media that came to a worker with too much to do.
    pub dropped_late: Counter,
    /// Frames not sent because the queue of their TCP connection was full, or because it is gone.
    pub dropped_tcp: Counter,
    /// Datagrams from unknown sources above the rate, except checks that name somebody whom we know.
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
    /// Packets of sound and pictures from publishers.
    pub packets_in: Counter,
    /// The same, passed on, each receiver counted.
    pub packets_out: Counter,
    /// Packets of no known track.
    pub packets_unknown: Counter,
    /// Packets that a receiver has no codec for.
    pub packets_undecodable: Counter,
    /// Datagrams above what one client may send.
    pub dropped_client_flood: Counter,
    /// Datagrams of a client that make no sense.
    pub dropped_broken: Counter,
    /// Datagrams that a client's transport did not accept.
    pub dropped_strangers: Counter,
    /// Offers of clients that crossed one of ours.
    pub offers_lost: Counter,
    /// Messages and texts on data channels above what one client may send.
    pub messages_dropped: Counter,
    /// Key frames asked of publishers.
    pub keyframes_asked: Counter,
    /// Times that a client had asked for more to be sent again than its share.
    pub repairs_refused: Counter,
    /// Panics of one client's transport.
    pub transport_panics: Counter,
    /// Packets put into pipes from one worker to another, for rooms that are on several.
    pub piped: Counter,
    /// Packets and words that found a pipe full.
    pub pipe_dropped: Counter,
    /// Mixed pictures encoded, each rendition by itself.
    pub mixed_pictures: Counter,
    /// Mixed pictures that could not be encoded.
    pub mixed_pictures_failed: Counter,
    /// Mixed pictures left out because there was no time for them.
    pub mixed_pictures_late: Counter,
    /// Ticks of mixed sound left out because they were too late.
    pub mixed_sounds_late: Counter,
    /// Frames for mixes that could not be decoded, or were too many.
    pub mixed_frames_broken: Counter,
    /// Packets, sounds and pictures that found a queue to or from a mixer full.
    pub mixer_dropped: Counter,
    /// Panics of mixers, each at the price of what one room had decoded.
    pub mixer_panics: Counter,
    /// Packets, sounds and pictures that found the queue to a recorder full.
    pub recorder_dropped: Counter,
    /// Bytes of recordings that are done.
    pub recorded_bytes: Counter,
    /// Recordings that could not be written.
    pub recordings_failed: Counter,
    /// Panics of recorders, each at the price of all recordings of one worker.
    pub recorder_panics: Counter,
}

impl Counters {
    /// Every number with its name and what it counts.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
        vec![
            ("datagrams_in", "Datagrams received, frames on TCP connections included", self.datagrams_in.get()),
            ("bytes_in", "Bytes in them", self.bytes_in.get()),
            ("datagrams_out", "Datagrams sent, frames on TCP connections included", self.datagrams_out.get()),
            ("bytes_out", "Bytes in them", self.bytes_out.get()),
            (
                "sends",
                "Calls by which the datagrams out were sent over UDP: fewer than datagrams where the system segments",
                self.sends.get(),
            ),
            ("dropped_backlog", "Datagrams not sent because socket and backlog were full", self.dropped_backlog.get()),
            ("dropped_refused", "Datagrams that the system refused to send", self.dropped_refused.get()),
            ("dropped_late", "Packets of media that came to a worker with too much to do", self.dropped_late.get()),
            (
                "dropped_tcp",
                "Frames not sent because the queue of their TCP connection was full, or because it is gone",
                self.dropped_tcp.get(),
            ),
            (
                "dropped_flood",
                "Datagrams from unknown sources above the rate, except checks that name somebody whom we know",
                self.dropped_flood.get(),
            ),
            ("dropped_unknown", "Datagrams from unknown sources that name nobody whom we know", self.dropped_unknown.get()),
            ("dropped_malformed", "Datagrams that are none of ours by their first bytes", self.dropped_malformed.get()),
            ("stun_answered", "Plain STUN requests answered", self.stun_answered.get()),
            ("stun_silent", "Plain STUN requests above the rate, left without an answer", self.stun_silent.get()),
            ("tcp_opened", "TCP connections accepted", self.tcp_opened.get()),
            ("tcp_closed", "TCP connections ended, by whomever", self.tcp_closed.get()),
            ("tcp_refused", "TCP connections closed at once because there are too many", self.tcp_refused.get()),
            (
                "orders_stale",
                "Orders for participants that have no peer, for instance since their room was lost",
                self.orders_stale.get(),
            ),
            ("orders_refused", "Orders that found the queue of their worker full", self.orders_refused.get()),
            ("rooms_lost", "Rooms that were lost with an engine", self.rooms_lost.get()),
            ("panics", "Panics caught", self.panics.get()),
            ("turns", "Turns of all workers", self.turns.get()),
            ("packets_in", "Packets of sound and pictures from publishers", self.packets_in.get()),
            ("packets_out", "The same, passed on, each receiver counted", self.packets_out.get()),
            ("packets_unknown", "Packets of no known track", self.packets_unknown.get()),
            ("packets_undecodable", "Packets that a receiver has no codec for", self.packets_undecodable.get()),
            ("dropped_client_flood", "Datagrams above what one client may send", self.dropped_client_flood.get()),
            ("dropped_broken", "Datagrams of a client that make no sense", self.dropped_broken.get()),
            ("dropped_strangers", "Datagrams that a client's transport did not accept", self.dropped_strangers.get()),
            ("offers_lost", "Offers of clients that crossed one of ours", self.offers_lost.get()),
            (
                "messages_dropped",
                "Messages and texts on data channels above what one client may send",
                self.messages_dropped.get(),
            ),
            ("keyframes_asked", "Key frames asked of publishers", self.keyframes_asked.get()),
            (
                "repairs_refused",
                "Times that a client had asked for more to be sent again than its share",
                self.repairs_refused.get(),
            ),
            ("transport_panics", "Panics of one client's transport", self.transport_panics.get()),
            ("piped", "Packets put into pipes from one worker to another, for rooms that are on several", self.piped.get()),
            ("pipe_dropped", "Packets and words that found a pipe full", self.pipe_dropped.get()),
            ("mixed_pictures", "Mixed pictures encoded, each rendition by itself", self.mixed_pictures.get()),
            ("mixed_pictures_failed", "Mixed pictures that could not be encoded", self.mixed_pictures_failed.get()),
            ("mixed_pictures_late", "Mixed pictures left out because there was no time for them", self.mixed_pictures_late.get()),
            ("mixed_sounds_late", "Ticks of mixed sound left out because they were too late", self.mixed_sounds_late.get()),
            (
                "mixed_frames_broken",
                "Frames for mixes that could not be decoded, or were too many",
                self.mixed_frames_broken.get(),
            ),
            (
                "mixer_dropped",
                "Packets, sounds and pictures that found a queue to or from a mixer full",
                self.mixer_dropped.get(),
            ),
            ("mixer_panics", "Panics of mixers, each at the price of what one room had decoded", self.mixer_panics.get()),
            (
                "recorder_dropped",
                "Packets, sounds and pictures that found the queue to a recorder full",
                self.recorder_dropped.get(),
            ),
            ("recorded_bytes", "Bytes of recordings that are done", self.recorded_bytes.get()),
            ("recordings_failed", "Recordings that could not be written", self.recordings_failed.get()),
            (
                "recorder_panics",
                "Panics of recorders, each at the price of all recordings of one worker",
                self.recorder_panics.get(),
            ),
        ]
    }
}
