//! The one task that owns the rooms. It moves values between queues and decides nothing.

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use room::{
    Answer, Caller, Command, ConnId, Event, Fact, Moment, Order, Origin, Output, ParticipantId, Refusal, Report, RoomView, Rooms,
    Rule, SavedRoom, Track,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::{self, Gaps};
use crate::journal;
use crate::metrics::Metrics;
use crate::reports::{self, ReportQueue};
use crate::seats;

/// Turns that wait for the hub, of all connections together. When it is full, connections stop reading.
const TURNS_MAX: usize = 4096;

/// Deliveries that wait for one connection. One more cuts it; its seat is kept.
pub const DELIVERIES_MAX: usize = 1024;

/// Bytes that wait for one connection. More cuts it; its seat is kept.
pub const DELIVERY_BYTES_MAX: usize = 4 << 20;

/// A turn that waited longer than this shows that the hub cannot keep up.
const LAG_MAX: Duration = Duration::from_millis(250);

/// How long the hub may lag before new clients are sent away.
const LAG_TIME_MAX: Duration = Duration::from_secs(3);

/// Turns handled between two looks at the clock.
const TURNS_AT_ONCE: usize = 64;

/// The media server as the hub sees it.
pub trait MediaServer: Send {
    /// Takes an order. Never waits.
    fn order(&self, order: Order);
}

/// A media server, and where its reports come from.
pub struct Media {
    /// The server.
    pub server: Box<dyn MediaServer>,
    /// Its reports.
    pub reports: ReportQueue,
}

/// Everything that can make the hub act, besides time.
enum Turn {
    Open(ConnId, Mailbox),
    Command(ConnId, Command),
    Close(ConnId),
    Owner(Command, oneshot::Sender<Result<Answer, Refusal>>),
    Rooms(oneshot::Sender<Vec<RoomView>>),
    Room(Arc<str>, oneshot::Sender<Option<RoomView>>),
    Subscribed(ParticipantId, oneshot::Sender<Option<Vec<(ParticipantId, Track)>>>),
    Rule(ParticipantId, oneshot::Sender<Option<Rule>>),
    Save(oneshot::Sender<Vec<SavedRoom>>),
    Origins(oneshot::Sender<BTreeSet<Origin>>),
    Origin(ParticipantId, oneshot::Sender<Option<Option<Origin>>>),
}

/// What a connection gets from the hub, in order.
#[derive(Debug)]
pub enum Delivery {
    /// The answer to its oldest open command.
    Result(Result<Answer, Refusal>),
    /// Something happened.
    Event(Event),
    /// The client came back on another connection; this one has no seat any more.
    Replaced,
    /// The program did not run for a while.
    Gap,
}

/// The hub's end of a connection's queue.
#[derive(Clone)]
struct Mailbox {
    sender: mpsc::Sender<Delivery>,
    bytes: Arc<AtomicUsize>,
}

/// A connection's end of its queue.
pub struct Inbox {
    receiver: mpsc::Receiver<Delivery>,
    bytes: Arc<AtomicUsize>,
}

/// How the rest of the program speaks to the rooms. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    turns: mpsc::Sender<(Instant, Turn)>,
    overloaded: Arc<AtomicBool>,
    changed: Arc<AtomicBool>,
    next_conn: Arc<AtomicU64>,
    start: Instant,
}

struct Hub {
    rooms: Rooms,
    mailboxes: HashMap<ConnId, Mailbox>,
    media: Option<Box<dyn MediaServer>>,
    journal: Option<journal::Handle>,
    metrics: Metrics,
    overloaded: Arc<AtomicBool>,
    changed: Arc<AtomicBool>,
    start: Instant,
    lagging_since: Option<Instant>,
    gaps: Gaps,
}

/// Starts the hub with these rooms and without a media server; it ends when every handle is gone.
#[must_use]
pub fn start(rooms: Rooms, metrics: Metrics) -> Handle {
    start_with(rooms, metrics, None, None)
}

