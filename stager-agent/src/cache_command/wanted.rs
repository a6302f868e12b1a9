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
    /// As other requests have it, whose URLs expire earlier; the last to expire is first.
    pub(super) older: Vec<CachedDependency>,
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
                older: Vec::new(),
                app: plan.application.guid.clone(),
                skips_verification: plan.skips_verification,
                certificates: plan.certificates.clone(),
            };
            let known = self.known.entry((identity, plan.skips_verification)).or_insert(self.all.len());
            match self.all.get_mut(*known) {
                None => self.all.push(wanted),
                Some(known) => known.add(wanted),
            }
        }
    }

    /// What is to be fetched: first what has to be verified, then the rest.
    pub(super) fn in_turns(self) -> [Vec<Wanted>; 2] {
        let (careless, careful) = self.all.into_iter().partition(|wanted| wanted.skips_verification);
        [careful, careless]
    }
}

impl Wanted {
    /// URLs of one file that are tried: a server that refuses so many refuses the next as well.
    const MOST_URLS: usize = 4;

    /// Takes in the same file, as another request has it.
    fn add(&mut self, mut other: Self) {
        if lives(&other.dependency) >= lives(&self.dependency) {
            std::mem::swap(self, &mut other);
            self.older = other.older;
        }
        let is_known = |known: &CachedDependency| known.from == other.dependency.from;
        if !is_known(&self.dependency) && !self.older.iter().any(is_known) {
            let at = self.older.partition_point(|known| lives(known) > lives(&other.dependency));
            self.older.insert(at, other.dependency);
            self.older.truncate(Self::MOST_URLS - 1);
        }
    }

    /// The URLs to try, one after the other: the last to expire, and others that have not expired at `now` (seconds since
    /// 1970).
    pub(super) fn in_order(&self, now: i64) -> impl Iterator<Item = &CachedDependency> {
        std::iter::once(&self.dependency).chain(self.older.iter().filter(move |older| lives(older) > now))
    }
}

/// Until when its URL is good: seconds since 1970. One without a signature is for ever.
fn lives(dependency: &CachedDependency) -> i64 {
    dependency.from.expires().unwrap_or(i64::MAX)
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
    fn the_other_urls_of_a_file_that_still_live_are_tried_after_it() {
        let url = |expires: u32| format!("https://b/k?expires={expires}&md5=a");
        let mut collection = Collection::default();
        for expires in [30, 10, 50, 40, 30, 20, 45] {
            collection.add(&request(&[("k", &url(expires))], false));
        }
        let [wanted, _] = collection.in_turns();
        let order = |now| wanted[0].in_order(now).map(|it| it.from.expires().unwrap()).collect::<Vec<_>>();
        assert_eq!((wanted.len(), order(0), order(42), order(99)), (1, vec![50, 45, 40, 30], vec![50, 45], vec![50]));
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
