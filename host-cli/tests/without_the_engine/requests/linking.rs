//! `link`: the original's commands work word for word.

use super::dsl::{Home, Said, recorded};
use std::fs;
use std::os::unix::fs::symlink;

const NAMES: [&str; 7] = ["build_cmd", "build_req", "cache-up", "launch", "launch_cmd", "launch_req", "restage"];

fn names(home: &Home, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(home.path(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn with_folder() -> Home {
    let home = Home::new();
    fs::create_dir(home.path("bin")).unwrap();
    home
}

#[test]
fn a_link_is_the_command_of_its_name() {
    let home = with_folder();
    assert_eq!(home.run("link bin").printed().lines().count(), NAMES.len());
    assert_eq!(names(&home, "bin"), NAMES);
    let logs = recorded("2016");
    for (name, same_as) in [
        ("build_req", "build-req"),
        ("launch_req", "launch-req"),
        ("build_cmd", "build-cmd"),
        ("launch_cmd", "launch-cmd"),
    ] {
        let arguments = format!("node-env --logs {}", logs.display());
        let linked = home.command_called(&home.path("bin").join(name), &arguments).output().unwrap();
        assert_eq!(Said::of(linked).printed(), home.run(&format!("{same_as} {arguments}")).printed());
    }
    for (name, option) in [("restage", "--stager-image"), ("launch", "--process"), ("cache-up", "--bake")] {
        let help = home.command_called(&home.path("bin").join(name), "--help").output().unwrap();
        assert!(Said::of(help).printed().contains(option), "{name}");
    }
}

#[test]
fn links_may_be_made_again_and_an_earlier_versions_are_replaced() {
    let home = with_folder();
    symlink("/opt/stager-0.0.9/host-cli", home.path("bin/build_req")).unwrap();
    home.run("link bin").printed();
    home.run("link bin").printed();
    assert_eq!(names(&home, "bin"), NAMES);
    let target = fs::read_link(home.path("bin/build_req")).unwrap();
    assert_eq!(target, fs::canonicalize(env!("CARGO_BIN_EXE_host-cli")).unwrap());
}

#[test]
fn a_file_of_somebody_elses_is_not_replaced_and_no_link_is_made() {
    for foreign in ["file", "link"] {
        let home = with_folder();
        match foreign {
            "file" => fs::write(home.path("bin/restage"), "mine").unwrap(),
            _ => symlink("/usr/bin/env", home.path("bin/restage")).unwrap(),
        }
        home.run("link bin").failed(2, &["bin/restage exists and is not a link to host-cli", "no link is made"]);
        assert_eq!(names(&home, "bin"), ["restage"]);
    }
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let home = Home::new();
    home.run("link nowhere").failed(2, &["there is no folder nowhere"]);
    assert!(!home.path("nowhere").exists());
}
