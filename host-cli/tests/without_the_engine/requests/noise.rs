//! Lines that hold no request, and lines that are none, do no harm.

use super::dsl::{Home, LISTENER, STAGER, at, line, noise};
use serde_json::json;

#[test]
fn lines_that_are_no_json_do_no_harm() {
    let home = Home::staged(&[
        at("1.0", "good").staging(),
        "panic: runtime error: \"taskDefinition\"".into(),
        "goroutine 1 [running]:".into(),
        String::new(),
        "\u{1b}[31mred\u{1b}[0m".into(),
    ]);
    assert_eq!(home.run("build-req").mark(), "good");
}

#[test]
fn a_last_line_that_is_cut_off_does_no_harm_and_is_said_once_it_looks_like_a_request() {
    let whole = at("1.0", "whole").staging() + "\n";
    let cut_off = at("2.0", "cut-off").staging();
    let cut_at = |length: usize| {
        Home::new().with_bytes(STAGER, format!("{whole}{}", &cut_off[..length]).as_bytes()).run("build-req")
    };
    for length in [1, 20, 60, 100] {
        assert_eq!(cut_at(length).mark(), "whole", "cut at {length}");
    }
    let said = "stager.stdout.log: a line looks like a request and is not JSON; it is cut off or damaged";
    assert_eq!(cut_at(cut_off.len() - 1).mark_and_warning(said), "whole");
    let complete = Home::new().with_bytes(STAGER, format!("{whole}{cut_off}").as_bytes());
    assert_eq!(complete.run("build-req").mark(), "cut-off", "only the line end is missing");
}

#[test]
fn lines_of_a_megabyte_do_no_harm() {
    let long = line("1.0", &json!({"taskDefinition": {"mark": "long", "filling": "x".repeat(1 << 20)}}));
    let noise = line("2.0", &json!({"payload": "y".repeat(3 << 20)}));
    let home = Home::staged(&[at("0.5", "short").staging(), long, noise]);
    assert_eq!(home.run("build-req").mark(), "long");
}

#[test]
fn nul_bytes_do_no_harm() {
    let (old, new) = (at("1.0", "old").staging(), at("2.0", "new").staging());
    let truncated_while_written = [&vec![0; 300_000][..], new.as_bytes(), b"\n\0\0"].concat();
    assert_eq!(Home::new().with_bytes(STAGER, &truncated_while_written).run("build-req").mark(), "new");
    let inside = format!("{old}\n{}", new.replace("node-env", "node\0env"));
    let said = Home::new().with_bytes(STAGER, inside.as_bytes()).run("build-req");
    assert_eq!(said.mark_and_warning("a line looks like a request and is not JSON"), "old");
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let good = at("1.0", "good").staging();
    let mut bytes: Vec<u8> = good.bytes().chain([b'\n']).collect();
    bytes.extend((0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8));
    assert_eq!(Home::new().with_bytes(STAGER, &bytes).run("build-req").mark(), "good");
}

#[test]
fn the_words_in_another_place_are_not_a_request() {
    let home = Home::staged(&[
        at("1.0", "good").staging(),
        line("2.0", &json!({"taskDefinition": null})),
        line("3.0", &json!({"taskDefinition": "{}"})),
        line("4.0", &json!({"staging-request": {"taskDefinition": {"mark": "nested"}}})),
        line("5.0", &json!({"task_guid": "\"taskDefinition\":{}"})),
        r#"{"timestamp":"6.0","taskDefinition":{"mark":"outside"},"data":{}}"#.into(),
        noise("7.0"),
    ]);
    assert_eq!(home.run("build-req").mark(), "good");
}

#[test]
fn a_request_of_the_other_kind_is_not_taken() {
    let home = Home::staged(&[at("1.0", "staging").staging(), at("2.0", "launch").launch()])
        .with(LISTENER, &[at("1.0", "launch").launch(), at("2.0", "staging").staging()]);
    assert_eq!(home.run("build-req").mark(), "staging");
    assert_eq!(home.run("launch-req").mark(), "launch");
}
