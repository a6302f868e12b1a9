#![allow(clippy::disallowed_methods, reason = "tests send real files")]

use super::*;
use crate::fetch::Verify;
use crate::fetch::loopback::{Asked, Audience, Connection, Server, answer, client};
use crate::scope::Stop;
use base64::Engine as _;
use md5::{Digest as _, Md5};
use std::fs;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const DROPLET: usize = 1_000_000;
/// More than the sockets on both sides take by themselves.
const MUCH: usize = 16_000_000;

/// Does as cc-uploader does, except that it also compares the checksum, as Cloud Controller would.
fn cc_uploader(asked: &Asked, to: &mut dyn Connection) -> (u16, &'static str) {
    if asked.headers.contains_key("transfer-encoding") || !asked.headers.contains_key("content-length") {
        return (411, "Missing Content Length");
    }
    let mut body = vec![0; asked.headers["content-length"].parse().unwrap()];
    to.read_exact(&mut body).unwrap();
    let md5 = base64::engine::general_purpose::STANDARD.encode(Md5::digest(&body));
    if asked.headers["content-md5"] != md5 || asked.headers["content-type"] != "application/octet-stream" {
        return (400, "another checksum or type");
    }
    if asked.method == "POST" { (201, "") } else { (405, "") }
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

    fn run(&self, to: &str) -> Result<Sent, UploadError> {
        self.run_file("droplet", to)
    }

    fn run_file(&self, file: &str, to: &str) -> Result<Sent, UploadError> {
        let (file, to) = (self.folder.path().join(file), SafeUrl::new(to));
        let parcel = Parcel { name: "droplet", file: &file, to: &to };
        let http = client(Vec::new(), Verify::Skip);
        upload(&http, &parcel, &Scope::new(&self.audience, "STG", &self.stop))
    }
}

fn in_full(error: &UploadError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
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
    assert_eq!(case.run(&url).unwrap(), Sent { bytes: DROPLET as u64 });
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
        let error = in_full(&case.run(&server.url).unwrap_err());
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
        let error = in_full(&case.run(&server.url).unwrap_err());
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
    assert!(matches!(case.run_file("", &server.url), Err(UploadError::NotAFile { .. })));
    assert_eq!((server.requests(), case.audience.heard().len()), (0, 0));
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
            case.stop.by_signal(2);
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
            stop.by_signal(15);
        });
        case.run(&server.url).unwrap_err();
    });
    go.send(()).unwrap();
    assert!(told.recv_timeout(Duration::from_secs(10)).unwrap() < MUCH);
}
