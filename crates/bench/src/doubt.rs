//! What of the figures cannot be trusted, and why: a machine with other work, and losses.

use crate::hiccup::HICCUP_MAX;
use crate::report::{Figures, Row, rows};

/// The p99 of how late packets were sent, in ms, from which on the generator itself delayed and lost.
pub const LATE_MAX_MS: f64 = 20.0;

/// The share of packets that may be lost before it is said.
const LOST_MAX: f64 = 0.01;

/// Whether the machine left threads waiting for so long that losses and joins of this round say little of the server.
pub fn is_disturbed(one: &Figures) -> bool {
    has_hiccups(one) || one.lateness_p99_ms > LATE_MAX_MS
}

/// What has to be said of figures, a sentence each; nothing of good ones.
pub fn words(all: &[Figures]) -> Vec<String> {
    let losses = rows(all).into_iter().filter_map(|row| losses(&row));
    busy(all).into_iter().chain(losses).collect()
}

fn has_hiccups(one: &Figures) -> bool {
    one.hiccup_p99_ms > HICCUP_MAX.as_secs_f64() * 1e3
}

fn busy(all: &[Figures]) -> Option<String> {
    let disturbed = all.iter().filter(|one| is_disturbed(one)).count();
    if disturbed == 0 {
        return None;
    }
    let most = |of: fn(&Figures) -> f64| all.iter().map(of).fold(0.0, f64::max);
    let rounds = all.len();
    let processors = all.iter().map(|one| one.settings.processors).max().unwrap_or(0);
    let blind = all.iter().filter(|one| has_hiccups(one)).count();
    Some(format!(
        "This machine was busy: load up to {:.0} on {processors} processors, threads woken up to {:.0} ms late, packets sent up to {:.0} ms \
         late (p99 of the worst round). Latency is left out in {blind} of {rounds} rounds; what was lost and how long joins took cannot be \
         trusted in {disturbed} of {rounds}, it is marked with \"?\".",
        most(|one| one.load),
        most(|one| one.hiccup_p99_ms),
        most(|one| one.lateness_p99_ms),
    ))
}

/// How much was lost that nobody dropped on purpose, if it is worth a word.
fn losses(row: &Row<'_>) -> Option<String> {
    let share = |one: &Figures| one.lost as f64 / one.expected.max(1) as f64;
    let is_bad = |one: &&Figures| one.dropped == 0 && share(one) > LOST_MAX;
    let bad: Vec<&Figures> = row.rounds.iter().copied().filter(is_bad).collect();
    let worst = bad.iter().map(|one| share(one)).reduce(f64::max)?;
    let sum = |of: fn(&Figures) -> u64| bad.iter().map(|one| of(one)).sum::<u64>();
    let late = bad.iter().any(|one| one.lateness_p99_ms > LATE_MAX_MS);
    let withheld = sum(|one| if one.forwarded > 0 { one.expected.saturating_sub(one.forwarded) } else { 0 });
    let reasons = [
        (sum(|one| one.dropped_late), "that came late to it the server dropped"),
        (withheld, "it did not pass on, for whatever reason"),
        (sum(|one| one.system_dropped), "no socket had room for"),
        (sum(|one| one.unsent), "the system did not take from clients"),
    ];
    let mut known: Vec<String> =
        reasons.into_iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    if late {
        known.push("the generator itself sent late".into());
    }
    let why = if known.is_empty() { "why is not known".to_owned() } else { known.join("; ") };
    Some(format!(
        "{} on {}: up to {:.0} % lost, in {} of {} rounds ({why}). What a packet costs and how late it comes is of those that came.",
        row.load,
        row.server,
        (worst * 100.0).max(1.0),
        bad.len(),
        row.rounds.len(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(lost: u64) -> Figures {
        let (server, scenario) = ("kennel".into(), "1 to 4".into());
        Figures { server, scenario, expected: 4_800, forwarded: 4_800, lost, load: 20.4, ..Figures::default() }
    }

    #[test]
    fn good_figures_need_no_words() {
        assert!(words(&[round(0), round(40)]).is_empty());
        assert!(words(&[]).is_empty());
    }

    #[test]
    fn a_busy_machine_is_named_with_what_was_seen() {
        let busy = Figures { hiccup_p99_ms: 16.0, lateness_p99_ms: 1_107.0, ..round(0) };
        let late = Figures { lateness_p99_ms: 21.0, ..round(0) };
        assert_eq!([&busy, &late, &round(0)].map(is_disturbed), [true, true, false]);
        let [text] = &words(&[busy, late, round(0)])[..] else { panic!("one sentence") };
        for part in ["load up to 20 ", "16 ms late", "1107 ms", "left out in 1 of 3 rounds", "trusted in 2 of 3"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn losses_are_told_with_their_reasons() {
        let said = |one: Figures| words(&[one, round(0)]).concat();
        assert!(said(round(3_040)).contains("up to 63 % lost, in 1 of 2 rounds (why is not known)"));
        let late = said(Figures { dropped_late: 3_174, ..round(3_040) });
        assert!(late.contains("3174 that came late to it the server dropped"), "{late}");
        let stood = said(Figures { forwarded: 1_760, ..round(3_040) });
        assert!(stood.contains("3040 it did not pass on"), "{stood}");
        // What is dropped on purpose is no surprise.
        assert_eq!(said(Figures { dropped: 5, ..round(3_040) }), "");
    }
}
