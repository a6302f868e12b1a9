use super::*;
use shared_model::event::Stream;

/// What a session looks like in a pipe, or on a terminal of this width.
fn shown(width: Option<usize>, events: &[Event]) -> String {
    let look = Look::plain(width);
    let mut rows = Rows::new(look);
    let lines = events.iter().flat_map(|event| rows.tell(event));
    lines.map(|line| look.fit(line.stream, &line.text).into_owned() + "\n").collect()
}

#[test]
fn a_warning_before_the_heading_does_not_take_its_place() {
    let warning = Event::Warning { text: "look out".into() };
    let note = Event::Note { text: "by the way".into() };
    let said = shown(None, &[note, warning, staging(false)]);
    let heading = "Staging env-page on cflinuxfs4   (Cloud Controller's droplet stays)\n";
    assert_eq!(said, format!("note: by the way\nwarning: look out\n{heading}"));
}

fn staging(uploads: bool) -> Event {
    let (app_name, app_guid, staging_guid) = ("env-page".into(), "g".into(), "s".into());
    Event::Staging { app_name, app_guid, staging_guid, stack: "cflinuxfs4".into(), uploads: Some(uploads) }
}

fn cached(name: &str, to: &str) -> Event {
    let (from, fetched) = ("https://blobstore/k?***".into(), "2026-11-29T06:28:03Z".into());
    Event::Cached { name: name.into(), to: to.into(), from, bytes: 1, fetched, reason: None }
}

fn step(step: Step, ms: u64, within: Vec<Event>) -> Vec<Event> {
    let ends = [Event::StepEnded { step, ms }];
    [Event::StepStarted { step }].into_iter().chain(within).chain(ends).collect()
}

fn line(text: &str) -> Event {
    Event::Line { source: "STG".into(), stream: Stream::Out, text: text.into() }
}

/// A restage from its first word to the end of its build.
fn built() -> Vec<Event> {
    let mut events = vec![
        Event::Hello { protocol: 2, version: "0.1.0".into() },
        Event::Note { text: "Not done on plain Docker: 5 egress rules".into() },
        staging(true),
    ];
    let app = Event::Downloaded { name: "app package".into(), to: "/tmp/app".into(), bytes: 1164, entries: 1, ms: 52 };
    let fetch = vec![cached("python_buildpack", "/tmp/buildpacks/04"), cached("", "/tmp/lifecycle"), app];
    events.extend(step(Step::Fetch, 62, fetch));
    events.extend(step(Step::Build, 397, vec![line("-----> Python app detected")]));
    events
}

fn droplet(uploaded: bool) -> Event {
    Event::Droplet { path: "/tmp/droplet".into(), bytes: 3644, sha256: String::new(), uploaded }
}

fn made() -> Vec<Event> {
    let mut events = step(Step::Image, 471, vec![]);
    let name = "cf-app/env-page-a3123d42:droplet-41764d56417e".into();
    events.push(Event::Image { name, id: "sha256:d6".into(), bytes: 184_470_103 });
    events.push(Event::Next { purpose: Purpose::Launch, command: "host-cli launch env-page".into() });
    events.push(Event::Done { ms: 2466 });
    events
}

fn restaged() -> Vec<Event> {
    let sent = |name: &str, bytes| Event::Uploaded { name: name.into(), bytes, ms: 1 };
    let result = r#"{"lifecycle_metadata":{"detected_buildpack":"python 1.0.0"}}"#;
    let mut events = built();
    events.extend(step(Step::Upload, 1095, vec![sent("droplet", 3644), sent("build artifacts cache", 2769)]));
    events.extend([Event::Result { text: result.into() }, droplet(true)]);
    events.extend(made());
    events
}

#[test]
fn a_restage_in_a_pipe_is_a_row_a_step_with_the_builders_lines_in_the_middle() {
    assert_eq!(
        shown(None, &restaged()),
        "Staging env-page on cflinuxfs4   (replaces Cloud Controller's droplet; `--no-upload` leaves it)\n\
         note: Not done on plain Docker: 5 egress rules\n\
         \x20 ✓ fetch   lifecycle, python from cache; app package 1.1 KiB  0.06s\n\
         \x20 -----> Python app detected\n\
         \x20 ✓ build   0.39s\n\
         \x20 ✓ upload  droplet 3.6 KiB (python 1.0.0) replaced Cloud Controller's; build artifacts cache 2.7 KiB  1.0s\n\
         \x20 ✓ image   cf-app/env-page-a3123d42:droplet-41764d56417e  176 MiB  0.47s\n\
         Done in 2.4s.  Next: host-cli launch env-page\n"
    );
}

