//! Pushes of every kind, as host-cli finds them.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::{MiniHcf, binary, text};

/// In the form that cfdot prints: host-cli finds each, and its URLs have files behind them.
pub(crate) fn every_lifecycle_is_pushed_as_host_cli_finds_it(hcf: &MiniHcf, app: &str) {
    let folder = hcf.folder.path();
    for kind in ["cnb", "docker"] {
        hcf.run(&["lifecycle", &folder.join("demo/lifecycle").display().to_string(), "--kind", kind]);
    }
    let packed = folder.join("cnb.tgz").display().to_string();
    fs::write(&packed, "an image").unwrap();
    hcf.run(&["add-buildpack", "native", &packed, "--lifecycle", "cnb"]);
    hcf.run(&["push", app, "--name", "native", "--lifecycle", "cnb", "--command", "run", "--process", "worker=work"]);
    hcf.run(&["push", app, "--name", "layers", "--lifecycle", "cnb", "--command", "run", "--style", "2026-layers"]);
    hcf.run(&["push", "--docker-image", "h.invalid/acme/reports:2.3", "--name", "image"]);
    hcf.run(&["push", app, "--name", "files", "--service-files", "service-binding-k8s", "--sidecar", "side car=run"]);
    let requests = folder.join("requests.jsonl");
    fs::write(&requests, hcf.run(&["cfdot", "tasks"]) + &hcf.run(&["cfdot", "desired-lrps"])).unwrap();
    let request = |command: &[&str]| -> Value {
        let output = Command::new(binary().with_file_name("host-cli"))
            .args(command)
            .arg("--from")
            .arg(&requests)
            .output()
            .expect("no static host-cli; ci/build-static makes it");
        assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let resolved = |url: &str| hcf.status(&["--output", "/dev/null", url]);
    let staging = request(&["build-req", "native"]);
    for dependency in staging["cached_dependencies"].as_array().unwrap() {
        assert_eq!(resolved(dependency["from"].as_str().unwrap()), "200", "{dependency}");
    }
    let layers = request(&["build-req", "layers"]);
    for layer in layers["image_layers"].as_array().unwrap() {
        assert_eq!(resolved(layer["url"].as_str().unwrap()), "200", "{layer}");
    }
    let launched = |run: &Value| run["run"]["args"].clone();
    let worker = request(&["launch-req", "native", "--process", "worker"]);
    assert_eq!(launched(&worker["action"]["codependent"]["actions"][0])[1], "work");
    assert_eq!(request(&["launch-req", "image"])["rootfs"], "docker://h.invalid/acme/reports#2.3");
    let files = request(&["launch-req", "files"]);
    assert!(files["volume_mounted_files"].as_array().is_some_and(|files| files.len() > 2), "{files}");
    assert_eq!(files["action"]["codependent"]["actions"][1]["run"]["log_source"], "APP/PROC/WEB/SIDECAR/SIDE CAR");
}
