//! Which request is taken: the newest, or the newest of an app.

use super::dsl::{BULKER, GUID, Home, LISTENER, OTHER_GUID, STAGER, at, noise};

/// Lines without requests, of this many bytes at least.
fn noises(time: &str, bytes: usize) -> Vec<String> {
    let line = noise(time);
    vec![line.clone(); bytes / line.len() + 1]
}

#[test]
fn the_later_timestamp_wins_even_where_lines_stand_out_of_order() {
    let home = Home::staged(&[
        at("100.000000002", "late").staging(),
        noise("100.0"),
        at("100.000000001", "early").staging(),
        noise("200.0"),
    ]);
    assert_eq!(home.run("build-req").mark(), "late");
}

#[test]
fn lines_may_be_out_of_order_by_ten_seconds_or_by_a_megabyte() {
    let by_time = [vec![at("105.0", "late").staging()], noises("104.0", 2 << 20), vec![at("104.5", "early").staging()]];
    assert_eq!(Home::staged(&by_time.concat()).run("build-req").mark(), "late");
    let by_place =
        [vec![at("900.0", "late").staging()], noises("100.0", 1 << 19), vec![at("200.0", "early").staging()]];
    assert_eq!(Home::staged(&by_place.concat()).run("build-req").mark(), "late");
}

#[test]
fn nanoseconds_count() {
    let home = Home::staged(&[at("1466017043.123456789", "late").staging(), at("1466017043.123456788", "x").staging()]);
    assert_eq!(home.run("build-req").mark(), "late");
}

#[test]
fn both_forms_of_time_are_compared_with_each_other() {
    let new_form_later = [at("2016-06-15T18:57:23.5Z", "new").staging(), at("1466017043.400000000", "old").staging()];
    assert_eq!(Home::staged(&new_form_later).run("build-req").mark(), "new");
    let old_form_later = [at("1466017043.600000000", "old").staging(), at("2016-06-15T18:57:23.5Z", "new").staging()];
    assert_eq!(Home::staged(&old_form_later).run("build-req").mark(), "old");
}

#[test]
fn on_a_tie_the_later_line_wins() {
    let home = Home::staged(&[at("5.0", "first").staging(), at("5.0", "second").staging(), noise("6.0")]);
    assert_eq!(home.run("build-req").mark(), "second");
    assert_eq!(home.run("build-req node-env").mark(), "second");
    let piped = [at("5.0", "first").staging(), at("5.0", "second").staging()].join("\n");
    assert_eq!(home.run_fed("build-req --stager-log -", piped.as_bytes()).mark(), "second");
}

#[test]
fn a_line_without_a_time_is_older_than_any_other() {
    let home = Home::staged(&[at("5.0", "timed").staging(), at("soon", "untimed").staging()]);
    assert_eq!(home.run("build-req").mark(), "timed");
    assert_eq!(Home::staged(&[at("soon", "untimed").staging()]).run("build-req").mark(), "untimed");
}

#[test]
fn of_nsyncs_two_logs_the_later_line_wins() {
    let listener = [at("100.0", "listener").launch()];
    let later = Home::new().with(LISTENER, &listener).with(BULKER, &[at("100.000000001", "bulker").launch()]);
    assert_eq!(later.run("launch-req").mark(), "bulker");
    let earlier = Home::new().with(LISTENER, &listener).with(BULKER, &[at("99.0", "bulker").launch(), noise("300.0")]);
    assert_eq!(earlier.run("launch-req").mark(), "listener");
}

#[test]
fn an_app_is_known_by_name_guid_start_of_guid_process_guid_and_staging_guid() {
    let wanted = at("1.0", "wanted");
    let other = || at("2.0", "other").of("php-env", "5d886c4d-d5a1-5360-b935-9f8f15d451bd");
    let home = Home::new()
        .with(STAGER, &[wanted.staging(), other().staging()])
        .with(LISTENER, &[wanted.launch(), other().launch()]);
    for app in ["node-env", GUID, "18c50a86", "18c50a86-b045-5f", &wanted.staging_guid()] {
        assert_eq!(home.run(&format!("build-req {app}")).mark(), "wanted", "{app}");
    }
    for app in ["node-env", GUID, "18c50a86", &wanted.process_guid()] {
        assert_eq!(home.run(&format!("launch-req {app}")).mark(), "wanted", "{app}");
    }
    assert_eq!(home.run("build-req").mark(), "other");
    home.run("build-req 18c50a8")
        .failed(3, &["no staging request for app \"18c50a8\"", "the start of a guid needs 8 characters or more"]);
}

#[test]
fn of_one_app_the_newest_request_is_taken() {
    let home = Home::staged(&[
        at("3.0", "newest").staging(),
        at("1.0", "old").staging(),
        at("9.0", "others").of("php-env", OTHER_GUID).staging(),
    ]);
    assert_eq!(home.run(&format!("build-req {GUID}")).mark(), "newest");
    assert_eq!(home.run("build-req node-env").mark(), "newest");
}

