//! `kennel serve`: starts everything, waits for a signal, ends everything.

use std::fmt;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::banner::{Facts, banner};
use crate::config::Config;
use crate::net::{self, Lan};
use crate::shutdown::{self, Shutdown, Stopper};
use crate::{logging, process};

/// How long open requests and sockets get to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);

/// Connections that the system may hold ready while we are busy: a household's reconnect after a restart.
const BACKLOG: i32 = 1024;

/// A server that runs. Dropping it ends it without farewell.
#[derive(Debug)]
pub struct Running {
    /// Where HTTP listens, with the port that the system gave; `None` when it is off.
    pub http_addr: Option<SocketAddr>,
    /// Where HTTPS listens.
    pub https_addr: Option<SocketAddr>,
    lan: Lan,
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
    let (stopper, shutdown) = shutdown::channel();
    let lan = net::watch(shutdown.clone());
    let mut tasks = JoinSet::new();
    let running = |listener: &Option<TcpListener>| listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let (http_addr, https_addr) = (running(&http), running(&https));
    let router = Router::new().route("/healthz", axum::routing::get(|| async { "ok" }));
    for listener in http.into_iter() {
        tasks.spawn(attend(listener, router.clone(), shutdown.clone()));
    }
    let lan = lan.borrow().clone();
    Ok(Running { http_addr, https_addr, lan, stopper, tasks })
}

async fn attend(listener: TcpListener, router: Router, mut shutdown: Shutdown) {
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move { shutdown.stopping().await });
    if let Err(problem) = serving.await {
        tracing::error!(%problem, "a listener ended");
    }
}

impl Running {
    /// Stops accepting, says goodbye to every connection, and waits at most 5 s for them.
    pub async fn stop(mut self) {
        self.stopper.stop();
        let all = async { while self.tasks.join_next().await.is_some() {} };
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
            key: None,
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
            Self::Listen { flag, address, problem } => {
                write!(f, "Kennel cannot listen at {address}: {problem}. Choose another address with --{flag}.")
            }
        }
    }
}

impl std::error::Error for StartProblem {}
