//! Starts workers, places rooms on them, and starts them anew when they fail.
//!
//! # Which addresses an engine announces
//!
//! An engine is made with the addresses that clients should try, each for UDP and for passive TCP. **All of them are to be host
//! candidates** ([`str0m::Candidate::host`], for TCP with `tcptype passive`), announced public ones too: an ICE agent answers a check
//! only if it came to the address of a host candidate, and sends from there. The sockets see to it that what comes to another address
//! of this machine, as behind a 1:1 NAT, is shown as coming to one of these, and that answers leave from where the question came
//! (see [`Faces`]). Server-reflexive candidates are of no use here: they would need a host candidate for their base, which would
//! tell clients the private address.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use mio::Waker;
use room::{Act, News, Order, Report};
use socket2::Type;

use crate::counters::Counters;
use crate::crash::Witness;
use crate::engine::Engine;
use crate::limit::{ORDERS_QUEUED_MAX, SPREAD_LOAD, STOP_TIMEOUT, WORKERS_DEFAULT_MAX, WORKERS_MAX};
use crate::mix::Projector;
use crate::mixers::{Mixers, Port};
use crate::net::{self, Faces};
use crate::pipe::{self, Notice};
use crate::placement::Lost;
use crate::players::{Library, Players};
use crate::queue;
use crate::record::{self, Epoch};
use crate::settings::{Identity, Settings};
use crate::worker::{Core, Setup, Signals, Sockets, Task, Worker};

pub use crate::placement::Placement;

/// Pending TCP connections that the system holds for a worker.
const TCP_BACKLOG: i32 = 256;

/// How often another free port is tried, where any will do for UDP but TCP has it in use.
const FREE_PORT_TRIES: usize = 16;

/// What an operator chooses, and what the machine is.
#[derive(Clone)]
pub struct Config {
    /// Where the first worker listens, for UDP and TCP; the others on the next ports. `[::]` hears IPv4 too. Port 0: any free port
    /// for each worker.
    pub listen: SocketAddr,
    /// How many workers; 0: one per core, at most [`WORKERS_DEFAULT_MAX`].
    pub workers: usize,
    /// Public addresses of a 1:1 NAT, to be told to clients instead of the private ones of this machine.
    pub announce: Vec<IpAddr>,
    /// The addresses of this machine's interfaces.
    pub addresses: Vec<IpAddr>,
    /// Where all workers count.
    pub counters: Arc<Counters>,
    /// Who hears of panics.
    pub witness: Witness,
    /// Where recordings are kept; none: nowhere, and each ends as it begins.
    pub record: Option<record::Settings>,
    /// Who has the files that are played into mixes; none: nobody, and nothing is played.
    pub library: Option<Arc<dyn Library>>,
    /// From so many clients of one room on one worker on the next ones are served by another.
    pub spread: usize,
}

/// The workers.
pub struct Pool {
    workers: Vec<Handle>,
    ground: Arc<Mutex<Ground>>,
    counters: Arc<Counters>,
    announce: Vec<IpAddr>,
    mixers: Arc<Mixers>,
    /// Hears nothing, and ends when the last worker has.
    done: Mutex<mpsc::Receiver<()>>,
}

/// Who is where, and how to reach the workers. They reach each other by it when an engine was lost.
struct Ground {
    placement: Placement,
    ways: Vec<Way>,
    /// Pairs of workers, the lower first, that have a pipe.
    joined: HashSet<(usize, usize)>,
}

/// How to reach a worker.
struct Way {
    tasks: queue::Sender<Task>,
    waker: Arc<Waker>,
    signals: Arc<Signals>,
    pipes: Sender<pipe::End>,
}

/// One worker, from outside.
struct Handle {
    waker: Arc<Waker>,
    signals: Arc<Signals>,
    thread: Option<JoinHandle<()>>,
    /// What its sockets are bound to.
    bound: SocketAddr,
    faces: Mutex<Faces>,
    moves: Sender<Faces>,
}

