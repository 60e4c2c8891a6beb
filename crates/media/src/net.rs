//! Batched datagrams in and out: one socket per worker, read and written by its thread only.
//!
//! A socket on `[::]` hears IPv4 too. Addresses are plain IPv4 everywhere behind this module.

use std::array;
use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use mio::Interest;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Socket, Type};
pub use str0m::net::{DatagramSend, Protocol};

use crate::counters::Counters;
use crate::limit::{BACKLOG_BYTES_MAX, DETOURS_MAX, RUN_BYTES_MAX, SEGMENTATION_RETRY, SOCKET_BUFFER_BYTES};

/// A datagram, or a frame on a TCP connection, that came in.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// By what it came.
    pub protocol: Protocol,
    /// From where.
    pub source: SocketAddr,
    /// To which address of ours, as the engine knows it: see [`Faces`].
    pub destination: SocketAddr,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// A datagram, or a frame on a TCP connection, that is to go out.
#[derive(Debug)]
pub struct Transmit {
    /// By what it goes.
    pub protocol: Protocol,
    /// From which address of ours, as the engine knows it.
    pub source: SocketAddr,
    /// To where.
    pub destination: SocketAddr,
    /// What is in it.
    pub bytes: DatagramSend,
}

/// Datagrams, or frames on a TCP connection, that are to go out from one address to another, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// By what they go.
    pub protocol: Protocol,
    /// From which address of ours, as the engine knows it.
    pub source: SocketAddr,
    /// To where.
    pub destination: SocketAddr,
    /// What is in them.
    pub bytes: &'a [u8],
    /// Where in that each of them ends.
    pub ends: &'a [usize],
}

impl<'a> Batch<'a> {
    /// One after the other.
    pub fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).filter_map(move |(start, end)| bytes.get(start..*end))
    }

    /// Cut into what one call can send, if it can send so many.
    fn runs(&self, count_max: usize) -> impl Iterator<Item = Run<'a>> {
        let (source, destination, all) = (self.source, self.destination, self.bytes);
        let mut datagrams = self.datagrams().map(<[u8]>::len).peekable();
        let mut start = 0;
        std::iter::from_fn(move || {
            let segment = datagrams.next()?;
            let mut run = Run { source, destination, segment, count: 1, bytes: all.get(start..start + segment)? };
            while let Some(size) = datagrams.next_if(|size| run.takes(*size, count_max)) {
                run.count += 1;
                run.bytes = all.get(start..start + run.bytes.len() + size)?;
            }
            start += run.bytes.len();
            Some(run)
        })
    }
}

/// Under which addresses the engine knows its sockets.
///
/// An ICE agent answers a check only if it came to an address among its host candidates. Not every address that a machine has is one:
/// behind a 1:1 NAT the candidates are the public addresses and datagrams come to private ones, and addresses come and go while the
/// program runs. What comes to any other address is shown to the engine as coming to the first candidate of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faces {
    candidates: Vec<SocketAddr>,
    local: Vec<IpAddr>,
}

impl Faces {
    /// The candidates of an engine, never empty, and the addresses that this machine really has.
    #[must_use]
    pub fn new(candidates: Vec<SocketAddr>, local: Vec<IpAddr>) -> Self {
        Faces { candidates, local }
    }

    /// The candidates of an engine, best first.
    #[must_use]
    pub fn candidates(&self) -> &[SocketAddr] {
        &self.candidates
    }

    /// As what the engine knows this address of ours.
    #[must_use]
    pub fn shown(&self, local: SocketAddr) -> SocketAddr {
        let of_kind = |candidate: &&SocketAddr| candidate.is_ipv4() == local.is_ipv4();
        let same = self.candidates.iter().find(|candidate| candidate.ip() == local.ip());
        same.or_else(|| self.candidates.iter().find(of_kind)).copied().unwrap_or(local)
    }

    /// The address to send from, where the engine says this one; none: whichever the system takes.
    fn sent_from(&self, shown: IpAddr) -> Option<IpAddr> {
        self.local.contains(&shown).then_some(shown)
    }
}

/// Opens a UDP socket. `[::]` hears IPv4 too; on a machine without IPv6 it is `0.0.0.0`.
///
/// # Errors
/// What the system says, for instance that the port is in use.
pub fn bind(listen: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = open(listen, Type::DGRAM)?;
    // Best effort: the system has a limit of its own and grants what it likes.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    Ok(socket.into())
}

