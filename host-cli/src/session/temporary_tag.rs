//! A name that an image bears for the time being: an engine pushes what bears the name that it is to get in the registry.

use crate::engine::{EngineError, ImageId, Images};
use crate::image::provenance::remove_if_ours;
use crate::labels;
use crate::registry::image_name::full_name;
use std::collections::BTreeMap;

/// A name, who bears it now, and who bore it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemporaryTag {
    /// The name, `repository:tag`.
    pub(crate) name: String,
    /// Who bears it now.
    image: ImageId,
    /// Who bore it before.
    bearer: Option<ImageId>,
}

impl TemporaryTag {
    /// What it takes to give the name to the image; `None` where it bears it already. Nothing is done yet.
    pub(super) fn wanted(engine: &dyn Images, image: &ImageId, name: &str) -> Result<Option<Self>, EngineError> {
        let bearer = engine.image(name)?.map(|bearer| bearer.id);
        let bears = bearer.as_ref() == Some(image);
        Ok((!bears).then(|| Self { name: name.to_owned(), image: image.clone(), bearer }))
    }

    /// Gives the name to the image; `None` where it bears it already.
    pub(super) fn tag(engine: &dyn Images, image: &ImageId, name: &str) -> Result<Option<Self>, EngineError> {
        let lent = Self::wanted(engine, image, name)?;
        lent.iter().try_for_each(|lent| engine.tag(image, &lent.name))?;
        Ok(lent)
    }

    /// So that another host-cli can take it back, should this one be killed.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let bearer = self.bearer.iter().map(|bearer| (labels::LENT_FROM, whole(bearer)));
        [(labels::LENT, self.name.clone()), (labels::LENT_TO, whole(&self.image))]
            .into_iter()
            .chain(bearer)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// What [`Self::labels`] tell; `None` for anything else, such as a name where an id belongs.
    pub(super) fn from_labels(labels: &BTreeMap<String, String>) -> Option<Self> {
        let id = |name| labels.get(name).cloned().map(ImageId).filter(ImageId::is_whole);
        let name = labels.get(labels::LENT).filter(|name| full_name(name).as_ref() == Some(*name))?;
        let (image, bearer) = (id(labels::LENT_TO)?, id(labels::LENT_FROM));
        let is_whole = bearer.is_some() == labels.get(labels::LENT_FROM).is_some_and(|from| !from.is_empty());
        is_whole.then(|| Self { name: name.clone(), image, bearer })
    }

    /// Whether the image bears the name.
    pub(super) fn is_out(&self, engine: &dyn Images) -> Result<bool, EngineError> {
        bears(engine, &self.image, &self.name)
    }

    /// The name goes back to where it was. An image that has no other keeps it: without a name it would be lost. A name
    /// that somebody else has given away meanwhile is not ours any more.
    pub(super) fn take_back(&self, engine: &dyn Images) -> Result<(), EngineError> {
        if !self.is_out(engine)? {
            return Ok(());
        }
        match &self.bearer {
            Some(bearer) => engine.tag(bearer, &self.name),
            None => match engine.image(&self.image.0)? {
                Some(image) if image.tags.len() > 1 => engine.untag(&self.name),
                _ => Ok(()),
            },
        }
    }

    /// The name stays; who bore it before goes, if it was ours and that was its last.
    pub(super) fn given_for_good(&self, engine: &dyn Images) -> Result<(), EngineError> {
        self.bearer.iter().try_for_each(|bearer| remove_if_ours(engine, bearer))
    }
}

/// An id as engines tell it, with its algorithm: Podman leaves that out here and there.
fn whole(ImageId(id): &ImageId) -> String {
    if id.contains(':') { id.clone() } else { format!("sha256:{id}") }
}

/// Whether the image bears the name now. Both are looked up, since an engine may write ids in more than one way.
pub(crate) fn bears(engine: &dyn Images, image: &ImageId, name: &str) -> Result<bool, EngineError> {
    let id = |reference: &str| engine.image(reference).map(|found| found.map(|image| image.id));
    let bearer = id(name)?;
    Ok(bearer.is_some() && bearer == id(&image.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::Fake;

    const APP: [(&str, &str); 1] = [("stager.kind", "app")];

    fn names(fake: &Fake, image: &ImageId) -> Vec<String> {
        fake.image(&image.0).unwrap().map_or_else(Vec::new, |image| image.tags)
    }

    #[test]
    fn a_name_goes_back_to_where_it_was() {
        let fake = Fake::default();
        let (old, new) = (fake.add_image("r/a:1", &APP), fake.add_image("mine:1", &APP));
        let lent = TemporaryTag::tag(&fake, &new, "r/a:1").unwrap().unwrap();
        assert_eq!((names(&fake, &new).len(), names(&fake, &old).len()), (2, 0));
        lent.take_back(&fake).unwrap();
        assert_eq!((names(&fake, &new), names(&fake, &old)), (vec!["mine:1".into()], vec!["r/a:1".into()]));

        let lent = TemporaryTag::tag(&fake, &new, "r/b:1").unwrap().unwrap();
        lent.take_back(&fake).unwrap();
        assert_eq!(names(&fake, &new), ["mine:1"]);
    }

    #[test]
    fn a_name_that_stays_costs_its_former_bearer_its_place() {
        let fake = Fake::default();
        let (old, new) = (fake.add_image("r/a:1", &APP), fake.add_image("mine:1", &APP));
        TemporaryTag::tag(&fake, &new, "r/a:1").unwrap().unwrap().given_for_good(&fake).unwrap();
        assert_eq!((names(&fake, &new).len(), fake.image(&old.0).unwrap()), (2, None));
    }

    #[test]
    fn a_name_that_somebody_else_has_given_away_meanwhile_stays_there() {
        for former in [true, false] {
            let fake = Fake::default();
            let (new, others) = (fake.add_image("mine:1", &APP), fake.add_image("others:1", &APP));
            if former {
                fake.add_image("r/a:1", &APP);
            }
            let lent = TemporaryTag::tag(&fake, &new, "r/a:1").unwrap().unwrap();
            fake.tag(&others, "r/a:1").unwrap();
            assert!(!bears(&fake, &new, "r/a:1").unwrap());
            lent.take_back(&fake).unwrap();
            assert_eq!((names(&fake, &new).len(), names(&fake, &others).len()), (1, 2));
        }
    }

    #[test]
    fn the_only_name_of_an_image_is_not_taken_from_it() {
        let fake = Fake::default();
        let image = fake.add_image("x", &APP);
        fake.state().images[0].tags.clear();
        TemporaryTag::tag(&fake, &image, "r/a:1").unwrap().unwrap().take_back(&fake).unwrap();
        assert_eq!(names(&fake, &image), ["r/a:1"]);
        assert_eq!(TemporaryTag::tag(&fake, &image, "r/a:1").unwrap(), None);
    }
}
