//! The command line of `host-cli`: what can be typed. What it means is decided where it is used.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "what is documented here is help, where brackets stand around what may be left out"
)]

pub(crate) mod invocation;
#[macro_use]
mod output;
#[macro_use]
mod place;
mod standing;

use crate::app_ref::{AppRef, AppRefError};
use crate::failure::Failure;
use crate::plan::image_source::Pull;
use crate::plan::launch::Size;
use crate::plan::lifecycle::LifecycleFrom;
use crate::plan::name_resolution::{HostMapping, NameResolution, NameServer};
use crate::plan::volumes::VolumeMapping;
use crate::registry::push_by::PushBy;
use crate::requests::LogOptions;
use crate::settings::{Settings, fill};
use argh::{ArgsInfo, FromArgs};
use std::num::NonZeroU16;
use std::path::PathBuf;

pub(crate) use apps::{Apps, Delete, Logs, Stop};
pub(crate) use cache::{Cache, CacheCommand, CacheList, CacheOptions, CacheVerify};
pub(crate) use cell::{Cell, CellCommand, CellRun, CellStatus, Events};
pub(crate) use env::{Env, EnvOutput};
pub(crate) use export::Export;
pub(crate) use fetching::{CacheUp, FetchOptions, Restage};
pub(crate) use image::Image;
pub(crate) use life::{Mebibytes, Restart, RestartAppInstance, Revisions, Rollback, ScaleApp, ShowApp, Start};
pub(crate) use manifest::{Manifest, ManifestCommand, ManifestLaunch, ManifestOutput, ManifestRestage};
pub(crate) use output::{Color, ListOutput, Output, ScreenOptions};
pub(crate) use place::{ClusterPlace, On};
pub(crate) use rebase::Rebase;
pub(crate) use ssh::Ssh;
pub(crate) use tasks::{RunTask, Tasks, TerminateTask};

/// Rebuilds and runs Cloud Foundry apps on Docker or Kubernetes, from the requests that Cloud Foundry sent to Diego.
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    note = "APP is an app's name, its guid or the start of it (8 characters or more), a process guid or a staging guid.\n\
            A guid is never taken for a name; --app=NAME takes any name. Without APP the newest request is used.\n\n\
            --from takes requests as cfdot prints them, and logs, from files, folders and standard input. Otherwise requests are\n\
            read from the logs in ~/.run/log (or ~/.run/logs); --logs, --stager-log and --nsync-log name others.\n\n\
            What stands on every call can be set once: STAGER_LOGS, STAGER_NETWORK, STAGER_ADD_HOST, STAGER_DNS,\n\
            STAGER_CACHE_VOLUME, STAGER_CA, STAGER_IMAGE and STAGER_BASE, or the file ~/.config/stager/config.toml (keys: logs,\n\
            network, add-host, dns, cache-volume, ca, stager-image, base). An option comes before its variable, and the variable\n\
            before the file.\n\n\
            host-cli uses the same Docker Engine as docker: DOCKER_HOST, DOCKER_CONTEXT or `docker context use` chooses it; with\n\
            --on kubernetes the same cluster as kubectl: KUBECONFIG, or --context.",
    example = "Restage and start the app that was pushed last:\n$ {command_name} restage\n$ {command_name} launch",
    example = "List the requests in the logs, or in what cfdot printed:\n$ {command_name} requests\n\
               $ cfdot desired-lrps | {command_name} requests --from -"
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
    Cell(Cell),
    Launch(Launch),
    Apps(Apps),
    ShowApp(ShowApp),
    Logs(Logs),
    Start(Start),
    Stop(Stop),
    Restart(Restart),
    RestartAppInstance(RestartAppInstance),
    Scale(ScaleApp),
    Events(Events),
    Revisions(Revisions),
    Rollback(Rollback),
    Delete(Delete),
    Ssh(Ssh),
    Env(Env),
    RunTask(RunTask),
    Tasks(Tasks),
    TerminateTask(TerminateTask),
    Image(Image),
    Rebase(Rebase),
    Export(Export),
    Push(Push),
    Manifest(Manifest),
    Link(Link),
}

