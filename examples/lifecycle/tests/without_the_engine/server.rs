//! A small HTTP server, and a registry of one image.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

pub(crate) struct Server {
    address: SocketAddr,
}

impl Server {
    /// Serves these bodies, to whoever has this login if one is given; 404 for everything else. It lives as long as the
    /// test's process.
    pub(crate) fn start(bodies: Vec<(&str, Vec<u8>)>, login: Option<(&str, &str)>) -> Self {
        let bodies: Vec<(String, Vec<u8>)> = bodies.into_iter().map(|(path, body)| (path.to_owned(), body)).collect();
        let login = login.map(|(user, password)| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new((bodies, login));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let served = Arc::clone(&served);
                std::thread::spawn(move || answer(stream, &served.0, served.1.as_deref()));
            }
        });
        Self { address }
    }

    /// Serves the image of an OCI layout under this name.
    pub(crate) fn of_image(layout: &Path, name: &str, tag: &str, login: Option<(&str, &str)>) -> Self {
        let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
        let digest = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
        let mut bodies = Vec::new();
        for entry in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
            let file = entry.unwrap().path();
            let hex = file.file_name().unwrap().to_str().unwrap().to_owned();
            let body = fs::read(file).unwrap();
            if digest == format!("sha256:{hex}") {
                bodies.push((format!("/v2/{name}/manifests/{tag}"), body.clone()));
                bodies.push((format!("/v2/{name}/manifests/{digest}"), body));
            } else {
                bodies.push((format!("/v2/{name}/blobs/sha256:{hex}"), body));
            }
        }
        Self::start(bodies.iter().map(|(path, body)| (path.as_str(), body.clone())).collect(), login)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn answer(mut stream: TcpStream, bodies: &[(String, Vec<u8>)], login: Option<&str>) {
    let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let given = lines.iter().find_map(|line| line.strip_prefix("Authorization: "));
    let (status, body): (&str, &[u8]) = if login.is_some() && given != login {
        ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"test\"", b"")
    } else {
        let found = bodies.iter().find(|(known, _)| known == path);
        found.map_or(("404 Not Found", &b""[..]), |(_, body)| ("200 OK", body))
    };
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(body);
}
