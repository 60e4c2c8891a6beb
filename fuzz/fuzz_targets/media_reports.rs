#![no_main]

#[path = "../harness/media_reports.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
