//! Everything that one worker does, without threads, clocks and sockets: orders, datagrams and time in, datagrams and reports out.
//!
//! A turn is: any number of [`handle_order`](Engine::handle_order) and [`handle_datagram`](Engine::handle_datagram), then one
//! [`flush`](Engine::flush), then [`poll_transmit`](Engine::poll_transmit), [`poll_batch`](Engine::poll_batch) and [`poll_report`](Engine::poll_report) until they say
//! none.

mod clients;
mod intake;
mod mix;
mod orders;
mod parts;
mod pipe;
mod record;
mod route;
mod share;
#[cfg(test)]
mod tests;
mod tick;
mod watch;

use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{LinkId, MixTake, News, Order, ParticipantId, Profile, Report, RoomId, Track, TrackId, View};
use str0m::bwe::Bitrate;
use str0m::net::Protocol;

use crate::arrival::Arrival;
use crate::crash;
use crate::data::{Allowance, DataAllowance};
use crate::demux::{Class, Demux, Dropped, Verdict};
use crate::limit::{NEGOTIATIONS_PER_TURN, SECTIONS_PER_TURN};
use crate::mix::{FromMixer, ToMixer};
use crate::negotiate::Say;
use crate::net::{Batch, Datagram, Transmit};
use crate::peer::{Outbox, Path, Peer, PeerNews, Taken};
use crate::pipe::{Notice, Piped};
use crate::record::{FromRecorder, ToRecorder};
use crate::settings::Settings;
use crate::speak::Speakers;
use crate::switchboard::{PeerKey, Switchboard, TrackKey};
use crate::worker::Core;
use intake::Intake;

/// How often the engine looks at what has no time of its own: key frames that did not come, layers, speakers, clients that are lost.
const TICK: Duration = Duration::from_millis(100);

/// A turn of this length is seen in what clients report of arrivals.
const LONG_TURN: Duration = Duration::from_millis(1);

/// What happened in an engine, counted from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams for nobody here.
    pub strangers: u64,
    /// Datagrams that make no sense.
    pub broken: u64,
    /// Datagrams and packets above what one client may send.
    pub flooded: u64,
    /// Packets that came.
    pub packets_in: u64,
    /// Packets of no known track.
    pub packets_unknown: u64,
    /// Packets passed on, each receiver counted.
    pub packets_out: u64,
    /// Packets that a receiver cannot decode.
    pub packets_undecodable: u64,
    /// Offers that crossed one of ours and lost.
    pub offers_lost: u64,
    /// Messages and texts above what one client may send, or too large.
    pub messages_dropped: u64,
    /// Times that a client had asked for more to be sent again than its share.
    pub repairs_refused: u64,
    /// Key frames asked for.
    pub keyframes_asked: u64,
    /// Panics of one client's transport, each at the price of that client's link.
    pub panics: u64,
    /// Packets put into pipes to other workers.
    pub piped: u64,
    /// Packets and words for which there was no room in a pipe.
    pub pipe_dropped: u64,
}

/// A client's end of a link, as the rooms know it.
type End = (RoomId, ParticipantId, LinkId);

/// One worker's rooms.
pub struct Engine {
    settings: Settings,
    slots: Vec<Slot>,
    free: Vec<u32>,
    halls: HashMap<RoomId, Hall>,
    demux: Demux<PeerKey>,
    board: Switchboard,
    outbox: Outbox,
    /// Packets that wait for [`flush`](Engine::flush).
    arrived: Vec<(PeerKey, Arrival)>,
    news: VecDeque<(PeerKey, PeerNews)>,
    /// Clients with something to negotiate.
    dirty: VecDeque<PeerKey>,
    /// There was more to negotiate than one turn takes.
    busy_since: Option<Instant>,
    /// Tracks of which some key frame is wished for, and perhaps some of which none is any more.
    wishing: Vec<TrackKey>,
    /// Somebody's pictures should not wait for the next look around.
    share_due: bool,
    /// The next client whose bandwidth is looked at, and since when there are more than one turn takes.
    share_next: usize,
    sharing_since: Option<Instant>,
    /// Clients for whom packets wait, and how many of them were given out with [`poll_batch`](Engine::poll_batch).
    touched: Vec<PeerKey>,
    given: usize,
    /// Clients whose sender panicked.
    broken: Vec<PeerKey>,
    timers: BinaryHeap<std::cmp::Reverse<(Instant, PeerKey)>>,
    next_tick: Instant,
    /// By how much ticks came late; what was long ago counts little.
    late: Duration,
    reports: VecDeque<Report>,
    to_mixers: VecDeque<ToMixer>,
    to_recorder: VecDeque<ToRecorder>,
    /// What goes to other engines, each with its worker: words, and packets.
    words: VecDeque<(usize, Piped)>,
    loads: VecDeque<(usize, Piped)>,
    /// Rooms that are on other workers as well. There may be many that are not.
    spread: Vec<RoomId>,
    /// Other parts of rooms should hear something before the next look around.
    parts_due: bool,
    random: u64,
    counts: Counts,
    /// As they were last added to what all engines count.
    counts_told: Counts,
}

