//! Which track goes to whom: every published track with its layers and its receivers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Kind, ParticipantId, Priority, RecordingId, RoomId, TrackId};
use str0m::media::Pt;
use str0m::rtp::Ssrc;

use crate::allocate::{self, Choice, Needs};
use crate::arrival::Arrival;
use crate::codec::{Codec, Descriptor, Size};
use crate::data::Allowance;
use crate::forward::{Forwarder, Recent};
use crate::limit::{FIRST_KEYFRAME_GAP, KEYFRAME_GAP, KEYFRAME_HEARD_GAP, LAYERS_MAX, SOUND_BYTES_PER_S, SOUND_PACKETS_PER_S};
use crate::pipe::{Inlet, Outlet};
use crate::tap::Tap;

/// A client's place in its engine. A place that is given to another client has another number of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey {
    pub(crate) index: u32,
    pub(crate) uses: u32,
}

/// A track's place on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TrackKey(pub usize);

/// How long a layer may be silent before it counts as not sent.
const LAYER_SILENCE: Duration = Duration::from_millis(1_500);

/// How long the bitrate of a layer is averaged.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// Bits per second of a track of sound while nobody speaks, where its sender leaves silence out (RFC 7587, section 3.1.3).
const SILENCE_BITRATE_MAX: u64 = 4_000;

/// One published track.
pub(crate) struct Source {
    pub id: TrackId,
    pub room: RoomId,
    pub publisher: ParticipantId,
    /// None while the publisher has no transport.
    pub peer: Option<PeerKey>,
    pub label: Arc<str>,
    pub kind: Kind,
    pub priority: Priority,
    /// False while its publisher has muted it. What comes is passed on all the same: a muted camera sends black, and a receiver that got
    /// nothing would go on showing the last picture.
    pub enabled: bool,
    /// Known from the first packet on.
    pub codec: Option<Codec>,
    pub layers: [Layer; LAYERS_MAX],
    /// Of sound and pictures.
    pub receivers: Vec<Receiver>,
    /// Of messages.
    pub readers: Vec<PeerKey>,
    /// What a track of sound may send.
    sound: Option<(Allowance, Allowance)>,
    /// What receivers need of several layers.
    pub needs: Option<(u8, Needs)>,
    /// How the mixer of its room receives it.
    pub tap: Option<Tap>,
    /// Into which recording it goes, and how that receives it.
    pub take: Option<(RecordingId, Tap)>,
    /// The layers of what our own mixer makes: it makes those that somebody wants, so they count as sent. None: a client publishes it.
    pub made: Option<[allocate::Layer; LAYERS_MAX]>,
    /// Somebody else has muted it: nothing that comes is passed on.
    pub silenced: bool,
    /// It is published in another part of its room.
    pub inlet: Option<Box<Inlet>>,
    /// How it reaches the other parts, if it is published here.
    pub outlets: Vec<Outlet>,
}

/// One layer of a track.
#[derive(Default)]
pub(crate) struct Layer {
    pub ssrc: Option<Ssrc>,
    /// Packets behind a hole: the first one of a key frame may be what is missing. Of pictures only.
    pub recent: Option<Recent<Arrival>>,
    seen: Option<Instant>,
    /// Bits per second over the last full window.
    pub bitrate: u64,
    window: Option<(Instant, u64)>,
    pub size: Option<Size>,
    asked: Option<Instant>,
    /// A key frame is to be asked for as soon as it may.
    wish: bool,
    /// By somebody who has seen nothing yet.
    first: bool,
}

/// Who receives a track, and how.
pub(crate) struct Receiver {
    pub peer: PeerKey,
    pub ssrc: Ssrc,
    /// Made when the codec is known.
    pub forwarder: Option<Forwarder>,
    /// The layer to send.
    pub target: Option<u8>,
    /// Why.
    pub choice: Choice,
    /// Whether anything was sent yet.
    pub started: bool,
    /// The publisher's payload type, and this receiver's for the same; none: it cannot decode it.
    pub pt: Option<(Pt, Option<Pt>)>,
    heard: Option<Instant>,
}

/// Every track of one engine.
#[derive(Default)]
pub(crate) struct Switchboard {
    sources: Vec<Option<Source>>,
    free: Vec<usize>,
    by_id: HashMap<TrackId, TrackKey>,
}

