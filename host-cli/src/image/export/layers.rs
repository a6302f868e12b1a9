//! Single layers out of an engine's export, to be put upon something else: each the same bytes that the image's config names,
//! without compression, in a file that has no name.

use super::documents::Documents;
use super::engine_export::{each_file, inflated, unusable};
use crate::engine::Image;
use crate::image::ImageError;
use crate::image::entries::Entry;
use crate::image::layer::Layer;
use crate::image::sha256::Hashing;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

/// The layers `wanted` (`sha256:…` of what is uncompressed, each once), in that order. Files that say by their names that they are
/// one of `others` are not looked at.
pub(in crate::image) fn layers(
    export: impl Read + Send,
    wanted: &[&str],
    others: &[String],
) -> Result<Vec<Layer>, ImageError> {
    let mut search = Search::new(wanted, others);
    ended(each_file(export, |entry, content| {
        search.look(entry, content)?;
        // What comes behind them need not come.
        if search.has_all() { Err(Ended::WithAll) } else { Ok(()) }
    }))?;
    search.found()
}

/// The same, and the config of `image`, to the byte: of one export, in which that may come last.
pub(in crate::image) fn layers_and_config(
    export: impl Read + Send,
    wanted: &[&str],
    others: &[String],
    image: &Image,
) -> Result<(Vec<Layer>, Vec<u8>), ImageError> {
    let (mut search, mut documents) = (Search::new(wanted, others), Documents::default());
    ended(each_file(export, |entry, content| {
        documents.beside(entry, content, |content| search.look(entry, content))?;
        if search.has_all() && documents.config_of(image).is_ok() { Err(Ended::WithAll) } else { Ok(()) }
    }))?;
    let config = documents.config_of(image)?.to_vec();
    Ok((search.found()?, config))
}

/// Layers that are looked for.
struct Search<'a> {
    wanted: &'a [&'a str],
    others: &'a [String],
    found: Vec<Option<Layer>>,
    /// Some file could not be read.
    unread: bool,
}

impl<'a> Search<'a> {
    fn new(wanted: &'a [&'a str], others: &'a [String]) -> Self {
        Self { wanted, others, found: wanted.iter().map(|_| None).collect(), unread: false }
    }

    /// Keeps a file that is one of them.
    fn look(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ImageError> {
        if is_named_as_one_of(&entry.path, self.others) {
            return Ok(());
        }
        let Some(layer) = spooled(content)? else {
            self.unread = true;
            return Ok(());
        };
        let is_it = |digest: &&str| digest.strip_prefix("sha256:") == Some(&*layer.sha256);
        if let Some(at) = self.wanted.iter().position(is_it) {
            self.found[at] = Some(layer);
        }
        Ok(())
    }

    fn has_all(&self) -> bool {
        self.found.iter().all(Option::is_some)
    }

    fn found(self) -> Result<Vec<Layer>, ImageError> {
        match self.found.iter().position(Option::is_none).map(|at| self.wanted[at]) {
            None => Ok(self.found.into_iter().flatten().collect()),
            Some(digest) if self.unread => {
                Err(unusable(format!("layer {digest} is compressed in a way that cannot be undone here")))
            }
            Some(digest) => Err(unusable(format!("no layer in it has the digest {digest}"))),
        }
    }
}

/// Why the reading of an export ended before the export.
enum Ended {
    WithAll,
    Badly(ImageError),
}

fn ended(looked_through: Result<(), Ended>) -> Result<(), ImageError> {
    match looked_through {
        Err(Ended::Badly(error)) => Err(error),
        Ok(()) | Err(Ended::WithAll) => Ok(()),
    }
}

impl From<ImageError> for Ended {
    fn from(error: ImageError) -> Self {
        Self::Badly(error)
    }
}

/// As a layout calls a file. A name that lies costs a failure and nothing else.
fn is_named_as_one_of(path: &[u8], digests: &[String]) -> bool {
    let name = path.strip_prefix(b"blobs/sha256/").unwrap_or_default();
    digests.iter().any(|digest| digest.strip_prefix("sha256:").is_some_and(|hex| hex.as_bytes() == name))
}

/// A file's bytes as a layer has them; `None` for what is compressed and broken, or compressed in a way that cannot be undone
/// here: no layer that is wanted.
fn spooled(content: &mut dyn Read) -> Result<Option<Layer>, ImageError> {
    let Ok(Some(mut content)) = inflated(content) else { return Ok(None) };
    let spool = |error: io::Error| ImageError::spool(&error);
    let file: File = tempfile::tempfile().map_err(spool)?;
    let mut spooled = Hashing::new(BufWriter::with_capacity(256 << 10, file));
    let mut buffer = vec![0; 256 << 10];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => spooled.write_all(&buffer[..length]).map_err(spool)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Ok(None),
        }
    }
    let (buffer, sha256, bytes) = spooled.finish();
    let file = buffer.into_inner().map_err(|error| spool(error.into_error()))?;
    Ok(Some(Layer::written(file, bytes, sha256)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::samples::Sample;
    use crate::image::sha256::sha256_of_bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn digest(bytes: &[u8]) -> String {
        format!("sha256:{}", sha256_of_bytes(bytes))
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(bytes).unwrap();
        gz.finish().unwrap()
    }

    fn read(layer: &Layer) -> Vec<u8> {
        let mut bytes = Vec::new();
        layer.content().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn layers_are_known_by_what_is_in_them_whatever_their_names_their_order_and_their_compression() {
        let wanted = [digest(b"lifecycle"), digest(b"droplet")];
        let archives = [
            Sample::new().file("b", b"droplet", 0o644).file("x/layer.tar", b"base", 0o644).file(
                "a",
                b"lifecycle",
                0o644,
            ),
            Sample::new().file("a", &packed(b"lifecycle"), 0o644).file("b", &packed(b"droplet"), 0o644),
        ];
        for archive in archives {
            let found = layers(&*archive.tar(), &wanted.each_ref().map(String::as_str), &[]).unwrap();
            let [lifecycle, droplet] = &found[..] else { panic!("two were wanted") };
            assert_eq!((read(lifecycle), read(droplet)), (b"lifecycle".to_vec(), b"droplet".to_vec()));
        }
    }

    #[test]
    fn an_export_without_the_layer_or_with_other_bytes_under_its_name_is_refused_and_names_it() {
        let all = [digest(b"droplet")];
        let wanted = [all[0].as_str()];
        let name = format!("blobs/{}", wanted[0].replace(':', "/"));
        let mut broken = packed(&b"droplet".repeat(1000));
        broken.truncate(20);
        for content in [&b"droplets"[..], b"", &broken, b"\x28\xb5\x2f\xfd"] {
            let export = Sample::new().file(&name, content, 0o644).tar();
            let Err(error) = layers(&*export, &wanted, &[]) else { panic!("{content:?}") };
            assert!(error.to_string().contains(wanted[0]), "{error}");
        }
        let export = Sample::new().file(&name, b"droplet", 0o644).tar();
        assert!(layers(&*export, &wanted, &[]).is_ok());
        assert!(layers(&*export, &wanted, &all).is_err(), "it says that it is another");
        assert!(layers(&export[..515], &wanted, &[]).is_err(), "it breaks off");
    }
}
