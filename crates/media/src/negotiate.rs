//! Offers and answers with one client: which section carries which track.
//!
//! The rules, found by running real clients (`docs/design/group-rooms.md`): the server wins every crossing of offers, and the client
//! takes its own back; what a section carries changes only by way of an inactive description; each placement of a track has a name and
//! sources of its own; a section is never closed, only made inactive; and every description of ours is written over from the table here,
//! because the library invents tracks where there are none.

use std::sync::Arc;

use room::{MediaRefusal, TrackId, VideoCodec};
use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::rtp::Ssrc;

use crate::limit::PLACEMENTS_REFUSED_MAX;
use crate::sdp::{self, SectionKind, SectionView, SendShape, Shape, View};

/// The library cannot read a description, or cannot go on with it.
const UNREADABLE: MediaRefusal = MediaRefusal::Description("The description cannot be read");
const UNFIT: MediaRefusal = MediaRefusal::Description("The description does not fit what was agreed on before, or itself");

/// A description of ours for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Say {
    pub offer: bool,
    pub revision: u64,
    pub text: Arc<str>,
}

/// The state of the negotiation with one client.
#[derive(Default)]
pub(crate) struct Negotiation {
    /// The last revision used by either end.
    revision: u64,
    /// Our last answer, for a client that did not hear it.
    answered: Option<Say>,
    pending: Option<Pending>,
    sections: Vec<Section>,
    /// Tracks that the client should receive.
    wanted: Vec<Wanted>,
    /// Channels to be opened with the next offer, because there is no section for messages yet.
    channels: Vec<ChannelConfig>,
    opened: Vec<(String, ChannelId)>,
    /// Whether both ends have agreed on a section for messages.
    messages: bool,
    dirty: bool,
    /// Counts placements, so that no name is used twice.
    serial: u64,
    salt: u32,
    /// Our name towards the client (RFC 7022).
    name: String,
    sources: Sources,
    /// The client offers and we answer, with sound first; what it receives comes on the sections of its own offer.
    answers_only: bool,
    /// The codec that comes last, whatever the client prefers.
    last_codec: Option<&'static str>,
    /// The codecs of the room, best first, where somebody chose them. Else the client's own order counts.
    order: Vec<&'static str>,
}

/// As descriptions call it.
fn codec_name(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Vp8 => "VP8",
        VideoCodec::H264 => "H264",
        VideoCodec::Vp9 => "VP9",
    }
}

struct Pending {
    token: SdpPendingOffer,
    said: Say,
}

/// A track that the client should receive.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    track: TrackId,
    video: bool,
    /// How often the client did not want to receive it where it was placed.
    refused: u8,
}

/// One section: at most one track up and one down.
struct Section {
    mid: Mid,
    kind: SectionKind,
    up: Option<Up>,
    down: Option<Placement>,
    /// Whether the client has been told that we send here. Until it was told otherwise, nothing new may be placed here.
    told_send: bool,
    /// Whether the client said last that it receives here.
    receives: bool,
    /// The stream of which a track for the client is part (RFC 8830).
    stream: &'static str,
    stopped: bool,
}

/// A track of the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Up {
    /// As the client knows it.
    pub label: Arc<str>,
    /// Its sources, smallest layer first. Empty where layers are named.
    pub layers: Vec<u32>,
    /// Names of its layers, smallest first.
    pub rids: Vec<String>,
    /// Every source announced.
    announced: Vec<u32>,
}

/// A track for the client in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    pub track: TrackId,
    pub label: Arc<str>,
    pub mid: Mid,
    pub ssrc: Ssrc,
    /// The source of its repairs.
    pub rtx: Option<Ssrc>,
    /// Whether the client knows of it, so that packets may be sent.
    pub ready: bool,
    /// The track was not wanted for a while. Its sources are used up: whoever begins to send it anew begins to count anew, and a number
    /// must not be encrypted twice for one source (RFC 3711, section 9.1).
    spent: bool,
}

