//! The threads that mix, and the ways between them and the workers.
//!
//! A room is mixed by one thread, which has other rooms too. It looks for packets when it is time for the next sound or picture, not
//! when they come, so a packet wakes nobody; and what it has made wakes the worker of the room. Nobody waits for anybody: what finds no
//! room in a queue is dropped and counted, but for scenes and wishes, which wait at their worker, where the last one of its kind for each
//! room is all that counts; and for who talks, which is told again with what is made next.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, TrySendError};
use std::thread;
use std::time::Instant;

use mio::Waker;
use room::{ParticipantId, RoomId, Scene, TrackId};

use crate::counters::Counters;
use crate::limit::{
    MIX_MADE_PER_TURN_MAX, MIX_MADE_QUEUED_MAX, MIX_ORDERS_QUEUED_MAX, MIX_PACKETS_QUEUED_MAX, MIX_REMAKE_PAUSE, MIX_WAITING_MAX,
    MIXERS_MAX,
};
use crate::mix::{Counts, FromMixer, Projector, Rendition, RoomMix, ToMixer, Wanted};
use crate::queue::{Receiver, Sender, bounded};
use crate::tap::Packet;

/// The threads. They end when nobody has a way to them any more.
pub(crate) struct Mixers {
    threads: Vec<Thread>,
    counters: Arc<Counters>,
}

/// A thread, from outside.
struct Thread {
    orders: Sender<Order>,
    packets: Sender<(RoomId, TrackId, Packet)>,
    /// How many rooms it has.
    rooms: AtomicUsize,
}

/// What a thread is to do.
enum Order {
    Scene(RoomId, Arc<Scene>, Back),
    Forget(RoomId),
    Keyframe(RoomId, Rendition),
    Wanted(RoomId, Wanted),
}

/// The way back to a worker.
#[derive(Clone)]
struct Back {
    made: Sender<FromMixer>,
    waker: Arc<Waker>,
}

/// A worker's way to the mixers and back.
pub(crate) struct Port {
    mixers: Arc<Mixers>,
    rooms: HashMap<RoomId, Home>,
    back: Back,
    made: Receiver<FromMixer>,
    /// For what each thread had no room: at most [`MIX_WAITING_MAX`].
    waiting: Vec<VecDeque<Order>>,
}

/// Which thread has a room.
#[derive(Clone, Copy)]
struct Home {
    thread: usize,
    /// Whether that thread was told of it.
    known: bool,
}

impl Mixers {
    /// Starts the threads: they sleep until there is a room to mix.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn start(counters: Arc<Counters>, projector: Option<Arc<dyn Projector>>) -> io::Result<Arc<Self>> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MIXERS_MAX);
        let threads = (0..count).map(|number| {
            let (orders, order_queue) = bounded(MIX_ORDERS_QUEUED_MAX);
            let (packets, packet_queue) = bounded(MIX_PACKETS_QUEUED_MAX);
            let (counters, projector) = (counters.clone(), projector.clone());
            let mut mixing = Mixing { orders: order_queue, packets: packet_queue, rooms: HashMap::new(), counters, projector };
            thread::Builder::new().name(format!("mixer {number}")).spawn(move || mixing.run())?;
            Ok(Thread { orders, packets, rooms: AtomicUsize::new(0) })
        });
        let threads = threads.collect::<io::Result<_>>()?;
        Ok(Arc::new(Mixers { threads, counters }))
    }

    /// The one with the fewest rooms, of those that are not behind if there are any.
    fn idlest(&self, behind: impl Fn(usize) -> bool) -> usize {
        let rooms = |(number, thread): &(usize, &Thread)| (behind(*number), thread.rooms.load(Ordering::Relaxed));
        self.threads.iter().enumerate().min_by_key(rooms).map_or(0, |(number, _)| number)
    }
}

impl Port {
    pub fn new(mixers: Arc<Mixers>, waker: Arc<Waker>) -> Self {
        let (sender, made) = bounded(MIX_MADE_QUEUED_MAX);
        let waiting = mixers.threads.iter().map(|_| VecDeque::new()).collect();
        Port { mixers, rooms: HashMap::new(), back: Back { made: sender, waker }, made, waiting }
    }

    /// Tells the mixer of a room something. Never waits.
    pub fn send(&mut self, told: ToMixer) {
        match told {
            ToMixer::Packet(room, track, packet) => {
                let thread = self.rooms.get(&room).and_then(|home| self.mixers.threads.get(home.thread));
                let taken = thread.is_some_and(|thread| thread.packets.try_send((room, track, packet)).is_ok());
                self.mixers.counters.mixer_dropped.add(u64::from(!taken));
            }
            ToMixer::Scene(room, Some(scene)) => {
                let thread = self.place(room);
                self.order(thread, Order::Scene(room, scene, self.back.clone()));
            }
            ToMixer::Scene(room, None) => self.forget(room),
            ToMixer::Keyframe(room, rendition) => self.order_of(room, Order::Keyframe(room, rendition)),
            ToMixer::Wanted(room, wanted) => self.order_of(room, Order::Wanted(room, wanted)),
        }
    }

