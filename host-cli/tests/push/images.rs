//! Images to push. All names of one go when its test ends.

use crate::commands::said;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
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

/// Another text for every image.
fn mark() -> String {
    format!("push-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// An app's image with a name of its own, and with a mark as its app's name.
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) app: String,
}

impl Image {
    /// A small one, on a base without layers.
    pub(crate) fn small() -> Self {
        let app = mark();
        let base = format!("stager-test/{app}-base:1");
        let labels = format!("FROM scratch\nLABEL stager.kind=test stager.instance={app}\n");
        let mut command = Command::new("docker");
        command.args(["build", "-q", "-t", &base, "-"]).env("DOCKER_BUILDKIT", "0");
        let mut building = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        building.stdin.take().unwrap().write_all(labels.as_bytes()).unwrap();
        let built = building.wait_with_output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self::made(app, &base)
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
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", &name]);
        // As the engine calls it: Podman puts a registry in front.
        let name = docker(&["image", "inspect", "--format", "{{index .RepoTags 0}}", &name]);
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
