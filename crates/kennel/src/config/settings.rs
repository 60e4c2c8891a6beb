//! Every setting on one screen. Flags, help, the environment, the file and `docs/ref/config.md` all follow this table.

#![expect(missing_docs, reason = "the help of each setting is its documentation")]

/// One thing a person can choose.
#[derive(Debug)]
pub struct Setting {
    /// The flag without its dashes; `None` for what has no place on a command line.
    pub flag: Option<&'static str>,
    /// The environment variable, also read from `.env`.
    pub env: &'static str,
    /// The key in `kennel.toml`; `ice.stun` is `stun` under `[ice]`. `None` for what only the environment may hold.
    pub key: Option<&'static str>,
    /// How the value is called in the help.
    pub value: &'static str,
    /// One or many.
    pub shape: Shape,
    /// The default as a person would write it; empty for none.
    pub default: &'static str,
    /// What it does, one sentence.
    pub help: &'static str,
}

/// How many values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// On or off; the bare flag means on.
    Switch,
    /// One value.
    One,
    /// Several: the flag repeated, or separated by commas, or an array in the file.
    Many,
}

const fn setting(flag: &'static str, env: &'static str, key: &'static str, value: &'static str) -> Setting {
    Setting { flag: Some(flag), env, key: Some(key), value, shape: Shape::One, default: "", help: "" }
}

const fn file_only(env: &'static str, key: &'static str, value: &'static str) -> Setting {
    Setting { flag: None, env, key: Some(key), value, shape: Shape::One, default: "", help: "" }
}

const fn vendor(env: &'static str, value: &'static str, help: &'static str) -> Setting {
    Setting { flag: None, env, key: None, value, shape: Shape::One, default: "", help }
}

impl Setting {
    const fn many(self) -> Self {
        Self { shape: Shape::Many, ..self }
    }

