//! The commands of the program.

use std::process::ExitCode;

/// Runs the command that the command line names and returns the exit code.
pub fn run() -> ExitCode {
    ExitCode::SUCCESS
}
