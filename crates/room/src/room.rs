use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::limit::{MIX_RELINK_TIMEOUT, RULE_LINES_MAX, UNNOTICED_MAX};
use crate::link::{Link, RELINKS_MAX};
use crate::moving::Moving;
use crate::participant::{Allowed, ListChange, Participant};
use crate::saved::{REVISION_GAP, SavedRoom};
use crate::stage::Stage;
use crate::subscribe::subscriptions;
use crate::topology::Topology;
use crate::{
    Act, Change, ConnId, Event, Fact, Ids, Join, Joined, Kind, Lately, LinkId, LinkState, Moment, Output, ParticipantId,
    Presence, Published, Recording, RecordingId, RecordingState, Refusal, Resume, Role, RoomId, RoomKind, RoomOptions, Rule,
    Sealed, SeatKey, Signal, Snapshot, StageSettings, Step, Subscribed, Terms, TrackDraft, TrackId, WhyLeft,
};

/// One room in progress.
#[derive(Debug)]
pub(crate) struct Room {
    pub id: RoomId,
    pub name: Arc<str>,
    pub kind: RoomKind,
    pub options: RoomOptions,
    pub terms: Terms,
    pub by_owner: bool,
    pub memo: Sealed,
    /// How media travels now.
    pub topology: Topology,
    pub moving: Option<Moving>,
    pub began: Moment,
    /// In the order they came.
    pub participants: Vec<Participant>,
    /// When the last one left; none while nobody ever came.
    pub empty_since: Option<Moment>,
    /// Until when those may come back who received its mix before a restart and have no seats.
    pub awaited: Option<Moment>,
    /// When the rooms look here again.
    pub wakes: Option<Moment>,
    pub links: BTreeMap<LinkId, Link>,
    /// Links prepared by participants who found nobody to use them with.
    pub spares: BTreeMap<LinkId, ParticipantId>,
    /// Who speaks, as far as the media server told.
    pub speaker: Option<ParticipantId>,
    /// Participants whom the media server cannot serve, to be put out.
    pub unserved: Vec<(ParticipantId, WhyLeft)>,
    /// When the media server lost everything of this room, lately.
    pub losses: Vec<Moment>,
    /// Whether it is recorded, as told last.
    pub recording: RecordingState,
    /// Recordings in the place of those that failed, of which nothing was heard yet.
    pub trials: BTreeMap<RecordingId, Box<Recording>>,
    pub window: Window,
    pub stage: Stage,
}

/// What a room is to be.
pub(crate) struct Plan {
    pub kind: RoomKind,
    pub options: RoomOptions,
    pub terms: Terms,
    pub by_owner: bool,
    pub memo: Sealed,
    pub window: Window,
    pub stage: StageSettings,
}

/// When a room takes people in, and when it ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub opens: Option<Moment>,
    pub closes: Option<Moment>,
    pub ends: Option<Moment>,
}

impl Window {
    /// Whether somebody may come in now.
    pub fn is_open(&self, now: Moment) -> bool {
        self.opens.is_none_or(|opens| opens <= now) && [self.closes, self.ends].iter().flatten().all(|closes| now < *closes)
    }
}

/// What a room needs to act: where ids come from, where to say what was caused, and how long seats are kept.
pub(crate) struct Means<'a> {
    pub now: Moment,
    pub ids: &'a mut dyn Ids,
    pub out: &'a mut VecDeque<Output>,
    pub session_timeout: Duration,
}

impl Room {
    pub fn new(id: RoomId, name: Arc<str>, plan: Plan, began: Moment) -> Self {
        let mut room = Room::idle(id, name, plan, began);
        room.recording.on = room.is_recorded();
        room
    }

    fn idle(id: RoomId, name: Arc<str>, plan: Plan, began: Moment) -> Self {
        Room {
            id,
            name,
            kind: plan.kind,
            options: plan.options,
            terms: plan.terms,
            by_owner: plan.by_owner,
            memo: plan.memo,
            topology: plan.kind.topology(),
            moving: None,
            began,
            participants: Vec::new(),
            empty_since: None,
            awaited: None,
            wakes: None,
            links: BTreeMap::new(),
            spares: BTreeMap::new(),
            speaker: None,
            unserved: Vec::new(),
            losses: Vec::new(),
            recording: RecordingState { revision: 1, on: false },
            trials: BTreeMap::new(),
            window: plan.window,
            stage: Stage::new(plan.stage),
        }
    }

