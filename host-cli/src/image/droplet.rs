//! Droplet → layer: what the builder packed comes to `/home/vcap`, owned by vcap, in the archive's order, with its modes
//! and times (Python compares the times of its sources with those in its compiled files).

use super::ImageError;
use super::entries::{Stopped, below_root, each_entry};
use super::layer::{Layer, LayerWriter, Owner};
use super::read_ahead::read_ahead;
use flate2::read::MultiGzDecoder;
use std::io::{BufReader, Read};
use std::thread;

/// vcap's, in every stack.
pub(super) const VCAP: Owner = Owner { uid: 2000, gid: 2000 };
/// As the root file system has it. The droplet's own 0700 would do for vcap, but for nobody else who looks in.
const HOME_MODE: u32 = 0o755;
const ARCHIVE: &str = "droplet";

/// The layer, in one pass over the droplet (tgz).
pub(super) fn droplet_layer(droplet: impl Read + Send) -> Result<Layer, ImageError> {
    let mut layer = LayerWriter::new(ARCHIVE, "home/vcap", VCAP)?;
    layer.folder("home/vcap", HOME_MODE, VCAP)?;
    let mut has_app = false;
    let inflated = MultiGzDecoder::new(BufReader::with_capacity(256 << 10, droplet));
    let outcome = thread::scope(|scope| {
        each_entry(read_ahead(scope, inflated), |entry, content| {
            has_app |= below_root(&entry.path).is_some_and(|path| path.starts_with("app"));
            layer.add(entry, content)
        })
    });
    match outcome {
        Ok(()) if has_app => layer.finish(),
        Ok(()) => Err(ImageError::NoDroplet),
        Err(Stopped::Visitor(error)) => Err(error),
        Err(Stopped::Archive(error)) => Err(ImageError::Corrupt { archive: ARCHIVE, reason: error.to_string() }),
    }
}
