//! What every front door does: one [`Session`] per connection, a value that turns a vendor's text into commands and
//! answers and events into that vendor's text. The shell moves bytes and time.

use std::time::Duration;

use crate::{Answer, Command, Event, Moment, Refusal};

/// One connection's life, without the connection.
pub trait Session: Send {
    /// A text frame came.
    fn handle_text(&mut self, now: Moment, text: &str);

    /// The rooms answered the oldest command that was not answered yet.
    fn handle_result(&mut self, now: Moment, result: Result<Answer, Refusal>);

    /// Something happened in the room.
    fn handle_event(&mut self, now: Moment, event: Event);

    /// The rooms answered the oldest command of this child that was not answered yet: see [`Action::Child`].
    fn handle_child_result(&mut self, _now: Moment, _child: u8, _result: Result<Answer, Refusal>) {}

    /// Something happened in the room, told to this child.
    fn handle_child_event(&mut self, _now: Moment, _child: u8, _event: Event) {}

    /// The client came back on another connection, which has the seat now. True if there is something to say to this one, which then
    /// closes itself; false if it is to be closed at once.
    fn handle_replaced(&mut self, _now: Moment) -> bool {
        false
    }

    /// The connection is closed, with this code if the other end gave one (RFC 6455, section 7.4).
    fn handle_close(&mut self, code: Option<u16>);

    /// Too much is going on: a client that is new is to be asked to come back later. Said before the first text.
    fn handle_overload(&mut self, now: Moment, retry_after: Duration);

    /// The server stops: say so in a way that makes the client come back.
    fn handle_shutdown(&mut self, now: Moment);

    /// The program did not run for a while: its machine slept, or it stood still. The silence of that time says nothing about the client:
    /// it is asked now whether it is there, and has a little time to answer.
    fn handle_gap(&mut self, now: Moment);

    /// The time that [`poll_timeout`](Session::poll_timeout) asked for has come.
    fn handle_timeout(&mut self, now: Moment);

    /// Whether the client has shown a token that holds. Until then the shell's limits are tight.
    fn trusted(&self) -> bool;

    /// What to do next. Ask until it says none.
    fn poll_output(&mut self) -> Option<Action>;

    /// When to call [`handle_timeout`](Session::handle_timeout).
    fn poll_timeout(&self) -> Option<Moment>;
}

/// Other participants that one connection can have besides its own.
pub const CHILDREN_MAX: u8 = 8;

/// What a session wants of the shell.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send this text frame.
    Send(String),
    /// Give the rooms this command; its answer comes by [`Session::handle_result`].
    Command(Command),
    /// Give the rooms this command of another participant that has the same connection, such as a screen that the client shares. The
    /// number, from 1 to [`CHILDREN_MAX`], is the session's own and stands for one participant at a time.
    Child(u8, Command),
    /// Count this: the client was refused with this code of its vendor's.
    Refused(u32),
    /// Count this: so many messages of the client's meant nothing and were passed over.
    Ignored(u64),
    /// Close the connection with this code and reason (RFC 6455, section 7.4). Nothing follows.
    Close(u16, &'static str),
}
