//! One engine, its clients and the network between them, all in virtual time.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::demux::Class;
use media::engine::Engine;
use media::net::Datagram;
use media::peer::Address;
use media::record::MixFile;
use media::settings::Settings;
use room::{Act, Channel, News, Open, Order, ParticipantId, Report, RoomId, Sealed, Signal, TrackId};
use str0m::channel::ChannelConfig;
use str0m::net::Protocol;

use crate::client::{Client, Join, Picture};
use crate::meter::Meter;

pub const ROOM: RoomId = RoomId(77);
const STEP: Duration = Duration::from_millis(1);

/// Room for the media of one step.
const WIRE_BYTES: usize = 1 << 20;

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Per thousand.
    pub loss: u64,
    pub delay: Duration,
    /// Up to so much later, each by itself, so that they overtake.
    pub jitter: Duration,
    /// Per thousand.
    pub twice: u64,
}

/// A bottleneck: so many bits a second, and a queue in front of it.
pub struct Narrow {
    pub bits_per_s: u64,
    /// What waits longer is dropped.
    pub queue: Duration,
    free: Instant,
}

impl Narrow {
    pub fn new(now: Instant, bits_per_s: u64, queue: Duration) -> Self {
        Narrow { bits_per_s, queue, free: now }
    }

    /// How long a datagram would wait now.
    pub fn wait(&self, now: Instant) -> Duration {
        self.free.saturating_duration_since(now)
    }

    fn pass(&mut self, now: Instant, bytes: usize) -> Option<Duration> {
        let wait = self.free.saturating_duration_since(now);
        if wait > self.queue {
            return None;
        }
        // A datagram has 28 bytes of headers of its own.
        let takes = Duration::from_secs_f64((bytes + 28) as f64 * 8.0 / self.bits_per_s as f64);
        self.free = self.free.max(now) + takes;
        Some(self.free - now)
    }
}

/// A computer with too much to do: now and then the client does nothing for a while, and then everything at once.
pub struct Busy {
    /// From the end of one pause to the beginning of the next, at most.
    pub between: Duration,
    /// How long a pause is: at least, at most.
    pub pause: (Duration, Duration),
    from: Instant,
    until: Instant,
}

impl Busy {
    pub fn new(now: Instant, between: Duration, pause: (Duration, Duration)) -> Self {
        Busy { between, pause, from: now, until: now }
    }

    /// Until when it does nothing.
    fn look(&mut self, now: Instant, mut random: impl FnMut() -> u64) -> Option<Instant> {
        let mut part = |of: Duration| of.mul_f64((random() % 1_000) as f64 / 1_000.0);
        if self.until <= now {
            self.from = now + part(self.between);
            self.until = self.from + self.pause.0 + part(self.pause.1 - self.pause.0);
        }
        (self.from <= now).then_some(self.until)
    }
}

pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub engine: Engine,
    pub server: SocketAddr,
    pub clients: Vec<Client>,
    pub weather: Weather,
    /// Other weather on the way of some clients.
    pub local: HashMap<SocketAddr, Weather>,
    /// A bottleneck in front of some clients.
    pub narrow: HashMap<ParticipantId, Narrow>,
    /// Clients on computers with too much to do.
    pub busy: HashMap<ParticipantId, Busy>,
    /// The same of the server.
    pub server_busy: Option<Busy>,
    /// Bytes that went to addresses where nobody is.
    pub astray: HashMap<SocketAddr, Vec<Vec<u8>>>,
    /// Bytes that were sent to each address.
    pub bytes_to: HashMap<SocketAddr, u64>,
    /// All that a client sent, if it is to be kept.
    pub tapped: Option<(ParticipantId, Vec<Vec<u8>>)>,
    /// Clients whose datagrams go nowhere.
    pub cut: Vec<ParticipantId>,
    /// Which datagrams are dropped on their way to or from a client.
    pub sieve: Option<Sieve>,
    flying: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    serial: u64,
    random: u64,
    next: u16,
    /// The newest placements of each client.
    pub placed: BTreeMap<ParticipantId, Vec<(TrackId, Arc<str>)>>,
    pub reports: Vec<Report>,
    /// What the engine took.
    pub cost: Meter,
    /// If this is to be told apart: of that, what it took to pass packets on, and to repair what was lost.
    pub apart: Option<Apart>,
    /// The media of one step, and from where to where its datagrams go.
    wire: Vec<u8>,
    media: Vec<(SocketAddr, SocketAddr, Range<usize>)>,
    /// Nobody sends pictures or sound yet.
    pub quiet: bool,
    signals: Vec<(Instant, ParticipantId, Signal)>,
    /// By how much what clients answer is behind what they send.
    pub answers_late: Duration,
    answers: Vec<(Instant, ParticipantId, Act)>,
    /// What mixes, if anything does.
    pub mixer: Option<crate::mixer::Mixer>,
    /// What really mixes, if anything does.
    pub studio: Option<crate::mixer::Studio>,
    /// What else looks at the engine in every step.
    pub beside: Option<Beside>,
    /// Other engines that the room may be on, and who is where.
    pub ground: Option<Box<crate::ground::Ground>>,
}

