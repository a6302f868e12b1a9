//! Droplet → layer: what the builder packed comes to `/home/vcap`, owned by vcap, in the archive's order, with its modes
//! and times (Python compares the times of its sources with those in its compiled files, and with one time for all would
//! compile anew at each start). Holes of sparse files come as zeros: engines write those out whatever a layer says, and
//! so the same files are the same layer, however they were packed.

use super::ImageError;
use super::attributes::LeftOut;
use super::bound::Bound;
use super::compressed_ahead::CompressedAhead;
use super::droplet_folders::DropletFolders;
use super::entries::{Stopped, each_entry};
use super::growing::Content;
use super::layer::{Layer, LayerWriter, Owner};
use super::read_ahead::read_ahead;
use shared_model::event::{Event, EventSink};
use shared_model::lifecycle::Lifecycle;
use shared_model::plain_line::escape_control;
use std::io::{BufRead, BufReader, Read};
use std::thread;
use tarball::gzip::Inflated;

/// vcap's, in every stack.
pub(super) const VCAP: Owner = Owner { uid: 2000, gid: 2000 };
/// As the root file system has it. The droplet's own 0700 would do for vcap, but for nobody else who looks in.
const HOME_MODE: u32 = 0o755;
const ARCHIVE: &str = "droplet";
/// How a gzip file begins.
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The layer, in one pass over the droplet (tgz), which must be of this lifecycle. What is newer than `newest`, seconds since
/// 1970, gets that time. It may become as large as `bound` says. `ahead` gets its bytes while it is written.
pub(super) fn droplet_layer(
    droplet: impl Read + Send,
    lifecycle: Lifecycle,
    newest: Option<u64>,
    bound: Bound,
    events: &dyn EventSink,
    ahead: impl FnOnce(Content) -> Option<CompressedAhead>,
) -> Result<Layer, ImageError> {
    let mut layer = LayerWriter::new(ARCHIVE, "home/vcap", VCAP, newest, bound)?;
    layer.folder("home/vcap", HOME_MODE, VCAP)?;
    let mut folders = DropletFolders::default();
    let corrupt = |reason: String| ImageError::Corrupt { archive: ARCHIVE, reason };
    let mut packed = BufReader::with_capacity(256 << 10, droplet);
    if !packed.fill_buf().map_err(|error| corrupt(error.to_string()))?.starts_with(&GZIP) {
        return Err(corrupt("it is not packed with gzip".to_owned()));
    }
    let ahead = ahead(layer.content());
    let inflated = Inflated::new(packed);
    let outcome = thread::scope(|scope| {
        each_entry(read_ahead(scope, inflated), |entry, content| {
            folders.see(entry);
            layer.add(entry, content)
        })
    });
    if outcome.is_ok() && layer.left_out().count > 0 {
        events.emit(Event::Warning { text: told(layer.left_out()) });
    }
    match outcome {
        Ok(()) => match folders.lifecycle() {
            Some(found) if found == lifecycle => Ok(layer.finish()?.compressed(ahead)),
            found => Err(ImageError::OtherDroplet { wanted: lifecycle, found }),
        },
        Err(Stopped::Visitor(error)) => Err(error),
        Err(Stopped::Archive(error)) => Err(corrupt(error.to_string())),
    }
}

fn told(LeftOut { count, first }: &LeftOut) -> String {
    let noun = if *count == 1 { "extended attribute" } else { "extended attributes" };
    let first = escape_control(first);
    format!(
        "{count} {noun} of the droplet's files left out (the first is {first}); of those only user.* is kept, as no other would be in Diego"
    )
}
