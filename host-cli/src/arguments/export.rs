//! The command that brings an image out of the engine.

use super::output::{Color, Output, ScreenOptions};
use crate::requests::LogOptions;
use crate::settings::{Settings, fill};
use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

shows_what_it_does! {
    looks_for_requests!
    /// write an app's droplet to a file, or its image to an OCI layout
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "export",
        note = "The droplet is made from the image. `cf push --droplet`, Diego and `host-cli image` accept it; an image made from\n\
                it has the same layers. It is not byte for byte the builder's file, which an image does not keep. The same\n\
                image always gives the same file.\n\n\
                The layout has uncompressed layers; the manifest's digest is the same on every engine.\n\
                A file or layout appears whole or not at all. An existing file is replaced; a folder must be empty.",
        example = "$ host-cli export my-app --droplet droplet.tgz && cf push my-app --droplet droplet.tgz",
        example = "To another machine:\n$ host-cli export my-app --droplet - | ssh there tar -xzC /home/vcap",
        example = "To a registry, without an engine:\n$ host-cli export my-app --oci my-app.oci\n\
                   $ skopeo copy oci:my-app.oci:latest docker://registry.example.com/my-app"
    )]
    Export {
        /// app, or an image's name or id (default: the newest app image)
        #[argh(positional, arg_name = "APP|IMAGE")]
        pub(crate) app: Option<String>,
        /// write the droplet to this file (tgz); - writes to standard output
        #[argh(option, arg_name = "file")]
        pub(crate) droplet: Option<PathBuf>,
        /// write the image as an OCI layout, named latest, to this folder; new or empty
        #[argh(option, arg_name = "dir")]
        pub(crate) oci: Option<PathBuf>,
    }
}
