//! JSON answers of an engine.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host_cli::fuzzed::engine_answers(bytes));
