//! The only loop over a vendor's WebSocket, for every door: it moves text, time and deliveries, and holds the limits.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::FutureExt;
use room::door::{Action, CHILDREN_MAX, Session};
use room::{Command, ConnId, Moment};
use tokio::time::Instant;

use super::accept::Connection;
use crate::clock::GAP_MIN;
use crate::hub::{self, Delivery, Inbox};
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;

/// Bytes of one message. Larger: close 1009.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The same, until the client has shown a token that holds.
pub const UNTRUSTED_BYTES_MAX: usize = 256 << 10;

/// Messages a client may send at once; trickling sends one per candidate.
const BURST_MAX: f64 = 200.0;

/// Messages a second after that. Above it we stop reading, so the client's own socket holds it back.
const MESSAGES_PER_S: f64 = 50.0;

/// How long a client may stay above. Then: close 1008.
const FLOOD_MAX: Duration = Duration::from_secs(10);

/// How long the other end may take to take one message. Then it is lost.
const SEND_MAX: Duration = Duration::from_secs(15);

/// How long we look for a goodbye on a connection that takes nothing more.
const LAST_WORD_MAX: Duration = Duration::from_millis(100);

/// When clients that come in times of overload should try again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What a socket needs besides itself.
#[derive(Clone)]
pub struct Means {
    /// The rooms.
    pub hub: hub::Handle,
    /// Where messages and refusals are counted.
    pub metrics: Metrics,
    /// Hears when the server ends.
    pub shutdown: Shutdown,
}

/// Serves one connection until either end closes it. `place` is told once the client has shown a token that holds.
pub async fn drive(socket: WebSocket, session: Box<dyn Session>, place: Connection, means: Means) {
    let Means { hub, metrics, shutdown } = means;
    let (conn, inbox) = hub.open().await;
    let pace = Pace::new(Instant::now());
    let children = Children::default();
    let mut drive = Drive { socket, session, hub, metrics, conn, inbox, children, pace, stranger: Some(place) };
    if drive.hub.overloaded() {
        drive.session.handle_overload(drive.hub.moment(), RETRY_AFTER);
    }
    // A panic in a session costs this connection, and its seat is kept as if the line had broken.
    match AssertUnwindSafe(drive.run(shutdown)).catch_unwind().await {
        Ok(code) => {
            drive.session.handle_close(code);
            drive.flush_commands().await;
        }
        Err(_) => {
            drive.metrics.panics.inc();
            tracing::error!("a session panicked; its connection is closed and everything else goes on");
        }
    }
    for (conn, _) in drive.children.0.values() {
        drive.hub.close(*conn).await;
    }
    drive.hub.close(drive.conn).await;
}

struct Drive {
    socket: WebSocket,
    session: Box<dyn Session>,
    hub: hub::Handle,
    metrics: Metrics,
    conn: ConnId,
    inbox: Inbox,
    children: Children,
    pace: Pace,
    /// Until the client has shown a token that holds.
    stranger: Option<Connection>,
}

/// The connection is over; with the code that the other end gave, if it did.
struct Over(Option<u16>);

impl Drive {
    async fn run(&mut self, mut shutdown: Shutdown) -> Option<u16> {
        loop {
            if let Err(Over(code)) = self.turn(&mut shutdown).await {
                return code;
            }
        }
    }

    async fn turn(&mut self, shutdown: &mut Shutdown) -> Result<(), Over> {
        self.flush().await?;
        let due = self.session.poll_timeout();
        let timeout = due.map(|at| self.hub.deadline(at));
        let held = self.pace.held_until(Instant::now());
        tokio::select! {
            message = self.socket.recv(), if held.is_none() => self.handle_message(message).await,
            delivery = self.inbox.next() => self.handle_delivery(delivery).await,
            (child, delivery) = self.children.next() => self.handle_child(child, delivery).await,
            () = sleep_until(held) => self.check_flood().await,
            () = sleep_until(timeout) => {
                self.handle_timeout(due);
                Ok(())
            }
            () = shutdown.stopping() => {
                self.session.handle_shutdown(self.hub.moment());
                self.flush().await
            }
        }
    }

