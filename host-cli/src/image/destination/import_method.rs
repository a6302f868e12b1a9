//! Which ways an image may take into an engine, and which of them suits it. Pure.

use crate::engine::Store;

/// What `--image-by` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ImageBy {
    /// What suits the engine; another way where that is refused.
    #[default]
    Auto,
    /// That way only.
    Only(ImportMethod),
}

/// A way into an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportMethod {
    /// An archive of config and new layers, for an engine that knows layers by their digests.
    Load,
    /// An OCI image layout of config, manifest and new layers, for containerd's store and Podman's.
    Oci,
    /// A build of the ready layers, which every engine can.
    Build,
}

impl ImportMethod {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Oci => "oci",
            Self::Build => "build",
        }
    }
}

impl std::str::FromStr for ImageBy {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        match typed {
            "auto" => Ok(Self::Auto),
            "load" => Ok(Self::Only(ImportMethod::Load)),
            "oci" => Ok(Self::Only(ImportMethod::Oci)),
            "build" => Ok(Self::Only(ImportMethod::Build)),
            _ => Err("choose auto, load, oci or build".to_owned()),
        }
    }
}

/// The way to try first, and what to try where it is refused.
pub(super) fn import_order(by: ImageBy, store: &Store) -> (ImportMethod, &'static [ImportMethod]) {
    match (by, store) {
        (ImageBy::Only(way), _) => (way, &[]),
        (ImageBy::Auto, Store::Layers(_)) => (ImportMethod::Load, &[ImportMethod::Build]),
        (ImageBy::Auto, Store::Containerd(_) | Store::Podman(_)) => (ImportMethod::Oci, &[ImportMethod::Build]),
        (ImageBy::Auto, Store::Unknown) => (ImportMethod::Build, &[]),
    }
}

/// Why the first of the ways is that one, for people.
pub(super) fn reason(by: ImageBy, store: &Store) -> String {
    match (by, store) {
        (ImageBy::Only(_), _) => "as --image-by asks".to_owned(),
        (ImageBy::Auto, Store::Layers(driver)) => format!("it keeps layers by their digests ({driver})"),
        (ImageBy::Auto, Store::Containerd(snapshotter)) => format!("it keeps images in containerd ({snapshotter})"),
        (ImageBy::Auto, Store::Podman(driver)) => {
            format!("it is Podman and takes a layout without the base ({driver})")
        }
        (ImageBy::Auto, Store::Unknown) => "it does not tell how it keeps images".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_suits_the_engine_is_tried_first_and_a_build_last() {
        let ways_of = |store| import_order(ImageBy::Auto, &store);
        assert_eq!(ways_of(Store::Layers("overlay2".into())), (ImportMethod::Load, &[ImportMethod::Build][..]));
        assert_eq!(ways_of(Store::Containerd("overlayfs".into())), (ImportMethod::Oci, &[ImportMethod::Build][..]));
        assert_eq!(ways_of(Store::Podman("overlay".into())), (ImportMethod::Oci, &[ImportMethod::Build][..]));
        assert_eq!(ways_of(Store::Unknown), (ImportMethod::Build, &[][..]));
    }

    #[test]
    fn what_was_asked_for_is_tried_alone() {
        for way in [ImportMethod::Load, ImportMethod::Oci, ImportMethod::Build] {
            let by: ImageBy = way.name().parse().unwrap();
            assert_eq!(import_order(by, &Store::Unknown), (way, &[][..]));
        }
        assert_eq!("auto".parse(), Ok(ImageBy::Auto));
        assert!("import".parse::<ImageBy>().is_err());
    }
}