impl Negotiation {
    /// Nothing said yet. `salt` makes the names of tracks differ from those of an earlier server.
    pub fn new(salt: u32) -> Self {
        Negotiation { salt, ..Negotiation::default() }
    }

    /// For a room whose codecs somebody chose, best first. An app's own choice still counts: its SDK puts that on top of what we answer.
    pub fn preferring(self, codecs: &[VideoCodec]) -> Self {
        Negotiation { order: codecs.iter().copied().map(codec_name).collect(), ..self }
    }

    /// For a client that receives a mix: it alone makes offers, and may receive or not, section by section, as it likes.
    /// `last` is the codec that it should only send if it has no other.
    pub fn answering(salt: u32, last: Option<&'static str>) -> Self {
        Negotiation { answers_only: true, last_codec: last, ..Negotiation::new(salt) }
    }

    /// Makes these the tracks that the client receives.
    pub fn want(&mut self, tracks: impl Iterator<Item = (TrackId, bool)>) {
        let before = std::mem::take(&mut self.wanted);
        let refused = |track| before.iter().find(|one| one.track == track).map_or(0, |one| one.refused);
        self.wanted = tracks.map(|(track, video)| Wanted { track, video, refused: refused(track) }).collect();
        // An offer costs milliseconds, also one that turns out to say nothing.
        if before.iter().map(|one| one.track).eq(self.wanted.iter().map(|one| one.track)) {
            return;
        }
        for down in self.sections.iter_mut().filter_map(|section| section.down.as_mut()) {
            down.spent |= !self.wanted.iter().any(|wanted| wanted.track == down.track);
        }
        self.dirty = true;
    }

    /// Opens a channel: at once where the ends have agreed on a section for messages, with the next offer otherwise.
    pub fn open_channel(&mut self, rtc: &mut Rtc, config: ChannelConfig) -> Option<ChannelId> {
        if self.messages {
            return Some(rtc.direct_api().create_data_channel(config));
        }
        self.channels.push(config);
        self.dirty = true;
        None
    }

    /// Channels that were opened with an offer, by label.
    pub fn take_opened(&mut self) -> Vec<(String, ChannelId)> {
        std::mem::take(&mut self.opened)
    }

    /// Takes a channel back that has not been opened yet.
    pub fn forget_channel(&mut self, label: &str) {
        self.channels.retain(|config| config.label != label);
    }

    /// An offer of the client's. None if it lost against an offer of ours, or is an old one.
    ///
    /// # Errors
    /// The description cannot be used.
    pub fn handle_offer(&mut self, rtc: &mut Rtc, revision: u64, text: &str) -> Result<Option<Say>, MediaRefusal> {
        if let Some(said) = self.answered.as_ref().filter(|said| said.revision == revision) {
            return Ok(Some(said.clone()));
        }
        if self.pending.is_some() || revision <= self.revision {
            return Ok(None);
        }
        sdp::check(text)?;
        let known = |name: &str| {
            let mut codecs = rtc.codec_config().params().iter().map(|params| params.spec().codec.to_string());
            codecs.any(|codec| codec.eq_ignore_ascii_case(name))
        };
        if self.answered.is_none() && !sdp::shares_codec(text, known) {
            return Err(MediaRefusal::Codec);
        }
        let offer = SdpOffer::from_sdp_string(&sdp::without_candidates(text)).map_err(|_| UNREADABLE)?;
        let answer = rtc.sdp_api().accept_offer(offer).map_err(|_| UNFIT)?;
        let view = View::parse(text);
        self.revision = revision;
        self.learn(rtc, &view, false);
        self.drop_unwanted();
        self.place_in_free_sections(rtc);
        self.force_directions(rtc);
        let mut text = sdp::prefer_codecs_of(&self.rewrite(&answer.to_sdp_string()), text);
        for codec in &self.order {
            text = sdp::codec_last(&text, codec);
        }
        if self.answers_only {
            text = sdp::sound_first(&text);
            if let Some(last) = self.last_codec {
                text = sdp::codec_last(&text, last);
            }
        }
        let said = Say { offer: false, revision, text: text.into() };
        self.answered = Some(said.clone());
        self.agree();
        Ok(Some(said))
    }

