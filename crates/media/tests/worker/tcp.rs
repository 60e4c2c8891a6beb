use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::counters::Counters;
use media::limit::{
    ACCEPTS_PER_TURN_MAX, FRAME_BYTES_MAX, TCP_IDLE_TIMEOUT, TCP_KNOWN_TIMEOUT, TCP_PER_ADDRESS_MAX, TCP_UNKNOWN_MAX,
};
use media::net::{Faces, Protocol, Transmit};
use media::tcp::{Frames, Tcp, TooLong};
use mio::{Events, Poll, Token};
use socket2::{Domain, Socket, Type};

use crate::script::{LONG, TCP_ENDED, config, connect, loopback, start};
use crate::stun::check as check_of;

fn request() -> Vec<u8> {
    check_of("ours:theirs")
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a frame");
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes).expect("a whole frame");
    bytes
}

/// Whether the other end closed it, or reset it because there was more to read.
fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 16]), Ok(0))
        || stream.read(&mut [0; 16]).is_err_and(|e| e.kind() != std::io::ErrorKind::WouldBlock)
}

#[test]
fn frames_come_whole_wherever_the_stream_is_cut() {
    let frames: [&[u8]; 5] = [b"a", b"", &[7; 300], b"bc", &[9; FRAME_BYTES_MAX]];
    let stream: Vec<u8> = frames.iter().flat_map(|bytes| frame(bytes)).collect();
    for cut in 0..600.min(stream.len()) {
        check(&frames, [&stream[..cut], &stream[cut..]].into_iter());
    }
    check(&frames, stream.chunks(1));
    check(&frames, stream.chunks(1460));
}

fn check<'a>(frames: &[&[u8]], pieces: impl Iterator<Item = &'a [u8]>) {
    let (mut reader, mut found) = (Frames::default(), Vec::new());
    for piece in pieces {
        reader.push(piece);
        while let Some(frame) = reader.take().unwrap() {
            found.push(frame.to_vec());
        }
    }
    let expected: Vec<&[u8]> = frames.iter().copied().filter(|bytes| !bytes.is_empty()).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_frame_that_is_too_long_ends_the_stream_before_it_is_there() {
    let mut reader = Frames::default();
    reader.push(&u16::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes());
    assert_eq!(reader.take(), Err(TooLong));
}

#[test]
fn a_connection_that_begins_with_a_check_is_served() {
    for listen in ["127.0.0.1:0", "[::]:0"] {
        let (pool, reports) = start(&config(listen, 1));
        let mut stream = connect(loopback(&pool, 0));
        stream.write_all(&frame(&request())).unwrap();
        assert_eq!(read(&mut stream), request());
        // Answered, so known: anything goes now, however it is cut.
        for byte in frame(b"hello") {
            stream.write_all(&[byte]).unwrap();
        }
        assert_eq!(read(&mut stream), b"hello");
        stream.write_all(&[frame(b"where"), frame(&[3; 16_000])].concat()).unwrap();
        assert_eq!(read(&mut stream), loopback(&pool, 0).to_string().into_bytes());
        assert_eq!(read(&mut stream), [3; 16_000]);
        drop(stream);
        assert_eq!(reports.recv_timeout(LONG), Ok(TCP_ENDED));
    }
}

#[test]
fn a_connection_that_begins_otherwise_is_closed() {
    let (pool, _reports) = start(&config("127.0.0.1:0", 1));
    let mut no_checksum = request();
    no_checksum.truncate(36);
    no_checksum[3] = 16;
    let mut nameless = request();
    nameless[21] = 7;
    let long = u16::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes();
    for first in [frame(b"hello"), frame(&no_checksum), frame(&nameless), long.to_vec(), b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        let mut stream = connect(loopback(&pool, 0));
        stream.write_all(&first).unwrap();
        assert!(is_closed(&mut stream), "{first:?}");
    }
}

#[test]
fn one_address_has_only_so_many_connections() {
    let (pool, reports) = start(&config("127.0.0.1:0", 1));
    let mut streams: Vec<TcpStream> = (0..TCP_PER_ADDRESS_MAX).map(|_| connect(loopback(&pool, 0))).collect();
    assert!(is_closed(&mut connect(loopback(&pool, 0))));
    assert_eq!(pool.counters().tcp_refused.get(), 1);
    // The others are served, and one that ends makes room.
    for stream in &mut streams {
        stream.write_all(&frame(&request())).unwrap();
        assert_eq!(read(stream), request());
    }
    drop(streams.pop());
    assert_eq!(reports.iter().find(|report| *report == TCP_ENDED), Some(TCP_ENDED));
    let mut next = connect(loopback(&pool, 0));
    next.write_all(&frame(&request())).unwrap();
    assert_eq!(read(&mut next), request());
}

/// The TCP sockets of a worker, in a time of their own.
struct Bench {
    tcp: Tcp,
    poll: Poll,
    now: Instant,
    address: SocketAddr,
    counters: Arc<Counters>,
}

impl Bench {
    fn new() -> Self {
        let (poll, counters) = (Poll::new().unwrap(), Arc::<Counters>::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let faces = Faces::new(vec![address], vec![address.ip()]);
        let tcp = Tcp::new(listener, faces, counters.clone(), poll.registry().try_clone().unwrap(), Token(9)).unwrap();
        Bench { tcp, poll, now: Instant::now(), address, counters }
    }

    /// Waits for what the poll has and takes it in; gives how many frames there were.
    fn turn(&mut self) -> usize {
        let mut events = Events::with_capacity(16);
        self.poll.poll(&mut events, Some(LONG)).unwrap();
        for event in &events {
            match event.token() {
                Token(9) => self.tcp.accept(self.now),
                token => self.tcp.handle_ready(token, event.is_readable(), event.is_writable()),
            }
        }
        let mut frames = 0;
        self.tcp.receive(self.now, |_| frames += 1);
        self.tcp.flush();
        frames
    }

    /// A connection from which one check came.
    fn connected(&mut self) -> TcpStream {
        let mut stream = connect(self.address);
        stream.write_all(&frame(&request())).unwrap();
        while self.turn() == 0 {}
        stream
    }

    /// A connection that says nothing.
    fn connect_from(&self, ip: [u8; 4]) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((ip, 0)).into()).unwrap();
        socket.connect(&self.address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    fn answer(&mut self, to: &TcpStream, bytes: &[u8]) {
        let (source, destination) = (self.address, to.local_addr().unwrap());
        self.tcp.send(&Transmit { protocol: Protocol::Tcp, source, destination, bytes: bytes.to_vec().into() });
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.tcp.handle_timeout(self.now);
    }
}

#[test]
fn a_connection_that_the_engine_does_not_answer_is_closed() {
    let mut bench = Bench::new();
    let mut stream = bench.connected();
    bench.pass(TCP_KNOWN_TIMEOUT - Duration::from_secs(1));
    assert_eq!(bench.tcp.poll_closed(), None);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.tcp.poll_closed(), Some(stream.local_addr().unwrap()));
    assert!(is_closed(&mut stream));
    assert_eq!(bench.tcp.poll_timeout(), None);
}

#[test]
fn a_connection_without_a_frame_for_long_is_closed() {
    let mut bench = Bench::new();
    let mut stream = bench.connected();
    bench.answer(&stream, b"yes");
    bench.pass(TCP_IDLE_TIMEOUT - Duration::from_secs(1));
    assert_eq!(bench.tcp.poll_closed(), None);
    stream.write_all(&frame(b"still here")).unwrap();
    while bench.turn() == 0 {}
    bench.pass(TCP_IDLE_TIMEOUT - Duration::from_secs(1));
    assert_eq!(bench.tcp.poll_closed(), None);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.tcp.poll_closed(), Some(stream.local_addr().unwrap()));
}

