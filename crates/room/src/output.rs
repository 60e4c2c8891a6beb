use crate::{ConnId, Event, Fact, Order};

/// What a command or the passing of time caused. The whole list of things the rooms may do to the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Tell this client.
    Tell(ConnId, Event),
    /// This client came back on another connection: this one has no seat any more.
    Forget(ConnId),
    /// Ask the media server for this.
    Order(Order),
    /// Note this for whoever keeps the history.
    Note(Fact),
}
