//! Images on their way into an engine and out of it.

use crate::engine::containers::ContainerId;
use crate::engine::engine_error::EngineError;
use crate::engine::images::ImageId;
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

/// How images come into an engine and out of it. Every call blocks, and may be made from any thread.
pub(crate) trait ImageTransfer: Send + Sync {
    /// Builds an image without a name from a build context (a tar), and reads the answer to its end: an error in it is
    /// an error. A build that fails leaves neither containers nor dangling images.
    fn build(&self, context: Box<dyn Read + Send>) -> Result<ImageId, EngineError>;

    /// Takes in an archive of images (a tar), and reads the answer to its end: an error in it is an error.
    fn load(&self, archive: Box<dyn Read + Send>) -> Result<(), EngineError>;

    /// An image as an archive, in the form that the engine itself prefers.
    fn save(&self, image: &ImageId) -> Result<Box<dyn Read + Send>, EngineError>;

    /// Pushes the image that bears this name to the registry that the name says, tells `hear` of its layers, and reads the
    /// answer to its end: an error in it is an error. The digest of the manifest: `sha256:…`.
    fn push(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        hear: &mut dyn FnMut(LayerProgress),
    ) -> Result<String, EngineError>;

    /// Gets an image from the registry that the name says, tells `hear` of its layers, and reads the answer to its end: an
    /// error in it is an error. It bears the name then, unless that holds a digest.
    fn pull(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        hear: &mut dyn FnMut(LayerProgress),
    ) -> Result<(), EngineError>;

    /// The digest that the registry itself has under this name; `None` where that cannot be found out.
    fn digest_in_registry(&self, reference: &Reference, credentials: &Credentials) -> Option<String>;

    /// Makes an image without a name of a container that has ended. Its files become one layer.
    fn commit(&self, container: &ContainerId, options: &CommitOptions) -> Result<ImageId, EngineError>;
}

/// What an image made of a container is to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CommitOptions {
    /// The image whose entry point and command the new one gets: the container's own image. Those of the container were
    /// for one run.
    pub(crate) like: String,
    /// Labels; with those of that image, and with those of the container where neither has them.
    pub(crate) labels: BTreeMap<String, String>,
}

/// What an engine tells of one layer while it pushes or pulls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerProgress {
    /// A short id, by which the layer is known during this transfer only.
    pub(crate) layer: String,
    /// What becomes of it.
    pub(crate) state: LayerState,
}

/// What becomes of a layer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LayerState {
    /// It will have its turn.
    Waiting,
    /// So many bytes of so many were sent, or have come, as the engine counts; what is sent mostly uncompressed. `total` may be
    /// too low.
    Sending { bytes: u64, total: u64 },
    /// It was sent, or has come.
    Sent,
    /// The registry had it, here or in another repository; or the engine.
    Known,
    /// It could not be sent or got, and is tried again after this time.
    Again { wait: Duration },
}
