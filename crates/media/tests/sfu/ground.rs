//! A room on several workers, in virtual time: their engines, the pipes between them, and who is where.

#![allow(dead_code, reason = "not every target has several workers")]

use std::collections::{BTreeMap, VecDeque};
use std::mem::swap;
use std::net::SocketAddr;
use std::time::Instant;

use media::engine::Engine;
use media::pipe::Piped;
use media::pool::Placement;
use room::{LinkId, News, Order, ParticipantId, Report, RoomId};

use crate::meter::Meter;
use crate::world::{Beside, World, settings};

/// Room for the words of one step.
const WORDS: usize = 1_024;

/// Engines beside that of the world, which is the first, and the pipes between all of them.
pub struct Ground {
    pub placement: Placement,
    /// Which worker each was served by last.
    pub where_is: BTreeMap<ParticipantId, usize>,
    pub others: Vec<Other>,
    /// Packets that a pipe holds.
    pub room: usize,
    /// There is no room for messages.
    pub full: bool,
    /// By the worker that it leads to: words, messages with what is said of them, and packets.
    words: Vec<VecDeque<Piped>>,
    messages: Vec<VecDeque<Piped>>,
    packets: Vec<VecDeque<Piped>>,
    /// Packets that found no room.
    pub refused: usize,
    /// What each worker took; of the first only what has to do with pipes, beside what the world counts.
    pub costs: Vec<Meter>,
    /// What it takes to put packets in, and to pass on what comes out.
    pub putting: Meter,
    pub passing: Meter,
    pub passed: usize,
    seed: u64,
}

pub struct Other {
    pub engine: Engine,
    pub server: SocketAddr,
    pub datagrams: Vec<(SocketAddr, Vec<u8>)>,
    pub beside: Option<Beside>,
}

impl Ground {
    /// The other engine that is reached there.
    pub fn at(&mut self, address: SocketAddr) -> Option<&mut Other> {
        self.others.iter_mut().find(|other| other.server == address)
    }
}

impl World {
    /// A world with so many workers. From so many people of the room on one of them on the next ones go to another.
    pub fn spread(seed: u64, workers: usize, people: usize) -> World {
        let mut world = World::new(seed);
        let other = |n: usize| {
            let server = SocketAddr::from(([10, 0, 0, 200], 8444 + u16::try_from(n).unwrap()));
            let engine = Engine::new(world.now, settings(server), seed ^ (n as u64) << 20);
            Other { engine, server, datagrams: Vec::new(), beside: None }
        };
        let others = (1..workers).map(other).collect();
        let queues = || (0..workers).map(|_| VecDeque::new()).collect();
        world.ground = Some(Box::new(Ground {
            placement: Placement::new(workers).spread_from(people),
            where_is: BTreeMap::new(),
            others,
            room: media::limit::PIPE_PACKETS_MAX,
            full: false,
            words: queues(),
            messages: queues(),
            packets: queues(),
            refused: 0,
            costs: vec![Meter::default(); workers],
            putting: Meter::default(),
            passing: Meter::default(),
            passed: 0,
            seed,
        }));
        world
    }

    pub fn ground(&mut self) -> &mut Ground {
        self.ground.as_mut().expect("several workers")
    }

    pub fn engine_of(&mut self, worker: usize) -> &mut Engine {
        match worker.checked_sub(1) {
            None => &mut self.engine,
            Some(other) => &mut self.ground.as_mut().expect("several workers").others[other].engine,
        }
    }

    /// The worker of a client.
    pub fn worker_of(&mut self, client: usize) -> usize {
        let who = self.clients[client].who;
        self.ground().where_is[&who]
    }

    /// Gives an order to whichever engine it is for.
    pub fn order_somewhere(&mut self, order: Order) {
        let (now, who) = (self.now, order.who);
        let worker = self.ground().placement.place(&order);
        self.tell_notices();
        let Some(worker) = worker else { return };
        self.ground().where_is.insert(who, worker);
        self.engine_of(worker).handle_order(now, order);
    }

    fn tell_notices(&mut self) {
        let now = self.now;
        while let Some((worker, notice)) = self.ground().placement.poll_notice() {
            self.engine_of(worker).handle_notice(now, notice);
        }
    }