/// Starts the hub with these rooms, this media server, and this journal of what happens; it ends when every handle is gone.
#[must_use]
pub fn start_with(rooms: Rooms, metrics: Metrics, media: Option<Media>, journal: Option<journal::Handle>) -> Handle {
    let (server, reports) = match media {
        Some(Media { server, reports }) => (Some(server), reports),
        None => (None, reports::channel(metrics.clone()).1),
    };
    let (turns, queue) = mpsc::channel(TURNS_MAX);
    let (overloaded, changed) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
    let start = Instant::now();
    let hub = Hub {
        rooms,
        mailboxes: HashMap::new(),
        media: server,
        journal,
        metrics,
        overloaded: Arc::clone(&overloaded),
        changed: Arc::clone(&changed),
        start,
        lagging_since: None,
        gaps: Gaps::start(clock::now()),
    };
    tokio::spawn(hub.run(queue, reports));
    Handle { turns, overloaded, changed, next_conn: Arc::default(), start }
}

impl Handle {
    /// Registers a connection.
    pub async fn open(&self) -> (ConnId, Inbox) {
        let conn = ConnId(self.next_conn.fetch_add(1, Relaxed));
        let (sender, receiver) = mpsc::channel(DELIVERIES_MAX);
        let bytes = Arc::<AtomicUsize>::default();
        self.turn(Turn::Open(conn, Mailbox { sender, bytes: Arc::clone(&bytes) })).await;
        (conn, Inbox { receiver, bytes })
    }

    /// Passes a client's command on. Its answer comes by its [`Inbox`].
    pub async fn command(&self, conn: ConnId, command: Command) {
        self.turn(Turn::Command(conn, command)).await;
    }

    /// The connection is gone. A client that did not leave keeps its seat for a while.
    pub async fn close(&self, conn: ConnId) {
        self.turn(Turn::Close(conn)).await;
    }

    /// Carries out a command of the owner's.
    ///
    /// # Errors
    /// The rooms' refusal.
    pub async fn owner(&self, command: Command) -> Result<Answer, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.turn(Turn::Owner(command, reply)).await;
        answer.await.unwrap_or(Err(Refusal::NotPermitted))
    }

    /// Every room in progress.
    pub async fn rooms(&self) -> Vec<RoomView> {
        let (reply, answer) = oneshot::channel();
        self.turn(Turn::Rooms(reply)).await;
        answer.await.unwrap_or_default()
    }

    /// The room of this name, if it is in progress.
    pub async fn room(&self, name: &str) -> Option<RoomView> {
        let (reply, answer) = oneshot::channel();
        self.turn(Turn::Room(name.into(), reply)).await;
        answer.await.ok().flatten()
    }

    /// What this participant receives now and from whom, if it is in a room.
    pub async fn subscribed(&self, participant: ParticipantId) -> Option<Vec<(ParticipantId, Track)>> {
        let (reply, answer) = oneshot::channel();
        self.turn(Turn::Subscribed(participant, reply)).await;
        answer.await.ok().flatten()
    }

    /// What this participant wants to receive, if it is in a room.
    pub async fn rule(&self, participant: ParticipantId) -> Option<Rule> {
        let (reply, answer) = oneshot::channel();
        self.turn(Turn::Rule(participant, reply)).await;
        answer.await.ok().flatten()
    }

    /// The rooms as they can be written down.
    pub async fn save(&self) -> Vec<SavedRoom> {
        let (reply, answer) = oneshot::channel();
        self.turn(Turn::Save(reply)).await;
        answer.await.unwrap_or_default()
    }

    /// Which keys let in those who are inside.
    pub async fn origins(&self) -> BTreeSet<Origin> {
        let (reply, answer) = oneshot::channel();
        self.turn(Turn::Origins(reply)).await;
        answer.await.unwrap_or_default()
    }

    /// Which key let this participant in, if it is in a room and by a key.
    pub async fn origin(&self, participant: ParticipantId) -> Option<Option<Origin>> {
        let (reply, answer) = oneshot::channel();
        self.turn(Turn::Origin(participant, reply)).await;
        answer.await.ok().flatten()
    }

    /// Whether anything that is written down may have changed since this was asked last.
    pub fn take_changed(&self) -> bool {
        self.changed.swap(false, Relaxed)
    }

    /// Whether new clients should be sent away for now.
    #[must_use]
    pub fn overloaded(&self) -> bool {
        self.overloaded.load(Relaxed)
    }

    /// The rooms' time now.
    #[must_use]
    pub fn moment(&self) -> Moment {
        moment(self.start)
    }

    /// The runtime's time for a moment of the rooms.
    #[must_use]
    pub fn deadline(&self, at: Moment) -> tokio::time::Instant {
        deadline(self.start, at)
    }

    async fn turn(&self, turn: Turn) {
        // The hub outlives every handle, so this fails only while the runtime is being torn down.
        let _ = self.turns.send((Instant::now(), turn)).await;
    }
}

