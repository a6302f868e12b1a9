//! What can go wrong on the way from a droplet to an image.

use super::bound::{Bound, BoundBy};
use crate::engine::EngineError;
use crate::registry::image_name::full_name;
use crate::registry::registry_error::RegistryError;
use shared_model::lifecycle::Lifecycle;
use shared_model::plain_line::escape_control;
use shared_model::safe_url::SafeUrl;
use std::io;

/// What to try where a temporary file cannot be written.
pub(super) const NO_ROOM: &str = "make room, or set TMPDIR to another folder";

/// Why there is no image. Nothing of it was left behind.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    /// A name that engines do not take; see [`full_name`]. Perhaps with a password, as a URL may have one.
    #[error("`{}` is not a name for an image", escape_control(&name.to_string()))]
    BadName { name: SafeUrl },
    /// A variable of the environment that should be a time.
    #[error("{variable} is {:?}, not a number of seconds since 1970", escape_control(.typed))]
    BadTime { variable: &'static str, typed: String },
    /// The root file system is not there.
    #[error("no root file system {base} on this Docker Engine", base = escape_control(.base))]
    BaseMissing { base: String },
    /// A file that was named cannot be read.
    #[error("{} cannot be read: {reason}", escape_control(.what))]
    Unreadable { what: String, reason: String },
    /// An archive that ends too early, is not compressed, or is no tar.
    #[error("the {archive} is corrupt: {reason}", reason = escape_control(.reason))]
    Corrupt { archive: &'static str, reason: String },
    /// An archive of no bytes.
    #[error("the {archive} is empty")]
    Empty { archive: &'static str },
    /// An archive without the folders that a droplet of the app's lifecycle has; perhaps with another's.
    #[error("not a droplet of a {} app: {}", wanted.name(), why_not(*wanted, *found))]
    OtherDroplet { wanted: Lifecycle, found: Option<Lifecycle> },
    /// There is no launcher.
    #[error("the lifecycle has no program `launcher`")]
    NoLauncher,
    /// An entry that must not be in a layer.
    #[error("the {archive} holds `{}`, {why}", escape_control(.entry))]
    Entry { archive: &'static str, entry: String, why: &'static str },
    /// More than a layer may hold.
    #[error("the {archive} holds more than {limit}")]
    TooLarge { archive: &'static str, limit: String },
    /// It would make a layer larger than it may be.
    #[error("the {archive} makes a layer of more than {bound}")]
    LimitExceeded { archive: &'static str, bound: Bound },
    /// The layers cannot be kept for the engine.
    #[error("a layer cannot be written to a temporary file: {reason}")]
    Spool { reason: String },
    /// An export goes to a place that cannot be written.
    #[error("{} cannot be written: {reason}", escape_control(.what))]
    Unwritable { what: String, reason: String },
    /// There is an OCI layout already.
    #[error("{} is an OCI layout already", escape_control(.path))]
    LayoutExists { path: String },
    /// What an engine exports is broken, or not the image.
    #[error("what the engine exports of the image cannot be used: {reason}", reason = escape_control(.reason))]
    Export { reason: String },
    /// The uppermost layer is not a droplet's.
    #[error("the image has no droplet layer")]
    NoDropletLayer,
    /// An image in a layout or registry, mostly a root file system, is not there, or is none for the app.
    #[error("image {} cannot be used: {}", escape_control(.base), escape_control(.reason))]
    UnusableBase { base: String, reason: String },
    /// A layer's bytes are not those that its digest names.
    #[error("{} is not what its digest says: {digest}", escape_control(.what))]
    OtherBytes { what: String, digest: String },
    /// A registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl ImageError {
    /// For errors of the files between the archives and the engine.
    pub(super) fn spool(error: &io::Error) -> Self {
        Self::Spool { reason: error.to_string() }
    }

    /// For errors of the place that an export goes to.
    pub(super) fn unwritable(what: &str, error: &io::Error) -> Self {
        Self::Unwritable { what: what.to_owned(), reason: error.to_string() }
    }

    /// What to try; empty where nothing can be advised.
    pub(crate) fn advice(&self) -> &str {
        match self {
            Self::BadName { .. } => "a name is REPOSITORY[:TAG], in lower case, like cf-app/my-app:latest",
            Self::BadTime { .. } => "set it to a number such as the time of a commit, or unset it",
            Self::BaseMissing { .. } => {
                "`docker pull` gets it where a registry has it; docker/build makes stager-rootfs; --base names another"
            }
            Self::OtherDroplet { found: Some(_), .. } => {
                "stage the app again; for `host-cli image` of a file, --kind says how it was staged"
            }
            Self::Corrupt { archive: "droplet", .. }
            | Self::Empty { archive: "droplet" }
            | Self::OtherDroplet { found: None, .. } => "stage the app again",
            Self::NoLauncher => "use the request's lifecycle, with launcher at its top",
            Self::Spool { .. } => NO_ROOM,
            Self::LayoutExists { .. } => {
                "name another folder; `skopeo copy oci:NEW:latest oci:OLD:NAME` brings one layout's image into another"
            }
            Self::NoDropletLayer => "use an image that `host-cli restage` or `host-cli image` made",
            Self::LimitExceeded { bound: Bound { by: BoundBy::Request { .. }, .. }, .. } => {
                "if the app needs that much, raise disk_mb: `host-cli build-req APP >r.json`, then --request r.json"
            }
            Self::LimitExceeded { bound: Bound { by: BoundBy::Option, .. }, .. } => "allow more with --max-layer SIZE",
            Self::LimitExceeded { .. } => "list it with `tar -tvzf`: such an archive is made to fill a disk",
            Self::Engine(error) => error.advice(),
            Self::Registry(error) => &error.advice,
            Self::UnusableBase { .. } => {
                "--base names another: oci:DIR[:TAG], REGISTRY/REPO[:TAG], or an image of the engine"
            }
            Self::OtherBytes { .. } => "bring it there again: it was damaged or changed",
            Self::Unreadable { .. }
            | Self::Corrupt { .. }
            | Self::Empty { .. }
            | Self::Entry { .. }
            | Self::TooLarge { .. }
            | Self::Export { .. } => "",
            Self::Unwritable { .. } => {
                "choose a place in a folder that exists, that you may write to, and that has room"
            }
        }
    }
}

fn why_not(wanted: Lifecycle, found: Option<Lifecycle>) -> String {
    if let Some(found) = found {
        return format!("it is one of a {} app", found.name());
    }
    let folders = wanted.layout().droplet_folders;
    let noun = if folders.len() == 1 { "folder" } else { "folders" };
    format!("it has no {noun} `{}`", folders.join("`, `"))
}

/// The names with their tags.
pub(crate) fn checked_names(names: &[String]) -> Result<Vec<String>, ImageError> {
    let bad = |name: &str| ImageError::BadName { name: SafeUrl::new(name) };
    names.iter().map(|name| full_name(name).ok_or_else(|| bad(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_name_is_not_repeated() {
        let error = checked_names(&["me:s3cret@r.io/app".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "`***@r.io/app` is not a name for an image");
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}
