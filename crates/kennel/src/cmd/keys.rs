//! `kennel keys`: the credentials for apps and the links for people.

use std::process::ExitCode;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::config::{Config, LogFormat};
use crate::keyring::{Keyring, Link, NewLink, Right, Rights, Sessions, Store, StoreProblem};
use crate::reach::Listening;
use crate::{clock, logging, net};

/// What `kennel keys` takes besides the settings.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Replace the owner's link; the old one and every session under it end
    #[arg(long)]
    renew: bool,
    /// Print one JSON object instead of lines
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Make a link
    New(New),
    /// List the links
    List,
    /// Withdraw a link; sessions and pictures under it end within 2 s
    Withdraw {
        /// The link's id, as the list shows it
        id: String,
    },
    /// Show which keys recordings are encrypted with, and which files to back up
    Recordings,
    /// API keys for apps: each app can have its own
    Api {
        #[command(subcommand)]
        action: ApiAction,
    },
}

#[derive(clap::Subcommand, Debug)]
enum ApiAction {
    /// Make an API key
    New {
        /// What the key is called in the list, for example the name of the app
        #[arg(long)]
        label: String,
    },
    /// List the API keys
    List,
    /// Revoke an API key; whoever joined by its tokens is out within 2 s. The first key is replaced by a new one
    Revoke {
        /// SK and 32 hex digits
        sid: String,
    },
}

#[derive(clap::Args, Debug)]
struct New {
    /// What the link is called in the list, for example the name of the person who gets it
    #[arg(long)]
    label: String,
    /// What it allows: camera, watch, guest, moderator, record, owner
    #[arg(long, value_delimiter = ',', default_value = "watch")]
    rights: Vec<Right>,
    /// The only room it is good for
    #[arg(long)]
    room: Option<String>,
    /// How long it lives, for example 12h, 7d or 4w; without this until it is withdrawn
    #[arg(long, value_parser = parse_life)]
    ends: Option<u64>,
}

