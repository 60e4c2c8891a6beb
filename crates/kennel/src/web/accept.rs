//! The accept loop. It is our own, because hyper keeps a client's time only when somebody gives it a timer, and because caps must
//! hold before the first byte is read.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::gate::{Admission, Caps, Gate, Peer};
use super::stream::{Patience, Timed};
use crate::config::NetRange;
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;

/// The largest request head, in bytes; hyper answers 431 to a larger one.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// The most header lines; hyper answers 431 to more.
const HEADERS_MAX: usize = 64;
/// What a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long accepting pauses when the system has no descriptors: long enough not to spin, short enough that nobody notices.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What open requests get to finish at the end.
const FAREWELL: Duration = Duration::from_secs(5);
/// Sent data that nobody acknowledges ends a connection after this (RFC 5482).
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
/// The plain answer when a cap is reached.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What all listeners of the server share.
pub struct Doorman {
    gate: Mutex<Gate>,
    cuts: Mutex<HashMap<u64, Arc<Notify>>>,
    patience: Patience,
    proxies: Vec<NetRange>,
    metrics: Metrics,
}

/// One connection's place; it is free again when the last clone is gone. Requests find it in their extensions.
#[derive(Clone)]
pub struct Connection {
    /// The other end, as the socket sees it.
    pub peer: SocketAddr,
    /// Whether it is TLS.
    pub tls: bool,
    seat: Arc<Seat>,
}

struct Seat {
    id: u64,
    doorman: Arc<Doorman>,
}

impl Connection {
    /// The connection showed a credential: the tight caps for strangers no longer count it.
    pub fn authenticated(&self) {
        lock(&self.seat.doorman.gate).authenticate(self.seat.id);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.doorman.gate).leave(self.id);
        lock(&self.doorman.cuts).remove(&self.id);
        self.doorman.metrics.connections_open.dec();
    }
}

impl Doorman {
    /// A doorman with these limits. Connections of `proxies` are not counted by address.
    pub fn new(caps: Caps, patience: Patience, proxies: Vec<NetRange>, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { gate: Mutex::new(Gate::new(caps)), cuts: Mutex::default(), patience, proxies, metrics })
    }

    /// A place for a new connection and what ends it from outside; `None` when there is no room.
    pub fn admit(self: &Arc<Self>, peer: SocketAddr, tls: bool) -> Option<(Connection, Arc<Notify>)> {
        let proxy = self.proxies.iter().any(|range| range.contains(peer.ip()));
        let admission = lock(&self.gate).admit((!proxy).then(|| Peer::from(peer.ip())));
        let id = match admission {
            Admission::In(id) => id,
            Admission::Instead { id, victim } => {
                self.cut(victim);
                id
            }
            Admission::Full => {
                self.metrics.connections_refused.inc();
                return None;
            }
        };
        let cut = Arc::new(Notify::new());
        lock(&self.cuts).insert(id, cut.clone());
        self.metrics.connections.inc();
        self.metrics.connections_open.inc();
        let seat = Arc::new(Seat { id, doorman: self.clone() });
        Some((Connection { peer, tls, seat }, cut))
    }

    /// Returns once no connection is open any more, sockets included.
    pub async fn empty(&self) {
        const LOOK: Duration = Duration::from_millis(10);
        while self.metrics.connections_open.get() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn cut(&self, id: u64) {
        if let Some(cut) = lock(&self.cuts).get(&id) {
            self.metrics.connections_refused.inc();
            cut.notify_one();
        }
    }
}

/// Serves `router` on `listener` until the shutdown, then lets open requests finish for 5 s. With `tls`, every connection is TLS;
/// renewed certificates come through its resolver.
///
/// # Errors
/// None today: what fails for one connection ends that connection.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    doorman: Arc<Doorman>,
    mut shutdown: Shutdown,
) -> io::Result<()> {
    let tls = tls.map(TlsAcceptor::from);
    let mut connections = JoinSet::new();
    let mut complained = None;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    let (tls, router) = (tls.clone(), router.clone());
                    connections.spawn(meet(socket, peer, tls, router, doorman.clone(), shutdown.clone()));
                }
                Err(problem) => rest_after(&problem, &mut complained).await,
            },
            Some(ended) = connections.join_next() => note_panic(&ended, &doorman.metrics),
            () = shutdown.stopping() => break,
        }
    }
    drop(listener);
    let farewell = async { while connections.join_next().await.is_some() {} };
    if timeout(FAREWELL, farewell).await.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}

