//! A base on the engine. What its layers are called in a registry no engine tells for all images; so they are unpacked, and
//! compressed as ours are. Only layers that are wanted are kept, in files without a name, of one export.

use super::found::{Base, BaseLayer, BaseLayers, OpenLayer};
use crate::engine::{Engine, EngineError, Image, ImageId};
use crate::image::ImageError;
use crate::image::export::engine_export::{each_file, inflated, unusable};
use crate::image::layer::Layer;
use crate::image::oci::chain_id;
use crate::image::sha256::Hashing;
use crate::image::stop::Stop;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The base of this name or id.
pub(super) fn open(name: &str, engine: Arc<dyn Engine>) -> Result<Base, ImageError> {
    let found = engine.image(name)?.ok_or_else(|| ImageError::BaseMissing { base: name.to_owned() })?;
    let id = found.id.clone();
    let layers = found.details.layers.iter().cloned().map(BaseLayer::Unpacked).collect();
    let image = Image { id: ImageId(chain_id(&found.details.layers)), ..found };
    let layers = EngineLayers { engine, id, layers, fetched: Mutex::default() };
    Ok(Base { image, name: Some(name.to_owned()), layers: Box::new(layers) })
}

struct EngineLayers {
    engine: Arc<dyn Engine>,
    id: ImageId,
    layers: Vec<BaseLayer>,
    /// By digest, once they were asked for.
    fetched: Mutex<Option<BTreeMap<String, Layer>>>,
}

impl EngineLayers {
    fn of_export(&self, digests: &[&str], stop: &Stop) -> Result<BTreeMap<String, Layer>, ImageError> {
        let mut found = BTreeMap::new();
        let mut unread = false;
        let outcome = each_file::<Ended>(stop.over(self.engine.save(&self.id)?), |_, content| {
            match unpacked(content)? {
                Some(layer) if digests.contains(&&*format!("sha256:{}", layer.sha256)) => {
                    found.insert(format!("sha256:{}", layer.sha256), layer);
                }
                Some(_) => {}
                None => unread = true,
            }
            if digests.iter().all(|digest| found.contains_key(*digest)) { Err(Ended::Early) } else { Ok(()) }
        });
        match outcome {
            Ok(()) | Err(Ended::Early) => {}
            Err(Ended::Badly(error)) => return Err(error),
        }
        match digests.iter().find(|digest| !found.contains_key(**digest)) {
            None => Ok(found),
            Some(digest) if unread => {
                Err(unusable(format!("layer {digest} is compressed in a way that cannot be undone here")))
            }
            Some(digest) => Err(unusable(format!("no layer in it has the digest {digest}"))),
        }
    }
}

/// Why an export is read no further.
enum Ended {
    /// All that is wanted is here.
    Early,
    Badly(ImageError),
}

impl From<ImageError> for Ended {
    fn from(error: ImageError) -> Self {
        Self::Badly(error)
    }
}

/// A file of an export as a layer would be unpacked; `None` for a compression that cannot be undone here.
fn unpacked(content: &mut dyn Read) -> Result<Option<Layer>, ImageError> {
    let Some(mut content) = inflated(content).map_err(|error| unusable(error.to_string()))? else { return Ok(None) };
    let spool = |error: io::Error| ImageError::spool(&error);
    let mut layer = Hashing::new(BufWriter::with_capacity(256 << 10, tempfile::tempfile().map_err(spool)?));
    let mut buffer = vec![0; 256 << 10];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => layer.write_all(&buffer[..length]).map_err(spool)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Compressed, but not as a whole: no layer of anybody.
            Err(_) => break,
        }
    }
    let (file, sha256, bytes) = layer.finish();
    let file = file.into_inner().map_err(|error| spool(error.into_error()))?;
    Ok(Some(Layer::new(file, bytes, sha256)))
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
            *fetched = Some(self.of_export(digests, stop)?);
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
