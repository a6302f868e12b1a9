//! Every command line of this program that a document shows is one that it takes.

use crate::arguments::{Exit, parse};
use shared_model::documented;

#[test]
fn every_command_line_in_the_documents_can_be_typed() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for command in documented::commands().into_iter().filter(|command| command.program() == "mini-hcf") {
        count += 1;
        if let Err(Exit::Wrong(text)) = parse("mini-hcf", &command.arguments()) {
            wrong.push(format!("{}: {text}", command.place));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 8, "only {count} were found");
}
