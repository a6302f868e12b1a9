//! HTTP/1.1 on one connection: requests as they come, answers whole or in chunks. What went either way is counted.

use super::World;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// How long is listened for whether the other side has gone.
const GLANCE: Duration = Duration::from_millis(1);

/// A request as it came.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    /// Of head and body.
    pub(super) bytes: usize,
    /// Whether it is the connection's last one.
    pub(super) is_last: bool,
}

/// One client's connection.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    world: World,
    /// Which of the world's requests is being answered.
    pub(super) asked: usize,
    /// A byte comes after each such time.
    pub(super) pace: Option<Duration>,
}

impl Connection {
    pub(super) fn new(world: World, stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true); // else lines of a stream wait for one another
        Self { stream: BufReader::new(stream), world, asked: 0, pace: None }
    }

    /// The next request; `None`: nobody asks any more.
    pub(super) fn request(&mut self) -> io::Result<Option<Request>> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        loop {
            let mut line = String::new();
            let read = self.stream.read_line(&mut line)?;
            bytes += read;
            if read == 0 {
                return Ok(None);
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let mut words = lines.first().map(String::as_str).unwrap_or_default().split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let header = |wanted: &str| {
            let mut headers = lines.iter().filter_map(|line| line.split_once(':'));
            headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
        };
        let length = header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        let is_last = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Some(Request { method, path, body, bytes: bytes + length, is_last }))
    }

    /// An answer at once, with its content's type and further headers.
    pub(super) fn answer(&mut self, code: u16, kind: &str, headers: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let head = format!("HTTP/1.1 {code} x\r\ncontent-type: {kind}\r\n{headers}content-length: {length}\r\n\r\n");
        self.write(&format!("{head}{body}"))
    }

    /// The head of an answer in chunks.
    pub(super) fn begin(&mut self, kind: &str) -> io::Result<()> {
        self.write(&format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"))
    }

    /// One of its chunks.
    pub(super) fn chunk(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("{:x}\r\n{text}\r\n", text.len()))
    }

    /// The first half of one.
    pub(super) fn half_chunk(&mut self, text: &str) -> io::Result<()> {
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        self.write(&format!("{:x}\r\n{half}", text.len()))
    }

    /// The end of an answer in chunks.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.write("0\r\n\r\n")
    }

    /// Whatever it is.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        // Who has read an answer may look at once at what it cost.
        self.world.state().asked[self.asked].sent += text.len();
        let stream = self.stream.get_mut();
        let Some(pace) = self.pace else { return stream.write_all(text.as_bytes()) };
        for byte in text.as_bytes() {
            thread::sleep(pace);
            stream.write_all(&[*byte])?;
        }
        Ok(())
    }

    /// Whether the other side still listens.
    pub(super) fn is_heard(&self) -> bool {
        let stream = self.stream.get_ref();
        let _ = stream.set_read_timeout(Some(GLANCE)); // it never fails with a time that is not zero
        let seen = stream.peek(&mut [0]);
        let _ = stream.set_read_timeout(None);
        match seen {
            Ok(bytes) => bytes > 0,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    /// Says nothing until the other side or the world has enough.
    pub(super) fn hang(&self) {
        while self.is_heard() && !self.world.state().is_over {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
