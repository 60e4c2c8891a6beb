use std::time::Duration;

use crate::limit::{EMPTY_TIMEOUT, Limits, ROOM_MAX, SESSION_MAX};
use crate::{Moment, RoomKind};

/// How many may be in a room, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Seats, those of clients that are reconnecting included; between one and [`RoomKind::participants_max`]. One more is
    /// [`Refusal::RoomFull`](crate::Refusal::RoomFull).
    pub seats_max: usize,
    /// How long the room stays when the last participant has left. Zero: it ends at once.
    pub empty_timeout: Duration,
    /// How long it waits for its first participant. Then it ends.
    pub unused_timeout: Duration,
    /// How long a participant may stay, from when it came; coming back does not begin anew. Then it is put out:
    /// [`WhyLeft::Expired`](crate::WhyLeft::Expired).
    pub session_max: Option<Duration>,
    /// How long the room runs, used or not. Then it ends for everyone in it.
    pub room_max: Option<Duration>,
    /// Tracks that all its participants together may publish at a time. One more is
    /// [`TrackRefusal::TooManyInRoom`](crate::TrackRefusal::TooManyInRoom).
    pub tracks_max: Option<usize>,
}

impl Terms {
    /// Those of a room of this kind that is made on purpose, unless its maker says otherwise.
    #[must_use]
    pub fn made(kind: RoomKind) -> Self {
        Terms {
            seats_max: kind.participants_max(),
            empty_timeout: EMPTY_TIMEOUT,
            unused_timeout: EMPTY_TIMEOUT,
            session_max: Some(SESSION_MAX),
            room_max: Some(ROOM_MAX),
            tracks_max: None,
        }
    }

    /// Those of a room of this kind that is made by joining.
    #[must_use]
    pub fn adhoc(kind: RoomKind, limits: &Limits) -> Self {
        Terms {
            seats_max: kind.participants_max(),
            empty_timeout: limits.empty_timeout,
            unused_timeout: limits.empty_timeout,
            session_max: limits.session_max,
            room_max: None,
            tracks_max: limits.tracks_max,
        }
    }

    /// When somebody who came then has to go.
    pub(crate) fn expires(&self, came: Moment) -> Option<Moment> {
        self.session_max.map(|time| came + time)
    }
}
