//! The address of a database server, `postgres://…`, and how well it must be protected on the way.

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::Problem;
use crate::limit::CONNECT_TIMEOUT;
use crate::link::in_words;
use crate::tls::Tls;

/// Where a server is, and how to get there.
#[derive(Clone)]
pub(crate) struct Address {
    pub config: Config,
    /// None: plain.
    pub tls: Option<Tls>,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`.
    ///
    /// Without `sslmode`, the way to this very machine is plain and every other one encrypted. `disable` is plain; `prefer` and
    /// `allow` encrypt where the server can; all others encrypt. Where it is encrypted, the certificate is always checked.
    pub(crate) fn read(url: &str) -> Result<Address, Problem> {
        let (url, sslmode, sslrootcert) = take_tls(url);
        let mut config: Config = url.parse().map_err(|error| unusable(&in_words(&error)))?;
        set_defaults(&mut config);
        let mode = match sslmode {
            None if config.get_hosts().iter().all(is_here) => SslMode::Disable,
            None => SslMode::Require,
            Some(word) => mode_of(word)?,
        };
        config.ssl_mode(mode);
        let root = sslrootcert.filter(|path| *path != "system");
        let tls = match mode {
            SslMode::Disable => None,
            _ => Some(Tls::new(root).map_err(|error| unusable(&error))?),
        };
        Ok(Address { config, tls })
    }

    /// In words, without secrets.
    pub(crate) fn name(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        format!("PostgreSQL at {}", hosts.collect::<Vec<_>>().join(", "))
    }
}

fn unusable(error: &dyn std::fmt::Display) -> Problem {
    Problem::Unusable(format!("its address cannot be used: {error}"))
}

/// The address without what is said about encryption, which is ours to read.
fn take_tls(url: &str) -> (String, Option<&str>, Option<&str>) {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut root, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", word)) => mode = Some(word),
            Some(("sslrootcert", path)) => root = Some(path),
            _ => rest.push(pair),
        }
    }
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (url, mode, root)
}

fn mode_of(word: &str) -> Result<SslMode, Problem> {
    match word {
        "disable" => Ok(SslMode::Disable),
        "allow" | "prefer" => Ok(SslMode::Prefer),
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        _ => Err(unusable(&format!("sslmode {word} is none of disable, allow, prefer, require, verify-ca, verify-full"))),
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

fn set_defaults(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("kennel");
    }
    config.keepalives_idle(std::time::Duration::from_secs(30));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Result<SslMode, &str>) {
        match (Address::read(url), expected) {
            (Ok(address), Ok(mode)) => {
                assert_eq!(address.config.get_ssl_mode(), mode, "{url}");
                assert_eq!(address.tls.is_none(), mode == SslMode::Disable, "{url}");
                assert!(!address.name().contains("secret"), "{url}");
            }
            (Err(problem), Err(words)) => {
                assert!(problem.to_string().contains(words), "{url}: {problem}");
                assert!(!problem.to_string().contains("secret"), "{url}: {problem}");
            }
            (found, expected) => panic!("{url}: expected {expected:?}, found {:?}", found.map(|address| address.name())),
        }
    }

    #[test]
    fn an_address_says_how_it_is_protected() {
        check("postgres://u:secret@127.0.0.1/k", Ok(SslMode::Disable));
        check("postgres://u:secret@[::1]:5433/k", Ok(SslMode::Disable));
        check("postgresql:///k?host=/run/postgresql", Ok(SslMode::Disable));
        check("postgres://u:secret@db.example/k", Ok(SslMode::Require));
        check("postgres://u:secret@localhost,db.example/k", Ok(SslMode::Require));
        check("postgres://u:secret@db.example/k?sslmode=disable", Ok(SslMode::Disable));
        check("postgres://u:secret@db.example/k?sslmode=prefer&application_name=x", Ok(SslMode::Prefer));
        check("postgres://u:secret@localhost/k?sslmode=verify-full", Ok(SslMode::Require));
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_in_words() {
        check("postgres://u:secret@db.example/k?sslmode=yes", Err("sslmode yes is none of"));
        check("postgres://u:secret@db.example/k?sslrootcert=/none", Err("sslrootcert /none"));
        check("postgres://u:secret@db.example/k?sslcert=x", Err("sslcert"));
        check("postgres://u:secret@db.example:x/k", Err("port"));
    }
}