/// How much may still be negotiated in a turn.
struct Patience {
    clients: usize,
    sections: usize,
}

#[derive(Default)]
struct Slot {
    uses: u32,
    client: Option<Box<Client>>,
}

/// A room as far as media goes.
#[derive(Default)]
struct Hall {
    members: BTreeMap<ParticipantId, Member>,
    speakers: Speakers,
    /// When each was the dominant speaker last.
    spoke: BTreeMap<ParticipantId, Instant>,
    /// While somebody receives its mix.
    stage: Option<Box<mix::Stage>>,
    /// Recordings of its mix.
    takes: Vec<MixTake>,
    /// While it is on other workers as well.
    parts: Option<Box<parts::Parts>>,
}

/// What the rooms said of a participant.
#[derive(Default)]
struct Member {
    key: Option<PeerKey>,
    tracks: Vec<Track>,
    subscribed: Vec<TrackId>,
    view: View,
    /// Who is served on another worker.
    far: Option<parts::Far>,
}

/// One client with a transport.
struct Client {
    peer: Peer,
    /// The first offer, until the orders that came with it are carried out.
    first_offer: Option<room::Signal>,
    /// What it said since, beside its first offer, until its turn to negotiate comes.
    said: VecDeque<room::Signal>,
    /// When it made what it sends.
    made: crate::made::Made,
    /// Where its packets go: source, track, layer. A track of none: it was looked for and is not known.
    sources: Vec<(u32, Option<TrackKey>, u8)>,
    /// What was last reported as placed.
    placed: Vec<(TrackId, Arc<str>)>,
    ufrag: String,
    intake: Intake,
    data: DataAllowance,
    /// Reliable data tracks that this client could not follow, and until when it does not get them.
    overrun: Vec<(TrackId, Instant)>,
    /// Handshakes from an address whose check is not answered yet.
    early: Vec<(Instant, Path, Box<[u8]>)>,
    /// Addresses from which checks came.
    addresses: Vec<SocketAddr>,
    /// Descriptions that it may send.
    descriptions: Allowance,
    /// Packets of sources beyond those that are followed.
    unknown: u32,
    /// When its transport is given up, unless it is established meanwhile.
    connect_by: Option<Instant>,
    /// When its transport is given up unless a check of the path comes from it, or the answer to one of ours.
    check_by: Option<Instant>,
    /// When it was last told of our offer, while it should answer.
    offered_at: Option<Instant>,
    /// It hears no descriptions for now.
    away: bool,
    queued: Option<Instant>,
    touched: bool,
    dirty: bool,
    profile: Profile,
    view: View,
    estimate: Option<Bitrate>,
    share: share::Share,
    watch: watch::Watch,
    /// Bits per second that the transport was last told would be sent if there were room.
    desired: u64,
}

impl Engine {
    /// No rooms yet. `seed` for what must only be unlike, not secret: first sequence numbers and timestamps.
    #[must_use]
    pub fn new(now: Instant, settings: Settings, seed: u64) -> Self {
        Engine {
            settings,
            slots: Vec::new(),
            free: Vec::new(),
            halls: HashMap::new(),
            demux: Demux::new(now),
            board: Switchboard::default(),
            outbox: Outbox::default(),
            arrived: Vec::new(),
            news: VecDeque::new(),
            dirty: VecDeque::new(),
            busy_since: None,
            wishing: Vec::new(),
            share_due: false,
            share_next: 0,
            sharing_since: None,
            touched: Vec::new(),
            given: 0,
            broken: Vec::new(),
            timers: BinaryHeap::new(),
            next_tick: now + TICK,
            late: Duration::ZERO,
            reports: VecDeque::new(),
            to_mixers: VecDeque::new(),
            to_recorder: VecDeque::new(),
            words: VecDeque::new(),
            loads: VecDeque::new(),
            spread: Vec::new(),
            parts_due: false,
            random: seed | 1,
            counts: Counts::default(),
            counts_told: Counts::default(),
        }
    }

