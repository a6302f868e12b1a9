//! What a request is about, in the words that rights are given in; and what it cost. Pure.

use super::objects::Kind;
use super::selectors::Selectors;
use serde_json::Value;
use std::collections::BTreeMap;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `create`, `get`, `list`, `watch`, `patch`, `update` or `delete`.
    pub(crate) verb: &'static str,
    /// `jobs`, or `pods/log`.
    pub(crate) resource: String,
    /// Of the object; empty where it is about all of them.
    pub(crate) name: String,
    /// Path and query, as they came.
    pub(crate) path: String,
    /// What it brought; `Null` where that is nothing, or no JSON.
    pub(crate) body: Value,
    /// Bytes of request and answer, heads included.
    pub(crate) received: usize,
    pub(crate) sent: usize,
}

/// What it is about, taken apart.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) kind: Option<Kind>,
    pub(super) resource: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) query: BTreeMap<String, String>,
}

impl Target {
    /// Of `/api/v1/namespaces/NS/pods/NAME/log?follow=true` and the like.
    pub(super) fn parse(path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let segments: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (api, rest) = match &segments[..] {
            ["api", version, rest @ ..] => ((*version).to_owned(), rest),
            ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
            all => (String::new(), all),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
            rest => (None, rest),
        };
        let part = |at: usize| rest.get(at).copied().unwrap_or_default();
        let resource = if part(2).is_empty() { part(0).to_owned() } else { format!("{}/{}", part(0), part(2)) };
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self {
            kind: Kind::of_path(&api, part(0)),
            resource,
            namespace,
            name: part(1).to_owned(),
            query: pairs.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        }
    }

    /// What is done to it.
    pub(super) fn verb(&self, method: &str) -> &'static str {
        match (method, self.name.is_empty()) {
            ("POST", _) => "create",
            ("PATCH", _) => "patch",
            ("PUT", _) => "update",
            ("DELETE", false) => "delete",
            ("DELETE", true) => "deletecollection",
            _ if self.is("watch") => "watch",
            (_, true) => "list",
            (_, false) => "get",
        }
    }

    /// Whether an option is on.
    pub(super) fn is(&self, option: &str) -> bool {
        self.query.get(option).is_some_and(|value| value == "true" || value == "1")
    }

    /// A number of the query.
    pub(super) fn number(&self, option: &str) -> Option<u64> {
        self.query.get(option)?.parse().ok()
    }

    /// What a list or a watch wants to see.
    pub(super) fn selectors(&self) -> Selectors {
        let text = |name: &str| self.query.get(name).cloned().unwrap_or_default();
        Selectors { labels: text("labelSelector"), fields: text("fieldSelector") }
    }
}

/// Without `%…` and with blanks for `+`, as clients write queries.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| char::from(digit.unwrap_or(b'0')));
                let value = digits.map(|digit| digit.to_digit(16).unwrap_or(0));
                bytes.extend(u8::try_from(value[0] * 16 + value[1]));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_by_verb_and_resource_as_rights_are() {
        let told = |method: &str, path: &str| {
            let target = Target::parse(path);
            (target.verb(method), target.resource.clone(), target.name.clone())
        };
        let owned = |verb: &'static str, resource: &str, name: &str| (verb, resource.to_owned(), name.to_owned());
        assert_eq!(told("POST", "/apis/batch/v1/namespaces/apps/jobs?"), owned("create", "jobs", ""));
        assert_eq!(told("GET", "/api/v1/namespaces/apps/pods/p/log?follow=true"), owned("get", "pods/log", "p"));
        assert_eq!(told("GET", "/api/v1/namespaces/apps/pods?watch=true&x=1"), owned("watch", "pods", ""));
        assert_eq!(told("DELETE", "/apis/batch/v1/namespaces/apps/jobs/j"), owned("delete", "jobs", "j"));
        assert_eq!(told("GET", "/api/v1/nodes/n"), owned("get", "nodes", "n"));
        let pods = Target::parse("/api/v1/namespaces/apps/pods?labelSelector=job-name%3Da%2Cx+in+%28b%29");
        assert_eq!((pods.kind, pods.namespace.as_deref()), (Some(Kind::Pod), Some("apps")));
        assert_eq!(pods.selectors().labels, "job-name=a,x in (b)");
    }
}
