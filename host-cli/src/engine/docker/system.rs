//! The engine as a whole.

use super::Docker;
use super::about::{About, Info};
use crate::engine::{EngineError, EngineInfo, System};

impl System for Docker {
    fn socket(&self) -> Option<String> {
        let path = self.api.address.strip_prefix("unix://")?;
        path.starts_with('/').then(|| path.to_owned())
    }

    fn info(&self) -> Result<EngineInfo, EngineError> {
        Ok(self.about()?.info.clone())
    }
}

impl Docker {
    /// Asked for once.
    pub(super) fn about(&self) -> Result<&About, EngineError> {
        if let Some(about) = self.about.get() {
            return Ok(about);
        }
        let info: Info = self.block_on(self.api.get_json("/info", "asking what it is"))?;
        Ok(self.about.get_or_init(|| About::new(info, &self.version, &self.api.address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::docker::endpoint::Environment;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn an_engine_is_asked_once_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine");
        let listener = UnixListener::bind(&socket).unwrap();
        let (asked, calls) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                asked.send(lines.next().unwrap_or_default()).unwrap();
                let _ = lines.find(String::is_empty);
                let body = r#"{"ID":"one","Components":[{"Name":"Engine"}]}"#;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
                write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        let host = format!("unix://{}", socket.display());
        let docker = Docker::connect_with(&Environment { host, ..Environment::default() }).unwrap();
        docker.info().unwrap();
        docker.info().unwrap();
        assert_eq!(docker.about().unwrap().identity, "one");
        let asked: Vec<String> = calls.try_iter().collect();
        assert_eq!(asked, ["GET /version HTTP/1.1", "GET /v1.47/info HTTP/1.1"]);
    }
}
