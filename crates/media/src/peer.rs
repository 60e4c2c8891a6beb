//! One client's transport: the only place that touches the WebRTC library.
//!
//! The library wants to be drained after each change until it names the time at which it wants to be called again; every public
//! function here that changes something ends in [`Peer::drain`], so nobody else can forget.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Channel, LinkId, MediaRefusal, ParticipantId, RoomId, TrackId, VideoCodec, View};
use str0m::bwe::{Bitrate, BweKind};
use str0m::channel::{ChannelData, ChannelId};
use str0m::format::{Codec, CodecConfig, PayloadParams};

use str0m::media::{KeyframeRequestKind, Mid, Pt};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc};
use str0m::stats::{MediaEgressStats, MediaIngressStats, PeerStats};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, PacerReason, Reason, Rtc, RtcConfig};

use crate::data::{Lines, Manner, Use};
use crate::demux::Class;
use crate::forward::Rewritten;
use crate::limit::{self, DATA_QUEUED_BYTES_MAX};
use crate::mix::Piece;
use crate::negotiate::{Negotiation, Placement, Say};
use crate::repair::Repairs;
use crate::settings::Settings;

/// Assumed of every connection until it shows what it can take: enough for a few pictures at once, and soon taken back where it is
/// too much.
const FIRST_ESTIMATE: Bitrate = Bitrate::kbps(5_000);

/// How often it counts.
const STATS_INTERVAL: Duration = Duration::from_secs(1);

/// How long the library may go without a look at its timers after the last packet in line has left. The next packet is a look as well,
/// and where media flows it comes sooner than this: a track of sound has one each 20 ms.
const LOOK_PAUSE: Duration = Duration::from_millis(25);

/// The same while the library fills up what is sent, to find out how much the way takes: that goes by the millisecond.
const LOOK_PAUSE_PROBING: Duration = Duration::from_millis(2);

/// How many packets leave at once before somebody else's do.
const PACKETS_AT_ONCE_MAX: usize = 512;

/// A client that was not heard where it was for so long, and is heard elsewhere, has moved.
const HOME_SILENCE: Duration = Duration::from_millis(500);

/// Where a peer leaves what it has to say; reused from turn to turn.
#[derive(Default)]
pub(crate) struct Outbox {
    pub transmits: VecDeque<Transmit>,
    pub packets: Vec<RtpPacket>,
    pub news: Vec<PeerNews>,
    /// Packets that were asked for again and did not leave.
    pub repairs_refused: u64,
}

/// What happened on a transport, besides packets.
pub(crate) enum PeerNews {
    Connected,
    Path(IceConnectionState),
    Keyframe(Mid),
    ChannelOpen(ChannelId, String),
    ChannelData(ChannelData),
    ChannelClose(ChannelId),
    Estimate(Bitrate),
    Stats(Box<PeerStats>),
    In(Box<MediaIngressStats>),
    Out(Box<MediaEgressStats>),
    Closed,
}

/// By what protocol, from where, to where.
pub(crate) type Path = (Protocol, SocketAddr, SocketAddr);

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was for this peer.
    Yes,
    /// It comes from where this peer is not, or is not signed by it.
    NotOurs,
    /// It was for this peer and makes no sense; nothing happened.
    Broken,
}

/// One client.
pub(crate) struct Peer {
    pub room: RoomId,
    pub who: ParticipantId,
    pub link: LinkId,
    rtc: Rtc,
    talk: Negotiation,
    lines: Lines,
    /// When the library wants to be called again.
    due: Instant,
    /// When it wanted to be, for a reason that cannot wait for the next packet.
    look_by: Option<Instant>,
    /// It fills up what is sent, to find out how much the way takes.
    probing: bool,
    errors: u32,
    /// The sources of packets that were put in line and did not leave yet.
    line: Vec<Ssrc>,
    repairs: Repairs,
    /// Bytes a second that would be sent if there were room.
    desired: u64,
    /// Where it sends from, and when it was last heard there.
    home: Option<(Protocol, SocketAddr, Instant)>,
    /// Where else checks of its came from.
    elsewhere: Vec<(Protocol, SocketAddr)>,
}

