//! The task that runs [`Live`]: clocks and queues, no decisions.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use axum::extract::ws::Utf8Bytes;
use tokio::runtime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, sleep_until};

use super::message::EndReason;
use super::{Badge, Live, Output, SocketId};
use crate::clock;
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;

/// What waits for the task, of all sockets together: 16 MiB at most. When it is full, sockets stop reading.
const TURNS: usize = 1024;
/// Messages that wait for one socket; a client that lets more pile up is cut off.
const QUEUE: usize = 64;
/// Bytes of messages that wait for one socket; a client that lets more pile up is cut off. More than the longest list has.
const QUEUE_BYTES: usize = 4 << 20;

/// Speaks to the task. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    turns: Sender<Turn>,
    next: Arc<AtomicU64>,
}

/// One socket's end of the conversation; dropping it closes the socket for [`Live`].
pub struct Line {
    id: SocketId,
    turns: Sender<Turn>,
    outputs: Receiver<Output>,
    bytes: Arc<AtomicUsize>,
}

/// The task's end of a socket's queue.
struct Mailbox {
    sender: Sender<Output>,
    bytes: Arc<AtomicUsize>,
}

/// What happens to [`Live`]. Whoever says it waits for room in the queue; the task never waits for anybody.
enum Turn {
    Open(SocketId, Badge, Mailbox),
    Text(SocketId, Utf8Bytes),
    Heard(SocketId),
    Closed(SocketId),
    Ended(String, EndReason),
}

impl Handle {
    /// Opens a socket for its owner.
    pub async fn open(&self, badge: Badge) -> Line {
        let id = self.next.fetch_add(1, Relaxed);
        let (mailbox, outputs) = Mailbox::with_room_for(QUEUE);
        let line = Line { id, turns: self.turns.clone(), outputs, bytes: mailbox.bytes.clone() };
        line.tell(Turn::Open(id, badge, mailbox)).await;
        line
    }

    /// A link or a session ended; its sockets are told why and closed.
    pub async fn end(&self, id_of_link_or_session: &str, reason: EndReason) {
        // Without the task there is no socket left to end.
        let _ = self.turns.send(Turn::Ended(id_of_link_or_session.to_owned(), reason)).await;
    }
}

impl Line {
    /// A text message came.
    pub async fn text(&self, text: Utf8Bytes) {
        self.tell(Turn::Text(self.id, text)).await;
    }

    /// Anything else came.
    pub async fn heard(&self) {
        self.tell(Turn::Heard(self.id)).await;
    }

    /// What to do next; `None` when this client was cut off for being slow.
    pub async fn next(&mut self) -> Option<Output> {
        let output = self.outputs.recv().await?;
        self.bytes.fetch_sub(size(&output), Relaxed);
        Some(output)
    }

    async fn tell(&self, turn: Turn) {
        // Without the task the queue of outputs is closed too, which ends the socket.
        let _ = self.turns.send(turn).await;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Err(TrySendError::Full(closed)) = self.turns.try_send(Turn::Closed(self.id)) else { return };
        let turns = self.turns.clone();
        // Outside the runtime the server is gone, and with it the task.
        if let Ok(runtime) = runtime::Handle::try_current() {
            runtime.spawn(async move { drop(turns.send(closed).await) });
        }
    }
}

impl Mailbox {
    fn with_room_for(messages: usize) -> (Self, Receiver<Output>) {
        let (sender, outputs) = mpsc::channel(messages);
        (Self { sender, bytes: Arc::default() }, outputs)
    }

    /// False when the queue is too long already.
    fn put(&self, output: Output) -> bool {
        let size = size(&output);
        self.bytes.fetch_add(size, Relaxed) + size <= QUEUE_BYTES && self.sender.try_send(output).is_ok()
    }
}

/// The bytes of a message. A text that sockets share counts for each: that is what each makes the network carry.
fn size(output: &Output) -> usize {
    match output {
        Output::Send(_, text) => text.len(),
        Output::Ping(_) | Output::Close(..) => 0,
    }
}

/// Starts the task; it ends with the server.
pub fn start(metrics: Metrics, shutdown: Shutdown) -> Handle {
    let (turns, received) = mpsc::channel(TURNS);
    tokio::spawn(run(received, metrics, shutdown));
    Handle { turns, next: Arc::default() }
}

