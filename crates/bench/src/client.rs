//! One client: a real transport, and a camera and a microphone if it has them. A value; datagrams and time come in, what is to be done comes out.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcError};

use crate::ears::Heard;
use crate::source::{Camera, Microphone, Packet};
use crate::stamp::Stamp;
use crate::vp8::Head;
use crate::watch;

/// How much of what a camera sent is kept for repairs, as browsers do.
const REPAIR_PACKETS: usize = 600;

/// How long.
const REPAIR_TIME: Duration = Duration::from_secs(1);

/// What the layers of a camera are called, the smallest first (RFC 8853).
const LAYERS: [&str; 3] = ["q", "h", "f"];

/// What a client has to say.
pub enum Said<'a> {
    /// Send this there.
    Send(SocketAddr, &'a [u8]),
    /// This arrived.
    Heard(&'a Heard),
}

/// A stream that a client sends.
pub struct Stream<M> {
    /// What makes it.
    pub maker: M,
    /// Its number in this run.
    pub source: u32,
    /// How many packets were sent.
    pub sent: u64,
    mid: Mid,
    rid: Option<Rid>,
    pt: Option<Pt>,
}

/// What a client sends of one kind: the track's name, and what makes it under which number. Of pictures that may be several layers, the
/// smallest first.
pub type Track<M> = (String, Vec<(u32, M)>);

/// One client.
pub struct Client {
    rtc: Rtc,
    local: SocketAddr,
    /// When [`handle_timeout`](Client::handle_timeout) is due.
    pub due: Instant,
    /// Its camera: one stream, or one for each layer.
    pub camera: Vec<Stream<Camera>>,
    /// Its microphone.
    pub microphone: Option<Stream<Microphone>>,
    pending: Option<SdpPendingOffer>,
    /// The latest time that the transport was told.
    clock: Instant,
    /// Something was taken in after which the transport has not said all yet.
    unsaid: bool,
    /// The transport gave up, and why.
    pub failed: Option<String>,
    /// A channel for words that the server opened.
    channel: Option<ChannelId>,
    /// What its feedback names as its sender, if it had to say so.
    reporter: Option<Ssrc>,
    /// Key frames that its camera was asked for.
    pub keys_asked: u64,
}

impl Client {
    /// A client at this address, which must be its socket's.
    pub fn new(now: Instant, local: SocketAddr) -> Result<Self, RtcError> {
        let config = Rtc::builder().set_rtp_mode(true).clear_codecs().enable_vp8(true).enable_opus(true, false);
        let mut rtc = config.build(now);
        rtc.add_local_candidate(Candidate::host(local, Protocol::Udp).map_err(|e| RtcError::RemoteSdp(e.to_string()))?);
        Ok(Client {
            rtc,
            local,
            due: now,
            camera: Vec::new(),
            microphone: None,
            pending: None,
            clock: now,
            unsaid: false,
            failed: None,
            channel: None,
            reporter: None,
            keys_asked: 0,
        })
    }

    /// Its first offer, with sound and pictures; what it does not send it receives only.
    pub fn offer(&mut self, sound: Option<Track<Microphone>>, pictures: Option<Track<Camera>>) -> Result<String, RtcError> {
        let layers = pictures.as_ref().map_or(0, |(_, layers)| layers.len());
        let simulcast = (layers > 1).then(|| Simulcast {
            send: LAYERS.iter().take(layers).map(|name| SimulcastLayer::new(name)).collect(),
            recv: Vec::new(),
        });
        let mut api = self.rtc.sdp_api();
        let mut add = |kind, name: Option<&String>, simulcast| {
            let direction = if name.is_some() { Direction::SendRecv } else { Direction::RecvOnly };
            api.add_media(kind, direction, Some("-".into()), name.cloned(), simulcast)
        };
        let audio = add(MediaKind::Audio, sound.as_ref().map(|(name, _)| name), None);
        let video = add(MediaKind::Video, pictures.as_ref().map(|(name, _)| name), simulcast);
        let (offer, pending) = api.apply().ok_or_else(|| RtcError::RemoteSdp("nothing to offer".into()))?;
        self.pending = Some(pending);
        let sound = sound.into_iter().flat_map(|(_, all)| all).next();
        self.microphone = sound.map(|(source, maker)| Stream { maker, source, sent: 0, mid: audio, rid: None, pt: None });
        let name = |n: usize| LAYERS.get(n).filter(|_| layers > 1).map(|name| Rid::from(*name));
        let camera = |(n, (source, maker))| Stream { maker, source, sent: 0, mid: video, rid: name(n), pt: None };
        self.camera = pictures.into_iter().flat_map(|(_, all)| all).enumerate().map(camera).collect();
        Ok(offer.to_sdp_string())
    }

    /// The answer to its offer.
    pub fn handle_answer(&mut self, now: Instant, sdp: &str) -> Result<(), RtcError> {
        let answer = SdpAnswer::from_sdp_string(sdp)?;
        if let Some(pending) = self.pending.take() {
            self.rtc.sdp_api().accept_answer(pending, answer)?;
        }
        self.due = now;
        Ok(())
    }

    /// An offer; its own, if one is out, is taken back.
    pub fn handle_offer(&mut self, now: Instant, sdp: &str) -> Result<String, RtcError> {
        self.pending = None;
        let offer = SdpOffer::from_sdp_string(sdp)?;
        let answer = self.rtc.sdp_api().accept_offer(offer)?;
        self.due = now;
        Ok(answer.to_sdp_string())
    }

    /// An answer that says which source its feedback comes from, though it sends nothing, if it has one section with pictures: for a server
    /// that knows by nothing else which stream feedback is about. Browsers send a report first, which says that too; our transport does not.
    pub fn announce_reporter(&mut self, answer: &str) -> String {
        let mids = picture_sections(answer);
        let [mid] = mids.as_slice() else { return answer.to_owned() };
        let mut api = self.rtc.direct_api();
        let ssrc = match self.reporter {
            Some(ssrc) => ssrc,
            None => {
                let ssrc = api.new_ssrc();
                api.declare_stream_tx(ssrc, None, Mid::from(*mid), None);
                ssrc
            }
        };
        self.reporter = Some(ssrc);
        let line = format!("a=mid:{mid}\r\n");
        answer.replacen(&line, &format!("{line}a=ssrc:{} cname:bench\r\n", *ssrc), 1)
    }

    /// Whether it has a path and the handshake is over.
    pub fn is_connected(&self) -> bool {
        self.rtc.is_connected()
    }

    /// When its next packet of media is due, from the beginning of the run; none while nothing can be sent.
    pub fn media_due(&self) -> Option<Duration> {
        if !self.is_connected() {
            return None;
        }
        let sound = self.microphone.as_ref().map(|stream| stream.maker.due());
        self.camera.iter().map(|stream| stream.maker.due()).chain(sound).min()
    }

    /// Sends the next packet of media. `wall_ns` is the time of day.
    pub fn send_media(&mut self, now: Instant, wall_ns: u64, out: &mut dyn FnMut(Said)) {
        let pictures = self.camera.iter_mut().min_by_key(|stream| stream.maker.due());
        let due = pictures.as_ref().map(|stream| stream.maker.due());
        match (&mut self.microphone, pictures) {
            (Some(stream), _) if due.is_none_or(|due| stream.maker.due() <= due) => {
                let level = if stream.maker.speaks() { -30 } else { -127 };
                let values = ExtensionValues {
                    audio_level: Some(level),
                    voice_activity: Some(level > -127),
                    ..ExtensionValues::default()
                };
                let packet = stream.maker.take();
                stream.send(&mut self.rtc, now, wall_ns, packet, Codec::Opus, values);
            }
            (_, Some(stream)) => {
                let packet = stream.maker.take();
                stream.send(&mut self.rtc, now, wall_ns, packet, Codec::Vp8, ExtensionValues::default());
            }
            _ => return,
        }
        self.handle_timeout(now, out);
    }

    /// Whether the server opened a channel for words.
    pub fn has_channel(&self) -> bool {
        self.channel.is_some()
    }

    /// Says something on that channel.
    pub fn say(&mut self, text: &str) -> Result<(), RtcError> {
        if let Some(mut channel) = self.channel.and_then(|id| self.rtc.channel(id)) {
            channel.write(false, text.as_bytes())?;
            self.unsaid = true;
        }
        Ok(())
    }

    /// Asks for a key frame of a stream that it gets.
    pub fn ask_key(&mut self, ssrc: Ssrc) {
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
            self.unsaid = true;
        }
    }

    /// Takes a datagram that came then. What arrived in it is told at once, all else by [`settle`](Client::settle): a transport that is asked
    /// everything after each packet costs several times as much.
    pub fn handle_datagram(&mut self, at: Instant, source: SocketAddr, bytes: &[u8], out: &mut dyn FnMut(Said)) {
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, bytes) else { return };
        self.clock = self.clock.max(at);
        let _ = self.rtc.handle_input(Input::Receive(self.clock, receive));
        self.unsaid = true;
        match self.rtc.poll_output() {
            Ok(Output::Event(event @ Event::RtpPacket(_))) => self.handle_event(&event, out),
            output => {
                let is_more = self.handle_output(output, out);
                if is_more {
                    self.drain(out);
                }
            }
        }
    }

    /// Takes all that the transport still has to say.
    pub fn settle(&mut self, out: &mut dyn FnMut(Said)) {
        if self.unsaid {
            self.drain(out);
        }
    }

    /// The time named by `due` has come.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut dyn FnMut(Said)) {
        self.clock = self.clock.max(now);
        let _ = self.rtc.handle_input(Input::Timeout(self.clock));
        self.drain(out);
    }

    fn drain(&mut self, out: &mut dyn FnMut(Said)) {
        loop {
            let output = self.rtc.poll_output();
            if !self.handle_output(output, out) {
                return;
            }
        }
    }

    /// Whether there may be more.
    fn handle_output(&mut self, output: Result<Output, RtcError>, out: &mut dyn FnMut(Said)) -> bool {
        match output {
            Ok(Output::Timeout(due)) => {
                self.due = due.max(self.clock + Duration::from_micros(100));
                self.unsaid = false;
                return false;
            }
            Ok(Output::Transmit(transmit)) => out(Said::Send(transmit.destination, &transmit.contents)),
            Ok(Output::Event(event)) => self.handle_event(&event, out),
            Err(problem) => {
                self.failed = Some(problem.to_string());
                self.due = self.clock + Duration::from_secs(3_600);
                self.unsaid = false;
                return false;
            }
        }
        true
    }

    fn handle_event(&mut self, event: &Event, out: &mut dyn FnMut(Said)) {
        match event {
            Event::RtpPacket(packet) => out(Said::Heard(&self.heard(packet))),
            Event::KeyframeRequest(request) => {
                self.keys_asked += 1;
                let asked = |stream: &&mut Stream<Camera>| {
                    stream.mid == request.mid && (request.rid.is_none() || stream.rid == request.rid)
                };
                self.camera.iter_mut().filter(asked).for_each(|stream| stream.maker.ask_key());
            }
            Event::ChannelOpen(id, _) => self.channel = Some(*id),
            Event::Closed => self.failed = Some("the other end closed the connection".into()),
            _ => {}
        }
    }

    fn heard(&self, packet: &RtpPacket) -> Heard {
        let stamp = Stamp::read(&packet.payload);
        let pt = packet.header.payload_type;
        let is_picture =
            self.rtc.codec_config().find(|params| params.pt() == pt).is_some_and(|params| params.spec().codec.is_video());
        let head = is_picture.then(|| Head::read(&packet.payload)).flatten();
        let source = stamp.map(|stamp| stamp.source);
        let (number, marker) = (*packet.seq_no, packet.header.marker);
        let of = watch::Packet { number, marker, is_picture, head, source };
        Heard { ssrc: packet.header.ssrc, stamp, bytes: packet.payload.len(), packet: of }
    }
}

