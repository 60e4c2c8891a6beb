//! A model of a client: the real transport, negotiating as the vendor's SDK does, with synthetic pictures and sound.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::codec::{Codec, Descriptor};
use room::{Channel, Kind, LinkId, ParticipantId, Priority, Profile, Sealed, Signal, Step, Track, TrackId, VideoCodec, View};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::config::CryptoProvider;
use str0m::ice::StunMessage;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::rtcp::Rtcp;
use str0m::rtp::{ExtensionValues, RawPacket, RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

use crate::picture::{Camera, Watcher};

/// How long a beginning is waited for before it is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(300);

/// What somebody comes in with.
#[derive(Clone, Debug, Default)]
pub struct Join {
    pub audio: bool,
    pub video: Picture,
    pub data: Option<ChannelConfig>,
    pub channels: Vec<Channel>,
    pub profile: Profile,
    /// Of the room; none: the usual ones.
    pub codecs: Vec<VideoCodec>,
    /// What it has beside those.
    pub has: Vec<VideoCodec>,
    pub view: View,
    /// The section for pictures comes before that for sound.
    pub pictures_first: bool,
    /// It receives nothing, as a shared screen.
    pub only_sends: bool,
    /// None: the usual.
    pub crypto: Option<Arc<CryptoProvider>>,
}

/// How somebody sends pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Picture {
    #[default]
    None,
    /// One layer.
    One,
    /// Three layers in a group of sources, as the SDK does.
    Group,
    /// Three layers with names, as the standard has it.
    Named,
}

/// One client.
pub struct Client {
    pub who: ParticipantId,
    /// Where it is.
    pub address: SocketAddr,
    /// Where it seems to be: what its router makes of it.
    pub outside: SocketAddr,
    base: Instant,
    pub link: LinkId,
    pub rtc: Rtc,
    pub due: Instant,
    revision: u64,
    pending: Option<(u64, SdpPendingOffer)>,
    pub tracks: Vec<Track>,
    pub cameras: BTreeMap<TrackId, Camera>,
    microphones: BTreeMap<TrackId, (Mid, u64, Instant)>,
    channels: BTreeMap<TrackId, ChannelId>,
    /// Which track a section carries now, by the server's last description: section to label.
    carried: BTreeMap<String, String>,
    /// What came, by the label of the track.
    pub watched: BTreeMap<String, Watcher>,
    pub heard: BTreeMap<String, u64>,
    /// Packets of pictures as they came, kept in place of being watched.
    pub kept: Option<BTreeMap<String, Vec<RtpPacket>>>,
    /// When a beginning was asked for last, by the label of the track; none: there is one.
    asked: BTreeMap<String, Option<Instant>>,
    /// The same of sound.
    pub sounds: Vec<RtpPacket>,
    pub view: View,
    /// What its microphone sends, if it is real.
    pub voice: Option<Box<dyn FnMut() -> Vec<u8>>>,
    /// The sections of its last offer.
    pub offered: Vec<String>,
    pub messages: Vec<(String, Vec<u8>)>,
    open: Vec<(ChannelId, String)>,
    pub path: Option<IceConnectionState>,
    pub keyframes_asked: u32,
    woken: bool,
    pub level: i8,
    /// Whether it asks for key frames when it cannot go on.
    pub asks: bool,
    /// Another address of its, by which its checks go and come too, and no media.
    pub also: Option<SocketAddr>,
    /// Whether its checks nominate: those of Firefox do once.
    pub nominates: bool,
    /// Answers to checks that it makes of one, each with another address: first so many, then its own, then the rest of them.
    pub liar: Option<(u16, u16)>,
    lies: u16,
    /// Of the server, for checks.
    password: String,
    /// Whether media and reports of its leave it: those of a Firefox whose path had failed do not.
    pub speaks: bool,
    /// Whether it answers offers.
    pub answers: bool,
    pub closed: bool,
    /// How many channels opened so far.
    pub opened: u32,
    /// Packets of no track that it knows.
    pub strays: u64,
    /// Sources that packets came from, and the number of the last.
    pub received: BTreeMap<Ssrc, u16>,
}

