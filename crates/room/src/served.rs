//! Rooms whose media passes the server: what the media server is asked for, and what becomes of its reports. Each participant has
//! at most one link, to the server. An order names nobody whose link was not opened before, and no track that the server was not
//! told of.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::limit::{HINTS_MAX, LOSSES_MAX, LOSSES_TIME, SERVED_RELINKS_MAX, SERVED_RELINKS_TIME};
use crate::rights::may_hint;
use crate::room::{Means, Room};
use crate::subscribe::served_subscriptions;
use crate::{
    Act, Channel, Event, Hint, LinkId, LinkState, Moment, News, Open, Order, Output, ParticipantId, Profile, Rule, Sealed,
    Signal, StageField, Step, TrackId, WhyLeft,
};

/// The revision before that of an offer that we ask for.
const BEFORE_FIRST_OFFER: u64 = 1;

/// A participant as the media server knows it.
#[derive(Debug)]
pub(crate) struct Served {
    pub channels: Vec<Channel>,
    pub profile: Profile,
    link: Option<ServerLink>,
    /// What the server was asked to send; none since the link was opened.
    asked: Option<Vec<TrackId>>,
    /// Under which names the server sends.
    placed: Vec<(TrackId, Arc<str>)>,
    /// Whether one of these two changed since [`take_moved`](Served::take_moved) was asked.
    moved: bool,
    /// What it receives and the server stopped sending: whether it still does not.
    off: BTreeMap<TrackId, bool>,
    /// Which layers of its own tracks are needed, as told last.
    layers: BTreeMap<TrackId, Vec<bool>>,
    /// What it said on channels while nobody could hear it: at most [`crate::limit::WORDS_KEPT_MAX`].
    words: VecDeque<(Channel, Sealed)>,
    /// Links that died within the last while, and when the last one did.
    relinks: (u32, Moment),
}

/// The link between a participant and the server.
#[derive(Clone, Debug)]
struct ServerLink {
    id: LinkId,
    /// Whether its first offer came, and the server knows of it.
    open: bool,
    /// Whether media can pass.
    connected: bool,
    /// Of the last description.
    revision: u64,
}

impl Served {
    pub fn new(channels: Vec<Channel>, profile: Profile) -> Self {
        Served {
            channels,
            profile,
            link: None,
            asked: None,
            placed: Vec::new(),
            moved: true,
            off: BTreeMap::new(),
            layers: BTreeMap::new(),
            words: VecDeque::new(),
            relinks: (0, Moment::START),
        }
    }

