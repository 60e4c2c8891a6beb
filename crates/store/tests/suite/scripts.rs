//! Short stories, each on an empty database.

use store::limit::{EVENTS_KEPT_MAX, WAIT_MAX_MS};
use store::{
    Alive, Callback, CompositionFilter, CompositionRow, CompositionStatus, EventRow, HookFilter, HookRow, IdentityOrId, Method,
    NameOrId, Page, ParticipantFilter, ParticipantStatus, Problem, RecordedFile, RecordedKind, RecordingFilter, RecordingRow,
    RecordingStatus, RoomFilter, RoomRow, RulesRow, Store, StoredKind, StoredRow, StoredState, Write,
};

use super::rows::*;

/// Runs a macro for each script.
#[macro_export]
macro_rules! for_each_script {
    ($run:ident) => {
        $run! {
            a_room_is_found_by_name_while_it_runs_and_by_id_always
            a_name_is_given_once_at_a_time
            a_batch_is_whole_or_not_at_all
            a_failing_batch_takes_no_other_with_it
            participants_come_lose_their_way_and_leave
            tracks_are_there_while_published
            recordings_are_made_end_and_are_deleted
            recordings_are_found_by_what_they_are_of
            a_room_is_kept_as_long_as_a_recording_of_it
            compositions_wait_are_made_and_go
            hooks_are_found_by_name_and_go
            what_is_to_be_deleted_from_a_bucket_stays_so
            rules_and_settings_keep_the_last_word
            events_of_a_room_are_numbered_without_a_gap
            callbacks_wait_their_turn_in_their_room
            callbacks_do_not_wait_for_a_clock_that_was_set_back
            callbacks_of_busy_receivers_make_way
            a_callback_that_was_taken_is_taken_once
            pages_neither_lose_nor_repeat_while_rooms_come_and_go
            rooms_are_forgotten_unless_somebody_is_still_to_be_told
            of_a_room_that_never_ends_the_oldest_events_are_forgotten
            what_waits_is_not_forgotten_for_being_old
            a_name_that_is_forgotten_is_gone_from_what_was_told
            what_was_in_progress_is_known_afterwards
            odd_words_come_back_as_they_went
            moments_beyond_reason_are_refused
        }
    };
}

async fn write(store: &dyn Store, writes: impl IntoIterator<Item = Write>) {
    store.write(writes.into_iter().collect()).await.unwrap();
}

async fn refuse(store: &dyn Store, writes: impl IntoIterator<Item = Write>) {
    let answer = store.write(writes.into_iter().collect()).await;
    assert!(matches!(answer, Err(Problem::Misused(_))), "{answer:?}");
}

async fn check_room(store: &dyn Store, asked: NameOrId, expected: Option<&RoomRow>) {
    assert_eq!(store.room(ACCOUNT, asked).await.unwrap().as_ref(), expected);
}

fn name(name: &str) -> NameOrId {
    NameOrId::Name(name.into())
}

fn identity(identity: &str) -> IdentityOrId {
    IdentityOrId::Identity(identity.into())
}

pub async fn a_room_is_found_by_name_while_it_runs_and_by_id_always(store: &dyn Store) {
    let cam = RoomRow { callback: told(0, "", 0).callback, ..room(u128::MAX, "Dog Cam", 1_000) };
    write(store, [began(cam.clone())]).await;
    check_room(store, name("Dog Cam"), Some(&cam)).await;
    check_room(store, name("dog cam"), None).await;
    check_room(store, NameOrId::Id(u128::MAX), Some(&cam)).await;
    assert_eq!(store.room("AC1", NameOrId::Id(u128::MAX)).await.unwrap(), None, "another account's");

    write(store, [ended(u128::MAX, 2_000)]).await;
    let cam = over(cam, 2_000);
    check_room(store, name("Dog Cam"), None).await;
    check_room(store, NameOrId::Id(u128::MAX), Some(&cam)).await;

    write(store, [ended(u128::MAX, 3_000)]).await;
    check_room(store, NameOrId::Id(u128::MAX), Some(&cam)).await;
    refuse(store, [ended(7, 3_000)]).await;
}

pub async fn a_name_is_given_once_at_a_time(store: &dyn Store) {
    write(store, [began(room(1, "a", 1))]).await;
    refuse(store, [began(room(2, "a", 1))]).await;
    refuse(store, [began(room(1, "b", 1))]).await;
    refuse(store, [began(RoomRow { ended_ms: Some(2), ..room(2, "b", 1) })]).await;
    write(store, [began(RoomRow { account: "AC1".into(), ..room(3, "a", 1) })]).await;
    write(store, [ended(1, 2), began(room(4, "a", 3))]).await;
    check_room(store, name("a"), Some(&room(4, "a", 3))).await;
}

pub async fn a_batch_is_whole_or_not_at_all(store: &dyn Store) {
    refuse(store, [began(room(1, "a", 1)), Write::Setting { key: "k".into(), value: "v".into() }, left(9, 1)]).await;
    check_room(store, name("a"), None).await;
    assert_eq!(store.setting("k").await.unwrap(), None);
    write(store, []).await;
}