impl Inbox {
    /// The next delivery; none when the hub cut this connection for not reading.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for whoever waits for several.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let delivery = self.receiver.poll_recv(context);
        if let Poll::Ready(Some(delivery)) = &delivery {
            self.bytes.fetch_sub(size(delivery), Relaxed);
        }
        delivery
    }
}

impl Hub {
    async fn run(mut self, mut queue: mpsc::Receiver<(Instant, Turn)>, mut reports: ReportQueue) {
        let mut turns = Vec::with_capacity(TURNS_AT_ONCE);
        let mut told = Vec::with_capacity(TURNS_AT_ONCE);
        let mut looks = interval(clock::LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What a restart had no place for.
        self.drain();
        loop {
            let timeout = self.rooms.poll_timeout().map(|at| deadline(self.start, at));
            tokio::select! {
                count = queue.recv_many(&mut turns, TURNS_AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                    self.handle_turns(&mut turns);
                }
                () = reports.next(&mut told, TURNS_AT_ONCE) => self.handle_reports(&mut told),
                _ = looks.tick() => self.look_for_gap(),
                () = sleep_until(timeout) => {
                    // What was due while the program did not run is no reason to give up a seat.
                    self.look_for_gap();
                    self.guard(|rooms, now| rooms.handle_timeout(now));
                    self.changed.store(true, Relaxed);
                }
            }
            self.drain();
        }
    }

    fn handle_turns(&mut self, turns: &mut Vec<(Instant, Turn)>) {
        let now = Instant::now();
        if let Some((waited, _)) = turns.first() {
            self.watch_lag(now, now.saturating_duration_since(*waited));
        }
        for (_, turn) in turns.drain(..) {
            self.handle(turn);
            self.drain();
        }
        let (rooms, participants) = self.rooms.count();
        self.metrics.rooms.set(i64::try_from(rooms).unwrap_or(i64::MAX));
        self.metrics.participants.set(i64::try_from(participants).unwrap_or(i64::MAX));
    }

    fn handle_reports(&mut self, told: &mut Vec<Report>) {
        for report in told.drain(..) {
            self.metrics.media_reports.inc();
            if seats::is_changed_by_report(&report) {
                self.changed.store(true, Relaxed);
            }
            self.guard(|rooms, now| rooms.handle_report(now, report));
            self.drain();
        }
    }

    fn handle(&mut self, turn: Turn) {
        match turn {
            Turn::Open(conn, mailbox) => drop(self.mailboxes.insert(conn, mailbox)),
            Turn::Close(conn) => self.close(conn),
            Turn::Command(conn, command) => {
                let result = self.command(Caller::Conn(conn), command);
                self.deliver(conn, Delivery::Result(result));
            }
            Turn::Owner(command, reply) => {
                let result = self.command(Caller::Owner, command);
                // What it caused is noted before the answer: whoever has that finds it in the history.
                self.drain();
                // Whoever asked may have gone away meanwhile; then nobody misses the answer.
                drop(reply.send(result));
            }
            Turn::Rooms(reply) => drop(reply.send(self.rooms.rooms().collect())),
            Turn::Save(reply) => drop(reply.send(self.rooms.save(moment(self.start)))),
            Turn::Origins(reply) => drop(reply.send(self.rooms.origins().collect())),
            Turn::Origin(who, reply) => drop(reply.send(self.rooms.origin(who))),
            Turn::Room(name, reply) => drop(reply.send(self.rooms.by_name(&name))),
            Turn::Subscribed(who, reply) => drop(reply.send(self.rooms.subscribed(who))),
            Turn::Rule(who, reply) => drop(reply.send(self.rooms.rule(who))),
        }
    }

    fn command(&mut self, caller: Caller, command: Command) -> Result<Answer, Refusal> {
        let kept = seats::is_changed_by_command(&command);
        let (join, resume) = (matches!(command, Command::Join(_)), matches!(command, Command::Resume(_)));
        let result = self.guard(|rooms, now| rooms.handle(now, caller, command)).unwrap_or(Err(Refusal::Malformed));
        if kept && result.is_ok() {
            self.changed.store(true, Relaxed);
        }
        self.metrics.joins.inc_by(u64::from(join && result.is_ok()));
        self.metrics.resumes.inc_by(u64::from(resume && result.is_ok()));
        result
    }

    fn close(&mut self, conn: ConnId) {
        self.mailboxes.remove(&conn);
        // A client that left has no seat; then there is nothing to lose.
        let lost = self.guard(|rooms, now| rooms.handle(now, Caller::Conn(conn), Command::Lose));
        if matches!(lost, Some(Ok(_))) {
            self.changed.store(true, Relaxed);
        }
    }

    fn look_for_gap(&mut self) {
        let Some(gap) = self.gaps.look(clock::now()) else { return };
        let seconds = gap.as_secs();
        tracing::warn!(
            seconds,
            "the program did not run for a while, or the clock was set: everybody is asked whether they are there"
        );
        self.guard(|rooms, now| rooms.handle_gap(now));
        let conns: Vec<ConnId> = self.mailboxes.keys().copied().collect();
        conns.into_iter().for_each(|conn| self.deliver(conn, Delivery::Gap));
    }

    /// Passes on everything that the rooms caused.
    fn drain(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            match output {
                Output::Tell(conn, event) => self.deliver(conn, Delivery::Event(event)),
                Output::Forget(conn) => self.deliver(conn, Delivery::Replaced),
                Output::Order(order) => self.order(order),
                Output::Note(fact) => self.note(fact),
            }
        }
    }