/// What a turn took into which nothing came but media, and one into which nothing came but what receivers tell of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Apart {
    pub passing: Meter,
    pub repairing: Meter,
}

/// Whether a datagram of this kind is dropped that goes to this client (true) or comes from it.
pub type Sieve = Box<dyn Fn(ParticipantId, bool, Class) -> bool>;

/// Something that looks at the engine in every step.
pub type Beside = Box<dyn FnMut(Instant, &mut Engine)>;

pub fn settings(server: SocketAddr) -> Settings {
    let crypto = Arc::new(media::settings::cryptography());
    let certificate = crypto.dtls_provider.generate_certificate().unwrap();
    let candidates = vec![Address { at: server, protocol: Protocol::Udp }];
    let epoch = (Instant::now(), std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap());
    Settings { candidates, certificate, crypto, counters: Arc::default(), salt: 5, epoch, mix: MixFile::default() }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let server = SocketAddr::from(([10, 0, 0, 200], 8444));
        str0m::crypto::from_feature_flags().install_process_default();
        let now = Instant::now();
        World {
            now,
            start: now,
            engine: Engine::new(now, settings(server), seed),
            server,
            clients: Vec::new(),
            weather: Weather { delay: Duration::from_millis(5), ..Weather::default() },
            local: HashMap::new(),
            narrow: HashMap::new(),
            busy: HashMap::new(),
            server_busy: None,
            astray: HashMap::new(),
            bytes_to: HashMap::new(),
            tapped: None,
            cut: Vec::new(),
            sieve: None,
            flying: BTreeMap::new(),
            serial: 0,
            random: seed | 1,
            next: 1,
            placed: BTreeMap::new(),
            reports: Vec::new(),
            cost: Meter::default(),
            apart: None,
            wire: Vec::new(),
            media: Vec::new(),
            quiet: false,
            signals: Vec::new(),
            answers_late: Duration::ZERO,
            answers: Vec::new(),
            mixer: None,
            studio: None,
            beside: None,
            ground: None,
        }
    }

    /// Somebody comes in with these tracks and receives everyone else's; its place among the clients.
    pub fn join(&mut self, audio: bool, video: bool, data: bool) -> usize {
        self.join_with(audio, video, data, &[])
    }

    pub fn join_with(&mut self, audio: bool, video: bool, data: bool, channels: &[Channel]) -> usize {
        let video = if video { Picture::One } else { Picture::None };
        let data = data.then(ChannelConfig::default);
        self.join_as(&Join { audio, video, data, channels: channels.to_vec(), ..Join::default() })
    }

    pub fn join_as(&mut self, join: &Join) -> usize {
        self.join_changed(join, |_| ())
    }

    /// Comes in with an offer that was tampered with.
    pub fn join_changed(&mut self, join: &Join, change: impl FnOnce(&mut String)) -> usize {
        let number = self.next;
        self.next = self.next.checked_add(1).unwrap_or(1);
        let mut client = Client::new(self.now, self.start, number, join);
        let mut offer = client.first_offer(self.now, join);
        let mut text = offer.sealed.0.to_string();
        change(&mut text);
        offer.sealed = Sealed(text.into());
        let (who, link, tracks) = (client.who, client.link.clone(), client.tracks.clone());
        self.clients.push(client);
        let open = Open {
            link,
            offer,
            channels: join.channels.clone(),
            profile: join.profile,
            codecs: join.codecs.clone(),
            view: join.view,
        };
        self.order(who, Act::Open(Box::new(open)));
        self.order(who, Act::Publish(tracks));
        self.subscribe_all();
        self.clients.len() - 1
    }

    /// Somebody leaves, and is forgotten here too.
    #[allow(dead_code, reason = "the soak test's")]
    pub fn leave(&mut self, client: usize) {
        let who = self.clients.remove(client).who;
        self.order(who, Act::Close);
        self.placed.remove(&who);
        self.reports.clear();
        self.astray.clear();
        self.subscribe_all();
    }

    /// Forgets what happened so far.
    #[allow(dead_code, reason = "the soak test's")]
    pub fn forget(&mut self) {
        self.placed.clear();
        self.astray.clear();
        self.bytes_to = HashMap::new();
        self.signals.clear();
        self.reports = Vec::new();
    }

    pub fn order(&mut self, who: ParticipantId, act: Act) {
        if self.ground.is_some() {
            return self.order_somewhere(Order::new(ROOM, who, act));
        }
        self.cost.measure(|| self.engine.handle_order(self.now, Order::new(ROOM, who, act)));
    }

    pub fn subscribe_all(&mut self) {
        let lists: Vec<(ParticipantId, Vec<TrackId>)> = self.clients.iter().map(|c| (c.who, self.others(c.who))).collect();
        for (who, tracks) in lists {
            self.order(who, Act::Subscribe(tracks));
        }
    }

    fn others(&self, who: ParticipantId) -> Vec<TrackId> {
        self.clients.iter().filter(|c| c.who != who).flat_map(|c| c.tracks.iter().map(|t| t.id)).collect()
    }

    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.step();
        }
    }

    /// What clients send in this time, step by step, while they hear nothing and the engine stands still.
    #[allow(dead_code, reason = "the benches'")]
    pub fn record(&mut self, time: Duration) -> Vec<Vec<(SocketAddr, Vec<u8>)>> {
        let until = self.now + time;
        let mut steps = Vec::new();
        while self.now < until {
            self.now += STEP;
            self.act();
            let mut sent = Vec::new();
            while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (source, destination, bytes) = entry.remove();
                if destination == self.server {
                    sent.push((source, bytes));
                }
            }
            steps.push(sent);
        }
        steps
    }

    /// Gives the engine what was recorded last, as fast as it takes it, and puts what comes out of it on its way with [`land`](World::land).
    /// How many packets of media that was.
    #[allow(dead_code, reason = "the benches'")]
    pub fn replay(&mut self, steps: &[Vec<(SocketAddr, Vec<u8>)>]) -> usize {
        let mut now = self.now - STEP * u32::try_from(steps.len()).unwrap();
        for sent in steps {
            now += STEP;
            for (source, bytes) in sent {
                let datagram = Datagram { protocol: Protocol::Udp, source: *source, destination: self.server, bytes };
                self.engine.handle_datagram(now, datagram);
            }
            self.engine.flush(now);
            take_media(&mut self.engine, &mut self.wire, &mut self.media);
        }
        self.media.len()
    }

    /// Makes room for what a replay brings.
    #[allow(dead_code, reason = "the benches'")]
    pub fn make_room(&mut self, bytes: usize) {
        self.wire.clear();
        self.media.clear();
        self.wire.reserve(bytes);
        self.media.reserve(bytes / 64);
    }

    /// What was replayed comes to the clients.
    #[allow(dead_code, reason = "the benches'")]
    pub fn land(&mut self) {
        let mut all = std::mem::take(&mut self.media);
        let wire = std::mem::take(&mut self.wire);
        for (source, destination, place) in all.drain(..) {
            self.fly(source, destination, wire[place].to_vec());
        }
        self.media = all;
        self.wire = wire;
    }

    pub fn step(&mut self) {
        self.now += STEP;
        self.deliver();
        self.act();
        if let Some(mixer) = &mut self.mixer {
            mixer.step(self.now, &mut self.engine);
        }
        if let Some(studio) = &mut self.studio {
            studio.step(self.now, &mut self.engine);
        }
        if let Some(beside) = &mut self.beside {
            beside(self.now, &mut self.engine);
        }
        self.hear_others();
        if self.server_pause().is_none() {
            let spent = self.turn();
            self.apart.iter_mut().for_each(|apart| apart.passing = apart.passing.and(&spent));
        }
        self.step_others();
    }

    /// Clients send what they have.
    fn act(&mut self) {
        for index in 0..self.clients.len() {
            let now = self.now;
            if self.pause_of(index).is_some() {
                continue;
            }
            let client = &mut self.clients[index];
            let produced = !self.quiet && client.produce(now);
            if produced || client.due <= now {
                let _ = client.rtc.handle_input(str0m::Input::Timeout(now));
                self.drain(index);
            }
        }
    }

    /// What the engine does with what came. What that took, but for what is not media.
    pub fn turn(&mut self) -> Meter {
        let before = self.cost;
        self.cost.measure(|| self.engine.flush(self.now));
        let flushed = self.cost.since(&before);
        flushed.and(&self.collect())
    }

    /// Takes what a client sends, and puts it on its way.
    pub fn drain(&mut self, index: usize) {
        for transmit in self.clients[index].drain(self.now) {
            for bytes in self.clients[index].said(transmit.contents.to_vec()) {
                self.send(index, transmit.destination, bytes);
            }
        }
    }

    fn send(&mut self, index: usize, destination: SocketAddr, bytes: Vec<u8>) {
        let Client { who, outside, also, .. } = self.clients[index];
        if let Some((_, kept)) = self.tapped.as_mut().filter(|(tapped, _)| *tapped == who) {
            kept.push(bytes.clone());
        }
        if self.is_dropped(who, false, &bytes) {
            return;
        }
        self.fly(outside, destination, bytes.clone());
        if let Some(also) = also.filter(|_| is_check(&bytes)) {
            self.fly(also, destination, bytes);
        }
    }

    /// Puts what is sent on its way. What it took to hand the media over.
    fn collect(&mut self) -> Meter {
        let mut sent = Vec::new();
        self.cost.measure(|| sent.extend(std::iter::from_fn(|| self.engine.poll_transmit())));
        let mut all: Vec<_> = sent.iter().map(|sent| (sent.source, sent.destination, sent.bytes.to_vec())).collect();
        self.cost.measure(|| drop(sent));
        let before = self.cost;
        self.collect_media();
        let handed = self.cost.since(&before);
        let media =
            self.media.iter().map(|(source, destination, place)| (*source, *destination, self.wire[place.clone()].to_vec()));
        all.extend(media);
        for (source, destination, bytes) in all {
            *self.bytes_to.entry(destination).or_default() += bytes.len() as u64;
            assert!(!is_sourceless(&bytes), "browsers take a packet of source 0 for one of the track in whose section it comes");
            let Some(client) = self.clients.iter().find(|c| c.is_at(destination, &bytes)) else {
                self.astray.entry(destination).or_default().push(bytes);
                continue;
            };
            let who = client.who;
            if self.is_dropped(who, true, &bytes) {
                continue;
            }
            let wait = self.narrow.get_mut(&who).map(|narrow| narrow.pass(self.now, bytes.len()));
            match wait {
                Some(Some(wait)) => self.fly_after(wait, source, destination, bytes),
                Some(None) => {}
                None => self.fly(source, destination, bytes),
            }
        }
        while let Some(report) = self.engine.poll_report() {
            if let Report::Of { who, news, .. } = &report {
                match news {
                    News::Signal(signal) => self.signals.push((self.now + Duration::from_millis(10), *who, signal.clone())),
                    News::Placed(tracks) => drop(self.placed.insert(*who, tracks.clone())),
                    _ => {}
                }
            }
            self.reports.push(report);
        }
        handed
    }

    /// Takes the media, as the socket would.
    fn collect_media(&mut self) {
        let World { cost, engine, wire, media, .. } = self;
        wire.clear();
        media.clear();
        // A clock is dear: it is read once for all, and nothing is to be taken of memory meanwhile.
        wire.reserve(WIRE_BYTES);
        media.reserve(WIRE_BYTES / 64);
        cost.measure(|| take_media(engine, wire, media));
    }

    fn deliver(&mut self) {
        let mut to_server = Vec::new();
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let ((_, serial), (source, destination, bytes)) = entry.remove_entry();
            if destination == self.server {
                match self.server_pause() {
                    Some(until) => drop(self.flying.insert((until, serial), (source, destination, bytes))),
                    None => to_server.push((source, bytes)),
                }
            } else if let Some(other) = self.ground.as_mut().and_then(|ground| ground.at(destination)) {
                other.datagrams.push((source, bytes));
            } else if let Some(index) = self.clients.iter().position(|c| c.is_at(destination, &bytes)) {
                if let Some(until) = self.pause_of(index) {
                    self.flying.insert((until, serial), (source, destination, bytes));
                    continue;
                }
                self.clients[index].handle_datagram(self.now, source, &bytes);
                self.drain(index);
            }
        }
        match self.apart {
            None => self.hand_over(&to_server),
            Some(_) => self.hand_over_apart(to_server),
        }
        let due: Vec<_> = self.signals.iter().filter(|(at, _, _)| *at <= self.now).cloned().collect();
        self.signals.retain(|(at, _, _)| *at > self.now);
        for (_, who, signal) in due {
            let Some(client) = self.clients.iter_mut().find(|c| c.who == who) else { continue };
            let link = client.link.clone();
            if let Some(answer) = client.handle_signal(&signal) {
                self.answers.push((self.now + self.answers_late, who, Act::Signal(link, answer)));
            }
        }
        for (_, who, answer) in self.answers.extract_if(.., |(at, _, _)| *at <= self.now).collect::<Vec<_>>() {
            self.order(who, answer);
        }
    }

    pub fn hand_over(&mut self, datagrams: &[(SocketAddr, Vec<u8>)]) {
        self.cost.measure(|| {
            for (source, bytes) in datagrams {
                let datagram = Datagram { protocol: Protocol::Udp, source: *source, destination: self.server, bytes };
                self.engine.handle_datagram(self.now, datagram);
            }
        });
    }

    /// What receivers tell of media comes in a turn of its own, after all else that is due, and leaves the media for the last.
    fn hand_over_apart(&mut self, all: Vec<(SocketAddr, Vec<u8>)>) {
        let (media, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, bytes)| Class::of(bytes) == Class::Rtp);
        let senders: Vec<SocketAddr> = self.clients.iter().filter(|c| !c.tracks.is_empty()).map(|c| c.outside).collect();
        let told = |(from, bytes): &(SocketAddr, Vec<u8>)| Class::of(bytes) == Class::Rtcp && !senders.contains(from);
        let (told, others): (Vec<_>, Vec<_>) = others.into_iter().partition(told);
        self.hand_over(&others);
        self.turn();
        let before = self.cost;
        self.hand_over(&told);
        let heard = self.cost.since(&before);
        let spent = heard.and(&self.turn());
        self.apart.iter_mut().for_each(|apart| apart.repairing = apart.repairing.and(&spent));
        self.hand_over(&media);
    }

    fn server_pause(&mut self) -> Option<Instant> {
        let mut busy = self.server_busy.take()?;
        let until = busy.look(self.now, || self.random()).filter(|until| *until > self.now);
        self.server_busy = Some(busy);
        until
    }

    /// Until when a client does nothing.
    fn pause_of(&mut self, index: usize) -> Option<Instant> {
        let who = self.clients[index].who;
        let mut busy = self.busy.remove(&who)?;
        let until = busy.look(self.now, || self.random()).filter(|until| *until > self.now);
        self.busy.insert(who, busy);
        until
    }

    /// Somebody sends the server this, from anywhere.
    pub fn inject(&mut self, source: SocketAddr, bytes: &[u8]) {
        let datagram = Datagram { protocol: Protocol::Udp, source, destination: self.server, bytes };
        self.engine.handle_datagram(self.now, datagram);
    }

    fn is_dropped(&self, who: ParticipantId, to: bool, bytes: &[u8]) -> bool {
        self.cut.contains(&who) || self.sieve.as_ref().is_some_and(|sieve| sieve(who, to, Class::of(bytes)))
    }

    fn fly(&mut self, source: SocketAddr, destination: SocketAddr, bytes: Vec<u8>) {
        self.fly_after(Duration::ZERO, source, destination, bytes);
    }

    fn fly_after(&mut self, wait: Duration, source: SocketAddr, destination: SocketAddr, bytes: Vec<u8>) {
        let local = self.local.get(&source).or(self.local.get(&destination));
        let Weather { loss, delay, jitter, twice } = *local.unwrap_or(&self.weather);
        if self.random() % 1_000 < loss {
            return;
        }
        let copies = 1 + u64::from(self.random() % 1_000 < twice);
        for _ in 0..copies {
            let late = jitter.mul_f64((self.random() % 1_000) as f64 / 1_000.0);
            self.serial += 1;
            self.flying.insert((self.now + wait + delay + late, self.serial), (source, destination, bytes.clone()));
        }
    }

    pub fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// The label under which a client receives a track.
    pub fn label(&self, client: usize, track: TrackId) -> Option<String> {
        let placed = self.placed.get(&self.clients[client].who)?;
        placed.iter().find(|(own, _)| *own == track).map(|(_, label)| label.to_string())
    }

    /// Frames of a track that a client has seen.
    pub fn frames(&self, client: usize, track: TrackId) -> u64 {
        self.label(client, track).and_then(|l| self.clients[client].watched.get(&l)).map_or(0, |w| w.frames)
    }

    /// Packets of sound of a track that a client has heard.
    pub fn heard(&self, client: usize, track: TrackId) -> u64 {
        self.label(client, track).and_then(|l| self.clients[client].heard.get(&l)).copied().unwrap_or(0)
    }

    /// What a client sees of a track.
    pub fn watcher(&mut self, client: usize, track: TrackId) -> &mut crate::picture::Watcher {
        let label = self.label(client, track).expect("a placement");
        self.clients[client].watched.entry(label).or_default()
    }

    /// Links that were reported dead.
    pub fn dead(&self) -> Vec<ParticipantId> {
        let dead = |report: &Report| match report {
            Report::Of { who, news: News::Dead, .. } => Some(*who),
            _ => None,
        };
        self.reports.iter().filter_map(dead).collect()
    }

    /// The camera of a client.
    pub fn camera(&mut self, client: usize) -> &mut crate::picture::Camera {
        self.clients[client].cameras.values_mut().next().expect("a camera")
    }

    /// The track of this kind that a client publishes.
    pub fn track(&self, client: usize, kind: room::Kind) -> TrackId {
        self.clients[client].tracks.iter().find(|t| t.kind == kind).unwrap().id
    }

    pub fn say(&mut self, client: usize, signal: Signal) {
        let (who, link) = (self.clients[client].who, self.clients[client].link.clone());
        self.order(who, Act::Signal(link, signal));
    }

    pub fn text(text: &str) -> Sealed {
        Sealed(text.into())
    }
}

/// All media that an engine has to send, and from where to where each of its datagrams goes.
fn take_media(engine: &mut Engine, wire: &mut Vec<u8>, media: &mut Vec<(SocketAddr, SocketAddr, Range<usize>)>) {
    while let Some(batch) = engine.poll_batch() {
        let mut start = wire.len();
        wire.extend_from_slice(batch.bytes);
        for datagram in batch.datagrams() {
            media.push((batch.source, batch.destination, start..start + datagram.len()));
            start += datagram.len();
        }
    }
}

/// A check of a way, or the answer to one.
pub fn is_check(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first < 2)
}

impl Client {
    fn is_at(&self, address: SocketAddr, bytes: &[u8]) -> bool {
        self.outside == address || self.also == Some(address) && is_check(bytes)
    }
}

/// An RTP packet of source 0, as the library's own probes are. RTCP tells its kind where RTP has its payload type.
fn is_sourceless(bytes: &[u8]) -> bool {
    let rtp = bytes.first().is_some_and(|first| first >> 6 == 2) && bytes.get(1).is_some_and(|kind| !(192..=223).contains(kind));
    rtp && bytes.get(8..12) == Some(&[0; 4])
}
