//! Brings callbacks to their receivers: each room's in order, one at a time, again and again until they are taken or a day is over.
//! What waits is in the database, so a restart loses nothing; at most the one that was on its way is told twice, with the same number.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use base64::prelude::{BASE64_STANDARD, Engine};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use store::{Delivery, Store, Write};
use tokio::sync::Notify;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use twilio::webhook;

use crate::clock;
use crate::config::Secret;
use crate::egress::{self, Egress, Problem};
use crate::journal;
use crate::metrics::Metrics;
use crate::rest::rows;
use crate::shutdown::Shutdown;

/// Callbacks on their way at a time, to all receivers.
const AT_ONCE_MAX: usize = 64;

/// Callbacks on their way to one receiver: scheme, host and port as they are written. One that hangs holds up no more than these.
const PER_HOST_MAX: usize = 8;

/// Names of receivers that are looked up at a time: those on their way, and those of whom the system did not let go yet. More wait.
pub const LOOKUPS_MAX: usize = 2 * AT_ONCE_MAX;

/// Callbacks looked at together, beside those on their way, whose rows are still the first of their rooms.
const LOOKED_AT: usize = PER_HOST_MAX * 2;

/// How often it is asked what waits and until when, while there is something to do anyway.
const COUNT_PAUSE: Duration = Duration::from_millis(250);

/// What one delivery may take, from the connection to the answer's end: the vendor's own ceiling.
const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes of an answer that are read. The rest is nobody's business.
const ANSWER_BYTES_MAX: usize = 4096;

/// How long the rest of an answer is waited for whose beginning said that it was taken, or not.
const REST: Duration = Duration::from_secs(1);

/// How long to wait after the first, second … failure; after more, the last one again.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

const _: () = assert!(PAUSES[PAUSES.len() - 1].as_millis() < store::limit::WAIT_MAX_MS as u128);

/// How old what happened may be. Then telling it is given up.
const LIFE: Duration = Duration::from_secs(24 * 3600);

/// How long to wait when the database does not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long to sleep at most, whatever the clock of the machine did meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// How the outcome of a callback begins that nobody took.
const GAVE_UP: &str = "gave up";

/// Everything a courier needs.
#[derive(Clone)]
pub struct Courier {
    /// Where callbacks wait.
    pub store: Arc<dyn Store>,
    /// Where to say what became of them.
    pub journal: journal::Handle,
    /// The way out.
    pub egress: Egress,
    /// What callbacks are signed with: the account's token.
    pub secret: Arc<dyn Fn() -> Secret + Send + Sync>,
    /// Figures.
    pub metrics: Metrics,
}

/// What became of one attempt.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It was taken, with this status.
    Taken(StatusCode),
    /// It was not, and may be the next time.
    Later(String),
    /// It never will be.
    Never(String),
}

/// Delivers until the server ends. `wake` is told when something new may wait.
pub async fn run(courier: Courier, wake: Arc<Notify>, mut shutdown: Shutdown) {
    let mut road = Road::default();
    loop {
        let pause = match courier.send_due(&mut road).await {
            Ok(pause) => pause,
            Err(problem) => {
                tracing::warn!(%problem, "callbacks wait for the database");
                STORE_PAUSE
            }
        };
        tokio::select! {
            () = wake.notified() => {}
            Some(done) = road.tasks.join_next_with_id() => road.arrived(done),
            () = sleep(pause.min(SLEEP_MAX)) => {}
            () = shutdown.stopping() => return,
        }
        // What arrived together is followed together.
        while let Some(done) = road.tasks.try_join_next_with_id() {
            road.arrived(done);
        }
    }
}

/// Whether an outcome in the history is the last word: it was taken, or given up.
#[must_use]
pub fn is_settled(outcome: &str) -> bool {
    outcome.starts_with(GAVE_UP) || outcome.parse().is_ok_and(|status: u16| (200..300).contains(&status))
}