pub async fn a_failing_batch_takes_no_other_with_it(store: &dyn Store) {
    write(store, [began(room(1, "taken", 1))]).await;
    let attempts = (0..40_u128).map(|n| {
        let name = if n % 3 == 0 { "taken".to_owned() } else { format!("room {n}") };
        async move { store.write(vec![began(room(100 + n, &name, 1))]).await.is_ok() }
    });
    let answers = futures_util::future::join_all(attempts).await;
    for (n, written) in answers.into_iter().enumerate() {
        assert_eq!(written, n % 3 != 0, "batch {n}");
        let there = store.room(ACCOUNT, NameOrId::Id(100 + n as u128)).await.unwrap().is_some();
        assert_eq!(there, written, "batch {n}");
    }
}

pub async fn participants_come_lose_their_way_and_leave(store: &dyn Store) {
    let status = |status, at_ms| Write::Participant { participant: 10, status, at_ms };
    let check = async |who: IdentityOrId, expected: Option<(u128, ParticipantStatus, Option<u64>)>| {
        let found = store.participant(1, who).await.unwrap();
        assert_eq!(found.map(|found| (found.id, found.status, found.ended_ms)), expected);
    };
    refuse(store, [joined(participant(10, 1, "ann", 1))]).await;
    write(store, [began(room(1, "a", 1)), joined(participant(10, 1, "ann", 1))]).await;
    check(identity("ann"), Some((10, ParticipantStatus::Connected, None))).await;
    write(store, [status(ParticipantStatus::Reconnecting, 2)]).await;
    check(IdentityOrId::Id(10), Some((10, ParticipantStatus::Reconnecting, None))).await;
    write(store, [status(ParticipantStatus::Connected, 3)]).await;
    check(identity("ann"), Some((10, ParticipantStatus::Connected, None))).await;

    write(store, [joined(participant(11, 1, "ann", 4)), left(11, 5)]).await;
    check(identity("ann"), Some((10, ParticipantStatus::Connected, None))).await;
    write(store, [left(10, 6)]).await;
    check(identity("ann"), Some((11, ParticipantStatus::Disconnected, Some(5)))).await;
    write(store, [left(10, 7)]).await;
    check(IdentityOrId::Id(10), Some((10, ParticipantStatus::Disconnected, Some(6)))).await;
    check(identity("bob"), None).await;
    assert_eq!(store.participant(2, IdentityOrId::Id(10)).await.unwrap(), None, "another room's");

    let filter = ParticipantFilter { status: Some(ParticipantStatus::Disconnected), ..ParticipantFilter::default() };
    let page = store.participants(1, filter, first(9)).await.unwrap();
    assert_eq!(page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [11, 10]);
}