impl Switchboard {
    pub fn add(&mut self, source: Source) -> TrackKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.sources.push(None);
            self.sources.len() - 1
        });
        self.by_id.insert(source.id, TrackKey(index));
        if let Some(slot) = self.sources.get_mut(index) {
            *slot = Some(source);
        }
        TrackKey(index)
    }

    pub fn remove(&mut self, id: TrackId) -> Option<Source> {
        let TrackKey(index) = self.by_id.remove(&id)?;
        self.free.push(index);
        self.sources.get_mut(index)?.take()
    }

    pub fn key(&self, id: TrackId) -> Option<TrackKey> {
        self.by_id.get(&id).copied()
    }

    pub fn get(&self, key: TrackKey) -> Option<&Source> {
        self.sources.get(key.0)?.as_ref()
    }

    pub fn get_mut(&mut self, key: TrackKey) -> Option<&mut Source> {
        self.sources.get_mut(key.0)?.as_mut()
    }

    pub fn by_id(&self, id: TrackId) -> Option<&Source> {
        self.get(self.key(id)?)
    }

    pub fn by_id_mut(&mut self, id: TrackId) -> Option<&mut Source> {
        self.get_mut(self.key(id)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = (TrackKey, &Source)> {
        self.sources.iter().enumerate().filter_map(|(index, source)| Some((TrackKey(index), source.as_ref()?)))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (TrackKey, &mut Source)> {
        self.sources.iter_mut().enumerate().filter_map(|(index, source)| Some((TrackKey(index), source.as_mut()?)))
    }
}

impl Source {
    pub fn new(room: RoomId, publisher: ParticipantId, track: &room::Track) -> Self {
        Source {
            id: track.id,
            room,
            publisher,
            peer: None,
            label: Arc::clone(&track.label),
            kind: track.kind,
            priority: track.priority,
            enabled: track.enabled,
            codec: None,
            layers: Default::default(),
            receivers: Vec::new(),
            readers: Vec::new(),
            sound: None,
            needs: None,
            tap: None,
            take: None,
            made: None,
            silenced: false,
            inlet: None,
            outlets: Vec::new(),
        }
    }

    /// Whether a packet of this size is within what a track may send. Pictures are bound by what each receiver has room for.
    pub fn may_pass(&mut self, now: Instant, bytes: usize) -> bool {
        if self.kind != Kind::Audio {
            return true;
        }
        let fresh = || (Allowance::new(now, SOUND_PACKETS_PER_S), Allowance::new(now, SOUND_BYTES_PER_S));
        let (packets, sizes) = self.sound.get_or_insert_with(fresh);
        packets.take(now, 1) && sizes.take(now, bytes)
    }

    /// Whether it is sound, and sends more than silence or nobody knows yet.
    pub fn is_loud(&self, now: Instant) -> bool {
        let loud = |layer: &Layer| layer.is_sent(now) && !(1..=SILENCE_BITRATE_MAX).contains(&layer.bitrate);
        self.kind == Kind::Audio && self.layers.first().is_some_and(loud)
    }

    /// Forgets the layers that it does not have any more, if it had more than so many.
    pub fn keep_layers(&mut self, count: usize) {
        self.layers.iter_mut().skip(count).for_each(|layer| *layer = Layer::default());
    }

    /// How many layers it may have.
    pub fn layer_count(&self) -> u8 {
        let there = self.inlet.as_ref().map_or(0, |inlet| inlet.layers);
        self.layers.iter().rposition(|layer| layer.ssrc.is_some()).map_or(0, |index| index as u8 + 1).max(there)
    }

    /// Its layers as they come now.
    pub fn layers_now(&self, now: Instant) -> [allocate::Layer; LAYERS_MAX] {
        if let Some(made) = self.made {
            return made;
        }
        let mut layers = [allocate::Layer::default(); LAYERS_MAX];
        for (shown, layer) in layers.iter_mut().zip(&self.layers) {
            let (width, height) = layer.size.map_or((0, 0), |size| (size.width, size.height));
            *shown = allocate::Layer { bitrate: layer.bitrate, width, height, active: layer.is_sent(now) };
        }
        layers
    }

    /// Wishes for a key frame of one layer. It is asked for not more often than once in [`KEYFRAME_GAP`].
    pub fn wish_keyframe(&mut self, layer: u8) {
        if let Some(layer) = self.layers.get_mut(usize::from(layer)) {
            layer.wish = true;
        }
    }

    /// Wishes for a key frame of one layer for somebody who has no picture yet. It is asked for at once, unless one was asked for within
    /// [`FIRST_KEYFRAME_GAP`] and so is still to come. Our own mixer is asked anyway: what it was asked for may have come and gone, and
    /// one key frame answers all who ask before its next picture.
    pub fn wish_first_keyframe(&mut self, now: Instant, layer: u8) {
        self.wish_keyframe(layer);
        if let Some(layer) = self.layers.get_mut(usize::from(layer)) {
            let comes = |asked: &Instant| now.saturating_duration_since(*asked) < FIRST_KEYFRAME_GAP;
            layer.asked = layer.asked.filter(comes).filter(|_| self.made.is_none());
            layer.first = true;
        }
    }

    /// Sources of which a key frame should be asked for now; one request covers everyone who waits.
    pub fn take_keyframe_wishes(&mut self, now: Instant) -> impl Iterator<Item = Ssrc> {
        let due = move |layer: &mut Layer| {
            let may = layer.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= KEYFRAME_GAP);
            let ssrc = layer.ssrc.filter(|_| layer.wish && may)?;
            (layer.wish, layer.first, layer.asked) = (false, false, Some(now));
            Some(ssrc)
        };
        self.layers.iter_mut().filter_map(due)
    }

    /// Layers of which a key frame should be asked for now at the part of the room where the track is published, and whether that is for
    /// somebody who has seen nothing yet. That part sees to it that its publisher is not asked too often.
    pub fn take_far_wishes(&mut self, now: Instant) -> impl Iterator<Item = (u8, bool)> {
        let due = move |(number, layer): (u8, &mut Layer)| {
            let may = layer.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= FIRST_KEYFRAME_GAP);
            let first = layer.first;
            if !(layer.wish && may) {
                return None;
            }
            (layer.wish, layer.first, layer.asked) = (false, false, Some(now));
            Some((number, first))
        };
        (0_u8..).zip(&mut self.layers).filter_map(due)
    }

    /// Whether some wish waits for its time.
    pub fn wishes(&self) -> bool {
        self.layers.iter().any(|layer| layer.wish)
    }
}

