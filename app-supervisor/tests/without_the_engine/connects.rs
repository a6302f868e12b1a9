//! A forwarded connection, with a real server behind it.

use shared_model::port_forward::{Frames, Part};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn connecting(address: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_app-supervisor"));
    command.args(["--connect", address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The bytes and whether an end came behind them.
fn taken_apart(framed: &[u8]) -> (Vec<u8>, bool) {
    let (mut bytes, mut has_ended) = (Vec::new(), false);
    Frames::default().feed(framed, &mut |part| match part {
        Part::Bytes(piece) => bytes.extend_from_slice(piece),
        Part::End => has_ended = true,
    });
    (bytes, has_ended)
}

#[test]
fn a_server_that_answers_at_the_end_of_its_input_is_heard_to_the_end() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = connecting(&server.local_addr().unwrap().to_string());
    let serving = thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut asked = Vec::new();
        stream.read_to_end(&mut asked).unwrap();
        stream.write_all(&asked).unwrap();
    });
    let asked = vec![b'x'; 300_000];
    let mut input = child.stdin.take().unwrap();
    input.write_all(&asked).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    serving.join().unwrap();
    assert!(taken_apart(&output.stdout) == (asked, true), "{} bytes", output.stdout.len());
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn a_server_that_has_said_all_it_has_to_say_still_hears() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = connecting(&server.local_addr().unwrap().to_string());
    let (mut stream, _) = server.accept().unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut framed = [0; 9];
    child.stdout.as_mut().unwrap().read_exact(&mut framed).unwrap();
    assert_eq!(taken_apart(&framed), (b"hello".to_vec(), true));
    child.stdin.take().unwrap().write_all(b"late").unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    assert_eq!((heard.as_str(), child.wait().unwrap().code()), ("late", Some(0)));
}

#[test]
fn when_nobody_answers_or_listens_it_ends_and_says_why() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let output = connecting(&nobody).wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(said.starts_with(&format!("app-supervisor: cannot connect to {nobody}: ")), "{said}");

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = connecting(&server.local_addr().unwrap().to_string());
    let (mut stream, _) = server.accept().unwrap();
    drop(child.stdout.take());
    let began = Instant::now();
    // Its input stays open: the one who listened is gone all the same.
    while child.try_wait().unwrap().is_none() {
        let _ = stream.write_all(b"x");
        assert!(began.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(20));
    }
}
