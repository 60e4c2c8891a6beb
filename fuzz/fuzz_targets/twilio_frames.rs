#![no_main]

#[path = "../../crates/twilio/tests/support"]
mod support {
    #[allow(dead_code)]
    pub mod hub;
}

#[path = "../harness/twilio_frames.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::run(data));
