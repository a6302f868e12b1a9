//! The commands for apps that run: `cf`'s words.

use super::output::{Color, ListOutput, Output, ScreenOptions};
use super::place::{ClusterPlace, On};
use crate::app_ref::{AppRef, AppRefError};
use crate::failure::Failure;
use crate::plan::apps::Part;
use argh::{ArgsInfo, FromArgs};

happens_somewhere! {
    command!
    /// list the apps that run, and those that ended and are still there
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "apps",
        note = "The columns are those of `cf apps`. Processes are counted: how many instances run, and how many should. Routes are the\n\
                ports of the host; in a cluster the hosts of an Ingress, else a Service.",
        example = "$ host-cli apps",
        example = "The names of apps of which an instance does not run:\n\
                   $ host-cli apps --output json | jq -r '.[] | select(any(.processes[]; .running < .wanted)) | .name'"
    )]
    Apps {
        /// names alone, one a line
        #[argh(switch, short = 'q')]
        pub(crate) quiet: bool,
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

/// A command about an app that runs: adds the two ways to name it, the first documented by what stands above `app`, by the macros that
/// add others. `$verb` is what it is called by.
macro_rules! names_an_app {
    ($verb:literal, $first:ident! $($more:ident!)* $(#[$about:meta])+ $command:ident {
        $(#[$what:meta])+
        app,
        $($fields:tt)*
    }) => {
        $first! {
            $($more!)*
            $(#[$about])+
            $command {
                $(#[$what])+
                #[argh(positional, arg_name = "APP")]
                pub(crate) app: Option<String>,
                /// name of the app, even if it looks like a guid or an option
                #[argh(option, long = "app", arg_name = "name")]
                pub(crate) app_name: Option<String>,
                $($fields)*
            }
        }

        impl $command {
            /// The app, or a part of it.
            ///
            /// # Errors
            /// It was typed twice, or not at all.
            pub(crate) fn app_ref(&self) -> Result<AppRef, AppRefError> {
                let typed = AppRef::typed(self.app.as_deref(), self.app_name.as_deref())?;
                typed.ok_or(AppRefError::Missing { command: $verb })
            }
        }
    };
}

names_an_app! {
    "logs", happens_somewhere! command!
    /// show what an app prints: recent lines, and then what comes, until Ctrl-C
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "logs",
        note = "APP is an app's name, its guid or the start of it; APP/worker is one of its processes, APP/1 its instances of index 1.\n\
                An app whose name has a / goes first.\n\n\
                Lines are as `cf logs` has them, of all instances, also of those that were replaced or have ended and are still there, and of\n\
                its last staging here ([STG/0]). An instance that starts meanwhile joins in. Times are UTC. --recent and --app are cf's or as everywhere; the other options\n\
                are ours.",
        example = "$ host-cli logs my-app --recent",
        example = "Only the worker, from now on:\n$ host-cli logs my-app/worker -n 0",
        example = "$ host-cli logs my-app --recent --since 10m -n 1000000 --output json | jq -r .text"
    )]
    Logs {
        /// app whose logs to show, or a part of it
        app,
        /// show what is there, and end
        #[argh(switch)]
        pub(crate) recent: bool,
        /// go on with what comes (default without --recent)
        #[argh(switch, short = 'f')]
        pub(crate) follow: bool,
        /// how many recent entries of each instance (default: 1000)
        #[argh(option, short = 'n', long = "lines", default = "1000", arg_name = "count")]
        pub(crate) lines: u64,
        /// only what was printed since then: 10m, 2h30m, or a time such as 2026-11-30T01:02:03Z
        #[argh(option, arg_name = "time")]
        pub(crate) since: Option<String>,
        /// only this process type
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
        /// only instances of this index
        #[argh(option, short = 'i', long = "instance", arg_name = "index")]
        pub(crate) instance: Option<u32>,
        /// colours: auto, always or never (default: auto, on a terminal, unless the environment has `NO_COLOR`)
        #[argh(option, default = "Color::Auto", arg_name = "when")]
        pub(crate) color: Color,
        /// plain (default), or json: one object a line
        #[argh(option, default = "Output::Plain", arg_name = "form")]
        pub(crate) output: Output,
    }
}

names_an_app! {
    "stop", happens_somewhere! shows_what_it_does! command!
    /// stop an app: SIGTERM, and SIGKILL after 10 s, in a cluster after 15; it can be started again
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "stop",
        note = "APP is an app's name, its guid or the start of it; APP/worker is one of its processes, APP/1 its instances of index 1.\n\
                An app whose name has a / goes first.\n\n\
                What was stopped is still there: on an engine `host-cli start` starts it again, in a cluster `host-cli launch`. On an\n\
                engine `host-cli logs APP --recent` shows what it printed; in a cluster its logs go with its pods.",
        example = "$ host-cli stop my-app",
        example = "Only its worker:\n$ host-cli stop my-app/worker"
    )]
    Stop {
        /// app to stop, or a part of it
        app,
    }
}

names_an_app! {
    "delete", happens_somewhere! shows_what_it_does! command!
    /// stop an app and remove what it ran in; its images stay
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "delete",
        note = "APP is an app's name, its guid or the start of it. An app that is not there is no failure, as with `cf delete`.",
        example = "$ host-cli delete my-app -f"
    )]
    Delete {
        /// app to remove
        app,
        /// do not ask first
        #[argh(switch, short = 'f')]
        pub(crate) force: bool,
        /// for those whose hands type it: routes go with the app in any case
        #[argh(switch, short = 'r')]
        #[expect(dead_code, reason = "it changes nothing")]
        pub(crate) routes: bool,
    }
}

impl Logs {
    /// What part of the app the options name.
    pub(crate) fn part(&self) -> Part {
        Part { process: self.process.clone(), index: self.instance }
    }

    /// Whether what comes is wanted, too.
    pub(crate) const fn follows(&self) -> bool {
        self.follow || !self.recent
    }
}
