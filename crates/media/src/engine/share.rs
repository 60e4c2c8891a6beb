//! What each receiver gets of each picture: the bandwidth of every client shared among the tracks that it receives, and what that
//! means for those who publish them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Kind, News, ParticipantId, Priority, RoomId, TrackId, View, Wish};
use str0m::bwe::Bitrate;

use super::route::note_wish;
use super::{Client, Engine, mix};
use crate::allocate::{Allocator, Candidate, Choice, Needs, Off, Space};
use crate::forward::Forwarder;
use crate::limit::SHARES_PER_TURN;
use crate::switchboard::{PeerKey, Source};

/// How often a client's bandwidth is shared anew when nothing else asks for it.
pub(super) const SHARE_INTERVAL: Duration = Duration::from_millis(200);

/// Bits per second kept free for each track of sound that sends more than silence.
const AUDIO_BITRATE: u64 = 40_000;

/// For how many of them at least, as far as there are so many: who speaks next is heard at once.
const SOUNDS_LEAST: u64 = 4;

/// The allocator uses not quite all of an estimate; what is used already should stay.
const USED_PERCENT: u64 = 90;

/// Bits per second that pictures may always take: a small one, or a few that hardly move. An estimate made while next to nothing
/// travels, or by a client whose processor is late, falls below that, and then nothing is sent that could raise it again.
const PICTURES_LEAST: u64 = 150_000;

/// So long packets wait only where there are too many of them, or where a computer is late.
const WAITS: Duration = Duration::from_millis(60);

/// For how long they do where there are too many, which is two looks in a row: who is late catches up sooner.
const WAITS_TIME: Duration = SHARE_INTERVAL;

/// So long after it was connected nothing is known of a way that would be worth taking pictures away: a burst of first ones is still on
/// it.
const SETTLES: Duration = Duration::from_secs(2);

/// For how long they may not, once even that was too much.
const LEAST_PAUSE: Duration = Duration::from_secs(120);

/// Bits per second that the estimate may always assume.
const LEAST: u64 = 100_000;

/// What one client wants and has of the pictures of others.
#[derive(Default)]
pub(super) struct Share {
    allocator: Allocator,
    candidates: Vec<Candidate>,
    choices: Vec<Choice>,
    hints: HashMap<TrackId, Hints>,
    /// Numbers subscriptions in the order in which they came.
    orders: HashMap<TrackId, u64>,
    next_order: u64,
    shared: Option<Instant>,
    /// Something changed that should not wait.
    pub due: bool,
    /// Bits per second that the choices use, and that all would that is shown.
    used: u64,
    wanted: u64,
    /// Bits per second that the way has room for, as far as that is known.
    room: Option<u64>,
    /// Until when no picture is sent against the estimate.
    drowned_until: Option<Instant>,
    /// Since when there is a way.
    connected: Option<Instant>,
    /// Since when packets wait too long.
    waits_since: Option<Instant>,
}

impl Share {
    /// Whether pictures are switched off because the way has no room for them. What the client itself asked not to get is not counted.
    pub fn is_starved(&self) -> bool {
        let narrow = self.room.is_some_and(|room| room < self.wanted);
        narrow && self.choices.iter().any(|choice| choice.off == Some(Off::Bandwidth))
    }
}

/// What a client said of one track.
#[derive(Clone, Copy, Debug, Default)]
struct Hints {
    priority: Option<Priority>,
    shown: Option<bool>,
    size: Option<(u16, u16)>,
}

impl Share {
    /// Keeps a wish.
    pub fn note(&mut self, track: TrackId, wish: Wish) {
        let hints = self.hints.entry(track).or_default();
        match wish {
            Wish::Priority(priority) => hints.priority = priority,
            Wish::Shown(shown) => hints.shown = Some(shown),
            Wish::Size(width, height) => hints.size = Some((width, height)),
        }
        self.due = true;
    }

