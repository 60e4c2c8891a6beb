//! ICE over TCP, the passive side (RFC 6544): framing (RFC 4571) and sockets.
//!
//! A stranger's connection may carry nothing but named binding requests until the engine answers one of them, which it does only if the
//! password is right.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use crate::counters::Counters;
use crate::demux::is_named_request;
use crate::limit::{
    ACCEPT_PAUSE, ACCEPTS_PER_TURN_MAX, FRAME_BYTES_MAX, TCP_IDLE_TIMEOUT, TCP_KNOWN_TIMEOUT, TCP_PER_ADDRESS_MAX,
    TCP_QUEUED_BYTES_MAX, TCP_READ_PER_TURN_BYTES, TCP_UNKNOWN_MAX,
};
use crate::net::{Batch, Datagram, Faces, Protocol, Transmit, plain};

/// How often connections are looked over for those to be closed.
const SWEEP: Duration = Duration::from_secs(1);

/// After so long at the latest the next turn begins, if there is something left to do.
const NEXT_TURN: Duration = Duration::from_millis(1);

/// Bytes read by one call.
const READ_BYTES: usize = 16 * 1024;

/// A frame that is longer than [`FRAME_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Takes frames out of a stream: each begins with two bytes for its length (RFC 4571, section 2).
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where the first frame not taken yet begins.
    start: usize,
}

impl Frames {
    /// Adds what the stream brought.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one. Empty frames are left out.
    ///
    /// # Errors
    /// A frame is too long. There is no use in going on.
    pub fn take(&mut self) -> Result<Option<&[u8]>, TooLong> {
        while let Some(&[high, low]) = self.bytes.get(self.start..self.start + 2) {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length > FRAME_BYTES_MAX {
                return Err(TooLong);
            }
            let frame = self.start + 2..self.start + 2 + length;
            if self.bytes.len() < frame.end {
                return Ok(None);
            }
            self.start = frame.end;
            if length > 0 {
                return Ok(self.bytes.get(frame));
            }
        }
        Ok(None)
    }
}

/// The TCP sockets of a worker.
pub struct Tcp {
    listener: TcpListener,
    faces: Faces,
    registry: Registry,
    connections: HashMap<Token, Connection>,
    by_remote: HashMap<SocketAddr, Token>,
    next: usize,
    /// There may be more to accept, but not before this.
    accept_at: Option<Instant>,
    sweep_at: Option<Instant>,
    /// Connections with more to read.
    unread: VecDeque<Token>,
    /// Connections with something to write.
    unwritten: Vec<Token>,
    /// Remote addresses of connections that ended and were known to the engine, or may have been.
    closed: Vec<SocketAddr>,
    counters: Arc<Counters>,
}

struct Connection {
    stream: TcpStream,
    remote: SocketAddr,
    /// Our end, as the engine knows it.
    local: SocketAddr,
    frames: Frames,
    out: VecDeque<u8>,
    /// The engine answered.
    is_known: bool,
    opened: Instant,
    heard: Instant,
}

/// What became of reading or writing a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The system has no more to give, or takes no more.
    Done,
    /// There may be more to read, in the next turn.
    More,
    /// The other end is gone, or broke a rule.
    Over,
}

