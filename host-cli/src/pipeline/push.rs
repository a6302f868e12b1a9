//! An image goes to a registry, through the engine: under the name that it gets there, which it keeps here too. When that
//! fails, the name goes back to where it was.

mod refusal;
mod tally;

use crate::app_ref::AppRef;
use crate::arguments::{LogOptions, Push, Restage};
use crate::engine::docker::Docker;
use crate::engine::{EngineError, Image, ImageId, LayerTold};
use crate::failure::Failure;
use crate::labels;
use crate::pipeline::lent::bears;
use crate::pipeline::road::{Road, millis, walk};
use crate::pipeline::{remains, signals, which};
use crate::registry::credentials::Credentials;
use crate::registry::login::{self, LoginOptions};
use crate::registry::reference::Reference;
use crate::screen::screen;
use refusal::Refusal;
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tally::{News, Sum, Tally};

/// Often enough to look alive, seldom enough for a log.
const BETWEEN_PROGRESS: Duration = Duration::from_millis(250);

/// Where an image is to be pushed, and by whom.
#[derive(Debug)]
pub(crate) struct Target {
    reference: Reference,
    credentials: Credentials,
    /// What must be typed besides to push as the same user.
    options: String,
}

impl Target {
    /// What was typed, judged; reads the password, or asks the helper that docker's configuration names.
    pub(crate) fn of(typed: &str, options: LoginOptions<'_>) -> Result<Self, Failure> {
        let reference = Reference::read(typed)?;
        let credentials = login::credentials(options, &reference)?;
        let again = options.username.map(|user| format!(" --username {} --password-stdin", visible(user)));
        Ok(Self { reference, credentials, options: again.unwrap_or_default() })
    }

    /// As [`Self::of`], where other options may read standard input too.
    fn beside(typed: &str, login: LoginOptions<'_>, others: &[(&str, &Option<PathBuf>)]) -> Result<Self, Failure> {
        let reads_stdin = |file: &Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
        if let Some((option, _)) = others.iter().find(|(_, file)| login.password_stdin && reads_stdin(file)) {
            let text = format!("--password-stdin and {option} - both read standard input");
            let advice = format!("name a file for {option}, or let `docker login` keep the password");
            return Err(Failure::new(ExitCode::CommandLine, text, advice));
        }
        Self::of(typed, login)
    }

    /// What `push` was told.
    pub(super) fn of_push(command: &Push, reference: &str) -> Result<Self, Failure> {
        let others = [("--stager-log", &command.stager_log), ("--nsync-log", &command.nsync_log)];
        let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
        Self::beside(reference, login, &others)
    }

    /// What `restage` was told; `None`: the image is to stay here.
    pub(super) fn of_restage(command: &Restage) -> Result<Option<Self>, Failure> {
        if command.push.is_some() && command.no_image {
            return Err(Failure::new(ExitCode::CommandLine, "--push wants an image, and --no-image none", ""));
        }
        let others = [("--request", &command.request), ("--stager-log", &command.stager_log)];
        let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
        Self::wanted(command.push.as_deref(), login, &others)
    }

    /// What a command that makes an image was told; `None`: the image is to stay here. `others` are its other options that
    /// may read standard input.
    pub(crate) fn wanted(
        typed: Option<&str>,
        login: LoginOptions<'_>,
        others: &[(&str, &Option<PathBuf>)],
    ) -> Result<Option<Self>, Failure> {
        let wrong = |text: &str| Failure::new(ExitCode::CommandLine, text, "");
        let Some(typed) = typed else {
            return match login {
                LoginOptions { username: None, password_stdin: false } => Ok(None),
                _ => Err(wrong("--username and --password-stdin say who pushes; they need --push REGISTRY/REPO[:TAG]")),
            };
        };
        Self::beside(typed, login, others).map(Some)
    }
}

/// Pushes an app's image.
pub(crate) fn push(command: Push) -> ExitCode {
    walk(screen(command.output), signals::watch, move |way| {
        let (app, reference) = command.what_and_where()?;
        let target = Target::of_push(&command, &reference)?;
        let road = way.with(Arc::new(Docker::connect()?));
        remains::remove(&road);
        push_on(&road, &app, &command.log_options(), &target)
    })
}

pub(super) fn push_on(road: &Road, wanted: &AppRef, logs: &LogOptions, target: &Target) -> Result<(), Failure> {
    let image = which::image(road, Some(wanted), logs)?;
    let name = name_of(&image, &wanted.word);
    send(road, &image.id, &name, target)
}