    /// A time that comes much too late says something about us and nothing about the client: what it said meanwhile may not be read yet.
    fn handle_timeout(&mut self, due: Option<Moment>) {
        let now = self.hub.moment();
        if due.is_some_and(|due| now.since(due) > GAP_MIN) {
            self.session.handle_gap(now);
        }
        self.session.handle_timeout(now);
    }

    async fn handle_message(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Over> {
        match message {
            None => Err(Over(None)),
            Some(Err(error)) => self.close(code_of(&error), "the frame cannot be read").await,
            Some(Ok(Message::Close(frame))) => Err(Over(frame.map(|frame| frame.code))),
            Some(Ok(Message::Binary(_))) => self.close(close_code::UNSUPPORTED, "text only").await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                self.pace.take(Instant::now());
                Ok(())
            }
            Some(Ok(Message::Text(text))) if text.len() > UNTRUSTED_BYTES_MAX && !self.session.trusted() => {
                self.close(close_code::SIZE, "too large before a token").await
            }
            Some(Ok(Message::Text(text))) => {
                self.pace.take(Instant::now());
                self.metrics.messages_in.inc();
                self.session.handle_text(self.hub.moment(), &text);
                self.note_trust();
                Ok(())
            }
        }
    }

    async fn handle_delivery(&mut self, delivery: Option<Delivery>) -> Result<(), Over> {
        let now = self.hub.moment();
        match delivery {
            None => return self.close(close_code::AGAIN, "too slow").await,
            Some(Delivery::Replaced) if self.session.handle_replaced(now) => {}
            Some(Delivery::Replaced) => return self.close(CLOSE_REPLACED, "replaced").await,
            Some(Delivery::Result(result)) => self.session.handle_result(now, result),
            Some(Delivery::Event(event)) => self.session.handle_event(now, event),
            Some(Delivery::Gap) => self.session.handle_gap(now),
        }
        Ok(())
    }

    async fn handle_child(&mut self, child: u8, delivery: Option<Delivery>) -> Result<(), Over> {
        let now = self.hub.moment();
        match delivery {
            None => return self.close(close_code::AGAIN, "too slow").await,
            // Its person came back on another connection, and brought it along.
            Some(Delivery::Replaced) => drop(self.children.0.remove(&child)),
            Some(Delivery::Result(result)) => self.session.handle_child_result(now, child, result),
            Some(Delivery::Event(event)) => self.session.handle_child_event(now, child, event),
            // It hears of that by its person's connection.
            Some(Delivery::Gap) => {}
        }
        Ok(())
    }

    /// Gives the rooms a command of another participant with this connection.
    async fn command_child(&mut self, child: u8, command: Command) {
        if !is_child(child) {
            tracing::error!(child, "a session names more children than it may have");
            return;
        }
        let conn = match self.children.0.get(&child) {
            Some((conn, _)) => *conn,
            None => {
                let (conn, inbox) = self.hub.open().await;
                self.children.0.insert(child, (conn, inbox));
                conn
            }
        };
        self.hub.command(conn, command).await;
    }

    /// Does what the session wants.
    async fn flush(&mut self) -> Result<(), Over> {
        while let Some(action) = self.session.poll_output() {
            match action {
                Action::Send(text) => {
                    self.metrics.messages_out.inc();
                    self.send(Message::Text(text.into())).await?;
                }
                Action::Refused(code) => self.metrics.refusal(code),
                Action::Ignored(count) => drop(self.metrics.messages_ignored.inc_by(count)),
                Action::Command(command) => self.hub.command(self.conn, command).await,
                Action::Child(child, command) => self.command_child(child, command).await,
                Action::Close(code, reason) => {
                    self.flush_commands().await;
                    self.close(code, reason).await?;
                }
            }
        }
        Ok(())
    }

    fn note_trust(&mut self) {
        if let Some(place) = self.stranger.take_if(|_| self.session.trusted()) {
            place.authenticated();
        }
    }

    /// The last wishes of a session whose connection is gone.
    async fn flush_commands(&mut self) {
        while let Some(action) = self.session.poll_output() {
            match action {
                Action::Command(command) => self.hub.command(self.conn, command).await,
                Action::Child(child, command) => self.command_child(child, command).await,
                _ => {}
            }
        }
    }

