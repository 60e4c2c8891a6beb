//! From what was written to a checked [`Config`]. All that is wrong is reported at once, one sentence each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::parse::{self, Parsed};
use super::settings::{self as s, Setting};
use super::sources::{Place, Sources};
use super::toml_file::GivenRoom;
use super::{
    Acme, Bucket, CertificateFiles, Composition, Config, Database, Ice, Recording, Rest, RoomChoice, RoomType, Rule, Secret,
    VendorCredentials,
};

/// Threads more than which no machine of today profits from.
const WORKERS_MAX: u64 = 256;
/// More people than any room holds: then nothing is shared for their number.
const ROOM_SPREAD_MAX: u64 = 10_000;
/// A seat kept longer than an hour is not a broken connection any more.
const SESSION_TIMEOUT_MAX_S: u64 = 3600;
/// More rooms than that do not fit into any machine's memory.
const ROOMS_MAX: u64 = 1_000_000;
/// Ten years.
const HISTORY_DAYS_MAX: u64 = 3650;
/// Calls per second and credential.
const REST_CALLS: std::ops::RangeInclusive<u64> = 1..=100_000;
/// No disk of today has more.
const KEPT_GIGABYTES: std::ops::RangeInclusive<u64> = 1..=1_000_000;
/// A TURN credential of under a minute ends during the call's set-up; of over two days it is no longer short-lived.
const TURN_TTL_S: std::ops::RangeInclusive<u64> = 60..=172_800;

/// What opens the bucket. What is not given is empty.
struct BucketKey {
    access_key: String,
    secret_key: String,
    /// What belongs to a key that ends.
    token: Option<String>,
}

/// Makes the configuration of what the sources say, defaults for the rest.
///
/// # Errors
/// A sentence for each thing that is wrong: where it was written, what is wrong, what would be right.
pub fn read(sources: &Sources) -> Result<Config, Vec<String>> {
    let mut reader = Reader { sources, problems: Vec::new(), weak_ok: false };
    let config = reader.config();
    reader.problems.extend(contradictions(&config));
    if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
}

