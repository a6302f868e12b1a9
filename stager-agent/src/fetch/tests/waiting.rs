//! How long a transfer waits for what: the limits on connecting and on all of it. (Silence within a body: `tests.rs`.)

use super::*;
use http_client::{Client, Proxies};
use std::net::{TcpListener, TcpStream};

const SECOND: Duration = Duration::from_secs(1);

fn patient(timeouts: Timeouts) -> Http {
    let trust = Trust { files: Vec::new(), folder: None, verify: Verify::Skip, own: None };
    Http::from_client(Client::through(Proxies::default(), &trust, timeouts).unwrap())
}

/// A listener whose queue is full: what else wants to connect hears nothing.
fn full() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let soon = Duration::from_millis(200);
    let waiting = (0..8).map_while(|_| TcpStream::connect_timeout(&address, soon).ok()).collect();
    (listener, waiting)
}

#[test]
fn a_connection_and_its_tls_must_be_there_in_time() {
    let (listener, _waiting) = full();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // takes connections and says nothing
    let urls =
        [format!("http://{}/", listener.local_addr().unwrap()), format!("https://{}/", silent.local_addr().unwrap())];
    for url in urls {
        let http = patient(Timeouts { connect: SECOND, retries: 0, ..Timeouts::default() });
        let started = Instant::now();
        let error = with_causes(&Case::new().run(&http, &url, None).unwrap_err());
        assert!(error.ends_with("cannot connect to \"127.0.0.1\": no answer in 1s"), "{url}: {error}");
        assert!(started.elapsed() < SECOND * 5, "{url}: {:?}", started.elapsed());
    }
}

#[test]
fn a_body_that_only_drips_is_given_up_when_the_time_in_all_is_over() {
    let server = Server::plain(|_, _, to| {
        let _ = to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while to.write_all(b".").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let (case, http) = (Case::new(), patient(Timeouts { total: SECOND, ..Timeouts::default() }));
    let started = Instant::now();
    let error = with_causes(&case.run(&http, &server.url, None).unwrap_err());
    assert!(error.ends_with("it took longer than 1s"), "{error}");
    assert!(started.elapsed() < SECOND * 5, "{:?}", started.elapsed());
    assert_eq!((server.requests(), case.left_behind()), (1, 0));
}
