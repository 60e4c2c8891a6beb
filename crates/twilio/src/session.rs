//! One WebSocket's life on Twilio's signaling address, without the WebSocket.

use std::collections::VecDeque;
use std::time::Duration;

use room::door::{Action, Session as Door};
use room::{
    Answer, Command, Event, Join, Joined, LinkId, Moment, Part, Published, RecordingState, Refusal, Resume, Rights, Signal,
    Snapshot, Step, Subscribed, TrackId, WhyLeft,
};
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::served::{HELD_EVENTS_MAX, Held, Served};
use crate::token::Grant;
use crate::wire::{Body, BodyHead, Changes, Connect, Frame, Ice, IceServer, PeerState, Reply, Sync, Update};
use crate::{parse, sid, state};

/// How long a client may take from connecting to its first `hello`, and again from there to a token that holds. Then it is
/// cut: close 1008.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the media server may take to answer the offer of a client that came in. Then the client is refused: 53405.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client that was told that its room is over may take to close. Then we do.
pub const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);

/// Messages of types we do not know that are answered with `bad` and otherwise let pass, for SDKs newer than this server.
/// One more ends the session.
pub const UNKNOWN_MAX: u32 = 3;

/// What the client may ask for as the time between signs of life, in milliseconds.
const HEARTBEAT_MS: std::ops::RangeInclusive<f64> = 1_000.0..=30_000.0;

/// Signs of life that may be missing before a client counts as lost, as it counts on its side.
const HEARTBEATS_MISSED_MAX: u32 = 3;

/// Signs of life that may be missing after the program did not run for a while: one that was under way, and half of the next.
const GAP_HEARTBEATS: f64 = 1.5;

/// What else was due while the program did not run is not due before this.
const GAP_TIMEOUT: Duration = Duration::from_secs(5);

/// Close codes (RFC 6455, section 7.4.1; the last is this protocol's own range). The client takes 1000 as the end of its
/// room, and anything else as a reason to come back. A browser sends 1001 when its page is closed.
const CLOSE_NORMAL: u16 = 1000;
const CLOSE_GOING_AWAY: u16 = 1001;
const CLOSE_POLICY: u16 = 1008;
const CLOSE_RESTART: u16 = 1012;
const CLOSE_LOST: u16 = 4001;

/// What this door needs from its shell: keys, the time of day and the relay's secret stay outside.
pub trait Desk: Send {
    /// Whether a token holds, and for what.
    ///
    /// # Errors
    /// Why it does not.
    fn verify(&self, token: &str) -> Result<Grant, Problem>;

    /// STUN and TURN servers for the holder of this grant.
    fn ice_servers(&self, grant: &Grant) -> Vec<IceServer>;

    /// What this server calls the place where it stands.
    fn region(&self) -> &str;

    /// What it calls the place that the client dialled.
    fn signaling_region(&self) -> &str;
}

/// One connection of a client.
pub struct Session {
    desk: Box<dyn Desk>,
    stage: Stage,
    /// Commands that wait for their answer, oldest first.
    waiting: VecDeque<Waiting>,
    actions: VecDeque<Action>,
    /// Time between signs of life.
    heartbeat: Duration,
    heard: Moment,
    spoke: Moment,
    /// When the stage has lasted too long.
    deadline: Option<Moment>,
    published_revision: u64,
    /// In its room, but not told so yet.
    held: Option<Held>,
    served: Served,
    unknown: u32,
    trusted: bool,
    /// New clients are sent away for so long.
    busy: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing said yet.
    Silent,
    /// Greeted, in no room.
    Greeted,
    /// Asked to come in or back; the rooms have not answered.
    Asking,
    /// In a room, under this session word.
    Inside(String),
    /// Out for good. Waits for the client to close.
    Over,
}

#[derive(Debug, PartialEq, Eq)]
enum Waiting {
    Join,
    Resume,
    Publish,
    Rest,
}

