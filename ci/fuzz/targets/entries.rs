//! A tar spelled out of the bytes, unpacked as the agent unpacks it and made a layer as the host makes it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let archive = tarball::fuzzed::spelled(bytes);
    stager_agent::fuzzed::tar(&archive);
    host_cli::fuzzed::layer(&archive);
});
