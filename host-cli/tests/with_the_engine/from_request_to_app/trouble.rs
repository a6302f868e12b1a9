//! What can be missing or wrong around a staging.

use crate::app::App;
use crate::hcf::{docker, stager_image};
use std::fs;
use std::process::Command;

#[test]
fn no_engine_no_network_and_no_image_are_each_told_with_what_to_do() {
    let app = App::pushed("lacking", "hello-procfile", &[]);
    for command in [app.restaging(&[]), app.launching(&[])] {
        let mut command = command;
        let said = command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap();
        crate::said::Said::from(said)
            .failed(9, &["cannot connect to the Docker Engine at unix:///nowhere/docker.sock", "try: "]);
    }
    app.restage(&["--request", "/nowhere/request.json"]).failed(3, &["/nowhere/request.json"]);
    app.restage(&["--base", "stager-nothing:here"])
        .failed(9, &["no root file system \"stager-nothing:here\"", "docker/build"]);
    let elsewhere = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        let output = command.args(words).arg("--logs").arg(app.hcf.logs()).output().unwrap();
        crate::said::Said::from(output)
    };
    elsewhere(&["restage", "lacking", "--network", "hcf-nowhere"])
        .failed(9, &["no network \"hcf-nowhere\"", "docker network ls"]);
    elsewhere(&["launch", "lacking", "--network", "hcf-nowhere"])
        .failed(9, &["no network \"hcf-nowhere\"", "docker network ls"]);
    elsewhere(&["restage", "lacking", "--network", &app.hcf.network, "--stager-image", "stager-nothing:here"])
        .failed(9, &["no stager image \"stager-nothing:here\"", "docker/build"]);
    elsewhere(&["restage", "lackign"]).failed(3, &["lackign", "lacking"]);
    app.left_nothing();
}

#[test]
fn requests_that_are_none_are_refused_with_all_that_is_wrong() {
    let app = App::pushed("odd", "hello-procfile", &[]);
    let docker_app = app.changed("build-req", |request| {
        let run =
            serde_json::json!({"path": "/tmp/lifecycle/builder", "args": ["-dockerRef=r.io/a:1"], "user": "vcap"});
        request["action"] = serde_json::json!({ "run": run });
    });
    app.restage(&["--request", docker_app.to_str().unwrap(), "--push", "127.0.0.1:1/a"])
        .failed(3, &["docker app", "no droplet", "docker tag"]);
    let broken = app.hcf.folder("requests").join("broken.json");
    fs::write(&broken, r#"{"rootfs":"","action":{"exec":{}}}"#).unwrap();
    app.restage(&["--request", broken.to_str().unwrap()]).failed(3, &["exec"]);
    fs::write(&broken, "").unwrap();
    app.restage(&["--request", broken.to_str().unwrap()]).failed(3, &["empty"]);
    app.left_nothing();
}

#[test]
fn an_image_with_another_protocol_or_none_is_answered_with_what_to_rebuild() {
    let app = App::pushed("alien", "hello-procfile", &[]);
    for (words, says) in [
        (r#"echo "{\"event\":\"hello\",\"protocol\":1,\"version\":\"9\"}"; sleep 60"#, "speaks protocol 1"),
        ("echo what", "ended without output that host-cli understands"),
    ] {
        let image = AlienImage::new(words);
        let mut command = app.restaging(&[]);
        let words: Vec<_> =
            command.get_args().map(|word| word.to_str().unwrap().replace(&stager_image(), &image.0)).collect();
        command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        let said = crate::said::Said::from(command.args(words).output().unwrap());
        said.failed(9, &[says, "rebuild the stager image"]);
        app.left_nothing();
    }
}

/// An image whose entry point is this shell script.
struct AlienImage(String);

impl AlienImage {
    fn new(script: &str) -> Self {
        let mark = script.bytes().fold(17_u32, |mark, byte| mark.wrapping_mul(31).wrapping_add(byte.into()));
        let name = format!("stager-test-alien:{}-{mark}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let entry = serde_json::json!(["/bin/sh", "-c", script]);
        let dockerfile = format!(
            "FROM stager-rootfs:cflinuxfs4\nLABEL stager.kind=test stager.instance={mark}\nENTRYPOINT {entry}\n"
        );
        fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
        let mut command = Command::new("docker");
        let built = command.args(["build", "--quiet", "--tag", &name]).arg(folder.path()).env("DOCKER_BUILDKIT", "0");
        let built = built.output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self(name)
    }
}

impl Drop for AlienImage {
    fn drop(&mut self) {
        let _ = docker(&["rmi", "--force", &self.0]);
    }
}

#[test]
fn an_uploader_that_refuses_fails_the_staging_and_leaves_nothing() {
    let app = App::pushed("refused", "hello-procfile", &[]);
    // The recorded user's uploads go to the shared uploader: one that nobody is would refuse only this app's.
    let request = app.changed("build-req", |request| {
        let text = request.to_string().replace("cc-droplet-upload-uri=", "no-such-parameter=");
        *request = serde_json::from_str(&text).unwrap();
    });
    app.restage(&["--request", request.to_str().unwrap()]).failed(6, &["droplet", "400"]);
    app.left_nothing();
}
