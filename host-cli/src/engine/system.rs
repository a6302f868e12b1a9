//! What an engine says of itself, as far as it decides what it is asked for.

use crate::engine::engine_error::EngineError;

/// What is wanted of an engine as a whole. Every call blocks, and may be made from any thread.
pub(crate) trait System: Send + Sync {
    /// What it says of itself: version, store of images, limits, machine.
    fn info(&self) -> Result<EngineInfo, EngineError>;

    /// The path of the socket at which it is spoken to; `None`: it is spoken to otherwise.
    fn socket(&self) -> Option<String>;
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineInfo {
    /// Its version, for people.
    pub(crate) version: String,
    /// How it keeps images.
    pub(crate) store: Store,
    /// Which limits of a container it keeps.
    pub(crate) limits: Limits,
    /// What its storage can bound.
    pub(crate) quota: Quota,
    /// What its machine is, in the words of `uname -m` or of Go; empty where it does not say.
    pub(crate) architecture: String,
    /// Processors of its machine; 0 where it does not say.
    pub(crate) processors: usize,
    /// Bytes of memory of its machine; 0 where it does not say.
    pub(crate) memory_bytes: u64,
}

/// What of a container's files an engine's storage can bound. Whether it does depends on more than it tells of itself (how
/// the file system is mounted): an engine may refuse all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quota {
    /// Nothing: a bound is refused, or not kept.
    #[default]
    Nothing,
    /// What the container writes.
    Written,
    /// All of its files, those of its image too, as long as it keeps count. So btrfs: Linux 6.18 was seen to mark its counts
    /// inconsistent after Docker had removed containers, and then it bounds nothing until somebody has it count anew.
    WithImage,
}

impl Quota {
    /// The bound that lets a container of an image of this size write so much; 0: none.
    pub(crate) const fn bound(self, writes: u64, image_bytes: u64) -> u64 {
        match self {
            Self::WithImage if writes > 0 => writes.saturating_add(image_bytes),
            Self::Written => writes,
            Self::Nothing | Self::WithImage => 0,
        }
    }
}

/// Which limits of a container an engine keeps. A rootless one to which no cgroups are delegated takes any limit, without a
/// word, and keeps none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The limit of memory.
    pub(crate) memory: bool,
    /// The limit of processes at once.
    pub(crate) processes: bool,
}

impl Default for Limits {
    /// Both, as nearly everywhere.
    fn default() -> Self {
        Self { memory: true, processes: true }
    }
}

/// How an engine keeps images: what it can be sent and what can be left out depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// As layers that are known by their digests, in this storage driver: `overlay2`.
    Layers(String),
    /// In containerd, with this snapshotter: `overlayfs`.
    Containerd(String),
    /// As Podman does, in this storage driver: as layers that are known by their digests, for whoever sends an OCI layout.
    Podman(String),
    /// In a way that nobody has told us of: neither Docker's own engine nor Podman.
    Unknown,
}

/// The driver, and the snapshotter, by which a kernel without overlays for everybody has them.
const THROUGH_FUSE: &str = "fuse-overlayfs";

impl Store {
    /// Whether each look at a container's file, and each write, is a call to another process.
    pub(crate) fn is_through_fuse(&self) -> bool {
        // Podman says `overlay` whatever is behind it.
        matches!(self, Self::Layers(driver) | Self::Containerd(driver) if driver == THROUGH_FUSE)
    }
}
