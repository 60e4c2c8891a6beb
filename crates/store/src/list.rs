//! Lists, a page at a time. A place is where a row stands in its list for good, so pages neither lose nor repeat rows while others
//! come and go.

use crate::Page;
use crate::limit::TIME_MAX_MS;
use crate::link::{Fault, Link, Row, Value, misused};
use crate::row::PageOf;

/// The bits of a place below its moment.
const WITHIN_MS_BITS: u32 = 21;

/// The places of this millisecond: the first one, and the first one after it.
pub(crate) fn places(ms: u64) -> Result<(i64, i64), Fault> {
    match i64::try_from(ms) {
        Ok(at) if ms <= TIME_MAX_MS => Ok((at << WITHIN_MS_BITS, (at + 1) << WITHIN_MS_BITS)),
        _ => Err(misused(format!("the moment {ms} is too late"))),
    }
}

/// Which rows of which table.
pub(crate) struct List {
    /// `column, column … FROM table`; the first column is the place.
    pub from: String,
    sql: String,
    values: Vec<Value>,
}

impl List {
    /// Rows whose column has this value.
    pub(crate) fn of(from: String, column: &str, value: Value) -> List {
        List { from, sql: format!("WHERE {column} = $1"), values: vec![value] }
    }

    /// Of these only those that hold this too: `column =`, `column <`.
    pub(crate) fn and(&mut self, comparison: &str, value: Value) {
        self.values.push(value);
        self.sql += &format!(" AND {comparison} ${}", self.values.len());
    }

    /// Of these only those for which these words are true.
    pub(crate) fn and_so(&mut self, condition: &str) {
        self.sql += &format!(" AND {condition}");
    }

    /// Of these only those created in this span.
    pub(crate) fn created(&mut self, from_ms: Option<u64>, before_ms: Option<u64>) -> Result<(), Fault> {
        if let Some(from) = from_ms {
            let (first, beyond) = places(from.min(TIME_MAX_MS))?;
            self.and("place >=", Value::Int(if from > TIME_MAX_MS { beyond } else { first }));
        }
        if let Some(before) = before_ms.filter(|before| *before <= TIME_MAX_MS) {
            self.and("place <", Value::Int(places(before)?.0));
        }
        Ok(())
    }

    /// One page of them, the newest first.
    pub(crate) fn page<T>(self, link: &mut dyn Link, page: Page, read: fn(&Row) -> Result<T, Fault>) -> Result<PageOf<T>, Fault> {
        let (bound, size) = match page {
            Page::First { size } => (None, size),
            Page::After { place, size } => (Some(("place <", place)), size),
            Page::Before { place, size } => (Some(("place >", place)), size),
        };
        let backward = matches!(page, Page::Before { .. });
        let (mut rows, more) = self.some(link, bound, backward, size)?;
        let behind = match page {
            Page::First { .. } => false,
            Page::After { place, .. } => self.any(link, "place >=", place)?,
            Page::Before { place, .. } => self.any(link, "place <=", place)?,
        };
        if backward {
            rows.reverse();
        }
        let place = |row: Option<&Row>| row.map(|row| row.int(0)).transpose();
        Ok(PageOf {
            first: place(rows.first())?,
            last: place(rows.last())?,
            rows: rows.iter().map(read).collect::<Result<_, _>>()?,
            more_before: if backward { more } else { behind },
            more_after: if backward { behind } else { more },
        })
    }

    /// Up to `size` rows beyond a bound, nearest first, and whether there are more.
    fn some(&self, link: &mut dyn Link, bound: Option<(&str, i64)>, up: bool, size: usize) -> Result<(Vec<Row>, bool), Fault> {
        let (mut sql, mut values) = (format!("SELECT {} {}", self.from, self.sql), self.values.clone());
        if let Some((comparison, place)) = bound {
            values.push(Value::Int(place));
            sql += &format!(" AND {comparison} ${}", values.len());
        }
        values.push(Value::Int(i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1)));
        sql += &format!(" ORDER BY place {} LIMIT ${}", if up { "ASC" } else { "DESC" }, values.len());
        let mut rows = link.rows(&sql, &values)?;
        let more = rows.len() > size;
        rows.truncate(size);
        Ok((rows, more))
    }

    /// Whether there is any row there.
    fn any(&self, link: &mut dyn Link, comparison: &str, place: i64) -> Result<bool, Fault> {
        let table = self.from.rsplit(' ').next().unwrap_or_default();
        let mut values = self.values.clone();
        values.push(Value::Int(place));
        let sql = format!("SELECT 1 FROM {table} {} AND {comparison} ${} LIMIT 1", self.sql, values.len());
        Ok(!link.rows(&sql, &values)?.is_empty())
    }
}
