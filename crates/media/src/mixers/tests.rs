use std::cell::Cell;
use std::time::Duration;

use mio::{Poll, Token};
use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};
use room::{Area, Canvas, Ear, ParticipantId};

use super::*;
use crate::codec::Codec;
use crate::limit::{MIX_FRAMES_PER_S, MIX_PIXELS_PER_S};
use crate::mix::{Reel, pieces};

const ROOM: RoomId = RoomId(1);
/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(10);

/// A way to mixers of their own.
fn port() -> (Port, Arc<Counters>, Poll) {
    let (poll, counters) = (Poll::new().expect("a poll"), Arc::<Counters>::default());
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker"));
    (Port::new(Mixers::start(counters.clone(), None).expect("threads"), waker), counters, poll)
}

fn scene(people: u128) -> Arc<Scene> {
    let ear = |who| Ear { who: ParticipantId(who), hears: true, sees: true, volume: 0, without: vec![] };
    let canvas = Canvas { width: 320, height: 180, fps: 20 };
    Arc::new(Scene { canvas, ears: (0..people).map(ear).collect(), ..Scene::default() })
}

fn packet() -> Packet {
    let (codec, payload) = (Codec::Opus, Arc::from([0_u8; 3]));
    Packet { codec, stream: 1, seq: 1, time: 1, arrival: Instant::now(), last: false, rotation: None, report: None, payload }
}

/// Waits for something that the mixers made.
fn wait(port: &mut Port, wanted: impl Fn(&FromMixer) -> bool) -> FromMixer {
    let end = Instant::now() + LONG;
    loop {
        assert!(Instant::now() < end, "nothing was made");
        if let Ok(made) = port.made.recv_timeout(LONG)
            && wanted(&made)
        {
            return made;
        }
    }
}

#[test]
fn a_room_gets_sounds_and_pictures_until_it_is_forgotten() {
    let (mut port, counters, _poll) = port();
    port.send(ToMixer::Scene(ROOM, Some(scene(3))));
    let sound = wait(&mut port, |made| matches!(made, FromMixer::Sound { .. }));
    let FromMixer::Sound { packets, .. } = sound else { return };
    assert_eq!(packets.iter().map(|(who, _)| who.0).collect::<Vec<_>>(), [0, 1, 2]);
    wait(&mut port, |made| matches!(made, FromMixer::Picture { rendition: Rendition::Main, .. }));
    port.send(ToMixer::Wanted(ROOM, Wanted { main: Some(100_000), small: true, ..Wanted::default() }));
    wait(&mut port, |made| matches!(made, FromMixer::Picture { rendition: Rendition::Small, .. }));
    port.send(ToMixer::Scene(ROOM, None));
    assert!(port.mixers.threads.iter().all(|thread| thread.rooms.load(Ordering::Relaxed) == 0));
    // What is made before the thread hears of it comes yet; then there is silence.
    while port.made.recv_timeout(Duration::from_millis(500)).is_ok() {}
    assert_eq!((counters.mixer_panics.get(), counters.mixer_dropped.get()), (0, 0));
}

#[test]
fn rooms_are_spread_and_forgotten_with_their_engine() {
    let (mut port, _, _poll) = port();
    let threads = port.mixers.threads.len();
    for room in 0..2 * threads {
        port.send(ToMixer::Scene(RoomId(room as u128), Some(scene(1))));
    }
    let rooms = |port: &Port| port.mixers.threads.iter().map(|thread| thread.rooms.load(Ordering::Relaxed)).collect::<Vec<_>>();
    assert_eq!(rooms(&port), vec![2; threads]);
    port.clear();
    assert_eq!(rooms(&port), vec![0; threads]);
}

