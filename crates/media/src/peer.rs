//! One client's transport: the only place that touches the WebRTC library.
//!
//! The library wants to be drained after each change until it names the time at which it wants to be called again; every public
//! function here that changes something ends in [`Peer::drain`], so nobody else can forget.

mod checks;
mod config;
mod foredata;
mod gate;
mod lines;
mod reach;
mod silence;
mod sources;
mod way;
mod whereabouts;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{LinkId, MediaRefusal, ParticipantId, RoomId, TrackId, VideoCodec, View};
use str0m::bwe::Bitrate;
use str0m::channel::{ChannelData, ChannelId};
use str0m::config::CryptoProvider;
use str0m::format::{Codec, PayloadParams};
use str0m::media::{KeyframeRequestKind, Mid, Pt};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::stats::{MediaEgressStats, MediaIngressStats, PeerStats};
use str0m::{Event, Input, Output, Rtc, RtcError};

use crate::arrival::Arrival;
use crate::data::Lines;
use crate::demux::{Class, Transaction};
use crate::forward::Rewritten;
use crate::keys;
use crate::mix::Piece;
use crate::negotiate::{Negotiation, Placement, Say};
use crate::net::Batch;
use crate::send::{Extras, Heard, Packet, Place, Sender};
use crate::settings::Settings;
use checks::Checks;
pub use config::Address;
use foredata::Foredata;
use gate::Gate;
use reach::Reach;
use silence::Silence;
use sources::Admitted;
use whereabouts::Whereabouts;

/// How often it counts.
const STATS_INTERVAL: Duration = Duration::from_secs(1);

/// Ticks a second of the timestamps of Opus (RFC 7587, section 4.1).
const OPUS_HZ: u32 = 48_000;

/// Of what is sent, one part of so many is headers. Tracks are measured without.
const HEADERS: u64 = 16;

/// The least time from one look at what there is to send to the next.
const LOOK_PAUSE: Duration = Duration::from_millis(1);

/// Where nobody is. From where it sends to, the library takes a check for signed.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Where a peer leaves what it has to say; reused from turn to turn.
#[derive(Default)]
pub(crate) struct Outbox {
    pub transmits: VecDeque<Transmit>,
    /// Checks among them.
    pub checks: Vec<Transaction>,
    pub packets: Vec<RtpPacket>,
    pub news: Vec<PeerNews>,
    /// Packets that were asked for again and did not leave.
    pub repairs_refused: u64,
    /// Packets that left after they had waited for the handshake.
    pub packets_early: u64,
}

impl Outbox {
    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Keyframe(mid) => self.news.push(PeerNews::Keyframe(mid)),
            Heard::Refused => self.repairs_refused += 1,
        }
    }
}

/// What happened on a transport, besides packets.
pub(crate) enum PeerNews {
    Connected,
    /// There is no way to it any more.
    Lost,
    /// There is one again.
    Found,
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

/// What a packet is that is passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed {
    /// Of pictures.
    pub video: bool,
    /// A decoder that knows nothing can begin with it.
    pub keyframe: bool,
    /// What its publisher says of it.
    pub extras: Extras,
}

/// By what protocol, from where, to where.
pub(crate) type Path = (Protocol, SocketAddr, SocketAddr);

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was for this peer, and only its client can have made it.
    Yes,
    /// The same, and it answers a check from where that was sent to: the client is there.
    Answered,
    /// It was for this peer, and anybody may have made it: a handshake, or what came before.
    Unproven,
    /// It is signed by this peer, and came before or says nothing.
    Repeated,
    /// It comes from where this peer is not, or is not signed by it.
    NotOurs,
    /// It was for this peer and makes no sense, or is not signed by it; nothing happened.
    Broken,
    /// It is signed by this peer and makes no sense; nothing happened.
    Nonsense,
    /// It is signed by this peer, and of one source too many; nothing happened.
    Excess,
}

impl Taken {
    /// Whether its client has made it.
    pub fn is_signed(self) -> bool {
        matches!(self, Taken::Yes | Taken::Answered | Taken::Repeated | Taken::Nonsense | Taken::Excess)
    }
}

