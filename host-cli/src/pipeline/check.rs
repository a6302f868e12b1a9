//! What must be there before anything is done: better said now than after minutes of staging.

#![expect(clippy::disallowed_methods, reason = "looks at the certificates' file")]

use crate::engine::{Engine, Image};
use crate::failure::Failure;
use crate::pipeline::road::Road;
use crate::plan::{app, labels};
use jiff::Timestamp;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use std::fs;
use std::path::{Path, PathBuf};

/// The network exists.
pub(crate) fn network(engine: &dyn Engine, name: &str) -> Result<(), Failure> {
    if engine.has_network(name)? {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::Engine,
        format!("there is no network {:?} on this Docker Engine", visible(name)),
        "`docker network ls` lists those that there are, --network chooses one; for a try-out `mini-hcf up` makes one",
    ))
}

/// The image `reference` exists; `role` says what it is for.
pub(crate) fn image(engine: &dyn Engine, reference: &str, role: &str) -> Result<Image, Failure> {
    engine.image(reference)?.ok_or_else(|| {
        Failure::new(
            ExitCode::Engine,
            format!("there is no {role} {:?} on this Docker Engine", visible(reference)),
            "`docker/build` makes it; `docker image ls` lists the images that there are",
        )
    })
}

/// The newest image of the launch request's app; found by its label, since names can be given to anything. Says so when
/// it is older than the request, `requested`: then the app was pushed again since.
pub(crate) fn app_image(road: &Road, lrp: &DesiredLrp, requested: Option<Timestamp>) -> Result<Image, Failure> {
    let of_app = road.engine.images_labelled(labels::APP_GUID, lrp.app_guid())?;
    let is_app = |image: &Image| image.labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_APP);
    let Some(image) = of_app.into_iter().find(is_app) else {
        let text = format!("there is no image of {} ({}) yet", visible(&app::shown_name(lrp)), visible(lrp.app_guid()));
        return Err(Failure::new(ExitCode::Launch, text, "restage it first: `host-cli restage APP`"));
    };
    if let Some(requested) = requested.filter(|requested| (1..requested.as_second()).contains(&image.created)) {
        let made = Timestamp::from_second(image.created).unwrap_or_default();
        let text = format!(
            "the image of {made} is older than the launch request of {requested:.0}: `restage` makes a new one"
        );
        road.emit(Event::Warning { text });
    }
    Ok(image)
}

/// The certificates' file, as the engine can mount it.
pub(crate) fn certificates(path: &Path) -> Result<PathBuf, Failure> {
    let wrong = |why: String| {
        let text = format!("--ca {}: {why}", visible(&path.to_string_lossy()));
        Failure::new(ExitCode::CommandLine, text, "name a file with certificates in PEM")
    };
    let absolute = fs::canonicalize(path).map_err(|error| wrong(error.to_string()))?;
    let bytes = fs::read(&absolute).map_err(|error| wrong(error.to_string()))?;
    if !String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
        return Err(wrong("no certificate in it".to_owned()));
    }
    if absolute.to_str().is_none_or(|text| text.contains(':')) {
        return Err(wrong("a path with a colon or with bytes that are no text cannot be mounted".to_owned()));
    }
    Ok(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn certificates_must_be_there_and_be_certificates() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let refused = |path: &Path| certificates(path).unwrap_err();
        assert!(refused(Path::new("/nowhere/ca.pem")).text.starts_with("--ca /nowhere/ca.pem: "));
        assert!(refused(file.path()).text.ends_with("no certificate in it"));
        assert_eq!(refused(file.path()).code, ExitCode::CommandLine);
        file.write_all(b"-----BEGIN CERTIFICATE-----\n").unwrap();
        assert_eq!(certificates(file.path()).unwrap(), file.path().canonicalize().unwrap());

        let folder = tempfile::tempdir().unwrap();
        let colon = folder.path().join("a:b.pem");
        fs::copy(file.path(), &colon).unwrap();
        assert!(refused(&colon).text.contains("colon"));
    }
}
