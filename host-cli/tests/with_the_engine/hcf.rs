//! The mini-HCF that all tests of this program share, as long as one of them wants it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// The demo's lifecycle.
const PROGRAMS: [&str; 3] = ["builder", "launcher", "healthcheck"];
/// How many seconds an engine may take to be done with containers that it was told to remove.
const PATIENCE: u32 = 20;

/// How many were made: one that is just going must not take what the next one of its name has.
static MADE: AtomicUsize = AtomicUsize::new(0);
static SHARED: Mutex<Weak<Hcf>> = Mutex::new(Weak::new());
static COUNTED: Mutex<Weak<Hcf>> = Mutex::new(Weak::new());

/// See the module's text.
pub(crate) struct Hcf {
    /// Its network, and the mark of all that belongs to it.
    pub(crate) network: String,
    folder: TempDir,
    turn: Mutex<()>,
    forgotten: Mutex<Vec<String>>,
}

impl Hcf {
    /// The shared one; made when nobody has one.
    pub(crate) fn shared() -> Arc<Self> {
        Self::one_for_all(&SHARED, "")
    }

    /// Another shared one, whose apps name a buildpack of their own each: an app that names none fetches every buildpack that is
    /// there, and nobody could count how often one was given.
    pub(crate) fn counted() -> Arc<Self> {
        Self::one_for_all(&COUNTED, "-counted")
    }