/// What the image is called here: as it was asked for, else as `restage` calls it, else as it can be.
fn name_of(image: &Image, wanted: &str) -> String {
    let asked = |tag: &&String| *tag == wanted || tag.strip_suffix(":latest") == Some(wanted);
    let restaged = |tag: &&String| tag.contains(labels::REPOSITORIES);
    let tags = || image.tags.iter();
    tags().find(asked).or_else(|| tags().find(restaged)).or_else(|| tags().next()).unwrap_or(&image.id.0).clone()
}

/// Pushes an image that is called `name` here.
pub(super) fn send(road: &Road, image: &ImageId, name: &str, target: &Target) -> Result<(), Failure> {
    let Target { reference, credentials, options } = target;
    let sent = road.step(Step::Push, || {
        let began = Instant::now();
        let (image_name, full) = (name.to_owned(), reference.name().to_owned());
        road.emit(Event::Pushing { image: image_name, reference: full.clone() });
        let guard = road.lend_name(image, reference.name())?;
        let mut hearing = Hearing { road, reference, tally: Tally::default(), told: began };
        let digest = road.engine.push(reference, credentials, &mut |told| hearing.hear(&told));
        let digest = digest.map_err(|error| refused(error, target))?;
        it_was_this_image(road, image, reference)?;
        the_registry_has_it(road, target, &digest)?;
        road.dismiss(guard.as_ref()); // first, or it would be taken back from a killed host-cli
        road.release_name(reference.name())?;
        let Sum { bytes, sent, known, .. } = hearing.tally.sum();
        road.emit(Event::Pushed { reference: full, digest, bytes, sent, known, ms: millis(began) });
        Ok(())
    });
    sent.map_err(|failure| {
        let again = format!("`host-cli push {} {reference}{options}` pushes it again", visible(name));
        let text = format!("{} was not pushed: {}", visible(name), failure.text);
        let advice = if failure.advice.is_empty() { again } else { format!("{}\n{again}", failure.advice) };
        Failure::new(failure.code, text, advice)
    })
}

/// Turns what the engine tells into events, not too many.
struct Hearing<'a> {
    road: &'a Road,
    reference: &'a Reference,
    tally: Tally,
    told: Instant,
}

impl Hearing<'_> {
    fn hear(&mut self, told: &LayerTold) {
        match self.tally.hear(told) {
            News::Progress if self.told.elapsed() >= BETWEEN_PROGRESS => {
                self.told = Instant::now();
                let Sum { bytes, total, .. } = self.tally.sum();
                let reference = self.reference.name().to_owned();
                self.road.emit(Event::PushProgress { reference, bytes, total });
            }
            News::Again { attempt, of, wait } => self.road.emit(Event::Retrying {
                what: format!("layer {} of {}", told.layer, self.reference),
                reason: "the registry has not taken it".to_owned(),
                attempt,
                of,
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            }),
            News::Progress | News::None => {}
        }
    }
}

/// What the engine, or the registry through it, answered instead of a digest.
fn refused(error: EngineError, target: &Target) -> Failure {
    let Target { reference, credentials, .. } = target;
    match error {
        EngineError::Refused { reason, .. } => {
            let refusal = Refusal::of(&reason);
            let text = format!("{}: {reason}", refusal.text(reference, credentials));
            Failure::new(ExitCode::Image, text, refusal.advice(reference, credentials))
        }
        EngineError::NotFound { .. } | EngineError::Senseless { .. } => {
            Failure::new(ExitCode::Image, error.to_string(), "")
        }
        EngineError::Connect(_) | EngineError::Unreachable { .. } | EngineError::Forbidden { .. } => error.into(),
    }
}

/// An engine pushes whatever bears the name; another push to the same name may have given it to another image meanwhile.
fn it_was_this_image(road: &Road, image: &ImageId, reference: &Reference) -> Result<(), Failure> {
    if bears(&*road.engine, image, reference.name())? {
        return Ok(());
    }
    let text = format!("{reference} became another image's name meanwhile, and the registry may have that one");
    Err(Failure::new(ExitCode::Image, text, "push to one name once at a time"))
}

/// What the registry answers for the name is what was pushed. A registry that does not answer is believed.
fn the_registry_has_it(road: &Road, target: &Target, pushed: &str) -> Result<(), Failure> {
    let Target { reference, credentials, .. } = target;
    match road.engine.digest_in_registry(reference, credentials) {
        Some(found) if found != pushed => {
            let text = format!(
                "what {} got is not what was sent (digest mismatch): {pushed} was sent, and {reference} is {found}",
                reference.registry()
            );
            let advice = "did somebody else push there at the same time? A registry, or a proxy in front of it, that \
                          changes what passes cannot be relied on";
            Err(Failure::new(ExitCode::Image, text, advice))
        }
        _ => Ok(()),
    }
}