/// A command that looks for requests: adds the options that say where, since argh cannot share fields between commands.
macro_rules! looks_for_requests {
    ($(#[$about:meta])* $command:ident { $($fields:tt)* }) => {
        $(#[$about])*
        pub(crate) struct $command {
            $($fields)*
            /// name of the app, even if it looks like a guid, an image or an option
            #[argh(option, long = "app", arg_name = "name")]
            pub(crate) app_name: Option<String>,
            /// file or folder with what cfdot printed, or with logs; - reads standard input; may be given more than once; then the
            /// usual log folder is left out
            #[argh(option, arg_name = "path")]
            pub(crate) from: Vec<PathBuf>,
            /// folder with the logs of Cloud Foundry's components (STAGER_LOGS; default: ~/.run/log, else ~/.run/logs)
            #[argh(option, arg_name = "dir")]
            pub(crate) logs: Option<PathBuf>,
            /// log file of CF's stager component, instead of --logs; - reads standard input
            #[argh(option, arg_name = "file")]
            pub(crate) stager_log: Option<PathBuf>,
            /// log file of nsync, instead of --logs; - reads standard input
            #[argh(option, arg_name = "file")]
            pub(crate) nsync_log: Option<PathBuf>,
        }

        impl $command {
            /// Where requests are looked for.
            pub(crate) fn log_options(&self) -> LogOptions {
                LogOptions {
                    from: self.from.clone(),
                    logs: self.logs.clone(),
                    stager_log: self.stager_log.clone(),
                    nsync_log: self.nsync_log.clone(),
                }
            }

            /// Takes the folder from the settings where no log was typed.
            pub(super) fn fill_in_logs(&mut self, settings: &Settings) {
                if self.from.is_empty() && self.stager_log.is_none() && self.nsync_log.is_none() {
                    fill(&mut self.logs, settings.logs.as_ref());
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

impl Launch {
    /// The network that the app joins, how it finds hosts that the network does not know, and how its lifecycle is fetched.
    pub(crate) fn fetch_options(&self) -> FetchOptions<'_> {
        FetchOptions {
            network: self.network.as_deref().unwrap_or(fetching::NETWORK),
            names: NameResolution { hosts: &self.add_host, dns: &self.dns },
            stager_image: self.stager_image.as_deref().unwrap_or(fetching::STAGER_IMAGE),
            ca: self.ca.as_deref(),
            cert: self.cert.as_deref(),
            key: self.key.as_deref(),
            cache_volume: self.cache_volume.as_deref(),
            cache_limit: None,
        }
    }
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

is_about_an_app! { BuildReq LaunchReq BuildCmd LaunchCmd Requests Launch CacheUp Export Rebase }

// Behind the macros, which they use.
#[macro_use]
mod apps;
mod cache;
mod cell;
mod env;
mod export;
mod fetching;
mod image;
mod life;
mod manifest;
mod rebase;
mod ssh;
mod tasks;

looks_for_requests! {
    /// print an app's newest staging request, as logged
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "build-req",
        example = "Stage and upload without host-cli on the host:\n$ host-cli build-req my-app | docker run -i --rm --net hcf stager",
        example = "See the buildpacks:\n$ host-cli build-req my-app | jq .cached_dependencies"
    )]
    BuildReq {
        /// app whose request to print (default: the newest request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
    }
}

looks_for_requests! {
    /// print an app's newest launch request, as logged
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "launch-req",
        example = "$ host-cli launch-req my-app | jq .routes",
        example = "From an unpatched Cloud Foundry:\n$ cfdot desired-lrps | host-cli launch-req --from - my-app"
    )]
    LaunchReq {
        /// app whose request to print (default: the newest request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// process type whose request to print (default: web)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
    }
}

looks_for_requests! {
    /// print the builder's command line from the newest staging request
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "build-cmd", example = "$ host-cli build-cmd my-app | jq .args")]
    BuildCmd {
        /// app whose request to print (default: the newest request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
    }
}

looks_for_requests! {
    /// print the launcher's command line from the newest launch request
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "launch-cmd", example = "$ host-cli launch-cmd my-app | jq .path")]
    LaunchCmd {
        /// app whose request to print (default: the newest request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// process type whose request to print (default: web)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
    }
}

