//! `kennel shim`: what points an app at Kennel whose code is to stay as it is.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;

/// What the command is told.
#[derive(clap::Args)]
pub struct Args {
    /// What the app is written in
    language: Language,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    /// Prints a sitecustomize.py, to be found by PYTHONPATH
    Python,
    /// Prints a file for NODE_OPTIONS="--require file"
    Node,
}

/// Prints the file.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let text = match args.language {
        Language::Python => include_str!("shim/sitecustomize.py"),
        Language::Node => include_str!("shim/preload.cjs"),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("The file cannot be written: {problem}");
            ExitCode::FAILURE
        }
    }
}
