//! All rooms, the sessions of everybody in them, and a media server that serves whatever it is asked, in virtual time. As in the program,
//! commands wait for the rooms in one queue; what the rooms say reaches sessions at once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use room::door::Action;
use room::{
    Act, Answer, Caller, Command, ConnId, Limits, LinkId, Moment, News, Order, Output, ParticipantId, Refusal, Report, RoomKind,
    Rooms, Sealed, Signal, Step, TrackId,
};

use crate::guest::{Door, Guest, Key};
use crate::meter::Meter;

/// Between two things that happen.
const BEAT: Duration = Duration::from_millis(1);

/// What sessions said, and the rooms asked of media.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    pub texts: u64,
    pub bytes: u64,
    pub orders: u64,
}

impl Told {
    pub fn and(&self, other: &Told) -> Told {
        Told { texts: self.texts + other.texts, bytes: self.bytes + other.bytes, orders: self.orders + other.orders }
    }

    pub fn since(&self, before: &Told) -> Told {
        Told { texts: self.texts - before.texts, bytes: self.bytes - before.bytes, orders: self.orders - before.orders }
    }
}

pub struct Town {
    /// What rooms and sessions took. Clients and media are left out.
    pub cost: Meter,
    pub told: Told,
    /// Whether instructions are counted now.
    pub counted: bool,
    rooms: Rooms,
    now: Moment,
    guests: BTreeMap<ConnId, Guest>,
    next: u64,
    commands: VecDeque<(ConnId, Command)>,
    media: Media,
    /// Whose texts are kept, and they.
    ear: (ConnId, Vec<String>),
}

/// A media server that has a place for everything.
#[derive(Default)]
struct Media {
    orders: Vec<Order>,
    reports: VecDeque<Report>,
    links: HashMap<ParticipantId, LinkId>,
}

impl Town {
    /// No rooms yet, and place for many.
    pub fn new() -> Self {
        let limits = Limits { rooms_max: usize::MAX, kind: RoomKind::Group, ..Limits::default() };
        let mut last = 0;
        let ids = move || {
            last += 1;
            // Ids come in no order, as those of the program.
            u128::wrapping_mul(last, 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        };
        Town {
            cost: Meter::default(),
            told: Told::default(),
            counted: false,
            rooms: Rooms::new(limits, true, Box::new(ids)),
            now: Moment::START,
            guests: BTreeMap::new(),
            next: 0,
            commands: VecDeque::new(),
            media: Media::default(),
            ear: (ConnId(u64::MAX), Vec::new()),
        }
    }

    /// The room of this name holds as many as a room may, where its door would make a smaller one.
    pub fn enlarge(&mut self, door: Door, room: &str) {
        if let Key::SignalWire(_, grant) = door.key(room, "owner") {
            let mut definition = signalwire::definition(&grant);
            definition.terms.seats_max = RoomKind::Group.participants_max();
            let define = Command::Define(room.into(), Box::new(definition));
            self.rooms.handle(self.now, Caller::Owner, define).expect("a definition");
        }
    }

    /// Rooms, and people in them.
    pub fn count(&self) -> (usize, usize) {
        self.rooms.count()
    }

    /// Somebody comes into a room, which begins with the first.
    pub fn join(&mut self, door: Door, room: &str, name: &str) -> ConnId {
        let conn = ConnId(self.next);
        self.next += 1;
        self.ear = (conn, Vec::new());
        let key = door.key(room, name);
        let now = self.now;
        let session = self.measure(|_| door.open(now, &key));
        self.guests.insert(conn, Guest::new(door, name, session));
        for text in door.entry(&key, name) {
            self.say(conn, &text);
        }
        let heard = std::mem::take(&mut self.ear.1);
        self.guest(conn).come_in(&heard);
        self.ear.0 = ConnId(u64::MAX);
        conn
    }

    /// Somebody mutes, or speaks again.
    pub fn mute(&mut self, conn: ConnId) {
        let text = self.guest(conn).mute();
        self.say(conn, &text);
    }

    /// Somebody says that it is there.
    pub fn live(&mut self, conn: ConnId) {
        let text = self.guest(conn).live();
        self.say(conn, &text);
    }

    /// Somebody leaves for good.
    pub fn leave(&mut self, conn: ConnId) {
        let text = self.guest(conn).leave();
        self.say(conn, &text);
        let now = self.now;
        self.measure(|town| {
            if let Some(mut guest) = town.guests.remove(&conn) {
                guest.session.handle_close(Some(1000));
            }
            // As the hub does of every connection that ends.
            let lost = town.rooms.handle(now, Caller::Conn(conn), Command::Lose);
            assert_eq!(lost.err(), Some(Refusal::NotJoined), "who said goodbye has left");
        });
    }

    fn guest(&mut self, conn: ConnId) -> &mut Guest {
        self.guests.get_mut(&conn).expect("somebody who is there")
    }

    fn say(&mut self, conn: ConnId, text: &str) {
        self.now = self.now + BEAT;
        let now = self.now;
        self.measure(|town| {
            town.guest(conn).session.handle_text(now, text);
            town.hear(conn);
            town.work();
        });
        while self.media.serve() {
            self.measure(Self::work);
        }
    }

    fn measure<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let mut cost = self.cost;
        let value = if self.counted { cost.counted(|| act(self)) } else { cost.measure(|| act(self)) };
        self.cost = cost;
        value
    }