    /// Gives what the mixers have made; true if there may be more.
    pub fn receive(&mut self, take: impl FnMut(FromMixer)) -> bool {
        (0..self.waiting.len()).for_each(|thread| self.pass_on(thread));
        self.made.try_iter().take(MIX_MADE_PER_TURN_MAX).map(take).count() == MIX_MADE_PER_TURN_MAX
    }

    /// The engine is gone, and its rooms with it.
    pub fn clear(&mut self) {
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        rooms.into_iter().for_each(|room| self.forget(room));
    }

    fn place(&mut self, room: RoomId) -> usize {
        let (mixers, waiting) = (&self.mixers, &self.waiting);
        let home = self.rooms.entry(room).or_insert_with(|| {
            let thread = mixers.idlest(|number| waiting.get(number).is_some_and(|waiting| !waiting.is_empty()));
            if let Some(thread) = mixers.threads.get(thread) {
                thread.rooms.fetch_add(1, Ordering::Relaxed);
            }
            Home { thread, known: false }
        });
        home.thread
    }

    fn forget(&mut self, room: RoomId) {
        let Some(home) = self.rooms.remove(&room) else { return };
        if let Some(thread) = self.mixers.threads.get(home.thread) {
            thread.rooms.fetch_sub(1, Ordering::Relaxed);
        }
        if home.known {
            self.order(home.thread, Order::Forget(room));
        } else if let Some(waiting) = self.waiting.get_mut(home.thread) {
            // An earlier room of this name may be to be forgotten still.
            waiting.retain(|order| order.room() != room || matches!(order, Order::Forget(_)));
        }
    }

    fn order_of(&mut self, room: RoomId, order: Order) {
        if let Some(home) = self.rooms.get(&room).copied() {
            self.order(home.thread, order);
        }
    }

    /// Lets an order wait in its turn, which is over at once unless the thread hangs or is far behind.
    fn order(&mut self, thread: usize, order: Order) {
        let Some(waiting) = self.waiting.get_mut(thread) else { return };
        let ends = matches!(order, Order::Forget(_));
        // In the same place: what else waits for this room goes by it.
        if let Some(before) = waiting.iter_mut().find(|before| !ends && order.replaces(before)) {
            *before = order;
            return self.pass_on(thread);
        }
        waiting.retain(|before| !order.replaces(before));
        if waiting.len() < MIX_WAITING_MAX || ends {
            waiting.push_back(order);
        } else {
            self.mixers.counters.mixer_dropped.add(1);
        }
        self.pass_on(thread);
    }

    fn pass_on(&mut self, number: usize) {
        let (Some(thread), Some(waiting)) = (self.mixers.threads.get(number), self.waiting.get_mut(number)) else { return };
        while let Some(order) = waiting.pop_front() {
            let told = matches!(order, Order::Scene(..)).then(|| order.room());
            if let Err(TrySendError::Full(order)) = thread.orders.try_send(order) {
                return waiting.push_front(order);
            }
            if let Some(home) = told.and_then(|room| self.rooms.get_mut(&room)) {
                home.known = true;
            }
        }
    }
}

impl Order {
    fn room(&self) -> RoomId {
        match self {
            Order::Scene(room, ..) | Order::Forget(room) | Order::Keyframe(room, _) | Order::Wanted(room, _) => *room,
        }
    }

