//! Which image the user means: an app's newest, found by its labels as `launch` finds it, an image by name or id, or an
//! app that only the logs know by that word. Logs are not needed.

use crate::arguments::LogOptions;
use crate::engine::{Engine, EngineError, Image};
use crate::failure::Failure;
use crate::pipeline::check::{is_app, newest};
use crate::plan::labels;
use crate::requests::{self, Bearer, Kind, RequestError, answers_to};
use shared_model::application::Application;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use std::collections::BTreeSet;

const LIST: &str = "`docker image ls --filter label=stager.kind=app` lists the app images that there are";

/// The image that `word` means; without a word the app image that was made or named last.
pub(super) fn image(engine: &dyn Engine, word: Option<&str>, logs: &LogOptions) -> Result<Image, Failure> {
    let images = engine.images_labelled(labels::KIND, labels::KIND_APP)?;
    let Some(word) = word else {
        let none = || Failure::new(ExitCode::Image, "there is no app image yet", "`host-cli restage` makes one");
        return newest(engine, images)?.ok_or_else(none);
    };
    let meant: Vec<Image> = images.iter().filter(|image| answers_to(&application(image), word)).cloned().collect();
    let guids: BTreeSet<String> = meant.iter().map(|image| application(image).guid).collect();
    if guids.len() > 1 {
        let bearers = guids.into_iter().map(|guid| Bearer::new(&Application { guid, ..Application::default() }));
        let ambiguous = RequestError::Ambiguous { app: word.to_owned(), bearers: bearers.collect() };
        return Err(Failure { code: ExitCode::Image, ..ambiguous.into() });
    }
    if let Some(image) = newest(engine, meant)? {
        return Ok(image);
    }
    if let Some(image) = named(engine, word)? {
        return if is_app(&image) { Ok(image) } else { Err(not_ours(word)) };
    }
    let guid = guid_in_logs(word, logs)?;
    let of_app = images.into_iter().filter(|image| !guid.is_empty() && application(image).guid == guid);
    newest(engine, of_app)?.ok_or_else(|| {
        let text = format!("there is no app image of `{}` on this Docker Engine", visible(word));
        Failure::new(ExitCode::Image, text, format!("{LIST}; `host-cli restage APP` makes one"))
    })
}

/// Whose image it is, as its labels say.
fn application(image: &Image) -> Application {
    let label = |name| image.labels.get(name).cloned().unwrap_or_default();
    Application { name: label(labels::APP_NAME), guid: label(labels::APP_GUID), ..Application::default() }
}

/// The image of this name or id. A word that can be no name of an image is none.
fn named(engine: &dyn Engine, word: &str) -> Result<Option<Image>, EngineError> {
    match engine.image(word) {
        Err(EngineError::Senseless { .. }) => Ok(None),
        outcome => outcome,
    }
}

fn not_ours(word: &str) -> Failure {
    let text = format!("the image {} is no app image that stager made", visible(word));
    Failure::new(ExitCode::Image, text, LIST)
}

