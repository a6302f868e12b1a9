//! `host-cli image` with a real engine. Wants `stager-rootfs:cflinuxfs4` (docker/build makes it) and the demo lifecycle's
//! static `launcher` (ci/build-static makes it); says so where they are missing. All images stand on a base of these
//! tests' own and bear its mark as a label, so that leftovers can be told from other people's images. The tests take turns:
//! they share the base and what the engine caches, and the last one removes it all.

mod cnb;
mod faulty;
mod held;
mod rebase;
mod trouble;

use crate::push::images::is_containerd;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const ROOTFS: &str = "stager-rootfs:cflinuxfs4";

/// A web server in the one interpreted language that every Debian has. It answers with its environment.
const SERVER: &str = r#"
use Socket;
socket(my $door, PF_INET, SOCK_STREAM, 0) or die;
setsockopt($door, SOL_SOCKET, SO_REUSEADDR, 1);
bind($door, sockaddr_in($ENV{PORT}, INADDR_ANY)) or die;
listen($door, 5);
while (accept(my $client, $door)) {
    my $line = <$client>;
    print $client "HTTP/1.0 200 OK\r\n\r\nuser=", scalar(getpwuid($<)), "\n";
    print $client "$_=$ENV{$_}\n" for sort keys %ENV;
    close $client;
}
"#;

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("these tests need the docker command");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {arguments:?}: {text}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The base and all images on it, as long as a test wants them.
struct Base {
    mark: String,
    name: String,
}

static BASE: Mutex<Weak<Base>> = Mutex::new(Weak::new());
static TURN: Mutex<()> = Mutex::new(());

impl Base {
    fn shared() -> Arc<Self> {
        let mut shared = BASE.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let made = Arc::new(Self::new());
            *shared = Arc::downgrade(&made);
            made
        })
    }

    fn new() -> Self {
        let found = Command::new("docker").args(["image", "inspect", ROOTFS]).output();
        assert!(
            found.is_ok_and(|found| found.status.success()),
            "these tests need a Docker Engine with {ROOTFS}: ci/setup and docker/build make them"
        );
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mark = format!("image-{}", since.as_nanos());
        let name = format!("stager-test-base:{mark}");
        let dockerfile = format!("FROM {ROOTFS}\nLABEL stager.kind=test stager.instance={mark}\n");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
        let context = folder.path().to_str().unwrap();
        let mut command = Command::new("docker");
        let built = command.args(["build", "-q", "-t", &name, context]).env("DOCKER_BUILDKIT", "0").output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self { mark, name }
    }

    fn filter(&self) -> String {
        format!("label=stager.instance={}", self.mark)
    }

    fn layers(&self) -> usize {
        docker(&["image", "inspect", "--format", "{{len .RootFS.Layers}}", &self.name]).parse().unwrap()
    }

    fn containers(&self) -> String {
        docker(&["ps", "-a", "-q", "--filter", &self.filter()])
    }

    /// Every image that was made, intermediate ones too, without the base.
    fn images(&self) -> Vec<String> {
        let base = docker(&["image", "inspect", "--format", "{{.Id}}", &self.name]);
        let all = docker(&["images", "-a", "-q", "--no-trunc", "--filter", &self.filter()]);
        // One with several names is listed as often.
        let ids: BTreeSet<&str> = all.lines().filter(|id| *id != base).collect();
        ids.into_iter().map(str::to_owned).collect()
    }
}

/// One test's turn: its files and its images' names.
struct World {
    folder: tempfile::TempDir,
    base: Arc<Base>,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    fn new() -> Self {
        let base = Base::shared();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { folder: tempfile::tempdir().unwrap(), base, _turn: turn }
    }

