#![no_main]

#[path = "../harness/media_engine.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
