//! Builds the thin layer of C over libvpx and links it, libvpx and libopus into the crate, so that the program needs no shared library
//! of theirs.
//!
//! The layer is compiled against the headers that are installed, so that layouts and version numbers are the compiler's business.

use std::path::Path;
use std::process::Command;

const SHIM: &str = "src/codec/shim.c";

fn main() {
    println!("cargo:rerun-if-changed={SHIM}");
    let mut build = cc::Build::new();
    build.file(SHIM).opt_level(2).warnings_into_errors(true);
    let compiler = build.get_compiler();
    build.compile("mixer_shim");
    for library in ["vpx", "opus"] {
        let Some(folder) = folder_of(&format!("lib{library}.a"), compiler.to_command()) else {
            panic!(
                "lib{library} cannot be linked: install it (apt-get install lib{library}-dev), or let `scripts/bootstrap run` do it"
            );
        };
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-lib=static={library}");
    }
    println!("cargo:rustc-link-lib=m");
}

/// Where the C compiler would find this library. One that it does not find comes back as the bare name.
fn folder_of(library: &str, mut compiler: Command) -> Option<String> {
    let output = compiler.arg(format!("-print-file-name={library}")).output().ok()?;
    let path = Path::new(std::str::from_utf8(&output.stdout).ok()?.trim()).canonicalize().ok()?;
    Some(path.parent()?.to_str()?.to_owned())
}
