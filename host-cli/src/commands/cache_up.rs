//! `cache-up`: requests → dependencies in a volume, or in a stager image.

use crate::arguments::{CacheUp, FetchOptions};
use crate::backend::docker::preflight;
use crate::backend::docker::stage::{self, Staged, Staging, Subject};
use crate::backend::mounts;
use crate::backend::push_target::Target;
use crate::engine::{CommitOptions, ContainerId};
use crate::failure::Failure;
use crate::image::app_image;
use crate::image::{Journal, MadeImage, Records, UntaggedImage, checked_names, tag};
use crate::pipeline::push_if_wanted;
use crate::plan::cache;
use crate::plan::fetching::{Fetching, Keeping};
use crate::plan::restage::{asks_for_help, staging_request};
use crate::registry::login::LoginOptions;
use crate::registry::push_by::PushBy;
use crate::requests::{self, Request};
use crate::screen::in_the_originals_words;
use crate::session::{Session, run_command};
use jiff::Timestamp;
use shared_model::cache::BAKED;
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Fetches what requests name into the cache.
pub(super) fn run(command: CacheUp, agent_options: Vec<String>) -> ExitCode {
    let screen = in_the_originals_words(command.screen_options());
    let prepare = move || {
        command.cluster()?;
        let target = target(&command)?;
        Ok((wanted(&command)?, command, target))
    };
    run_command(screen, prepare, move |session, (requests, command, target)| {
        let made = cache_up(session, &requests, &command, &agent_options)?;
        push_if_wanted(session, made.as_ref(), target.as_ref())
    })
}

/// Where the image goes besides.
fn target(command: &CacheUp) -> Result<Option<Target>, Failure> {
    if command.publish.is_some() && command.bake.is_none() {
        let text = "--publish is for the image of --bake";
        return Err(Failure::new(ExitCode::CommandLine, text, "name the image with --bake TAG"));
    }
    let login = LoginOptions { username: None, password_stdin: false };
    let target = Target::wanted(command.publish.as_deref(), login, &[])?;
    Ok(target.map(|target| target.sent(PushBy::Direct, command.ca.as_deref())))
}

pub(super) fn wanted(command: &CacheUp) -> Result<Vec<Request>, Failure> {
    let app = command.app_ref()?;
    if command.all && (app.is_some() || command.request.is_some()) {
        let text = "--all cannot go with APP or --request";
        return Err(Failure::new(ExitCode::CommandLine, text, ""));
    }
    let logs = command.log_options();
    if command.all {
        return Ok(requests::every_staging(&logs)?);
    }
    Ok(vec![requests::staging(command.request.as_deref(), app.as_ref(), &logs)?])
}

/// The image, if one was made.
pub(super) fn cache_up(
    session: &Session,
    requests: &[Request],
    command: &CacheUp,
    agent_options: &[String],
) -> Result<Option<MadeImage>, Failure> {
    let (requests, hosts) = usable(session, requests, command.all)?;
    let options = command.fetch_options();
    let files = mounts::files(&options)?;
    mounts::closed(&files, &mounts::NOBODY)?;
    let tag = command.bake.as_ref().map(|tag| new_image(&options, tag)).transpose()?;
    let keeping = if tag.is_some() { Keeping::InImage(BAKED) } else { preflight::keeping(&options, false)? };
    preflight::network(&*session.engine, options.network)?;
    preflight::no_app_answers_for(&*session.engine, options.network, &options.names.asked(hosts))?;
    preflight::image(&*session.engine, options.stager_image, preflight::STAGER)?;
    if let Keeping::InVolume { name, .. } = keeping {
        session.engine.ensure_volume(name, &cache::labels())?;
    }

    let FetchOptions { stager_image: image, network, names, .. } = options;
    let fetching = Fetching { image, network, names, files: &files, keeping, agent_options };
    let container = session.create(None, &cache::filling_container(&fetching))?;
    let documents: Vec<&str> = requests.iter().map(|request| request.document.as_str()).collect();
    let filling = Staging {
        container: &container,
        document: &documents.join("\n"),
        keep: None,
        shows: |_| true,
        subject: Subject { image, memory_mb: 0, for_help: asks_for_help(agent_options) },
    };
    let filled = stage::stage(session, &filling, &mut |_| ())?;
    if let (Some(tag), Staged::Wholly) = (&tag, filled) {
        let dependencies: BTreeSet<_> =
            documents.iter().flat_map(|document| requests::dependencies(document)).collect();
        return bake(session, &container, image, tag, dependencies.len()).map(Some);
    }
    Ok(None)
}

/// The requests that can be acted on, and the hosts that these speak to. One that was asked for must be; of all those in the
/// logs some may not.
pub(super) fn usable<'a>(
    session: &dyn EventSink,
    requests: &'a [Request],
    skip: bool,
) -> Result<(Vec<&'a Request>, BTreeSet<String>), Failure> {
    for text in requests.iter().flat_map(|request| &request.warnings) {
        session.emit(Event::Warning { text: text.clone() });
    }
    let (mut usable, mut hosts) = (Vec::new(), BTreeSet::new());
    let mut last = None;
    for request in requests {
        match staging_request(&request.document).map_err(Failure::from) {
            Ok(task) => {
                usable.push(request);
                hosts.extend(task.hosts());
            }
            Err(failure) if skip => {
                let of = request.time.map_or_else(String::new, |time| format!(" of {time:.0}"));
                session.emit(Event::Warning { text: format!("skipped a request{of}: {}", failure.text) });
                last = Some(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    match last {
        Some(failure) if usable.is_empty() => Err(failure),
        _ => Ok((usable, hosts)),
    }
}

/// The whole name of the image that `--bake` makes.
fn new_image(options: &FetchOptions<'_>, tag: &String) -> Result<String, Failure> {
    if options.cache_volume.is_some() || options.cache_limit.is_some() {
        let text = "--bake cannot go with --cache-volume or --cache-limit";
        return Err(Failure::new(ExitCode::CommandLine, text, ""));
    }
    Ok(checked_names(std::slice::from_ref(tag))?.concat())
}

#[expect(clippy::disallowed_methods, reason = "a label says when, by the clock on the wall")]
fn today() -> String {
    format!("{:.0}", Timestamp::now())
}

/// Makes the container an image. Until it has its name it goes again, whatever ends the session.
fn bake(
    session: &Session,
    container: &ContainerId,
    like: &str,
    name: &str,
    dependencies: usize,
) -> Result<MadeImage, Failure> {
    // No other image has it: by this it is found again should nobody give it its name, and known to be ours.
    let build_key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let mut labels = cache::baked_labels(dependencies, &today());
    labels.insert(app_image::BUILD_KEY.to_owned(), build_key.clone());
    let options = CommitOptions { like: like.to_owned(), labels };
    let made = session.step(Step::Image, || {
        // An engine cannot be stopped while it does this; a signal waits for it.
        let untagged = session.make_image(|_| {
            session.image_begins(like, &build_key);
            let id = session.engine.commit(container, &options)?;
            Records::open(&*session.engine).remember(&build_key, &id);
            Ok(UntaggedImage { id, names: vec![name.to_owned()], droplet: String::new() })
        })?;
        Ok(tag(&*session.engine, untagged)?)
    })?;
    session.emit(made.event());
    Ok(made)
}
