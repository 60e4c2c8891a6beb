//! What was measured, as one line of JSON for each round and as a table of medians.

use serde::{Deserialize, Serialize};

use crate::doubt::is_disturbed;
use crate::layout::{self, NOTHING};
use crate::settings::Settings;
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
    /// With what, and where.
    #[serde(flatten)]
    pub settings: Settings,
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
    /// Packets that came to the server when it had too much to do, and were dropped by it. 0 if it does not tell.
    pub dropped_late: u64,
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

const COLUMNS: [Column; 34] = [
    ("packets/s", |f| Some(f.packets_per_s)),
    ("CPU us/packet", |f| Some(f.cpu_us_per_packet)),
    ("cores", |f| Some(f.server_cores)),
    ("lost", |f| Some(f.lost as f64)),
    ("dropped late", |f| some(f.dropped_late)),
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
    ("files", |f| some(f.recorded_files as u64)),
    ("frames", |f| some(f.recorded_frames)),
    ("frames lost", |f| some(f.recorded_files as u64).map(|_| f.recorded_lost as f64)),
    ("idle MB", |f| Some(f.rss_idle_kb as f64 / 1024.0)),
    ("kB/client", |f| Some(f.kb_per_client)),
    ("own kB/client", own),
    ("packets/turn", |f| told(f.packets_per_turn)),
    ("datagrams/send", |f| told(f.datagrams_per_send)),
    ("generator us/packet", |f| Some(f.generator_us_per_packet)),
    ("sent late max ms", |f| Some(f.lateness_max_ms)),
    ("hiccup p99 ms", |f| Some(f.hiccup_p99_ms)),
    ("machine load", |f| Some(f.load)),
];

/// Columns that say little of a server when the machine left threads waiting.
const DOUBTFUL: [&str; 4] = ["lost", "join p50 ms", "join p99 ms", "to picture p50 ms"];

fn some(count: u64) -> Option<f64> {
    (count > 0).then_some(count as f64)
}

/// A share, if the server tells it.
fn told(value: f64) -> Option<f64> {
    (value > 0.0).then_some(value)
}

/// Memory of its own for each client, if that was looked at.
fn own(one: &Figures) -> Option<f64> {
    (one.own_kb > 0).then_some(one.own_kb_per_client)
}

/// A time of joins, if any join was timed.
fn timed(one: &Figures, ms: f64) -> Option<f64> {
    (one.joins > 0).then_some(ms)
}

/// All rounds of a server under a load with the same settings.
pub struct Row<'a> {
    /// The server.
    pub server: &'a str,
    /// The load.
    pub load: &'a str,
    /// With what.
    pub settings: &'a Settings,
    /// In the order in which they were measured.
    pub rounds: Vec<&'a Figures>,
}

/// Rounds that can be put together, in the order in which they were measured first.
pub fn rows(all: &[Figures]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for one in all {
        let (server, load, settings) = (one.server.as_str(), one.scenario.as_str(), &one.settings);
        match rows.iter_mut().find(|row| (row.server, row.load, row.settings) == (server, load, settings)) {
            Some(row) => row.rounds.push(one),
            None => rows.push(Row { server, load, settings, rounds: vec![one] }),
        }
    }
    rows
}

/// What was measured last of each server and load: rounds with other settings than these are left out.
pub fn newest(all: &[Figures]) -> Vec<Figures> {
    let is_of = |one: &Figures, other: &Figures| (&one.server, &one.scenario) == (&other.server, &other.scenario);
    let newest = |one: &&Figures| all.iter().rfind(|other| is_of(one, other)).is_some_and(|last| last.settings == one.settings);
    all.iter().filter(newest).cloned().collect()
}

/// A table for Markdown: a line for each server, load and settings, medians and the range of all rounds. A column in which nothing stands is
/// left out.
pub fn table(all: &[Figures]) -> String {
    let (titles, rows) = cells(all);
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    format!("{}|{}\n{}", line(&titles), "---|".repeat(titles.len()), rows.iter().map(|row| line(row)).collect::<String>())
}

