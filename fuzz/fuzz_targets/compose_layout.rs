#![no_main]

#[path = "../harness/compose_layout.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
