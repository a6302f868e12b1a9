//! The command that brings an image out of the engine.

use super::output::Output;
use crate::requests::LogOptions;
use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

looks_for_requests! {
    /// give an app's droplet as a file, or its image as an OCI layout
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "export",
        note = "The droplet is made of what the image holds: `cf push --droplet`, Diego and `host-cli image` take it, and its\n\
                image has the same layers. It is not byte for byte the file that the builder wrote, since an image does not\n\
                keep that. The same image gives the same file.\n\n\
                The layout keeps layers uncompressed; the manifest's digest depends on the image only, not on the engine.\n\
                Whatever is written appears whole or not at all; an existing file is replaced, a folder must be empty.",
        example = "$ host-cli export my-app --droplet droplet.tgz && cf push my-app --droplet droplet.tgz",
        example = "To another machine:\n$ host-cli export my-app --droplet - | ssh there tar -xzC /home/vcap",
        example = "To a registry, without an engine:\n$ host-cli export my-app --oci my-app.oci\n\
                   $ skopeo copy oci:my-app.oci:latest docker://registry.example.com/my-app"
    )]
    Export {
        /// which app or image: also an image's name or id (default: the app image that was made last)
        #[argh(positional, arg_name = "APP|IMAGE")]
        pub(crate) app: Option<String>,
        /// write the droplet to this file (tgz); - is standard output
        #[argh(option, arg_name = "file")]
        pub(crate) droplet: Option<PathBuf>,
        /// write the image as an OCI layout, under the name latest, into this folder: a new or an empty one
        #[argh(option, arg_name = "dir")]
        pub(crate) oci: Option<PathBuf>,
        /// plain or json (default: progress bars on a terminal, plain lines elsewhere)
        #[argh(option, arg_name = "form")]
        pub(crate) output: Option<Output>,
    }
}
