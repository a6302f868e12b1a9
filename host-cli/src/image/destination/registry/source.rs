//! What is sent to a registry: a layer as it is read, compressed or not on the way, and checked.

use super::progress::Progress;
use crate::image::ImageError;
use crate::image::base::OpenLayer;
use crate::image::compressed_ahead::CompressedAhead;
use crate::image::compressed_layers::LEVEL;
use crate::image::sha256::Hashing;
use crate::image::stop::Stop;
use crate::registry::repository::{BlobDigest, BlobSource};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// Bytes at hand.
pub(super) struct Bytes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) name: BlobDigest,
}

impl BlobSource for Bytes<'_> {
    fn known(&self) -> Option<BlobDigest> {
        Some(self.name.clone())
    }

    fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(self.bytes)
    }
}

/// A layer that is read anew for each try.
pub(super) struct LayerSource<'a> {
    /// Opens it.
    pub(super) open: &'a (dyn Fn() -> Result<OpenLayer<'a>, ImageError> + Sync),
    /// `sha256:…` of its bytes as they are read; whatever reads otherwise is not sent.
    pub(super) digest: &'a str,
    /// How its bytes go.
    pub(super) form: Form<'a>,
    /// Each ends it.
    pub(super) stops: [&'a Stop; 2],
    /// Told of each byte that is read.
    pub(super) progress: &'a Progress<'a>,
    /// Why it could not be read at the last try: a registry knows nothing of that.
    pub(super) wrong: Mutex<Option<ImageError>>,
}

/// How a layer's bytes go.
pub(super) enum Form<'a> {
    /// As they are, under this name.
    AsTheyAre(BlobDigest),
    /// Compressed by so many threads.
    Compressed(NonZeroUsize),
    /// As they were compressed, or are yet being compressed, elsewhere.
    Ahead(&'a CompressedAhead),
}

impl LayerSource<'_> {
    /// Why it could not be read, if that is what was wrong.
    pub(super) fn wrong(&self) -> Option<ImageError> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Remembers what was wrong, for [`Self::wrong`]; whoever sends needs an error of another kind.
    fn refused(&self, error: ImageError) -> io::Error {
        let told = io::Error::other(error.to_string());
        *self.wrong.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        told
    }

    /// How many bytes of the layer so many stand for that are read.
    fn unpacked(&self, bytes: u64) -> u64 {
        if let Form::Ahead(ahead) = self.form { ahead.unpacked(bytes) } else { bytes }
    }

    /// What is read ends when this does, and is told of.
    fn told<R: Read + Send>(&self, content: R) -> impl Read {
        let [one, other] = self.stops;
        Told { inner: one.over(other.over(content)), source: self }
    }

    fn unreadable(&self, error: &io::Error) -> io::Error {
        let what = format!("layer {}", self.digest);
        self.refused(ImageError::Unreadable { what, reason: error.to_string() })
    }
}

impl BlobSource for LayerSource<'_> {
    fn known(&self) -> Option<BlobDigest> {
        match &self.form {
            Form::AsTheyAre(name) => Some(name.clone()),
            Form::Compressed(_) | Form::Ahead(_) => None,
        }
    }

    fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        drop(self.wrong()); // that was another try
        let OpenLayer { content, bytes } = (self.open)().map_err(|error| self.refused(error))?;
        self.progress.begin(self.digest, bytes);
        if let Form::Ahead(ahead) = self.form {
            // From the layer's first byte to here nobody but us has had it in hands.
            return copy(&mut self.told(ahead.content()), to);
        }
        let mut hashing = Hashing::new(self.told(content));
        match self.form {
            Form::Compressed(cores) => parallel_gzip::compress(&mut hashing, &mut *to, LEVEL, cores)?,
            _ => copy(&mut hashing, to)?,
        }
        let (_, sha256, _) = hashing.finish();
        if self.digest.strip_prefix("sha256:") == Some(&*sha256) {
            return Ok(());
        }
        let what = "a layer of the root file system, as it is read,".to_owned();
        Err(self.refused(ImageError::OtherBytes { what, digest: self.digest.to_owned() }))
    }
}

fn copy(from: &mut impl Read, to: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Tells of what is read, and remembers what cannot be.
struct Told<'s, 'a, R> {
    inner: R,
    source: &'s LayerSource<'a>,
}

impl<R: Read> Read for Told<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(length) => {
                self.source.progress.add(self.source.digest, self.source.unpacked(length as u64));
                Ok(length)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.source.unreadable(&error)),
        }
    }
}
