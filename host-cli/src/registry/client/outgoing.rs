//! What is on its way to a registry: read in a thread of its own, hashed and counted from its first byte on, whatever was sent before.

use super::pipe::{PipeReader, pipe};
use super::trouble::Trouble;
use crate::registry::repository::{BlobDigest, BlobSource};
use sha2::{Digest as _, Sha256};
use shared_model::hex::hex;
use std::io::{self, Read};
use std::thread;

/// See the module's text.
pub(super) struct Outgoing {
    reader: PipeReader,
    hash: Sha256,
    bytes: u64,
    /// Why no more of it can be had.
    failed: Option<String>,
}

/// Lets `send` read `blob` from its start.
///
/// # Errors
/// It cannot be read, whatever `send` made of that; else those of `send`.
pub(super) fn read<T>(
    blob: &dyn BlobSource,
    send: impl FnOnce(&mut Outgoing) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    thread::scope(|threads| {
        let (mut writer, reader) = pipe();
        threads.spawn(move || {
            if let Err(error) = blob.write_to(&mut writer)
                && error.kind() != io::ErrorKind::BrokenPipe
            {
                writer.fail(error);
            }
        });
        let mut outgoing = Outgoing { reader, hash: Sha256::new(), bytes: 0, failed: None };
        let outcome = send(&mut outgoing);
        match outgoing.failed {
            Some(what) => Err(Trouble::Source { what }),
            None => outcome,
        }
    })
}

/// What was to be sent cannot be had.
pub(super) fn unreadable(error: &io::Error) -> Trouble {
    Trouble::Source { what: format!("a layer cannot be read: {error}") }
}

impl Outgoing {
    /// Bytes that were read.
    pub(super) fn count(&self) -> u64 {
        self.bytes
    }

    /// What it is called, if that was all.
    pub(super) fn name(&self) -> BlobDigest {
        BlobDigest { digest: format!("sha256:{}", hex(&self.hash.clone().finalize())), size: self.bytes }
    }
}

impl Read for Outgoing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer).inspect_err(|error| {
            self.failed = Some(format!("a layer cannot be read: {error}"));
        })?;
        self.hash.update(&buffer[..length]);
        self.bytes += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::fake::digest;
    use std::io::Write;

    /// Gives these bytes, and an error behind them or none.
    struct Blob(Vec<u8>, Option<&'static str>);

    impl BlobSource for Blob {
        fn known(&self) -> Option<BlobDigest> {
            None
        }

        fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
            to.write_all(&self.0)?;
            self.1.map_or(Ok(()), |error| Err(io::Error::other(error)))
        }
    }

    fn all(outgoing: &mut Outgoing) -> Result<BlobDigest, Trouble> {
        io::copy(outgoing, &mut io::sink()).map_err(|error| unreadable(&error))?;
        Ok(outgoing.name())
    }

    #[test]
    fn what_was_read_is_known_by_its_digest() {
        let expected = BlobDigest { digest: digest(b"a layer"), size: 7 };
        assert_eq!(read(&Blob(b"a layer".to_vec(), None), all).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_read_is_told_whatever_the_registry_said() {
        let blob = Blob(b"a layer".to_vec(), Some("no such file"));
        let ended = |outcome: Result<BlobDigest, Trouble>| outcome.unwrap_err().reason();
        assert_eq!(ended(read(&blob, all)), "a layer cannot be read: no such file");
        let and_refused = |outgoing: &mut Outgoing| {
            let _ = all(outgoing);
            Err(Trouble::login("it said no"))
        };
        assert_eq!(ended(read(&blob, and_refused)), "a layer cannot be read: no such file");
    }

    #[test]
    fn whoever_stops_reading_ends_it() {
        let blob = Blob(vec![7; 4 << 20], None);
        assert!(read(&blob, |outgoing| Ok(outgoing.read(&mut [0; 9]).is_ok())).unwrap());
    }
}