/// How many such places are kept in mind.
const ELSEWHERE_MAX: usize = 8;

/// How many times in a row the library may fail to do what it is time for before the peer is given up.
const ERRORS_MAX: u32 = 50;

/// How long it is left alone after a failure.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

impl Peer {
    pub fn new(
        now: Instant,
        settings: &Settings,
        place: (RoomId, ParticipantId, LinkId),
        codecs: &[VideoCodec],
        view: View,
    ) -> Self {
        let mut rtc = config(settings, &codecs_for(codecs, view)).build(now);
        for candidate in settings.candidates.iter().filter_map(|address| address.candidate()) {
            rtc.add_local_candidate(candidate);
        }
        let (room, who, link) = place;
        let talk = match view {
            View::Tracks => Negotiation::new(settings.salt),
            // Of what only the mixer takes, those who receive tracks would see nothing.
            View::Mix => Negotiation::answering(settings.salt, (!codecs.contains(&VideoCodec::Vp9)).then_some("VP9")),
        };
        let (lines, line, elsewhere) = (Lines::default(), Vec::new(), Vec::new());
        Peer {
            room,
            who,
            link,
            rtc,
            talk,
            lines,
            due: now,
            look_by: None,
            probing: false,
            errors: 0,
            line,
            repairs: Repairs::new(now),
            desired: 0,
            home: None,
            elsewhere,
        }
    }

    /// The name by which checks for this peer are known (RFC 8445, section 5.3).
    pub fn ufrag(&mut self) -> String {
        self.rtc.direct_api().local_ice_credentials().ufrag
    }

    /// When [`handle_timeout`](Peer::handle_timeout) should be called.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Whether the transport may still carry something.
    pub fn is_alive(&self) -> bool {
        self.rtc.is_alive() && self.errors < ERRORS_MAX
    }

    /// Whether there is a path and the handshake is over.
    pub fn is_connected(&self) -> bool {
        self.rtc.is_connected()
    }

    /// Whether media of this client's comes from there, or could.
    pub fn holds(&self, (proto, source, destination): Path) -> bool {
        /// The least that counts as a packet of media.
        const PACKET: [u8; 12] = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let receive = Receive::new(proto, source, destination, &PACKET);
        receive.is_ok_and(|receive| self.rtc.accepts(&Input::Receive(self.due, receive)))
    }

    /// A datagram. Looks first whether this peer may hear it: the library does not.
    pub fn handle_datagram(&mut self, now: Instant, (proto, source, destination): Path, bytes: &[u8], out: &mut Outbox) -> Taken {
        let Ok(receive) = Receive::new(proto, source, destination, bytes) else { return Taken::Broken };
        let input = Input::Receive(now, receive);
        if !self.rtc.accepts(&input) {
            return Taken::NotOurs;
        }
        // RFC 6347, section 4.1.2.7: what is invalid is dropped, and nothing ends.
        let taken = if self.rtc.handle_input(input).is_ok() { Taken::Yes } else { Taken::Broken };
        self.note_source(now, (proto, source), Class::of(bytes));
        self.drain(now, out);
        taken
    }

