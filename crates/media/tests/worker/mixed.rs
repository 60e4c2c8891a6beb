//! A room that is mixed by real threads, and clients with real transports and codecs over real sockets: how long things take.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::depacketize::Depacketizer;
use media::mix::pieces;
use media::pool::Pool;
use mixer::codec::opus::{Channels, OpusEncoder};
use mixer::codec::vp8::{Vp8Decoder, Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};
use room::{Act, Area, Canvas, Cell, Ear, Kind, LinkId, News, Open, Order, ParticipantId, Priority, Report, RoomId};
use room::{Scene, Sealed, Signal, Step, Track, TrackId, View, Voice};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::script::{LONG, config};

const ROOM: RoomId = RoomId(9);
const RED: u32 = 0xc0_20_20;
const WHITE: u32 = 0xe0_e0_e0;

/// A member on a thread of its own.
struct Member {
    who: ParticipantId,
    tracks: Vec<Track>,
    /// What it shows, as 0xRRGGBB.
    colour: Arc<AtomicU32>,
    /// Each mixed picture: when it was decoded, and the colour in the middle of the first cell.
    seen: Receiver<(Instant, Colour)>,
    /// Packets of sound that it got.
    heard: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().into_iter().for_each(|thread| drop(thread.join()));
    }
}

/// The client's end of a transport.
struct Caller {
    rtc: Rtc,
    socket: UdpSocket,
    at: SocketAddr,
    sections: [Mid; 2],
    colour: Arc<AtomicU32>,
    seen: Sender<(Instant, Colour)>,
    heard: Arc<AtomicU32>,
    encoder: Vp8Encoder,
    decoder: Vp8Decoder,
    packets: Depacketizer,
    key: bool,
    numbers: [u64; 2],
    next: [Instant; 2],
    base: Instant,
    sound: Vec<u8>,
}

impl Caller {
    fn run(mut self, stop: &AtomicBool) {
        let mut buffer = [0; 2_048];
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            if self.rtc.is_connected() {
                self.send(now);
            }
            let due = self.drain().min(self.next[0]).min(self.next[1]);
            let wait = due.saturating_duration_since(Instant::now()).clamp(Duration::from_micros(200), Duration::from_millis(5));
            self.socket.set_read_timeout(Some(wait)).unwrap();
            if let Ok((count, source)) = self.socket.recv_from(&mut buffer) {
                let receive = Receive::new(Protocol::Udp, source, self.at, &buffer[..count]).unwrap();
                self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
                self.drain();
            }
            self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        }
    }

    fn send(&mut self, now: Instant) {
        if self.next[0] <= now {
            self.next[0] += Duration::from_millis(20);
            let (time, sound) = (u32::try_from(self.numbers[0] * 960).unwrap(), self.sound.clone());
            self.write(0, time, now, sound, false);
        }
        if self.next[1] <= now {
            self.next[1] += Duration::from_millis(33);
            let picture = Frame::new(640, 360, Colour::of(self.colour.load(Ordering::Relaxed)));
            let ms = u64::try_from((now - self.base).as_millis()).unwrap();
            let encoded = self.encoder.encode(&picture.picture(), ms, std::mem::take(&mut self.key)).unwrap();
            let cut: Vec<_> = pieces(encoded.bytes, self.numbers[1] as u16).collect();
            let time = u32::try_from(ms * 90).unwrap();
            cut.into_iter().for_each(|piece| self.write(1, time, now, piece.payload.to_vec(), piece.last));
        }
    }

    fn write(&mut self, section: usize, time: u32, now: Instant, payload: Vec<u8>, last: bool) {
        let codec = [str0m::format::Codec::Opus, str0m::format::Codec::Vp8][section];
        let pt = self.rtc.codec_config().find(|params| params.spec().codec == codec).unwrap().pt();
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(self.sections[section], None).unwrap();
        stream.write_rtp(RtpWrite::new(pt, self.numbers[section].into(), time, now, payload).marker(last).nackable(section == 1));
        self.numbers[section] += 1;
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain();
    }

    fn drain(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(due) => return due,
                Output::Transmit(transmit) => drop(self.socket.send_to(&transmit.contents, transmit.destination)),
                Output::Event(Event::RtpPacket(packet)) => self.receive(packet),
                Output::Event(Event::KeyframeRequest(_)) => self.key = true,
                Output::Event(_) => {}
            }
        }
    }

    fn receive(&mut self, packet: RtpPacket) {
        let params = self.rtc.codec_config().find(|params| params.pt() == packet.header.payload_type).copied().unwrap();
        if params.spec().codec.is_audio() {
            self.heard.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.packets.push(media::tap::Packet {
            codec: Codec::Vp8,
            stream: *packet.header.ssrc,
            seq: *packet.seq_no,
            time: packet.header.timestamp,
            arrival: packet.timestamp,
            last: packet.header.marker,
            rotation: None,
            report: None,
            payload: packet.payload.clone(),
        });
        while let Some(frame) = self.packets.poll(packet.timestamp) {
            if matches!(self.decoder.decode(&frame.bytes), Ok(true)) {
                // In either rendition.
                let picture = self.decoder.picture().unwrap();
                let ((width, height), [y, u, v]) = (picture.size(), picture.planes());
                let (x, line) = (width / 16, height / 16);
                let colour = Colour { y: y.row(2 * line)[2 * x], u: u.row(line)[x], v: v.row(line)[x] };
                let _ = self.seen.send((Instant::now(), colour));
            }
        }
        if self.packets.take_lost() || self.decoder.is_key_wanted() && self.packets.counts().frames > 0 {
            let mut api = self.rtc.direct_api();
            api.stream_rx(&packet.header.ssrc).unwrap().request_keyframe(KeyframeRequestKind::Pli);
        }
    }
}