#[test]
fn a_name_that_several_guids_bear_is_an_error_that_lists_them() {
    // The second bearer stands far behind the first, in the oldest file: a quick look would not see it.
    let home = Home::staged(&[noises("9.0", 2 << 20), vec![at("1466017043.0", "new").staging()]].concat())
        .with_gzip(&format!("{STAGER}.2.gz"), &[at("5.25", "old").of("node-env", OTHER_GUID).staging()]);
    home.run("build-req node-env").failed(
        3,
        &[
            "\"node-env\" means 2 apps",
            &format!("{GUID}  2016-06-15T18:57:23Z  space space of 18c50a86-b045"),
            &format!("{OTHER_GUID}  1970-01-01T00:00:05Z  space space of 18c50a86-1111"),
            "try: give the guid",
        ],
    );
    assert_eq!(home.run(&format!("build-req {OTHER_GUID}")).mark(), "old");
}

#[test]
fn a_start_that_several_guids_have_is_an_error_too() {
    let home = Home::staged(&[at("1.0", "a").staging(), at("2.0", "b").of("other", OTHER_GUID).staging()]);
    home.run("build-req 18c50a86").failed(3, &["\"18c50a86\" means 2 apps", GUID, OTHER_GUID]);
    assert_eq!(home.run("build-req 18c50a86-b").mark(), "a");
}

#[test]
fn a_search_for_an_app_goes_on_through_all_files_until_it_matches() {
    let noisy: Vec<String> =
        (0..20_000).map(|n| at(&format!("{n}.5"), "x").of("php-env", OTHER_GUID).staging()).collect();
    let home = Home::staged(&noisy).with_gzip(&format!("{STAGER}.1.gz"), &[at("0.5", "deep").staging()]);
    assert_eq!(home.run(&format!("build-req {GUID}")).mark(), "deep");
}

#[test]
fn an_app_that_is_called_like_anothers_guid_gets_none_of_its_requests() {
    let victim = at("1.0", "victim");
    let names = [GUID.to_owned(), "18c50a86".to_owned(), victim.process_guid(), victim.staging_guid()];
    for name in names {
        let thief = || at("9.0", "thief").of(&name, "5d886c4d-d5a1-5360-b935-9f8f15d451bd");
        let home = Home::new()
            .with(STAGER, &[victim.staging(), thief().staging()])
            .with(LISTENER, &[victim.launch(), thief().launch()]);
        let kind = if name == victim.process_guid() { "launch-req" } else { "build-req" };
        assert_eq!(home.run(&format!("{kind} {name}")).mark(), "victim", "{name}");
        assert_eq!(home.run(&format!("{kind} --app={name}")).mark(), "thief", "--app={name}");
        let listed = home.run(&format!("requests {name} --output json")).out;
        assert!(listed.contains(GUID) && !listed.contains("5d886c4d"), "{listed}");
    }
}

#[test]
fn a_name_that_looks_like_an_option_is_taken_behind_an_equals_sign() {
    let home = Home::staged(&[at("1.0", "odd").of("-rf", OTHER_GUID).staging(), at("2.0", "other").staging()]);
    assert_eq!(home.run("build-req --app=-rf").mark(), "odd");
    home.run("build-req node-env --app=-rf").failed(2, &["APP and --app cannot go together"]);
}

#[test]
fn the_way_out_of_an_ambiguity_works_whatever_the_apps_are_called() {
    let home = Home::staged(&[
        at("1.0", "a").of("twin", GUID).staging(),
        at("2.0", "b").of("twin", OTHER_GUID).staging(),
        at("3.0", "c").of(GUID, "5d886c4d-d5a1-5360-b935-9f8f15d451bd").staging(),
    ]);
    home.run("build-req twin").failed(3, &["\"twin\" means 2 apps", "try: give the guid"]);
    assert_eq!(home.run(&format!("build-req {GUID}")).mark(), "a");
}

#[test]
fn the_guid_of_an_app_without_such_a_request_is_not_another_apps_name() {
    for name in [GUID, "18c50a86", "18c50a86-b045"] {
        let thief = at("9.0", "thief").of(name, "5d886c4d-d5a1-5360-b935-9f8f15d451bd");
        let home = Home::new().with(STAGER, &[at("1.0", "victim").staging()]).with(LISTENER, &[thief.launch()]);
        home.run(&format!("launch-req {name}")).failed(3, &[&format!("no launch request for app \"{name}\"")]);
        assert_eq!(home.run(&format!("launch-req --app={name}")).mark(), "thief", "{name}");
    }
    let dated = Home::staged(&[at("1.0", "dated").of("20260101", OTHER_GUID).staging()]);
    assert_eq!(dated.run("build-req 20260101").mark(), "dated", "it begins nobody's guid");
}
