//! Compositions and their hooks: what each write does to them, and questions about them.

use crate::apply::{callback_values, maybe_ms, must_exist};
use crate::link::{Fault, Link, Row, Value, damaged, misused};
use crate::list::{List, places};
use crate::read::{callback, one as one_of};
use crate::row::{CompositionFilter, CompositionRow, CompositionStatus, HookFilter, HookRow, Page, PageOf};

const COMPOSITION: &str =
    "place, id, account, room, room_name, hook, status, parameters, container, created_ms, updated_ms, ended_ms, percent,
    attempts, duration_ms, bytes, why, callback_url, callback_method FROM compositions";
const HOOK: &str = "place, id, account, name, enabled, parameters, created_ms, updated_ms, callback_url, callback_method
    FROM composition_hooks";

pub(crate) fn began(link: &mut dyn Link, row: &CompositionRow) -> Result<(), Fault> {
    let over = !matches!(row.status, CompositionStatus::Enqueued | CompositionStatus::Processing);
    if row.ended_ms.is_some() != over {
        return Err(misused("a composition has ended without a moment, or has one and is to be made"));
    }
    let theirs = "SELECT 1 FROM rooms WHERE id = $1 AND account = $2";
    if link.rows(theirs, &[row.room.into(), Value::text(&row.account)])?.is_empty() {
        return Err(misused("a composition of a room that is not there"));
    }
    let (url, method) = callback_values(row.callback.as_ref());
    let (first, beyond) = places(row.created_ms)?;
    let values = [
        Value::Int(first),
        Value::Int(beyond),
        row.id.into(),
        Value::text(&row.account),
        row.room.into(),
        Value::text(&row.room_name),
        Value::maybe(row.hook, Value::Id),
        status_number(row.status).into(),
        Value::text(&row.parameters),
        Value::text(&row.container),
        Value::ms(row.created_ms)?,
        Value::ms(row.updated_ms)?,
        maybe_ms(row.ended_ms)?,
        row.percent.into(),
        row.attempts.into(),
        Value::ms(row.duration_ms)?,
        Value::count(row.bytes)?,
        Value::text(&row.why),
        url,
        method,
    ];
    link.run(BEGAN, &values).map(drop)
}

