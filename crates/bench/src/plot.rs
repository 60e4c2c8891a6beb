//! Drawings of what was measured: what a packet costs by how many receive it, the peer's share of that, and how late packets come.

mod svg;

use std::fs;
use std::io;
use std::path::Path;

use self::svg::{Anchor, SERVERS, Svg};
use crate::report::{self, Figures, PEER, newest, ratio};

/// The servers in drawings, in this order.
const NAMES: [&str; 2] = ["kennel", PEER];

/// Pixels of a drawing's width, of its margins, and of a line in it.
const WIDTH: f64 = 720.0;
const LEFT: f64 = 230.0;
const RIGHT: f64 = 50.0;
const TOP: f64 = 74.0;
const ROW: f64 = 30.0;

/// Pixels from the lowest line to the lower end.
const BOTTOM: f64 = 74.0;

/// Pixels of the height of a drawing with an axis upwards.
const TALL: f64 = 380.0;

/// Latencies below and above are drawn at the edge, in ms.
const LATENCY_MS: (f64, f64) = (0.02, 100.0);

/// Between these a cost of a packet is drawn, in µs.
const COST_LEAST_US: f64 = 0.001;
const COST_MOST_US: f64 = 1e6;

/// Pixels between the middles of two words below an axis, at least.
const WORD: f64 = 64.0;

