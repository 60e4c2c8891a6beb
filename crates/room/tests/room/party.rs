//! People with connections, so that a script reads like a story.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use room::{
    Answer, Caller, Command, ConnId, Event, Fact, Join, Joined, Kind, Limits, LinkId, Moment, News, Outcome, Output,
    ParticipantId, Priority, Profile, RecordNews, Refusal, Report, Resume, Rights, RoomId, RoomKind, RoomOptions, RoomRef, Rooms,
    Rule, SavedRoom, Sealed, SeatKey, Signal, Step, TrackDraft, WhyStopped,
};

use crate::media::Media;

/// Rooms, people by name, and everything the rooms said.
pub struct Party {
    pub rooms: Rooms,
    pub now: Moment,
    pub people: BTreeMap<String, Guest>,
    pub facts: Vec<Fact>,
    pub forgotten: Vec<ConnId>,
    /// What the media server was asked for.
    pub media: Media,
    next_conn: u64,
    last_id: Arc<AtomicU64>,
}

/// One person's connection and what it heard.
pub struct Guest {
    pub conn: ConnId,
    pub joined: Joined,
    pub heard: Vec<Event>,
    pub list_revision: u64,
}

impl Party {
    pub fn new(limits: Limits) -> Self {
        let last = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&last);
        let ids = move || u128::from(counter.fetch_add(1, Relaxed) + 1);
        Party {
            rooms: Rooms::new(limits, true, Box::new(ids)),
            now: Moment::START,
            people: BTreeMap::new(),
            facts: Vec::new(),
            forgotten: Vec::new(),
            media: Media::default(),
            next_conn: 0,
            last_id: last,
        }
    }

    /// As if this many ids and connections had been given out, so that two parties do not share any.
    pub fn skip_ids(&mut self, count: u64) {
        self.last_id.fetch_add(count, Relaxed);
        self.next_conn += count;
    }

    /// The same people after the program was started anew: nobody has a connection.
    pub fn restarted(self, limits: Limits) -> Party {
        let mut anew = Party::new(limits);
        anew.skip_ids(self.last_id.load(Relaxed).max(self.next_conn));
        anew.restore(self.rooms.save(self.now));
        anew.people = self.people;
        anew
    }

    /// Rooms that were written down are taken up.
    pub fn restore(&mut self, saved: Vec<SavedRoom>) {
        self.rooms.restore(self.now, saved);
        self.deliver();
    }

    /// `name` joins `room` with these tracks and a prepared link called `name/` and its connection's number.
    pub fn join(&mut self, name: &str, room: &str, tracks: &[&str]) -> Result<(), Refusal> {
        self.join_with(name, room, tracks, |_| {})
    }

    pub fn join_with(&mut self, name: &str, room: &str, tracks: &[&str], edit: impl FnOnce(&mut Join)) -> Result<(), Refusal> {
        let conn = self.conn();
        let mut join = Join {
            room: RoomRef::Name(room.into()),
            allowed: None,
            identity: name.into(),
            rights: Rights::GUEST,
            origin: None,
            tracks: (1, tracks.iter().map(|t| draft(t)).collect()),
            rule: Rule::All,
            channels: Vec::new(),
            profile: Profile::default(),
            part: room::Part::default(),
            offer: Some((LinkId(format!("{}/{}", name.chars().take(8).collect::<String>(), conn.0).into()), offer(1))),
        };
        edit(&mut join);
        let answer = self.rooms.handle(self.now, Caller::Conn(conn), Command::Join(Box::new(join)));
        let result = answer.map(|answer| self.seat(name, conn, answer));
        self.deliver();
        result
    }

    /// `name` comes back on a new connection.
    pub fn resume(&mut self, name: &str, signals: Vec<(LinkId, Signal)>) -> Result<(), Refusal> {
        let guest = &self.people[name];
        let resume = Resume {
            seat: guest.joined.seat,
            identity: Arc::clone(&guest.joined.identity),
            tracks: (guest.list_revision, Vec::new()),
            signals,
        };
        self.resume_as(name, resume)
    }

    pub fn resume_as(&mut self, name: &str, resume: Resume) -> Result<(), Refusal> {
        let conn = self.conn();
        let answer = self.rooms.handle(self.now, Caller::Conn(conn), Command::Resume(Box::new(resume)));
        let result = answer.map(|answer| self.seat(name, conn, answer));
        self.deliver();
        result
    }

    /// `name` gives a command.
    pub fn act(&mut self, name: &str, command: Command) -> Result<Answer, Refusal> {
        let answer = self.rooms.handle(self.now, Caller::Conn(self.people[name].conn), command);
        self.deliver();
        answer
    }

    /// `name` says what its tracks are now.
    pub fn publish(&mut self, name: &str, tracks: &[&str]) -> Answer {
        let guest = self.people.get_mut(name).expect("a guest");
        guest.list_revision += 1;
        let revision = guest.list_revision;
        let tracks = tracks.iter().map(|t| draft(t)).collect();
        self.act(name, Command::Publish { revision, tracks }).expect("inside")
    }

    pub fn signal(&mut self, name: &str, link: &LinkId, step: Step, revision: u64) {
        let signal = Signal { step, revision, sealed: Sealed(format!("{name} {step:?} {revision}").into()) };
        self.act(name, Command::Signal { link: link.clone(), signal }).expect("inside");
    }

    /// As [`Party::signal`], by somebody who may be gone.
    pub fn try_signal(&mut self, name: &str, link: &LinkId, step: Step, revision: u64) {
        let signal = Signal { step, revision, sealed: Sealed("again".into()) };
        // Refused if it is: there is nobody to say it.
        let _ = self.act(name, Command::Signal { link: link.clone(), signal });
    }

    pub fn owner(&mut self, command: Command) -> Result<Answer, Refusal> {
        let answer = self.rooms.handle(self.now, Caller::Owner, command);
        self.deliver();
        answer
    }

    /// The room of this name is of this kind from now on.
    pub fn set_kind(&mut self, name: &str, kind: RoomKind, options: RoomOptions) -> Result<Answer, Refusal> {
        self.owner(Command::SetKind { name: name.into(), kind, options })
    }

    /// The media server tells this of the open link of `name`.
    pub fn news(&mut self, name: &str, news: News) {
        let joined = &self.people[name].joined;
        self.report_of((joined.room, joined.me), news);
    }

    /// The media server tells this of some link, which it may not have any more.
    pub fn news_of(&mut self, name: &str, link: &LinkId, news: News) {
        let joined = &self.people[name].joined;
        self.report(Report::Of { room: joined.room, who: joined.me, link: link.clone(), news });
    }

    /// The media server tells this of the open link of somebody, if there is one.
    pub fn report_of(&mut self, (room, who): (RoomId, ParticipantId), news: News) {
        if let Some(link) = self.media.peers.get(&(room, who)).map(|peer| peer.link.clone()) {
            self.report(Report::Of { room, who, link, news });
        }
    }

    /// The media server tells of all that it lost.
    pub fn report_lost(&mut self) {
        for room in std::mem::take(&mut self.media.untold) {
            self.report(Report::Lost(room));
        }
    }

    /// The media server tells of all recordings that ended.
    pub fn report_ended(&mut self) {
        for (room, recording) in std::mem::take(&mut self.media.ended) {
            let (duration, offset) = (Duration::from_secs(1), Duration::from_secs(9));
            let outcome = Outcome { duration, bytes: 1, offset, codec: None, why: WhyStopped::Stopped };
            self.report(Report::Recorded { room, recording, news: RecordNews::Ended(outcome) });
        }
    }

    pub fn report(&mut self, report: Report) {
        self.rooms.handle_report(self.now, report);
        self.deliver();
    }

    /// Lets time pass, as the shell would: never later than the rooms asked for.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.rooms.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.rooms.handle_timeout(self.now);
            self.deliver();
            let next = self.rooms.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "they ask for a moment that has passed");
        }
        self.now = until;
    }

    /// The shell did not run for so long, and notices it before it asks for what is due.
    pub fn stand_still(&mut self, time: Duration) {
        self.now = self.now + time;
        self.rooms.handle_gap(self.now);
        self.deliver();
        self.pass(Duration::ZERO);
    }

    /// What `name` heard since the last time, in short words.
    pub fn heard(&mut self, name: &str) -> Vec<String> {
        std::mem::take(&mut self.people.get_mut(name).expect("a guest").heard).iter().map(short).collect()
    }

    pub fn seat_key(&self, name: &str) -> SeatKey {
        self.people[name].joined.seat
    }

    fn seat(&mut self, name: &str, conn: ConnId, answer: Answer) {
        let Answer::Joined(joined) = answer else { panic!("{answer:?} is no seat") };
        self.people.insert(name.to_owned(), Guest { conn, joined: *joined, heard: Vec::new(), list_revision: 1 });
    }

    fn conn(&mut self) -> ConnId {
        self.next_conn += 1;
        ConnId(self.next_conn)
    }

    fn deliver(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            match output {
                Output::Tell(conn, event) => {
                    if let Some(guest) = self.people.values_mut().find(|guest| guest.conn == conn) {
                        guest.heard.push(event);
                    }
                }
                Output::Forget(conn) => self.forgotten.push(conn),
                Output::Order(order) => self.media.obey(order),
                Output::Note(fact) => self.facts.push(fact),
            }
        }
    }
}