impl Session {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(now: Moment, desk: Box<dyn Desk>) -> Self {
        Session {
            desk,
            stage: Stage::Silent,
            waiting: VecDeque::new(),
            actions: VecDeque::new(),
            heartbeat: Duration::from_secs(5),
            heard: now,
            spoke: now,
            deadline: Some(now + HELLO_TIMEOUT),
            published_revision: 0,
            held: None,
            served: Served::default(),
            unknown: 0,
            trusted: false,
            busy: None,
        }
    }

    fn handle_frame(&mut self, now: Moment, frame: Frame<'_>) -> Result<(), Problem> {
        match (&*frame.kind, &self.stage) {
            ("hello", Stage::Silent) => self.greet(now, &frame),
            // The client says hello again, with the same body, when our welcome was slow.
            ("hello", _) => {
                self.welcome(now);
                Ok(())
            }
            (_, Stage::Silent) => Err(Problem::MALFORMED),
            ("msg", _) => self.handle_body(now, frame.body.ok_or(Problem::MALFORMED)?),
            ("heartbeat", _) => Ok(()),
            ("bye", _) => {
                self.leave();
                Ok(())
            }
            _ => self.handle_unknown(now),
        }
    }

    fn greet(&mut self, now: Moment, hello: &Frame<'_>) -> Result<(), Problem> {
        if let Some(retry_after) = self.busy.filter(|_| !comes_back(hello)) {
            let retry_after = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            self.send(now, &Reply::Busy { retry_after, keep_alive: false });
            self.end(now);
            return Ok(());
        }
        if let Some(asked) = hello.timeout.filter(|ms| ms.is_finite()) {
            let ms = asked.clamp(*HEARTBEAT_MS.start(), *HEARTBEAT_MS.end());
            self.heartbeat = Duration::from_secs_f64(ms / 1000.0);
        }
        self.stage = Stage::Greeted;
        self.deadline = Some(now + HELLO_TIMEOUT);
        self.welcome(now);
        hello.body.map_or(Ok(()), |body| self.handle_body(now, body))
    }

    fn welcome(&mut self, now: Moment) {
        let negotiated_timeout = u64::try_from(self.heartbeat.as_millis()).unwrap_or(u64::MAX);
        self.send(now, &Reply::Welcome { negotiated_timeout });
    }

    fn handle_body(&mut self, now: Moment, raw: &RawValue) -> Result<(), Problem> {
        let head: BodyHead<'_> = parse::body(raw)?;
        match (&*head.kind, &self.stage) {
            (_, Stage::Over) => Ok(()),
            ("ice", Stage::Greeted) => self.handle_ice(now, &parse::body(raw)?),
            ("connect", Stage::Greeted) => self.handle_connect(parse::body(raw)?),
            ("sync", Stage::Greeted) => self.handle_sync(parse::body(raw)?),
            ("update", Stage::Inside(_)) => self.handle_update(parse::body(raw)?),
            ("disconnect", _) => {
                self.leave();
                self.tell_over(now, "disconnected");
                Ok(())
            }
            ("ice" | "connect" | "sync" | "update", _) => Err(Problem::MALFORMED),
            _ => self.handle_unknown(now),
        }
    }

    fn handle_ice(&mut self, now: Moment, ice: &Ice) -> Result<(), Problem> {
        let again = self.trusted;
        let grant = self.verify(&ice.token)?;
        let servers = self.desk.ice_servers(&grant);
        self.send(now, &Reply::Msg { body: &Body::Iced { version: 1, ice_servers: &servers } });
        if !again {
            self.deadline = Some(now + HELLO_TIMEOUT);
        }
        Ok(())
    }

    fn verify(&mut self, token: &str) -> Result<Grant, Problem> {
        let grant = self.desk.verify(token)?;
        self.trusted = true;
        Ok(grant)
    }

