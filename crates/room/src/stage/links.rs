//! The links of those who receive a mix. Their clients make one by themselves and never when asked: a link that died is waited for, not
//! wanted.

use std::sync::Arc;

use crate::limit::MIX_RELINK_TIMEOUT;
use crate::participant::Participant;
use crate::room::{Means, Room};
use crate::{Act, ConnId, Joined, Lately, LinkId, Moment, ParticipantId, Refusal, Signal, Step, limit};

impl Room {
    /// Somebody has a new link to the media server instead of the one before, if there was one. That may have the same name.
    pub fn reopen(&mut self, who: ParticipantId, link: LinkId, offer: Signal, means: &mut Means<'_>) -> Result<(), Refusal> {
        let named = (1..=limit::WIRE_NAME_BYTES_MAX).contains(&link.0.len());
        if !self.place_of(who).is_mix() || offer.step != Step::Offer || !named {
            return Err(Refusal::Malformed);
        }
        self.drop_server_link(who);
        // Another page's camera knows of no size.
        self.stage.sizes.remove(&who);
        self.open(who, link, offer, means);
        Ok(())
    }

    /// Gives a participant who receives a mix its seat back: whatever else it has goes on. It was `lost` then, and of what was before it
    /// may have heard nothing since that.
    pub fn resume_mix(
        &mut self,
        who: ParticipantId,
        conn: ConnId,
        (lost, since): (Moment, Moment),
        means: &mut Means<'_>,
    ) -> Joined {
        self.settle(means);
        let place = self.place_of(who);
        place.conn = Some(conn);
        let link = place.served.state().into_iter().collect();
        let lately = self.lately(who, lost, since);
        Joined { lately, ..self.joined(who, link, means) }
    }

    /// What somebody who was there before may not have heard of: who came and left, told twice perhaps, and its own part, but that only
    /// since it was `lost`, for on being told that it makes another call.
    fn lately(&self, who: ParticipantId, lost: Moment, since: Moment) -> Lately {
        let Some(me) = self.by_id(who) else { return Lately::default() };
        let since = since.max(me.came);
        let here = |id: ParticipantId| self.by_id(id).is_some_and(|one| !one.is_audience());
        let left = self.stage.gone.iter().filter(|(at, one)| *at >= since && one.id != who && !here(one.id));
        let came = self.participants.iter().filter(|one| one.id() != who && !one.is_audience() && one.graded >= since);
        Lately {
            left: left.map(|(_, one)| Arc::clone(one)).collect(),
            came: came.map(Participant::id).collect(),
            regraded: me.graded > lost,
        }
    }

    /// The link died, or its client gave it up.
    pub fn lose_mix_link(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        if self.drop_server_link(who) {
            self.order(who, Act::Close, means);
        }
        self.await_mix_link(who, means);
        self.resubscribe(means);
        self.show(means);
    }

    /// Waits for the client to open a link.
    pub fn await_mix_link(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        self.place_of(who).link_deadline = Some(means.now + MIX_RELINK_TIMEOUT);
    }
}
