//! Everything that goes to an address that somebody else chose. The name is resolved once, every address it has is checked, and what was
//! checked is what is connected to: a name that means another address a moment later gains nothing.

mod address;
mod names;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::http::Uri;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use address::{Policy, is_near};
pub use names::Names;

/// How long a connection may take, its name's resolution and the TLS handshake included.
pub const CONNECT: Duration = Duration::from_secs(5);

/// Addresses of one name that are looked at. The rest of a longer list is not.
const ADDRESSES_MAX: usize = 16;

/// A place to send to, as an `http` or `https` URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether it is spoken to by TLS.
    pub tls: bool,
    /// A name, or an address without brackets.
    pub host: String,
    /// The port, written or implied.
    pub port: u16,
    /// What `Host` says: host, and the port if it was written.
    pub authority: String,
    /// Path and query, byte by byte as they were written.
    pub path: String,
}

/// Why nothing was sent.
#[derive(Debug)]
pub enum Problem {
    /// This is no URL that can be sent to, or one that never may. Trying again is of no use.
    Refused(&'static str),
    /// It cannot be reached now.
    Failed(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Refused(why) => write!(f, "egress refused: {why}"),
            Problem::Failed(why) => f.write_str(why),
        }
    }
}

/// A connection that bytes go through.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What may be reached, and how.
#[derive(Clone)]
pub struct Egress {
    /// Which addresses.
    pub policy: Policy,
    /// Where this server listens itself: never sent to.
    pub own: Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>,
    /// What [`Policy::Public`] keeps out beside that, whatever the port: addresses like all others on the internet, but near.
    pub near: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// How names become addresses.
    pub names: Names,
    /// Whom to believe.
    pub tls: Arc<rustls::ClientConfig>,
}

/// Reads a URL, of whatever a vendor's door lets pass: what is connected to and what `Host` says come from this one reading. A user name
/// and password in it are passed over.
///
/// # Errors
/// [`Problem::Refused`] in words.
pub fn target(url: &str) -> Result<Target, Problem> {
    let uri: Uri = url.parse().map_err(|_| Problem::Refused("this is not a URL"))?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(Problem::Refused("only http and https are sent to")),
    };
    let authority = uri.authority().ok_or(Problem::Refused("the URL names no host"))?;
    let place = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, place)| place);
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || address::is_disguised(host) {
        return Err(Problem::Refused("the URL's host is neither a name nor a plain address"));
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok(Target {
        tls,
        host: host.to_owned(),
        port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
        authority: place.to_owned(),
        path,
    })
}

impl Egress {
    /// Whether this URL may be kept as a place to send to: what it names must not be forbidden already as it is written.
    ///
    /// # Errors
    /// [`Problem::Refused`] in words.
    pub fn check(&self, url: &str) -> Result<(), Problem> {
        let target = target(url)?;
        match target.host.parse() {
            Ok(ip) => self.check_address(SocketAddr::new(ip, target.port)),
            Err(_) => Ok(()),
        }
    }

    /// Connects, by TLS if the URL says so, within [`CONNECT`].
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn connect(&self, target: &Target) -> Result<Box<dyn Stream>, Problem> {
        let connecting = async {
            let socket = self.reach(target).await?;
            if !target.tls {
                return Ok(Box::new(socket) as Box<dyn Stream>);
            }
            let name = ServerName::try_from(target.host.clone()).map_err(|_| Problem::Refused("the URL's host is no name"))?;
            let connector = TlsConnector::from(Arc::clone(&self.tls));
            let stream = connector.connect(name, socket).await.map_err(|problem| failed("TLS", &problem))?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        };
        timeout(CONNECT, connecting).await.unwrap_or_else(|_| Err(Problem::Failed("no connection within 5 s".to_owned())))
    }

    async fn reach(&self, target: &Target) -> Result<TcpStream, Problem> {
        let mut addresses = self.names.look_up(&target.host, target.port).await.map_err(|problem| failed("name", &problem))?;
        addresses.truncate(ADDRESSES_MAX);
        // All of them, not only the one that answers: a name for an inner address beside a public one is an attack, not a fallback.
        for address in &addresses {
            self.check_address(*address)?;
        }
        let mut last = Problem::Failed("the name has no address".to_owned());
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(socket) => return Ok(socket),
                Err(problem) => last = failed("connect", &problem),
            }
        }
        Err(last)
    }

    fn check_address(&self, address: SocketAddr) -> Result<(), Problem> {
        const NOT_THERE: Result<(), Problem> = Err(Problem::Refused("this address may not be sent to"));
        let mut faces = address::faces(address.ip());
        if !address::is_allowed(address.ip(), self.policy) {
            NOT_THERE
        } else if faces.clone().any(|ip| (self.own)(SocketAddr::new(ip, address.port()))) {
            Err(Problem::Refused("this is Kennel itself"))
        } else if self.policy == Policy::Public && faces.any(|ip| (self.near)(ip)) {
            NOT_THERE
        } else {
            Ok(())
        }
    }
}

