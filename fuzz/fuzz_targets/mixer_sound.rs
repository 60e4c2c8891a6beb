#![no_main]

#[path = "../harness/mixer_sound.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
