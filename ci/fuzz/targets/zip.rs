//! A zip, unpacked as the agent unpacks packages and buildpacks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stager_agent::fuzzed::zip(bytes));
