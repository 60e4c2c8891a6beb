//! What was measured, as one line of JSON for each round and as a table of medians.

use serde::Serialize;

use crate::field::Tally;

/// What one round gave.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Which server.
    pub server: &'static str,
    /// Which load.
    pub scenario: String,
    /// Which round, from 1.
    pub round: u32,
    /// When it began, in seconds since 1970.
    pub unix_s: u64,
    /// Load of the machine over the minute before.
    pub load: f64,
    /// Clients in all.
    pub clients: usize,
    /// Rooms that they are in.
    pub rooms: usize,
    /// Whether everybody heard everything before it was measured.
    pub complete: bool,
    /// Packets sent by all publishers.
    pub sent: u64,
    /// Packets that receivers should have got of them.
    pub expected: u64,
    /// Packets that they got.
    pub delivered: u64,
    /// Packets that they did not get.
    pub lost: u64,
    /// Packets that the server says it passed on: fewer than expected if it chose to send less. 0 if it does not tell.
    pub forwarded: u64,
    /// Packets that came after later ones.
    pub reordered: u64,
    /// Packets that came once more.
    pub twice: u64,
    /// Streams, at each who should hear them.
    pub pairs: u64,
    /// Those of which nothing came.
    pub pairs_silent: u64,
    /// Delivered packets a second.
    pub packets_per_s: f64,
    /// CPU time of the server for each delivered packet.
    pub cpu_us_per_packet: f64,
    /// CPU time of the server for each second.
    pub server_cores: f64,
    /// The same of its threads for media.
    pub media_cores: f64,
    /// Datagrams that the server sent in one call, if it tells.
    pub datagrams_per_send: f64,
    /// Packets that the server passed on in one turn of its loop, if it tells.
    pub packets_per_turn: f64,
    /// From the sender's transport to the receiver's system; none if the machine was not quiet.
    pub latency_p50_ms: Option<f64>,
    /// The same.
    pub latency_p99_ms: Option<f64>,
    /// The same.
    pub latency_p999_ms: Option<f64>,
    /// The same.
    pub latency_max_ms: Option<f64>,
    /// By how much a thread that sleeps 1 ms overslept.
    pub hiccup_p99_ms: f64,
    /// The same.
    pub hiccup_max_ms: f64,
    /// CPU time of the generator for each delivered packet.
    pub generator_us_per_packet: f64,
    /// By how much packets were sent late.
    pub lateness_p99_ms: f64,
    /// The same.
    pub lateness_max_ms: f64,
    /// Datagrams of clients that the system took no more.
    pub unsent: u64,
    /// Datagrams that the system dropped for want of room in anybody's socket.
    pub system_dropped: u64,
    /// Memory of the idle server.
    pub rss_idle_kb: u64,
    /// Memory at the end.
    pub rss_kb: u64,
    /// Memory for each client.
    pub kb_per_client: f64,
    /// Joins that were timed, from the TCP connection to the first packet of media.
    pub joins: u64,
    /// How long they took.
    pub join_p50_ms: f64,
    /// The same.
    pub join_p99_ms: f64,
    /// Files of recordings, of those that are recorded.
    pub recorded_files: usize,
    /// Frames of pictures and packets of sound in them.
    pub recorded_frames: u64,
    /// Those that are missing between two others.
    pub recorded_lost: u64,
    /// CPU time of the server for a join, without that for the packets meanwhile.
    pub cpu_ms_per_join: Option<f64>,
}

impl Figures {
    /// Takes over what was counted.
    pub fn note(&mut self, tally: &Tally) {
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        self.sent = tally.sent;
        self.expected = tally.verdict.expected;
        self.delivered = tally.verdict.delivered;
        self.lost = self.expected - self.delivered;
        self.reordered = tally.verdict.reordered;
        self.twice = tally.verdict.twice;
        self.pairs = tally.pairs;
        self.pairs_silent = tally.pairs_silent;
        self.unsent = tally.unsent;
        self.lateness_p99_ms = ms(tally.lateness.quantile(0.99));
        self.lateness_max_ms = ms(tally.lateness.max());
    }
}

