//! The live channel: which devices are cameras, how they are, who watches. A value with the time as an argument; [`task`] runs it
//! and [`socket`] carries its words.

mod list;
pub mod message;
pub mod socket;
pub mod task;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;

use crate::clock::{GAP_MIN, Now};
use crate::keyring::{Right, Rights, is_name};
use message::{CameraState, EndReason, FromClient, Hello, Part, Status, ToClient};

/// Sockets in all; one more is refused.
pub const SOCKETS_MAX: usize = 2000;
/// Cameras that are remembered, gone ones included. One more takes the place of the one gone longest, or is refused when all are live.
pub const CAMERAS_MAX: usize = 1000;
/// The same for one link, so that no link takes all places: far more than a room holds.
pub const CAMERAS_OF_LINK_MAX: usize = 50;
/// A socket says hello within this.
pub const HELLO: Duration = Duration::from_secs(10);
/// Each socket is pinged this often.
pub const PING: Duration = Duration::from_secs(3);
/// A socket silent this long is gone: three pings, and a viewer hears of it within 10 s.
pub const SILENCE: Duration = Duration::from_secs(9);
/// The list goes to one socket at most 5 times a second.
pub const LIST_STEP: Duration = Duration::from_millis(200);
/// How long a camera that is gone is shown.
pub const KEEP_GONE: Duration = Duration::from_secs(24 * 3600);
/// How long a camera that was stopped is shown.
pub const KEEP_STOPPED: Duration = Duration::from_secs(3600);
/// Messages, pings and pongs that a socket may send at once, and then per second; pages send a pong every 3 s and a message a minute.
pub const BURST: f64 = 30.0;
/// See [`BURST`].
pub const RATE: f64 = 10.0;

/// The refusal of who sends more than [`BURST`] and [`RATE`] allow.
const TOO_MANY: (&str, &str) = ("too_many_messages", "Slower, please.");
/// The close code for who broke the rules (RFC 6455 7.4.1).
const POLICY: u16 = 1008;
/// The close code for an end that the client heard the reason of.
const NORMAL: u16 = 1000;
/// The close code for "try again later" (IANA's registry).
const LATER: u16 = 1013;

/// A socket's number, chosen by who opens it, never used twice.
pub type SocketId = u64;

/// What a socket's owner may do, from the credential it came with.
#[derive(Clone, Debug, Default)]
pub struct Badge {
    /// The link's id; `None` for everybody on an open server.
    pub link: Option<String>,
    /// The session's id.
    pub session: Option<String>,
    /// What it may do.
    pub rights: Rights,
    /// The only room it is good for.
    pub room: Option<String>,
}

/// What the shell must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this text, which sockets that get the same share.
    Send(SocketId, Utf8Bytes),
    /// Send a ping.
    Ping(SocketId),
    /// Close with this code. The socket is forgotten already.
    Close(SocketId, u16),
}

/// All live sockets and the cameras known by them.
#[derive(Debug, Default)]
pub struct Live {
    sockets: BTreeMap<SocketId, Socket>,
    cameras: BTreeMap<Place, Camera>,
    outputs: VecDeque<Output>,
}

/// A camera's room and name.
type Place = (String, String);

#[derive(Debug)]
struct Socket {
    badge: Badge,
    opened: Instant,
    heard: Instant,
    pinged: Instant,
    hello: Option<Hello>,
    allowance: f64,
    counted: Instant,
    /// Whether it has not got the latest list.
    behind: bool,
    listed: Option<Instant>,
}

#[derive(Debug)]
struct Camera {
    /// The id of the link that it came by.
    link: Option<String>,
    state: CameraState,
    since_unix_ms: u64,
    since: Instant,
    status: Option<Status>,
    socket: Option<SocketId>,
}

impl Live {
    /// A socket opened.
    pub fn handle_open(&mut self, now: Now, id: SocketId, badge: Badge) {
        if self.sockets.len() >= SOCKETS_MAX {
            return self.outputs.push_back(Output::Close(id, LATER));
        }
        let socket = Socket {
            badge,
            opened: now.at,
            heard: now.at,
            pinged: now.at,
            hello: None,
            allowance: BURST,
            counted: now.at,
            behind: false,
            listed: None,
        };
        self.sockets.insert(id, socket);
    }