#[test]
fn a_restage_on_a_terminal_fits_it_and_its_times_stand_below_each_other() {
    for width in [60, 80, 120] {
        let shown = shown(Some(width), &restaged());
        assert!(shown.lines().all(|line| measure_text_width(line) <= width), "{width}: {shown}");
        let is_time = |line: &&str| {
            line.ends_with('s') && line.contains("  ") && !line.starts_with("note:") && !line.contains('`')
        };
        let ends: Vec<usize> = shown.lines().filter(is_time).map(measure_text_width).collect();
        assert!(ends.len() == 4 && ends.iter().all(|end| *end == ends[0]), "{shown}");
    }
}

#[test]
fn without_an_upload_it_is_said_that_cloud_controllers_droplet_stays() {
    let skipped = |name: &str| Event::UploadSkipped { name: name.into(), reason: "--no-upload".into() };
    let mut events = vec![staging(false)];
    events.extend(step(Step::Upload, 3, vec![skipped("build artifacts cache"), skipped("droplet")]));
    events.push(droplet(false));
    assert_eq!(
        shown(None, &events),
        "Staging env-page on cflinuxfs4   (Cloud Controller's droplet stays)\n\
         \x20 ○ upload  droplet 3.6 KiB not uploaded, Cloud Controller's stays; build artifacts cache left out (--no-upload)  0.00s\n"
    );
}

#[test]
fn a_failure_marks_its_step_and_a_kept_container_is_the_last_line() {
    let mut events = built();
    events.truncate(events.len() - 1);
    events.extend([
        Event::RunEnded { path: "/tmp/lifecycle/builder".into(), status: 223, ms: 300 },
        Event::Progress { source: "STG".into(), text: "Staging failed: Exited with status 223".into(), failed: true },
        Event::Kept { seconds: 3600 },
        Event::Next { purpose: Purpose::LookInside, command: "docker exec -it 4f bash".into() },
        Event::Failed { code: 223, text: "the buildpack failed".into(), advice: "look above".into() },
    ]);
    let shown = shown(None, &events);
    let end = "  -----> Python app detected\n  ✗ build   0.30s\nerror: the buildpack failed\n  try: look above\n\
               The container stays for 1h0m0s.\nLook inside: docker exec -it 4f bash\n";
    assert!(shown.ends_with(end), "{shown}");
}

#[test]
fn a_launch_ends_with_the_address_the_containers_name_and_how_to_read_its_log() {
    let (url, container, name) = ("http://127.0.0.1:44229".into(), "e47a".into(), "env-page-web-1f0c".into());
    let mut events = vec![
        Event::Note { text: "Not started: diego-sshd".into() },
        Event::Launching {
            app_name: "env-page".into(),
            app_guid: "g".into(),
            process: "web".into(),
            image: "cf-app/env-page:latest".into(),
        },
    ];
    events.extend(step(Step::Launch, 2400, vec![]));
    events.push(Event::Running { url, container, name });
    events.push(Event::Next { purpose: Purpose::Log, command: "docker logs env-page-web-1f0c".into() });
    events.push(Event::Done { ms: 2500 });
    assert_eq!(
        shown(None, &events),
        "Launching env-page from cf-app/env-page:latest\nnote: Not started: diego-sshd\n\
         \x20 ✓ launch  http://127.0.0.1:44229  container env-page-web-1f0c  2.4s\n\
         Next: docker logs env-page-web-1f0c\n"
    );
}

#[test]
fn a_docker_apps_image_is_told_when_it_is_staged_and_fetched_with_its_lifecycle_when_it_is_launched() {
    let image = || "r.io/acme/shop:1".to_owned();
    let mut events = step(Step::Build, 2000, vec![]);
    events.push(Event::DockerImage { image: image(), ports: vec!["8080/tcp".into()], user: String::new() });
    events.push(Event::Done { ms: 2000 });
    assert_eq!(
        shown(None, &events),
        "  ✓ build   2.0s\nnote: The app's image is r.io/acme/shop:1; it listens on 8080/tcp, and runs as root\n"
    );
    let (pulling, pulled) =
        (Event::Pulling { image: image() }, Event::Pulled { image: image(), bytes: 5 << 20, ms: 9 });
    let mut events = step(Step::Fetch, 2000, vec![cached("", "/tmp/lifecycle"), pulling, pulled]);
    events.push(Event::Done { ms: 2000 });
    assert_eq!(shown(None, &events), "  ✓ fetch   lifecycle from cache; r.io/acme/shop:1 5 MiB  2.0s\n");
}

