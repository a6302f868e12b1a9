//! `launch --on kubernetes`: runs an app's image that a registry has.

use super::launching::{Launching, revision};
use crate::arguments::Launch;
use crate::backend::kubernetes::client::Cluster;
use crate::backend::kubernetes::one_cluster::OneCluster;
use crate::commands::launch::requests;
use crate::failure::Failure;
use crate::plan::image_source::Pull;
use crate::plan::launch::LaunchPlan;
use crate::plan::lifecycle::LifecycleFrom;
use crate::screen::screen;
use crate::session::run_without_engine;
use crate::settings::Settings;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::sync::Arc;

/// Starts an app's processes, or rolls them.
pub(super) fn run(command: Launch, settings: Settings) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        let place = command.cluster()?.unwrap_or_default();
        check(&command, &settings)?;
        let launching = Launching::from(&command);
        let image = launching.image()?;
        let requests = requests(&command)?;
        for text in requests.iter().flat_map(|request| &request.warnings) {
            session.emit(Event::Warning { text: text.clone() });
        }
        let plans: Vec<LaunchPlan> =
            requests.iter().map(|request| launching.plan(request)).collect::<Result<_, Failure>>()?;
        launching.check_claims(&plans)?;
        let cluster = Arc::new(Cluster::connect(&place)?);
        let (namespace, revision) = (cluster.namespace().to_owned(), revision());
        let workload = launching.options(Some(&namespace), &image, Some(&revision));
        let place = OneCluster { workload, ..OneCluster::new(session, cluster) };
        plans.iter().try_for_each(|plan| place.launch(plan))
    })
}

/// What an engine alone can do.
fn check(command: &Launch, settings: &Settings) -> Result<(), Failure> {
    let is_typed = |value: &Option<String>, setting: &Option<String>| value.is_some() && value != setting;
    let typed = [
        ("--port", !command.port.is_empty()),
        ("--env", !command.env.is_empty()),
        ("--env-file", !command.env_file.is_empty()),
        ("--service", !command.service.is_empty()),
        ("--mount", command.mount.is_some()),
        ("--memory", command.memory.is_some()),
        ("--command", command.command.is_some()),
        ("--pull", command.pull != Pull::Missing),
        ("--lifecycle", command.lifecycle != LifecycleFrom::Image),
        ("--network", is_typed(&command.network, &settings.network)),
        ("--stager-image", is_typed(&command.stager_image, &settings.stager_image)),
        ("--cache-volume", is_typed(&command.cache_volume, &settings.cache_volume)),
        ("--cert", command.cert.is_some()),
        ("--key", command.key.is_some()),
        ("--instance-cert", command.instance_cert.is_some()),
        ("--instance-key", command.instance_key.is_some()),
    ];
    typed.iter().find(|(_, is_typed)| *is_typed).map_or(Ok(()), |(option, _)| {
        let text = format!("{option} is for an engine, and cannot go with --on kubernetes");
        Err(Failure::new(ExitCode::CommandLine, text, "leave it out"))
    })
}
