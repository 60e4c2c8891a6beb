//! What the store needs of a database: statements in, rows out. The same SQL text goes to every kind of database, so statements number
//! their values `$1`, `$2`, … in the order in which they first appear, and stay within what all understand.

use crate::Problem;

/// A kind of database, and where it is.
pub(crate) trait Database: Send + Sync + 'static {
    /// A connection that writes; the first one brings the schema up to date.
    fn writer(&self) -> Result<Box<dyn Link>, Problem>;

    /// A connection that only reads.
    fn reader(&self) -> Result<Box<dyn Link>, Problem>;

    /// Whether there are tables; refuses those of a newer program. Changes nothing.
    fn is_made(&self) -> Result<bool, Problem>;

    /// The program ends: what waits for the database without end gives up.
    fn stop(&self) {}
}

/// A connection. It stays on the thread that made it.
pub(crate) trait Link {
    /// Runs one statement; tells how many rows it touched.
    fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, Fault>;

    /// The rows that a statement gives.
    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Fault>;

    /// Words after a table's name that make it be read along this index, where a database has such words and guesses badly without.
    fn along(&self, _index: &str) -> String {
        String::new()
    }

    /// Runs several statements that take nothing and give nothing.
    fn script(&mut self, sql: &str) -> Result<(), Fault>;

    /// Begins to write; ended by [`Link::commit`] or [`Link::rollback`].
    fn begin(&mut self) -> Result<(), Fault>;

    /// Makes durable what was written since [`Link::begin`].
    fn commit(&mut self) -> Result<(), Fault>;

    /// Forgets what was written since [`Link::begin`]. No harm if nothing was begun.
    fn rollback(&mut self);

    /// Whether a transaction is open. An error may have ended it.
    fn in_transaction(&self) -> bool;

    /// Begins to read what does not change meanwhile; ended by [`Link::rollback`].
    fn begin_snapshot(&mut self) -> Result<(), Fault>;

    /// How many steps of the schema were made.
    fn steps_made(&mut self) -> Result<usize, Fault>;

    /// Questions that the database answers about its own health: words for each finding.
    fn own_check(&mut self) -> Result<Vec<String>, Fault>;

    /// Copies all of it into a new file. Whether this kind of database does so.
    fn copy_into(&mut self, path: &std::path::Path) -> Result<bool, Fault>;
}

/// Why a statement failed.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// In the words of callers.
    pub problem: Problem,
    /// The connection is of no use any more.
    pub lost: bool,
    /// Whether a commit took place is not known: it must not be tried again.
    pub unsure: bool,
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Fault { problem, lost: false, unsure: false }
    }
}

/// A defect of whoever asked.
pub(crate) fn misused(why: impl Into<String>) -> Fault {
    Problem::Misused(why.into()).into()
}

/// A row does not hold what this program wrote.
pub(crate) fn damaged(why: impl Into<String>) -> Fault {
    Problem::Unusable(why.into()).into()
}

/// An error and every cause of it, the outermost first.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words += &format!(": {inner}");
        cause = inner.source();
    }
    words
}

/// Something to write or to compare with, or what came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A number, a moment, a yes or no.
    Int(i64),
    /// Words.
    Text(String),
    /// A 128-bit id.
    Id(u128),
}

impl Value {
    /// Words; a NUL, which not every database can keep, becomes U+FFFD.
    pub(crate) fn text(text: &str) -> Value {
        Value::Text(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() })
    }

    /// A moment in milliseconds.
    pub(crate) fn ms(ms: u64) -> Result<Value, Fault> {
        if ms > crate::limit::TIME_MAX_MS {
            return Err(misused(format!("the moment {ms} is too late")));
        }
        i64::try_from(ms).map(Value::Int).map_err(|_| misused("a moment is too late"))
    }

    /// How many bytes.
    pub(crate) fn count(bytes: u64) -> Result<Value, Fault> {
        i64::try_from(bytes).map(Value::Int).map_err(|_| misused("a file has too many bytes"))
    }

    /// A moment to compare with, however late.
    pub(crate) fn until(ms: u64) -> Value {
        Value::Int(i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// Nothing, or what is inside.
    pub(crate) fn maybe<T>(inside: Option<T>, value: impl FnOnce(T) -> Value) -> Value {
        inside.map_or(Value::Null, value)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Int(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Value::Int(i64::from(yes))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<u128> for Value {
    fn from(id: u128) -> Self {
        Value::Id(id)
    }
}

/// A row of an answer.
#[derive(Debug)]
pub(crate) struct Row(pub Vec<Value>);

impl Row {
    /// The number in this column.
    pub(crate) fn int(&self, column: usize) -> Result<i64, Fault> {
        self.maybe_int(column)?.ok_or_else(|| damaged(format!("no number in column {column}")))
    }

    /// The number in this column, if there is any.
    pub(crate) fn maybe_int(&self, column: usize) -> Result<Option<i64>, Fault> {
        match self.0.get(column) {
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(Value::Null) => Ok(None),
            _ => Err(damaged(format!("column {column} is no number"))),
        }
    }

    /// The number in this column, which cannot be negative.
    pub(crate) fn number<N: TryFrom<i64>>(&self, column: usize) -> Result<N, Fault> {
        N::try_from(self.int(column)?).map_err(|_| damaged(format!("the number in column {column} does not fit")))
    }

    /// The moment in this column, if there is any.
    pub(crate) fn maybe_ms(&self, column: usize) -> Result<Option<u64>, Fault> {
        self.maybe_int(column)?
            .map(u64::try_from)
            .transpose()
            .map_err(|_| damaged(format!("a negative moment in column {column}")))
    }

    /// The yes or no in this column.
    pub(crate) fn yes(&self, column: usize) -> Result<bool, Fault> {
        Ok(self.int(column)? != 0)
    }

    /// The words in this column.
    pub(crate) fn text(&self, column: usize) -> Result<String, Fault> {
        self.maybe_text(column)?.ok_or_else(|| damaged(format!("no words in column {column}")))
    }

    /// The words in this column, if there are any.
    pub(crate) fn maybe_text(&self, column: usize) -> Result<Option<String>, Fault> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            _ => Err(damaged(format!("column {column} has no words"))),
        }
    }

    /// The id in this column.
    pub(crate) fn id(&self, column: usize) -> Result<u128, Fault> {
        self.maybe_id(column)?.ok_or_else(|| damaged(format!("no id in column {column}")))
    }

    /// The id in this column, if there is any.
    pub(crate) fn maybe_id(&self, column: usize) -> Result<Option<u128>, Fault> {
        match self.0.get(column) {
            Some(Value::Id(id)) => Ok(Some(*id)),
            Some(Value::Null) => Ok(None),
            _ => Err(damaged(format!("column {column} is no id"))),
        }
    }
}
