//! `launcher` of docker apps: becomes what the image or the start command says.

#![allow(unused_crate_dependencies, reason = "the library's, which this program only calls")]

use lifecycle::docker::Launch;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let launch = Launch {
        arguments: &arguments,
        variable: &|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()),
    };
    let complaint = match launch.process() {
        Ok(process) => {
            let [program, words @ ..] = process.words.as_slice() else { return ExitCode::FAILURE };
            let error =
                Command::new(program).args(words).envs(process.environment).current_dir(&process.directory).exec();
            format!("{}: cannot run {program} in {}: {error}", arguments[0], process.directory.display())
        }
        Err(complaint) => complaint,
    };
    let _ = writeln!(io::stderr(), "{complaint}"); // nobody is left to be told that stderr is closed
    ExitCode::FAILURE
}
