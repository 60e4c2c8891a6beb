//! The shell in memory: sessions and rooms in virtual time. Moves values between queues and decides nothing.
//!
//! As in the real one, commands wait for the rooms in one queue, and what the rooms say waits for each session in its own. A hub
//! that is `slow` leaves both waiting until it is told to work, so that a test can choose the order.

use room::door::{Action, Session};
use room::{Answer, Caller, Command, ConnId, Event, Moment, Order, Output, Refusal, Report, Rooms};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub struct Hub {
    pub rooms: Rooms,
    now_ms: u64,
    sessions: BTreeMap<ConnId, Box<dyn Session>>,
    next: u64,
    /// Whether queues wait for [`Hub::work`].
    pub slow: bool,
    running: bool,
    commands: VecDeque<(ConnId, Command)>,
    mail: BTreeMap<ConnId, VecDeque<Delivery>>,
    out: VecDeque<Sent>,
    /// What the media server was asked for, in order.
    pub orders: Vec<Order>,
    /// Messages that sessions counted as meaning nothing.
    pub ignored: u64,
}

enum Delivery {
    Result(Result<Answer, Refusal>),
    Event(Event),
    Replaced,
}

/// What the clients see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Text(ConnId, String),
    Closed(ConnId, u16),
}

impl Hub {
    pub fn new(rooms: Rooms) -> Self {
        Hub {
            rooms,
            now_ms: 0,
            sessions: BTreeMap::new(),
            next: 1,
            slow: false,
            running: false,
            commands: VecDeque::new(),
            mail: BTreeMap::new(),
            out: VecDeque::new(),
            orders: Vec::new(),
            ignored: 0,
        }
    }

    pub fn now(&self) -> Moment {
        Moment::after_start(Duration::from_millis(self.now_ms))
    }

    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// A connection came; `make` gives its session.
    pub fn open(&mut self, make: impl FnOnce(Moment) -> Box<dyn Session>) -> ConnId {
        let conn = ConnId(self.next);
        self.next += 1;
        self.sessions.insert(conn, make(self.now()));
        self.mail.insert(conn, VecDeque::new());
        self.turn(conn);
        conn
    }

    pub fn text(&mut self, conn: ConnId, text: &str) {
        let now = self.now();
        self.with(conn, |session| session.handle_text(now, text));
    }

    /// The connection is gone, by the client's doing or the network's.
    pub fn close(&mut self, conn: ConnId, code: Option<u16>) {
        if self.sessions.contains_key(&conn) {
            self.with(conn, |session| session.handle_close(code));
            self.forget(conn);
        }
    }

    /// The program stops: what waits is done, everybody is cut, and the rooms know it.
    pub fn stop(&mut self) {
        while self.work(0) {}
        self.shutdown();
        while self.work(0) {}
    }

    /// The program is started anew, with these rooms. Whoever is still there is cut without a word.
    pub fn restart(&mut self, rooms: Rooms) {
        let cut = self.open_conns().into_iter().map(|conn| Sent::Closed(conn, 1006));
        self.out.extend(cut);
        self.sessions.clear();
        self.mail.clear();
        self.commands.clear();
        self.rooms = rooms;
    }

    /// Does one thing that waits: `choice` says which, if there are several. False if nothing waits.
    pub fn work(&mut self, choice: usize) -> bool {
        let ready: Vec<ConnId> = self.mail.iter().filter(|(_, mail)| !mail.is_empty()).map(|(conn, _)| *conn).collect();
        let things = ready.len() + usize::from(!self.commands.is_empty());
        match choice.checked_rem(things).map(|thing| ready.get(thing)) {
            Some(Some(&conn)) => self.deliver(conn),
            Some(None) => self.obey(),
            None => return false,
        }
        true
    }

    fn run(&mut self) {
        if !self.slow && !self.running {
            self.running = true;
            while self.work(0) {}
            self.running = false;
        }
    }

    pub fn owner(&mut self, command: Command) {
        self.rooms.handle(self.now(), Caller::Owner, command).expect("an owner's command");
        self.tell();
        self.run();
    }

    /// The media server tells this.
    pub fn report(&mut self, report: Report) {
        self.rooms.handle_report(self.now(), report);
        self.tell();
        self.run();
    }

    pub fn shutdown(&mut self) {
        let now = self.now();
        for conn in self.open_conns() {
            self.with(conn, |session| session.handle_shutdown(now));
        }
    }

    pub fn overload(&mut self, conn: ConnId, retry_after: Duration) {
        let now = self.now();
        self.with(conn, |session| session.handle_overload(now, retry_after));
    }

