//! What every database must do. The binaries beside this folder run it, each on its own kind.
#![allow(dead_code, reason = "each binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may")]

pub mod model;
pub mod random;
pub mod rows;
pub mod scripts;