    /// As it can be written down.
    pub fn save(&self, now: Moment) -> SavedRoom {
        let away = |id| self.by_id(id).is_none_or(|p| p.conn.is_none());
        let is_mix = self.participants.iter().any(Participant::is_mix);
        // What is left of a mesh that is about to end is not worth keeping.
        let mesh = self.topology == Topology::Mesh;
        SavedRoom {
            id: self.id,
            name: Arc::clone(&self.name),
            kind: self.kind,
            options: self.options.clone(),
            terms: self.terms.clone(),
            by_owner: self.by_owner,
            memo: self.memo.clone(),
            age: now.since(self.began),
            idle: self.empty_since.map(|since| now.since(since)).or(self.is_only_mixed().then_some(Duration::ZERO)),
            served: !mesh,
            recording_revision: self.recording.revision,
            participants: self.participants.iter().filter(|p| !p.is_mix()).map(|p| p.save(now)).collect(),
            links: self.links.iter().filter(|_| mesh).map(|(id, link)| link.save(id, away)).collect(),
            spares: self.spares.iter().filter(|_| mesh).map(|(link, owner)| (link.clone(), *owner)).collect(),
            stage: self.stage.save(self.window, now, is_mix),
        }
    }

    /// Whether everybody in it receives the mix. Nobody of them finds the way back after a restart.
    pub fn is_only_mixed(&self) -> bool {
        !self.participants.is_empty() && self.participants.iter().all(Participant::is_mix)
    }

    /// A room whose clients lost the connection to us, and may come back until `deadline`.
    pub fn restore(saved: SavedRoom, deadline: Moment, means: &mut Means<'_>) -> Self {
        let SavedRoom { kind, options, terms, by_owner, memo, .. } = saved;
        let window = Window::restore(&saved.stage, means.now);
        let plan = Plan { kind, options, terms, by_owner, memo, window, stage: saved.stage.settings.clone() };
        let mut room = Room {
            empty_since: saved.idle.map(|idle| means.now - idle),
            awaited: saved.participants.is_empty().then_some(deadline),
            participants: saved.participants.into_iter().map(|p| Participant::restore(p, deadline, means.now)).collect(),
            links: saved.links.into_iter().map(Link::restore).collect(),
            spares: saved.spares.into_iter().collect(),
            ..Room::new(saved.id, saved.name, plan, means.now - saved.age)
        };
        room.stage.restore(&saved.stage);
        room.recording.revision = saved.recording_revision + REVISION_GAP;
        // Its rules may have come so late that it was written down before it moved.
        if saved.served || room.must_move() {
            (room.links, room.spares) = Default::default();
            room.topology = Topology::Server;
            room.recording.on = room.is_recorded();
            room.serve_anew(means);
        }
        for one in room.ids() {
            let shown = room.by_id(one).map(|place| room.receives(place)).unwrap_or_default();
            room.place_of(one).shown = shown;
        }
        room
    }