    fn note(&self, fact: Fact) {
        note(&fact);
        if let Some(journal) = &self.journal {
            journal.note(fact);
        }
    }

    fn order(&self, order: Order) {
        if let Some(media) = &self.media {
            self.metrics.media_orders.inc();
            media.order(order);
        }
    }

    fn deliver(&mut self, conn: ConnId, delivery: Delivery) {
        let Some(mailbox) = self.mailboxes.get(&conn) else { return };
        let size = size(&delivery);
        if mailbox.sender.is_closed() {
            // The connection is over and its last wishes are in the queue behind this turn: a leave must not become a loss.
            return;
        }
        let waiting = mailbox.bytes.fetch_add(size, Relaxed);
        if waiting + size > DELIVERY_BYTES_MAX || mailbox.sender.try_send(delivery).is_err() {
            self.metrics.slow_clients_cut.inc();
            self.close(conn);
        }
    }

    /// A panic in the rooms is a bug of ours; it costs one command, not everybody's room.
    fn guard<T>(&mut self, act: impl FnOnce(&mut Rooms, Moment) -> T) -> Option<T> {
        let now = moment(self.start);
        let outcome = catch_unwind(AssertUnwindSafe(|| act(&mut self.rooms, now)));
        if outcome.is_err() {
            self.metrics.panics.inc();
            tracing::error!("the rooms panicked on a command; it was refused and everything else goes on");
        }
        outcome.ok()
    }

    fn watch_lag(&mut self, now: Instant, lag: Duration) {
        if lag < LAG_MAX {
            self.lagging_since = None;
        }
        let since = *self.lagging_since.get_or_insert(now);
        let overloaded = lag >= LAG_MAX && now.saturating_duration_since(since) >= LAG_TIME_MAX;
        if self.overloaded.swap(overloaded, Relaxed) != overloaded {
            tracing::warn!(overloaded, lag_ms = lag.as_millis(), "the hub's load changed");
        }
    }
}

