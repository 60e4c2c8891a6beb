//! All clients of a run, on one thread: their sockets, their media, and what arrived.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::client::{Client, Said};
use crate::histogram::Histogram;
use crate::net::{self, Reader, time_of_day};
use crate::sink::{Sink, Verdict};
use crate::source::{Camera, Microphone, Picture};
use crate::twilio::{self, Reply, Seat, Word};

/// How long what arrives may wait until it is read. It is stamped by the system when it arrives, so this is no part of what is measured.
const READ_INTERVAL: Duration = Duration::from_millis(1);

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
    http: SocketAddr,
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
    says: Sender<(u32, Word)>,
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
    is_ready: bool,
    room: usize,
    sink: Sink,
    replies: UnboundedSender<Reply>,
    /// The time of day at which it began to join, if there was something to hear.
    joined_at: Option<Duration>,
    first_at: Option<Duration>,
    sends: Vec<u32>,
}

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
    pub fn new(http: SocketAddr) -> io::Result<Self> {
        let (says, words) = channel();
        Ok(Field {
            http,
            start: Instant::now(),
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            reader: Reader::new(),
            places: Vec::new(),
            sources: Vec::new(),
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?,
            words,
            says,
            meters: Meters::default(),
        })
    }

    /// Lets somebody join.
    ///
    /// # Errors
    /// What the system or the transport says.
    pub fn join(&mut self, joiner: &Joiner) -> io::Result<()> {
        let number = self.places.len();
        let mut socket = net::open(Ipv4Addr::LOCALHOST)?;
        self.poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
        let mut client = Client::new(Instant::now(), socket.local_addr()?).map_err(io::Error::other)?;
        let sound = joiner.sound.map(|speaks| (format!("audio-{number}"), self.source(number), speaks));
        let picture = joiner.picture.map(|picture| (format!("video-{number}"), self.source(number), picture));
        // Nobody's frames begin at the same moment as another's.
        let begin = self.start.elapsed() + Duration::from_micros(number as u64 * 7_919 % 33_333);
        let offer = client.offer(
            sound.as_ref().map(|(name, source, speaks)| (name.as_str(), *source, Microphone::new(*speaks, begin))),
            picture.as_ref().map(|(name, source, picture)| (name.as_str(), *source, Camera::new(*picture, begin))),
        );
        let (replies, inbox) = unbounded_channel();
        let mut tracks: Vec<(&'static str, String)> = sound.iter().map(|(name, ..)| ("audio", name.clone())).collect();
        tracks.extend(picture.iter().map(|(name, ..)| ("video", name.clone())));
        let sends = sound.iter().map(|s| s.1).chain(picture.iter().map(|p| p.1)).collect();
        let joined_at = self.is_live(joiner.room).then(time_of_day);
        let place = Place {
            client,
            socket,
            is_ready: false,
            room: joiner.room,
            sink: Sink::default(),
            replies,
            joined_at,
            first_at: None,
            sends,
        };
        self.places.push(place);
        let room = format!("room {}", joiner.room);
        let offer = offer.map_err(io::Error::other)?;
        let seat = Seat { http: self.http, number: number as u32, room, tracks, offer };
        self.runtime.spawn(twilio::attend(seat, inbox, self.says.clone()));
        Ok(())
    }

    fn source(&mut self, number: usize) -> u32 {
        self.sources.push(number);
        self.sources.len() as u32 - 1
    }

    fn is_live(&self, room: usize) -> bool {
        self.places.iter().any(|place| place.room == room && !place.sends.is_empty() && place.client.is_connected())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
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
        let hears = |place: usize, owner: usize| place != owner && self.places[place].room == self.places[owner].room;
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

    /// Does what is due, reads what is there, then sleeps until the next packet is due or something may have come.
    fn step(&mut self, end: Instant) -> io::Result<()> {
        self.listen()?;
        self.send();
        self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
        for event in &self.events {
            if let Some(place) = self.places.get_mut(event.token().0) {
                place.is_ready = true;
            }
        }
        for place in &mut self.places {
            place.receive(&mut self.reader, &mut self.meters);
            place.tick(&mut self.meters);
            if let Some(why) = place.client.failed.take() {
                return Err(io::Error::other(why));
            }
        }
        let media = self.places.iter().filter_map(|place| place.client.media_due()).min();
        let next = media.map(|due| self.start + due).into_iter().chain([end, Instant::now() + READ_INTERVAL]).min();
        thread::sleep(next.map(|next| next.saturating_duration_since(Instant::now())).unwrap_or_default());
        Ok(())
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
                self.replies.send((revision, answer)).map_err(|_| "the conversation is over".to_owned())
            }
            Word::Ended(why) => Err(why),
        }
    }

    fn receive(&mut self, reader: &mut Reader, meters: &mut Meters) {
        while self.is_ready {
            let now = Instant::now();
            let Place { client, socket, sink, first_at, .. } = self;
            self.is_ready = reader.read(socket, |from, at, bytes| {
                client.handle_datagram(now, from, bytes, &mut |said| take(said, socket, sink, first_at, meters, at));
            });
        }
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
