//! One thread, its sockets and its engine.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use room::{Order, Report};

use crate::counters::Counters;
use crate::crash::{self, Witness};
use crate::demux::Class;
use crate::limit::{ORDERS_PER_TURN_MAX, RECEIVES_PER_TURN_MAX, UNREAD_MAX};
use crate::load::Load;
use crate::mix::{FromMixer, ToMixer};
use crate::mixers::Port;
use crate::net::{Batch, Datagram, Faces, Protocol, Transmit, Udp};
use crate::pipe::{self, Notice, Piped};
use crate::queue;
use crate::record::{self, FromRecorder, ToRecorder};
use crate::tcp::Tcp;

/// What a worker needs of its engine: a value that takes datagrams, orders and the time, and gives datagrams and reports.
pub trait Core {
    /// Does what the rooms ask.
    fn handle_order(&mut self, now: Instant, order: Order);
    /// These are the addresses that clients should try from now on, best first.
    fn handle_addresses(&mut self, _now: Instant, _addresses: &[SocketAddr]) {}
    /// Takes in a datagram. Called for each of a batch, then comes [`Core::flush`].
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>);
    /// The batch is complete, or a time that [`Core::poll_timeout`] gave has come.
    fn flush(&mut self, now: Instant);
    /// What the turn that began then has to send is sent now.
    fn leave(&mut self, _turn: Instant, _now: Instant) {}
    /// A TCP connection from there ended.
    fn handle_tcp_closed(&mut self, source: SocketAddr);
    /// The next datagram to send. Those to one destination come next to each other.
    fn poll_transmit(&mut self) -> Option<Transmit>;
    /// What else there is to send to one destination, after all that [`Core::poll_transmit`] gives.
    fn poll_batch(&mut self) -> Option<Batch<'_>> {
        None
    }
    /// The next thing to tell the rooms.
    fn poll_report(&mut self) -> Option<Report>;
    /// Takes what the mixer of a room made. Then comes [`Core::flush`].
    fn handle_mixer(&mut self, _now: Instant, _from: FromMixer) {}
    /// The next thing to tell the mixer of a room.
    fn poll_mixer(&mut self) -> Option<ToMixer> {
        None
    }
    /// Takes what the recorder wants. Then comes [`Core::flush`].
    fn handle_recorder(&mut self, _now: Instant, _from: FromRecorder) {}
    /// The next thing to tell the recorder.
    fn poll_recorder(&mut self) -> Option<ToRecorder> {
        None
    }
    /// Takes what the pool says of rooms that are on several workers.
    fn handle_notice(&mut self, _now: Instant, _notice: Notice) {}
    /// Takes what another engine says. Then comes [`Core::flush`].
    fn handle_piped(&mut self, _now: Instant, _piped: Piped) {}
    /// The next thing to tell another engine, and on which worker that is.
    fn poll_piped(&mut self) -> Option<(usize, Piped)> {
        None
    }
    /// The pipe to a worker had no room for this.
    fn handle_refused(&mut self, _now: Instant, _to: usize, _piped: Piped) {}
    /// When [`Core::flush`] is due at the latest.
    fn poll_timeout(&self) -> Option<Instant>;
}

const WAKE: Token = Token(0);
const UDP: Token = Token(1);
/// This and all above: the listener and its connections.
const TCP: Token = Token(2);

/// Events taken from the poll at a time.
const EVENTS: usize = 256;

/// How long a worker without an engine waits before it tries to make one again.
const REMAKE_PAUSE: Duration = Duration::from_millis(200);

/// What a worker is to do.
pub(crate) enum Task {
    Order(Order),
    Notice(Notice),
}

/// What the pool and one worker share.
#[derive(Default)]
pub(crate) struct Signals {
    /// The worker is to end.
    pub stop: AtomicBool,
    /// An order found no room in the queue: the engine does not know any more what the rooms want of it.
    pub overrun: AtomicBool,
    /// Thousandths of its time that the worker worked lately.
    pub load: AtomicU32,
}

/// What a worker is given.
pub(crate) struct Setup<M, R, L> {
    pub sockets: Sockets,
    pub tasks: queue::Receiver<Task>,
    /// The ways to other workers and back.
    pub pipes: pipe::Port,
    /// What the machine's addresses are, whenever they changed.
    pub moves: Receiver<Faces>,
    pub signals: Arc<Signals>,
    pub counters: Arc<Counters>,
    pub witness: Witness,
    /// The way to the mixers and back.
    pub mixers: Port,
    /// The way to the recorder and back.
    pub recorder: record::Port,
    /// Makes an engine that clients reach at these addresses, best first.
    pub make: M,
    /// Hears reports. Must not wait.
    pub report: R,
    /// The engine is gone: forgets the rooms that it had and what was ordered for them, and tells whom it concerns.
    pub lose: L,
}