/// A bound, non-blocking socket that hears both kinds of addresses if it listens on `[::]`.
pub(crate) fn open(listen: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(listen), kind, None)?;
    if listen.is_ipv6() {
        socket.set_only_v6(!listen.ip().is_unspecified())?;
    }
    if kind == Type::STREAM {
        // Only for ports that wait out old connections; a port with a listener stays refused.
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&listen.into())?;
    Ok(socket)
}

/// Without IPv4 in IPv6. The zone of a link-local address stays: without it nothing can be sent there.
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// The UDP socket of a worker.
pub struct Udp {
    link: Link,
    buffer: Vec<u8>,
    outbox: Outbox,
    segmentation_off: Option<Instant>,
}

/// A socket and what is to be known for sending through it.
struct Link {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    /// Whether IPv4 is spoken over an IPv6 socket.
    is_v6: bool,
    port: u16,
    faces: Faces,
    /// Remote addresses that speak to an address of ours that the engine does not know, and which.
    detours: HashMap<SocketAddr, IpAddr>,
    counters: Arc<Counters>,
}

impl Udp {
    /// Takes over a bound socket.
    ///
    /// # Errors
    /// If the system does not tell what the socket is bound to, or does not know the options that are needed.
    pub fn new(socket: std::net::UdpSocket, faces: Faces, counters: Arc<Counters>) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let bound = socket.local_addr()?;
        let segments = state.gro_segments();
        Ok(Udp {
            link: Link {
                socket: mio::net::UdpSocket::from_std(socket),
                state,
                is_v6: bound.is_ipv6(),
                port: bound.port(),
                faces,
                detours: HashMap::new(),
                counters,
            },
            // Coalesced datagrams have up to 64 KiB together; a single one is never longer than a jumbo frame.
            buffer: vec![0; BATCH_SIZE * if segments > 1 { 65_536 } else { 9_216 }],
            outbox: Outbox::default(),
            segmentation_off: None,
        })
    }

    /// Has the poll tell when the socket can be read, and written if something waits for that.
    ///
    /// # Errors
    /// What the system says.
    pub fn register(&mut self, registry: &mio::Registry, token: mio::Token) -> io::Result<()> {
        registry.register(&mut self.link.socket, token, Interest::READABLE)
    }

    /// Asks the poll for what is of interest now. A UDP socket that is watched for writing wakes its thread for every datagram sent,
    /// so it is watched only while something waits.
    ///
    /// # Errors
    /// What the system says.
    pub fn watch(&mut self, registry: &mio::Registry, token: mio::Token, writable: bool) -> io::Result<()> {
        let interest = if writable { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        registry.reregister(&mut self.link.socket, token, interest)
    }

    /// The machine has other addresses now. Which way leads to whom is learnt anew.
    pub fn set_faces(&mut self, faces: Faces) {
        self.link.faces = faces;
        self.link.detours.clear();
    }

    /// Receives a batch. False: there was nothing more.
    pub fn receive(&mut self, mut each: impl FnMut(Datagram<'_>)) -> bool {
        let mut meta = [RecvMeta::default(); BATCH_SIZE];
        let size = self.buffer.len() / BATCH_SIZE;
        let mut chunks = self.buffer.chunks_mut(size);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let link = &mut self.link;
        let Ok(count) = link.state.recv(UdpSockRef::from(&link.socket), &mut slices, &mut meta) else { return false };
        let (mut datagrams, mut bytes) = (0, 0);
        for (meta, slice) in meta.iter().take(count).zip(&slices) {
            let source = plain(meta.addr);
            if source.port() == 0 {
                // Nothing can be answered to port 0, and to try would make the sender believe that the system cannot segment.
                link.counters.dropped_malformed.add(1);
                continue;
            }
            let destination = link.destination(source, meta.dst_ip);
            for bytes in slice.get(..meta.len).unwrap_or_default().chunks(meta.stride.max(1)) {
                datagrams += 1;
                each(Datagram { protocol: Protocol::Udp, source, destination, bytes });
            }
            bytes += meta.len as u64;
        }
        link.counters.datagrams_in.add(datagrams);
        link.counters.bytes_in.add(bytes);
        count > 0
    }

    /// Takes a datagram to be sent with those before and after it to the same address. It is on its way after [`Udp::flush`].
    pub fn send(&mut self, transmit: &Transmit) {
        let segments = self.link.state.max_gso_segments();
        let dropped = self.outbox.push(transmit, segments, |run| self.link.dispatch(run));
        self.link.counters.dropped_backlog.add(dropped as u64);
    }

    /// Sends all these, as far as they need not wait for others.
    pub fn send_batch(&mut self, batch: &Batch<'_>) {
        let segments = self.link.state.max_gso_segments();
        let dropped = self.outbox.pass(batch, segments, |run| self.link.dispatch(run));
        self.link.counters.dropped_backlog.add(dropped as u64);
    }

    /// Sends all that was taken.
    pub fn flush(&mut self) {
        let dropped = self.outbox.flush(|run| self.link.dispatch(run));
        self.link.counters.dropped_backlog.add(dropped as u64);
    }

    /// Sends what waited for the socket, as far as it takes it.
    pub fn handle_writable(&mut self) {
        self.outbox.resume(|run| self.link.dispatch(run));
    }

    /// Whether something waits until the socket can be written.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.outbox.is_waiting()
    }

    /// Forgets all that waits to be sent.
    pub fn clear(&mut self) {
        self.outbox = Outbox::default();
    }

    /// A driver that cannot segment is found by trying, and so is a destination that cannot be; the system does not say which it was.
    /// So segmentation is tried again after a while.
    pub fn handle_time(&mut self, now: Instant) {
        if self.link.state.max_gso_segments() > 1 {
            return;
        }
        let since = *self.segmentation_off.get_or_insert(now);
        if now.duration_since(since) >= SEGMENTATION_RETRY {
            self.segmentation_off = None;
            if let Ok(state) = UdpSocketState::new(UdpSockRef::from(&self.link.socket)) {
                self.link.state = state;
            }
        }
    }
}

