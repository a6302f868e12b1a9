//! Which image the user means: an image by name or id, else an app's newest, found by its labels as `launch` finds it, else
//! that of an app that only the logs know by that word. Logs are not needed.
//!
//! What the engine gave, an id or a name that is there, and what Cloud Controller gave, a guid, is looked for first: an app's
//! owner may call it like another's image.

use crate::app_ref::{AnswersBy, AppRef};
use crate::backend::docker::ours;
use crate::engine::{EngineError, Image, ImageId, Images};
use crate::failure::Failure;
use crate::image::provenance::is_labelled;
use crate::labels;
use crate::registry::image_name::full_name;
use crate::requests::LogOptions;
use crate::requests::{self, Candidate, RequestError, RequestKind};
use crate::session::Session;
use jiff::Timestamp;
use shared_model::application::Application;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::cmp::Reverse;
use std::collections::BTreeMap;

const LIST: &str = "`docker image ls --filter label=stager.kind=app` lists the app images";

/// The image that `wanted` means; without it the app image that was made or named last. It is ours.
pub(crate) fn image(session: &Session, wanted: Option<&AppRef>, logs: &LogOptions) -> Result<Image, Failure> {
    let images = || session.engine.images_labelled(labels::KIND, labels::KIND_APP);
    let Some(wanted) = wanted else {
        let none =
            || Failure::new(ExitCode::Image, "no app image on this Docker Engine", "`host-cli restage` makes one");
        return ours::newest(session, images()?)?.ok_or_else(none);
    };
    if let Some(image) = called(&*session.engine, wanted)? {
        if !is_labelled(&image) {
            return Err(not_ours(&wanted.word));
        }
        ours::require(session, &image)?;
        return Ok(image);
    }
    let mut meant: BTreeMap<AnswersBy, Vec<Image>> = BTreeMap::new();
    for image in images()? {
        if let Some(by) = wanted.means(&application(&image)) {
            meant.entry(by).or_default().push(image);
        }
    }
    if requests::names_hide_a_guid(&meant, wanted, logs) {
        meant.clear(); // the app that it is has no image
    }
    let meant = meant.into_values().next().unwrap_or_default();
    let candidates = candidates(&*session.engine, &meant)?;
    if candidates.len() > 1 {
        let ambiguous = RequestError::Ambiguous { app: wanted.word.clone(), candidates };
        return Err(Failure { code: ExitCode::Image, ..ambiguous.into() });
    }
    if let Some(image) = ours::newest(session, meant)? {
        return Ok(image);
    }
    let guid = guid_in_logs(wanted, logs)?;
    let of_app = images()?.into_iter().filter(|image| !guid.is_empty() && application(image).guid == guid);
    ours::newest(session, of_app)?.ok_or_else(|| {
        let text = format!("no app image for \"{}\" on this Docker Engine", escape_control(&wanted.word));
        Failure::new(ExitCode::Image, text, format!("{LIST}; `host-cli restage APP` makes one"))
    })
}

/// The apps of these images, and when each got its newest one; that which was tagged last is first.
fn candidates(engine: &dyn Images, meant: &[Image]) -> Result<Vec<Candidate>, EngineError> {
    let mut apps: BTreeMap<String, Candidate> = BTreeMap::new();
    for image in meant {
        let application = application(image);
        // A list does not tell when; one that is gone by now has no time.
        let named = engine.image(&image.id.0)?.map(|image| image.details.named).filter(|named| *named > 0);
        let time = named.and_then(|second| Timestamp::from_second(second).ok());
        let app = apps.entry(application.guid.clone()).or_insert_with(|| Candidate::new(&application));
        app.time = app.time.max(time);
    }
    let mut apps: Vec<Candidate> = apps.into_values().collect();
    apps.sort_by_key(|app| Reverse(app.time));
    Ok(apps)
}

/// Whose image it is, as its labels say.
fn application(image: &Image) -> Application {
    let label = |name| image.labels.get(name).cloned().unwrap_or_default();
    Application { name: label(labels::APP_NAME), guid: label(labels::APP_GUID), ..Application::default() }
}

