//! The lifecycle of a launch request, whose launcher and health check Diego mounts into the app's container → what fetches it: a
//! task of our own, which the agent does like any staging, with its cache, its retries and its words. Pure.

use super::cache;
use super::error::PlanError;
use super::fetching::{Fetching, Keeping, MountedFile};
use crate::engine::container_spec::ContainerSpec;
use serde::{Deserialize, Serialize};
use shared_model::action::{Action, RunAction};
use shared_model::dependency::{CachedDependency, ImageLayer, LayerType};
use shared_model::desired_lrp::DesiredLrp;
use shared_model::secret::Secret;
use shared_model::task::TaskDefinition;
use std::collections::{BTreeMap, BTreeSet};

/// Where the agent puts it.
const FETCHED: &str = "/tmp/lifecycle";
/// A copy of that, since what lies in a cache is safe only as long as the agent runs.
pub(crate) const COPIED: &str = "/tmp/copied";
/// Who copies: nobody who could change a cache.
const USER: &str = "vcap";

/// Whose lifecycle an app of a droplet runs with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LifecycleFrom {
    /// That of its staging, which is in its image: a file server that has gone keeps no app from running.
    #[default]
    Image,
    /// That of the launch request, as on Diego.
    Request,
}

impl argh::FromArgValue for LifecycleFrom {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "image" => Ok(Self::Image),
            "request" => Ok(Self::Request),
            _ => Err("choose image or request".to_owned()),
        }
    }
}

/// A lifecycle that is fetched.
#[derive(Debug)]
pub(crate) struct LifecyclePlan {
    /// The folder of the app's container that it is for.
    pub(crate) at: String,
    /// What the agent is told.
    pub(crate) document: Secret<String>,
    /// The container that fetches.
    pub(crate) container: ContainerSpec,
    /// Files of this machine that the container is to see.
    pub(crate) files: Vec<MountedFile>,
    /// As whom programs run in it: none of them may read a private key among the files.
    pub(crate) users: BTreeSet<String>,
    /// Hosts that it asks.
    pub(crate) hosts: BTreeSet<String>,
    /// See [`super::restage::RestagePlan::volume`].
    pub(crate) volume: Option<(String, BTreeMap<String, String>)>,
}

impl LifecyclePlan {
    /// What brings the lifecycle of a request whose launcher is run by `run`.
    ///
    /// # Errors
    /// The request has none.
    pub(super) fn new(lrp: &DesiredLrp, run: &RunAction, fetching: &Fetching<'_>) -> Result<Self, PlanError> {
        let (at, _) = run.path.rsplit_once('/').filter(|(at, _)| at.starts_with('/')).ok_or(PlanError::NoLifecycle)?;
        let task = task(lrp, at).ok_or(PlanError::NoLifecycle)?;
        Ok(Self {
            at: at.to_owned(),
            hosts: fetching.names.asked(task.hosts()),
            document: Secret::new(serde_json::to_string(&task).unwrap_or_default()),
            container: ContainerSpec {
                command: fetching.arguments(&["--no-image"]),
                labels: cache::labels(),
                ..fetching.container()
            },
            files: fetching.files.to_vec(),
            users: [USER.to_owned()].into(),
            volume: match fetching.keeping {
                Keeping::InVolume { name, .. } => Some((name.to_owned(), cache::labels())),
                Keeping::Nothing | Keeping::InImage(_) | Keeping::WithContainer => None,
            },
        })
    }
}

