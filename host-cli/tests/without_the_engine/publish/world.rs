//! A folder with all that `host-cli image --publish` takes, and the program in it. No engine is there.

use super::images::{Base, MANIFEST, assert_whole, droplet};
use super::misbehaving::Misbehaving;
use super::misbehaving::store::{Manifest, digest};
use crate::registry::{PASSWORD, USER};
use crate::said::Said;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The repository of these tests, and its tag.
pub(crate) const REPOSITORY: &str = "team/app";
pub(crate) const TAG: &str = "1";
/// However a registry behaves, all ends so soon.
const BOUND: Duration = Duration::from_secs(100);

/// See the module's text.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// Who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    Nobody,
    User,
    /// A user with another password, which is a secret too.
    Stranger,
}

impl World {
    /// One with the droplet of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(world.path("droplet.tgz"), droplet(seed)).unwrap();
        fs::create_dir(world.path("lifecycle")).unwrap();
        fs::write(world.path("lifecycle/launcher"), "#!/bin/sh\nexec \"$@\"\n").unwrap();
        Base::new("amd64").write(&world.path("base"));
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Publishes on this base, with more arguments, as somebody.
    pub(crate) fn publish_with(&self, reference: &str, base: &str, more: &[&str], who: As) -> Said {
        let parts = ["--droplet", "droplet.tgz", "--lifecycle", "lifecycle"];
        self.run(&[&["image", "--publish", reference, "--base", base], more, &parts].concat(), who)
    }

    /// Runs the program, as somebody.
    pub(crate) fn run(&self, words: &[&str], who: As) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        command.args(words);
        if who != As::Nobody {
            command.args(["--username", USER, "--password-stdin"]);
        }
        // An engine that is asked all the same ends it with another code.
        let nobody = format!("unix://{}", self.path("no-engine").display());
        command.env_clear().env("HOME", self.folder.path()).env("DOCKER_HOST", nobody);
        command.current_dir(self.folder.path());
        let began = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let password = if who == As::Stranger { format!("not-{PASSWORD}") } else { PASSWORD.to_owned() };
        let mut stdin = child.stdin.take().unwrap();
        // Who asks for no password does not read it.
        thread::spawn(move || stdin.write_all(password.as_bytes()));
        let said = Said::from(child.wait_with_output().unwrap());
        assert!(began.elapsed() < BOUND, "it took {:?}: {said:?}", began.elapsed());
        said
    }

    /// Publishes on the layout.
    pub(crate) fn publish(&self, registry: &Misbehaving, who: As) -> Said {
        self.publish_with(&name_at(&registry.address), "oci:base", &[], who)
    }
}

/// The image's name in the registry at this address.
pub(crate) fn name_at(address: &str) -> String {
    format!("{address}/{REPOSITORY}:{TAG}")
}

/// What the tests ask of a registry's own store.
impl Misbehaving {
    fn tagged(&self) -> Option<Manifest> {
        self.store(|store| store.manifests.get(&(REPOSITORY.to_owned(), TAG.to_owned())).cloned())
    }

    /// Another image bears the tag.
    pub(crate) fn holding_another(self) -> Self {
        let manifest = (MANIFEST.to_owned(), br#"{"schemaVersion":2,"another":"image"}"#.to_vec());
        self.store(|store| store.manifests.insert((REPOSITORY.to_owned(), TAG.to_owned()), manifest));
        self
    }

    /// The image bears the tag, and is whole.
    #[track_caller]
    pub(crate) fn assert_has_it(&self) {
        let manifest = self.tagged().expect("no image bears the tag");
        let blob =
            |digest: &str| self.store(|store| store.blobs.get(&(REPOSITORY.to_owned(), digest.to_owned())).cloned());
        assert_whole(&manifest, blob);
    }

    /// As [`Self::holding_another`] left it.
    #[track_caller]
    pub(crate) fn assert_holds_the_other(&self) {
        let (_, bytes) = self.tagged().expect("no image bears the tag");
        assert!(bytes.ends_with(br#""another":"image"}"#), "{}", String::from_utf8_lossy(&bytes));
    }

    /// Has this base in a repository of its own, as `base:1`.
    pub(crate) fn holding_base(self, base: &Base) -> Self {
        self.store(|store| {
            for (name, bytes) in &base.blobs {
                store.blobs.insert(("base".to_owned(), name.clone()), bytes.clone());
            }
            for name in ["1".to_owned(), digest(&base.manifest)] {
                store.manifests.insert(("base".to_owned(), name), (MANIFEST.to_owned(), base.manifest.clone()));
            }
        });
        self
    }

    /// Has an index in the base's repository, as `base:TAG`, which names these images that are there.
    pub(crate) fn holding_index(self, tag: &str, kind: &str, images: &[(&Base, &str)]) -> Self {
        let entry = |(base, architecture): &(&Base, &str)| {
            json!({
                "mediaType": MANIFEST, "digest": digest(&base.manifest), "size": base.manifest.len(),
                "platform": { "os": "linux", "architecture": architecture },
            })
        };
        let manifests: Vec<Value> = images.iter().map(entry).collect();
        let index = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": manifests }).to_string();
        self.store(|store| {
            store.manifests.insert(("base".to_owned(), tag.to_owned()), (kind.to_owned(), index.into()))
        });
        self
    }
}
