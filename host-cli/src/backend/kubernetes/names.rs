//! What objects are called, and what stands in their labels. A tenant chooses an app's name; a cluster takes 63 characters of some
//! kinds, and fewer where it puts something behind them itself. Pure.

use crate::labels::slug;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use std::collections::BTreeMap;

/// What the names of our labels begin with on an engine, and in a cluster.
const ON_ENGINES: &str = "stager.";
const IN_CLUSTERS: &str = "stager/";
/// What a cluster takes as a label's value.
const LONGEST_VALUE: usize = 63;
/// Of an object's name that says whose it is; a stateful set's may have 52, since a hash of its own stands behind it in labels.
const LONGEST_STEM: usize = 40;
/// Digits of a hash that tells parts of one object apart, or what a label could not hold.
const DIGITS: usize = 8;
/// Of one by which apps of one namespace differ: who chooses an app's name must not find one with another app's hash.
const STEMS_DIGITS: usize = 16;
/// Where nothing else says whose an object is.
pub(super) const NAME: &str = "app.kubernetes.io/name";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The start of the names of all objects of an app's process: what people recognise, and a hash of what makes it another's. Begins
/// with a letter, as a Service's name must.
pub(crate) fn stem(app: &str, guid: &str, process: &str) -> String {
    let slug = slug(app);
    let slug = if slug.starts_with(|first: char| first.is_ascii_digit()) { format!("app-{slug}") } else { slug };
    let cut: String = slug.chars().take(LONGEST_STEM - STEMS_DIGITS - 1).collect();
    format!("{}-{}", cut.trim_end_matches('-'), digits(&[app, guid, process], STEMS_DIGITS))
}

/// The name of what is made anew each time, such as a Job: `stage-<stem>-<start of the instance's guid>`.
pub(crate) fn unique(first: &str, stem: &str, instance: &str) -> String {
    let instance: String = instance.chars().filter(char::is_ascii_alphanumeric).take(DIGITS).collect();
    format!("{first}-{stem}-{}", instance.to_ascii_lowercase()).trim_end_matches('-').to_owned()
}

/// The name of a volume, a port or the like within an object: a DNS label that differs as `whole` does.
pub(crate) fn part(first: &str, whole: &str) -> String {
    format!("{first}-{}", digits(&[whole], DIGITS))
}

/// A text as a label's value: itself where a cluster takes it, else what it takes of it and a hash.
pub(crate) fn label_value(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let ends_well = |end: Option<char>| end.is_none_or(|c| c.is_ascii_alphanumeric());
    if text.len() <= LONGEST_VALUE
        && text.chars().all(is_plain)
        && ends_well(text.chars().next())
        && ends_well(text.chars().next_back())
    {
        return text.to_owned();
    }
    let taken = text.chars().map(|c| if is_plain(c) { c } else { '-' });
    let cut: String = taken.take(LONGEST_VALUE - DIGITS - 1).collect();
    let cut = cut.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let digits = digits(&[text], DIGITS);
    if cut.is_empty() { digits } else { format!("{cut}-{digits}") }
}

/// The labels of `metadata` that only pods of the same process have: whoever chose its name, the app's guid is beside it.
pub(super) fn of_one_process(metadata: &ObjectMeta) -> BTreeMap<String, String> {
    const APP_GUID: &str = "stager/app-guid";
    let labels = metadata.labels.iter().flatten().filter(|(name, _)| [NAME, APP_GUID].contains(&name.as_str()));
    labels.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// An object's name, and labels as engines have them. What a label cannot hold stands whole in the annotation of its name.
pub(crate) fn metadata(name: &str, namespace: Option<&str>, labels: &BTreeMap<String, String>) -> ObjectMeta {
    let own = labels.iter().filter_map(|(name, value)| Some((name.strip_prefix(ON_ENGINES)?, value)));
    let own: Vec<(String, &String)> = own.map(|(name, value)| (format!("{IN_CLUSTERS}{name}"), value)).collect();
    let whole = own.iter().filter(|(_, value)| label_value(value) != **value);
    let annotations: BTreeMap<String, String> = whole.map(|(name, value)| (name.clone(), (*value).clone())).collect();
    let mut values: BTreeMap<String, String> =
        own.iter().map(|(name, value)| (name.clone(), label_value(value))).collect();
    values.insert(MANAGED_BY.to_owned(), "stager".to_owned());
    values.insert(NAME.to_owned(), label_value(name));
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(str::to_owned),
        labels: Some(values),
        annotations: (!annotations.is_empty()).then_some(annotations),
        ..ObjectMeta::default()
    }
}

/// So many of these texts' hash, which tells where each ends.
fn digits(texts: &[&str], count: usize) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    }
    hex(&hasher.finalize()).chars().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_dns_label(name: &str, longest: usize) -> bool {
        (1..=longest).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    }

    fn is_label_value(value: &str) -> bool {
        let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        value.len() <= 63
            && value.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            && ends(value.chars().next())
            && ends(value.chars().next_back())
    }

    #[test]
    fn apps_of_one_name_differ_and_what_a_cluster_takes_stays_as_it_is() {
        assert!(stem("node-env", "g-1", "web").starts_with("node-env-"));
        assert_ne!(stem("a", "g-1", "web"), stem("a", "g-2", "web"));
        assert_ne!(stem("a", "g-1", "web"), stem("a", "g-1", "worker"));
        assert_ne!(stem("a", "bc", "d"), stem("a", "b", "cd"));
        assert!(stem("7", "g", "web").starts_with("app-7-"));
        assert_eq!(unique("stage", "s", "5EED5eed-0000"), "stage-s-5eed5eed");
        assert_eq!(label_value("18c50a86-b045-5fed-bae9-e6ea03383693"), "18c50a86-b045-5fed-bae9-e6ea03383693");
        assert_ne!(label_value("my app"), label_value("my-app"));
        assert_eq!(label_value(""), "");
    }

    #[test]
    fn a_value_that_no_label_holds_stands_whole_in_an_annotation_and_foreign_labels_are_left_out() {
        let labels = [("stager.app-name", "Ä $(X)"), ("stager.kind", "staging"), ("other", "x")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let metadata = metadata("a", Some("ns"), &labels);
        assert_eq!(metadata.annotations.unwrap(), [("stager/app-name".to_owned(), "Ä $(X)".to_owned())].into());
        let values = metadata.labels.unwrap();
        assert_eq!(values["stager/kind"], "staging");
        assert!(values["stager/app-name"].starts_with('X') && !values.contains_key("other"), "{values:?}");
    }

    proptest! {
        #[test]
        fn whatever_a_tenant_chooses_a_cluster_takes_it(app in ".{0,80}", guid in ".{0,40}", process in ".{0,80}") {
            let stem = stem(&app, &guid, &process);
            prop_assert!(is_dns_label(&stem, LONGEST_STEM), "{stem}");
            let unique = unique("stage", &stem, &guid);
            prop_assert!(is_dns_label(&unique, 57), "{unique}");
            prop_assert!(is_label_value(&label_value(&app)), "{}", label_value(&app));
            let part = part("volume", &process);
            prop_assert!(is_dns_label(&part, 63), "{part}");
        }
    }
}
