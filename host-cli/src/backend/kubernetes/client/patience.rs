//! How long each thing in a cluster is waited for. A value, so that a test need not wait as long.

use super::ClusterError;
use std::time::Duration;

/// See the module's text. What is waited for longer than this is given up, and said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Between two looks at the clock.
    pub(crate) tick: Duration,
    /// One answer of the cluster; a log's first bytes.
    pub(crate) answer: Duration,
    /// A cluster that is away when it is asked for something.
    pub(crate) away: Duration,
    /// A node, or a cluster, that was there and is not seen any more.
    pub(crate) lost: Duration,
    /// A container that says nothing, before it is asked whether it is there; and until it is asked again.
    pub(crate) silent: Duration,
    pub(crate) asked_again: Duration,
    /// The rest of a log whose container has ended.
    pub(crate) last_lines: Duration,
    /// A log that ended too early, before it is read again.
    pub(crate) log_again: Duration,
    /// A pod that is on its way, before the cluster is asked why; and until it is asked again.
    pub(crate) ask_why: Duration,
    /// A pod that has not begun, by what keeps it: an image or a thing that is missing (it may come), the cluster's own
    /// rules, or nothing that anybody tells.
    pub(crate) missing: Duration,
    pub(crate) refused: Duration,
    pub(crate) silence: Duration,
    /// The successor of a pod that is gone, or a word why there is none.
    pub(crate) successor: Duration,
    /// A cluster that has to end a Job whose time is over.
    pub(crate) deadline: Duration,
}

impl Patience {
    /// How long what answers with this is waited for: a cluster that is away may come back, who may not look at it need not wait.
    pub(crate) fn unseen(&self, error: &ClusterError) -> Duration {
        if error.may_pass() { self.lost } else { self.refused }
    }
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            tick: Duration::from_millis(500),
            answer: seconds(30),
            away: seconds(60),
            lost: seconds(300),
            silent: seconds(45),
            asked_again: seconds(15),
            last_lines: seconds(20),
            log_again: seconds(1),
            ask_why: seconds(4),
            missing: seconds(120),
            refused: seconds(15),
            silence: seconds(600),
            successor: seconds(60),
            deadline: seconds(120),
        }
    }
}