    /// A text message came.
    pub fn handle_text(&mut self, now: Now, id: SocketId, text: &str) {
        let Some(socket) = self.sockets.get_mut(&id) else { return };
        socket.heard = now.at;
        if !socket.may_send(now.at) {
            return self.refuse(now, id, TOO_MANY.0, TOO_MANY.1);
        }
        match serde_json::from_str(text) {
            Err(_) => self.refuse(now, id, "malformed", "This message is not one of the live channel's."),
            Ok(FromClient::Hello(hello)) => self.hello(now, id, hello),
            Ok(FromClient::Ping { n }) => self.send(id, &ToClient::Pong { n }),
            Ok(FromClient::Status(status)) => self.status(now, id, status),
            Ok(FromClient::Stop) => self.stop(now, id),
        }
    }

    /// Anything else came, a pong above all.
    pub fn handle_heard(&mut self, now: Now, id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&id) else { return };
        socket.heard = now.at;
        if !socket.may_send(now.at) {
            self.refuse(now, id, TOO_MANY.0, TOO_MANY.1);
        }
    }

    /// A socket is closed.
    pub fn handle_closed(&mut self, now: Now, id: SocketId) {
        self.forget(now, id);
        self.flush(now.at);
    }

    /// A link or a session ended. Its sockets are told and closed.
    pub fn handle_ended(&mut self, now: Now, id_of_link_or_session: &str, reason: EndReason) {
        let ended = Some(id_of_link_or_session);
        let under = |badge: &Badge| badge.link.as_deref() == ended || badge.session.as_deref() == ended;
        self.end_all(now, under, reason);
    }

    /// The server stops.
    pub fn handle_shutdown(&mut self, now: Now) {
        self.end_all(now, |_| true, EndReason::Shutdown);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.forgive_gap(now.at);
        let late: Vec<_> = self.sockets.iter().filter(|(_, s)| s.is_late(now.at)).map(|(id, _)| *id).collect();
        for id in late {
            self.close(now, id, POLICY);
        }
        for (id, socket) in &mut self.sockets {
            if now.at >= socket.pinged + PING {
                socket.pinged = now.at;
                self.outputs.push_back(Output::Ping(*id));
            }
        }
        let before = self.cameras.len();
        self.cameras.retain(|_, camera| camera.forgotten_at().is_none_or(|at| now.at < at));
        if self.cameras.len() < before {
            self.changed_anywhere();
        }
        self.flush(now.at);
    }

    /// What has been due for so long says that nobody listened, and nothing about those who were not heard: their time begins anew.
    fn forgive_gap(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| now.saturating_duration_since(due) > GAP_MIN) {
            self.sockets.values_mut().for_each(|socket| (socket.heard, socket.opened) = (now, now));
        }
    }

    /// When [`Live::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let sockets = self.sockets.values().map(Socket::due);
        let cameras = self.cameras.values().filter_map(Camera::forgotten_at);
        sockets.chain(cameras).min()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Open sockets.
    pub fn sockets(&self) -> usize {
        self.sockets.len()
    }

    fn hello(&mut self, now: Now, id: SocketId, hello: Hello) {
        let Some(socket) = self.sockets.get(&id) else { return };
        if let Some((code, message)) = socket.objection(&hello) {
            return self.refuse(now, id, code, message);
        }
        if hello.part == Part::Camera && !self.take_place(now, id, &hello) {
            return self.refuse(now, id, "too_many_cameras", "Kennel knows too many cameras already.");
        }
        self.send(id, &ToClient::Welcome { time: now.unix_ms });
        let room = hello.room.clone();
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.hello = Some(hello);
            socket.behind = true;
        }
        self.changed(&room);
        self.flush(now.at);
    }

    /// Makes `id` the camera of that name; whoever was it before is told so. False when there are too many cameras.
    fn take_place(&mut self, now: Now, id: SocketId, hello: &Hello) -> bool {
        let place = (hello.room.clone(), hello.name.clone());
        let link = self.sockets.get(&id).and_then(|socket| socket.badge.link.clone());
        if !self.make_room(&place, link.as_deref()) {
            return false;
        }
        let (state, since_unix_ms, since) = (CameraState::Live, now.unix_ms, now.at);
        let camera = Camera { link, state, since_unix_ms, since, status: None, socket: Some(id) };
        let before = self.cameras.insert(place, camera);
        if let Some(before) = before.and_then(|camera| camera.socket) {
            self.end(now, before, EndReason::Displaced);
        }
        true
    }

    /// Makes sure that there may be a camera at `place`. False when all that could make room for it are live.
    fn make_room(&mut self, place: &Place, link: Option<&str>) -> bool {
        let own = |camera: &Camera| link.is_some() && camera.link.as_deref() == link;
        let others = || self.cameras.iter().filter(|(other, _)| *other != place);
        let gone_longest = if others().filter(|(_, camera)| own(camera)).count() >= CAMERAS_OF_LINK_MAX {
            gone_longest(others().filter(|(_, camera)| own(camera)))
        } else if others().count() >= CAMERAS_MAX {
            gone_longest(others())
        } else {
            return true;
        };
        let Some(gone) = gone_longest else { return false };
        self.cameras.remove(&gone);
        self.changed(&gone.0);
        true
    }

    fn status(&mut self, now: Now, id: SocketId, status: Status) {
        if !status.is_sound() {
            return self.refuse(now, id, "malformed", "This status has values out of range.");
        }
        let Some(place) = self.place_of(id) else {
            return self.refuse(now, id, "wrong_state", "Only a camera has a status, after its hello.");
        };
        if let Some(camera) = self.cameras.get_mut(&place) {
            camera.status = Some(status);
        }
        self.changed(&place.0);
        self.flush(now.at);
    }

    fn stop(&mut self, now: Now, id: SocketId) {
        let Some(place) = self.place_of(id) else {
            return self.refuse(now, id, "wrong_state", "Only a camera can stop, after its hello.");
        };
        if let Some(camera) = self.cameras.get_mut(&place) {
            camera.turn(CameraState::Stopped, now);
        }
        self.changed(&place.0);
        self.flush(now.at);
    }

    /// The place that this socket holds as a camera.
    fn place_of(&self, id: SocketId) -> Option<Place> {
        let hello = self.sockets.get(&id)?.hello.as_ref()?;
        let place = (hello.room.clone(), hello.name.clone());
        let held = self.cameras.get(&place)?.socket == Some(id);
        held.then_some(place)
    }

    fn end_all(&mut self, now: Now, which: impl Fn(&Badge) -> bool, reason: EndReason) {
        let ending = self.sockets.iter().filter(|(_, socket)| which(&socket.badge));
        let ending: Vec<_> = ending.map(|(id, _)| *id).collect();
        for id in ending {
            self.end(now, id, reason);
        }
        self.flush(now.at);
    }

    fn end(&mut self, now: Now, id: SocketId, reason: EndReason) {
        self.send(id, &ToClient::Ended { reason });
        self.close(now, id, NORMAL);
    }

    fn refuse(&mut self, now: Now, id: SocketId, code: &str, message: &str) {
        self.send(id, &ToClient::Refused { code, message });
        self.close(now, id, POLICY);
        self.flush(now.at);
    }

    fn close(&mut self, now: Now, id: SocketId, code: u16) {
        self.outputs.push_back(Output::Close(id, code));
        self.forget(now, id);
    }

    fn forget(&mut self, now: Now, id: SocketId) {
        let place = self.place_of(id);
        let Some(socket) = self.sockets.remove(&id) else { return };
        if let Some(camera) = place.and_then(|place| self.cameras.get_mut(&place)) {
            camera.socket = None;
            if camera.state == CameraState::Live {
                camera.turn(CameraState::Gone, now);
            }
        }
        if let Some(hello) = socket.hello {
            self.changed(&hello.room);
        }
    }

    fn send(&mut self, id: SocketId, message: &ToClient<'_>) {
        let text = serde_json::to_string(message).expect("strings and numbers always print");
        self.outputs.push_back(Output::Send(id, text.into()));
    }

    /// Something in `room` changed: whoever sees it needs a new list.
    fn changed(&mut self, room: &str) {
        for socket in self.sockets.values_mut() {
            socket.behind |= socket.sees(room);
        }
    }

    fn changed_anywhere(&mut self) {
        for socket in self.sockets.values_mut() {
            socket.behind |= socket.hello.is_some();
        }
    }

    /// Sends the list to whoever is behind and has not just got one.
    fn flush(&mut self, now: Instant) {
        let due = |socket: &Socket| socket.behind && socket.list_due().is_none_or(|at| at <= now);
        let due: Vec<_> = self.sockets.iter().filter(|(_, s)| due(s)).map(|(id, _)| *id).collect();
        // Sockets with the same view share one text.
        let mut texts: HashMap<Option<String>, Utf8Bytes> = HashMap::new();
        for id in due {
            let Some(socket) = self.sockets.get_mut(&id) else { continue };
            (socket.behind, socket.listed) = (false, Some(now));
            let view = socket.view();
            let text =
                texts.entry(view).or_insert_with_key(|room| list::text(&self.sockets, &self.cameras, room.as_deref()).into());
            self.outputs.push_back(Output::Send(id, text.clone()));
        }
    }
}