/// Prints or changes the keys. The exit code is 1 if that failed.
pub fn run(config: Config, args: &Args) -> ExitCode {
    logging::start("warn", LogFormat::Human);
    match act(&config, args) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments say and returns what to print.
fn act(config: &Config, args: &Args) -> Result<String, String> {
    let store = Store::open(&config.data, &config.vendor, clock::unix_ms()).map_err(in_words)?;
    let addresses = Addresses::of(config);
    let now = clock::unix_ms();
    let (json, text) = match &args.action {
        None => {
            if args.renew {
                store.update(|ring, random| drop(ring.renew_owner(now, random))).map_err(in_words)?;
            }
            credentials(&store, &addresses)
        }
        Some(_) if args.renew => return Err("--renew stands alone: kennel keys --renew".to_owned()),
        Some(Action::New(new)) => make(&store, new, &addresses, now)?,
        Some(Action::List) => list(&store.keyring(), &store.sessions(), now),
        Some(Action::Api { action }) => api(&store, action, now)?,
        Some(Action::Recordings) => recordings(&store, config)?,
        Some(Action::Withdraw { id }) => {
            if !store.update(|ring, _| ring.withdraw(id)).map_err(in_words)? {
                return Err(format!("There is no link {id}. See kennel keys list."));
            }
            (json!({ "withdrawn": id }), "Withdrawn. Whoever came by it is out within 2 s.\n".to_owned())
        }
    };
    Ok(if args.json { format!("{json}\n") } else { text })
}

/// Where links lead to, each ready for a key behind it.
struct Addresses(Vec<String>);

impl Addresses {
    fn of(config: &Config) -> Self {
        let lan = net::look();
        let (announce, domain) = (config.announce, config.domain.clone());
        let listening = Listening { http: config.http, https: config.https, announce, domain };
        Self(listening.here().into_iter().chain(listening.phone(&lan).ok()).collect())
    }

    fn links(&self, path: &str, key: &str) -> Vec<String> {
        self.0.iter().map(|address| format!("{address}{path}#k={key}")).collect()
    }
}

/// The credentials as lines of a `.env` file, with the owner's links as its comments, so that the output is such a file.
fn credentials(store: &Store, addresses: &Addresses) -> (Value, String) {
    let (own, keyring) = (store.credentials(), store.keyring());
    let links = keyring.owner_key().map_or_else(Vec::new, |key| addresses.links("/", key.reveal()));
    let mut text: String = own.lines().iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    for link in &links {
        text += &format!("# The owner's link: {link}\n");
    }
    let values = own.lines().into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    let mut json = Value::Object(values.collect());
    json["links"] = links.into();
    (json, text)
}

fn make(store: &Store, new: &New, addresses: &Addresses, now: u64) -> Result<(Value, String), String> {
    let rights: Rights = new.rights.iter().copied().collect();
    let wanted = NewLink { label: new.label.clone(), rights, room: new.room.clone(), life_ms: new.ends };
    let made = store.update(|ring, random| ring.add(wanted, now, random)).map_err(in_words)?;
    let (id, key) = made.map_err(|problem| problem.sentence().to_owned())?;
    let links = addresses.links("/dogcam", key.reveal());
    let mut text = format!("Link {id}. It is shown this once:\n");
    for link in &links {
        text += &format!("  {link}\n");
    }
    Ok((json!({ "id": id, "key": key.reveal(), "links": links }), text))
}

fn list(keyring: &Keyring, sessions: &Sessions, now: u64) -> (Value, String) {
    let sessions = sessions.list();
    let count = |link: &Link| sessions.iter().filter(|session| session.link == link.id).count();
    let mut text = format!("{:16}  {:20}  {:8}  {:20}  LABEL\n", "ID", "RIGHTS", "DEVICES", "ENDS");
    for link in keyring.links() {
        let (rights, devices, ends) = (rights(link), count(link), ends(link, now));
        text += &format!("{:16}  {rights:20}  {devices:8}  {ends:20}  {}\n", link.id, link.label);
    }
    let rows = keyring.links().iter().map(|link| {
        json!({
            "id": link.id,
            "label": link.label,
            "rights": link.rights.list(),
            "room": link.room,
            "created": link.created,
            "ends": link.ends,
            "sessions": count(link),
        })
    });
    (json!({ "keys": rows.collect::<Vec<_>>() }), text)
}

/// The keys of recordings, and what must not be lost.
fn recordings(store: &Store, config: &Config) -> Result<(Value, String), String> {
    let found = store.recording_keys().map_err(in_words)?;
    let (secret, mut text, mut rows) = (config.data.join("secret.key"), String::new(), Vec::new());
    // That of new recordings: the first that can be used was made last.
    let newest = found.iter().position(|one| one.key.is_some()).filter(|_| config.recording.encrypt);
    for (at, one) in found.iter().enumerate() {
        let (file, id) = (one.path.display().to_string(), one.key.as_ref().map(|key| key.id().to_string()));
        let (is_used, note) = if newest == Some(at) { (true, "  (new recordings)") } else { (false, "") };
        text += &format!("{:16}  {file}{note}\n", id.as_deref().unwrap_or("cannot be used"));
        rows.push(json!({ "key": id, "file": file, "used": is_used }));
    }
    text += match (found.is_empty(), config.recording.encrypt) {
        (true, true) => "The key is made when the server starts next.\n",
        (true, false) => "Nothing is encrypted. encrypt = true under [recording] switches it on.\n",
        (false, _) => "",
    };
    if !found.is_empty() {
        text += &format!("Back up these files and {}: without both nobody can play what is encrypted.\n", secret.display());
    }
    Ok((json!({ "recordings": rows, "secret": secret.display().to_string(), "encrypt": config.recording.encrypt }), text))
}

fn api(store: &Store, action: &ApiAction, now: u64) -> Result<(Value, String), String> {
    match action {
        ApiAction::New { label } => {
            let made = store.update(|ring, random| ring.add_api_key(label, now, random)).map_err(in_words)?;
            let key = made.map_err(str::to_owned)?;
            let (sid, secret) = (&key.sid, key.secret.reveal());
            let text = format!("TWILIO_API_KEY_SID={sid}\nTWILIO_API_KEY_SECRET={secret}\n");
            Ok((json!({ "sid": sid, "secret": secret, "label": label }), text))
        }
        ApiAction::List => {
            let (first, keyring) = (store.credentials().twilio_api_key_sid, store.keyring());
            let rows = || keyring.api_keys().iter().map(|key| (key.sid.as_str(), key.label.as_str()));
            let all = || [(first.as_str(), "the first")].into_iter().chain(rows());
            let text = all().map(|(sid, label)| format!("{sid}  {label}\n")).collect();
            Ok((json!({ "api_keys": all().map(|(sid, label)| json!({ "sid": sid, "label": label })).collect::<Vec<_>>() }), text))
        }
        ApiAction::Revoke { sid } => {
            if store.is_given(sid) {
                return Err(format!("{sid} is set by the environment or .env. Change it there, and start Kennel again."));
            }
            if !store.update(|ring, random| ring.revoke_api_key(sid, random)).map_err(in_words)? {
                return Err(format!("There is no API key {sid}. See kennel keys api list."));
            }
            Ok((json!({ "revoked": sid }), "Revoked. Whoever joined by its tokens is out within 2 s.\n".to_owned()))
        }
    }
}

fn rights(link: &Link) -> String {
    if link.rights.has(Right::Owner) {
        return "owner".to_owned();
    }
    let all = [
        (Right::Camera, "camera"),
        (Right::Watch, "watch"),
        (Right::Guest, "guest"),
        (Right::Moderator, "moderator"),
        (Right::Record, "record"),
    ];
    let names = all.into_iter().filter(|(right, _)| link.rights.has(*right)).map(|(_, name)| name);
    names.collect::<Vec<_>>().join(",")
}

fn ends(link: &Link, now: u64) -> String {
    match link.ends {
        None => "never".to_owned(),
        Some(at) if at <= now => "ended".to_owned(),
        Some(at) => {
            let form = format_description!("[year]-[month]-[day] [hour]:[minute]Z");
            let at = i64::try_from(at / 1000).ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
            at.and_then(|at| at.format(form).ok()).unwrap_or_else(|| "far away".to_owned())
        }
    }
}

/// A time such as `90s`, `30m`, `12h`, `7d` or `4w`, in ms.
fn parse_life(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no length of time. Write for example 12h, 7d or 4w.");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count.checked_mul(seconds * 1000).ok_or_else(wrong)
}

fn in_words(problem: StoreProblem) -> String {
    problem.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        keys: Args,
    }

    /// Runs `kennel keys` on a folder.
    fn keys(folder: &std::path::Path, args: &[&str]) -> Result<String, String> {
        let config = Config { data: folder.to_owned(), ..Config::default() };
        let cli = Cli::try_parse_from(["keys"].iter().chain(args)).map_err(|error| error.to_string())?;
        act(&config, &cli.keys)
    }

    fn json(folder: &std::path::Path, args: &[&str]) -> Value {
        let text = keys(folder, &[args, &["--json"]].concat()).expect("done");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn the_output_is_an_env_file_with_the_owners_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = keys(folder.path(), &[]).expect("printed");
        let good = |line: &str| line.starts_with("# ") || line.starts_with("TWILIO_") || line.starts_with("SIGNALWIRE_");
        assert!(text.lines().all(good), "{text}");
        assert!(text.contains("# The owner's link: http://localhost:8080/#k="), "{text}");
        assert_eq!(keys(folder.path(), &[]).expect("printed"), text, "and stays the same");
    }

    #[test]
    fn renewing_changes_the_link_and_not_the_credentials() {
        let folder = tempfile::tempdir().expect("a folder");
        let (before, after) = (json(folder.path(), &[]), json(folder.path(), &["--renew"]));
        assert_ne!(before["links"], after["links"]);
        assert_eq!(before["TWILIO_AUTH_TOKEN"], after["TWILIO_AUTH_TOKEN"]);
    }

    #[test]
    fn links_are_made_listed_and_withdrawn() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = json(folder.path(), &["new", "--label", "Grandma", "--rights", "camera,watch", "--ends", "7d"]);
        let id = made["id"].as_str().expect("an id");
        let table = keys(folder.path(), &["list"]).expect("listed");
        assert!(
            table.lines().any(|line| line.starts_with(id) && line.contains("camera,watch") && line.ends_with("Grandma")),
            "{table}"
        );
        assert_eq!(json(folder.path(), &["list"])["keys"][1]["rights"], json!(["camera", "watch"]));
        keys(folder.path(), &["withdraw", id]).expect("withdrawn");
        assert!(keys(folder.path(), &["withdraw", id]).expect_err("gone").contains("no link"));
        assert_eq!(json(folder.path(), &["list"])["keys"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn api_keys_are_made_listed_and_revoked() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = json(folder.path(), &["api", "new", "--label", "Porch app"]);
        let sid = made["sid"].as_str().expect("a SID").to_owned();
        let store = Store::open(folder.path(), &Default::default(), 0).expect("open");
        assert_eq!(store.api_secret(&sid).expect("found").reveal(), made["secret"].as_str().expect("a secret"));
        let first = store.credentials().twilio_api_key_sid;
        assert!(keys(folder.path(), &["api", "list"]).expect("listed").contains(&format!("{sid}  Porch app\n")));
        keys(folder.path(), &["api", "revoke", &sid]).expect("revoked");
        keys(folder.path(), &["api", "revoke", &first]).expect("replaced");
        store.refresh().expect("read again");
        assert!(store.api_secret(&sid).is_none() && store.api_secret(&first).is_none());
        assert_ne!(store.credentials().twilio_api_key_sid, first);
        assert!(keys(folder.path(), &["api", "revoke", &first]).expect_err("gone").contains("no API key"));
        assert!(keys(folder.path(), &["api", "new", "--label", ""]).expect_err("refused").contains("A label has"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let refusal = |args: &[&str]| keys(folder.path(), args).expect_err("refused");
        assert!(refusal(&["new", "--label", ""]).contains("A label has"));
        assert!(
            refusal(&["new", "--label", "x", "--rights", "fly"]).contains("camera, watch, guest, moderator, record and owner")
        );
        assert!(refusal(&["new", "--label", "x", "--ends", "soon"]).contains("12h, 7d or 4w"));
        assert!(refusal(&["--renew", "list"]).contains("stands alone"));
    }

    #[test]
    fn lives() {
        let check = |text, expected| assert_eq!(parse_life(text).ok(), expected, "{text}");
        check("90s", Some(90_000));
        check("7d", Some(604_800_000));
        check("1w", Some(604_800_000));
        check("", None);
        check("d", None);
        check("-1d", None);
        check("1.5h", None);
        check("7ü", None);
        check("99999999999999999w", None);
    }
}
