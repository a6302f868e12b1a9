//! What a registry holds, and the API by which it is put there: pure, but for what it remembers.

use super::http::{Answer, Asked};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// `sha256:…` of these bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// A manifest as it was put: media type and bytes.
pub(crate) type Manifest = (String, Vec<u8>);

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// By repository and digest.
    pub(crate) blobs: HashMap<(String, String), Vec<u8>>,
    /// By repository and tag or digest.
    pub(crate) manifests: HashMap<(String, String), Manifest>,
    /// Unfinished uploads by their id.
    pub(crate) uploads: HashMap<String, Vec<u8>>,
    /// Those of them whose newest chunk was too short for any but the last.
    short: HashSet<String>,
    /// How many uploads have begun.
    begun: usize,
}

/// What a registry may do or not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits {
    /// Hangs up without a word where somebody speaks TLS.
    pub(crate) mute: bool,
    /// Mounts blobs of other repositories.
    pub(crate) mounts: bool,
    /// The most bytes of a request's body; none: any number.
    pub(crate) largest: Option<usize>,
    /// The fewest bytes of a chunk that is not the last.
    pub(crate) shortest_chunk: Option<usize>,
    /// How a chunk is refused that says which it is; none: it is taken.
    pub(crate) refuses_chunks: Option<&'static str>,
    /// Keeps another byte in the place of the last that came before a connection ended.
    pub(crate) spoils_rests: bool,
    /// What stands before the path in a `Location`: `http://HOST:PORT`, or nothing for one without host.
    pub(crate) locations: String,
    /// Where blobs are fetched: `http://HOST:PORT`; none: here.
    pub(crate) blobs_elsewhere: Option<String>,
}

