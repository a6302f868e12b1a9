//! A whole mini-HCF on a real engine: what a client on its network sees, and that nothing stays behind.
//!
//! Needs a Docker Engine, the image `stager-rootfs:cflinuxfs4` (`docker/build`) and a static mini-hcf
//! (`ci/build-static`), which is looked for in `STAGER_STATIC_BIN`, else in `target/static`, with host-cli beside it.
#![expect(clippy::disallowed_methods, reason = "a test starts programs and reads its environment")]
#![expect(unused_crate_dependencies, reason = "they are the program's, not this test's")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod pushes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const ROOTFS: &str = "stager-rootfs:cflinuxfs4";

/// A mini-HCF of its own; dropped, it takes everything along.
struct MiniHcf {
    instance: String,
    folder: TempDir,
}

impl MiniHcf {
    /// Its network is first taken by somebody else, so that it has to use another.
    fn up(more: &[&str]) -> MiniHcf {
        let instance = format!("test-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let hcf = MiniHcf { instance, folder: tempfile::tempdir().unwrap() };
        assert!(docker(&["version"]).status.success(), "no Docker Engine answers; ci/setup starts one");
        assert!(docker(&["image", "inspect", ROOTFS]).status.success(), "no image {ROOTFS}; docker/build makes it");
        let label = format!("stager.instance={}", hcf.instance);
        let made = docker(&["network", "create", "--label", "stager.kind=test", "--label", &label, &hcf.taken()]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        let network = format!("--network={}", hcf.taken());
        let said = hcf.run(&[&["up", &network, "--instance", &hcf.instance, "--image", &hcf.image()], more].concat());
        assert!(said.contains(&format!("{} is not ours: using {}", hcf.taken(), hcf.network())), "{said}");
        let probe = docker(
            &[
                &["run", "--detach", "--label", "stager.kind=demo", "--label", &label][..],
                &["--name", &hcf.probe(), "--network", &hcf.network()],
                &["--volume", &format!("{}:/ca.pem:ro", hcf.state().join("ca.pem").display())],
                &["--volume", &format!("{}:/client.pem:ro", hcf.state().join("client.pem").display())],
                &["--volume", &format!("{}:/client.key:ro", hcf.state().join("client.key").display())],
                &["--entrypoint", "sleep", ROOTFS, "600"],
            ]
            .concat(),
        );
        assert!(probe.status.success(), "{}", text(&probe.stderr));
        hcf
    }

    fn taken(&self) -> String {
        format!("hcf-{}", self.instance)
    }

    fn network(&self) -> String {
        format!("{}-mini", self.taken())
    }

    fn image(&self) -> String {
        format!("mini-hcf-{}:latest", self.instance)
    }

    fn probe(&self) -> String {
        format!("mini-hcf-{}-probe", self.instance)
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn try_run(&self, arguments: &[&str]) -> Output {
        let state = self.state().display().to_string();
        Command::new(binary()).args(arguments).args(["--state", &state]).output().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.try_run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// curl on the network; body, then status in the last line.
    fn curl(&self, arguments: &[&str]) -> String {
        let probe = self.probe();
        let fixed = ["exec", &probe, "curl", "--silent", "--cacert", "/ca.pem", "--write-out", "\n%{http_code}"];
        text(&docker(&[&fixed[..], arguments].concat()).stdout)
    }

    fn status(&self, arguments: &[&str]) -> String {
        self.curl(arguments).lines().last().unwrap_or_default().to_owned()
    }

    /// The newest staging request.
    fn request(&self) -> Value {
        let log = self.state().join("log/diego-cc-bridge/stager/stager.stdout.log");
        let log = fs::read_to_string(log).unwrap();
        let line = log.lines().rfind(|line| line.contains("taskDefinition")).unwrap();
        serde_json::from_str::<Value>(line).unwrap()["data"]["taskDefinition"].clone()
    }

    fn left_on_the_engine(&self) -> String {
        let label = format!("label=stager.instance={}", self.instance);
        let lists = [
            docker(&["ps", "--all", "--quiet", "--filter", &label]),
            docker(&["network", "ls", "--quiet", "--filter", &label, "--filter", "label=stager.kind=demo"]),
            docker(&["image", "ls", "--quiet", &self.image()]),
        ];
        lists.iter().map(|list| text(&list.stdout)).collect()
    }
}

impl Drop for MiniHcf {
    fn drop(&mut self) {
        self.try_run(&["down", "--purge"]);
        docker(&["network", "rm", &self.taken()]);
    }
}

fn docker(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().expect("docker is not installed; ci/setup installs it")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn binary() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/static");
    let folder = std::env::var_os("STAGER_STATIC_BIN").map_or(default, PathBuf::from);
    let binary = folder.join("mini-hcf");
    assert!(binary.is_file(), "no static mini-hcf at {}; ci/build-static makes it", binary.display());
    binary
}

fn demo(hcf: &MiniHcf) -> PathBuf {
    let folder = hcf.folder.path().join("demo");
    fs::create_dir_all(folder.join("app")).unwrap();
    fs::create_dir_all(folder.join("buildpack/bin")).unwrap();
    fs::create_dir_all(folder.join("lifecycle")).unwrap();
    fs::write(folder.join("app/index.html"), "hello\n").unwrap();
    fs::write(folder.join("buildpack/bin/detect"), "#!/bin/sh\n").unwrap();
    fs::write(folder.join("lifecycle/builder"), "builder\n").unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    hcf.run(&["lifecycle", &path("lifecycle")]);
    hcf.run(&["add-buildpack", "demo_buildpack", &path("buildpack")]);
    folder.join("app")
}

fn the_blobstore_serves_what_is_signed_and_nothing_else(hcf: &MiniHcf, app: &str) {
    hcf.run(&["push", app, "--name", "old", "--expired"]);
    let steps = |request: &Value| request["action"]["timeout"]["action"]["serial"]["actions"].clone();
    let package = |request: &Value| steps(request)[0]["download"]["from"].as_str().unwrap().to_owned();
    assert_eq!(hcf.status(&[&package(&hcf.request())]), "410");

    hcf.run(&["push", app, "--name", "web"]);
    let request = hcf.request();
    let (url, buildpack) = (package(&request), request["cached_dependencies"][1]["from"].as_str().unwrap().to_owned());
    let got = hcf.curl(&["--include", "--output", "/tmp/package", "--dump-header", "-", &url]);
    assert!(got.ends_with("\n200"), "{got}");
    assert!(got.contains("ETag:") && got.contains("Last-Modified:"), "{got}");
    let listed = docker(&["exec", &hcf.probe(), "unzip", "-p", "/tmp/package", "index.html"]);
    assert_eq!(text(&listed.stdout), "hello\n");
    assert_eq!(hcf.status(&["--output", "/dev/null", &buildpack]), "200");
    let (unsigned, _) = url.split_once('?').unwrap();
    assert_eq!(hcf.status(&[unsigned]), "403");
    assert_eq!(hcf.status(&[&url.replacen("/read/", "/read/x", 1)]), "403");
    assert_eq!(hcf.status(&["--request", "DELETE", &url]), "405");
    let elsewhere = url.replacen("https://blobstore/", "https://blobstore.service.cf.internal:4443/", 1);
    assert_eq!(hcf.status(&["--output", "/dev/null", &elsewhere]), "200");
}

fn the_file_server_is_diegos(hcf: &MiniHcf) {
    let url = hcf.request()["cached_dependencies"][0]["from"].as_str().unwrap().to_owned();
    let got = hcf.curl(&["--output", "/dev/null", "--dump-header", "-", &url]);
    assert!(got.ends_with("\n200") && got.contains("Last-Modified:") && !got.contains("ETag:"), "{got}");
    let modified = got.lines().find_map(|line| line.strip_prefix("Last-Modified: ")).unwrap().trim_end();
    let condition = format!("If-Modified-Since: {modified}");
    assert_eq!(hcf.status(&["--header", &condition, &url]), "304");
    assert_eq!(hcf.status(&["--header", "Range: bytes=0-9", "--output", "/dev/null", &url]), "206");
    assert_eq!(hcf.status(&["--head", "--output", "/dev/null", &url]), "405");
    let tls = url.replacen("http://diego-access:8080", "https://file-server.service.cf.internal:8447", 1);
    assert_eq!(hcf.status(&["--output", "/dev/null", &tls]), "200");
}

fn an_upload_lands_in_the_blobstore_and_the_next_push_names_the_cache(hcf: &MiniHcf, app: &str) {
    let request = hcf.request();
    let uploads = request["action"]["timeout"]["action"]["serial"]["actions"][2]["emit_progress"]["action"]["parallel"]
        ["actions"]
        .clone();
    let droplet = uploads[0]["upload"]["to"].as_str().unwrap();
    let cache = uploads[1]["try"]["action"]["upload"]["to"].as_str().unwrap();
    let chunked = hcf.curl(&["--header", "Transfer-Encoding: chunked", "--data-binary", "x", droplet]);
    assert_eq!(chunked, "Missing Content Length\n411");
    assert_eq!(hcf.curl(&["--data-binary", "the droplet", droplet]), "\n201");
    assert_eq!(hcf.curl(&["--data-binary", "the cache", cache]), "\n200");
    let guid = request["log_guid"].as_str().unwrap();
    let folder = hcf.state().join(format!("blobstore/cc-droplets/{}/{}/{guid}", &guid[..2], &guid[2..4]));
    let stored: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert_eq!(stored.len(), 1);
    assert_eq!(fs::read_to_string(stored[0].as_ref().unwrap().path()).unwrap(), "the droplet");

    hcf.run(&["push", app, "--name", "web"]);
    let again = hcf.request();
    assert_eq!(again["log_guid"], request["log_guid"], "the same app");
    let steps = again["action"]["timeout"]["action"]["serial"]["actions"].clone();
    let url = steps[1]["try"]["action"]["download"]["from"].as_str().unwrap();
    assert_eq!(hcf.curl(&[url]), "the cache\n200");
    assert_eq!(steps[2]["emit_progress"]["action"]["run"]["path"], "/tmp/lifecycle/builder");
}

fn todays_requests_work_over_tls(hcf: &MiniHcf, app: &str) {
    hcf.run(&["push", app, "--name", "today", "--style=2026-layers"]);
    let request = hcf.request();
    for layer in request["image_layers"].as_array().unwrap() {
        assert_eq!(hcf.status(&["--output", "/dev/null", layer["url"].as_str().unwrap()]), "200", "{layer}");
    }
    let steps = &request["action"]["timeout"]["action"]["serial"]["actions"];
    let uploads = &steps[1]["emit_progress"]["action"]["parallel"]["actions"];
    assert_eq!(hcf.curl(&["--data-binary", "d", uploads[0]["upload"]["to"].as_str().unwrap()]), "\n201");
    assert_eq!(hcf.curl(&["--data-binary", "c", uploads[1]["upload"]["to"].as_str().unwrap()]), "\n200");
}

fn a_replayed_request_has_files_behind_its_urls(hcf: &MiniHcf) {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../requests/2016").display().to_string();
    hcf.run(&["replay", &logs, "--app", "cached-node"]);
    let request = hcf.request();
    let steps = &request["action"]["timeout"]["action"]["serial"]["actions"];
    let package = steps[0]["download"]["from"].as_str().unwrap();
    let cache = steps[1]["try"]["action"]["download"]["from"].as_str().unwrap();
    let buildpack = request["cached_dependencies"][1]["from"].as_str().unwrap();
    for url in [package, cache, buildpack] {
        assert_eq!(hcf.status(&["--output", "/dev/null", url]), "200", "{url}");
    }
}

fn faults_are_read_at_each_upload(hcf: &MiniHcf, app: &str) {
    hcf.run(&["push", app, "--name", "web"]);
    fs::write(hcf.state().join("faults.json"), r#"{"job_fails": true}"#).unwrap();
    let steps = hcf.request()["action"]["timeout"]["action"]["serial"]["actions"].clone();
    let uploads = &steps.as_array().unwrap().last().unwrap()["emit_progress"]["action"]["parallel"]["actions"];
    let droplet = uploads[0]["upload"]["to"].as_str().unwrap();
    assert_eq!(hcf.curl(&["--data-binary", "x", droplet]), "upload job failed\n500");
    fs::remove_file(hcf.state().join("faults.json")).unwrap();
    assert_eq!(hcf.curl(&["--data-binary", "x", droplet]), "\n201");
}

#[test]
fn a_mini_hcf_is_the_real_thing_on_the_wire_and_leaves_nothing_behind() {
    let hcf = MiniHcf::up(&[]);
    let app = demo(&hcf).display().to_string();
    the_blobstore_serves_what_is_signed_and_nothing_else(&hcf, &app);
    the_file_server_is_diegos(&hcf);
    an_upload_lands_in_the_blobstore_and_the_next_push_names_the_cache(&hcf, &app);
    todays_requests_work_over_tls(&hcf, &app);
    pushes::every_lifecycle_is_pushed_as_host_cli_finds_it(&hcf, &app);
    a_replayed_request_has_files_behind_its_urls(&hcf);
    faults_are_read_at_each_upload(&hcf, &app);

    hcf.run(&["down", "--purge"]);
    assert_eq!(hcf.left_on_the_engine(), "");
    assert!(!hcf.state().exists());
    let foreign = docker(&["network", "inspect", &hcf.taken()]);
    assert!(foreign.status.success(), "a network of others was removed");
    assert!(hcf.run(&["down"]).contains("nothing to do"));
}

#[test]
fn like_bosh_it_hides_its_names_asks_for_a_certificate_and_writes_no_logs() {
    let hcf = MiniHcf::up(&["--hidden-names", "--mutual-tls"]);
    let app = demo(&hcf).display().to_string();
    hcf.run(&["push", &app, "--name", "web", "--no-logs"]);
    assert!(!hcf.state().join("log/diego-cc-bridge").exists());
    let task: Value = serde_json::from_str(&hcf.run(&["cfdot", "tasks"])).unwrap();
    let guid = task["task_guid"].as_str().unwrap();
    assert_eq!(hcf.run(&["cfdot", "task", guid]), hcf.run(&["cfdot", "tasks"]));
    assert_eq!(hcf.try_run(&["cfdot", "task", "nobody"]).status.code(), Some(4));
    let lrp: Value = serde_json::from_str(&hcf.run(&["cfdot", "desired-lrps"])).unwrap();
    assert_eq!(lrp["metric_tags"]["process_type"]["static"], "web");

    let buildpack = task["cached_dependencies"][1]["from"].as_str().unwrap();
    assert_eq!(hcf.status(&["--output", "/dev/null", buildpack]), "000", "its name is not known");
    let hosts = hcf.run(&["hosts"]);
    let resolved: Vec<String> = hosts
        .lines()
        .flat_map(|line| {
            let (host, address) = line.split_once('=').unwrap();
            [443, 4443, 8447, 9023, 9091].map(|port| ["--resolve".to_owned(), format!("{host}:{port}:{address}")])
        })
        .flatten()
        .collect();
    let resolved: Vec<&str> = resolved.iter().map(String::as_str).collect();
    let status = |words: &[&str]| hcf.status(&[&resolved[..], &["--output", "/dev/null"], words].concat());
    assert_eq!(status(&[buildpack]), "400", "it asks for a certificate");
    let certificate = ["--cert", "/client.pem", "--key", "/client.key"];
    let shown = |words: &[&str]| status(&[&certificate[..], words].concat());
    assert_eq!(shown(&[buildpack]), "200");
    let uploads = &task["action"]["timeout"]["action"]["serial"]["actions"][2]["emit_progress"]["action"]["parallel"];
    let droplet = uploads["actions"][0]["upload"]["to"].as_str().unwrap();
    assert_eq!(shown(&["--data-binary", "droplet", droplet]), "201", "the uploader finds Cloud Controller");
}
