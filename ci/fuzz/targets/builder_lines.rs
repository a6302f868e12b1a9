//! What a builder prints, cut into lines by the agent.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stager_agent::fuzzed::builder_lines(bytes));
