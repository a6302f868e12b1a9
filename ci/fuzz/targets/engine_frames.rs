//! The output of an attached container.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host_cli::fuzzed::engine_frames(bytes));