    fn one_for_all(place: &Mutex<Weak<Self>>, suffix: &str) -> Arc<Self> {
        let mut shared = place.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let made = Arc::new(Self::up(suffix, &[]));
            *shared = Arc::downgrade(&made);
            made
        })
    }

    /// One of a test's own, for a test that takes some of it away.
    pub(crate) fn own(name: &str) -> Arc<Self> {
        Arc::new(Self::up(&format!("-{name}"), &[]))
    }

    /// One like a system of BOSH: nobody resolves its full names, and it asks for client certificates.
    pub(crate) fn like_bosh() -> Arc<Self> {
        Arc::new(Self::up("-bosh", &["--hidden-names", "--mutual-tls"]))
    }

    fn up(suffix: &str, more: &[&str]) -> Self {
        assert!(docker(&["version"]).is_ok(), "no Docker Engine answers; ci/setup starts one");
        for image in ["stager-rootfs:cflinuxfs4", &stager_image()] {
            assert!(docker(&["image", "inspect", image]).is_ok(), "no image {image}; docker/build makes it");
        }
        for program in PROGRAMS.iter().chain(&["mini-hcf"]).map(|name| static_program(name)) {
            assert!(program.exists(), "{} is missing; ci/build-static makes it", program.display());
        }
        let hcf = Self {
            network: format!("hcf-road-{}-{}{suffix}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed)),
            folder: tempfile::tempdir().unwrap(),
            turn: Mutex::default(),
            forgotten: Mutex::default(),
        };
        let (network, image) = (hcf.network.clone(), hcf.image());
        hcf.run(&[&["up", "--network", &network, "--instance", &network, "--image", &image], more].concat());
        let lifecycle = hcf.folder("lifecycle");
        for program in PROGRAMS {
            fs::copy(static_program(program), lifecycle.join(program)).unwrap();
        }
        hcf.run(&["lifecycle", lifecycle.to_str().unwrap()]);
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/buildpacks");
        for name in ["procfile", "python"] {
            hcf.add_buildpack(name, &examples.join(name));
        }
        hcf
    }

    /// An empty folder.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// `mini-hcf` with its state; what it prints. One at a time.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let _turn = self.turn();
        let output =
            Command::new(static_program("mini-hcf")).args(words).arg("--state").arg(self.state()).output().unwrap();
        assert!(output.status.success(), "mini-hcf {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_buildpack(&self, name: &str, folder: &Path) {
        self.run(&["add-buildpack", &format!("{name}_buildpack"), folder.to_str().unwrap()]);
    }

    /// Installs `NAME_buildpack`, whose `compile` is this shell script. It is used by those only who name it.
    pub(crate) fn buildpack(&self, name: &str, compile: &str) {
        self.buildpack_with_modes(name, compile, 0o755);
    }

    /// As [`Self::buildpack`], with these permissions of every file and folder.
    pub(crate) fn buildpack_with_modes(&self, name: &str, compile: &str, mode: u32) {
        let folder = self.folder(&format!("buildpacks/{name}"));
        let bin = folder.join("bin");
        fs::create_dir_all(&bin).unwrap();
        for (program, text) in [("detect", "exit 1"), ("compile", compile), ("release", "echo '--- {}'")] {
            fs::write(bin.join(program), format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(bin.join(program), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(&bin, fs::Permissions::from_mode(mode)).unwrap();
        self.add_buildpack(name, &folder);
    }

    /// How often a server has given what lies at a path that ends so: `200` answers, not `304`.
    pub(crate) fn given(&self, service: &str, end: &str) -> usize {
        let log = docker(&["logs", &self.container(service)]).unwrap();
        log.lines().filter(|line| line.strip_suffix(" 200").is_some_and(|line| line.ends_with(end))).count()
    }

    /// The container of a service, by the first of its names.
    pub(crate) fn container(&self, service: &str) -> String {
        format!("mini-hcf-{}-{service}", self.network)
    }

    /// Removes this app's images at the end. Not now: the engine's builder fails when an image goes whose layers it uses.
    pub(crate) fn forget_later(&self, app_guid: &str) {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner).push(app_guid.to_owned());
    }

    /// The certificate authority's file.
    pub(crate) fn ca(&self) -> PathBuf {
        self.state().join("ca.pem")
    }

    /// The clients' certificate and its key. They belong to root of a container, who need not be the machine's.
    pub(crate) fn certificate(&self) -> [PathBuf; 2] {
        let files = ["client.pem", "client.key"].map(|file| self.state().join(file));
        if remaps_users() {
            let map =
                ["run", "--rm", "--label", "stager.kind=test", "stager-rootfs:cflinuxfs4", "cat", "/proc/self/uid_map"];
            let map = docker(&map).unwrap();
            let root = map.split_whitespace().nth(1).unwrap().parse().unwrap();
            for file in &files {
                chown(file, Some(root), None).unwrap();
            }
        }
        files
    }

    /// The folder of the components' logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.state().join("log")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn image(&self) -> String {
        format!("mini-{}:latest", self.network)
    }
}

impl Drop for Hcf {
    fn drop(&mut self) {
        // What a test killed may only now go from the engine, its container from the network and its image.
        let gone = (0..PATIENCE).any(|waited| {
            thread::sleep(Duration::from_secs(u64::from(waited > 0)));
            let down = ["down", "--purge", "--state"];
            let output = Command::new(static_program("mini-hcf")).args(down).arg(self.state()).output();
            output.is_ok_and(|output| output.status.success())
        });
        let forgotten = std::mem::take(self.forgotten.get_mut().unwrap_or_else(PoisonError::into_inner));
        for image in forgotten.iter().flat_map(|guid| images_of(guid)).chain([self.image()]) {
            let _ = docker(&["rmi", "--force", &image]);
        }
        assert!(gone || thread::panicking(), "{} is not down after {PATIENCE} s", self.network);
    }
}

/// The image that stages.
pub(crate) fn stager_image() -> String {
    std::env::var("STAGER_TEST_IMAGE").unwrap_or_else(|_| "stager:latest".to_owned())
}

/// Writes a program of these lines of shell, as a process of its own: a file that this one had open for writing, another that
/// this one is just starting may still hold, and "Text file busy" is what comes of running it.
pub(crate) fn write_program(path: &Path, script: &str) {
    let mut install =
        Command::new("install").args(["-m", "755", "/dev/stdin"]).arg(path).stdin(Stdio::piped()).spawn().unwrap();
    install.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
    assert!(install.wait().unwrap().success());
}

/// `docker` with these words: what it prints, or its complaint.
pub(crate) fn docker(words: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(words).output().expect("these tests need the docker command");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Whether the engine gives containers other users than the machine's.
pub(crate) fn remaps_users() -> bool {
    docker(&["info", "--format", "{{.SecurityOptions}}"]).unwrap().contains("name=userns")
}

/// Whether it is Podman that answers.
pub(crate) fn is_podman() -> bool {
    docker(&["version", "--format", "{{range .Server.Components}}{{.Name}} {{end}}"]).unwrap().contains("Podman Engine")
}

/// The ids of an app's images.
pub(crate) fn images_of(app_guid: &str) -> Vec<String> {
    let label = format!("label=stager.app-guid={app_guid}");
    let text = docker(&["images", "--quiet", "--no-trunc", "--filter", &label]).unwrap_or_default();
    let mut images: Vec<String> = text.lines().map(str::to_owned).collect();
    images.dedup(); // An image is listed once for each of its names.
    images
}

/// A static program of `ci/build-static`.
pub(crate) fn static_program(name: &str) -> PathBuf {
    let folder = std::env::var_os("STAGER_STATIC_BIN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/static"), PathBuf::from);
    folder.join(name)
}