async fn run(mut turns: Receiver<Turn>, metrics: Metrics, mut shutdown: Shutdown) {
    let mut live = Live::default();
    let mut lines = HashMap::new();
    loop {
        let due = live.poll_timeout().map(Instant::from_std);
        tokio::select! {
            turn = turns.recv() => match turn {
                Some(turn) => guard(&metrics, || take(&mut live, &mut lines, turn)),
                None => return,
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                guard(&metrics, || live.handle_timeout(clock::now()));
            }
            () = shutdown.stopping() => break,
        }
        deliver(&mut live, &mut lines, &metrics);
    }
    live.handle_shutdown(clock::now());
    deliver(&mut live, &mut lines, &metrics);
}

/// A panic is a bug of ours; it costs one message, not everybody's channel.
fn guard(metrics: &Metrics, act: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(act)).is_err() {
        metrics.panics.inc();
        tracing::error!("the live channel panicked on a message; everything else goes on");
    }
}

fn take(live: &mut Live, lines: &mut HashMap<SocketId, Mailbox>, turn: Turn) {
    let now = clock::now();
    match turn {
        Turn::Open(id, badge, line) => {
            lines.insert(id, line);
            live.handle_open(now, id, badge);
        }
        Turn::Text(id, text) => live.handle_text(now, id, &text),
        Turn::Heard(id) => live.handle_heard(now, id),
        Turn::Closed(id) => {
            lines.remove(&id);
            live.handle_closed(now, id);
        }
        Turn::Ended(whose, reason) => live.handle_ended(now, &whose, reason),
    }
}

fn deliver(live: &mut Live, lines: &mut HashMap<SocketId, Mailbox>, metrics: &Metrics) {
    while let Some(output) = live.poll_output() {
        let (Output::Send(id, _) | Output::Ping(id) | Output::Close(id, _)) = output;
        let Some(line) = lines.get(&id) else { continue };
        if !line.put(output) {
            lines.remove(&id);
            metrics.slow_clients_cut.inc();
            live.handle_closed(clock::now(), id);
        }
    }
    metrics.live_sockets.set(i64::try_from(live.sockets()).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Rights;

    #[test]
    fn a_client_that_does_not_keep_up_is_cut_off_and_nobody_else() {
        let (mut live, mut lines, metrics) = (Live::default(), HashMap::new(), Metrics::new());
        let (slow, mut slow_queue) = Mailbox::with_room_for(1);
        let (quick, mut quick_queue) = Mailbox::with_room_for(QUEUE);
        let badge = || Badge { rights: Rights::ALL, ..Badge::default() };
        take(&mut live, &mut lines, Turn::Open(1, badge(), slow));
        take(&mut live, &mut lines, Turn::Open(2, badge(), quick));
        for id in [1, 2] {
            take(&mut live, &mut lines, Turn::Text(id, "{\"type\":\"hello\",\"as\":\"home\"}".into()));
        }
        deliver(&mut live, &mut lines, &metrics);
        assert!(matches!(slow_queue.try_recv(), Ok(Output::Send(1, text)) if text.contains("welcome")));
        assert!(slow_queue.try_recv().is_err() && slow_queue.is_closed(), "the list found no room");
        assert!(quick_queue.try_recv().is_ok() && quick_queue.try_recv().is_ok());
        assert_eq!((live.sockets(), metrics.slow_clients_cut.get(), metrics.live_sockets.get()), (1, 1, 1));
    }

    #[tokio::test]
    async fn a_full_queue_holds_the_sockets_up_and_loses_no_end() {
        let (turns, mut received) = mpsc::channel(2);
        let handle = Handle { turns, next: Arc::default() };
        let line = handle.open(Badge::default()).await;
        line.heard().await;
        let text = line.text("{}".into());
        assert!(futures_util::FutureExt::now_or_never(text).is_none(), "there is no room");
        drop(line);
        let said = [received.recv().await, received.recv().await, received.recv().await];
        assert!(matches!(said, [Some(Turn::Open(0, ..)), Some(Turn::Heard(0)), Some(Turn::Closed(0))]));
    }

    #[test]
    fn long_messages_fill_a_queue_sooner_than_many() {
        let (mailbox, mut outputs) = Mailbox::with_room_for(QUEUE);
        let text: Utf8Bytes = "x".repeat(QUEUE_BYTES / 4).into();
        for _ in 0..4 {
            assert!(mailbox.put(Output::Send(1, text.clone())));
        }
        assert!(mailbox.put(Output::Ping(1)), "a ping weighs nothing");
        assert!(!mailbox.put(Output::Send(1, "x".into())));
        let queued = std::iter::from_fn(|| outputs.try_recv().ok());
        let texts: Vec<_> =
            queued.filter_map(|output| if let Output::Send(_, text) = output { Some(text) } else { None }).collect();
        assert!(texts.iter().all(|other| other.as_ptr() == text.as_ptr()), "one text in memory");
    }
}
