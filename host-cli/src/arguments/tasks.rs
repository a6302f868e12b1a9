//! `run-task`, `tasks` and `terminate-task`: what can be typed.

use super::life::Mebibytes;
use super::output::{ListOutput, Output};
use super::place::{ClusterPlace, On};
use crate::app_ref::{AppRef, AppRefError};
use crate::failure::Failure;
use crate::plan::apps::Part;
use crate::plan::launch::Size;
use argh::{ArgsInfo, FromArgs};

names_an_app! {
    "run-task", happens_somewhere! command!
    /// run a one-off task: a fresh container of the app with another command
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "run-task",
        note = "The task has the app's image, variables, files and launcher, as its last launch had them; no port and no health check. It\n\
                goes on when this command has ended: `host-cli tasks` shows how far it is, `host-cli logs` what it prints.\n\n\
                With --wait its lines are shown, and its exit code is this command's own; Ctrl-C ends the waiting, not the task. The last\n\
                five tasks that have ended stay, older ones go when the next one starts.",
        example = "$ host-cli run-task my-app --command 'bin/rake db:migrate' --name migrate",
        example = "In a script:\n$ host-cli run-task my-app --command bin/report --wait || echo failed",
        example = "$ host-cli run-task my-app --command bin/import -m 2G -k 4G --output json | jq .id"
    )]
    RunTask {
        /// app of which to run a task
        app,
        /// what to run (default: what the process runs)
        #[argh(option, short = 'c', long = "command", arg_name = "command")]
        pub(crate) line: Option<String>,
        /// name for the task (default: one is made)
        #[argh(option, arg_name = "name")]
        pub(crate) name: Option<String>,
        /// process type whose settings it has (default: web)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
        /// memory, such as 512M or 1G (default: its process's)
        #[argh(option, short = 'm', arg_name = "size")]
        pub(crate) memory: Option<Mebibytes>,
        /// disk, such as 512M or 1G (default: its process's)
        #[argh(option, short = 'k', arg_name = "size")]
        pub(crate) disk: Option<Mebibytes>,
        /// wait until it ends, show what it prints, and end with its exit code
        #[argh(switch, short = 'w')]
        pub(crate) wait: bool,
        /// plain (default) or json
        #[argh(option, default = "Output::Plain", arg_name = "form")]
        pub(crate) output: Output,
    }
}

names_an_app! {
    "tasks", happens_somewhere! command!
    /// list an app's one-off tasks: those that run, and the last that ended
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "tasks",
        note = "The columns are those of `cf tasks`. Times are UTC. Commands may hold passwords: --show shows them.",
        example = "$ host-cli tasks my-app",
        example = "The exit code of the newest:\n$ host-cli tasks my-app --output json | jq '.[0].exit_status'"
    )]
    Tasks {
        /// app whose tasks to list
        app,
        /// show commands too; they may contain passwords
        #[argh(switch)]
        pub(crate) show: bool,
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

happens_somewhere! {
    command!
    /// end a one-off task: SIGTERM, and SIGKILL after 10 s
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "terminate-task",
        note = "ID is the task's number, as `host-cli tasks` shows it. With --app=NAME only ID is typed.",
        example = "$ host-cli terminate-task my-app 3"
    )]
    TerminateTask {
        /// app, and the task's number
        #[argh(positional, arg_name = "APP ID")]
        pub(crate) words: Vec<String>,
        /// name of the app, even if it looks like a guid or an option
        #[argh(option, long = "app", arg_name = "name")]
        pub(crate) app_name: Option<String>,
    }
}

impl RunTask {
    /// How much it may use.
    pub(crate) fn size(&self) -> Size {
        Mebibytes::size(self.memory, self.disk)
    }

    /// The process that was typed as an option.
    pub(crate) fn part(&self) -> Part {
        Part { process: self.process.clone(), index: None }
    }
}

impl TerminateTask {
    /// The app, and the task's number.
    ///
    /// # Errors
    /// One of them was not typed, or is none; the text says it.
    pub(crate) fn meant(&self) -> Result<(AppRef, u64), String> {
        let (app, id) = match (&self.app_name, &self.words[..]) {
            (Some(name), [id]) => (AppRef::name(name), id),
            (None, [app, id]) => (AppRef::word(app), id),
            _ => return Err("terminate-task wants an app and the number of one of its tasks".to_owned()),
        };
        let id = id.parse().map_err(|_| "the number of a task is a number, from 1".to_owned())?;
        Ok((app, id))
    }
}
