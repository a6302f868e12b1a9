//! A finished image as an archive for an engine: documents that name its layers, and those layers that the engine lacks.

use super::ImageError;
use super::layer::Layer;
use super::oci::{Descriptor, LayoutDocuments, blob};
use super::sha256::sha256_of_bytes;
use super::tar_stream::TarStream;
use serde_json::json;
use std::io::Read;

/// What an archive is made of.
pub(super) struct Parts<'a> {
    pub(super) config: &'a [u8],
    /// The layers above the base's, from the lowest on.
    pub(super) layers: &'a [&'a Layer],
}

/// A stream of config, manifest and those layers that the engine has not got, in a form that it loads.
pub(super) struct Archive<'a> {
    /// The ids that the image may have, `sha256:…`: that is for the engine to choose.
    pub(super) ids: Vec<String>,
    documents: Vec<(String, Vec<u8>)>,
    layers: Vec<(String, &'a Layer)>,
}

impl<'a> Archive<'a> {
    /// As `docker save` wrote it before 25, on a base whose layers have these digests. An engine that knows layers by
    /// their digests looks for one here only where it has none of that digest on the same layers below.
    pub(super) fn docker(parts: &Parts<'a>, base: &[String]) -> Self {
        let file = |digest: &str| format!("{digest}.tar");
        let layers: Vec<(String, &Layer)> = parts.layers.iter().map(|layer| (file(&layer.sha256), *layer)).collect();
        let below = base.iter().map(|digest| file(digest.trim_start_matches("sha256:")));
        let files: Vec<String> = below.chain(layers.iter().map(|(name, _)| name.clone())).collect();
        let manifest = json!([{ "Config": "config.json", "RepoTags": null, "Layers": files }]).to_string();
        let documents =
            vec![("manifest.json".to_owned(), manifest.into()), ("config.json".to_owned(), parts.config.to_vec())];
        Self { ids: vec![format!("sha256:{}", sha256_of_bytes(parts.config))], documents, layers }
    }

    /// An OCI image layout, on a base with these layers. Containerd passes over what is missing here and there already,
    /// and so does Podman. The one calls the image by its manifest's digest, the other by its config's.
    pub(super) fn oci(parts: &Parts<'a>, base: &[Descriptor]) -> Self {
        let of_layer = |layer: &&Layer| Descriptor::layer(format!("sha256:{}", layer.sha256), layer.bytes);
        let layers: Vec<Descriptor> = base.iter().cloned().chain(parts.layers.iter().map(of_layer)).collect();
        let LayoutDocuments { manifest, config, documents } = LayoutDocuments::new(parts.config, &layers, None);
        let layers = parts.layers.iter().map(|layer| (blob(&layer.sha256), *layer)).collect();
        Self { ids: vec![manifest.digest, config.digest], documents, layers }
    }

    /// The archive without the first `known` of the layers.
    pub(super) fn stream(&self, known: usize) -> Result<Box<dyn Read + Send>, ImageError> {
        let mut stream = TarStream::new();
        for (name, document) in &self.documents {
            stream = stream.file(name, document.as_slice())?;
        }
        for (name, layer) in self.layers.iter().skip(known) {
            stream = stream.layer(name, layer)?;
        }
        Ok(stream.end())
    }
}