#[test]
fn what_comes_too_fast_is_dropped_and_nobody_waits() {
    let (mut port, counters, _poll) = port();
    port.send(ToMixer::Scene(ROOM, Some(scene(1))));
    let began = Instant::now();
    // The thread is quick; it is to have no time to be.
    while counters.mixer_dropped.get() == 0 && began.elapsed() < LONG / 2 {
        let burst: Vec<ToMixer> = (0..20 * MIX_PACKETS_QUEUED_MAX).map(|_| ToMixer::Packet(ROOM, TrackId(1), packet())).collect();
        burst.into_iter().for_each(|packet| port.send(packet));
    }
    for _ in 0..3 * MIX_ORDERS_QUEUED_MAX {
        port.send(ToMixer::Keyframe(ROOM, Rendition::Main));
    }
    assert!(began.elapsed() < LONG);
    assert!(counters.mixer_dropped.get() > 0);
    // Of what waits for the thread nothing is lost.
    let end = Instant::now() + LONG;
    while port.waiting.iter().any(|waiting| !waiting.is_empty()) && Instant::now() < end {
        port.receive(drop);
        thread::yield_now();
    }
    assert!(port.waiting.iter().all(VecDeque::is_empty));
    wait(&mut port, |made| matches!(made, FromMixer::Sound { .. }));
}

#[test]
fn a_packet_for_no_room_is_counted() {
    let (mut port, counters, _poll) = port();
    port.send(ToMixer::Packet(ROOM, TrackId(1), packet()));
    assert_eq!(counters.mixer_dropped.get(), 1);
}

/// A way to a thread that hangs, and what is in its queue.
fn hung_port() -> (Port, Receiver<Order>, Arc<Counters>, Poll) {
    let (port, mut queues, counters, poll) = hung_ports(1);
    (port, queues.remove(0), counters, poll)
}

/// The same with so many threads.
fn hung_ports(count: usize) -> (Port, Vec<Receiver<Order>>, Arc<Counters>, Poll) {
    let (poll, counters) = (Poll::new().expect("a poll"), Arc::<Counters>::default());
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker"));
    let thread = |orders| Thread { orders, packets: bounded(1).0, rooms: AtomicUsize::new(0) };
    let (orders, queues): (Vec<_>, Vec<_>) = (0..count).map(|_| bounded(MIX_ORDERS_QUEUED_MAX)).unzip();
    let threads = orders.into_iter().map(thread).collect();
    (Port::new(Arc::new(Mixers { threads, counters: counters.clone() }), waker), queues, counters, poll)
}

#[test]
fn what_waits_for_a_thread_that_hangs_is_bounded() {
    let (mut port, queue, counters, _poll) = hung_port();
    let wish = |number: u64| Wanted { main: Some(number), ..Wanted::default() };
    let everything = |port: &mut Port, room: RoomId| {
        port.send(ToMixer::Scene(room, Some(scene(1))));
        for number in 0..3_000 {
            port.send(ToMixer::Wanted(room, wish(number)));
            port.send(ToMixer::Keyframe(room, Rendition::Main));
        }
    };
    everything(&mut port, ROOM);
    assert!(port.waiting[0].len() <= 3, "of each kind the last: {}", port.waiting[0].len());
    // Rooms that come and go meanwhile leave nothing behind.
    for number in 2..10_000 {
        port.send(ToMixer::Scene(RoomId(number), Some(scene(1))));
        port.send(ToMixer::Scene(RoomId(number), None));
    }
    assert!(port.waiting[0].len() <= 3 && port.rooms.len() == 1);
    (2..10_000).for_each(|number| port.send(ToMixer::Scene(RoomId(number), Some(scene(1)))));
    assert_eq!(port.waiting[0].len(), MIX_WAITING_MAX);
    assert!(counters.mixer_dropped.get() > 0);
    // The room that the thread knows is forgotten all the same, once it gets on.
    port.send(ToMixer::Scene(ROOM, None));
    let mut last = None;
    while let Ok(order) = queue.try_recv() {
        last = Some(order).filter(|order| order.room() == ROOM).or(last);
        port.receive(drop);
    }
    assert!(matches!(last, Some(Order::Forget(ROOM))));
}

#[test]
fn a_room_begins_where_nobody_waits() {
    let (mut port, _queues, _, _poll) = hung_ports(3);
    port.waiting[0].push_back(Order::Forget(ROOM));
    assert_eq!(port.place(RoomId(2)), 1);
    port.waiting[1].push_back(Order::Forget(ROOM));
    assert_eq!(port.place(RoomId(3)), 2);
    port.waiting[0].clear();
    assert_eq!(port.place(RoomId(4)), 0);
}

