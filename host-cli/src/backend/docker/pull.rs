//! A docker app's image comes from its registry, through the engine, which is shown the request's login or docker's own.

use super::hearing::{Direction, Hearing};
use super::layer_totals::Sum;
use super::refusal;
use crate::engine::{EngineError, Image, Store};
use crate::failure::Failure;
use crate::plan::image_source::{DockerImage, Way};
use crate::registry::credentials::{Credentials, Login};
use crate::registry::login::{self, LoginOptions};
use crate::registry::reference::{DOCKER_HUB, Reference};
use crate::registry::refusal::{Refusal, Speaker};
use crate::session::{Session, millis};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::time::Instant;

/// Bytes of an image's labels, which each container of it inherits. Images have some hundreds.
const MOST_LABELS: usize = 64 << 10;
/// What to try where no image has the name.
const OTHER_NAME: &str = "check the image's name and tag; `cf push --docker-image` makes a new request";

/// The image of that name, from the engine, which keeps images as `store` says, or through it from its registry. It runs on the
/// processor that `native`, any image that runs on this engine, is made for.
pub(super) fn image(session: &Session, wanted: &DockerImage, native: &Image, store: &Store) -> Result<Image, Failure> {
    let (engine, reference) = (&*session.engine, &wanted.reference);
    let name = reference.name();
    let found = engine.image(name)?;
    let found = match wanted.way(found.as_ref(), store) {
        Way::Here => found,
        Way::Pulled => pulled(session, reference, &credentials(wanted)?)?,
        Way::HereIfShown => {
            let credentials = credentials(wanted)?;
            if engine.digest_in_registry(reference, &credentials).is_some() {
                found
            } else {
                pulled(session, reference, &credentials)?
            }
        }
        Way::ByDigest => {
            let credentials = credentials(wanted)?;
            let digest = engine.digest_in_registry(reference, &credentials);
            let of_registry = digest.and_then(|digest| reference.with_digest(&digest));
            let of_registry = of_registry.ok_or_else(|| not_surely(reference))?;
            match engine.image(of_registry.name())? {
                None => pulled(session, &of_registry, &credentials)?,
                here => here,
            }
        }
    };
    let missing = || {
        let text = format!("no image {name} on this Docker Engine");
        Failure::new(ExitCode::Launch, text, "--pull missing gets it from its registry")
    };
    let image = found.ok_or_else(missing)?;
    let labels = image.labels.keys().map(String::len).sum::<usize>();
    if labels > MOST_LABELS {
        // Its container has them all, empty; and each list of an engine has all labels of all that it lists.
        let text = format!(
            "the labels of the image {name} have names of {labels} bytes, and {MOST_LABELS} are the most that may be"
        );
        return Err(Failure::new(ExitCode::Launch, text, "push one with fewer labels"));
    }
    let (its, ours) = (&image.details.platform.architecture, &native.details.platform.architecture);
    if its == ours || its.is_empty() || ours.is_empty() {
        return Ok(image);
    }
    let text = format!("the image {name} is for {}, and this Docker Engine runs {ours}", escape_control(its));
    Err(Failure::new(
        ExitCode::Launch,
        text,
        "push an image that has a variant for it: `docker buildx build --platform`",
    ))
}

/// An image of that name is here, whose it is nobody knows, and to pull the registry's would take the name from it.
fn not_surely(reference: &Reference) -> Failure {
    let registry = reference.registry();
    let text = format!(
        "the image {reference} on this Docker Engine is not surely that of {registry}, and {registry} does not say which one it has"
    );
    let advice = format!(
        "`--pull never` takes the one that is here; `docker image rm {reference}`, after `docker tag` to another name, makes \
         way for the registry's; is the login right?"
    );
    Failure::new(ExitCode::Launch, text, advice)
}

fn credentials(wanted: &DockerImage) -> Result<Credentials, Failure> {
    let DockerImage { reference, login, .. } = wanted;
    let Some((user, password)) = login else { return of_docker(reference) };
    let login = Login::Password { user: user.clone(), password: password.clone() };
    Ok(Credentials::new(reference, login, "the launch request".to_owned()))
}

fn pulled(session: &Session, reference: &Reference, credentials: &Credentials) -> Result<Option<Image>, Failure> {
    let began = Instant::now();
    let image = reference.name().to_owned();
    session.emit(Event::Pulling { image: image.clone() });
    let mut hearing = Hearing::new(session, reference, Direction::Pull);
    let pulled = session.engine.pull(reference, credentials, &mut |told| hearing.hear(&told));
    pulled.map_err(|error| refused(error, reference, credentials))?;
    let Sum { bytes, .. } = hearing.sum();
    session.emit(Event::Pulled { image, bytes, ms: millis(began) });
    Ok(session.engine.image(reference.name())?)
}

/// As `docker pull` would log in.
fn of_docker(reference: &Reference) -> Result<Credentials, Failure> {
    let nobody = LoginOptions { username: None, password_stdin: false };
    login::credentials(nobody, reference).map_err(|error| {
        Failure::new(ExitCode::Launch, error.to_string(), "check that `docker login` works, or log in again")
    })
}

/// What the engine, or the registry through it, answered instead of the image. An image that cannot be had is a launch that fails.
fn refused(error: EngineError, reference: &Reference, credentials: &Credentials) -> Failure {
    match error {
        EngineError::Refused { reason, .. } => {
            let (text, advice) = words(&reason, reference, credentials);
            Failure::new(ExitCode::Launch, format!("{text}: {reason}"), advice)
        }
        EngineError::NotFound { .. } | EngineError::InvalidReference { .. } => {
            Failure::new(ExitCode::Launch, error.to_string(), OTHER_NAME)
        }
        EngineError::Connect(_) | EngineError::Unreachable { .. } | EngineError::Forbidden { .. } => error.into(),
    }
}

