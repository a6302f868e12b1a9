//! Docker apps on a real engine, with Debian's registry: launched from there with the lifecycle of a mini-HCF, and staged.

use super::launch::staged;
use crate::app::{App, get, inspect};
use crate::hcf::{Hcf, docker, stager_image};
use crate::registry::{PASSWORD, Registry, USER};
use crate::said::Said;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A lifecycle for docker apps, as short as it can be: its builder finds what it is told, unless that is not there, and its
/// launcher runs the start command.
const BUILDER: &str = r#"
for word in "$@"; do
  case $word in
  -dockerRef=*) image=${word#*=} ;;
  -outputMetadataJSONFilename=*) result=${word#*=} ;;
  esac
done
echo "$@"
case $image in */missing:*) echo "no such image" >&2; exit 2 ;; esac
printf '{"lifecycle_type":"docker","lifecycle_metadata":{"docker_image":"%s"},' "$image" >"$result"
printf '"execution_metadata":"{\\"ports\\":[{\\"Port\\":8080,\\"Protocol\\":\\"tcp\\"}]}"}' >>"$result"
"#;
const LAUNCHER: &str = r#"exec sh -c "$2""#;
const HEALTHCHECK: &str = "exec perl -MIO::Socket -e 'exit !IO::Socket::INET->new(PeerAddr => \"127.0.0.1:8080\")'";

/// The label of an image that tells of which test it is.
const OF_TEST: &str = "of-test";

/// The page of the app: who answers it.
const START: &str = "cd /tmp && id -un >index.html && exec python3 -m http.server 8080";

