//! What a launch in a cluster is told, however it gets there.

use crate::arguments::{Launch, ManifestLaunch};
use crate::backend::kubernetes::app_pod::Index;
use crate::backend::kubernetes::workload::WorkloadOptions;
use crate::backend::mounts;
use crate::failure::Failure;
use crate::plan::error::PlanError;
use crate::plan::fetching::{Fetching, Keeping};
use crate::plan::image_source::{ImageSource, Pull};
use crate::plan::launch::{LaunchOptions, LaunchPlan, Size};
use crate::plan::lifecycle::LifecycleFrom;
use crate::plan::name_resolution::NameResolution;
use crate::plan::volumes::{self, VolumeMapping};
use crate::registry::reference::Reference;
use crate::requests::Request;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::num::NonZeroU16;
use std::path::Path;
use uuid::Uuid;

/// What a cluster takes as an object's name.
const LONGEST_NAME: usize = 253;
/// How much of an instance's guid tells one start from another.
const REVISION: usize = 8;

/// What was typed.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Launching<'a> {
    image: Option<&'a str>,
    pull_secret: Option<&'a str>,
    process: Option<&'a str>,
    instances: Option<NonZeroU16>,
    index: bool,
    ingress: Option<&'a str>,
    claims: &'a [VolumeMapping],
    names: NameResolution<'a>,
    ca: Option<&'a Path>,
}

/// Of a command that has these options: each has them by the same names.
macro_rules! from_typed {
    ($($command:ty),*) => {$(
        impl<'a> From<&'a $command> for Launching<'a> {
            fn from(command: &'a $command) -> Self {
                Self {
                    image: command.image.as_deref(),
                    pull_secret: command.pull_secret.as_deref(),
                    process: command.process.as_deref(),
                    instances: command.instances,
                    index: command.index,
                    ingress: command.ingress.as_deref(),
                    claims: &command.volume_map,
                    names: NameResolution { hosts: &command.add_host, dns: &command.dns },
                    ca: command.ca.as_deref(),
                }
            }
        }
    )*};
}

from_typed!(Launch, ManifestLaunch);

impl Launching<'_> {
    /// What was typed can be had.
    ///
    /// # Errors
    /// There is no image, or a name cannot be one.
    pub(in crate::commands) fn image(&self) -> Result<Reference, Failure> {
        self.claims.iter().try_for_each(claim)?;
        let advice = "name it with --image REGISTRY/REPO:TAG, or with its digest; `manifest restage --publish` makes one, and so does `restage`";
        let Some(typed) = self.image else {
            return Err(Failure::new(
                ExitCode::CommandLine,
                "a cluster gets an app's image from a registry: --image is missing",
                advice,
            ));
        };
        Reference::pulled(typed).ok_or_else(|| {
            let text = format!("--image: `{}` is no name of an image", escape_control(typed));
            Failure::new(ExitCode::CommandLine, text, advice)
        })
    }

    /// The launch of one process.
    ///
    /// # Errors
    /// The request cannot be used, or is a docker app's.
    pub(in crate::commands) fn plan(&self, request: &Request) -> Result<LaunchPlan, Failure> {
        let names = self.names;
        let keeping = Keeping::WithContainer;
        let authorities = mounts::authorities(self.ca)?;
        let options = LaunchOptions {
            process: self.process,
            ports: &[],
            volumes: self.claims,
            network: "", // a pod has its cluster's
            names,
            fetching: Fetching { image: "", network: "", names, files: &[], keeping, agent_options: &[] },
            lifecycle: LifecycleFrom::Image,
            pull: Pull::Missing,
            authorities: &authorities,
            identity: None,
            local: None,
            instance: &Uuid::new_v4().to_string(),
            index: 0,
            size: Size::default(),
        };
        let plan = LaunchPlan::new(&request.document, request.time, &options)?;
        if plan.image != ImageSource::Droplet {
            let text = format!(
                "{} is a docker app: its image has no launcher, and nothing brings one into a cluster",
                escape_control(&plan.app)
            );
            return Err(Failure::new(ExitCode::Request, text, "`host-cli launch` starts it on an engine"));
        }
        Ok(plan)
    }

    /// The volumes that were typed are those of these processes.
    pub(in crate::commands) fn check_claims(&self, plans: &[LaunchPlan]) -> Result<(), Failure> {
        let ids: Vec<&String> = plans.iter().flat_map(|plan| &plan.volume_ids).collect();
        Ok(volumes::check(self.claims, &ids).map_err(PlanError::from)?)
    }
}

impl<'a> Launching<'a> {
    /// How it runs.
    pub(in crate::commands) fn options(
        &self,
        namespace: Option<&'a str>,
        image: &'a Reference,
        revision: Option<&'a str>,
    ) -> WorkloadOptions<'a> {
        WorkloadOptions {
            namespace,
            image: image.name(),
            pull_secret: self.pull_secret,
            instances: self.instances.map(|instances| i32::from(instances.get())),
            index: if self.index { Index::Known } else { Index::Unknown },
            revision,
            ingress_class: self.ingress,
        }
    }
}

/// A new one.
pub(in crate::commands) fn revision() -> String {
    Uuid::new_v4().simple().to_string().chars().take(REVISION).collect()
}

/// What was typed for a volume can be a claim's name.
fn claim(mapping: &VolumeMapping) -> Result<(), Failure> {
    let name = mapping.folder.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_name = name.len() <= LONGEST_NAME
        && name.chars().all(is_plain)
        && ends(name.chars().next())
        && ends(name.chars().next_back());
    if is_name {
        return Ok(());
    }
    let text = format!("--volume-map: `{}` is no name of a persistent volume claim", escape_control(&name));
    Err(Failure::new(ExitCode::CommandLine, text, "`kubectl get pvc` lists the claims"))
}
