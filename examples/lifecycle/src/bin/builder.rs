//! `builder`: makes a droplet of an app with the buildpacks given.

#![allow(unused_crate_dependencies, reason = "the library's, which this program only calls")]

use lifecycle::builder::{Settings, Staging, stage};
use lifecycle::era::Era;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
    let settings = match Settings::parse(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned())) {
        Ok(settings) => settings,
        Err(misuse) => return end(&misuse.text, misuse.exit_code),
    };
    let staging =
        Staging { settings: &settings, era: Era::from_current_exe(), stdout: &mut stdout, stderr: &mut stderr };
    match stage(staging) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => end(&failure.to_string(), failure.exit_code()),
    }
}

fn end(text: &str, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "{text}"); // nobody is left to be told that stderr is closed
    ExitCode::from(code)
}