    /// Lets a participant in. Whether it may come was asked before.
    pub fn join(&mut self, conn: ConnId, mut join: Join, means: &mut Means<'_>) -> (ParticipantId, Joined) {
        self.stage.mute_newcomer(&mut join.part);
        // As with the vendor: where everybody sends to everybody, all is received.
        if matches!(self.kind, RoomKind::Go | RoomKind::PeerToPeer) {
            join.rule = Rule::All;
        }
        let bound = self.mute_child(&mut join.part);
        let id = ParticipantId(means.ids.fresh());
        let seat = join.part.seat.unwrap_or_else(|| SeatKey(means.ids.fresh()));
        self.participants.push(Participant::new(id, seat, &join, means.now));
        for kind in bound {
            self.place_of(id).hold(kind, true, false);
        }
        (self.empty_since, self.awaited) = (None, None);
        let (revision, drafts) = join.tracks;
        let allowed = self.allowed(id);
        self.place_of(id).take_list(revision, &drafts, allowed, &mut *means.ids);
        if self.must_move() {
            self.begin_move(Some(id), means);
        }
        if self.is_mixed() {
            self.note_entry(id);
            self.arrange(means);
            self.stage.altered.remove(&id);
            // Nobody saw it before.
            Arc::make_mut(&mut self.place_of(id).snapshot).revision = 1;
        }
        self.announce(id, Change::Joined, means);
        let links = match self.topology {
            Topology::Mesh => self.link_newcomer(id, join.offer, means),
            Topology::Server => {
                self.serve_newcomer(id, join.offer, means);
                self.place_of(id).served.state().into_iter().collect()
            }
        };
        self.place_of(id).shown = self.by_id(id).map(|me| self.receives(me)).unwrap_or_default();
        self.settle(means);
        // Until now nothing was told to it: the answer says it all.
        self.place_of(id).conn = Some(conn);
        (id, self.joined(id, links, means))
    }

    /// Gives a participant its seat back on a new connection. The caller has checked the seat.
    pub fn resume(&mut self, id: ParticipantId, conn: ConnId, resume: Resume, means: &mut Means<'_>) -> Joined {
        let place = self.place_of(id);
        // Until everything is settled nothing is told to it: the answer says it all.
        let was_away = place.conn.take().is_none();
        // A client notices first that its connection is gone, or neither for a while: then nobody knows what of that reached it.
        let noticed = place.deadline.map(|deadline| deadline - means.session_timeout - place.forgiven);
        let lost = noticed.unwrap_or(means.now - means.session_timeout);
        let since = noticed.map_or(lost, |noticed| noticed - UNNOTICED_MAX);
        place.deadline = None;
        place.here_since = means.now;
        if was_away {
            place.change(|shown| shown.presence = Presence::Connected);
            self.announce(id, Change::Resumed, means);
        }
        if self.place_of(id).is_mix() {
            return self.resume_mix(id, conn, (lost, since), means);
        }
        self.publish(id, resume.tracks.0, &resume.tracks.1, means);
        self.relink_unlisted(id, &resume.signals, means);
        let listed = resume.signals.clone();
        for (link, signal) in resume.signals {
            self.signal(id, &link, signal, means);
        }
        self.resume_server(id, &listed, means);
        self.settle(means);
        self.place_of(id).conn = Some(conn);
        self.tell_missed(id, means);
        let links = self.links_of(id);
        self.joined(id, links, means)
    }

    /// Takes a participant's complete track list. One that comes too soon after many others waits, and the answer tells what was before.
    pub fn publish(&mut self, id: ParticipantId, revision: u64, drafts: &[TrackDraft], means: &mut Means<'_>) -> Published {
        let place = self.place_of(id);
        if revision > place.list_revision && place.lists.offer(means.now, revision, drafts) {
            self.take_list(id, revision, drafts, means);
        }
        self.place_of(id).published()
    }

    /// Takes the track lists that waited long enough, and tells their participants what became of them.
    pub fn take_due_lists(&mut self, means: &mut Means<'_>) {
        for id in self.ids() {
            let place = self.place_of(id);
            let before = place.published_revision;
            let Some((revision, drafts)) = place.lists.take_due(means.now) else { continue };
            self.take_list(id, revision, &drafts, means);
            if self.place_of(id).published_revision > before {
                let published = self.place_of(id).published();
                self.tell(id, Event::Published(published), means);
            }
        }
    }

    fn take_list(&mut self, id: ParticipantId, revision: u64, drafts: &[TrackDraft], means: &mut Means<'_>) {
        let allowed = self.allowed(id);
        let change = self.place_of(id).take_list(revision, drafts, allowed, &mut *means.ids);
        self.take_change(id, change, means);
    }

    /// Tells what became of a participant's tracks.
    pub fn take_change(&mut self, id: ParticipantId, change: ListChange, means: &mut Means<'_>) {
        if change.visible() {
            let moved = change.moved();
            self.place_of(id).change(|_| {});
            self.note_tracks(id, change, means);
            self.publish_server(id, moved, means);
            self.announce(id, Change::Tracks, means);
        }
    }

