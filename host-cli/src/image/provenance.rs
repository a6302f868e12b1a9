//! Whether an image that bears an app's labels is one that we made. Its labels do not tell: they are inherited by whatever is
//! built on it. It is ours where we remember that we made it; else, made on another machine or with its record gone, only
//! where it follows from its content: its root file system's layers and our two above them, made by nothing else, with the
//! settings that every app image has. Who has the engine's socket can forge all of that, but could also do anything else.

use super::records::Records;
use crate::engine::{EngineError, Image, ImageId, ImageSettings, Images};
use crate::image::app_image;
use crate::image::config;
use crate::labels;
use shared_model::lifecycle::Lifecycle;
use shared_model::plain_line::escape_control;

/// How it is known that an image is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// We made it on this engine.
    Remembered,
    /// It is made as ours are.
    ByContent,
}

/// Why an image is not taken for one of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Foreign {
    /// Nothing says that it is one.
    #[error("it has no labels of an app image")]
    NoLabel,
    /// What it should stand on is not here to compare with.
    #[error("its root file system ({}) is not on this Docker Engine", escape_control(base))]
    NoBase { base: String },
    /// It holds more or less than an app image does.
    #[error("its layers are not the root file system, lifecycle and droplet that its labels name")]
    Layers,
    /// Something was done to it after it was made, or it was made otherwise.
    #[error("it was made in another way: {}", escape_control(how))]
    History { how: String },
    /// It would not run as an app image does.
    #[error("its {what} was not set by stager")]
    Setting { what: String },
}

/// Whether `image`, with its details, is ours: an app's, or a stager image that was baked here.
///
/// # Errors
/// The outer one is the engine's.
pub(crate) fn provenance(engine: &dyn Images, image: &Image) -> Result<Result<Provenance, Foreign>, EngineError> {
    if Records::open(engine).know(image) {
        return Ok(Ok(Provenance::Remembered));
    }
    if !is_labelled(image) {
        return Ok(Err(Foreign::NoLabel));
    }
    Ok(by_content(engine, image)?.map_or(Ok(Provenance::ByContent), Err))
}

/// Whether its labels say that it is an app's image of ours.
pub(crate) fn is_labelled(image: &Image) -> bool {
    image.labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_APP)
}

/// What an app's image stands on, as far as that is on the engine. What its label says may be anything but an id. A published image
/// names its base otherwise, by what anybody can learn; whoever pulls one gets no more than that.
///
/// # Errors
/// The engine's.
pub(crate) fn base_of(engine: &dyn Images, image: &Image) -> Result<Option<Image>, EngineError> {
    let id = image.labels.get(app_image::BASE_DIGEST).cloned().map(ImageId).filter(ImageId::is_whole);
    let found = id.as_ref().map(|id| engine.image(&id.0)).transpose()?.flatten();
    Ok(found.filter(|found| Some(&found.id) == id.as_ref()))
}

/// Removes an image that has lost its last name, if it is ours: one that somebody built on it bears its labels too.
///
/// # Errors
/// The engine's.
pub(crate) fn remove_if_ours(engine: &dyn Images, id: &ImageId) -> Result<(), EngineError> {
    let Some(image) = engine.image(&id.0)?.filter(|image| image.tags.is_empty()) else { return Ok(()) };
    match provenance(engine, &image)? {
        Ok(_) => engine.remove_dangling(id),
        Err(_) => Ok(()),
    }
}

fn by_content(engine: &dyn Images, image: &Image) -> Result<Option<Foreign>, EngineError> {
    let label = |name: &str| image.labels.get(name).map_or("", String::as_str);
    let Some(base) = base_of(engine, image)?.filter(|base| !is_labelled(base)) else {
        return Ok(Some(Foreign::NoBase { base: label(app_image::BASE_DIGEST).to_owned() }));
    };
    if !image.details.layers.starts_with(&base.details.layers) {
        return Ok(Some(Foreign::Layers));
    }
    let made = engine.history(&image.id)?.unwrap_or_default();
    Ok(in_itself(image, base.details.layers.len(), &made))
}

