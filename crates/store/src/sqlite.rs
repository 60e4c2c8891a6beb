//! SQLite: one file in the data folder.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use crate::Problem;
use crate::keeper::Keeper;
use crate::limit::{BUSY_TIMEOUT, JOURNAL_BYTES_KEPT, STATEMENTS_MAX};
use crate::link::{Database, Fault, Link, Row, Value, damaged};
use crate::schema::{Dialect, bring_up, check_known};

/// The file's name in a folder.
pub const FILE: &str = "history.sqlite";

/// The default: a database in one file, needing nothing else.
pub struct Sqlite;

impl Sqlite {
    /// Opens the database in this folder, or this file; makes it if it is not there. Looks through it first, which takes about a
    /// second for each gigabyte.
    ///
    /// # Errors
    /// [`Problem::Unusable`] for a file that is damaged, no database, or written by a newer program; it stays as it is.
    pub fn open(path: &Path) -> Result<Keeper, Problem> {
        Keeper::start(Arc::new(File::at(path)))
    }

    /// Opens it only to look at it, which may be done beside the program that writes; none where there is no file.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn look(path: &Path) -> Result<Option<Keeper>, Problem> {
        Keeper::look(Arc::new(File::at(path)))
    }
}

struct File {
    path: PathBuf,
}

impl Database for File {
    fn writer(&self) -> Result<Box<dyn Link>, Problem> {
        make_private(&self.path).map_err(|error| self.unavailable(&error))?;
        self.inspect().map_err(|problem| self.named(problem))?;
        let open = || {
            let mut link = Sql::open(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            link.prepare_to_write()?;
            Ok::<_, Fault>(link)
        };
        Ok(Box::new(open().map_err(|fault| self.named(fault.problem))?))
    }

    fn reader(&self) -> Result<Box<dyn Link>, Problem> {
        let link = Sql::open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        Ok(Box::new(link.map_err(|fault| self.named(fault.problem))?))
    }

    fn is_made(&self) -> Result<bool, Problem> {
        if fs::metadata(&self.path).map_or(true, |file| file.len() == 0) {
            return Ok(false);
        }
        let mut link = Sql::open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|fault| self.named(fault.problem))?;
        let made = link.steps_made().map_err(|fault| self.named(fault.problem))?;
        check_known(made).map_err(|problem| self.named(problem))?;
        Ok(made > 0)
    }
}

impl File {
    /// The file in this folder, or this file.
    fn at(path: &Path) -> File {
        File { path: if path.is_dir() { path.join(FILE) } else { path.to_owned() } }
    }

    /// Looks at what is there without touching it.
    fn inspect(&self) -> Result<(), Problem> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() == 0) {
            return Ok(());
        }
        let look = || {
            let mut link = Sql::open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            check_known(link.steps_made()?)?;
            link.rows("PRAGMA quick_check(1)", &[])?.first().map_or(Ok("ok".into()), |row| row.text(0))
        };
        match look() {
            Ok(words) if words == "ok" => Ok(()),
            Ok(words) => Err(Problem::Unusable(format!("it is damaged: {words}"))),
            Err(fault) => Err(fault.problem),
        }
    }

    fn named(&self, problem: Problem) -> Problem {
        let path = self.path.display();
        match problem {
            Problem::Unavailable(why) => Problem::Unavailable(format!("{path}: {why}")),
            Problem::Unusable(why) => Problem::Unusable(format!("{path}: {why}")),
            Problem::Misused(why) => Problem::Misused(format!("{path}: {why}")),
        }
    }

    fn unavailable(&self, error: &std::io::Error) -> Problem {
        Problem::Unavailable(format!("{}: {error}", self.path.display()))
    }
}

/// An empty file that only we may read, unless there is one.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A connection.
struct Sql {
    connection: Connection,
}

const DIALECT: Dialect = Dialect {
    id: "BLOB",
    int: "INTEGER",
    text: "TEXT",
    row: "INTEGER PRIMARY KEY",
    serial: "INTEGER PRIMARY KEY AUTOINCREMENT",
    strict: " STRICT",
};

impl Sql {
    fn open(path: &Path, flags: OpenFlags) -> Result<Sql, Fault> {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fault)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(fault)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(Sql { connection })
    }

    /// What a commit says is there stays there, also when the power fails; and readers see the last commit while we write.
    fn prepare_to_write(&mut self) -> Result<(), Fault> {
        self.rows("PRAGMA journal_mode = WAL", &[])?;
        self.script("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
        self.rows(&format!("PRAGMA journal_size_limit = {JOURNAL_BYTES_KEPT}"), &[])?;
        self.begin()?;
        let made = self.steps_made()?;
        bring_up(self, &DIALECT, made, |link, now| link.script(&format!("PRAGMA user_version = {now}")))?;
        self.commit()
    }
}

