//! cc-uploader and Cloud Controller together, over real sockets on the loopback interface.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::digest::{Sums, SumsHasher};
use crate::manage::certificates;
use crate::state::{KnownApp, Settings};

const APP: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";

struct Pair {
    folder: TempDir,
    uploader: SocketAddr,
    controller: SocketAddr,
    _runtime: Runtime,
}

/// The first line's status and the body.
type Reply = (u16, String);

impl Pair {
    fn start() -> Pair {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path());
        state.create().unwrap();
        state.keep(&Settings::fresh()).unwrap();
        state
            .remember(&KnownApp {
                name: "a".into(),
                guid: APP.into(),
                stack: "cflinuxfs2".into(),
                processes: std::collections::BTreeMap::new(),
            })
            .unwrap();
        certificates::provide(&state).unwrap();
        let faults = || Faults::at(state.path("faults.json"));
        let poll = Duration::from_millis(20);
        let uploader = cc_uploader::router(Uploader::new(&state, poll, faults()).unwrap());
        let controller = cloud_controller::router(state.clone(), faults());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap();
        let serve = |router| {
            let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
            let address = listener.local_addr().unwrap();
            runtime.spawn(listen(listener, router));
            address
        };
        Pair { uploader: serve(uploader), controller: serve(controller), folder, _runtime: runtime }
    }

    fn faults(&self, text: &str) {
        fs::write(self.folder.path().join("faults.json"), text).unwrap();
    }

    fn target(&self, user: &str, path: &str) -> String {
        format!("http://{user}{}{path}", self.controller)
    }

    fn droplet_target(&self) -> String {
        self.target("upload_user:up%2Fpw@", &format!("/staging/droplets/{APP}/upload"))
    }

    fn cache_target(&self) -> String {
        self.target("upload_user:up%2Fpw@", &format!("/staging/buildpack_cache/{APP}/upload"))
    }

    fn droplet(&self, target: &str, headers: &str, body: &[u8]) -> Reply {
        let target = utf8_percent_encode(target, NON_ALPHANUMERIC);
        let path = format!("/v1/droplet/{APP}?cc-droplet-upload-uri={target}&timeout=60");
        self.post(&path, &format!("Content-Length: {}\r\n{headers}", body.len()), body)
    }

    fn post(&self, path: &str, headers: &str, body: &[u8]) -> Reply {
        exchange(self.uploader, "POST", path, headers, body)
    }

    fn stored(&self) -> Vec<PathBuf> {
        files(&self.folder.path().join("blobstore"))
    }
}