looks_for_requests! {
    /// list the requests in what cfdot printed, or in the logs, newest first
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "requests",
        note = "USED marks the newest request of each app, kind and process type: the one that `restage` or `launch` uses. Times\n\
                are UTC. A task of `cf run-task` looks like a staging; it is listed and never used.",
        example = "$ host-cli requests --output json | jq .[0]"
    )]
    Requests {
        /// list only this app's requests
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// show start commands too; they may contain passwords
        #[argh(switch)]
        pub(crate) show: bool,
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

happens_somewhere! {
    shows_what_it_does! looks_for_requests!
    /// start an app's image with the settings of its newest launch request
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "launch",
        example = "$ host-cli launch my-app",
        example = "From an unpatched Cloud Foundry:\n$ cfdot desired-lrps | host-cli launch --from - my-app",
        example = "On a port of your choice:\n$ host-cli launch --port 8080 my-app",
        example = "With its workers:\n$ host-cli launch --all-processes my-app",
        example = "A docker app, from a registry that has another image of that tag by now:\n$ host-cli launch --pull always my-app"
    )]
    Launch {
        /// app to start (default: the app of the newest launch request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// read the request from this file instead of the logs; - reads standard input
        #[argh(option, arg_name = "file")]
        pub(crate) request: Option<PathBuf>,
        /// when to get a docker app's image from its registry: missing (default), always or never
        #[argh(option, default = "Pull::Missing", arg_name = "when")]
        pub(crate) pull: Pull,
        /// lifecycle whose launcher starts the app: image (default: the staging's) or request; a docker app has the request's
        #[argh(option, default = "LifecycleFrom::Image", arg_name = "which")]
        pub(crate) lifecycle: LifecycleFrom,
        /// stager image: has the program that starts sidecars, and fetches a lifecycle (STAGER_IMAGE; default: stager:latest)
        #[argh(option, arg_name = "image")]
        pub(crate) stager_image: Option<String>,
        /// client certificate to fetch it with, PEM
        #[argh(option, arg_name = "file")]
        pub(crate) cert: Option<PathBuf>,
        /// private key for --cert, PEM (default: same file)
        #[argh(option, arg_name = "file")]
        pub(crate) key: Option<PathBuf>,
        /// volume of the cache that keeps it (STAGER_CACHE_VOLUME; default: stager-cache)
        #[argh(option, arg_name = "name")]
        pub(crate) cache_volume: Option<String>,
        /// network that the app joins (STAGER_NETWORK; default: hcf)
        #[argh(option, arg_name = "name")]
        pub(crate) network: Option<String>,
        /// address of a host that the network does not know: HOST=IP or HOST=host-gateway; may be given several times
        /// (STAGER_ADD_HOST)
        #[argh(option, arg_name = "host=ip")]
        pub(crate) add_host: Vec<HostMapping>,
        /// DNS server of the app; may be given several times (STAGER_DNS; default: the engine's)
        #[argh(option, arg_name = "ip")]
        pub(crate) dns: Vec<NameServer>,
        /// certificates that the app is to trust, and its file server, PEM (STAGER_CA)
        #[argh(option, arg_name = "file")]
        pub(crate) ca: Option<PathBuf>,
        /// certificate of an instance identity, PEM for the app to show
        #[argh(option, arg_name = "file")]
        pub(crate) instance_cert: Option<PathBuf>,
        /// private key for --instance-cert, PEM
        #[argh(option, arg_name = "file")]
        pub(crate) instance_key: Option<PathBuf>,
        /// host port to publish the app on: [ADDRESS:]PORT[:APP-PORT]; may be given once for each port (default: a free port
        /// on 127.0.0.1)
        #[argh(option, arg_name = "port")]
        pub(crate) port: Vec<String>,
        /// folder for a volume of the request: ID=DIR, or ID=DIR:ro to read only; in a cluster a persistent volume claim: ID=CLAIM;
        /// may be given once for each volume
        #[argh(option, arg_name = "id=dir")]
        pub(crate) volume_map: Vec<VolumeMapping>,
        /// process type to start (default: web, or the one of --request)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
        /// start every process type of the app that has a launch request, web first; --port is for the first
        #[argh(switch)]
        pub(crate) all_processes: bool,
        /// in a cluster: the app's image in a registry, by tag or digest, as `restage --publish` made it
        #[argh(option, arg_name = "ref")]
        pub(crate) image: Option<String>,
        /// in a cluster: name of a Secret of the namespace with which nodes get the image (default: the service account's)
        #[argh(option, arg_name = "name")]
        pub(crate) pull_secret: Option<String>,
        /// number of instances (default: the request's)
        #[argh(option, arg_name = "n")]
        pub(crate) instances: Option<NonZeroU16>,
        /// variable of the app, over the request's: NAME=VALUE; may be given several times
        #[argh(option, arg_name = "name=value")]
        pub(crate) env: Vec<String>,
        /// file with variables of the app, one a line: NAME=VALUE; --env wins over it
        #[argh(option, arg_name = "file")]
        pub(crate) env_file: Vec<PathBuf>,
        /// service of the app: NAME=FILE or NAME=JSON with its credentials; one that is bound gets these instead; may be given
        /// several times
        #[argh(option, arg_name = "name=file")]
        pub(crate) service: Vec<String>,
        /// folder of this machine in the place of the app's files, to try changes without staging
        #[argh(option, arg_name = "dir")]
        pub(crate) mount: Option<PathBuf>,
        /// memory of each instance: 512M, 1G (default: the request's)
        #[argh(option, arg_name = "size")]
        pub(crate) memory: Option<Mebibytes>,
        /// start command (default: the request's)
        #[argh(option, arg_name = "command")]
        pub(crate) command: Option<String>,
        /// in a cluster: tell each instance its number: a StatefulSet instead of a Deployment, which rolls with an instance less
        #[argh(switch)]
        pub(crate) index: bool,
        /// in a cluster: also make an Ingress of this class for the app's routes
        #[argh(option, arg_name = "class")]
        pub(crate) ingress: Option<String>,
    }
}

