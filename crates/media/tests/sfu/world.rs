//! One engine, its clients and the network between them, all in virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::engine::Engine;
use media::net::Datagram;
use media::peer::Address;
use media::settings::Settings;
use room::{Act, Channel, News, Open, Order, ParticipantId, Profile, Report, RoomId, Sealed, Signal, TrackId};
use str0m::net::Protocol;

use crate::client::Client;

pub const ROOM: RoomId = RoomId(77);
const STEP: Duration = Duration::from_millis(1);

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

pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub engine: Engine,
    pub server: SocketAddr,
    pub clients: Vec<Client>,
    pub weather: Weather,
    /// Clients whose datagrams go nowhere.
    pub cut: Vec<ParticipantId>,
    flying: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    serial: u64,
    random: u64,
    /// The newest placements of each client.
    pub placed: BTreeMap<ParticipantId, Vec<(TrackId, Arc<str>)>>,
    pub reports: Vec<Report>,
    /// Time of the processor spent in the engine.
    pub engine_time: Duration,
    /// Nobody sends pictures or sound yet.
    pub quiet: bool,
    signals: Vec<(Instant, ParticipantId, Signal)>,
}

/// What this thread has used of the processor.
pub fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

pub fn settings(server: SocketAddr) -> Settings {
    let crypto = Arc::new(str0m::crypto::from_feature_flags());
    let certificate = crypto.dtls_provider.generate_certificate().unwrap();
    let candidates = vec![Address { shown: server, base: server, protocol: Protocol::Udp }];
    Settings { candidates, certificate, crypto, counters: Arc::default(), salt: 5 }
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
            cut: Vec::new(),
            flying: BTreeMap::new(),
            serial: 0,
            random: seed | 1,
            placed: BTreeMap::new(),
            reports: Vec::new(),
            engine_time: Duration::ZERO,
            quiet: false,
            signals: Vec::new(),
        }
    }

    /// Somebody comes in with these tracks and receives everyone else's; its place among the clients.
    pub fn join(&mut self, audio: bool, video: bool, data: bool) -> usize {
        self.join_with(audio, video, data, &[])
    }

    pub fn join_with(&mut self, audio: bool, video: bool, data: bool, channels: &[Channel]) -> usize {
        let number = u8::try_from(self.clients.len() + 1).unwrap();
        let mut client = Client::new(self.now, number);
        let offer = client.first_offer(self.now, audio, video, data);
        let (who, link, tracks) = (client.who, client.link.clone(), client.tracks.clone());
        self.clients.push(client);
        let open = Open { link, offer, channels: channels.to_vec(), profile: Profile::default(), codecs: vec![] };
        self.order(who, Act::Open(Box::new(open)));
        self.order(who, Act::Publish(tracks));
        self.subscribe_all();
        self.clients.len() - 1
    }

    pub fn order(&mut self, who: ParticipantId, act: Act) {
        let began = cpu();
        self.engine.handle_order(self.now, Order::new(ROOM, who, act));
        self.engine_time += cpu() - began;
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

    fn step(&mut self) {
        self.now += STEP;
        self.deliver();
        for index in 0..self.clients.len() {
            let now = self.now;
            let client = &mut self.clients[index];
            if !self.quiet {
                client.produce(now);
            }
            if client.due <= now {
                let _ = client.rtc.handle_input(str0m::Input::Timeout(now));
            }
            let _ = client.rtc.handle_input(str0m::Input::Timeout(now));
            let (who, sent) = (client.who, client.drain(now));
            for transmit in sent {
                if !self.cut.contains(&who) {
                    self.fly(transmit.source, transmit.destination, transmit.contents.to_vec());
                }
            }
        }
        let began = cpu();
        self.engine.flush(self.now);
        self.engine_time += cpu() - began;
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(transmit) = self.engine.poll_transmit() {
            let cut = self.clients.iter().any(|c| c.address == transmit.destination && self.cut.contains(&c.who));
            if !cut {
                self.fly(transmit.source, transmit.destination, transmit.bytes.to_vec());
            }
        }
        while let Some(report) = self.engine.poll_report() {
            if let Report::Of { who, news, .. } = &report {
                match news {
                    News::Signal(_, signal) => self.signals.push((self.now + Duration::from_millis(10), *who, signal.clone())),
                    News::Placed(tracks) => drop(self.placed.insert(*who, tracks.clone())),
                    _ => {}
                }
            }
            self.reports.push(report);
        }
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (source, destination, bytes) = entry.remove();
            if destination == self.server {
                let datagram = Datagram { protocol: Protocol::Udp, source, destination, bytes: &bytes };
                let began = cpu();
                self.engine.handle_datagram(self.now, datagram);
                self.engine_time += cpu() - began;
            } else if let Some(client) = self.clients.iter_mut().find(|c| c.address == destination) {
                client.handle_datagram(self.now, source, &bytes);
                let sent = client.drain(self.now);
                let cut = self.cut.contains(&client.who);
                sent.into_iter().filter(|_| !cut).for_each(|t| self.fly(t.source, t.destination, t.contents.to_vec()));
            }
        }
        let due: Vec<_> = self.signals.iter().filter(|(at, _, _)| *at <= self.now).cloned().collect();
        self.signals.retain(|(at, _, _)| *at > self.now);
        for (_, who, signal) in due {
            let Some(client) = self.clients.iter_mut().find(|c| c.who == who) else { continue };
            let link = client.link.clone();
            if let Some(answer) = client.handle_signal(&signal) {
                self.order(who, Act::Signal(link, answer));
            }
        }
    }

    fn fly(&mut self, source: SocketAddr, destination: SocketAddr, bytes: Vec<u8>) {
        let Weather { loss, delay, jitter, twice } = self.weather;
        if self.random() % 1_000 < loss {
            return;
        }
        let copies = 1 + u64::from(self.random() % 1_000 < twice);
        for _ in 0..copies {
            let late = jitter.mul_f64((self.random() % 1_000) as f64 / 1_000.0);
            self.serial += 1;
            self.flying.insert((self.now + delay + late, self.serial), (source, destination, bytes.clone()));
        }
    }

    fn random(&mut self) -> u64 {
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