/// The names of the sections with pictures.
fn picture_sections(sdp: &str) -> Vec<&str> {
    let sections = sdp.split("\r\nm=").filter(|section| section.starts_with("video "));
    sections.filter_map(|section| section.lines().find_map(|line| line.strip_prefix("a=mid:"))).collect()
}

impl<M> Stream<M> {
    fn send(&mut self, rtc: &mut Rtc, now: Instant, wall_ns: u64, mut packet: Packet, codec: Codec, values: ExtensionValues) {
        let Some(pt) = self.pt.or_else(|| self.prepare(rtc, codec)) else { return };
        if packet.stamped {
            Stamp { source: self.source, sent_ns: wall_ns, number: self.sent }.write(&mut packet.payload);
        }
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(self.mid, self.rid) else { return };
        let write = RtpWrite::new(pt, self.sent.into(), packet.time, now, packet.payload);
        stream.write_rtp(write.marker(packet.marker).ext_vals(values).nackable(codec == Codec::Vp8));
        self.sent += 1;
    }

    fn prepare(&mut self, rtc: &mut Rtc, codec: Codec) -> Option<Pt> {
        self.pt = rtc.codec_config().find(|params| params.spec().codec == codec).map(|params| params.pt());
        if codec == Codec::Vp8 {
            rtc.direct_api().stream_tx_by_mid(self.mid, self.rid)?.set_rtx_cache(REPAIR_PACKETS, REPAIR_TIME, None);
        }
        self.pt
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn client() -> Client {
        Client::new(Instant::now(), SocketAddr::from((Ipv4Addr::LOCALHOST, 9))).expect("a client")
    }

    #[test]
    fn feedback_has_a_sender_where_there_is_one_picture() {
        let now = Instant::now();
        let (mut server, mut viewer) = (client(), client());
        let offer = server.offer(None, None).expect("an offer");
        let answer = viewer.handle_offer(now, &offer).expect("an answer");
        let announced = viewer.announce_reporter(&answer);
        let ssrc = *viewer.reporter.expect("a sender");
        assert_eq!(announced.matches(&format!("a=ssrc:{ssrc} cname:bench\r\n")).count(), 1, "{announced}");
        assert_eq!(viewer.announce_reporter(&answer), announced);
        let two = format!("{answer}m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:other\r\n");
        assert_eq!(viewer.announce_reporter(&two), two);
    }
}
