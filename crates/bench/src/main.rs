//! The command line of the load generator. `docs/bench.md` says what it measures and what came out.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bench::loads::{self, Set};
use bench::report::{self, Figures};
use bench::scenario::{Kind, MixFile, Scenario};
use bench::server::Choice;
use bench::signal::Door;
use bench::{plot, run};
use clap::{Parser, Subcommand};

/// Measures what a server needs for a delivered packet, and how long the packet takes.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Choices {
    #[command(subcommand)]
    command: Option<Command>,
    /// What is measured, in turn; Janus needs its package, and a network as scripts/bench-janus makes it
    #[arg(long, visible_alias = "door", value_delimiter = ',', default_value = "kennel")]
    doors: Vec<Door>,
    /// The program of Kennel
    #[arg(long, default_value = "target/release/kennel")]
    server: PathBuf,
    /// Where servers and clients are, of either kind; Janus is measured over IPv4
    #[arg(long, default_value = "127.0.0.1")]
    address: IpAddr,
    /// The loads, if no one is chosen
    #[arg(long, default_value = "short", conflicts_with = "scenario")]
    set: Set,
    /// One load in place of a set
    #[arg(long)]
    scenario: Option<Kind>,
    /// Who sends, in each room
    #[arg(long, default_value_t = 1, requires = "scenario")]
    publishers: usize,
    /// Who only receives, in all rooms together
    #[arg(long, default_value_t = 0, requires = "scenario")]
    subscribers: usize,
    /// How many rooms; only of `many`
    #[arg(long, default_value_t = 1, requires = "scenario")]
    rooms: usize,
    /// How long is measured, each time; 8, in a short set 4
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// How often everything is measured, in turn; 3, in a short set 2, in a full one 5
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Joins a second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    joins_per_s: u32,
    /// Records everybody's tracks; by SignalWire's signaling, the mix
    #[arg(long, requires = "scenario")]
    recorded: bool,
    /// What mixes that are recorded become
    #[arg(long, default_value = "webm", requires = "recorded")]
    mix_file: MixFile,
    /// Of a hundred datagrams of media so many get lost, to each client and from it
    #[arg(long, default_value_t = 0, requires = "scenario", value_parser = clap::value_parser!(u8).range(..=90))]
    loss: u8,
    /// Which datagrams get lost
    #[arg(long, default_value_t = 1)]
    seed: u64,
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

#[derive(Debug, Subcommand)]
enum Command {
    /// Draws what was measured: bench-cpu.svg, bench-ratio.svg and bench-latency.svg
    Plot {
        /// Lines of JSON, as `--json` writes them
        file: PathBuf,
        /// The folder for the drawings
        folder: PathBuf,
    },
    /// Prints the tables of what was measured
    Table {
        /// Lines of JSON, as `--json` writes them
        file: PathBuf,
    },
}

impl Choices {
    fn loads(&self) -> Vec<Scenario> {
        let Some(kind) = self.scenario else {
            let seconds = self.seconds.unwrap_or(self.set.usual().1);
            let (seed, joins_per_s) = (self.seed, self.joins_per_s);
            return self.set.loads().into_iter().map(|load| Scenario { seconds, seed, joins_per_s, ..load }).collect();
        };
        let usual = Scenario::new(kind, self.publishers, self.subscribers);
        let seconds = self.seconds.unwrap_or(usual.seconds);
        vec![Scenario {
            rooms: self.rooms,
            seconds,
            joins_per_s: self.joins_per_s,
            recorded: self.recorded,
            mix_file: self.mix_file,
            loss_percent: self.loss,
            seed: self.seed,
            ..usual
        }]
    }

    fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.scenario.is_some() { 3 } else { self.set.usual().0 })
    }
}

fn main() -> ExitCode {
    let choices = Choices::parse();
    let outcome = match &choices.command {
        Some(Command::Plot { file, folder }) => read(file).and_then(|all| plot::write(&all, folder)),
        Some(Command::Table { file }) => read(file).map(|all| print(&all)),
        None => check(&choices).and_then(|()| measure(&choices)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("It failed: {problem}.");
            ExitCode::FAILURE
        }
    }
}

fn print(all: &[Figures]) {
    println!("{}\n{}", report::table(all), report::ratios(all));
}