    /// Takes an order. What it causes comes with the next [`flush`](Engine::flush).
    pub fn handle_order(&mut self, now: Instant, order: Order) {
        orders::handle(self, now, order);
    }

    /// Takes a datagram, or a frame of a TCP connection.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        match self.demux.peer_of(now, &datagram) {
            Verdict::Peer(key) => self.take_datagram(now, key, &datagram, false),
            Verdict::Ask(key) => self.take_datagram(now, key, &datagram, true),
            Verdict::Answer(bytes) => self.outbox.transmits.push_back(answer(&datagram, bytes)),
            Verdict::Drop(why) => self.count_dropped(why),
        }
    }

    fn count_dropped(&self, why: Dropped) {
        let counters = &self.settings.counters;
        let counter = match why {
            Dropped::Flood => &counters.dropped_flood,
            Dropped::Unknown => &counters.dropped_unknown,
            Dropped::Malformed => &counters.dropped_malformed,
            Dropped::Silent => &counters.stun_silent,
        };
        counter.add(1);
    }

    fn take_datagram(&mut self, now: Instant, key: PeerKey, datagram: &Datagram<'_>, asked: bool) {
        let &Datagram { protocol, source, destination, bytes } = datagram;
        let Some(client) = self.client_mut(key) else { return };
        if !client.may_send(now, datagram, asked) {
            self.counts.flooded += 1;
            return;
        }
        let path = (protocol, source, destination);
        let taken = self.on(now, key, |peer, out| {
            let _handling = crash::handling(datagram);
            peer.handle_datagram(now, path, bytes, out)
        });
        if let Some((client, taken)) = self.client_mut(key).zip(taken) {
            client.note_sent(now, datagram, taken);
        }
        match (taken, Class::of(bytes)) {
            (Some(Taken::Yes | Taken::Answered), Class::Stun) => {
                self.note_address(key, path, taken == Some(Taken::Answered));
                self.retry_early(now, key);
                if let Some(client) = self.client_mut(key) {
                    client.check_by = None;
                }
            }
            (Some(Taken::Yes | Taken::Answered | Taken::Unproven | Taken::Repeated), _) | (None, _) => {}
            (Some(Taken::NotOurs), Class::Dtls) => self.keep_early(now, key, path, bytes),
            (Some(Taken::NotOurs), _) => self.counts.strangers += 1,
            (Some(Taken::Broken | Taken::Nonsense), _) => self.counts.broken += 1,
            (Some(Taken::Excess), _) => self.note_excess(key),
        }
    }

    /// Passes on what came, and carries out what became due.
    pub fn flush(&mut self, now: Instant) {
        self.run_timers(now);
        self.forward(now);
        self.look_after_sent(now);
        let mut left = Patience { clients: NEGOTIATIONS_PER_TURN, sections: SECTIONS_PER_TURN };
        loop {
            while let Some((key, news)) = self.news.pop_front() {
                self.handle_news(now, key, news);
            }
            self.negotiate(now, &mut left);
            self.forward(now);
            if self.news.is_empty() && (self.dirty.is_empty() || left.is_over()) {
                break;
            }
        }
        self.busy_since = (!self.dirty.is_empty()).then_some(now);
        if std::mem::take(&mut self.share_due) {
            self.share_all(now);
            self.watch_mixes(now);
            self.ask_keyframes(now);
        }
        if self.parts_due {
            self.tell_parts(now);
        }
    }

    /// The time named by [`poll_timeout`](Engine::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.flush(now);
    }

    /// What was to be sent in a turn is sent now. A long turn is no long way. Only those are looked at for whom something waits: turns are
    /// long where there are many others.
    pub fn leave(&mut self, turn: Instant, now: Instant) {
        if now.saturating_duration_since(turn) < LONG_TURN {
            return;
        }
        for key in &self.touched {
            let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.uses == key.uses);
            slot.and_then(|slot| slot.client.as_deref_mut()).into_iter().for_each(|client| client.peer.leave(turn, now));
        }
    }

    /// The next datagram to send that is not media. Those for one destination come one after the other as far as possible.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let str0m::net::Transmit { proto, source, destination, contents } = self.outbox.transmits.pop_front()?;
        Some(Transmit { protocol: proto, source, destination, bytes: contents })
    }

    /// The next packets to send, all to one client: the media, of which there is much, as it lies there. To be asked for until there is
    /// none, after [`poll_transmit`](Engine::poll_transmit): a handshake is over before media flows.
    pub fn poll_batch(&mut self) -> Option<Batch<'_>> {
        let last = self.given.checked_sub(1).and_then(|last| self.touched.get(last)).copied();
        if let Some(client) = last.and_then(|last| self.client_mut(last)) {
            client.peer.clear();
        }
        while let Some(key) = self.touched.get(self.given).copied() {
            self.given += 1;
            let Some(client) = self.client_mut(key) else { continue };
            client.touched = false;
            if client.peer.is_waiting() && client.peer.batch().is_some() {
                return self.client(key)?.peer.batch();
            }
            client.peer.clear();
        }
        self.touched.clear();
        self.given = 0;
        None
    }

    /// The next thing that the rooms should know.
    pub fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// When to call [`handle_timeout`](Engine::handle_timeout); none while there is nobody.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let peers = self.timers.peek().map(|std::cmp::Reverse((at, _))| *at);
        let tick = (!self.halls.is_empty()).then_some(self.next_tick);
        peers.into_iter().chain(tick).chain(self.busy_since).chain(self.sharing_since).min()
    }

    /// A TCP connection is gone: what came from there comes from nobody now.
    pub fn handle_tcp_closed(&mut self, source: SocketAddr) {
        self.demux.forget_address(Protocol::Tcp, source);
    }

    /// Adds what happened since the last time to what all engines count.
    fn publish_counts(&mut self) {
        let (now, told) = (self.counts, std::mem::replace(&mut self.counts_told, self.counts));
        let shared = &self.settings.counters;
        for (counter, now, told) in [
            (&shared.dropped_strangers, now.strangers, told.strangers),
            (&shared.dropped_broken, now.broken, told.broken),
            (&shared.dropped_client_flood, now.flooded, told.flooded),
            (&shared.packets_in, now.packets_in, told.packets_in),
            (&shared.packets_unknown, now.packets_unknown, told.packets_unknown),
            (&shared.packets_out, now.packets_out, told.packets_out),
            (&shared.packets_undecodable, now.packets_undecodable, told.packets_undecodable),
            (&shared.offers_lost, now.offers_lost, told.offers_lost),
            (&shared.messages_dropped, now.messages_dropped, told.messages_dropped),
            (&shared.keyframes_asked, now.keyframes_asked, told.keyframes_asked),
            (&shared.repairs_refused, now.repairs_refused, told.repairs_refused),
            (&shared.transport_panics, now.panics, told.panics),
            (&shared.piped, now.piped, told.piped),
            (&shared.pipe_dropped, now.pipe_dropped, told.pipe_dropped),
        ] {
            counter.add(now - told);
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Rooms, transports and tracks that are kept now: what should go back to nothing when everybody has left.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        let clients = self.slots.iter().filter(|slot| slot.client.is_some()).count();
        (self.halls.len(), clients, self.board.iter().count())
    }

    /// Addresses and names of clients, timers, and reports that wait: what should go back to nothing a while after everybody has left.
    #[must_use]
    pub fn traces(&self) -> (usize, usize, usize) {
        (self.demux.size(), self.timers.len(), self.reports.len())
    }

    fn report(&mut self, (room, who, link): End, news: News) {
        self.reports.push_back(Report::Of { room, who, link, news });
    }

    /// A random number that nobody need be unable to guess (splitmix64).
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Core for Engine {
    fn handle_addresses(&mut self, now: Instant, addresses: &[SocketAddr]) {
        self.set_addresses(now, addresses);
    }

    fn handle_order(&mut self, now: Instant, order: Order) {
        Engine::handle_order(self, now, order);
    }

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        Engine::handle_datagram(self, now, datagram);
    }

    fn flush(&mut self, now: Instant) {
        Engine::flush(self, now);
    }

    fn leave(&mut self, turn: Instant, now: Instant) {
        Engine::leave(self, turn, now);
    }

    fn handle_tcp_closed(&mut self, source: SocketAddr) {
        Engine::handle_tcp_closed(self, source);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        Engine::poll_transmit(self)
    }

    fn poll_batch(&mut self) -> Option<Batch<'_>> {
        Engine::poll_batch(self)
    }

    fn poll_report(&mut self) -> Option<Report> {
        Engine::poll_report(self)
    }

    fn handle_mixer(&mut self, now: Instant, from: FromMixer) {
        Engine::handle_mixer(self, now, from);
    }

    fn poll_mixer(&mut self) -> Option<ToMixer> {
        Engine::poll_mixer(self)
    }

    fn handle_recorder(&mut self, now: Instant, from: FromRecorder) {
        Engine::handle_recorder(self, now, from);
    }

    fn poll_recorder(&mut self) -> Option<ToRecorder> {
        Engine::poll_recorder(self)
    }

    fn handle_notice(&mut self, now: Instant, notice: Notice) {
        Engine::handle_notice(self, now, notice);
    }

    fn handle_piped(&mut self, now: Instant, piped: Piped) {
        Engine::handle_piped(self, now, piped);
    }

    fn poll_piped(&mut self) -> Option<(usize, Piped)> {
        Engine::poll_piped(self)
    }

    fn handle_refused(&mut self, now: Instant, to: usize, piped: Piped) {
        Engine::handle_refused(self, now, to, piped);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Engine::poll_timeout(self)
    }
}

