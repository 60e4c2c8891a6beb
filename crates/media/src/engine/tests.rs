use std::sync::Arc;
use std::time::Instant;

use room::{Act, Kind, Order, ParticipantId, Priority, RoomId, Track, TrackId};

use super::Engine;
use super::clients::guarded;
use super::route::note_wish;
use crate::pipe::{Notice, Part};
use crate::settings::{Identity, Settings};
use crate::switchboard::PeerKey;

/// Rooms with one publisher each, who has no transport.
fn engine(now: Instant, rooms: u128) -> Engine {
    let identity = Identity::generate((now, std::time::Duration::ZERO)).expect("a certificate");
    let mut engine = Engine::new(now, Settings::new(&[], &identity, Arc::default(), 1), 1);
    for n in 1..=rooms {
        let (id, label): (_, Arc<str>) = (TrackId(n), "cam".into());
        let kind = Kind::Video;
        let track = Track { id, label: label.clone(), kind, name: label, enabled: true, priority: Priority::Standard };
        engine.handle_order(now, Order::new(RoomId(n), ParticipantId(n), Act::Publish(vec![track])));
    }
    engine
}

#[test]
fn only_tracks_of_which_something_is_wished_are_looked_at() {
    let now = Instant::now();
    let mut engine = engine(now, 3);
    let key = engine.board.key(TrackId(2)).expect("a track");
    for _ in 0..3 {
        engine.board.get_mut(key).expect("a track").wish_keyframe(0);
        note_wish(&mut engine.wishing, key);
    }
    engine.wishing.extend(engine.board.key(TrackId(3)));
    assert_eq!(engine.wishing.len(), 2);
    engine.ask_keyframes(now);
    assert_eq!(engine.wishing, [key], "its publisher may come yet; of the other nothing was wished");
    engine.handle_order(now, Order::new(RoomId(2), ParticipantId(2), Act::Close));
    engine.flush(now);
    assert_eq!((engine.wishing.len(), engine.sizes()), (0, (2, 0, 2)));
}

#[test]
fn what_happens_in_a_room_on_one_worker_is_told_to_no_other() {
    let now = Instant::now();
    let mut engine = engine(now, 3);
    assert!(!engine.parts_due, "it would look at all rooms");
    let own = Part { worker: 0, serial: 1 };
    let other = Part { worker: 1, serial: 2 };
    engine.handle_notice(now, Notice::Meet { room: RoomId(2), own, home: own, other });
    engine.flush(now);
    let publish = |room: u128| Order::new(RoomId(room), ParticipantId(room), Act::Publish(Vec::new()));
    let due = [1, 2].map(|room| {
        engine.handle_order(now, publish(room));
        std::mem::take(&mut engine.parts_due)
    });
    assert_eq!(due, [false, true]);
}

/// What is told to other workers takes no look at rooms that have nobody there, however many there are.
#[test]
fn rooms_are_known_that_are_on_other_workers_while_they_are() {
    let now = Instant::now();
    let mut engine = engine(now, 50);
    let part = |worker: usize, room: u128| Part { worker, serial: worker as u64 * 100 + room as u64 };
    let meet = |room: u128, worker: usize| Notice::Meet {
        room: RoomId(room),
        own: part(0, room),
        home: part(0, room),
        other: part(worker, room),
    };
    [meet(2, 1), meet(3, 1), meet(3, 2), meet(4, 1)].into_iter().for_each(|notice| engine.handle_notice(now, notice));
    let mut told = |notice: Option<Notice>| {
        notice.into_iter().for_each(|notice| engine.handle_notice(now, notice));
        engine.tell_parts(now);
        let parts = engine.halls.iter().filter(|(_, hall)| hall.parts.is_some());
        let mut rooms: Vec<RoomId> = parts.map(|(room, _)| *room).collect();
        rooms.sort_unstable();
        engine.spread.sort_unstable();
        assert_eq!(engine.spread, rooms);
        rooms.into_iter().map(|room| room.0).collect::<Vec<_>>()
    };
    assert_eq!(told(None), [2, 3, 4]);
    assert_eq!(told(Some(Notice::Gone(RoomId(2), part(1, 2)))), [3, 4]);
    assert_eq!(told(Some(Notice::Gone(RoomId(3), part(1, 3)))), [3, 4]);
    assert_eq!(told(Some(Notice::Over(RoomId(4)))), [3]);
    assert_eq!(told(Some(meet(2, 1))), [2, 3]);
    assert_eq!(told(Some(Notice::Gone(RoomId(3), part(2, 3)))), [2]);
}

#[test]
fn who_cannot_be_sent_to_is_buried_and_nobody_else() {
    let now = Instant::now();
    let mut engine = engine(now, 1);
    let (ann, bo) = (PeerKey { index: 0, uses: 0 }, PeerKey { index: 1, uses: 0 });
    assert!(guarded(&mut engine.broken, ann, || true, || ()) && !guarded(&mut engine.broken, ann, || false, || ()));
    assert_eq!(engine.broken, []);
    for _ in 0..3 {
        assert!(!guarded(&mut engine.broken, bo, || panic!("a cipher"), || ()));
    }
    assert_eq!(engine.broken, [bo]);
    engine.flush(now);
    assert_eq!((engine.broken.len(), engine.counts().panics), (0, 1));
}
