//! Runs `host-cli` for the tests of `push`.

use crate::said::Said;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Who sends the image, in the words of `--by`.
pub(crate) const SENDERS: [&str; 2] = ["direct", "engine"];

/// The digest in `✓ push    REFERENCE@sha256:… `.
#[track_caller]
pub(crate) fn digest(said: &Said) -> String {
    let digest = said.out.split_whitespace().find_map(|word| Some(word.split_once("@sha256:")?.1));
    let digest = digest.map(|digits| format!("sha256:{digits}"));
    digest.unwrap_or_else(|| panic!("no digest: {said:?}"))
}

/// Where `host-cli` remembers what it made, for all tests of this program.
pub(crate) fn state_folder() -> &'static Path {
    static STATE: OnceLock<TempDir> = OnceLock::new();
    STATE.get_or_init(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()).path()
}

/// `host-cli` with these words, in a world where docker's configuration lies in `config`, if anywhere.
pub(crate) fn host_cli(words: &[&str], config: Option<&Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    command.args(words).env("DOCKER_CONFIG", config.unwrap_or(Path::new("/nowhere"))).stdin(Stdio::null());
    command.env("XDG_STATE_HOME", state_folder());
    command
}

pub(crate) fn said(words: &[&str], config: Option<&Path>) -> Said {
    host_cli(words, config).output().unwrap().into()
}

/// As [`said`], with a password on standard input.
pub(crate) fn said_with(words: &[&str], password: &str) -> Said {
    let mut child = started(host_cli(words, None).stdin(Stdio::piped()));
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

pub(crate) fn started(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}
