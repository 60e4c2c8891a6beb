//! A model of a client: the real transport, negotiating as the vendor's SDK does, with synthetic pictures and sound.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Kind, LinkId, ParticipantId, Priority, Sealed, Signal, Step, Track, TrackId};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

use crate::picture::{Camera, Watcher};

/// One client.
pub struct Client {
    pub who: ParticipantId,
    pub address: SocketAddr,
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
    pub messages: Vec<(String, Vec<u8>)>,
    labels: BTreeMap<usize, String>,
    open: Vec<(ChannelId, String)>,
    pub path: Option<IceConnectionState>,
    pub keyframes_asked: u32,
    pub level: i8,
}

impl Client {
    pub fn new(now: Instant, number: u8) -> Self {
        let address = SocketAddr::from(([10, 0, 0, number], 40_000 + u16::from(number)));
        let mut rtc = Rtc::builder().set_rtp_mode(true).clear_codecs().enable_vp8(true).enable_opus(true, false).build(now);
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).unwrap());
        Client {
            who: ParticipantId(u128::from(number)),
            address,
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
            messages: Vec::new(),
            labels: BTreeMap::new(),
            open: Vec::new(),
            path: None,
            keyframes_asked: 0,
            level: -30,
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
    pub fn first_offer(&mut self, now: Instant, audio: bool, video: bool, data: bool) -> Signal {
        let (audio, video) = (audio.then(|| self.track(Kind::Audio)), video.then(|| self.track(Kind::Video)));
        let data = data.then(|| self.track(Kind::Data));
        let mut api = self.rtc.sdp_api();
        let mut add = |kind, track: &Option<Track>| {
            let direction = if track.is_some() { Direction::SendRecv } else { Direction::RecvOnly };
            api.add_media(kind, direction, Some("-".into()), track.as_ref().map(|t| t.label.to_string()), None)
        };
        let (mic, cam) = (add(MediaKind::Audio, &audio), add(MediaKind::Video, &video));
        let channel = data.as_ref().map(|track| {
            api.add_channel_with_config(ChannelConfig { label: track.label.to_string(), ..ChannelConfig::default() })
        });
        let (offer, pending) = api.apply().unwrap();
        if let Some(track) = audio {
            self.microphones.insert(track.id, (mic, 0, now));
        }
        if let Some(track) = video {
            self.cameras.insert(track.id, Camera::new(cam, now));
        }
        if let Some((track, channel)) = data.zip(channel) {
            self.channels.insert(track.id, channel);
        }
        self.offered(offer, pending)
    }

    fn offered(&mut self, offer: SdpOffer, pending: SdpPendingOffer) -> Signal {
        self.revision += 1;
        self.pending = Some((self.revision, pending));
        Signal { step: Step::Offer, revision: self.revision, sealed: Sealed(offer.to_sdp_string().into()) }
    }

    /// Restarts ICE, as the SDK does when its path has failed.
    pub fn restart_ice(&mut self) -> Signal {
        let mut api = self.rtc.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().unwrap();
        self.offered(offer, pending)
    }

    /// What the server says; the answer to an offer.
    pub fn handle_signal(&mut self, signal: &Signal) -> Option<Signal> {
        let text = &*signal.sealed.0;
        match signal.step {
            Step::Offer if signal.revision > self.revision || self.pending.is_some() => {
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
                self.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(text).unwrap()).unwrap();
                None
            }
            _ => None,
        }
    }

    fn learn(&mut self, text: &str) {
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

    /// Sends what is due: a frame each 33 ms, a packet of sound each 20 ms.
    pub fn produce(&mut self, now: Instant) {
        if !self.rtc.is_connected() {
            return;
        }
        for camera in self.cameras.values_mut().filter(|camera| camera.next <= now) {
            camera.send(now, &mut self.rtc);
        }
        for (mid, seq, next) in self.microphones.values_mut().filter(|(_, _, next)| *next <= now) {
            *next = now + Duration::from_millis(20);
            let pt = self.rtc.codec_config().find(|p| p.spec().codec == str0m::format::Codec::Opus).unwrap().pt();
            let mut api = self.rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(*mid, None) else { continue };
            let values = ExtensionValues { audio_level: Some(self.level), voice_activity: Some(true), ..Default::default() };
            let time = u32::try_from(*seq * 960).unwrap();
            stream.write_rtp(RtpWrite::new(pt, (*seq).into(), time, now, vec![7_u8; 80]).ext_vals(values));
            *seq += 1;
        }
    }

    pub fn send(&mut self, track: TrackId, data: &[u8]) -> bool {
        let Some(id) = self.channels.get(&track) else { return false };
        self.rtc.channel(*id).is_some_and(|mut channel| channel.write(false, data).unwrap())
    }

    /// Whether a channel with this label is open.
    pub fn has_channel(&self, label: &str) -> bool {
        self.open.iter().any(|(_, own)| own == label)
    }

    /// Takes what the transport has to say; what it sends.
    pub fn drain(&mut self, now: Instant) -> Vec<Transmit> {
        let mut out = Vec::new();
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(due) => {
                    self.due = due.max(now + Duration::from_micros(100));
                    return out;
                }
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
                let Some(label) = self.carried.get(&mid).cloned() else { return };
                let pt = packet.header.payload_type;
                let audio = self.rtc.codec_config().find(|p| p.pt() == pt).unwrap().spec().codec.is_audio();
                if audio {
                    *self.heard.entry(label).or_default() += 1;
                    return;
                }
                let watcher = self.watched.entry(label).or_default();
                if watcher.watch(now, &packet) {
                    self.ask(packet.header.ssrc);
                }
            }
            Event::KeyframeRequest(request) => {
                self.keyframes_asked += 1;
                self.cameras.values_mut().filter(|camera| camera.mid == request.mid).for_each(Camera::ask_keyframe);
            }
            Event::ChannelOpen(id, label) => {
                self.open.push((id, label.clone()));
                self.labels.insert(self.open.len(), label);
            }
            Event::ChannelClose(id) => self.open.retain(|(own, _)| *own != id),
            Event::ChannelData(data) => {
                if let Some((_, label)) = self.open.iter().find(|(id, _)| *id == data.id) {
                    self.messages.push((label.clone(), data.data));
                }
            }
            Event::IceConnectionStateChange(state) => self.path = Some(state),
            _ => {}
        }
    }

    /// Asks for a key frame, as a decoder does that cannot go on.
    fn ask(&mut self, ssrc: Ssrc) {
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }
}
