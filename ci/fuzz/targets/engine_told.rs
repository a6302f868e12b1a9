//! What an engine tells while it works.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host_cli::fuzzed::engine_told(bytes));