pub async fn tracks_are_there_while_published(store: &dyn Store) {
    let names = async || {
        let page = store.tracks(10, first(9)).await.unwrap();
        page.rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    refuse(store, [published(track(20, 10, 1, "cam", 1))]).await;
    write(store, [began(room(1, "a", 1)), began(room(2, "b", 1)), joined(participant(10, 1, "ann", 1))]).await;
    refuse(store, [published(track(20, 10, 2, "cam", 1))]).await;
    write(store, [published(track(20, 10, 1, "cam", 1)), published(track(21, 10, 1, "mic", 1))]).await;
    assert_eq!(names().await, ["mic", "cam"]);

    let muted = store::TrackRow { enabled: false, updated_ms: 5, created_ms: 5, ..track(20, 10, 1, "cam", 1) };
    write(store, [published(muted.clone())]).await;
    let found = store.track(10, NameOrId::Id(20)).await.unwrap();
    assert_eq!(found, Some(store::TrackRow { created_ms: 1, ..muted }));
    assert_eq!(names().await, ["mic", "cam"]);

    write(store, [Write::TrackRemoved { track: 21, at_ms: 6 }, Write::TrackRemoved { track: 21, at_ms: 7 }]).await;
    assert_eq!(store.track(10, NameOrId::Name("mic".into())).await.unwrap(), None);
    refuse(store, [Write::TrackRemoved { track: 99, at_ms: 6 }]).await;
    write(store, [left(10, 8)]).await;
    assert_eq!(names().await, [""; 0]);
}

async fn a_room_with_a_track(store: &dyn Store, id: u128) -> store::TrackRow {
    let track = track(20 + id, 10 + id, id, "cam", 1);
    let name = format!("room {id}");
    write(store, [began(room(id, &name, 1)), joined(participant(10 + id, id, "ann", 1)), published(track.clone())]).await;
    track
}

pub async fn recordings_are_made_end_and_are_deleted(store: &dyn Store) {
    let cam = a_room_with_a_track(store, 1).await;
    let row = RecordingRow { callback: told(1, "", 1).callback, ..recording(30, &cam, "room 1", 5) };
    write(store, [recorded(row.clone()), recorded(mix(31, 1, "room 1", 6))]).await;
    let check = async |expected: &RecordingRow| {
        assert_eq!(store.recording(ACCOUNT, expected.id).await.unwrap().as_ref(), Some(expected));
    };
    check(&row).await;
    check(&mix(31, 1, "room 1", 6)).await;
    assert_eq!(store.recording("AC1", 30).await.unwrap(), None, "another account's");
    assert_eq!(store.recordings_running().await.unwrap(), [row.clone(), mix(31, 1, "room 1", 6)]);

    write(store, [Write::RecordingFlows { recording: 30, at_ms: 8, codec: "vp9".into(), offset_ms: 77 }]).await;
    let flowing = RecordedFile { codec: "vp9".into(), offset_ms: 77, ..RecordedFile::default() };
    check(&RecordingRow { updated_ms: 8, file: flowing, ..row.clone() }).await;
    write(store, [finished(30, RecordingStatus::Completed, 9), finished(30, RecordingStatus::Failed, 10)]).await;
    let (status, why) = (RecordingStatus::Completed, "stopped".to_owned());
    let there = RecordingRow { status, updated_ms: 9, ended_ms: Some(9), file: file(), why, ..row };
    check(&there).await;
    assert_eq!(store.recordings_running().await.unwrap(), [mix(31, 1, "room 1", 6)]);

    let deleted = |recording, at_ms| Write::RecordingDeleted { recording, at_ms };
    let lost = |recording, at_ms| Write::RecordingLost { recording, at_ms, why: "gone".into() };
    write(store, [deleted(30, 11), deleted(30, 12), lost(30, 13)]).await;
    check(&RecordingRow { status: RecordingStatus::Deleted, updated_ms: 11, ..there }).await;
    write(store, [finished(31, RecordingStatus::Completed, 12), lost(31, 13)]).await;
    let found = store.recording(ACCOUNT, 31).await.unwrap().unwrap();
    assert_eq!(
        (found.status, found.why.as_str(), found.ended_ms, found.file.bytes),
        (RecordingStatus::Failed, "gone", Some(12), 0)
    );

    refuse(store, [recorded(recording(30, &cam, "room 1", 5))]).await;
    refuse(store, [recorded(RecordingRow { room: 2, ..recording(32, &cam, "room 1", 5) })]).await;
    refuse(store, [recorded(RecordingRow { account: "AC1".into(), ..recording(32, &cam, "room 1", 5) })]).await;
    refuse(store, [recorded(RecordingRow { ended_ms: Some(6), ..recording(32, &cam, "room 1", 5) })]).await;
    refuse(store, [recorded(RecordingRow { track: None, ..recording(32, &cam, "room 1", 5) })]).await;
    refuse(store, [recorded(RecordingRow { kind: RecordedKind::Audio, ..mix(32, 1, "room 1", 5) })]).await;
    refuse(store, [finished(99, RecordingStatus::Completed, 9)]).await;
    refuse(store, [finished(30, RecordingStatus::Deleted, 9)]).await;
    refuse(store, [deleted(99, 9)]).await;
    refuse(store, [lost(99, 9)]).await;
    refuse(store, [Write::RecordingFlows { recording: 99, at_ms: 8, codec: "vp9".into(), offset_ms: 77 }]).await;
}

pub async fn recordings_are_found_by_what_they_are_of(store: &dyn Store) {
    let (one, two) = (a_room_with_a_track(store, 1).await, a_room_with_a_track(store, 2).await);
    let sound = RecordingRow { kind: RecordedKind::Audio, ..recording(31, &one, "room 1", 6) };
    write(store, [recorded(recording(30, &one, "room 1", 5)), recorded(sound), recorded(mix(32, 1, "room 1", 7))]).await;
    write(store, [recorded(recording(33, &two, "room 2", 8)), finished(33, RecordingStatus::Completed, 9)]).await;
    write(store, [Write::RecordingDeleted { recording: 31, at_ms: 9 }]).await;
    let check = async |filter: RecordingFilter, expected: &[u128]| {
        let page = store.recordings(ACCOUNT, filter.clone(), first(9)).await.unwrap();
        assert_eq!(page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{filter:?}");
    };
    let any = RecordingFilter::default;
    check(any(), &[33, 32, 30]).await;
    check(RecordingFilter { tracks_only: true, ..any() }, &[33, 30]).await;
    check(RecordingFilter { kind: Some(RecordedKind::Mix), ..any() }, &[32]).await;
    check(RecordingFilter { status: Some(RecordingStatus::Deleted), ..any() }, &[31]).await;
    check(RecordingFilter { status: Some(RecordingStatus::Completed), room: Some(1), ..any() }, &[]).await;
    check(RecordingFilter { track: Some(22), ..any() }, &[33]).await;
    check(RecordingFilter { participant: Some(11), ..any() }, &[30]).await;
    check(RecordingFilter { participant: Some(11), room: Some(2), ..any() }, &[]).await;
    check(RecordingFilter { room: Some(1), ..any() }, &[32, 30]).await;
    check(RecordingFilter { room_name: Some("room 1".into()), ..any() }, &[32, 30]).await;
    check(RecordingFilter { created_from_ms: Some(6), created_before_ms: Some(8), ..any() }, &[32]).await;
    let theirs = store.recordings("AC1", RecordingFilter { room: Some(1), ..any() }, first(9)).await.unwrap();
    assert_eq!(theirs.rows, []);
    let forget = Write::Anonymize { participant: 11, identity: "PA11".into(), parameter: "Who".into(), at_ms: 20 };
    write(store, [forget]).await;
    let found = store.recording(ACCOUNT, 30).await.unwrap().unwrap();
    assert_eq!((found.identity.as_deref(), found.updated_ms), (Some("PA11"), 20));
}

pub async fn a_room_is_kept_as_long_as_a_recording_of_it(store: &dyn Store) {
    let cam = a_room_with_a_track(store, 1).await;
    write(store, [recorded(recording(30, &cam, "room 1", 5)), left(11, 6), ended(1, 6)]).await;
    assert_eq!(store.forget(100, 10).await.unwrap(), 0);
    write(store, [finished(30, RecordingStatus::Failed, 7)]).await;
    assert_eq!(store.forget(100, 10).await.unwrap(), 0);
    write(store, [Write::RecordingDeleted { recording: 30, at_ms: 8 }]).await;
    assert_eq!(store.forget(100, 10).await.unwrap(), 1);
    assert_eq!(store.recording(ACCOUNT, 30).await.unwrap(), None);
}

pub async fn compositions_wait_are_made_and_go(store: &dyn Store) {
    write(store, [began(room(1, "room 1", 1)), ended(1, 2)]).await;
    let row = CompositionRow { callback: told(1, "", 1).callback, hook: Some(7), ..composition(40, 1, "room 1", 5) };
    let check = async |expected: CompositionRow| {
        assert_eq!(store.composition(ACCOUNT, expected.id).await.unwrap(), Some(expected));
    };
    write(store, [composed(row.clone()), composed(composition(41, 1, "room 1", 6))]).await;
    check(row.clone()).await;
    assert_eq!(store.composition("AC1", 40).await.unwrap(), None, "another account's");
    assert_eq!(store.forget(100, 10).await.unwrap(), 0, "it is to be made");
    let started = |composition, at_ms| Write::CompositionStarted { composition, at_ms };
    let progress = |composition, at_ms| Write::CompositionProgress { composition, at_ms, percent: 30 };
    write(store, [started(41, 7), progress(41, 8), progress(40, 8)]).await;
    let waiting = store.compositions_waiting(ACCOUNT).await.unwrap();
    assert_eq!(waiting.iter().map(|row| (row.id, row.percent, row.attempts)).collect::<Vec<_>>(), [(41, 30, 1), (40, 0, 0)]);
    let put_back = |composition, at_ms| Write::CompositionPutBack { composition, at_ms };
    write(store, [started(40, 8), put_back(40, 8), put_back(40, 9), started(41, 9)]).await;
    let anew =
        CompositionRow { status: CompositionStatus::Processing, updated_ms: 9, attempts: 2, ..composition(41, 1, "room 1", 6) };
    check(anew.clone()).await;
    let completed =
        |composition, at_ms| Write::CompositionCompleted { composition, at_ms, duration_ms: 7, bytes: 8, why: "w".into() };
    let failed = |composition, at_ms| Write::CompositionFailed { composition, at_ms, why: "gone".into() };
    write(store, [completed(41, 10), completed(41, 11), started(41, 11), progress(41, 11)]).await;
    let (status, why) = (CompositionStatus::Completed, "w".to_owned());
    let there =
        CompositionRow { status, percent: 100, updated_ms: 10, ended_ms: Some(10), duration_ms: 7, bytes: 8, why, ..anew };
    check(there.clone()).await;
    assert_eq!(store.compositions_waiting(ACCOUNT).await.unwrap().len(), 1);
    assert_eq!(store.compositions_waiting_count(ACCOUNT).await.unwrap(), 1);
    assert_eq!(store.compositions_waiting("AC1").await.unwrap(), []);
    assert_eq!(store.compositions_waiting_count("AC1").await.unwrap(), 0);
    let deleted = |composition, at_ms| Write::CompositionDeleted { composition, at_ms };
    write(store, [deleted(40, 12), failed(40, 13), deleted(40, 13), failed(41, 14), failed(41, 15)]).await;
    check(CompositionRow { status: CompositionStatus::Deleted, updated_ms: 12, ended_ms: Some(12), ..row }).await;
    write(store, [put_back(40, 15), put_back(41, 15)]).await;
    check(CompositionRow { status: CompositionStatus::Failed, updated_ms: 14, bytes: 0, why: "gone".into(), ..there }).await;
    let any = CompositionFilter::default;
    let listed = async |filter| -> Vec<u128> {
        store.compositions(ACCOUNT, filter, first(9)).await.unwrap().rows.iter().map(|row| row.id).collect()
    };
    assert_eq!(listed(any()).await, [41]);
    assert_eq!(listed(CompositionFilter { status: Some(CompositionStatus::Deleted), ..any() }).await, [40]);
    assert_eq!(listed(CompositionFilter { room: Some(2), ..any() }).await, []);
    assert_eq!(listed(CompositionFilter { room_name: Some("room 1".into()), created_from_ms: Some(6), ..any() }).await, [41]);
    refuse(store, [composed(composition(41, 1, "room 1", 5))]).await;
    refuse(store, [composed(composition(42, 2, "room 1", 5))]).await;
    refuse(store, [composed(CompositionRow { ended_ms: Some(6), ..composition(42, 1, "room 1", 5) })]).await;
    for write in [started(99, 1), progress(99, 1), completed(99, 1), put_back(99, 1), failed(99, 1), deleted(99, 1)] {
        refuse(store, [write]).await;
    }
    assert_eq!(store.forget(100, 10).await.unwrap(), 1, "what has no file keeps no room");
    assert_eq!(store.composition(ACCOUNT, 41).await.unwrap(), None);
}

pub async fn hooks_are_found_by_name_and_go(store: &dyn Store) {
    let off = HookRow { enabled: false, ..hook(51, "Back_Yard 10%", 6) };
    write(store, [hooked(hook(50, "Küche", 5)), hooked(off.clone())]).await;
    let check = async |filter: HookFilter, expected: &[u128]| {
        let page = store.hooks(ACCOUNT, filter.clone(), first(9)).await.unwrap();
        assert_eq!(page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{filter:?}");
    };
    check(HookFilter::default(), &[51, 50]).await;
    check(HookFilter { enabled: Some(false), ..HookFilter::default() }, &[51]).await;
    check(HookFilter { created_before_ms: Some(6), ..HookFilter::default() }, &[50]).await;
    for (name, expected) in [
        ("KÜCHE", &[50][..]),
        ("*", &[51, 50]),
        ("*yard*", &[51]),
        ("back_*%", &[51]),
        ("%", &[]),
        ("back?yard 10%", &[]),
        ("Bac*__ard*", &[]),
        (r"\*", &[]),
        ("k*e", &[50]),
    ] {
        check(HookFilter { name: Some(name.into()), ..HookFilter::default() }, expected).await;
    }
    let changed = HookRow { name: "New".into(), updated_ms: Some(9), callback: None, ..off };
    write(store, [hooked(HookRow { created_ms: 9, ..changed.clone() })]).await;
    assert_eq!(store.hook(ACCOUNT, NameOrId::Id(51)).await.unwrap(), Some(changed.clone()));
    assert_eq!(store.hook(ACCOUNT, name("New")).await.unwrap(), Some(changed));
    assert_eq!(store.hook("AC1", name("New")).await.unwrap(), None);
    refuse(store, [hooked(hook(52, "New", 9))]).await;
    refuse(store, [hooked(HookRow { account: "AC1".into(), ..hook(50, "Küche", 9) })]).await;
    write(store, [Write::HookDeleted { hook: 50 }, Write::HookDeleted { hook: 50 }]).await;
    check(HookFilter::default(), &[51]).await;
}

pub async fn what_is_to_be_deleted_from_a_bucket_stays_so(store: &dyn Store) {
    let coming = StoredRow {
        id: 40,
        kind: StoredKind::Recording,
        state: StoredState::Coming,
        address: "s3://den/kennel/recordings/28.mkv".into(),
        bytes: 1 << 40,
        changed_ms: 7,
        tag: String::new(),
        upload: Some("u\"1".into()),
        part_bytes: 8 << 20,
        parts: vec!["\"a\"".into(), "b,c".into()],
    };
    let there = StoredRow { state: StoredState::There, tag: "t".into(), upload: None, parts: vec![], ..coming.clone() };
    let film = StoredRow { id: 41, kind: StoredKind::Composition, ..there.clone() };
    let stored = |row: &StoredRow| Write::Stored(Box::new(row.clone()));
    let check = async |expected: &[&StoredRow]| {
        let mut found = store.stored().await.unwrap();
        found.sort_by_key(|row| row.id);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    };
    // It belongs to nothing, so that it outlives its room.
    write(store, [Write::StoredDoomed { id: 40 }, Write::StoredGone { id: 40 }]).await;
    check(&[]).await;
    write(store, [stored(&coming), stored(&film)]).await;
    check(&[&coming, &film]).await;
    write(store, [stored(&there)]).await;
    check(&[&there, &film]).await;
    write(store, [Write::StoredDoomed { id: 40 }, stored(&coming)]).await;
    let doomed = StoredRow { state: StoredState::Doomed, ..there };
    check(&[&doomed, &film]).await;
    write(store, [Write::StoredGone { id: 40 }, stored(&coming), Write::StoredGone { id: 41 }]).await;
    check(&[&coming]).await;
}

pub async fn rules_and_settings_keep_the_last_word(store: &dyn Store) {
    write(store, [began(room(1, "a", 1)), joined(participant(10, 1, "ann", 1))]).await;
    assert_eq!(store.subscribe_rules(10).await.unwrap(), None);
    assert_eq!(store.recording_rules(1).await.unwrap(), None);
    for (text, at_ms) in [("one", 5), ("two", 6)] {
        write(store, [Write::SubscribeRules { participant: 10, text: text.into(), at_ms }]).await;
        write(store, [Write::RecordingRules { room: 1, text: text.into(), at_ms: at_ms + 10 }]).await;
        write(store, [Write::Setting { key: "k".into(), value: text.into() }]).await;
    }
    let rules = |created_ms, updated_ms| Some(RulesRow { text: "two".into(), created_ms, updated_ms });
    assert_eq!(store.subscribe_rules(10).await.unwrap(), rules(5, 6));
    assert_eq!(store.recording_rules(1).await.unwrap(), rules(15, 16));
    assert_eq!(store.setting("k").await.unwrap(), Some("two".into()));
    refuse(store, [Write::SubscribeRules { participant: 99, text: String::new(), at_ms: 1 }]).await;
    refuse(store, [Write::RecordingRules { room: 99, text: String::new(), at_ms: 1 }]).await;
}

pub async fn events_of_a_room_are_numbered_without_a_gap(store: &dyn Store) {
    write(store, [began(room(1, "a", 1)), began(room(2, "b", 1))]).await;
    let each = (0..60_u64).map(|n| {
        let row = event(1 + u128::from(n % 2), &n.to_string(), n);
        let writes = if n % 6 == 5 { vec![happened(row), left(99, 1)] } else { vec![happened(row)] };
        async move { store.write(writes).await.is_ok() }
    });
    let written = futures_util::future::join_all(each).await;
    assert_eq!(written.iter().filter(|ok| **ok).count(), 50);
    for (room, count) in [(1, 30), (2, 20)] {
        let events = store.events(ACCOUNT, Some(room), first(100)).await.unwrap().rows;
        let numbers: Vec<_> = events.iter().map(|event| event.sequence).rev().collect();
        assert_eq!(numbers, (0..count).collect::<Vec<_>>());
    }
    let full = EventRow { outcome: "not told".into(), ..event(1, "last", 7) };
    write(store, [happened(full.clone())]).await;
    let last = store.events(ACCOUNT, None, first(1)).await.unwrap().rows;
    assert_eq!(last, [EventRow { sequence: 30, ..full }]);
    refuse(store, [happened(event(3, "no room", 1))]).await;
    refuse(store, [happened(EventRow { account: "AC1".into(), ..event(1, "not theirs", 1) })]).await;
}

/// What is due, as `room/sequence` and how often it was tried.
async fn due(store: &dyn Store, now_ms: u64) -> Vec<(String, u32)> {
    let due = store.due(now_ms, 100, &[]).await.unwrap();
    due.iter().map(|one| (format!("{}/{}", one.event.room, one.event.sequence), one.attempts)).collect()
}

async fn id_of(store: &dyn Store, room: u128) -> i64 {
    let due = store.due(1_000_000, 100, &[]).await.unwrap();
    due.iter().find(|one| one.event.room == room).unwrap().id
}

pub async fn callbacks_wait_their_turn_in_their_room(store: &dyn Store) {
    let check = async |now_ms, expected: &[(&str, u32)]| {
        let expected: Vec<_> = expected.iter().map(|(which, tried)| ((*which).to_owned(), *tried)).collect();
        assert_eq!(due(store, now_ms).await, expected, "at {now_ms}");
    };
    write(store, (1..4).map(|n| began(room(n, &n.to_string(), 1)))).await;
    write(store, [happened(told(1, "a", 10)), happened(event(1, "b", 11)), happened(told(1, "c", 12))]).await;
    write(store, [happened(told(2, "a", 5)), happened(told(3, "a", 30))]).await;
    check(4, &[]).await;
    check(20, &[("2/0", 0), ("1/0", 0)]).await;
    assert_eq!(store.next_due(20).await.unwrap(), (Some(30), 4));
    assert_eq!(store.due(100, 2, &[]).await.unwrap().len(), 2);

    let one = store.due(20, 1, &[]).await.unwrap().remove(0);
    assert_eq!(one.event, EventRow { sequence: 0, ..told(2, "a", 5) });

    write(store, [deferred(id_of(store, 1).await, 50)]).await;
    check(49, &[("2/0", 0), ("3/0", 0)]).await;
    check(50, &[("2/0", 0), ("3/0", 0), ("1/0", 1)]).await;
    write(store, [delivered(id_of(store, 1).await, 51)]).await;
    check(51, &[("2/0", 0), ("1/2", 0), ("3/0", 0)]).await;
    for room in [1, 2, 3] {
        write(store, [delivered(id_of(store, room).await, 60)]).await;
    }
    check(100, &[]).await;
    assert_eq!(store.next_due(0).await.unwrap(), (None, 0));
}

pub async fn callbacks_do_not_wait_for_a_clock_that_was_set_back(store: &dyn Store) {
    let day = 86_400_000;
    write(store, (1..4).map(|n| began(room(n, &n.to_string(), 1)))).await;
    write(store, [happened(told(1, "a", day)), happened(told(1, "b", 50)), happened(told(2, "a", 60))]).await;
    write(store, [happened(told(3, "a", 70 + WAIT_MAX_MS))]).await;
    let which = |due: Vec<(String, u32)>| due.into_iter().map(|(which, _)| which).collect::<Vec<_>>();
    assert_eq!(which(due(store, 70).await), ["2/0", "1/0"]);
    assert_eq!(store.next_due(70).await.unwrap(), (Some(70 + WAIT_MAX_MS), 4));
    assert_eq!(store.due(70, 1, &[]).await.unwrap().len(), 1);
    assert_eq!(which(due(store, 69).await), ["2/0", "3/0", "1/0"]);
    write(store, [delivered(id_of(store, 1).await, 70)]).await;
    assert_eq!(which(due(store, 70).await), ["1/1", "2/0"]);
}

pub async fn callbacks_of_busy_receivers_make_way(store: &dyn Store) {
    let urls = [
        "http://a.ex/1",
        "http://a.ex?2",
        "http://a.example/3",
        "http://a.ex:81/4",
        "https://a.ex/5",
        "http://a.ex",
        "http://ä.ex/7",
    ];
    for (n, url) in (1..).zip(urls) {
        let callback = Some(Callback { url: (*url).into(), method: Method::Post });
        write(store, [began(room(n, url, 1)), happened(EventRow { callback, ..event(n, "a", 10) })]).await;
    }
    let check = async |except: &[&str], count, expected: &[u128]| {
        let except: Vec<String> = except.iter().map(|start| (*start).to_owned()).collect();
        let due = store.due(10, count, &except).await.unwrap();
        assert_eq!(due.iter().map(|one| one.event.room).collect::<Vec<_>>(), expected, "{except:?}");
    };
    check(&[], 9, &[1, 2, 3, 4, 5, 6, 7]).await;
    check(&["http://a.ex"], 9, &[3, 4, 5, 7]).await;
    check(&["http://a.ex"], 2, &[3, 4]).await;
    check(&["http://a.ex:81", "http://ä.ex", "http://a.ex"], 9, &[3, 5]).await;
    check(&["HTTP://A.EX", "http://a.e_", "http://'"], 9, &[1, 2, 3, 4, 5, 6, 7]).await;
}

pub async fn a_callback_that_was_taken_is_taken_once(store: &dyn Store) {
    write(store, [began(room(1, "a", 1)), happened(told(1, "a", 10)), happened(told(1, "b", 11))]).await;
    let id = id_of(store, 1).await;
    refuse(store, [delivered(id + 1_000, 20)]).await;
    refuse(store, [deferred(id + 1_000, 20)]).await;
    write(store, [deferred(id, 20)]).await;
    let waiting = store.events(ACCOUNT, Some(1), first(9)).await.unwrap().rows;
    assert_eq!(waiting.iter().map(|event| event.outcome.as_str()).collect::<Vec<_>>(), ["", "503"]);
    write(store, [delivered(id, 30), delivered(id, 31), deferred(id, 32)]).await;
    let told = store.events(ACCOUNT, Some(1), first(9)).await.unwrap().rows;
    assert_eq!(told.iter().map(|event| event.outcome.as_str()).collect::<Vec<_>>(), ["", "200"]);
    assert_eq!(due(store, 100).await, [("1/1".to_owned(), 0)]);
}

pub async fn pages_neither_lose_nor_repeat_while_rooms_come_and_go(store: &dyn Store) {
    let done = |id: u128, at_ms| [began(room(id, &id.to_string(), at_ms)), ended(id, at_ms)];
    for id in 0..20 {
        write(store, done(id, 100 + (id / 4) as u64)).await;
    }
    let (mut seen, mut next) = (Vec::new(), first(3));
    for round in 0.. {
        let page = store.rooms(ACCOUNT, RoomFilter::default(), next).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.id).filter(|id| *id < 20));
        assert_eq!(page.more_before, round > 0, "what came meanwhile is before the first too");
        let Some(place) = page.last.filter(|_| page.more_after) else { break };
        next = Page::After { place, size: 3 };
        write(store, done(100 + round, 500)).await;
        write(store, done(200 + round, 100)).await;
    }
    seen.dedup();
    assert_eq!(seen, (0..20).rev().collect::<Vec<_>>());

    let newest = store.rooms(ACCOUNT, RoomFilter::default(), first(2)).await.unwrap();
    let last = newest.last.unwrap();
    assert!(store.forget(u64::MAX, 1_000).await.unwrap() > 20);
    let nothing = store.rooms(ACCOUNT, RoomFilter::default(), Page::After { place: last, size: 3 }).await.unwrap();
    assert_eq!((nothing.rows.len(), nothing.first, nothing.more_before, nothing.more_after), (0, None, false, false));
    write(store, done(900, 600)).await;
    let newer = store.rooms(ACCOUNT, RoomFilter::default(), Page::Before { place: last, size: 3 }).await.unwrap();
    assert_eq!(newer.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [900]);
}

pub async fn rooms_are_forgotten_unless_somebody_is_still_to_be_told(store: &dyn Store) {
    for id in 1..5 {
        let inside = participant(10 + id, id, "ann", 1);
        write(store, [began(room(id, &id.to_string(), 1)), joined(inside), published(track(20 + id, 10 + id, id, "cam", 1))])
            .await;
        write(store, [Write::SubscribeRules { participant: 10 + id, text: "r".into(), at_ms: 1 }]).await;
        write(store, [Write::RecordingRules { room: id, text: "r".into(), at_ms: 1 }]).await;
        write(store, [happened(EventRow { participant: Some(10 + id), ..event(id, "e", 1) })]).await;
    }
    write(store, [happened(told(2, "e", 1))]).await;
    write(store, [1, 2, 3].map(|id| left(10 + id, 5))).await;
    write(store, [ended(1, 5), ended(2, 5), ended(3, 9)]).await;
    let forget = async |before_ms, count, expected| assert_eq!(store.forget(before_ms, count).await.unwrap(), expected);
    forget(5, 10, 0).await;
    forget(100, 1, 1).await;
    check_room(store, NameOrId::Id(1), None).await;
    assert_eq!(store.participant(1, IdentityOrId::Id(11)).await.unwrap(), None);
    assert_eq!(store.subscribe_rules(11).await.unwrap(), None);
    assert_eq!(store.recording_rules(1).await.unwrap(), None);
    assert_eq!(store.events(ACCOUNT, Some(1), first(9)).await.unwrap().rows, []);
    forget(100, 10, 1).await;
    forget(100, 10, 0).await;
    write(store, [delivered(id_of(store, 2).await, 10)]).await;
    forget(100, 10, 1).await;
    assert!(store.room(ACCOUNT, NameOrId::Id(4)).await.unwrap().is_some(), "it runs");
    assert_eq!(store.events(ACCOUNT, None, first(9)).await.unwrap().rows.len(), 1);
}

pub async fn of_a_room_that_never_ends_the_oldest_events_are_forgotten(store: &dyn Store) {
    write(store, [began(room(1, "a", 1)), began(room(2, "b", 1)), happened(event(2, "other", 1))]).await;
    let numbers = async |page| {
        let events = store.events(ACCOUNT, Some(1), page).await.unwrap().rows;
        (events.len() as i64, events.first().map(|event| event.sequence), events.last().map(|event| event.sequence))
    };
    let most = EVENTS_KEPT_MAX as u64;
    write(store, (0..most).map(|_| happened(event(1, "e", 1)))).await;
    assert_eq!(numbers(first(20_000)).await, (EVENTS_KEPT_MAX, Some(most - 1), Some(0)));
    write(store, (0..3).map(|_| happened(event(1, "e", 1)))).await;
    assert_eq!(numbers(first(20_000)).await, (EVENTS_KEPT_MAX, Some(most + 2), Some(3)));
    assert_eq!(store.events(ACCOUNT, Some(2), first(9)).await.unwrap().rows.len(), 1);
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

pub async fn what_waits_is_not_forgotten_for_being_old(store: &dyn Store) {
    let most = EVENTS_KEPT_MAX as u64;
    write(store, [began(room(1, "a", 1)), happened(told(1, "first", 1))]).await;
    write(store, (0..most + 5).map(|_| happened(event(1, "e", 1)))).await;
    let oldest = async || store.events(ACCOUNT, Some(1), first(20_000)).await.unwrap().rows.pop().unwrap();
    assert_eq!(oldest().await.name, "first");
    write(store, [delivered(id_of(store, 1).await, 10), happened(event(1, "e", 1))]).await;
    assert_ne!(oldest().await.name, "first");
}

pub async fn a_name_that_is_forgotten_is_gone_from_what_was_told(store: &dyn Store) {
    let about = |participant, who: &str| {
        let parameters = vec![("RoomName".into(), "ann".into()), ("Who".into(), who.to_owned())];
        happened(EventRow { participant: Some(participant), parameters, ..event(1, "e", 1) })
    };
    write(store, [began(room(1, "ann", 1)), joined(participant(10, 1, "ann", 1)), joined(participant(11, 1, "bob", 1))]).await;
    write(store, [about(10, "ann"), about(11, "bob"), about(10, "ann"), left(10, 2)]).await;
    let forget = |participant, at_ms| Write::Anonymize { participant, identity: "PA10".into(), parameter: "Who".into(), at_ms };
    write(store, [forget(10, 3), forget(10, 4)]).await;
    refuse(store, [forget(12, 3)]).await;
    let row = store.participant(1, identity("PA10")).await.unwrap().unwrap();
    assert_eq!((row.id, row.updated_ms, row.ended_ms), (10, 4, Some(2)));
    assert_eq!(store.participant(1, identity("ann")).await.unwrap(), None);
    let events = store.events(ACCOUNT, None, first(9)).await.unwrap().rows;
    let said: Vec<_> = events.into_iter().flat_map(|event| event.parameters).map(|(_, value)| value).collect();
    assert_eq!(said, ["ann", "PA10", "ann", "bob", "ann", "PA10"]);
}

pub async fn what_was_in_progress_is_known_afterwards(store: &dyn Store) {
    assert_eq!(store.alive().await.unwrap(), Alive::default());
    write(store, [began(room(1, "a", 1)), began(room(2, "b", 2)), began(room(3, "c", 3))]).await;
    write(store, [joined(participant(10, 1, "ann", 4)), joined(participant(11, 1, "bob", 5)), left(11, 6), ended(2, 7)]).await;
    let tracks = [track(20, 10, 1, "cam", 5), track(21, 10, 1, "mic", 6), track(22, 10, 1, "pad", 6)];
    write(store, tracks.map(published)).await;
    write(store, [Write::TrackRemoved { track: 21, at_ms: 7 }]).await;
    write(store, [Write::Alive { at_ms: 8 }]).await;
    write(store, [Write::Alive { at_ms: 9 }]).await;
    let expected = Alive {
        at_ms: 9,
        rooms: vec![room(1, "a", 1), room(3, "c", 3)],
        participants: vec![participant(10, 1, "ann", 4)],
        tracks: vec![track(20, 10, 1, "cam", 5), track(22, 10, 1, "pad", 6)],
    };
    assert_eq!(store.alive().await.unwrap(), expected);
}

pub async fn odd_words_come_back_as_they_went(store: &dyn Store) {
    let odd = ["'; DROP TABLE rooms; --", "%_\\$1{id}", "\u{1f415}\u{200d}\n\t", "", "ＡＢ e\u{301} é"];
    for (id, name) in (1..).zip(odd) {
        let cam = RoomRow { memo: name.repeat(1_000), codecs: vec![name.into()], ..room(id, name, 1) };
        let heard = EventRow { parameters: vec![(name.into(), format!("{name}\0"))], ..event(id, name, 1) };
        write(store, [began(cam.clone()), happened(heard.clone()), Write::Setting { key: name.into(), value: name.into() }])
            .await;
        check_room(store, NameOrId::Name(name.into()), Some(&cam)).await;
        assert_eq!(store.events(ACCOUNT, Some(id), first(1)).await.unwrap().rows, [heard]);
        assert_eq!(store.setting(name).await.unwrap().as_deref(), Some(name));
    }
    write(store, [began(room(9, "a\0b", 1))]).await;
    check_room(store, name("a\0b"), Some(&room(9, "a\u{fffd}b", 1))).await;
}

pub async fn moments_beyond_reason_are_refused(store: &dyn Store) {
    let latest = store::limit::TIME_MAX_MS;
    write(store, [began(room(1, "a", latest)), began(room(2, "b", latest)), began(room(3, "c", 0))]).await;
    for at_ms in [latest + 1, u64::MAX] {
        refuse(store, [began(room(4, "d", at_ms))]).await;
        refuse(store, [ended(1, at_ms)]).await;
        refuse(store, [Write::Alive { at_ms }]).await;
    }
    let later = RoomFilter { created_from_ms: Some(latest + 1), ..RoomFilter::default() };
    assert_eq!(store.rooms(ACCOUNT, later, first(9)).await.unwrap().rows, []);
    assert_eq!(store.due(u64::MAX, usize::MAX, &[]).await.unwrap(), []);
    let late = RoomFilter { created_from_ms: Some(latest), created_before_ms: Some(u64::MAX), ..RoomFilter::default() };
    let found = store.rooms(ACCOUNT, late, first(9)).await.unwrap();
    assert_eq!(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 1]);
}
