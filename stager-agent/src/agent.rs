//! One staging: request → plan → fetch → build → upload → result, and the words at its end.

use crate::actions::{ActionError, Droplet, StagingRunner, Uploads};
use crate::arguments::Arguments;
use crate::build::address::own_address;
use crate::build::reaper::Reaper;
use crate::causes::with_causes;
use crate::dependencies::{Caches, DependencyInstaller, volume_is_mounted};
use crate::disk_budget::DiskBudget;
use crate::failure::Failure;
use crate::fetch::Http;
use crate::handover::{Handover, Left, make_sticky};
use crate::hidden::Hidden;
use crate::image_handoff::{self, Socket, SocketUser};
use crate::mounts;
use crate::outlet::Outlet;
use crate::plan::{self, StagingPlan};
use crate::report::{Report, ReportError};
use crate::session::lease::Lease;
use crate::session::linger;
use crate::session::scope::Scope;
use crate::session::steps::{Steps, milliseconds_since};
use crate::staging::{StagingError, stage};
use crate::upload::{self, Upload, UploadError};
use crate::{clock, request, terminal};
use http_client::{ClientError, Trust, Verify};
use jiff::Timestamp;
use shared_model::cache::{BAKED, MOUNTED};
use shared_model::event::{Event, PROTOCOL};
use shared_model::exit_code::ExitCode;
use shared_model::handover::Verdict;
use shared_model::mounted_file::INSTANCE_IDENTITY;
use shared_model::safe_url::SafeUrl;
use shared_model::secret::Secret;
use shared_model::validate;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Where everybody writes.
const WORK: &str = "/tmp";

/// Does what `arguments` ask for and says all of it; the last event is [`Event::Done`] or [`Event::Failed`].
pub(crate) fn serve(arguments: &Arguments, lease: &Lease, scope: &Scope, reaper: &Reaper) -> ExitCode {
    let started = Instant::now();
    scope.emit(Event::Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() });
    let mut caches = Caches::default(); // until the end, for others must leave alone what was linked to it
    let mut placed = Vec::new(); // as long, for a visitor sees what the builder saw
    let planned = plan_of(arguments, lease);
    let hidden = planned.as_ref().map_or_else(|_| Hidden::default(), |(plan, _)| Hidden::from_plan(plan));
    let outlet = Outlet::new(scope, &hidden, arguments.max_output);
    let scope = &scope.heard_by(&outlet);
    let outcome = planned.and_then(|(mut plan, request)| {
        let image = image_or_not(&plan, arguments, scope)?;
        make_sticky(Path::new(WORK))?;
        let handover = arguments.handover.as_deref().map(Handover::close).transpose()?;
        if let Some(text) = terminal::warning(&SocketUser::ours(), &SocketUser::from_runs(&plan.action)) {
            scope.emit(Event::Warning { text });
        }
        placed.extend(mounts::bindings(&plan)?);
        let trust = trust(&plan, arguments);
        let caches_at: Vec<&Path> =
            arguments.cache.as_deref().into_iter().chain([Path::new(MOUNTED), Path::new(BAKED)]).collect();
        placed.extend(mounts::authorities(&mut plan, &trust, &caches_at, scope)?);
        mounts::identity(&mut plan, Path::new(INSTANCE_IDENTITY));
        caches = open_caches(&plan, arguments, scope);
        let staged = carry_out(&plan, arguments, &caches, &hidden, scope, reaper)?;
        if let Some(handover) = handover {
            hand_over(&handover, &plan, &staged)?;
        }
        make_image(image, &plan, &staged, &request, scope)
    });
    let code = outcome.as_ref().err().map_or(ExitCode::Success, |failure| failure.code);
    let began = !matches!(code, ExitCode::Request | ExitCode::CommandLine);
    let keeps = arguments.keep && began && scope.stopped().is_none();
    if keeps {
        lease.end(); // A visitor may come an hour later, and from anywhere.
        scope.emit(Event::Kept { seconds: linger::LONGEST.as_secs() });
    }
    scope.emit(match outcome {
        Ok(()) => Event::Done { ms: milliseconds_since(started) },
        Err(failure) => failure.event(),
    });
    if keeps {
        linger::until_signal(scope, &|| reaper.reap());
    }
    drop(placed);
    code
}