struct Reader<'a> {
    sources: &'a Sources,
    problems: Vec<String>,
    /// Whether short secrets are taken: `--dev`, and only loopback hears.
    weak_ok: bool,
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        let d = Config::default();
        let http = self.one(&s::HTTP, parse::listen).unwrap_or(d.http);
        let https = self.one(&s::HTTPS, parse::listen).unwrap_or(d.https);
        let dev = self.one(&s::DEV, parse::switch).unwrap_or(d.dev);
        self.weak_ok = dev && [http, https].iter().flatten().all(|listen| listen.ip().is_loopback());
        Config {
            http,
            https,
            media: self.one(&s::MEDIA, parse::listen).unwrap_or(d.media),
            workers: self.number(&s::WORKERS, 1..=WORKERS_MAX).map_or(d.workers, |n| n as usize),
            room_spread: self.number(&s::ROOM_SPREAD, 1..=ROOM_SPREAD_MAX).map_or(d.room_spread, |n| n as usize),
            announce: self.one(&s::ANNOUNCE, parse::announce),
            data: self.path(&s::DATA).unwrap_or(d.data),
            domain: self.one(&s::DOMAIN, parse::domain),
            acme: self.acme(),
            certificate: self.certificate(),
            open: self.one(&s::OPEN, parse::switch).unwrap_or(d.open),
            dev,
            room_type: self.one(&s::ROOM_TYPE, parse::room_type).unwrap_or(d.room_type),
            adhoc_rooms: self.one(&s::ADHOC_ROOMS, parse::switch).unwrap_or(d.adhoc_rooms),
            rooms: self.rooms(),
            default_room: self.one(&s::DEFAULT_ROOM, parse::room_name).unwrap_or(d.default_room),
            session_timeout: self.seconds(&s::SESSION_TIMEOUT, 1..=SESSION_TIMEOUT_MAX_S).unwrap_or(d.session_timeout),
            rooms_max: self.number(&s::ROOMS_MAX, 1..=ROOMS_MAX).map_or(d.rooms_max, |n| n as usize),
            database: self.one(&s::DATABASE, parse::database).unwrap_or(d.database),
            history: self.number(&s::HISTORY_DAYS, 1..=HISTORY_DAYS_MAX).map_or(d.history, |n| Duration::from_secs(n * 86_400)),
            rest: self.rest(),
            recording: self.recording(),
            composition: self.composition(),
            log: self.one(&s::LOG, parse::log_filter).unwrap_or(d.log),
            log_format: self.one(&s::LOG_FORMAT, parse::log_format).unwrap_or(d.log_format),
            trusted_proxies: self.many(&s::TRUSTED_PROXY, |text| text.parse()),
            host_names: self.many(&s::HOST_NAME, parse::host_name),
            ice: self.ice(),
            vendor: self.vendor(),
        }
    }

    fn rest(&mut self) -> Rest {
        let d = Rest::default();
        let method = self.one(&s::STATUS_CALLBACK_METHOD, parse::callback_method).unwrap_or(store::Method::Post);
        let callback = self.one(&s::STATUS_CALLBACK, parse::callback_url).map(|url| store::Callback { url, method });
        let calls = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Rest {
            callback,
            webhooks_to: self.one(&s::WEBHOOKS_TO, parse::webhooks_to).unwrap_or(d.webhooks_to),
            playback_from: self.one(&s::PLAYBACK_FROM, parse::webhooks_to).unwrap_or(d.playback_from),
            writes_per_s: self.number(&s::REST_WRITES, REST_CALLS).map_or(d.writes_per_s, calls),
            reads_per_s: self.number(&s::REST_READS, REST_CALLS).map_or(d.reads_per_s, calls),
        }
    }

    fn recording(&mut self) -> Recording {
        let keep = self.keep(&s::RECORDING_KEEP_DAYS, &s::RECORDING_KEEP_GIGABYTES);
        let mix = self.one(&s::RECORDING_MIX, parse::mix_file).unwrap_or_default();
        let encrypt = self.one(&s::RECORDING_ENCRYPT, parse::switch).unwrap_or_default();
        Recording { folder: self.path(&s::RECORDING_FOLDER), mix, encrypt, keep, bucket: self.bucket() }
    }

    /// The bucket, if there is one: what else is said of it is passed over without, since the variables are other programs' too.
    fn bucket(&mut self) -> Option<Bucket> {
        let (name, prefix) = self.one(&s::RECORDING_BUCKET, parse::bucket)?;
        let endpoints = [&s::RECORDING_ENDPOINT, &s::AWS_ENDPOINT_URL_S3, &s::AWS_ENDPOINT_URL];
        let endpoint = self.first(&endpoints, parse::endpoint);
        let region = self.first(&[&s::RECORDING_REGION, &s::AWS_REGION, &s::AWS_DEFAULT_REGION], parse::region);
        let path_style = self.one(&s::RECORDING_PATH_STYLE, parse::switch).unwrap_or(endpoint.is_some());
        let BucketKey { access_key, secret_key, token } = self.bucket_key()?;
        if access_key.is_empty() || secret_key.is_empty() {
            return self.refuse(
                "recording.bucket needs a key: access_key and secret_key (or secret_key_file) under [recording], or \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.",
            );
        }
        Some(Bucket {
            name,
            prefix,
            endpoint,
            region: region.unwrap_or_else(|| s::RECORDING_REGION.default.to_owned()),
            path_style,
            ca: self.path(&s::RECORDING_BUCKET_CA),
            access_key,
            secret_key: Secret::new(secret_key),
            session_token: token.map(Secret::new),
        })
    }

    /// A key of the bucket, its secret, and what belongs to one that ends: all of ours, or all of what other programs use as well.
    fn bucket_key(&mut self) -> Option<BucketKey> {
        let plain = |text: &str| Ok(text.to_owned());
        let ours = [&s::RECORDING_ACCESS_KEY, &s::RECORDING_SECRET_KEY, &s::RECORDING_SECRET_KEY_FILE];
        if ours.into_iter().any(|setting| self.sources.find(setting).is_some()) {
            let secret_key = match self.path(&s::RECORDING_SECRET_KEY_FILE) {
                // What is wrong with it is complained of.
                Some(path) => self.secret_in(&path)?,
                None => self.one(&s::RECORDING_SECRET_KEY, plain).unwrap_or_default(),
            };
            let access_key = self.one(&s::RECORDING_ACCESS_KEY, plain).unwrap_or_default();
            return Some(BucketKey { access_key, secret_key, token: None });
        }
        let access_key = self.one(&s::AWS_ACCESS_KEY_ID, plain).unwrap_or_default();
        let secret_key = self.one(&s::AWS_SECRET_ACCESS_KEY, plain).unwrap_or_default();
        Some(BucketKey { access_key, secret_key, token: self.one(&s::AWS_SESSION_TOKEN, plain) })
    }

    /// The first of these settings that is given.
    fn first<T>(&mut self, settings: &[&Setting], parser: fn(&str) -> Parsed<T>) -> Option<T> {
        let given = settings.iter().find(|setting| self.sources.find(setting).is_some())?;
        self.one(given, parser)
    }

    /// The text of a file, without the line's end.
    fn secret_in(&mut self, path: &Path) -> Option<String> {
        let found = std::fs::read_to_string(path).map(|text| text.trim().to_owned());
        let found = found.map_err(|problem| problem.to_string());
        match found.and_then(|text| if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text) }) {
            Ok(text) => Some(text),
            Err(problem) => self.refuse(&format!("recording.secret_key_file {}: {problem}.", path.display())),
        }
    }

    fn composition(&mut self) -> Composition {
        let share = self.number(&s::COMPOSITION_SHARE, 1..=100).and_then(|percent| u32::try_from(percent).ok());
        let keep = self.keep(&s::COMPOSITION_KEEP_DAYS, &s::COMPOSITION_KEEP_GIGABYTES);
        Composition { share: share.unwrap_or(Composition::default().share), keep }
    }

    fn keep(&mut self, days: &'static Setting, gigabytes: &'static Setting) -> Rule {
        let age = self.number(days, 1..=HISTORY_DAYS_MAX).map(|days| Duration::from_secs(days * 86_400));
        let bytes = self.number(gigabytes, KEPT_GIGABYTES).map(|count| count * 1_000_000_000);
        Rule { age, bytes }
    }

    fn acme(&mut self) -> Acme {
        Acme {
            contact: self.one(&s::ACME_CONTACT, parse::contact),
            directory: self.one(&s::ACME_DIRECTORY, parse::directory),
            ca: self.path(&s::ACME_CA),
        }
    }

    fn certificate(&mut self) -> Option<CertificateFiles> {
        match (self.path(&s::CERT), self.path(&s::CERT_KEY)) {
            (Some(cert), Some(key)) => Some(CertificateFiles { cert, key }),
            (None, None) => None,
            (Some(_), None) => self.refuse("--cert needs --cert-key, the file with the certificate's private key."),
            (None, Some(_)) => self.refuse("--cert-key needs --cert, the file with the certificate."),
        }
    }

    fn rooms(&mut self) -> BTreeMap<String, RoomChoice> {
        let mut rooms = BTreeMap::new();
        for (name, given) in &self.sources.file.rooms {
            let place = &given.place;
            let name = self.parsed(place, parse::room_name(name));
            let choice = self.room(given);
            rooms.extend(name.zip(choice));
        }
        rooms
    }

    /// A room of which only the sound or the codecs are chosen is of type group: no other has them.
    fn room(&mut self, given: &GivenRoom) -> Option<RoomChoice> {
        let kind = given.kind.as_ref().map(|kind| self.parsed(&kind.place, parse::room_type(&kind.texts[0])));
        let kind = kind.unwrap_or(Some(RoomType::Group))?;
        let codecs = given.video_codecs.iter().flat_map(|codecs| codecs.texts.iter().map(|text| (&codecs.place, text)));
        let video_codecs: Vec<_> = codecs.filter_map(|(place, text)| self.parsed(place, parse::video_codec(text))).collect();
        if given.kind.is_none() && given.video_codecs.is_none() && !given.audio_only {
            return None;
        }
        let served = given.audio_only || !video_codecs.is_empty();
        if served && !kind.needs_media() {
            self.problems
                .push(format!("{}: audio_only and video_codecs are for rooms of type group or group-small.", given.place));
        }
        Some(RoomChoice { kind, audio_only: given.audio_only, video_codecs })
    }

    fn ice(&mut self) -> Ice {
        let ice = Ice {
            stun: self.many(&s::STUN, parse::stun_url),
            turn: self.many(&s::TURN, parse::turn_url),
            turn_secret: self.secret(&s::TURN_SECRET),
            turn_ttl: self.seconds(&s::TURN_TTL, TURN_TTL_S).unwrap_or(Ice::default().turn_ttl),
        };
        if !ice.turn.is_empty() && self.sources.find(&s::TURN_SECRET).is_none() {
            self.problems.push(
                "ice.turn names a TURN server, but there is no secret for it. Set KENNEL_TURN_SECRET (or turn_secret under [ice]) \
                 to the static-auth-secret of that server."
                    .to_owned(),
            );
        }
        ice
    }

    fn vendor(&mut self) -> VendorCredentials {
        let vendor = VendorCredentials {
            twilio_account_sid: self.one(&s::TWILIO_ACCOUNT_SID, |text| parse::sid("AC", text)),
            twilio_api_key_sid: self.one(&s::TWILIO_API_KEY_SID, |text| parse::sid("SK", text)),
            twilio_api_key_secret: self.secret(&s::TWILIO_API_KEY_SECRET),
            twilio_auth_token: self.secret(&s::TWILIO_AUTH_TOKEN),
            signalwire_project_key: self.one(&s::SIGNALWIRE_PROJECT_KEY, parse::uuid),
            signalwire_token: self.secret(&s::SIGNALWIRE_TOKEN),
        };
        self.together(&s::TWILIO_API_KEY_SID, &s::TWILIO_API_KEY_SECRET);
        vendor
    }

    /// Refuses one of a pair without the other.
    fn together(&mut self, a: &Setting, b: &Setting) {
        let (has_a, has_b) = (self.sources.find(a).is_some(), self.sources.find(b).is_some());
        if has_a != has_b {
            let (set, unset) = if has_a { (a, b) } else { (b, a) };
            self.problems.push(format!("{} is set, but {} is not. Set both or neither.", set.env, unset.env));
        }
    }

    fn one<T>(&mut self, setting: &Setting, parser: impl Fn(&str) -> Parsed<T>) -> Option<T> {
        let given = self.sources.find(setting)?;
        let parsed = match given.texts.as_slice() {
            [text] if !text.is_empty() => parser(text),
            [] | [_] => Err("is empty. Give it a value or leave it out.".to_owned()),
            _ => Err("takes one value only.".to_owned()),
        };
        self.parsed(&given.place, parsed)
    }

    fn many<T>(&mut self, setting: &Setting, parser: impl Fn(&str) -> Parsed<T>) -> Vec<T> {
        let Some(given) = self.sources.find(setting) else {
            return Vec::new();
        };
        given.texts.iter().filter_map(|text| self.parsed(&given.place, parser(text))).collect()
    }

    fn number(&mut self, setting: &Setting, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        self.one(setting, |text| parse::number(text, range.clone()))
    }

    fn seconds(&mut self, setting: &Setting, range: std::ops::RangeInclusive<u64>) -> Option<Duration> {
        self.number(setting, range).map(Duration::from_secs)
    }

    fn path(&mut self, setting: &Setting) -> Option<PathBuf> {
        self.one(setting, |text| Ok(PathBuf::from(text)))
    }

    fn secret(&mut self, setting: &Setting) -> Option<Secret> {
        let weak_ok = self.weak_ok;
        self.one(setting, |text| parse::secret(text, weak_ok))
    }

    fn parsed<T>(&mut self, place: &Place, parsed: Parsed<T>) -> Option<T> {
        parsed.map_err(|refusal| self.problems.push(format!("{place}: {refusal}"))).ok()
    }

    fn refuse<T>(&mut self, sentence: &str) -> Option<T> {
        self.problems.push(sentence.to_owned());
        None
    }
}

