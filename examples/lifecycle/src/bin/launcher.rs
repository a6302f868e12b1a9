//! `launcher`: prepares an app's environment and becomes the app.

#![allow(unused_crate_dependencies, reason = "the library's, which this program only calls")]

use lifecycle::era::Era;
use lifecycle::launcher::{Launch, SHELL, STAGING_INFO};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let staging_info = std::fs::read(STAGING_INFO).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let launch = Launch {
        arguments: &arguments,
        working_directory: &std::env::current_dir().unwrap_or(PathBuf::from("/")),
        staging_info: staging_info.as_deref(),
        variable: &|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()),
        era: Era::from_current_exe(),
    };
    let complaint = match launch.process() {
        Ok(process) => {
            let error = Command::new(SHELL).arg0("bash").args(process.arguments).envs(process.environment).exec();
            format!("{}: cannot run {SHELL}: {error}", arguments[0])
        }
        Err(complaint) => complaint,
    };
    let _ = write!(io::stderr(), "{complaint}"); // no line end, as the real one
    ExitCode::FAILURE
}
