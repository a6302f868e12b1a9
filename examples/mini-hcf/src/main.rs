//! Enough of HCF (Cloud Foundry in containers, 2016) on a Docker network to be the real thing on the wire:
//! signed-URL blobstore, file server, cc-uploader, Cloud Controller's upload endpoints, component logs.
//!
//! The same program is the manager on the host and the server inside the containers.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod arguments;
mod commands;
mod digest;
#[cfg(test)]
mod documented;
mod failure;
mod manage;
mod meant_push;
mod request;
mod serve;
mod services;
mod state;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<String> = arguments.collect();
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let command = match arguments::parse(&program, &arguments) {
        Ok(command) => command,
        Err(arguments::Exit::Help(text)) => {
            let _ = write!(out, "{text}");
            return ExitCode::SUCCESS;
        }
        Err(arguments::Exit::Wrong(text)) => {
            let _ = writeln!(err, "mini-hcf: {}", text.trim_end());
            return ExitCode::from(2);
        }
    };
    match commands::execute(command, &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(err, "mini-hcf: {}", failure::told(&failure));
            ExitCode::from(failure.exit_code())
        }
    }
}