impl Client {
    pub fn new(now: Instant, base: Instant, number: u16, join: &Join) -> Self {
        let [high, low] = number.to_be_bytes();
        let address = SocketAddr::from(([10, 0, high, low], 40_000 + number));
        let layered = matches!(join.video, Picture::Group | Picture::Named);
        let has = |codec: &VideoCodec| join.codecs.contains(codec) || join.has.contains(codec);
        let (vp9, h264) = (has(&VideoCodec::Vp9), has(&VideoCodec::H264));
        let rtc = Rtc::builder().set_rtp_mode(true).clear_codecs().enable_opus(true, false);
        let rtc = rtc.enable_vp8(true).enable_vp9(vp9).enable_h264(h264);
        let rtc = rtc.enable_raw_packets(layered).set_sctp_max_buffered_amount(4 << 20);
        let mut rtc = match &join.crypto {
            Some(crypto) => rtc.set_crypto_provider(Arc::clone(crypto)).build(now),
            None => rtc.build(now),
        };
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).unwrap());
        Client {
            who: ParticipantId(u128::from(number)),
            address,
            outside: address,
            base,
            link: LinkId(format!("link-{number}").into()),
            rtc,
            due: now,
            revision: 0,
            pending: None,
            tracks: Vec::new(),
            cameras: BTreeMap::new(),
            microphones: BTreeMap::new(),
            channels: BTreeMap::new(),
            carried: BTreeMap::new(),
            watched: BTreeMap::new(),
            heard: BTreeMap::new(),
            kept: None,
            asked: BTreeMap::new(),
            sounds: Vec::new(),
            view: join.view,
            voice: None,
            offered: Vec::new(),
            messages: Vec::new(),
            open: Vec::new(),
            path: None,
            keyframes_asked: 0,
            woken: false,
            level: -30,
            asks: true,
            also: None,
            nominates: true,
            liar: None,
            lies: 0,
            password: String::new(),
            speaks: true,
            answers: true,
            closed: false,
            opened: 0,
            strays: 0,
            received: BTreeMap::new(),
        }
    }

    fn track(&mut self, kind: Kind) -> Track {
        let id = TrackId(self.who.0 * 1_000 + self.tracks.len() as u128 + 1);
        let label: Arc<str> = format!("{kind:?}-{}-{}", self.who.0, self.tracks.len()).into();
        let track = Track { id, label: label.clone(), kind, name: label, enabled: true, priority: Priority::Standard };
        self.tracks.push(track.clone());
        track
    }

    /// The first offer, with these tracks; a viewer's sections are for receiving only.
    pub fn first_offer(&mut self, now: Instant, join: &Join) -> Signal {
        let (audio, video) =
            (join.audio.then(|| self.track(Kind::Audio)), (join.video != Picture::None).then(|| self.track(Kind::Video)));
        let data = join.data.clone().map(|config| (self.track(Kind::Data), config));
        let named = (join.video == Picture::Named)
            .then(|| Simulcast { send: ["q", "h", "f"].map(SimulcastLayer::new).to_vec(), recv: Vec::new() });
        let mut api = self.rtc.sdp_api();
        let mut add = |kind, track: &Option<Track>, layers| {
            let direction = match (join.only_sends, track.is_some()) {
                (true, _) => Direction::SendOnly,
                (false, true) => Direction::SendRecv,
                (false, false) => Direction::RecvOnly,
            };
            api.add_media(kind, direction, Some("-".into()), track.as_ref().map(|t| t.label.to_string()), layers)
        };
        let (mic, cam) = if join.pictures_first {
            let cam = add(MediaKind::Video, &video, named);
            (add(MediaKind::Audio, &audio, None), cam)
        } else {
            (add(MediaKind::Audio, &audio, None), add(MediaKind::Video, &video, named))
        };
        let channel = data.map(|(track, config)| {
            (track.id, api.add_channel_with_config(ChannelConfig { label: track.label.to_string(), ..config }))
        });
        let (offer, pending) = api.apply().unwrap();
        if let Some(track) = audio {
            self.microphones.insert(track.id, (mic, 0, now));
        }
        self.channels.extend(channel);
        let mut signal = self.offered(offer, pending);
        if let Some(track) = video {
            self.cameras.insert(track.id, self.camera(now, cam, join.video, &mut signal));
        }
        signal
    }

    fn camera(&self, now: Instant, mid: Mid, picture: Picture, signal: &mut Signal) -> Camera {
        let view = media::sdp::View::parse(&signal.sealed.0);
        let section = view.section(&mid.to_string()).unwrap();
        match picture {
            Picture::None | Picture::One => Camera::new(mid, now, self.base),
            Picture::Named => Camera::layered(mid, now, self.base, &section.fid),
            Picture::Group => {
                let (first, rtx) = section.fid[0];
                let sources = [(first, rtx), (first ^ 1, rtx ^ 1), (first ^ 2, rtx ^ 2)];
                signal.sealed = Sealed(group_layers(&signal.sealed.0, &sources).into());
                Camera::layered(mid, now, self.base, &sources)
            }
        }
    }

    /// Sends or receives on the sections that it has in another direction.
    pub fn turn(&mut self, mid: &str, direction: Direction) -> Signal {
        self.wake();
        let mut api = self.rtc.sdp_api();
        api.set_direction(Mid::from(mid), direction);
        let (offer, pending) = api.apply().unwrap();
        self.offered(offer, pending)
    }

    fn offered(&mut self, offer: SdpOffer, pending: SdpPendingOffer) -> Signal {
        self.offered = media::sdp::View::parse(&offer.to_sdp_string()).sections.into_iter().map(|section| section.mid).collect();
        self.revision += 1;
        self.pending = Some((self.revision, pending));
        Signal { step: Step::Offer, revision: self.revision, sealed: Sealed(offer.to_sdp_string().into()) }
    }

    /// Restarts ICE, as the SDK does when its path has failed.
    pub fn restart_ice(&mut self) -> Signal {
        self.wake();
        let mut api = self.rtc.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().unwrap();
        self.offered(offer, pending)
    }

    /// What the server says; the answer to an offer.
    pub fn handle_signal(&mut self, signal: &Signal) -> Option<Signal> {
        let text = &*signal.sealed.0;
        self.wake();
        match signal.step {
            Step::Offer if self.answers && signal.revision > self.revision || self.pending.is_some() => {
                // Its own offer is taken back: the server wins.
                self.pending = None;
                self.revision = signal.revision;
                self.learn(text);
                let answer = self.rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(text).unwrap()).unwrap();
                Some(Signal { step: Step::Answer, revision: signal.revision, sealed: Sealed(answer.to_sdp_string().into()) })
            }
            Step::Answer => {
                let (revision, pending) = self.pending.take()?;
                assert_eq!(revision, signal.revision);
                self.learn(text);
                let text = in_order_of(&self.offered, text);
                self.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&text).unwrap()).unwrap();
                None
            }
            _ => None,
        }
    }

    fn learn(&mut self, text: &str) {
        if let Some(password) = text.lines().find_map(|line| line.strip_prefix("a=ice-pwd:")) {
            self.password = password.into();
        }
        for section in media::sdp::View::parse(text).sections {
            self.carried.remove(&section.mid);
            if let Some(label) = section.msid.filter(|_| section.sends) {
                self.carried.insert(section.mid, label);
            }
        }
    }

    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.address, bytes) else { return };
        let _ = self.rtc.handle_input(Input::Receive(now, receive));
    }

    /// Sends what is due: a frame each 33 ms, a packet of sound each 20 ms. Whether there was any.
    pub fn produce(&mut self, now: Instant) -> bool {
        if !self.rtc.is_connected() {
            return false;
        }
        let mut sent = false;
        for camera in self.cameras.values_mut().filter(|camera| camera.next <= now) {
            camera.send(now, &mut self.rtc);
            sent = true;
        }
        for (mid, seq, next) in self.microphones.values_mut().filter(|(_, _, next)| *next <= now) {
            *next = now + Duration::from_millis(20);
            let pt = self.rtc.codec_config().find(|p| p.spec().codec == str0m::format::Codec::Opus).unwrap().pt();
            let mut api = self.rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(*mid, None) else { continue };
            let values = ExtensionValues { audio_level: Some(self.level), voice_activity: Some(true), ..Default::default() };
            let time = u32::try_from(*seq * 960).unwrap();
            let payload = self.voice.as_mut().map_or_else(|| vec![7_u8; 80], |voice| voice());
            stream.write_rtp(RtpWrite::new(pt, (*seq).into(), time, now, payload).ext_vals(values));
            *seq += 1;
            sent = true;
        }
        sent
    }

    pub fn send(&mut self, track: TrackId, data: &[u8]) -> bool {
        self.wake();
        let Some(id) = self.channels.get(&track) else { return false };
        self.rtc.channel(*id).is_some_and(|mut channel| channel.write(false, data).unwrap())
    }

    /// Opens a channel of which nobody knows.
    pub fn open_channel(&mut self, label: &str) {
        self.wake();
        self.rtc.direct_api().create_data_channel(ChannelConfig { label: label.into(), ..ChannelConfig::default() });
    }

    /// How many channels are open.
    pub fn channels_open(&self) -> usize {
        self.open.len()
    }

    /// Order and reliability of an open channel.
    pub fn manner(&mut self, label: &str) -> Option<(bool, Reliability)> {
        let (id, _) = self.open.iter().find(|(_, own)| own == label)?;
        let channel = self.rtc.channel(*id)?;
        channel.config().map(|config| (config.ordered, config.reliability))
    }

    /// Whether a channel with this label is open.
    pub fn has_channel(&self, label: &str) -> bool {
        self.open.iter().any(|(_, own)| own == label)
    }

    /// What it makes of a datagram of its transport's before it is sent.
    pub fn said(&mut self, bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let Ok(message) = StunMessage::parse(&bytes) else { return vec![bytes] };
        if message.is_successful_binding_response() {
            return self.lie(&message, &bytes);
        }
        vec![self.nominating(&message).unwrap_or(bytes)]
    }

    fn lie(&mut self, answer: &StunMessage<'_>, bytes: &[u8]) -> Vec<Vec<u8>> {
        let (before, after) = self.liar.unwrap_or_default();
        let password = self.rtc.direct_api().local_ice_credentials().pass;
        let mut lies = (0..before + after).map(|_| {
            self.lies += 1;
            let mapped = SocketAddr::from(([10, 1, 0, 1], self.lies));
            signed(StunMessage::binding_reply(answer.trans_id(), mapped), &password)
        });
        let first: Vec<Vec<u8>> = lies.by_ref().take(before.into()).collect();
        first.into_iter().chain([bytes.to_vec()]).chain(lies).collect()
    }

    /// Its check without the nomination, where it is to have none.
    fn nominating(&self, check: &StunMessage<'_>) -> Option<Vec<u8>> {
        let check = Some(check).filter(|check| !self.nominates && check.is_binding_request() && check.use_candidate())?;
        let (name, tie) = (check.username().unwrap(), check.ice_controlling().unwrap());
        let plain = StunMessage::binding_request(name, check.trans_id(), true, tie, check.prio().unwrap(), false);
        Some(signed(plain, &self.password))
    }

    /// Takes what the transport has to say; what it sends.
    pub fn drain(&mut self, now: Instant) -> Vec<Transmit> {
        let mut out = Vec::new();
        loop {
            let Ok(output) = self.rtc.poll_output() else {
                // Its own end failed, as a browser's would.
                self.closed = true;
                self.due = now + Duration::from_secs(3_600);
                return out;
            };
            match output {
                Output::Timeout(due) => {
                    // What was asked for while this was drained is acted on in the next step.
                    let woken = std::mem::take(&mut self.woken);
                    self.due = if woken { now } else { due.max(now + Duration::from_micros(100)) };
                    return out;
                }
                Output::Transmit(transmit)
                    if !self.speaks && transmit.contents.first().is_some_and(|first| first & 0xc0 == 0x80) => {}
                Output::Transmit(transmit) => out.push(transmit),
                Output::Event(event) => self.handle_event(now, event),
            }
        }
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::RtpPacket(packet) => {
                let mut api = self.rtc.direct_api();
                let Some(mid) = api.stream_rx(&packet.header.ssrc).map(|stream| stream.mid().to_string()) else { return };
                let Some(label) = self.carried.get(&mid).cloned() else {
                    self.strays += 1;
                    return;
                };
                self.received.insert(packet.header.ssrc, packet.header.sequence_number);
                let pt = packet.header.payload_type;
                let audio = self.rtc.codec_config().find(|p| p.pt() == pt).unwrap().spec().codec.is_audio();
                if audio && self.kept.is_some() {
                    self.sounds.push(packet);
                    *self.heard.entry(label).or_default() += 1;
                    return;
                }
                if audio {
                    *self.heard.entry(label).or_default() += 1;
                    return;
                }
                if self.kept.is_some() {
                    self.keep(now, label, packet);
                    return;
                }
                let watcher = self.watched.entry(label).or_default();
                if watcher.watch(now, self.base, &packet) && self.asks {
                    self.ask(packet.header.ssrc);
                }
            }
            Event::KeyframeRequest(request) => {
                self.keyframes_asked += 1;
                let plain = |camera: &&mut Camera| camera.mid == request.mid && camera.layers.len() == 1;
                self.cameras.values_mut().filter(plain).for_each(|camera| camera.ask_keyframe(now));
            }
            Event::ChannelOpen(id, label) => {
                self.open.push((id, label));
                self.opened += 1;
            }
            Event::ChannelClose(id) => self.open.retain(|(own, _)| *own != id),
            Event::ChannelData(data) => {
                if let Some((_, label)) = self.open.iter().find(|(id, _)| *id == data.id) {
                    self.messages.push((label.clone(), data.data));
                }
            }
            Event::RawPacket(raw) => {
                if let RawPacket::RtcpRx(Rtcp::Pli(pli)) = *raw {
                    self.cameras.values_mut().for_each(|camera| camera.ask_layer(now, pli.ssrc));
                }
            }
            Event::IceConnectionStateChange(state) => self.path = Some(state),
            Event::Closed => self.closed = true,
            _ => {}
        }
    }

    /// Without a beginning a decoder shows nothing: it is asked for until there is one.
    fn keep(&mut self, now: Instant, label: String, packet: RtpPacket) {
        let codec = match self.rtc.codec_config().find(|p| p.pt() == packet.header.payload_type).unwrap().spec().codec {
            str0m::format::Codec::Vp8 => Codec::Vp8,
            str0m::format::Codec::Vp9 => Codec::Vp9,
            _ => Codec::H264,
        };
        let begins = Descriptor::parse(codec, &packet.payload).keyframe;
        let asked = self.asked.entry(label.clone()).or_insert(Some(now));
        let again = asked.is_some_and(|last| !begins && now - last >= ASK_AGAIN);
        *asked = asked.filter(|_| !begins).map(|last| if again { now } else { last });
        if again {
            self.ask(packet.header.ssrc);
        }
        self.kept.get_or_insert_default().entry(label).or_default().push(packet);
    }

    /// Something changed that the transport has to act on.
    fn wake(&mut self) {
        (self.due, self.woken) = (self.base, true);
    }

    /// Asks for a key frame, as a decoder does that cannot go on.
    pub fn ask(&mut self, ssrc: Ssrc) {
        self.wake();
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    /// The same of all that it receives.
    pub fn ask_all(&mut self) {
        let all: Vec<Ssrc> = self.received.keys().copied().collect();
        all.into_iter().for_each(|ssrc| self.ask(ssrc));
    }

    /// Says this RTCP, if its cryptography [is forged](crate::forge).
    pub fn say_rtcp(&mut self, mark: &[u8], packets: &[u8]) {
        self.wake();
        let mut api = self.rtc.direct_api();
        // Not the first of its datagram: the header of that one cannot be exchanged.
        api.send_pli_feedback(1.into(), 1.into());
        api.send_app_specific_feedback(1.into(), 1.into(), [mark, packets].concat());
    }
}