    fn handle_connect(&mut self, connect: Connect) -> Result<(), Problem> {
        let grant = self.verify(&connect.token)?;
        let allowed = grant.room.as_deref().map(|room| parse::room_ref(Some(room)));
        let (channels, profile) = (parse::channels(&connect), parse::profile(&connect));
        let warned = parse::warned(&connect.participant);
        let room = parse::room_ref(connect.name.as_deref().or(grant.room.as_deref()));
        let join = Join {
            room,
            allowed,
            identity: grant.identity.as_str().into(),
            rights: Rights::GUEST,
            // Revoking either ends what was joined by it.
            origin: Some(grant.link_key.as_deref().unwrap_or(&grant.key_sid).into()),
            tracks: parse::tracks(connect.participant)?,
            rule: parse::rule(connect.subscribe.as_ref()),
            offer: parse::first_offer(connect.peer_connections)?,
            channels,
            profile,
            part: Part { warned, ..Part::default() },
        };
        self.stage = Stage::Asking;
        self.command(Command::Join(Box::new(join)), Waiting::Join);
        Ok(())
    }

    fn handle_sync(&mut self, sync: Sync) -> Result<(), Problem> {
        let grant = self.verify(&sync.token)?;
        let seat = sid::parse_session(&sync.session).ok_or(Problem::from(Refusal::SeatNotFound))?;
        let resume = Resume {
            seat,
            identity: grant.identity.as_str().into(),
            tracks: parse::tracks(sync.participant)?,
            signals: parse::all_signals(sync.peer_connections)?,
        };
        self.stage = Stage::Asking;
        self.command(Command::Resume(Box::new(resume)), Waiting::Resume);
        Ok(())
    }

    fn handle_update(&mut self, update: Update) -> Result<(), Problem> {
        if !matches!(&self.stage, Stage::Inside(session) if *session == update.session) {
            return Err(Problem::MALFORMED);
        }
        let signals = parse::all_signals(update.peer_connections)?;
        if let Some((revision, tracks)) = update.participant.map(parse::tracks).transpose()? {
            self.command(Command::Publish { revision, tracks }, Waiting::Publish);
        }
        for (link, signal) in signals {
            self.command(Command::Signal { link, signal }, Waiting::Rest);
        }
        Ok(())
    }

    fn handle_unknown(&mut self, now: Moment) -> Result<(), Problem> {
        self.unknown += 1;
        if self.unknown > UNKNOWN_MAX {
            return Err(Problem::MALFORMED);
        }
        self.send(now, &Reply::Bad { reason: "Unknown message type" });
        Ok(())
    }

    /// A client came in. If the media server is to answer its offer, it is told when that has come: the SDK wants both at once.
    fn come_in(&mut self, now: Moment, joined: Box<Joined>) {
        if joined.links.iter().any(|state| state.server && state.wanted.is_none()) {
            self.held = Some(Held { joined, events: VecDeque::new() });
            self.deadline = Some(now + ANSWER_TIMEOUT);
        } else {
            self.enter(now, &joined, false);
        }
    }

    /// An event for a client that has not been told yet that it is in.
    fn hold(&mut self, now: Moment, mut held: Held, event: Event) {
        match event {
            Event::Out(why) => self.tell_out(now, why),
            _ if held.events.len() >= HELD_EVENTS_MAX => self.refuse(now, Problem::NO_MEDIA),
            event => {
                if !held.take(event) {
                    self.held = Some(held);
                    return;
                }
                self.enter(now, &held.joined, false);
                held.events.into_iter().for_each(|event| self.tell_event(now, event));
            }
        }
    }

    fn enter(&mut self, now: Moment, joined: &Joined, back: bool) {
        let session = sid::session(joined.seat);
        let candidates: Vec<_> = joined.links.iter().map(|link| state::unseal(&link.signals)).collect();
        let regions = [self.desk.region().to_owned(), self.desk.signaling_region().to_owned()];
        let grants = self.served.enter(joined, back);
        let room = state::room(joined, &session, [&regions[0], &regions[1]], &candidates, grants);
        self.published_revision = joined.published.revision;
        let body = if back { Body::Synced(room) } else { Body::Connected(room) };
        self.send(now, &Reply::Msg { body: &body });
        self.stage = Stage::Inside(session);
        self.deadline = None;
        let missed = if back { self.served.tell_speaker() } else { Vec::new() };
        missed.into_iter().for_each(|command| self.command(command, Waiting::Rest));
    }