/// A worker, on its thread.
pub(crate) struct Worker<C, M, R, L> {
    setup: Setup<M, R, L>,
    core: Option<C>,
    /// There are more orders than one turn takes.
    has_orders: bool,
    /// There is more from the mixers than one turn takes.
    has_mixes: bool,
    /// There is more from other workers than one turn takes.
    has_piped: bool,
    load: Load,
}

/// What a worker reads, writes and waits for.
pub(crate) struct Sockets {
    poll: Poll,
    udp: Udp,
    tcp: Tcp,
    faces: Faces,
    /// There may be datagrams to read.
    udp_ready: bool,
    /// Since when there were always more.
    unread_since: Option<Instant>,
    counters: Arc<Counters>,
    /// The poll tells when the UDP socket can be written.
    udp_watched: bool,
}

impl Sockets {
    /// Takes over bound sockets. Also gives what ends a wait.
    pub fn new(udp: UdpSocket, tcp: TcpListener, faces: Faces, counters: &Arc<Counters>) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let mut udp = Udp::new(udp, faces.clone(), counters.clone())?;
        udp.register(poll.registry(), UDP)?;
        let tcp = Tcp::new(tcp, faces.clone(), counters.clone(), poll.registry().try_clone()?, TCP)?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let counters = counters.clone();
        Ok((Sockets { poll, udp, tcp, faces, udp_ready: true, unread_since: None, counters, udp_watched: false }, waker))
    }

    fn set_faces(&mut self, faces: Faces) {
        self.udp.set_faces(faces.clone());
        self.tcp.set_faces(faces.clone());
        self.faces = faces;
    }

    /// Waits for something to do, but not beyond this time.
    fn wait(&mut self, events: &mut Events, until: Option<Instant>, busy: bool) {
        let until = until.into_iter().chain(self.tcp.poll_timeout()).min();
        let busy = busy || self.udp_ready || self.tcp.has_unread();
        let longest = until.map(|until| until.saturating_duration_since(Instant::now()));
        // A wait that a signal cut short is a wait that brought nothing.
        let _ = self.poll.poll(events, if busy { Some(Duration::ZERO) } else { longest });
    }

    /// Takes note of what can be read and written.
    fn handle_events(&mut self, now: Instant, events: &Events) {
        for event in events {
            match event.token() {
                WAKE => {}
                UDP => self.handle_udp_ready(event.is_readable(), event.is_writable()),
                TCP => self.tcp.accept(now),
                token => self.tcp.handle_ready(token, event.is_readable() || event.is_read_closed(), event.is_writable()),
            }
        }
        self.tcp.handle_timeout(now);
        self.udp.handle_time(now);
    }

    fn handle_udp_ready(&mut self, readable: bool, writable: bool) {
        self.udp_ready |= readable;
        if writable {
            self.udp.handle_writable();
        }
    }

    /// Gives what came to the engine. A worker that does not get to the end of what is there passes no media on until it does: what
    /// is late is of no use to anybody, and everything behind it would be late, too.
    fn receive(&mut self, now: Instant, core: &mut impl Core) {
        for _ in 0..RECEIVES_PER_TURN_MAX {
            if !self.udp_ready {
                break;
            }
            let at = Instant::now();
            let late = self.unread_since.is_some_and(|since| at.saturating_duration_since(since) > UNREAD_MAX);
            let counters = &self.counters;
            self.udp_ready = self.udp.receive(|datagram| {
                if late && Class::of(datagram.bytes) == Class::Rtp {
                    counters.dropped_late.add(1);
                } else {
                    hand_over(now, core, datagram);
                }
            });
            self.unread_since = self.unread_since.or(Some(at)).filter(|_| self.udp_ready);
        }
        self.tcp.receive(now, |datagram| hand_over(now, core, datagram));
        while let Some(source) = self.tcp.poll_closed() {
            core.handle_tcp_closed(source);
        }
    }

    /// Sends what the engine has to send.
    fn send(&mut self, core: &mut impl Core) {
        while let Some(transmit) = core.poll_transmit() {
            match transmit.protocol {
                Protocol::Udp => self.udp.send(&transmit),
                _ => self.tcp.send(&transmit),
            }
        }
        while let Some(batch) = core.poll_batch() {
            match batch.protocol {
                Protocol::Udp => self.udp.send_batch(&batch),
                _ => self.tcp.send_batch(&batch),
            }
        }
        self.udp.flush();
        self.tcp.flush();
        if self.udp.is_waiting() != self.udp_watched {
            let watched = self.udp.is_waiting();
            if self.udp.watch(self.poll.registry(), UDP, watched).is_ok() {
                self.udp_watched = watched;
            }
        }
    }

    /// Forgets everything that belonged to an engine.
    fn clear(&mut self) {
        (self.udp_ready, self.unread_since) = (true, None);
        self.udp.clear();
        self.tcp.clear();
    }
}

