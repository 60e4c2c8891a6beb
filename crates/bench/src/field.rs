//! All clients of a run, on one thread: their sockets, their media, and what arrived.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use str0m::RtcError;
use tokio::runtime::Runtime;

use crate::chance::Chance;
use crate::client::{Client, Track};
use crate::drill::Drill;
use crate::ears::{Ears, Meters};
use crate::interrupt;
use crate::net::{self, Reader, time_of_day};
use crate::place::{Choice, Loss, Place};
use crate::reel::Reel;
use crate::signal::{Door, Introduction, Post, Word};
use crate::source::{Camera, Microphone, Picture};

/// How long what arrives may wait until it is read. It is stamped by the system when it arrives, so this is no part of what is measured.
const READ_INTERVAL: Duration = Duration::from_millis(3);

/// How long nothing is looked at, at most.
const NAP_MAX: Duration = Duration::from_millis(1);

/// Says that the poll was woken by the post.
const POST: Token = Token(usize::MAX);

/// Events taken from the poll at a time.
const EVENTS: usize = 1_024;

/// What somebody's camera sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    /// One stream.
    One(Picture),
    /// Three layers.
    Layers,
}

/// Who joins, and what it sends.
#[derive(Clone, Debug)]
pub struct Joiner {
    /// The room's number.
    pub room: usize,
    /// A camera.
    pub picture: Option<Pictures>,
    /// A microphone, and whether somebody speaks into it.
    pub sound: Option<bool>,
}

/// What holds for all clients of a run.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How they speak to the server.
    pub door: Door,
    /// Where it answers HTTP.
    pub http: SocketAddr,
    /// Where clients are.
    pub ip: IpAddr,
    /// What they do while they are measured, beside sending and hearing.
    pub drill: Option<Drill>,
    /// Of a hundred datagrams of media so many get lost, each way.
    pub loss_percent: u8,
    /// Which ones.
    pub seed: u64,
}

/// One stream that somebody sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// Whose it is.
    pub place: usize,
    /// Which layer of a picture it is, if there are several.
    pub layer: Option<u8>,
}

/// All clients of a run.
pub struct Field {
    pub(crate) terms: Terms,
    /// What real cameras and microphones send, if the server looks into it.
    reel: Option<Arc<Reel>>,
    start: Instant,
    poll: Poll,
    events: Events,
    reader: Reader,
    pub(crate) places: Vec<Place>,
    /// By their numbers.
    pub(crate) sources: Vec<Source>,
    runtime: Runtime,
    words: Receiver<(u32, Word)>,
    /// For those who join.
    post: Post,
    /// When was read last.
    read_at: Instant,
    pub(crate) meters: Meters,
    /// When clients do what they do next, each by its place.
    pub(crate) drilled_at: Vec<Instant>,
}

