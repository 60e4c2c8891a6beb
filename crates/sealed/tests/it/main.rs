//! Sealed files from outside.

mod corpus;
mod file;
#[path = "../../../../fuzz/harness/sealed_file.rs"]
mod sealed_file;
