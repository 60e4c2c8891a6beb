#![no_main]

#[path = "../harness/media_depacketize.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
