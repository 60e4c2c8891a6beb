#![no_main]

#[path = "../harness/signalwire_rest.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