fn plan_of(arguments: &Arguments, lease: &Lease) -> Result<(StagingPlan, Secret<String>), Failure> {
    let text = request::read(arguments.request.as_deref(), lease)?;
    lease.watch().map_err(|error| Failure::from_system(&error))?;
    let task = validate::task(text.reveal())?;
    let mut plan = plan::plan(task)?;
    // In front, so that a request that knows the variable has its way.
    plan.environment.splice(..0, arguments.compression.variable());
    if arguments.report && plan.callback.is_none() {
        return Err(Failure::no_callback());
    }
    Ok((plan, text))
}

/// Before anything is done: whether an image can be made here, and whether that is safe.
fn image_or_not(plan: &StagingPlan, arguments: &Arguments, scope: &Scope) -> Result<image_handoff::Verdict, Failure> {
    let verdict = image_handoff::judge(
        Socket::at(Path::new(image_handoff::SOCKET)),
        &SocketUser::ours(),
        &SocketUser::from_runs(&plan.action),
        arguments.trust_buildpacks,
    );
    if verdict == image_handoff::Verdict::Refuse {
        return Err(Failure::open_socket());
    }
    if let Some(text) = image_handoff::warning(verdict) {
        scope.emit(Event::Warning { text });
    }
    // A socket is as dangerous when nobody wants an image.
    Ok(if arguments.no_image || plan.docker_app.is_some() { image_handoff::Verdict::Unwanted } else { verdict })
}

/// What came of a staging.
struct Staged {
    /// The droplet as it was opened; `None` for a request that makes none.
    droplet: Option<Droplet>,
    /// The builder's result; empty where none is asked for.
    result: String,
}

fn make_image(
    verdict: image_handoff::Verdict,
    plan: &StagingPlan,
    staged: &Staged,
    request: &Secret<String>,
    scope: &Scope,
) -> Result<(), Failure> {
    if let Some(text) = image_handoff::why_no_image(verdict, &SocketUser::ours()) {
        scope.emit(Event::Note { text });
    }
    match (verdict, &staged.droplet) {
        (image_handoff::Verdict::Make | image_handoff::Verdict::MakeThoughOpen, Some(droplet)) => {
            Ok(image_handoff::make(
                &image_handoff::Ingredients {
                    request: request.reveal(),
                    droplet: &droplet.file.file,
                    lifecycle: &plan.lifecycle,
                    result: plan.result_file.as_ref().map(|_| staged.result.as_str()),
                },
                scope,
            )?)
        }
        _ => Ok(()),
    }
}

/// Leaves the droplet's whereabouts, lifecycle and result to another container. A request that makes no droplet leaves nothing.
fn hand_over(handover: &Handover, plan: &StagingPlan, staged: &Staged) -> Result<(), Failure> {
    let (Some(path), Some(droplet)) = (&plan.droplet, &staged.droplet) else { return Ok(()) };
    let (bytes, sha256) = (droplet.file.bytes, droplet.sha256.clone());
    let verdict = Verdict { droplet: path.display().to_string(), bytes, sha256 };
    Ok(handover.leave(&Left {
        droplet: &droplet.file.file,
        verdict: &verdict,
        lifecycle: &plan.lifecycle,
        result: plan.result_file.as_ref().map(|_| staged.result.as_str()),
    })?)
}

/// The caches to use: what `--cache` says, else the volume where one is mounted, and what the image holds.
fn open_caches(plan: &StagingPlan, arguments: &Arguments, scope: &Scope) -> Caches {
    let volume = arguments.cache.as_deref().or_else(|| volume_is_mounted().then_some(Path::new(MOUNTED)));
    if arguments.no_cache {
        return Caches::default();
    }
    if let Some(volume) = volume.filter(|_| SocketUser::from_runs(&plan.action).iter().any(|user| user.uid == 0)) {
        let text = format!(
            "the cache in {} is not used: the request runs a program as root, who could change it; mount none for it",
            volume.display()
        );
        scope.emit(Event::Warning { text });
        return Caches::default();
    }
    Caches::open(volume, arguments.cache_limit, Path::new(BAKED), scope)
}

