//! `ssh` and `env` on a real engine: the launcher's environment, streams, terminals, exit codes, connections.

use super::launch::staged;
use crate::app::{App, get, inspect};
use crate::hcf::docker;
use crate::said::Said;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn cli(words: &[&str]) -> Command {
    let mut cli = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    cli.args(words).stdin(Stdio::null());
    cli
}

fn ssh(app: &App, options: &[&str]) -> Said {
    cli(&[&["ssh", &app.guid], options].concat()).output().unwrap().into()
}

/// Of the app's container, how many processes have this in their command line.
fn processes(app: &App, mark: &str) -> usize {
    let seen = docker(&["top", &app.containers("app")[0], "-eo", "pid,args"]).unwrap();
    seen.lines().filter(|line| line.contains(mark)).count()
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A process that goes with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_command_runs_as_the_app_would_with_streams_apart_and_its_own_exit_code() {
    // Of today's launcher, which prints lines of its own before the command.
    let app = staged("inside", "hello-procfile", &["--style", "2026", "--env", "GREETING=it's $HOME"]);
    app.launch(&[]).done();
    let told = ssh(&app, &["-c", "id -un; pwd; echo $HOME; printenv GREETING; echo oops >&2; exit 7"]);
    assert_eq!((told.code, told.err.as_str()), (Some(7), "oops\n"));
    assert_eq!(told.out, "vcap\n/home/vcap/app\n/home/vcap/app\nit's $HOME\n");
    let address = ssh(&app, &["-c", "echo $CF_INSTANCE_INTERNAL_IP"]).done().out;
    let networks = inspect(&app.containers("app")[0])["NetworkSettings"]["Networks"].take();
    let its = networks.as_object().unwrap().values().any(|network| network["IPAddress"] == address.trim());
    assert!(its, "{address} is none of {networks}");
    assert_eq!(ssh(&app, &["-c", "echo", "-c", "two words"]).done().out, "two words\n");

    // Standard input to its end, in both directions, and bytes as they are.
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let mut child = cli(&["ssh", &app.guid, "-c", "cat"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, typed) = (child.stdin.take().unwrap(), bytes.clone());
    let typing = thread::spawn(move || input.write_all(&typed));
    let output = child.wait_with_output().unwrap();
    typing.join().unwrap().unwrap();
    assert!(output.stdout == bytes && output.status.success(), "{} bytes", output.stdout.len());

    ssh(&app, &["--process", "worker"]).failed(2, &["inside has no process \"worker\"; it has web"]);
    ssh(&app, &["-t", "-T"]).failed(2, &["exclude each other"]);
    ssh(&app, &["--on", "kubernetes"]).failed(2, &["ssh is for apps on a Docker Engine", "kubectl exec"]);
    cli(&["stop", &app.guid]).output().unwrap();
    ssh(&app, &["-c", "true"]).failed(8, &["inside does not run", "`host-cli start APP` starts it"]);
}

#[test]
fn a_shell_has_a_terminal_of_the_users_size_and_the_users_is_as_it_was_afterwards() {
    let app = staged("talking", "hello-procfile", &[]);
    app.launch(&[]).done();
    // A terminal of its own around it; what it is afterwards its last line tells.
    let line = format!(
        "stty rows 33 cols 101; stty -g >before; {} ssh {}; echo code $?; stty -g >after; cmp before after && echo same",
        env!("CARGO_BIN_EXE_host-cli"),
        app.guid
    );
    let folder = app.hcf.folder("talking");
    let mut script = Command::new("script");
    script.args(["--quiet", "--flush", "--command", &line, "/dev/null"]).current_dir(&folder).env("TERM", "vt220");
    let mut child = Running(script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut input = child.0.stdin.take().unwrap();
    let mut output = child.0.stdout.take().unwrap();
    let (tells, hears) = std::sync::mpsc::channel();
    let reading = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            tells.send(String::from_utf8_lossy(&buffer[..length]).into_owned()).unwrap();
        }
    });
    let mut seen = String::new();
    let until = |mark: &str, seen: &mut String| {
        while !seen.contains(mark) {
            seen.push_str(&hears.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("no {mark}: {seen}")));
        }
    };
    until("$ ", &mut seen);
    // The size comes a moment after the shell.
    input.write_all(b"sleep 1; tty; stty size; echo term $TERM; exit 9\n").unwrap();
    until("same", &mut seen);
    for word in ["/dev/pts/", "33 101", "term vt220", "code 9"] {
        assert!(seen.contains(word), "{word}: {seen}");
    }
    drop(input);
    drop(child);
    reading.join().unwrap();
}

