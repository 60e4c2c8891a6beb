//! `kennel check`: looks at everything that could keep Kennel from starting or serving, and says what to do about it.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::fs::{Access, access};
use sealed::{Key, Keys, Sealing};
use store::Store as _;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::time::timeout;

use super::serve;
use crate::bucket::{Client, Problem};
use crate::config::{self, Config, Database, LogFormat};
use crate::keyring::Store;
use crate::shelf::files::Files;
use crate::shelf::sealed::locked;
use crate::{clock, history, logging, net, process, tls};

/// A certificate that ends sooner than this fails the check, in days.
const CERTIFICATE_DAYS_MIN: i64 = 14;

/// Free space below which nothing new is recorded, in bytes.
const FREE_MIN_BYTES: u64 = 1 << 30;

/// How long the bucket may take in all.
const BUCKET_PATIENCE: Duration = Duration::from_secs(30);

/// What `kennel check` takes besides the settings.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at: its name, and what was found or what to do.
#[derive(Debug)]
struct Line {
    name: &'static str,
    found: Result<String, String>,
}

/// Looks at everything and prints it. The exit code is 1 if anything failed.
pub fn run(config: Result<Config, Vec<String>>, args: &Args) -> ExitCode {
    logging::start("warn", LogFormat::Human);
    let lines = match config {
        Ok(config) => lines(&config),
        Err(problems) => problems.into_iter().map(|problem| Line { name: "configuration", found: Err(problem) }).collect(),
    };
    print!("{}", if args.json { json(&lines) } else { text(&lines) });
    if lines.iter().all(|line| line.found.is_ok()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn lines(config: &Config) -> Vec<Line> {
    let running = process::is_taken(&config.data);
    let mut lines = vec![
        Line { name: "configuration", found: Ok("is right".to_owned()) },
        Line { name: "clock", found: clock_is_set(clock::unix_ms()) },
        Line { name: "open files", found: process::prepare().map(|count| format!("{count} are allowed")) },
        Line { name: "http port", found: port("http", config.http, running) },
        Line { name: "https port", found: port("https", config.https, running) },
        Line { name: "media port", found: media_port(config.media, running) },
        Line { name: "data folder", found: folder(&config.data) },
        Line { name: "recordings", found: recordings(&Files::in_folder(config.recordings())) },
    ];
    lines.extend(config.recording.bucket.as_ref().map(|bucket| Line { name: "bucket", found: check_bucket(bucket) }));
    lines.extend(encryption(config).map(|found| Line { name: "encryption", found }));
    lines.extend(history(config).map(|found| Line { name: "history", found }));
    if config.https.is_some() {
        lines.push(Line { name: "certificate", found: certificate(config) });
    }
    if let Some(domain) = &config.domain {
        let note = format!("{domain} must lead to this machine, and its port 443 to the HTTPS port; only the internet can tell");
        lines.push(Line { name: "domain", found: Ok(note) });
    }
    lines
}

/// Whether the database can be used and agrees with itself; none where there is no database to look at.
fn history(config: &Config) -> Option<Result<String, String>> {
    if config.database == Database::Off {
        return Some(Ok("is off: no REST, no webhooks".to_owned()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    Some(runtime.block_on(async {
        let in_words = |problem: store::Problem| format!("{problem}. Kennel starts without it: --database off.");
        let Some(store) = history::look(config).await.map_err(in_words)? else {
            return Ok("will be made at the first start".to_owned());
        };
        let wrong = store.check().await.map_err(in_words)?;
        if wrong.is_empty() {
            Ok("agrees with itself".to_owned())
        } else {
            Err(format!("It does not agree with itself: {}.", wrong.join("; ")))
        }
    }))
}

fn clock_is_set(unix_ms: u64) -> Result<String, String> {
    let seconds = i64::try_from(unix_ms / 1000).unwrap_or(i64::MAX);
    let text = day(seconds);
    if seconds < tls::CLOCK_FLOOR {
        return Err(format!("It shows {text}, which is over. Set it, for example with: timedatectl set-ntp true"));
    }
    Ok(format!("shows {text}"))
}

fn port(flag: &'static str, address: Option<SocketAddr>, running: bool) -> Result<String, String> {
    match (address, serve::bind(address.unwrap_or(([127, 0, 0, 1], 0).into()))) {
        (None, _) => Ok("is off".to_owned()),
        (Some(address), Ok(_)) => Ok(format!("{address} is free")),
        (Some(address), Err(problem)) if running && problem.kind() == ErrorKind::AddrInUse => {
            Ok(format!("{address} is in use; Kennel is running"))
        }
        (Some(address), Err(problem)) => Err(serve::StartProblem::listening(flag, address, problem).to_string()),
    }
}

/// The first worker's; the others have the next ones.
fn media_port(address: Option<SocketAddr>, running: bool) -> Result<String, String> {
    let Some(at) = address else { return Ok("is off".to_owned()) };
    match UdpSocket::bind(at) {
        Ok(_) => port("media", address, running),
        Err(problem) if running && problem.kind() == ErrorKind::AddrInUse => Ok(format!("{at} is in use; Kennel is running")),
        Err(problem) => Err(serve::StartProblem::listening("media", at, problem).to_string()),
    }
}

/// Whether the folder can be used. Modes that let others in are corrected.
fn folder(path: &Path) -> Result<String, String> {
    let shown = path.display();
    if !path.exists() {
        let parent = path.ancestors().skip(1).find(|path| path.as_os_str().is_empty() || path.exists()).unwrap_or(path);
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        return match access(parent, Access::WRITE_OK) {
            Ok(()) if !parent.is_dir() => Err(format!("{} is not a folder. Choose another place with --data.", parent.display())),
            Ok(()) => Ok(format!("{shown} will be made at the first start")),
            Err(_) => Err(format!("{shown} cannot be made. Choose another with --data, or let Kennel's user write there.")),
        };
    }
    if !path.is_dir() {
        return Err(format!("{shown} is not a folder. Move it away or choose another with --data."));
    }
    if access(path, Access::WRITE_OK | Access::READ_OK).is_err() {
        return Err(format!("{shown} cannot be written. Let Kennel's user read and write there, or choose another with --data."));
    }
    let corrected = tighten(path).map_err(|problem| format!("{shown}: {problem}. Make Kennel's user its owner."))?;
    Ok(match corrected {
        0 => format!("{shown} is for its owner alone"),
        count => format!("{shown} is for its owner alone again: {count} modes were too wide and have been corrected"),
    })
}

/// Whether the folder of recordings can be used, and has room.
fn recordings(files: &Files) -> Result<String, String> {
    let shown = files.folder().display();
    let space = files.space().map_err(|problem| format!("{shown}: {problem}. Choose another with folder under [recording]."))?;
    if files.folder().exists() && access(files.folder(), Access::WRITE_OK | Access::READ_OK).is_err() {
        return Err(format!("{shown} cannot be written. Let Kennel's user read and write there, or choose another."));
    }
    let gigabytes = |bytes: u64| format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10);
    if space.free < FREE_MIN_BYTES {
        return Err(format!("{shown} has only {} left, so nothing new is recorded. Make room.", gigabytes(space.free)));
    }
    let files = files.list().map_err(|problem| format!("{shown}: {problem}."))?;
    let used = files.iter().map(|file| file.bytes).sum();
    Ok(format!("{shown} has {} in {} files, and room for {} more", gigabytes(used), files.len(), gigabytes(space.free)))
}

/// Whether the bucket takes a small file, gives it back and deletes it.
fn check_bucket(config: &config::Bucket) -> Result<String, String> {
    let shown = format!("s3://{}/{}", config.name, config.prefix);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|problem| problem.to_string())?;
    let client = Client::new(config)?;
    let probed = runtime.block_on(async { timeout(BUCKET_PATIENCE, client.probe()).await });
    let place = config.endpoint.as_deref().unwrap_or("Amazon");
    let problem = match probed {
        Ok(Ok(())) => return Ok(format!("{shown} takes files, gives them back and deletes them")),
        Ok(Err(problem)) => problem,
        Err(_) => Problem::NoRoute("no answer in time".to_owned()),
    };
    let help = match &problem {
        Problem::NoBucket => "Make it, or correct bucket under [recording].",
        Problem::Refused(_) => "Correct the key and its secret, or let it read, write and delete there.",
        Problem::Clock => "Set the clock, for example with: timedatectl set-ntp true",
        Problem::Region => "Correct region under [recording].",
        Problem::NoRoute(_) => "Look at endpoint under [recording], the name server and the firewall.",
        Problem::Missing | Problem::Changed | Problem::Elsewhere(_) | Problem::Other(_) => {
            "Look at endpoint and path_style under [recording]."
        }
    };
    Err(format!("{shown} at {place}: {problem}. {help} Until then files stay in their folder."))
}

/// Whether what is encrypted can be read; none where nothing is, nor is to be.
fn encryption(config: &Config) -> Option<Result<String, String>> {
    let keys = match config.data.join("keyring.json").exists() {
        false => Ok(Vec::new()),
        true => Store::open(&config.data, &config.vendor, clock::unix_ms()).and_then(|store| store.recording_keys()),
    };
    let keys = match keys {
        Ok(keys) => keys,
        Err(problem) => return Some(Err(problem.to_string())),
    };
    if let Some(damaged) = keys.iter().find(|found| found.key.is_none()) {
        let shown = damaged.path.display();
        return Some(Err(format!("{shown} cannot be used with the secret.key beside it. Put back both from one backup.")));
    }
    let keys: Vec<Key> = keys.into_iter().filter_map(|found| found.key).collect();
    let sealing = Sealing { keys: Keys(keys.clone()), ..Sealing::none() };
    let folders = [config.recordings(), config.compositions()];
    let locked = folders.into_iter().find_map(|folder| {
        let files = Files::in_folder(folder).sealed(sealing.clone());
        locked(&files).ok().flatten().map(|(count, id)| {
            let (folder, data) = (files.folder().display(), config.data.display());
            format!("{count} files in {folder} are encrypted with the key {id}, which is not here. Put recordings-{id}.key back into {data}.")
        })
    });
    match (locked, config.recording.encrypt, keys.len()) {
        (Some(problem), ..) => Some(Err(problem)),
        (None, false, 0) => None,
        (None, true, 0) => Some(Ok("is on; its key will be made at the next start".to_owned())),
        (None, true, count) => Some(Ok(format!("is on, and {count} of its keys here"))),
        (None, false, count) => Some(Ok(format!("is off, and {count} of its keys here"))),
    }
}

/// Takes the rights of others from the folder and all in it, and counts where there were any. Links are not followed.
fn tighten(path: &Path) -> std::io::Result<usize> {
    let data = fs::symlink_metadata(path)?;
    if data.is_symlink() {
        return Ok(0);
    }
    let mode = data.permissions().mode() & 0o7777;
    let wide = mode & 0o077 != 0;
    if wide {
        tracing::warn!(path = %path.display(), "mode {mode:03o} was too wide");
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))?;
    }
    let mut count = usize::from(wide);
    if data.is_dir() {
        for entry in fs::read_dir(path)? {
            count += tighten(&entry?.path())?;
        }
    }
    Ok(count)
}

fn certificate(config: &Config) -> Result<String, String> {
    if config.certificate.is_none() && !tls::has_authority(config) {
        return Ok("will be made at the first start".to_owned());
    }
    let now = i64::try_from(clock::unix_ms() / 1000).unwrap_or(i64::MAX);
    let ends = tls::inspect(config, &net::look()).map_err(|problem| problem.to_string())?;
    let left = (ends - now).div_euclid(24 * 3600);
    if left < CERTIFICATE_DAYS_MIN {
        return Err(format!("It ends on {}. Renew it and put the new files in its place.", day(ends)));
    }
    Ok(format!("holds until {}, {left} days", day(ends)))
}

fn day(unix_s: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(unix_s).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}

fn text(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| match &line.found {
            Ok(found) => format!("Pass  {:14} {found}\n", line.name),
            Err(problem) => format!("Fail  {:14} {problem}\n", line.name),
        })
        .collect()
}

