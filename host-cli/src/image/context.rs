//! A build context as a stream: the Dockerfile and the two layers, in a tar that is made while it is read.

use super::ImageError;
use super::layer::{FIXED_TIME, Layer};
use std::io::{self, Cursor, Read};
use tar::Header;

const BLOCK: u64 = 512;

/// The context, ready to be sent.
pub(super) fn context(dockerfile: &str, lifecycle: Layer, droplet: Layer) -> Result<Box<dyn Read + Send>, ImageError> {
    let text = dockerfile.as_bytes().to_vec();
    let length = text.len() as u64;
    let parts = part("Dockerfile", length, Cursor::new(text))?
        .chain(part("lifecycle.tar", lifecycle.bytes, lifecycle.file)?)
        .chain(part("droplet.tar", droplet.bytes, droplet.file)?);
    Ok(Box::new(parts.chain(io::repeat(0).take(2 * BLOCK))))
}

/// One entry with its header and padding.
fn part(name: &str, length: u64, content: impl Read + Send + 'static) -> Result<impl Read + Send, ImageError> {
    let mut header = Header::new_gnu();
    header.set_path(name).map_err(|error| ImageError::spool(&error))?;
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(FIXED_TIME);
    header.set_cksum();
    let padding = io::repeat(0).take(length.next_multiple_of(BLOCK) - length);
    Ok(Cursor::new(header.as_bytes().to_vec()).chain(content.take(length)).chain(padding))
}
