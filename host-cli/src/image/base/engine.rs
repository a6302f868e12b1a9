//! A base on the engine. What its layers are called in a registry no engine tells for all images; so they are unpacked, and
//! compressed as ours are. Only layers that are wanted are kept, in files without a name, of one export.

use super::found::{Base, BaseLayer, BaseLayers, OpenLayer};
use crate::engine::{Engine, EngineError, Image, ImageId};
use crate::image::ImageError;
use crate::image::export::layers;
use crate::image::layer::Layer;
use crate::image::oci::chain_id;
use crate::image::stop::Stop;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The base of this name or id.
pub(super) fn open(name: &str, engine: Arc<dyn Engine>) -> Result<Base, ImageError> {
    let found = engine.image(name)?.ok_or_else(|| ImageError::BaseMissing { base: name.to_owned() })?;
    let id = found.id.clone();
    let layers = found.details.layers.iter().cloned().map(BaseLayer::Unpacked).collect();
    let image = Image { id: ImageId(chain_id(&found.details.layers)), ..found };
    let layers = EngineLayers { engine, id, layers, fetched: Mutex::default() };
    Ok(Base { image, history: Vec::new(), name: Some(name.to_owned()), layers: Box::new(layers) })
}

struct EngineLayers {
    engine: Arc<dyn Engine>,
    id: ImageId,
    layers: Vec<BaseLayer>,
    /// By digest, once they were asked for.
    fetched: Mutex<Option<BTreeMap<String, Layer>>>,
}

impl BaseLayers for EngineLayers {
    fn layers(&self) -> &[BaseLayer] {
        &self.layers
    }

    fn place(&self) -> Option<(&str, &str)> {
        None
    }

    fn fetch(&self, digests: &[&str], stop: &Stop) -> Result<(), ImageError> {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if fetched.is_none() {
            let (wanted, others): (Vec<_>, Vec<_>) =
                self.layers.iter().map(BaseLayer::digest).partition(|digest| digests.contains(digest));
            let wanted: Vec<&str> = wanted.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
            let found = layers(stop.over(self.engine.save(&self.id)?), &wanted, &others)?;
            *fetched = Some(wanted.into_iter().map(str::to_owned).zip(found).collect());
        }
        Ok(())
    }

    fn open(&self, layer: &BaseLayer) -> Result<OpenLayer<'_>, ImageError> {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let found = fetched.as_ref().and_then(|fetched| fetched.get(layer.digest()));
        let gone = || EngineError::NotFound { what: format!("layer {} of the root file system", layer.digest()) };
        let found = found.ok_or_else(gone)?;
        Ok(OpenLayer { content: Box::new(found.content()), bytes: found.bytes })
    }
}
