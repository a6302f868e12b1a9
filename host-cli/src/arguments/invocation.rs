//! What was typed → what is meant: the name that this program was called by, and what follows `--`. Help and version end
//! here, as values; nothing is printed.

use super::{Command, HostCli};

use crate::failure::Failure;
use shared_model::command_line::{self, Mistake, NoArguments};
use shared_model::exit_code::ExitCode;
use std::ffi::OsString;
use std::path::Path;

/// The name under which the program is documented.
const PROGRAM: &str = "host-cli";

/// The command whose `--version` is an option of its own.
const HAS_VERSIONS: &str = "rollback";

/// The original's commands, and ours that they stand for. `host-cli link` makes links of these names.
pub(crate) const LINKED: [(&str, &str); 7] = [
    ("build_req", "build-req"),
    ("launch_req", "launch-req"),
    ("build_cmd", "build-cmd"),
    ("launch_cmd", "launch-cmd"),
    ("restage", "restage"),
    ("cache-up", "cache-up"),
    ("launch", "launch"),
];

/// A command line that makes sense.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The command with its options.
    pub(crate) command: Command,
    /// What followed `--` behind `restage` or `cache-up`, as it was typed: options of the agent.
    pub(crate) agent_options: Vec<String>,
}

impl Invocation {
    /// Reads a command line, the program's name first. What the user asked to read (`--help`, `--version`) comes as a
    /// [`Failure`] without a failure: exit code 0 and the text.
    pub(crate) fn read(typed: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let mut typed = typed.into_iter();
        let called = typed.next().unwrap_or_default();
        let mut words = Vec::new();
        words.extend(linked_command(Path::new(&called)).map(str::to_owned));
        for word in typed {
            words.push(word.into_string().map_err(|word| {
                let text = format!("the argument {} is not UTF-8", word.to_string_lossy());
                Failure::new(ExitCode::CommandLine, text, "")
            })?);
        }
        let is_own = words.first().is_some_and(|word| word == HAS_VERSIONS);
        if !is_own && command_line::asks_for_version(&words) {
            return Err(Failure::new(ExitCode::Success, format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")), ""));
        }
        let (words, agent_options) = without_agent_options(words);
        match command_line::read(PROGRAM, &words) {
            Ok(HostCli { command }) => Ok(Self { command, agent_options }),
            Err(NoArguments::Help(text)) => Err(Failure::new(ExitCode::Success, text, "")),
            Err(NoArguments::Mistake(Mistake { text, advice })) => {
                Err(Failure::new(ExitCode::CommandLine, text, advice))
            }
        }
    }
}

/// The command that a link of this name stands for.
fn linked_command(called: &Path) -> Option<&'static str> {
    let name = called.file_name()?.to_str()?;
    LINKED.iter().find(|(link, _)| *link == name).map(|(_, command)| *command)
}

/// Cuts at the first `--` behind a command that starts the agent on a request; for the other commands `--` ends the
/// options, as argh has it.
fn without_agent_options(mut words: Vec<String>) -> (Vec<String>, Vec<String>) {
    let starts_the_agent = words.first().is_some_and(|word| word == "restage" || word == "cache-up");
    match words.iter().position(|word| word == "--") {
        Some(at) if starts_the_agent => {
            let agent_options = words.split_off(at + 1);
            words.truncate(at);
            (words, agent_options)
        }
        _ => (words, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Result<Invocation, Failure> {
        Invocation::read(typed.split_whitespace().map(OsString::from))
    }

    fn restage(typed: &str) -> (Vec<String>, Vec<String>) {
        match read(typed).unwrap() {
            Invocation { command: Command::Restage(command), agent_options } => (command.apps, agent_options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_follows_two_dashes_behind_restage_is_the_agents_as_it_was_typed() {
        let (apps, options) = restage("host-cli restage app other --network=n -- --ca=/x -h --version -- z");
        assert_eq!((apps.join(" ").as_str(), options.join(" ").as_str()), ("app other", "--ca=/x -h --version -- z"));
        assert_eq!(restage("/usr/bin/restage -- --no-upload"), (vec![], vec!["--no-upload".to_owned()]));
        assert_eq!(restage("restage --"), (vec![], vec![]));
    }

    #[test]
    fn the_version_of_a_rollback_is_a_revision() {
        for typed in ["host-cli rollback app --version 3", "host-cli rollback --version=3 app"] {
            let Command::Rollback(command) = read(typed).unwrap().command else { panic!("{typed}") };
            assert_eq!((command.app.as_deref(), command.version), (Some("app"), Some(3)));
        }
        assert_eq!(read("host-cli rollback app --version").unwrap_err().code, ExitCode::CommandLine);
        for typed in ["host-cli --version", "host-cli apps --version", "host-cli -V"] {
            assert_eq!(read(typed).unwrap_err().code, ExitCode::Success, "{typed}");
        }
    }

    #[test]
    fn behind_other_commands_two_dashes_end_the_options() {
        let Invocation { command: Command::BuildReq(command), agent_options } =
            read("host-cli build-req -- --odd").unwrap()
        else {
            panic!("not build-req");
        };
        assert_eq!((command.app.as_deref(), agent_options.len()), (Some("--odd"), 0));
    }

    #[test]
    fn every_link_is_a_command_that_argh_knows() {
        for (link, command) in LINKED {
            let failure = read(&format!("/some/where/{link} --help")).unwrap_err();
            assert_eq!(failure.code, ExitCode::Success);
            assert!(failure.text.starts_with(&format!("Usage: host-cli {command} ")), "{}", failure.text);
        }
    }

    #[test]
    fn a_mistake_is_said_with_what_was_meant_and_leads_to_a_help_that_exists() {
        for (typed, text, advice) in [
            ("host-cli", "`host-cli` needs a command", "`host-cli --help` lists the commands"),
            ("host-cli nonsense", "unknown command \"nonsense\"", "`host-cli --help` lists the commands"),
            ("host-cli ps", "unknown command \"ps\"", "`host-cli --help` lists the commands"),
            (
                "host-cli restge app",
                "unknown command \"restge\"; did you mean restage?",
                "`host-cli --help` lists the commands",
            ),
            (
                "host-cli build_cmd",
                "unknown command \"build_cmd\"; did you mean build-cmd?",
                "`host-cli --help` lists the commands",
            ),
            (
                "host-cli restage --kep",
                "unknown option --kep; did you mean --keep?",
                "`host-cli restage --help` shows what can be typed",
            ),
            (
                "restage --no-image=false foo",
                "--no-image takes no value, so =false cannot follow it",
                "type --no-image alone, or leave it out",
            ),
            (
                "host-cli launch --add-host=10.0.0.1=db",
                "--add-host 10.0.0.1=db: \"10.0.0.1\" is not a host name; write HOST=IP",
                "`host-cli launch --help` shows what can be typed",
            ),
            (
                "host-cli restage --dns ns",
                "--dns ns: \"ns\" is not an IP address",
                "`host-cli restage --help` shows what can be typed",
            ),
            (
                "host-cli cache lst",
                "unknown command \"lst\"; did you mean list?",
                "`host-cli cache --help` lists the commands",
            ),
            (
                "host-cli rebase x",
                "`host-cli rebase` needs --base IMAGE",
                "`host-cli rebase --help` shows what can be typed",
            ),
        ] {
            let failure = read(typed).unwrap_err();
            let said = (failure.code, failure.text.as_str(), failure.advice.as_str());
            assert_eq!(said, (ExitCode::CommandLine, text, advice), "{typed}");
        }
    }

    #[test]
    fn an_argument_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let typed = ["host-cli".into(), "build-req".into(), OsString::from_vec(vec![0xff])];
        assert_eq!(Invocation::read(typed).unwrap_err().code, ExitCode::CommandLine);
        assert_eq!(Invocation::read([]).unwrap_err().code, ExitCode::CommandLine);
    }
}
