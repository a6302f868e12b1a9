//! A base in a registry.

use super::documents::{Documents, Reader};
use super::found::{Base, BaseLayer, BaseLayers, OpenLayer};
use crate::engine::{Image, ImageId, Platform};
use crate::image::ImageError;
use crate::image::oci::{Descriptor, is_digest};
use crate::image::sha256::sha256_of_bytes;
use crate::image::stop::Stop;
use crate::registry::reference::Reference;
use crate::registry::repository::Repository;
use std::io::Read;

/// The base that `reference` names, which lies in `repository`.
pub(super) fn open(
    reference: &Reference,
    repository: Box<dyn Repository + Send>,
    platform: &Platform,
) -> Result<Base, ImageError> {
    let called = reference.name();
    let reader = Reader { called, platform, documents: &InRepository { repository: &*repository } };
    let tag = reference.parts().1;
    let missing = || reader.refused(&format!("{} has no such image", repository.registry()));
    let found = repository.manifest(tag)?.ok_or_else(missing)?;
    if is_digest(tag) && format!("sha256:{}", sha256_of_bytes(&found.bytes)) != tag {
        return Err(ImageError::OtherBytes { what: called.to_owned(), digest: tag.to_owned() });
    }
    let described = reader.describe(&found.bytes)?;
    let image = Image { id: ImageId(described.digest), ..described.image };
    let layers = described.layers.into_iter().map(BaseLayer::Kept).collect();
    let (name, layers) = (Some(called.to_owned()), Box::new(RemoteLayers { repository, layers }));
    Ok(Base { image, history: described.history, name, layers })
}

struct InRepository<'a> {
    repository: &'a dyn Repository,
}

impl Documents for InRepository<'_> {
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        let found = self.repository.manifest(&descriptor.digest)?;
        Ok(found.map(|found| found.bytes).unwrap_or_default())
    }

    fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let read = self.repository.read_blob(&descriptor.blob())?.take(descriptor.size + 1).read_to_end(&mut bytes);
        let what = || format!("the config {} in {}", descriptor.digest, self.repository.registry());
        read.map_err(|error| ImageError::Unreadable { what: what(), reason: error.to_string() })?;
        Ok(bytes)
    }
}

struct RemoteLayers {
    repository: Box<dyn Repository + Send>,
    layers: Vec<BaseLayer>,
}

impl BaseLayers for RemoteLayers {
    fn layers(&self) -> &[BaseLayer] {
        &self.layers
    }

    fn place(&self) -> Option<(&str, &str)> {
        Some((self.repository.registry(), self.repository.path()))
    }

    fn fetch(&self, _: &[&str], _: &Stop) -> Result<(), ImageError> {
        Ok(())
    }

    fn open(&self, layer: &BaseLayer) -> Result<OpenLayer<'_>, ImageError> {
        let BaseLayer::Kept(descriptor) = layer else {
            let reason = "nobody has unpacked it".to_owned();
            return Err(ImageError::Unreadable { what: format!("layer {}", layer.digest()), reason });
        };
        Ok(OpenLayer { content: self.repository.read_blob(&descriptor.blob())?, bytes: descriptor.size })
    }
}
