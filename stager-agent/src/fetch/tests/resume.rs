//! Bodies that break off: what goes on, what starts over, and what is given up.

use super::*;

const ETAG: &str = "\"1-2\"";

/// Sends `body` from `from` on, of which only `piece` bytes get through, then hangs up.
fn send_piece(to: &mut dyn Connection, body: &[u8], from: usize, piece: usize, etag: &str) {
    let total = body.len();
    let first = if from == 0 {
        "HTTP/1.1 200 OK\r\n".to_owned()
    } else {
        format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\n", total - 1)
    };
    let head = format!("{first}Content-Length: {}\r\nETag: {etag}\r\n\r\n", total - from);
    let _ =
        to.write_all(head.as_bytes()).and_then(|()| to.write_all(&body[from..total.min(from.saturating_add(piece))]));
}

/// Where a request wants its rest from; 0: it wants all.
fn wanted(asked: &Received) -> usize {
    let Some(range) = asked.headers.get("range") else { return 0 };
    assert_eq!(asked.headers["if-range"], ETAG);
    range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap()
}

#[test]
fn a_body_that_breaks_off_goes_on_where_it_was() {
    for stalls in [false, true] {
        let (case, body) = (Case::new(), tgz(300_000));
        let (sent, half) = (body.clone(), body.len() / 2);
        let server = Server::plain(move |asked, n, to| {
            let from = wanted(asked);
            assert_eq!(from, if n == 0 { 0 } else { half });
            send_piece(to, &sent, from, if n == 0 { half } else { usize::MAX }, ETAG);
            if stalls && n == 0 {
                let _ = to.read(&mut [0]); // until the client goes
            }
        });
        let sha256 = Checksum::parse(Some("sha256"), Some(&sha256_of(&body))).unwrap();
        case.run(&impatient(Duration::from_secs(1)), &server.url, sha256).unwrap();
        assert_eq!((case.hello(), server.requests()), ("world".to_owned(), 2));
        let told = case.audience.heard_of("retrying");
        let reason = if stalls { "nothing moved for 1s".to_owned() } else { format!("after {half} of {}", body.len()) };
        assert!(
            told.len() == 1 && told[0].contains(&reason) && told[0].contains("\"attempt\":2,\"attempts\":4"),
            "{told:?}"
        );
        assert_eq!(case.audience.heard_of("downloading").len(), 1);
    }
}

#[test]
fn a_large_body_arrives_over_a_network_that_cuts_off_every_piece() {
    let (case, body) = (Case::new(), tgz(9_000_000));
    let sent = body.clone();
    let server = Server::plain(move |asked, _, to| send_piece(to, &sent, wanted(asked), 1_200_000, ETAG));
    let fetched = case.run(&plain(), &server.url, None).unwrap();
    assert_eq!((fetched.bytes, fetched.sha256), (body.len() as u64, sha256_of(&body)));
    assert_eq!(server.requests(), body.len().div_ceil(1_200_000));
}

#[test]
fn a_network_that_brings_next_to_nothing_is_given_up() {
    let (case, body) = (Case::new(), tgz(300_000));
    let total = body.len();
    let server = Server::plain(move |asked, _, to| send_piece(to, &body, wanted(asked), 10_000, ETAG));
    let error = case.run(&plain(), &server.url, None).unwrap_err();
    let FetchError::Transfer { cause: TransferError::CutOff { received, expected }, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((received, expected), (40_000, Some(total as u64)));
    assert_eq!((server.requests(), case.left_behind()), (4, 0));
}

#[test]
fn coming_as_far_as_before_is_no_progress() {
    let (case, body) = (Case::new(), tgz(3_000_000));
    let server = Server::plain(move |asked, _, to| match wanted(asked) {
        0 => send_piece(to, &body, 0, 2_000_000, ETAG),
        _ => answer(to, 416, "", b""),
    });
    let error = case.run(&plain(), &server.url, None).unwrap_err();
    assert!(
        matches!(error, FetchError::Transfer { cause: TransferError::NotResumed { from: 2_000_000 }, .. }),
        "{error:?}"
    );
    assert_eq!((server.requests(), case.left_behind()), (4, 0));
}

#[test]
fn a_rest_of_another_body_is_not_glued_to_the_first_part() {
    type Rest = fn(&mut dyn Connection, &[u8], usize);
    let cases: [(&str, Rest); 5] = [
        ("the whole of a new one", |to, new, _| answer(to, 200, "ETag: \"new\"\r\n", new)),
        ("no such range", |to, _, _| answer(to, 416, "Content-Range: bytes */7\r\n", b"")),
        ("another range", |to, new, from| send_piece(to, new, from - 1, usize::MAX, ETAG)),
        ("another ETag", |to, new, from| send_piece(to, new, from, usize::MAX, "\"new\"")),
        ("no range named", |to, new, from| answer(to, 206, "", &new[from..])),
    ];
    for (what, rest) in cases {
        let (case, old, new) = (Case::new(), tgz(300_000), tgz(200_000));
        let sent = new.clone();
        let server = Server::plain(move |asked, n, to| match n {
            0 => send_piece(to, &old, 0, 100_000, ETAG),
            1 => rest(to, &sent, wanted(asked)),
            _ => send_piece(to, &sent, wanted(asked), usize::MAX, "\"new\""),
        });
        let fetched = case.run(&plain(), &server.url, None).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!((fetched.sha256, fetched.validators.etag.as_deref()), (sha256_of(&new), Some("\"new\"")), "{what}");
        assert_eq!(server.requests(), 3, "{what}");
        let told = case.audience.heard_of("retrying");
        assert!(told[1].contains("cannot send only the rest"), "{what}: {told:?}");
    }
}

#[test]
fn a_rest_that_is_refused_ends_the_transfer_and_a_busy_server_does_not() {
    let (case, body) = (Case::new(), tgz(300_000));
    let sent = body.clone();
    let server = Server::plain(move |asked, n, to| match n {
        0 => send_piece(to, &sent, 0, 100_000, ETAG),
        1 => answer(to, 503, "Retry-After: 0\r\n", b""),
        _ => send_piece(to, &sent, wanted(asked), usize::MAX, ETAG),
    });
    assert_eq!(case.run(&plain(), &server.url, None).unwrap().sha256, sha256_of(&body));

    let case = Case::new();
    let server = Server::plain(move |_, n, to| match n {
        0 => send_piece(to, &body, 0, 100_000, ETAG),
        _ => answer(to, 410, "", b""),
    });
    let error = case.run(&plain(), &server.url, None).unwrap_err();
    let FetchError::Transfer { cause: TransferError::Refused { status: 410, .. }, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((server.requests(), case.left_behind()), (2, 0));
}

#[test]
fn a_rest_is_asked_for_behind_the_redirect_too() {
    let (case, body) = (Case::new(), tgz(300_000));
    let sent = body.clone();
    let target = Server::plain(move |asked, n, to| {
        send_piece(to, &sent, wanted(asked), if n == 0 { 100_000 } else { usize::MAX }, ETAG);
    });
    let location = format!("Location: {}/\r\n", target.url.replace("127.0.0.1", "localhost"));
    let server = Server::plain(move |_, _, to| answer(to, 302, &location, b""));
    assert_eq!(case.run(&plain(), &server.url, None).unwrap().sha256, sha256_of(&body));
    assert_eq!((server.requests(), target.requests()), (2, 2));
}
