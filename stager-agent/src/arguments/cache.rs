//! The command line of `stager-agent cache`.

use crate::session::screen::OutputFormat;
use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

/// What to do instead of staging.
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(subcommand)]
pub(crate) enum Command {
    Cache(CacheArguments),
}

/// fill, list, check or empty the cache
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "cache",
    note = "Options such as --cache, --cache-limit and --ca stand before `cache`. KEY is a cache key, its first\n\
            8 characters or more, or an app's guid.",
    example = "$ docker run --rm -v stager-cache:/var/cache/stager stager cache list"
)]
pub(crate) struct CacheArguments {
    #[argh(subcommand)]
    pub(crate) command: CacheCommand,
}

/// What to do with the cache.
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(subcommand)]
pub(crate) enum CacheCommand {
    Up(CacheUp),
    List(CacheList),
    Verify(CacheVerify),
    Clear(CacheClear),
}

/// download what the requests on standard input name into the cache; exit code 4 if something is missing
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "up",
    example = "$ build_req | docker run -i --rm --net hcf -v stager-cache:/var/cache/stager stager cache up"
)]
pub(crate) struct CacheUp {
    /// folder of the cache, as with --cache before `cache`
    #[argh(option, arg_name = "dir")]
    pub(crate) into: Option<PathBuf>,
}

/// list the entries of the cache, last used first
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "list",
    example = "$ docker run --rm -v stager-cache:/var/cache/stager stager cache list --output json | jq .[0]"
)]
pub(crate) struct CacheList {
    /// plain (default, a table) or json (an array)
    #[argh(option, default = "OutputFormat::Plain", arg_name = "plain|json")]
    pub(crate) output: OutputFormat,
}

/// check every byte and remove damaged entries; exit code 4 if there were any
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "verify",
    example = "$ docker run --rm -v stager-cache:/var/cache/stager stager cache verify",
    example = "Compare with what the servers give now:\n\
               $ docker run --rm --net hcf -v stager-cache:/var/cache/stager stager cache verify --origin"
)]
pub(crate) struct CacheVerify {
    /// also download dependencies again and remove those that differ; exit code 4 if one did, or a server did not answer
    #[argh(switch)]
    pub(crate) origin: bool,
    /// only entries with this cache key, or of this app
    #[argh(positional, arg_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// remove the entries of the cache that no staging uses
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "clear",
    example = "Fetch one buildpack again next time:\n\
               $ docker run --rm -v stager-cache:/var/cache/stager stager cache clear KEY"
)]
pub(crate) struct CacheClear {
    /// only entries with this cache key, or of this app
    #[argh(positional, arg_name = "KEY")]
    pub(crate) key: Option<String>,
}
