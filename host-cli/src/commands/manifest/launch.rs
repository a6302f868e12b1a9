//! `manifest launch`: what runs an app in a cluster, from the plan that `launch` carries out on an engine.

use super::written;
use crate::arguments::ManifestLaunch;
use crate::backend::docker::mounts;
use crate::backend::kubernetes::app_pod::Index;
use crate::backend::kubernetes::workload::{WorkloadOptions, workload};
use crate::failure::Failure;
use crate::plan::error::PlanError;
use crate::plan::fetching::{Fetching, Keeping};
use crate::plan::image_source::{ImageSource, Pull};
use crate::plan::launch::{LaunchOptions, LaunchPlan};
use crate::plan::lifecycle::LifecycleFrom;
use crate::plan::name_resolution::NameResolution;
use crate::plan::volumes::{self, VolumeMapping};
use crate::registry::reference::Reference;
use crate::requests::{self, Process, Request, RequestKind};
use crate::screen::{answer, trouble};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use uuid::Uuid;

/// What a cluster takes as an object's name.
const LONGEST_NAME: usize = 253;

/// Prints the objects.
pub(super) fn run(command: &ManifestLaunch) -> Result<ExitCode, Failure> {
    let image = image(command)?;
    command.volume_map.iter().try_for_each(claim)?;
    let request = request(command)?;
    answer::warn(&request.warnings);
    let names = NameResolution { hosts: &command.add_host, dns: &command.dns };
    let keeping = Keeping::WithContainer;
    let authorities = mounts::authorities(command.ca.as_deref())?;
    let options = LaunchOptions {
        process: command.process.as_deref(),
        ports: &[],
        volumes: &command.volume_map,
        network: "", // a pod has its cluster's
        names,
        fetching: Fetching { image: "", network: "", names, files: &[], keeping, agent_options: &[] },
        lifecycle: LifecycleFrom::Image,
        pull: Pull::Missing,
        authorities: &authorities,
        identity: None,
        instance: &Uuid::new_v4().to_string(),
    };
    let plan = LaunchPlan::new(&request.document, request.time, &options)?;
    if plan.image != ImageSource::Droplet {
        let text = format!(
            "{} is a docker app: its image has no launcher, and no manifest brings one",
            escape_control(&plan.app)
        );
        return Err(Failure::new(ExitCode::Request, text, "`host-cli launch` starts it on an engine"));
    }
    let ids: Vec<&String> = plan.volume_ids.iter().collect();
    volumes::check(&command.volume_map, &ids).map_err(PlanError::from)?;
    let screen = trouble();
    for text in &plan.not_done.warnings {
        screen.emit(Event::Warning { text: text.clone() });
    }
    let options = WorkloadOptions {
        namespace: command.namespace.as_deref(),
        image: image.name(),
        pull_secret: command.pull_secret.as_deref(),
        instances: command.instances.map(|instances| i32::from(instances.get())),
        index: if command.index { Index::Known } else { Index::Unknown },
        ingress_class: command.ingress.as_deref(),
    };
    written::write(&workload(&plan, &options)?, command.manifest_output())
}

fn image(command: &ManifestLaunch) -> Result<Reference, Failure> {
    let advice = "name it with --image REGISTRY/REPO:TAG, or with its digest; `manifest restage --publish` makes one";
    let Some(typed) = &command.image else {
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

fn request(command: &ManifestLaunch) -> Result<Request, Failure> {
    if let Some(file) = &command.request {
        return Ok(requests::from_file(file, RequestKind::Launch)?);
    }
    let process = command.process.as_deref().map_or(Process::Usual, Process::Type);
    Ok(requests::newest_of_process(command.app_ref()?.as_ref(), process, &command.log_options())?)
}