    /// What a participant receives from now on.
    pub fn set_rule(&mut self, id: ParticipantId, rule: Rule, means: &mut Means<'_>) -> Result<(), Refusal> {
        if self.topology == Topology::Mesh {
            return Err(Refusal::NoRules);
        } else if matches!(&rule, Rule::Listed(lines) if lines.len() > RULE_LINES_MAX) {
            return Err(Refusal::Malformed);
        }
        self.place_of(id).rule = rule;
        self.resubscribe(means);
        self.show(means);
        Ok(())
    }

    /// Passes a signal to the other end of its link. Signals of strangers and of links that are gone are dropped: they
    /// cross with our own close.
    pub fn signal(&mut self, from: ParticipantId, link_id: &LinkId, signal: Signal, means: &mut Means<'_>) {
        if self.signal_server(from, link_id, &signal, means) {
            return;
        }
        let Some(link) = self.links.get_mut(link_id) else { return };
        let Some(to) = link.other(from) else { return };
        if link.is_torn_by(from, &signal) {
            let revision = link.next_revision();
            self.tell(from, Event::LinkClosed { link: link_id.clone(), revision }, means);
            self.relink(from, to, link_id, means);
        } else if signal.step == Step::Close {
            self.relink(from, to, link_id, means);
        } else if link.pass(from, &signal) {
            self.tell(to, Event::Signal { link: link_id.clone(), signal }, means);
        }
    }

    /// The connection is gone; the seat is kept.
    pub fn lose(&mut self, id: ParticipantId, means: &mut Means<'_>) {
        let deadline = means.now + means.session_timeout;
        let place = self.place_of(id);
        place.conn = None;
        (place.deadline, place.forgiven) = (Some(deadline), Duration::ZERO);
        place.change(|shown| shown.presence = Presence::Reconnecting);
        if place.served.is_open() && !place.is_mix() {
            self.order(id, Act::Away, means);
        }
        self.announce(id, Change::Lost, means);
    }

    /// Time went by in which nobody could be heard: whoever was awaited is awaited anew, and nothing is known of any transport.
    pub fn forgive_gap(&mut self, means: &mut Means<'_>) {
        for place in &mut self.participants {
            if let Some(due) = &mut place.deadline {
                let anew = (*due).max(means.now + means.session_timeout);
                place.forgiven += anew.since(*due);
                *due = anew;
            }
            place.link_deadline = place.link_deadline.map(|due| due.max(means.now + MIX_RELINK_TIMEOUT));
        }
        let open: Vec<ParticipantId> = self.open_places().map(Participant::id).collect();
        open.into_iter().for_each(|id| self.order(id, Act::Check, means));
    }

    /// Takes a participant out; says so to it, if it does not know, and to the others.
    pub fn leave(&mut self, id: ParticipantId, why: WhyLeft, means: &mut Means<'_>) {
        if why != WhyLeft::Left {
            self.tell(id, Event::Out(why), means);
        }
        let Some(index) = self.participants.iter().position(|p| p.id() == id) else { return };
        let mut gone = self.participants.remove(index);
        let snapshot = gone.change(|shown| shown.presence = Presence::Disconnected);
        self.spares.retain(|_, owner| *owner != id);
        let gone_tracks = snapshot.tracks.iter().cloned();
        let room = self.id;
        let removed = gone_tracks.map(|track| Fact::TrackRemoved { room, participant: Arc::clone(&snapshot), track });
        means.out.extend(removed.map(Output::Note));
        if gone.served.is_open() {
            self.order(id, Act::Close, means);
        }
        self.stage.talk.forget(id);
        self.note_exit(&gone);
        self.stage.note_gone(means.now, &snapshot);
        self.set_speaker(self.speaker.filter(|who| *who != id), means);
        self.resubscribe(means);
        self.announce_snapshot(&snapshot, Change::Left(why), means);
        self.unlink(id, means);
        if self.participants.is_empty() {
            self.empty_since = Some(means.now);
        }
    }

