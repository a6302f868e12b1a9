//! Who pushes: docker's `config.json` and real credential helpers; and that nothing of it is ever shown.

use super::commands::{SENDERS, host_cli, said, started};
use super::images::Image;
use crate::hcf::write_program;
use crate::registry::{PASSWORD, Recipe, Registry, USER};
use crate::said::Said;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder with docker's `config.json`.
fn config(document: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), document.to_string()).unwrap();
    folder
}

/// Puts `docker-credential-NAME` into the folder.
fn helper(folder: &TempDir, name: &str, script: &str) {
    write_program(&folder.path().join(format!("docker-credential-{name}")), script);
}

/// `host-cli push --by` this one, with the folder's configuration and helpers.
fn push(by: &str, folder: &TempDir, image: &Image, reference: &str) -> Command {
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = host_cli(&["push", "--by", by, &image.name, reference], Some(folder.path()));
    command.env("PATH", path);
    command
}

fn pushed(by: &str, folder: &TempDir, image: &Image, reference: &str) -> Said {
    push(by, folder, image, reference).output().unwrap().into()
}

fn auth() -> String {
    STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

#[test]
fn dockers_configuration_lets_in_under_each_of_its_keys() {
    let (registry, image) = (Registry::new(), Image::small());
    let reference = format!("{}/team/app:1", registry.address);
    let address = &registry.address;
    for key in
        [address.clone(), format!("https://{address}"), format!("http://{address}/v2/"), format!("{address}/team")]
    {
        let folder = config(&json!({ "auths": { &key: { "auth": auth() } } }));
        for by in SENDERS {
            said(&["push", "--by", by, &image.name, &reference], Some(folder.path())).done();
        }
    }
    let folder = config(&json!({ "auths": { address: { "username": USER, "password": "wrong" } } }));
    for by in SENDERS {
        let refused = said(&["push", "--by", by, &image.name, &reference], Some(folder.path()));
        refused.failed(7, &["does not accept the login of `auths` of ", "config.json"]);
    }
}

#[test]
fn a_helper_is_asked_for_the_registry_and_its_answer_lets_in() {
    let (registry, image) = (Registry::new(), Image::small());
    let (reference, address) = (format!("{}/app:1", registry.address), &registry.address);
    let answer = json!({ "ServerURL": address, "Username": USER, "Secret": PASSWORD }).to_string();
    let script = format!("test \"$1\" = get && test \"$(cat)\" = {address} || exit 3\ncat <<'END'\n{answer}\nEND");
    for document in
        [json!({ "credHelpers": { address: "ours" } }), json!({ "credsStore": "ours", "auths": { address: {} } })]
    {
        let folder = config(&document);
        helper(&folder, "ours", &script);
        for by in SENDERS {
            pushed(by, &folder, &image, &reference).done();
        }
    }
}

#[test]
fn a_helper_that_is_of_no_help_is_told_with_its_own_words() {
    let image = Image::small();
    let folder = config(&json!({ "credsStore": "ours" }));
    helper(&folder, "ours", "echo 'the keychain is locked' >&2; printf '\\033[2J' >&2; exit 4");
    let refused = pushed("direct", &folder, &image, "r.invalid/a:1");
    assert!(!refused.err.contains('\u{1b}'), "{refused:?}");
    refused.failed(7, &["ended with exit status: 4: the keychain is locked"]);
    helper(&folder, "ours", &format!("echo '{PASSWORD}'"));
    let refused = pushed("direct", &folder, &image, "r.invalid/a:1");
    assert!(!refused.err.contains(PASSWORD), "{refused:?}");
    refused.failed(7, &["gave an answer that cannot be understood"]);
    // One that knows nothing of the registry: nobody pushes.
    helper(&folder, "ours", "echo 'credentials not found in native keychain'; exit 1");
    let registry = Registry::new();
    pushed("direct", &folder, &image, &format!("{}/a:1", registry.address)).failed(7, &["needs a login"]);
    image.assert_named_as_before();
}

#[test]
fn a_helper_that_is_not_installed_matters_where_the_registry_wants_a_login() {
    let image = Image::small();
    let folder = config(&json!({ "credsStore": "desktop.exe" }));
    let missing = ["docker-credential-desktop.exe, which ", " is not in PATH"];
    let open = Registry::with(Recipe { host: "127.0.0.1", asks_who: false, tls: false });
    let registry = Registry::new();
    for by in SENDERS {
        let through = pushed(by, &folder, &image, &format!("{}/a:1", open.address));
        assert!(missing.iter().all(|part| through.err.contains(part)), "{through:?}");
        assert!(through.err.contains("; pushing as anonymous"), "{through:?}");
        through.done();
        let refused = pushed(by, &folder, &image, &format!("{}/a:1", registry.address));
        refused.failed(7, &["needs a login, and ", missing[0], missing[1], "install that helper"]);
    }
}

#[test]
fn a_robot_account_of_harbor_lets_in_from_the_file_and_from_the_command_line() {
    const ROBOT: &str = "robot$shop+ci";
    const ITS_PASSWORD: &str = "pa:ss$word$HOME";
    let (registry, image) = (Registry::new(), Image::small());
    let reference = format!("{}/shop/app:1", registry.address);
    let auth = STANDARD.encode(format!("{ROBOT}:{ITS_PASSWORD}"));
    let folder = config(&json!({ "auths": { &registry.address: { "auth": auth } } }));
    for by in SENDERS {
        let words = ["push", "--by", by, &image.name, &reference];
        said(&words, Some(folder.path())).done();
        let mut command = host_cli(&[&words[..], &["--username", ROBOT, "--password-stdin"]].concat(), None);
        let mut pushing = started(command.stdin(Stdio::piped()));
        pushing.stdin.take().unwrap().write_all(format!("{ITS_PASSWORD}\n").as_bytes()).unwrap();
        Said::from(pushing.wait_with_output().unwrap()).done();
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_by_its_place_and_not_by_its_content() {
    let image = Image::small();
    let folder = config(&json!({}));
    fs::write(folder.path().join("config.json"), format!("{{\n\"auths\": \"{PASSWORD}\"}}")).unwrap();
    let refused = said(&["push", &image.name, "r.invalid/a:1"], Some(folder.path()));
    assert!(!refused.err.contains(PASSWORD), "{refused:?}");
    refused.failed(7, &["config.json cannot be read: line 2, column ", "docker login"]);
    let folder = config(&json!({ "auths": { "r.invalid": { "auth": "bm90aGluZw==" } } }));
    said(&["push", &image.name, "r.invalid/a:1"], Some(folder.path())).failed(7, &["is not NAME:PASSWORD in base64"]);
}

/// All that shows when the secret is shown: as it is, and in the forms in which engines and files have it.
fn forms(registry: &Registry) -> Vec<String> {
    let header = json!({ "username": USER, "password": PASSWORD, "serveraddress": registry.address }).to_string();
    vec![PASSWORD.to_owned(), auth(), STANDARD.encode(PASSWORD), URL_SAFE.encode(header)]
}

#[test]
fn the_secret_is_in_no_output_no_event_and_no_process_list() {
    let (registry, image) = (Registry::new(), Image::small());
    let answer = json!({ "Username": USER, "Secret": PASSWORD }).to_string();
    let folder = config(&json!({ "credsStore": "ours" }));
    // The helper is slow, so that the process list can be read while it works and after.
    helper(&folder, "ours", &format!("sleep 0.3\ncat {}", folder.path().join("answer").display()));
    fs::write(folder.path().join("answer"), answer).unwrap();
    let good = format!("{}/app:1", registry.address);
    let nowhere = "127.0.0.1:1/app:1";
    for (by, reference, output, code) in [
        ("direct", good.as_str(), "plain", 0),
        ("engine", &good, "plain", 0),
        ("direct", &good, "json", 0),
        ("engine", &good, "json", 0),
        ("direct", nowhere, "json", 7),
        ("engine", nowhere, "json", 7),
    ] {
        let mut command = push(by, &folder, &image, reference);
        let mut pushing = started(command.args(["--output", output]));
        let mut listed = String::new();
        while pushing.try_wait().unwrap().is_none() {
            listed += &process_list();
        }
        assert!(listed.contains("docker-credential-ours"), "the list was not read in time");
        let said = Said::from(pushing.wait_with_output().unwrap());
        assert_eq!(said.code, Some(code), "{said:?}");
        for form in forms(&registry) {
            for text in [&said.out, &said.err, &listed] {
                assert!(!text.contains(&form), "{form}: {text}");
            }
        }
    }
}

/// The arguments of every process that there is.
fn process_list() -> String {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ") + "\n").collect()
}