/// What is on its way.
#[derive(Default)]
struct Road {
    tasks: JoinSet<()>,
    /// Room and host of each.
    bound: HashMap<task::Id, (u128, String)>,
    rooms: HashSet<u128>,
    hosts: HashMap<String, usize>,
    /// When it was last asked what waits.
    counted: Option<Instant>,
}

impl Road {
    /// Whether this may be sent now.
    fn is_free(&self, delivery: &Delivery, host: &str) -> bool {
        let busy = self.hosts.get(host).is_some_and(|count| *count >= PER_HOST_MAX);
        self.tasks.len() < AT_ONCE_MAX && !busy && !self.rooms.contains(&delivery.event.room)
    }

    /// Receivers that nothing more may be sent to now.
    fn busy(&self) -> Vec<String> {
        self.hosts.iter().filter(|(_, count)| **count >= PER_HOST_MAX).map(|(host, _)| host.clone()).collect()
    }

    fn depart(&mut self, room: u128, host: String, way: impl Future<Output = ()> + Send + 'static) {
        self.rooms.insert(room);
        *self.hosts.entry(host.clone()).or_default() += 1;
        let id = self.tasks.spawn(way).id();
        self.bound.insert(id, (room, host));
    }

    /// One is done, by its end or by a panic.
    fn arrived(&mut self, done: Result<(task::Id, ()), JoinError>) {
        let task = done.map_or_else(|lost| lost.id(), |(id, ())| id);
        let Some((room, host)) = self.bound.remove(&task) else { return };
        self.rooms.remove(&room);
        if let Some(count) = self.hosts.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.hosts.remove(&host);
            }
        }
    }
}

impl Courier {
    /// Sends what is due and free to go; returns how long to wait for the next.
    async fn send_due(&self, road: &mut Road) -> Result<Duration, store::Problem> {
        let now = clock::unix_ms();
        while road.tasks.len() < AT_ONCE_MAX && self.send_some(road, now).await? {}
        if road.counted.is_some_and(|at| at.elapsed() < COUNT_PAUSE) {
            return Ok(COUNT_PAUSE);
        }
        road.counted = Some(Instant::now());
        let (next, waiting) = self.store.next_due(now).await?;
        self.metrics.webhooks_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        Ok(next.map_or(SLEEP_MAX, |next| Duration::from_millis(next.saturating_sub(now))))
    }

    /// Sends some of what is due; tells whether there may be more that is free to go.
    async fn send_some(&self, road: &mut Road, now: u64) -> Result<bool, store::Problem> {
        // What waits for a busy receiver is not even looked at: it could be so much that nothing else is seen. So something of what is
        // looked at goes, or its receiver is busy by now.
        let count = road.tasks.len() + LOOKED_AT;
        let due = self.store.due(now, count, &road.busy()).await?;
        let (more, before) = (due.len() == count, road.tasks.len());
        for delivery in due {
            let host = delivery.event.callback.as_ref().map_or("", |callback| receiver(&callback.url)).to_owned();
            if road.is_free(&delivery, &host) {
                let courier = self.clone();
                road.depart(delivery.event.room, host, async move { courier.carry(delivery).await });
            }
        }
        Ok(more && road.tasks.len() > before)
    }

