//! What goes wrong between a client and a cluster, and how often. Pure.

use super::USER;
use super::asked::Target;
use serde_json::{Value, json};
use std::time::Duration;

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is refused with this code; the real text where that is known, `no` otherwise.
    Code(u16),
    /// It is refused, and may be tried again after so many seconds.
    Later(u16, u64),
    /// It is carried out, but the answer never comes: the connection ends before it.
    Deaf,
    /// Nothing comes, and the connection stays.
    Hang,
    /// So many lines of a stream come; then the connection ends in the middle of the next.
    Cut(usize),
    /// So many lines of a stream, or of a log, come; then nothing, and the connection stays.
    Silent(usize),
    /// So many lines of a stream come; then it ends as if nothing more were to come.
    End(usize),
    /// A watch begins with an error of this code: 410 where it asked for what is forgotten.
    Error(u16),
    /// A byte comes after each such time.
    Slow(Duration),
    /// This comes instead of an answer.
    Raw(&'static str),
}

/// A fault that happens so many times.
pub(super) struct Rule {
    pub(super) verb: &'static str,
    pub(super) resource: &'static str,
    pub(super) times: usize,
    pub(super) fault: Fault,
}

/// See [`super::World::next`].
#[derive(Default)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    /// What goes wrong with this one; from then on once less.
    pub(super) fn take(&mut self, verb: &str, resource: &str) -> Option<Fault> {
        let found = self.0.iter_mut().find(|rule| rule.times > 0 && rule.verb == verb && rule.resource == resource);
        let rule = found?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }
}

/// What a cluster says of a code: its reason and its words.
pub(super) fn refusal(code: u16, verb: &str, target: &Target) -> Value {
    let Target { resource, name, .. } = target;
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let (group, dotted) = match target.kind.and_then(|kind| kind.api().split_once('/')) {
        Some((group, _)) => (group, format!("{resource}.{group}")),
        None => ("", resource.clone()),
    };
    let (reason, message) = match code {
        400 => ("BadRequest", "no".to_owned()),
        401 => ("Unauthorized", "Unauthorized".to_owned()),
        403 => (
            "Forbidden",
            format!(
                "{dotted}{} is forbidden: User \"{USER}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" in the namespace \"{namespace}\"",
                if name.is_empty() { String::new() } else { format!(" \"{name}\"") },
            ),
        ),
        404 => ("NotFound", format!("{dotted} \"{name}\" not found")),
        409 => ("AlreadyExists", format!("{dotted} \"{name}\" already exists")),
        410 => ("Expired", "too old resource version: 1 (2)".to_owned()),
        429 => ("TooManyRequests", "Too many requests, please try again later.".to_owned()),
        500 => ("InternalError", "Internal error occurred: etcdserver: request timed out".to_owned()),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request".to_owned()),
        504 => ("Timeout", "request timed out".to_owned()),
        _ => ("", "no".to_owned()),
    };
    status(code, reason, &message)
}

/// A refusal as an object.
pub(super) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
}