    pub fn is_open(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.open)
    }

    /// Whether this is its link, and opened.
    pub fn has_open(&self, link: &LinkId) -> bool {
        self.link.as_ref().is_some_and(|own| own.open && own.id == *link)
    }

    fn has(&self, link: &LinkId) -> bool {
        self.link.as_ref().is_some_and(|own| own.id == *link)
    }

    /// What it receives under which names: what is placed and still asked for.
    pub fn receives(&self) -> Vec<(TrackId, Arc<str>)> {
        let asked: BTreeSet<TrackId> = self.asked.iter().flatten().copied().collect();
        self.placed.iter().filter(|(track, _)| asked.contains(track)).cloned().collect()
    }

    /// Whether what it receives may be something else than when this was asked last. In a large room most of what happens changes that for
    /// nobody, and to compare everybody's list each time would cost more than all else.
    pub fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    fn set_asked(&mut self, asked: Option<Vec<TrackId>>) {
        (self.asked, self.moved) = (asked, true);
    }

    fn set_placed(&mut self, placed: Vec<(TrackId, Arc<str>)>) {
        (self.placed, self.moved) = (placed, true);
    }

    /// Whether the server has a place for everything that it should send to this participant.
    pub fn is_placed(&self) -> bool {
        let placed: BTreeSet<TrackId> = self.placed.iter().map(|(track, _)| *track).collect();
        self.is_connected() && self.asked.as_ref().is_some_and(|asked| asked.iter().all(|track| placed.contains(track)))
    }

    /// Whether media can pass between this participant and the server.
    pub fn is_connected(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.open && link.connected)
    }

    fn note_connected(&mut self) {
        self.link.iter_mut().for_each(|link| link.connected = true);
    }

    /// Its link as the client should have it when it comes in or back.
    pub fn state(&self) -> Option<LinkState> {
        let link = self.link.as_ref()?;
        let wanted = (!link.open).then_some(BEFORE_FIRST_OFFER);
        Some(LinkState { link: link.id.clone(), server: true, wanted, connected: self.is_connected(), signals: Vec::new() })
    }

    fn note_revision(&mut self, signal: &Signal) {
        if let Some(link) = self.link.as_mut().filter(|_| signal.step != Step::Candidates) {
            link.revision = link.revision.max(signal.revision);
        }
    }

    fn note_switched(&mut self, off: &[TrackId], on: &[TrackId]) {
        self.off.extend(off.iter().map(|track| (*track, true)).chain(on.iter().map(|track| (*track, false))));
        let asked = self.asked.as_deref().unwrap_or_default();
        self.off.retain(|track, _| asked.contains(track));
    }

    fn keep_words(&mut self, channel: Channel, text: Sealed) {
        if self.words.len() == crate::limit::WORDS_KEPT_MAX {
            self.words.pop_front();
        }
        self.words.push_back((channel, text));
    }

    /// Counts a dead link; false if there were too many.
    fn may_relink(&mut self, now: Moment) -> bool {
        let (count, last) = self.relinks;
        let count = if now.since(last) > SERVED_RELINKS_TIME { 0 } else { count };
        self.relinks = (count.saturating_add(1), now);
        count < SERVED_RELINKS_MAX
    }
}

impl Room {
    /// Opens the link that a newcomer has prepared, or asks for one.
    pub fn serve_newcomer(&mut self, me: ParticipantId, offer: Option<(LinkId, Signal)>, means: &mut Means<'_>) {
        match offer.filter(|(_, signal)| signal.step == Step::Offer) {
            Some((link, signal)) => self.open(me, link, signal, means),
            None if self.place_of(me).is_mix() => self.await_mix_link(me, means),
            None => self.want_server_link(me, means),
        }
    }

    /// Takes what a participant says on its link to the server; false if the link is none.
    pub fn signal_server(&mut self, from: ParticipantId, link: &LinkId, signal: &Signal, means: &mut Means<'_>) -> bool {
        let place = self.place_of(from);
        let (mixed, served) = (place.is_mix(), &mut place.served);
        if !served.has(link) {
            // It has not heard that its link died.
            let anew = mixed && !served.is_open();
            return anew && self.reopen(from, link.clone(), signal.clone(), means).is_ok();
        }
        served.note_revision(signal);
        match (signal.step, served.is_open()) {
            (Step::Close, _) if mixed => self.lose_mix_link(from, means),
            (Step::Close, _) => self.relink_server(from, means),
            (Step::Offer, false) => self.open(from, link.clone(), signal.clone(), means),
            (Step::Offer | Step::Answer, true) => self.order(from, Act::Signal(link.clone(), signal.clone()), means),
            (Step::Candidates, _) | (Step::Answer, false) => {}
        }
        true
    }

    /// A client that comes back lists the links on which it ever said something: if that to the server is missing, it died.
    /// Otherwise the server says again what was not answered.
    pub fn resume_server(&mut self, me: ParticipantId, listed: &[(LinkId, Signal)], means: &mut Means<'_>) {
        let served = &self.place_of(me).served;
        if !served.is_open() {
            return;
        }
        if listed.iter().any(|(link, _)| served.has(link)) {
            self.order(me, Act::Repeat, means);
        } else {
            self.relink_server(me, means);
        }
    }

