#![no_main]

#[path = "../../crates/signalwire/tests/support"]
mod support {
    #[allow(dead_code)]
    pub mod hub;
}

#[path = "../harness/signalwire_frames.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
