//! The command line of the load generator. `docs/bench.md` says what it measures and what came out.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bench::lines::{self, Lines};
use bench::loads::{self, Set};
use bench::progress::Progress;
use bench::report::{self, Figures};
use bench::scenario::{Kind, MixFile, Scenario};
use bench::server::{Choice, Server};
use bench::signal::Door;
use bench::{doubt, interrupt, plot, run};
use clap::{ArgAction, Parser, Subcommand};

const EXAMPLES: &str = "Examples:
  kennel-bench                                            one load of each kind
  kennel-bench --scenario fan --subscribers 100           one to a hundred
  kennel-bench --scenario all --publishers 4 --door signalwire
  kennel-bench --set full --list                          what it would measure
docs/bench.md says how it is measured, and what was seen.";

/// Measures what a server needs for a delivered packet, and how long the packet takes.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, allow_negative_numbers = true)]
#[command(next_line_help = true, after_help = EXAMPLES)]
struct Choices {
    #[command(subcommand)]
    command: Option<Command>,
    /// What is measured, in turn; Janus by scripts/bench-janus
    #[arg(long, visible_alias = "door", value_delimiter = ',', default_value = "kennel")]
    #[arg(action = ArgAction::Set, num_args = 1, overrides_with = "doors")]
    doors: Vec<Door>,
    /// The program of Kennel
    #[arg(long, default_value = "target/release/kennel")]
    server: PathBuf,
    /// Where servers and clients are; Janus over IPv4 only
    #[arg(long, default_value = "127.0.0.1", overrides_with = "address")]
    address: IpAddr,
    /// The loads, if no one is chosen
    #[arg(long, default_value = "short", conflicts_with = "scenario")]
    set: Set,
    /// One load in place of a set
    #[arg(long)]
    scenario: Option<Kind>,
    /// How many send, in each room
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "scenario")]
    publishers: usize,
    /// How many only receive, in all rooms together
    #[arg(long, value_name = "COUNT", default_value_t = 0, requires = "scenario")]
    subscribers: usize,
    /// How many rooms; only of `many`
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "scenario")]
    rooms: usize,
    /// How long is measured, each time; 8, in a short set 4
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// How often all is measured; 3, in a short set 2, in a full one 5
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Joins a second, 20; where more than 10 send in a room, at most 4
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    joins_per_s: Option<u32>,
    /// Records everybody's tracks; by SignalWire's signaling, the mix
    #[arg(long, requires = "scenario")]
    recorded: bool,
    /// What mixes that are recorded become
    #[arg(long, default_value = "webm", requires = "recorded")]
    mix_file: MixFile,
    /// Of 100 datagrams of media so many get lost, each way
    #[arg(long, value_name = "PERCENT", default_value_t = 0, requires = "scenario", value_parser = clap::value_parser!(u8).range(..=90))]
    loss: u8,
    /// Which datagrams get lost: a number, for others another one
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
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
    /// Prints that line, too
    #[arg(long, short)]
    verbose: bool,
    /// Says what would be measured, and measures nothing
    #[arg(long)]
    list: bool,
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
            let asked = |load: Scenario| {
                let joins_per_s = self.joins_per_s.unwrap_or(load.joins_per_s);
                Scenario { seconds, seed: self.seed, joins_per_s, ..load }
            };
            return self.set.loads().into_iter().map(asked).collect();
        };
        let usual = Scenario::new(kind, self.publishers, self.subscribers);
        let seconds = self.seconds.unwrap_or(usual.seconds);
        vec![Scenario {
            rooms: self.rooms,
            seconds,
            joins_per_s: self.joins_per_s.unwrap_or(usual.joins_per_s),
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
        Some(Command::Plot { file, folder }) => lines::read(file).and_then(|all| plot::write(&all, folder)),
        Some(Command::Table { file }) => {
            lines::read(file).and_then(|all| print(&format!("{}\n{}", report::table(&all), report::ratios(&all))))
        }
        None => check(&choices).and_then(|()| if choices.list { list(&choices) } else { measure(&choices) }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("It failed: {problem}.");
            // As a shell has it of who ended by a signal.
            interrupt::caught().map_or(ExitCode::FAILURE, |signal| ExitCode::from(128 + signal as u8))
        }
    }
}

/// Writes to standard output. Who reads no further has read enough.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|problem| io::Error::new(problem.kind(), format!("standard output: {problem}"))),
    }
}