    /// The client's answer to our offer. False if it is not for the offer that waits.
    ///
    /// # Errors
    /// The description cannot be used.
    pub fn handle_answer(&mut self, rtc: &mut Rtc, revision: u64, text: &str) -> Result<bool, MediaRefusal> {
        let Some(pending) = self.pending.take_if(|pending| pending.said.revision == revision) else { return Ok(false) };
        sdp::check(text)?;
        let answer = SdpAnswer::from_sdp_string(&sdp::without_candidates(text)).map_err(|_| UNREADABLE)?;
        rtc.sdp_api().accept_answer(pending.token, answer).map_err(|_| UNFIT)?;
        self.learn(rtc, &View::parse(text), true);
        self.force_directions(rtc);
        self.agree();
        Ok(true)
    }

    /// Our next offer, if there is something to say and it is our turn.
    pub fn make_offer(&mut self, rtc: &mut Rtc) -> Option<Say> {
        if !self.dirty || self.answered.is_none() || self.pending.is_some() || self.answers_only {
            return None;
        }
        self.dirty = false;
        self.drop_unwanted();
        self.place_in_free_sections(rtc);
        let fresh = self.place_in_new_sections();
        let mut api = rtc.sdp_api();
        let added: Vec<(Mid, Wanted, Arc<str>)> = fresh
            .into_iter()
            .map(|(wanted, label)| {
                let kind = if wanted.video { MediaKind::Video } else { MediaKind::Audio };
                (api.add_media(kind, Direction::SendOnly, Some("-".into()), Some(label.to_string()), None), wanted, label)
            })
            .collect();
        for section in self.sections.iter().filter(|section| section.is_live_media()) {
            api.set_direction(section.mid, section.direction());
        }
        for config in self.channels.drain(..) {
            let label = config.label.clone();
            self.opened.push((label, api.add_channel_with_config(config)));
        }
        let (offer, token) = api.apply()?;
        let text = offer.to_sdp_string();
        self.add_sections(rtc, &View::parse(&text), added);
        self.revision += 1;
        let said = Say { offer: true, revision: self.revision, text: self.rewrite(&text).into() };
        self.pending = Some(Pending { token, said: said.clone() });
        Some(said)
    }

    /// The offer that waits for an answer.
    pub fn unanswered(&self) -> Option<&Say> {
        self.pending.as_ref().map(|pending| &pending.said)
    }

    /// Tracks for the client, placed and not yet dropped.
    pub fn placements(&self) -> impl Iterator<Item = &Placement> {
        self.sections.iter().filter_map(|section| section.down.as_ref()).filter(|down| !down.spent)
    }

    /// Tracks of the client's, with their sections.
    pub fn ups(&self) -> impl Iterator<Item = (Mid, &Up)> {
        self.sections.iter().filter_map(|section| section.up.as_ref().map(|up| (section.mid, up)))
    }

    /// Every source that the client announces in the sections in which it sends, repairs included.
    pub fn announced(&self) -> impl Iterator<Item = u32> {
        self.ups().flat_map(|(_, up)| up.announced.iter().copied())
    }

    /// Takes over what a description of the client's says of its sections. Those that it does not name are gone: a client that stops
    /// a section gives its place to another, under another name (RFC 8829, section 5.2.2).
    fn learn(&mut self, rtc: &mut Rtc, view: &View, answer: bool) {
        if self.name.is_empty() {
            let mut part = || *rtc.direct_api().new_ssrc();
            self.name = format!("{:08x}{:08x}{:08x}", part(), part(), part());
        }
        let named = |section: &Section| view.section(&section.mid.to_string()).is_some();
        for gone in self.sections.extract_if(.., |section| !named(section)) {
            gone.forget(rtc);
        }
        for told in &view.sections {
            if told.kind == SectionKind::Other {
                self.messages = true;
                continue;
            }
            let mid = Mid::from(told.mid.as_str());
            let index = self.sections.iter().position(|section| section.mid == mid).unwrap_or_else(|| {
                self.sections.push(Section::new(mid, told.kind, self.stream()));
                self.sections.len() - 1
            });
            let Some(section) = self.sections.get_mut(index) else { continue };
            let lost = section.learn(rtc, told, self.answers_only);
            if let Some(wanted) = self.wanted.iter_mut().find(|wanted| Some(wanted.track) == lost) {
                // Who stops a section of its own accord is done with what it sent there.
                wanted.refused += u8::from((answer || !told.rejected) && !self.answers_only);
                self.dirty = true;
            }
        }
    }

