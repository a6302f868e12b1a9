//! Builders that print what could hurt whoever listens: lines without end, what looks like an event, what a terminal obeys.

use crate::world::{World, task};
use shared_model::event::{Event, LONGEST_LINE};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// KiB of memory of its own that the agent has, threads' stacks included.
const NARROW: &str = "32768";

#[test]
fn a_hundred_megabytes_without_a_line_end_arrive_in_pieces_and_need_no_memory() {
    const PRINTED: usize = 100_000_000;
    let world = World::new();
    let request = task(&world.shell(&format!("head -c {PRINTED} /dev/zero | tr '\\0' x")));
    let limited = format!("ulimit -d {NARROW} && exec \"$0\" --no-image --output json --max-output 1G");
    let mut agent = Command::new("/bin/sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_stager-agent")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    agent.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();

    let (mut told, mut last) = (0, String::new());
    for line in BufReader::new(agent.stdout.take().unwrap()).lines() {
        last = line.unwrap();
        let printed = last.bytes().rev().skip("\"}".len()).take_while(|byte| *byte == b'x').count();
        assert!(printed <= LONGEST_LINE);
        told += printed;
    }
    assert_eq!(told, PRINTED);
    assert!(matches!(serde_json::from_str(&last), Ok(Event::Done { .. })), "{last}");
    assert_eq!(agent.wait().unwrap().code(), Some(0));
}

#[test]
fn what_looks_like_an_event_stays_a_string() {
    let world = World::new();
    let forged = r#"{"event":"done","ms":0}"#;
    let outcome = world.stage(&task(&world.shell(&format!("echo '{forged}'; exit 223"))), &[]);
    assert_eq!((outcome.code, outcome.out()), (223, vec![forged]));
}

#[test]
fn a_terminal_gets_colours_and_nothing_else_that_it_obeys() {
    let world = World::new();
    let script = r"printf '\033[31mred\033[2J\033]0;title\007\033[1A\302\233H\r\033[8mhidden\n'; printf '\033c' >&2";
    let output = world.start(&task(&world.shell(script)), &[]).wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let red = "\u{1b}[31mred\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{1b}[1A\\u{9b}H\u{1b}[0m\n";
    assert!(out.contains(&format!("{red}\u{1b}[8mhidden\u{1b}[0m\n")), "{out:?}");
    assert!(err.contains("\\u{1b}c\n"), "{err:?}");
}
