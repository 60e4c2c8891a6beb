//! Compositions while the database is slower than anybody waits for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kennel::journal::{self, Book, Teller};
use kennel::metrics::Metrics;
use kennel::studio::{hooks, wish};
use media::record::MixFile;
use store::{
    Alive, CompositionFilter, CompositionRow, CompositionStatus, Delivery, EventRow, HookFilter, HookRow, IdentityOrId, NameOrId,
    Page, PageOf, ParticipantFilter, ParticipantRow, Problem, RecordingFilter, RecordingRow, RoomFilter, RoomRow, RulesRow,
    Store, StoredRow, TrackRow, Write,
};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{advance, pause, resume, sleep, timeout};

use crate::studio::{Den, Started};

/// A database that keeps some writes until it is let go on.
struct Late {
    store: Arc<dyn Store>,
    is_kept: fn(&Write) -> bool,
    gate: Arc<Gate>,
}

struct Gate {
    reached: Notify,
    open: Semaphore,
}

macro_rules! as_ever {
    ($($name:ident($($given:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Late {
            async fn write(&self, writes: Vec<Write>) -> Result<(), Problem> {
                if writes.iter().any(self.is_kept) {
                    self.gate.reached.notify_one();
                    drop(self.gate.open.acquire().await.expect("a gate"));
                }
                self.store.write(writes).await
            }

            $(async fn $name(&self, $($given: $kind),*) -> Result<$answer, Problem> {
                self.store.$name($($given),*).await
            })*
        }
    };
}

as_ever! {
    room(account: &str, room: NameOrId) -> Option<RoomRow>;
    rooms(account: &str, filter: RoomFilter, page: Page) -> PageOf<RoomRow>;
    participant(room: u128, who: IdentityOrId) -> Option<ParticipantRow>;
    participants(room: u128, filter: ParticipantFilter, page: Page) -> PageOf<ParticipantRow>;
    track(participant: u128, track: NameOrId) -> Option<TrackRow>;
    tracks(participant: u128, page: Page) -> PageOf<TrackRow>;
    subscribe_rules(participant: u128) -> Option<RulesRow>;
    recording_rules(room: u128) -> Option<RulesRow>;
    recording(account: &str, recording: u128) -> Option<RecordingRow>;
    recordings(account: &str, filter: RecordingFilter, page: Page) -> PageOf<RecordingRow>;
    recordings_running() -> Vec<RecordingRow>;
    composition(account: &str, composition: u128) -> Option<CompositionRow>;
    compositions(account: &str, filter: CompositionFilter, page: Page) -> PageOf<CompositionRow>;
    compositions_waiting(account: &str) -> Vec<CompositionRow>;
    compositions_waiting_count(account: &str) -> usize;
    hook(account: &str, hook: NameOrId) -> Option<HookRow>;
    hooks(account: &str, filter: HookFilter, page: Page) -> PageOf<HookRow>;
    setting(key: &str) -> Option<String>;
    settings(prefix: &str) -> Vec<(String, String)>;
    due(now_ms: u64, count: usize, except: &[String]) -> Vec<Delivery>;
    next_due(now_ms: u64) -> (Option<u64>, u64);
    events(account: &str, room: Option<u128>, page: Page) -> PageOf<EventRow>;
    alive() -> Alive;
    forget(ended_before_ms: u64, count: usize) -> u64;
    check() -> Vec<String>;
    stored() -> Vec<StoredRow>;
    backup(path: &Path) -> bool;
}

async fn start(den: &Den, is_kept: fn(&Write) -> bool) -> (Started, Arc<Gate>) {
    let gate = Arc::new(Gate { reached: Notify::new(), open: Semaphore::new(0) });
    let kept = Arc::clone(&gate);
    let server = den.start_on(move |history| {
        let store = Arc::new(Late { store: history.store.clone(), is_kept, gate: kept });
        let book = Book::new(Teller { account: String::new(), callback: None, mix: MixFile::default() });
        Some(journal::start(store, book, Arc::default(), Metrics::new()))
    });
    (server.await, gate)
}

/// Whoever waited for what is kept has given up.
async fn be_late(gate: &Gate) {
    timeout(Duration::from_secs(20), gate.reached.notified()).await.expect("in time");
    pass(6).await;
}

/// So many seconds go by, and whoever waited for that does something.
async fn pass(seconds: u64) {
    pause();
    advance(Duration::from_secs(seconds)).await;
    resume();
    sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_hook_asks_once() {
    let den = Den::new().await;
    let asks = |write: &Write| matches!(write, Write::CompositionBegan(row) if row.hook.is_some());
    let (server, gate) = start(&den, asks).await;
    server.history.journal.write(vec![Write::Hook(Box::new(server.hook(50, &wish::usual())))]).await.expect("written");
    server.end_room().await;
    be_late(&gate).await;
    let again = tokio::spawn({
        let studio = server.studio.clone();
        async move { hooks::run(&studio).await }
    });
    sleep(Duration::from_millis(100)).await;
    gate.open.add_permits(99);
    again.await.expect("no panic").expect("written");
    server.history.journal.flush().await.expect("written");
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn a_film_is_made_and_told_of_once() {
    let den = Den::new().await;
    let (server, gate) = start(&den, |write| matches!(write, Write::CompositionCompleted { .. })).await;
    let id = server.ask().await.id;
    be_late(&gate).await;
    // Whatever else would be written is late, too, and it is time to try again.
    pass(6).await;
    pass(3).await;
    gate.open.add_permits(99);
    let row = server.ended(id).await;
    sleep(Duration::from_millis(100)).await;
    let again = server.studio.find(id).await.expect("asked").expect("there");
    assert_eq!((row.status, row.attempts, again.attempts), (CompositionStatus::Completed, 1, 1));
    let told = server.told().await;
    assert_eq!(told.iter().filter(|name| *name == "available").count(), 1, "{told:?}");
}
