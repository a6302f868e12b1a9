//! Manifest and config of a root file system that is somebody else's.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host_cli::fuzzed::base_documents(bytes));