/// What about an image contradicts that it is an app's image of ours with `below` layers of a root file system, as far as it tells
/// itself. `made` is its history, the lowest layer's first.
fn in_itself(image: &Image, below: usize, made: &[String]) -> Option<Foreign> {
    let label = |name: &str| image.labels.get(name).map_or("", String::as_str);
    let Some([lifecycle, droplet]) = image.details.layers.get(below..) else { return Some(Foreign::Layers) };
    if lifecycle.strip_prefix("sha256:") != Some(label(app_image::LIFECYCLE)) {
        return Some(Foreign::Layers);
    }
    let mut expected = vec![config::made_by_base(label(app_image::BASE_DIGEST)); below];
    let ours = [("lifecycle", lifecycle), ("droplet", droplet)];
    expected.extend(ours.map(|(name, digest)| config::made_by_layer(name, digest)));
    if made != expected {
        let other = made.iter().rev().find(|step| !expected.contains(step));
        return Some(Foreign::History { how: other.cloned().unwrap_or_else(|| "with other steps".to_owned()) });
    }
    other_setting(&image.details.settings).map(|what| Foreign::Setting { what })
}

/// What contradicts that an image in a registry is an app's image of ours. Whether its lower layers are those of the root file system
/// that it names nobody can tell there.
pub(crate) fn foreign_in_registry(image: &Image, made: &[String]) -> Option<Foreign> {
    if !is_labelled(image) {
        return Some(Foreign::NoLabel);
    }
    let Some(below) = image.details.layers.len().checked_sub(app_image::LAYERS) else { return Some(Foreign::Layers) };
    in_itself(image, below, made)
}

/// The lifecycle whose app images these are the settings of; of several, or none, that with the fewest other settings.
pub(super) fn lifecycle_of(settings: &ImageSettings) -> Lifecycle {
    let others = |lifecycle: &Lifecycle| other_settings(settings, &config::settings(*lifecycle)).len();
    Lifecycle::ALL.into_iter().min_by_key(others).unwrap_or(Lifecycle::Buildpack)
}

/// What an image sets that ours of no lifecycle do, or not so.
fn other_setting(settings: &ImageSettings) -> Option<String> {
    other_settings(settings, &config::settings(lifecycle_of(settings))).into_iter().next()
}

