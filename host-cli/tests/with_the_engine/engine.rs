//! How the program finds its engine, and how it ends where there is none. One test wants `stager-rootfs:cflinuxfs4`
//! (docker/build makes it) and the static `host-cli` (ci/build-static makes it).

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program with nothing in its environment but a home folder and these variables.
fn host_cli(home: &Path, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    command.args(["cache", "list", "--cache-volume", "stager-test-no-such-volume"]);
    command.env_clear().env("HOME", home).envs(variables.iter().copied()).output().unwrap()
}

fn docker(home: &Path, words: &[&str]) {
    let mut command = Command::new("docker");
    let done = command.args(words).env("HOME", home).env_remove("DOCKER_HOST").env_remove("DOCKER_CONFIG").output();
    assert!(done.expect("this test needs docker's command; ci/setup installs it").status.success(), "{words:?}");
}

#[track_caller]
fn failed(home: &Path, variables: &[(&str, &str)], words: &[&str]) {
    let output = host_cli(home, variables);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(9), "{variables:?}: {text}");
    for word in words.iter().chain(&["error: ", "try: "]) {
        assert!(text.contains(word), "{variables:?}: {word:?} is not in:\n{text}");
    }
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn the_engine_of_the_current_context_is_asked_and_no_proxy() {
    let home = tempfile::tempdir().unwrap();
    docker(home.path(), &["context", "create", "here", "--docker", "host=unix:///var/run/docker.sock"]);
    docker(home.path(), &["context", "create", "away", "--docker", "host=tcp://127.0.0.1:1"]);
    docker(home.path(), &["context", "use", "away"]);
    failed(
        home.path(),
        &[],
        &["cannot connect to the Docker Engine at tcp://127.0.0.1:1 (docker context \"away\")", "refused"],
    );
    let nowhere = "http://127.0.0.1:1";
    let proxies = [("HTTP_PROXY", nowhere), ("HTTPS_PROXY", nowhere), ("ALL_PROXY", nowhere), ("http_proxy", nowhere)];
    for chosen in
        [("DOCKER_CONTEXT", "here"), ("DOCKER_HOST", "unix:///var/run/docker.sock"), ("DOCKER_CONTEXT", "default")]
    {
        let mut variables = proxies.to_vec();
        variables.push(chosen);
        let output = host_cli(home.path(), &variables);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("no cache volume \"stager-test-no-such-volume\" on this"), "{chosen:?}: {text}");
    }
    let overridden = [("DOCKER_HOST", "tcp://127.0.0.1:2"), ("DOCKER_CONTEXT", "here")];
    failed(home.path(), &overridden, &["tcp://127.0.0.1:2 (DOCKER_HOST, which overrides the docker context \"here\")"]);
}

#[test]
fn each_way_of_naming_no_engine_ends_with_its_own_text() {
    let home = tempfile::tempdir().unwrap();
    let certificates = home.path().to_str().unwrap().to_owned();
    for (variables, words) in [
        (
            &[("DOCKER_HOST", "ssh://me:s3cret@there")][..],
            "ssh -fnNT -L /tmp/engine.sock:/var/run/docker.sock me@there",
        ),
        (&[("DOCKER_HOST", "npipe:////./pipe/docker")], "unix:// and tcp:// only"),
        (&[("DOCKER_HOST", "tcp://me:s3cret@there:1")], "HOST:PORT is wanted"),
        (&[("DOCKER_HOST", "tcp://no-such-host.invalid:1")], "no-such-host.invalid:1 (DOCKER_HOST)"),
        (&[("DOCKER_CONTEXT", "gone")], "no docker context \"gone\""),
        (&[("DOCKER_API_VERSION", "newest")], "DOCKER_API_VERSION=\"newest\" is no API version"),
        (&[("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", &certificates)], "cannot read the engine's CA in "),
    ] {
        failed(home.path(), variables, &[words]);
    }
    let folder = home.path().join(".docker");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.json"), r#"{"currentContext": {"auth": "s3cret"}}"#).unwrap();
    failed(home.path(), &[], &["config.json is not as docker writes it: line 1, column "]);
}

#[test]
fn the_static_program_looks_names_up_where_the_root_file_system_names_plug_ins_for_it() {
    let binaries = std::env::var_os("STAGER_STATIC_BIN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/static"), PathBuf::from);
    let program = fs::read(binaries.join("host-cli"));
    let program =
        program.unwrap_or_else(|error| panic!("{}/host-cli: {error}; ci/build-static makes it", binaries.display()));
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--interactive", "--label", "stager.kind=test", "--network", "none"]);
    command.args(["--add-host", "some-engine:127.0.0.1", "--env", "DOCKER_HOST=tcp://some-engine:1"]);
    let script =
        "echo hosts: compat >/etc/nsswitch.conf; cat >/tmp/host-cli; chmod +x /tmp/host-cli; /tmp/host-cli cache list";
    command.args(["stager-rootfs:cflinuxfs4", "/bin/sh", "-c", script]);
    let mut container = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    container.stdin.take().unwrap().write_all(&program).unwrap();
    let output = container.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(9), "{text}");
    assert!(text.contains("tcp://some-engine:1") && text.contains("Connection refused"), "{text}");
}
