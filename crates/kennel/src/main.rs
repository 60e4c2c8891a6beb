//! The program `kennel`. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kennel::cmd::run()
}