#[test]
fn what_is_interrupted_or_not_read_any_more_does_not_stay_behind() {
    let app = staged("leaving", "hello-procfile", &[]);
    app.launch(&[]).done();
    for signal in ["INT", "TERM"] {
        let child = cli(&["ssh", &app.guid, "-c", "echo up; sleep 7654; :"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut child = Running(child);
        child.0.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        assert!(processes(&app, "sleep 7654") > 0);
        crate::app::signal(&child.0, signal);
        let code = child.0.wait().unwrap().code();
        assert_eq!(code, Some(if signal == "INT" { 130 } else { 143 }));
        wait_until("it has ended", || processes(&app, "sleep 7654") == 0);
    }
    let line = format!("{} ssh {} -c 'yes 7655' | head -n 2", env!("CARGO_BIN_EXE_host-cli"), app.guid);
    let output = Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "7655\n7655\n");
    wait_until("it has ended", || processes(&app, "yes 7655") == 0);
}

#[test]
fn connections_are_led_through_the_container_to_where_the_app_reaches() {
    let app = staged("leading", "hello-procfile", &[]);
    app.launch(&[]).done();
    let mut ssh = cli(&["ssh", &app.guid, "-N", "-L", "0:localhost:8080", "-L", "0:localhost:1"]);
    let mut child = Running(ssh.stderr(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    let mut err = child.0.stderr.take().unwrap();
    let mut buffer = [0; 4096];
    while said.matches(" leads to ").count() < 2 {
        let length = err.read(&mut buffer).unwrap();
        assert!(length > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let addresses: Vec<&str> = said.split_whitespace().filter(|word| word.starts_with("127.0.0.1:")).collect();
    let [web, nobody] = &addresses[..] else { panic!("{said}") };
    thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| get(&format!("http://{web}"), "/"))).collect();
        for answer in asking {
            assert_eq!(answer.join().unwrap(), "hello\n");
        }
    });
    let mut stream = TcpStream::connect(nobody).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap_or_default(), 0);
    let mut more = String::new();
    while !more.contains("cannot connect to localhost:1") {
        let length = err.read(&mut buffer).unwrap();
        assert!(length > 0, "{more}");
        more.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    wait_until("no connection stays behind", || processes(&app, "--connect") == 0);

    let port = web.rsplit(':').next().unwrap();
    let taken = format!("{port}:localhost:8080");
    cli(&["ssh", &app.guid, "-N", "-L", &taken])
        .output()
        .map(Said::from)
        .unwrap()
        .failed(2, &["cannot listen at 127.0.0.1:"]);
}

#[test]
fn variables_are_hidden_until_they_are_asked_for_and_a_shell_reads_them_back() {
    let app = staged("varied", "env-page", &["--env", "DATABASE_URL=mysql://u:hush'$hush@h/d"]);
    app.launch(&[]).done();
    let hidden = Said::from(cli(&["env", &app.guid]).output().unwrap()).done().out;
    assert!(hidden.contains("User-Provided:\nDATABASE_URL: <hidden>\n"), "{hidden}");
    assert!(hidden.contains("System-Provided:\nVCAP_SERVICES: <hidden>") && !hidden.contains("hush"), "{hidden}");
    // Its bindings hold the passwords of the fixtures, which no other output may have.
    let shown = cli(&["env", &app.guid, "--show", "--output", "json"]).output().unwrap().stdout;
    let document: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(document["environment_variables"]["DATABASE_URL"], "mysql://u:hush'$hush@h/d");
    assert_eq!(document["application_env_json"]["VCAP_APPLICATION"]["application_name"], "varied");
    let dotenv = cli(&["env", &app.guid, "--show", "--output", "dotenv"]).output().unwrap().stdout;
    let file = app.hcf.folder("varied").join("dotenv");
    std::fs::write(&file, dotenv).unwrap();
    let read =
        Command::new("sh").args(["-c", ". \"$1\"; printf %s \"$DATABASE_URL\"", "sh"]).arg(&file).output().unwrap();
    assert_eq!(String::from_utf8(read.stdout).unwrap(), "mysql://u:hush'$hush@h/d");
    let refused: Said = cli(&["env", &app.guid, "--output", "json"]).output().unwrap().into();
    refused.failed(2, &["may be passwords", "add --show"]);
    cli(&["stop", &app.guid]).output().unwrap();
    Said::from(cli(&["env", &app.guid]).output().unwrap()).done();
}