/// A column: its title and its value in one round.
type Column = (&'static str, fn(&Figures) -> Option<f64>);

const COLUMNS: [Column; 16] = [
    ("packets/s", |f| Some(f.packets_per_s)),
    ("CPU us/packet", |f| Some(f.cpu_us_per_packet)),
    ("cores", |f| Some(f.server_cores)),
    ("lost", |f| Some(f.lost as f64)),
    ("p50 ms", |f| f.latency_p50_ms),
    ("p99 ms", |f| f.latency_p99_ms),
    ("p99.9 ms", |f| f.latency_p999_ms),
    ("join p50 ms", |f| Some(f.join_p50_ms)),
    ("join p99 ms", |f| Some(f.join_p99_ms)),
    ("CPU ms/join", |f| f.cpu_ms_per_join),
    ("idle MB", |f| Some(f.rss_idle_kb as f64 / 1024.0)),
    ("kB/client", |f| Some(f.kb_per_client)),
    ("packets/turn", |f| Some(f.packets_per_turn)),
    ("datagrams/send", |f| Some(f.datagrams_per_send)),
    ("generator us/packet", |f| Some(f.generator_us_per_packet)),
    ("hiccup p99 ms", |f| Some(f.hiccup_p99_ms)),
];

/// A table: a line for each server and load, medians and the range of all rounds.
pub fn table(all: &[Figures]) -> String {
    let titles: Vec<&str> = COLUMNS.iter().map(|(title, _)| *title).collect();
    let mut text = format!("| server | load | {} |\n|---|---|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
    let mut done: Vec<(&str, &str)> = Vec::new();
    for one in all {
        let key = (one.server, one.scenario.as_str());
        if !done.contains(&key) {
            done.push(key);
            let rounds: Vec<&Figures> = all.iter().filter(|other| (other.server, other.scenario.as_str()) == key).collect();
            let cells: Vec<String> =
                COLUMNS.iter().map(|(_, of)| cell(rounds.iter().filter_map(|round| of(round)).collect())).collect();
            text += &format!("| {} | {} | {} |\n", key.0, key.1, cells.join(" | "));
        }
    }
    text
}

/// Kennel's medians as shares of those of the other server under the same loads; nothing if there is only one server.
pub fn ratios(all: &[Figures]) -> String {
    let others: Vec<&Figures> = all.iter().filter(|one| one.server != "kennel" && one.round == 1).collect();
    let line = |other: &&Figures| {
        let ratio = |of: fn(&Figures) -> Option<f64>| {
            Some(middle(all, "kennel", &other.scenario, of)? / middle(all, other.server, &other.scenario, of)?)
        };
        let show = |ratio: Option<f64>| ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let (cpu, p50, p99) = (ratio(|f| Some(f.cpu_us_per_packet)), ratio(|f| f.latency_p50_ms), ratio(|f| f.latency_p99_ms));
        let (join, memory) = (ratio(|f| Some(f.join_p50_ms)), ratio(|f| Some(f.kb_per_client)));
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            other.server,
            other.scenario,
            show(cpu),
            show(p50),
            show(p99),
            show(join),
            show(memory)
        )
    };
    if others.is_empty() {
        return String::new();
    }
    let head = "| kennel against | load | CPU/packet | p50 | p99 | join p50 | kB/client |\n|---|---|---|---|---|---|---|\n";
    format!("{head}{}", others.iter().map(line).collect::<String>())
}

fn middle(all: &[Figures], server: &str, scenario: &str, of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let rounds = all.iter().filter(|one| one.server == server && one.scenario == scenario);
    let mut values: Vec<f64> = rounds.filter_map(of).collect();
    values.sort_by(f64::total_cmp);
    median(&values)
}

/// A median, with the least and the most if they differ.
fn cell(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let Some(median) = median(&values) else { return "-".into() };
    let (least, most) = (show(values[0]), show(values[values.len() - 1]));
    if least == most { show(median) } else { format!("{} [{least}..{most}]", show(median)) }
}

/// Of values in order.
fn median(values: &[f64]) -> Option<f64> {
    let upper = values.get(values.len() / 2)?;
    let lower = values.get((values.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

fn show(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_median_and_the_range() {
        for (values, text) in [
            (vec![], "-"),
            (vec![5.0], "5.00"),
            (vec![3.0, 1.0, 2.0], "2.00 [1.00..3.00]"),
            (vec![1.0, 2.0], "1.50 [1.00..2.00]"),
            (vec![0.0, 0.0], "0"),
            (vec![20_000.4, 19_999.6], "20000"),
        ] {
            assert_eq!(cell(values), text);
        }
    }

    #[test]
    fn rounds_of_one_load_are_one_line() {
        let round = |scenario: &str, lost| Figures { server: "kennel", scenario: scenario.into(), lost, ..Figures::default() };
        let text = table(&[round("1 to 10", 1), round("1 to 50", 0), round("1 to 10", 3)]);
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("| kennel | 1 to 10 | 0 | 0 | 0 | 2.00 [1.00..3.00] |"), "{text}");
    }

    #[test]
    fn ratios_are_those_of_medians() {
        let round = |server, round, cpu_us_per_packet| Figures { server, round, cpu_us_per_packet, ..Figures::default() };
        let all = [round("kennel", 1, 4.0), round("janus", 1, 10.0), round("kennel", 2, 5.0), round("janus", 2, 30.0)];
        let all: Vec<Figures> = all.into_iter().chain([round("kennel", 3, 9.0), round("janus", 3, 20.0)]).collect();
        assert!(ratios(&all).contains("| janus |  | 0.25 | - | - |"), "{}", ratios(&all));
        assert_eq!(ratios(&all[..1]), "");
    }
}