#[test]
fn a_reader_that_is_too_slow_loses_whole_frames() {
    let mut bench = Bench::new();
    let mut stream = bench.connected();
    let sent = 2_000;
    for n in 0..sent {
        bench.answer(&stream, &[n as u8; 16_000]);
        bench.tcp.flush();
    }
    let dropped = bench.counters.dropped_tcp.get();
    assert!(dropped > 0 && dropped < sent, "{dropped} dropped");
    for _ in 0..sent - dropped {
        let reader = std::thread::spawn(move || (read(&mut stream), stream));
        while !reader.is_finished() {
            bench.pass(Duration::ZERO);
            let mut events = Events::with_capacity(4);
            bench.poll.poll(&mut events, Some(Duration::from_millis(1))).unwrap();
            events.iter().for_each(|event| bench.tcp.handle_ready(event.token(), false, event.is_writable()));
            bench.tcp.flush();
        }
        let (bytes, back) = reader.join().unwrap();
        stream = back;
        assert!(bytes.len() == 16_000 && bytes.iter().all(|byte| *byte == bytes[0]), "a torn frame");
    }
}

#[test]
fn strangers_have_only_so_many_connections() {
    let mut bench = Bench::new();
    let mut streams = vec![];
    for n in 0..TCP_UNKNOWN_MAX {
        streams.push(bench.connect_from([127, 1, (n / 9) as u8, 1]));
        while bench.counters.tcp_opened.get() <= n as u64 {
            bench.turn();
        }
    }
    let mut refused = bench.connect_from([127, 2, 0, 1]);
    while bench.counters.tcp_refused.get() == 0 {
        bench.turn();
    }
    assert!(is_closed(&mut refused));
    // One that is known is no stranger.
    streams[0].write_all(&frame(&request())).unwrap();
    while bench.turn() == 0 {}
    bench.answer(&streams[0], b"yes");
    let served = bench.connect_from([127, 2, 0, 1]);
    while bench.counters.tcp_opened.get() == TCP_UNKNOWN_MAX as u64 {
        bench.turn();
    }
    bench.pass(TCP_KNOWN_TIMEOUT);
    assert_eq!(bench.counters.tcp_closed.get(), TCP_UNKNOWN_MAX as u64);
    drop(served);
}

/// Who is in already does not wait for everybody who comes.
#[test]
fn of_a_crowd_only_so_many_come_in_a_turn() {
    let mut bench = Bench::new();
    let crowd: Vec<TcpStream> = (0..100).map(|n| bench.connect_from([127, 3, 0, 1 + n / 10])).collect();
    bench.turn();
    assert_eq!(bench.counters.tcp_opened.get(), ACCEPTS_PER_TURN_MAX as u64);
    let due = bench.tcp.poll_timeout().expect("the others wait") - bench.now;
    assert!(due <= Duration::from_millis(1), "{due:?}");
    bench.pass(due);
    assert_eq!(bench.counters.tcp_opened.get(), crowd.len() as u64);
    assert!(bench.tcp.poll_timeout().expect("a time to look around") - bench.now > Duration::from_millis(100));
}

#[test]
fn what_is_for_nobody_is_counted() {
    let mut bench = Bench::new();
    let stream = TcpListener::bind("127.0.0.1:0").unwrap();
    let destination = stream.local_addr().unwrap();
    let transmit = Transmit { protocol: Protocol::Tcp, source: bench.address, destination, bytes: vec![1].into() };
    bench.tcp.send(&transmit);
    assert_eq!(bench.counters.dropped_tcp.get(), 1);
}
