//! Uploads to receivers that are busy, refuse, answer early, late, or never.
#![allow(clippy::disallowed_methods, reason = "tests send real files")]

use super::*;
use crate::causes::with_causes;
use crate::fetch::loopback::{Audience, Connection, Received, Server, answer, client};
use crate::session::scope::{Stop, Stopped};
use base64::Engine as _;
use http_client::{Timeouts, Trust, Verify};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use std::fs;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const DROPLET: usize = 1_000_000;
/// More than the sockets on both sides take by themselves.
const MUCH: usize = 16_000_000;

/// Does as cc-uploader does, except that it also compares the checksums, as Cloud Controller would.
fn cc_uploader(asked: &Received, to: &mut dyn Connection) -> (u16, &'static str) {
    if asked.headers.contains_key("transfer-encoding") || !asked.headers.contains_key("content-length") {
        return (411, "Missing Content Length");
    }
    let mut body = vec![0; asked.headers["content-length"].parse().unwrap()];
    to.read_exact(&mut body).unwrap();
    let md5 = base64::engine::general_purpose::STANDARD.encode(Md5::digest(&body));
    let sha256 = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&body));
    if asked.headers["content-digest"] != format!("sha-256=:{sha256}:") {
        return (400, "another digest");
    }
    if asked.headers["content-md5"] != md5 || asked.headers["content-type"] != "application/octet-stream" {
        return (400, "another checksum or type");
    }
    if asked.method == "POST" { (201, "") } else { (405, "") }
}

/// What is told of a droplet that arrived.
fn sent(droplet: &[u8]) -> String {
    shared_model::hex::hex(&Sha256::digest(droplet))
}

struct Case {
    folder: TempDir,
    audience: Audience,
    stop: Stop,
}

impl Case {
    fn with(droplet: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("droplet"), droplet).unwrap();
        Self { folder, audience: Audience::default(), stop: Stop::default() }
    }

    fn run(&self, to: &str) -> Result<String, UploadError> {
        self.run_file("droplet", to)
    }

    fn run_file(&self, file: &str, to: &str) -> Result<String, UploadError> {
        self.run_with(&client(Vec::new(), Verify::Skip), file, to)
    }

    fn run_with(&self, http: &Http, file: &str, to: &str) -> Result<String, UploadError> {
        let (file, to) = (self.folder.path().join(file), SafeUrl::new(to));
        let droplet = Upload { name: "droplet", path: &file, file: &open(&file, &[])?, to: &to };
        upload(http, &droplet, &Scope::new(&self.audience, "STG", &self.stop))
    }
}

#[test]
fn a_droplet_arrives_whole_after_two_busy_answers() {
    let droplet: Vec<u8> = (0..DROPLET).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let case = Case::with(&droplet);
    let server = Server::plain(|asked, n, to| {
        let (status, text) = cc_uploader(asked, to);
        answer(to, if n < 2 { 503 } else { status }, "", text.as_bytes());
    });
    let url = format!("{}/v1/droplet/18c5?cc-droplet-upload-uri=http%3A%2F%2Fu%3ASECRET%40api", server.url);
    assert_eq!(case.run(&url).unwrap(), sent(&droplet));
    let asked = server.asked.lock().unwrap();
    assert!(asked.iter().all(|asked| asked.path.ends_with("u%3ASECRET%40api")), "the URL goes out untouched");
    let heard = case.audience.heard();
    let names: Vec<_> = heard.iter().map(|line| line.split('"').nth(3).unwrap()).collect();
    assert_eq!(names, ["uploading", "retrying", "retrying", "uploaded"]);
    assert!(!heard.concat().contains("SECRET"));
}

#[test]
fn a_refusal_is_told_with_the_servers_words_unless_they_hold_a_url() {
    for (words, told) in [("upload job failed", ": upload job failed"), ("Post http://u:SECRET@api/: refused", "")] {
        let case = Case::with(b"droplet");
        let server = Server::plain(move |asked, _, to| {
            cc_uploader(asked, to);
            answer(to, 500, "", words.as_bytes());
        });
        let error = with_causes(&case.run(&server.url).unwrap_err());
        assert!(error.ends_with(&format!("the server answered 500 Internal Server Error{told}")), "{error}");
        assert_eq!(server.requests(), 4);
        assert!(!case.audience.heard().concat().contains("SECRET"));
    }
}