    fn drop_unwanted(&mut self) {
        for section in &mut self.sections {
            section.down.take_if(|down| down.spent);
        }
    }

    /// Places wanted tracks in sections that carry nothing down and of which the client knows that.
    fn place_in_free_sections(&mut self, rtc: &mut Rtc) {
        for wanted in self.unplaced() {
            let kind = if wanted.video { SectionKind::Video } else { SectionKind::Audio };
            let open = |section: &Section| section.is_free(kind) && (section.receives || !self.answers_only);
            let Some(index) = self.sections.iter().position(open) else { continue };
            let label = self.fresh_label(wanted.track);
            if let Some(section) = self.sections.get_mut(index) {
                let (track, mid, (ssrc, rtx)) = (wanted.track, section.mid, self.sources.pair(rtc, kind));
                section.down = Some(Placement { track, label, mid, ssrc, rtx, ready: false, spent: false });
            }
        }
    }

    fn place_in_new_sections(&mut self) -> Vec<(Wanted, Arc<str>)> {
        self.unplaced().into_iter().map(|wanted| (wanted, self.fresh_label(wanted.track))).collect()
    }

    fn unplaced(&self) -> Vec<Wanted> {
        let placed = |track| self.placements().any(|down| down.track == track);
        let open = |wanted: &&Wanted| wanted.refused < PLACEMENTS_REFUSED_MAX && !placed(wanted.track);
        self.wanted.iter().filter(open).copied().collect()
    }

    /// Tracks one by one belong to no stream; sound and pictures of a mix are played in step.
    fn stream(&self) -> &'static str {
        if self.answers_only { "mix" } else { sdp::NO_STREAM }
    }

    fn fresh_label(&mut self, track: TrackId) -> Arc<str> {
        self.serial += 1;
        format!("{:032x}-{:x}-{:x}", track.0, self.salt, self.serial).into()
    }

    /// The sections that our offer adds.
    fn add_sections(&mut self, rtc: &mut Rtc, offer: &View, added: Vec<(Mid, Wanted, Arc<str>)>) {
        for (mid, wanted, label) in added {
            let Some(told) = offer.section(&mid.to_string()) else { continue };
            let (ssrc, rtx) = self.sources.pair(rtc, told.kind);
            let placement = Placement { track: wanted.track, label, mid, ssrc, rtx, ready: false, spent: false };
            let section = Section { down: Some(placement), ..Section::new(mid, told.kind, self.stream()) };
            self.sections.push(section);
        }
    }

    /// The library takes directions from the client's text; ours come from the table.
    fn force_directions(&self, rtc: &mut Rtc) {
        let mut api = rtc.sdp_api();
        for section in self.sections.iter().filter(|section| section.is_live_media()) {
            api.set_direction(section.mid, section.direction());
        }
    }

    fn rewrite(&self, text: &str) -> String {
        sdp::rewrite(text, &self.name, |mid| {
            let mid = Mid::from(mid);
            self.sections.iter().find(|section| section.mid == mid && section.is_live_media()).map(Section::shape)
        })
    }

    /// The tracks that the client receives and knows of.
    pub fn known(&self) -> impl Iterator<Item = &Placement> {
        self.sections.iter().filter_map(|section| section.down.as_ref()).filter(|down| down.ready)
    }

    /// Our name towards the client: one for all tracks, and as long as there is a transport.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sections that carry tracks, or may.
    pub fn media(&self) -> impl Iterator<Item = Mid> {
        self.sections.iter().filter(|section| section.kind != SectionKind::Other).map(|section| section.mid)
    }

    /// Both ends have the same description now.
    fn agree(&mut self) {
        for section in &mut self.sections {
            section.told_send = section.down.is_some();
            if let Some(down) = &mut section.down {
                down.ready = true;
            }
        }
        // Something may have been wanted meanwhile.
        self.dirty = true;
    }
}

