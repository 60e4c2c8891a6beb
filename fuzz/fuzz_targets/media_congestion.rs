#![no_main]

#[path = "../harness/media_congestion.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
