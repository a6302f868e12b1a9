//! Diego's actions: a tree whose nodes are objects with exactly one key. The leaves download, upload and run;
//! the other nodes say in which order, for how long, and what a failure means.

use crate::environment::EnvironmentVariable;
use crate::safe_url::SafeUrl;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;
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

/// Fetches `from` and unpacks it into `to` as `user`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DownloadAction {
    /// What it is, for people: `app package`. Absent or empty: nothing is said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// Where from.
    pub from: SafeUrl,
    /// The directory to unpack into; relative to the user's home.
    pub to: String,
    /// Identity in the cache; empty: not to be cached.
    pub cache_key: String,
    /// See [`Action::log_source`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
    /// Whose files they will be.
    pub user: String,
    /// `md5`, `sha1`, `sha256` or `sha512`; absent or empty: not checked. From mid-2016 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    /// The checksum in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_value: Option<String>,
}

/// Sends the file `from` to `to`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UploadAction {
    /// What it is, for people: `droplet`. Absent or empty: nothing is said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// The file's path in the container.
    pub from: String,
    /// The cc-uploader URL; its query carries Cloud Controller's password.
    pub to: SafeUrl,
    /// See [`Action::log_source`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
    /// Whose file it is.
    pub user: String,
}

/// Runs `path` with `args` as `user`; there is no shell in between.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunAction {
    /// The program.
    pub path: String,
    /// Its arguments. Those of `diego-sshd` hold private keys: never show them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Secret<Vec<String>>>,
    /// The working directory; absent or empty: the user's home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Variables of this run, over the container's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvironmentVariable>>,
    /// Limits of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_limits: Option<ResourceLimits>,
    /// Who runs it; looked up in the container's `/etc/passwd`.
    pub user: String,
    /// See [`Action::log_source`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
    /// True: what it prints is not shown.
    pub suppress_log_output: bool,
    /// Files that today's Diego mounts for the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mounted_files: Option<Secret<Vec<serde_json::Value>>>,
}

impl RunAction {
    /// The arguments; empty where the request has none.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        self.args.as_ref().map_or(&[], |args| args.reveal())
    }

    /// The variables; empty where the request has none.
    #[must_use]
    pub fn environment(&self) -> &[EnvironmentVariable] {
        self.env.as_deref().unwrap_or_default()
    }

    /// The file name of the program: `builder`, `launcher`, `diego-sshd`.
    #[must_use]
    pub fn program(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The value of a flag in Go's style, `-name=value` or `--name=value`; a bare `-name` is `true`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.arguments().iter().find_map(|argument| {
            let flag = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-'))?;
            let (key, value) = flag.split_once('=').unwrap_or((flag, "true"));
            (key == name).then_some(value)
        })
    }

    /// Soft and hard limit of open files; `None` where the request has none or 0.
    #[must_use]
    pub fn nofile(&self) -> Option<u64> {
        self.resource_limits.as_ref().and_then(|limits| limits.nofile).filter(|limit| *limit > 0)
    }
}

impl fmt::Debug for RunAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} as {} ({} arguments)", self.path, self.user, self.arguments().len())
    }
}

/// Limits of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceLimits {
    /// Open files; 0 means the engine's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nofile: Option<u64>,
    /// Processes; 2017 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nproc: Option<u64>,
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
    fn flags_are_read_as_go_reads_them() {
        let Action::Run(run) = parse(r#"{"run":{"path":"/tmp/lifecycle/builder","args":["-a=1","--b=2","-c"]}}"#)
        else {
            panic!("not a run");
        };
        assert_eq!(
            (run.flag("a"), run.flag("b"), run.flag("c"), run.flag("d")),
            (Some("1"), Some("2"), Some("true"), None)
        );
        assert_eq!(run.program(), "builder");
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
