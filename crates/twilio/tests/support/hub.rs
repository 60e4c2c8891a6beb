//! The shell in memory: sessions and rooms in virtual time. Moves values between queues and decides nothing.

use room::door::{Action, Session};
use room::{Caller, Command, ConnId, Moment, Output, Rooms};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub struct Hub {
    pub rooms: Rooms,
    now_ms: u64,
    sessions: BTreeMap<ConnId, Box<dyn Session>>,
    next: u64,
    out: VecDeque<Sent>,
}

/// What the clients see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Text(ConnId, String),
    Closed(ConnId, u16),
}

impl Hub {
    pub fn new(rooms: Rooms) -> Self {
        Hub { rooms, now_ms: 0, sessions: BTreeMap::new(), next: 1, out: VecDeque::new() }
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
        self.turn(conn);
        conn
    }

    pub fn text(&mut self, conn: ConnId, text: &str) {
        let now = self.now();
        self.with(conn, |session| session.handle_text(now, text));
    }

    /// The connection is gone, by the client's doing or the network's.
    pub fn close(&mut self, conn: ConnId, code: Option<u16>) {
        self.with(conn, |session| session.handle_close(code));
        self.sessions.remove(&conn);
    }

    pub fn owner(&mut self, command: Command) {
        self.rooms.handle(self.now(), Caller::Owner, command).expect("an owner's command");
        self.tell();
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
    }

    fn turn(&mut self, conn: ConnId) {
        while let Some(action) = self.sessions.get_mut(&conn).and_then(|session| session.poll_output()) {
            match action {
                Action::Refused(_) => {}
                Action::Send(text) => self.out.push_back(Sent::Text(conn, text)),
                Action::Command(command) => self.command(conn, command),
                Action::Close(code, _) => self.closed(conn, code),
            }
        }
    }

    fn command(&mut self, conn: ConnId, command: Command) {
        let now = self.now();
        let result = self.rooms.handle(now, Caller::Conn(conn), command);
        if let Some(session) = self.sessions.get_mut(&conn) {
            session.handle_result(now, result);
        }
        self.tell();
        self.turn(conn);
    }

    /// The session closed its connection: the other end's close comes back, as it does from a socket.
    fn closed(&mut self, conn: ConnId, code: u16) {
        self.out.push_back(Sent::Closed(conn, code));
        self.close(conn, Some(code));
    }

    fn tell(&mut self) {
        let now = self.now();
        while let Some(output) = self.rooms.poll_output() {
            match output {
                Output::Tell(conn, event) => self.with(conn, |session| session.handle_event(now, event)),
                Output::Forget(conn) => {
                    self.sessions.remove(&conn);
                    self.out.push_back(Sent::Closed(conn, 1006));
                }
                Output::Note(_) => {}
            }
        }
    }
}
