//! The commands of the program.

pub mod check;
pub mod compose;
mod flags;
pub mod keys;
pub mod serve;
pub mod shim;
pub mod token;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::Config;

/// The exit code for a command line or configuration that is not right, as clap uses it.
const USAGE: u8 = 2;

/// Your own video rooms: one program, one command.
#[derive(Parser)]
#[command(name = "kennel", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server (what kennel does without a command)
    Serve,
    /// Look at configuration, ports, folder, certificate and clock, and say what to do
    Check(check::Args),
    /// Print the credentials and the owner's link; make, list and withdraw links
    Keys(keys::Args),
    /// Print an access token for an app written for the vendor's SDK
    Token(token::Args),
    /// Make one film of what was recorded in a room, beside a running server or without one
    Compose(compose::Args),
    /// Print a file that points an app's library at Kennel, where its code is to stay as it is
    Shim(shim::Args),
}

/// Runs the command that the command line names and returns the exit code: 0 done, 1 failed, 2 wrong usage or configuration.
pub fn run() -> ExitCode {
    let matches = flags::add(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let config = Config::load(flags::take(&matches), std::env::vars_os(), ".".as_ref());
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => with(config, serve::run),
        Command::Check(args) => check::run(config, &args),
        Command::Keys(args) => with(config, |config| keys::run(config, &args)),
        Command::Token(args) => with(config, |config| token::run(config, &args)),
        Command::Compose(args) => with(config, |config| compose::run(config, &args)),
        Command::Shim(args) => shim::run(&args),
    }
}

/// Runs a command that needs a right configuration, or says all that is wrong with it.
fn with(config: Result<Config, Vec<String>>, command: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match config {
        Ok(config) => command(config),
        Err(problems) => {
            eprintln!("Kennel's configuration is not right:");
            problems.iter().for_each(|problem| eprintln!("  {problem}"));
            ExitCode::from(USAGE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        flags::add(Cli::command()).debug_assert();
    }
}
