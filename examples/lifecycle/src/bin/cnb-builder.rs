//! `builder` of apps with Cloud Native Buildpacks: makes a droplet of an app with the buildpacks given.

#![allow(unused_crate_dependencies, reason = "the library's, which this program only calls")]

use lifecycle::cnb::{Settings, Staging, stage};
use std::io::{self, Write};
use std::process::ExitCode;

const GENERIC: u8 = 231; // whatever is no phase's

fn main() -> ExitCode {
    let settings = match Settings::parse(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned())) {
        Ok(settings) => settings,
        Err(misuse) => return end(&misuse, GENERIC),
    };
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
    let mut staging = Staging {
        settings: &settings,
        variables: std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect(),
        stdout: &mut stdout,
        stderr: &mut stderr,
    };
    match stage(&mut staging) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(text) = failure.of_the_phase() {
                staging.complain(text);
            }
            end(&failure.to_string(), failure.exit_code())
        }
    }
}

fn end(text: &str, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "Error: {text}"); // nobody is left to be told that stderr is closed
    ExitCode::from(code)
}