fn json(lines: &[Line]) -> String {
    let checks: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| {
            let message = line.found.as_ref().unwrap_or_else(|problem| problem);
            serde_json::json!({ "name": line.name, "pass": line.found.is_ok(), "message": message })
        })
        .collect();
    let pass = lines.iter().all(|line| line.found.is_ok());
    format!("{}\n", serde_json::json!({ "pass": pass, "checks": checks }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_clock_that_was_never_set_fails() {
        assert!(clock_is_set(0).expect_err("1970").contains("1970-01-01"));
        assert_eq!(clock_is_set(1_800_000_000_000), Ok("shows 2027-01-15".to_owned()));
    }

    #[test]
    fn a_taken_port_fails_with_another() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address");
        let refusal = port("http", Some(address), false).expect_err("taken");
        assert!(refusal.contains(&format!("Port {} is in use", address.port())), "{refusal}");
        assert!(port("http", Some(address), true).is_ok(), "Kennel itself has it");
        assert_eq!(port("http", None, false), Ok("is off".to_owned()));
    }

    #[test]
    fn wide_modes_are_corrected_and_counted() {
        let base = tempfile::tempdir().expect("a folder");
        let data = base.path().join("data");
        assert!(folder(&data).expect("can be made").contains("will be made"));
        fs::create_dir_all(data.join("tls")).expect("made");
        fs::write(data.join("tls/key"), "x").expect("written");
        for (path, mode) in [("", 0o755), ("tls", 0o700), ("tls/key", 0o644)] {
            fs::set_permissions(data.join(path), fs::Permissions::from_mode(mode)).expect("set");
        }
        assert!(folder(&data).expect("good").contains("2 modes"));
        assert!(folder(&data).expect("good").ends_with("is for its owner alone"));
        let mode = fs::metadata(data.join("tls/key")).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert!(folder(&data.join("tls/key")).expect_err("a file").contains("not a folder"));
    }

    #[test]
    fn both_forms_tell_the_same() {
        let lines = [
            Line { name: "clock", found: Ok("shows 2027-01-15".to_owned()) },
            Line { name: "http port", found: Err("Port 1 is in use.".to_owned()) },
        ];
        assert_eq!(text(&lines), "Pass  clock          shows 2027-01-15\nFail  http port      Port 1 is in use.\n");
        let value: serde_json::Value = serde_json::from_str(&json(&lines)).expect("JSON");
        assert_eq!((&value["pass"], &value["checks"][1]["message"]), (&false.into(), &"Port 1 is in use.".into()));
    }
}
