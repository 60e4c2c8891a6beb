//! What clients and servers say to each other, whatever the protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use clap::ValueEnum;
use mio::Waker;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{janus, signalwire, twilio};

/// A server, and how it is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Door {
    /// Kennel by Twilio's signaling.
    #[default]
    Kennel,
    /// Kennel by SignalWire's signaling, mixed.
    Signalwire,
    /// Janus by its WebSocket JSON.
    Janus,
}

/// What the server says to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The answer to its offer.
    Answer(String),
    /// An offer, and its revision.
    Offer(u64, String),
    /// Somebody else sends pictures, under this name.
    Picture(String),
    /// It is out of the room, or never was in it.
    Ended(String),
}

/// Takes what servers say to the thread of the clients, and wakes it.
#[derive(Clone)]
pub struct Post {
    /// To there: which client, and what.
    pub words: Sender<(u32, Word)>,
    /// Ends its wait.
    pub waker: Arc<Waker>,
}

impl Post {
    /// Delivers.
    ///
    /// # Errors
    /// Nobody is there any more.
    pub fn send(&self, number: u32, word: Word) -> Result<(), String> {
        self.words.send((number, word)).map_err(|_| "the run is over")?;
        self.waker.wake().map_err(|e| e.to_string())
    }
}

/// What a client says to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Its answer to the offer of that revision.
    Answer(u64, String),
    /// Of all pictures it wants this layer, 0 being the smallest. Kennel is told by the channel that it opens.
    Layer(u8),
}

/// One participant, as the protocols need it.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// Where the server takes WebSockets.
    pub http: SocketAddr,
    /// The room's number.
    pub room: usize,
    /// The client that sends. With Kennel it receives too.
    pub publisher: Option<u32>,
    /// The client that receives.
    pub subscriber: u32,
    /// What is sent: kind and name.
    pub tracks: Vec<(&'static str, String)>,
    /// The first offer, of the client that sends, or with Kennel of the only one.
    pub offer: String,
    /// The clients that are known to send in this room.
    pub feeds: Vec<u32>,
    /// Whether it will say which layers it wants.
    pub chooses: bool,
}

impl Door {
    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            Door::Kennel => "kennel",
            Door::Signalwire => "signalwire",
            Door::Janus => "janus",
        }
    }

    /// Whether a participant sends and receives on one connection.
    pub fn has_one_connection(self) -> bool {
        self != Door::Janus
    }

    /// Whether everybody gets one picture and one sound of all, made by the server.
    pub fn is_mixed(self) -> bool {
        self == Door::Signalwire
    }

    /// Begins a conversation. Its offers are answered by what is returned, and it ends when that is dropped.
    pub fn attend(self, runtime: &Runtime, one: Introduction, post: Post) -> UnboundedSender<Reply> {
        let (replies, inbox) = unbounded_channel();
        match self {
            Door::Kennel => {
                let (room, number) = (room_name(one.room), one.subscriber);
                let seat =
                    twilio::Seat { http: one.http, number, room, tracks: one.tracks, offer: one.offer, chooses: one.chooses };
                runtime.spawn(twilio::attend(seat, inbox, post));
            }
            Door::Signalwire => {
                let (room, sends) = (room_name(one.room), one.publisher.is_some());
                let seat = signalwire::Seat { http: one.http, number: one.subscriber, room, sends, offer: one.offer };
                runtime.spawn(signalwire::attend(seat, inbox, post));
            }
            Door::Janus => {
                let publisher = one.publisher.map(|number| (number, one.offer));
                let seat =
                    janus::Seat { http: one.http, room: one.room, publisher, subscriber: one.subscriber, feeds: one.feeds };
                runtime.spawn(janus::attend(seat, inbox, post));
            }
        }
        replies
    }
}

/// What the room of this number is called, by characters that both vendors take.
pub fn room_name(room: usize) -> String {
    format!("room-{room}")
}