    /// What a client missed of its media while it was away: all of it, because nobody knows what reached it.
    pub fn tell_missed(&mut self, me: ParticipantId, means: &mut Means<'_>) {
        let place = self.place_of(me);
        let tracks: Vec<TrackId> = place.snapshot.tracks.iter().map(|track| track.id).collect();
        let served = &mut place.served;
        let asked = served.asked.as_deref().unwrap_or_default();
        served.off.retain(|track, _| asked.contains(track));
        served.layers.retain(|track, _| tracks.contains(track));
        let (off, on): (Vec<TrackId>, Vec<TrackId>) = served.off.keys().partition(|track| served.off.get(track) == Some(&true));
        let (layers, words) = (served.layers.clone(), std::mem::take(&mut served.words));
        if !off.is_empty() || !on.is_empty() {
            self.tell(me, Event::Switched { off, on }, means);
        }
        if let Some(warnings) = self.place_of(me).warnings_event() {
            self.tell(me, warnings, means);
        }
        for (track, needed) in layers {
            self.tell(me, Event::Layers { track, needed }, means);
        }
        for (channel, text) in words {
            self.tell(me, Event::Said { channel, text }, means);
        }
    }

    /// Takes what the media server tells of a participant's link. What it tells of links that are gone crossed with their end, and
    /// says nothing of the link that came after.
    pub fn handle_news(&mut self, who: ParticipantId, link: LinkId, news: News, means: &mut Means<'_>) {
        if !self.by_id(who).is_some_and(|place| place.served.has_open(&link)) {
            return;
        }
        let place = self.place_of(who);
        let (mixed, served) = (place.is_mix(), &mut place.served);
        match news {
            News::Signal(signal) => {
                served.note_revision(&signal);
                self.tell(who, Event::Signal { link, signal }, means);
            }
            News::Placed(placed) => {
                served.set_placed(placed);
                self.show(means);
            }
            News::Connected => served.note_connected(),
            News::Dead if mixed => self.lose_mix_link(who, means),
            News::Refused(why) => self.unserved.push((who, WhyLeft::Refused(why))),
            News::Dead => {
                self.tell_server_closed(who, means);
                self.relink_server(who, means);
            }
            News::Opened(channel) if served.channels.contains(&channel) => self.tell(who, Event::Opened(channel), means),
            News::Said(channel, text) if served.channels.contains(&channel) => self.hear(who, channel, text, means),
            News::Opened(_) | News::Said(..) => {}
            News::Talking(talking) => self.handle_talking(who, talking, means),
            News::Quality(quality) => self.tell(who, Event::Quality(Box::new(quality)), means),
            News::Switched { off, on } => {
                served.note_switched(&off, &on);
                self.tell(who, Event::Switched { off, on }, means);
            }
            News::Layers { track, needed } => {
                let place = self.place_of(who);
                if place.snapshot.tracks.iter().any(|own| own.id == track) {
                    let own: Vec<TrackId> = place.snapshot.tracks.iter().map(|own| own.id).collect();
                    place.served.layers.retain(|track, _| own.contains(track));
                    place.served.layers.insert(track, needed.clone());
                    self.tell(who, Event::Layers { track, needed }, means);
                }
            }
        }
    }

    /// A participant says something on a channel. While its connection is gone nobody understands that; its door may come back.
    fn hear(&mut self, who: ParticipantId, channel: Channel, text: Sealed, means: &mut Means<'_>) {
        let place = self.place_of(who);
        if place.conn.is_none() {
            return place.served.keep_words(channel, text);
        }
        self.tell(who, Event::Said { channel, text }, means);
    }

    /// The media server says who speaks.
    pub fn handle_speaker(&mut self, who: Option<ParticipantId>, means: &mut Means<'_>) {
        self.set_speaker(who.filter(|who| self.by_id(*who).is_some()), means);
    }

