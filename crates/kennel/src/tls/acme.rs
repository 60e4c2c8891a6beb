//! Certificates for a public name by ACME (RFC 8555), proved by TLS-ALPN-01 (RFC 8737): the service asks on port 443, so HTTPS must be
//! reachable there.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use futures_util::StreamExt;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_acme::acme::LETS_ENCRYPT_PRODUCTION_DIRECTORY;
use rustls_acme::{AccountCache, AcmeConfig, AcmeState, CertCache, EventError, EventOk};

use super::pem;
use crate::config::Acme;
use crate::keyring::files;
use crate::keyring::random::spell_hex;
use crate::shutdown::Shutdown;

/// Pauses after each failure in a row, the last one for ever. Public services lock out a name after 5 failures in an hour.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1800),
    Duration::from_secs(3600),
    Duration::from_secs(6 * 3600),
];

/// The service's state machine, with our files under it.
pub type State = AcmeState<io::Error>;

/// Why ACME cannot begin. `Display` says what to do.
#[derive(Debug)]
pub struct AcmeProblem(String);

/// Prepares to get a certificate for `domain`. Nothing is sent before [`drive`].
///
/// # Errors
/// When the folder cannot be made or the file of `acme_ca` cannot be used.
pub fn prepare(domain: &str, acme: &Acme, folder: &Path) -> Result<(State, Arc<AtomicI64>), AcmeProblem> {
    files::make_folder(folder)
        .map_err(|problem| AcmeProblem(format!("{}: {problem}. Let Kennel's user write there.", folder.display())))?;
    let ends = Arc::new(AtomicI64::new(i64::MAX));
    let cache = Cache { folder: folder.to_owned(), ends: ends.clone() };
    let config = match &acme.ca {
        Some(path) => AcmeConfig::new_with_client_config([domain], Arc::new(trusting(path)?)),
        None => AcmeConfig::new([domain]),
    };
    let config = config
        .directory(acme.directory.as_deref().unwrap_or(LETS_ENCRYPT_PRODUCTION_DIRECTORY))
        .contact(acme.contact.iter().map(|mail| format!("mailto:{mail}")))
        .cache(cache);
    Ok((config.state(), ends))
}

/// Gets the certificate and renews it until the end. Failures are logged and tried again, each time later.
pub async fn drive(mut state: State, mut shutdown: Shutdown) {
    let mut failures = 0;
    loop {
        let event = tokio::select! {
            event = state.next() => event,
            () = shutdown.stopping() => return,
        };
        match event {
            Some(Ok(event)) => {
                note(&event);
                failures = 0;
            }
            Some(Err(problem)) => {
                let pause = PAUSES[failures.min(PAUSES.len() - 1)];
                failures += 1;
                complain(&problem, pause);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = shutdown.stopping() => return,
                }
            }
            None => return,
        }
    }
}

fn note(event: &EventOk) {
    match event {
        EventOk::DeployedNewCert => tracing::info!("the domain's certificate has come"),
        EventOk::DeployedCachedCert => tracing::info!("the domain's certificate is in use"),
        EventOk::CertCacheStore | EventOk::AccountCacheStore => {}
    }
}

fn complain(problem: &EventError<io::Error, io::Error>, pause: Duration) {
    let minutes = pause.as_secs() / 60;
    tracing::error!(
        %problem,
        "the domain's certificate did not come. Kennel must reach the service, and the service Kennel's HTTPS on port 443 of the domain. \
         Trying again in {minutes} min"
    );
}

fn trusting(path: &Path) -> Result<ClientConfig, AcmeProblem> {
    let refuse = |problem: String| {
        AcmeProblem(format!("--acme-ca {}: {problem}. Name a PEM file of the service's authority.", path.display()))
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|problem| refuse(problem.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|problem| refuse(problem.to_string()))?;
        roots.add(certificate).map_err(|problem| refuse(problem.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refuse("there is no certificate in it".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(|problem| refuse(problem.to_string()))?.with_root_certificates(roots).with_no_client_auth())
}

/// The account's key and the domain's certificate in the data folder, for their owner alone.
struct Cache {
    folder: PathBuf,
    /// When the certificate in use ends, in seconds since 1970 UTC; the largest number while there is none.
    ends: Arc<AtomicI64>,
}

impl Cache {
    /// One file for each service, contact and name, so that a trial with another service spoils nothing.
    fn path(&self, kind: &str, parts: &[String], directory: &str) -> PathBuf {
        let text = [parts, &[directory.to_owned()]].concat().join("\0");
        let hash = spell_hex(&digest(&SHA256, text.as_bytes()).as_ref()[..8]);
        self.folder.join(format!("{kind}-{hash}.pem"))
    }

    fn note(&self, text: &[u8]) {
        let chain = std::str::from_utf8(text).map_err(|_| String::new()).and_then(pem::certificates);
        if let Ok(span) = chain.and_then(|chain| pem::with_parsed(&chain[0], pem::span_of)) {
            self.ends.store(span.ends, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl CertCache for Cache {
    type EC = io::Error;

    async fn load_cert(&self, domains: &[String], directory: &str) -> Result<Option<Vec<u8>>, io::Error> {
        let text = files::read(&self.path("certificate", domains, directory))?;
        text.iter().for_each(|text| self.note(text));
        Ok(text)
    }

    async fn store_cert(&self, domains: &[String], directory: &str, text: &[u8]) -> Result<(), io::Error> {
        self.note(text);
        files::replace(&self.path("certificate", domains, directory), text)
    }
}

#[async_trait]
impl AccountCache for Cache {
    type EA = io::Error;

    async fn load_account(&self, contact: &[String], directory: &str) -> Result<Option<Vec<u8>>, io::Error> {
        files::read(&self.path("account", contact, directory))
    }

    async fn store_account(&self, contact: &[String], directory: &str, key: &[u8]) -> Result<(), io::Error> {
        files::replace(&self.path("account", contact, directory), key)
    }
}

impl fmt::Display for AcmeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AcmeProblem {}
