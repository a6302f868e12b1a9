//! `builder` of docker apps: asks a registry how an image is started.

#![allow(unused_crate_dependencies, reason = "the library's, which this program only calls")]

use lifecycle::docker::{Settings, stage};
use std::io::{self, Write};
use std::process::ExitCode;

const FAILED: u8 = 2; // whatever fails

fn main() -> ExitCode {
    let settings = Settings::parse(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()));
    let staged = settings.and_then(|settings| stage(&settings, &mut io::stdout()));
    match staged {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(io::stderr(), "{}", text.trim_end()); // nobody is left to be told that stderr is closed
            ExitCode::from(FAILED)
        }
    }
}