/// Our answer to a plain STUN request.
fn answer(to: &Datagram<'_>, bytes: str0m::net::DatagramSend) -> str0m::net::Transmit {
    str0m::net::Transmit { proto: to.protocol, source: to.destination, destination: to.source, contents: bytes }
}

impl Patience {
    fn is_over(&self) -> bool {
        self.clients == 0 || self.sections == 0
    }

    /// Somebody with so many sections had its turn.
    fn spend(&mut self, sections: usize) {
        self.clients = self.clients.saturating_sub(1);
        self.sections = self.sections.saturating_sub(sections);
    }
}

impl Hall {
    fn key(&self, who: ParticipantId) -> Option<PeerKey> {
        self.members.get(&who)?.key
    }
}

impl Client {
    fn new(now: Instant, mut peer: Peer, profile: Profile) -> Self {
        let ufrag = peer.ufrag();
        Client {
            peer,
            first_offer: None,
            said: VecDeque::new(),
            made: crate::made::Made::default(),
            sources: Vec::new(),
            placed: Vec::new(),
            ufrag,
            intake: Intake::new(now),
            data: DataAllowance::new(now),
            overrun: Vec::new(),
            early: Vec::new(),
            addresses: Vec::new(),
            descriptions: Allowance::with_burst(now, crate::limit::DESCRIPTIONS_PER_S, 5),
            unknown: 0,
            connect_by: Some(now + crate::limit::CONNECT_TIMEOUT),
            check_by: None,
            offered_at: None,
            away: false,
            queued: None,
            touched: false,
            dirty: false,
            profile,
            view: View::Tracks,
            estimate: None,
            share: share::Share::default(),
            watch: watch::Watch::default(),
            desired: 0,
        }
    }

