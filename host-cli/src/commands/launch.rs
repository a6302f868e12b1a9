//! `launch`: starts an app's image as its newest launch requests say.

use crate::arguments::Launch;
use crate::failure::Failure;
use crate::pipeline;
use crate::requests::{self, Process, Request, RequestKind};
use crate::screen::screen;
use crate::session::run_command;
use shared_model::exit_code::ExitCode;

/// Starts an app's image.
pub(super) fn run(command: Launch) -> ExitCode {
    let screen = screen(command.screen_options());
    let prepare = move || {
        command.cluster()?;
        check(&command)?;
        Ok((requests(&command)?, command))
    };
    run_command(screen, prepare, |session, (requests, command)| pipeline::launch(session, &requests, &command))
}

/// What a cluster alone can do.
fn check(command: &Launch) -> Result<(), Failure> {
    let typed = [
        ("--image", command.image.is_some()),
        ("--pull-secret", command.pull_secret.is_some()),
        ("--index", command.index),
        ("--ingress", command.ingress.is_some()),
    ];
    typed.iter().find(|(_, is_typed)| *is_typed).map_or(Ok(()), |(option, _)| {
        let text = format!("{option} is for a cluster");
        Err(Failure::new(ExitCode::CommandLine, text, "add --on kubernetes, or leave it out"))
    })
}

/// One request for each process that is to be started; never empty.
pub(super) fn requests(command: &Launch) -> Result<Vec<Request>, Failure> {
    let logs = command.log_options();
    if command.all_processes {
        let others = [("--process", command.process.is_some()), ("--request", command.request.is_some())];
        if let Some((option, _)) = others.iter().find(|(_, is_typed)| *is_typed) {
            let text = format!("--all-processes cannot go with {option}");
            return Err(Failure::new(ExitCode::CommandLine, text, "leave one of them out"));
        }
        return Ok(requests::newest_of_each_process(command.app_ref()?.as_ref(), &logs)?);
    }
    if let Some(file) = &command.request {
        return Ok(vec![requests::from_file(file, RequestKind::Launch)?]);
    }
    let process = command.process.as_deref().map_or(Process::Usual, Process::TypeOrWeb);
    Ok(vec![requests::newest_of_process(command.app_ref()?.as_ref(), process, &logs)?])
}
