//! What comes out of a staging container.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host_cli::fuzzed::events(bytes));
