//! Short stories, each on an empty database.

use store::{IdentityOrId, NameOrId, ParticipantFilter, ParticipantStatus, Problem, RoomRow, RulesRow, Store, Write};

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
            rules_and_settings_keep_the_last_word
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
