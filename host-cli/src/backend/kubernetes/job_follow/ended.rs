//! How a Job is over that has no result.

use crate::failure::Failure;
use shared_model::exit_code::ExitCode;

/// In a cluster's words: what a pod or a Job may take is over.
pub(super) const DEADLINE: &str = "DeadlineExceeded";

/// Whether a Job without a result is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::kubernetes) enum Ended {
    /// Nothing of it goes on.
    ByItself,
    /// It may go on, and nobody waits for it.
    GivenUp,
}

/// What a look at a Job gives; `Err`: it has no result, and why.
pub(super) type Turn<T> = Result<T, (Ended, Failure)>;

/// The cluster has ended the pod itself.
pub(super) fn by_the_cluster(reason: &str, text: &str) -> Failure {
    let told = if text.is_empty() { String::new() } else { format!(": {text}") };
    match reason {
        DEADLINE => Failure::new(ExitCode::Timeout, "the Job took longer than it may, and the cluster ended it", ""),
        "Evicted" => {
            let advice =
                "give it more: `host-cli build-req APP >r.json`, raise disk_mb or memory_mb in it, `--request r.json`";
            Failure::new(ExitCode::Engine, format!("the cluster evicted the staging{told}"), advice)
        }
        _ => {
            Failure::new(ExitCode::Engine, format!("the cluster ended the staging ({reason}){told}"), "stage once more")
        }
    }
}