    /// Whether this room could be of another kind with those who are in it. Media cannot move while people are inside.
    pub fn fits(&self, kind: RoomKind, options: &RoomOptions) -> bool {
        let mut tracks = self.participants.iter().flat_map(|p| &p.snapshot.tracks);
        let mute = !options.audio_only || tracks.all(|track| track.kind != Kind::Video);
        self.participants.len() <= kind.participants_max() && self.topology == kind.topology() && mute
    }

    /// The participants whom a newcomer puts out because of its name.
    pub fn displaced(&self, join: &Join) -> Vec<ParticipantId> {
        let shares = join.part.shares_name();
        let same = |p: &&Participant| !shares && !p.shares_name && p.snapshot.identity == join.identity;
        self.participants.iter().filter(same).map(Participant::id).collect()
    }

    /// The participant with this id.
    pub fn by_id(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.iter().find(|p| p.id() == id)
    }

    /// Whether a link of this name exists, so that nobody can slip into somebody else's.
    pub fn knows_link(&self, link: &LinkId) -> bool {
        self.links.contains_key(link) || self.spares.contains_key(link)
    }

    /// Everything a participant knows of the room when it comes in or back.
    pub fn joined(&self, id: ParticipantId, links: Vec<LinkState>, means: &Means<'_>) -> Joined {
        let me = self.participants.iter().find(|p| p.id() == id).expect("it has just come in");
        Joined {
            room: self.id,
            name: Arc::clone(&self.name),
            kind: self.kind,
            me: id,
            identity: Arc::clone(&me.snapshot.identity),
            seat: me.seat,
            session_timeout: means.session_timeout,
            others: self.others(id).filter(|p| !p.is_audience()).map(|p| Arc::clone(&p.snapshot)).collect(),
            published: me.published(),
            subscribed: Subscribed { revision: me.subscribed_revision, tracks: me.shown.clone() },
            links,
            channels: me.served.channels.clone(),
            speaker: self.speaker,
            recording: self.recording,
            memo: self.memo.clone(),
            lately: Lately::default(),
            own: Arc::clone(&me.snapshot),
            rights: me.rights,
            stage: Arc::clone(&self.stage.view),
            layout: Arc::clone(&self.stage.layout),
        }
    }

    /// What somebody receives now, and under which names.
    pub fn receives(&self, hearer: &Participant) -> Vec<(TrackId, Arc<str>)> {
        match self.topology {
            Topology::Server if self.moving.is_some() => self.receives_moving(hearer),
            Topology::Mesh => subscriptions(&hearer.rule, self.others(hearer.id()).map(|p| &p.snapshot)),
            Topology::Server => hearer.served.receives(),
        }
    }

    /// What the one at this place among the participants receives now, if it was told otherwise before.
    fn newly_subscribed(&mut self, at: usize) -> Option<Subscribed> {
        let by_server = self.topology == Topology::Server && self.moving.is_none();
        if by_server && !self.participants.get_mut(at)?.served.take_moved() {
            return None;
        }
        let receives = self.receives(self.participants.get(at)?);
        let place = self.participants.get_mut(at)?;
        if place.shown == receives {
            return None;
        }
        place.shown.clone_from(&receives);
        place.subscribed_revision += 1;
        Some(Subscribed { revision: place.subscribed_revision, tracks: receives })
    }

    /// Tells everybody what it receives, where that changed.
    pub fn show(&mut self, means: &mut Means<'_>) {
        for at in 0..self.participants.len() {
            if let Some(subscribed) = self.newly_subscribed(at) {
                self.tell_at(at, Event::Subscribed(subscribed), means);
            }
        }
    }

    pub fn ids(&self) -> Vec<ParticipantId> {
        self.participants.iter().map(Participant::id).collect()
    }

    /// What this participant may publish because of the room.
    fn allowed(&self, id: ParticipantId) -> Allowed {
        let kinds: &[Kind] =
            if self.options.audio_only { &[Kind::Audio, Kind::Data] } else { &[Kind::Audio, Kind::Video, Kind::Data] };
        let others = || self.others(id).map(|p| p.snapshot.tracks.len()).sum();
        Allowed { kinds, tracks_max: self.terms.tracks_max.map_or(usize::MAX, |max| max.saturating_sub(others())) }
    }

