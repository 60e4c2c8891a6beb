//! A worker with its real engine, and a client with a real transport, over real sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::pool::{Config, Pool};
use media::tcp::Frames;
use room::{Act, LinkId, News, Open, Order, ParticipantId, Report, RoomId, Sealed, Signal, Step};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Input, Output, Rtc};

use crate::script::{LONG, config, connect, loopback};

/// How a client reaches the server.
trait Path {
    fn candidate(&self) -> Candidate;
    fn protocol(&self) -> Protocol;
    fn send(&mut self, to: SocketAddr, bytes: &[u8]);
    /// Waits no longer than this for something; from where it seems to come.
    fn receive(&mut self, timeout: Duration) -> Vec<(SocketAddr, Vec<u8>)>;
}

/// By datagrams, through a translator that has a public address if there is one.
struct Datagrams {
    socket: UdpSocket,
    public: Option<(IpAddr, IpAddr)>,
}

impl Path for Datagrams {
    fn candidate(&self) -> Candidate {
        Candidate::host(self.socket.local_addr().unwrap(), Protocol::Udp).unwrap()
    }

    fn protocol(&self) -> Protocol {
        Protocol::Udp
    }

    fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        let ip = match self.public {
            Some((public, private)) if public == to.ip() => private,
            // Behind the translator is no other way.
            Some(_) => return,
            None => to.ip(),
        };
        // Some addresses of the server cannot be reached from here.
        let _ = self.socket.send_to(bytes, SocketAddr::new(ip, to.port()));
    }

    fn receive(&mut self, timeout: Duration) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut buffer = [0; 2_048];
        self.socket.set_read_timeout(Some(timeout)).unwrap();
        let Ok((count, from)) = self.socket.recv_from(&mut buffer) else { return vec![] };
        let ip = self.public.filter(|(_, private)| *private == from.ip()).map_or(from.ip(), |(public, _)| public);
        vec![(SocketAddr::new(ip, from.port()), buffer[..count].to_vec())]
    }
}

/// By one connection.
struct Stream {
    stream: TcpStream,
    frames: Frames,
}

impl Path for Stream {
    fn candidate(&self) -> Candidate {
        let address = self.stream.local_addr().unwrap();
        Candidate::builder().tcp().host(address).tcptype(TcpType::Active).build().unwrap()
    }

    fn protocol(&self) -> Protocol {
        Protocol::Tcp
    }

    fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        if to == self.stream.peer_addr().unwrap() {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            self.stream.write_all(&[&length, bytes].concat()).unwrap();
        }
    }

    fn receive(&mut self, timeout: Duration) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut buffer = [0; 4_096];
        self.stream.set_read_timeout(Some(timeout)).unwrap();
        match self.stream.read(&mut buffer) {
            Ok(0) => panic!("closed by the server"),
            Ok(count) => self.frames.push(&buffer[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(e) => panic!("{e}"),
        }
        let mut found = vec![];
        while let Some(frame) = self.frames.take().unwrap() {
            found.push((self.stream.peer_addr().unwrap(), frame.to_vec()));
        }
        found
    }
}

/// A client that wants to hear, and its first offer.
fn client(path: &impl Path) -> (Rtc, SdpPendingOffer, Order) {
    let mut rtc = Rtc::builder().build(Instant::now());
    rtc.add_local_candidate(path.candidate());
    let mut api = rtc.sdp_api();
    api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    let (offer, pending) = api.apply().unwrap();
    let offer = Signal { step: Step::Offer, revision: 1, sealed: Sealed(offer.to_sdp_string().into()) };
    let open = Open {
        link: LinkId("l".into()),
        offer,
        channels: vec![],
        profile: Default::default(),
        codecs: vec![],
        view: room::View::Tracks,
    };
    (rtc, pending, Order::new(RoomId(1), ParticipantId(1), Act::Open(Box::new(open))))
}

/// Runs the client until it is connected, through ICE and DTLS.
fn run(rtc: &mut Rtc, path: &mut impl Path) {
    let (local, end) = (path.candidate().addr(), Instant::now() + LONG);
    while !rtc.is_connected() {
        assert!(Instant::now() < end, "no connection");
        let due = drain(rtc, path);
        let wait = due.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), Duration::from_millis(50));
        for (source, bytes) in path.receive(wait) {
            let receive = Receive::new(path.protocol(), source, local, &bytes).unwrap();
            rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
            drain(rtc, path);
        }
        rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
    }
}

/// Sends all that is to be sent; when the next is due.
fn drain(rtc: &mut Rtc, path: &mut impl Path) -> Instant {
    loop {
        match rtc.poll_output().unwrap() {
            Output::Timeout(due) => return due,
            Output::Transmit(transmit) => path.send(transmit.destination, &transmit.contents),
            Output::Event(_) => {}
        }
    }
}

