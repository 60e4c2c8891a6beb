//! Under what was measured: programs, machine and options. Only rounds with the same ones are put together.

use std::num::NonZero;
use std::process::Command;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;
use crate::server::{Choice, JANUS};
use crate::signal::Door;

/// What a round was measured with. What a line of an older program does not say is empty or zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The server's version, as it says it.
    pub server_version: String,
    /// When its program was made, in seconds since 1970; of Kennel only.
    pub server_made_unix_s: u64,
    /// The version of this program.
    pub bench_version: String,
    /// The machine's processor.
    pub machine: String,
    /// How many of them this program may use.
    pub processors: usize,
    /// The system's release.
    pub kernel: String,
    /// Threads for media: Kennel's workers, event loops of Janus.
    pub media_threads: usize,
    /// How long was measured.
    pub seconds: u64,
    /// Of a hundred datagrams of media so many were dropped on purpose.
    pub loss_percent: u8,
    /// Which ones.
    pub seed: u64,
    /// Joins a second.
    pub joins_per_s: u32,
}

impl Settings {
    /// Those of a measurement. Asks the server's program for its version.
    pub fn of(choice: &Choice, scenario: &Scenario) -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let program = if choice.door == Door::Janus { JANUS.as_ref() } else { choice.program.as_path() };
        let made = choice.program.metadata().and_then(|about| about.modified()).ok().filter(|_| choice.door != Door::Janus);
        let said = Command::new(program).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
        Settings {
            server_version: version(&String::from_utf8_lossy(&said)),
            server_made_unix_s: made.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |time| time.as_secs()),
            bench_version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: processor(&read("/proc/cpuinfo")),
            processors: std::thread::available_parallelism().map_or(0, NonZero::get),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            media_threads: choice.workers,
            seconds: scenario.seconds,
            loss_percent: scenario.loss_percent,
            seed: scenario.seed,
            joins_per_s: scenario.joins_per_s.min(scenario.joins_per_s_max()),
        }
    }

    /// Whether two servers can be compared by rounds with these: what is not of the servers themselves is the same.
    pub fn is_fair_to(&self, other: &Settings) -> bool {
        let outside =
            |one: &Settings| Settings { server_version: String::new(), server_made_unix_s: 0, media_threads: 0, ..one.clone() };
        outside(self) == outside(other)
    }

    /// What tells these from others, in words; none if nothing does.
    pub fn unlike(&self, others: &[&Settings]) -> Option<String> {
        type Part = (bool, String);
        let differs = |of: fn(&Settings) -> String| others.iter().any(|other| of(other) != of(self));
        let made = |one: &Settings| one.server_made_unix_s.to_string();
        let parts: [Part; 10] = [
            (differs(|one| one.server_version.clone()), format!("version {}", self.server_version)),
            (differs(made), format!("program of {}", time(self.server_made_unix_s))),
            (differs(|one| one.bench_version.clone()), format!("kennel-bench {}", self.bench_version)),
            (differs(|one| format!("{} {}", one.processors, one.machine)), format!("{} x {}", self.processors, self.machine)),
            (differs(|one| one.kernel.clone()), format!("Linux {}", self.kernel)),
            (differs(|one| one.media_threads.to_string()), format!("media threads {}", self.media_threads)),
            (differs(|one| one.seconds.to_string()), format!("{} s", self.seconds)),
            (differs(|one| one.loss_percent.to_string()), format!("{} % lost", self.loss_percent)),
            (differs(|one| one.seed.to_string()), format!("seed {}", self.seed)),
            (differs(|one| one.joins_per_s.to_string()), format!("{} joins/s", self.joins_per_s)),
        ];
        let words: Vec<String> = parts.into_iter().filter(|(differs, _)| *differs).map(|(_, words)| words).collect();
        (!words.is_empty()).then(|| if *self == Settings::default() { "settings unknown".into() } else { words.join(", ") })
    }

    /// The machine in words; none if it is not known.
    pub fn place(&self) -> Option<String> {
        let Settings { processors, machine, kernel, .. } = self;
        (!kernel.is_empty()).then(|| format!("{processors} x {machine}, Linux {kernel}"))
    }
}

/// The number of a version in what a program says of itself: what stands in brackets, or the last word of its first line.
fn version(said: &str) -> String {
    let line = said.lines().next().unwrap_or_default();
    let inner = line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inner, _)| inner);
    let number = inner.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    number.or(line.split_whitespace().last()).unwrap_or_default().to_owned()
}

/// What the first processor is called (`/proc/cpuinfo`); its kind where it has no name.
fn processor(cpuinfo: &str) -> String {
    let named = |line: &str| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim().to_owned());
    cpuinfo.lines().find_map(named).filter(|name| !name.is_empty()).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// A time of day and its date, UTC.
fn time(unix_s: u64) -> String {
    let minute = unix_s / 60;
    format!("{} {:02}:{:02}", crate::plot::date(unix_s / 86_400), minute / 60 % 24, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_programs_say() {
        for (said, number) in [
            ("kennel 0.1.0\n", "0.1.0"),
            ("Janus version: 1102 (1.1.2)\nJanus commit: not-a-git-repo\n", "1.1.2"),
            ("sleep (GNU coreutils) 9.1\n", "9.1"),
            ("", ""),
        ] {
            assert_eq!(version(said), number, "{said}");
        }
    }

    #[test]
    fn a_processor_has_a_name_or_a_kind() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: AMD EPYC\n"), "AMD EPYC");
        assert_eq!(processor("processor\t: 0\n"), std::env::consts::ARCH);
    }

    #[test]
    fn what_differs_is_said_and_nothing_else() {
        let one = Settings { media_threads: 1, seconds: 4, kernel: "6.18".into(), ..Settings::default() };
        let two = Settings { media_threads: 2, ..one.clone() };
        assert_eq!(two.unlike(&[&one]).as_deref(), Some("media threads 2"));
        assert_eq!((one.unlike(&[&one]), one.unlike(&[])), (None, None));
        assert_eq!(Settings::default().unlike(&[&one]).as_deref(), Some("settings unknown"));
        let later = Settings { server_made_unix_s: 1_795_305_600, ..one.clone() };
        assert_eq!(later.unlike(&[&one]).as_deref(), Some("program of 2026-11-22 00:00"));
        // Servers are compared with as many threads as each needs, not for unlike times.
        assert!(two.is_fair_to(&one) && later.is_fair_to(&one));
        assert!(!Settings { seconds: 8, ..one.clone() }.is_fair_to(&one));
    }

    #[test]
    fn here_is_somewhere() {
        let choice = Choice { door: Door::Kennel, program: "/bin/true".into(), ip: [127, 0, 0, 1].into(), workers: 3 };
        let scenario = Scenario { seed: 7, ..Scenario::new(crate::scenario::Kind::Fan, 1, 2) };
        let here = Settings::of(&choice, &scenario);
        assert!(here.processors > 0 && !here.machine.is_empty() && !here.kernel.is_empty() && here.server_made_unix_s > 0);
        assert_eq!((here.media_threads, here.seconds, here.seed, here.joins_per_s), (3, 8, 7, 20));
    }
}
