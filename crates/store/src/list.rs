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
    from: &'static str,
    sql: String,
    values: Vec<Value>,
    span: Span,
    index: &'static str,
}

/// Places from the first one on and before the other. One of each, however many there are to hold: an index is walked from one bound
/// to one other, and rows between two lower bounds would be looked at in vain.
#[derive(Clone, Copy)]
struct Span {
    from: i64,
    before: i64,
}

impl Span {
    fn after(self, place: i64) -> Span {
        Span { before: self.before.min(place), ..self }
    }

    fn before(self, place: i64) -> Span {
        Span { from: self.from.max(place.saturating_add(1)), ..self }
    }
}

impl List {
    /// Rows whose column has this value, to be walked along this index.
    pub(crate) fn of(from: &'static str, index: &'static str, column: &str, value: Value) -> List {
        let span = Span { from: 0, before: i64::MAX };
        List { from, sql: format!("WHERE {column} = $1"), values: vec![value], span, index }
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

    /// Of these only those whose words are like these, `*` being any words.
    pub(crate) fn like(&mut self, column: &str, words: &str) {
        let pattern = words.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").replace('*', "%");
        self.values.push(Value::text(&pattern));
        self.sql += &format!(" AND {column} LIKE ${} ESCAPE '\\'", self.values.len());
    }

    /// Of these only those created in this span.
    pub(crate) fn created(&mut self, from_ms: Option<u64>, before_ms: Option<u64>) -> Result<(), Fault> {
        if let Some(from) = from_ms {
            let (first, beyond) = places(from.min(TIME_MAX_MS))?;
            self.span.from = if from > TIME_MAX_MS { beyond } else { first };
        }
        if let Some(before) = before_ms.filter(|before| *before <= TIME_MAX_MS) {
            self.span.before = places(before)?.0;
        }
        Ok(())
    }

    /// One page of them, the newest first.
    pub(crate) fn page<T>(self, link: &mut dyn Link, page: Page, read: fn(&Row) -> Result<T, Fault>) -> Result<PageOf<T>, Fault> {
        let (span, behind, size) = match page {
            Page::First { size } => (self.span, None, size),
            Page::After { place, size } => (self.span.after(place), Some(self.span.before(place.saturating_sub(1))), size),
            Page::Before { place, size } => (self.span.before(place), Some(self.span.after(place.saturating_add(1))), size),
        };
        let backward = matches!(page, Page::Before { .. });
        let (mut rows, more) = self.some(link, span, backward, size)?;
        let behind = behind.map_or(Ok(false), |span| self.any(link, span))?;
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

    /// Up to `size` rows of a span, the oldest or the newest first, and whether there are more.
    fn some(&self, link: &mut dyn Link, span: Span, oldest: bool, size: usize) -> Result<(Vec<Row>, bool), Fault> {
        let (within, mut values) = self.within(span);
        values.push(Value::Int(i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1)));
        let (order, limit) = (if oldest { "ASC" } else { "DESC" }, values.len());
        let along = link.along(self.index);
        let sql = format!("SELECT {}{along} {within} ORDER BY place {order} LIMIT ${limit}", self.from);
        let mut rows = link.rows(&sql, &values)?;
        let more = rows.len() > size;
        rows.truncate(size);
        Ok((rows, more))
    }

    /// Whether there is any row in a span.
    fn any(&self, link: &mut dyn Link, span: Span) -> Result<bool, Fault> {
        let table = self.from.rsplit(' ').next().unwrap_or_default();
        let (within, values) = self.within(span);
        let sql = format!("SELECT 1 FROM {table}{} {within} ORDER BY place LIMIT 1", link.along(self.index));
        Ok(!link.rows(&sql, &values)?.is_empty())
    }

    fn within(&self, span: Span) -> (String, Vec<Value>) {
        let (next, mut values) = (self.values.len() + 1, self.values.clone());
        values.extend([Value::Int(span.from), Value::Int(span.before)]);
        (format!("{} AND place >= ${next} AND place < ${}", self.sql, next + 1), values)
    }
}