shows_what_it_does! {
    looks_for_requests!
    /// push an app's image to a registry
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "push",
        note = "IMAGE is an app image's name or id, or an app (its newest image is pushed).\n\
                REF is REGISTRY/REPO[:TAG]; the default tag is latest.\n\n\
                An image's name or id, or a guid, is never taken for an app's name; --app=NAME REF takes any name.\n\n\
                Credentials come from `docker login` (config.json in DOCKER_CONFIG or ~/.docker), or --username with\n\
                --password-stdin; otherwise the push is anonymous.",
        example = "$ host-cli push my-app registry.example.com/team/my-app:1",
        example = "With a password from a program:\n\
                   $ pass show registry | host-cli push --username me --password-stdin my-app registry.example.com/team/my-app"
    )]
    Push {
        /// image to push, and its name in the registry; with --app=NAME only the name in the registry
        #[argh(positional, arg_name = "IMAGE REF")]
        pub(crate) words: Vec<String>,
        /// who sends the image: direct, host-cli from this machine, or engine, the Docker Engine from its own, where the image
        /// keeps the registry's name too (default: direct)
        #[argh(option, default = "PushBy::Direct", arg_name = "who")]
        pub(crate) by: PushBy,
        /// certificates to trust for the registry besides the system's, PEM (STAGER_CA)
        #[argh(option, arg_name = "file")]
        pub(crate) ca: Option<PathBuf>,
        /// user to push as (default: from `docker login`, otherwise anonymous)
        #[argh(option, arg_name = "name")]
        pub(crate) username: Option<String>,
        /// read the password of --username from standard input
        #[argh(switch)]
        pub(crate) password_stdin: bool,
    }
}

impl Launch {
    /// How much each instance may use.
    pub(crate) fn size(&self) -> Size {
        Mebibytes::size(self.memory, None)
    }
}

/// make links named like the original commands, such as `build_req`
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(subcommand, name = "link", example = "$ host-cli link ~/bin && build_req | jq .cached_dependencies[0]")]
pub(crate) struct Link {
    /// folder for the links; it must exist
    #[argh(positional, arg_name = "DIR")]
    pub(crate) folder: PathBuf,
}
