//! `kennel serve`: starts everything, waits for a signal, ends everything.

use std::fmt;
use std::io::{self, IsTerminal};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::banner::{Facts, banner};
use crate::config::{Config, Secret};
use crate::desk::Desk;
use crate::keyring::{Store, StoreProblem};
use crate::metrics::Metrics;
use crate::net::{self, Lan};
use crate::shutdown::{self, Shutdown, Stopper};
use crate::tls::{self, Tls, TlsProblem};
use crate::web::gate::Caps;
use crate::web::stream::Patience;
use crate::web::{self, App, Doorman, Reach, Site, files, ws};
use crate::{clock, doors, logging, process};

/// How long open requests and sockets get to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);

/// Connections that the system may hold ready while we are busy: a household's reconnect after a restart.
const BACKLOG: i32 = 1024;

/// A server that runs. Dropping it ends it without farewell.
pub struct Running {
    /// Where HTTP listens, with the port that the system gave; `None` when it is off.
    pub http_addr: Option<SocketAddr>,
    /// Where HTTPS listens.
    pub https_addr: Option<SocketAddr>,
    owner_key: Option<Secret>,
    lan: Lan,
    doorman: Arc<Doorman>,
    stopper: Stopper,
    tasks: JoinSet<()>,
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
    },
    /// The keyring cannot be used.
    Store(StoreProblem),
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
        Ok(runtime) => runtime.block_on(serve(config)),
        Err(problem) => failed(&format!("The system gives Kennel no threads: {problem}.")),
    }
}

/// Starts the server in this process. Port 0 takes a free port, which the result tells.
///
/// # Errors
/// [`StartProblem`]; nothing runs then.
pub async fn start(config: Config) -> Result<Running, StartProblem> {
    let http = listen("http", config.http)?;
    let https = listen("https", config.https)?;
    let running = |listener: &Option<TcpListener>| listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let (http_addr, https_addr) = (running(&http), running(&https));
    let (stopper, shutdown) = shutdown::channel();
    let lan = net::watch(shutdown.clone());
    let tls = tls::start(&config, lan.clone(), shutdown.clone())?;
    let store = Arc::new(Store::open(&config.data, &config.vendor, clock::unix_ms())?);
    let owner_key = store.keyring().owner_key().cloned();
    let metrics = Metrics::new();
    let hub = doors::start_rooms(&config, metrics.clone()).await;
    let site = site(&config, &tls, http_addr, https_addr, lan.clone());
    let app = App::start(site, store.clone(), Arc::new(hub.clone()), metrics.clone(), shutdown.clone());
    let means = ws::Means { hub, metrics: metrics.clone(), shutdown: shutdown.clone() };
    let router = web::app(&app, doors::router(Desk::new(store, config.ice.clone()), means));
    let doorman = Doorman::new(caps(), Patience::default(), config.trusted_proxies.clone(), metrics);
    let mut tasks = JoinSet::new();
    for (listener, tls) in [(http, None), (https, Some(tls.server))] {
        let Some(listener) = listener else { continue };
        tasks.spawn(attend(listener, tls, router.clone(), doorman.clone(), shutdown.clone()));
    }
    tasks.spawn(web::keep(app));
    let lan = lan.borrow().clone();
    Ok(Running { http_addr, https_addr, owner_key, lan, doorman, stopper, tasks })
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

/// As many connections as the system has descriptors for, with some left for files.
fn caps() -> Caps {
    const FOR_FILES: u64 = 256;
    let caps = Caps::default();
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let room = descriptors.map_or(caps.all, |n| usize::try_from(n.saturating_sub(FOR_FILES)).unwrap_or(usize::MAX));
    Caps { all: caps.all.min(room), ..caps }
}

/// What the web layer needs to know of the configuration and the machine.
fn site(config: &Config, tls: &Tls, http: Option<SocketAddr>, https: Option<SocketAddr>, lan: watch::Receiver<Lan>) -> Site {
    let announce = config.announce;
    let (http, https) = (http.map(|a| a.port()), https.map(|a| a.port()));
    let names = lan.borrow().host.iter().flat_map(|host| [host.clone(), format!("{host}.local")]).collect::<Vec<_>>();
    Site {
        open: config.open,
        dev: config.dev,
        default_room: config.default_room.clone(),
        host_names: names.into_iter().chain(config.domain.clone()).chain(config.host_names.clone()).collect(),
        trusted_proxies: config.trusted_proxies.clone(),
        https_port: https,
        public_certificate: config.domain.is_some(),
        authority: tls.authority.as_deref().cloned(),
        reach: Arc::new(move || reach(&lan.borrow(), announce, http, https)),
        files: Arc::new(files::Embedded),
    }
}

/// Where other devices find this server: a phone goes to HTTP first, whose page leads it to the secure address.
fn reach(lan: &Lan, announce: Option<IpAddr>, http: Option<u16>, https: Option<u16>) -> Reach {
    let all: Vec<IpAddr> = announce.into_iter().chain(lan.main).chain(lan.others.iter().copied()).collect();
    let origin = |scheme: &str, ip: &IpAddr, port: u16| format!("{scheme}://{}", SocketAddr::new(*ip, port));
    let secure = https.map(|port| all.iter().map(|ip| origin("https", ip, port)).collect()).unwrap_or_default();
    let phone =
        all.first().and_then(|ip| http.map(|port| origin("http", ip, port)).or(https.map(|port| origin("https", ip, port))));
    Reach { phone_url: phone, addresses: secure }
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
    }

    fn announce(&self, config: &Config) {
        let facts = Facts {
            http: self.http_addr,
            https: self.https_addr,
            lan: &self.lan,
            announce: config.announce,
            domain: config.domain.as_deref(),
            own_authority: config.certificate.is_none() && config.domain.is_none(),
            key: self.owner_key.as_ref(),
        };
        if io::stdout().is_terminal() {
            print!("{}", banner(&facts));
        } else {
            let text = |address: Option<SocketAddr>| address.map_or("off".to_owned(), |address| address.to_string());
            tracing::info!(
                http = text(self.http_addr),
                https = text(self.https_addr),
                "Kennel is running; the command kennel keys prints the link"
            );
        }
    }
}