/// What a path below `/v2/` asks for.
enum What<'a> {
    Blob(&'a str),
    Upload(&'a str),
    Manifest(&'a str),
}

fn parse(path: &str) -> Option<(&str, What<'_>)> {
    let path = path.strip_prefix("/v2/")?;
    if let Some((repository, upload)) = path.split_once("/blobs/uploads/") {
        return Some((repository, What::Upload(upload)));
    }
    if let Some((repository, digest)) = path.split_once("/blobs/") {
        return Some((repository, What::Blob(digest)));
    }
    path.split_once("/manifests/").map(|(repository, name)| (repository, What::Manifest(name)))
}

impl Store {
    /// Does what is asked.
    pub(crate) fn answer(&mut self, asked: &Asked, habits: &Habits) -> Answer {
        if asked.path == "/v2/" {
            return Answer::new("200 OK").body("{}");
        }
        let Some((repository, what)) = parse(&asked.path) else { return Answer::page("404 Not Found") };
        match (asked.method.as_str(), what) {
            ("GET" | "HEAD", What::Blob(digest)) => self.blob(asked, repository, digest, habits),
            ("GET" | "HEAD", What::Manifest(name)) => self.manifest(repository, name),
            ("PUT", What::Manifest(name)) => self.put_manifest(asked, repository, name),
            ("POST", What::Upload("")) => self.begin(asked, repository, habits),
            (method, What::Upload(id)) => self.upload(method, asked, repository, id, habits),
            _ => Answer::error("405 Method Not Allowed", "UNSUPPORTED", "not supported"),
        }
    }

    fn blob(&self, asked: &Asked, repository: &str, digest: &str, habits: &Habits) -> Answer {
        let Some(bytes) = self.blobs.get(&(repository.to_owned(), digest.to_owned())) else {
            return Answer::error("404 Not Found", "BLOB_UNKNOWN", "blob unknown to registry");
        };
        if let (Some(elsewhere), "GET") = (&habits.blobs_elsewhere, asked.method.as_str()) {
            let location = format!("{elsewhere}{}?X-Amz-Signature=s3cret-of-the-push-tests", asked.path);
            return Answer::new("307 Temporary Redirect").with("Location", location);
        }
        let answer = Answer::new("200 OK").with("Docker-Content-Digest", digest).with("Accept-Ranges", "bytes");
        let from =
            asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse().ok());
        match from {
            Some(from) if from < bytes.len() => {
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                Answer { status: "206 Partial Content".to_owned(), ..answer }
                    .with("Content-Range", range)
                    .body(&bytes[from..])
            }
            _ => answer.body(bytes.clone()),
        }
    }

    fn manifest(&self, repository: &str, name: &str) -> Answer {
        match self.manifests.get(&(repository.to_owned(), name.to_owned())) {
            Some((media_type, bytes)) => Answer::new("200 OK")
                .with("Content-Type", media_type)
                .with("Docker-Content-Digest", digest(bytes))
                .body(bytes.clone()),
            None => Answer::error("404 Not Found", "MANIFEST_UNKNOWN", "manifest unknown"),
        }
    }

    fn put_manifest(&mut self, asked: &Asked, repository: &str, name: &str) -> Answer {
        let Ok(document) = serde_json::from_slice::<serde_json::Value>(&asked.body) else {
            return Answer::error("400 Bad Request", "MANIFEST_INVALID", "manifest invalid");
        };
        let layers = document["layers"].as_array().cloned().unwrap_or_default();
        for descriptor in layers.iter().chain([&document["config"]]) {
            let digest = descriptor["digest"].as_str().unwrap_or_default().to_owned();
            let held = self.blobs.get(&(repository.to_owned(), digest));
            if held.is_none_or(|bytes| Some(bytes.len() as u64) != descriptor["size"].as_u64()) {
                return Answer::error("404 Not Found", "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry");
            }
        }
        let own = digest(&asked.body);
        let media_type = asked.header("content-type").unwrap_or_default().to_owned();
        for name in [name, &own] {
            let key = (repository.to_owned(), name.to_owned());
            self.manifests.insert(key, (media_type.clone(), asked.body.clone()));
        }
        Answer::new("201 Created").with("Docker-Content-Digest", own)
    }

    fn begin(&mut self, asked: &Asked, repository: &str, habits: &Habits) -> Answer {
        if let (Some(digest), Some(from)) = (asked.says("mount"), asked.says("from"))
            && habits.mounts
            && let Some(bytes) = self.blobs.get(&(from, digest.clone())).cloned()
        {
            self.blobs.insert((repository.to_owned(), digest.clone()), bytes);
            return created(repository, &digest);
        }
        if let Some(wanted) = asked.says("digest") {
            return self.keep(repository, &wanted, asked.body.clone());
        }
        self.begun += 1;
        let id = format!("upload-{}", self.begun);
        self.uploads.insert(id.clone(), Vec::new());
        Self::told("202 Accepted", repository, &id, 0, habits)
    }

    fn upload(&mut self, method: &str, asked: &Asked, repository: &str, id: &str, habits: &Habits) -> Answer {
        let Some(bytes) = self.uploads.get_mut(id) else {
            return Answer::error("404 Not Found", "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
        };
        if asked.says("state").as_deref() != Some(&format!("{}", bytes.len())) && matches!(method, "PATCH" | "PUT") {
            return Answer::error("400 Bad Request", "BLOB_UPLOAD_INVALID", "this Location is not the newest");
        }
        let begins = asked.header("content-range").and_then(|range| range.split('-').next()?.parse::<usize>().ok());
        if begins.is_some_and(|begins| begins != bytes.len()) {
            return Self::told("416 Range Not Satisfiable", repository, id, self.uploads[id].len(), habits);
        }
        if let (Some(status), "PATCH", Some(_)) = (habits.refuses_chunks, method, begins) {
            return Answer::error(status, "UNSUPPORTED", "chunks are not supported");
        }
        match method {
            "GET" => Self::told("204 No Content", repository, id, bytes.len(), habits),
            "PATCH" if self.short.contains(id) => {
                Answer::error("416 Range Not Satisfiable", "SIZE_INVALID", "chunk is too short")
            }
            "PATCH" => {
                bytes.extend(&asked.body);
                if habits.shortest_chunk.is_some_and(|least| asked.body.len() < least) {
                    self.short.insert(id.to_owned());
                }
                Self::told("202 Accepted", repository, id, self.uploads[id].len(), habits)
            }
            "PUT" => {
                let mut bytes = self.uploads.remove(id).unwrap_or_default();
                bytes.extend(&asked.body);
                self.keep(repository, &asked.says("digest").unwrap_or_default(), bytes)
            }
            "DELETE" => {
                self.uploads.remove(id);
                Answer::new("204 No Content")
            }
            _ => Answer::error("405 Method Not Allowed", "UNSUPPORTED", "not supported"),
        }
    }

    /// What came of a request whose client or connection has gone: a chunk counts as far as it came.
    pub(crate) fn broken_off(&mut self, asked: &Asked, habits: &Habits) {
        if let ("PATCH", Some((_, What::Upload(id)))) = (asked.method.as_str(), parse(&asked.path))
            && let Some(bytes) = self.uploads.get_mut(id)
        {
            bytes.extend(&asked.body);
            if let (true, Some(last)) = (habits.spoils_rests, bytes.last_mut()) {
                *last ^= 1;
            }
        }
    }

    fn keep(&mut self, repository: &str, wanted: &str, bytes: Vec<u8>) -> Answer {
        if digest(&bytes) != wanted {
            let words = "provided digest did not match uploaded content";
            return Answer::error("400 Bad Request", "DIGEST_INVALID", words);
        }
        self.blobs.insert((repository.to_owned(), wanted.to_owned()), bytes);
        created(repository, wanted)
    }

    /// Where an upload goes on. The Location changes with each chunk, as real ones do.
    fn told(status: &str, repository: &str, id: &str, length: usize, habits: &Habits) -> Answer {
        let location = format!("{}/v2/{repository}/blobs/uploads/{id}?kept=a%2Fb&state={length}", habits.locations);
        let answer = Answer::new(status).with("Location", location).with("Docker-Upload-UUID", id);
        let answer = answer.with("Range", format!("0-{}", length.saturating_sub(1)));
        match habits.shortest_chunk {
            Some(least) if status.starts_with("202") => answer.with("OCI-Chunk-Min-Length", least.to_string()),
            _ => answer,
        }
    }
}

fn created(repository: &str, digest: &str) -> Answer {
    let location = format!("/v2/{repository}/blobs/{digest}");
    Answer::new("201 Created").with("Location", location).with("Docker-Content-Digest", digest)
}
