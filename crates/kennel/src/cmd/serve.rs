//! `kennel serve`: starts everything, waits for a signal, ends everything.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sealed::Sealing;
use socket2::{Domain, Protocol, Socket, Type};
use store::StoredKind;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use twilio::rest::Defaults;

use crate::banner::{Facts, banner};
use crate::config::Config;
use crate::desk::{self, MEDIA_REGION};
use crate::egress::{self, Egress, Names};
use crate::films::{self, Films};
use crate::history::{self, History};
use crate::keyring::{Store, StoreProblem, files};
use crate::metrics::Metrics;
use crate::net::{self, Lan};
use crate::reach::Listening;
use crate::rest::Desk;
use crate::shelf::files::Files;
use crate::shelf::space::Full;
use crate::shelf::{Shelf, keep, sealed as encrypted};
use crate::shutdown::{self, Shutdown, Stopper};
use crate::spaces::{self, Spaces};
use crate::studio::{self, Studio, work};
use crate::tls::{self, Tls, TlsProblem};
use crate::web::gate::Caps;
use crate::web::stream::Patience;
use crate::web::vendor::Calls;
use crate::web::{self, App, Doorman, Reach, Served, Site, space, ws};
use crate::{bucket, clock, doors, hub, logging, media, process, seats};

/// How long open requests and sockets get to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long calls of the system that have not come back by then are waited for.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Connections that the system may hold ready while we are busy: a household's reconnect after a restart.
const BACKLOG: i32 = 1024;

/// Descriptors that connections leave to files, timers and the runtime.
const DESCRIPTORS_KEPT: u64 = 256;

/// A server that runs. Dropping it ends it without farewell.
pub struct Running {
    /// Where HTTP listens, with the port that the system gave; `None` when it is off.
    pub http_addr: Option<SocketAddr>,
    /// Where HTTPS listens.
    pub https_addr: Option<SocketAddr>,
    /// Certificates; `None` when HTTPS is off.
    pub tls: Option<Tls>,
    /// Credentials, links and sessions.
    pub store: Arc<Store>,
    listening: Listening,
    lan: watch::Receiver<Lan>,
    doorman: Arc<Doorman>,
    hub: hub::Handle,
    stopper: Stopper,
    tasks: JoinSet<()>,
    // Last, so that the folder is free only when all else is gone.
    _lock: File,
}

/// Why the server cannot start. `Display` says what to do.
#[derive(Debug)]
pub enum StartProblem {
    /// Another program has the port.
    PortTaken {
        /// The flag that chose it, `http` or `https`.
        flag: &'static str,
        /// Where we wanted to listen.
        address: SocketAddr,
        /// Where nobody listens.
        free: SocketAddr,
    },
    /// Another server runs with this data folder.
    Running(PathBuf),
    /// The data folder cannot be used.
    Folder(PathBuf, io::Error),
    /// The keyring cannot be used.
    Store(StoreProblem),
    /// The history cannot be used.
    History(store::Problem),
    /// There is no certificate to be had.
    Tls(TlsProblem),
    /// The system refuses the address.
    Listen {
        /// The flag that chose it.
        flag: &'static str,
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What the system says.
        problem: io::Error,
    },
}

/// Runs the server until a signal ends it.
pub fn run(config: Config) -> ExitCode {
    logging::start(&config.log, config.log_format);
    if let Err(problem) = process::prepare() {
        return failed(&problem);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(config.workers).enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(serve(config));
            // A disk that hangs would be waited for without end.
            runtime.shutdown_timeout(LAST_LOOK);
            code
        }
        Err(problem) => failed(&format!("The system gives Kennel no threads: {problem}.")),
    }
}