fn carry_out(
    plan: &StagingPlan,
    arguments: &Arguments,
    caches: &Caches,
    hidden: &Hidden,
    scope: &Scope,
    reaper: &Reaper,
) -> Result<Staged, Failure> {
    let scope = &scope.named(Some(&plan.log_source));
    announce(plan, arguments.no_upload, scope);
    let trust = trust(plan, arguments);
    for text in trust.left_out().map_err(ClientError::from)? {
        scope.emit(Event::Warning { text });
    }
    let http = Http::new(&trust, arguments.timeouts())?;
    let began = clock::now();
    let runner = StagingRunner {
        plan,
        installer: DependencyInstaller {
            http: &http,
            limits: &arguments.limits(),
            caches,
            app: &plan.application.guid,
        },
        reaper,
        hidden,
        disk: plan.disk_limit.map(DiskBudget::new).map(Arc::new),
        uploads: if arguments.no_upload { Uploads::Skipped } else { Uploads::Sent },
        address: own_address(),
        steps: Steps::default(),
        prefetched: Mutex::default(),
        has_run: false.into(),
        droplet: Mutex::default(),
    };
    let outcome = stage(plan, &runner, scope);
    let droplet = runner.droplet();
    let replaced = droplet.as_ref().is_some_and(|droplet| droplet.uploaded);
    let reported = report(plan, arguments, began, &outcome, &http, scope);
    match (outcome, reported) {
        (Ok(result), reported) => {
            let droplet = droplet.map_or_else(|| droplet_left(plan, &runner, scope), |droplet| Ok(Some(droplet)))?;
            say_droplet(plan, droplet.as_ref(), scope);
            reported?;
            Ok(Staged { droplet, result })
        }
        (Err(error), reported) => Err(failed(plan, &error, reported, replaced, scope)),
    }
}

fn failed(
    plan: &StagingPlan,
    error: &StagingError,
    reported: Result<(), ReportError>,
    replaced: bool,
    scope: &Scope,
) -> Failure {
    if let Err(error) = reported {
        scope.emit(Event::Warning { text: with_causes(&error) });
    }
    let failure = Failure::from_staging(error, plan.kind, clock::now());
    if let Some(docker_app) = &plan.docker_app {
        return failure.of_docker_app(error, &docker_app.image);
    }
    let fate = if replaced { "was replaced, although the staging failed after that" } else { "was not replaced" };
    scope.emit(Event::Note { text: format!("The droplet in Cloud Controller {fate}") });
    failure
}

/// Where that is asked for, and there is somebody to tell.
fn report(
    plan: &StagingPlan,
    arguments: &Arguments,
    began: Timestamp,
    outcome: &Result<String, StagingError>,
    http: &Http,
    scope: &Scope,
) -> Result<(), ReportError> {
    let Some(callback) = plan.callback.as_ref().filter(|_| arguments.report) else { return Ok(()) };
    let reason = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let ending = outcome.as_deref().map_err(|_| reason.as_str());
    Report { callback, task_guid: &plan.staging_guid, created_at: began.as_nanosecond(), ending }.send(http, scope)
}

fn announce(plan: &StagingPlan, no_upload: bool, scope: &Scope) {
    scope.emit(Event::Staging {
        app_name: plan.application.name.clone(),
        app_guid: plan.application.guid.clone(),
        staging_guid: plan.staging_guid.clone(),
        stack: plan.stack.clone(),
        uploads: plan.docker_app.is_none().then(|| !no_upload && plan.action.uploads().next().is_some()),
    });
    if plan.skips_verification {
        let text = "TLS certificates are not checked, because the request sets -skipCertVerify=true";
        scope.emit(Event::Warning { text: text.to_owned() });
    }
}

fn trust(plan: &StagingPlan, arguments: &Arguments) -> Trust {
    let verify = if plan.skips_verification { Verify::Skip } else { Verify::Yes };
    arguments.trust(plan.certificates.clone(), verify)
}

/// The droplet of a request that makes one and uploads none; `None` where it makes none, or left none.
fn droplet_left(plan: &StagingPlan, runner: &StagingRunner, scope: &Scope) -> Result<Option<Droplet>, Failure> {
    let Some(path) = &plan.droplet else { return Ok(None) };
    let opened = match upload::open(path, &runner.makers("")) {
        Err(UploadError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened,
    };
    let hashed = opened.and_then(|file| {
        let unsent = Upload { name: "", path, file: &file, to: &SafeUrl::new("") };
        let sha256 = upload::sha256(&unsent, scope)?;
        Ok(Droplet { file, sha256, uploaded: false })
    });
    let failed =
        |error| Failure::from_staging(&StagingError::Action(ActionError::Upload(error)), plan.kind, clock::now());
    hashed.map(Some).map_err(failed)
}

/// The droplet's whereabouts; a request that makes none has nothing to say here.
fn say_droplet(plan: &StagingPlan, droplet: Option<&Droplet>, scope: &Scope) {
    let (Some(path), Some(droplet)) = (&plan.droplet, droplet) else { return };
    scope.emit(Event::Droplet {
        path: path.display().to_string(),
        bytes: droplet.file.bytes,
        sha256: droplet.sha256.clone(),
        uploaded: droplet.uploaded,
    });
}
