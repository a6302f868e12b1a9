//! Builders that put something else in the place of what they are to leave, prepare a place for the agent to write to, or
//! take more than they are given. What only shows in a container is for `ci/hostile-buildpack`.

use crate::cloud::{Cloud, tgz, zip};
use crate::world::{Outcome, World, am_root, printed_by, task, user};
use serde_json::{Value, json};
use shared_model::event::Event;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// The request of a cloud in which a further program runs when the builder has ended, before anything is uploaded.
fn then(cloud: &Cloud, script: &str) -> Value {
    let mut request = cloud.request();
    let actions = request["action"]["timeout"]["action"]["serial"]["actions"].as_array_mut().unwrap();
    actions.insert(2, cloud.world.shell(script));
    request
}

#[track_caller]
fn nothing_was_sent(cloud: &Cloud, outcome: &Outcome, path: &str, why: &str) {
    let (text, _) = outcome.failure();
    assert!(text.contains("is not taken") && text.contains(why), "{text}");
    assert!(!cloud.server.asked("POST").iter().any(|post| post.target.starts_with(path)), "it was sent all the same");
}

#[test]
fn what_is_no_file_of_the_builders_own_is_not_sent_as_a_droplet() {
    for (script, why) in [
        ("ln -sf /etc/passwd droplet", "not a regular file"),
        ("ln -sf /proc/1/environ droplet", "not a regular file"),
        ("rm droplet; mkfifo droplet", "not a regular file"),
        ("rm droplet; mkdir droplet", "not a regular file"),
        ("ln droplet other", "2 names"),
        ("truncate -s 1T droplet", "the most is"),
    ] {
        let cloud = Cloud::new();
        let outcome = cloud.stage_request(&then(&cloud, script), &[]);
        assert_eq!(outcome.code, 6, "{script}");
        nothing_was_sent(&cloud, &outcome, "/v1/droplet/", why);
    }
}

#[test]
fn a_folder_that_became_a_link_leads_nowhere() {
    let cloud = Cloud::new();
    let mut request = then(&cloud, "mkdir real && cp droplet real/ && ln -s real out");
    let actions = request["action"]["timeout"]["action"]["serial"]["actions"].as_array_mut().unwrap();
    actions[3] = cloud.upload("droplet", "out/droplet", "droplet");
    let outcome = cloud.stage_request(&request, &[]);
    nothing_was_sent(&cloud, &outcome, "/v1/droplet/", "a symbolic link leads to it");
}

#[test]
fn a_droplet_that_another_user_made_is_not_sent() {
    if !am_root() {
        return;
    }
    let cloud = Cloud::new();
    fs::write(cloud.world.path("other"), "root's own").unwrap();
    let mut request = cloud.request();
    let actions = request["action"]["timeout"]["action"]["serial"]["actions"].as_array_mut().unwrap();
    actions[2] = cloud.upload("droplet", "other", "droplet");
    let outcome = cloud.stage_request(&request, &[]);
    nothing_was_sent(&cloud, &outcome, "/v1/droplet/", "it belongs to user 0");
}

#[test]
fn a_cache_that_is_a_link_is_not_sent_and_the_droplet_is() {
    let cloud = Cloud::new();
    let outcome = cloud.stage_request(&then(&cloud, "ln -sf /etc/passwd output-cache"), &[]);
    assert!(outcome.done().notes().iter().any(|note| note.contains("output-cache is not taken")));
    assert_eq!(cloud.server.asked("POST").len(), 1);
}

#[test]
fn a_result_that_is_a_link_is_not_read() {
    let cloud = Cloud::new();
    let outcome = cloud.stage_request(&then(&cloud, "ln -sf /etc/passwd result.json"), &[]);
    assert_eq!(outcome.code, 5);
    assert!(outcome.failure().0.contains("result.json is not taken"), "{:?}", outcome.failure());
}