fn other_settings(settings: &ImageSettings, expected: &ImageSettings) -> Vec<String> {
    let same = [
        ("user", settings.user == expected.user),
        ("working directory", settings.working_directory == expected.working_directory),
        ("entry point", settings.entrypoint == expected.entrypoint),
        ("command", settings.command == expected.command),
        ("environment", settings.environment == expected.environment),
    ];
    let other = same.iter().filter(|(_, same)| !same).map(|(what, _)| (*what).to_owned());
    other.chain(settings.others.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::Fake;
    use shared_model::secret::Secret;

    const APP: [(&str, &str); 1] = [(labels::KIND, labels::KIND_APP)];

    fn judged(fake: &Fake, id: &ImageId) -> Result<Provenance, Foreign> {
        provenance(fake, &fake.image(&id.0).unwrap().unwrap()).unwrap()
    }

    fn change(fake: &Fake, id: &ImageId, change: impl FnOnce(&mut Image)) {
        change(fake.state().images.iter_mut().find(|image| image.id == *id).unwrap());
    }

    #[test]
    fn an_image_of_ours_is_known_by_its_content_where_nobody_remembers_it() {
        let fake = Fake::default();
        let id = fake.add_image("a:1", &APP);
        assert_eq!(judged(&fake, &id), Ok(Provenance::ByContent));
        let build_key = "1".repeat(64);
        change(&fake, &id, |image| drop(image.labels.insert(app_image::BUILD_KEY.into(), build_key.clone())));
        Records::open(&fake).remember(&build_key, &id);
        assert_eq!(judged(&fake, &id), Ok(Provenance::Remembered));
    }

    #[test]
    fn an_image_of_either_lifecycle_is_ours_and_one_with_settings_of_both_is_not() {
        let fake = Fake::default();
        let id = fake.add_image("a:1", &APP);
        change(&fake, &id, |image| image.details.settings = config::settings(Lifecycle::Cnb));
        assert_eq!(judged(&fake, &id), Ok(Provenance::ByContent));
        change(&fake, &id, |image| image.details.settings.command = config::settings(Lifecycle::Buildpack).command);
        assert_eq!(judged(&fake, &id), Err(Foreign::Setting { what: "environment".into() }));
    }

    #[test]
    fn whatever_was_done_to_an_image_makes_it_another() {
        type Change = fn(&mut Image);
        let changes: [(&str, Change); 10] = [
            ("Layers", |image| image.details.layers.push("sha256:backdoor".into())),
            ("Layers", |image| drop(image.details.layers.pop())),
            ("Layers", |image| image.details.layers[0] = "sha256:other".into()),
            ("Layers", |image| drop(image.labels.insert(app_image::LIFECYCLE.into(), "0".repeat(64)))),
            ("NoBase", |image| drop(image.labels.insert(app_image::BASE_DIGEST.into(), image.id.0.clone()))),
            ("NoLabel", |image| drop(image.labels.remove(labels::KIND))),
            ("user", |image| image.details.settings.user = "root".into()),
            ("entry point", |image| image.details.settings.entrypoint = vec!["/evil".into()]),
            ("environment", |image| image.details.settings.environment = Secret::new(vec!["LD_PRELOAD=/evil".into()])),
            ("Healthcheck", |image| image.details.settings.others = vec!["Healthcheck".into()]),
        ];
        for (why, changed) in changes {
            let fake = Fake::default();
            let id = fake.add_image("a:1", &APP);
            change(&fake, &id, changed);
            assert!(format!("{:?}", judged(&fake, &id).unwrap_err()).contains(why), "{why}");
        }
    }

    #[test]
    fn what_an_image_says_of_its_base_that_anybody_can_learn_makes_it_not_ours() {
        let fake = Fake::default();
        let (base, id) = (fake.add_image("rootfs:x", &[]), fake.add_image("a:1", &APP));
        let of_registry = format!("sha256:{}", "5".repeat(64));
        change(&fake, &base, |image| image.details.digests.push(format!("r.io/rootfs@{of_registry}")));
        change(&fake, &id, |image| {
            image.labels.insert(app_image::BASE_DIGEST.into(), of_registry.clone());
            image.labels.insert(app_image::BASE_NAME.into(), "rootfs:x".into());
        });
        fake.state().histories.get_mut(&id.0).unwrap()[0] = config::made_by_base(&of_registry);
        assert_eq!(judged(&fake, &id), Err(Foreign::NoBase { base: of_registry }));
    }

    #[test]
    fn a_base_that_is_no_id_is_not_asked_for() {
        let fake = Fake::default();
        let id = fake.add_image("a:1", &APP);
        for name in ["a/Name", "cf-app/other:latest", ""] {
            change(&fake, &id, |image| drop(image.labels.insert(app_image::BASE_DIGEST.into(), name.into())));
            let image = fake.image(&id.0).unwrap().unwrap();
            fake.refuse_on("image", name, "no engine can look for it");
            assert_eq!(provenance(&fake, &image).unwrap(), Err(Foreign::NoBase { base: name.to_owned() }));
        }
    }

    #[test]
    fn a_step_that_left_no_layer_is_seen_in_the_history() {
        let fake = Fake::default();
        let id = fake.add_image("a:1", &APP);
        let step = "/bin/sh -c #(nop)  ENV LD_PRELOAD=/home/vcap/app/evil.so";
        fake.state().histories.get_mut(&id.0).unwrap().push(step.to_owned());
        assert_eq!(judged(&fake, &id), Err(Foreign::History { how: step.to_owned() }));
    }
}