/// Starts the server in this process. Port 0 takes a free port, which the result tells.
///
/// # Errors
/// [`StartProblem`]; nothing runs then.
pub async fn start(config: Config) -> Result<Running, StartProblem> {
    let lock = take_folder(&config.data)?;
    let (http, https) = (listen("http", config.http)?, listen("https", config.https)?);
    let listening = listening(&config, http.as_ref(), https.as_ref());
    let store = Arc::new(Store::open(&config.data, &config.vendor, clock::unix_ms())?);
    let (stopper, shutdown) = shutdown::channel();
    let lan = net::watch(shutdown.clone());
    let tls = match https {
        Some(_) => Some(tls::start(&config, lan.clone(), shutdown.clone())?),
        None => None,
    };
    let metrics = Metrics::new();
    let saved = seats::read(&store, config.session_timeout, clock::unix_ms());
    let sealing = store.sealing(config.recording.encrypt)?;
    let egress = egress(&config, &listening);
    let films = Films::new(film_egress(&config, egress.clone()), config.data.clone());
    let media = media::start(&config, lan.clone(), sealing.clone(), Arc::new(films), &metrics)
        .map_err(|problem| StartProblem::media(&config, problem))?;
    let (history, past) = history::start(&config, &store, saved, &metrics).await?;
    let journal = history.as_ref().map(|history| history.journal.clone());
    let hub = doors::start_rooms(&config, past, metrics.clone(), media, journal).await;
    let site = site(&config, &listening, &lan, tls.as_ref());
    let shelf = history.as_ref().map(|history| shelf(&config, &store, history, &sealing));
    let kept = history.as_ref().zip(shelf.as_ref());
    let studio = kept.map(|(history, shelf)| studio(&config, &store, history, shelf, &sealing));
    let composed = kept.zip(studio.as_ref());
    let calls = composed.map(|((history, shelf), studio)| calls(&config, history, shelf, studio, hub.clone(), egress.clone()));
    let spaces = Some(spaces(&config, &store, kept, hub.clone()).await);
    let served = Served { calls, spaces, shelf: shelf.clone(), studio: studio.clone() };
    let app = App::start(site, store.clone(), Arc::new(hub.clone()), served, metrics.clone(), shutdown.clone());
    let means = ws::Means { hub: hub.clone(), metrics: metrics.clone(), shutdown: shutdown.clone() };
    let disk = Full::default();
    let relay = doors::relay(spaces::desk::Desk::new(store.clone(), disk.clone()), means.clone());
    let router = web::app(&app, doors::router(desk::Desk::new(store.clone(), config.ice.clone()), means), relay);
    let doorman = Doorman::new(caps(), Patience::default(), config.trusted_proxies.clone(), metrics.clone());
    let mut tasks = JoinSet::new();
    let certificates = tls.as_ref().map(|tls| tls.server.clone());
    for (listener, tls) in [(http, None), (https, certificates)] {
        let Some(listener) = listener else { continue };
        tasks.spawn(attend(listener, tls, router.clone(), doorman.clone(), shutdown.clone()));
    }
    for (what, folder) in [("recordings", config.recordings()), ("compositions", config.compositions())] {
        let files = Files::in_folder(folder).sealed(sealing.clone());
        tasks.spawn_blocking(move || encrypted::complain(&files, what));
    }
    tasks.spawn(web::keep(app));
    if let Some(shelf) = shelf.clone() {
        tasks.spawn(disk.keep(shelf, shutdown.clone()));
    }
    if let Some((shelf, history)) = shelf.zip(history.as_ref()) {
        tasks.spawn(keep::keep(shelf, config.recording.keep, history.last_ms, metrics.clone(), shutdown.clone()));
    }
    if let Some((studio, history)) = studio.zip(history.as_ref()) {
        let keep = keep::keep(studio.clone(), config.composition.keep, history.last_ms, metrics.clone(), shutdown.clone());
        tasks.spawn(keep);
        let (depot, shelf, journal) = (history.depot.clone(), studio.shelf().clone(), history.journal.clone());
        let sending = bucket::run::Runner { depot, shelf, studio: studio.clone(), journal, metrics: metrics.clone() };
        tasks.spawn(bucket::run::run(sending, shutdown.clone()));
        let share = share(config.composition.share, metrics.clone());
        tasks.spawn(studio::run::run(studio, work::composer(), share, metrics.clone(), shutdown.clone()));
    }
    if let Some(history) = history {
        let keys = store.clone();
        let secret = Arc::new(move || keys.credentials().twilio_auth_token);
        tasks.spawn(history.clone().deliver(egress, secret, metrics, shutdown.clone()));
        tasks.spawn(history.keep(config.clone(), shutdown.clone()));
    }
    tasks.spawn(seats::keep(hub.clone(), store.clone(), config.session_timeout, shutdown));
    let (http_addr, https_addr) = (listening.http, listening.https);
    Ok(Running { http_addr, https_addr, tls, store, listening, lan, doorman, hub, stopper, tasks, _lock: lock })
}

async fn attend(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    doorman: Arc<Doorman>,
    shutdown: Shutdown,
) {
    if let Err(problem) = web::serve(listener, tls, router, doorman, shutdown).await {
        tracing::error!(%problem, "a listener ended");
    }
}

/// What was recorded.
fn shelf(config: &Config, store: &Store, history: &History, sealing: &Sealing) -> Shelf {
    let files = Files::in_folder(config.recordings()).and_in(history.depot.clone(), StoredKind::Recording);
    let files = files.sealed(sealing.clone());
    Shelf::new(files, store, history.store.clone(), history.journal.clone())
}

/// What is composed of it.
fn studio(config: &Config, store: &Store, history: &History, shelf: &Shelf, sealing: &Sealing) -> Studio {
    let files = Files::in_folder(config.compositions()).and_in(history.depot.clone(), StoredKind::Composition);
    let files = files.sealed(sealing.clone());
    let account = store.credentials().twilio_account_sid;
    Studio::new(files, shelf.clone(), history.store.clone(), history.journal.clone(), account)
}