/// One client.
pub(crate) struct Peer {
    pub room: RoomId,
    pub who: ParticipantId,
    pub link: LinkId,
    rtc: Rtc,
    reach: Reach,
    talk: Negotiation,
    gate: Gate,
    lines: Lines,
    /// When it wants to be called again.
    due: Instant,
    /// When the library does.
    library_due: Instant,
    errors: u32,
    sender: Sender,
    crypto: Arc<CryptoProvider>,
    whereabouts: Whereabouts,
    checks: Checks,
    foredata: Foredata,
    silence: Silence,
    /// Its handshake is over.
    opened: bool,
    /// When the library was told the time last.
    library_at: Instant,
}

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
        let mut rtc = config::config(settings, &config::codecs_for(codecs, view)).build(now);
        let reach = Reach::new(&mut rtc, &settings.candidates);
        let (room, who, link) = place;
        let talk = match view {
            View::Tracks => Negotiation::new(settings.salt).preferring(codecs),
            // Of what only the mixer takes, those who receive tracks would see nothing.
            View::Mix => Negotiation::answering(settings.salt, (!codecs.contains(&VideoCodec::Vp9)).then_some("VP9")),
        };
        let seed = u64::from(*rtc.direct_api().new_ssrc()) << 32 | u64::from(*rtc.direct_api().new_ssrc());
        Peer {
            room,
            who,
            link,
            rtc,
            reach,
            talk,
            gate: Gate::default(),
            lines: Lines::default(),
            due: now,
            library_due: now,
            errors: 0,
            sender: Sender::new(now, settings.epoch, seed),
            crypto: Arc::clone(&settings.crypto),
            whereabouts: Whereabouts::default(),
            checks: Checks::default(),
            foredata: Foredata::default(),
            silence: Silence::default(),
            opened: false,
            library_at: now,
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
        self.opened && !self.whereabouts.is_lost()
    }

    /// Whether media of this client's comes from there, or could.
    pub fn holds(&self, (proto, source, destination): Path) -> bool {
        /// The least that counts as a packet of media.
        const PACKET: [u8; 12] = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        !self.whereabouts.has_left((proto, source)) && self.accepts((proto, source, destination), &PACKET)
    }

    /// Whether the library takes this for the client's.
    fn accepts(&self, (proto, source, destination): Path, bytes: &[u8]) -> bool {
        let receive = Receive::new(proto, source, destination, bytes);
        receive.is_ok_and(|receive| self.rtc.accepts(&Input::Receive(self.due, receive)))
    }

    /// A datagram. Looks first whether this peer may hear it: the library does not.
    pub fn handle_datagram(&mut self, now: Instant, path: Path, bytes: &[u8], out: &mut Outbox) -> Taken {
        let (proto, source, destination) = path;
        let Ok(receive) = Receive::new(proto, source, destination, bytes) else { return Taken::Broken };
        let (input, class) = (Input::Receive(now, receive), Class::of(bytes));
        let ours = match class {
            Class::Stun => self.accepts((proto, NOWHERE, destination), bytes),
            _ => self.rtc.accepts(&input),
        };
        if !ours {
            return Taken::NotOurs;
        }
        let check = (class == Class::Stun).then(|| self.note_check(now, path, bytes, out));
        match class {
            Class::Stun if check == Some(Taken::Broken) => return Taken::Broken,
            Class::Dtls => self.whereabouts.note_handshake(now, (proto, source)),
            _ => {}
        }
        if class == Class::Dtls && self.foredata.keeps(path, bytes) {
            return Taken::Unproven;
        }
        let mut proven = false;
        if class == Class::Rtcp && self.sender.is_open() {
            proven = self.hear(now, bytes, out);
            self.silence.note_heard(proven);
            if !proven || self.talk.ups().next().is_none() {
                self.note_proof(now, path, proven, out);
                self.settle(now, out);
                return if proven { Taken::Yes } else { Taken::Broken };
            }
        }
        let mut learnt = false;
        if class == Class::Rtp {
            match self.admit(bytes) {
                Admitted::Known => {}
                Admitted::Learnt => learnt = true,
                Admitted::Not(why) => return why,
            }
        }
        // RFC 6347, section 4.1.2.7: what is invalid is dropped, and nothing ends.
        keys::take_opened();
        let fine = self.rtc.handle_input(input).is_ok();
        self.library_at = now;
        if learnt {
            self.agree_on_sources();
        }
        let before = out.packets.len();
        self.drain(now, out);
        let proven = proven || before != out.packets.len() || keys::take_opened();
        self.note_proof(now, path, proven, out);
        for packet in out.packets.iter().skip(before) {
            self.gate.note_heard(*packet.header.ssrc, *packet.seq_no);
        }
        self.silence.note_heard(proven && class == Class::Rtp);
        if class == Class::Rtp && !proven && self.has_signed(bytes) {
            return Taken::Repeated;
        }
        match (fine & !keys::take_strayed(), proven || class == Class::Stun) {
            (true, true) => check.unwrap_or(Taken::Yes),
            (true, false) => Taken::Unproven,
            (false, true) => Taken::Nonsense,
            (false, false) => Taken::Broken,
        }
    }

    /// Takes what the client reports; whether it is the client's, and new.
    fn hear(&mut self, now: Instant, report: &[u8], out: &mut Outbox) -> bool {
        self.sender.handle_report(now, report, &mut |heard| out.hear(heard))
    }

    /// The time named by [`due`](Peer::due) has come.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        let change = self.whereabouts.look(now);
        self.tell_change(change, out);
        let should_speak = self.should_speak(now);
        self.silence.look(now, should_speak);
        if !self.whereabouts.is_lost() {
            self.sender.handle_timeout(now);
        }
        if self.library_due > now {
            return self.settle(now, out);
        }
        let looked = self.rtc.handle_input(Input::Timeout(now)).is_ok();
        self.library_at = now;
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
        self.reach.forget_gone(&mut self.rtc);
        let before = self.ufrag();
        let said = self.talk.handle_offer(&mut self.rtc, revision, text);
        if self.ufrag() != before {
            self.silence.begin();
            self.checks.restart();
        }
        self.follow_description();
        self.place(now);
        self.drain(now, out);
        if matches!(said, Ok(Some(_))) {
            self.look_at_early_data(now, text, out);
        }
        said
    }

    /// The client's answer to our offer; false if none waits for it.
    pub fn handle_answer(&mut self, now: Instant, revision: u64, text: &str, out: &mut Outbox) -> Result<bool, MediaRefusal> {
        let taken = self.talk.handle_answer(&mut self.rtc, revision, text);
        self.follow_description();
        self.place(now);
        self.drain(now, out);
        if matches!(taken, Ok(true)) {
            self.look_at_early_data(now, text, out);
        }
        taken
    }

    /// What came before the description that was agreed on just now.
    fn look_at_early_data(&mut self, now: Instant, description: &str, out: &mut Outbox) {
        for (path, bytes) in self.foredata.agree(description) {
            self.handle_datagram(now, path, &bytes, out);
        }
    }

    /// Our next offer, if it is our turn.
    pub fn make_offer(&mut self, now: Instant, out: &mut Outbox) -> Option<Say> {
        self.reach.forget_gone(&mut self.rtc);
        let said = self.talk.make_offer(&mut self.rtc);
        self.place(now);
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

    /// Encrypts one packet for the client; false if it is not sent. It then waits in [`batch`](Peer::batch).
    pub fn write(&mut self, now: Instant, (ssrc, pt): (Ssrc, Pt), packet: &Arrival, new: &Rewritten, passed: Passed) -> bool {
        let packet = Packet {
            payload_type: *pt,
            marker: packet.marker,
            seq: new.seq,
            time: new.time,
            shown: packet.shown,
            extras: passed.extras,
            counters: new.vp8,
            payload: &packet.payload,
            repairable: passed.video,
            keyframe: passed.keyframe,
        };
        !self.whereabouts.is_lost() && self.sender.write(now, *ssrc, &packet)
    }

    /// The same for a packet of our own making. `shown`: the moment that it is of; what is of one moment is played at one time.
    pub fn write_made(
        &mut self,
        (now, shown): (Instant, Instant),
        (ssrc, pt): (Ssrc, Pt),
        piece: &Piece,
        new: &Rewritten,
        passed: Passed,
    ) -> bool {
        let packet = Packet {
            payload_type: *pt,
            marker: piece.last,
            seq: new.seq,
            time: new.time,
            shown,
            extras: passed.extras,
            counters: new.vp8,
            payload: &piece.payload,
            repairable: passed.video,
            keyframe: passed.keyframe,
        };
        !self.whereabouts.is_lost() && self.sender.write(now, *ssrc, &packet)
    }

    /// Whether something of that waits to be sent.
    pub fn is_waiting(&self) -> bool {
        self.sender.is_waiting()
    }

    /// All that waits to be sent; none if the client is nowhere.
    pub fn batch(&self) -> Option<Batch<'_>> {
        self.sender.batch()
    }

    /// It was sent.
    pub fn clear(&mut self) {
        self.sender.clear();
    }

    /// What was sent in a turn that began then leaves now.
    pub fn leave(&mut self, turn: Instant, now: Instant) {
        self.sender.leave(turn, now);
    }

    /// Tells the sender of all tracks that the client receives and knows of. The library, which makes streams as it negotiates, is to send
    /// nothing of them.
    fn place(&mut self, now: Instant) {
        for mid in self.talk.media() {
            let mut api = self.rtc.direct_api();
            while let Some(ssrc) = api.stream_tx_by_mid(mid, None).map(|stream| stream.ssrc()) {
                api.remove_stream_tx(ssrc);
            }
        }
        let params = self.rtc.codec_config().params();
        let name = self.talk.name();
        let place = |down| {
            let &Placement { mid, ssrc, rtx, .. } = down;
            let media = self.rtc.media(mid)?;
            let mut spoken = params.iter().filter(|params| media.remote_pts().contains(&params.pt()));
            let clock_hz = spoken.clone().next().map_or(OPUS_HZ, |params| params.spec().clock_rate.get());
            let reported = spoken.clone().any(|params| params.fb_transport_cc());
            let repair = rtx.zip(spoken.find_map(PayloadParams::resend)).map(|(ssrc, pt)| (*ssrc, *pt));
            let (video, extensions) = (media.kind().is_video(), media.remote_extmap());
            Some(Place { ssrc: *ssrc, repair, mid, name, clock_hz, video, reported, extensions })
        };
        let repairs = params.iter().filter_map(|params| Some((*params.pt(), *params.resend()?)));
        self.sender.place(now, self.talk.known().filter_map(place), repairs);
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
        self.sender.set_wanted(now, least.as_u64(), desired.as_u64());
        self.settle(now, out);
    }

    /// How long packets wait on their way to the client, as far as is known.
    pub fn queue(&self, now: Instant) -> Duration {
        self.sender.queue(now)
    }

    /// Whether the client is sent media, and says nothing of its arrival.
    pub fn is_unanswered(&self, now: Instant) -> bool {
        self.sender.is_unanswered(now)
    }

    /// Sections of its descriptions: what one negotiation costs grows with them.
    pub fn sections(&self) -> usize {
        self.talk.media().count()
    }

    /// Ends the transport and says so to the client.
    pub fn close(&mut self, now: Instant, out: &mut Outbox) {
        if !self.whereabouts.is_lost() {
            self.sender.close();
            // Nobody asks who is gone what else it has to send.
            if let Some(batch) = self.sender.batch() {
                let Batch { protocol: proto, source, destination, .. } = batch;
                let transmit = |bytes: &[u8]| Transmit { proto, source, destination, contents: bytes.to_vec().into() };
                out.transmits.extend(batch.datagrams().map(transmit));
            }
            self.sender.clear();
        }
        // It fails only where nothing was established, and then there is nothing to say.
        let _ = self.rtc.close();
        self.drain(now, out);
    }

    /// Takes everything the library has, until it names a time.
    ///
    /// False if the library failed. Only what fails when time is up counts against the peer: whoever can send a datagram that makes
    /// the library fail could end it otherwise.
    fn drain(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let fine = loop {
            match self.poll_library() {
                Ok(Output::Timeout(due)) => {
                    self.library_due = due;
                    break true;
                }
                Ok(Output::Transmit(transmit)) => {
                    let directed = self.direct(now, transmit, out);
                    out.transmits.extend(directed);
                }
                Ok(Output::Event(Event::RtpPacket(packet))) => out.packets.push(packet),
                Ok(Output::Event(event)) => self.tell(now, event, out),
                Err(problem) => {
                    tracing::debug!(%problem, room = ?self.room, who = ?self.who, "a transport failed");
                    let next = now + ERROR_PAUSE;
                    self.library_due = if self.library_due > now { self.library_due.min(next) } else { next };
                    break false;
                }
            }
        };
        self.settle(now, out);
        fine
    }

    /// Sends what there is, says how much the way takes, and finds out when to go on.
    fn settle(&mut self, now: Instant, out: &mut Outbox) {
        out.packets_early += self.sender.write_early(now, &mut |heard| out.hear(heard));
        self.look(now, out);
    }

    /// After something was sent: says how much the way takes, and finds out when to go on.
    pub fn look(&mut self, now: Instant, out: &mut Outbox) {
        let estimate = self.sender.poll_estimate().map(|estimate| estimate - estimate / HEADERS);
        out.news.extend(estimate.map(|estimate| PeerNews::Estimate(Bitrate::from(estimate))));
        let send_due = self.sender.poll_timeout().filter(|_| !self.whereabouts.is_lost()).map(|due| due.max(now + LOOK_PAUSE));
        self.due = send_due.map_or(self.library_due, |due| due.min(self.library_due));
    }

    /// What happened, besides packets. What is counted of tracks, and of the way, is counted here and not by the library.
    fn tell(&mut self, now: Instant, mut event: Event, out: &mut Outbox) {
        match &mut event {
            Event::PeerStats(stats) => {
                (stats.rtt, stats.egress_loss_fraction) = (self.sender.rtt(now), self.sender.loss(now));
                if let Some(pair) = &mut stats.selected_candidate_pair {
                    self.note_pair(now, pair, out);
                }
                out.news.extend(self.sender.stats(now).map(|stats| PeerNews::Out(Box::new(stats))));
            }
            Event::Connected => self.opened = true,
            Event::IceConnectionStateChange(state) => {
                let change = self.whereabouts.note_state(*state);
                self.tell_change(change, out);
            }
            _ => {}
        }
        out.news.extend(news_of(event));
    }

    /// The next that the library has to say. The handshake may just have agreed on keys.
    fn poll_library(&mut self) -> Result<Output, RtcError> {
        if self.sender.is_open() {
            return self.rtc.poll_output();
        }
        // Whatever is there belongs to a transport that panicked.
        drop(keys::take());
        let output = self.rtc.poll_output();
        if let Some(keys) = keys::take() {
            self.sender.open(&self.crypto, &keys);
        }
        output
    }
}

fn news_of(event: Event) -> Option<PeerNews> {
    Some(match event {
        Event::Connected => PeerNews::Connected,
        Event::ChannelOpen(id, label) => PeerNews::ChannelOpen(id, label),
        Event::ChannelData(data) => PeerNews::ChannelData(data),
        Event::ChannelClose(id) => PeerNews::ChannelClose(id),
        Event::PeerStats(stats) => PeerNews::Stats(Box::new(stats)),
        Event::MediaIngressStats(stats) => PeerNews::In(Box::new(stats)),
        Event::Closed => PeerNews::Closed,
        _ => return None,
    })
}
