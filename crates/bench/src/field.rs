//! All clients of a run, on one thread: their sockets, their media, and what arrived.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use str0m::RtcError;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedSender;

use crate::client::{Client, Said};
use crate::histogram::Histogram;
use crate::net::{self, Reader, time_of_day};
use crate::signal::{Door, Introduction, Post, Reply, Word};
use crate::sink::{Sink, Verdict};
use crate::source::{Camera, Microphone, Picture};

/// How long what arrives may wait until it is read. It is stamped by the system when it arrives, so this is no part of what is measured.
const READ_INTERVAL: Duration = Duration::from_millis(3);

/// How long nothing is looked at, at most.
const NAP_MAX: Duration = Duration::from_millis(1);

/// Says that the poll was woken by the post.
const POST: Token = Token(usize::MAX);

/// Events taken from the poll at a time.
const EVENTS: usize = 1_024;

/// Who joins, and what it sends.
#[derive(Clone, Debug)]
pub struct Joiner {
    /// The room's number.
    pub room: usize,
    /// A camera.
    pub picture: Option<Picture>,
    /// A microphone, and whether somebody speaks into it.
    pub sound: Option<bool>,
}

/// All clients of a run.
pub struct Field {
    door: Door,
    http: SocketAddr,
    /// Where clients are.
    ip: Ipv4Addr,
    start: Instant,
    poll: Poll,
    events: Events,
    reader: Reader,
    places: Vec<Place>,
    /// Of each stream: whose it is.
    sources: Vec<usize>,
    runtime: Runtime,
    words: Receiver<(u32, Word)>,
    /// For those who join.
    post: Post,
    /// When was read last.
    read_at: Instant,
    meters: Meters,
}

/// What is measured on the way.
#[derive(Default)]
struct Meters {
    is_on: bool,
    latency: Histogram,
    lateness: Histogram,
    /// Datagrams that the system took no more.
    unsent: u64,
}

/// One client and what belongs to it.
struct Place {
    client: Client,
    socket: mio::net::UdpSocket,
    /// There may be something to read.
    is_ready: bool,
    room: usize,
    /// The first place of the same participant, or this one.
    owner: usize,
    /// Whether it is for receiving too.
    hears: bool,
    sink: Sink,
    replies: Option<UnboundedSender<Reply>>,
    /// The time of day at which it began to join, if there was something to hear.
    joined_at: Option<Duration>,
    first_at: Option<Duration>,
}