/// What is right each by itself and wrong together.
fn contradictions(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    if config.http.is_none() && config.https.is_none() {
        problems.push("http and https are both off, so nobody could reach Kennel. Switch one of them on.".to_owned());
    }
    for (name, address) in [("http", config.http), ("https", config.https)] {
        if let Some((_, media)) = address.zip(config.media).filter(|(address, media)| same_port(*address, *media)) {
            problems.push(format!("{name} and media have the same port {}. Give one of them another.", media.port()));
        }
    }
    if config.media.is_none() {
        let named =
            config.rooms.iter().filter(|(_, room)| room.kind.needs_media()).map(|(name, _)| format!("the room \"{name}\""));
        let all = config.room_type.needs_media().then(|| "room_type".to_owned());
        problems.extend(all.into_iter().chain(named).map(|what| {
            format!("{what} is of a type whose media goes through Kennel, but media is off. Switch media on, or choose auto, go or peer-to-peer.")
        }));
    }
    if config.http.zip(config.https).is_some_and(|(a, b)| same_port(a, b)) {
        problems.push("http and https have the same address and port. Give one of them another port.".to_owned());
    }
    if config.domain.is_some() && config.certificate.is_some() {
        problems.push("--domain fetches a certificate and --cert brings one. Choose one of the two.".to_owned());
    }
    if config.recording.bucket.is_some() && config.database == Database::Off {
        problems
            .push("recording.bucket needs the history, which says what is where. Switch database on or leave it out.".to_owned());
    }
    if config.https.is_none() && (config.domain.is_some() || config.certificate.is_some()) {
        problems.push(
            "https is off, so the certificate would serve nobody. Switch https on or leave the certificate out.".to_owned(),
        );
    }
    problems
}

/// Whether two listeners would collide. Port 0 never does: the system chooses.
fn same_port(a: SocketAddr, b: SocketAddr) -> bool {
    let one_machine = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && one_machine
}
