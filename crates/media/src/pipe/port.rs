//! The pipes between workers: bounded queues, one each way for packets and one for words.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TrySendError, channel};

use mio::Waker;

use super::Piped;
use crate::limit::{PIPE_MESSAGES_BYTES_MAX, PIPE_PACKETS_MAX, PIPE_PER_TURN_MAX, PIPE_WORDS_BYTES_MAX};
use crate::queue;

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
    words: Sender<Piped>,
    /// Of the words that wait.
    bytes: Arc<AtomicUsize>,
}

struct From {
    packets: queue::Receiver<Piped>,
    words: Receiver<Piped>,
    bytes: Arc<AtomicUsize>,
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
    let bytes = Arc::new(AtomicUsize::new(0));
    (Out { packets, words, bytes: Arc::clone(&bytes) }, From { packets: packet_queue, words: word_queue, bytes })
}

impl Out {
    /// Never waits. What finds no room comes back.
    fn put(&self, piped: Piped) -> Option<Piped> {
        if piped.is_packet() {
            return self.packets.try_send(piped).err().map(|full| match full {
                TrySendError::Full(piped) | TrySendError::Disconnected(piped) => piped,
            });
        }
        let (weight, most) = (piped.weight(), if piped.is_message() { PIPE_MESSAGES_BYTES_MAX } else { PIPE_WORDS_BYTES_MAX });
        if self.bytes.load(Ordering::Acquire) + weight > most {
            return Some(piped);
        }
        self.bytes.fetch_add(weight, Ordering::AcqRel);
        self.words.send(piped).err().map(|gone| gone.0)
    }
}

impl From {
    /// The words that there are, and then some packets; true if there may be more.
    fn take(&self, mut take: impl FnMut(Piped)) -> bool {
        let words = self.words.try_iter().take(PIPE_PER_TURN_MAX).map(|word| {
            self.bytes.fetch_sub(word.weight(), Ordering::AcqRel);
            take(word);
        });
        let words = words.count();
        let packets = self.packets.try_iter().take(PIPE_PER_TURN_MAX).map(take).count();
        words == PIPE_PER_TURN_MAX || packets == PIPE_PER_TURN_MAX
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
            let turns = (0..=PIPE_PACKETS_MAX / PIPE_PER_TURN_MAX).take_while(|_| end.from.take(drop::<Piped>));
            turns.for_each(|_| ());
        }
    }
}