impl Link for Sql {
    fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, Fault> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        debug_assert!(in_order(&statement), "values of {sql} are not in the order of their numbers");
        let touched = statement.execute(rusqlite::params_from_iter(values)).map_err(fault)?;
        Ok(touched as u64)
    }

    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Fault> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        debug_assert!(in_order(&statement), "values of {sql} are not in the order of their numbers");
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(fault)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let value = |column| row.get_ref(column).map_err(fault).and_then(read);
            all.push(Row((0..columns).map(value).collect::<Result<_, _>>()?));
        }
        Ok(all)
    }

    /// Without figures about the rows SQLite takes any index with two bounds for as good as one that leads to the rows.
    fn along(&self, index: &str) -> String {
        format!(" INDEXED BY {index}")
    }

    fn script(&mut self, sql: &str) -> Result<(), Fault> {
        self.connection.execute_batch(sql).map_err(fault)
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.script("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.script("COMMIT")
    }

    fn rollback(&mut self) {
        if self.in_transaction() {
            let _ = self.script("ROLLBACK");
        }
    }

    fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn begin_snapshot(&mut self) -> Result<(), Fault> {
        self.script("BEGIN")
    }

    fn steps_made(&mut self) -> Result<usize, Fault> {
        self.rows("PRAGMA user_version", &[])?.first().map_or(Ok(0), |row| row.number(0))
    }

    fn own_check(&mut self) -> Result<Vec<String>, Fault> {
        let mut findings = Vec::new();
        for row in self.rows("PRAGMA integrity_check", &[])? {
            findings.extend(Some(row.text(0)?).filter(|words| words != "ok"));
        }
        let orphans = self.rows("PRAGMA foreign_key_check", &[])?;
        findings.extend(orphans.iter().map(|row| format!("a row of {} belongs to nothing", row.text(0).unwrap_or_default())));
        Ok(findings)
    }

    /// The copy appears under its name only when it is complete and durable.
    fn copy_into(&mut self, path: &Path) -> Result<bool, Fault> {
        let io = |error: std::io::Error| Fault::from(Problem::Unavailable(format!("{}: {error}", path.display())));
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        let _ = fs::remove_file(&unfinished);
        make_private(&unfinished).map_err(io)?;
        let name = unfinished.to_str().ok_or_else(|| crate::link::misused("the copy's name is not Unicode"))?;
        self.run("VACUUM INTO $1", &[Value::text(name)])?;
        fs::File::open(&unfinished).and_then(|file| file.sync_all()).map_err(io)?;
        fs::rename(&unfinished, path).map_err(io)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Ok(true)
    }
}

/// Values are given by position, which SQLite counts by first appearance, whatever their numbers say.
fn in_order(statement: &rusqlite::Statement<'_>) -> bool {
    (1..=statement.parameter_count()).all(|index| statement.parameter_name(index) == Some(&format!("${index}")))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(number) => ToSqlOutput::Owned(rusqlite::types::Value::Integer(*number)),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Id(id) => ToSqlOutput::Owned(rusqlite::types::Value::Blob(id.to_be_bytes().to_vec())),
        })
    }
}

fn read(value: ValueRef<'_>) -> Result<Value, Fault> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(damaged("words that are not UTF-8")),
        },
        ValueRef::Blob(bytes) => match bytes.try_into() {
            Ok(bytes) => Ok(Value::Id(u128::from_be_bytes(bytes))),
            Err(_) => Err(damaged("an id that is not 16 bytes")),
        },
        ValueRef::Real(_) => Err(damaged("a number with a fraction")),
    }
}

/// SQLite's errors in words of ours. After a failed read or write of the file nothing that a connection remembers is trusted: it is
/// closed, and the file looked through again before the next write.
fn fault(error: rusqlite::Error) -> Fault {
    let why = error.to_string();
    let (problem, lost) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OutOfMemory) => {
            (Problem::Unavailable(why), false)
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            (Problem::Unavailable(why), true)
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (Problem::Unusable(why), true),
        _ => (Problem::Misused(why), false),
    };
    Fault { problem, lost, unsure: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, Write};

    #[test]
    fn every_question_finds_its_rows_by_an_index() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut link = File { path: folder.path().join(FILE) }.writer().expect("a database");
        crate::plans::check(link.as_mut());
    }

    /// A database that may not grow.
    struct Small(File);

    impl Database for Small {
        fn writer(&self) -> Result<Box<dyn Link>, Problem> {
            let mut link = self.0.writer()?;
            link.rows("PRAGMA max_page_count = 80", &[]).map_err(|fault| fault.problem)?;
            Ok(link)
        }

        fn reader(&self) -> Result<Box<dyn Link>, Problem> {
            self.0.reader()
        }

        fn is_made(&self) -> Result<bool, Problem> {
            self.0.is_made()
        }
    }

    #[tokio::test]
    async fn a_full_database_refuses_writes_and_heals() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Keeper::start(Arc::new(Small(File { path: folder.path().join(FILE) }))).expect("a database");
        let put = |key: u32, size: usize| vec![Write::Setting { key: key.to_string(), value: "v".repeat(size) }];
        let mut full = None;
        for key in 0..100 {
            let answers = tokio::join!(store.write(put(key, 20_000)), store.write(put(1_000, 10)));
            assert_eq!(answers.1, Ok(()), "the small one fits");
            if let Err(problem) = answers.0 {
                full = Some((key, problem));
                break;
            }
        }
        let (key, problem) = full.expect("an end");
        assert!(matches!(problem, Problem::Unavailable(_)), "{problem}");
        assert!(store.setting("0").await.is_ok_and(|value| value.is_some()));
        assert_eq!(store.setting(&key.to_string()).await, Ok(None));
        assert_eq!(store.write(put(0, 10)).await, Ok(()));
        assert_eq!(store.write(put(key, 10_000)).await, Ok(()));
        assert_eq!(store.check().await, Ok(Vec::new()));
    }
}
