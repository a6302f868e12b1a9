//! Real processes. What concerns the agent as a whole (orphans, limits, descriptors) is tested on the binary.

use super::*;
use crate::session::scope::Stop;
use rustix::process::getgid;
use shared_model::event::{EventSink, Stream};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::thread;

#[derive(Default)]
struct Said(Mutex<Vec<Event>>);

impl EventSink for Said {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Said {
    fn lines(&self, wanted: Stream) -> Vec<String> {
        let line = |event: &Event| match event {
            Event::Line { stream, text, .. } if *stream == wanted => Some(text.clone()),
            _ => None,
        };
        self.0.lock().unwrap().iter().filter_map(line).collect()
    }
}

fn myself() -> User {
    User { name: "myself".into(), uid: geteuid().as_raw(), gid: getgid().as_raw(), home: "/".into() }
}

/// One run of a shell with all that a test may want to change.
struct Shell {
    script: String,
    user: User,
    directory: PathBuf,
    output: Output,
    limit: Option<Duration>,
    /// A signal comes when this file is there.
    stop_at: Option<PathBuf>,
    environment: Vec<EnvironmentVariable>,
    said: Said,
}

fn shell(script: &str) -> Shell {
    Shell {
        script: script.to_owned(),
        user: myself(),
        directory: "/".into(),
        output: Output::Shown,
        limit: None,
        stop_at: None,
        environment: vec![EnvironmentVariable::new("PATH", "/usr/bin:/bin")],
        said: Said::default(),
    }
}

impl Shell {
    fn run(&self) -> Result<Ended, RunError> {
        self.run_program("/bin/sh", &["-c".to_owned(), self.script.clone()])
    }

    fn run_program(&self, path: &str, arguments: &[String]) -> Result<Ended, RunError> {
        let program = Program {
            path,
            arguments,
            environment: &self.environment,
            directory: self.directory.clone(),
            user: &self.user,
            output: self.output,
            open_files: None,
            hidden: &Hidden::default(),
            stage: None,
            grace: Duration::from_millis(200),
        };
        let stop = Stop::default();
        let scope = Scope::new(&self.said, "STG", &stop);
        let limited = self.limit.map(|limit| scope.limited(limit));
        thread::scope(|threads| {
            if let Some(file) = &self.stop_at {
                threads.spawn(|| {
                    wait_for(file);
                    stop.ask(Stopped::Signal(15));
                });
            }
            program.run(limited.as_ref().unwrap_or(&scope), &Reaper::default())
        })
    }

    fn ended(&self) -> Ended {
        self.run().unwrap()
    }

    fn out(&self) -> Vec<String> {
        self.ended();
        self.said.lines(Stream::Out)
    }
}

fn wait_for(file: &Path) {
    let started = Instant::now();
    while !file.exists() && started.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(1));
    }
}

fn by_itself(status: i32) -> Ended {
    Ended { status, stopped: None, out_of_memory: false, left: 0 }
}

#[test]
fn output_comes_line_by_line_and_in_order() {
    let shell = shell("echo one; echo; printf 'two\\rthree\\r\\n'; echo bad >&2; printf last; exit 3");
    assert_eq!(shell.ended(), by_itself(3));
    assert_eq!(shell.said.lines(Stream::Out), ["one", "two", "three", "last"]);
    assert_eq!(shell.said.lines(Stream::Err), ["bad"]);
}

#[test]
fn suppressed_output_is_not_said() {
    let shell = Shell { output: Output::Suppressed, ..shell("echo secret; echo secret >&2; exit 1") };
    assert_eq!(shell.ended(), by_itself(1));
    assert!(shell.said.0.lock().unwrap().is_empty());
}

#[test]
fn five_megabytes_without_a_line_end_come_in_pieces() {
    let said = shell("head -c 5000000 /dev/zero | tr '\\0' x").out();
    assert!(said.iter().all(|line| line.len() <= shared_model::event::LONGEST_LINE));
    assert_eq!(said.iter().map(String::len).sum::<usize>(), 5_000_000);
}

#[test]
fn a_program_is_run_without_a_shell_between() {
    let plain = shell("");
    let arguments = ["%s|", "a b", "$HOME", "*", ""].map(str::to_owned);
    plain.run_program("/usr/bin/printf", &arguments).unwrap();
    assert_eq!(plain.said.lines(Stream::Out), ["a b|$HOME|*||"]);
}

