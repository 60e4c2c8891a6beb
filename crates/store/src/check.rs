//! What can be wrong with a database, looked for row by row.

use crate::limit::{EVENTS_KEPT_MAX, FINDINGS_MAX};
use crate::link::{Fault, Link, Value};

/// Words for each finding; [`Store::check`](crate::Store::check).
pub(crate) fn check(link: &mut dyn Link) -> Result<Vec<String>, Fault> {
    link.begin_snapshot()?;
    let findings = findings(link);
    link.rollback();
    findings
}

fn findings(link: &mut dyn Link) -> Result<Vec<String>, Fault> {
    let mut findings = link.own_check()?;
    // Tables that an older program made are looked at as they are.
    let made = link.steps_made()?;
    let since = |step: usize, rules: &'static [(&'static str, &'static str)]| if made < step { &[][..] } else { rules };
    let later = since(RECORDINGS_SINCE, &RECORDING_RULES).iter().chain(since(COMPOSITIONS_SINCE, &COMPOSITION_RULES));
    for (what, sql) in RULES.iter().chain(later) {
        let limit = Value::Int(FINDINGS_MAX as i64);
        let sql = sql.replace("{events_kept}", &EVENTS_KEPT_MAX.to_string());
        let bad = link.rows(&format!("{sql} LIMIT $1"), &[limit])?;
        findings.extend(bad.iter().map(|row| format!("{what} (row {})", row.int(0).unwrap_or_default())));
    }
    Ok(findings)
}

/// What must never be found, and how to look for it: statements that give the places of bad rows.
const RULES: [(&str, &str); 10] = [
    ("a room ended without a moment, or has one and runs", "SELECT place FROM rooms WHERE (status = 0) <> (ended_ms IS NULL)"),
    (
        "a participant left without a moment, or has one and is there",
        "SELECT place FROM participants WHERE (status < 2) <> (ended_ms IS NULL)",
    ),
    (
        "a participant is in a room that ended",
        "SELECT p.place FROM participants p JOIN rooms r ON r.id = p.room WHERE p.status < 2 AND r.status > 0",
    ),
    (
        "a track is published by someone who left",
        "SELECT t.place FROM tracks t JOIN participants p ON p.id = t.participant WHERE t.removed_ms IS NULL AND p.status = 2",
    ),
    (
        "a track is in another room than its participant",
        "SELECT t.place FROM tracks t JOIN participants p ON p.id = t.participant WHERE t.room <> p.room",
    ),
    (
        "events of a room are not numbered one after the other",
        "SELECT r.place FROM rooms r LEFT JOIN (SELECT room, count(*) AS kept, min(sequence) AS oldest, max(sequence) AS newest
         FROM events GROUP BY room) AS e ON e.room = r.id WHERE r.next_event <> COALESCE(e.newest + 1, 0)
         OR e.kept <> e.newest - e.oldest + 1 OR (e.oldest > 0 AND e.kept < {events_kept})",
    ),
    (
        "an event is numbered before an older one",
        "SELECT place FROM (SELECT place, sequence, lag(sequence) OVER (PARTITION BY room ORDER BY place) AS older FROM events) AS o
         WHERE sequence <= older",
    ),
    ("a callback waits and has no address", "SELECT place FROM events WHERE waits_ms IS NOT NULL AND callback_url IS NULL"),
    ("a callback neither waits nor was ended", "SELECT place FROM events WHERE callback_url IS NOT NULL AND waits_ms IS NULL AND told_ms IS NULL"),
    (
        "the oldest callback that waits is not the one whose turn it is",
        "SELECT place FROM (SELECT place, head, waits_ms, CASE WHEN waits_ms IS NULL THEN 0 ELSE
         row_number() OVER (PARTITION BY room, waits_ms IS NULL ORDER BY place) END AS turn FROM events) AS o
         WHERE (turn = 1) <> (head = 1)",
    ),
];

/// The step that made the table of recordings.
const RECORDINGS_SINCE: usize = 2;

const RECORDING_RULES: [(&str, &str); 3] = [
    (
        "a recording ended without a moment, or has one and is being made",
        "SELECT place FROM recordings WHERE (status = 0) <> (ended_ms IS NULL)",
    ),
    (
        "a recording is in another room than its participant",
        "SELECT r.place FROM recordings r JOIN participants p ON p.id = r.participant WHERE r.room <> p.room",
    ),
    (
        "a recording is of a track and a mix, or of neither",
        "SELECT place FROM recordings WHERE (kind = 2) <> (track IS NULL) OR (track IS NULL) <> (participant IS NULL)",
    ),
];

/// The step that made the tables of compositions.
const COMPOSITIONS_SINCE: usize = 3;

const COMPOSITION_RULES: [(&str, &str); 2] = [
    (
        "a composition ended without a moment, or has one and is to be made",
        "SELECT place FROM compositions WHERE (status < 2) <> (ended_ms IS NULL)",
    ),
    (
        "a composition has no file and its bytes are counted",
        "SELECT place FROM compositions WHERE status IN (0, 1, 3) AND bytes > 0",
    ),
];
