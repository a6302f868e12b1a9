//! The commands whose container fetches: they share the options that say with whom it speaks and what it keeps.

use super::output::Output;
use crate::app_ref::AppRef;
use crate::image::ImageBy;
use crate::requests::LogOptions;
use argh::{ArgsInfo, FromArgs};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Who the container speaks to, with which certificates, and where it keeps what it fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchOptions<'a> {
    /// `--network`.
    pub(crate) network: &'a str,
    /// `--stager-image`.
    pub(crate) stager_image: &'a str,
    /// `--ca`.
    pub(crate) ca: Option<&'a Path>,
    /// `--cert`.
    pub(crate) cert: Option<&'a Path>,
    /// `--key`.
    pub(crate) key: Option<&'a Path>,
    /// `--cache-volume`.
    pub(crate) cache_volume: Option<&'a str>,
    /// `--cache-limit`, as it was typed: the agent reads it.
    pub(crate) cache_limit: Option<&'a str>,
}

/// A command whose container fetches, from requests in the logs.
macro_rules! fetches {
    ($(#[$about:meta])* $command:ident { $($fields:tt)* }) => {
        looks_for_requests! {
            $(#[$about])*
            $command {
                $($fields)*
                /// network that the container joins (default: hcf)
                #[argh(option, default = "String::from(\"hcf\")", arg_name = "name")]
                pub(crate) network: String,
                /// image that stages (default: stager:latest)
                #[argh(option, default = "String::from(\"stager:latest\")", arg_name = "image")]
                pub(crate) stager_image: String,
                /// certificates to trust besides the system's, in PEM; handed to the agent
                #[argh(option, arg_name = "file")]
                pub(crate) ca: Option<PathBuf>,
                /// client certificate for servers that ask for one, in PEM
                #[argh(option, arg_name = "file")]
                pub(crate) cert: Option<PathBuf>,
                /// its key, in PEM, closed to all but owner and group (default: it is in the file of --cert)
                #[argh(option, arg_name = "file")]
                pub(crate) key: Option<PathBuf>,
                /// volume that keeps what was fetched; made where there is none (default: stager-cache)
                #[argh(option, arg_name = "name")]
                pub(crate) cache_volume: Option<String>,
                /// bytes that the volume may hold, such as 2G; the least recently used goes first (default: 10G)
                #[argh(option, arg_name = "size")]
                pub(crate) cache_limit: Option<String>,
            }
        }

        impl $command {
            /// What all commands that fetch have in common.
            pub(crate) fn fetch_options(&self) -> FetchOptions<'_> {
                FetchOptions {
                    network: &self.network,
                    stager_image: &self.stager_image,
                    ca: self.ca.as_deref(),
                    cert: self.cert.as_deref(),
                    key: self.key.as_deref(),
                    cache_volume: self.cache_volume.as_deref(),
                    cache_limit: self.cache_limit.as_deref(),
                }
            }
        }
    };
}

fetches! {
    /// stage an app again in a container and make its image
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "restage",
        note = "What follows -- goes to the agent in the container; `-- --help` lists it.",
        example = "$ host-cli restage my-app",
        example = "Several at once:\n$ host-cli restage --jobs 4 my-app other-app third-app\n$ host-cli restage --all",
        example = "Look into a failed staging:\n$ host-cli restage --keep my-app",
        example = "Leave Cloud Controller's droplet alone:\n$ host-cli restage my-app -- --no-upload",
        example = "Fetch everything anew, and keep nothing:\n$ host-cli restage --no-cache my-app",
        example = "Into a registry too, as `docker login` knows you:\n\
                   $ host-cli restage --push registry.example.com/team/my-app my-app"
    )]
    Restage {
        /// which apps (default: the app of the newest staging request of all)
        #[argh(positional, arg_name = "APP")]
        pub(crate) apps: Vec<String>,
        /// every app that has a staging request in the logs
        #[argh(switch)]
        pub(crate) all: bool,
        /// of several apps, stage so many at once (default: as the engine has processors, and memory at 1G each)
        #[argh(option, arg_name = "n")]
        pub(crate) jobs: Option<NonZeroUsize>,
        /// take the request from this file instead of the logs; - reads standard input
        #[argh(option, arg_name = "file")]
        pub(crate) request: Option<PathBuf>,
        /// root file system of the app image (default: stager-rootfs with the stack as tag)
        #[argh(option, arg_name = "image")]
        pub(crate) base: Option<String>,
        /// fetch everything, use and keep nothing
        #[argh(switch)]
        pub(crate) no_cache: bool,
        /// keep the container for an hour after success or failure, to look into it
        #[argh(switch)]
        pub(crate) keep: bool,
        /// how many of the app's images stay: its newest, and those that a container uses (default: 5)
        #[argh(option, arg_name = "n")]
        pub(crate) keep_images: Option<NonZeroUsize>,
        /// stage and upload, but make no image
        #[argh(switch)]
        pub(crate) no_image: bool,
        /// push the image to a registry, as REGISTRY/REPO or REGISTRY/REPO:TAG (tag: latest where none is named)
        #[argh(option, arg_name = "ref")]
        pub(crate) push: Option<String>,
        /// push as this user (default: as docker's config.json says, else as nobody)
        #[argh(option, arg_name = "name")]
        pub(crate) username: Option<String>,
        /// read that user's password from standard input
        #[argh(switch)]
        pub(crate) password_stdin: bool,
        /// way of the image into the engine: auto, load, oci or build (default: auto, what suits the engine)
        #[argh(option, default = "ImageBy::Auto", arg_name = "way")]
        pub(crate) image_by: ImageBy,
        /// say why the image goes that way
        #[argh(switch)]
        pub(crate) verbose: bool,
        /// plain or json (default: progress bars on a terminal, plain lines elsewhere)
        #[argh(option, arg_name = "form")]
        pub(crate) output: Option<Output>,
    }
}

impl Restage {
    /// Whether several apps are to be staged, each on a session of its own.
    pub(crate) fn is_of_several(&self) -> bool {
        self.all || self.apps.len() + usize::from(self.app_name.is_some()) > 1
    }

    /// The apps that were typed; empty: the newest of all is meant, or `--all`.
    pub(crate) fn app_refs(&self) -> Vec<AppRef> {
        let words = self.apps.iter().map(|word| AppRef::word(word));
        words.chain(self.app_name.as_deref().map(AppRef::name)).collect()
    }
}

fetches! {
    /// fetch what requests need into the cache, or into a stager image
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "cache-up",
        note = "Fetched is what has a cache key: the lifecycle and the installation's buildpacks. An app's package has none.\n\
                What follows -- goes to the agent in the container.",
        example = "Everything that my-app's newest request names:\n$ host-cli cache-up my-app",
        example = "Everything that any request in the logs names:\n$ host-cli cache-up --all",
        example = "A stager image that needs no file server:\n$ host-cli cache-up --all --bake stager:baked\n\
                   $ host-cli restage --stager-image stager:baked my-app"
    )]
    CacheUp {
        /// whose request (default: the newest staging request of all)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// take every staging request in the logs
        #[argh(switch)]
        pub(crate) all: bool,
        /// put it into a new stager image of this name instead of the volume
        #[argh(option, arg_name = "tag")]
        pub(crate) bake: Option<String>,
        /// take the request from this file instead of the logs; - reads standard input
        #[argh(option, arg_name = "file")]
        pub(crate) request: Option<PathBuf>,
        /// plain or json (default: progress bars on a terminal, plain lines elsewhere)
        #[argh(option, arg_name = "form")]
        pub(crate) output: Option<Output>,
    }
}