#[test]
fn a_panic_costs_one_room_a_moment() {
    let counters = Counters::default();
    let (poll, (made, _keeps)) = (Poll::new().expect("a poll"), bounded(1_024));
    let back = Back { made, waker: Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker")) };
    let now = Instant::now();
    let mut seat = Seat::new(now, ROOM, scene(1), back, &counters);
    assert!(seat.mix.is_some());
    seat.on(now, &counters, |_| panic!("as a broken mixer does"));
    assert!(seat.mix.is_none() && counters.mixer_panics.get() == 1);
    seat.begin_again(now + MIX_REMAKE_PAUSE / 2, &counters);
    assert!(seat.mix.is_none() && seat.due() == now + MIX_REMAKE_PAUSE);
    seat.begin_again(now + MIX_REMAKE_PAUSE, &counters);
    assert!(seat.mix.is_some());
}

/// A camera that is shown in all of the picture. It sends a key frame, and then again and again a frame in which nothing changed, which
/// is hardly a byte and takes as long to decode as any.
struct Camera {
    key: Vec<u8>,
    still: Vec<u8>,
    sent: u64,
}

const CAMERA: TrackId = TrackId(7);

impl Camera {
    fn new(width: u16, height: u16) -> Camera {
        let picture = Frame::new(width, height, Colour::of(0xc0_20_20));
        let mut encoder = Vp8Encoder::new(Vp8Settings { width, height, fps: 30, bitrate: 2_000_000 }).expect("an encoder");
        let mut frame = |pts_ms| encoder.encode(&picture.picture(), pts_ms, false).expect("a frame").bytes.to_vec();
        Camera { key: frame(0), still: frame(33), sent: 0 }
    }

    fn send(&mut self, now: Instant, key: bool, mix: &mut RoomMix) {
        let frame = if key { &self.key } else { &self.still };
        let time = self.sent as u32 * 90;
        for piece in pieces(frame, self.sent as u16) {
            let (payload, last) = (piece.payload, piece.last);
            self.sent += 1;
            mix.handle_packet(
                CAMERA,
                Packet { codec: Codec::Vp8, seq: self.sent, time, arrival: now, last, payload, ..packet() },
            );
        }
    }
}

fn scene_of_camera() -> Arc<Scene> {
    let area = Area { x: 0, y: 0, width: 320, height: 180 };
    let cell = room::Cell { who: ParticipantId(1), area, track: Some(CAMERA), name: "".into(), whole: false };
    Arc::new(Scene { cells: vec![cell], ..(*scene(1)).clone() })
}

/// Frames that are decoded of a camera that sends a thousand of them a second, for two seconds.
fn decoded_of_a_flood(width: u16, height: u16) -> Counts {
    let (start, mut camera) = (Instant::now(), Camera::new(width, height));
    let mut mix = RoomMix::new(start, ROOM, scene_of_camera()).expect("a mix");
    let mut key = true;
    for ms in 0..2_000 {
        let now = start + Duration::from_millis(ms);
        camera.send(now, std::mem::take(&mut key), &mut mix);
        if ms % 10 == 0 {
            mix.decode(now);
            mix.tick_picture(now);
            key = std::iter::from_fn(|| mix.poll_made()).any(|made| matches!(made, FromMixer::Keyframe(..)));
        }
    }
    mix.counts()
}

#[test]
fn of_a_flood_no_more_is_decoded_than_a_camera_sends() {
    // What is allowed at once, and in two seconds.
    let usual = decoded_of_a_flood(64, 36);
    assert!((60..=u64::from(3 * MIX_FRAMES_PER_S)).contains(&usual.frames), "{usual:?}");
    assert!(usual.frames_broken > 1_500, "{usual:?}");
    let large = decoded_of_a_flood(2_560, 1_440);
    let most = u64::from(3 * MIX_PIXELS_PER_S / (2_560 * 1_440)) + 1;
    assert!((30..=most).contains(&large.frames), "{large:?}");
    assert!(usual.pictures >= 10 && large.pictures >= 10, "the pictures go on");
}

#[test]
fn decoding_ends_when_a_sound_is_due_and_goes_on_in_the_next_turn() {
    let counters = Counters::default();
    let (poll, (made, _keeps)) = (Poll::new().expect("a poll"), bounded(1_024));
    let back = Back { made, waker: Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker")) };
    let (start, mut camera) = (Instant::now(), Camera::new(64, 36));
    let mut seat = Seat::new(start, ROOM, scene_of_camera(), back, &counters);
    seat.on(start, &counters, |mix| (0..8).for_each(|n| camera.send(start, n == 0, mix)));
    // Each frame takes 10 ms.
    let (looked, due) = (Cell::new(0), start + Duration::from_millis(25));
    let clock = || start + Duration::from_millis(10) * looked.replace(looked.get() + 1);
    let decoded = |seat: &mut Seat, until| {
        seat.decode(until, &counters, clock);
        seat.mix.as_ref().map(|mix| mix.counts().frames)
    };
    assert_eq!(decoded(&mut seat, Some(due)), Some(3));
    assert_eq!(decoded(&mut seat, Some(due)), Some(4), "it is late already, and one is decoded all the same");
    assert_eq!(decoded(&mut seat, Some(due + LONG)), Some(8));
}

/// What the worker heard of who talks.
fn talk(made: &Receiver<FromMixer>) -> Vec<(u128, bool)> {
    let said = made.try_iter().filter_map(|made| match made {
        FromMixer::Talking(_, who, talks) => Some((who.0, talks)),
        _ => None,
    });
    said.collect()
}

#[test]
fn nobody_talks_on_when_the_mix_panics_or_has_no_such_voice() {
    let counters = Counters::default();
    let (poll, (made, heard)) = (Poll::new().expect("a poll"), bounded(4));
    let back = Back { made, waker: Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker")) };
    let voice = |who| room::Voice { who: ParticipantId(who), track: TrackId(who), volume: 0, sensitivity: 30 };
    let with =
        |people: &[u128]| Arc::new(Scene { voices: people.iter().map(|who| voice(*who)).collect(), ..(*scene(1)).clone() });
    let now = Instant::now();
    let mut seat = Seat::new(now, ROOM, with(&[1, 2]), back.clone(), &counters);
    [1, 2].into_iter().for_each(|who| seat.talkers.note(ParticipantId(who), true));
    seat.send(&counters);
    assert_eq!(talk(&heard), [(1, true), (2, true)]);
    seat.set(now, with(&[2]), back.clone(), &counters);
    assert_eq!(talk(&heard), [(1, false)]);
    // While the worker has no room for it, it is not lost.
    (0..4).for_each(|_| back.made.try_send(FromMixer::Keyframe(ROOM, TrackId(1))).expect("room"));
    seat.on(now, &counters, |_| panic!("as a broken mixer does"));
    assert_eq!(talk(&heard), []);
    seat.send(&counters);
    assert_eq!(talk(&heard), [(2, false)]);
}

/// Notes from where files are begun with.
struct Places(std::sync::mpsc::Sender<Duration>);

impl Projector for Places {
    fn project(&self, _: RoomId, film: &room::Film) -> Option<Box<dyn Reel>> {
        self.0.send(film.from).expect("heard");
        Some(Box::new(Silent))
    }
}

struct Silent;

impl Reel for Silent {
    fn jump(&self, _: Duration) {}

    fn sound(&self, _: &mut [f32]) -> bool {
        true
    }

    fn picture(&self, _: Duration) -> Option<film::Shown> {
        None
    }
}

#[test]
fn a_file_goes_on_where_it_was_when_the_mix_panicked() {
    let counters = Counters::default();
    let (poll, (made, _keeps)) = (Poll::new().expect("a poll"), bounded(1_024));
    let back = Back { made, waker: Arc::new(Waker::new(poll.registry(), Token(0)).expect("a waker")) };
    let from = Duration::from_secs(5);
    let film = room::Film { id: room::PlaybackId(1), url: "".into(), area: None, volume: 0, paused: false, jump: 3, from };
    let scene = Arc::new(Scene { films: vec![film], ..(*scene(1)).clone() });
    let (sender, places) = std::sync::mpsc::channel();
    let start = Instant::now();
    let mut seat = Seat::new(start, ROOM, scene, back, &counters).with_projector(Some(Arc::new(Places(sender))));
    let mut now = start;
    while now < start + Duration::from_secs(2) {
        seat.on(now, &counters, |mix| mix.tick_sound(now));
        now += Duration::from_millis(20);
    }
    seat.on(now, &counters, |_| panic!("as a broken mixer does"));
    seat.begin_again(now + MIX_REMAKE_PAUSE, &counters);
    let places: Vec<Duration> = places.try_iter().collect();
    assert!(places[0] == from && places[1].abs_diff(from + Duration::from_secs(2)) < Duration::from_millis(100), "{places:?}");
}
