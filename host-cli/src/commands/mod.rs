//! What each command does with what was typed, a file a command. What they share, the staging and the launch, is in
//! [`crate::pipeline`].

mod apps;
mod batch;
mod cache;
mod cache_up;
mod cluster;
mod delete;
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
mod stop;
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
        Command::Launch(command) => Ok(launch::run(command)),
        Command::Apps(command) => Ok(apps::run(command)),
        Command::Logs(command) => Ok(logs::run_logs(command)),
        Command::Stop(command) => Ok(stop::run(command)),
        Command::Delete(command) => Ok(delete::run(command)),
        Command::Export(command) => Ok(export::run(command)),
        Command::Image(command) if command.publish.is_some() => Ok(publish::image(command)),
        Command::Image(command) => Ok(image::run(command)),
        Command::Manifest(command) => manifest::run(command),
        Command::Push(command) => Ok(push::run(command)),
        Command::Rebase(command) => Ok(rebase::run(command)),
    }
}
