//! HTTP as a server needs it: a request is read whole, an answer is written as it stands.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A line of a head is at most so long, in bytes.
const LONGEST_LINE: u64 = 64 << 10;

/// A request, as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// What stands behind the question mark, as it came; empty where there is none.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// What came of it: all, unless the client or a fault ended it.
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// The head of the next request; `None` where the client has gone.
    pub(crate) fn read_head(from: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let first = line(from)?;
        let mut words = first.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut asked =
            Self { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), ..Self::default() };
        loop {
            let line = line(from)?;
            let Some((name, value)) = line.split_once(':') else { return Ok(Some(asked)) };
            asked.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
    }

    /// Reads the body, or `most` bytes of it.
    pub(crate) fn read_body(&mut self, from: &mut BufReader<TcpStream>, most: usize) -> io::Result<()> {
        if self.header("transfer-encoding").is_some() {
            loop {
                let size = usize::from_str_radix(&line(from)?, 16).map_err(io::Error::other)?;
                self.take(from, size, most)?;
                line(from)?;
                if size == 0 || self.body.len() == most {
                    return Ok(());
                }
            }
        }
        let length = self.header("content-length").map_or(Ok(0), str::parse).map_err(io::Error::other)?;
        self.take(from, length, most)
    }

    fn take(&mut self, from: &mut BufReader<TcpStream>, length: usize, most: usize) -> io::Result<()> {
        let wanted = length.min(most - self.body.len());
        let read = from.take(wanted as u64).read_to_end(&mut self.body)?;
        if read < wanted { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// What the query says of `name`.
    pub(crate) fn says(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }

    /// All that the query says of `name`, decoded as far as digests, scopes and names of repositories need it.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let decoded = |text: &str| {
            let codes = [("%3A", ":"), ("%2F", "/"), ("%2C", ","), ("%3a", ":"), ("%2f", "/"), ("%2c", ",")];
            codes.iter().fold(text.to_owned(), |text, (code, letter)| text.replace(code, letter))
        };
        let pairs = self.query.split('&').filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pairs.map(decoded).collect()
    }

    /// Method, path and query, as faults name requests.
    pub(crate) fn line(&self) -> String {
        format!("{} {}?{}", self.method, self.path, self.query)
    }
}

/// Without its end; empty at the end of all.
fn line(from: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    from.take(LONGEST_LINE).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// An answer, as it goes.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// `404 Not Found`.
    pub(crate) status: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: &str) -> Self {
        Self { status: status.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// An error as registries tell them.
    pub(crate) fn error(status: &str, code: &str, message: &str) -> Self {
        let errors = serde_json::json!({ "errors": [{ "code": code, "message": message, "detail": null }] });
        Self::new(status).with("Content-Type", "application/json").body(errors.to_string())
    }

    /// An error as proxies tell them.
    pub(crate) fn page(status: &str) -> Self {
        let page = format!(
            "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
             <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status).with("Content-Type", "text/html").body(page)
    }

    pub(crate) fn head(&self) -> String {
        let lines = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n", self.status, lines.collect::<String>(), self.body.len())
    }

    /// `bodiless`: it answers a HEAD.
    pub(crate) fn write(&self, to: &mut impl Write, bodiless: bool) -> io::Result<()> {
        let mut bytes = self.head().into_bytes();
        // No answer with this status has a length.
        if !bodiless && !self.status.starts_with("204") {
            bytes.extend(&self.body);
        }
        to.write_all(&bytes)
    }
}
