//! TLS: Kennel's own certificate authority, own certificate files, and ACME for a domain. Certificates are renewed behind a resolver, so
//! no connection drops.

mod acme;
#[cfg(test)]
mod acme_tests;
mod alarm;
mod authority;
mod lan;
mod names;
mod own_files;
mod pem;
mod resolver;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rustls::ServerConfig;
use rustls_acme::acme::ACME_TLS_ALPN_NAME;
use tokio::sync::watch;

use crate::clock;
use crate::config::Config;
use crate::net::Lan;
use crate::shutdown::Shutdown;
use alarm::Alarm;
use lan::LanIssuer;
use own_files::OwnFiles;
use resolver::{Domain, Resolver};

pub use acme::AcmeProblem;
pub use lan::LanProblem;
pub use own_files::FilesProblem;

/// Seconds in a day.
const DAY: i64 = 24 * 3600;

/// 2026-01-01: no clock that is right shows less. A machine without a battery starts in 1970, and certificates of that year would
/// have ended when its clock is set.
pub const CLOCK_FLOOR: i64 = 1_767_225_600;

/// Where Kennel's own authority lives, in the data folder.
const LAN_FOLDER: &str = "tls";

/// How often files and lives are looked at.
const POLL: Duration = Duration::from_secs(10);

/// Kennel's own certificate authority as the pages show it. Public data only; the key never leaves the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The certificate in PEM, as a person downloads it.
    pub pem: String,
    /// The same certificate in DER, as phones install it (`application/x-x509-ca-cert`).
    pub der: Vec<u8>,
    /// SHA-256 of `der` as `AB:CD:…`, the way phones show it.
    pub sha256: String,
}

/// TLS, ready to serve.
#[derive(Clone, Debug)]
pub struct Tls {
    /// For every listener. TLS 1.2 and 1.3, HTTP/1.1 only.
    pub server: Arc<ServerConfig>,
    /// Kennel's own authority; `None` with the owner's certificate files.
    pub authority: Option<Arc<Authority>>,
}

/// Why TLS cannot be had. `Display` says what to do.
#[derive(Debug)]
pub enum TlsProblem {
    /// The certificate for the home network.
    Lan(LanProblem),
    /// The owner's files.
    Files(FilesProblem),
    /// ACME.
    Acme(AcmeProblem),
    /// rustls refused its configuration.
    Rustls(rustls::Error),
}

/// Gets the certificates and keeps them right until the end. Must be called within a tokio runtime.
///
/// # Errors
/// [`TlsProblem`]; nothing runs then.
pub fn start(config: &Config, lan: watch::Receiver<Lan>, shutdown: Shutdown) -> Result<Tls, TlsProblem> {
    let mut source = Source::open(config, &lan.borrow())?;
    let first = source.turn(&lan.borrow(), now())?.expect("the first turn always gives a certificate");
    let acme = match &config.domain {
        Some(domain) => Some((domain, acme::prepare(domain, &config.acme, &config.data.join("acme")).map_err(TlsProblem::Acme)?)),
        None => None,
    };
    let domain = acme.as_ref().map(|(name, (state, _))| Domain { name: (*name).clone(), acme: state.resolver() });
    let resolver = Arc::new(Resolver::new(first.key, domain));
    let tls = Tls { server: Arc::new(server_config(resolver.clone())?), authority: source.authority() };
    let domain_ends = acme.as_ref().map(|(_, (_, ends))| ends.clone());
    if let Some((_, (state, _))) = acme {
        tokio::spawn(acme::drive(state, shutdown.clone()));
    }
    let keeper = Keeper { source, resolver, ends: first.span.ends, domain_ends, alarms: Default::default(), said: String::new() };
    tokio::spawn(keep(keeper, lan, shutdown));
    Ok(tls)
}

/// When the certificate that [`start`] would serve ends, in seconds since 1970 UTC. For `kennel check`.
///
/// # Errors
/// [`TlsProblem`], as `start` would give it, and for a chain whose certificates do not sign each other.
pub fn inspect(config: &Config, lan: &Lan) -> Result<i64, TlsProblem> {
    let mut source = Source::open(config, lan)?;
    let certified = source.turn(lan, now())?.expect("the first turn always gives a certificate");
    pem::check_chain(&certified.key.cert).map_err(|problem| TlsProblem::Files(FilesProblem::of_chain(&problem)))?;
    Ok(certified.span.ends)
}

