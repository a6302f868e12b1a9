//! What a registry answers who is refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host_cli::fuzzed::registry_answers(bytes));