#[test]
fn what_will_not_change_is_not_tried_again() {
    for status in [302, 400, 403, 411] {
        let case = Case::with(b"droplet");
        let server = Server::plain(move |asked, _, to| {
            cc_uploader(asked, to);
            answer(to, status, "Location: /elsewhere\r\n", b"");
        });
        let error = with_causes(&case.run(&server.url).unwrap_err());
        assert!(error.contains(&format!("the server answered {status} ")), "{error}");
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn a_file_that_is_missing_or_empty_or_no_file_is_not_sent() {
    let case = Case::with(b"");
    let server = Server::plain(|_, _, to| answer(to, 201, "", b""));
    assert!(matches!(case.run(&server.url), Err(UploadError::Empty { .. })));
    assert!(matches!(case.run_file("missing", &server.url), Err(UploadError::File { .. })));
    let path = |name| case.folder.path().join(name);
    fs::write(path("secret"), "another's").unwrap();
    std::os::unix::fs::symlink(path("secret"), path("link")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    for name in ["", "link", "pipe"] {
        assert!(matches!(case.run_file(name, &server.url), Err(UploadError::NotTaken { .. })), "{name}");
    }
    assert_eq!((server.requests(), case.audience.heard().len()), (0, 0));
}

#[test]
fn every_try_sends_the_file_that_was_opened_with_the_checksum_of_the_first() {
    let droplet: Vec<u8> = (0..DROPLET).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let case = Case::with(&droplet);
    let file = case.folder.path().join("droplet");
    let server = Server::plain(move |asked, n, to| {
        let (status, text) = cc_uploader(asked, to);
        if n == 0 {
            fs::remove_file(&file).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
        }
        answer(to, if n == 0 { 503 } else { status }, "", text.as_bytes());
    });
    assert_eq!(case.run(&server.url).unwrap(), sent(&droplet));
    assert_eq!(server.requests(), 2);
}

#[test]
fn the_checksum_is_made_once() {
    let case = Case::with(&vec![1; DROPLET]);
    let file = case.folder.path().join("droplet");
    let server = Server::plain(move |asked, _, to| {
        let (status, _) = cc_uploader(asked, to);
        fs::write(&file, vec![2; DROPLET]).unwrap(); // in place: whoever hashed it again would notice
        answer(to, if status == 201 { 503 } else { status }, "", b"");
    });
    let error = with_causes(&case.run(&server.url).unwrap_err());
    assert!(error.contains("the server answered 400"), "{error}");
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    for header in ["content-md5", "content-digest"] {
        assert_eq!(asked[0].headers[header], asked[1].headers[header]);
    }
}

#[test]
fn an_answer_before_the_end_of_the_body_is_heard() {
    for (status, requests) in [(503, 2), (413, 1)] {
        let case = Case::with(&vec![1; MUCH]);
        let server = Server::plain(move |asked, n, to| {
            // The first hangs up on a body half sent.
            let (status, text) = if n == 0 { (status, "not now") } else { cc_uploader(asked, to) };
            answer(to, status, "Retry-After: 0\r\n", text.as_bytes());
            // Hanging up resets the connection, and may overtake an answer that is still on its way.
            thread::sleep(Duration::from_millis(100));
        });
        let result = case.run(&server.url);
        assert_eq!(server.requests(), requests);
        match result {
            Ok(_) => {
                let retries = case.audience.heard_of("retrying");
                assert!(retries[0].contains("503 Service Unavailable: not now"), "{retries:?}");
            }
            Err(error) => assert!(with_causes(&error).contains("the server answered 413 "), "{error:?}"),
        }
    }
}

#[test]
fn a_receiver_that_answers_late_is_waited_for_as_long_as_its_url_says() {
    let server = Server::plain(|asked, n, to| {
        let (status, text) = cc_uploader(asked, to);
        thread::sleep(Duration::from_millis(if n == 0 { 1500 } else { 0 }));
        answer(to, status, "", text.as_bytes());
    });
    let case = Case::with(b"droplet");
    case.run(&format!("{}/v1/droplet/18c5?timeout=30", server.url)).unwrap();
    assert_eq!(case.audience.heard_of("retrying").len(), 0);

    let late = Server::plain(|asked, n, to| {
        let (status, text) = cc_uploader(asked, to);
        thread::sleep(Duration::from_millis(if n == 0 { 1500 } else { 0 }));
        answer(to, status, "", text.as_bytes());
    });
    let case = Case::with(b"droplet");
    case.run(&format!("{}/v1/droplet/18c5?timeout=1", late.url)).unwrap();
    let retries = case.audience.heard_of("retrying");
    assert!(retries.first().is_some_and(|retry| retry.contains("nothing moved for 1s")), "{retries:?}");
}

#[test]
fn the_time_in_all_bounds_the_sending_and_not_the_thinking() {
    let in_a_second = Timeouts { total: Duration::from_secs(1), ..Timeouts::default() };
    let http =
        Http::new(&Trust { files: Vec::new(), folder: None, verify: Verify::Skip, own: None }, in_a_second).unwrap();
    let slow = Server::plain(|_, _, to| {
        let mut received = [0; 1000];
        while to.read(&mut received).is_ok_and(|count| count > 0) {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let case = Case::with(&vec![1; MUCH]);
    let error = with_causes(&case.run_with(&http, "droplet", &slow.url).unwrap_err());
    assert!(error.ends_with("it took longer than 1s"), "{error}");

    let thinking = Server::plain(|asked, _, to| {
        let (status, text) = cc_uploader(asked, to);
        thread::sleep(Duration::from_millis(1500));
        answer(to, status, "", text.as_bytes());
    });
    Case::with(b"droplet").run_with(&http, "droplet", &thinking.url).unwrap();
}

#[test]
fn a_stop_is_noticed_while_the_receiver_thinks() {
    let case = Case::with(b"droplet");
    let server = Server::plain(|asked, _, to| {
        cc_uploader(asked, to);
        let _ = to.read(&mut [0]); // Cloud Controller's job takes long
    });
    let error = thread::scope(|threads| {
        threads.spawn(|| {
            while server.requests() == 0 {
                thread::sleep(Duration::from_millis(5));
            }
            case.stop.ask(Stopped::Signal(2));
        });
        case.run(&server.url).unwrap_err()
    });
    assert!(matches!(error, UploadError::Stopped { why: Stopped::Signal(2), .. }), "{error:?}");
}

#[test]
fn a_stopped_upload_does_not_go_on_behind_our_back() {
    let case = Case::with(&vec![1; MUCH]);
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let stop = &case.stop;
    let (go, gone) = std::sync::mpsc::sync_channel::<()>(1);
    let gone = std::sync::Mutex::new(gone);
    let server = Server::plain(move |_, _, to| {
        gone.lock().unwrap().recv().unwrap(); // reads nothing until the upload was stopped
        let mut received = Vec::new();
        let _ = to.read_to_end(&mut received);
        tell.send(received.len()).unwrap();
    });
    thread::scope(|threads| {
        threads.spawn(|| {
            while server.requests() == 0 {
                thread::sleep(Duration::from_millis(5));
            }
            stop.ask(Stopped::Signal(15));
        });
        case.run(&server.url).unwrap_err();
    });
    go.send(()).unwrap();
    assert!(told.recv_timeout(Duration::from_secs(10)).unwrap() < MUCH);
}

#[test]
fn a_web_page_is_nobody_who_took_it() {
    let case = Case::with(b"droplet");
    let server = Server::plain(|asked, _, to| {
        let (_, text) = cc_uploader(asked, to);
        answer(to, 200, "content-type: text/html; charset=utf-8\r\n", format!("<html>{text}</html>").as_bytes());
    });
    let error = case.run(&format!("{}/v1/droplet/18c5", server.url)).unwrap_err();
    assert!(with_causes(&error).contains("the server's answer cannot be understood: it is a web page"), "{error:?}");
    assert_eq!(server.asked.lock().unwrap().len(), 1, "another try would meet the same");
}