/// Of those that are gone or stopped the one that is so longest.
fn gone_longest<'a>(cameras: impl Iterator<Item = (&'a Place, &'a Camera)>) -> Option<Place> {
    let gone = cameras.filter(|(_, camera)| camera.socket.is_none());
    gone.min_by_key(|(_, camera)| camera.since).map(|(place, _)| place.clone())
}

impl Socket {
    /// Why this hello cannot be.
    fn objection(&self, hello: &Hello) -> Option<(&'static str, &'static str)> {
        let right = match hello.part {
            Part::Camera => self.badge.rights.has(Right::Camera),
            Part::Watch => self.badge.rights.has(Right::Watch),
            Part::Home => !self.badge.rights.is_empty(),
        };
        let named = is_name(&hello.name) && is_name(&hello.device);
        if self.hello.is_some() {
            Some(("wrong_state", "There is one hello on a socket."))
        } else if !right {
            Some(("right_missing", "This link does not allow that."))
        } else if hello.part == Part::Home {
            None
        } else if !named || !is_name(&hello.room) {
            Some(("name_invalid", "Names have 1 to 128 characters and no control characters."))
        } else if self.badge.room.as_deref().is_some_and(|only| only != hello.room) {
            Some(("room_not_allowed", "This link is for another room."))
        } else {
            None
        }
    }

