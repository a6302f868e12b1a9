//! The drop-in form: the request piped into the stager image, with and without the engine's socket.

use crate::app::{App, get, inspect};
use crate::hcf::{docker, is_podman, remaps_users, stager_image};
use crate::said::Said;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Where the agent looks for it, in its container.
const SOCKET: &str = "/var/run/docker.sock";

/// Where it is on the engine's machine.
fn engines_socket() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    if host.is_empty() { SOCKET.to_owned() } else { host.strip_prefix("unix://").expect("a socket").to_owned() }
}

/// `build_req | docker run -i --rm --net … OPTIONS stager WORDS`.
fn staged(app: &App, options: &[&str], words: &[&str]) -> Said {
    let mut command = Command::new("docker");
    command.args(["run", "-i", "--net", &app.hcf.network, "--label", "stager.kind=staging"]);
    if !*FORGETS {
        command.arg("--rm");
    }
    command.args(["--label", &format!("stager.app-guid={}", app.guid)]);
    if options.contains(&mounted().as_str()) {
        command.args(same_users());
    }
    command.args(options).arg(stager_image()).args(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(app.request("build-req").to_string().as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap().into();
    if *FORGETS {
        app.containers("staging").iter().for_each(|container| drop(docker(&["rm", "--force", "--volumes", container])));
    }
    said
}

/// Whether `docker run --rm` ends with 0 whatever its container ended with, as with Podman before 4.6: there the containers
/// are removed by the test.
static FORGETS: LazyLock<bool> = LazyLock::new(|| {
    let run = ["run", "--rm", "--label", "stager.kind=test", "--entrypoint", "sh", "stager-rootfs:cflinuxfs4"];
    is_podman() && docker(&[&run[..], &["-c", "exit 7"]].concat()).is_ok()
});

fn mounted() -> String {
    format!("{}:{SOCKET}", engines_socket())
}

/// What else opens the socket where the engine gives containers other users than the machine's.
fn same_users() -> Vec<&'static str> {
    if remaps_users() { vec!["--userns", "host"] } else { vec![] }
}

/// The group that owns the socket, as `stat -c %g` tells it; in a container, where that is another group than the machine's.
fn group() -> String {
    if docker(&["info", "--format", "{{.SecurityOptions}}"]).unwrap().contains("name=rootless") {
        let label = ["--label", "stager.kind=test"];
        let stat = ["--entrypoint", "stat", "stager-rootfs:cflinuxfs4", "-c", "%g", SOCKET];
        return docker(&[&["run", "--rm", "-v", &mounted()], &label[..], &stat].concat()).unwrap();
    }
    let output = Command::new("stat").args(["-c", "%g", &engines_socket()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn without_a_socket_it_stages_and_uploads_and_says_that_there_is_no_image() {
    let app = App::pushed("drop-in-bare", "hello-procfile", &[]);
    let said = staged(&app, &[], &[]).done();
    for words in ["The droplet in Cloud Controller was replaced", "No image was built: there is no Docker socket"] {
        assert!(said.out.contains(words), "{words:?} is not in:\n{}", said.out);
    }
    app.left_nothing();
}

#[test]
fn root_with_the_socket_makes_the_same_image_as_restage_and_it_runs() {
    let app = App::pushed("drop-in-root", "env-page", &[]);
    let said = staged(&app, &["-v", &mounted()], &["--output", "json"]).done();
    assert!(said.out.contains("\"event\":\"image\""), "{}", said.out);
    let [image] = &app.images()[..] else { panic!("{}", said.out) };
    let inspected = inspect(image);
    let labels = &inspected["Config"]["Labels"];
    assert_eq!((&labels["stager.app-name"], &labels["stager.stack"]), (&"drop-in-root".into(), &"cflinuxfs4".into()));
    assert!(labels["stager.process-types"].as_str().unwrap().contains("web"), "{labels}");
    assert!(inspected["RepoTags"].to_string().contains(&format!("cf-app/drop-in-root-{}:latest", &app.guid[..8])));

    let name = format!("stager-drop-in-{}", std::process::id());
    let guid = format!("stager.app-guid={}", app.guid);
    let run =
        ["run", "-d", "--name", &name, "--label", "stager.kind=app", "--label", &guid, "-p", "127.0.0.1::8080", image];
    docker(&run).unwrap();
    let address = docker(&["port", &name, "8080/tcp"]).unwrap();
    assert!(answers(&address).contains("env-page"));
}

/// The page, once the app has started.
fn answers(address: &str) -> String {
    const PATIENCE: Duration = Duration::from_secs(20);
    let until = Instant::now() + PATIENCE;
    loop {
        // Docker's proxy takes the connection before the app listens, and then ends it.
        let page = std::panic::catch_unwind(|| get(&format!("http://{address}"), "/")).unwrap_or_default();
        if !page.is_empty() || Instant::now() > until {
            return page;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_originals_line_stages_and_says_which_option_opens_the_socket() {
    let app = App::pushed("drop-in-vcap", "hello-procfile", &[]);
    let said = staged(&app, &["--user", "vcap", "-v", &mounted()], &[]).done();
    let words = format!("{SOCKET} is closed to vcap; `--group-add $(stat -c %g {SOCKET})` opens it");
    assert!(said.out.contains("was replaced") && said.out.contains(&words), "{}", said.out);
    app.left_nothing();
}

#[test]
fn vcap_with_the_sockets_group_makes_the_image_and_says_what_that_gives_away() {
    let app = App::pushed("drop-in-group", "hello-procfile", &[]);
    let said = staged(&app, &["--user", "vcap", "--group-add", &group(), "-v", &mounted()], &[]).done();
    assert!(said.err.contains("buildpacks can open /var/run/docker.sock too, which makes them root"), "{}", said.err);
    assert_eq!(app.images().len(), 1, "{}", said.out);
}

#[test]
fn root_refuses_a_socket_that_buildpacks_could_open_unless_they_are_trusted() {
    let app = App::pushed("drop-in-open", "hello-procfile", &[]);
    // A socket of our own, open to all: the engine's is nobody's to open up for a test.
    let folder = app.hcf.folder("sockets");
    let open = folder.join("open.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&open).unwrap();
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let mount = format!("{}:{SOCKET}", open.display());
    let said = staged(&app, &["-v", &mount], &[]).failed(2, &["open to the app's buildpacks", "--trust-buildpacks"]);
    assert!(!said.out.contains("Downloading"), "nothing may be done before: {}", said.out);
    staged(&app, &["-v", &mount], &["--no-image"]).failed(2, &["open to the app's buildpacks"]);
    let trusted = staged(&app, &["-v", &mount], &["--no-image", "--trust-buildpacks"]).done();
    assert!(trusted.err.contains("which makes them root on the host"), "{}", trusted.err);
    app.left_nothing();
}

#[test]
fn a_mounted_cache_serves_root_and_its_image_and_vcap_goes_on_without_keeping() {
    let app = App::pushed("drop-in-cache", "hello-procfile", &[]);
    let mount = format!("{}:/var/cache/stager", app.volume());
    let first = staged(&app, &["-v", &mount], &["--no-image"]).done();
    assert!(first.out.contains("======> Downloading /tmp/lifecycle from"), "{}", first.out);
    // Where users are remapped, the volume is one root's and the socket another's.
    if same_users().is_empty() {
        let second = staged(&app, &["-v", &mount, "-v", &mounted()], &[]).done();
        assert!(second.out.contains("======> Cached /tmp/lifecycle from"), "{}", second.out);
        assert_eq!(app.images().len(), 1, "host-cli follows the link into the cache: {}", second.out);
    }
    let vcap = staged(&app, &["--user", "vcap", "-v", &mount], &["--no-image"]).done();
    for words in ["The cache is not used", "======> Downloading /tmp/lifecycle from"] {
        assert!(vcap.out.contains(words), "{words:?} is not in:\n{}", vcap.out);
    }
}
