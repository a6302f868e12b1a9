//! How many transfers are under way at the same time.

use super::super::body::Body;
use super::super::retry::with_retries;
use super::*;
use crate::upload::{Upload, upload};
use std::convert::Infallible;
use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More than may be under way.
const MANY: usize = 10;
/// What may be.
const PLACES: usize = 6;

#[test]
fn transfers_in_both_directions_share_the_places() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let highest = Arc::clone(&most);
    let server = Server::plain(move |asked, _, to| {
        highest.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let mut body = vec![0; asked.headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
        to.read_exact(&mut body).unwrap();
        thread::sleep(Duration::from_millis(300)); // long enough for all that may come
        inside.fetch_sub(1, Ordering::SeqCst); // before the client can know that it may send the next
        answer(to, 200, "", &tgz(10));
    });
    let (http, folder) = (plain(), TempDir::new().unwrap());
    let file = folder.path().join("droplet");
    fs::write(&file, "droplet").unwrap();
    thread::scope(|threads| {
        for number in 0..MANY {
            let (http, server, file) = (&http, &server, &file);
            threads.spawn(move || {
                let case = Case::new();
                if number % 2 == 0 {
                    case.run(http, &server.url, None).unwrap();
                } else {
                    let opened = crate::upload::open(file, &[]).unwrap();
                    let to = SafeUrl::new(server.url.as_str());
                    let parcel = Upload { name: "droplet", path: file, file: &opened, to: &to };
                    upload(http, &parcel, &Scope::new(&case.audience, "STG", &case.stop)).unwrap();
                }
            });
        }
    });
    assert_eq!((server.requests(), most.load(Ordering::SeqCst)), (MANY, PLACES));
}

/// Reads bodies to their ends, each while it still holds those before it.
fn hold(http: &Http, url: &SafeUrl, scope: &Scope, more: usize) -> Result<usize, AttemptError<Infallible>> {
    if more == 0 {
        return Ok(0);
    }
    with_retries(url, http.timeouts(), scope, |retries| {
        let mut body = Body::open(http, url, Get::Whole, retries)?.unwrap();
        body.read_to_end(&mut Vec::new()).unwrap();
        let held = hold(http, url, scope, more - 1);
        drop(body);
        Ok(held? + 1)
    })
}

#[test]
fn a_body_that_has_come_takes_no_place_while_it_is_unpacked() {
    let server = Server::plain(|_, _, to| answer(to, 200, "", b"body"));
    let (case, http, url) = (Case::new(), plain(), SafeUrl::new(server.url.as_str()));
    let endless = Scope::new(&case.audience, "STG", &case.stop);
    let held = hold(&http, &url, &endless.limited(Duration::from_secs(20)), MANY);
    assert_eq!(held.unwrap(), MANY);
}
