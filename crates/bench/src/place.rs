//! One client and what belongs to it: its socket, its conversation, and what it hears.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::chance::Chance;
use crate::client::{Client, Said};
use crate::ears::{Ears, Meters};
use crate::net::{Reader, time_of_day};
use crate::signal::{Door, Reply, Word};
use crate::source::Picture;
use crate::twilio;

/// First bytes of media and of what is said about it (RFC 7983); all else opens connections, and is never dropped.
const MEDIA: std::ops::RangeInclusive<u8> = 128..=191;

/// One client.
pub struct Place {
    /// Its transport.
    pub client: Client,
    /// Its socket.
    pub socket: mio::net::UdpSocket,
    /// There may be something to read.
    pub is_ready: bool,
    /// The room's number.
    pub room: usize,
    /// The first place of the same participant, or this one.
    pub owner: usize,
    /// Whether it is for receiving too.
    pub hears: bool,
    /// What it heard.
    pub ears: Ears,
    /// To the conversation.
    pub replies: Option<UnboundedSender<Reply>>,
    /// The time of day at which it began to join, if there was something to hear.
    pub joined_at: Option<Duration>,
    /// What of its datagrams gets lost.
    pub loss: Loss,
    /// Which layer it wants.
    pub choice: Choice,
}

/// What gets lost of what a client sends and is sent.
pub struct Loss {
    /// Of a hundred datagrams of media, each way.
    pub percent: u8,
    /// Which ones.
    pub chance: Chance,
}

/// What a client wants of pictures in layers.
#[derive(Default)]
pub struct Choice {
    /// The layer; none while it does not choose.
    pub layer: Option<u8>,
    /// What others send, by the names that the server gave.
    pictures: Vec<String>,
    /// How often it said so.
    said: u64,
}

impl Loss {
    fn takes(&mut self, bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| MEDIA.contains(first)) && self.chance.hits(self.percent)
    }
}

impl Place {
    /// The server says something.
    ///
    /// # Errors
    /// It is over, or makes no sense.
    pub fn hear(&mut self, door: Door, word: Word) -> Result<(), String> {
        let now = Instant::now();
        match word {
            Word::Answer(sdp) => self.client.handle_answer(now, &sdp).map_err(|e| e.to_string()),
            Word::Offer(revision, sdp) => {
                let mut answer = self.client.handle_offer(now, &sdp).map_err(|e| e.to_string())?;
                if door == Door::Janus {
                    answer = self.client.announce_reporter(&answer);
                }
                let replies = self.replies.as_ref().ok_or("nobody asked")?;
                replies.send(Reply::Answer(revision, answer)).map_err(|_| "the conversation is over".to_owned())
            }
            Word::Picture(name) => {
                if !self.choice.pictures.contains(&name) {
                    self.choice.pictures.push(name);
                }
                Ok(())
            }
            Word::Ended(why) => Err(why),
        }
    }

    /// Whether it can say which layer it wants.
    pub fn can_choose(&self, door: Door) -> bool {
        match door {
            Door::Kennel => self.client.has_channel() && !self.choice.pictures.is_empty(),
            Door::Janus => self.ears.first_picture_at.is_some(),
            Door::Signalwire => false,
        }
    }

    /// Says which layer it wants of all pictures.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn choose(&mut self, door: Door, layer: u8) -> Result<(), String> {
        let choice = &mut self.choice;
        (choice.layer, choice.said) = (Some(layer), choice.said + 1);
        if door == Door::Kennel {
            let size = Picture::LAYERS.get(usize::from(layer)).map_or((0, 0), |picture| picture.size);
            return self.client.say(&twilio::hints(choice.said, &choice.pictures, size)).map_err(|e| e.to_string());
        }
        let replies = self.replies.as_ref().ok_or("nobody asked")?;
        replies.send(Reply::Layer(layer)).map_err(|_| "the conversation is over".to_owned())
    }

    /// Asks for a key frame of every picture that it gets; how many it asked for.
    pub fn ask_keys(&mut self) -> u64 {
        let pictures: Vec<_> = self.ears.pictures().collect();
        pictures.iter().for_each(|ssrc| self.client.ask_key(*ssrc));
        pictures.len() as u64
    }

    /// Whether it has not yet what it came for, as far as that can be told.
    pub fn is_joining(&self) -> bool {
        !self.client.is_connected() || self.joined_at.is_some() && self.ears.first_at.is_none()
    }

    /// Reads what is there.
    pub fn receive(&mut self, reader: &mut Reader, meters: &mut Meters) {
        let (now, today) = (Instant::now(), time_of_day());
        let Place { client, socket, ears, loss, .. } = self;
        while self.is_ready {
            self.is_ready = reader.read(socket, |from, at, bytes| {
                if loss.takes(bytes) {
                    meters.dropped += 1;
                    return;
                }
                // The transport reports to the server when it got what, and is to see the network, not us.
                let came = now.checked_sub(today.saturating_sub(at)).unwrap_or(now);
                client.handle_datagram(came, from, bytes, &mut |said| take(said, socket, ears, loss, meters, at));
            });
        }
        client.settle(&mut |said| take(said, socket, ears, loss, meters, today));
    }

    /// Does what is due.
    pub fn tick(&mut self, meters: &mut Meters) {
        let now = Instant::now();
        if self.client.due <= now {
            self.act(meters, |client, out| client.handle_timeout(now, out));
        }
    }

    /// Does something with the client, and what it says then.
    pub fn act(&mut self, meters: &mut Meters, act: impl FnOnce(&mut Client, &mut dyn FnMut(Said))) {
        let Place { client, socket, ears, loss, .. } = self;
        let at = time_of_day();
        act(client, &mut |said| take(said, socket, ears, loss, meters, at));
    }
}

/// Does what a client says. `at` is when the system got the datagram that led to it, as time of day.
fn take(said: Said, socket: &mio::net::UdpSocket, ears: &mut Ears, loss: &mut Loss, meters: &mut Meters, at: Duration) {
    match said {
        Said::Send(_, bytes) if loss.takes(bytes) => meters.dropped += 1,
        Said::Send(to, bytes) => meters.unsent += u64::from(socket.send_to(bytes, to).is_err()),
        Said::Heard(heard) => ears.hear(heard, at, meters),
    }
}