#[test]
fn a_push_gives_the_name_that_can_be_pulled_and_an_export_its_file() {
    let mut events = vec![Event::Pushing { image: "a:1".into(), reference: "r:5000/a:1".into() }];
    let (reference, digest) = ("r:5000/a:1".into(), "sha256:ab".into());
    let pushed = Event::Pushed { reference, digest, bytes: 4 << 20, layers_pushed: 1, layers_existing: 2, ms: 9 };
    events.extend(step(Step::Push, 2000, vec![pushed]));
    events.push(Event::Done { ms: 2000 });
    assert_eq!(
        shown(None, &events),
        "Pushing a:1 to r:5000/a:1\n  ✓ push    r:5000/a:1@sha256:ab  1 layer sent, 4 MiB; 2 layers there already  2.0s\n"
    );
    let (kind, path) = ("droplet".to_owned(), "d.tgz".to_owned());
    let mut events = vec![Event::Exporting { kind: kind.clone(), image: "a:1".into(), path: path.clone() }];
    events.extend(step(Step::Export, 2000, vec![]));
    events.push(Event::Exported { kind, path, digest: format!("sha256:{}", "0f".repeat(32)), bytes: 2048 });
    events.push(Event::Done { ms: 2000 });
    assert_eq!(
        shown(None, &events),
        "Exporting the droplet of a:1 to d.tgz\n  ✓ export  d.tgz  2 KiB  sha256:0f0f0f0f0f0f  2.0s\n"
    );
}

#[test]
fn nothing_that_an_app_or_a_server_says_passes_for_a_row_or_colours_one() {
    let red = "\u{1b}[31m";
    let reason = Some(format!("{red}no"));
    let (to, from, fetched) = (format!("/tmp/{red}"), String::new(), String::new());
    let name = format!("a{red}_buildpack");
    let mut events = vec![staging(true)];
    let fetch = vec![Event::Cached { name, to, from, bytes: 1, fetched, reason }];
    events.extend(step(Step::Fetch, 1, fetch));
    events.push(line("✓ image   evil:latest"));
    let colours = Look::plain(None);
    let mut rows = Rows::new(colours);
    let said: String = events.iter().flat_map(|event| rows.tell(event)).map(|line| line.text + "\n").collect();
    assert!(!said.contains(red), "{said:?}");
    assert!(said.contains("  \\✓ image   evil:latest"), "{said}");
}

#[test]
fn what_has_no_rows_says_when_it_is_done() {
    let note = Event::Note { text: "Removed nothing".into() };
    assert_eq!(shown(None, &[note, Event::Done { ms: 600 }]), "note: Removed nothing\nDone in 0.60s.\n");
}

#[test]
fn each_of_several_processes_has_a_heading_and_a_row() {
    let mut events = Vec::new();
    for process in ["web", "worker"] {
        let (app_name, app_guid, image) = ("shop".into(), "g".into(), "cf-app/shop:latest".into());
        events.push(Event::Launching { app_name, app_guid, process: process.into(), image });
        events.extend(step(Step::Launch, 2000, vec![]));
        events.push(Event::Running { url: String::new(), container: "c".into(), name: format!("c-{process}") });
    }
    events.push(Event::Done { ms: 4000 });
    assert_eq!(
        shown(None, &events),
        "Launching shop from cf-app/shop:latest\n  ✓ launch  container c-web  2.0s\n\
         Launching shop (worker) from cf-app/shop:latest\n  ✓ launch  container c-worker  2.0s\nDone in 4.0s.\n"
    );
}

#[test]
fn what_is_not_done_stands_below_the_heading_and_fits_the_terminal() {
    let what =
        ["1 sidecar (CONFIG)", "2 egress rules", "ssh daemon (`docker exec -it shop-web-1f0c bash` opens a shell)"];
    let launching = Event::Launching {
        app_name: "shop".into(),
        app_guid: "g".into(),
        process: "web".into(),
        image: "cf-app/shop:latest".into(),
    };
    let events = [Event::NotDone { what: what.map(str::to_owned).into() }, launching];
    assert_eq!(
        shown(Some(60), &events),
        "Launching shop from cf-app/shop:latest\nnote: Not done here: 1 sidecar (CONFIG), 2 egress rules, ssh\n  \
         daemon (`docker exec -it shop-web-1f0c bash` opens a\n  shell)\n"
    );
}