    /// Until nobody has anything more to say.
    fn work(&mut self) {
        let now = self.now;
        while let Some(report) = self.media.reports.pop_front() {
            self.rooms.handle_report(now, report);
            self.spread();
        }
        if self.rooms.poll_timeout().is_some_and(|due| due <= now) {
            self.rooms.handle_timeout(now);
            self.spread();
        }
        while let Some((conn, command)) = self.commands.pop_front() {
            let result: Result<Answer, Refusal> = self.rooms.handle(now, Caller::Conn(conn), command);
            assert!(result.is_ok(), "{result:?}");
            if let Some(guest) = self.guests.get_mut(&conn) {
                guest.session.handle_result(now, result);
                self.hear(conn);
            }
            self.spread();
        }
    }

    /// Passes on what the rooms caused.
    fn spread(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            match output {
                Output::Tell(conn, event) => {
                    if let Some(guest) = self.guests.get_mut(&conn) {
                        guest.session.handle_event(self.now, event);
                        self.hear(conn);
                    }
                }
                Output::Order(order) => {
                    self.told.orders += 1;
                    self.media.orders.push(order);
                }
                Output::Forget(_) | Output::Note(_) => {}
            }
        }
    }

    /// Does what a session wants.
    fn hear(&mut self, conn: ConnId) {
        let Town { guests, commands, told, ear, .. } = self;
        let Some(guest) = guests.get_mut(&conn) else { return };
        while let Some(action) = guest.session.poll_output() {
            match action {
                Action::Send(text) => {
                    told.texts += 1;
                    told.bytes += text.len() as u64;
                    if ear.0 == conn {
                        ear.1.push(text);
                    }
                }
                Action::Command(command) => commands.push_back((conn, command)),
                other => panic!("{other:?}"),
            }
        }
    }
}

impl Media {
    /// Answers every order; false if there was none.
    fn serve(&mut self) -> bool {
        for Order { room, who, act } in std::mem::take(&mut self.orders) {
            match act {
                Act::Open(open) => {
                    self.links.insert(who, open.link);
                    let sealed = Sealed(ANSWER.into());
                    self.report(room, who, News::Signal(Signal { step: Step::Answer, revision: open.offer.revision, sealed }));
                    self.report(room, who, News::Connected);
                }
                Act::Subscribe(tracks) => self.report(room, who, News::Placed(tracks.into_iter().map(placed).collect())),
                Act::Close => drop(self.links.remove(&who)),
                _ => {}
            }
        }
        !self.reports.is_empty()
    }

    fn report(&mut self, room: room::RoomId, who: ParticipantId, news: News) {
        if let Some(link) = self.links.get(&who).cloned() {
            self.reports.push_back(Report::Of { room, who, link, news });
        }
    }
}

/// Each placement has a name of its own, as long as those of the media server.
fn placed(track: TrackId) -> (TrackId, Arc<str>) {
    (track, format!("{:016x}", track.0 as u64).into())
}

/// What doors look at of an answer.
const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
