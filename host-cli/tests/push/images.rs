//! Images to push. All names of one go when its test ends.

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

/// An app's image with a name of its own, and with a mark as its app's name.
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) app: String,
}

impl Image {
    /// One without layers: the registry is asked for nothing but its config and its manifest.
    pub(crate) fn empty() -> Self {
        Self::built("scratch", "")
    }

    /// One that runs: the root file system and a small layer, with a droplet's name.
    pub(crate) fn that_runs() -> Self {
        let found = Command::new("docker").args(["image", "inspect", ROOTFS]).output();
        assert!(found.is_ok_and(|found| found.status.success()), "these tests need {ROOTFS}; docker/build makes it");
        let steps = "RUN echo hello from the droplet >/home/vcap/said\nCMD [\"cat\", \"/home/vcap/said\"]\n";
        Self::built(ROOTFS, steps)
    }

    fn built(base: &str, steps: &str) -> Self {
        let app = format!("push-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let name = format!("stager-test/{app}:1");
        // First of all, so that each step is this image's own and goes with it: containerd's store keeps steps as images.
        // Without a recipe they would be the rest of somebody's unfinished build to the test beside.
        let labels = format!(
            "LABEL stager.kind=app stager.recipe=none stager.app-name={app} stager.app-guid={app} stager.instance={app}\n"
        );
        let mut command = Command::new("docker");
        command.args(["build", "-q", "-t", &name, "-"]).env("DOCKER_BUILDKIT", "0");
        let mut building = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        building.stdin.take().unwrap().write_all(format!("FROM {base}\n{labels}{steps}").as_bytes()).unwrap();
        let built = building.wait_with_output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
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