    /// Says who speaks, if that is news.
    pub fn set_speaker(&mut self, who: Option<ParticipantId>, means: &mut Means<'_>) {
        if self.speaker != who {
            self.speaker = who;
            let hearers: Vec<ParticipantId> = self.participants.iter().filter(|one| !one.is_mix()).map(|one| one.id()).collect();
            hearers.into_iter().for_each(|hearer| self.tell(hearer, Event::Speaker(who), means));
        }
    }

    /// The media server lost everything of this room: everybody is to make a new link. The old ones are closed all the same: one that
    /// was opened while this was on its way is not lost, and nobody else would end it.
    pub fn handle_lost(&mut self, means: &mut Means<'_>) {
        let lost: Vec<ParticipantId> = self.participants.iter().filter(|p| p.served.is_open()).map(|p| p.id()).collect();
        for &who in &lost {
            if !self.place_of(who).is_mix() {
                self.tell_server_closed(who, means);
            }
            self.drop_server_link(who);
            self.order(who, Act::Close, means);
        }
        self.stage.scene = None;
        self.lose_mix_recordings(means.now);
        self.set_speaker(None, means);
        self.resubscribe(means);
        self.show(means);
        if !self.may_lose(means.now) {
            self.give_up();
            return;
        }
        for who in lost {
            if self.place_of(who).is_mix() {
                // They come in anew, and nobody who is left might open the door for them.
                self.stage.change(StageField::Locked, |view| view.locked = false);
                self.unserved.push((who, WhyLeft::Unreachable));
            } else {
                self.renew_server_link(who, means);
            }
        }
    }