/// Compositions have a processor to themselves while nobody is in a room.
fn share(percent: u32, metrics: Metrics) -> work::Share {
    Arc::new(move || if metrics.participants.get() > 0 { f64::from(percent) / 100.0 } else { 1.0 })
}

/// What REST is answered by.
fn calls(config: &Config, history: &History, shelf: &Shelf, studio: &Studio, hub: hub::Handle, egress: Egress) -> Calls {
    let defaults = Defaults { kind: doors::kind_of(config.room_type), media_region: MEDIA_REGION.to_owned() };
    let desk = Desk {
        hub,
        store: history.store.clone(),
        journal: history.journal.clone(),
        shelf: shelf.clone(),
        studio: studio.clone(),
        egress,
        defaults,
        ruling: tokio::sync::Mutex::default(),
        naming: tokio::sync::Mutex::default(),
    };
    Calls::new(desk, config.rest.writes_per_s, config.rest.reads_per_s)
}

/// What SignalWire's REST is answered by.
async fn spaces(config: &Config, store: &Store, kept: Option<(&History, &Shelf)>, hub: hub::Handle) -> space::Calls {
    let history = kept.map(|(history, shelf)| spaces::History {
        store: history.store.clone(),
        journal: history.journal.clone(),
        shelf: shelf.clone(),
    });
    let spaces = Spaces::start(hub, history, store.credentials().twilio_account_sid).await;
    space::Calls::new(spaces, config.rest.writes_per_s, config.rest.reads_per_s, clock::now().at)
}

/// The way out for callbacks. Our own listeners are looked for on every address that the machine has at that moment.
fn egress(config: &Config, listening: &Listening) -> Egress {
    let listeners = [listening.http, listening.https, config.media].into_iter().flatten().collect();
    history::egress(config, listeners, Arc::new(machine))
}

/// The way out for files that are played, whose addresses guests may choose: this machine and what is next to it are not the internet.
fn film_egress(config: &Config, of_callbacks: Egress) -> Egress {
    let announced = config.announce;
    let near = move |ip| egress::is_near(ip, &machine().into_iter().chain(announced).collect::<Vec<_>>());
    let names = Names::of_system(films::limit::LOOKUPS_MAX);
    Egress { policy: config.rest.playback_from, near: Arc::new(near), names, ..of_callbacks }
}

/// The addresses that this machine has now.
fn machine() -> Vec<IpAddr> {
    if_addrs::get_if_addrs().unwrap_or_default().iter().map(|interface| interface.ip()).collect()
}

/// As many connections as the system has descriptors for. Who has shown no credential gets half of them at most: of those the greediest
/// make room for others, and nobody makes room in what is full of them.
fn caps() -> Caps {
    let caps = Caps::default();
    let spare = process::descriptors().saturating_sub(DESCRIPTORS_KEPT);
    let all = caps.all.min(usize::try_from(spare).unwrap_or(usize::MAX));
    Caps { all, strangers: caps.strangers.min(all / 2), ..caps }
}

/// What the web layer needs to know of the configuration and the machine.
fn site(config: &Config, listening: &Listening, lan: &watch::Receiver<Lan>, tls: Option<&Tls>) -> Site {
    let machine = lan.borrow().host.clone();
    let machine = machine.into_iter().flat_map(|host| [format!("{host}.local"), host]);
    let (lan, places) = (lan.clone(), listening.clone());
    Site {
        open: config.open,
        dev: config.dev,
        default_room: config.default_room.clone(),
        host_names: machine.chain(config.domain.clone()).chain(config.host_names.clone()).collect(),
        trusted_proxies: config.trusted_proxies.clone(),
        https_port: listening.https.map(|address| address.port()),
        public_certificate: config.domain.is_some(),
        authority: tls.and_then(|tls| tls.authority.as_deref().cloned()),
        reach: Arc::new(move || {
            let lan = lan.borrow();
            Reach { phone_url: places.phone(&lan).ok(), addresses: places.secure(&lan) }
        }),
        files: Arc::new(web::files::Embedded),
    }
}

fn listening(config: &Config, http: Option<&TcpListener>, https: Option<&TcpListener>) -> Listening {
    let address = |listener: Option<&TcpListener>| listener.and_then(|listener| listener.local_addr().ok());
    Listening { http: address(http), https: address(https), announce: config.announce, domain: config.domain.clone() }
}

impl Running {
    /// Stops accepting, says goodbye to every connection, and waits at most 5 s for them.
    pub async fn stop(mut self) {
        self.stopper.stop();
        let all = async {
            while self.tasks.join_next().await.is_some() {}
            self.doorman.empty().await;
        };
        if timeout(FAREWELL, all).await.is_err() {
            tracing::warn!("some connections did not end within {} s and are cut", FAREWELL.as_secs());
        }
        seats::write(&self.hub, &self.store).await;
    }