fn serve(config: &Config) -> (Pool, Receiver<Report>) {
    let (sender, reports) = channel();
    let sender = Mutex::new(sender);
    let hear = move |report| sender.lock().unwrap().send(report).unwrap_or_default();
    (Pool::serve(config, 7, Arc::new(hear)).unwrap(), reports)
}

fn answer(reports: &Receiver<Report>) -> SdpAnswer {
    SdpAnswer::from_sdp_string(&answered(reports)).unwrap()
}

fn answered(reports: &Receiver<Report>) -> String {
    loop {
        match reports.recv_timeout(LONG).expect("an answer") {
            Report::Of { news: News::Signal(signal), .. } if signal.step == Step::Answer => {
                return signal.sealed.0.to_string();
            }
            Report::Of { news: News::Refused(why), .. } => panic!("{why:?}"),
            _ => {}
        }
    }
}

fn connects(mut path: impl Path, pool: &Pool, reports: &Receiver<Report>) {
    let (mut rtc, pending, open) = client(&path);
    pool.order(open);
    rtc.sdp_api().accept_answer(pending, answer(reports)).unwrap();
    run(&mut rtc, &mut path);
}

#[test]
fn a_client_connects_by_datagrams() {
    for listen in ["127.0.0.1:0", "[::]:0"] {
        let (pool, reports) = serve(&config(listen, 2));
        connects(Datagrams { socket: UdpSocket::bind("127.0.0.1:0").unwrap(), public: None }, &pool, &reports);
    }
}

#[test]
fn a_client_connects_through_a_translator_with_a_public_address() {
    // The private address is one that no candidate names.
    let (public, private) = (IpAddr::from([203, 0, 113, 7]), IpAddr::from([127, 0, 0, 2]));
    let mut config = config("0.0.0.0:0", 1);
    (config.announce, config.addresses) = (vec![public], vec![IpAddr::from([192, 168, 7, 7])]);
    let (pool, reports) = serve(&config);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    connects(Datagrams { socket, public: Some((public, private)) }, &pool, &reports);
}

/// A machine whose addresses these are, as a client in its network has them: the last one leads there, the others nowhere.
const BEFORE: [u8; 4] = [192, 168, 7, 7];
const AFTER: [u8; 4] = [192, 168, 8, 8];

fn moving() -> (Pool, Receiver<Report>, Datagrams) {
    let mut config = config("0.0.0.0:0", 1);
    config.addresses = vec![IpAddr::from(BEFORE)];
    let (pool, reports) = serve(&config);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    (pool, reports, Datagrams { socket, public: Some((IpAddr::from(AFTER), IpAddr::from([127, 0, 0, 2]))) })
}

fn names(text: &str, ip: [u8; 4]) -> bool {
    text.lines().any(|line| line.starts_with("a=candidate:") && line.contains(&format!(" {} ", IpAddr::from(ip))))
}

#[test]
fn an_address_that_the_machine_gets_later_is_told_and_serves() {
    let (pool, reports, mut path) = moving();
    let port = loopback(&pool, 0).port();
    let moved = pool.set_addresses(&[IpAddr::from(AFTER)]);
    assert_eq!(moved.come, [SocketAddr::from((AFTER, port))]);
    assert_eq!(moved.gone, [SocketAddr::from((BEFORE, port))]);
    assert_eq!(pool.set_addresses(&[IpAddr::from(AFTER)]), Default::default(), "the same again is no news");
    let (mut rtc, pending, open) = client(&path);
    pool.order(open);
    let text = answered(&reports);
    assert!(names(&text, AFTER) && !names(&text, BEFORE), "{text}");
    rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&text).unwrap()).unwrap();
    run(&mut rtc, &mut path);
}

#[test]
fn who_is_there_when_an_address_comes_is_told_of_it_at_an_ice_restart() {
    let (pool, reports, mut path) = moving();
    let (mut rtc, pending, open) = client(&path);
    pool.order(open);
    let text = answered(&reports);
    assert!(names(&text, BEFORE) && !names(&text, AFTER), "{text}");
    rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&text).unwrap()).unwrap();
    pool.set_addresses(&[IpAddr::from(AFTER)]);
    let mut api = rtc.sdp_api();
    api.ice_restart(true);
    let (offer, pending) = api.apply().unwrap();
    let again = Signal { step: Step::Offer, revision: 2, sealed: Sealed(offer.to_sdp_string().into()) };
    pool.order(Order::new(RoomId(1), ParticipantId(1), Act::Signal(LinkId("l".into()), again)));
    let text = answered(&reports);
    assert!(names(&text, AFTER) && !names(&text, BEFORE), "{text}");
    rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&text).unwrap()).unwrap();
    run(&mut rtc, &mut path);
}

#[test]
fn a_client_connects_by_tcp_alone() {
    for listen in ["127.0.0.1:0", "[::]:0"] {
        let (pool, reports) = serve(&config(listen, 1));
        let stream = connect(loopback(&pool, 0));
        connects(Stream { stream, frames: Frames::default() }, &pool, &reports);
        assert_eq!(pool.counters().tcp_opened.get(), 1);
    }
}
