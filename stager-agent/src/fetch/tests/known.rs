//! What a fetch tells for later, and what it does with what is known from before.

use super::*;
use std::io::Read as _;

const DATED: &str = "ETag: \"1-2\"\r\nLast-Modified: Wed, 15 Jun 2016 18:57:23 GMT\r\n";

fn dated() -> Validators {
    let last_modified = Some("Wed, 15 Jun 2016 18:57:23 GMT".to_owned());
    Validators { etag: Some("\"1-2\"".to_owned()), last_modified }
}

#[test]
fn it_tells_checksum_and_validators_and_keeps_a_copy_elsewhere() {
    let (case, body, into) = (Case::new(), tgz(100_000), TempDir::new().unwrap());
    let sent = body.clone();
    let server = Server::plain(move |_, n, to| match n {
        0 => answer(to, 503, "Retry-After: 0\r\n", b""),
        _ => answer(to, 200, DATED, &sent),
    });
    let (from, to, mut copy) = (SafeUrl::new(server.url.as_str()), case.to(), tempfile::tempfile().unwrap());
    let wanted = Archive { into: Some(into.path()), copy: Some(&copy), ..archive(&from, &to) };
    let Some(fetched) = case.fetch(&plain(), &wanted).unwrap() else { panic!() };
    assert_eq!((fetched.validators, fetched.verified), (dated(), false));
    let sha256 = Checksum::parse(Some("sha256"), Some(&fetched.sha256)).unwrap();
    Case::new().run(&plain(), &server.url, sha256).unwrap();
    assert!(into.path().join("hello").exists() && !case.to().exists());
    assert!(case.audience.heard_of("downloaded")[0].contains(to.to_str().unwrap()), "people see where it appears");
    let mut copied = Vec::new();
    copy.rewind().unwrap();
    copy.read_to_end(&mut copied).unwrap();
    assert!(copied == body);
}

#[test]
fn a_second_try_starts_the_copy_over() {
    let (case, body) = (Case::new(), tgz(100_000));
    let sent = body.clone();
    let server = Server::plain(move |_, n, to| {
        let etag = if n == 0 { "ETag: \"00000000000000000000000000000000\"\r\n" } else { "" };
        answer(to, 200, etag, &sent);
    });
    let (from, to, copy) = (SafeUrl::new(server.url.as_str()), case.to(), tempfile::tempfile().unwrap());
    case.fetch(&plain(), &Archive { copy: Some(&copy), ..archive(&from, &to) }).unwrap();
    assert_eq!((copy.metadata().unwrap().len(), server.requests()), (body.len() as u64, 2));
    assert!(case.audience.heard_of("retrying")[0].contains("arrived damaged: its md5 is "), "the ETag is an MD5");
}

#[test]
fn a_copy_that_cannot_be_written_is_not_taken_for_damage() {
    let case = Case::new();
    let server = Server::plain(|_, _, to| answer(to, 200, "", &tgz(100_000)));
    let (from, to, unwritable) = (SafeUrl::new(server.url.as_str()), case.to(), fs::File::open("/dev/null").unwrap());
    let error = case.fetch(&plain(), &Archive { copy: Some(&unwritable), ..archive(&from, &to) }).unwrap_err();
    assert!(matches!(error, FetchError::Copy { .. }), "{error:?}");
    assert_eq!((server.requests(), case.left_behind()), (1, 0));
}

#[test]
fn what_is_known_is_asked_for_once_and_only_if_it_has_changed() {
    let validated = |asked: &Received| asked.headers.get("if-none-match").is_some_and(|etag| etag == "\"1-2\"");
    for (status, fresh, said) in [(304, false, 0), (200, true, 1)] {
        let case = Case::new();
        let server = Server::plain(move |asked, _, to| {
            let body = if status == 200 { tgz(10) } else { Vec::new() };
            answer(to, if validated(asked) { status } else { 500 }, DATED, &body);
        });
        let (from, to, known) = (SafeUrl::new(server.url.as_str()), case.to(), dated());
        let arrived = case.fetch(&plain(), &Archive { known: Some(&known), ..archive(&from, &to) }).unwrap();
        assert_eq!((arrived.is_some(), case.to().exists()), (fresh, fresh));
        assert_eq!(case.audience.heard_of("downloading").len(), said);
        assert!(server.asked.lock().unwrap()[0].headers.contains_key("if-modified-since"));
    }
    let case = Case::new();
    let server = Server::plain(|_, _, to| answer(to, 503, "", b""));
    let (from, to, known) = (SafeUrl::new(server.url.as_str()), case.to(), dated());
    let error = case.fetch(&plain(), &Archive { known: Some(&known), ..archive(&from, &to) }).unwrap_err();
    assert!(matches!(error, FetchError::Transfer { cause: TransferError::Status { status: 503, .. }, .. }));
    assert_eq!((server.requests(), case.audience.heard().len()), (1, 0), "whoever has one need not wait");
}