/// What became of the addresses that clients are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Those that they are told from now on.
    pub come: Vec<SocketAddr>,
    /// Those that they are not told any more.
    pub gone: Vec<SocketAddr>,
}

impl Pool {
    /// Starts workers that serve rooms. `salt` is random: see [`Settings::salt`].
    ///
    /// # Errors
    /// As [`Pool::start`]; or there is no certificate to be had.
    pub fn serve(config: &Config, salt: u32, reports: Arc<dyn Fn(Report) + Send + Sync>) -> io::Result<Pool> {
        Pool::start(config, Pool::engines(config, salt)?, reports)
    }

    /// What [`Pool::serve`] makes engines with.
    ///
    /// # Errors
    /// There is no certificate to be had.
    pub fn engines(config: &Config, salt: u32) -> io::Result<impl Fn(usize, Vec<SocketAddr>) -> Engine + Send + Sync + 'static> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        let identity = Identity::generate((Instant::now(), since_1970)).map_err(io::Error::other)?;
        let counters = config.counters.clone();
        let mix = config.record.as_ref().map(|record| record.mix).unwrap_or_default();
        Ok(move |worker: usize, addresses: Vec<SocketAddr>| {
            // Another engine on the same worker must not use the same names again, so that what has happened meanwhile counts too.
            let turns = counters.turns.get();
            let seed = u64::from(salt) ^ (worker as u64) << 48 ^ turns << 8;
            let settings = Settings::new(&addresses, &identity, counters.clone(), salt ^ turns as u32);
            Engine::new(Instant::now(), Settings { mix, ..settings }, seed)
        })
    }

    /// Opens the sockets and starts the workers. Each makes its engine on its own thread, from its number and the addresses that
    /// clients should try; and another whenever one was lost.
    ///
    /// Reports come from the workers' threads. Whoever hears them must not wait and must not give orders from there.
    ///
    /// # Errors
    /// A port is in use or not ours to take, in words that name it.
    pub fn start<C: Core>(
        config: &Config,
        make_engine: impl Fn(usize, Vec<SocketAddr>) -> C + Send + Sync + 'static,
        reports: Arc<dyn Fn(Report) + Send + Sync>,
    ) -> io::Result<Pool> {
        let count = worker_count(config.workers)?;
        let (done_sender, done) = channel();
        let players = config.library.clone().map(|library| Players::new(library, reports.clone()));
        let projector = players.map(|players| Arc::new(players) as Arc<dyn Projector>);
        let mut pool = Pool {
            workers: Vec::with_capacity(count),
            ground: Arc::new(Mutex::new(Ground::new(Placement::new(count).spread_from(config.spread)))),
            counters: config.counters.clone(),
            announce: config.announce.clone(),
            mixers: Mixers::start(config.counters.clone(), projector)?,
            done: Mutex::new(done),
        };
        let make_engine = Arc::new(make_engine);
        let epoch =
            Epoch { moment: Instant::now(), since_1970: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() };
        for number in 0..count {
            let handle = pool.start_worker(number, (config, epoch), make_engine.clone(), reports.clone(), done_sender.clone())?;
            pool.workers.push(handle);
        }
        Ok(pool)
    }

    /// Passes an order on to the worker of its participant. Never waits.
    ///
    /// A room gets a worker with its first peer, the one with the fewest peers, and keeps it until its last peer is closed. Where it grows
    /// larger than [`Config::spread`], or its worker is busy, further peers of it are made on other workers. Orders
    /// for participants without a peer are stale, counted and left out. If a worker has too many orders waiting it is taken for
    /// lost: all that it has is reported so, as after a panic, and makes its peers anew.
    pub fn order(&self, order: Order) {
        let mut ground = lock(&self.ground);
        if matches!(order.act, Act::Open(_)) {
            ground.look_at_loads();
        }
        let worker = ground.placement.place(&order);
        ground.tell(&self.counters);
        match worker {
            Some(worker) => ground.give(worker, Task::Order(order), &self.counters),
            None => self.counters.orders_stale.add(1),
        }
    }

    /// The addresses that clients are told, of all workers.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.workers.iter().flat_map(|worker| lock(&worker.faces).candidates().to_vec()).collect()
    }

    /// The machine's interfaces have these addresses now. Whoever connects or restarts ICE from now on is told of them and of no
    /// others; whoever is connected stays where it is. Of use only where the workers listen on every address.
    pub fn set_addresses(&self, addresses: &[IpAddr]) -> Moved {
        let mut moved = Moved::default();
        for worker in &self.workers {
            let new = faces(worker.bound, addresses, &self.announce);
            let mut faces = lock(&worker.faces);
            if *faces == new {
                continue;
            }
            let only = |one: &Faces, other: &Faces| {
                let missing = |address: &&SocketAddr| !other.candidates().contains(address);
                one.candidates().iter().filter(missing).copied().collect::<Vec<_>>()
            };
            moved.come.extend(only(&new, &faces));
            moved.gone.extend(only(&faces, &new));
            *faces = new.clone();
            // A worker that has ended needs no addresses.
            let _ = worker.moves.send(new);
            drop(faces);
            worker.wake();
        }
        moved
    }

    /// What the workers counted.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    fn start_worker<C: Core>(
        &self,
        number: usize,
        (config, epoch): (&Config, Epoch),
        make_engine: Arc<impl Fn(usize, Vec<SocketAddr>) -> C + Send + Sync + 'static>,
        reports: Arc<dyn Fn(Report) + Send + Sync>,
        done: Sender<()>,
    ) -> io::Result<Handle> {
        let (udp, tcp) = open(config.listen, number)?;
        let bound = udp.local_addr()?;
        let faces = faces(bound, &config.addresses, &config.announce);
        let (moves, moved) = channel();
        let (tasks, queue) = queue::bounded(ORDERS_QUEUED_MAX);
        let (pipes, new_pipes) = channel();
        let signals = Arc::new(Signals::default());
        let lost = reports.clone();
        let (ground, counters) = (self.ground.clone(), self.counters.clone());
        let (sockets, waker) = Sockets::new(udp, tcp, faces.clone(), &self.counters)?;
        let waker = Arc::new(waker);
        let recorder = record::start(record::Setup {
            number,
            settings: config.record.clone(),
            epoch,
            counters: self.counters.clone(),
            report: reports.clone(),
            waker: waker.clone(),
            done: done.clone(),
        })?;
        let setup = Setup {
            sockets,
            tasks: queue,
            pipes: pipe::Port::new(new_pipes),
            moves: moved,
            signals: signals.clone(),
            counters: self.counters.clone(),
            witness: config.witness.clone(),
            mixers: Port::new(self.mixers.clone(), waker.clone()),
            recorder,
            make: move |addresses: &[SocketAddr]| make_engine(number, addresses.to_vec()),
            report: move |report| reports(report),
            lose: move |queue: &queue::Receiver<Task>| {
                let Lost { rooms, parts, dead } = lock(&ground).lose(number, queue, &counters);
                let (spread, rooms_lost) = (dead.len(), rooms.len());
                tracing::error!(
                    worker = number,
                    rooms = rooms_lost,
                    spread,
                    "a media worker lost its engine; its clients connect anew"
                );
                counters.rooms_lost.add(rooms_lost as u64);
                rooms.into_iter().for_each(|room| lost(Report::Lost(room)));
                parts.into_iter().for_each(|room| lost(Report::PartLost(room)));
                dead.into_iter().for_each(|(room, who, link)| lost(Report::Of { room, who, link, news: News::Dead }));
            },
        };
        let way = Way { tasks, waker: waker.clone(), signals: signals.clone(), pipes };
        lock(&self.ground).ways.push(way);
        let thread = spawn(number, setup, done)?;
        Ok(Handle { waker, signals, thread: Some(thread), bound, faces: Mutex::new(faces), moves })
    }
}