/// Comes in. Also gives the order that opens its link, and what takes the answer.
fn come(pool: &Pool, answers: &Receiver<(ParticipantId, String)>, number: u8) -> Member {
    let who = ParticipantId(number.into());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    let mut rtc =
        Rtc::builder().set_rtp_mode(true).clear_codecs().enable_opus(true, false).enable_vp8(true).build(Instant::now());
    rtc.add_local_candidate(Candidate::host(at, Protocol::Udp).unwrap());
    let track = |n: u8, kind: Kind| {
        let label: Arc<str> = format!("{number}-{n}").into();
        let id = TrackId(u128::from(number) * 10 + u128::from(n));
        Track { id, label: label.clone(), kind, name: label, enabled: true, priority: Priority::Standard }
    };
    let tracks = vec![track(0, Kind::Audio), track(1, Kind::Video)];
    let mut api = rtc.sdp_api();
    let mut add =
        |kind, n: usize| api.add_media(kind, Direction::SendRecv, Some("s".into()), Some(tracks[n].label.to_string()), None);
    let sections = [add(MediaKind::Audio, 0), add(MediaKind::Video, 1)];
    let (offer, pending) = api.apply().unwrap();
    let offer = Signal { step: Step::Offer, revision: 1, sealed: Sealed(offer.to_sdp_string().into()) };
    let link = LinkId(format!("l{number}").into());
    let (channels, codecs) = (vec![], vec![]);
    let open = Open { link, offer, channels, profile: Default::default(), codecs, view: View::Mix };
    pool.order(Order::new(ROOM, who, Act::Open(Box::new(open))));
    pool.order(Order::new(ROOM, who, Act::Publish(tracks.clone())));
    let (_, text) = answers.iter().find(|(of, _)| *of == who).unwrap();
    rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&text).unwrap()).unwrap();
    let (sender, seen) = channel();
    let (colour, heard, stop) = (Arc::new(AtomicU32::new(RED)), Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (now, mut sound) = (Instant::now(), vec![0; 1_275]);
    let length = OpusEncoder::new(Channels::Mono, 32_000, 5).unwrap().encode(&[0.0; 960], &mut sound).unwrap();
    sound.truncate(length);
    let caller = Caller {
        rtc,
        socket,
        at,
        sections,
        colour: colour.clone(),
        seen: sender,
        heard: heard.clone(),
        encoder: Vp8Encoder::new(Vp8Settings { width: 640, height: 360, fps: 30, bitrate: 500_000 }).unwrap(),
        decoder: Vp8Decoder::new().unwrap(),
        packets: Depacketizer::default(),
        key: true,
        numbers: [1; 2],
        next: [now; 2],
        base: now,
        sound,
    };
    let ends = stop.clone();
    let thread = Some(thread::spawn(move || caller.run(&ends)));
    Member { who, tracks, colour, seen, heard, stop, thread }
}

