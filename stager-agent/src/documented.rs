//! Every option of this program that a document shows, behind the image's name or behind `--`, is one that it takes.

use crate::arguments::Arguments;
use shared_model::documented::{self, Documented};
use shared_model::exit_code::ExitCode;

/// What of a command line is for the agent.
fn of_the_agent(command: &Documented) -> Option<Vec<Vec<String>>> {
    let behind = |is: &dyn Fn(&str) -> bool| {
        command.words.iter().position(|word| is(word)).map(|at| vec![command.words[at + 1..].to_vec()])
    };
    let is_image = |word: &str| word == "stager" || word.starts_with("stager:");
    match command.program() {
        "stager-agent" => Some(command.readings()),
        "docker" if command.words.get(1).is_some_and(|word| word == "run") => behind(&is_image),
        "host-cli" if command.words.get(1).is_some_and(|word| word == "restage" || word == "cache-up") => {
            behind(&|word| word == "--")
        }
        "restage" | "cache-up" => behind(&|word| word == "--"),
        _ => None,
    }
}

#[test]
fn every_option_of_the_agent_in_the_documents_can_be_typed() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for command in documented::commands() {
        let Some(readings) = of_the_agent(&command) else { continue };
        count += 1;
        let read = |options: Vec<String>| match Arguments::parse(&options) {
            Err(exit) if exit.code != ExitCode::Success => Some(exit.text),
            _ => None,
        };
        let texts: Option<Vec<String>> = readings.into_iter().map(read).collect();
        wrong.extend(texts.map(|texts| format!("{}: {}", command.place, texts.concat())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 12, "only {count} were found");
}
