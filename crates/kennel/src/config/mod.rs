//! What the person who runs Kennel can choose.

mod net_range;
pub mod parse;
mod read;
mod secret;
pub mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod toml_file;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use media::record::MixFile;
pub use net_range::NetRange;
use room::VideoCodec;
pub use secret::Secret;
use sources::Sources;
use toml_file::TomlFile;

use crate::egress::Policy;
use crate::shelf::keep::Rule;

/// Every choice, checked. `docs/ref/config.md` lists each with its flag, environment name, default and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where plain HTTP listens; `None` means off.
    pub http: Option<SocketAddr>,
    /// Where HTTPS listens; `None` means off.
    pub https: Option<SocketAddr>,
    /// Where media of rooms of type `group` listens (UDP and TCP); `None` means off, and such rooms are refused.
    pub media: Option<SocketAddr>,
    /// Threads that serve connections, and as many that carry media, at least 1.
    pub workers: usize,
    /// From so many people of one group room on one media thread on the next ones are served by another.
    pub room_spread: usize,
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
    /// Whether the first who connects makes a room, even if none of `rooms` has the name.
    pub adhoc_rooms: bool,
    /// Rooms by name, stronger than `room_type`.
    pub rooms: BTreeMap<String, RoomChoice>,
    /// The room that cameras and watchers meet in when nobody names one.
    pub default_room: String,
    /// How long the seat of a participant whose connection broke is kept.
    pub session_timeout: Duration,
    /// Rooms in progress at a time.
    pub rooms_max: usize,
    /// Where the history is kept.
    pub database: Database,
    /// How long rooms that ended are remembered.
    pub history: Duration,
    /// Webhooks and REST.
    pub rest: Rest,
    /// Recordings.
    pub recording: Recording,
    /// Compositions.
    pub composition: Composition,
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

/// Where the history is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// SQLite in the data folder.
    File,
    /// PostgreSQL at this address, which may hold a password.
    Postgres(Secret),
    /// Nowhere: no REST, no webhooks.
    Off,
}

/// Webhooks and the limits of REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Who is told of rooms made on connect.
    pub callback: Option<store::Callback>,
    /// Where webhooks may go.
    pub webhooks_to: Policy,
    /// Where files that are played into mixes may come from.
    pub playback_from: Policy,
    /// Calls that change something, per second and credential.
    pub writes_per_s: u32,
    /// Calls that only read, per second and credential.
    pub reads_per_s: u32,
}

/// Where and how long recordings are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The folder, if it is not in `data`.
    pub folder: Option<PathBuf>,
    /// What files of mixes are.
    pub mix: MixFile,
    /// Whether new ones are encrypted, and compositions.
    pub encrypt: bool,
    /// What is kept.
    pub keep: Rule,
    /// Where finished files go, compositions' too.
    pub bucket: Option<Bucket>,
}

/// A bucket of an S3-compatible store, and the key that opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What our keys in it begin with: nothing, or ending with `/`.
    pub prefix: String,
    /// Where the store is, without `/` at its end; `None` means Amazon's of the region.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// Whether the bucket's name is in the path of addresses, and not in their host.
    pub path_style: bool,
    /// Certificates (PEM) to trust besides the public ones.
    pub ca: Option<PathBuf>,
    /// The name of the key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: Secret,
    /// What belongs to a key that ends.
    pub session_token: Option<Secret>,
}

/// How compositions are made, and how long they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Composition {
    /// How much of one processor is theirs while somebody is in a room, in percent.
    pub share: u32,
    /// What is kept.
    pub keep: Rule,
}

impl Default for Composition {
    fn default() -> Self {
        Self { share: 50, keep: Rule::default() }
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self { callback: None, webhooks_to: Policy::Lan, playback_from: Policy::Public, writes_per_s: 20, reads_per_s: 80 }
    }
}

/// How to speak to the ACME service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acme {
    /// A mail address for the service's warnings, without `mailto:`.
    pub contact: Option<String>,
    /// The directory's URL; `None` means Let's Encrypt's.
    pub directory: Option<String>,
    /// Certificates (PEM) to trust when speaking to it, for a private service; `None` means the public ones.
    pub ca: Option<PathBuf>,
}

/// A certificate chain and its key, both PEM, read again when the files change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The leaf's private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// The types of rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomType {
    /// Two participants directly connected; from the third on media goes through this server, at most 50.
    Auto,
    /// At most 2 participants, directly connected.
    Go,
    /// At most 10 participants, directly connected.
    PeerToPeer,
    /// At most 50 participants, media through this server.
    Group,
    /// At most 4 participants, media through this server.
    GroupSmall,
}