#[test]
fn nobody_is_left_who_could_swap_the_droplet_while_it_is_sent() {
    let cloud = Cloud::new();
    let stall = cloud.server.stalls("/v1/droplet/app");
    let request = then(
        &cloud,
        "(setsid sh -c 'while :; do ln -sf /etc/passwd droplet.next; mv droplet.next droplet.swapped; sleep 0.01; done' &) >/dev/null 2>&1",
    );
    let running = cloud.world.start(&request, &["--output", "json"]);
    stall.wait_until_asked();
    let _ = fs::remove_file(cloud.world.path("droplet.swapped"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!cloud.world.exists("droplet.swapped"), "somebody swaps during the upload");
    stall.go_on();
    let outcome = Outcome::of(running);
    let droplet = cloud.world.text("droplet");
    let sum = printed_by("sha256sum", &[&droplet]);
    let said = |event: &Event| matches!(event, Event::Droplet { sha256, .. } if sum.starts_with(sha256.as_str()));
    assert!(outcome.done().events.iter().any(said), "the sum is that of another file");
}

#[test]
fn a_later_download_writes_where_its_user_may_and_nowhere_else() {
    if !am_root() {
        return;
    }
    let cloud = Cloud::new();
    let roots = tempfile::tempdir().unwrap();
    fs::set_permissions(roots.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let action = |to: &str, script: &str| {
        let mut download = cloud.download();
        download["download"]["to"] = json!(cloud.world.text(to));
        json!({"serial": {"actions": [cloud.world.shell(script), download]}})
    };
    let to_roots = format!("ln -s {} more", roots.path().display());
    let outcome = cloud.world.stage(&task(&action("more", &to_roots)), &[]);
    assert_eq!(outcome.code, 4, "{:?}", outcome.events);
    assert_eq!(fs::read_dir(roots.path()).unwrap().count(), 0, "a link led the agent to where only root may write");
    cloud.world.stage(&task(&action("mine", "true")), &[]).done();
    assert_eq!(cloud.world.read("mine/hello.txt"), "hello");
}

#[test]
fn no_capability_reaches_the_builder_not_even_one_that_it_could_get() {
    if !am_root() {
        return;
    }
    let world = World::new();
    let outcome = world.stage(&task(&world.shell("grep ^Cap /proc/self/status")), &[]);
    let lines = outcome.done().out();
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|line| line.ends_with("\t0000000000000000")), "{lines:?}");
    let mut run = world.shell("grep CapBnd /proc/self/status");
    run["run"]["user"] = json!("root");
    // Where tests run there may be an engine's socket, which root could open.
    assert_eq!(world.stage(&task(&run), &["--trust-buildpacks"]).done().out(), ["CapBnd:\t0000000000000000"]);
}

#[test]
fn whoever_writes_more_than_disk_mb_is_ended_and_told_so() {
    let world = World::new();
    let mut request = task(&world.shell("head -c 64M /dev/zero >fill; sleep 600"));
    request["disk_mb"] = json!(8);
    let outcome = world.stage(&request, &[]);
    assert_eq!(outcome.code, 5);
    assert!(outcome.failure().0.contains("disk quota exceeded"), "{:?}", outcome.failure());
    let said = |event: &Event| matches!(event, Event::Progress { text, .. } if text == "Exit status 137 (disk quota exceeded)");
    assert!(outcome.events.iter().any(said), "{:?}", outcome.events);
}

#[test]
fn what_lies_in_a_folder_that_is_renamed_all_the_time_counts() {
    let world = World::new();
    // Among many others, so that its name is an old one whenever somebody who has listed them comes to it.
    let fill = "mkdir -p all/0/b && head -c 64M /dev/zero >all/0/b/fill && seq -f all/other%g 3000 | xargs mkdir";
    let rename = "perl -e 'for (my $n = 0; ; $n++) { rename qq(all/$n), q(all/).($n + 1) }'";
    let mut request =
        task(&json!({"timeout": {"timeout_ms": 60_000, "action": world.shell(&format!("{fill}; {rename}"))}}));
    request["disk_mb"] = json!(8);
    let outcome = world.stage(&request, &[]);
    assert!(outcome.failure().0.contains("disk quota exceeded"), "{:?}", outcome.failure());
}

#[test]
fn a_program_that_is_counted_goes_on_afterwards() {
    let world = World::new();
    let mut request = task(&world.shell("for i in 1 2 3; do sleep 0.5; echo $i; done"));
    request["disk_mb"] = json!(4096); // Others of this machine write as this user, too.
    assert_eq!(world.stage(&request, &[]).done().out(), ["1", "2", "3"]);
}