    fn name(&self, name: &str) -> String {
        format!("stager-test/{}-{name}", self.base.mark)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A lifecycle folder with the demo's launcher.
    fn lifecycle(&self) -> PathBuf {
        let binaries = std::env::var_os("STAGER_STATIC_BIN")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/static"), PathBuf::from);
        let folder = self.folder.path().join("lifecycle");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(binaries.join("launcher"), folder.join("launcher"))
            .unwrap_or_else(|error| panic!("{}/launcher: {error}; ci/build-static makes it", binaries.display()));
        folder
    }

    fn image(&self, droplet: &Path, lifecycle: &Path, more: &[&str]) -> Output {
        self.command(droplet, lifecycle, more).output().unwrap()
    }

    fn command(&self, droplet: &Path, lifecycle: &Path, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        command.arg("image").arg("--droplet").arg(droplet).arg("--lifecycle").arg(lifecycle);
        command.args(["--base", &self.base.name, "--label", &format!("stager.instance={}", self.base.mark)]);
        command.args(more);
        command
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        for id in self.containers().lines() {
            docker(&["rm", "-f", "-v", id]);
        }
        let tags = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", &self.filter()]);
        for tag in tags.lines().filter(|tag| !tag.contains("<none>") && **tag != self.name) {
            docker(&["rmi", tag]);
        }
        let parent = |id: &String| docker(&["image", "inspect", "--format", "{{.Parent}}", id]);
        // Docker with containerd's store removes a step of a build from below another build's step, and then knows no way from there.
        let is_lost_step = |id: &String| is_containerd() && !parent(id).is_empty();
        let (lost, left): (Vec<_>, Vec<_>) = self.images().into_iter().partition(is_lost_step);
        for id in lost.iter().chain(&left) {
            // Some go with others.
            let _ = Command::new("docker").args(["rmi", "-f", id]).output();
        }
        docker(&["rmi", &self.name]);
        if !thread::panicking() {
            assert_eq!(left, Vec::<String>::new(), "images that nobody removed");
        }
    }
}

/// A tgz of `(path, content, mode)`; a path that ends in `/` is a folder.
fn droplet(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content, mode) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_size(content.len() as u64);
        if path.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
        }
        tar.append_data(&mut header, path, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn server_droplet(more: &str) -> Vec<u8> {
    let info = br#"{"detected_buildpack":"test","start_command":"exec perl server.pl"}"#;
    droplet(&[
        ("./", b"", 0o700),
        ("./app/", b"", 0o755),
        ("./app/server.pl", SERVER.as_bytes(), 0o600),
        ("./app/more", more.as_bytes(), 0o600),
        ("./tmp/", b"", 0o755),
        ("./staging_info.yml", info, 0o644),
    ])
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What the server at `address` answers, as soon as it does.
fn page(address: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut page = String::new();
        if let Ok(mut stream) = TcpStream::connect(address)
            && stream.write_all(b"GET / HTTP/1.0\r\n\r\n").is_ok()
            && stream.read_to_string(&mut page).is_ok_and(|length| length > 0)
        {
            return page;
        }
        assert!(Instant::now() < deadline, "nothing answers at {address}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_bare_docker_run_of_the_image_starts_the_droplet_as_vcap_with_three_variables() {
    let world = World::new();
    let droplet = world.file("droplet", &server_droplet(""));
    let result = world.file(
        "result.json",
        br#"{"lifecycle_metadata":{"detected_buildpack":"test 1"},"process_types":{"web":"a \"$B\" 'c' \\ `d`"}}"#,
    );
    let name = world.name("run");
    let odd = "two  \"words\" $HOME ${PATH} \\ \\\" 'single' `tick` # ü\nUSER root\\";
    let output = world.image(
        &droplet,
        &world.lifecycle(),
        &[
            "--name",
            &name,
            "--name",
            &format!("{name}:other"),
            "--label",
            &format!("stager.app-name={odd}"),
            "--result",
            result.to_str().unwrap(),
        ],
    );
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains(&format!(" image   {name}:latest  ")), "{}", said(&output));

    let config = docker(&[
        "image",
        "inspect",
        "--format",
        "{{json .Config.Env}} {{.Config.User}} {{.Config.WorkingDir}} {{json .Config.Entrypoint}} {{json .Config.Cmd}}",
        &name,
    ]);
    assert_eq!(
        config,
        r#"["PATH=/usr/local/bin:/usr/bin:/bin","LANG=en_US.UTF-8","PORT=8080"] vcap /home/vcap ["/tmp/lifecycle/launcher"] ["app","",""]"#
    );
    let label = |label: &str| {
        docker(&["image", "inspect", "--format", &format!("{{{{index .Config.Labels \"{label}\"}}}}"), &name])
    };
    assert_eq!(label("stager.kind"), "app");
    assert_eq!(label("stager.app-name"), odd.replace('\n', " "));
    assert_eq!(label("stager.buildpack"), "test 1");
    assert_eq!(label("stager.process-types"), r#"{"web":"a \"$B\" 'c' \\ `d`"}"#);
    assert_eq!(label("stager.droplet"), docker_free_sha256(&droplet));
    assert_eq!(label("stager.lifecycle").len(), 64);
    assert_eq!(label("org.opencontainers.image.base.name"), world.base.name);
    assert_eq!(label("org.opencontainers.image.revision"), docker_free_sha256(&droplet));
    assert_eq!(docker(&["history", "-q", &name]).lines().count(), world.base.layers() + 2);

    let container = docker(&["run", "-d", "-p", "127.0.0.1::8080", &name]);
    let address = docker(&["port", &container, "8080/tcp"]);
    let page = page(&address);
    for line in ["user=vcap", "HOME=/home/vcap/app", "PORT=8080", "LANG=en_US.UTF-8", "PWD=/home/vcap/app"] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
    let list = docker(&[
        "exec",
        &container,
        "stat",
        "-c",
        "%U %a %n",
        "/home/vcap",
        "/home/vcap/app/server.pl",
        "/tmp",
        "/tmp/lifecycle/launcher",
    ]);
    assert_eq!(
        list,
        "vcap 755 /home/vcap\nvcap 600 /home/vcap/app/server.pl\nroot 1777 /tmp\nroot 755 /tmp/lifecycle/launcher"
    );
}

fn docker_free_sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn the_same_again_is_found_and_another_droplet_replaces_it_without_a_nameless_image() {
    let world = World::new();
    let (name, lifecycle) = (world.name("again"), world.lifecycle());
    let first = world.file("first", &server_droplet("1"));
    let second = world.file("second", &server_droplet("2"));
    let id = || docker(&["image", "inspect", "--format", "{{.Id}}", &name]);

    assert!(world.image(&first, &lifecycle, &["--name", &name]).status.success());
    let made = id();
    let again = world.image(&first, &lifecycle, &["--name", &name]);
    assert!(said(&again).contains("exists already"), "{}", said(&again));
    assert_eq!(id(), made);

    assert!(world.image(&second, &lifecycle, &["--name", &name]).status.success());
    assert_ne!(id(), made);
    assert!(!world.base.images().contains(&made));
    let nameless = docker(&["images", "-q", "--filter", "dangling=true", "--filter", &world.base.filter()]);
    assert_eq!(nameless, "");
}

#[test]
fn every_way_into_the_engine_gives_an_image_that_runs_and_loading_the_same_one_every_time() {
    let world = World::new();
    let (droplet, lifecycle, name) =
        (world.file("droplet", &server_droplet("ways")), world.lifecycle(), world.name("ways"));
    let made = |by: &str| {
        let output = world.image(&droplet, &lifecycle, &["--name", &name, "--verbose", "--image-by", by]);
        assert!(output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains("trying it"), "{}", said(&output));
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", &name]);
        let listed =
            docker(&["run", "--rm", "--entrypoint", "stat", &name, "-c", "%U %a %n", "/home/vcap/app/server.pl"]);
        assert_eq!(listed, "vcap 600 /home/vcap/app/server.pl", "{by}");
        docker(&["rmi", "-f", &id]);
        (id, said(&output))
    };
    let (built, said) = made("build");
    assert!(said.contains(" by build: as --image-by asks"), "{said}");
    let (chosen, said) = made("auto");
    let ways = [
        ("load", " by load: it keeps layers by their digests"),
        ("oci", " by oci: it keeps images in containerd"),
        ("oci", " by oci: it is Podman and takes a layout"),
        ("build", " by build: it does not tell how it keeps images"),
    ];
    let (way, _) = ways.into_iter().find(|(_, words)| said.contains(words)).unwrap_or_else(|| panic!("{said}"));
    if way != "build" {
        assert_eq!(made(way).0, chosen);
        assert_ne!(built, chosen);
    }
}

#[test]
fn an_image_that_the_engine_refuses_leaves_nothing_and_says_why() {
    let world = World::new();
    // Nothing leaves the folder, but the path is longer than Linux takes, and so no engine can unpack it.
    let long = format!("./app/{}file", format!("{}/", "d".repeat(250)).repeat(20));
    let odd = droplet(&[("./app/", b"", 0o755), (&long, b"x", 0o644)]);
    let odd = world.file("droplet", &odd);
    let lifecycle = world.lifecycle();
    fs::write(lifecycle.join("new"), &world.base.mark).unwrap(); // Nothing that the engine has ready.
    let (before, containers) = (world.base.images(), world.base.containers());
    for (by, words) in [("auto", "error: building an image: "), ("load", "error: loading an image: ")] {
        let output = world.image(&odd, &lifecycle, &["--name", &world.name("refused"), "--image-by", by]);
        assert_eq!(output.status.code(), Some(7), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
        assert_eq!(world.base.images(), before);
        assert_eq!(world.base.containers(), containers);
    }
}

#[test]
fn what_cannot_become_an_image_is_refused_in_words_with_its_exit_code() {
    let world = World::new();
    let (good, lifecycle, name) = (world.file("good", &server_droplet("")), world.lifecycle(), world.name("words"));
    let before = world.base.images();
    let missing = world.folder.path().join("missing");
    let no_launcher = world.folder.path().join("empty");
    fs::create_dir(&no_launcher).unwrap();
    let escape = {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..12].copy_from_slice(b"../../escape");
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_size(0);
        header.set_cksum();
        tar.append(&header, std::io::empty()).unwrap();
        tar.into_inner().unwrap().finish().unwrap()
    };
    let cut = &server_droplet(&"x".repeat(5000))[..200];
    let droplets: [(&Path, &str); 6] = [
        (&missing, "missing cannot be read"),
        (world.folder.path(), "it is not a file"),
        (&world.file("none", b""), "the droplet is empty"),
        (&world.file("cut", cut), "the droplet is corrupt"),
        (&world.file("escape", &escape), "`../../escape`, which leads out of its folder"),
        (&world.file("no-app", &droplet(&[("./", b"", 0o700)])), "no folder `app`"),
    ];
    for (droplet, words) in droplets {
        let output = world.image(droplet, &lifecycle, &["--name", &name]);
        assert_eq!(output.status.code(), Some(7), "{words}: {}", said(&output));
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
    }
    for (folder, words) in [(&no_launcher, "no program `launcher`"), (&missing, "missing cannot be read")] {
        let output = world.image(&good, folder, &["--name", &name]);
        assert_eq!((output.status.code(), said(&output).contains(words)), (Some(7), true), "{}", said(&output));
    }
    for (more, words) in [
        (&["--name", "Bad Name"][..], "`Bad Name` is not a name"),
        (&[][..], "missing a name"),
        (&["--name", &name, "--label", "no value"][..], "--label must be NAME=VALUE"),
    ] {
        let output = world.image(&good, &lifecycle, more);
        assert_eq!((output.status.code(), said(&output).contains(words)), (Some(2), true), "{}", said(&output));
    }
    let mut other_base = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    other_base.arg("image").arg("--droplet").arg(&good).arg("--lifecycle").arg(&lifecycle);
    other_base.args(["--name", &name, "--base", "stager-test/no-such-base:at-all"]);
    let output = other_base.output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert!(said(&output).contains("docker/build"), "{}", said(&output));
    let output = other_base.env("DOCKER_HOST", "unix:///no/such/socket").output().unwrap();
    assert_eq!(output.status.code(), Some(9), "{}", said(&output));
    assert!(
        said(&output).contains("cannot connect to the Docker Engine at unix:///no/such/socket"),
        "{}",
        said(&output)
    );
    assert_eq!(world.base.images(), before);
}