    /// A client whose router gives it another address, or that has changed networks, is followed to where it sends from. Of several
    /// addresses that the client has nominated the library takes the best, and of equals the first, for as long as that may work.
    fn note_source(&mut self, now: Instant, (proto, source): (Protocol, SocketAddr), class: Class) {
        match &mut self.home {
            Some((home, address, heard)) if (*home, *address) == (proto, source) => *heard = now,
            _ if class == Class::Stun => {
                if self.elsewhere.len() < ELSEWHERE_MAX && !self.elsewhere.contains(&(proto, source)) {
                    self.elsewhere.push((proto, source));
                }
            }
            Some((home, address, heard)) if now.saturating_duration_since(*heard) >= HOME_SILENCE => {
                // A router forgets all of them at once, and the library would try each for as long as the first. One that works after
                // all is learnt again from its next check.
                let former = self.elsewhere.drain(..).filter(|place| *place != (proto, source)).chain([(*home, *address)]);
                for old in former.filter_map(|(proto, address)| reflexive(proto, address)) {
                    self.rtc.direct_api().invalidate_candidate(&old);
                }
                self.home = Some((proto, source, now));
            }
            Some(_) => {}
            None => self.home = Some((proto, source, now)),
        }
    }

    /// The time named by [`due`](Peer::due) has come.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        let looked = self.look_around(now);
        let drained = self.drain(now, out);
        self.errors = if looked && drained { 0 } else { self.errors.saturating_add(1) };
    }

    /// The client's offer; our answer, unless the offer lost or is old.
    pub fn handle_offer(
        &mut self,
        now: Instant,
        revision: u64,
        text: &str,
        out: &mut Outbox,
    ) -> Result<Option<Say>, MediaRefusal> {
        let said = self.talk.handle_offer(&mut self.rtc, revision, text);
        self.drain(now, out);
        said
    }

    /// The client's answer to our offer; false if none waits for it.
    pub fn handle_answer(&mut self, now: Instant, revision: u64, text: &str, out: &mut Outbox) -> Result<bool, MediaRefusal> {
        let taken = self.talk.handle_answer(&mut self.rtc, revision, text);
        self.drain(now, out);
        taken
    }

    /// Our next offer, if it is our turn.
    pub fn make_offer(&mut self, now: Instant, out: &mut Outbox) -> Option<Say> {
        let said = self.talk.make_offer(&mut self.rtc);
        for (label, id) in self.talk.take_opened() {
            self.lines.name(&label, id);
        }
        self.drain(now, out);
        said
    }

    /// The offer that the client has not answered.
    pub fn unanswered(&self) -> Option<&Say> {
        self.talk.unanswered()
    }

    /// Makes these the tracks, with whether each is video, that the client receives.
    pub fn want(&mut self, tracks: impl Iterator<Item = (TrackId, bool)>) {
        self.talk.want(tracks);
    }

    /// Where the tracks are that the client receives.
    pub fn placements(&self) -> impl Iterator<Item = &Placement> {
        self.talk.placements()
    }

    /// The tracks that the client sends, with their sections.
    pub fn ups(&self) -> impl Iterator<Item = (Mid, &crate::negotiate::Up)> {
        self.talk.ups()
    }

    /// What a section carries.
    pub fn kind_of(&self, mid: Mid) -> room::Kind {
        let audio = self.rtc.media(mid).is_some_and(|media| media.kind().is_audio());
        if audio { room::Kind::Audio } else { room::Kind::Video }
    }

    /// Where a source belongs that no description announced: its section and the name of its layer.
    pub fn place_of(&mut self, ssrc: Ssrc) -> Option<(Mid, Option<String>)> {
        let mut api = self.rtc.direct_api();
        api.stream_rx(&ssrc).map(|stream| (stream.mid(), stream.rid().map(|rid| rid.to_string())))
    }

    /// How a payload type of this client's is spelled out.
    pub fn params(&self, pt: Pt) -> Option<PayloadParams> {
        self.rtc.codec_config().find(|params| params.pt() == pt).copied()
    }

    /// This client's payload type for what another client's means.
    pub fn payload_type(&self, params: PayloadParams) -> Option<Pt> {
        self.rtc.codec_config().match_params(params).map(PayloadParams::pt)
    }

    /// This client's payload type for a codec, where one of the tracks that it receives is placed.
    pub fn payload_type_at(&self, ssrc: Ssrc, codec: Codec) -> Option<Pt> {
        let placement = self.placements().find(|placement| placement.ssrc == ssrc)?;
        let negotiated = self.rtc.media(placement.mid)?.remote_pts();
        let all = self.rtc.codec_config().params().iter();
        all.filter(|params| params.spec().codec == codec).map(PayloadParams::pt).find(|pt| negotiated.contains(pt))
    }

    /// Puts one packet in line for the client. [`send`](Peer::send) sends what is in line.
    pub fn write(&mut self, now: Instant, ssrc: Ssrc, pt: Pt, packet: &RtpPacket, new: &Rewritten, repairable: bool) {
        let write = RtpWrite::new(pt, new.seq.into(), new.time, now, Arc::clone(&packet.payload));
        let write = write.marker(packet.header.marker).ext_vals(passed_on(&packet.header.ext_vals));
        self.put_in_line(ssrc, write, new, repairable);
    }

    /// The same for a packet of our own making. `shown`: the moment that it is of; what is of one moment is played at one time.
    pub fn write_made(&mut self, shown: Instant, (ssrc, pt): (Ssrc, Pt), piece: &Piece, new: &Rewritten, repairable: bool) {
        let write = RtpWrite::new(pt, new.seq.into(), new.time, shown, Arc::clone(&piece.payload));
        self.put_in_line(ssrc, write.marker(piece.last), new, repairable);
    }

    fn put_in_line(&mut self, ssrc: Ssrc, write: RtpWrite, new: &Rewritten, repairable: bool) {
        let mut write = write.nackable(repairable);
        if let Some(patch) = new.vp8 {
            write = write.vp8_patch(patch);
        }
        if let Some(stream) = self.rtc.direct_api().stream_tx(&ssrc) {
            stream.write_rtp(write);
            if self.line.len() < PACKETS_AT_ONCE_MAX {
                self.line.push(ssrc);
            }
        }
    }

    /// Sends what [`write`](Peer::write) put in line.
    pub fn send(&mut self, now: Instant, out: &mut Outbox) {
        self.handle_timeout(now, out);
    }

    /// Asks the client for a key frame of one layer.
    pub fn ask_keyframe(&mut self, now: Instant, ssrc: Ssrc, out: &mut Outbox) {
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
        self.drain(now, out);
    }

    /// What the client's video would take if there were room, and what it takes now, in bits per second: how far to probe.
    pub fn set_bitrate(&mut self, now: Instant, least: Bitrate, desired: Bitrate, out: &mut Outbox) {
        self.desired = desired.as_u64() / 8;
        self.rtc.bwe().set_bitrate(least, desired);
        self.drain(now, out);
    }

    /// Opens a channel for a door's words, or one on which the client receives a track.
    pub fn open_line(&mut self, now: Instant, label: &str, purpose: Use, manner: Manner, out: &mut Outbox) {
        let id = self.talk.open_channel(&mut self.rtc, manner.config(label));
        self.lines.add(id, label, purpose, manner);
        self.drain(now, out);
    }

    /// Closes a channel.
    pub fn close_line(&mut self, now: Instant, purpose: &Use, out: &mut Outbox) {
        match self.lines.give_up(purpose) {
            Some((Some(id), _)) => self.rtc.direct_api().close_data_channel(id),
            Some((None, label)) => self.talk.forget_channel(&label),
            None => return,
        }
        self.drain(now, out);
    }

    /// A channel has opened. What it is for, or none if it is of no use: then it is closed.
    pub fn line_opened(&mut self, now: Instant, id: ChannelId, label: &str, out: &mut Outbox) -> Option<Use> {
        let manner = Manner::of(self.rtc.channel(id).as_ref().and_then(|channel| channel.config()));
        let Some(line) = self.lines.opened(id, label, manner) else {
            self.rtc.direct_api().close_data_channel(id);
            self.drain(now, out);
            return None;
        };
        let (purpose, waiting) = (line.purpose.clone(), line.take_waiting());
        for text in waiting {
            self.write_line(id, false, text.as_bytes());
        }
        self.drain(now, out);
        Some(purpose)
    }

    /// A channel is gone; what it was for.
    pub fn line_closed(&mut self, id: ChannelId) -> Option<Use> {
        self.lines.closed(id).map(|line| line.purpose)
    }

    /// What a channel is for.
    pub fn use_of(&self, id: ChannelId) -> Option<&Use> {
        self.lines.by_id(id).map(|line| &line.purpose)
    }

    /// How messages travel on a track that the client publishes, once its channel has opened.
    pub fn manner_of_up(&self, label: &str) -> Option<Manner> {
        self.lines.up(label).map(|line| line.manner)
    }

    /// The data tracks that the client receives, or will, with the labels of their channels.
    pub fn data_downs(&self) -> impl Iterator<Item = (TrackId, &Arc<str>)> {
        self.lines.downs().map(|(track, line)| (track, &line.label))
    }

    /// Says a door's words, when the channel has opened.
    pub fn say(&mut self, now: Instant, channel: Channel, text: Arc<str>, out: &mut Outbox) {
        let Some(line) = self.lines.by_use(&Use::Words(channel)) else { return };
        match line.id.filter(|_| line.open) {
            Some(id) => drop(self.write_line(id, false, text.as_bytes())),
            None => line.keep(text),
        }
        self.drain(now, out);
    }

    /// Passes a message on. False if it had to be given up although the track is reliable: then the channel is of no use any more.
    pub fn pass(&mut self, now: Instant, track: TrackId, binary: bool, data: &[u8], out: &mut Outbox) -> bool {
        let Some(line) = self.lines.by_use(&Use::Down(track)) else { return true };
        let Some(id) = line.id.filter(|_| line.open) else { return true };
        let reliable = line.manner.reliable();
        let written = self.write_line(id, binary, data);
        self.drain(now, out);
        written || !reliable
    }

    fn write_line(&mut self, id: ChannelId, binary: bool, data: &[u8]) -> bool {
        self.rtc.channel(id).is_some_and(|mut channel| channel.write(binary, data).unwrap_or(false))
    }

    /// Ends the transport and says so to the client.
    pub fn close(&mut self, now: Instant, out: &mut Outbox) {
        // It fails only where nothing was established, and then there is nothing to say.
        let _ = self.rtc.close();
        self.drain(now, out);
    }

    /// Takes everything the library has, until it names a time.
    ///
    /// Its pacer lets one packet out for each call and wants to be called again at once. Of a line of packets all but the last are
    /// followed by that call right here, so that they leave together; the last is followed by it a little later.
    ///
    /// False if the library failed. Only what fails when time is up counts against the peer: whoever can send a datagram that makes
    /// the library fail could end it otherwise.
    fn drain(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let (mut left, mut fine) = (PACKETS_AT_ONCE_MAX, true);
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(due)) if left == 0 || !self.is_held_back() => {
                    self.rest_until(now, due);
                    return fine;
                }
                Ok(Output::Timeout(_)) => {
                    left -= 1;
                    fine &= self.look_around(now);
                }
                Ok(Output::Transmit(transmit)) => {
                    let in_line = self.leaves_line(&transmit.contents);
                    if self.may_leave(now, &transmit.contents, in_line) {
                        out.transmits.push_back(transmit);
                    } else {
                        out.repairs_refused += 1;
                    }
                    if in_line && self.line.is_empty() {
                        // Nothing is left: whatever else there is comes before packets.
                        self.due = self.next_look(now);
                        return fine;
                    }
                    if in_line && left > 0 {
                        left -= 1;
                        fine &= self.look_around(now);
                    }
                }
                Ok(Output::Event(Event::RtpPacket(packet))) => out.packets.push(packet),
                Ok(Output::Event(event)) => out.news.extend(news_of(event)),
                Err(problem) => {
                    tracing::debug!(%problem, room = ?self.room, who = ?self.who, "a transport failed");
                    let next = now + ERROR_PAUSE;
                    self.due = if self.due > now { self.due.min(next) } else { next };
                    return false;
                }
            }
        }
    }

    /// Whether more might leave if the library were called again.
    fn is_held_back(&self) -> bool {
        self.rtc.last_timeout_reason() == Reason::Pacer(PacerReason::Immediate)
    }

    fn look_around(&mut self, now: Instant) -> bool {
        self.rtc.handle_input(Input::Timeout(now)).is_ok()
    }

    /// Whether a datagram is a packet that was put in line; it has left then.
    fn leaves_line(&mut self, datagram: &[u8]) -> bool {
        let source = source_of(datagram);
        let place = self.line.iter().position(|own| Some(*own) == source);
        place.is_some_and(|place| {
            self.line.swap_remove(place);
            true
        })
    }

    /// Whether a datagram goes on its way. Not if it repeats a packet for a client that has asked for too many: then nothing can be
    /// repeated any more of what was sent until now, and what else was asked for is forgotten with it.
    fn may_leave(&mut self, now: Instant, datagram: &[u8], in_line: bool) -> bool {
        if in_line {
            self.repairs.note_media(now, datagram.len());
            return true;
        }
        let repair = source_of(datagram).is_some_and(|source| self.talk.is_repair(source));
        let may = !repair || self.repairs.may_send(now, datagram.len());
        if !may {
            self.talk.forget_sent(&mut self.rtc);
        }
        may
    }

    /// The library has nothing more to say before then.
    fn rest_until(&mut self, now: Instant, due: Instant) {
        use PacerReason::{Handle, Padding, Probe1, Probe2};
        let reason = self.rtc.last_timeout_reason();
        self.due = due;
        self.probing = matches!(reason, Reason::Pacer(Padding | Probe1 | Probe2));
        if self.probing {
            self.repairs.note_probing(now, self.desired);
        }
        // The rest can wait for the next packet, which is a call too.
        self.look_by = Some(due).filter(|_| self.probing || matches!(reason, Reason::Nack | Reason::Twcc));
        // When its pacer has nothing to send, nothing is in line: what the library gave up is not waited for.
        if matches!(reason, Reason::Pacer(Handle | Padding)) {
            self.line.clear();
        }
    }

    /// When to call the library after the last packet in line has left. What it last waited for stays, as far as it is still to come.
    fn next_look(&self, now: Instant) -> Instant {
        let pause = now + if self.probing { LOOK_PAUSE_PROBING } else { LOOK_PAUSE };
        self.look_by.filter(|by| *by > now).map_or(pause, |by| by.min(pause))
    }
}

