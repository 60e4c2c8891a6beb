use std::sync::Arc;

use crate::{Caller, Command, Permissions, Refusal, RoomId, RoomRef, TrackId};

/// What a caller may do. A closed set; this module is the only place that says no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Publish tracks.
    pub publish: bool,
    /// Change the mix, itself and others in it.
    pub permissions: Permissions,
}

impl Rights {
    /// Everything a guest of a room may do.
    pub const GUEST: Rights = Rights { publish: true, permissions: Permissions::NONE };
}

/// Which key let this participant in, so that withdrawing the key removes it. Opaque here.
pub type Origin = Arc<str>;

/// Whether this caller may give this command at all. What depends on the room (seats, its end) is refused there.
pub(crate) fn permit(caller: Caller, command: &Command) -> Result<(), Refusal> {
    let own = matches!(
        command,
        Command::Join(_)
            | Command::Resume(_)
            | Command::Publish { .. }
            | Command::Signal { .. }
            | Command::Say { .. }
            | Command::Hint(_)
            | Command::Member(..)
            | Command::Stage(_)
            | Command::Ask(_)
            | Command::Open { .. }
            | Command::Leave
            | Command::Lose
    );
    match caller {
        Caller::Conn(_) if own => Ok(()),
        Caller::Owner if !own => Ok(()),
        Caller::Conn(_) | Caller::Owner => Err(Refusal::NotPermitted),
    }
}

/// Whether a participant with these rights may publish.
pub(crate) fn may_publish(rights: Rights) -> bool {
    rights.publish
}

/// Whether somebody who receives these tracks may say how it wants to receive this one.
pub(crate) fn may_hint(received: &[TrackId], track: TrackId) -> bool {
    received.contains(&track)
}

/// Whether a key for `allowed` lets its holder into `wanted`. `find` knows which rooms are in progress.
pub(crate) fn may_enter(wanted: &RoomRef, allowed: Option<&RoomRef>, find: impl Fn(&RoomRef) -> Option<RoomId>) -> bool {
    let Some(allowed) = allowed else { return true };
    match (find(wanted), find(allowed)) {
        (Some(wanted), Some(allowed)) => wanted == allowed,
        _ => wanted.name().is_some() && wanted.name() == allowed.name(),
    }
}
