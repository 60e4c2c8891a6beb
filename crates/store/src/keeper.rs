//! The threads of a database: one that writes, a few that read. Callers wait for answers, never for a lock.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::limit::{READERS, READS_WAITING_MAX, WRITES_WAITING_MAX};
use crate::link::{Database, Fault, Link};
use crate::row::{
    Alive, CompositionFilter, CompositionRow, Delivery, EventRow, HookFilter, HookRow, IdentityOrId, NameOrId, Page, PageOf,
    ParticipantFilter, ParticipantRow, RecordingFilter, RecordingRow, RoomFilter, RoomRow, RulesRow, TrackRow, Write,
};
use crate::writer::{Batch, Change, Writer};
use crate::{Problem, Store, StoredRow, check, composition, read, recording, stored};

/// A database that is open. Dropping it waits until what was asked of it is done.
pub struct Keeper {
    /// Taken only by drop: without senders the threads end.
    ways: Option<(mpsc::Sender<Batch>, mpsc::Sender<Question>)>,
    database: Arc<dyn Database>,
    threads: Vec<JoinHandle<()>>,
}

type Question = Box<dyn FnOnce(&mut Session) + Send>;

impl Keeper {
    /// Starts the threads; returns when the database can be written and read. Takes as long as its check takes.
    pub(crate) fn start(database: Arc<dyn Database>) -> Result<Keeper, Problem> {
        let (writes, batches) = mpsc::channel(WRITES_WAITING_MAX);
        let (reads, questions) = mpsc::channel(READS_WAITING_MAX);
        let mut keeper = Keeper { ways: Some((writes, reads)), database: database.clone(), threads: Vec::new() };
        let base = database.clone();
        keeper.spawn("store-writer", move |ready| Writer::new(base).work(batches, ready))?;
        keeper.spawn_readers(READERS, questions)?;
        Ok(keeper)
    }

    /// One that only looks, beside whoever writes; none where there is nothing yet. What it is told to write it refuses.
    pub(crate) fn look(database: Arc<dyn Database>) -> Result<Option<Keeper>, Problem> {
        if !database.is_made()? {
            return Ok(None);
        }
        let ((writes, _), (reads, questions)) = (mpsc::channel(1), mpsc::channel(READS_WAITING_MAX));
        let mut keeper = Keeper { ways: Some((writes, reads)), database, threads: Vec::new() };
        keeper.spawn_readers(1, questions)?;
        Ok(Some(keeper))
    }

    fn spawn_readers(&mut self, count: usize, questions: mpsc::Receiver<Question>) -> Result<(), Problem> {
        let questions = Arc::new(Mutex::new(questions));
        for _ in 0..count {
            let (base, questions) = (self.database.clone(), questions.clone());
            self.spawn("store-reader", move |ready| Session::new(base).work(&questions, ready))?;
        }
        Ok(())
    }

