//! The builder and launcher of docker apps as processes.

use crate::server::Server;
use crate::world::{stderr, stdout};
use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use std::process::{Command, Output};

const CONFIG: &str = r#"{"architecture":"amd64","os":"linux","config":{"Cmd":["serve"],"Entrypoint":["/bin/reports"],"WorkingDir":"/srv","User":"nobody","ExposedPorts":{"3000/tcp":{}}}}"#;

/// A registry with one image, `acme/reports:2.3`, by its tag and in a list by its digest.
fn registry(login: Option<(&str, &str)>) -> Server {
    let digest = |text: &str| format!("sha256:{}", hex(&Sha256::digest(text)));
    let config = digest(CONFIG);
    let manifest = format!(r#"{{"schemaVersion":2,"config":{{"digest":"{config}"}},"layers":[]}}"#);
    let list = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"digest":"{}","platform":{{"os":"linux","architecture":"{}"}}}}]}}"#,
        digest(&manifest),
        if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
    );
    let base = "/v2/acme/reports";
    Server::start(
        vec![
            (&format!("{base}/manifests/2.3"), manifest.clone().into_bytes()),
            (&format!("{base}/manifests/{}", digest(&manifest)), manifest.clone().into_bytes()),
            (&format!("{base}/manifests/list"), list.into_bytes()),
            (&format!("{base}/blobs/{config}"), CONFIG.as_bytes().to_vec()),
        ],
        login,
    )
}

/// Runs the builder; its output, and the result file's text where it wrote one.
fn build(server: &Server, image: &str, more: &[&str]) -> (Output, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let result = folder.path().join("result.json");
    let output = Command::new(env!("CARGO_BIN_EXE_docker-builder"))
        .arg(format!("-outputMetadataJSONFilename={}", result.display()))
        .arg(format!("-dockerRef={}/{image}", server.address()))
        .arg(format!("-insecureDockerRegistries={}", server.address()))
        .args(more)
        .output()
        .unwrap();
    (output, std::fs::read_to_string(result).ok())
}

#[test]
fn an_images_metadata_becomes_the_result() {
    let server = registry(Some(("puller", "right")));
    let login = ["-dockerUser=puller", "-dockerPassword=right"];
    for image in ["acme/reports:2.3", "acme/reports:list"] {
        let (output, result) = build(&server, image, &login);
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).starts_with("Staging process started ...\n"));
        let expected = r#"{"lifecycle_metadata":{"docker_image":"HOST/IMAGE"},"process_types":{"web":"/bin/reports serve"},"execution_metadata":"{\"entrypoint\":[\"/bin/reports\"],\"cmd\":[\"serve\"],\"workdir\":\"/srv\",\"ports\":[{\"Port\":3000,\"Protocol\":\"tcp\"}],\"user\":\"nobody\"}","lifecycle_type":"docker"}"#;
        let expected = expected.replace("HOST/IMAGE", &format!("{}/{image}", server.address()));
        assert_eq!(result.unwrap(), expected);
    }
}

#[test]
fn four_tries_and_then_2() {
    let server = registry(Some(("puller", "right")));
    for (image, login, why) in [
        ("acme/reports:2.3", &["-dockerUser=puller", "-dockerPassword=hunter2"][..], "unauthorized"),
        ("acme/reports:2.3", &[], "unauthorized"),
        ("acme/none:1", &["-dockerUser=puller", "-dockerPassword=right"], "manifest unknown"),
    ] {
        let (output, result) = build(&server, image, login);
        let said = stdout(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.matches("Failed getting docker image manifest by tag: ").count(), 3, "{said}");
        assert!(said.contains("  Going to retry attempt: 1\n") && said.contains(why), "{said}");
        assert!(stderr(&output).contains(why) && !format!("{said}{}", stderr(&output)).contains("hunter2"));
        assert_eq!(result, None);
    }
    let output = Command::new(env!("CARGO_BIN_EXE_docker-builder")).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(2), "missing flag: dockerRef required\n"));
}

#[test]
fn the_launcher_becomes_what_the_image_says_or_the_start_command() {
    let launch = |arguments: &[&str]| {
        let mut launcher = Command::new(env!("CARGO_BIN_EXE_docker-launcher"));
        launcher.args(arguments).env_clear().envs([
            ("PATH", "/usr/bin:/bin"),
            ("PORT", "3000"),
            ("VCAP_APPLICATION", "{}"),
        ]);
        launcher.output().unwrap()
    };
    let metadata = r#"{"entrypoint":["echo","image"],"cmd":["$PORT"],"workdir":"/tmp"}"#;
    assert_eq!(stdout(&launch(&["app", "", metadata])), "image $PORT\n");
    let said = stdout(&launch(&["app", "echo $PORT $PWD $VCAP_APPLICATION", metadata]));
    assert_eq!(said, "3000 /tmp {\"host\":\"0.0.0.0\",\"instance_id\":\"\",\"port\":3000}\n");
    let refused = launch(&["app", "", "{}"]);
    assert_eq!((refused.status.code(), stderr(&refused).as_str()), (Some(1), "No start command found or specified\n"));
}
