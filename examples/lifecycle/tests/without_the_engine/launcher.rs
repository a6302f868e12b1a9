//! The example launcher as a process: which command it starts, and with what environment.

use crate::world::{World, stderr, stdout};

fn home(era: &str) -> World {
    let world = World::of(era);
    world
        .file("home/app/.profile.d/a.sh", "export FROM_PROFILE_D=1")
        .file("home/app/.profile", "export FROM_PROFILE=1");
    world.file("home/staging_info.yml", "{\"detected_buildpack\":\"\",\"start_command\":\"echo noted\"}\n");
    world
}

#[test]
fn the_app_runs_in_its_directory_with_the_profile_scripts_sourced() {
    let world = home("2017");
    let command =
        "pwd; echo $0 $#; echo $HOME $TMPDIR $DEPS_DIR $FROM_PROFILE_D$FROM_PROFILE; echo \"$VCAP_APPLICATION\"";
    let output = world
        .launcher()
        .args(["app", command, ""])
        .envs([("VCAP_APPLICATION", "{\"name\":\"a\",\"b\":1.0}"), ("PORT", "8080"), ("INSTANCE_INDEX", "0")])
        .output()
        .unwrap();
    let home = world.path("home").canonicalize().unwrap();
    let home = home.display();
    assert_eq!(
        stdout(&output),
        format!(
            "{home}/app\nbash 0\n{home}/app {home}/tmp {home}/deps 11\n{{\"b\":1,\"host\":\"0.0.0.0\",\"instance_id\":\"\",\"instance_index\":0,\"name\":\"a\",\"port\":8080}}\n"
        )
    );
}

#[test]
fn each_era_sources_what_it_knew() {
    for (era, expected) in [
        ("2016", "1  none\n"),
        ("2017", "1 1 deps\n"),
        ("2026", "Invoking pre-start scripts.\nInvoking start command.\n1 1 deps pre\n"),
    ] {
        let world = home(era);
        world.file("home/profile.d/b.sh", "PRE=\" pre\"; export PRE");
        let command = "echo \"$FROM_PROFILE_D $FROM_PROFILE ${DEPS_DIR:+deps}${DEPS_DIR-none}$PRE\" | sed \"s|$HOME/../deps||; s|deps/[^ ]*|deps|\"";
        let output = world.launcher().args(["app", command, ""]).output().unwrap();
        assert_eq!(stdout(&output), expected, "{era}: {}", stderr(&output));
    }
}

#[test]
fn an_empty_start_command_is_the_noted_one_and_the_apps_exit_code_counts() {
    let world = home("2017");
    let output = world.launcher().args(["app", "", ""]).output().unwrap();
    assert_eq!(stdout(&output), "noted\n");
    assert_eq!(world.launcher().args(["app", "exit 42", ""]).status().unwrap().code(), Some(42));
    world.file("home/app/.profile.d/z.sh", "exit 43");
    assert_eq!(world.launcher().args(["app", "true", ""]).status().unwrap().code(), Some(43));
}

#[test]
fn the_apps_process_takes_the_launchers_place() {
    let world = home("2017");
    let child = world.launcher().args(["app", "echo $$; exec true", ""]).stdout(std::process::Stdio::piped()).spawn();
    let child = child.unwrap();
    let pid = child.id();
    assert_eq!(stdout(&child.wait_with_output().unwrap()), format!("{pid}\n"));
}

#[test]
fn what_cannot_be_launched_ends_with_1_and_a_reason() {
    let world = home("2017");
    let program = world.path("lifecycle/launcher");
    let program = program.display();
    let output = world.launcher().args(["app", "true"]).output().unwrap();
    assert_eq!(
        stderr(&output),
        format!("{program}: received only 2 arguments\nUsage: {program} <app-directory> <start-command> <metadata>")
    );
    assert_eq!(output.status.code(), Some(1));

    world.file("home/staging_info.yml", "start_command: [");
    let output = world.launcher().args(["app", "", ""]).output().unwrap();
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("Invalid staging info - invalid YAML", Some(1)));

    std::fs::remove_file(world.path("home/staging_info.yml")).unwrap();
    let output = world.launcher().args(["app", "", ""]).output().unwrap();
    assert_eq!(stderr(&output), format!("{program}: no start command specified or detected in droplet"));
}
