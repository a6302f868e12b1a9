//! Where in the staging container the parts of an app image lie, and when they are finished. Pure.

use shared_model::action::Action;
use shared_model::task::TaskDefinition;

/// Where Cloud Controller has droplets written, should a request not say.
const DROPLET: &str = "/tmp/droplet";

/// What a staging leaves of which the image is made, by its paths in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StagedFiles {
    /// The droplet.
    pub(crate) droplet: String,
    /// The folder with the launcher.
    pub(crate) lifecycle: String,
    /// The builder's result; empty: the request names none.
    pub(crate) result: String,
    /// Whether nothing is built any more once something is uploaded, so that the droplet is finished when the builder has
    /// ended for the first time.
    pub(crate) early: bool,
}

impl StagedFiles {
    /// As the request has them.
    pub(crate) fn new(task: &TaskDefinition) -> Self {
        let mut uploads = false;
        Self {
            droplet: task.droplet().unwrap_or(DROPLET).to_owned(),
            lifecycle: task.lifecycle().to_owned(),
            result: task.result_file.clone(),
            early: task.action.as_ref().is_some_and(|action| in_order(action, &mut uploads)),
        }
    }
}

/// `uploads`: whether an upload may have begun before.
fn in_order(action: &Action, uploads: &mut bool) -> bool {
    match action {
        Action::Run(_) => !*uploads,
        Action::Upload(_) => {
            *uploads = true;
            true
        }
        // At the same time is in any order.
        Action::Parallel(_) | Action::Codependent(_) if action.uploads().next().is_some() => {
            *uploads = true;
            action.runs().next().is_none()
        }
        other => other.children().iter().all(|child| in_order(child, uploads)),
    }
}