    /// Connects a newcomer with everyone inside: its prepared offer goes to the first, and for each further one it is
    /// asked for another. With nobody inside the prepared link is kept as a spare.
    fn link_newcomer(&mut self, me: ParticipantId, offer: Option<(LinkId, Signal)>, means: &mut Means<'_>) -> Vec<LinkState> {
        let others: Vec<ParticipantId> = self.others(me).map(Participant::id).collect();
        let mut prepared = offer;
        let mut links = Vec::new();
        for other in others {
            match prepared.take() {
                Some((link, signal)) => self.use_prepared(me, other, link, signal, means),
                None => links.push(self.want_link(me, other, 0, means)),
            }
            self.close_spares_of(other, means);
        }
        if let Some((link, _)) = prepared {
            self.spares.insert(link, me);
        }
        links
    }

    fn use_prepared(&mut self, me: ParticipantId, other: ParticipantId, id: LinkId, offer: Signal, means: &mut Means<'_>) {
        let mut link = Link::new(me, other, None, 0);
        if !link.pass(me, &offer) {
            return;
        }
        self.links.insert(id.clone(), link);
        self.tell(other, Event::Signal { link: id, signal: offer }, means);
    }

    /// A new link that `starter` is to offer on.
    fn want_link(&mut self, starter: ParticipantId, other: ParticipantId, relinks: u32, means: &mut Means<'_>) -> LinkState {
        const BEFORE_FIRST_OFFER: u64 = 1;
        let id = LinkId::from_bits(means.ids.fresh());
        let link = Link::new(starter, other, Some(BEFORE_FIRST_OFFER), relinks);
        let state = link.state_for(&id, starter);
        self.links.insert(id, link);
        state
    }

    /// One end gave a link up: the other closes it too, and the two are connected anew.
    fn relink(&mut self, from: ParticipantId, to: ParticipantId, id: &LinkId, means: &mut Means<'_>) {
        let Some(old) = self.links.remove(id) else { return };
        self.tell_closed(to, id, &old, means);
        if self.topology == Topology::Server {
            // The mesh is about to end: what came by this link comes by the server.
            self.show(means);
        } else if old.relinks < RELINKS_MAX {
            let state = self.want_link(from, to, old.relinks + 1, means);
            let revision = state.wanted.unwrap_or_default();
            self.tell(from, Event::LinkWanted { link: state.link, revision, server: false }, means);
        }
    }

    /// A client that comes back lists every link on which it ever said something: one that is missing died while it was away,
    /// and the word of it was lost.
    fn relink_unlisted(&mut self, from: ParticipantId, listed: &[(LinkId, Signal)], means: &mut Means<'_>) {
        let dead = |(id, link): &(&LinkId, &Link)| link.has_heard(from) && !listed.iter().any(|(listed, _)| listed == *id);
        let dead: Vec<LinkId> = self.links.iter().filter(dead).map(|(id, _)| id.clone()).collect();
        self.spares.retain(|id, owner| *owner != from || listed.iter().any(|(listed, _)| listed == id));
        for id in dead {
            if let Some(to) = self.links.get(&id).and_then(|link| link.other(from)) {
                self.relink(from, to, &id, means);
            }
        }
    }

    fn close_spares_of(&mut self, owner: ParticipantId, means: &mut Means<'_>) {
        let spares: Vec<LinkId> = self.spares.iter().filter(|(_, o)| **o == owner).map(|(id, _)| id.clone()).collect();
        for link in spares {
            self.spares.remove(&link);
            // The spare's own offer was revision 1.
            self.tell(owner, Event::LinkClosed { link, revision: 2 }, means);
        }
    }

    fn unlink(&mut self, gone: ParticipantId, means: &mut Means<'_>) {
        let dead: Vec<LinkId> = self.links.iter().filter(|(_, l)| l.ends.contains(&gone)).map(|(id, _)| id.clone()).collect();
        for id in dead {
            let Some(link) = self.links.remove(&id) else { continue };
            let Some(other) = link.other(gone) else { continue };
            self.tell_closed(other, &id, &link, means);
        }
    }

    /// Whether these two are connected with each other.
    pub fn are_linked(&self, one: ParticipantId, other: ParticipantId) -> bool {
        self.links.values().any(|link| link.ends.contains(&one) && link.ends.contains(&other))
    }