/// What the file says of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomChoice {
    /// Its type.
    pub kind: RoomType,
    /// Whether pictures are refused. Only where media goes through this server.
    pub audio_only: bool,
    /// Its video codecs, best first; empty: what the media server prefers.
    pub video_codecs: Vec<VideoCodec>,
}

impl RoomType {
    /// Whether media goes through this server, so that there must be a media server.
    pub fn needs_media(self) -> bool {
        matches!(self, RoomType::Group | RoomType::GroupSmall)
    }
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
            media: Some(anywhere(8444)),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            room_spread: media::limit::ROOM_SPREAD_DEFAULT,
            announce: None,
            data: PathBuf::from("./kennel-data"),
            domain: None,
            acme: Acme::default(),
            certificate: None,
            open: false,
            dev: false,
            room_type: RoomType::Auto,
            adhoc_rooms: true,
            rooms: BTreeMap::new(),
            default_room: "Dog Cam".to_owned(),
            session_timeout: Duration::from_secs(30),
            rooms_max: 500,
            database: Database::File,
            history: Duration::from_secs(30 * 86_400),
            rest: Rest::default(),
            recording: Recording::default(),
            composition: Composition::default(),
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

/// Flags as the command line gave them: the texts by [`settings::Setting::id`].
pub type Flags = BTreeMap<&'static str, Vec<String>>;

/// The file that is read when nobody names one.
const DEFAULT_FILE: &str = "kennel.toml";

/// Files larger than this are no configuration; reading them would only cost memory.
const FILE_MAX: u64 = 1024 * 1024;

impl Config {
    /// Reads flags, then the environment, then `.env` and `kennel.toml` in `folder` (the working directory): the first that
    /// names a setting wins. Relative paths are taken as they are, so `folder` matters for finding those two files only.
    ///
    /// # Errors
    /// Sentences that a person can act on, all that apply.
    pub fn load(
        flags: Flags,
        environment: impl Iterator<Item = (OsString, OsString)>,
        folder: &Path,
    ) -> Result<Self, Vec<String>> {
        let mut sources = Sources::new(flags);
        let mut problems = sources.take_environment(environment);
        match text_of(&folder.join(".env")) {
            Ok(text) => problems.extend(sources.take_dot_env(&text.unwrap_or_default())),
            Err(problem) => problems.push(problem),
        }
        match file_of(&sources, folder) {
            Ok(file) => sources.file = file,
            Err(more) => problems.extend(more),
        }
        match read::read(&sources) {
            Ok(config) if problems.is_empty() => Ok(config),
            Ok(_) => Err(problems),
            Err(more) => Err(problems.into_iter().chain(more).collect()),
        }
    }

    /// The folder of compositions.
    pub fn compositions(&self) -> PathBuf {
        self.data.join("compositions")
    }

    /// The folder of recordings.
    pub fn recordings(&self) -> PathBuf {
        self.recording.folder.clone().unwrap_or_else(|| self.data.join("recordings"))
    }

    /// The type a room of this name gets when it is made on connect.
    pub fn room_type_of(&self, name: &str) -> RoomType {
        self.rooms.get(name).map_or(self.room_type, |room| room.kind)
    }
}

/// The file that the sources name, or the one that is there by default, or none.
fn file_of(sources: &Sources, folder: &Path) -> Result<TomlFile, Vec<String>> {
    let named = sources.find(&settings::CONFIG).and_then(|given| given.texts.into_iter().next());
    let name = named.as_deref().unwrap_or(DEFAULT_FILE);
    match text_of(&folder.join(name)) {
        Ok(Some(text)) => TomlFile::parse(name, &text),
        Ok(None) if named.is_none() => Ok(TomlFile::default()),
        Ok(None) => Err(vec![format!("{name}: there is no such file. Correct --config or KENNEL_CONFIG.")]),
        Err(problem) => Err(vec![problem]),
    }
}

/// The text of a file, `None` if it is not there.
fn text_of(path: &Path) -> Result<Option<String>, String> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: cannot be read: {error}.", path.display())),
    };
    let mut text = String::new();
    match file.take(FILE_MAX + 1).read_to_string(&mut text) {
        Ok(length) if length as u64 > FILE_MAX => Err(format!("{}: larger than {FILE_MAX} bytes.", path.display())),
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(format!("{}: cannot be read: {error}.", path.display())),
    }
}