const BEGAN: &str =
    "INSERT INTO compositions (place, id, account, room, room_name, hook, status, parameters, container, created_ms, updated_ms,
    ended_ms, percent, attempts, duration_ms, bytes, why, callback_url, callback_method)
    VALUES (COALESCE((SELECT max(place) + 1 FROM compositions WHERE place >= $1 AND place < $2), $1),
    $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";

pub(crate) fn started(link: &mut dyn Link, composition: u128, at_ms: u64) -> Result<(), Fault> {
    let sql =
        "UPDATE compositions SET status = 1, attempts = attempts + 1, percent = 0, updated_ms = $1 WHERE id = $2 AND status < 2";
    changed(link, sql, &[Value::ms(at_ms)?, composition.into()], composition)
}

pub(crate) fn progress(link: &mut dyn Link, composition: u128, at_ms: u64, percent: u32) -> Result<(), Fault> {
    let sql = "UPDATE compositions SET percent = $1, updated_ms = $2 WHERE id = $3 AND status = 1";
    changed(link, sql, &[percent.into(), Value::ms(at_ms)?, composition.into()], composition)
}

pub(crate) fn put_back(link: &mut dyn Link, composition: u128, at_ms: u64) -> Result<(), Fault> {
    let sql =
        "UPDATE compositions SET status = 0, attempts = attempts - 1, percent = 0, updated_ms = $1 WHERE id = $2 AND status = 1";
    changed(link, sql, &[Value::ms(at_ms)?, composition.into()], composition)
}

pub(crate) fn completed(
    link: &mut dyn Link,
    composition: u128,
    at_ms: u64,
    duration_ms: u64,
    bytes: u64,
    why: &str,
) -> Result<(), Fault> {
    let values = [Value::ms(at_ms)?, Value::ms(duration_ms)?, Value::count(bytes)?, Value::text(why), composition.into()];
    changed(link, COMPLETED, &values, composition)
}

const COMPLETED: &str =
    "UPDATE compositions SET status = 2, percent = 100, ended_ms = $1, updated_ms = $1, duration_ms = $2, bytes = $3,
    why = $4 WHERE id = $5 AND status < 2";

pub(crate) fn failed(link: &mut dyn Link, composition: u128, at_ms: u64, why: &str) -> Result<(), Fault> {
    let sql = "UPDATE compositions SET status = 3, ended_ms = COALESCE(ended_ms, $1), updated_ms = $1, bytes = 0, why = $2
        WHERE id = $3 AND status < 3";
    changed(link, sql, &[Value::ms(at_ms)?, Value::text(why), composition.into()], composition)
}

pub(crate) fn deleted(link: &mut dyn Link, composition: u128, at_ms: u64) -> Result<(), Fault> {
    let sql =
        "UPDATE compositions SET status = 4, ended_ms = COALESCE(ended_ms, $1), updated_ms = $1 WHERE id = $2 AND status < 4";
    changed(link, sql, &[Value::ms(at_ms)?, composition.into()], composition)
}

/// Changes a row, which must be there.
fn changed(link: &mut dyn Link, sql: &str, values: &[Value], composition: u128) -> Result<(), Fault> {
    match link.run(sql, values)? {
        0 => must_exist(link, "SELECT 1 FROM compositions WHERE id = $1", composition.into(), "composition"),
        _ => Ok(()),
    }
}

pub(crate) fn one(link: &mut dyn Link, account: &str, composition: u128) -> Result<Option<CompositionRow>, Fault> {
    let sql = format!("SELECT {COMPOSITION} WHERE account = $1 AND id = $2");
    one_of(link, &sql, &[Value::text(account), composition.into()], row)
}

pub(crate) fn waiting(link: &mut dyn Link, account: &str) -> Result<Vec<CompositionRow>, Fault> {
    let mut found = Vec::new();
    for status in [CompositionStatus::Processing, CompositionStatus::Enqueued] {
        let sql = format!("SELECT {COMPOSITION} WHERE account = $1 AND status = {} ORDER BY place", status_number(status));
        for one in link.rows(&sql, &[Value::text(account)])? {
            found.push(row(&one)?);
        }
    }
    Ok(found)
}

pub(crate) fn waiting_count(link: &mut dyn Link, account: &str) -> Result<usize, Fault> {
    let sql = "SELECT count(*) FROM compositions WHERE account = $1 AND status IN (0, 1)";
    let rows = link.rows(sql, &[Value::text(account)])?;
    rows.first().map_or(Ok(0), |row| row.number(0))
}

pub(crate) fn list(
    link: &mut dyn Link,
    account: &str,
    filter: &CompositionFilter,
    page: Page,
) -> Result<PageOf<CompositionRow>, Fault> {
    let of = |index, column: &str, value| List::of(COMPOSITION, index, column, value);
    let owned = |index| of(index, "account", Value::text(account));
    let mut list = match filter {
        CompositionFilter { room: Some(room), .. } => of("compositions_by_room", "room", (*room).into()),
        CompositionFilter { room_name: Some(_), .. } => owned("compositions_by_name"),
        CompositionFilter { status: Some(_), .. } => owned("compositions_by_status"),
        _ => owned("compositions_there"),
    };
    list.and("account =", Value::text(account));
    if let Some(name) = &filter.room_name {
        list.and("room_name =", Value::text(name));
    }
    match filter.status {
        Some(status) => list.and("status =", status_number(status).into()),
        // So spelled that the index of those that are there serves.
        None => list.and_so("status < 4"),
    }
    list.created(filter.created_from_ms, filter.created_before_ms)?;
    list.page(link, page, row)
}

fn row(row: &Row) -> Result<CompositionRow, Fault> {
    Ok(CompositionRow {
        id: row.id(1)?,
        account: row.text(2)?,
        room: row.id(3)?,
        room_name: row.text(4)?,
        hook: row.maybe_id(5)?,
        status: match row.int(6)? {
            0 => CompositionStatus::Enqueued,
            1 => CompositionStatus::Processing,
            2 => CompositionStatus::Completed,
            3 => CompositionStatus::Failed,
            4 => CompositionStatus::Deleted,
            other => return Err(damaged(format!("a composition has the status {other}"))),
        },
        parameters: row.text(7)?,
        container: row.text(8)?,
        created_ms: row.number(9)?,
        updated_ms: row.number(10)?,
        ended_ms: row.maybe_ms(11)?,
        percent: row.number(12)?,
        attempts: row.number(13)?,
        duration_ms: row.number(14)?,
        bytes: row.number(15)?,
        why: row.text(16)?,
        callback: callback(row, 17)?,
    })
}

fn status_number(status: CompositionStatus) -> i64 {
    match status {
        CompositionStatus::Enqueued => 0,
        CompositionStatus::Processing => 1,
        CompositionStatus::Completed => 2,
        CompositionStatus::Failed => 3,
        CompositionStatus::Deleted => 4,
    }
}

/// Makes a hook, or changes it: of the same id, the newer row counts; its creation stays.
pub(crate) fn hook_is(link: &mut dyn Link, row: &HookRow) -> Result<(), Fault> {
    let (url, method) = callback_values(row.callback.as_ref());
    let (first, beyond) = places(row.created_ms)?;
    let values = [
        Value::Int(first),
        Value::Int(beyond),
        row.id.into(),
        Value::text(&row.account),
        Value::text(&row.name),
        Value::text(&row.name.to_lowercase()),
        row.enabled.into(),
        Value::text(&row.parameters),
        Value::ms(row.created_ms)?,
        maybe_ms(row.updated_ms)?,
        url,
        method,
    ];
    match link.run(HOOK_IS, &values)? {
        0 => Err(misused("a hook changes its account")),
        _ => Ok(()),
    }
}

const HOOK_IS: &str =
    "INSERT INTO composition_hooks (place, id, account, name, folded, enabled, parameters, created_ms, updated_ms,
    callback_url, callback_method)
    VALUES (COALESCE((SELECT max(place) + 1 FROM composition_hooks WHERE place >= $1 AND place < $2), $1),
    $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded = excluded.folded, enabled = excluded.enabled,
    parameters = excluded.parameters, updated_ms = excluded.updated_ms, callback_url = excluded.callback_url,
    callback_method = excluded.callback_method WHERE composition_hooks.account = excluded.account";

pub(crate) fn hook_deleted(link: &mut dyn Link, hook: u128) -> Result<(), Fault> {
    link.run("DELETE FROM composition_hooks WHERE id = $1", &[hook.into()]).map(drop)
}

pub(crate) fn hook(link: &mut dyn Link, account: &str, hook: u128) -> Result<Option<HookRow>, Fault> {
    let sql = format!("SELECT {HOOK} WHERE account = $1 AND id = $2");
    one_of(link, &sql, &[Value::text(account), hook.into()], hook_row)
}

pub(crate) fn hook_by_name(link: &mut dyn Link, account: &str, name: &str) -> Result<Option<HookRow>, Fault> {
    let sql = format!("SELECT {HOOK} WHERE account = $1 AND name = $2");
    one_of(link, &sql, &[Value::text(account), Value::text(name)], hook_row)
}

pub(crate) fn hooks(link: &mut dyn Link, account: &str, filter: &HookFilter, page: Page) -> Result<PageOf<HookRow>, Fault> {
    let index = if filter.enabled.is_some() { "composition_hooks_enabled" } else { "composition_hooks_by_account" };
    let mut list = List::of(HOOK, index, "account", Value::text(account));
    if let Some(enabled) = filter.enabled {
        list.and("enabled =", enabled.into());
    }
    if let Some(name) = &filter.name {
        list.like("folded", &name.to_lowercase());
    }
    list.created(filter.created_from_ms, filter.created_before_ms)?;
    list.page(link, page, hook_row)
}

fn hook_row(row: &Row) -> Result<HookRow, Fault> {
    Ok(HookRow {
        id: row.id(1)?,
        account: row.text(2)?,
        name: row.text(3)?,
        enabled: row.yes(4)?,
        parameters: row.text(5)?,
        created_ms: row.number(6)?,
        updated_ms: row.maybe_ms(7)?,
        callback: callback(row, 8)?,
    })
}