/// The image of this name or id, with its details. A word that can be no name of an image is none.
fn called(engine: &dyn Images, wanted: &AppRef) -> Result<Option<Image>, EngineError> {
    if wanted.is_name {
        return Ok(None);
    }
    match engine.image(&wanted.word) {
        Err(EngineError::InvalidReference { .. }) => Ok(None),
        found => Ok(found?.filter(|image| is_called(image, &wanted.word))),
    }
}

/// Whether the word is the image's name or id. Engines take the first digits of an id for it too, which may be a name: that of
/// an app called `cafe`. So many as `docker image ls` shows are an id.
fn is_called(image: &Image, word: &str) -> bool {
    const SHOWN_OF_AN_ID: usize = 12;
    let ImageId(id) = &image.id;
    let digits = word.strip_prefix("sha256:").unwrap_or(word);
    let is_id = digits.len() >= SHOWN_OF_AN_ID && id.strip_prefix("sha256:").unwrap_or(id).starts_with(digits);
    let full = full_name(word).unwrap_or_default();
    // Podman puts a registry in front: `localhost/cf-app/a:latest`.
    let is_name = |tag: &String| {
        *tag == full
            || tag.strip_suffix(full.as_str()).is_some_and(|registry| !full.is_empty() && registry.ends_with('/'))
    };
    *id == word || is_id || word.contains("@sha256:") || image.tags.iter().any(is_name)
}

fn not_ours(word: &str) -> Failure {
    let word = escape_control(word);
    let text = format!("image {word} is not an app image of stager's");
    Failure::new(ExitCode::Image, text, format!("{LIST}; --app={word} takes the app of that name"))
}