    /// Whether the other one, which came before, need not be heard.
    fn replaces(&self, before: &Order) -> bool {
        let same = match (self, before) {
            (Order::Forget(_), _) | (Order::Scene(..), Order::Scene(..)) | (Order::Wanted(..), Order::Wanted(..)) => true,
            (Order::Keyframe(_, one), Order::Keyframe(_, other)) => one == other,
            _ => false,
        };
        same && self.room() == before.room()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A thread, from inside.
struct Mixing {
    orders: Receiver<Order>,
    packets: Receiver<(RoomId, TrackId, Packet)>,
    rooms: HashMap<RoomId, Seat>,
    counters: Arc<Counters>,
    projector: Option<Arc<dyn Projector>>,
}

/// A room on its thread.
struct Seat {
    room: RoomId,
    /// None after a panic, for a while.
    mix: Option<RoomMix>,
    scene: Arc<Scene>,
    projector: Option<Arc<dyn Projector>>,
    back: Back,
    wanted: Wanted,
    /// When it begins anew.
    again: Instant,
    /// Whether it was said that it cannot.
    complained: bool,
    told: Counts,
    talkers: Talkers,
}

/// Who talks, by what the mix said, and by what the worker was told.
#[derive(Default)]
struct Talkers {
    now: BTreeSet<ParticipantId>,
    told: BTreeSet<ParticipantId>,
}

impl Mixing {
    fn run(&mut self) {
        loop {
            let order = match self.due() {
                Some(due) => self.orders.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => self.orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(order) => {
                    let now = Instant::now();
                    self.obey(now, order);
                    if self.due().is_some_and(|due| due <= now) {
                        self.turn();
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.turn(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        self.rooms.values().map(Seat::due).min()
    }

    fn obey(&mut self, now: Instant, order: Order) {
        match order {
            Order::Scene(room, scene, back) => match self.rooms.get_mut(&room) {
                Some(seat) => seat.set(now, scene, back, &self.counters),
                None => {
                    let seat = Seat::new(now, room, scene, back, &self.counters).with_projector(self.projector.clone());
                    self.rooms.insert(room, seat);
                }
            },
            Order::Forget(room) => drop(self.rooms.remove(&room)),
            Order::Keyframe(room, rendition) => {
                if let Some(mix) = self.rooms.get_mut(&room).and_then(|seat| seat.mix.as_mut()) {
                    mix.handle_keyframe(rendition);
                }
            }
            Order::Wanted(room, wanted) => {
                if let Some(seat) = self.rooms.get_mut(&room) {
                    seat.wanted.clone_from(&wanted);
                    seat.on(Instant::now(), &self.counters, |mix| mix.handle_wanted(wanted));
                }
            }
        }
    }

    /// Sound first, of all rooms; and again after each picture, which takes longer than a sound may wait.
    fn turn(&mut self) {
        self.take_packets();
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        self.tick_sounds();
        for room in rooms {
            let (now, until) = (Instant::now(), self.sound_due());
            let Some(seat) = self.rooms.get_mut(&room) else { continue };
            seat.begin_again(now, &self.counters);
            if seat.mix.as_ref().is_some_and(|mix| mix.picture_due() <= now) {
                seat.decode(until, &self.counters, Instant::now);
                let now = Instant::now();
                seat.on(now, &self.counters, |mix| mix.tick_picture(now));
                seat.send(&self.counters);
                self.take_packets();
                self.tick_sounds();
            }
        }
        self.decode_ahead();
    }

    /// What is decoded now is not waited for when the next picture is due. As long as nothing else is.
    fn decode_ahead(&mut self) {
        let until = self.due();
        for seat in self.rooms.values_mut() {
            seat.decode(until, &self.counters, Instant::now);
            seat.send(&self.counters);
        }
    }

    /// When the next sound of any room is due.
    fn sound_due(&self) -> Option<Instant> {
        self.rooms.values().filter_map(|seat| seat.mix.as_ref()).map(RoomMix::sound_due).min()
    }

    fn tick_sounds(&mut self) {
        let now = Instant::now();
        for seat in self.rooms.values_mut() {
            if seat.mix.as_ref().is_some_and(|mix| mix.sound_due() <= now) {
                seat.on(now, &self.counters, |mix| mix.tick_sound(now));
                seat.send(&self.counters);
            }
        }
    }

    fn take_packets(&mut self) {
        while let Ok((room, track, packet)) = self.packets.try_recv() {
            if let Some(seat) = self.rooms.get_mut(&room) {
                seat.on(packet.arrival, &self.counters, |mix| mix.handle_packet(track, packet));
            }
        }
    }
}

impl Seat {
    fn new(now: Instant, room: RoomId, scene: Arc<Scene>, back: Back, counters: &Counters) -> Self {
        let wanted = Wanted::usual(scene.canvas);
        let (told, talkers) = (Counts::default(), Talkers::default());
        let mut seat =
            Seat { room, mix: None, scene, projector: None, back, wanted, again: now, complained: false, told, talkers };
        seat.begin_again(now, counters);
        seat
    }

    fn with_projector(mut self, projector: Option<Arc<dyn Projector>>) -> Self {
        self.mix = self.mix.map(|mix| mix.with_projector(projector.clone()));
        self.projector = projector;
        self
    }

    fn due(&self) -> Instant {
        self.mix.as_ref().map_or(self.again, |mix| mix.sound_due().min(mix.picture_due()))
    }

    fn set(&mut self, now: Instant, scene: Arc<Scene>, back: Back, counters: &Counters) {
        (self.scene, self.back) = (scene.clone(), back);
        self.talkers.now.retain(|who| scene.voices.iter().any(|voice| voice.who == *who));
        self.on(now, counters, |mix| {
            if let Err(problem) = mix.handle_scene(now, scene) {
                tracing::error!(%problem, "a mix cannot be as its room wants it");
            }
        });
        self.send(counters);
    }

    /// Decodes what has come, as long as there is time, and one frame in any case: a thread that is behind would else show no picture any
    /// more. The rest waits for the next turn.
    fn decode(&mut self, until: Option<Instant>, counters: &Counters, clock: impl Fn() -> Instant) {
        let mut now = clock();
        loop {
            let mut more = false;
            self.on(now, counters, |mix| more = mix.decode_next(now));
            now = clock();
            if !more || until.is_none_or(|until| now >= until) {
                return;
            }
        }
    }

    /// Begins where there is no mix and it is time.
    fn begin_again(&mut self, now: Instant, counters: &Counters) {
        if self.mix.is_some() || now < self.again {
            return;
        }
        (self.again, self.told) = (now + MIX_REMAKE_PAUSE, Counts::default());
        match catch_unwind(AssertUnwindSafe(|| RoomMix::new(now, self.room, self.scene.clone()))) {
            Ok(Ok(mix)) => self.mix = Some(mix.with_projector(self.projector.clone())),
            Ok(Err(problem)) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::error!(%problem, "a mix cannot begin");
                }
            }
            Err(_) => counters.mixer_panics.add(1),
        }
        let wanted = self.wanted.clone();
        self.on(now, counters, |mix| mix.handle_wanted(wanted));
    }

    /// Lets the mix do something. A panic costs this room what it had decoded, nobody else.
    fn on(&mut self, now: Instant, counters: &Counters, act: impl FnOnce(&mut RoomMix)) {
        let Some(mix) = &mut self.mix else { return };
        if catch_unwind(AssertUnwindSafe(|| act(mix))).is_err() {
            tracing::error!("the mixer of a room panicked; it begins anew and everybody else goes on");
            counters.mixer_panics.add(1);
            let films = catch_unwind(AssertUnwindSafe(|| mix.films()));
            if let Ok(films) = films {
                self.scene = Arc::new(Scene { films, ..Scene::clone(&self.scene) });
            }
            (self.mix, self.again) = (None, now + MIX_REMAKE_PAUSE);
            // The next mix knows of nobody who talked, and so would not say that anybody ceased.
            self.talkers.now.clear();
            self.send(counters);
        }
    }

    /// Passes on what was made.
    fn send(&mut self, counters: &Counters) {
        let mut sent = false;
        while let Some(made) = self.mix.as_mut().and_then(RoomMix::poll_made) {
            match made {
                FromMixer::Talking(_, who, talks) => self.talkers.note(who, talks),
                made => {
                    sent = true;
                    counters.mixer_dropped.add(u64::from(self.back.made.try_send(made).is_err()));
                }
            }
        }
        let (room, made) = (self.room, &self.back.made);
        sent |= self.talkers.tell(|who, talks| made.try_send(FromMixer::Talking(room, who, talks)).is_ok());
        if sent {
            // A worker that cannot be woken looks at what there is when the next datagram comes.
            let _ = self.back.waker.wake();
        }
        let Some(mix) = &self.mix else { return };
        let (now, told) = (mix.counts(), std::mem::replace(&mut self.told, mix.counts()));
        counters.mixed_pictures.add(now.pictures.saturating_sub(told.pictures));
        counters.mixed_pictures_failed.add(now.pictures_failed.saturating_sub(told.pictures_failed));
        counters.mixed_pictures_late.add(now.pictures_late.saturating_sub(told.pictures_late));
        counters.mixed_sounds_late.add(now.sounds_late.saturating_sub(told.sounds_late));
        counters.mixed_frames_broken.add(now.frames_broken.saturating_sub(told.frames_broken));
    }
}

impl Talkers {
    fn note(&mut self, who: ParticipantId, talks: bool) {
        if talks {
            self.now.insert(who);
        } else {
            self.now.remove(&who);
        }
    }

    /// Says what changed; what does not get through is said again the next time. True if anything did.
    fn tell(&mut self, mut say: impl FnMut(ParticipantId, bool) -> bool) -> bool {
        let changed: Vec<ParticipantId> = self.now.symmetric_difference(&self.told).copied().collect();
        let said = changed.into_iter().filter(|who| say(*who, self.now.contains(who)));
        let said: Vec<ParticipantId> = said.collect();
        for who in &said {
            if !self.told.remove(who) {
                self.told.insert(*who);
            }
        }
        !said.is_empty()
    }
}
