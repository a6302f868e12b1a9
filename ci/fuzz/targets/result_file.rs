//! The result that a builder leaves.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stager_agent::fuzzed::result_file(bytes));