    /// Whether this answers an offer of ours. When many come at once everybody has many to answer.
    fn is_asked_for(&self, signal: &room::Signal) -> bool {
        let waits = |offer: &Say| offer.revision == signal.revision;
        let first = !self.said.iter().any(|said| said.step == room::Step::Answer);
        signal.step == room::Step::Answer && first && self.peer.unanswered().is_some_and(waits)
    }

    /// Whether a datagram in this client's name is looked at. `asked`: it comes from where the client is not known to be.
    fn may_send(&mut self, now: Instant, datagram: &Datagram<'_>, asked: bool) -> bool {
        let (class, bytes) = (Class::of(datagram.bytes), datagram.bytes.len());
        let fits = !asked || self.addresses.len() < crate::limit::ADDRESSES_MAX || self.addresses.contains(&datagram.source);
        let data = class == Class::Dtls && self.peer.is_connected();
        fits && self.intake.may(now, class, bytes) && (!data || self.data.may_take(now, bytes))
    }

    /// What became of it. Before there are keys, a handshake is taken for the client's.
    fn note_sent(&mut self, now: Instant, datagram: &Datagram<'_>, taken: Taken) {
        let (class, bytes) = (Class::of(datagram.bytes), datagram.bytes.len());
        let handshake = class == Class::Dtls && !self.peer.is_connected() && taken == Taken::Unproven;
        if !handshake && !taken.is_signed() {
            return self.intake.note_forged(now, bytes);
        }
        self.intake.note_own(now, class, bytes);
        if class == Class::Dtls && !handshake {
            self.data.note_taken(now, bytes);
        }
        if class == Class::Stun && !self.addresses.contains(&datagram.source) {
            self.addresses.push(datagram.source);
        }
    }

    fn end(&self) -> End {
        (self.peer.room, self.peer.who, self.peer.link.clone())
    }
}