/// What was measured, and what is to be said of it.
fn tell(all: &[Figures]) -> io::Result<()> {
    let ratios = report::ratios_text(all);
    let gap = if ratios.is_empty() { "" } else { "\n" };
    print(&format!("{}{gap}{ratios}", report::text(all)))?;
    doubt::words(all).iter().for_each(|words| eprintln!("{words}"));
    Ok(())
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

/// What is measured in one round, in this order.
fn plan(choices: &Choices) -> Vec<(Choice, Scenario)> {
    // Each server has a folder of its own, from which the way to the program is another.
    let program = choices.server.canonicalize().unwrap_or_else(|_| choices.server.clone());
    let choice = |door: Door| {
        let workers = if door == Door::Janus { choices.event_loops } else { choices.workers };
        Choice { door, program: program.clone(), ip: choices.address, workers }
    };
    let of_load = |load: &Scenario| {
        let with = |door: Door| (choice(door), Scenario { is_mixed: door.is_mixed(), ..load.clone() });
        loads::doors(load, &choices.doors).into_iter().map(with).collect::<Vec<_>>()
    };
    choices.loads().iter().flat_map(of_load).collect()
}

fn list(choices: &Choices) -> io::Result<()> {
    choices.loads().iter().for_each(|load| tell_refusals(load, &choices.doors));
    let line = |(choice, load): &(Choice, Scenario)| format!("{} on {}, {} s\n", load.name(), choice.door.name(), load.seconds);
    let plan = plan(choices);
    let lines: String = plan.iter().map(line).collect();
    print(&format!("{lines}{} measurements in each of {} rounds\n", plan.len(), choices.rounds()))
}

/// Servers and rounds in turn, so that a change of the machine meets all.
fn measure(choices: &Choices) -> io::Result<()> {
    interrupt::watch()?;
    let mut file = choices.json.as_deref().map(Lines::open).transpose()?;
    for load in &choices.loads() {
        tell_refusals(load, &choices.doors);
        if choices.joins_per_s.is_some() {
            tell_pace(load);
        }
    }
    let plan = plan(choices);
    try_servers(&plan)?;
    let (mut all, mut failed, start) = (Vec::new(), 0, Instant::now());
    let mut progress = Progress { all: plan.len() * choices.rounds() as usize, done: 0 };
    let mut outcome = Ok(());
    for (round, (choice, load)) in (1..=choices.rounds()).flat_map(|round| plan.iter().map(move |one| (round, one))) {
        let (name, door) = (load.name(), choice.door.name());
        eprintln!("{}", progress.words(&name, door, start.elapsed()));
        match run::run(choice, load, round) {
            Ok(figures) => {
                outcome = note(choices, file.as_mut(), &figures);
                all.push(figures);
            }
            // The other loads may be measured all the same.
            Err(problem) if interrupt::caught().is_none() => {
                failed += 1;
                eprintln!("{name} on {door}, round {round}, failed: {problem}.");
            }
            Err(problem) => outcome = Err(problem),
        }
        // What was measured until then is shown.
        if outcome.is_err() {
            break;
        }
        progress.done += 1;
    }
    if !all.is_empty() {
        tell(&all)?;
    }
    outcome?;
    match (all.len(), failed) {
        (0, 0) => Err(io::Error::other("there was nothing to measure; why stands above")),
        (_, 0) => Ok(()),
        (whole, _) => Err(io::Error::other(format!("{failed} of {} measurements; why stands above", whole + failed))),
    }
}

/// Starts each kind of server once: one that does not start would fail under every load.
fn try_servers(plan: &[(Choice, Scenario)]) -> io::Result<()> {
    let mut tried: Vec<Door> = Vec::new();
    for (choice, load) in plan {
        if !tried.contains(&choice.door) {
            tried.push(choice.door);
            let failed = |problem: io::Error| io::Error::new(problem.kind(), format!("{}: {problem}", choice.door.name()));
            drop(Server::start(choice, load.mix_file).map_err(failed)?);
        }
    }
    Ok(())
}

/// Says where joins come slower than they were asked for.
fn tell_pace(load: &Scenario) {
    if load.joins_per_s > load.joins_per_s_max() {
        eprintln!("{}: {} joins a second, because many send in one room.", load.name(), load.joins_per_s_max());
    }
}

fn tell_refusals(load: &Scenario, doors: &[Door]) {
    for (door, why) in doors.iter().filter_map(|door| Some((door, load.refusal(*door)?))) {
        eprintln!("{} is not measured on {}: {why}.", load.name(), door.name());
    }
}

fn note(choices: &Choices, file: Option<&mut Lines>, figures: &Figures) -> io::Result<()> {
    if choices.verbose {
        eprintln!("{}", serde_json::to_string(figures)?);
    }
    if !figures.complete {
        let Figures { scenario, server, round, .. } = figures;
        eprintln!("{scenario} on {server}, round {round}: before it was measured not everybody heard everybody.");
    }
    file.map_or(Ok(()), |file| file.add(figures))
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