/// What a question about the archive of [`DATED`], `LENGTH` bytes long and vouched for by nobody, comes to, where it is
/// answered so.
fn compared(status: u16, headers: &str, length: usize) -> probe::Probed {
    let headers = headers.to_owned();
    let server = Server::plain(move |asked, _, to| {
        assert_eq!((asked.method.as_str(), asked.headers["range"].as_str()), ("GET", "bytes=0-0"));
        assert!(!asked.headers.keys().any(|name| name.starts_with("if-")), "a condition can be said yes to by anybody");
        answer(to, status, &headers, &vec![0; if status == 206 { 1 } else { length }]);
    });
    let (case, from) = (Case::new(), SafeUrl::new(server.url.as_str()));
    let known = Known::Unverified { validators: dated(), length: LENGTH as u64 };
    let told = probe(&plain(), &from, &known, &Scope::new(&case.audience, "STG", &case.stop)).unwrap();
    assert_eq!((server.requests(), case.audience.heard().len()), (1, 0));
    told
}

const LENGTH: usize = 5000;

#[test]
fn what_nobody_vouched_for_is_the_same_only_where_all_that_the_server_tells_is() {
    let date = "Last-Modified: Wed, 15 Jun 2016 18:57:23 GMT\r\n";
    let other_etag = DATED.replace("1-2", "1-3");
    let other_date = DATED.replace("18:57:23", "18:57:24");
    for (headers, length, same) in [
        (DATED, LENGTH, true),
        (DATED, LENGTH - 1, false),
        (DATED, LENGTH + 1, false),
        (&other_etag, LENGTH, false),
        (&other_date, LENGTH, false),
        (date, LENGTH, false),
        ("ETag: \"1-2\"\r\n", LENGTH, false),
        ("", LENGTH, false),
    ] {
        let expected = if same { probe::Probed::Unchanged } else { probe::Probed::There };
        assert_eq!(compared(200, headers, length), expected, "{headers:?} {length}");
        let part = format!("{headers}Content-Range: bytes 0-0/{length}\r\n");
        assert_eq!(compared(206, &part, length), expected, "{part:?}");
    }
    for range in ["", "Content-Range: bytes 0-0/*\r\n", "Content-Range: bytes */5000\r\n", "Content-Range: x\r\n"] {
        assert_eq!(compared(206, &format!("{DATED}{range}"), 1), probe::Probed::There, "{range:?}");
    }
    assert_eq!(compared(416, DATED, 0), probe::Probed::There, "it is empty");
}

#[test]
fn a_server_that_says_unasked_that_nothing_has_changed_is_not_believed() {
    let server = Server::plain(|_, _, to| answer(to, 304, DATED, b""));
    let (case, from) = (Case::new(), SafeUrl::new(server.url.as_str()));
    let known = Known::Unverified { validators: dated(), length: LENGTH as u64 };
    let error = probe(&plain(), &from, &known, &Scope::new(&case.audience, "STG", &case.stop)).unwrap_err();
    assert!(
        matches!(error, FetchError::Transfer { cause: TransferError::Status { status: 304, .. }, .. }),
        "{error:?}"
    );
}

