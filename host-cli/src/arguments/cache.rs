//! The commands that look after the cache.

use super::fetching::{FetchOptions, NETWORK, STAGER_IMAGE};
use super::output::{Color, ListOutput, Output, ScreenOptions};
use crate::plan::name_resolution::{HostMapping, NameResolution, NameServer};
use crate::settings::{Settings, fill};

use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

/// list, verify or clear the cache
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "cache",
    note = "The cache is a Docker volume; `restage` and `cache-up` fill it. KEY is a cache key from `cache list`, or its first 8 characters or more.",
    example = "$ host-cli cache list",
    example = "Check every byte, and remove damaged entries:\n$ host-cli cache verify",
    example = "Compare with the servers too:\n$ host-cli cache verify --origin",
    example = "Fetch one buildpack again next time:\n$ host-cli cache clear KEY"
)]
pub(crate) struct Cache {
    #[argh(subcommand)]
    pub(crate) command: CacheCommand,
}

/// One of them.
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(subcommand)]
pub(crate) enum CacheCommand {
    List(CacheList),
    Verify(CacheVerify),
    Clear(CacheClear),
}

/// Which cache, and who looks into it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheOptions<'a> {
    /// `--cache-volume`.
    pub(crate) volume: &'a str,
    /// `--stager-image`.
    pub(crate) stager_image: &'a str,
}

/// A command on a cache: adds the options that say which.
macro_rules! looks_into_a_cache {
    ($(#[$about:meta])* $command:ident { $($fields:tt)* }) => {
        $(#[$about])*
        pub(crate) struct $command {
            $($fields)*
            /// volume of the cache (STAGER_CACHE_VOLUME; default: stager-cache)
            #[argh(option, arg_name = "name")]
            pub(crate) cache_volume: Option<String>,
            /// image whose agent reads the cache (STAGER_IMAGE; default: stager:latest)
            #[argh(option, arg_name = "image")]
            pub(crate) stager_image: Option<String>,
        }

        impl $command {
            /// Which cache, and who looks into it.
            pub(crate) fn options(&self) -> CacheOptions<'_> {
                CacheOptions {
                    volume: self.cache_volume.as_deref().unwrap_or(crate::plan::cache::VOLUME),
                    stager_image: self.stager_image.as_deref().unwrap_or(STAGER_IMAGE),
                }
            }

            /// Takes from the settings what was not typed.
            pub(super) fn fill_in_cache(&mut self, settings: &Settings) {
                fill(&mut self.cache_volume, settings.cache_volume.as_ref());
                fill(&mut self.stager_image, settings.stager_image.as_ref());
            }
        }
    };
}

looks_into_a_cache! {
    /// list the entries of the cache
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "list", example = "$ host-cli cache list --output json | jq .[0]")]
    CacheList {
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

shows_what_it_does! {
    looks_into_a_cache!
    /// check every byte and remove damaged entries; exit code 4 if there were any
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "verify",
        note = "An entry that came over plain http without a checksum is only as good as the network was. Run `--origin`\n\
                while you trust the network: it fetches again and compares.",
        example = "$ host-cli cache verify",
        example = "$ host-cli cache verify --origin --network hcf"
    )]
    CacheVerify {
        /// only entries with this cache key, or its first 8 characters or more
        #[argh(positional, arg_name = "KEY")]
        pub(crate) cache_key: Option<String>,
        /// also fetch dependencies again from their servers, and remove those that differ
        #[argh(switch)]
        pub(crate) origin: bool,
        /// with --origin: network of the container (STAGER_NETWORK; default: hcf)
        #[argh(option, arg_name = "name")]
        pub(crate) network: Option<String>,
        /// with --origin: address of a host that the network does not know: HOST=IP or HOST=host-gateway; may be given several
        /// times (STAGER_ADD_HOST)
        #[argh(option, arg_name = "host=ip")]
        pub(crate) add_host: Vec<HostMapping>,
        /// with --origin: DNS server of the container; may be given several times (STAGER_DNS; default: the engine's)
        #[argh(option, arg_name = "ip")]
        pub(crate) dns: Vec<NameServer>,
        /// with --origin: certificates to trust besides the system's, PEM (STAGER_CA)
        #[argh(option, arg_name = "file")]
        pub(crate) ca: Option<PathBuf>,
        /// with --origin: client certificate, PEM
        #[argh(option, arg_name = "file")]
        pub(crate) cert: Option<PathBuf>,
        /// private key for --cert, PEM (default: same file)
        #[argh(option, arg_name = "file")]
        pub(crate) key: Option<PathBuf>,
    }
}

impl CacheVerify {
    /// With whom the container speaks where it compares with the origins.
    pub(crate) fn fetch_options(&self) -> FetchOptions<'_> {
        FetchOptions {
            network: self.network.as_deref().unwrap_or(NETWORK),
            names: NameResolution { hosts: &self.add_host, dns: &self.dns },
            stager_image: self.options().stager_image,
            ca: self.ca.as_deref(),
            cert: self.cert.as_deref(),
            key: self.key.as_deref(),
            cache_volume: Some(self.options().volume),
            cache_limit: None,
        }
    }
}

shows_what_it_does! {
    looks_into_a_cache!
    /// remove the entries of the cache that no staging uses
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "clear", example = "$ host-cli cache clear buildpack-cflinuxfs4-lifecycle")]
    CacheClear {
        /// only entries with this cache key, or its first 8 characters or more
        #[argh(positional, arg_name = "KEY")]
        pub(crate) key: Option<String>,
    }
}
