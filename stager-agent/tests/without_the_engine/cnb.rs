//! A CNB app's staging: other arguments, another droplet, a cache that goes out and comes in again, exit codes of its own. The
//! builder is a script that keeps the contract of cnbapplifecycle's.

use crate::cloud::{Cloud, tgz};
use crate::world::{Outcome, World, am_root, printed_by, task, user, write_program};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use shared_model::event::{Event, Stream};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// As the real one does, it takes a directory for a buildpack but no link, and a registry's login from its environment.
const BUILDER: &str = r#"#!/bin/sh
set -e
custom= auto=no
while [ $# -gt 0 ]; do case $1 in
--auto-detect) auto=yes ;;
--buildpack) case $2 in *://*) custom="$custom $2" ;; esac; shift ;;
--cache-dir) cache=$2; shift ;;
--cache-output) output=$2; shift ;;
--droplet) droplet=$2; shift ;;
--layers) layers=$2; shift ;;
--result) result=$2; shift ;;
--system-buildpacks-dir) system=$2; shift ;;
--workspace-dir) workspace=$2; shift ;;
*) shift ;;
esac; shift; done
for buildpack in "$system"/*; do
    if [ -L "$buildpack" ] || [ -z "$(find "$buildpack" -name index.json)" ]; then
        echo 'reading buildpack.toml: could not find entry path' >&2
        exit 232
    fi
    echo "Using buildpacks: file://$buildpack"
done
for buildpack in $custom; do
    echo "Downloading from $buildpack"
    case $CNB_REGISTRY_CREDS in *s3cret-right*) ;; *)
        echo "failed to download buildpacks, error: UNAUTHORIZED, with $CNB_REGISTRY_CREDS" >&2
        exit 232 ;;
    esac
done
printf '\033[36m===> DETECTING\033[0m\n'
echo "===> RESTORING"
[ ! -f "$cache/committed/tools.tar" ] || echo "Restoring data for 'fidelity/py:tools' from cache"
echo "===> BUILDING"
echo "---> auto-detect=$auto stack=$CNB_STACK_ID user=$CNB_USER_ID:$CNB_GROUP_ID CF_STACK=${CF_STACK-none} $(cat "$workspace/hello.txt")"
echo "---> the login is $CNB_REGISTRY_CREDS"
echo "===> EXPORTING"
mkdir -p "$layers/config" "$cache/committed"
echo 'buildpack-default-process-type = "web"' >"$layers/config/metadata.toml"
echo tools >"$cache/committed/tools.tar"
tar -czf "$output" -C "$cache" committed
tar -czf "$droplet" -C "$(dirname "$workspace")" .
echo '{"lifecycle_metadata":{"buildpacks":[{"key":"fidelity/py","name":"fidelity/py@1.0.0","version":"1.0.0"}]},"process_types":{"web":"./hello"},"execution_metadata":"","lifecycle_type":"cnb"}' >"$result"
"#;

/// What [`BUILDER`] is given, on a server of its own.
struct Cnb {
    cloud: Cloud,
    /// The value of `CNB_REGISTRY_CREDS`.
    login: &'static str,
    buildpacks: Value,
}

impl Cnb {
    fn new(login: &'static str, buildpacks: Value) -> Self {
        let cloud = Cloud::new();
        cloud.server.answers("/cnb.tgz", 200, &tgz(&[("builder", BUILDER, 0o755)]));
        let layout = [("oci-layout", "{}", 0o644), ("index.json", "{}", 0o644), ("blobs/sha256/ab", "", 0o644)];
        cloud.server.answers("/py.tgz", 200, &tgz(&layout));
        Self { cloud, login, buildpacks }
    }

    /// The form of today's Cloud Controller.
    fn request(&self) -> Value {
        let Cloud { world, .. } = &self.cloud;
        let download = |artifact: &str, from: &str, to: &str| json!({"download": {"artifact": artifact, "from": self.cloud.url(from), "to": world.text(to), "cache_key": "", "user": user()}});
        let mut arguments = Vec::new();
        for (option, path) in [
            ("--cache-dir", "cache"),
            ("--cache-output", "cache-output.tgz"),
            ("--droplet", "droplet"),
            ("--layers", "home/layers"),
            ("--result", "result.json"),
            ("--system-buildpacks-dir", "buildpacks"),
            ("--workspace-dir", "home/workspace"),
        ] {
            arguments.extend([json!(option), json!(world.text(path))]);
        }
        for buildpack in self.buildpacks.as_array().unwrap() {
            arguments.extend([json!("--buildpack"), buildpack.clone()]);
        }
        arguments.extend(["--auto-detect", "--pass-env-var", "VCAP_SERVICES"].map(|argument| json!(argument)));
        let run = json!({"run": {"path": world.text("lifecycle/builder"), "args": arguments, "user": user(), "dir": world.text("")}});
        let action = json!({"timeout": {"timeout_ms": 900_000, "action": {"serial": {"actions": [
            {"parallel": {"actions": [
                download("app package", "/app.zip", "home/workspace"),
                {"try": {"action": download("build artifacts cache", "/cache.tgz", "cache")}}]}},
            run,
            {"emit_progress": {"action": {"parallel": {"actions": [
                self.cloud.upload("droplet", "droplet", "droplet"),
                self.cloud.upload("build artifacts cache", "cache-output.tgz", "build_artifacts")]}},
                "start_message": "Uploading droplet, build artifacts cache...", "success_message": "Uploading complete", "failure_message_prefix": "Uploading failed"}}
        ]}}}});
        let dependency = |from: &str, to: &str, key: &str| json!({"name": "", "from": self.cloud.url(from), "to": world.text(to), "cache_key": key, "log_source": ""});
        let mut request = task(&action);
        request["cached_dependencies"] = json!([
            dependency("/cnb.tgz", "lifecycle", "cnb-cflinuxfs4-lifecycle"),
            dependency("/py.tgz", "buildpacks/13ca02b1b15bf432", "py_1234"),
        ]);
        let variable = |name: &str, value: &str| json!({"name": name, "value": value});
        request["env"] = json!([
            variable("CNB_USER_ID", "2000"),
            variable("CNB_GROUP_ID", "2000"),
            variable("CNB_STACK_ID", "cflinuxfs4"),
            variable("CNB_REGISTRY_CREDS", self.login),
        ]);
        request["result_file"] = json!(world.text("result.json"));
        request
    }

    /// Stages in what is like a new container, but for the cache.
    fn stage(&self) -> Outcome {
        let Cloud { world, .. } = &self.cloud;
        for place in ["lifecycle", "buildpacks", "home", "cache", "droplet", "cache-output.tgz", "result.json"] {
            let path = world.path(place);
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
        fs::create_dir(world.path("home")).unwrap();
        fs::set_permissions(world.path("home"), fs::Permissions::from_mode(0o777)).unwrap();
        // Only root can keep a cache.
        let cache = world.text("kept");
        let options = if am_root() { vec!["--cache", &cache] } else { Vec::new() };
        self.cloud.stage_request(&self.request(), &options)
    }

    /// What was uploaded to `place` since somebody wanted to know.
    fn uploaded(&self, place: &str) -> Vec<Vec<u8>> {
        let posts = self.cloud.server.asked("POST").into_iter();
        posts.filter(|post| post.target.starts_with(&format!("/v1/{place}/"))).map(|post| post.body).collect()
    }
}

fn names(archive: &[u8]) -> Vec<String> {
    let mut tar = tar::Archive::new(GzDecoder::new(archive));
    let mut names: Vec<String> =
        tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    names.sort();
    names
}

#[test]
fn a_cnb_app_is_staged_and_its_cache_goes_out_and_comes_in_again() {
    let cnb = Cnb::new(
        r#"{"registry.example.com":{"username":"cnb","password":"s3cret-right"}}"#,
        json!(["py_1234", "docker://me:s3cret-in-url@registry.example.com/cnb/node:7"]),
    );
    let outcome = cnb.stage();
    let system = cnb.cloud.world.text("buildpacks/13ca02b1b15bf432");
    let said = |restored: &[&str]| {
        let mut lines = vec![
            format!("Using buildpacks: file://{system}"),
            "Downloading from docker://***@registry.example.com/cnb/node:7".to_owned(),
            "\u{1b}[36m===> DETECTING\u{1b}[0m".to_owned(),
            "===> RESTORING".to_owned(),
        ];
        lines.extend(restored.iter().map(|line| (*line).to_owned()));
        lines.extend(
            [
                "===> BUILDING",
                "---> auto-detect=yes stack=cflinuxfs4 user=2000:2000 CF_STACK=none hello",
                r#"---> the login is {"registry.example.com":{"username":"cnb","password":"***"}}"#,
                "===> EXPORTING",
            ]
            .map(str::to_owned),
        );
        lines
    };
    assert_eq!(outcome.done().out(), said(&[]));
    let (droplets, caches) = (cnb.uploaded("droplet"), cnb.uploaded("build_artifacts"));
    assert_eq!((droplets.len(), caches.len()), (1, 1));
    assert!(names(&droplets[0]).contains(&"./layers/config/metadata.toml".to_owned()), "{:?}", names(&droplets[0]));
    assert!(names(&droplets[0]).contains(&"./workspace/hello.txt".to_owned()));
    assert_eq!(names(&caches[0]), ["committed/", "committed/tools.tar"]);
    assert!(outcome.events.iter().any(|event| matches!(event, Event::Droplet { uploaded: true, .. })));

    cnb.cloud.server.answers("/cache.tgz", 200, &caches[0]);
    let outcome = cnb.stage();
    assert_eq!(outcome.done().out(), said(&["Restoring data for 'fidelity/py:tools' from cache"]));
    let owner = printed_by("stat", &["-c", "%U", &cnb.cloud.world.text("cache/committed/tools.tar")]);
    assert_eq!(owner, user(), "the builder's user must be able to change its cache");
}

#[test]
fn a_wrong_login_ends_with_the_builders_own_code_and_uploads_nothing() {
    let wrong = r#"{"registry.example.com":{"username":"cnb","password":"s3cret-wrong"}}"#;
    let none = "null";
    for login in [wrong, none] {
        let cnb = Cnb::new(login, json!(["docker://registry.example.com/cnb/node:7"]));
        let outcome = cnb.stage();
        let (text, advice) = outcome.failure();
        assert_eq!(outcome.code, 232);
        assert_eq!(text, "a buildpack could not be downloaded or read (builder ended with status 232)");
        assert!(advice.contains("CNB_REGISTRY_CREDS"), "{advice}");
        let shown = outcome.lines(Stream::Err).join("\n");
        assert!(shown.starts_with("failed to download buildpacks, error: UNAUTHORIZED, with "), "{shown}");
        assert!(outcome.notes().contains(&"The droplet in Cloud Controller was not replaced"));
        assert!(cnb.cloud.server.asked("POST").is_empty(), "{login}");
    }
}

#[test]
fn a_builders_code_speaks_for_its_own_lifecycle() {
    let world = World::new();
    let builder = world.path("builder");
    write_program(&builder, "for last in \"$@\"; do :; done\nexit \"$last\"");
    let ended = |arguments: &[&str]| {
        let run = json!({"run": {"path": builder, "args": arguments, "user": user(), "dir": world.text("")}});
        let outcome = world.stage(&task(&run), &[]);
        (outcome.code, outcome.failure().0.to_owned())
    };
    for (status, words) in [
        ("231", "the builder could not begin or end its work"),
        ("232", "a buildpack could not be downloaded"),
        ("233", "no buildpack detected the app"),
        ("234", "a buildpack failed to build the app"),
        ("235", "the builder failed to export"),
        ("236", "the builder got no credentials from CredHub"),
        ("237", "the builder failed to restore"),
    ] {
        let (code, text) = ended(&["--buildpack", "k", status]);
        assert_eq!(code.to_string(), status);
        assert!(text.starts_with(words), "{text}");
        assert_eq!(ended(&["-buildpackOrder=k", status]), (5, format!("builder ended with status {status}")));
    }
    assert_eq!(ended(&["--buildpack", "k", "223"]), (5, "builder ended with status 223".to_owned()));
}