    /// The media server lost a worker that served some in this room. What the room does may be what broke it, so this counts as a loss.
    pub fn handle_part_lost(&mut self, now: Moment) {
        if !self.may_lose(now) {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.unserved.extend(self.participants.iter().map(|place| (place.id(), WhyLeft::Unreachable)));
    }

    /// Counts a loss; false if there were too many.
    fn may_lose(&mut self, now: Moment) -> bool {
        self.losses.retain(|at| now.since(*at) < LOSSES_TIME);
        self.losses.push(now);
        self.losses.len() < LOSSES_MAX
    }

    /// Asks everybody for a new link: the program was started anew, and the media server knows nobody.
    pub fn serve_anew(&mut self, means: &mut Means<'_>) {
        self.ids().into_iter().for_each(|who| self.want_server_link(who, means));
    }

    /// Says this to a participant, if it has the channel.
    pub fn say(&mut self, to: ParticipantId, channel: Channel, text: Sealed, means: &mut Means<'_>) {
        let served = &self.place_of(to).served;
        if served.is_open() && served.channels.contains(&channel) {
            self.order(to, Act::Say(channel, text), means);
        }
    }

    /// Passes a participant's wishes on, for tracks that it receives.
    pub fn hint(&mut self, who: ParticipantId, hints: &[Hint], means: &mut Means<'_>) {
        let asked = self.place_of(who).served.asked.clone().unwrap_or_default();
        let may: Vec<Hint> = hints.iter().take(HINTS_MAX).filter(|hint| may_hint(&asked, hint.track)).copied().collect();
        if !may.is_empty() {
            self.order(who, Act::Hint(may), means);
        }
    }

    /// The participant's tracks changed. `moved`: there are others than before.
    pub fn publish_server(&mut self, who: ParticipantId, moved: bool, means: &mut Means<'_>) {
        let place = self.place_of(who);
        if place.served.is_open() {
            let tracks = place.snapshot.tracks.clone();
            self.order(who, Act::Publish(tracks), means);
            // Whoever lists what it takes may look at what changed of a track. All others take it as before.
            if moved || self.participants.iter().any(|place| matches!(place.rule, Rule::Listed(_))) {
                self.resubscribe(means);
            }
        }
    }

    /// Asks the media server to send everybody what it should receive now, where that changed.
    pub fn resubscribe(&mut self, means: &mut Means<'_>) {
        let single = self.open_places().filter(|p| !p.is_mix());
        let lists: Vec<(ParticipantId, Vec<TrackId>)> = single.map(|p| (p.id(), self.server_sends(p.id()))).collect();
        for (who, list) in lists {
            let served = &mut self.place_of(who).served;
            if served.asked.as_ref() != Some(&list) {
                served.set_asked(Some(list.clone()));
                self.order(who, Act::Subscribe(list), means);
            }
        }
    }

    pub fn order(&self, who: ParticipantId, act: Act, means: &mut Means<'_>) {
        means.out.push_back(Output::Order(Order::new(self.id, who, act)));
    }

    pub fn open(&mut self, who: ParticipantId, link: LinkId, offer: Signal, means: &mut Means<'_>) {
        let codecs = self.options.codecs.clone();
        let place = self.place_of(who);
        let (tracks, view) = (place.snapshot.tracks.clone(), place.snapshot.member.view);
        place.link_deadline = None;
        let served = &mut place.served;
        served.link = Some(ServerLink { id: link.clone(), open: true, connected: false, revision: offer.revision });
        let open = Open { link, offer, channels: served.channels.clone(), profile: served.profile, codecs, view };
        self.order(who, Act::Open(Box::new(open)), means);
        self.order(who, Act::Publish(tracks), means);
        self.resubscribe(means);
    }

    /// The tracks that the server knows and this participant should receive.
    fn server_sends(&self, hearer: ParticipantId) -> Vec<TrackId> {
        let others = || self.open_places().filter(|p| p.id() != hearer);
        let rule = self.by_id(hearer).map(|hearer| &hearer.rule);
        let mut tracks = rule.map(|rule| served_subscriptions(rule, others().map(|p| &p.snapshot))).unwrap_or_default();
        let barred: BTreeSet<TrackId> = others().flat_map(crate::participant::Participant::barred).collect();
        tracks.retain(|track| !barred.contains(track));
        tracks
    }

    pub fn open_places(&self) -> impl Iterator<Item = &crate::participant::Participant> {
        self.participants.iter().filter(|p| p.served.is_open())
    }

    /// The link died, or its client gave it up.
    fn relink_server(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        if self.drop_server_link(who) {
            self.order(who, Act::Close, means);
        }
        self.resubscribe(means);
        self.show(means);
        self.renew_server_link(who, means);
    }

    /// Forgets a link; true if the server knew of it.
    pub fn drop_server_link(&mut self, who: ParticipantId) -> bool {
        let place = self.place_of(who);
        place.takes.clear();
        let served = &mut place.served;
        served.set_asked(None);
        served.set_placed(Vec::new());
        served.off.clear();
        served.layers.clear();
        served.words.clear();
        served.link.take().is_some_and(|link| link.open)
    }

    fn renew_server_link(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        if !self.place_of(who).served.may_relink(means.now) {
            self.unserved.push((who, WhyLeft::Unreachable));
            return;
        }
        self.ask_server_link(who, means);
    }

    /// Asks a participant for an offer on a new link.
    pub fn ask_server_link(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        self.want_server_link(who, means);
        if let Some(state) = self.place_of(who).served.state() {
            self.tell(who, Event::LinkWanted { link: state.link, revision: BEFORE_FIRST_OFFER, server: true }, means);
        }
    }

    fn want_server_link(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        let id = LinkId::from_bits(means.ids.fresh());
        self.place_of(who).served.link = Some(ServerLink { id, open: false, connected: false, revision: BEFORE_FIRST_OFFER });
    }

    fn tell_server_closed(&self, who: ParticipantId, means: &mut Means<'_>) {
        if let Some(link) = self.by_id(who).and_then(|place| place.served.link.clone()) {
            let revision = link.revision.saturating_add(1);
            self.tell(who, Event::LinkClosed { link: link.id, revision }, means);
        }
    }
}
