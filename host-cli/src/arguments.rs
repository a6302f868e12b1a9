//! The command line of `host-cli`: what can be typed. What it means is decided where it is used.

pub(crate) mod invocation;
mod output;

use crate::app_ref::{AppRef, AppRefError};
use crate::image::ImageBy;
use crate::requests::LogOptions;
use argh::{ArgsInfo, FromArgs};
use std::num::NonZeroUsize;
use std::path::PathBuf;

pub(crate) use cache::{Cache, CacheCommand, CacheList, CacheOptions, CacheVerify};
pub(crate) use export::Export;
pub(crate) use fetching::{CacheUp, FetchOptions, Restage};
pub(crate) use output::{ListOutput, Output};

/// Stages and runs Cloud Foundry apps on plain Docker, from the requests in the logs of Diego's cc-bridge.
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    note = "APP is an app guid or the start of one (8 characters or more), a process guid, a staging guid, or an app name. What is\n\
            one of the guids is never a name; --app=NAME takes any name. Without either the newest request of all is taken.\n\nLogs are looked for in ~/.run/log (or ~/.run/logs), or where --logs, --stager-log and --nsync-log say.\n\n\
            The Docker Engine is the one that docker speaks to: DOCKER_HOST, DOCKER_CONTEXT or `docker context use` chooses it.",
    example = "Restage and start what was pushed last:\n$ {command_name} restage\n$ {command_name} launch",
    example = "See what the logs hold:\n$ {command_name} requests"
)]
pub(crate) struct HostCli {
    #[argh(subcommand)]
    pub(crate) command: Command,
}

/// One of the commands.
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(subcommand)]
pub(crate) enum Command {
    BuildReq(BuildReq),
    LaunchReq(LaunchReq),
    BuildCmd(BuildCmd),
    LaunchCmd(LaunchCmd),
    Requests(Requests),
    Restage(Restage),
    CacheUp(CacheUp),
    Cache(Cache),
    Launch(Launch),
    Image(Image),
    Export(Export),
    Push(Push),
    Link(Link),
}

/// A command that looks for requests: adds the options that say where, since argh cannot share fields between commands.
macro_rules! looks_for_requests {
    ($(#[$about:meta])* $command:ident { $($fields:tt)* }) => {
        $(#[$about])*
        pub(crate) struct $command {
            $($fields)*
            /// the app of this name, even where the name could be a guid, an image or an option: --app=NAME
            #[argh(option, long = "app", arg_name = "name")]
            pub(crate) app_name: Option<String>,
            /// folder of the components' logs (default: ~/.run/log, or ~/.run/logs where only that exists)
            #[argh(option, arg_name = "dir")]
            pub(crate) logs: Option<PathBuf>,
            /// the stager's log file instead; - reads standard input
            #[argh(option, arg_name = "file")]
            pub(crate) stager_log: Option<PathBuf>,
            /// nsync's log file instead; - reads standard input
            #[argh(option, arg_name = "file")]
            pub(crate) nsync_log: Option<PathBuf>,
        }

        impl $command {
            /// Where requests are looked for.
            pub(crate) fn log_options(&self) -> LogOptions {
                LogOptions {
                    logs: self.logs.clone(),
                    stager_log: self.stager_log.clone(),
                    nsync_log: self.nsync_log.clone(),
                }
            }
        }
    };
}

/// The app that a command is about, as it was typed.
macro_rules! is_about_an_app {
    ($($command:ident)*) => {
        $(impl $command {
            /// The app that was typed; `None`: the newest of all is meant.
            ///
            /// # Errors
            /// It was typed twice.
            pub(crate) fn app_ref(&self) -> Result<Option<AppRef>, AppRefError> {
                AppRef::typed(self.app.as_deref(), self.app_name.as_deref())
            }
        })*
    };
}

impl Push {
    /// Which image, and its name in the registry.
    ///
    /// # Errors
    /// One of them was not typed, or too much was.
    pub(crate) fn what_and_where(&self) -> Result<(AppRef, String), AppRefError> {
        match (&self.words[..], &self.app_name) {
            ([image, reference], None) => Ok((AppRef::word(image), reference.clone())),
            ([reference], Some(name)) => Ok((AppRef::name(name), reference.clone())),
            _ => Err(AppRefError::Push),
        }
    }
}

is_about_an_app! { BuildReq LaunchReq BuildCmd LaunchCmd Requests Launch CacheUp Export }

// Behind the macros, which they use.
mod cache;
mod export;
mod fetching;

looks_for_requests! {
    /// print the newest staging request as it was logged
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "build-req",
        example = "Stage and upload without the host's help:\n$ host-cli build-req my-app | docker run -i --rm --net hcf stager",
        example = "See the buildpacks:\n$ host-cli build-req my-app | jq .cached_dependencies"
    )]
    BuildReq {
        /// whose request (default: the newest of all)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
    }
}

