//! Whole fetches from servers that behave well, badly, or not at all. More in the files below.
#![allow(clippy::disallowed_methods, reason = "tests look at real directories")]

mod at_once;
mod client_certificates;
mod halves;
mod known;
mod lengths;
mod proxies;
mod resume;
mod trust;
mod waiting;

use super::get::Get;
use super::loopback::{Audience, Connection, Received, Server, TestAuthority, answer, client, impatient};
use super::*;
use crate::causes::with_causes;
use crate::session::scope::{Scope, Stop, Stopped};
use crate::unpack::{Limits, UnpackError};
use http_client::{Timeouts, TransferError, Trust, Verify};
use sha2::{Digest as _, Sha256};
use shared_model::safe_url::SafeUrl;
use std::fs;
use std::io::Seek as _;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A tgz with one file `hello` that says `world`, and much that does not compress.
fn tgz(weight: usize) -> Vec<u8> {
    let mut tar = ::tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut seed = 1_u32;
    let mut dice = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    let noise: Vec<u8> = (0..weight).map(|_| dice()).collect();
    for (name, contents) in [("hello", &b"world"[..]), ("noise", &noise)] {
        let mut header = ::tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(contents.len() as u64);
        tar.append_data(&mut header, name, contents).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn sha256_of(body: &[u8]) -> String {
    Sha256::digest(body).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

struct Case {
    home: TempDir,
    audience: Audience,
    stop: Stop,
}

impl Case {
    fn new() -> Self {
        Self { home: TempDir::new().unwrap(), audience: Audience::default(), stop: Stop::default() }
    }

    fn run(&self, http: &Http, url: &str, checksum: Option<Checksum>) -> Result<Fetched, FetchError> {
        let to = self.to();
        let fetched = self.fetch(http, &Archive { checksum, ..archive(&SafeUrl::new(url), &to) })?;
        Ok(fetched.expect("nobody said that it is known"))
    }

    fn fetch(&self, http: &Http, archive: &Archive) -> Result<Option<Fetched>, FetchError> {
        fetch(http, archive, &Scope::new(&self.audience, "STG", &self.stop))
    }

    fn to(&self) -> std::path::PathBuf {
        self.home.path().join("made/app")
    }

    fn hello(&self) -> String {
        fs::read_to_string(self.to().join("hello")).unwrap()
    }

    fn left_behind(&self) -> usize {
        fs::read_dir(self.to()).map_or(0, Iterator::count)
    }
}

fn archive<'a>(from: &'a SafeUrl, to: &'a Path) -> Archive<'a> {
    Archive {
        name: "app package",
        from,
        to,
        into: None,
        checksum: None,
        owner: None,
        limits: &Limits::GENEROUS,
        known: None,
        copy: None,
        disk: None,
    }
}

/// For plain HTTP, where the hundred authorities of the system need not be read.
fn plain() -> Http {
    client(Vec::new(), Verify::Skip)
}

#[test]
fn an_archive_arrives_and_its_way_is_told() {
    let body = tgz(300_000);
    let (case, sent) = (Case::new(), body.clone());
    let server = Server::plain(move |_, _, to| answer(to, 200, "", &sent));
    let url = format!("{}/read/k?md5=SECRET&expires=1", server.url);
    let fetched = case.run(&plain(), &url, None).unwrap();
    assert_eq!((fetched.bytes, fetched.entries), (body.len() as u64, 2));
    assert_eq!(case.hello(), "world");
    let heard = case.audience.heard();
    assert!(heard.first().unwrap().contains("\"event\":\"downloading\",\"name\":\"app package\""), "{heard:?}");
    assert!(heard.last().unwrap().contains(&format!("\"bytes\":{},\"entries\":2", body.len())), "{heard:?}");
    assert!(!heard.concat().contains("SECRET"));
    assert!(
        server.asked.lock().unwrap().iter().all(|asked| asked.method == "GET"),
        "file-server answers HEAD with 405"
    );
}

#[test]
fn a_busy_server_is_asked_again() {
    let case = Case::new();
    let server = Server::plain(|_, n, to| {
        let status = if n < 2 { 503 } else { 200 };
        answer(to, status, "Retry-After: 0\r\n", &tgz(10));
    });
    case.run(&plain(), &server.url, None).unwrap();
    let retries = case.audience.heard_of("retrying");
    assert_eq!(retries.len(), 2);
    assert!(
        retries[0].contains("503 Service Unavailable") && retries[0].contains("\"attempt\":2,\"attempts\":4"),
        "{retries:?}"
    );
}

#[test]
fn a_server_that_stays_busy_is_asked_four_times() {
    let case = Case::new();
    let server = Server::plain(|_, _, to| answer(to, 429, "", b""));
    let error = case.run(&plain(), &server.url, None).unwrap_err();
    assert_eq!(
        with_causes(&error),
        format!("cannot download {}: the server answered 429 Too Many Requests", server.url)
    );
    assert_eq!((server.requests(), case.audience.heard_of("retrying").len()), (4, 3));
}

/// Ends a URL's time in 2016.
const PAST: &str = "&expires=1466017043";

#[test]
fn what_is_refused_or_not_there_is_asked_for_once() {
    for (status, query) in
        [(403, ""), (404, ""), (410, ""), (403, PAST), (404, PAST), (400, PAST), (401, PAST), (429, PAST)]
    {
        let case = Case::new();
        let server = Server::plain(move |_, _, to| answer(to, status, "", b"gone"));
        let error = case.run(&plain(), &format!("{}/k?md5=SECRET{query}", server.url), None).unwrap_err();
        let FetchError::Transfer { cause, .. } = &error else { panic!("{error}") };
        match cause {
            TransferError::Refused { status: told, expires, token_expired: false } => {
                assert_eq!((*told, expires.is_some()), (status, query == PAST));
            }
            TransferError::NotFound => assert_eq!((status, query), (404, "")),
            other => panic!("{other}"),
        }
        assert_eq!(server.requests(), 1);
        assert!(!case.to().exists(), "nothing is made for what does not come");
        assert!(!format!("{error:?} {}", with_causes(&error)).contains("SECRET"));
    }
}

#[test]
fn an_answer_that_says_expired_token_near_its_beginning_is_believed() {
    let xml = |before: usize| format!("{}<Error><Code>ExpiredToken</Code></Error>", " ".repeat(before));
    for (status, text, expected) in [
        (400, xml(0), Some(true)),
        (400, xml(100_000), None),
        (400, "<Error><Code>InvalidArgument</Code></Error>".to_owned(), None),
        (403, xml(0), Some(false)),
    ] {
        let (case, said) = (Case::new(), text.clone());
        let server = Server::plain(move |_, _, to| answer(to, status, "", said.as_bytes()));
        let error = case.run(&plain(), &format!("{}/k?expires=32503680000", server.url), None).unwrap_err();
        let FetchError::Transfer { cause, .. } = &error else { panic!("{error}") };
        let told = match cause {
            TransferError::Refused { token_expired, .. } => Some(*token_expired),
            _ => None,
        };
        assert_eq!((told, server.requests()), (expected, 1), "{status} {}", text.trim());
    }
}

#[test]
fn a_cut_off_body_is_fetched_again_and_leaves_nothing() {
    let body = tgz(300_000);
    let cut = move |_: &Received, n: usize, to: &mut dyn Connection| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let part = if n == 1 { &body[..] } else { &body[..body.len() / 2] };
        to.write_all(head.as_bytes()).and_then(|()| to.write_all(part)).unwrap();
    };
    let (case, server) = (Case::new(), Server::plain(cut.clone()));
    case.run(&plain(), &server.url, None).unwrap();
    assert_eq!((case.hello(), server.requests()), ("world".to_owned(), 2));

    let (case, server) = (Case::new(), Server::plain(move |asked, _, to| cut(asked, 0, to)));
    let error = case.run(&plain(), &server.url, None).unwrap_err();
    let FetchError::Transfer { cause: TransferError::CutOff { received, expected: Some(expected) }, .. } = error else {
        panic!("{error:?}")
    };
    assert!(received > 0 && received < expected, "{received} of {expected}");
    assert_eq!((server.requests(), case.left_behind()), (4, 0));
}

#[test]
fn what_was_there_before_survives_a_failure() {
    let case = Case::new();
    fs::create_dir_all(case.to()).unwrap();
    fs::write(case.to().join("mine"), "precious").unwrap();
    let server = Server::plain(|_, _, to| answer(to, 200, "", &tgz(300_000)[..5000]));
    let error = case.run(&plain(), &server.url, None).unwrap_err();
    assert!(matches!(error, FetchError::Unpack { cause: UnpackError::Corrupt { .. }, .. }), "{error:?}");
    assert_eq!(fs::read_to_string(case.to().join("mine")).unwrap(), "precious");
}

#[test]
fn a_body_that_stalls_is_given_up_and_tried_again() {
    let (case, body) = (Case::new(), tgz(10));
    let server = Server::plain(move |_, n, to| {
        if n == 0 {
            to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome").unwrap();
            let _ = to.read(&mut [0]); // until the client goes
        } else {
            answer(to, 200, "", &body);
        }
    });
    case.run(&impatient(Duration::from_secs(1)), &server.url, None).unwrap();
    assert!(case.audience.heard_of("retrying")[0].contains("nothing moved for 1s"));
}

#[test]
fn a_stop_is_noticed_while_nothing_comes() {
    let case = Case::new();
    let server = Server::plain(|_, _, to| drop(to.read(&mut [0])));
    let patient =
        Http::new(&Trust { files: Vec::new(), folder: None, verify: Verify::Yes, own: None }, Timeouts::default())
            .unwrap();
    let started = Instant::now();
    let error = thread::scope(|threads| {
        threads.spawn(|| {
            while server.requests() == 0 {
                thread::sleep(Duration::from_millis(5));
            }
            case.stop.ask(Stopped::Signal(15));
        });
        case.run(&patient, &server.url, None).unwrap_err()
    });
    assert!(matches!(error, FetchError::Stopped { why: Stopped::Signal(15), .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_stop_is_noticed_while_it_pours() {
    let case = Case::new();
    let server = Server::plain(|_, _, to| {
        let archive = tgz(100_000);
        let _ = to.write_all(b"HTTP/1.1 200 OK\r\n\r\n").and_then(|()| to.write_all(&archive[..50_000]));
        while to.write_all(&[7; 1000]).is_ok() {}
    });
    let error = thread::scope(|threads| {
        threads.spawn(|| {
            while server.requests() == 0 {
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(Duration::from_millis(50)); // some of it may come
            case.stop.ask(Stopped::Codependent);
        });
        case.run(&plain(), &server.url, None).unwrap_err()
    });
    // Noise after half an archive is damage as soon as it is noticed; a stop wins over it.
    assert!(matches!(error, FetchError::Stopped { why: Stopped::Codependent, .. }), "{error:?}");
    assert_eq!(case.left_behind(), 0);
}

#[test]
fn another_checksum_is_said_even_of_a_damaged_archive() {
    let wanted = Checksum::parse(Some("sha1"), Some("a9993e364706816aba3e25717850c26c9cd0d89d")).unwrap();
    for body in [tgz(10), b"not an archive".to_vec(), tgz(300_000)[..5000].to_vec()] {
        let case = Case::new();
        let server = Server::plain(move |_, _, to| answer(to, 200, "", &body));
        let error = case.run(&plain(), &server.url, wanted.clone()).unwrap_err();
        assert!(matches!(error, FetchError::Checksum { algorithm: "sha1", .. }), "{error:?}");
        assert!(with_causes(&error).contains("not a9993e364706816aba3e25717850c26c9cd0d89d"));
        assert_eq!((case.left_behind(), server.requests()), (0, 1));
    }
}

#[test]
fn a_redirect_is_followed_and_the_password_stays_behind() {
    let target = Server::plain(|_, _, to| answer(to, 200, "", &tgz(10)));
    let location = format!("Location: {}/read?md5=SECRET\r\n", target.url.replace("127.0.0.1", "localhost"));
    let api = Server::plain(move |asked, _, to| match asked.headers.get("authorization").map(String::as_str) {
        Some("Basic dTpwQHNz") => answer(to, 302, &location, b"moved"),
        _ => answer(to, 401, "WWW-Authenticate: Basic\r\n", b""),
    });
    let case = Case::new();
    case.run(&plain(), &api.url.replace("http://", "http://u:p%40ss@"), None).unwrap();
    assert_eq!(case.hello(), "world");
    assert!(!target.asked.lock().unwrap()[0].headers.contains_key("authorization"));
    let error = Case::new().run(&plain(), &api.url, None).unwrap_err();
    assert!(with_causes(&error).ends_with("the server answered 401 Unauthorized"), "{error:?}");
}

#[test]
fn a_circle_of_redirects_ends() {
    let server = Server::plain(|_, _, to| answer(to, 301, "Location: /again?SECRET\r\n", b""));
    let error = Case::new().run(&plain(), &server.url, None).unwrap_err();
    assert!(
        with_causes(&error).contains("redirects in a circle") && !with_causes(&error).contains("SECRET"),
        "{error:?}"
    );
}

#[test]
fn a_host_without_address_and_a_port_without_server_are_told_apart() {
    let error = Case::new().run(&plain(), "http://nobody.invalid/x", None).unwrap_err();
    assert!(
        with_causes(&error).ends_with("cannot resolve the host name \"nobody.invalid\""),
        "{}",
        with_causes(&error)
    );

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Case::new().run(&plain(), &format!("http://127.0.0.1:{port}/x"), None).unwrap_err();
    assert!(
        with_causes(&error).contains("cannot connect to \"127.0.0.1\": Connection refused"),
        "{}",
        with_causes(&error)
    );

    let server = Server::plain(|_, _, to| answer(to, 200, "", b""));
    let error = Case::new().run(&plain(), &server.url.replace("http:", "https:"), None).unwrap_err();
    assert!(
        matches!(&error, FetchError::Transfer { cause: TransferError::Tls { .. } | TransferError::CutOff { .. }, .. }),
        "{error:?}"
    );
}

#[test]
fn what_is_no_archive_is_named_in_words() {
    for (body, text) in [(&b""[..], "the archive is empty (0 bytes)"), (b"<html>", "it looks like an HTML page")] {
        let case = Case::new();
        let server = Server::plain(move |_, _, to| answer(to, 200, "", body));
        let error = with_causes(&case.run(&plain(), &server.url, None).unwrap_err());
        assert!(error.ends_with(text), "{error}");
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn many_archives_arrive_side_by_side() {
    let body = tgz(100_000);
    let server = Arc::new(Server::plain(move |_, _, to| answer(to, 200, "", &body)));
    let http = plain();
    thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                let case = Case::new();
                case.run(&http, &server.url, None).unwrap();
                assert_eq!(case.hello(), "world");
            });
        }
    });
}

#[test]
fn a_body_without_end_is_not_listened_to_for_ever() {
    let small = Limits { bytes: 1 << 20, ..Limits::GENEROUS };
    for (name, expected) in [("../evil", "would leave its directory"), ("good", "the archive is larger than 1 MiB")] {
        let server = Server::plain(move |_, _, to| {
            let mut tar = ::tar::Header::new_old();
            tar.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            tar.set_size(0);
            tar.set_cksum();
            let _ = to.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            let _ = to.write_all(tar.as_bytes());
            while to.write_all(&[0; 1 << 12]).is_ok() {}
        });
        let (case, from) = (Case::new(), SafeUrl::new(&server.url));
        let to = case.to();
        let error = case.fetch(&plain(), &Archive { limits: &small, ..archive(&from, &to) }).unwrap_err();
        assert!(with_causes(&error).contains(expected), "{}", with_causes(&error));
        assert_eq!((server.requests(), case.left_behind()), (1, 0));
    }
}