impl Ground {
    fn new(placement: Placement) -> Self {
        Ground { placement, ways: Vec::new(), joined: HashSet::new() }
    }

    fn look_at_loads(&mut self) {
        for (worker, way) in self.ways.iter().enumerate() {
            self.placement.set_busy(worker, way.signals.load.load(Ordering::Relaxed) > SPREAD_LOAD);
        }
    }

    /// Tells workers what they have to know of what was placed.
    fn tell(&mut self, counters: &Counters) {
        while let Some((worker, notice)) = self.placement.poll_notice() {
            if let Notice::Meet { own, other, .. } = notice {
                self.join(own.worker, other.worker);
            }
            self.give(worker, Task::Notice(notice), counters);
        }
    }

    /// Gives two workers a pipe, if they have none. It stays when what it was made for is over.
    fn join(&mut self, one: usize, other: usize) {
        let Some((near, far)) = self.ways.get(one).zip(self.ways.get(other)) else { return };
        if self.joined.insert((one.min(other), one.max(other))) {
            let (near_end, far_end) = pipe::pair((one, &near.waker), (other, &far.waker));
            // A worker that has ended needs none.
            let _ = (near.pipes.send(near_end), far.pipes.send(far_end));
        }
    }

    fn give(&self, worker: usize, task: Task, counters: &Counters) {
        let Some(way) = self.ways.get(worker) else { return };
        if way.tasks.try_send(task).is_err() {
            counters.orders_refused.add(1);
            way.signals.overrun.store(true, Ordering::Release);
        }
        wake(&way.waker);
    }