#[test]
fn downloads_draw_on_disk_mb_together() {
    let cloud = Cloud::new();
    // Not one byte repeats often enough to be taken for a bomb, and zip and tgz count alike.
    let word = |number: u64| format!("{:08x}", number * 2_654_435_761 % 0xffff_ffff);
    let text = (0..700_000).map(word).collect::<Vec<_>>().concat();
    let files = [("half", text.as_str(), 0o644)];
    cloud.server.answers("/zip", 200, &zip(&files));
    cloud.server.answers("/tgz", 200, &tgz(&files));
    let download = |path: &str| json!({"download": {"artifact": "", "from": cloud.url(path), "to": cloud.world.text(path.trim_start_matches('/')), "cache_key": "", "user": user()}});
    let stage = |paths: &[&str], disk_mb| {
        let actions: Vec<Value> = paths.iter().map(|path| download(path)).collect();
        let mut request = task(&json!({"serial": {"actions": actions}}));
        request["disk_mb"] = json!(disk_mb);
        cloud.world.stage(&request, &[])
    };
    for (paths, disk_mb) in [(&["/zip"][..], 4), (&["/tgz"], 4), (&["/tgz", "/zip"], 9), (&["/zip", "/tgz"], 9)] {
        let outcome = stage(paths, disk_mb);
        let (text, advice) = outcome.failure();
        assert!(text.ends_with("disk quota exceeded") && outcome.code == 4, "{paths:?}: {text}");
        assert!(advice.contains("raise disk_mb"), "{advice}");
        for path in paths {
            let _ = fs::remove_dir_all(cloud.world.path(&path[1..]));
        }
    }
    stage(&["/tgz", "/zip"], 17).done();
}

#[test]
fn a_program_has_a_session_of_its_own_and_no_terminal() {
    let world = World::new();
    let look = "cut -d' ' -f5-7 /proc/$$/stat; echo $$; readlink /proc/self/fd/0; (echo mine >/dev/tty) 2>&1";
    let request = world.text("request.json");
    fs::write(&request, task(&world.shell(look)).to_string()).unwrap();
    // On a terminal, as `docker run -t` gives it one.
    let agent = format!("{} --no-image --output json --request {request}", env!("CARGO_BIN_EXE_stager-agent"));
    let script = Command::new("script").args(["-qec", &agent, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(script.stdout).unwrap();
    let read = |line: &str| match serde_json::from_str(line.trim_end()).ok()? {
        Event::Line { text, .. } => Some(text),
        _ => None,
    };
    let lines: Vec<String> = said.lines().filter_map(read).collect();
    let [place, pid, input, opened] = &lines[..] else { panic!("{said}") };
    assert_eq!(*place, format!("{pid} {pid} 0"), "group, session, terminal");
    assert_eq!(input, "/dev/null");
    assert!(opened.contains("No such device") && !said.contains("mine"), "{said}");
}

#[test]
fn a_terminal_that_a_builder_could_open_is_warned_of() {
    let world = World::new();
    let request = world.text("request.json");
    let warned = |user: &str| {
        let mut run = world.shell("true");
        run["run"]["user"] = json!(user);
        fs::write(&request, task(&run).to_string()).unwrap();
        let agent = format!("{} --no-image --trust-buildpacks --request {request}", env!("CARGO_BIN_EXE_stager-agent"));
        let script = Command::new("script").args(["-qec", &agent, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
        String::from_utf8(script.stdout).unwrap().contains("warning: the terminal is open to the app's buildpacks")
    };
    assert!(warned(&printed_by("id", &["-un"])));
    if am_root() {
        assert!(!warned("nobody"));
    }
}

#[test]
fn what_a_builder_prints_has_a_bound_and_the_builder_runs_on() {
    let world = World::new();
    let script = "head -c 3000000 /dev/zero | tr '\\0' x | fold; seq 100000 >&2; touch finished; exit 3";
    let outcome = world.stage(&task(&world.shell(script)), &["--max-output", "100K"]);
    assert_eq!((outcome.code, outcome.failure().0, world.exists("finished")), (5, "sh ended with status 3", true));
    let printed: usize = outcome.events.iter().map(|event| event.to_json_line().len()).sum();
    assert!((100_000..300_000).contains(&printed), "{printed}");
    let warnings = outcome.notes().into_iter().filter(|note| note.contains("more than 100 KiB were printed")).count();
    assert_eq!(warnings, 1, "{:?}", outcome.notes());
}

#[test]
fn a_url_that_a_builder_is_given_is_said_without_its_password() {
    let world = World::new();
    let mut run = world.shell("echo \"cannot clone ${1#*=} with $SEED\"");
    let arguments = run["run"]["args"].as_array_mut().unwrap();
    arguments.extend([json!("builder"), json!("-buildpackOrder=https://me:pa55word@git.example.com/a.git,ruby")]);
    run["run"]["env"] = json!([{"name": "SEED", "value": "https://h/seed?signature=s3cr3t-0123"}]);
    let action = json!({"emit_progress": {"action": run, "start_message": "with me:pa55word@git"}});
    let outcome = world.stage(&task(&action), &[]);
    let expected = "cannot clone https://***@git.example.com/a.git,ruby with https://h/seed?***";
    assert_eq!(outcome.done().out(), [expected]);
    let said = |event: &Event| matches!(event, Event::Progress { text, .. } if text == "with ***@git");
    assert!(outcome.events.iter().any(said), "{:?}", outcome.events);
}
