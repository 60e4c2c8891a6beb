//! The load generator: publishers and subscribers with real ICE, DTLS and SRTP on a server of their own, and what it costs that server.
//! `docs/bench.md` says how the figures come about and what they were.

mod client;
mod field;
mod hiccup;
mod histogram;
mod janus;
mod net;
mod recorded;
mod report;
mod run;
mod scenario;
mod server;
mod signal;
mod sink;
mod source;
mod stamp;
mod twilio;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::report::Figures;
use crate::scenario::{Kind, Scenario};
use crate::server::Choice;
use crate::signal::Door;

/// Measures what a server needs for a delivered packet, and how long the packet takes.
#[derive(Debug, Parser)]
#[command(version)]
struct Choices {
    /// What is measured, in turn; Janus needs its package, and a network as scripts/bench-janus makes it
    #[arg(long, value_delimiter = ',', default_value = "kennel")]
    doors: Vec<Door>,
    /// The program of Kennel
    #[arg(long, default_value = "target/release/kennel")]
    server: PathBuf,
    /// Where servers and clients are
    #[arg(long, default_value = "127.0.0.1")]
    address: Ipv4Addr,
    /// The load; without it, the short set: 1 to 10, 1 to 50, 1 to 100, 8 to each other, a gallery of 50, a storm
    #[arg(long)]
    scenario: Option<Kind>,
    /// Who sends, in each room
    #[arg(long, default_value_t = 1)]
    publishers: usize,
    /// Who only receives, in all rooms together
    #[arg(long, default_value_t = 0)]
    subscribers: usize,
    /// How long is measured, each time
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// How often everything is measured, in turn
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Joins a second
    #[arg(long, default_value_t = 20)]
    joins_per_s: u32,
    /// Records everybody's tracks; Kennel only
    #[arg(long)]
    recorded: bool,
    /// Threads for media: Kennel's workers
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Threads for media: event loops of Janus
    #[arg(long, default_value_t = 2)]
    event_loops: usize,
    /// A file to which a line of JSON is added for each round
    #[arg(long)]
    json: Option<PathBuf>,
}

impl Choices {
    fn scenarios(&self) -> Vec<Scenario> {
        let scenario = |kind, publishers, subscribers| Scenario {
            kind,
            publishers,
            subscribers,
            seconds: self.seconds,
            joins_per_s: self.joins_per_s,
            recorded: self.recorded,
        };
        match self.scenario {
            Some(kind) => vec![scenario(kind, self.publishers, self.subscribers)],
            None => vec![
                scenario(Kind::Fan, 1, 10),
                scenario(Kind::Fan, 1, 49),
                scenario(Kind::Fan, 1, 100),
                scenario(Kind::All, 8, 0),
                scenario(Kind::Gallery, 50, 0),
                scenario(Kind::Storm, 1, 49),
            ],
        }
    }
}

fn main() -> ExitCode {
    match measure(&Choices::parse()) {
        Ok(all) => {
            println!("{}\n{}", report::table(&all), report::ratios(&all));
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("The measurement failed: {problem}.");
            ExitCode::FAILURE
        }
    }
}

/// Servers and rounds in turn, so that a change of the machine meets all.
fn measure(choices: &Choices) -> io::Result<Vec<Figures>> {
    let program = choices.server.canonicalize().map_err(|e| io::Error::other(format!("{}: {e}", choices.server.display())))?;
    let mut all = Vec::new();
    for round in 1..=choices.rounds {
        for scenario in choices.scenarios() {
            for door in &choices.doors {
                let workers = if *door == Door::Janus { choices.event_loops } else { choices.workers };
                let choice = Choice { door: *door, program: program.clone(), ip: choices.address, workers };
                match run::run(&choice, &scenario, round) {
                    Ok(figures) => {
                        note(choices, &figures)?;
                        all.push(figures);
                    }
                    // The other loads may be measured all the same.
                    Err(problem) => eprintln!("{} on {} failed: {problem}.", scenario.name(), door.name()),
                }
            }
        }
    }
    Ok(all)
}

fn note(choices: &Choices, figures: &Figures) -> io::Result<()> {
    let line = serde_json::to_string(figures)?;
    eprintln!("{line}");
    if let Some(path) = &choices.json {
        writeln!(OpenOptions::new().create(true).append(true).open(path)?, "{line}")?;
    }
    Ok(())
}