    /// Forgets what a lost engine had, and the orders that were for it. Both at once, so that an order given from now on is for the next.
    fn lose(&mut self, number: usize, queue: &queue::Receiver<Task>, counters: &Counters) -> Lost {
        queue.try_iter().for_each(drop);
        let lost = self.placement.lose(number);
        self.tell(counters);
        lost
    }
}

impl Drop for Pool {
    /// Ends the workers. One that does not end in [`STOP_TIMEOUT`] is left to itself.
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.signals.stop.store(true, Ordering::Release);
            worker.wake();
        }
        // Nobody sends: this waits until the last sender is gone, or the time is up.
        let _ = lock(&self.done).recv_timeout(STOP_TIMEOUT);
        let threads = self.workers.iter_mut().filter_map(|worker| worker.thread.take());
        for thread in threads.filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}

impl Handle {
    fn wake(&self) {
        wake(&self.waker);
    }
}

fn wake(waker: &Waker) {
    // A worker that cannot be woken looks at its orders when the next datagram comes.
    let _ = waker.wake();
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn<C, M, R, L>(number: usize, setup: Setup<M, R, L>, done: Sender<()>) -> io::Result<JoinHandle<()>>
where
    C: Core,
    M: FnMut(&[SocketAddr]) -> C + Send + 'static,
    R: FnMut(Report) + Send + 'static,
    L: FnMut(&queue::Receiver<Task>) + Send + 'static,
{
    thread::Builder::new().name(format!("media {number}")).spawn(move || {
        Worker::new(setup).run();
        drop(done);
    })
}

fn worker_count(wanted: usize) -> io::Result<usize> {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    match wanted {
        0 => Ok(cores().min(WORKERS_DEFAULT_MAX)),
        1..=WORKERS_MAX => Ok(wanted),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{wanted} media workers are more than {WORKERS_MAX}"))),
    }
}

/// The sockets of a worker: both on the same port.
fn open(listen: SocketAddr, number: usize) -> io::Result<(UdpSocket, TcpListener)> {
    let out_of_ports = || io::Error::new(io::ErrorKind::InvalidInput, format!("there is no port {} + {number}", listen.port()));
    let offset = if listen.port() == 0 { 0 } else { u16::try_from(number).map_err(|_| out_of_ports())? };
    let listen = SocketAddr::new(listen.ip(), listen.port().checked_add(offset).ok_or_else(out_of_ports)?);
    for _ in 1..FREE_PORT_TRIES {
        match open_both(listen) {
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && listen.port() == 0 => {}
            result => return result,
        }
    }
    open_both(listen)
}

fn open_both(listen: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let udp = match net::bind(listen) {
        Err(e) if is_without_v6(listen, &e) => net::bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), listen.port())),
        result => result,
    };
    let udp = udp.map_err(|e| in_words("UDP", listen, &e))?;
    let bound = udp.local_addr()?;
    let tcp = net::open(bound, Type::STREAM).and_then(|socket| socket.listen(TCP_BACKLOG).map(|()| socket.into()));
    Ok((udp, tcp.map_err(|e| in_words("TCP", bound, &e))?))
}

