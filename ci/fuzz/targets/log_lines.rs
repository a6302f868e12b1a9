//! A component's log.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host_cli::fuzzed::log_lines(bytes));