/// The guid of the app that the logs know by this word; empty where they do not, or where there are none.
fn guid_in_logs(word: &str, logs: &LogOptions) -> Result<String, Failure> {
    for kind in [Kind::Launch, Kind::Staging] {
        match requests::newest(kind, Some(word), logs) {
            Ok(request) => return Ok(request.application.guid),
            Err(ambiguous @ RequestError::Ambiguous { .. }) => return Err(ambiguous.into()),
            Err(_) => {}
        }
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::Fake;

    const GUID: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";
    const OTHER: &str = "28c50a86-b045-5fed-bae9-e6ea03383693";

    fn add(fake: &Fake, tag: &str, name: &str, guid: &str) -> String {
        let labels = [(labels::KIND, labels::KIND_APP), (labels::APP_NAME, name), (labels::APP_GUID, guid)];
        fake.add_image(tag, &labels).0
    }

    /// Logs that hold what the recorded app's nsync wrote, or none.
    fn logs(folder: &tempfile::TempDir, log: &str) -> LogOptions {
        if !log.is_empty() {
            std::fs::write(folder.path().join("nsync_listener.stdout.log"), log).unwrap();
        }
        LogOptions { logs: Some(folder.path().to_owned()), ..LogOptions::default() }
    }

    fn found(fake: &Fake, word: Option<&str>, log: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        image(fake, word, &logs(&folder, log)).map(|image| image.id.0).map_err(|failure| match failure.code {
            ExitCode::Image => failure.text,
            code => format!("ended with {code:?}"),
        })
    }

    #[test]
    fn an_app_is_found_by_name_guid_or_start_of_it_and_its_newest_image_is_taken() {
        let fake = Fake::default();
        add(&fake, "a:1", "node-env", GUID);
        let newest = add(&fake, "a:2", "node-env", GUID);
        let other = add(&fake, "b:1", "other", OTHER);
        for word in ["node-env", GUID, "18c50a86"] {
            assert_eq!(found(&fake, Some(word), ""), Ok(newest.clone()), "{word}");
        }
        assert_eq!(found(&fake, None, ""), Ok(other.clone()));
        assert_eq!(found(&fake, Some("b:1"), ""), Ok(other.clone()));
        assert_eq!(found(&fake, Some(&other), ""), Ok(other));
    }

    #[test]
    fn an_apps_newest_image_is_the_last_that_was_made_even_if_an_older_one_was_pushed_since() {
        let fake = Fake::default();
        let old = add(&fake, "cf-app/a-18c50a86:droplet-1", "a", GUID);
        let new = add(&fake, "cf-app/a-18c50a86:latest", "a", GUID);
        for image in fake.state().images.iter_mut().filter(|image| image.id.0 == old) {
            image.details.named = i64::MAX;
            image.tags.push("registry.example.com/a:1".to_owned());
        }
        assert_eq!(found(&fake, Some("a"), ""), Ok(new));
        assert_eq!(found(&fake, Some("registry.example.com/a:1"), ""), Ok(old));
    }

    #[test]
    fn an_app_that_has_another_name_in_the_logs_is_found_by_that() {
        let fake = Fake::default();
        let image = add(&fake, "a:1", "its-former-name", GUID);
        let log = include_str!("../../../examples/requests/2016/nsync_listener.stdout.log");
        assert_eq!(found(&fake, Some("node-env"), log), Ok(image));
    }

    #[test]
    fn what_is_not_there_ambiguous_or_not_ours_is_said_in_words() {
        let fake = Fake::default();
        assert_eq!(found(&fake, None, "").unwrap_err(), "there is no app image yet");
        add(&fake, "a:1", "twice", GUID);
        add(&fake, "b:1", "twice", OTHER);
        fake.add_image("postgres:latest", &[]);
        let ambiguous = found(&fake, Some("twice"), "").unwrap_err();
        assert!(ambiguous.starts_with("2 apps answer to `twice`") && ambiguous.contains(OTHER), "{ambiguous}");
        assert!(found(&fake, Some("postgres:latest"), "").unwrap_err().contains("no app image that stager made"));
        assert!(found(&fake, Some("nobody"), "").unwrap_err().contains("no app image of `nobody`"));
        let (doing, reason) = ("looking".to_owned(), "invalid reference format".to_owned());
        fake.fail("image", EngineError::Senseless { doing, reason });
        assert!(found(&fake, Some("Odd Name"), "").unwrap_err().contains("no app image of `Odd Name`"));
    }

    #[test]
    fn an_engine_that_refuses_to_look_is_not_an_engine_without_that_image() {
        let fake = Fake::default();
        fake.refuse("image", "the store is locked");
        assert_eq!(found(&fake, Some("postgres"), "").unwrap_err(), "ended with Engine");
    }
}
