//! What members do with each other.

use super::Rooms;
use crate::{MemberAct, Moment, ParticipantId, Refusal, RoomId, Target, WhyLeft};

impl Rooms {
    /// Does what a member wants with others or with itself, if it may.
    pub(super) fn act(
        &mut self,
        now: Moment,
        (id, me): (RoomId, ParticipantId),
        target: Target,
        act: &MemberAct,
    ) -> Result<(), Refusal> {
        let (room, mut means) = self.room(now, id)?;
        let whom = room.targets(me, target, act)?;
        for &who in &whom {
            // Of all, those whom it does not suit stay as they are.
            room.act(me, who, act, &mut means).or_else(|why| if target == Target::All { Ok(()) } else { Err(why) })?;
        }
        for who in whom {
            match act {
                MemberAct::Remove => self.leave(now, id, who, WhyLeft::Removed),
                MemberAct::Demote { .. } => self.leave_children(now, id, who, WhyLeft::Left),
                _ => {}
            }
        }
        Ok(())
    }
}
