//! Of an app's images the newest stay, so that a restage costs no disk for ever. Taken is only the name that `restage` gave,
//! only from images that bear no other, and never from one that a container uses or a remembered revision is started from. What a launch made of an image goes with that.

use crate::backend::docker::ours::sort_newest_first;
use crate::backend::docker::wishes::wishes;
use crate::engine::{EngineError, Image};
use crate::image::app_image;
use crate::image::provenance::{is_labelled, provenance};
use crate::labels;
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::plain_line::escape_control;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;

/// How many of an app's images stay where the user does not say.
const USUAL: usize = 5;

/// Removes images of the app beyond its newest `keep` (`None`: five). What cannot be removed stays, and is told of.
pub(crate) fn remove(session: &Session, app_guid: &str, keep: Option<NonZeroUsize>) {
    if app_guid.is_empty() {
        return; // nobody's
    }
    let keep = keep.map_or(USUAL, NonZeroUsize::get);
    let remembered: BTreeSet<String> = match wishes(&*session.engine).map_or(Ok(None), |wishes| wishes.of(app_guid)) {
        Ok(wish) => {
            wish.as_ref().map(|wish| wish.images().into_iter().map(str::to_owned).collect()).unwrap_or_default()
        }
        Err(error) => {
            let text =
                format!("the app's older images are kept: which of them `rollback` needs cannot be told: {error}");
            session.emit(Event::Warning { text });
            return;
        }
    };
    let removed = older(session, app_guid, keep).and_then(|mut older| {
        older.retain(|image| !remembered.contains(&image.id.0));
        let mut removed = 0;
        for image in &older {
            removed += usize::from(remove_one(session, image)?);
        }
        Ok(removed)
    });
    match removed {
        Ok(0) => {}
        Ok(count) => {
            let images = if count == 1 { "1 older image".to_owned() } else { format!("{count} older images") };
            let text = format!("Removed {images} of the app; kept the newest {keep} (--keep-images)");
            session.emit(Event::Note { text });
        }
        Err(error) => {
            session.emit(Event::Warning { text: format!("the app's older images are kept: {error}") });
        }
    }
}

fn older(session: &Session, app_guid: &str, keep: usize) -> Result<Vec<Image>, EngineError> {
    let mut images = Vec::new();
    for listed in session.engine.images_labelled(labels::APP_GUID, app_guid)?.iter().filter(|image| is_labelled(image))
    {
        images.extend(session.engine.image(&listed.id.0)?);
    }
    sort_newest_first(&mut images);
    let (of_launches, mut older): (Vec<Image>, Vec<Image>) = images.into_iter().partition(is_of_launch);
    let kept: Vec<Image> = older.drain(..keep.min(older.len())).collect();
    let droplet = |image: &Image| image.labels.get(app_image::DROPLET).cloned();
    let droplets: Vec<Option<String>> = kept.iter().map(droplet).collect();
    older.extend(of_launches.into_iter().filter(|image| !droplets.contains(&droplet(image))));
    Ok(older)
}

/// Whether all that it is called is what a launch called it that put it upon another root file system.
fn is_of_launch(image: &Image) -> bool {
    !image.tags.is_empty() && image.tags.iter().all(|tag| app_image::is_on_stack(tag))
}