fn hand_over(now: Instant, core: &mut impl Core, datagram: Datagram<'_>) {
    let _handling = crash::handling(&datagram);
    core.handle_datagram(now, datagram);
}

fn obey(now: Instant, core: &mut impl Core, task: Task) {
    match task {
        Task::Order(order) => {
            let _obeying = crash::obeying(&order);
            core.handle_order(now, order);
        }
        Task::Notice(notice) => core.handle_notice(now, notice),
    }
}

impl<C, M, R, L> Worker<C, M, R, L>
where
    C: Core,
    M: FnMut(&[SocketAddr]) -> C,
    R: FnMut(Report),
    L: FnMut(&queue::Receiver<Task>),
{
    pub fn new(setup: Setup<M, R, L>) -> Self {
        Worker { setup, core: None, has_orders: false, has_mixes: false, has_piped: false, load: Load::new(Instant::now()) }
    }

    /// Works until told to stop. A panic of the engine is caught and counted; the engine is thrown away with its rooms, and another
    /// takes its place on the same sockets. That holds for every panic, however many there are.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        while !self.setup.signals.stop.load(Ordering::Acquire) {
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(&mut events)));
            if let Err(panic) = &turn {
                crash::caught(&**panic);
                self.setup.counters.panics.add(1);
                if self.core.is_none() {
                    // Not even a new engine can be made.
                    thread::park_timeout(REMAKE_PAUSE);
                }
                self.discard();
            }
            self.setup.witness.tell();
        }
    }

    /// Waits, takes in all that came, gives out all that it led to. Everything in a turn happens at one time.
    fn turn(&mut self, events: &mut Events) {
        if self.setup.signals.overrun.swap(false, Ordering::AcqRel) {
            self.discard();
        }
        let core = match &mut self.core {
            Some(core) => core,
            none => none.insert((self.setup.make)(self.setup.sockets.faces.candidates())),
        };
        let rests = Instant::now();
        self.setup.sockets.wait(events, core.poll_timeout(), self.has_orders || self.has_mixes || self.has_piped);
        let now = Instant::now();
        if let Some(load) = self.load.note_rest(rests, now) {
            self.setup.signals.load.store(load, Ordering::Relaxed);
        }
        if let Some(faces) = self.setup.moves.try_iter().last() {
            self.setup.sockets.set_faces(faces);
            core.handle_addresses(now, self.setup.sockets.faces.candidates());
        }
        self.setup.sockets.handle_events(now, events);
        let taken = self.setup.tasks.try_iter().take(ORDERS_PER_TURN_MAX).map(|task| obey(now, core, task)).count();
        self.has_orders = taken == ORDERS_PER_TURN_MAX;
        self.setup.pipes.open();
        self.setup.sockets.receive(now, core);
        self.has_mixes = self.setup.mixers.receive(|from| core.handle_mixer(now, from));
        self.setup.recorder.receive(|from| core.handle_recorder(now, from));
        self.has_piped = self.setup.pipes.receive(|piped| core.handle_piped(now, piped));
        core.flush(now);
        while let Some((to, piped)) = core.poll_piped() {
            if let Some(piped) = self.setup.pipes.send(to, piped) {
                core.handle_refused(now, to, piped);
            }
        }
        self.setup.pipes.wake();
        while let Some(told) = core.poll_mixer() {
            self.setup.mixers.send(told);
        }
        while let Some(told) = core.poll_recorder() {
            self.setup.recorder.send(told);
        }
        core.leave(now, Instant::now());
        self.setup.sockets.send(core);
        while let Some(report) = core.poll_report() {
            (self.setup.report)(report);
        }
        self.setup.counters.turns.add(1);
    }

    /// Throws the engine away, and with it all that was on its way to and from it.
    fn discard(&mut self) {
        let core = self.core.take();
        // What broke an engine may break its end too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(core)));
        self.setup.sockets.clear();
        self.setup.mixers.clear();
        self.setup.recorder.clear();
        self.setup.pipes.clear();
        (self.setup.lose)(&self.setup.tasks);
    }
}
