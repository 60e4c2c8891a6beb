//! What was measured, as one line of JSON for each round and as a table of medians.

use serde::{Deserialize, Serialize};

use crate::tally::Tally;

/// What one round gave. What a line of an older program does not say is zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Which server.
    pub server: String,
    /// Which load.
    pub scenario: String,
    /// Of which kind.
    pub kind: String,
    /// How many receive what one sends.
    pub receivers: usize,
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
    /// Of the idle server, memory of its own: without pages of files, such as the program itself, of which more are looked at when the first
    /// client comes.
    pub own_idle_kb: u64,
    /// The same at the end.
    pub own_kb: u64,
    /// The same for each client.
    pub own_kb_per_client: f64,
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
    /// Pictures a second of each file that has any.
    pub recorded_pictures_per_s: Option<f64>,
    /// CPU time of the server for a join, without that for the packets meanwhile.
    pub cpu_ms_per_join: Option<f64>,
    /// The median of joins until the first packet of pictures, where streams are looked at.
    pub join_picture_p50_ms: Option<f64>,
    /// CPU time of the server for a second of each room's mix.
    pub cores_per_mix: Option<f64>,
    /// Mixed pictures that the server encoded a second, each rendition by itself.
    pub mixed_pictures_per_s: Option<f64>,
    /// Frames a second of each stream of pictures, where streams are looked at.
    pub frames_per_s: Option<f64>,
    /// Layers that viewers asked for.
    pub switches_asked: u64,
    /// Those of them that came before the next one was asked for.
    pub switches_done: u64,
    /// How often another layer came.
    pub switches: u64,
    /// From asking until the layer came.
    pub switch_p50_ms: Option<f64>,
    /// The same.
    pub switch_p99_ms: Option<f64>,
    /// Pictures missing between two others, where streams are looked at.
    pub pictures_lost: u64,
    /// Key frames that viewers asked for, each by itself.
    pub keys_asked: u64,
    /// How often one began to come to who had asked.
    pub keys_done: u64,
    /// Key frames that the server asked senders for.
    pub keys_asked_senders: u64,
    /// Key frames that were sent.
    pub keys_sent: u64,
    /// From asking until a key frame began to come.
    pub key_p50_ms: Option<f64>,
    /// The same.
    pub key_p99_ms: Option<f64>,
    /// Datagrams of media that were dropped on purpose, to clients and from them.
    pub dropped: u64,
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
        self.unsent = tally.meters.unsent;
        self.lateness_p99_ms = ms(tally.meters.lateness.quantile(0.99));
        self.lateness_max_ms = ms(tally.meters.lateness.max());
        self.dropped = tally.meters.dropped;
        self.switches_asked = tally.meters.switches_asked;
        self.switches = tally.switches;
        self.pictures_lost = tally.pictures_lost;
        self.keys_asked = tally.meters.keys_asked;
        (self.keys_asked_senders, self.keys_sent) = (tally.keys_asked, tally.keys_sent);
    }
}

/// The server that Kennel is compared with.
pub const PEER: &str = "janus";

/// What is compared.
const RATIOS: [Column; 6] = [
    ("CPU/packet", |f| Some(f.cpu_us_per_packet)),
    ("p50", |f| f.latency_p50_ms),
    ("p99", |f| f.latency_p99_ms),
    ("join p50", |f| timed(f, f.join_p50_ms)),
    ("kB/client", |f| Some(f.kb_per_client)),
    ("own kB/client", own),
];

