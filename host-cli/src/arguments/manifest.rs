//! The command that prints what a cluster would be asked for.

use super::fetching::{FetchOptions, STAGER_IMAGE};
use crate::app_ref::{AppRef, AppRefError};
use crate::plan::name_resolution::{HostMapping, NameResolution, NameServer};
use crate::plan::volumes::VolumeMapping;
use crate::requests::LogOptions;
use crate::settings::{Settings, fill, fill_list};
use argh::{ArgsInfo, FromArgs};
use std::num::NonZeroU16;
use std::path::PathBuf;

/// print the Kubernetes objects that stage or run an app, for `kubectl`
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "manifest",
    note = "Nothing is sent to a cluster. Secrets are named and not printed, unless --with-secrets asks for what they hold.",
    example = "$ host-cli manifest restage --stager-image registry.example.com/cf/stager:1 --publish registry.example.com/team/my-app --base registry.example.com/stager-rootfs:cflinuxfs4 my-app",
    example = "Stage in a cluster:\n$ host-cli manifest restage --with-secrets --no-upload --stager-image registry.example.com/cf/stager:1 my-app | kubectl create -f -"
)]
pub(crate) struct Manifest {
    #[argh(subcommand)]
    pub(crate) command: ManifestCommand,
}

/// One of them.
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(subcommand)]
pub(crate) enum ManifestCommand {
    Restage(ManifestRestage),
    Launch(ManifestLaunch),
}

/// Where a manifest goes, and what of it is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ManifestOutput<'a> {
    /// `--with-secrets`.
    pub(crate) with_secrets: bool,
    /// `--to`; `None`: standard output.
    pub(crate) to: Option<&'a PathBuf>,
}

/// A command that prints objects: adds the options that say how, by the macro that adds those of requests.
macro_rules! prints_objects {
    ($(#[$about:meta])* $command:ident { $($fields:tt)* }) => {
        looks_for_requests! {
            $(#[$about])*
            $command {
                $($fields)*
                /// read the request from this file instead of the logs; - reads standard input
                #[argh(option, arg_name = "file")]
                pub(crate) request: Option<PathBuf>,
                /// namespace of the objects (default: the one that kubectl uses)
                #[argh(option, arg_name = "name")]
                pub(crate) namespace: Option<String>,
                /// address of a host that the cluster does not know: HOST=IP; may be given several times (STAGER_ADD_HOST)
                #[argh(option, arg_name = "host=ip")]
                pub(crate) add_host: Vec<HostMapping>,
                /// DNS server instead of the cluster's; may be given several times (STAGER_DNS)
                #[argh(option, arg_name = "ip")]
                pub(crate) dns: Vec<NameServer>,
                /// certificates to trust besides the system's, PEM (STAGER_CA)
                #[argh(option, arg_name = "file")]
                pub(crate) ca: Option<PathBuf>,
                /// print Secrets with what they hold: passwords of the request, a registry's login
                #[argh(switch)]
                pub(crate) with_secrets: bool,
                /// write into this file, which you alone may read, instead of standard output
                #[argh(option, arg_name = "file")]
                pub(crate) to: Option<PathBuf>,
            }
        }

        impl $command {
            /// The app that was typed; `None`: the newest of all is meant.
            ///
            /// # Errors
            /// It was typed twice.
            pub(crate) fn app_ref(&self) -> Result<Option<AppRef>, AppRefError> {
                AppRef::typed(self.app.as_deref(), self.app_name.as_deref())
            }

            /// Where the manifest goes.
            pub(crate) fn manifest_output(&self) -> ManifestOutput<'_> {
                ManifestOutput { with_secrets: self.with_secrets, to: self.to.as_ref() }
            }

            fn fill_in_manifest(&mut self, settings: &Settings) {
                self.fill_in_logs(settings);
                fill_list(&mut self.add_host, settings.add_host.as_ref());
                fill_list(&mut self.dns, settings.dns.as_ref());
                fill(&mut self.ca, settings.ca.as_ref());
            }
        }
    };
}

prints_objects! {
    /// print the Job that stages an app and publishes its image
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "restage",
        note = "The Job has a name of its own each time. By default it replaces the app's droplet in Cloud Controller, as `restage`\n\
                does; --no-upload leaves Cloud Controller alone. Without --publish it makes no image.",
        example = "$ host-cli manifest restage --with-secrets --stager-image registry.example.com/cf/stager:1 --publish registry.example.com/team/my-app --base registry.example.com/stager-rootfs:cflinuxfs4 my-app | kubectl create -f -",
        example = "With a login that the namespace has:\n$ host-cli manifest restage --registry-secret push --stager-image registry.example.com/cf/stager:1 --publish registry.example.com/team/my-app --base registry.example.com/stager-rootfs:cflinuxfs4 my-app"
    )]
    ManifestRestage {
        /// app to stage (default: the app of the newest staging request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// stager image, as the cluster's nodes know it (STAGER_IMAGE; default: stager:latest)
        #[argh(option, arg_name = "image")]
        pub(crate) stager_image: Option<String>,
        /// put the image into a registry, as REGISTRY/REPO[:TAG] (default tag: latest)
        #[argh(option, arg_name = "ref")]
        pub(crate) publish: Option<String>,
        /// root file system of the image in a registry, REGISTRY/REPO[:TAG] (STAGER_BASE)
        #[argh(option, arg_name = "image")]
        pub(crate) base: Option<String>,
        /// name of a Secret of the namespace, of type kubernetes.io/dockerconfigjson, with the registry's login (default: made of `docker login`)
        #[argh(option, arg_name = "name")]
        pub(crate) registry_secret: Option<String>,
        /// user to publish as (default: from `docker login`, otherwise anonymous)
        #[argh(option, arg_name = "name")]
        pub(crate) username: Option<String>,
        /// read the password of --username from standard input
        #[argh(switch)]
        pub(crate) password_stdin: bool,
        /// client certificate for the servers of the request, PEM
        #[argh(option, arg_name = "file")]
        pub(crate) cert: Option<PathBuf>,
        /// private key for --cert, PEM (default: same file)
        #[argh(option, arg_name = "file")]
        pub(crate) key: Option<PathBuf>,
        /// name of a persistent volume claim that keeps what is fetched (default: only what the stager image holds is used)
        #[argh(option, arg_name = "claim")]
        pub(crate) cache_volume: Option<String>,
        /// largest size of the cache, such as 2G; least recently used entries go first (default: 10G)
        #[argh(option, arg_name = "size")]
        pub(crate) cache_limit: Option<String>,
        /// do not use the cache: fetch everything, keep nothing
        #[argh(switch)]
        pub(crate) no_cache: bool,
        /// do not upload droplet and build artifacts cache; Cloud Controller keeps its droplet
        #[argh(switch)]
        pub(crate) no_upload: bool,
    }
}