    /// Starts a thread and waits until it says how its start went.
    fn spawn(&mut self, name: &str, work: impl FnOnce(Ready) + Send + 'static) -> Result<(), Problem> {
        let (ready, started) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || work(ready));
        self.threads.push(thread.map_err(|error| Problem::Unavailable(format!("no thread: {error}")))?);
        started.recv().unwrap_or_else(|_| Err(gone()))
    }

    async fn change(&self, change: Change) -> Result<u64, Problem> {
        let (reply, answer) = oneshot::channel();
        let (writes, _) = self.ways.as_ref().ok_or_else(gone)?;
        writes.send(Batch { change, reply }).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    async fn ask<T, F>(&self, question: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Link) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let (_, reads) = self.ways.as_ref().ok_or_else(gone)?;
        let question = Box::new(move |session: &mut Session| drop(reply.send(session.answer(&question))));
        reads.send(question).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.ways = None;
        self.database.stop();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// How a thread says that its connection is there, or why not.
pub(crate) type Ready = std::sync::mpsc::Sender<Result<(), Problem>>;

fn gone() -> Problem {
    Problem::Unavailable("its thread has ended".into())
}

/// What a thread that panicked leaves to say.
pub(crate) fn panicked(_cause: Box<dyn Any + Send>) -> Fault {
    let problem = Problem::Unavailable("a defect of ours ended the connection".into());
    Fault { problem, lost: true, unsure: true }
}

/// A reader's connection, made anew when it was lost.
struct Session {
    database: Arc<dyn Database>,
    link: Option<Box<dyn Link>>,
}

impl Session {
    fn new(database: Arc<dyn Database>) -> Self {
        Session { database, link: None }
    }

    fn work(mut self, questions: &Mutex<mpsc::Receiver<Question>>, ready: Ready) {
        let start = self.connect().map(drop);
        if ready.send(start.clone()).is_err() || start.is_err() {
            return;
        }
        drop(ready);
        let next = || questions.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        while let Some(question) = next() {
            question(&mut self);
        }
    }

    fn connect(&mut self) -> Result<&mut dyn Link, Problem> {
        match &mut self.link {
            Some(link) => Ok(link.as_mut()),
            none => Ok(none.insert(self.database.reader()?).as_mut()),
        }
    }

    /// Asks, and once more on a new connection if the old one turns out to be lost.
    fn answer<T>(&mut self, question: &impl Fn(&mut dyn Link) -> Result<T, Fault>) -> Result<T, Problem> {
        match self.answer_once(question) {
            Err(fault) if fault.lost => self.answer_once(question),
            other => other,
        }
        .map_err(|fault| fault.problem)
    }

    fn answer_once<T>(&mut self, question: &impl Fn(&mut dyn Link) -> Result<T, Fault>) -> Result<T, Fault> {
        let link = self.connect()?;
        let answer = catch_unwind(AssertUnwindSafe(|| question(link))).unwrap_or_else(|cause| Err(panicked(cause)));
        if matches!(&answer, Err(fault) if fault.lost) {
            self.link = None;
        }
        answer
    }
}

#[async_trait]
impl Store for Keeper {
    async fn write(&self, writes: Vec<Write>) -> Result<(), Problem> {
        self.change(Change::Writes(writes)).await.map(drop)
    }

    async fn room(&self, account: &str, room: NameOrId) -> Result<Option<RoomRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| read::room(link, &account, &room)).await
    }

    async fn rooms(&self, account: &str, filter: RoomFilter, page: Page) -> Result<PageOf<RoomRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| read::rooms(link, &account, &filter, page)).await
    }

    async fn participant(&self, room: u128, who: IdentityOrId) -> Result<Option<ParticipantRow>, Problem> {
        self.ask(move |link| read::participant(link, room, &who)).await
    }

    async fn participants(&self, room: u128, filter: ParticipantFilter, page: Page) -> Result<PageOf<ParticipantRow>, Problem> {
        self.ask(move |link| read::participants(link, room, &filter, page)).await
    }

    async fn track(&self, participant: u128, track: NameOrId) -> Result<Option<TrackRow>, Problem> {
        self.ask(move |link| read::track(link, participant, &track)).await
    }

    async fn tracks(&self, participant: u128, page: Page) -> Result<PageOf<TrackRow>, Problem> {
        self.ask(move |link| read::tracks(link, participant, page)).await
    }

    async fn subscribe_rules(&self, participant: u128) -> Result<Option<RulesRow>, Problem> {
        self.ask(move |link| read::subscribe_rules(link, participant)).await
    }

    async fn recording_rules(&self, room: u128) -> Result<Option<RulesRow>, Problem> {
        self.ask(move |link| read::recording_rules(link, room)).await
    }

    async fn recording(&self, account: &str, recording: u128) -> Result<Option<RecordingRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| recording::one(link, &account, recording)).await
    }

    async fn recordings(&self, account: &str, filter: RecordingFilter, page: Page) -> Result<PageOf<RecordingRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| recording::list(link, &account, &filter, page)).await
    }

    async fn recordings_running(&self) -> Result<Vec<RecordingRow>, Problem> {
        self.ask(recording::running).await
    }

    async fn composition(&self, account: &str, composition: u128) -> Result<Option<CompositionRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| composition::one(link, &account, composition)).await
    }

    async fn compositions(
        &self,
        account: &str,
        filter: CompositionFilter,
        page: Page,
    ) -> Result<PageOf<CompositionRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| composition::list(link, &account, &filter, page)).await
    }

    async fn compositions_waiting(&self, account: &str) -> Result<Vec<CompositionRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| composition::waiting(link, &account)).await
    }

    async fn compositions_waiting_count(&self, account: &str) -> Result<usize, Problem> {
        let account = account.to_owned();
        self.ask(move |link| composition::waiting_count(link, &account)).await
    }

    async fn hook(&self, account: &str, hook: NameOrId) -> Result<Option<HookRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| match &hook {
            NameOrId::Id(id) => composition::hook(link, &account, *id),
            NameOrId::Name(name) => composition::hook_by_name(link, &account, name),
        })
        .await
    }

    async fn hooks(&self, account: &str, filter: HookFilter, page: Page) -> Result<PageOf<HookRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| composition::hooks(link, &account, &filter, page)).await
    }

    async fn stored(&self) -> Result<Vec<StoredRow>, Problem> {
        self.ask(stored::all).await
    }

    async fn setting(&self, key: &str) -> Result<Option<String>, Problem> {
        let key = key.to_owned();
        self.ask(move |link| read::setting(link, &key)).await
    }

    async fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>, Problem> {
        let prefix = prefix.to_owned();
        self.ask(move |link| read::settings(link, &prefix)).await
    }

    async fn due(&self, now_ms: u64, count: usize, except: &[String]) -> Result<Vec<Delivery>, Problem> {
        let except = except.to_vec();
        self.ask(move |link| read::due(link, now_ms, count, &except)).await
    }

    async fn next_due(&self, now_ms: u64) -> Result<(Option<u64>, u64), Problem> {
        self.ask(move |link| read::next_due(link, now_ms)).await
    }

    async fn events(&self, account: &str, room: Option<u128>, page: Page) -> Result<PageOf<EventRow>, Problem> {
        let account = account.to_owned();
        self.ask(move |link| read::events(link, &account, room, page)).await
    }

    async fn alive(&self) -> Result<Alive, Problem> {
        self.ask(read::alive).await
    }

    async fn forget(&self, ended_before_ms: u64, count: usize) -> Result<u64, Problem> {
        self.change(Change::Forget { ended_before_ms, count }).await
    }

    async fn check(&self) -> Result<Vec<String>, Problem> {
        self.ask(check::check).await
    }

    async fn backup(&self, path: &Path) -> Result<bool, Problem> {
        let path = path.to_owned();
        self.ask(move |link| link.copy_into(&path)).await
    }
}
