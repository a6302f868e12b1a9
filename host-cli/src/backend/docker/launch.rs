//! Carries a launch out: the app's newest image, or a docker app's from its registry, is started, and takes the earlier
//! container's place.

use super::bounds::bounded;
use super::start::{Previous, Start};
use super::supervisor::SupervisorProgram;
use super::{free_ports, launch_rootfs, lifecycle, ours, preflight, pull, start};
use crate::engine::container_spec::{ContainerSpec, PublishedPort};
use crate::engine::{ContainerId, Image, ImageId, Store};
use crate::failure::Failure;
use crate::plan::filled_folder::FilledFolder;
use crate::plan::image_source::ImageSource;
use crate::plan::launch::{LaunchPlan, log_config, made_by, numbered, published, url};
use crate::session::Session;
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::names::listed;
use shared_model::plain_line::escape_control;

/// How much of an image's id people are shown.
const SHORT_ID: usize = 12;

/// Which instances of a process are to run.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    /// One for each instance, all of one process and one request; never empty.
    pub(crate) plans: &'a [LaunchPlan],
    /// What is started.
    pub(crate) image: WhichImage<'a>,
    /// Whether it is still right to start them, asked as soon as nobody else can launch the process.
    pub(crate) is_right: &'a dyn Fn() -> Result<(), Failure>,
    /// Whether they are still wanted, asked while they are waited for.
    pub(crate) is_wanted: &'a dyn Fn() -> Result<(), Failure>,
    /// The revision that they belong to, when the image's id is known.
    pub(crate) revision: &'a dyn Fn(&str) -> u64,
    /// Called with the image when the first of them is up, and before the earlier one of its number ends.
    pub(crate) is_up: &'a dyn Fn(&ImageId),
    /// Whether there are to be no others: what else runs of the process ends.
    pub(crate) is_all: bool,
    /// Whether the cell starts them: it gives way to everybody else, and what does not come up stays for those who read its log.
    pub(crate) by_cell: bool,
}

/// What is started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WhichImage<'a> {
    /// The app's newest; of a docker app the one that its request names.
    Newest,
    /// The one with this id, which was started before.
    Known(&'a str),
}

/// Starts the instances one after the other, each before the earlier one of its number ends, and says where they answer. The id of the
/// image that they were made of.
///
/// # Errors
/// One cannot be started, or is not healthy in time. What was replaced before it stays so, and the earlier ones of its number and behind
/// it run on.
pub(super) fn launch(
    session: &Session,
    supervisor: &SupervisorProgram<'_>,
    order: &Order<'_>,
) -> Result<ImageId, Failure> {
    let engine = &*session.engine;
    let Some(plan) = order.plans.first() else { return Ok(ImageId::default()) };
    preflight::network(engine, plan.network())?;
    if let Some(lifecycle) = &plan.lifecycle {
        lifecycle::preflight(engine, lifecycle)?;
    }
    let known = known_image(session, plan, order.image)?;
    let holding = if order.by_cell {
        session.hold_for_cell(&plan.guard, &known.id.0)?
    } else {
        session.hold(&plan.guard, &known.id.0)?
    };
    (order.is_right)()?;
    let known = match (&plan.image, order.image) {
        (ImageSource::Droplet, WhichImage::Newest) => launch_rootfs::image(session, plan, known)?,
        _ => known,
    };
    let log = log_config(&engine.container(&holding)?.unwrap_or_default().log);
    let info = engine.info()?;
    let program = supervisor.get(session, &info.architecture, !plan.sidecars.is_empty())?;
    let earlier = start::previous(engine, &plan.app_guid, &plan.process.process_type)?;
    session.emit(Event::Launching {
        app_name: plan.app.clone(),
        app_guid: plan.app_guid.clone(),
        process: plan.process.process_type.clone(),
        image: match &plan.image {
            ImageSource::Droplet => known.tags.first().unwrap_or(&known.id.0).clone(),
            ImageSource::Registry(image) => image.reference.name().to_owned(),
        },
    });
    for text in &plan.not_done.warnings {
        session.emit(Event::Warning { text: text.clone() });
    }

    let (image, lifecycle) = fetch(session, plan, known, order.image, &info.store)?;
    let revision = (order.revision)(&image.id.0);
    let container = |plan: &LaunchPlan| {
        let container = ContainerSpec { log: log.clone(), ..plan.container_of(&image)? };
        Ok::<_, Failure>(made_by(numbered(container, plan.index, revision), order.by_cell))
    };
    let is_wanted = || {
        (order.is_wanted)()?;
        if order.by_cell && session.is_asked_for(&plan.guard)? { Err(given_up(plan)) } else { Ok(()) }
    };
    let started = session.step(Step::Launch, || {
        let mut started = Vec::new();
        for plan in order.plans {
            let replaced: Vec<Previous> = earlier.iter().filter(|one| one.index == plan.index).cloned().collect();
            // Before anything is stopped that could run on.
            let container = container(plan)?;
            start::make_room(session, &earlier, &plan.ports)?;
            let is_first = plan.index == order.plans[0].index;
            let start = |preferred: &[u16]| {
                let ports = free_ports::choose(engine, &plan.ports, preferred)?;
                let prepared = plan.prepared(published(container.clone(), &ports), &image.details.settings, program);
                let (prepared, disk) = bounded(session, &info, prepared, &image);
                let disk = is_first.then_some(disk);
                // Before the earlier one gets its ten seconds to end.
                let is_up = || {
                    if is_first {
                        (order.is_up)(&image.id);
                    }
                };
                let start = Start {
                    plan,
                    lifecycle: lifecycle.as_ref(),
                    prepared: &prepared,
                    disk,
                    replaced: &replaced,
                    is_wanted: &is_wanted,
                    is_up: &is_up,
                    stays: order.by_cell,
                };
                let container = start::start(session, start)?;
                Ok::<_, Failure>((plan, container, ports))
            };
            let earlier_ports = start::ports_of_last(&replaced);
            let one = start(&earlier_ports).or_else(|failure| {
                // Free here is not always free on the engine's machine.
                let is_for_ports = start::is_for_ports(&failure) && session.unconnected().crashed().is_none();
                if is_for_ports && !earlier_ports.is_empty() { start(&[]) } else { Err(failure) }
            });
            started.push(one.map_err(|failure| beside(failure, &started))?);
        }
        if order.is_all {
            let is_surplus = |one: &&Previous| order.plans.iter().all(|plan| plan.index != one.index);
            start::end_surplus(session, earlier.iter().filter(is_surplus));
        }
        Ok(started)
    })?;
    for (plan, container, ports) in started {
        let name = plan.container_name.clone();
        session.emit(Event::Running { url: url(&ports), container: container.0, name });
    }
    Ok(image.id)
}

