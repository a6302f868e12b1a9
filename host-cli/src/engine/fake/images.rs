//! The images that a test's engine keeps as values.

use super::{Fake, FakeState};
use crate::engine::{EngineError, Image, ImageDetails, ImageId, Images};
use crate::image::{app_image, config};
use crate::labels;
use crate::registry::reference::Reference;
use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use shared_model::lifecycle::Lifecycle;
use std::path::PathBuf;

/// The base of every app's image; it is always there, and no test's image.
const BASE: &str = "sha256:000000000000000000000000000000000000000000000000000000000000ba5e";
/// The one layer of every base.
const LAYER_OF_BASES: &str = "sha256:00000000000000000000000000000000000000000000000000000000000ba5e0";

impl FakeState {
    /// Gives an app's image what makes it one: [`BASE`] below it, two layers of ours with these digests, and our settings.
    fn make_as_ours_are(&mut self, image: &mut Image, [lifecycle, droplet]: [String; 2]) {
        let ours = [("lifecycle", format!("sha256:{lifecycle}")), ("droplet", format!("sha256:{droplet}"))];
        let mut history = vec![config::made_by_base(BASE)];
        history.extend(ours.iter().map(|(name, digest)| config::made_by_layer(name, digest)));
        self.histories.insert(image.id.0.clone(), history);
        image.details.layers.extend(ours.map(|(_, digest)| digest));
        image.details.settings = config::settings(Lifecycle::Buildpack);
        image.labels.entry(app_image::BASE_DIGEST.to_owned()).or_insert_with(|| BASE.to_owned());
        image.labels.entry(app_image::LIFECYCLE.to_owned()).or_insert(lifecycle);
    }
}

impl Fake {
    /// Adds an image and returns its id.
    pub(crate) fn add_image(&self, tag: &str, labels: &[(&str, &str)]) -> ImageId {
        let droplet = self.state().made + 1;
        self.add(tag, labels, [format!("{:064x}", 0x11fe), format!("{droplet:064x}")])
    }

    /// As [`Self::add_image`], of an app's whose two layers hold these bytes, and which is what the engine exports.
    pub(crate) fn add_app(&self, tag: &str, labels: &[(&str, &str)], contents: [&[u8]; 2]) -> ImageId {
        let mut export = tar::Builder::new(Vec::new());
        for (at, content) in contents.iter().enumerate() {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            export.append_data(&mut header, format!("{at}/layer.tar"), *content).unwrap();
        }
        self.state().export = export.into_inner().unwrap();
        let labels = [&[(labels::KIND, labels::KIND_APP)], labels].concat();
        self.add(tag, &labels, contents.map(|content| hex(&Sha256::digest(content))))
    }

    /// `ours` are the digests of an app's layers, in hexadecimal.
    fn add(&self, tag: &str, labels: &[(&str, &str)], ours: [String; 2]) -> ImageId {
        let mut state = self.state();
        state.made += 1;
        let id = ImageId(format!("sha256:{:064x}", state.made));
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let created = i64::try_from(state.made).unwrap();
        let tags = vec![tag.to_owned()];
        let details = ImageDetails { named: created, layers: vec![LAYER_OF_BASES.to_owned()], ..Default::default() };
        let mut image = Image { id: id.clone(), tags, labels, bytes: 1, created, details };
        if image.labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_APP) {
            state.make_as_ours_are(&mut image, ours);
        }
        state.images.push(image);
        id
    }
}

impl Fake {
    /// Adds an image that was pulled under this name.
    pub(crate) fn add_pulled(&self, reference: &Reference, labels: &[(&str, &str)]) -> ImageId {
        let id = self.add_image(reference.name(), labels);
        let digest = format!("{}@{}", reference.parts().0, id.0);
        if let Some(image) = self.state().images.iter_mut().find(|image| image.id == id) {
            image.details.digests.push(digest);
        }
        id
    }
}

impl Images for Fake {
    fn records(&self) -> Option<PathBuf> {
        Some(self.1.path().join("records"))
    }

    fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let state = self.call("image", &[reference])?;
        if reference == BASE {
            let details = ImageDetails { layers: vec![LAYER_OF_BASES.to_owned()], ..ImageDetails::default() };
            return Ok(Some(Image { id: ImageId(BASE.to_owned()), details, ..Image::default() }));
        }
        let named = |image: &&Image| {
            let names = image.tags.iter().chain(&image.details.digests);
            image.id.0 == reference || names.into_iter().any(|name| name == reference)
        };
        Ok(state.images.iter().find(named).cloned())
    }

    fn history(&self, image: &ImageId) -> Result<Option<Vec<String>>, EngineError> {
        Ok(self.call("history", &[&image.0])?.histories.get(&image.0).cloned())
    }

    fn images_labelled(&self, label: &str, value: &str) -> Result<Vec<Image>, EngineError> {
        let state = self.call("images_labelled", &[label, value])?;
        let bears = |image: &&Image| image.labels.get(label).is_some_and(|found| found == value);
        Ok(state.images.iter().rev().filter(bears).cloned().collect())
    }

    fn dangling_images(&self) -> Result<Vec<Image>, EngineError> {
        let mut state = self.call("dangling_images", &[])?;
        let late = state.taken_in_late.take();
        let is_ours = |image: &&Image| {
            image.tags.is_empty() && image.labels.contains_key("stager.kind") && late.as_ref() != Some(&image.id)
        };
        Ok(state.images.iter().filter(is_ours).cloned().collect())
    }

    fn tag(&self, image: &ImageId, name: &str) -> Result<(), EngineError> {
        let mut state = self.call("tag", &[&image.0, name])?;
        for other in &mut state.images {
            other.tags.retain(|tag| tag != name);
            if other.id == *image {
                other.tags.push(name.to_owned());
            }
        }
        Ok(())
    }

    fn untag(&self, name: &str) -> Result<(), EngineError> {
        let mut state = self.call("untag", &[name])?;
        let named = |image: &Image| image.tags.iter().any(|tag| tag == name);
        state.images.retain(|image| !named(image) || image.tags.len() > 1);
        state.images.iter_mut().for_each(|image| image.tags.retain(|tag| tag != name));
        Ok(())
    }

    fn remove_dangling(&self, image: &ImageId) -> Result<(), EngineError> {
        let mut state = self.call("remove_dangling", &[&image.0])?;
        state.images.retain(|other| other.id != *image || !other.tags.is_empty());
        Ok(())
    }
}