    /// Takes how long packets wait, of which we ourselves may be late by so much; whether there are too many of them.
    fn waits(&mut self, now: Instant, queue: Duration, late: Duration) -> bool {
        let passed = |since: Option<Instant>, time| since.is_some_and(|since| now.saturating_duration_since(since) >= time);
        let long = queue.saturating_sub(late * 2) >= WAITS && passed(self.connected, SETTLES);
        self.waits_since = self.waits_since.or(Some(now)).filter(|_| long);
        passed(self.waits_since, WAITS_TIME)
    }

    /// Bits per second that pictures may take, as far as that is known.
    pub fn room(&self) -> Option<u64> {
        self.room
    }

    /// Forgets what was said of tracks that are not received any more.
    pub fn keep(&mut self, subscribed: &[TrackId]) {
        self.hints.retain(|track, _| subscribed.contains(track));
        self.orders.retain(|track, _| subscribed.contains(track));
        for track in subscribed {
            self.orders.entry(*track).or_insert_with(|| {
                self.next_order += 1;
                self.next_order
            });
        }
    }

    fn candidate(&self, now: Instant, source: &Source, speaker: Option<ParticipantId>, spoke: Option<Instant>) -> Candidate {
        let hints = self.hints.get(&source.id).copied().unwrap_or_default();
        Candidate {
            id: source.id,
            layers: source.layers_now(now),
            count: source.layer_count(),
            publisher: source.priority,
            own: hints.priority,
            shown: hints.shown,
            size: hints.size,
            speaker: speaker == Some(source.publisher),
            spoke,
            order: self.orders.get(&source.id).copied().unwrap_or(u64::MAX),
            muted: !source.enabled,
        }
    }
}

impl Engine {
    /// Keeps a client's wish; it is acted on with the next flush.
    pub(super) fn note_hint(&mut self, key: PeerKey, track: TrackId, wish: Wish) {
        if let Some(client) = self.client_mut(key) {
            client.share.note(track, wish);
            self.share_due = true;
        }
    }

    /// Shares the bandwidth of every client for which it is time, of many in several turns.
    pub(super) fn share_all(&mut self, now: Instant) {
        self.share_next = 0;
        self.share_on(now);
    }

    /// Goes on with those for whom there was no time. In one turn all of them would be milliseconds in which no packet moves.
    pub(super) fn share_on(&mut self, now: Instant) {
        let is_due = |client: &Client| {
            let late = client.share.shared.is_none_or(|at| now.saturating_duration_since(at) >= SHARE_INTERVAL);
            let asked = client.share.allocator.poll_timeout().is_some_and(|at| at <= now);
            client.share.due || late || asked
        };
        let mut left = SHARES_PER_TURN;
        while let Some(slot) = self.slots.get(self.share_next).filter(|_| left > 0) {
            let key = PeerKey { index: u32::try_from(self.share_next).unwrap_or(u32::MAX), uses: slot.uses };
            self.share_next += 1;
            if slot.client.as_deref().is_some_and(is_due) {
                self.share(now, key);
                left -= 1;
            }
        }
        self.sharing_since = (self.share_next < self.slots.len()).then_some(now);
    }

