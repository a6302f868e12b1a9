//! What a test's engine is sent, and what it sends.

use super::{Fake, loaded};
use crate::engine::{CommitOptions, ContainerId, EngineError, ImageId, ImageTransfer, Images, LayerProgress};
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use std::io::{Cursor, Read};

/// The digest of everything that is pushed.
pub(crate) const DIGEST: &str = "sha256:d19e57";

impl ImageTransfer for Fake {
    fn build(&self, mut context: Box<dyn Read + Send>) -> Result<ImageId, EngineError> {
        drop(self.call("build", &[])?);
        let mut bytes = Vec::new();
        context.read_to_end(&mut bytes).unwrap();
        let id = self.add_image("", &[("stager.kind", "app")]);
        let mut state = self.state();
        state.images.iter_mut().filter(|image| image.id == id).for_each(|image| image.tags.clear());
        state.built.push(bytes);
        Ok(id)
    }

    fn load(&self, mut archive: Box<dyn Read + Send>) -> Result<(), EngineError> {
        drop(self.call("load", &[])?);
        let mut bytes = Vec::new();
        let happens = self.state().while_loading.take();
        if let Some(happens) = happens {
            happens();
        }
        if let Err(error) = archive.read_to_end(&mut bytes) {
            return Err(EngineError::Refused { doing: "load".to_owned(), reason: error.to_string() });
        }
        let mut state = self.state();
        let (image, history) = loaded::image(&bytes, state.store.as_ref());
        state.histories.insert(image.id.0.clone(), history);
        state.images.retain(|other| other.id != image.id);
        state.images.push(image);
        state.loaded.push(bytes);
        Ok(())
    }

    fn save(&self, image: &ImageId) -> Result<Box<dyn Read + Send>, EngineError> {
        let state = self.call("save", &[&image.0])?;
        Ok(Box::new(Cursor::new(state.export.clone())))
    }

    fn push(
        &self,
        reference: &Reference,
        _: &Credentials,
        hear: &mut dyn FnMut(LayerProgress),
    ) -> Result<String, EngineError> {
        let (told, others) = {
            let state = self.call("push", &[reference.name()])?;
            (state.pushing.clone(), state.named_while_pushing.clone())
        };
        told.into_iter().for_each(hear);
        if let Some(others) = others {
            self.tag(&others, reference.name())?;
        }
        Ok(DIGEST.to_owned())
    }

    fn pull(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        hear: &mut dyn FnMut(LayerProgress),
    ) -> Result<(), EngineError> {
        let user = if credentials.is_anonymous() { "" } else { credentials.origin.as_str() };
        let told = self.call("pull", &[reference.name(), user])?.pushing.clone();
        told.into_iter().for_each(hear);
        let labels = self.state().labels_of_pulled.clone();
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.add_pulled(reference, &labels);
        Ok(())
    }

    fn digest_in_registry(&self, reference: &Reference, _: &Credentials) -> Option<String> {
        let state = self.call("digest_in_registry", &[reference.name()]).ok()?;
        state.in_registry.clone().or_else(|| Some(DIGEST.to_owned())).filter(|digest| !digest.is_empty())
    }

    fn commit(&self, container: &ContainerId, options: &CommitOptions) -> Result<ImageId, EngineError> {
        drop(self.call("commit", &[&container.0])?);
        let id = self.add_image("being:made", &[]);
        let mut state = self.state();
        let made = state.images.last_mut().unwrap();
        made.tags.clear();
        made.labels.clone_from(&options.labels);
        Ok(id)
    }
}
