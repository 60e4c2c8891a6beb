//! Files in a bucket: what each write does to what is known of them, and the list of them.

use crate::link::{Fault, Link, Row, Value, damaged};
use crate::read::{read_json, spell};

/// A file of a recording or a composition that is in a bucket, or was begun to be put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// The recording's, or the composition's.
    pub id: u128,
    /// Which of the two.
    pub kind: StoredKind,
    /// How it is there.
    pub state: StoredState,
    /// `s3://BUCKET/KEY`.
    pub address: String,
    /// Its size.
    pub bytes: u64,
    /// When the file was written to last, ms since 1970 UTC.
    pub changed_ms: u64,
    /// What the bucket calls what is in it; empty until it is there.
    pub tag: String,
    /// What the bucket calls the upload in parts that is going on.
    pub upload: Option<String>,
    /// The size of each part but the last.
    pub part_bytes: u64,
    /// What the bucket calls the parts that it has, in their order.
    pub parts: Vec<String>,
}

/// What a file in a bucket is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredKind {
    /// A recording.
    Recording,
    /// A composition.
    Composition,
}

/// How a file is in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredState {
    /// On its way; not all of it is there.
    Coming,
    /// All of it is there.
    There,
    /// To be deleted, whatever there is of it.
    Doomed,
}

const STORED: &str = "id, kind, state, address, bytes, changed_ms, tag, upload, part_bytes, parts FROM stored";

/// Writes what is known of one now. What is to be deleted stays so.
pub(crate) fn is(link: &mut dyn Link, row: &StoredRow) -> Result<(), Fault> {
    let values = [
        row.id.into(),
        kind_number(row.kind).into(),
        state_number(row.state).into(),
        Value::text(&row.address),
        Value::count(row.bytes)?,
        Value::ms(row.changed_ms)?,
        Value::text(&row.tag),
        Value::maybe(row.upload.as_deref(), Value::text),
        Value::count(row.part_bytes)?,
        Value::Text(spell(&row.parts)?),
    ];
    link.run(IS, &values).map(drop)
}

const IS: &str = "INSERT INTO stored (id, kind, state, address, bytes, changed_ms, tag, upload, part_bytes, parts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, address = excluded.address, bytes = excluded.bytes,
    changed_ms = excluded.changed_ms, tag = excluded.tag, upload = excluded.upload, part_bytes = excluded.part_bytes,
    parts = excluded.parts WHERE stored.state < 2";

/// Says that one is to be deleted. Of what was never begun it says nothing.
pub(crate) fn doomed(link: &mut dyn Link, id: u128) -> Result<(), Fault> {
    link.run("UPDATE stored SET state = 2 WHERE id = $1", &[id.into()]).map(drop)
}

/// Forgets one.
pub(crate) fn gone(link: &mut dyn Link, id: u128) -> Result<(), Fault> {
    link.run("DELETE FROM stored WHERE id = $1", &[id.into()]).map(drop)
}

/// All of them, in no order; of a database that an older program made none. One that cannot be read is passed over: it keeps no server from
/// starting, and whoever misses its file can look for it in the bucket.
pub(crate) fn all(link: &mut dyn Link) -> Result<Vec<StoredRow>, Fault> {
    if link.steps_made()? < SINCE {
        return Ok(Vec::new());
    }
    let rows = link.rows(&format!("SELECT {STORED}"), &[])?;
    Ok(rows.iter().filter_map(|found| row(found).inspect_err(|problem| complain(found, problem)).ok()).collect())
}

fn complain(row: &Row, problem: &Fault) {
    let id = row.id(0).map(|id| format!("{id:032x}")).unwrap_or_default();
    tracing::error!(id, ?problem, "what the history says of a file in the bucket cannot be read");
}

/// The step that made the table.
const SINCE: usize = 4;

fn row(row: &Row) -> Result<StoredRow, Fault> {
    Ok(StoredRow {
        id: row.id(0)?,
        kind: match row.int(1)? {
            0 => StoredKind::Recording,
            1 => StoredKind::Composition,
            other => return Err(damaged(format!("a file in a bucket is of the kind {other}"))),
        },
        state: match row.int(2)? {
            0 => StoredState::Coming,
            1 => StoredState::There,
            2 => StoredState::Doomed,
            other => return Err(damaged(format!("a file in a bucket has the state {other}"))),
        },
        address: row.text(3)?,
        bytes: row.number(4)?,
        changed_ms: row.number(5)?,
        tag: row.text(6)?,
        upload: row.maybe_text(7)?,
        part_bytes: row.number(8)?,
        parts: read_json(&row.text(9)?)?,
    })
}

fn kind_number(kind: StoredKind) -> i64 {
    match kind {
        StoredKind::Recording => 0,
        StoredKind::Composition => 1,
    }
}

fn state_number(state: StoredState) -> i64 {
    match state {
        StoredState::Coming => 0,
        StoredState::There => 1,
        StoredState::Doomed => 2,
    }
}
