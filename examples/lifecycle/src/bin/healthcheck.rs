//! `healthcheck`: ends with 0 when the app on this machine answers.

#![allow(unused_crate_dependencies, reason = "the library's, which this program only calls")]

use lifecycle::healthcheck::{Probe, own_address};
use std::io::{self, Write};
use std::process::ExitCode;

const MISUSE: u8 = 2; // what Go's flag package ends with

fn main() -> ExitCode {
    let check = match Probe::parse(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned())) {
        Ok(check) => check,
        Err(text) => {
            let _ = write!(io::stderr(), "{text}");
            return ExitCode::from(MISUSE);
        }
    };
    let checked = own_address().and_then(|address| {
        let _ = writeln!(io::stdout(), "Using {address} for health checking (first non-loopback IPv4 addr found)");
        check.run(address)
    });
    match checked {
        Ok(()) => ExitCode::SUCCESS,
        Err(unhealthy) => {
            let _ = write!(io::stdout(), "{}", unhealthy.text); // no line end, as the real one
            ExitCode::from(unhealthy.code)
        }
    }
}
