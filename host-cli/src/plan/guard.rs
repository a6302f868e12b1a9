//! The container that guards something half done on the engine. It never starts; its labels are all that it is for. Labels
//! can be anybody's, an image's above all: what is believed of one that is found stands in [`is_one`].

use crate::engine::container_spec::ContainerSpec;
use crate::engine::{Container, Image};
use crate::labels;
use std::collections::BTreeMap;

/// What a guard would run: nothing that any image has.
const ENTRYPOINT: &str = "stager-guard";

/// A guard made of `image`, any that is there, which tells of this.
pub(crate) fn guard(image: &str, told: BTreeMap<String, String>) -> ContainerSpec {
    let mut labels = told;
    labels.insert(labels::KIND.to_owned(), labels::KIND_GUARD.to_owned());
    // What an image would have it tell of names, and of who made it, it does not.
    for own in [labels::LENT, labels::LENT_TO, labels::LENT_FROM, labels::BY] {
        labels.entry(own.to_owned()).or_default();
    }
    ContainerSpec {
        image: image.to_owned(),
        entrypoint: vec![ENTRYPOINT.to_owned()],
        labels,
        ..ContainerSpec::default()
    }
}

/// Whether a container that bears a guard's labels is one, `image` being the one that it was made of: it never ran, it would
/// run what guards do, and its labels are its own.
pub(crate) fn is_one(container: &Container, image: &Image) -> bool {
    let never_ran = !container.running && container.ended == 0;
    never_ran && container.entrypoint == [ENTRYPOINT] && are_its_own(&container.labels, image)
}

/// Whether the labels that say what a container is were given to it, and do not come from its image: those of an image are
/// whoever's who built it.
pub(crate) fn are_its_own(labels: &BTreeMap<String, String>, image: &Image) -> bool {
    let is_own = |name: &str| labels.get(name).is_some_and(|value| image.labels.get(name) != Some(value));
    // An app's image says, too, that it is an app's.
    let is_app = labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_APP);
    is_own(labels::OWNER) && (is_own(labels::KIND) || is_app && is_own(labels::INSTANCE))
}

/// The name of the guard that one launch of an app's process holds at a time.
pub(crate) fn of_launch(app_guid: &str, process: &str) -> String {
    let guid: String = app_guid.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("stager-launch-{guid}-{}", labels::slug(process))
}

/// The name of the guard by which somebody who waits for another guard asks for it.
pub(crate) fn asking_for(guard: &str) -> String {
    format!("{guard}.next")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_guard_is_believed_only_as_we_make_it() {
        let labels = labelled(&[(labels::KIND, labels::KIND_GUARD), (labels::OWNER, "a.1.1")]);
        let guard = Container { labels: labels.clone(), entrypoint: vec![ENTRYPOINT.into()], ..Container::default() };
        assert!(is_one(&guard, &Image::default()));
        let others = [
            Container { running: true, ..guard.clone() },
            Container { ended: 1, ..guard.clone() },
            Container { entrypoint: vec!["true".into()], ..guard.clone() },
            Container { labels: labelled(&[(labels::KIND, labels::KIND_GUARD)]), ..guard.clone() },
        ];
        assert!(others.iter().all(|other| !is_one(other, &Image::default())));
        assert!(!is_one(&guard, &Image { labels, ..Image::default() }), "its image brings them");
    }

    #[test]
    fn an_apps_container_has_its_instance_from_us_and_its_kind_from_the_image_too() {
        let image = Image { labels: labelled(&[(labels::KIND, labels::KIND_APP)]), ..Image::default() };
        let own = [(labels::KIND, labels::KIND_APP), (labels::OWNER, "a.1.1"), (labels::INSTANCE, "i")];
        assert!(are_its_own(&labelled(&own), &image));
        assert!(!are_its_own(&labelled(&own[..2]), &image));
        assert!(!are_its_own(&labelled(&own), &Image { labels: labelled(&own), ..Image::default() }));
    }
}
