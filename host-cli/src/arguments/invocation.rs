//! What was typed → what is meant: the name that this program was called by, the options that argh does not know,
//! and what follows `--`. Help and version end here, as values; nothing is printed.

use super::{Command, HostCli};

use crate::failure::Failure;
use argh::FromArgs;
use shared_model::command_line;
use shared_model::exit_code::ExitCode;
use std::ffi::OsString;
use std::path::Path;

/// The name under which the program is documented.
const PROGRAM: &str = "host-cli";

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
        if command_line::asks_for_version(&words) {
            return Err(Failure::new(ExitCode::Success, format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")), ""));
        }
        let (words, agent_options) = without_agent_options(words);
        let words = command_line::normalised(&words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match HostCli::from_args(&[PROGRAM], &words) {
            Ok(HostCli { command }) => Ok(Self { command, agent_options }),
            Err(exit) => Err(early(&exit, &words)),
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

/// What argh says instead of a command: help, or what is wrong.
fn early(exit: &argh::EarlyExit, words: &[&str]) -> Failure {
    let text = exit.output.trim_end();
    if exit.status.is_ok() {
        return Failure::new(ExitCode::Success, text, "");
    }
    let advice = match words.first() {
        Some(command) if commands().any(|known| known == *command) => {
            format!("`{PROGRAM} {command} --help` says what can be typed")
        }
        Some(word) => match nearest_command(word) {
            Some(near) => format!("did you mean `{PROGRAM} {near}`? `{PROGRAM} --help` lists the commands"),
            None => format!("`{PROGRAM} --help` lists the commands"),
        },
        None => format!("`{PROGRAM} --help` says what can be typed"),
    };
    Failure::new(ExitCode::CommandLine, text, advice)
}

/// The names of all commands, as argh knows them.
fn commands() -> impl Iterator<Item = &'static str> {
    <Command as argh::SubCommands>::COMMANDS.iter().map(|command| command.name)
}

/// The command that was probably meant; none where every guess would be far-fetched.
fn nearest_command(word: &str) -> Option<&'static str> {
    const LEAST_LIKENESS: f64 = 0.85; // of 1: `restge` and `build_cmd` are nearer than that, `nonsense` is not
    let likeness = |command: &str| strsim::jaro_winkler(word, command);
    commands()
        .filter(|command| likeness(command) >= LEAST_LIKENESS)
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
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
    fn the_advice_leads_to_a_help_that_exists_and_to_the_nearest_command() {
        for (typed, advice) in [
            ("host-cli", "`host-cli --help` says what can be typed"),
            ("host-cli nonsense", "`host-cli --help` lists the commands"),
            ("host-cli --nope restage", "`host-cli --help` lists the commands"),
            ("host-cli restge app", "did you mean `host-cli restage`? `host-cli --help` lists the commands"),
            ("host-cli build_cmd", "did you mean `host-cli build-cmd`? `host-cli --help` lists the commands"),
            ("host-cli restage --nope", "`host-cli restage --help` says what can be typed"),
        ] {
            let failure = read(typed).unwrap_err();
            assert_eq!((failure.code, failure.advice.as_str()), (ExitCode::CommandLine, advice), "{typed}");
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
