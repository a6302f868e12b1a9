//! The commands for the cell.

use super::fetching::STAGER_IMAGE;
use super::output::{Color, ListOutput, Output, ScreenOptions};
use crate::app_ref::{AppRef, AppRefError};
use crate::settings::{Settings, fill};
use argh::{ArgsInfo, FromArgs};

/// keep apps running as Cloud Foundry does: start, stop or look at the cell
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "cell",
    note = "The cell is one container of the stager image on the engine. It starts again what crashes: three times at once, then after\n\
            30 s, twice as long each time up to 16 minutes, and gives up after 200 crashes in a row. It has the engine's socket, as nobody\n\
            else has that stager starts. Without a cell the engine itself starts again what ends.",
    example = "$ host-cli cell start",
    example = "$ host-cli cell status"
)]
pub(crate) struct Cell {
    #[argh(subcommand)]
    pub(crate) command: CellCommand,
}

/// One of them.
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(subcommand)]
pub(crate) enum CellCommand {
    Start(CellStart),
    Stop(CellStop),
    Status(CellStatus),
    Upgrade(CellUpgrade),
    Run(CellRun),
}

shows_what_it_does! {
    command!
    /// start the cell: from now on it keeps all apps of the engine running
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "start",
        note = "Apps that run go on running; they are in the cell's care from now on. What is wanted of apps is kept in its volume,\n\
                stager-cell. An engine has one cell; starting it twice is no failure.",
        example = "$ host-cli cell start"
    )]
    CellStart {
        /// image of which the cell is made (STAGER_IMAGE; default: stager:latest)
        #[argh(option, arg_name = "image")]
        pub(crate) stager_image: Option<String>,
        /// the engine's socket on its own machine (default: the one that host-cli uses, else /var/run/docker.sock)
        #[argh(option, arg_name = "path")]
        pub(crate) socket: Option<String>,
    }
}

shows_what_it_does! {
    command!
    /// end the cell; apps run on, and the engine starts again what ends
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "stop",
        note = "A cell that is killed instead starts nothing and forgets nothing; `cell start` starts it again. The volume stays in any\n\
                case, with the crashes so far.",
        example = "$ host-cli cell stop"
    )]
    CellStop {}
}

command! {
    /// show whether the cell runs, since when, what it keeps running, and what it has given up
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "status", example = "$ host-cli cell status --output json | jq .given_up")]
    CellStatus {
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

shows_what_it_does! {
    command!
    /// replace the cell by one of the newest stager image; no app is touched
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "upgrade", example = "$ docker/build && host-cli cell upgrade")]
    CellUpgrade {
        /// image of which the cell is made (STAGER_IMAGE; default: stager:latest)
        #[argh(option, arg_name = "image")]
        pub(crate) stager_image: Option<String>,
        /// the engine's socket on its own machine (default: the one that host-cli uses, else /var/run/docker.sock)
        #[argh(option, arg_name = "path")]
        pub(crate) socket: Option<String>,
    }
}

command! {
    /// be the cell: what its container runs, and nobody else
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "run", example = "What it says of itself:\n$ docker logs stager-cell")]
    CellRun {
        /// what host-cli asks of it in its container: keep FILE CHANGE DIGEST, or clear DIGEST
        #[argh(positional, arg_name = "WORDS")]
        pub(crate) words: Vec<String>,
    }
}

names_an_app! {
    "events", command!
    /// show what happened to an app: what was done with it, and how its instances crashed, newest first
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "events",
        note = "APP is an app's name, its guid or the start of it. Crashes are told as the cell has counted them; without a cell as far as\n\
                the containers tell that are there. Times are UTC.",
        example = "$ host-cli events my-app",
        example = "How often did it run out of memory?\n\
                   $ host-cli events my-app --output json | jq '[.[] | select(.description | contains(\"out of memory\"))] | length'"
    )]
    Events {
        /// app whose events to show
        app,
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

impl CellStart {
    /// Of which image.
    pub(crate) fn image(&self) -> &str {
        self.stager_image.as_deref().unwrap_or(STAGER_IMAGE)
    }
}

impl CellUpgrade {
    /// Of which image.
    pub(crate) fn image(&self) -> &str {
        self.stager_image.as_deref().unwrap_or(STAGER_IMAGE)
    }
}

impl CellCommand {
    /// Takes the image from the settings where none was typed.
    pub(super) fn fill_in(&mut self, settings: &Settings) {
        match self {
            Self::Start(command) => fill(&mut command.stager_image, settings.stager_image.as_ref()),
            Self::Upgrade(command) => fill(&mut command.stager_image, settings.stager_image.as_ref()),
            Self::Stop(_) | Self::Status(_) | Self::Run(_) => {}
        }
    }
}
