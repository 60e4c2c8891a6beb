use crate::{Rule, VideoCodec};

/// How media travels in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// Between the participants. We pass on sealed descriptions and give media no orders.
    Mesh,
    /// Through the server.
    Server,
}

/// The kinds of room: a topology and a number of seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoomKind {
    /// Mesh, 2 seats.
    Go,
    /// Mesh for two, and from the third participant or the first recording on through the server; 50 seats. The only kind whose topology changes.
    Auto,
    /// Mesh, 10 seats: each sends to each, so an old phone melts beyond a few.
    PeerToPeer,
    /// Through the server, 50 seats.
    Group,
    /// Through the server, 4 seats.
    GroupSmall,
}

impl RoomKind {
    /// Every kind, smallest mesh first.
    pub const ALL: [RoomKind; 5] = [RoomKind::Go, RoomKind::PeerToPeer, RoomKind::Auto, RoomKind::Group, RoomKind::GroupSmall];

    /// How media travels when a room begins.
    #[must_use]
    pub fn topology(self) -> Topology {
        match self {
            RoomKind::Go | RoomKind::PeerToPeer | RoomKind::Auto => Topology::Mesh,
            RoomKind::Group | RoomKind::GroupSmall => Topology::Server,
        }
    }

    /// Seats, those of clients that are reconnecting included.
    #[must_use]
    pub fn participants_max(self) -> usize {
        match self {
            RoomKind::Go => 2,
            RoomKind::GroupSmall => 4,
            RoomKind::PeerToPeer => 10,
            RoomKind::Auto | RoomKind::Group => 50,
        }
    }
}

/// What a room is besides its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomOptions {
    /// Whether pictures are refused. Only for rooms of [`Topology::Server`].
    pub audio_only: bool,
    /// The video codecs of the room, best first. Empty: what the media server prefers. Says nothing to a mesh room.
    pub codecs: Vec<VideoCodec>,
    /// Which tracks are recorded, while media passes the server. Unless said otherwise none is.
    pub record: Rule,
}

impl Default for RoomOptions {
    fn default() -> Self {
        RoomOptions { audio_only: false, codecs: Vec::new(), record: Rule::Nothing }
    }
}
