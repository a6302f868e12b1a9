//! Where requests are looked for.

use super::dsl::{GUID, Home, LISTENER, STAGER, at, gzip, noise};

const LIVE: &str = "stager.stdout.log";

#[test]
fn run_logs_is_taken_only_where_run_log_is_not_there() {
    let under_logs = STAGER.replace(".run/log/", ".run/logs/");
    let home = Home::new().with(&under_logs, &[at("2.0", "logs").staging()]);
    assert_eq!(home.run("build-req").mark(), "logs");
    let home = home.with(STAGER, &[at("1.0", "log").staging()]);
    assert_eq!(home.run("build-req").mark(), "log");
}

#[test]
fn a_folder_may_hold_the_logs_directly() {
    let home = Home::new()
        .with("flat/stager.stdout.log", &[at("1.0", "stager").staging()])
        .with("flat/nsync_bulker.stdout.log", &[at("1.0", "bulker").launch()]);
    assert_eq!(home.run("build-req --logs flat").mark(), "stager");
    assert_eq!(home.run("launch-req --logs=flat").mark(), "bulker");
}

#[test]
fn the_components_own_folder_goes_before_the_same_name_beside_it() {
    let home = Home::new()
        .with("l/stager.stdout.log", &[at("9.0", "beside").staging()])
        .with("l/diego-cc-bridge/stager/stager.stdout.log", &[at("1.0", "own").staging()]);
    assert_eq!(home.run("build-req --logs l").mark(), "own");
}

#[test]
fn a_named_file_stands_for_its_component() {
    let home = Home::staged(&[at("9.0", "default").staging()])
        .with(LISTENER, &[at("9.0", "default").launch()])
        .with("s", &[at("1.0", "named").staging()])
        .with("n", &[at("1.0", "named").launch()]);
    assert_eq!(home.run("build-req --stager-log s --nsync-log n").mark(), "named");
    assert_eq!(home.run("launch-req --stager-log s --nsync-log n").mark(), "named");
    assert_eq!(home.run("launch-req --stager-log s --logs .run/log").mark(), "default");
}

#[test]
fn a_file_named_for_the_other_component_alone_is_searched_instead_of_the_default() {
    let both = [at("1.0", "staging").staging(), at("1.0", "launch").launch()];
    let home = Home::staged(&[at("9.0", "default").staging()]).with("merged.log", &both);
    assert_eq!(home.run("build-req --nsync-log merged.log").mark(), "staging");
    assert_eq!(home.run("launch-req --stager-log merged.log").mark(), "launch");
}

#[test]
fn standard_input_may_be_either_kind_of_log_compressed_or_not() {
    let home = Home::new();
    let lines = [at("1.0", "old").staging(), at("2.0", "new").staging(), at("2.0", "launch").launch(), noise("3.0")];
    let log = lines.join("\n").into_bytes();
    assert_eq!(home.run_fed("build-req --stager-log -", &log).mark(), "new");
    assert_eq!(home.run_fed("build-req --nsync-log -", &log).mark(), "new");
    assert_eq!(home.run_fed("launch-req --nsync-log -", &log).mark(), "launch");
    assert_eq!(home.run_fed("launch-req --nsync-log -", &gzip(&log)).mark(), "launch");
    assert_eq!(home.run_fed(&format!("build-req {GUID} --stager-log -"), &log).mark(), "new");
}

#[test]
fn rotated_neighbours_are_searched_after_the_live_file_the_newest_first() {
    let wanted = |mark: &str| [at("7.0", mark).staging()];
    let others = [noise("8.0")];
    let home = Home::staged(&others)
        .with(&format!("{STAGER}.1"), &others)
        .with_gzip(&format!("{STAGER}.2.gz"), &others)
        .with_gzip(&format!("{STAGER}.10.gz"), &wanted("ten"));
    assert_eq!(home.run("build-req").mark(), "ten");
    let home = home.with(&format!("{STAGER}.3"), &wanted("three"));
    assert_eq!(home.run("build-req").mark(), "three", "a tie goes to the younger file");
}

#[test]
fn neighbours_with_a_date_are_found_and_the_live_file_may_be_missing() {
    let home = Home::new()
        .with_gzip(&format!("{STAGER}-20160614.gz"), &[at("4.0", "fourteenth").staging()])
        .with_gzip(&format!("{STAGER}-20160615.gz"), &[at("4.0", "fifteenth").staging()]);
    assert_eq!(home.run("build-req").mark(), "fifteenth");
}

#[test]
fn a_named_file_has_neighbours_too() {
    let home = Home::new().with("x/s.log", &[noise("1.0")]).with("x/s.log.1", &[at("0.5", "rotated").staging()]);
    assert_eq!(home.run("build-req --stager-log x/s.log").mark(), "rotated");
}

#[test]
fn a_later_time_in_a_rotated_file_beside_a_small_live_one_wins() {
    let home =
        Home::staged(&[at("1.0", "live").staging()]).with(&format!("{STAGER}.1"), &[at("2.0", "rotated").staging()]);
    assert_eq!(home.run("build-req").mark(), "rotated");
}

#[test]
fn backups_beside_the_log_are_not_searched() {
    let home = Home::staged(&[at("1.0", "live").staging()])
        .with(&format!("{STAGER}.bak"), &[at("2.0", "backup").staging()])
        .with(&format!("{STAGER}~"), &[at("2.0", "backup").staging()]);
    assert_eq!(home.run("build-req").mark(), "live");
}

#[test]
fn a_damaged_neighbour_is_said_and_hides_nothing() {
    let mut packed = gzip((at("2.0", "before").staging() + "\n" + &noise("3.0").repeat(5000)).as_bytes());
    packed.truncate(packed.len() - 20);
    let home = Home::staged(&[noise("9.0")])
        .with_bytes(&format!("{STAGER}.1.gz"), &packed)
        .with(&format!("{STAGER}.2"), &[at("1.0", "older").staging()]);
    let said = home.run("build-req node-env");
    assert!(said.code == 0 && said.out.contains("\"before\""), "{said:?}");
    assert!(
        said.err.starts_with("warning: ") && said.err.contains(&format!("{LIVE}.1.gz: read in part only")),
        "{said:?}"
    );
}

#[test]
fn a_neighbour_that_cannot_be_opened_is_said() {
    let home = Home::staged(&[at("1.0", "live").staging()]);
    std::os::unix::fs::symlink("nowhere", home.path(&format!("{STAGER}.1"))).unwrap();
    let said = home.run("build-req node-env");
    assert!(said.code == 0 && said.out.contains("live"), "{said:?}");
    assert!(said.err.contains(&format!("{LIVE}.1: not read: No such file")), "{said:?}");
}
