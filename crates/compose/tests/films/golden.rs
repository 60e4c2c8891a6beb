//! Drawings that a composition must look like.

use std::fs;
use std::path::Path;

use mixer::frame::Frame;

use crate::world::drawing;

/// Compares with the drawing of this name; `UPDATE=1 cargo test` draws it anew.
#[track_caller]
pub fn looks_like(name: &str, frame: &Frame) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    let seen = drawing(frame);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).and_then(|()| fs::write(&path, &seen)).expect("written");
    }
    let meant = fs::read_to_string(&path).unwrap_or_default();
    assert!(meant == seen, "{name} looks like this:\n{seen}and is meant to look like this:\n{meant}");
}