    /// An update about nothing yet, if the client is in a room.
    fn changes<'a>(&self) -> Option<Changes<'a>> {
        match &self.stage {
            Stage::Inside(session) => Some(Changes { version: state::VERSION, session: session.clone(), ..Changes::default() }),
            _ => None,
        }
    }

    fn update(&mut self, now: Moment, changes: Changes<'_>) {
        self.send(now, &Reply::Msg { body: &Body::Update(changes) });
    }

    /// What became of the client's tracks, unless it knows.
    fn update_published(&mut self, now: Moment, published: &Published) {
        let Some(mut changes) = self.changes().filter(|_| published.revision > self.published_revision) else { return };
        self.published_revision = published.revision;
        changes.published = Some(state::published(published));
        self.update(now, changes);
    }

    fn update_participant(&mut self, now: Moment, participant: &Snapshot, subscribed: Option<&Subscribed>) {
        let Some(mut changes) = self.changes() else { return };
        changes.participants.push(state::participant(participant));
        changes.subscribed = subscribed.map(state::subscribed);
        self.update(now, changes);
    }

    fn update_peer(&mut self, now: Moment, peer: PeerState<'_>) {
        let Some(mut changes) = self.changes() else { return };
        changes.peer_connections.push(peer);
        self.update(now, changes);
    }

    fn update_subscribed(&mut self, now: Moment, subscribed: &Subscribed) {
        let Some(mut changes) = self.changes() else { return };
        changes.subscribed = Some(state::subscribed(subscribed));
        self.update(now, changes);
    }

    fn update_recording(&mut self, now: Moment, recording: RecordingState) {
        let Some(mut changes) = self.changes() else { return };
        changes.recording = Some(state::recording(recording));
        self.update(now, changes);
    }

    /// Tracks of the client's are recorded and nothing comes of them.
    fn warn(&mut self, now: Moment, revision: u64, tracks: &[(TrackId, bool)]) {
        if matches!(self.stage, Stage::Inside(_)) {
            let states = state::media_states(revision, tracks);
            self.send(now, &Reply::Msg { body: &Body::Warning { version: state::VERSION, states } });
        }
    }

    /// The other end of a link says this. With the first answer of the media server come the channels.
    fn update_signal(&mut self, now: Moment, link: &LinkId, signal: &Signal) {
        let Some(mut changes) = self.changes() else { return };
        let raw = (signal.step == Step::Candidates).then(|| state::raw(signal)).flatten();
        changes.peer_connections.push(state::signal(&link.0, signal, raw.as_deref()));
        if signal.step == Step::Answer {
            changes.media_signaling = self.served.answered(link);
        }
        self.update(now, changes);
    }

    /// The client is to make an offer, to the media server or to somebody else.
    fn update_wanted(&mut self, now: Moment, link: &LinkId, revision: u64, server: bool) {
        let Some(mut changes) = self.changes() else { return };
        changes.peer_connections.push(state::order(&link.0, "create-offer", revision));
        if server {
            changes.media_signaling = self.served.want(link);
        }
        self.update(now, changes);
    }

    fn tell_event(&mut self, now: Moment, event: Event) {
        match event {
            Event::Changed { participant, subscribed, .. } => self.update_participant(now, &participant, subscribed.as_ref()),
            Event::Signal { link, signal } => self.update_signal(now, &link, &signal),
            Event::Published(published) => self.update_published(now, &published),
            Event::Subscribed(subscribed) => self.update_subscribed(now, &subscribed),
            Event::LinkClosed { link, revision } => self.update_peer(now, state::order(&link.0, "close", revision)),
            Event::LinkWanted { link, revision, server } => self.update_wanted(now, &link, revision, server),
            Event::Recording(state) => self.update_recording(now, state),
            Event::RecordingSilent { revision, tracks } => self.warn(now, revision, &tracks),
            Event::Out(why) => self.tell_out(now, why),
            media => self.hear_media(media),
        }
    }

