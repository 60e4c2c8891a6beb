//! Files of measurements: a line of JSON for each round.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::report::Figures;

/// A file to which lines are added.
pub struct Lines {
    file: File,
    path: PathBuf,
}

impl Lines {
    /// Opens it, and makes it where it is missing; its folder has to be there.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(|problem| at(path, &problem))?;
        Ok(Lines { file, path: path.to_owned() })
    }

    /// Adds a round.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn add(&mut self, one: &Figures) -> io::Result<()> {
        let line = serde_json::to_string(one)? + "\n";
        self.file.write_all(line.as_bytes()).map_err(|problem| at(&self.path, &problem))
    }
}

/// Reads a file.
///
/// # Errors
/// It cannot be read, there is nothing in it, or a line is none of this program's, with the path and the line.
pub fn read(path: &Path) -> io::Result<Vec<Figures>> {
    let bytes = fs::read(path).map_err(|problem| at(path, &problem))?;
    let all = parse(&bytes).map_err(|why| io::Error::other(format!("{}{why}", path.display())))?;
    if all.is_empty() { Err(io::Error::other(format!("{}: there is no round in it", path.display()))) } else { Ok(all) }
}

fn parse(bytes: &[u8]) -> Result<Vec<Figures>, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(": this is UTF-16; UTF-8 can be read".into());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ": this is no text in UTF-8")?;
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate();
    let line = |(number, line): (usize, &str)| {
        let one: Figures = serde_json::from_str(line).map_err(|problem| {
            let (column, words) = (problem.column(), problem.to_string());
            let what = words.split(" at line ").next().unwrap_or_default();
            format!(", line {}, column {column}: {what}", number + 1)
        })?;
        if one.server.is_empty() || one.scenario.is_empty() {
            return Err(format!(", line {}: this names no server and no load, so it is no round of kennel-bench", number + 1));
        }
        Ok(one)
    };
    lines.filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}

fn at(path: &Path, problem: &io::Error) -> io::Error {
    io::Error::new(problem.kind(), format!("{}: {problem}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_round_is_refused_with_its_line() {
        let round = r#"{"server":"kennel","scenario":"1 to 2"}"#;
        let why = |text: &str| parse(text.as_bytes()).expect_err("refused");
        assert!(why(&format!("{round}\n{{}}\n")).starts_with(", line 2: this names no server"));
        assert!(why(r#"{"name":"x"}"#).contains("line 1"));
        let broken = why(&format!("{round}\n{}", &round[..20]));
        assert!(broken.starts_with(", line 2, column 20: EOF") && broken.matches("line").count() == 1, "{broken}");
        assert!(parse(&[0xff, 0xfe, 0x7b, 0]).expect_err("refused").contains("UTF-16"));
        assert!(parse(&[0x7b, 0xff]).expect_err("refused").contains("UTF-8"));
        assert_eq!(parse(format!("\u{feff}{round}\n\n").as_bytes()).map(|all| all.len()), Ok(1));
    }

    #[test]
    fn lines_are_added_and_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rounds.json");
        let one = Figures { server: "kennel".into(), scenario: "1 to 2".into(), ..Figures::default() };
        for _ in 0..2 {
            Lines::open(&path).expect("a file").add(&one).expect("added");
        }
        assert_eq!(read(&path).expect("two"), [one.clone(), one]);
        std::fs::write(&path, "\n").expect("written");
        assert!(read(&path).expect_err("nothing").to_string().contains("rounds.json: there is no round"));
        let nowhere = folder.path().join("no/rounds.json");
        assert!(Lines::open(&nowhere).err().is_some_and(|problem| problem.to_string().contains("no/rounds.json: ")));
        let full = Lines::open(Path::new("/dev/full")).expect("a file").add(&Figures::default()).expect_err("full");
        assert!(full.to_string().starts_with("/dev/full: "), "{full}");
    }
}
