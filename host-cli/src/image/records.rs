//! Which image was made of which build key on an engine. Labels are inherited by whatever is built on an image, and anybody may
//! give them; so an image is known to be ours by what is written down here, in the user's state folder, and not by them.

#![expect(clippy::disallowed_methods, reason = "the one place that keeps and reads which images were made")]

use crate::engine::{Image, ImageId, Images};
use crate::image::app_image;
use crate::{state_folder, unfinished};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How a file is called that is being written.
const UNFINISHED: &str = ".unfinished-";
/// Records that are kept, of 72 bytes each; the oldest go first. Whoever is forgotten is made again.
const MOST: usize = 2000;

/// What is remembered of one engine.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    /// `None`: there is no place for it.
    folder: Option<PathBuf>,
}

impl Records {
    /// Those of this engine.
    pub(crate) fn open(engine: &dyn Images) -> Self {
        Self { folder: engine.records().map(|records| records.join("images")) }
    }

    /// The image that was made of this build key; `None`: that is not remembered.
    pub(crate) fn made_of(&self, build_key: &str) -> Option<ImageId> {
        let folder = self.folder.as_deref().filter(|folder| state_folder::is_ours(folder))?;
        let text = fs::read_to_string(folder.join(file_name(build_key)?)).ok()?;
        Some(ImageId(text.trim_end().to_owned()))
    }

    /// Whether this very image was made here.
    pub(crate) fn know(&self, image: &Image) -> bool {
        let build_key = image.labels.get(app_image::BUILD_KEY);
        build_key.and_then(|build_key| self.made_of(build_key)).is_some_and(|made| made == image.id)
    }

    /// Writes down that the image was made of this build key. Where that cannot be written, it is made again the next time.
    pub(crate) fn remember(&self, build_key: &str, image: &ImageId) {
        if let (Some(folder), Some(name)) = (&self.folder, file_name(build_key)) {
            let _ = write(folder, name, &image.0);
        }
    }
}

/// A build key is a digest; what else a label says is none.
pub(super) fn file_name(build_key: &str) -> Option<&str> {
    Some(build_key).filter(|build_key| build_key.len() == 64 && build_key.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Writes a record whole or not at all, for its owner alone; the oldest of the folder go.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    state_folder::make(folder)?;
    unfinished::replace(&folder.join(name), UNFINISHED, |file| writeln!(file, "{text}"))?;
    state_folder::forget_the_oldest(folder, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::Fake;
    use std::os::unix::fs::PermissionsExt;

    fn build_key(number: usize) -> String {
        format!("{number:064x}")
    }

    #[test]
    fn what_was_made_is_remembered_for_its_owner_alone() {
        let fake = Fake::default();
        let records = Records::open(&fake);
        assert_eq!(records.made_of(&build_key(1)), None);
        records.remember(&build_key(1), &ImageId("sha256:1".into()));
        assert_eq!(Records::open(&fake).made_of(&build_key(1)), Some(ImageId("sha256:1".into())));
        let folder = fake.records().unwrap().join("images");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(build_key(1)))), (0o700, 0o600));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(records.made_of(&build_key(1)), None, "others may have written it");
    }

    #[test]
    fn an_image_that_only_bears_the_label_is_not_known() {
        let fake = Fake::default();
        let records = Records::open(&fake);
        let label = build_key(2);
        let ours = fake.add_image("a:1", &[(app_image::BUILD_KEY, &label)]);
        fake.add_image("b:1", &[(app_image::BUILD_KEY, &label)]);
        records.remember(&label, &ours);
        let known = |name| records.know(&fake.image(name).unwrap().unwrap());
        assert_eq!((known("a:1"), known("b:1")), (true, false));
        records.remember("../../x", &ours);
        assert_eq!(records.made_of("../../x"), None);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MOST + 3 {
            fs::write(folder.path().join(build_key(number)), "").unwrap();
        }
        state_folder::forget_the_oldest(folder.path(), MOST).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MOST);
    }
}