/// The same for a terminal.
pub fn text(all: &[Figures]) -> String {
    let (titles, rows) = cells(all);
    layout::bands(&titles, &rows)
}

/// Titles and rows of the table.
fn cells(all: &[Figures]) -> (Vec<String>, Vec<Vec<String>>) {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|(_, of)| all.iter().any(|one| of(one).is_some())).collect();
    let titles =
        ["server", "load", "rounds"].into_iter().chain(columns.iter().map(|(title, _)| *title)).map(String::from).collect();
    let rows = rows(all);
    let line = |row: &Row<'_>| {
        let names = [label(row, &rows), row.load.to_owned(), count(row)];
        let cells = columns.iter().map(|(title, of)| {
            let marked = DOUBTFUL.contains(title) && row.rounds.iter().any(|one| is_disturbed(one) && of(one).is_some());
            let cell = cell(row.rounds.iter().filter_map(|round| of(round)).collect());
            if marked { cell + " ?" } else { cell }
        });
        names.into_iter().chain(cells).collect()
    };
    (titles, rows.iter().map(line).collect())
}

/// A server, and what tells its settings from those of other lines of it under the same load.
fn label(row: &Row<'_>, rows: &[Row<'_>]) -> String {
    let others = rows.iter().filter(|other| (other.server, other.load) == (row.server, row.load));
    let others: Vec<&Settings> = others.map(|other| other.settings).collect();
    row.settings.unlike(&others).map_or(row.server.to_owned(), |words| format!("{} ({words})", row.server))
}

/// How many rounds there are, and how many of them gave a latency where others did not.
fn count(row: &Row<'_>) -> String {
    let (all, timed) = (row.rounds.len(), row.rounds.iter().filter(|one| one.latency_p50_ms.is_some()).count());
    let busy = row.rounds.iter().any(|one| is_disturbed(one));
    if busy && timed < all { format!("{all}, {timed} timed") } else { all.to_string() }
}

/// Kennel's medians as shares of its peer's under the same loads and settings, for Markdown; nothing without a peer.
pub fn ratios(all: &[Figures]) -> String {
    let Some((titles, rows)) = shares(all) else { return String::new() };
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    format!("{}|{}\n{}", line(&titles), "---|".repeat(titles.len()), rows.iter().map(|row| line(row)).collect::<String>())
}

/// The same for a terminal.
pub fn ratios_text(all: &[Figures]) -> String {
    shares(all).map(|(titles, rows)| layout::bands(&titles, &rows)).unwrap_or_default()
}

fn shares(all: &[Figures]) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let rows = rows(all);
    let is_pair = |ours: &&Row<'_>, theirs: &Row<'_>| {
        ours.server == "kennel" && ours.load == theirs.load && ours.settings.is_fair_to(theirs.settings)
    };
    let line = |ours: Option<&Row<'_>>, theirs: &Row<'_>| {
        let share = |of| Some(middle(&ours?.rounds, of)? / middle(&theirs.rounds, of)?);
        let cells = RATIOS.map(|(_, of)| share(of).map_or(NOTHING.into(), |share| format!("{share:.2}")));
        let names = ours.map_or("-".to_owned(), |ours| label(ours, &rows));
        [format!("{names} / {}", label(theirs, &rows)), theirs.load.to_owned()].into_iter().chain(cells).collect()
    };
    let mut lines = Vec::new();
    for theirs in rows.iter().filter(|row| row.server == PEER) {
        let ours: Vec<&Row<'_>> = rows.iter().filter(|ours| is_pair(ours, theirs)).collect();
        lines.extend(ours.iter().map(|ours| line(Some(ours), theirs)));
        if ours.is_empty() {
            lines.push(line(None, theirs));
        }
    }
    let titles = ["kennel / peer", "load"].into_iter().chain(RATIOS.map(|(title, _)| title)).map(String::from).collect();
    (!lines.is_empty()).then_some((titles, lines))
}