/// By hand, so that nothing is added to what a test says.
fn exchange(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(body); // a server may answer before it has read all
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn sums(body: &[u8]) -> Sums {
    let mut digests = SumsHasher::default();
    digests.update(body);
    digests.finish()
}

#[test]
fn a_droplet_is_answered_with_201_when_its_job_has_finished_and_lies_in_the_blobstore() {
    let pair = Pair::start();
    let body: Vec<u8> = (0..12_000_000_u32).map(|index| index.to_le_bytes()[0] ^ index.to_le_bytes()[2]).collect();
    let sums = sums(&body);
    let header = format!("Content-MD5: {}\r\nContent-Digest: sha-256=:{}:\r\n", sums.md5_base64, sums.sha256_base64);
    assert_eq!(pair.droplet(&pair.droplet_target(), &header, &body), (201, String::new()));
    let stored = pair.stored();
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert!(stored[0].to_string_lossy().contains(&format!("cc-droplets/18/c5/{APP}/")), "{stored:?}");
    assert!(fs::read(&stored[0]).unwrap() == body);
}

#[test]
fn build_artifacts_are_answered_with_200_and_kept_for_the_apps_stack() {
    let pair = Pair::start();
    let target = utf8_percent_encode(&pair.cache_target(), NON_ALPHANUMERIC).to_string();
    let path = format!("/v1/build_artifacts/{APP}?cc-build-artifacts-upload-uri={target}");
    assert_eq!(pair.post(&path, "Content-Length: 5\r\n", b"cache"), (200, String::new()));
    let path = format!("blobstore/cc-droplets/buildpack_cache/18/c5/{APP}-cflinuxfs2");
    assert_eq!(fs::read(pair.folder.path().join(path)).unwrap(), b"cache");
}

#[test]
fn todays_internal_urls_need_no_password_and_name_the_stack() {
    let pair = Pair::start();
    let guid = "5a4f0a7e-1b4e-4f0c-9d65-0f1c9c6e7a11";
    let target = pair.target("", &format!("/internal/v4/droplets/{guid}/upload"));
    assert_eq!(pair.droplet(&target, "", b"droplet").0, 201);
    assert!(pair.stored()[0].to_string_lossy().contains(&format!("cc-droplets/5a/4f/{guid}/")));
}

#[test]
fn a_body_without_length_is_answered_with_411() {
    let pair = Pair::start();
    let target = utf8_percent_encode(&pair.droplet_target(), NON_ALPHANUMERIC).to_string();
    let path = format!("/v1/droplet/{APP}?cc-droplet-upload-uri={target}");
    let expected = (411, "Missing Content Length".to_owned());
    assert_eq!(pair.post(&path, "Transfer-Encoding: chunked\r\n", b"7\r\ndroplet\r\n0\r\n\r\n"), expected);
    assert_eq!(pair.post(&path, "Content-Length: 0\r\n", b""), expected);
    assert!(pair.stored().is_empty());
}

#[test]
fn wrong_parameters_are_answered_with_400_and_other_methods_with_405() {
    let pair = Pair::start();
    let status = |query: &str| pair.post(&format!("/v1/droplet/x?{query}"), "Content-Length: 1\r\n", b"x").0;
    assert_eq!(status(""), 400);
    assert_eq!(status("cc-droplet-upload-uri="), 400);
    assert_eq!(status("cc-droplet-upload-uri=no%20url"), 400);
    assert_eq!(status("cc-droplet-upload-uri=http%3A%2F%2Fx%2F&timeout=soon"), 400);
    assert_eq!(exchange(pair.uploader, "PUT", "/v1/droplet/x", "Content-Length: 0\r\n", b"").0, 405);
}

#[test]
fn cloud_controllers_refusals_come_through_with_status_and_body() {
    let pair = Pair::start();
    let wrong = pair.droplet(&pair.droplet_target(), "Content-MD5: d3Jvbmc=\r\n", b"droplet");
    let text = "status code: 400\n{\"code\":170001,\"description\":\"Staging error: content md5 did not match\",\
                \"error_code\":\"CF-StagingError\"}";
    assert_eq!(wrong, (400, text.to_owned()));
    let wrong = pair.droplet(&pair.droplet_target(), "Content-Digest: sha-256=:d3Jvbmc=:\r\n", b"droplet");
    assert_eq!(wrong, (400, text.replace("content md5", "content digest")));
    let target = pair.target("upload_user:wrong@", &format!("/staging/droplets/{APP}/upload"));
    let (status, text) = pair.droplet(&target, "", b"droplet");
    assert_eq!((status, text.lines().next()), (401, Some("status code: 401")));
    let target = pair.target("upload_user:up%2Fpw@", "/staging/droplets/nobodys-app/upload");
    let (status, text) = pair.droplet(&target, "", b"droplet");
    assert_eq!(status, 404);
    assert!(text.contains("CF-AppNotFound"), "{text}");
    assert!(pair.stored().is_empty());
    assert!(files(&pair.folder.path().join("tmp")).is_empty(), "nothing half received stays");
}

#[test]
fn nobody_at_cloud_controllers_address_is_a_500() {
    let pair = Pair::start();
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    assert_eq!(pair.droplet(&format!("http://{free}/staging/droplets/{APP}/upload"), "", b"x").0, 500);
}

#[test]
fn faults_on_order_refuse_so_many_uploads_fail_the_job_and_answer_slowly() {
    let pair = Pair::start();
    let upload = || pair.droplet(&pair.droplet_target(), "", b"droplet");
    pair.faults(r#"{"uploader_refuses": 2, "uploader_status": 500}"#);
    assert_eq!([upload().0, upload().0, upload().0], [500, 500, 201]);
    pair.faults(r#"{"uploader_refuses": 1}"#);
    assert_eq!([upload().0, upload().0], [503, 201]);
    pair.faults(r#"{"job_fails": true}"#);
    assert_eq!(upload(), (500, "upload job failed".to_owned()));
    pair.faults(r#"{"md5_mismatch": true}"#);
    assert_eq!(upload().0, 400);
    pair.faults(r#"{"uploader_delay_ms": 60000}"#);
    let target = utf8_percent_encode(&pair.droplet_target(), NON_ALPHANUMERIC).to_string();
    let path = format!("/v1/droplet/{APP}?cc-droplet-upload-uri={target}&timeout=1");
    let slow = pair.post(&path, "Content-Length: 1\r\n", b"x");
    assert_eq!(slow, (500, "upstream request was cancelled".to_owned()));
    pair.faults("{\"uploader_refuse\": 1}");
    let (status, text) = upload();
    assert_eq!(status, 500);
    assert!(text.contains("unknown field"), "{text}");
}

#[test]
fn a_client_that_breaks_off_leaves_nothing() {
    let pair = Pair::start();
    let target = utf8_percent_encode(&pair.droplet_target(), NON_ALPHANUMERIC).to_string();
    let path = format!("/v1/droplet/{APP}?cc-droplet-upload-uri={target}");
    let mut stream = TcpStream::connect(pair.uploader).unwrap();
    write!(stream, "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply); // closed or 500, both will do
    assert!(!reply.contains(" 201 "), "{reply}");
    assert!(pair.stored().is_empty());
}

#[test]
fn a_multipart_without_file_is_refused_as_malformed() {
    let pair = Pair::start();
    let body = b"--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\ntext\r\n--b--\r\n";
    let headers = format!(
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\
         Authorization: Basic dXBsb2FkX3VzZXI6dXAvcHc=\r\n",
        body.len()
    );
    let path = format!("/staging/droplets/{APP}/upload");
    let (status, text) = exchange(pair.controller, "POST", &path, &headers, body);
    assert_eq!(status, 400);
    assert!(text.contains("malformed droplet upload request"), "{text}");
    assert_eq!(exchange(pair.controller, "GET", &path, "", b"").0, 404);
    assert_eq!(exchange(pair.controller, "GET", "/v2/jobs/unknown", "", b"").0, 404);
}
