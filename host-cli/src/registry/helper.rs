//! Asks a credential helper, `docker-credential-NAME get`: the registry's key on its standard input, a JSON object on its
//! standard output. A helper may talk to people or to the network, so it gets a while, but not for ever.

#![expect(clippy::disallowed_methods, reason = "the one place that runs credential helpers")]

use super::credentials::Login;
use serde::Deserialize;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use shared_model::size;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough to type a passphrase.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Short against the helper's own start.
const POLL: Duration = Duration::from_millis(20);
/// What is still on its way when the helper has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// The most bytes of an answer or a complaint that are read.
const LONGEST_ANSWER: u64 = 64 << 10;
/// The most characters of a complaint that are shown.
const LONGEST_COMPLAINT: usize = 300;
/// What helpers say when they know nothing of a registry; the same in all that are made with Docker's library.
const UNKNOWN: &str = "credentials not found";
/// The user name that stands for a token.
const TOKEN: &str = "<token>";

/// A helper's answer. It must not be printed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: Secret<String>,
}

/// Why a helper has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It is not there, or cannot be started here: `is not in PATH`.
    Missing(String),
    /// It was there. What it did: `ended with exit status: 1`.
    Failed(String),
}

/// What `docker-credential-NAME` knows for the key; `None`: it knows nothing.
pub(super) fn ask(name: &str, key: &str, patience: Duration) -> Result<Option<Login>, NoAnswer> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if !name.chars().all(plain) {
        return Err(NoAnswer::Failed("has no name that a program can have".to_owned()));
    }
    let mut command = Command::new(format!("docker-credential-{name}"));
    command.arg("get");
    converse(command, key, patience)
}

fn converse(mut command: Command, key: &str, patience: Duration) -> Result<Option<Login>, NoAnswer> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut helper = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => NoAnswer::Missing("is not in PATH".to_owned()),
        _ => NoAnswer::Missing(format!("cannot be started: {error}")),
    })?;
    let (out, err) = (read_beside(helper.stdout.take()), read_beside(helper.stderr.take()));
    if let Some(mut stdin) = helper.stdin.take() {
        // One that does not care to read will say why.
        let _ = stdin.write_all(key.as_bytes());
    }
    let status = wait(&mut helper, patience).map_err(NoAnswer::Failed)?;
    let heard = |from: Receiver<Vec<u8>>| Secret::new(from.recv_timeout(LAST_WORDS).unwrap_or_default());
    understood(status, &heard(out), &heard(err)).map_err(NoAnswer::Failed)
}

/// Reads in a thread of its own: what the helper has started may hold the pipe longer than it lives.
fn read_beside(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sends, receives) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(LONGEST_ANSWER).read_to_end(&mut bytes);
        }
        let _ = sends.send(bytes);
    });
    receives
}

fn wait(helper: &mut Child, patience: Duration) -> Result<ExitStatus, String> {
    let begun = Instant::now();
    loop {
        match helper.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if begun.elapsed() < patience => thread::sleep(POLL),
            Ok(None) => {
                let _ = helper.kill();
                let _ = helper.wait();
                return Err(format!("did not answer within {}", size::go_duration(patience)));
            }
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    }
}

fn understood(status: ExitStatus, out: &Secret<Vec<u8>>, err: &Secret<Vec<u8>>) -> Result<Option<Login>, String> {
    let out = out.reveal().trim_ascii();
    if !status.success() {
        let said = String::from_utf8_lossy(out);
        if said.contains(UNKNOWN) {
            return Ok(None);
        }
        // Helpers complain on standard output. What looks like an answer is none of our readers' business.
        let complaint = if said.is_empty() || said.contains(['{', '"']) {
            String::from_utf8_lossy(err.reveal()).into_owned()
        } else {
            said.into_owned()
        };
        return Err(format!("ended with {status}{}", shown(&complaint)));
    }
    let answer: Answer =
        serde_json::from_slice(out).map_err(|_| "gave an answer that cannot be understood".to_owned())?;
    if answer.secret.reveal().is_empty() {
        return Ok(None);
    }
    Ok(Some(match answer.username.as_str() {
        TOKEN => Login::IdentityToken(answer.secret),
        _ => Login::Password { user: answer.username, password: answer.secret },
    }))
}