looks_for_requests! {
    /// print the newest launch request as it was logged
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "launch-req", example = "$ host-cli launch-req my-app | jq .routes")]
    LaunchReq {
        /// whose request (default: the newest of all)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
    }
}

looks_for_requests! {
    /// print the builder's run action of the newest staging request
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "build-cmd", example = "$ host-cli build-cmd my-app | jq .args")]
    BuildCmd {
        /// whose request (default: the newest of all)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
    }
}

looks_for_requests! {
    /// print the launcher's run action of the newest launch request
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "launch-cmd", example = "$ host-cli launch-cmd my-app | jq .path")]
    LaunchCmd {
        /// whose request (default: the newest of all)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
    }
}

looks_for_requests! {
    /// list the requests that the logs hold, the newest first
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "requests", example = "$ host-cli requests --output json | jq .[0]")]
    Requests {
        /// only those of this app
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// show start commands too, which may hold passwords
        #[argh(switch)]
        pub(crate) show: bool,
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

looks_for_requests! {
    /// start an app's image as its newest launch request says
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "launch",
        example = "$ host-cli launch my-app",
        example = "On a port of your choice:\n$ host-cli launch --port 8080 my-app"
    )]
    Launch {
        /// which app (default: the newest launch request of all)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// take the request from this file instead of the logs; - reads standard input
        #[argh(option, arg_name = "file")]
        pub(crate) request: Option<PathBuf>,
        /// network that the app joins (default: hcf)
        #[argh(option, default = "String::from(\"hcf\")", arg_name = "name")]
        pub(crate) network: String,
        /// where the host publishes the app: PORT, PORT:APP-PORT, ADDRESS:PORT or ADDRESS:PORT:APP-PORT; once for each of its
        /// ports (default: a free one of 127.0.0.1)
        #[argh(option, arg_name = "port")]
        pub(crate) port: Vec<String>,
        /// process type to start (default: web, as the request has it)
        #[argh(option, default = "String::from(\"web\")", arg_name = "type")]
        pub(crate) process: String,
        /// plain or json (default: plain)
        #[argh(option, arg_name = "form")]
        pub(crate) output: Option<Output>,
    }
}

looks_for_requests! {
    /// push an app's image to a registry, through the Docker Engine
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "push",
        note = "IMAGE is an app image's name or id, or an app: its name, its guid or the start of one; then it is the app's newest image.\n\
                REF is REGISTRY/REPO[:TAG], with the tag latest where it names none. The image keeps that name here too.\n\n\
                What is an image's name or id, or a guid, is never taken for an app's name; --app=NAME REF takes any name.\n\n\
                Who pushes stands in docker's config.json (`docker login`, credential helpers), in DOCKER_CONFIG or ~/.docker.",
        example = "$ host-cli push my-app registry.example.com/team/my-app:1",
        example = "With a password that no process list shows:\n\
                   $ pass show registry | host-cli push --username me --password-stdin my-app registry.example.com/team/my-app"
    )]
    Push {
        /// which image, and its name in the registry; with --app=NAME that name alone
        #[argh(positional, arg_name = "IMAGE REF")]
        pub(crate) words: Vec<String>,
        /// push as this user (default: as docker's config.json says, else as nobody)
        #[argh(option, arg_name = "name")]
        pub(crate) username: Option<String>,
        /// read the user's password from standard input
        #[argh(switch)]
        pub(crate) password_stdin: bool,
        /// plain or json (default: progress bars on a terminal, plain lines elsewhere)
        #[argh(option, arg_name = "form")]
        pub(crate) output: Option<Output>,
    }
}