/// A column: its title and its value in one round.
type Column = (&'static str, fn(&Figures) -> Option<f64>);

const COLUMNS: [Column; 29] = [
    ("packets/s", |f| Some(f.packets_per_s)),
    ("CPU us/packet", |f| Some(f.cpu_us_per_packet)),
    ("cores", |f| Some(f.server_cores)),
    ("lost", |f| Some(f.lost as f64)),
    ("p50 ms", |f| f.latency_p50_ms),
    ("p99 ms", |f| f.latency_p99_ms),
    ("p99.9 ms", |f| f.latency_p999_ms),
    ("join p50 ms", |f| timed(f, f.join_p50_ms)),
    ("join p99 ms", |f| timed(f, f.join_p99_ms)),
    ("to picture p50 ms", |f| f.join_picture_p50_ms),
    ("CPU ms/join", |f| f.cpu_ms_per_join),
    ("cores/mix", |f| f.cores_per_mix),
    ("pictures/s", |f| f.frames_per_s),
    ("recorded pictures/s", |f| f.recorded_pictures_per_s),
    ("switches asked", |f| some(f.switches_asked)),
    ("done", |f| f.switch_p50_ms.map(|_| f.switches_done as f64)),
    ("switch p50 ms", |f| f.switch_p50_ms),
    ("pictures lost", |f| f.switch_p50_ms.map(|_| f.pictures_lost as f64)),
    ("keys asked", |f| some(f.keys_asked)),
    ("keys sent", |f| f.key_p50_ms.map(|_| f.keys_sent as f64)),
    ("key p50 ms", |f| f.key_p50_ms),
    ("idle MB", |f| Some(f.rss_idle_kb as f64 / 1024.0)),
    ("kB/client", |f| Some(f.kb_per_client)),
    ("own kB/client", own),
    ("packets/turn", |f| Some(f.packets_per_turn)),
    ("datagrams/send", |f| Some(f.datagrams_per_send)),
    ("generator us/packet", |f| Some(f.generator_us_per_packet)),
    ("sent late max ms", |f| Some(f.lateness_max_ms)),
    ("hiccup p99 ms", |f| Some(f.hiccup_p99_ms)),
];

fn some(count: u64) -> Option<f64> {
    (count > 0).then_some(count as f64)
}

/// Memory of its own for each client, if that was looked at.
fn own(one: &Figures) -> Option<f64> {
    (one.own_kb > 0).then_some(one.own_kb_per_client)
}

/// A time of joins, if any join was timed.
fn timed(one: &Figures, ms: f64) -> Option<f64> {
    (one.joins > 0).then_some(ms)
}

/// A table: a line for each server and load, medians and the range of all rounds. A column in which nothing stands is left out.
pub fn table(all: &[Figures]) -> String {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|(_, of)| all.iter().any(|one| of(one).is_some())).collect();
    let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    let mut text = format!("| server | load | {} |\n|---|---|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
    for (server, load) in loads(all) {
        let rounds: Vec<&Figures> = all.iter().filter(|one| one.server == server && one.scenario == load).collect();
        let cells: Vec<String> =
            columns.iter().map(|(_, of)| cell(rounds.iter().filter_map(|round| of(round)).collect())).collect();
        text += &format!("| {server} | {load} | {} |\n", cells.join(" | "));
    }
    text
}

/// Servers and loads, in the order in which they were measured first.
fn loads(all: &[Figures]) -> Vec<(&str, &str)> {
    let mut loads: Vec<(&str, &str)> = Vec::new();
    for one in all {
        let key = (one.server.as_str(), one.scenario.as_str());
        if !loads.contains(&key) {
            loads.push(key);
        }
    }
    loads
}

/// Kennel's medians as shares of its peer's under the same loads; nothing without a peer.
pub fn ratios(all: &[Figures]) -> String {
    let peers: Vec<(&str, &str)> = loads(all).into_iter().filter(|(server, _)| *server == PEER).collect();
    if peers.is_empty() {
        return String::new();
    }
    let line = |(peer, load): &(&str, &str)| {
        let cell = |of| ratio(all, load, of).map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let cells = RATIOS.map(|(_, of)| cell(of));
        format!("| {peer} | {load} | {} |\n", cells.join(" | "))
    };
    let head = format!(
        "| kennel against | load | {} |\n|---|---|{}\n",
        RATIOS.map(|(title, _)| title).join(" | "),
        "---|".repeat(RATIOS.len())
    );
    format!("{head}{}", peers.iter().map(line).collect::<String>())
}

/// Kennel's median of a figure under a load as a share of its peer's; none if either was not measured.
pub fn ratio(all: &[Figures], load: &str, of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    Some(middle(all, "kennel", load, of)? / middle(all, PEER, load, of)?)
}

/// The median of a figure of all rounds of a load; none if it was not measured.
pub fn middle(all: &[Figures], server: &str, load: &str, of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let rounds = all.iter().filter(|one| one.server == server && one.scenario == load);
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
        let round =
            |scenario: &str, lost| Figures { server: "kennel".into(), scenario: scenario.into(), lost, ..Figures::default() };
        let text = table(&[round("1 to 10", 1), round("1 to 50", 0), round("1 to 10", 3)]);
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("| kennel | 1 to 10 | 0 | 0 | 0 | 2.00 [1.00..3.00] |"), "{text}");
    }

    #[test]
    fn what_nothing_stands_in_is_no_column() {
        let plain = Figures { server: "kennel".into(), ..Figures::default() };
        assert!(!table(std::slice::from_ref(&plain)).contains("cores/mix"));
        let mixed = Figures { server: "signalwire".into(), cores_per_mix: Some(0.25), ..Figures::default() };
        let text = table(&[plain, mixed]);
        assert!(text.contains("cores/mix") && text.contains(" 0.25 |"), "{text}");
    }

    #[test]
    fn joins_that_were_not_timed_took_no_time_that_is_known() {
        let round = |joins, join_p50_ms| Figures { server: "kennel".into(), joins, join_p50_ms, ..Figures::default() };
        let text = table(&[round(0, 0.0), round(3, 12.5)]);
        assert!(text.contains("join p50 ms") && text.contains("| 12.5 |"), "{text}");
        assert!(!table(&[round(0, 0.0)]).contains("join p50 ms"));
    }

    #[test]
    fn a_line_is_read_as_it_was_written_and_older_ones_too() {
        let whole = Figures { server: "kennel".into(), latency_p50_ms: Some(0.5), cores_per_mix: None, ..Figures::default() };
        let line = serde_json::to_string(&whole).expect("a line");
        assert_eq!(serde_json::from_str::<Figures>(&line).expect("the same"), whole);
        let old = serde_json::from_str::<Figures>(r#"{"server":"janus","latency_p50_ms":null}"#).expect("a line");
        assert_eq!(old, Figures { server: "janus".into(), ..Figures::default() });
    }

    #[test]
    fn ratios_are_those_of_medians() {
        let round = |server: &str, round, cpu_us_per_packet| Figures {
            server: server.into(),
            round,
            cpu_us_per_packet,
            ..Figures::default()
        };
        let all = [round("kennel", 1, 4.0), round("janus", 1, 10.0), round("kennel", 2, 5.0), round("janus", 2, 30.0)];
        let all: Vec<Figures> = all.into_iter().chain([round("kennel", 3, 9.0), round("janus", 3, 20.0)]).collect();
        assert!(ratios(&all).contains("| janus |  | 0.25 | - | - |"), "{}", ratios(&all));
        assert_eq!(ratios(&all[..1]), "");
    }
}