/// A request that panicked has taken its connection with it and nothing else. It is a bug of ours all the same.
fn note_panic(ended: &Result<(), JoinError>, metrics: &Metrics) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        metrics.panics.inc();
        tracing::error!("a request panicked; its connection is closed and everything else goes on");
    }
}

/// A connection that its client took back costs nothing; anything else means that the system is short of something.
async fn rest_after(problem: &io::Error, complained: &mut Option<Instant>) {
    if matches!(problem.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    if complained.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(60)) {
        tracing::warn!(%problem, "no connections can be accepted for now");
        *complained = Some(Instant::now());
    }
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn meet(
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    doorman: Arc<Doorman>,
    shutdown: Shutdown,
) {
    let Some((connection, cut)) = doorman.admit(peer, tls.is_some()) else {
        if tls.is_none() {
            refuse(&socket);
        }
        return;
    };
    prepare(&socket);
    let patience = doorman.patience;
    let Some(acceptor) = tls else {
        let stream = Timed::new(socket, connection.clone(), patience, cut);
        return attend(stream, connection, router, shutdown).await;
    };
    let handshake = tokio::select! {
        handshake = timeout(HANDSHAKE, acceptor.accept(socket)) => handshake,
        () = cut.notified() => return,
    };
    let Ok(Ok(stream)) = handshake else { return };
    // A certificate authority that checks our domain wants the handshake and nothing else (RFC 8737).
    if stream.get_ref().1.alpn_protocol() != Some(b"acme-tls/1") {
        let stream = Timed::new(stream, connection.clone(), patience, cut);
        attend(stream, connection, router, shutdown).await;
    }
}

/// Failing to set an option makes a connection slower, not wrong.
fn prepare(socket: &TcpStream) {
    let _ = socket.set_nodelay(true);
    let _ = SockRef::from(socket).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}

/// One attempt that cannot block: whoever is refused is owed no waiting.
fn refuse(socket: &TcpStream) {
    let _ = socket.try_write(BUSY);
    let _ = SockRef::from(socket).shutdown(std::net::Shutdown::Write);
}

/// Serves one connection's requests, whatever its bytes come over.
pub async fn attend<S>(stream: Timed<S>, connection: Connection, router: Router, mut shutdown: Shutdown)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let progress = stream.progress();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (router, progress) = (router.clone(), progress.clone());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        async move {
            progress.request();
            let answer = router.oneshot(request).await;
            let upgraded = answer.as_ref().is_ok_and(|a| a.status() == StatusCode::SWITCHING_PROTOCOLS);
            progress.answered(upgraded);
            answer
        }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        // `Timed` keeps this limit: hyper's would also end a connection that idles between two requests.
        .header_read_timeout(None)
        .max_buf_size(HEAD_MAX_BYTES)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut http = std::pin::pin!(http);
    tokio::select! {
        // A connection's error is its client's affair, and its client is gone.
        _ = http.as_mut() => return,
        () = shutdown.stopping() => http.as_mut().graceful_shutdown(),
    }
    let _ = http.await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_shortage_pauses_and_a_lost_client_does_not() {
        let began = Instant::now();
        let mut complained = None;
        rest_after(&io::ErrorKind::ConnectionAborted.into(), &mut complained).await;
        assert_eq!((began.elapsed(), complained), (Duration::ZERO, None));
        const TOO_MANY_OPEN_FILES: i32 = 24;
        for _ in 0..5 {
            rest_after(&io::Error::from_raw_os_error(TOO_MANY_OPEN_FILES), &mut complained).await;
        }
        assert!(began.elapsed() >= 5 * ACCEPT_PAUSE);
        assert_eq!(complained, Some(began), "said once a minute");
    }
}
