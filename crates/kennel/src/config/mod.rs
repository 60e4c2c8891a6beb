//! What the person who runs Kennel can choose.

mod net_range;
mod secret;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use net_range::NetRange;
pub use secret::Secret;

/// Every choice, checked. `docs/ref/config.md` lists each with its flag, environment name, default and reason.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where plain HTTP listens; `None` means off.
    pub http: Option<SocketAddr>,
    /// Where HTTPS listens; `None` means off.
    pub https: Option<SocketAddr>,
    /// Where media will listen (UDP and TCP). Checked now, used once rooms of type `group` exist.
    pub media: SocketAddr,
    /// Threads that serve connections, at least 1.
    pub workers: usize,
    /// The address that other devices reach this machine by, where it cannot be seen from inside (containers, NAT).
    pub announce: Option<IpAddr>,
    /// The folder for keys and certificates. Made with mode 0700.
    pub data: PathBuf,
    /// A public name; certificates for it come by ACME. Lower case.
    pub domain: Option<String>,
    /// How to speak to the ACME service. Matters with `domain` only.
    pub acme: Acme,
    /// The owner's own certificate instead of Kennel's authority.
    pub certificate: Option<CertificateFiles>,
    /// Whether everybody may use the pages without a key (all rights but the owner's).
    pub open: bool,
    /// Developer's ease: weak secrets are taken, on loopback only.
    pub dev: bool,
    /// The type of rooms that are made on connect.
    pub room_type: RoomType,
    /// Types of rooms by name, stronger than `room_type`.
    pub rooms: BTreeMap<String, RoomType>,
    /// The room that cameras and watchers meet in when nobody names one.
    pub default_room: String,
    /// How long the seat of a participant whose connection broke is kept.
    pub session_timeout: Duration,
    /// Which log lines are written, in the syntax of tracing's `EnvFilter`.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Peers whose `X-Forwarded-*` headers count.
    pub trusted_proxies: Vec<NetRange>,
    /// Names allowed in `Host` besides addresses, `localhost`, the machine's own names and `domain`. Lower case.
    pub host_names: Vec<String>,
    /// What clients are told about STUN and TURN.
    pub ice: Ice,
    /// Credentials given from outside. What is absent here is made at first start and kept in `data`.
    pub vendor: VendorCredentials,
}

/// How to speak to the ACME service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acme {
    /// A mail address for the service's warnings, without `mailto:`.
    pub contact: Option<String>,
    /// The directory's URL; `None` means Let's Encrypt's.
    pub directory: Option<String>,
}

/// A certificate chain and its key, both PEM, read again when the files change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The leaf's private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// The types of rooms this version can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomType {
    /// At most 2 participants, directly connected.
    Go,
    /// At most 10 participants, directly connected.
    PeerToPeer,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
    /// `Human` on a terminal, else `Json`.
    Auto,
}

/// What clients are told about STUN and TURN. Empty by default: on a LAN neither is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ice {
    /// URLs such as `stun:stun.example.org:3478`.
    pub stun: Vec<String>,
    /// URLs such as `turn:turn.example.org:3478?transport=udp`. Never without `turn_secret`.
    pub turn: Vec<String>,
    /// The secret shared with the TURN server (`static-auth-secret` in coturn); short-lived credentials are made from it.
    pub turn_secret: Option<Secret>,
    /// How long one such credential lives.
    pub turn_ttl: Duration,
}

/// Credentials in the vendors' own environment names, from the environment or `.env`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorCredentials {
    /// `TWILIO_ACCOUNT_SID`: `AC` and 32 hex digits.
    pub twilio_account_sid: Option<String>,
    /// `TWILIO_API_KEY_SID`: `SK` and 32 hex digits.
    pub twilio_api_key_sid: Option<String>,
    /// `TWILIO_API_KEY_SECRET`: signs access tokens.
    pub twilio_api_key_secret: Option<Secret>,
    /// `TWILIO_AUTH_TOKEN`: the account's own password for REST.
    pub twilio_auth_token: Option<Secret>,
    /// `SIGNALWIRE_PROJECT_KEY`: the project's id, a UUID.
    pub signalwire_project_key: Option<String>,
    /// `SIGNALWIRE_TOKEN`: the project's API token.
    pub signalwire_token: Option<Secret>,
}

impl Default for Config {
    fn default() -> Self {
        let anywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        Self {
            http: Some(anywhere(8080)),
            https: Some(anywhere(8443)),
            media: anywhere(8444),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            announce: None,
            data: PathBuf::from("./kennel-data"),
            domain: None,
            acme: Acme::default(),
            certificate: None,
            open: false,
            dev: false,
            room_type: RoomType::PeerToPeer,
            rooms: BTreeMap::new(),
            default_room: "Dog Cam".to_owned(),
            session_timeout: Duration::from_secs(30),
            log: "info".to_owned(),
            log_format: LogFormat::Auto,
            trusted_proxies: Vec::new(),
            host_names: Vec::new(),
            ice: Ice::default(),
            vendor: VendorCredentials::default(),
        }
    }
}

impl Default for Ice {
    fn default() -> Self {
        Self { stun: Vec::new(), turn: Vec::new(), turn_secret: None, turn_ttl: Duration::from_secs(24 * 3600) }
    }
}

impl Config {
    /// The type a room of this name gets when it is made on connect.
    pub fn room_type_of(&self, name: &str) -> RoomType {
        self.rooms.get(name).copied().unwrap_or(self.room_type)
    }
}