    async fn check_flood(&mut self) -> Result<(), Over> {
        if self.pace.flooding(Instant::now()) {
            return self.close(close_code::POLICY, "too many messages").await;
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match tokio::time::timeout(SEND_MAX, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Over(self.last_word().await)),
            Err(_) => Err(Over(None)),
        }
    }

    /// The close code that may have come in while we were still sending.
    async fn last_word(&mut self) -> Option<u16> {
        let close = async {
            loop {
                match self.socket.recv().await? {
                    Ok(Message::Close(frame)) => return frame.map(|frame| frame.code),
                    Ok(_) => {}
                    Err(_) => return None,
                }
            }
        };
        tokio::time::timeout(LAST_WORD_MAX, close).await.ok().flatten()
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Over> {
        tracing::debug!(conn = self.conn.0, code, reason, "closing");
        self.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
        Err(Over(None))
    }
}

/// The client's own newer connection took over; in this protocol's private range.
const CLOSE_REPLACED: u16 = 4002;

/// The close code that a broken frame deserves (RFC 6455, section 7.4.1).
fn code_of(error: &axum::Error) -> u16 {
    let text = error.to_string();
    if text.contains("UTF-8") {
        close_code::INVALID
    } else if text.contains("too long") || text.contains("too big") {
        close_code::SIZE
    } else {
        close_code::PROTOCOL
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Other participants with the same connection, by the session's numbers.
#[derive(Default)]
struct Children(BTreeMap<u8, (ConnId, Inbox)>);

impl Children {
    /// What comes next for any of them. Never, as long as there are none.
    async fn next(&mut self) -> (u8, Option<Delivery>) {
        poll_fn(|context| {
            let ready = self.0.iter_mut().find_map(|(child, (_, inbox))| match inbox.poll_next(context) {
                Poll::Ready(delivery) => Some((*child, delivery)),
                Poll::Pending => None,
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// How many more messages a client may send now, as a bucket that fills again.
struct Pace {
    left: f64,
    at: Instant,
    empty_since: Option<Instant>,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Pace { left: BURST_MAX, at: now, empty_since: None }
    }

    fn take(&mut self, now: Instant) {
        self.fill(now);
        self.left -= 1.0;
        if self.left < 1.0 {
            self.empty_since.get_or_insert(now);
        }
    }

    /// When the next message may be read, if not now.
    fn held_until(&mut self, now: Instant) -> Option<Instant> {
        self.fill(now);
        (self.left < 1.0).then(|| now + Duration::from_secs_f64((1.0 - self.left) / MESSAGES_PER_S))
    }

    fn flooding(&self, now: Instant) -> bool {
        self.empty_since.is_some_and(|since| now.duration_since(since) > FLOOD_MAX)
    }

    fn fill(&mut self, now: Instant) {
        let gained = now.duration_since(self.at).as_secs_f64() * MESSAGES_PER_S;
        self.left = (self.left + gained).min(BURST_MAX);
        self.at = now;
        if self.left > BURST_MAX / 2.0 {
            self.empty_since = None;
        }
    }
}

/// Whether a session may give this number to another participant of its connection.
fn is_child(number: u8) -> bool {
    (1..=CHILDREN_MAX).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_child_that_a_session_may_have_is_taken() {
        assert!((1..=CHILDREN_MAX).all(is_child));
        assert!(!is_child(0) && !is_child(CHILDREN_MAX + 1));
    }

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..200 {
            assert_eq!(pace.held_until(start), None);
            pace.take(start);
        }
        let next = pace.held_until(start).expect("the burst is used up");
        assert!(next > start && next <= start + Duration::from_millis(21));
        assert_eq!(pace.held_until(next), None);
        assert!(!pace.flooding(start + FLOOD_MAX));
        assert!(pace.flooding(start + FLOOD_MAX + Duration::from_millis(1)));
    }

    #[test]
    fn a_client_that_calms_down_is_forgiven() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        (0..200).for_each(|_| pace.take(start));
        let later = start + Duration::from_secs(3);
        assert_eq!(pace.held_until(later), None);
        assert!(!pace.flooding(later + FLOOD_MAX));
    }
}