fn show(pool: &Pool, members: &[Member]) {
    let cell = |(n, member): (u16, &Member)| Cell {
        who: member.who,
        area: Area { x: n % 4 * 320, y: n / 4 * 180, width: 320, height: 180 },
        track: Some(member.tracks[1].id),
        name: "".into(),
        whole: false,
    };
    let voice = |member: &Member| Voice { who: member.who, track: member.tracks[0].id, volume: 0, sensitivity: 30 };
    let ear = |member: &Member| Ear { who: member.who, hears: true, sees: true, volume: 0, without: vec![member.who] };
    let scene = Scene {
        canvas: Canvas::default(),
        cells: (0..).zip(members).map(cell).collect(),
        voices: members.iter().map(voice).collect(),
        ears: members.iter().map(ear).collect(),
        entries: 0,
        exits: 0,
        films: Vec::new(),
    };
    pool.order(Order::new(ROOM, members[0].who, Act::Scene(Some(Arc::new(scene)))));
}

fn is(seen: Colour, rgb: u32) -> bool {
    let wanted = Colour::of(rgb);
    seen.y.abs_diff(wanted.y) < 16 && seen.u.abs_diff(wanted.u) < 16 && seen.v.abs_diff(wanted.v) < 16
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn members_come_in_and_see_each_other_soon() {
    let (sender, answers) = channel();
    let sender = Mutex::new(sender);
    let hear = move |report| {
        if let Report::Of { who, news: News::Signal(signal), .. } = report {
            let _ = sender.lock().unwrap().send((who, signal.sealed.0.to_string()));
        }
    };
    let config = config("127.0.0.1:0", 1);
    let pool = Pool::serve(&config, 7, Arc::new(hear)).unwrap();
    let (mut members, mut joins) = (Vec::new(), Vec::new());
    for number in 1..=4 {
        let began = Instant::now();
        members.push(come(&pool, &answers, number));
        show(&pool, &members);
        let (first, _) = members.last().unwrap().seen.recv_timeout(LONG).expect("a picture");
        joins.push(first - began);
        thread::sleep(Duration::from_millis(300));
    }
    let mut glass = Vec::new();
    for round in 0..12 {
        thread::sleep(Duration::from_millis(211));
        let rgb = [WHITE, RED][round % 2];
        members[1].seen.try_iter().for_each(drop);
        let changed = Instant::now();
        members[0].colour.store(rgb, Ordering::Relaxed);
        let seen = std::iter::from_fn(|| members[1].seen.recv_timeout(LONG).ok()).find(|(_, colour)| is(*colour, rgb));
        glass.push(seen.expect("the other colour").0 - changed);
    }
    let before = members[2].heard.load(Ordering::Relaxed);
    thread::sleep(Duration::from_secs(2));
    let heard = members[2].heard.load(Ordering::Relaxed) - before;
    let counters = pool.counters();
    println!("joins {joins:?}\nglass to glass {:?} of {glass:?}\n{heard} sounds in 2 s", median(glass.clone()));
    let counts = [&counters.mixed_pictures, &counters.mixed_pictures_late, &counters.mixed_frames_broken].map(|c| c.get());
    println!("pictures, late ones, broken frames: {counts:?}");
    // Fast enough for a machine that has other things to do; how fast it is on one that has not, the figures tell.
    assert!(median(joins) < Duration::from_secs(3) && median(glass) < Duration::from_secs(3));
    assert!((80..=120).contains(&heard), "{heard} packets of sound in 2 s");
    assert_eq!((counters.mixer_panics.get(), counters.mixer_dropped.get()), (0, 0));
}