/// The task that fetches what a request has at `at`; `None` where it has nothing there.
fn task(lrp: &DesiredLrp, at: &str) -> Option<TaskDefinition> {
    let is_there = |to: &str| to.trim_end_matches('/') == at;
    // Either form is the whole of it: of two the agent would lay one over the other.
    let dependencies = lrp.cached_dependencies.iter().flatten().find(|dependency| is_there(&dependency.to));
    let layers = lrp.image_layers.iter().flatten().filter(|layer| layer.layer_type == LayerType::Shared);
    let layer = layers.into_iter().find(|layer| dependencies.is_none() && is_there(&layer.destination_path));
    let dependency = dependencies.map(|found| CachedDependency { to: FETCHED.to_owned(), ..found.clone() });
    let layer = layer.map(|found| ImageLayer { destination_path: FETCHED.to_owned(), ..found.clone() });
    let has_one = dependency.is_some() || layer.is_some();
    let copy = ["-rL", &format!("{FETCHED}/."), COPIED].map(str::to_owned).to_vec();
    let run = RunAction {
        path: "/bin/cp".to_owned(),
        args: Some(Secret::new(copy)),
        user: USER.to_owned(),
        dir: Some("/tmp".to_owned()),
        ..RunAction::default()
    };
    has_one.then(|| TaskDefinition {
        rootfs: "preloaded:none".to_owned(), // which nobody asks for
        log_guid: lrp.app_guid().to_owned(),
        cached_dependencies: dependency.map(|dependency| vec![dependency]),
        image_layers: layer.map(|layer| vec![layer]),
        action: Some(Action::Run(run)),
        ..TaskDefinition::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::name_resolution::NameResolution;
    use shared_model::validate;

    fn planned(more: &str) -> Result<LifecyclePlan, PlanError> {
        let run = r#"{"run":{"path":"/tmp/lifecycle/launcher","user":"nobody"}}"#;
        let lrp = format!(r#"{{"process_guid":"p","log_guid":"g","rootfs":"docker:///redis","action":{run}{more}}}"#);
        let lrp = validate::desired_lrp(&lrp).unwrap();
        let fetching = Fetching {
            image: "stager:x",
            network: "hcf",
            names: NameResolution::default(),
            files: &[],
            keeping: Keeping::InVolume { name: "kept", limit: None },
            agent_options: &[],
        };
        LifecyclePlan::new(&lrp, lrp.launcher().unwrap(), &fetching)
    }

    #[test]
    fn the_lifecycle_is_fetched_from_either_form_of_a_dependency_and_nothing_else_is() {
        let layer = |kind: &str, url: &str, to: &str| {
            format!(r#"{{"url":"http://{url}","destination_path":"{to}","layer_type":"{kind}"}}"#)
        };
        let layers = [
            layer("EXCLUSIVE", "blobstore/droplet", "/tmp/lifecycle"),
            layer("SHARED", "files/l.tgz", "/tmp/lifecycle/"),
        ];
        let dependency = r#"{"from":"http://files/l.tgz","to":"/tmp/lifecycle","cache_key":"docker-lifecycle"}"#;
        let other = r#"{"from":"http://files/other.tgz","to":"/tmp/other","cache_key":"k"}"#;
        for more in [
            format!(r#","image_layers":[{}]"#, layers.join(",")),
            format!(r#","cached_dependencies":[{other},{dependency}]"#),
            format!(
                r#","cached_dependencies":[{dependency}],"image_layers":[{}]"#,
                layer("SHARED", "elsewhere/l.tgz", "/tmp/lifecycle")
            ),
        ] {
            let plan = planned(&more).unwrap();
            assert_eq!(
                (plan.at.as_str(), plan.hosts.iter().cloned().collect()),
                ("/tmp/lifecycle", vec!["files".to_owned()])
            );
            let task = validate::task(plan.document.reveal()).unwrap();
            assert_eq!((task.runs_as_root(), task.droplet(), task.builder()), (false, None, None));
            assert_eq!(plan.container.command.join(" "), "--output json --lease --no-image");
            assert_eq!(plan.container.binds, ["kept:/var/cache/stager"]);
            assert!(plan.volume.is_some());
        }
    }

    #[test]
    fn a_request_without_one_is_told() {
        for more in ["", r#","cached_dependencies":[{"from":"http://f/x","to":"/tmp/other","cache_key":"k"}]"#] {
            assert!(matches!(planned(more), Err(PlanError::NoLifecycle)), "{more}");
        }
    }
}