/// `v cam`, `a mic off`, `d chat high`: kind, name, and what is not usual about it.
pub fn draft(text: &str) -> TrackDraft {
    let mut words = text.split(' ');
    let kind = match words.next() {
        Some("a") => Kind::Audio,
        Some("v") => Kind::Video,
        _ => Kind::Data,
    };
    let name = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    let priority = if rest.contains(&"high") { Priority::High } else { Priority::Standard };
    TrackDraft { label: format!("id-{name}").into(), kind, name: name.into(), enabled: !rest.contains(&"off"), priority }
}

pub fn offer(revision: u64) -> Signal {
    Signal { step: Step::Offer, revision, sealed: Sealed("first offer".into()) }
}

fn short(event: &Event) -> String {
    match event {
        Event::Changed { participant, change, subscribed } => {
            let tracks: Vec<_> =
                participant.tracks.iter().map(|t| format!("{}{}", t.name, if t.enabled { "" } else { " off" })).collect();
            let receives = subscribed.as_ref().map(|s| format!(" receives {}", s.tracks.len())).unwrap_or_default();
            format!("{} {change:?} #{} [{}]{receives}", participant.identity, participant.revision, tracks.join(", "))
        }
        Event::Signal { link, signal } => format!("{:?} {} on {}", signal.step, signal.revision, link.0),
        Event::LinkClosed { link, revision } => format!("closed {} at {revision}", link.0),
        Event::LinkWanted { link, revision, server } => {
            format!("offer wanted after {revision} on {}{}", link.0, if *server { " by the server" } else { "" })
        }
        Event::Published(published) => format!("published {} at {}", published.tracks.len(), published.revision),
        Event::Subscribed(subscribed) => {
            let labels: Vec<&str> = subscribed.tracks.iter().map(|(_, label)| &**label).collect();
            format!("receives [{}]", labels.join(", "))
        }
        Event::Opened(channel) => format!("{channel:?} opened"),
        Event::Said { channel, text } => format!("said {} on {channel:?}", text.0),
        Event::Speaker(who) => format!("speaker {:?}", who.map(|who| who.0)),
        Event::Quality(quality) => format!("quality {}", quality.own.level),
        Event::Switched { off, on } => format!("off {} on {}", off.len(), on.len()),
        Event::Layers { needed, .. } => format!("layers {needed:?}"),
        Event::Member { participant, changed } => format!("{}: {changed:?}", participant.identity),
        Event::Talking(who, talking) => format!("talking {} {talking}", who.0),
        Event::Stage { changed, .. } => format!("stage {changed:?}"),
        Event::Layout(layout) => format!("layout {:?} of {}", layout.name, layout.places.len()),
        Event::Role { role, .. } => format!("{role:?} now"),
        Event::Size { width, height, fps } => format!("{width}x{height} at {fps}"),
        Event::Recording(state) => format!("recording #{} {}", state.revision, if state.on { "on" } else { "off" }),
        Event::RecordingSilent { revision, tracks } => {
            let silent: Vec<bool> = tracks.iter().map(|(_, silent)| *silent).collect();
            format!("silent #{revision} {silent:?}")
        }
        Event::Out(why) => format!("out: {why:?}"),
    }
}
