//! The commands that look after the cache.

use super::fetching::FetchOptions;
use super::output::{ListOutput, Output};

use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

/// list, verify or clear what the cache holds
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "cache",
    note = "The cache is a volume that `restage` and `cache-up` fill. KEY is a cache key, as `cache list` shows it.",
    example = "$ host-cli cache list",
    example = "Read every byte again, and remove what is damaged:\n$ host-cli cache verify",
    example = "Compare with what the servers give now:\n$ host-cli cache verify --origin",
    example = "Fetch one buildpack anew the next time:\n$ host-cli cache clear KEY"
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
            /// the volume (default: stager-cache)
            #[argh(option, default = "String::from(crate::plan::cache::VOLUME)", arg_name = "name")]
            pub(crate) cache_volume: String,
            /// image whose agent looks into it (default: stager:latest)
            #[argh(option, default = "String::from(\"stager:latest\")", arg_name = "image")]
            pub(crate) stager_image: String,
        }

        impl $command {
            /// Which cache, and who looks into it.
            pub(crate) fn options(&self) -> CacheOptions<'_> {
                CacheOptions { volume: &self.cache_volume, stager_image: &self.stager_image }
            }
        }
    };
}

looks_into_a_cache! {
    /// list what the cache holds
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "list", example = "$ host-cli cache list --output json | jq .[0]")]
    CacheList {
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

looks_into_a_cache! {
    /// read every byte again and remove what is damaged; exit code 4 where something was
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "verify",
        note = "What came over plain http without a checksum is kept on the word of whoever answered. Run `--origin` when you\n\
                trust the network: it fetches again and compares.",
        example = "$ host-cli cache verify",
        example = "$ host-cli cache verify --origin --network hcf"
    )]
    CacheVerify {
        /// only entries of this cache key
        #[argh(positional, arg_name = "KEY")]
        pub(crate) cache_key: Option<String>,
        /// fetch dependencies again too, from where they came, and remove those that are another there
        #[argh(switch)]
        pub(crate) origin: bool,
        /// with --origin: network that the container joins (default: hcf)
        #[argh(option, arg_name = "name")]
        pub(crate) network: Option<String>,
        /// with --origin: certificates to trust besides the system's, in PEM
        #[argh(option, arg_name = "file")]
        pub(crate) ca: Option<PathBuf>,
        /// with --origin: client certificate for servers that ask for one, in PEM
        #[argh(option, arg_name = "file")]
        pub(crate) cert: Option<PathBuf>,
        /// its key, in PEM, closed to all but owner and group (default: it is in the file of --cert)
        #[argh(option, arg_name = "file")]
        pub(crate) key: Option<PathBuf>,
        /// plain or json (default: plain)
        #[argh(option, arg_name = "form")]
        pub(crate) output: Option<Output>,
    }
}

impl CacheVerify {
    /// With whom the container speaks where it compares with the origins.
    pub(crate) fn fetch_options(&self) -> FetchOptions<'_> {
        FetchOptions {
            network: self.network.as_deref().unwrap_or("hcf"),
            stager_image: &self.stager_image,
            ca: self.ca.as_deref(),
            cert: self.cert.as_deref(),
            key: self.key.as_deref(),
            cache_volume: Some(&self.cache_volume),
            cache_limit: None,
        }
    }
}

looks_into_a_cache! {
    /// remove what the cache holds, except what a staging uses at the moment
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "clear", example = "$ host-cli cache clear buildpack-cflinuxfs4-lifecycle")]
    CacheClear {
        /// only entries of this cache key
        #[argh(positional, arg_name = "KEY")]
        pub(crate) key: Option<String>,
        /// plain or json (default: plain)
        #[argh(option, arg_name = "form")]
        pub(crate) output: Option<Output>,
    }
}