/// The source of a packet of media (RFC 3550, section 5.1).
fn source_of(datagram: &[u8]) -> Option<Ssrc> {
    let bytes = datagram.get(8..12).filter(|_| Class::of(datagram) == Class::Rtp)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?).into())
}

fn news_of(event: Event) -> Option<PeerNews> {
    Some(match event {
        Event::Connected => PeerNews::Connected,
        Event::IceConnectionStateChange(state) => PeerNews::Path(state),
        Event::KeyframeRequest(request) => PeerNews::Keyframe(request.mid),
        Event::ChannelOpen(id, label) => PeerNews::ChannelOpen(id, label),
        Event::ChannelData(data) => PeerNews::ChannelData(data),
        Event::ChannelClose(id) => PeerNews::ChannelClose(id),
        Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => PeerNews::Estimate(estimate),
        Event::PeerStats(stats) => PeerNews::Stats(Box::new(stats)),
        Event::MediaIngressStats(stats) => PeerNews::In(Box::new(stats)),
        Event::MediaEgressStats(stats) => PeerNews::Out(Box::new(stats)),
        Event::Closed => PeerNews::Closed,
        _ => return None,
    })
}

/// The header extensions that mean something to the receiver; the others belong to the transport that a packet came by.
fn passed_on(values: &ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        audio_level: values.audio_level,
        voice_activity: values.voice_activity,
        video_orientation: values.video_orientation,
        video_content_type: values.video_content_type,
        play_delay_min: values.play_delay_min,
        play_delay_max: values.play_delay_max,
        ..ExtensionValues::default()
    }
}