    /// What goes to the client by the media server's channels, or came by them.
    fn hear_media(&mut self, event: Event) {
        if !matches!(self.stage, Stage::Inside(_)) {
            return;
        }
        let commands = match event {
            Event::Opened(channel) => self.served.opened(channel),
            Event::Said { channel, text } => self.served.hear(channel, &text),
            Event::Speaker(who) => self.served.speaker(who),
            Event::Quality(quality) => self.served.quality(*quality),
            Event::Switched { off, on } => self.served.switched(&off, &on),
            Event::Layers { track, needed } => self.served.layers(track, needed),
            _ => return,
        };
        let ignored = std::mem::take(&mut self.served.ignored);
        if ignored > 0 {
            self.actions.push_back(Action::Ignored(ignored));
        }
        for command in commands {
            self.command(command, Waiting::Rest);
        }
    }

    fn tell_out(&mut self, now: Moment, why: WhyLeft) {
        match why {
            WhyLeft::Displaced => self.tell_error(now, Problem::DISPLACED),
            WhyLeft::Expired => self.tell_error(now, Problem::EXPIRED),
            WhyLeft::RoomEnded => self.tell_over(now, "completed"),
            WhyLeft::Refused(refusal) => self.tell_error(now, refusal.into()),
            WhyLeft::Unreachable => self.tell_error(now, Problem::NO_MEDIA),
            _ => self.tell_over(now, "disconnected"),
        }
    }

    /// The client leaves for good, or would if it were inside.
    fn leave(&mut self) {
        if matches!(self.stage, Stage::Inside(_) | Stage::Asking) {
            self.command(Command::Leave, Waiting::Rest);
        }
    }

    fn tell_over(&mut self, now: Moment, status: &str) {
        self.send(now, &Reply::Msg { body: &Body::Disconnected { version: state::VERSION, status } });
        self.end(now);
    }

    /// Refuses something for good: the SDK ends its room, and so do we.
    fn refuse(&mut self, now: Moment, problem: Problem) {
        self.leave();
        self.tell_error(now, problem);
    }

    fn tell_error(&mut self, now: Moment, problem: Problem) {
        let Problem { code, message } = problem;
        self.actions.push_back(Action::Refused(code));
        self.send(now, &Reply::Msg { body: &Body::Error { version: state::VERSION, code, message } });
        self.end(now);
    }

    fn end(&mut self, now: Moment) {
        self.held = None;
        self.stage = Stage::Over;
        self.deadline = Some(now + GOODBYE_TIMEOUT);
    }

    fn send(&mut self, now: Moment, reply: &Reply<'_>) {
        if let Ok(text) = serde_json::to_string(reply) {
            self.actions.push_back(Action::Send(text));
            self.spoke = now;
        }
    }

    fn command(&mut self, command: Command, waiting: Waiting) {
        self.actions.push_back(Action::Command(command));
        self.waiting.push_back(waiting);
    }

    fn close(&mut self, code: u16, reason: &'static str) {
        self.stage = Stage::Over;
        self.deadline = None;
        self.actions.push_back(Action::Close(code, reason));
    }

    /// Our next sign of life: well before the client would miss one.
    fn heartbeat_due(&self) -> Option<Moment> {
        let greeted = !matches!(self.stage, Stage::Silent | Stage::Over);
        greeted.then(|| self.spoke + self.heartbeat.mul_f64(0.8))
    }

    fn lost_at(&self) -> Option<Moment> {
        let counting = matches!(self.stage, Stage::Inside(_));
        counting.then(|| self.heard + self.heartbeat * HEARTBEATS_MISSED_MAX)
    }
}

