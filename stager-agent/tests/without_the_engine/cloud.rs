//! A file server, a blobstore and a cc-uploader in one server, and a request whose every URL leads there.

use crate::server::Server;
use crate::world::{Outcome, World, task, user};
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use shared_model::event::Event;
use std::io::Write;

/// A builder that keeps the contract of Diego's: flags in, droplet, result and cache out.
pub(crate) const BUILDER: &str = r#"#!/bin/sh
set -e
for flag in "$@"; do case $flag in
-buildDir=*) build=${flag#*=} ;;
-buildpacksDir=*) buildpacks=${flag#*=} ;;
-outputDroplet=*) droplet=${flag#*=} ;;
-outputMetadata=*) result=${flag#*=} ;;
-outputBuildArtifactsCache=*) cache=${flag#*=} ;;
esac; done
echo "-----> $(cat "$buildpacks/b1/name") builds $(cat "$build/hello.txt") as $(id -un)"
test -w "$build" || { echo "the app is not mine"; exit 223; }
if test -w "$buildpacks/b1" || test -w "$buildpacks/b1/name"; then echo "the buildpack is mine"; fi
tar -czf "$droplet" -C "$build" .
tar -czf "$cache" -C "$build" hello.txt
echo '{"lifecycle_type":"buildpack","process_types":{"web":"./hello"}}' > "$result"
"#;

/// All a staging needs, on a server of its own.
pub(crate) struct Cloud {
    pub(crate) world: World,
    pub(crate) server: Server,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let cloud = Self { world: World::new(), server: Server::start() };
        cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", BUILDER, 0o755)]));
        cloud.server.answers("/buildpack.zip", 200, &zip(&[("name", "a-buildpack", 0o666)]));
        cloud.server.answers("/app.zip", 200, &zip(&[("hello.txt", "hello", 0o644)]));
        cloud.server.answers("/v1/droplet/app", 201, b"");
        cloud.server.answers("/v1/build_artifacts/app", 200, b"");
        cloud
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.server.url(&format!("{path}?md5=s3cret&expires=4102444800"))
    }

    pub(crate) fn dependencies(&self) -> Value {
        let dependency = |name: &str, from: &str, to: &str| json!({"name": name, "from": self.url(from), "to": self.world.text(to), "cache_key": from, "log_source": ""});
        json!([
            dependency("", "/lifecycle.tgz", "lifecycle"),
            dependency("a_buildpack", "/buildpack.zip", "buildpacks/b1")
        ])
    }

    pub(crate) fn download(&self) -> Value {
        json!({"download": {"artifact": "app package", "from": self.url("/app.zip"), "to": self.world.text("app"), "cache_key": "", "user": user()}})
    }

    pub(crate) fn run(&self) -> Value {
        let flag = |name: &str, path: &str| format!("-{name}={}", self.world.text(path));
        json!({"run": {"path": self.world.text("lifecycle/builder"), "user": user(), "dir": self.world.text(""), "args": [
            flag("buildArtifactsCacheDir", "cache"), flag("buildDir", "app"), flag("buildpacksDir", "buildpacks"),
            flag("outputBuildArtifactsCache", "output-cache"), flag("outputDroplet", "droplet"),
            flag("outputMetadata", "result.json"), "-skipCertVerify=false", "-skipDetect=false"],
            "env": [{"name": "VCAP_APPLICATION", "value": "{\"application_name\":\"hello\"}"}, {"name": "VCAP_SERVICES", "value": "s3cret"}]}})
    }

    pub(crate) fn upload(&self, artifact: &str, from: &str, to: &str) -> Value {
        let to = self
            .server
            .url(&format!("/v1/{to}/app?cc-{to}-upload-uri=http%3A%2F%2Fu%3As3cret%40api%2Fupload&timeout=900"));
        json!({"upload": {"artifact": artifact, "from": self.world.text(from), "to": to, "user": user()}})
    }

    /// The form of 2016.
    pub(crate) fn request(&self) -> Value {
        let action = json!({"timeout": {"timeout": 900_000_000_000_u64, "action": {"serial": {"actions": [
            self.download(),
            {"emit_progress": {"action": self.run(), "start_message": "Staging...", "success_message": "Staging complete", "failure_message_prefix": "Staging failed"}},
            {"emit_progress": {"action": {"parallel": {"actions": [
                self.upload("droplet", "droplet", "droplet"),
                {"try": {"action": self.upload("build artifacts cache", "output-cache", "build_artifacts")}}]}},
                "start_message": "Uploading droplet, build artifacts cache...", "success_message": "Uploading complete", "failure_message_prefix": "Uploading failed"}}
        ]}}}});
        let mut request = task(&action);
        request["cached_dependencies"] = self.dependencies();
        request["result_file"] = json!(self.world.text("result.json"));
        request["annotation"] = json!("{\"lifecycle\":\"buildpack\",\"completion_callback\":\"http://u:s3cret@api/\"}");
        request["completion_callback_url"] = json!(self.server.url("/v1/staging/a-staging-guid/completed"));
        request
    }

    pub(crate) fn stage(&self, options: &[&str]) -> Outcome {
        self.stage_request(&self.request(), options)
    }

    #[track_caller]
    pub(crate) fn stage_request(&self, request: &Value, options: &[&str]) -> Outcome {
        let outcome = self.world.stage(request, options);
        let said = format!("{:?}{}", outcome.events, outcome.err);
        assert!(!said.contains("s3cret"), "a secret was said: {said}");
        outcome
    }

    /// Fails unless the staging failed with `code`, said all of `words`, and Cloud Controller kept its droplet.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) -> Outcome {
        let outcome = self.stage(&[]);
        let (text, advice) = outcome.failure();
        for word in words {
            assert!(text.contains(word) || advice.contains(word), "{word:?} is neither in {text:?} nor in {advice:?}");
        }
        assert_eq!(outcome.code, code, "{text}");
        assert!(outcome.notes().contains(&"The droplet in Cloud Controller was not replaced"), "{:?}", outcome.notes());
        outcome
    }
}

pub(crate) fn tgz(files: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, text, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(*mode);
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

pub(crate) fn zip(files: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text, mode) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(crate) fn names(outcome: &Outcome) -> Vec<String> {
    let name = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    outcome.events.iter().map(name).filter(|name| name != "download_progress").collect()
}