/// Whether the machine has no IPv6 at all, rather than something else in the way.
fn is_without_v6(listen: SocketAddr, error: &io::Error) -> bool {
    let other = [io::ErrorKind::AddrInUse, io::ErrorKind::PermissionDenied];
    listen.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && !other.contains(&error.kind())
}

fn in_words(kind: &str, listen: SocketAddr, error: &io::Error) -> io::Error {
    let port = listen.port();
    let words = match error.kind() {
        io::ErrorKind::AddrInUse => format!("{kind} port {port} is in use by another program"),
        io::ErrorKind::PermissionDenied => format!("{kind} port {port} is not ours to take: {error}"),
        io::ErrorKind::AddrNotAvailable => format!("{} is not an address of this machine", listen.ip()),
        _ => format!("{kind} port {port} cannot be opened: {error}"),
    };
    io::Error::new(error.kind(), words)
}

/// The addresses that clients are told, best first, for sockets bound here on a machine with these addresses.
///
/// Announced addresses stand for the private ones. Loopback comes last, for a browser on the same machine. Link-local addresses mean
/// nothing without an interface and are left out, unless they are what we listen on.
#[must_use]
pub fn candidates(bound: SocketAddr, addresses: &[IpAddr], announce: &[IpAddr]) -> Vec<SocketAddr> {
    let hears = |ip: &IpAddr| ip.is_ipv4() || bound.is_ipv6();
    let own = if bound.ip().is_unspecified() { addresses.to_vec() } else { vec![bound.ip()] };
    let own = own.iter().filter(|ip| is_useful(**ip) && (announce.is_empty() || !is_private(**ip)));
    let mut ips: Vec<IpAddr> = announce.iter().chain(own).filter(|ip| hears(ip)).copied().collect();
    if bound.ip().is_unspecified() {
        ips.extend(loopback(bound, addresses));
    }
    if ips.is_empty() {
        ips.push(bound.ip());
    }
    let mut seen = HashSet::new();
    ips.into_iter().filter(|ip| seen.insert(*ip)).map(|ip| SocketAddr::new(ip, bound.port())).collect()
}

/// What clients are told of sockets bound here, and what datagrams can be sent from.
fn faces(bound: SocketAddr, addresses: &[IpAddr], announce: &[IpAddr]) -> Faces {
    Faces::new(candidates(bound, addresses, announce), local(bound, addresses))
}

/// Loopback addresses that a socket on every address hears.
fn loopback(bound: SocketAddr, addresses: &[IpAddr]) -> impl Iterator<Item = IpAddr> {
    let has_v6 = bound.is_ipv6() && addresses.iter().any(IpAddr::is_ipv6);
    let v6 = has_v6.then_some(IpAddr::V6(Ipv6Addr::LOCALHOST));
    [IpAddr::V4(Ipv4Addr::LOCALHOST)].into_iter().chain(v6)
}

/// The addresses that datagrams can be sent from.
fn local(bound: SocketAddr, addresses: &[IpAddr]) -> Vec<IpAddr> {
    if bound.ip().is_unspecified() {
        addresses.iter().copied().chain(loopback(bound, addresses)).collect()
    } else {
        vec![bound.ip()]
    }
}

fn is_useful(ip: IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !link_local && !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast()
}

/// Addresses that only a network of the operator's own can reach (RFC 1918, RFC 6598, RFC 4193).
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}
