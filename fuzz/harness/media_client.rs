//! What somebody says who is really there: a client with a transport of its own, whose packets, reports and data are of any making and
//! encrypted as they should be. Another one, who is honest, is in the same room and goes on.
//!
//! The input is a script: each step is a byte for what happens and how many milliseconds it takes, two for a length, and so many
//! bytes. In these `ff ff ff NN` stands for the source with this number, the client's own first and the server's after them, or
//! from `f0` on for the number of the next piece of data.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use media::engine::Engine;
use media::net::{Datagram, Protocol};
use media::settings::{Identity, Settings};
use room::{
    Act, Hint, Kind, LinkId, News, Open, Order, ParticipantId, Priority, Profile, Report, RoomId, Sealed, Signal, Step, Track,
    TrackId, View, Wish,
};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};
use str0m::config::CryptoProvider;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::Receive;
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};

#[path = "transport.rs"]
mod transport;

const ROOM: RoomId = RoomId(1);
const SERVER: ([u8; 4], u16) = ([203, 0, 113, 1], 8444);

/// More steps than this find nothing new and cost time.
const STEPS_MAX: usize = 200;

/// The same of time in a script.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Two further layers of the client's picture, and their repairs.
const LAYERS: &str = "a=ssrc-group:FID 1001 1011\r\na=ssrc-group:FID 1002 1012\r\n";

/// Made once: a certificate takes longer than all the rest.
static IDENTITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::generate((Instant::now(), Duration::ZERO)).expect("a certificate"));

pub fn run(data: &[u8]) {
    let mut scene = Scene::new();
    let mut rest = data;
    for _ in 0..STEPS_MAX {
        let [what, high, low, more @ ..] = rest else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(more.len());
        let (bytes, after) = more.split_at(length);
        rest = after;
        scene.step(*what, bytes);
    }
    scene.end();
}

struct Scene {
    engine: Engine,
    now: Instant,
    until: Instant,
    /// The one of any making, and the honest one.
    clients: [Client; 2],
    sealer: transport::Sealer,
    sources: Vec<u32>,
}

impl Scene {
    /// Both are there, and see and hear each other.
    fn new() -> Self {
        let now = Instant::now();
        let server = SocketAddr::from(SERVER);
        let settings = Settings::new(&[server], &IDENTITY, Arc::default(), 1);
        let mut engine = Engine::new(now, settings, 1);
        let mut clients = [Client::new(now, 0, transport::overheard()), Client::new(now, 1, transport::genuine())];
        for client in &mut clients {
            client.come(now, &mut engine);
        }
        for (own, other) in [(0, 1), (1, 0)] {
            let tracks = clients[other].tracks.iter().map(|track| track.id).collect();
            engine.handle_order(now, Order::new(ROOM, clients[own].who, Act::Subscribe(tracks)));
        }
        let now = connect(now, &mut engine, &mut clients);
        let sealer = transport::Sealer::new().expect("keys");
        let sources = clients[0].sources.clone();
        Scene { engine, now, until: now + TIME_MAX, clients, sealer, sources }
    }

    fn step(&mut self, what: u8, bytes: &[u8]) {
        match what % 8 {
            0 | 1 => {
                let mut packet = bytes.to_vec();
                if let Some(source) = packet.get_mut(8..12) {
                    self.name(source);
                }
                let sealed = self.sealer.packet(&packet);
                self.say(&sealed);
            }
            2 => {
                let mut report = bytes.to_vec();
                self.name(&mut report);
                let sealed = self.sealer.report(&report);
                self.say(&sealed);
            }
            3 => {
                let mut chunks = bytes.to_vec();
                self.name(&mut chunks);
                transport::say_chunks(&chunks);
                self.clients[0].due = self.now;
            }
            4 => self.clients[0].write(self.now, what & 8 != 0, bytes),
            5 => {
                let ms = bytes.first().map_or(0, |byte| u64::from(*byte) * 8);
                self.pass(Duration::from_millis(ms));
            }
            6 => self.wish(bytes),
            _ => self.say(bytes),
        }
        self.pass(Duration::from_millis(u64::from(what >> 3)));
    }