/// Somebody else wants to do something with the process.
fn given_up(plan: &LaunchPlan) -> Failure {
    let text = format!("the start of {} is given up: somebody else is at work on it", plan.subject());
    Failure::new(ExitCode::Launch, text, "")
}

/// The failure of one instance, with those that were started before it and run on.
fn beside(failure: Failure, started: &[(&LaunchPlan, ContainerId, Vec<PublishedPort>)]) -> Failure {
    if started.is_empty() {
        return failure;
    }
    let indices = listed(started.iter().map(|(plan, ..)| plan.index.to_string()));
    let text = format!("{}; started before it and still running: instance {indices}", failure.text);
    Failure { text, ..failure }
}

/// An image that is no stranger's: the app's own, where it has one, which suits the plan; else the stager image. Of it the guard
/// is made, whose labels must be its own.
fn known_image(session: &Session, plan: &LaunchPlan, which: WhichImage<'_>) -> Result<Image, Failure> {
    let ImageSource::Droplet = plan.image else {
        return preflight::image(&*session.engine, &plan.stager_image, preflight::STAGER);
    };
    let image = match which {
        WhichImage::Newest => ours::app_image(session, plan)?,
        WhichImage::Known(id) => started_before(session, plan, id)?,
    };
    plan.container_of(&image)?;
    Ok(image)
}

/// The image of this id, of which an instance was made before.
pub(super) fn started_before(session: &Session, plan: &LaunchPlan, id: &str) -> Result<Image, Failure> {
    session.engine.image(id)?.ok_or_else(|| {
        let short: String = id.trim_start_matches("sha256:").chars().take(SHORT_ID).collect();
        let text = format!("the image of {} ({short}) is gone from the engine", escape_control(&plan.app));
        let advice = "`host-cli revisions APP` shows which are there; `host-cli launch APP` starts the newest image";
        Failure::new(ExitCode::Launch, text, advice)
    })
}

/// The image that is started, and what is put into its container, as far as it comes from elsewhere.
fn fetch(
    session: &Session,
    plan: &LaunchPlan,
    known: Image,
    which: WhichImage<'_>,
    store: &Store,
) -> Result<(Image, Option<FilledFolder>), Failure> {
    let Some(lifecycle) = &plan.lifecycle else { return Ok((known, None)) };
    session.step(Step::Fetch, || {
        let lifecycle = lifecycle::fetch(session, lifecycle)?;
        let image = match (&plan.image, which) {
            (ImageSource::Droplet, _) => known,
            (ImageSource::Registry(_), WhichImage::Known(id)) => started_before(session, plan, id)?,
            (ImageSource::Registry(wanted), WhichImage::Newest) => pull::image(session, wanted, &known, store)?,
        };
        Ok((image, Some(lifecycle)))
    })
}