/// A complaint as one safe, bounded line behind what was said before; empty where there is none.
fn shown(complaint: &str) -> String {
    let lines: Vec<&str> = complaint.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let joined = lines.join("; ");
    let text: String = escape_control(&joined).chars().take(LONGEST_COMPLAINT).collect();
    if text.is_empty() { text } else { format!(": {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn ended(status: i32, out: &str, err: &str) -> Result<Option<Login>, String> {
        let bytes = |text: &str| Secret::new(text.as_bytes().to_vec());
        understood(ExitStatus::from_raw(status << 8), &bytes(out), &bytes(err))
    }

    #[test]
    fn an_answer_is_a_password_or_a_token_or_nothing() {
        let secret = || Secret::new("s3cret".to_owned());
        assert_eq!(
            ended(0, r#"{"ServerURL":"r.io","Username":"me","Secret":"s3cret"}"#, "a warning"),
            Ok(Some(Login::Password { user: "me".into(), password: secret() }))
        );
        assert_eq!(
            ended(0, r#"{"Username":"<token>","Secret":"s3cret"}"#, ""),
            Ok(Some(Login::IdentityToken(secret())))
        );
        assert_eq!(ended(0, r#"{"Username":"","Secret":""}"#, ""), Ok(None));
        assert_eq!(ended(1, "credentials not found in native keychain\n", ""), Ok(None));
    }

    #[test]
    fn a_complaint_is_shown_safely_and_what_may_be_secret_is_not() {
        let error = ended(1, "", "locked\u{1b}[2J\n  ask again\n").unwrap_err();
        assert_eq!(error, "ended with exit status: 1: locked\\u{1b}[2J; ask again");
        assert_eq!(ended(2, "no keychain", "more").unwrap_err(), "ended with exit status: 2: no keychain");
        for (status, out) in [(1, r#"{"Username":"me","Secret":"s3cret"}"#), (0, "s3cret"), (0, r#"{"Secret":5}"#)] {
            assert!(!ended(status, out, "").unwrap_err().contains("s3cret"));
        }
        assert!(ended(1, &"é".repeat(5000), "").unwrap_err().chars().count() < 350);
    }

    #[test]
    fn a_helper_that_does_not_end_is_ended_and_one_that_leaves_something_behind_is_not_waited_for() {
        let shell = |script: &str, patience| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            converse(command, "r.io", patience)
        };
        let failed = |result: Result<Option<Login>, NoAnswer>| match result.unwrap_err() {
            NoAnswer::Failed(did) => did,
            NoAnswer::Missing(why) => panic!("{why}"),
        };
        let error = failed(shell("exec sleep 60", Duration::from_millis(200)));
        assert!(error.starts_with("did not answer within "), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("it-ended-first");
        // What is left behind holds both pipes.
        let script = format!("(sleep 5; echo >{}) & kill -9 $$", mark.display());
        let error = failed(shell(&script, PATIENCE));
        assert!(error.starts_with("ended with signal: 9"), "{error}");
        assert!(!mark.exists(), "it was waited for");
    }

    #[test]
    fn a_helper_that_is_not_there_or_has_an_odd_name_is_told() {
        let missing = NoAnswer::Missing("is not in PATH".to_owned());
        assert_eq!(ask("stager-no-such-helper", "r.io", PATIENCE), Err(missing));
        for name in ["../x", "a b", "/bin/true"] {
            let told = ask(name, "r.io", PATIENCE).unwrap_err();
            assert_eq!(told, NoAnswer::Failed("has no name that a program can have".to_owned()), "{name}");
        }
        let mut directory = Command::new("/");
        directory.arg("get");
        let NoAnswer::Missing(why) = converse(directory, "r.io", PATIENCE).unwrap_err() else { panic!("it ran") };
        assert!(why.starts_with("cannot be started: "), "{why}");
    }
}
