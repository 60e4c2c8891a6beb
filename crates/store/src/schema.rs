//! The tables, and how an older database becomes a newer one.

use crate::Problem;
use crate::link::{Fault, Link};

/// Every step there ever was, in order; a database knows how many it has made. Steps that have been released never change.
const STEPS: [&str; 4] =
    [include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql"), include_str!("schema/4.sql")];

/// The words that differ between databases.
pub(crate) struct Dialect {
    pub id: &'static str,
    pub int: &'static str,
    pub text: &'static str,
    pub row: &'static str,
    pub serial: &'static str,
    pub strict: &'static str,
}

/// Makes the steps that are missing after `made`; `note` writes down how many are made now. Within a transaction that is open.
pub(crate) fn bring_up(
    link: &mut dyn Link,
    dialect: &Dialect,
    made: usize,
    note: impl FnOnce(&mut dyn Link, usize) -> Result<(), Fault>,
) -> Result<(), Fault> {
    check_known(made)?;
    for step in STEPS.iter().skip(made) {
        link.script(&dialect.spell(step))?;
    }
    if made < STEPS.len() { note(link, STEPS.len()) } else { Ok(()) }
}

/// Refuses what a newer program made.
pub(crate) fn check_known(made: usize) -> Result<(), Problem> {
    if made > STEPS.len() {
        let known = STEPS.len();
        let why = format!("it was written by a newer Kennel (its schema is {made}, this program knows {known})");
        return Err(Problem::Unusable(why));
    }
    Ok(())
}

impl Dialect {
    fn spell(&self, step: &str) -> String {
        let words = [
            ("{id}", self.id),
            ("{int}", self.int),
            ("{text}", self.text),
            ("{row}", self.row),
            ("{serial}", self.serial),
            ("{strict}", self.strict),
        ];
        words.iter().fold(step.to_owned(), |text, (word, ours)| text.replace(word, ours))
    }
}
