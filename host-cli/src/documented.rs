//! Every command line of this program that a document or a help text shows is one that it takes.

use crate::arguments::invocation::{Invocation, LINKED};
use shared_model::documented::{self, Documented};
use shared_model::exit_code::ExitCode;
use std::ffi::OsString;

/// What is wrong with it; `None` where it can be typed.
fn wrong(shown: &Documented) -> Option<String> {
    let read = |arguments: Vec<String>| {
        let words = std::iter::once(shown.words[0].clone()).chain(arguments);
        match Invocation::read(words.map(OsString::from)) {
            Err(failure) if failure.code != ExitCode::Success => Some(failure.text),
            _ => None,
        }
    };
    let texts: Option<Vec<String>> = shown.readings().into_iter().map(read).collect();
    texts.map(|texts| format!("{}: {}: {}", shown.place, shown.words.join(" "), texts.concat()))
}

#[test]
fn every_command_line_in_the_documents_can_be_typed() {
    let is_ours = |program: &str| program == "host-cli" || LINKED.iter().any(|(link, _)| *link == program);
    let shown = documented::commands();
    // A benchmark is called as what it measures.
    let is_of_ci = |command: &Documented| command.words[0].starts_with("ci/");
    let ours: Vec<_> = shown.iter().filter(|command| is_ours(command.program()) && !is_of_ci(command)).collect();
    assert!(ours.len() > 60, "only {} were found", ours.len());
    let wrong: Vec<_> = ours.iter().filter_map(|command| wrong(command)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_in_a_help_text_can_be_typed() {
    let help = |words: &str| {
        let typed = format!("host-cli {words} --help");
        Invocation::read(typed.split_whitespace().map(OsString::from)).unwrap_err().text
    };
    let commands = ["requests", "build-req", "launch-req", "build-cmd", "launch-cmd", "restage", "cache-up", "cache"];
    let others = [
        "cache list",
        "cache verify",
        "cache clear",
        "launch",
        "apps",
        "logs",
        "stop",
        "delete",
        "app",
        "start",
        "restart",
        "restart-app-instance",
        "scale",
        "revisions",
        "rollback",
        "ssh",
        "env",
        "run-task",
        "tasks",
        "terminate-task",
        "cell",
        "cell start",
        "cell status",
        "cell upgrade",
        "cell stop",
        "cell run",
        "events",
        "image",
        "export",
        "rebase",
        "push",
        "link",
        "manifest",
        "",
    ];
    let mut count = 0;
    let of_manifest = ["manifest restage", "manifest launch"];
    for command in commands.into_iter().chain(others).chain(of_manifest) {
        for example in documented::of_help(command, &help(command)) {
            if example.program() == "host-cli" {
                count += 1;
                assert_eq!(wrong(&example), None);
            }
        }
    }
    assert!(count > 20, "only {count} were found");
}
