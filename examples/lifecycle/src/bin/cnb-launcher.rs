//! `launcher` of apps with Cloud Native Buildpacks: prepares an app's environment and becomes the app.

#![allow(unused_crate_dependencies, reason = "the library's, which this program only calls")]

use lifecycle::cnb::Launch;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

const FAILED: u8 = 236; // the builders' numbers go on: 231 is anything, 237 a restore

fn main() -> ExitCode {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let arguments: Vec<String> = std::env::args_os().skip(1).map(lossy).collect();
    let variables = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect();
    let complaint = match (Launch { arguments: &arguments, variables }).process() {
        Ok(process) => {
            let [program, words @ ..] = process.words.as_slice() else { return ExitCode::from(FAILED) };
            let mut command = Command::new(program);
            command.args(words).current_dir(&process.directory).env_clear().envs(&process.variables);
            format!("cannot run {program} in {}: {}", process.directory.display(), command.exec())
        }
        Err(complaint) => complaint,
    };
    let _ = writeln!(io::stderr(), "Error: {complaint}"); // nobody is left to be told that stderr is closed
    ExitCode::from(FAILED)
}
