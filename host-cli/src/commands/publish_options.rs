//! What goes with `--publish` and `--push`, and what does not; `publish`, `restage` and `image` do it.

use crate::arguments::{Image, Restage};
use crate::failure::Failure;
use crate::image::ImageBy;
use crate::image::base::BaseSource;
use crate::registry::push_by::PushBy;
use shared_model::exit_code::ExitCode;

/// What was typed does not go together.
pub(super) fn wrong(text: &str, advice: &str) -> Failure {
    Failure::new(ExitCode::CommandLine, text, advice)
}

/// What `image --publish` cannot do.
pub(super) fn check_image(command: &Image) -> Result<(), Failure> {
    check_push_by(command.push_by, command.push.as_deref())?;
    if !command.name.is_empty() {
        return Err(wrong("--name is for an image on the engine, and --publish makes none there", "leave --name out"));
    }
    check(command.push.is_some(), command.by, command.keep_images.is_some())
}

/// What an image on the engine has not.
pub(super) fn check_engines_image(command: &Image) -> Result<(), Failure> {
    check_push_by(command.push_by, command.push.as_deref())?;
    let sends = command.push.is_some() && command.push_by == PushBy::Direct;
    if command.ca.is_some() && !sends {
        return Err(wrong(
            "--ca is for the registry of --publish or --push",
            "leave it out; the engine has certificates of its own for --push-by engine",
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
    check_push_by(command.push_by, command.push.as_deref())?;
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

/// Nobody pushes what is not to be pushed.
fn check_push_by(by: PushBy, push: Option<&str>) -> Result<(), Failure> {
    match (by, push) {
        (PushBy::Engine, None) => Err(wrong("--push-by says who pushes; it needs --push REGISTRY/REPO[:TAG]", "")),
        _ => Ok(()),
    }
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
