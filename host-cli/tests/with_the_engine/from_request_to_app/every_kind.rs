//! Apps of today's kinds from push to answer: Cloud Native Buildpacks and image layers, with and without a cache, with a worker, a
//! sidecar and service bindings as files. Docker apps have tests of their own.

use crate::app::{App, get, inspect};
use crate::from_request_to_app::launch::url;
use crate::hcf::{Hcf, docker, stager_image, static_program};
use crate::said::Said;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What every app here has beside web.
const BESIDE: [&str; 4] = ["--process", "worker=sleep 1001", "--sidecar", "beside=sleep 1002"];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Runs a script of the examples.
fn packed(script: &str, words: &[&str]) {
    let output = Command::new(examples().join(script)).args(words).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Installs the lifecycle of Cloud Native Buildpacks, and a buildpack.
fn with_cnb(hcf: &Hcf) {
    let folder = hcf.folder("cnb");
    let [lifecycle, buildpack] = ["lifecycle.tgz", "python.tgz"].map(|name| folder.join(name).display().to_string());
    let programs = static_program("cnb-builder").parent().unwrap().display().to_string();
    packed("lifecycle/pack", &["--kind", "cnb", "--binaries", &programs, &lifecycle]);
    hcf.run(&["lifecycle", &lifecycle, "--kind", "cnb"]);
    let source = examples().join("buildpacks/cnb-python").display().to_string();
    packed("buildpacks/pack", &[&source, &buildpack]);
    hcf.run(&["add-buildpack", "cnb_python", &buildpack, "--lifecycle", "cnb"]);
}

/// Stages `app` without a cache, fills one, and stages it from there.
fn staged_each_way(app: &App) {
    let ca = app.hcf.ca();
    let ca = ["--ca", ca.to_str().unwrap()];
    let mut without = app.restaging_without_options();
    without.args(ca).args(["--stager-image", &stager_image(), "--no-cache", "--no-image", "--no-upload"]);
    Said::from(without.output().unwrap()).done();
    app.restage(&[&ca[..], &["--upload"]].concat()).done();
    let again = app.restage(&[&ca[..], &["--no-upload", "--verbose"]].concat()).done();
    assert!(again.out.contains("Cached "), "{}", again.out);
}

/// Launches each process of `app`, and looks at all that it has.
fn runs_with_all_it_has(app: &App, bindings: &str) {
    let said = app.launch(&["--all-processes"]).done();
    let environment: Value = serde_json::from_str(&get(&url(&said), "/env.json")).unwrap();
    let [web, worker] = ["web", "worker"].map(|wanted| {
        let runs = |id: &String| inspect(id)["Config"]["Labels"]["stager.process"] == wanted;
        app.containers("app").into_iter().find(runs).unwrap_or_else(|| panic!("no {wanted}: {said:?}"))
    });
    let inside = |id: &str, script: &str| docker(&["exec", id, "sh", "-c", script]).unwrap();
    let programs = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '";
    assert!(inside(&web, programs).contains("sleep 1002"), "the sidecar");
    let of_worker = inside(&worker, programs);
    assert!(of_worker.contains("sleep 1001") && !of_worker.contains("sleep 1002"), "{of_worker}");
    let files = environment[bindings].as_str().unwrap_or_else(|| panic!("no {bindings}"));
    assert!(files.starts_with("/etc/cf-service-bindings"), "{files}");
    assert_ne!(inside(&web, &format!("find {files} -type f -size +0")), "");
    let address = &inspect(&web)["NetworkSettings"]["Networks"][&app.hcf.network]["IPAddress"];
    assert_eq!(environment["CF_INSTANCE_INTERNAL_IP"], *address);
    assert_eq!(environment["VCAP_SERVICES"], Value::Null);
}

#[test]
fn an_app_of_cloud_native_buildpacks_is_staged_each_way_and_has_all_that_it_asks_for() {
    let hcf = Hcf::shared();
    with_cnb(&hcf);
    for style in ["2026", "2026-layers"] {
        let options = ["--lifecycle", "cnb", "--command", "python3 app.py", "--style", style];
        let files = ["--service-files", "file-based-vcap-services"];
        let app = App::pushed(&format!("cnb-{style}"), "env-page", &[&options[..], &BESIDE, &files].concat());
        staged_each_way(&app);
        runs_with_all_it_has(&app, "VCAP_SERVICES_FILE_PATH");
    }
}

#[test]
fn an_app_of_image_layers_is_staged_each_way_and_has_all_that_it_asks_for() {
    let options = ["--style", "2026-layers", "--buildpack", "python_buildpack"];
    let files = ["--service-files", "service-binding-k8s"];
    let app = App::pushed("of-layers", "env-page", &[&options[..], &BESIDE, &files].concat());
    staged_each_way(&app);
    runs_with_all_it_has(&app, "SERVICE_BINDING_ROOT");
}