/// Whether this hello is of a client that has a seat already: those are served however busy we are.
fn comes_back(hello: &Frame<'_>) -> bool {
    let head = hello.body.and_then(|body| parse::body::<BodyHead<'_>>(body).ok());
    head.is_some_and(|head| head.kind == "sync")
}

impl Door for Session {
    fn handle_text(&mut self, now: Moment, text: &str) {
        if self.stage == Stage::Over {
            return;
        }
        self.heard = now;
        let parsed = serde_json::from_str(text).map_err(|_| Problem::MALFORMED);
        let Err(problem) = parsed.and_then(|frame| self.handle_frame(now, frame)) else { return };
        if self.stage == Stage::Silent {
            self.send(now, &Reply::Bad { reason: "Expected a hello" });
            self.close(CLOSE_POLICY, "expected a hello");
        } else {
            self.refuse(now, problem);
        }
    }

    fn handle_result(&mut self, now: Moment, result: Result<Answer, Refusal>) {
        let Some(waiting) = self.waiting.pop_front() else { return };
        if self.stage == Stage::Over {
            return;
        }
        match (waiting, result) {
            (Waiting::Join, Ok(Answer::Joined(joined))) => self.come_in(now, joined),
            (Waiting::Resume, Ok(Answer::Joined(joined))) => self.enter(now, &joined, true),
            (Waiting::Publish, Ok(Answer::Published(published))) => self.update_published(now, &published),
            (Waiting::Join | Waiting::Resume, Err(refusal)) => self.refuse(now, refusal.into()),
            // A signal that crossed with the end of its link, or of the room: the client hears of that by itself.
            _ => {}
        }
    }

    fn handle_event(&mut self, now: Moment, event: Event) {
        match self.held.take() {
            Some(held) => self.hold(now, held, event),
            None => self.tell_event(now, event),
        }
    }

    fn handle_close(&mut self, code: Option<u16>) {
        // A client that was never told of its seat cannot come back to it; one that was coming back can.
        let seatless = self.stage == Stage::Asking && !self.waiting.contains(&Waiting::Resume);
        let for_good = matches!(code, Some(CLOSE_NORMAL | CLOSE_GOING_AWAY)) || seatless;
        let inside = matches!(self.stage, Stage::Inside(_) | Stage::Asking);
        self.stage = Stage::Over;
        self.deadline = None;
        if inside {
            self.command(if for_good { Command::Leave } else { Command::Lose }, Waiting::Rest);
        }
    }

    fn handle_overload(&mut self, _now: Moment, retry_after: Duration) {
        self.busy = Some(retry_after);
    }

    fn handle_shutdown(&mut self, _now: Moment) {
        // 1000 would end the client's room; this makes it come back.
        self.close(CLOSE_RESTART, "restart");
    }

    fn handle_gap(&mut self, now: Moment) {
        self.deadline = self.deadline.map(|due| due.max(now + GAP_TIMEOUT));
        if matches!(self.stage, Stage::Inside(_)) {
            let silence = self.heartbeat * HEARTBEATS_MISSED_MAX;
            self.heard = now + self.heartbeat.mul_f64(GAP_HEARTBEATS) - silence;
            self.send(now, &Reply::Heartbeat);
        }
    }

    fn handle_timeout(&mut self, now: Moment) {
        let over = |due: Option<Moment>| due.is_some_and(|due| due <= now);
        if over(self.deadline) {
            match self.stage {
                Stage::Over => self.close(CLOSE_NORMAL, "over"),
                Stage::Asking if self.held.is_some() => self.refuse(now, Problem::NO_MEDIA),
                // It may have asked for a seat that it never heard of.
                _ => {
                    self.leave();
                    self.close(CLOSE_POLICY, "took too long");
                }
            }
        } else if over(self.lost_at()) {
            self.command(Command::Lose, Waiting::Rest);
            self.close(CLOSE_LOST, "heartbeats missed");
        } else if over(self.heartbeat_due()) {
            self.send(now, &Reply::Heartbeat);
        }
    }

    fn trusted(&self) -> bool {
        self.trusted
    }

    fn poll_output(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn poll_timeout(&self) -> Option<Moment> {
        [self.deadline, self.lost_at(), self.heartbeat_due()].into_iter().flatten().min()
    }
}
