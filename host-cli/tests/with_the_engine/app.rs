//! An app of one test: pushed under a name of its own; what it left on the engine goes with it.

use crate::hcf::{Hcf, docker, images_of, stager_image};
use crate::said::Said;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// See the module's text.
pub(crate) struct App {
    /// Its name.
    pub(crate) name: String,
    /// Its guid.
    pub(crate) guid: String,
    /// Where it was pushed to.
    pub(crate) hcf: Arc<Hcf>,
}

impl App {
    /// Pushes `examples/apps/FOLDER` under `name` with more options of `mini-hcf push`.
    pub(crate) fn pushed(name: &str, folder: &str, options: &[&str]) -> Self {
        Self::pushed_to(Hcf::shared(), name, folder, options)
    }

    /// As [`Self::pushed`], to this mini-HCF.
    pub(crate) fn pushed_to(hcf: Arc<Hcf>, name: &str, folder: &str, options: &[&str]) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/apps").join(folder);
        hcf.run(&[&["push", source.to_str().unwrap(), "--name", name], options].concat());
        let unknown = Self { name: name.to_owned(), guid: String::new(), hcf };
        let guid = unknown.request("build-req")["log_guid"].as_str().unwrap().to_owned();
        let app = Self { name: name.to_owned(), guid, hcf: Arc::clone(&unknown.hcf) };
        // Of a kind that `ci/clean` removes, should this test be killed.
        docker(&["volume", "create", "--label", "stager.kind=test", &app.volume()]).unwrap();
        app
    }

    /// The volume that its stagings keep things in: nobody else's, or a test would find what another has fetched.
    pub(crate) fn volume(&self) -> String {
        format!("stager-cache-{}-{}", self.hcf.network, self.name)
    }

    /// Its request, `build-req` or `launch-req`.
    pub(crate) fn request(&self, command: &str) -> Value {
        let said = self.cli(command).output().unwrap();
        serde_json::from_slice(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    /// Its request, changed, in a file.
    pub(crate) fn changed(&self, command: &str, change: impl FnOnce(&mut Value)) -> PathBuf {
        let mut request = self.request(command);
        change(&mut request);
        let file = self.hcf.folder("requests").join(format!("{}-{command}.json", self.name));
        fs::write(&file, request.to_string()).unwrap();
        file
    }

    /// `host-cli cache-up` of this app.
    pub(crate) fn cache_up(&self, options: &[&str]) -> Said {
        let mut cli = self.cli("cache-up");
        cli.args(["--network", &self.hcf.network, "--stager-image", &stager_image()]).args(options);
        cli.output().unwrap().into()
    }

    /// `host-cli cache VERB` on this app's volume.
    pub(crate) fn cache(&self, words: &[&str]) -> Said {
        let mut cli = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        cli.arg("cache").args(words).args(["--cache-volume", &self.volume(), "--stager-image", &stager_image()]);
        cli.output().unwrap().into()
    }

    /// `host-cli COMMAND` of this app with the mini-HCF's logs.
    fn cli(&self, command: &str) -> Command {
        let mut cli = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        cli.args([command, &self.name, "--logs"]).arg(self.hcf.logs());
        cli
    }

    /// `host-cli restage` of this app; what follows `--` among the options is the agent's.
    pub(crate) fn restaging(&self, options: &[&str]) -> Command {
        let mut cli = self.restaging_without_options();
        cli.args(["--stager-image", &stager_image(), "--cache-volume", &self.volume()]).args(options);
        cli
    }

    /// As [`Self::restaging`], without an image that stages and without a volume.
    pub(crate) fn restaging_without_options(&self) -> Command {
        let mut cli = self.cli("restage");
        cli.args(["--network", &self.hcf.network]);
        cli
    }

    /// As [`Self::restaging`], to its end.
    pub(crate) fn restage(&self, options: &[&str]) -> Said {
        self.restaging(options).output().unwrap().into()
    }

    /// As [`Self::restaging`], under way.
    pub(crate) fn restage_in_background(&self, options: &[&str]) -> Child {
        self.restaging(options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// `host-cli launch` of this app.
    pub(crate) fn launching(&self, options: &[&str]) -> Command {
        let mut cli = self.cli("launch");
        cli.env("STAGER_IMAGE", stager_image()).args(["--network", &self.hcf.network]).args(options);
        cli
    }

    /// As [`Self::launching`], to its end.
    pub(crate) fn launch(&self, options: &[&str]) -> Said {
        self.launching(options).output().unwrap().into()
    }

    /// The ids of its containers of this kind, stopped ones too.
    pub(crate) fn containers(&self, kind: &str) -> Vec<String> {
        self.listed(&["--all", "--filter", &format!("label=stager.kind={kind}")])
    }

    /// The ids of its instances that run, the newest first; what they replaced stays stopped.
    pub(crate) fn running(&self) -> Vec<String> {
        self.listed(&["--filter", "label=stager.kind=app"])
    }

    fn listed(&self, which: &[&str]) -> Vec<String> {
        let app = format!("label=stager.app-guid={}", self.guid);
        let text = docker(&[&["ps", "--quiet", "--no-trunc", "--filter", &app], which].concat()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The ids of its images.
    pub(crate) fn images(&self) -> Vec<String> {
        images_of(&self.guid)
    }

    /// Nothing of it is on the engine.
    #[track_caller]
    pub(crate) fn left_nothing(&self) {
        assert_eq!((self.containers("staging"), self.containers("app"), self.images()), (vec![], vec![], vec![]));
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if self.guid.is_empty() {
            return; // To Podman a label without a value means every value: other tests' containers.
        }
        for container in ["staging", "app", "task"].map(|kind| self.containers(kind)).concat() {
            let _ = docker(&["rm", "--force", "--volumes", &container]);
        }
        let _ = docker(&["volume", "rm", &self.volume()]);
        self.hcf.forget_later(&self.guid);
    }
}

/// What `docker inspect` says.
pub(crate) fn inspect(id: &str) -> Value {
    let text = docker(&["inspect", id]).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[0].take()
}

/// The body behind an `http://ADDRESS:PORT` and a path.
pub(crate) fn get(url: &str, path: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
