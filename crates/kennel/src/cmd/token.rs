//! `kennel token`: an access token for trying an app or a script.

use std::process::ExitCode;

use twilio::token::{LIFETIME_MAX_S, Mint, mint};

use crate::config::{Config, LogFormat};
use crate::keyring::{Store, is_name};
use crate::{clock, logging};

/// What `kennel token` takes besides the settings.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Who the holder will be
    #[arg(long)]
    identity: String,
    /// The only room it is good for; without this any room
    #[arg(long)]
    room: Option<String>,
    /// How long it lives, in seconds, at most a day
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=LIFETIME_MAX_S))]
    ttl: u64,
}

/// Prints a token. The exit code is 1 if that failed.
pub fn run(config: Config, args: &Args) -> ExitCode {
    logging::start("warn", LogFormat::Human);
    match make(&config, args, clock::unix_ms()) {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn make(config: &Config, args: &Args, now: u64) -> Result<String, String> {
    if ![Some(&args.identity), args.room.as_ref()].into_iter().flatten().all(|name| is_name(name)) {
        return Err("Names have 1 to 128 characters and no control characters.".to_owned());
    }
    let store = Store::open(&config.data, &config.vendor, now).map_err(|problem| problem.to_string())?;
    let own = store.credentials();
    let what = Mint {
        account_sid: &own.twilio_account_sid,
        key_sid: &own.twilio_api_key_sid,
        identity: &args.identity,
        room: args.room.as_deref(),
        lifetime_s: args.ttl,
        link_key: None,
    };
    Ok(mint(&what, own.twilio_api_key_secret.reveal(), now / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use twilio::token::verify;

    #[test]
    fn the_server_takes_the_token() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config { data: folder.path().to_owned(), ..Config::default() };
        let args = Args { identity: "Ann".to_owned(), room: Some("Dog Cam".to_owned()), ttl: 60 };
        let now = 1_800_000_000_000;
        let token = make(&config, &args, now).expect("a token");
        let store = Store::open(folder.path(), &config.vendor, now).expect("opens");
        let grant = verify(&token, &store, now).expect("good");
        assert_eq!((grant.identity.as_str(), grant.room.as_deref()), ("Ann", Some("Dog Cam")));
        assert!(verify(&token, &store, now + 200_000).is_err(), "it ends");
        let nameless = Args { identity: "a\nb".to_owned(), ..args };
        assert!(make(&config, &nameless, now).is_err());
    }
}
