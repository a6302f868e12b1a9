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

/// fill the cache, or look after it
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "cache",
    note = "Options such as --cache, --cache-limit and --ca stand before `cache`. KEY is a cache key, or an app's guid.",
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

/// fetch the cached dependencies of the requests on standard input, each once; exit code 4 where something did not arrive
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "up",
    example = "$ build_req | docker run -i --rm --net hcf -v stager-cache:/var/cache/stager stager cache up"
)]
pub(crate) struct CacheUp {
    /// fill the cache in this directory, as `--cache` before it does
    #[argh(option, arg_name = "dir")]
    pub(crate) into: Option<PathBuf>,
}

/// list what the cache holds, what was last used first
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "list",
    example = "$ docker run --rm -v stager-cache:/var/cache/stager stager cache list --output json | jq .[0]"
)]
pub(crate) struct CacheList {
    /// plain (default): a table; json: an array
    #[argh(option, default = "OutputFormat::Plain", arg_name = "plain|json")]
    pub(crate) output: OutputFormat,
}

/// read every byte again and remove what is damaged; exit code 4 where something was
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "verify",
    example = "$ docker run --rm -v stager-cache:/var/cache/stager stager cache verify",
    example = "Compare with what the servers give now:\n\
               $ docker run --rm --net hcf -v stager-cache:/var/cache/stager stager cache verify --origin"
)]
pub(crate) struct CacheVerify {
    /// fetch dependencies again too, from where they came, and remove those that are another there; exit code 4 where
    /// one was, or a server did not answer
    #[argh(switch)]
    pub(crate) origin: bool,
    /// only entries of this key
    #[argh(positional, arg_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// remove what the cache holds, except what a staging uses at the moment
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "clear",
    example = "Fetch one buildpack anew the next time:\n\
               $ docker run --rm -v stager-cache:/var/cache/stager stager cache clear KEY"
)]
pub(crate) struct CacheClear {
    /// only entries of this key
    #[argh(positional, arg_name = "KEY")]
    pub(crate) key: Option<String>,
}
