//! Every command line of this program that a document shows is one that it takes.

use crate::arguments::{Exit, parse};
use shared_model::documented;

#[test]
fn every_command_line_in_the_documents_can_be_typed() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for command in documented::commands().into_iter().filter(|command| command.program() == "mini-hcf") {
        count += 1;
        let read = |arguments: Vec<String>| match parse("mini-hcf", &arguments) {
            Err(Exit::Wrong(text)) => Some(text),
            _ => None,
        };
        let texts: Option<Vec<String>> = command.readings().into_iter().map(read).collect();
        wrong.extend(texts.map(|texts| format!("{}: {}", command.place, texts.concat())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 8, "only {count} were found");
}