/// A first offer, and the tracks in it: kind and name.
type Offer = (String, Vec<(&'static str, String)>);

/// What was counted between two moments.
pub struct Tally {
    /// From being given to the sender's transport until the receiver's system has it.
    pub latency: Histogram,
    /// How much later than due packets were sent.
    pub lateness: Histogram,
    /// Of all streams at all who should hear them.
    pub verdict: Verdict,
    /// How many streams at how many clients.
    pub pairs: u64,
    /// Those of them of which nothing came.
    pub pairs_silent: u64,
    /// Packets that were sent.
    pub sent: u64,
    /// Datagrams of clients that the system took no more.
    pub unsent: u64,
}

impl Field {
    /// Nobody yet.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(door: Door, http: SocketAddr, ip: Ipv4Addr) -> io::Result<Self> {
        let (sender, words) = channel();
        let poll = Poll::new()?;
        let post = Post { words: sender, waker: Arc::new(Waker::new(poll.registry(), POST)?) };
        Ok(Field {
            door,
            http,
            ip,
            start: Instant::now(),
            poll,
            events: Events::with_capacity(EVENTS),
            reader: Reader::new(),
            places: Vec::new(),
            sources: Vec::new(),
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?,
            words,
            post,
            read_at: Instant::now(),
            meters: Meters::default(),
        })
    }

    /// Lets somebody join.
    ///
    /// # Errors
    /// What the system or the transport says.
    pub fn join(&mut self, joiner: &Joiner) -> io::Result<()> {
        let one = self.door.has_one_connection();
        let sends = joiner.sound.is_some() || joiner.picture.is_some();
        let owner = self.places.len();
        let feeds = self.senders_of(joiner.room);
        let publisher = if sends || one { Some(self.place(joiner, owner, one)?) } else { None };
        let subscriber = if one { owner } else { self.place(joiner, owner, true)? };
        let (offer, tracks) = match publisher {
            Some(number) => self.offer(number, joiner).map_err(io::Error::other)?,
            None => Default::default(),
        };
        let (room, publisher, number) = (joiner.room, publisher.filter(|_| sends).map(|number| number as u32), subscriber as u32);
        let introduction = Introduction { http: self.http, room, publisher, subscriber: number, tracks, offer, feeds };
        self.places[subscriber].joined_at = self.is_live(room).then(time_of_day);
        self.places[subscriber].replies = Some(self.door.attend(&self.runtime, introduction, self.post.clone()));
        Ok(())
    }

    /// A client with its socket.
    fn place(&mut self, joiner: &Joiner, owner: usize, hears: bool) -> io::Result<usize> {
        let number = self.places.len();
        let mut socket = net::open(self.ip)?;
        self.poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
        let client = Client::new(Instant::now(), socket.local_addr()?).map_err(io::Error::other)?;
        let (sink, is_ready, replies) = (Sink::default(), false, None);
        let (joined_at, first_at, room) = (None, None, joiner.room);
        self.places.push(Place { client, socket, is_ready, room, owner, hears, sink, replies, joined_at, first_at });
        Ok(number)
    }

    /// A client's first offer, and the tracks in it.
    fn offer(&mut self, number: usize, joiner: &Joiner) -> Result<Offer, RtcError> {
        let sound = joiner.sound.map(|speaks| (format!("audio-{number}"), self.source(number), speaks));
        let picture = joiner.picture.map(|picture| (format!("video-{number}"), self.source(number), picture));
        // Nobody's frames begin at the same moment as another's.
        let begin = self.start.elapsed() + Duration::from_micros(number as u64 * 7_919 % 33_333);
        let offer = self.places[number].client.offer(
            sound.as_ref().map(|(name, source, speaks)| (name.as_str(), *source, Microphone::new(*speaks, begin))),
            picture.as_ref().map(|(name, source, picture)| (name.as_str(), *source, Camera::new(*picture, begin))),
        )?;
        let tracks = sound.map(|one| ("audio", one.0)).into_iter().chain(picture.map(|one| ("video", one.0)));
        Ok((offer, tracks.collect()))
    }

    /// The clients that send in a room.
    fn senders_of(&self, room: usize) -> Vec<u32> {
        let mut senders: Vec<u32> = self.sources.iter().filter(|n| self.places[**n].room == room).map(|n| *n as u32).collect();
        senders.dedup();
        senders
    }

    fn source(&mut self, number: usize) -> u32 {
        self.sources.push(number);
        self.sources.len() as u32 - 1
    }

    fn is_live(&self, room: usize) -> bool {
        self.sources.iter().map(|owner| &self.places[*owner]).any(|place| place.room == room && place.client.is_connected())
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// How many participants there are.
    pub fn participants(&self) -> usize {
        self.places.iter().filter(|place| place.hears).count()
    }

    /// Works for so long.
    ///
    /// # Errors
    /// A client failed.
    pub fn run_for(&mut self, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.step(end)?;
        }
        Ok(())
    }

    /// Works until everybody hears everything of its room, at most so long; whether it does.
    ///
    /// # Errors
    /// A client failed.
    pub fn run_until_complete(&mut self, most: Duration) -> io::Result<bool> {
        let end = Instant::now() + most;
        while Instant::now() < end {
            self.run_for(Duration::from_millis(20))?;
            if self.pairs().all(|(place, source)| self.places[place].sink.knows(source)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Who should hear what.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let hears = |place: usize, other: usize| {
            let (place, other) = (&self.places[place], &self.places[other]);
            place.hears && place.owner != other.owner && place.room == other.room
        };
        let all = (0..self.places.len()).flat_map(|place| self.sources.iter().enumerate().map(move |one| (place, one)));
        all.filter(move |(place, (_, owner))| hears(*place, **owner)).map(|(place, (source, _))| (place, source))
    }

    /// From now on everything is measured. The number of each stream's next packet.
    pub fn open_window(&mut self) -> Vec<u64> {
        let numbers = self.numbers();
        self.places.iter_mut().for_each(|place| place.sink.judge_from(&numbers));
        self.meters = Meters { is_on: true, ..Meters::default() };
        numbers
    }

    /// Ends what `open_window` began; what is under way may still come. The number of each stream's next packet.
    pub fn close_window(&mut self) -> Vec<u64> {
        self.meters.is_on = false;
        self.numbers()
    }

    /// What was measured from one moment to the other.
    pub fn tally(&mut self, from: &[u64], to: &[u64]) -> Tally {
        let meters = std::mem::take(&mut self.meters);
        let sent = to.iter().zip(from).map(|(to, from)| to - from).sum();
        let (latency, lateness, unsent) = (meters.latency, meters.lateness, meters.unsent);
        let mut tally = Tally { latency, lateness, verdict: Verdict::default(), pairs: 0, pairs_silent: 0, sent, unsent };
        for (place, source) in self.pairs() {
            let (Some(from), Some(to)) = (from.get(source), to.get(source)) else { continue };
            let verdict = self.places[place].sink.judge(source, *from, *to);
            tally.pairs += 1;
            tally.pairs_silent += u64::from(verdict.delivered == 0 && verdict.expected > 0);
            tally.verdict += verdict;
        }
        tally
    }

    /// Packets with a stamp that came to anybody since the beginning.
    pub fn arrived(&self) -> u64 {
        self.places.iter().map(|place| place.sink.arrived()).sum()
    }

    /// From beginning to connect until the first packet of media, for each who came to a room where something was to be heard, from this
    /// client on.
    pub fn joins(&self, since: usize) -> Histogram {
        let mut joins = Histogram::default();
        for place in self.places.iter().skip(since) {
            if let (Some(from), Some(to)) = (place.joined_at, place.first_at) {
                joins.add(to.saturating_sub(from));
            }
        }
        joins
    }

    fn numbers(&self) -> Vec<u64> {
        let mut numbers = vec![0; self.sources.len()];
        for place in &self.places {
            let sound = place.client.microphone.iter().map(|stream| (stream.source, stream.sent));
            let picture = place.client.camera.iter().map(|stream| (stream.source, stream.sent));
            sound.chain(picture).for_each(|(source, sent)| numbers[source as usize] = sent);
        }
        numbers
    }

    /// Does what is due, reads what is there, then waits until the next packet is due or something may have come.
    fn step(&mut self, end: Instant) -> io::Result<()> {
        self.listen()?;
        self.send();
        let busy = self.places.iter().any(Place::is_joining);
        if busy || self.read_at.elapsed() >= READ_INTERVAL {
            self.receive()?;
        }
        let media = self.places.iter().filter_map(|place| place.client.media_due()).min();
        let next = media.map(|due| self.start + due).into_iter().chain([end, Instant::now() + NAP_MAX]).min();
        let nap = next.map(|next| next.saturating_duration_since(Instant::now())).unwrap_or_default();
        match busy {
            // A handshake waits for each of its datagrams.
            true => self.poll.poll(&mut self.events, Some(nap))?,
            false => thread::sleep(nap),
        }
        self.note_ready();
        Ok(())
    }

    fn receive(&mut self) -> io::Result<()> {
        self.read_at = Instant::now();
        self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
        self.note_ready();
        for place in &mut self.places {
            place.receive(&mut self.reader, &mut self.meters);
            place.tick(&mut self.meters);
            if let Some(why) = place.client.failed.take() {
                return Err(io::Error::other(why));
            }
        }
        Ok(())
    }

    fn note_ready(&mut self) {
        for event in &self.events {
            if let Some(place) = self.places.get_mut(event.token().0) {
                place.is_ready = true;
            }
        }
        self.events.clear();
    }

    /// What the server said.
    fn listen(&mut self) -> io::Result<()> {
        while let Ok((number, word)) = self.words.try_recv() {
            let Some(place) = self.places.get_mut(number as usize) else { continue };
            place.hear(word).map_err(|why| io::Error::other(format!("client {number}: {why}")))?;
        }
        Ok(())
    }

    fn send(&mut self) {
        for place in &mut self.places {
            loop {
                let (now, since) = (Instant::now(), self.start.elapsed());
                let Some(due) = place.client.media_due().filter(|due| *due <= since) else { break };
                if self.meters.is_on {
                    self.meters.lateness.add(since - due);
                }
                place.act(&mut self.meters, |client, out| {
                    client.send_media(now, u64::try_from(time_of_day().as_nanos()).unwrap_or(0), out);
                });
            }
        }
    }
}

impl Place {
    fn hear(&mut self, word: Word) -> Result<(), String> {
        let now = Instant::now();
        match word {
            Word::Answer(sdp) => self.client.handle_answer(now, &sdp).map_err(|e| e.to_string()),
            Word::Offer(revision, sdp) => {
                let answer = self.client.handle_offer(now, &sdp).map_err(|e| e.to_string())?;
                let replies = self.replies.as_ref().ok_or("nobody asked")?;
                replies.send((revision, answer)).map_err(|_| "the conversation is over".to_owned())
            }
            Word::Ended(why) => Err(why),
        }
    }

    /// Whether it has not yet what it came for, as far as that can be told.
    fn is_joining(&self) -> bool {
        !self.client.is_connected() || self.joined_at.is_some() && self.first_at.is_none()
    }

    fn receive(&mut self, reader: &mut Reader, meters: &mut Meters) {
        let (now, today) = (Instant::now(), time_of_day());
        let Place { client, socket, sink, first_at, .. } = self;
        while self.is_ready {
            self.is_ready = reader.read(socket, |from, at, bytes| {
                // The transport reports to the server when it got what, and is to see the network, not us.
                let came = now.checked_sub(today.saturating_sub(at)).unwrap_or(now);
                client.handle_datagram(came, from, bytes, &mut |said| take(said, socket, sink, first_at, meters, at));
            });
        }
        client.settle(&mut |said| take(said, socket, sink, first_at, meters, today));
    }

    fn tick(&mut self, meters: &mut Meters) {
        let now = Instant::now();
        if self.client.due <= now {
            self.act(meters, |client, out| client.handle_timeout(now, out));
        }
    }

    fn act(&mut self, meters: &mut Meters, act: impl FnOnce(&mut Client, &mut dyn FnMut(Said))) {
        let Place { client, socket, sink, first_at, .. } = self;
        let at = time_of_day();
        act(client, &mut |said| take(said, socket, sink, first_at, meters, at));
    }
}

/// Does what a client says. `at` is when the system got the datagram that led to it, as time of day.
fn take(
    said: Said,
    socket: &mio::net::UdpSocket,
    sink: &mut Sink,
    first_at: &mut Option<Duration>,
    meters: &mut Meters,
    at: Duration,
) {
    match said {
        Said::Send(to, bytes) => meters.unsent += u64::from(socket.send_to(bytes, to).is_err()),
        Said::Heard(stamp) => {
            first_at.get_or_insert(at);
            sink.hear(stamp);
            if meters.is_on {
                meters.latency.add(at.saturating_sub(Duration::from_nanos(stamp.sent_ns)));
            }
        }
    }
}
