//! What goes with `--publish` and what does not; `publish` and `restage` do it.

use crate::arguments::{Image, Restage};
use crate::backend::docker::push::Target;
use crate::backend::registry::Publishing;
use crate::failure::Failure;
use crate::image::base::BaseSource;
use crate::image::{CompressedLayers, ImageBy};
use crate::registry::registries::Network;
use shared_model::exit_code::ExitCode;
use std::path::Path;
use std::sync::Arc;

/// A target that is published to.
pub(super) fn publishing(target: &Target, ca: Option<&Path>) -> Publishing {
    Publishing {
        reference: target.reference.clone(),
        credentials: target.credentials.clone(),
        registries: Arc::new(Network { ca: ca.map(Path::to_owned) }),
        records: CompressedLayers::of_user(),
    }
}

/// What was typed does not go together.
pub(super) fn wrong(text: &str, advice: &str) -> Failure {
    Failure::new(ExitCode::CommandLine, text, advice)
}

/// What `image --publish` cannot do.
pub(super) fn check_image(command: &Image) -> Result<(), Failure> {
    if !command.name.is_empty() {
        return Err(wrong("--name is for an image on the engine, and --publish makes none there", "leave --name out"));
    }
    check(command.push.is_some(), command.by, command.keep_images.is_some())
}

/// What an image on the engine has not.
pub(super) fn check_engines_image(command: &Image) -> Result<(), Failure> {
    if command.ca.is_some() {
        return Err(wrong(
            "--ca is for the registry of --publish",
            "the engine has certificates of its own for --push",
        ));
    }
    if command.report.is_some() {
        return Err(wrong(
            "--report is for --publish",
            "leave it out; `--output json` tells of an image on the engine",
        ));
    }
    check_engines_base(command.base.as_deref())
}

/// What does not go together in `restage`.
pub(super) fn check_restage(command: &Restage) -> Result<(), Failure> {
    if command.publish.is_some() {
        if command.no_image {
            return Err(wrong("--publish wants an image, and --no-image none", ""));
        }
        return check(command.push.is_some(), command.image_by, command.keep_images.is_some());
    }
    if command.registry_secret.is_some() {
        return Err(wrong("--registry-secret is for --publish with --on kubernetes", "leave it out"));
    }
    check_engines_base(command.base.as_deref())
}

/// What is for an engine alone.
fn check(push: bool, by: ImageBy, keep_images: bool) -> Result<(), Failure> {
    let text = if push {
        "--push and --publish cannot go together: --push sends the engine's image, --publish makes none there"
    } else if by != ImageBy::Auto {
        "--image-by is for an image on the engine, and --publish makes none there"
    } else if keep_images {
        "--keep-images is for images on the engine, and --publish makes none there"
    } else {
        return Ok(());
    };
    Err(wrong(text, "leave one of the two out"))
}

/// An engine takes no layout for a base.
fn check_engines_base(base: Option<&str>) -> Result<(), Failure> {
    match base.map(BaseSource::parse) {
        Some(BaseSource::Layout(_)) => Err(wrong(
            "--base oci:DIR is for --publish: an engine has its root file systems itself",
            "`docker load` or `skopeo copy oci:DIR docker-daemon:NAME:TAG` brings it there, then --base NAME:TAG",
        )),
        _ => Ok(()),
    }
}
