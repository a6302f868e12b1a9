//! A droplet, made a layer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host_cli::fuzzed::layer(bytes));