impl Link {
    /// As what the engine knows the address to which this came; remembers where answers must leave from.
    fn destination(&mut self, source: SocketAddr, local: Option<IpAddr>) -> SocketAddr {
        let unknown = || if source.is_ipv4() { IpAddr::from([0, 0, 0, 0]) } else { IpAddr::from([0u16; 8]) };
        let ip = local.map_or_else(unknown, |ip| ip.to_canonical());
        let shown = self.faces.shown(SocketAddr::new(ip, self.port));
        if shown.ip() == ip || ip.is_unspecified() {
            if !self.detours.is_empty() {
                self.detours.remove(&source);
            }
            return shown;
        }
        if self.detours.len() >= DETOURS_MAX && !self.detours.contains_key(&source) {
            self.detours.clear();
        }
        self.detours.insert(source, ip);
        shown
    }

    /// Sends a run, in one call if the system segments. False: the socket takes no more now.
    fn dispatch(&self, run: &Run<'_>) -> bool {
        match self.try_send(run, run.bytes, (run.count > 1).then_some(run.segment)) {
            Ok(()) => self.count_sent(run.count, run.bytes.len()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
            Err(_) if run.count > 1 => run.bytes.chunks(run.segment.max(1)).for_each(|bytes| self.dispatch_single(run, bytes)),
            Err(_) => self.counters.dropped_refused.add(1),
        }
        true
    }

    fn dispatch_single(&self, run: &Run<'_>, bytes: &[u8]) {
        match self.try_send(run, bytes, None) {
            Ok(()) => self.count_sent(1, bytes.len()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.counters.dropped_backlog.add(1),
            Err(_) => self.counters.dropped_refused.add(1),
        }
    }

    fn try_send(&self, run: &Run<'_>, contents: &[u8], segment_size: Option<usize>) -> io::Result<()> {
        let detour = if self.detours.is_empty() { None } else { self.detours.get(&run.destination).copied() };
        let src_ip = detour.or_else(|| self.faces.sent_from(run.source.ip()));
        let destination = self.on_socket(run.destination);
        let transmit = quinn_udp::Transmit { destination, ecn: None, contents, segment_size, src_ip };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
    }

    /// As this socket writes an address.
    fn on_socket(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) if self.is_v6 => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
            _ => address,
        }
    }

    fn count_sent(&self, datagrams: usize, bytes: usize) {
        self.counters.sends.add(1);
        self.counters.datagrams_out.add(datagrams as u64);
        self.counters.bytes_out.add(bytes as u64);
    }
}

/// What waits to be sent: gathers datagrams that one call can send, and keeps what the socket does not take yet.
#[derive(Default)]
pub struct Outbox {
    /// Not sent yet.
    gathered: Gathered,
    /// Runs that the socket did not take, oldest first.
    backlog: VecDeque<Gathered>,
    backlog_bytes: usize,
}

