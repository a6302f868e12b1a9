//! `host-cli restage --push` on a real engine, with Debian's registry.

use crate::app::{App, get};
use crate::hcf::docker;
use crate::registry::{PASSWORD, Registry, USER};
use crate::said::Said;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};

#[test]
fn an_image_whose_push_fails_stays_whole_is_pushed_by_its_apps_name_and_comes_back() {
    let (app, registry) = (App::pushed("pushed", "hello-procfile", &[]), Registry::new());
    let reference = format!("{}/team/pushed:1", registry.address);
    let login = ["--push", &reference, "--username", USER, "--password-stdin"];
    let ca = app.hcf.ca();
    let options = [&login[..], &["--ca", ca.to_str().unwrap(), "--", "--no-upload"]].concat();
    let refused = told(app.restaging(&options), "wrong");
    let local = format!("cf-app/pushed-{}:", &app.guid[..8]);
    let again = format!("`host-cli push {local}droplet-");
    assert!(refused.out.contains(&format!(" image   {local}droplet-")), "{refused:?}");
    refused.failed(7, &["does not accept the login of --username pusher", &again]);
    assert_eq!(names(&app), [format!("{local}droplet"), format!("{local}latest")]);

    let mut push = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    push.args(["push", &app.name, &reference]).args(&login[2..]);
    let pushed = told(push, PASSWORD).done();
    assert!(pushed.out.contains(&format!(" push    {reference}@sha256:")), "{pushed:?}");

    docker(&["rmi", "-f", &app.images()[0]]).unwrap();
    assert_eq!(app.images(), Vec::<String>::new());
    let config = config(&registry);
    docker(&["--config", config.path().to_str().unwrap(), "pull", "-q", &reference]).unwrap();
    let labels = ["--label", "stager.kind=test", "-p", "127.0.0.1::8080"];
    let container = docker(&[&["run", "-d"], &labels[..], &[&reference]].concat()).unwrap();
    let container = Container(container.trim().to_owned());
    let address = docker(&["port", &container.0, "8080/tcp"]).unwrap();
    super::launch::wait_for(&format!("http://{}", address.trim()));
    assert_eq!(get(&format!("http://{}", address.trim()), "/"), "hello\n");
}

/// What the command says when it is given this password.
fn told(mut command: Command, password: &str) -> Said {
    command.env("DOCKER_CONFIG", "/nowhere");
    let mut child: Child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// The image's names in alphabetical order, of a droplet's tag only what comes before its digest.
fn names(app: &App) -> Vec<String> {
    let tags = docker(&["image", "inspect", "--format", "{{join .RepoTags \" \"}}", &app.images()[0]]).unwrap();
    let mut names: Vec<_> = tags.split_whitespace().map(without_digest).collect();
    names.sort();
    names
}

fn without_digest(tag: &str) -> String {
    let tag = tag.strip_prefix("docker.io/").unwrap_or(tag); // Podman puts it in front of a name without a registry.
    tag.split_once(":droplet-").map_or_else(|| tag.to_owned(), |(repository, _)| format!("{repository}:droplet"))
}

/// A folder with docker's configuration for this registry.
fn config(registry: &Registry) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let auths = serde_json::json!({ "auths": { &registry.address: { "auth": auth } } });
    fs::write(folder.path().join("config.json"), auths.to_string()).unwrap();
    folder
}

/// A container that goes with its test.
struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "-f", "-v", &self.0]).unwrap();
    }
}