#[test]
fn a_validator_that_was_not_kept_is_no_agreement_and_without_any_there_is_none() {
    let server = Server::plain(|_, _, to| answer(to, 200, "ETag: \"1-2\"\r\n", &[0; 9]));
    let bare = Server::plain(|_, _, to| answer(to, 200, "", &[0; 9]));
    let (case, etag) = (Case::new(), Some("\"1-2\"".to_owned()));
    for (server, validators, expected) in [
        (&server, Validators { etag, last_modified: None }, probe::Probed::Unchanged),
        (&server, Validators::default(), probe::Probed::There),
        (&bare, Validators::default(), probe::Probed::There),
    ] {
        let known = Known::Unverified { validators, length: 9 };
        let scope = Scope::new(&case.audience, "STG", &case.stop);
        assert_eq!(probe(&plain(), &SafeUrl::new(server.url.as_str()), &known, &scope).unwrap(), expected, "{known:?}");
    }
}

#[test]
fn who_sent_it_is_told_by_address_also_through_redirects_and_tls() {
    let authority = TestAuthority::for_host("localhost");
    let secure = Server::tls(&authority, |_, _, to| answer(to, 200, "", &tgz(10)));
    let location = format!("Location: {}/\r\n", secure.url);
    let first = Server::plain(move |_, _, to| answer(to, 302, &location, b""));
    let port = secure.url.rsplit(':').next().unwrap();
    for url in [&secure.url, &first.url] {
        let peer = Case::new().run(&plain(), url, None).unwrap().peer.unwrap();
        assert!(peer.ip().is_loopback() && peer.port().to_string() == port, "{peer} is not at {port}");
    }
}

#[test]
fn an_archive_is_hashed_without_being_unpacked_and_not_beyond_what_it_should_have() {
    let body = b"no archive at all".to_vec();
    let (case, length, sent) = (Case::new(), body.len() as u64, body.clone());
    let server = Server::plain(move |_, n, to| match n {
        0 => answer(to, 503, "Retry-After: 0\r\n", b""),
        _ => answer(to, 200, "", &sent),
    });
    let gone = Server::plain(|_, _, to| answer(to, 404, "", b""));
    let scope = Scope::new(&case.audience, "STG", &case.stop);
    let hash = |server: &Server, most| hashed(&plain(), &SafeUrl::new(server.url.as_str()), most, &scope);
    assert_eq!(hash(&server, length).unwrap(), Hashed::Whole(sha256_of(&body)));
    assert_eq!(case.audience.heard_of("retrying").len(), 1);
    assert_eq!(hash(&server, length - 1).unwrap(), Hashed::Larger);
    assert!(matches!(hash(&gone, length), Err(FetchError::Transfer { cause: TransferError::NotFound, .. })));
    assert_eq!(case.audience.heard().len(), 1, "nothing is said of how far it is");
    case.stop.ask(Stopped::Signal(15));
    assert!(matches!(hash(&server, length), Err(FetchError::Stopped { .. })));
}

#[test]
fn validators_stay_with_their_host() {
    let target = Server::plain(|_, _, to| answer(to, 200, "", &tgz(10)));
    let location = format!("Location: {}/\r\n", target.url.replace("127.0.0.1", "localhost"));
    let server = Server::plain(move |_, _, to| answer(to, 302, &location, b""));
    let (case, known) = (Case::new(), dated());
    let (from, to) = (SafeUrl::new(server.url.as_str()), case.to());
    case.fetch(&plain(), &Archive { known: Some(&known), ..archive(&from, &to) }).unwrap();
    assert!(server.asked.lock().unwrap()[0].headers.contains_key("if-none-match"));
    assert!(!target.asked.lock().unwrap()[0].headers.contains_key("if-none-match"));
}

#[test]
fn only_verified_tls_all_the_way_counts_as_verified() {
    let authority = TestAuthority::for_host("localhost");
    let secure = Server::tls(&authority, |_, _, to| answer(to, 200, "", &tgz(10)));
    let location = format!("Location: {}/\r\n", secure.url);
    let insecure = Server::plain(move |_, _, to| answer(to, 302, &location, b""));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, &authority.pem).unwrap();
    let trusting = client(vec![file], Verify::Yes);
    for (http, url, expected) in
        [(&trusting, &secure.url, true), (&plain(), &secure.url, false), (&trusting, &insecure.url, false)]
    {
        assert_eq!(Case::new().run(http, url, None).unwrap().verified, expected, "{url}");
    }
}
