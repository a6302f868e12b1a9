//! The form without `host-cli`: what it says, and what its container holds afterwards.

use super::marks::CANARY;
use super::world::World;
use crate::hcf::{docker, stager_image};
use std::io::Write;
use std::process::{Command, Stdio};

const SOCKET: &str = "/var/run/docker.sock:/var/run/docker.sock";

/// `build_req | docker run -i …`, with the socket, without it, and behind a proxy that is none.
pub(crate) fn run(world: &World) {
    let request = world.document("build-req");
    let (plain, json): (&[&str], &[&str]) = (&["--output", "plain"], &["--output", "json"]);
    // Its output decides nothing about the container, so one of two is searched.
    for (name, code, options, words, searched) in [
        ("plain", 0, ["-v", SOCKET], plain, None),
        ("json", 0, ["-v", SOCKET], json, Some(CANARY)),
        ("proxy", 4, ["-e", "HTTPS_PROXY"], plain, None),
        // Whoever started the container has put it into its environment.
        ("proxy-json", 4, ["-e", "HTTPS_PROXY"], json, Some("proxy")),
    ] {
        let container = format!("stager-secrets-{}-{name}", std::process::id());
        let guid = format!("stager.app-guid={}", world.app.guid);
        let mut command = Command::new("docker");
        command.args(["run", "-i", "--name", &container, "--net", &world.app.hcf.network]).args(options);
        command.args(["--label", "stager.kind=test", "--label", &guid, &stager_image()]).args(words);
        command.env("HTTPS_PROXY", format!("http://proxy:{}@127.0.0.1:1", world.marks.in_url("proxy")));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&said));
        world.holds(&format!("what the drop-in says ({name})"), &said, &[]);
        if let Some(field) = searched {
            let found = world.marks.found_in_container(&container);
            world.found(&format!("the drop-in's container ({name})"), &found, &[field]);
        }
        docker(&["rm", "--force", "--volumes", &container]).unwrap();
    }
}