impl Layer {
    /// Counts a packet; true if it is the first after a silence.
    pub fn note(&mut self, now: Instant, bytes: usize, descriptor: &Descriptor) -> bool {
        let woken = !self.is_sent(now);
        self.seen = Some(now);
        self.size = descriptor.size.or(self.size);
        let (since, sum) = self.window.get_or_insert((now, 0));
        let passed = now.saturating_duration_since(*since);
        if passed >= 2 * RATE_WINDOW {
            // A pause says nothing of the bitrate.
            (*since, *sum) = (now, 0);
        } else if passed >= RATE_WINDOW {
            let ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
            self.bitrate = sum.saturating_mul(8_000) / ms;
            (*since, *sum) = (now, 0);
        }
        *sum = sum.saturating_add(bytes as u64);
        woken
    }

    /// Whether packets come.
    pub fn is_sent(&self, now: Instant) -> bool {
        self.seen.is_some_and(|seen| now.saturating_duration_since(seen) < LAYER_SILENCE)
    }

    /// Forgets what came; another source carries this layer now.
    pub fn carry(&mut self, ssrc: Ssrc) {
        if self.ssrc != Some(ssrc) {
            *self = Layer { ssrc: Some(ssrc), ..Layer::default() };
        }
    }
}

impl Receiver {
    /// Sound is sent from the first packet on; pictures when there is room for them.
    pub fn new(peer: PeerKey, ssrc: Ssrc, kind: Kind, mut forwarder: Option<Forwarder>) -> Self {
        let target = (kind == Kind::Audio).then_some(0);
        if let Some(forwarder) = &mut forwarder {
            forwarder.set_target(target);
        }
        Receiver { peer, ssrc, forwarder, target, choice: Choice::default(), started: false, pt: None, heard: None }
    }

    /// Whether a key frame request of this receiver's is to be heard now.
    pub fn hears_keyframe_request(&mut self, now: Instant) -> bool {
        let heard = self.heard.is_none_or(|at| now.saturating_duration_since(at) >= KEYFRAME_HEARD_GAP);
        if heard {
            self.heard = Some(now);
        }
        heard
    }
}