/// Datagrams of one size, the last may be shorter, between the same two addresses.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// From which address of ours, as the engine knows it.
    pub source: SocketAddr,
    /// To where.
    pub destination: SocketAddr,
    /// Bytes of each datagram but the last.
    pub segment: usize,
    /// How many they are.
    pub count: usize,
    /// One after the other.
    pub bytes: &'a [u8],
}

/// A run that is kept.
struct Gathered {
    source: SocketAddr,
    destination: SocketAddr,
    segment: usize,
    count: usize,
    bytes: Vec<u8>,
}

impl Default for Gathered {
    fn default() -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Gathered { source: nowhere, destination: nowhere, segment: 0, count: 0, bytes: Vec::new() }
    }
}

impl Outbox {
    /// Adds a datagram; first sends those before it if it cannot go with them, or if they are so many. Gives how many datagrams were
    /// dropped.
    pub fn push(&mut self, transmit: &Transmit, count_max: usize, dispatch: impl FnMut(&Run<'_>) -> bool) -> usize {
        let mut dropped = 0;
        if !self.gathered.takes(transmit, count_max) {
            dropped = self.flush(dispatch);
            self.gathered.start(transmit);
        }
        self.gathered.add(transmit);
        dropped
    }

    /// Sends datagrams as they are, after all that was added. Gives how many were dropped.
    pub fn pass(&mut self, batch: &Batch<'_>, count_max: usize, mut dispatch: impl FnMut(&Run<'_>) -> bool) -> usize {
        let mut dropped = self.flush(&mut dispatch);
        for run in batch.runs(count_max) {
            if self.is_waiting() || !dispatch(&run) {
                dropped += self.put_off(&run);
            }
        }
        dropped
    }

    /// Sends what was gathered, by a function that says false if the socket takes nothing now. It is kept then, or dropped if too
    /// much is. Gives how many datagrams were dropped.
    pub fn flush(&mut self, mut dispatch: impl FnMut(&Run<'_>) -> bool) -> usize {
        if self.gathered.count == 0 {
            return 0;
        }
        let mut gathered = std::mem::take(&mut self.gathered);
        let run = gathered.run();
        let waits = self.is_waiting() || !dispatch(&run);
        let dropped = if waits { self.put_off(&run) } else { 0 };
        gathered.clear();
        self.gathered = gathered;
        dropped
    }

    /// The socket takes something again.
    pub fn resume(&mut self, mut dispatch: impl FnMut(&Run<'_>) -> bool) {
        while self.backlog.front().is_some_and(|front| dispatch(&front.run())) {
            let sent = self.backlog.pop_front();
            self.backlog_bytes -= sent.map_or(0, |run| run.bytes.len());
        }
    }

    /// Whether something waits until the socket takes something again.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Keeps a run, or gives how many datagrams are dropped.
    fn put_off(&mut self, run: &Run<'_>) -> usize {
        if self.backlog_bytes + run.bytes.len() > BACKLOG_BYTES_MAX {
            return run.count;
        }
        let &Run { source, destination, segment, count, bytes } = run;
        self.backlog_bytes += bytes.len();
        self.backlog.push_back(Gathered { source, destination, segment, count, bytes: bytes.to_vec() });
        0
    }
}

impl Run<'_> {
    /// Whether a datagram of this size can be added, so that the receiver still gets each as it is.
    fn takes(&self, size: usize, count_max: usize) -> bool {
        let even = self.bytes.len() == self.segment * self.count && (1..=self.segment).contains(&size);
        even && self.count < count_max && self.bytes.len() + size <= RUN_BYTES_MAX
    }
}

impl Gathered {
    fn run(&self) -> Run<'_> {
        let &Gathered { source, destination, segment, count, ref bytes } = self;
        Run { source, destination, segment, count, bytes }
    }

    fn takes(&self, transmit: &Transmit, count_max: usize) -> bool {
        let same = (self.source, self.destination) == (transmit.source, transmit.destination);
        same && self.run().takes(transmit.bytes.len(), count_max)
    }

    fn start(&mut self, transmit: &Transmit) {
        (self.source, self.destination) = (transmit.source, transmit.destination);
        self.segment = transmit.bytes.len();
        self.clear();
    }

    fn add(&mut self, transmit: &Transmit) {
        self.bytes.extend_from_slice(&transmit.bytes);
        self.count += 1;
    }

    fn clear(&mut self) {
        self.count = 0;
        self.bytes.clear();
    }
}