    /// A client that has never heard of a link would make a connection only to close it.
    pub fn tell_closed(&self, to: ParticipantId, id: &LinkId, link: &Link, means: &mut Means<'_>) {
        if link.is_known_to(to) {
            self.tell(to, Event::LinkClosed { link: id.clone(), revision: link.next_revision() }, means);
        }
    }

    fn links_of(&self, id: ParticipantId) -> Vec<LinkState> {
        let own = self.links.iter().filter(|(_, link)| link.is_known_to(id)).map(|(name, link)| link.state_for(name, id));
        let spare = self.spares.iter().filter(|(_, owner)| **owner == id);
        let spare = spare.map(|(name, _)| LinkState {
            link: name.clone(),
            server: false,
            wanted: None,
            connected: false,
            signals: Vec::new(),
        });
        let served = self.by_id(id).and_then(|place| place.served.state());
        own.chain(spare).chain(served).collect()
    }

    fn announce(&mut self, id: ParticipantId, change: Change, means: &mut Means<'_>) {
        let snapshot = Arc::clone(&self.place_of(id).snapshot);
        self.announce_snapshot(&snapshot, change, means);
    }

    /// Tells everyone else how a participant is now, and what they receive if that moved.
    fn announce_snapshot(&mut self, snapshot: &Arc<Snapshot>, change: Change, means: &mut Means<'_>) {
        let (room, participant) = (self.id, Arc::clone(snapshot));
        means.out.push_back(Output::Note(Fact::Participant { room, participant, change }));
        if change == Change::Joined {
            let added = snapshot.tracks.iter().cloned();
            let added = added.map(|track| Fact::TrackAdded { room, participant: Arc::clone(snapshot), track });
            means.out.extend(added.map(Output::Note));
        }
        if snapshot.member.role != Role::Audience {
            self.tell_others(snapshot, change, means);
        }
    }

    /// Tells everyone else, but not the screens and devices of somebody.
    pub fn tell_others(&mut self, snapshot: &Arc<Snapshot>, change: Change, means: &mut Means<'_>) {
        for at in 0..self.participants.len() {
            if self.participants.get(at).is_some_and(|hearer| hearer.id() != snapshot.id && !hearer.is_child()) {
                let subscribed = self.newly_subscribed(at);
                self.tell_at(at, Event::Changed { participant: Arc::clone(snapshot), change, subscribed }, means);
            }
        }
    }

    fn note_tracks(&self, id: ParticipantId, change: ListChange, means: &mut Means<'_>) {
        let Some(snapshot) = self.by_id(id).map(|place| &place.snapshot) else { return };
        let (room, participant) = (self.id, || Arc::clone(snapshot));
        let now = |ids: Vec<TrackId>| snapshot.tracks.iter().filter(move |track| ids.contains(&track.id)).cloned();
        let removed = change.removed.into_iter().map(|track| Fact::TrackRemoved { room, participant: participant(), track });
        let added = now(change.added).map(|track| Fact::TrackAdded { room, participant: participant(), track });
        let altered = now(change.altered).map(|track| Fact::TrackAltered { room, participant: participant(), track });
        means.out.extend(removed.chain(added).chain(altered).map(Output::Note));
    }

    pub fn tell(&self, to: ParticipantId, event: Event, means: &mut Means<'_>) {
        if let Some(conn) = self.by_id(to).and_then(|p| p.conn) {
            means.out.push_back(Output::Tell(conn, event));
        }
    }

    /// Tells the one at this place among the participants.
    fn tell_at(&self, at: usize, event: Event, means: &mut Means<'_>) {
        if let Some(conn) = self.participants.get(at).and_then(|place| place.conn) {
            means.out.push_back(Output::Tell(conn, event));
        }
    }

    fn others(&self, id: ParticipantId) -> impl Iterator<Item = &Participant> {
        self.participants.iter().filter(move |p| p.id() != id)
    }

    pub fn place_of(&mut self, id: ParticipantId) -> &mut Participant {
        self.participants.iter_mut().find(|p| p.id() == id).expect("rooms.rs only names participants that are inside")
    }
}