/// A STUN message with its signature.
fn signed(message: StunMessage<'_>, password: &str) -> Vec<u8> {
    let mut bytes = vec![0; 300];
    let crypto = str0m::crypto::from_feature_flags();
    let sha1 = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
    let length = message.to_bytes(Some(password.as_bytes()), &mut bytes, sha1).unwrap();
    bytes.truncate(length);
    bytes
}

/// A description with its sections in the order of an offer, as the SDK makes it of every answer.
fn in_order_of(offered: &[String], answer: &str) -> String {
    let mut parts: Vec<&str> = answer.trim_end().split("\r\nm=").collect();
    let head = parts.remove(0);
    let mid = |part: &str| part.lines().find_map(|line| line.strip_prefix("a=mid:")).unwrap().to_owned();
    parts.sort_by_key(|part| offered.iter().position(|own| *own == mid(part)));
    let sections: String = parts.iter().map(|part| format!("m={part}\r\n")).collect();
    format!("{head}\r\n{sections}")
}

/// A description with the layers of its only camera, written as browsers do for the SDK: sources, their repairs, and a group.
fn group_layers(sdp: &str, sources: &[(u32, u32); 3]) -> String {
    let (first, rtx) = sources[0];
    let mut lines: Vec<String> = Vec::new();
    for line in sdp.lines() {
        lines.push(line.to_owned());
        if line == format!("a=ssrc-group:FID {first} {rtx}") {
            for (ssrc, rtx) in &sources[1..] {
                lines.push(format!("a=ssrc-group:FID {ssrc} {rtx}"));
            }
            lines.push(format!("a=ssrc-group:SIM {} {} {}", sources[0].0, sources[1].0, sources[2].0));
            lines.push("a=x-google-flag:conference".into());
            for ssrc in sources[1..].iter().flat_map(|(ssrc, rtx)| [ssrc, rtx]) {
                lines.push(format!("a=ssrc:{ssrc} cname:client"));
            }
        }
    }
    lines.join("\r\n") + "\r\n"
}