/// Kennel's median of a figure under a load as a share of its peer's; none if either was not measured, or not with the same settings. All
/// are of the [`newest`].
pub fn ratio(all: &[Figures], load: &str, of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let rows = rows(all);
    let find = |server| rows.iter().find(|row| (row.server, row.load) == (server, load));
    let (ours, theirs) = (find("kennel")?, find(PEER)?);
    let is_fair = ours.settings.is_fair_to(theirs.settings);
    Some(middle(&ours.rounds, of)? / middle(&theirs.rounds, of)?).filter(|_| is_fair)
}

/// The median of a figure of rounds; none if it was not measured.
pub fn middle(rounds: &[&Figures], of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let mut values: Vec<f64> = rounds.iter().filter_map(|one| of(one)).collect();
    values.sort_by(f64::total_cmp);
    median(&values)
}

/// A median, with the least and the most if they differ.
fn cell(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let Some(median) = median(&values) else { return NOTHING.into() };
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
        assert!(text.contains("| kennel | 1 to 10 | 2 | 0 | 0 | 0 | 2.00 [1.00..3.00] |"), "{text}");
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
        assert!(ratios(&all).contains("| kennel / janus |  | 0.25 | - | - |"), "{}", ratios(&all));
        assert_eq!(ratios(&all[..1]), "");
    }
    #[test]
    fn what_was_measured_otherwise_is_another_line() {
        let round = |server: &str, media_threads, seconds, cpu_us_per_packet| Figures {
            server: server.into(),
            scenario: "1 to 10".into(),
            cpu_us_per_packet,
            settings: Settings { media_threads, seconds, ..Settings::default() },
            ..Figures::default()
        };
        let all =
            [round("kennel", 1, 4, 6.0), round("kennel", 2, 4, 8.0), round("kennel", 2, 4, 8.0), round("janus", 2, 4, 12.0)];
        let text = table(&all);
        assert!(text.contains("| kennel (media threads 1) | 1 to 10 | 1 |"), "{text}");
        assert!(
            text.contains("| kennel (media threads 2) | 1 to 10 | 2 |") && text.contains("| janus | 1 to 10 | 1 |"),
            "{text}"
        );
        let shares = ratios(&all);
        assert!(shares.contains("(media threads 1) / janus | 1 to 10 | 0.50 |") && shares.contains("| 0.67 |"), "{shares}");
        // Rounds of another length are no comparison.
        assert!(ratios(&[all[0].clone(), round("janus", 2, 8, 12.0)]).contains("| - / janus | 1 to 10 | - |"));
        let newest = newest(&all);
        assert_eq!((newest.len(), newest[0].settings.media_threads), (3, 2));
        assert_eq!(ratio(&newest, "1 to 10", |one| Some(one.cpu_us_per_packet)), Some(8.0 / 12.0));
    }

    #[test]
    fn figures_of_a_busy_machine_are_marked() {
        let quiet =
            Figures { server: "kennel".into(), joins: 3, join_p50_ms: 12.0, latency_p50_ms: Some(0.2), ..Figures::default() };
        let busy = Figures { hiccup_p99_ms: 16.0, lost: 7, join_p50_ms: 998.0, latency_p50_ms: None, ..quiet.clone() };
        let text = table(&[quiet.clone(), busy]);
        assert!(text.contains("| 2, 1 timed |") && text.contains("[0..7.00] ? |") && text.contains("[12.0..998] ? |"), "{text}");
        assert!(!table(std::slice::from_ref(&quiet)).contains('?'));
    }

    #[test]
    fn what_a_server_dropped_late_and_what_was_recorded_is_shown_where_it_is() {
        let plain = Figures { server: "kennel".into(), ..Figures::default() };
        assert!(
            !["dropped late", "files", "packets/turn"].iter().any(|title| table(std::slice::from_ref(&plain)).contains(title))
        );
        let more = Figures { dropped_late: 3_174, recorded_files: 50, recorded_frames: 27_848, ..plain };
        let text = table(std::slice::from_ref(&more));
        assert!(text.contains("dropped late") && text.contains("| 3174 |") && text.contains("| 50.0 | 27848 | 0 |"), "{text}");
    }
}
