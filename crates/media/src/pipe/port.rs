//! The pipes between workers: bounded queues, one each way for packets, one for words and one for messages of data tracks, of which there may
//! be many: nothing else waits behind them, and those of one room take no room from those of another.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SendError, Sender, TrySendError, channel};

use mio::Waker;
use room::RoomId;

use super::{Piped, WORD_BYTES};
use crate::limit::{
    PIPE_MESSAGES_ALL_BYTES_MAX, PIPE_MESSAGES_BYTES_MAX, PIPE_PACKETS_MAX, PIPE_PER_TURN_MAX, PIPE_WORDS_BYTES_MAX,
};
use crate::queue;

/// In so many turns all is taken out that finds room in a pipe.
const TURNS_MAX: usize = (PIPE_MESSAGES_ALL_BYTES_MAX + PIPE_WORDS_BYTES_MAX) / WORD_BYTES / PIPE_PER_TURN_MAX + 1;

/// From so many rooms on it is looked of which of them nothing waits any more.
const ROOMS_LEAST: usize = 16;

/// One worker's end of a pipe.
pub(crate) struct End {
    other: usize,
    waker: Arc<Waker>,
    out: Out,
    from: From,
    /// Something was put in since the other worker was woken.
    fresh: bool,
}

/// Memory for packets comes for 31 at a time, without a lock; a pipe in which nothing waits holds next to none. Words are few.
struct Out {
    packets: queue::Sender<Piped>,
    words: Sender<(Piped, Held)>,
    messages: Sender<(Piped, [Held; 2])>,
    word_bytes: Bytes,
    message_bytes: Bytes,
    /// Of these, each room's.
    rooms: HashMap<RoomId, Bytes>,
    /// How many rooms there may be before those are forgotten of which nothing waits.
    rooms_most: usize,
}

struct From {
    packets: queue::Receiver<Piped>,
    words: Receiver<(Piped, Held)>,
    messages: Receiver<(Piped, [Held; 2])>,
}

/// Bytes that wait, shared by both ends.
type Bytes = Arc<AtomicUsize>;

/// Some of them, given back by whoever takes them out.
struct Held {
    of: Bytes,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// Takes room for so many more, of at most this many. One end alone does.
fn hold(of: &Bytes, bytes: usize, most: usize) -> Option<Held> {
    if of.load(Ordering::Acquire) + bytes > most {
        return None;
    }
    of.fetch_add(bytes, Ordering::AcqRel);
    Some(Held { of: Arc::clone(of), bytes })
}

/// A pipe between two workers, each with what ends its sleep.
pub(crate) fn pair((one, one_waker): (usize, &Arc<Waker>), (other, other_waker): (usize, &Arc<Waker>)) -> (End, End) {
    let ((there, from_one), (back, from_other)) = (way(), way());
    let near = End { other, waker: Arc::clone(other_waker), out: there, from: from_other, fresh: false };
    let far = End { other: one, waker: Arc::clone(one_waker), out: back, from: from_one, fresh: false };
    (near, far)
}

fn way() -> (Out, From) {
    let (packets, packet_queue) = queue::bounded(PIPE_PACKETS_MAX);
    let (words, word_queue) = channel();
    let (messages, message_queue) = channel();
    let (word_bytes, message_bytes) = (Bytes::default(), Bytes::default());
    let (rooms, rooms_most) = (HashMap::new(), ROOMS_LEAST);
    let out = Out { packets, words, messages, word_bytes, message_bytes, rooms, rooms_most };
    (out, From { packets: packet_queue, words: word_queue, messages: message_queue })
}

impl Out {
    /// Never waits. What finds no room comes back.
    fn put(&mut self, piped: Piped) -> Option<Piped> {
        if piped.is_packet() {
            return self.packets.try_send(piped).err().map(|full| match full {
                TrySendError::Full(piped) | TrySendError::Disconnected(piped) => piped,
            });
        }
        if let Some(room) = piped.room_of_messages() {
            return self.put_message(room, piped);
        }
        let Some(held) = hold(&self.word_bytes, piped.weight(), PIPE_WORDS_BYTES_MAX) else { return Some(piped) };
        self.words.send((piped, held)).err().map(|SendError((piped, _))| piped)
    }