/// Sources for tracks. No two are the same until four thousand million were used: of each, numbers are used once, and they would begin
/// anew with another track (RFC 3711, section 9.1).
#[derive(Default)]
struct Sources {
    /// Random, and how many were used.
    first: Option<(u32, u32)>,
}

impl Sources {
    /// Odd, so that its multiples differ, and far from each other.
    const STEP: u32 = 0x9e37_79b1;

    /// One that is not the client's either.
    fn fresh(&mut self, rtc: &mut Rtc) -> Ssrc {
        loop {
            let (first, used) = self.first.get_or_insert_with(|| (*rtc.direct_api().new_ssrc(), 0));
            *used = used.wrapping_add(1);
            let ssrc = Ssrc::from(first.wrapping_add(used.wrapping_mul(Self::STEP)));
            // Source 0 stands for none.
            if *ssrc != 0 && rtc.direct_api().stream_rx(&ssrc).is_none() {
                return ssrc;
            }
        }
    }

    /// For a track, and for its repairs if it is repaired.
    fn pair(&mut self, rtc: &mut Rtc, kind: SectionKind) -> (Ssrc, Option<Ssrc>) {
        (self.fresh(rtc), (kind == SectionKind::Video).then(|| self.fresh(rtc)))
    }
}

impl Section {
    fn new(mid: Mid, kind: SectionKind, stream: &'static str) -> Self {
        Section { mid, kind, up: None, down: None, told_send: false, receives: true, stream, stopped: false }
    }

    /// Takes over what the client says; returns the track that it does not want to receive here. `unnamed`: a section without the name
    /// of a track may carry one, known by the section's name.
    fn learn(&mut self, rtc: &mut Rtc, told: &SectionView, unnamed: bool) -> Option<TrackId> {
        self.receives = told.receives;
        let label = told.msid.as_deref().or(Some(&*told.mid).filter(|_| unnamed));
        let up = label.filter(|_| told.sends).map(|label| Up {
            label: label.into(),
            layers: told.layers(),
            rids: told.rids_smallest_first(),
            announced: told.ssrcs.clone(),
        });
        let kept = |ssrc: &u32| up.as_ref().is_some_and(|up| up.announced.contains(ssrc));
        for ssrc in self.up.iter().flat_map(|up| &up.announced).filter(|ssrc| !kept(ssrc)) {
            rtc.direct_api().remove_stream_rx(Ssrc::from(*ssrc));
        }
        self.up = up.filter(|_| !told.rejected);
        self.stopped = told.rejected;
        let lost = self.down.take_if(|_| !told.receives || told.rejected)?;
        (!lost.spent).then_some(lost.track)
    }

    /// Nothing is sent or received here any more.
    fn forget(self, rtc: &mut Rtc) {
        let mut api = rtc.direct_api();
        for ssrc in self.up.into_iter().flat_map(|up| up.announced) {
            api.remove_stream_rx(Ssrc::from(ssrc));
        }
    }

    fn is_live_media(&self) -> bool {
        self.kind != SectionKind::Other && !self.stopped
    }

    fn is_free(&self, kind: SectionKind) -> bool {
        self.kind == kind && self.down.is_none() && !self.told_send && !self.stopped
    }

    fn direction(&self) -> Direction {
        match (self.down.is_some(), self.up.is_some()) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    fn shape(&self) -> Shape {
        let send = self.down.as_ref().map(|down| SendShape {
            stream: self.stream,
            label: down.label.to_string(),
            ssrc: *down.ssrc,
            rtx: down.rtx.map(|rtx| *rtx),
        });
        Shape { send, receive: self.up.is_some() }
    }
}

#[cfg(test)]
mod tests;