    fn announce(&self, config: &Config) {
        if !io::stdout().is_terminal() {
            let text = |address: Option<SocketAddr>| address.map_or("off".to_owned(), |address| address.to_string());
            let (http, https) = (text(self.http_addr), text(self.https_addr));
            tracing::info!(http, https, "Kennel is running; the command kennel keys prints the link");
            return;
        }
        let keyring = self.store.keyring();
        let facts = Facts {
            listening: &self.listening,
            lan: &self.lan.borrow(),
            own_authority: config.domain.is_none() && self.tls.as_ref().is_some_and(|tls| tls.authority.is_some()),
            key: keyring.owner_key().filter(|_| !config.open),
        };
        print!("{}", banner(&facts));
    }
}

async fn serve(config: Config) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(problem) => return failed(&format!("The system lets Kennel hear no signals: {problem}.")),
    };
    let running = match start(config.clone()).await {
        Ok(running) => running,
        Err(problem) => return failed(&problem.to_string()),
    };
    running.announce(&config);
    signals.next().await;
    tracing::info!("stopping; a second signal ends Kennel at once");
    tokio::select! {
        () = running.stop() => ExitCode::SUCCESS,
        () = signals.next() => ExitCode::FAILURE,
    }
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn failed(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::FAILURE
}

fn take_folder(folder: &Path) -> Result<File, StartProblem> {
    let taken = files::make_folder(folder).and_then(|()| process::take_folder(folder));
    let taken = taken.map_err(|problem| StartProblem::Folder(folder.to_owned(), problem))?;
    taken.ok_or_else(|| StartProblem::Running(folder.to_owned()))
}

fn listen(flag: &'static str, address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartProblem> {
    let Some(address) = address else { return Ok(None) };
    match bind(address).and_then(TcpListener::from_std) {
        Ok(listener) => Ok(Some(listener)),
        Err(problem) => Err(StartProblem::listening(flag, address, problem)),
    }
}

impl StartProblem {
    /// What it means that the media server cannot listen.
    fn media(config: &Config, problem: io::Error) -> Self {
        Self::listening("media", config.media.unwrap_or(SocketAddr::from(([0; 4], 0))), problem)
    }

    /// What it means that Kennel cannot listen there.
    pub fn listening(flag: &'static str, address: SocketAddr, problem: io::Error) -> Self {
        match problem.kind() {
            io::ErrorKind::AddrInUse => Self::PortTaken { flag, address, free: free_near(address) },
            _ => Self::Listen { flag, address, problem },
        }
    }
}

/// The same address with a port that is free now: ten higher, or twenty, and so on.
fn free_near(address: SocketAddr) -> SocketAddr {
    let ports = (1..=20).filter_map(|step| address.port().checked_add(10 * step));
    let mut near = ports.map(|port| SocketAddr::new(address.ip(), port));
    near.find(|near| bind(*near).is_ok()).unwrap_or(SocketAddr::new(address.ip(), 0))
}

/// A listener that `[::]` makes hear IPv4 as well, whatever the system's default.
///
/// # Errors
/// The system's.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restart must not wait for the last connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl fmt::Display for StartProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTaken { flag, address, free } => {
                write!(f, "Port {} is in use by another program. Start with --{flag} {free}.", address.port())
            }
            Self::Running(folder) => write!(
                f,
                "Kennel is running already with the data folder {}. Stop it first, or choose another folder with --data.",
                folder.display()
            ),
            Self::Folder(folder, problem) => write!(
                f,
                "Kennel cannot use the data folder {}: {problem}. Let its user write there, or choose another with --data.",
                folder.display()
            ),
            Self::Store(problem) => problem.fmt(f),
            Self::History(store::Problem::Unavailable(why)) => {
                write!(f, "Kennel cannot open its history: {why}. Rooms run without it: --database off.")
            }
            Self::History(problem) => write!(
                f,
                "Kennel cannot open its history: {problem}. Nothing was changed. The folder history-copies beside it holds a copy of \
                 each of the last hours; rooms run without any: --database off."
            ),
            Self::Tls(problem) => problem.fmt(f),
            Self::Listen { flag, address, problem } => {
                write!(f, "Kennel cannot listen at {address}: {problem}. Choose another address with --{flag}.")
            }
        }
    }
}

impl std::error::Error for StartProblem {}

impl From<StoreProblem> for StartProblem {
    fn from(problem: StoreProblem) -> Self {
        Self::Store(problem)
    }
}

impl From<store::Problem> for StartProblem {
    fn from(problem: store::Problem) -> Self {
        Self::History(problem)
    }
}

impl From<TlsProblem> for StartProblem {
    fn from(problem: TlsProblem) -> Self {
        Self::Tls(problem)
    }
}