/// make an app image from a droplet, a lifecycle and a root file system
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "image",
    example = "$ host-cli image --droplet droplet.tgz --lifecycle lifecycle.tgz --base stager-rootfs:cflinuxfs4 --name my-app",
    example = "The same image from two stagings of the same files:\n$ SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) host-cli image --droplet droplet.tgz --lifecycle lifecycle.tgz --base stager-rootfs:cflinuxfs4 --name my-app",
    example = "With the names and labels that restage gives:\n$ host-cli build-req my-app | host-cli image --request - --droplet droplet.tgz --lifecycle lifecycle.tgz"
)]
pub(crate) struct Image {
    /// droplet, as the builder writes it (tgz)
    #[argh(option, arg_name = "file")]
    pub(crate) droplet: PathBuf,
    /// lifecycle that holds the launcher: an archive (tgz) or a folder
    #[argh(option, arg_name = "path")]
    pub(crate) lifecycle: PathBuf,
    /// staging request, as build-req prints it: gives names, labels and root file system; - reads standard input
    #[argh(option, arg_name = "file")]
    pub(crate) request: Option<PathBuf>,
    /// root file system to build on (default with --request: stager-rootfs with its stack as tag)
    #[argh(option, arg_name = "image")]
    pub(crate) base: Option<String>,
    /// name of the new image, REPOSITORY or REPOSITORY:TAG; may be given more than once (default with --request: after the app)
    #[argh(option, arg_name = "ref")]
    pub(crate) name: Vec<String>,
    /// label of the new image, NAME=VALUE; may be given more than once
    #[argh(option, arg_name = "label")]
    pub(crate) label: Vec<String>,
    /// the builder's result.json, for labels about buildpack and process types
    #[argh(option, arg_name = "file")]
    pub(crate) result: Option<PathBuf>,
    /// way of the image into the engine: auto, load, oci or build (default: auto, what suits the engine)
    #[argh(option, long = "image-by", default = "ImageBy::Auto", arg_name = "way")]
    pub(crate) by: ImageBy,
    /// bytes that the droplet's layer may have, such as 2G (default: as the request has disk, else 16G)
    #[argh(option, from_str_fn(size), arg_name = "size")]
    pub(crate) max_layer: Option<u64>,
    /// with --request, how many of the app's images stay: its newest, and those that a container uses (default: 5)
    #[argh(option, arg_name = "n")]
    pub(crate) keep_images: Option<NonZeroUsize>,
    /// say why the image goes that way
    #[argh(switch)]
    pub(crate) verbose: bool,
    /// push the image to a registry too, as REGISTRY/REPO or REGISTRY/REPO:TAG (tag: latest where none is named)
    #[argh(option, arg_name = "ref")]
    pub(crate) push: Option<String>,
    /// push as this user (default: as docker's config.json says, else as nobody)
    #[argh(option, arg_name = "name")]
    pub(crate) username: Option<String>,
    /// read that user's password from standard input
    #[argh(switch)]
    pub(crate) password_stdin: bool,
    /// plain or json (default: plain)
    #[argh(option, arg_name = "form")]
    pub(crate) output: Option<Output>,
}

/// link this program into a folder under the names of the original commands
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(subcommand, name = "link", example = "$ host-cli link ~/bin && build_req | jq .cached_dependencies[0]")]
pub(crate) struct Link {
    /// the folder; it must exist
    #[argh(positional, arg_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// A number of bytes, as it is typed.
fn size(typed: &str) -> Result<u64, String> {
    shared_model::size::parse(typed).ok_or_else(|| "a size is a number with a unit, such as 500M or 16G".to_owned())
}
