//! `host-cli export` with a real engine, skopeo and umoci. Wants what `image` wants, and both of them (ci/setup
//! installs them). All images bear these tests' mark as a label and are removed with it.

use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const ROOTFS: &str = "stager-rootfs:cflinuxfs4";

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; ci/setup installs it"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn docker(arguments: &[&str]) -> String {
    run("docker", arguments)
}

fn host_cli(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host-cli")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// One test's files and images.
struct World {
    folder: tempfile::TempDir,
    mark: String,
}

static WORLDS: AtomicU32 = AtomicU32::new(0);

impl World {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mark = format!("export-{}-{}", since.as_nanos(), WORLDS.fetch_add(1, Ordering::Relaxed));
        Self { folder: tempfile::tempdir().unwrap(), mark }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A folder for what is exported, and nothing else.
    fn exports(&self) -> PathBuf {
        let folder = self.path("exports");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn listed(&self) -> Vec<String> {
        let list = fs::read_dir(self.exports()).unwrap();
        list.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// A droplet as GNU tar packs it for a builder: with links of both kinds, a long name and modes.
    fn droplet(&self) -> PathBuf {
        let contents = self.path("contents");
        let deep = contents.join("app").join("deep".repeat(40));
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(contents.join("logs")).unwrap();
        fs::write(contents.join("app/hello"), "#!/bin/sh\necho hello from the droplet\n").unwrap();
        fs::set_permissions(contents.join("app/hello"), fs::Permissions::from_mode(0o750)).unwrap();
        fs::hard_link(contents.join("app/hello"), deep.join("same")).unwrap();
        symlink("../app/./hello", contents.join("app/link")).unwrap();
        fs::write(contents.join("app/mark"), &self.mark).unwrap();
        fs::write(contents.join("staging_info.yml"), r#"{"start_command":"exec ./hello"}"#).unwrap();
        let droplet = self.path("droplet");
        run("tar", &["-czf", droplet.to_str().unwrap(), "-C", contents.to_str().unwrap(), "."]);
        droplet
    }

    /// The image of a droplet, by its name.
    fn image(&self, droplet: &Path, name: &str, more: &[&str]) -> String {
        let binaries = std::env::var_os("STAGER_STATIC_BIN")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/static"), PathBuf::from);
        let lifecycle = self.path("lifecycle");
        fs::create_dir_all(&lifecycle).unwrap();
        fs::copy(binaries.join("launcher"), lifecycle.join("launcher"))
            .unwrap_or_else(|error| panic!("{}/launcher: {error}; ci/build-static makes it", binaries.display()));
        let (name, mark) = (format!("stager-test/{}:{name}", self.mark), format!("stager.instance={}", self.mark));
        let (droplet, lifecycle) = (droplet.to_str().unwrap(), lifecycle.to_str().unwrap());
        let order = ["image", "--droplet", droplet, "--lifecycle", lifecycle, "--base", ROOTFS];
        let output = host_cli(&[&order[..], &["--name", &name, "--label", &mark], more].concat());
        assert!(output.status.success(), "{}", said(&output));
        name
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let ids = docker(&["images", "-a", "-q", "--filter", &format!("label=stager.instance={}", self.mark)]);
        for id in ids.lines() {
            // One with several names is listed as often.
            let _ = Command::new("docker").args(["rmi", "-f", id]).output();
        }
    }
}

/// What an engine says of an image.
fn inspected(image: &str) -> Value {
    let list: Value = serde_json::from_str(&docker(&["image", "inspect", image])).unwrap();
    list[0].clone()
}

/// The events that a run with `--output json` printed.
fn events(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_droplet_that_comes_out_makes_the_same_image_but_for_its_name() {
    let world = World::new();
    let first = world.image(&world.droplet(), "first", &[]);
    world.exports();
    let (file, again) = (world.text("exports/a.tgz"), world.text("exports/b.tgz"));
    let output = host_cli(&["export", &first, "--droplet", &file, "--output", "json"]);
    assert!(output.status.success(), "{}", said(&output));
    let sha256 = run("sha256sum", &[&file]);
    let told = events(&output).into_iter().find(|event| event["event"] == "exported").unwrap();
    assert_eq!(told["digest"], format!("sha256:{}", sha256.split(' ').next().unwrap()));
    assert_eq!((&told["kind"], &told["path"]), (&"droplet".into(), &file.as_str().into()));

    assert!(host_cli(&["export", &first, "--droplet", &again]).status.success());
    let piped = host_cli(&["export", &first, "--droplet", "-"]);
    let bytes = fs::read(&file).unwrap();
    assert!(fs::read(&again).unwrap() == bytes && piped.stdout == bytes);
    assert!(String::from_utf8_lossy(&piped.stderr).contains("standard output  "), "{}", said(&piped));

    let second = world.image(Path::new(&file), "second", &[]);
    let [mut one, mut other] = [inspected(&first), inspected(&second)];
    assert_eq!(one["RootFS"]["Layers"], other["RootFS"]["Layers"]);
    for config in [&mut one["Config"], &mut other["Config"]] {
        for named_after_the_file in ["stager.droplet", "org.opencontainers.image.revision", "stager.build-key"] {
            assert!(config["Labels"].as_object_mut().unwrap().remove(named_after_the_file).is_some());
        }
    }
    assert_eq!(one["Config"], other["Config"]);
    assert!(host_cli(&["export", &second, "--droplet", &again]).status.success());
    assert!(fs::read(&again).unwrap() == bytes);

    // What GNU tar takes out is what it packed, and whose it is.
    let out = world.text("out");
    fs::create_dir(&out).unwrap();
    run("tar", &["-xzf", &file, "--no-same-owner", "-C", &out]);
    run("diff", &["-r", "--no-dereference", &world.text("contents"), &out]);
    let list = run("tar", &["-tvzf", &file]);
    let head = list.lines().next().unwrap();
    assert!(head.starts_with("drwx------ vcap/vcap ") && head.ends_with(" ./"), "{head}");
    assert!(list.lines().all(|line| line.contains(" vcap/vcap ")), "{list}");
    assert!(list.contains("-rwxr-x--- vcap/vcap"), "{list}");
    assert_eq!(world.listed().len(), 2, "nothing stays beside what was exported");
}

#[test]
fn the_droplet_of_an_image_that_was_built_comes_out_too() {
    let world = World::new();
    let image = world.image(&world.droplet(), "built", &["--image-by", "build"]);
    let file = world.text("droplet.tgz");
    let output = host_cli(&["export", &image, "--droplet", &file]);
    assert!(output.status.success(), "{}", said(&output));
    let out = world.text("out");
    fs::create_dir(&out).unwrap();
    run("tar", &["-xzf", &file, "--no-same-owner", "-C", &out]);
    run("diff", &["-r", "--no-dereference", &world.text("contents"), &out]);
}

#[test]
fn skopeo_and_umoci_take_the_layout_and_what_comes_back_is_the_same_image_and_runs() {
    let world = World::new();
    let image = world.image(&world.droplet(), "layout", &[]);
    let before = inspected(&image);
    let mut digests = Vec::new();
    for folder in ["layout", "layout-again"] {
        let output = host_cli(&["export", &image, "--oci", &world.text(folder), "--output", "json"]);
        assert!(output.status.success(), "{}", said(&output));
        let told = events(&output).into_iter().find(|event| event["event"] == "exported").unwrap();
        digests.push(told["digest"].as_str().unwrap().to_owned());
    }
    assert_eq!(digests[0], digests[1]);

    let layout = format!("{}:latest", world.text("layout"));
    let from = format!("oci:{layout}");
    let seen: Value = serde_json::from_str(&run("skopeo", &["inspect", &from])).unwrap();
    assert_eq!((&seen["Digest"], &seen["Labels"]["stager.kind"]), (&digests[0].as_str().into(), &"app".into()));
    let archive = world.text("archive.tar");
    run("skopeo", &["copy", "--insecure-policy", "-q", &from, &format!("docker-archive:{archive}:{image}")]);
    let copied = format!("dir:{}", world.text("copied"));
    run("skopeo", &["copy", "--insecure-policy", "-q", &from, &copied]);

    let bundle = world.text("bundle");
    run("umoci", &["unpack", "--rootless", "--image", &layout, &bundle]);
    let hello = fs::read_to_string(Path::new(&bundle).join("rootfs/home/vcap/app/hello")).unwrap();
    assert!(hello.contains("hello from the droplet"), "{hello}");
    let process: Value =
        serde_json::from_str(&fs::read_to_string(Path::new(&bundle).join("config.json")).unwrap()).unwrap();
    assert_eq!(process["process"]["args"][0], "/tmp/lifecycle/launcher");
    run("umoci", &["tag", "--image", &layout, "mine"]);
    assert_eq!(run("umoci", &["list", "--layout", &world.text("layout")]).lines().count(), 2);

    docker(&["rmi", "-f", before["Id"].as_str().unwrap()]);
    docker(&["load", "-q", "-i", &archive]);
    let after = inspected(&image);
    assert_eq!((&after["Config"], &after["RootFS"]), (&before["Config"], &before["RootFS"]));
    assert_eq!(docker(&["run", "--rm", &image]), "hello from the droplet");
}

#[test]
fn an_app_is_found_without_logs_and_what_cannot_be_exported_is_said_with_its_exit_code() {
    let world = World::new();
    let guid = world.mark.clone();
    let (name, droplet) = (format!("app-{}", world.mark), world.droplet());
    let labels = [format!("stager.app-name={name}"), format!("stager.app-guid={guid}")];
    world.image(&droplet, "app", &["--label", &labels[0], "--label", &labels[1]]);
    let file = world.exports().join("droplet.tgz").to_str().unwrap().to_owned();
    let no_logs = world.text("contents"); // A folder, and no logs in it.
    for word in [name.as_str(), &guid, &guid[..20]] {
        let output = host_cli(&["export", word, "--droplet", &file, "--logs", &no_logs]);
        assert!(output.status.success(), "{word}: {}", said(&output));
        fs::remove_file(&file).unwrap();
    }
    let full = world.text("contents");
    let of = |words: &[&str], code: i32, text: &str| {
        let output = host_cli(&[&["export"], words].concat());
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(text), "{text}: {}", said(&output));
    };
    of(&[&name], 2, "choose where to write: --droplet FILE or --oci DIR");
    of(&[&name, "--droplet", &file, "--oci", &full], 2, "--droplet and --oci cannot go together");
    of(&["no-such-app-at-all", "--droplet", &file], 7, "no app image for \"no-such-app-at-all\"");
    of(&[ROOTFS, "--droplet", &file], 7, "is not an app image of stager's");
    of(&[&name, "--oci", &full], 7, "a folder that holds other things");
    of(&[&name, "--droplet", &world.text("missing/droplet")], 7, "No such file or directory");
    let mut away = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    let output =
        away.args(["export", "--droplet", &file]).env("DOCKER_HOST", "unix:///no/such/socket").output().unwrap();
    assert_eq!(output.status.code(), Some(9), "{}", said(&output));
    assert_eq!(world.listed(), Vec::<String>::new());
}

#[test]
fn ctrl_c_leaves_nothing_half_written() {
    let world = World::new();
    world.droplet();
    // Some seconds of work, which no machine does before it is seen.
    run("sh", &["-c", &format!("head -c 150000000 /dev/urandom >{}/app/big", world.text("contents"))]);
    run("tar", &["-czf", &world.text("droplet"), "-C", &world.text("contents"), "."]);
    let image = world.image(&world.path("droplet"), "large", &[]);
    for (option, name) in [("--droplet", "droplet.tgz"), ("--oci", "layout")] {
        let place = world.exports().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        command.args(["export", &image, option]).arg(&place).stdout(Stdio::piped()).stderr(Stdio::piped());
        let exporting = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while world.listed().is_empty() {
            assert!(Instant::now() < deadline, "nothing is written");
            thread::sleep(Duration::from_millis(1));
        }
        run("kill", &["-INT", &exporting.id().to_string()]);
        let output = exporting.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        assert_eq!(world.listed(), Vec::<String>::new(), "{option}");
    }
}
