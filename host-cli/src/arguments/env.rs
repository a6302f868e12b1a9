//! `env`: what can be typed.

use super::place::{ClusterPlace, On};
use crate::app_ref::{AppRef, AppRefError};
use crate::failure::Failure;
use crate::plan::apps::Part;
use argh::{ArgsInfo, FromArgs};

names_an_app! {
    "env", happens_somewhere! command!
    /// show the names of an app's variables, and with --show their values
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "env",
        note = "APP is an app's name, its guid or the start of it; APP/worker is one of its processes, APP/1 its instance of index 1.\n\
                Without a part that is web's first instance.\n\n\
                What is shown is what its container has. Values may be passwords: they are hidden without --show, also from --output.",
        example = "$ host-cli env my-app",
        example = "Run the app's code here with the app's variables:\n\
                   $ host-cli env my-app --show --output dotenv > .env",
        example = "$ host-cli env my-app --show --output json | jq .system_env_json.VCAP_SERVICES"
    )]
    Env {
        /// app whose variables to show, or a part of it
        app,
        /// process type (default: web)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
        /// index of the instance (default: the first that runs)
        #[argh(option, short = 'i', long = "app-instance-index", arg_name = "index")]
        pub(crate) instance: Option<u32>,
        /// show values too; they may be passwords
        #[argh(switch)]
        pub(crate) show: bool,
        /// text (default); with --show also dotenv, a file for a shell and for programs that read .env, or json, as Cloud Controller
        /// has it
        #[argh(option, default = "EnvOutput::Text", arg_name = "form")]
        pub(crate) output: EnvOutput,
    }
}

/// How variables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvOutput {
    /// For people.
    Text,
    /// `NAME='VALUE'`, one a line.
    Dotenv,
    /// One JSON object.
    Json,
}

impl argh::FromArgValue for EnvOutput {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "text" => Ok(Self::Text),
            "dotenv" => Ok(Self::Dotenv),
            "json" => Ok(Self::Json),
            _ => Err("choose text, dotenv or json".to_owned()),
        }
    }
}

impl Env {
    /// What part of the app the options name.
    pub(crate) fn part(&self) -> Part {
        Part { process: self.process.clone(), index: self.instance }
    }
}
