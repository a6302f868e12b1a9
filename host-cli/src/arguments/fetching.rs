//! The commands whose container fetches: they share the options that say with whom it speaks and what it keeps.

use super::output::{Color, Output, ScreenOptions};
use super::place::{ClusterPlace, On};
use crate::app_ref::AppRef;
use crate::failure::Failure;
use crate::image::ImageBy;
use crate::plan::name_resolution::{HostMapping, NameResolution, NameServer};
use crate::registry::push_by::PushBy;
use crate::requests::LogOptions;
use crate::settings::{Settings, fill, fill_list};
use argh::{ArgsInfo, FromArgs};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Who the container speaks to, with which certificates, and where it keeps what it fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchOptions<'a> {
    /// `--network`.
    pub(crate) network: &'a str,
    /// `--add-host` and `--dns`.
    pub(crate) names: NameResolution<'a>,
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

/// The network, where nobody says.
pub(super) const NETWORK: &str = "hcf";
/// The stager image, where nobody says.
pub(super) const STAGER_IMAGE: &str = "stager:latest";

/// A command whose container fetches, from requests in the logs.
macro_rules! fetches {
    ($(#[$about:meta])* $command:ident { $($fields:tt)* }) => {
        looks_for_requests! {
            $(#[$about])*
            $command {
                $($fields)*
                /// network of the container (STAGER_NETWORK; default: hcf)
                #[argh(option, arg_name = "name")]
                pub(crate) network: Option<String>,
                /// address of a host that the network does not know: HOST=IP or HOST=host-gateway; may be given several times
                /// (STAGER_ADD_HOST)
                #[argh(option, arg_name = "host=ip")]
                pub(crate) add_host: Vec<HostMapping>,
                /// DNS server of the container; may be given several times (STAGER_DNS; default: the engine's)
                #[argh(option, arg_name = "ip")]
                pub(crate) dns: Vec<NameServer>,
                /// stager image (STAGER_IMAGE; default: stager:latest)
                #[argh(option, arg_name = "image")]
                pub(crate) stager_image: Option<String>,
                /// certificates to trust besides the system's, PEM (STAGER_CA)
                #[argh(option, arg_name = "file")]
                pub(crate) ca: Option<PathBuf>,
                /// client certificate, PEM
                #[argh(option, arg_name = "file")]
                pub(crate) cert: Option<PathBuf>,
                /// private key for --cert, PEM (default: same file)
                #[argh(option, arg_name = "file")]
                pub(crate) key: Option<PathBuf>,
                /// volume of the cache; made if missing (STAGER_CACHE_VOLUME; default: stager-cache); in a cluster a persistent volume
                /// claim, which must be there (default: none)
                #[argh(option, arg_name = "name")]
                pub(crate) cache_volume: Option<String>,
                /// largest size of the cache, such as 2G; least recently used entries go first (default: 10G)
                #[argh(option, arg_name = "size")]
                pub(crate) cache_limit: Option<String>,
            }
        }

        impl $command {
            /// What all commands that fetch have in common.
            pub(crate) fn fetch_options(&self) -> FetchOptions<'_> {
                FetchOptions {
                    network: self.network.as_deref().unwrap_or(NETWORK),
                    names: NameResolution { hosts: &self.add_host, dns: &self.dns },
                    stager_image: self.stager_image.as_deref().unwrap_or(STAGER_IMAGE),
                    ca: self.ca.as_deref(),
                    cert: self.cert.as_deref(),
                    key: self.key.as_deref(),
                    cache_volume: self.cache_volume.as_deref(),
                    cache_limit: self.cache_limit.as_deref(),
                }
            }

            /// Takes from the settings what was not typed.
            pub(super) fn fill_in_fetching(&mut self, settings: &Settings) {
                fill(&mut self.network, settings.network.as_ref());
                fill_list(&mut self.add_host, settings.add_host.as_ref());
                fill_list(&mut self.dns, settings.dns.as_ref());
                fill(&mut self.stager_image, settings.stager_image.as_ref());
                fill(&mut self.ca, settings.ca.as_ref());
            }
        }
    };
}

happens_somewhere! {
    shows_what_it_does! fetches!
    /// stage apps again, from their newest staging requests, and make their images
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "restage",
        note = "By default restage replaces the app's droplet in Cloud Controller. The running app is not restarted, and Diego\n\
                cannot place it again until `cf restart APP`. Use --no-upload to leave Cloud Controller alone.\n\n\
                Options after -- go to stager-agent in the container; `-- --help` lists them.",
        example = "$ host-cli restage my-app",
        example = "From what cfdot printed, without touching Cloud Controller:\n$ host-cli restage --from requests.txt --no-upload my-app",
        example = "Several at once:\n$ host-cli restage --jobs 4 my-app other-app third-app\n$ host-cli restage --all",
        example = "Look around after a failed staging:\n$ host-cli restage --keep my-app",
        example = "Do not replace the droplet in Cloud Controller:\n$ host-cli restage --no-upload my-app",
        example = "Fetch everything again:\n$ host-cli restage --no-cache my-app",
        example = "Push the image to a registry too:\n\
                   $ host-cli restage --push registry.example.com/team/my-app my-app",
        example = "Put it there without an image on the engine:\n\
                   $ host-cli restage --publish registry.example.com/team/my-app my-app"
    )]
    Restage {
        /// apps to stage (default: the app of the newest staging request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) apps: Vec<String>,
        /// stage every app that has a staging request in what is read
        #[argh(switch)]
        pub(crate) all: bool,
        /// number of apps to stage at once (default: one per CPU, at most one per GiB of memory; in a cluster 10)
        #[argh(option, arg_name = "n")]
        pub(crate) jobs: Option<NonZeroUsize>,
        /// read the request from this file instead of the logs; - reads standard input
        #[argh(option, arg_name = "file")]
        pub(crate) request: Option<PathBuf>,
        /// root file system of the app image; with --publish also oci:DIR[:TAG], an OCI layout, or REGISTRY/REPO[:TAG]
        /// (STAGER_BASE; default: stager-rootfs:STACK)
        #[argh(option, arg_name = "image")]
        pub(crate) base: Option<String>,
        /// certificate of an instance identity, PEM for buildpacks to show
        #[argh(option, arg_name = "file")]
        pub(crate) instance_cert: Option<PathBuf>,
        /// private key for --instance-cert, PEM
        #[argh(option, arg_name = "file")]
        pub(crate) instance_key: Option<PathBuf>,
        /// do not use the cache: fetch everything, keep nothing
        #[argh(switch)]
        pub(crate) no_cache: bool,
        /// keep the container for an hour afterwards, to look around in it
        #[argh(switch)]
        pub(crate) keep: bool,
        /// number of the app's images to keep; those in use stay too (default: 5)
        #[argh(option, arg_name = "n")]
        pub(crate) keep_images: Option<NonZeroUsize>,
        /// replace the droplet in Cloud Controller without asking, even of an app that runs on Diego
        #[argh(switch)]
        pub(crate) upload: bool,
        /// do not upload droplet and build artifacts cache; Cloud Controller keeps its droplet
        #[argh(switch)]
        pub(crate) no_upload: bool,
        /// stage and upload, but do not make an image
        #[argh(switch)]
        pub(crate) no_image: bool,
        /// also push the image to a registry, as REGISTRY/REPO[:TAG] (default tag: latest)
        #[argh(option, arg_name = "ref")]
        pub(crate) push: Option<String>,
        /// who sends the image of --push: direct, host-cli from this machine, or engine, the Docker Engine (default: direct)
        #[argh(option, default = "PushBy::Direct", arg_name = "who")]
        pub(crate) push_by: PushBy,
        /// put the image straight into a registry, as REGISTRY/REPO[:TAG] (default tag: latest), instead of the engine
        #[argh(option, arg_name = "ref")]
        pub(crate) publish: Option<String>,
        /// user to push as (default: from `docker login`, otherwise anonymous)
        #[argh(option, arg_name = "name")]
        pub(crate) username: Option<String>,
        /// read the password of --username from standard input
        #[argh(switch)]
        pub(crate) password_stdin: bool,
        /// name of a Secret of the namespace, of type kubernetes.io/dockerconfigjson, with the login for --publish in a cluster
        /// (default: made of `docker login`)
        #[argh(option, arg_name = "name")]
        pub(crate) registry_secret: Option<String>,
        /// how to load the image: auto, load, oci or build (default: auto)
        #[argh(option, default = "ImageBy::Auto", arg_name = "method")]
        pub(crate) image_by: ImageBy,
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

happens_somewhere! {
    shows_what_it_does! fetches!
    /// fetch buildpacks and lifecycles into the cache, or into a stager image
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "cache-up",
        note = "Only files with a cache key are fetched: lifecycles and buildpacks, not app packages.\n\
                Options after -- go to stager-agent in the container.",
        example = "For my-app's newest staging request:\n$ host-cli cache-up my-app",
        example = "For every staging request in the logs:\n$ host-cli cache-up --all",
        example = "A stager image that needs no file server:\n$ host-cli cache-up --all --bake stager:baked\n\
                   $ host-cli restage --stager-image stager:baked my-app",
        example = "The same for a cluster:\n\
                   $ host-cli cache-up --all --bake stager:baked --publish registry.example.com/cf/stager:baked"
    )]
    CacheUp {
        /// app whose request to use (default: the newest staging request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// use every staging request in what is read
        #[argh(switch)]
        pub(crate) all: bool,
        /// make a stager image of this name that holds the files, instead of filling the volume
        #[argh(option, arg_name = "tag")]
        pub(crate) bake: Option<String>,
        /// also bring the image of --bake into a registry, as REGISTRY/REPO[:TAG] (default tag: latest)
        #[argh(option, arg_name = "ref")]
        pub(crate) publish: Option<String>,
        /// read the request from this file instead of the logs; - reads standard input
        #[argh(option, arg_name = "file")]
        pub(crate) request: Option<PathBuf>,
    }
}
