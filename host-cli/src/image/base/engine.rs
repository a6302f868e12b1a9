//! A base on the engine. What its layers are called in a registry no engine tells for all images; so they are unpacked, and
//! compressed as ours are. Only layers that are wanted are kept, in files without a name, of one export.

use super::found::{Base, BaseLayer, BaseLayers, OpenLayer};
use crate::engine::{Engine, EngineError, Image, ImageId};
use crate::image::ImageError;
use crate::image::export::{config_of, layers, layers_and_config};
use crate::image::layer::Layer;
use crate::image::oci::chain_id;
use crate::image::stop::Stop;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The base of this name or id.
pub(super) fn open(name: &str, engine: Arc<dyn Engine>) -> Result<Base, ImageError> {
    let found = engine.image(name)?.ok_or_else(|| ImageError::BaseMissing { base: name.to_owned() })?;
    let layers = Arc::new(EngineLayers::new(engine, &found, false));
    Ok(base(name, found, layers))
}

/// An image of the engine that is to go elsewhere as it is, and its config.
pub(super) fn itself(image: &Image, engine: Arc<dyn Engine>) -> (Base, EngineConfig) {
    let layers = Arc::new(EngineLayers::new(engine, image, true));
    (base(&image.id.0, image.clone(), Arc::clone(&layers)), EngineConfig(layers))
}

fn base(name: &str, found: Image, layers: Arc<EngineLayers>) -> Base {
    let image = Image { id: ImageId(chain_id(&found.details.layers)), ..found };
    Base { image, history: Vec::new(), name: Some(name.to_owned()), layers: Box::new(layers) }
}

/// The config of an image that the engine has.
pub(crate) struct EngineConfig(Arc<EngineLayers>);

impl EngineConfig {
    /// To the byte; out of the export that had the layers, if one was wanted.
    pub(in crate::image) fn bytes(&self, stop: &Stop) -> Result<Vec<u8>, ImageError> {
        let EngineLayers { engine, image, exported, .. } = &*self.0;
        let mut exported = exported.lock().unwrap_or_else(PoisonError::into_inner);
        match exported.as_mut().and_then(|exported| exported.config.take()) {
            Some(config) => Ok(config),
            None => config_of(stop.over(engine.save(&image.id)?), image),
        }
    }
}

struct EngineLayers {
    engine: Arc<dyn Engine>,
    /// As the engine calls it.
    image: Image,
    layers: Vec<BaseLayer>,
    /// Whether its config will be asked for: then an export is read until that has come.
    config_too: bool,
    /// Once something was asked for.
    exported: Mutex<Option<Exported>>,
}

struct Exported {
    /// By digest.
    layers: BTreeMap<String, Layer>,
    config: Option<Vec<u8>>,
}

impl EngineLayers {
    /// Nothing is exported yet.
    fn new(engine: Arc<dyn Engine>, image: &Image, config_too: bool) -> Self {
        let layers = image.details.layers.iter().cloned().map(BaseLayer::Unpacked).collect();
        Self { engine, image: image.clone(), layers, config_too, exported: Mutex::default() }
    }

    fn export(&self, wanted: &[&str], others: &[String], stop: &Stop) -> Result<Exported, ImageError> {
        let export = stop.over(self.engine.save(&self.image.id)?);
        let (found, config) = if self.config_too {
            let (layers, config) = layers_and_config(export, wanted, others, &self.image)?;
            (layers, Some(config))
        } else {
            (layers(export, wanted, others)?, None)
        };
        Ok(Exported { layers: wanted.iter().map(|digest| (*digest).to_owned()).zip(found).collect(), config })
    }
}

impl BaseLayers for Arc<EngineLayers> {
    fn layers(&self) -> &[BaseLayer] {
        &self.layers
    }

    fn place(&self) -> Option<(&str, &str)> {
        None
    }

    fn fetch(&self, digests: &[&str], stop: &Stop) -> Result<(), ImageError> {
        let mut exported = self.exported.lock().unwrap_or_else(PoisonError::into_inner);
        if exported.is_none() {
            let (wanted, others): (Vec<_>, Vec<_>) =
                self.layers.iter().map(BaseLayer::digest).partition(|digest| digests.contains(digest));
            let wanted: Vec<&str> = wanted.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
            *exported = Some(self.export(&wanted, &others, stop)?);
        }
        Ok(())
    }

    fn open(&self, layer: &BaseLayer) -> Result<OpenLayer<'_>, ImageError> {
        let exported = self.exported.lock().unwrap_or_else(PoisonError::into_inner);
        let found = exported.as_ref().and_then(|exported| exported.layers.get(layer.digest()));
        let gone = || EngineError::NotFound { what: format!("layer {} of the root file system", layer.digest()) };
        let found = found.ok_or_else(gone)?;
        Ok(OpenLayer { content: Box::new(found.content()), bytes: found.bytes })
    }
}
