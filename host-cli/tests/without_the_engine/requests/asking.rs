//! `restage` on a terminal, asked before an engine is: may the droplet of an app on Diego be replaced?

use crate::requests::dsl::{Home, recorded};
use std::io::Write;
use std::process::{Command, Stdio};

/// What a terminal of 60 columns got of `restage OPTIONS node-env`, at which this was typed, and the exit code. There is no engine.
fn typed(typed: &str, options: &str) -> (String, i32) {
    let (home, logs) = (Home::new(), recorded("2016"));
    let program = env!("CARGO_BIN_EXE_host-cli");
    let logs = logs.display();
    let restage = format!(
        "stty rows 24 cols 60; exec {program} restage {options} node-env --color never \
         --stager-log {logs}/stager.stdout.log --nsync-log {logs}/nsync_listener.stdout.log"
    );
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &restage, "/dev/null"]).env("DOCKER_HOST", "unix:///nowhere");
    terminal.env("HOME", home.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut terminal = terminal.spawn().unwrap();
    terminal.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let ended = terminal.wait_with_output().unwrap();
    (String::from_utf8(ended.stdout).unwrap().replace('\r', ""), ended.status.code().unwrap())
}

const QUESTION: &str = "node-env may be running on Diego. Once its droplet is\n  \
    replaced, Diego cannot place it again until\n  `cf restart node-env`.\nReplace the droplet in Cloud Controller? [y/N] ";

#[test]
fn no_ends_it_before_anything_is_done_and_yes_goes_on() {
    for (answer, code, words) in
        [("n\n", 2, "nothing was staged"), ("\n", 2, "nothing was staged"), ("y\n", 9, "/nowhere")]
    {
        let (shown, ended) = typed(answer, "");
        assert!(shown.contains(QUESTION) && shown.contains(words), "{answer:?}: {shown}");
        assert_eq!(ended, code, "{answer:?}: {shown}");
    }
}

#[test]
fn who_has_said_what_becomes_of_the_droplet_is_not_asked() {
    for options in ["--upload", "--no-upload", "--output json --upload"] {
        let (shown, ended) = typed("", options);
        assert!(ended == 9 && !shown.contains("[y/N]"), "{options}: {shown}");
    }
    let (shown, ended) = typed("", "--upload --no-upload");
    assert!(ended == 2 && shown.contains("--upload and --no-upload exclude each other"), "{shown}");
}