async fn serve(config: Config) -> ExitCode {
    let signals = signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?)));
    let (mut interrupt, mut terminate) = match signals {
        Ok(signals) => signals,
        Err(problem) => return failed(&format!("The system lets Kennel hear no signals: {problem}.")),
    };
    let running = match start(config.clone()).await {
        Ok(running) => running,
        Err(problem) => return failed(&problem.to_string()),
    };
    running.announce(&config);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = running.stop() => ExitCode::SUCCESS,
        _ = interrupt.recv() => ExitCode::FAILURE,
        _ = terminate.recv() => ExitCode::FAILURE,
    }
}

fn failed(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::FAILURE
}

fn listen(flag: &'static str, address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartProblem> {
    let Some(address) = address else { return Ok(None) };
    match bind(address).and_then(TcpListener::from_std) {
        Ok(listener) => Ok(Some(listener)),
        Err(problem) => Err(StartProblem::listening(flag, address, problem)),
    }
}

impl StartProblem {
    /// What it means that Kennel cannot listen there.
    pub fn listening(flag: &'static str, address: SocketAddr, problem: io::Error) -> Self {
        match problem.kind() {
            io::ErrorKind::AddrInUse => Self::PortTaken { flag, address },
            _ => Self::Listen { flag, address, problem },
        }
    }
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
            Self::PortTaken { flag, address } => {
                let other = SocketAddr::new(address.ip(), address.port().checked_add(10).unwrap_or(8090));
                write!(f, "Port {} is in use by another program. Start with --{flag} {other}.", address.port())
            }
            Self::Store(problem) => problem.fmt(f),
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

impl From<TlsProblem> for StartProblem {
    fn from(problem: TlsProblem) -> Self {
        Self::Tls(problem)
    }
}