    /// What is said of messages finds room where they do not.
    fn put_message(&mut self, room: RoomId, piped: Piped) -> Option<Piped> {
        let (weight, more) = (piped.weight(), if piped.is_message() { 0 } else { PIPE_WORDS_BYTES_MAX });
        let held = hold(self.bytes_of(room), weight, PIPE_MESSAGES_BYTES_MAX + more);
        let all = hold(&self.message_bytes, weight, PIPE_MESSAGES_ALL_BYTES_MAX + more);
        let Some((held, all)) = held.zip(all) else { return Some(piped) };
        self.messages.send((piped, [held, all])).err().map(|SendError((piped, _))| piped)
    }

    fn bytes_of(&mut self, room: RoomId) -> &Bytes {
        if self.rooms.len() >= self.rooms_most && !self.rooms.contains_key(&room) {
            self.rooms.retain(|_, bytes| bytes.load(Ordering::Acquire) > 0);
            self.rooms_most = ROOMS_LEAST.max(2 * self.rooms.len());
        }
        self.rooms.entry(room).or_default()
    }
}

impl From {
    /// Some words, some packets and some messages; true if there may be more.
    fn take(&self, mut take: impl FnMut(Piped)) -> bool {
        let words = self.words.try_iter().take(PIPE_PER_TURN_MAX).map(|(word, _)| take(word)).count();
        let packets = self.packets.try_iter().take(PIPE_PER_TURN_MAX).map(&mut take).count();
        let messages = self.messages.try_iter().take(PIPE_PER_TURN_MAX).map(|(message, _)| take(message)).count();
        [words, packets, messages].contains(&PIPE_PER_TURN_MAX)
    }
}

/// One worker's ends of all its pipes.
pub(crate) struct Port {
    new: Receiver<End>,
    ends: Vec<End>,
}

impl Port {
    /// Ends come when a room is first spread over two workers.
    pub fn new(new: Receiver<End>) -> Self {
        Port { new, ends: Vec::new() }
    }

    /// Takes up pipes that are new. An end is there before the order that speaks of it.
    pub fn open(&mut self) {
        self.ends.extend(self.new.try_iter());
    }

    /// Gives what other workers say; true if there may be more.
    pub fn receive(&mut self, mut take: impl FnMut(Piped)) -> bool {
        let more = self.ends.iter().filter(|end| end.from.take(&mut take));
        more.count() > 0
    }

    /// Puts something into the pipe to a worker. What finds no room there comes back.
    pub fn send(&mut self, to: usize, piped: Piped) -> Option<Piped> {
        let Some(end) = self.ends.iter_mut().find(|end| end.other == to) else { return Some(piped) };
        end.fresh = true;
        end.out.put(piped)
    }

    /// Of how many rooms messages wait, or waited not long ago.
    #[cfg(test)]
    pub fn rooms(&self, to: usize) -> usize {
        self.ends.iter().filter(|end| end.other == to).map(|end| end.out.rooms.len()).sum()
    }

    /// Wakes those for whom something was put in, each once.
    pub fn wake(&mut self) {
        for end in &mut self.ends {
            if std::mem::take(&mut end.fresh) {
                // Who cannot be woken looks when something else comes.
                let _ = end.waker.wake();
            }
        }
    }

    /// The engine is gone: nothing that was for it is of use to the next.
    pub fn clear(&mut self) {
        self.open();
        for end in &self.ends {
            // No longer than what there is room for: the other worker may still put in more.
            let turns = (0..TURNS_MAX).take_while(|_| end.from.take(drop::<Piped>));
            turns.for_each(|_| ());
        }
    }
}
