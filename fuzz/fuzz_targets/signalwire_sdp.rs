#![no_main]

#[path = "../harness/signalwire_sdp.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