impl Tcp {
    /// Listens. Tokens from `listener` up are given to it and its connections.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(
        socket: std::net::TcpListener,
        faces: Faces,
        counters: Arc<Counters>,
        registry: Registry,
        listener: Token,
    ) -> io::Result<Self> {
        let mut socket = TcpListener::from_std(socket);
        registry.register(&mut socket, listener, Interest::READABLE)?;
        Ok(Tcp {
            listener: socket,
            faces,
            registry,
            connections: HashMap::new(),
            by_remote: HashMap::new(),
            next: listener.0 + 1,
            accept_at: None,
            sweep_at: None,
            unread: VecDeque::new(),
            unwritten: Vec::new(),
            closed: Vec::new(),
            counters,
        })
    }

    /// The machine has other addresses now. Connections keep the one that they came to.
    pub fn set_faces(&mut self, faces: Faces) {
        self.faces = faces;
    }

    /// Accepts whoever waits, as many as one may in a turn.
    pub fn accept(&mut self, now: Instant) {
        // The poll says only once that somebody waits.
        self.accept_at = Some(now + NEXT_TURN);
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            match self.listener.accept() {
                Ok((stream, remote)) => self.open(now, stream, plain(remote)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.accept_at = None;
                    return;
                }
                Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
                Err(_) => {
                    self.accept_at = Some(now + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    /// The poll said that a connection can be read or written.
    pub fn handle_ready(&mut self, token: Token, readable: bool, writable: bool) {
        if readable && !self.unread.contains(&token) {
            self.unread.push_back(token);
        }
        if writable && self.connections.get(&token).is_some_and(|connection| !connection.out.is_empty()) {
            self.unwritten.push(token);
        }
    }

    /// Reads all connections that have something, each as much as one may in a turn.
    pub fn receive(&mut self, now: Instant, mut each: impl FnMut(Datagram<'_>)) {
        for _ in 0..self.unread.len() {
            let Some(token) = self.unread.pop_front() else { return };
            let Some(connection) = self.connections.get_mut(&token) else { continue };
            match connection.receive(now, &self.counters, &mut each) {
                Outcome::Done => {}
                Outcome::More => self.unread.push_back(token),
                Outcome::Over => self.close(token),
            }
        }
    }

    /// Takes a frame for a connection. It is on its way after [`Tcp::flush`].
    pub fn send(&mut self, transmit: &Transmit) {
        self.send_frame(transmit.destination, &transmit.bytes);
    }

    /// The same for many.
    pub fn send_batch(&mut self, batch: &Batch<'_>) {
        batch.datagrams().for_each(|frame| self.send_frame(batch.destination, frame));
    }

    fn send_frame(&mut self, destination: SocketAddr, frame: &[u8]) {
        let token = self.by_remote.get(&destination).copied();
        let found = token.and_then(|token| Some((token, self.connections.get_mut(&token)?)));
        let Some((token, connection)) = found else { return self.counters.dropped_tcp.add(1) };
        connection.is_known = true;
        if !connection.queue(frame) {
            return self.counters.dropped_tcp.add(1);
        }
        self.counters.datagrams_out.add(1);
        self.counters.bytes_out.add(frame.len() as u64);
        if self.unwritten.last() != Some(&token) {
            self.unwritten.push(token);
        }
    }

    /// Writes all that was taken.
    pub fn flush(&mut self) {
        while let Some(token) = self.unwritten.pop() {
            let outcome = self.connections.get_mut(&token).map(Connection::write);
            if outcome == Some(Outcome::Over) {
                self.close(token);
            }
        }
    }

    /// Closes what is silent for too long, and accepts again after a pause.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.accept_at.is_some_and(|at| at <= now) {
            self.accept(now);
        }
        if self.sweep_at.is_some_and(|at| at <= now) {
            let silent: Vec<Token> = self.connections.iter().filter(|(_, c)| c.is_silent(now)).map(|(token, _)| *token).collect();
            silent.into_iter().for_each(|token| self.close(token));
            self.sweep_at = (!self.connections.is_empty()).then_some(now + SWEEP);
        }
    }

    /// When [`Tcp::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.accept_at.into_iter().chain(self.sweep_at).min()
    }

    /// A connection that ended since this was asked last.
    pub fn poll_closed(&mut self) -> Option<SocketAddr> {
        self.closed.pop()
    }

    /// Whether there is more to read right now.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Closes every connection.
    pub fn clear(&mut self) {
        let all: Vec<Token> = self.connections.keys().copied().collect();
        all.into_iter().for_each(|token| self.close(token));
        self.closed.clear();
    }

    fn open(&mut self, now: Instant, mut stream: TcpStream, remote: SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        let token = Token(self.next);
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.is_full(remote) || self.registry.register(&mut stream, token, interest).is_err() {
            return self.counters.tcp_refused.add(1);
        }
        // Without it small frames would wait for others. Where it is refused they do.
        let _ = stream.set_nodelay(true);
        self.next += 1;
        self.by_remote.insert(remote, token);
        self.connections.insert(token, Connection::new(now, stream, remote, self.faces.shown(plain(local))));
        self.sweep_at.get_or_insert(now + SWEEP);
        self.counters.tcp_opened.add(1);
    }

    fn is_full(&self, remote: SocketAddr) -> bool {
        let network = network(remote.ip());
        let near = self.by_remote.keys().filter(|other| self::network(other.ip()) == network).count();
        let unknown = || self.connections.values().filter(|connection| !connection.is_known).count();
        near >= TCP_PER_ADDRESS_MAX || self.by_remote.contains_key(&remote) || unknown() >= TCP_UNKNOWN_MAX
    }

    fn close(&mut self, token: Token) {
        if let Some(mut connection) = self.connections.remove(&token) {
            let _ = self.registry.deregister(&mut connection.stream);
            self.by_remote.remove(&connection.remote);
            self.closed.push(connection.remote);
            self.counters.tcp_closed.add(1);
        }
    }
}

impl Connection {
    fn new(now: Instant, stream: TcpStream, remote: SocketAddr, local: SocketAddr) -> Self {
        let (frames, out) = (Frames::default(), VecDeque::new());
        Connection { stream, remote, local, frames, out, is_known: false, opened: now, heard: now }
    }

    fn receive(&mut self, now: Instant, counters: &Counters, each: &mut impl FnMut(Datagram<'_>)) -> Outcome {
        let mut buffer = [0; READ_BYTES];
        for _ in 0..TCP_READ_PER_TURN_BYTES / READ_BYTES {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Outcome::Over,
                Ok(count) => self.frames.push(buffer.get(..count).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Outcome::Done,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Outcome::Over,
            }
            if self.take_frames(now, counters, each) == Outcome::Over {
                return Outcome::Over;
            }
        }
        Outcome::More
    }

    fn take_frames(&mut self, now: Instant, counters: &Counters, each: &mut impl FnMut(Datagram<'_>)) -> Outcome {
        loop {
            let bytes = match self.frames.take() {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Outcome::Done,
                Err(TooLong) => return Outcome::Over,
            };
            if !self.is_known && !is_named_request(bytes) {
                return Outcome::Over;
            }
            self.heard = now;
            counters.datagrams_in.add(1);
            counters.bytes_in.add(bytes.len() as u64);
            each(Datagram { protocol: Protocol::Tcp, source: self.remote, destination: self.local, bytes });
        }
    }

    /// False: there is no room, or no frame can be so long.
    fn queue(&mut self, bytes: &[u8]) -> bool {
        let Ok(length) = u16::try_from(bytes.len()) else { return false };
        if self.out.len() + 2 + bytes.len() > TCP_QUEUED_BYTES_MAX {
            return false;
        }
        self.out.extend(length.to_be_bytes());
        self.out.extend(bytes);
        true
    }

    fn write(&mut self) -> Outcome {
        while !self.out.is_empty() {
            match self.stream.write(self.out.as_slices().0) {
                Ok(0) => return Outcome::Over,
                Ok(count) => drop(self.out.drain(..count)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Outcome::Done,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Outcome::Over,
            }
        }
        Outcome::Done
    }

    fn is_silent(&self, now: Instant) -> bool {
        let strange = !self.is_known && now.duration_since(self.opened) >= TCP_KNOWN_TIMEOUT;
        strange || now.duration_since(self.heard) >= TCP_IDLE_TIMEOUT
    }
}

/// What one subscriber has: an IPv4 address, or an IPv6 network of 64 bits.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
    }
}
