//! Images to push. All names of one go when its test ends.

use super::commands::{said, state_folder};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const ROOTFS: &str = "stager-rootfs:cflinuxfs4";
static MADE: AtomicU32 = AtomicU32::new(0);

pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("these tests need the docker command");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {arguments:?}: {text}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether it is Podman that answers: it tells nothing of layers on their way, and asks no registry for what it has.
pub(crate) fn is_podman() -> bool {
    docker(&["version", "--format", "{{range .Server.Components}}{{.Name}} {{end}}"]).contains("Podman Engine")
}

/// Whether it is Docker, and keeps its images in containerd.
pub(crate) fn is_containerd() -> bool {
    docker(&["info", "--format", "{{json .DriverStatus}}"]).contains("io.containerd.snapshotter")
}

/// Another text for every image.
fn mark() -> String {
    format!("push-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// The folder in which `host-cli` remembers the images that it made on this engine: where it is, an image of its own shows.
fn records() -> &'static Path {
    static RECORDS: OnceLock<PathBuf> = OnceLock::new();
    RECORDS.get_or_init(|| {
        drop(Image::that_runs());
        let engines: Vec<_> = fs::read_dir(state_folder().join("stager/engines")).unwrap().flatten().collect();
        assert_eq!(engines.len(), 1, "{engines:?}");
        engines[0].path().join("images")
    })
}

/// An app's image with a name of its own, and with a mark as its app's name.
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) app: String,
}

impl Image {
    /// One without layers: the registry is asked for nothing but its config and its manifest.
    pub(crate) fn empty() -> Self {
        Self::built("")
    }

    /// One with a small layer: Docker exports none without.
    pub(crate) fn small() -> Self {
        Self::built("WORKDIR /app\n")
    }

    /// Of nothing, with these lines. `host-cli` makes none such, so it is told that it did.
    fn built(lines: &str) -> Self {
        let app = mark();
        let name = format!("stager-test/{app}:1");
        // As long as a digest; another one for every image.
        let build_key =
            format!("{:064x}", u128::from(std::process::id()) << 32 | u128::from(MADE.load(Ordering::Relaxed)));
        let file = format!(
            "FROM scratch\nLABEL stager.kind=app stager.build-key={build_key} stager.app-name={app} stager.app-guid={app} \
             stager.instance={app}\n{lines}"
        );
        let mut command = Command::new("docker");
        command.args(["build", "-q", "-t", &name, "-"]).env("DOCKER_BUILDKIT", "0");
        let mut building = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        building.stdin.take().unwrap().write_all(file.as_bytes()).unwrap();
        let built = building.wait_with_output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let image = Self::called(&name, app);
        fs::write(records().join(build_key), &image.id).unwrap();
        image
    }

    /// One that runs: it says hello.
    pub(crate) fn that_runs() -> Self {
        let found = Command::new("docker").args(["image", "inspect", ROOTFS]).output();
        assert!(found.is_ok_and(|found| found.status.success()), "these tests need {ROOTFS}; docker/build makes it");
        Self::made(mark(), ROOTFS)
    }

    /// `host-cli` makes it, since no other is pushed: a droplet and a launcher that prints what is in it.
    fn made(app: String, base: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir_all(path("content/app")).unwrap();
        fs::create_dir(path("lifecycle")).unwrap();
        fs::write(path("lifecycle/launcher"), "#!/bin/sh\ncat /home/vcap/said\n").unwrap();
        fs::write(path("content/said"), "hello from the droplet\n").unwrap();
        fs::write(path("content/app/mark"), &app).unwrap(); // no two apps share a droplet
        let packed = Command::new("tar").args(["-czf", &path("droplet"), "-C", &path("content"), "."]).status();
        assert!(packed.unwrap().success());
        let (name, labels) = (format!("stager-test/{app}:1"), ["app-name", "app-guid", "instance"]);
        let labels = labels.map(|label| format!("stager.{label}={app}"));
        let (droplet, lifecycle) = (path("droplet"), path("lifecycle"));
        let mut words =
            vec!["image", "--droplet", &droplet, "--lifecycle", &lifecycle, "--base", base, "--name", &name];
        for label in &labels {
            words.extend(["--label", label]);
        }
        said(&words, None).done();
        Self::called(&name, app)
    }

    fn called(name: &str, app: String) -> Self {
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", name]);
        // As the engine calls it: Podman puts a registry in front.
        let name = docker(&["image", "inspect", "--format", "{{index .RepoTags 0}}", name]);
        Self { name, id, app }
    }

    /// All names that it bears now.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = docker(&["image", "inspect", "--format", "{{join .RepoTags \"\\n\"}}", &self.id]);
        names.lines().map(str::to_owned).collect()
    }

    /// It bears the name that it was made with, and no other.
    #[track_caller]
    pub(crate) fn assert_named_as_before(&self) {
        assert_eq!(self.names().join(" "), self.name);
    }

    /// Removes it with all its names.
    pub(crate) fn remove(&self) {
        docker(&["rmi", "-f", &self.id]);
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let labelled = format!("label=stager.instance={}", self.app);
        let left = docker(&["images", "-a", "-q", "--no-trunc", "--filter", &labelled]);
        for id in left.lines() {
            // Some go with others.
            let _ = Command::new("docker").args(["rmi", "-f", id]).output();
        }
    }
}