/// Refuses what would be measured otherwise than it was meant.
fn check(choices: &Choices) -> io::Result<()> {
    let wrong = choices.loads().iter().find_map(Scenario::senseless);
    if let Some(why) = wrong {
        return Err(io::Error::other(why));
    }
    let janus = choices.doors.contains(&Door::Janus);
    if janus && !choices.address.is_ipv4() {
        return Err(io::Error::other("Janus is measured over IPv4: say another --address"));
    }
    if janus && choices.address == Ipv4Addr::LOCALHOST {
        let words =
            "Janus gathers no candidates on a loopback interface; scripts/bench-janus makes a network with another one, as root";
        return Err(io::Error::other(words));
    }
    Ok(())
}

/// Servers and rounds in turn, so that a change of the machine meets all.
fn measure(choices: &Choices) -> io::Result<()> {
    // Each server has a folder of its own, from which the way to the program is another.
    let program = choices.server.canonicalize().unwrap_or_else(|_| choices.server.clone());
    let (mut all, mut failed) = (Vec::new(), 0);
    for round in 1..=choices.rounds() {
        for load in choices.loads() {
            if round == 1 {
                tell_refusals(&load, &choices.doors);
            }
            for door in loads::doors(&load, &choices.doors) {
                let workers = if door == Door::Janus { choices.event_loops } else { choices.workers };
                let choice = Choice { door, program: program.clone(), ip: choices.address, workers };
                let load = Scenario { is_mixed: door.is_mixed(), ..load.clone() };
                match run::run(&choice, &load, round) {
                    Ok(figures) => {
                        note(choices, &figures)?;
                        all.push(figures);
                    }
                    // The other loads may be measured all the same.
                    Err(problem) => {
                        failed += 1;
                        eprintln!("{} on {} failed: {problem}.", load.name(), door.name());
                    }
                }
            }
        }
    }
    if !all.is_empty() {
        print(&all);
    }
    match (all.len(), failed) {
        (0, 0) => Err(io::Error::other("there was nothing to measure; why stands above")),
        (_, 0) => Ok(()),
        (whole, _) => Err(io::Error::other(format!("{failed} of {} measurements; why stands above", whole + failed))),
    }
}

fn tell_refusals(load: &Scenario, doors: &[Door]) {
    for (door, why) in doors.iter().filter_map(|door| Some((door, load.refusal(*door)?))) {
        eprintln!("{} is not measured on {}: {why}.", load.name(), door.name());
    }
}

fn note(choices: &Choices, figures: &Figures) -> io::Result<()> {
    let line = serde_json::to_string(figures)?;
    eprintln!("{line}");
    if !figures.complete {
        let Figures { scenario, server, round, .. } = figures;
        eprintln!("{scenario} on {server}, round {round}: before it was measured not everybody heard everybody.");
    }
    if let Some(path) = &choices.json {
        writeln!(OpenOptions::new().create(true).append(true).open(path)?, "{line}")?;
    }
    Ok(())
}

fn read(file: &Path) -> io::Result<Vec<Figures>> {
    let text = fs::read_to_string(file).map_err(|e| io::Error::other(format!("{}: {e}", file.display())))?;
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| io::Error::other(format!("{}, line {}: {e}", file.display(), number + 1)))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_left_out_in_silence_is_refused() {
        let check = |words: &str, expected: Option<&str>| {
            let words = std::iter::once("kennel-bench").chain(words.split_whitespace());
            let outcome = Choices::try_parse_from(words).map_err(|problem| problem.to_string());
            let outcome = outcome.and_then(|choices| super::check(&choices).map_err(|problem| problem.to_string()));
            let fits = expected.map_or(outcome.is_ok(), |part| outcome.as_ref().is_err_and(|why| why.contains(part)));
            assert!(fits, "{outcome:?} in place of {expected:?}");
        };
        check("", None);
        check("--rounds 3 --joins-per-s 5 --seed 2", None);
        for option in ["--loss 5", "--publishers 2", "--subscribers 2", "--rooms 2", "--recorded"] {
            check(option, Some("--scenario"));
        }
        check("--scenario fan --subscribers 2 --loss 5", None);
        check("--scenario fan", Some("--subscribers 1"));
        check("--rounds 0", Some("1.."));
        check("--doors kennel,janus", Some("scripts/bench-janus"));
        check("--doors kennel,janus --address 127.0.0.2", None);
        check("--doors janus --address ::1", Some("IPv4"));
        check("--address ::1", None);
    }
}
