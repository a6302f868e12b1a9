//! The container that guards something half done on the engine. It never starts; its labels are all that it is for.

use crate::plan::container::ContainerSpec;
use crate::plan::labels;
use std::collections::BTreeMap;

/// A guard made of `image`, any that is there, which tells of this.
pub(crate) fn guard(image: &str, told: BTreeMap<String, String>) -> ContainerSpec {
    let mut labels = told;
    labels.insert(labels::KIND.to_owned(), labels::KIND_GUARD.to_owned());
    // Some images have no command of their own, and engines want one.
    ContainerSpec { image: image.to_owned(), entrypoint: vec!["true".to_owned()], labels, ..ContainerSpec::default() }
}