#[test]
fn the_environment_is_exactly_the_one_given() {
    let environment = [("A", "1"), ("lower.with.dots", "2"), ("EMPTY", ""), ("LINES", "x\ty")]
        .map(|(name, value)| EnvironmentVariable::new(name, value));
    let bare = Shell { environment: environment.to_vec(), ..shell("") };
    bare.run_program("/usr/bin/env", &[]).unwrap();
    let mut lines = bare.said.lines(Stream::Out);
    lines.sort();
    assert_eq!(lines, ["A=1", "EMPTY=", "LINES=x\ty", "lower.with.dots=2"]);
}

#[test]
fn it_starts_where_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let there = Shell { directory: directory.path().canonicalize().unwrap(), ..shell("pwd -P") };
    assert_eq!(there.out(), [there.directory.to_str().unwrap()]);
}

#[test]
fn standard_input_is_empty() {
    assert_eq!(shell("cat; readlink /proc/self/fd/0").out(), ["/dev/null"]);
}

#[test]
fn it_leads_a_process_group_of_its_own() {
    let said = shell("echo $$; cut -d' ' -f5 /proc/$$/stat").out();
    assert_eq!(said[0], said[1]);
}

#[test]
fn root_starts_it_as_another_user_without_further_groups() {
    if !geteuid().is_root() {
        return;
    }
    let nobody = User::named("nobody").unwrap();
    let ids = Shell { user: nobody.clone(), directory: "/".into(), ..shell("id -u; id -g; id -G") };
    assert_eq!(ids.out(), [nobody.uid.to_string(), nobody.gid.to_string(), nobody.gid.to_string()]);
}

#[test]
fn a_signals_status_is_128_more() {
    assert_eq!(shell("kill -9 $$").ended(), by_itself(137));
}

#[test]
fn a_deadline_ends_it() {
    let late = Shell { limit: Some(Duration::from_millis(50)), ..shell("sleep 60") };
    let stopped = Some(Stopped::DeadlinePassed(Duration::from_millis(50)));
    assert_eq!(late.ended(), Ended { status: 143, stopped, out_of_memory: false, left: 0 });
}

#[test]
fn it_is_asked_to_end_and_may_tidy_up() {
    let directory = tempfile::tempdir().unwrap();
    let ready = directory.path().join("ready");
    let script = format!("trap 'echo asked; exit 7' TERM; touch {}; while :; do sleep 0.01; done", ready.display());
    let polite = Shell { stop_at: Some(ready), ..shell(&script) };
    assert_eq!(polite.ended(), Ended { status: 7, stopped: Some(Stopped::Signal(15)), out_of_memory: false, left: 0 });
    assert_eq!(polite.said.lines(Stream::Out), ["asked"]);
}

#[test]
fn what_ignores_being_asked_is_killed_with_its_group() {
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let script = format!(
        "trap '' TERM; sleep 300 & echo $$ $! > {0}.new; mv {0}.new {0}; while :; do sleep 0.01; done",
        pids.display()
    );
    let deaf = Shell { stop_at: Some(pids.clone()), ..shell(&script) };
    assert_eq!(deaf.ended().status, 137);
    for pid in fs::read_to_string(pids).unwrap().split_whitespace() {
        // Nobody may have reaped it yet, but nothing of it runs.
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{state}");
    }
}

#[test]
fn a_child_left_in_the_group_is_ended_and_does_not_hold_the_output() {
    let started = Instant::now();
    let shell = shell("sleep 60 & echo done");
    assert_eq!(shell.ended(), by_itself(0));
    assert_eq!(shell.said.lines(Stream::Out), ["done"]);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_child_that_prints_a_little_later_is_still_heard() {
    assert_eq!(shell("(sleep 0.05; echo late) & echo done").out(), ["done", "late"]);
}

#[test]
fn a_daemon_that_holds_the_output_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    let script = format!(
        "setsid sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 300' & while ! test -e {0}; do sleep 0.01; done; echo done",
        pid.display()
    );
    let started = Instant::now();
    assert_eq!(shell(&script).out(), ["done"]);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    // Out of its group and with no subreaper to come to, it is the test's to end.
    let pid = Pid::from_raw(fs::read_to_string(pid).unwrap().trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
}

#[test]
fn what_cannot_start_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let run = |path: &str| shell("").run_program(path, &[]).unwrap_err();
    assert_eq!(run("/no/such/builder").to_string(), "there is no /no/such/builder");
    assert!(matches!(run(&file("orphan", "#!/no/such/shell\n", 0o755)), RunError::NoInterpreter(_)));
    assert!(matches!(run(&file("text", "text", 0o644)), RunError::Start { .. }));
    let nowhere = Shell { directory: "/no/such/place".into(), ..shell("true") };
    assert!(matches!(nowhere.run(), Err(RunError::NoDirectory { .. })));
}
