//! A connection's bytes with its time limits: the limits hold wherever a client stalls, whatever serves it.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Instant, Sleep};

use super::accept::Connection;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first byte of a request's head (at first from the connection's begin) to its last: 10 s.
    pub head: Duration,
    /// Between one request and the next, the reading of the answer included: 75 s.
    pub idle: Duration,
    /// Without taking a byte of what we send: 30 s.
    pub stalled: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self { head: s(10), idle: s(75), stalled: s(30) }
    }
}

/// What a connection is doing, shared between its bytes and its requests.
#[derive(Debug)]
pub struct Progress(Mutex<Phase>);

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A head is awaited or under way since then.
    Head(Instant),
    /// A request is being worked on; it has its own limit.
    Request,
    /// An answer was given or bytes of it were taken; the last at this time.
    Idle(Instant),
    /// It became a WebSocket, which keeps its own time.
    Upgraded,
}

impl Progress {
    /// A connection that begins now.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Phase::Head(Instant::now()))))
    }

    /// A request's head is complete.
    pub fn request(&self) {
        self.put(Phase::Request);
    }

    /// Its answer is ready; `upgraded` when that is 101.
    pub fn answered(&self, upgraded: bool) {
        self.put(if upgraded { Phase::Upgraded } else { Phase::Idle(Instant::now()) });
    }

    fn put(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn get(&self) -> Phase {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn received(&self) {
        if let Phase::Idle(_) = self.get() {
            self.put(Phase::Head(Instant::now()));
        }
    }

    fn sent(&self) {
        if let Phase::Idle(_) = self.get() {
            self.put(Phase::Idle(Instant::now()));
        }
    }
}

/// A stream that gives up on a client out of time, or at once when told to.
pub struct Timed<S> {
    inner: S,
    progress: Arc<Progress>,
    patience: Patience,
    read_limit: Pin<Box<Sleep>>,
    write_limit: Option<Pin<Box<Sleep>>>,
    cut: Pin<Box<OwnedNotified>>,
    /// The place belongs to the bytes, so that a WebSocket keeps it when HTTP is done.
    _place: Connection,
}

impl<S> Timed<S> {
    /// Wraps `inner`, which holds `place` as long as it lives. Notifying `cut` once ends it.
    pub fn new(inner: S, place: Connection, patience: Patience, cut: Arc<Notify>) -> Self {
        Self {
            inner,
            progress: Progress::new(),
            patience,
            read_limit: Box::pin(tokio::time::sleep(patience.head)),
            write_limit: None,
            cut: Box::pin(cut.notified_owned()),
            _place: place,
        }
    }

    /// What its requests report to.
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    fn read_deadline(&self) -> Option<Instant> {
        match self.progress.get() {
            Phase::Head(since) => Some(since + self.patience.head),
            Phase::Idle(since) => Some(since + self.patience.idle),
            Phase::Request | Phase::Upgraded => None,
        }
    }
}

impl<S: AsyncWrite + Unpin> Timed<S> {
    /// Ready when the client is out of time.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(deadline) = self.read_deadline() else { return Poll::Pending };
        if self.read_limit.deadline() != deadline {
            self.read_limit.as_mut().reset(deadline);
        }
        ready!(self.read_limit.as_mut().poll(cx));
        if let Phase::Head(_) = self.progress.get() {
            self.say_late(cx);
        }
        Poll::Ready(ErrorKind::TimedOut.into())
    }

    /// One try: a client that is slow to ask may be slow to listen, and nobody waits for it.
    fn say_late(&mut self, cx: &mut Context<'_>) {
        const LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let _ = Pin::new(&mut self.inner).poll_write(cx, LATE);
        let _ = Pin::new(&mut self.inner).poll_flush(cx);
    }

    /// Passes an attempt to send on, and gives up when nothing was taken for too long.
    fn watch_send<T>(&mut self, cx: &mut Context<'_>, attempt: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if attempt.is_ready() {
            self.write_limit = None;
            self.progress.sent();
            return attempt;
        }
        let stalled = self.patience.stalled;
        let limit = self.write_limit.get_or_insert_with(|| Box::pin(tokio::time::sleep(stalled)));
        limit.as_mut().poll(cx).map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Timed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buffer) {
            Poll::Ready(answer) => {
                if buffer.filled().len() > before {
                    this.progress.received();
                }
                Poll::Ready(answer)
            }
            Poll::Pending => this.poll_late(cx).map(Err),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch_send(cx, attempt)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.watch_send(cx, attempt)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A flush with nothing to send is no progress of the client's, so it must not move the idle limit.
        match Pin::new(&mut self.inner).poll_flush(cx) {
            Poll::Ready(answer) => Poll::Ready(answer),
            Poll::Pending => self.watch_send(cx, Poll::Pending),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watch_send(cx, attempt)
    }
}
