//! What the example health check says of ports that answer, refuse, or are slow.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn check(arguments: &[String]) -> Probe {
    Probe::parse(arguments.iter().cloned()).unwrap()
}

/// A server that answers one request with `answer`, or never when that is empty. Gives its port and the request.
fn server(answer: &'static str) -> (u16, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let request = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        if answer.is_empty() {
            let _ = stream.read(&mut [0]); // until the client gives up
        }
        stream.write_all(answer.as_bytes()).ok();
        request
    });
    (port, request)
}

#[test]
fn a_port_that_accepts_is_healthy_and_one_that_does_not_is_named() {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let check = check(&[format!("-port={port}")]);
    assert_eq!(check.run(HERE), Ok(()));
    drop(listener);
    let text =
        format!("Failed to make TCP connection to port {port}: dial tcp 127.0.0.1:{port}: connect: connection refused");
    assert_eq!(check.run(HERE), Err(Unhealthy { text, code: 4 }));
}

#[test]
fn a_page_must_be_answered_with_200() {
    let (port, request) = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(check(&[format!("-port={port}"), "-uri=/healthz?a=b".to_owned()]).run(HERE), Ok(()));
    let request = request.join().unwrap();
    assert_eq!(request[0], "GET /healthz?a=b HTTP/1.1");
    let header = |line: &str| request.iter().any(|got| got.eq_ignore_ascii_case(line));
    assert!(header("user-agent: diego-healthcheck") && header("x-forwarded-proto: https"), "{request:?}");

    let (port, _) = server("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let unhealthy = check(&[format!("-port={port}"), "-uri=/".to_owned()]).run(HERE).unwrap_err();
    assert_eq!(unhealthy.code, 6);
    let start = format!("Failed to make HTTP request to '/' on port {port}: received status code 503 in ");
    assert!(unhealthy.text.starts_with(&start), "{}", unhealthy.text);
}

#[test]
fn an_answer_that_does_not_come_is_a_timeout() {
    let (port, request) = server("");
    let unhealthy =
        check(&[format!("-port={port}"), "-uri=/".to_owned(), "-timeout=50ms".to_owned()]).run(HERE).unwrap_err();
    let text = format!("Failed to make HTTP request to '/' on port {port}: timed out after 0.05 seconds");
    assert_eq!(unhealthy, Unhealthy { text, code: 65 });
    request.join().unwrap();
}

#[test]
fn nobody_listening_is_a_refused_connection() {
    let port = TcpListener::bind((HERE, 0)).unwrap().local_addr().unwrap().port();
    let unhealthy = check(&[format!("-port={port}"), "-uri=/".to_owned()]).run(HERE).unwrap_err();
    assert_eq!(unhealthy.code, 5);
}

#[test]
fn go_durations_are_understood() {
    assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
    assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
    for text in ["", "5", "s", "1x", "0s", "-1s"] {
        assert_eq!(duration(text), None, "{text}");
    }
    assert!(Probe::parse(["-port=99999".to_owned()]).is_err());
}