/// What happened, for the log. Names and addresses stay out of it.
fn note(fact: &Fact) {
    match fact {
        Fact::RoomBegan { room } => tracing::info!(room = ?room.id, kind = ?room.kind, by_owner = room.by_owner, "room began"),
        Fact::RoomEnded { room, why } => tracing::info!(?room, ?why, "room ended"),
        Fact::Participant { room, participant, change } => {
            tracing::info!(?room, participant = ?participant.id, ?change, "participant")
        }
        Fact::TrackAdded { participant, track, .. } => {
            tracing::debug!(participant = ?participant.id, track = ?track.id, kind = ?track.kind, "track added")
        }
        Fact::TrackRemoved { participant, track, .. } => {
            tracing::debug!(participant = ?participant.id, track = ?track.id, "track removed")
        }
        Fact::TrackAltered { participant, track, .. } => {
            tracing::debug!(participant = ?participant.id, track = ?track.id, enabled = track.enabled, "track altered")
        }
        Fact::RecordingBegan { room, recording } => {
            let track = recording.source.as_ref().map(|(_, track)| track.id);
            tracing::info!(?room, recording = ?recording.id, ?track, "recording began")
        }
        Fact::RecordingFlows { recording, codec, .. } => tracing::debug!(?recording, ?codec, "recording flows"),
        Fact::RecordingEnded { room, recording, outcome } => {
            let seconds = outcome.duration.as_secs();
            tracing::info!(?room, ?recording, why = ?outcome.why, seconds, bytes = outcome.bytes, "recording ended")
        }
    }
}

/// About what a delivery holds in memory, in bytes.
fn size(delivery: &Delivery) -> usize {
    const OVERHEAD: usize = 256;
    let sealed = match delivery {
        Delivery::Event(Event::Signal { signal, .. }) => signal.sealed.0.len(),
        Delivery::Event(Event::Said { text, .. }) => text.0.len(),
        Delivery::Event(Event::Subscribed(subscribed)) => subscribed.tracks.len() * OVERHEAD,
        Delivery::Event(Event::Published(published)) => published.tracks.len() * OVERHEAD,
        Delivery::Event(Event::Changed { participant, .. }) => participant.tracks.len() * OVERHEAD,
        Delivery::Event(_) | Delivery::Result(_) | Delivery::Replaced | Delivery::Gap => 0,
    };
    OVERHEAD + sealed
}

