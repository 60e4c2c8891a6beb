//! Kennel.
fn main() {}