/// The guid of the app that the logs know by this word; empty where they do not, or where there are none.
fn guid_in_logs(wanted: &AppRef, logs: &LogOptions) -> Result<String, Failure> {
    for kind in [RequestKind::Launch, RequestKind::Staging] {
        match requests::newest(kind, Some(wanted), logs) {
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
    use std::sync::Arc;

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

    fn meant(fake: &Arc<Fake>, wanted: Option<&AppRef>, log: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let session = Session::silent(Arc::<Fake>::clone(fake));
        image(&session, wanted, &logs(&folder, log)).map(|image| image.id.0).map_err(|failure| match failure.code {
            ExitCode::Image => failure.text,
            code => format!("ended with {code:?}"),
        })
    }

    fn found(fake: &Arc<Fake>, word: Option<&str>, log: &str) -> Result<String, String> {
        meant(fake, word.map(AppRef::word).as_ref(), log)
    }

    #[test]
    fn an_app_is_found_by_name_guid_or_start_of_it_and_its_newest_image_is_taken() {
        let fake = Arc::<Fake>::default();
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
    fn what_the_system_gave_is_never_an_apps_name_but_where_that_is_asked_for() {
        let fake = Arc::<Fake>::default();
        let victim = add(&fake, "cf-app/victim-18c50a86:droplet-87eda4f334e1", "victim", GUID);
        let names = ["cf-app/victim-18c50a86:droplet-87eda4f334e1", GUID, "18c50a86", &victim];
        for name in names {
            let thief = add(&fake, "cf-app/thief-28c50a86:latest", name, OTHER);
            assert_eq!(found(&fake, Some(name), ""), Ok(victim.clone()), "{name}");
            assert_eq!(meant(&fake, Some(&AppRef::name(name)), ""), Ok(thief.clone()), "--app={name}");
            fake.state().images.retain(|image| image.id.0 != thief);
        }
    }

    #[test]
    fn the_guid_of_an_app_without_an_image_is_not_another_apps_name() {
        let log = include_str!("../../../../examples/requests/2016/nsync_listener.stdout.log");
        for name in [GUID, "18c50a86"] {
            let fake = Arc::<Fake>::default();
            let thief = add(&fake, "a:1", name, OTHER);
            assert!(found(&fake, Some(name), log).unwrap_err().contains("no app image for"), "{name}");
            assert_eq!(meant(&fake, Some(&AppRef::name(name)), log), Ok(thief));
        }
    }

    #[test]
    fn a_few_digits_that_begin_an_id_are_a_name() {
        let fake = Arc::<Fake>::default();
        let app = add(&fake, "a:1", "cafe", GUID);
        let others = fake.add_image("postgres:latest", &[]).0;
        assert!(!is_called(&fake.image(&others).unwrap().unwrap(), "cafe"));
        assert_eq!(found(&fake, Some("cafe"), ""), Ok(app));
    }

    #[test]
    fn an_apps_newest_image_is_the_last_that_was_made_even_if_an_older_one_was_pushed_since() {
        let fake = Arc::<Fake>::default();
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
    fn an_image_that_somebody_built_on_an_apps_is_passed_over_and_refused_by_its_name() {
        let fake = Arc::<Fake>::default();
        let ours = add(&fake, "cf-app/a-18c50a86:latest", "a", GUID);
        let child = add(&fake, "child:1", "a", GUID);
        for image in fake.state().images.iter_mut().filter(|image| image.id.0 == child) {
            image.details.layers.push("sha256:backdoor".to_owned());
        }
        assert_eq!(found(&fake, Some("a"), ""), Ok(ours.clone()));
        assert!(found(&fake, Some("child:1"), "").unwrap_err().contains("child:1"));
        fake.state().images.retain(|image| image.id.0 != ours);
        let refused = found(&fake, Some("a"), "").unwrap_err();
        assert!(refused.contains("child:1") && refused.contains("is not an app image of stager's"), "{refused}");
    }

    #[test]
    fn an_image_that_is_remembered_is_taken_before_any_that_is_only_made_like_ours() {
        let fake = Arc::<Fake>::default();
        let ours = add(&fake, "cf-app/a-18c50a86:latest", "a", GUID);
        let build_key = "1".repeat(64);
        let label = (crate::image::app_image::BUILD_KEY.to_owned(), build_key.clone());
        fake.state().images.iter_mut().for_each(|image| image.labels.extend([label.clone()]));
        crate::image::Records::open(&*fake).remember(&build_key, &ImageId(ours.clone()));
        let forged = add(&fake, "forged:1", "a", GUID);
        assert_eq!(found(&fake, Some("a"), ""), Ok(ours));
        assert_eq!(found(&fake, Some("forged:1"), ""), Ok(forged), "whoever names it means it");
    }

    #[test]
    fn an_app_that_has_another_name_in_the_logs_is_found_by_that() {
        let fake = Arc::<Fake>::default();
        let image = add(&fake, "a:1", "its-former-name", GUID);
        let log = include_str!("../../../../examples/requests/2016/nsync_listener.stdout.log");
        assert_eq!(found(&fake, Some("node-env"), log), Ok(image));
    }

    #[test]
    fn what_is_not_there_ambiguous_or_not_ours_is_said_in_words() {
        let fake = Arc::<Fake>::default();
        assert_eq!(found(&fake, None, "").unwrap_err(), "no app image on this Docker Engine");
        add(&fake, "a:1", "twice", GUID);
        let newer = add(&fake, "b:1", "twice", OTHER);
        for image in &mut fake.state().images {
            image.details.named = if image.id.0 == newer { 1_000_000_000 } else { 0 };
        }
        fake.add_image("postgres:latest", &[]);
        let ambiguous = found(&fake, Some("twice"), "").unwrap_err();
        let (first, second) = (format!("\n  {OTHER}  2001-09-09T01:46:40Z\n"), format!("  {GUID}"));
        assert!(ambiguous.starts_with("\"twice\" means 2 apps:"), "{ambiguous}");
        assert!(ambiguous.contains(&first) && ambiguous.ends_with(&second), "{ambiguous}");
        assert!(found(&fake, Some("postgres:latest"), "").unwrap_err().contains("not an app image of stager's"));
        assert!(found(&fake, Some("nobody"), "").unwrap_err().contains("no app image for \"nobody\""));
        let (doing, reason) = ("looking".to_owned(), "invalid reference format".to_owned());
        fake.fail("image", EngineError::InvalidReference { doing, reason });
        assert!(found(&fake, Some("Odd Name"), "").unwrap_err().contains("no app image for \"Odd Name\""));
    }

    #[test]
    fn an_engine_that_refuses_to_look_is_not_an_engine_without_that_image() {
        let fake = Arc::<Fake>::default();
        fake.refuse("image", "the store is locked");
        assert_eq!(found(&fake, Some("postgres"), "").unwrap_err(), "ended with Engine");
    }
}