async fn sleep_until(timeout: Option<tokio::time::Instant>) {
    match timeout {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn moment(start: Instant) -> Moment {
    Moment::after_start(start.elapsed())
}

fn deadline(start: Instant, at: Moment) -> tokio::time::Instant {
    // What never comes is looked at now and then.
    const NEVER: Duration = Duration::from_secs(86_400);
    start.checked_add(at.since(Moment::START)).unwrap_or_else(|| Instant::now() + NEVER).into()
}

#[cfg(test)]
mod tests {
    use room::{Join, Limits, Rights, RoomRef, Rule};

    use super::*;

    fn rooms(limits: Limits, media: bool) -> Rooms {
        let mut last = 0;
        let ids = move || {
            last += 1;
            last
        };
        Rooms::new(limits, media, Box::new(ids))
    }

    fn hub() -> Handle {
        start(rooms(Limits::default(), false), Metrics::new())
    }

    /// A media server that answers each new peer at once.
    struct Answering(reports::Reporter);

    impl MediaServer for Answering {
        fn order(&self, order: Order) {
            if let room::Act::Open(open) = order.act {
                let signal = room::Signal { step: room::Step::Answer, ..open.offer };
                let news = room::News::Signal(signal);
                self.0.report(Report::Of { room: order.room, who: order.who, link: open.link, news });
            }
        }
    }

    async fn join(hub: &Handle, identity: &str) -> (ConnId, Inbox) {
        join_with(hub, identity, None).await
    }

    async fn join_with(hub: &Handle, identity: &str, offer: Option<(room::LinkId, room::Signal)>) -> (ConnId, Inbox) {
        let (conn, mut inbox) = hub.open().await;
        let join = Join {
            room: RoomRef::Name("den".into()),
            allowed: None,
            identity: identity.into(),
            rights: Rights::GUEST,
            origin: None,
            tracks: (1, Vec::new()),
            rule: Rule::All,
            offer,
            channels: Vec::new(),
            profile: room::Profile::default(),
            part: room::Part::default(),
        };
        hub.command(conn, Command::Join(Box::new(join))).await;
        assert!(matches!(inbox.next().await, Some(Delivery::Result(Ok(Answer::Joined(_))))));
        (conn, inbox)
    }

    #[tokio::test]
    async fn of_two_who_leave_in_one_moment_nobody_stays_behind() {
        let hub = hub();
        let (ann, _inbox) = join(&hub, "ann").await;
        let (bo, bos) = join(&hub, "bo").await;
        // Bo's connection is over; its leave is still in the queue when ann's is heard.
        drop(bos);
        hub.command(ann, Command::Leave).await;
        hub.command(bo, Command::Leave).await;
        hub.close(bo).await;
        assert!(hub.rooms().await.is_empty());
    }

    #[tokio::test]
    async fn orders_reach_the_media_server_and_its_reports_the_clients() {
        let metrics = Metrics::new();
        let (reporter, reports) = reports::channel(metrics.clone());
        let media = Media { server: Box::new(Answering(reporter)), reports };
        let limits = Limits { kind: room::RoomKind::Group, ..Limits::default() };
        let hub = start_with(rooms(limits, true), metrics.clone(), Some(media), None);
        let offer = room::Signal { step: room::Step::Offer, revision: 1, sealed: room::Sealed("v=0".into()) };
        let (_ann, mut inbox) = join_with(&hub, "ann", Some((room::LinkId("l".into()), offer))).await;
        let answer = inbox.next().await;
        assert!(
            matches!(&answer, Some(Delivery::Event(Event::Signal { signal, .. })) if signal.step == room::Step::Answer),
            "{answer:?}"
        );
        assert_eq!((metrics.media_orders.get(), metrics.media_reports.get()), (3, 1));
    }

    #[tokio::test]
    async fn a_lively_room_is_not_written_down_again_and_again() {
        let metrics = Metrics::new();
        let (reporter, reports) = reports::channel(metrics.clone());
        let media = Media { server: Box::new(Answering(reporter.clone())), reports };
        let limits = Limits { kind: room::RoomKind::Group, ..Limits::default() };
        let hub = start_with(rooms(limits, true), metrics, Some(media), None);
        let offer = room::Signal { step: room::Step::Offer, revision: 1, sealed: room::Sealed("v=0".into()) };
        let link = room::LinkId("l".into());
        let (ann, mut inbox) = join_with(&hub, "ann", Some((link.clone(), offer))).await;
        inbox.next().await;
        assert!(hub.take_changed());
        let den = hub.room("den").await.expect("a room");
        let (room, who) = (den.id, den.participants[0].id);
        let report = |news| reporter.report(Report::Of { room, who, link: link.clone(), news });
        reporter.report(Report::Speaker { room, who: Some(who) });
        report(room::News::Quality(room::Quality::default()));
        report(room::News::Switched { off: vec![], on: vec![] });
        for _ in 0..3 {
            assert!(matches!(inbox.next().await, Some(Delivery::Event(_))));
        }
        hub.command(ann, Command::Say { channel: room::Channel::Speaker, text: room::Sealed("{}".into()) }).await;
        hub.command(ann, Command::Hint(vec![])).await;
        for _ in 0..2 {
            assert!(matches!(inbox.next().await, Some(Delivery::Result(Ok(Answer::Done)))));
        }
        assert!(!hub.take_changed(), "nothing of that is worth writing down");
        report(room::News::Dead);
        assert!(matches!(inbox.next().await, Some(Delivery::Event(Event::LinkClosed { .. }))));
        assert!(hub.take_changed());
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_cut_and_keeps_its_seat() {
        let hub = hub();
        let (_ann, mut anns) = join(&hub, "ann").await;
        // Each tells her that he came and that he went.
        for _ in 0..=DELIVERIES_MAX / 2 {
            let (bo, _bos) = join(&hub, "bo").await;
            hub.command(bo, Command::Leave).await;
            tokio::task::yield_now().await;
        }
        let people = hub.room("den").await.map(|room| room.participants).unwrap_or_default();
        let ann = people.iter().find(|p| &*p.identity == "ann").expect("her seat is kept");
        assert_eq!(ann.presence, room::Presence::Reconnecting);
        while anns.next().await.is_some() {}
    }
}