    fn share(&mut self, now: Instant, key: PeerKey) {
        let late = self.late;
        let Some(client) = self.client_mut(key) else { return };
        let (room, who, view) = (client.peer.room, client.peer.who, client.view);
        let mut share = std::mem::take(&mut client.share);
        let profile = client.profile;
        let estimate = client.estimate.map(|estimate| estimate.as_u64());
        if estimate.is_some_and(|estimate| estimate < share.used) && client.watch.is_drowned() {
            share.drowned_until = Some(now + LEAST_PAUSE);
        }
        let pictures_least = if share.drowned_until.is_some_and(|until| now < until) { 0 } else { PICTURES_LEAST };
        let below = estimate.is_some_and(|estimate| estimate < share.used) && share.used > pictures_least;
        let overloaded = client.watch.is_overloaded(below);
        share.connected = share.connected.or_else(|| client.peer.is_connected().then_some(now));
        let waits = share.waits(now, client.peer.queue(now), late);
        let unanswered = client.peer.is_unanswered(now);
        (share.due, share.shared) = (false, Some(now));
        let reserved = self.gather(now, &mut share, room, who) * AUDIO_BITRATE;
        // Lost packets alone make an estimate fall, on a line that only is bad. What travels without waiting fits; of what nothing is told
        // nobody knows whether it does.
        let proven = if overloaded || waits || unanswered { 0 } else { share.used + reserved };
        let least = proven.max(reserved + pictures_least);
        let believed = estimate.map(|estimate| estimate.max(least.saturating_mul(100) / USED_PERCENT));
        let space = Space { estimate: believed, reserved, congested: overloaded };
        let Share { allocator, candidates, choices, used, .. } = &mut share;
        let total = allocator.share(now, &profile, space, candidates, choices);
        let switched = allocator.poll_switched();
        let mixed = candidates.iter().position(|one| one.id == mix::tracks(room)[1]).and_then(|place| choices.get(place));
        let total = self.paced(now, room, mixed, total);
        *used = total.used;
        share.wanted = total.wanted;
        share.room = believed.map(|believed| believed.saturating_sub(reserved));
        let Share { candidates, choices, .. } = &share;
        for (candidate, choice) in candidates.iter().zip(choices) {
            self.aim(now, key, candidate.id, *choice);
        }
        let desired = total.probe.max(LEAST);
        if let Some(client) = self.client_mut(key) {
            client.share = share;
            if client.desired != desired {
                client.desired = desired;
                self.on(now, key, |peer, out| peer.set_bitrate(now, Bitrate::from(LEAST), Bitrate::from(desired), out));
            }
        }
        if let Some((off, on)) = switched.filter(|_| view == View::Tracks)
            && let Some(end) = self.client(key).map(Client::end)
        {
            tracing::debug!(?room, ?who, off = off.len(), on = on.len(), ?space, used = total.used, "tracks switched");
            self.report(end, News::Switched { off, on });
        }
    }

    /// The pictures that a client could have, in the order of its subscriptions; returns for how many tracks of sound there has to be
    /// room.
    fn gather(&self, now: Instant, share: &mut Share, room: RoomId, who: ParticipantId) -> u64 {
        share.candidates.clear();
        let Some(hall) = self.halls.get(&room) else { return 0 };
        let Some(member) = hall.members.get(&who) else { return 0 };
        let (mut sounds, mut loud) = (0_u64, 0);
        for source in member.subscribed.iter().filter_map(|track| self.board.by_id(*track)) {
            match source.kind {
                Kind::Audio => {
                    sounds += 1;
                    loud += u64::from(source.is_loud(now));
                }
                Kind::Video => {
                    let spoke = hall.spoke.get(&source.publisher).copied();
                    let mut candidate = share.candidate(now, source, hall.speaker(), spoke);
                    if source.made.is_some() && !hall.shows_mix_to(who) {
                        candidate.shown = Some(false);
                    }
                    share.candidates.push(candidate);
                }
                Kind::Data => {}
            }
        }
        loud.max(sounds.min(SOUNDS_LEAST))
    }

    /// Points a receiver at its layer.
    fn aim(&mut self, now: Instant, key: PeerKey, track: TrackId, choice: Choice) {
        let Some(track) = self.board.key(track) else { return };
        let Some(source) = self.board.get_mut(track) else { return };
        let Some(receiver) = source.receivers.iter_mut().find(|receiver| receiver.peer == key) else { return };
        receiver.choice = choice;
        if receiver.target == choice.send {
            return;
        }
        // The first picture should not wait; one that is switched off and on can.
        let fresh = !receiver.started;
        receiver.started |= choice.send.is_some();
        receiver.target = choice.send;
        if let Some(forwarder) = &mut receiver.forwarder {
            forwarder.set_target(choice.send);
        }
        let awaited = receiver.forwarder.as_ref().map_or(choice.send, Forwarder::awaits_keyframe);
        // Who is to receive a mix is waited for: it has a key frame when it is connected.
        let waits = fresh && source.made.is_some();
        if let Some(layer) = awaited.filter(|_| !waits) {
            if fresh {
                source.wish_first_keyframe(now, layer);
            } else {
                source.wish_keyframe(layer);
            }
            note_wish(&mut self.wishing, track);
        }
    }

