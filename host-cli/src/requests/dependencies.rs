//! Every staging request of the logs that brings in a dependency which no newer one has: what `cache-up --all` fetches.
//!
//! A log names the same few lifecycles and buildpacks again and again, each time signed anew. Of all requests that name
//! the same ones the newest is kept, whose signatures live longest, so that a log of any length fits into memory.

use crate::requests::about::About;
use crate::requests::error::RequestError;
use crate::requests::history::each_request;
use crate::requests::log_file::LogOptions;
use crate::requests::request::{Request, RequestKind};
use shared_model::dependency::LayerType;
use shared_model::safe_url::SafeUrl;
use shared_model::task::TaskDefinition;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The requests, the newest first; never empty. The first carries the warnings of the reading.
pub(super) fn read(logs: &LogOptions) -> Result<Vec<Request>, RequestError> {
    let kinds = vec![RequestKind::Staging];
    let mut newest = BTreeMap::new();
    let read = each_request(&kinds, logs, None, |rank, found, _| {
        let needs = dependencies(found.document);
        if newest.get(&needs).is_none_or(|(known, _)| *known < rank) {
            newest.insert(needs, (rank, About::found(found).of(found)));
        }
    })?;
    let mut found: Vec<_> = newest.into_iter().map(|(needs, (rank, request))| (rank, needs, request)).collect();
    found.sort_by_key(|(rank, ..)| Reverse(*rank));
    let mut seen = BTreeSet::new();
    let mut requests: Vec<Request> = Vec::new();
    for (_, needs, request) in found {
        let brings_something = !needs.is_subset(&seen);
        seen.extend(needs);
        if brings_something || requests.is_empty() {
            requests.push(request);
        }
    }
    match requests.first_mut() {
        Some(first) => first.warnings = read.reading.warnings,
        None => return Err(RequestError::none(kinds, read.searched, read.reading, logs)),
    }
    Ok(requests)
}

/// What a request names that is worth keeping: cache key and place of each dependency. Empty for an odd request, which
/// is for others to judge.
pub(crate) fn dependencies(document: &str) -> BTreeSet<(String, String)> {
    let task: TaskDefinition = serde_json::from_str(document).unwrap_or_default();
    // A redacted URL is scheme, host and path, whatever the signature.
    let log_file = |url: &SafeUrl| url.to_string();
    let keyed = task.dependencies().iter().filter(|dependency| !dependency.cache_key.is_empty());
    let keyed = keyed.map(|dependency| (dependency.cache_key.clone(), log_file(&dependency.from)));
    // Layers of the user's own, such as the package, are downloads like any other.
    let shared = task.layers().iter().filter(|layer| layer.layer_type == LayerType::Shared);
    let layers = shared.map(|layer| (layer.digest_value.clone().unwrap_or_default(), log_file(&layer.url)));
    keyed.chain(layers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(nanoseconds: u64, app: &str, dependencies: &[(&str, &str)]) -> String {
        let list: Vec<_> = dependencies
            .iter()
            .map(|(key, path)| {
                serde_json::json!({ "cache_key": key, "from": format!("https://b/{path}?expires={nanoseconds}") })
            })
            .collect();
        let request = serde_json::json!({ "log_guid": app, "cached_dependencies": list });
        let data = serde_json::json!({ "app-id": app, "taskDefinition": request });
        let message = "stager.traditional.build-recipe.staging-task-request";
        format!(
            r#"{{"timestamp":"{nanoseconds}","source":"stager","message":"{message}","log_level":1,"data":{data}}}"#
        )
    }

    #[test]
    fn of_requests_that_name_the_same_the_newest_is_taken_and_one_that_adds_nothing_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("stager.stdout.log");
        let (lifecycle, ruby, node) = (("l", "l"), ("r", "r"), ("n", "n"));
        let lines = [
            line(1_466_000_000_000_000_001, "old-ruby", &[lifecycle, ruby]),
            line(1_466_000_000_000_000_002, "node", &[lifecycle, node]),
            line(1_466_000_000_000_000_003, "ruby", &[lifecycle, ruby]),
            line(1_466_000_000_000_000_004, "bare", &[lifecycle]),
            line(1_466_000_000_000_000_005, "node-elsewhere", &[lifecycle, ("n", "other")]),
            line(1_466_000_000_000_000_006, "both", &[lifecycle, ruby, ("n", "other")]),
        ];
        std::fs::write(&log, lines.join("\n")).unwrap();
        let found = read(&LogOptions { stager_log: Some(log.clone()), ..LogOptions::default() }).unwrap();
        let apps: Vec<&str> = found.iter().map(|request| request.application.guid.as_str()).collect();
        assert_eq!(apps, ["both", "node"]);
        std::fs::write(&log, "nothing\n").unwrap();
        let error = read(&LogOptions { stager_log: Some(log), ..LogOptions::default() }).unwrap_err();
        assert!(matches!(error, RequestError::NoRequests { .. }), "{error}");
    }

    #[test]
    fn a_dependency_is_known_by_its_key_and_its_place_whatever_the_signature() {
        let one = r#"{"cached_dependencies":[{"cache_key":"k","from":"https://b/x?md5=A&expires=1"},{"cache_key":"","from":"https://b/y"}]}"#;
        let same = one.replace("md5=A&expires=1", "md5=B&expires=2");
        let elsewhere = one.replace("https://b/x", "https://c/x");
        assert_eq!(dependencies(one), dependencies(&same));
        assert_eq!(dependencies(one).len(), 1, "one without a key is not kept");
        assert_ne!(dependencies(one), dependencies(&elsewhere));
        assert!(dependencies("{").is_empty());
        let layers = r#"{"image_layers":[{"url":"https://b/l?s=1","layer_type":"SHARED"},{"url":"https://b/p","layer_type":"EXCLUSIVE"}]}"#;
        assert_eq!(dependencies(layers), [(String::new(), "https://b/l?***".to_owned())].into());
    }
}
