//! Real transfers through a real proxy, to servers that cannot be reached otherwise.

use super::super::loopback::{TestProxy, through};
use super::*;
use http_client::{Address, Proxies};

/// `u:p%40ss` as a proxy is told.
const BASIC: &str = "Basic dTpwQHNz";

fn proxies(variable: &'static str, value: &str) -> Proxies {
    Proxies::from_env(|name| (name == variable).then(|| value.to_owned())).unwrap()
}

fn renamed(server: &Server) -> String {
    let port = server.url.rsplit(':').next().unwrap();
    format!("{}://blobstore.test:{port}", server.url.split(':').next().unwrap())
}

#[test]
fn plain_http_is_passed_on_by_the_proxy() {
    let (server, proxy) = (Server::plain(|_, _, to| answer(to, 200, "", &tgz(10))), TestProxy::start(Some(BASIC)));
    let http = through(proxies("HTTP_PROXY", &format!("http://u:p%40ss@{}", proxy.address)), Vec::new(), Verify::Skip);
    let (case, url) = (Case::new(), renamed(&server));
    let fetched = case.run(&http, &url.replace("://", "://user:word@"), None).unwrap();
    assert_eq!(fetched.peer.unwrap().to_string(), proxy.address, "nobody knows who is behind it");
    assert_eq!((case.hello().as_str(), proxy.lines()), ("world", vec![format!("GET {url}/")]));
    let asked = server.asked.lock().unwrap();
    assert_eq!((asked[0].path.as_str(), &asked[0].headers["authorization"]), ("/", &"Basic dXNlcjp3b3Jk".to_owned()));
    assert!(!asked[0].headers.contains_key("proxy-authorization"));
    assert_eq!(format!("http://{}", asked[0].headers["host"]), url);
}

#[test]
fn https_goes_through_a_tunnel() {
    let authority = TestAuthority::for_host("blobstore.test");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, &authority.pem).unwrap();
    let (server, proxy) =
        (Server::tls(&authority, |_, _, to| answer(to, 200, "", &tgz(10))), TestProxy::start(Some(BASIC)));
    let address = format!("http://u:p%40ss@{}", proxy.address);
    let (case, url) = (Case::new(), renamed(&server));
    let http = through(proxies("https_proxy", &address), vec![file], Verify::Yes);
    let fetched = case.run(&http, &format!("{url}/read?md5=SECRET"), None).unwrap();
    assert_eq!((fetched.verified, fetched.peer.unwrap().to_string()), (true, proxy.address.clone()));
    assert_eq!(proxy.lines(), [format!("CONNECT {}", url.trim_start_matches("https://"))]);
    assert!(!format!("{:?} {http:?}", proxy.asked.lock().unwrap()).contains("SECRET"), "what is read stays inside");
    assert!(!format!("{http:?}").contains("ss@"), "nor is the proxy's password shown: {http:?}");
}

#[test]
fn a_proxy_of_one_scheme_is_not_used_for_the_other() {
    let (server, proxy) = (Server::plain(|_, _, to| answer(to, 200, "", &tgz(10))), TestProxy::start(None));
    let http = through(proxies("HTTPS_PROXY", &proxy.address), Vec::new(), Verify::Skip);
    Case::new().run(&http, &server.url, None).unwrap();
    let error = with_causes(&Case::new().run(&http, &renamed(&server), None).unwrap_err());
    assert!(error.ends_with("cannot resolve the host name \"blobstore.test\""), "{error}");
    assert_eq!(proxy.lines().len(), 0);
}

#[test]
fn a_proxy_that_does_not_let_us_through_is_blamed_without_its_password() {
    let authority = TestAuthority::for_host("blobstore.test");
    let servers = [
        Server::plain(|_, _, to| answer(to, 200, "", &tgz(10))),
        Server::tls(&authority, |_, _, to| answer(to, 200, "", &tgz(10))),
    ];
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for server in servers {
        let strict = TestProxy::start(Some(BASIC));
        for (address, expected, retries) in [
            (strict.address.clone(), "it answered 407 Proxy Authentication Required", 1),
            (closed.to_string(), "Connection refused", 4),
            ("nobody.invalid:1".to_owned(), "its name cannot be resolved", 4),
        ] {
            let all = Proxies::from_env(|name| name.ends_with("_PROXY").then(|| format!("http://u:SECRET@{address}")))
                .unwrap();
            // NO_PROXY holds a URL then, which excepts nothing.
            let (case, http) = (Case::new(), through(all, Vec::new(), Verify::Skip));
            let error = with_causes(&case.run(&http, &renamed(&server), None).unwrap_err());
            let blamed = format!("the proxy http://***@{address} (");
            assert!(error.contains(&blamed) && error.contains(expected) && !error.contains("SECRET"), "{error}");
            assert_eq!(case.audience.heard_of("retrying").len(), retries - 1, "{error}");
        }
    }
}

#[test]
fn a_connection_through_a_tunnel_is_let_go() {
    let authority = TestAuthority::for_host("blobstore.test");
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let (server, proxy) = (
        Server::tls(&authority, move |_, _, to| {
            answer(to, 201, "", b"");
            let _ = to.read(&mut [0]); // until the client goes
            tell.send(()).unwrap();
        }),
        TestProxy::start(None),
    );
    let http = through(proxies("HTTPS_PROXY", &proxy.address), Vec::new(), Verify::Skip);
    let address = Address::parse(&SafeUrl::new(renamed(&server))).unwrap_or_else(|_| panic!());
    http.post(&address, &[("content-length", "0")], std::io::empty(), Duration::from_secs(10)).unwrap();
    told.recv_timeout(Duration::from_secs(10)).expect("the connection is still open");
}
