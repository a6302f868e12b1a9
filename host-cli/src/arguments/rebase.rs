//! The command that puts an app's image upon another root file system.

use super::output::{Color, Output, ScreenOptions};
use crate::image::ImageBy;
use crate::requests::LogOptions;
use crate::settings::{Settings, fill};
use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

shows_what_it_does! {
    looks_for_requests!
    /// put an app's image on another root file system, without staging the app again
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "rebase",
        note = "The lifecycle and droplet layers stay as they are; the result is the image that `host-cli image` makes of the same\n\
                droplet and lifecycle on the new root file system.\n\n\
                The names that the image has here move to the new image, so that `launch` starts that; a name in a registry\n\
                stays. With --name the new image gets that name alone, and the old one keeps its own.\n\n\
                Another stack than the app was staged on is refused without --force: what its buildpacks compiled may lack its\n\
                shared libraries there.",
        example = "On a newer build of the same stack:\n$ docker pull cloudfoundry/cflinuxfs4 && host-cli rebase my-app --base cloudfoundry/cflinuxfs4",
        example = "From registry to registry, without an engine:\n$ host-cli rebase registry.example.com/team/my-app:1 --base registry.example.com/stager-rootfs:cflinuxfs4 --publish registry.example.com/team/my-app:2",
        example = "To try another stack, beside the image as it is:\n$ host-cli rebase my-app --base stager-rootfs:cflinuxfs5 --force --name my-app:on-cflinuxfs5"
    )]
    Rebase {
        /// app, or an image's name or id (default: the newest app image)
        #[argh(positional, arg_name = "APP|IMAGE")]
        pub(crate) app: Option<String>,
        /// root file system that the image is to stand on, an image of this engine; with --publish also oci:DIR[:TAG], an OCI layout,
        /// or REGISTRY/REPO[:TAG]
        #[argh(option, arg_name = "image")]
        pub(crate) base: String,
        /// allow another stack than the app was staged on
        #[argh(switch)]
        pub(crate) force: bool,
        /// name of the new image, REPOSITORY[:TAG]; may be given more than once (default: the names of the old one)
        #[argh(option, arg_name = "ref")]
        pub(crate) name: Vec<String>,
        /// take IMAGE from its registry, and put the new one straight into a registry, as REGISTRY/REPO[:TAG] (default tag:
        /// latest); no engine gets it
        #[argh(option, arg_name = "ref")]
        pub(crate) publish: Option<String>,
        /// user to publish as (default: from `docker login`, otherwise anonymous)
        #[argh(option, arg_name = "name")]
        pub(crate) username: Option<String>,
        /// read the password of --username from standard input
        #[argh(switch)]
        pub(crate) password_stdin: bool,
        /// with --publish: certificates to trust for the registries besides the system's, PEM (STAGER_CA)
        #[argh(option, arg_name = "file")]
        pub(crate) ca: Option<PathBuf>,
        /// how to load the image: auto, load, oci or build (default: auto)
        #[argh(option, long = "image-by", default = "ImageBy::Auto", arg_name = "method")]
        pub(crate) by: ImageBy,
    }
}
