//! The command that makes an image of files.

use super::output::{Color, Output, ScreenOptions};
use crate::image::ImageBy;
use crate::registry::push_by::PushBy;
use argh::{ArgsInfo, FromArgs};
use shared_model::lifecycle::Lifecycle;
use std::num::NonZeroUsize;
use std::path::PathBuf;

shows_what_it_does! { command!
/// make an app image from a droplet and a lifecycle
#[derive(ArgsInfo, FromArgs, Debug)]
#[argh(
    subcommand,
    name = "image",
    example = "$ host-cli image --droplet droplet.tgz --lifecycle lifecycle.tgz --base stager-rootfs:cflinuxfs4 --name my-app",
    example = "The same image from two stagings of the same files:\n$ SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) host-cli image --droplet droplet.tgz --lifecycle lifecycle.tgz --base stager-rootfs:cflinuxfs4 --name my-app",
    example = "Without an engine, from a root file system in a registry to an image in another:\n$ host-cli image --droplet droplet.tgz --lifecycle lifecycle.tgz --base registry.example.com/stager-rootfs:cflinuxfs4 --publish registry.example.com/team/my-app",
    example = "With the names and labels that restage gives:\n$ host-cli build-req my-app | host-cli image --request - --droplet droplet.tgz --lifecycle lifecycle.tgz"
)]
Image {
    /// droplet, as written by the builder (tgz)
    #[argh(option, arg_name = "file")]
    pub(crate) droplet: Option<PathBuf>,
    /// lifecycle with the launcher: an archive (tgz) or a folder
    #[argh(option, arg_name = "path")]
    pub(crate) lifecycle: Option<PathBuf>,
    /// instead of --droplet, --lifecycle and --result: the folder that `stager-agent --handover` left; the droplet must have the
    /// sha256 that stands there
    #[argh(option, arg_name = "dir")]
    pub(crate) handover: Option<PathBuf>,
    /// how the app was staged, buildpack or cnb (default: as --request says, otherwise buildpack)
    #[argh(option, from_str_fn(kind), arg_name = "lifecycle")]
    pub(crate) kind: Option<Lifecycle>,
    /// staging request, as printed by build-req; sets name, labels and root file system; - reads standard input
    #[argh(option, arg_name = "file")]
    pub(crate) request: Option<PathBuf>,
    /// root file system of the image; with --publish also oci:DIR[:TAG], an OCI layout, or REGISTRY/REPO[:TAG] (STAGER_BASE;
    /// default with --request: stager-rootfs:STACK)
    #[argh(option, arg_name = "image")]
    pub(crate) base: Option<String>,
    /// name of the image, REPOSITORY[:TAG]; may be given more than once (default with --request: from the app)
    #[argh(option, arg_name = "ref")]
    pub(crate) name: Vec<String>,
    /// label of the image, NAME=VALUE; may be given more than once
    #[argh(option, arg_name = "label")]
    pub(crate) label: Vec<String>,
    /// result.json of the builder, for labels about buildpack and process types
    #[argh(option, arg_name = "file")]
    pub(crate) result: Option<PathBuf>,
    /// how to load the image: auto, load, oci or build (default: auto)
    #[argh(option, long = "image-by", default = "ImageBy::Auto", arg_name = "method")]
    pub(crate) by: ImageBy,
    /// largest droplet layer, such as 2G (default: the request's disk, otherwise 16G)
    #[argh(option, from_str_fn(size), arg_name = "size")]
    pub(crate) max_layer: Option<u64>,
    /// with --request: number of the app's images to keep; those in use stay too (default: 5)
    #[argh(option, arg_name = "n")]
    pub(crate) keep_images: Option<NonZeroUsize>,
    /// also push the image to a registry, as REGISTRY/REPO[:TAG] (default tag: latest)
    #[argh(option, arg_name = "ref")]
    pub(crate) push: Option<String>,
    /// who sends the image of --push: direct, host-cli from this machine, or engine, the Docker Engine (default: direct)
    #[argh(option, default = "PushBy::Direct", arg_name = "who")]
    pub(crate) push_by: PushBy,
    /// put the image straight into a registry, as REGISTRY/REPO[:TAG] (default tag: latest); no engine gets it
    #[argh(option, arg_name = "ref")]
    pub(crate) publish: Option<String>,
    /// with --publish or --push: certificates to trust for the registry besides the system's, PEM (STAGER_CA)
    #[argh(option, arg_name = "file")]
    pub(crate) ca: Option<PathBuf>,
    /// with --publish: file that gets the event `pushed`, as JSON
    #[argh(option, arg_name = "file")]
    pub(crate) report: Option<PathBuf>,
    /// user to push as (default: from `docker login`, otherwise anonymous)
    #[argh(option, arg_name = "name")]
    pub(crate) username: Option<String>,
    /// read the password of --username from standard input
    #[argh(switch)]
    pub(crate) password_stdin: bool,
}
}

/// A lifecycle that makes droplets, by Cloud Controller's word for it.
fn kind(typed: &str) -> Result<Lifecycle, String> {
    let makes_droplets = |lifecycle: &Lifecycle| !lifecycle.layout().droplet_folders.is_empty();
    let known = Lifecycle::ALL.into_iter().filter(makes_droplets).find(|lifecycle| lifecycle.name() == typed);
    known.ok_or_else(|| "use buildpack or cnb".to_owned())
}

/// A number of bytes, as it is typed.
fn size(typed: &str) -> Result<u64, String> {
    shared_model::size::parse(typed).ok_or_else(|| "use a number with a unit, such as 500M or 16G".to_owned())
}
