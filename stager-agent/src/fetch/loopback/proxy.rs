//! A proxy on the loopback that does both: tunnels (CONNECT) and passes requests on. Every name leads to this machine,
//! so that a server that nobody can resolve is reached through it alone.

use super::{Received, read_head};
use std::io::{self, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A proxy that lives as long as the test.
pub(crate) struct TestProxy {
    /// `127.0.0.1:1234`.
    pub(crate) address: String,
    /// Everything asked so far.
    pub(crate) asked: Arc<Mutex<Vec<Received>>>,
}

impl TestProxy {
    /// One that lets through who brings this Proxy-Authorization; `None`: everybody.
    pub(crate) fn start(authorization: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<Received>>> = Arc::default();
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                thread::spawn(move || drop(serve(socket, authorization, &log)));
            }
        });
        Self { address, asked }
    }

    /// First lines of what was asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }
}

fn serve(mut client: TcpStream, authorization: Option<&str>, log: &Mutex<Vec<Received>>) -> io::Result<()> {
    let Some(asked) = read_head(&mut client) else { return Ok(()) };
    log.lock().unwrap().push(asked.clone());
    if authorization.is_some_and(|wanted| asked.headers.get("proxy-authorization").is_none_or(|given| given != wanted))
    {
        return client.write_all(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
    }
    let (authority, path) = match asked.path.strip_prefix("http://") {
        Some(rest) => rest.split_at(rest.find('/').unwrap()),
        None => (asked.path.as_str(), ""),
    };
    let port = authority.rsplit(':').next().unwrap();
    let Ok(mut server) = TcpStream::connect(format!("127.0.0.1:{port}")) else {
        return client.write_all(b"HTTP/1.1 502 Nobody there\r\nContent-Length: 0\r\n\r\n");
    };
    if asked.method == "CONNECT" {
        client.write_all(b"HTTP/1.1 200 Go on\r\n\r\n")?;
    } else {
        let own = |(name, _): &(&String, &String)| !name.starts_with("proxy-");
        let headers = asked.headers.iter().filter(own).map(|(name, value)| format!("{name}: {value}\r\n"));
        write!(server, "{} {path} HTTP/1.1\r\n{}\r\n", asked.method, headers.collect::<String>())?;
    }
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Write)
}