/// A first offer, and the tracks in it: kind and name.
type Offer = (String, Vec<(&'static str, String)>);

impl Field {
    /// Nobody yet.
    ///
    /// # Errors
    /// What the system says, or codecs.
    pub fn new(terms: Terms) -> io::Result<Self> {
        let (sender, words) = channel();
        let poll = Poll::new()?;
        let post = Post { words: sender, waker: Arc::new(Waker::new(poll.registry(), POST)?) };
        let reel = if terms.door.is_mixed() { Some(Reel::get().map_err(io::Error::other)?) } else { None };
        Ok(Field {
            terms,
            reel,
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
            drilled_at: Vec::new(),
        })
    }

    /// Lets somebody join.
    ///
    /// # Errors
    /// What the system or the transport says.
    pub fn join(&mut self, joiner: &Joiner) -> io::Result<()> {
        let one = self.terms.door.has_one_connection();
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
        let (http, chooses) = (self.terms.http, self.terms.drill == Some(Drill::Layers));
        let introduction = Introduction { http, room, publisher, subscriber: number, tracks, offer, feeds, chooses };
        self.places[subscriber].joined_at = self.is_live(room).then(time_of_day);
        self.places[subscriber].replies = Some(self.terms.door.attend(&self.runtime, introduction, self.post.clone()));
        Ok(())
    }

    /// A client with its socket.
    fn place(&mut self, joiner: &Joiner, owner: usize, hears: bool) -> io::Result<usize> {
        let number = self.places.len();
        let mut socket = net::open(self.terms.ip)?;
        self.poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
        let client = Client::new(Instant::now(), socket.local_addr()?).map_err(io::Error::other)?;
        let looks = hears && (self.terms.door.is_mixed() || self.terms.drill.is_some());
        let ears = Ears { is_mixed: self.terms.door.is_mixed(), watches: looks.then(Vec::new), ..Ears::default() };
        let chance = Chance::new(self.terms.seed.wrapping_add(number as u64));
        let loss = Loss { percent: self.terms.loss_percent, chance };
        let (is_ready, replies, choice) = (false, None, Choice::default());
        let (joined_at, room) = (None, joiner.room);
        self.places.push(Place { client, socket, is_ready, room, owner, hears, ears, replies, joined_at, loss, choice });
        Ok(number)
    }

    /// A client's first offer, and the tracks in it.
    fn offer(&mut self, number: usize, joiner: &Joiner) -> Result<Offer, RtcError> {
        // Nobody's frames begin at the same moment as another's.
        let begin = self.start.elapsed() + Duration::from_micros(number as u64 * 7_919 % 33_333);
        let sound = joiner.sound.map(|speaks| self.microphone(number, speaks, begin));
        let picture = joiner.picture.map(|pictures| self.camera(number, pictures, begin));
        let names =
            [sound.as_ref().map(|(name, _)| ("audio", name.clone())), picture.as_ref().map(|(name, _)| ("video", name.clone()))];
        let offer = self.places[number].client.offer(sound, picture)?;
        Ok((offer, names.into_iter().flatten().collect()))
    }

    fn microphone(&mut self, number: usize, speaks: bool, begin: Duration) -> Track<Microphone> {
        let maker = match &self.reel {
            Some(reel) => Microphone::real(Arc::clone(reel), begin),
            None => Microphone::new(speaks, begin),
        };
        (format!("audio-{number}"), vec![(self.source(number, None), maker)])
    }

    fn camera(&mut self, number: usize, pictures: Pictures, begin: Duration) -> Track<Camera> {
        let layers = match (pictures, &self.reel) {
            (_, Some(reel)) => vec![(None, Camera::real(Arc::clone(reel), begin))],
            (Pictures::One(picture), None) => vec![(None, Camera::new(picture, begin))],
            (Pictures::Layers, None) => {
                (0..).zip(Picture::LAYERS).map(|(n, picture)| (Some(n), Camera::new(picture, begin))).collect()
            }
        };
        let layers = layers.into_iter().map(|(layer, camera)| (self.source(number, layer), camera));
        (format!("video-{number}"), layers.collect())
    }

    /// The clients that send in a room.
    fn senders_of(&self, room: usize) -> Vec<u32> {
        let owners = self.sources.iter().map(|source| source.place);
        let mut senders: Vec<u32> = owners.filter(|place| self.places[*place].room == room).map(|place| place as u32).collect();
        senders.dedup();
        senders
    }

    fn source(&mut self, place: usize, layer: Option<u8>) -> u32 {
        self.sources.push(Source { place, layer });
        self.sources.len() as u32 - 1
    }

    fn is_live(&self, room: usize) -> bool {
        self.sources
            .iter()
            .map(|source| &self.places[source.place])
            .any(|place| place.room == room && place.client.is_connected())
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
            if self.is_complete() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does what is due, reads what is there, then waits until the next packet is due or something may have come.
    fn step(&mut self, end: Instant) -> io::Result<()> {
        interrupt::check()?;
        self.listen()?;
        self.drill()?;
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
            place.hear(self.terms.door, word).map_err(|why| io::Error::other(format!("client {number}: {why}")))?;
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
