//! `--from`: requests in any form, from any number of places.

use super::dsl::{GUID, Home, LISTENER, Said, at, gzip, recorded};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const SHOP: &str = "c0ffee00-1111-4222-8333-444455556666";

/// The inputs of a problem that somebody had.
fn case(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(path)
}

fn cfdot(file: &str) -> PathBuf {
    recorded("cfdot").join(file)
}

fn run(arguments: &str) -> Said {
    Home::new().run(arguments)
}

fn rows(arguments: &str) -> Vec<Value> {
    serde_json::from_str(run(&format!("requests --output json {arguments}")).printed()).unwrap()
}

/// A row in a line: kind, process, lifecycle, app, what it brings.
fn line(row: &Value) -> String {
    let word = |key: &str| row[key].as_str().unwrap_or("—").to_owned();
    let buildpacks: Vec<&str> =
        row["buildpacks"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let words = ["kind", "process", "lifecycle", "app", "image"].map(word).join(" ");
    format!("{words} [{}] {}", buildpacks.join(", "), if row["used"] == true { "used" } else { "" })
        .trim_end()
        .to_owned()
}

/// The document that a line of a recording holds, by the guid that is in it.
fn recorded_document(file: &str, guid: &str) -> Value {
    let text = fs::read_to_string(cfdot(file)).unwrap();
    serde_json::from_str(text.lines().find(|line| line.contains(guid)).unwrap()).unwrap()
}

#[test]
fn what_cfdot_prints_is_listed_with_what_each_request_brings() {
    let lines =
        |file: &str| -> Vec<String> { rows(&format!("--from {}", cfdot(file).display())).iter().map(line).collect() };
    let tasks = [
        "task — docker reports registry.example.com:5000/acme/reports:2.3 []",
        "task — cnb site — []",
        "task — buildpack orders-api — []",
        "task — buildpack orders-api — []",
        "staging — docker cache redis:7 [] used",
        "staging — docker reports registry.example.com:5000/acme/reports:2.3 [] used",
        "staging — cnb site — [docker://registry.example.com/cnb/nodejs:7.4] used",
        "staging — cnb site — [docker://registry.example.com/cnb/nodejs:7.4, docker://mirror.example.com/cnb/nginx]",
        "staging — buildpack nightly — [staticfile_buildpack, java_buildpack, ruby_buildpack, dotnet_core_buildpack, \
         nodejs_buildpack, go_buildpack, python_buildpack, php_buildpack, nginx_buildpack, r_buildpack, binary_buildpack] used",
        "staging — buildpack ledger — [java_buildpack] used",
        "staging — buildpack orders-api — [nodejs_buildpack, https://***@git.example.com/buildpacks/apm-buildpack.git#***, \
         python_buildpack] used",
        "staging — buildpack orders-api — [nodejs_buildpack, https://***@git.example.com/buildpacks/apm-buildpack.git#***, \
         python_buildpack]",
    ];
    assert_eq!(lines("cfdot-tasks.jsonl"), tasks);
    assert_eq!(lines("cfdot-task-events.jsonl"), tasks, "one task in several events is one");
    let lrps = [
        "launch worker buildpack nightly — [] used",
        "launch web docker cache redis@sha256:34fb46c847bb9df96e5205a39d382f648a6e8dce1e014cd85b4ca6a88d88ed03 [] used",
        "launch web docker reports registry.example.com:5000/acme/reports:2.3 [] used",
        "launch web cnb site — [] used",
        "launch web buildpack invoices — [] used",
        "launch web buildpack ledger — [] used",
        "launch web buildpack orders-api — [] used",
    ];
    assert_eq!(lines("cfdot-desired-lrps.jsonl"), lrps);
    let of_events = lines("cfdot-lrp-events.jsonl");
    assert_eq!(of_events.iter().filter(|line| line.contains("orders-api")).count(), 2, "two versions: {of_events:#?}");
}

#[test]
fn no_secret_of_a_recording_is_listed() {
    for file in ["cfdot-tasks.jsonl", "cfdot-task-events.jsonl", "cfdot-desired-lrps.jsonl", "cfdot-lrp-events.jsonl"] {
        for form in ["table", "json"] {
            let said = run(&format!("requests --output {form} --from {}", cfdot(file).display()));
            assert!(!said.printed().contains("not-a-secret"), "{file} {form}");
        }
    }
}

#[test]
fn a_request_of_cfdot_is_printed_byte_for_byte() {
    let orders = "d21df6e3-7332-478b-a03e-f2223ffe349e";
    let lrps = fs::read_to_string(cfdot("cfdot-desired-lrps.jsonl")).unwrap();
    let said = run(&format!("launch-req orders-api --from {}", cfdot("cfdot-desired-lrps.jsonl").display()));
    assert_eq!(said.printed(), lrps.lines().find(|line| line.contains(orders)).unwrap());
    let newest = run(&format!("build-req orders-api --from {}", cfdot("cfdot-task-events.jsonl").display()));
    let task: Value = serde_json::from_str(newest.printed()).unwrap();
    assert_eq!(task["task_guid"], "862992f4-29de-4ebc-ac70-83e64b27c603");
    let by_guid =
        run(&format!("build-req 47f14ca6-4535-4346-a325-4d80a99f1d84 --from {}", cfdot("cfdot-tasks.jsonl").display()));
    assert!(by_guid.printed().contains("mirror.example.com/cnb/nginx"));
}

#[test]
fn a_task_of_cf_run_task_is_never_taken_for_a_staging() {
    let tasks: Vec<String> =
        fs::read_to_string(cfdot("cfdot-tasks.jsonl")).unwrap().lines().map(str::to_owned).collect();
    let plain: Vec<String> = tasks.into_iter().filter(|task| task.contains(r#""domain":"cf-tasks""#)).collect();
    let home = Home::new().with("tasks", &plain);
    assert_eq!(plain.len(), 4);
    home.run("build-req --from tasks").failed(3, &["no staging request in tasks", "`cfdot task-events`"]);
    home.run("build-req orders-api --from tasks").failed(3, &["no staging request"]);
    home.run("cache-up --all --from tasks").failed(3, &["no staging request"]);
}

#[test]
fn every_form_is_taken_from_standard_input_from_files_and_from_folders_in_any_order() {
    let staging = recorded_document("cfdot-tasks.jsonl", "5ba48200-ffd1-4bdb-ab45-ca4433b90d9a");
    let spread = serde_json::to_string_pretty(&staging).unwrap();
    let event = json!({"type": "task_changed", "data": {"before": staging, "after": staging}});
    let lrp = recorded_document("cfdot-desired-lrps.jsonl", "4b39d3d1-e5c7-4c96-a45c-a643c06a4645");
    let mut bare = staging.clone();
    for key in ["task_guid", "domain", "created_at", "updated_at", "first_completed_at", "state", "cell_id", "result"] {
        bare.as_object_mut().unwrap().remove(key);
    }
    for text in [
        staging.to_string(),
        spread.clone(),
        event.to_string(),
        serde_json::to_string_pretty(&event).unwrap(),
        bare.to_string(),
        serde_json::to_string_pretty(&bare).unwrap(),
        json!([lrp, staging]).to_string(),
        serde_json::to_string_pretty(&json!([staging, lrp])).unwrap(),
        format!("\u{feff}{staging}\r\n"),
        format!("noise\n{spread}\r\n{lrp}\nnoise"),
        format!("{}\n", at("1.0", "logged").staging()) + &spread,
    ] {
        let home = Home::new().with_bytes("in/deep/x", text.as_bytes()).with_bytes("in/y.gz", &gzip(b"nothing"));
        let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for said in [
            home.run("build-req ledger --from in/deep/x"),
            home.run("build-req ledger --from in"),
            home.run_fed("build-req ledger --from -", text.as_bytes()),
            home.run_fed("build-req ledger --from -", &gzip(text.as_bytes())),
            home.run_fed("build-req ledger --from -", &utf16),
            home.run_fed("build-req ledger --from in/y.gz --from -", text.as_bytes()),
        ] {
            let found: Value = serde_json::from_str(said.printed()).unwrap();
            assert_eq!(found["log_guid"], staging["log_guid"], "{text}");
        }
    }
}

#[test]
fn what_collectors_put_around_a_line_makes_no_difference() {
    let expected =
        run(&format!("build-req --from {}", case("prefixed-log-lines/crlf.log").display())).printed().to_owned();
    assert!(expected.contains(SHOP));
    for entry in fs::read_dir(case("prefixed-log-lines")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "log") {
            for option in ["--from", "--stager-log"] {
                for app in ["", "shop", SHOP] {
                    let said = run(&format!("build-req {app} {option} {}", file.display()));
                    assert_eq!(said.printed(), expected, "{option} {} {app}", file.display());
                }
            }
        }
    }
}

#[test]
fn what_docker_cut_into_pieces_is_put_together() {
    for (file, bytes) in [("short.log", 900), ("long.log", 40_000)] {
        let said = run(&format!("build-req shop --from {}", case(&format!("docker-json-log/{file}")).display()));
        let task: Value = serde_json::from_str(said.printed()).unwrap();
        assert!(task["log_guid"] == SHOP && said.out.len() > bytes, "{file}: {}", said.out.len());
    }
}

#[test]
fn an_object_over_many_lines_may_stand_behind_what_bosh_puts_in_front() {
    let lrp = recorded_document("cfdot-desired-lrps.jsonl", "4b39d3d1-e5c7-4c96-a45c-a643c06a4645");
    let spread = serde_json::to_string_pretty(&lrp).unwrap();
    for prefix in ["diego-api/0a1b: stdout | ", "2026-11-28T20:00:00.1Z ", "2026-11-28T20:00:00.1Z stdout F "] {
        let lines: Vec<String> = spread.lines().map(|line| format!("{prefix}{line}")).collect();
        let said = Home::new().with("lrps", &lines).run("launch-req site --from lrps");
        assert_eq!(serde_json::from_str::<Value>(said.printed()).unwrap(), lrp, "{prefix}");
    }
}

#[test]
fn the_folders_of_a_bosh_machine_and_the_archive_of_bosh_logs_are_known() {
    let folder = case("bosh-log-folders");
    let archive = folder.join("cc-bridge.0.20261128.tgz");
    for place in [folder.clone(), folder.join("sys/log"), archive.clone()] {
        for (option, command) in [("--logs", "build-req"), ("--logs", "launch-req"), ("--from", "build-req")] {
            let said = run(&format!("{command} {SHOP} {option} {}", place.display()));
            assert!(said.printed().contains(SHOP), "{command} {option} {}", place.display());
        }
    }
    let both = rows(&format!("--logs {}", archive.display()));
    assert_eq!(both.iter().map(|row| row["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["launch", "staging"]);
}

/// A text as a file, as a large file, from standard input, from a pipe, and in an archive: what `arguments` prints of it.
fn by_every_way(text: &str, arguments: &str) -> [String; 5] {
    let noise = "noise noise noise noise noise noise noise\n".repeat(3 << 15);
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(text.len() as u64);
    archive.append_data(&mut header, "sys/log/x", text.as_bytes()).unwrap();
    let home = Home::new()
        .with_bytes("file", text.as_bytes())
        .with_bytes("large", format!("{noise}{text}\n{}", &noise[..1 << 18]).as_bytes())
        .with_bytes("tgz", &gzip(&archive.into_inner().unwrap()));
    let fed = home.run_fed(&format!("{arguments} --from -"), text.as_bytes());
    let named = |place: &str| home.run(&format!("{arguments} --from {place}"));
    let pipe = home.run_fed(&format!("{arguments} --from /dev/fd/0"), text.as_bytes());
    [named("file"), named("large"), fed, pipe, named("tgz")].map(|said| {
        assert!(said.code == 0, "{arguments}: {said:?}\n{}", &text[..text.len().min(300)]);
        said.out
    })
}

#[test]
fn in_whatever_place_and_wrapping_a_request_stands_it_is_the_same() {
    let lrp = recorded_document("cfdot-desired-lrps.jsonl", "4b39d3d1-e5c7-4c96-a45c-a643c06a4645");
    let (compact, spread) = (lrp.to_string(), serde_json::to_string_pretty(&lrp).unwrap());
    let lines = |prefix: &dyn Fn(usize) -> String| {
        let line = |(at, line): (usize, &str)| prefix(at) + line;
        spread.lines().enumerate().map(line).collect::<Vec<_>>().join("\n")
    };
    let other = at("1.0", "other").of("other", GUID).launch();
    let two_machines = |line: &str| format!("d/0: stdout | {line}\r\nd/1: stdout | {line}\r");
    let two_machines = spread.lines().map(two_machines).collect::<Vec<_>>().join("\n");
    let piece = |bytes| format!("2026-11-28T20:00:00Z stdout P {}", std::str::from_utf8(bytes).unwrap());
    let pieces = compact.as_bytes().chunks(4000).map(piece).collect::<Vec<_>>().join("\n");
    let end = "2026-11-28T20:00:00Z stderr F noise\n2026-11-28T20:00:00Z stdout F ";
    for text in [
        compact.clone(),
        spread.clone(),
        format!("\u{feff}{spread}"),
        format!("\u{feff}[{compact}]"),
        format!("{other}\n{spread}\n{other}"),
        format!("d/0: stdout | [{compact}]"),
        lines(&|_| "d/0: stdout | ".to_owned()),
        two_machines,
        lines(&|at| format!("Nov 28 20:00:{:02} vm s[1]: ", at % 60)),
        format!("{pieces}\n{end}"),
    ] {
        for arguments in ["launch-req site", "launch-req 4b39d3d1-e5c7-4c96-a45c-a643c06a4645"] {
            for found in by_every_way(&text, arguments) {
                assert_eq!(serde_json::from_str::<Value>(&found).unwrap(), lrp, "{}", &text[..200]);
            }
        }
    }
}

#[test]
fn a_request_that_was_edited_elsewhere_is_taken_with_any_mark_in_front() {
    for file in ["plain.json", "bom.json", "utf16.json"] {
        let said = run(&format!("build-req shop --from {}", case(&format!("request-with-bom/{file}")).display()));
        let task: Value = serde_json::from_str(said.printed()).unwrap();
        assert_eq!(task["log_guid"], SHOP, "{file}");
    }
}

#[test]
fn a_file_of_a_folder_that_cannot_be_read_hides_none_of_the_others() {
    let home = Home::new().with("in/a", &[at("1.0", "a").staging()]).with("in/b", &[]);
    fs::remove_file(home.path("in/b")).unwrap();
    std::os::unix::net::UnixListener::bind(home.path("in/socket")).unwrap();
    fs::write(home.path("in/z.gz"), [0x1f, 0x8b, 8, 0, 1]).unwrap();
    assert_eq!(home.run("build-req --from in").mark_and_warning("z.gz: read in part only"), "a");
}

#[test]
fn a_newer_request_that_is_odd_does_not_hide_webs() {
    let odd =
        |document: &str| document.replace(r#""ports":[8080]"#, r#""ports":[-1]"#).replace("1795880000", "1795890000");
    let lrps = fs::read_to_string(cfdot("cfdot-desired-lrps.jsonl")).unwrap();
    let worker = odd(lrps.lines().find(|line| line.contains(r#"{"static":"worker"}"#)).unwrap());
    let web = worker.replace("worker", "web").replace("WORKER", "WEB").replace("1795890000", "1795880000");
    let home = Home::new().with("lrps", &[web.clone(), worker]);
    assert_eq!(home.run("launch-req nightly --from lrps").printed(), web);
}

#[test]
fn a_workers_request_is_not_taken_for_the_apps() {
    for file in ["web-and-worker/nsync_listener.stdout.log", "web-and-worker/live/nsync_listener.stdout.log"] {
        let from = format!("--from {}", case(file).display());
        let process = |arguments: &str| {
            let said = run(&format!("launch-req {arguments} {from}"));
            let lrp: Value = serde_json::from_str(said.printed()).unwrap();
            lrp["process_guid"].as_str().unwrap().to_owned()
        };
        let listed = rows(&from);
        let guid_of = |process: &str| {
            let row = listed.iter().find(|row| row["process"] == process).unwrap();
            (row["process_guid"].as_str().unwrap().to_owned(), row["guid"].as_str().unwrap().to_owned())
        };
        let ((web, app), (worker, _)) = (guid_of("web"), guid_of("worker"));
        assert_eq!(listed[0]["process"], "worker", "it was scaled last");
        assert!(listed.iter().all(|row| row["used"] == true), "each type has its own");
        assert_eq!([process(""), process(&app), process("--process web")], [web.clone(), web.clone(), web]);
        assert_eq!(
            [process(&format!("{app} --process worker")), process("--process worker")],
            [worker.clone(), worker]
        );
        run(&format!("launch-req {app} --process clock {from}"))
            .failed(3, &["has no launch request of process type \"clock\"; it has web, worker"]);
    }
}

#[test]
fn the_only_process_of_an_app_without_web_is_meant_and_said() {
    let from = format!("--from {}", cfdot("cfdot-desired-lrps.jsonl").display());
    let said = run(&format!("launch-req nightly {from}"));
    assert!(
        said.code == 0
            && said.err.contains("app \"nightly\" has no launch request for web; its only one, for worker, is used"),
        "{said:?}"
    );
}

#[test]
fn of_two_apps_that_had_a_name_in_one_space_the_newer_is_meant_and_it_is_said() {
    let from = format!("--from {}", case("deleted-and-pushed-again/stager.stdout.log").display());
    let newest = rows(&from)[0]["guid"].as_str().unwrap().to_owned();
    let said = run(&format!("build-req shop {from}"));
    assert!(said.code == 0 && said.out.contains(&newest), "{said:?}");
    assert!(
        said.err
            .contains(&format!("\"shop\" was 2 apps of one space; the one with the newest request is meant, {newest}")),
        "{said:?}"
    );
    let elsewhere = fs::read_to_string(case("deleted-and-pushed-again/stager.stdout.log")).unwrap();
    let space = elsewhere.split_once(r#"\"space_id\": \""#).unwrap().1[..8].to_owned();
    let home = Home::new().with_bytes("log", elsewhere.replacen(&space, "eeeeeeee", 1).as_bytes());
    home.run("build-req shop --from log").failed(3, &["\"shop\" means 2 apps"]);
}

#[test]
fn lines_that_look_like_requests_and_are_none_are_counted_and_said() {
    let good = at("1.0", "good").staging();
    let cut = |prefix: &str| format!("{prefix}{}", &good[..good.len() - 1]);
    let home = Home::new().with("log", &[good.clone(), cut("svc[7]: "), cut("svc[7]: ")]);
    let said = home.run("build-req --from log");
    assert_eq!(
        said.mark_and_warning("log: 2 lines look like requests and are not JSON; the first begins with `svc[7]:`"),
        "good"
    );
    let only = Home::new().with("log", &[cut("")]);
    only.run("build-req --from log").failed(3, &["no staging request in log", "it is cut off or damaged"]);
}

#[test]
fn a_line_of_a_hundred_megabytes_is_left_out_and_said() {
    let long = format!("{{\"rootfs\":\"{}\"}}\n", "x".repeat(100 << 20));
    let text = format!("{}\n{long}{}", at("1.0", "old").staging(), at("2.0", "new").staging());
    let said = Home::new().run_fed("build-req --from -", text.as_bytes());
    assert_eq!(said.mark_and_warning("standard input: left out a line of more than 16 MiB"), "new");
    let file = Home::new().with_bytes("log", text.as_bytes());
    assert_eq!(file.run("build-req --from log").mark_and_warning("log: left out a line of more than 16 MiB"), "new");
}

#[test]
fn what_is_named_goes_before_the_usual_folder_and_beside_the_old_options() {
    let home = Home::new()
        .with(LISTENER, &[at("9.0", "usual").launch()])
        .with("a", &[at("2.0", "a").launch()])
        .with("b", &[at("3.0", "b").launch()]);
    assert_eq!(home.run("launch-req --from a").mark(), "a");
    assert_eq!(home.run("launch-req --from a --from b").mark(), "b");
    assert_eq!(home.run("launch-req --from b --nsync-log a").mark(), "b");
    assert_eq!(home.run(&format!("launch-req --from a --nsync-log {LISTENER} {GUID}")).mark(), "usual");
}

#[test]
fn a_place_that_holds_nothing_is_said() {
    let home = Home::new().with("empty", &[]);
    fs::create_dir(home.path("folder")).unwrap();
    home.run("launch-req --from gone").failed(3, &["cannot read gone: No such file"]);
    home.run("launch-req --from folder").failed(3, &["found no file in folder", "or - for standard input"]);
    home.run("launch-req --from empty")
        .failed(3, &["no launch request in empty: nothing is in it", "command in front"]);
    home.run_fed("requests --from -", b"").failed(3, &["no request in standard input: nothing is in it"]);
    let no_cfdot = b"diego-api/0: stdout | bash: line 1: cfdot: command not found\nbye";
    let none = home.run_fed("requests --from -", no_cfdot);
    none.failed(3, &["no request in standard input: none of its 2 lines is one", ". /etc/profile.d/cfdot.sh"]);
    let one = home.run_fed("launch-req --from -", b"noise");
    one.failed(3, &["no launch request in standard input: its one line is none", "`cfdot desired-lrps`"]);
}
