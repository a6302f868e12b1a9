//! From what was typed to what is meant.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::arguments::{self, Command};
use crate::failure::Failure;
use crate::manage::bbs::Query;
use crate::manage::docker::hosts;
use crate::manage::down::{Extent, down};
use crate::manage::install;
use crate::manage::push::{PushOptions, push};
use crate::manage::replay::{ReplayOptions, replay};
use crate::manage::up::{UpOptions, up};
use crate::request::application::HealthCheck;
use crate::request::style::Style;
use crate::serve::serve;
use crate::services::Service;
use crate::state::State;

/// Does what the command says.
pub(crate) fn execute(command: Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Up(typed) => {
            let arguments::Up { network, state, instance, base, image, hidden_names, mutual_tls, binary } = typed;
            let options = UpOptions { network, instance, base, image, hidden_names, mutual_tls, binary };
            up(&State::at(&state), &options, out)
        }
        Command::Down(typed) => {
            let extent = if typed.purge { Extent::Purge } else { Extent::Keep };
            down(&State::at(&typed.state), extent, out)
        }
        Command::AddBuildpack(typed) => {
            let state = State::at(&typed.state);
            let installed = install::add_buildpack(&state, &typed.name, &typed.source, typed.position)?;
            let _ = writeln!(out, "installed {} as {}", installed.name, installed.key);
            Ok(())
        }
        Command::Lifecycle(typed) => install::lifecycle(&State::at(&typed.state), &typed.source),
        Command::Push(typed) => push(&State::at(&typed.state.clone()), &meant_push(typed)?, out),
        Command::Cfdot(typed) => {
            let query = Query::parse(&typed.command, typed.guid)?;
            let _ = write!(out, "{}", State::at(&typed.state).printed(&query)?); // a closed pipe is no reason to fail
            Ok(())
        }
        Command::Hosts(typed) => {
            let _ = write!(out, "{}", hosts(&State::at(&typed.state))?);
            Ok(())
        }
        Command::Replay(typed) => {
            let arguments::Replay { logs, app, package, state } = typed;
            replay(&State::at(&state), &ReplayOptions { logs, app, package }, out)
        }
        Command::Serve(typed) => {
            let service = Service::from_role(&typed.role);
            serve(service.ok_or_else(|| wrong(format!("there is no service `{}`", typed.role)))?, out)
        }
    }
}

fn wrong(text: String) -> Failure {
    Failure::CommandLine(text)
}

fn meant_push(typed: arguments::Push) -> Result<PushOptions, Failure> {
    let style = typed.style.unwrap_or(if typed.no_logs { Style::Y2026 } else { Style::Y2016 });
    if typed.no_logs && !style.is_today() {
        return Err(wrong("only today's requests can be had without logs; add --style 2026".to_owned()));
    }
    let health_check = match typed.health_check.as_str() {
        "port" => HealthCheck::Port,
        "http" if style == Style::Y2016 => {
            return Err(wrong("2016 knew no http health check; add --style 2017".to_owned()));
        }
        "http" => HealthCheck::Http(typed.health_path),
        "process" => HealthCheck::Process,
        "none" => HealthCheck::None,
        other => {
            return Err(wrong(format!("`{other}` is no health check; port, http, process or none")));
        }
    };
    let env: Result<Vec<_>, Failure> = typed.env.iter().map(|text| variable(text)).collect();
    let name = typed.name.map_or_else(|| name_of(&typed.source), Ok)?;
    Ok(PushOptions {
        source: typed.source,
        name,
        buildpacks: typed.buildpack,
        command: typed.command,
        stack: typed.stack,
        memory_mb: typed.memory,
        health_check,
        env: env?,
        style,
        logs: !typed.no_logs,
        expired: typed.expired,
        ssh: !typed.no_ssh,
    })
}

/// Read here, not by argh, which repeats what it cannot read: the text may be a secret.
fn variable(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(wrong("a variable of --env is written K=V".to_owned())),
    }
}

/// The folder's or zip's own name.
fn name_of(source: &Path) -> Result<String, Failure> {
    let full = fs::canonicalize(source).map_err(Failure::file("find", source))?;
    let name = full.file_stem().map(|name| name.to_string_lossy().into_owned());
    name.ok_or_else(|| wrong(format!("{} has no name; give one with --name", source.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_without_equals_sign_is_refused_without_repeating_it() {
        let typed = ["push", ".", "--env", "hunter2"].map(str::to_owned);
        let Ok(Command::Push(typed)) = arguments::parse("mini-hcf", &typed) else { panic!("no push") };
        let failure = meant_push(typed).err().unwrap();
        assert!(failure.to_string().contains("K=V") && !failure.to_string().contains("hunter2"), "{failure}");
        assert_eq!(variable("A=b=c").unwrap(), ("A".into(), "b=c".into()));
    }

    #[test]
    fn without_logs_a_push_is_todays() {
        let meant = |typed: &[&str]| {
            let typed: Vec<String> = ["push", "."].iter().chain(typed).map(|word| (*word).to_owned()).collect();
            let Ok(Command::Push(typed)) = arguments::parse("mini-hcf", &typed) else { panic!("no push") };
            meant_push(typed).map(|push| (push.style, push.logs))
        };
        assert_eq!(meant(&["--no-logs"]).unwrap(), (Style::Y2026, false));
        assert_eq!(meant(&[]).unwrap(), (Style::Y2016, true));
        assert!(meant(&["--no-logs", "--style=2017"]).unwrap_err().to_string().contains("--style 2026"));
    }

    #[test]
    fn http_checks_are_refused_for_a_year_that_knew_none() {
        let typed = ["push", ".", "--health-check=http"].map(str::to_owned);
        let Ok(Command::Push(typed)) = arguments::parse("mini-hcf", &typed) else { panic!("no push") };
        assert!(meant_push(typed).err().unwrap().to_string().contains("--style 2017"));
    }
}
