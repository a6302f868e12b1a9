//! An image gets its names when all of it is there: all of them, or none.

use crate::engine::{EngineError, Image, ImageId, Images};
use crate::image::ImageError;
use crate::image::provenance::remove_if_ours;
use shared_model::event::Event;

/// An image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeImage {
    /// Its first name.
    pub(crate) name: String,
    /// Its id there.
    pub(crate) id: ImageId,
    /// With all layers.
    pub(crate) bytes: u64,
}

impl MadeImage {
    /// That it is there.
    pub(crate) fn event(&self) -> Event {
        Event::Image { name: self.name.clone(), id: self.id.0.clone(), bytes: self.bytes }
    }
}

/// An image that is there, but not under the names that it is to get.
#[derive(Debug)]
pub(crate) struct UntaggedImage {
    /// Its id there.
    pub(crate) id: ImageId,
    /// Those names; the first is what people read.
    pub(crate) names: Vec<String>,
    /// The sha256 of the droplet that it was made of, in hexadecimal digits; empty for an image of something else.
    pub(crate) droplet: String,
}

/// Gives the image its names: all of them, or none and it is removed.
pub(crate) fn tag(
    engine: &dyn Images,
    UntaggedImage { id, names, droplet: _ }: UntaggedImage,
) -> Result<MadeImage, ImageError> {
    if let Err(refused) = give(engine, &id, &names) {
        engine.remove_dangling(&id)?;
        return Err(refused.into());
    }
    let gone = || EngineError::NotFound { what: format!("the image that was just made ({})", id.0) };
    let image = engine.image(&id.0)?.ok_or_else(gone)?;
    Ok(MadeImage { name: names.into_iter().next().unwrap_or_default(), id, bytes: image.bytes })
}

/// Gives `image` the names, and removes images of ours that have no name left. Where one name is refused, those that were
/// given go back to where they were.
fn give(engine: &dyn Images, image: &ImageId, names: &[String]) -> Result<(), EngineError> {
    let bearers: Vec<Option<Image>> = names.iter().map(|name| engine.image(name)).collect::<Result<_, _>>()?;
    for (given, name) in names.iter().enumerate() {
        if let Err(refused) = engine.tag(image, name) {
            for (name, bearer) in names.iter().zip(&bearers).take(given) {
                // What is wrong is said already; more of the same would hide it.
                let _ = match bearer {
                    Some(bearer) => engine.tag(&bearer.id, name),
                    None => engine.untag(name),
                };
            }
            return Err(refused);
        }
    }
    for nameless in bearers.iter().flatten().filter(|bearer| bearer.id != *image) {
        remove_if_ours(engine, &nameless.id)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::Fake;

    fn names_of(fake: &Fake, image: &ImageId) -> Vec<String> {
        fake.image(&image.0).unwrap().map_or_else(Vec::new, |image| image.tags)
    }

    #[test]
    fn names_move_and_what_lost_its_last_one_goes() {
        let fake = Fake::default();
        let old = fake.add_image("mine:latest", &[("stager.kind", "app")]);
        let new = fake.add_image("being:made", &[("stager.kind", "app")]);
        give(&fake, &new, &["mine:1".to_owned(), "mine:latest".to_owned()]).unwrap();
        assert_eq!(names_of(&fake, &new), ["being:made", "mine:1", "mine:latest"]);
        assert_eq!(fake.image(&old.0).unwrap(), None);
    }

    #[test]
    fn where_one_name_is_refused_all_are_as_they_were() {
        let fake = Fake::default();
        let old = fake.add_image("mine:latest", &[("stager.kind", "app")]);
        let new = fake.add_image("being:made", &[("stager.kind", "app")]);
        fake.refuse_on("tag", "mine:2", "no");
        let names = ["mine:1", "mine:latest", "mine:2"].map(str::to_owned);
        assert!(give(&fake, &new, &names).unwrap_err().to_string().contains("no"));
        assert_eq!(
            (names_of(&fake, &old), names_of(&fake, &new)),
            (vec!["mine:latest".into()], vec!["being:made".into()])
        );
    }
}
