//! One app with secrets in every field of its requests, the logs that hold them, and what was found of them where.

use super::cli::{Call, Form, Home, Ran, file};
use super::feed;
use super::marks::{CANARY, Marks};
use crate::app::App;
use crate::hcf::{Hcf, stager_image};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::TempDir;

/// The logs that hold requests, as `--logs` finds them.
const LOGS: [&str; 2] = ["diego-cc-bridge/stager/stager.stdout.log", "diego-cc-bridge/nsync/nsync_listener.stdout.log"];
/// Kinds of requests by what they are called in a log.
const KINDS: [&str; 2] = ["taskDefinition", "desiredLRP"];

/// See the module's text.
pub(crate) struct World {
    /// The secrets.
    pub(crate) marks: Marks,
    /// The app.
    pub(crate) app: App,
    /// Where its commands may leave something.
    pub(crate) home: Home,
    /// Logs, and what tests write themselves.
    folder: TempDir,
    complaints: Mutex<Vec<String>>,
}

impl World {
    /// The app is pushed, and nothing more.
    pub(crate) fn new() -> Self {
        let (mut marks, hcf, folder) = (Marks::new(), Hcf::own("secrets"), tempfile::tempdir().unwrap());
        let source = folder.path().join("app");
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/apps/hello-procfile");
        fs::create_dir(&source).unwrap();
        for file in fs::read_dir(examples).unwrap().flatten() {
            fs::copy(file.path(), source.join(file.file_name())).unwrap();
        }
        fs::write(source.join("found"), marks.of(CANARY)).unwrap();
        hcf.buildpack("marked", &format!("echo compiling # {}", marks.of(CANARY)));
        let push = ["--buildpack", "marked_buildpack", "--env", "GREETING=hello"];
        let app = App::pushed_to(hcf, "secretive", source.to_str().unwrap(), &push);
        for signature in signatures(&app.request("build-req").to_string()) {
            marks.also("signature", &signature);
        }
        let world = Self { marks, app, home: Home::new(), folder, complaints: Mutex::default() };
        world.log();
        world
    }

    /// Writes the logs anew, with secrets in all requests.
    fn log(&self) {
        for (log, kind) in LOGS.iter().zip(KINDS) {
            let text = fs::read_to_string(self.app.hcf.logs().join(log)).unwrap();
            let fed = text.lines().map(|line| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                let request = line["data"].get_mut(kind).filter(|request| request.is_object());
                match request {
                    Some(request) if kind == KINDS[0] => feed::staging(request, &self.marks),
                    Some(request) => feed::launch(request, &self.marks),
                    None => {}
                }
                line.to_string() + "\n"
            });
            let to = self.logs().join(log);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, fed.collect::<String>()).unwrap();
        }
    }

    /// The folder of the logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// A file that a command is to read; it may hold secrets.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        file(self.folder.path(), name, text)
    }

    /// The path of a file or folder that a command is to make or read.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The newest request, `build-req` or `launch-req`, changed, in a file.
    pub(crate) fn request(&self, command: &str, name: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut request: Value = serde_json::from_str(&self.document(command)).unwrap();
        change(&mut request);
        self.file(&format!("{name}.json"), &request.to_string())
    }

    /// The newest request as it was logged.
    pub(crate) fn document(&self, command: &str) -> String {
        let call = Call::of(&[command, "--logs", self.logs().to_str().unwrap()]);
        self.home.run(&self.marks, &call, Form::Plain).text()
    }

    /// `host-cli restage` with a request in a file, and with these words.
    pub(crate) fn restage(&self, request: &str, words: &[&str]) -> Call {
        self.restage_trusting_nobody(request, words).and(&["--ca", self.app.hcf.ca().to_str().unwrap()])
    }

    /// The same where nobody vouches for mini-HCF: only the lifecycle's own builder is told to trust everybody.
    pub(crate) fn restage_trusting_nobody(&self, request: &str, words: &[&str]) -> Call {
        self.restage_with(request, &["--cache-volume", &self.app.volume()]).and(words)
    }

    /// The same without a cache.
    pub(crate) fn restage_without_cache(&self, request: &str, words: &[&str]) -> Call {
        self.restage_with(request, &["--no-cache"]).and(words)
    }

    fn restage_with(&self, request: &str, cache: &[&str]) -> Call {
        Call::of(&["restage", "--request", request, "--network", &self.app.hcf.network])
            .and(&["--stager-image", &stager_image()])
            .and(cache)
    }

    /// Runs a command, and complains about another code and about any secret that it says.
    pub(crate) fn run(&self, name: &str, code: i32, call: &Call, form: Form) -> Ran {
        let ran = self.home.run(&self.marks, call, form);
        self.judge(name, code, form, &ran);
        ran
    }

    /// Complains as [`Self::run`] does.
    pub(crate) fn judge(&self, name: &str, code: i32, form: Form, ran: &Ran) {
        if ran.code != code {
            self.complain(format!("{name} ({form:?}) ended with {}, not {code}:\n{}", ran.code, ran.end()));
        }
        if form == Form::Bars && code != 2 && !ran.text().contains('\r') {
            self.complain(format!("{name} saw no terminal:\n{}", ran.end()));
        }
        self.holds(&format!("what {name} says ({form:?})"), &ran.said, &[]);
    }

    /// Complains unless these fields' secrets, and no others, are in there.
    pub(crate) fn holds(&self, place: &str, bytes: &[u8], fields: &[&'static str]) {
        self.holds_perhaps(place, bytes, fields, &[]);
    }

    /// Complains unless these fields' secrets are in there, and no others but some of `perhaps`.
    pub(crate) fn holds_perhaps(&self, place: &str, bytes: &[u8], fields: &[&'static str], perhaps: &[&'static str]) {
        let mut found = self.marks.found_in(bytes);
        found.retain(|field| !perhaps.contains(field));
        if found != fields.iter().copied().collect() {
            let sample = self.marks.sample(bytes);
            self.complain(format!("{place} holds {found:?}, not {fields:?}: …{sample}…"));
        }
    }

    /// As [`Self::holds`], of what was searched elsewhere.
    pub(crate) fn found(&self, place: &str, found: &BTreeSet<&'static str>, fields: &[&'static str]) {
        if *found != fields.iter().copied().collect() {
            self.complain(format!("{place} holds {found:?}, not {fields:?}"));
        }
    }

    /// Goes on, and fails in the end.
    pub(crate) fn complain(&self, text: String) {
        self.complaints.lock().unwrap().push(text);
    }

    /// Fails if there was anything to complain about, with all of it.
    #[track_caller]
    pub(crate) fn ends_well(&self) {
        let complaints = self.complaints.lock().unwrap();
        assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    }
}

/// The signatures in a request's URLs.
fn signatures(request: &str) -> BTreeSet<String> {
    let behind = request.split("md5=").skip(1);
    behind.filter_map(|rest| rest.split(['&', '"', '\\']).next()).map(str::to_owned).collect()
}