    /// No command waits.
    pub fn is_idle(&self) -> bool {
        self.commands.is_empty()
    }

    pub fn is_open(&self, conn: ConnId) -> bool {
        self.sessions.contains_key(&conn)
    }

    pub fn open_conns(&self) -> Vec<ConnId> {
        self.sessions.keys().copied().collect()
    }

    /// Lets time pass, stopping at every moment that somebody asked for.
    pub fn advance_to(&mut self, at_ms: u64) {
        while let Some(due_ms) = self.next_due_ms().filter(|due| *due <= at_ms) {
            self.now_ms = self.now_ms.max(due_ms);
            self.ring();
        }
        self.now_ms = self.now_ms.max(at_ms);
    }

    /// The program does not run for a while, whatever is due meanwhile, and notices it.
    pub fn stand_still(&mut self, ms: u64) {
        self.now_ms += ms;
        let now = self.now();
        self.rooms.handle_gap(now);
        self.tell();
        for conn in self.open_conns() {
            self.with(conn, |session| session.handle_gap(now));
        }
    }

    pub fn poll(&mut self) -> Option<Sent> {
        self.out.pop_front()
    }

    fn next_due_ms(&self) -> Option<u64> {
        let sessions = self.sessions.values().filter_map(|session| session.poll_timeout());
        let due = sessions.chain(self.rooms.poll_timeout()).min()?;
        let wait = due.since(Moment::START);
        Some(wait.as_nanos().div_ceil(1_000_000) as u64)
    }

    fn ring(&mut self) {
        let now = self.now();
        self.rooms.handle_timeout(now);
        self.tell();
        self.run();
        for conn in self.open_conns() {
            if self.sessions.get(&conn).and_then(|session| session.poll_timeout()).is_some_and(|due| due <= now) {
                self.with(conn, |session| session.handle_timeout(now));
                let next = self.sessions.get(&conn).and_then(|session| session.poll_timeout());
                assert!(next.is_none_or(|due| due > now), "{conn:?} asks for a moment that has passed");
            }
        }
        assert!(self.rooms.poll_timeout().is_none_or(|due| due > now), "the rooms ask for a moment that has passed");
    }

    fn with(&mut self, conn: ConnId, act: impl FnOnce(&mut dyn Session)) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        act(session.as_mut());
        self.turn(conn);
        self.run();
    }

    fn turn(&mut self, conn: ConnId) {
        while let Some(action) = self.sessions.get_mut(&conn).and_then(|session| session.poll_output()) {
            match action {
                Action::Refused(_) | Action::Child(..) => {}
                Action::Ignored(count) => self.ignored += count,
                Action::Send(text) => self.out.push_back(Sent::Text(conn, text)),
                Action::Command(command) => self.commands.push_back((conn, command)),
                Action::Close(code, _) => self.closed(conn, code),
            }
        }
    }

    /// The session closed its connection: the other end's close comes back, as it does from a socket.
    fn closed(&mut self, conn: ConnId, code: u16) {
        self.out.push_back(Sent::Closed(conn, code));
        self.close(conn, Some(code));
    }

    /// The connection is over. Whoever has not left by now is lost.
    fn forget(&mut self, conn: ConnId) {
        self.sessions.remove(&conn);
        self.mail.remove(&conn);
        self.commands.push_back((conn, Command::Lose));
        self.run();
    }

    fn obey(&mut self) {
        let Some((conn, command)) = self.commands.pop_front() else { return };
        let result = self.rooms.handle(self.now(), Caller::Conn(conn), command);
        self.post(conn, Delivery::Result(result));
        self.tell();
    }

    fn tell(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            match output {
                Output::Tell(conn, event) => self.post(conn, Delivery::Event(event)),
                Output::Forget(conn) => self.post(conn, Delivery::Replaced),
                Output::Order(order) => self.orders.push(order),
                Output::Note(_) => {}
            }
        }
    }

    fn post(&mut self, conn: ConnId, delivery: Delivery) {
        if let Some(mail) = self.mail.get_mut(&conn) {
            mail.push_back(delivery);
        }
    }

    fn deliver(&mut self, conn: ConnId) {
        let now = self.now();
        let Some(delivery) = self.mail.get_mut(&conn).and_then(VecDeque::pop_front) else { return };
        match delivery {
            Delivery::Result(result) => self.with(conn, |session| session.handle_result(now, result)),
            Delivery::Event(event) => self.with(conn, |session| session.handle_event(now, event)),
            Delivery::Replaced => {
                self.out.push_back(Sent::Closed(conn, 4002));
                self.with(conn, |session| session.handle_close(None));
                self.forget(conn);
            }
        }
    }
}