/// A client's address as the library knows it: none was told, so all were learnt from checks.
fn reflexive(proto: Protocol, address: SocketAddr) -> Option<Candidate> {
    let transport = if proto == Protocol::Udp { "udp" } else { "tcp" };
    let line = format!("candidate:1 1 {transport} 1 {} {} typ prflx", address.ip(), address.port());
    Candidate::from_sdp_string(&line).ok()
}

/// The codecs of a client, best first. A mix is of VP8, and takes whatever somebody has to send, though that of which others have nothing
/// comes last.
fn codecs_for(room: &[VideoCodec], view: View) -> Vec<VideoCodec> {
    let usual = [VideoCodec::Vp8, VideoCodec::H264];
    let mut codecs = if room.is_empty() { usual.to_vec() } else { room.to_vec() };
    for codec in usual.into_iter().chain([VideoCodec::Vp9]).filter(|_| view == View::Mix) {
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    codecs
}

fn config(settings: &Settings, codecs: &[VideoCodec]) -> RtcConfig {
    let config = RtcConfig::new()
        .set_crypto_provider(Arc::clone(&settings.crypto))
        .set_dtls_cert(settings.certificate.clone())
        .set_rtp_mode(true)
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_sctp_max_message_size(limit::MESSAGE_BYTES_MAX)
        .set_sctp_max_buffered_amount(DATA_QUEUED_BYTES_MAX)
        .enable_bwe(Some(FIRST_ESTIMATE))
        .clear_codecs()
        .enable_opus(true, false)
        .enable_pcmu(true, false)
        .enable_pcma(true, false);
    let config = codecs.iter().fold(config, |config, codec| match codec {
        VideoCodec::Vp8 => config.enable_vp8(true),
        VideoCodec::H264 => config.enable_h264(true),
        VideoCodec::Vp9 => config.enable_vp9(true),
    });
    without_remb(probing_with_pictures(config))
}

/// An older report on bandwidth, by the receiver. Estimates here come from reports on single packets alone, so nobody need send it.
fn without_remb(mut config: RtcConfig) -> RtcConfig {
    let mut all = config.codec_config().params().to_vec();
    all.iter_mut().for_each(|params| params.set_fb_remb(false));
    *config.codec_config() = CodecConfig::new_from_payload_params(all);
    config
}

/// Probes travel with pictures only, as repairs of them. Where there are none the library would send probes under source 0 on the first
/// section that takes feedback, and Firefox takes such a source for the new one of the section's sound, which it then plays no more.
fn probing_with_pictures(mut config: RtcConfig) -> RtcConfig {
    let mut all = config.codec_config().params().to_vec();
    all.iter_mut().filter(|params| params.spec().codec.is_audio()).for_each(|params| params.set_fb_transport_cc(false));
    *config.codec_config() = CodecConfig::new_from_payload_params(all);
    config
}

/// An address at which clients reach this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// What clients are told, and where their datagrams come to as the engine sees it: where somebody in between translates, the worker
    /// does so too.
    pub at: SocketAddr,
    /// Datagrams or framed TCP.
    pub protocol: Protocol,
}

impl Address {
    fn candidate(&self) -> Option<Candidate> {
        match self.protocol {
            Protocol::Udp => Candidate::host(self.at, Protocol::Udp).ok(),
            Protocol::Tcp => Candidate::builder().tcp().host(self.at).tcptype(str0m::net::TcpType::Passive).build().ok(),
            _ => None,
        }
    }
}