/// Whether it is gone.
fn remove_one(session: &Session, image: &Image) -> Result<bool, EngineError> {
    let is_our_name = |tag: &String| app_image::is_of_droplet(tag) || app_image::is_on_stack(tag);
    let has_our_names_alone = !image.tags.is_empty() && image.tags.iter().all(is_our_name);
    if !has_our_names_alone || session.engine.is_used(&image.id)? || provenance(&*session.engine, image)?.is_err() {
        return Ok(false);
    }
    for tag in &image.tags {
        if let Err(error) = session.engine.untag(tag) {
            let text = format!("the older image {} is kept: {error}", escape_control(tag));
            session.emit(Event::Warning { text });
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::container_spec::ContainerSpec;
    use crate::engine::fake::Fake;
    use crate::plan::wish::AppWish;
    use crate::plan::wish::samples::launched;
    use jiff::Timestamp;
    use std::sync::Arc;

    const GUID: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";

    fn droplet(number: usize) -> String {
        format!("cf-app/a-18c50a86:droplet-{number:012x}")
    }

    /// An engine with so many images of the app, the last of which is `latest`.
    fn with_images(count: usize) -> Arc<Fake> {
        let fake = Arc::<Fake>::default();
        for number in 0..count {
            add(&fake, &droplet(number), GUID);
        }
        fake.state().images.last_mut().unwrap().tags.push("cf-app/a-18c50a86:latest".to_owned());
        fake
    }

    fn add(fake: &Fake, tag: &str, guid: &str) {
        fake.add_image(tag, &[(labels::KIND, labels::KIND_APP), (labels::APP_GUID, guid)]);
    }

    fn left(fake: &Arc<Fake>, keep: Option<usize>) -> Vec<String> {
        let engine: Arc<dyn Engine> = Arc::<Fake>::clone(fake);
        remove(&Session::silent(engine), GUID, keep.and_then(NonZeroUsize::new));
        fake.state().images.iter().filter_map(|image| image.tags.first().cloned()).collect()
    }

    #[test]
    fn the_newest_stay() {
        let fake = with_images(8);
        assert_eq!(left(&fake, None), (3..8).map(droplet).collect::<Vec<_>>());
        assert_eq!(left(&fake, Some(1)), [droplet(7)]);
        assert_eq!(left(&fake, Some(1)), [droplet(7)], "there is nothing more to remove");
    }

    #[test]
    fn what_a_remembered_revision_is_started_from_stays_and_where_that_cannot_be_told_all_do() {
        let fake = with_images(4);
        let image = fake.state().images[1].id.0.clone();
        let kept = wishes(&*fake).unwrap();
        let launch = |wish| Some(AppWish::launched(wish, launched("web", &image, "{}"), Timestamp::UNIX_EPOCH));
        kept.change(GUID, launch).unwrap();
        assert_eq!(left(&fake, Some(1)), [droplet(1), droplet(3)]);
        add(&fake, &droplet(9), GUID);
        let file = fake.records().unwrap().join("apps").join(crate::wishes::name(GUID));
        std::fs::write(file, "{").unwrap();
        assert_eq!(left(&fake, Some(1)).len(), 3);
        kept.forget(GUID).unwrap();
        assert_eq!(left(&fake, Some(1)).len(), 1);
    }

    #[test]
    fn what_launches_made_of_an_image_takes_nobodys_place_and_goes_with_it() {
        let fake = with_images(3);
        let on_stack = |number: usize| format!("{}-on-cflinuxfs5", droplet(number));
        for number in 0..3 {
            let sha256 = format!("{number:064x}");
            let labels =
                [(labels::KIND, labels::KIND_APP), (labels::APP_GUID, GUID), (app_image::DROPLET, sha256.as_str())];
            fake.add_image(&on_stack(number), &labels);
            fake.state().images[number].labels.insert(app_image::DROPLET.to_owned(), sha256);
        }
        assert_eq!(left(&fake, Some(2)), [droplet(1), droplet(2), on_stack(1), on_stack(2)]);
    }

    #[test]
    fn what_a_container_uses_or_somebody_named_or_built_stays() {
        let fake = with_images(8);
        let spec = ContainerSpec { image: droplet(0), ..ContainerSpec::default() };
        fake.create(None, &spec).unwrap();
        fake.state().images[2].tags.push("registry.example.com/a:1".to_owned());
        fake.state().images[3].details.layers.push("sha256:backdoor".to_owned());
        let others = "cf-app/b-28c50a86:droplet-000000000000";
        add(&fake, others, "28c50a86");
        let left = left(&fake, Some(1));
        let stays = [droplet(0), droplet(2), droplet(3), droplet(7), others.to_owned()];
        assert_eq!(left, stays);
    }
}
