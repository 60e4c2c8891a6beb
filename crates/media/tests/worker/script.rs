use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::crash::Witness;
use media::net::{Datagram, Transmit};
use media::pool::{Config, Pool};
use media::record::ToRecorder;
use media::worker::Core;
use room::{Act, Channel, LinkId, News, Open, Order, ParticipantId, Report, RoomId, Sealed, Signal, Step};

/// Nothing here takes so long, however busy the machine.
pub const LONG: Duration = Duration::from_secs(20);

/// Reported when a TCP connection ended.
pub const TCP_ENDED: Report = Report::Lost(RoomId(u128::MAX));

/// An engine that does what it is told: by datagrams, which it echoes, and by texts in orders, which it reports.
pub struct Script {
    out: Vec<Transmit>,
    reports: Vec<Report>,
    told: Vec<ToRecorder>,
    gate: Option<Arc<Mutex<()>>>,
}

impl Script {
    pub fn new(gate: Option<Arc<Mutex<()>>>) -> Self {
        Script { out: Vec::new(), reports: Vec::new(), told: Vec::new(), gate }
    }
}

impl Core for Script {
    fn handle_order(&mut self, now: Instant, order: Order) {
        let Act::Say(channel, text) = order.act else { return };
        match &*text.0 {
            "panic" => panic!("as told"),
            "record" => self.told.extend(crate::record::beginning(order.room, now)),
            "end" => self.told.push(ToRecorder::End(crate::record::SOUND)),
            "gate" => drop(self.gate.as_ref().map(|gate| gate.lock())),
            _ => {
                let link = LinkId("l".into());
                self.reports.push(Report::Of { room: order.room, who: order.who, link, news: News::Said(channel, text) });
            }
        }
    }

    fn handle_datagram(&mut self, _: Instant, datagram: Datagram<'_>) {
        let Datagram { protocol, source, destination, bytes } = datagram;
        let mut reply =
            |bytes: Vec<u8>| self.out.push(Transmit { protocol, source: destination, destination: source, bytes: bytes.into() });
        match bytes {
            b"panic" => panic!("as told"),
            // Media, and far too much work.
            [0x80, 96, ..] => std::thread::sleep(Duration::from_millis(5)),
            b"where" => reply(destination.to_string().into_bytes()),
            [b'*', sizes @ ..] => sizes.chunks(2).enumerate().for_each(|(n, size)| reply(pattern(n, size))),
            _ => reply(bytes.to_vec()),
        }
    }

    fn flush(&mut self, _: Instant) {
        // Given out from the end.
        self.out.reverse();
        self.reports.reverse();
        self.told.reverse();
    }

    fn handle_tcp_closed(&mut self, _: SocketAddr) {
        self.reports.push(TCP_ENDED);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.pop()
    }

    fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop()
    }

    fn poll_recorder(&mut self) -> Option<ToRecorder> {
        self.told.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// The nth datagram of a burst, of a size that two bytes say.
pub fn pattern(n: usize, size: &[u8]) -> Vec<u8> {
    let size = usize::from(u16::from_be_bytes([size[0], size[1]]));
    (0..size).map(|at| (n * 31 + at) as u8).collect()
}

pub fn config(listen: &str, workers: usize) -> Config {
    Config {
        listen: listen.parse().unwrap(),
        workers,
        announce: vec![],
        addresses: vec![],
        counters: Arc::default(),
        witness: Witness::default(),
        record: None,
        library: None,
        spread: media::limit::ROOM_SPREAD_DEFAULT,
    }
}

/// A pool with scripted engines, and what they report.
pub fn start(config: &Config) -> (Pool, Receiver<Report>) {
    start_gated(config, None)
}

pub fn start_gated(config: &Config, gate: Option<Arc<Mutex<()>>>) -> (Pool, Receiver<Report>) {
    let (sender, reports) = channel();
    let sender = Mutex::new(sender);
    let hear = move |report| sender.lock().unwrap().send(report).unwrap_or_default();
    let pool = Pool::start(config, move |_, _| Script::new(gate.clone()), Arc::new(hear)).unwrap();
    (pool, reports)
}

/// A UDP client of our own that gives up waiting at some time.
pub fn udp(from: &str) -> UdpSocket {
    let socket = UdpSocket::bind(from).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

/// Sends, and gives what comes back and from where.
pub fn ask(socket: &UdpSocket, to: SocketAddr, bytes: &[u8]) -> (Vec<u8>, SocketAddr) {
    socket.send_to(bytes, to).unwrap();
    hear(socket)
}

pub fn hear(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (count, from) = socket.recv_from(&mut buffer).expect("an answer");
    buffer.truncate(count);
    (buffer, from)
}

pub fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&to, LONG).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// The loopback address of the nth worker.
pub fn loopback(pool: &Pool, n: usize) -> SocketAddr {
    let of_worker = pool.addresses().into_iter().filter(|address| address.ip() == IpAddr::from([127, 0, 0, 1]));
    of_worker.collect::<Vec<_>>()[n]
}

pub fn open(room: u128, who: u128) -> Order {
    let offer = Signal { step: Step::Offer, revision: 1, sealed: Sealed("".into()) };
    let open = Open {
        link: LinkId("l".into()),
        offer,
        channels: vec![],
        profile: Default::default(),
        codecs: vec![],
        view: room::View::Tracks,
    };
    Order::new(RoomId(room), ParticipantId(who), Act::Open(Box::new(open)))
}

pub fn say(room: u128, who: u128, text: &str) -> Order {
    Order::new(RoomId(room), ParticipantId(who), Act::Say(Channel::Speaker, Sealed(text.into())))
}

pub fn close(room: u128, who: u128) -> Order {
    Order::new(RoomId(room), ParticipantId(who), Act::Close)
}

/// The text in a report of something said.
pub fn said(report: Report) -> String {
    match report {
        Report::Of { news: News::Said(_, text), .. } => text.0.to_string(),
        other => panic!("{other:?} was reported"),
    }
}
