//! `requests`: the list of what the logs hold.

use super::dsl::{Home, LISTENER, OTHER_GUID, at, line, recorded};
use serde_json::{Value, json};

fn rows(home: &Home, arguments: &str) -> Vec<Value> {
    serde_json::from_str(home.run(&format!("requests --output json {arguments}")).printed()).unwrap()
}

fn recorded_rows(year: &str) -> Vec<Value> {
    rows(&Home::new(), &format!("--logs {}", recorded(year).display()))
}

#[test]
fn json_says_what_is_known_of_each_request_the_newest_first() {
    let rows = recorded_rows("2016");
    let apps: Vec<String> = rows.iter().map(|row| format!("{} {}", row["kind"], row["app"]).replace('"', "")).collect();
    let expected = [
        "launch node-env",
        "launch cached-node",
        "launch forced-node",
        "launch node-env",
        "staging cached-node",
        "staging forced-node",
        "staging node-env",
    ];
    assert_eq!(apps, expected);
    let staging = &rows[6];
    assert_eq!(staging["time"], "2026-11-22T14:54:19.732150555Z");
    assert_eq!(staging["space"], "myspace");
    assert_eq!(staging["guid"], "18c50a86-b045-5fed-bae9-e6ea03383693");
    assert_eq!(staging["staging_guid"], "18c50a86-b045-5fed-bae9-e6ea03383693-9113e5012ad4561eb4e2fed4a292a667");
    assert_eq!((&staging["process_guid"], &staging["start_command"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&staging["buildpacks"][3], staging["buildpacks"].as_array().unwrap().len()),
        (&json!("nodejs_buildpack"), 9)
    );
    assert_eq!((&staging["expires"], &staging["expired"]), (&json!("2016-06-15T18:57:23Z"), &json!(true)));
    assert_eq!(rows[2]["start_command"], "");
    assert!(rows.iter().all(|row| row.as_object().unwrap().len() == 17), "every key is always there");
}

#[test]
fn a_table_shows_the_same_for_people() {
    let said = Home::new().run(&format!("requests --show --logs {}", recorded("2016").display()));
    let lines: Vec<&str> = said.printed().lines().collect();
    assert!(
        lines[0].starts_with("USED  TIME ") && lines[0].ends_with("LIFECYCLE  BUILDPACKS, IMAGE OR START COMMAND"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].contains("launch web  node-env ") && lines[1].ends_with("node server.js --second-push"),
        "{}",
        lines[1]
    );
    assert!(
        lines[7].contains("expired ") && lines[7].contains(" d ago  buildpack  staticfile_buildpack java_"),
        "{}",
        lines[7]
    );
    assert_eq!(lines.len(), 8);
}

#[test]
fn a_start_command_which_may_hold_a_password_is_shown_on_request_only() {
    let logs = format!("--logs {}", recorded("2016").display());
    let shown = |words: &str| Home::new().run(&format!("requests {logs} {words}")).printed().to_owned();
    for hidden in [shown(""), shown("--output json")] {
        assert!(!hidden.contains("--second-push"), "{hidden}");
    }
    assert!(shown("").contains("(hidden; --show)"));
    assert!(shown("--show --output json").contains("node server.js --second-push"));
    let row = &recorded_rows("2016")[0];
    assert_eq!((&row["start_command"], &row["start_command_hidden"]), (&Value::Null, &json!(true)));
}

#[test]
fn a_signature_that_lives_is_told_from_a_dead_one() {
    let dying = |expires: u64| {
        json!({"taskDefinition": {"cached_dependencies": [
        {"from": "https://b/k?md5=x&expires=99999999999"}, {"from": format!("https://b/k?md5=x&expires={expires}")}]}})
    };
    let home = Home::staged(&[line("1.0", &dying(1_466_017_043)), line("2.0", &dying(32_503_680_000))]);
    let rows = rows(&home, "");
    assert_eq!((&rows[0]["expired"], &rows[0]["expires"]), (&json!(false), &json!("3000-01-01T00:00:00Z")));
    assert_eq!((&rows[1]["expired"], &rows[1]["expires"]), (&json!(true), &json!("2016-06-15T18:57:23Z")));
    let table = home.run("requests");
    assert!(table.printed().lines().nth(1).unwrap().contains("valid 3"), "{table:?}");
    assert!(table.printed().lines().nth(2).unwrap().contains("expired 3"), "{table:?}");
}

#[test]
fn the_request_that_commands_use_is_marked_and_earlier_ones_are_not() {
    let home = Home::staged(&[at("1.0", "old").staging(), at("2.0", "new").staging()])
        .with(LISTENER, &[at("3.0", "same").launch(), at("4.0", "same").launch()]);
    let used = rows(&home, "").iter().map(|row| row["used"] == true).collect::<Vec<_>>();
    assert_eq!(used, [true, false, true, false]);
    assert_eq!(home.run("build-req").mark(), "new");
    let lines: Vec<bool> = home.run("requests").printed().lines().skip(1).map(|line| line.starts_with('*')).collect();
    assert_eq!(lines, used);
}

#[test]
fn a_request_without_signed_urls_neither_lives_nor_dies() {
    let rows = rows(&Home::staged(&[at("1.0", "a").staging()]), "");
    assert_eq!((&rows[0]["expires"], &rows[0]["expired"]), (&Value::Null, &Value::Null));
}

#[test]
fn an_app_filters_the_list_and_all_apps_of_its_name_are_in_it() {
    let home = Home::staged(&[
        at("1.0", "a").staging(),
        at("2.0", "b").of("node-env", OTHER_GUID).staging(),
        at("3.0", "c").of("php-env", "5d886c4d-d5a1-5360-b935-9f8f15d451bd").staging(),
    ])
    .with(LISTENER, &[at("4.0", "d").launch()]);
    let used = rows(&home, "").iter().map(|row| row["used"] == true).collect::<Vec<_>>();
    assert_eq!(used, [true, true, true, true], "the newest of each app and kind");
    let kinds = |app: &str| rows(&home, app).iter().map(|row| row["kind"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds("node-env"), ["launch", "staging", "staging"]);
    assert_eq!(kinds("5d886c4d"), ["staging"]);
    home.run("requests nod-env").failed(3, &["no request for app \"nod-env\"; did you mean \"node-env\"?"]);
}

#[test]
fn no_secret_of_a_request_is_listed() {
    for year in ["2016", "2017", "2026"] {
        for output in ["table", "json"] {
            let said = Home::new().run(&format!("requests --output {output} --logs {}", recorded(year).display()));
            for secret in ["md5=", "s3cret", "upload_user", "up%252Fpw", "VCAP_SERVICES", "FIXTURE-NOT-A-KEY"] {
                assert!(!said.printed().contains(secret), "{secret} is in {said:?}");
            }
        }
    }
}

#[test]
fn nothing_in_a_table_moves_the_cursor() {
    let name = "evil\u{1b}[2J\u{7}\r\u{202e}name";
    let said = Home::staged(&[at("1.0", "a").of(name, OTHER_GUID).staging()]).run("requests");
    assert!(said.printed().chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
    assert!(said.printed().contains("evil\\u{1b}[2J\\u{7}\\r\\u{202e}name"), "{said:?}");
}
