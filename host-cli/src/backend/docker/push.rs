//! An image goes to a registry, through the engine: under the name that it gets there, which it keeps here too. When that
//! fails, the name goes back to where it was.

pub(super) mod refusal;

use super::hearing::{Direction, Hearing};
use super::layer_totals::Sum;
use crate::arguments::{Push, Restage};
use crate::engine::{EngineError, ImageId};
use crate::failure::Failure;
use crate::plan::restage::quoted;
use crate::registry::credentials::Credentials;
use crate::registry::login::{self, LoginOptions};
use crate::registry::reference::Reference;
use crate::registry::refusal::Speaker;
use crate::session::{Session, bears, millis};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where an image is to be pushed, and by whom.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) reference: Reference,
    pub(crate) credentials: Credentials,
    /// What must be typed besides to push as the same user.
    options: String,
}

impl Target {
    /// What was typed, judged; reads the password, or asks the helper that docker's configuration names.
    pub(crate) fn parse(typed: &str, options: LoginOptions<'_>) -> Result<Self, Failure> {
        let reference = Reference::read(typed)?;
        let credentials = login::credentials(options, &reference)?;
        let again =
            options.username.map(|user| format!(" --username {} --password-stdin", quoted(&escape_control(user))));
        Ok(Self { reference, credentials, options: again.unwrap_or_default() })
    }

    /// As [`Self::parse`], where other options may read standard input too.
    fn beside(typed: &str, login: LoginOptions<'_>, others: &[(&str, &Option<PathBuf>)]) -> Result<Self, Failure> {
        let reads_stdin = |file: &Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
        if let Some((option, _)) = others.iter().find(|(_, file)| login.password_stdin && reads_stdin(file)) {
            let text = format!("--password-stdin and {option} - cannot both read standard input");
            let advice = format!("give a file to {option}, or use `docker login`");
            return Err(Failure::new(ExitCode::CommandLine, text, advice));
        }
        Self::parse(typed, login)
    }

    /// What `push` was told.
    pub(crate) fn from_push(command: &Push, reference: &str) -> Result<Self, Failure> {
        let others = [("--stager-log", &command.stager_log), ("--nsync-log", &command.nsync_log)];
        let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
        Self::beside(reference, login, &others)
    }

    /// What `restage` was told, with `--push` or `--publish`; `None`: the image is to stay here.
    pub(crate) fn from_restage(command: &Restage) -> Result<Option<Self>, Failure> {
        if command.push.is_some() && command.no_image {
            return Err(Failure::new(ExitCode::CommandLine, "--push wants an image, and --no-image none", ""));
        }
        let others = [("--request", &command.request), ("--stager-log", &command.stager_log)];
        let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
        Self::wanted(command.push.as_deref().or(command.publish.as_deref()), login, &others)
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
                _ => Err(wrong(
                    "--username and --password-stdin say who pushes; they need --push or --publish REGISTRY/REPO[:TAG]",
                )),
            };
        };
        Self::beside(typed, login, others).map(Some)
    }
}

/// Pushes an image that is called `name` here.
pub(crate) fn push_image(session: &Session, image: &ImageId, name: &str, target: &Target) -> Result<(), Failure> {
    let Target { reference, credentials, options } = target;
    let sent = session.step(Step::Push, || {
        let began = Instant::now();
        let (image_name, full) = (name.to_owned(), reference.name().to_owned());
        session.emit(Event::Pushing { image: image_name, reference: full.clone() });
        if let Some(missing) = &credentials.missing_helper {
            session.emit(Event::Warning { text: format!("{missing}; {}", without(credentials)) });
        }
        let guard = session.tag_temporarily(image, reference.name())?;
        let mut hearing = Hearing::new(session, reference, Direction::Push);
        let digest = session.engine.push(reference, credentials, &mut |told| hearing.hear(&told));
        let digest = digest.map_err(|error| refused(error, target))?;
        it_was_this_image(session, image, reference)?;
        the_registry_has_it(session, target, &digest)?;
        session.dismiss(guard.as_ref()); // first, or it would be taken back from a killed host-cli
        session.cleanup().keep_tag(reference.name())?;
        let Sum { bytes, sent: layers_pushed, known: layers_existing, .. } = hearing.sum();
        session.emit(Event::Pushed {
            reference: full,
            digest,
            bytes,
            layers_pushed,
            layers_existing,
            ms: millis(began),
        });
        Ok(())
    });
    sent.map_err(|failure| {
        let again = format!("`host-cli push {} {reference}{options}` pushes it again", escape_control(name));
        let text = format!("{} was not pushed: {}", escape_control(name), failure.text);
        let advice = if failure.advice.is_empty() { again } else { format!("{}\n{again}", failure.advice) };
        Failure::new(failure.code, text, advice)
    })
}

/// Who pushes in place of whom a helper would have told.
fn without(credentials: &Credentials) -> String {
    if credentials.is_anonymous() {
        "the push is anonymous".to_owned()
    } else {
        format!("the login of {} is used", credentials.origin)
    }
}

/// What the engine, or the registry through it, answered instead of a digest.
fn refused(error: EngineError, target: &Target) -> Failure {
    let Target { reference, credentials, .. } = target;
    match error {
        EngineError::Refused { reason, .. } => {
            let refusal = refusal::parse(&reason);
            let text = format!("{}: {reason}", refusal.text(Speaker::Engine, reference, credentials));
            Failure::new(ExitCode::Image, text, refusal.advice(Speaker::Engine, reference, credentials))
        }
        EngineError::NotFound { .. } | EngineError::InvalidReference { .. } => {
            Failure::new(ExitCode::Image, error.to_string(), "")
        }
        EngineError::Connect(_) | EngineError::Unreachable { .. } | EngineError::Forbidden { .. } => error.into(),
    }
}

/// An engine pushes whatever bears the name; another push to the same name may have given it to another image meanwhile.
fn it_was_this_image(session: &Session, image: &ImageId, reference: &Reference) -> Result<(), Failure> {
    if bears(&*session.engine, image, reference.name())? {
        return Ok(());
    }
    let text = format!("{reference} was moved to another image during the push; the registry may have that one");
    Err(Failure::new(ExitCode::Image, text, "push again, and run one push to a name at a time"))
}

/// What the registry answers for the name is what was pushed. A registry that does not answer is believed.
fn the_registry_has_it(session: &Session, target: &Target, pushed: &str) -> Result<(), Failure> {
    let Target { reference, credentials, .. } = target;
    match session.engine.digest_in_registry(reference, credentials) {
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