    /// One attempt, and what became of it. A panic on the way costs this attempt only: the row is still there.
    async fn carry(&self, delivery: Delivery) {
        let outcome = match timeout(PATIENCE, self.send(&delivery)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Later(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let write = settle(&delivery, outcome, clock::unix_ms(), &self.metrics);
        while let Err(problem) = self.journal.write(vec![write.clone()]).await {
            tracing::warn!(%problem, "what became of a callback cannot be written down");
            sleep(STORE_PAUSE).await;
        }
    }

    async fn send(&self, delivery: &Delivery) -> Outcome {
        match self.exchange(delivery).await {
            Ok(status) => judge(status),
            Err(problem @ Problem::Refused(_)) => Outcome::Never(problem.to_string()),
            Err(problem) => Outcome::Later(problem.to_string()),
        }
    }

    async fn exchange(&self, delivery: &Delivery) -> Result<StatusCode, Problem> {
        let event = &delivery.event;
        let callback = event.callback.as_ref().ok_or(Problem::Refused("there is nobody to tell"))?;
        let (method, secret) = (rows::method(callback.method), self.secret.as_ref()());
        let call = webhook::call(&callback.url, method, &event.parameters, event.sequence, secret.reveal());
        let call = call.ok_or(Problem::Refused("this is no address of a callback"))?;
        let target = egress::target(&call.url)?;
        let request = request(&target, call, event)?;
        let stream = self.egress.connect(&target).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let exchange = async move {
            let response = sender.send_request(request).await.map_err(failed)?;
            let status = response.status();
            swallow(response.into_body()).await;
            Ok(status)
        };
        // Both end with this attempt: nothing of a receiver that hangs stays.
        tokio::select! {
            biased;
            done = exchange => done,
            // The exchange ends with the connection, and knows better why.
            () = async { drop(connection.await); std::future::pending().await } => unreachable!(),
        }
    }
}

/// Scheme, host and port of a URL, as they are written.
fn receiver(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find(['/', '?', '#']));
    end.and_then(|end| url.get(..host + end)).unwrap_or(url)
}

fn request(target: &egress::Target, call: webhook::Call, event: &store::EventRow) -> Result<Request<Body>, Problem> {
    let mut request = Request::builder()
        .method(call.method.name())
        .uri(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::USER_AGENT, concat!("Kennel/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        .header("X-Twilio-Signature", call.signature)
        // The same for each attempt, so that a receiver can tell one that comes twice.
        .header("I-Twilio-Idempotency-Token", format!("{:032x}-{}", event.room, event.sequence));
    if let Some((user, password)) = call.credentials {
        let value = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        let mut value = HeaderValue::from_str(&value).map_err(|_| Problem::Refused("the credentials in the URL"))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    if call.body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8");
    }
    let body = Body::from(call.body.unwrap_or_default());
    request.body(body).map_err(|_| Problem::Refused("the URL cannot be written into a request"))
}

/// Reads the answer's beginning, so that the receiver is not cut off in the middle of a word.
async fn swallow(body: hyper::body::Incoming) {
    // What it says does not matter, not even whether it can be read, or ever ends.
    let _ = timeout(REST, axum::body::to_bytes(Body::new(body), ANSWER_BYTES_MAX)).await;
}

fn judge(status: StatusCode) -> Outcome {
    let told = status.as_u16().to_string();
    match status {
        _ if status.is_success() => Outcome::Taken(status),
        _ if status.is_server_error() => Outcome::Later(told),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Outcome::Later(told),
        _ if status.is_redirection() => Outcome::Never(format!("{told}: redirects are not followed")),
        _ => Outcome::Never(told),
    }
}

fn settle(delivery: &Delivery, outcome: Outcome, now: u64, metrics: &Metrics) -> Write {
    let (id, at_ms) = (delivery.id, now);
    let old = Duration::from_millis(now.saturating_sub(delivery.event.at_ms)) >= LIFE;
    match outcome {
        Outcome::Taken(status) => {
            metrics.webhooks_delivered.inc();
            Write::Delivered { id, at_ms, outcome: status.as_u16().to_string() }
        }
        Outcome::Later(why) if !old => {
            metrics.webhooks_failed.inc();
            let pause = PAUSES[usize::try_from(delivery.attempts).unwrap_or(usize::MAX).min(PAUSES.len() - 1)];
            let next_ms = now + u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            Write::Deferred { id, next_ms, outcome: why }
        }
        Outcome::Later(why) | Outcome::Never(why) => {
            metrics.webhooks_given_up.inc();
            tracing::info!(event = %delivery.event.name, %why, "a callback was given up");
            Write::Delivered { id, at_ms, outcome: format!("{GAVE_UP}: {why}") }
        }
    }
}

fn failed(problem: impl fmt::Display) -> Problem {
    Problem::Failed(problem.to_string())
}

#[cfg(test)]
mod tests {
    use store::{Callback, EventRow};
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn delivery(attempts: u32, at_ms: u64) -> Delivery {
        let callback = Some(Callback { url: "http://hooks.example/".to_owned(), method: store::Method::Post });
        let event = EventRow {
            room: 1,
            account: "AC".to_owned(),
            participant: None,
            name: "room-created".to_owned(),
            at_ms,
            sequence: 0,
            parameters: Vec::new(),
            callback,
            outcome: String::new(),
        };
        Delivery { id: 7, attempts, event }
    }

    #[test]
    fn receivers_by_their_urls() {
        for (url, expected) in [
            ("http://a.example", "http://a.example"),
            ("http://a.example:81/x?y#z", "http://a.example:81"),
            ("https://u:p@[::1]?x/y", "https://u:p@[::1]"),
            ("a/b", "a"),
            ("", ""),
        ] {
            assert_eq!(receiver(url), expected);
        }
    }

    #[test]
    fn answers_and_what_follows() {
        for (status, taken, later) in [
            (200, true, false),
            (204, true, false),
            (500, false, true),
            (429, false, true),
            (302, false, false),
            (404, false, false),
        ] {
            let outcome = judge(StatusCode::from_u16(status).expect("a status"));
            assert_eq!(matches!(outcome, Outcome::Taken(_)), taken, "{status}");
            assert_eq!(matches!(outcome, Outcome::Later(_)), later, "{status}");
        }
    }

    #[test]
    fn pauses_grow_and_end_after_a_day() {
        let day = 24 * 3600 * 1000;
        let later = || Outcome::Later("503".to_owned());
        let next = |attempts| match settle(&delivery(attempts, 0), later(), 1_000, &Metrics::new()) {
            Write::Deferred { next_ms, .. } => next_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!([next(0), next(1), next(5), next(99)], [2_000, 3_000, 61_000, 61_000]);
        let given_up = settle(&delivery(99, 0), later(), day, &Metrics::new());
        assert_eq!(given_up, Write::Delivered { id: 7, at_ms: day, outcome: "gave up: 503".to_owned() });
        assert!(is_settled("gave up: 503") && is_settled("204") && !is_settled("503") && !is_settled(""));
    }

    #[tokio::test]
    async fn an_answer_that_does_not_end_is_one() {
        let hooks = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", hooks.local_addr().expect("an address"));
        tokio::spawn(async move {
            let (mut socket, _) = hooks.accept().await.expect("a call");
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await.expect("heard");
            std::future::pending::<()>().await;
        });
        let mut delivery = delivery(0, 0);
        delivery.event.callback = Some(Callback { url, method: store::Method::Post });
        assert_eq!(courier().send(&delivery).await, Outcome::Taken(StatusCode::OK));
    }

    fn courier() -> Courier {
        let (folder, metrics) = (tempfile::tempdir().expect("a folder"), Metrics::new());
        let store: Arc<dyn Store> = Arc::new(store::Sqlite::open(folder.path()).expect("a database"));
        let teller = journal::Teller { account: "AC".to_owned(), callback: None, mix: media::record::MixFile::default() };
        let journal = journal::start(Arc::clone(&store), journal::Book::new(teller), Arc::default(), metrics.clone());
        let tls = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        let (own, near, names) = (Arc::new(|_| false), Arc::new(|_| false), egress::Names::of_system(1));
        let egress = Egress { policy: egress::Policy::Lan, own, near, names, tls: Arc::new(tls) };
        Courier { store, journal, egress, secret: Arc::new(|| Secret::new("x")), metrics }
    }
}
