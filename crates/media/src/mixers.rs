//! The threads that mix, and the ways between them and the workers.
//!
//! A room is mixed by one thread, which has other rooms too. It looks for packets when it is time for the next sound or picture, not
//! when they come, so a packet wakes nobody; and what it has made wakes the worker of the room. Nobody waits for anybody: what finds no
//! room in a queue is dropped and counted, but for scenes and wishes, which wait at their worker.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use mio::Waker;
use room::{RoomId, Scene, TrackId};

use crate::counters::Counters;
use crate::limit::{MIX_MADE_PER_TURN_MAX, MIX_MADE_QUEUED_MAX, MIX_ORDERS_QUEUED_MAX, MIX_PACKETS_QUEUED_MAX, MIXERS_MAX};
use crate::mix::{Counts, FromMixer, Rendition, RoomMix, ToMixer, Wanted};
use crate::tap::Packet;

/// How long a mix that could not go on is left alone before it begins anew.
const REMAKE_PAUSE: Duration = Duration::from_millis(200);

/// The threads. They end when nobody has a way to them any more.
pub(crate) struct Mixers {
    threads: Vec<Thread>,
    counters: Arc<Counters>,
}

/// A thread, from outside.
struct Thread {
    orders: SyncSender<Order>,
    packets: SyncSender<(RoomId, TrackId, Packet)>,
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
    made: SyncSender<FromMixer>,
    waker: Arc<Waker>,
}

/// A worker's way to the mixers and back.
pub(crate) struct Port {
    mixers: Arc<Mixers>,
    /// Which thread has which room.
    rooms: HashMap<RoomId, usize>,
    back: Back,
    made: Receiver<FromMixer>,
    /// For whom there was no room.
    waiting: VecDeque<(usize, Order)>,
}

impl Mixers {
    /// Starts the threads: they sleep until there is a room to mix.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn start(counters: Arc<Counters>) -> io::Result<Arc<Self>> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MIXERS_MAX);
        let threads = (0..count).map(|number| {
            let (orders, order_queue) = sync_channel(MIX_ORDERS_QUEUED_MAX);
            let (packets, packet_queue) = sync_channel(MIX_PACKETS_QUEUED_MAX);
            let mut mixing =
                Mixing { orders: order_queue, packets: packet_queue, rooms: HashMap::new(), counters: counters.clone() };
            thread::Builder::new().name(format!("mixer {number}")).spawn(move || mixing.run())?;
            Ok(Thread { orders, packets, rooms: AtomicUsize::new(0) })
        });
        let threads = threads.collect::<io::Result<_>>()?;
        Ok(Arc::new(Mixers { threads, counters }))
    }

    fn idlest(&self) -> usize {
        let rooms = |(_, thread): &(usize, &Thread)| thread.rooms.load(Ordering::Relaxed);
        self.threads.iter().enumerate().min_by_key(rooms).map_or(0, |(number, _)| number)
    }
}

impl Port {
    pub fn new(mixers: Arc<Mixers>, waker: Arc<Waker>) -> Self {
        let (sender, made) = sync_channel(MIX_MADE_QUEUED_MAX);
        Port { mixers, rooms: HashMap::new(), back: Back { made: sender, waker }, made, waiting: VecDeque::new() }
    }

