//! A tar, unpacked as the agent unpacks it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stager_agent::fuzzed::tar(bytes));