    /// Puts in what words stand for.
    fn name(&self, bytes: &mut [u8]) {
        for word in bytes.as_chunks_mut::<4>().0 {
            if let [0xff, 0xff, 0xff, number] = *word {
                let source = self.sources.get(usize::from(number)).copied();
                let next = number.checked_sub(0xf0).map(|ahead| transport::next_number().wrapping_add(ahead.into()));
                *word = source.or(next).unwrap_or(u32::MAX).to_be_bytes();
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        say(&mut self.engine, self.now, self.clients[0].address, bytes);
    }

    /// How the honest one wants to see the other's picture.
    fn wish(&mut self, bytes: &[u8]) {
        let Some(track) = self.clients[0].tracks.iter().find(|track| track.kind == Kind::Video).map(|track| track.id) else {
            return;
        };
        let wish = match *bytes {
            [] => return,
            [shown] => Wish::Shown(shown.is_multiple_of(2)),
            [width, height, ..] => Wish::Size(u16::from(width) * 8, u16::from(height) * 4),
        };
        self.engine.handle_order(self.now, Order::new(ROOM, self.clients[1].who, Act::Hint(vec![Hint { track, wish }])));
    }

    fn pass(&mut self, time: Duration) {
        let end = (self.now + time).min(self.until);
        self.now = pass(self.now, end, &mut self.engine, &mut self.clients);
    }

    /// The honest one is heard as before, and nothing is left of either when both have gone.
    fn end(mut self) {
        self.until += Duration::from_secs(1);
        let before = self.engine.counts().packets_in;
        for _ in 0..10 {
            self.clients[1].speak(self.now);
            self.pass(Duration::from_millis(20));
        }
        assert!(self.engine.counts().packets_in >= before + 10, "the honest one is not heard");
        assert!(!self.clients[1].dead && self.clients[1].rtc.is_connected(), "the honest one was cut off");
        for client in &self.clients {
            self.engine.handle_order(self.now, Order::new(ROOM, client.who, Act::Close));
        }
        self.engine.flush(self.now);
        assert_eq!(self.engine.sizes(), (0, 0, 0));
        assert_eq!(self.engine.counts().panics, 0);
    }
}

fn connect(start: Instant, engine: &mut Engine, clients: &mut [Client; 2]) -> Instant {
    let mut now = start;
    while !clients.iter().all(|client| client.rtc.is_connected() && client.channel.is_some()) {
        assert!(now - start < Duration::from_secs(5), "nobody is connected");
        now = pass(now, now + Duration::from_millis(20), engine, clients);
    }
    // What the server offers of the other's tracks is answered.
    pass(now, now + Duration::from_millis(200), engine, clients)
}

/// Lets time pass, in which nothing takes any on its way.
fn pass(from: Instant, end: Instant, engine: &mut Engine, clients: &mut [Client; 2]) -> Instant {
    let mut now = from;
    loop {
        settle(now, engine, clients);
        let due = clients.iter().map(|client| client.due).chain(engine.poll_timeout()).min().unwrap_or(end);
        if now >= end {
            return now;
        }
        now = due.clamp(now + Duration::from_millis(1), end.max(now + Duration::from_millis(1)));
    }
}

/// Until nobody has anything to say at this moment.
fn settle(now: Instant, engine: &mut Engine, clients: &mut [Client; 2]) {
    for client in clients.iter_mut().filter(|client| client.due <= now) {
        client.handle(Input::Timeout(now));
    }
    for _ in 0..50 {
        let mut said = false;
        for client in clients.iter_mut() {
            for bytes in client.poll(now) {
                said = true;
                say(engine, now, client.address, &bytes);
            }
        }
        engine.flush(now);
        hear_reports(now, engine, clients);
        for (address, bytes) in sent(engine) {
            said = true;
            let client = clients.iter_mut().find(|client| client.address == address).expect("nothing goes anywhere else");
            client.hear(now, &bytes);
        }
        if !said {
            return;
        }
    }
}

fn say(engine: &mut Engine, now: Instant, source: SocketAddr, bytes: &[u8]) {
    engine.handle_datagram(now, Datagram { protocol: Protocol::Udp, source, destination: SERVER.into(), bytes });
}

fn sent(engine: &mut Engine) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some(sent) = engine.poll_transmit() {
        all.push((sent.destination, sent.bytes.to_vec()));
    }
    while let Some(batch) = engine.poll_batch() {
        all.extend(batch.datagrams().map(|datagram| (batch.destination, datagram.to_vec())));
    }
    all
}

fn hear_reports(now: Instant, engine: &mut Engine, clients: &mut [Client; 2]) {
    while let Some(report) = engine.poll_report() {
        let Report::Of { who, news, .. } = report else { continue };
        let Some(client) = clients.iter_mut().find(|client| client.who == who) else { continue };
        match news {
            News::Signal(signal) => {
                if let Some(answer) = client.answer(now, &signal) {
                    engine.handle_order(now, Order::new(ROOM, who, Act::Signal(client.link.clone(), answer)));
                }
            }
            News::Dead => client.dead = true,
            _ => {}
        }
    }
}

struct Client {
    who: ParticipantId,
    address: SocketAddr,
    link: LinkId,
    rtc: Rtc,
    due: Instant,
    pending: Option<(u64, SdpPendingOffer)>,
    tracks: Vec<Track>,
    microphone: Option<Mid>,
    spoken: u32,
    channel: Option<ChannelId>,
    /// Its own, and those that the server named.
    sources: Vec<u32>,
    dead: bool,
}

impl Client {
    fn new(now: Instant, number: u8, crypto: Arc<CryptoProvider>) -> Self {
        let address = SocketAddr::from(([198, 51, 100, number], 5_000));
        let mut rtc = Rtc::builder().set_rtp_mode(true).set_crypto_provider(crypto).build(now);
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).expect("an address"));
        let track = |(kind, nth): (Kind, u8)| {
            let label: Arc<str> = format!("t{number}-{nth}").into();
            let id = TrackId(u128::from(number * 3 + nth));
            Track { id, label: label.clone(), kind, name: label, enabled: true, priority: Priority::Standard }
        };
        Client {
            who: ParticipantId(number.into()),
            address,
            link: LinkId("link".into()),
            rtc,
            due: now,
            pending: None,
            tracks: [(Kind::Audio, 0), (Kind::Video, 1), (Kind::Data, 2)].map(track).to_vec(),
            microphone: None,
            spoken: 0,
            channel: None,
            sources: Vec::new(),
            dead: false,
        }
    }

    /// Comes in with sound, pictures of three layers, and data.
    fn come(&mut self, now: Instant, engine: &mut Engine) {
        let mut api = self.rtc.sdp_api();
        let mut add =
            |kind, track: &Track| api.add_media(kind, Direction::SendRecv, Some("-".into()), Some(track.label.to_string()), None);
        self.microphone = Some(add(MediaKind::Audio, &self.tracks[0]));
        add(MediaKind::Video, &self.tracks[1]);
        api.add_channel_with_config(ChannelConfig { label: self.tracks[2].label.to_string(), ..ChannelConfig::default() });
        let (offer, pending) = api.apply().expect("an offer");
        self.pending = Some((1, pending));
        let text = layered(&offer.to_sdp_string());
        self.learn(&text);
        let offer = Signal { step: Step::Offer, revision: 1, sealed: Sealed(text.into()) };
        let (link, channels) = (self.link.clone(), room::Channel::ALL.to_vec());
        let open = Open {
            link,
            offer,
            channels,
            profile: Profile { hinted: true, ..Profile::default() },
            codecs: vec![],
            view: View::Tracks,
        };
        engine.handle_order(now, Order::new(ROOM, self.who, Act::Open(Box::new(open))));
        engine.handle_order(now, Order::new(ROOM, self.who, Act::Publish(self.tracks.clone())));
    }

    fn learn(&mut self, text: &str) {
        for line in text.lines().filter_map(|line| line.strip_prefix("a=ssrc:")) {
            let source = line.split(' ').next().and_then(|word| word.parse().ok());
            self.sources.extend(source.filter(|source| !self.sources.contains(source)));
        }
    }

    fn answer(&mut self, now: Instant, signal: &Signal) -> Option<Signal> {
        self.due = now;
        let text = signal.sealed.0.to_string();
        self.learn(&text);
        match signal.step {
            Step::Offer => {
                self.pending = None;
                let offer = SdpOffer::from_sdp_string(&text).expect("an offer");
                let answer = self.rtc.sdp_api().accept_offer(offer).ok()?;
                Some(Signal { step: Step::Answer, revision: signal.revision, sealed: Sealed(answer.to_sdp_string().into()) })
            }
            Step::Answer => {
                let (_, pending) = self.pending.take().filter(|(revision, _)| *revision == signal.revision)?;
                let answer = SdpAnswer::from_sdp_string(&text).expect("an answer");
                self.rtc.sdp_api().accept_answer(pending, answer).expect("accepted");
                None
            }
            _ => None,
        }
    }

    fn hear(&mut self, now: Instant, bytes: &[u8]) {
        if let Ok(receive) = Receive::new(Protocol::Udp, SERVER.into(), self.address, bytes) {
            self.handle(Input::Receive(now, receive));
        }
    }

    /// The transport of somebody who says anything may end.
    fn handle(&mut self, input: Input<'_>) {
        let _ = self.rtc.handle_input(input);
    }

    fn poll(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => all.push(transmit.contents.to_vec()),
                Ok(Output::Event(Event::ChannelOpen(id, label))) if *label == *self.tracks[2].label => self.channel = Some(id),
                Ok(Output::Event(_)) => {}
                Ok(Output::Timeout(due)) => {
                    self.due = due.max(now + Duration::from_millis(1));
                    return all;
                }
                Err(_) => {
                    self.due = now + Duration::from_secs(3_600);
                    return all;
                }
            }
        }
    }

    fn write(&mut self, now: Instant, binary: bool, bytes: &[u8]) {
        self.due = now;
        if let Some(mut channel) = self.channel.and_then(|id| self.rtc.channel(id)) {
            let _ = channel.write(binary, bytes);
        }
    }

    /// A packet of sound.
    fn speak(&mut self, now: Instant) {
        self.due = now;
        let opus = self.rtc.codec_config().find(|codec| codec.spec().codec.is_audio()).expect("Opus").pt();
        let (number, time) = (u64::from(self.spoken), self.spoken * 960);
        self.spoken += 1;
        let mut api = self.rtc.direct_api();
        let stream = self.microphone.and_then(|mid| api.stream_tx_by_mid(mid, None)).expect("a microphone");
        stream.write_rtp(RtpWrite::new(opus, number.into(), time, now, vec![7; 80]));
    }
}

/// The same description with two more layers of the picture.
fn layered(text: &str) -> String {
    let Some((first, repair)) = text.lines().find_map(|line| line.strip_prefix("a=ssrc-group:FID ")?.split_once(' ')) else {
        return text.to_owned();
    };
    let group = format!("a=ssrc-group:FID {first} {repair}\r\n");
    let names: String = [1_001, 1_011, 1_002, 1_012].iter().map(|source| format!("a=ssrc:{source} cname:c\r\n")).collect();
    text.replace(&group, &format!("{group}{LAYERS}a=ssrc-group:SIM {first} 1001 1002\r\n{names}"))
}