/// What an engine's words mean when a pull goes wrong, and what to try. What is wrong with the way to a registry is the same for
/// a push.
fn words(reason: &str, reference: &Reference, credentials: &Credentials) -> (String, String) {
    const NO_VARIANT: &str = "no matching manifest";
    let (registry, path) = (reference.registry(), reference.path());
    let host = if registry == DOCKER_HUB { String::new() } else { format!(" {registry}") };
    let login = format!("`docker login{host}` once; `cf push --docker-username` puts a login into the request");
    let anonymous = credentials.is_anonymous();
    let with =
        if anonymous { "without a login".to_owned() } else { format!("with the login of {}", credentials.origin) };
    let again = "launch again later; the registry's log says more".to_owned();
    if reason.contains(NO_VARIANT) {
        let text = format!("{reference} has no variant for this engine's processor");
        return (text, "push an image that has one: `docker buildx build --platform`".to_owned());
    }
    match refusal::parse(reason) {
        Refusal::Unauthorized if anonymous => {
            let missing =
                credentials.missing_helper.as_deref().unwrap_or("neither the request nor docker's config.json has one");
            (format!("{registry} needs a login, and {missing}"), login)
        }
        Refusal::Unauthorized => (format!("{registry} does not accept the login of {}", credentials.origin), login),
        Refusal::Denied => (format!("{registry} has no {path}, or does not let it be pulled {with}"), login),
        Refusal::Unknown => (format!("{registry} has no image {path} of this name"), OTHER_NAME.to_owned()),
        Refusal::TooMany => (
            format!("{registry} limits requests, and there were too many"),
            format!("wait, then launch again; {login}"),
        ),
        refusal @ Refusal::Trouble => (refusal.text(Speaker::Engine, reference, credentials), again),
        refusal @ (Refusal::UnknownCa
        | Refusal::BadCertificate
        | Refusal::OwnCertificate
        | Refusal::PlainHttp
        | Refusal::NoHost
        | Refusal::NoNameServer
        | Refusal::NobodyThere) => (
            refusal.text(Speaker::Engine, reference, credentials),
            refusal.advice(Speaker::Engine, reference, credentials),
        ),
        Refusal::Page | Refusal::Full | Refusal::TooLarge | Refusal::Digest | Refusal::Name | Refusal::Other => {
            let advice = format!(
                "`docker pull {reference}` on the engine's machine shows the same; --pull never takes the image that is here"
            );
            (format!("Docker cannot pull {reference}"), advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_model::secret::Secret;

    #[test]
    fn an_engine_that_does_not_know_the_name_is_told_with_what_to_try() {
        let reference = Reference::pulled("r.io/acme/a:1").unwrap();
        let nobody = Credentials::new(&reference, Login::Anonymous, String::new());
        let failure = refused(EngineError::NotFound { what: "image r.io/acme/a:1".into() }, &reference, &nobody);
        assert_eq!((failure.code, failure.advice.as_str()), (ExitCode::Launch, OTHER_NAME));
    }

    #[test]
    fn why_a_registry_gives_no_image_is_told_with_what_to_try() {
        let reference = Reference::pulled("r.io:5000/acme/a:1").unwrap();
        let password = Secret::new("s3cret".to_owned());
        let login = Login::Password { user: "me".into(), password };
        let nobody = Credentials::new(&reference, Login::Anonymous, String::new());
        let somebody = Credentials::new(&reference, login, "the launch request".to_owned());
        for (reason, credentials, text, advice) in [
            (
                "no basic auth credentials",
                &nobody,
                "r.io:5000 needs a login, and neither the request",
                "docker login r.io:5000",
            ),
            (
                "unauthorized: authentication required",
                &somebody,
                "does not accept the login of the launch request",
                "--docker-username",
            ),
            (
                "pull access denied for r.io:5000/acme/a",
                &nobody,
                "has no acme/a, or does not let it be pulled without a login",
                "docker login",
            ),
            (
                "manifest for a:1 not found: manifest unknown",
                &somebody,
                "r.io:5000 has no image acme/a of this name",
                "tag",
            ),
            (
                "no matching manifest for linux/arm64 in the manifest list entries",
                &nobody,
                "no variant for this engine's processor",
                "--platform",
            ),
            (
                "dial tcp 127.0.0.1:1: connect: connection refused",
                &nobody,
                "cannot connect to registry r.io:5000",
                "must reach it",
            ),
            ("received unexpected HTTP status: 503 Service Unavailable", &nobody, "r.io:5000 failed", "launch again"),
            ("toomanyrequests: limit", &nobody, "too many", "wait"),
            (
                "the moon is full",
                &nobody,
                "Docker cannot pull r.io:5000/acme/a:1",
                "`docker pull r.io:5000/acme/a:1` on the engine's machine",
            ),
        ] {
            let (told, tried) = words(reason, &reference, credentials);
            assert!(told.contains(text) && tried.contains(advice), "{reason}: {told} ({tried})");
            assert!(
                !tried.is_empty() && !format!("{told}{tried}").contains("push again") && !told.contains("s3cret"),
                "{told} ({tried})"
            );
        }
    }
}