/// A mini-HCF with that lifecycle.
fn hcf() -> Arc<Hcf> {
    let hcf = Hcf::own("docker");
    let folder = hcf.folder("docker-lifecycle");
    for (name, script) in [("builder", BUILDER), ("launcher", LAUNCHER), ("healthcheck", HEALTHCHECK)] {
        fs::write(folder.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    hcf.run(&["lifecycle", folder.to_str().unwrap()]);
    hcf
}

/// An image in a registry that bears labels of ours and looks after its own health; gone from the engine with its test.
struct InRegistry {
    registry: Registry,
    reference: String,
}

impl InRegistry {
    fn new(app: &App) -> Self {
        let registry = Registry::new();
        let reference = format!("{}/acme/{}:1", registry.address, app.name);
        let file = format!(
            "FROM stager-rootfs:cflinuxfs4\nSTOPSIGNAL SIGQUIT\nHEALTHCHECK CMD false\nENV OF_THE_IMAGE=here\n\
             LABEL stager.kind=app stager.app-guid={} stager.kept=true stager.process=web stager.owner=a.1.1 {OF_TEST}={reference}\n",
            "9".repeat(36)
        );
        let mut build = Command::new("docker");
        build.args(["build", "-q", "-t", &reference, "-"]).env("DOCKER_BUILDKIT", "0");
        let mut building = build.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        building.stdin.take().unwrap().write_all(file.as_bytes()).unwrap();
        assert!(building.wait().unwrap().success());
        let config = tempfile::tempdir().unwrap();
        let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        let auths = json!({ "auths": { &registry.address: { "auth": auth } } });
        fs::write(config.path().join("config.json"), auths.to_string()).unwrap();
        docker(&["--config", config.path().to_str().unwrap(), "push", "-q", &reference]).unwrap();
        docker(&["rmi", &reference]).unwrap();
        Self { registry, reference }
    }

    fn rootfs(&self) -> String {
        let (image, tag) = self.reference.rsplit_once(':').unwrap();
        format!("docker://{image}#{tag}")
    }
}

impl Drop for InRegistry {
    fn drop(&mut self) {
        // By their label: what was pulled by its digest has no tag. An image in use would outlive its name.
        let label = format!("label={OF_TEST}={}", self.reference);
        let listed = |words: &[&str], which: &str| {
            docker(&[words, &["--quiet", "--no-trunc", "--filter", which]].concat()).unwrap_or_default()
        };
        for image in listed(&["images"], &label).lines() {
            for container in listed(&["ps", "--all"], &format!("ancestor={image}")).lines() {
                let _ = docker(&["rm", "--force", "--volumes", container]);
            }
            let _ = docker(&["rmi", "-f", image]);
        }
    }
}

/// The app's launch request as a docker app's.
fn launch_request(app: &App, rootfs: &str, change: impl FnOnce(&mut Value)) -> PathBuf {
    app.changed("launch-req", |request| {
        let text = request.to_string().replace(r#"["app","","#, &format!(r#"["app",{},"#, json!(START)));
        *request = serde_json::from_str(&text.replace(r#""user":"vcap""#, r#""user":"nobody""#)).unwrap();
        request["rootfs"] = rootfs.into();
        request["setup"] = Value::Null;
        (request["image_username"], request["image_password"]) = (USER.into(), PASSWORD.into());
        change(request);
    })
}

fn launch(app: &App, request: &Path, options: &[&str]) -> Said {
    let (ca, volume) = (app.hcf.ca(), app.volume());
    let mut command = app.launching(&["--request", request.to_str().unwrap(), "--ca", ca.to_str().unwrap()]);
    command.args(["--stager-image", &stager_image(), "--cache-volume", &volume]).args(options);
    command.env("DOCKER_CONFIG", "/nowhere").output().unwrap().into()
}

fn url(said: &Said) -> String {
    let address = said.out.split_whitespace().find(|word| word.starts_with("http://"));
    address.unwrap_or_else(|| panic!("{said:?}")).to_owned()
}

#[test]
fn a_docker_app_runs_from_its_registry_with_its_login_its_user_and_its_requests_lifecycle() {
    let app = App::pushed_to(hcf(), "of-a-registry", "hello-procfile", &[]);
    let image = InRegistry::new(&app);
    let request = launch_request(&app, &image.rootfs(), |_| {});
    let said = launch(&app, &request, &[]).done();
    assert!(said.out.contains(&format!("Launching of-a-registry from {}", image.reference)), "{}", said.out);
    assert!(said.out.contains(" fetch "), "{}", said.out);
    assert_eq!(get(&url(&said), "/"), "nobody\n");

    let first = app.containers("app");
    let inspected = inspect(&first[0]);
    let signal = &inspected["Config"]["StopSignal"];
    assert!(signal == "SIGTERM" || signal == "15", "{signal}"); // Podman tells its number
    let check = inspected["Config"]["Healthcheck"]["Test"].to_string();
    assert!(check.contains("/tmp/lifecycle/healthcheck"), "not the image's: {check}");
    let labels = &inspected["Config"]["Labels"];
    assert_eq!([&labels["stager.kept"], &labels[OF_TEST]], ["", ""]);
    assert!(inspected["Config"]["Env"].as_array().unwrap().contains(&"OF_THE_IMAGE=here".into()));
    assert!(!inspected.to_string().contains(PASSWORD));
    let owner = docker(&["exec", &first[0], "stat", "-c", "%U %a", "/tmp/lifecycle/launcher"]).unwrap();
    assert_eq!(owner, "root 755");

    let said = launch(&app, &request, &["--verbose", "--pull", "never"]).done();
    assert!(!said.out.contains("Pulling") && said.out.contains("Cached"), "{}", said.out);
    let second = app.running();
    assert_eq!(second.len(), 1);
    assert_ne!(first, second);
    // It says that it is one of ours, and so its registry is asked each time; even where the name is another image's, which keeps it.
    let pulled = inspect(&image.reference)["Id"].clone();
    docker(&["tag", "stager-rootfs:cflinuxfs4", &image.reference]).unwrap();
    launch(&app, &request, &["--verbose"]).done();
    let named = inspect(&image.reference)["Id"].clone();
    docker(&["tag", pulled.as_str().unwrap(), &image.reference]).unwrap(); // which goes with it
    assert_ne!(named, pulled);
    assert_eq!(inspect(&app.containers("app")[0])["Image"], pulled);
}

#[test]
fn what_keeps_a_docker_app_from_running_is_told_and_leaves_nothing() {
    let app = App::pushed_to(hcf(), "kept-back", "hello-procfile", &[]);
    let image = InRegistry::new(&app);
    let (rootfs, registry) = (image.rootfs(), &image.registry.address);
    let failed = |rootfs: &str, change: fn(&mut Value), code, words: &[&str]| {
        launch(&app, &launch_request(&app, rootfs, change), &[]).failed(code, words);
        assert_eq!(app.containers("app"), Vec::<String>::new());
    };
    let no_login = |request: &mut Value| request["image_username"] = "".into();
    failed(&rootfs, no_login, 8, &[&format!("{registry} needs a login"), "docker login"]);
    let wrong = |request: &mut Value| request["image_password"] = "wrong".into();
    failed(&rootfs, wrong, 8, &["does not accept the login of the launch request", "--docker-username"]);
    failed(&rootfs.replace("#1", "#2"), |_| {}, 8, &[&format!("{registry} has no image acme/kept-back of this name")]);
    failed("docker://127.0.0.1:1/acme/a#1", |_| {}, 8, &["cannot connect to registry 127.0.0.1:1"]);
    let nothing = |request: &mut Value| request["cached_dependencies"] = Value::Null;
    failed(&rootfs, nothing, 3, &["has no lifecycle for its launcher"]);
    let elsewhere = |request: &mut Value| {
        let from = request["cached_dependencies"][0]["from"].as_str().unwrap().replace(".tgz", "-none.tgz");
        (request["cached_dependencies"][0]["from"], request["cached_dependencies"][0]["cache_key"]) =
            (from.into(), "none".into());
    };
    failed(&rootfs, elsewhere, 4, &["404"]);
    let running = docker(&["ps", "--all", "--quiet", "--filter", &format!("network={}", app.hcf.network)]).unwrap();
    let servers = docker(&["ps", "--quiet", "--filter", &format!("network={}", app.hcf.network)]).unwrap();
    assert_eq!(running, servers, "only the mini-HCF's own containers are there");
}

/// Stands among a builder's arguments, where the search for secrets would find the registry's.
const OF_THE_BUILDER: &str = "n0t-shown-by-the-builder";

#[test]
fn a_docker_app_is_staged_by_its_builder_and_its_image_is_told() {
    let app = App::pushed_to(hcf(), "docker-staged", "hello-procfile", &[]);
    let request = |image: &str| {
        app.changed("build-req", |request| {
            let password = format!("-dockerPassword={OF_THE_BUILDER}");
            let reference = format!("-dockerRef={image}");
            let arguments = ["-outputMetadataJSONFilename=/tmp/result.json", &reference, "-dockerUser=me", &password];
            let run = json!({"path": "/tmp/lifecycle/builder", "args": arguments, "user": "vcap"});
            request["action"] = json!({ "run": run });
            request["result_file"] = "/tmp/result.json".into();
        })
    };
    let restage = |image: &str| {
        app.restage(&["--request", request(image).to_str().unwrap(), "--ca", app.hcf.ca().to_str().unwrap()])
    };
    let said = restage("r.io/acme/shop:1").done();
    assert!(said.out.contains("The app's image is r.io/acme/shop:1; it listens on 8080/tcp"), "{}", said.out);
    assert!(said.out.contains("host-cli launch") && said.out.contains("-dockerPassword=***"), "{}", said.out);
    assert!(!said.out.contains(OF_THE_BUILDER), "{}", said.out);
    restage("r.io/acme/missing:1").failed(5, &["cannot read the app's image r.io/acme/missing:1", "login"]);
    app.left_nothing();
}

#[test]
fn an_app_of_a_droplet_runs_with_its_requests_lifecycle_where_that_is_typed() {
    let app = staged("own-launcher", "hello-procfile", &[]);
    let request = app.changed("launch-req", |_| {});
    let said = launch(&app, &request, &["--lifecycle", "request"]).done();
    assert_eq!(get(&url(&said), "/"), "hello\n");
    let mounts = inspect(&app.containers("app")[0])["Mounts"].to_string();
    assert!(mounts.contains("/tmp/lifecycle"), "{mounts}");
}