    /// A worker loses its engine; which rooms are lost, and whose links.
    pub fn lose(&mut self, worker: usize) -> (Vec<RoomId>, Vec<(RoomId, ParticipantId, LinkId)>) {
        let (now, seed) = (self.now, self.random());
        let server = worker.checked_sub(1).map_or(self.server, |other| self.ground().others[other].server);
        *self.engine_of(worker) = Engine::new(now, settings(server), seed);
        let ground = self.ground();
        ground.words[worker].clear();
        ground.messages[worker].clear();
        ground.packets[worker].clear();
        let lost = ground.placement.lose(worker);
        self.tell_notices();
        for (room, who, link) in lost.dead.clone() {
            self.reports.push(Report::Of { room, who, link, news: News::Dead });
        }
        (lost.rooms, lost.dead)
    }

    /// The first engine hears what the others said.
    pub fn hear_others(&mut self) {
        if self.ground.is_some() {
            self.hear(0);
        }
    }

    /// The other engines have their turns, and then all hear each other.
    pub fn step_others(&mut self) {
        if self.ground.is_none() {
            return;
        }
        self.put_out(0);
        for worker in 1..=self.ground().others.len() {
            let (now, before) = (self.now, self.cost);
            self.change_places(worker);
            let other = &mut self.ground().others[worker - 1];
            let (datagrams, mut beside) = (std::mem::take(&mut other.datagrams), other.beside.take());
            self.hand_over(&datagrams);
            self.hear(worker);
            if let Some(beside) = &mut beside {
                beside(now, &mut self.engine);
            }
            self.turn();
            self.put_out(worker);
            self.change_places(worker);
            let spent = self.cost.since(&before);
            self.cost = before;
            let ground = self.ground();
            ground.others[worker - 1].beside = beside;
            ground.costs[worker] = ground.costs[worker].and(&spent);
        }
    }

    /// The world's engine is that of this worker, until it is called again.
    fn change_places(&mut self, worker: usize) {
        let other = &mut self.ground.as_mut().expect("several workers").others[worker - 1];
        swap(&mut other.engine, &mut self.engine);
        swap(&mut other.server, &mut self.server);
    }

    /// The world's engine hears what is for it.
    fn hear(&mut self, worker: usize) {
        let (now, World { engine, ground, .. }) = (self.now, self);
        let Some(ground) = ground else { return };
        let before = ground.passing;
        for word in std::mem::take(&mut ground.words[worker]) {
            ground.costs[worker].measure(|| engine.handle_piped(now, word));
        }
        // A clock is dear: it is read once for all.
        let packets = &mut ground.packets[worker];
        ground.passed += packets.len();
        ground.passing.measure(|| {
            while let Some(packet) = packets.pop_front() {
                engine.handle_piped(now, packet);
            }
        });
        for message in std::mem::take(&mut ground.messages[worker]) {
            ground.costs[worker].measure(|| engine.handle_piped(now, message));
        }
        ground.costs[worker] = ground.costs[worker].and(&ground.passing.since(&before));
    }

    /// Puts what the world's engine says into the pipes.
    fn put_out(&mut self, worker: usize) {
        let (now, World { engine, ground, .. }) = (self.now, self);
        let Some(ground) = ground else { return };
        let Ground { putting, words, messages, packets, room, refused, costs, full, .. } = &mut **ground;
        let before = *putting;
        packets.iter_mut().for_each(|packets| packets.reserve(*room));
        words.iter_mut().chain(messages.iter_mut()).for_each(|words| words.reserve(WORDS));
        while putting.measure(|| put_packets(engine, packets, (*room, *full), now, refused, [words, messages])) {}
        costs[worker] = costs[worker].and(&putting.since(&before));
    }
}

/// Puts in packets up to the next word, and that too; false once there is nothing more.
fn put_packets(
    engine: &mut Engine,
    packets: &mut [VecDeque<Piped>],
    (room, full): (usize, bool),
    now: Instant,
    refused: &mut usize,
    [words, messages]: [&mut [VecDeque<Piped>]; 2],
) -> bool {
    while let Some((to, piped)) = engine.poll_piped() {
        if piped.is_message() && full {
            engine.handle_refused(now, to, piped);
        } else if !piped.is_packet() {
            let queue = if piped.room_of_messages().is_some() { &mut *messages } else { &mut *words };
            queue[to].push_back(piped);
            return true;
        } else if packets[to].len() < room {
            packets[to].push_back(piped);
        } else {
            *refused += 1;
            engine.handle_refused(now, to, piped);
        }
    }
    false
}