    /// The room whose cameras it hears of; `None` for all.
    fn view(&self) -> Option<String> {
        match &self.hello {
            Some(hello) if hello.part != Part::Home => Some(hello.room.clone()),
            _ => self.badge.room.clone(),
        }
    }

    fn sees(&self, room: &str) -> bool {
        match &self.hello {
            None => false,
            Some(hello) if hello.part != Part::Home => hello.room == room,
            Some(_) => self.badge.room.as_deref().is_none_or(|only| only == room),
        }
    }

    /// Takes one message from the allowance.
    fn may_send(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.counted).as_secs_f64();
        self.counted = now;
        self.allowance = (self.allowance + passed * RATE).min(BURST) - 1.0;
        self.allowance >= 0.0
    }

    fn is_late(&self, now: Instant) -> bool {
        now >= self.late_at()
    }

    fn late_at(&self) -> Instant {
        let silent = self.heard + SILENCE;
        if self.hello.is_some() { silent } else { silent.min(self.opened + HELLO) }
    }

    fn list_due(&self) -> Option<Instant> {
        self.listed.map(|at| at + LIST_STEP)
    }

    fn due(&self) -> Instant {
        let list = self.behind.then(|| self.list_due()).flatten();
        let due = self.late_at().min(self.pinged + PING);
        list.map_or(due, |list| due.min(list))
    }
}

impl Camera {
    fn turn(&mut self, state: CameraState, now: Now) {
        (self.state, self.since, self.since_unix_ms) = (state, now.at, now.unix_ms);
    }

    fn forgotten_at(&self) -> Option<Instant> {
        match self.state {
            CameraState::Live => None,
            // A stopped camera whose page is still open is not forgotten under it.
            CameraState::Stopped if self.socket.is_some() => None,
            CameraState::Stopped => Some(self.since + KEEP_STOPPED),
            CameraState::Gone => Some(self.since + KEEP_GONE),
        }
    }
}

#[cfg(test)]
mod tests;
