//! Bodies that are longer or shorter than announced, encoded, or not what was asked for.

use super::*;
use std::io::Write as _;

/// Sends these bytes and hangs up.
fn send(to: &mut dyn Connection, head: &str, bodies: &[&[u8]]) {
    let _ = to.write_all(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes());
    for body in bodies {
        let _ = to.write_all(body).and_then(|()| to.flush());
        thread::sleep(Duration::from_millis(20)); // in packets of their own
    }
}

fn chunked(body: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

fn told(server: &Server) -> String {
    let case = Case::new();
    let error = case.run(&plain(), &server.url, None).unwrap_err();
    assert_eq!(case.left_behind(), 0);
    with_causes(&error)
}

#[test]
fn a_body_that_is_longer_than_announced_is_an_error() {
    for surplus in [b"x".to_vec(), b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![0; 300_000]] {
        let server = Server::plain(move |_, _, to| {
            let body = tgz(10);
            send(to, &format!("200 OK\r\nContent-Length: {}", body.len()), &[&[&body[..], &surplus].concat()]);
        });
        let expected = format!("the server sent more than the {} bytes that it announced", tgz(10).len());
        let told = told(&server);
        assert!(told.ends_with(&expected), "{told}");
        assert_eq!(server.requests(), 4);
    }
    let server = Server::plain(|_, _, to| {
        send(to, "200 OK\r\nTransfer-Encoding: chunked", &[&[&chunked(&tgz(10))[..], b"more"].concat()]);
    });
    let told = told(&server);
    assert!(told.ends_with("the server sent more than the chunks that it announced"), "{told}");
}

#[test]
fn tls_bodies_are_watched_the_same_way() {
    let authority = TestAuthority::for_host("localhost");
    let exact = Server::tls(&authority, |_, _, to| answer(to, 200, "", &tgz(10)));
    Case::new().run(&plain(), &exact.url, None).unwrap();
    let longer = Server::tls(&authority, |_, _, to| {
        let body = tgz(10);
        send(to, &format!("200 OK\r\nContent-Length: {}", body.len()), &[&[&body[..], b"more"].concat()]);
    });
    let told = told(&longer);
    assert!(told.contains("the server sent more than"), "{told}");
    let stalling = Server::tls(&authority, |_, n, to| match n {
        0 => {
            let _ = to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome").and_then(|()| to.flush());
            let _ = to.read(&mut [0]); // until the client goes
        }
        _ => answer(to, 200, "", &tgz(10)),
    });
    let case = Case::new();
    case.run(&impatient(Duration::from_secs(1)), &stalling.url, None).unwrap();
    assert!(case.audience.heard_of("retrying")[0].contains("nothing moved for 1s"));
}

#[test]
fn a_server_that_does_not_hang_up_is_not_waited_for() {
    let server = Server::plain(|asked, _, to| {
        assert_eq!(asked.headers["connection"], "close");
        answer(to, 200, "", &tgz(10));
        let _ = to.read(&mut [0]); // until the client goes
    });
    let started = Instant::now();
    Case::new().run(&plain(), &server.url, None).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn chunks_that_end_early_are_an_error_and_whole_ones_are_not() {
    let whole = Server::plain(|_, _, to| send(to, "200 OK\r\nTransfer-Encoding: chunked", &[&chunked(&tgz(10))]));
    Case::new().run(&plain(), &whole.url, None).unwrap();
    let short = Server::plain(|_, _, to| {
        let body = chunked(&tgz(300_000));
        send(to, "200 OK\r\nTransfer-Encoding: chunked", &[&body[..body.len() / 2]]);
    });
    let told = told(&short);
    assert!(told.contains("the connection was cut off after "), "{told}");
}

#[test]
fn lengths_that_contradict_each_other_are_not_understood() {
    for lengths in ["Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5, 6", "Content-Length: -5"] {
        let server = Server::plain(move |_, _, to| send(to, &format!("200 OK\r\n{lengths}"), &[b"12345"]));
        let told = told(&server);
        assert!(told.contains("the server's answer cannot be understood"), "{lengths}: {told}");
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn only_200_is_an_answer_to_who_asks_for_all() {
    for status in [201, 204, 206, 304] {
        let server = Server::plain(move |asked, _, to| {
            assert_eq!(asked.headers.get("range"), None);
            answer(to, status, "Content-Range: bytes 0-9/10\r\n", b"");
        });
        let told = told(&server);
        assert!(told.contains(&format!("the server answered {status} ")), "{told}");
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn an_archive_that_the_server_calls_encoded_is_taken_as_it_comes() {
    let server = Server::plain(|asked, _, to| {
        assert_eq!(asked.headers["accept-encoding"], "identity");
        answer(to, 200, "Content-Encoding: gzip\r\n", &tgz(10)); // as some servers call every .tgz
    });
    Case::new().run(&plain(), &server.url, None).unwrap();

    let encoded = Server::plain(|_, _, to| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"PK\x03\x04 and so on").unwrap();
        answer(to, 200, "Content-Encoding: gzip\r\n", &gzip.finish().unwrap());
    });
    let words = "the server encoded the file (Content-Encoding: gzip), though it was asked for as it is";
    let told = told(&encoded);
    assert!(told.ends_with(words), "{told}");
    let checksum = Checksum::parse(Some("sha256"), Some(&sha256_of(b"another"))).unwrap();
    let error = Case::new().run(&plain(), &server.url, checksum).unwrap_err();
    assert!(with_causes(&error).ends_with(words), "{error:?}");
}

#[test]
fn https_does_not_lead_to_http_where_certificates_count() {
    let authority = TestAuthority::for_host("localhost");
    let target = Server::plain(|_, _, to| answer(to, 200, "", &tgz(10)));
    let location = format!("Location: {}/x?SECRET\r\n", target.url);
    let server = Server::tls(&authority, move |_, _, to| answer(to, 302, &location, b""));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, &authority.pem).unwrap();
    let error = with_causes(&Case::new().run(&client(vec![file], Verify::Yes), &server.url, None).unwrap_err());
    assert!(
        error.contains("the server redirects from https to http (\"127.0.0.1\")") && !error.contains("SECRET"),
        "{error}"
    );
    assert_eq!((server.requests(), target.requests()), (1, 0));
    Case::new().run(&plain(), &server.url, None).unwrap();
}
