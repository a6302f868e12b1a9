//! Diego's actions: a tree whose nodes are objects with exactly one key. The leaves download, upload and run;
//! the other nodes say in which order, for how long, and what a failure means.

mod run;
mod transfer;

pub use run::{ResourceLimits, RunAction};
pub use transfer::{DownloadAction, UploadAction};

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One action of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Fetches an archive and unpacks it as a user.
    Download(DownloadAction),
    /// Sends a file of the container away.
    Upload(UploadAction),
    /// Runs a program to its end.
    Run(RunAction),
    /// Bounds the time of the action inside.
    Timeout(TimeoutAction),
    /// Announces the action inside, and how it ended.
    EmitProgress(EmitProgressAction),
    /// Swallows a failure of the action inside.
    Try(TryAction),
    /// All at once; waits for all, then fails if one did.
    Parallel(ActionList),
    /// One after the other; stops at the first failure.
    Serial(ActionList),
    /// All at once; the first to end, however it ends, ends the others.
    Codependent(ActionList),
}

impl Action {
    /// Every kind by its key on the wire.
    pub const KINDS: [&'static str; 9] =
        ["download", "upload", "run", "timeout", "emit_progress", "try", "parallel", "serial", "codependent"];

    /// The key on the wire: `emit_progress`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Download(_) => "download",
            Self::Upload(_) => "upload",
            Self::Run(_) => "run",
            Self::Timeout(_) => "timeout",
            Self::EmitProgress(_) => "emit_progress",
            Self::Try(_) => "try",
            Self::Parallel(_) => "parallel",
            Self::Serial(_) => "serial",
            Self::Codependent(_) => "codependent",
        }
    }

    /// The actions directly inside, in their order; empty for a leaf.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match self {
            Self::Download(_) | Self::Upload(_) | Self::Run(_) => &[],
            Self::Timeout(TimeoutAction { action, .. })
            | Self::EmitProgress(EmitProgressAction { action, .. })
            | Self::Try(TryAction { action, .. }) => std::slice::from_ref(action),
            Self::Parallel(list) | Self::Serial(list) | Self::Codependent(list) => &list.actions,
        }
    }

    /// The log source that the action names itself; empty or absent means: that of the action around it.
    #[must_use]
    pub fn log_source(&self) -> Option<&str> {
        let source = match self {
            Self::Download(action) => &action.log_source,
            Self::Upload(action) => &action.log_source,
            Self::Run(action) => &action.log_source,
            Self::Timeout(action) => &action.log_source,
            Self::EmitProgress(action) => &action.log_source,
            Self::Try(action) => &action.log_source,
            Self::Parallel(list) | Self::Serial(list) | Self::Codependent(list) => &list.log_source,
        };
        source.as_deref().filter(|source| !source.is_empty())
    }

    /// This action and all below it, from the root down and from the first to the last.
    pub fn descend(&self) -> impl Iterator<Item = &Self> {
        let mut to_visit = vec![self];
        std::iter::from_fn(move || {
            let action = to_visit.pop()?;
            to_visit.extend(action.children().iter().rev());
            Some(action)
        })
    }

    /// All run actions of the tree. Never index into the tree: the builder is `actions[1]` on a first push only.
    pub fn runs(&self) -> impl Iterator<Item = &RunAction> {
        self.descend().filter_map(|action| match action {
            Self::Run(run) => Some(run),
            _ => None,
        })
    }

    /// All upload actions of the tree.
    pub fn uploads(&self) -> impl Iterator<Item = &UploadAction> {
        self.descend().filter_map(|action| match action {
            Self::Upload(upload) => Some(upload),
            _ => None,
        })
    }

    /// All download actions of the tree.
    pub fn downloads(&self) -> impl Iterator<Item = &DownloadAction> {
        self.descend().filter_map(|action| match action {
            Self::Download(download) => Some(download),
            _ => None,
        })
    }
}

/// Ends the action inside when the time is up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeoutAction {
    /// What is bounded.
    pub action: Box<Action>,
    /// The limit in **nanoseconds**, as requests before mid-2016 have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// The limit in milliseconds, as later requests have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<i64>,
    /// See [`Action::log_source`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
}

impl TimeoutAction {
    /// The limit, whichever field holds it: `timeout_ms` before `timeout`. `None`: no limit.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        positive(self.timeout_ms)
            .map(Duration::from_millis)
            .or_else(|| positive(self.timeout).map(Duration::from_nanos))
    }
}

/// A time of a request; a missing, zero or negative one says that there is no limit.
pub(crate) fn positive(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok()).filter(|value| *value > 0)
}

/// Says what begins and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmitProgressAction {
    /// What is announced.
    pub action: Box<Action>,
    /// Said before, on stdout; empty: nothing.
    #[serde(default)]
    pub start_message: String,
    /// Said after success, on stdout.
    #[serde(default)]
    pub success_message: String,
    /// Said after failure, on stderr, followed by the reason where Diego would give one.
    #[serde(default)]
    pub failure_message_prefix: String,
    /// See [`Action::log_source`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
}

/// Swallows a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TryAction {
    /// What may fail.
    pub action: Box<Action>,
    /// See [`Action::log_source`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
}

/// The actions of `parallel`, `serial` and `codependent`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionList {
    /// In the request's order.
    pub actions: Vec<Action>,
    /// See [`Action::log_source`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Action {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_timeout_is_read_from_nanoseconds_and_from_milliseconds() {
        for (fields, limit) in [
            (r#""timeout":900000000000"#, Some(900)),
            (r#""timeout_ms":900000"#, Some(900)),
            (r#""timeout_ms":60000,"timeout":900000000000"#, Some(60)),
            (r#""timeout_ms":0"#, None),
            (r#""timeout":-5"#, None),
        ] {
            let Action::Timeout(timeout) = parse(&format!(r#"{{"timeout":{{"action":{{"serial":{{}}}},{fields}}}}}"#))
            else {
                panic!("not a timeout");
            };
            assert_eq!(timeout.limit(), limit.map(Duration::from_secs), "{fields}");
        }
    }

    #[test]
    fn runs_are_found_wherever_they_stand_in_the_order_of_the_request() {
        let tree = parse(
            r#"{"serial":{"actions":[{"try":{"action":{"run":{"path":"/a"}}}},
               {"emit_progress":{"action":{"parallel":{"actions":[{"run":{"path":"/b"}},{"run":{"path":"/c"}}]}}}}]}}"#,
        );
        let paths: Vec<&str> = tree.runs().map(|run| run.path.as_str()).collect();
        assert_eq!(paths, ["/a", "/b", "/c"]);
    }

    #[test]
    fn debug_never_shows_arguments_environment_or_signatures() {
        let tree = parse(
            r#"{"serial":{"actions":[
                {"run":{"path":"/s","args":["-hostKey=SECRET"],"env":[{"name":"A","value":"SECRET"}]}},
                {"download":{"from":"https://u:SECRET@h/p?md5=SECRET","to":"/a","user":"vcap"}},
                {"upload":{"from":"/a","to":"http://cc/v1?uri=SECRET","user":"vcap"}}]}}"#,
        );
        assert!(!format!("{tree:?}").contains("SECRET"), "{tree:?}");
    }
}
