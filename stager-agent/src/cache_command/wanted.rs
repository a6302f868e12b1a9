//! What several requests want in the cache, each of it once. Pure.

use crate::cache::{EntryKind, Identity};
use crate::plan::StagingPlan;
use shared_model::dependency::CachedDependency;
use std::collections::HashMap;
use std::path::PathBuf;

/// A dependency, as the request has it whose URL lives longest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    /// As its request has it.
    pub(super) dependency: CachedDependency,
    /// The app whose request it is.
    pub(super) app: String,
    /// Whether that request trusts any certificate.
    pub(super) skips_verification: bool,
    /// A folder with certificates that it trusts.
    pub(super) certificates: Option<PathBuf>,
}

/// Collects what requests want.
#[derive(Debug, Default)]
pub(super) struct Collection {
    all: Vec<Wanted>,
    /// Where in `all`. What requests want verified and what others do not are two things: the first may not be content
    /// with what came for the second.
    known: HashMap<(Identity, bool), usize>,
    /// Those without a cache key: never kept.
    pub(super) without_key: usize,
}

impl Collection {
    /// Takes in the dependencies of a request.
    pub(super) fn add(&mut self, plan: &StagingPlan) {
        for dependency in &plan.dependencies {
            let Some(identity) = Identity::new(EntryKind::Tree, &dependency.cache_key, &dependency.from) else {
                self.without_key += 1;
                continue;
            };
            let wanted = Wanted {
                dependency: dependency.clone(),
                app: plan.application.guid.clone(),
                skips_verification: plan.skips_verification,
                certificates: plan.certificates.clone(),
            };
            let known = self.known.entry((identity, plan.skips_verification)).or_insert(self.all.len());
            match self.all.get_mut(*known) {
                None => self.all.push(wanted),
                Some(other) if lives(&wanted) >= lives(other) => *other = wanted,
                Some(_) => {}
            }
        }
    }

    /// What is to be fetched: first what has to be verified, then the rest.
    pub(super) fn in_turns(self) -> [Vec<Wanted>; 2] {
        let (careless, careful) = self.all.into_iter().partition(|wanted| wanted.skips_verification);
        [careful, careless]
    }
}

/// Until when its URL is good: seconds since 1970. One without a signature is for ever.
fn lives(wanted: &Wanted) -> i64 {
    wanted.dependency.from.expires().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;
    use serde_json::json;
    use shared_model::validate;

    fn request(urls: &[(&str, &str)], careless: bool) -> StagingPlan {
        let dependency = |(key, from): &(&str, &str)| json!({"name": "", "from": from, "to": "/tmp/x", "cache_key": key, "log_source": ""});
        let flag = format!("-skipCertVerify={careless}");
        let task = json!({
            "rootfs": "preloaded:x",
            "cached_dependencies": urls.iter().map(dependency).collect::<Vec<_>>(),
            "action": {"run": {"path": "/tmp/lifecycle/builder", "args": [flag], "user": "vcap"}},
            "log_guid": "an-app",
        });
        plan(validate::task(&task.to_string()).unwrap()).unwrap()
    }

    fn urls(requests: &[StagingPlan]) -> (Vec<String>, usize) {
        let mut collection = Collection::default();
        for request in requests {
            collection.add(request);
        }
        let without_key = collection.without_key;
        let all = collection.in_turns().concat();
        (all.iter().map(|wanted| wanted.dependency.from.reveal().to_owned()).collect(), without_key)
    }

    #[test]
    fn of_one_identity_the_url_that_expires_last_is_taken() {
        let (old, new) = ("https://b/k?expires=1&md5=a", "https://b/k?expires=2&md5=b");
        for requests in [[old, new], [new, old]] {
            let requests = requests.map(|url| request(&[("k", url), ("other", "https://b/other")], false));
            assert_eq!(urls(&requests), (vec![new.to_owned(), "https://b/other".to_owned()], 0));
        }
        let unsigned = [request(&[("k", "http://b/k")], false), request(&[("k", "http://b/k?expires=9")], false)];
        assert_eq!(urls(&unsigned).0, ["http://b/k"]);
    }

    #[test]
    fn what_differs_in_key_origin_or_care_is_fetched_by_itself() {
        let requests = [
            request(&[("k", "https://b/k")], true),
            request(&[("k", "https://b/k?x"), ("l", "https://b/k"), ("k", "https://c/k"), ("", "https://b/k")], false),
        ];
        let expected = ["https://b/k?x", "https://b/k", "https://c/k", "https://b/k"].map(str::to_owned);
        assert_eq!(urls(&requests), (expected.to_vec(), 1));
    }
}
