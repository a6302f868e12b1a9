//! `host-cli` as a user starts it, in a home folder of its own, with each form of output.

use super::marks::Marks;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A form in which a command says what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// Lines, and all that there is to say.
    Plain,
    /// One event a line.
    Json,
    /// On a terminal: lines and progress bars.
    Bars,
}

/// All of them.
pub(crate) const FORMS: [Form; 3] = [Form::Plain, Form::Json, Form::Bars];

/// Both of the streams that there are: the bars are drawn below the plain lines.
pub(crate) const BOTH: [Form; 2] = [Form::Json, Form::Bars];

/// What a command said, and how it ended.
pub(crate) struct Ran {
    /// Its exit status, or 128 and the signal that ended it.
    pub(crate) code: i32,
    /// Both of its streams.
    pub(crate) said: Vec<u8>,
}

/// The folders in which a program may leave something: home, temporary files, caches.
pub(crate) struct Home(TempDir);

impl Home {
    /// Empty ones.
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for name in ["tmp", "cache", "run"] {
            fs::create_dir(home.path().join(name)).unwrap();
        }
        home
    }

    /// The folder that holds them.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The command with these words. Proxies are set, which are nobody's business.
    fn command(&self, program: &str, marks: &Marks) -> Command {
        let proxy = format!("http://proxy:{}@127.0.0.1:1", marks.in_url("proxy"));
        let mut command = Command::new(program);
        command.env("HOME", self.path()).env("TMPDIR", self.path().join("tmp"));
        command.env("XDG_STATE_HOME", self.path().join("state"));
        command.env("XDG_CACHE_HOME", self.path().join("cache")).env("XDG_RUNTIME_DIR", self.path().join("run"));
        command.envs(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"].map(|name| (name, &proxy)));
        command.env("RUST_BACKTRACE", "full").env_remove("DOCKER_CONFIG").current_dir(self.path());
        command
    }

    /// Starts `host-cli` with these words in this form, with both streams in pipes.
    pub(crate) fn start(&self, marks: &Marks, call: &Call, form: Form) -> Child {
        let program = env!("CARGO_BIN_EXE_host-cli");
        let words = call.words(form);
        let mut command = if form == Form::Bars {
            let line: Vec<String> = [program.to_owned()].iter().chain(&words).map(|word| quoted(word)).collect();
            let mut command = self.command("script", marks);
            command.args(["--quiet", "--return", "--command", &format!("exec {}", line.join(" ")), "/dev/null"]);
            command
        } else {
            let mut command = self.command(program, marks);
            command.args(words);
            command
        };
        command.envs(call.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(call.stdin.as_bytes()); // one that has ended has said why
        child
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, marks: &Marks, call: &Call, form: Form) -> Ran {
        Ran::of(self.start(marks, call, form))
    }
}

impl Ran {
    /// Waits for it.
    pub(crate) fn of(child: Child) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
        Self { code, said: [output.stdout, output.stderr].concat() }
    }

    /// The end of it, for people.
    pub(crate) fn end(&self) -> String {
        const ENOUGH: usize = 3000;
        String::from_utf8_lossy(&self.said[self.said.len().saturating_sub(ENOUGH)..]).into_owned()
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.said).into_owned()
    }
}

/// A command line and what surrounds it.
#[derive(Clone, Default)]
pub(crate) struct Call {
    /// What is typed, without `host-cli` and without what chooses a form.
    pub(crate) words: Vec<String>,
    /// What goes to the agent.
    pub(crate) agent: Vec<String>,
    /// What comes by standard input.
    pub(crate) stdin: String,
    /// Variables besides [`Home`]'s own.
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Call {
    /// With these words.
    pub(crate) fn of(words: &[&str]) -> Self {
        Self { words: words.iter().map(|word| (*word).to_owned()).collect(), ..Self::default() }
    }

    /// With more of them.
    pub(crate) fn and(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// With words for the agent.
    pub(crate) fn telling_agent(mut self, words: &[&str]) -> Self {
        self.agent = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// With this variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn words(&self, form: Form) -> Vec<String> {
        let command = self.words.first().map_or("", String::as_str);
        let verbose = ["restage", "image"].contains(&command);
        let lists =
            command == "requests" || (command == "cache" && self.words.get(1).is_some_and(|word| word == "list"));
        let acts = ["restage", "cache-up", "launch", "image", "export", "push"].contains(&command);
        let mut words = self.words.clone();
        match form {
            Form::Json if acts || lists => words.extend(["--output", "json"].map(str::to_owned)),
            Form::Plain if acts => words.extend(["--output", "plain"].map(str::to_owned)),
            _ => {}
        }
        if verbose {
            words.push("--verbose".to_owned());
        }
        if !self.agent.is_empty() {
            words.push("--".to_owned());
            words.extend(self.agent.clone());
        }
        words
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A file in `folder`, and its path as a word.
pub(crate) fn file(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