/// Which latencies.
type Latency = (&'static str, fn(&Figures) -> Option<f64>);
const LATENCIES: [Latency; 3] = [("p50", |f| f.latency_p50_ms), ("p99", |f| f.latency_p99_ms), ("p99.9", |f| f.latency_p999_ms)];

/// Draws what was measured last of each load into a folder, which is made where it is missing; what was not measured is not drawn.
///
/// # Errors
/// Nothing of it was measured, or what the system says.
pub fn write(all: &[Figures], folder: &Path) -> io::Result<()> {
    let drawn = newest(all);
    if drawn.len() < all.len() {
        eprintln!(
            "{} of {} rounds are not drawn: the same was measured later with other settings.",
            all.len() - drawn.len(),
            all.len()
        );
    }
    let all = &drawn[..];
    let drawings = [("bench-cpu.svg", cpu(all)), ("bench-ratio.svg", ratios(all)), ("bench-latency.svg", latency(all))];
    if drawings.iter().all(|(_, text)| text.is_none()) {
        return Err(io::Error::other("there is nothing to draw: no fan, no peer and no latency"));
    }
    let failed = |e: io::Error| io::Error::other(format!("{}: {e}", folder.display()));
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in drawings {
        match text {
            Some(text) => fs::write(folder.join(name), text).map_err(failed)?,
            None => eprintln!("{name} is not drawn: nothing of it was measured."),
        }
    }
    Ok(())
}

/// What a delivered packet costs, by how many receive it.
pub fn cpu(all: &[Figures]) -> Option<String> {
    let fans = || all.iter().filter(|one| NAMES.contains(&one.server.as_str()) && cost(one).is_some());
    let mut counts: Vec<usize> = fans().filter_map(viewers).collect();
    counts.sort_unstable();
    counts.dedup();
    let most = fans().filter(|one| viewers(one).is_some()).filter_map(cost).reduce(f64::max)?;
    let mut svg = begin(TALL, "CPU time of the server for a delivered packet, in µs", all);
    let (low, high) = (TALL - BOTTOM, TOP);
    let step = nice(most / 5.0);
    let top = (most / step).ceil() * step;
    let y = |us: f64| low - (low - high) * us / top;
    let x = |at: usize| 70.0 + (WIDTH - 70.0 - RIGHT) * (at as f64 + 0.5) / counts.len() as f64;
    for n in 0..=(top / step).round() as u32 {
        let us = f64::from(n) * step;
        svg.line((70.0, y(us)), (WIDTH - RIGHT, y(us)), "rule", 1.0);
        svg.text((60.0, y(us) + 4.0), Anchor::End, "quiet", 12.0, &short(us));
    }
    // Of many sizes not each has a word.
    let apart = (WORD * counts.len() as f64 / (WIDTH - 70.0 - RIGHT)).ceil().max(1.0) as usize;
    for (at, count) in counts.iter().enumerate().step_by(apart) {
        svg.text((x(at), low + 20.0), Anchor::Middle, "ink", 13.0, &format!("1 to {count}"));
    }
    for (server, name) in NAMES.iter().enumerate() {
        let points: Vec<(f64, f64, (f64, f64))> = counts
            .iter()
            .enumerate()
            .filter_map(|(at, count)| {
                let rounds = all.iter().filter(|one| one.server == *name && viewers(one) == Some(*count));
                let (least, most) = range(rounds.filter_map(cost))?;
                let median = middle(all, name, &format!("1 to {count}"), cost)?;
                Some((x(at) + server as f64 * 6.0 - 3.0, median, (least, most)))
            })
            .collect();
        for pair in points.windows(2) {
            svg.line((pair[0].0, y(pair[0].1)), (pair[1].0, y(pair[1].1)), SERVERS[server], 2.0);
        }
        for (n, (x, median, (least, most))) in points.iter().enumerate() {
            svg.line((*x, y(*least)), (*x, y(*most)), SERVERS[server], 1.5);
            svg.mark((*x, y(*median)), server);
            if n % apart > 0 {
                continue;
            }
            svg.text((*x + 10.0, y(*median) - 8.0), Anchor::Start, SERVERS[server], 12.0, &short(*median));
        }
    }
    Some(svg.finish())
}

/// To how many one publisher sends, with nothing else to it. The name says it in lines of older programs too.
fn viewers(one: &Figures) -> Option<usize> {
    one.scenario.strip_prefix("1 to ")?.parse().ok()
}

/// What a packet cost, if that can be: a round in which nothing came has none, and a file may say anything.
fn cost(one: &Figures) -> Option<f64> {
    Some(one.cpu_us_per_packet).filter(|us| (COST_LEAST_US..COST_MOST_US).contains(us))
}

/// The median of a figure of all rounds of a server under a load; none if it was not measured.
fn middle(all: &[Figures], server: &str, load: &str, of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let rounds: Vec<&Figures> = all.iter().filter(|one| one.server == server && one.scenario == load).collect();
    report::middle(&rounds, of)
}

/// Kennel's CPU time for a packet as a share of its peer's, by load.
pub fn ratios(all: &[Figures]) -> Option<String> {
    let rows: Vec<(&str, f64)> = loads(all).into_iter().filter_map(|load| Some((load, ratio(all, load, cost)?))).collect();
    let most = rows.iter().map(|(_, ratio)| *ratio).reduce(f64::max)?.max(1.0);
    let low = TOP + ROW * rows.len() as f64;
    let title = format!("CPU time for a delivered packet as a share of what {PEER} needs");
    let mut svg = begin(low + BOTTOM, &title, all);
    let x = |share: f64| LEFT + (WIDTH - LEFT - RIGHT) * share / most;
    let step = nice(most / 8.0);
    for share in (0..=8).map(|n| f64::from(n) * step).filter(|share| *share <= most) {
        let (colour, thick) = if share == 1.0 { ("quiet", 2.0) } else { ("rule", 1.0) };
        svg.line((x(share), TOP), (x(share), low), colour, thick);
        svg.text((x(share), low + 18.0), Anchor::Middle, "quiet", 12.0, &short(share));
    }
    for (n, (load, share)) in rows.iter().enumerate() {
        let y = TOP + ROW * n as f64;
        svg.text((LEFT - 10.0, y + 20.0), Anchor::End, "ink", 13.0, load);
        svg.bar((LEFT, y + 7.0), (x(*share) - LEFT, ROW - 14.0), SERVERS[0]);
        svg.text((x(*share) + 6.0, y + 20.0), Anchor::Start, "ink", 12.0, &format!("{share:.2}"));
    }
    Some(svg.finish())
}

/// How late packets come, by load.
pub fn latency(all: &[Figures]) -> Option<String> {
    let rows: Vec<(usize, &str, &str)> = loads(all)
        .into_iter()
        .flat_map(|load| NAMES.iter().enumerate().map(move |(server, name)| (server, *name, load)))
        .filter(|(_, name, load)| middle(all, name, load, |f| f.latency_p50_ms.filter(|ms| *ms > 0.0)).is_some())
        .collect();
    if rows.is_empty() {
        return None;
    }
    let low = TOP + ROW * rows.len() as f64;
    let mut svg = begin(low + BOTTOM, "How late packets come, in ms: p50, p99, p99.9", all);
    let (from, to) = (LATENCY_MS.0.ln(), LATENCY_MS.1.ln());
    let x = |ms: f64| LEFT + (WIDTH - LEFT - RIGHT) * (ms.clamp(LATENCY_MS.0, LATENCY_MS.1).ln() - from) / (to - from);
    for ms in [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0] {
        svg.line((x(ms), TOP), (x(ms), low), "rule", 1.0);
        svg.text((x(ms), low + 18.0), Anchor::Middle, "quiet", 12.0, &short(ms));
    }
    let mut before = "";
    for (n, (server, name, load)) in rows.iter().enumerate() {
        let y = TOP + ROW * (n as f64 + 0.5);
        if before != *load {
            svg.line((10.0, y - ROW / 2.0), (WIDTH - RIGHT, y - ROW / 2.0), "rule", 1.0);
            svg.text((LEFT - 10.0, y + 5.0), Anchor::End, "ink", 13.0, load);
        }
        before = load;
        let marks: Vec<f64> = LATENCIES.iter().filter_map(|(_, of)| middle(all, name, load, *of)).map(x).collect();
        if let (Some(first), Some(last)) = (marks.first(), marks.last()) {
            svg.line((*first, y), (*last, y), SERVERS[*server], 1.5);
        }
        marks.iter().for_each(|x| svg.mark((*x, y), *server));
    }
    Some(svg.finish())
}

/// Title, legend, and when and how often was measured.
fn begin(height: f64, title: &str, all: &[Figures]) -> Svg {
    let mut svg = Svg::new(WIDTH, height, title);
    svg.text((16.0, 28.0), Anchor::Start, "ink", 17.0, title);
    let mut x = 22.0;
    for (server, name) in NAMES.iter().enumerate().filter(|(_, name)| all.iter().any(|one| one.server == **name)) {
        svg.mark((x, 50.0), server);
        svg.text((x + 12.0, 54.0), Anchor::Start, "ink", 13.0, name);
        x += 90.0;
    }
    let day = all.iter().map(|one| one.unix_s).max().unwrap_or(0) / 86_400;
    let when = format!("Medians of {} rounds, {}; kennel-bench {}", rounds(all), date(day), env!("CARGO_PKG_VERSION"));
    svg.text((16.0, height - 32.0), Anchor::Start, "quiet", 12.0, &when);
    svg.text((16.0, height - 14.0), Anchor::Start, "quiet", 12.0, &place(all));
    svg
}

/// The machine, and the servers' versions; empty where no line tells.
fn place(all: &[Figures]) -> String {
    let mut words: Vec<String> = Vec::new();
    let machines = all.iter().filter_map(|one| one.settings.place());
    let versions = NAMES.iter().flat_map(|name| all.iter().filter(move |one| one.server == *name)).filter_map(|one| {
        let version = &one.settings.server_version;
        (!version.is_empty()).then(|| format!("{} {version}", one.server))
    });
    for word in machines.chain(versions) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join("; ")
}

/// How often a load was measured on a server: a number, or from which to which.
fn rounds(all: &[Figures]) -> String {
    let of = |one: &Figures| all.iter().filter(|other| (&other.server, &other.scenario) == (&one.server, &one.scenario)).count();
    let (least, most) = all.iter().map(of).fold((usize::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
    if least < most { format!("{least} to {most}") } else { most.to_string() }
}

/// Loads, in the order in which they were measured first.
fn loads(all: &[Figures]) -> Vec<&str> {
    let mut loads: Vec<&str> = Vec::new();
    for one in all {
        if !loads.contains(&one.scenario.as_str()) {
            loads.push(&one.scenario);
        }
    }
    loads
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| {
        let (least, most) = range.unwrap_or((value, value));
        Some((value.min(least), value.max(most)))
    })
}

/// A step for an axis: 1, 2 or 5 times a power of ten, at least this.
fn nice(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// 31 December 9999.
const LAST_DAY: u64 = 2_932_896;

/// A day as ISO 8601 writes it. `day` counts from 1 January 1970.
pub(crate) fn date(day: u64) -> String {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut rest) = (1970, day.min(LAST_DAY));
    while rest >= 365 + u64::from(is_leap(year)) {
        rest -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", rest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn round(server: &str, receivers: usize, cpu_us_per_packet: f64) -> Figures {
        Figures {
            server: server.into(),
            scenario: format!("1 to {receivers}"),
            round: 1,
            unix_s: 1_795_000_000,
            cpu_us_per_packet,
            latency_p50_ms: Some(0.3),
            latency_p99_ms: Some(2.0),
            latency_p999_ms: Some(500.0),
            ..Figures::default()
        }
    }

    #[test]
    fn days_have_their_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (789, "1972-02-29"),
            (20_779, "2026-11-22"),
            (364, "1970-12-31"),
            (LAST_DAY, "9999-12-31"),
            (u64::MAX, "9999-12-31"),
        ] {
            assert_eq!(date(day), expected, "{day}");
        }
    }

    #[test]
    fn an_axis_has_round_steps() {
        for (least, step) in [(0.9, 1.0), (1.0, 1.0), (1.3, 2.0), (4.0, 5.0), (6.0, 10.0), (23.0, 50.0), (0.03, 0.05)] {
            assert!((nice(least) - step).abs() < 1e-9, "{least}: {}", nice(least));
        }
    }

    #[test]
    fn both_servers_and_every_size_are_drawn() {
        let all = [round("kennel", 10, 9.0), round("kennel", 100, 7.0), round("janus", 10, 20.0), round("janus", 100, 18.0)];
        let text = cpu(&all).expect("a drawing");
        for word in ["1 to 10", "1 to 100", ">kennel<", ">janus<", ">9<", ">18<", "2026-11-1"] {
            assert!(text.contains(word), "{word} in {text}");
        }
        assert!(ratios(&all).expect("a drawing").contains(">0.45<"));
        // What is beyond the axis is drawn at its end.
        let text = latency(&all).expect("a drawing");
        assert!(text.contains(&format!("x2=\"{:.1}\"", WIDTH - RIGHT)), "{text}");
    }

    #[test]
    fn what_a_file_says_of_costs_that_cannot_be_is_not_drawn() {
        for cost_us in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            let all = [round("kennel", 10, 9.0), round("janus", 10, cost_us), round("janus", 49, cost_us)];
            assert!(!cpu(&all).expect("a drawing").contains("1 to 49"), "{cost_us}");
            assert_eq!(ratios(&all), None, "{cost_us}");
        }
        let far = [round("kennel", 10, 900_000.0), round("janus", 10, 0.01)];
        let text = ratios(&far).expect("a drawing");
        assert!(text.len() < 10_000 && text.contains(">90000000.00<"), "{text}");
    }

    #[test]
    fn a_drawing_says_how_often_was_measured() {
        let once = [round("kennel", 10, 9.0), round("janus", 10, 20.0)];
        assert!(cpu(&once).expect("a drawing").contains("Medians of 1 rounds"));
        let more = [once[0].clone(), once[0].clone(), once[1].clone()];
        assert!(cpu(&more).expect("a drawing").contains("Medians of 1 to 2 rounds"));
    }

    #[test]
    fn only_plain_fans_are_drawn_by_size() {
        for (scenario, count) in [("1 to 49", Some(49)), ("1 to 10, 5 % lost", None), ("12 rooms of 1 to 2", None), ("", None)] {
            assert_eq!(viewers(&Figures { scenario: scenario.into(), ..Figures::default() }), count, "{scenario}");
        }
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        assert_eq!((cpu(&[]), ratios(&[]), latency(&[])), (None, None, None));
        let alone = [round("kennel", 10, 9.0)];
        assert!(cpu(&alone).is_some() && ratios(&alone).is_none());
        let folder = tempfile::tempdir().expect("a folder");
        assert!(write(&[], folder.path()).is_err());
        let folder = folder.path().join("new/one");
        write(&alone, &folder).expect("drawn");
        let there = |name: &str| folder.join(name).exists();
        assert!(there("bench-cpu.svg") && there("bench-latency.svg") && !there("bench-ratio.svg"));
        let problem = write(&alone, &folder.join("bench-cpu.svg")).expect_err("a file");
        assert!(problem.to_string().contains("bench-cpu.svg"), "{problem}");
    }

    #[test]
    fn a_drawing_names_machine_and_versions() {
        let settings = Settings { kernel: "6.18".into(), machine: "EPYC".into(), processors: 2, ..Settings::default() };
        let of = |version: &str| Settings { server_version: version.into(), ..settings.clone() };
        let all = [
            Figures { settings: of("0.1.0"), ..round("kennel", 10, 9.0) },
            Figures { settings: of("1.1.2"), ..round("janus", 10, 20.0) },
        ];
        assert_eq!(place(&all), "2 x EPYC, Linux 6.18; kennel 0.1.0; janus 1.1.2");
        assert_eq!(place(&[round("kennel", 10, 9.0)]), "");
    }

    #[test]
    fn words_below_an_axis_stand_apart() {
        let all: Vec<Figures> = (1..=59).map(|count| round("kennel", count, 9.0)).collect();
        let text = cpu(&all).expect("a drawing");
        assert!((5..=9).contains(&text.matches(">1 to ").count()), "{text}");
        assert_eq!(text.matches("<circle").count(), 59 + 1);
        assert_eq!(cpu(&[round("signalwire", 10, 9.0)]), None);
    }
}
