//! An app runs on the root file system that its launch request wants, whatever it was staged on.

use super::launch::{staged, url};
use crate::app::{App, get, inspect};
use crate::hcf::docker;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The root file system of a stack that only this test knows, with a file of its own.
struct Rootfs {
    stack: String,
    name: String,
}

impl Rootfs {
    fn new(app: &App) -> Self {
        let stack = format!("test-{}", app.hcf.network);
        let rootfs = Self { name: format!("stager-rootfs:{stack}"), stack };
        let folder = app.hcf.folder("rootfs");
        let text = format!(
            "FROM stager-rootfs:cflinuxfs4\nCOPY mark /etc/rebased\nLABEL stager.kind=test stager.stack={}\n",
            rootfs.stack
        );
        fs::write(folder.join("Dockerfile"), text).unwrap();
        fs::write(folder.join("mark"), &rootfs.stack).unwrap();
        let mut build = Command::new("docker");
        build.args(["build", "-q", "--force-rm", "-t", &rootfs.name]).arg(&folder).env("DOCKER_BUILDKIT", "0");
        let output = build.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        rootfs
    }
}

impl Drop for Rootfs {
    fn drop(&mut self) {
        let _ = docker(&["rmi", &self.name]);
    }
}

fn request_for(app: &App, stack: &str) -> PathBuf {
    app.changed("launch-req", |request| request["rootfs"] = format!("preloaded:{stack}").into())
}

fn marks(container: &str) -> Result<String, String> {
    docker(&["exec", container, "cat", "/etc/rebased"])
}

#[test]
fn an_app_runs_on_its_launch_requests_root_file_system_once_that_is_here() {
    let app = staged("stacks", "hello-procfile", &[]);
    let own = app.images();
    let stack = format!("test-{}", app.hcf.network);
    let request = request_for(&app, &stack);
    let request = ["--request", request.to_str().unwrap()];
    let without = app.launch(&request).done();
    let told = format!("{}{}", without.out, without.err);
    assert!(told.contains("docker/build --rootfs --stack"), "{told}");
    assert!(marks(&app.containers("app")[0]).is_err());

    let rootfs = Rootfs::new(&app);
    assert_eq!(rootfs.stack, stack);
    let said = app.launch(&request).done();
    assert_eq!(get(&url(&said), "/"), "hello\n");
    let container = app.containers("app").remove(0);
    assert_eq!(marks(&container).as_deref(), Ok(stack.as_str()));
    let image = inspect(&container)["Image"].as_str().unwrap().to_owned();
    assert!(!own.contains(&image) && app.images().contains(&image) && own.iter().all(|own| app.images().contains(own)));
    let on_stack = inspect(&image)["RepoTags"].to_string();
    assert!(on_stack.contains(&format!("-on-test-{}", app.hcf.network)), "{on_stack}");

    app.launch(&request).done();
    let again = app.containers("app").remove(0);
    assert_ne!(again, container);
    assert_eq!(inspect(&again)["Image"], image, "it is found");

    // As the user has it, from now on.
    let mut chosen = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    let output = chosen.args(["rebase", &app.guid, "--base", &rootfs.name, "--force"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    app.launch(&[]).done();
    assert_eq!(marks(&app.containers("app")[0]).as_deref(), Ok(stack.as_str()), "it stays where it was put");
}
