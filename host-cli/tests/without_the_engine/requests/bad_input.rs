//! What is said when there is nothing to find, and with which exit code.

use super::dsl::{Home, LISTENER, STAGER, at, noise};
use std::process::Stdio;

#[test]
fn no_logs_at_all_is_said_with_where_was_looked() {
    let home = Home::new();
    let (log, logs) = (home.path(".run/log").display().to_string(), home.path(".run/logs").display().to_string());
    for (command, who) in [
        ("build-req", "CF's stager component"),
        ("launch-req x", "nsync"),
        ("requests", "CF's stager component or nsync"),
    ] {
        home.run(command)
            .failed(3, &[&format!("found no log of {who} in {log} or {logs}"), "name the folder with --logs"]);
    }
    home.run("build-req --logs elsewhere").failed(3, &["found no log of CF's stager component in elsewhere"]);
}

#[test]
fn a_log_without_requests_leads_to_the_patches() {
    for lines in [vec![], vec![noise("1.0")]] {
        let home = Home::staged(&lines).with(LISTENER, &lines);
        let log = home.path(STAGER).display().to_string();
        let patch = "only with the patch in examples/patches";
        home.run("build-req").failed(3, &["no staging request in", &log, patch, "none for a docker app"]);
        home.run("build-req node-env").failed(3, &["no staging request in"]);
        home.run("launch-cmd").failed(3, &["no launch request in", "nsync logs its requests", patch]);
        home.run("requests").failed(3, &["no request in", patch]);
        home.run("requests --output json").failed(3, &["no request in", patch]);
    }
}

#[test]
fn empty_standard_input_is_a_log_without_requests() {
    Home::new().run("build-req --stager-log -").failed(3, &["no staging request in standard input"]);
}

#[test]
fn an_unknown_app_leads_to_the_nearest_ones() {
    let named = |name: &str, n: u32| at("1.0", "x").of(name, &format!("{n:08}-d5a1-5360-b935-9f8f15d451bd")).staging();
    let home = Home::staged(&[
        named("php-env", 1),
        named("dora", 2),
        named("node-env", 3),
        named("nodejs", 4),
        named("zz", 5),
    ]);
    home.run("build-req node-evn").failed(
        3,
        &["no staging request for app \"node-evn\"; did you mean \"node-env\"?", "try: `host-cli requests` lists all"],
    );
    let said = home.run("build-req ruby");
    said.failed(3, &["no staging request for app \"ruby\"\n"]);
    home.run("build-req 00000").failed(3, &["the start of a guid needs 8 characters or more"]);
}

#[test]
fn a_launch_request_that_is_missing_leads_to_a_new_version() {
    let home = Home::new().with(LISTENER, &[at("1.0", "x").launch()]);
    home.run("launch-req dora")
        .failed(3, &["no launch request for app \"dora\"", "only for a new version", "cf restage"]);
}

#[test]
fn a_name_from_the_command_line_or_the_log_cannot_move_the_cursor() {
    let home = Home::staged(&[at("1.0", "x").of("evil\u{1b}[2J", "5d886c4d-d5a1-5360-b935-9f8f15d451bd").staging()]);
    let said = home.run("build-req evul\u{1b}[2J");
    said.failed(3, &["evil\\u{1b}[2J"]);
    assert!(!said.err.contains('\u{1b}'), "{said:?}");
}

#[test]
fn a_named_file_that_is_not_there_is_said() {
    let home = Home::new();
    home.run("build-req --stager-log gone.log").failed(3, &["cannot read gone.log: No such file"]);
    home.run("build-req --stager-log /").failed(3, &["cannot read /: is a directory"]);
}

#[test]
fn without_a_home_the_folder_must_be_named() {
    let home = Home::staged(&[at("1.0", "x").staging()]);
    let ended = home.command("build-req").env_remove("HOME").stdout(Stdio::null()).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        ended.status.code() == Some(3) && said.contains("HOME is not set") && said.contains("--logs DIR"),
        "{said}"
    );
}

#[test]
fn a_wrong_command_line_ends_with_2_and_leads_to_the_help() {
    let home = Home::new();
    home.run("").failed(2, &["error: `host-cli` needs a command", "try: `host-cli --help` lists the commands"]);
    home.run("build-req --colour").failed(2, &["error: unknown option --colour", "try: `host-cli build-req --help`"]);
    home.run("build-req --log x").failed(2, &["unknown option --log; did you mean --logs?"]);
    home.run("build-req a b").failed(2, &["unexpected argument \"b\""]);
    home.run("requests --output=yaml").failed(2, &["--output yaml: choose table or json"]);
    home.run("dance").failed(2, &["unknown command \"dance\""]);
    home.run("build-req -- --no-upload").failed(3, &["found no log of CF's stager component"]);
}

#[test]
fn help_and_version_are_no_failures() {
    let home = Home::new();
    assert_eq!(home.run("--version").printed(), concat!("host-cli ", env!("CARGO_PKG_VERSION")));
    assert_eq!(home.run("build-req -V").printed(), concat!("host-cli ", env!("CARGO_PKG_VERSION")));
    assert!(home.run("--help").printed().contains("launch-req"));
    assert!(home.run("build-req -h").printed().contains("--stager-log"));
}
