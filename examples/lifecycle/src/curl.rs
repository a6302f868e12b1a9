//! One HTTP GET by the stack's curl: a static program cannot rely on resolving names in a stack of another libc, and the
//! stack has the certificates. curl reads URL and headers from its stdin, since everybody can read a command line.

use crate::go_text::go_text;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

const DOWNLOAD_SECONDS: &str = "600"; // the real builder's

/// What to get.
#[derive(Clone, Debug, Default)]
pub(crate) struct Get<'a> {
    /// An http or https URL.
    pub(crate) url: &'a str,
    /// Header lines, without line ends. They may hold secrets.
    pub(crate) headers: Vec<String>,
    /// Whether any certificate will do.
    pub(crate) skip_verify: bool,
}

/// What the last server of a chain of redirections answered; its body is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Names in lower case, in the order sent.
    headers: Vec<(String, String)>,
}

impl Answer {
    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Gets it; the body is written to `file`, that of an error too.
///
/// # Errors
/// `curl: …` where no server answered, in words without the URL.
pub(crate) fn get(request: &Get, file: &Path) -> Result<Answer, String> {
    let texts = request.headers.iter().map(String::as_str).chain([request.url]);
    if texts.flat_map(str::chars).any(char::is_control) {
        return Err("the URL holds control characters".to_owned());
    }
    let headers = tempfile::NamedTempFile::new().map_err(|error| go_text(&error))?;
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--location", "--proto", "=http,https", "--max-time", DOWNLOAD_SECONDS]);
    curl.args(["--write-out", "%{http_code}", "--config", "-"]);
    curl.arg("--output").arg(file).arg("--dump-header").arg(headers.path());
    curl.args(request.skip_verify.then_some("--insecure"));
    let curl = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut curl = curl.map_err(|error| format!("curl: {}", go_text(&error)))?;
    if let Some(mut stdin) = curl.stdin.take() {
        let lines = request.headers.iter().map(|header| format!("header = {}\n", quoted(header)));
        let config: String = lines.chain([format!("url = {}\n", quoted(request.url))]).collect();
        // When curl is gone already, its exit status says more than the broken pipe.
        let _ = stdin.write_all(config.as_bytes());
    }
    let ended = curl.wait_with_output().map_err(|error| go_text(&error))?;
    match String::from_utf8_lossy(&ended.stdout).parse() {
        Ok(status) if status != 0 && ended.status.success() => {
            let text = fs::read(headers.path()).map_err(|error| go_text(&error))?;
            Ok(Answer { status, headers: last_headers(&String::from_utf8_lossy(&text)) })
        }
        _ => Err(format!("curl: {}{}", ended.status, words(ended.status))),
    }
}

/// What the commonest of curl's exit codes mean; its own words may hold the URL.
fn words(status: ExitStatus) -> &'static str {
    match status.code() {
        Some(6) => " (there is no such host)",
        Some(7) => " (nobody listens there)",
        Some(28) => " (it took too long)",
        Some(35) => " (there is no TLS)",
        Some(60) => " (the certificate is not trusted)",
        _ => "",
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Each answer of a chain of redirections has a block of its own.
fn last_headers(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\r\n", "\n");
    let block = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    block.lines().filter_map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_answer_of_a_redirection_counts() {
        let text = "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nHTTP/1.1 200 OK\r\nETag: a:b\r\n\r\n";
        assert_eq!(last_headers(text), [("etag".to_owned(), "a:b".to_owned())]);
    }
}
