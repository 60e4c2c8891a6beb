//! Every limit of files that are fetched, with its unit and what happens when it is reached.

/// Names that are looked up at a time. More wait, and are not reached if that is too long. What six beginnings at once and one each 10 s
/// hold of them, at a server of names that does not answer for half a minute, is nine.
pub const LOOKUPS_MAX: usize = 16;