    const fn switch(self) -> Self {
        Self { shape: Shape::Switch, default: "off", ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// The environment name, which is unique and so stands for the setting itself.
    pub const fn id(&self) -> &'static str {
        self.env
    }
}

/// The file itself. It cannot name another file, so it has no key.
pub static CONFIG: Setting = Setting {
    key: None,
    ..setting("config", "KENNEL_CONFIG", "", "FILE")
        .default("kennel.toml")
        .help("The configuration file; without this flag, kennel.toml is read if it is there")
};
pub static HTTP: Setting = setting("http", "KENNEL_HTTP", "http", "ADDR")
    .default("0.0.0.0:8080")
    .help("Where plain HTTP listens, address and port, or off");
pub static HTTPS: Setting = setting("https", "KENNEL_HTTPS", "https", "ADDR")
    .default("0.0.0.0:8443")
    .help("Where HTTPS listens, address and port, or off");
pub static MEDIA: Setting = setting("media", "KENNEL_MEDIA", "media", "ADDR")
    .default("0.0.0.0:8444")
    .help("Where media of group rooms listens, address and port of UDP and TCP, or off");
pub static WORKERS: Setting = setting("workers", "KENNEL_WORKERS", "workers", "N")
    .default("one per processor")
    .help("Threads that serve connections, and as many that carry media, 1 to 256");
pub static ROOM_SPREAD: Setting = setting("room-spread", "KENNEL_ROOM_SPREAD", "room_spread", "N")
    .default("50")
    .help("People of one group room that one media thread serves before it shares them with another, 1 to 10000");
pub static ANNOUNCE: Setting = setting("announce", "KENNEL_ANNOUNCE", "announce", "IP")
    .help("The address other devices reach this computer by, where Kennel cannot see it itself (container, NAT)");
pub static DATA: Setting =
    setting("data", "KENNEL_DATA", "data", "DIR").default("./kennel-data").help("The folder for keys and certificates");
pub static DOMAIN: Setting = setting("domain", "KENNEL_DOMAIN", "domain", "NAME")
    .help("A public name of this computer; its certificate comes by ACME, which must reach Kennel's HTTPS on port 443");
pub static ACME_CONTACT: Setting =
    setting("acme-contact", "KENNEL_ACME_CONTACT", "acme_contact", "MAIL").help("A mail address for the certificate service");
pub static ACME_DIRECTORY: Setting = setting("acme-directory", "KENNEL_ACME_DIRECTORY", "acme_directory", "URL")
    .default("Let's Encrypt")
    .help("The ACME service's directory");
pub static ACME_CA: Setting = setting("acme-ca", "KENNEL_ACME_CA", "acme_ca", "FILE")
    .help("Certificates (PEM) to trust when speaking to a private ACME service");
pub static CERT: Setting =
    setting("cert", "KENNEL_CERT", "cert", "FILE").help("Your own certificate chain (PEM) instead of Kennel's; needs --cert-key");
pub static CERT_KEY: Setting = setting("cert-key", "KENNEL_CERT_KEY", "cert_key", "FILE").help("The private key (PEM) of --cert");
pub static OPEN: Setting = setting("open", "KENNEL_OPEN", "open", "BOOL")
    .switch()
    .help("Let everybody who reaches Kennel use it without a key; only the owner's pages stay closed");
pub static DEV: Setting = setting("dev", "KENNEL_DEV", "dev", "BOOL")
    .switch()
    .help("For developers: take short secrets, if Kennel listens on this computer only");
pub static ROOM_TYPE: Setting = setting("room-type", "KENNEL_ROOM_TYPE", "room_type", "TYPE")
    .default("auto")
    .help("The type of rooms made on connect: auto, go (2 people), peer-to-peer (10), group (50) or group-small (4)");
pub static ADHOC_ROOMS: Setting = setting("adhoc-rooms", "KENNEL_ADHOC_ROOMS", "adhoc_rooms", "BOOL")
    .switch()
    .default("on")
    .help("Whether the first who connects makes a room; off: only rooms made by REST and rooms of the configuration");
pub static DEFAULT_ROOM: Setting = setting("default-room", "KENNEL_DEFAULT_ROOM", "default_room", "NAME")
    .default("Dog Cam")
    .help("The room that cameras and watchers meet in");
pub static SESSION_TIMEOUT: Setting = setting("session-timeout", "KENNEL_SESSION_TIMEOUT", "session_timeout", "SECONDS")
    .default("30")
    .help("How long the seat of a participant whose connection broke is kept, 1 to 3600 seconds");
pub static ROOMS_MAX: Setting =
    setting("rooms-max", "KENNEL_ROOMS_MAX", "rooms_max", "N").default("500").help("Rooms in progress at a time, 1 to 1000000");
pub static DATABASE: Setting = setting("database", "KENNEL_DATABASE", "database", "URL")
    .default("sqlite")
    .help("Where the history is kept: sqlite (in the data folder), postgres://user:password@host/name, or off");
pub static HISTORY_DAYS: Setting = setting("history-days", "KENNEL_HISTORY_DAYS", "history_days", "DAYS")
    .default("30")
    .help("How long rooms that ended are remembered, 1 to 3650 days");
pub static STATUS_CALLBACK: Setting = setting("status-callback", "KENNEL_STATUS_CALLBACK", "status_callback", "URL")
    .help("Who is told by webhook of rooms that were made on connect");
pub static STATUS_CALLBACK_METHOD: Setting =
    setting("status-callback-method", "KENNEL_STATUS_CALLBACK_METHOD", "status_callback_method", "METHOD")
        .default("POST")
        .help("POST or GET");
pub static WEBHOOKS_TO: Setting = setting("webhooks-to", "KENNEL_WEBHOOKS_TO", "webhooks_to", "WHERE")
    .default("lan")
    .help("Where webhooks may go: lan (the internet, this network, this computer) or public (the internet only)");
pub static PLAYBACK_FROM: Setting = setting("playback-from", "KENNEL_PLAYBACK_FROM", "playback_from", "WHERE")
    .default("public")
    .help("Where files that are played into rooms may come from: public (the internet) or lan (this network and computer too)");
pub static REST_WRITES: Setting = setting("rest-writes", "KENNEL_REST_WRITES", "rest_writes", "N")
    .default("20")
    .help("REST calls that change something, per second and credential, 1 to 100000");
pub static REST_READS: Setting = setting("rest-reads", "KENNEL_REST_READS", "rest_reads", "N")
    .default("80")
    .help("REST calls that only read, per second and credential, 1 to 100000");
pub static LOG: Setting = setting("log", "KENNEL_LOG", "log", "FILTER")
    .default("info")
    .help("How much is logged: error, warn, info, debug, trace, or a filter such as info,kennel::tls=debug");
pub static LOG_FORMAT: Setting = setting("log-format", "KENNEL_LOG_FORMAT", "log_format", "FORMAT")
    .default("auto")
    .help("human, json, or auto: human on a terminal");
pub static TRUSTED_PROXY: Setting = setting("trusted-proxy", "KENNEL_TRUSTED_PROXY", "trusted_proxy", "RANGE")
    .many()
    .help("Addresses or ranges of proxies whose X-Forwarded-* headers count");
pub static HOST_NAME: Setting = setting("host-name", "KENNEL_HOST_NAME", "host_name", "NAME")
    .many()
    .help("More names that this computer is called by in browsers");
pub static STUN: Setting = file_only("KENNEL_STUN", "ice.stun", "URL").many().help("STUN servers that clients are told about");
pub static TURN: Setting = file_only("KENNEL_TURN", "ice.turn", "URL").many().help("TURN servers that clients are told about");
pub static TURN_SECRET: Setting = file_only("KENNEL_TURN_SECRET", "ice.turn_secret", "TEXT")
    .help("The secret shared with the TURN servers, at least 20 characters");
pub static TURN_TTL: Setting = file_only("KENNEL_TURN_TTL_S", "ice.turn_ttl_s", "SECONDS")
    .default("86400")
    .help("How long a TURN credential lives, 60 to 172800 seconds");
pub static RECORDING_FOLDER: Setting = file_only("KENNEL_RECORDING_FOLDER", "recording.folder", "FOLDER")
    .help("Where recordings are kept; without it, recordings in the data folder");
pub static RECORDING_MIX: Setting = file_only("KENNEL_RECORDING_MIX", "recording.mix", "FORMAT")
    .default("webm")
    .help("What the picture of a mixed room is recorded into: webm (VP8) or mp4 (H264)");
pub static RECORDING_ENCRYPT: Setting = file_only("KENNEL_RECORDING_ENCRYPT", "recording.encrypt", "BOOL")
    .switch()
    .help("Whether new recordings and compositions are encrypted on the disk");
pub static RECORDING_KEEP_DAYS: Setting = file_only("KENNEL_RECORDING_KEEP_DAYS", "recording.keep_days", "DAYS")
    .help("How long recordings are kept, 1 to 3650 days; without it, for ever");
pub static RECORDING_KEEP_GIGABYTES: Setting = file_only("KENNEL_RECORDING_KEEP_GIGABYTES", "recording.keep_gigabytes", "N")
    .help("How much is kept in all, in gigabytes; of more, the oldest recordings go");
pub static RECORDING_BUCKET: Setting = file_only("KENNEL_RECORDING_BUCKET", "recording.bucket", "s3://NAME/PREFIX")
    .help("A bucket of an S3-compatible store that recordings and compositions go to when they are finished");
pub static RECORDING_ENDPOINT: Setting = file_only("KENNEL_RECORDING_ENDPOINT", "recording.endpoint", "URL")
    .default("Amazon's of the region")
    .help("Where the bucket's store is, such as https://s3.example.org");
pub static RECORDING_REGION: Setting =
    file_only("KENNEL_RECORDING_REGION", "recording.region", "NAME").default("us-east-1").help("The bucket's region");
pub static RECORDING_PATH_STYLE: Setting = file_only("KENNEL_RECORDING_PATH_STYLE", "recording.path_style", "BOOL")
    .switch()
    .default("on with an endpoint")
    .help("Whether the bucket's name is in the path of addresses, or else in their host");
pub static RECORDING_BUCKET_CA: Setting = file_only("KENNEL_RECORDING_BUCKET_CA", "recording.bucket_ca", "FILE")
    .help("Certificates (PEM) to trust when speaking to a private store");
pub static RECORDING_ACCESS_KEY: Setting = file_only("KENNEL_RECORDING_ACCESS_KEY", "recording.access_key", "TEXT")
    .help("The name of the key that opens the bucket; without it, AWS_ACCESS_KEY_ID");
pub static RECORDING_SECRET_KEY: Setting = file_only("KENNEL_RECORDING_SECRET_KEY", "recording.secret_key", "TEXT")
    .help("The key's secret; without it, AWS_SECRET_ACCESS_KEY");
pub static RECORDING_SECRET_KEY_FILE: Setting =
    file_only("KENNEL_RECORDING_SECRET_KEY_FILE", "recording.secret_key_file", "FILE")
        .help("A file with the key's secret instead");
pub static COMPOSITION_SHARE: Setting = file_only("KENNEL_COMPOSITION_SHARE", "composition.share", "PERCENT")
    .default("50")
    .help("How much of one processor compositions may have while somebody is in a room, 1 to 100 percent");
pub static COMPOSITION_KEEP_DAYS: Setting = file_only("KENNEL_COMPOSITION_KEEP_DAYS", "composition.keep_days", "DAYS")
    .help("How long compositions are kept, 1 to 3650 days; without it, for ever");
pub static COMPOSITION_KEEP_GIGABYTES: Setting =
    file_only("KENNEL_COMPOSITION_KEEP_GIGABYTES", "composition.keep_gigabytes", "N")
        .help("How much is kept in all, in gigabytes; of more, the oldest compositions go");
pub static TWILIO_ACCOUNT_SID: Setting = vendor("TWILIO_ACCOUNT_SID", "SID", "AC and 32 hex digits");
pub static TWILIO_API_KEY_SID: Setting = vendor("TWILIO_API_KEY_SID", "SID", "SK and 32 hex digits");
pub static TWILIO_API_KEY_SECRET: Setting = vendor("TWILIO_API_KEY_SECRET", "TEXT", "signs access tokens");
pub static TWILIO_AUTH_TOKEN: Setting = vendor("TWILIO_AUTH_TOKEN", "TEXT", "the account's password for REST");
pub static SIGNALWIRE_PROJECT_KEY: Setting = vendor("SIGNALWIRE_PROJECT_KEY", "UUID", "the project's id");
pub static SIGNALWIRE_TOKEN: Setting = vendor("SIGNALWIRE_TOKEN", "TEXT", "the project's API token");
pub static AWS_ACCESS_KEY_ID: Setting = vendor("AWS_ACCESS_KEY_ID", "TEXT", "the name of the key that opens the bucket");
pub static AWS_SECRET_ACCESS_KEY: Setting = vendor("AWS_SECRET_ACCESS_KEY", "TEXT", "its secret");
pub static AWS_SESSION_TOKEN: Setting = vendor("AWS_SESSION_TOKEN", "TEXT", "what belongs to a key that ends");
pub static AWS_REGION: Setting = vendor("AWS_REGION", "NAME", "the bucket's region");
pub static AWS_DEFAULT_REGION: Setting = vendor("AWS_DEFAULT_REGION", "NAME", "the bucket's region");
pub static AWS_ENDPOINT_URL_S3: Setting = vendor("AWS_ENDPOINT_URL_S3", "URL", "where the bucket's store is");
pub static AWS_ENDPOINT_URL: Setting = vendor("AWS_ENDPOINT_URL", "URL", "where the bucket's store is");

/// All of them, in the order of the help.
pub static ALL: [&Setting; 66] = [
    &CONFIG,
    &HTTP,
    &HTTPS,
    &MEDIA,
    &WORKERS,
    &ROOM_SPREAD,
    &ANNOUNCE,
    &DATA,
    &DOMAIN,
    &ACME_CONTACT,
    &ACME_DIRECTORY,
    &ACME_CA,
    &CERT,
    &CERT_KEY,
    &OPEN,
    &DEV,
    &ROOM_TYPE,
    &DEFAULT_ROOM,
    &ADHOC_ROOMS,
    &SESSION_TIMEOUT,
    &ROOMS_MAX,
    &DATABASE,
    &HISTORY_DAYS,
    &STATUS_CALLBACK,
    &STATUS_CALLBACK_METHOD,
    &WEBHOOKS_TO,
    &PLAYBACK_FROM,
    &REST_WRITES,
    &REST_READS,
    &LOG,
    &LOG_FORMAT,
    &TRUSTED_PROXY,
    &HOST_NAME,
    &STUN,
    &TURN,
    &TURN_SECRET,
    &TURN_TTL,
    &RECORDING_FOLDER,
    &RECORDING_MIX,
    &RECORDING_ENCRYPT,
    &RECORDING_KEEP_DAYS,
    &RECORDING_KEEP_GIGABYTES,
    &RECORDING_BUCKET,
    &RECORDING_ENDPOINT,
    &RECORDING_REGION,
    &RECORDING_PATH_STYLE,
    &RECORDING_BUCKET_CA,
    &RECORDING_ACCESS_KEY,
    &RECORDING_SECRET_KEY,
    &RECORDING_SECRET_KEY_FILE,
    &COMPOSITION_SHARE,
    &COMPOSITION_KEEP_DAYS,
    &COMPOSITION_KEEP_GIGABYTES,
    &TWILIO_ACCOUNT_SID,
    &TWILIO_API_KEY_SID,
    &TWILIO_API_KEY_SECRET,
    &TWILIO_AUTH_TOKEN,
    &SIGNALWIRE_PROJECT_KEY,
    &SIGNALWIRE_TOKEN,
    &AWS_ACCESS_KEY_ID,
    &AWS_SECRET_ACCESS_KEY,
    &AWS_SESSION_TOKEN,
    &AWS_REGION,
    &AWS_DEFAULT_REGION,
    &AWS_ENDPOINT_URL_S3,
    &AWS_ENDPOINT_URL,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_follow_one_rule() {
        let mut ids: Vec<_> = ALL.iter().map(|s| s.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        for setting in ALL {
            let Some(flag) = setting.flag else { continue };
            assert_eq!(setting.env, format!("KENNEL_{}", flag.replace('-', "_").to_uppercase()));
            if let Some(key) = setting.key {
                assert_eq!(key, flag.replace('-', "_"));
            }
        }
    }
}