/// Whether Kennel's own authority has been made.
pub fn has_authority(config: &Config) -> bool {
    config.data.join(LAN_FOLDER).join(lan::AUTHORITY_FILE).exists()
}

fn server_config(resolver: Arc<Resolver>) -> Result<ServerConfig, TlsProblem> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12]);
    let has_domain = resolver.has_domain();
    let mut config = builder.map_err(TlsProblem::Rustls)?.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if has_domain {
        // Only the ACME service asks for this protocol, and only alone (RFC 8737 section 3).
        config.alpn_protocols.push(ACME_TLS_ALPN_NAME.to_vec());
    }
    Ok(config)
}

/// Seconds since 1970 UTC.
fn now() -> i64 {
    i64::try_from(clock::unix_ms() / 1000).unwrap_or(i64::MAX)
}

/// Where the certificate for everything but the domain comes from.
enum Source {
    Lan(Box<LanIssuer>, Option<(Lan, i64)>),
    Files(OwnFiles),
}

impl Source {
    fn open(config: &Config, lan: &Lan) -> Result<Self, TlsProblem> {
        match &config.certificate {
            Some(files) => Ok(Self::Files(OwnFiles::new(files.clone()))),
            None => {
                let issuer =
                    LanIssuer::open(&config.data.join(LAN_FOLDER), lan, config.announce, now()).map_err(TlsProblem::Lan)?;
                Ok(Self::Lan(Box::new(issuer), None))
            }
        }
    }

    fn authority(&self) -> Option<Arc<Authority>> {
        match self {
            Self::Lan(issuer, _) => Some(Arc::new(issuer.authority().clone())),
            Self::Files(_) => None,
        }
    }

    /// The certificate to serve from now on, if it should change. The first call always gives one or an error.
    fn turn(&mut self, lan: &Lan, now: i64) -> Result<Option<pem::Certified>, TlsProblem> {
        match self {
            Self::Files(files) => files.changed().map_err(TlsProblem::Files),
            Self::Lan(_, Some((seen, checked))) if seen == lan && (0..DAY).contains(&(now - *checked)) => Ok(None),
            Self::Lan(issuer, seen) => {
                let certified = issuer.certificate(lan, now).map_err(TlsProblem::Lan)?;
                *seen = Some((lan.clone(), now));
                Ok(Some(certified))
            }
        }
    }
}

/// Keeps the resolver's certificate right.
struct Keeper {
    source: Source,
    resolver: Arc<Resolver>,
    ends: i64,
    domain_ends: Option<Arc<AtomicI64>>,
    /// For the certificate and for the domain's.
    alarms: [Alarm; 2],
    /// The last failure that was logged, so that a full disk does not fill the log as well.
    said: String,
}

impl Keeper {
    /// Takes up what changed. Returns whether an alarm rang.
    fn turn(&mut self, lan: &Lan, now: i64) -> bool {
        match self.source.turn(lan, now) {
            Ok(Some(next)) => {
                self.ends = next.span.ends;
                self.said.clear();
                self.resolver.swap(next.key);
            }
            Ok(None) => {}
            Err(problem) => self.complain(problem.to_string()),
        }
        let domain_ends = self.domain_ends.as_ref().map_or(i64::MAX, |ends| ends.load(Ordering::Relaxed));
        let own = self.alarms[0].check("of Kennel", self.ends, now);
        let domain = self.alarms[1].check("of the domain", domain_ends, now);
        own || domain
    }

    fn complain(&mut self, problem: String) {
        if problem != self.said {
            tracing::error!(%problem, "the certificate could not be renewed; the one in use stays");
            self.said = problem;
        }
    }
}

async fn keep(mut keeper: Keeper, mut lan: watch::Receiver<Lan>, mut shutdown: Shutdown) {
    while !shutdown.is_stopping() {
        let latest = lan.borrow_and_update().clone();
        keeper.turn(&latest, now());
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            Ok(()) = lan.changed() => {}
            () = shutdown.stopping() => {}
        }
    }
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lan(problem) => problem.fmt(f),
            Self::Files(problem) => problem.fmt(f),
            Self::Acme(problem) => problem.fmt(f),
            Self::Rustls(problem) => write!(f, "TLS cannot start: {problem}."),
        }
    }
}

impl std::error::Error for TlsProblem {}