    /// Tells the mixer of a room something. Never waits.
    pub fn send(&mut self, told: ToMixer) {
        match told {
            ToMixer::Packet(room, track, packet) => {
                let thread = self.rooms.get(&room).and_then(|number| self.mixers.threads.get(*number));
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
        for (thread, order) in std::mem::take(&mut self.waiting) {
            self.order(thread, order);
        }
        self.made.try_iter().take(MIX_MADE_PER_TURN_MAX).map(take).count() == MIX_MADE_PER_TURN_MAX
    }

    /// The engine is gone, and its rooms with it.
    pub fn clear(&mut self) {
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        rooms.into_iter().for_each(|room| self.forget(room));
    }

    fn place(&mut self, room: RoomId) -> usize {
        *self.rooms.entry(room).or_insert_with(|| {
            let number = self.mixers.idlest();
            if let Some(thread) = self.mixers.threads.get(number) {
                thread.rooms.fetch_add(1, Ordering::Relaxed);
            }
            number
        })
    }

    fn forget(&mut self, room: RoomId) {
        let Some(number) = self.rooms.remove(&room) else { return };
        if let Some(thread) = self.mixers.threads.get(number) {
            thread.rooms.fetch_sub(1, Ordering::Relaxed);
        }
        self.order(number, Order::Forget(room));
    }

    fn order_of(&mut self, room: RoomId, order: Order) {
        if let Some(number) = self.rooms.get(&room).copied() {
            self.order(number, order);
        }
    }

    fn order(&mut self, number: usize, order: Order) {
        let Some(thread) = self.mixers.threads.get(number) else { return };
        let blocked = self.waiting.iter().any(|(waits, _)| *waits == number);
        let refused = if blocked { Err(TrySendError::Full(order)) } else { thread.orders.try_send(order) };
        if let Err(TrySendError::Full(order)) = refused {
            self.waiting.push_back((number, order));
        }
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
}

/// A room on its thread.
struct Seat {
    /// None after a panic, for a while.
    mix: Option<RoomMix>,
    scene: Arc<Scene>,
    back: Back,
    wanted: Wanted,
    /// When it begins anew.
    again: Instant,
    told: Counts,
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
                None => drop(self.rooms.insert(room, Seat::new(now, room, scene, back, &self.counters))),
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
            let now = Instant::now();
            let Some(seat) = self.rooms.get_mut(&room) else { continue };
            seat.begin_again(now, room, &self.counters);
            if seat.mix.as_ref().is_some_and(|mix| mix.picture_due() <= now) {
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
        for seat in self.rooms.values_mut() {
            let now = Instant::now();
            if seat.due() <= now {
                return;
            }
            seat.on(now, &self.counters, |mix| mix.decode(now));
            seat.send(&self.counters);
        }
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
        let mut seat = Seat { mix: None, scene, back, wanted, again: now, told: Counts::default() };
        seat.begin_again(now, room, counters);
        seat
    }

    fn due(&self) -> Instant {
        self.mix.as_ref().map_or(self.again, |mix| mix.sound_due().min(mix.picture_due()))
    }

    fn set(&mut self, now: Instant, scene: Arc<Scene>, back: Back, counters: &Counters) {
        (self.scene, self.back) = (scene.clone(), back);
        self.on(now, counters, |mix| {
            if let Err(problem) = mix.handle_scene(now, scene) {
                tracing::error!(%problem, "a mix cannot be as its room wants it");
            }
        });
    }

    /// Begins where there is no mix and it is time.
    fn begin_again(&mut self, now: Instant, room: RoomId, counters: &Counters) {
        if self.mix.is_some() || now < self.again {
            return;
        }
        (self.again, self.told) = (now + REMAKE_PAUSE, Counts::default());
        match catch_unwind(AssertUnwindSafe(|| RoomMix::new(now, room, self.scene.clone()))) {
            Ok(Ok(mix)) => self.mix = Some(mix),
            Ok(Err(problem)) => tracing::error!(%problem, "a mix cannot begin"),
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
            (self.mix, self.again) = (None, now + REMAKE_PAUSE);
        }
    }

    /// Passes on what was made.
    fn send(&mut self, counters: &Counters) {
        let Some(mix) = &mut self.mix else { return };
        let mut sent = false;
        while let Some(made) = mix.poll_made() {
            sent = true;
            counters.mixer_dropped.add(u64::from(self.back.made.try_send(made).is_err()));
        }
        if sent {
            // A worker that cannot be woken looks at what there is when the next datagram comes.
            let _ = self.back.waker.wake();
        }
        let (now, told) = (mix.counts(), std::mem::replace(&mut self.told, mix.counts()));
        counters.mixed_pictures.add(now.pictures.saturating_sub(told.pictures));
        counters.mixed_pictures_late.add(now.pictures_late.saturating_sub(told.pictures_late));
        counters.mixed_sounds_late.add(now.sounds_late.saturating_sub(told.sounds_late));
        counters.mixed_frames_broken.add(now.frames_broken.saturating_sub(told.frames_broken));
    }
}
