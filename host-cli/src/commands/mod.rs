//! What each command does with what was typed, a file a command. What they share, the staging and the launch, is in
//! [`crate::pipeline`].

mod app;
mod apps;
mod batch;
mod cache;
mod cache_up;
mod cell;
mod cluster;
mod delete;
mod env;
mod events;
mod export;
mod image;
mod launch;
mod link;
mod list;
mod logs;
mod manifest;
mod place;
mod print;
mod publish;
mod publish_options;
mod push;
mod rebase;
mod restage;
mod restart;
mod rollback;
mod scale;
mod ssh;
mod start;
mod stop;
mod tasks;
#[cfg(test)]
mod tests;
mod upload;

use crate::arguments::invocation::Invocation;
use crate::arguments::{Command, On};
use crate::failure::Failure;
use crate::settings::Settings;
use shared_model::exit_code::ExitCode;

/// What the process ends with once everything has been said; an `Err` has still to be said. `settings` are in the command
/// already.
pub(crate) fn run(invocation: Invocation, settings: Settings) -> Result<ExitCode, Failure> {
    let agent_options = invocation.agent_options;
    match invocation.command {
        Command::BuildReq(command) => print::build_req(&command),
        Command::LaunchReq(command) => print::launch_req(&command),
        Command::BuildCmd(command) => print::build_cmd(&command),
        Command::LaunchCmd(command) => print::launch_cmd(&command),
        Command::Requests(command) => list::run(&command),
        Command::Link(command) => link::run(&command),
        Command::Restage(command) if command.on == On::Kubernetes => {
            Ok(cluster::restage(command, agent_options, settings))
        }
        Command::CacheUp(command) if command.on == On::Kubernetes => Ok(cluster::cache_up(command, agent_options)),
        Command::Launch(command) if command.on == On::Kubernetes => Ok(cluster::launch(command, settings)),
        Command::Restage(command) => Ok(restage::run(command, agent_options, settings)),
        Command::CacheUp(command) => Ok(cache_up::run(command, agent_options)),
        Command::Cache(command) => Ok(cache::run(command.command)),
        Command::Cell(command) => Ok(cell::run(command.command)),
        Command::Launch(command) => Ok(launch::run(command)),
        Command::Apps(command) => Ok(apps::run(command)),
        Command::Logs(command) => Ok(logs::run_logs(command)),
        Command::ShowApp(command) => Ok(app::run(command)),
        Command::Start(command) => Ok(start::run(command)),
        Command::Stop(command) => Ok(stop::run(command)),
        Command::Restart(command) => Ok(restart::run(command)),
        Command::RestartAppInstance(command) => Ok(restart::run_one(command)),
        Command::Scale(command) => Ok(scale::run(command)),
        Command::Revisions(command) => Ok(rollback::list(command)),
        Command::Rollback(command) => Ok(rollback::run(command)),
        Command::Delete(command) => Ok(delete::run(command)),
        Command::Ssh(command) => Ok(ssh::run_ssh(command)),
        Command::Env(command) => Ok(env::run(command)),
        Command::RunTask(command) => Ok(tasks::start(command)),
        Command::Tasks(command) => Ok(tasks::list(command)),
        Command::TerminateTask(command) => Ok(tasks::terminate(command)),
        Command::Events(command) => Ok(events::run(command)),
        Command::Export(command) => Ok(export::run(command)),
        Command::Image(command) if command.publish.is_some() => Ok(publish::image(command)),
        Command::Image(command) => Ok(image::run(command)),
        Command::Manifest(command) => manifest::run(command),
        Command::Push(command) => Ok(push::run(command)),
        Command::Rebase(command) => Ok(rebase::run(command)),
    }
}