    /// Tells publishers which layers somebody needs.
    pub(super) fn share_needs(&mut self, now: Instant) {
        let mut news = Vec::new();
        for (key, source) in self.board.iter_mut().filter(|(_, source)| source.kind == Kind::Video && source.layer_count() > 1) {
            let Some(publisher) = source.peer else { continue };
            let count = source.layer_count();
            if source.needs.as_ref().is_none_or(|(of, _)| *of != count) {
                source.needs = Some((count, Needs::new(now, count)));
            }
            let Some((_, needs)) = &mut source.needs else { continue };
            let taps = source.tap.iter().chain(source.take.iter().map(|(_, tap)| tap)).map(|tap| tap.choice());
            let far = source.outlets.iter().flat_map(|outlet| outlet.need.choices());
            needs.handle_choices(now, source.receivers.iter().map(|receiver| receiver.choice).chain(taps).chain(far));
            if let Some(change) = needs.poll_change(now) {
                news.push((publisher, Arc::clone(&source.label), News::Layers { track: source.id, needed: change.needed }));
                for layer in change.woken {
                    source.wish_keyframe(layer);
                    note_wish(&mut self.wishing, key);
                }
            }
        }
        for (publisher, label, news) in news {
            let Some(client) = self.client_mut(publisher) else { continue };
            if let News::Layers { needed, .. } = &news {
                client.peer.note_need(&label, needed.contains(&true));
            }
            let end = client.end();
            self.report(end, news);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use room::LinkId;

    use super::*;
    use crate::engine::Slot;
    use crate::peer::Peer;
    use crate::settings::{Identity, Settings};

    #[test]
    fn the_bandwidth_of_many_is_shared_in_several_turns() {
        let now = Instant::now();
        let identity = Identity::generate((now, Duration::ZERO)).expect("a certificate");
        let mut engine = Engine::new(now, Settings::new(&[], &identity, Arc::default(), 1), 1);
        for n in 0..2 * SHARES_PER_TURN as u128 + 10 {
            let place = (RoomId(1), ParticipantId(n), LinkId("link".into()));
            let peer = Peer::new(now, &engine.settings, place, &[], View::Tracks);
            engine.slots.push(Slot { uses: 0, client: Some(Box::new(Client::new(now, peer, Default::default()))) });
        }
        let later = engine.next_tick;
        let turn = |engine: &mut Engine| {
            engine.flush(later);
            let clients = engine.slots.iter().filter_map(|slot| slot.client.as_deref());
            let shared = clients.filter(|client| client.share.shared == Some(later)).count();
            (shared, engine.sharing_since.is_some() && engine.poll_timeout().is_some_and(|at| at <= later))
        };
        let turns = [turn(&mut engine), turn(&mut engine), turn(&mut engine)];
        assert_eq!(turns, [(SHARES_PER_TURN, true), (2 * SHARES_PER_TURN, true), (2 * SHARES_PER_TURN + 10, false)]);
    }

    /// At which of these looks, one each 200 ms from the connection on, there seem to be too many packets.
    fn check(queues_ms: &[u64], late_ms: u64, expected: &[usize]) {
        let start = Instant::now();
        let mut share = Share { connected: Some(start), ..Share::default() };
        let mut look = |(n, queue): (usize, &u64)| {
            let at = start + SHARE_INTERVAL * u32::try_from(n).unwrap();
            share.waits(at, Duration::from_millis(*queue), Duration::from_millis(late_ms)).then_some(n)
        };
        assert_eq!(queues_ms.iter().enumerate().filter_map(&mut look).collect::<Vec<_>>(), expected, "{queues_ms:?}");
    }

    #[test]
    fn packets_wait_too_long_when_they_go_on_waiting() {
        let long = [[0; 10], [80; 10]].concat();
        check(&long, 0, &[11, 12, 13, 14, 15, 16, 17, 18, 19]);
        check(&long, 20, &[]);
        check(&[80; 14], 0, &[11, 12, 13]);
        check(&[[0; 10], [80, 0, 80, 0, 80, 80, 0, 0, 80, 0]].concat(), 0, &[15]);
        assert!(!Share::default().waits(Instant::now(), SETTLES, Duration::ZERO), "nobody is connected");
    }
}