prints_objects! {
    /// print what runs an app: Deployment, Service, network policy
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "launch",
        note = "The objects of an app's process have the same names each time: applying them again rolls it, and the next instance is\n\
                healthy before an earlier one goes.",
        example = "$ host-cli manifest launch --with-secrets --image registry.example.com/team/my-app@sha256:... my-app | kubectl apply --server-side -f -"
    )]
    ManifestLaunch {
        /// app to run (default: the app of the newest launch request)
        #[argh(positional, arg_name = "APP")]
        pub(crate) app: Option<String>,
        /// the app's image in a registry, by tag or digest, as `restage --publish` made it
        #[argh(option, arg_name = "ref")]
        pub(crate) image: Option<String>,
        /// name of a Secret of the namespace with which nodes get the image (default: the service account's)
        #[argh(option, arg_name = "name")]
        pub(crate) pull_secret: Option<String>,
        /// process type to run (default: web, or the one of --request)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
        /// number of instances (default: the request's)
        #[argh(option, arg_name = "n")]
        pub(crate) instances: Option<NonZeroU16>,
        /// tell each instance its number: a StatefulSet instead of a Deployment, which rolls with an instance less
        #[argh(switch)]
        pub(crate) index: bool,
        /// also print an Ingress of this class for the app's routes
        #[argh(option, arg_name = "class")]
        pub(crate) ingress: Option<String>,
        /// persistent volume claim for a volume of the request: ID=CLAIM, or ID=CLAIM:ro to read only; may be given once for each
        /// volume
        #[argh(option, arg_name = "id=claim")]
        pub(crate) volume_map: Vec<VolumeMapping>,
    }
}

impl ManifestRestage {
    /// With whom the Job speaks, and what it keeps.
    pub(crate) fn fetch_options(&self) -> FetchOptions<'_> {
        FetchOptions {
            network: "", // a pod has its cluster's
            names: NameResolution { hosts: &self.add_host, dns: &self.dns },
            stager_image: self.stager_image.as_deref().unwrap_or(STAGER_IMAGE),
            ca: self.ca.as_deref(),
            cert: self.cert.as_deref(),
            key: self.key.as_deref(),
            cache_volume: self.cache_volume.as_deref(),
            cache_limit: self.cache_limit.as_deref(),
        }
    }
}

impl Manifest {
    /// Takes from the settings what was not typed. A volume of an engine is no claim of a cluster.
    pub(super) fn fill_in(&mut self, settings: &Settings) {
        match &mut self.command {
            ManifestCommand::Restage(command) => {
                command.fill_in_manifest(settings);
                fill(&mut command.stager_image, settings.stager_image.as_ref());
                fill(&mut command.base, settings.base.as_ref());
            }
            ManifestCommand::Launch(command) => command.fill_in_manifest(settings),
        }
    }
}