/// Whether an address and port are one of this server's own listeners.
#[must_use]
pub fn is_own(address: SocketAddr, listeners: &[SocketAddr], machine: &[IpAddr]) -> bool {
    let ip = address.ip().to_canonical();
    let here = ip.is_loopback() || ip.is_unspecified() || machine.contains(&ip);
    here && listeners.iter().any(|own| own.port() == address.port())
}

fn failed(step: &str, problem: &io::Error) -> Problem {
    Problem::Failed(format!("{step}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_its_bytes() {
        let seen = target("https://ann:p%40ss@hooks.example:8443/a%2Fb?x=1&y=%20").expect("a URL");
        assert_eq!((seen.tls, seen.host.as_str(), seen.port), (true, "hooks.example", 8443));
        assert_eq!((seen.authority.as_str(), seen.path.as_str()), ("hooks.example:8443", "/a%2Fb?x=1&y=%20"));
        let plain = target("http://[fd00::1]?q").expect("a URL");
        assert_eq!((plain.host.as_str(), plain.port, plain.path.as_str()), ("fd00::1", 80, "/?q"));
    }

    #[test]
    fn what_is_no_place_to_send_to() {
        for url in [
            "",
            "example.org",
            "ftp://a/",
            "http://",
            "http:///x",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
        ] {
            assert!(target(url).is_err(), "{url}");
        }
    }

    /// A server on the internet, with a printer beside it.
    fn egress(policy: Policy) -> Egress {
        let machine: [IpAddr; 2] = ["93.184.216.34", "2a02:1:2:3::20"].map(|ip| ip.parse().expect("an address"));
        let listeners: Vec<SocketAddr> = vec!["0.0.0.0:8080".parse().expect("an address")];
        let tls = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        let own = Arc::new(move |address| is_own(address, &listeners, &machine));
        let near = Arc::new(move |ip| is_near(ip, &machine));
        Egress { policy, own, near, names: Names::of_system(1), tls: Arc::new(tls) }
    }

    #[test]
    fn what_is_here_is_not_on_the_internet() {
        let (public, lan) = (egress(Policy::Public), egress(Policy::Lan));
        for place in ["93.184.216.34:9200", "[2a02:1:2:3::99]:631", "[64:ff9b::93.184.216.34]:9200", "[2002:5db8:d822::1]:22"] {
            let refused = public.check(&format!("http://{place}/")).expect_err(place).to_string();
            assert_eq!(refused, "egress refused: this address may not be sent to", "{place}");
            assert!(lan.check(&format!("http://{place}/")).is_ok(), "{place}");
        }
        for place in ["93.184.216.34:8080", "[::ffff:93.184.216.34]:8080", "[64:ff9b::93.184.216.34]:8080"] {
            for egress in [&public, &lan] {
                let refused = egress.check(&format!("http://{place}/")).expect_err(place).to_string();
                assert_eq!(refused, "egress refused: this is Kennel itself", "{place}");
            }
        }
        for place in ["93.184.216.35:8080", "[2a02:1:2:4::99]:631"] {
            assert!(public.check(&format!("http://{place}/")).is_ok(), "{place}");
        }
    }

    /// By a name too, of which one address is enough.
    #[tokio::test]
    async fn a_name_is_known_by_all_its_addresses() {
        let found = ["203.0.114.1", "2a02:1:2:3::99"].map(|ip| ip.parse().expect("an address"));
        let egress = Egress { names: Names::new(1, move |_| Ok(found.to_vec())), ..egress(Policy::Public) };
        let target = target("http://a.example/").expect("a URL");
        assert!(matches!(egress.connect(&target).await, Err(Problem::Refused("this address may not be sent to"))));
    }

    #[test]
    fn own_listeners_are_known_under_every_name() {
        let listeners: Vec<SocketAddr> = vec!["0.0.0.0:8080".parse().expect("an address")];
        let machine: Vec<IpAddr> = vec!["192.168.1.20".parse().expect("an address")];
        for (address, own) in [
            ("127.0.0.1:8080", true),
            ("127.8.8.8:8080", true),
            ("[::1]:8080", true),
            ("[::ffff:127.0.0.1]:8080", true),
            ("192.168.1.20:8080", true),
            ("192.168.1.20:8081", false),
            ("192.168.1.21:8080", false),
        ] {
            assert_eq!(is_own(address.parse().expect("an address"), &listeners, &machine), own, "{address}");
        }
    }
}
