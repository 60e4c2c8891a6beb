//! Makes cargo look at the built pages again when they change.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A path that does not exist would count as changed at every build, so the nearest one that does is watched instead.
    let watched = ["../../web/dist", "../../web"].into_iter().find(|path| Path::new(path).exists());
    if let Some(path) = watched {
        println!("cargo:rerun-if-changed={path}");
    }
}
