//! How a room of kind `Auto` moves from its mesh to the server while people are in it: first everybody makes a link to the server
//! beside the mesh, and when the server has a place for everything, what everybody receives is named anew and the mesh ends. So no
//! picture stops.

use std::sync::Arc;

use crate::limit::{AUTO_MESH_MAX, MOVE_SETTLE, MOVE_TIMEOUT};
use crate::participant::Participant;
use crate::room::{Means, Room};
use crate::subscribe::subscriptions;
use crate::{Event, LinkId, Moment, ParticipantId, RoomKind, Topology, TrackId};

/// A room between mesh and server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moving {
    /// When the mesh ends although something has no place, if everybody is connected with the server.
    deadline: Moment,
    /// When it ends because the server has a place for everything.
    settled: Option<Moment>,
    /// The deadline has passed, and somebody was not connected with the server.
    late: bool,
}

impl Moving {
    fn due(self) -> Moment {
        self.settled.map_or(self.deadline, |settled| settled.min(self.deadline))
    }
}

impl Room {
    /// Whether there are now too many for a mesh, or somebody who needs the server, or something is to be recorded.
    pub fn must_move(&self) -> bool {
        let many = self.participants.len() > AUTO_MESH_MAX || self.participants.iter().any(Participant::is_mix);
        self.kind == RoomKind::Auto && self.topology == Topology::Mesh && (many || self.options.record.takes_any())
    }

    /// Whether this participant had time enough to reach the server, and does not: nothing of it can be recorded.
    pub fn is_unreached(&self, who: &Participant, now: Moment) -> bool {
        let late = self.moving.is_some_and(|moving| moving.late) && who.here_since + MOVE_TIMEOUT <= now;
        late && who.conn.is_some() && !who.served.is_connected()
    }

    /// Begins to move: everybody but a newcomer, who has prepared one, is asked for a link to the server.
    pub fn begin_move(&mut self, newcomer: Option<ParticipantId>, means: &mut Means<'_>) {
        self.topology = Topology::Server;
        self.moving = Some(Moving { deadline: means.now + MOVE_TIMEOUT, settled: None, late: false });
        for one in self.ids().into_iter().filter(|one| Some(*one) != newcomer) {
            self.ask_server_link(one, means);
        }
    }

    /// When to look again.
    pub fn move_due(&self) -> Option<Moment> {
        self.moving.map(Moving::due)
    }

    /// Looks whether the server has a place for everything by now, and ends the mesh when it is time.
    pub fn watch_move(&mut self, means: &mut Means<'_>) {
        if self.moving.is_none() {
            return;
        }
        let here = || self.participants.iter().filter(|p| p.conn.is_some());
        let (ready, reached) = (here().all(|p| p.is_mix() || p.served.is_placed()), here().all(|p| p.served.is_connected()));
        let Some(moving) = &mut self.moving else { return };
        if moving.deadline <= means.now && !reached {
            // Somebody cannot reach the media server. Who is connected by the mesh should not lose that too.
            moving.deadline = means.now + MOVE_TIMEOUT;
            moving.late = true;
        }
        moving.settled = if ready { moving.settled.or(Some(means.now + MOVE_SETTLE)) } else { None };
        if moving.due() <= means.now {
            self.moving = None;
            self.show(means);
            self.end_mesh(means);
        }
    }

    /// What somebody receives while the room moves: by the mesh what came by it before, by the server the rest.
    pub fn receives_moving(&self, hearer: &Participant) -> Vec<(TrackId, Arc<str>)> {
        let linked = |other: &&Participant| self.are_linked(hearer.id(), other.id());
        let others = self.participants.iter().filter(|p| p.id() != hearer.id()).filter(linked);
        let mut tracks = subscriptions(&hearer.rule, others.map(|p| &p.snapshot));
        let served = hearer.served.receives().into_iter().filter(|(id, _)| !tracks.iter().any(|(known, _)| known == id));
        let served: Vec<_> = served.collect();
        tracks.extend(served);
        tracks
    }

    fn end_mesh(&mut self, means: &mut Means<'_>) {
        for (id, link) in std::mem::take(&mut self.links) {
            for end in link.ends {
                self.tell_closed(end, &id, &link, means);
            }
        }
        let spares: Vec<(LinkId, ParticipantId)> = std::mem::take(&mut self.spares).into_iter().collect();
        for (link, owner) in spares {
            self.tell(owner, Event::LinkClosed { link, revision: 2 }, means);
        }
    }
}
